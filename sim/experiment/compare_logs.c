/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compare_logs.c - the first ticks at which two logs of decisions differ. */
#include <spillway/json.h>
#include <stdlib.h>
#include <string.h>

#include "sim/experiment/compare.h"

enum { ACTIONS_SHOWN = 8 };

typedef struct log_line {
    const char *text, *plan; /**< plan: where the actions begin */
    size_t size, plan_size;
} log_line;

static bool next_line(const char **at, const char *end, log_line *line)
{
    static const char mark[] = "\"plan\":";
    if (*at >= end) {
        return false;
    }
    const char *stop = memchr(*at, '\n', (size_t)(end - *at));
    stop = stop != NULL ? stop + 1 : end;
    *line = (log_line){*at, *at, (size_t)(stop - *at), (size_t)(stop - *at)};
    for (const char *p = *at; p + sizeof mark - 1 < stop; p++) {
        if (memcmp(p, mark, sizeof mark - 1) == 0) {
            line->plan = p;
            line->plan_size = (size_t)(stop - p);
            break;
        }
    }
    *at = stop;
    return true;
}

/* The actions of one line of a log, a line each. */
static char *actions_of(const log_line *line, int64_t *now_ns)
{
    char *text = NULL;
    size_t size = 0;
    const spw_json_line *read = NULL;
    spw_diag *diag = NULL;
    FILE *out = open_memstream(&text, &size);
    if (out != NULL && spw_diag_new(NULL, 1, &diag) == SPW_OK &&
        spw_json_line_read(line->text, line->size, "decisions", 1, diag, &read) == SPW_OK && read->tick != NULL) {
        const spw_json_tick *t = read->tick;
        *now_ns = t->now;
        for (size_t i = 0; i < t->plan_count && i < ACTIONS_SHOWN; i++) {
            fprintf(out, "%s%s", i > 0 ? "\n" : "", t->plan[i]);
        }
        if (t->plan_count > ACTIONS_SHOWN) {
            fprintf(out, "\n... and %zu more", t->plan_count - ACTIONS_SHOWN);
        }
    }
    spw_json_line_free(read);
    spw_diag_free(diag);
    if (out != NULL && fclose(out) != 0) {
        free(text);
        text = NULL;
    }
    return text;
}

int32_t compare_logs(const char *a, size_t a_size, const char *b, size_t b_size, cmp_moment moments[CMP_MOMENTS])
{
    const char *end_a = a + a_size, *end_b = b + b_size;
    log_line x, y;
    int32_t found = 0;
    while (found < CMP_MOMENTS && next_line(&a, end_a, &x) && next_line(&b, end_b, &y)) {
        if (x.plan_size == y.plan_size && memcmp(x.plan, y.plan, x.plan_size) == 0) {
            continue;
        }
        cmp_moment *m = &moments[found++];
        int64_t same_tick = 0;
        m->now_ns = 0;
        m->base = actions_of(&x, &m->now_ns);
        m->candidate = actions_of(&y, &same_tick);
        if (m->base == NULL || m->candidate == NULL) {
            return -1;
        }
    }
    return found;
}

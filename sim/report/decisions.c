/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decisions.c - see decisions.h. A log is long and a burst short: only lines of its time are read as JSON. */
#include "sim/report/decisions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include <spillway/json.h>

/** "now_ns" of a tick's line, without reading it whole. @return false: not a tick, or one without actions */
static bool time_of(const char *line, double *at_s)
{
    const char *now = strstr(line, "\"now_ns\":"), *plan = strstr(line, "\"plan\":[");
    if (strncmp(line, "{\"tick\":", 8) != 0 || now == NULL || plan == NULL || plan[8] == ']') {
        return false;
    }
    *at_s = strtod(now + 9, NULL) / 1e9;
    return true;
}

static bool names(const char *text, const char *workload)
{
    const size_t length = strlen(workload);
    for (const char *at = strstr(text, workload); at != NULL; at = strstr(at + 1, workload)) {
        if ((at == text || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0')) {
            return true;
        }
    }
    return false;
}

static int add(rep_decisions *d, double at_s, const char *text)
{
    if ((d->count & (d->count + 1)) == 0) { /* room for one less than a power of two */
        rep_decision *grown = realloc(d->at, (2 * d->count + 1) * sizeof *grown);
        if (grown == NULL) {
            return -1;
        }
        d->at = grown;
    }
    char *copy = strdup(text);
    if (copy == NULL) {
        return -1;
    }
    d->at[d->count++] = (rep_decision){at_s, copy};
    return 0;
}

static int take_line(rep_decisions *d, const char *line, size_t size, const char *workload, double at_s, spw_diag *diag)
{
    const spw_json_line *parsed = NULL;
    int rc = 0;
    if (spw_json_line_read(line, size, "decisions.jsonl", 0, diag, &parsed) != SPW_OK) {
        return 0; /* a damaged line is for `replay` to complain about */
    }
    for (size_t i = 0; parsed->tick != NULL && rc == 0 && i < parsed->tick->plan_count; i++) {
        const char *text = parsed->tick->plan[i];
        const bool nodes = strncmp(text, "provision ", 10) == 0 || strncmp(text, "release ", 8) == 0;
        if (nodes || (strncmp(text, "route ", 6) != 0 && names(text, workload))) {
            rc = add(d, at_s, text);
        }
    }
    spw_json_line_free(parsed);
    return rc;
}

int rep_decisions_read(rep_decisions *d, const char *dir, const char *workload, double from_s, double to_s)
{
    char path[1200];
    spw_diag *diag = NULL;
    char *line = NULL;
    size_t room = 0;
    int rc = 0;
    *d = (rep_decisions){NULL, 0};
    snprintf(path, sizeof path, "%.1100s/decisions.jsonl", dir);
    FILE *in = fopen(path, "r");
    if (in == NULL) {
        return 0;
    }
    if (spw_diag_new(NULL, 1, &diag) != SPW_OK) {
        fclose(in);
        return -1;
    }
    for (ssize_t size = getline(&line, &room, in); size > 0 && rc == 0; size = getline(&line, &room, in)) {
        double at_s = 0;
        if (time_of(line, &at_s) && at_s >= from_s && at_s <= to_s) {
            rc = take_line(d, line, (size_t)size, workload, at_s, diag);
        }
    }
    free(line);
    spw_diag_free(diag);
    fclose(in);
    if (rc != 0) {
        rep_decisions_fini(d);
    }
    return rc;
}

void rep_decisions_fini(rep_decisions *d)
{
    for (size_t i = 0; i < d->count; i++) {
        free(d->at[i].text);
    }
    free(d->at);
    *d = (rep_decisions){NULL, 0};
}

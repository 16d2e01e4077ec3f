/* SPDX-License-Identifier: GPL-3.0-or-later */
/* values.c - the figures of one run by name; see report.h. */
#include <stdlib.h>
#include <string.h>

#include "sim/report/figures.h"
#include "sim/report/report.h"

enum { NAME_SIZE = 512, DEPTH = 12 };

typedef struct named {
    char *name;
    double value;
} named;

struct report_values {
    named *at;
    size_t count;
};

/** The way down to the present entry. */
typedef struct trail {
    size_t length[DEPTH]; /**< of the name at each level */
    int32_t item[DEPTH];  /**< next index of an array, -1 for an object */
    int depth;
    char name[NAME_SIZE];
} trail;

/** Puts the entry's own part behind the name of its level. @return length of the whole */
static size_t put_name(trail *t, const char *key)
{
    const size_t base = t->length[t->depth];
    int n;
    if (t->item[t->depth] >= 0) {
        n = snprintf(t->name + base, NAME_SIZE - base, "[%d]", (int)t->item[t->depth]++);
    } else {
        n = snprintf(t->name + base, NAME_SIZE - base, "%s%s", base > 0 ? "." : "", key);
    }
    const size_t all = base + (n > 0 ? (size_t)n : 0);
    return all < NAME_SIZE ? all : NAME_SIZE - 1;
}

static void enter(trail *t, const figure *e)
{
    const size_t length = put_name(t, e->key);
    if (t->depth + 1 < DEPTH) {
        t->depth++;
    }
    t->length[t->depth] = length;
    t->item[t->depth] = e->kind == FIG_ARRAY ? 0 : -1;
}

report_values *report_values_of(const sc_scenario *sc, const res_run *run)
{
    rep_view view;
    res_run *const runs[] = {(res_run *)(uintptr_t)run}; /* a view only reads */
    if (rep_view_init(&view, sc, runs, 1) != 0) {
        return NULL;
    }
    figures f;
    figures_of_run(&f, &view, run, true);
    report_values *values = calloc(1, sizeof *values);
    bool good = values != NULL && !f.failed && (values->at = calloc(f.count + 1, sizeof *values->at)) != NULL;
    trail t = {.item = {-1}};
    for (size_t k = 0; good && k < f.count; k++) {
        const figure *e = &f.at[k];
        if (e->kind == FIG_OBJECT || e->kind == FIG_ARRAY) {
            enter(&t, e);
        } else if (e->kind == FIG_END_OBJECT || e->kind == FIG_END_ARRAY) {
            t.depth--;
        } else {
            const size_t length = put_name(&t, e->key);
            if (e->kind == FIG_TEXT) {
                continue;
            }
            named *n = &values->at[values->count++];
            n->name = strndup(t.name, length);
            n->value = figure_number(e);
            good = n->name != NULL;
        }
    }
    figures_fini(&f);
    rep_view_fini(&view);
    if (!good) {
        report_values_free(values);
        return NULL;
    }
    return values;
}

void report_values_free(report_values *values)
{
    for (size_t i = 0; values != NULL && i < values->count; i++) {
        free(values->at[i].name);
    }
    free(values != NULL ? values->at : NULL);
    free(values);
}

size_t report_values_count(const report_values *values)
{
    return values->count;
}

const char *report_values_name(const report_values *values, size_t index)
{
    return values->at[index].name;
}

int report_value(const report_values *values, const char *name, double *value)
{
    for (size_t i = 0; i < values->count; i++) {
        if (strcmp(values->at[i].name, name) == 0) {
            *value = values->at[i].value;
            return 0;
        }
    }
    return -1;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plan_words.c - knobs as they are written, and what is read off a plan; see plan.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/experiment/plan.h"

void plan_values(const plan *p, int32_t point, int32_t *value)
{
    for (int32_t k = p->options->knob_count - 1; k >= 0; k--) {
        value[k] = point % p->options->knobs[k].count;
        point /= p->options->knobs[k].count;
    }
}

const char *plan_knob_name(const plan *p, int32_t knob)
{
    const char *path = p->options->knobs[knob].path, *dot = strrchr(path, '.');
    for (int32_t k = 0; dot != NULL && k < p->options->knob_count; k++) {
        const char *other = strrchr(p->options->knobs[k].path, '.');
        if (k != knob && other != NULL && strcmp(other, dot) == 0) {
            return path;
        }
    }
    return dot != NULL ? dot + 1 : path;
}

char *plan_describe(const plan *p, int32_t point, char *buf, size_t size)
{
    int32_t value[PLAN_KNOBS_MAX];
    size_t used = 0;
    plan_values(p, point, value);
    buf[0] = '\0';
    for (int32_t k = 0; k < p->options->knob_count && used < size; k++) {
        const plan_knob *knob = &p->options->knobs[k];
        const int n = snprintf(buf + used, size - used, "%s%s=%s", k > 0 ? " " : "", plan_knob_name(p, k),
                               knob->values[value[k]]);
        used += n > 0 ? (size_t)n : 0;
    }
    return buf;
}

void plan_profile(const plan *p, int32_t knob, int32_t *best)
{
    for (int32_t v = 0; v < p->options->knobs[knob].count; v++) {
        best[v] = -1;
    }
    for (int32_t i = 0; i < p->point_count; i++) {
        int32_t value[PLAN_KNOBS_MAX];
        plan_values(p, i, value);
        int32_t *at = &best[value[knob]];
        if (p->points[i].runs > 0 && plan_feasible(p, i) &&
            (*at < 0 || plan_mean(p, i, PLAN_COST) < plan_mean(p, *at, PLAN_COST))) {
            *at = i;
        }
    }
}

static int add_value(plan_knob *knob, const char *text, size_t size)
{
    char **more = realloc(knob->values, (size_t)(knob->count + 1) * sizeof *more);
    if (more == NULL) {
        return -1;
    }
    knob->values = more;
    knob->values[knob->count] = strndup(text, size);
    return knob->values[knob->count++] != NULL ? 0 : -1;
}

/* Decimals as they are written: 0.05 has two. */
static int decimals(const char *text, const char *end)
{
    const char *point = memchr(text, '.', (size_t)(end - text));
    return point != NULL ? (int)(end - point - 1) : 0;
}

static int parse_range(const char *text, const char *dots, plan_knob *knob, char *err, size_t err_size)
{
    char *end_a, *end_b, *end_step = NULL;
    char low[64];
    snprintf(low, sizeof low, "%.*s", (int)(dots - text), text);
    const double a = strtod(low, &end_a), b = strtod(dots + 2, &end_b);
    const char *colon = strchr(end_b, ':');
    const size_t unit = colon != NULL ? (size_t)(colon - end_b) : strlen(end_b);
    double step = 1;
    int places = decimals(low, end_a), more = decimals(dots + 2, end_b);
    places = places > more ? places : more;
    bool good = end_a != low && end_b != dots + 2 && strlen(end_a) == unit && strncmp(end_a, end_b, unit) == 0;
    if (colon != NULL) {
        step = strtod(colon + 1, &end_step);
        more = decimals(colon + 1, end_step);
        places = places > more ? places : more;
        good = good && end_step != colon + 1 && strlen(end_step) == unit && strncmp(end_step, end_b, unit) == 0;
    }
    if (!good || !(step > 0) || !(a < b) || !((b - a) / step < PLAN_POINTS_MAX)) {
        snprintf(err, err_size, "'%s' is no range: A..B or A..B:STEP, rising, all in the same unit", text);
        return -1;
    }
    for (int32_t i = 0; a + i * step <= b + 1e-9 * step; i++) {
        char value[96];
        snprintf(value, sizeof value, "%.*f%.*s", places, a + i * step, (int)unit, end_b);
        if (add_value(knob, value, strlen(value)) != 0) {
            snprintf(err, err_size, "out of memory");
            return -1;
        }
    }
    return 0;
}

int plan_knob_parse(const char *text, plan_knob *knob, char *err, size_t err_size)
{
    const char *equal = strchr(text, '=');
    *knob = (plan_knob){0};
    if (equal == NULL || equal == text || equal[1] == '\0') {
        snprintf(err, err_size, "wants PATH=A..B, PATH=A..B:STEP or PATH=X|Y, not '%s'", text);
        return -1;
    }
    knob->path = strndup(text, (size_t)(equal - text));
    const char *dots = strstr(equal, "..");
    /* "../a.yaml|../b.yaml" is a list: a range has a number before its dots */
    if (dots != NULL && strchr(equal, '|') == NULL && dots > equal + 1) {
        return parse_range(equal + 1, dots, knob, err, err_size);
    }
    for (const char *at = equal + 1; knob->path != NULL;) {
        const size_t n = strcspn(at, "|");
        if (n == 0) {
            snprintf(err, err_size, "an empty value in '%s'", text);
            return -1;
        }
        if (add_value(knob, at, n) != 0) {
            break;
        }
        if (at[n] == '\0') {
            return 0;
        }
        at += n + 1;
    }
    snprintf(err, err_size, "out of memory");
    return -1;
}

void plan_knob_fini(plan_knob *knob)
{
    for (int32_t i = 0; i < knob->count; i++) {
        free(knob->values[i]);
    }
    free(knob->values);
    free(knob->path);
    *knob = (plan_knob){0};
}

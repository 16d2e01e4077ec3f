/* SPDX-License-Identifier: GPL-3.0-or-later */
/* camp_table.c - the points of a campaign read back, means over seeds, the Pareto front; see campaign.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/experiment/campaign.h"
#include "sim/stats/stats.h"

/* "SEED,HASH,value,..." into the table. @return false: not of that shape */
static bool take_line(camp_table *t, int32_t point, const char *line)
{
    const int32_t metrics = t->c->metric_count;
    char *end = NULL;
    t->seeds[point] = strtoull(line, &end, 10);
    if (end == line || *end != ',') {
        return false;
    }
    const char *at = end + 1;
    t->hashes[point] = strtoull(at, &end, 16);
    for (int32_t m = 0; m < metrics; m++) {
        if (*end != ',') {
            return false;
        }
        at = end + 1;
        double value = strtod(at, &end);
        if (end == at) {
            value = (double)NAN; /* an empty field */
        }
        t->values[(size_t)point * (size_t)metrics + (size_t)m] = value;
    }
    return *end == '\0';
}

int camp_table_read(camp_table *t, const campaign *c, const points *p, char *err, size_t err_size)
{
    const size_t n = (size_t)camp_points(c);
    *t = (camp_table){.c = c,
                      .lines = calloc(n + 1, sizeof *t->lines),
                      .seeds = calloc(n + 1, sizeof *t->seeds),
                      .hashes = calloc(n + 1, sizeof *t->hashes),
                      .values = calloc(n * (size_t)c->metric_count + 1, sizeof *t->values)};
    bool good = t->lines != NULL && t->seeds != NULL && t->hashes != NULL && t->values != NULL;
    if (!good) {
        snprintf(err, err_size, "out of memory");
    }
    for (size_t i = 0; good && i < n; i++) {
        t->lines[i] = points_get(p, (int32_t)i, err, err_size);
        good = t->lines[i] != NULL;
        if (good && !take_line(t, (int32_t)i, t->lines[i])) {
            snprintf(err, err_size, "%s/points: point %zu is damaged; remove it and use --resume", p->dir, i);
            good = false;
        }
    }
    if (!good) {
        camp_table_fini(t);
        return -1;
    }
    return 0;
}

void camp_table_fini(camp_table *t)
{
    const size_t n = t->c != NULL ? (size_t)camp_points(t->c) : 0;
    for (size_t i = 0; t->lines != NULL && i < n; i++) {
        free(t->lines[i]);
    }
    free(t->lines);
    free(t->seeds);
    free(t->hashes);
    free(t->values);
    *t = (camp_table){NULL, NULL, NULL, NULL, NULL};
}

double camp_mean(const camp_table *t, int32_t setting, int32_t metric, double *half_width)
{
    stat_tally tally;
    stat_tally_init(&tally);
    for (int32_t s = 0; s < t->c->seed_count; s++) {
        const size_t point = (size_t)setting * (size_t)t->c->seed_count + (size_t)s;
        const double x = t->values[point * (size_t)t->c->metric_count + (size_t)metric];
        if (isfinite(x)) {
            stat_tally_add(&tally, x);
        }
    }
    if (half_width != NULL) {
        *half_width = stat_student_half_width(&tally, 0.95);
    }
    return tally.n > 0 ? tally.mean : (double)NAN;
}

int32_t camp_metric(const campaign *c, const char *name)
{
    for (int32_t m = 0; name != NULL && m < c->metric_count; m++) {
        if (strcmp(c->metrics[m], name) == 0) {
            return m;
        }
    }
    return -1;
}

int32_t camp_pareto(const camp_table *t, int32_t x, int32_t y, int32_t *order)
{
    const int32_t n = t->c->setting_count;
    double *at = calloc(2 * (size_t)n + 1, sizeof *at);
    int32_t count = 0;
    for (int32_t i = 0; at != NULL && i < n; i++) {
        at[2 * i] = camp_mean(t, i, x, NULL);
        at[2 * i + 1] = camp_mean(t, i, y, NULL);
    }
    for (int32_t i = 0; at != NULL && i < n; i++) {
        const double xi = at[2 * i], yi = at[2 * i + 1];
        bool beaten = !isfinite(xi) || !isfinite(yi);
        for (int32_t k = 0; k < n && !beaten; k++) {
            const double xk = at[2 * k], yk = at[2 * k + 1];
            beaten = k != i && isfinite(xk) && isfinite(yk) && xk <= xi && yk <= yi && (xk < xi || yk < yi || k < i);
        }
        if (beaten) {
            continue;
        }
        int32_t place = count++;
        for (; place > 0 && at[2 * order[place - 1]] > xi; place--) {
            order[place] = order[place - 1];
        }
        order[place] = i;
    }
    free(at);
    return count;
}

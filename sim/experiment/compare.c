/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compare.c - the runs and the statistics of a comparison; see compare.h. Words: compare_words.c. */
#include "sim/experiment/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const cmp_metric cmp_default_metrics[] = {
    {"cost.total_usd", "Cost", -1},
    {"cost.usd_per_1k_requests", "Cost per 1,000 requests", -1},
    {"latency.ttft_s.p50", "TTFT P50", -1},
    {"latency.ttft_s.p95", "TTFT P95", -1},
    {"latency.ttft_s.p99", "TTFT P99", -1},
    {"latency.tpot_s.p95", "TPOT P95", -1},
    {"latency.tpot_s.p99", "TPOT P99", -1},
    {"latency.e2e_s.p95", "E2E P95", -1},
    {"latency.e2e_s.p99", "E2E P99", -1},
    {"slo.attainment", "Requests within all targets", 1},
    {"slo.minutes_violated", "SLO minutes violated", -1},
    {"requests.rejected", "Requests rejected", -1},
    {"requests.timed_out", "Requests timed out", -1},
    {"burst.count", "Bursts", -1},
    {"burst.requests_hurt", "Requests hurt in bursts", -1},
    {"burst.extra_usd", "Extra cost of bursts", -1},
    {"control.actions", "Actions", 0},
    {"control.flaps", "Flaps", -1},
    {"control.moved_replicas", "Replicas moved", -1},
    {"control.unplaced_replica_seconds", "Unplaced replica seconds", -1},
};
const int32_t cmp_default_metric_count = sizeof cmp_default_metrics / sizeof cmp_default_metrics[0];

double compare_value(const comparison *c, int32_t side, int32_t replication, int32_t metric)
{
    return c->values[((size_t)side * (size_t)c->room + (size_t)replication) * (size_t)c->options->metric_count +
                     (size_t)metric];
}

const cmp_figure *compare_figure(const comparison *c, int32_t side, int32_t metric)
{
    return &c->figures[side * c->options->metric_count + metric];
}

static cmp_figure figure_of(const comparison *c, int32_t side, int32_t metric)
{
    stat_tally own, base, paired, diff;
    stat_tally_init(&own);
    stat_tally_init(&base);
    stat_tally_init(&paired);
    stat_tally_init(&diff);
    cmp_figure f = {.same = true, .p_holm = (double)NAN};
    for (int32_t r = 0; r < c->replications; r++) {
        const double a = compare_value(c, 0, r, metric), b = compare_value(c, side, r, metric);
        if (isfinite(b)) {
            stat_tally_add(&own, b);
        }
        if (isfinite(a) && isfinite(b)) {
            stat_tally_add(&base, a);
            stat_tally_add(&paired, b);
            stat_tally_add(&diff, b - a);
        }
        f.same = f.same && ((isnan(a) && isnan(b)) || (a <= b && a >= b));
    }
    const double nothing = (double)NAN;
    f.runs = (int32_t)own.n;
    f.mean = own.n > 0 ? own.mean : nothing;
    f.half = stat_student_half_width(&own, 0.95);
    f.pairs = (int32_t)diff.n;
    f.base = diff.n > 0 ? base.mean : nothing;
    f.diff = diff.n > 0 ? diff.mean : nothing;
    f.diff_half = stat_student_half_width(&diff, c->level);
    f.p = stat_student_p(&diff);
    const double apart = stat_tally_variance(&base) + stat_tally_variance(&paired);
    f.reduction = diff.n < 2 || !(apart > 0) ? nothing : apart / stat_tally_variance(&diff);
    f.shown = fabs(f.diff) > f.diff_half;
    return f;
}

static int work_out(comparison *c)
{
    const int32_t sides = c->options->side_count, metrics = c->options->metric_count;
    double *p = calloc(2 * (size_t)sides, sizeof *p);
    if (p == NULL) {
        return -1;
    }
    for (int32_t m = 0; m < metrics; m++) {
        for (int32_t s = 0; s < sides; s++) {
            c->figures[s * metrics + m] = figure_of(c, s, m);
            p[s] = s > 0 ? c->figures[s * metrics + m].p : (double)NAN;
        }
        stat_holm(p, (size_t)sides, p + sides);
        for (int32_t s = 1; s < sides; s++) {
            c->figures[s * metrics + m].p_holm = p[sides + s];
        }
    }
    free(p);
    return 0;
}

static bool goal_met(const comparison *c)
{
    for (int32_t s = 1; c->options->goal != NULL && s < c->options->side_count; s++) {
        const cmp_figure *f = compare_figure(c, s, CMP_COST);
        if (!stat_goal_met(c->options->goal, f->diff_half, f->base)) {
            return false;
        }
    }
    return c->options->goal != NULL;
}

/* Replications from c->replications up to `until`, of all sides. */
static int extend(comparison *c, int32_t until, FILE *const *logs, char *err, size_t err_size)
{
    const cmp_options *o = c->options;
    const int32_t from = c->replications, count = (until - from) * o->side_count;
    const size_t metrics = (size_t)o->metric_count;
    trial *list = calloc((size_t)count + 1, sizeof *list);
    double *values = calloc((size_t)count * metrics + 1, sizeof *values);
    const char **names = calloc(metrics + 1, sizeof *names);
    int rc = -1;
    snprintf(err, err_size, "out of memory");
    if (list != NULL && values != NULL && names != NULL) {
        for (size_t m = 0; m < metrics; m++) {
            names[m] = o->metrics[m].name;
        }
        for (int32_t i = 0; i < count; i++) {
            list[i] = (trial){i % o->side_count, from + i / o->side_count};
        }
        const trials t = {.settings = o->sides,
                          .seed = o->seed,
                          .metrics = names,
                          .metric_count = o->metric_count,
                          .jobs = o->jobs,
                          .stop = o->stop,
                          .kept = o->kept,
                          .decisions = logs,
                          .done = o->done,
                          .user = o->user};
        rc = trials_run(&t, list, count, values, err, err_size);
    }
    for (int32_t i = 0; rc == 0 && i < count; i++) {
        memcpy(c->values + ((size_t)list[i].setting * (size_t)c->room + (size_t)list[i].replication) * metrics,
               values + (size_t)i * metrics, metrics * sizeof *values);
    }
    if (rc == 0) {
        c->replications = until;
        rc = work_out(c);
    }
    free(list);
    free(values);
    free(names);
    return rc;
}

/* How many replications to look at next: a quarter more each time, whatever the number of threads. */
static int32_t next_look(const comparison *c)
{
    const int32_t all = c->options->replications;
    int32_t next = c->options->goal == NULL ? all
                   : c->replications == 0   ? COMPARE_GOAL_FIRST
                                            : c->replications + c->replications / 4;
    return next < all ? next : all;
}

static int run_all(comparison *c, FILE *const *logs, char *err, size_t err_size)
{
    int rc = 0;
    while (rc == 0 && c->replications < c->options->replications && !c->goal_met) {
        rc = extend(c, next_look(c), logs, err, err_size);
        c->goal_met = rc == 0 && goal_met(c);
    }
    return rc;
}

static bool make_room(comparison *c)
{
    const size_t sides = (size_t)c->options->side_count, metrics = (size_t)c->options->metric_count;
    c->room = c->options->replications;
    c->values = calloc(sides * (size_t)c->room * metrics + 1, sizeof *c->values);
    c->figures = calloc(sides * metrics + 1, sizeof *c->figures);
    c->decisions = calloc(sides + 1, sizeof *c->decisions);
    c->decision_sizes = calloc(sides + 1, sizeof *c->decision_sizes);
    c->moments = calloc(sides + 1, sizeof *c->moments);
    c->moment_counts = calloc(sides + 1, sizeof *c->moment_counts);
    return c->values != NULL && c->figures != NULL && c->decisions != NULL && c->decision_sizes != NULL &&
           c->moments != NULL && c->moment_counts != NULL;
}

int compare_run(comparison *c, const cmp_options *options, char *err, size_t err_size)
{
    const int32_t sides = options->side_count;
    *c = (comparison){.options = options, .level = 1 - 0.05 / (sides - 1)};
    FILE **logs = calloc((size_t)sides, sizeof(FILE *));
    int rc = make_room(c) && logs != NULL ? 0 : -1;
    for (int32_t s = 0; rc == 0 && s < sides; s++) {
        logs[s] = open_memstream(&c->decisions[s], &c->decision_sizes[s]);
        rc = logs[s] != NULL ? 0 : -1;
    }
    if (rc != 0) {
        snprintf(err, err_size, "out of memory");
    } else {
        rc = run_all(c, logs, err, err_size);
    }
    for (int32_t s = 0; logs != NULL && s < sides; s++) {
        if (logs[s] != NULL && fclose(logs[s]) != 0 && rc == 0) {
            snprintf(err, err_size, "out of memory");
            rc = -1;
        }
    }
    free(logs);
    for (int32_t s = 1; rc == 0 && s < sides; s++) {
        c->moment_counts[s] =
            compare_logs(c->decisions[0], c->decision_sizes[0], c->decisions[s], c->decision_sizes[s], c->moments[s]);
        if (c->moment_counts[s] < 0) {
            c->moment_counts[s] = 0;
            snprintf(err, err_size, "out of memory");
            rc = -1;
        }
    }
    return rc;
}

void compare_fini(comparison *c)
{
    for (int32_t s = 0; c->options != NULL && s < c->options->side_count; s++) {
        for (int32_t i = 0; c->moments != NULL && i < CMP_MOMENTS; i++) {
            free(c->moments[s][i].base);
            free(c->moments[s][i].candidate);
        }
        free(c->decisions != NULL ? c->decisions[s] : NULL);
    }
    free(c->values);
    free(c->figures);
    free(c->decisions);
    free(c->decision_sizes);
    free(c->moments);
    free(c->moment_counts);
    *c = (comparison){0};
}

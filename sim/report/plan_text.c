/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plan_text.c - a plan on a terminal, in Markdown, as CSV and JSON, and its folder. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/report/plan_parts.h"

const char *rep_plan_column(const plan *p, int32_t metric)
{
    static const char *const fixed[PLAN_FIXED] = {"cost", "owned", "on demand", "spot", "reserved", NULL};
    return metric < PLAN_LATENCY ? fixed[metric] : p->names[metric];
}

char *rep_plan_cell(const plan *p, int32_t point, int32_t metric, char *buf, size_t size)
{
    return compare_text(p->names[metric], point >= 0 ? plan_mean(p, point, metric) : (double)NAN, false, buf, size);
}

static void percent(double share, char *buf, size_t size)
{
    if (share > 0.999) {
        snprintf(buf, size, "above 99.9 %%");
    } else {
        snprintf(buf, size, "of at least %.1f %%", floor(share * 1000) / 10);
    }
}

char *rep_plan_answer(const plan *p, char *buf, size_t size)
{
    char what[REP_POINT], other[REP_POINT], cost[REP_CELL], more[REP_CELL], sure[REP_CELL], feasible[REP_CELL];
    if (p->best < 0) {
        snprintf(buf, size,
                 "none of the %" PRId32 " configurations that were tried meets every condition; %s comes closest",
                 p->tried, plan_describe(p, p->nearest, what, sizeof what));
        return buf;
    }
    rep_plan_cell(p, p->best, PLAN_COST, cost, sizeof cost);
    percent(p->sure, sure, sizeof sure);
    percent(p->sure_feasible, feasible, sizeof feasible);
    const int n = snprintf(buf, size,
                           "%s is the cheapest that meets every condition: %s; nothing tried is cheaper by more than "
                           "1 %% with a probability %s (that it meets the conditions: %s)",
                           plan_describe(p, p->best, what, sizeof what), cost, sure, feasible);
    if (p->second >= 0 && n > 0 && (size_t)n < size) {
        const double gap = plan_mean(p, p->second, PLAN_COST) - plan_mean(p, p->best, PLAN_COST);
        snprintf(buf + n, size - (size_t)n, ". Runner-up: %s, %s more",
                 plan_describe(p, p->second, other, sizeof other),
                 compare_text("cost.total_usd", gap, false, more, sizeof more));
    }
    return buf;
}

char *rep_plan_bound(const plan *p, char *buf, size_t size)
{
    const int32_t untried = p->point_count - p->tried;
    const double cost = p->best >= 0 ? plan_mean(p, p->best, PLAN_COST) : (double)NAN;
    char least[REP_CELL];
    if (untried == 0) {
        snprintf(buf, size, "Every configuration was tried.");
    } else if (!(p->floor_usd > 0) || isinf(p->floor_usd)) {
        snprintf(buf, size, "%" PRId32 " configurations were not tried; nothing bounds what they cost.", untried);
    } else {
        const int n = snprintf(buf, size,
                               "%" PRId32 " configurations were not tried; their owned and reserved nodes alone cost "
                               "%s or more",
                               untried, compare_text("cost.total_usd", p->floor_usd, false, least, sizeof least));
        if (p->floor_usd >= cost) {
            snprintf(buf + n, size - (size_t)n, ": none of them is cheaper than the answer.");
        } else if (cost > p->floor_usd) {
            snprintf(buf + n, size - (size_t)n, ": none can save more than %.1f %% of what the answer costs.",
                     100 * (1 - p->floor_usd / cost));
        } else {
            snprintf(buf + n, size - (size_t)n, ".");
        }
    }
    return buf;
}

static bool tried(const plan *p, int32_t knob, int32_t choice)
{
    bool found = false;
    for (int32_t i = 0; i < p->point_count && !found; i++) {
        int32_t value[PLAN_KNOBS_MAX];
        plan_values(p, i, value);
        found = value[knob] == choice && p->points[i].runs > 0;
    }
    return found;
}

/* One format for terminal and Markdown: cells between bars. */
static void put_profile(const plan *p, int32_t knob, FILE *out)
{
    const plan_knob *k = &p->options->knobs[knob];
    int32_t *best = calloc((size_t)k->count + 1, sizeof *best);
    double before = (double)NAN;
    if (best == NULL) {
        return;
    }
    plan_profile(p, knob, best);
    fprintf(out,
            "\nCheapest at each value of %s\n\n| value | cost | step | owned | on demand | spot | runs |\n"
            "|---:|---:|---:|---:|---:|---:|---:|\n",
            k->path);
    for (int32_t v = 0; v < k->count; v++) {
        char cell[4][REP_CELL], step[REP_CELL];
        const double cost = best[v] >= 0 ? plan_mean(p, best[v], PLAN_COST) : (double)NAN;
        for (int m = 0; m < 4; m++) {
            rep_plan_cell(p, best[v], m, cell[m], sizeof cell[m]);
        }
        fprintf(out, "| %s | %s | %s | %s | %s | %s | %" PRId32 " |\n", k->values[v],
                best[v] >= 0        ? cell[0]
                : tried(p, knob, v) ? "misses a condition"
                                    : "not tried",
                compare_text("cost.total_usd", cost - before, true, step, sizeof step), cell[1], cell[2], cell[3],
                best[v] >= 0 ? p->points[best[v]].runs : 0);
        before = cost;
    }
    free(best);
}

static void put_front(const plan *p, FILE *out)
{
    fprintf(out,
            "\nFrontier of cost and %s\n\n| configuration | cost | %s | for each ms less |\n|---|---:|---:|---:|\n",
            p->options->latency, p->options->latency);
    for (int32_t i = 0; i < p->front_count; i++) {
        char what[REP_POINT], cost[REP_CELL], late[REP_CELL], each[REP_CELL] = "-";
        const int32_t at = p->front[i];
        if (i > 0) {
            const double saved = plan_mean(p, p->front[i - 1], PLAN_LATENCY) - plan_mean(p, at, PLAN_LATENCY);
            const double paid = plan_mean(p, at, PLAN_COST) - plan_mean(p, p->front[i - 1], PLAN_COST);
            snprintf(each, sizeof each, "$%.4f", paid / saved / 1e3);
        }
        fprintf(out, "| %s%s | %s | %s | %s |\n", plan_describe(p, at, what, sizeof what),
                plan_feasible(p, at) ? "" : " (misses a condition)", rep_plan_cell(p, at, PLAN_COST, cost, sizeof cost),
                rep_plan_cell(p, at, PLAN_LATENCY, late, sizeof late), each);
    }
}

static int put_tables(const plan *p, FILE *out)
{
    char bound[REP_POINT];
    fprintf(out, "\n%" PRId32 " runs of %" PRId32 " of %" PRId32 " configurations, seed %" PRIu64 ".\n", p->used,
            p->tried, p->point_count, p->options->seed);
    rep_put_wrapped(out, rep_plan_bound(p, bound, sizeof bound));
    for (int32_t k = 0; k < p->options->knob_count; k++) {
        put_profile(p, k, out);
    }
    put_front(p, out);
    return ferror(out) ? -1 : 0;
}

int report_plan_text(const plan *p, const sc_scenario *sc, FILE *out)
{
    char answer[3 * REP_POINT];
    (void)sc;
    rep_put_wrapped(out, rep_plan_answer(p, answer, sizeof answer));
    return put_tables(p, out);
}

int report_plan_markdown(const plan *p, const sc_scenario *sc, FILE *out)
{
    char answer[3 * REP_POINT];
    fprintf(out, "**%s:** %s.\n", sc->name, rep_plan_answer(p, answer, sizeof answer));
    return put_tables(p, out);
}

/* A condition may speak of the frontier's latency, or of the cost. */
static bool named_before(const plan *p, int32_t metric)
{
    for (int32_t k = 0; k < metric; k++) {
        if (strcmp(p->names[k], p->names[metric]) == 0) {
            return true;
        }
    }
    return false;
}

static void put_point(rep_json *j, const char *key, const plan *p, int32_t point)
{
    int32_t value[PLAN_KNOBS_MAX];
    rep_json_object(j, key);
    if (point >= 0) {
        plan_values(p, point, value);
        rep_json_object(j, "knobs");
        for (int32_t k = 0; k < p->options->knob_count; k++) {
            rep_json_text(j, p->options->knobs[k].path, p->options->knobs[k].values[value[k]]);
        }
        rep_json_end(j, false);
        rep_json_count(j, "runs", (uint64_t)p->points[point].runs);
        rep_json_bool(j, "meets_conditions", plan_feasible(p, point));
        rep_json_object(j, "figures");
        for (int32_t m = 0; m < p->metrics; m++) {
            if (!named_before(p, m)) {
                rep_json_object(j, p->names[m]);
                rep_json_real(j, "mean", plan_mean(p, point, m));
                rep_json_real(j, "ci95_half_width", plan_half(p, point, m));
                rep_json_end(j, false);
            }
        }
        rep_json_end(j, false);
    }
    rep_json_end(j, false);
}

int report_plan_json(const plan *p, const sc_scenario *sc, FILE *out)
{
    char answer[3 * REP_POINT];
    rep_json j;
    rep_json_init(&j, out);
    rep_json_object(&j, NULL);
    rep_json_text(&j, "version", REP_VERSION);
    rep_json_scenario(&j, sc);
    rep_json_count(&j, "seed", p->options->seed);
    rep_json_count(&j, "runs", (uint64_t)p->used);
    rep_json_count(&j, "configurations", (uint64_t)p->point_count);
    rep_json_count(&j, "tried", (uint64_t)p->tried);
    rep_json_array(&j, "conditions");
    for (int32_t k = 0; k < p->options->slo_count; k++) {
        rep_json_text(&j, NULL, p->options->slos[k].text);
    }
    rep_json_end(&j, true);
    rep_json_text(&j, "answer", rep_plan_answer(p, answer, sizeof answer));
    rep_json_real(&j, "probability", p->sure);
    rep_json_real(&j, "probability_meets_conditions", p->sure_feasible);
    rep_json_real(&j, "untried_cost_at_least_usd", p->floor_usd);
    put_point(&j, "best", p, p->best);
    put_point(&j, "runner_up", p, p->second);
    put_point(&j, "nearest", p, p->nearest);
    rep_json_array(&j, "frontier");
    for (int32_t i = 0; i < p->front_count; i++) {
        put_point(&j, NULL, p, p->front[i]);
    }
    rep_json_end(&j, true);
    rep_json_end(&j, false);
    rep_json_finish(&j);
    return ferror(out) ? -1 : 0;
}

/* --- the folder --- */

static void put_csv_row(const plan *p, int32_t point, FILE *out)
{
    int32_t value[PLAN_KNOBS_MAX];
    char number[REP_NUMBER_SIZE];
    plan_values(p, point, value);
    for (int32_t k = 0; k < p->options->knob_count; k++) {
        rep_csv_text(out, p->options->knobs[k].values[value[k]]);
        fputc(',', out);
    }
    fprintf(out, "%" PRId32 ",%d", p->points[point].runs, plan_feasible(p, point) ? 1 : 0);
    for (int32_t m = 0; m < p->metrics; m++) {
        if (!named_before(p, m)) {
            fprintf(out, ",%s", rep_real(plan_mean(p, point, m), number));
            fprintf(out, ",%s", rep_real(plan_half(p, point, m), number));
        }
    }
    fputc('\n', out);
}

static void put_csv_head(const rep_plan *r, const char *first, FILE *out)
{
    const plan *p = r->p;
    fprintf(out, "# spillway %s plan %s hash %016" PRIx64 " seed %" PRIu64 "\n%s", REP_VERSION, r->sc->name,
            r->sc->hash, p->options->seed, first);
    for (int32_t k = 0; k < p->options->knob_count; k++) {
        rep_csv_text(out, p->options->knobs[k].path);
        fputc(',', out);
    }
    fputs("runs,meets_conditions", out);
    for (int32_t m = 0; m < p->metrics; m++) {
        if (!named_before(p, m)) {
            fprintf(out, ",%s,%s.half_width", p->names[m], p->names[m]);
        }
    }
    fputc('\n', out);
}

static int as_points(const void *what, FILE *out)
{
    const rep_plan *r = what;
    put_csv_head(r, "", out);
    for (int32_t i = 0; i < r->p->point_count; i++) {
        if (r->p->points[i].runs > 0) {
            put_csv_row(r->p, i, out);
        }
    }
    return ferror(out) ? -1 : 0;
}

static int as_frontier(const void *what, FILE *out)
{
    const rep_plan *r = what;
    put_csv_head(r, "", out);
    for (int32_t i = 0; i < r->p->front_count; i++) {
        put_csv_row(r->p, r->p->front[i], out);
    }
    return ferror(out) ? -1 : 0;
}

static int as_knobs(const void *what, FILE *out)
{
    const rep_plan *r = what;
    put_csv_head(r, "knob,", out);
    for (int32_t k = 0; k < r->p->options->knob_count; k++) {
        const plan_knob *knob = &r->p->options->knobs[k];
        int32_t *best = calloc((size_t)knob->count + 1, sizeof *best);
        if (best == NULL) {
            return -1;
        }
        plan_profile(r->p, k, best);
        for (int32_t v = 0; v < knob->count; v++) {
            if (best[v] >= 0) {
                rep_csv_text(out, knob->path);
                fputc(',', out);
                put_csv_row(r->p, best[v], out);
            }
        }
        free(best);
    }
    return ferror(out) ? -1 : 0;
}

static int as_json(const void *what, FILE *out)
{
    const rep_plan *r = what;
    return report_plan_json(r->p, r->sc, out);
}

static int as_markdown(const void *what, FILE *out)
{
    const rep_plan *r = what;
    return report_plan_markdown(r->p, r->sc, out);
}

int report_plan_dir(const plan *p, const sc_scenario *sc, const char *dir, char *err, size_t err_size)
{
    static const struct {
        const char *name;
        int (*write)(const void *, FILE *);
    } files[] = {{"plan.json", as_json},  {"points.csv", as_points}, {"frontier.csv", as_frontier},
                 {"knobs.csv", as_knobs}, {"plan.md", as_markdown},  {"report.html", rep_plan_page}};
    const rep_plan r = {p, sc};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (rep_write_file(dir, files[i].name, files[i].write, &r, err, err_size) != 0) {
            return -1;
        }
    }
    return 0;
}

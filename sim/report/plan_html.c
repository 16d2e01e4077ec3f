/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plan_html.c - the page of a plan: the answer, what each knob costs, the frontier, what was tried. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/report/draw.h"
#include "sim/report/html.h"
#include "sim/report/html_diff.h"
#include "sim/report/plan_parts.h"

enum { WIDTH = 700, LEFT = 90, RIGHT = 662, BOTTOM = 290, TOP = 34, CURVES = PLAN_LATENCY, KEY = 122 };

static void put_cell(const plan *p, int32_t point, int32_t metric, FILE *out)
{
    char text[REP_CELL], number[REP_NUMBER_SIZE];
    fprintf(out, "<td data-v=\"%s\">", rep_real(plan_mean(p, point, metric), number));
    rep_escape(out, rep_plan_cell(p, point, metric, text, sizeof text));
    fputs("</td>", out);
}

/** A curve is worth drawing where it is not 0 throughout. */
static bool worth(const plan *p, const int32_t *best, int32_t count, int32_t metric)
{
    bool any = metric == PLAN_COST;
    for (int32_t v = 0; v < count && !any; v++) {
        any = best[v] >= 0 && plan_mean(p, best[v], metric) > 0;
    }
    return any;
}

static void put_curve(const plan *p, const int32_t *best, int32_t count, int32_t metric, const svg_axis *y, FILE *out)
{
    const double slot = (double)(RIGHT - LEFT) / count;
    double from_x = (double)NAN, from_y = (double)NAN;
    char style[80];
    snprintf(style, sizeof style, "stroke=\"%s\" stroke-width=\"%s\"",
             metric == PLAN_COST ? "var(--ink)" : draw_hue(metric - 1), metric == PLAN_COST ? "2.5" : "1.8");
    for (int32_t v = 0; v < count; v++) {
        const double x = LEFT + (v + 0.5) * slot;
        const double at = best[v] >= 0 ? svg_at(y, plan_mean(p, best[v], metric)) : (double)NAN;
        if (!isnan(at) && !isnan(from_y)) {
            draw_line(out, from_x, from_y, x, at, style);
        }
        from_x = x;
        from_y = at;
    }
}

/** A mark at each value: what it costs, of what, and what the step to it adds. */
static void put_values(const plan *p, const plan_knob *k, const int32_t *best, const svg_axis *y, FILE *out)
{
    const double slot = (double)(RIGHT - LEFT) / k->count;
    double before = (double)NAN;
    for (int32_t v = 0; v < k->count; v++) {
        char tip[2 * REP_POINT], what[REP_POINT], cell[REP_CELL];
        const double cost = best[v] >= 0 ? plan_mean(p, best[v], PLAN_COST) : (double)NAN;
        int used = snprintf(tip, sizeof tip, "%s|", plan_describe(p, best[v] >= 0 ? best[v] : 0, what, sizeof what));
        for (int32_t m = 0; best[v] >= 0 && m < CURVES; m++) {
            if (worth(p, best, k->count, m)) {
                used += snprintf(tip + used, sizeof tip - (size_t)used, "%s%s %s", m > 0 ? "|" : "",
                                 rep_plan_column(p, m), rep_plan_cell(p, best[v], m, cell, sizeof cell));
            }
        }
        if (isfinite(cost - before)) {
            snprintf(tip + used, sizeof tip - (size_t)used, "|step %s",
                     compare_text("cost.total_usd", cost - before, true, cell, sizeof cell));
        }
        before = cost;
        if (best[v] >= 0) {
            draw_mark_begin(out, tip);
            fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5.5\" fill=\"%s\"/>\n", LEFT + (v + 0.5) * slot,
                    svg_at(y, cost), best[v] == p->best ? "var(--good)" : "var(--ink)");
            draw_mark_end(out);
        }
    }
}

/** "Cheapest at nodes=3: each step up to it saves, each further one costs more.", as far as that is so. */
static void put_turn(const plan *p, int32_t knob, const int32_t *best, FILE *out)
{
    const plan_knob *k = &p->options->knobs[knob];
    int32_t turn = -1, up = 0, down = 0, steps_up = 0, steps_down = 0;
    for (int32_t v = 0; v < k->count; v++) {
        if (best[v] >= 0 && (turn < 0 || plan_mean(p, best[v], PLAN_COST) < plan_mean(p, best[turn], PLAN_COST))) {
            turn = v;
        }
    }
    for (int32_t v = 1; v < k->count; v++) {
        if (best[v] >= 0 && best[v - 1] >= 0) {
            const double step = plan_mean(p, best[v], PLAN_COST) - plan_mean(p, best[v - 1], PLAN_COST);
            steps_down += v <= turn ? 1 : 0;
            steps_up += v > turn ? 1 : 0;
            down += v <= turn && step < 0 ? 1 : 0;
            up += v > turn && step > 0 ? 1 : 0;
        }
    }
    fputs("<p class=\"hint\">Cheapest at ", out);
    rep_escape(out, plan_knob_name(p, knob));
    fputc('=', out);
    rep_escape(out, k->values[turn]);
    const bool falls = steps_down > 0 && down == steps_down, rises = steps_up > 0 && up == steps_up;
    fprintf(out, "%s%s%s%s.</p>\n", falls || rises ? ": " : "", falls ? "each step up to it saves" : "",
            falls && rises ? ", " : "", rises ? "each further one costs more" : "");
}

/* The break-even chart of a knob: cost and what it consists of, at the cheapest configuration of each value. */
static void draw_knob(const plan *p, int32_t knob, const int32_t *best, double high, FILE *out)
{
    const plan_knob *k = &p->options->knobs[knob];
    const svg_axis y = svg_axis_fit(0, high, 6, BOTTOM, TOP);
    const int32_t every = k->count / 10 + 1;
    int32_t keys = 0;
    char label[REP_POINT];
    snprintf(label, sizeof label, "Cost of the cheapest configuration at each %s", k->path);
    draw_begin(out, WIDTH, 350, label);
    draw_y(out, &y, LEFT, RIGHT, "cost.total_usd", "cost");
    for (int32_t v = 0; v < k->count; v += every) {
        svg_text(out, LEFT + (v + 0.5) * (RIGHT - LEFT) / k->count, BOTTOM + 18, "middle", 1, k->values[v]);
    }
    for (int32_t m = 0; m < CURVES; m++) {
        if (worth(p, best, k->count, m)) {
            put_curve(p, best, k->count, m, &y, out);
            fprintf(out, "<rect x=\"%d\" y=\"328\" width=\"14\" height=\"4\" fill=\"%s\"/>\n", LEFT + keys * KEY,
                    m == PLAN_COST ? "var(--ink)" : draw_hue(m - 1));
            svg_text(out, LEFT + keys++ * KEY + 20, 336, "start", 1, rep_plan_column(p, m));
        }
    }
    put_values(p, k, best, &y, out);
    draw_end(out);
}

static void put_knob(const plan *p, int32_t knob, FILE *out)
{
    const plan_knob *k = &p->options->knobs[knob];
    int32_t *best = calloc((size_t)k->count + 1, sizeof *best);
    double high = 0;
    if (best == NULL) {
        return;
    }
    plan_profile(p, knob, best);
    for (int32_t v = 0; v < k->count; v++) {
        high = best[v] >= 0 ? fmax(high, plan_mean(p, best[v], PLAN_COST)) : high;
    }
    fputs("<figure>\n<h3>Cost at each value of ", out);
    rep_escape(out, plan_knob_name(p, knob));
    fputs("</h3>\n<p class=\"hint\"><code>", out);
    rep_escape(out, k->path);
    fputs("</code></p>\n", out);
    if (high > 0) {
        draw_knob(p, knob, best, high, out);
        put_turn(p, knob, best, out);
    } else {
        fputs("<p class=\"note\">Nothing that was tried meets the conditions.</p>\n", out);
    }
    fputs("</figure>\n", out);
    free(best);
}

static void put_front(const plan *p, FILE *out)
{
    double x0 = INFINITY, x1 = -(double)INFINITY, y0 = INFINITY, y1 = -(double)INFINITY;
    char latency[CHECK_NAME_SIZE];
    for (int32_t i = 0; i < p->point_count; i++) {
        const double late = p->points[i].runs > 0 ? plan_mean(p, i, PLAN_LATENCY) : (double)NAN;
        if (isfinite(late)) {
            x0 = fmin(x0, plan_mean(p, i, PLAN_COST));
            x1 = fmax(x1, plan_mean(p, i, PLAN_COST));
            y0 = fmin(y0, late);
            y1 = fmax(y1, late);
        }
    }
    if (!(x1 >= x0) || !(y0 >= 0)) {
        fputs("<p class=\"note\">No configuration has this latency.</p>\n", out);
        return;
    }
    /* Overloaded configurations are late by orders of magnitude: the axis of latency counts in powers of ten. */
    const svg_axis x = svg_axis_fit(x0, x1, 5, LEFT, RIGHT);
    const svg_axis y = svg_axis_log(fmax(y0, 1e-6), fmax(y1, 1e-6), BOTTOM, TOP);
    draw_begin(out, WIDTH, 350, "Cost and latency of everything that was tried");
    draw_x(out, &x, TOP, BOTTOM, "cost.total_usd", "cost");
    draw_y_log(out, &y, LEFT, RIGHT, p->options->latency, metric_short(p->options->latency, latency));
    for (int32_t i = 1; i < p->front_count; i++) {
        const int32_t a = p->front[i - 1], b = p->front[i];
        draw_line(out, svg_at(&x, plan_mean(p, a, PLAN_COST)),
                  svg_at(&y, log10(fmax(plan_mean(p, a, PLAN_LATENCY), 1e-6))), svg_at(&x, plan_mean(p, b, PLAN_COST)),
                  svg_at(&y, log10(fmax(plan_mean(p, b, PLAN_LATENCY), 1e-6))),
                  "stroke=\"var(--accent)\" stroke-width=\"1.5\"");
    }
    for (int32_t i = 0; i < p->point_count; i++) {
        const double late = p->points[i].runs > 0 ? plan_mean(p, i, PLAN_LATENCY) : (double)NAN;
        char tip[2 * REP_POINT], what[REP_POINT], cost[REP_CELL], text[REP_CELL];
        if (!isfinite(late)) {
            continue;
        }
        snprintf(tip, sizeof tip, "%s|cost %s|%s %s|%" PRId32 " runs%s", plan_describe(p, i, what, sizeof what),
                 rep_plan_cell(p, i, PLAN_COST, cost, sizeof cost), latency,
                 rep_plan_cell(p, i, PLAN_LATENCY, text, sizeof text), p->points[i].runs,
                 plan_feasible(p, i) ? "" : "|misses a condition");
        draw_mark_begin(out, tip);
        fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%s\" fill=\"%s\"/>\n", svg_at(&x, plan_mean(p, i, PLAN_COST)),
                svg_at(&y, log10(fmax(late, 1e-6))), i == p->best ? "7" : "4",
                i == p->best          ? "var(--good)"
                : plan_feasible(p, i) ? "var(--accent)"
                                      : "var(--soft)");
        draw_mark_end(out);
    }
    draw_end(out);
    fputs("<p class=\"hint\">Green: the answer. Blue: meets every condition. Grey: misses one. The line joins what "
          "nothing else beats in both.</p>\n",
          out);
}

/** A column of money is left out where nothing was spent on it, and a figure that stands there already. */
static bool column_worth(const plan *p, int32_t metric)
{
    bool any = metric == PLAN_COST || metric >= PLAN_LATENCY;
    for (int32_t m = 0; m < metric; m++) {
        if (strcmp(p->names[m], p->names[metric]) == 0) {
            return false;
        }
    }
    for (int32_t i = 0; i < p->point_count && !any; i++) {
        any = p->points[i].runs > 0 && plan_mean(p, i, metric) > 0;
    }
    return any;
}

static void put_tried(const plan *p, FILE *out)
{
    enum { OTHERS = 3 }; /* runs, conditions, the end */
    const int32_t knobs = p->options->knob_count;
    rep_head *heads = calloc((size_t)(knobs + p->metrics + OTHERS), sizeof *heads);
    char(*names)[CHECK_NAME_SIZE] = calloc((size_t)p->metrics + 1, sizeof *names);
    int32_t used = 0;
    for (int32_t k = 0; heads != NULL && k < knobs; k++) {
        heads[used++] = (rep_head){plan_knob_name(p, k), NULL, false};
    }
    for (int32_t m = 0; heads != NULL && names != NULL && m < p->metrics; m++) {
        if (column_worth(p, m)) {
            heads[used++] = (rep_head){metric_short(rep_plan_column(p, m), names[m]), NULL, false};
        }
    }
    if (heads == NULL || names == NULL) {
        free(heads);
        free(names);
        return;
    }
    heads[used++] = (rep_head){"Runs", NULL, false};
    heads[used] = (rep_head){"Conditions", "plan-condition", true};
    fputs("<section id=\"tried\">\n<h2>What was tried</h2>\n", out);
    rep_table_open(out, "What was tried", heads);
    for (int32_t i = 0; i < p->point_count; i++) {
        int32_t value[PLAN_KNOBS_MAX];
        if (p->points[i].runs == 0) {
            continue;
        }
        plan_values(p, i, value);
        fputs("<tr>", out);
        for (int32_t k = 0; k < knobs; k++) {
            fputs("<td>", out);
            rep_escape(out, p->options->knobs[k].values[value[k]]);
            fputs("</td>", out);
        }
        for (int32_t m = 0; m < p->metrics; m++) {
            if (column_worth(p, m)) {
                put_cell(p, i, m, out);
            }
        }
        fprintf(out, "<td>%" PRId32 "</td><td class=\"text\">%s</td></tr>\n", p->points[i].runs,
                i == p->best          ? "the answer"
                : plan_feasible(p, i) ? "met"
                                      : "missed");
    }
    rep_table_end(out);
    free(heads);
    free(names);
}

static void put_rest(const rep_plan *r, FILE *out)
{
    const plan *p = r->p;
    fputs("<section id=\"inputs\">\n<h2>From the first configuration of the grid to the answer</h2>\n", out);
    if (p->nearest >= 0 && p->points[p->nearest].sc != NULL) {
        rep_html_diff(r->sc, p->points[p->nearest].sc, "first", "answer", out);
    }
    fputs("</section>\n<section id=\"definitions\">\n<h2>What the figures mean</h2>\n<details open><summary>Planning"
          "</summary>\n<dl><dt id=\"def-plan-condition\">Conditions</dt><dd>Met when the mean of the figure over the "
          "runs of a configuration is within the limit.</dd>\n<dt id=\"def-plan-sure\">Probability</dt><dd>A lower "
          "bound (Bonferroni) that the answer meets every condition and nothing else that was tried meets them all "
          "for less than 99 % of its cost. Student's distribution, costs compared within replications on the same "
          "random numbers, variances of few runs drawn towards the common one.</dd>\n"
          "<dt id=\"def-plan-bound\">What was not tried</dt><dd>Owned and reserved nodes are billed whatever comes: a "
          "configuration costs at least what its own do, without a run of it.</dd>\n"
          "<dt id=\"def-plan-step\">Step</dt><dd>What one more step of a knob adds to the cost when everything else is "
          "chosen best for it. For a knob of owned nodes: negative as long as owning one more beats renting.</dd></dl>"
          "</details>\n",
          out);
    rep_html_terms(out);
    fprintf(out,
            "</section>\n<section id=\"provenance\">\n<h2>Where this comes from</h2>\n<p>spillway %s, scenario "
            "<code>",
            REP_VERSION);
    rep_escape(out, r->sc->path);
    fprintf(out,
            "</code> hash <code>%016" PRIx64 "</code>, seed %" PRIu64 ", %" PRId32 " runs. The same version, scenario, "
            "knobs, conditions, seed and budget give the same bytes. Everything drawn here stands in "
            "<code>points.csv</code>, <code>knobs.csv</code> and <code>frontier.csv</code>, tables for pasting in "
            "<code>plan.md</code>.</p>\n",
            r->sc->hash, p->options->seed, p->used);
    rep_html_sources(r->sc, out);
    fputs("</section>\n", out);
}

int rep_plan_page(const void *what, FILE *out)
{
    const rep_plan *r = what;
    const plan *p = r->p;
    char answer[3 * REP_POINT], bound[REP_POINT];
    rep_page_begin(out, r->sc->name);
    fputs("<p class=\"name\">Plan for <b>", out);
    rep_escape(out, r->sc->name);
    fputs("</b></p>\n<h1>", out);
    rep_escape(out, rep_plan_answer(p, answer, sizeof answer));
    fputs(".</h1>\n<ul>\n", out);
    for (int32_t k = 0; k < p->options->slo_count; k++) {
        fputs("<li><code>", out);
        rep_escape(out, p->options->slos[k].text);
        fputs("</code></li>\n", out);
    }
    fprintf(out,
            "</ul>\n<p class=\"hint\">%" PRId32 " runs of %" PRId32 " of %" PRId32 " configurations. %s</p>\n"
            "<nav aria-label=\"Parts of this page\"><a href=\"#knobs\">Knobs</a> <a href=\"#frontier\">Frontier</a> "
            "<a href=\"#tried\">What was tried</a> <a href=\"#inputs\">Changes</a> "
            "<a href=\"#definitions\">Definitions</a> <a href=\"#provenance\">Provenance</a></nav>\n"
            "<section id=\"knobs\">\n<h2>What each knob costs</h2>\n<p class=\"hint\">At each value the cheapest "
            "configuration that meets every condition, the other knobs chosen best <a class=\"def\" "
            "href=\"#def-plan-step\" "
            "aria-label=\"What this means\">?</a>.</p>\n",
            p->used, p->tried, p->point_count, rep_plan_bound(p, bound, sizeof bound));
    for (int32_t k = 0; k < p->options->knob_count; k++) {
        put_knob(p, k, out);
    }
    fputs("</section>\n<section id=\"frontier\">\n<h2>What latency costs</h2>\n", out);
    put_front(p, out);
    fputs("</section>\n", out);
    put_tried(p, out);
    put_rest(r, out);
    rep_page_end(out);
    return ferror(out) ? -1 : 0;
}

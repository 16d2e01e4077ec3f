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

enum { WIDTH = 980, LEFT = 90, BOTTOM = 290, TOP = 34, CURVES = 4 };

static void put_cell(const plan *p, int32_t point, int32_t metric, FILE *out)
{
    char text[REP_CELL], number[REP_NUMBER_SIZE];
    fprintf(out, "<td data-v=\"%s\">", rep_real(plan_mean(p, point, metric), number));
    rep_escape(out, rep_plan_cell(p, point, metric, text, sizeof text));
    fputs("</td>", out);
}

/* The break-even chart of a knob: cost and what it consists of, at the cheapest configuration of each value. */
static void put_knob(const plan *p, int32_t knob, FILE *out)
{
    const plan_knob *k = &p->options->knobs[knob];
    int32_t *best = calloc((size_t)k->count + 1, sizeof *best);
    double high = 0;
    char label[REP_POINT];
    if (best == NULL) {
        return;
    }
    plan_profile(p, knob, best);
    for (int32_t v = 0; v < k->count; v++) {
        high = best[v] >= 0 ? fmax(high, plan_mean(p, best[v], PLAN_COST)) : high;
    }
    snprintf(label, sizeof label, "Cost of the cheapest configuration at each %s", k->path);
    fputs("<h3>", out);
    rep_escape(out, label);
    fputs("</h3>\n", out);
    if (!(high > 0)) {
        fputs("<p class=\"note\">Nothing that was tried meets the conditions.</p>\n", out);
        free(best);
        return;
    }
    const svg_axis y = svg_axis_fit(0, high, 6, BOTTOM, TOP);
    const double slot = (double)(WIDTH - LEFT - 30) / k->count;
    const int32_t every = k->count / 12 + 1;
    draw_begin(out, WIDTH, 350, label);
    draw_y(out, &y, LEFT, WIDTH - 30, "cost.total_usd", "cost");
    for (int32_t v = 0; v < k->count; v += every) {
        svg_text(out, LEFT + (v + 0.5) * slot, BOTTOM + 18, "middle", 1, k->values[v]);
    }
    for (int32_t m = 0; m < CURVES; m++) {
        double from_x = (double)NAN, from_y = (double)NAN;
        char style[80];
        snprintf(style, sizeof style, "stroke=\"%s\" stroke-width=\"%s\"", m == 0 ? "var(--ink)" : draw_hue(m - 1),
                 m == 0 ? "2.5" : "1.8");
        for (int32_t v = 0; v < k->count; v++) {
            const double x = LEFT + (v + 0.5) * slot;
            const double at = best[v] >= 0 ? svg_at(&y, plan_mean(p, best[v], m)) : (double)NAN;
            if (!isnan(at) && !isnan(from_y)) {
                draw_line(out, from_x, from_y, x, at, style);
            }
            from_x = x;
            from_y = at;
        }
        fprintf(out, "<rect x=\"%d\" y=\"326\" width=\"14\" height=\"4\" fill=\"%s\"/>\n", LEFT + m * 130,
                m == 0 ? "var(--ink)" : draw_hue(m - 1));
        svg_text(out, LEFT + m * 130 + 20, 332, "start", 1, rep_plan_column(p, m));
    }
    for (int32_t v = 0; v < k->count; v++) {
        char tip[2 * REP_POINT], what[REP_POINT], c[CURVES][REP_CELL];
        if (best[v] < 0) {
            continue;
        }
        for (int m = 0; m < CURVES; m++) {
            rep_plan_cell(p, best[v], m, c[m], sizeof c[m]);
        }
        snprintf(tip, sizeof tip, "%s|cost %s|owned %s|on demand %s|spot %s|%s", k->values[v], c[0], c[1], c[2], c[3],
                 plan_describe(p, best[v], what, sizeof what));
        draw_mark_begin(out, tip);
        fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5.5\" fill=\"%s\"/>\n", LEFT + (v + 0.5) * slot,
                svg_at(&y, plan_mean(p, best[v], PLAN_COST)), best[v] == p->best ? "var(--good)" : "var(--ink)");
        draw_mark_end(out);
    }
    draw_end(out);
    free(best);
}

static void put_front(const plan *p, FILE *out)
{
    double x0 = INFINITY, x1 = -(double)INFINITY, y0 = INFINITY, y1 = -(double)INFINITY;
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
    const svg_axis x = svg_axis_fit(x0, x1, 7, LEFT, WIDTH - 30);
    const svg_axis y = svg_axis_log(fmax(y0, 1e-6), fmax(y1, 1e-6), BOTTOM, TOP);
    draw_begin(out, WIDTH, 350, "Cost and latency of everything that was tried");
    draw_x(out, &x, TOP, BOTTOM, "cost.total_usd", "cost");
    draw_y_log(out, &y, LEFT, WIDTH - 30, p->options->latency, p->options->latency);
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
                 rep_plan_cell(p, i, PLAN_COST, cost, sizeof cost), p->options->latency,
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

static void put_tried(const plan *p, FILE *out)
{
    fputs("<section id=\"tried\">\n<h2>What was tried</h2>\n<div class=\"scroll\" role=\"region\" tabindex=\"0\" "
          "aria-label=\"Table: what was tried\"><table class=\"sortable\"><thead><tr>",
          out);
    for (int32_t k = 0; k < p->options->knob_count; k++) {
        fputs("<th scope=\"col\"><span class=\"head\">", out);
        rep_escape(out, p->options->knobs[k].path);
        fputs("</span></th>", out);
    }
    for (int32_t m = 0; m < p->metrics; m++) {
        fputs("<th scope=\"col\"><span class=\"head\">", out);
        rep_escape(out, rep_plan_column(p, m));
        fputs("</span></th>", out);
    }
    fputs("<th scope=\"col\"><span class=\"head\">Runs</span></th><th scope=\"col\" class=\"text\">"
          "<span class=\"head\">Conditions</span></th></tr></thead>\n<tbody>\n",
          out);
    for (int32_t i = 0; i < p->point_count; i++) {
        int32_t value[PLAN_KNOBS_MAX];
        if (p->points[i].runs == 0) {
            continue;
        }
        plan_values(p, i, value);
        fputs("<tr>", out);
        for (int32_t k = 0; k < p->options->knob_count; k++) {
            fputs("<td>", out);
            rep_escape(out, p->options->knobs[k].values[value[k]]);
            fputs("</td>", out);
        }
        for (int32_t m = 0; m < p->metrics; m++) {
            put_cell(p, i, m, out);
        }
        fprintf(out, "<td>%" PRId32 "</td><td class=\"text\">%s</td></tr>\n", p->points[i].runs,
                i == p->best          ? "the answer"
                : plan_feasible(p, i) ? "met"
                                      : "missed");
    }
    fputs("</tbody></table></div>\n</section>\n", out);
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
            "configuration that meets every condition, the other knobs chosen best.</p>\n",
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

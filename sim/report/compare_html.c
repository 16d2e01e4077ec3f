/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compare_html.c - the page of a comparison: verdicts, forest plot, frontier, tables, decisions, what differs. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/experiment/check.h"
#include "sim/experiment/regret.h"
#include "sim/report/compare_parts.h"
#include "sim/report/draw.h"
#include "sim/report/html.h"
#include "sim/report/html_diff.h"

enum { WIDTH = 700, NAMES = 262, ROW = 26 };

typedef struct forest_row {
    int32_t metric;
    double at, low, high; /* in per cent of the baseline's mean */
} forest_row;

/* A figure as a share of the baseline: only where the baseline is not 0. */
static bool forest_row_of(const comparison *c, int32_t side, int32_t metric, forest_row *row)
{
    const cmp_figure *f = compare_figure(c, side, metric);
    const double base = fabs(f->base);
    if (!(base > 0) || isnan(f->diff_half)) {
        return false;
    }
    *row = (forest_row){metric, 100 * f->diff / base, 100 * (f->diff - f->diff_half) / base,
                        100 * (f->diff + f->diff_half) / base};
    return true;
}

/* Where an interval goes on beyond the axis. */
static void put_arrow(double x, double y, int direction, const char *colour, FILE *out)
{
    fprintf(out, "<path d=\"M%.1f %.1fl%d -5v10z\" fill=\"%s\"/>\n", x, y, -9 * direction, colour);
}

static void put_forest_row(const comparison *c, int32_t side, const forest_row *r, const svg_axis *x, double y,
                           FILE *out)
{
    const cmp_metric *m = &c->options->metrics[r->metric];
    const cmp_figure *f = compare_figure(c, side, r->metric);
    rep_compare_row cells;
    char tip[512];
    rep_compare_cells(c, side, r->metric, &cells);
    snprintf(tip, sizeof tip, "%s|%+.2f %% of A (%+.2f to %+.2f)|%s (%s)|A %s, %" PRId32 " pairs", compare_label(m),
             r->at, r->low, r->high, cells.diff, cells.interval, cells.base, f->pairs);
    const char *colour = !f->shown              ? "var(--soft)"
                         : m->sense == 0        ? "var(--accent)"
                         : cells.mark[0] == 'b' ? "var(--good)"
                                                : "var(--bad)";
    char style[96];
    snprintf(style, sizeof style, "stroke=\"%s\" stroke-width=\"2.5\"", colour);
    svg_text(out, NAMES - 12, y + 4, "end", 0, compare_label(m));
    draw_mark_begin(out, tip);
    const double low = fmax(svg_at(x, r->low), x->from), high = fmin(svg_at(x, r->high), x->to);
    const double at = svg_at(x, r->at);
    fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" fill=\"transparent\"/>\n", x->from,
            y - ROW / 2.0, x->to - x->from, ROW);
    draw_line(out, fmin(low, x->to), y, fmax(high, x->from), y, style);
    if (r->low < x->low) {
        put_arrow(x->from, y, -1, colour, out);
    }
    if (r->high > x->high) {
        put_arrow(x->to, y, 1, colour, out);
    }
    if (at >= x->from && at <= x->to) {
        fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\" fill=\"%s\"/>\n", at, y, colour);
    }
    draw_mark_end(out);
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void put_forest(const comparison *c, int32_t side, FILE *out)
{
    enum { ROWS = 64 };
    forest_row rows[ROWS];
    double reach[ROWS];
    double shown = 0.0; /* the farthest that a difference which leaves out zero reaches */
    int n = 0;
    for (int32_t m = 0; m < c->options->metric_count && n < ROWS; m++) {
        if (rep_compare_worth(c, side, m) && forest_row_of(c, side, m, &rows[n])) {
            reach[n] = fmax(fabs(rows[n].low), fabs(rows[n].high));
            shown = rows[n].low > 0 || rows[n].high < 0 ? fmax(shown, reach[n]) : shown;
            n++;
        }
    }
    if (n == 0) {
        return;
    }
    /* A few enormous intervals must not flatten all others: the axis ends at three times the middle one, or where the
       last difference ends that is one, up to the whole of A. */
    qsort(reach, (size_t)n, sizeof reach[0], by_size);
    const double edge = fmax(fmax(fmin(reach[n - 1], 3 * reach[n / 2]), fmin(shown, 100)), 0.01);
    const svg_axis x = svg_axis_fit(-edge, edge, 6, NAMES, WIDTH - 32);
    const int height = 24 + n * ROW + 30;
    const double bottom = 20 + n * ROW;
    char label[160];
    snprintf(label, sizeof label, "Differences %c - A with their 95 %% intervals, in per cent of A", 'A' + side);
    fprintf(out, "<h3>%s</h3>\n", label);
    draw_begin(out, WIDTH, height, label);
    svg_axis_across(out, &x, 12, bottom);
    draw_line(out, svg_at(&x, 0), 12, svg_at(&x, 0), bottom, "stroke=\"var(--ink)\" stroke-width=\"1.5\"");
    for (int i = 0; i < n; i++) {
        put_forest_row(c, side, &rows[i], &x, 20 + (i + 0.5) * ROW, out);
    }
    draw_end(out);
}

static void put_frontier(const comparison *c, FILE *out)
{
    const int32_t sides = c->options->side_count;
    double x0 = INFINITY, x1 = -(double)INFINITY, y0 = INFINITY, y1 = -(double)INFINITY;
    for (int32_t s = 0; s < sides; s++) {
        const cmp_figure *cost = compare_figure(c, s, CMP_COST), *late = compare_figure(c, s, CMP_TTFT_P99);
        if (late->runs < 2 || cost->runs < 2) {
            return;
        }
        x0 = fmin(x0, cost->mean - cost->half);
        x1 = fmax(x1, cost->mean + cost->half);
        y0 = fmin(y0, late->mean - late->half);
        y1 = fmax(y1, late->mean + late->half);
    }
    /* Wide intervals reach below zero, where neither money nor time goes. */
    const svg_axis x = svg_axis_fit(fmax(x0, 0), x1, 5, 90, WIDTH - 38), y = svg_axis_fit(fmax(y0, 0), y1, 6, 300, 30);
    fputs("<h3>Cost and TTFT P99 of each side, with the 95 % intervals of the means</h3>\n", out);
    draw_begin(out, WIDTH, 350, "Cost and TTFT P99 of each side");
    draw_x(out, &x, 30, 300, "cost.total_usd", "cost");
    draw_y(out, &y, 90, WIDTH - 38, "latency.ttft_s.p99", "TTFT P99");
    for (int32_t s = 0; s < sides; s++) {
        const cmp_figure *cost = compare_figure(c, s, CMP_COST), *late = compare_figure(c, s, CMP_TTFT_P99);
        char tip[400], a[48], b[48], style[64];
        const char letter[] = {(char)('A' + s), '\0'};
        const double px = svg_at(&x, cost->mean), py = svg_at(&y, late->mean);
        snprintf(tip, sizeof tip, "%s  %.200s|cost %s|TTFT P99 %s", letter, c->options->labels[s],
                 compare_text("cost.total_usd", cost->mean, false, a, sizeof a),
                 compare_text("latency.ttft_s.p99", late->mean, false, b, sizeof b));
        snprintf(style, sizeof style, "stroke=\"%s\" stroke-width=\"2\"", draw_hue(s));
        draw_mark_begin(out, tip);
        draw_line(out, svg_at(&x, fmax(cost->mean - cost->half, 0)), py, svg_at(&x, cost->mean + cost->half), py,
                  style);
        draw_line(out, px, svg_at(&y, fmax(late->mean - late->half, 0)), px, svg_at(&y, late->mean + late->half),
                  style);
        fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"6\" fill=\"%s\"/>\n", px, py, draw_hue(s));
        draw_mark_end(out);
        svg_text(out, px + 9, py - 9, "start", 0, letter);
    }
    draw_end(out);
    fputs("<p class=\"hint\">Down and to the left is better. The intervals here are those of the sides alone; the "
          "differences above are known better than these, because pairs share their luck.</p>\n",
          out);
}

static void put_cell(FILE *out, double value, const char *text)
{
    char number[REP_NUMBER_SIZE];
    fprintf(out, "<td data-v=\"%s\">", rep_real(value, number));
    rep_escape(out, text);
    fputs("</td>", out);
}

static void put_table(const comparison *c, int32_t side, FILE *out)
{
    const char head[] = {(char)('A' + side), ' ', '-', ' ', 'A', '\0'};
    const rep_head heads[] = {{"Figure", NULL, true},     {"A", NULL, false},
                              {head, "paired", false},    {"95 % interval", "interval", false},
                              {"p", "holm", false},       {"Pairing", "pairing", false},
                              {"Verdict", "shown", true}, {NULL, NULL, false}};
    rep_table_open(out, head, heads);
    for (int32_t m = 0; m < c->options->metric_count; m++) {
        const cmp_figure *f = compare_figure(c, side, m);
        rep_compare_row row;
        if (!rep_compare_worth(c, side, m)) {
            continue;
        }
        rep_compare_cells(c, side, m, &row);
        fputs("<tr><th scope=\"row\">", out);
        rep_escape(out, compare_label(&c->options->metrics[m]));
        fputs("</th>", out);
        put_cell(out, f->base, row.base);
        put_cell(out, f->diff, row.diff);
        put_cell(out, f->diff_half, row.interval);
        put_cell(out, f->p_holm, row.p);
        put_cell(out, f->reduction, row.reduction);
        fprintf(out, "<td class=\"text%s\">%s</td></tr>\n",
                row.mark[0] == 'b'   ? " good"
                : row.mark[0] == 'w' ? " bad"
                                     : "",
                f->same               ? "the same"
                : row.mark[0] != '\0' ? row.mark
                                      : "no difference shown");
    }
    rep_table_close(out);
}

static void put_moments(const comparison *c, int32_t side, FILE *out)
{
    if (c->moment_counts[side] == 0) {
        fprintf(out, "<p class=\"note\">A and %c decided the same at every tick of replication 0.</p>\n", 'A' + side);
        return;
    }
    fprintf(out, "<h3>First decisions of A and %c that differ</h3>\n", 'A' + side);
    for (int32_t i = 0; i < c->moment_counts[side]; i++) {
        const cmp_moment *m = &c->moments[side][i];
        char clock[REP_CLOCK_SIZE];
        const char *const plans[] = {m->base, m->candidate};
        fprintf(out, "<details%s><summary>%s (%.0f s)</summary>\n", i == 0 ? " open" : "",
                rep_clock(c->options->sides[0], (double)m->now_ns / 1e9, clock), (double)m->now_ns / 1e9);
        for (int k = 0; k < 2; k++) {
            fprintf(out, "<p><b>%c</b></p>\n<pre>", k == 0 ? 'A' : 'A' + side);
            rep_escape_lines(out, plans[k][0] != '\0' ? plans[k] : "nothing");
            fputs("</pre>\n", out);
        }
        fputs("</details>\n", out);
    }
}

/* Its cost above the best order, and how often each order was that. */
static void put_regret(const comparison *c, FILE *out)
{
    const regret r = regret_of(c, *c->options->slack);
    char words[REP_VERDICT];
    static const rep_head heads[] = {{"Order", NULL, true},
                                     {"Cost", NULL, false},
                                     {"Best in pairs", "regret", false},
                                     {"Served too badly in", "regret", false},
                                     {NULL, NULL, false}};
    fputs("<section id=\"regret\">\n<h2>Best order in hindsight</h2>\n<p>", out);
    regret_words(c, &r, *c->options->slack, words, sizeof words);
    words[0] = words[0] == 'n' ? 'N' : words[0] == 'r' ? 'R' : words[0];
    rep_escape(out, words);
    fputs(".</p>\n", out);
    rep_table_open(out, "Orders", heads);
    for (int32_t s = 0; s < c->options->side_count; s++) {
        const cmp_figure *f = compare_figure(c, s, CMP_COST);
        char cost[REP_CELL];
        fprintf(out, "<tr><th scope=\"row\">%c ", 'A' + s);
        rep_escape(out, c->options->labels[s]);
        fputs("</th>", out);
        put_cell(out, f->mean, compare_text("cost.total_usd", f->mean, false, cost, sizeof cost));
        fprintf(out, "<td>%" PRId32 "</td><td>%" PRId32 "</td></tr>\n", r.wins[s], r.out[s]);
    }
    rep_table_close(out);
    fputs("</section>\n", out);
}

static void put_head(const comparison *c, FILE *out)
{
    fputs("<p class=\"name\">Comparison on common random numbers</p>\n", out);
    for (int32_t s = 1; s < c->options->side_count; s++) {
        char verdict[REP_VERDICT];
        fputs("<h1>", out);
        compare_verdict(c, s, verdict, sizeof verdict);
        if (verdict[0] == 'n') {
            verdict[0] = 'N';
        }
        rep_escape(out, verdict);
        fputs(".</h1>\n", out);
    }
    fputs("<ul>\n", out);
    for (int32_t s = 0; s < c->options->side_count; s++) {
        fprintf(out, "<li><b>%c</b> ", 'A' + s);
        rep_escape(out, c->options->labels[s]);
        fputs(s == 0 ? " (baseline)</li>\n" : "</li>\n", out);
    }
    fputs("</ul>\n", out);
    if (c->options->goal != NULL && !c->goal_met) {
        fputs("<p class=\"note\">The wanted half width was not reached within the replications allowed.</p>\n", out);
    }
    fputs("<nav aria-label=\"Parts of this page\"><a href=\"#differences\">Differences</a> "
          "<a href=\"#frontier\">Cost and latency</a> <a href=\"#decisions\">Decisions</a> "
          "<a href=\"#inputs\">What differs</a> <a href=\"#definitions\">Definitions</a> "
          "<a href=\"#provenance\">Provenance</a></nav>\n",
          out);
}

static void put_definitions(const comparison *c, FILE *out)
{
    static const char *const list[][3] = {
        {"paired", "Paired difference",
         "Replication r of the candidate less replication r of A. Both draw from the same named random streams, one "
         "for "
         "each entity (arrivals, lengths, nodes, pods, reclaims, samples), so each entity keeps its luck under every "
         "policy; the mean over all pairs stands here."},
        {"interval", "95 % interval",
         "Student interval of the mean paired difference. With k candidates each is the interval of level 1 - 0.05/k "
         "(Bonferroni), so that those of all candidates hold together with 95 %. In per cent: of A's mean."},
        {"holm", "p",
         "Probability of a mean difference at least this large if there were none (Student), adjusted "
         "for several candidates by Holm's method."},
        {"pairing", "Pairing",
         "How many times smaller the variance of the difference is than it would be with independent runs: "
         "(var A + var B) / var(B - A). Exact: all pairs differ by the same amount."},
        {"shown", "Verdict",
         "Better or worse: the interval leaves out zero. No difference shown: it does not, which is not the same as "
         "equal. Figures of one candidate are not corrected for each other."},
    };
    fputs("<section id=\"definitions\">\n<h2>What the figures mean</h2>\n<details open><summary>Comparing</summary>\n"
          "<dl>\n",
          out);
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        fprintf(out, "<dt id=\"def-%s\">%s</dt><dd>%s</dd>\n", list[i][0], list[i][1], list[i][2]);
    }
    if (c->options->slack != NULL) {
        fputs("<dt id=\"def-regret\">Regret</dt><dd>Cost of A less that of the cheapest side in the same replication, "
              "known in hindsight; never negative. A side counts there only if its share of requests within all "
              "targets fell below A's by no more than the slack that is named. Only the orders that were run are held "
              "against each other: a schedule that is none of them may be cheaper still.</dd>\n",
              out);
    }
    fputs("</dl></details>\n", out);
    rep_html_terms(out);
    fprintf(out,
            "</section>\n<section id=\"provenance\">\n<h2>Where this comes from</h2>\n<p>spillway %s, seed %" PRIu64
            ", %" PRId32 " pairs. The same version, scenarios, seed and pairs give the same bytes.</p>\n<ul>\n",
            REP_VERSION, c->options->seed, c->replications);
    for (int32_t s = 0; s < c->options->side_count; s++) {
        fprintf(out, "<li><b>%c</b> <code>", 'A' + s);
        rep_escape(out, c->options->sides[s]->path);
        fprintf(out, " hash %016" PRIx64 "</code></li>\n", c->options->sides[s]->hash);
    }
    fputs("</ul>\n<p class=\"hint\">Everything drawn here stands in <code>differences.csv</code> and "
          "<code>pairs.csv</code> beside this page, tables for pasting in <code>compare.md</code>.</p>\n",
          out);
    rep_html_sources(c->options->sides[0], out);
    fputs("</section>\n", out);
}

int rep_compare_page(const void *what, FILE *out)
{
    const comparison *c = what;
    rep_page_begin(out, "Comparison");
    put_head(c, out);
    if (c->options->slack != NULL) {
        put_regret(c, out);
    }
    fputs("<section id=\"differences\">\n<h2>Differences</h2>\n<p class=\"hint\">Left of the line the candidate has "
          "less, right of it more; a line that crosses zero shows no difference.</p>\n",
          out);
    for (int32_t s = 1; s < c->options->side_count; s++) {
        put_forest(c, s, out);
        put_table(c, s, out);
    }
    fputs("</section>\n<section id=\"frontier\">\n<h2>Cost and latency</h2>\n", out);
    put_frontier(c, out);
    fputs("</section>\n<section id=\"decisions\">\n<h2>Decisions</h2>\n<p class=\"hint\">After the first difference "
          "the worlds drift apart, so later ones follow from it. Each action ends with its reason.</p>\n",
          out);
    for (int32_t s = 1; s < c->options->side_count; s++) {
        put_moments(c, s, out);
    }
    fputs("</section>\n<section id=\"inputs\">\n<h2>What differs between the inputs</h2>\n", out);
    for (int32_t s = 1; s < c->options->side_count; s++) {
        const char letter[] = {'A', '\0'}, other[] = {(char)('A' + s), '\0'};
        rep_html_diff(c->options->sides[0], c->options->sides[s], letter, other, out);
    }
    fputs("</section>\n", out);
    put_definitions(c, out);
    rep_page_end(out);
    return ferror(out) ? -1 : 0;
}

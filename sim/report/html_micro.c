/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * html_micro.c - the burst microscope: one section for each of the worst bursts. Demand against ready capacity,
 * replicas on their way by stage of the lag chain, the queue, and every decision with its reason, all on one axis of
 * time.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "sim/report/decisions.h"
#include "sim/report/html.h"
#include "sim/report/svg.h"

enum {
    WIDTH = 1000,
    HEIGHT = 646,
    LEFT = 64,
    RIGHT = 980,
    DEMAND_TOP = 64,
    DEMAND_END = 224,
    CHAIN_TOP = 264,
    CHAIN_END = 404,
    QUEUE_TOP = 444,
    QUEUE_END = 514,
    ACTS_TOP = 546,
    ACTS_END = 616,
    ACT_ROWS = 5,
    TABLE_ROWS = 60
};

const char *const rep_chain_words[RES_CHAIN] = {"decision",   "waiting",      "boot",       "join",
                                                "image pull", "weight fetch", "model load", "warm-up"};

/** What is drawn. */
typedef struct micro {
    const rep_view *v;
    const res_run *run;
    const res_burst *burst;
    int32_t first, last; /**< bins */
    svg_axis time;       /**< simulated s */
} micro;

static double bin_end_s(const micro *m, int32_t bin)
{
    const double step = (double)m->run->timeline.bin_ns / 1e9;
    return fmin(step * (bin + 1), (double)m->v->sc->duration_ns / 1e9);
}

static double bin_start_s(const micro *m, int32_t bin)
{
    return (double)m->run->timeline.bin_ns / 1e9 * bin;
}

static size_t cell(const micro *m, int32_t bin)
{
    return (size_t)bin * (size_t)m->run->service_count + (size_t)m->burst->service;
}

double rep_chain_replicas(const rep_view *v, const res_run *run, int32_t bin, int32_t service, int stage)
{
    const res_timeline *t = &run->timeline;
    const double from = (double)t->bin_ns * bin, to = fmin(from + (double)t->bin_ns, (double)v->sc->duration_ns);
    const size_t row = (size_t)bin * (size_t)run->service_count + (size_t)service;
    return t->chain_s[row * RES_CHAIN + (size_t)stage] / ((to - from) / 1e9);
}

static double demand(const micro *m, int32_t bin)
{
    return (double)m->run->timeline.arrivals[cell(m, bin)] / (bin_end_s(m, bin) - bin_start_s(m, bin));
}

static double capacity(const micro *m, int32_t bin)
{
    double sum = 0;
    for (int32_t p = 0; p < m->v->sc->pool_count; p++) {
        sum += rep_capacity_rps(m->v, m->run, bin, m->burst->service, p);
    }
    return sum;
}

static double chain_up_to(const micro *m, int32_t bin, int stages)
{
    double sum = 0;
    for (int k = 0; k < stages; k++) {
        sum += rep_chain_replicas(m->v, m->run, bin, m->burst->service, k);
    }
    return sum;
}

typedef double (*level)(const micro *m, int32_t bin, int k);

static double level_of_capacity(const micro *m, int32_t bin, int k)
{
    return k == 0 ? 0 : capacity(m, bin);
}

static double level_of_chain(const micro *m, int32_t bin, int k)
{
    return chain_up_to(m, bin, k);
}

static double level_of_queue(const micro *m, int32_t bin, int k)
{
    return k == 0 ? 0 : (double)m->run->timeline.waiting[cell(m, bin)];
}

static double level_of_demand(const micro *m, int32_t bin, int k)
{
    (void)k;
    return demand(m, bin);
}

/** A step line over the bins, from left to right, or back. */
static void put_steps(const micro *m, const svg_axis *y, level at, int k, bool back, FILE *out)
{
    for (int32_t i = 0; i <= m->last - m->first; i++) {
        const int32_t bin = back ? m->last - i : m->first + i;
        const double height = svg_at(y, at(m, bin, k)), x0 = svg_at(&m->time, fmax(bin_start_s(m, bin), m->time.low)),
                     x1 = svg_at(&m->time, fmin(bin_end_s(m, bin), m->time.high));
        fprintf(out, "%s%.1f %.1fH%.1f", i == 0 && !back ? "M" : "L", back ? x1 : x0, height, back ? x0 : x1);
    }
}

static void put_area(const micro *m, const svg_axis *y, level at, int k, const char *style, FILE *out)
{
    fprintf(out, "<path class=\"%s\" d=\"", style);
    put_steps(m, y, at, k + 1, false, out);
    put_steps(m, y, at, k, true, out);
    fputs("Z\"/>\n", out);
}

static double highest(const micro *m, level at, int k)
{
    double most = 0;
    for (int32_t bin = m->first; bin <= m->last; bin++) {
        most = fmax(most, at(m, bin, k));
    }
    return most;
}

static svg_axis panel(const micro *m, double most, int ticks, double top, double end, const char *label, FILE *out)
{
    (void)m;
    const svg_axis y = svg_axis_fit(0, most > 0 ? most : 1, ticks, end, top);
    svg_axis_up(out, &y, LEFT, RIGHT);
    svg_text(out, LEFT, top - 10, "start", 0, label);
    return y;
}

static void put_key(FILE *out, double *x, double y, const char *style, const char *text)
{
    fprintf(out, "<rect class=\"%s\" x=\"%.0f\" y=\"%.0f\" width=\"14\" height=\"9\"/>\n", style, *x, y - 9);
    svg_text(out, *x + 19, y, "start", 1, text);
    *x += 34 + 6.6 * (double)strlen(text);
}

static void put_time_axis(const micro *m, FILE *out)
{
    const double span = m->time.high - m->time.low;
    static const double steps[] = {60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400};
    size_t k = 0;
    while (k + 1 < sizeof steps / sizeof steps[0] && span / steps[k] > 12) {
        k++;
    }
    const double zone_s = (double)(m->v->sc->start_unix_ns / 1000000000 % 86400) + m->v->sc->utc_offset_s;
    for (double t = ceil((m->time.low + zone_s) / steps[k]) * steps[k] - zone_s; t <= m->time.high; t += steps[k]) {
        char clock[REP_CLOCK_SIZE];
        const double x = svg_at(&m->time, t);
        fprintf(out, "<path class=\"grid\" d=\"M%.1f %dV%d\"/>\n", x, DEMAND_TOP, ACTS_END);
        svg_text(out, x, ACTS_END + 18, "middle", 1, rep_clock(m->v->sc, t, clock));
    }
}

static void put_marks(const micro *m, FILE *out)
{
    const res_burst *b = m->burst;
    const double marks[] = {b->onset_s, b->primary_saturated_s, b->overflow_started_s, b->absorbed_s,
                            b->overflow_released_s};
    static const char *const words[] = {"onset", "saturated", "overflow starts", "absorbed", "released"};
    double right_of = -1;
    int row = 0;
    for (int i = 0; i < 5; i++) {
        if (!isfinite(marks[i]) || marks[i] > m->time.high) {
            continue;
        }
        const double x = svg_at(&m->time, marks[i]);
        const bool turn = x > RIGHT - 110;
        row = x < right_of ? row + 1 : 0;
        right_of = x + 100;
        fprintf(out, "<path class=\"mark\" d=\"M%.1f %dV%d\"/>\n", x, 8 + 12 * row, ACTS_END);
        svg_text(out, turn ? x - 4 : x + 4, 16 + 12 * row, turn ? "end" : "start", 0, words[i]);
    }
}

static const char *const act_rows[ACT_ROWS] = {"scale", "place", "provision", "release", "other"};

/** Row of a decision, by its verb. */
static int row_of(const char *text)
{
    for (int i = 0; i < ACT_ROWS - 1; i++) {
        if (strncmp(text, act_rows[i], strlen(act_rows[i])) == 0) {
            return i;
        }
    }
    return ACT_ROWS - 1;
}

static void put_acts(const micro *m, const rep_decisions *d, FILE *out)
{
    const double step = (double)(ACTS_END - ACTS_TOP) / ACT_ROWS;
    for (int i = 0; i < ACT_ROWS; i++) {
        const double y = ACTS_TOP + (i + 0.5) * step;
        fprintf(out, "<path class=\"grid\" d=\"M%d %.1fH%d\"/>\n", LEFT, y, RIGHT);
        svg_text(out, LEFT - 6, y + 4, "end", 1, act_rows[i]);
    }
    svg_text(out, LEFT, ACTS_TOP - 8, "start", 0, "decisions");
    for (size_t i = 0; i < d->count; i++) {
        char clock[REP_CLOCK_SIZE];
        fprintf(out, "<circle class=\"act\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\" tabindex=\"%d\" data-t=\"%s|",
                svg_at(&m->time, d->at[i].at_s), ACTS_TOP + (row_of(d->at[i].text) + 0.5) * step, i < 40 ? 0 : -1,
                rep_clock(m->v->sc, d->at[i].at_s, clock));
        rep_escape(out, d->at[i].text);
        fputs("\"/>\n", out);
    }
}

static void put_picture(const micro *m, const rep_decisions *d, int32_t number, FILE *out)
{
    fprintf(out, "<svg class=\"drawn\" viewBox=\"0 0 %d %d\" role=\"group\" aria-label=\"Burst %" PRId32 "\">\n", WIDTH,
            HEIGHT, number);
    put_time_axis(m, out);
    const double most = fmax(highest(m, level_of_capacity, 1), highest(m, level_of_demand, 0));
    const svg_axis rps = panel(m, most, 4, DEMAND_TOP, DEMAND_END, "requests/s", out);
    put_area(m, &rps, level_of_capacity, 0, "ready", out);
    fputs("<path class=\"demand\" d=\"", out);
    put_steps(m, &rps, level_of_demand, 0, false, out);
    fputs("\"/>\n", out);
    double x = 700;
    put_key(out, &x, DEMAND_TOP - 10, "ready", "ready capacity");
    put_key(out, &x, DEMAND_TOP - 10, "demand-key", "demand");
    const svg_axis chain =
        panel(m, highest(m, level_of_chain, RES_CHAIN), 4, CHAIN_TOP, CHAIN_END, "replicas on their way", out);
    x = 290;
    for (int k = 0; k < RES_CHAIN; k++) {
        char style[12];
        snprintf(style, sizeof style, "chain%d", k);
        put_area(m, &chain, level_of_chain, k, style, out);
        put_key(out, &x, CHAIN_TOP - 10, style, rep_chain_words[k]);
    }
    const svg_axis queue = panel(m, highest(m, level_of_queue, 1), 2, QUEUE_TOP, QUEUE_END, "requests waiting", out);
    put_area(m, &queue, level_of_queue, 0, "waiting", out);
    put_acts(m, d, out);
    put_marks(m, out);
    fputs("</svg>\n", out);
}

static void put_table(const micro *m, const rep_decisions *d, FILE *out)
{
    static const rep_head heads[] = {{"Time", NULL, true}, {"Decision and reason", NULL, true}, {NULL, NULL, false}};
    if (d->count == 0) {
        return;
    }
    fprintf(out, "<details>\n<summary>Decisions: %zu</summary>\n", d->count);
    rep_table_open(out, "Decisions of this burst", heads);
    for (size_t i = 0; i < d->count && i < TABLE_ROWS; i++) {
        char clock[REP_CLOCK_SIZE];
        fprintf(out, "<tr><th scope=\"row\">%s</th><td class=\"text\"><code>",
                rep_clock(m->v->sc, d->at[i].at_s, clock));
        rep_escape(out, d->at[i].text);
        fputs("</code></td></tr>\n", out);
    }
    rep_table_close(out);
    if (d->count > TABLE_ROWS) {
        fprintf(out, "<p class=\"hint\">The first %d; all stand in decisions.jsonl.</p>\n", TABLE_ROWS);
    }
    fputs("</details>\n", out);
}

static void put_burst(const rep_view *v, int32_t index, const char *dir, FILE *out)
{
    const res_run *run = v->runs[0];
    const rep_picture as_picture = {.kind = REP_PICTURE_BURST, .index = index};
    micro m = {.v = v, .run = run, .burst = &run->bursts[index]};
    double from_s, to_s;
    char clock[REP_CLOCK_SIZE];
    rep_decisions d;
    rep_picture_window(v, &as_picture, &from_s, &to_s);
    const double step = (double)run->timeline.bin_ns / 1e9;
    m.first = (int32_t)floor(from_s / step);
    m.last = (int32_t)fmin(ceil(to_s / step), run->timeline.bins) - 1;
    m.time = (svg_axis){from_s, to_s, 0, LEFT, RIGHT};
    if (m.last <= m.first || rep_decisions_read(&d, dir, v->sc->services[m.burst->service].name, from_s, to_s) != 0) {
        return;
    }
    fprintf(out, "<figure id=\"microscope-%" PRId32 "\">\n<h3>Burst %" PRId32 " at %s: ", index + 1, index + 1,
            rep_clock(v->sc, m.burst->onset_s, clock));
    rep_escape(out, v->sc->services[m.burst->service].name);
    fputs("</h3>\n<div class=\"card\"", out);
    rep_series_of_microscope(v, m.burst->service, from_s, to_s, (double)LEFT / WIDTH, (double)RIGHT / WIDTH, out);
    fputs(">", out);
    put_picture(&m, &d, index + 1, out);
    fputs("</div>\n<figcaption>Read downwards: demand leaves the ready capacity behind; the core decides (dots, each "
          "with its "
          "reason); replicas walk down the chain of stages; the queue drains when they arrive.</figcaption>\n",
          out);
    put_table(&m, &d, out);
    fputs("</figure>\n", out);
    rep_decisions_fini(&d);
}

void rep_html_microscope(const rep_view *v, const char *dir, FILE *out)
{
    int32_t bursts[REP_BURST_PICTURES];
    const int32_t count = rep_burst_rank(v, v->runs[0], bursts, REP_BURST_PICTURES);
    if (count == 0 || v->runs[0]->timeline.bins < 2) {
        return;
    }
    fprintf(out,
            "<section id=\"microscope\">\n<h2>Burst microscope</h2>\n<p class=\"hint\">The worst %s first%s. Replicas "
            "on their "
            "way are those that became ready in the end; levels are means over %.0f s.</p>\n",
            count == 1 ? "burst" : "bursts", v->n > 1 ? ", of replication 0" : "",
            (double)v->runs[0]->timeline.bin_ns / 1e9);
    for (int32_t k = 0; k < count; k++) {
        put_burst(v, bursts[k], dir, out);
    }
    fputs("</section>\n", out);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * html_bursts.c - the bursts in report.html: where they lie in the run, and a row for each; both lead to the page of
 * the burst. Those of replication 0: single bursts of different replications have nothing in common.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "sim/report/burst.h"
#include "sim/report/html.h"

enum { WIDTH = 1000, LEFT = 74, RIGHT = 980, STRIP = 84, STRIP_HEAD = 30 };

void rep_mark_cell(FILE *out, const res_burst *b, double mark_s)
{
    const double after = mark_s - b->onset_s;
    if (isfinite(after) && fabs(after) < 0.5) {
        fputs("<td>at once</td>", out);
    } else if (isfinite(after)) {
        char span[REP_CLOCK_SIZE];
        fprintf(out, "<td>%s%s</td>", after > 0 ? "+" : "&#8722;", rep_span(fabs(after), span));
    } else {
        fputs("<td>never</td>", out);
    }
}

/** A band from onset to end that leads to the page. */
static void put_band(const rep_scene *s, int32_t row, double top, double *free_from, FILE *out)
{
    const res_burst *b = &s->run->bursts[row];
    char file[REP_BURST_FILE], clock[REP_CLOCK_SIZE], span[REP_CLOCK_SIZE], number[16];
    const double end_s = isfinite(b->overflow_released_s) ? rep_burst_end_s(b) : s->time.high;
    const double x0 = svg_at(&s->time, b->onset_s), x1 = fmax(svg_at(&s->time, end_s), x0 + 4);
    fprintf(out, "<a href=\"%s\" data-t=\"Burst %" PRId32 " at %s|", rep_burst_file(row, file), row + 1,
            rep_clock(s->v->sc, b->onset_s, clock));
    rep_grouped(out, (double)b->requests_hurt, 0);
    fputs(" requests hurt|", out);
    if (isfinite(b->absorbed_s)) {
        fprintf(out, "first absorbed after %s", rep_span(b->absorbed_s - b->onset_s, span));
    } else {
        fputs("never absorbed", out);
    }
    fprintf(out, "\"><rect class=\"band\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\"/>", x0, top, x1 - x0,
            STRIP);
    if (x0 >= *free_from) {
        snprintf(number, sizeof number, "%" PRId32, row + 1);
        fprintf(out, "<text class=\"band-number\" x=\"%.1f\" y=\"%.1f\">%s</text>", x0 + 3, top + 11, number);
        *free_from = x0 + 8 + 7 * (double)strlen(number);
    }
    fputs("</a>\n", out);
}

/** Demand over ready capacity of one service, with its bursts. */
static void put_strip(const rep_view *v, int32_t service, const int32_t *rows, int32_t count, double top, FILE *out)
{
    const rep_window whole = {0, (double)v->sc->duration_ns / 1e9};
    const rep_scene s = rep_scene_of(v, service, whole, LEFT, RIGHT);
    const double most = fmax(rep_scene_highest(&s, rep_level_ready_rps, 1), rep_scene_highest(&s, rep_level_demand, 0));
    const svg_axis y = svg_axis_fit(0, most > 0 ? most : 1, 2, top + STRIP, top);
    double free_from = 0;
    char name[320];
    snprintf(name, sizeof name, "%.280s, requests/s", v->sc->services[service].name);
    svg_text(out, LEFT, top - 10, "start", 0, name);
    svg_axis_up(out, &y, LEFT, RIGHT);
    rep_scene_area(&s, &y, rep_level_ready_rps, 0, "ready", "", out);
    rep_scene_line(&s, &y, rep_level_demand, 0, "halo", out);
    rep_scene_line(&s, &y, rep_level_demand, 0, "demand", out);
    for (int32_t i = 0; i < count; i++) {
        if (v->runs[0]->bursts[rows[i]].service == service) {
            put_band(&s, rows[i], top, &free_from, out);
        }
    }
}

static void put_strips(const rep_view *v, const int32_t *rows, int32_t count, FILE *out)
{
    const rep_window whole = {0, (double)v->sc->duration_ns / 1e9};
    const rep_scene s = rep_scene_of(v, 0, whole, LEFT, RIGHT);
    int32_t services[REP_BURST_PAGES], strips = 0;
    for (int32_t i = 0; i < count; i++) {
        const int32_t service = v->runs[0]->bursts[rows[i]].service;
        int32_t k = 0;
        while (k < strips && services[k] != service) {
            k++;
        }
        if (k == strips) {
            services[strips++] = service;
        }
    }
    const double end = strips * (STRIP + STRIP_HEAD);
    fprintf(out,
            "<div class=\"card\"><svg class=\"drawn\" viewBox=\"0 0 %d %.0f\" role=\"group\" "
            "aria-label=\"Where the bursts lie in the run\">\n",
            WIDTH, end + 26);
    rep_scene_clock(&s, STRIP_HEAD, end, out);
    for (int32_t k = 0; k < strips; k++) {
        put_strip(v, services[k], rows, count, STRIP_HEAD + k * (STRIP + STRIP_HEAD), out);
    }
    fputs("</svg></div>\n", out);
}

static void put_row(const rep_view *v, int32_t row, bool page, FILE *out)
{
    const res_burst *b = &v->runs[0]->bursts[row];
    char file[REP_BURST_FILE], clock[REP_CLOCK_SIZE];
    fputs("<tr><th scope=\"row\">", out);
    if (page) {
        fprintf(out, "<a href=\"%s\">", rep_burst_file(row, file));
    }
    fprintf(out, "%" PRId32 ": %s%s</th><td class=\"text\">", row + 1, rep_clock(v->sc, b->onset_s, clock),
            page ? "</a>" : "");
    rep_escape(out, v->sc->services[b->service].name);
    fputs("</td>", out);
    for (int mark = 1; mark < REP_MARKS; mark++) {
        rep_mark_cell(out, b, rep_mark_s(b, mark));
    }
    fputs("<td>", out);
    rep_grouped(out, (double)b->requests_hurt, 0);
    fputs("</td><td>", out);
    rep_grouped(out, (double)b->extra_uusd / 1e6, 2);
    fprintf(out, "</td><td>%" PRId32 "</td><td class=\"text\">", b->replicas_started);
    for (int32_t r = 0; r < b->release_count && r < 16; r++) {
        fputs(r > 0 ? ", then " : "", out);
        rep_escape(out, v->sc->clusters[b->release_order[r]].name);
    }
    fputs(b->release_count > 0 ? "</td></tr>\n" : "-</td></tr>\n", out);
}

void rep_html_bursts(const rep_view *v, FILE *out)
{
    const res_run *run = v->runs[0];
    int32_t rows[REP_BURST_PAGES];
    const int32_t shown = rep_burst_rank(v, run, rows, REP_BURST_PAGES), pages = rep_burst_pages(v, rows);
    if (shown == 0) {
        return;
    }
    static const rep_head heads[] = {{"Onset", "onset", true},
                                     {"Service", NULL, true},
                                     {"Saturated", "saturated", false},
                                     {"Overflow starts", "overflow", false},
                                     {"First absorbed", "absorbed", false},
                                     {"Released", "released", false},
                                     {"Requests hurt", "hurt", false},
                                     {"Extra GPU cost, USD", "extra", false},
                                     {"Replicas started", NULL, false},
                                     {"Released in this order", NULL, true},
                                     {NULL, NULL, false}};
    fprintf(out,
            "<section id=\"bursts\">\n<h2>Bursts</h2>\n<p class=\"hint\">%sMarks count from the onset. Requests hurt "
            "are those of the whole burst. Extra cost is that of GPUs, without data to users.%s",
            pages > 0 ? "Each burst has a page of its own: demand, capacity by stage of the lag chain, queue, and "
                        "every decision with its reason. "
                      : "",
            v->n > 1 ? " Replication 0." : "");
    if (run->burst_count > shown) {
        fprintf(out, " The %" PRId32 " worst of %" PRId32 "; all of them stand in bursts.csv.", shown,
                run->burst_count);
    }
    fputs("</p>\n", out);
    if (pages > 0) {
        put_strips(v, rows, pages, out);
    }
    rep_table_open(out, "Bursts", heads);
    for (int32_t k = 0; k < shown; k++) {
        put_row(v, rows[k], pages > 0, out);
    }
    rep_table_end(out);
}

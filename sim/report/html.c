/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * html.c - report.html put together: one file, no outside reference, readable without pictures and script.
 *
 * Order: verdict, key figures, pictures with a hint how to read each, tables, definitions, provenance.
 */
#include "sim/report/html.h"

#include <inttypes.h>

/** What a picture shows (also read aloud in its place) and how to read it. */
typedef struct caption {
    const char *heading, *hint;
} caption;

static caption caption_of(rep_picture_kind kind)
{
    switch (kind) {
    case REP_PICTURE_DEMAND:
        return (caption){"Demand and ready capacity",
                         "Where demand rises above the coloured area, users wait: capacity that is still starting "
                         "(lower panel) serves nobody yet."};
    case REP_PICTURE_LATENCY:
        return (caption){"Latency over time",
                         "Every point above the dashed line is a stretch of time in which the target was missed. "
                         "The TTFT axis is logarithmic: one grid line is a factor of ten."};
    case REP_PICTURE_COST:
        return (caption){
            "Cost rate and cumulative cost",
            "The upper panel shows what was being spent at each moment, the lower one what it added up to. "
            "The grey stretch is warm-up, which is not counted."};
    case REP_PICTURE_LAG:
        return (caption){
            "Where the minutes of scaling lag went",
            "Each bar begins where the one above it ended: the longest bar is the stage worth shortening. "
            "Whiskers reach to the 90th percentile. Starts that had to wait for a node and starts on nodes "
            "that were up are different journeys, so they are drawn apart."};
    case REP_PICTURE_BURST:
        break; /* has a page of its own */
    }
    return (caption){"", ""};
}

static void describe(const rep_view *v, const rep_picture *p, char *text, size_t size)
{
    const char *heading = caption_of(p->kind).heading;
    if (p->kind == REP_PICTURE_DEMAND || p->kind == REP_PICTURE_LATENCY) {
        snprintf(text, size, "%s: %.200s", heading, v->sc->services[p->index].name);
    } else {
        snprintf(text, size, "%s", heading);
    }
}

static void put_picture(const rep_view *v, const rep_picture *p, const char *dir, FILE *out)
{
    char label[320];
    describe(v, p, label, sizeof label);
    fprintf(out, "<figure id=\"picture-%s\">\n<h3>", p->stem);
    rep_escape(out, label);
    fputs("</h3>\n<div class=\"card\"", out);
    rep_series_of_picture(v, p, out);
    fputs(">", out);
    if (!p->drawn || rep_inline_svg(dir, p, label, out) != 0) {
        fputs("<p>This picture could not be drawn.</p>", out);
    }
    fprintf(out, "</div>\n<figcaption>%s</figcaption>\n</figure>\n", caption_of(p->kind).hint);
}

static void put_pictures(const rep_view *v, const rep_album *album, const char *dir, FILE *out)
{
    fputs("<section id=\"pictures\">\n<h2>Pictures</h2>\n", out);
    if (v->n > 1) {
        fputs("<p class=\"hint\">Pictures show replication 0.</p>\n", out);
    }
    if (album->why_not[0] != '\0') {
        fputs("<p class=\"note\">There are no pictures: ", out);
        rep_escape(out, album->why_not);
        fputs(". The tables below and the CSV files beside this page hold every figure.</p>\n", out);
    } else {
        for (int32_t i = 0; i < album->count; i++) {
            if (album->at[i].kind != REP_PICTURE_BURST) {
                put_picture(v, &album->at[i], dir, out);
            }
        }
    }
    fputs("</section>\n", out);
}

static void put_navigation(const rep_view *v, FILE *out)
{
    fprintf(out,
            "<nav aria-label=\"Parts of this page\">"
            "<a href=\"#pictures\">Pictures</a> %s<a href=\"#slo\">Targets</a> <a href=\"#latency\">Latency</a> "
            "<a href=\"#cost\">Cost</a> <a href=\"#capacity\">Capacity</a> %s"
            "<a href=\"#control\">Control</a> <a href=\"#definitions\">Definitions</a> "
            "<a href=\"#inputs\">Inputs</a> "
            "<a href=\"#provenance\">Provenance</a></nav>\n",
            v->runs[0]->burst_count > 0 ? "<a href=\"#bursts\">Bursts</a> " : "",
            v->runs[0]->lag.count > 0 ? "<a href=\"#lag\">Lag</a> " : "");
}

int rep_write_html(const rep_view *v, const rep_album *album, const char *dir, FILE *out)
{
    rep_page_begin(out, v->sc->name);
    rep_html_head(v, out);
    put_navigation(v, out);
    put_pictures(v, album, dir, out);
    rep_html_bursts(v, out);
    rep_html_slo(v, out);
    rep_html_latency(v, out);
    rep_html_cost(v, out);
    rep_html_capacity(v, out);
    rep_html_reclaimed(v, out);
    rep_html_lag(v, out);
    rep_html_control(v, out);
    rep_html_definitions(v, out);
    rep_html_inputs(v->sc, out);
    rep_html_provenance(v, out);
    if (v->runs[0]->timeline.bins >= 2) {
        rep_html_series(v, out);
    }
    rep_page_end(out);
    return ferror(out) ? -1 : 0;
}

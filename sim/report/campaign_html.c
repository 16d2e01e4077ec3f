/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * campaign_html.c - the page of a sweep or a batch: what is best, the trade-off, heat maps, every setting, inputs.
 *
 * Its pictures are drawn here, not by gnuplot, so that each mark can say what it is.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/experiment/compare.h"
#include "sim/report/campaign_int.h"
#include "sim/report/campaign_svg.h"

enum { TABLE_ROWS = 2000 };

/** The definition behind a metric's name. */
static const char *definition_of(const char *metric)
{
    static const char *const known[][2] = {{"ttft", "ttft"},
                                           {"tpot", "tpot"},
                                           {"e2e", "e2e"},
                                           {"queue", "queue"},
                                           {"network", "network"},
                                           {"hurt", "hurt"},
                                           {"flaps", "flap"},
                                           {"minutes_violated", "minutes"},
                                           {"goodput", "goodput"},
                                           {"attainment", "goodput"},
                                           {"rejected", "rejected"},
                                           {"timed_out", "rejected"},
                                           {"gpu_hours", "gpu-hours"},
                                           {"utilisation", "utilisation"},
                                           {"lag", "lag"},
                                           {"burst", "burst"},
                                           {"cost", "cost"}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strstr(metric, known[i][0]) != NULL) {
            return known[i][1];
        }
    }
    return NULL;
}

static void put_best(const camp_report *r, int32_t metric, FILE *out)
{
    const campaign *c = r->table->c;
    char label[400], value[48], name[CHECK_NAME_SIZE];
    int32_t *order = camp_ranking(r, metric);
    if (order == NULL) {
        return;
    }
    const double mean = camp_mean(r->table, order[0], metric, NULL);
    if (isfinite(mean)) {
        camp_describe(c, order[0], label, sizeof label);
        fputs("Least <code>", out);
        rep_escape(out, metric_short(c->metrics[metric], name));
        fprintf(out, "</code>: <span class=\"good\">%s</span> with ",
                compare_text(c->metrics[metric], mean, false, value, sizeof value));
        rep_escape(out, label);
        fputs(". ", out);
    }
    free(order);
}

static void put_header(const camp_report *r, FILE *out)
{
    const campaign *c = r->table->c;
    fputs("<header>\n<p class=\"name\"><b>", out);
    rep_escape(out, c->name);
    fputs("</b>", out);
    if (c->description[0] != '\0') {
        fputs(" &#183; ", out);
        rep_escape(out, c->description);
    }
    fprintf(out, "</p>\n<h1>%" PRId32 " %s, %" PRId32 " seed%s each. ", c->setting_count,
            strcmp(c->kind, "batch") == 0 ? "scenarios" : "settings", c->seed_count, c->seed_count == 1 ? "" : "s");
    put_best(r, r->pareto[0] >= 0 ? r->pareto[0] : 0, out);
    if (r->pareto[0] >= 0) {
        put_best(r, r->pareto[1], out);
    }
    fputs("</h1>\n</header>\n<nav aria-label=\"Parts of this page\">", out);
    if (r->pareto[0] >= 0) {
        fputs("<a href=\"#pareto\">Trade-off</a> ", out);
    }
    if (camp_heat_maps(c) > 0) {
        fputs("<a href=\"#heat\">Heat maps</a> ", out);
    }
    fputs("<a href=\"#settings\">Settings</a> <a href=\"#definitions\">Definitions</a> "
          "<a href=\"#provenance\">Provenance</a></nav>\n",
          out);
}

static void put_heads(const campaign *c, FILE *out)
{
    rep_head *heads = calloc((size_t)c->axis_count + (size_t)c->metric_count + 2, sizeof *heads);
    char(*names)[CHECK_NAME_SIZE] = calloc((size_t)c->metric_count + 1, sizeof *names);
    if (heads == NULL || names == NULL) {
        free(heads);
        free(names);
        return;
    }
    for (int32_t a = 0; a < c->axis_count; a++) {
        heads[a] = (rep_head){c->axes[a], NULL, true};
    }
    for (int32_t m = 0; m < c->metric_count; m++) {
        heads[c->axis_count + m] =
            (rep_head){metric_short(c->metrics[m], names[m]), definition_of(c->metrics[m]), false};
    }
    rep_table_open(out, "Settings", heads);
    free(heads);
    free(names);
}

static void put_settings(const camp_report *r, FILE *out)
{
    const campaign *c = r->table->c;
    int32_t count, *front, *order = camp_ranking(r, 0);
    bool *on = camp_on_front(r, &front, &count);
    if (order == NULL || on == NULL) {
        free(order);
        free(on);
        return;
    }
    fprintf(out,
            "<section id=\"settings\">\n<h2>%s</h2>\n<p class=\"hint\">Means over %" PRId32
            " seed%s%s, least first by the "
            "first metric.%s%s</p>\n",
            strcmp(c->kind, "batch") == 0 ? "Scenarios" : "Settings", c->seed_count, c->seed_count == 1 ? "" : "s",
            c->seed_count > 1 ? " with the half width of their 95 % intervals" : "",
            count > 0 ? " Bold: nothing beats it in both metrics of the trade-off." : "",
            c->setting_count > TABLE_ROWS ? " The best of them; all stand in settings.csv." : "");
    put_heads(c, out);
    for (int32_t k = 0; k < c->setting_count && k < TABLE_ROWS; k++) {
        const int32_t i = order[k];
        fprintf(out, "<tr%s>", on[i] ? " class=\"front\"" : "");
        for (int32_t a = 0; a < c->axis_count; a++) {
            fputs(a == 0 ? "<th scope=\"row\">" : "<td class=\"text\">", out);
            rep_escape(out, c->settings[i].labels[a]);
            fputs(a == 0 ? "</th>" : "</td>", out);
        }
        for (int32_t m = 0; m < c->metric_count; m++) {
            char cell[CAMP_BRIEF_SIZE], number[REP_NUMBER_SIZE];
            double half;
            const double mean = camp_mean(r->table, i, m, &half);
            fprintf(out, "<td data-v=\"%s\">%s", rep_real(mean, number), camp_brief(mean, (double)NAN, cell));
            if (isfinite(half)) {
                fprintf(out, " <small>&#177; %.2g</small>", half);
            }
            fputs("</td>", out);
        }
        fputs("</tr>\n", out);
    }
    rep_table_close(out);
    fputs("</section>\n", out);
    free(order);
    free(front);
    free(on);
}

static void put_provenance(const camp_report *r, FILE *out)
{
    const campaign *c = r->table->c;
    fprintf(out, "<section id=\"provenance\">\n<h2>Where this comes from</h2>\n<p><code>spillway %s, %s ", REP_VERSION,
            c->kind);
    rep_escape(out, c->name);
    fprintf(out,
            ", hash %016" PRIx64 "</code></p>\n<p>%" PRId32
            " points; seeds and the hash of each point's scenario stand in "
            "points.csv. The same version and inputs give the same bytes, with any number of threads, shards and "
            "interruptions.</p>\n",
            c->hash, camp_points(c));
    if (r->base != NULL) {
        rep_html_sources(r->base, out);
    }
    fputs("</section>\n", out);
    if (r->file_text != NULL) {
        fputs("<section id=\"file\">\n<h2>What was varied</h2>\n", out);
        rep_html_input(out, r->file_name, r->file_text, strlen(r->file_text));
        fputs("</section>\n", out);
    }
    if (r->base != NULL) {
        rep_html_inputs(r->base, out);
    }
}

int camp_write_page(const camp_report *r, FILE *out)
{
    const campaign *c = r->table->c;
    rep_page_begin(out, c->name);
    put_header(r, out);
    if (r->pareto[0] >= 0) {
        fputs("<section id=\"pareto\">\n<h2>Trade-off</h2>\n<figure>\n", out);
        camp_svg_pareto(r, out);
        fputs("<figcaption>Each mark is a setting, the mean over its seeds; bars are 95 % intervals. Nothing "
              "beats the joined ones in both metrics (the Pareto front): down and to the left is better.</figcaption>\n"
              "</figure>\n</section>\n",
              out);
    }
    if (camp_heat_maps(c) > 0) {
        fputs("<section id=\"heat\">\n<h2>Heat maps</h2>\n<div class=\"pair\">\n", out);
        for (int32_t m = 0; m < camp_heat_maps(c); m++) {
            char name[CHECK_NAME_SIZE];
            fputs("<figure>\n<h3>", out);
            rep_escape(out, metric_short(c->metrics[m], name));
            rep_define(out, definition_of(c->metrics[m]));
            fputs("</h3>\n<div class=\"card\">", out);
            camp_svg_heat(r, m, out);
            fputs("</div>\n</figure>\n", out);
        }
        fprintf(out,
                "</div>\n<p class=\"hint\">Each cell is a mean over the seeds%s. Pale is little, dark is much.</p>\n"
                "</section>\n",
                c->axis_count > 2 ? " and over the values of all other axes" : "");
    }
    put_settings(r, out);
    rep_html_definitions(NULL, out);
    put_provenance(r, out);
    rep_page_end(out);
    return ferror(out) ? -1 : 0;
}

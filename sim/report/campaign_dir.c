/* SPDX-License-Identifier: GPL-3.0-or-later */
/* campaign_dir.c - the files of a campaign in their folder, and its pictures; see campaign_report.h. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/report/campaign_int.h"
#include "sim/report/plots.h"

static int points_file(const void *user, FILE *out)
{
    return camp_write_points(user, out);
}

static int settings_file(const void *user, FILE *out)
{
    return camp_write_settings(user, out);
}

static int heat_file(const void *user, FILE *out)
{
    return camp_write_heat(user, out);
}

static int pareto_file(const void *user, FILE *out)
{
    return camp_write_pareto(user, out);
}

static int summary_file(const void *user, FILE *out)
{
    return campaign_report_json(user, out);
}

static int page_file(const void *user, FILE *out)
{
    return camp_write_page(user, out);
}

/** One picture: the front (metric -1), or the heat map of a metric. */
typedef struct drawing {
    const camp_report *r;
    int32_t metric;
} drawing;

/* The assignments that the head of each script lists. */
static char *values_of(const void *user, const char *const texts[][2])
{
    const drawing *d = user;
    const campaign *c = d->r->table->c;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        return NULL;
    }
    rep_quote_all(out, texts);
    if (d->metric < 0) {
        const int32_t first = 3 + c->axis_count; /* column of the first metric in settings.csv, counted from 1 */
        fprintf(out, "width=1000; height=560; x_column=%" PRId32 "; y_column=%" PRId32 "; ",
                first + 2 * d->r->pareto[0], first + 2 * d->r->pareto[1]);
        rep_quote(out, "x_name", c->metrics[d->r->pareto[0]]);
        rep_quote(out, "y_name", c->metrics[d->r->pareto[1]]);
    } else {
        const int32_t rows = c->axis_values[0], columns = c->axis_values[1];
        fprintf(out,
                "width=1000; height=%" PRId32 "; rows=%" PRId32 "; columns=%" PRId32 "; first=%" PRId32
                "; last=%" PRId32 "; ",
                160 + (rows < 4 ? 4 : rows) * 40, rows, columns, d->metric * rows * columns,
                (d->metric + 1) * rows * columns - 1);
        rep_quote(out, "title", c->metrics[d->metric]);
        rep_quote(out, "row_name", c->axes[0]);
        rep_quote(out, "column_name", c->axes[1]);
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static void draw_all(const camp_report *r, const char *dir, const report_options *options)
{
    static const char *const formats[] = {"svg", "png"};
    char scripts[1024], said[512];
    if (report_find_plots(options->plots_dir, scripts, sizeof scripts) != 0) {
        if (options->log != NULL) {
            fputs("spillway: no pictures: the gnuplot scripts (folder plots) were not found\n", options->log);
        }
        return;
    }
    const rep_drawing how = {scripts, options->gnuplot != NULL ? options->gnuplot : "gnuplot"};
    for (int32_t m = r->pareto[0] >= 0 ? -1 : 0; m < camp_heat_maps(r->table->c); m++) {
        const drawing d = {r, m};
        char stem[24];
        snprintf(stem, sizeof stem, m < 0 ? "pareto" : "heat-%" PRId32, m + 1);
        for (int f = 0; f < 2; f++) {
            const int rc = rep_draw(stem, m < 0 ? "pareto.gp" : "heat.gp", formats[f], dir, &how, values_of, &d, said,
                                    sizeof said);
            if (rc != 0 && options->log != NULL) {
                fprintf(options->log, "spillway: picture %s left out: %s\n", stem, rc > 0 ? strerror(rc) : said);
            }
            if (rc > 0) {
                return;
            }
        }
    }
}

int campaign_report_write(const camp_report *r, const char *dir, const report_options *options, char *err,
                          size_t err_size)
{
    char folder[1200];
    const bool maps = camp_heat_maps(r->table->c) > 0, front = r->pareto[0] >= 0;
    const struct {
        const char *name;
        rep_writer write;
        bool wanted;
    } files[] = {{"points.csv", points_file, true},    {"settings.csv", settings_file, true},
                 {"heat.csv", heat_file, maps},        {"pareto.csv", pareto_file, front},
                 {"summary.json", summary_file, true}, {"report.html", page_file, true}};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (files[i].wanted && rep_write_file(dir, files[i].name, files[i].write, r, err, err_size) != 0) {
            return -1;
        }
    }
    if (options->plots && (maps || front)) {
        snprintf(folder, sizeof folder, "%.1100s/plots", dir);
        if (rep_make_folder(folder, err, err_size) != 0) {
            return -1;
        }
        draw_all(r, dir, options);
    }
    return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* campaign_files.c - tables of a campaign as CSV, JSON, Markdown and for the terminal; see campaign_report.h. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/report/campaign_int.h"

static void put_head(const camp_report *r, FILE *out)
{
    const campaign *c = r->table->c;
    fprintf(out, "# spillway %s %s %s hash %016" PRIx64 "\n", REP_VERSION, c->kind, c->name, c->hash);
}

static void put_labels(const campaign *c, int32_t setting, FILE *out)
{
    for (int32_t a = 0; a < c->axis_count; a++) {
        fputc(',', out);
        rep_csv_text(out, c->settings[setting].labels[a]);
    }
}

static void put_names(const char *const *names, int32_t count, const char *after, FILE *out)
{
    for (int32_t i = 0; i < count; i++) {
        fputc(',', out);
        rep_csv_text(out, names[i]);
        if (after != NULL) {
            fprintf(out, ",%s%s", names[i], after);
        }
    }
}

static void put_number(FILE *out, double value)
{
    char number[REP_NUMBER_SIZE];
    fprintf(out, ",%s", rep_real(value, number));
}

int camp_write_points(const camp_report *r, FILE *out)
{
    const campaign *c = r->table->c;
    put_head(r, out);
    fputs("point", out);
    put_names(c->axes, c->axis_count, NULL, out);
    fputs(",seed,scenario", out);
    put_names(c->metrics, c->metric_count, NULL, out);
    fputc('\n', out);
    for (int32_t i = 0; i < camp_points(c); i++) {
        fprintf(out, "%" PRId32, i);
        put_labels(c, i / c->seed_count, out);
        fprintf(out, ",%s\n", r->table->lines[i]);
    }
    return ferror(out) ? -1 : 0;
}

bool *camp_on_front(const camp_report *r, int32_t **order, int32_t *count)
{
    const int32_t n = r->table->c->setting_count;
    bool *on = calloc((size_t)n + 1, sizeof *on);
    *order = calloc((size_t)n + 1, sizeof **order);
    *count = 0;
    if (on == NULL || *order == NULL) {
        free(on);
        free(*order);
        *order = NULL;
        return NULL;
    }
    if (r->pareto[0] >= 0) {
        *count = camp_pareto(r->table, r->pareto[0], r->pareto[1], *order);
    }
    for (int32_t i = 0; i < *count; i++) {
        on[(*order)[i]] = true;
    }
    return on;
}

int camp_write_settings(const camp_report *r, FILE *out)
{
    const campaign *c = r->table->c;
    int32_t *order, count;
    bool *on = camp_on_front(r, &order, &count);
    if (on == NULL) {
        return -1;
    }
    put_head(r, out);
    fputs("setting", out);
    put_names(c->axes, c->axis_count, NULL, out);
    fputs(",seeds", out);
    put_names(c->metrics, c->metric_count, ":ci95_half_width", out);
    fputs(",pareto\n", out);
    for (int32_t i = 0; i < c->setting_count; i++) {
        fprintf(out, "%" PRId32, i);
        put_labels(c, i, out);
        fprintf(out, ",%" PRId32, c->seed_count);
        for (int32_t m = 0; m < c->metric_count; m++) {
            double half;
            put_number(out, camp_mean(r->table, i, m, &half));
            put_number(out, half);
        }
        fprintf(out, ",%d\n", on[i]);
    }
    free(on);
    free(order);
    return ferror(out) ? -1 : 0;
}

/** Settings of one cell stand together, because axes 0 and 1 turn slowest. */
static int32_t cell_size(const campaign *c)
{
    return c->setting_count / (c->axis_values[0] * c->axis_values[1]);
}

const char *camp_heat_label(const campaign *c, int axis, int32_t index)
{
    const int32_t step = axis == 0 ? cell_size(c) * c->axis_values[1] : cell_size(c);
    return c->settings[index * step].labels[axis];
}

double camp_heat(const camp_report *r, int32_t metric, int32_t row, int32_t column)
{
    const campaign *c = r->table->c;
    const int32_t size = cell_size(c), first = (row * c->axis_values[1] + column) * size;
    stat_tally tally;
    stat_tally_init(&tally);
    for (int32_t i = first; i < first + size; i++) {
        const double x = camp_mean(r->table, i, metric, NULL);
        if (isfinite(x)) {
            stat_tally_add(&tally, x);
        }
    }
    return tally.n > 0 ? tally.mean : (double)NAN;
}

int32_t camp_heat_maps(const campaign *c)
{
    if (c->axis_values == NULL || c->axis_count < 2 || c->axis_values[0] < 2 || c->axis_values[1] < 2 ||
        c->axis_values[0] > CAMP_HEAT_SIDE || c->axis_values[1] > CAMP_HEAT_SIDE) {
        return 0;
    }
    return c->metric_count < CAMP_HEAT_MAPS ? c->metric_count : CAMP_HEAT_MAPS;
}

int camp_write_heat(const camp_report *r, FILE *out)
{
    const campaign *c = r->table->c;
    put_head(r, out);
    fputs("metric,row,column,row_label,column_label,value\n", out);
    for (int32_t m = 0; m < camp_heat_maps(c); m++) {
        for (int32_t y = 0; y < c->axis_values[0]; y++) {
            for (int32_t x = 0; x < c->axis_values[1]; x++) {
                fprintf(out, "%" PRId32 ",%" PRId32 ",%" PRId32 ",", m, y, x);
                rep_csv_text(out, camp_heat_label(c, 0, y));
                fputc(',', out);
                rep_csv_text(out, camp_heat_label(c, 1, x));
                put_number(out, camp_heat(r, m, y, x));
                fputc('\n', out);
            }
        }
    }
    return ferror(out) ? -1 : 0;
}

int camp_write_pareto(const camp_report *r, FILE *out)
{
    const campaign *c = r->table->c;
    int32_t *order, count;
    bool *on = camp_on_front(r, &order, &count);
    if (on == NULL) {
        return -1;
    }
    put_head(r, out);
    fputs("setting,x,y", out);
    put_names(c->axes, c->axis_count, NULL, out);
    fputc('\n', out);
    for (int32_t i = 0; i < count; i++) {
        fprintf(out, "%" PRId32, order[i]);
        put_number(out, camp_mean(r->table, order[i], r->pareto[0], NULL));
        put_number(out, camp_mean(r->table, order[i], r->pareto[1], NULL));
        put_labels(c, order[i], out);
        fputc('\n', out);
    }
    free(on);
    free(order);
    return ferror(out) ? -1 : 0;
}

int campaign_report_json(const camp_report *r, FILE *out)
{
    const campaign *c = r->table->c;
    int32_t *order, count;
    bool *on = camp_on_front(r, &order, &count);
    if (on == NULL) {
        return -1;
    }
    char hash[20];
    rep_json j;
    rep_json_init(&j, out);
    rep_json_object(&j, NULL);
    rep_json_text(&j, "version", REP_VERSION);
    rep_json_object(&j, c->kind);
    rep_json_text(&j, "name", c->name);
    snprintf(hash, sizeof hash, "%016" PRIx64, c->hash);
    rep_json_text(&j, "hash", hash);
    rep_json_int(&j, "settings", c->setting_count);
    rep_json_int(&j, "seeds", c->seed_count);
    rep_json_end(&j, false);
    rep_json_array(&j, "settings");
    for (int32_t i = 0; i < c->setting_count; i++) {
        rep_json_object(&j, NULL);
        rep_json_object(&j, "values");
        for (int32_t a = 0; a < c->axis_count; a++) {
            rep_json_text(&j, c->axes[a], c->settings[i].labels[a]);
        }
        rep_json_end(&j, false);
        rep_json_object(&j, "metrics");
        for (int32_t m = 0; m < c->metric_count; m++) {
            double half;
            rep_json_object(&j, c->metrics[m]);
            rep_json_real(&j, "mean", camp_mean(r->table, i, m, &half));
            rep_json_real(&j, "ci95_half_width", half);
            rep_json_end(&j, false);
        }
        rep_json_end(&j, false);
        rep_json_bool(&j, "pareto", on[i]);
        rep_json_end(&j, false);
    }
    rep_json_end(&j, true);
    rep_json_end(&j, false);
    rep_json_finish(&j);
    free(on);
    free(order);
    return ferror(out) ? -1 : 0;
}

char *camp_brief(double value, double half, char buf[CAMP_BRIEF_SIZE])
{
    if (!isfinite(value)) {
        snprintf(buf, CAMP_BRIEF_SIZE, "-");
    } else if (fabs(value) >= 1e4 && fabs(value) < 1e15) {
        snprintf(buf, CAMP_BRIEF_SIZE, "%.0f", value);
    } else {
        snprintf(buf, CAMP_BRIEF_SIZE, "%.4g", value);
    }
    if (isfinite(value) && isfinite(half)) {
        const size_t used = strlen(buf);
        snprintf(buf + used, CAMP_BRIEF_SIZE - used, " +- %.2g", half);
    }
    return buf;
}

typedef struct ranked {
    int32_t setting;
    double value;
} ranked;

static int by_value(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    const bool has_x = isfinite(x->value), has_y = isfinite(y->value);
    if (has_x != has_y) {
        return has_x ? -1 : 1;
    }
    if (has_x && (x->value < y->value || x->value > y->value)) {
        return x->value < y->value ? -1 : 1;
    }
    return x->setting < y->setting ? -1 : 1;
}

int32_t *camp_ranking(const camp_report *r, int32_t metric)
{
    const int32_t n = r->table->c->setting_count;
    ranked *list = calloc((size_t)n + 1, sizeof *list);
    int32_t *order = calloc((size_t)n + 1, sizeof *order);
    if (list == NULL || order == NULL) {
        free(list);
        free(order);
        return NULL;
    }
    for (int32_t i = 0; i < n; i++) {
        list[i] = (ranked){i, camp_mean(r->table, i, metric, NULL)};
    }
    qsort(list, (size_t)n, sizeof *list, by_value);
    for (int32_t i = 0; i < n; i++) {
        order[i] = list[i].setting;
    }
    free(list);
    return order;
}

void camp_describe(const campaign *c, int32_t setting, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int32_t a = 0; a < c->axis_count && used < size; a++) {
        const int n =
            snprintf(text + used, size - used, "%s%s%s%s", a > 0 ? ", " : "", c->axis_count > 1 ? c->axes[a] : "",
                     c->axis_count > 1 ? " " : "", c->settings[setting].labels[a]);
        used += n > 0 ? (size_t)n : 0;
    }
}

enum { TEXT_METRICS = 3, TEXT_LABEL = 30, TEXT_CELL = 15 };

/** The end of a long text tells more than its beginning: "..plicas_ready". */
static void put_right(FILE *out, const char *text, size_t width)
{
    const size_t length = strlen(text);
    if (length > width) {
        fprintf(out, " ..%s", text + length - (width - 2));
    } else {
        fprintf(out, " %*s", (int)width, text);
    }
}

/** Where the last line of a name begins: the names of figures break behind a dot or an underscore. */
static size_t last_line(const char *name, size_t width)
{
    const size_t length = strlen(name);
    size_t at = 0;
    while (length - at > width && strpbrk(name + at, "._") != NULL) {
        at += strcspn(name + at, "._") + 1;
    }
    return length - at > width ? 0 : at;
}

/** The names of figures above their columns, in two lines where one does not fit. */
static void put_metric_heads(const campaign *c, int32_t metrics, FILE *out)
{
    char name[CHECK_NAME_SIZE];
    int32_t upper = 0; /* columns up to the last one with two lines */
    for (int32_t m = 0; m < metrics; m++) {
        upper = last_line(metric_short(c->metrics[m], name), TEXT_CELL) > 0 ? m + 1 : upper;
    }
    if (upper > 0) {
        fprintf(out, "  %-*s", TEXT_LABEL - 1, "");
        for (int32_t m = 0; m < upper; m++) {
            name[last_line(metric_short(c->metrics[m], name), TEXT_CELL)] = '\0';
            put_right(out, name, TEXT_CELL);
        }
        fputc('\n', out);
    }
    fprintf(out, "  %-*s", TEXT_LABEL - 1, "best first");
    for (int32_t m = 0; m < metrics; m++) {
        const size_t at = last_line(metric_short(c->metrics[m], name), TEXT_CELL);
        put_right(out, name + at, TEXT_CELL);
    }
    fputc('\n', out);
}

int campaign_report_text(const camp_report *r, int32_t rows, FILE *out)
{
    const campaign *c = r->table->c;
    const int32_t metrics = c->metric_count < TEXT_METRICS ? c->metric_count : TEXT_METRICS;
    int32_t *order = camp_ranking(r, 0);
    if (order == NULL) {
        return -1;
    }
    fprintf(out, "%s\n  spillway %s, %s, hash %016" PRIx64 "\n", c->name, REP_VERSION, c->kind, c->hash);
    fprintf(out, "  %" PRId32 " setting%s, %" PRId32 " seed%s each: %" PRId32 " point%s\n\n", c->setting_count,
            c->setting_count == 1 ? "" : "s", c->seed_count, c->seed_count == 1 ? "" : "s", camp_points(c),
            camp_points(c) == 1 ? "" : "s");
    put_metric_heads(c, metrics, out);
    for (int32_t i = 0; i < c->setting_count && i < rows; i++) {
        char label[400], cell[CAMP_BRIEF_SIZE];
        camp_describe(c, order[i], label, sizeof label);
        fprintf(out, "  %-*.*s", TEXT_LABEL - 1, TEXT_LABEL - 1, label);
        for (int32_t m = 0; m < metrics; m++) {
            double half;
            const double mean = camp_mean(r->table, order[i], m, &half);
            camp_brief(mean, half, cell);
            put_right(out, strlen(cell) > TEXT_CELL ? camp_brief(mean, (double)NAN, cell) : cell, TEXT_CELL);
        }
        fputc('\n', out);
    }
    if (c->setting_count > rows) {
        fprintf(out, "  and %" PRId32 " more in settings.csv\n", c->setting_count - rows);
    }
    free(order);
    return ferror(out) ? -1 : 0;
}

static void put_markdown_cell(FILE *out, const char *text)
{
    fputc(' ', out);
    rep_markdown_text(out, text);
    fputs(" |", out);
}

int campaign_report_markdown(const camp_report *r, FILE *out)
{
    const campaign *c = r->table->c;
    fputc('|', out);
    for (int32_t a = 0; a < c->axis_count; a++) {
        put_markdown_cell(out, c->axes[a]);
    }
    for (int32_t m = 0; m < c->metric_count; m++) {
        put_markdown_cell(out, c->metrics[m]);
    }
    fputs("\n|", out);
    for (int32_t k = 0; k < c->axis_count + c->metric_count; k++) {
        fputs(k < c->axis_count ? " --- |" : " ---: |", out);
    }
    fputc('\n', out);
    for (int32_t i = 0; i < c->setting_count; i++) {
        fputc('|', out);
        for (int32_t a = 0; a < c->axis_count; a++) {
            put_markdown_cell(out, c->settings[i].labels[a]);
        }
        for (int32_t m = 0; m < c->metric_count; m++) {
            char cell[CAMP_BRIEF_SIZE];
            double half;
            const double mean = camp_mean(r->table, i, m, &half);
            put_markdown_cell(out, camp_brief(mean, half, cell));
        }
        fputc('\n', out);
    }
    return ferror(out) ? -1 : 0;
}

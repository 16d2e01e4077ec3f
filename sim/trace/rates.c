/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rates.c - reads client rates and their lengths; see rates.h. */
#include "sim/trace/rates.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/trace/build.h"
#include "sim/trace/token_pmf.h"

#define DAY_S  86400
#define HOUR_S 3600
#define BLANK  " \t\r\n"

static const char *const cell_names[] = {"timestamp_s", "client", "rate_per_s", "cv", "pattern"};
static const char *const length_names[] = {"client", "window_s", "requests", "field", "mean", "p10", "p25",
                                           "p50",    "p75",      "p90",      "p95",   "p99",  "max"};
#define CELL_NAMES   (sizeof cell_names / sizeof cell_names[0])
#define LENGTH_NAMES (sizeof length_names / sizeof length_names[0])
#define MEAN_POINT   4 /* of length_names */
#define FIRST_POINT  5 /* of length_names */

typedef struct rates_reading {
    client_rates *r;
    size_t cell[LENGTH_NAMES];
    size_t cells; /* of the header; 0 = not seen yet */
    size_t capacity;
} rates_reading;

bool rates_is(const char *path)
{
    csv_message nowhere = {NULL, 0};
    csv_bytes text;
    if (access(path, R_OK) != 0 || !csv_slurp(path, TRACE_BYTES_MAX, &text, &nowhere)) {
        return false;
    }
    char line[TRACE_HEAD_MAX + 1];
    const trace_head head = {line};
    (void)snprintf(line, sizeof line, "%.*s", (int)strcspn(text.data, "\r\n"), text.data);
    free(text.data);
    return head_has(&head, "client") && head_has(&head, "rate_per_s") && head_has(&head, "pattern");
}

static bool read_names(rates_reading *g, const csv_row *row, const char *const *names, size_t count,
                       csv_message *message)
{
    for (size_t i = 0; i < count; i++) {
        if (!csv_find_once(row, names[i], &g->cell[i], message)) {
            return false;
        }
        if (g->cell[i] == SIZE_MAX) {
            return csv_fail(row, 0, message, "column '%s' is missing", names[i]);
        }
    }
    g->cells = row->count;
    return true;
}

/* A number from 0 to most. */
static bool read_number(const rates_reading *g, const csv_row *row, size_t i, double most, double *value,
                        csv_message *message)
{
    const char *text = row->cells[g->cell[i]];
    if (!csv_parse_number(text, value) || *value < 0.0 || *value > most) {
        return csv_fail(row, g->cell[i], message, "'%.40s' is not a number from 0 to %g", text, most);
    }
    return true;
}

static bool make_room(void *array, size_t *capacity, size_t count, size_t width)
{
    void *old;
    if (count < *capacity) {
        return true;
    }
    memcpy(&old, array, sizeof old);
    const size_t rows = *capacity == 0 ? 1024 : 2 * *capacity;
    void *more = realloc(old, rows * width);
    if (more == NULL) {
        return false;
    }
    memcpy(array, &more, sizeof more);
    *capacity = rows;
    return true;
}

static bool same_width(const rates_reading *g, const csv_row *row, csv_message *message)
{
    return row->count == g->cells || csv_fail(row, row->count < g->cells ? row->count : g->cells, message,
                                              "%zu cells, but the header has %zu", row->count, g->cells);
}

static bool on_cell(void *context, const csv_row *row, csv_message *message)
{
    rates_reading *g = context;
    client_rates *r = g->r;
    double start = 0.0, client = 0.0;
    rate_cell c = {.start_s = 0};
    if (g->cells == 0) {
        return read_names(g, row, cell_names, CELL_NAMES, message);
    }
    if (!same_width(g, row, message) || !read_number(g, row, 0, (double)RATES_END_S, &start, message) ||
        !read_number(g, row, 1, 1e9, &client, message) || !read_number(g, row, 2, 1e6, &c.rate_per_s, message) ||
        !read_number(g, row, 3, 1e4, &c.cv, message)) {
        return false;
    }
    const char *pattern = row->cells[g->cell[4]];
    c.weibull = strcmp(pattern, "Weibull") == 0;
    if (!c.weibull && strcmp(pattern, "Gamma") != 0) {
        return csv_fail(row, g->cell[4], message, "'%.40s' is neither Gamma nor Weibull", pattern);
    }
    if (!make_room(&r->cells, &g->capacity, r->count, sizeof c)) {
        return csv_fail(row, 0, message, "out of memory");
    }
    c.start_s = (int64_t)start;
    c.client = (int32_t)client;
    r->cells[r->count++] = c;
    return true;
}

static int by_start(const void *a, const void *b)
{
    const rate_cell *x = a;
    const rate_cell *y = b;
    if (x->start_s != y->start_s) {
        return x->start_s < y->start_s ? -1 : 1;
    }
    return (x->client > y->client) - (x->client < y->client);
}

static int lengths_by_start(const void *a, const void *b)
{
    const rate_lengths *x = a;
    const rate_lengths *y = b;
    if (x->start_s != y->start_s) {
        return x->start_s < y->start_s ? -1 : 1;
    }
    return (x->client > y->client) - (x->client < y->client);
}

static int lengths_by_line(const void *a, const void *b)
{
    const rate_lengths *x = a;
    const rate_lengths *y = b;
    const int order = lengths_by_start(x, y);
    return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

/* One field of a client in a window: merge() puts it to the other one. */
static bool on_length(void *context, const csv_row *row, csv_message *message)
{
    rates_reading *g = context;
    client_rates *r = g->r;
    double start = 0.0, client = 0.0, mean = 0.0, points[RATES_POINTS];
    rate_lengths l = {.start_s = 0};
    if (g->cells == 0) {
        return read_names(g, row, length_names, LENGTH_NAMES, message);
    }
    if (!same_width(g, row, message) || !read_number(g, row, 0, 1e9, &client, message) ||
        !read_number(g, row, 1, (double)RATES_END_S, &start, message) ||
        !read_number(g, row, 2, 1e15, &l.requests, message) ||
        !read_number(g, row, MEAN_POINT, INT32_MAX, &mean, message)) {
        return false;
    }
    for (size_t i = 0; i < RATES_POINTS; i++) {
        if (!read_number(g, row, FIRST_POINT + i, INT32_MAX, &points[i], message)) {
            return false;
        }
        if (i > 0 && points[i] < points[i - 1]) {
            return csv_fail(row, g->cell[FIRST_POINT + i], message, "quantiles must not fall");
        }
    }
    const char *field = row->cells[g->cell[3]];
    const bool input = strcmp(field, "input_tokens") == 0;
    if (!input && strcmp(field, "output_tokens") != 0) {
        return csv_fail(row, g->cell[3], message, "'%.40s' is neither input_tokens nor output_tokens", field);
    }
    if (!make_room(&r->lengths, &g->capacity, r->length_count, sizeof l)) {
        return csv_fail(row, 0, message, "out of memory");
    }
    l.line = row->line;
    l.start_s = (int64_t)start;
    l.client = (int32_t)client;
    rate_tokens *tokens = input ? &l.input : &l.output;
    memcpy(tokens->at, points, sizeof points);
    tokens->mean = mean;
    r->lengths[r->length_count++] = l;
    return true;
}

bool rates_has(const rate_tokens *tokens)
{
    return tokens->count > 0 || tokens->at[RATES_POINTS - 1] > 0.0;
}

/* Takes the field that one row has into another. False: both have it. */
static bool take_field(rate_lengths *to, rate_lengths *from)
{
    const bool input = rates_has(&from->input);
    const bool output = rates_has(&from->output);
    if ((input && rates_has(&to->input)) || (output && rates_has(&to->output))) {
        return false;
    }
    if (input) {
        to->input = from->input;
        from->input = (rate_tokens){.mean = 0.0};
    }
    if (output) {
        to->output = from->output;
        from->output = (rate_tokens){.mean = 0.0};
    }
    to->requests = from->requests > to->requests ? from->requests : to->requests;
    return true;
}

/* Two lines, one for each field, make one entry: they may come in any order, and far from each other. */
static bool merge(const char *path, client_rates *r, csv_message *message)
{
    size_t kept = 0;
    if (r->length_count == 0) {
        return true;
    }
    qsort(r->lengths, r->length_count, sizeof *r->lengths, lengths_by_line);
    for (size_t i = 1; i < r->length_count; i++) {
        rate_lengths *to = &r->lengths[kept];
        rate_lengths *l = &r->lengths[i];
        if (lengths_by_start(to, l) != 0) {
            const rate_lengths moved = *l;
            *l = (rate_lengths){.start_s = 0}; /* what it holds has one owner */
            r->lengths[++kept] = moved;
        } else if (!take_field(to, l)) {
            return csv_fail_at(path, l->line, 1, message,
                               "client %ld has the same field twice in the window from %lld s", (long)l->client,
                               (long long)l->start_s);
        }
    }
    r->length_count = kept + 1;
    return true;
}

/* Rows of a file, or lines of whole distributions. */
static bool scan_file(const char *path, csv_row_fn fn, client_rates *r, csv_message *message)
{
    csv_bytes text;
    rates_reading g = {.r = r};
    if (!csv_slurp(path, TRACE_BYTES_MAX, &text, message)) {
        return false;
    }
    const bool ok = fn == on_length && text.data[strspn(text.data, BLANK)] == '{'
                        ? token_pmf_read(path, &text, r, message)
                        : csv_scan(path, &text, fn, &g, message);
    free(text.data);
    return ok;
}

/* NAME-client-rates.csv.gz -> NAME-token-pmf.jsonl.gz or its like. False: it is not named so, or none is there. */
static bool lengths_path(const char *path, char *to, size_t size)
{
    static const char part[] = "client-rates";
    static const char *const names[] = {"token-pmf.jsonl", "token-pmf.jsonl.gz", "token-quantiles.csv",
                                        "token-quantiles.csv.gz"};
    const char *slash = strrchr(path, '/');
    const char *at = strstr(slash != NULL ? slash : path, part);
    for (size_t i = 0; at != NULL && i < sizeof names / sizeof names[0]; i++) {
        const int n = snprintf(to, size, "%.*s%s", (int)(at - path), path, names[i]);
        if (n > 0 && (size_t)n < size && access(to, R_OK) == 0) {
            return true;
        }
    }
    return false;
}

/* Windows of time: the smallest step between two starts of a sorted list is their width. */
static void find_windows(client_rates *r)
{
    int64_t step = 0;
    for (size_t i = 1; i < r->count; i++) {
        const int64_t d = r->cells[i].start_s - r->cells[i - 1].start_s;
        step = d > 0 && (step == 0 || d < step) ? d : step;
    }
    r->window_s = step > 0 ? (double)step : 600.0;
    r->from_s = r->cells[0].start_s;
    r->to_s = r->cells[r->count - 1].start_s + (int64_t)r->window_s;
}

/* Of lengths likewise; a single one lasts for ever. */
static void find_length_window(client_rates *r)
{
    int64_t step = 0;
    for (size_t i = 1; i < r->length_count; i++) {
        const int64_t d = r->lengths[i].start_s - r->lengths[i - 1].start_s;
        step = d > 0 && (step == 0 || d < step) ? d : step;
    }
    r->length_window_s = step > 0 ? (double)step : 1e12;
}

client_rates *rates_read_cells(const char *path, char *err, size_t err_size)
{
    csv_message message = {err, err_size};
    client_rates *r = calloc(1, sizeof *r);
    bool ok = r != NULL || csv_fail_at(path, 0, 0, &message, "out of memory");
    ok = ok && scan_file(path, on_cell, r, &message);
    if (ok && r->count == 0) {
        ok = csv_fail_at(path, 1, 1, &message, "there are no rates");
    }
    if (ok) {
        qsort(r->cells, r->count, sizeof *r->cells, by_start);
        find_windows(r);
    }
    if (ok && r->to_s > RATES_END_S) {
        ok = csv_fail_at(path, 0, 0, &message, "the last window, of %.0f s, ends later than %lld s", r->window_s,
                         (long long)RATES_END_S);
    }
    if (!ok) {
        rates_free(r);
        return NULL;
    }
    return r;
}

static bool read_lengths(client_rates *r, const char *path, csv_message *message)
{
    const bool ok = scan_file(path, on_length, r, message) && merge(path, r, message);
    find_length_window(r);
    return ok;
}

client_rates *rates_read(const char *path, char *err, size_t err_size)
{
    csv_message message = {err, err_size};
    char beside[4096];
    client_rates *r = rates_read_cells(path, err, err_size);
    if (r == NULL || !lengths_path(path, beside, sizeof beside)) {
        return r;
    }
    if (!read_lengths(r, beside, &message)) {
        rates_free(r);
        return NULL;
    }
    if (r->length_count > 0 && r->lengths[0].input.count > 0) {
        rates_weigh(r, r);
    }
    return r;
}

client_rates *rates_read_lengths(const char *path, char *err, size_t err_size)
{
    csv_message message = {err, err_size};
    client_rates *r = calloc(1, sizeof *r);
    bool ok = r != NULL || csv_fail_at(path, 0, 0, &message, "out of memory");
    ok = ok && read_lengths(r, path, &message);
    ok = ok && (r->length_count > 0 || csv_fail_at(path, 1, 1, &message, "there are no lengths"));
    if (!ok) {
        rates_free(r);
        return NULL;
    }
    return r;
}

void rates_free(client_rates *r)
{
    if (r != NULL) {
        for (size_t i = 0; i < r->length_count; i++) {
            free(r->lengths[i].input.value);
            free(r->lengths[i].output.value);
        }
        free(r->cells);
        free(r->lengths);
        free(r);
    }
}

/* First cell that starts at `start_s` or later. */
static size_t first_from(const client_rates *r, int64_t start_s)
{
    size_t low = 0;
    size_t high = r->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (r->cells[middle].start_s < start_s) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void rates_weigh(client_rates *r, const client_rates *cells)
{
    for (size_t i = 0; i < r->length_count; i++) {
        rate_lengths *l = &r->lengths[i];
        l->requests = 0.0;
        for (size_t k = first_from(cells, l->start_s);
             k < cells->count && (double)(cells->cells[k].start_s - l->start_s) < r->length_window_s; k++) {
            l->requests += cells->cells[k].client == l->client ? cells->cells[k].rate_per_s * cells->window_s : 0.0;
        }
    }
}

double rates_between(const client_rates *r, int64_t from_s, int64_t to_s)
{
    const int64_t window_s = (int64_t)r->window_s;
    double requests = 0.0;
    for (size_t i = first_from(r, from_s - window_s + 1); i < r->count && r->cells[i].start_s < to_s; i++) {
        const rate_cell *c = &r->cells[i];
        const int64_t begin_s = c->start_s > from_s ? c->start_s : from_s;
        const int64_t end_s = c->start_s + window_s < to_s ? c->start_s + window_s : to_s;
        requests += c->rate_per_s * (double)(end_s - begin_s);
    }
    return requests / (double)(to_s - from_s);
}

static int by_client(const void *a, const void *b)
{
    const rate_cell *x = a;
    const rate_cell *y = b;
    if (x->client != y->client) {
        return x->client < y->client ? -1 : 1;
    }
    return (x->start_s > y->start_s) - (x->start_s < y->start_s);
}

/* Numbers of clients are any up to 1e9: they are sorted, not taken for places. */
static bool largest_client(const client_rates *r, rates_stats *s, double whole)
{
    rate_cell *cells = malloc(r->count * sizeof *cells);
    if (cells == NULL) {
        return false;
    }
    memcpy(cells, r->cells, r->count * sizeof *cells);
    qsort(cells, r->count, sizeof *cells, by_client);
    for (size_t i = 0, to = 0; i < r->count; i = to) {
        double sum = 0.0;
        for (; to < r->count && cells[to].client == cells[i].client; to++) {
            sum += cells[to].rate_per_s;
        }
        s->clients += sum > 0.0;
        s->largest_share = fmax(s->largest_share, sum / whole);
    }
    free(cells);
    return true;
}

static void take_windows(const client_rates *r, rates_stats *s)
{
    s->lowest_per_s = (double)NAN;
    for (size_t i = 0, to = 0; i < r->count; i = to) {
        double rate = 0.0;
        for (to = i; to < r->count && r->cells[to].start_s == r->cells[i].start_s; to++) {
            rate += r->cells[to].rate_per_s;
        }
        if (rate > s->peak_per_s) {
            s->peak_per_s = rate;
            s->peak_at_s = (double)r->cells[i].start_s;
        }
        s->lowest_per_s = rate > 0.0 ? fmin(s->lowest_per_s, rate) : s->lowest_per_s;
    }
}

/* Hours and days that the file has a part of count for that part; the extremes are of whole hours, if there are any. */
static bool take_calendar(const client_rates *r, rates_stats *s)
{
    const int64_t first_day = r->from_s / DAY_S;
    const bool whole = (r->from_s + HOUR_S - 1) / HOUR_S < r->to_s / HOUR_S;
    double covered_s[24] = {0.0}, day_s = 0.0;
    s->days = (size_t)((r->to_s - 1) / DAY_S - first_day) + 1;
    s->by_day = calloc(s->days, sizeof *s->by_day);
    if (s->by_day == NULL) {
        return false;
    }
    bool first = true;
    for (int64_t h = r->from_s / HOUR_S * HOUR_S; h < r->to_s; h += HOUR_S) {
        const int64_t from_s = h > r->from_s ? h : r->from_s;
        const int64_t to_s = h + HOUR_S < r->to_s ? h + HOUR_S : r->to_s;
        const double span_s = (double)(to_s - from_s);
        const double rate = rates_between(r, from_s, to_s);
        if (!whole || to_s - from_s == HOUR_S) {
            s->hour_max = first || rate > s->hour_max ? rate : s->hour_max;
            s->hour_min = first || rate < s->hour_min ? rate : s->hour_min;
            first = false;
        }
        s->by_hour[h / HOUR_S % 24] += rate * span_s;
        covered_s[h / HOUR_S % 24] += span_s;
        double *day = &s->by_day[h / DAY_S - first_day];
        day_s = h % DAY_S == 0 ? span_s : day_s + span_s;
        *day += (rate - *day) * span_s / day_s;
    }
    for (int i = 0; i < 24; i++) {
        s->by_hour[i] = covered_s[i] > 0.0 ? s->by_hour[i] / covered_s[i] : 0.0;
    }
    return true;
}

rates_stats *rates_stats_of(const client_rates *r)
{
    rates_stats *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return NULL;
    }
    double whole = 0.0;
    for (size_t i = 0; i < r->count; i++) {
        const rate_cell *c = &r->cells[i];
        whole += c->rate_per_s;
        s->cv_weighted += c->rate_per_s * c->cv;
        s->cells += c->rate_per_s > 0.0;
        s->weibull += c->weibull;
        s->gamma += !c->weibull;
    }
    s->window_s = r->window_s;
    s->windows = (size_t)((double)(r->to_s - r->from_s) / r->window_s + 0.5);
    s->requests = whole * r->window_s;
    s->mean_per_s = whole / (double)s->windows;
    s->cv_weighted = whole > 0.0 ? s->cv_weighted / whole : 0.0;
    take_windows(r, s);
    if (!largest_client(r, s, whole) || !take_calendar(r, s)) {
        rates_stats_free(s);
        return NULL;
    }
    return s;
}

void rates_stats_free(rates_stats *s)
{
    if (s != NULL) {
        free(s->by_day);
        free(s);
    }
}

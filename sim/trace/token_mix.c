/* SPDX-License-Identifier: GPL-3.0-or-later */
/* token_mix.c - see token_mix.h. A mixture is a list of points, each a length with the requests that have it. */
#include "sim/trace/token_mix.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/trace/build.h"
#include "sim/trace/rates.h"
#include "sim/trace/token_pmf.h"

#define POINTS_OF_ROW 100 /* that stand for a row of quantiles */
#define BLANK         " \t\r\n"

typedef struct mix_point {
    double value, weight;
} mix_point;

typedef struct mix_points {
    mix_point *at;
    size_t count, capacity;
} mix_points;

/* A client in a window, to be counted. */
typedef struct mix_row {
    int64_t start_s;
    int32_t client;
    double requests;
} mix_row;

typedef struct mixing {
    token_mix *mix;
    mix_points input, output;
    mix_row *rows;
    size_t capacity;
} mixing;

static bool add_point(mix_points *p, double value, double weight)
{
    if (p->count == p->capacity) {
        const size_t capacity = p->capacity == 0 ? 4096 : 2 * p->capacity;
        mix_point *more = realloc(p->at, capacity * sizeof *more);
        if (more == NULL) {
            return false;
        }
        p->at = more;
        p->capacity = capacity;
    }
    p->at[p->count++] = (mix_point){value, weight};
    return true;
}

static bool add_row(mixing *m, const mix_row *row)
{
    if (m->mix->rows == m->capacity) {
        const size_t capacity = m->capacity == 0 ? 256 : 2 * m->capacity;
        mix_row *more = realloc(m->rows, capacity * sizeof *more);
        if (more == NULL) {
            return false;
        }
        m->rows = more;
        m->capacity = capacity;
    }
    m->rows[m->mix->rows++] = *row;
    return true;
}

static int by_value(const void *a, const void *b)
{
    const mix_point *x = a;
    const mix_point *y = b;
    return (x->value > y->value) - (x->value < y->value);
}

static int by_client(const void *a, const void *b)
{
    const mix_row *x = a;
    const mix_row *y = b;
    return (x->client > y->client) - (x->client < y->client);
}

static int by_window(const void *a, const void *b)
{
    const mix_row *x = a;
    const mix_row *y = b;
    return (x->start_s > y->start_s) - (x->start_s < y->start_s);
}

static size_t different(mix_row *rows, size_t count, int (*order)(const void *, const void *))
{
    size_t found = count > 0;
    qsort(rows, count, sizeof *rows, order);
    for (size_t i = 1; i < count; i++) {
        found += order(&rows[i - 1], &rows[i]) != 0;
    }
    return found;
}

/* Quantile at share q: the least length that as much of the weight is at or below. */
static stats_values values_of(mix_points *p)
{
    stats_values v = {.count = p->count};
    double weight = 0.0, sum = 0.0, squares = 0.0, reached = 0.0;
    qsort(p->at, p->count, sizeof *p->at, by_value);
    for (size_t i = 0; i < p->count; i++) {
        weight += p->at[i].weight;
        sum += p->at[i].weight * p->at[i].value;
    }
    v.mean = sum / weight;
    v.min = p->at[0].value;
    for (size_t i = 0, next = 0; i < p->count; i++) {
        const double off = p->at[i].value - v.mean;
        squares += p->at[i].weight * off * off;
        reached += p->at[i].weight;
        while (next + 1 < STATS_POINTS && reached >= stats_points[next] * weight * (1.0 - 1e-12)) {
            v.at[next++] = p->at[i].value;
        }
    }
    v.at[STATS_POINTS - 1] = p->at[p->count - 1].value;
    v.cv = v.mean > 0.0 ? sqrt(squares / weight) / v.mean : 0.0;
    return v;
}

static bool add_law(mix_points *p, const rate_tokens *tokens, double requests)
{
    for (size_t i = 0; i < tokens->count; i++) {
        const double share = tokens->upto[i] - (i > 0 ? tokens->upto[i - 1] : 0.0);
        if (!add_point(p, tokens->value[i], requests * share)) {
            return false;
        }
    }
    for (int k = 0; tokens->count == 0 && k < POINTS_OF_ROW; k++) {
        const double u = ((double)k + 0.5) / (double)POINTS_OF_ROW;
        if (!add_point(p, rates_length_at(tokens, requests, u), requests / (double)POINTS_OF_ROW)) {
            return false;
        }
    }
    return true;
}

static bool mix_rows(mixing *m, const char *path, const client_rates *r, csv_message *message)
{
    for (size_t i = 0; i < r->length_count; i++) {
        const rate_lengths *l = &r->lengths[i];
        const mix_row row = {l->start_s, l->client, l->requests};
        const bool in = rates_has(&l->input) && l->requests > 0.0;
        const bool out = rates_has(&l->output) && l->requests > 0.0;
        if (!add_row(m, &row) || (in && !add_law(&m->input, &l->input, l->requests)) ||
            (out && !add_law(&m->output, &l->output, l->requests))) {
            return csv_fail_at(path, 0, 0, message, "out of memory");
        }
    }
    return true;
}

/* Means and maxima are published: no need to take them from points. */
static void correct(token_mix *mix, const client_rates *r)
{
    double in = 0.0, in_weight = 0.0, out = 0.0, out_weight = 0.0;
    for (size_t i = 0; i < r->length_count; i++) {
        const rate_lengths *l = &r->lengths[i];
        const double in_most = l->input.at[RATES_POINTS - 1];
        const double out_most = l->output.at[RATES_POINTS - 1];
        in += in_most > 0.0 ? l->requests * l->input.mean : 0.0;
        in_weight += in_most > 0.0 ? l->requests : 0.0;
        out += out_most > 0.0 ? l->requests * l->output.mean : 0.0;
        out_weight += out_most > 0.0 ? l->requests : 0.0;
        mix->input.at[STATS_POINTS - 1] = fmax(mix->input.at[STATS_POINTS - 1], l->requests > 0.0 ? in_most : 0.0);
        mix->output.at[STATS_POINTS - 1] = fmax(mix->output.at[STATS_POINTS - 1], l->requests > 0.0 ? out_most : 0.0);
    }
    mix->input.mean = in / in_weight;
    mix->output.mean = out / out_weight;
}

/* --- both ------------------------------------------------------------------------------------------------------ */

/* `line`, of TRACE_HEAD_MAX + 1 bytes, gets the first line that is not blank; false if the file cannot be read. */
static bool first_line(const char *path, char *line)
{
    csv_message nowhere = {NULL, 0};
    csv_bytes text;
    if (access(path, R_OK) != 0 || !csv_slurp(path, TRACE_BYTES_MAX, &text, &nowhere)) {
        return false;
    }
    const char *at = text.data + strspn(text.data, BLANK);
    (void)snprintf(line, TRACE_HEAD_MAX + 1, "%.*s", (int)strcspn(at, "\r\n"), at);
    free(text.data);
    return true;
}

bool token_mix_is(const char *path)
{
    char line[TRACE_HEAD_MAX + 1];
    if (!first_line(path, line)) {
        return false;
    }
    const trace_head head = {line};
    return token_pmf_is(line) || (head_has(&head, "client") && head_has(&head, "window_s") &&
                                  head_has(&head, "requests") && head_has(&head, "field") && head_has(&head, "p99"));
}

/* NAME-token-...: NAME-client-rates.csv or .csv.gz, if one of them is there. */
static client_rates *rates_beside(const char *path, bool *ok, char *err, size_t err_size)
{
    static const char *const ends[] = {"client-rates.csv.gz", "client-rates.csv"};
    char beside[4096];
    const char *slash = strrchr(path, '/');
    const char *at = strstr(slash != NULL ? slash : path, "token-");
    for (size_t i = 0; at != NULL && i < sizeof ends / sizeof ends[0]; i++) {
        const int n = snprintf(beside, sizeof beside, "%.*s%s", (int)(at - path), path, ends[i]);
        if (n > 0 && (size_t)n < sizeof beside && access(beside, R_OK) == 0) {
            client_rates *r = rates_read_cells(beside, err, err_size);
            *ok = r != NULL;
            return r;
        }
    }
    return NULL;
}

static bool conclude(mixing *m, const client_rates *beside, const char *path, csv_message *message)
{
    token_mix *mix = m->mix;
    if (m->input.count == 0 || m->output.count == 0) {
        return csv_fail_at(path, 0, 0, message, "no lengths of any request are in it");
    }
    for (size_t i = 0; i < mix->rows; i++) {
        mix->requests += m->rows[i].requests;
    }
    mix->covered = beside != NULL ? mix->requests / (rates_between(beside, beside->from_s, beside->to_s) *
                                                     (double)(beside->to_s - beside->from_s))
                                  : -1.0;
    mix->clients = different(m->rows, mix->rows, by_client);
    mix->windows = different(m->rows, mix->rows, by_window);
    mix->input = values_of(&m->input);
    mix->output = values_of(&m->output);
    return true;
}

token_mix *token_mix_read(const char *path, char *err, size_t err_size)
{
    csv_message message = {err, err_size};
    mixing m = {.mix = calloc(1, sizeof *m.mix)};
    bool ok = m.mix != NULL || csv_fail_at(path, 0, 0, &message, "out of memory");
    client_rates *beside = ok ? rates_beside(path, &ok, err, err_size) : NULL;
    client_rates *rows = ok ? rates_read_lengths(path, err, err_size) : NULL;
    ok = rows != NULL;
    if (ok) {
        m.mix->exact = rows->lengths[0].input.count > 0;
        m.mix->weighted = !m.mix->exact || beside != NULL;
    }
    if (ok && m.mix->exact && beside != NULL) {
        rates_weigh(rows, beside);
    }
    ok = ok && mix_rows(&m, path, rows, &message) && conclude(&m, beside, path, &message);
    if (ok && !m.mix->exact) {
        correct(m.mix, rows);
    }
    rates_free(rows);
    rates_free(beside);
    free(m.input.at);
    free(m.output.at);
    free(m.rows);
    if (!ok) {
        free(m.mix);
        return NULL;
    }
    return m.mix;
}

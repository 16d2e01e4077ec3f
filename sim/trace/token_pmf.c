/* SPDX-License-Identifier: GPL-3.0-or-later */
/* token_pmf.c - see token_pmf.h. */
#include "sim/trace/token_pmf.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TOKENS_MAX 2147483647.0

typedef struct pmf_point {
    double tokens, share;
} pmf_point;

static int by_tokens(const void *a, const void *b)
{
    const pmf_point *x = a;
    const pmf_point *y = b;
    return (x->tokens > y->tokens) - (x->tokens < y->tokens);
}

/* Points of a distribution that have a share, [json_object_size()]. @return what is wrong, or NULL */
static const char *take_points(json_t *pmf, pmf_point *points, size_t *count, double *sum)
{
    const char *key;
    json_t *share;
    json_object_foreach(pmf, key, share)
    {
        pmf_point p = {0.0, json_number_value(share)};
        if (!json_is_number(share) || !(p.share >= 0.0)) {
            return "a probability must be a number, 0 or more";
        }
        if (!csv_parse_number(key, &p.tokens) || p.tokens < 0.0 || p.tokens > TOKENS_MAX) {
            return "a token count must be a number from 0 to 2147483647";
        }
        if (p.share > 0.0) {
            points[(*count)++] = p;
            *sum += p.share;
        }
    }
    return *sum > 0.0 && isfinite(*sum)
               ? NULL
               : "input_tokens and output_tokens must be objects of token count to probability, some above 0";
}

static const char *take_law(json_t *pmf, rate_tokens *law)
{
    pmf_point *points = malloc((json_object_size(pmf) + 1) * sizeof *points);
    size_t count = 0;
    double sum = 0.0, reached = 0.0;
    const char *problem = points != NULL ? take_points(pmf, points, &count, &sum) : "out of memory";
    if (problem == NULL) {
        law->value = malloc(2 * count * sizeof *law->value);
        problem = law->value != NULL ? NULL : "out of memory";
    }
    if (problem == NULL) {
        qsort(points, count, sizeof *points, by_tokens);
        law->upto = law->value + count;
        law->count = count;
        for (size_t i = 0; i < count; i++) {
            reached += points[i].share;
            law->value[i] = points[i].tokens;
            law->upto[i] = reached / sum;
            law->mean += points[i].tokens * points[i].share / sum;
        }
        law->at[RATES_POINTS - 1] = law->value[count - 1];
    }
    free(points);
    return problem;
}

static const char *take_row(json_t *object, rate_lengths *row)
{
    const json_t *client = json_object_get(object, "client");
    const json_t *window = json_object_get(object, "window_s");
    json_t *input = json_object_get(object, "input_tokens");
    json_t *output = json_object_get(object, "output_tokens");
    if (!json_is_integer(client) || json_integer_value(client) < 0 || json_integer_value(client) > INT32_MAX ||
        !json_is_integer(window) || json_integer_value(window) < 0 || json_integer_value(window) > RATES_END_S ||
        !json_is_object(input) || !json_is_object(output)) {
        return "client and window_s (whole numbers), input_tokens and output_tokens (objects) are required";
    }
    row->client = (int32_t)json_integer_value(client);
    row->start_s = json_integer_value(window);
    row->requests = 1.0;
    const char *problem = take_law(input, &row->input);
    return problem != NULL ? problem : take_law(output, &row->output);
}

static bool make_room(client_rates *r, size_t *capacity)
{
    if (r->length_count < *capacity) {
        return true;
    }
    const size_t rows = *capacity == 0 ? 256 : 2 * *capacity;
    rate_lengths *more = realloc(r->lengths, rows * sizeof *more);
    if (more == NULL) {
        return false;
    }
    r->lengths = more;
    *capacity = rows;
    return true;
}

bool token_pmf_is(const char *line)
{
    return line[0] == '{' && strstr(line, "\"window_s\"") != NULL && strstr(line, "_tokens\"") != NULL;
}

bool token_pmf_read(const char *path, const csv_bytes *text, client_rates *r, csv_message *message)
{
    const char *end = text->data + text->size;
    size_t capacity = 0, number = 0;
    for (const char *at = text->data; at < end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const size_t size = newline != NULL ? (size_t)(newline - at) : (size_t)(end - at);
        number++;
        if (strspn(at, " \t\r") < size) {
            json_error_t where = {.column = -1};
            json_t *object = json_loadb(at, size, JSON_REJECT_DUPLICATES, &where);
            const char *problem = object == NULL ? where.text : make_room(r, &capacity) ? NULL : "out of memory";
            if (problem == NULL) {
                rate_lengths *row = &r->lengths[r->length_count++];
                *row = (rate_lengths){.line = number};
                problem = take_row(object, row);
            }
            const size_t column = object == NULL && where.column > 0 ? (size_t)where.column : 1;
            json_decref(object);
            if (problem != NULL) {
                return csv_fail_at(path, number, column, message, "%s", problem);
            }
        }
        at += size + (newline != NULL);
    }
    return true;
}

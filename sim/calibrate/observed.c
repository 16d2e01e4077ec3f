/* SPDX-License-Identifier: GPL-3.0-or-later */
/* observed.c - tells files apart, reads the CSV ones; the JSON ones: observed_json.c. */
#include "sim/calibrate/observed_int.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_LIMIT (UINT64_C(1) << 30)
#define PATH_BYTES 1200

bool observed_grow(void **at, size_t count, size_t *cap, size_t size)
{
    if (count < *cap) {
        return true;
    }
    size_t more = *cap > 0 ? 2 * *cap : 256;
    void *grown = realloc(*at, more * size);
    if (grown != NULL) {
        *at = grown;
        *cap = more;
    }
    return grown != NULL;
}

/* --- CSV ------------------------------------------------------------------------------------------------------ */

typedef enum table_kind { TABLE_SECONDS = 1, TABLE_DENSE, TABLE_SEQUENCE, TABLE_ATTENTION } table_kind;

#define COLUMNS_MAX 5

typedef struct table_shape {
    table_kind kind;
    const char *columns[COLUMNS_MAX]; /* alternatives divided by '|' */
    double most[COLUMNS_MAX];         /* numbers lie in 0..most; 0 = a name */
} table_shape;

static const table_shape shapes[] = {
    {TABLE_ATTENTION, {"prefill_chunk", "kv_prefill", "n_decode", "kv_decode", "time_us"}, {1e7, 1e7, 1e5, 1e7, 1e9}},
    {TABLE_DENSE, {"layer", "tokens", "time_us"}, {0, 1e7, 1e9}},
    {TABLE_SEQUENCE, {"layer", "sequences", "time_us"}, {0, 1e5, 1e9}},
    {TABLE_SECONDS,
     {"prompt_throughput", "gen_throughput|generation_throughput", "running|num_running",
      "kv_cache_pct|gpu_kvcache_usage"},
     {1e7, 1e7, 1e6, 100}},
};

typedef struct reading {
    observed *o;
    const table_shape *shape;
    size_t column[COLUMNS_MAX];
    size_t time;     /* column of an engine's log, SIZE_MAX = it has none */
    size_t waiting;  /* as time */
    double before_s; /* time of the line before, NaN at first */
} reading;

/* The first of these names that the header has; it must not have it twice. */
static bool find_column(const csv_row *row, const char *names, size_t *found, csv_message *message)
{
    char name[64];
    for (const char *at = names; *at != '\0';) {
        size_t size = strcspn(at, "|");
        (void)snprintf(name, sizeof name, "%.*s", (int)size, at);
        if (!csv_find_once(row, name, found, message)) {
            return false;
        }
        if (*found != SIZE_MAX) {
            return true;
        }
        at += size + (at[size] == '|');
    }
    *found = SIZE_MAX;
    return true;
}

static bool take_header(reading *r, const csv_row *row, csv_message *message)
{
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        bool all = true;
        for (size_t c = 0; c < COLUMNS_MAX && shapes[s].columns[c] != NULL; c++) {
            if (!find_column(row, shapes[s].columns[c], &r->column[c], message)) {
                return false;
            }
            all = all && r->column[c] != SIZE_MAX;
        }
        if (all) {
            r->shape = &shapes[s];
            return find_column(row, "timestamp|time|t", &r->time, message) &&
                   find_column(row, "waiting|num_waiting|num_pending", &r->waiting, message);
        }
    }
    r->o->foreign = true;
    return csv_fail(
        row, 0, message,
        "not a table that can be calibrated from: it needs the columns of an engine log (prompt_throughput, "
        "generation_throughput, num_running, gpu_kvcache_usage) or of operator times (layer, tokens or "
        "sequences, time_us; prefill_chunk, kv_prefill, n_decode, kv_decode, time_us)");
}

/* A log without times, or with others than rising numbers, is one of which only the rates are known. */
static bool keep_second(reading *r, const csv_row *row, const double *v)
{
    observed *o = r->o;
    observed_second second = {.prompt_per_s = v[0],
                              .output_per_s = v[1],
                              .running = v[2],
                              .kv_share = v[3] / 100.0,
                              .waiting = -1.0,
                              .file = (uint32_t)(o->file_count - 1)};
    double at_s;
    if (r->waiting < row->count &&
        !(csv_parse_number(row->cells[r->waiting], &second.waiting) && isfinite(second.waiting))) {
        second.waiting = -1.0;
    }
    if (r->time < row->count && csv_parse_number(row->cells[r->time], &at_s) && isfinite(at_s)) {
        second.at_s = at_s;
        second.span_s = at_s > r->before_s ? at_s - r->before_s : 0.0;
        r->before_s = at_s;
    }
    if (!observed_grow((void **)&o->seconds, o->second_count, &o->second_cap, sizeof *o->seconds)) {
        return false;
    }
    o->seconds[o->second_count++] = second;
    return true;
}

static bool keep_row(observed *o, table_kind kind, const char *name, const double *v)
{
    if (kind == TABLE_ATTENTION) {
        if (!observed_grow((void **)&o->attention, o->attention_count, &o->attention_cap, sizeof *o->attention)) {
            return false;
        }
        o->attention[o->attention_count++] = (observed_attention){v[0], v[1], v[2], v[3], v[4]};
        return true;
    }
    bool dense = kind == TABLE_DENSE;
    observed_operator **rows = dense ? &o->dense : &o->sequence;
    size_t *count = dense ? &o->dense_count : &o->sequence_count;
    if (!observed_grow((void **)rows, *count, dense ? &o->dense_cap : &o->sequence_cap, sizeof **rows)) {
        return false;
    }
    observed_operator *row = &(*rows)[(*count)++];
    row->n = v[1];
    row->time_us = v[2];
    (void)snprintf(row->layer, sizeof row->layer, "%s", name);
    return true;
}

static bool take_row(void *context, const csv_row *row, csv_message *message)
{
    reading *r = context;
    if (r->shape == NULL) {
        return take_header(r, row, message);
    }
    double values[COLUMNS_MAX] = {0.0};
    const char *name = "";
    for (size_t c = 0; c < COLUMNS_MAX && r->shape->columns[c] != NULL; c++) {
        if (r->column[c] >= row->count) {
            return csv_fail(row, row->count, message, "the line has fewer cells than the header");
        }
        const char *cell = row->cells[r->column[c]];
        if (r->shape->most[c] == 0.0) {
            name = cell;
        } else if (!csv_parse_number(cell, &values[c]) || !(values[c] >= 0.0) || values[c] > r->shape->most[c]) {
            return csv_fail(row, r->column[c], message, "%s must be a number in 0..%g", r->shape->columns[c],
                            r->shape->most[c]);
        }
    }
    const bool kept =
        r->shape->kind == TABLE_SECONDS ? keep_second(r, row, values) : keep_row(r->o, r->shape->kind, name, values);
    return kept || csv_fail(row, 0, message, "out of memory");
}

/* --- files and folders ------------------------------------------------------------------------------------------ */

static bool read_file(observed *o, const char *path, csv_message *message)
{
    csv_bytes bytes = {NULL, 0};
    char *name = strdup(path);
    if (name == NULL || !observed_grow((void **)&o->files, o->file_count, &o->file_cap, sizeof *o->files)) {
        free(name);
        return csv_fail_at(path, 0, 0, message, "out of memory");
    }
    o->files[o->file_count++] = (observed_file){.path = name};
    o->foreign = false;
    if (!csv_slurp(path, FILE_LIMIT, &bytes, message)) {
        return false;
    }
    bool ok;
    size_t start = strspn(bytes.data, " \t\r\n");
    if (bytes.data[start] == '{') {
        ok = observed_json(o, path, bytes.data, bytes.size, message);
    } else {
        reading r = {.o = o, .before_s = (double)NAN};
        ok = csv_scan(path, &bytes, take_row, &r, message);
        if (ok && r.shape == NULL) {
            ok = csv_fail_at(path, 0, 0, message, "the file is empty");
        }
    }
    free(bytes.data);
    return ok;
}

static int by_name(const void *a, const void *b)
{
    char *const *x = a;
    char *const *y = b;
    return strcmp(*x, *y);
}

/* What calibration reads in a folder; everything else (notes, licences) is left alone. */
static bool wanted(const char *name)
{
    static const char *const ends[] = {".csv", ".json", ".jsonl"};
    size_t size = strlen(name);
    if (size > 3 && strcmp(name + size - 3, ".gz") == 0) {
        size -= 3;
    }
    bool known = strcmp(name, "operators") == 0;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        const size_t end = strlen(ends[i]);
        known = known || (size > end && strncmp(name + size - end, ends[i], end) == 0);
    }
    return known && name[0] != '.';
}

static bool read_folder(observed *o, const char *path, int depth, csv_message *message);

static bool read_path(observed *o, const char *path, int depth, csv_message *message)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        return depth > 1 || read_folder(o, path, depth, message);
    }
    if (read_file(o, path, message)) {
        return true;
    }
    const bool passed_over = depth > 0 && o->pass_over && o->foreign;
    o->files[o->file_count - 1].passed_over = passed_over;
    return passed_over;
}

static bool read_folder(observed *o, const char *path, int depth, csv_message *message)
{
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return csv_fail_at(path, 0, 0, message, "cannot be read");
    }
    void *names = NULL;
    size_t count = 0;
    size_t cap = 0;
    bool ok = true;
    for (struct dirent *e = readdir(dir); ok && e != NULL; e = readdir(dir)) {
        if (wanted(e->d_name)) {
            char *full = malloc(PATH_BYTES);
            ok = full != NULL && observed_grow(&names, count, &cap, sizeof full);
            if (!ok) {
                free(full);
                break;
            }
            (void)snprintf(full, PATH_BYTES, "%s/%s", path, e->d_name);
            ((char **)names)[count++] = full;
        }
    }
    (void)closedir(dir);
    char **list = names;
    if (count > 0) {
        qsort(list, count, sizeof *list, by_name);
    } else if (ok && depth == 0) {
        ok = csv_fail_at(path, 0, 0, message, "holds no .csv, .json or .jsonl file, plain or .gz");
    }
    for (size_t i = 0; i < count; i++) {
        ok = ok && read_path(o, list[i], depth + 1, message);
        free(list[i]);
    }
    free(list);
    return ok;
}

bool observed_read(observed *o, const char *path, char *err, size_t err_size)
{
    csv_message message = {err, err_size};
    return read_path(o, path, 0, &message);
}

void observed_free(observed *o)
{
    free(o->requests);
    free(o->seconds);
    free(o->dense);
    free(o->sequence);
    free(o->attention);
    for (size_t i = 0; i < o->file_count; i++) {
        free(o->files[i].path);
    }
    free(o->files);
    free(o->runs);
    *o = (observed){.requests = NULL};
}

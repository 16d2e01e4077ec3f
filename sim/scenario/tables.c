/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * tables.c - a set of parameter tables: loading in order, cross checks, look-ups.
 *
 * Tables are small (tens to hundreds of rows) and read once, so every search is a walk over an array in file order; no
 * order of any output depends on anything else. What the models want in another form than rows (laws of a lag, the
 * matrix of round trips, the week of a shape) is put together once all rows have been read.
 */
#include "sim/scenario/tables.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/scenario/tables_reader.h"

struct tables {
    table_rows rows[TABLES_KINDS];
    uint64_t hash;
    table_lag *lags;
    size_t lag_count;
    table_shape *shapes;
    size_t shape_count;
    mdl_network *network;
};

const char *tables_kind_name(tables_kind kind)
{
    return (unsigned)kind < TABLES_KINDS ? table_types[kind].name : "?";
}

tables_kind tables_kind_of(const char *name)
{
    for (unsigned k = 0; k < TABLES_KINDS; k++) {
        if (strcmp(table_types[k].name, name) == 0) {
            return (tables_kind)k;
        }
    }
    return TABLES_KINDS;
}

size_t tables_count(const tables *t, tables_kind kind)
{
    return t->rows[kind].count;
}

const void *tables_row(const tables *t, tables_kind kind, size_t index)
{
    return table_row(&table_types[kind], &t->rows[kind], index);
}

uint64_t tables_hash(const tables *t)
{
    return t->hash;
}

/* The row whose key is k[0..keys-1], or NULL. */
static const void *find(const tables *t, tables_kind kind, const char *const *k)
{
    const table_type *type = &table_types[kind];
    for (size_t i = 0; i < t->rows[kind].count; i++) {
        const char *row = table_row(type, &t->rows[kind], i);
        bool equal = true;
        for (size_t j = 0; equal && j < type->keys; j++) {
            equal = strcmp(row + type->columns[j].offset, k[j]) == 0;
        }
        if (equal) {
            return row;
        }
    }
    return NULL;
}

/* ---- putting together ---- */

/* Every name in a gpu or model column must be a row of gpus.csv or models.csv. */
static bool check_names(const tables *t, const char *dir, tables_kind kind, const char *column, tables_kind target,
                        csv_message *message)
{
    const table_type *type = &table_types[kind];
    for (size_t i = 0; i < t->rows[kind].count; i++) {
        const char *name = table_text(type, tables_row(t, kind, i), column);
        if (find(t, target, &name) == NULL) {
            return table_fail(dir, type, &t->rows[kind], i, message, "%s '%s' is not in %s.csv", column, name,
                              table_types[target].name);
        }
    }
    return true;
}

static table_lag *lag_named(tables *t, const char *name)
{
    for (size_t i = 0; i < t->lag_count; i++) {
        if (strcmp(t->lags[i].name, name) == 0) {
            return &t->lags[i];
        }
    }
    table_lag *lag = &t->lags[t->lag_count++];
    memcpy(lag->name, name, strlen(name) + 1);
    memcpy(lag->grade, "measured", sizeof "measured");
    return lag;
}

static bool build_lags(tables *t, const char *dir, csv_message *message)
{
    const table_type *type = &table_types[TABLES_LAGS];
    const table_rows *rows = &t->rows[TABLES_LAGS];
    t->lags = calloc(rows->count, sizeof *t->lags);
    if (t->lags == NULL) {
        return csv_fail_at(dir, 1, 1, message, "out of memory");
    }
    for (size_t i = 0; i < rows->count; i++) {
        const table_lag_stage *stage = table_row(type, rows, i);
        table_lag *lag = lag_named(t, stage->name);
        int known = 0;
        mdl_law *law = table_lag_law(&lag->lag, stage->stage, &known);
        if (law != NULL) {
            *law = (mdl_law){table_law_kind(stage->kind), stage->a, stage->b, stage->max};
        } else {
            lag->lag.fail_probability = stage->a;
        }
        if (table_grade_rank(stage->grade) > table_grade_rank(lag->grade)) {
            memcpy(lag->grade, stage->grade, sizeof lag->grade);
        }
    }
    for (size_t i = 0; i < rows->count; i++) {
        const table_lag_stage *stage = table_row(type, rows, i);
        size_t stages = 0;
        for (size_t j = 0; j < rows->count; j++) {
            stages += strcmp(((const table_lag_stage *)table_row(type, rows, j))->name, stage->name) == 0;
        }
        if (stages != TABLE_LAG_STAGES) {
            return table_fail(dir, type, rows, i, message, "'%s' has %zu of the %d stages that a lag needs",
                              stage->name, stages, TABLE_LAG_STAGES);
        }
    }
    return true;
}

static bool build_shapes(tables *t, const char *dir, csv_message *message)
{
    const table_type *type = &table_types[TABLES_SHAPES];
    const table_rows *rows = &t->rows[TABLES_SHAPES];
    t->shapes = calloc(rows->count, sizeof *t->shapes);
    if (t->shapes == NULL) {
        return csv_fail_at(dir, 1, 1, message, "out of memory");
    }
    for (size_t i = 0; i < rows->count; i++) {
        const table_shape_days *first = table_row(type, rows, i);
        if (tables_shape(t, first->name) != NULL) {
            continue;
        }
        table_shape *shape = &t->shapes[t->shape_count];
        unsigned seen = 0;
        for (size_t j = i; j < rows->count; j++) {
            const table_shape_days *row = table_row(type, rows, j);
            unsigned days = table_days(row->days);
            if (strcmp(row->name, first->name) != 0) {
                continue;
            }
            if ((seen & days) != 0) {
                return table_fail(dir, type, rows, j, message, "days '%s' of '%s' overlap an earlier row", row->days,
                                  row->name);
            }
            seen |= days;
            for (unsigned day = 0; day < 7; day++) {
                if ((days >> day & 1u) != 0) {
                    memcpy(shape->hours + (size_t)day * 24, row->hours, sizeof row->hours);
                }
            }
        }
        if (seen != 0x7f) {
            return table_fail(dir, type, rows, i, message, "the rows of '%s' do not cover the whole week", first->name);
        }
        memcpy(shape->name, first->name, sizeof shape->name);
        t->shape_count++;
    }
    return true;
}

/* Regions in order of first appearance in `from`. */
static bool build_network(tables *t, const char *dir, csv_message *message)
{
    const table_type *type = &table_types[TABLES_RTT];
    const table_rows *rows = &t->rows[TABLES_RTT];
    const char **names = calloc(rows->count, sizeof *names);
    size_t *first = calloc(rows->count, sizeof *first);
    int64_t *rtt = calloc(rows->count, sizeof *rtt);
    bool ok = names != NULL && first != NULL && rtt != NULL;
    size_t count = 0;
    if (!ok) {
        csv_fail_at(dir, 1, 1, message, "out of memory");
    }
    for (size_t i = 0; ok && i < rows->count; i++) {
        const table_rtt *row = table_row(type, rows, i);
        size_t j = 0;
        while (j < count && strcmp(names[j], row->from) != 0) {
            j++;
        }
        if (j == count) {
            first[count] = i;
            names[count++] = row->from;
        }
    }
    for (size_t i = 0; ok && i < count * count; i++) {
        const char *pair[2] = {names[i / count], names[i % count]};
        const table_rtt *row = find(t, TABLES_RTT, pair);
        if (row == NULL) {
            ok = table_fail(dir, type, rows, first[i / count], message,
                            "no row from '%s' to '%s': the matrix must be full", pair[0], pair[1]);
            break;
        }
        rtt[i] = (int64_t)llround(row->rtt_ms * 1e6); /* in bounds: every i so far had a row of its own */
    }
    for (size_t i = 0; ok && i < rows->count; i++) {
        const table_rtt *row = table_row(type, rows, i);
        const char *pair[2] = {row->to, row->to};
        if (find(t, TABLES_RTT, pair) == NULL) {
            ok = table_fail(dir, type, rows, i, message, "no row from '%s' to any region", row->to);
        }
    }
    if (ok) {
        t->network = mdl_network_new(names, count, rtt);
        ok = t->network != NULL || csv_fail_at(dir, 1, 1, message, "out of memory");
    }
    free(names);
    free(first);
    free(rtt);
    return ok;
}

/* The layers of a model's image are its image: images.csv and layers.csv must tell the same size. */
static bool check_layers(const tables *t, const char *dir, csv_message *message)
{
    const table_type *type = &table_types[TABLES_IMAGES];
    for (size_t i = 0; i < tables_count(t, TABLES_IMAGES); i++) {
        const table_image *image = tables_row(t, TABLES_IMAGES, i);
        double gb = 0.0;
        for (size_t j = 0; j < tables_count(t, TABLES_LAYERS); j++) {
            const table_layer *layer = tables_row(t, TABLES_LAYERS, j);
            gb += strcmp(layer->model, image->model) == 0 ? layer->gb : 0.0;
        }
        if (!(fabs(gb - image->image.image_gb) <= 0.001 * (1.0 + gb))) {
            return table_fail(dir, type, &t->rows[TABLES_IMAGES], i, message,
                              "image_gb of '%s' is %g, its rows in layers.csv make %g", image->model,
                              image->image.image_gb, gb);
        }
    }
    return true;
}

static bool load(tables *t, const char *dir, csv_message *message)
{
    t->hash = UINT64_C(0xcbf29ce484222325);
    for (unsigned k = 0; k < TABLES_KINDS; k++) {
        if (!table_read(dir, &table_types[k], &t->rows[k], &t->hash, message)) {
            return false;
        }
    }
    return check_names(t, dir, TABLES_PROFILES, "gpu", TABLES_GPUS, message) &&
           check_names(t, dir, TABLES_PROFILES, "model", TABLES_MODELS, message) &&
           check_names(t, dir, TABLES_PRICES, "gpu", TABLES_GPUS, message) &&
           check_names(t, dir, TABLES_OWNED, "gpu", TABLES_GPUS, message) &&
           check_names(t, dir, TABLES_IMAGES, "model", TABLES_MODELS, message) &&
           check_names(t, dir, TABLES_LAYERS, "model", TABLES_MODELS, message) && check_layers(t, dir, message) &&
           build_lags(t, dir, message) && build_shapes(t, dir, message) && build_network(t, dir, message);
}

tables *tables_load(const char *dir, char *err, size_t err_size)
{
    csv_message message = {err, err_size};
    tables *t = calloc(1, sizeof *t);
    if (t == NULL) {
        csv_fail_at(dir, 1, 1, &message, "out of memory");
        return NULL;
    }
    if (!load(t, dir, &message)) {
        tables_free(t);
        return NULL;
    }
    return t;
}

void tables_free(tables *t)
{
    if (t == NULL) {
        return;
    }
    for (unsigned k = 0; k < TABLES_KINDS; k++) {
        table_rows_free(&t->rows[k]);
    }
    free(t->lags);
    free(t->shapes);
    mdl_network_free(t->network);
    free(t);
}

/* ---- look-ups ---- */

const mdl_gpu *tables_gpu(const tables *t, const char *name)
{
    return find(t, TABLES_GPUS, &name);
}

const mdl_model *tables_model(const tables *t, const char *name)
{
    return find(t, TABLES_MODELS, &name);
}

const mdl_profile *tables_profile(const tables *t, const char *engine, const char *gpu, const char *model)
{
    const char *key[3] = {engine, gpu, model};
    return find(t, TABLES_PROFILES, key);
}

const table_price *tables_price(const tables *t, const char *provider, const char *gpu, const char *kind)
{
    const char *key[3] = {provider, gpu, kind};
    return find(t, TABLES_PRICES, key);
}

const table_owned *tables_owned(const tables *t, const char *gpu)
{
    return find(t, TABLES_OWNED, &gpu);
}

const table_lag *tables_lag(const tables *t, const char *name)
{
    for (size_t i = 0; i < t->lag_count; i++) {
        if (strcmp(t->lags[i].name, name) == 0) {
            return &t->lags[i];
        }
    }
    return NULL;
}

const table_market *tables_market(const tables *t, const char *name)
{
    const table_market *row = find(t, TABLES_MARKETS, &name);
    return row != NULL ? row : find(t, TABLES_BATHTUBS, &name);
}

const table_stock *tables_stock(const tables *t, const char *name)
{
    return find(t, TABLES_STOCKS, &name);
}

const table_walk *tables_walk(const tables *t, const char *name)
{
    return find(t, TABLES_WALKS, &name);
}

const table_delivery *tables_delivery(const tables *t, const char *name)
{
    return find(t, TABLES_DELIVERY, &name);
}

const table_storage *tables_storage(const tables *t, const char *provider)
{
    return find(t, TABLES_STORAGE, &provider);
}

const table_egress *tables_egress(const tables *t, const char *provider, mdl_egress_scope scope, const char *from,
                                  const char *to)
{
    const char *const pairs[4][2] = {{from, to}, {from, TABLES_ANY}, {TABLES_ANY, to}, {TABLES_ANY, TABLES_ANY}};
    const table_egress *row = NULL;
    for (int i = 0; i < 4 && row == NULL; i++) {
        const char *key[4] = {provider, mdl_egress_scope_name(scope), pairs[i][0], pairs[i][1]};
        row = find(t, TABLES_EGRESS, key);
    }
    return row;
}

const table_jitter *tables_jitter(const tables *t, const char *name)
{
    return find(t, TABLES_JITTER, &name);
}

const table_payload *tables_payload(const tables *t, const char *name)
{
    return find(t, TABLES_PAYLOAD, &name);
}

const table_image *tables_image(const tables *t, const char *model)
{
    return find(t, TABLES_IMAGES, &model);
}

const table_shape *tables_shape(const tables *t, const char *name)
{
    for (size_t i = 0; i < t->shape_count; i++) {
        if (strcmp(t->shapes[i].name, name) == 0) {
            return &t->shapes[i];
        }
    }
    return NULL;
}

const mdl_network *tables_network(const tables *t)
{
    return t->network;
}

void tables_describe(const tables *t, tables_kind kind, size_t index, tables_line *line)
{
    const table_type *type = &table_types[kind];
    const char *row = tables_row(t, kind, index);
    size_t at = 0;
    line->name[0] = '\0';
    for (size_t k = 0; k < type->keys; k++) {
        int n =
            snprintf(line->name + at, sizeof line->name - at, "%s%s", k > 0 ? "/" : "", row + type->columns[k].offset);
        at += n > 0 ? (size_t)n : 0; /* fits: keys are at most three names */
    }
    type->figures(row, line->figures, sizeof line->figures);
    line->source = table_text(type, row, "source");
    line->date = table_text(type, row, "date");
    line->grade = table_text(type, row, "grade");
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/** stock_record.c - a record of availability from JSON. */
#include "sim/scenario/stock_record.h"

#include <math.h>
#include <stdlib.h>

#include <jansson.h>

#define RECORD_BYTES_MAX ((size_t)1 << 28)
#define LEVEL_MAX        1000000

static bool levels_read(const char *path, zone *z, const json_t *data, mdl_stock_trace *out, csv_message *message)
{
    size_t count = json_array_size(data);
    int32_t *level = zone_array(z, count, sizeof *level);
    for (size_t i = 0; level != NULL && i < count; i++) {
        const json_t *value = json_array_get(data, i);
        if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > LEVEL_MAX) {
            return csv_fail_at(path, 0, 0, message, "'data[%zu]' must be a whole number from 0 to %d", i, LEVEL_MAX);
        }
        level[i] = (int32_t)json_integer_value(value);
    }
    out->level = level;
    out->count = count;
    return level != NULL || csv_fail_at(path, 0, 0, message, "out of memory");
}

static bool prices_read(const char *path, zone *z, const json_t *prices, mdl_stock_trace *out, csv_message *message)
{
    int64_t *price = zone_array(z, out->count, sizeof *price);
    if (json_array_size(prices) != out->count) {
        return csv_fail_at(path, 0, 0, message, "'prices' has %zu entries, 'data' %zu", json_array_size(prices),
                           out->count);
    }
    for (size_t i = 0; price != NULL && i < out->count; i++) {
        double usd = json_number_value(json_array_get(prices, i));
        if (!(usd > 0.0 && usd <= 1e6)) {
            return csv_fail_at(path, 0, 0, message, "'prices[%zu]' must be a number above 0 and at most 1e6", i);
        }
        price[i] = llround(usd * 1e6);
    }
    out->price_uusd = price;
    return price != NULL || csv_fail_at(path, 0, 0, message, "out of memory");
}

static bool root_read(const char *path, zone *z, const json_t *root, mdl_stock_trace *out, csv_message *message)
{
    const json_t *gap = json_object_get(json_object_get(root, "metadata"), "gap_seconds");
    const json_t *data = json_object_get(root, "data");
    const json_t *prices = json_object_get(root, "prices");
    double gap_s = json_number_value(gap);
    if (!(gap_s >= 1.0 && gap_s <= 1e7)) {
        return csv_fail_at(path, 0, 0, message, "'metadata.gap_seconds' must be a number from 1 to 1e7");
    }
    if (json_array_size(data) == 0) {
        return csv_fail_at(path, 0, 0, message, "'data' must be a list of whole numbers, one for each step");
    }
    out->step_ns = llround(gap_s * 1e9);
    return levels_read(path, z, data, out, message) && (prices == NULL || prices_read(path, z, prices, out, message));
}

bool stock_record_read(const char *path, zone *z, mdl_stock_trace *out, csv_message *message)
{
    csv_bytes bytes = {NULL, 0};
    json_error_t at;
    if (!csv_slurp(path, RECORD_BYTES_MAX, &bytes, message)) {
        return false;
    }
    json_t *root = json_loadb(bytes.data, bytes.size, JSON_REJECT_DUPLICATES, &at);
    bool ok = root != NULL ? root_read(path, z, root, out, message)
                           : csv_fail_at(path, at.line > 0 ? (size_t)at.line : 0, at.column > 0 ? (size_t)at.column : 1,
                                         message, "%s", at.text);
    json_decref(root);
    free(bytes.data);
    return ok;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* resolve_measured.c - service times of a station as somebody measured them: one column of a CSV file. */
#include "sim/scenario/resolve.h"

#include <stdlib.h>

#include "sim/scenario/csvfile.h"
#include "sim/scenario/hash.h"

#define COLUMN     "service_s"
#define FILE_LIMIT (UINT64_C(256) << 20)
#define LONGEST_S  86400.0

typedef struct times {
    double *values;
    size_t count, cap, column;
    bool header;
} times;

static bool grow(times *t)
{
    if (t->count < t->cap) {
        return true;
    }
    size_t cap = t->cap > 0 ? 2 * t->cap : 256;
    double *values = realloc(t->values, cap * sizeof *values);
    if (values != NULL) {
        t->values = values;
        t->cap = cap;
    }
    return values != NULL;
}

static bool take_row(void *context, const csv_row *row, csv_message *message)
{
    times *t = context;
    if (!t->header) {
        t->header = true;
        return csv_find_once(row, COLUMN, &t->column, message) &&
               (t->column != SIZE_MAX || csv_fail(row, 0, message, "no column '" COLUMN "' in the header"));
    }
    double value = 0.0;
    if (t->column >= row->count || !csv_parse_number(row->cells[t->column], &value) || !(value >= 0.0) ||
        value > LONGEST_S) {
        return csv_fail(row, t->column, message, COLUMN " must be a number of seconds in 0..86400");
    }
    if (!grow(t)) {
        return csv_fail(row, t->column, message, "out of memory");
    }
    t->values[t->count++] = value;
    return true;
}

void resolve_measured(resolve *r, const spec_measured *spec, mdl_service_law *law)
{
    const char *path = resolve_path(r, spec->file);
    char text[1024] = "";
    csv_message message = {text, sizeof text};
    csv_bytes bytes = {NULL, 0};
    times t = {.values = NULL};
    bool ok =
        path != NULL && csv_slurp(path, FILE_LIMIT, &bytes, &message) && csv_scan(path, &bytes, take_row, &t, &message);
    free(bytes.data);
    if (ok && t.count == 0) {
        ok = csv_fail_at(path, 0, 0, &message, "no service times");
    }
    double *values = ok ? zone_array(r->zone, t.count, sizeof *values) : NULL;
    if (values != NULL) {
        double sum = 0.0;
        for (size_t i = 0; i < t.count; i++) {
            values[i] = t.values[i];
            sum += values[i];
        }
        r->hash = hash_bytes(r->hash, values, t.count * sizeof *values);
        *law = (mdl_service_law){
            .kind = MDL_SERVICE_MEASURED, .mean_s = sum / (double)t.count, .values_s = values, .value_count = t.count};
    } else if (!ok && path != NULL) {
        resolve_foreign(r, text);
        ynode_error(r->diag, spec->file_node, "the service times '%s' cannot be used", spec->file);
    }
    free(t.values);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* resolve_rates.c - rates of traffic from a CSV file. */
#include "sim/scenario/resolve.h"

#include <math.h>
#include <stdlib.h>

#include "sim/scenario/csvfile.h"
#include "sim/scenario/hash.h"

#define RATES_BYTES_MAX ((size_t)1 << 28)
#define AT_MAX_S        1e9
#define RATE_MAX        1e6

typedef struct reading {
    int64_t *at_ns; /* NULL: only counting */
    double *per_s;
    double scale;
    size_t count, at, rate; /* rows; places of the columns */
    double before_s;
    bool headed;
} reading;

static bool row_read(void *context, const csv_row *row, csv_message *message)
{
    reading *in = context;
    double at_s, rate;
    if (!in->headed) {
        in->headed = true;
        if (!csv_find_once(row, "at_s", &in->at, message) || !csv_find_once(row, "rate_per_s", &in->rate, message)) {
            return false;
        }
        return (in->at != SIZE_MAX && in->rate != SIZE_MAX) ||
               csv_fail(row, 0, message, "the columns 'at_s' and 'rate_per_s' are needed");
    }
    if (in->at >= row->count || !csv_parse_number(row->cells[in->at], &at_s) || at_s < 0 || at_s > AT_MAX_S) {
        return csv_fail(row, in->at, message, "'at_s' must be a number from 0 to 1e9");
    }
    if (in->rate >= row->count || !csv_parse_number(row->cells[in->rate], &rate) || rate < 0 || rate > RATE_MAX) {
        return csv_fail(row, in->rate, message, "'rate_per_s' must be a number from 0 to 1e6");
    }
    if (in->count > 0 && at_s <= in->before_s) {
        return csv_fail(row, in->at, message, "'at_s' must be above that of the row before");
    }
    if (in->at_ns != NULL) {
        in->at_ns[in->count] = llround(at_s * 1e9);
        in->per_s[in->count] = rate * in->scale;
    }
    in->before_s = at_s;
    in->count++;
    return true;
}

/* Counts, then fills. False with a message. */
static bool rates_read(resolve *r, const char *path, const spec_traffic *spec, mdl_rates *out, csv_message *message)
{
    csv_bytes bytes = {NULL, 0};
    reading in = {.at_ns = NULL};
    bool ok = csv_slurp(path, RATES_BYTES_MAX, &bytes, message) && csv_scan(path, &bytes, row_read, &in, message);
    if (ok && in.count == 0) {
        ok = csv_fail_at(path, 0, 0, message, "no rates in it");
    }
    if (ok) {
        in = (reading){.at_ns = zone_array(r->zone, in.count, sizeof *in.at_ns),
                       .per_s = zone_array(r->zone, in.count, sizeof *in.per_s),
                       .scale = spec->scale};
        ok = in.at_ns != NULL && in.per_s != NULL && csv_scan(path, &bytes, row_read, &in, message);
    }
    free(bytes.data);
    *out = (mdl_rates){in.count, in.at_ns, in.per_s};
    return ok;
}

const mdl_rates *resolve_rates(resolve *r, const spec_traffic *spec)
{
    char err[1024];
    csv_message message = {err, sizeof err};
    mdl_rates *rates = zone_take(r->zone, sizeof *rates);
    const char *path = resolve_path(r, spec->file);
    if (path == NULL || rates == NULL) {
        return NULL;
    }
    if (!rates_read(r, path, spec, rates, &message)) {
        if (!r->zone->failed) {
            resolve_foreign(r, err);
            ynode_error(r->diag, spec->file_node, "the rates '%s' cannot be used", spec->file);
        }
        return NULL;
    }
    r->hash = hash_bytes(r->hash, rates->at_ns, rates->count * sizeof *rates->at_ns);
    r->hash = hash_bytes(r->hash, rates->per_s, rates->count * sizeof *rates->per_s);
    return rates;
}

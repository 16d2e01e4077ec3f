/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * observed_runs.c - which requests are of one run of an engine.
 *
 * Those of a file are, and those of files whose times overlap: clients of one engine by one clock. A file that begins
 * when all before it are done found an idle engine, however long ago that was; the time between belongs to no run.
 */
#include "sim/calibrate/observed_int.h"

#include <math.h>
#include <stdlib.h>

/* When the requests of a file begin and end. */
typedef struct extent {
    double from_s, to_s;
    size_t file, count;
} extent;

static int by_start(const void *a, const void *b)
{
    const extent *x = a;
    const extent *y = b;
    return (x->from_s > y->from_s) - (x->from_s < y->from_s);
}

static int by_run_and_arrival(const void *a, const void *b)
{
    const observed_request *x = a;
    const observed_request *y = b;
    const int order = (x->run > y->run) - (x->run < y->run);
    return order != 0 ? order : (x->arrival_s > y->arrival_s) - (x->arrival_s < y->arrival_s);
}

static size_t extents_of(const observed *o, extent *extents)
{
    for (size_t i = 0; i < o->file_count; i++) {
        extents[i] = (extent){.from_s = INFINITY, .to_s = -INFINITY, .file = i};
    }
    for (size_t i = 0; i < o->request_count; i++) {
        const observed_request *r = &o->requests[i];
        extent *e = &extents[r->run];
        e->from_s = fmin(e->from_s, r->arrival_s);
        e->to_s = fmax(e->to_s, r->last_s);
        e->count++;
    }
    size_t n = 0;
    for (size_t i = 0; i < o->file_count; i++) {
        if (extents[i].count > 0) {
            extents[n++] = extents[i];
        }
    }
    return n;
}

static bool part(observed *o)
{
    extent *extents = malloc((o->file_count + 1) * sizeof *extents);
    o->runs = malloc((o->file_count + 1) * sizeof *o->runs);
    if (extents == NULL || o->runs == NULL) {
        free(extents);
        return false;
    }
    const size_t n = extents_of(o, extents);
    double until_s = -INFINITY;
    qsort(extents, n, sizeof *extents, by_start);
    for (size_t i = 0; i < n; i++) {
        if (extents[i].from_s >= until_s) {
            o->runs[o->run_count++] = (observed_run){.file = extents[i].file, .log = OBSERVED_NO_LOG};
        }
        o->runs[o->run_count - 1].count += extents[i].count;
        o->files[extents[i].file].run = o->run_count - 1;
        until_s = fmax(until_s, extents[i].to_s);
    }
    free(extents);
    for (size_t i = 0; i < o->request_count; i++) {
        o->requests[i].run = (uint32_t)o->files[o->requests[i].run].run;
    }
    qsort(o->requests, o->request_count, sizeof *o->requests, by_run_and_arrival);
    for (size_t k = 1; k < o->run_count; k++) {
        o->runs[k].first = o->runs[k - 1].first + o->runs[k - 1].count;
    }
    return true;
}

bool observed_complete(observed *o, char *err, size_t err_size)
{
    csv_message message = {err, err_size};
    if (o->request_count > 0 && !part(o)) {
        return csv_fail_at(o->files[0].path, 0, 0, &message, "out of memory");
    }
    for (size_t k = 0; k < o->run_count; k++) {
        if (!observed_tell(o, &o->runs[k], &message)) {
            return false;
        }
    }
    return observed_limits(o) || csv_fail_at(o->files[0].path, 0, 0, &message, "out of memory");
}

size_t observed_run_count(const observed *o)
{
    return o->run_count > 0 ? o->run_count : 1;
}

observed observed_one_run(const observed *o, size_t k)
{
    observed one = *o;
    if (o->run_count > 0) {
        one.requests += o->runs[k].first;
        one.request_count = o->runs[k].count;
        one.run_count = 0;
    }
    return one;
}

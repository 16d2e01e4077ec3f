/* SPDX-License-Identifier: Apache-2.0 */
/** meters_read.c - answers of the metrics APIs and of Prometheus. */
#include "sched/kube/meters_int.h"
#include "sched/kube/objects_int.h"
#include "sched/manifest/quantity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MILLI_MOST 9.0e18 /* below 2^63 */

/* A row to fill; NULL when out of memory. */
static kube_metric_row *add(meter_rows *out)
{
    if (out->count == out->room) {
        const size_t room = out->room == 0 ? 64 : out->room * 2;
        kube_metric_row *rows = zone_array(&out->zone, room, sizeof *rows);
        if (rows == NULL) {
            return NULL;
        }
        if (out->count > 0) {
            memcpy(rows, out->rows, out->count * sizeof *rows);
        }
        out->rows = rows;
        out->room = room;
    }
    return &out->rows[out->count++];
}

static const char *keep(meter_rows *out, const char *text)
{
    return zone_text(&out->zone, text, strlen(text));
}

static const char *memory(const meter_rows *out)
{
    return out->zone.failed ? "" : NULL;
}

/* "10.061s", "1m0s", "30s": a Go duration of hours, minutes and seconds; 0 when it is none. */
static spw_dur go_duration(const char *text)
{
    double total = 0;
    while (*text != '\0') {
        char *end = NULL;
        const double n = strtod(text, &end);
        const double unit = strncmp(end, "ms", 2) == 0 ? 1e-3 : *end == 'h' ? 3600 : *end == 'm' ? 60 : 1;
        if (end == text || !(n >= 0) || (*end != 's' && *end != 'm' && *end != 'h')) {
            return 0;
        }
        total += n * unit;
        text = strncmp(end, "ms", 2) == 0 ? end + 2 : end + 1;
    }
    return total < 86400 ? (spw_dur)(total * (double)SPW_NS_PER_S) : 0;
}

static spw_time time_of(const json_t *object, spw_time other)
{
    const spw_time t = kube_time_read(obj_text(object, "timestamp"));
    return t != SPW_TIME_MAX ? t : other;
}

/* --- metrics.k8s.io -------------------------------------------------------------------------------------------- */

static size_t cluster_index(const kube_fleet *fleet, const char *name)
{
    const kube_fleet_spec *spec = kube_fleet_spec_get(fleet);
    for (size_t c = 0; c < spec->cluster_count; c++) {
        if (strcmp(spec->clusters[c].name, name) == 0) {
            return c;
        }
    }
    return SIZE_MAX;
}

static int64_t thousandfold(int64_t whole)
{
    return whole > INT64_MAX / 1000 ? INT64_MAX : whole * 1000;
}

/* The sum over a pod's containers; -1 when one of them does not say it, as an autoscaler then knows nothing. */
static int64_t usage_of(const json_t *pod, const char *resource)
{
    const json_t *containers = json_object_get(pod, "containers");
    int64_t sum = json_array_size(containers) > 0 ? 0 : -1;
    for (size_t i = 0; i < json_array_size(containers) && sum >= 0; i++) {
        const int64_t one = obj_milli(json_object_get(json_array_get(containers, i), "usage"), resource, -1);
        sum = one < 0 || one > INT64_MAX - sum ? -1 : sum + one;
    }
    return sum;
}

static const char *read_resource(const kube_meter_spec *spec, const kube_fleet *fleet, const json_t *answer,
                                 spw_time unix_ns, meter_rows *out)
{
    static const char *const resources[] = {"cpu", "memory"};
    const json_t *items = json_object_get(answer, "items");
    const size_t cluster = cluster_index(fleet, spec->cluster);
    const kube_store *pods = cluster != SIZE_MAX ? kube_fleet_part(fleet, cluster, KUBE_PART_PODS) : NULL;
    if (!json_is_array(items)) {
        return "the answer has no items";
    }
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *one = json_array_get(items, i), *meta = json_object_get(one, "metadata");
        const kube_pod *pod = pods != NULL ? kube_store_find(pods, spec->space, obj_text(meta, "name")) : NULL;
        for (size_t k = 0; k < 2; k++) {
            const int64_t used = usage_of(one, resources[k]);
            kube_metric_row *row = used >= 0 ? add(out) : NULL;
            if (row != NULL) {
                const int64_t asked = pod == NULL ? 0 : k == 0 ? pod->cpu_milli : thousandfold(pod->memory_bytes);
                *row = (kube_metric_row){.cluster = spec->cluster,
                                         .space = spec->space,
                                         .name = keep(out, obj_text(meta, "name")),
                                         .of_pod = true,
                                         .metric = resources[k],
                                         .value_milli = used,
                                         .request_milli = asked,
                                         .sampled = time_of(one, unix_ns),
                                         .window = go_duration(obj_text(one, "window"))};
            }
        }
    }
    return memory(out);
}

/* --- custom and external metrics ------------------------------------------------------------------------------- */

static spw_dur window_of(const json_t *item)
{
    const int32_t v2 = obj_int(item, "windowSeconds", -1), v1 = obj_int(item, "window", -1);
    return (v2 >= 0 ? v2 : v1 >= 0 ? v1 : 0) * SPW_NS_PER_S;
}

/* A quantity of at least 0 in milli-units; -1 = none. */
static int64_t value_of(const json_t *item)
{
    return obj_milli(item, "value", -1);
}

static const char *read_pods(const kube_meter_spec *spec, const json_t *answer, spw_time unix_ns, meter_rows *out)
{
    const json_t *items = json_object_get(answer, "items");
    if (!json_is_array(items)) {
        return "the answer has no items";
    }
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *one = json_array_get(items, i);
        kube_metric_row *row = value_of(one) >= 0 ? add(out) : NULL;
        if (row != NULL) {
            *row = (kube_metric_row){.cluster = spec->cluster,
                                     .space = spec->space,
                                     .name = keep(out, obj_text(json_object_get(one, "describedObject"), "name")),
                                     .of_pod = true,
                                     .metric = spec->metric,
                                     .value_milli = value_of(one),
                                     .sampled = time_of(one, unix_ns),
                                     .window = window_of(one)};
        }
    }
    return memory(out);
}

static const char *one_value(const kube_meter_spec *spec, int64_t milli, spw_time sampled, spw_dur window,
                             meter_rows *out)
{
    kube_metric_row *row = add(out);
    if (row == NULL) {
        return "";
    }
    *row = (kube_metric_row){.space = spec->space,
                             .name = spec->name,
                             .metric = spec->metric,
                             .value_milli = milli,
                             .sampled = sampled,
                             .window = window};
    return NULL;
}

/* The sum of all items, as old as the oldest; the window of the first. */
static const char *read_sum(const kube_meter_spec *spec, const json_t *answer, spw_time unix_ns, meter_rows *out)
{
    const json_t *items = json_object_get(answer, "items");
    const size_t n = json_array_size(items);
    spw_time oldest = SPW_TIME_MAX;
    int64_t sum = 0;
    if (n == 0 || (spec->kind == KUBE_METER_OBJECT && n != 1)) {
        return n == 0 ? "the answer has no values" : "the answer has several values";
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *one = json_array_get(items, i);
        const int64_t value = value_of(one);
        const spw_time t = time_of(one, unix_ns);
        if (value < 0 || value > INT64_MAX - sum) {
            return "a value is no quantity of at least 0";
        }
        sum += value;
        oldest = t < oldest ? t : oldest;
    }
    return one_value(spec, sum, oldest, window_of(json_array_get(items, 0)), out);
}

/* --- Prometheus ------------------------------------------------------------------------------------------------ */

/* [ <unix seconds>, "<value>" ]. @return false: no value that counts */
static bool read_sample(const json_t *pair, spw_time unix_ns, spw_time *at, int64_t *milli)
{
    const char *text = json_string_value(json_array_get(pair, 1));
    const double seconds = json_number_value(json_array_get(pair, 0));
    char *end = NULL;
    const double value = text != NULL ? strtod(text, &end) : -1;
    if (text == NULL || end == text || *end != '\0' || !(value >= 0) || !(value * 1000 < MILLI_MOST)) {
        return false; /* NaN, infinite, or what no metric here can be */
    }
    *milli = (int64_t)llround(value * 1000);
    *at = unix_ns;
    if (seconds > 0 && seconds < MILLI_MOST / 1e9) { /* apart: together they have more digits than a double */
        const double whole = floor(seconds);
        *at = (spw_time)whole * SPW_NS_PER_S + (spw_time)llround((seconds - whole) * 1e9);
    }
    return true;
}

static const char *read_series(const kube_meter_spec *spec, const json_t *list, spw_time unix_ns, meter_rows *out)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i), *labels = json_object_get(one, "metric");
        const char *space = spec->space_label != NULL ? obj_text(labels, spec->space_label) : spec->space;
        const char *cluster = spec->cluster_label != NULL ? obj_text(labels, spec->cluster_label) : spec->cluster;
        spw_time at = 0;
        int64_t milli = 0;
        kube_metric_row *row =
            read_sample(json_object_get(one, "value"), unix_ns, &at, &milli) && cluster != NULL ? add(out) : NULL;
        if (row != NULL) {
            *row = (kube_metric_row){.cluster = keep(out, cluster),
                                     .space = keep(out, space),
                                     .name = keep(out, obj_text(labels, spec->pod_label)),
                                     .of_pod = true,
                                     .metric = spec->metric,
                                     .value_milli = milli,
                                     .sampled = at};
        }
    }
    return memory(out);
}

static const char *read_prometheus(const kube_meter_spec *spec, const json_t *answer, spw_time unix_ns, meter_rows *out)
{
    const json_t *data = json_object_get(answer, "data"), *result = json_object_get(data, "result");
    const char *type = obj_text(data, "resultType");
    const bool vector = strcmp(type, "vector") == 0;
    spw_time at = 0;
    int64_t milli = 0;
    if (strcmp(obj_text(answer, "status"), "success") != 0 || (!vector && strcmp(type, "scalar") != 0)) {
        return "the query gives no vector and no scalar";
    }
    if (spec->pod_label != NULL) {
        return vector ? read_series(spec, result, unix_ns, out) : "the query gives no series";
    }
    if (vector && json_array_size(result) != 1) {
        return json_array_size(result) == 0 ? "the query gives no series" : "the query gives several series";
    }
    const json_t *pair = vector ? json_object_get(json_array_get(result, 0), "value") : result;
    return read_sample(pair, unix_ns, &at, &milli) ? one_value(spec, milli, at, 0, out)
                                                   : "the value is no number of at least 0";
}

/* The meter's own texts, kept with the rows: these may outlive it. */
static kube_meter_spec kept_spec(const kube_meter_spec *spec, meter_rows *out)
{
    kube_meter_spec s = *spec;
    s.cluster = s.cluster != NULL ? keep(out, s.cluster) : NULL;
    s.space = s.space != NULL ? keep(out, s.space) : NULL;
    s.name = s.name != NULL ? keep(out, s.name) : NULL;
    s.metric = s.metric != NULL ? keep(out, s.metric) : NULL;
    return s;
}

const char *meter_read(const kube_meter_spec *given, const kube_fleet *fleet, const json_t *answer, spw_time unix_ns,
                       meter_rows *out)
{
    const kube_meter_spec own = kept_spec(given, out), *spec = &own;
    if (out->zone.failed) {
        return "";
    }
    switch (spec->kind) {
    case KUBE_METER_RESOURCE:
        return read_resource(spec, fleet, answer, unix_ns, out);
    case KUBE_METER_PODS:
        return read_pods(spec, answer, unix_ns, out);
    case KUBE_METER_OBJECT:
    case KUBE_METER_EXTERNAL:
        return read_sum(spec, answer, unix_ns, out);
    case KUBE_METER_PROMETHEUS:
        return read_prometheus(spec, answer, unix_ns, out);
    }
    return "no such kind of meter";
}

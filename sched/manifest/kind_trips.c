/* SPDX-License-Identifier: Apache-2.0 */
/**
 * kind_trips.c - scheduling.spillway.dev/v1alpha1 RoundTrips: how far regions are apart, for latency budgets.
 *
 * Kubernetes has no such object. A scenario knows it by itself; `spillway decide`, and a recorded log, need it in the
 * manifests.
 */
#include "sched/manifest/manifest_int.h"

#include <inttypes.h>
#include <string.h>

static const bind_field trip_fields[] = {
    {.key = "from", .kind = BIND_STRING, .required = true, BIND_AT(km_trip, from)},
    {.key = "to", .kind = BIND_STRING, .required = true, BIND_AT(km_trip, to)},
    {.key = "rtt",
     .kind = BIND_DURATION,
     .required = true,
     .range = BIND_MIN,
     .min = 0,
     BIND_AT(km_trip, rtt_ns),
     .help = "round trip; both ways unless the other way has a row, too"},
    {.key = NULL},
};

static const bind_table trip_table = {
    .name = "round trip", .size = sizeof(km_trip), .fields = trip_fields, .self_at = offsetof(km_trip, node) + 1};

static const bind_field spec_fields[] = {
    {.key = "regions",
     .kind = BIND_LIST,
     .table = &trip_table,
     .required = true,
     BIND_AT(km_trips, trips),
     BIND_COUNT(km_trips, trip_count),
     .help = "pairs of regions"},
    {.key = NULL},
};

static const bind_table spec_table = {.name = "RoundTrips spec", .size = sizeof(km_trips), .fields = spec_fields};

static const bind_field root_fields[] = {
    KM_ROOT(km_trips, km_cluster_meta_table),
    {.key = "spec", .kind = BIND_TABLE, .table = &spec_table, .required = true, .help = "the pairs"},
    {.key = NULL},
};

static const bind_table root_table = {.name = "RoundTrips", .size = sizeof(km_trips), .fields = root_fields};

bool km_read_trips(spw_manifest_set *set, bind *b, const ynode *root)
{
    km_trips *out = zone_take(b->zone, sizeof(*out));

    return out != NULL && bind_object(b, &root_table, root, out) && km_append(set, &set->trips, &out->head, root);
}

bool km_join_trips(spw_manifest_set *set, spw_diag *diag, spw_config *config)
{
    size_t count = 0;
    bool ok = true;

    for (const km_head *head = set->trips.first; head != NULL; head = head->next) {
        count += ((const km_trips *)(const void *)head)->trip_count;
    }
    spw_rtt *rtts = zone_array(&set->z, count + 1, sizeof(*rtts));
    if (rtts == NULL) {
        return false;
    }
    size_t n = 0;
    for (const km_head *head = set->trips.first; head != NULL; head = head->next) {
        const km_trips *t = (const km_trips *)(const void *)head;

        for (size_t i = 0; i < t->trip_count; i++) {
            for (size_t k = 0; k < n; k++) {
                if (strcmp(rtts[k].from, t->trips[i].from) == 0 && strcmp(rtts[k].to, t->trips[i].to) == 0) {
                    ynode_error(diag, t->trips[i].node, "the round trip from '%s' to '%s' is there twice", rtts[k].from,
                                rtts[k].to);
                    ok = false;
                }
            }
            rtts[n++] = (spw_rtt){.from = t->trips[i].from, .to = t->trips[i].to, .rtt = t->trips[i].rtt_ns};
        }
    }
    config->rtts = rtts;
    config->rtt_count = n;
    return ok;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* names.c - verbs and reasons as words and sentences. One table, so that no value can lack either. */
#include <spillway/plan.h>

const char *spw_verb_name(spw_verb verb)
{
    switch (verb) {
    case SPW_VERB_SCALE:
        return "scale";
    case SPW_VERB_PLACE:
        return "place";
    case SPW_VERB_PROVISION:
        return "provision";
    case SPW_VERB_RELEASE:
        return "release";
    case SPW_VERB_ROUTE:
        return "route";
    }
    return "unknown";
}

typedef struct why {
    spw_reason reason;
    const char *name, *text;
} why;

static const why WHYS[] = {
    {SPW_WHY_NONE, "none", "no reason recorded"},
    {SPW_WHY_METRIC_ABOVE, "metric-above", "a metric is above its target"},
    {SPW_WHY_METRIC_BELOW, "metric-below", "all metrics are below their targets and the windows have passed"},
    {SPW_WHY_BELOW_MIN, "below-min", "fewer replicas than minReplicas"},
    {SPW_WHY_ABOVE_MAX, "above-max", "more replicas than maxReplicas"},
    {SPW_WHY_SPEC, "spec", "the replica count of the template itself"},
    {SPW_WHY_SCHEDULE, "schedule", "a rule of the timetable came due"},
    {SPW_WHY_ACTIVATED, "activated", "a trigger is active: the workload wakes up"},
    {SPW_WHY_IDLE, "idle", "no trigger is active and the cool-down has passed"},
    {SPW_WHY_FALLBACK, "fallback", "triggers cannot be read: the fallback count"},
    {SPW_WHY_QUEUE_ABOVE, "queue-above", "more replicas are needed for the target of the wait at this rate"},
    {SPW_WHY_QUEUE_BELOW, "queue-below", "fewer replicas have met the target of the wait for the whole hold"},
    {SPW_WHY_FORECAST, "forecast", "the rate forecast for when a replica ordered now is ready"},
    {SPW_WHY_NOT_LEARNED, "not-learned", "by the rate of now, as the season has not been seen once yet"},
    {SPW_WHY_FOUGHT, "fought", "somebody else changes the replica count too: left alone for a while"},
    {SPW_WHY_FILL_IDLE, "fill-idle", "idle capacity of the best group"},
    {SPW_WHY_FILL_ELASTIC, "fill-elastic", "capacity of the best group for which nodes must be created first"},
    {SPW_WHY_OVERFLOW_IDLE, "overflow-idle", "better groups are full: idle capacity of this one"},
    {SPW_WHY_OVERFLOW_ELASTIC, "overflow-elastic", "better groups are full: nodes must be created in this one"},
    {SPW_WHY_SCALE_IN, "scale-in", "fewer replicas are wanted: the last group gives first"},
    {SPW_WHY_MOVE_IN, "move-in", "a copy is added in a better group before the old one goes"},
    {SPW_WHY_MOVE_OUT, "move-out", "the copies elsewhere are ready, so this one goes"},
    {SPW_WHY_MOVE_GIVEN_UP, "move-given-up", "the moved copy was not ready in time: the old one stays"},
    {SPW_WHY_CLUSTER_GONE, "cluster-gone", "the cluster is no candidate for this workload any more"},
    {SPW_WHY_NO_NODE, "no-node", "its node is gone and no other is to be had there"},
    {SPW_WHY_WEIGHTS, "weights", "share of this cluster by weights"},
    {SPW_WHY_NODES_FOR_PENDING, "nodes-for-pending", "replicas assigned to the cluster have no node"},
    {SPW_WHY_NODES_UNNEEDED, "nodes-unneeded", "nodes have been empty longer than the unneeded time"},
    {SPW_WHY_NODES_LATE, "nodes-late", "ordered nodes did not come by the deadline"},
    {SPW_WHY_ROUTE_READY, "route-ready", "traffic follows the ready replicas"},
};

static const why *find(spw_reason reason)
{
    for (size_t i = 0; i < sizeof WHYS / sizeof WHYS[0]; i++) {
        if (WHYS[i].reason == reason) {
            return &WHYS[i];
        }
    }
    return &WHYS[0];
}

const char *spw_reason_name(spw_reason reason)
{
    return find(reason)->name;
}

const char *spw_reason_text(spw_reason reason)
{
    return find(reason)->text;
}

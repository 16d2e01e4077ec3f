/* SPDX-License-Identifier: Apache-2.0 */
/* names.c - verbs and reasons as words and sentences. One table, so that no value can lack either. */
#include <spillway/plan.h>

const char *spw_workload_kind_name(spw_workload_kind kind)
{
    return kind == SPW_WORKLOAD_STATEFULSET ? "StatefulSet" : "Deployment";
}

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
    case SPW_VERB_PREFETCH:
        return "prefetch";
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
    {SPW_WHY_PAUSED, "paused", "scaling is paused at this count"},
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
    {SPW_WHY_SPREAD, "spread", "a spread constraint of the policy chose other clusters"},
    {SPW_WHY_RESCHEDULED, "rescheduled", "placed anew, as was asked for"},
    {SPW_WHY_PULLED_BACK, "pulled-back", "taken away in the write that adds the copies elsewhere, as Karmada does"},
    {SPW_WHY_WEIGHTS, "weights", "share of this cluster by weights"},
    {SPW_WHY_NODES_FOR_PENDING, "nodes-for-pending", "replicas assigned to the cluster have no node"},
    {SPW_WHY_NODES_UNNEEDED, "nodes-unneeded", "nodes have been empty longer than the unneeded time"},
    {SPW_WHY_NODES_LATE, "nodes-late", "ordered nodes did not come by the deadline"},
    {SPW_WHY_ROUTE_READY, "route-ready", "traffic follows the ready replicas"},
    {SPW_WHY_EVICTED, "evicted", "the cluster is lost and the replacements are ready"},
    {SPW_WHY_EVICT_GRACE, "evict-grace", "the cluster is lost and the grace of its copies has passed"},
    {SPW_WHY_DESCHEDULED, "descheduled", "no node came for it though there seemed to be room"},
    {SPW_WHY_BUDGET, "budget", "a disruption budget keeps copies here that should go, until others are ready"},
    {SPW_WHY_ROUTE_NEAR, "route-near", "the nearest clusters take what they have capacity for"},
    {SPW_WHY_ROUTE_SPILL, "route-spill", "the rate is over the capacity of the nearer clusters"},
    {SPW_WHY_ROUTE_WEIGHTS, "route-weights", "share of this cluster by fixed weights"},
    {SPW_WHY_ROUTE_LEVELS, "route-levels", "the nearest clusters take traffic as far as they are healthy"},
    {SPW_WHY_ROUTE_PANIC, "route-panic", "too little is healthy, so readiness is not looked at"},
    {SPW_WHY_PREFETCH, "prefetch", "the groups in use are nearly full, so the next one fetches the image"},
    {SPW_WHY_ROUTE_STALE, "route-stale", "what is known of its readiness is old and counts for less"},
    {SPW_WHY_FILL_PREEMPT, "fill-preempt", "less important replicas of the best group make room"},
    {SPW_WHY_OVERFLOW_PREEMPT, "overflow-preempt", "better groups are full: less important replicas here make room"},
    {SPW_WHY_PREEMPTED, "preempted", "a more important workload takes its place"},
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

typedef struct verdict_words {
    spw_verdict verdict;
    const char *name, *text;
} verdict_words;

static const verdict_words VERDICTS[] = {
    {SPW_VERDICT_NONE, "none", "not judged"},
    {SPW_VERDICT_CHOSEN, "chosen", "holds what it is meant to hold"},
    {SPW_VERDICT_FULL, "full", "took all it has room for; the rest went elsewhere or waits"},
    {SPW_VERDICT_BETTER_SUFFICE, "better-groups-suffice", "better groups hold everything"},
    {SPW_VERDICT_NO_SHARE, "no-share", "has room, but the division gave its share to others"},
    {SPW_VERDICT_NO_ROOM, "no-room", "has no room for a single replica"},
    {SPW_VERDICT_NO_WEIGHT, "no-weight", "no rule of the static weights matches it"},
    {SPW_VERDICT_REFUSED, "refused", "all or nothing: not everything fits, so nothing new is placed"},
    {SPW_VERDICT_GROUP_PASSED, "group-passed", "its failover group cannot hold everything, or was left earlier"},
    {SPW_VERDICT_UNTOUCHED, "untouched", "nothing triggered scheduling, so the old result stands"},
    {SPW_VERDICT_SUSPENDED, "suspended", "the policy is suspended, so everything stays as it is"},
    {SPW_VERDICT_NOT_SELECTED, "not-selected", "no group of the policy selects it"},
    {SPW_VERDICT_EXCLUDED, "excluded", "the policy excludes it by name"},
    {SPW_VERDICT_TAINTED, "tainted", "has a taint that the policy does not tolerate"},
    {SPW_VERDICT_NOT_READY, "not-ready", "does not answer or is not healthy"},
    {SPW_VERDICT_STALE, "stale", "its state is too old to place anything there"},
    {SPW_VERDICT_JURISDICTION, "jurisdiction", "the workload's data may not be in its jurisdiction"},
    {SPW_VERDICT_LATENCY, "latency", "farther from the users than the latency budget allows"},
    {SPW_VERDICT_GRAVITY, "gravity", "not in the region of the data set, which cannot be moved"},
    {SPW_VERDICT_SPREAD, "spread", "left out by a spread constraint, or the constraint cannot be met"},
    {SPW_VERDICT_BARRED, "barred", "a move to it failed a short while ago"},
};

static const verdict_words *find_verdict(spw_verdict verdict)
{
    for (size_t i = 0; i < sizeof VERDICTS / sizeof VERDICTS[0]; i++) {
        if (VERDICTS[i].verdict == verdict) {
            return &VERDICTS[i];
        }
    }
    return &VERDICTS[0];
}

const char *spw_verdict_name(spw_verdict verdict)
{
    return find_verdict(verdict)->name;
}

const char *spw_verdict_text(spw_verdict verdict)
{
    return find_verdict(verdict)->text;
}

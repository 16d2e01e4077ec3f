/* SPDX-License-Identifier: Apache-2.0 */
/** guard.c - a tick's actions, weighed together. What grows is weighed first: shrinks depend on what of it passes. */
#include "sched/kube/guard.h"
#include "sched/manifest/zone.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHARE_BASE  10 /* replicas that a relative limit is taken of at least */
#define STALE_SHARE 0.5
#define NO_LIMIT    INT64_MAX

typedef struct weighed {
    spw_action action; /* amount: as it will pass */
    uint64_t ticket;
    int64_t asked;
    guard_kind kind; /* NONE: passes as it is */
    bool held;
} weighed;

/** What is known of one workload, over all clusters. */
typedef struct load {
    int64_t planned;  /* replicas once all that passes so far is carried out */
    int64_t ready;    /* on clusters that are ready */
    int64_t spare;    /* ready replicas that shrinks may still take; -1 = not worked out yet */
    guard_kind floor; /* which guard keeps the rest */
    int64_t wanted;
    bool spec_zero; /* its owner wants none */
    size_t first;   /* of its placements, SIZE_MAX = none */
} load;

typedef struct scales {
    const spw_snapshot *snap;
    load *loads;                /* [workloads] */
    size_t *next;               /* [placements] the next of the same workload */
    int64_t *left, *left_nodes; /* [clusters] of the change limits */
} scales;

struct guard {
    guard_spec spec;
    spw_actuator inner;
    bool stopped;
    spw_tick_info info;
    weighed *items; /* [count] in the order of the plan */
    size_t count, room;
    zone zone; /* of one commit */
    uint64_t counts[GUARD_KINDS];
};

guard_spec guard_spec_default(void)
{
    return (guard_spec){.stale_clusters_after = 120 * SPW_NS_PER_S,
                        .stale_metrics_after = 300 * SPW_NS_PER_S,
                        .stale_clusters_most = STALE_SHARE,
                        .stale_metrics_most = STALE_SHARE};
}

guard *guard_new(const guard_spec *spec, const spw_actuator *inner)
{
    guard *g = calloc(1, sizeof *g);
    if (g != NULL) {
        g->spec = *spec;
        g->inner = *inner;
        zone_init(&g->zone, NULL);
    }
    return g;
}

void guard_free(guard *g)
{
    if (g != NULL) {
        zone_fini(&g->zone);
        free(g->items);
        free(g);
    }
}

void guard_stop(guard *g, bool stop)
{
    g->stopped = stop;
}

/* A file that cannot be looked for may well be there. */
bool guard_is_stopped(const guard *g)
{
    return g->stopped || (g->spec.stop_file != NULL &&
                          (access(g->spec.stop_file, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR)));
}

uint64_t guard_count(const guard *g, guard_kind kind)
{
    return g->counts[kind];
}

const char *guard_name(guard_kind kind)
{
    static const char *const names[GUARD_KINDS] = {
        "",          "kill-switch", "observe-only",  "stale-inputs",  "paused",      "canary",
        "waits-for", "zero",        "min-available", "not-ready-yet", "change-limit"};
    return (unsigned)kind < GUARD_KINDS ? names[kind] : "?";
}

/* --- one verdict ----------------------------------------------------------------------------------------------- */

static void hold(weighed *item, guard_kind kind)
{
    item->action.amount = item->action.before;
    item->kind = kind;
    item->held = true;
}

/* A smaller step; none at all is held. */
static void cut(weighed *item, int64_t amount, guard_kind kind)
{
    if (amount == item->action.before) {
        hold(item, kind);
    } else if (amount != item->action.amount) {
        item->action.amount = amount;
        item->kind = kind;
    }
}

static bool is_place(const weighed *item)
{
    return item->action.verb == SPW_VERB_PLACE;
}

static bool is_pool(const weighed *item)
{
    return item->action.verb == SPW_VERB_PROVISION || item->action.verb == SPW_VERB_RELEASE;
}

static bool shrinks(const weighed *item)
{
    return is_place(item) && item->action.amount < item->action.before;
}

/* --- the whole tick -------------------------------------------------------------------------------------------- */

static bool too_many(size_t stale, size_t all, double most)
{
    return all > 0 && (double)stale > most * (double)all;
}

static bool is_stale(const guard *g)
{
    const spw_snapshot *s = g->info.snap;
    size_t stale = 0;
    if (g->spec.stale_clusters_after > 0) {
        for (size_t c = 0; c < s->clusters.count; c++) {
            stale += s->now - s->clusters.observed[c] > g->spec.stale_clusters_after ? 1 : 0;
        }
        if (too_many(stale, s->clusters.count, g->spec.stale_clusters_most)) {
            return true;
        }
    }
    stale = 0;
    if (g->spec.stale_metrics_after > 0) {
        for (size_t i = 0; i < s->samples.count; i++) {
            stale += s->now - s->samples.sampled[i] > g->spec.stale_metrics_after ? 1 : 0;
        }
        for (size_t i = 0; i < s->values.count; i++) {
            stale += s->now - s->values.observed[i] > g->spec.stale_metrics_after ? 1 : 0;
        }
    }
    return too_many(stale, s->samples.count + s->values.count, g->spec.stale_metrics_most);
}

/* What stops everything, NONE if nothing does. */
static guard_kind stops_all(const guard *g)
{
    return guard_is_stopped(g)    ? GUARD_STOPPED
           : g->spec.observe_only ? GUARD_OBSERVE
           : is_stale(g)          ? GUARD_STALE
                                  : GUARD_NONE;
}

/* --- sums ------------------------------------------------------------------------------------------------------ */

static int64_t limit_of(const guard *g, int64_t assigned)
{
    const int64_t base = assigned > SHARE_BASE ? assigned : SHARE_BASE;
    const int64_t most = g->spec.change_most > 0 ? g->spec.change_most : NO_LIMIT;
    const int64_t part = g->spec.change_share > 0 ? (int64_t)(g->spec.change_share * (double)base) : NO_LIMIT;
    const int64_t less = part < most ? part : most;
    return less > 0 ? less : 1; /* a limit that lets nothing through would never end */
}

static bool sum_up(guard *g, scales *s)
{
    const spw_snapshot *snap = s->snap;
    const spw_placement_rows *p = &snap->placements;
    s->loads = zone_array(&g->zone, snap->workloads.count + 1, sizeof *s->loads);
    s->next = zone_array(&g->zone, p->count + 1, sizeof *s->next);
    s->left = zone_array(&g->zone, snap->clusters.count + 1, sizeof *s->left);
    s->left_nodes = zone_array(&g->zone, snap->clusters.count + 1, sizeof *s->left_nodes);
    if (g->zone.failed) {
        return false;
    }
    for (size_t w = 0; w < snap->workloads.count; w++) {
        s->loads[w] = (load){.spare = -1, .first = SIZE_MAX, .wanted = -1};
    }
    for (size_t i = 0; i < p->count; i++) {
        load *l = &s->loads[p->workload[i]];
        l->planned += p->assigned[i];
        l->ready += snap->clusters.ready[p->cluster[i]] != 0 ? p->ready[i] : 0;
        s->next[i] = l->first;
        l->first = i;
        s->left[p->cluster[i]] += p->assigned[i];
    }
    for (size_t c = 0; c < snap->clusters.count; c++) {
        s->left[c] = limit_of(g, s->left[c]);
        s->left_nodes[c] = g->spec.nodes_most > 0 ? g->spec.nodes_most : NO_LIMIT;
    }
    for (size_t i = 0; g->info.plan != NULL && i < spw_plan_outcome_count(g->info.plan); i++) {
        const spw_outcome *o = spw_plan_outcome_at(g->info.plan, i);
        s->loads[o->workload].wanted = o->desired;
        s->loads[o->workload].spec_zero = o->desired == 0 && o->scale_reason == SPW_WHY_SPEC;
    }
    return true;
}

/* Ready replicas of a workload on one cluster; 0 where the cluster is not ready: nobody is served from there. */
static int64_t ready_on(const scales *s, const spw_action *a)
{
    const spw_placement_rows *p = &s->snap->placements;
    for (size_t i = s->loads[a->workload].first; i != SIZE_MAX; i = s->next[i]) {
        if (p->cluster[i] == a->cluster) {
            return s->snap->clusters.ready[a->cluster] != 0 ? p->ready[i] : 0;
        }
    }
    return 0;
}

/* --- one action ------------------------------------------------------------------------------------------------ */

static bool may_be_zero(const guard *g, const load *l, const char *name)
{
    return g->spec.zero_allowed || l->spec_zero ||
           (g->spec.may_be_zero != NULL && g->spec.may_be_zero(g->spec.world, name));
}

static bool is_after_held(const guard *g, const weighed *item)
{
    return item->action.after < g->count && g->items[item->action.after].held;
}

/* What concerns every action of a workload alike. */
static guard_kind keeps_off(const guard *g, const weighed *item)
{
    if (item->action.workload != SPW_ID_NONE) {
        const char *name = g->info.snap->workloads.name[item->action.workload];
        if (g->spec.paused != NULL && g->spec.paused(g->spec.world, name)) {
            return GUARD_PAUSED;
        }
        if (g->spec.ours != NULL && !g->spec.ours(g->spec.world, name)) {
            return GUARD_CANARY;
        }
    }
    return is_after_held(g, item) ? GUARD_AFTER : GUARD_NONE;
}

static void limit_change(weighed *item, int64_t *left)
{
    const int64_t before = item->action.before, step = item->action.amount - before;
    const int64_t size = step < 0 ? -step : step, allowed = size < *left ? size : *left;
    cut(item, step < 0 ? before - allowed : before + allowed, GUARD_CHANGE);
    *left -= *left == NO_LIMIT ? 0 : allowed;
}

/* Ready replicas that may go: down to the larger of what is planned, or ready now, and the minimum. */
static void work_out_spare(const guard *g, load *l)
{
    const int64_t wanted = l->wanted >= 0 ? l->wanted : l->planned;
    const double share = g->spec.available_share * (double)wanted;
    int64_t least = (int64_t)share + ((double)(int64_t)share < share ? 1 : 0);
    int64_t kept = g->spec.break_before_make ? 0 : l->planned < l->ready ? l->planned : l->ready;

    least = g->spec.available_least > least ? g->spec.available_least : least;
    least = wanted == 0 ? 0 : least; /* whether it may go to zero is another guard's matter */
    l->floor = least > kept ? GUARD_AVAILABLE : GUARD_READY;
    kept = least > kept ? least : kept;
    l->spare = l->ready > kept ? l->ready - kept : 0;
}

static void weigh_shrink(const guard *g, scales *s, weighed *item)
{
    load *l = &s->loads[item->action.workload];
    const int64_t ready = ready_on(s, &item->action), loses = ready - item->action.amount;
    const int64_t size = item->action.before - item->action.amount;

    if (l->planned <= 0 && size > 0 && !may_be_zero(g, l, s->snap->workloads.name[item->action.workload])) {
        l->planned++; /* one stays */
        cut(item, item->action.amount + 1, GUARD_ZERO);
    }
    if (!item->held && loses > 0) {
        if (l->spare < 0) {
            work_out_spare(g, l);
        }
        if (loses > l->spare) {
            const int64_t amount = ready - l->spare;
            cut(item, amount < item->action.before ? amount : item->action.before, l->floor);
        }
        l->spare -= ready - item->action.amount > 0 ? ready - item->action.amount : 0;
        l->spare = l->spare > 0 ? l->spare : 0;
    }
    if (!item->held) {
        limit_change(item, &s->left[item->action.cluster]);
    }
}

static void weigh(const guard *g, scales *s, weighed *item)
{
    const guard_kind off = keeps_off(g, item);
    if (off != GUARD_NONE) {
        hold(item, off);
    } else if (is_place(item)) {
        limit_change(item, &s->left[item->action.cluster]);
    } else if (is_pool(item)) {
        limit_change(item, &s->left_nodes[s->snap->pools.cluster[item->action.pool]]);
    } else if (item->action.verb == SPW_VERB_SCALE && item->action.amount == 0 &&
               !may_be_zero(g, &s->loads[item->action.workload], s->snap->workloads.name[item->action.workload])) {
        cut(item, 1, GUARD_ZERO);
    }
}

static bool weigh_all(guard *g)
{
    scales s = {.snap = g->info.snap};
    const guard_kind all = stops_all(g);
    if (!sum_up(g, &s)) {
        return false;
    }
    for (size_t i = 0; i < g->count; i++) { /* what grows, and what is not a count of replicas */
        weighed *item = &g->items[i];
        if (all != GUARD_NONE) {
            hold(item, all);
        } else if (!shrinks(item)) {
            weigh(g, &s, item);
        }
        if (is_place(item) && !shrinks(item)) {
            s.loads[item->action.workload].planned += item->action.amount - item->action.before;
        }
    }
    for (size_t i = 0; i < g->count && all == GUARD_NONE; i++) {
        weighed *item = &g->items[i];
        const guard_kind off = shrinks(item) ? keeps_off(g, item) : GUARD_NONE;
        if (off != GUARD_NONE) {
            hold(item, off);
        }
        if (shrinks(item)) { /* all that shrink together are what is planned */
            s.loads[item->action.workload].planned += item->action.amount - item->action.before;
        }
    }
    for (size_t i = 0; i < g->count && all == GUARD_NONE; i++) {
        if (shrinks(&g->items[i])) {
            weigh_shrink(g, &s, &g->items[i]);
        }
    }
    return true;
}

/* --- the seam -------------------------------------------------------------------------------------------------- */

static spw_rc begin(void *self, const spw_tick_info *info, spw_err *err)
{
    guard *g = self;
    g->info = *info;
    g->count = 0;
    return g->inner.begin(g->inner.self, info, err);
}

static spw_rc submit(void *self, const spw_action *action, uint64_t ticket, spw_err *err)
{
    guard *g = self;
    if (g->count == g->room) {
        const size_t room = g->room == 0 ? 64 : g->room * 2;
        weighed *items = realloc(g->items, room * sizeof *items);
        if (items == NULL) {
            if (err != NULL) {
                *err = (spw_err){.code = SPW_NOMEM, .row = action->workload, .field = "guard", .text = "out of memory"};
            }
            return SPW_NOMEM;
        }
        g->items = items;
        g->room = room;
    }
    g->items[g->count++] = (weighed){.action = *action, .ticket = ticket, .asked = action->amount};
    return SPW_OK;
}

static void tell(guard *g, const weighed *item)
{
    char why[120];
    g->counts[item->kind]++;
    if (g->spec.told == NULL) {
        return;
    }
    spw_action asked = item->action;
    asked.amount = item->asked;
    if (item->held) {
        (void)snprintf(why, sizeof why, "held");
    } else {
        (void)snprintf(why, sizeof why, "only to %" PRId64 " for now", item->action.amount);
    }
    const kube_told told = {.action = &asked,
                            .snap = g->info.snap,
                            .ticket = item->ticket,
                            .fate = KUBE_FATE_NONE,
                            .why = why,
                            .guard = guard_name(item->kind)};
    g->spec.told(g->spec.user, &told);
}

static spw_rc commit(void *self, spw_err *err)
{
    guard *g = self;
    const weighed *route = NULL;
    spw_rc rc = SPW_OK;

    zone_fini(&g->zone);
    if (!weigh_all(g)) {
        return SPW_NOMEM;
    }
    for (size_t i = 0; i < g->count; i++) {
        const weighed *item = &g->items[i];
        if (item->kind != GUARD_NONE) {
            tell(g, item);
            route = item->held && item->action.verb == SPW_VERB_ROUTE ? item : route;
        }
        if (!item->held && rc == SPW_OK) {
            rc = g->inner.submit(g->inner.self, &item->action, item->ticket, err);
        }
    }
    rc = rc == SPW_OK ? g->inner.commit(g->inner.self, err) : rc;
    if (rc == SPW_OK && route != NULL) {
        rc = SPW_BACKEND;
        if (err != NULL) {
            *err = (spw_err){.code = rc, .row = route->action.workload, .field = "guard"};
            (void)snprintf(err->text, sizeof err->text, "a share of traffic was held: %s", guard_name(route->kind));
        }
    }
    return rc;
}

spw_actuator guard_seam(guard *g)
{
    return (spw_actuator){
        .version = SPW_API_VERSION, .name = "guard", .self = g, .begin = begin, .submit = submit, .commit = commit};
}

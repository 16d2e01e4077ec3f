/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bursts.c - stays beyond the capacity of the best group of clusters, service by service. Exact rules:
 *
 * over(t)     replicas that the plan of the last tick puts on groups after the first, or could put nowhere.
 * begins      at the first tick with over > 0 while no burst is open.
 * onset       start of the spell "wanted > ready" that is under way when the burst begins (looked at after each tick
 *             and at each replica that becomes ready); the beginning itself if there is no such spell.
 * saturated   the tick at which the burst begins: the plan had to go beyond the best group.
 * overflow    first tick at which a cluster of a later group is assigned a replica.
 * absorbed    first instant after the beginning at which ready >= wanted and nothing is unplaced (ticks, and replicas
 *             that become ready). The first catch-up only: the burst may fall short again before it ends.
 * released    first tick at which over = 0, no cluster of a later group holds a replica (draining ones count), and the
 *             elastic pools (on demand, spot) of those clusters have no more nodes, ordered ones included, than just
 *             before the beginning. If the run ends first it is NaN.
 * hurt        requests between onset and the end of the burst (release, or end of the run) that crossed the ttft
 *             limit, were rejected or timed out; each once, at the moment it happens. What happened between onset and
 *             beginning is kept aside and added.
 * extra cost  this service's part of what those elastic pools cost, from the overflow's start to the release or the end
 *             of the run. Before and after each plan is carried out, what a pool has cost since the last look is
 *             divided: every service has the part of the GPUs it holds there; the rest (nodes that boot, idle GPUs,
 *             minimum billing) is split evenly between the services whose overflow is under way and that can run
 *             there. Parts of services without such an overflow belong to no burst, so the sum over bursts never
 *             exceeds what the pools cost. Egress is no part of it.
 *             Neither requests hurt nor money count before warm-up is over.
 * order       clusters of later groups in the order in which their last replica left; one that fills again and
 *             empties again counts at its last emptying.
 * stages      means over the service's replicas that became ready while the burst was open.
 *
 * Flaps: a replica leaves cluster c (c lowered by a move, or lowered in a tick that raises another cluster of the
 * service) and within 15 minutes c is raised again by a move or in a tick that lowers another cluster.
 */
#include "sim/fleet/world.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FLAP_NS   (INT64_C(15) * 60 * SPW_NS_PER_S)
#define ORDER_MAX 16

struct fl_burst {
    bool open;
    bool absorbed;
    int32_t row;            /* in run->bursts while open */
    int64_t short_since_ns; /* wanted > ready since then, FL_NEVER = not */
    uint64_t hurt_early;    /* hurt in this spell, no burst open yet */
    int64_t nodes_before, nodes_at_open;
    int64_t extra_uusd;
    double stage_sum_s[MDL_STAGES];
    int32_t unplaced;
};

bool fl_burst_init(fl_world *w)
{
    if (!fl_starts_init(w)) {
        return false;
    }
    for (int32_t i = 0; i < w->sc->service_count; i++) {
        w->services[i].burst = calloc(1, sizeof *w->services[i].burst);
        if (w->services[i].burst == NULL) {
            return false;
        }
        w->services[i].burst->short_since_ns = FL_NEVER;
    }
    return true;
}

void fl_burst_fini(fl_world *w)
{
    fl_starts_fini(w);
    for (int32_t i = 0; w->services != NULL && i < w->sc->service_count; i++) {
        free(w->services[i].burst);
    }
}

static double seconds(int64_t ns)
{
    return (double)ns / 1e9;
}

static res_burst *row_of(fl_world *w, const fl_burst *b)
{
    return &w->run->bursts[b->row];
}

static bool is_later_elastic(const fl_service *s, const fl_pool *p)
{
    return !p->paid_always && s->group_of[p->cluster] > 0;
}

static int64_t elastic_nodes(const fl_world *w, const fl_service *s)
{
    int64_t sum = 0;

    for (int32_t i = 0; i < w->sc->pool_count; i++) {
        const fl_pool *p = &w->pools[i];

        sum += is_later_elastic(s, p) ? p->up + p->notice + p->coming : 0;
    }
    return sum;
}

/* Does the service's burst pay for what nobody holds in this pool? */
static bool pays(const fl_world *w, const fl_service *s, uint32_t pool)
{
    return s->burst->open && !isnan(w->run->bursts[s->burst->row].overflow_started_s) && s->pool_ok[pool] != 0 &&
           is_later_elastic(s, &w->pools[pool]);
}

/* GPUs that the service's replicas take in a pool, draining ones too. */
static int64_t held_gpus(const fl_world *w, const fl_service *s, uint32_t pool)
{
    const fl_place *place = &s->places[w->pools[pool].cluster];
    int64_t sum = 0;

    for (uint32_t i = 0; i < place->count; i++) {
        sum += w->replicas[place->ids[i]].pool == pool ? s->gpus : 0;
    }
    return sum;
}

/* Divides what a pool has cost; every micro-USD goes to one place. */
static void share_pool(fl_world *w, uint32_t pool, int64_t spent)
{
    const fl_pool *p = &w->pools[pool];
    int64_t gpus = p->alive * p->sc->gpus_per_node;
    int64_t left = spent;
    int64_t payers = 0;

    for (int32_t i = 0; i < w->sc->service_count; i++) {
        payers += pays(w, &w->services[i], pool) ? 1 : 0;
    }
    if (payers == 0) {
        return;
    }
    for (int32_t i = 0; gpus > 0 && i < w->sc->service_count; i++) {
        fl_service *s = &w->services[i];
        int64_t part = (int64_t)((fl_wide)spent * held_gpus(w, s, pool) / gpus);

        left -= part;
        s->burst->extra_uusd += pays(w, s, pool) ? part : 0;
    }
    FL_CHECK(w, left >= 0);
    for (int32_t i = 0; payers > 0; i++) {
        fl_service *s = &w->services[i];

        if (pays(w, s, pool)) {
            s->burst->extra_uusd += left / payers;
            left -= left / payers;
            payers--;
        }
    }
}

static void share_costs(fl_world *w)
{
    for (uint32_t i = 0; i < (uint32_t)w->sc->pool_count; i++) {
        fl_pool *p = &w->pools[i];
        int64_t cost = p->paid_always ? 0 : fl_pool_cost(w, i);

        if (cost > p->shared_uusd) {
            share_pool(w, i, cost - p->shared_uusd);
            p->shared_uusd = cost;
        }
    }
}

static int32_t later_assigned(const fl_world *w, const fl_service *s)
{
    int32_t sum = 0;

    for (int32_t c = 0; c < w->sc->cluster_count; c++) {
        sum += s->group_of[c] > 0 ? s->places[c].assigned : 0;
    }
    return sum;
}

static uint32_t later_held(const fl_world *w, const fl_service *s)
{
    uint32_t sum = 0;

    for (int32_t c = 0; c < w->sc->cluster_count; c++) {
        sum += s->group_of[c] > 0 ? s->places[c].count : 0;
    }
    return sum;
}

static void burst_open(fl_world *w, uint32_t service)
{
    fl_service *s = &w->services[service];
    fl_burst *b = s->burst;
    uint32_t cap = (uint32_t)w->burst_cap;
    void *rows = w->run->bursts;
    res_burst *row;

    fl_replicas_hear(w); /* may write into rows that are open */
    if (!fl_grow(w, &rows, &cap, (uint32_t)w->run->burst_count + 1, sizeof *w->run->bursts)) {
        return;
    }
    w->run->bursts = rows;
    w->burst_cap = cap;
    b->row = w->run->burst_count++;
    b->open = true;
    b->absorbed = false;
    b->nodes_at_open = b->nodes_before;
    b->extra_uusd = 0;
    memset(b->stage_sum_s, 0, sizeof b->stage_sum_s);
    row = row_of(w, b);
    memset(row, 0, sizeof *row);
    row->service = (int32_t)service;
    row->onset_s = seconds(b->short_since_ns != FL_NEVER ? b->short_since_ns : w->now);
    row->primary_saturated_s = seconds(w->now);
    row->overflow_started_s = row->absorbed_s = row->overflow_released_s = (double)NAN;
    row->requests_hurt = b->hurt_early;
}

/* Means and cost of a burst that is released, or cut off by the end of the run. */
static void burst_settle(fl_world *w, fl_service *s)
{
    fl_burst *b = s->burst;
    res_burst *row = row_of(w, b);

    fl_replicas_hear(w);
    for (int i = 0; i < MDL_STAGES; i++) {
        row->stage_s[i] = row->replicas_started > 0 ? b->stage_sum_s[i] / row->replicas_started : (double)NAN;
    }
    row->extra_uusd = b->extra_uusd;
    b->open = false;
    b->hurt_early = 0;
}

/* From now on, or no more, are fewer ready than wanted. What hurts is told late: first all up to now. */
static void shortage(fl_world *w, const fl_service *s)
{
    fl_burst *b = s->burst;
    const bool is = s->desired > s->ready_total;

    if (is != (b->short_since_ns != FL_NEVER)) {
        fl_replicas_hear(w);
        b->short_since_ns = is ? w->now : FL_NEVER;
        b->hurt_early = 0;
    }
}

/* Follows wanted against ready. */
static void look(fl_world *w, fl_service *s)
{
    fl_burst *b = s->burst;

    shortage(w, s);
    if (s->desired > s->ready_total) {
        return;
    }
    if (b->open && !b->absorbed && b->unplaced == 0) {
        b->absorbed = true;
        row_of(w, b)->absorbed_s = seconds(w->now);
    }
}

void fl_burst_before_tick(fl_world *w)
{
    share_costs(w);
    for (int32_t i = 0; i < w->sc->service_count; i++) {
        w->services[i].burst->nodes_before = elastic_nodes(w, &w->services[i]);
    }
}

static void outcome_apply(fl_world *w, uint32_t service, const spw_outcome *o)
{
    fl_service *s = &w->services[service];
    fl_burst *b = s->burst;
    int32_t over = o->unplaced;

    s->desired = o->desired;
    b->unplaced = o->unplaced;
    for (uint32_t g = 1; g < o->tier_count; g++) {
        over += o->tiers[g].idle + o->tiers[g].elastic + o->tiers[g].preempted;
    }
    fl_count_replicas(w, service);
    if (over > 0 && !b->open) {
        if (s->desired > s->ready_total) {
            shortage(w, s);
        }
        burst_open(w, service);
    }
    look(w, s);
    if (!b->open) {
        return;
    }
    if (isnan(row_of(w, b)->overflow_started_s) && later_assigned(w, s) > 0) {
        row_of(w, b)->overflow_started_s = seconds(w->now);
    }
    if (over == 0 && later_held(w, s) == 0 && elastic_nodes(w, s) <= b->nodes_at_open) {
        row_of(w, b)->overflow_released_s = seconds(w->now);
        burst_settle(w, s);
    }
}

void fl_burst_tick(fl_world *w, const spw_plan *plan)
{
    int64_t unplaced = 0;

    share_costs(w);
    for (size_t i = 0; i < spw_plan_outcome_count(plan); i++) {
        const spw_outcome *o = spw_plan_outcome_at(plan, i);

        if (o->workload < (spw_id)w->sc->service_count) {
            outcome_apply(w, o->workload, o);
            fl_waits_settle(w, o->workload, o->unplaced, o->moved);
            unplaced += o->unplaced;
            w->run->control.moved_replicas += w->counting ? (uint64_t)o->moved : 0;
        }
    }
    if (w->counting) {
        int64_t since = w->unplaced_since_ns > w->warmup_ns ? w->unplaced_since_ns : w->warmup_ns;

        w->unplaced_replica_s += (double)w->unplaced * seconds(w->now - since);
    }
    w->unplaced = unplaced;
    w->unplaced_since_ns = w->now;
}

void fl_burst_ready(fl_world *w, uint32_t replica)
{
    const fl_replica *r = &w->replicas[replica];
    fl_service *s = &w->services[r->service];

    fl_starts_ready(w, r);
    if (s->burst->open) {
        for (int i = 0; i < MDL_STAGES; i++) {
            s->burst->stage_sum_s[i] += seconds(r->stage_ns[i]);
        }
        row_of(w, s->burst)->replicas_started++;
    }
    look(w, s);
}

void fl_burst_emptied(fl_world *w, uint32_t service, uint32_t cluster)
{
    fl_service *s = &w->services[service];
    res_burst *row;
    int32_t kept = 0;

    if (!s->burst->open || s->group_of[cluster] <= 0) {
        return;
    }
    row = row_of(w, s->burst);
    for (int32_t i = 0; i < row->release_count; i++) {
        if (row->release_order[i] != (int32_t)cluster) {
            row->release_order[kept++] = row->release_order[i];
        }
    }
    if (kept < ORDER_MAX) {
        row->release_order[kept++] = (int32_t)cluster;
    }
    row->release_count = kept;
}

void fl_burst_hurt(fl_world *w, uint32_t service)
{
    fl_burst *b = w->services[service].burst;

    if (!w->counting) {
        return;
    }
    if (b->open) {
        row_of(w, b)->requests_hurt++;
    } else if (b->short_since_ns != FL_NEVER) {
        b->hurt_early++;
    }
}

void fl_burst_flaps(fl_world *w, uint32_t service, const int32_t *before, const uint8_t *moved)
{
    fl_service *s = &w->services[service];
    bool raised = false;
    bool lowered = false;

    for (int32_t c = 0; c < w->sc->cluster_count; c++) {
        raised = raised || s->places[c].assigned > before[c];
        lowered = lowered || s->places[c].assigned < before[c];
    }
    for (int32_t c = 0; c < w->sc->cluster_count; c++) {
        fl_place *place = &s->places[c];

        if (place->assigned < before[c] && (raised || moved[c] != 0)) {
            place->left_ns = w->now;
        } else if (place->assigned > before[c] && (lowered || moved[c] != 0) && place->left_ns != FL_NEVER) {
            w->run->control.flaps += w->counting && w->now - place->left_ns <= FLAP_NS ? 1 : 0;
            place->left_ns = FL_NEVER;
        }
    }
}

void fl_burst_close(fl_world *w)
{
    share_costs(w);
    fl_starts_close(w);
    for (int32_t i = 0; i < w->sc->service_count; i++) {
        if (w->services[i].burst->open) {
            burst_settle(w, &w->services[i]);
        }
    }
    if (w->counting) {
        int64_t since = w->unplaced_since_ns > w->warmup_ns ? w->unplaced_since_ns : w->warmup_ns;

        w->unplaced_replica_s += (double)w->unplaced * seconds(w->now > since ? w->now - since : 0);
    }
    w->run->control.unplaced_replica_seconds = w->unplaced_replica_s;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * faults.c - the instances of spec.faults: when each begins and ends, and what actions and samples meet meanwhile.
 * What nodes suffer is in faults_nodes.c.
 */
#include "sim/fleet/faults.h"

#include <stdlib.h>
#include <string.h>

static mdl_fault_scope scope_of(const sc_fault *f)
{
    return mdl_fault(f->kind)->scope;
}

static bool of_pool(const fl_world *w, const sc_fault *f, uint32_t pool)
{
    return (f->pool < 0 || (uint32_t)f->pool == pool) &&
           (f->cluster < 0 || (uint32_t)f->cluster == w->pools[pool].cluster);
}

static void trouble_arm(fl_world *w, uint32_t index)
{
    fl_trouble *t = &w->faults->troubles[index];
    const sc_fault *f = &w->sc->faults[t->fault];
    uint64_t place = t->pool == FL_NONE ? 0 : fl_mix(w->pools[t->pool].key, t->index);

    if (!t->on) {
        gsl_rng *luck = fl_luck(w, "fault", fl_mix(fl_mix(place, t->fault), t->row));

        t->ended = !mdl_window_next(&f->windows, luck, w->now, &t->row, &t->window);
    }
    evq_set(w->queue, t->slot, t->ended ? FL_NEVER : t->on ? t->window.end_ns : t->window.begin_ns, EVQ_LIFECYCLE);
}

static uint32_t trouble_new(fl_world *w, uint32_t fault, uint32_t pool, uint32_t index)
{
    fl_faults *all = w->faults;
    void *rows = all->troubles;
    uint32_t at = all->count;

    if (!fl_grow(w, &rows, &all->cap, at + 1, sizeof *all->troubles)) {
        return FL_NONE;
    }
    all->troubles = rows;
    all->troubles[at] = (fl_trouble){.fault = fault, .pool = pool, .index = index};
    all->troubles[at].slot = fl_slot_new(w, FL_OWNER_FAULT, at);
    if (all->troubles[at].slot == FL_NONE) {
        return FL_NONE;
    }
    all->count++;
    trouble_arm(w, at);
    return at;
}

static uint32_t trouble_of(fl_world *w, uint32_t fault, uint32_t pool, uint32_t index)
{
    for (uint32_t i = 0; i < w->faults->count; i++) {
        const fl_trouble *t = &w->faults->troubles[i];

        if (t->fault == fault && t->pool == pool && t->index == index) {
            return i;
        }
    }
    return trouble_new(w, fault, pool, index);
}

bool fl_faults_new(fl_world *w)
{
    if (w->sc->fault_count == 0) {
        return true;
    }
    w->faults = calloc(1, sizeof *w->faults);
    if (w->faults == NULL) {
        return false;
    }
    w->faults->cause = FL_NONE;
    w->faults->cluster_down = calloc((size_t)w->sc->cluster_count + 1, sizeof *w->faults->cluster_down);
    w->faults->action_rng = rng_stream(w->seed, w->replication, "actions", 0);
    w->faults->late_slot = fl_slot_new(w, FL_OWNER_LATE, 0);
    if (w->faults->cluster_down == NULL || w->faults->action_rng == NULL || w->faults->late_slot == FL_NONE) {
        return false;
    }
    for (uint32_t i = 0; i < (uint32_t)w->sc->fault_count; i++) {
        const sc_fault *f = &w->sc->faults[i];
        mdl_fault_scope scope = scope_of(f);

        w->faults->any_slow = w->faults->any_slow || f->kind == MDL_FAULT_SLOW;
        if (scope != MDL_SCOPE_NODE && scope != MDL_SCOPE_RACK && trouble_new(w, i, FL_NONE, FL_NONE) == FL_NONE) {
            return false;
        }
    }
    return true;
}

void fl_faults_free(fl_world *w)
{
    if (w->faults == NULL) {
        return;
    }
    if (w->faults->action_rng != NULL) {
        gsl_rng_free(w->faults->action_rng);
    }
    free(w->faults->troubles);
    free(w->faults->cluster_down);
    free(w->faults->hits);
    free(w->faults->late);
    free(w->faults->taken);
    free(w->faults);
    w->faults = NULL;
}

static void hit(fl_world *w, uint32_t node)
{
    fl_faults *all = w->faults;
    void *rows = all->hits;

    if (fl_grow(w, &rows, &all->hit_cap, all->hit_count + 1, sizeof *all->hits)) {
        all->hits = rows;
        all->hits[all->hit_count++] = (fl_hit){node, w->nodes[node].ordinal};
    }
}

static uint32_t index_of(const sc_fault *f, const fl_node *n)
{
    return scope_of(f) == MDL_SCOPE_RACK ? n->seat / (uint32_t)f->nodes_per_rack : n->seat;
}

/* One instance on one node begins (by = 1) or ends (by = -1). */
static void node_feels(fl_world *w, const sc_fault *f, uint32_t node, int by)
{
    fl_node *n = &w->nodes[node];

    if (f->kind == MDL_FAULT_SLOW) {
        n->slow_milli = by > 0 ? n->slow_milli * f->factor_milli / 1000 : n->slow_milli * 1000 / f->factor_milli;
        n->slow_faults += by;
        n->slow_milli = n->slow_faults == 0 || n->slow_milli < 1000 ? 1000 : n->slow_milli;
    } else {
        n->faults += by;
    }
}

static void nodes_toggle(fl_world *w, const fl_trouble *t, const sc_fault *f, int by)
{
    const fl_pool *p = &w->pools[t->pool];

    for (uint32_t i = 0; i < p->count; i++) {
        if (index_of(f, &w->nodes[p->nodes[i]]) == t->index) {
            node_feels(w, f, p->nodes[i], by);
            hit(w, p->nodes[i]);
        }
    }
}

static void clusters_toggle(fl_world *w, const sc_fault *f, int by)
{
    for (uint32_t p = 0; p < (uint32_t)w->sc->pool_count; p++) {
        int32_t cluster = (int32_t)w->pools[p].cluster;

        if (cluster == f->cluster || w->sc->clusters[cluster].region == f->region) {
            for (uint32_t i = 0; i < w->pools[p].count; i++) {
                hit(w, w->pools[p].nodes[i]);
            }
        }
    }
    for (int32_t c = 0; c < w->sc->cluster_count; c++) {
        w->faults->cluster_down[c] += c == f->cluster || w->sc->clusters[c].region == f->region ? by : 0;
    }
}

static void toggle(fl_world *w, const fl_trouble *t, int by)
{
    const sc_fault *f = &w->sc->faults[t->fault];
    fl_faults *all = w->faults;

    all->hit_count = 0;
    switch (scope_of(f)) {
    case MDL_SCOPE_NODE:
    case MDL_SCOPE_RACK:
        nodes_toggle(w, t, f, by);
        break;
    case MDL_SCOPE_CLUSTER:
    case MDL_SCOPE_REGION:
        clusters_toggle(w, f, by);
        break;
    case MDL_SCOPE_API:
        all->api += by;
        break;
    case MDL_SCOPE_METRICS:
        all->metrics += by;
        all->stale += f->kind == MDL_FAULT_METRICS_STALE ? by : 0;
        break;
    }
    all->losing = f->lose;
    fl_nodes_health(w);
    all->losing = false;
}

void fl_fault_event(fl_world *w, uint32_t index)
{
    fl_trouble *t = &w->faults->troubles[index];
    res_fault *out = &w->run->faults[t->fault];

    t->on = !t->on;
    if (t->on) {
        out->windows++;
    } else {
        out->held_ns += w->now - t->window.begin_ns;
    }
    w->faults->cause = t->fault;
    trouble_arm(w, index);
    toggle(w, t, t->on ? 1 : -1); /* may add instances: t is not used after it */
    w->faults->cause = FL_NONE;
}

void fl_faults_close(fl_world *w)
{
    for (uint32_t i = 0; w->faults != NULL && i < w->faults->count; i++) {
        const fl_trouble *t = &w->faults->troubles[i];

        w->run->faults[t->fault].held_ns += t->on ? w->now - t->window.begin_ns : 0;
    }
}

/* The lowest place that no other node of the pool has: at most as many are taken as there are nodes. */
static uint32_t lowest_free(fl_world *w, const fl_pool *p, uint32_t node)
{
    fl_faults *all = w->faults;
    void *rows = all->taken;
    uint32_t seat = 0;

    if (!fl_grow(w, &rows, &all->taken_cap, p->count + 1, sizeof *all->taken)) {
        return 0;
    }
    all->taken = rows;
    memset(all->taken, 0, p->count + 1);
    for (uint32_t i = 0; i < p->count; i++) {
        if (p->nodes[i] != node && w->nodes[p->nodes[i]].seat < p->count) {
            all->taken[w->nodes[p->nodes[i]].seat] = 1;
        }
    }
    while (seat < p->count && all->taken[seat] != 0) {
        seat++;
    }
    return seat;
}

void fl_fault_node(fl_world *w, uint32_t node)
{
    fl_node *n = &w->nodes[node];
    const fl_pool *p = &w->pools[n->pool];

    n->slow_milli = 1000;
    n->seat = lowest_free(w, p, node);
    for (uint32_t i = 0; i < (uint32_t)w->sc->fault_count; i++) {
        const sc_fault *f = &w->sc->faults[i];
        mdl_fault_scope scope = scope_of(f);
        uint32_t index = index_of(f, n);

        if ((scope == MDL_SCOPE_NODE || scope == MDL_SCOPE_RACK) && of_pool(w, f, n->pool) &&
            (f->index < 0 || (uint32_t)f->index == index)) {
            uint32_t t = trouble_of(w, i, n->pool, index);

            if (t != FL_NONE && w->faults->troubles[t].on) {
                node_feels(w, f, node, 1);
            }
        }
    }
}

static bool of_metrics(const sc_fault *f, uint32_t service, uint32_t cluster, uint64_t metric)
{
    return (f->service < 0 || (uint32_t)f->service == service) && (f->cluster < 0 || (uint32_t)f->cluster == cluster) &&
           (f->metric == 0 || f->metric == metric || f->with == metric);
}

bool fl_fault_stale(fl_world *w)
{
    for (uint32_t i = 0; w->faults->stale > 0 && i < w->faults->count; i++) {
        const fl_trouble *t = &w->faults->troubles[i];

        if (t->on && w->sc->faults[t->fault].kind == MDL_FAULT_METRICS_STALE) {
            w->run->faults[t->fault].samples++;
        }
    }
    return w->faults->stale > 0;
}

fl_distortion fl_fault_sample(fl_world *w, uint32_t service, uint32_t cluster, uint64_t metric)
{
    fl_distortion d = {.factor = 1};

    for (uint32_t i = 0; i < w->faults->count; i++) {
        const fl_trouble *t = &w->faults->troubles[i];
        const sc_fault *f = &w->sc->faults[t->fault];

        if (!t->on || scope_of(f) != MDL_SCOPE_METRICS || !of_metrics(f, service, cluster, metric)) {
            continue;
        }
        w->run->faults[t->fault].samples++;
        d.missing = d.missing || f->kind == MDL_FAULT_METRICS_MISSING;
        d.frozen = d.frozen || f->kind == MDL_FAULT_METRICS_FREEZE;
        d.factor *= f->kind == MDL_FAULT_METRICS_BIAS ? (double)f->factor_milli / 1e3 : 1;
        if (f->kind == MDL_FAULT_METRICS_SWAP) {
            d.shows = f->metric == metric ? f->with : f->metric;
        }
    }
    return d;
}

/* --- actions ------------------------------------------------------------------------------------------------------ */

static void late_add(fl_world *w, const spw_action *action, int64_t due_ns)
{
    fl_faults *all = w->faults;
    void *rows = all->late;

    if (!fl_grow(w, &rows, &all->late_cap, all->late_count + 1, sizeof *all->late)) {
        return;
    }
    all->late = rows;
    all->late[all->late_count++] = (fl_late){due_ns, all->late_order++, *action};
    if (due_ns < evq_time(w->queue, all->late_slot)) {
        evq_set(w->queue, all->late_slot, due_ns, EVQ_LIFECYCLE);
    }
}

/* The cluster whose API server an action goes to; -1 = that of the service's template. */
static int64_t cluster_of(const fl_world *w, const spw_action *action)
{
    const bool on_pool = action->verb == SPW_VERB_PROVISION || action->verb == SPW_VERB_RELEASE;

    if (action->verb == SPW_VERB_SCALE) {
        return -1;
    }
    return on_pool && action->pool < (spw_id)w->sc->pool_count ? (int64_t)w->pools[action->pool].cluster
                                                               : (int64_t)action->cluster;
}

/* Does a fault have to do with it? Each with a probability draws for each action, whatever the others do. */
static bool meets(const fl_world *w, const fl_trouble *t, int64_t cluster)
{
    const sc_fault *f = &w->sc->faults[t->fault];

    return t->on && scope_of(f) == MDL_SCOPE_API && (f->cluster < 0 || f->cluster == cluster) &&
           ((f->kind != MDL_FAULT_ACTIONS_LOST && f->kind != MDL_FAULT_ACTIONS_DUPLICATED) ||
            gsl_rng_uniform(w->faults->action_rng) < f->probability);
}

static fl_verdict verdict_of(mdl_fault_kind kind)
{
    return kind == MDL_FAULT_API_ERRORS     ? FL_REFUSED
           : kind == MDL_FAULT_ACTIONS_LOST ? FL_LOST
           : kind == MDL_FAULT_API_HANG     ? FL_PUT_OFF
                                            : FL_DELIVERED;
}

fl_verdict fl_fault_action(fl_world *w, const spw_action *action)
{
    fl_faults *all = w->faults;
    const int64_t cluster = cluster_of(w, action);
    fl_verdict end = FL_DELIVERED;
    int64_t due_ns = w->now;

    for (uint32_t i = 0; i < all->count; i++) {
        fl_trouble *t = &all->troubles[i];
        const fl_verdict alone = verdict_of(w->sc->faults[t->fault].kind);

        t->met = meets(w, t, cluster);
        end = t->met && alone > end ? alone : end;
        if (t->met && alone == FL_PUT_OFF && t->window.end_ns > due_ns) {
            due_ns = t->window.end_ns; /* it hangs until all are over */
        }
    }
    if (end == FL_PUT_OFF) {
        late_add(w, action, due_ns);
    }
    for (uint32_t i = 0; i < all->count; i++) {
        const sc_fault *f = &w->sc->faults[all->troubles[i].fault];
        const bool copies = f->kind == MDL_FAULT_ACTIONS_DUPLICATED && end <= FL_PUT_OFF;

        if (all->troubles[i].met && (copies || verdict_of(f->kind) == end)) {
            w->run->faults[all->troubles[i].fault].actions++;
        }
        if (all->troubles[i].met && copies) {
            late_add(w, action, due_ns + f->after_ns);
        }
    }
    return end;
}

void fl_late_event(fl_world *w)
{
    fl_faults *all = w->faults;
    int64_t next_ns = FL_NEVER;

    for (;;) {
        uint32_t first = FL_NONE;
        spw_action action;

        for (uint32_t i = 0; i < all->late_count; i++) {
            const fl_late *l = &all->late[i];

            if (first == FL_NONE || l->due_ns < all->late[first].due_ns ||
                (l->due_ns == all->late[first].due_ns && l->order < all->late[first].order)) {
                first = i;
            }
        }
        next_ns = first == FL_NONE ? FL_NEVER : all->late[first].due_ns;
        if (next_ns > w->now) {
            break;
        }
        action = all->late[first].action;
        all->late[first] = all->late[--all->late_count];
        (void)fl_carry_out(w, &action, NULL);
    }
    evq_set(w->queue, all->late_slot, next_ns, EVQ_LIFECYCLE);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* mend_health.c - debounced health and graceful eviction; see mend.h. */
#include "core/mend.h"

#include "core/bits.h"

const spw_policy *mend_policy(const spw_core *core, uint32_t work)
{
    spw_id policy = core->config.workloads[work].policy;
    return policy == SPW_ID_NONE ? NULL : &core->config.policies[policy];
}

memory_seat *mend_memory(const spw_core *core, uint32_t work, uint32_t cluster)
{
    return memory_seat_find(&core->memory, work, core->view.clusters[cluster].key);
}

/* --- what is remembered of clusters --- */

static size_t cluster_lower(const memory *m, uint64_t key)
{
    size_t low = 0;
    size_t high = m->cluster_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (m->clusters[mid].key < key) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

memory_cluster *mend_cluster_find(const memory *m, uint64_t key)
{
    size_t at = cluster_lower(m, key);
    return at < m->cluster_count && m->clusters[at].key == key ? &m->clusters[at] : NULL;
}

/** Tried first where it was found last. A new entry believes what it sees. @return NULL if the table is full */
static memory_cluster *cluster_get(memory *m, uint64_t key, uint32_t *hint, bool answers, spw_time now)
{
    if (*hint < m->cluster_count && m->clusters[*hint].key == key) {
        return &m->clusters[*hint];
    }
    size_t at = cluster_lower(m, key);
    *hint = (uint32_t)at;
    if (at < m->cluster_count && m->clusters[at].key == key) {
        return &m->clusters[at];
    }
    if (m->cluster_count == m->cluster_max) {
        return NULL;
    }
    memmove(&m->clusters[at + 1], &m->clusters[at], (m->cluster_count - at) * sizeof m->clusters[0]);
    m->cluster_count++;
    m->clusters[at] = (memory_cluster){.key = key, .seen = now, .since = now, .answers = answers, .lost = !answers};
    return &m->clusters[at];
}

static void prune_clusters(memory *m, spw_time now)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->cluster_count; i++) {
        if (now - m->clusters[i].seen <= MEMORY_KEEP) {
            m->clusters[kept++] = m->clusters[i];
        }
    }
    m->cluster_count = kept;
}

/* --- evictions --- */

static bool answers(const spw_core *core, uint32_t cluster)
{
    return core->view.snap->clusters.ready[core->view.clusters[cluster].row] != 0;
}

/** Is an eviction over? When nothing is left of it, or when the grace has passed and the cluster is back. */
static bool is_over(const spw_core *core, uint32_t work, const memory_seat *mem, spw_dur after)
{
    uint32_t cluster = view_cluster_find(&core->view, mem->cluster);
    const view_seat *seat = cluster == UINT32_MAX ? NULL : view_seat_find(&core->view, work, cluster);
    const spw_policy *policy = mend_policy(core, work);
    if (seat == NULL || seat->assigned == 0 || policy == NULL) {
        return true;
    }
    const memory_cluster *c = mend_cluster_find(&core->memory, mem->cluster);
    bool back = c != NULL && answers(core, cluster) && c->answers && core->view.now - c->since >= after;
    return back && core->view.now - memory_times_of(&core->memory, mem)->evict_since >= policy->evict_grace;
}

static void end_evictions(spw_core *core, spw_dur after)
{
    const view *v = &core->view;
    for (size_t w = bits_next(v->active, 0, v->works); w < v->works; w = bits_next(v->active, w + 1, v->works)) {
        size_t count = 0;
        memory_seat *seats = memory_seats_of(&core->memory, (uint32_t)w, &count);
        for (size_t i = 0; i < count; i++) {
            seats[i].evicting = seats[i].evicting && !is_over(core, (uint32_t)w, &seats[i], after);
        }
    }
}

static bool is_drained(const spw_core *core, uint64_t cluster)
{
    const view *v = &core->view; /* who is evicted does not rest */
    for (size_t w = bits_next(v->active, 0, v->works); w < v->works; w = bits_next(v->active, w + 1, v->works)) {
        const memory_seat *mem = memory_seat_find(&core->memory, (uint32_t)w, cluster);
        if (mem != NULL && mem->evicting) {
            return false;
        }
    }
    return true;
}

static bool has_budget(const spw_policy *policy)
{
    bool by_weights = policy->division == SPW_DIVIDE_DUPLICATED || policy->division == SPW_DIVIDE_STATIC;
    /* weights place anew from zero, and under `compat` what is written stays: there is nothing to hold back */
    return policy->failover_moves > 0 && !by_weights && !policy->compat;
}

/**
 * What a workload's lost clusters still count for: with a budget they give up so many replicas in each tick, and what
 * they have not given up yet is held there. Under `compat` they give up nothing: what is written counts there as it
 * does anywhere, and `held` goes on to say which of it has a node or has found room on one.
 */
static void release(spw_core *core, uint32_t work)
{
    const spw_policy *policy = mend_policy(core, work);
    if (policy == NULL) {
        return;
    }
    int32_t budget = has_budget(policy) ? policy->failover_moves : SPW_REPLICAS_MAX;
    for (uint32_t i = core->view.seat_first[work]; i < core->view.seat_end[work]; i++) {
        view_seat *seat = &core->view.seats[i];
        const memory_cluster *c = mend_cluster_find(&core->memory, core->view.clusters[seat->cluster].key);
        if (c == NULL || !c->lost || seat->assigned == 0) {
            continue;
        }
        memory_seat *mem = memory_seat_get(&core->memory, work, c->key);
        if (mem == NULL) {
            continue;
        }
        if (!mem->evicting && !c->answers) {
            mem->evicting = policy->evict_grace > 0 || has_budget(policy);
            memory_times_set(&core->memory, mem)->evict_since = core->view.now;
            mem->released = 0;
        }
        seat->ready = 0;
        if (policy->compat) {
            continue;
        }
        int32_t left = seat->assigned > mem->released ? seat->assigned - mem->released : 0;
        int32_t more = left < budget ? left : budget;
        budget -= more;
        mem->released += more;
        mem->unseen = 0;
        seat->held = left - more;
        seat->held_coming = 0;
        core->view.clusters[seat->cluster].ready = core->view.clusters[seat->cluster].ready || seat->held > 0;
    }
}

/* --- health --- */

static spw_dur failover_after(const spw_core *core)
{
    spw_dur after = 0;
    for (size_t i = 0; i < core->config.policy_count; i++) {
        spw_dur own = core->config.policies[i].failover_after;
        after = own > after ? own : after;
    }
    return after;
}

static void watch(spw_core *core, memory_cluster *mem, bool now_answers, spw_dur after)
{
    spw_time now = core->view.now;
    if (now_answers != mem->answers) {
        mem->answers = now_answers;
        mem->since = now;
    }
    mem->seen = now;
    if (now - mem->since >= after) {
        if (!now_answers) {
            mem->lost = true;
        } else if (mem->lost && is_drained(core, mem->key)) {
            mem->lost = false;
        }
    }
}

/** Is anything about the health of a cluster other than in the last tick? Everybody may have to act on it, then. */
static bool health_changed(spw_core *core)
{
    bool changed = false;
    for (uint32_t c = 0; c < core->view.cluster_count; c++) {
        view_cluster *cluster = &core->view.clusters[c];
        unsigned is = (cluster->ready ? 1u : 0u) | (cluster->stale ? 2u : 0u) | (answers(core, c) ? 4u : 0u);
        changed = changed || cluster->was != is;
        cluster->was = (uint8_t)is;
    }
    return changed;
}

void mend_health(spw_core *core)
{
    spw_dur after = failover_after(core);
    bool any_lost = false;
    end_evictions(core, after);
    for (uint32_t c = 0; c < core->view.cluster_count; c++) {
        view_cluster *cluster = &core->view.clusters[c];
        bool up = answers(core, c);
        memory_cluster *mem = cluster_get(&core->memory, cluster->key, &cluster->memory_hint, up, core->view.now);
        if (mem != NULL) {
            watch(core, mem, up, after);
            cluster->ready = !mem->lost;
            cluster->lost = mem->lost;
            any_lost = any_lost || mem->lost;
        }
        cluster->stale = cluster->stale || (cluster->ready && !up);
    }
    const bool changed = health_changed(core);
    if (changed) {
        view_wake_all(&core->view, &core->memory);
    }
    core->classes.known = core->classes.known && !changed && !any_lost;
    const view *v = &core->view; /* nobody rests who stands on a lost cluster: he is not settled there */
    for (size_t w = bits_next(v->active, 0, v->works); any_lost && w < v->works;
         w = bits_next(v->active, w + 1, v->works)) {
        release(core, (uint32_t)w);
    }
    for (uint32_t c = 0; any_lost && c < core->view.cluster_count; c++) {
        view_cluster *cluster = &core->view.clusters[c];
        cluster->stale = cluster->stale || (cluster->lost && cluster->ready);
    }
    prune_clusters(&core->memory, core->view.now);
}

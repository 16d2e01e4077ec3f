/* SPDX-License-Identifier: Apache-2.0 */
/* routes.c - stage "traffic": shares follow the replicas that are ready and that this plan keeps; see strategy.h. */
#include "core/bits.h"
#include "core/mend.h"
#include "route/strategy.h"

#define FILL_DEFAULT 800000                 /* of the capacity, before the rest spills: 0.8 */
#define RATE_MAX     INT64_C(1000000000000) /* requests per second, 1e-3 */
#define DEAD_BAND    10000                  /* one percent of the traffic */

static memory_seat *seat_memory(const spw_core *core, const view_seat *seat)
{
    return memory_seat_near(&core->memory, seat->work, core->view.clusters[seat->cluster].key, seat->memory_hint);
}

static void send_share(const spw_core *core, uint32_t work, uint32_t cluster, int32_t share, spw_reason reason,
                       memory_seat *mem, spw_plan *plan)
{
    if (share == mem->route || (share == 0 && mem->route == MEMORY_ROUTE_NONE)) {
        return;
    }
    spw_action action = {.verb = SPW_VERB_ROUTE,
                         .reason = reason,
                         .workload = core->view.work_row[work],
                         .cluster = core->view.clusters[cluster].row,
                         .pool = SPW_ID_NONE,
                         .after = UINT32_MAX,
                         .amount = share,
                         .before = mem->route > 0 ? mem->route : 0};
    (void)plan_add(plan, &action);
    mem->route = share;
}

/** Clusters that once had a share and hold nothing of the workload any more. here: the shares of those that do. */
static void clear_left(spw_core *core, uint32_t work, int64_t here, spw_plan *plan)
{
    size_t count = 0;
    memory_seat *seats = memory_seats_of(&core->memory, work, &count);
    bool left = false;
    for (size_t i = 0; i < count; i++) {
        left = left || seats[i].route == MEMORY_ROUTE_UNKNOWN;
        here -= seats[i].route > 0 ? seats[i].route : 0;
    }
    for (size_t i = 0; i < count && (left || here != 0); i++) {
        uint32_t cluster = view_cluster_find(&core->view, seats[i].cluster);
        bool routed = seats[i].route > 0 || seats[i].route == MEMORY_ROUTE_UNKNOWN;
        if (routed && cluster != UINT32_MAX && view_seat_find(&core->view, work, cluster) == NULL) {
            send_share(core, work, cluster, 0, SPW_WHY_ROUTE_READY, &seats[i], plan);
        }
    }
}

/** Levels by the policy's list of regions, or by its groups where it has none. */
static int32_t level_of(const spw_core *core, const view_seat *seat, const spw_policy *policy)
{
    if (policy == NULL) {
        return 0;
    }
    for (size_t i = 0; i < policy->route_region_count; i++) {
        spw_id row = core->view.clusters[seat->cluster].row;
        if (strcmp(policy->route_regions[i], core->view.snap->clusters.region[row]) == 0) {
            return (int32_t)i;
        }
    }
    spw_id own = core->config.workloads[seat->work].policy;
    int32_t group = policy->route_region_count > 0 ? -1 : view_site_at(&core->view, own, seat->cluster)->group;
    size_t last = policy->route_region_count > 0 ? policy->route_region_count : policy->group_count;
    return group < 0 ? (int32_t)last : group;
}

static int64_t weight_of(const spw_policy *policy, const char *cluster)
{
    for (size_t i = 0; policy != NULL && i < policy->route_weight_count; i++) {
        if (strcmp(policy->route_weights[i].cluster, cluster) == 0) {
            return policy->route_weights[i].weight;
        }
    }
    return 0;
}

/** A cluster that does not answer serves nobody; one that answers serves, even while it is not trusted with more. */
static route_site read_site(const spw_core *core, const view_seat *seat, const spw_policy *policy)
{
    const spw_snapshot *snap = core->view.snap;
    spw_id row = core->view.clusters[seat->cluster].row;
    int32_t stay = decide_staying(core, seat); /* what this plan takes away gets no more traffic */
    int32_t ready = snap->placements.ready[seat->row];
    ready = ready < seat->scheduled ? ready : seat->scheduled;
    ready = snap->clusters.ready[row] == 0 ? 0 : ready;
    spw_dur age = core->view.now - snap->placements.observed[seat->row];
    ready = ready < stay ? ready : stay;
    const spw_workload *workload = &core->config.workloads[seat->work];
    int64_t weight =
        ready > 0 && workload->gpu_milli != NULL ? view_ready_weight(&core->view, workload, seat, ready) : 0;
    return (route_site){.ready = ready,
                        .assigned = stay,
                        .pace = ready > 0 ? (int32_t)((weight + ready - 1) / ready) : 0,
                        .trust = route_trust(age, policy == NULL ? 0 : policy->route_lag),
                        .level = level_of(core, seat, policy),
                        .weight = weight_of(policy, snap->clusters.name[row])};
}

/** The newest rate of requests; -1 if none is known, or none that is fresh. */
static int64_t read_rate(const spw_core *core, uint32_t work)
{
    const spw_value_rows *t = &core->view.snap->values;
    spw_time newest = core->view.now - core->settings.stale_after;
    int64_t rate = -1;
    for (size_t i = 0; i < t->count; i++) {
        bool ours = core->view.work_of[t->workload[i]] == work && t->metric[i] == core->route_metric;
        bool tie = rate >= 0 && t->observed[i] == newest;
        if (ours && t->observed[i] >= newest && (!tie || t->value_milli[i] > rate)) { /* whatever the order of rows */
            newest = t->observed[i];
            rate = t->value_milli[i] > 0 ? t->value_milli[i] : 0;
        }
    }
    return rate < RATE_MAX ? rate : RATE_MAX;
}

static route_demand read_demand(const spw_core *core, uint32_t work, const spw_policy *policy)
{
    route_demand d = {.rate_milli = -1, .fill_ppm = FILL_DEFAULT};
    if (policy != NULL && policy->route == SPW_ROUTE_WATERFALL) {
        d.rate_milli = read_rate(core, work);
        d.capacity_milli = policy->route_capacity_milli;
        d.fill_ppm = policy->route_fill_ppm > 0 ? policy->route_fill_ppm : FILL_DEFAULT;
    }
    return d;
}

/** Shares that follow a measured rate would change in every tick: small changes of all of them are not worth one. */
static bool is_noise(const spw_core *core, uint32_t first, uint32_t count)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        const memory_seat *mem = seat_memory(core, &core->view.seats[first + i]);
        int32_t share = core->route_shares[i];
        int32_t sent = mem == NULL ? MEMORY_ROUTE_UNKNOWN : (mem->route == MEMORY_ROUTE_NONE ? 0 : mem->route);
        if (sent < 0 || (share == 0) != (sent == 0) || share - sent > DEAD_BAND || sent - share > DEAD_BAND) {
            return false;
        }
        sum += sent;
    }
    return sum == SHARES_WHOLE; /* else a cluster that had a share has left */
}

static void route_work(spw_core *core, uint32_t work, spw_plan *plan)
{
    uint32_t first = core->view.seat_first[work];
    uint32_t count = core->view.seat_end[work] - first;
    const spw_policy *policy = mend_policy(core, work);
    int64_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        core->route_sites[i] = read_site(core, &core->view.seats[first + i], policy);
        total += core->route_sites[i].ready;
    }
    if (total == 0) {
        return; /* nobody can serve: the old shares stay until somebody can */
    }
    route_demand demand = read_demand(core, work, policy);
    route_share(policy == NULL ? SPW_ROUTE_PROPORTIONAL : policy->route, &demand, core->route_sites, count,
                core->route_parts, core->route_shares);
    bool quiet = demand.rate_milli >= 0 && is_noise(core, first, count);
    int64_t here = quiet ? SHARES_WHOLE : 0;
    for (uint32_t i = 0; i < count && !quiet; i++) {
        const view_seat *seat = &core->view.seats[first + i];
        memory_seat *mem = seat_memory(core, seat);
        if (mem != NULL) {
            send_share(core, work, seat->cluster, core->route_shares[i], core->route_sites[i].reason, mem, plan);
            here += mem->route > 0 ? mem->route : 0;
        }
    }
    clear_left(core, work, here, plan);
}

void decide_routes(spw_core *core, spw_plan *plan)
{
    const view *v = &core->view;
    for (size_t w = bits_next(v->active, 0, v->works); w < v->works; w = bits_next(v->active, w + 1, v->works)) {
        if (v->work_row[w] != SPW_ID_NONE) {
            route_work(core, (uint32_t)w, plan);
        }
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* routes.c - stage "traffic": shares follow the replicas that are ready and that this plan keeps. */
#include "core/decide.h"
#include "route/shares.h"

static void send_share(const spw_core *core, uint32_t work, uint32_t cluster, int32_t share, memory_seat *mem,
                       spw_plan *plan)
{
    if (share == mem->route || (share == 0 && mem->route == MEMORY_ROUTE_NONE)) {
        return;
    }
    spw_action action = {.verb = SPW_VERB_ROUTE,
                         .reason = SPW_WHY_ROUTE_READY,
                         .workload = core->view.work_row[work],
                         .cluster = core->view.clusters[cluster].row,
                         .pool = SPW_ID_NONE,
                         .after = UINT32_MAX,
                         .amount = share,
                         .before = mem->route > 0 ? mem->route : 0};
    (void)plan_add(plan, &action);
    mem->route = share;
}

/** Clusters that once had a share and hold nothing of the workload any more. */
static void clear_left(spw_core *core, uint32_t work, spw_plan *plan)
{
    size_t count = 0;
    memory_seat *seats = memory_seats_of(&core->memory, core->config.workloads[work].key, &count);
    for (size_t i = 0; i < count; i++) {
        uint32_t cluster = view_cluster_find(&core->view, seats[i].cluster);
        bool routed = seats[i].route > 0 || seats[i].route == MEMORY_ROUTE_UNKNOWN;
        if (routed && cluster != UINT32_MAX && view_seat_find(&core->view, work, cluster) == NULL) {
            send_share(core, work, cluster, 0, &seats[i], plan);
        }
    }
}

static void route_work(spw_core *core, uint32_t work, spw_plan *plan)
{
    uint32_t first = core->view.seat_first[work];
    uint32_t count = core->view.seat_first[work + 1] - first;
    int32_t *ready = core->route_ready;
    int32_t *shares = core->route_shares;
    int64_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        const view_seat *seat = &core->view.seats[first + i];
        int32_t stay = decide_staying(core, seat); /* what this plan takes away gets no more traffic */
        bool up = core->view.clusters[seat->cluster].ready;
        ready[i] = up ? (seat->ready < stay ? seat->ready : stay) : 0;
        total += ready[i];
    }
    if (total == 0) {
        return; /* nobody can serve: the old shares stay until somebody can */
    }
    shares_by_ready(ready, count, shares);
    for (uint32_t i = 0; i < count; i++) {
        const view_seat *seat = &core->view.seats[first + i];
        memory_seat *mem =
            memory_seat_find(&core->memory, core->config.workloads[work].key, core->view.clusters[seat->cluster].key);
        if (mem != NULL) {
            send_share(core, work, seat->cluster, shares[i], mem, plan);
        }
    }
    clear_left(core, work, plan);
}

void decide_routes(spw_core *core, spw_plan *plan)
{
    for (uint32_t w = 0; w < core->config.workload_count; w++) {
        if (core->view.work_row[w] != SPW_ID_NONE) {
            route_work(core, w, plan);
        }
    }
}

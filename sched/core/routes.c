/* SPDX-License-Identifier: Apache-2.0 */
/* routes.c - stage "traffic": shares follow the replicas that are ready and that this plan keeps. */
#include "core/decide.h"
#include "route/shares.h"

/** Replicas of a seat that stay: what this plan takes away gets no more traffic. */
static int32_t staying(const spw_core *core, const view_seat *seat)
{
    for (size_t i = 0; i < core->shrink_count; i++) {
        const shrink *s = &core->shrinks[i];
        if (s->work == seat->work && s->cluster == seat->cluster) {
            return (int32_t)s->action.amount;
        }
    }
    return seat->assigned;
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
        int32_t stay = staying(core, seat);
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
        memory_seat *mem = memory_seat_find(&core->memory, core->config.workloads[work].key,
                                            core->view.clusters[seat->cluster].key);
        int32_t before = mem == NULL || mem->route < 0 ? 0 : mem->route;
        if (mem == NULL || (mem->route < 0 ? shares[i] == 0 : shares[i] == mem->route)) {
            continue;
        }
        spw_action action = {.verb = SPW_VERB_ROUTE,
                             .reason = SPW_WHY_ROUTE_READY,
                             .workload = core->view.work_row[work],
                             .cluster = core->view.clusters[seat->cluster].row,
                             .pool = SPW_ID_NONE,
                             .after = UINT32_MAX,
                             .amount = shares[i],
                             .before = before};
        (void)plan_add(plan, &action);
        mem->route = shares[i];
    }
}

void decide_routes(spw_core *core, spw_plan *plan)
{
    for (uint32_t w = 0; w < core->config.workload_count; w++) {
        if (core->view.work_row[w] != SPW_ID_NONE) {
            route_work(core, w, plan);
        }
    }
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plan_bound.c - what configurations cost at least, without a run of any; see plan.h. */
#include "sim/experiment/plan.h"

#include <math.h>

double plan_committed_usd(const sc_scenario *sc)
{
    int64_t sum = 0;
    for (int32_t i = 0; i < sc->cluster_count; i++) {
        const sc_cluster *cluster = &sc->clusters[i];
        for (int32_t k = 0; k < cluster->pool_count; k++) {
            const sc_pool *pool = &cluster->pools[k];
            if (pool->capacity == SPW_CAPACITY_OWNED || pool->capacity == SPW_CAPACITY_RESERVED) {
                const mdl_wide gpus = (mdl_wide)pool->nodes_start * pool->gpus_per_node;
                sum += mdl_cost_uusd(gpus * (sc->duration_ns - sc->warmup_ns), pool->price_uusd_per_gpu_h);
            }
        }
    }
    return (double)sum / 1e6;
}

void plan_bound(plan *p)
{
    const plan_options *o = p->options;
    char why[1024];
    p->floor_usd = p->point_count - p->tried > PLAN_BOUND_MAX ? (double)NAN : (double)INFINITY;
    for (int32_t i = 0; !isnan(p->floor_usd) && i < p->point_count; i++) {
        int32_t value[PLAN_KNOBS_MAX];
        if (p->points[i].sc != NULL) {
            continue;
        }
        plan_values(p, i, value);
        sc_scenario *sc = o->load(o->load_user, value, why, sizeof why);
        if (sc != NULL) {
            p->floor_usd = fmin(p->floor_usd, plan_committed_usd(sc));
            o->unload(sc);
        }
    }
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * billing.c - money, exact: integer ns of GPUs times an integer price, rounded once for each pool.
 *
 * A node is billed from the moment it boots (not while the provider looks for one) until it is released or reclaimed,
 * be it before it was up, but at least for the pool's minimum, as tables/prices.csv has it; owned and reserved nodes
 * are billed all the time, whatever they do. Of every such interval the part between warm-up and the end of the run
 * counts. What a minimum adds beyond the life of a node is charged at the moment the node goes. A spot price that moves
 * splits the time into spells; their exact costs are summed before the one rounding. Egress: bytes of responses that
 * completed after warm-up, at the price of the cluster that sent them; where users enter at a provider, what moved
 * between there and the clusters, and from there to users (ways.c); and images: moved between regions, and stored
 * (delivery.c).
 *
 * The cost of a timeline bin is the cost so far minus the cost up to the bin before: bins sum to the total exactly.
 */
#include "sim/fleet/world.h"

void fl_bill_node(fl_world *w, uint32_t pool, int change)
{
    fl_pool *p = &w->pools[pool];

    p->alive += change;
    if (!p->paid_always || p->alive > p->billed.value) {
        stat_timew_set(&p->billed, w->now, p->alive);
    }
}

void fl_bill_tail(fl_world *w, const fl_node *node)
{
    fl_pool *p = &w->pools[node->pool];
    int64_t from = w->now > w->warmup_ns ? w->now : w->warmup_ns;
    int64_t to = node->boot_ns + p->sc->min_billing_ns;

    to = to < w->end_ns ? to : w->end_ns;
    if (!p->paid_always && to > from) {
        p->tail_gpu_ns += (fl_wide)(to - from) * p->sc->gpus_per_node;
    }
}

static fl_wide pool_gpu_ns(const fl_world *w, const fl_pool *p)
{
    if (!w->counting) {
        return 0;
    }
    return stat_timew_area(&p->billed, w->now) * p->sc->gpus_per_node + p->tail_gpu_ns;
}

int64_t fl_pool_cost(const fl_world *w, uint32_t pool)
{
    const fl_pool *p = &w->pools[pool];

    if (p->price_moves) {
        fl_wide now = pool_gpu_ns(w, p);

        return mdl_cost_of_spells(p->spells_cost + (now - p->spells_gpu_ns) * p->price_uusd);
    }
    return mdl_cost_uusd(pool_gpu_ns(w, p), p->sc->price_uusd_per_gpu_h);
}

void fl_bill_price(fl_world *w, uint32_t pool, int64_t uusd_per_gpu_h)
{
    fl_pool *p = &w->pools[pool];
    fl_wide so_far = pool_gpu_ns(w, p);

    p->spells_cost += (so_far - p->spells_gpu_ns) * p->price_uusd;
    p->spells_gpu_ns = so_far;
    p->price_uusd = uusd_per_gpu_h;
    p->price_moves = true;
}

int64_t fl_egress_cost(const fl_world *w)
{
    return fl_delivery_cost(w) + fl_ways_cost(w);
}

void fl_bill_close(fl_world *w)
{
    res_cost *cost = &w->run->cost;

    for (uint32_t i = 0; i < (uint32_t)w->sc->pool_count; i++) {
        const fl_pool *p = &w->pools[i];
        res_pool *out = &w->run->pools[i];

        out->gpu_ns = pool_gpu_ns(w, p);
        out->held_gpu_ns = w->counting ? stat_timew_area(&p->held, w->now) : 0;
        out->busy_gpu_ns = p->busy_gpu_ns;
        out->cost_uusd = fl_pool_cost(w, i);
        switch (p->sc->capacity) {
        case SPW_CAPACITY_OWNED:
            cost->owned_uusd += out->cost_uusd;
            break;
        case SPW_CAPACITY_RESERVED:
            cost->reserved_uusd += out->cost_uusd;
            break;
        case SPW_CAPACITY_ON_DEMAND:
            cost->on_demand_uusd += out->cost_uusd;
            break;
        case SPW_CAPACITY_SPOT:
            cost->spot_uusd += out->cost_uusd;
            break;
        }
        FL_CHECK(w, p->held.value >= 0 && p->held.value <= p->alive * p->sc->gpus_per_node);
        FL_CHECK(w, out->held_gpu_ns <= out->gpu_ns);
    }
    cost->egress_uusd = fl_egress_cost(w);
    cost->images_uusd = fl_delivery_cost(w);
    fl_ways_close(w);
    cost->total_uusd =
        cost->owned_uusd + cost->reserved_uusd + cost->on_demand_uusd + cost->spot_uusd + cost->egress_uusd;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * supply.c - what providers have to give over time, and for what price.
 *
 * Elastic pools of one provider in one zone (region and zone, stock and GPU class alike) share a stock. Its level is a
 * bound on the nodes that they hold together: an order whose turn has come while the bound is reached comes to nothing,
 * so that of five nodes ordered with three in stock three come up. What falls takes spot nodes along: the end of an up
 * spell is a shock (see models/provision/stock.h), a level that sinks otherwise takes the youngest nodes beyond it.
 * On-demand nodes that run stay, and so do spot nodes that their market protects still. Quotas bound GPUs of a class
 * that all elastic pools of a provider in a region hold.
 *
 * The core sees none of it but what the provider tells at times (stockSeen), failed orders, and the price of now.
 *
 * Random streams: spells by stock and number of the spell, victims by node and spell, prices by pool and step.
 * Events: one slot for each stock, each moving price, each pool with order batches.
 */
#include "sim/fleet/world.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct stock {
    const sc_pool *sc; /**< the first pool on it says how it behaves */
    int32_t region;
    const char *provider, *zone;
    uint64_t key, spell; /**< spell: number of the present one */
    bool up;
    int32_t level;
    int64_t spell_end_ns;
    uint32_t slot;
} stock;

typedef struct supply_pool {
    uint32_t stock; /**< FL_NONE = always more */
    int32_t seen;   /**< what the provider told last, -1 = nothing yet */
    int64_t seen_ns;
    double walk_x;
    uint64_t walk_step;
    int64_t record_mean_uusd; /**< mean price of the record, 0 = it has none */
    uint32_t price_slot;
    uint32_t order_slot;
    int64_t order_end_ns; /**< of the present window */
    int32_t ordered;      /**< nodes of this window */
} supply_pool;

struct fl_supply {
    stock *stocks;
    uint32_t stock_count;
    supply_pool *pools; /**< [pool_count] */
    bool told;          /**< some provider tells what it has */
};

static bool is_elastic(const sc_pool *sc)
{
    return sc->capacity == SPW_CAPACITY_ON_DEMAND || sc->capacity == SPW_CAPACITY_SPOT;
}

static const char *gpu_of(const sc_pool *sc)
{
    return sc->gpu != NULL ? sc->gpu->name : "";
}

static uint32_t stock_of(fl_world *w, uint32_t pool)
{
    fl_supply *u = w->supply;
    const sc_pool *sc = w->pools[pool].sc;
    const sc_cluster *cluster = &w->sc->clusters[w->pools[pool].cluster];
    const char *zone = cluster->zone != NULL ? cluster->zone : "";
    const char *region = w->sc->regions[cluster->region].name;

    for (uint32_t i = 0; i < u->stock_count; i++) {
        const stock *s = &u->stocks[i];

        if (s->region == cluster->region && strcmp(s->provider, cluster->provider) == 0 && strcmp(s->zone, zone) == 0 &&
            strcmp(s->sc->stock_name, sc->stock_name) == 0 && strcmp(gpu_of(s->sc), gpu_of(sc)) == 0) {
            return i;
        }
    }
    u->stocks[u->stock_count] =
        (stock){.sc = sc,
                .region = cluster->region,
                .provider = cluster->provider,
                .zone = zone,
                .key = fl_mix(spw_key2(region, zone) ^ fl_mix(spw_key2(sc->stock_name, gpu_of(sc)), 0),
                              spw_key(cluster->provider)),
                .spell_end_ns = FL_NEVER,
                .slot = fl_slot_new(w, FL_OWNER_SUPPLY, u->stock_count)};
    return u->stock_count++;
}

static double local_hour(const fl_world *w, const stock *s)
{
    int64_t local = w->sc->start_unix_ns + w->now + w->sc->regions[s->region].utc_offset_s * SPW_NS_PER_S;
    int64_t day = 24 * 3600 * SPW_NS_PER_S;

    return (double)(local % day) / (3600.0 * SPW_NS_PER_S);
}

static int32_t level_now(const fl_world *w, const stock *s)
{
    if (s->sc->stock_record != NULL) {
        return mdl_stock_trace_level(s->sc->stock_record, w->now);
    }
    return s->up ? mdl_stock_level(s->sc->stock, local_hour(w, s)) : 0;
}

static void spell_begin(fl_world *w, stock *s)
{
    int64_t length = mdl_stock_spell(s->sc->stock, s->up, fl_luck(w, "stock", fl_mix(s->key, ++s->spell)));

    s->spell_end_ns = length < FL_NEVER - w->now ? w->now + length : FL_NEVER;
}

/* The level of a law changes with the time of day, too: looked at every quarter of an hour. */
static void stock_arm(fl_world *w, const stock *s)
{
    const int64_t look = 900 * SPW_NS_PER_S;
    int64_t next = s->spell_end_ns;

    if (s->sc->stock_record != NULL) {
        next = mdl_stock_trace_next(s->sc->stock_record, w->now);
    } else if (s->sc->stock->nodes > 0 && s->sc->stock->scarce_share > 0) {
        int64_t tick = (w->now / look + 1) * look;

        next = tick < next ? tick : next;
    }
    evq_set(w->queue, s->slot, next, EVQ_LIFECYCLE);
}

static int64_t held_of(const fl_world *w, uint32_t index)
{
    int64_t held = 0;

    for (int32_t p = 0; p < w->sc->pool_count; p++) {
        held += w->supply->pools[p].stock == index ? w->pools[p].alive : 0;
    }
    return held;
}

/* --- spot nodes that go ------------------------------------------------------------------------------------------ */

typedef struct victim {
    uint32_t node, pool;
    uint64_t ordinal;
} victim;

static bool can_go(const fl_node *n)
{
    return n->state == FL_NODE_UP || n->state == FL_NODE_BOOTING || n->state == FL_NODE_DOWN;
}

static int64_t gone_at(const fl_world *w, uint32_t pool)
{
    return w->now + fl_ns(w->pools[pool].sc->notice_s);
}

/* A node's notice can set others free and order new ones, so who goes is settled before anybody is told. */
static void take_all(fl_world *w, const victim *victims, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const fl_node *n = &w->nodes[victims[i].node];

        if (can_go(n) && n->pool == victims[i].pool && n->ordinal == victims[i].ordinal &&
            fl_node_reclaim(w, victims[i].node, gone_at(w, n->pool))) {
            w->run->pools[victims[i].pool].taken_by_shocks++;
        }
    }
}

static int youngest_first(const void *a, const void *b)
{
    const victim *x = a;
    const victim *y = b;

    if (x->ordinal != y->ordinal) {
        return x->ordinal > y->ordinal ? -1 : 1;
    }
    return x->node < y->node ? -1 : x->node > y->node;
}

/* Takes each node of a stock with a probability, or (share < 0) the youngest beyond `keep`. */
static void take(fl_world *w, uint32_t index, double share, int64_t keep)
{
    const stock *s = &w->supply->stocks[index];
    victim *victims = calloc(w->node_cap + 1, sizeof *victims);
    size_t count = 0;

    if (victims == NULL) {
        w->no_memory = true;
        return;
    }
    for (uint32_t p = 0; p < (uint32_t)w->sc->pool_count; p++) {
        const fl_pool *pool = &w->pools[p];

        if (w->supply->pools[p].stock != index) {
            continue;
        }
        for (uint32_t i = 0; i < pool->count; i++) {
            const fl_node *n = &w->nodes[pool->nodes[i]];
            uint64_t key = fl_mix(fl_mix(pool->key, n->ordinal), s->spell);

            keep -= can_go(n) ? 1 : 0;
            if (pool->sc->capacity == SPW_CAPACITY_SPOT && can_go(n) &&
                !fl_node_protected(w, pool->nodes[i], gone_at(w, p)) &&
                (share < 0 || gsl_rng_uniform(fl_luck(w, "shock", key)) < share)) {
                victims[count++] = (victim){pool->nodes[i], p, n->ordinal};
            }
        }
    }
    if (share < 0) {
        size_t excess = keep < 0 ? (size_t)-keep : 0;

        qsort(victims, count, sizeof *victims, youngest_first);
        count = excess < count ? excess : count;
    }
    take_all(w, victims, count);
    free(victims);
}

static void stock_drops(fl_world *w, uint32_t index)
{
    stock *s = &w->supply->stocks[index];

    s->up = false;
    s->level = 0;
    spell_begin(w, s);
    stock_arm(w, s);
    take(w, index, s->sc->stock->take_share, 0);
}

/* A shock that began in one zone reaches the other zones of the region, not farther. */
static void shock_spreads(fl_world *w, uint32_t from)
{
    const fl_supply *u = w->supply;
    const stock *s = &u->stocks[from];
    uint64_t spell = s->spell;

    for (uint32_t i = 0; i < u->stock_count; i++) {
        const stock *other = &u->stocks[i];
        bool near = i != from && other->region == s->region && other->sc->stock != NULL && other->up &&
                    strcmp(other->provider, s->provider) == 0 && strcmp(gpu_of(other->sc), gpu_of(s->sc)) == 0;

        if (near &&
            gsl_rng_uniform(fl_luck(w, "spread", fl_mix(s->key ^ other->key, spell))) < s->sc->stock->spread_share) {
            stock_drops(w, i);
        }
    }
}

static void stock_event(fl_world *w, uint32_t index)
{
    stock *s = &w->supply->stocks[index];
    int32_t before = s->level;

    if (s->spell_end_ns <= w->now && s->up) {
        stock_drops(w, index);
        shock_spreads(w, index);
        return;
    }
    if (s->spell_end_ns <= w->now) {
        s->up = true;
        spell_begin(w, s);
    }
    s->level = level_now(w, s);
    stock_arm(w, s);
    if (s->level < before) {
        take(w, index, -1, s->level);
    }
}

/* --- prices ------------------------------------------------------------------------------------------------------ */

static void price_event(fl_world *w, uint32_t pool)
{
    supply_pool *u = &w->supply->pools[pool];
    const sc_pool *sc = w->pools[pool].sc;
    uint64_t key = fl_mix(w->pools[pool].key, u->walk_step++);

    if (sc->walk != NULL) {
        gsl_rng *luck = fl_luck(w, "price", key);

        u->walk_x = u->walk_step == 1 ? mdl_walk_start(sc->walk, luck) : mdl_walk_next(sc->walk, u->walk_x, luck);
        fl_bill_price(w, pool, mdl_walk_price(sc->walk, sc->price_uusd_per_gpu_h, u->walk_x));
        evq_set(w->queue, u->price_slot, w->now + fl_ns(sc->walk->step_s), EVQ_LIFECYCLE);
    } else {
        const mdl_stock_trace *record = sc->stock_record;
        size_t step = (size_t)(w->now / record->step_ns);
        double share =
            (double)record->price_uusd[step < record->count ? step : record->count - 1] / (double)u->record_mean_uusd;

        fl_bill_price(w, pool, llround((double)sc->price_uusd_per_gpu_h * share));
        evq_set(w->queue, u->price_slot, mdl_stock_trace_next(record, w->now), EVQ_LIFECYCLE);
    }
}

static bool price_init(fl_world *w, uint32_t pool)
{
    supply_pool *u = &w->supply->pools[pool];
    const sc_pool *sc = w->pools[pool].sc;
    bool replay = sc->walk == NULL && sc->stock_record != NULL && sc->stock_record->price_uusd != NULL;

    u->price_slot = FL_NONE;
    if (sc->capacity != SPW_CAPACITY_SPOT || (sc->walk == NULL && !replay)) {
        return true;
    }
    if (replay) {
        fl_wide sum = 0;

        for (size_t i = 0; i < sc->stock_record->count; i++) {
            sum += sc->stock_record->price_uusd[i];
        }
        u->record_mean_uusd = (int64_t)(sum / (fl_wide)sc->stock_record->count);
    }
    u->price_slot = fl_slot_new(w, FL_OWNER_SUPPLY, w->supply->stock_count + pool);
    if (u->price_slot != FL_NONE) {
        price_event(w, pool);
    }
    return u->price_slot != FL_NONE;
}

/* --- orders ------------------------------------------------------------------------------------------------------ */

bool fl_supply_may_order(fl_world *w, uint32_t pool)
{
    const sc_pool *sc = w->pools[pool].sc;
    supply_pool *u;

    if (sc->order_batch == 0) {
        return true;
    }
    u = &w->supply->pools[pool];
    if (w->now >= u->order_end_ns) {
        u->order_end_ns = w->now + sc->order_every_ns;
        u->ordered = 0;
    }
    if (u->ordered < sc->order_batch) {
        u->ordered++;
        return true;
    }
    evq_set(w->queue, u->order_slot, u->order_end_ns, EVQ_LIFECYCLE);
    return false;
}

static bool quota_reached(const fl_world *w, uint32_t pool)
{
    const sc_pool *sc = w->pools[pool].sc;
    const sc_cluster *cluster = &w->sc->clusters[w->pools[pool].cluster];

    for (int32_t i = 0; i < w->sc->quota_count; i++) {
        const sc_quota *q = &w->sc->quotas[i];
        int64_t gpus = sc->gpus_per_node;

        if (q->gpu != sc->gpu || q->region != cluster->region || strcmp(q->provider, cluster->provider) != 0) {
            continue;
        }
        for (int32_t p = 0; p < w->sc->pool_count; p++) {
            const fl_pool *other = &w->pools[p];
            const sc_cluster *at = &w->sc->clusters[other->cluster];

            gpus += is_elastic(other->sc) && other->sc->gpu == q->gpu && at->region == q->region &&
                            strcmp(at->provider, q->provider) == 0
                        ? other->alive * other->sc->gpus_per_node
                        : 0;
        }
        if (gpus > q->gpus) {
            return true;
        }
    }
    return false;
}

bool fl_supply_grants(fl_world *w, uint32_t pool)
{
    uint32_t s = w->supply->pools[pool].stock;

    if (!is_elastic(w->pools[pool].sc)) {
        return true;
    }
    if (s != FL_NONE && held_of(w, s) >= w->supply->stocks[s].level) {
        w->run->pools[pool].refused_stock++;
        return false;
    }
    if (quota_reached(w, pool)) {
        w->run->pools[pool].refused_quota++;
        return false;
    }
    return true;
}

int32_t fl_supply_told(fl_world *w, uint32_t pool, int64_t *told_ns)
{
    supply_pool *u = &w->supply->pools[pool];
    const sc_pool *sc = w->pools[pool].sc;

    if (u->stock == FL_NONE || sc->stock_seen_ns == 0) {
        *told_ns = w->now;
        return -1;
    }
    if (u->seen < 0 || w->now >= u->seen_ns + sc->stock_seen_ns) {
        int32_t level = w->supply->stocks[u->stock].level;
        int64_t left = level == MDL_STOCK_ANY ? -1 : level - held_of(w, u->stock);

        u->seen = left > 0 ? (int32_t)left : level == MDL_STOCK_ANY ? -1 : 0;
        u->seen_ns = w->now;
    }
    *told_ns = u->seen_ns;
    return u->seen;
}

bool fl_supply_tells(const fl_world *w)
{
    return w->supply->told;
}

void fl_supply_event(fl_world *w, uint32_t index)
{
    uint32_t stocks = w->supply->stock_count;
    uint32_t pools = (uint32_t)w->sc->pool_count;

    if (index < stocks) {
        stock_event(w, index);
    } else if (index < stocks + pools) {
        price_event(w, index - stocks);
    } else {
        evq_clear(w->queue, w->supply->pools[index - stocks - pools].order_slot);
        fl_pool_settle(w, index - stocks - pools);
    }
}

static bool stocks_init(fl_world *w)
{
    fl_supply *u = w->supply;

    for (uint32_t p = 0; p < (uint32_t)w->sc->pool_count; p++) {
        const sc_pool *sc = w->pools[p].sc;
        bool has = is_elastic(sc) && (sc->stock != NULL || sc->stock_record != NULL);

        u->pools[p].seen = -1;
        u->pools[p].stock = has ? stock_of(w, p) : FL_NONE;
        u->told = u->told || (has && sc->stock_seen_ns > 0);
    }
    for (uint32_t i = 0; i < u->stock_count; i++) {
        stock *s = &u->stocks[i];

        if (s->slot == FL_NONE) {
            return false;
        }
        if (s->sc->stock_record == NULL) {
            s->up = mdl_stock_start(s->sc->stock, fl_luck(w, "stock", fl_mix(s->key, 0))) != 0;
            spell_begin(w, s);
        }
        s->level = level_now(w, s);
        stock_arm(w, s);
    }
    return true;
}

bool fl_supply_init(fl_world *w)
{
    uint32_t pools = (uint32_t)w->sc->pool_count;

    w->supply = calloc(1, sizeof *w->supply);
    if (w->supply == NULL) {
        return false;
    }
    w->supply->stocks = calloc(pools + 1, sizeof *w->supply->stocks);
    w->supply->pools = calloc(pools + 1, sizeof *w->supply->pools);
    if (w->supply->stocks == NULL || w->supply->pools == NULL || !stocks_init(w)) {
        return false;
    }
    for (uint32_t p = 0; p < pools; p++) {
        supply_pool *u = &w->supply->pools[p];

        if (!price_init(w, p)) {
            return false;
        }
        u->order_slot = FL_NONE;
        if (w->pools[p].sc->order_batch > 0) {
            u->order_slot = fl_slot_new(w, FL_OWNER_SUPPLY, w->supply->stock_count + pools + p);
            if (u->order_slot == FL_NONE) {
                return false;
            }
        }
    }
    return true;
}

void fl_supply_fini(fl_world *w)
{
    if (w->supply != NULL) {
        free(w->supply->stocks);
        free(w->supply->pools);
        free(w->supply);
        w->supply = NULL;
    }
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * delivery.c - images and weights on their way to the nodes: who has what, who fetches it from where, how fast.
 *
 * Content is files by digest (image layers, weights). A node keeps them on its disk (models/delivery/cache.h); what a
 * replica lacks is fetched, each file once a node, however many wait for it. A transfer crosses
 *   the node's unpacking (layers only: a rate drawn for the node from pull_gb_per_s of its lag), its NIC, and
 *   the region's registry; where the region has none, or nothing was replicated yet, the origin registry as well, which
 *   gives nothing before images are published: whoever asks it waits until then;
 *   with peers: the swarm of the region for that file instead, as soon as somebody there has it or fetches it.
 * All share in max-min fashion (models/delivery/flows.h).
 *
 * Swarm: whoever has or fetches a file gives peer_rate to the others, so it carries peer_rate x (holders + fetchers).
 * One fetch a region goes to a registry; nobody who feeds on it is done before it is. (Fluid form of Dragonfly's
 * pieces: a copy costs the registry once a region. A node's uploads of different files do not compete.)
 *
 * A node that is gone, or that a fault holds, gives nothing to anybody and gets nothing: what was on its way to it is
 * cut short, who fed on it goes on with the others or at a registry. What stands on its disk is there again with the
 * node.
 *
 * A prefetch makes the nodes of a cluster, present and future, fetch a workload's files before any replica asks; where
 * no node is up, a seed of the region fetches them: a peer, or the regional registry pulling them through.
 *
 * Bytes that leave a registry for another region or provider and the room in registries cost money: part of the egress
 * cost. They count as they go: what is cut short costs what it has had, in the warm-up nothing.
 */
#include "models/delivery/cache.h"
#include "models/delivery/flows.h"
#include "sim/fleet/world.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NONE (-1)

/** A file on its way to a node, or (node FL_NONE) to the seed of a region. */
typedef struct fetch {
    bool used, source, is_layer; /**< source: feeds on a registry */
    uint32_t node;
    uint32_t swarm;
    int64_t bytes;
    int32_t flow;     /**< NONE = all pieces are here but for those the swarm's source has yet to get */
    fl_wide *meter;   /**< of what leaves a registry for it; NULL: it costs nothing */
    double unmetered; /**< bytes to go when it was last read, or at the end of the warm-up */
} fetch;

/** A file within a region. */
typedef struct swarm {
    uint64_t digest;
    int32_t region;
    int32_t link;
    int32_t source; /**< fetch that feeds on a registry, NONE */
    bool seeded;    /**< the region's seed has it */
} swarm;

typedef struct disk {
    mdl_cache *cache; /**< NULL = no node here */
    int32_t nic, unpack;
    bool held; /**< by a fault: neither gives nor gets */
} disk;

struct fl_delivery {
    const sc_delivery *sc;
    mdl_flows *flows;
    uint32_t slot;
    int32_t origin_link;
    bool open;            /**< the origin has what it is asked for */
    int32_t *region_link; /**< [region_count] */
    disk *disks;          /**< [disk_cap], by node row */
    uint32_t disk_cap;
    fetch *fetches;
    uint32_t fetch_cap;
    swarm *swarms;
    uint32_t swarm_count, swarm_cap;
    bool *wanted;    /**< [service_count * cluster_count] prefetched there */
    fl_wide *copied; /**< [region_count] bytes from the origin to its registry or seed, since warm-up */
    fl_wide *pulled; /**< [cluster_count] bytes from the origin to its nodes */
    fl_wide *local;  /**< [cluster_count] bytes from the registry of its region to its nodes */
};

static int32_t region_of(const fl_world *w, uint32_t node)
{
    return w->sc->clusters[w->pools[w->nodes[node].pool].cluster].region;
}

static uint32_t swarm_of(fl_world *w, int32_t region, uint64_t digest)
{
    fl_delivery *d = w->delivery;
    void *rows = d->swarms;

    for (uint32_t i = 0; i < d->swarm_count; i++) {
        if (d->swarms[i].region == region && d->swarms[i].digest == digest) {
            return i;
        }
    }
    if (!fl_grow(w, &rows, &d->swarm_cap, d->swarm_count + 1, sizeof *d->swarms)) {
        return FL_NONE;
    }
    d->swarms = rows;
    d->swarms[d->swarm_count] = (swarm){digest, region, mdl_flows_link(d->flows, d->sc->peer_rate), NONE, false};
    return d->swarm_count++;
}

static int64_t holders(const fl_world *w, const swarm *s)
{
    const fl_delivery *d = w->delivery;
    int64_t count = s->seeded ? 1 : 0;

    for (uint32_t n = 0; n < d->disk_cap; n++) {
        count += d->disks[n].cache != NULL && !d->disks[n].held && region_of(w, n) == s->region &&
                 mdl_cache_has(d->disks[n].cache, s->digest);
    }
    return count;
}

static void swarm_refresh(fl_world *w, uint32_t index)
{
    fl_delivery *d = w->delivery;
    const swarm *s = &d->swarms[index];
    int64_t givers = 0;

    if (!d->sc->peers) {
        return;
    }
    givers = holders(w, s);
    for (uint32_t i = 0; i < d->fetch_cap; i++) {
        givers += d->fetches[i].used && d->fetches[i].swarm == index ? 1 : 0;
    }
    mdl_flows_link_set(d->flows, w->now, s->link, d->sc->peer_rate * (double)(givers > 0 ? givers : 1));
}

static void arm(fl_world *w)
{
    const fl_delivery *d = w->delivery;
    int64_t next = mdl_flows_next(d->flows);

    next = !d->open && d->sc->published_ns < next ? d->sc->published_ns : next;
    evq_set(w->queue, d->slot, next, EVQ_LIFECYCLE);
}

static void origin_opens(fl_world *w)
{
    fl_delivery *d = w->delivery;

    if (!d->open && w->now >= d->sc->published_ns) {
        d->open = true;
        mdl_flows_link_set(d->flows, w->now, d->origin_link, d->sc->origin_rate);
    }
}

/* Of bytes that leave a registry: that of the region, if the file is there, or the origin. */
static fl_wide *meter_of(const fl_world *w, const fetch *f, int32_t region, bool replicated)
{
    const fl_delivery *d = w->delivery;

    if (f->node == FL_NONE) {
        return replicated ? NULL : &d->copied[region];
    }
    return &(replicated ? d->local : d->pulled)[w->pools[w->nodes[f->node].pool].cluster];
}

/* Bytes that have left since its meter was read. */
static fl_wide unread(const fetch *f, double left)
{
    return (fl_wide)llround(f->unmetered - left);
}

/* Reads the meter of a fetch that has come, or that is cut short with so much left. */
static void meter_read(const fl_world *w, fetch *f, double left)
{
    if (f->meter != NULL && w->counting) {
        *f->meter += unread(f, left);
    }
    f->meter = NULL;
}

/* Takes a fetch off the wire. @return bytes that have not come */
static double cut(fl_world *w, fetch *f)
{
    const double left = mdl_flows_left(w->delivery->flows, w->now, f->flow);

    mdl_flows_remove(w->delivery->flows, w->now, f->flow);
    meter_read(w, f, left);
    f->flow = NONE;
    return left;
}

/* Puts a fetch on the wire for `bytes`. */
static void launch(fl_world *w, uint32_t index, double bytes, bool source)
{
    fl_delivery *d = w->delivery;
    fetch *f = &d->fetches[index];
    const swarm *s = &d->swarms[f->swarm];
    bool replicated = (d->sc->regional && w->now >= d->sc->replicated_ns) || s->seeded;
    int32_t links[MDL_FLOW_LINKS];
    int32_t count = 0;

    if (f->node != FL_NONE) {
        links[count++] = d->disks[f->node].nic;
        if (f->is_layer) {
            links[count++] = d->disks[f->node].unpack;
        }
    }
    f->source = source;
    if (!source) {
        links[count++] = s->link;
    } else {
        links[count++] = d->region_link[s->region];
        if (!replicated) {
            links[count++] = d->origin_link;
        }
        f->meter = meter_of(w, f, s->region, replicated);
        f->unmetered = bytes;
        d->swarms[f->swarm].source = (int32_t)index;
    }
    f->flow = mdl_flows_add(d->flows, w->now, bytes, f->node == FL_NONE ? d->sc->nic_rate : 0.0, links, count);
    w->no_memory = w->no_memory || f->flow < 0;
}

static bool under_way(const fl_world *w, uint32_t node, uint32_t swarm_index)
{
    const fl_delivery *d = w->delivery;

    for (uint32_t i = 0; i < d->fetch_cap; i++) {
        if (d->fetches[i].used && d->fetches[i].swarm == swarm_index && d->fetches[i].node == node) {
            return true;
        }
    }
    return false;
}

/* What fed on a source that is gone goes on: the first of them takes its place at the registry, for what was left. */
static void source_lost(fl_world *w, uint32_t swarm_index, double left)
{
    fl_delivery *d = w->delivery;

    if (holders(w, &d->swarms[swarm_index]) > 0) {
        for (uint32_t i = 0; i < d->fetch_cap; i++) { /* who has waited only for its last pieces gets them from there */
            if (d->fetches[i].used && d->fetches[i].swarm == swarm_index && d->fetches[i].flow == NONE) {
                launch(w, i, left, false);
            }
        }
        return;
    }
    for (uint32_t i = 0; i < d->fetch_cap; i++) {
        fetch *f = &d->fetches[i];

        if (f->used && f->swarm == swarm_index) {
            if (f->flow != NONE) {
                double own = cut(w, f);

                left = own > left ? own : left;
            }
            launch(w, i, left, true);
            return;
        }
    }
}

/* Somebody has let go of files, is gone or comes back: who downloads what nobody has any more gets a source. */
static void givers_changed(fl_world *w)
{
    fl_delivery *d = w->delivery;

    for (uint32_t s = 0; d->sc->peers && s < d->swarm_count; s++) {
        if (d->swarms[s].source == NONE && holders(w, &d->swarms[s]) == 0) {
            source_lost(w, s, 0.0);
        }
        swarm_refresh(w, s);
    }
}

static void fetch_start(fl_world *w, uint32_t node, int32_t region, const sc_part *part, bool is_layer)
{
    fl_delivery *d = w->delivery;
    uint32_t s = swarm_of(w, region, part->digest);
    void *rows = d->fetches;
    uint32_t i = 0;
    bool peers;

    if (s == FL_NONE || under_way(w, node, s)) {
        return;
    }
    while (i < d->fetch_cap && d->fetches[i].used) {
        i++;
    }
    if (!fl_grow(w, &rows, &d->fetch_cap, i + 1, sizeof *d->fetches)) {
        return;
    }
    d->fetches = rows;
    peers = d->sc->peers && (d->swarms[s].source != NONE || holders(w, &d->swarms[s]) > 0);
    d->fetches[i] =
        (fetch){.used = true, .is_layer = is_layer, .node = node, .swarm = s, .bytes = part->bytes, .flow = NONE};
    launch(w, i, (double)part->bytes, !peers);
    swarm_refresh(w, s);
    arm(w);
}

/* A file has come to a node's disk, where others may have had to go for it. */
static void stored(fl_world *w, uint32_t node, uint64_t digest, int64_t bytes)
{
    mdl_cache *cache = w->delivery->disks[node].cache;
    size_t count = mdl_cache_count(cache);

    if (!mdl_cache_put(cache, digest, bytes)) {
        w->no_memory = true;
    } else if (mdl_cache_count(cache) <= count) {
        givers_changed(w);
    }
}

static void arrived(fl_world *w, uint32_t index)
{
    fl_delivery *d = w->delivery;
    fetch f = d->fetches[index];

    d->fetches[index].used = false;
    if (d->swarms[f.swarm].source == (int32_t)index) {
        d->swarms[f.swarm].source = NONE;
    }
    if (f.node == FL_NONE) {
        d->swarms[f.swarm].seeded = true;
    } else {
        stored(w, f.node, d->swarms[f.swarm].digest, f.bytes);
    }
}

static void node_hears(fl_world *w, uint32_t node)
{
    for (uint32_t r = node != FL_NONE ? w->nodes[node].first_replica : FL_NONE; r != FL_NONE;) {
        uint32_t next = w->replicas[r].node_next;

        fl_replica_delivered(w, r);
        r = next;
    }
}

/* A fetch has all its pieces: it is done, unless the source it feeds on is not; then others may be done with it. */
static void pieces_complete(fl_world *w, uint32_t index)
{
    fl_delivery *d = w->delivery;
    uint32_t s = d->fetches[index].swarm;
    uint32_t node = d->fetches[index].node;
    bool source = d->fetches[index].source;

    if (!source && d->swarms[s].source != NONE) {
        return;
    }
    arrived(w, index);
    node_hears(w, node);
    for (uint32_t i = 0; source && i < d->fetch_cap; i++) {
        if (d->fetches[i].used && d->fetches[i].swarm == s && d->fetches[i].flow == NONE) {
            node = d->fetches[i].node;
            arrived(w, i);
            node_hears(w, node);
        }
    }
    swarm_refresh(w, s);
}

void fl_delivery_event(fl_world *w)
{
    fl_delivery *d = w->delivery;
    int32_t flow;

    origin_opens(w);
    while ((flow = mdl_flows_pop(d->flows, w->now)) >= 0) {
        uint32_t i = 0;

        while (!d->fetches[i].used || d->fetches[i].flow != flow) {
            i++;
            FL_CHECK(w, i < d->fetch_cap);
        }
        d->fetches[i].flow = NONE;
        meter_read(w, &d->fetches[i], 0.0);
        pieces_complete(w, i);
    }
    arm(w);
}

bool fl_delivery_complete(fl_world *w, uint32_t replica, bool weights)
{
    const fl_replica *r = &w->replicas[replica];
    const sc_service *sc = w->services[r->service].sc;
    const mdl_cache *cache = w->delivery->disks[r->node].cache;
    const sc_part *parts = weights ? &sc->weights : sc->layers;
    int32_t count = weights ? 1 : sc->layer_count;
    bool all = true;

    for (int32_t i = 0; i < count; i++) {
        if (parts[i].bytes > 0 && !mdl_cache_has(cache, parts[i].digest)) {
            all = false;
            fetch_start(w, r->node, region_of(w, r->node), &parts[i], !weights);
        }
    }
    return all;
}

void fl_delivery_pin(fl_world *w, uint32_t replica, bool in_use)
{
    const fl_replica *r = &w->replicas[replica];
    const sc_service *sc = w->services[r->service].sc;
    mdl_cache *cache = w->delivery->disks[r->node].cache;
    size_t count = mdl_cache_count(cache);

    for (int32_t i = 0; i <= sc->layer_count; i++) {
        uint64_t digest = i < sc->layer_count ? sc->layers[i].digest : sc->weights.digest;

        if (!in_use) {
            mdl_cache_unpin(cache, digest);
        } else if (!mdl_cache_pin(cache, digest)) {
            w->no_memory = true;
        }
    }
    if (mdl_cache_count(cache) < count) {
        givers_changed(w);
        arm(w);
    }
}

void fl_delivery_present(fl_world *w, uint32_t replica)
{
    const fl_replica *r = &w->replicas[replica];
    const sc_service *sc = w->services[r->service].sc;
    mdl_cache *cache = w->delivery->disks[r->node].cache;
    bool ok = sc->weights.bytes == 0 || mdl_cache_put(cache, sc->weights.digest, sc->weights.bytes);

    for (int32_t i = 0; i < sc->layer_count; i++) {
        ok = mdl_cache_put(cache, sc->layers[i].digest, sc->layers[i].bytes) && ok;
    }
    w->no_memory = w->no_memory || !ok;
}

/* --- prefetch ---------------------------------------------------------------------------------------------------- */

static void service_to(fl_world *w, const sc_service *sc, uint32_t node, int32_t region)
{
    const mdl_cache *cache = node != FL_NONE ? w->delivery->disks[node].cache : NULL;

    for (int32_t i = 0; i <= sc->layer_count; i++) {
        const sc_part *part = i < sc->layer_count ? &sc->layers[i] : &sc->weights;
        uint32_t swarm_index = swarm_of(w, region, part->digest);
        bool seeded = node == FL_NONE && swarm_index != FL_NONE && w->delivery->swarms[swarm_index].seeded;

        if (part->bytes > 0 && !seeded && (cache == NULL || !mdl_cache_has(cache, part->digest))) {
            fetch_start(w, node, region, part, i < sc->layer_count);
        }
    }
}

void fl_delivery_prefetch(fl_world *w, uint32_t service, uint32_t cluster, bool wanted)
{
    const sc_cluster *sc = &w->sc->clusters[cluster];
    const fl_service *s = &w->services[service];
    bool any = false;

    if (w->delivery == NULL) {
        return;
    }
    w->delivery->wanted[service * (uint32_t)w->sc->cluster_count + cluster] = wanted;
    for (int32_t p = sc->pool_first; wanted && p < sc->pool_first + sc->pool_count; p++) {
        for (uint32_t i = 0; s->pool_ok[p] && i < w->pools[p].count; i++) {
            uint32_t node = w->pools[p].nodes[i];

            if (w->nodes[node].state == FL_NODE_UP) {
                any = true;
                service_to(w, s->sc, node, sc->region);
            }
        }
    }
    if (wanted && !any) {
        service_to(w, s->sc, FL_NONE, sc->region);
    }
}

void fl_delivery_preheat(fl_world *w)
{
    for (int32_t c = 0; w->delivery != NULL && c < w->sc->cluster_count; c++) {
        for (int32_t s = 0; w->delivery->sc->preheat[c] && s < w->sc->service_count; s++) {
            fl_delivery_prefetch(w, (uint32_t)s, (uint32_t)c, true);
            service_to(w, w->services[s].sc, FL_NONE, w->sc->clusters[c].region);
        }
    }
}

/* --- nodes ------------------------------------------------------------------------------------------------------- */

/* What is prefetched to a node of its kind. */
static void wanted_to(fl_world *w, uint32_t node)
{
    const fl_delivery *d = w->delivery;
    const uint32_t pool = w->nodes[node].pool;

    for (int32_t s = 0; w->services != NULL && s < w->sc->service_count; s++) {
        const fl_service *service = &w->services[s];

        if (d->wanted[(uint32_t)(s * w->sc->cluster_count) + w->pools[pool].cluster] && service->pool_ok[pool]) {
            service_to(w, service->sc, node, region_of(w, node));
        }
    }
}

/* Cuts short what is on its way to a node. */
static void fetches_drop(fl_world *w, uint32_t node)
{
    fl_delivery *d = w->delivery;

    for (uint32_t i = 0; i < d->fetch_cap; i++) {
        fetch *f = &d->fetches[i];
        double left = 0.0;

        if (!f->used || f->node != node) {
            continue;
        }
        if (f->flow != NONE) {
            left = cut(w, f);
        }
        f->used = false;
        if (d->swarms[f->swarm].source == (int32_t)i) {
            d->swarms[f->swarm].source = NONE;
            if (d->sc->peers) {
                source_lost(w, f->swarm, left);
            }
        }
    }
}

void fl_delivery_node_held(fl_world *w, uint32_t node, bool held)
{
    fl_delivery *d = w->delivery;

    if (d == NULL || node >= d->disk_cap || d->disks[node].cache == NULL || d->disks[node].held == held) {
        return;
    }
    d->disks[node].held = held;
    if (held) {
        fetches_drop(w, node);
    }
    givers_changed(w);
    if (!held && w->nodes[node].state != FL_NODE_NOTICE) {
        wanted_to(w, node);
    }
    arm(w);
}

void fl_delivery_node_up(fl_world *w, uint32_t node)
{
    fl_delivery *d = w->delivery;
    const fl_node *n = &w->nodes[node];
    const fl_pool *pool = &w->pools[n->pool];
    void *rows;
    disk *at;
    double unpack;

    if (d == NULL) {
        return;
    }
    rows = d->disks;
    if (!fl_grow(w, &rows, &d->disk_cap, node + 1, sizeof *d->disks)) {
        return;
    }
    d->disks = rows;
    at = &d->disks[node];
    unpack = mdl_law_draw(&pool->sc->lag.pull_gb_per_s, fl_luck(w, "unpack", fl_mix(pool->key, n->ordinal))) * 1e9;
    at->cache = mdl_cache_new(d->sc->cache_bytes);
    at->nic = mdl_flows_link(d->flows, d->sc->nic_rate);
    at->unpack = mdl_flows_link(d->flows, unpack > 1.0 ? unpack : 1.0);
    if (at->cache == NULL || at->nic < 0 || at->unpack < 0) {
        w->no_memory = true;
        return;
    }
    at->held = false;
    wanted_to(w, node);
}

void fl_delivery_node_gone(fl_world *w, uint32_t node)
{
    fl_delivery *d = w->delivery;

    if (d == NULL || node >= d->disk_cap || d->disks[node].cache == NULL) {
        return;
    }
    mdl_cache_free(d->disks[node].cache);
    d->disks[node].cache = NULL;
    fetches_drop(w, node);
    mdl_flows_link_remove(d->flows, d->disks[node].nic);
    mdl_flows_link_remove(d->flows, d->disks[node].unpack);
    givers_changed(w);
    arm(w);
}

/* --- money ------------------------------------------------------------------------------------------------------- */

/* Bytes of the different files of all services. */
static int64_t library_bytes(const fl_world *w)
{
    int64_t sum = 0;

    for (int32_t s = 0; s < w->sc->service_count; s++) {
        const sc_service *sc = w->services[s].sc;

        for (int32_t i = 0; i <= sc->layer_count; i++) {
            const sc_part *part = i < sc->layer_count ? &sc->layers[i] : &sc->weights;
            bool seen = false;

            for (int32_t t = 0; t < s && !seen; t++) {
                const sc_service *other = w->services[t].sc;

                for (int32_t k = 0; k <= other->layer_count && !seen; k++) {
                    seen = part->digest == (k < other->layer_count ? other->layers[k].digest : other->weights.digest);
                }
            }
            sum += seen ? 0 : part->bytes;
        }
    }
    return sum;
}

/* A region with a cluster, other than the origin's: its registry has a copy. */
static bool has_copy(const fl_world *w, int32_t region)
{
    bool has = false;

    for (int32_t c = 0; c < w->sc->cluster_count; c++) {
        has = has || w->sc->clusters[c].region == region;
    }
    return has && region != w->delivery->sc->origin;
}

void fl_delivery_warm(fl_world *w)
{
    fl_delivery *d = w->delivery;

    for (uint32_t i = 0; d != NULL && i < d->fetch_cap; i++) {
        fetch *f = &d->fetches[i];

        if (f->used && f->flow != NONE) {
            f->unmetered = mdl_flows_left(d->flows, w->now, f->flow);
        }
    }
}

/* What a meter would show, read now. */
static fl_wide metered(const fl_world *w, const fl_wide *meter)
{
    const fl_delivery *d = w->delivery;
    fl_wide bytes = *meter;

    for (uint32_t i = 0; i < d->fetch_cap; i++) {
        const fetch *f = &d->fetches[i];

        if (f->used && f->flow != NONE && f->meter == meter) {
            bytes += unread(f, mdl_flows_left(d->flows, w->now, f->flow));
        }
    }
    return bytes;
}

/* Of what has left the registries since warm-up; `copies`: bytes that every copy has had. */
static int64_t moved_cost(const fl_world *w, fl_wide copies)
{
    const fl_delivery *d = w->delivery;
    int64_t sum = 0;

    for (int32_t r = 0; r < w->sc->region_count; r++) {
        sum += mdl_egress_uusd(metered(w, &d->copied[r]) + (has_copy(w, r) ? copies : 0), d->sc->copy_uusd_per_gb[r]);
    }
    for (int32_t c = 0; c < w->sc->cluster_count; c++) {
        sum += mdl_egress_uusd(metered(w, &d->pulled[c]), d->sc->pull_uusd_per_gb[c]) +
               mdl_egress_uusd(metered(w, &d->local[c]), d->sc->local_uusd_per_gb[c]);
    }
    return sum;
}

int64_t fl_delivery_cost(const fl_world *w)
{
    const fl_delivery *d = w->delivery;
    int64_t kept_ns, copied_ns;
    int64_t bytes;
    fl_wide copies = 0;
    fl_wide stored;

    if (d == NULL || !w->counting) {
        return 0;
    }
    bytes = library_bytes(w);
    kept_ns = d->sc->published_ns > w->warmup_ns ? d->sc->published_ns : w->warmup_ns;
    copied_ns = d->sc->replicated_ns > w->warmup_ns ? d->sc->replicated_ns : w->warmup_ns;
    stored = w->now > kept_ns ? (fl_wide)bytes * (w->now - kept_ns) : 0;
    if (d->sc->regional && w->now >= copied_ns) {
        for (int32_t r = 0; r < w->sc->region_count; r++) {
            stored += has_copy(w, r) ? (fl_wide)bytes * (w->now - copied_ns) : 0;
        }
        copies = d->sc->replicated_ns > w->warmup_ns ? bytes : 0;
    }
    return moved_cost(w, copies) + mdl_storage_uusd(stored, d->sc->storage_uusd_per_gb_month);
}

bool fl_delivery_init(fl_world *w)
{
    size_t cells = (size_t)w->sc->service_count * (size_t)w->sc->cluster_count;
    fl_delivery *d;

    if (w->sc->delivery == NULL) {
        return true;
    }
    d = calloc(1, sizeof *d);
    w->delivery = d;
    if (d == NULL) {
        return false;
    }
    d->sc = w->sc->delivery;
    d->flows = mdl_flows_new();
    d->region_link = calloc((size_t)w->sc->region_count + 1, sizeof *d->region_link);
    d->wanted = calloc(cells + 1, sizeof *d->wanted);
    d->copied = calloc((size_t)w->sc->region_count + 1, sizeof *d->copied);
    d->pulled = calloc((size_t)w->sc->cluster_count + 1, sizeof *d->pulled);
    d->local = calloc((size_t)w->sc->cluster_count + 1, sizeof *d->local);
    d->slot = fl_slot_new(w, FL_OWNER_DELIVERY, 0);
    if (d->flows == NULL || d->region_link == NULL || d->wanted == NULL || d->copied == NULL || d->pulled == NULL ||
        d->local == NULL || d->slot == FL_NONE) {
        return false;
    }
    d->open = d->sc->published_ns == 0;
    d->origin_link = mdl_flows_link(d->flows, d->open ? d->sc->origin_rate : 0.0);
    for (int32_t r = 0; r < w->sc->region_count; r++) {
        d->region_link[r] = mdl_flows_link(d->flows, d->sc->region_rate);
        if (d->region_link[r] < 0) {
            return false;
        }
    }
    arm(w);
    return d->origin_link >= 0;
}

void fl_delivery_fini(fl_world *w)
{
    fl_delivery *d = w->delivery;

    if (d == NULL) {
        return;
    }
    for (uint32_t i = 0; i < d->disk_cap; i++) {
        mdl_cache_free(d->disks[i].cache);
    }
    mdl_flows_free(d->flows);
    free(d->region_link);
    free(d->disks);
    free(d->fetches);
    free(d->swarms);
    free(d->wanted);
    free(d->copied);
    free(d->pulled);
    free(d->local);
    free(d);
    w->delivery = NULL;
}

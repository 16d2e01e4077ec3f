/* SPDX-License-Identifier: GPL-3.0-or-later */
/* resolve_supply.c - what providers have to give and for what price, and how images get to the nodes. */
#include "sim/scenario/resolve.h"

#include <math.h>
#include <string.h>

#include "sched/manifest/suggest.h"
#include "sim/scenario/hash.h"
#include "sim/scenario/stock_record.h"

#define MARKET_DEFAULT "default" /* row of tables/markets.csv for spot pools that name none */
#define MARKET_NONE    "none"

static void resolve_market(resolve *r, const spec_pool *spec, sc_pool *pool)
{
    const char *name = spec->market != NULL ? spec->market : MARKET_DEFAULT;
    const bool none = strcmp(name, MARKET_NONE) == 0;
    const table_market *market = tables_market(r->tables, none ? MARKET_DEFAULT : name);
    if (market == NULL) {
        resolve_unknown(r, spec->market_node != NULL ? spec->market_node : spec->self, "market", name, TABLES_MARKETS);
        return;
    }
    pool->notice_s = market->market.notice_s;
    pool->has_market = !none;
    pool->market = none ? (mdl_market){0} : market->market;
}

static void resolve_record(resolve *r, const spec_pool *spec, sc_pool *pool)
{
    char err[1024];
    csv_message message = {err, sizeof err};
    mdl_stock_trace *record = zone_take(r->zone, sizeof *record);
    const char *path = resolve_path(r, spec->stock_record);
    if (record == NULL || path == NULL) {
        return;
    }
    *record = (mdl_stock_trace){0};
    if (!stock_record_read(path, r->zone, record, &message)) {
        resolve_foreign(r, err);
        ynode_error(r->diag, spec->stock_record_node, "the record '%s' cannot be used", spec->stock_record);
        return;
    }
    r->hash = hash_bytes(r->hash, &record->step_ns, sizeof record->step_ns);
    r->hash = hash_bytes(r->hash, record->level, record->count * sizeof *record->level);
    if (record->price_uusd != NULL) {
        r->hash = hash_bytes(r->hash, record->price_uusd, record->count * sizeof *record->price_uusd);
    }
    pool->stock_record = record;
    pool->stock_name = path;
}

void resolve_supply(resolve *r, const spec_pool *spec, sc_pool *pool)
{
    pool->stock_seen_ns = spec->stock_seen_ns;
    pool->order_batch = spec->order_batch;
    pool->order_every_ns = spec->order_every_ns;
    if (spec->capacity == SPW_CAPACITY_SPOT) {
        resolve_market(r, spec, pool);
    }
    if (spec->stock_record != NULL) {
        resolve_record(r, spec, pool);
    }
    if (spec->stock != NULL && strcmp(spec->stock, "none") != 0) {
        const table_stock *stock = tables_stock(r->tables, spec->stock);
        if (stock != NULL) {
            pool->stock = &stock->stock;
            pool->stock_name = spec->stock;
        } else {
            resolve_unknown(r, spec->stock_node, "stock", spec->stock, TABLES_STOCKS);
        }
    }
    if (spec->walk != NULL && strcmp(spec->walk, "none") != 0) {
        const table_walk *walk = tables_walk(r->tables, spec->walk);
        if (walk != NULL) {
            pool->walk = &walk->walk;
        } else {
            resolve_unknown(r, spec->walk_node, "price walk", spec->walk, TABLES_WALKS);
        }
    }
}

void resolve_quotas(resolve *r)
{
    const spec_body *spec = r->spec;
    sc_quota *quotas = zone_array(r->zone, spec->quota_count, sizeof *quotas);
    for (size_t i = 0; quotas != NULL && i < spec->quota_count; i++) {
        const spec_quota *q = &spec->quotas[i];
        bool known = false;
        for (size_t c = 0; c < spec->cluster_count; c++) {
            known = known || strcmp(spec->clusters[c].provider, q->provider) == 0;
        }
        if (!known) {
            ynode_error(r->diag, q->provider_node, "no cluster is of provider '%s'", q->provider);
        }
        quotas[i] = (sc_quota){.provider = q->provider,
                               .region = resolve_region(r, q->region, q->region_node),
                               .gpu = tables_gpu(r->tables, q->gpu),
                               .gpus = q->gpus};
        if (quotas[i].gpu == NULL) {
            resolve_unknown(r, q->gpu_node, "GPU", q->gpu, TABLES_GPUS);
        }
    }
    r->sc->quotas = quotas;
    r->sc->quota_count = quotas != NULL ? (int32_t)spec->quota_count : 0;
}

int32_t resolve_cluster_named(resolve *r, const char *name, const ynode *at)
{
    suggest near;
    suggest_init(&near, name);
    for (int32_t c = 0; c < r->sc->cluster_count; c++) {
        if (strcmp(r->sc->clusters[c].name, name) == 0) {
            return c;
        }
        suggest_offer(&near, r->sc->clusters[c].name);
    }
    if (near.best != NULL) {
        ynode_error(r->diag, at, "no cluster '%s' in spec.clusters (did you mean '%s'?)", name, near.best);
    } else {
        ynode_error(r->diag, at, "no cluster '%s' in spec.clusters", name);
    }
    return -1;
}

/* Whoever sends pays: the registries, all of one provider. What nodes give each other within a region costs nothing. */
static void delivery_prices(resolve *r, const spec_delivery *spec, sc_delivery *d)
{
    const ynode *at = spec->provider_node != NULL ? spec->provider_node : spec->self;
    const table_storage *keep = tables_storage(r->tables, spec->provider);
    int64_t *copy = zone_array(r->zone, (size_t)r->sc->region_count + 1, sizeof *copy);
    int64_t *pull = zone_array(r->zone, (size_t)r->sc->cluster_count + 1, sizeof *pull);
    int64_t *local = zone_array(r->zone, (size_t)r->sc->cluster_count + 1, sizeof *local);
    if (keep == NULL) {
        resolve_unknown(r, at, "provider", spec->provider, TABLES_STORAGE);
        return;
    }
    if (copy == NULL || pull == NULL || local == NULL || d->origin < 0) {
        return;
    }
    const char *origin = r->sc->regions[d->origin].name;
    for (int32_t i = 0; i < r->sc->region_count; i++) {
        copy[i] = resolve_way_price(r, spec->provider, origin, spec->provider, r->sc->regions[i].name, at);
    }
    for (int32_t c = 0; c < r->sc->cluster_count; c++) {
        const sc_cluster *to = &r->sc->clusters[c];
        const char *region = to->region >= 0 ? r->sc->regions[to->region].name : origin;
        const char *provider = spec->provider_node != NULL ? to->provider : spec->provider; /* unsaid: no other one */
        pull[c] = resolve_way_price(r, spec->provider, origin, provider, region, at);
        local[c] = resolve_way_price(r, spec->provider, region, provider, region, at);
    }
    d->copy_uusd_per_gb = copy;
    d->pull_uusd_per_gb = pull;
    d->local_uusd_per_gb = local;
    d->storage_uusd_per_gb_month = keep->uusd_per_gb_month;
}

void resolve_delivery(resolve *r)
{
    const spec_delivery *spec = r->spec->delivery;
    sc_delivery *d = spec != NULL ? zone_take(r->zone, sizeof *d) : NULL;
    if (d == NULL) {
        return;
    }
    const table_delivery *row = tables_delivery(r->tables, spec->network);
    *d = (sc_delivery){.regional = spec->regional, .peers = spec->peers};
    d->origin = spec->origin != NULL ? resolve_region(r, spec->origin, spec->origin_node) : 0;
    d->preheat = zone_array(r->zone, (size_t)r->sc->cluster_count + 1, sizeof *d->preheat);
    for (size_t i = 0; d->preheat != NULL && i < spec->preheat_count; i++) {
        int32_t c = resolve_cluster_named(r, spec->preheat[i], spec->preheat_node);
        if (c >= 0) {
            d->preheat[c] = true;
        }
    }
    if (row == NULL) {
        resolve_unknown(r, spec->network_node != NULL ? spec->network_node : spec->self, "delivery network",
                        spec->network, TABLES_DELIVERY);
        return;
    }
    d->origin_rate = row->origin_gb_per_s * 1e9;
    d->region_rate = row->region_gb_per_s * 1e9;
    d->nic_rate = row->nic_gb_per_s * 1e9;
    d->peer_rate = row->peer_gb_per_s * 1e9;
    d->disk_rate = row->disk_gb_per_s * 1e9;
    d->cache_bytes = llround(row->cache_gb * 1e9);
    d->published_ns = spec->has_published ? spec->published_ns : 0;
    d->replicated_ns = spec->has_published ? spec->published_ns + llround(row->replication_lag_s * 1e9) : 0;
    delivery_prices(r, spec, d);
    r->sc->delivery = d;
}

static uint64_t digest_of(const char *kind, const char *name)
{
    const uint64_t hash = hash_bytes(HASH_START, kind, strlen(kind) + 1);
    return hash_bytes(hash, name, strlen(name));
}

/* Of a model the layers that layers.csv has; the image of a station is one file. */
static sc_part *layers_of(resolve *r, const spec_service *spec, sc_service *service)
{
    const bool station = service->engine == SC_ENGINE_STATION;
    size_t count = station ? 1 : tables_count(r->tables, TABLES_LAYERS);
    sc_part *layers = zone_array(r->zone, count, sizeof *layers);
    if (layers != NULL && station && service->image.image_gb > 0.0) {
        layers[service->layer_count++] =
            (sc_part){digest_of("image", spec->workload), llround(service->image.image_gb * 1e9)};
    }
    for (size_t i = 0; layers != NULL && !station && i < count; i++) {
        const table_layer *row = tables_row(r->tables, TABLES_LAYERS, i);
        if (strcmp(row->model, spec->model) == 0) {
            layers[service->layer_count++] = (sc_part){digest_of("layer", row->digest), llround(row->gb * 1e9)};
        }
    }
    return layers;
}

void resolve_parts(resolve *r, const spec_service *spec, sc_service *service)
{
    const bool station = service->engine == SC_ENGINE_STATION;
    const char *name = station ? spec->workload : spec->model;
    service->layers = r->sc->delivery != NULL ? layers_of(r, spec, service) : NULL;
    service->weights =
        (sc_part){digest_of(station ? "data" : "weights", name), llround(service->image.weights_gb * 1e9)};
    int64_t bytes = service->weights.bytes;
    for (int32_t i = 0; i < service->layer_count; i++) {
        bytes += service->layers[i].bytes;
    }
    if (r->sc->delivery != NULL && bytes > r->sc->delivery->cache_bytes) {
        ynode_warning(r->diag, station ? spec->workload_node : spec->model_node,
                      "image and weights of '%s' are %.4g GB, more than the %.4g GB that a node keeps (cache_gb of the "
                      "delivery network): no start finds all of it on a node, unless a replica runs there",
                      name, (double)bytes / 1e9, (double)r->sc->delivery->cache_bytes / 1e9);
    }
}

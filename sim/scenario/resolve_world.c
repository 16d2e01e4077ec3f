/* SPDX-License-Identifier: GPL-3.0-or-later */
/* resolve_world.c - regions, network, clusters and pools of a scenario. */
#include "sim/scenario/resolve.h"

#include <math.h>
#include <string.h>

#include "sched/manifest/suggest.h"

#define LAG_OWNED       "on-premises" /* rows of tables/lags.csv for pools that name none */
#define LAG_CLOUD       "cloud-default"
#define PAYLOAD_DEFAULT "default" /* row of tables/payload.csv */

const char *resolve_path(resolve *r, const char *file)
{
    if (file[0] == '/') {
        return zone_text(r->zone, file, strlen(file));
    }
    return strcmp(r->dir, ".") == 0 ? zone_text(r->zone, file, strlen(file))
                                    : zone_format(r->zone, "%s/%s", r->dir, file);
}

void resolve_unknown(resolve *r, const ynode *at, const char *noun, const char *name, tables_kind kind)
{
    suggest near;
    suggest_init(&near, name);
    for (size_t i = 0; i < tables_count(r->tables, kind); i++) {
        /* the key comes first in every row, see tables.h */
        suggest_offer(&near, (const char *)tables_row(r->tables, kind, i));
    }
    if (near.best != NULL) {
        ynode_error(r->diag, at, "no %s '%s' in tables/%s.csv (did you mean '%s'?)", noun, name, tables_kind_name(kind),
                    near.best);
    } else {
        ynode_error(r->diag, at, "no %s '%s' in tables/%s.csv; 'spillway list %s' shows them", noun, name,
                    tables_kind_name(kind), tables_kind_name(kind));
    }
}

int32_t resolve_region(resolve *r, const char *name, const ynode *at)
{
    suggest near;
    suggest_init(&near, name);
    for (int32_t i = 0; i < r->sc->region_count; i++) {
        if (strcmp(r->sc->regions[i].name, name) == 0) {
            return i;
        }
        suggest_offer(&near, r->sc->regions[i].name);
    }
    if (near.best != NULL) {
        ynode_error(r->diag, at, "region '%s' is not in spec.regions (did you mean '%s'?)", name, near.best);
    } else {
        ynode_error(r->diag, at, "region '%s' is not in spec.regions", name);
    }
    return -1;
}

/* Names that Kubernetes or a file would not take do not get into the snapshot either. */
static void check_name(resolve *r, const char *what, const char *name, const ynode *at)
{
    const size_t length = strlen(name);
    if (length == 0 || length > SPW_NAME_MAX) {
        ynode_error(r->diag, at, "the name of a %s must have 1 to %d characters", what, SPW_NAME_MAX);
    }
}

static void unknown_rtt_region(resolve *r, const spec_region *region)
{
    const mdl_network *network = tables_network(r->tables);
    suggest near;
    suggest_init(&near, region->name);
    for (size_t i = 0; i < mdl_network_count(network); i++) {
        suggest_offer(&near, mdl_network_region(network, i));
    }
    if (near.best != NULL) {
        ynode_error(r->diag, region->name_node, "no round trips for region '%s' in tables/rtt.csv (did you mean '%s'?)",
                    region->name, near.best);
    } else {
        ynode_error(r->diag, region->name_node,
                    "no round trips for region '%s' in tables/rtt.csv; add it there or set network: {rtt: none}",
                    region->name);
    }
}

/* `default` or `none`. @return true = default */
static bool wants_table(resolve *r, const char *key, const char *value, const ynode *at)
{
    if (strcmp(value, "default") != 0 && strcmp(value, "none") != 0) {
        ynode_error(r->diag, at, "'%s' must be default or none, got '%s'", key, value);
    }
    return strcmp(value, "default") == 0;
}

static void resolve_regions(resolve *r)
{
    const spec_body *spec = r->spec;
    const size_t n = spec->region_count;
    sc_region *regions = zone_array(r->zone, n, sizeof *regions);
    int64_t *rtt = zone_array(r->zone, n * n, sizeof *rtt);
    if (regions == NULL || rtt == NULL) {
        return;
    }
    const mdl_network *network = tables_network(r->tables);
    const bool delays = wants_table(r, "spec.network.rtt", spec->network.rtt, spec->network.rtt_node);
    for (size_t i = 0; i < n; i++) {
        const spec_region *from = &spec->regions[i];
        check_name(r, "region", from->name, from->name_node);
        regions[i] = (sc_region){.name = from->name,
                                 .jurisdiction = from->jurisdiction,
                                 .provider = from->provider,
                                 .utc_offset_s = from->has_utc_offset ? (int32_t)(from->utc_offset_ns / SPW_NS_PER_S)
                                                                      : spec->start.offset_s};
        if (from->provider != NULL && strcmp(spec->network.egress, "default") == 0) {
            regions[i].egress_uusd_per_gb = resolve_egress(r, from->provider, from->name, from->provider_node);
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(spec->regions[j].name, from->name) == 0) {
                ynode_error(r->diag, from->name_node, "region '%s' is given twice", from->name);
            }
        }
        if (delays && mdl_network_find(network, from->name) == MDL_NO_REGION) {
            unknown_rtt_region(r, from);
        }
        for (size_t j = 0; delays && j < n; j++) {
            const int64_t ns = mdl_network_rtt_ns_by_name(network, from->name, spec->regions[j].name);
            rtt[i * n + j] = ns > 0 ? ns : 0;
        }
    }
    r->sc->regions = regions;
    r->sc->region_count = (int32_t)n;
    r->sc->rtt_ns = rtt;
}

static void resolve_jitter(resolve *r)
{
    const spec_network *spec = &r->spec->network;
    const size_t pairs = r->spec->region_count * r->spec->region_count;
    const table_jitter *row = tables_jitter(r->tables, spec->jitter);

    if (strcmp(spec->jitter, "none") == 0 || r->sc->rtt_ns == NULL) {
        return;
    }
    if (row == NULL) {
        resolve_unknown(r, spec->jitter_node, "jitter", spec->jitter, TABLES_JITTER);
        return;
    }
    if (strcmp(spec->rtt, "none") == 0) {
        ynode_error(r->diag, spec->jitter_node, "'spec.network.jitter' is about delays, of which rtt: none has none");
        return;
    }
    int64_t *mean_ns = zone_array(r->zone, pairs, sizeof *mean_ns);
    for (size_t i = 0; mean_ns != NULL && i < pairs; i++) {
        mean_ns[i] = mdl_jitter_mean_ns(&row->jitter, r->sc->rtt_ns[i]);
    }
    r->sc->jitter_ns = mean_ns;
}

static const char *capacity_name(spw_capacity capacity)
{
    switch (capacity) {
    case SPW_CAPACITY_OWNED:
        return "owned";
    case SPW_CAPACITY_RESERVED:
        return "reserved";
    case SPW_CAPACITY_ON_DEMAND:
        return "on-demand";
    case SPW_CAPACITY_SPOT:
        return "spot";
    }
    return "";
}

static void resolve_price(resolve *r, const spec_cluster *cluster, const spec_pool *spec, sc_pool *pool)
{
    pool->min_billing_ns = spec->min_billing_ns;
    if (spec->price.given) {
        pool->price_uusd_per_gpu_h = spec->price.uusd_per_gpu_h;
        return;
    }
    if (spec->capacity == SPW_CAPACITY_OWNED) {
        const table_owned *row = tables_owned(r->tables, spec->gpu);
        if (row != NULL) {
            pool->price_uusd_per_gpu_h =
                r->spec->prices == SPEC_PRICES_FULL ? row->full_uusd_per_gpu_h : row->uusd_per_gpu_h;
        } else {
            ynode_error(r->diag, spec->gpu_node,
                        "no cost of owning a '%s' in tables/owned.csv; give the pool a price: {usdPerGpuHour: NUMBER}",
                        spec->gpu);
        }
        return;
    }
    const char *kind = capacity_name(spec->capacity);
    const table_price *row = tables_price(r->tables, cluster->provider, spec->gpu, kind);
    if (row == NULL) {
        ynode_error(r->diag, spec->gpu_node,
                    "no %s price of a '%s' at '%s' in tables/prices.csv; give the pool a price: "
                    "{usdPerGpuHour: NUMBER}",
                    kind, spec->gpu, cluster->provider);
        return;
    }
    pool->price_uusd_per_gpu_h = row->uusd_per_gpu_h;
    if (!spec->has_min_billing) {
        pool->min_billing_ns = llround(row->min_billing_s * 1e9);
    }
}

static spw_labels resolve_labels(resolve *r, const bind_pair *pairs, size_t count)
{
    spw_label *labels = zone_array(r->zone, count, sizeof *labels);
    for (size_t i = 0; labels != NULL && i < count; i++) {
        labels[i] = (spw_label){pairs[i].key, pairs[i].value};
    }
    return (spw_labels){labels, labels != NULL ? count : 0};
}

static void resolve_pool(resolve *r, const spec_cluster *cluster, const spec_pool *spec, sc_pool *pool)
{
    const bool owned = spec->capacity == SPW_CAPACITY_OWNED;
    const char *lag_name = spec->lag != NULL ? spec->lag : owned ? LAG_OWNED : LAG_CLOUD;
    const table_lag *lag = tables_lag(r->tables, lag_name);
    *pool = (sc_pool){.name = spec->name,
                      .gpu = tables_gpu(r->tables, spec->gpu),
                      .capacity = spec->capacity,
                      .gpus_per_node = spec->gpus_per_node,
                      .nodes_start = spec->nodes.start,
                      .nodes_min = spec->nodes.min,
                      .nodes_max = spec->nodes.max,
                      .labels = resolve_labels(r, spec->labels, spec->label_count)};
    check_name(r, "pool", spec->name, spec->name_node);
    if (lag != NULL) {
        pool->lag = lag->lag;
    } else {
        resolve_unknown(r, spec->lag_node != NULL ? spec->lag_node : spec->self, "lag", lag_name, TABLES_LAGS);
    }
    resolve_supply(r, spec, pool);
    if (pool->gpu == NULL) {
        resolve_unknown(r, spec->gpu_node, "GPU", spec->gpu, TABLES_GPUS);
    } else {
        resolve_price(r, cluster, spec, pool);
    }
}

static void resolve_cluster(resolve *r, const spec_cluster *spec, bool bytes_cost, sc_cluster *cluster)
{
    sc_pool *pools = zone_array(r->zone, spec->pool_count, sizeof *pools);
    if (pools == NULL) {
        return;
    }
    check_name(r, "cluster", spec->name, spec->name_node);
    for (size_t i = 0; i < spec->pool_count; i++) {
        resolve_pool(r, spec, &spec->pools[i], &pools[i]);
        for (size_t j = 0; j < i; j++) {
            if (strcmp(spec->pools[j].name, spec->pools[i].name) == 0) {
                ynode_error(r->diag, spec->pools[i].name_node, "pool '%s' is given twice in cluster '%s'",
                            spec->pools[i].name, spec->name);
            }
        }
    }
    *cluster = (sc_cluster){.name = spec->name,
                            .region = resolve_region(r, spec->region, spec->region_node),
                            .provider = spec->provider,
                            .zone = spec->zone,
                            .labels = resolve_labels(r, spec->labels, spec->label_count),
                            .pools = pools,
                            .pool_count = (int32_t)spec->pool_count,
                            .pool_first = r->sc->pool_count};
    if (bytes_cost) {
        cluster->egress_uusd_per_gb = resolve_egress(r, spec->provider, spec->region, spec->provider_node);
    }
    r->sc->pool_count += cluster->pool_count;
}

static void resolve_clusters(resolve *r)
{
    const spec_body *spec = r->spec;
    sc_cluster *clusters = zone_array(r->zone, spec->cluster_count, sizeof *clusters);
    if (clusters == NULL) {
        return;
    }
    const bool bytes_cost = wants_table(r, "spec.network.egress", spec->network.egress, spec->network.egress_node);
    for (size_t i = 0; i < spec->cluster_count; i++) {
        resolve_cluster(r, &spec->clusters[i], bytes_cost, &clusters[i]);
        for (size_t j = 0; j < i; j++) {
            if (strcmp(spec->clusters[j].name, spec->clusters[i].name) == 0) {
                ynode_error(r->diag, spec->clusters[i].name_node, "cluster '%s' is given twice",
                            spec->clusters[i].name);
            }
        }
    }
    r->sc->clusters = clusters;
    r->sc->cluster_count = (int32_t)spec->cluster_count;
    resolve_ways(r, bytes_cost);
}

/* @param at  that of the first beyond SC_NAMES_MAX, where there is one */
static bool few_enough(resolve *r, const char *what, size_t count, const ynode *at)
{
    if (count > SC_NAMES_MAX) {
        ynode_error(r->diag, at, "a scenario has at most %d %s, this one has %zu", SC_NAMES_MAX, what, count);
    }
    return count <= SC_NAMES_MAX;
}

bool resolve_fits(resolve *r)
{
    const spec_body *spec = r->spec;
    const size_t regions = spec->region_count;
    const size_t services = spec->service_count;
    const bool ok = few_enough(r, "regions", regions, regions > SC_NAMES_MAX ? spec->regions[SC_NAMES_MAX].self : NULL);
    return few_enough(r, "services", services, services > SC_NAMES_MAX ? spec->services[SC_NAMES_MAX].self : NULL) &&
           ok;
}

void resolve_world(resolve *r)
{
    const spec_body *spec = r->spec;
    sc_scenario *sc = r->sc;
    sc->start_unix_ns = spec->start.unix_ns;
    sc->utc_offset_s = spec->start.offset_s;
    sc->duration_ns = spec->duration_ns;
    sc->warmup_ns = spec->warmup_ns;
    sc->tick_ns = spec->tick_ns;
    sc->seed = spec->seed;
    sc->observation = (sc_observation){.scrape_ns = spec->metrics.scrape_ns,
                                       .delay_ns = spec->metrics.delay_ns,
                                       .noise = spec->metrics.noise,
                                       .dropout = spec->metrics.dropout};
    const table_payload *payload = tables_payload(r->tables, PAYLOAD_DEFAULT);
    if (payload != NULL) {
        sc->payload = (sc_payload){.request_bytes_fixed = payload->payload.request_bytes_fixed,
                                   .request_bytes_per_token = payload->payload.request_bytes_per_token,
                                   .response_bytes_fixed = payload->payload.response_bytes_fixed,
                                   .response_bytes_per_token = payload->payload.response_bytes_per_token};
    } else {
        spw_diag_add(r->diag, SPW_DIAG_ERROR, NULL, 0, 0, "tables/payload.csv has no row '%s'", PAYLOAD_DEFAULT);
    }
    resolve_regions(r);
    resolve_jitter(r);
    resolve_clusters(r);
    resolve_quotas(r);
    resolve_delivery(r);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * scenario.h - a scenario after reading: every name resolved, every unit converted, every table row looked up.
 *
 * Immutable once loaded; replications in several threads share one.
 * All times are ns, simulated time 0 = spec.start. Indices refer to the arrays of the same struct.
 */
#ifndef SIM_SCENARIO_SCENARIO_H
#define SIM_SCENARIO_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <spillway/config.h>
#include <spillway/json.h>
#include <spillway/manifest.h>
#include <spillway/snapshot.h>

#include "models/client/client.h"
#include "models/engine/engine.h"
#include "models/faults/faults.h"
#include "models/gpu/gpu.h"
#include "models/price/price.h"
#include "models/price/walk.h"
#include "models/provision/provision.h"
#include "models/provision/stock.h"
#include "models/spot/spot.h"
#include "models/traffic/traffic.h"

/** Regions, services and tenants of a scenario at most, each: a request keeps their numbers in 16 bits. */
#define SC_NAMES_MAX 65535

typedef struct sc_region {
    const char *name;
    const char *jurisdiction; /**< "" if not given */
    int32_t utc_offset_s;     /**< of the users' local time */
    /**
     * Whose network users enter: their requests travel from that entry to the cluster, the answers from the cluster to
     * the entry and from there to the internet. NULL: not given, answers leave to the internet at the cluster.
     */
    const char *provider;
    int64_t egress_uusd_per_gb; /**< that provider's price for bytes to users; 0 without one */
} sc_region;

/** Prices between the entry of a region's users and a cluster; 0 where nothing is charged. */
typedef struct sc_way {
    int64_t forth_uusd_per_gb; /**< by the region's provider */
    int64_t back_uusd_per_gb;  /**< by the cluster's provider */
} sc_way;

typedef struct sc_pool {
    const char *name;
    const mdl_gpu *gpu;
    spw_capacity capacity;
    int32_t gpus_per_node;
    int32_t nodes_start, nodes_min, nodes_max; /**< of the group: without nodes under notice of the market */
    mdl_lag lag;                               /**< node and replica stages on this pool */
    bool has_market;                           /**< spot: nodes are reclaimed by `market` */
    mdl_market market;
    int64_t price_uusd_per_gpu_h;        /**< owned: all-in cost of owning, paid for every node all the time */
    int64_t min_billing_ns;              /**< a node is billed at least this long */
    double notice_s;                     /**< spot: warning before a node goes, whatever takes it */
    const mdl_stock *stock;              /**< NULL = the provider always has more, or stock_record says */
    const mdl_stock_trace *stock_record; /**< NULL = none */
    const char *stock_name;              /**< row or file; pools of a zone with the same name and GPU share the stock */
    int64_t stock_seen_ns;               /**< how often the provider tells what is left; 0 = never */
    int32_t order_batch;                 /**< nodes of one order; 0 = any number */
    int64_t order_every_ns;              /**< between orders */
    spw_labels labels;                   /**< of its nodes */
    const mdl_walk *walk;                /**< spot price; NULL = constant, or as the record says */
} sc_pool;

typedef struct sc_quota {
    const char *provider;
    int32_t region;
    const mdl_gpu *gpu;
    int32_t gpus; /**< that on-demand and spot pools hold in all */
} sc_quota;

/** A file that a replica needs on its node: an image layer, or the weights. */
typedef struct sc_part {
    uint64_t digest;
    int64_t bytes;
} sc_part;

/** How images and weights reach the nodes. Rates in bytes per second. */
typedef struct sc_delivery {
    int32_t origin; /**< region of the origin registry */
    bool regional;  /**< every region has a registry */
    bool peers;
    int64_t published_ns;  /**< from then on the origin has everything; 0 = always had */
    int64_t replicated_ns; /**< from then on regional registries have everything; 0 = always had */
    double origin_rate, region_rate, nic_rate, peer_rate, disk_rate;
    int64_t cache_bytes;
    const int64_t *copy_uusd_per_gb;  /**< [region_count] from the origin to that region's registry or seed */
    const int64_t *pull_uusd_per_gb;  /**< [cluster_count] from the origin to a node there */
    const int64_t *local_uusd_per_gb; /**< [cluster_count] from its region's registry to a node there */
    int64_t storage_uusd_per_gb_month;
    bool *preheat; /**< [cluster_count] */
} sc_delivery;

typedef struct sc_cluster {
    const char *name;
    int32_t region;
    const char *provider;
    const char *zone;
    spw_labels labels;
    int64_t egress_uusd_per_gb; /**< provider's price for bytes to users */
    const sc_pool *pools;
    int32_t pool_count;
    int32_t pool_first; /**< number of the first pool in the scenario-wide count */
} sc_cluster;

typedef enum sc_router {
    SC_ROUTER_LEAST_OUTSTANDING = 1,
    SC_ROUTER_ROUND_ROBIN = 2,
    SC_ROUTER_RANDOM = 3,
    SC_ROUTER_TWO_CHOICES = 4,
    SC_ROUTER_SESSION = 6, /**< a conversation stays with its replica as long as that has room; others: as the first */
    SC_ROUTER_LEAST_KV = 5 /**< smallest share of KV blocks held or needed by prompts that wait, of four at random where
                                there are many; stations: as least outstanding */
} sc_router;

/** One latency target, e.g. ttft p95 <= 2 s. */
typedef struct sc_target {
    const char *metric; /**< "ttft", "tpot" or "e2e" */
    double percentile;  /**< 0.95 */
    int64_t limit_ns;
} sc_target;

typedef struct sc_traffic {
    int32_t region; /**< where the users are */
    mdl_arrival_spec arrivals;
    const char *name;           /**< "SERVICE/INDEX": names the random streams */
    bool trace_lengths;         /**< lengths come with the trace rows */
    int32_t priority;           /**< in an engine's queue and batch: smaller is more urgent, as in vLLM */
    int32_t tenant;             /**< of the scenario's; -1 = none */
    const mdl_lengths *lengths; /**< of drawn requests; NULL = the service's */
} sc_traffic;

/** What a service does when the market wants a node back. */
typedef enum sc_on_notice {
    SC_NOTICE_DRAIN = 0,   /**< finishes what it has, takes nothing new */
    SC_NOTICE_REROUTE = 1, /**< everything starts anew elsewhere at once */
    SC_NOTICE_SERVE = 2    /**< goes on as if nothing were */
} sc_on_notice;
/** What becomes of requests that are on a node when it goes. */
typedef enum sc_on_reclaim {
    SC_RECLAIM_RECOMPUTE = 0, /**< back to the gateway, from the start */
    SC_RECLAIM_LOSE = 1       /**< the user gets an error */
} sc_on_reclaim;

/** Attempts beyond either bound are rejected at once. */
typedef struct sc_admission {
    double per_replica;       /**< attempts under way for each ready replica; 0 = no bound */
    double reserved;          /**< share of that bound which only the service's most urgent traffic may use, 0..1 */
    double rate_per_s, burst; /**< token bucket; 0 = no bound */
} sc_admission;

typedef enum sc_engine_kind { SC_ENGINE_LLM = 1, SC_ENGINE_STATION = 2 } sc_engine_kind;

/** Bytes of requests and answers. */
typedef struct sc_payload {
    double request_bytes_fixed, request_bytes_per_token, response_bytes_fixed, response_bytes_per_token;
} sc_payload;

typedef struct sc_service {
    spw_id workload;        /**< index in config.workloads */
    const char *name;       /**< namespace/name */
    const mdl_model *model; /**< NULL for a station */
    sc_engine_kind engine;
    mdl_station_config station;
    mdl_service_law station_law;
    const double *station_speed; /**< [scenario pool_count] service times there are divided by it; NULL = all by 1 */
    double station_warmup_s;     /**< before the readiness probe, where an llm compiles and captures */
    /** [scenario pool_count] engine configuration on each pool's GPU; kv_blocks 0 = the model does not run there */
    const mdl_llm_config *llm;
    double prefix_hit_share; /**< llm: of each prompt, found in the prefix cache of any replica */
    mdl_image image;
    const sc_traffic *traffic;
    int32_t traffic_count;
    mdl_lengths lengths;
    const sc_target *targets;
    int32_t target_count;
    int64_t timeout_ns;     /**< the user gives up; INT64_MAX = never */
    int64_t frontend_ns;    /**< llm: every token is seen so much later than the engine and the network have it */
    mdl_retry retry;        /**< attempts <= 1: none */
    sc_admission admission; /**< zero = everything is admitted */
    int32_t gateway_queue;  /**< requests held at the gateway while no replica is ready; more are rejected */
    int64_t drain_ns;       /**< a replica that is told to stop finishes its requests for at most this long */
    sc_router router;
    sc_on_notice on_notice;
    sc_on_reclaim on_reclaim;
    const sc_part *layers; /**< [layer_count] of its image; with delivery only */
    int32_t layer_count;
    sc_part weights;
    const sc_payload *payload; /**< NULL = the scenario's */
} sc_service;

typedef struct sc_observation {
    int64_t scrape_ns; /**< period of metric and state reading */
    int64_t delay_ns;  /**< from reading to being visible to the core */
    double noise;      /**< relative standard deviation of each sample */
    double dropout;    /**< probability that a sample is lost */
} sc_observation;

/** One entry of spec.faults. -1 or NULL = not narrowed down to one. */
typedef struct sc_fault {
    mdl_fault_kind kind;
    mdl_windows windows;
    int32_t region, cluster, pool, service; /**< pool: in the scenario-wide count */
    uint64_t metric, with;                  /**< spw_key of the names; 0 = every metric */
    int32_t index;                          /**< place of the node or number of the rack; -1 = every one */
    int32_t nodes_per_rack;
    int64_t factor_milli;
    double probability;
    int64_t after_ns;
    bool lose; /**< requests on what goes are lost, not routed anew */
} sc_fault;

/**
 * One --set: a path of the scenario file ("spec.services[0].timeout", see yamldoc.h), or a field of an object of its
 * manifests ("HorizontalPodAutoscaler/chat:spec.maxReplicas", see manifest_edit.h). A whole manifest file is swapped by
 * a path of the scenario: "spec.manifests[1]".
 */
typedef struct sc_override {
    const char *path, *value;
} sc_override;

typedef struct sc_scenario {
    const char *name;
    const char *path;  /**< as given */
    const char *title; /**< leading comment line of the file or "" */
    uint64_t hash;     /**< of the scenario, its manifests and the tables used: provenance */
    int64_t start_unix_ns;
    int32_t utc_offset_s; /**< of spec.start, for clock labels */
    int64_t duration_ns, warmup_ns, tick_ns;
    uint64_t seed;
    const sc_region *regions;
    int32_t region_count;
    const int64_t *rtt_ns;    /**< [region_count * region_count], row = from (user), column = to (cluster) */
    const int64_t *jitter_ns; /**< mean of what a way is late by, exponential, as rtt_ns; NULL = constant delays */
    const sc_cluster *clusters;
    int32_t cluster_count;
    const sc_way
        *ways; /**< [region_count * cluster_count], rows of regions without a provider 0; NULL = none has one */
    int32_t pool_count; /**< over all clusters */
    const sc_service *services;
    int32_t service_count;
    const char *const *tenants; /**< [tenant_count] whose requests traffic is, in order of appearance */
    int32_t tenant_count;
    sc_observation observation;
    sc_payload payload; /**< of services without one of their own */
    const sc_quota *quotas;
    int32_t quota_count;
    const sc_fault *faults;
    int32_t fault_count;
    const sc_delivery *delivery; /**< NULL = rates of the lag table alone */
    const spw_config *config; /**< from the manifests; the round trips from rtt_ns, unless a RoundTrips object says */
    bool distances_ours;      /**< from rtt_ns */
    const char *text;         /**< the scenario file as it was read; NULL: made in memory */
    const sc_override *sets;  /**< [set_count] what was overridden in it and in the manifests */
    size_t set_count;
    const spw_json_manifest *manifests; /**< their texts, named as in spec.manifests: for the head of a log */
    size_t manifest_count;
} sc_scenario;

typedef struct sc_options {
    const char *tables_dir;  /**< NULL = beside the scenario ("tables/"), else by datadir.h */
    const sc_override *sets; /**< --set PATH=VALUE */
    size_t set_count;
} sc_options;

/** Messages of a failed or doubtful load, each "file:line:col: error|warning|note: text". */
typedef struct sc_messages {
    char *text; /**< caller frees with sc_messages_fini */
    size_t size;
    int errors, warnings;
} sc_messages;
void sc_messages_fini(sc_messages *m);

/** Different jurisdictions of its regions, those not given aside. */
int32_t sc_laws(const sc_scenario *sc);

/** @return the scenario, or NULL with messages. Free with sc_free. */
sc_scenario *sc_load(const char *path, const sc_options *options, sc_messages *messages);
void sc_free(sc_scenario *sc);

/**
 * The manifests as objects: which of their fields are known and not used, and where an object stands.
 * @param sc  from sc_load, and no copy of it. @return valid until sc_free
 */
const spw_manifest_set *sc_manifest_set(const sc_scenario *sc);

/** Prints the accepted keys with units, defaults, ranges, help, generated from the reader's own tables. */
void sc_print_schema(FILE *file);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * spec.h - a scenario file as it was written: the structs that the binder fills, names not yet resolved.
 *
 * Internal to sim/scenario. Everything lives in the scenario's zone; a node beside a value is where the value stands,
 * for messages that come later. Durations are ns, as bind.h stores them.
 */
#ifndef SIM_SCENARIO_SPEC_H
#define SIM_SCENARIO_SPEC_H

#include "sched/manifest/bind.h"

#include "sim/scenario/scenario.h"

typedef struct spec_region {
    const char *name;
    const char *jurisdiction;
    const char *provider;  /**< NULL if not given */
    int64_t utc_offset_ns; /**< valid with has_utc_offset, east positive */
    bool has_utc_offset;
    const ynode *self, *name_node, *provider_node;
} spec_region;

typedef struct spec_nodes {
    int32_t min, max, start;
    const ynode *node;
} spec_nodes;

typedef struct spec_price {
    int64_t uusd_per_gpu_h; /**< valid with given */
    bool given;
} spec_price;

typedef struct spec_pool {
    const char *name, *gpu, *lag, *market;
    int32_t gpus_per_node;
    spw_capacity capacity;
    spec_nodes nodes;
    spec_price price;
    int64_t min_billing_ns;
    bool has_min_billing;
    const char *stock, *stock_record, *walk;
    int64_t stock_seen_ns, order_every_ns;
    int32_t order_batch;
    bind_pair *labels;
    size_t label_count;
    const ynode *self, *name_node, *gpu_node, *lag_node, *market_node, *stock_node, *stock_record_node, *walk_node,
        *min_billing_node, *stock_seen_node, *order_batch_node;
} spec_pool;

typedef struct spec_cluster {
    const char *name, *region, *zone, *provider;
    bind_pair *labels;
    size_t label_count;
    spec_pool *pools;
    size_t pool_count;
    const ynode *self, *name_node, *region_node, *provider_node;
} spec_cluster;

/** A mean and what shapes the law around it. */
typedef struct spec_law {
    int64_t mean_ns;
    double cv2;
    int32_t stages;
} spec_law;

typedef struct spec_measured {
    const char *file;
    const ynode *file_node;
} spec_measured;

/** Exactly one is given. */
typedef struct spec_station_law {
    spec_law *exponential, *fixed, *lognormal, *erlang, *hyperexponential;
    spec_measured *measured;
} spec_station_law;

/** How fast a station is on a GPU class. */
typedef struct spec_speed {
    const char *gpu;
    double speed;
    const ynode *gpu_node;
} spec_speed;

typedef struct spec_engine {
    int32_t kind; /**< sc_engine_kind */
    const char *profile;
    int32_t max_batched_tokens, max_sequences;
    mdl_parallel parallel;
    int32_t interconnect, kv_dtype; /**< as written; what follows from them stands in parallel */
    double prefix_hit_share, prefix_cache_share;
    bool has_prefix_cache_share;
    int64_t frontend_ns;
    int32_t servers;
    int32_t max_waiting;
    spec_station_law service;
    double image_gb, weights_gb;
    int64_t warmup_ns;
    spec_speed *speeds;
    size_t speed_count;
    const ynode *profile_node, *prefix_cache_node, *self;
} spec_engine;

typedef struct spec_payload {
    const char *row;
    double request_bytes, answer_bytes;
    bool has_request, has_answer; /**< bytes are given: of the whole, whatever its tokens */
    const ynode *self, *row_node;
} spec_payload;

typedef struct spec_target {
    const char *metric;
    double percentile;
    int64_t limit_ns;
} spec_target;

/** Room for the targets of one service; more are an error. */
#define SPEC_TARGETS_MAX 12

typedef struct spec_slo {
    spec_target at[SPEC_TARGETS_MAX];
    size_t count;
} spec_slo;

typedef struct spec_lognormal {
    double median, sigma;
} spec_lognormal;

typedef struct spec_geometric {
    double mean;
} spec_geometric;

typedef struct spec_empirical {
    const char *file;
    const ynode *file_node;
} spec_empirical;

/** Exactly one of lognormal, fixed (> 0), empirical, geometric is given. */
typedef struct spec_length {
    spec_lognormal *lognormal;
    int32_t fixed;
    spec_empirical *empirical;
    spec_geometric *geometric;
    int32_t min, max;
    bool has_max; /**< max was written */
    const ynode *self;
} spec_length;

/** Input and output, or pairs. */
typedef struct spec_lengths {
    spec_length *input, *output;
    double correlation;
    spec_empirical *pairs;
} spec_lengths;

typedef struct spec_growth {
    double factor;
    int64_t over_ns;
    int32_t linear; /**< 0 or 1 */
} spec_growth;

typedef struct spec_holiday {
    int64_t unix_ns; /**< midnight of the first day, as if in UTC */
    int32_t days;
    double factor;
    const ynode *self;
} spec_holiday;

enum { SPEC_CROWD_RAMP = 1, SPEC_CROWD_SPIKE = 2, SPEC_CROWD_DOUBLE = 3 };

typedef struct spec_crowd {
    int32_t kind;
    int64_t at_ns, rise_ns, hold_ns, decay_ns, gap_ns;
    double factor, again;
    const ynode *self;
} spec_crowd;

typedef struct spec_renewal {
    double cv;
} spec_renewal;

typedef struct spec_modulated {
    double factor;
    int64_t on_ns, off_ns;
} spec_modulated;

typedef struct spec_burstiness {
    spec_renewal *gamma, *weibull; /**< one at most */
    spec_modulated *modulated;
} spec_burstiness;

typedef struct spec_sessions {
    spec_length turns;
    spec_station_law think;
    int32_t answered;                   /**< think runs from the answer */
    int32_t system_tokens, max_context; /**< max_context 0 = that of the model */
    const ynode *self;
} spec_sessions;

typedef struct spec_traffic {
    int32_t kind; /**< mdl_arrival_kind */
    const char *from, *tenant;
    double rate_per_s;
    double peak_per_s, trough_per_s, weekend;
    bool has_peak, has_trough, has_peak_at;
    int64_t peak_at_ns;
    const char *shape;
    double *hours;
    size_t hour_count;
    const char *file;
    double scale;
    bool loop;
    int64_t shift_ns;
    int32_t priority;
    spec_growth *growth;
    spec_holiday *holidays;
    size_t holiday_count;
    spec_crowd *crowds;
    size_t crowd_count;
    spec_burstiness *burstiness;
    spec_sessions *sessions;
    spec_lengths *lengths;
    const ynode *self, *from_node, *tenant_node, *shape_node, *hours_node, *file_node, *lengths_node, *priority_node;
} spec_traffic;

typedef struct spec_retry {
    int32_t attempts;
    int64_t backoff_ns, max_ns, attempt_timeout_ns;
    double factor, jitter, budget, budget_burst;
    bool has_timeout, cancels;
} spec_retry;

typedef struct spec_admission {
    double reserved;
    double per_replica, rate_per_s, burst;
} spec_admission;

typedef struct spec_service {
    const char *workload, *model;
    spec_engine engine;
    spec_slo slo;
    spec_traffic *traffic;
    size_t traffic_count;
    spec_lengths *lengths;
    spec_payload *payload;
    int64_t timeout_ns;
    bool has_timeout;
    spec_retry *retry;
    spec_admission *admission;
    int32_t gateway_queue;
    int64_t drain_ns;
    int32_t router;                /**< sc_router */
    int32_t on_notice, on_reclaim; /**< sc_on_notice, sc_on_reclaim */
    const ynode *self, *workload_node, *model_node, *lengths_node;
} spec_service;

typedef struct spec_network {
    const char *rtt, *jitter, *egress;
    const ynode *rtt_node, *jitter_node, *egress_node;
} spec_network;

typedef struct spec_quota {
    const char *provider, *region, *gpu;
    int32_t gpus;
    const ynode *provider_node, *region_node, *gpu_node;
} spec_quota;

typedef struct spec_delivery {
    const char *network, *origin, *provider;
    bool regional, peers, has_published;
    int64_t published_ns; /**< valid with has_published */
    const char **preheat;
    size_t preheat_count;
    const ynode *self, *network_node, *origin_node, *provider_node, *preheat_node;
} spec_delivery;

typedef struct spec_fault {
    int32_t kind; /**< mdl_fault_kind */
    const char *region, *cluster, *pool, *service, *metric, *with, *file;
    int32_t index, per_rack;
    int64_t *at; /**< [at_count] */
    size_t at_count;
    int64_t for_ns, mean_up_ns, mean_down_ns, after_ns;
    double factor, probability;
    bool lose;
    const ynode *self, *region_node, *cluster_node, *pool_node, *service_node, *metric_node, *with_node, *file_node,
        *at_node;
} spec_fault;

typedef struct spec_metrics {
    int64_t scrape_ns, delay_ns;
    double noise, dropout;
} spec_metrics;

typedef struct spec_body {
    bind_time start;
    int64_t duration_ns, warmup_ns, tick_ns;
    uint64_t seed;
    const char **manifests;
    size_t manifest_count;
    const ynode *manifests_node;
    spec_region *regions;
    size_t region_count;
    spec_cluster *clusters;
    size_t cluster_count;
    spec_service *services;
    size_t service_count;
    spec_network network;
    spec_metrics metrics;
    int32_t prices;
    spec_quota *quotas;
    size_t quota_count;
    spec_delivery *delivery; /**< NULL = off */
    spec_fault *faults;
    size_t fault_count;
    const ynode *warmup_node;
} spec_body;

typedef struct spec_metadata {
    const char *name;
    const char *description;
    const ynode *name_node;
} spec_metadata;

typedef struct spec_root {
    int32_t api_version, kind;
    spec_metadata metadata;
    spec_body spec;
} spec_root;

/** Price tables as they are, or owned GPUs with the cost of capital and staff, too. */
enum { SPEC_PRICES_DEFAULT = 1, SPEC_PRICES_FULL = 2 };

/** The whole file; bind a spec_root with it. */
extern const bind_table spec_table;

#endif

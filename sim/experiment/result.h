/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * result.h - what one replication measured. Written by sim/fleet, read by sim/report, merged by nobody: each
 * replication keeps its own.
 *
 * "Counted" requests are those that users sent at or after warm-up; cost and capacity run from warm-up to the end.
 */
#ifndef SIM_EXPERIMENT_RESULT_H
#define SIM_EXPERIMENT_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <spillway/types.h>

#include "models/provision/provision.h"
#include "sim/scenario/scenario.h"
#include "sim/stats/stats.h"

typedef struct res_requests {
    uint64_t offered, completed, rejected, timed_out, in_flight; /**< offered = sum of the others */
} res_requests;

/** As users see it, network and the engine's frontend included; the frontend is in ttft and e2e alone. Times in ns. */
typedef struct res_latency {
    stat_hist *ttft;    /**< first sent -> first token received, of whatever attempt */
    stat_hist *tpot;    /**< (last - first token) / (output tokens - 1) of the attempt that answered; requests with > 1
                             output token */
    stat_hist *e2e;     /**< sent -> last token received */
    stat_hist *queue;   /**< at the gateway and in the replica, before its first work */
    stat_hist *network; /**< both ways */
} res_latency;

bool res_latency_init(res_latency *l); /**< false: no memory; to be given back as well */
void res_latency_fini(res_latency *l); /**< NULLs allowed */

typedef struct res_slo {
    /** Requests within / beyond the limit; rejected and timed-out ones are beyond it. The target holds when the share
     * met / (met + missed) reaches its percentile; without any such request it neither holds nor fails. */
    uint64_t met, missed;
    uint64_t minutes, minutes_violated; /**< minutes with traffic; of those, percentile beyond the limit */
} res_slo;

/** Requests on replicas whose node the market took. */
typedef struct res_reclaim {
    uint64_t notices;    /**< ready replicas under notice */
    uint64_t inside;     /**< requests on them when it came */
    uint64_t rerouted;   /**< started anew elsewhere at once */
    uint64_t recomputed; /**< were there when the node went, and started anew elsewhere */
    uint64_t lost;       /**< were there when the node went, and were lost */
} res_reclaim;

/** Attempts of counted requests, beside the requests themselves. */
typedef struct res_attempts {
    uint64_t sent;                /**< first ones and retries */
    uint64_t rejected, timed_out; /**< attempts that ended so, whatever became of the request */
    uint64_t shed;                /**< of the rejected: by admission control */
    uint64_t denied;              /**< retries that the budget did not allow */
} res_attempts;

/** Requests of one tenant, over all services. */
typedef struct res_tenant {
    res_requests requests;
    res_latency latency;
    uint64_t good; /**< completed requests that met every target of their service */
    uint64_t shed; /**< attempts that admission control rejected */
} res_tenant;

/** What was completed after the warm-up, whenever it was sent: more than what counts, by what the warm-up left behind.
 */
typedef struct res_ended {
    uint64_t requests, tokens_in, tokens_out;
} res_ended;

typedef struct res_service {
    res_requests requests;
    res_latency latency;
    res_slo *slo; /**< [targets of the service] */
    res_attempts attempts;
    uint64_t good; /**< completed requests that met every target */
    /** Completed requests that were served under another law than that of their user's region, and in a jurisdiction
     * that the workload's annotation does not list. */
    uint64_t served_abroad, residency_violations;
    uint64_t tokens_in, tokens_out;
    res_ended ended;
    res_requests *by_region_requests;      /**< [region_count], the users' region */
    res_latency *by_region;                /**< [region_count] */
    int64_t preemptions;                   /**< in the engines, for want of KV */
    int64_t tokens_prefill, tokens_cached; /**< prompt tokens that engines computed, and found in their prefix cache */
    res_reclaim reclaim;
    double *nominal_rps; /**< [pool_count] requests/s one ready replica sustains there; 0 = cannot run */
} res_service;

typedef struct res_pool {
    __extension__ __int128 gpu_ns;      /**< billed GPU time (owned: all nodes, all the time) */
    __extension__ __int128 held_gpu_ns; /**< GPUs taken by replicas */
    __extension__ __int128 busy_gpu_ns; /**< of those, with a step running */
    int64_t cost_uusd;
    int32_t nodes_peak; /**< most nodes at once. May exceed nodes.max: that bounds the nodes that are wanted, and a node
                           under reclaim notice still stands beside the one ordered in its place */
    int64_t provisioned, failed_to_provision, preempted_by_market, released; /**< nodes */
    int64_t refused_stock, refused_quota; /**< of failed_to_provision: the provider had none, the quota was full */
    int64_t taken_by_shocks;              /**< of preempted_by_market: told to go because the stock fell */
} res_pool;

typedef struct res_cost {
    int64_t total_uusd; /**< = sum of pools + egress */
    int64_t owned_uusd, reserved_uusd, on_demand_uusd, spot_uusd, egress_uusd;
    int64_t images_uusd; /**< of egress: images and weights moved between regions, and stored */
    int64_t ways_uusd;   /**< of egress: requests and answers between where users enter and the clusters */
} res_cost;

/** What moved between users of a region and a cluster, since warm-up, and its price. Where the region has no provider,
 * users enter nowhere: answers go from the cluster to them. */
typedef struct res_way {
    int64_t forth_bytes, forth_uusd; /**< requests, from the entry to the cluster */
    int64_t back_bytes, back_uusd;   /**< answers, from the cluster to the entry */
    int64_t out_bytes, out_uusd;     /**< of those, from the entry to the users; without one, from the cluster */
} res_way;

/** One stay beyond the capacity of the best group. Times in s of simulated time; NaN = did not happen. */
typedef struct res_burst {
    int32_t service;
    double onset_s;             /**< demand began to outrun ready replicas */
    double primary_saturated_s; /**< the best group had no room left */
    double overflow_started_s;  /**< first replica assigned to a later group */
    double absorbed_s;          /**< ready replicas caught up with the wanted number for the first time */
    double overflow_released_s; /**< later groups empty again, their extra nodes gone */
    uint64_t requests_hurt;     /**< beyond the TTFT limit, rejected or timed out, from onset until the overflow is
                                   released or the run is over; each counts once, none before warm-up is over */
    int64_t extra_uusd;         /**< this service's part of the cost of later groups' elastic pools between overflow
                                   start and release: by GPUs held, what nobody holds split evenly between the services
                                   that overflow there. Without egress. The parts never sum to more than the pools'
                                   cost */
    int32_t release_count;
    int32_t release_order[16];  /**< clusters in the order in which they emptied */
    double stage_s[MDL_STAGES]; /**< mean seconds for each stage over the replicas that started in this burst */
    int32_t replicas_started;
} res_burst;

/** Where start-up time went, over replicas that became ready: from the reading on which each was first asked for, all
 * of it. The first stage is the wait for a node, with the time in which it was assigned nowhere for want of one. */
typedef struct res_lag {
    int64_t count;
    double decision_s; /**< mean wait from metric reading to decision */
    double mean_s[MDL_STAGES];
    double p90_s[MDL_STAGES];
} res_lag;

/** What a starting replica found: the two ways of starting have nothing in common but the end. */
typedef enum res_start {
    RES_START_NODE_ORDERED = 0, /**< it waited for a node to be found or to boot */
    RES_START_NODE_UP = 1,      /**< its node was up */
    RES_STARTS = 2
} res_start;

typedef struct res_control {
    uint64_t ticks, actions, flaps, stale_decisions, moved_replicas, workload_preemptions;
    double unplaced_replica_seconds;
    uint64_t bad_snapshots, bad_plans;
} res_control;

/** What one entry of spec.faults did, over the whole run. */
typedef struct res_fault {
    uint64_t windows;  /**< that began, over all its instances */
    int64_t held_ns;   /**< sum of their lengths within the run */
    uint64_t nodes;    /**< nodes that it took down */
    uint64_t requests; /**< that were on them: routed anew, or lost */
    uint64_t actions;  /**< refused, put off, lost or doubled */
    uint64_t samples;  /**< missing or wrong; of metrics-stale: readings that were not taken */
} res_fault;

enum { RES_CHAIN = 1 + MDL_STAGES }; /**< links between "more is needed" and "ready" */

/** A fixed number of bins over the whole run, whatever its length. Rows are bins. */
typedef struct res_timeline {
    int32_t bins;
    int64_t bin_ns;
    /* [bins * service_count] */
    uint32_t *arrivals, *completed, *rejected, *timed_out; /**< by the time of the event */
    stat_hist **ttft, **tpot;                     /**< by the time of the first / last token; NULL where none */
    float *desired, *assigned, *ready, *starting; /**< replicas, time average */
    float *waiting;                               /**< requests waiting for first work, at the end of the bin */
    /* [bins * service_count * RES_CHAIN] */
    double *chain_s; /**< replica-seconds that replicas which became ready spent in each link: 0 the decision (from
                          the reading of the metric), 1 + mdl_stage the stages; together what res_lag sums to */
    /* [bins * service_count * pool_count] */
    float *ready_by_pool; /**< replicas, time average */
    /* [bins * pool_count] */
    float *nodes;         /**< up, time average */
    float *nodes_ordered; /**< ordered and not yet up, time average */
    int64_t *cost_uusd;   /**< spent in the bin */
    /* [bins] */
    int64_t *egress_uusd;
    int64_t *images_uusd; /**< of egress, see res_cost */
} res_timeline;

typedef struct res_host { /**< left out of byte comparisons */
    double wall_s, cpu_s;
    uint64_t events;
    uint64_t requests;
    double decide_us_p50, decide_us_p99, decide_us_max;
} res_host;

typedef struct res_run {
    uint32_t replication;
    uint64_t seed;
    res_requests requests;
    res_latency latency; /**< over all services */
    res_service *services;
    int32_t service_count;
    res_tenant *tenants;
    int32_t tenant_count;
    int32_t region_count; /**< rows of by_region in each service */
    res_pool *pools;
    int32_t pool_count;
    res_cost cost;
    res_way *ways; /**< [region_count * cluster_count] */
    res_burst *bursts;
    int32_t burst_count;
    res_lag lag;                      /**< all starts */
    res_lag lag_by_start[RES_STARTS]; /**< [res_start] */
    res_control control;
    res_fault *faults; /**< [fault_count] */
    int32_t fault_count;
    res_timeline timeline;
    res_host host;
    /* Little's law, over the whole run, warm-up included: both count from sending to the end of the work at the
     * replica (or rejection, time-out), requests still inside until the end of the run. They are equal. */
    __extension__ __int128 in_system_area_ns; /**< integral over time of the number of requests in the system */
    __extension__ __int128 sojourn_sum_ns;    /**< sum over requests of their time in the system */
} res_run;

res_run *res_new(const sc_scenario *sc, int32_t bins, int64_t bin_ns); /**< zeroed, histograms made; NULL: memory */
void res_free(res_run *run);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * toy.h - a small world for tests of the core: clusters, pools and workloads in plain arrays, turned into a snapshot,
 * and an actuator that carries out plans at once. Nothing here is random and nothing takes time unless a test says so.
 */
#ifndef TESTS_SUPPORT_TOY_H
#define TESTS_SUPPORT_TOY_H

#include <spillway/core.h>
#include <spillway/manifest.h>
#include <spillway/seam.h>

#define TOY_CLUSTERS 8
#define TOY_POOLS    16
#define TOY_WORKS    4
#define TOY_PODS     512

enum { TOY_CPU, TOY_MEMORY, TOY_SLOTS, TOY_RESOURCES }; /* slots: pods that the nodes may run */

typedef struct toy_pool {
    const char *name;
    int cluster;
    spw_capacity capacity;
    int gpus_per_node, nodes, target, min, max, stock; /* nodes = up */
    int used;                                          /* GPUs taken, first node first; set by toy_settle */
    int64_t price, failures;
    const char *gpu;
    bool by_hand; /* free_nodes says what is free, not `used` */
    int32_t free_nodes[SPW_NODE_GPUS_MAX + 1];
} toy_pool;

typedef struct toy {
    spw_time now;
    int clusters, pools, works;
    const char *cluster_name[TOY_CLUSTERS];
    bool ready[TOY_CLUSTERS];
    spw_dur age[TOY_CLUSTERS];              /* of the observation */
    const char *region[TOY_CLUSTERS];       /* NULL = "" */
    const char *jurisdiction[TOY_CLUSTERS]; /* NULL = "" */
    spw_taints taints[TOY_CLUSTERS];
    bool has_law, has_taints;                        /* show the two columns */
    bool has_summary;                                /* show the next, and what replicas request of CPU and memory */
    int64_t summary[TOY_CLUSTERS][TOY_RESOURCES][3]; /* allocatable, allocated, allocating */
    spw_time reschedule[TOY_WORKS];                  /* 0 = never */
    const spw_rtt *rtts;
    size_t rtt_count;
    toy_pool pool[TOY_POOLS];
    spw_workload work[TOY_WORKS];
    int32_t template_replicas[TOY_WORKS];
    int32_t assigned[TOY_WORKS][TOY_CLUSTERS];
    int32_t scheduled[TOY_WORKS][TOY_CLUSTERS];
    int32_t is_ready[TOY_WORKS][TOY_CLUSTERS];
    int32_t route[TOY_WORKS][TOY_CLUSTERS];
    bool has_usage;                      /* show the next */
    int32_t usage[TOY_WORKS][TOY_POOLS]; /* ready replicas on the nodes of a pool */
    int64_t metric_milli[TOY_WORKS];     /* per-pod value of metric "load"; < 0 = no samples */
    int64_t rate_milli[TOY_WORKS];       /* value row of SPW_ROUTE_RATE; 0 = none */
    bool reversed;                       /* rows of every table in the opposite order */
    int rotated;                         /* ... and this many places further, round and round */
    spw_policy policy;
    spw_hpa hpa;
    bool deaf;             /* the actuator loses everything */
    bool keeps_routes;     /* ... but the shares of traffic */
    const spw_mem *mem;    /* NULL = the allocator of libc */
    spw_settings settings; /* defaults; a test may change them before toy_start */
    size_t actions_max;    /* of the plan */
    /* columns of the last snapshot */
    spw_snapshot snap;
    struct toy_columns *columns;
    spw_core *core;
    spw_plan *plan;
} toy;

/** One workload "prod/chat" of 1 GPU, no clusters yet, policy defaults (ordered, partial, dynamic). */
void toy_init(toy *t);
/** Adds a cluster, its group = its number unless groups are set by hand. @return its number */
int toy_cluster(toy *t, const char *name);
/** Adds a pool of 1-GPU nodes. @return its number */
int toy_pool_add(toy *t, int cluster, const char *name, spw_capacity capacity, int nodes, int max);
/** Makes one group for each of the comma-separated lists of cluster names, e.g. {"idc", "a,b"}; then the core. */
void toy_start(toy *t, const char *const *groups, int group_count);
void toy_end(toy *t);
/** Snapshot of the world as it is. */
const spw_snapshot *toy_snapshot(toy *t);
/** Decide once and carry the plan out in the records (assigned, targets, template, routes). Fails the test on error. */
const spw_plan *toy_tick(toy *t);
/** The two halves of it: decides with another core into another plan, nothing carried out ... */
void toy_decide(toy *t, spw_core *core, spw_plan *plan, char *text, size_t size);
/** ... and carries out one action. */
void toy_carry_out(toy *t, const spw_action *a);
/** A core of the same configuration and settings. */
spw_core *toy_core(toy *t);
/** Gives the policy and the settings as they are now to a new core. */
void toy_restart(toy *t);
/** The toy as the two ends of a loop: observe shows it as it is at t->now, submit carries out. */
spw_source toy_source(toy *t);
spw_actuator toy_actuator(toy *t);
/** Ordered nodes come up, assigned replicas get nodes and become ready as far as they fit. */
void toy_settle(toy *t);
/** Text of the last plan, in a static buffer of the toy. */
const char *toy_text(toy *t);

#endif

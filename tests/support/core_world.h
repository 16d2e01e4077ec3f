/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * core_world.h - a fleet under the core, node by node and pod by pod, of which a toy shows what a control plane would
 * see: nodes come late or fail or vanish, pods wait, bind most important first and get ready one by one, others use
 * CPU and memory beside them. The truth that plans are judged by.
 */
#ifndef TESTS_SUPPORT_CORE_WORLD_H
#define TESTS_SUPPORT_CORE_WORLD_H

#include "tests/support/choice.h"
#include "tests/support/toy.h"

#define CW_NODES   256
#define CW_PODS    1024
#define CW_CLASSES 4 /* GPU classes of a workload at most; the fewer ones of two workloads are among the more ones */

/** CPU, memory and places for pods that a node has for each of its GPUs: enough for any replica on them. */
extern const int64_t cw_per_gpu[TOY_RESOURCES];

typedef struct node {
    int pool, free; /* pool -1 = no node */
} node;

typedef struct pod {
    int work, cluster, node, wait; /* work -1 = no pod; node -1 = pending; wait: ticks until ready, 0 = ready */
} pod;

typedef struct world {
    toy t;
    choice c;
    node nodes[CW_NODES];
    pod pods[CW_PODS];
    int64_t foreign[TOY_CLUSTERS][TOY_RESOURCES]; /* what pods that are not ours use of the nodes that are up */
    bool calm, stuck[TOY_POOLS];                  /* stuck: its orders bring nothing */
    /* for the test */
    uint64_t seed;
    int tick, deaf_at;
    spw_core *twin;
    spw_plan *twin_plan;
    int group_of[TOY_CLUSTERS];
    char text[8192], twin_text[8192];
} world;

/** A law: the test fails where it does not hold. */
#define MUST(world_, condition_)                                                                                       \
    do {                                                                                                               \
        if (!(condition_)) {                                                                                           \
            fail_msg("seed %d, tick %d: %s\n%s", (int)(world_)->seed, (world_)->tick, #condition_, (world_)->text);    \
        }                                                                                                              \
    } while (0)

/** What the world would be if nothing of the toy's last plan were lost. */
typedef struct cw_after {
    int32_t assigned[TOY_WORKS][TOY_CLUSTERS];
    bool grew[TOY_WORKS][TOY_CLUSTERS], overflowed[TOY_WORKS][TOY_CLUSTERS];
    int target[TOY_POOLS];
} cw_after;

/** No nodes, no pods. The toy is the caller's to make. */
void cw_init(world *w);
bool cw_class_fits(const spw_workload *w, const char *gpu);
/** What a replica of a workload requests: TOY_CPU, TOY_MEMORY, TOY_SLOTS. */
int64_t cw_request(const world *w, int work, int k);
/** What pods of ours on nodes of a cluster use, or those that wait for one ask for. */
int64_t cw_used(const world *w, int cluster, int k, bool waiting);
/** What nobody uses of the nodes that are up. */
int64_t cw_unused(const world *w, int cluster, int k);
int cw_node_count(const world *w, int pool);
void cw_add_node(world *w, int pool);
/** Its pods wait for another one. */
void cw_lose_node(world *w, int i);

/* One step of each: */
/** The cloud brings ordered nodes, and takes back empty ones that are not wanted any more. */
void cw_provider(world *w);
/** Member clusters: pods follow the assignment, bind most important first, get ready. */
void cw_members(world *w);
/** Pods that are not ours leave with their nodes; with `some` they come and go, too. */
void cw_others(world *w, bool some);
/** What the toy shows of it. */
void cw_show(world *w);

/** Rows are things: the toy's own order is straight. */
void cw_read_plan(const world *w, cw_after *a);
/** Packs n pods of a workload into nodes, first fit: with sizes that divide each other, largest first, the best. */
int cw_pack(const world *w, node *nodes, int work, int cluster, int n);
/** Packs what a cluster is told to run and what has no node: largest first, the choosier first. @return all */
bool cw_pack_pending(const world *w, const cw_after *a, node *nodes, int cluster, bool only_grown);
/** Is there a GPU for all that grows, on nodes that are up or ordered? */
bool cw_growth_fits(const world *w, const cw_after *a);

#endif

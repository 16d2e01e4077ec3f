/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * world.h - small scenarios in memory, for tests of the fleet.
 *
 * world_init() makes the smallest one that serves: one region, one cluster "c0" with an owned pool of one node of 8
 * GPUs, one service with one replica of one GPU, a station engine, no autoscaler, no network delay, no noise, a tick
 * and a scrape every 15 s. Tests then change fields of the arrays before world_scenario(); raising the counts
 * (regions, clusters, pools, services) brings in further rows, which world_init() has filled alike. The struct owns
 * everything; the scenario points into it, so it must stay where it is.
 */
#ifndef TESTS_SUPPORT_WORLD_H
#define TESTS_SUPPORT_WORLD_H

#include "sim/fleet/fleet.h"

#define WORLD_REGIONS  2
#define WORLD_CLUSTERS 3
#define WORLD_POOLS    2 /* of each cluster */
#define WORLD_SERVICES 2

typedef struct world {
    sc_scenario sc;
    sc_region regions[WORLD_REGIONS];
    int64_t rtt[WORLD_REGIONS * WORLD_REGIONS]; /* used with region_count == WORLD_REGIONS, else [0] alone */
    sc_cluster clusters[WORLD_CLUSTERS];
    sc_pool pools[WORLD_CLUSTERS][WORLD_POOLS];
    int32_t pools_of[WORLD_CLUSTERS];
    sc_service services[WORLD_SERVICES];
    sc_traffic traffic[WORLD_SERVICES];
    mdl_llm_config llm[WORLD_SERVICES][WORLD_CLUSTERS * WORLD_POOLS];
    sc_target targets[WORLD_SERVICES][3];
    mdl_gpu gpu;
    spw_config config;
    spw_workload workloads[WORLD_SERVICES];
    spw_policy policy;
    spw_group groups[WORLD_CLUSTERS];
    const char *group_names[WORLD_CLUSTERS][1];
    spw_hpa hpa;
    spw_hpa_metric metric;
} world;

void world_init(world *w);
/** Sets the counts that follow from others and returns the scenario. */
const sc_scenario *world_scenario(world *w);
/** Ordered groups, one for each cluster in turn, partial and elastic: the first is filled first. */
void world_groups(world *w, int32_t clusters);
/** The service's replicas follow an HPA on one per-pod metric. */
void world_hpa(world *w, const char *metric, int64_t target_milli, int32_t min, int32_t max);
/** Runs replication 0 and fails the test with the message if it does not come to its end. */
res_run *world_run(world *w, uint64_t seed);

/** 1 if two results are equal in everything but host figures: counts, histograms, money, timelines, bursts. */
int world_same(const res_run *a, const res_run *b);

#endif

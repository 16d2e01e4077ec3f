/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * eye.h - what the control plane sees: a ring of readings of the true state, each visible a while after it was taken,
 * and the snapshot built on the newest visible one. Private to sim/fleet.
 */
#ifndef SIM_FLEET_EYE_H
#define SIM_FLEET_EYE_H

#include "sim/fleet/world.h"

/** One reading, in the columns of the snapshot. Rows: pools; service x cluster; pods; samples; 2 values a service. */
struct fl_obs {
    int64_t taken_ns;
    int32_t *pool_nodes;
    int32_t (*free_nodes)[SPW_NODE_GPUS_MAX + 1];
    int32_t *scheduled, *ready;
    uint8_t *cluster_ready;
    int32_t *usage; /* service x pool: ready replicas on the pool's nodes */
    size_t pod_count;
    uint64_t *pod_key;
    spw_id *pod_workload, *pod_cluster;
    uint8_t *pod_phase, *pod_deleting, *pod_ready;
    spw_time *pod_started, *pod_changed;
    size_t sample_count;
    spw_id *sample_pod;
    uint64_t *sample_metric;
    int64_t *sample_value, *sample_request;
    spw_dur *sample_window;
    int64_t *value;
};

struct fl_eye {
    fl_obs *ring;                   /**< [depth] */
    uint32_t depth, first, pending; /**< `pending` readings after the visible one, which is ring[first] */
    uint64_t scrapes;
    size_t frozen_at; /**< where a frozen sample was found last */
    int64_t last_scrape_ns;
    size_t pods_max, samples_max;
    uint32_t slot; /**< of the scrape */
    /* columns that never change */
    uint64_t *cluster_key, *pool_key, *workload_key;
    const char **cluster_name, **region, **zone, **provider, **jurisdiction, **pool_name, **gpu, **workload_name;
    spw_labels *labels, *pool_labels;
    bool pools_labelled;
    uint8_t *capacity;
    spw_id *pool_cluster;
    spw_id *usage_workload, *usage_pool;
    int32_t *workload_gpus;
    int32_t *gpus_per_node, *nodes_min, *nodes_max, *stock, *rank;
    int64_t *failures; /* of node orders so far; the node group's own record, so current */
    int64_t *price;
    spw_time *stock_told; /* when `stock` was told */
    spw_id *value_workload;
    uint64_t *value_metric;
    /* columns filled at each tick */
    int32_t *target, *template_replicas;
    spw_id *place_workload, *place_cluster;
    int32_t *place_assigned, *place_scheduled, *place_ready;
    spw_time *taken; /**< [rows_max] the reading's time, shared by every `observed` column */
    size_t rows_max;
    int64_t taken_ns;
    spw_snapshot snapshot;
};

/** Per-pod metrics the world can show. */
typedef enum fl_metric {
    FL_METRIC_RUNNING = 0,
    FL_METRIC_WAITING = 1,
    FL_METRIC_KV_USED = 2,
    FL_METRIC_PROMPT_RATE = 3,
    FL_METRIC_GENERATION_RATE = 4,
    FL_METRIC_REQUEST_RATE = 5,
    FL_METRIC_IN_FLIGHT = 6,
    FL_METRIC_GPU_BUSY = 7
} fl_metric;

/** Looks a name up, ':' standing for '_'. @return a fl_metric, or -1: nothing in this world has it */
int fl_metric_find(const char *name);

/** Allocates the columns. false = out of memory (free with fl_eye_free). */
bool fl_eye_columns(fl_world *w);
/** The newest reading that is visible now becomes ring[first]. */
void fl_eye_look(fl_world *w);

#endif

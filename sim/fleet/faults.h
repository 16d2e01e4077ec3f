/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * faults.h - faults at work in one replication. Private to sim/fleet. w->faults is NULL in a world without any.
 *
 * Each instance of a fault (a place of a node, a rack, a cluster, the API, a set of metrics) is an entity with its own
 * windows, drawn from a stream named by fault, pool and place, so that policies meet the same luck. A place of a node
 * is the lowest number that no other living node of its pool has; its instances begin with the first node that sits
 * there.
 */
#ifndef SIM_FLEET_FAULTS_H
#define SIM_FLEET_FAULTS_H

#include "sim/fleet/world.h"

typedef struct fl_trouble { /**< one instance */
    uint32_t fault;         /**< in sc->faults */
    uint32_t pool, index;   /**< node and rack scopes; else FL_NONE */
    bool on, ended;
    bool met; /**< the action in hand */
    size_t row;
    mdl_window window; /**< present or next */
    uint32_t slot;
} fl_trouble;

typedef struct fl_late { /**< an action that takes effect later */
    int64_t due_ns;
    uint64_t order;
    spw_action action;
} fl_late;

typedef struct fl_hit { /**< a node by row and ordinal: rows are used again */
    uint32_t node;
    uint64_t ordinal;
} fl_hit;

struct fl_faults {
    fl_trouble *troubles;
    uint32_t count, cap;
    int32_t *cluster_down;       /**< [cluster_count] faults that hold it down */
    int32_t api, metrics, stale; /**< instances at work, by what they touch */
    bool any_slow;               /**< some fault slows nodes */
    bool losing;                 /**< requests on what goes down now are lost, not routed anew */
    uint32_t cause;              /**< fault whose doing it is, for the counts */
    fl_hit *hits;                /**< scratch */
    uint32_t hit_count, hit_cap;
    uint8_t *taken; /**< scratch */
    uint32_t taken_cap;
    fl_late *late;
    uint32_t late_count, late_cap, late_slot;
    uint64_t late_order;
    gsl_rng *action_rng;
};

/** What faults make of one sample. */
typedef struct fl_distortion {
    bool missing, frozen;
    double factor;
    uint64_t shows; /**< key of the metric whose value it carries; 0 = its own */
} fl_distortion;

bool fl_faults_new(fl_world *w);
void fl_faults_free(fl_world *w);
void fl_fault_event(fl_world *w, uint32_t trouble);
void fl_faults_close(fl_world *w);
/** A node of a pool was made: takes its place and what holds there. */
void fl_fault_node(fl_world *w, uint32_t node);
/** A node came up or its faults changed: goes down or comes back if it has to. */
void fl_fault_health(fl_world *w, uint32_t node);
/** The engine of a replica that just became ready, as slow as its node is. */
mdl_engine *fl_fault_engine(const fl_world *w, mdl_engine *engine, uint32_t node);
/** Whether nothing is read now; counted. */
bool fl_fault_stale(fl_world *w);
fl_distortion fl_fault_sample(fl_world *w, uint32_t service, uint32_t cluster, uint64_t metric);

/**
 * What becomes of an action. Of several faults at once the greatest counts, in whatever order they are listed: what the
 * API server refuses is neither lost nor put off, what is lost is never carried out. What is delivered or put off may
 * be duplicated: the copy comes `after` later than the action itself.
 */
typedef enum fl_verdict { FL_DELIVERED = 0, FL_PUT_OFF = 1, FL_LOST = 2, FL_REFUSED = 3 } fl_verdict;
fl_verdict fl_fault_action(fl_world *w, const spw_action *action);
void fl_late_event(fl_world *w);

/* faults_nodes.c */
/** The nodes in faults->hits: those that faults hold go down together, the others come back. */
void fl_nodes_health(fl_world *w);

#endif

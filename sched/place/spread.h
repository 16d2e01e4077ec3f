/* SPDX-License-Identifier: Apache-2.0 */
/**
 * spread.h - which clusters a workload may stand on under spread constraints: by cluster, and by area (region).
 *
 * Semantics of Karmada (pkg/scheduler/core/spreadconstraint). Candidates have an order: group, those that hold replicas
 * first, room, name.
 *   by cluster  the first maxGroups in that order; while a divided workload does not fit in them, the last is swapped
 *               for the roomiest one outside, then the last but one, and so on
 *   by area     areas are scored, a set of them is chosen, then the best cluster of each and the best of the rest
 * The choice of areas looks at combinations: areas by (clusters up, score down, name up), a branch ends where it has
 * enough areas and clusters; most score wins, then most clusters, then the first; and if a shorter set that is a branch
 * end, too, makes up the first areas (by score) of the winner, that one. Done here as a search with a bound, not by
 * listing them all: the bound is the best score and cluster count that the areas still open could add.
 */
#ifndef SCHED_PLACE_SPREAD_H
#define SCHED_PLACE_SPREAD_H

#include <spillway/config.h>

/** Branches looked at before the best set found so far is taken. Two good sets are at hand from the start. */
#define SPREAD_BRANCHES_MAX 20000

typedef struct spread_item {
    const char *area; /**< region, or what else clusters are grouped by */
    int32_t group;    /**< tier */
    bool holds;       /**< runs replicas of the workload now: score 100, else 0 */
    int64_t avail;    /**< replicas it could hold, its own included */
    bool chosen;      /**< out */
} spread_item;

typedef struct spread_ask {
    int32_t clusters_min, clusters_max; /**< max: 0 = no limit */
    int32_t areas_min, areas_max;       /**< areas_min 0 = no constraint by area */
    int32_t replicas;
    bool divided;  /**< room counts as a sum; false (duplicated): each cluster must hold all */
    bool must_fit; /**< divided, by cluster: a set without room for all replicas is a failure */
} spread_ask;

typedef struct spread_area {
    const char *name;
    uint32_t first; /**< position in `order` chain */
    int64_t clusters, score;
} spread_area;

/** Scratch, [count of items] each. */
typedef struct spread_scratch {
    uint32_t *order;    /**< items, best first */
    uint32_t *next;     /**< next item of the same area, in order */
    spread_area *areas; /**< by (clusters up, score down, name up) */
    uint32_t *by_score; /**< areas by (score down, clusters down) */
    uint32_t *path;     /**< branch at hand */
    uint32_t *best;     /**< best branch end so far */
    uint8_t *in;        /**< areas of a set */
} spread_scratch;

typedef enum spread_result {
    SPREAD_OK = 0,
    SPREAD_TOO_FEW = 1, /**< fewer clusters or areas than asked for */
    SPREAD_SHORT = 2    /**< the clusters that may be taken do not hold all replicas */
} spread_result;

/**
 * Chooses among items, which come sorted by name (their index is the order of names).
 * @return SPREAD_OK with `chosen` set; else nothing is chosen
 */
spread_result spread_select(const spread_ask *ask, spread_item *items, size_t count, spread_scratch *s);

#endif

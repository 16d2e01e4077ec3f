/* SPDX-License-Identifier: Apache-2.0 */
/**
 * view.h - a snapshot in canonical order, joined with the configuration and the ledger: what one tick plans on.
 *
 * Clusters are numbered by name, seats (workload, cluster) by configuration index and cluster, so that the order of
 * rows never reaches a decision. All arrays are scratch of the core, sized once.
 */
#ifndef SCHED_CORE_VIEW_H
#define SCHED_CORE_VIEW_H

#include <spillway/core.h>

#include "core/arena.h"
#include "core/memory.h"
#include "place/capacity.h"

typedef struct view_cluster {
    spw_id row;
    uint64_t key;
    bool ready;           /**< answers and is healthy, or is lost and replicas are held there by a budget of failover */
    bool lost;            /**< by its debounced health */
    bool stale;           /**< its state is older than settings.stale_after */
    uint8_t was;          /**< both in the last tick, with whether it answered: see mend_health() */
    uint32_t memory_hint; /**< where memory.clusters had it last */
} view_cluster;

/** What a policy's selectors say of a cluster. */
typedef struct view_site {
    int32_t group;  /**< first group it matches, -1 = none */
    int32_t weight; /**< largest static weight that matches it, 0 = none */
} view_site;

typedef struct view_seat {
    uint32_t work;          /**< index in the configuration */
    uint32_t cluster;       /**< canonical number */
    spw_id row;             /**< in placements */
    int32_t assigned;       /**< as the snapshot shows it */
    int32_t scheduled;      /**< bound to nodes, at most assigned */
    int32_t ready;          /**< at most scheduled */
    int32_t held;           /**< scheduled, plus those that found idle or coming room */
    int32_t held_coming;    /**< of held: on nodes not up yet */
    int32_t held_nominated; /**< of held: they wait for victims to leave */
    int32_t victims;        /**< of this tick: taken out of held for more important workloads ... */
    uint32_t victims_of;    /**< ... the first of which is this one */
    int32_t listed;         /**< scratch of preemption: replicas whose age is known */
    int32_t potential;      /**< scratch of preemption: those that could be victims */
    int32_t stands;         /**< scratch of preemption: last unit of the beneficiary that they stand in ... */
    int64_t told;           /**< ... as far as usage tells, of so many */
    uint32_t memory_hint;   /**< where the workload's run in memory had it last: for memory_seat_near() */
    int64_t usage_milli;    /**< sum over known ready replicas of the throughput of their GPU class */
    int64_t usage_ready;    /**< how many those are */
} view_seat;

/** Room that replicas of a workload with units have taken in a cluster while they wait for their nodes. */
typedef struct view_hold {
    uint32_t cluster;
    int32_t in_unit[SPW_UNITS_MAX];
} view_hold;

/** The rows of the last snapshot, column by column, in which the next one looks for what is new. */
typedef struct view_kept {
    size_t workload_count;
    uint64_t *key;
    int32_t *replicas, *gpus;
    int64_t *cpu, *memory;
    spw_time *reschedule;
    bool has_gpus, has_cpu, has_memory, has_reschedule;
    size_t placement_count;
    spw_id *workload, *cluster;
    int32_t *assigned, *scheduled, *ready;
} view_kept;

/**
 * Workloads rest or are active. One that rests is settled: its rows are what they were in the last tick, in which its
 * turn changed nothing and wrote nothing, and nothing that it depends on has changed; so its turn is skipped, and its
 * seats stay as they were read, but for the numbers of their rows. The others are active, and read anew in each tick.
 * Any doubt wakes a workload; see view_wake().
 */
typedef struct view {
    const spw_snapshot *snap;
    spw_time now;
    uint32_t cluster_count;
    view_cluster *clusters;
    view_site *sites; /**< [policies x clusters_max]; kept from tick to tick while clusters look the same */
    size_t site_stride;
    uint64_t looks;          /**< digest of the clusters, of what lasts of them */
    uint64_t pool_order;     /**< digest of what orders the pools */
    bool anew;               /**< nothing is kept of an earlier snapshot */
    bool same_clusters;      /**< they look as they did in the last tick, row by row */
    uint32_t *canonical;     /**< [cluster rows] row -> canonical number */
    spw_id *by_key;          /**< [cluster_count] rows of clusters, by key */
    uint32_t *work_by_key;   /**< [works] of the configuration, by key; filled once, by view_start() */
    view_seat *seats;        /**< runs of the workloads, each sorted by cluster */
    size_t seat_space;       /**< entries of seats */
    uint32_t seats_used;     /**< the runs lie before it */
    uint32_t *seat_first;    /**< [works] the run of a workload is [seat_first, seat_end) ... */
    uint32_t *seat_end;      /**< [works] */
    uint32_t *seat_room;     /**< [works] ... with room for so many */
    spw_id *work_row;        /**< [works] row in the snapshot, SPW_ID_NONE if absent */
    uint32_t *work_of;       /**< [workload rows] index in the configuration, UINT32_MAX = not ours */
    size_t works;            /**< of the configuration */
    const uint32_t *by_rank; /**< [works] most important first */
    uint32_t *rank;          /**< [works] place in by_rank */
    uint64_t *active;        /**< [works bits] of this tick */
    uint64_t *active_rank;   /**< [works bits] the same by place in by_rank */
    uint64_t *resting;       /**< [works bits] */
    spw_time *rests_since;   /**< [works] its seats that the snapshot shows were last marked as seen then */
    spw_time *rests_until;   /**< [works] wakes after it */
    spw_time next_wake;      /**< none of rests_until is before it */
    bool all_read;       /**< all workloads were read anew: the rows of workloads may be others than in the last tick */
    bool tidy;           /**< placements come in the order of the workloads' rows */
    uint32_t *row_first; /**< [workload rows + 1] placements of a workload's row: rows of that table if it is tidy,
                              else places in row_list */
    uint32_t *row_list;  /**< [placements] */
    view_kept kept;
    uint32_t *pool_hint; /**< [pool rows] see memory_pool_near() */
    room rooms;
    view_hold *holds;      /**< runs of the workloads with units ... */
    uint32_t *hold_first;  /**< [works] ... each [hold_first, hold_end) */
    uint32_t *hold_end;    /**< [works] */
    uint32_t hold_count;   /**< of all runs */
    estimate_left *limits; /**< [clusters_max] */
    size_t grades_max;
    int32_t batch; /**< nodes that may be ordered from a pool in one tick; 0 = any number */
    /* scratch of the builders */
    uint32_t *index;
    size_t index_max;
    size_t workload_rows_max;
} view;

/** Lays the arrays out in the arena (see arena.h for the two passes). */
void view_layout(view *v, arena *a, const spw_settings *settings, const spw_config *config);

/** Once, when the configuration has been copied. by_rank: [works] indices, most important first; kept, not copied. */
void view_start(view *v, const spw_config *config, const uint32_t *by_rank);

/** What is kept of earlier snapshots does not hold any more: the next tick reads everything anew. */
void view_forget(view *v);

/** Group and static weight of canonical cluster c under a policy of the configuration. */
const view_site *view_site_at(const view *v, spw_id policy, uint32_t c);

/**
 * Joins and sorts, as far as the last tick's work does not hold. Decides who is active, notes what is remembered of
 * those (memory_note), and reserves room for their replicas that are assigned and not yet on a node, most important
 * workload first, and for promises of the ledger that the snapshot does not show yet.
 * @return SPW_OK; SPW_LIMIT; SPW_INVAL for keys that are not unique
 */
spw_rc view_build(view *v, const spw_settings *settings, const spw_config *config, memory *m, const spw_snapshot *snap,
                  spw_err *err);

/** Makes a workload active that may have rested, in the middle of a tick. */
void view_wake(view *v, memory *m, uint32_t work);
void view_wake_all(view *v, memory *m);

/** Lets an active workload rest from the next tick on. */
void view_rest(view *v, uint32_t work, spw_time until);

/** Writes down in memory when the seats of resting workloads were last seen: in the last tick. */
void view_catch_up(const view *v, const memory *m);

/** The unit that a pool (row of the snapshot) belongs to, -1 if none. */
int32_t view_unit_of(const view *v, const spw_units *units, spw_id pool);

/** Before rooms are counted or taken for a workload: what its units have left in each cluster. Nothing without units.
 */
void view_open_units(view *v, const spw_config *config, uint32_t work, const memory *m);

/** Canonical number of a cluster, UINT32_MAX if the snapshot lacks it. */
uint32_t view_cluster_find(const view *v, uint64_t key);

/** The seat of a workload on a cluster, NULL if it has none there. */
const view_seat *view_seat_find(const view *v, uint32_t work, uint32_t cluster);

/** Throughput of a replica on a GPU class, 1e-3; 0 = it does not run there. */
int32_t view_class_milli(const spw_workload *workload, const char *gpu);

/**
 * What `ready` replicas of a seat weigh in traffic, in 1e-3 of a replica on the reference class: by the classes of the
 * pools they run on (table usage). Those the table says nothing about count as on the slowest class that the cluster
 * has for the workload. Without relative throughputs: ready x 1000.
 */
int64_t view_ready_weight(const view *v, const spw_workload *workload, const view_seat *seat, int32_t ready);

/* --- between view.c and view_seats.c --- */

void view_seats_layout(view *v, arena *a, const spw_settings *settings, size_t works);
spw_rc view_seats_build(view *v, const spw_settings *settings, const spw_config *config, memory *m, spw_err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * seam.h - where the core meets a host: a source shows the world, an actuator changes it, the loop stands between.
 *
 * Both ends are versioned structs of few functions with a `self` pointer owned by whoever made the struct.
 * The simulator and the daemon differ in nothing but these two.
 */
#ifndef SPILLWAY_SEAM_H
#define SPILLWAY_SEAM_H

#include <spillway/core.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct spw_source {
    uint32_t version; /**< SPW_API_VERSION */
    const char *name;
    void *self;
    /** *out is borrowed by the loop until the next observe or close. @return SPW_OK or SPW_BACKEND */
    spw_rc (*observe)(void *self, spw_time now, const spw_snapshot **out, spw_err *err);
    void (*close)(void *self); /**< may be NULL */
} spw_source;

/** What an actuator gets with a tick: rows of actions index into `snap`. Borrowed until commit returns. */
typedef struct spw_tick_info {
    spw_time now;
    uint64_t tick; /**< counts from 0, also over restarts */
    const spw_snapshot *snap;
    const spw_plan *plan;
    uint64_t snapshot_hash;
    uint64_t state_hash; /**< of the state before the decision */
} spw_tick_info;

typedef struct spw_actuator {
    uint32_t version; /**< SPW_API_VERSION */
    const char *name;
    void *self;
    spw_rc (*begin)(void *self, const spw_tick_info *info, spw_err *err);
    /** `ticket` is unique for each action of each tick and the same on a retry: (tick << 20) + index. */
    spw_rc (*submit)(void *self, const spw_action *action, uint64_t ticket, spw_err *err);
    spw_rc (*commit)(void *self, spw_err *err);
    void (*close)(void *self); /**< may be NULL */
} spw_actuator;

typedef struct spw_loop spw_loop;

typedef struct spw_loop_stats {
    uint64_t ticks;
    uint64_t actions;       /**< submitted and accepted */
    uint64_t bad_snapshots; /**< refused by spw_snapshot_check: no plan, nothing done */
    uint64_t bad_plans;     /**< refused by spw_plan_check: dropped whole */
    uint64_t source_failures;
    uint64_t actuator_failures; /**< a submit or commit that failed; re-planned next tick */
    uint64_t actions_refused;   /**< actions that failed, or depended on one that did */
    uint64_t stale_decisions;   /**< decided on input older than settings.stale_after */
} spw_loop_stats;

/** Borrows core, source and actuator until spw_loop_free. @return SPW_OK; SPW_VERSION; SPW_NOMEM */
spw_rc spw_loop_new(spw_core *core, const spw_source *source, const spw_actuator *actuator, const spw_mem *mem,
                    size_t actions_max, size_t outcomes_max, spw_loop **out);
void spw_loop_free(spw_loop *loop); /**< NULL allowed; calls neither close */

/**
 * One tick: observe, check, decide, check, begin, submit each, commit. After an action that is refused (SPW_BACKEND)
 * the others are carried out all the same, but for those that name it in `after` and later ones of the same workload.
 * @return SPW_OK; SPW_BACKEND if an end failed; SPW_INVAL if the snapshot or the plan was refused. Every failure
 * is counted and leaves the loop usable: the next tick starts from what the source then shows.
 */
spw_rc spw_loop_tick(spw_loop *loop, spw_time now, spw_err *err);
void spw_loop_stats_get(const spw_loop *loop, spw_loop_stats *out);
/** The plan of the last tick, borrowed; empty before the first. */
const spw_plan *spw_loop_plan(const spw_loop *loop);

/* --- actuators of the core archive: no I/O of their own --- */

/** Accepts everything, does nothing. */
spw_actuator spw_actuator_dry_run(void);

/** Sends every tick on as one JSON line to `emit`, e.g. into decisions.jsonl. */
typedef struct spw_record {
    /** `line` ends in '\n'. @return SPW_OK or SPW_BACKEND */
    spw_rc (*emit)(void *user, const char *line, size_t size);
    void *user;
    char *buf;   /**< caller's room for one line */
    size_t size; /**< a tick that does not fit fails with SPW_LIMIT */
} spw_record;
/** `record` is borrowed for the actuator's life. Writes {"tick","now_ns","snapshot_sha","state_sha","plan":[...]}. */
spw_actuator spw_actuator_record(spw_record *record);

/** Passes every call to both, first `a`, then `b`; a failure of `a` keeps the call from `b`, and is returned. */
typedef struct spw_tee {
    spw_actuator a;
    spw_actuator b;
} spw_tee;
spw_actuator spw_actuator_tee(spw_tee *tee); /**< `tee` is borrowed for the actuator's life */

#ifdef __cplusplus
}
#endif
#endif

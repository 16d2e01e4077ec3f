/* SPDX-License-Identifier: Apache-2.0 */
/**
 * core.h - the deciding core: (configuration, state, snapshot) -> (plan, state).
 *
 * A pure function of its inputs: no clock, no I/O, no entropy, no allocation after spw_core_new(). The same
 * snapshot bytes and the same state bytes give the same plan bytes, anywhere. No globals: two cores may run in
 * two threads; one core runs in one thread at a time.
 */
#ifndef SPILLWAY_CORE_H
#define SPILLWAY_CORE_H

#include <spillway/autoscale.h>
#include <spillway/config.h>
#include <spillway/plan.h>
#include <spillway/snapshot.h>
#include <spillway/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct spw_core spw_core;

typedef struct spw_settings {
    uint32_t api_version; /**< SPW_API_VERSION, set by _default */
    size_t clusters_max;  /**< the largest snapshot this core will see; exceeding it = SPW_LIMIT */
    size_t pools_max;
    size_t placements_max; /**< rows (workload, cluster) */
    size_t pods_max;
    size_t samples_max;
    spw_dur tick;         /**< control period, for spw_next_wakeup */
    spw_dur stale_after;  /**< input older than this freezes shrinking; default 120 s */
    spw_dur promise_ttl;  /**< ledger: a promise not yet visible is believed this long; default 300 s */
    spw_time unix_offset; /**< ns to add to a snapshot's `now` for Unix time, for timetables and seasons; default 0 */
    spw_dur fight_window; /**< two changes of a count by somebody else within this make its scaler hold still for as
                               long; 0 = never, for a host that does not carry plans out; default 600 s */
    spw_dur stock_tau;    /**< belief in a stock fades: stock x max(0, 1 - age / tau); 0 = it does not (default) */
    bool explain;         /**< fill the candidates of a plan made with spw_plan_new_explained(); changes no decision */
} spw_settings;

void spw_settings_default(spw_settings *settings);

/**
 * @param in  settings, config, mem  borrowed during the call; config is copied, mem is kept for _free
 * @param out out   the core; untouched on failure
 * @param out err   may be NULL; field names the part of the configuration
 * @return SPW_OK; SPW_VERSION; SPW_INVAL; SPW_NOMEM
 */
spw_rc spw_core_new(const spw_settings *settings, const spw_config *config, const spw_mem *mem, spw_core **out,
                    spw_err *err);
void spw_core_free(spw_core *core); /**< NULL allowed */

/**
 * One decision. The snapshot must have passed spw_snapshot_check(). On failure plan and state are unchanged
 * (the plan is empty).
 * @return SPW_OK; SPW_LIMIT (snapshot larger than settings, or plan too small); SPW_INVAL (time runs
 * backwards, two rows of a table have the same key, or a workload needs other GPUs than the configuration says)
 * @cost O(rows) + O(workloads x clusters of its groups); no allocation
 */
spw_rc spw_decide(spw_core *core, const spw_snapshot *snap, spw_plan *plan, spw_err *err);

/** When the core next has something to do by itself: last tick + period. SPW_TIME_MAX before the first. */
spw_time spw_next_wakeup(const spw_core *core);

/** Bytes spw_state_save() needs now. */
size_t spw_state_size(const spw_core *core);
/** Versioned, little-endian, checksummed. @return SPW_OK; SPW_LIMIT if size is too small */
spw_rc spw_state_save(const spw_core *core, void *buf, size_t size);

/** What became of the workloads of a saved state: each is counted once. */
typedef struct spw_state_report {
    uint32_t kept;    /**< they go on as if there had been no break */
    uint32_t changed; /**< configured otherwise now: what that gave its meaning begins anew, see below */
    uint32_t added;   /**< not in the state: they begin anew */
    uint32_t gone;    /**< not configured any more: forgotten */
} spw_state_report;

/**
 * Takes over a saved state, workload by workload, by their keys. A core that is configured as the one that saved it
 * goes on as that would have. Where a workload's configuration has changed, these begin anew, and nothing else does:
 *   its policy has another name, order, or names of groups   since when better groups have had room; the group in use
 *                                                            stays, if there is one of that name
 *   its policy has `compat` and another placement   nothing begins anew, but the first tick applies the placement
 *   its scaler is another one, or has other windows, periods, bins or triggers   its history
 * Promises, moves and clocks by cluster stay with the workload, those of pools and clusters stay in any case.
 * @return SPW_OK; SPW_VERSION; SPW_STATE (damaged; the core keeps the state it had); SPW_LIMIT
 */
spw_rc spw_state_load(spw_core *core, const void *buf, size_t size);
/** The same, and says what was kept. @param out report  all 0 unless SPW_OK */
spw_rc spw_state_load_report(spw_core *core, const void *buf, size_t size, spw_state_report *report);
/** 64-bit digest of the bytes spw_state_save() would write. */
uint64_t spw_state_hash(const spw_core *core);

#ifdef __cplusplus
}
#endif
#endif

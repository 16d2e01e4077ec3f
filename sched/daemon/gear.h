/* SPDX-License-Identifier: Apache-2.0 */
/**
 * gear.h - one configuration of workloads at work: core, loop, source and actuators that belong together. When what is
 * governed changes, a new gear takes over the state of the old one, as far as that fits.
 *
 * The loop's actuator is: record first - a decision that cannot be written down is not carried out - then either the
 * guarded real one, or one that holds everything back (observing).
 */
#ifndef SCHED_DAEMON_GEAR_H
#define SCHED_DAEMON_GEAR_H

#include <spillway/json.h>
#include <spillway/seam.h>

#include "sched/daemon/config.h"
#include "sched/daemon/declog.h"
#include "sched/daemon/host.h"
#include "sched/daemon/links.h"
#include "sched/daemon/source_file.h"
#include "sched/daemon/status.h"

typedef struct dm_gear dm_gear;

typedef struct dm_gear_spec {
    const dm_config *config;
    const dm_host *host;
    dm_links *links;           /**< NULL in mode file */
    dm_source_file *snapshots; /**< mode file */
    spw_json_manifest *texts;  /**< [text_count] of the log's head; borrowed for the gear's life */
    size_t text_count;
    const spw_config *governed; /**< borrowed for the gear's life */
    bool records;               /**< every tick into a log, see dm_gear_log() */
} dm_gear_spec;

/** @return SPW_OK; SPW_INVAL: the core refuses the configuration, see err; SPW_NOMEM */
spw_rc dm_gear_new(const dm_gear_spec *spec, dm_gear **out, spw_err *err);
void dm_gear_free(dm_gear *gear); /**< NULL allowed */

/** Where ticks are recorded; before the first tick of a gear that records. */
void dm_gear_log(dm_gear *gear, dm_log *log);

/** One tick of the loop. `observing`: nothing passes. @return as spw_loop_tick() */
spw_rc dm_gear_tick(dm_gear *gear, spw_time now, bool observing, spw_err *err);

const spw_core *dm_gear_core(const dm_gear *gear);
/** @return as spw_state_load_report() */
spw_rc dm_gear_load(dm_gear *gear, const void *state, size_t size, spw_state_report *report);
const spw_plan *dm_gear_plan(const dm_gear *gear);
const spw_snapshot *dm_gear_snapshot(const dm_gear *gear); /**< of the last tick, valid until the next; NULL before */
kube_source *dm_gear_source(const dm_gear *gear);          /**< NULL in mode file */
guard *dm_gear_guard(const dm_gear *gear);                 /**< NULL where nothing is ever done */
void dm_gear_stats(const dm_gear *gear, spw_loop_stats *loop, dm_told *told);

/** Prints the plan of the last tick to host->results: lines, or with explain JSON. @return false: out of memory */
bool dm_gear_print(const dm_gear *gear);

#endif

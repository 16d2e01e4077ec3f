/* SPDX-License-Identifier: Apache-2.0 */
/**
 * daemon.h - spillwayd without its process: everything between a Daemon file and a stop.
 *
 * Ticks come every `spec.tick`. Before the first, every collection of the fleet must have been listed once, or half a
 * minute have passed: a cluster that does not answer blinds nobody. Who does not lead decides all the same and holds
 * everything back, so that its histories are warm when it takes over. After each tick the state is saved.
 *
 * After a damaged state file the daemon observes for `spec.memory.relearn`: it decides and records, and does nothing.
 */
#ifndef SCHED_DAEMON_DAEMON_H
#define SCHED_DAEMON_DAEMON_H

#include "sched/daemon/gear.h"
#include "sched/daemon/state.h"
#include "sched/daemon/status.h"

typedef struct dm_daemon dm_daemon;

/**
 * Everything is checked and made; no tick yet. Of servers only those are asked that hold manifests.
 * @param in  file  taken over, also on failure
 * @return SPW_OK; SPW_INVAL or SPW_BACKEND with errors in diag; SPW_NOMEM. *out is untouched on failure.
 */
spw_rc dm_daemon_new(dm_config_file *file, const dm_host *host, spw_diag *diag, dm_daemon **out);
void dm_daemon_free(dm_daemon *daemon); /**< NULL allowed */

/**
 * Opens the log and takes the state up: from its file, or from `from`, the daemon that it replaces and that was closed
 * (NULL = a start).
 * @return SPW_OK; SPW_BACKEND, SPW_NOMEM: `from` may be opened again
 */
spw_rc dm_daemon_open(dm_daemon *daemon, dm_daemon *from, spw_err *err);
/** Saves the state, gives the lease up, closes the files. What is decided then stands. */
void dm_daemon_close(dm_daemon *daemon);

/**
 * Does what is due, a tick perhaps, then waits for at most `longest`, for less if something happens.
 * @return SPW_OK; SPW_LIMIT: there is nothing more to do (once: the tick was done; a log of snapshots is at its end);
 * SPW_BACKEND: with `once`, the tick failed, see err
 */
spw_rc dm_daemon_work(dm_daemon *daemon, spw_dur longest, spw_err *err);

/** The kill switch by signal: nothing is written while it is on. */
void dm_daemon_stop_writing(dm_daemon *daemon, bool stop);

/** For metrics and health, as of now. */
void dm_daemon_status(const dm_daemon *daemon, dm_status *out, dm_latency *latency);
const dm_config *dm_daemon_config(const dm_daemon *daemon);

#endif

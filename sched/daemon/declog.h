/* SPDX-License-Identifier: Apache-2.0 */
/**
 * declog.h - decisions.jsonl of the daemon: the simulator's lines, each with a checksum, appended and synced before
 * anything is done about them.
 *
 * A file begins with a head (settings, manifests, state), so each can be replayed by itself; a head also stands where
 * the daemon was started again or its configuration changed. A file that has grown over `rotate` is renamed to PATH.1,
 * that to PATH.2, up to PATH.`keep`, and a new one begins. A crash can tear the last line only; as the line is on the
 * disk before the actuator is asked, nothing was done about a torn one. At the next start it is moved to PATH.torn.
 */
#ifndef SCHED_DAEMON_DECLOG_H
#define SCHED_DAEMON_DECLOG_H

#include <spillway/json.h>

#include "sched/daemon/files.h"

typedef struct dm_log_spec {
    const dm_files *files;
    const char *path; /**< borrowed */
    int64_t rotate;   /**< bytes; 0 = never */
    int32_t keep;     /**< old files, >= 0 */
} dm_log_spec;

typedef struct dm_log dm_log;

/** What was mended when the log was opened. */
typedef struct dm_log_mended {
    int64_t torn; /**< bytes moved to PATH.torn */
} dm_log_mended;

/**
 * Opens the log for appending, after mending its end.
 * @return SPW_OK; SPW_BACKEND with the call that failed in err; SPW_NOMEM. *out is untouched on failure.
 */
spw_rc dm_log_open(const dm_log_spec *spec, dm_log **out, dm_log_mended *mended, spw_err *err);
void dm_log_close(dm_log *log); /**< NULL allowed */

/**
 * To be called before each tick. Rotates when it is time.
 * @return whether a head is needed: at the beginning of a file, and once after dm_log_open()
 */
bool dm_log_wants_head(dm_log *log);

/** A new configuration begins: the next line must be a head. NULL allowed. */
void dm_log_begin(dm_log *log);

/** Appends a head or a line as spw_record.emit gets it, sealed (spw_json_line_seal), and syncs.
 * @return SPW_OK; SPW_INVAL (no line); SPW_BACKEND: nothing of it stays in the file; SPW_NOMEM */
spw_rc dm_log_head(dm_log *log, const spw_json_head *head, spw_err *err);
spw_rc dm_log_tick(dm_log *log, const char *line, size_t size, const spw_snapshot *snap, const spw_config *names,
                   spw_err *err); /**< snap NULL: without it */

uint64_t dm_log_bytes(const dm_log *log); /**< of the current file */

#endif

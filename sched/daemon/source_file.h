/* SPDX-License-Identifier: Apache-2.0 */
/**
 * source_file.h - snapshots out of files: one that something else keeps writing, or a recorded log, one for each tick.
 *
 * A file "*.jsonl" is a log with snapshots, as `spillway run --record` or another daemon writes it: each observe()
 * shows the next one that is newer than what was decided last. Any other file holds one snapshot as JSON and is read
 * anew at each observe(); one that has not become newer is shown again, and ages.
 */
#ifndef SCHED_DAEMON_SOURCE_FILE_H
#define SCHED_DAEMON_SOURCE_FILE_H

#include <spillway/json.h>
#include <spillway/seam.h>

typedef struct dm_source_file dm_source_file;

/** Opens the file. @return SPW_OK; SPW_BACKEND with the reason in diag; SPW_NOMEM */
spw_rc dm_source_file_new(const char *path, spw_diag *diag, dm_source_file **out);
void dm_source_file_free(dm_source_file *source); /**< NULL allowed */
spw_source dm_source_file_seam(dm_source_file *source);

void dm_source_file_after(dm_source_file *source, spw_time after); /**< of a log: ticks up to then are passed over */
bool dm_source_file_is_log(const dm_source_file *source);

/** Steps to the next snapshot. @return SPW_OK; SPW_BACKEND (broken: see err); SPW_LIMIT: the log is at its end */
spw_rc dm_source_file_next(dm_source_file *source, spw_time *now, spw_err *err);
const spw_snapshot *dm_source_file_now(const dm_source_file *source); /**< NULL before the first */

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * log.h - decisions.jsonl line by line, as run writes it and as spillwayd writes, rotates and seals it; packed with
 * gzip or not.
 *
 * Messages are "file:line:col: error: sentence". A last line that has no end and does not read is a torn one: a write
 * that a crash, or the moment of copying, has cut.
 */
#ifndef SIM_HISTORY_LOG_H
#define SIM_HISTORY_LOG_H

#include <spillway/json.h>

typedef struct hist_log hist_log;

/** @return SPW_OK; SPW_BACKEND with an error in diag; SPW_NOMEM. Path is borrowed. Free with hist_log_close. */
spw_rc hist_log_open(const char *path, spw_diag *diag, hist_log **out);
void hist_log_close(hist_log *log); /**< NULL allowed */

/**
 * The next line.
 * @param out line  free with spw_json_line_free; NULL at the end of the log
 * @return SPW_OK; SPW_INVAL (no line of a log, a checksum that does not fit, torn) or SPW_BACKEND (cannot be read, gzip
 *         damaged or cut short) with errors in diag; SPW_NOMEM
 */
spw_rc hist_log_next(hist_log *log, spw_diag *diag, const spw_json_line **line);

const char *hist_log_path(const hist_log *log);
int32_t hist_log_number(const hist_log *log); /**< of the line that was read last, from 1 */

#endif

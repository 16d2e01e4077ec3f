/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * trace.h - request traces: CSV in, binary columns out, either one opened for replay.
 *
 * CSV (rules: csvfile.h), one request a line, sorted by time, one of
 *   TIMESTAMP,ContextTokens,GeneratedTokens   YYYY-MM-DD HH:MM:SS[.fraction][Z|+00:00]; published Azure LLM traces
 *   at_s,input_tokens,output_tokens           decimal seconds from any origin
 * in any column order, further columns ignored. Times keep nine digits of a second (more are refused); token counts are
 * from 1 to 2147483647: requests that got no answer must be left out.
 *
 * Binary: a header of 64 bytes, then at_ns (int64), input tokens (int32), output tokens (int32) as columns, in the byte
 * order of the machine that wrote it (checked), with a checksum. Opening it maps the file: memory is shared between
 * processes and no parsing is done. A file that is being replayed must not be overwritten in place; the importer never
 * does: it writes a temporary file beside the target and renames it.
 *
 * Every function that fails writes one line "path:line:col: error: message" (binary files: line 1, column 1), without
 * ":line:col" where the file as a whole is meant.
 */
#ifndef SIM_SCENARIO_TRACE_H
#define SIM_SCENARIO_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/traffic/traffic.h"

typedef struct trace trace;

/** @return the trace, or NULL with a message; free with trace_close(). Binary or CSV is told by the first bytes. */
trace *trace_open(const char *path, char *err, size_t err_size);
void trace_close(trace *t); /**< NULL allowed */
/** Columns with at_ns from the first request; count >= 1. Valid until trace_close(). */
const mdl_trace *trace_columns(const trace *t);
/** Time of the first request: Unix time (TIMESTAMP) or ns from the origin of at_s. */
int64_t trace_first_ns(const trace *t);

/**
 * Whether a trace may be written to `out`: nothing is there, or a trace in the binary form that can be made again.
 * Refused: a file of any other kind or content, and the file that `in` names (NULL = any), under whatever name.
 * @return false with a message that says what to do
 */
bool trace_may_replace(const char *in, const char *out, char *err, size_t err_size);
/**
 * Writes a trace in the binary form, with the check of trace_may_replace() once more at the last moment.
 * False with a message; the target is then as it was.
 */
bool trace_write(const trace *t, const char *path, char *err, size_t err_size);

#endif

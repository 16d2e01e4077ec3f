/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * trace.h - request traces: text in several published forms in, binary columns out, any of them opened for replay.
 *
 * Forms are told by the first line, or named; trace_readers has them with what each one reads. All text may be packed
 * with gzip. CSV rules: csvfile.h. Times keep nine digits of a second (more are refused), in one of
 *   clock    YYYY-MM-DD HH:MM:SS[.fraction][Z|+00:00], a T between date and time allowed; from 1970 to 2200
 *   decimal  seconds, milliseconds, microseconds or nanoseconds, 0 or more, from any origin
 * Requests must be sorted by time unless trace_options.sort is set. Token counts are from 1 to 2147483647; what happens
 * to requests with none is trace_options.zero.
 *
 * Binary: a header of 64 bytes, then columns: at_ns (int64), session (int64, optional), ends of the blocks of each
 * request (int64, optional) and with them the ids of all blocks (int64), input tokens (int32), output tokens (int32),
 * prefix tokens (int32, optional), priority (int32, optional), in the byte order of the machine that wrote it
 * (checked), with a checksum. A trace without optional columns is written as version 1, which older programs read, with
 * any of them as version 2. Version 1 does not say whether times are of a calendar: they are taken to be from the year
 * 2000 on. Where that is wrong (Unix seconds, older dates), version 2 is written as well. Opening a binary trace maps
 * the file: memory is shared between processes and no parsing is done. A file that is being replayed must not be
 * overwritten in place; trace_write() never does: it writes a temporary file beside the target and renames it.
 *
 * Every function that fails writes one line "path:line:col: error: message" (binary files: line 1, column 1), without
 * ":line:col" where the file as a whole is meant.
 */
#ifndef SIM_TRACE_TRACE_H
#define SIM_TRACE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/traffic/traffic.h"

typedef struct trace trace;

/** What to do with a request that has 0 input or output tokens: it failed, or was never counted. */
typedef enum trace_zero {
    TRACE_ZERO_REFUSE = 0, /**< an error with its place */
    TRACE_ZERO_SKIP = 1,   /**< leave it out; trace_facts.skipped counts */
    TRACE_ZERO_ONE = 2,    /**< it has one token */
    TRACE_ZERO_KEEP = 3    /**< as it stands: for statistics only, trace_write() refuses such a trace */
} trace_zero;

/**
 * How to read. All zero: as a scenario does.
 *
 * Of a text: form, columns and spread_ns with a binary trace are an error, the others are of no matter to it.
 */
typedef struct trace_options {
    const char *form;    /**< name of a trace_reader; NULL = told by the first line */
    const char *columns; /**< CSV of any other form: "time=NAME[:UNIT],input=NAME,output=NAME[,session=NAME]
                              [,prefix=NAME][,priority=NAME]", UNIT one of clock, s, ms, us, ns; NULL = none */
    trace_zero zero;
    bool sort;         /**< take requests in any order; equal times keep theirs */
    int64_t spread_ns; /**< > 0: requests published at one instant are spread evenly over this long, or up to the next
                            instant if that comes first */
    int32_t input, output; /**< tokens of every request, where the file has no such column; 0 = refuse such a file,
                                under TRACE_ZERO_KEEP take it with 0 */
} trace_options;

/** What reading found besides the columns. */
typedef struct trace_facts {
    const char *form;           /**< name of the reader; "binary" */
    bool clock;                 /**< times are of a calendar, UTC where the file says nothing else */
    bool has_input, has_output; /**< the file has token counts; false: they are trace_options' */
    size_t skipped;             /**< requests left out by TRACE_ZERO_SKIP */
    /** Prefix blocks, where a text lists them (mooncake); block_count NULL otherwise. Found: by a cache without limit.
     */
    const int32_t *block_count; /**< [count] of each request */
    int64_t blocks, blocks_found, blocks_distinct;
} trace_facts;

/** One form of text. */
typedef struct trace_reader trace_reader;
extern const trace_reader *const trace_readers[]; /**< ends with NULL */
const char *trace_reader_name(const trace_reader *reader);
const char *trace_reader_help(const trace_reader *reader); /**< one line: columns, publisher, traps */

/** Whether a file begins as a trace of a known form, or is none that can be looked into (a pipe, nothing there). */
bool trace_known(const char *path);
/** @return the trace, or NULL with a message; free with trace_close(). Binary or text is told by the first bytes. */
trace *trace_read(const char *path, const trace_options *options, char *err, size_t err_size);
/** trace_read() with nothing set: strict, as replaying wants it. */
trace *trace_open(const char *path, char *err, size_t err_size);
void trace_close(trace *t); /**< NULL allowed */
/** Columns with at_ns from the first request; count >= 1. Valid until trace_close(). */
const mdl_trace *trace_columns(const trace *t);
const trace_facts *trace_about(const trace *t);
/** Time of the first request: Unix time (clock) or ns from the origin of the file. */
int64_t trace_first_ns(const trace *t);

/** One request on its way into a trace. */
typedef struct trace_request {
    int64_t at_ns;         /**< absolute: the smallest of a trace becomes trace_first_ns() */
    int64_t session;       /**< conversation; -1 = none */
    int64_t input, output; /**< tokens */
    int64_t prefix;        /**< leading input tokens that earlier requests had; 0 = none */
    int32_t priority;      /**< from -TRACE_PRIORITY_MAX to TRACE_PRIORITY_MAX */
    const int64_t *chain;  /**< [chain_count] ids of the prompt's blocks, each 0 or more */
    int32_t chain_count;
} trace_request;
#define TRACE_PRIORITY_MAX 1000000
#define TRACE_BLOCK_TOKENS 512 /**< of such a block, in every trace: as mooncake has them */

/** Optional columns. */
enum { TRACE_SESSION = 1, TRACE_PREFIX = 2, TRACE_PRIORITY = 4, TRACE_BLOCKS = 16 };

/**
 * A trace from requests in any order, sorted by time (equal times keep their order).
 * @param columns   which optional columns it has
 * @param requests  [count], tokens from 1, prefix from 0 to input
 * @return NULL with a message: none, out of range, or memory; `name` stands for the path in it
 */
trace *trace_of(const char *name, const trace_request *requests, size_t count, unsigned columns, bool clock, char *err,
                size_t err_size);

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

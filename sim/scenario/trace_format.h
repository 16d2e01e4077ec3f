/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * trace_format.h - the object behind trace.h and its binary form. Internal to trace*.c.
 */
#ifndef SIM_SCENARIO_TRACE_FORMAT_H
#define SIM_SCENARIO_TRACE_FORMAT_H

#include "sim/scenario/csvfile.h"
#include "sim/scenario/trace.h"

#define TRACE_MAGIC   "SPWTRACE"
#define TRACE_VERSION 1u
#define TRACE_ENDIAN  0x01020304u

/** First bytes of a binary trace. */
typedef struct trace_header {
    char magic[8]; /**< TRACE_MAGIC without its NUL */
    uint32_t version;
    uint32_t endian;
    uint64_t count;
    int64_t first_ns;
    uint64_t columns_sum; /**< trace_sum over the three columns */
    uint64_t zero[2];
    uint64_t header_sum; /**< trace_sum over all bytes before it */
} trace_header;
_Static_assert(sizeof(trace_header) == 64, "the columns that follow must be aligned");

struct trace {
    mdl_trace columns;
    int64_t first_ns;
    void *mapped; /**< binary: the whole file */
    size_t mapped_size;
    int64_t *at_ns; /**< CSV: own memory */
    int32_t *input, *output;
    size_t capacity;
};

/** Reads a CSV trace into t (zeroed). False with a message. */
bool trace_read_csv(trace *t, const char *path, csv_message *message);
/** Whether the file begins as a binary trace does. Moves no file position. */
bool trace_has_magic(int fd);
/** Maps a binary trace of `size` bytes into t (zeroed). False with a message. */
bool trace_map(trace *t, const char *path, int fd, size_t size, csv_message *message);

#endif

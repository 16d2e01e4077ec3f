/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * build.h - private to sim/trace: the object behind trace.h, how readers fill it, and its binary form.
 */
#ifndef SIM_TRACE_BUILD_H
#define SIM_TRACE_BUILD_H

#include "sim/scenario/csvfile.h"
#include "sim/trace/trace.h"

#define TRACE_MAGIC         "SPWTRACE"
#define TRACE_MAGIC_SIZE    8
#define TRACE_VERSION_PLAIN 1u /* three columns */
#define TRACE_VERSION       2u /* and optional ones, and whether times are of a calendar */
#define TRACE_ENDIAN        0x01020304u
#define TRACE_BYTES_MAX     ((size_t)8 << 30) /* of text: some 200 million requests */

/** First bytes of a binary trace. */
typedef struct trace_header {
    char magic[TRACE_MAGIC_SIZE]; /**< TRACE_MAGIC without its NUL */
    uint32_t version;
    uint32_t endian;
    uint64_t count;
    int64_t first_ns;
    uint64_t columns_sum; /**< trace_sum over the columns in their order */
    uint64_t optional;    /**< version 2: TRACE_SESSION and so on, and TRACE_IS_CLOCK */
    uint64_t blocks;      /**< of all requests; 0 without TRACE_BLOCKS */
    uint64_t header_sum;  /**< trace_sum over all bytes before it */
} trace_header;
_Static_assert(sizeof(trace_header) == 64, "the columns that follow must be aligned");

struct trace {
    mdl_trace columns;
    trace_facts facts;
    int64_t first_ns;
    void *mapped; /**< binary: the whole file */
    size_t mapped_size;
    char *loaded; /**< binary that came through gzip: all bytes */
    /* text: own memory */
    int64_t *at_ns, *session;
    int64_t *chain_end; /**< while it is built: where the blocks of a request begin */
    int64_t *chain;
    size_t chain_count, chain_capacity;
    int32_t *input, *output, *prefix, *priority, *blocks;
    size_t capacity;
};

/** Filling a trace, one request after the other. */
typedef struct trace_build {
    trace *t;
    const trace_options *options;
    unsigned optional; /**< set before the first request: columns that are kept */
    bool sort;         /**< requests come in any order, as under options->sort */
    size_t last_line;
    char words[160];
} trace_build;

typedef enum build_problem {
    BUILD_FINE = 0,
    BUILD_TIME,   /**< earlier than the request before it */
    BUILD_INPUT,  /**< impossible number of input tokens */
    BUILD_OUTPUT, /**< of output tokens */
    BUILD_PREFIX, /**< more than the input */
    BUILD_MEMORY
} build_problem;

/**
 * Adds a request. Counts are taken as options->zero says.
 * @param line  for a message about the next one
 * @return BUILD_FINE, or the field that is wrong, said in b->words
 */
build_problem build_add(trace_build *b, const trace_request *request, size_t line);
/** Frees what the columns hold. */
void build_free(trace *t);
/** Sorts where wanted, spreads, makes times relative, sets t->columns. NULL, or what is wrong. */
const char *build_finish(trace_build *b);

/** What a reader sees when asked whether a file is its own. */
typedef struct trace_head {
    const char *line; /**< the first line that is not blank, NUL-terminated, of at most TRACE_HEAD_MAX bytes */
} trace_head;
#define TRACE_HEAD_MAX 4096
/** Whether a cell of the first line, taken as CSV, is this text. */
bool head_has(const trace_head *head, const char *name);
/** Whether the first line, taken as JSON, has this member or text anywhere. */
bool head_mentions(const trace_head *head, const char *text);

struct trace_reader {
    const char *name;
    const char *help;
    bool (*is)(const trace_head *head); /**< NULL: only where it is asked for */
    bool (*read)(trace_build *b, const char *path, const csv_bytes *text, csv_message *message);
};

typedef enum trace_unit { UNIT_ANY = 0, UNIT_CLOCK, UNIT_S, UNIT_MS, UNIT_US, UNIT_NS } trace_unit;
/** A time in this unit, the whole text. Not UNIT_ANY. False: it is not one. */
bool trace_parse_time(const char *text, trace_unit unit, int64_t *ns);
/** What such a time looks like, for a message. */
const char *trace_time_words(trace_unit unit);

/** Which column is what. NULL = there is none. */
typedef struct csv_layout {
    const char *time, *input, *output;
    const char *session, *prefix, *priority; /**< taken where the file has them */
    trace_unit unit;                         /**< UNIT_ANY: clock if the first time looks like one, else seconds */
    bool all;                                /**< the optional columns named must be there, too */
} csv_layout;
/** Reads a CSV of one request a line. False with a message. */
bool csv_requests(trace_build *b, const char *path, const csv_bytes *text, const csv_layout *layout,
                  csv_message *message);

extern const trace_reader trace_azure, trace_burstgpt, trace_burstgpt_first, trace_burstgpt_replay, trace_alibaba_genai,
    trace_alibaba_pods, trace_mooncake, trace_plain, trace_mapped;

/** Whether bytes begin as a binary trace does. */
bool trace_is_binary(const void *data, size_t size);
/** Takes `size` bytes of a binary trace into t (zeroed), which must outlive it. NULL, or what is wrong. */
const char *trace_adopt(trace *t, const void *data, size_t size);

#endif

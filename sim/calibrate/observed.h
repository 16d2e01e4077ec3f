/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * observed.h - what somebody measured at a real engine, read from the files people have.
 *
 *   requests.jsonl    one JSON object a line: input_toks, output_toks, queued_ts (the engine's own times; or
 *                     arrival_time, a client's), first_token_ts, last_token_ts, in seconds of one clock; scheduled_ts
 *                     if known (casys-kaist/LLMServingSim bench)
 *   NAME.json         the result file of vLLM's own `vllm bench serve --save-result --save-detailed`: input_lens,
 *                     output_lens, ttfts, itls, start_times
 *   detail_log.json   a log of BurstGPT played to an engine (liao4s/BurstGPT_test): in_len, first_chunk_time,
 *                     total_chunk_time, record_time; has no output tokens: the engine's log of the same run and clock,
 *                     read with it, tells them
 *   meta.json         engine settings: kv_cache, hardware, engine_kwargs (LLMServingSim bench)
 *   timeseries.csv    t or timestamp, prompt_throughput, gen_throughput or generation_throughput, running or
 *                     num_running, kv_cache_pct or gpu_kvcache_usage, and if known waiting or num_pending (per second,
 *                     or as the engine logged it)
 *   dense.csv, per_sequence.csv, attention.csv   operator times in us for each layer call (LLMServingSim profiler)
 *
 * What a file is, is read from its content, not its name; any may be gzip. A folder is read with its sub-folder
 * `operators`; a file in it that is none of these may be passed over, one that is named is an error.
 *
 * Files of requests whose times overlap are of one run, all others are runs of their own: each begins with an idle
 * engine.
 */
#ifndef SIM_CALIBRATE_OBSERVED_H
#define SIM_CALIBRATE_OBSERVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OBSERVED_NAME 32

typedef struct observed_request {
    double arrival_s, first_s, last_s; /**< of one clock; arrival <= first <= last */
    double start_s;                    /**< first work for it; arrival_s where the file does not say */
    int32_t input, output;             /**< >= 1; output 0: not known before observed_complete() */
    int32_t most;                      /**< of a request whose output is not known: what it asked for at most */
    uint32_t run;                      /**< index in runs; before observed_complete() in files */
} observed_request;

/** One line of an engine's log: means since the line before. */
typedef struct observed_second {
    double prompt_per_s, output_per_s; /**< tokens */
    double running;                    /**< requests in the batch */
    double kv_share;                   /**< of the KV cache in use, 0..1 */
    double at_s, span_s;               /**< its time, and that since the line before in the same file; 0, 0 if untold */
    double waiting;                    /**< requests beside the batch; -1 if untold */
    uint32_t file;                     /**< index in files */
} observed_second;

/** One operator, called once for a layer or a step, with n tokens (or sequences). */
typedef struct observed_operator {
    char layer[OBSERVED_NAME];
    double n, time_us;
} observed_operator;

typedef struct observed_attention {
    double chunk, cached, decodes, context; /**< prefill tokens, those before them, decoding sequences, KV of each */
    double time_us;
} observed_attention;

typedef struct observed_file {
    char *path;
    bool passed_over;
    size_t run; /**< of its requests, if it has any */
} observed_file;

#define OBSERVED_NO_LOG   SIZE_MAX
#define OBSERVED_ALL_LOGS (SIZE_MAX - 1)

typedef struct observed_run {
    size_t first, count; /**< of requests */
    size_t file;         /**< the first that requests of it come from */
    size_t log;          /**< file that told its output tokens; OBSERVED_NO_LOG, OBSERVED_ALL_LOGS */
} observed_run;

typedef struct observed {
    observed_request *requests; /**< [request_count] by arrival; after observed_complete() run by run */
    observed_second *seconds;
    observed_operator *dense, *sequence;
    observed_attention *attention;
    size_t request_count, second_count, dense_count, sequence_count, attention_count;
    size_t request_cap, second_cap, dense_cap, sequence_cap, attention_cap;
    observed_file *files; /**< [file_count] all that were read, and those passed over */
    observed_run *runs;   /**< [run_count] by time, after observed_complete() */
    size_t file_count, file_cap, run_count;
    bool pass_over; /**< in: a file of a folder that is none of those above is passed over, not an error */
    bool foreign;   /**< the last file was none of those above */
    /** from meta.json; 0 where it does not say */
    int64_t memory_bytes, kv_blocks, block_tokens, max_sequences, max_batched_tokens;
    double memory_utilization;
    char model[128], gpu[128], engine[64]; /**< as the files call them; "" if they do not */
    /** output tokens that the engine's log told, after observed_complete(): of so many requests; prompt tokens by that
     * log / by the requests' file, their mean over runs */
    size_t told;
    double prompt_scale;
    /** where no settings say max_sequences or max_batched_tokens and the engine's log does, after observed_complete():
     * so many of its lines; half of those of max_batched_tokens within so many tokens of it */
    size_t batch_lines, budget_lines;
    double budget_spread;
    bool client; /**< times of requests, of some at least, are a client's and not the engine's own */
} observed;

/**
 * Reads a file or folder into o, which starts all zero but for pass_over and may be filled from several.
 * @return false with one line "path:line:col: error: text" (or without line and column)
 */
bool observed_read(observed *o, const char *path, char *err, size_t err_size);
/**
 * After the last read: parts the requests into runs, by arrival in each, and tells the output tokens of those that have
 * none, by the one engine's log that covers the run, or by all of them together if none does alone. Where no settings
 * say the most requests of a batch or tokens of a step, the engine's logs tell them if requests waited for them.
 * @return false with one line as above: there is no log to tell them from, none of the same run, or more than one
 */
bool observed_complete(observed *o, char *err, size_t err_size);
/** How many runs: one if the requests were not read from files. */
size_t observed_run_count(const observed *o);
/** What was observed, with the requests of run k alone; borrows from o, not to be freed. */
observed observed_one_run(const observed *o, size_t k);
void observed_free(observed *o);

#endif

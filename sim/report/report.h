/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * report.h - everything a run writes for people and for programs.
 *
 * Input is a scenario and the runs of its replications; nothing here changes them. Output is the same, byte for byte,
 * for the same input: no wall clock, host name, path or locale enters any file except what stands under the key `host`.
 *
 * Files of a directory (replication 0 for everything over time):
 *   summary.json   every figure, for each replication and pooled with its 95 % interval
 *   timeline.csv   one row for each service and bin: traffic, latency, replicas, capacity in requests/s by pool
 *   pools.csv      one row for each pool and bin: nodes up and ordered, money spent
 *   cost.csv       one row for each bin: cost rate and cumulative cost by kind of capacity, of egress (data between
 *                  users, entries and clusters) and of images (moved and stored; summary.json counts them as egress)
 *   egress.csv     one row for each region and each cluster: bytes of requests from the entry to the cluster, of
 *                  answers back to the entry, and of those on to users, with their prices. Where a region has no
 *                  provider there is no entry: only answers, from the cluster straight to users
 *   bursts.csv     one row for each burst with its marks
 *   lag.csv        one row for each stage between "more is needed" and "ready", for starts that had to wait for a node
 *                  (node_ordered), those on nodes that were up (node_up), and all of them
 *   stages.csv     one row for each service and bin: mean replicas in each link of the chain from decision to ready
 *   plots/         one SVG and one PNG for each picture
 *   report.html    all of it on one page without any outside reference
 *   burst-N.html   the page of a burst, one for each of the 40 worst; N is its row in bursts.csv
 *   decisions.csv  one row for each decision on those pages, read from decisions.jsonl if that stands in the folder
 * Each CSV begins with a `# spillway VERSION ...` line, then a header line; units stand in the column names. A value
 * that does not exist (a percentile without samples, a mark that was never reached) is an empty field, in JSON null.
 * Percentiles are interpolated inside histogram buckets: within 0.8 % of the true value, in timeline.csv within 3 %.
 */
#ifndef SIM_REPORT_REPORT_H
#define SIM_REPORT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/experiment/result.h"
#include "sim/scenario/scenario.h"

typedef struct report_options {
    bool plots;            /**< draw pictures; false: the HTML page has tables only */
    const char *plots_dir; /**< folder of the gnuplot scripts; NULL or "" = report_find_plots() looks for it */
    const char *gnuplot;   /**< program; NULL = "gnuplot", found through PATH */
    int32_t host_threads;  /**< as in report_json() */
    bool keep_summary;     /**< leave summary.json as it is */
    FILE *log;             /**< what people should know (e.g. no gnuplot); NULL = said nowhere */
} report_options;

/** No changes wanted: plots on, everything else found by itself, no host figures, messages to stderr. */
void report_options_default(report_options *options);

/**
 * Writes summary.json.
 *
 * Keys: version, scenario {name, title, hash, seed, duration_s, warmup_s, measured_s, replications}, replications [i],
 * pooled. A replication holds requests (those sent after the warm-up; services have `ended`, too: whatever was
 * completed after it, whenever sent), latency, services [i], slo, cost, capacity, burst, lag, control. `pooled` has
 * the same shape (single bursts left out) with each figure as {mean, ci95_half_width}: mean and Student interval over
 * the replications, also for percentiles; the half width is null with fewer than two replications. Money comes twice:
 * `*_usd` (exact decimal) and `*_uusd` (integer micro-USD, whose parts sum to the whole).
 *
 * slo.targets[i]: `holds` says whether at least the share `percentile` of all requests with an outcome, lost ones
 * included, met the limit (met / (met + missed), exact counts); null without such requests. `achieved_s` is the
 * percentile with lost requests as infinitely late: null when more were lost than the percentile leaves over.
 * burst: `requests_hurt` counts from the onset to the end of each burst; `absorbed_s` is the first catch-up;
 * `extra_usd` is the service's part of the elastic pools' cost, without egress (see res_burst). lag: all starts, and
 * under `starts` those that had to wait for a node and those on nodes that were up. capacity.peak_nodes may exceed
 * nodes.max, which bounds wanted nodes: a node under reclaim notice stands beside its replacement.
 *
 * @param in sc, runs     runs [n], n >= 1, all of this scenario
 * @param in host_threads worker threads that were used: adds the key `host` with wall-clock figures; 0 leaves it out,
 * so that two runs can be compared byte by byte
 * @return 0; -1 if memory ran out or `out` failed (errno)
 */
int report_json(const sc_scenario *sc, res_run *const *runs, int32_t n, int32_t host_threads, FILE *out);

/** Prints the keys of it, a line each: path, kind with unit, meaning. */
void report_summary_schema(FILE *out);

/**
 * The figures of one run by the names they have in summary.json below replications[i]: "cost.total_usd",
 * "latency.ttft_s.p95", "services.prod/chat.attainment", "slo.targets[0].achieved_s". Money in USD, truth as 0 or 1,
 * NaN for what does not exist.
 */
typedef struct report_values report_values;
report_values *report_values_of(const sc_scenario *sc, const res_run *run); /**< NULL: memory */
void report_values_free(report_values *values);
/** @return 0; -1: there is no figure of that name, *value untouched */
int report_value(const report_values *values, const char *name, double *value);
size_t report_values_count(const report_values *values);
const char *report_values_name(const report_values *values, size_t index); /**< index < count */

/** A summary for terminals: ASCII, no colour, at most 80 columns. Means over the replications. @return as report_json.
 */
int report_text(const sc_scenario *sc, res_run *const *runs, int32_t n, FILE *out);

/** The same as Markdown tables, for pasting into an issue or a review. @return as report_json. */
int report_markdown(const sc_scenario *sc, res_run *const *runs, int32_t n, FILE *out);

/**
 * Writes all files named above into `dir`, which is created if missing (its parent must exist). Files appear whole:
 * written under a temporary name, then renamed. Other files in the folder (decisions.jsonl, requests.csv) are left
 * alone. Missing gnuplot, missing scripts or a failing picture is a message in options->log, not a failure.
 *
 * @param in  options  NULL = defaults
 * @param out err      one sentence when -1 is returned; may be NULL with size 0
 * @return 0, or -1 (memory, or a file that cannot be written)
 */
int report_write_dir(const sc_scenario *sc, res_run *const *runs, int32_t n, const char *dir,
                     const report_options *options, char *err, size_t err_size);

/**
 * Where the gnuplot scripts are. Looks, in this order, at `option` (alone if given), the installed data folder, next to
 * the running program (../share/spillway/plots), a folder `plots` above the running program (build tree), `plots` here.
 * @param in  option  NULL or "" = not given
 * @param out path    folder, NUL-terminated
 * @return 0; -1 if no such folder holds style.gp, or `path` is too small
 */
int report_find_plots(const char *option, char *path, size_t path_size);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * view.h - private to sim/report: names that are put together once, figures that several files need, clock texts.
 *
 * Definitions of derived figures stand here and nowhere else, so that JSON, text and HTML cannot disagree.
 */
#ifndef SIM_REPORT_VIEW_H
#define SIM_REPORT_VIEW_H

#include "sim/experiment/result.h"
#include "sim/report/json.h"
#include "sim/scenario/scenario.h"

#ifdef SPILLWAY_VERSION /* set by the Makefile */
#define REP_VERSION SPILLWAY_VERSION
#else
#define REP_VERSION "unversioned"
#endif

#define REP_CLOCK_SIZE 32
#define REP_KINDS      4 /**< kinds of capacity: owned, reserved, on demand, spot */

typedef struct rep_pool {
    char *name; /**< "cluster/pool" */
    const char *gpu;
    const sc_pool *pool;
} rep_pool;

typedef struct rep_view {
    const sc_scenario *sc;
    res_run *const *runs; /**< [n] */
    int32_t n;
    rep_pool *pools; /**< [sc->pool_count] */
} rep_view;

int rep_view_init(rep_view *v, const sc_scenario *sc, res_run *const *runs, int32_t n); /**< -1: memory */
void rep_view_fini(rep_view *v);

/** "owned", "reserved", "on_demand", "spot": as keys of JSON and CSV. */
const char *rep_kind_key(spw_capacity kind);
/** "on demand" instead of "on_demand": for people. */
const char *rep_kind_word(spw_capacity kind);
/** Cost of one kind. */
int64_t rep_kind_uusd(const res_cost *cost, spw_capacity kind);

/** Seconds that statistics cover: duration - warm-up. */
double rep_measured_s(const sc_scenario *sc);
/** A ratio, NaN when there is nothing to divide by. */
double rep_ratio(double part, double whole);
/**
 * Quantile in seconds, interpolated inside the bucket that holds it, between the exact minimum and maximum: buckets are
 * wider than replications differ, and their edges would give intervals of width 0. NaN when empty or h is NULL.
 */
double rep_quantile_s(const stat_hist *h, double p);

uint64_t rep_good(const res_run *run);
uint64_t rep_tokens_in(const res_run *run);
uint64_t rep_tokens_out(const res_run *run);
/** Share of requests with an outcome (completed, rejected, timed out) that met every target of their service. */
double rep_attainment(const res_run *run);
double rep_service_attainment(const res_service *service);
double rep_tenant_attainment(const res_tenant *tenant);
/** Sum over the targets. */
uint64_t rep_minutes_violated(const rep_view *v, const res_run *run);

/** How a target came out. */
typedef enum rep_verdict {
    REP_NO_TRAFFIC = 0, /**< no request to judge it by */
    REP_MET = 1,
    REP_MISSED = 2
} rep_verdict;

/**
 * THE definition of a target that holds: of all requests with an outcome, lost ones (rejected, timed out) included as
 * missed, at least the share `percentile` met the limit; nearest rank, exact counts.
 */
rep_verdict rep_judge(uint64_t met, uint64_t missed, double percentile);
/** The same over the requests of all replications. */
rep_verdict rep_target_verdict(const rep_view *v, int32_t service, int32_t target);
const char *rep_verdict_word(rep_verdict verdict); /**< "met", "missed", "no traffic" */
/**
 * The percentile of the metric a target speaks of, in s, a lost request being infinitely late: infinite when more
 * requests were lost than the percentile leaves over, NaN without requests.
 */
double rep_achieved_s(const res_service *service, const sc_target *target, const res_slo *slo);
/** Mean over the replications that have it; infinite as soon as one of them is. */
double rep_achieved_mean_s(const rep_view *v, int32_t service, int32_t target);
/** rep_span, but "never" for an infinite wait. */
char *rep_achieved_span(double s, char buf[REP_CLOCK_SIZE]);
uint64_t rep_lost(const res_run *run); /**< rejected + timed out */

double rep_gpu_hours(double gpu_ns);
double rep_usd_per(int64_t uusd, uint64_t count, double scale);

/** Mean and 95 % half width (NaN for n < 2) of one figure over the replications that have it. */
typedef double (*rep_figure)(const rep_view *v, const res_run *run);
double rep_mean(const rep_view *v, rep_figure figure, double *half_width);

/* The headline, as figures for rep_mean. */
double rep_fig_completed(const rep_view *v, const res_run *run);
double rep_fig_cost_usd(const rep_view *v, const res_run *run);
double rep_fig_good_percent(const rep_view *v, const res_run *run); /**< met every target, of all with an outcome */
double rep_fig_goodput(const rep_view *v, const res_run *run);      /**< those per second */
double rep_fig_offered(const rep_view *v, const res_run *run);
double rep_fig_usd_per_1k(const rep_view *v, const res_run *run); /**< completed requests */
double rep_fig_usd_per_1m(const rep_view *v, const res_run *run); /**< tokens in and out */

/** Local time of the scenario at t_s: "2026-03-02T14:05:00+08:00". */
char *rep_iso(const sc_scenario *sc, double t_s, char buf[REP_CLOCK_SIZE]);
/** "14:05", with the weekday in front ("Tue 14:05") when the run lasts more than a day; "-" for NaN. */
char *rep_clock(const sc_scenario *sc, double t_s, char buf[REP_CLOCK_SIZE]);
/** A span for people: "850 ms", "12.3 s", "4 min 10 s", "2 h 05 min"; "-" for NaN. */
char *rep_span(double s, char buf[REP_CLOCK_SIZE]);

/** Time series, replication 0. Capacity of service s in pool p during bin b, requests/s. */
double rep_capacity_rps(const rep_view *v, const res_run *run, int32_t bin, int32_t service, int32_t pool);

/** Starts by kind as key and for people, and their lag; k = RES_STARTS: all of them. */
const char *rep_start_key(int32_t k);
const char *rep_start_word(int32_t k);
const res_lag *rep_start_lag(const res_run *run, int32_t k);
/** From metric to ready: decision and stages together, mean, s. */
double rep_lag_whole_s(const res_lag *lag);

/** The `max` worst bursts (most requests hurt, then longest), in row order. @return how many, <= max */
int32_t rep_burst_rank(const rep_view *v, const res_run *run, int32_t *rows, int32_t max);
/** Last mark of a burst that was reached. */
double rep_burst_end_s(const res_burst *b);

/** Writes one file of a folder so that it appears whole. @return 0, or -1 with a sentence in err */
typedef int (*rep_writer)(const void *user, FILE *out);
int rep_write_file(const char *dir, const char *name, rep_writer write, const void *user, char *err, size_t err_size);
int rep_make_folder(const char *path, char *err, size_t err_size); /**< likewise, with those above it */

/** Text for a cell of a Markdown table. */
void rep_markdown_text(FILE *out, const char *text);

/** A text field of a CSV, quoted only when it has to be. Control characters become spaces: a row stays one line. */
void rep_csv_text(FILE *out, const char *s);

/** The provenance text that opens every file: "spillway 0.1.0 scenario NAME hash HEX seed N". */
void rep_provenance(const rep_view *v, FILE *out);

/* Each writes one file of the directory. @return 0, -1 on a stream error (rep_write_* and report_json share the form).
 */
int rep_write_json(const rep_view *v, int32_t host_threads, FILE *out);
int rep_write_text(const rep_view *v, FILE *out);
int rep_write_timeline(const rep_view *v, FILE *out);
int rep_write_pools(const rep_view *v, FILE *out);
int rep_write_cost(const rep_view *v, FILE *out);
int rep_write_bursts(const rep_view *v, FILE *out);
int rep_write_lag(const rep_view *v, FILE *out);
int rep_write_stages(const rep_view *v, FILE *out);
int rep_write_egress(const rep_view *v, FILE *out);
/** Bytes and money between where users enter and the clusters: means over the runs; false: no region has a provider. */
bool rep_between(const rep_view *v, double *gb, double *usd);
/** Means over the runs of what res_ended counts. */
typedef struct rep_ended {
    double requests, tokens_per_s, usd_per_1m; /**< of all tokens, in and out; NaN without any */
} rep_ended;
/** True: most of what was completed after the warm-up was sent before it, so that the figures of requests, which count
 * those sent after it, say little of what the fleet does. */
bool rep_backlog(const rep_view *v, rep_ended *ended);
/** Money for images and weights moved and stored: mean over the runs; false: the scenario has no delivery. */
bool rep_images(const rep_view *v, double *usd);
/** Money for answers to users, the rest of egress: mean over the runs. */
double rep_to_users(const rep_view *v);

#endif

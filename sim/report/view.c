/* SPDX-License-Identifier: GPL-3.0-or-later */
/* view.c - see view.h. */
#include "sim/report/view.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int rep_view_init(rep_view *v, const sc_scenario *sc, res_run *const *runs, int32_t n)
{
    *v = (rep_view){.sc = sc, .runs = runs, .n = n};
    v->pools = calloc((size_t)sc->pool_count + 1, sizeof *v->pools);
    if (v->pools == NULL) {
        return -1;
    }
    for (int32_t c = 0; c < sc->cluster_count; c++) {
        const sc_cluster *cluster = &sc->clusters[c];
        for (int32_t p = 0; p < cluster->pool_count; p++) {
            rep_pool *row = &v->pools[cluster->pool_first + p];
            row->pool = &cluster->pools[p];
            row->gpu = row->pool->gpu != NULL ? row->pool->gpu->name : "";
            size_t size = strlen(cluster->name) + strlen(row->pool->name) + 2;
            row->name = malloc(size);
            if (row->name == NULL) {
                rep_view_fini(v);
                return -1;
            }
            snprintf(row->name, size, "%s/%s", cluster->name, row->pool->name);
        }
    }
    return 0;
}

void rep_view_fini(rep_view *v)
{
    for (int32_t p = 0; v->pools != NULL && p < v->sc->pool_count; p++) {
        free(v->pools[p].name);
    }
    free(v->pools);
    v->pools = NULL;
}

const char *rep_kind_key(spw_capacity kind)
{
    switch (kind) {
    case SPW_CAPACITY_OWNED:
        return "owned";
    case SPW_CAPACITY_RESERVED:
        return "reserved";
    case SPW_CAPACITY_ON_DEMAND:
        return "on_demand";
    case SPW_CAPACITY_SPOT:
        return "spot";
    }
    return "unknown";
}

const char *rep_kind_word(spw_capacity kind)
{
    return kind == SPW_CAPACITY_ON_DEMAND ? "on demand" : rep_kind_key(kind);
}

int64_t rep_kind_uusd(const res_cost *cost, spw_capacity kind)
{
    switch (kind) {
    case SPW_CAPACITY_OWNED:
        return cost->owned_uusd;
    case SPW_CAPACITY_RESERVED:
        return cost->reserved_uusd;
    case SPW_CAPACITY_ON_DEMAND:
        return cost->on_demand_uusd;
    case SPW_CAPACITY_SPOT:
        return cost->spot_uusd;
    }
    return 0;
}

double rep_measured_s(const sc_scenario *sc)
{
    return (double)(sc->duration_ns - sc->warmup_ns) / 1e9;
}

double rep_ratio(double part, double whole)
{
    return whole > 0 ? part / whole : (double)NAN;
}

/** The least value of the bucket that ends at `upper`: buckets begin at multiples of powers of two. */
static int64_t bucket_start(const stat_hist *h, int64_t upper)
{
    uint64_t count = stat_hist_count_le(h, upper);
    int64_t start = upper;
    for (int bit = 0; bit < 63; bit++) {
        int64_t next = start & ~((INT64_C(1) << bit) - 1);
        if (stat_hist_count_le(h, next) != count) {
            break;
        }
        start = next;
    }
    return start;
}

double rep_quantile_s(const stat_hist *h, double p)
{
    if (h == NULL || stat_hist_count(h) == 0) {
        return (double)NAN;
    }
    uint64_t count = stat_hist_count(h);
    int64_t upper = stat_hist_quantile(h, p), lower = bucket_start(h, upper);
    uint64_t below = lower > 0 ? stat_hist_count_le(h, lower - 1) : 0;
    uint64_t inside = stat_hist_count_le(h, upper) - below;
    double exact = p * (double)count;
    double rank = fmax(1, ceil(exact - exact * 0x1p-51)); /* as in stat_hist_quantile */
    double share = fmin(1, fmax(0, (rank - (double)below - 0.5) / (double)inside));
    lower = lower > stat_hist_min(h) ? lower : stat_hist_min(h);
    return ((double)lower + share * (double)(upper - lower)) / 1e9;
}

uint64_t rep_good(const res_run *run)
{
    uint64_t sum = 0;
    for (int32_t s = 0; s < run->service_count; s++) {
        sum += run->services[s].good;
    }
    return sum;
}

uint64_t rep_tokens_in(const res_run *run)
{
    uint64_t sum = 0;
    for (int32_t s = 0; s < run->service_count; s++) {
        sum += run->services[s].tokens_in;
    }
    return sum;
}

uint64_t rep_tokens_out(const res_run *run)
{
    uint64_t sum = 0;
    for (int32_t s = 0; s < run->service_count; s++) {
        sum += run->services[s].tokens_out;
    }
    return sum;
}

static double attainment(uint64_t good, const res_requests *r)
{
    return rep_ratio((double)good, (double)(r->completed + r->rejected + r->timed_out));
}

double rep_attainment(const res_run *run)
{
    return attainment(rep_good(run), &run->requests);
}

double rep_service_attainment(const res_service *service)
{
    return attainment(service->good, &service->requests);
}

double rep_tenant_attainment(const res_tenant *tenant)
{
    return attainment(tenant->good, &tenant->requests);
}

uint64_t rep_minutes_violated(const rep_view *v, const res_run *run)
{
    uint64_t sum = 0;
    for (int32_t s = 0; s < run->service_count; s++) {
        for (int32_t t = 0; t < v->sc->services[s].target_count; t++) {
            sum += run->services[s].slo[t].minutes_violated;
        }
    }
    return sum;
}

rep_verdict rep_judge(uint64_t met, uint64_t missed, double percentile)
{
    if (met + missed == 0) {
        return REP_NO_TRAFFIC;
    }
    return (double)met >= ceil(percentile * (double)(met + missed) - 1e-9) ? REP_MET : REP_MISSED;
}

rep_verdict rep_target_verdict(const rep_view *v, int32_t service, int32_t target)
{
    uint64_t met = 0, missed = 0;
    for (int32_t i = 0; i < v->n; i++) {
        met += v->runs[i]->services[service].slo[target].met;
        missed += v->runs[i]->services[service].slo[target].missed;
    }
    return rep_judge(met, missed, v->sc->services[service].targets[target].percentile);
}

const char *rep_verdict_word(rep_verdict verdict)
{
    switch (verdict) {
    case REP_MET:
        return "met";
    case REP_MISSED:
        return "missed";
    case REP_NO_TRAFFIC:
        break;
    }
    return "no traffic";
}

uint64_t rep_lost(const res_run *run)
{
    return run->requests.rejected + run->requests.timed_out;
}

double rep_achieved_s(const res_service *service, const sc_target *target, const res_slo *slo)
{
    const stat_hist *h = strcmp(target->metric, "tpot") == 0  ? service->latency.tpot
                         : strcmp(target->metric, "e2e") == 0 ? service->latency.e2e
                                                              : service->latency.ttft;
    double total = (double)(slo->met + slo->missed);
    double answered = total - (double)(service->requests.rejected + service->requests.timed_out);
    double rank = ceil(target->percentile * total - 1e-9);
    if (!(total > 0)) {
        return (double)NAN;
    }
    return rank > answered ? (double)INFINITY : rep_quantile_s(h, rank / answered);
}

double rep_achieved_mean_s(const rep_view *v, int32_t service, int32_t target)
{
    double sum = 0;
    int32_t n = 0;
    for (int32_t i = 0; i < v->n; i++) {
        const res_service *s = &v->runs[i]->services[service];
        double x = rep_achieved_s(s, &v->sc->services[service].targets[target], &s->slo[target]);
        if (!isnan(x)) {
            sum += x;
            n++;
        }
    }
    return n > 0 ? sum / n : (double)NAN;
}

char *rep_achieved_span(double s, char buf[REP_CLOCK_SIZE])
{
    if (isinf(s)) {
        snprintf(buf, REP_CLOCK_SIZE, "never");
        return buf;
    }
    return rep_span(s, buf);
}

double rep_gpu_hours(double gpu_ns)
{
    return gpu_ns / 3.6e12;
}

double rep_usd_per(int64_t uusd, uint64_t count, double scale)
{
    return rep_ratio((double)uusd / 1e6 * scale, (double)count);
}

double rep_mean(const rep_view *v, rep_figure figure, double *half_width)
{
    stat_tally tally;
    stat_tally_init(&tally);
    for (int32_t i = 0; i < v->n; i++) {
        double x = figure(v, v->runs[i]);
        if (isfinite(x)) {
            stat_tally_add(&tally, x);
        }
    }
    if (half_width != NULL) {
        *half_width = stat_student_half_width(&tally, 0.95);
    }
    return tally.n > 0 ? tally.mean : (double)NAN;
}

/** Broken-down local time. gmtime_r on shifted seconds: no time zone data base, no environment. */
static struct tm local_time(const sc_scenario *sc, double t_s)
{
    int64_t ns = sc->start_unix_ns + (int64_t)llround(t_s * 1e9);
    int64_t s = ns / 1000000000 - (ns % 1000000000 < 0 ? 1 : 0);
    time_t shifted = (time_t)(s + sc->utc_offset_s);
    struct tm tm = {0};
    gmtime_r(&shifted, &tm);
    return tm;
}

char *rep_iso(const sc_scenario *sc, double t_s, char buf[REP_CLOCK_SIZE])
{
    struct tm tm = local_time(sc, t_s);
    int minutes = abs(sc->utc_offset_s) / 60 % (24 * 60);
    size_t length = strftime(buf, REP_CLOCK_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(buf + length, REP_CLOCK_SIZE - length, "%c%02d:%02d", sc->utc_offset_s < 0 ? '-' : '+', minutes / 60,
             minutes % 60);
    return buf;
}

char *rep_clock(const sc_scenario *sc, double t_s, char buf[REP_CLOCK_SIZE])
{
    if (!isfinite(t_s)) {
        snprintf(buf, REP_CLOCK_SIZE, "-");
        return buf;
    }
    struct tm tm = local_time(sc, t_s);
    bool days = sc->duration_ns > INT64_C(86400) * 1000000000;
    bool seconds = sc->duration_ns < INT64_C(7200) * 1000000000;
    strftime(buf, REP_CLOCK_SIZE, days ? "%a %d, %H:%M" : seconds ? "%H:%M:%S" : "%H:%M", &tm);
    return buf;
}

char *rep_span(double s, char buf[REP_CLOCK_SIZE])
{
    if (!isfinite(s)) {
        snprintf(buf, REP_CLOCK_SIZE, "-");
    } else if (fabs(s) < 0.9995) {
        snprintf(buf, REP_CLOCK_SIZE, "%.3g ms", s * 1e3);
    } else if (fabs(s) < 100) {
        snprintf(buf, REP_CLOCK_SIZE, "%.3g s", s);
    } else {
        long whole = lround(s);
        if (whole < 3600) {
            snprintf(buf, REP_CLOCK_SIZE, "%ld min %02ld s", whole / 60, whole % 60);
        } else {
            snprintf(buf, REP_CLOCK_SIZE, "%ld h %02ld min", whole / 3600, whole % 3600 / 60);
        }
    }
    return buf;
}

double rep_capacity_rps(const rep_view *v, const res_run *run, int32_t bin, int32_t service, int32_t pool)
{
    size_t row = (size_t)bin * (size_t)run->service_count + (size_t)service;
    size_t at = row * (size_t)v->sc->pool_count + (size_t)pool;
    return (double)run->timeline.ready_by_pool[at] * run->services[service].nominal_rps[pool];
}

const char *rep_start_key(int32_t k)
{
    return k == RES_START_NODE_ORDERED ? "node_ordered" : k == RES_START_NODE_UP ? "node_up" : "all";
}

const char *rep_start_word(int32_t k)
{
    return k == RES_START_NODE_ORDERED ? "starts that needed a node"
           : k == RES_START_NODE_UP    ? "starts on nodes that were up"
                                       : "all starts";
}

const res_lag *rep_start_lag(const res_run *run, int32_t k)
{
    return k < RES_STARTS ? &run->lag_by_start[k] : &run->lag;
}

double rep_lag_whole_s(const res_lag *lag)
{
    double sum = lag->decision_s;
    for (int stage = 0; stage < MDL_STAGES; stage++) {
        sum += lag->mean_s[stage];
    }
    return sum;
}

double rep_burst_end_s(const res_burst *b)
{
    const double marks[] = {b->primary_saturated_s, b->overflow_started_s, b->absorbed_s, b->overflow_released_s};
    double end = b->onset_s;
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (isfinite(marks[i]) && marks[i] > end) {
            end = marks[i];
        }
    }
    return end;
}

/** Does burst a come before burst b among pictures? */
static bool burst_before(const res_burst *a, const res_burst *b)
{
    if (a->requests_hurt != b->requests_hurt) {
        return a->requests_hurt > b->requests_hurt;
    }
    return rep_burst_end_s(a) - a->onset_s > rep_burst_end_s(b) - b->onset_s;
}

int32_t rep_burst_rank(const rep_view *v, const res_run *run, int32_t *rows, int32_t max)
{
    (void)v;
    int32_t count = 0;
    for (int32_t i = 0; i < run->burst_count; i++) {
        int32_t at = count;
        while (at > 0 && burst_before(&run->bursts[i], &run->bursts[rows[at - 1]])) {
            at--;
        }
        if (at >= max) {
            continue;
        }
        count += count < max ? 1 : 0;
        for (int32_t k = count - 1; k > at; k--) {
            rows[k] = rows[k - 1];
        }
        rows[at] = i;
    }
    for (int32_t i = 1; i < count; i++) { /* chosen by harm, shown in order of time */
        for (int32_t k = i; k > 0 && rows[k] < rows[k - 1]; k--) {
            int32_t row = rows[k];
            rows[k] = rows[k - 1];
            rows[k - 1] = row;
        }
    }
    return count;
}

void rep_provenance(const rep_view *v, FILE *out)
{
    fprintf(out, "spillway %s scenario ", REP_VERSION);
    for (const char *c = v->sc->name; *c != '\0'; c++) {
        fputc((unsigned char)*c < 0x20 ? ' ' : *c, out); /* one line, whatever the name holds */
    }
    fprintf(out, " hash %016" PRIx64 " seed %" PRIu64, v->sc->hash, v->runs[0]->seed);
}

bool rep_between(const rep_view *v, double *gb, double *usd)
{
    *gb = *usd = 0;
    for (int32_t i = 0; i < v->n; i++) {
        const res_run *run = v->runs[i];
        for (int32_t k = 0; k < v->sc->region_count * v->sc->cluster_count; k++) {
            *gb += (double)(run->ways[k].forth_bytes + run->ways[k].back_bytes) / 1e9 / v->n;
        }
        *usd += (double)run->cost.ways_uusd / 1e6 / v->n;
    }
    return v->sc->ways != NULL;
}

bool rep_images(const rep_view *v, double *usd)
{
    *usd = 0;
    for (int32_t i = 0; i < v->n; i++) {
        *usd += (double)v->runs[i]->cost.images_uusd / 1e6 / v->n;
    }
    return v->sc->delivery != NULL;
}

double rep_to_users(const rep_view *v)
{
    double usd = 0;
    for (int32_t i = 0; i < v->n; i++) {
        const res_cost *cost = &v->runs[i]->cost;
        usd += (double)(cost->egress_uusd - cost->ways_uusd - cost->images_uusd) / 1e6 / v->n;
    }
    return usd;
}

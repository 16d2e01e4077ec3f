/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * csv.c - the tables of a run as RFC 4180 files: `# spillway ...` line, header, rows; line feed only.
 *
 * The gnuplot scripts in plots/ read these columns by name, so a renamed column needs its script changed as well.
 * timeline.csv and pools.csv are ordered by service (pool), then time: one block of `bins` rows for each.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "sim/report/scene.h"
#include "sim/report/view.h"

static void begin(const rep_view *v, FILE *out)
{
    fputs("# ", out);
    rep_provenance(v, out);
    fputc('\n', out);
}

void rep_csv_text(FILE *out, const char *s)
{
    bool quoted = strpbrk(s, ",\"") != NULL;
    if (quoted) {
        fputc('"', out);
    }
    for (; *s != '\0'; s++) {
        if (*s == '"') {
            fputc('"', out);
        }
        fputc((unsigned char)*s < 0x20 ? ' ' : *s, out);
    }
    if (quoted) {
        fputc('"', out);
    }
}

/** ",value" or "," when there is none. */
static void put_real(FILE *out, double value)
{
    char buf[REP_NUMBER_SIZE];
    fprintf(out, ",%s", rep_real(value, buf));
}

static void put_single(FILE *out, float value)
{
    char buf[REP_NUMBER_SIZE];
    fprintf(out, ",%s", rep_single(value, buf));
}

static void put_usd(FILE *out, int64_t uusd)
{
    char buf[REP_NUMBER_SIZE];
    fprintf(out, ",%s", rep_usd(uusd, buf));
}

/** "time_s,local_time" of a bin's start. */
static void put_time(const rep_view *v, const res_timeline *t, int32_t bin, FILE *out)
{
    char number[REP_NUMBER_SIZE], clock[REP_CLOCK_SIZE];
    double start_s = (double)t->bin_ns * (double)bin / 1e9;
    fprintf(out, "%s,%s", rep_real(start_s, number), rep_iso(v->sc, start_s, clock));
}

/** Length of a bin, s: the last one may be cut short by the end of the run. */
static double bin_s(const rep_view *v, const res_timeline *t, int32_t bin)
{
    int64_t left = v->sc->duration_ns - (int64_t)bin * t->bin_ns;
    return (double)(left > 0 && left < t->bin_ns ? left : t->bin_ns) / 1e9;
}

static void put_pool_headers(const rep_view *v, const char *what, FILE *out)
{
    char column[512];
    for (int32_t p = 0; p < v->sc->pool_count; p++) {
        snprintf(column, sizeof column, "%s:%s", what, v->pools[p].name);
        fputc(',', out);
        rep_csv_text(out, column);
    }
}

static void put_timeline_row(const rep_view *v, const res_run *run, int32_t s, int32_t b, FILE *out)
{
    const res_timeline *t = &run->timeline;
    size_t at = (size_t)b * (size_t)run->service_count + (size_t)s;
    double capacity = 0;
    put_time(v, t, b, out);
    fputc(',', out);
    rep_csv_text(out, v->sc->services[s].name);
    fprintf(out, ",%" PRIu32, t->arrivals[at]);
    put_real(out, t->arrivals[at] / bin_s(v, t, b));
    fprintf(out, ",%" PRIu32 ",%" PRIu32 ",%" PRIu32, t->completed[at], t->rejected[at], t->timed_out[at]);
    const stat_hist *hists[] = {t->ttft[at], t->tpot[at]};
    for (int h = 0; h < 2; h++) {
        put_real(out, rep_quantile_s(hists[h], 0.50));
        put_real(out, rep_quantile_s(hists[h], 0.95));
        put_real(out, rep_quantile_s(hists[h], 0.99));
    }
    put_single(out, t->desired[at]);
    put_single(out, t->assigned[at]);
    put_single(out, t->ready[at]);
    put_single(out, t->starting[at]);
    put_single(out, t->waiting[at]);
    for (int32_t p = 0; p < v->sc->pool_count; p++) {
        capacity += rep_capacity_rps(v, run, b, s, p);
    }
    put_single(out, (float)capacity); /* of what is kept in single precision */
    for (int32_t p = 0; p < v->sc->pool_count; p++) {
        put_single(out, (float)rep_capacity_rps(v, run, b, s, p));
    }
    for (int32_t p = 0; p < v->sc->pool_count; p++) {
        put_single(out, t->ready_by_pool[at * (size_t)v->sc->pool_count + (size_t)p]);
    }
    fputc('\n', out);
}

int rep_write_timeline(const rep_view *v, FILE *out)
{
    const res_run *run = v->runs[0];
    begin(v, out);
    fputs("time_s,local_time,service,arrivals,arrivals_rps,completed,rejected,timed_out,"
          "ttft_p50_s,ttft_p95_s,ttft_p99_s,tpot_p50_s,tpot_p95_s,tpot_p99_s,"
          "desired_replicas,assigned_replicas,ready_replicas,starting_replicas,waiting_requests,capacity_rps",
          out);
    put_pool_headers(v, "capacity_rps", out);
    put_pool_headers(v, "ready_replicas", out);
    fputc('\n', out);
    for (int32_t s = 0; s < run->service_count; s++) {
        for (int32_t b = 0; b < run->timeline.bins; b++) {
            put_timeline_row(v, run, s, b, out);
        }
    }
    return ferror(out) ? -1 : 0;
}

int rep_write_pools(const rep_view *v, FILE *out)
{
    const res_timeline *t = &v->runs[0]->timeline;
    begin(v, out);
    fputs("time_s,local_time,pool,kind,gpu,nodes,nodes_ordered,cost_usd\n", out);
    for (int32_t p = 0; p < v->sc->pool_count; p++) {
        for (int32_t b = 0; b < t->bins; b++) {
            size_t at = (size_t)b * (size_t)v->sc->pool_count + (size_t)p;
            put_time(v, t, b, out);
            fputc(',', out);
            rep_csv_text(out, v->pools[p].name);
            fprintf(out, ",%s,", rep_kind_key(v->pools[p].pool->capacity));
            rep_csv_text(out, v->pools[p].gpu);
            put_single(out, t->nodes[at]);
            put_single(out, t->nodes_ordered[at]);
            put_usd(out, t->cost_uusd[at]);
            fputc('\n', out);
        }
    }
    return ferror(out) ? -1 : 0;
}

/** Column numbers of cost.csv by kind, egress but for images, images, total. */
enum { COST_EGRESS = REP_KINDS, COST_IMAGES, COST_TOTAL, COST_COLUMNS };

static void bin_cost(const rep_view *v, const res_timeline *t, int32_t b, int64_t spent[COST_COLUMNS])
{
    memset(spent, 0, COST_COLUMNS * sizeof spent[0]);
    for (int32_t p = 0; p < v->sc->pool_count; p++) {
        int64_t cost = t->cost_uusd[(size_t)b * (size_t)v->sc->pool_count + (size_t)p];
        spent[(int)v->pools[p].pool->capacity - (int)SPW_CAPACITY_OWNED] += cost;
        spent[COST_TOTAL] += cost;
    }
    spent[COST_EGRESS] = t->egress_uusd[b] - t->images_uusd[b];
    spent[COST_IMAGES] = t->images_uusd[b];
    spent[COST_TOTAL] += t->egress_uusd[b];
}

int rep_write_cost(const rep_view *v, FILE *out)
{
    static const char *const columns[COST_COLUMNS] = {"owned",  "reserved", "on_demand", "spot",
                                                      "egress", "images",   "total"};
    const res_timeline *t = &v->runs[0]->timeline;
    int64_t sum[COST_COLUMNS] = {0};
    begin(v, out);
    fputs("time_s,local_time", out);
    for (int c = 0; c < COST_COLUMNS; c++) {
        fprintf(out, ",%s_usd_per_h", columns[c]);
    }
    for (int c = 0; c < COST_COLUMNS; c++) {
        fprintf(out, ",%s_since_warmup_usd", columns[c]);
    }
    fputc('\n', out);
    for (int32_t b = 0; b < t->bins; b++) {
        int64_t spent[COST_COLUMNS];
        bin_cost(v, t, b, spent);
        put_time(v, t, b, out);
        for (int c = 0; c < COST_COLUMNS; c++) {
            put_real(out, (double)spent[c] / 1e6 / bin_s(v, t, b) * 3600.0);
        }
        for (int c = 0; c < COST_COLUMNS; c++) {
            sum[c] += spent[c]; /* nothing is spent before the end of warm-up */
            put_usd(out, sum[c]);
        }
        fputc('\n', out);
    }
    return ferror(out) ? -1 : 0;
}

static void put_moved(int64_t bytes, int64_t uusd, FILE *out)
{
    fprintf(out, ",%" PRId64, bytes);
    put_usd(out, uusd);
}

int rep_write_egress(const rep_view *v, FILE *out)
{
    const sc_scenario *sc = v->sc;
    begin(v, out);
    fputs("region,provider,cluster,cluster_provider,request_bytes,request_usd,answer_bytes,answer_usd,to_users_bytes,"
          "to_users_usd\n",
          out);
    for (int32_t i = 0; i < sc->region_count * sc->cluster_count; i++) {
        const sc_region *region = &sc->regions[i / sc->cluster_count];
        const sc_cluster *cluster = &sc->clusters[i % sc->cluster_count];
        const res_way *way = &v->runs[0]->ways[i];
        const bool enters = region->provider != NULL;
        const char *const names[4] = {region->name, enters ? region->provider : "", cluster->name, cluster->provider};
        for (int k = 0; k < 4; k++) {
            fputs(k > 0 ? "," : "", out);
            rep_csv_text(out, names[k]);
        }
        if (enters) {
            put_moved(way->forth_bytes, way->forth_uusd, out);
            put_moved(way->back_bytes, way->back_uusd, out);
        } else {
            fputs(",,,,", out);
        }
        put_moved(way->out_bytes, way->out_uusd, out);
        fputc('\n', out);
    }
    return ferror(out) ? -1 : 0;
}

static void put_burst_row(const rep_view *v, const res_burst *b, int32_t row, FILE *out)
{
    char clock[REP_CLOCK_SIZE], order[1024] = "";
    fprintf(out, "%" PRId32 ",", row + 1);
    rep_csv_text(out, v->sc->services[b->service].name);
    fprintf(out, ",%s", isfinite(b->onset_s) ? rep_iso(v->sc, b->onset_s, clock) : "");
    put_real(out, b->onset_s);
    put_real(out, b->primary_saturated_s);
    put_real(out, b->overflow_started_s);
    put_real(out, b->absorbed_s);
    put_real(out, b->overflow_released_s);
    fprintf(out, ",%" PRIu64, b->requests_hurt);
    put_usd(out, b->extra_uusd);
    fprintf(out, ",%" PRId32, b->replicas_started);
    for (int stage = 0; stage < MDL_STAGES; stage++) {
        put_real(out, b->replicas_started > 0 ? b->stage_s[stage] : (double)NAN);
    }
    for (int32_t r = 0; r < b->release_count && r < 16; r++) {
        size_t used = strlen(order);
        snprintf(order + used, sizeof order - used, "%s%s", r > 0 ? " > " : "",
                 v->sc->clusters[b->release_order[r]].name);
    }
    fputc(',', out);
    rep_csv_text(out, order);
    fputc('\n', out);
}

int rep_write_bursts(const rep_view *v, FILE *out)
{
    const res_run *run = v->runs[0];
    begin(v, out);
    fputs("burst,service,onset_local_time,onset_s,primary_saturated_s,overflow_started_s,absorbed_s,"
          "overflow_released_s,requests_hurt,extra_usd,replicas_started",
          out);
    for (int stage = 0; stage < MDL_STAGES; stage++) {
        fprintf(out, ",%s_s", mdl_stage_name((mdl_stage)stage));
    }
    fputs(",release_order\n", out);
    for (int32_t b = 0; b < run->burst_count; b++) {
        put_burst_row(v, &run->bursts[b], b, out);
    }
    return ferror(out) ? -1 : 0;
}

static void put_lag_row(const res_lag *lag, int32_t k, const char *stage, double start_s, double mean_s, double p90_s,
                        FILE *out)
{
    fprintf(out, "%s,%" PRId64 ",%s", rep_start_key(k), lag->count, stage);
    put_real(out, start_s);
    put_real(out, mean_s);
    put_real(out, p90_s);
    fputc('\n', out);
}

int rep_write_lag(const rep_view *v, FILE *out)
{
    begin(v, out);
    fputs("starts,replicas,stage,start_s,mean_s,p90_s\n", out);
    for (int32_t k = 0; k <= RES_STARTS; k++) {
        const res_lag *lag = rep_start_lag(v->runs[0], k);
        double start = lag->decision_s;
        if (lag->count == 0) {
            continue;
        }
        put_lag_row(lag, k, "decision", 0, lag->decision_s, (double)NAN, out);
        for (int stage = 0; stage < MDL_STAGES; stage++) {
            put_lag_row(lag, k, mdl_stage_name((mdl_stage)stage), start, lag->mean_s[stage], lag->p90_s[stage], out);
            start += lag->mean_s[stage];
        }
    }
    return ferror(out) ? -1 : 0;
}

int rep_write_stages(const rep_view *v, FILE *out)
{
    const res_run *run = v->runs[0];
    begin(v, out);
    fputs("time_s,local_time,service,decision", out);
    for (int stage = 0; stage < MDL_STAGES; stage++) {
        fprintf(out, ",%s", mdl_stage_name((mdl_stage)stage));
    }
    fputc('\n', out);
    for (int32_t s = 0; s < run->service_count; s++) {
        for (int32_t b = 0; b < run->timeline.bins; b++) {
            put_time(v, &run->timeline, b, out);
            fputc(',', out);
            rep_csv_text(out, v->sc->services[s].name);
            for (int k = 0; k < RES_CHAIN; k++) {
                put_real(out, rep_chain_replicas(v, run, b, s, k));
            }
            fputc('\n', out);
        }
    }
    return ferror(out) ? -1 : 0;
}

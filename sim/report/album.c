/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * album.c - which pictures a run gets, and the values each script needs, as gnuplot assignments.
 *
 * The variables are listed at the head of each script in plots/. Series come from the CSV files; only names, limits and
 * marks are handed over here.
 */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "sim/report/burst.h"
#include "sim/report/plots.h"

static void add(rep_album *album, rep_picture_kind kind, int32_t index, const char *name, int32_t number, int height)
{
    rep_picture *p = &album->at[album->count++];
    *p = (rep_picture){.kind = kind, .index = index, .width = 1000, .height = height};
    if (number > 0) {
        snprintf(p->stem, sizeof p->stem, "%s-%" PRId32, name, number);
    } else {
        snprintf(p->stem, sizeof p->stem, "%s", name);
    }
}

void rep_album_plan(const rep_view *v, rep_album *album)
{
    const res_run *run = v->runs[0];
    int32_t bursts[REP_BURST_PICTURES];
    *album = (rep_album){0};
    if (run->timeline.bins < 2) {
        return;
    }
    for (int32_t s = 0; s < run->service_count && s < REP_SERVICE_PICTURES; s++) {
        int32_t number = run->service_count > 1 ? s + 1 : 0;
        add(album, REP_PICTURE_DEMAND, s, "demand", number, 600);
        if (stat_hist_count(run->services[s].latency.ttft) > 0) {
            bool tpot = stat_hist_count(run->services[s].latency.tpot) > 0;
            add(album, REP_PICTURE_LATENCY, s, "latency", number, tpot ? 560 : 340);
        }
    }
    int32_t burst_count = rep_burst_rank(v, run, bursts, REP_BURST_PICTURES);
    for (int32_t b = 0; b < burst_count; b++) {
        add(album, REP_PICTURE_BURST, bursts[b], "burst", bursts[b] + 1, 600);
    }
    if (run->lag.count > 0) {
        bool both =
            run->lag_by_start[RES_START_NODE_ORDERED].count > 0 && run->lag_by_start[RES_START_NODE_UP].count > 0;
        add(album, REP_PICTURE_LAG, 0, "lag", 0, both ? 560 : 320);
    }
    if (run->cost.total_uusd > 0) {
        add(album, REP_PICTURE_COST, 0, "cost", 0, 520);
    }
}

/** The text for gnuplot's -e: assignments, one after the other. */
typedef struct script {
    char *text;
    size_t size;
    FILE *out;
} script;

__attribute__((format(printf, 2, 3))) static void say(script *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(s->out, format, args);
    va_end(args);
}

static void say_text(script *s, const char *name, const char *text)
{
    rep_quote(s->out, name, text);
}

/** Pools that can run the service, and for burst and demand pictures their columns in timeline.csv. */
static void say_pools(script *s, const rep_view *v, const res_service *service)
{
    enum { FIRST_COLUMN = 21 }; /* capacity_rps:POOL of the first pool, counted from 1 */
    int32_t count = 0, nth[REP_KINDS + 1] = {0};
    for (int32_t p = 0; p < v->sc->pool_count; p++) {
        count += service->nominal_rps[p] > 0 ? 1 : 0;
    }
    say(s,
        "pools=%" PRId32 "; array COLUMN[%" PRId32 "]; array NAME[%" PRId32 "]; array KIND[%" PRId32
        "]; array NTH[%" PRId32 "]; ",
        count, count + 1, count + 1, count + 1, count + 1);
    count = 0;
    for (int32_t p = 0; p < v->sc->pool_count; p++) {
        if (!(service->nominal_rps[p] > 0)) {
            continue;
        }
        spw_capacity kind = v->pools[p].pool->capacity;
        count++;
        say(s, "COLUMN[%" PRId32 "]=%" PRId32 "; NTH[%" PRId32 "]=%" PRId32 "; NAME[%" PRId32 "]=", count,
            FIRST_COLUMN + p, count, nth[kind]++, count);
        rep_quote_text(s->out, v->pools[p].name);
        say(s, "; KIND[%" PRId32 "]='%s'; ", count, rep_kind_key(kind));
    }
}

static void say_limits(script *s, const sc_service *service, const char *metric, const char *prefix, const char *count)
{
    int32_t n = 0;
    say(s, "array %s_LIMIT[%" PRId32 "]; array %s_LABEL[%" PRId32 "]; ", prefix, service->target_count + 1, prefix,
        service->target_count + 1);
    for (int32_t t = 0; t < service->target_count; t++) {
        const sc_target *target = &service->targets[t];
        char span[REP_CLOCK_SIZE];
        if (strcmp(target->metric, metric) == 0) {
            n++;
            say(s, "%s_LIMIT[%" PRId32 "]=%.9g; %s_LABEL[%" PRId32 "]='target: p%g within %s'; ", prefix, n,
                (double)target->limit_ns / 1e9, prefix, n, target->percentile * 100,
                rep_span((double)target->limit_ns / 1e9, span));
        }
    }
    say(s, "%s=%" PRId32 "; ", count, n);
}

static void say_service(script *s, const rep_view *v, int32_t service)
{
    const res_run *run = v->runs[0];
    say_text(s, "service", v->sc->services[service].name);
    say(s, "first=%" PRId32 "; last=%" PRId32 "; ", service * run->timeline.bins,
        (service + 1) * run->timeline.bins - 1);
    say_limits(s, &v->sc->services[service], "ttft", "TTFT", "ttft_limits");
    say_limits(s, &v->sc->services[service], "tpot", "TPOT", "tpot_limits");
    say(s, "has_tpot=%d; ", stat_hist_count(run->services[service].latency.tpot) > 0);
    say_pools(s, v, &run->services[service]);
}

static void say_cost(script *s, const rep_view *v)
{
    static const spw_capacity kinds[REP_KINDS] = {SPW_CAPACITY_OWNED, SPW_CAPACITY_RESERVED, SPW_CAPACITY_ON_DEMAND,
                                                  SPW_CAPACITY_SPOT};
    const res_cost *cost = &v->runs[0]->cost;
    int n = 0;
    say(s, "array KIND[%d]; array WORD[%d]; ", REP_KINDS + 2, REP_KINDS + 2);
    for (int k = 0; k < REP_KINDS; k++) {
        if (rep_kind_uusd(cost, kinds[k]) > 0) {
            n++;
            say(s, "KIND[%d]='%s'; WORD[%d]='%s'; ", n, rep_kind_key(kinds[k]), n, rep_kind_word(kinds[k]));
        }
    }
    if (cost->egress_uusd > cost->images_uusd) {
        n++;
        say(s, "KIND[%d]='egress'; WORD[%d]='egress'; ", n, n);
    }
    if (cost->images_uusd > 0) {
        n++;
        say(s, "KIND[%d]='images'; WORD[%d]='images moved and stored'; ", n, n);
    }
    say(s, "kinds=%d; total='%.2f USD'; ", n, (double)cost->total_uusd / 1e6);
}

static void say_burst(script *s, const rep_view *v, int32_t index)
{
    const res_burst *b = &v->runs[0]->bursts[index];
    char clock[REP_CLOCK_SIZE];
    int n = 0;
    say(s, "array MARK_S[%d]; array MARK[%d]; ", REP_MARKS, REP_MARKS);
    for (int m = 0; m < REP_MARKS; m++) {
        const double at_s = rep_mark_s(b, m);
        if (isfinite(at_s)) {
            n++;
            say(s, "MARK_S[%d]=%.9g; MARK[%d]='%s %s'; ", n, at_s, n, rep_mark_words[m], rep_clock(v->sc, at_s, clock));
        }
    }
    say(s, "marks=%d; heading='Burst %" PRId32 ", ", n, index + 1);
    say(s, "%s: '.service; ", rep_clock(v->sc, b->onset_s, clock));
}

/** One panel for each kind of start that happened, in the order of lag.csv. */
static void say_lag(script *s, const res_run *run)
{
    double axis = 1;
    int panels = 0;
    say(s, "array PANEL[%d]; ", RES_STARTS);
    for (int32_t k = 0; k < RES_STARTS; k++) {
        const res_lag *lag = rep_start_lag(run, k);
        double end = lag->decision_s;
        if (lag->count == 0) {
            continue;
        }
        for (int stage = 0; stage < MDL_STAGES; stage++) {
            axis = fmax(axis, end + fmax(lag->p90_s[stage], lag->mean_s[stage]));
            end += lag->mean_s[stage];
        }
        panels++;
        say(s, "PANEL[%d]='%" PRId64 " %s: %.0f s from metric to ready on average'; ", panels, lag->count,
            rep_start_word(k), end);
    }
    say(s, "panels=%d; stages=%d; axis_max_s=%.9g; ", panels, MDL_STAGES + 1, axis * 1.18);
}

void rep_picture_window(const rep_view *v, const rep_picture *p, double *from_s, double *to_s)
{
    *from_s = 0;
    *to_s = (double)v->sc->duration_ns / 1e9;
    if (p->kind == REP_PICTURE_BURST) {
        const rep_window window = rep_burst_window(v, &v->runs[0]->bursts[p->index]);
        *from_s = window.from_s;
        *to_s = window.to_s;
    }
}

static void say_picture_values(script *s, const rep_view *v, const rep_picture *p)
{
    const res_run *run = v->runs[0];
    double from_s = 0, to_s = 0;
    rep_picture_window(v, p, &from_s, &to_s);
    say(s, "width=%d; height=%d; local0_s=%" PRId64 "; from_s=%.9g; to_s=%.9g; warmup_s=%.9g; ", p->width, p->height,
        v->sc->start_unix_ns / 1000000000 + v->sc->utc_offset_s, from_s, to_s, (double)v->sc->warmup_ns / 1e9);
    if (p->kind == REP_PICTURE_COST) {
        say_cost(s, v);
    } else if (p->kind == REP_PICTURE_LAG) {
        say_lag(s, run);
    } else {
        say_service(s, v, p->kind == REP_PICTURE_BURST ? run->bursts[p->index].service : p->index);
        if (p->kind == REP_PICTURE_BURST) {
            say_burst(s, v, p->index);
        }
    }
}

char *rep_picture_values(const rep_view *v, const rep_picture *p, const char *const texts[][2])
{
    script s = {0};
    s.out = open_memstream(&s.text, &s.size);
    if (s.out == NULL) {
        return NULL;
    }
    for (size_t i = 0; texts[i][0] != NULL; i++) {
        say_text(&s, texts[i][0], texts[i][1]);
    }
    say_picture_values(&s, v, p);
    if (fclose(s.out) != 0) {
        free(s.text);
        return NULL;
    }
    return s.text;
}

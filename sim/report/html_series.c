/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * html_series.c - the numbers behind the drawn pictures, in the page, so that a picture can say what stands under the
 * pointer. One block for each service and one for money; pictures name the block and the series they show.
 */
#include "sim/report/html.h"

#include <inttypes.h>
#include <math.h>

/** Series of a service, in the order in which they stand in its block; capacity by pool follows. */
enum {
    DEMAND = 0,
    CAPACITY,
    WANTED,
    READY,
    STARTING,
    WAITING,
    TTFT_P50,
    TTFT_P95,
    TTFT_P99,
    TPOT_P50,
    TPOT_P95,
    SERVICE_SERIES
};

void rep_script_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c == 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&') {
            fprintf(out, "\\u%04x", (unsigned)c);
        } else {
            fputc(c, out);
        }
    }
    fputc('"', out);
}

static void put_value(FILE *out, bool first, double value)
{
    fputs(first ? "" : ",", out);
    if (isfinite(value)) {
        fprintf(out, "%.4g", value);
    } else {
        fputs("null", out);
    }
}

/** brief: not worth a line where it is 0 */
static void begin_series(FILE *out, bool first, bool brief, const char *name, const char *unit)
{
    fputs(first ? "\n{\"n\":" : "]},\n{\"n\":", out);
    rep_script_text(out, name);
    fprintf(out, ",\"u\":\"%s\",%s\"v\":[", unit, brief ? "\"brief\":1," : "");
}

/** Bins of a block: values stand from bin `first` on. */
typedef struct stretch {
    int32_t first, last;
} stretch;

static stretch whole_run(const rep_view *v)
{
    return (stretch){0, v->runs[0]->timeline.bins - 1};
}

static void begin_block(const rep_view *v, const char *id, stretch bins, FILE *out)
{
    const res_timeline *t = &v->runs[0]->timeline;
    fprintf(out,
            "<script type=\"application/json\" id=\"%s\">{\"step\":%.9g,\"first\":%" PRId32 ",\"bins\":%" PRId32
            ",\"local0\":%" PRId64 ",\"series\":[",
            id, (double)t->bin_ns / 1e9, bins.first, bins.last + 1,
            v->sc->start_unix_ns / 1000000000 + v->sc->utc_offset_s);
}

static void end_block(FILE *out)
{
    fputs("]}]}</script>\n", out);
}

static double bin_span_s(const rep_view *v, int32_t bin)
{
    const res_timeline *t = &v->runs[0]->timeline;
    const double from = (double)t->bin_ns * bin, to = fmin(from + (double)t->bin_ns, (double)v->sc->duration_ns);
    return (to - from) / 1e9;
}

static double service_value(const rep_view *v, int32_t s, int32_t b, int series)
{
    const res_run *run = v->runs[0];
    const res_timeline *t = &run->timeline;
    const size_t at = (size_t)b * (size_t)run->service_count + (size_t)s;
    static const double levels[] = {0.5, 0.95, 0.99, 0.5, 0.95};
    double capacity = 0;
    switch (series) {
    case DEMAND:
        return rep_ratio((double)t->arrivals[at], bin_span_s(v, b));
    case CAPACITY:
        for (int32_t p = 0; p < v->sc->pool_count; p++) {
            capacity += rep_capacity_rps(v, run, b, s, p);
        }
        return capacity;
    case WANTED:
        return (double)t->desired[at];
    case READY:
        return (double)t->ready[at];
    case STARTING:
        return (double)t->starting[at];
    case WAITING:
        return (double)t->waiting[at];
    default:
        return 1e3 * rep_quantile_s((series < TPOT_P50 ? t->ttft : t->tpot)[at], levels[series - TTFT_P50]);
    }
}

static void put_service(const rep_view *v, int32_t s, stretch bins, FILE *out)
{
    static const struct {
        const char *name, *unit;
    } names[SERVICE_SERIES] = {{"demand", "requests/s"}, {"ready capacity", "requests/s"},
                               {"wanted", "replicas"},   {"ready", "replicas"},
                               {"starting", "replicas"}, {"waiting", "requests"},
                               {"TTFT p50", "ms"},       {"TTFT p95", "ms"},
                               {"TTFT p99", "ms"},       {"TPOT p50", "ms"},
                               {"TPOT p95", "ms"}};
    for (int k = 0; k < SERVICE_SERIES; k++) {
        begin_series(out, k == 0, false, names[k].name, names[k].unit);
        for (int32_t b = bins.first; b <= bins.last; b++) {
            put_value(out, b == bins.first, service_value(v, s, b, k));
        }
    }
    for (int32_t p = 0; p < v->sc->pool_count; p++) {
        begin_series(out, false, true, v->pools[p].name, "requests/s");
        for (int32_t b = bins.first; b <= bins.last; b++) {
            put_value(out, b == bins.first, rep_capacity_rps(v, v->runs[0], b, s, p));
        }
    }
}

void rep_html_series_of_scene(const char *id, const rep_scene *s, FILE *out)
{
    const stretch bins = {s->first, s->last};
    begin_block(s->v, id, bins, out);
    put_service(s->v, s->service, bins, out);
    for (int k = 0; k < RES_CHAIN; k++) {
        begin_series(out, false, true, rep_chain_words[k], "replicas");
        for (int32_t b = bins.first; b <= bins.last; b++) {
            put_value(out, b == bins.first, rep_chain_replicas(s->v, s->run, b, s->service, k));
        }
    }
    end_block(out);
}

/** Spent in a bin, micro-USD. */
static int64_t spent_uusd(const rep_view *v, int32_t bin)
{
    const res_timeline *t = &v->runs[0]->timeline;
    int64_t sum = t->egress_uusd[bin];
    for (int32_t p = 0; p < v->sc->pool_count; p++) {
        sum += t->cost_uusd[(size_t)bin * (size_t)v->sc->pool_count + (size_t)p];
    }
    return sum;
}

void rep_html_series(const rep_view *v, FILE *out)
{
    const stretch bins = whole_run(v);
    int64_t sum = 0;
    for (int32_t s = 0; s < v->sc->service_count && s < REP_SERVICE_PICTURES; s++) {
        char id[32];
        snprintf(id, sizeof id, "series-%" PRId32, s);
        begin_block(v, id, bins, out);
        put_service(v, s, bins, out);
        end_block(out);
    }
    begin_block(v, "series-cost", bins, out);
    begin_series(out, true, false, "spending", "USD/h");
    for (int32_t b = 0; b <= bins.last; b++) {
        put_value(out, b == 0, (double)spent_uusd(v, b) / 1e6 / bin_span_s(v, b) * 3600);
    }
    begin_series(out, false, false, "paid since warm-up", "USD");
    for (int32_t b = 0; b <= bins.last; b++) {
        sum += spent_uusd(v, b);
        put_value(out, b == 0, (double)sum / 1e6);
    }
    end_block(out);
}

/** The capacity of each pool that can run the service. */
static void put_pools(const rep_view *v, int32_t service, FILE *out)
{
    for (int32_t pool = 0; pool < v->sc->pool_count; pool++) {
        if (v->runs[0]->services[service].nominal_rps[pool] > 0) {
            fprintf(out, ",%d", SERVICE_SERIES + pool);
        }
    }
}

/** Attributes of a card: block, shown range of time, where it lies in the picture; the list of what it shows follows.
 */
static void begin_attributes(const char *id, double from_s, double to_s, double x0, double x1, FILE *out)
{
    fprintf(out, " data-series=\"%s\" data-from=\"%.9g\" data-to=\"%.9g\" data-x0=\"%g\" data-x1=\"%g\" data-show=\"",
            id, from_s, to_s, x0, x1);
}

void rep_series_of_picture(const rep_view *v, const rep_picture *p, FILE *out)
{
    double from_s, to_s;
    char id[32];
    if (p->kind != REP_PICTURE_COST && (p->kind == REP_PICTURE_LAG || p->index >= REP_SERVICE_PICTURES)) {
        return; /* the axis of lags is no time of day, and every bar has its figure beside it */
    }
    rep_picture_window(v, p, &from_s, &to_s);
    snprintf(id, sizeof id, "series-%" PRId32, p->index);
    begin_attributes(p->kind == REP_PICTURE_COST ? "series-cost" : id, from_s, to_s, REP_PLOT_LEFT, REP_PLOT_RIGHT,
                     out);
    if (p->kind == REP_PICTURE_COST) {
        fputs("0,1\"", out);
    } else if (p->kind == REP_PICTURE_LATENCY) {
        fprintf(out, "%d,%d,%d,%d,%d\"", TTFT_P50, TTFT_P95, TTFT_P99, TPOT_P50, TPOT_P95);
    } else {
        fprintf(out, "%d,%d", DEMAND, CAPACITY);
        put_pools(v, p->index, out);
        fprintf(out, ",%d,%d,%d,%d\"", WANTED, READY, STARTING, WAITING);
    }
}

void rep_series_of_scene(const char *id, const rep_scene *s, double x0, double x1, FILE *out)
{
    begin_attributes(id, s->time.low, s->time.high, x0, x1, out);
    fprintf(out, "%d,%d", DEMAND, CAPACITY);
    put_pools(s->v, s->service, out);
    fprintf(out, ",%d,%d", WANTED, READY);
    for (int k = 0; k < RES_CHAIN; k++) {
        fprintf(out, ",%" PRId32, SERVICE_SERIES + s->v->sc->pool_count + k);
    }
    fprintf(out, ",%d,%d,%d\"", WAITING, TTFT_P50, TTFT_P95);
}

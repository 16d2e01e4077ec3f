/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * summary.c - summary.json: provenance, every replication, all of them pooled, and, on request, the host figures.
 *
 * Wall-clock figures stand under `host` and nowhere else: everything before that key can be compared byte by byte.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "sim/report/figures.h"
#include "sim/report/report.h"
#include "sim/report/view.h"

static void put_scenario(const rep_view *v, rep_json *j)
{
    char hash[24], clock[REP_CLOCK_SIZE];
    snprintf(hash, sizeof hash, "%016" PRIx64, v->sc->hash);
    rep_json_object(j, "scenario");
    rep_json_text(j, "name", v->sc->name);
    rep_json_text(j, "title", v->sc->title);
    rep_json_text(j, "hash", hash);
    rep_json_count(j, "seed", v->runs[0]->seed);
    rep_json_text(j, "start", rep_iso(v->sc, 0, clock));
    rep_json_real(j, "duration_s", (double)v->sc->duration_ns / 1e9);
    rep_json_real(j, "warmup_s", (double)v->sc->warmup_ns / 1e9);
    rep_json_real(j, "measured_s", rep_measured_s(v->sc));
    rep_json_real(j, "tick_s", (double)v->sc->tick_ns / 1e9);
    rep_json_int(j, "replications", v->n);
    rep_json_end(j, false);
}

static void put_host(const rep_view *v, int32_t threads, rep_json *j)
{
    double wall = 0, cpu = 0, p50 = 0, p99 = 0, max = 0;
    uint64_t events = 0, requests = 0;
    for (int32_t i = 0; i < v->n; i++) {
        const res_host *h = &v->runs[i]->host;
        wall += h->wall_s;
        cpu += h->cpu_s;
        events += h->events;
        requests += h->requests;
        p50 += h->decide_us_p50 / v->n;
        p99 = fmax(p99, h->decide_us_p99);
        max = fmax(max, h->decide_us_max);
    }
    struct rusage usage = {0};
    int known = getrusage(RUSAGE_SELF, &usage);
    rep_json_object(j, "host");
    rep_json_real(j, "wall_s", wall);
    rep_json_real(j, "cpu_s", cpu);
    rep_json_count(j, "events", events);
    rep_json_count(j, "requests", requests);
    rep_json_real(j, "requests_per_cpu_s", rep_ratio((double)requests, cpu));
    rep_json_int(j, "peak_rss_bytes", known == 0 ? (int64_t)usage.ru_maxrss * 1024 : 0);
    rep_json_int(j, "threads", threads);
    rep_json_object(j, "decide_us");
    rep_json_real(j, "p50", p50);
    rep_json_real(j, "p99", p99);
    rep_json_real(j, "max", max);
    rep_json_end(j, false);
    rep_json_end(j, false);
}

static void put_replications(const rep_view *v, rep_json *j, bool *failed)
{
    rep_json_array(j, "replications");
    for (int32_t i = 0; i < v->n; i++) {
        figures f;
        figures_of_run(&f, v, v->runs[i], true);
        *failed = *failed || f.failed;
        if (!f.failed) {
            rep_json_object(j, NULL);
            rep_json_count(j, "replication", v->runs[i]->replication);
            rep_json_count(j, "seed", v->runs[i]->seed);
            figures_print(&f, j);
            rep_json_end(j, false);
        }
        figures_fini(&f);
    }
    rep_json_end(j, true);
}

static void put_pooled(const rep_view *v, rep_json *j, bool *failed)
{
    figures *f = calloc((size_t)v->n, sizeof *f);
    bool whole = f != NULL;
    for (int32_t i = 0; whole && i < v->n; i++) {
        figures_of_run(&f[i], v, v->runs[i], false);
        whole = !f[i].failed;
    }
    if (whole) {
        rep_json_object(j, "pooled");
        figures_print_pooled(f, v->n, j);
        rep_json_end(j, false);
    }
    *failed = *failed || !whole;
    for (int32_t i = 0; f != NULL && i < v->n; i++) {
        figures_fini(&f[i]);
    }
    free(f);
}

int rep_write_json(const rep_view *v, int32_t host_threads, FILE *out)
{
    rep_json j;
    bool failed = false;
    rep_json_init(&j, out);
    rep_json_object(&j, NULL);
    rep_json_text(&j, "version", REP_VERSION);
    put_scenario(v, &j);
    put_replications(v, &j, &failed);
    put_pooled(v, &j, &failed);
    if (host_threads > 0) {
        put_host(v, host_threads, &j);
    }
    rep_json_end(&j, false);
    rep_json_finish(&j);
    return failed || ferror(out) ? -1 : 0;
}

int report_json(const sc_scenario *sc, res_run *const *runs, int32_t n, int32_t host_threads, FILE *out)
{
    rep_view v;
    if (rep_view_init(&v, sc, runs, n) != 0) {
        return -1;
    }
    int rc = rep_write_json(&v, host_threads, out);
    rep_view_fini(&v);
    return rc;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * run.c - one replication from beginning to end: the loop over events, and the ticks of the control plane within it.
 *
 * Order at time 0: the state is read, the core's first tick is carried out with a warm start (what it places on nodes
 * that are up is ready at once), the state is read again, then users begin. After that everything is the event
 * queue's: at equal times engines, life cycles, deliveries, arrivals, time-outs, readings, ticks, bin ends, the end.
 */
#include "sim/fleet/eye.h"
#include "sim/fleet/faults.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <spillway/json.h>
#include <spillway/manifest.h>

typedef struct control {
    spw_core *core;
    spw_loop *loop;
    spw_source source;
    spw_actuator simulated, recorded, both;
    spw_record record;
    spw_tee tee;
    stat_hist *decide_ns;
    uint32_t tick_slot, sample_slot, minute_slot, warmup_slot, end_slot;
} control;

static int64_t clock_ns(clockid_t id)
{
    struct timespec t = {0, 0};

    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * SPW_NS_PER_S + t.tv_nsec;
}

static bool fail(char *err, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static bool fail(char *err, size_t size, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (size > 0) {
        vsnprintf(err, size, format, args);
    }
    va_end(args);
    return false;
}

/* A line of decisions.jsonl on its way out; with snapshots wanted, the snapshot goes in before the closing brace. */
static spw_rc line_write(void *user, const char *line, size_t size)
{
    fl_world *w = user;
    spw_json_buffer whole = {0};
    int rc;

    if (w->hooks->record_snapshots) {
        if (spw_json_tick_write(line, size, w->shown, w->sc->config, &whole) != SPW_OK) {
            w->no_memory = w->no_memory || whole.failed;
            spw_json_buffer_fini(&whole);
            return SPW_BACKEND;
        }
        line = whole.text;
        size = whole.size;
    }
    rc = w->hooks->decision(w->hooks->user, line, size);
    spw_json_buffer_fini(&whole);
    w->hook_stopped = w->hook_stopped || rc != 0;
    return rc == 0 ? SPW_OK : SPW_BACKEND;
}

static bool has_latency_budget(const spw_config *config)
{
    bool any = false;
    for (size_t i = 0; i < config->workload_count; i++) {
        any = any || config->workloads[i].latency_budget > 0;
    }
    return any;
}

/* Distances are the scenario's, not the manifests'. @return one more manifest for the log, free()d by the caller */
static char *distances_text(const spw_config *config, size_t *length)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, length);
    if (out == NULL) {
        return NULL;
    }
    fputs("apiVersion: scheduling.spillway.dev/v1alpha1\nkind: RoundTrips\nmetadata: {name: scenario}\n"
          "spec:\n  regions:\n",
          out);
    for (size_t i = 0; i < config->rtt_count; i++) {
        const spw_rtt *r = &config->rtts[i];
        fprintf(out, "  - {from: \"%s\", to: \"%s\", rtt: %lldns}\n", r->from, r->to, (long long)r->rtt);
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* What a log with snapshots begins with: all that the decisions depend on beside them. */
static bool head_write(fl_world *w, const spw_settings *settings)
{
    const sc_scenario *sc = w->sc;
    spw_json_manifest *all = calloc(sc->manifest_count + 1, sizeof *all);
    spw_json_head head = {.settings = *settings, .manifests = all, .manifest_count = sc->manifest_count};
    spw_json_buffer line = {0};
    char *distances = NULL;
    bool ok = all != NULL;

    if (ok && sc->manifest_count > 0) {
        memcpy(all, sc->manifests, sc->manifest_count * sizeof *all);
    }
    if (ok && sc->distances_ours && has_latency_budget(sc->config)) {
        size_t length = 0;
        distances = distances_text(sc->config, &length);
        ok = distances != NULL;
        all[head.manifest_count++] = (spw_json_manifest){"network", distances, length};
    }
    ok = ok && spw_json_head_write(&head, &line) == SPW_OK &&
         w->hooks->decision(w->hooks->user, line.text, line.size) == 0;
    spw_json_buffer_fini(&line);
    free(distances);
    free(all);
    return ok;
}

static size_t actions_max(const sc_scenario *sc)
{
    size_t services = (size_t)sc->service_count;
    size_t clusters = (size_t)sc->cluster_count;

    return services * (1 + 3 * clusters) + 2 * (size_t)sc->pool_count + 1;
}

static bool control_new(fl_world *w, control *k, char *err, size_t size)
{
    const sc_scenario *sc = w->sc;
    spw_settings settings;
    spw_err why = {.code = SPW_OK};

    spw_settings_default(&settings);
    settings.clusters_max = (size_t)sc->cluster_count;
    settings.pools_max = (size_t)sc->pool_count;
    settings.placements_max = (size_t)sc->service_count * (size_t)sc->cluster_count;
    settings.pods_max = w->eye->pods_max;
    settings.samples_max = w->eye->samples_max;
    settings.tick = sc->tick_ns;
    settings.unix_offset = sc->start_unix_ns;
    if (spw_core_new(&settings, sc->config, spw_mem_libc(), &k->core, &why) != SPW_OK) {
        return fail(err, size, "the core refuses the configuration: %s: %s", why.field, why.text);
    }
    k->source = fl_source_of(w);
    k->simulated = fl_actuator_of(w);
    k->both = k->simulated;
    if (w->hooks != NULL && w->hooks->decision != NULL) {
        k->record.emit = line_write;
        k->record.user = w;
        k->record.size = actions_max(sc) * 1024 + 4096;
        k->record.buf = malloc(k->record.size);
        if (k->record.buf == NULL) {
            return fail(err, size, "out of memory");
        }
        if (w->hooks->record_snapshots && !head_write(w, &settings)) {
            return fail(err, size, "the log of decisions could not be written");
        }
        k->recorded = spw_actuator_record(&k->record);
        k->tee = (spw_tee){k->recorded, k->simulated};
        k->both = spw_actuator_tee(&k->tee);
    }
    k->decide_ns = stat_hist_new(7);
    if (k->decide_ns == NULL || spw_loop_new(k->core, &k->source, &k->both, spw_mem_libc(), actions_max(sc),
                                             sc->config->workload_count + 1, &k->loop) != SPW_OK) {
        return fail(err, size, "out of memory");
    }
    k->tick_slot = fl_slot_new(w, FL_OWNER_TICK, 0);
    k->sample_slot = fl_slot_new(w, FL_OWNER_SAMPLE, 0);
    k->minute_slot = fl_slot_new(w, FL_OWNER_MINUTE, 0);
    k->warmup_slot = fl_slot_new(w, FL_OWNER_WARMUP, 0);
    k->end_slot = fl_slot_new(w, FL_OWNER_END, 0);
    return !w->no_memory || fail(err, size, "out of memory");
}

static void control_fini(control *k)
{
    spw_loop_free(k->loop);
    spw_core_free(k->core);
    stat_hist_free(k->decide_ns);
    free(k->record.buf);
}

/* One tick. A refused snapshot or plan is counted and the run goes on, as a daemon would; false = the run is over. */
static bool tick(fl_world *w, control *k, char *err, size_t size)
{
    spw_err why = {.code = SPW_OK};
    int64_t start;
    spw_rc rc;

    if (w->hooks != NULL && w->hooks->stop != NULL && *w->hooks->stop != 0) {
        return fail(err, size, "stopped at %.0f s of simulated time", (double)w->now / 1e9);
    }
    fl_burst_before_tick(w);
    fl_waits_begin(w);
    start = clock_ns(CLOCK_MONOTONIC);
    rc = spw_loop_tick(k->loop, w->now, &why);
    stat_hist_add(k->decide_ns, clock_ns(CLOCK_MONOTONIC) - start);
    if (w->hook_stopped) {
        return fail(err, size, "a log of decisions or requests could not be written");
    }
    if (rc == SPW_OK) {
        fl_burst_tick(w, spw_loop_plan(k->loop));
    }
    w->reading_ns = FL_NEVER;
    if (rc != SPW_OK && rc != SPW_INVAL && rc != SPW_BACKEND) {
        return fail(err, size, "the core failed at %.0f s of simulated time: %s: %s", (double)w->now / 1e9, why.field,
                    why.text[0] != '\0' ? why.text : spw_strerror(rc));
    }
    if (w->hooks != NULL && w->hooks->progress != NULL) {
        w->hooks->progress(w->hooks->user, w->now, w->run->host.requests);
    }
    return true;
}

/* @return 1 = go on, 0 = the end, -1 = failed */
static int dispatch(fl_world *w, control *k, fl_slot slot, char *err, size_t size)
{
    int64_t bin_ns = w->run->timeline.bin_ns;

    switch (slot.owner) {
    case FL_OWNER_REPLICA:
        fl_replica_event(w, slot.index);
        return 1;
    case FL_OWNER_NODE:
        fl_node_event(w, slot.index);
        return 1;
    case FL_OWNER_SOURCE:
        fl_source_event(w, slot.index);
        return 1;
    case FL_OWNER_LINE:
        fl_line_event(w, slot.index);
        return 1;
    case FL_OWNER_TIMEOUT:
        fl_timeout_event(w, slot.index);
        return 1;
    case FL_OWNER_SCRAPE:
        fl_scrape_event(w);
        return 1;
    case FL_OWNER_TICK:
        evq_set(w->queue, k->tick_slot, w->now + w->sc->tick_ns, EVQ_TICK);
        fl_pools_ask(w);
        fl_schedule_waiting(w);
        return tick(w, k, err, size) ? 1 : -1;
    case FL_OWNER_SAMPLE:
        fl_sample_event(w);
        evq_set(w->queue, k->sample_slot, w->now + bin_ns < w->end_ns ? w->now + bin_ns : w->end_ns, EVQ_SAMPLE);
        if (w->now == w->end_ns) {
            evq_clear(w->queue, k->sample_slot);
        }
        return 1;
    case FL_OWNER_MINUTE:
        evq_set(w->queue, k->minute_slot, w->now + FL_MINUTE_NS, EVQ_SAMPLE);
        fl_minute_event(w);
        return 1;
    case FL_OWNER_WARMUP:
        evq_clear(w->queue, k->warmup_slot);
        fl_warmup_event(w);
        return 1;
    case FL_OWNER_SUPPLY:
        fl_supply_event(w, slot.index);
        return 1;
    case FL_OWNER_DELIVERY:
        fl_delivery_event(w);
        return 1;
    case FL_OWNER_FAULT:
        fl_fault_event(w, slot.index);
        return 1;
    case FL_OWNER_ATTEMPT:
        fl_attempt_event(w, slot.index);
        return 1;
    case FL_OWNER_RETRY:
        fl_retry_event(w, slot.index);
        return 1;
    case FL_OWNER_LATE:
        fl_late_event(w);
        return 1;
    case FL_OWNER_END:
        return 0;
    }
    return 0;
}

static void time_zero(fl_world *w, const control *k)
{
    int64_t bin_ns = w->run->timeline.bin_ns;

    evq_set(w->queue, k->tick_slot, w->sc->tick_ns, EVQ_TICK);
    evq_set(w->queue, k->sample_slot, bin_ns < w->end_ns ? bin_ns : w->end_ns, EVQ_SAMPLE);
    evq_set(w->queue, k->end_slot, w->end_ns, EVQ_END);
    for (int32_t i = 0; i < w->sc->service_count; i++) {
        if (w->services[i].sc->target_count > 0) {
            evq_set(w->queue, k->minute_slot, FL_MINUTE_NS, EVQ_SAMPLE);
        }
    }
    if (w->warmup_ns > 0) {
        evq_set(w->queue, k->warmup_slot, w->warmup_ns, EVQ_LIFECYCLE);
    }
    for (uint32_t i = 0; i < w->source_count; i++) {
        fl_source_arm(w, i);
    }
}

static bool live(fl_world *w, control *k, char *err, size_t size)
{
    fl_scrape_event(w);
    w->warm_start = true;
    if (!tick(w, k, err, size)) {
        return false;
    }
    w->warm_start = false;
    fl_scrape_event(w); /* what the warm start made is known, too */
    time_zero(w, k);
    for (;;) {
        int64_t at = 0;
        uint32_t slot = evq_peek(w->queue, &at);
        int more;

        FL_CHECK(w, slot != EVQ_NONE && at >= w->now);
        w->now = at;
        w->events++;
        more = dispatch(w, k, fl_slot_of(w, slot), err, size);
        if (w->no_memory) {
            return fail(err, size, "out of memory");
        }
        if (more <= 0) {
            return more == 0;
        }
    }
}

static void close_books(fl_world *w, const control *k)
{
    res_run *run = w->run;
    spw_loop_stats stats;

    fl_faults_close(w);
    fl_requests_close(w);
    for (uint32_t i = 0; i < w->replica_cap; i++) {
        if (w->replicas[i].state != FL_RP_FREE) {
            fl_replica_settle_counters(w, i, false);
        }
    }
    fl_measure_close(w);
    fl_bill_close(w);
    fl_burst_close(w);
    spw_loop_stats_get(k->loop, &stats);
    run->control.ticks = stats.ticks;
    run->control.actions = stats.actions;
    run->control.bad_snapshots = stats.bad_snapshots;
    run->control.bad_plans = stats.bad_plans;
    run->control.stale_decisions = stats.stale_decisions;
    run->host.events = evq_count_set(w->queue);
    run->host.decide_us_p50 = (double)stat_hist_quantile(k->decide_ns, 0.5) / 1e3;
    run->host.decide_us_p99 = (double)stat_hist_quantile(k->decide_ns, 0.99) / 1e3;
    run->host.decide_us_max = (double)stat_hist_max(k->decide_ns) / 1e3;
}

res_run *fleet_run(const sc_scenario *sc, uint64_t seed, uint32_t replication, const fleet_hooks *hooks, char *err,
                   size_t err_size)
{
    int64_t wall = clock_ns(CLOCK_MONOTONIC);
    int64_t cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    fl_world *w = fl_world_new(sc, seed, replication, hooks);
    control k = {.core = NULL};
    res_run *run = NULL;

    if (w == NULL) {
        fail(err, err_size, "out of memory");
        return NULL;
    }
    if (!control_new(w, &k, err, err_size)) {
        goto done;
    }
    if (!fl_nominal(w)) {
        fail(err, err_size, "out of memory, or an engine configuration that the engine refuses");
        goto done;
    }
    if (!live(w, &k, err, err_size)) {
        goto done;
    }
    close_books(w, &k);
    if (w->no_memory) {
        fail(err, err_size, "out of memory");
    } else if (w->hook_stopped) {
        fail(err, err_size, "a log of decisions or requests could not be written");
    } else {
        run = w->run;
        w->run = NULL;
        run->host.wall_s = (double)(clock_ns(CLOCK_MONOTONIC) - wall) / 1e9;
        run->host.cpu_s = (double)(clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu) / 1e9;
    }
done:
    control_fini(&k);
    fl_world_free(w);
    return run;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* daemon.c - starting, ticking, saving, stopping. What is governed and how it is read again is in governed.c. */
#include "sched/daemon/daemon_int.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define SYNC_PATIENCE (30 * SPW_NS_PER_S)

spw_time dm_mono(const dm_daemon *d)
{
    return d->host->mono(d->host->user);
}

/* --- state --- */

/* The state that a gear is to begin with: carried over, or of the file. */
static void take_state(dm_daemon *d)
{
    char note[300];
    const dm_found found = dm_state_load(d->config->state, &d->state, note, sizeof note);
    spw_rc rc = SPW_OK;
    switch (found) {
    case DM_FOUND_NONE:
        dm_say(d->host->voice, DM_INFO, "state-new", DM_TEXT("file", d->config->state));
        return;
    case DM_FOUND_OLDER:
        dm_say(d->host->voice, DM_WARN, "state-older", DM_TEXT("why", note));
        break;
    case DM_FOUND_DAMAGED:
    case DM_FOUND_NO_MEMORY:
        dm_say(d->host->voice, DM_ERROR, "state-damaged", DM_TEXT("why", note),
               DM_INT("observing_s", d->config->relearn / SPW_NS_PER_S));
        d->relearn_until = dm_mono(d) + d->config->relearn;
        return;
    case DM_FOUND_WHOLE:
        break;
    }
    spw_state_report report = {0};
    rc = dm_gear_load(d->gear, d->state.core, d->state.core_size, &report);
    const bool strange = rc == SPW_OK && report.kept + report.changed == 0 && report.gone > 0;
    if (rc != SPW_OK || strange) { /* whole, and of other workloads or another version: histories begin anew */
        dm_say(d->host->voice, DM_WARN, "state-of-another-configuration",
               DM_TEXT("why", strange ? "none of its workloads is configured" : spw_strerror(rc)),
               DM_INT("observing_s", d->config->relearn / SPW_NS_PER_S));
        d->relearn_until = dm_mono(d) + d->config->relearn;
        return;
    }
    dm_say(d->host->voice, DM_INFO, "state-loaded", DM_INT("generation", d->state.generation),
           DM_INT("kept", report.kept), DM_INT("changed", report.changed), DM_INT("added", report.added),
           DM_INT("gone", report.gone));
}

/* Counts of templates into a new gear's source, by name. */
void dm_give_templates(dm_daemon *d)
{
    kube_source *source = dm_gear_source(d->gear);
    if (source == NULL || d->config->mode != DM_MODE_KUBERNETES) {
        return;
    }
    for (size_t i = 0; i < d->state.template_count; i++) {
        for (size_t w = 0; w < d->governed->workload_count; w++) {
            if (strcmp(d->governed->workloads[w].name, d->state.templates[i].name) == 0) {
                kube_source_template_set(source, w, d->state.templates[i].replicas);
            }
        }
    }
}

/* What is to be saved, out of the gear. @return false: out of memory; the state is as it was */
bool dm_gather_state(dm_daemon *d)
{
    const spw_core *core = dm_gear_core(d->gear);
    kube_source *source = d->config->mode == DM_MODE_KUBERNETES ? dm_gear_source(d->gear) : NULL;
    const size_t works = source != NULL ? d->governed->workload_count : 0;
    dm_state s = {.generation = d->state.generation + 1, .epoch = d->state.epoch, .core_size = spw_state_size(core)};
    const uint64_t epoch = d->links != NULL ? dm_links_epoch(d->links) : 0;
    s.epoch = epoch > s.epoch ? epoch : s.epoch;
    s.core = malloc(s.core_size + 1);
    s.templates = calloc(works + 1, sizeof *s.templates);
    bool ok = s.core != NULL && s.templates != NULL && spw_state_save(core, s.core, s.core_size) == SPW_OK;
    for (size_t w = 0; ok && w < works; w++) {
        s.templates[w].name = strdup(d->governed->workloads[w].name);
        s.templates[w].replicas = kube_source_template(source, w);
        ok = s.templates[w].name != NULL;
        s.template_count = w + 1;
    }
    if (!ok) {
        dm_state_fini(&s);
        return false;
    }
    dm_state_fini(&d->state);
    d->state = s;
    return true;
}

static void save_state(dm_daemon *d)
{
    spw_err err = {.text = "out of memory"};
    if (!d->opened || !dm_gather_state(d) || d->config->state == NULL || d->host->dry_run) {
        return;
    }
    if (dm_state_save(d->host->files, d->config->state, &d->state, &err) != SPW_OK) {
        d->status.state_failures++;
        dm_say_err(d->host->voice, DM_ERROR, "state-not-saved", &err);
    }
}

/* --- making --- */

static bool stopped(void *user)
{
    const dm_daemon *d = user;
    const guard *g = d->gear != NULL ? dm_gear_guard(d->gear) : NULL;
    return d->stop_writing || (g != NULL && guard_is_stopped(g));
}

spw_rc dm_daemon_new(dm_config_file *file, const dm_host *host, spw_diag *diag, dm_daemon **out)
{
    dm_daemon *d = calloc(1, sizeof *d);
    if (d == NULL) {
        dm_config_free(file);
        return SPW_NOMEM;
    }
    d->file = file;
    d->config = dm_config_get(file);
    d->host = host;
    d->started = dm_mono(d);
    spw_rc rc = SPW_OK;
    if (d->config->mode != DM_MODE_FILE) {
        rc = dm_links_new(d->config, host, diag, &d->links);
        if (rc == SPW_OK) {
            dm_links_brake(d->links, stopped, d);
        }
    } else {
        rc = dm_source_file_new(d->config->snapshots, diag, &d->snapshots);
    }
    rc = rc == SPW_OK ? dm_govern(d, diag) : rc;
    if (rc != SPW_OK) {
        dm_daemon_free(d);
        return rc;
    }
    *out = d;
    return SPW_OK;
}

void dm_daemon_free(dm_daemon *d)
{
    if (d != NULL) {
        dm_log_close(d->log);
        dm_gear_free(d->gear);
        dm_links_free(d->links);
        dm_source_file_free(d->snapshots);
        dm_texts_fini(&d->texts);
        free(d->turns);
        free(d->troubled);
        spw_manifest_free(d->set);
        dm_state_fini(&d->state);
        dm_config_free(d->file);
        free(d);
    }
}

static spw_rc open_log(dm_daemon *d, spw_err *err)
{
    if (d->config->decisions == NULL || d->host->dry_run) {
        return SPW_OK;
    }
    const dm_log_spec spec = {
        .files = d->host->files, .path = d->config->decisions, .rotate = d->config->rotate, .keep = d->config->keep};
    dm_log_mended mended;
    const spw_rc rc = dm_log_open(&spec, &d->log, &mended, err);
    if (rc == SPW_OK && mended.torn > 0) {
        d->status.torn_bytes += (uint64_t)mended.torn;
        dm_say(d->host->voice, DM_WARN, "log-mended", DM_TEXT("file", d->config->decisions),
               DM_INT("torn_bytes", mended.torn));
    }
    return rc;
}

/* What a daemon that was closed knew. It keeps its own, should it be needed again. */
static spw_rc carry(dm_daemon *d, const dm_daemon *from, spw_err *err)
{
    size_t size = 0;
    void *bytes = dm_state_pack(&from->state, &size);
    dm_state s = {0};
    spw_rc rc =
        bytes != NULL ? dm_state_unpack(bytes, size, &s, err) : dm_fail(err, SPW_NOMEM, "state", "out of memory");
    free(bytes);
    if (rc != SPW_OK) {
        return rc;
    }
    dm_state_fini(&d->state);
    d->state = s;
    d->relearn_until = from->relearn_until;
    d->stop_writing = from->stop_writing;
    spw_state_report found = {0};
    rc = dm_gear_load(d->gear, s.core, s.core_size, &found);
    if (rc != SPW_OK) {
        dm_say(d->host->voice, DM_WARN, "histories-begin-anew", DM_TEXT("why", spw_strerror(rc)));
    } else if (found.changed + found.added + found.gone > 0) {
        dm_say(d->host->voice, DM_INFO, "state-carried-over", DM_INT("kept", found.kept),
               DM_INT("changed", found.changed), DM_INT("added", found.added), DM_INT("gone", found.gone));
    }
    return SPW_OK;
}

spw_rc dm_daemon_open(dm_daemon *d, dm_daemon *from, spw_err *err)
{
    spw_rc rc = open_log(d, err);
    if (rc == SPW_OK && from != NULL) {
        rc = carry(d, from, err);
    } else if (rc == SPW_OK && d->config->state != NULL) {
        take_state(d);
    }
    if (rc != SPW_OK) {
        dm_log_close(d->log);
        d->log = NULL;
        return rc;
    }
    dm_gear_log(d->gear, d->log);
    dm_give_templates(d);
    if (d->links != NULL && dm_links_lease(d->links) != NULL) {
        kube_lease_raise(dm_links_lease(d->links), d->state.epoch);
    }
    if (d->stop_writing && dm_gear_guard(d->gear) != NULL) {
        guard_stop(dm_gear_guard(d->gear), true);
    }
    /* of a log of snapshots, those that were decided on already are passed over */
    const spw_time wakeup = spw_next_wakeup(dm_gear_core(d->gear));
    if (d->snapshots != NULL && wakeup != SPW_TIME_MAX) {
        dm_source_file_after(d->snapshots, wakeup - d->config->tick);
    }
    d->opened = true;
    return SPW_OK;
}

void dm_daemon_close(dm_daemon *d)
{
    save_state(d);
    if (d->links != NULL && dm_links_lease(d->links) != NULL) {
        kube_lease_release(dm_links_lease(d->links), d->host->unix_now(d->host->user));
    }
    dm_gear_log(d->gear, NULL);
    dm_log_close(d->log);
    d->log = NULL;
    d->opened = false;
}

/* --- ticking --- */

static bool is_observing(const dm_daemon *d)
{
    return d->relearn_until > dm_mono(d) ||
           (d->links != NULL && dm_links_lease(d->links) != NULL && !dm_links_may_write(d->links));
}

static void note_tick(dm_daemon *d, spw_rc rc, const spw_err *err, spw_dur took)
{
    const dm_voice *voice = d->host->voice;
    const spw_plan *plan = dm_gear_plan(d->gear);
    size_t i = 0;
    d->ticked = dm_mono(d);
    d->took = took;
    while (i < DM_BUCKETS && took > dm_bucket_ns(i)) {
        i++;
    }
    d->latency.count[i]++;
    d->latency.ticks++;
    d->latency.sum += took;
    d->unplaced = 0;
    for (size_t k = 0; k < spw_plan_outcome_count(plan); k++) {
        d->unplaced += spw_plan_outcome_at(plan, k)->unplaced;
    }
    if (rc != SPW_OK) {
        dm_say(voice, DM_WARN, "tick-failed", DM_TEXT("why", err->text[0] != '\0' ? err->text : spw_strerror(rc)),
               DM_TEXT("where", err->field), DM_INT("actions", spw_plan_count(plan)));
    } else {
        dm_say(voice, spw_plan_count(plan) > 0 ? DM_INFO : DM_DEBUG, "tick", DM_INT("actions", spw_plan_count(plan)),
               DM_INT("unplaced", d->unplaced), DM_TEXT("observing", d->observing ? "true" : "false"),
               DM_INT("took_us", took / 1000));
    }
}

static spw_rc tick(dm_daemon *d, spw_time now, spw_err *err)
{
    const spw_time before = dm_mono(d);
    const bool was = d->observing;
    d->observing = is_observing(d);
    if (was != d->observing || d->latency.ticks == 0) {
        dm_say(d->host->voice, DM_INFO, d->observing ? "observing" : "acting",
               DM_INT("epoch", d->links != NULL ? dm_links_epoch(d->links) : 0));
    }
    spw_err why = {.text = ""};
    const spw_rc rc = dm_gear_tick(d->gear, now, d->observing, &why);
    note_tick(d, rc, &why, dm_mono(d) - before);
    dm_count_flaps(d);
    save_state(d);
    if ((d->host->once || d->host->explain) && rc == SPW_OK) {
        (void)dm_gear_print(d->gear);
    }
    if (err != NULL) {
        *err = why;
    }
    return rc;
}

/* Once: whatever comes of the tick, it was the only one. */
static spw_rc tick_result(const dm_daemon *d, spw_rc rc)
{
    return !d->host->once ? SPW_OK : rc == SPW_OK ? SPW_LIMIT : SPW_BACKEND;
}

static spw_rc work_on_file(dm_daemon *d, spw_dur longest, spw_err *err)
{
    spw_time now = 0;
    if (dm_mono(d) >= d->due) {
        const spw_rc rc = dm_source_file_next(d->snapshots, &now, err);
        if (rc == SPW_LIMIT) {
            return SPW_LIMIT;
        }
        if (rc != SPW_OK) {
            dm_say_err(d->host->voice, DM_ERROR, "snapshot", err);
            return d->host->once ? SPW_BACKEND : SPW_LIMIT;
        }
        d->due = dm_source_file_is_log(d->snapshots) ? 0 : dm_mono(d) + d->config->tick;
        return tick_result(d, tick(d, now, err));
    }
    const spw_dur left = d->due - dm_mono(d);
    const spw_dur wait = left < longest ? left : longest;
    struct pollfd fd = {.fd = d->host->wake_fd, .events = POLLIN};
    (void)poll(&fd, d->host->wake_fd >= 0 ? 1 : 0, (int)(wait / 1000000 + 1));
    return SPW_OK;
}

static bool is_ready_to_tick(const dm_daemon *d)
{
    const bool synced = kube_fleet_is_synced(dm_links_fleet(d->links)) || dm_mono(d) - d->started > SYNC_PATIENCE;
    kube_lease *lease = dm_links_lease(d->links);
    const bool led = !d->host->once || lease == NULL || dm_links_may_write(d->links);
    return synced && led && dm_mono(d) >= d->due;
}

static void say_trouble(const dm_daemon *d, const char *cluster, const char *what, const kube_status *trouble)
{
    const bool good = trouble->verdict == KUBE_OK;
    dm_say(d->host->voice, good ? DM_INFO : DM_WARN, good ? "server-answers" : "server-trouble",
           DM_TEXT("cluster", cluster), DM_TEXT("what", what), DM_TEXT("verdict", kube_verdict_name(trouble->verdict)),
           DM_TEXT("why", trouble->text));
}

/* Says once when a collection, or the lease, begins to fail, and once when it is well again. */
static void watch_trouble(dm_daemon *d)
{
    const kube_fleet *fleet = dm_links_fleet(d->links);
    const char *cluster = "", *kind = "";
    kube_reflect_state state;
    size_t n = 0, objects = 0;
    uint64_t unread = 0;
    if (d->troubled == NULL) {
        d->troubled = calloc(d->config->cluster_count * KUBE_PARTS + KUBE_HUB_PARTS + 1, sizeof *d->troubled);
    }
    while (d->troubled != NULL && kube_fleet_report(fleet, n, &cluster, &kind, &state, &objects, &unread)) {
        const bool bad = state.trouble.verdict != KUBE_OK;
        if (bad != (d->troubled[n] != 0)) {
            say_trouble(d, cluster, kind, &state.trouble);
            d->troubled[n] = bad ? 1 : 0;
        }
        n++;
    }
    if (dm_links_lease(d->links) != NULL) {
        kube_lease_state lease;
        kube_lease_state_get(dm_links_lease(d->links), &lease);
        const bool bad = lease.trouble.verdict != KUBE_OK && lease.trouble.verdict != KUBE_CONFLICT;
        if (bad != d->lease_troubled) {
            say_trouble(d, "", "Lease", &lease.trouble);
            d->lease_troubled = bad;
        }
    }
}

static spw_rc work_on_servers(dm_daemon *d, spw_dur longest, spw_err *err)
{
    const spw_time next = dm_links_step(d->links);
    watch_trouble(d);
    if (is_ready_to_tick(d)) {
        const spw_time now = dm_mono(d);
        d->due = d->due + d->config->tick > now ? d->due + d->config->tick : now + d->config->tick;
        dm_refresh(d);
        return tick_result(d, tick(d, d->host->unix_now(d->host->user), err));
    }
    const spw_time now = dm_mono(d);
    const spw_time wake = d->due > now && d->due < next ? d->due : next;
    const spw_dur wait = wake > now ? wake - now : 0;
    dm_links_run(d->links, wait < longest ? wait : longest);
    return SPW_OK;
}

spw_rc dm_daemon_work(dm_daemon *d, spw_dur longest, spw_err *err)
{
    return d->links == NULL ? work_on_file(d, longest, err) : work_on_servers(d, longest, err);
}

void dm_daemon_stop_writing(dm_daemon *d, bool stop)
{
    d->stop_writing = stop;
    if (dm_gear_guard(d->gear) != NULL) {
        guard_stop(dm_gear_guard(d->gear), stop);
    }
    dm_say(d->host->voice, DM_WARN, "kill-switch", DM_TEXT("writing", stop ? "stopped" : "allowed"));
}

/* --- status --- */

spw_dur dm_bucket_ns(size_t index)
{
    return INT64_C(100000) << index;
}

const dm_config *dm_daemon_config(const dm_daemon *d)
{
    return d->config;
}

void dm_daemon_status(const dm_daemon *d, dm_status *out, dm_latency *latency)
{
    *out = d->status;
    *latency = d->latency;
    const spw_snapshot *snap = d->gear != NULL ? dm_gear_snapshot(d->gear) : NULL;
    const guard *g = d->gear != NULL ? dm_gear_guard(d->gear) : NULL;
    if (d->gear != NULL) {
        dm_gear_stats(d->gear, &out->loop, &out->told);
        out->plan = spw_plan_count(dm_gear_plan(d->gear));
    }
    out->uptime = dm_mono(d) - d->started;
    out->ticked = d->latency.ticks > 0 ? dm_mono(d) - d->ticked : -1;
    out->tick_ns = d->config->tick;
    out->decided_ns = d->took;
    out->unplaced = d->unplaced;
    out->oldest_ns = -1;
    for (size_t i = 0; snap != NULL && i < snap->clusters.count; i++) {
        const spw_dur age = snap->now - snap->clusters.observed[i];
        out->oldest_ns = age > out->oldest_ns ? age : out->oldest_ns;
        out->clusters_ready += snap->clusters.ready[i] != 0 ? 1 : 0;
    }
    out->clusters = snap != NULL ? snap->clusters.count : 0;
    out->workloads = d->governed != NULL ? d->governed->workload_count : 0;
    for (size_t k = 0; g != NULL && k < GUARD_KINDS; k++) {
        out->held[k] = guard_count(g, (guard_kind)k);
    }
    if (d->links != NULL) {
        kube_writer_stats_get(dm_links_writer(d->links), &out->writes);
        out->synced = kube_fleet_is_synced(dm_links_fleet(d->links));
        out->leading = dm_links_may_write(d->links);
        out->epoch = dm_links_epoch(d->links);
    } else {
        out->synced = true;
        out->leading = true;
    }
    out->log_bytes = d->log != NULL ? dm_log_bytes(d->log) : 0;
    out->generation = d->state.generation;
    out->observing = d->observing;
    out->stopped = stopped((void *)(uintptr_t)d);
}

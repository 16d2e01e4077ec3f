/* SPDX-License-Identifier: Apache-2.0 */
/* daemon.c - starting, ticking, stopping. What is governed is in governed.c, what is remembered in remembered.c. */
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

spw_rc dm_daemon_open(dm_daemon *d, dm_daemon *from, spw_err *err)
{
    spw_rc rc = open_log(d, err);
    if (rc == SPW_OK && from != NULL) {
        rc = dm_carry_state(d, from, err);
    } else if (rc == SPW_OK && d->config->state != NULL) {
        rc = dm_take_state(d, err);
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
    dm_save_state(d);
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
    d->kept = 0;
    for (size_t k = 0; k < spw_plan_outcome_count(plan); k++) {
        d->unplaced += spw_plan_outcome_at(plan, k)->unplaced;
        d->kept += spw_plan_outcome_at(plan, k)->kept;
    }
    if (rc != SPW_OK) {
        dm_say(voice, DM_WARN, "tick-failed", DM_TEXT("why", err->text[0] != '\0' ? err->text : spw_strerror(rc)),
               DM_TEXT("where", err->field), DM_INT("actions", spw_plan_count(plan)));
    } else {
        dm_say(voice, spw_plan_count(plan) > 0 ? DM_INFO : DM_DEBUG, "tick", DM_INT("actions", spw_plan_count(plan)),
               DM_INT("unplaced", d->unplaced), DM_INT("kept_by_budget", d->kept),
               DM_TEXT("observing", d->observing ? "true" : "false"), DM_INT("took_us", took / 1000));
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
    dm_save_state(d);
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

static spw_rc work_on_servers(dm_daemon *d, spw_dur longest, spw_err *err)
{
    const spw_time next = dm_links_step(d->links);
    dm_watch_trouble(d);
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
    out->kept = d->kept;
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

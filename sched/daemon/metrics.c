/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.c - what the daemon counts, as Prometheus text; health and readiness. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sched/daemon/status.h"

static void head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void one(FILE *out, const char *name, const char *type, const char *help, int64_t value)
{
    head(out, name, type, help);
    fprintf(out, "%s %" PRId64 "\n", name, value);
}

static void seconds(FILE *out, const char *name, const char *help, spw_dur ns)
{
    head(out, name, "gauge", help);
    if (ns < 0) {
        fprintf(out, "%s NaN\n", name);
    } else {
        fprintf(out, "%s %" PRId64 ".%09" PRId64 "\n", name, ns / SPW_NS_PER_S, ns % SPW_NS_PER_S);
    }
}

static void latency_text(FILE *out, const dm_latency *l)
{
    const char *name = "spillway_tick_duration_seconds";
    uint64_t below = 0;
    head(out, name, "histogram", "Time of one tick: reading, deciding, writing.");
    for (size_t i = 0; i < DM_BUCKETS; i++) {
        const spw_dur edge = dm_bucket_ns(i);
        below += l->count[i];
        fprintf(out, "%s_bucket{le=\"%" PRId64 ".%04" PRId64 "\"} %" PRIu64 "\n", name, edge / SPW_NS_PER_S,
                edge % SPW_NS_PER_S / 100000, below);
    }
    fprintf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, l->ticks);
    fprintf(out, "%s_sum %" PRId64 ".%09" PRId64 "\n", name, l->sum / SPW_NS_PER_S, l->sum % SPW_NS_PER_S);
    fprintf(out, "%s_count %" PRIu64 "\n", name, l->ticks);
}

typedef struct labelled {
    const char *label;
    uint64_t value;
} labelled;

static void several(FILE *out, const char *name, const char *help, const char *label, const labelled *rows,
                    size_t count)
{
    head(out, name, "counter", help);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "%s{%s=\"%s\"} %" PRIu64 "\n", name, label, rows[i].label, rows[i].value);
    }
}

static void actions_text(FILE *out, const dm_status *s)
{
    const labelled fates[] = {{"done", s->told.done},
                              {"held", s->told.held},
                              {"conflict", s->told.conflicts},
                              {"refused", s->told.refused},
                              {"unknown", s->told.unknown}};
    labelled guards[GUARD_KINDS];
    for (size_t i = 1; i < GUARD_KINDS; i++) {
        guards[i - 1] = (labelled){guard_name((guard_kind)i), s->held[i]};
    }
    several(out, "spillway_actions_total", "What became of actions.", "fate", fates, sizeof fates / sizeof fates[0]);
    several(out, "spillway_guarded_total", "Actions that a guard held or cut.", "guard", guards, GUARD_KINDS - 1);
}

static void loop_text(FILE *out, const dm_status *s)
{
    const labelled bad[] = {{"source", s->loop.source_failures},  {"snapshot", s->loop.bad_snapshots},
                            {"plan", s->loop.bad_plans},          {"actuator", s->loop.actuator_failures},
                            {"configuration", s->refused_config}, {"state", s->state_failures}};
    one(out, "spillway_ticks_total", "counter", "Ticks of the control loop.", (int64_t)s->loop.ticks);
    several(out, "spillway_failures_total", "Ticks, or parts of them, that failed.", "part", bad,
            sizeof bad / sizeof bad[0]);
    one(out, "spillway_stale_decisions_total", "counter", "Ticks decided on old input.",
        (int64_t)s->loop.stale_decisions);
    one(out, "spillway_flaps_total", "counter", "Counts on a cluster that grew within 15 min after they were lowered.",
        s->flaps);
    one(out, "spillway_plan_actions", "gauge", "Actions of the last plan.", (int64_t)s->plan);
    one(out, "spillway_unplaced_replicas", "gauge", "Replicas wanted that have no place.", s->unplaced);
    one(out, "spillway_kept_by_budget_replicas", "gauge", "Replicas that should go and that disruption budgets keep.",
        s->kept);
    one(out, "spillway_workloads", "gauge", "Workloads that are governed.", (int64_t)s->workloads);
    one(out, "spillway_clusters", "gauge", "Clusters of the fleet.", (int64_t)s->clusters);
    one(out, "spillway_clusters_ready", "gauge", "Of those, ready.", (int64_t)s->clusters_ready);
    seconds(out, "spillway_staleness_seconds", "Age of the oldest cluster in the last snapshot.", s->oldest_ns);
    seconds(out, "spillway_last_tick_age_seconds", "Time since the last tick.", s->ticked);
    seconds(out, "spillway_uptime_seconds", "Time since the start or the last reload.", s->uptime);
}

static void writes_text(FILE *out, const dm_status *s)
{
    one(out, "spillway_writes_total", "counter", "Writes sent to API servers.", (int64_t)s->writes.sent);
    one(out, "spillway_write_conflicts_total", "counter", "Writes answered with 409.", (int64_t)s->writes.conflicts);
    one(out, "spillway_write_retries_total", "counter", "Writes sent again.", (int64_t)s->writes.retries);
    one(out, "spillway_write_reads_total", "counter", "Objects read because an outcome was open.",
        (int64_t)s->writes.reads);
    one(out, "spillway_leader", "gauge", "1 while this process may write.", s->leading);
    one(out, "spillway_leader_epoch", "gauge", "Epoch of its leadership, 0 = never led.", (int64_t)s->epoch);
    one(out, "spillway_observing", "gauge", "1 while everything is held back.", s->observing);
    one(out, "spillway_stopped", "gauge", "1 while the kill switch is on.", s->stopped);
    one(out, "spillway_synced", "gauge", "1 when every collection was listed.", s->synced);
    one(out, "spillway_state_generation", "gauge", "Generation of the saved state.", (int64_t)s->generation);
    one(out, "spillway_log_bytes", "gauge", "Size of the log of decisions.", (int64_t)s->log_bytes);
    one(out, "spillway_log_torn_bytes_total", "counter", "Bytes of torn lines that were put aside.",
        (int64_t)s->torn_bytes);
}

char *dm_metrics_text(const dm_status *status, const dm_latency *latency, size_t *size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    if (out == NULL) {
        return NULL;
    }
    head(out, "spillway_build_info", "gauge", "The version, as a label.");
    fprintf(out, "spillway_build_info{version=\"%s\"} 1\n", SPILLWAY_VERSION);
    latency_text(out, latency);
    loop_text(out, status);
    actions_text(out, status);
    writes_text(out, status);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

bool dm_is_healthy(const dm_status *s, char *why, size_t size)
{
    const spw_dur patience = 5 * s->tick_ns + 60 * SPW_NS_PER_S;
    const spw_dur silence = s->ticked >= 0 ? s->ticked : s->uptime;
    const bool good = silence <= patience;
    (void)snprintf(why, size, good ? "ok\n" : "no tick for %" PRId64 " s\n", silence / SPW_NS_PER_S);
    return good;
}

bool dm_is_ready(const dm_status *s, char *why, size_t size)
{
    const bool good = s->synced && s->ticked >= 0;
    (void)snprintf(why, size, "%s\n",
                   !s->synced      ? "not every collection of the fleet was listed yet"
                   : s->ticked < 0 ? "no tick yet"
                   : s->observing  ? "ok, observing"
                                   : "ok");
    return good;
}

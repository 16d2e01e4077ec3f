/* SPDX-License-Identifier: Apache-2.0 */
/** daemon_int.h - the daemon's inside, shared by daemon.c and governed.c. */
#ifndef SCHED_DAEMON_DAEMON_INT_H
#define SCHED_DAEMON_DAEMON_INT_H

#include "sched/daemon/daemon.h"

/** Manifests as texts, for the log's head. */
typedef struct dm_texts_kept {
    spw_json_manifest *at;
    size_t count;
} dm_texts_kept;
void dm_texts_fini(dm_texts_kept *texts);

/** Direction and time of the last change of a workload's count on a cluster, to count flaps. */
typedef struct dm_turn {
    uint64_t workload, cluster;
    int32_t direction;
    spw_time at;
} dm_turn;

struct dm_daemon {
    dm_config_file *file;
    const dm_config *config;
    const dm_host *host;
    dm_links *links;
    dm_source_file *snapshots;
    spw_manifest_set *set;
    const spw_config *governed;
    dm_texts_kept texts;
    uint64_t digest;    /* of what servers hold */
    spw_time refreshed; /* when that was read last */
    dm_log *log;
    dm_gear *gear;
    dm_state state;
    bool opened, observing, stop_writing;
    spw_time started, due, relearn_until, ticked;
    spw_dur took;
    int64_t unplaced, kept;
    uint8_t *troubled; /* of each collection in kube_fleet_report()'s order: its trouble was said */
    bool lease_troubled;
    dm_turn *turns;
    size_t turn_count, turn_room;
    dm_latency latency;
    dm_status status; /* the counters that nobody else keeps */
};

spw_time dm_mono(const dm_daemon *daemon);
/** Reads what is governed, for the first time. @return SPW_OK; SPW_INVAL, SPW_BACKEND with errors in diag; SPW_NOMEM */
spw_rc dm_govern(dm_daemon *daemon, spw_diag *diag);
/** Reads servers' manifests again when it is time; what they say now is governed from then on. */
void dm_refresh(dm_daemon *daemon);
void dm_count_flaps(dm_daemon *daemon);

/* remembered.c */
/** The state that the gear is to begin with, out of the file. @return SPW_NOMEM with err; a bad file is no error */
spw_rc dm_take_state(dm_daemon *daemon, spw_err *err);
/** What a daemon that was closed knew. It keeps its own, should it be needed again. @return SPW_NOMEM with err */
spw_rc dm_carry_state(dm_daemon *daemon, const dm_daemon *from, spw_err *err);
/** What is to be saved, out of the gear. @return false: out of memory; the state is as it was */
bool dm_gather_state(dm_daemon *daemon);
void dm_save_state(dm_daemon *daemon);
/** Counts of templates into a new gear's source, by name. */
void dm_give_templates(dm_daemon *daemon);

/** Says once when a collection, the lease or a meter begins to fail, and once when it is well again. */
void dm_watch_trouble(dm_daemon *daemon);

#endif

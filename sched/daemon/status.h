/* SPDX-License-Identifier: Apache-2.0 */
/** status.h - what a daemon has counted, and how it stands: the source of /metrics, /healthz, /readyz. */
#ifndef SCHED_DAEMON_STATUS_H
#define SCHED_DAEMON_STATUS_H

#include <spillway/seam.h>

#include "sched/kube/guard.h"
#include "sched/kube/writes.h"

/** What became of actions, and for how many. */
typedef struct dm_told {
    uint64_t done, held, conflicts, refused, unknown, attempts;
} dm_told;

/** For metrics and health; all of it as of now. */
typedef struct dm_status {
    spw_loop_stats loop;
    dm_told told;
    kube_writer_stats writes;
    uint64_t refused_config, torn_bytes, log_bytes, state_failures, held[GUARD_KINDS];
    spw_time ticked, uptime;     /**< age of the last tick, and of the daemon; ns; ticked -1 = no tick yet */
    spw_dur tick_ns, decided_ns; /**< period; how long the last tick took */
    spw_dur oldest_ns;           /**< age of the oldest cluster in the last snapshot; -1 = none */
    int64_t unplaced, flaps;
    int64_t kept; /**< copies that should go and that disruption budgets keep */
    size_t plan, clusters, clusters_ready, workloads;
    uint64_t epoch, generation;
    bool synced, leading, observing, stopped;
} dm_status;

#define DM_BUCKETS 14
typedef struct dm_latency {
    uint64_t count[DM_BUCKETS + 1]; /**< ticks of at most dm_bucket_ns(i); the last: all others */
    uint64_t ticks;
    spw_dur sum;
} dm_latency;
spw_dur dm_bucket_ns(size_t index); /**< 100 us doubled `index` times */

/** /metrics as text; free()d by the caller, NULL when out of memory. */
char *dm_metrics_text(const dm_status *status, const dm_latency *latency, size_t *size);
/** Whether healthz and readyz are good; one line for people either way. */
bool dm_is_healthy(const dm_status *status, char *why, size_t size);
bool dm_is_ready(const dm_status *status, char *why, size_t size);

#endif

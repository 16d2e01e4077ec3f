/* SPDX-License-Identifier: Apache-2.0 */
/**
 * config.h - the Daemon file: which world is read, how it is changed, within which limits.
 *
 * YAML, one document, strict: an unknown key, a missing unit, a value out of range is an error with file:line:column.
 * `spillwayd --schema` prints every key with unit, default and meaning. Paths are relative to the file. No secret
 * stands in it: credentials are in kubeconfigs, token files, plugins.
 */
#ifndef SCHED_DAEMON_CONFIG_H
#define SCHED_DAEMON_CONFIG_H

#include "sched/kube/guard.h"
#include "sched/kube/meters.h"
#include "sched/manifest/bind.h"

#include <stdio.h>

typedef enum dm_mode { DM_MODE_KUBERNETES = 1, DM_MODE_KARMADA = 2, DM_MODE_FILE = 3 } dm_mode;

typedef enum dm_act {
    DM_ACT_NATIVE = 1,  /**< the mode's own: kubernetes or karmada */
    DM_ACT_COMMAND = 2, /**< a program carries out everything */
    DM_ACT_BOTH = 3,    /**< the mode's own, and a program for the verbs it leaves alone */
    DM_ACT_DRY_RUN = 4, /**< nothing is done */
    DM_ACT_SERVER = 5,  /**< the mode's own with dryRun=All: servers check and drop the writes */
    DM_ACT_RECORD = 6,  /**< nothing is done; the plans go into memory.decisions */
    DM_ACT_TEE = 7      /**< the mode's own, and a program is given the same plan, all of its verbs */
} dm_act;

/** How to come to an API server. */
typedef struct dm_access {
    const char *kubeconfig, *context; /**< kubeconfig NULL: the account of our own pod */
    const ynode *node;
} dm_access;

typedef enum dm_reach { DM_REACH_DIRECT = 1, DM_REACH_PROXY = 2, DM_REACH_NONE = 3 } dm_reach;

typedef struct dm_pool {
    const char *name, *gpu;
    spw_capacity capacity;
    int32_t gpus_per_node, nodes_min, nodes_max, rank;
    int64_t price_uusd; /**< of a GPU for an hour */
    bind_pair *selector;
    size_t selector_count;
    bind_pair *labels;
    size_t label_count;
    const char *object, *object_target; /**< of its node group; NULL = none */
} dm_pool;

typedef struct dm_cluster {
    const char *name, *region, *zone, *provider, *jurisdiction;
    bind_pair *labels;
    size_t label_count;
    dm_reach reach;
    dm_access access;
    dm_pool *pools;
    size_t pool_count;
    const ynode *node;
} dm_cluster;

typedef struct dm_server { /* another server, e.g. of Prometheus */
    const char *name;
    dm_access access;
    const ynode *node;
} dm_server;

typedef struct dm_meter {
    kube_meter_kind kind;
    const char *server, *prefix, *cluster, *metric, *series, *space, *name, *selector, *object, *query, *pod_label,
        *space_label, *cluster_label;
    int64_t period;
    const ynode *node;
} dm_meter;

typedef struct dm_texts {
    const char **at;
    size_t count;
} dm_texts;

typedef struct dm_config {
    int32_t api, kind;
    const char *name;
    dm_mode mode;
    int64_t tick, stale_after, promise_ttl, fight_window, stock_tau, unreachable_after;
    bool explain;
    /* what is governed */
    dm_texts manifests;        /**< files */
    bool from_server;          /**< objects of the control plane (kubernetes: of the first cluster) */
    dm_texts spaces, skip;     /**< from_server: namespaces, kinds not to ask for */
    const char *work_selector; /**< from_server; "" = all */
    int64_t refresh;           /**< from_server: how often */
    /* the world */
    const char *snapshots; /**< file mode: a snapshot, or a log with snapshots */
    bind_time origin;      /**< file mode: what time 0 of the snapshots is */
    dm_access hub;
    bool has_hub;
    const char *scheduler;
    dm_cluster *clusters;
    size_t cluster_count;
    dm_server *servers;
    size_t server_count;
    dm_meter *meters;
    size_t meter_count;
    bool derive_meters;
    dm_texts inventory;
    int64_t inventory_period, inventory_timeout;
    /* acting */
    dm_act act;
    dm_texts command;
    int64_t command_timeout, within, call_timeout;
    int32_t at_once, breaker_after;
    double rate, burst;
    int64_t breaker_for;
    guard_spec guards; /**< the plain values; functions are set by the host */
    const char *canary, *canary_except;
    /* leadership */
    bool lease;
    const char *lease_space, *lease_name, *identity;
    int64_t lease_duration, lease_renew, lease_retry;
    /* memory */
    const char *state;
    int64_t relearn;
    const char *decisions;
    int64_t rotate;
    int32_t keep;
    bool snapshots_kept;
    /* operation */
    const char *listen;
    int32_t port; /**< -1 = none, 0 = any free one */
    int32_t log_format, log_level;
    const ynode *node;
} dm_config;

typedef struct dm_config_file dm_config_file; /**< owns all texts */

/**
 * @param diag  messages; never NULL
 * @return SPW_OK; SPW_INVAL with errors in diag; SPW_BACKEND (cannot be read); SPW_NOMEM. *out untouched on failure.
 */
spw_rc dm_config_read(const char *path, spw_diag *diag, dm_config_file **out);
spw_rc dm_config_read_text(const char *path, const char *text, size_t size, spw_diag *diag, dm_config_file **out);
void dm_config_free(dm_config_file *file); /**< NULL allowed */
const dm_config *dm_config_get(const dm_config_file *file);

/** Whether the mode's own actuator is used: servers get writes. */
bool dm_acts_on_servers(const dm_config *config);
/** Whether a program is given the plan or a part of it. */
bool dm_acts_by_program(const dm_config *config);

/** Every key with unit, default, range, meaning. @return false on a write error */
bool dm_config_schema(FILE *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off: the lists below are tables */
/**
 * json.h - snapshots, plans and the log of decisions as JSON. In the manifest archive: it uses the heap and jansson.
 *
 * Reading is strict: an unknown key, a repeated key, a wrong type, a value out of range is an error
 * "file:line:col: error: sentence" in a spw_diag. Writing is canonical: tables are sorted by name, every number is an
 * integer, so equal content gives equal bytes. Texts are UTF-8 without NUL.
 *
 * --- the snapshot ---
 * Times are ns since the caller's origin (Unix time where manifests have timetables), money micro-USD, metrics
 * thousandths. 64-bit keys are strings of 16 hex digits. "*" = required; else the default stands behind the key. "all"
 * = given for every row of its table or for none.
 *
 *   now_ns*
 *   clusters   [ {name*, key = spw_key(name), region "", zone "" or zones [], provider "", labels {}, ready
 *                true, observed_ns = now_ns, jurisdiction "", pools [], grades [],
 *                taints [ {key*, value "", effect* NoSchedule|NoExecute|PreferNoSchedule} ],
 *                all: cpu_allocatable_milli, cpu_allocated_milli, cpu_allocating_milli, memory_allocatable_bytes,
 *                memory_allocated_bytes, memory_allocating_bytes, pods_allocatable, pods_allocated, pods_allocating} ]
 *   grades     [ {nodes*, cpu_milli -1, memory_bytes -1} ]   -1 = not listed
 *   pools      [ {name*, key = spw_key2(cluster, name), gpu*, capacity* owned|reserved|on-demand|spot, gpus_per_node*,
 *                nodes*, nodes_target = nodes, nodes_max = nodes, nodes_min = the lesser of nodes and nodes_max,
 *                inventory null (nodes the provider has left; null or -1 = not known), rank 0,
 *                price_uusd_per_gpu_h*, observed_ns = the cluster's, labels {} of its nodes,
 *                all: failures, inventory_observed_ns,
 *                free_nodes [nodes with 0, 1, 2, ... GPUs free] or gpus_free, one of them* unless nodes is 0} ]
 *     gpus_free alone is taken as whole free nodes and one partly free node; beside free_nodes it must agree.
 *   workloads  [ {namespace, name*, key = spw_key("namespace/name"), replicas*, all: gpus, cpu_milli, memory_bytes,
 *                assigned {}, scheduled, pending, ready, observed_ns {}, reschedule_ns null, usage [], metrics {},
 *                history [], pods [], priority (accepted, not used: PriorityClass objects say it)} ]
 *     assigned, scheduled, pending, ready: {"cluster": replicas}; a cluster named in any of them is a row. A cluster
 *       that a map does not name has 0 there. Without the map: scheduled = assigned - pending, ready = scheduled.
 *     observed_ns: {"cluster": time}; a cluster it does not name: the cluster's own observed_ns.
 *     usage: [ {cluster*, pool*, ready*} ] where ready replicas run.
 *     history: [ {at_ns*, recommended} or {at_ns*, from, to} ] oldest first: what its HPA asked for and did, read where
 *       no state tells of it. recommended: before windows and limits; from, to: a step it took, to 0 among them.
 *     metrics: Object and External values, {"metric": number, or {value_milli*, observed_ns = now_ns}}
 *   pods       [ {name or key* (key = spw_key("cluster/workload/name")), cluster*, phase "Running"|Pending|Failed,
 *                deleting false, ready = (Running and not deleting), started_ns null = not started,
 *                ready_changed_ns null = never, metrics {"metric": number, or {value_milli*, request_milli 0,
 *                sampled_ns = the cluster's observed_ns, window_ns 0}}} ]
 *   jobs [], quotas []   accepted, not used
 *
 * A metric given as a plain number is in units, not thousandths. A metric named "#" and 16 hex digits is that key
 * itself. What is accepted and not used is a warning, unless it is empty.
 */
/* clang-format on */
#ifndef SPILLWAY_JSON_H
#define SPILLWAY_JSON_H

#include <spillway/core.h>
#include <spillway/manifest.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Text that grows. Starts as {0}; writers append; terminated. Heap of libc. */
typedef struct spw_json_buffer {
    char *text;  /**< NULL while empty */
    size_t size; /**< bytes, the terminator not counted */
    size_t room;
    bool failed; /**< an append ran out of memory: the text is not whole */
} spw_json_buffer;

void spw_json_buffer_fini(spw_json_buffer *buffer); /**< back to {0} */

/* --- snapshots ----------------------------------------------------------------------------------------------- */

/** A snapshot with the memory behind its columns. */
typedef struct spw_json_snapshot spw_json_snapshot;

/**
 * Reads one snapshot and checks it with spw_snapshot_check().
 * @param in  text, size  one JSON object; not kept
 * @param in  name        of the file, for messages; copied into them
 * @param in  diag        gets the messages; never NULL
 * @param out out         free with spw_json_snapshot_free; untouched on failure
 * @return SPW_OK; SPW_INVAL with at least one error in diag; SPW_NOMEM
 * @cost O(bytes)
 */
spw_rc spw_json_snapshot_read(const char *text, size_t size, const char *name, spw_diag *diag, spw_json_snapshot **out);
void spw_json_snapshot_free(spw_json_snapshot *snapshot); /**< NULL allowed */

/** @return the snapshot, valid until spw_json_snapshot_free(). */
const spw_snapshot *spw_json_snapshot_get(const spw_json_snapshot *snapshot);

/**
 * Appends a snapshot as one JSON object on one line, no '\n'. Reading it gives the same spw_snapshot_hash().
 * @param in  snap   has passed spw_snapshot_check()
 * @param in  names  configuration whose autoscalers name the metrics; NULL, or a metric it does not know: "#" and hex
 * @return SPW_OK; SPW_INVAL for two rows that JSON cannot tell apart (two clusters, two workloads, two pools of a
 * cluster, two rows of a placement, two values of a metric with the same name, two pods with the same key): the buffer
 * is as it was; SPW_NOMEM: it is marked failed
 */
spw_rc spw_json_snapshot_write(const spw_snapshot *snap, const spw_config *names, spw_json_buffer *out);

/**
 * Appends the keys above, a line each: path, kind, default, range, meaning. From the tables that the reader goes by.
 * @return SPW_OK; SPW_NOMEM: the buffer is marked failed
 */
spw_rc spw_json_snapshot_schema(spw_json_buffer *out);

/* --- plans --------------------------------------------------------------------------------------------------- */

/** What a plan is written from; all of it borrowed. */
typedef struct spw_json_decision {
    const spw_plan *plan;
    const spw_snapshot *snap; /**< the one it was made from */
    const spw_config *config; /**< names the groups */
    const spw_core *core;     /**< after the decision, for "state"; NULL leaves that out */
    bool explain;             /**< adds "explain" */
} spw_json_decision;

/* clang-format off */
/**
 * Appends a plan as one JSON object with '\n' at the end, one action on a line:
 *   actions   [ {verb, workload, cluster, pool, before, amount, reason, after} ] in the plan's order; what does not
 *             apply is left out; after = number of an earlier action
 *   assigned  {"namespace/name": {"cluster": replicas}}  what clusters are told to run once the plan is carried out
 *   desired, unplaced  {"namespace/name": replicas}      of each workload that the core governs
 *   kept_by_budget     {"namespace/name": copies}        that should go and stay for a disruption budget; only if any
 *   routes    {"namespace/name": {"cluster": share in 1e-6}}  the shares this plan changes
 *   tiers     {"namespace/name": [{group, idle, elastic, preempted}]}  where the replicas stand, best group first
 *   explain   {"namespace/name": {desired, reason, why, unplaced, surge, moved, victims, clusters: {"cluster": {group,
 *             verdict, why, held, room_idle, room_elastic, target, before, after,
 *             steps: [{verb, before, amount, reason, why}]}}}}; a step with reason "budget" is held back by a
 *             disruption budget: the plan has no action for it. What stands before `before`, and those steps, only
 *             where the plan has candidates (spw_settings.explain), else for each cluster that holds or gets replicas
 *   state     spw_state_save() in hex: what the next call needs, see spw_json_state_read()
 * @return SPW_OK; SPW_NOMEM
 */
/* clang-format on */
spw_rc spw_json_plan_write(const spw_json_decision *decision, spw_json_buffer *out);

/**
 * Finds a saved state in a file: the bytes of spw_state_save() as they are, or the "state" of a plan.
 * @param out out  the bytes; fini by the caller
 * @return SPW_OK; SPW_INVAL with an error in diag; SPW_NOMEM
 */
spw_rc spw_json_state_read(const void *bytes, size_t size, const char *name, spw_diag *diag, spw_json_buffer *out);

/* --- the log of decisions: decisions.jsonl ------------------------------------------------------------------- */

typedef struct spw_json_manifest {
    const char *name; /**< of the file, for messages */
    const char *text;
    size_t size;
} spw_json_manifest;

/** What a recorded log begins with: everything but snapshots that its decisions depend on. */
typedef struct spw_json_head {
    spw_settings settings;
    const spw_json_manifest *manifests;
    size_t manifest_count;
    const void *state; /**< spw_state_save() before the first tick; NULL = a new core */
    size_t state_size;
} spw_json_head;

/**
 * Appends {"spillway":"decisions/1","settings":{...},"manifests":[{"name","text"}],"state":"hex"} and '\n'.
 * @return SPW_OK; SPW_NOMEM
 */
spw_rc spw_json_head_write(const spw_json_head *head, spw_json_buffer *out);

/**
 * Appends a line of spw_actuator_record() with the whole snapshot put in before its closing brace.
 * @param in  line, size  as spw_record.emit gets it: ends in "}\n"
 * @return as spw_json_snapshot_write()
 */
spw_rc spw_json_tick_write(const char *line, size_t size, const spw_snapshot *snap, const spw_config *names,
                           spw_json_buffer *out);

/**
 * Puts a checksum into a line: ,"sum":"16 hex digits"} stands in place of its last brace, FNV-1a 64 over all bytes
 * before the comma. A log that must survive crashes has one in each line; readers look at it where it is.
 * @param in  from  offset of the line in the buffer; the line ends in "}\n" and the buffer with it
 * @return SPW_OK; SPW_INVAL (no such line: the buffer is as it was); SPW_NOMEM: the buffer is marked failed
 */
spw_rc spw_json_line_seal(spw_json_buffer *buffer, size_t from);

typedef enum spw_json_seal {
    SPW_SEAL_NONE = 0, /**< the line has no checksum */
    SPW_SEAL_GOOD = 1, /**< it fits */
    SPW_SEAL_BAD = 2   /**< it does not: bytes of the line are not those that were written */
} spw_json_seal;
/** Looks at the checksum of a line, with or without its '\n'. */
spw_json_seal spw_json_line_sum(const char *line, size_t size);

/** One tick as it was logged. */
typedef struct spw_json_tick {
    uint64_t tick;
    spw_time now;
    uint64_t snapshot_hash;
    uint64_t state_hash;     /**< before the decision */
    const char *const *plan; /**< [plan_count] one line for each action, as spw_plan_text() plus " after N" */
    size_t plan_count;
    const spw_snapshot *snapshot; /**< NULL = not recorded */
} spw_json_tick;

/** One line of a log: a head or a tick. Owns what head and tick point to. */
typedef struct spw_json_line {
    const spw_json_head *head; /**< NULL = a tick */
    const spw_json_tick *tick; /**< NULL = a head */
} spw_json_line;

/**
 * Reads one line; a checksum that does not fit is an error.
 * @param in  name, number  file and line for messages
 * @return SPW_OK; SPW_INVAL with errors in diag; SPW_NOMEM. *out is untouched on failure.
 */
spw_rc spw_json_line_read(const char *text, size_t size, const char *name, int32_t number, spw_diag *diag,
                          const spw_json_line **out);
void spw_json_line_free(const spw_json_line *line); /**< NULL allowed */

#ifdef __cplusplus
}
#endif
#endif

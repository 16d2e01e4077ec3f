/* SPDX-License-Identifier: Apache-2.0 */
/**
 * manifest.h - Kubernetes objects in YAML become a spw_config. A separate archive: it uses the heap and libyaml.
 *
 * Use: spw_manifest_new(), any number of spw_manifest_add_*(), spw_manifest_config(), hand the configuration to
 * spw_core_new(), spw_manifest_free(). Messages go to a spw_diag, "file:line:col: error: sentence" each.
 *
 * Kinds read
 *   apps/v1 Deployment, StatefulSet                  a workload; one of both kinds has a name
 *   policy.one.alibabacloud.com/v1alpha1             clusterAffinities = ordered fill; partial placement;
 *     PropagationPolicy                              autoScaling.ecsProvision = nodes may be created
 *   policy.karmada.io/v1alpha1 PropagationPolicy     all or nothing; clusterAffinities = failover groups, no way back;
 *                                                    overflowAffinities of a single group = ordered fill, back only
 *                                                    when the replica count changes
 *   autoscaling/v2 HorizontalPodAutoscaler           the replica count
 *   autoscaling.karmada.io/v1alpha1 FederatedHPA     the same, over all clusters
 *   autoscaling.karmada.io/v1alpha1                  a timetable: replicas of a workload, or bounds of a FederatedHPA
 *     CronFederatedHPA
 *   keda.sh/v1alpha1 ScaledObject                    0 <-> 1 by prometheus triggers, 1 <-> N by an HPA over them;
 *                                                    the snapshot has a value by metadata.metricName, or else by the
 *                                                    name of the trigger
 *   scaling.spillway.dev/v1alpha1 QueueScaler        sized by queueing theory for an offered rate and its trend
 *   scaling.spillway.dev/v1alpha1 ForecastScaler     the same for the rate that the season lets expect
 *   scheduling.k8s.io/v1 PriorityClass               the priority
 *   policy/v1 PodDisruptionBudget                    ready replicas of a workload that preemption should leave, and
 *                                                    that evictions do leave; a lower count asks no budget. Two
 *                                                    budgets for one, or one for two, are an error
 *   scheduling.alibabacloud.com/v1alpha1             the order of the pools of each cluster for pods of a workload,
 *     ResourcePolicy                                 and in reverse of scale-in
 *   apps.karmada.io/v1alpha1 WorkloadRebalancer      place workloads anew, once, from its creationTimestamp on
 *   scheduling.spillway.dev/v1alpha1 RoundTrips      spec.regions [{from, to, rtt}]: distances for latency budgets; in
 *                                                    a scenario instead of its own network
 * Service, ConfigMap, Namespace and ServiceAccount pass with a note. Every other kind is refused.
 * A List of objects (`kubectl get -o yaml`) is read item by item; JSON is read as the YAML it is.
 *
 * Every field of a kind is used, or known and ignored (spw_manifest_ignored_*() lists them with the reason), or
 * unknown, which is an error.
 *
 * Where replicaScheduling is absent the division is Duplicated, where its type is absent Divided, where weights are
 * absent every cluster weighs 1.
 *
 * Knobs of our own, as annotations of a PropagationPolicy (quoted strings, as Kubernetes demands):
 *   spillway.dev/failback            never | on-resize | automatic
 *   spillway.dev/failback-window     duration >= 0s: room must have lasted this long before a replica moves back
 *   spillway.dev/failback-windows    "idc=1m,cloud=30m": windows of single groups, by affinityName; the others have
 *                                    failback-window. Room in the group itself must have lasted so long
 *   spillway.dev/moves-per-tick      integer 0..1000000: replicas moved between clusters in one tick
 *   spillway.dev/move-deadline       duration > 0s: a moved copy not ready after this is given up
 *   spillway.dev/provision-deadline  duration > 0s: nodes not there after this are planned elsewhere
 *   spillway.dev/node-unneeded       duration >= 0s: how long a node is empty before it is released
 *   spillway.dev/step-major          per-tier | per-cluster | global
 *   spillway.dev/partial             true | false: place what fits, or all or nothing
 *   spillway.dev/elastic             true | false: count nodes that could be created
 *   spillway.dev/failover-after      duration >= 0s (30s): a cluster is lost, or back, only after so long
 *   spillway.dev/eviction-grace      duration >= 0s (10m): copies on a lost cluster stay until replaced or then;
 *                                    longer while fewer are ready elsewhere than a disruption budget asks for
 *   spillway.dev/failover-moves      integer: replicas that lost clusters give up in one tick; 0 = all at once
 *   spillway.dev/flap-window         duration >= 0s (0s = off): a count that rose and fell twice in it stays up
 *   spillway.dev/deschedule          on | off: plan replicas anew that get no node (on for ACK One's kind)
 *   spillway.dev/unschedulable-after duration > 0s (ACK One 30s, Karmada 5m): when they count as stuck
 *   spillway.dev/deschedule-cooldown duration >= 0s (10m): nothing more goes to their cluster before
 *   spillway.dev/dwell               duration >= 0s: a replica younger than this is not moved
 *   spillway.dev/moves-per-cluster   integer: replicas moved into one cluster in one tick; 0 = no bound
 *   spillway.dev/route               proportional | waterfall | weights | levels
 *   spillway.dev/route-regions       regions with commas between, nearest to the users first
 *   spillway.dev/route-weights       "idc=3,cloud=1", for route weights
 *   spillway.dev/route-capacity      quantity: requests per second of a replica, for route waterfall
 *   spillway.dev/route-fill          0..1 (0.8): part of it to use before spilling
 *   spillway.dev/route-lag           duration >= 0s: readiness older than this counts for less
 *   spillway.dev/prefetch            0..1 (0 = off): the image goes to the next group once the replicas wanted reach
 *                                    this part of what the groups in use can hold
 *   spillway.dev/preempt             off | before-elastic | after-elastic: may its workloads take the place of less
 *                                    important ones (PriorityClass), and before or after nodes are created
 *   spillway.dev/min-runtime         duration >= 0s: its replicas are no victims before they have run this long
 *   spillway.dev/nodes-per-batch     integer 0..1000000: nodes ordered from a pool in one tick, 0 = any number
 *   spillway.dev/compat              none | karmada: decide as Karmada's own scheduler does, traps included
 *   spillway.dev/rounding            webster | floor: floor is Karmada's division before 1.16
 * and of a Deployment or StatefulSet (on the object or on its pod template; the template wins):
 *   spillway.dev/gpu-classes         comma-separated GPU classes one of which a replica needs, e.g.
 *                                    "RTX-5090,RTX-4090=0.5"; after "=" the throughput of a replica on that class,
 *                                    relative to the reference class (1, the default). Replicas remain the unit of
 *                                    the autoscaler: a count means that many replicas, of whatever class. Traffic is
 *                                    shared by throughput, so a replica of 0.5 gets half as much and all are equally
 *                                    busy; a per-pod target should therefore be one for the reference class
 *   spillway.dev/replica-unit        replica | reference: what a count of this Deployment means. By default one copy,
 *                                    of whatever class. With reference, as much throughput as one copy on the reference
 *                                    class has: 4 are 8 copies of "RTX-4090=0.5". So count spec.replicas, minReplicas,
 *                                    maxReplicas and what the autoscaler proposes; assigned counts are copies
 *   spillway.dev/min-available       integer 0..1000000: ready replicas that preemption should leave
 *   spillway.dev/jurisdictions       comma-separated: only clusters of one of these jurisdictions, e.g. "CN,SG"
 *   spillway.dev/latency-budget      duration > 0s: longest round trip from each of the user regions
 *   spillway.dev/user-regions        comma-separated regions; goes with latency-budget
 *   spillway.dev/dataset-region      the region of the data that replicas read: no other will do, unless ...
 *   spillway.dev/dataset-movable     true | false: ... the data can follow
 *   spillway.dev/paused              "true": the daemon leaves the workload alone; nothing to the core
 *   spillway.dev/allow-zero          "true": the daemon lets its last replica go; nothing to the core
 * and of a HorizontalPodAutoscaler or FederatedHPA:
 *   spillway.dev/arithmetic          kubernetes | exact: binary64 as upstream, its noise included (10 % on 100 is 111),
 *                                    or without (110); exact also divides a FederatedHPA's Object average once
 * and of a ScaledObject, as KEDA defines them:
 *   autoscaling.keda.sh/paused            "true": the count stays; paused-replicas: it is held at this number
 *   autoscaling.keda.sh/paused-scale-in   "true": never fewer; paused-scale-out: never more, but up to minReplicaCount
 *   autoscaling.keda.sh/force-activation  "true": as if a trigger were active
 * Without gpu-classes, nodeSelector or required node affinity on nvidia.com/gpu.product gives the classes.
 * Any other annotation in spillway.dev/ is an error.
 *
 * A unit of a ResourcePolicy takes the pools that meet every label of its nodeSelector; a pool belongs to the first
 * unit that takes it, and one that no unit takes is not used. Labels of pools: those that the snapshot tells of its
 * nodes; and without being told alibabacloud.com/nodepool-id and spillway.dev/pool (the name of the pool),
 * nvidia.com/gpu.product (its GPU class), spillway.dev/capacity (owned, reserved, on-demand, spot). `resource` ecs
 * takes any pool; elastic too, and with TimeoutOrExceedMax replicas wait for its nodes; eci and acs take on-demand and
 * spot pools. `max` counts in each cluster. `maxResources` bounds what the requests of the replicas in the unit add up
 * to (nvidia.com/gpu, cpu, memory): all replicas of a workload request the same, so it is as many of them as fit in the
 * smallest bound, and the lesser of it and `max` holds. matchLabelKeys: `max` counts the pods of each value of these
 * labels apart. All replicas of a workload are one group under a label of its pod template, and under pod-template-hash
 * and controller-revision-hash, whose values are of one revision; during a rollout upstream would let each revision
 * have its own `max`, here the replica count of the workload is one, and both together have it. Under a StatefulSet's
 * pod name or pod index each replica is a group of its own, and a `max` of 1 or more bounds nothing. Two workloads
 * under one ResourcePolicy are counted apart in any case; where upstream would count them together, a warning says so.
 * All four rules of whenTryNextUnits are kept. preemptPolicy: AfterAllUnits makes victims when no unit has idle room;
 * BeforeNextUnit makes them in a unit before the next one is tried, under spillway.dev/preempt: before-elastic. Whoever
 * is to make room in a unit must stand, with all its replicas in that cluster, in the units tried so far: usage in the
 * snapshot tells that of every one of them, or they fit on no other pool.
 *
 * suspension of a PropagationPolicy: with dispatching or scheduling true (the latter stands in a ResourceBinding
 * upstream, where a queue sets it) its workloads keep what they are assigned, also on a cluster that is lost: nothing
 * is given, moved or taken away, and they are no victims. Their scalers go on. dispatchingOnClusters,
 * failover.application and failover.cluster are read past with a warning: they have no effect.
 *
 * A replica count has one owner: two of the autoscaling kinds on one Deployment are an error that names both places.
 * A timetable over the bounds of a FederatedHPA is no second owner; there is at most one for each FederatedHPA.
 *
 * timeZone of a timetable is an offset (+08:00), an Etc zone, or a zone that keeps one offset all year (Asia/Shanghai);
 * zones with daylight saving time are refused, as a zone database has no place in a pure core. Absent means UTC.
 *
 * spec of a QueueScaler and of a ForecastScaler (spillway/autoscale.h has the models and the defaults):
 *   scaleTargetRef, minReplicas, maxReplicas
 *   rate       {metric, type: External | Object | Pods}: requests per second that are offered, served or not
 *   service    {ratePerReplica, concurrency}: requests per second of a replica with all its slots busy, and the slots
 *   objective  {wait, percentile, utilization}: so many requests wait no longer; slots are no busier
 *   window, startupLag, scaleDownHold, syncPeriod
 *   growthLimit                             QueueScaler: how far a trend is followed
 *   season, bin, levelWindow, learningRate, confidence     ForecastScaler
 */
#ifndef SPILLWAY_MANIFEST_H
#define SPILLWAY_MANIFEST_H

#include <spillway/config.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define SPW_PRINTF(at, first) __attribute__((format(printf, at, first)))
#else
#define SPW_PRINTF(at, first)
#endif

/** The allocator of libc as a spw_mem, for hosts without one of their own. @return static, never NULL. */
const spw_mem *spw_mem_libc(void);

/* --- messages ------------------------------------------------------------------------------------------------ */

typedef enum spw_diag_level { SPW_DIAG_ERROR = 1, SPW_DIAG_WARNING = 2, SPW_DIAG_NOTE = 3 } spw_diag_level;

/** Collects messages: the first keep_max of them in full, the rest as a count. */
typedef struct spw_diag spw_diag;

/** @param mem NULL = spw_mem_libc(). @return SPW_OK or SPW_NOMEM; *out is untouched on failure. */
spw_rc spw_diag_new(const spw_mem *mem, size_t keep_max, spw_diag **out);
void spw_diag_free(spw_diag *diag); /**< NULL allowed */

/**
 * Adds one message. line 0 leaves ":line:col" out, file NULL leaves the file out too.
 * Out of memory: the message is counted and not kept.
 */
void spw_diag_add(spw_diag *diag, spw_diag_level level, const char *file, int32_t line, int32_t column,
                  const char *format, ...) SPW_PRINTF(6, 7);

size_t spw_diag_errors(const spw_diag *diag);                /**< all errors added, kept or not */
size_t spw_diag_count(const spw_diag *diag);                 /**< kept messages of all levels, in order of arrival */
size_t spw_diag_dropped(const spw_diag *diag);               /**< messages beyond keep_max */
const char *spw_diag_at(const spw_diag *diag, size_t index); /**< "f.yaml:1:2: error: ..."; index < count */
spw_diag_level spw_diag_level_at(const spw_diag *diag, size_t index);

/* --- manifests ----------------------------------------------------------------------------------------------- */

typedef struct spw_manifest_set spw_manifest_set;

/** @param mem copied; NULL = spw_mem_libc(). @return NULL when out of memory. */
spw_manifest_set *spw_manifest_new(const spw_mem *mem);
void spw_manifest_free(spw_manifest_set *set); /**< NULL allowed; ends the life of every configuration it built */

/**
 * Adds every document of a file or text. Names are unique per kind and namespace over the whole set.
 * @param diag never NULL
 * @return SPW_OK; SPW_INVAL with at least one error in diag; SPW_BACKEND when the file cannot be read; SPW_NOMEM.
 *         After a failure the set still holds the good documents, but spw_manifest_config() refuses.
 */
spw_rc spw_manifest_add_file(spw_manifest_set *set, const char *path, spw_diag *diag);
spw_rc spw_manifest_add_text(spw_manifest_set *set, const char *name, const char *text, size_t length, spw_diag *diag);

/**
 * Joins what was added: which policy claims which Deployment (the more specific selector over the less, before that
 * the higher spec.priority, after that the name in alphabetical order), which autoscaler owns which count, priorities.
 * Workloads, policies and autoscalers are sorted by name, so the order of files never matters.
 * @param out points into the set; valid until spw_manifest_free()
 * @return SPW_OK (warnings possible: a workload without a policy, a policy that claims nothing); SPW_INVAL with
 *         errors in diag; SPW_NOMEM. *out is untouched on failure.
 */
spw_rc spw_manifest_config(spw_manifest_set *set, spw_diag *diag, const spw_config **out);

/** One key that was read past. All texts live as long as the set. */
typedef struct spw_ignored {
    const char *file;
    int32_t line;
    int32_t column;
    const char *path; /**< "spec.template.spec.containers[0].livenessProbe" */
    const char *why;
} spw_ignored;

size_t spw_manifest_ignored_count(const spw_manifest_set *set);
const spw_ignored *spw_manifest_ignored_at(const spw_manifest_set *set, size_t index); /**< index < count */

/** Where an object stands, for later messages. kind as in YAML, name "namespace/name". @return false = not there. */
bool spw_manifest_where(const spw_manifest_set *set, const char *kind, const char *name, const char **file,
                        int32_t *line, int32_t *column);

#ifdef __cplusplus
}
#endif
#endif

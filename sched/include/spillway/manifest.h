/* SPDX-License-Identifier: Apache-2.0 */
/**
 * manifest.h - Kubernetes objects in YAML become a spw_config. A separate archive: it uses the heap and libyaml.
 *
 * Use: spw_manifest_new(), any number of spw_manifest_add_*(), spw_manifest_config(), hand the configuration to
 * spw_core_new(), spw_manifest_free(). Messages go to a spw_diag, "file:line:col: error: sentence" each.
 *
 * Kinds read
 *   apps/v1 Deployment                               a workload
 *   policy.one.alibabacloud.com/v1alpha1             clusterAffinities = ordered fill; partial placement;
 *     PropagationPolicy                              autoScaling.ecsProvision = nodes may be created
 *   policy.karmada.io/v1alpha1 PropagationPolicy     all or nothing; clusterAffinities = failover groups, no way back;
 *                                                    overflowAffinities of a single group = ordered fill, back only
 *                                                    when the replica count changes
 *   autoscaling/v2 HorizontalPodAutoscaler           the replica count
 *   autoscaling.karmada.io/v1alpha1 FederatedHPA     the same, over all clusters
 *   scheduling.k8s.io/v1 PriorityClass               the priority
 * Service, ConfigMap, Namespace, ServiceAccount and PodDisruptionBudget pass with a note. Every other kind is refused.
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
 *   spillway.dev/moves-per-tick      integer 0..1000000: replicas moved between clusters in one tick
 *   spillway.dev/move-deadline       duration > 0s: a moved copy not ready after this is given up
 *   spillway.dev/provision-deadline  duration > 0s: nodes not there after this are planned elsewhere
 *   spillway.dev/node-unneeded       duration >= 0s: how long a node is empty before it is released
 *   spillway.dev/step-major          per-tier | per-cluster | global
 *   spillway.dev/partial             true | false: place what fits, or all or nothing
 *   spillway.dev/elastic             true | false: count nodes that could be created
 * and of a Deployment (on the object or on its pod template; the template wins):
 *   spillway.dev/gpu-classes         comma-separated GPU classes one of which a replica needs, e.g. "RTX-5090,RTX-4090"
 * Without one, nodeSelector or required node affinity on nvidia.com/gpu.product gives the classes.
 * Any other annotation in spillway.dev/ is an error.
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
 * @return SPW_OK (warnings possible: a Deployment without a policy, a policy that claims nothing); SPW_INVAL with
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

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * manifests.h - what people have written into an API server becomes a configuration: workloads, policies,
 * autoscalers, priorities and budgets are listed and handed to the readers of spillway/manifest.h, as if they came from
 * files.
 *
 * Read are the kinds that manifest.h names. OverridePolicies are not: how a cluster's copy differs from the template
 * changes no count and no place. A kind that the server does not serve (404) is left out; one that we may not read
 * (403) is an error that says so, unless it is skipped on purpose: to take what cannot be seen for absent would change
 * decisions without a word.
 *
 * An object that its reader refuses is left out with its message as a warning, and counted: it hides no other. Nothing
 * is done to a workload whose own object or policy was left out. A StatefulSet with the name of a Deployment is left
 * out, and an autoscaler whose target is not read.
 */
#ifndef SCHED_KUBE_MANIFESTS_H
#define SCHED_KUBE_MANIFESTS_H

#include <spillway/manifest.h>

#include "sched/kube/wire.h"

typedef struct kube_manifests_spec {
    const kube_wire *wire;
    size_t server;
    const char *prefix;        /**< before every path; "" = none */
    const char *const *spaces; /**< [space_count] namespaces; 0 = all */
    size_t space_count;
    const char
        *selector; /**< of Deployments and StatefulSets, e.g. "app.kubernetes.io/part-of=serving"; "" or NULL = all */
    const char *const *skip; /**< [skip_count] plural names of kinds not to ask for, e.g. "scaledobjects" */
    size_t skip_count;
    spw_dur timeout; /**< of each request; 0 = 5 s */
    /** Told of every object that was added, as the JSON text it was read from; NULL = nobody is. @return false: out of
     * memory */
    bool (*text)(void *user, const char *name, const char *text);
    void *user;
} kube_manifests_spec;

typedef struct kube_manifests_result {
    size_t read, left_out; /**< objects */
    size_t absent;         /**< kinds that are not served */
    uint64_t digest;       /**< of all that was read but counts of replicas and what the server writes itself: a new one
                                means a new configuration */
} kube_manifests_result;

/**
 * Lists everything, in pages, and adds it to `set`. Blocks.
 * @param in  diag  messages, "propagationpolicies prod/chat:1:20: warning: ..."; never NULL
 * @return SPW_OK (also with objects left out); SPW_BACKEND with an error in diag; SPW_NOMEM
 */
spw_rc kube_manifests_read(const kube_manifests_spec *spec, spw_manifest_set *set, spw_diag *diag,
                           kube_manifests_result *out);

#endif

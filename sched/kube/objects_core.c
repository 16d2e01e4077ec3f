/* SPDX-License-Identifier: Apache-2.0 */
/** objects_core.c - Deployments, StatefulSets, Pods and Nodes. */
#include "sched/kube/objects_int.h"

#include <stdlib.h>
#include <string.h>

#define GPU    "nvidia.com/gpu"
#define PAUSED "spillway.dev/paused"
#define ZERO   "spillway.dev/allow-zero"
#define CANARY "spillway.dev/canary"

#define ASKED_MOST (INT64_C(1) << 48) /* by one container, so that sums stay in range */

static const char *memory(bool failed)
{
    return failed ? "" : NULL;
}

static const char *read_workload(const json_t *object, void *into)
{
    kube_workload *w = into;
    const json_t *spec = json_object_get(object, "spec"), *status = json_object_get(object, "status");
    const json_t *notes = obj_at(object, "metadata", "annotations", NULL);
    bool failed = false;

    w->replicas = obj_int(spec, "replicas", 1);
    w->total = obj_int(status, "replicas", 0);
    w->ready = obj_int(status, "readyReplicas", 0);
    w->updated = obj_int(status, "updatedReplicas", 0);
    w->available = obj_int(status, "availableReplicas", 0);
    w->observed_generation = json_integer_value(json_object_get(status, "observedGeneration"));
    w->paused = strcmp(obj_text(notes, PAUSED), "true") == 0;
    w->allow_zero = strcmp(obj_text(notes, ZERO), "true") == 0;
    w->canary = obj_copy(obj_text(obj_at(object, "metadata", "labels", NULL), CANARY), &failed);
    w->selector = obj_selector(json_object_get(spec, "selector"), &failed);
    return memory(failed);
}

static void fini_workload(void *row)
{
    kube_workload *w = row;
    free(w->canary);
    free(w->selector);
}

const kube_kind kube_kind_deployment = {"Deployment", sizeof(kube_workload), read_workload, fini_workload};
const kube_kind kube_kind_statefulset = {"StatefulSet", sizeof(kube_workload), read_workload, fini_workload};

/* --- pods ------------------------------------------------------------------------------------------------------ */

/* Requests; a limit without a request is the request, as the API server would have filled in. */
static int64_t asked(const json_t *container, const char *what, bool milli)
{
    const json_t *requests = obj_at(container, "resources", "requests", NULL);
    const json_t *limits = obj_at(container, "resources", "limits", NULL);
    const int64_t amount = milli ? obj_milli(requests, what, obj_milli(limits, what, 0))
                                 : obj_whole(requests, what, obj_whole(limits, what, 0));
    return amount < ASKED_MOST ? amount : ASKED_MOST;
}

static bool stays(const json_t *init)
{
    return strcmp(obj_text(init, "restartPolicy"), "Always") == 0;
}

/*
 * What a pod asks for: the containers and the init containers that keep running, or what an ordinary init container
 * and those started before it need, whichever is more; plus overhead.
 */
static int64_t pod_asks(const json_t *spec, const char *what, bool milli)
{
    const json_t *inits = json_object_get(spec, "initContainers"), *all = json_object_get(spec, "containers");
    const json_t *overhead = json_object_get(spec, "overhead");
    int64_t running = 0, most = 0;

    for (size_t i = 0; i < json_array_size(inits); i++) {
        const json_t *init = json_array_get(inits, i);
        const int64_t own = asked(init, what, milli);
        most = running + own > most ? running + own : most;
        running += stays(init) ? own : 0;
    }
    for (size_t i = 0; i < json_array_size(all); i++) {
        running += asked(json_array_get(all, i), what, milli);
    }
    most = running > most ? running : most;
    return most + (milli ? obj_milli(overhead, what, 0) : obj_whole(overhead, what, 0));
}

/* The controller that made the pod. A ReplicaSet is named after its Deployment, a dash and the hash in the label. */
static const char *read_owner(const json_t *object, kube_pod *pod, bool *failed)
{
    const json_t *owners = obj_at(object, "metadata", "ownerReferences", NULL);
    const char *hash = obj_text(obj_at(object, "metadata", "labels", NULL), "pod-template-hash");
    const char *kind = "", *name = "";
    size_t length = 0;

    for (size_t i = 0; i < json_array_size(owners); i++) {
        const json_t *owner = json_array_get(owners, i);
        if (json_is_true(json_object_get(owner, "controller"))) {
            kind = obj_text(owner, "kind");
            name = obj_text(owner, "name");
        }
    }
    length = strlen(name);
    if (strcmp(kind, "ReplicaSet") == 0 && hash[0] != '\0' && length > strlen(hash) + 1 &&
        strcmp(name + length - strlen(hash), hash) == 0 && name[length - strlen(hash) - 1] == '-') {
        kind = "Deployment";
        length -= strlen(hash) + 1;
    }
    pod->owner_kind = obj_copy(kind, failed);
    pod->owner = obj_copy(name, failed);
    if (pod->owner != NULL) {
        pod->owner[length] = '\0';
    }
    return memory(*failed);
}

static const char *read_pod(const json_t *object, void *into)
{
    kube_pod *pod = into;
    const json_t *spec = json_object_get(object, "spec"), *status = json_object_get(object, "status");
    const json_t *ready = obj_condition(object, "Ready");
    const char *phase = obj_text(status, "phase");
    bool failed = false;

    pod->node = obj_copy(obj_text(spec, "nodeName"), &failed);
    pod->over = strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0;
    pod->phase = pod->over ? SPW_POD_FAILED : strcmp(phase, "Running") == 0 ? SPW_POD_RUNNING : SPW_POD_PENDING;
    pod->ready = strcmp(obj_text(ready, "status"), "True") == 0;
    pod->ready_changed = kube_time_read(obj_text(ready, "lastTransitionTime"));
    pod->started = kube_time_read(obj_text(status, "startTime"));
    pod->cpu_milli = pod_asks(spec, "cpu", true);
    pod->memory_bytes = pod_asks(spec, "memory", false);
    const int64_t gpus = pod_asks(spec, GPU, false);
    pod->gpus = gpus > SPW_NODE_GPUS_MAX ? SPW_NODE_GPUS_MAX : (int32_t)gpus;
    return read_owner(object, pod, &failed);
}

static void fini_pod(void *row)
{
    kube_pod *pod = row;
    free(pod->owner_kind);
    free(pod->owner);
    free(pod->node);
}

const kube_kind kube_kind_pod = {"Pod", sizeof(kube_pod), read_pod, fini_pod};

/* --- nodes ----------------------------------------------------------------------------------------------------- */

/* Taints on GPU nodes that only keep pods without GPUs away say nothing about ours. */
static bool repels(const json_t *spec)
{
    const json_t *taints = json_object_get(spec, "taints");
    for (size_t i = 0; i < json_array_size(taints); i++) {
        const json_t *taint = json_array_get(taints, i);
        const char *effect = obj_text(taint, "effect");
        if ((strcmp(effect, "NoSchedule") == 0 || strcmp(effect, "NoExecute") == 0) &&
            strcmp(obj_text(taint, "key"), GPU) != 0) {
            return true;
        }
    }
    return false;
}

static const char *read_node(const json_t *object, void *into)
{
    kube_node *node = into;
    const json_t *spec = json_object_get(object, "spec");
    const json_t *can = obj_at(object, "status", "allocatable", NULL);
    bool failed = false;

    node->labels = obj_labels(obj_at(object, "metadata", "labels", NULL), &node->label_count, &failed);
    node->ready = strcmp(obj_text(obj_condition(object, "Ready"), "status"), "True") == 0;
    node->unschedulable = json_is_true(json_object_get(spec, "unschedulable"));
    node->no_schedule = repels(spec);
    node->cpu_milli = obj_milli(can, "cpu", 0);
    node->memory_bytes = obj_whole(can, "memory", 0);
    node->pods = obj_whole(can, "pods", 0);
    const int64_t gpus = obj_whole(can, GPU, 0);
    node->gpus = gpus > SPW_NODE_GPUS_MAX ? SPW_NODE_GPUS_MAX : (int32_t)gpus;
    return memory(failed);
}

static void fini_node(void *row)
{
    kube_node *node = row;
    obj_labels_free(node->labels, node->label_count);
}

const kube_kind kube_kind_node = {"Node", sizeof(kube_node), read_node, fini_node};

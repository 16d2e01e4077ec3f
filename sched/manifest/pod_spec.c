/* SPDX-License-Identifier: Apache-2.0 */
/** pod_spec.c - the keys of a pod template: a few are read, the rest is known and ignored, each with its reason. */
#include "sched/manifest/pod_spec.h"

#include <string.h>

/* --- containers ---------------------------------------------------------------------------------------------- */

#define CPU_RESOURCE    "cpu"
#define MEMORY_RESOURCE "memory"

/* Milli-units, rounded up to whole ones. */
static int64_t whole(int64_t milli)
{
    return milli / 1000 + (milli % 1000 > 0 ? 1 : 0);
}

/* One of limits and requests: resource names to quantities; GPUs, CPU and memory are kept. */
static bool read_amounts(bind *b, const bind_field *field, const ynode *node, void *at)
{
    static const bind_field amount = {.kind = BIND_QUANTITY};
    amounts *out = at;
    char where[300];
    bool ok = true;

    (void)field;
    if (node->kind != YNODE_MAPPING) {
        ynode_error(b->diag, node, "%s must be a mapping of resources to quantities",
                    bind_where(node, where, sizeof(where)));
        return false;
    }
    for (size_t i = 0; i < node->count; i++) {
        int64_t milli = 0;

        if (!bind_scalar(b, &amount, node->items[i], &milli)) {
            ok = false;
        } else if (milli < 0) {
            ynode_error(b->diag, node->items[i], "%s: '%s' is negative",
                        bind_where(node->items[i], where, sizeof(where)), node->items[i]->text);
            ok = false;
        } else if (strcmp(node->keys[i]->text, CPU_RESOURCE) == 0) {
            out->cpu_milli = milli;
        } else if (strcmp(node->keys[i]->text, MEMORY_RESOURCE) == 0) {
            out->memory_bytes = whole(milli);
        } else if (strcmp(node->keys[i]->text, GPU_RESOURCE) != 0) {
            km_report_ignored(b, node->keys[i], "only GPUs, CPU and memory limit how many replicas there is room for");
        } else if (milli % 1000 != 0) {
            ynode_error(b->diag, node->items[i], "%s: '%s' is no whole number of GPUs",
                        bind_where(node->items[i], where, sizeof(where)), node->items[i]->text);
            ok = false;
        } else {
            out->gpus = milli / 1000;
        }
    }
    return ok;
}

static bool check_resources(bind *b, const ynode *node, void *object)
{
    const resources *r = object;

    if (r->requests.gpus >= 0 && r->requests.gpus != r->limits.gpus) {
        ynode_error(b->diag, node, "requests and limits of " GPU_RESOURCE " must be equal, as Kubernetes demands");
        return false;
    }
    return true;
}

static void init_resources(void *object)
{
    resources *r = object;

    r->limits = (amounts){-1, -1, -1};
    r->requests = (amounts){-1, -1, -1};
}

static const bind_field resource_fields[] = {
    {.key = "limits", .kind = BIND_CUSTOM, .custom = read_amounts, BIND_AT(resources, limits)},
    {.key = "requests", .kind = BIND_CUSTOM, .custom = read_amounts, BIND_AT(resources, requests)},
    KM_IGNORED("claims", "dynamic resource allocation is not modelled"),
    {.key = NULL},
};

static const bind_table resource_table = {.name = "resources",
                                          .size = sizeof(resources),
                                          .fields = resource_fields,
                                          .self_at = offsetof(resources, node) + 1,
                                          .init = init_resources,
                                          .check = check_resources};

#define INSIDE "what runs inside the container does not matter here"

static const bind_name restart_names[] = {{"Always", 1}, {"Never", 0}, {"OnFailure", 0}, {NULL, 0}};

static const bind_field container_fields[] = {
    {.key = "name", .kind = BIND_STRING, .required = true, BIND_AT(container, name)},
    {.key = "resources", .kind = BIND_TABLE, .table = &resource_table, BIND_AT(container, resources)},
    {.key = "restartPolicy", .kind = BIND_ENUM, .names = restart_names, BIND_AT(container, restart)},
    KM_IGNORED("args", INSIDE),
    KM_IGNORED("command", INSIDE),
    KM_IGNORED("env", INSIDE),
    KM_IGNORED("envFrom", INSIDE),
    KM_IGNORED("image", "the scenario says which model and engine run, and how large the image is"),
    KM_IGNORED("imagePullPolicy", "the scenario says what lies in a node's cache"),
    KM_IGNORED("lifecycle", INSIDE),
    KM_IGNORED("livenessProbe", "faults come from the scenario"),
    KM_IGNORED("ports", INSIDE),
    KM_IGNORED("readinessProbe", "start-up times come from the scenario"),
    KM_IGNORED("resizePolicy", INSIDE),
    KM_IGNORED("securityContext", INSIDE),
    KM_IGNORED("startupProbe", "start-up times come from the scenario"),
    KM_IGNORED("stdin", INSIDE),
    KM_IGNORED("stdinOnce", INSIDE),
    KM_IGNORED("terminationMessagePath", INSIDE),
    KM_IGNORED("terminationMessagePolicy", INSIDE),
    KM_IGNORED("tty", INSIDE),
    KM_IGNORED("volumeDevices", INSIDE),
    KM_IGNORED("volumeMounts", INSIDE),
    KM_IGNORED("workingDir", INSIDE),
    {.key = NULL},
};

static const bind_table container_table = {.name = "container", .size = sizeof(container), .fields = container_fields};

/* --- pod ----------------------------------------------------------------------------------------------------- */

static const bind_field term_fields[] = {
    {.key = "matchExpressions",
     .kind = BIND_LIST,
     .table = &km_requirement_table,
     BIND_AT(node_term, expressions),
     BIND_COUNT(node_term, expression_count)},
    KM_IGNORED("matchFields", "single nodes are not chosen here"),
    {.key = NULL},
};

static const bind_table term_table = {.name = "nodeSelectorTerm", .size = sizeof(node_term), .fields = term_fields};

static const bind_field required_fields[] = {
    {.key = "nodeSelectorTerms",
     .kind = BIND_LIST,
     .table = &term_table,
     .required = true,
     .count_min = 1,
     BIND_AT(pod, terms),
     BIND_COUNT(pod, term_count)},
    {.key = NULL},
};

/* These three tables bind into the pod itself: they only add levels of keys. */
static const bind_table required_table = {
    .name = "required node affinity", .size = sizeof(pod), .fields = required_fields};

static const bind_field node_affinity_fields[] = {
    {.key = "requiredDuringSchedulingIgnoredDuringExecution", .kind = BIND_TABLE, .table = &required_table},
    KM_IGNORED("preferredDuringSchedulingIgnoredDuringExecution", "a preference among nodes of one cluster"),
    {.key = NULL},
};

static const bind_table node_affinity_table = {
    .name = "nodeAffinity", .size = sizeof(pod), .fields = node_affinity_fields};

static const bind_field affinity_fields[] = {
    {.key = "nodeAffinity", .kind = BIND_TABLE, .table = &node_affinity_table},
    KM_IGNORED("podAffinity", "placement inside a cluster is left to its own scheduler"),
    KM_IGNORED("podAntiAffinity", "placement inside a cluster is left to its own scheduler"),
    {.key = NULL},
};

static const bind_table affinity_table = {.name = "affinity", .size = sizeof(pod), .fields = affinity_fields};

#define IN_CLUSTER "placement inside a cluster is left to its own scheduler"
#define POD_SETUP  "how the pod is set up does not matter here"

static const bind_field pod_fields[] = {
    {.key = "containers",
     .kind = BIND_LIST,
     .table = &container_table,
     .required = true,
     .count_min = 1,
     BIND_AT(pod, containers),
     BIND_COUNT(pod, container_count),
     .help = "a pod runs at least one container"},
    {.key = "initContainers",
     .kind = BIND_LIST,
     .table = &container_table,
     BIND_AT(pod, inits),
     BIND_COUNT(pod, init_count)},
    {.key = "nodeSelector", .kind = BIND_TEXTS, BIND_AT(pod, node_labels), BIND_COUNT(pod, node_label_count)},
    {.key = "affinity", .kind = BIND_TABLE, .table = &affinity_table},
    {.key = "priorityClassName", .kind = BIND_STRING, BIND_AT(pod, priority_class), BIND_NODE_AT(pod, priority_node)},
    KM_IGNORED("activeDeadlineSeconds", POD_SETUP),
    KM_IGNORED("automountServiceAccountToken", POD_SETUP),
    KM_IGNORED("dnsConfig", POD_SETUP),
    KM_IGNORED("dnsPolicy", POD_SETUP),
    KM_IGNORED("enableServiceLinks", POD_SETUP),
    KM_IGNORED("hostAliases", POD_SETUP),
    KM_IGNORED("hostIPC", POD_SETUP),
    KM_IGNORED("hostNetwork", POD_SETUP),
    KM_IGNORED("hostPID", POD_SETUP),
    KM_IGNORED("hostUsers", POD_SETUP),
    KM_IGNORED("hostname", POD_SETUP),
    KM_IGNORED("imagePullSecrets", POD_SETUP),
    KM_IGNORED("nodeName", IN_CLUSTER),
    KM_IGNORED("os", IN_CLUSTER),
    KM_IGNORED("overhead", "the share of the container runtime is not counted"),
    KM_IGNORED("preemptionPolicy", "filled by the API server from the PriorityClass"),
    KM_IGNORED("priority", "filled by the API server from the PriorityClass"),
    KM_IGNORED("readinessGates", "start-up times come from the scenario"),
    KM_IGNORED("resourceClaims", "dynamic resource allocation is not modelled"),
    KM_IGNORED("restartPolicy", POD_SETUP),
    KM_IGNORED("runtimeClassName", POD_SETUP),
    KM_IGNORED("schedulerName", IN_CLUSTER),
    KM_IGNORED("schedulingGates", IN_CLUSTER),
    KM_IGNORED("securityContext", POD_SETUP),
    KM_IGNORED("serviceAccount", POD_SETUP),
    KM_IGNORED("serviceAccountName", POD_SETUP),
    KM_IGNORED("setHostnameAsFQDN", POD_SETUP),
    KM_IGNORED("shareProcessNamespace", POD_SETUP),
    KM_IGNORED("subdomain", POD_SETUP),
    KM_IGNORED("terminationGracePeriodSeconds", "drain times come from the scenario"),
    KM_IGNORED("tolerations", IN_CLUSTER),
    KM_IGNORED("topologySpreadConstraints", IN_CLUSTER),
    KM_IGNORED("volumes", POD_SETUP),
    {.key = NULL},
};

static const bind_table pod_table = {
    .name = "pod spec", .size = sizeof(pod), .fields = pod_fields, .self_at = offsetof(pod, node) + 1};

static const bind_field pod_meta_fields[] = {
    {.key = "annotations", .kind = BIND_TEXTS, BIND_AT(pod, annotations), BIND_COUNT(pod, annotation_count)},
    KM_IGNORED("creationTimestamp", "written by the API server"),
    {.key = "labels", .kind = BIND_TEXTS, BIND_AT(pod, labels), BIND_COUNT(pod, label_count)},
    KM_IGNORED("name", "pods get generated names"),
    KM_IGNORED("namespace", "pods live in the namespace of their Deployment"),
    {.key = NULL},
};

static const bind_table pod_meta_table = {.name = "pod metadata", .size = sizeof(pod), .fields = pod_meta_fields};

static const bind_field template_fields[] = {
    {.key = "metadata", .kind = BIND_TABLE, .table = &pod_meta_table},
    {.key = "spec", .kind = BIND_TABLE, .table = &pod_table, .required = true, .help = "the pod"},
    {.key = NULL},
};

const bind_table pod_template_table = {.name = "template", .size = sizeof(pod), .fields = template_fields};

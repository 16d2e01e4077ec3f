/* SPDX-License-Identifier: Apache-2.0 */
/**
 * kind_deployment.c - apps/v1 Deployment and StatefulSet: how many replicas, what each takes and where it may run,
 * which priority.
 */
#include "sched/manifest/pod_data.h"
#include "sched/manifest/pod_spec.h"

#include <string.h>

/* For the daemon, which reads them on the objects themselves. */
#define PAUSED     "spillway.dev/paused"
#define ALLOW_ZERO "spillway.dev/allow-zero"

typedef struct deployment {
    km_head head;
    int32_t replicas;
    pod pod;
} deployment;

#define REPLICAS_ROW                                                                                                   \
    {                                                                                                                  \
        .key = "replicas", .kind = BIND_INT32, .preset = "1", .range = BIND_MIN | BIND_MAX, .min = 0,                  \
        .max = SPW_REPLICAS_MAX, BIND_AT(deployment, replicas)                                                         \
    }
#define TEMPLATE_ROW                                                                                                   \
    {                                                                                                                  \
        .key = "template", .kind = BIND_TABLE, .table = &pod_template_table, .required = true,                         \
        BIND_AT(deployment, pod), .help = "what one replica is"                                                        \
    }

static const bind_field spec_fields[] = {
    REPLICAS_ROW,
    TEMPLATE_ROW,
    KM_IGNORED("minReadySeconds", "start-up times come from the scenario"),
    KM_IGNORED("paused", "roll-outs are not started here"),
    KM_IGNORED("progressDeadlineSeconds", "roll-outs are not started here"),
    KM_IGNORED("revisionHistoryLimit", "roll-outs are not started here"),
    KM_IGNORED("selector", "pods are counted by workload, not by label"),
    KM_IGNORED("strategy", "roll-outs are not started here"),
    {.key = NULL},
};

static const bind_table spec_table = {.name = "Deployment spec", .size = sizeof(deployment), .fields = spec_fields};

static const bind_field root_fields[] = {
    KM_ROOT(deployment, km_meta_table),
    {.key = "spec", .kind = BIND_TABLE, .table = &spec_table, .required = true, .help = "replicas and template"},
    {.key = NULL},
};

static const bind_table root_table = {.name = "Deployment", .size = sizeof(deployment), .fields = root_fields};

/* Replicas of a StatefulSet start one after the other unless it says Parallel. */
static bool read_management(bind *b, const bind_field *field, const ynode *node, void *at)
{
    (void)field;
    (void)at;
    if (node->kind == YNODE_SCALAR && strcmp(node->text, "OrderedReady") == 0) {
        ynode_warning(b->diag, node,
                      "replicas that start one after the other are not modelled: those that wait for their turn count "
                      "as stuck; use Parallel");
    } else if (node->kind != YNODE_SCALAR || strcmp(node->text, "Parallel") != 0) {
        ynode_error(b->diag, node, "'spec.podManagementPolicy' must be OrderedReady or Parallel");
        return false;
    }
    return true;
}

static const bind_field set_fields[] = {
    REPLICAS_ROW,
    TEMPLATE_ROW,
    {.key = "podManagementPolicy", .kind = BIND_CUSTOM, .custom = read_management},
    KM_IGNORED("minReadySeconds", "start-up times come from the scenario"),
    KM_IGNORED("ordinals", "pods are counted, not named"),
    KM_IGNORED("persistentVolumeClaimRetentionPolicy", "volumes are not placed here"),
    KM_IGNORED("revisionHistoryLimit", "roll-outs are not started here"),
    KM_IGNORED("selector", "pods are counted by workload, not by label"),
    KM_IGNORED("serviceName", "pods are counted, not named"),
    KM_IGNORED("updateStrategy", "roll-outs are not started here"),
    KM_UNMODELLED("volumeClaimTemplates", "a volume may hold its replica in the zone where it was made"),
    {.key = NULL},
};

static const bind_table set_table = {.name = "StatefulSet spec", .size = sizeof(deployment), .fields = set_fields};

static const bind_field set_root_fields[] = {
    KM_ROOT(deployment, km_meta_table),
    {.key = "spec", .kind = BIND_TABLE, .table = &set_table, .required = true, .help = "replicas and template"},
    {.key = NULL},
};

static const bind_table set_root_table = {.name = "StatefulSet", .size = sizeof(deployment), .fields = set_root_fields};

/* FNV-1a with 32 bits, the hash Karmada uses to spread ties over workloads. */
static uint32_t fnv32(const char *text)
{
    uint32_t hash = UINT32_C(2166136261);

    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * UINT32_C(16777619);
    }
    return hash;
}

static bool read_workload(spw_manifest_set *set, bind *b, const ynode *root, const bind_table *table,
                          spw_workload_kind kind)
{
    static const char *const known[] = {POD_JURISDICTIONS,
                                        POD_LATENCY_BUDGET,
                                        POD_USER_REGIONS,
                                        POD_DATASET_REGION,
                                        POD_DATASET_MOVABLE,
                                        GPU_CLASSES,
                                        MIN_AVAILABLE,
                                        REPLICA_UNIT,
                                        PAUSED,
                                        ALLOW_ZERO,
                                        NULL};
    km_deployment *out = zone_take(b->zone, sizeof(*out));
    deployment d;
    pod_classes classes = {NULL, NULL, 0};
    int32_t min_available = 0;
    bool by_reference = false;
    int64_t cpu = 0;
    int64_t memory = 0;
    spw_workload data = {.key = 0};
    int32_t gpus = 0;
    const km_meta *meta = &d.head.meta;

    if (out == NULL || !bind_object(b, table, root, &d)) {
        return false;
    }
    if (!km_check_annotations(b, meta->annotations, meta->annotation_count, known) ||
        !km_check_annotations(b, d.pod.annotations, d.pod.annotation_count, known) ||
        !pod_count_gpus(b, &d.pod, &gpus) || !pod_read_classes(b, &d.pod, meta, &classes) ||
        !pod_read_replica_unit(b, &d.pod, meta, &classes, &by_reference) || !pod_read_data(b, &d.pod, meta, &data) ||
        !pod_count_requests(b, &d.pod, &cpu, &memory) || !pod_read_min_available(b, &d.pod, meta, &min_available)) {
        return false;
    }
    out->head = d.head;
    out->priority_class = d.pod.priority_class;
    out->priority_node = d.pod.priority_node;
    out->pod_labels = d.pod.labels;
    out->pod_label_count = d.pod.label_count;
    out->pod_annotations = d.pod.annotations;
    out->pod_annotation_count = d.pod.annotation_count;
    if (!km_append(set, &set->deployments, &out->head, root)) {
        return false;
    }
    out->workload = (spw_workload){
        .key = spw_key2(meta->space, meta->name),
        .name = out->head.full,
        .uid_hash = meta->uid[0] != '\0' ? fnv32(meta->uid) : 0,
        .replicas = d.replicas,
        .gpus = gpus,
        .gpu_classes = classes.at,
        .gpu_class_count = classes.count,
        .gpu_milli = classes.milli,
        .by_reference = by_reference,
        .cpu_milli = cpu,
        .memory_bytes = memory,
        .min_available = min_available,
        .policy = SPW_ID_NONE,
        .hpa = SPW_ID_NONE,
        .jurisdictions = data.jurisdictions,
        .jurisdiction_count = data.jurisdiction_count,
        .latency_budget = data.latency_budget,
        .user_regions = data.user_regions,
        .user_region_count = data.user_region_count,
        .dataset_region = data.dataset_region,
        .dataset_movable = data.dataset_movable,
        .kind = kind,
    };
    return true;
}

bool km_read_deployment(spw_manifest_set *set, bind *b, const ynode *root)
{
    return read_workload(set, b, root, &root_table, SPW_WORKLOAD_DEPLOYMENT);
}

bool km_read_statefulset(spw_manifest_set *set, bind *b, const ynode *root)
{
    return read_workload(set, b, root, &set_root_table, SPW_WORKLOAD_STATEFULSET);
}

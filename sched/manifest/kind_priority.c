/* SPDX-License-Identifier: Apache-2.0 */
/** kind_priority.c - scheduling.k8s.io/v1 PriorityClass. */
#include "sched/manifest/manifest_int.h"

#define USER_VALUE_MAX 1000000000 /* above is reserved for the system's own classes */

static const bind_name preemption_names[] = {{"PreemptLowerPriority", 0}, {"Never", 1}, {NULL, 0}};

static const bind_field root_fields[] = {
    KM_ROOT(km_priority, km_cluster_meta_table),
    {.key = "value",
     .kind = BIND_INT32,
     .required = true,
     .range = BIND_MAX,
     .max = USER_VALUE_MAX,
     BIND_AT(km_priority, value),
     .help = "the higher number wins"},
    {.key = "globalDefault",
     .kind = BIND_BOOL,
     BIND_AT(km_priority, is_default),
     BIND_NODE_AT(km_priority, default_node)},
    {.key = "preemptionPolicy",
     .kind = BIND_ENUM,
     .names = preemption_names,
     BIND_AT(km_priority, never),
     .help = "Never: workloads of this class take nobody's place"},
    KM_IGNORED("description", "text for people"),
    {.key = NULL},
};

static const bind_table root_table = {.name = "PriorityClass", .size = sizeof(km_priority), .fields = root_fields};

bool km_read_priority(spw_manifest_set *set, bind *b, const ynode *root)
{
    km_priority *out = zone_take(b->zone, sizeof(*out));

    return out != NULL && bind_object(b, &root_table, root, out) && km_append(set, &set->priorities, &out->head, root);
}

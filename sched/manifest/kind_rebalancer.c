/* SPDX-License-Identifier: Apache-2.0 */
/**
 * kind_rebalancer.c - apps.karmada.io/v1alpha1 WorkloadRebalancer: place these workloads anew, once.
 *
 * As in Karmada the time of the request is when the object was made, and it counts if it is later than the request
 * carried out before. An object without creationTimestamp, as people write it, counts as made at the beginning: it is
 * carried out once by every core that has not carried out another one.
 */
#include "sched/manifest/manifest_int.h"

#include <string.h>

#define LONG_AGO (-(INT64_C(1) << 60)) /* earlier than any snapshot that a core has acted on */

static const bind_field mention_fields[] = {
    {.key = "apiVersion", .kind = BIND_STRING, .required = true, BIND_AT(km_mention, api)},
    {.key = "kind", .kind = BIND_STRING, .required = true, BIND_AT(km_mention, kind)},
    {.key = "name", .kind = BIND_STRING, .required = true, BIND_AT(km_mention, name)},
    {.key = "namespace", .kind = BIND_STRING, .preset = "default", BIND_AT(km_mention, space)},
    {.key = NULL},
};

static const bind_table mention_table = {.name = "workload",
                                         .size = sizeof(km_mention),
                                         .fields = mention_fields,
                                         .self_at = offsetof(km_mention, node) + 1};

static const bind_field spec_fields[] = {
    {.key = "workloads",
     .kind = BIND_LIST,
     .table = &mention_table,
     .required = true,
     BIND_AT(km_rebalancer, mentions),
     BIND_COUNT(km_rebalancer, mention_count),
     .help = "what is to be placed anew"},
    KM_IGNORED("ttlSecondsAfterFinished", "the life of the object does not matter here"),
    {.key = NULL},
};

static const bind_table spec_table = {
    .name = "WorkloadRebalancer spec", .size = sizeof(km_rebalancer), .fields = spec_fields};

static const bind_field root_fields[] = {
    KM_ROOT(km_rebalancer, km_cluster_meta_table),
    {.key = "spec", .kind = BIND_TABLE, .table = &spec_table, .required = true, .help = "the workloads"},
    {.key = NULL},
};

static const bind_table root_table = {
    .name = "WorkloadRebalancer", .size = sizeof(km_rebalancer), .fields = root_fields};

bool km_read_rebalancer(spw_manifest_set *set, bind *b, const ynode *root)
{
    km_rebalancer *out = zone_take(b->zone, sizeof(*out));
    bind_time made = {0};

    if (out == NULL || !bind_object(b, &root_table, root, out)) {
        return false;
    }
    const ynode *stamp = ynode_get(ynode_get(root, "metadata"), "creationTimestamp");
    if (stamp != NULL && stamp->kind == YNODE_SCALAR && strcmp(stamp->text, "null") != 0) {
        const char *wrong = bind_parse_time(stamp->text, &made);

        if (wrong != NULL) {
            ynode_error(b->diag, stamp, "'metadata.creationTimestamp' %s", wrong);
            return false;
        }
        out->unix_ns = made.unix_ns;
    } else {
        out->unix_ns = LONG_AGO;
    }
    return km_append(set, &set->rebalancers, &out->head, root);
}

static size_t find(km_head *const *deployments, size_t count, const km_mention *m)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(m->kind, deployments[i]->kind) == 0 && strcmp(deployments[i]->meta.space, m->space) == 0 &&
            strcmp(deployments[i]->meta.name, m->name) == 0) {
            return i;
        }
    }
    return count;
}

void km_join_rebalancers(spw_manifest_set *set, spw_diag *diag, km_head *const *deployments, size_t count,
                         spw_workload *workloads)
{
    for (const km_head *head = set->rebalancers.first; head != NULL; head = head->next) {
        const km_rebalancer *r = (const km_rebalancer *)(const void *)head;

        for (size_t i = 0; i < r->mention_count; i++) {
            const km_mention *m = &r->mentions[i];
            const size_t at = find(deployments, count, m);

            if (at == count) {
                ynode_warning(diag, m->node, "there is no %s '%s/%s' to place anew", m->kind, m->space, m->name);
            } else if (!workloads[at].has_reschedule || workloads[at].reschedule < r->unix_ns) {
                workloads[at].has_reschedule = true;
                workloads[at].reschedule = r->unix_ns;
            }
        }
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* links_meters.c - what is measured, and what is known of pools. */
#include "sched/daemon/derived.h"
#include "sched/daemon/links_int.h"

#include <string.h>

static size_t server_named(const dm_links *l, const char *name, const char **prefix)
{
    const dm_config *c = l->config;
    for (size_t i = 0; i < c->cluster_count; i++) {
        if (strcmp(c->clusters[i].name, name) == 0) {
            *prefix = l->spec.clusters[i].prefix;
            return l->of_cluster[i];
        }
    }
    for (size_t i = 0; i < c->server_count; i++) {
        if (strcmp(c->servers[i].name, name) == 0) {
            return l->of_other[i];
        }
    }
    return 0;
}

static void spec_of(const dm_links *l, zone *z, const dm_meter *m, kube_meter_spec *out)
{
    const char *way = "";
    const size_t server = server_named(l, m->server, &way);
    *out = (kube_meter_spec){.kind = m->kind,
                             .server = server,
                             .prefix = zone_format(z, "%s%s", way, m->prefix),
                             .cluster = m->cluster,
                             .metric = m->metric,
                             .series = m->series,
                             .space = m->space,
                             .name = m->kind != KUBE_METER_PODS ? m->name : NULL,
                             .selector = m->selector,
                             .object = m->object,
                             .query = m->query,
                             .pod_label = m->pod_label,
                             .space_label = m->space_label,
                             .cluster_label = m->cluster_label,
                             .period = m->period};
}

bool dm_links_measure(dm_links *l, const spw_config *governed)
{
    const dm_config *c = l->config;
    zone z;
    zone_init(&z, NULL);
    dm_derived derived = {.z = &z};
    if (c->derive_meters) {
        dm_derive_meters(&derived, c, governed, &l->spec);
    }
    const size_t count = c->meter_count + derived.count;
    kube_meter_spec *specs = zone_array(&z, count + 1, sizeof *specs);
    for (size_t i = 0; specs != NULL && i < c->meter_count; i++) {
        spec_of(l, &z, &c->meters[i], &specs[i]);
    }
    if (specs != NULL && derived.count > 0) {
        memcpy(specs + c->meter_count, derived.specs, derived.count * sizeof *specs);
    }
    kube_meters *meters =
        !z.failed && count > 0 ? kube_meters_new(specs, count, l->fleet, &l->wire, l->seed + 1) : NULL;
    if (z.failed || (count > 0 && meters == NULL)) {
        zone_fini(&z);
        return false;
    }
    if (meters != NULL && l->meters != NULL) {
        kube_meters_adopt(meters, l->meters);
    }
    kube_meters_free(l->meters);
    zone_fini(&l->meter_z);
    l->meters = meters;
    l->meter_z = z;
    return true;
}

spw_rc links_make_inventory(dm_links *l, spw_diag *diag)
{
    const dm_config *c = l->config;
    size_t most = 0, n = 0;
    for (size_t i = 0; i < c->cluster_count; i++) {
        most += c->clusters[i].pool_count;
    }
    kube_inventory_object *objects = zone_array(&l->z, most + 1, sizeof *objects);
    for (size_t i = 0; objects != NULL && i < c->cluster_count; i++) {
        for (size_t p = 0; p < c->clusters[i].pool_count; p++) {
            const dm_pool *pool = &c->clusters[i].pools[p];
            if (pool->object != NULL) {
                objects[n++] = (kube_inventory_object){
                    .cluster = c->clusters[i].name,
                    .pool = pool->name,
                    .server = l->of_cluster[i],
                    .path = zone_format(&l->z, "%s%s", l->spec.clusters[i].prefix, pool->object),
                    .target = pool->object_target};
            }
        }
    }
    const char **argv = zone_array(&l->z, c->inventory.count + 1, sizeof *argv);
    if (l->z.failed) {
        return links_no_memory(diag);
    }
    for (size_t i = 0; i < c->inventory.count; i++) {
        argv[i] = c->inventory.at[i];
    }
    if (n == 0 && c->inventory.count == 0) {
        return SPW_OK;
    }
    kube_inventory_spec *spec = zone_take(&l->z, sizeof *spec);
    if (spec == NULL) {
        return links_no_memory(diag);
    }
    *spec = (kube_inventory_spec){.objects = objects,
                                  .object_count = n,
                                  .argv = c->inventory.count > 0 ? argv : NULL,
                                  .period = c->inventory_period,
                                  .timeout = c->inventory_timeout,
                                  .meanwhile = links_renew,
                                  .user = l,
                                  .seed = l->seed + 2};
    l->inventory = kube_inventory_new(spec, &l->wire);
    return l->inventory != NULL ? SPW_OK : links_no_memory(diag);
}

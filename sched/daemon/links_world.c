/* SPDX-License-Identifier: Apache-2.0 */
/* links_world.c - from the Daemon file to servers, a wire to them, and the fleet. */
#include "sched/daemon/links_int.h"

#include <stdlib.h>
#include <string.h>

/* --- servers --- */

/* @return its index, or SIZE_MAX with an error in diag */
static size_t add_server(dm_links *l, const dm_access *access, spw_diag *diag, spw_rc *rc)
{
    kube_access_set *set = NULL;
    if (*rc == SPW_OK && l->host->wire == NULL) { /* a wire from outside knows its servers */
        *rc = access->kubeconfig != NULL ? kube_access_kubeconfig(access->kubeconfig, access->context, diag, &set)
                                         : kube_access_in_cluster(NULL, diag, &set);
    }
    if (*rc != SPW_OK) {
        return SIZE_MAX;
    }
    l->sets[l->server_count] = set;
    l->servers[l->server_count] = set != NULL ? kube_access_get(set) : NULL;
    return l->server_count++;
}

/* Server 0 is the control plane of Karmada, or the first cluster; then clusters that are reached directly, then
   others. */
spw_rc links_add_servers(dm_links *l, spw_diag *diag)
{
    const dm_config *c = l->config;
    spw_rc rc = SPW_OK;
    if (c->mode == DM_MODE_KARMADA) {
        (void)add_server(l, &c->hub, diag, &rc);
    }
    for (size_t i = 0; i < c->cluster_count; i++) {
        l->of_cluster[i] =
            c->clusters[i].reach == DM_REACH_DIRECT ? add_server(l, &c->clusters[i].access, diag, &rc) : 0;
    }
    for (size_t i = 0; i < c->server_count; i++) {
        l->of_other[i] = add_server(l, &c->servers[i].access, diag, &rc);
    }
    return rc;
}

spw_rc links_open_wire(dm_links *l, spw_diag *diag)
{
    if (l->host->wire != NULL) {
        l->wire = *l->host->wire;
        return SPW_OK;
    }
    const kube_curl_options options = {.servers = l->servers,
                                       .server_count = l->server_count,
                                       .agent = "spillwayd/" SPILLWAY_VERSION,
                                       .wake_fd = l->host->wake_fd};
    const spw_rc rc = kube_curl_new(&options, &l->curl);
    if (rc != SPW_OK) {
        spw_diag_add(diag, SPW_DIAG_ERROR, NULL, 0, 0, "libcurl: %s", spw_strerror(rc));
        return rc;
    }
    l->wire = kube_curl_wire(l->curl);
    return SPW_OK;
}

/* --- the fleet --- */

static int by_key(const void *a, const void *b)
{
    return strcmp(((const spw_label *)a)->key, ((const spw_label *)b)->key);
}

static spw_labels labels_of(zone *z, const bind_pair *pairs, size_t count)
{
    spw_label *labels = zone_array(z, count + 1, sizeof *labels);
    if (labels == NULL) {
        return (spw_labels){0};
    }
    for (size_t i = 0; i < count; i++) {
        labels[i] = (spw_label){pairs[i].key, pairs[i].value};
    }
    qsort(labels, count, sizeof *labels, by_key);
    return (spw_labels){.at = labels, .count = count};
}

/** Labels that the nodes of a pool carry: those they are selected by, and others that are named beside them. */
static spw_labels carried_by(zone *z, const dm_pool *p)
{
    bind_pair *all = zone_array(z, p->selector_count + p->label_count + 1, sizeof *all);
    size_t count = p->selector_count;
    if (all == NULL) {
        return (spw_labels){0};
    }
    memcpy(all, p->selector, p->selector_count * sizeof *all);
    for (size_t i = 0; i < p->label_count; i++) {
        bool selected = false;
        for (size_t k = 0; k < p->selector_count; k++) {
            selected = selected || strcmp(p->selector[k].key, p->labels[i].key) == 0;
        }
        if (!selected) {
            all[count++] = p->labels[i];
        }
    }
    return labels_of(z, all, count);
}

static kube_pool_spec *pools_of(zone *z, const dm_cluster *cluster)
{
    kube_pool_spec *pools = zone_array(z, cluster->pool_count + 1, sizeof *pools);
    for (size_t i = 0; pools != NULL && i < cluster->pool_count; i++) {
        const dm_pool *p = &cluster->pools[i];
        pools[i] = (kube_pool_spec){.name = p->name,
                                    .gpu = p->gpu,
                                    .capacity = p->capacity,
                                    .gpus_per_node = p->gpus_per_node,
                                    .nodes_min = p->nodes_min,
                                    .nodes_max = p->nodes_max,
                                    .rank = p->rank,
                                    .price_uusd_per_gpu_h = p->price_uusd,
                                    .selector = labels_of(z, p->selector, p->selector_count),
                                    .labels = carried_by(z, p)};
    }
    return pools;
}

spw_rc links_make_fleet(dm_links *l, spw_diag *diag)
{
    const dm_config *c = l->config;
    kube_cluster_spec *clusters = zone_array(&l->z, c->cluster_count + 1, sizeof *clusters);
    for (size_t i = 0; clusters != NULL && i < c->cluster_count; i++) {
        const dm_cluster *d = &c->clusters[i];
        clusters[i] = (kube_cluster_spec){
            .name = d->name,
            .region = d->region,
            .zone = d->zone,
            .provider = d->provider,
            .jurisdiction = d->jurisdiction,
            .labels = labels_of(&l->z, d->labels, d->label_count),
            .reachable = d->reach != DM_REACH_NONE,
            .server = l->of_cluster[i],
            .prefix = d->reach == DM_REACH_PROXY
                          ? zone_format(&l->z, "/apis/cluster.karmada.io/v1alpha1/clusters/%s/proxy", d->name)
                          : "",
            .pools = pools_of(&l->z, d),
            .pool_count = d->pool_count,
        };
    }
    l->spec = (kube_fleet_spec){.mode = c->mode == DM_MODE_KARMADA ? KUBE_MODE_KARMADA : KUBE_MODE_KUBERNETES,
                                .hub = 0,
                                .scheduler = c->scheduler,
                                .clusters = clusters,
                                .cluster_count = c->cluster_count,
                                .seed = l->seed};
    l->fleet = l->z.failed ? NULL : kube_fleet_new(&l->spec, &l->wire);
    return l->fleet != NULL ? SPW_OK : links_no_memory(diag);
}

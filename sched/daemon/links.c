/* SPDX-License-Identifier: Apache-2.0 */
/* links.c - from the Daemon file to servers, fleet, meters, inventory, lease and writer. */
#include "sched/daemon/links.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sched/kube/wire_curl.h"

#define IDENTITY_SIZE 128

struct dm_links {
    const dm_config *config;
    const dm_host *host;
    zone z;
    kube_access_set **sets; /* [server_count] */
    const kube_access **servers;
    size_t server_count;
    kube_curl *curl;
    kube_wire wire;
    kube_fleet_spec spec;
    kube_fleet *fleet;
    kube_meters *meters;
    kube_inventory *inventory;
    kube_lease *lease;
    kube_writer *writer;
    char identity[IDENTITY_SIZE];
    uint64_t seed;
    bool (*stopped)(void *user);
    void *stopped_user;
};

static spw_rc no_memory(spw_diag *diag)
{
    spw_diag_add(diag, SPW_DIAG_ERROR, NULL, 0, 0, "out of memory");
    return SPW_NOMEM;
}

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
static spw_rc add_servers(dm_links *l, size_t *of_cluster, size_t *of_other, spw_diag *diag)
{
    const dm_config *c = l->config;
    spw_rc rc = SPW_OK;
    if (c->mode == DM_MODE_KARMADA) {
        (void)add_server(l, &c->hub, diag, &rc);
    }
    for (size_t i = 0; i < c->cluster_count; i++) {
        of_cluster[i] = c->clusters[i].reach == DM_REACH_DIRECT ? add_server(l, &c->clusters[i].access, diag, &rc) : 0;
    }
    for (size_t i = 0; i < c->server_count; i++) {
        of_other[i] = add_server(l, &c->servers[i].access, diag, &rc);
    }
    return rc;
}

static spw_rc open_wire(dm_links *l, spw_diag *diag)
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
                                    .selector = labels_of(z, p->selector, p->selector_count)};
    }
    return pools;
}

static spw_rc make_fleet(dm_links *l, const size_t *of_cluster, spw_diag *diag)
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
            .server = of_cluster[i],
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
    return l->fleet != NULL ? SPW_OK : no_memory(diag);
}

/* --- meters and inventory --- */

static size_t server_named(const dm_links *l, const char *name, const size_t *of_cluster, const size_t *of_other,
                           const char **prefix)
{
    const dm_config *c = l->config;
    for (size_t i = 0; i < c->cluster_count; i++) {
        if (strcmp(c->clusters[i].name, name) == 0) {
            *prefix = l->spec.clusters[i].prefix;
            return of_cluster[i];
        }
    }
    for (size_t i = 0; i < c->server_count; i++) {
        if (strcmp(c->servers[i].name, name) == 0) {
            return of_other[i];
        }
    }
    return 0;
}

static spw_rc make_meters(dm_links *l, const size_t *of_cluster, const size_t *of_other, spw_diag *diag)
{
    const dm_config *c = l->config;
    kube_meter_spec *specs = zone_array(&l->z, c->meter_count + 1, sizeof *specs);
    if (c->meter_count == 0) {
        return SPW_OK;
    }
    for (size_t i = 0; specs != NULL && i < c->meter_count; i++) {
        const dm_meter *m = &c->meters[i];
        const char *way = "";
        const size_t server = server_named(l, m->server, of_cluster, of_other, &way);
        specs[i] = (kube_meter_spec){.kind = m->kind,
                                     .server = server,
                                     .prefix = zone_format(&l->z, "%s%s", way, m->prefix),
                                     .cluster = m->cluster,
                                     .metric = m->metric,
                                     .series = m->series,
                                     .space = m->space,
                                     .name = m->name,
                                     .selector = m->selector,
                                     .object = m->object,
                                     .query = m->query,
                                     .pod_label = m->pod_label,
                                     .space_label = m->space_label,
                                     .cluster_label = m->cluster_label,
                                     .period = m->period};
    }
    l->meters = l->z.failed ? NULL : kube_meters_new(specs, c->meter_count, l->fleet, &l->wire, l->seed + 1);
    return l->meters != NULL ? SPW_OK : no_memory(diag);
}

static void renew(void *user)
{
    dm_links *l = user;
    if (l->lease != NULL) {
        (void)kube_lease_step(l->lease, l->host->mono(l->host->user), l->host->unix_now(l->host->user));
    }
}

static spw_rc make_inventory(dm_links *l, const size_t *of_cluster, spw_diag *diag)
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
                    .server = of_cluster[i],
                    .path = zone_format(&l->z, "%s%s", l->spec.clusters[i].prefix, pool->object),
                    .target = pool->object_target};
            }
        }
    }
    const char **argv = zone_array(&l->z, c->inventory.count + 1, sizeof *argv);
    if (l->z.failed) {
        return no_memory(diag);
    }
    for (size_t i = 0; i < c->inventory.count; i++) {
        argv[i] = c->inventory.at[i];
    }
    if (n == 0 && c->inventory.count == 0) {
        return SPW_OK;
    }
    kube_inventory_spec *spec = zone_take(&l->z, sizeof *spec);
    if (spec == NULL) {
        return no_memory(diag);
    }
    *spec = (kube_inventory_spec){.objects = objects,
                                  .object_count = n,
                                  .argv = c->inventory.count > 0 ? argv : NULL,
                                  .period = c->inventory_period,
                                  .timeout = c->inventory_timeout,
                                  .meanwhile = renew,
                                  .user = l,
                                  .seed = l->seed + 2};
    l->inventory = kube_inventory_new(spec, &l->wire);
    return l->inventory != NULL ? SPW_OK : no_memory(diag);
}

/* --- lease and writer --- */

static spw_time mono(void *user)
{
    const dm_links *l = user;
    return l->host->mono(l->host->user);
}

static bool may_write(void *user)
{
    return dm_links_may_write(user);
}

static spw_rc make_lease(dm_links *l, spw_diag *diag)
{
    const dm_config *c = l->config;
    if (!c->lease || l->host->dry_run) {
        return SPW_OK;
    }
    if (c->identity != NULL) {
        (void)snprintf(l->identity, sizeof l->identity, "%s", c->identity);
    } else {
        char name[64] = "host";
        (void)gethostname(name, sizeof name - 1);
        (void)snprintf(l->identity, sizeof l->identity, "%.60s_%ld_%016" PRIx64, name, (long)getpid(), l->seed);
    }
    const kube_lease_spec spec = {.wire = &l->wire,
                                  .server = 0,
                                  .space = c->lease_space,
                                  .name = c->lease_name,
                                  .identity = l->identity,
                                  .duration = c->lease_duration,
                                  .renew_deadline = c->lease_renew,
                                  .retry = c->lease_retry,
                                  .seed = l->seed + 3};
    l->lease = kube_lease_new(&spec);
    return l->lease != NULL ? SPW_OK : no_memory(diag);
}

static spw_rc make_writer(dm_links *l, spw_diag *diag)
{
    const dm_config *c = l->config;
    const kube_writer_spec spec = {.wire = &l->wire,
                                   .server_count = l->server_count,
                                   .breaker_count = c->cluster_count + 1,
                                   .call_timeout = c->call_timeout,
                                   .at_once = c->at_once,
                                   .rate = c->rate,
                                   .burst = c->burst,
                                   .breaker_after = c->breaker_after,
                                   .breaker_for = c->breaker_for,
                                   .seed = l->seed + 4,
                                   .server_dry_run = c->act == DM_ACT_SERVER,
                                   .clock = mono,
                                   .may_write = may_write,
                                   .meanwhile = renew,
                                   .user = l};
    l->writer = kube_writer_new(&spec);
    return l->writer != NULL ? SPW_OK : no_memory(diag);
}

spw_rc dm_links_new(const dm_config *config, const dm_host *host, spw_diag *diag, dm_links **out)
{
    dm_links *l = calloc(1, sizeof *l);
    if (l == NULL) {
        return no_memory(diag);
    }
    l->config = config;
    l->host = host;
    l->seed = (uint64_t)host->unix_now(host->user) ^ (uint64_t)getpid() << 40;
    zone_init(&l->z, NULL);
    const size_t most = config->cluster_count + config->server_count + 1;
    l->sets = zone_array(&l->z, most, sizeof *l->sets);
    l->servers = zone_array(&l->z, most, sizeof *l->servers);
    size_t *of_cluster = zone_array(&l->z, config->cluster_count + 1, sizeof *of_cluster);
    size_t *of_other = zone_array(&l->z, config->server_count + 1, sizeof *of_other);
    spw_rc rc = l->z.failed ? no_memory(diag) : add_servers(l, of_cluster, of_other, diag);
    rc = rc == SPW_OK ? open_wire(l, diag) : rc;
    rc = rc == SPW_OK ? make_fleet(l, of_cluster, diag) : rc;
    rc = rc == SPW_OK ? make_meters(l, of_cluster, of_other, diag) : rc;
    rc = rc == SPW_OK ? make_inventory(l, of_cluster, diag) : rc;
    rc = rc == SPW_OK ? make_lease(l, diag) : rc;
    rc = rc == SPW_OK ? make_writer(l, diag) : rc;
    if (rc != SPW_OK) {
        dm_links_free(l);
        return rc;
    }
    *out = l;
    return SPW_OK;
}

void dm_links_free(dm_links *l)
{
    if (l != NULL) {
        kube_writer_free(l->writer);
        kube_lease_free(l->lease);
        kube_inventory_free(l->inventory);
        kube_meters_free(l->meters);
        kube_fleet_free(l->fleet);
        kube_curl_free(l->curl);
        for (size_t i = 0; i < l->server_count; i++) {
            kube_access_free(l->sets[i]);
        }
        zone_fini(&l->z);
        free(l);
    }
}

/* --- running --- */

static spw_time sooner(spw_time a, spw_time b)
{
    return a < b ? a : b;
}

spw_time dm_links_step(dm_links *l)
{
    const spw_time now = l->host->mono(l->host->user), wall = l->host->unix_now(l->host->user);
    spw_time next = kube_fleet_step(l->fleet, now);
    next = l->lease != NULL ? sooner(next, kube_lease_step(l->lease, now, wall)) : next;
    next = l->meters != NULL ? sooner(next, kube_meters_step(l->meters, now, wall)) : next;
    return l->inventory != NULL ? sooner(next, kube_inventory_step(l->inventory, now, wall)) : next;
}

void dm_links_run(dm_links *l, spw_dur longest)
{
    (void)l->wire.run(l->wire.self, longest > 0 ? longest : 1);
}

const kube_wire *dm_links_wire(const dm_links *l)
{
    return &l->wire;
}

kube_fleet *dm_links_fleet(dm_links *l)
{
    return l->fleet;
}

kube_writer *dm_links_writer(dm_links *l)
{
    return l->writer;
}

kube_meters *dm_links_meters(dm_links *l)
{
    return l->meters;
}

kube_inventory *dm_links_inventory(dm_links *l)
{
    return l->inventory;
}

kube_lease *dm_links_lease(dm_links *l)
{
    return l->lease;
}

bool dm_links_may_write(const dm_links *l)
{
    return !l->host->dry_run && (l->stopped == NULL || !l->stopped(l->stopped_user)) &&
           (l->lease == NULL || kube_lease_may_write(l->lease, l->host->mono(l->host->user)));
}

uint64_t dm_links_epoch(const dm_links *l)
{
    return l->lease != NULL ? kube_lease_epoch(l->lease) : 0;
}

void dm_links_brake(dm_links *l, bool (*stopped)(void *user), void *user)
{
    l->stopped = stopped;
    l->stopped_user = user;
}

spw_rc dm_links_manifests(dm_links *l, spw_manifest_set *set,
                          bool (*text)(void *user, const char *name, const char *text), void *user, spw_diag *diag,
                          kube_manifests_result *out)
{
    const dm_config *c = l->config;
    const kube_manifests_spec spec = {.wire = &l->wire,
                                      .server = 0,
                                      .prefix = "",
                                      .spaces = c->spaces.at,
                                      .space_count = c->spaces.count,
                                      .selector = c->work_selector,
                                      .skip = c->skip.at,
                                      .skip_count = c->skip.count,
                                      .text = text,
                                      .user = user};
    return kube_manifests_read(&spec, set, diag, out);
}

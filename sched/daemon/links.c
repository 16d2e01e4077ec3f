/* SPDX-License-Identifier: Apache-2.0 */
/* links.c - lease and writer; all ties made, run and cut. */
#include "sched/daemon/links_int.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

spw_rc links_no_memory(spw_diag *diag)
{
    spw_diag_add(diag, SPW_DIAG_ERROR, NULL, 0, 0, "out of memory");
    return SPW_NOMEM;
}

/* --- lease and writer --- */

void links_renew(void *user)
{
    dm_links *l = user;
    if (l->lease != NULL) {
        (void)kube_lease_step(l->lease, l->host->mono(l->host->user), l->host->unix_now(l->host->user));
    }
}

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
    return l->lease != NULL ? SPW_OK : links_no_memory(diag);
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
                                   .meanwhile = links_renew,
                                   .user = l};
    l->writer = kube_writer_new(&spec);
    return l->writer != NULL ? SPW_OK : links_no_memory(diag);
}

spw_rc dm_links_new(const dm_config *config, const dm_host *host, spw_diag *diag, dm_links **out)
{
    dm_links *l = calloc(1, sizeof *l);
    if (l == NULL) {
        return links_no_memory(diag);
    }
    l->config = config;
    l->host = host;
    l->seed = (uint64_t)host->unix_now(host->user) ^ (uint64_t)getpid() << 40;
    zone_init(&l->z, NULL);
    zone_init(&l->meter_z, NULL);
    const size_t most = config->cluster_count + config->server_count + 1;
    l->sets = zone_array(&l->z, most, sizeof *l->sets);
    l->servers = zone_array(&l->z, most, sizeof *l->servers);
    l->of_cluster = zone_array(&l->z, config->cluster_count + 1, sizeof *l->of_cluster);
    l->of_other = zone_array(&l->z, config->server_count + 1, sizeof *l->of_other);
    spw_rc rc = l->z.failed ? links_no_memory(diag) : links_add_servers(l, diag);
    rc = rc == SPW_OK ? links_open_wire(l, diag) : rc;
    rc = rc == SPW_OK ? links_make_fleet(l, diag) : rc;
    rc = rc == SPW_OK ? links_make_inventory(l, diag) : rc;
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
        zone_fini(&l->meter_z);
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

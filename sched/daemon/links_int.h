/* SPDX-License-Identifier: Apache-2.0 */
/* links_int.h - the insides of links: what its files share. */
#ifndef SCHED_DAEMON_LINKS_INT_H
#define SCHED_DAEMON_LINKS_INT_H

#include "sched/daemon/links.h"
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
    size_t *of_cluster, *of_other; /* servers of clusters and of spec.servers */
    zone meter_z;                  /* what `meters` borrows */
    kube_meters *meters;           /* NULL = none */
    kube_inventory *inventory;
    kube_lease *lease;
    kube_writer *writer;
    char identity[IDENTITY_SIZE];
    uint64_t seed;
    bool (*stopped)(void *user);
    void *stopped_user;
};

spw_rc links_no_memory(spw_diag *diag);
/** Holds the lease while something else blocks; user = the links. */
void links_renew(void *user);

/* links_world.c; each SPW_OK, or with an error in diag */
spw_rc links_add_servers(dm_links *links, spw_diag *diag);
spw_rc links_open_wire(dm_links *links, spw_diag *diag);
spw_rc links_make_fleet(dm_links *links, spw_diag *diag);
/* links_meters.c; likewise */
spw_rc links_make_inventory(dm_links *links, spw_diag *diag);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * links.h - the daemon's ties to API servers: a wire to all of them, what is known of the fleet, meters, inventory, the
 * lease, the writer. It stands as long as the Daemon file does; what is governed may change meanwhile (gear.h).
 */
#ifndef SCHED_DAEMON_LINKS_H
#define SCHED_DAEMON_LINKS_H

#include "sched/daemon/config.h"
#include "sched/daemon/host.h"
#include "sched/kube/inventory.h"
#include "sched/kube/lease.h"
#include "sched/kube/manifests.h"
#include "sched/kube/writes.h"

typedef struct dm_links dm_links;

/** config and host are borrowed. @return SPW_OK; SPW_INVAL or SPW_BACKEND with errors in diag; SPW_NOMEM */
spw_rc dm_links_new(const dm_config *config, const dm_host *host, spw_diag *diag, dm_links **out);
void dm_links_free(dm_links *links); /**< gives no lease up; NULL allowed */

/**
 * Measures what the Daemon file lists, and what the autoscalers of this configuration name (derived.h). Meters that
 * stay keep what they know. @return false: out of memory; all is as it was
 */
bool dm_links_measure(dm_links *links, const spw_config *governed);

/** Starts what is due. @return when to call again at the latest, on host->mono */
spw_time dm_links_step(dm_links *links);
/** Moves bytes for at most so long; returns sooner when something has happened. */
void dm_links_run(dm_links *links, spw_dur longest);

const kube_wire *dm_links_wire(const dm_links *links);
kube_fleet *dm_links_fleet(dm_links *links);
kube_writer *dm_links_writer(dm_links *links);
kube_meters *dm_links_meters(dm_links *links);       /**< NULL = none */
kube_inventory *dm_links_inventory(dm_links *links); /**< NULL = none */
kube_lease *dm_links_lease(dm_links *links);         /**< NULL = none is wanted: always leader */

bool dm_links_may_write(const dm_links *links); /**< we hold the lease right now, and nobody has stopped us */
uint64_t dm_links_epoch(const dm_links *links);
/** Asked before each write beside the lease: the kill switch. NULL = no */
void dm_links_brake(dm_links *links, bool (*stopped)(void *user), void *user);

/** What the servers hold, added to a set; `text` as in kube_manifests_spec. @return as kube_manifests_read() */
spw_rc dm_links_manifests(dm_links *links, spw_manifest_set *set,
                          bool (*text)(void *user, const char *name, const char *text), void *user, spw_diag *diag,
                          kube_manifests_result *out);

#endif

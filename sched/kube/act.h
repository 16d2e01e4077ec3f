/* SPDX-License-Identifier: Apache-2.0 */
/**
 * act.h - what changes the world: actuators for plain Kubernetes clusters, for a Karmada control plane, and for
 * anything that a program can reach.
 *
 *   kubernetes  place -> the scale subresource of the workload's object in that cluster, one merge patch. scale -> the
 * count of the template, which no server holds: kube_source keeps it. karmada     place -> spec.clusters of the
 * ResourceBinding, the whole list in one merge patch for each workload, then its status. scale -> the scale subresource
 * of the template in the control plane. command     the whole plan as JSON to a program; see act_command.h. The first
 * two leave verbs that are not theirs (provision, release, route, prefetch) alone, without a word: put them beside a
 * command actuator with spw_actuator_tee() where those are wanted.
 *
 * What holds for each write: it names the resourceVersion and the uid it was decided on; it is sent at most until it is
 * known to have landed, never twice for one ticket of one tick (a tick that is said again has the same number and the
 * same time: a core that starts anew counts from 0, and says something new); an open outcome is read, never assumed;
 * what somebody else has changed since the snapshot is left as they want it. It carries the plan's id - epoch, tick,
 * number of the action - and the reason: in the server's audit log (Audit-ID), and in annotations of a ResourceBinding.
 * A Scale has no annotations of its own, and one on the object would raise its generation and need more rights than
 * `scale`.
 *
 * Within a tick everything that grows is over before anything shrinks. Waiting until the new replicas are ready is a
 * matter of several ticks: the core's moves do it, and guard.h holds every shrink that would cost ready replicas.
 */
#ifndef SCHED_KUBE_ACT_H
#define SCHED_KUBE_ACT_H

#include <spillway/seam.h>

#include "sched/kube/source.h"
#include "sched/kube/writes.h"

/** What became of an action. Borrowed for the call. */
typedef struct kube_told {
    const spw_action *action; /**< rows are of `snap` */
    const spw_snapshot *snap;
    uint64_t ticket;
    kube_fate fate;    /**< NONE: held back by a guard, see `why` */
    const char *why;   /**< "" when done as planned; else one line for people */
    const char *guard; /**< name of the guard that changed or held it, "" = none */
    int attempts;      /**< writes sent; 0 = the object was as wanted already, or nothing was sent */
} kube_told;

typedef struct kube_act_spec {
    const kube_fleet *fleet;
    kube_writer *writer;      /**< breaker i: cluster i of the fleet's spec; breaker cluster_count: the control plane */
    kube_source *source;      /**< kubernetes: keeps the counts of templates; not used by karmada */
    const spw_config *config; /**< rows as in the snapshot: which workloads are StatefulSets; karmada: names of groups
                                 for statuses. NULL = all are Deployments, no group has a name */
    spw_dur within;           /**< longest time for the writes of one tick; 0 = 10 s */
    const char *manager;      /**< fieldManager; NULL = "spillway" */
    uint64_t (*epoch)(void *user);                   /**< the fencing epoch writes carry (lease.h); NULL = 0 */
    void (*told)(void *user, const kube_told *told); /**< once for each action at commit; may be NULL */
    spw_time (*clock)(void *user);                   /**< the writer's clock */
    void *user;
} kube_act_spec;

typedef struct kube_act kube_act;

/** For a fleet of KUBE_MODE_KUBERNETES. spec is copied, what it points to borrowed. @return NULL: out of memory */
kube_act *kube_act_kubernetes_new(const kube_act_spec *spec);
/** For a fleet of KUBE_MODE_KARMADA. */
kube_act *kube_act_karmada_new(const kube_act_spec *spec);
void kube_act_free(kube_act *act); /**< NULL allowed */

/**
 * begin and submit send nothing. commit returns SPW_OK when every action is as planned; else SPW_BACKEND, with the
 * first that is not in err; SPW_NOMEM when it could not even begin, nothing was sent.
 */
spw_actuator kube_act_seam(kube_act *act);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * inventory.h - what is known of pools beside their nodes: how many nodes each group is told to have, how many the
 * provider has left, how often creating one has failed. From objects of an API server, from a program, or both.
 *
 * An object is read with GET, and integers are taken from it by path: "spec.replicas" of a Cluster API
 * MachineDeployment or MachinePool is the target of its pool.
 *
 * The program gets no input and prints one JSON object:
 *   {"pools":[{"cluster":"ack","pool":"od","target":4,"stock":20,"failures":1,"observed_ns":1790000000000000000}]}
 * cluster and pool are required; target and stock null or absent = not known, failures 0, observed_ns when it was read.
 * Every key, type and range is checked: a document with a fault is refused whole, and the old rows age.
 * Where both name a pool, the program's row stands, and the object fills in a target that it does not know.
 */
#ifndef SCHED_KUBE_INVENTORY_H
#define SCHED_KUBE_INVENTORY_H

#include "sched/kube/source.h"
#include "sched/kube/verdict.h"

typedef struct kube_inventory_object {
    const char *cluster, *pool;
    size_t server;
    const char *path;   /**< "/apis/cluster.x-k8s.io/v1beta1/namespaces/n/machinedeployments/od", with any prefix */
    const char *target; /**< "spec.replicas" */
} kube_inventory_object;

/** Everything is borrowed for the inventory's life. */
typedef struct kube_inventory_spec {
    const kube_inventory_object *objects; /**< [object_count] */
    size_t object_count;
    const char *const *argv;       /**< the program, NULL-terminated; NULL = none */
    spw_dur period;                /**< 0 = 60 s */
    spw_dur timeout;               /**< of the program and of each GET; 0 = 10 s */
    void (*meanwhile)(void *user); /**< while the program runs; may be NULL */
    void *user;
    uint64_t seed; /**< for jitter */
} kube_inventory_spec;

typedef struct kube_inventory kube_inventory;

kube_inventory *kube_inventory_new(const kube_inventory_spec *spec, const kube_wire *wire); /**< NULL: no memory */
void kube_inventory_free(kube_inventory *inventory);                                        /**< NULL allowed */

/** Asks what is due; blocks while the program runs. @return when to call again at the latest */
spw_time kube_inventory_step(kube_inventory *inventory, spw_time now, spw_time unix_ns);

/** For kube_source_spec.inventory; borrowed until the next step. */
size_t kube_inventory_rows(kube_inventory *inventory, const kube_inventory_row **rows);

typedef struct kube_inventory_state {
    uint64_t answers, failures;
    char trouble[200]; /**< of the last failure, "" while all is well */
} kube_inventory_state;
void kube_inventory_state_get(const kube_inventory *inventory, kube_inventory_state *out);

#endif

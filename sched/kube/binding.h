/* SPDX-License-Identifier: Apache-2.0 */
/** binding.h - what is written to one ResourceBinding: its spec, then its status. Internal to the Karmada actuator. */
#ifndef SCHED_KUBE_BINDING_H
#define SCHED_KUBE_BINDING_H

#include "sched/kube/act_int.h"

#define BINDING_US "spillway" /**< producer of our eviction tasks */

typedef struct binding_wish {
    kube_act *act;
    const char *path, *status_path, *query, *uid; /**< uid NULL until binding_know() */
    kube_target *base, *want; /**< sorted by name; base: spec.clusters as the decision found it, faults and all */
    size_t base_count, want_count;
    int64_t base_sum;     /**< without the faults */
    kube_target *leaving; /**< clusters that leave the list, with what they had */
    size_t leaving_count;
    bool shrinks, too_much;
    size_t changes;             /**< actions that change something */
    const act_entry *lead;      /**< the first of them: gives the write its tag */
    const spw_outcome *outcome; /**< NULL = not known */
    size_t write;               /**< of the spec, ACT_NO_WRITE = none */
    spw_id row;
    const char *placement, *evictions; /**< of the store's row, until the object itself was read */
    json_t *object;                    /**< as last read or answered, NULL = not yet */
} binding_wish;

/** Fills paths and the uid. @return false: out of memory */
bool binding_know(kube_act *act, binding_wish *wish, const kube_binding *b);
/** Takes what the store has of the binding for what was read last, so that no reading is needed. @return false: memory
 */
bool binding_remember(binding_wish *wish, const kube_binding *b);
/** The write of the spec: clusters, eviction tasks, annotations. @return false: out of memory */
bool binding_write(kube_act *act, binding_wish *wish, const kube_binding *b, kube_write *out);
/** The write of the status. @return false: it is as wanted, or out of memory (the zone says so) */
bool binding_status_write(kube_act *act, binding_wish *wish, kube_write *out);
void binding_forget(binding_wish *wish);

#endif

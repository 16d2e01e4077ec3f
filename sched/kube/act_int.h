/* SPDX-License-Identifier: Apache-2.0 */
/** act_int.h - what the actuators share: the actions of the tick under way, plan ids, reports. Internal. */
#ifndef SCHED_KUBE_ACT_INT_H
#define SCHED_KUBE_ACT_INT_H

#include "sched/kube/act.h"
#include "sched/manifest/zone.h"

#define ACT_NO_WRITE SIZE_MAX

/** One action of the tick. */
typedef struct act_entry {
    spw_action action;
    uint64_t ticket;
    const char *space, *name; /**< of the workload */
    spw_workload_kind kind;   /**< likewise */
    size_t cluster;           /**< of the fleet's spec; SIZE_MAX for scale */
    bool fits;                /**< karmada: it stands in the list that will be written */
    size_t write;             /**< the write that carries it out, ACT_NO_WRITE = none */
    kube_fate fate;           /**< without a write: what is known already */
    const char *why;
} act_entry;

struct kube_act {
    kube_act_spec spec;
    const char *name;
    spw_rc (*carry_out)(kube_act *act, spw_err *err); /**< fills fates; entries with a write get theirs from there */
    spw_tick_info info;
    bool begun;
    uint64_t tick;    /**< of `landed` */
    uint64_t *landed; /**< [landed_count] tickets of this tick that are done: a retry does them no second time */
    size_t landed_count, landed_room;
    act_entry *entries; /**< [count] */
    size_t count, room;
    zone zone;          /**< texts and writes of this tick */
    kube_write *writes; /**< [write_count] in the zone */
    size_t write_count;
    spw_time deadline; /**< of this tick's writes */
};

kube_act *act_new(const kube_act_spec *spec, const char *name, spw_rc (*carry_out)(kube_act *act, spw_err *err));
uint64_t act_epoch(const kube_act *act);
spw_workload_kind act_kind(const kube_act *act, spw_id row); /**< of the workload in this row */
/** "spw-e<epoch>-t<tick>-<index>-<reason>", cut to what an Audit-ID may hold. */
void act_tag(const kube_act *act, const act_entry *entry, char *out, size_t room);
/** Marks an entry that nothing will be sent for. */
void act_settle(act_entry *entry, kube_fate fate, const char *why);
/** {"metadata":{"resourceVersion","uid"},"spec":{"replicas"}} @return malloc'ed, NULL when out of memory */
char *act_scale_body(const char *version, const char *uid, int64_t replicas);
/** Carries writes out until the tick's deadline. @return as kube_writer_run() */
spw_rc act_run(kube_act *act, kube_write *writes, size_t count, spw_err *err);

/**
 * Makes the write of a scale subresource for an entry, or settles the entry.
 * @param in  row    the workload's object as the store has it; NULL = it is not there
 * @param in  where  server, breaker, prefix
 * @return false: out of memory
 */
typedef struct act_where {
    size_t server, breaker;
    const char *prefix;
} act_where;
bool act_scale_write(kube_act *act, act_entry *entry, const kube_workload *row, const act_where *where);

#endif

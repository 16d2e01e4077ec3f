/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * kube_rig.h - servers in memory, a fleet that watches them, its source, a writer and an actuator, for tests: two
 * clusters, "idc" (server 0) and "ack" (server 1), each with a pool of nodes with 8 GPUs, a Karmada control plane
 * (server 2), two workloads, "prod/chat" and "prod/code". Monotonic time is the world's; Unix time is RIG_UNIX more.
 */
#ifndef TESTS_SUPPORT_KUBE_RIG_H
#define TESTS_SUPPORT_KUBE_RIG_H

#include "sched/kube/act.h"
#include "tests/support/kube_world.h"

#define RIG_UNIX  (INT64_C(790000000) * SPW_NS_PER_S) /* the world starts at 10^9 s */
#define RIG_TOLD  64
#define RIG_PLANE 2

enum { RIG_IDC = 0, RIG_ACK = 1 };
enum { RIG_CHAT = 0, RIG_CODE = 1 };

typedef struct rig_told {
    spw_action action;
    uint64_t ticket;
    kube_fate fate;
    char why[160], guard[32];
    int attempts;
} rig_told;

typedef struct kube_rig {
    kw_world *world;
    bool is_guest; /**< the world is another's */
    kube_wire wire, inner;
    kube_fleet_spec fleet_spec;
    kube_fleet *fleet;
    kube_source *source;
    kube_writer_spec writer_spec;
    kube_writer *writer;
    kube_act_spec act_spec;
    kube_act *act;
    uint64_t epoch;
    rig_told told[RIG_TOLD]; /**< of the last tick */
    size_t told_count;
    char tags[RIG_TOLD][65]; /**< of all writes that were started */
    size_t tag_count;
    bool writes_forbidden;
    spw_tick_info info; /**< of the last tick */
} kube_rig;

extern const spw_config rig_config;

void rig_start(kube_rig *r, kube_mode mode); /**< of rig_config; epoch 3 */
void rig_start_with(kube_rig *r, kube_mode mode, const spw_config *config);
/** Another daemon in a world that is there already, and outlives it. */
void rig_join(kube_rig *r, kube_mode mode, const spw_config *config, kw_world *world);
/** A new writer and a new actuator, after writer_spec or act_spec were changed. */
void rig_new_hands(kube_rig *r);
void rig_stop(kube_rig *r);
/** Lets the fleet work. */
void rig_live(kube_rig *r, spw_dur how_long);
const spw_snapshot *rig_look(kube_rig *r);
/** As the fleet sees it now. */
int32_t rig_assigned(kube_rig *r, spw_id workload, spw_id cluster);
spw_action rig_place(spw_id workload, spw_id cluster, int64_t before, int64_t amount, spw_reason reason);
/** One tick of the actuator `seam`: observe, begin, submit all, commit. */
spw_rc rig_tick(kube_rig *r, const spw_actuator *seam, uint64_t tick, const spw_action *plan, size_t count);
/** The last tick once more, as it was. */
spw_rc rig_again(kube_rig *r, const spw_actuator *seam, const spw_action *plan, size_t count);
spw_rc rig_act(kube_rig *r, uint64_t tick, const spw_action *plan, size_t count); /**< of r->act */
/** The Audit-ID of the n-th write that was started. */
const char *rig_tag(const kube_rig *r, size_t n);
void rig_deployment(kube_rig *r, size_t server, const char *name, int replicas); /**< in "prod"; new or changed */
void rig_note(void *user, const kube_told *told);                                /**< user = the rig */

#endif

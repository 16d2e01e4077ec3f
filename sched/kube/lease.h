/* SPDX-License-Identifier: Apache-2.0 */
/**
 * lease.h - who of several daemons may write: leader election over a coordination.k8s.io/v1 Lease.
 *
 * The protocol and the times are client-go's: the leader renews every 2 s, counts itself out when 10 s have passed
 * since it began the last renewal that succeeded, and the others wait until 15 s have passed since they saw the last
 * change. Each measures on its own monotonic clock; nobody compares anything with a time that somebody else wrote, so
 * wall clocks may be wrong by any amount. What is needed is that no clock runs half as fast again as another (15 / 10).
 *
 * No two may write at the same time: the leader's last moment is counted from before its request was sent, the others'
 * first from after the server had taken it. A write that is under way at the last moment has 5 s to end: give writes a
 * shorter time than that (kube_writer_spec.call_timeout). Should one still arrive late, it names the resourceVersion it
 * was decided on, and the epoch.
 *
 * The epoch is leaseTransitions + 1. It grows with every change of the holder, and marks what is written.
 */
#ifndef SCHED_KUBE_LEASE_H
#define SCHED_KUBE_LEASE_H

#include "sched/kube/verdict.h"

typedef struct kube_lease_spec {
    const kube_wire *wire; /**< borrowed */
    size_t server;
    const char *space, *name; /**< borrowed, as the next */
    const char *identity;     /**< no other process, not even a later one of this host, may have the same */
    spw_dur duration, renew_deadline, retry; /**< 0 = 15 s, 10 s, 2 s; retry < renew_deadline < duration */
    uint64_t seed;                           /**< for jitter */
} kube_lease_spec;

typedef struct kube_lease_state {
    bool leading;     /**< as of the last step; ask kube_lease_may_write() before a write */
    uint64_t epoch;   /**< of our own leadership, 0 = never led */
    char holder[128]; /**< who holds it, as last seen; "" = nobody or not known */
    spw_time renewed; /**< when the last renewal that succeeded began; SPW_TIME_MAX = never */
    uint64_t gained, lost, conflicts, failures;
    kube_status trouble; /**< of the last failure; verdict KUBE_OK while all is well */
} kube_lease_state;

typedef struct kube_lease kube_lease;

/** @return NULL when out of memory, or when the times are in no right order */
kube_lease *kube_lease_new(const kube_lease_spec *spec);
void kube_lease_free(kube_lease *lease); /**< sends nothing; NULL allowed */

/**
 * Starts what is due. Call after each run of the wire, and at the time it returned: also between the writes of a tick.
 * @param in  now      monotonic, of this process
 * @param in  unix_ns  what is written for people to read
 * @return when to call again at the latest
 */
spw_time kube_lease_step(kube_lease *lease, spw_time now, spw_time unix_ns);

/** Right now. To be asked immediately before each write; needs no step: a process that was asleep is told no. */
bool kube_lease_may_write(const kube_lease *lease, spw_time now);
uint64_t kube_lease_epoch(const kube_lease *lease); /**< of our own leadership, 0 = never led */

/**
 * Gives the leadership up, so that another need not wait: first it stops being ours, then the server is told. Blocks
 * for at most a few seconds. kube_lease_step() would try to become leader again.
 */
void kube_lease_release(kube_lease *lease, spw_time unix_ns);

/** A Lease that somebody has deleted starts counting anew: epochs shall be above `epoch`, which was seen on objects. */
void kube_lease_raise(kube_lease *lease, uint64_t epoch);

void kube_lease_state_get(const kube_lease *lease, kube_lease_state *out);

#endif

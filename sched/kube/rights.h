/* SPDX-License-Identifier: Apache-2.0 */
/**
 * rights.h - what an account must be allowed to do, in one table, and whether it is: asked of the servers themselves
 * (SelfSubjectAccessReview), so that a missing grant is named at the start and not met as a 403 in the night.
 *
 * The table is also the least that RBAC manifests have to grant, and the most that they should.
 */
#ifndef SCHED_KUBE_RIGHTS_H
#define SCHED_KUBE_RIGHTS_H

#include "sched/kube/fleet.h"

/** Why a right is needed; bits, so that a caller can ask for what its configuration uses. */
typedef enum kube_use {
    KUBE_USE_CLUSTER = 1,  /**< seeing a cluster: Deployments, StatefulSets, Pods, Nodes */
    KUBE_USE_SCALE = 2,    /**< scaling Deployments and StatefulSets */
    KUBE_USE_HUB = 4,      /**< seeing a Karmada control plane */
    KUBE_USE_BINDINGS = 8, /**< placing by ResourceBindings */
    KUBE_USE_LEASE = 16,   /**< leader election */
    KUBE_USE_POLICIES = 32 /**< reading policies and autoscalers from the API */
} kube_use;

typedef struct kube_right {
    uint32_t uses;                             /**< kube_use bits it belongs to */
    const char *group, *resource, *sub, *verb; /**< sub "" = the resource itself */
} kube_right;

/** @return the table, static */
const kube_right *kube_rights(size_t *count);

/** One question and its answer. */
typedef struct kube_review {
    const kube_right *right;
    size_t server;
    const char *prefix; /**< before every path; borrowed */
    const char *space;  /**< namespace it is asked for, "" = all; borrowed */
    enum { KUBE_MAY = 1, KUBE_MAY_NOT = 2, KUBE_NOT_SAID = 3 } answer;
    char why[160]; /**< of the server, or why it did not say */
} kube_review;

/** Fills reviews[] for the uses, each right once. @return how many; beyond `room` none is written, but counted */
size_t kube_reviews_for(uint32_t uses, size_t server, const char *prefix, const char *space, kube_review *reviews,
                        size_t room);

/**
 * Asks all of them, all at the same time; blocks until every one is answered or has failed.
 * @return SPW_OK if every answer is yes; SPW_BACKEND if one is not, or is missing; SPW_NOMEM
 */
spw_rc kube_reviews_ask(const kube_wire *wire, kube_review *reviews, size_t count, spw_dur timeout);

/** "patch deployments.apps/scale in prod". snprintf rules */
size_t kube_review_text(const kube_review *review, char *out, size_t room);

#endif

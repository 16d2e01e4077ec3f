/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * kube_play.h - everybody else in the worlds of a kube_rig: Deployment controllers, schedulers and kubelets of the
 * clusters, and Karmada's controllers. They act between requests, on the objects alone.
 *
 * A pod takes one GPU, gets a node as soon as one has room, and is ready PLAY_START later. A Deployment that shrinks
 * loses pods without a node first, then pods that are not ready, then the youngest.
 */
#ifndef TESTS_SUPPORT_KUBE_PLAY_H
#define TESTS_SUPPORT_KUBE_PLAY_H

#include "tests/support/kube_rig.h"

#define PLAY_START (20 * SPW_NS_PER_S)
#define PLAY_PODS  256

typedef struct play_pod {
    char name[64], owner[64];
    size_t server;
    int node; /* -1 = none */
    bool ready;
    spw_time since; /* on its node */
} play_pod;

typedef struct kube_play {
    kube_rig *rig;
    int nodes[2], gpus; /* nodes of each cluster, GPUs of each node */
    play_pod pods[PLAY_PODS];
    size_t count;
    uint64_t born;
} kube_play;

/** Manifests of prod/chat, 6 replicas of one GPU, at home in idc, overflowing to ack and coming back. */
extern const char play_manifests[];

/** Nodes, and in a Karmada fleet the two Clusters. */
void play_start(kube_play *p, kube_rig *r, int idc_nodes, int ack_nodes, int gpus);
void play_step(kube_play *p);
int play_ready(const kube_play *p, size_t server, const char *owner); /**< server SIZE_MAX: on both */
/** A template with its binding (Karmada), or a Deployment in each cluster with 0 replicas but `replicas` in the first.
 */
void play_workload(kube_play *p, const char *name, int replicas);
int play_replicas(const kube_play *p, size_t server); /**< spec.replicas of chat's Deployment there, 0 without one */
/** @return NULL; what is wrong when fewer than so many are ready, or more than so many wanted anywhere. Static text */
const char *play_trouble(const kube_play *p, int ready_least, int replicas_most);
/** spec.replicas of the template: in the control plane, or what the source is told. */
void play_want(kube_play *p, const char *name, spw_id workload, int replicas);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * daemon_rig.h - a daemon over API servers in memory: two clusters, "idc" with 16 GPUs that are owned and "ack" with
 * none yet, and prod/chat, 5 replicas of 2 GPUs, at home in idc, overflowing to ack. Its files are in dr_folder.
 */
#ifndef TESTS_SUPPORT_DAEMON_RIG_H
#define TESTS_SUPPORT_DAEMON_RIG_H

#include <stdio.h>

#include "sched/daemon/daemon.h"
#include "tests/support/kube_world.h"

typedef struct daemon_rig {
    kw_world *world;
    kube_wire wire; /**< what the daemon gets; a test may put its own between */
    FILE *log;
    char *said;
    size_t said_size;
    dm_voice voice;
    dm_host host;
    spw_dur skew; /**< of this host's wall clock */
    int pods[2];  /**< of each server */
} daemon_rig;

extern char dr_folder[64];
int dr_make_folder(void **state);   /**< for cmocka_run_group_tests() */
int dr_remove_folder(void **state); /**< likewise */

/** A file in the folder, written anew. */
void dr_write_text(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
void dr_forget(const char *name);

void dr_start(daemon_rig *r); /**< the servers; m.yaml */
void dr_stop(daemon_rig *r);
bool dr_has_said(daemon_rig *r, const char *text); /**< in its log so far */

/** d.yaml. memory: more of spec.memory, after a comma; more: further lines of spec. */
void dr_config(const char *act, bool lease, const char *memory, const char *more);
dm_daemon *dr_open(daemon_rig *r); /**< of d.yaml as it is */
dm_daemon *dr_begin(daemon_rig *r, const char *act, bool lease, const char *memory);
void dr_end(dm_daemon *d);

/** Both daemons in turn, so that neither waits for the other; b may be NULL. Each replica gets a ready pod. */
void dr_live(daemon_rig *r, dm_daemon *a, dm_daemon *b, spw_dur how_long);

/** What kubelets and controllers would do: a ready pod for each replica, four on a node. dr_live() does it, too. */
void dr_keep_pods(daemon_rig *r);

void dr_put_node(kw_world *w, size_t server, const char *name); /**< with 8 GPUs */
void dr_put_deployment(kw_world *w, size_t server, int replicas);

#endif

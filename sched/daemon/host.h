/* SPDX-License-Identifier: Apache-2.0 */
/** host.h - what a daemon has from outside: clocks, files, a wire, a voice. The tests bring their own. */
#ifndef SCHED_DAEMON_HOST_H
#define SCHED_DAEMON_HOST_H

#include "sched/daemon/files.h"
#include "sched/daemon/say.h"
#include "sched/kube/wire.h"

typedef struct dm_host {
    const dm_files *files;
    const dm_voice *voice;
    const kube_wire *wire;            /**< NULL: libcurl, to the servers of the configuration */
    spw_time (*mono)(void *user);     /**< a clock that never jumps */
    spw_time (*unix_now)(void *user); /**< wall clock */
    void *user;
    int wake_fd;   /**< readable when a signal has come; -1 = none */
    FILE *results; /**< plans, with `once` and `explain` */
    bool once;     /**< one tick, its plan to `results`, end */
    bool dry_run;  /**< nothing is written: not to servers, not to files */
    bool explain;  /**< plans with what was considered, as JSON, to `results` */
} dm_host;

#endif

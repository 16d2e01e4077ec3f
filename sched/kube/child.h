/* SPDX-License-Identifier: Apache-2.0 */
/**
 * child.h - one program run to its end: text in, text out, within a time. For credential plugins, inventory commands
 * and the command actuator. No shell is involved. The child gets a process group of its own, which is killed whole
 * when the time is over; descriptors other than 0, 1, 2 are not passed on by us (all of ours are close-on-exec).
 */
#ifndef SCHED_KUBE_CHILD_H
#define SCHED_KUBE_CHILD_H

#include <spillway/types.h>

typedef struct child_task {
    const char *const *argv; /**< NULL-terminated; argv[0] is looked up in PATH unless it has a '/' */
    const char *const *env;  /**< [env_count] "NAME=value" added to ours */
    size_t env_count;
    const char *input; /**< for standard input, may be NULL */
    size_t input_size;
    size_t output_most;            /**< more output than this is a failure */
    spw_dur timeout;               /**< > 0 */
    void (*meanwhile)(void *user); /**< called about every 50 ms while it runs, e.g. to renew a lease; may be NULL */
    void *user;
} child_task;

typedef struct child_result {
    char *output; /**< standard output, terminated; free with child_result_fini, which wipes it */
    size_t size;
    int exit_status; /**< 0..255; -1 = it ended by a signal, ran out of time or never began */
    char error[160]; /**< why it failed; the first line of its standard error when it said one. "" after success */
} child_result;

/** Blocks until the program has ended. @return SPW_OK (exit status 0); SPW_BACKEND with result->error; SPW_NOMEM */
spw_rc child_run(const child_task *task, child_result *result);
void child_result_fini(child_result *result);

#endif

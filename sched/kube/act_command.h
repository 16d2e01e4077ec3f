/* SPDX-License-Identifier: Apache-2.0 */
/**
 * act_command.h - an actuator that hands a tick's actions to a program: for fleets that no other actuator knows, for
 * node groups, load balancers, image caches.
 *
 * The program gets one JSON object on its standard input, ending in '\n':
 *   {"apiVersion":"spillway.dev/v1","kind":"Plan","id":"e3-t7","epoch":3,"tick":7,"now_ns":1790000000000000000,
 *    "actions":[{"ticket":7340032,"verb":"provision","cluster":"ack","pool":"od","before":2,"amount":4,
 *                "reason":"nodes-for-pending"},
 *               {"ticket":7340033,"verb":"route","namespace":"prod","name":"chat","cluster":"ack","before":0,
 *                "amount":250000,"reason":"route-ready","after":7340032}]}
 * Amounts are absolute, as in plan.h, so carrying a plan out twice must change nothing; `after` is the ticket of the
 * action that an action is to come after. Of a fleet with several leaders in turn, a program should refuse an epoch
 * older than one it has seen.
 *
 * It says what became of it by its exit status - 0: everything is carried out - or in detail on its standard output,
 * with any exit status:
 *   {"results":[{"ticket":7340032,"done":true},{"ticket":7340033,"done":false,"why":"no such pool"}]}
 * What it does not name is as its exit status says. A program that was killed because its time was over, or that said
 * something else, leaves the outcome unknown: the next tick sees.
 *
 * It is not run for a tick without actions, and never for a ticket that it has called done.
 */
#ifndef SCHED_KUBE_ACT_COMMAND_H
#define SCHED_KUBE_ACT_COMMAND_H

#include "sched/kube/act.h"

typedef struct act_command_spec {
    const char *const *argv;                         /**< NULL-terminated; borrowed; see child.h */
    uint32_t verbs;                                  /**< bit (1 << spw_verb) for each verb it is given; 0 = all */
    spw_dur timeout;                                 /**< 0 = 10 s */
    uint64_t (*epoch)(void *user);                   /**< NULL = 0 */
    bool (*may_write)(void *user);                   /**< asked before the program is run; NULL = always */
    void (*meanwhile)(void *user);                   /**< while it runs; may be NULL */
    void (*told)(void *user, const kube_told *told); /**< may be NULL */
    void *user;
} act_command_spec;

/** Verbs that the kubernetes and karmada actuators leave alone. */
#define ACT_COMMAND_OTHERS                                                                                             \
    ((1u << SPW_VERB_PROVISION) | (1u << SPW_VERB_RELEASE) | (1u << SPW_VERB_ROUTE) | (1u << SPW_VERB_PREFETCH))

typedef struct act_command act_command;

act_command *act_command_new(const act_command_spec *spec); /**< spec is copied. @return NULL when out of memory */
void act_command_free(act_command *act);                    /**< NULL allowed */
spw_actuator act_command_seam(act_command *act);

#endif

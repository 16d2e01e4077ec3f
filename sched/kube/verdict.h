/* SPDX-License-Identifier: Apache-2.0 */
/**
 * verdict.h - what an answer of an API server means for the one who asked.
 *
 * Decided on the status, the `reason` of the Status object and the shape of the body, never on the status alone:
 * kube-apiserver answers 429, some 503 and an unknown group's 404 in plain text, a timed out request in JSON without a
 * kind, and says 403 for permissions, quotas, webhooks and its own first seconds.
 */
#ifndef SCHED_KUBE_VERDICT_H
#define SCHED_KUBE_VERDICT_H

#include "sched/kube/wire.h"

typedef enum kube_verdict {
    KUBE_OK = 0,
    KUBE_CONFLICT = 1,        /**< 409 Conflict: the object changed meanwhile. Read, decide anew */
    KUBE_EXISTS = 2,          /**< 409 AlreadyExists: somebody created it first */
    KUBE_OWNED = 3,           /**< 409 with causes FieldManagerConflict: another manager owns the field */
    KUBE_GONE = 4,            /**< 410, or an ERROR event with code 410: list again */
    KUBE_ABSENT = 5,          /**< 404 about an object or a resource: it is not there */
    KUBE_DENIED = 6,          /**< 403: may pass later, e.g. in the first moments of a server. Slow retry */
    KUBE_UNAUTHENTICATED = 7, /**< 401: read credentials again, then slow retry */
    KUBE_INVALID = 8,         /**< 400, 405, 406, 413, 415, 422: this very request will never work */
    KUBE_BUSY = 9,            /**< 429, 503: not carried out; wait as long as it says */
    KUBE_UNSURE = 10,     /**< 500, 504, a broken connection: a write may have happened. Read before anything else */
    KUBE_UNREACHABLE = 11 /**< no connection: certainly not carried out */
} kube_verdict;

typedef struct kube_status {
    kube_verdict verdict;
    int code;        /**< HTTP status, 0 if none */
    char reason[64]; /**< of the Status object, or "" */
    char text[200];  /**< one line for people; never holds a header or a credential */
    spw_dur wait;    /**< as the server asked; -1 = it did not say */
} kube_status;

/** @param in  write  false: an unsure answer to a read is merely KUBE_UNSURE, too; the flag only words the text */
void kube_status_of(const kube_answer *answer, bool write, kube_status *out);
void kube_status_of_reply(const kube_reply *reply, bool write, kube_status *out);

/** The Status inside an ERROR event of a watch. @param in  json  the event's object as text */
void kube_status_of_event(const char *json, size_t size, kube_status *out);

const char *kube_verdict_name(kube_verdict verdict); /**< "conflict", ...; stable, for logs and metrics */

/** Whether the same request may be sent again without reading first. */
bool kube_verdict_is_unapplied(kube_verdict verdict);

#endif

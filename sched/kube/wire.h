/* SPDX-License-Identifier: Apache-2.0 */
/**
 * wire.h - requests to API servers, and nothing of what they mean.
 *
 * A wire carries calls to one or more servers at the same time, in one thread: start() hands a call over, run() moves
 * bytes and calls back. Two wires exist: wire_curl.c talks to real servers, and the tests have a scripted one that
 * fails at any call they like. Everything above this header is the same for both.
 *
 * The one thing a caller must know about a failure is whether the request may have had an effect: `end` says it.
 */
#ifndef SCHED_KUBE_WIRE_H
#define SCHED_KUBE_WIRE_H

#include <spillway/types.h>

/** How a call ended. */
typedef enum kube_end {
    KUBE_END_ANSWERED = 1, /**< a status and a whole body came */
    KUBE_END_UNSENT = 2,   /**< no connection: the server has seen nothing of it */
    KUBE_END_BROKEN = 3    /**< sent, at least in part, and no whole answer: it may or may not have been carried out */
} kube_end;

typedef struct kube_answer {
    kube_end end;
    int status;          /**< HTTP status; 0 if none came */
    spw_dur retry_after; /**< of the header Retry-After; -1 = none */
    const char *body;    /**< terminated; "" for streams and where there is none. Borrowed for the callback */
    size_t size;
    const char *error; /**< a sentence about the transport; "" when answered */
} kube_answer;

typedef struct kube_call {
    size_t server;            /**< index of the server, in the order the wire was given them */
    const char *method;       /**< "GET", "PATCH", "PUT", "POST" */
    const char *path;         /**< "/apis/...?...", already escaped */
    const char *content_type; /**< NULL = no body */
    const char *body;
    size_t body_size;
    const char *tag; /**< sent as Audit-ID, at most 64 characters: the server's audit log has it. NULL = none */
    spw_dur timeout; /**< > 0. Whole answers: from start to end. Streams: longest silence, also before the first byte */
    bool stream;     /**< a watch: bytes go to `data` as they come, whatever the status is not 200 goes to the answer */
    void (*data)(void *user, const char *bytes, size_t size); /**< streams only; may cancel its own call */
    void (*done)(void *user, const kube_answer *answer);      /**< exactly once, unless cancelled before */
    void *user;
} kube_call;

typedef struct kube_wire {
    void *self;
    /** Copies what it needs. Never calls back from within. @return SPW_OK with a ticket > 0; SPW_NOMEM; SPW_BACKEND */
    spw_rc (*start)(void *self, const kube_call *call, uint64_t *ticket);
    /** No callback comes any more; for a write the outcome is unknown. Unknown or ended tickets are ignored. */
    void (*cancel)(void *self, uint64_t ticket);
    /** Moves bytes and calls back until something was called back, `wake` was written to, or the time is over. */
    spw_rc (*run)(void *self, spw_dur longest);
} kube_wire;

/** A call that waits for its answer: runs the wire until it is there. Other calls go on meanwhile. */
typedef struct kube_reply {
    kube_end end;
    int status;
    spw_dur retry_after;
    char *body; /**< malloc'ed, terminated, never NULL when SPW_OK was returned; caller frees with kube_reply_fini */
    size_t size;
    char error[160];
} kube_reply;

/** @return SPW_OK whatever the answer is; SPW_NOMEM or SPW_BACKEND if the call could not be started: nothing was sent
 */
spw_rc kube_wire_ask(const kube_wire *wire, const kube_call *call, kube_reply *out);
/** Text for a place in a query: everything but letters, digits and -_.~ in %XX, cut to the room. */
void kube_wire_escape(char *out, size_t room, const char *text);

void kube_reply_fini(kube_reply *reply); /**< {0} allowed */

#endif

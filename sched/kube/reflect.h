/* SPDX-License-Identifier: Apache-2.0 */
/**
 * reflect.h - one collection of an API server, kept up to date: list in pages, then watch, and over again when needed.
 *
 * A state machine without a clock of its own: step() starts what is due and says when it wants to be called next; the
 * wire's callbacks do the rest. One reflector never waits for another, so one server that fails blinds nobody else.
 *
 *   list    pages of `page` objects, consistent reads. An expired `continue` starts over, unpaged the second time.
 *   watch   from the list's resourceVersion, bookmarks on, for 5 to 10 minutes (drawn), then again from where it was.
 *   410     as a status, or inside an ERROR event of a watch: list again.
 *   silence longer than `idle`: the watch is dropped. If it had brought nothing at all, its version may lie in the
 *           future of a server that was restored from a backup: list again. Else: watch again.
 *   failure the next try waits 0.8 s, doubled up to 30 s, times 1 to 2 (drawn), or as long as the server asked if that
 *           is longer. What was known stays visible, and ages.
 */
#ifndef SCHED_KUBE_REFLECT_H
#define SCHED_KUBE_REFLECT_H

#include <jansson.h>

#include "sched/kube/verdict.h"

/** Where objects go. A row that is not put between begin and end of a list is gone. */
typedef struct kube_sink {
    void *self;
    void (*begin)(void *self);
    /** One object, new or changed. @return false: out of memory; the list is tried again */
    bool (*put)(void *self, const json_t *object);
    void (*remove)(void *self, const json_t *object); /**< deleted, or out of the selector's sight */
    void (*end)(void *self, bool whole);              /**< whole false: the list broke off; rows stay as they were */
} kube_sink;

typedef struct kube_reflect_spec {
    size_t server;
    const char *path;  /**< "/apis/apps/v1/deployments"; borrowed */
    const char *query; /**< selectors, escaped, e.g. "labelSelector=a%3Db"; "" = none; borrowed */
    int32_t page;      /**< 0 = 500 */
    spw_dur idle;      /**< 0 = 90 s: bookmarks come about every 60 s */
    uint64_t seed;     /**< for jitter */
    kube_sink sink;
} kube_reflect_spec;

typedef struct kube_reflect_state {
    bool synced;        /**< a whole list has been seen */
    spw_time confirmed; /**< when the server last said something of this collection; SPW_TIME_MAX = never */
    uint64_t lists, watches, events, failures;
    kube_status trouble; /**< of the last failure; verdict KUBE_OK while all is well */
} kube_reflect_state;

typedef struct kube_reflect kube_reflect;

/** @param in  wire  borrowed. @return NULL when out of memory */
kube_reflect *kube_reflect_new(const kube_reflect_spec *spec, const kube_wire *wire);
void kube_reflect_free(kube_reflect *reflect); /**< cancels what is under way; NULL allowed */

/**
 * @param in  now  a monotonic clock, the same at every call
 * @return when to call again at the latest; callbacks of the wire may make it sooner: call it after each run()
 */
spw_time kube_reflect_step(kube_reflect *reflect, spw_time now);
void kube_reflect_state_get(const kube_reflect *reflect, kube_reflect_state *out);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * kube_world.h - API servers in memory, as the tests want them: collections of JSON objects with resourceVersions,
 * lists in pages, watches with bookmarks, merge patches with preconditions, scale and status subresources, leases; and
 * a wire to them on which any call can be made to fail in any way. Time stands still except in run().
 *
 * It behaves as kube-apiserver was seen to behave where that matters to a client: spec.replicas 0 is left out of a
 * Scale, a no-op patch keeps the version, a merge patch of null removes, a Lease wants six digits of fraction, a stale
 * version is 409 with a Status, an old watch is 200 and one ERROR event with code 410.
 */
#ifndef TESTS_SUPPORT_KUBE_WORLD_H
#define TESTS_SUPPORT_KUBE_WORLD_H

#include <jansson.h>

#include "sched/kube/wire.h"

/** What happens to a call. */
typedef enum kw_fault {
    KW_NONE = 0,
    KW_REFUSE = 1,    /**< no connection */
    KW_RESET = 2,     /**< sent, connection lost, not carried out */
    KW_MUTE = 3,      /**< carried out, no answer until the time is over */
    KW_DEAF = 4,      /**< not carried out, no answer until the time is over */
    KW_HALF = 5,      /**< carried out, half an answer */
    KW_BUSY = 6,      /**< 429, text/plain, Retry-After 1 */
    KW_DOWN = 7,      /**< 503, text/plain */
    KW_ERROR = 8,     /**< 500, not carried out */
    KW_FROZEN = 9,    /**< 504 Timeout, not carried out */
    KW_LATE = 10,     /**< 504 Timeout, carried out all the same */
    KW_FORBID = 11,   /**< 403 */
    KW_STRANGER = 12, /**< 401 */
    KW_GARBAGE = 13,  /**< 200, a body that is no JSON; a write was carried out */
    KW_STRAY = 14,    /**< no answer; carried out 12 s later, when nobody waits for it any more */
    KW_FAULTS = 15
} kw_fault;

/** One write that was carried out. */
typedef struct kw_write {
    size_t server;
    char method[8];
    char path[256];
    char body[1024];
    spw_time at;
    bool changed; /**< false: a no-op */
} kw_write;

typedef struct kw_world kw_world;

kw_world *kw_new(size_t servers);
void kw_free(kw_world *w);
kube_wire kw_wire(kw_world *w);

spw_time kw_now(const kw_world *w);       /**< starts at 10^9 s */
void kw_advance(kw_world *w, spw_dur by); /**< without any I/O */

/** Creates or replaces an object. `collection` as in the URL: "/apis/apps/v1/deployments". json: without metadata.*
 * that the server sets. Watches see it. */
void kw_put(kw_world *w, size_t server, const char *collection, const char *json);
void kw_delete(kw_world *w, size_t server, const char *collection, const char *space, const char *name);
/** Borrowed until the next change. NULL = not there. */
const json_t *kw_get(const kw_world *w, size_t server, const char *collection, const char *space, const char *name);
int64_t kw_replicas(const kw_world *w, size_t server, const char *space, const char *name); /**< of a Deployment */

/** The n-th call from now (0 = the next), of any kind, meets this fault; `only_writes` counts writes alone. */
void kw_fail_at(kw_world *w, uint64_t n, bool only_writes, kw_fault fault);
/** Every call to this server meets this fault from now on; KW_NONE ends it. KW_MUTE and KW_DEAF
 * silence the watches that are open now for good. */
void kw_break(kw_world *w, size_t server, kw_fault fault);
/** Forgets the events before now: watches from an older version get 410. */
void kw_compact(kw_world *w, size_t server);
/** Restored from a backup: an older version again, without the objects of later ones, and no watch is told of it. */
void kw_restore(kw_world *w, size_t server, uint64_t version);
/** Ends open watches of a server: whole = properly, else the connection breaks. */
void kw_end_watches(kw_world *w, size_t server, bool whole);
void kw_bookmark(kw_world *w, size_t server); /**< to every open watch */
void kw_split(kw_world *w, size_t bytes);     /**< watch data comes in pieces of this size; 0 = whole events */
/** Called before a write is judged: a test can change the world meanwhile. */
void kw_before_write(kw_world *w, void (*hook)(void *user, kw_world *w), void *user);

uint64_t kw_calls(const kw_world *w); /**< started so far */
uint64_t kw_open(const kw_world *w);  /**< calls that have not ended */
size_t kw_writes(const kw_world *w);  /**< carried out so far, no-ops too */
const kw_write *kw_write_at(const kw_world *w, size_t index);

/** Handles one request without any wire, for servers on real sockets. Body malloc'ed. watch: NULL refuses watches. */
int kw_handle(kw_world *w, size_t server, const char *method, const char *path, const char *type, const char *body,
              size_t size, char **answer);

#endif

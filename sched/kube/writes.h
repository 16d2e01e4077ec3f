/* SPDX-License-Identifier: Apache-2.0 */
/**
 * writes.h - conditional writes carried out with care: a batch at a time, several at once, each to its end.
 *
 * Every write names the resourceVersion that it was decided on. So a write that is sent twice is applied once: the
 * second time its version is stale. What an answer leads to: carried out            done 409, outcome unknown   the
 * object is read. As wanted: done. As it was when we decided: the write is tried again with the version just read.
 * Anything else: somebody else has decided meanwhile, we give way. 429, 503, no connection  the same again, later: as
 * long as the server asks, else doubling from 0.1 s with jitter 401                    once more with fresh credentials
 *   403, 404, 422, ...     given up; the next tick sees the world as it is
 * What is not over at the deadline is abandoned with its outcome unknown; nothing of it starts afterwards.
 *
 * Growing writes are all over, or given up, before the first shrinking one starts. A cluster whose server fails several
 * times in a row is left alone for a while (circuit breaker), then tried with one write. Requests to one server are
 * spread by a token bucket.
 */
#ifndef SCHED_KUBE_WRITES_H
#define SCHED_KUBE_WRITES_H

#include <jansson.h>

#include "sched/kube/verdict.h"

typedef enum kube_fate {
    KUBE_FATE_NONE = 0,
    KUBE_FATE_DONE = 1,     /**< the object is as wanted */
    KUBE_FATE_OUTRUN = 2,   /**< somebody else changed it: left as it is */
    KUBE_FATE_REFUSED = 3,  /**< the server will not have it; see status */
    KUBE_FATE_UNKNOWN = 4,  /**< not over at the deadline */
    KUBE_FATE_BROKEN = 5,   /**< not sent: the breaker of its cluster is open */
    KUBE_FATE_FORBIDDEN = 6 /**< not sent: `may_write` said no */
} kube_fate;

typedef enum kube_seen {
    KUBE_SEEN_WANTED = 1, /**< the object is as the write would make it */
    KUBE_SEEN_BEFORE = 2, /**< as it was when the write was decided */
    KUBE_SEEN_OTHER = 3
} kube_seen;

typedef struct kube_write kube_write;
struct kube_write {
    size_t server;
    size_t breaker;        /**< index of its circuit breaker: the cluster */
    const char *method;    /**< "PATCH": a merge patch; "PUT" and "POST": JSON */
    const char *path;      /**< without a query; borrowed */
    const char *query;     /**< e.g. "fieldManager=spillway"; "" = none */
    const char *read_path; /**< what is read when in doubt; NULL = path */
    char tag[65];          /**< for the server's audit log */
    bool shrinks;
    uint32_t workload; /**< for reports */
    char version[64];  /**< resourceVersion it was decided on; "" = read first */
    /** The body for a version. @return malloc'ed JSON, NULL when out of memory */
    char *(*body)(const kube_write *write, const char *version);
    kube_seen (*seen)(const kube_write *write, const json_t *object);
    void (*landed)(const kube_write *write, const json_t *object); /**< after DONE; may be NULL */
    void *user;
    /* the outcome */
    kube_fate fate;
    kube_status status; /**< of the last answer */
    int attempts;       /**< writes sent */
};

typedef struct kube_writer kube_writer;

typedef struct kube_writer_spec {
    const kube_wire *wire;
    size_t server_count, breaker_count;
    spw_dur call_timeout;  /**< 0 = 10 s */
    int32_t at_once;       /**< 0 = 8 requests under way */
    double rate, burst;    /**< of each server; 0 = 40/s and 60, as Karmada's scheduler */
    int32_t breaker_after; /**< 0 = 5 failures in a row */
    spw_dur breaker_for;   /**< 0 = 30 s */
    uint64_t seed;
    bool server_dry_run; /**< dryRun=All in every write */
    spw_time (*clock)(void *user);
    bool (*may_write)(void *user); /**< asked right before each write is sent; NULL = always */
    void (*meanwhile)(void *user); /**< between the pieces of work: leases are renewed here; may be NULL */
    void *user;
} kube_writer_spec;

typedef struct kube_writer_stats {
    uint64_t sent, done, outrun, refused, unknown, broken, forbidden, retries, reads, conflicts;
} kube_writer_stats;

/** @return NULL when out of memory */
kube_writer *kube_writer_new(const kube_writer_spec *spec);
void kube_writer_free(kube_writer *writer); /**< NULL allowed */

/**
 * Carries the batch out; returns when all is over or at the deadline (on the writer's clock).
 * @return SPW_OK if every write is DONE; SPW_BACKEND with the first that is not in err; SPW_NOMEM
 */
spw_rc kube_writer_run(kube_writer *writer, kube_write *writes, size_t count, spw_time deadline, spw_err *err);
void kube_writer_stats_get(const kube_writer *writer, kube_writer_stats *out);
bool kube_writer_is_dry(const kube_writer *writer); /**< it only asks what servers would say: nothing changes */
bool kube_writer_is_open(const kube_writer *writer, size_t breaker); /**< the breaker lets nothing through now */
const char *kube_fate_name(kube_fate fate);

#endif

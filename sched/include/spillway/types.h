/* SPDX-License-Identifier: Apache-2.0 */
/**
 * types.h - time, money, identifiers, errors, memory: what every other public header of the core uses.
 *
 * Units stand in the type or in the field name. Nothing here allocates, reads a clock or prints.
 */
#ifndef SPILLWAY_TYPES_H
#define SPILLWAY_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Version of the public structs. A host passes it in spw_settings.api_version. */
#define SPW_API_VERSION 1u

typedef int64_t spw_time; /**< ns since an origin the caller picks; monotone (simulated or Unix time) */
typedef int64_t spw_dur;  /**< ns, >= 0 */
typedef int64_t spw_uusd; /**< micro-US-dollars */
typedef uint32_t spw_id;  /**< dense row index, valid in ONE snapshot (or in one configuration) */

#define SPW_TIME_MAX INT64_MAX  /**< never */
#define SPW_ID_NONE  UINT32_MAX /**< no row */
#define SPW_NS_PER_S INT64_C(1000000000)

/** Result of every call that can fail. Negative = failure. */
typedef enum spw_rc {
    SPW_OK = 0,
    SPW_NOMEM = -1,   /**< the allocator of spw_mem returned NULL */
    SPW_INVAL = -2,   /**< an argument, a configuration or a snapshot breaks its contract; see spw_err */
    SPW_LIMIT = -3,   /**< more rows than settings reserved room for */
    SPW_VERSION = -4, /**< api_version, or the version of saved state, is not ours */
    SPW_STATE = -5,   /**< saved state is damaged */
    SPW_BACKEND = -6  /**< a source or an actuator failed */
} spw_rc;

/** What went wrong, where. Filled on failure when the caller passed one; untouched on success. */
typedef struct spw_err {
    spw_rc code;
    spw_id row;     /**< offending row, SPW_ID_NONE where it makes no sense */
    char field[48]; /**< offending table and column, e.g. "pools.nodes" */
    char text[200]; /**< one sentence for people */
} spw_err;

/** @return a static sentence for rc, never NULL. */
const char *spw_strerror(spw_rc rc);

/** Allocator, used by *_new and *_free only, never by decide or tick. `user` comes last in each call. */
typedef struct spw_mem {
    void *(*take)(size_t size, void *user); /**< aligned for any type; NULL = out of memory */
    void (*give)(void *ptr, void *user);    /**< ptr may be NULL */
    void *user;
} spw_mem;

/** Stable 64-bit key of a name (FNV-1a 64). Hosts use it, or a hash of a UID, for the key columns. */
uint64_t spw_key(const char *name);

/** Stable key of a pair of names joined by '/', e.g. namespace and workload name; no string is built. */
uint64_t spw_key2(const char *space, const char *name);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * memory.h - what the core remembers from tick to tick, keyed by stable keys, never by rows.
 *
 * One entry for each configured workload (in configuration order), and tables that grow with what is seen: seats, of
 * which each workload has a run of its own, sorted by cluster; pools and clusters, sorted. An entry not seen for
 * MEMORY_KEEP is dropped.
 *
 * A run has room to grow; when that is used up it goes to the end of the array, with room for twice as many, and when
 * the end is reached all runs move together. So a seat more costs as much as its own workload has, not as all have.
 *
 * The reservation ledger lives here: `promised` is what the core wrote last and what the snapshot does not show yet.
 */
#ifndef SCHED_CORE_MEMORY_H
#define SCHED_CORE_MEMORY_H

#include <spillway/core.h>

#include "core/owner.h"

#define MEMORY_KEEP          (INT64_C(3600) * SPW_NS_PER_S) /**< ns an unseen entry is kept */
#define MEMORY_NEVER         INT64_MIN                      /**< a clock that does not run */
#define MEMORY_ROUTE_NONE    (-1)                           /**< no share of traffic was ever sent */
#define MEMORY_ROUTE_UNKNOWN (-2)                           /**< one was sent and may not have arrived: send it again */

#define MEMORY_MAGIC  UINT64_C(0x31544154535750) /**< of saved state: "PWSTAT1" */
#define MEMORY_FORMAT 3u

#define MEMORY_SPACE 2 /**< seats laid out for each that may be in use: a run of any length finds a new place */
#define MEMORY_TURNS 3 /**< up, down, up, down: the direction turns three times */

/** One workload. */
typedef struct memory_work {
    uint64_t key;
    uint64_t
        place_digest; /**< of what gives `group` and the clocks of groups their meaning: the policy's name, groups */
    uint64_t scale_digest;      /**< of what gives the owner's state its meaning */
    uint64_t applied;           /**< digest of the placement that it was last placed by, 0 = not known; Karmada's way */
    uint64_t placement;         /**< of the one that it has, where this group is in use; not saved ... */
    int32_t placement_group;    /**< ... -1 = not worked out yet */
    const spw_policy *failover; /**< its policy, if that has groups of which one is in use; else NULL */
    int32_t desired;            /**< of the last tick; -1 before the first */
    int32_t group;              /**< failover groups: the group in use */
    spw_time synced;            /**< last round of the owner */
    spw_time room_since;        /**< since when better groups have had room for replicas that stand in worse ones */
    spw_time *group_since;      /**< [group_count] the same for each group, where groups have windows of their own */
    int32_t group_count;        /**< 0 = none has */
    spw_time rescheduled;       /**< the newest request to place it anew that was carried out */
    spw_time fresh_since;       /**< since when one is being carried out, MEMORY_NEVER = none is */
    int32_t surge;              /**< copies that moves added and whose sources have not gone yet */
    spw_reason reason;          /**< of the desired count */
    owner owner;                /**< who decides how many */
    size_t seat_first;          /**< its run in memory.seats ... */
    size_t seat_count;          /**< ... of so many ... */
    size_t seat_room;           /**< ... with room for so many */
} memory_work;

/** One workload on one cluster: what every turn looks at, in one cache line. */
typedef struct memory_seat {
    _Alignas(64) uint64_t cluster;
    spw_time seen;
    spw_time promised_at;
    int32_t promised;         /**< replicas last assigned there, until the snapshot shows it or it expires; -1 = none */
    int32_t moving;           /**< copies that a move added and that are not ready yet */
    int32_t route;            /**< share of traffic last sent, 1e-6; MEMORY_ROUTE_NONE, MEMORY_ROUTE_UNKNOWN */
    int32_t nominated;        /**< replicas that wait for victims to leave ... */
    int32_t unseen;           /**< of this tick only: promised replicas the snapshot lacks, that found room */
    int32_t unseen_coming;    /**< of those, on nodes not up yet */
    int32_t unseen_nominated; /**< of those, where victims have not left yet */
    int32_t stuck;            /**< replicas without a node though there seems to be room ... */
    int32_t released;         /**< of copies on a lost cluster, how many are planned elsewhere (failover budget) */
    int8_t direction;         /**< of the last change of the count: 1 up, -1 down, 0 none yet */
    bool evicting : 1;        /**< its copies are on a lost cluster ... */
    bool barred : 1;          /**< descheduled from: nothing new goes there ... */
    bool frozen : 1;          /**< neither lowered nor moved to ... */
    bool timed : 1;           /**< has it clocks of its own? See memory_times_of() */
} memory_seat;

_Static_assert(sizeof(memory_seat) == 64, "a seat is one cache line: what is rarely needed lies in memory_times");

/** Clocks of a seat. Few seats ever need one. */
typedef struct memory_times {
    spw_time move_by;             /**< deadline of the move */
    spw_time blocked_until;       /**< no moves to here before */
    spw_time nominated_until;     /**< ... and are planned anew if these have not left by then */
    spw_time evict_since;         /**< ... since then */
    spw_time stuck_since;         /**< ... since then */
    spw_time barred_until;        /**< ... before */
    spw_time frozen_until;        /**< ... before */
    int32_t turn_count;           /**< entries of turns in use */
    spw_time turns[MEMORY_TURNS]; /**< when the direction last turned, newest first */
} memory_times;

/** One pool. */
typedef struct memory_pool {
    uint64_t key;
    spw_time seen;
    int32_t promised; /**< desired nodes last written; -1 = none */
    spw_time promised_at;
    int32_t nodes;          /**< nodes up when last seen; -1 before the first */
    int64_t failures;       /**< creation failures when last seen; -1 before the first */
    spw_time waiting_since; /**< since when ordered nodes have been awaited without one coming up */
    spw_time backoff_until; /**< no new orders before */
    spw_dur backoff;        /**< length of the last back-off */
    int32_t surplus;        /**< nodes that have been empty ... */
    spw_time surplus_since; /**< ... since then */
    bool late;              /**< what it still awaits is not believed in, until a node comes or the back-off ends */
} memory_pool;

/** One cluster: what its health is taken for. */
typedef struct memory_cluster {
    uint64_t key;
    spw_time seen;
    spw_time since; /**< since when it has answered, or not, as it does now */
    bool answers;   /**< when last seen */
    bool lost;      /**< it has not answered for long, or is not back for long enough yet */
} memory_cluster;

/** What a tick began with, of all that it may have changed: to take it back if it fails. */
typedef struct memory_undo {
    uint64_t *noted;      /**< [works bits] workloads that are in bytes */
    unsigned char *bytes; /**< [size] one entry after another */
    size_t size, used;
    memory_pool *pools; /**< [pool_max] */
    size_t pool_count;
    memory_cluster *clusters; /**< [cluster_max] */
    size_t cluster_count;
} memory_undo;

typedef struct memory {
    uint64_t ticks;
    spw_time last; /**< time of the last tick, MEMORY_NEVER before the first */
    memory_work *works;
    size_t work_count;
    const uint32_t *work_by_key; /**< [work_count] in the order of their keys */
    memory_seat *seats;          /**< [MEMORY_SPACE * seat_max] the runs of the workloads, each sorted by cluster */
    uint64_t *seat_keys;         /**< their clusters, beside each other: to find one touches little */
    memory_times *seat_times;    /**< their clocks, where seats are timed */
    size_t seat_count, seat_max; /**< of all runs together */
    size_t seat_end;             /**< the runs lie before it */
    uint32_t *runs;              /**< [work_count] scratch of moving them together */
    memory_pool *pools;          /**< sorted by key */
    size_t pool_count, pool_max;
    memory_cluster *clusters; /**< sorted by key */
    size_t cluster_count, cluster_max;
    memory_undo undo;
} memory;

/** @return the entry, made if absent; NULL if the table is full. Moves other entries: keep no pointers over it. */
memory_seat *memory_seat_get(memory *m, uint32_t work, uint64_t cluster);
/** @return the entry or NULL. */
memory_seat *memory_seat_find(const memory *m, uint32_t work, uint64_t cluster);
/** The same, tried first at an index of the run where it may be. */
static inline memory_seat *memory_seat_near(const memory *m, uint32_t work, uint64_t cluster, uint32_t hint)
{
    const memory_work *own = &m->works[work];
    bool there = hint < own->seat_count && m->seat_keys[own->seat_first + hint] == cluster;
    return there ? &m->seats[own->seat_first + hint] : memory_seat_find(m, work, cluster);
}
/** Its clocks; those of a seat that has none stand at their beginnings. */
const memory_times *memory_times_of(const memory *m, const memory_seat *seat);
/** The same, to be set. */
memory_times *memory_times_set(memory *m, memory_seat *seat);
/** One more entry after all others of a workload, whose run lies last or is empty: for filling an empty table. */
void memory_seats_append(memory *m, uint32_t work, const memory_seat *seat, const memory_times *times);
/** No workload has any. */
void memory_seats_clear(memory *m);
memory_pool *memory_pool_get(memory *m, uint64_t key);
memory_pool *memory_pool_find(const memory *m, uint64_t key);
/** The same, tried first at the index where it was found last. */
memory_pool *memory_pool_near(const memory *m, uint64_t key, uint32_t *hint);
/** The entries of a workload, sorted by cluster key. */
memory_seat *memory_seats_of(const memory *m, uint32_t work, size_t *count);
/** The actuator failed: no share of traffic, no replica count is known to have arrived. */
void memory_forget_routes(memory *m);
/** Drops what has not been seen for MEMORY_KEEP: of one workload, and of the pools. */
void memory_prune(memory *m, uint32_t work, spw_time now);
void memory_prune_pools(memory *m, spw_time now);

/* --- taking a tick back (memory_undo.c) --- */

void memory_undo_layout(memory *m, arena *a, const spw_config *config);
/** A tick begins: pools and clusters are noted. */
void memory_open(memory *m);
/** Before anything of a workload is changed. Costs as much as it remembers, and nothing the second time in a tick. */
void memory_note(memory *m, uint32_t work);
/** Everything noted is as it was when the tick began. */
void memory_back(memory *m);

size_t memory_save_size(const memory *m);
/** Little-endian, versioned, checksummed. @return SPW_OK; SPW_LIMIT */
spw_rc memory_save(const memory *m, void *buf, size_t size);
/** All or nothing, workload by workload: see memory_load.c. @return SPW_OK; SPW_VERSION; SPW_STATE; SPW_LIMIT */
spw_rc memory_load(memory *m, const void *buf, size_t size, spw_state_report *report);
/** What a workload remembers before its first tick; what it is (key, digests, owner, room) stays. Seats are not its. */
void memory_begin(memory_work *w);
/** Key of the name of the group in use; 0 where none is. */
uint64_t memory_group_key(const memory_work *w);

#endif

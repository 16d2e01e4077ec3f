/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * evq.h - event queue over entities that each have at most one pending event.
 *
 * Every entity (replica, node, traffic source, control tick...) owns a slot; setting a slot again reschedules it,
 * clearing it cancels. A tournament tree over the slots finds the earliest: O(log slots) each, no branch on which time
 * is earlier, no allocation after growth. A few busy slots, for entities with far more events than the others, cost
 * the logarithm of their own number only. Total order: (time, priority class, sequence of the set call), so equal times
 * never depend on slot numbers or addresses.
 */
#ifndef SIM_KERNEL_EVQ_H
#define SIM_KERNEL_EVQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EVQ_NEVER INT64_MAX
#define EVQ_NONE  UINT32_MAX
#define EVQ_BUSY  (UINT32_C(1) << 31) /**< numbers of busy slots begin here */

/** At equal times the smaller class goes first. */
typedef enum evq_class {
    EVQ_ENGINE = 1,    /**< step ends: first tokens, completions */
    EVQ_LIFECYCLE = 2, /**< nodes and replicas change stage, reclaims, drain deadlines */
    EVQ_DELIVERY = 3,  /**< a request reaches a cluster */
    EVQ_ARRIVAL = 4,   /**< a user sends a request */
    EVQ_TIMEOUT = 5,   /**< a user gives up */
    EVQ_SCRAPE = 6,    /**< metrics are read */
    EVQ_TICK = 7,      /**< the core decides */
    EVQ_SAMPLE = 8,    /**< a timeline bin ends */
    EVQ_END = 9        /**< the run ends */
} evq_class;

/** One tree; how it works is told in evq.c, whose own these fields are. */
typedef struct evq_bracket {
    uint64_t first_key; /**< of the winner */
    uint32_t first;     /**< the winner */
    uint32_t cap;       /**< power of two */
    uint32_t *tree;     /**< [cap]; 0 means nothing */
    uint64_t *key;      /**< [cap] time; from EVQ_NO_EVENT on: nothing pending */
    uint64_t *rank;     /**< [cap] holds while the slot is set; not in use: the chain of such slots */
    uint32_t used;      /**< slots 0..used-1 were handed out at least once */
    uint32_t free_head; /**< EVQ_NONE: no removed slot */
} evq_bracket;
#define EVQ_NO_EVENT (UINT64_C(1) << 63)

/** Visible for the sake of evq_peek(). */
typedef struct evq {
    evq_bracket part[2]; /**< ordinary slots; busy ones, numbered from EVQ_BUSY */
    uint64_t sets;
} evq;

evq *evq_new(size_t slots_hint); /**< grows by itself beyond the hint; NULL if out of memory */
void evq_free(evq *q);           /**< NULL allowed */
/** @return a free slot, nothing pending (the one removed last, else the next number); EVQ_NONE if out of memory. */
uint32_t evq_slot_add(evq *q);
/** The same for a busy one, numbered from EVQ_BUSY; when all 16 of those are in use an ordinary one. */
uint32_t evq_slot_add_busy(evq *q);
void evq_slot_remove(evq *q, uint32_t slot); /**< clears it and gives the number back */
/**
 * Sets or moves the one event of a slot in use.
 * @param time_ns  >= 0, may lie before the current winner; EVQ_NEVER is evq_clear()
 */
void evq_set(evq *q, uint32_t slot, int64_t time_ns, evq_class cls);
void evq_clear(evq *q, uint32_t slot); /**< nothing pending afterwards; allowed when nothing is */
bool evq_busy_first(const evq *q); /**< for evq_peek(): of two first ones at the same time, the busy slot goes first */
/** @return earliest slot and its time and leaves it set; EVQ_NONE and EVQ_NEVER when nothing is pending. */
static inline uint32_t evq_peek(const evq *q, int64_t *time_ns)
{
    const evq_bracket *first = &q->part[0], *const busy = &q->part[1];
    uint32_t from = 0;

    if (busy->first_key < first->first_key || (busy->first_key == first->first_key && evq_busy_first(q))) {
        first = busy;
        from = EVQ_BUSY;
    }
    if (first->first_key >= EVQ_NO_EVENT) {
        *time_ns = EVQ_NEVER;
        return EVQ_NONE;
    }
    *time_ns = (int64_t)first->first_key;
    return from + first->first;
}
/**
 * Of the ordinary slots in the same of 2^depth groups of neighbours as this one, the earliest: on average about so many
 * others win before it does, so its owner can be asked for from memory now. EVQ_NONE if nothing is pending there,
 * there are no so many groups, or the slot is a busy one.
 */
uint32_t evq_ahead(const evq *q, uint32_t slot, unsigned depth);
int64_t evq_time(const evq *q, uint32_t slot); /**< pending time of a slot, EVQ_NEVER if none */
uint64_t evq_count_set(const evq *q);          /**< set calls so far (clears not): the event count of a run */

#endif

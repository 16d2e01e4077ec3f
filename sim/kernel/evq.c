/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * evq.c - the event queue as a tournament (winner) tree over slots.
 *
 * Every slot has a key. Leaf cap + slot of the tree stands for its slot and is not stored; node i < cap names the slot
 * with the smaller key of what nodes 2i and 2i+1 name; node 1 is the winner of all. Setting a slot rewrites its key and
 * replays its path to the root. The addresses on that path depend on the slot and on what stands there alone, so the
 * loads run ahead of the comparisons (Knuth, The Art of Computer Programming vol. 3, 5.4.1, "trees of winners").
 * Names of 32 bits, and the keys beside them, keep the queue of a few thousand slots in the first cache level.
 *
 * The key is the time. Class and sequence stand in one word for each slot (`rank`: class in the top 4 bits over 60 bits
 * of sequence), and are read only when two times are equal. A slot without an event has a key of its own above all
 * times, so that two empty slots are never equal and clearing never reads a rank either.
 *
 * Which of two events is earlier is a coin toss to a branch predictor, so a match must not branch on it, and compilers
 * do not keep that promise: the same source came out 4 times slower under one of them. See play().
 *
 * Invariants: a slot in use without an event has the key NO_EVENT | slot, one not in use NOT_IN_USE | slot (and, if it
 * was handed out before, the next such one in its rank); every node names the one of its two that goes first.
 */
#include "sim/kernel/evq.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define NO_EVENT    (UINT64_C(2) << 62)
#define NOT_IN_USE  (UINT64_C(3) << 62)
#define CLASS_SHIFT 60
#define CAP_MIN     8u
#define CAP_MAX     (1u << 30) /* 2*cap nodes stay indexable by uint32_t */

struct evq {
    uint32_t *tree;     /* [cap], 0 not used */
    uint64_t *key;      /* [cap] time, NO_EVENT | slot or NOT_IN_USE | slot */
    uint64_t *rank;     /* [cap] holds while the slot is set; not in use: the chain of such slots */
    uint32_t cap;       /* power of two */
    uint32_t used;      /* slots 0..used-1 were handed out at least once */
    uint32_t free_head; /* EVQ_NONE: no removed slot */
    uint64_t sets;
};

/*
 * One match: (key, who) becomes the rival's if the rival's key is smaller. Returns whether the keys are equal, in
 * which case nothing has changed.
 */
static inline int play(uint64_t *key, uint64_t *who, uint64_t rival_key, uint64_t rival_who)
{
#if defined(__x86_64__)
    int tie;

    __asm__("cmpq %1, %3\n\t"
            "cmovbq %3, %1\n\t"
            "cmovbq %4, %2"
            : "=@ccz"(tie), "+&r"(*key), "+&r"(*who)
            : "r"(rival_key), "r"(rival_who));
    return tie;
#else
    uint64_t lost = (uint64_t)0 - (uint64_t)(rival_key < *key);
    int tie = rival_key == *key;

    __asm__("" : "+r"(lost)); /* hides that only two values occur, or the selection becomes a branch */
    *key ^= (*key ^ rival_key) & lost;
    *who ^= (*who ^ rival_who) & lost;
    return tie;
#endif
}

/* Gives a slot a key and lets it play its way to the root. */
static inline void replay(evq *q, uint32_t slot, uint64_t key)
{
    uint32_t *const tree = q->tree;
    const uint64_t *const keys = q->key;
    const uint64_t *const rank = q->rank;
    size_t i = (size_t)q->cap + slot;
    uint64_t rival = slot ^ 1;
    uint64_t who = slot;

    q->key[slot] = key;
    for (;;) {
        if (__builtin_expect(play(&key, &who, keys[rival], rival), 0) && rank[rival] < rank[who]) {
            who = rival;
        }
        i >>= 1;
        tree[i] = (uint32_t)who;
        if (i == 1) {
            return;
        }
        rival = tree[i ^ 1];
    }
}

/* Plays every match again, from the leaves up. */
static void rebuild(evq *q)
{
    for (size_t i = (size_t)q->cap - 1; i >= 1; i--) {
        const bool leaves = 2 * i >= q->cap;
        uint64_t who = leaves ? 2 * i - q->cap : q->tree[2 * i];
        const uint64_t rival = leaves ? who + 1 : q->tree[2 * i + 1];
        uint64_t key = q->key[who];

        if (play(&key, &who, q->key[rival], rival) && q->rank[rival] < q->rank[who]) {
            who = rival;
        }
        q->tree[i] = (uint32_t)who;
    }
}

/* Makes room for `cap` slots. Returns 0, and the queue is as it was, if out of memory. */
static int grow(evq *q, uint32_t cap)
{
    uint32_t *tree = malloc(cap * sizeof *tree);
    uint64_t *key = malloc(cap * sizeof *key);
    uint64_t *rank = malloc(cap * sizeof *rank);

    if (!tree || !key || !rank) {
        free(tree);
        free(key);
        free(rank);
        return 0;
    }
    if (q->used > 0) {
        memcpy(key, q->key, q->used * sizeof *key);
        memcpy(rank, q->rank, q->used * sizeof *rank);
    }
    for (uint32_t slot = q->used; slot < cap; slot++) {
        key[slot] = NOT_IN_USE | slot;
    }
    free(q->tree);
    free(q->key);
    free(q->rank);
    q->tree = tree;
    q->key = key;
    q->rank = rank;
    q->cap = cap;
    rebuild(q);
    return 1;
}

evq *evq_new(size_t slots_hint)
{
    uint32_t cap = CAP_MIN;
    evq *q = calloc(1, sizeof *q);

    if (!q) {
        return NULL;
    }
    while (cap < slots_hint && cap < CAP_MAX) {
        cap *= 2;
    }
    q->free_head = EVQ_NONE;
    if (!grow(q, cap)) {
        free(q);
        return NULL;
    }
    return q;
}

void evq_free(evq *q)
{
    if (!q) {
        return;
    }
    free(q->tree);
    free(q->key);
    free(q->rank);
    free(q);
}

/* A slot in use. */
static inline uint32_t checked(const evq *q, uint32_t slot)
{
    assert(slot < q->cap && q->key[slot] < NOT_IN_USE);
    return slot;
}

uint32_t evq_slot_add(evq *q)
{
    uint32_t slot = q->free_head;

    if (slot != EVQ_NONE) {
        q->free_head = (uint32_t)q->rank[slot];
    } else {
        if (q->used == q->cap && (q->cap >= CAP_MAX || !grow(q, q->cap * 2))) {
            return EVQ_NONE;
        }
        slot = q->used++;
    }
    replay(q, slot, NO_EVENT | slot);
    return slot;
}

void evq_slot_remove(evq *q, uint32_t slot)
{
    replay(q, checked(q, slot), NOT_IN_USE | slot);
    q->rank[slot] = q->free_head;
    q->free_head = slot;
}

void evq_set(evq *q, uint32_t slot, int64_t time_ns, evq_class cls)
{
    if (time_ns == EVQ_NEVER) {
        evq_clear(q, slot);
        return;
    }
    assert(time_ns >= 0 && cls >= EVQ_ENGINE && cls <= EVQ_END);
    q->rank[checked(q, slot)] = (uint64_t)cls << CLASS_SHIFT | q->sets++;
    replay(q, slot, (uint64_t)time_ns);
}

void evq_clear(evq *q, uint32_t slot)
{
    if (q->key[checked(q, slot)] < NO_EVENT) {
        replay(q, slot, NO_EVENT | slot);
    }
}

static inline int64_t time_of(uint64_t key)
{
    return key < NO_EVENT ? (int64_t)key : EVQ_NEVER;
}

uint32_t evq_peek(const evq *q, int64_t *time_ns)
{
    const uint32_t winner = q->tree[1];

    *time_ns = time_of(q->key[winner]);
    return q->key[winner] < NO_EVENT ? winner : EVQ_NONE;
}

int64_t evq_time(const evq *q, uint32_t slot)
{
    return time_of(q->key[checked(q, slot)]);
}

uint64_t evq_count_set(const evq *q)
{
    return q->sets;
}

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
 * Busy slots have a small tree of their own, so that the few entities that set theirs all the time go a short way; the
 * winners of both trees play for the first place when it is asked for (evq_peek, in the header).
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

#define NO_EVENT    EVQ_NO_EVENT
#define NOT_IN_USE  (UINT64_C(3) << 62)
#define CLASS_SHIFT 60
#define CAP_MIN     8u
#define CAP_MAX     (1u << 30) /* 2*cap nodes stay indexable by uint32_t */
#define BUSY_CAP    16u

typedef evq_bracket bracket;

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

static inline unsigned levels_of(uint32_t cap)
{
    return (unsigned)__builtin_ctz(cap);
}

/* A slot on its way to the root. */
typedef struct path {
    uint32_t *tree;
    const uint64_t *keys, *rank;
    size_t node;    /* of the last match */
    uint64_t rival; /* in the next one */
    uint64_t key, who;
} path;

__attribute__((always_inline)) static inline void climb(path *p)
{
    const uint64_t rival = p->rival;

    if (__builtin_expect(play(&p->key, &p->who, p->keys[rival], rival), 0) && p->rank[rival] < p->rank[p->who]) {
        p->who = rival;
    }
    p->node >>= 1;
    p->tree[p->node] = (uint32_t)p->who;
    p->rival = p->tree[p->node ^ 1];
}

/* Gives a slot a key and lets it play its way to the root, always: to stop where nothing changes any more spares half
 * of the way at best, and where that is cannot be foretold, which costs more. For the same reason there is no loop, but
 * for queues larger than they mostly are: one jump to where as many levels follow as there are. */
__attribute__((always_inline)) static inline void replay_in(bracket *b, uint32_t cap, uint32_t slot, uint64_t key)
{
    path p = {b->tree, b->key, b->rank, (size_t)cap + slot, slot ^ 1, key, slot};

#define CLIMB(level)                                                                                                   \
    __attribute__((fallthrough));                                                                                      \
    case level:                                                                                                        \
        climb(&p)

    b->key[slot] = key;
    switch (levels_of(cap)) {
    default:
        while (p.node >= 2u << 12) {
            climb(&p);
        }
        CLIMB(12);
        CLIMB(11);
        CLIMB(10);
        CLIMB(9);
        CLIMB(8);
        CLIMB(7);
        CLIMB(6);
        CLIMB(5);
        CLIMB(4);
        CLIMB(3);
        CLIMB(2);
        CLIMB(1);
    }
#undef CLIMB
    b->first = (uint32_t)p.who;
    b->first_key = p.key;
}

static void replay_most(bracket *b, uint32_t slot, uint64_t key)
{
    replay_in(b, b->cap, slot, key);
}

static void replay_busy(bracket *b, uint32_t slot, uint64_t key)
{
    replay_in(b, BUSY_CAP, slot, key);
}

static inline void replay(bracket *b, uint32_t slot, uint64_t key)
{
    if (b->cap == BUSY_CAP) {
        replay_busy(b, slot, key);
    } else {
        replay_most(b, slot, key);
    }
}

/* Plays every match again, from the leaves up. */
static void rebuild(bracket *b)
{
    for (size_t i = (size_t)b->cap - 1; i >= 1; i--) {
        const bool leaves = 2 * i >= b->cap;
        uint64_t who = leaves ? 2 * i - b->cap : b->tree[2 * i];
        const uint64_t rival = leaves ? who + 1 : b->tree[2 * i + 1];
        uint64_t key = b->key[who];

        if (play(&key, &who, b->key[rival], rival) && b->rank[rival] < b->rank[who]) {
            who = rival;
        }
        b->tree[i] = (uint32_t)who;
    }
    b->first = b->tree[1];
    b->first_key = b->key[b->first];
}

/* Makes room for `cap` slots. Returns 0, and the bracket is as it was, if out of memory. */
static int grow(bracket *b, uint32_t cap)
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
    if (b->used > 0) {
        memcpy(key, b->key, b->used * sizeof *key);
        memcpy(rank, b->rank, b->used * sizeof *rank);
    }
    for (uint32_t slot = b->used; slot < cap; slot++) {
        key[slot] = NOT_IN_USE | slot;
    }
    free(b->tree);
    free(b->key);
    free(b->rank);
    b->tree = tree;
    b->key = key;
    b->rank = rank;
    b->cap = cap;
    rebuild(b);
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
    q->part[0].free_head = q->part[1].free_head = EVQ_NONE;
    if (!grow(&q->part[0], cap) || !grow(&q->part[1], BUSY_CAP)) {
        evq_free(q);
        return NULL;
    }
    return q;
}

void evq_free(evq *q)
{
    if (!q) {
        return;
    }
    for (int i = 0; i < 2; i++) {
        free(q->part[i].tree);
        free(q->part[i].key);
        free(q->part[i].rank);
    }
    free(q);
}

static inline bool in_use(const bracket *b, uint32_t slot)
{
    return slot < b->cap && b->key[slot] < NOT_IN_USE;
}

/* Where a slot in use stands; its number there into *slot. */
static inline bracket *bracket_of(evq *q, uint32_t *slot)
{
    bracket *b = &q->part[*slot / EVQ_BUSY];

    *slot %= EVQ_BUSY;
    assert(in_use(b, *slot));
    return b;
}

static uint32_t slot_add(bracket *b, uint32_t cap_max)
{
    uint32_t slot = b->free_head;

    if (slot != EVQ_NONE) {
        b->free_head = (uint32_t)b->rank[slot];
    } else {
        if (b->used == b->cap && (b->cap >= cap_max || !grow(b, b->cap * 2))) {
            return EVQ_NONE;
        }
        slot = b->used++;
    }
    replay(b, slot, NO_EVENT | slot);
    return slot;
}

uint32_t evq_slot_add(evq *q)
{
    return slot_add(&q->part[0], CAP_MAX);
}

uint32_t evq_slot_add_busy(evq *q)
{
    const uint32_t slot = slot_add(&q->part[1], BUSY_CAP);

    return slot != EVQ_NONE ? EVQ_BUSY + slot : evq_slot_add(q);
}

void evq_slot_remove(evq *q, uint32_t slot)
{
    bracket *b = bracket_of(q, &slot);

    replay(b, slot, NOT_IN_USE | slot);
    b->rank[slot] = b->free_head;
    b->free_head = slot;
}

static inline void rank_next(evq *q, bracket *b, uint32_t slot, evq_class cls)
{
    assert(in_use(b, slot));
    b->rank[slot] = (uint64_t)cls << CLASS_SHIFT | q->sets++;
}

void evq_set(evq *q, uint32_t slot, int64_t time_ns, evq_class cls)
{
    bracket *const most = &q->part[0], *const busy = &q->part[1];

    if (time_ns == EVQ_NEVER) {
        evq_clear(q, slot);
        return;
    }
    assert(time_ns >= 0 && cls >= EVQ_ENGINE && cls <= EVQ_END);
    if (slot < EVQ_BUSY) {
        rank_next(q, most, slot, cls);
        replay_most(most, slot, (uint64_t)time_ns);
    } else {
        rank_next(q, busy, slot - EVQ_BUSY, cls);
        replay_busy(busy, slot - EVQ_BUSY, (uint64_t)time_ns);
    }
}

void evq_clear(evq *q, uint32_t slot)
{
    bracket *b = bracket_of(q, &slot);

    if (b->key[slot] < NO_EVENT) {
        replay(b, slot, NO_EVENT | slot);
    }
}

static inline int64_t time_of(uint64_t key)
{
    return key < NO_EVENT ? (int64_t)key : EVQ_NEVER;
}

bool evq_busy_first(const evq *q)
{
    const bracket *const most = &q->part[0], *const busy = &q->part[1];

    return most->first_key < NO_EVENT && busy->rank[busy->first] < most->rank[most->first];
}

uint32_t evq_ahead(const evq *q, uint32_t slot, unsigned depth)
{
    const bracket *b = &q->part[0];
    const unsigned levels = levels_of(b->cap);
    uint32_t who;

    if (depth >= levels || slot >= b->cap) {
        return EVQ_NONE;
    }
    who = b->tree[(b->cap + slot) >> (levels - depth)];
    return b->key[who] < NO_EVENT ? who : EVQ_NONE;
}

int64_t evq_time(const evq *q, uint32_t slot)
{
    const bracket *b = &q->part[slot / EVQ_BUSY];

    assert(in_use(b, slot % EVQ_BUSY));
    return time_of(b->key[slot % EVQ_BUSY]);
}

uint64_t evq_count_set(const evq *q)
{
    return q->sets;
}

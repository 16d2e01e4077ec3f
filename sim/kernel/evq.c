/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * evq.c - the event queue as a tournament (winner) tree over slots.
 *
 * Nodes cap..2*cap-1 are the leaves, one for each slot; node i holds the smaller key of nodes 2i and 2i+1 and the slot
 * it came from; node 1 is the winner of all. Setting a slot rewrites one leaf and replays its path to the root. The
 * addresses on that path depend on the slot alone, so the loads run ahead of the comparisons (Knuth, The Art of
 * Computer Programming vol. 3, 5.4.1, "trees of winners").
 *
 * The key in the tree is the time. Class and sequence live beside it, one word for each slot (`rank`: class in the top
 * 4 bits over 60 bits of sequence), and are read only when two times are equal: every match
 * would pay for carrying them up the tree. A slot without an event has a key of its own above all times, so that two
 * empty slots are never equal and clearing never reads a rank either.
 *
 * Which of two events is earlier is a coin toss to a branch predictor, so a match must not branch on it, and compilers
 * do not keep that promise: the same source came out 4 times slower under one of them. See play(). The words of a
 * node are moved one by one: a compiler that joins them into a vector load over two fresh word stores stalls store
 * forwarding; their different widths keep it from trying.
 *
 * Invariants: the leaf of a slot in use names that slot, any other leaf names EVQ_NONE; a leaf without an event has
 * the key NO_EVENT | slot; every inner node equals the child that goes first.
 */
#include "sim/kernel/evq.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define NO_EVENT    (UINT64_C(1) << 63)
#define CLASS_SHIFT 60
#define CAP_MIN     8u
#define CAP_MAX     (1u << 30) /* 2*cap nodes stay indexable by uint32_t */

typedef struct node {
    uint64_t key; /* time, or NO_EVENT | slot */
    uint32_t who;
    uint32_t next_free; /* leaves of removed slots only: the chain of them */
} node;

struct evq {
    node *nodes;        /* [2*cap], 0 not used */
    uint64_t *rank;     /* [cap], holds while the slot is set */
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

/* Writes the key of a leaf and lets it play its way to the root. */
static inline void replay(evq *q, uint32_t slot, uint64_t key)
{
    node *const nodes = q->nodes;
    const uint64_t *const rank = q->rank;
    size_t i = (size_t)q->cap + slot;
    uint64_t who = slot;

    nodes[i].key = key;
    do {
        const node *rival = &nodes[i ^ 1];
        uint64_t rival_who = rival->who;

        if (__builtin_expect(play(&key, &who, rival->key, rival_who), 0) && rank[rival_who] < rank[who]) {
            who = rival_who;
        }
        i >>= 1;
        nodes[i].key = key;
        nodes[i].who = (uint32_t)who;
    } while (i > 1);
}

/* Plays every match again, from the leaves up. */
static void rebuild(evq *q)
{
    for (size_t i = (size_t)q->cap - 1; i >= 1; i--) {
        const node *rival = &q->nodes[2 * i + 1];
        uint64_t key = q->nodes[2 * i].key;
        uint64_t who = q->nodes[2 * i].who;

        if (play(&key, &who, rival->key, rival->who) && q->rank[rival->who] < q->rank[who]) {
            who = rival->who;
        }
        q->nodes[i].key = key;
        q->nodes[i].who = (uint32_t)who;
    }
}

/* Moves the leaves into a tree of `cap` leaves. Returns 0 and changes nothing if out of memory. */
static int grow(evq *q, uint32_t cap)
{
    node *nodes = malloc(2 * (size_t)cap * sizeof *nodes);
    uint64_t *rank = malloc(cap * sizeof *rank);

    if (!nodes || !rank) {
        free(nodes);
        free(rank);
        return 0;
    }
    if (q->used > 0) {
        memcpy(nodes + cap, q->nodes + q->cap, q->used * sizeof *nodes);
        memcpy(rank, q->rank, q->used * sizeof *rank);
    }
    for (uint32_t slot = q->used; slot < cap; slot++) {
        nodes[cap + slot] = (node){.key = NO_EVENT | slot, .who = EVQ_NONE, .next_free = EVQ_NONE};
    }
    free(q->nodes);
    free(q->rank);
    q->nodes = nodes;
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
    free(q->nodes);
    free(q->rank);
    free(q);
}

uint32_t evq_slot_add(evq *q)
{
    uint32_t slot = q->free_head;

    if (slot != EVQ_NONE) {
        q->free_head = q->nodes[q->cap + slot].next_free;
    } else {
        if (q->used == q->cap && (q->cap >= CAP_MAX || !grow(q, q->cap * 2))) {
            return EVQ_NONE;
        }
        slot = q->used++;
    }
    q->nodes[q->cap + slot].who = slot;
    return slot;
}

/* A slot in use; the check shares a cache line with the first match of the path. */
static inline uint32_t checked(const evq *q, uint32_t slot)
{
    assert(slot < q->cap && q->nodes[q->cap + slot].who == slot);
    return slot;
}

void evq_slot_remove(evq *q, uint32_t slot)
{
    evq_clear(q, slot);
    q->nodes[q->cap + slot].who = EVQ_NONE;
    q->nodes[q->cap + slot].next_free = q->free_head;
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
    if (q->nodes[q->cap + checked(q, slot)].key < NO_EVENT) {
        replay(q, slot, NO_EVENT | slot);
    }
}

static inline int64_t time_of(uint64_t key)
{
    return key < NO_EVENT ? (int64_t)key : EVQ_NEVER;
}

uint32_t evq_peek(const evq *q, int64_t *time_ns)
{
    const node *winner = &q->nodes[1];

    *time_ns = time_of(winner->key);
    return winner->key < NO_EVENT ? winner->who : EVQ_NONE;
}

int64_t evq_time(const evq *q, uint32_t slot)
{
    return time_of(q->nodes[q->cap + checked(q, slot)].key);
}

uint64_t evq_count_set(const evq *q)
{
    return q->sets;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_evq_model.c - the event queue against a sorted array.
 *
 * The model keeps the pending events in one array sorted by (time, class, number of the set call), with plain insertion
 * and removal. Random worlds of adds (ordinary and busy), removals, sets, moves, clears and pops run on both; times are
 * drawn from a few values in half of the worlds, so that ties are the rule. A failure names the seed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/kernel/evq.h"
#include "tests/support/choice.h"

#include <string.h>

#define MODEL_SLOTS 200
#define WORLDS      300
#define STEPS       1500

typedef struct event {
    int64_t time_ns;
    unsigned cls;
    uint64_t nth;
    uint32_t slot;
} event;

typedef struct model {
    event sorted[MODEL_SLOTS];
    size_t pending;
    uint32_t slots[MODEL_SLOTS]; /* numbers of the slots in use */
    size_t in_use;
    uint64_t sets;
} model;

static int comes_before(const event *a, const event *b)
{
    if (a->time_ns != b->time_ns) {
        return a->time_ns < b->time_ns;
    }
    return a->cls != b->cls ? a->cls < b->cls : a->nth < b->nth;
}

static int64_t model_time(const model *m, uint32_t slot)
{
    for (size_t i = 0; i < m->pending; i++) {
        if (m->sorted[i].slot == slot) {
            return m->sorted[i].time_ns;
        }
    }
    return EVQ_NEVER;
}

static void model_clear(model *m, uint32_t slot)
{
    for (size_t i = 0; i < m->pending; i++) {
        if (m->sorted[i].slot == slot) {
            m->pending--;
            memmove(&m->sorted[i], &m->sorted[i + 1], (m->pending - i) * sizeof m->sorted[0]);
            return;
        }
    }
}

static void model_set(model *m, uint32_t slot, int64_t time_ns, unsigned cls)
{
    event e = {.time_ns = time_ns, .cls = cls, .nth = m->sets++, .slot = slot};
    size_t at = 0;

    model_clear(m, slot);
    while (at < m->pending && comes_before(&m->sorted[at], &e)) {
        at++;
    }
    memmove(&m->sorted[at + 1], &m->sorted[at], (m->pending - at) * sizeof m->sorted[0]);
    m->sorted[at] = e;
    m->pending++;
}

/* One random operation on both. Returns 0 when they differ. */
static int step(choice *c, evq *q, model *m, int64_t time_span)
{
    uint64_t action = choice_below(c, 100);

    if (m->in_use == 0 || (action < 8 && m->in_use < MODEL_SLOTS)) {
        uint32_t slot = choice_chance(c, 1, 3) ? evq_slot_add_busy(q) : evq_slot_add(q);

        for (size_t i = 0; i < m->in_use; i++) {
            if (m->slots[i] == slot) {
                return 0;
            }
        }
        m->slots[m->in_use++] = slot;
        return slot != EVQ_NONE && evq_time(q, slot) == EVQ_NEVER;
    }
    size_t pick = choice_below(c, m->in_use);
    uint32_t slot = m->slots[pick];

    if (action < 12) {
        model_clear(m, slot);
        evq_slot_remove(q, slot);
        m->slots[pick] = m->slots[--m->in_use];
    } else if (action < 22) {
        model_clear(m, slot);
        evq_clear(q, slot);
    } else if (action < 70) {
        int64_t time_ns = choice_range(c, 0, time_span);
        unsigned cls = (unsigned)choice_range(c, EVQ_ENGINE, EVQ_END);

        model_set(m, slot, time_ns, cls);
        evq_set(q, slot, time_ns, (evq_class)cls);
    } else if (m->pending > 0) { /* the winner, out and back in or out for good */
        event first = m->sorted[0];

        if (choice_chance(c, 1, 2)) {
            int64_t time_ns = first.time_ns + choice_range(c, 0, time_span / 4);

            model_set(m, first.slot, time_ns, first.cls);
            evq_set(q, first.slot, time_ns, (evq_class)first.cls);
        } else {
            model_clear(m, first.slot);
            evq_set(q, first.slot, EVQ_NEVER, EVQ_ENGINE);
        }
    }
    return evq_count_set(q) == m->sets && (m->in_use == 0 || evq_time(q, m->slots[0]) == model_time(m, m->slots[0]));
}

static int same_front(const evq *q, const model *m)
{
    int64_t time_ns;
    uint32_t slot = evq_peek(q, &time_ns);

    if (m->pending == 0) {
        return slot == EVQ_NONE && time_ns == EVQ_NEVER;
    }
    return slot == m->sorted[0].slot && time_ns == m->sorted[0].time_ns;
}

static void test_against_sorted_array(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        choice c;
        model m = {0};

        choice_seed(&c, seed);
        evq *q = evq_new(choice_below(&c, 20));
        int64_t time_span = seed % 2 ? 8 : INT64_C(1) << 50;
        int ok = q != NULL;

        for (unsigned i = 0; ok && i < STEPS; i++) {
            ok = step(&c, q, &m, time_span) && same_front(q, &m);
        }
        while (ok && m.pending > 0) { /* and the rest comes out in the model's order */
            ok = same_front(q, &m);
            evq_clear(q, m.sorted[0].slot);
            model_clear(&m, m.sorted[0].slot);
        }
        ok = ok && same_front(q, &m);
        evq_free(q);
        if (!ok) {
            fail_msg("queue and model differ for seed %llu", (unsigned long long)seed);
        }
    }
}

/* The choice itself: exact bounds, and the documented answers of a buffer. */
static void test_choice(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x07, 0x34, 0x12, 0xff};
    uint64_t seen[7] = {0};
    choice c;

    choice_seed(&c, 42);
    for (unsigned i = 0; i < 70000; i++) {
        uint64_t below = choice_below(&c, 7);
        int64_t within = choice_range(&c, -3, 3);

        assert_true(below < 7 && within >= -3 && within <= 3);
        seen[below]++;
    }
    for (unsigned i = 0; i < 7; i++) { /* 10,000 expected, sd 92.6 */
        assert_true(seen[i] > 9500 && seen[i] < 10500);
    }
    assert_false(choice_done(&c));
    assert_int_equal(choice_range(&c, 5, 4), 5);
    choice_range(&c, INT64_MIN, INT64_MAX);
    choice_bytes(&c, bytes, sizeof bytes);
    assert_int_equal(choice_below(&c, 1), 0); /* takes no byte */
    assert_int_equal(choice_below(&c, 5), 2); /* 7 mod 5 */
    assert_int_equal(choice_below(&c, 65536), 0x1234);
    assert_true(choice_chance(&c, 1, 256)); /* 255 >= 256 - 1 */
    assert_true(choice_done(&c));
    assert_int_equal(choice_range(&c, 9, 12), 9);
    assert_false(choice_chance(&c, 1, 2));
    assert_true(choice_chance(&c, 2, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_against_sorted_array),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_order.c - the order of deadlines: against a plain list, over growth, holes and the end of the seat numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/fleet/world.h"
#include "sim/kernel/rng.h"

enum { MOST = 600, STEPS = 20000 };

typedef struct plain { /* those inside, first come first */
    uint32_t request[MOST], seat[MOST];
    uint32_t count;
} plain;

static fl_world world; /* only for want of memory */

static void both_take(fl_order *o, plain *p, uint32_t at)
{
    fl_order_take(o, p->seat[at]);
    memmove(&p->request[at], &p->request[at + 1], (p->count - at - 1) * sizeof p->request[0]);
    memmove(&p->seat[at], &p->seat[at + 1], (p->count - at - 1) * sizeof p->seat[0]);
    p->count--;
}

/* Comes and goes at random, now more of the one, now of the other; the first one is asked for at every step. */
static void against_a_list(uint32_t first_seat)
{
    gsl_rng *r = rng_stream(1, 0, "order", first_seat);
    fl_order o = {.head = first_seat};
    plain p = {.count = 0};

    for (uint32_t step = 0; step < STEPS; step++) {
        const uint32_t comes = step / 2000 % 2 == 0 ? 55 : 45; /* of a hundred */

        if (p.count < MOST && gsl_rng_uniform_int(r, 100) < comes) {
            p.request[p.count] = step;
            p.seat[p.count] = fl_order_add(&world, &o, step);
            assert_int_not_equal(p.seat[p.count], FL_NONE);
            p.count++;
        } else if (p.count > 0) {
            both_take(&o, &p, (uint32_t)gsl_rng_uniform_int(r, p.count));
        }
        if (p.count > 0 && step % 7 == 0) {
            const uint32_t at = (uint32_t)gsl_rng_uniform_int(r, p.count);

            p.request[at] = STEPS + step;
            fl_order_move(&o, p.seat[at], p.request[at]);
        }
        assert_int_equal(fl_order_first(&o), p.count > 0 ? p.request[0] : FL_NONE);
    }
    while (p.count > 0) {
        assert_int_equal(fl_order_first(&o), p.request[0]);
        both_take(&o, &p, 0);
    }
    assert_int_equal(fl_order_first(&o), FL_NONE);
    assert_int_equal(o.span, 0);
    assert_false(world.no_memory);
    fl_order_fini(&o);
    gsl_rng_free(r);
}

static void test_from_the_first_seat(void **state)
{
    (void)state;
    against_a_list(0);
}

/* The numbers of seats begin again after the last one, in the middle of it. */
static void test_past_the_last_seat(void **state)
{
    (void)state;
    against_a_list((1u << 31) - 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_from_the_first_seat),
                                       cmocka_unit_test(test_past_the_last_seat)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_prefetch.c - when the core sends an image ahead: the rule of sched/core/prefetch.c, worked by hand.
 *
 * Groups a, b, c of one cluster each, with 10 single-GPU nodes up in each; replicas of one GPU; prefetch at 0.8.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/toy.h"

static void init(toy *t, int wanted, int32_t ppm)
{
    static const char *const names[] = {"a", "b", "c"};
    toy_init(t);
    for (int i = 0; i < 3; i++) {
        int c = toy_cluster(t, names[i]);
        (void)toy_pool_add(t, c, "pool", SPW_CAPACITY_OWNED, 10, 10);
    }
    t->template_replicas[0] = t->work[0].replicas = wanted;
    t->now = 1000 * SPW_NS_PER_S;
    const char *groups[] = {"a", "b", "c"};
    t->policy.prefetch_ppm = ppm;
    toy_start(t, groups, 3);
}

/* The lines of a plan that are prefetches, joined. */
static const char *prefetches(toy *t, char *out)
{
    char text[8192];
    const spw_plan *plan = toy_tick(t);
    (void)spw_plan_text(plan, &t->snap, text, sizeof text);
    out[0] = '\0';
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (strncmp(line, "prefetch", 8) == 0) {
            strcat(strcat(out, line), "\n");
        }
    }
    return out;
}

static void expect(int wanted, int32_t ppm, const char *line)
{
    toy t;
    char got[1024];
    init(&t, wanted, ppm);
    assert_string_equal(prefetches(&t, got), line);
    assert_string_equal(prefetches(&t, got), line); /* it holds on: said again */
    toy_end(&t);
}

static void test_rule(void **state)
{
    (void)state;
    expect(7, 800000, "");                                         /* 7 of 10 */
    expect(8, 800000, "prefetch prod/chat b 0 -> 1  prefetch\n");  /* 8 of 10 */
    expect(10, 800000, "prefetch prod/chat b 0 -> 1  prefetch\n"); /* full, not over */
    expect(11, 800000, "");                                        /* b is in use: 11 of 20 */
    expect(16, 800000, "prefetch prod/chat c 0 -> 1  prefetch\n"); /* 16 of 20 */
    expect(30, 800000, "");                                        /* no group is left */
    expect(10, 0, "");                                             /* off */
    expect(0, 1, "");                                              /* nothing runs, nothing is to come */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rule)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

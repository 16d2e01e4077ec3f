/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_fleet_starved.c - each allocation of a run of the fleet fails once: no figures, but a word that memory ran out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/support/starve.h"
#include "tests/support/world.h"

#define S SPW_NS_PER_S

/* An llm with retries, time-outs, conversations and jitter beside a station, both growing; wires; a burst of nodes. */
static void busy_world(world *w)
{
    world_init(w);
    w->sc.service_count = 2;
    w->sc.region_count = 2;
    w->rtt[1] = w->rtt[2] = 80 * S / 1000;
    w->sc.warmup_ns = 20 * S;
    w->sc.duration_ns = 200 * S;
    w->pools[0][0].nodes_start = w->pools[0][0].nodes_min = w->pools[0][0].nodes_max = 2;
    w->workloads[0].replicas = 3;
    w->workloads[1].replicas = 2;
    w->traffic[0].arrivals.rate_per_s = 8;
    w->services[0].lengths.output.fixed = 200;
    w->traffic[1].arrivals.rate_per_s = 3;
    w->services[0].engine = SC_ENGINE_LLM;
    w->services[0].router = SC_ROUTER_LEAST_KV;
    w->services[0].timeout_ns = 30 * S;
    w->services[0].retry = (mdl_retry){
        .attempts = 3, .base_ns = S, .max_ns = 4 * S, .factor = 2, .jitter = 1, .attempt_timeout_ns = 3 * S};
    w->services[1].router = SC_ROUTER_SESSION;
    w->targets[0][0] = (sc_target){"ttft", 0.95, 2 * S};
    w->services[0].target_count = 1;
    w->llm[0][0] = (mdl_llm_config){.step = {.c1 = 20000000000, .c2 = 1000000, .c3 = 1000000, .c4 = 1000000},
                                    .block_tokens = 16,
                                    .kv_blocks = 120,
                                    .max_batched_tokens = 512,
                                    .max_sequences = 16,
                                    .max_waiting = 64,
                                    .prefix_blocks = 20};
}

static void test_each_allocation(void **state)
{
    world w;
    const sc_scenario *sc;
    char err[256];
    res_run *whole;
    uint64_t struck = 0;

    (void)state;
    busy_world(&w);
    sc = world_scenario(&w);
    whole = fleet_run(sc, 1, 0, NULL, err, sizeof err);
    assert_non_null(whole);
    assert_true(whole->requests.completed > 200 && whole->services[0].attempts.timed_out > 0);
    for (uint64_t n = 1;; n++) {
        res_run *run;

        err[0] = '\0';
        starve_at(n);
        run = fleet_run(sc, 1, 0, NULL, err, sizeof err);
        (void)starve_end();
        if (!starve_struck()) {
            assert_non_null(run);
            assert_true(world_same(run, whole));
            res_free(run);
            break;
        }
        struck++;
        if (run != NULL || strstr(err, "out of memory") == NULL) {
            fail_msg("allocation %llu fails: %s, '%s'", (unsigned long long)n, run != NULL ? "figures" : "none", err);
        }
    }
    assert_true(struck > 100);
    res_free(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/** test_stations.c - services that are no LLM: what their start takes, their bytes, and their speed by GPU. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "sim/fleet/world.h"
#include "sim/scenario/messages.h"
#include "sim/scenario/scenario.h"
#include "tests/support/close.h"
#include "tests/support/fleet_live.h"
#include "tests/support/world.h"

#define S            SPW_NS_PER_S
#define STATION_FILE "tests/data/scenarios/station.yaml"

static mdl_law constant(double value)
{
    return (mdl_law){MDL_LAW_CONSTANT, value, 0, 0};
}

/* Image 4 GB at 0.5 GB/s; 2 s and 2 GB at 0.25 GB/s; its own 7 s and a probe of 3 s, or the compile and capture of an
 * LLM engine, 30 and 40 s, which a station has none of. */
static void test_start(void **state)
{
    (void)state;
    for (int own = 0; own < 2; own++) {
        world w;
        world_init(&w);
        w.pools[0][0].lag = (mdl_lag){.pull_gb_per_s = constant(0.5),
                                      .start_s = constant(2),
                                      .load_gb_per_s = constant(0.25),
                                      .compile_s = constant(30),
                                      .capture_s = constant(40),
                                      .probe_s = constant(3)};
        w.services[0].image = (mdl_image){4, 2};
        w.services[0].station_warmup_s = own == 1 ? 7 : 0;
        fl_world *f = fleet_open(&w);
        fl_assign(f, 0, 0, 1);
        fleet_live(f, 100 * S);
        const fl_replica *r = &f->replicas[f->services[0].places[0].ids[0]];
        assert_int_equal(r->state, FL_RP_READY);
        assert_int_equal(r->stage_ns[MDL_STAGE_PULL], 8 * S);
        assert_int_equal(r->stage_ns[MDL_STAGE_LOAD], 10 * S);
        assert_int_equal(r->stage_ns[MDL_STAGE_WARMUP], (own == 1 ? 10 : 3) * S);
        assert_int_equal(r->ready_ns - r->bound_ns, (own == 1 ? 28 : 21) * S);
        fl_world_free(f);
    }
}

/* Requests of 6 s, far apart, on GPUs that are 1.5 times as fast: 4 s, and half as many again a second. */
static void test_speed(void **state)
{
    static const double speed[] = {1.5};

    (void)state;
    for (int fast = 0; fast < 2; fast++) {
        world w;
        world_init(&w);
        w.services[0].station_law = (mdl_service_law){.kind = MDL_SERVICE_FIXED, .mean_s = 6, .stages = 1};
        w.services[0].station.servers = 100;
        w.services[0].station_speed = fast == 1 ? speed : NULL;
        res_run *run = world_run(&w, 1);
        assert_true(run->requests.completed > 1000);
        assert_within((double)stat_hist_quantile(run->latency.e2e, 0.01), fast == 1 ? 4e9 : 6e9, 0.05e9);
        assert_within((double)stat_hist_quantile(run->latency.e2e, 0.99), fast == 1 ? 4e9 : 6e9, 0.05e9);
        assert_close(run->services[0].nominal_rps[0], 100.0 / (fast == 1 ? 4 : 6), 1e-12);
        res_free(run);
    }
}

/* 2 MB up and 0.5 MB down a request, whatever the scenario has for others; all that came was answered. */
static void test_bytes(void **state)
{
    static const sc_way ways[1] = {{1000000, 0}};
    static const sc_payload payload = {.request_bytes_fixed = 2e6, .response_bytes_fixed = 5e5};

    (void)state;
    world w;
    world_init(&w);
    w.regions[0].provider = "entry";
    w.sc.ways = ways;
    w.sc.payload = (sc_payload){1, 1, 1, 1};
    w.services[0].payload = &payload;
    w.services[0].station.servers = 100;
    res_run *run = world_run(&w, 1);
    const res_way *way = &run->ways[0];
    assert_true(run->requests.completed > 1000);
    assert_int_equal(way->forth_bytes, (int64_t)run->requests.offered * 2000000);
    assert_int_equal(way->back_bytes, (int64_t)run->requests.completed * 500000);
    assert_int_equal(way->out_bytes, way->back_bytes);
    assert_int_equal(run->cost.egress_uusd, (int64_t)run->requests.offered * 2000); /* 1 USD a GB, up alone */
    res_free(run);
}

static void test_loaded(void **state)
{
    (void)state;
    sc_messages messages = {0};
    sc_scenario *sc = sc_load(STATION_FILE, NULL, &messages);
    if (sc == NULL) {
        fail_msg("%s", messages.text);
    }
    const sc_service *s = &sc->services[0];
    assert_close(s->image.image_gb, 4.5, 0.0);
    assert_close(s->image.weights_gb, 2.0, 0.0);
    assert_close(s->station_warmup_s, 7.0, 0.0);
    assert_close(s->station_speed[0], 1.0, 0.0);
    assert_close(s->station_speed[1], 1.5, 0.0);
    assert_int_equal(s->layer_count, 1);
    assert_true(s->layers[0].bytes == 4500000000 && s->weights.bytes == 2000000000);
    assert_true(s->layers[0].digest != s->weights.digest);
    assert_close(s->payload->request_bytes_fixed, 2e6, 0.0);
    assert_close(s->payload->request_bytes_per_token, 0.0, 0.0);
    assert_close(s->payload->response_bytes_fixed, 5e5, 0.0);
    assert_close(sc->payload.response_bytes_fixed, 500.0, 0.0);
    sc_free(sc);
    sc_messages_fini(&messages);
}

/* A row alone, and what is refused. */
static void test_said(void **state)
{
    static const struct {
        const char *path, *value, *said;
    } rows[] = {
        {"spec.services[0].payload", "{row: whole-anser}",
         "no payload 'whole-anser' in tables/payload.csv (did you mean 'whole-answer'?)"},
        {"spec.services[0].engine.speeds[0].gpu", "RTX-509",
         "no GPU 'RTX-509' in tables/gpus.csv (did you mean 'RTX-5090'?)"},
        {"spec.services[0].engine.speeds", "[{gpu: L40S, speed: 1}, {gpu: L40S, speed: 2}]",
         "the speed on 'L40S' is given twice"},
        {"spec.services[0].model", "Llama-3.1-8B", "imageGB, weightsGB"},
    };

    (void)state;
    for (size_t i = 0; i <= sizeof rows / sizeof rows[0]; i++) {
        const bool good = i == sizeof rows / sizeof rows[0];
        const sc_override set = good ? (sc_override){"spec.services[0].payload", "{row: whole-answer}"}
                                     : (sc_override){rows[i].path, rows[i].value};
        const sc_options options = {.sets = &set, .set_count = 1};
        sc_messages messages = {0};
        sc_scenario *sc = sc_load(STATION_FILE, &options, &messages);
        assert_true((sc != NULL) == good);
        if (good) {
            assert_close(sc->services[0].payload->response_bytes_fixed, 800.0, 0.0);
            assert_close(sc->services[0].payload->response_bytes_per_token, 4.4, 0.0);
        } else if (strstr(messages.text, rows[i].said) == NULL) {
            fail_msg("%s", messages.text);
        }
        sc_free(sc);
        sc_messages_fini(&messages);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_start), cmocka_unit_test(test_speed),
                                       cmocka_unit_test(test_bytes), cmocka_unit_test(test_loaded),
                                       cmocka_unit_test(test_said)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

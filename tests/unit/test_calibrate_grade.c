/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Unit tests of what a calibration may be called: rows of laws that no GPU has, of recordings that hold no steps, and
 * those whose replay is not the run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/calibrate_rig.h"
#include "tests/support/close.h"

/* What no GPU does is not measured, however well it fits: 1000 GB/s read the 16 GB of weights, less an embedding of
 * 1.05, in 14.95 ms, and the 131072 bytes of a token of context in 0.131 us; a prefill has no 60 ms beside its tokens.
 * The known row stands in its place, unless that replays the run worse. */
static void a_law_of_no_gpu_is_not_measured(void **state)
{
    (void)state;
    static const struct {
        double c1_us, e2_us, g0_us;
        const char *note, *grade;
    } laws[] = {{2000, 0.3, 500, "A cannot be a step: X takes 14.9 ms to read the weights", "estimate"},
                {15000, 0.03, 500, "E cannot be one of context: X takes 0.131 us to read", "derived"},
                {15000, 0.3, 60000, "F cannot be a prefill: +51", "estimate"}};
    for (size_t i = 0; i < sizeof laws / sizeof laws[0]; i++) {
        observed o = {.requests = NULL};
        mdl_profile other = rig_truth;
        other.c1_us = laws[i].c1_us;
        other.e2_us = laws[i].e2_us;
        other.g0_us = laws[i].g0_us;
        rig_log(&other, 6.0, &o);
        calibration c;
        char err[200] = "";
        assert_true(calibrate(&o, &rig_gpu, &rig_model, &rig_truth, &c, err, sizeof err));
        print_message("leaned %d, replay misses by %.3g, %s\n", c.leaned, calibrate_miss(&c.replay), c.row.grade);
        assert_true(rig_notes_say(&c, laws[i].note));
        assert_string_equal(c.row.grade, laws[i].grade);
        observed_free(&o);
    }
}

/* A KV cache too small for the load, as a client saw it: requests wait, are thrown out and come back, and no time
 * between their tokens is one of a step. The known row replays it, a law fitted to it does not. */
static void an_overloaded_recording_leans(void **state)
{
    (void)state;
    observed o = {.requests = NULL};
    mdl_profile small = rig_truth;
    small.reserved_bytes = 3000000000;
    rig_log(&small, 1.0, &o);
    for (size_t i = 0; i < o.request_count; i++) {
        o.requests[i].start_s = o.requests[i].arrival_s;
    }
    calibration c;
    char err[200] = "";
    assert_true(calibrate(&o, &rig_gpu, &rig_model, &rig_truth, &c, err, sizeof err));
    print_message("A %.5g us, replay misses by %.3g\n", c.fits[0].terms[0].value, calibrate_miss(&c.replay));
    assert_true(c.leaned && rig_notes_say(&c, "the row is none of it"));
    assert_string_equal(c.row.grade, "derived");
    assert_close(c.row.c1_us, rig_truth.c1_us, 1e-9);
    assert_true(calibrate_miss(&c.replay) < 0.02);
    observed_free(&o);
}

/* Nothing known replays a run whose first tokens came at other times than any engine's: no grade is earned. */
static void a_replay_that_misses_is_an_estimate(void **state)
{
    (void)state;
    observed o = {.requests = NULL};
    rig_log(&rig_truth, 3.0, &o);
    for (size_t i = 0; i < o.request_count; i++) { /* 2 s in every other request's queue that no prompt explains */
        o.requests[i].arrival_s -= i % 2 == 0 ? 2.0 : 0.0;
    }
    calibration c;
    char err[200] = "";
    assert_true(calibrate(&o, &rig_gpu, &rig_model, &rig_truth, &c, err, sizeof err));
    assert_true(calibrate_miss(&c.replay) > CALIBRATE_MISS);
    assert_string_equal(c.row.grade, "estimate");
    assert_true(rig_notes_say(&c, "the row is an estimate: the replay misses by up to "));
    observed_free(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_law_of_no_gpu_is_not_measured),
        cmocka_unit_test(an_overloaded_recording_leans),
        cmocka_unit_test(a_replay_that_misses_is_an_estimate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

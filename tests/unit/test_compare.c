/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_compare.c - comparisons with known answers: equal sides, a dearer price, windows of an HPA, logs by hand.
 *
 * The world is one owned node and an on-demand pool behind it; an HPA follows the requests in service.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/experiment/compare.h"
#include "sim/report/verdicts.h"
#include "tests/support/close.h"
#include "tests/support/world.h"

#define SECOND INT64_C(1000000000)

static void elastic_world(world *w, int32_t window_s)
{
    world_init(w);
    world_groups(w, 2);
    sc_pool *cloud = &w->pools[1][0];
    cloud->capacity = SPW_CAPACITY_ON_DEMAND;
    cloud->gpus_per_node = 1;
    cloud->nodes_start = cloud->nodes_min = 0;
    cloud->nodes_max = 40;
    cloud->price_uusd_per_gpu_h = 3000000;
    cloud->lag.boot_s = (mdl_law){.kind = MDL_LAW_LOGNORMAL, .a = 60, .b = 90};
    w->services[0].station = (mdl_station_config){.servers = 4, .max_waiting = 1 << 20};
    w->services[0].station_law = (mdl_service_law){.kind = MDL_SERVICE_HYPEREXP, .mean_s = 20, .cv2 = 8};
    w->traffic[0].arrivals.rate_per_s = 2.2;
    w->services[0].target_count = 1;
    w->targets[0][0] = (sc_target){.metric = "e2e", .percentile = 0.95, .limit_ns = 120 * SECOND};
    w->workloads[0].replicas = 12;
    w->sc.warmup_ns = 1200 * SECOND;
    w->sc.duration_ns = 4 * 3600 * SECOND;
    world_hpa(w, "vllm_num_requests_running", 3000, 2, 48);
    w->hpa.has_behavior = true;
    w->hpa.down.window_s = window_s;
}

/* A comparison of up to three worlds. */
typedef struct bench {
    world w[3];
    sc_scenario *sides[3];
    cmp_options options;
    comparison c;
} bench;

static const char *const labels[] = {"first", "second", "third"};

static bench *bench_new(const int32_t *windows, int32_t sides, int32_t pairs, int32_t jobs)
{
    bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    for (int32_t s = 0; s < sides; s++) {
        elastic_world(&b->w[s], windows[s]);
        (void)world_scenario(&b->w[s]);
        b->sides[s] = &b->w[s].sc;
    }
    b->options = (cmp_options){.sides = b->sides,
                               .labels = labels,
                               .side_count = sides,
                               .metrics = cmp_default_metrics,
                               .metric_count = cmp_default_metric_count,
                               .seed = 5,
                               .replications = pairs,
                               .jobs = jobs};
    return b;
}

static void bench_run(bench *b)
{
    char err[512] = "";
    if (compare_run(&b->c, &b->options, err, sizeof err) != 0) {
        fail_msg("%s", err);
    }
}

static void bench_free(bench *b)
{
    compare_fini(&b->c);
    free(b);
}

static void test_equal_sides(void **state)
{
    (void)state;
    bench *b = bench_new((const int32_t[]){300, 300}, 2, 3, 2);
    char verdict[1024];
    bench_run(b);
    assert_true(compare_figure(&b->c, 1, CMP_COST)->mean > 0);
    for (int32_t m = 0; m < cmp_default_metric_count; m++) {
        const cmp_figure *f = compare_figure(&b->c, 1, m);
        assert_true(f->same && !f->shown);
        assert_true(f->pairs == 0 || (!(f->diff < 0) && !(f->diff > 0) && !(f->diff_half > 0) && f->p >= 1));
    }
    assert_int_equal(b->c.moment_counts[1], 0);
    assert_string_equal(compare_verdict(&b->c, 1, verdict, sizeof verdict),
                        "no difference: B and A are equal in every figure of each of 3 pairs");
    bench_free(b);
}

/* All capacity one tenth dearer: every pair differs by exactly a tenth, whatever its luck. */
static void test_dearer_price(void **state)
{
    (void)state;
    bench *b = bench_new((const int32_t[]){300, 300}, 2, 4, 2);
    char verdict[1024];
    for (int c = 0; c < 2; c++) {
        b->w[1].pools[c][0].price_uusd_per_gpu_h += b->w[1].pools[c][0].price_uusd_per_gpu_h / 10;
    }
    bench_run(b);
    const cmp_figure *f = compare_figure(&b->c, 1, CMP_COST);
    assert_close(f->diff, 0.1 * f->base, 1e-6);
    assert_true(f->shown && !f->same && f->diff_half > 0 && f->diff_half < 0.2 * f->diff);
    compare_verdict(&b->c, 1, verdict, sizeof verdict);
    assert_non_null(strstr(verdict, "B costs 10.0 % more than A (95 % CI "));
    assert_non_null(strstr(verdict, "4 pairs); TTFT P99 the same"));
    bench_free(b);
}

/* The statistics again, from the pairs themselves. */
static void check_figures(const comparison *c, double level)
{
    for (int32_t s = 1; s < c->options->side_count; s++) {
        for (int32_t m = 0; m < c->options->metric_count; m++) {
            const cmp_figure *f = compare_figure(c, s, m);
            double a[64], d[64], mean = 0, base = 0, square = 0, spread_a = 0, spread_b = 0;
            int n = 0;
            for (int32_t r = 0; r < c->replications; r++) {
                const double x = compare_value(c, 0, r, m), y = compare_value(c, s, r, m);
                if (isfinite(x) && isfinite(y)) {
                    a[n] = x;
                    d[n++] = y - x;
                }
            }
            assert_int_equal(f->pairs, n);
            for (int i = 0; i < n; i++) {
                mean += d[i] / n;
                base += a[i] / n;
            }
            for (int i = 0; i < n; i++) {
                square += (d[i] - mean) * (d[i] - mean);
                spread_a += (a[i] - base) * (a[i] - base);
                spread_b += (a[i] + d[i] - base - mean) * (a[i] + d[i] - base - mean);
            }
            if (n < 2) {
                continue;
            }
            const double t = level > 0.96 ? 2.68501 : 2.262157; /* nine degrees of freedom: 97.5 %, 95 % */
            assert_close(f->diff, mean, 1e-9);
            assert_within(f->diff_half, t * sqrt(square / (n - 1) / n), 1e-5 * f->diff_half + 1e-12);
            if (square > 1e-9 * spread_a) {
                assert_close(f->reduction, (spread_a + spread_b) / square, 1e-6);
            }
            assert_int_equal(f->shown, fabs(f->diff) > f->diff_half);
            assert_true(f->p_holm >= f->p && f->p_holm <= fmin(1, f->p * (c->options->side_count - 1)) + 1e-12);
        }
    }
}

/* What pairing is for: the cost of two scale-down windows. */
static void test_windows(void **state)
{
    (void)state;
    bench *b = bench_new((const int32_t[]){300, 360}, 2, 10, 2);
    bench_run(b);
    const cmp_figure *f = compare_figure(&b->c, 1, CMP_COST);
    check_figures(&b->c, 0.95);
    if (!(f->reduction >= 5)) {
        fail_msg("pairing cuts the variance of the difference in cost %.2f-fold only", f->reduction);
    }
    assert_true(b->c.moment_counts[1] > 0);
    assert_non_null(strstr(b->c.moments[1][0].base, "metric-below"));
    assert_string_not_equal(b->c.moments[1][0].base, b->c.moments[1][0].candidate);
    bench_free(b);
}

static void test_three_sides_and_threads(void **state)
{
    (void)state;
    bench *one = bench_new((const int32_t[]){300, 900, 60}, 3, 10, 1),
          *two = bench_new((const int32_t[]){300, 900, 60}, 3, 10, 3);
    bench_run(one);
    bench_run(two);
    check_figures(&one->c, 0.975);
    char *text[2] = {NULL, NULL};
    size_t size[2] = {0, 0};
    const comparison *both[] = {&one->c, &two->c};
    for (int i = 0; i < 2; i++) {
        FILE *out = open_memstream(&text[i], &size[i]);
        assert_int_equal(report_compare_json(both[i], out), 0);
        assert_int_equal(report_compare_text(both[i], out), 0);
        assert_int_equal(report_compare_markdown(both[i], out), 0);
        assert_int_equal(fclose(out), 0);
    }
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(text[0], text[1], size[0]);
    assert_non_null(strstr(text[0], "for 2 candidates together"));
    free(text[0]);
    free(text[1]);
    bench_free(one);
    bench_free(two);
}

static void test_goal(void **state)
{
    const stat_goal loose = {0.5, true}, tight = {1e-9, false};
    (void)state;
    bench *b = bench_new((const int32_t[]){300, 900}, 2, 40, 2);
    b->options.goal = &loose;
    bench_run(b);
    assert_int_equal(b->c.replications, COMPARE_GOAL_FIRST);
    assert_true(b->c.goal_met);
    compare_fini(&b->c);
    b->options.goal = &tight;
    b->options.replications = 13;
    bench_run(b);
    assert_int_equal(b->c.replications, 13);
    assert_false(b->c.goal_met);
    bench_free(b);
}

#define LINE(tick, now, plan)                                                                                          \
    "{\"tick\":" #tick ",\"now_ns\":" #now                                                                             \
    ",\"snapshot_sha\":\"0000000000000001\",\"state_sha\":\"0000000000000002\",\"plan\":[" plan "]}\n"
#define SCALE(to)                                                                                                      \
    "{\"verb\":\"scale\",\"workload\":\"prod/chat\",\"before\":2,\"amount\":" #to ",\"reason\":\"metric-above\"}"

static void test_logs(void **state)
{
    static const char a[] = LINE(0, 0, "") LINE(1, 15000000000, SCALE(4)) LINE(2, 30000000000, "");
    static const char b[] = LINE(0, 0, "") LINE(1, 15000000000, SCALE(6)) LINE(2, 30000000000, SCALE(5));
    cmp_moment m[CMP_MOMENTS];
    (void)state;
    assert_int_equal(compare_logs(a, sizeof a - 1, a, sizeof a - 1, m), 0);
    assert_int_equal(compare_logs(a, sizeof a - 1, b, sizeof b - 1, m), 2);
    assert_int_equal(m[0].now_ns, 15000000000);
    assert_string_equal(m[0].base, "scale prod/chat 2 -> 4  metric-above");
    assert_string_equal(m[0].candidate, "scale prod/chat 2 -> 6  metric-above");
    assert_string_equal(m[1].base, "");
    assert_string_equal(m[1].candidate, "scale prod/chat 2 -> 5  metric-above");
    for (int i = 0; i < 2; i++) {
        free(m[i].base);
        free(m[i].candidate);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_sides), cmocka_unit_test(test_dearer_price),
        cmocka_unit_test(test_windows),     cmocka_unit_test(test_three_sides_and_threads),
        cmocka_unit_test(test_goal),        cmocka_unit_test(test_logs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

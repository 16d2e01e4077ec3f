/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_gpu_spread.c - replicas on several GPUs, experts, quantised weights: worked out by hand with round figures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "models/gpu/gpu.h"
#include "tests/support/close.h"

#include <math.h>
#include <string.h>

/* 1 GB/s are 1000 B/us; one token's activations are 1000 x 2 B: 2 us over the link. */
static const mdl_gpu gpu = {
    .name = "X", .mem_usable_bytes = 1000000, .link_gb_s = 1, .link_us = 10, .nvlink_gb_s = 10, .nvlink_us = 1};
static const mdl_model model = {.name = "Y",
                                .layers = 4,
                                .heads = 8,
                                .kv_heads = 2,
                                .hidden = 1000,
                                .kv_bytes_per_token = 100,
                                .weights_bytes = 400000};
static const mdl_profile whole = {.c1_us = 1000,
                                  .c2_us = 1,
                                  .c3_us = 500,
                                  .c4_us = 10,
                                  .h0_us = 100,
                                  .h1_us = 3,
                                  .e0_us = 40,
                                  .e1_us = 8,
                                  .e2_us = 0.8,
                                  .g0_us = 50,
                                  .g1_us = 4,
                                  .x_us = 2000,
                                  .block_tokens = 10,
                                  .reserved_bytes = 100000,
                                  .memory_utilization = 0.9};

static void one_gpu_changes_nothing(void **state)
{
    (void)state;
    const mdl_parallel none = {.pcie = true};
    mdl_profile p;
    mdl_profile_spread(&gpu, &model, &none, &whole, &p);
    assert_memory_equal(&p, &whole, sizeof p);
    const mdl_parallel one = {.tensor = 1, .pipeline = 1};
    mdl_profile_spread(&gpu, &model, &one, &whole, &p);
    assert_memory_equal(&p, &whole, sizeof p);
}

/* 8 all-reduces of 10 us, each of n tokens 2 (3/4) 2 us = 3 us: 80 + 24 n. */
static void four_share_each_layer(void **state)
{
    (void)state;
    const mdl_parallel four = {.tensor = 4, .pcie = true};
    mdl_profile p;
    mdl_profile_spread(&gpu, &model, &four, &whole, &p);
    assert_close(p.c1_us, 250 + 80 + 24, 1e-12);
    assert_close(p.c2_us, 0.25 + 24, 1e-12);
    assert_close(p.c3_us, 125 + 80, 1e-12);
    assert_close(p.c4_us, 2.5 + 24, 1e-12);
    assert_close(p.x_us, 500, 1e-12);
    assert_close(p.h0_us, 25, 1e-12);
    assert_close(p.h1_us, 3, 1e-12);
    assert_close(p.e0_us, 40, 1e-12);
    assert_close(p.e1_us, 2, 1e-12);
    assert_close(p.e2_us, 0.4, 1e-12); /* two KV heads: two shares */
    assert_close(p.g0_us, 50, 1e-12);
    assert_close(p.g1_us, 1, 1e-12);
    /* over NVLink 8 of 1 us and 0.3 us a token */
    const mdl_parallel fast = {.tensor = 4};
    mdl_profile_spread(&gpu, &model, &fast, &whole, &p);
    assert_close(p.c3_us, 125 + 8, 1e-12);
    assert_close(p.c4_us, 2.5 + 2.4, 1e-12);
}

/* Two hand-overs a round of 10 us and 2 us a token; the head runs for each micro-batch. */
static void pipelines_by_hand(void **state)
{
    (void)state;
    const mdl_parallel two = {.pipeline = 2, .pcie = true};
    mdl_profile p;
    mdl_profile_spread(&gpu, &model, &two, &whole, &p);
    assert_close(p.c1_us, 1000 + 20 + 4, 1e-12);
    assert_close(p.c2_us, 1 + 4, 1e-12);
    assert_close(p.c3_us, 500 + 20, 1e-12);
    assert_close(p.c4_us, 10 + 4, 1e-12);
    assert_close(p.h0_us, 200, 1e-12);
    assert_close(p.e1_us, 4, 1e-12);
    assert_close(p.e2_us, 0.4, 1e-12);
    assert_close(p.g1_us, 4, 1e-12);
    /* 4 layers on 3 stages: the largest has 2 and takes 1.5 times what an even one would */
    const mdl_parallel three = {.pipeline = 3, .pcie = true};
    mdl_profile_spread(&gpu, &model, &three, &whole, &p);
    assert_close(p.c1_us, 1500 + 30 + 6, 1e-12);
    assert_close(p.e0_us, 60, 1e-12);
}

/* What the host passes for all, 2 GB/s, leaves 0.5 to each of four, and 1 to each of two, which is what one has anyway;
 * NVLink does not pass it. */
static void host_memory_is_shared(void **state)
{
    (void)state;
    mdl_gpu staged = gpu;
    mdl_profile p;
    staged.link_host_gb_s = 2;
    const mdl_parallel four = {.tensor = 4, .pcie = true};
    mdl_profile_spread(&staged, &model, &four, &whole, &p);
    assert_close(p.c3_us, 125 + 80, 1e-12);
    assert_close(p.c4_us, 2.5 + 48, 1e-12);
    const mdl_parallel two = {.tensor = 2, .pcie = true}; /* 8 of 2 (1/2) 2 us */
    mdl_profile_spread(&staged, &model, &two, &whole, &p);
    assert_close(p.c4_us, 5 + 16, 1e-12);
    staged.link_host_gb_s = 20;
    mdl_profile_spread(&staged, &model, &two, &whole, &p);
    assert_close(p.c4_us, 5 + 16, 1e-12);
    staged.link_host_gb_s = 2;
    const mdl_parallel both = {.tensor = 2, .pipeline = 2, .pcie = true}; /* and two hand-overs of 2 us, at half */
    mdl_profile_spread(&staged, &model, &both, &whole, &p);
    assert_close(p.c4_us, 5 + 2 * (16 + 4), 1e-12);
    const mdl_parallel fast = {.tensor = 4};
    mdl_profile_spread(&staged, &model, &fast, &whole, &p);
    assert_close(p.c4_us, 2.5 + 2.4, 1e-12);
}

/* One GPU: (900 - 400 - 100) kB / (10 x 100 B) = 400. */
static void memory_by_hand(void **state)
{
    (void)state;
    assert_int_equal(mdl_kv_blocks(&gpu, &model, &whole, NULL), 400);
    const mdl_parallel four = {.tensor = 4};
    assert_int_equal(mdl_kv_blocks(&gpu, &model, &whole, &four), 1400);
    const mdl_parallel two = {.pipeline = 2};
    assert_int_equal(mdl_kv_blocks(&gpu, &model, &whole, &two), 1200);
    const mdl_parallel fp8 = {.pipeline = 2, .kv_fp8 = true};
    assert_int_equal(mdl_kv_blocks(&gpu, &model, &whole, &fp8), 2400);
    mdl_model large = model;
    large.weights_bytes = 900000;
    assert_int_equal(mdl_kv_blocks(&gpu, &large, &whole, NULL), 0);
}

static void layouts_that_do_not_go(void **state)
{
    (void)state;
    const mdl_parallel heads = {.tensor = 3};
    const mdl_parallel many = {.tensor = 16};
    const mdl_parallel stages = {.pipeline = 5};
    const mdl_parallel good = {.tensor = 8, .pipeline = 4};
    assert_non_null(mdl_parallel_check(&heads, &model));
    assert_non_null(mdl_parallel_check(&many, &model));
    assert_non_null(mdl_parallel_check(&stages, &model));
    assert_null(mdl_parallel_check(&good, &model));
}

static void experts_touched(void **state)
{
    (void)state;
    const int64_t x = INT64_C(16000000000);
    const double misses[] = {0.0, 0.5, 0.9375, 0.999};
    for (size_t i = 0; i < sizeof misses / sizeof misses[0]; i++) {
        for (int64_t n = 0; n < 3000; n += 1 + n / 7) {
            double share = 1.0 - pow(misses[i], (double)n);
            double got = (double)mdl_experts_ps(x, (uint32_t)(misses[i] * 4294967296.0), n);
            assert_true(fabs(got - share * (double)x) < 65536.0 + 1e-6 * (double)x);
        }
    }
    /* in a step they belong to what is streamed: half of 400 for one token */
    mdl_step_model m = {.c1 = 100 << 20, .x = 400 << 20, .x_miss = UINT32_C(1) << 31};
    mdl_step one = {.tokens = 1, .sampled = 1, .decodes = 1};
    assert_int_equal(mdl_step_ps(&m, &one), 300 << 20);
    m.c3 = 350 << 20;
    assert_int_equal(mdl_step_ps(&m, &one), 350 << 20);
}

/* 4 stages: 10 decodes are micro-batches of 3, 2, 3, 2; a chunk of 7 is not split. */
static void rounds_of_a_pipeline(void **state)
{
    (void)state;
    mdl_step_model m = {.c1 = 1000, .c2 = 10, .stages = 4};
    mdl_step step = {.tokens = 10, .decodes = 10};
    assert_int_equal(mdl_step_ps(&m, &step), 1020);
    step.tokens = 17;
    step.largest_chunk = 7;
    step.prefill = 7;
    assert_int_equal(mdl_step_ps(&m, &step), 1060);
}

/* Layers of 4e8 parameters besides 2 x 1e8 of embedding and head, in 6e8 B: 0.5 B each, so int4. */
static void quantised_by_hand(void **state)
{
    (void)state;
    const mdl_gpu g = {.name = "X",
                       .mem_bw_gb_s = 1,
                       .eff_mem_bw = 1,
                       .eff_kv_bw = 1,
                       .fp16_tflops = 1,
                       .eff_compute = 1,
                       .eff_attention = 1,
                       .eff_int4 = 0.5,
                       .fp8_tflops = 2};
    mdl_model m = {.name = "Y",
                   .params_b = 0.6,
                   .active_b = 0.3,
                   .layers = 1,
                   .heads = 1,
                   .kv_heads = 1,
                   .head_dim = 1,
                   .hidden = 10000,
                   .ffn = 1,
                   .vocab = 10000,
                   .kv_bytes_per_token = 4,
                   .weights_bytes = 600000000,
                   .compute = "fp16",
                   .experts = 4,
                   .experts_active = 1};
    mdl_profile p = {.reserved_bytes = 0};
    mdl_profile_derive(&g, &m, &p);
    /* 0.4e9 resident, 0.1e9 active: routed 0.3 / (1 - 1/4) = 0.4e9; 0.2e9 B at 0.5 of 1e3 B/us */
    assert_close(p.c1_us + p.x_us, 400000, 1e-9);
    assert_close(p.x_us, 400000, 1e-9);
    assert_close(p.c4_us, 2 * 0.1e9 / 0.5e6, 1e-9);
    /* fp8: one byte each, computed twice as fast, no int4 loss */
    m.weights_bytes = 800000000;
    memcpy(m.compute, "fp8", 4);
    mdl_profile_derive(&g, &m, &p);
    assert_close(p.x_us, 400000, 1e-9);
    assert_close(p.c4_us, 0.1e9 / 1e6, 1e-9);
    /* the same by way of another row of that GPU */
    mdl_model dense = m;
    dense.active_b = dense.params_b;
    dense.experts = dense.experts_active = 0;
    memcpy(dense.compute, "fp16", 5);
    dense.weights_bytes = 1200000000;
    dense.ffn = 13333;
    mdl_profile from = {.reserved_bytes = 0};
    mdl_profile to;
    mdl_profile_derive(&g, &dense, &from);
    mdl_profile_rescale(&g, &from, &dense, &m, &to);
    assert_close(to.x_us, p.x_us, 1e-3);
    assert_close(to.c4_us, p.c4_us, 1e-3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_gpu_changes_nothing), cmocka_unit_test(four_share_each_layer),
        cmocka_unit_test(pipelines_by_hand),       cmocka_unit_test(memory_by_hand),
        cmocka_unit_test(host_memory_is_shared),   cmocka_unit_test(layouts_that_do_not_go),
        cmocka_unit_test(experts_touched),         cmocka_unit_test(rounds_of_a_pipeline),
        cmocka_unit_test(quantised_by_hand),
    };
    return cmocka_run_group_tests_name("gpu_spread", tests, NULL, NULL);
}

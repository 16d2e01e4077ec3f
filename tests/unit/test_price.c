/* SPDX-License-Identifier: GPL-3.0-or-later */
/** test_price.c - money worked by hand, rounding at halves, sums too large for 64 bits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "models/price/price.h"

#define HOUR_NS 3600000000000LL

static void test_owned(void **state)
{
    (void)state;
    /*
     * 8 x RTX 4090 at 30 000 USD, 36 months, residual 15 %, 0.575 kW, PUE 1.4, 0.10 USD/kWh, 150 USD per kW-month, 5 %:
     *   3750 x 0.85 / 26280 h     = 0.1212899543
     *   0.575 x 1.4 x 0.10        = 0.0805
     *   0.575 x 150 / 730         = 0.1181506849
     *   3750 x 0.05 / 8760        = 0.0214041096
     * in all 0.3413447489 USD.
     */
    mdl_owned o = {30000, 8, 0.15, 36, 0.575, 1.4, 0.10, 150, 0.05, 0.08, 9.4};
    assert_true(mdl_owned_uusd_per_gpu_h(&o) == 341345);
    /* 3750 x 1.15 / 2 = 2156.25 in the books on average, x 0.08 / 8760 = 0.0196917808; 9.4 / 730 = 0.0128767123 */
    assert_true(mdl_owned_full_uusd_per_gpu_h(&o) == 373913);
    /* 8 x RTX 5090: 5250 x 0.85/26280 = 0.1698059361, 0.098, 0.70 x 150/730 = 0.1438356164, 5250/20/8760 = 0.0299657534
     */
    mdl_owned p = {42000, 8, 0.15, 36, 0.70, 1.4, 0.10, 150, 0.05, 0, 0};
    assert_true(mdl_owned_uusd_per_gpu_h(&p) == 441607);
    mdl_owned nothing = {.gpus_per_server = 8, .months = 36, .pue = 1};
    assert_true(mdl_owned_uusd_per_gpu_h(&nothing) == 0);
    mdl_owned absurd = {.server_usd = 1e300, .gpus_per_server = 1, .months = 1, .pue = 1};
    assert_true(mdl_owned_uusd_per_gpu_h(&absurd) == INT64_MAX);
}

static void test_cost(void **state)
{
    (void)state;
    assert_true(mdl_cost_uusd(HOUR_NS, 340000) == 340000);
    assert_true(mdl_cost_uusd((mdl_wide)HOUR_NS * 24 * 365 * 100000, 6880000) == 6026880000000000LL);
    assert_true(mdl_cost_uusd(0, 340000) == 0);
    /* One micro-USD an hour: half an hour is a half, rounded up; one ns less is nothing. */
    assert_true(mdl_cost_uusd(HOUR_NS / 2, 1) == 1);
    assert_true(mdl_cost_uusd(HOUR_NS / 2 - 1, 1) == 0);
    assert_true(mdl_cost_uusd(HOUR_NS / 2 * 3, 1) == 2);
    assert_true(mdl_cost_uusd(-HOUR_NS / 2, 1) == -1); /* a correction */
    assert_true(mdl_cost_uusd(-HOUR_NS / 2 + 1, 1) == 0);
    assert_true(mdl_cost_uusd(HOUR_NS / 2, -1) == -1);
    /* A rounding in doubles would lose this one ns: 2^62 hours-ns and a bit. */
    assert_true(mdl_cost_uusd((mdl_wide)HOUR_NS * 1000000000 + HOUR_NS / 2, 1) == 1000000001);
    assert_true(mdl_cost_uusd((mdl_wide)HOUR_NS * 1000000000 + HOUR_NS / 2 - 1, 1) == 1000000000);
}

/* Three hours of 8 GPUs at 0.5, 0.25 and 0.5 USD, the second cut short by 1 ns: one rounding for all of them. */
static void test_spells_and_storage(void **state)
{
    (void)state;
    mdl_wide sum =
        (mdl_wide)8 * HOUR_NS * 500000 + (mdl_wide)8 * (HOUR_NS - 1) * 250000 + (mdl_wide)8 * HOUR_NS * 500000;
    assert_true(mdl_cost_of_spells(sum) == 10000000);
    assert_true(mdl_cost_of_spells(sum - (mdl_wide)HOUR_NS / 2) == 9999999); /* .5 - 1 ns x 2 uusd/ns... down */
    assert_true(mdl_cost_of_spells((mdl_wide)HOUR_NS * 340000) == mdl_cost_uusd(HOUR_NS, 340000));
    /* 28 GB for a day at 0.10 USD per GB-month: 28 x 24/730 x 0.1 = 0.0920547945 */
    assert_true(mdl_storage_uusd((mdl_wide)28000000000LL * 24 * HOUR_NS, 100000) == 92055);
    assert_true(mdl_storage_uusd(0, 100000) == 0);
}

static void test_cost_ends(void **state)
{
    (void)state;
    mdl_wide most = (mdl_wide)1 << 126;
    assert_true(mdl_cost_uusd(most, INT64_MAX) == INT64_MAX);
    assert_true(mdl_cost_uusd(most, -5) == INT64_MIN);
    assert_true(mdl_cost_uusd(-most, 5) == INT64_MIN);
    assert_true(mdl_cost_uusd(-most, -5) == INT64_MAX);
    assert_true(mdl_cost_uusd(most, 0) == 0);
    assert_true(mdl_cost_uusd((mdl_wide)HOUR_NS * INT64_MAX, 1) == INT64_MAX);
    assert_true(mdl_cost_uusd((mdl_wide)HOUR_NS * INT64_MAX, 2) == INT64_MAX);
}

/* Many small amounts billed at once equal their exact sum; the identity holds for every split into two. */
static void test_exact_sum(void **state)
{
    (void)state;
    mdl_wide sum = 0;
    uint64_t x = 12345;
    for (int i = 0; i < 10000; i++) {
        x = x * 6364136223846793005ULL + 1442695040888963407ULL;
        int64_t part = (int64_t)(x >> 20);
        sum += part;
        int64_t price = (int64_t)(x % 10000019);
        /* nearest: |2 (got x unit - quantity x price)| <= unit */
        mdl_wide distance = 2 * ((mdl_wide)mdl_cost_uusd(part, price) * HOUR_NS - (mdl_wide)part * price);
        assert_true(distance <= HOUR_NS && distance >= -HOUR_NS);
    }
    mdl_wide distance = 2 * ((mdl_wide)mdl_cost_uusd(sum, 371999) * HOUR_NS - sum * 371999);
    assert_true(distance <= HOUR_NS && distance >= -HOUR_NS);
}

static void test_egress(void **state)
{
    (void)state;
    assert_true(mdl_egress_uusd(1000000000, 90000) == 90000);
    assert_true(mdl_egress_uusd(16060000000, 20000) == 321200); /* weights of an 8B model to another region */
    assert_true(mdl_egress_uusd(80000, 90000) == 7);            /* one streamed answer: 7.2 micro-USD */
    assert_true(mdl_egress_uusd(500000000, 1) == 1);
    assert_true(mdl_egress_uusd(499999999, 1) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_owned),     cmocka_unit_test(test_cost),      cmocka_unit_test(test_spells_and_storage),
        cmocka_unit_test(test_cost_ends), cmocka_unit_test(test_exact_sum), cmocka_unit_test(test_egress),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_rng.c - the generator against its published definition, the keying against its promises.
 *
 * xoshiro256++ is written here once more, as the linear map of the paper with rotation by single steps; the first
 * outputs of state {1, 2, 3, 4} are also worked by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/kernel/rng.h"
#include "tests/support/close.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_randist.h>
#include <stdlib.h>
#include <string.h>

static uint64_t rotate(uint64_t x, unsigned k)
{
    for (; k > 0; k--) {
        x = x * 2 + (x >= UINT64_C(1) << 63);
    }
    return x;
}

/* s' = (s0+s1+s3, s0+s1+s2, s0+s2+(s1<<17), rot(s1+s3, 45)) over GF(2); output rot(s0+s3, 23)+s0. */
static uint64_t reference_next(uint64_t s[4])
{
    uint64_t out = rotate(s[0] + s[3], 23) + s[0];
    uint64_t n[4] = {s[0] ^ s[1] ^ s[3], s[0] ^ s[1] ^ s[2], s[0] ^ s[2] ^ (s[1] << 17), rotate(s[1] ^ s[3], 45)};

    memcpy(s, n, sizeof n);
    return out;
}

static void test_generator(void **state)
{
    (void)state;
    uint64_t s[4] = {1, 2, 3, 4};
    gsl_rng *r = gsl_rng_alloc(rng_type_xoshiro256pp);

    assert_int_equal(gsl_rng_size(r), sizeof s);
    assert_int_equal(gsl_rng_min(r), 0);
    assert_true(gsl_rng_max(r) == UINT64_MAX);
    memcpy(gsl_rng_state(r), s, sizeof s);
    /* rot(1+4, 23) + 1 = 5 * 2^23 + 1; then the state is (7, 0, 2 ^ 2^18, 6 * 2^45), so
     * rot(7 + 6 * 2^45, 23) + 7 = 7 * 2^23 + 6 * 2^(68-64) + 7. */
    assert_int_equal(gsl_rng_get(r), 41943041);
    assert_int_equal(gsl_rng_get(r), 58720256 + 96 + 7);
    memcpy(gsl_rng_state(r), s, sizeof s);
    for (unsigned i = 0; i < 1000; i++) {
        assert_true(gsl_rng_get(r) == reference_next(s));
    }
    gsl_rng_free(r);
}

/* gsl_rng_set() is splitmix64 from the seed; the first three outputs for seed 1234567 are the widely published ones. */
static void test_set(void **state)
{
    (void)state;
    static const uint64_t splitmix_1234567[3] = {UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),
                                                 UINT64_C(9817491932198370423)};
    gsl_rng *r = gsl_rng_alloc(rng_type_xoshiro256pp);

    gsl_rng_set(r, 1234567);
    assert_memory_equal(gsl_rng_state(r), splitmix_1234567, sizeof splitmix_1234567);
    gsl_rng_set(r, 1);
    uint64_t one = gsl_rng_get(r);

    gsl_rng_set(r, UINT64_C(1) + (UINT64_C(1) << 32)); /* all 64 bits of a seed count */
    assert_true(gsl_rng_get(r) != one);
    gsl_rng_free(r);
}

/* Uniforms have 53 bits: they are the top bits of the word, exactly, and never 1. */
static void test_uniform(void **state)
{
    (void)state;
    gsl_rng *r = rng_stream(3, 0, "uniform", 0);
    gsl_rng *twin = gsl_rng_clone(r);
    unsigned odd = 0;

    for (unsigned i = 0; i < 10000; i++) {
        double u = gsl_rng_uniform(r);

        assert_true(u >= 0.0 && u < 1.0);
        assert_true((uint64_t)(u * 0x1p53) == gsl_rng_get(twin) / 2048);
        odd += (unsigned)((uint64_t)(u * 0x1p53) & 1);
    }
    assert_true(odd > 4700 && odd < 5300);        /* the last bit is alive: 5,000 +- 50 */
    uint64_t all_ones[4] = {UINT64_MAX, 0, 0, 0}; /* output rot(2^64-1, 23) + 2^64-1 = 2^64-2 */

    memcpy(gsl_rng_state(r), all_ones, sizeof all_ones);
    assert_true(gsl_rng_uniform(r) == 1.0 - 0x1p-53);
    uint64_t low[4] = {0, 7, 0, 0}; /* output 0, then not */

    memcpy(gsl_rng_state(r), low, sizeof low);
    assert_true(gsl_rng_uniform(r) == 0.0);
    memcpy(gsl_rng_state(r), low, sizeof low);
    assert_true(gsl_rng_uniform_pos(r) > 0.0);
    gsl_rng_free(r);
    gsl_rng_free(twin);
}

/* gsl_rng_uniform_int and gsl_ran_* run on it: counts by chi-square, a mean by its standard error. */
static void test_gsl_functions(void **state)
{
    (void)state;
    enum { CELLS = 10, DRAWS = 100000 };
    gsl_rng *r = rng_stream(11, 2, "functions", 5);
    unsigned count[CELLS] = {0};
    double chi2 = 0.0;
    double total = 0.0;

    for (unsigned i = 0; i < DRAWS; i++) {
        count[gsl_rng_uniform_int(r, CELLS)]++;
        total += gsl_ran_gamma(r, 2.0, 3.0);
    }
    for (unsigned i = 0; i < CELLS; i++) {
        double off = (double)count[i] - DRAWS / CELLS;

        chi2 += off * off / (DRAWS / CELLS);
    }
    assert_true(gsl_cdf_chisq_Q(chi2, CELLS - 1) > 1e-3);
    assert_within(total / DRAWS, 6.0, 4.0 * sqrt(18.0 / DRAWS)); /* mean ab, variance ab^2 */
    assert_true(gsl_rng_uniform_int(r, UINT64_MAX) < UINT64_MAX);
    gsl_rng_free(r);
}

static uint64_t first_of(uint64_t seed, uint32_t replication, const char *name, uint64_t key)
{
    gsl_rng *r = rng_stream(seed, replication, name, key);
    uint64_t first = gsl_rng_get(r);

    gsl_rng_free(r);
    return first;
}

/* A stream depends on its four names and on nothing else. */
static void test_streams(void **state)
{
    (void)state;
    uint64_t base = first_of(7, 0, "traffic", 0);

    assert_true(first_of(7, 0, "traffic", 0) == base);
    assert_true(first_of(8, 0, "traffic", 0) != base);
    assert_true(first_of(7 + (UINT64_C(1) << 32), 0, "traffic", 0) != base);
    assert_true(first_of(7, 1, "traffic", 0) != base);
    assert_true(first_of(7, 0, "traffid", 0) != base);
    assert_true(first_of(7, 0, "traffic", 1) != base);
    assert_true(first_of(7, 0, "traffic", UINT64_C(1) << 63) != base);
    assert_true(first_of(0, 7, "traffic", 0) != base); /* positions do not swap */
    assert_true(first_of(0, 0, "", 0) != first_of(0, 0, "a", 0));

    gsl_rng *r = rng_stream(7, 0, "traffic", 0);

    gsl_rng_get(r);
    rng_rekey(r, 7, 0, "traffic", 0);
    assert_true(gsl_rng_get(r) == base);
    rng_rekey(r, 7, 0, "traffic", 1);
    assert_true(gsl_rng_get(r) == first_of(7, 0, "traffic", 1));
    gsl_rng_free(r);
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Neighbouring keys, replications and seeds: no state word repeats, and first outputs behave like uniform draws. */
static void test_many_streams(void **state)
{
    (void)state;
    enum { STREAMS = 60000 };
    uint64_t *word = malloc(STREAMS * sizeof *word);
    gsl_rng *r = rng_stream(0, 0, "", 0);
    double total = 0.0;
    unsigned ones[64] = {0};

    assert_non_null(word);
    for (unsigned i = 0; i < STREAMS; i++) {
        rng_rekey(r, i % 3, i / 3 % 20, "spot", i / 60);
        memcpy(&word[i], gsl_rng_state(r), sizeof word[i]);
        uint64_t drawn = gsl_rng_get(r);

        total += (double)(drawn >> 11) * 0x1p-53;
        for (unsigned bit = 0; bit < 64; bit++) {
            ones[bit] += (unsigned)(drawn >> bit & 1);
        }
    }
    qsort(word, STREAMS, sizeof *word, by_size);
    for (unsigned i = 1; i < STREAMS; i++) {
        assert_true(word[i] != word[i - 1]);
    }
    assert_within(total / STREAMS, 0.5, 4.0 * sqrt(1.0 / 12.0 / STREAMS));
    for (unsigned bit = 0; bit < 64; bit++) {
        assert_within((double)ones[bit], STREAMS / 2.0, 4.5 * sqrt(STREAMS / 4.0));
    }
    gsl_rng_free(r);
    free(word);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_generator),     cmocka_unit_test(test_set),     cmocka_unit_test(test_uniform),
        cmocka_unit_test(test_gsl_functions), cmocka_unit_test(test_streams), cmocka_unit_test(test_many_streams),
    };

    gsl_set_error_handler_off();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

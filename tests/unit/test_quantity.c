/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * test_quantity.c - Kubernetes quantities against values worked by hand, and against a slow model: long division of
 * decimal digit strings, which shares no code with the 128-bit arithmetic under test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>

#include "sched/manifest/quantity.h"

typedef struct good_case {
    const char *text;
    int64_t milli;
} good_case;

static void values_by_hand(void **state)
{
    static const good_case cases[] = {
        {"0", 0},
        {"1", 1000},
        {"500m", 500},
        {"0.5", 500},
        {".5", 500},
        {"5.", 5000},
        {"+2", 2000},
        {"-2", -2000},
        {"-1.5", -1500},
        {"2e3", 2000000},
        {"2E3", 2000000},
        {"2e+3", 2000000},
        {"2500e-3", 2500},
        {"1k", 1000000},
        {"1M", 1000000000},
        {"2G", INT64_C(2000000000000)},
        {"1Ki", 1024000},
        {"1Gi", INT64_C(1073741824000)},
        {"1.5Gi", INT64_C(1610612736000)},
        {"0.1Ki", 102400},
        {"1u", 1}, /* a millionth rounds up to a thousandth */
        {"1n", 1},
        {"1000u", 1},
        {"1001u", 2},
        {"0.0001", 1},
        {"0.0010", 1},
        {"0.0011", 2},
        {"-0.0011", -2}, /* away from zero, as Kubernetes rounds */
        {"0n", 0},
        {"1e-90", 1},
        {"9223372036854775.807", INT64_MAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t milli = -77;

        assert_null(quantity_parse(cases[i].text, &milli));
        if (milli != cases[i].milli) {
            fail_msg("%s: %" PRId64 ", expected %" PRId64, cases[i].text, milli, cases[i].milli);
        }
    }
}

static void bad_forms(void **state)
{
    static const char *const cases[] = {"",     "-",   "m",   "1.2.3", "1 Gi",  "Gi",    "1gi", "1K",  "1KI",
                                        "1GiB", "0x5", "1e",  "1e+",   "1e1.5", "1e5Gi", "inf", "nan", "--1",
                                        "1_0",  "1,5", "1mm", "1 ",    " 1",    "1e5e5", "."};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t milli = -77;

        if (quantity_parse(cases[i], &milli) == NULL) {
            fail_msg("'%s' was accepted as %" PRId64, cases[i], milli);
        }
        assert_int_equal(milli, -77);
    }
}

static void too_large(void **state)
{
    static const char *const cases[] = {
        "9223372036854775.808", "9223372036854776", "1e16", "1e99", "1e999999999999", "1E", "8Ei", "9Pi", "99999P"};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t milli = 0;

        assert_string_equal(quantity_parse(cases[i], &milli), "is too large");
    }
}

/* digits (most significant first) times 2 in place. */
static void double_digits(unsigned char *digits, size_t count)
{
    unsigned carry = 0;

    for (size_t i = count; i-- > 0;) {
        const unsigned value = digits[i] * 2u + carry;

        digits[i] = (unsigned char)(value % 10u);
        carry = value / 10u;
    }
}

/* whole.fraction * 2^shift in milli-units, rounded up, on digit strings alone. */
static int64_t slow_model(unsigned whole, const char *fraction, unsigned shift)
{
    unsigned char digits[64] = {0}; /* 40 digits before the point, 24 behind */
    char text[16];
    int64_t value = 0;
    int rest = 0;

    (void)snprintf(text, sizeof(text), "%010u", whole);
    for (size_t i = 0; i < 10; i++) {
        digits[30 + i] = (unsigned char)(text[i] - '0');
    }
    for (size_t i = 0; fraction[i] != '\0'; i++) {
        digits[40 + i] = (unsigned char)(fraction[i] - '0');
    }
    for (unsigned i = 0; i < shift; i++) {
        double_digits(digits, sizeof(digits));
    }
    for (size_t i = 0; i < 43; i++) {
        value = value * 10 + digits[i];
    }
    for (size_t i = 43; i < sizeof(digits); i++) {
        rest |= digits[i];
    }
    return value + (rest != 0 ? 1 : 0);
}

static void against_long_division(void **state)
{
    static const char *const suffixes[] = {"", "Ki", "Mi", "Gi"};
    uint32_t random = 12345;

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        char fraction[12];
        char text[64];
        int64_t milli = 0;
        unsigned whole;
        unsigned kind;

        random = random * 1664525u + 1013904223u;
        whole = (random >> 8) % 100000u;
        random = random * 1664525u + 1013904223u;
        (void)snprintf(fraction, sizeof(fraction), "%0*u", (int)(1 + random % 7u), (random >> 12) % 10u);
        kind = (random >> 9) % 4u;
        (void)snprintf(text, sizeof(text), "%u.%s%s", whole, fraction, suffixes[kind]);
        assert_null(quantity_parse(text, &milli));
        if (milli != slow_model(whole, fraction, kind * 10u)) {
            fail_msg("%s: %" PRId64 ", expected %" PRId64, text, milli, slow_model(whole, fraction, kind * 10u));
        }
    }
}

static void parts_per_million(void **state)
{
    int64_t ppm = 0;

    (void)state;
    assert_null(quantity_parse_scaled("0.05", 6, &ppm));
    assert_int_equal(ppm, 50000);
    assert_null(quantity_parse_scaled("12500u", 6, &ppm));
    assert_int_equal(ppm, 12500);
}

static void printing(void **state)
{
    char buf[32];

    (void)state;
    assert_int_equal(quantity_print(1500, buf, sizeof(buf)), 5);
    assert_string_equal(buf, "1500m");
    assert_int_equal(quantity_print(-2000, buf, sizeof(buf)), 2);
    assert_string_equal(buf, "-2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_by_hand),        cmocka_unit_test(bad_forms),         cmocka_unit_test(too_large),
        cmocka_unit_test(against_long_division), cmocka_unit_test(parts_per_million), cmocka_unit_test(printing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_laws.c - every model of the list against the closed form beside it, with a fixed seed, and the list against the
 * models: what a table can name is in it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "models/engine/engine.h"
#include "sim/cli/list_rows.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED 20261126

static void says(const char *text)
{
    assert_non_null(text);
    assert_true(text[0] != '\0');
}

static void complete(void **state)
{
    (void)state;
    for (size_t f = 0; law_families[f] != NULL; f++) {
        says(law_families[f]->name);
        says(law_families[f]->what);
        for (size_t i = 0; i < law_families[f]->count; i++) {
            const law *l = &law_families[f]->laws[i];
            says(l->name);
            says(l->formula);
            says(l->parameters);
            says(l->source);
            says(l->x);
            const char *const texts[] = {l->formula, l->parameters};
            for (size_t k = 0; k < 2; k++) { /* lines that a picture has room for */
                for (const char *line = texts[k]; *line != '\0'; line += strcspn(line, "\n")) {
                    line += *line == '\n';
                    assert_true(strcspn(line, "\n") <= 104);
                }
            }
            for (const char *c = l->name; *c != '\0'; c++) {
                assert_true(islower((unsigned char)*c) || *c == '-'); /* it is a file name, too */
            }
            assert_ptr_equal(law_find(l->name), l);
            assert_true((l->exact != NULL) != (l->exact_of != NULL));
            assert_true((l->sample_of != NULL || l->at_of != NULL) == (l->exact_of != NULL));
            assert_true((l->at != NULL) + (l->at_of != NULL) == !law_is_distribution(l));
            if (!law_is_distribution(l)) {
                says(l->y);
                assert_true(l->points >= 2 && l->from < l->to && l->within > 0);
            }
        }
    }
    assert_null(law_find("no-such-law"));
}

static void agree(void **state)
{
    (void)state;
    int bad = 0;
    for (size_t f = 0; law_families[f] != NULL; f++) {
        for (size_t i = 0; i < law_families[f]->count; i++) {
            const law *l = &law_families[f]->laws[i];
            const double misfit = law_misfit(l, SEED);
            if (!(misfit <= 1)) {
                print_message("%s: %.3f\n", l->name, misfit);
                bad++;
            }
        }
    }
    assert_int_equal(bad, 0);
}

/* What a step takes with all that it can have at once, by the formulas of the list: the pictures show parts of it. */
static void a_whole_step(void **state)
{
    (void)state;
    const mdl_step_model m = {.c1 = 1000000,
                              .c2 = 2000,
                              .c3 = 3000,
                              .c4 = 50,
                              .h0 = 70,
                              .h1 = 11,
                              .e0 = 13,
                              .e1 = 17,
                              .e2 = 19,
                              .g0 = 23,
                              .g1_half = 29,
                              .x = 4000000,
                              .x_miss = 3u << 30, /* k / E = 1/4 */
                              .stages = 4};
    /* chunks of 100 after 50 and of 20 after 0, and 30 that decode */
    const mdl_step step = {.tokens = 150,
                           .sampled = 32,
                           .decodes = 30,
                           .decode_context = 6000,
                           .prefill = 120,
                           .prefill_pairs = 100 * (2 * 50 + 100) + 20 * 20,
                           .largest_chunk = 100};
    const double n = 100; /* the largest chunk is not divided among the stages: more than ceil(150 / 4) */
    const double share = 1 - pow(1 - 1.0 / 4, n);
    const double head = fmax(1e6 + 4e6 * share + 2000 * (n - 1), 3000 + 50 * n) + 70 + 11 * 32;
    const double rest = 13 + 17 * 30 + 19 * 6000 + 23 + 29.0 * (100 * (2 * 50 + 100) + 20 * 20);
    assert_true(fabs((double)mdl_step_ps(&m, &step) - head - rest) < 2);
    static const char *const told[][2] = {{"engine-step", "c1 + x a + c2 (n - 1)"},
                                          {"engine-step", "a = share of engine-experts"},
                                          {"engine-step", "n tokens, q of them sampled"},
                                          {"engine-prefill", "c1 + x a + c2 (n - 1)"},
                                          {"engine-prefill", "both"},
                                          {"engine-pipeline", "the largest chunk"},
                                          {"gpu-streaming", "x"}};
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        const law *l = law_find(told[i][0]);
        if (strstr(l->formula, told[i][1]) == NULL && strstr(l->parameters, told[i][1]) == NULL) {
            fail_msg("%s does not say '%s'", l->name, told[i][1]);
        }
    }
}

/* ---- what does not fit is told ---- */

static bool sooner(const void *of, double *values, size_t n, gsl_rng *r)
{
    (void)of;
    return law_find("delay-weibull")->sample_of(&(mdl_law){MDL_LAW_WEIBULL, 60, 0.7, 0}, values, n, r);
}

static double longer(double down_h)
{
    return 6 / (6.3 + down_h);
}

static double one(double x)
{
    (void)x;
    return 1;
}

static double none(double x)
{
    return x > 6 ? (double)NAN : 1 / (1 + x / 6);
}

static bool nothing(const void *of, double *values, size_t n, gsl_rng *r)
{
    const bool drawn = sooner(of, values, n, r);
    values[n / 2] = (double)NAN;
    return drawn;
}

/* What is no number agrees with nothing. */
static void no_numbers(void **state)
{
    (void)state;
    law other = *law_find("stock-spells");
    other.exact = none;
    assert_true(isnan(law_misfit(&other, SEED)));
    const mdl_law later = {MDL_LAW_WEIBULL, 62, 0.7, 0};
    other = law_of_delay(&later);
    other.sample_of = nothing;
    assert_true(isnan(law_misfit(&other, SEED)));
    other = law_of_delay(&later);
    other.exact_of = NULL;
    other.exact = none;
    assert_true(isnan(law_misfit(&other, SEED)));
}

static double cut_off(double tokens, gsl_rng *r)
{
    (void)r;
    return floor(800 + 4.567 * tokens);
}

static void differ(void **state)
{
    (void)state;
    const mdl_law later = {MDL_LAW_WEIBULL, 62, 0.7, 0};
    law other = law_of_delay(&later);
    assert_true(law_misfit(&other, SEED) <= 1);
    other.sample_of = sooner;
    assert_true(law_misfit(&other, SEED) > 1);
    other = *law_find("stock-spells");
    other.exact = longer;
    assert_true(law_misfit(&other, SEED) > 1);
    other = *law_find("network-payload"); /* rounded, not cut off */
    other.at = cut_off;
    assert_true(law_misfit(&other, SEED) > 1);
    other = *law_find("delay-constant"); /* right at the values, but not below them */
    other.exact_of = NULL;
    other.exact = one;
    assert_true(law_misfit(&other, SEED) > 1);
}

static void points(void **state)
{
    (void)state;
    for (size_t f = 0; law_families[f] != NULL; f++) {
        for (size_t i = 0; i < law_families[f]->count; i++) {
            const law *l = &law_families[f]->laws[i];
            law_point *at = calloc(law_count(l), sizeof *at);
            assert_non_null(at);
            assert_true(law_points(l, SEED, at));
            for (size_t k = 0; k < law_count(l); k++) {
                assert_true(isfinite(at[k].x) && isfinite(at[k].model) && isfinite(at[k].exact));
                assert_true(k == 0 || at[k].x >= at[k - 1].x);
                assert_true(!law_is_distribution(l) || (at[k].model > 0 && at[k].model <= 1));
            }
            const double from = at[0].x, to = at[law_count(l) - 1].x;
            for (int k = 0; law_is_distribution(l) && k <= 1000;
                 k++) { /* the line between the points is a share, too */
                const double x = from + (to - from) * k / 1000, share = law_exact(l, x);
                assert_true(share >= 0 && share <= 1 && law_exact(l, floor(x)) <= share);
            }
            free(at);
        }
    }
}

/* Each law that a table can name has a row, and each row of a delay is a name that the reader of tables takes. */
static void named_by_tables(void **state)
{
    (void)state;
    char name[64];
    for (int kind = 1; mdl_law_kind_name((mdl_law_kind)kind) != NULL; kind++) {
        snprintf(name, sizeof name, "delay-%s", mdl_law_kind_name((mdl_law_kind)kind));
        assert_non_null(law_find(name));
    }
    for (size_t i = 0; i < law_delays.count; i++) {
        const char *delay = law_delays.laws[i].name;
        assert_true(strncmp(delay, "delay-", 6) != 0 || table_law_kind(delay + 6) != 0);
    }
    for (int kind = 0; mdl_hazard_name((mdl_hazard)kind) != NULL; kind++) {
        snprintf(name, sizeof name, "spot-%s", mdl_hazard_name((mdl_hazard)kind));
        assert_non_null(law_find(name));
    }
}

/* ---- rows of tables ---- */

/* The draws of each row fit the closed form with its figures: one sample in a thousand of a true law would not. */
static void rows(void **state)
{
    (void)state;
    static const tables_kind kinds[] = {TABLES_LAGS,  TABLES_MARKETS, TABLES_BATHTUBS, TABLES_STOCKS,  TABLES_WALKS,
                                        TABLES_OWNED, TABLES_SHAPES,  TABLES_JITTER,   TABLES_PROFILES};
    char err[512];
    tables *t = tables_load("scenarios/tables", err, sizeof err);
    assert_non_null(t);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        for (size_t i = 0; i < tables_count(t, kinds[k]); i++) {
            row_law laws[ROW_LAWS];
            const size_t count = list_row_laws(t, kinds[k], i, laws);
            assert_true(count >= 1 && count <= ROW_LAWS);
            for (size_t n = 0; n < count; n++) {
                const double misfit = law_misfit(&laws[n].law, SEED);
                if (!(misfit <= 1.2)) {
                    fail_msg("%s: %.3f", laws[n].name, misfit);
                }
                assert_null(strchr(laws[n].law.name, '/'));
                says(laws[n].law.parameters);
            }
        }
    }
    row_law stock[ROW_LAWS];
    for (size_t i = 0; i < tables_count(t, TABLES_STOCKS); i++) { /* what a row has: spells, or a level by the hour */
        const size_t count = list_row_laws(t, TABLES_STOCKS, i, stock);
        if (strcmp(stock[0].line.name, "office-hours") == 0) { /* never down: spells have no end */
            assert_int_equal(count, 1);
            assert_string_equal(stock[0].law.name, "office-hours-level");
            assert_true(fabs(law_exact(&stock[0].law, 15) - 2) < 1e-9 && fabs(law_exact(&stock[0].law, 3) - 8) < 1e-9);
        } else {
            assert_int_equal(count, 2);
        }
    }
    row_law none[ROW_LAWS];
    assert_int_equal(list_row_laws(t, TABLES_GPUS, 0, none), 0);
    tables_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(complete),        cmocka_unit_test(agree),
                                       cmocka_unit_test(differ),          cmocka_unit_test(no_numbers),
                                       cmocka_unit_test(points),          cmocka_unit_test(a_whole_step),
                                       cmocka_unit_test(named_by_tables), cmocka_unit_test(rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

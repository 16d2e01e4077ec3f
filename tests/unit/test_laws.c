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
            for (const char *c = l->name; *c != '\0'; c++) {
                assert_true(islower((unsigned char)*c) || *c == '-'); /* it is a file name, too */
            }
            assert_ptr_equal(law_find(l->name), l);
            assert_true((l->exact != NULL) != (l->exact_of != NULL));
            assert_true((l->sample_of != NULL) == (l->exact_of != NULL));
            assert_true(law_is_distribution(l) != (l->at != NULL));
            if (l->at != NULL) {
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
    static const tables_kind kinds[] = {TABLES_LAGS, TABLES_MARKETS, TABLES_BATHTUBS, TABLES_STOCKS, TABLES_WALKS};
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
    row_law none[ROW_LAWS];
    assert_int_equal(list_row_laws(t, TABLES_GPUS, 0, none), 0);
    tables_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(complete),        cmocka_unit_test(agree),
                                       cmocka_unit_test(differ),          cmocka_unit_test(points),
                                       cmocka_unit_test(named_by_tables), cmocka_unit_test(rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

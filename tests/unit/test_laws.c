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

#include "sim/laws/laws.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/provision/provision.h"
#include "models/spot/spot.h"

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
            assert_non_null(l->exact);
            assert_true((l->sample != NULL) != (l->at != NULL));
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

/* A closed form of other parameters is not taken for the model's. */
static double later_cdf(double x)
{
    return 1 - exp(-pow(x / 62, 0.7));
}

static double longer(double down_h)
{
    return 6 / (6.6 + down_h);
}

static void differ(void **state)
{
    (void)state;
    law other = *law_find("delay-weibull");
    other.exact = later_cdf;
    assert_true(law_misfit(&other, SEED) > 1);
    other = *law_find("stock-spells");
    other.exact = longer;
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
                assert_true(l->sample == NULL || (at[k].model > 0 && at[k].model <= 1));
            }
            const double from = at[0].x, to = at[law_count(l) - 1].x;
            for (int k = 0; l->sample != NULL && k <= 1000; k++) { /* the line between the points is a share, too */
                const double x = from + (to - from) * k / 1000, share = l->exact(x);
                assert_true(share >= 0 && share <= 1 && l->exact(floor(x)) <= share);
            }
            free(at);
        }
    }
}

/* Each law that a table can name has a row. */
static void named_by_tables(void **state)
{
    (void)state;
    char name[64];
    for (int kind = 1; mdl_law_kind_name((mdl_law_kind)kind) != NULL; kind++) {
        snprintf(name, sizeof name, "delay-%s", mdl_law_kind_name((mdl_law_kind)kind));
        assert_non_null(law_find(name));
    }
    for (int kind = 0; mdl_hazard_name((mdl_hazard)kind) != NULL; kind++) {
        snprintf(name, sizeof name, "spot-%s", mdl_hazard_name((mdl_hazard)kind));
        assert_non_null(law_find(name));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(complete), cmocka_unit_test(agree), cmocka_unit_test(differ),
                                       cmocka_unit_test(points), cmocka_unit_test(named_by_tables)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

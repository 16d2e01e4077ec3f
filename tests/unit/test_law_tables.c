/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_law_tables.c - what spillway list laws calls a delay is what lags.csv may call one: each such law is written
 * into a copy of the shipped tables and read again; one that is not on the list is refused. Runs from the top of the
 * repository.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/laws/laws.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/scenario/tables.h"
#include "tests/support/folder.h"

#define SHIPPED "scenarios/tables"
#define PREFIX  "delay-"

/* The shipped tables and a lag more, which boots by a law of that name. @return NULL: refused, err says why */
static tables *with(const char *kind, char *err, size_t err_size)
{
    static const char *const stages[] = {"inventory_s", "join_s",          "pull_gb_per_s", "pull_hit_s",
                                         "start_s",     "compile_s",       "load_gb_per_s", "capture_s",
                                         "probe_s",     "fail_probability"};
    char dir[128], *lags = NULL;
    size_t size = 0;
    folder_make(dir, sizeof dir);
    for (int k = 0; k < TABLES_KINDS; k++) {
        char name[64];
        snprintf(name, sizeof name, "%s.csv", tables_kind_name((tables_kind)k));
        char *text = folder_read(SHIPPED, name);
        folder_write(dir, name, text);
        free(text);
    }
    FILE *out = open_memstream(&lags, &size);
    char *shipped = folder_read(SHIPPED, "lags.csv");
    fputs(shipped, out);
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
        fprintf(out, "more,%s,constant,1,0,0,a test,2026,estimate\n", stages[i]);
    }
    fprintf(out, "more,boot_s,%s,10,20,15,a test,2026,estimate\n", kind);
    assert_int_equal(fclose(out), 0);
    folder_write(dir, "lags.csv", lags);
    tables *t = tables_load(dir, err, err_size);
    free(shipped);
    free(lags);
    folder_remove(dir);
    return t;
}

static void read_again(void **state)
{
    (void)state;
    int count = 0;
    for (size_t i = 0; i < law_delays.count; i++) {
        const char *name = law_delays.laws[i].name;
        char err[512] = "";
        if (strncmp(name, PREFIX, strlen(PREFIX)) != 0) {
            continue;
        }
        tables *t = with(name + strlen(PREFIX), err, sizeof err);
        assert_string_equal(err, "");
        assert_non_null(t);
        const table_lag *lag = tables_lag(t, "more");
        assert_non_null(lag);
        assert_string_equal(mdl_law_kind_name(lag->lag.boot_s.kind), name + strlen(PREFIX));
        tables_free(t);
        count++;
    }
    assert_true(count >= 5);
}

static void refused(void **state)
{
    (void)state;
    char err[512] = "";
    assert_null(law_find(PREFIX "gamma"));
    assert_null(with("gamma", err, sizeof err));
    for (size_t i = 0; i < law_delays.count; i++) { /* and what is not is named */
        const char *name = law_delays.laws[i].name;
        assert_true(strncmp(name, PREFIX, strlen(PREFIX)) != 0 || strstr(err, name + strlen(PREFIX)) != NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(read_again), cmocka_unit_test(refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

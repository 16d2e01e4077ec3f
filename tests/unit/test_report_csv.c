/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_report_csv.c - the CSV files of a run's folder, from the made-up day of fake_run: shapes, sums, digits. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/report/json.h"
#include "sim/report/report.h"
#include "tests/support/fake_run.h"
#include "tests/support/folder.h"

/** All files but pictures. */
static void write_tables(const fake_run *f, const char *dir)
{
    report_options options;
    report_options_default(&options);
    options.plots = false;
    char err[256] = "";
    if (report_write_dir(&f->scenario, f->runs, f->count, dir, &options, err, sizeof err) != 0) {
        fail_msg("%s", err);
    }
}

static void csv_has_one_shape(void **state)
{
    (void)state;
    static const char *const names[] = {"timeline.csv", "pools.csv", "cost.csv", "bursts.csv", "lag.csv"};
    fake_run f;
    assert_int_equal(fake_run_init(&f, &(fake_options){.services = 2}, 1), 0);
    char dir[64];
    folder_make(dir, sizeof dir);
    write_tables(&f, dir);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *text = folder_read(dir, names[i]);
        assert_memory_equal(text, "# spillway ", 11);
        size_t columns = 0;
        size_t rows = 0;
        for (char *line = strchr(text, '\n') + 1; *line != '\0'; line = strchr(line, '\n') + 1) {
            size_t commas = 0;
            for (const char *p = line; *p != '\n'; p++) {
                commas += *p == ',' ? 1 : 0;
            }
            columns = rows == 0 ? commas : columns;
            assert_int_equal(commas, columns);
            rows++;
        }
        assert_true(rows > 1);
        free(text);
    }
    char *lag = folder_read(dir, "lag.csv"); /* the decision and each stage for each way of starting, and for all */
    static const char *const starts[] = {"\nnode_ordered,48,", "\nnode_up,16,", "\nall,64,"};
    for (size_t k = 0; k < 3; k++) {
        size_t n = 0;
        for (const char *row = strstr(lag, starts[k]); row != NULL; row = strstr(row + 1, starts[k])) {
            n++;
        }
        assert_int_equal(n, 1 + MDL_STAGES);
    }
    free(lag);
    char *cost = folder_read(dir, "cost.csv"); /* the last cumulative figure is the bill */
    double bill = strtod(strrchr(cost, ',') + 1, NULL);
    assert_true(fabs(bill - (double)f.runs[0]->cost.total_uusd / 1e6) < 1e-6);
    free(cost);
    folder_remove(dir);
    fake_run_fini(&f);
}

/* Time averages are kept in single precision: as many digits as that has, 24 bits, and no fewer than read back. */
static void single_precision_reads_back(void **state)
{
    (void)state;
    static const struct {
        float value;
        const char *text;
    } known[] = {{4.0f / 3, "1.3333334"},    {0.1f, "0.1"}, {16777216, "16777216"}, {-0.0f, "0"}, {NAN, ""},
                 {FLT_MAX, "3.4028235e+38"}, {2.5f, "2.5"}, {100000000, "1e+08"},   {0.3f, "0.3"}};
    char buf[REP_NUMBER_SIZE];
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        assert_string_equal(rep_single(known[i].value, buf), known[i].text);
    }
    fake_run f;
    assert_int_equal(fake_run_init(&f, &(fake_options){.services = 1}, 1), 0);
    f.runs[0]->timeline.ready[0] = 4.0f / 3;
    f.runs[0]->timeline.nodes[0] = 1.0f / 3;
    char dir[64];
    folder_make(dir, sizeof dir);
    write_tables(&f, dir);
    char *timeline = folder_read(dir, "timeline.csv");
    char *pools = folder_read(dir, "pools.csv");
    assert_non_null(strstr(timeline, ",1.3333334,"));
    assert_non_null(strstr(pools, ",0.33333334,"));
    free(timeline);
    free(pools);
    folder_remove(dir);
    fake_run_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(csv_has_one_shape),
                                       cmocka_unit_test(single_precision_reads_back)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

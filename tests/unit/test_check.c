/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_check.c - verdicts of selfcheck, its cross-checks and recorded runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/check/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DATA "../shared/validation"

static const check_line *find(const check_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->lines[i].name, name) == 0) {
            return &list->lines[i];
        }
    }
    fail_msg("no line '%s'", name);
    return NULL;
}

static void verdicts(void **state)
{
    (void)state;
    check_list list = {.lines = NULL};
    check_line line = {.group = "g", .unit = "", .expected = 100, .measured = 103, .tolerance = 0.03};
    for (int i = 0; i < 100; i++) {
        check_add(&list, &line);
    }
    assert_int_equal(list.count, 100);
    assert_int_equal(list.lines[99].verdict, CHECK_HELD);
    line.measured = 103.1;
    check_add(&list, &line);
    line.measured = 96.9;
    check_add(&list, &line);
    (void)snprintf(line.note, sizeof line.note, "for a reason");
    check_add(&list, &line);
    line.measured = (double)NAN;
    check_add(&list, &line);
    line.measured = 100;
    check_add(&list, &line);
    line.verdict = CHECK_NOT_RUN;
    check_add(&list, &line);
    assert_int_equal(list.lines[100].verdict, CHECK_FAILED);
    assert_int_equal(list.lines[101].verdict, CHECK_FAILED);
    assert_int_equal(list.lines[102].verdict, CHECK_EXPLAINED);
    assert_int_equal(list.lines[103].verdict, CHECK_EXPLAINED);
    assert_int_equal(list.lines[104].verdict, CHECK_HELD);
    assert_string_equal(list.lines[104].note, ""); /* nothing to explain */
    assert_int_equal(list.lines[105].verdict, CHECK_NOT_RUN);
    check_free(&list);
}

/* 5090 / 4090 on the same int4 mixture of experts, on a 70B over two cards, and TP4 / PP4 over PCIe: within a fifth. */
static void cross_checks(void **state)
{
    check_input in = {.tables = *state, .jobs = 1};
    check_list list = {.lines = NULL};
    char err[400] = "";
    assert_true(check_published(&in, &list, err, sizeof err));
    assert_true(fabs(find(&list, "5090 / 4090 AWQ MoE")->measured / 2.0 - 1.0) < 0.2);
    assert_true(fabs(find(&list, "5090 / 4090 70B int4 on two")->measured / 2.6 - 1.0) < 0.2);
    assert_true(fabs(find(&list, "TP4 / PP4 over PCIe")->measured / 0.5 - 1.0) < 0.2);
    assert_true(find(&list, "SkyServe saving by spot")->measured > 0.2);
    assert_int_equal(find(&list, "SageServe GPU-hours saved")->verdict, CHECK_NOT_RUN);
    for (size_t i = 0; i < list.count; i++) {
        assert_int_not_equal(list.lines[i].verdict, CHECK_FAILED);
    }
    check_free(&list);
}

static void recorded_runs(void **state)
{
    check_input in = {.tables = *state, .data = DATA, .jobs = 1};
    check_list list = {.lines = NULL};
    char err[400] = "";
    double rate = 0.0;
    if (access(DATA, R_OK) != 0) {
        print_message("no recordings under " DATA "\n");
        skip();
    }
    assert_true(check_runs(&in, &list, err, sizeof err));
    static const char *const means[] = {"TTFT mean, rtx4090-llama31-8b", "TPOT mean, rtx4090-llama31-8b",
                                        "end to end mean, rtx4090-llama31-8b"};
    for (size_t i = 0; i < 3; i++) {
        const check_line *line = find(&list, means[i]);
        assert_int_equal(line->verdict, CHECK_HELD);
        assert_true(line->tolerance <= 0.03);
    }
    (void)find(&list, "1 decode at 1 k, rtxpro6000-llama31-8b");
    check_free(&list);
    assert_true(check_replayed_rate(&in, "RTX-4090", "Llama-3.1-8B", &rate, err, sizeof err));
    assert_true(fabs(rate / 1066.4 - 1.0) < 0.03);
    assert_true(check_replayed_rate(&in, "RTX-4090", "Mistral-7B-v0.3", &rate, err, sizeof err));
    assert_true(isnan(rate)); /* nobody recorded that */
    in.data = "/nowhere/at/all";
    assert_false(check_runs(&in, &list, err, sizeof err));
    assert_non_null(strstr(err, "/nowhere/at/all"));
    check_free(&list);
}

static int load(void **state)
{
    char err[400] = "";
    *state = tables_load("scenarios/tables", err, sizeof err);
    return *state != NULL ? 0 : -1;
}

static int unload(void **state)
{
    tables_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts),
        cmocka_unit_test(cross_checks),
        cmocka_unit_test(recorded_runs),
    };
    return cmocka_run_group_tests_name("check", tests, load, unload);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_token_mix.c - lengths that are published by client and window, mixed: small files worked by hand, wrong ones,
 * and what the README of ../shared/traces says of the published ones (taken with another program).
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/trace/token_mix.h"

#define DATA "../shared/traces/servegen/"

static char dir[] = "/tmp/token-mix-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[300];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void put_file(const char *name, const char *text)
{
    FILE *f = fopen(path_of(name), "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static void near_to(double x, double expected, double within)
{
    if (!(fabs(x - expected) <= within)) {
        fail_msg("%.9g, not %.9g", x, expected);
    }
}

static const char two_lines[] =
    "{\"client\":0,\"window_s\":0,\"input_tokens\":{\"20\":0.5,\"10\":0.5},\"output_tokens\":{\"1\":1}}\n"
    "{\"client\":1,\"window_s\":0,\"input_tokens\":{\"40\":7},\"output_tokens\":{\"3\":1.0}}\n";

/* Weights are alike: 10 and 20 a quarter each, 40 a half. */
static void test_alike(void **state)
{
    (void)state;
    char err[500] = "";
    put_file("alone-token-pmf.jsonl", two_lines);
    assert_true(token_mix_is(path_of("alone-token-pmf.jsonl")));
    token_mix *m = token_mix_read(path_of("alone-token-pmf.jsonl"), err, sizeof err);
    assert_string_equal(err, "");
    assert_true(m->exact && !m->weighted && m->covered < 0.0);
    near_to(m->input.mean, 27.5, 1e-12);
    near_to(m->input.min, 10, 0);
    const double at[STATS_POINTS] = {10, 10, 20, 40, 40, 40, 40, 40};
    for (int i = 0; i < STATS_POINTS; i++) {
        near_to(m->input.at[i], at[i], 0);
    }
    /* variance: (17.5^2 + 7.5^2) / 4 + 12.5^2 / 2 */
    near_to(m->input.cv, sqrt(168.75) / 27.5, 1e-12);
    near_to(m->output.mean, 2, 1e-12);
    free(m);
}

/*
 * Rates beside: of 3000 requests 1800 are client 0's and 600 client 1's, the others have no lengths. 900 of 10, 900 of
 * 20, 600 of 40.
 */
static void test_weighted(void **state)
{
    (void)state;
    char err[500] = "";
    put_file("two-token-pmf.jsonl", two_lines);
    put_file("two-client-rates.csv", "timestamp_s,client,rate_per_s,cv,pattern,arg1,arg2\n"
                                     "0,0,1,1,Gamma,1,1\n0,1,1,1,Weibull,1,1\n"
                                     "600,0,2,1,Gamma,1,1\n600,2,1,1,Gamma,1,1\n");
    token_mix *m = token_mix_read(path_of("two-token-pmf.jsonl"), err, sizeof err);
    assert_string_equal(err, "");
    assert_true(m->weighted);
    near_to(m->requests, 2400, 1e-9);
    near_to(m->covered, 0.8, 1e-12);
    assert_int_equal(m->clients, 2);
    assert_int_equal(m->windows, 1);
    near_to(m->input.mean, 21.25, 1e-12);
    const double at[STATS_POINTS] = {10, 10, 20, 20, 40, 40, 40, 40};
    for (int i = 0; i < STATS_POINTS; i++) {
        near_to(m->input.at[i], at[i], 0);
    }
    near_to(m->output.mean, 1.5, 1e-12);
    free(m);
}

/* A quarter of the requests has 100 tokens, the others 400, whatever the quantile. */
static void test_quantiles(void **state)
{
    (void)state;
    char err[500] = "";
    put_file("q-token-quantiles.csv", "client,window_s,requests,field,mean,p10,p25,p50,p75,p90,p95,p99,max\n"
                                      "4,0,100,input_tokens,100,100,100,100,100,100,100,100,100\n"
                                      "4,0,100,output_tokens,7,7,7,7,7,7,7,7,9\n"
                                      "4,600,300,input_tokens,402,400,400,400,400,400,400,400,900\n"
                                      "4,600,300,output_tokens,7,7,7,7,7,7,7,7,7\n");
    assert_true(token_mix_is(path_of("q-token-quantiles.csv")));
    token_mix *m = token_mix_read(path_of("q-token-quantiles.csv"), err, sizeof err);
    assert_string_equal(err, "");
    assert_true(!m->exact && m->weighted);
    assert_int_equal(m->clients, 1);
    assert_int_equal(m->windows, 2);
    near_to(m->requests, 400, 0);
    near_to(m->input.mean, (100.0 + 3 * 402.0) / 4.0, 1e-9);
    near_to(m->input.at[1], 100, 0);
    near_to(m->input.at[2], 400, 0);
    near_to(m->input.at[5], 400, 0);
    near_to(m->input.at[7], 900, 0);
    near_to(m->output.at[7], 9, 0);
    free(m);
}

static void test_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text, *problem;
    } wrong[] = {
        {"{\"client\":0,\"window_s\":0,\"input_tokens\":{\"1\":1}}\n", ":1:1: error: client and window_s"},
        {"{\"client\":0,\"window_s\":0,\"input_tokens\":{\"1\":-1},\"output_tokens\":{\"1\":1}}\n",
         ":1:1: error: a probability"},
        {"{\"client\":0,\"window_s\":0,\"input_tokens\":{\"1\":0},\"output_tokens\":{\"1\":1}}\n",
         ":1:1: error: input_tokens and output_tokens"},
        {"\n{\"client\":0,\"window_s\":0,\"input_tokens\":{\"x\":1},\"output_tokens\":{\"1\":1}}\n",
         ":2:1: error: a token count"},
        {"{\"client\":0,\"window_s\":0,\"input_tokens\":{\"1\":1},\"output_tokens\":{\"1\":1}\n", ":1:"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char err[500] = "";
        put_file("wrong-token-pmf.jsonl", wrong[i].text);
        assert_null(token_mix_read(path_of("wrong-token-pmf.jsonl"), err, sizeof err));
        if (strstr(err, wrong[i].problem) == NULL) {
            fail_msg("'%s', not '%s'", err, wrong[i].problem);
        }
    }
}

/* README.md of the data: mean, p50, p90, p99; interpolated quantiles lie a few per cent off. */
static void test_published(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        double covered, within, input[4], output[4];
    } files[] = {
        {"deepseek-r1-token-pmf.jsonl.gz", 1.0, 0.0, {1268.25, 208, 2092, 23423}, {1527.42, 792, 3432, 12607}},
        {"deepseek-r1-token-quantiles.csv.gz", 1.0, 0.05, {1268.25, 208, 2092, 23423}, {1527.42, 792, 3432, 12607}},
        {"m-large-token-quantiles.csv.gz", 0.627, 0.05, {914.28, 601, 2371, 5452}, {155.09, 53, 461, 872}},
    };
    if (access(DATA "LICENSE.txt", R_OK) != 0) {
        print_message("no " DATA ": skipped\n");
        skip();
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        static const size_t at[3] = {2, 4, 6};
        char file[200], err[700] = "";
        snprintf(file, sizeof file, DATA "%s", files[i].file);
        token_mix *m = token_mix_read(file, err, sizeof err);
        assert_string_equal(err, "");
        near_to(m->covered, files[i].covered, 0.0005);
        near_to(m->input.mean, files[i].input[0], 0.005);
        near_to(m->output.mean, files[i].output[0], 0.005);
        for (int k = 0; k < 3; k++) {
            near_to(m->input.at[at[k]], files[i].input[1 + k], files[i].within * files[i].input[1 + k]);
            near_to(m->output.at[at[k]], files[i].output[1 + k], files[i].within * files[i].output[1 + k]);
        }
        free(m);
    }
}

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) != NULL ? 0 : -1;
}

static int drop_dir(void **state)
{
    static const char *const names[] = {"alone-token-pmf.jsonl", "two-token-pmf.jsonl", "two-client-rates.csv",
                                        "q-token-quantiles.csv", "wrong-token-pmf.jsonl"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)unlink(path_of(names[i]));
    }
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alike), cmocka_unit_test(test_weighted),  cmocka_unit_test(test_quantiles),
        cmocka_unit_test(test_wrong), cmocka_unit_test(test_published),
    };
    return cmocka_run_group_tests(tests, make_dir, drop_dir);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * test_rates_lengths.c - lengths of requests that are drawn from client rates: from whole distributions where they lie
 * beside, else from quantiles, between which the law is exponential.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/trace/rates.h"
#include "tests/support/folder.h"

static char dir[64];

static const char *path_of(const char *name)
{
    static char path[300];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static client_rates *read_rates(const char *name, char *err, size_t err_size)
{
    char path[300];
    snprintf(path, sizeof path, "%s", path_of(name));
    err[0] = '\0';
    return rates_read(path, err, err_size);
}

/* Of an exponential law with mean 1000 and n = 100000 requests: -1000 ln(1 - u), the maximum at 1 - 1 / n. */
static void test_exponential(void **state)
{
    (void)state;
    static const double shares[RATES_POINTS] = {0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99, 0.99999};
    rate_tokens tokens = {.mean = 1000.0};
    for (int i = 0; i < RATES_POINTS; i++) {
        tokens.at[i] = -1000.0 * log1p(-shares[i]);
    }
    for (int i = 1; i < 10000; i++) {
        const double u = (double)i / 10000.0;
        const double exact = fmax(-1000.0 * log1p(-u), 1.0);
        if (!(fabs(rates_length_at(&tokens, 1e5, u) - exact) <= 0.5 + 1e-6)) {
            fail_msg("%g at %g, not %g", rates_length_at(&tokens, 1e5, u), u, exact);
        }
    }
    assert_int_equal(rates_length_at(&tokens, 1e5, 0.999999), floor(tokens.at[RATES_POINTS - 1] + 0.5));
    /* equal quantiles, and a maximum of few requests, which cannot stand before p99 */
    const rate_tokens flat = {.at = {7, 7, 7, 7, 7, 7, 7, 7}};
    assert_int_equal(rates_length_at(&flat, 3.0, 0.02), 7);
    assert_int_equal(rates_length_at(&flat, 3.0, 0.99), 7);
    assert_int_equal(rates_length_at(&flat, 3.0, 0.9999), 7);
}

/* Requests of a trace that have this input and this output. */
static double share_of(const trace *t, int32_t input, int32_t output)
{
    const mdl_trace *c = trace_columns(t);
    size_t n = 0;
    for (size_t i = 0; i < c->count; i++) {
        n += c->input_tokens[i] == input && c->output_tokens[i] == output;
    }
    return (double)n / (double)c->count;
}

static void near_to(double is, double expected, double within)
{
    if (!(fabs(is - expected) <= within)) {
        fail_msg("%.9g, not %.9g", is, expected);
    }
}

/*
 * Client 1 has windows from 600 s and from 1200 s on, client 2 has none and borrows from the two that do, in proportion
 * to their requests. Whole distributions go before quantiles, which say something else here.
 */
static void test_whole_distributions(void **state)
{
    (void)state;
    char err[500];
    folder_write(dir, "a-client-rates.csv",
                 "timestamp_s,client,rate_per_s,cv,pattern\n"
                 "600,1,100,1,Gamma\n1200,1,100,1,Gamma\n1800,2,100,1,Gamma\n1800,1,30,1,Gamma\n"
                 "1800,3,10,1,Gamma\n");
    folder_write(dir, "a-token-quantiles.csv",
                 "client,window_s,requests,field,mean,p10,p25,p50,p75,p90,p95,p99,max\n"
                 "1,600,1,input_tokens,5,5,5,5,5,5,5,5,5\n"
                 "1,600,1,output_tokens,5,5,5,5,5,5,5,5,5\n");
    folder_write(dir, "a-token-pmf.jsonl",
                 "{\"client\":1,\"window_s\":1200,\"input_tokens\":{\"0\":1},\"output_tokens\":{\"9\":1}}\n"
                 "\n{\"client\":1,\"window_s\":600,\"input_tokens\":{\"30\":3,\"10\":1},\"output_tokens\":{\"2\":1}}\n"
                 "{\"client\":3,\"window_s\":1800,\"input_tokens\":{\"70\":1},\"output_tokens\":{\"71\":1}}\n"
                 "{\"client\":1,\"window_s\":1800,\"input_tokens\":{\"80\":1},\"output_tokens\":{\"81\":1}}\n");
    client_rates *r = read_rates("a-client-rates.csv", err, sizeof err);
    assert_string_equal(err, "");
    assert_int_equal(r->length_count, 4);
    near_to(r->lengths[0].input.mean, 25.0, 1e-12);
    near_to(r->lengths[2].requests, 30 * 600.0, 1e-9); /* by start, then client */
    near_to(r->lengths[3].requests, 10 * 600.0, 1e-9);
    trace *t = rates_draw(r, "a", 600, 1200, 1.0, 1, err, sizeof err);
    near_to(share_of(t, 10, 2), 0.25, 0.01); /* 60,000 requests: 0.0018 a standard deviation */
    near_to(share_of(t, 30, 2), 0.75, 0.01);
    trace_close(t);
    t = rates_draw(r, "a", 1200, 1800, 1.0, 1, err, sizeof err);
    near_to(share_of(t, 1, 9), 1.0, 0.0); /* no request has 0 tokens */
    trace_close(t);
    t = rates_draw(r, "a", 1800, 2400, 1.0, 1, err, sizeof err);
    near_to(share_of(t, 80, 81), (30 + 0.75 * 100) / 140.0, 0.01);
    near_to(share_of(t, 70, 71), (10 + 0.25 * 100) / 140.0, 0.01);
    trace_close(t);
    rates_free(r);
}

/* A file that is wrong is an error with its place, and a client has its fields once in a window. */
static void test_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text, *problem;
    } wrong[] = {
        {"{\"client\":1,\"window_s\":0,\"input_tokens\":{\"1\":1},\"output_tokens\":{\"1\":1}}\n{\"client\":1,",
         "b-token-pmf.jsonl:2:"},
        {"{\"client\":1,\"window_s\":0,\"input_tokens\":{\"1\":1},\"output_tokens\":{}}", "b-token-pmf.jsonl:1:1: "},
        {"{\"client\":1,\"window_s\":0,\"input_tokens\":{\"1\":1},\"output_tokens\":{\"1\":1}}\n"
         "{\"client\":1,\"window_s\":0,\"input_tokens\":{\"1\":1},\"output_tokens\":{\"1\":1}}\n",
         "b-token-pmf.jsonl:2:1: error: client 1 has the same field twice in the window from 0 s"},
    };
    folder_write(dir, "b-client-rates.csv", "timestamp_s,client,rate_per_s,cv,pattern\n0,1,1,1,Gamma\n");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char err[500];
        folder_write(dir, "b-token-pmf.jsonl", wrong[i].text);
        assert_null(read_rates("b-client-rates.csv", err, sizeof err));
        if (strstr(err, wrong[i].problem) == NULL) {
            fail_msg("'%s', not '%s'", err, wrong[i].problem);
        }
    }
}

static int make_dir(void **state)
{
    (void)state;
    folder_make(dir, sizeof dir);
    return 0;
}

static int drop_dir(void **state)
{
    (void)state;
    folder_remove(dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exponential),
        cmocka_unit_test(test_whole_distributions),
        cmocka_unit_test(test_wrong),
    };
    return cmocka_run_group_tests(tests, make_dir, drop_dir);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * test_tables.c - the shipped tables against figures worked by hand, and every way a table can be wrong: the message
 * must name file, line and column.
 *
 * Wrong tables are made by copying the shipped directory with one file replaced. Runs from the top of the repository.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/scenario/csvfile.h"
#include "sim/scenario/tables.h"
#include "tests/support/close.h"

#define SHIPPED "scenarios/tables"

static char directory[64];

static void put_file(const char *name, const char *data, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s.csv", directory, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

/* One malloc'd string. */
static char *shipped(const char *name)
{
    char path[128];
    char err[256];
    csv_bytes bytes;
    csv_message message = {err, sizeof err};
    snprintf(path, sizeof path, SHIPPED "/%s.csv", name);
    assert_true(csv_slurp(path, 1u << 24, &bytes, &message));
    return bytes.data;
}

static void copy_shipped(void)
{
    for (unsigned k = 0; k < TABLES_KINDS; k++) {
        const char *name = tables_kind_name((tables_kind)k);
        char *data = shipped(name);
        put_file(name, data, strlen(data));
        free(data);
    }
}

static int make_directory(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/spillway-tables-XXXXXX");
    return mkdtemp(directory) != NULL ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    for (unsigned k = 0; k < TABLES_KINDS; k++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s.csv", directory, tables_kind_name((tables_kind)k));
        unlink(path);
    }
    return rmdir(directory);
}

/* Loading with `name` replaced by text must fail with exactly "DIR/name.csv:" + message. */
static void expect_error(const char *name, const char *text, const char *message)
{
    char err[700] = "";
    char expected[700];
    copy_shipped();
    put_file(name, text, strlen(text));
    tables *t = tables_load(directory, err, sizeof err);
    snprintf(expected, sizeof expected, "%s/%s.csv:%s", directory, name, message);
    assert_null(t);
    assert_string_equal(err, expected);
}

#define MARKET_HEAD "name,shape_k,scale_h,notice_s,source,date,grade,protected_h\n"

static void test_markets_errors(void **state)
{
    (void)state;
    expect_error("markets", "", "1:1: error: the table has no header line");
    expect_error("markets", MARKET_HEAD, "1:1: error: the table has no rows");
    expect_error("markets", "name,shape_k,scale_h,source,date,grade,protected_h\n",
                 "1:1: error: column 'notice_s' is missing");
    expect_error("markets", "name,shape_k,scale_h,notice_s,colour,source,date,grade,protected_h\n",
                 "1:31: error: unknown column 'colour'");
    expect_error("markets", "name,shape_k,scale_h,notice_s,source,date,grade,protected_h,name\n",
                 "1:61: error: column 'name' stands here twice");
    expect_error("markets", MARKET_HEAD "a,0.6,2,120,s,2023,estimate,0\nb,0.6,2,120,s,2023\n",
                 "3:19: error: 6 cells, but the header has 8");
    expect_error("markets", MARKET_HEAD "a,0.6,2,120,s,2023,estimate,0,more\n",
                 "2:31: error: 9 cells, but the header has 8");
    expect_error("markets", MARKET_HEAD "a,0.6x,2,120,s,2023,estimate,0\n",
                 "2:3: error: shape_k: '0.6x' is not a number");
    expect_error("markets", MARKET_HEAD "a,0x1p3,2,120,s,2023,estimate,0\n",
                 "2:3: error: shape_k: '0x1p3' is not a number");
    expect_error("markets", MARKET_HEAD "a,nan,2,120,s,2023,estimate,0\n",
                 "2:3: error: shape_k: 'nan' is not a number");
    expect_error("markets", MARKET_HEAD "a,,2,120,s,2023,estimate,0\n", "2:3: error: shape_k: '' is not a number");
    expect_error("markets", MARKET_HEAD "a,0.6,1e999,120,s,2023,estimate,0\n",
                 "2:7: error: scale_h: '1e999' is not a number");
    expect_error("markets", MARKET_HEAD "a,0.6,  -2,120,s,2023,estimate,0\n",
                 "2:9: error: scale_h must be above 0 and at most 1e6");
    expect_error("markets", MARKET_HEAD "\"a, b\",0.6,2,-1,s,2023,estimate,0\n",
                 "2:14: error: notice_s must be from 0 to 86400");
    expect_error("markets", MARKET_HEAD "a,0.6,2,120,s,2023,estimate,-1\n",
                 "2:29: error: protected_h must be from 0 to 1e4");
    expect_error("markets", MARKET_HEAD "a,0.6,2,120,s,2023,guess,0\n",
                 "2:20: error: grade 'guess' is none of measured, vendor, derived, estimate");
    expect_error("markets", MARKET_HEAD "a,0.6,2,120,s,23,estimate,0\n",
                 "2:15: error: date '23' is not YYYY, YYYY-MM or YYYY-MM-DD");
    expect_error("markets", MARKET_HEAD "a,0.6,2,120,s,2023-13,estimate,0\n",
                 "2:15: error: date '2023-13' is not YYYY, YYYY-MM or YYYY-MM-DD");
    expect_error("markets", MARKET_HEAD "a,0.6,2,120,s,2023-02-29,estimate,0\n",
                 "2:15: error: date '2023-02-29' is not YYYY, YYYY-MM or YYYY-MM-DD");
    assert_true(table_is_date("2024-02-29") && !table_is_date("1900-02-29") && table_is_date("2000-02-29"));
    assert_true(table_is_date("2023-12-31") && !table_is_date("2023-11-31") && !table_is_date("2023-01-00"));
    expect_error("markets", MARKET_HEAD "a,0.6,2,120,,2023,estimate,0\n", "2:13: error: source is empty");
    expect_error("markets",
                 MARKET_HEAD
                 "a,0.6,2,120,s,2023,estimate,0\n\nb,0.6,2,120,s,2023,estimate,0\na,1,1,1,s,2023,vendor,0\n",
                 "5:1: error: line 2 has the same name");
    expect_error("markets", MARKET_HEAD "this-name-is-much-longer-than-32-bytes,0.6,2,120,s,2023,estimate,0\n",
                 "2:1: error: name is longer than 31 bytes");
}

static void test_csv_errors(void **state)
{
    (void)state;
    expect_error("markets", MARKET_HEAD "a,0.6,2,120,a \"source\",2023,estimate,0\n",
                 "2:15: error: a quote is out of place (inside a quoted cell, double it)");
    expect_error("markets", MARKET_HEAD "a,0.6,2,120,\"source,2023,estimate,0\nb,0.6,2,120,s,2023,estimate,0\n",
                 "2:13: error: the quoted cell that begins here is not closed on its line");
    expect_error("markets", MARKET_HEAD "a,0.6,2,120,\"source,2023,estimate,0",
                 "2:13: error: the quoted cell that begins here is not closed on its line");
    expect_error("markets", MARKET_HEAD "a,0.6,2,120,s,2023,estimate,0\rb,0.6,2,120,s,2023,estimate,0\n",
                 "2:1: error: a carriage return inside the line");
    char *many = calloc(1, 4000);
    assert_non_null(many);
    memset(many, ',', 300);
    expect_error("markets", many, "1:1: error: more than 256 cells in the line");
    free(many);

    copy_shipped();
    char err[700] = "";
    static const char nul[] = MARKET_HEAD "a,0.6,2,120,s\0t,2023,estimate,0\n";
    put_file("markets", nul, sizeof nul - 1);
    assert_null(tables_load(directory, err, sizeof err));
    assert_non_null(strstr(err, "markets.csv:2:1: error: a NUL byte in the line"));
    assert_null(tables_load("/nonexistent", err, sizeof err));
    assert_string_equal(err, "/nonexistent/gpus.csv: error: cannot open the file: No such file or directory");
    char tiny[12];
    assert_null(tables_load("/nonexistent", tiny, sizeof tiny));
    assert_string_equal(tiny, "/nonexisten");
    assert_null(tables_load("/nonexistent", NULL, 0));
}

/* Order of columns, CRLF, byte order mark, doubled quotes, no newline at the end: all one table. */
static void test_csv_forms(void **state)
{
    (void)state;
    copy_shipped();
    static const char text[] = "\xEF\xBB\xBFgrade,date,source,notice_s,scale_h,name,shape_k,protected_h\r\n\r\n"
                               "estimate,2023,\"a \"\"b\"\", c\",120, 2.5 ,\"x\",0.6,0.25\r\n"
                               "vendor,2024-02-29,d,0,1e1,default,1,0";
    put_file("markets", text, sizeof text - 1);
    char err[700] = "";
    tables *t = tables_load(directory, err, sizeof err);
    assert_string_equal(err, "");
    assert_non_null(t);
    const table_market *x = tables_market(t, "x");
    assert_non_null(x);
    assert_string_equal(x->source, "a \"b\", c");
    assert_close(x->market.scale_h, 2.5, 0.0);
    assert_close(x->market.protected_h, 0.25, 0.0);
    assert_close(tables_market(t, "default")->market.scale_h, 10.0, 0.0);
    assert_int_equal(tables_count(t, TABLES_MARKETS), 2);
    uint64_t hash = tables_hash(t);
    tables_free(t);
    put_file("markets", text, sizeof text - 2); /* not even a figure: ends in "default," */
    assert_null(tables_load(directory, err, sizeof err));
    static const char other[] = MARKET_HEAD "default,1,10,0,e,2023,estimate,0\n";
    put_file("markets", other, sizeof other - 1);
    t = tables_load(directory, err, sizeof err);
    assert_non_null(t);
    assert_true(tables_hash(t) != hash);
    tables_free(t);
}

static void test_cross_errors(void **state)
{
    (void)state;
#define PRICE_HEAD "provider,gpu,kind,usd_per_gpu_hour,min_billing_s,source,date,grade\n"
    expect_error("prices", PRICE_HEAD "aws,RTX-4091,spot,1,1,s,2023,vendor\n",
                 "2:1: error: gpu 'RTX-4091' is not in gpus.csv");
    expect_error("prices", PRICE_HEAD "aws,L40S,bid,1,1,s,2023,vendor\n",
                 "2:10: error: kind is none of on-demand, spot, reserved");
    expect_error("prices", PRICE_HEAD "aws,L40S,spot,0,1,s,2023,vendor\n",
                 "2:15: error: usd_per_gpu_hour must be above 0 and at most 1e6");
    expect_error("prices",
                 PRICE_HEAD "aws,L40S,spot,1,1,s,2023,vendor\naws,L40S,on-demand,1,1,s,2023,vendor\n"
                            "aws,L40S,spot,2,1,s,2023,vendor\n",
                 "4:1: error: line 2 has the same key");
    expect_error("images", "model,image_gb,weights_gb,source,date,grade\nLlama-9,1,1,s,2023,vendor\n",
                 "2:1: error: model 'Llama-9' is not in models.csv");
#define RTT_HEAD "from,to,rtt_ms,source,date,grade\n"
    expect_error("rtt", RTT_HEAD "a,a,1,s,2023,vendor\na,b,2,s,2023,vendor\nb,b,1,s,2023,vendor\n",
                 "4:1: error: no row from 'b' to 'a': the matrix must be full");
    expect_error("rtt", RTT_HEAD "a,a,1,s,2023,vendor\na,b,2,s,2023,vendor\n",
                 "3:1: error: no row from 'b' to any region");
    expect_error("rtt", RTT_HEAD "a,a,-1,s,2023,vendor\n", "2:5: error: rtt_ms must be from 0 to 60000");
#define EGRESS_HEAD "provider,scope,from,to,usd_per_gb,source,date,grade\n"
    expect_error("egress", EGRESS_HEAD "aws,wan,any,any,1,s,2023,vendor\n",
                 "2:5: error: scope is none of internet, inter-region, inter-provider");
    expect_error("egress", EGRESS_HEAD "aws,internet,any,us-east-1,1,s,2023,vendor\n",
                 "2:18: error: to must be any with scope internet");
    expect_error("egress",
                 EGRESS_HEAD "aws,inter-region,any,a,1,s,2023,vendor\naws,inter-region,a,any,1,s,2023,vendor\n"
                             "aws,inter-region,any,a,2,s,2023,vendor\n",
                 "4:1: error: line 2 has the same key");
#define LAG_HEAD "name,stage,kind,a,b,max,source,date,grade\n"
    expect_error("lags", LAG_HEAD "x,boot_s,constant,1,0,0,s,2023,vendor\n",
                 "2:1: error: 'x' has 1 of the 11 stages that a lag needs");
    expect_error("lags", LAG_HEAD "x,boot_s,normal,1,0,0,s,2023,vendor\n",
                 "2:10: error: kind is none of constant, lognormal, uniform, exponential, weibull");
    expect_error("lags", LAG_HEAD "x,boot_s,lognormal,3,2,0,s,2023,vendor\n",
                 "2:22: error: b (90th percentile) is below a (median)");
    expect_error("lags", LAG_HEAD "x,pull_gb_per_s,constant,0,2,0,s,2023,vendor\n",
                 "2:26: error: a must be above 0 and at most 1e9 (a rate)");
    expect_error("lags", LAG_HEAD "x,fail_probability,constant,1.5,0,0,s,2023,vendor\n",
                 "2:29: error: a of fail_probability must be from 0 to 1, and its kind constant");
#define SHAPE_HEAD                                                                                                     \
    "name,days,h00,h01,h02,h03,h04,h05,h06,h07,h08,h09,h10,h11,h12,h13,h14,h15,h16,h17,h18,h19,h20,h21,h22,h23,"       \
    "source,date,grade\n"
#define DAY ",1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,s,2023,vendor\n"
    expect_error("shapes", SHAPE_HEAD "x,workdays" DAY, "2:1: error: the rows of 'x' do not cover the whole week");
    expect_error("shapes", SHAPE_HEAD "x,all" DAY "x,sun" DAY, "3:1: error: days 'sun' of 'x' overlap an earlier row");
    expect_error("shapes", SHAPE_HEAD "x,monday" DAY,
                 "2:3: error: days is none of all, workdays, weekend, mon, tue, wed, thu, fri, sat, sun");
    expect_error("shapes", SHAPE_HEAD "x,all,1,-1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,s,2023,vendor\n",
                 "2:9: error: h01 is out of range");
}

/* Both regions, then the sender, then the receiver, then any. */
static void test_egress_row(void **state)
{
    static const char text[] =
        EGRESS_HEAD "p,inter-region,any,any,1,s,2023,vendor\np,inter-region,any,b,2,s,2023,vendor\n"
                    "p,inter-region,a,any,3,s,2023,vendor\np,inter-region,a,b,4,s,2023,vendor\n"
                    "p,inter-provider,a,b,5,s,2023,vendor\n";
    char err[700] = "";

    (void)state;
    copy_shipped();
    put_file("egress", text, sizeof text - 1);
    tables *t = tables_load(directory, err, sizeof err);
    assert_string_equal(err, "");
    assert_true(tables_egress(t, "p", MDL_EGRESS_INTER_REGION, "a", "b")->uusd_per_gb == 4000000);
    assert_true(tables_egress(t, "p", MDL_EGRESS_INTER_REGION, "a", "c")->uusd_per_gb == 3000000);
    assert_true(tables_egress(t, "p", MDL_EGRESS_INTER_REGION, "c", "b")->uusd_per_gb == 2000000);
    assert_true(tables_egress(t, "p", MDL_EGRESS_INTER_REGION, "b", "a")->uusd_per_gb == 1000000);
    assert_true(tables_egress(t, "p", MDL_EGRESS_INTER_PROVIDER, "a", "b")->uusd_per_gb == 5000000);
    assert_null(tables_egress(t, "p", MDL_EGRESS_INTER_PROVIDER, "b", "a"));
    tables_free(t);
}

/* ---- the shipped tables ---- */

static tables *load_shipped(void)
{
    char err[700] = "";
    tables *t = tables_load(SHIPPED, err, sizeof err);
    assert_string_equal(err, "");
    assert_non_null(t);
    return t;
}

static void test_shipped_prices(void **state)
{
    (void)state;
    tables *t = load_shipped();
    static const char *const gpus[] = {"RTX-4090", "RTX-5090", "L20", "L40S", "A10", "A100", "H100"};
    for (size_t i = 0; i < 7; i++) {
        const table_price *od = tables_price(t, "alibaba", gpus[i], "on-demand");
        const table_price *spot = tables_price(t, "alibaba", gpus[i], "spot");
        const table_price *reserved = tables_price(t, "alibaba", gpus[i], "reserved");
        assert_non_null(od);
        assert_non_null(spot);
        assert_non_null(reserved);
        assert_true(spot->uusd_per_gpu_h < reserved->uusd_per_gpu_h);
        assert_true(reserved->uusd_per_gpu_h < od->uusd_per_gpu_h);
        assert_non_null(tables_owned(t, gpus[i]));
        assert_non_null(tables_gpu(t, gpus[i]));
    }
    /* CNY 1.24 at 7.2; 55.04 USD for a node of 8 */
    assert_within((double)tables_price(t, "alibaba", "RTX-4090", "on-demand")->uusd_per_gpu_h, 1.24e6 / 7.2, 500.0);
    assert_true(tables_price(t, "aws", "H100", "on-demand")->uusd_per_gpu_h == 6880000);
    assert_string_equal(tables_price(t, "aws", "H100", "on-demand")->grade, "vendor");
    assert_null(tables_price(t, "aws", "H100", "lease"));
    assert_null(tables_price(t, "AWS", "H100", "spot"));
    assert_true(tables_owned(t, "RTX-4090")->uusd_per_gpu_h == 341345); /* worked in test_price.c */
    for (size_t i = 0; i < tables_count(t, TABLES_PRICES); i++) {       /* whoever rents out also sells traffic */
        const table_price *p = tables_row(t, TABLES_PRICES, i);
        for (int scope = MDL_EGRESS_INTERNET; scope <= MDL_EGRESS_INTER_PROVIDER; scope++) {
            assert_non_null(tables_egress(t, p->provider, (mdl_egress_scope)scope, "us-west-2", "eu-west-1"));
        }
    }
    assert_true(tables_egress(t, "aws", MDL_EGRESS_INTERNET, "us-east-1", TABLES_ANY)->uusd_per_gb == 90000);
    assert_null(tables_egress(t, "nobody", MDL_EGRESS_INTERNET, "us-east-1", TABLES_ANY));
    /* the region that sends sets the price */
    assert_true(tables_egress(t, "aws", MDL_EGRESS_INTER_REGION, "us-east-1", "ap-southeast-1")->uusd_per_gb == 20000);
    assert_true(tables_egress(t, "aws", MDL_EGRESS_INTER_REGION, "ap-southeast-1", "us-east-1")->uusd_per_gb == 90000);
    tables_free(t);
}

static double median_of(const mdl_lag *lag, double image_gb, double weights_gb, int node, int cached)
{
    double sum = mdl_law_median(&lag->start_s) + weights_gb / mdl_law_median(&lag->load_gb_per_s) +
                 mdl_law_median(&lag->compile_s) + mdl_law_median(&lag->capture_s) + mdl_law_median(&lag->probe_s);
    sum += cached ? mdl_law_median(&lag->pull_hit_s) : image_gb / mdl_law_median(&lag->pull_gb_per_s);
    return node ? sum + mdl_law_median(&lag->boot_s) + mdl_law_median(&lag->join_s) : sum;
}

static void test_shipped_lags(void **state)
{
    (void)state;
    tables *t = load_shipped();
    const table_lag *cloud = tables_lag(t, "cloud-default");
    assert_non_null(cloud);
    assert_non_null(tables_lag(t, "on-premises"));
    assert_non_null(tables_lag(t, "rented-container"));
    assert_non_null(tables_lag(t, "cloud-warm"));
    assert_null(tables_lag(t, "cloud"));
    assert_string_equal(cloud->grade, "estimate");
    assert_int_equal(cloud->lag.boot_s.kind, MDL_LAW_LOGNORMAL);
    assert_close(cloud->lag.boot_s.b, 240.0, 0.0);
    assert_close(cloud->lag.join_s.max, 900.0, 0.0);
    assert_close(cloud->lag.fail_probability, 0.05, 0.0);
    assert_int_equal(cloud->lag.probe_s.kind, MDL_LAW_UNIFORM);
    /* Whole chains of an 8B model: about 330 s on a new VM, about 65 s on a warm node with the image. */
    const table_image *image = tables_image(t, "Llama-3.1-8B");
    assert_non_null(image);
    assert_close(median_of(&cloud->lag, image->image.image_gb, image->image.weights_gb, 1, 0), 330.0, 0.05);
    assert_close(median_of(&cloud->lag, image->image.image_gb, image->image.weights_gb, 0, 1), 65.0, 0.06);
    tables_free(t);
}

static void test_shipped_rest(void **state)
{
    (void)state;
    tables *t = load_shipped();
    const mdl_network *network = tables_network(t);
    assert_int_equal(mdl_network_count(network), 11);
    assert_true(mdl_network_rtt_ns_by_name(network, "cn-hangzhou", "us-east-1") == 225000000);
    assert_true(mdl_network_rtt_ns_by_name(network, "us-west-2", "us-east-1") == 63000000);
    assert_true(mdl_network_rtt_ns_by_name(network, "us-east-1", "us-west-2") == 64000000);
    assert_true(mdl_network_rtt_ns_by_name(network, "cn-beijing", "ap-east-1") == 42000000);

    const table_market *market = tables_market(t, "aws-v100-2023");
    assert_non_null(market);
    assert_non_null(tables_market(t, "default"));
    assert_close(mdl_spot_mean_h(&market->market), 2.75, 0.01);                       /* 1.79 G(1 + 1/0.59) */
    assert_close(mdl_spot_mean_h(&tables_market(t, "alibaba")->market), 10.03, 0.01); /* 1 + 6 G(1 + 1/0.6) */
    assert_close(tables_market(t, "alibaba-eci")->market.protected_h, 1.0, 0.0);
    assert_non_null(tables_payload(t, "default"));

    const table_shape *shape = tables_shape(t, "servegen-m-large");
    assert_non_null(shape);
    assert_close(shape->hours[19], 223.8, 0.0);
    assert_close(shape->hours[6 * 24 + 8], 154.3, 0.0);
    shape = tables_shape(t, "office");
    assert_close(shape->hours[5 * 24 + 10], 0.4 * shape->hours[4 * 24 + 10], 1e-9);
    assert_null(tables_shape(t, "circle"));

    assert_non_null(tables_profile(t, "vllm-0.19", "RTX-4090", "Llama-3.1-8B"));
    assert_null(tables_profile(t, "vllm-0.19", "RTX-4090", "Llama-2"));
    assert_non_null(tables_model(t, "Llama-3.1-8B"));
    for (size_t i = 0; i < tables_count(t, TABLES_MODELS); i++) { /* images.csv repeats the weights */
        const mdl_model *m = tables_row(t, TABLES_MODELS, i);
        const table_image *image = tables_image(t, m->name);
        assert_non_null(image);
        assert_within(image->image.weights_gb, (double)m->weights_bytes / 1e9, 0.006);
    }
    tables_free(t);
}

/* Why the origin of a figure is none, or NULL: a source that says nothing, or that nobody can look up. */
static const char *origin_fault(const tables_line *line)
{
    static const char *const nobody[] = {"memory", "Memory", "recall", "remember", "unknown"};
    if (strlen(line->source) < 8) {
        return "no source";
    }
    for (size_t i = 0; i < sizeof nobody / sizeof nobody[0]; i++) {
        for (const char *at = line->source; (at = strstr(at, nobody[i])) != NULL; at++) {
            if (strncmp(at, "memory profiling", 16) != 0) { /* a stage of the start of an engine */
                return nobody[i];
            }
        }
    }
    if (strlen(line->date) < 4 || strncmp(line->date, "2000", 4) < 0) {
        return "no date";
    }
    static const char *const grades[] = {"measured", "vendor", "derived", "estimate"};
    for (size_t i = 0; i < sizeof grades / sizeof grades[0]; i++) {
        if (strcmp(line->grade, grades[i]) == 0) {
            return NULL;
        }
    }
    return "no grade";
}

static void test_origins(void **state)
{
    (void)state;
    static const tables_line good = {.source = "vendor page, list price", .date = "2026-01", .grade = "vendor"};
    static const struct {
        tables_line line;
        const char *fault;
    } bad[] = {
        {{.source = "", .date = "2026", .grade = "vendor"}, "no source"},
        {{.source = "price page, from memory", .date = "2026", .grade = "estimate"}, "memory"},
        {{.source = "memory profiling and memory", .date = "2026", .grade = "estimate"}, "memory"},
        {{.source = "vendor page, list price", .date = "", .grade = "vendor"}, "no date"},
        {{.source = "vendor page, list price", .date = "1999", .grade = "vendor"}, "no date"},
        {{.source = "vendor page, list price", .date = "2026", .grade = "guess"}, "no grade"},
    };
    assert_null(origin_fault(&good));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *fault = origin_fault(&bad[i].line);
        assert_non_null(fault);
        assert_string_equal(fault, bad[i].fault);
    }
    tables *t = load_shipped();
    unsigned faults = 0;
    for (unsigned k = 0; k < TABLES_KINDS; k++) {
        for (size_t i = 0; i < tables_count(t, (tables_kind)k); i++) {
            tables_line line;
            tables_describe(t, (tables_kind)k, i, &line);
            const char *fault = origin_fault(&line);
            if (fault != NULL) {
                print_error("%s %s: %s\n", tables_kind_name((tables_kind)k), line.name, fault);
                faults++;
            }
        }
    }
    assert_int_equal(faults, 0);
    tables_free(t);
}

static void test_listing(void **state)
{
    (void)state;
    tables *t = load_shipped();
    for (unsigned k = 0; k < TABLES_KINDS; k++) {
        tables_kind kind = (tables_kind)k;
        assert_true(tables_kind_of(tables_kind_name(kind)) == kind);
        assert_true(tables_count(t, kind) > 0);
        for (size_t i = 0; i < tables_count(t, kind); i++) {
            tables_line line;
            tables_describe(t, kind, i, &line);
            assert_true(strlen(line.name) > 0 && strlen(line.figures) > 0 && strlen(line.figures) < 159);
            assert_true(strlen(line.source) > 0 && strlen(line.date) >= 4 && strlen(line.grade) > 0);
        }
    }
    tables_line line;
    tables_describe(t, TABLES_LAGS, 1, &line);
    assert_string_equal(line.name, "cloud-default/boot_s");
    assert_string_equal(line.figures, "lognormal, median 90 s, p90 240 s");
    assert_string_equal(line.grade, "derived");
    tables_describe(t, TABLES_RTT, 0, &line);
    assert_string_equal(line.name, "cn-hangzhou/cn-hangzhou");
    assert_string_equal(line.figures, "1 ms");
    assert_true(tables_kind_of("weather") == TABLES_KINDS);
    assert_string_equal(tables_kind_name(TABLES_KINDS), "?");
    tables_free(t);
    tables_free(NULL);
}

/* A model that is listed can be served: on one of the GPUs at least, by the engine that a scenario has by default. */
static void test_shipped_models_are_served(void **state)
{
    (void)state;
    char err[512];
    tables *t = tables_load(SHIPPED, err, sizeof err);
    assert_non_null(t);
    for (size_t i = 0; i < tables_count(t, TABLES_MODELS); i++) {
        const mdl_model *m = tables_row(t, TABLES_MODELS, i);
        size_t served = 0;
        for (size_t k = 0; k < tables_count(t, TABLES_GPUS); k++) {
            served +=
                tables_profile(t, "vllm-0.19", ((const mdl_gpu *)tables_row(t, TABLES_GPUS, k))->name, m->name) != NULL;
        }
        print_message("%s on %zu GPUs\n", m->name, served);
        assert_true(served > 0);
    }
    tables_free(t);
}

/*
 * Two RTX 5090 without access between peers took so many prompt tokens a second under tensor parallelism
 * (noonghunna/club-3090 issues 851 and 849, 2026-08: Qwen3.6-35B-A3B, 40 layers of 2048, and Qwen3.6-27B, 64 of 5120):
 * what they exchange for a token cannot take longer than the token took.
 */
static void test_shipped_links(void **state)
{
    (void)state;
    static const struct {
        int64_t layers, hidden;
        double prompt_per_s;
    } runs[] = {{40, 2048, 20879}, {64, 5120, 4545}};
    static const mdl_profile nothing = {.c1_us = 0};
    const mdl_parallel two = {.tensor = 2};
    char err[512];
    tables *t = tables_load(SHIPPED, err, sizeof err);
    assert_non_null(t);
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        const mdl_model m = {.layers = runs[i].layers, .heads = 2, .kv_heads = 2, .hidden = runs[i].hidden};
        mdl_profile p;
        mdl_profile_spread(tables_gpu(t, "RTX-5090"), &m, &two, &nothing, &p);
        print_message("%.1f us a token of %.1f\n", p.c4_us, 1e6 / runs[i].prompt_per_s);
        assert_true(p.c4_us > 0.0 && p.c4_us < 1e6 / runs[i].prompt_per_s);
    }
    /* an exchange over PCIe is an estimate, or derived from a run of another kind: no row that has one is measured */
    for (size_t i = 0; i < tables_count(t, TABLES_GPUS); i++) {
        assert_string_not_equal(((const mdl_gpu *)tables_row(t, TABLES_GPUS, i))->grade, "measured");
    }
    tables_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_markets_errors, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_csv_errors, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_csv_forms, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_cross_errors, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_egress_row, make_directory, remove_directory),
        cmocka_unit_test(test_shipped_prices),
        cmocka_unit_test(test_shipped_lags),
        cmocka_unit_test(test_shipped_rest),
        cmocka_unit_test(test_shipped_links),
        cmocka_unit_test(test_shipped_models_are_served),
        cmocka_unit_test(test_origins),
        cmocka_unit_test(test_listing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

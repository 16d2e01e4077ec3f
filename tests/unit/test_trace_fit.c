/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * test_trace_fit.c - a fit finds what a trace was drawn from, and what is drawn from a fit resembles the source: hourly
 * rates, CV of gaps and quantiles of lengths within 5 %.
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
#include <sys/resource.h>
#include <unistd.h>

#include "sim/kernel/rng.h"
#include "sim/trace/edit.h"
#include "sim/trace/fit.h"

#define DATA   "../shared/traces/"
#define HOUR   INT64_C(3600000000000)
#define WITHIN 0.05

static void near_to(double is, double expected, double share)
{
    if (!(fabs(is - expected) <= share * fabs(expected))) {
        print_error("%.10g is not within %g %% of %.10g\n", is, 100.0 * share, expected);
        fail();
    }
}

/* Requests of a known source: an hour-by-hour rate, bursty, output twice the input. */
static trace *known_source(mdl_renewal law, double cv, int64_t span_ns, int64_t from_ns)
{
    double hours[MDL_SHAPE_HOURS];
    char err[300] = "";
    for (int h = 0; h < MDL_SHAPE_HOURS; h++) {
        hours[h] = h % 24 < 12 ? 2.0 : 6.0;
    }
    mdl_arrival_spec spec = {
        .kind = MDL_ARRIVAL_DIURNAL, .weekend_factor = 1.0, .hours = hours, .burst = {.renewal = law, .cv = cv}};
    mdl_arrivals *a = mdl_arrivals_new(&spec);
    gsl_rng *r = rng_stream(5, 0, "known", 0);
    trace_request *at = malloc(2000000 * sizeof *at);
    size_t count = 0;
    mdl_arrival next;
    while (mdl_arrivals_next(a, r, &next) < span_ns) {
        const int64_t input = 1 + (int64_t)gsl_rng_uniform_int(r, 1000);
        at[count++] =
            (trace_request){.at_ns = from_ns + next.at_ns, .session = -1, .input = input, .output = 2 * input};
        assert_true(count < 2000000);
    }
    trace *t = trace_of("known", at, count, 0, false, err, sizeof err);
    assert_string_equal(err, "");
    free(at);
    gsl_rng_free(r);
    mdl_arrivals_free(a);
    return t;
}

static void test_finds_its_source(void **state)
{
    (void)state;
    static const mdl_renewal laws[3] = {MDL_RENEWAL_POISSON, MDL_RENEWAL_GAMMA, MDL_RENEWAL_WEIBULL};
    for (int i = 0; i < 3; i++) {
        char err[300] = "";
        const double cv = i == 0 ? 1.0 : 1.5;
        trace *t = known_source(laws[i], cv, 48 * HOUR, 0);
        trace_fit *f = trace_fit_of(t, "known", 1, err, sizeof err);
        assert_string_equal(err, "");
        assert_int_equal(f->renewal, laws[i]);
        near_to(f->cv, cv, 0.02);
        assert_true(f->ks < 0.005); /* 690,000 gaps: 1.63 / sqrt(n) = 0.002 at 1 % */
        assert_int_equal(f->hours_seen, 48);
        near_to(f->hours[3], 2.0, 0.1); /* 7,200 requests at CV 1.5: 1.8 % a standard deviation */
        near_to(f->hours[20], 6.0, 0.06);
        /* Wednesday was not seen: means of Monday and Tuesday */
        near_to(f->hours[48 + 5], 0.5 * (f->hours[5] + f->hours[24 + 5]), 1e-12);
        near_to(f->correlation, 1.0, 1e-9);
        assert_true(fabs(f->errors.cv) < WITHIN);
        const mdl_trace *p = trace_columns(f->pairs);
        assert_int_equal(p->count, FIT_PAIRS);
        for (size_t k = 0; k < p->count; k++) { /* joint: what belongs together stays together, but for one step */
            assert_true(abs(p->output_tokens[k] - 2 * p->input_tokens[k]) <= 2);
        }
        trace_fit_free(f);
        trace_close(t);
    }
    /* a trace that begins later in the week */
    char err[300] = "";
    trace *t = known_source(MDL_RENEWAL_POISSON, 1.0, 3 * HOUR, 30 * HOUR + HOUR / 2);
    trace_fit *f = trace_fit_of(t, "known", 1, err, sizeof err);
    assert_int_equal(f->start_hour, 30);
    assert_int_equal(f->hours_seen, 4);
    trace_fit_free(f);
    trace_close(t);
}

/* Draws from a fit, counts for itself, and compares with what the caller knows of the source. */
static void check_drawn(const trace_fit *f, double scale, int64_t span_h, const double *source_per_s)
{
    double hours[MDL_SHAPE_HOURS];
    double count[MDL_SHAPE_HOURS] = {0.0};
    mdl_arrival_spec spec = trace_fit_arrivals(f, scale, hours);
    mdl_arrivals *a = mdl_arrivals_new(&spec);
    gsl_rng *r = rng_stream(99, 0, "check", 0);
    mdl_arrival next;
    while (mdl_arrivals_next(a, r, &next) < span_h * HOUR) {
        count[next.at_ns / HOUR] += 1.0;
    }
    for (int64_t h = 0; h < span_h; h++) {
        near_to(count[h] / 3600.0 / scale, source_per_s[h], WITHIN);
    }
    mdl_arrivals_free(a);
    gsl_rng_free(r);
}

/* Quantiles of lengths as drawn from the fit. */
static void check_lengths(const trace_fit *f)
{
    for (size_t i = 0; i + 1 < STATS_POINTS; i++) {
        near_to(1.0 + f->errors.input[i], 1.0, WITHIN);
        near_to(1.0 + f->errors.output[i], 1.0, WITHIN);
    }
}

/* Draws from a fit over the time of its trace, often, and counts for itself: the CV of gaps by the clock on the wall.
 */
static void check_cv(const trace_fit *f, const trace *t, int times)
{
    const mdl_trace *c = trace_columns(t);
    double hours[MDL_SHAPE_HOURS], n = 0.0, sum = 0.0, squares = 0.0;
    mdl_arrival_spec spec = trace_fit_arrivals(f, 1.0, hours);
    spec.local_offset_ns = (trace_first_ns(t) + (trace_about(t)->clock ? 72 * HOUR : 0)) % (168 * HOUR);
    gsl_rng *r = rng_stream(77, 0, "check-cv", 0);
    for (int i = 0; i < times; i++) {
        mdl_arrivals *a = mdl_arrivals_new(&spec);
        mdl_arrival next;
        for (int64_t last = -1; mdl_arrivals_next(a, r, &next) <= c->at_ns[c->count - 1]; last = next.at_ns) {
            const double gap_s = (double)(next.at_ns - last) / 1e9;
            n += last >= 0;
            sum += last >= 0 ? gap_s : 0.0;
            squares += last >= 0 ? gap_s * gap_s : 0.0;
        }
        mdl_arrivals_free(a);
    }
    trace_stats *s = trace_stats_of(t);
    near_to(sqrt(squares / n - sum / n * sum / n) / (sum / n), s->gap_cv, WITHIN);
    trace_stats_free(s);
    gsl_rng_free(r);
}

/* README of the data: p50, p90, p99 of all requests. NULL: it tells of a part of them alone. */
static void check_rates(const char *name, int64_t span_h, double scale, const double (*readme)[3])
{
    static const size_t points[3] = {2, 4, 6};
    char file[200], err[700] = "";
    double source[MDL_SHAPE_HOURS];
    snprintf(file, sizeof file, DATA "servegen/%s-client-rates.csv.gz", name);
    client_rates *r = rates_read(file, err, sizeof err);
    assert_string_equal(err, "");
    trace_fit *f = trace_fit_of_rates(r, 0, span_h * 3600, name, 1, err, sizeof err);
    assert_string_equal(err, "");
    for (int64_t h = 0; h < span_h; h++) {
        source[h] = rates_between(r, h * 3600, (h + 1) * 3600);
    }
    check_drawn(f, scale, span_h, source);
    assert_int_equal(f->errors.hours, span_h);
    assert_true(f->errors.hour_worst < WITHIN);
    assert_true(fabs(f->errors.cv) < WITHIN);
    check_lengths(f);
    trace_stats *pairs = trace_stats_of(f->pairs);
    for (size_t i = 0; readme != NULL && i < 3; i++) {
        near_to(pairs->input.at[points[i]], readme[0][i], WITHIN);
        near_to(pairs->output.at[points[i]], readme[1][i], WITHIN);
    }
    trace_stats_free(pairs);
    trace_fit_free(f);
    rates_free(r);
}

static void test_published_rates(void **state)
{
    (void)state;
    if (access(DATA "README.md", R_OK) != 0) {
        print_message("no " DATA ": skipped\n");
        skip();
    }
    check_rates("m-large", 168, 0.05, NULL);
    check_rates("deepseek-r1", 24, 1.0, (const double[2][3]){{208, 2092, 23423}, {792, 3432, 12607}});
}

/*
 * Requests drawn from client rates: as many as the rates say, and lengths near the published mixtures. These were taken
 * of whole distributions. Where draws are from eight quantiles of each client, and the clients without any (of m-large,
 * 37 % of the requests) borrow, they are further off.
 */
static void check_requests(const char *name, int64_t span_s, double scale, double requests, double within,
                           const double *input, const double *output)
{
    char file[200], err[700] = "";
    static const size_t points[3] = {2, 4, 6};
    snprintf(file, sizeof file, DATA "servegen/%s-client-rates.csv.gz", name);
    client_rates *r = rates_read(file, err, sizeof err);
    assert_string_equal(err, "");
    trace *t = rates_draw(r, name, 0, span_s, scale, 3, err, sizeof err);
    assert_string_equal(err, "");
    trace_stats *s = trace_stats_of(t);
    near_to((double)s->count, requests * scale, 0.005);
    near_to(s->input.mean, input[0], fmin(within, WITHIN));
    near_to(s->output.mean, output[0], fmin(within, WITHIN));
    for (size_t i = 0; i < 3; i++) {
        near_to(s->input.at[points[i]], input[i + 1], within);
        near_to(s->output.at[points[i]], output[i + 1], within);
    }
    trace_stats_free(s);
    trace_close(t);
    /* the same seed draws the same requests, and a part as in the whole */
    trace *part = rates_draw(r, name, span_s / 2, span_s / 2 + 7200, scale, 3, err, sizeof err);
    trace *again = rates_draw(r, name, span_s / 2 + 3600, span_s / 2 + 7200, scale, 3, err, sizeof err);
    const size_t more = trace_columns(part)->count - trace_columns(again)->count;
    assert_memory_equal(trace_columns(part)->input_tokens + more, trace_columns(again)->input_tokens,
                        trace_columns(again)->count * sizeof(int32_t));
    trace_close(part);
    trace_close(again);
    rates_free(r);
}

static void test_drawn_requests(void **state)
{
    (void)state;
    if (access(DATA "README.md", R_OK) != 0) {
        print_message("no " DATA ": skipped\n");
        skip();
    }
    check_requests("m-large", 14 * 86400, 0.005, 236892826, 0.1, (const double[4]){914.28, 601, 2371, 5452},
                   (const double[4]){155.09, 53, 461, 872});
    check_requests("deepseek-r1", 86400, 1.0, 1383669, 0.01, (const double[4]){1268.25, 208, 2092, 23423},
                   (const double[4]){1527.42, 792, 3432, 12607});
}

/* How one of the published files is read and fitted. */
typedef struct published {
    const char *file;
    trace_options read;
    int64_t from_s;
    size_t hours;       /**< that the trace covers enough of, at least */
    bool hours_compare; /**< of all of them enough is drawn */
} published;

static trace *read_published(const published *p, char *err, size_t err_size)
{
    char path[300];
    snprintf(path, sizeof path, DATA "%s", p->file);
    trace *t = trace_read(path, &p->read, err, err_size);
    if (t != NULL && p->from_s > 0) {
        trace *part = edit_slice(t, p->from_s * INT64_C(1000000000), INT64_MAX, path, err, err_size);
        trace_close(t);
        return part;
    }
    return t;
}

/* All files that have requests. What has no tokens gets some; what has 0 of them is left out. */
static void test_published_requests(void **state)
{
    (void)state;
    static const trace_options bare = {.zero = TRACE_ZERO_SKIP, .input = 100, .output = 100};
    published files[] = {
        {"azure-llm-2023/AzureLLMInferenceTrace_conv.csv", {.zero = TRACE_ZERO_REFUSE}, 0, 2, true},
        {"mooncake-fast25/conversation_trace.jsonl.gz", {.zero = TRACE_ZERO_REFUSE}, 0, 1, true},
        {"mooncake-fast25/conversation_trace.jsonl.gz", {.spread_ns = INT64_C(3000000000)}, 0, 1, true},
        {"burstgpt-vllm-replay/burstgpt1-conv-first500-reconstructed.csv", bare, 0, 10, false},
        {"alibaba-genai-2026/lora_request_trace.csv.gz", bare, 0, 137, false},
        {"alibaba-gpu-v2023/openb_pod_list_default.csv", bare, 115 * 86400, 168, false}, /* README: from there */
        {"burstgpt-vllm-replay/detail_log_scale100_prompt500.json.gz", bare, 0, 0, true},
        {"burstgpt-vllm-replay/detail_log_scale200_prompt500.json.gz", bare, 0, 0, true},
        {"burstgpt-vllm-replay/detail_log_scale400_prompt500.json.gz", bare, 0, 0, true},
        {"burstgpt-vllm-replay/detail_log_scale500_prompt500.json.gz", bare, 0, 0, true},
        {"burstgpt-vllm-replay/detail_log_scale600_prompt500.json.gz", bare, 0, 0, true},
        {"burstgpt-vllm-replay/detail_log_scale800_prompt500.json.gz", bare, 0, 0, true},
        {"burstgpt-vllm-replay/detail_log_scale900_prompt500.json.gz", bare, 0, 0, true},
        {"burstgpt-vllm-replay/detail_log_scale1000_prompt500.json.gz", bare, 0, 0, true},
        {"burstgpt-vllm-replay/detail_log_scale2000_prompt500.json.gz", bare, 0, 0, true},
    };
    if (access(DATA "README.md", R_OK) != 0) {
        print_message("no " DATA ": skipped\n");
        skip();
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char err[700] = "";
        print_message("%s\n", files[i].file);
        trace *t = read_published(&files[i], err, sizeof err);
        trace_fit *f = t != NULL ? trace_fit_of(t, files[i].file, 1, err, sizeof err) : NULL;
        assert_string_equal(err, "");
        assert_int_equal(f->errors.hours_whole, files[i].hours);
        assert_true(!files[i].hours_compare || f->errors.hours == files[i].hours);
        assert_true(f->errors.hour_worst < WITHIN);
        assert_true(fabs(f->errors.cv) < WITHIN);
        check_lengths(f);
        check_cv(f, t, (int)(1000000 / f->requests + 1));
        trace_fit_free(f);
        trace_close(t);
    }
}

/* What the fit says of the source. */
static void test_azure(void **state)
{
    (void)state;
    char err[700] = "";
    if (access(DATA "README.md", R_OK) != 0) {
        print_message("no " DATA ": skipped\n");
        skip();
    }
    trace *t = trace_open(DATA "azure-llm-2023/AzureLLMInferenceTrace_conv.csv", err, sizeof err);
    trace_fit *f = trace_fit_of(t, "azure", 1, err, sizeof err);
    assert_string_equal(err, "");
    near_to(f->wall_cv, 1.094, 0.0005);
    assert_int_equal(f->start_hour, 3 * 24 + 18); /* 2023-11-16 was a Thursday */
    /* 18:15:46.68 to 19:00 and to 19:14:08.40, counted in the file */
    assert_int_equal(f->hours_seen, 2);
    trace_fit_free(f);
    trace_close(t);
}

/*
 * 400 gaps of a Weibull law with CV 5, its quantiles at equal distances: they have CV 4.5, and 400 gaps drawn with
 * CV 4.5 would have less again. What is drawn over so long has the CV of the trace.
 */
static void test_few_gaps(void **state)
{
    (void)state;
    trace_request rows[401];
    char err[300] = "";
    const double shape = 0.3113; /* Gamma(1 + 2/k) / Gamma(1 + 1/k)^2 = 26 */
    double at_s = 0.0;
    for (int i = 0; i <= 400; i++) {
        rows[i] = (trace_request){.at_ns = (int64_t)(at_s * 1e9), .session = -1, .input = 5, .output = 6};
        const double share = ((double)(i * 163 % 400) + 0.5) / 400.0;
        at_s += pow(-log1p(-share), 1.0 / shape);
    }
    near_to(exp(lgamma(1.0 + 2.0 / shape) - 2.0 * lgamma(1.0 + 1.0 / shape)), 26.0, 0.01);
    trace *t = trace_of("few", rows, 401, 0, false, err, sizeof err);
    trace_fit *f = trace_fit_of(t, "few", 1, err, sizeof err);
    assert_string_equal(err, "");
    assert_true(trace_fit_cv(f) > 1.05 * f->cv);
    assert_true(fabs(f->errors.cv) < WITHIN);
    check_cv(f, t, 10000);
    trace_fit_free(f);
    trace_close(t);
}

static char last_message[700]; /* of rates_of() */

/* Client rates of a text, beside lengths of another one. */
static client_rates *rates_of(const char *rates, const char *lengths)
{
    char directory[] = "/tmp/spillway-rates-XXXXXX", files[2][64];
    const char *const texts[2] = {rates, lengths};
    assert_non_null(mkdtemp(directory));
    snprintf(files[0], sizeof files[0], "%s/a-client-rates.csv", directory);
    snprintf(files[1], sizeof files[1], "%s/a-token-quantiles.csv", directory);
    for (int i = 0; i < 2; i++) {
        FILE *f = fopen(files[i], "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(texts[i], 1, strlen(texts[i]), f), strlen(texts[i]));
        assert_int_equal(fclose(f), 0);
    }
    client_rates *r = rates_read(files[0], last_message, sizeof last_message);
    unlink(files[0]);
    unlink(files[1]);
    rmdir(directory);
    return r;
}

#define RATES   "timestamp_s,client,rate_per_s,cv,pattern\n"
#define LENGTHS "client,window_s,requests,field,mean,p10,p25,p50,p75,p90,p95,p99,max\n"
#define INPUT   "input_tokens,100,100,100,100,100,100,100,100,100\n"
#define OUTPUT  "output_tokens,50,50,50,50,50,50,50,50,50\n"

/* Windows that ns cannot hold are refused; without any rate there is no lowest one. */
static void test_rates_bounds(void **state)
{
    (void)state;
    assert_null(rates_of(RATES "9500000000,0,1,1,Gamma\n", LENGTHS "0,0,1," INPUT "0,0,1," OUTPUT));
    assert_null(rates_of(RATES "0,0,1,1,Gamma\n8000000000,0,1,1,Gamma\n", LENGTHS "0,0,1," INPUT "0,0,1," OUTPUT));
    client_rates *r = rates_of(RATES "0,0,0,1,Gamma\n600,0,0,1,Gamma\n", LENGTHS "0,0,1," INPUT "0,0,1," OUTPUT);
    assert_non_null(r);
    rates_stats *s = rates_stats_of(r);
    assert_true(isnan(s->lowest_per_s));
    rates_stats_free(s);
    rates_free(r);
}

/* Statistics with no more than 4 GiB of memory; sanitizers want all there is. */
static rates_stats *frugal_stats(const client_rates *r)
{
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
    return rates_stats_of(r);
#else
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_DATA, &before), 0);
    const struct rlimit tight = {(rlim_t)1 << 32, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_DATA, &tight), 0);
    rates_stats *s = rates_stats_of(r);
    assert_int_equal(setrlimit(RLIMIT_DATA, &before), 0);
    return s;
#endif
}

/* Numbers of clients are no places in memory. */
static void test_large_client(void **state)
{
    (void)state;
    client_rates *r = rates_of(RATES "0,999999999,3,1,Gamma\n600,7,1,1,Gamma\n600,999999999,0,1,Gamma\n",
                               LENGTHS "7,0,1," INPUT "7,0,1," OUTPUT);
    assert_non_null(r);
    rates_stats *s = frugal_stats(r);
    assert_non_null(s);
    assert_int_equal(s->clients, 2);
    near_to(s->largest_share, 0.75, 1e-12);
    rates_stats_free(s);
    rates_free(r);
}

/* A window that begins before the time counts for its part within: 1e6/s for half an hour are refused, not drawn. */
static void test_too_many(void **state)
{
    (void)state;
    char err[700] = "";
    client_rates *r =
        rates_of(RATES "0,1,1000000,1,Gamma\n3600,1,0.001,1,Gamma\n", LENGTHS "1,0,1," INPUT "1,0,1," OUTPUT);
    assert_null(rates_draw(r, "a", 1800, 5400, 1.0, 1, err, sizeof err));
    assert_non_null(strstr(err, "a: error: about 1.8e+09 requests"));
    trace *t = rates_draw(r, "a", 3599, 5400, 0.001, 1, err, sizeof err);
    assert_non_null(t);
    trace_close(t);
    /* of a window that goes on behind the time, too */
    t = rates_draw(r, "a", 0, 1, 0.01, 1, err, sizeof err);
    assert_non_null(t);
    trace_close(t);
    rates_free(r);
}

/* Ten milliseconds of an hour say nothing of it, unless they are all. */
static void test_short_hours(void **state)
{
    (void)state;
    static trace_request rows[7200];
    for (int span = 7200; span > 0; span -= 7198) {
        char err[300] = "";
        for (int i = 0; i < span; i++) {
            const int64_t at_ns = 18 * HOUR - 10000000 + i * INT64_C(1000000000);
            rows[i] = (trace_request){.at_ns = at_ns, .session = -1, .input = 5, .output = 6};
        }
        trace *t = trace_of("short", rows, (size_t)span, 0, false, err, sizeof err);
        trace_fit *f = trace_fit_of(t, "short", 1, err, sizeof err);
        assert_string_equal(err, "");
        assert_int_equal(f->hours_seen, 2);
        if (span == 7200) {
            near_to(f->hours[17], 1.0, 0.001);
            near_to(f->hours[100], 1.0, 0.001);
            near_to(trace_fit_cv(f), FIT_CV_LEAST, 1e-9); /* equal gaps */
        }
        trace_fit_free(f);
        trace_close(t);
    }
}

/* The two lines of a client lie apart, and a client with one field alone lends no lengths to anybody. */
static void test_lengths_in_any_order(void **state)
{
    (void)state;
    char err[700] = "";
    client_rates *r = rates_of(RATES "0,1,1,1,Gamma\n0,2,1,1,Gamma\n600,3,1,1,Gamma\n", LENGTHS
                               "1,0,10," INPUT "2,0,10," INPUT "3,600,10," INPUT "2,0,10," OUTPUT "1,0,10," OUTPUT);
    assert_non_null(r);
    assert_int_equal(r->length_count, 3);
    trace *t = rates_draw(r, "a", 0, 1200, 1.0, 1, err, sizeof err);
    assert_string_equal(err, "");
    for (size_t i = 0; i < trace_columns(t)->count; i++) {
        assert_int_equal(trace_columns(t)->input_tokens[i], 100);
        assert_int_equal(trace_columns(t)->output_tokens[i], 50);
    }
    trace_close(t);
    rates_free(r);
    r = rates_of(RATES "0,1,1,1,Gamma\n", LENGTHS "1,0,10," INPUT);
    assert_null(rates_draw(r, "a", 0, 600, 1.0, 1, err, sizeof err));
    assert_string_equal(err, "a: error: the lengths beside the rates have no client with both fields");
    rates_free(r);
    assert_null(rates_of(RATES "0,1,1,1,Gamma\n", LENGTHS "1,0,10," INPUT "1,600,10," INPUT "1,0,10," INPUT));
    assert_non_null(strstr(last_message, "a-token-quantiles.csv:4:1: error: client 1 has the same field twice"));
    assert_null(rates_of("timestamp_s,client,rate_per_s,cv,pattern,cv\n0,1,1,1,Gamma,1\n", LENGTHS));
    assert_non_null(strstr(last_message, "a-client-rates.csv:1:42: error: column 'cv' is there twice"));
}

/* A part of a file that begins or ends within a window takes that window's part; a window longer than an hour counts
 * in each of its hours; of hours and days that the file has a part of, the mean is over that part. */
static void test_parts_of_windows(void **state)
{
    (void)state;
    char err[700] = "";
    client_rates *r = rates_of(RATES "0,1,1.5,1,Gamma\n600,1,1,1,Gamma\n", LENGTHS "1,0,10," INPUT "1,0,10," OUTPUT);
    const int64_t parts[3][2] = {{0, 900}, {300, 1200}, {450, 700}};
    const double rates[3] = {(600 * 1.5 + 300) / 900, (300 * 1.5 + 600) / 900, (150 * 1.5 + 100) / 250};
    for (int i = 0; i < 3; i++) {
        trace_fit *f = trace_fit_of_rates(r, parts[i][0], parts[i][1], "a", 1, err, sizeof err);
        assert_string_equal(err, "");
        near_to(f->hours[0], rates[i], 1e-9);
        assert_true(f->cv > 0.0);
        trace_fit_free(f);
    }
    rates_free(r);
    r = rates_of(RATES "0,1,1,1,Gamma\n7200,1,1,1,Gamma\n14400,1,1,1,Gamma\n",
                 LENGTHS "1,0,10," INPUT "1,0,10," OUTPUT);
    trace_fit *f = trace_fit_of_rates(r, 0, 21600, "a", 1, err, sizeof err);
    rates_stats *s = rates_stats_of(r);
    for (size_t h = 0; h < 6; h++) {
        near_to(f->hours[h], 1.0, 1e-9);
        near_to(s->by_hour[h], 1.0, 1e-9);
    }
    near_to(s->by_day[0], 1.0, 1e-9);
    near_to(s->hour_max, 1.0, 1e-9);
    near_to(s->hour_min, 1.0, 1e-9);
    rates_stats_free(s);
    trace_fit_free(f);
    rates_free(r);
    r = rates_of(RATES "1800,1,1,1,Gamma\n3600,1,1,1,Gamma\n5400,1,1,1,Gamma\n7200,1,5,1,Gamma\n",
                 LENGTHS "1,0,10," INPUT "1,0,10," OUTPUT);
    s = rates_stats_of(r); /* to 9000 s: half an hour of 5/s is no hour's mean */
    near_to(s->by_hour[0], 1.0, 1e-9);
    near_to(s->by_hour[2], 5.0, 1e-9);
    near_to(s->by_day[0], 2.0, 1e-9);
    near_to(s->hour_max, 1.0, 1e-9);
    near_to(s->hour_min, 1.0, 1e-9);
    rates_stats_free(s);
    rates_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_its_source),
        cmocka_unit_test(test_published_rates),
        cmocka_unit_test(test_drawn_requests),
        cmocka_unit_test(test_published_requests),
        cmocka_unit_test(test_lengths_in_any_order),
        cmocka_unit_test(test_parts_of_windows),
        cmocka_unit_test(test_rates_bounds),
        cmocka_unit_test(test_short_hours),
        cmocka_unit_test(test_large_client),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_azure),
        cmocka_unit_test(test_few_gaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * test_trace_stats.c - readers of published forms and statistics, on files worked out by hand and, where they are at
 * hand, on the published ones against figures that were worked out by other software.
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
#include <unistd.h>
#include <zlib.h>

#include "sim/kernel/rng.h"
#include "sim/scenario/stock_record.h"
#include "sim/trace/availability.h"
#include "sim/trace/edit.h"
#include "sim/trace/rates.h"
#include "sim/trace/stats.h"
#include "sim/trace/table_stats.h"

#define DATA "../shared/traces/"

static char directory[64], path[96];

static int set_up(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/spillway-stats-XXXXXX");
    if (mkdtemp(directory) == NULL) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/t", directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(directory);
}

static void put(const char *text)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
}

static trace *read_with(const trace_options *options, const char *text)
{
    char err[700] = "";
    put(text);
    trace *t = trace_read(path, options, err, sizeof err);
    assert_string_equal(err, "");
    assert_non_null(t);
    return t;
}

static void refuse(const trace_options *options, const char *text, const char *message)
{
    char err[700] = "", expected[700];
    put(text);
    assert_null(trace_read(path, options, err, sizeof err));
    snprintf(expected, sizeof expected, "%s:%s", path, message);
    assert_string_equal(err, expected);
}

static const trace_options strict;

static void near_to(double is, double expected, double tolerance)
{
    if (!(fabs(is - expected) <= tolerance)) {
        print_error("%.10g is not %.10g +- %g\n", is, expected, tolerance);
        fail();
    }
}

#define BURST "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n"

static void test_burstgpt(void **state)
{
    (void)state;
    static const char text[] = BURST "5,7,1.5,ChatGPT,472,18,490,Conversation log\n"
                                     "45,,2,GPT-4,10,0,10,API log\n"
                                     "45,x-1,2,GPT-4,1087,230,1317,Conversation log\n";
    refuse(&strict, text,
           "3:16: error: 0 tokens: leave out requests that were not served ('spillway trace import --zero skip')");
    trace *t = read_with(&(trace_options){.zero = TRACE_ZERO_SKIP}, text);
    assert_string_equal(trace_about(t)->form, "burstgpt");
    assert_int_equal(trace_columns(t)->count, 2);
    assert_int_equal(trace_about(t)->skipped, 1);
    assert_true(trace_first_ns(t) == 5000000000);
    assert_true(trace_columns(t)->at_ns[1] == 40000000000);
    assert_true(trace_columns(t)->session[0] == 7);
    assert_true(trace_columns(t)->session[1] > 7); /* a name becomes a number */
    assert_int_equal(trace_columns(t)->output_tokens[1], 230);
    trace_close(t);
    t = read_with(&(trace_options){.zero = TRACE_ZERO_ONE}, text);
    assert_int_equal(trace_columns(t)->count, 3);
    assert_int_equal(trace_columns(t)->output_tokens[1], 1);
    assert_true(trace_columns(t)->session[1] == -1);
    trace_close(t);
}

static void test_burstgpt_replay(void **state)
{
    (void)state;
    /* out_len counts characters and must not be taken for tokens; requests are listed as they ended */
    static const char text[] =
        "{\"0\": {\"in_len\": 9, \"out_len\": 409, \"total_chunk_time\": 0.5, \"record_time\": 12.5},\n"
        " \"2\": {\"in_len\": 4, \"out_len\": 40, \"total_chunk_time\": 3.25, \"record_time\": 13.5}}";
    refuse(&strict, text,
           "1:1: error: a replay log has no output tokens (out_len counts characters): say how many each request has "
           "('spillway trace import --output N')");
    trace *t = read_with(&(trace_options){.output = 100}, text);
    assert_true(trace_first_ns(t) == 10250000000); /* 13.5 - 3.25 */
    assert_true(trace_columns(t)->at_ns[1] == 1750000000);
    assert_int_equal(trace_columns(t)->input_tokens[0], 4);
    assert_int_equal(trace_columns(t)->input_tokens[1], 9);
    assert_int_equal(trace_columns(t)->output_tokens[0], 100);
    assert_false(trace_about(t)->has_output);
    trace_close(t);
    refuse(&(trace_options){.output = 1, .form = "burstgpt-replay"}, "{\"0\": 1,\n}",
           "2:1: error: string or '}' expected "
           "near '}'");
}

#define MOON1 "{\"timestamp\": 0, \"input_length\": 1100, \"output_length\": 5, \"hash_ids\": [0, 1, 2]}\n"
#define MOON2 "{\"timestamp\": 0, \"input_length\": 1030, \"output_length\": 6, \"hash_ids\": [0, 1, 3]}\n"
#define MOON3 "{\"timestamp\": 3000, \"input_length\": 600, \"output_length\": 7, \"hash_ids\": [4, 1]}\n"
#define MOON4 "{\"timestamp\": 3001, \"input_length\": 500, \"output_length\": 8, \"hash_ids\": [0]}\n"

static void test_mooncake(void **state)
{
    (void)state;
    trace *t = read_with(&strict, MOON1 MOON2 MOON3 "\n" MOON4);
    const mdl_trace *c = trace_columns(t);
    /* 0, 2, none (4 is new, so 1 behind it is no prefix), 1 block of 512, the last one cut at 500 */
    const int32_t prefix[4] = {0, 1024, 0, 500};
    assert_memory_equal(c->prefix_tokens, prefix, sizeof prefix);
    assert_true(c->at_ns[2] == 3000000000);
    assert_true(c->at_ns[3] == 3001000000);
    trace_stats *s = trace_stats_of(t);
    near_to(s->block_share, 3.0 / 9.0, 1e-12);
    assert_true(s->blocks_distinct == 5);
    near_to(s->prefix_share, 1524.0 / 3230.0, 1e-12);
    assert_int_equal(s->zero_gaps, 1);
    trace_stats_free(s);
    trace_close(t);
    t = read_with(&(trace_options){.spread_ns = 3000000000}, MOON1 MOON2 MOON3 MOON4);
    assert_true(trace_columns(t)->at_ns[1] == 1500000000); /* half of 3 s */
    assert_true(trace_columns(t)->at_ns[2] == 3000000000);
    trace_close(t);
    refuse(&strict, MOON1 "{\"timestamp\": 1, \"input_length\": 1}\n",
           "2:1: error: timestamp (ms, a number), input_length and output_length (whole numbers) are required");
    refuse(&strict, MOON4 MOON1, "2:1: error: earlier than the request in line 1: sort the trace by time");
    /* in any order of lines, blocks are found in the order of time; equal times keep theirs */
    t = read_with(&(trace_options){.sort = true}, MOON4 MOON3 MOON1 MOON2);
    assert_memory_equal(trace_columns(t)->prefix_tokens, prefix, sizeof prefix);
    const int32_t output[4] = {5, 6, 7, 8};
    assert_memory_equal(trace_columns(t)->output_tokens, output, sizeof output);
    trace_close(t);
    refuse(&(trace_options){.sort = true}, MOON4 "{\"timestamp\": 1, \"input_length\": 1}\n" MOON1,
           "2:1: error: timestamp (ms, a number), input_length and output_length (whole numbers) are required");
}

static void test_columns(void **state)
{
    (void)state;
    trace_options o = {.columns = "time=when:ms,input=in,output=out,session=who,prefix=old,priority=p"};
    trace *t = read_with(&o, "who,when,in,out,old,p\na,1500.25,5,6,2,-1\nb,1501,7,8,7,3\na,1502,9,9,0,0\n");
    assert_true(trace_first_ns(t) == 1500250000);
    assert_true(trace_columns(t)->at_ns[1] == 750000);
    assert_true(trace_columns(t)->session[0] == trace_columns(t)->session[2]);
    assert_true(trace_columns(t)->session[0] != trace_columns(t)->session[1]);
    assert_int_equal(trace_columns(t)->prefix_tokens[1], 7);
    assert_int_equal(trace_columns(t)->priority[0], -1);
    /* all columns survive the binary form, and come back through gzip */
    char err[700] = "", packed[128];
    unlink(path);
    assert_true(trace_write(t, path, err, sizeof err));
    trace *again = trace_open(path, err, sizeof err);
    assert_string_equal(err, "");
    assert_memory_equal(trace_columns(again)->session, trace_columns(t)->session, 3 * sizeof(int64_t));
    assert_memory_equal(trace_columns(again)->prefix_tokens, trace_columns(t)->prefix_tokens, 3 * sizeof(int32_t));
    assert_memory_equal(trace_columns(again)->priority, trace_columns(t)->priority, 3 * sizeof(int32_t));
    trace_close(again);
    unsigned char bytes[1024];
    FILE *f = fopen(path, "rb");
    const size_t size = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    assert_int_equal(size, 64 + 3 * (8 + 8 + 4 * 4));
    snprintf(packed, sizeof packed, "%s.gz", path);
    gzFile z = gzopen(packed, "wb");
    assert_int_equal(gzwrite(z, bytes, (unsigned)size), (int)size);
    gzclose(z);
    again = trace_open(packed, err, sizeof err);
    assert_string_equal(err, "");
    assert_int_equal(trace_columns(again)->priority[1], 3);
    trace_close(again);
    assert_int_equal(truncate(packed, 60), 0);
    assert_null(trace_open(packed, err, sizeof err));
    assert_non_null(strstr(err, ": error: cannot read the file: the gzip file is "));
    unlink(packed);
    unlink(path);
    trace_close(t);
    o.columns = "time=when:h,input=in";
    refuse(&o, "when,in\n1,1\n",
           " error: columns 'time=when:h,input=in': the units of time are clock, s, ms, us and ns");
    o.columns = "time=when,input=in";
    refuse(&o, "when,in\n1,1\n",
           "1:1: error: the file has no output tokens: say how many each request has ('spillway trace import --output "
           "N')");
    o.columns = "time=when,input=in,prefix=old";
    o.output = 1;
    refuse(&o, "when,in\n1,1\n", "1:1: error: column 'old' is missing (it goes with when)");
    refuse(&o, "when,in,old\n1,1,2\n", "2:5: error: a prefix of 2 tokens: it must be from 0 to the input's 1");
    o.zero = TRACE_ZERO_ONE;
    refuse(&o, "when,in,old\n1,0,2\n", "2:5: error: a prefix of 2 tokens: it must be from 0 to the input's 0");
    o.zero = TRACE_ZERO_SKIP; /* what is left out needs no prefix that fits */
    trace_close(read_with(&o, "when,in,old\n1,0,2\n2,3,2\n"));
}

static void test_stats(void **state)
{
    (void)state;
    /* gaps 30, 30, 60, 0: mean 30, variance (0 + 0 + 900 + 900) / 4 = 450, CV sqrt(450) / 30 */
    trace *t =
        read_with(&strict, "at_s,input_tokens,output_tokens\n3570,1,10\n3600,2,8\n3630,3,6\n3690,4,4\n3690,5,2\n");
    trace_stats *s = trace_stats_of(t);
    near_to(s->gap_cv, sqrt(450.0) / 30.0, 1e-12);
    near_to(s->rate_per_s, 5.0 / 120.0, 1e-12);
    assert_int_equal(s->zero_gaps, 1);
    /* minutes from the first request: 2 | 1 | 2 (partial) */
    assert_int_equal(s->minutes.full, 2);
    assert_int_equal(s->minutes.peak, 2);
    assert_int_equal(s->minutes.trough, 1);
    near_to(s->minutes.dispersion, 0.25 / 1.5, 1e-12);
    assert_int_equal(s->by_hour[0], 1);
    assert_int_equal(s->by_hour[1], 4);
    near_to(s->covered_h[0], 30.0 / 3600.0, 1e-12);
    near_to(s->covered_h[1], 90.0 / 3600.0, 1e-12);
    near_to(s->input.mean, 3.0, 1e-12);
    near_to(s->input.at[2], 3.0, 0.0); /* p50 of 5: the third */
    near_to(s->input.at[4], 5.0, 0.0); /* p90: the fifth */
    near_to(s->pearson, -1.0, 1e-12);
    near_to(s->spearman, -1.0, 1e-12);
    trace_stats_free(s);
    trace_close(t);
}

static void expect_times(trace *t, int64_t first_s, const int *at_s, size_t count)
{
    assert_non_null(t);
    assert_int_equal(trace_columns(t)->count, count);
    assert_true(trace_first_ns(t) == first_s * 1000000000);
    for (size_t i = 0; i < count; i++) {
        assert_true(trace_columns(t)->at_ns[i] == at_s[i] * INT64_C(1000000000));
    }
    trace_close(t);
}

static void test_edit(void **state)
{
    (void)state;
    char err[700] = "";
    trace *a = read_with(&strict, "at_s,input_tokens,output_tokens,session\n10,1,1,0\n11,2,2,1\n13,3,3,\n");
    trace *b = read_with(&strict, "at_s,input_tokens,output_tokens,session\n12,4,4,0\n12,5,5,0\n");
    gsl_rng *r = rng_stream(1, 0, "test", 0);
    expect_times(edit_slice(a, 1000000000, 3000000000, "a", err, sizeof err), 11, (int[]){0}, 1);
    assert_null(edit_slice(a, 4000000000, INT64_MAX, "a", err, sizeof err));
    assert_string_equal(err, "a: error: no request is left");
    expect_times(edit_scale(a, 2.0, 0, r, "a", err, sizeof err), 10, (int[]){0, 0, 1, 1, 3, 3}, 6);
    expect_times(edit_shift(a, -10000000000, "a", err, sizeof err), 0, (int[]){0, 1, 3}, 3);
    assert_null(edit_shift(a, -10000000001, "a", err, sizeof err));
    const trace *both[2] = {a, b};
    const char *const names[2] = {"a", "b"};
    trace *mixed = edit_mix(both, 2, false, names, err, sizeof err);
    /* sessions 0, 1 of a become 0, 2; session 0 of b becomes 1 */
    const int64_t sessions[5] = {0, 2, 1, 1, -1};
    assert_memory_equal(trace_columns(mixed)->session, sessions, sizeof sessions);
    expect_times(mixed, 10, (int[]){0, 1, 2, 2, 3}, 5);
    expect_times(edit_mix(both, 2, true, names, err, sizeof err), 10, (int[]){0, 0, 0, 1, 3}, 5);
    /* past the last time there is: as wide as time, then later, copied later, or aligned to a later one */
    const trace_request ends[2] = {{.session = -1, .input = 1, .output = 1},
                                   {.at_ns = INT64_MAX - 1, .session = -1, .input = 1, .output = 1}};
    trace *wide = trace_of("wide", ends, 2, 0, false, err, sizeof err);
    const trace *late[2] = {a, wide};
    assert_null(edit_shift(wide, 10000000000, "a", err, sizeof err));
    assert_string_equal(err, "a: error: a request would come after 2^63 ns, the last time there is");
    err[0] = '\0';
    assert_null(edit_mix(late, 2, true, names, err, sizeof err));
    assert_string_equal(err, "b: error: a request would come after 2^63 ns, the last time there is");
    err[0] = '\0';
    assert_null(edit_scale(wide, 50.0, 100000000000, r, "a", err, sizeof err));
    assert_string_equal(err, "a: error: a request would come after 2^63 ns, the last time there is");
    trace_close(wide);
    /* of a calendar and not: only from the same instant on */
    trace *dated = read_with(&strict, "TIMESTAMP,ContextTokens,GeneratedTokens\n2024-01-01 00:00:00.0000000,6,6\n");
    const trace *unlike[2] = {a, dated}, *turned[2] = {dated, a};
    assert_null(edit_mix(unlike, 2, false, names, err, sizeof err));
    assert_string_equal(err,
                        "b: error: its times are of a calendar, those of a are not: --aligned lets all begin at once");
    assert_null(edit_mix(turned, 2, false, names, err, sizeof err));
    assert_string_equal(err,
                        "b: error: its times are not of a calendar, those of a are: --aligned lets all begin at once");
    expect_times(edit_mix(unlike, 2, true, names, err, sizeof err), 10, (int[]){0, 0, 1, 3}, 4);
    trace_close(dated);
    gsl_rng_free(r);
    trace_close(a);
    trace_close(b);
    /* thinning keeps the share: 10,000 at 0.3 is 3,000 +- 5 standard deviations of 45.8 */
    trace_request *many = calloc(10000, sizeof *many);
    for (size_t i = 0; i < 10000; i++) {
        many[i] = (trace_request){.at_ns = (int64_t)i, .session = -1, .input = 1, .output = 1};
    }
    trace *line = trace_of("line", many, 10000, 0, false, err, sizeof err);
    free(many);
    size_t count[2];
    for (int i = 0; i < 2; i++) { /* the same seed, the same requests */
        r = rng_stream(7, 0, "test", 0);
        trace *thin = edit_scale(line, 0.3, 0, r, "line", err, sizeof err);
        count[i] = trace_columns(thin)->count;
        trace_close(thin);
        gsl_rng_free(r);
    }
    assert_int_equal(count[0], count[1]);
    near_to((double)count[0], 3000.0, 230.0);
    trace_close(line);
}

static void test_table(void **state)
{
    (void)state;
    char err[700] = "";
    put("gpu,model\n8,G2\n0,\n2,G2\n,P100\n");
    table_stats *t = table_stats_read(path, err, sizeof err);
    assert_string_equal(err, "");
    assert_int_equal(t->rows, 4);
    assert_true(t->columns[0].is_number);
    near_to(t->columns[0].sum, 10.0, 0.0);
    assert_int_equal(t->columns[0].empty, 1);
    assert_false(t->columns[1].is_number);
    assert_int_equal(t->columns[1].distinct, 3);
    assert_string_equal(t->columns[1].words[0].text, "G2");
    assert_int_equal(t->columns[1].words[0].count, 2);
    table_stats_free(t);
}

/* What the published files hold; of a set of numbers mean, p50, p90, p99, max. 0 = not in the file. */
typedef struct published {
    const char *file;
    size_t count, zero_gaps;
    double span_s, cv;
    bool hours; /* bins of an hour */
    uint32_t peak, trough;
    double input[5], output[5];
} published;

static const published all[] = {
    {"azure-llm-2023/AzureLLMInferenceTrace_conv.csv",
     19366,
     0,
     3501.7,
     1.094,
     false,
     507,
     191,
     {1154.7, 1020, 2735, 4142, 14050},
     {211.13, 129, 424, 601, 1000}},
    {"mooncake-fast25/conversation_trace.jsonl.gz",
     12031,
     10851,
     3537.0,
     3.034,
     false,
     247,
     144,
     {12035.06, 6909, 27367, 85401, 126195},
     {342.62, 350, 597, 1120, 2000}},
    {"burstgpt-vllm-replay/burstgpt1-conv-first500-reconstructed.csv",
     500,
     6,
     38965.0,
     4.898,
     true,
     161,
     0,
     {430.35, 320, 1023, 1023, 1023},
     {0}},
    {"burstgpt-vllm-replay/detail_log_scale100_prompt500.json.gz",
     500,
     0,
     389.7,
     4.898,
     false,
     204,
     2,
     {428.56, 338, 1015, 1015, 1015},
     {0}},
    {"alibaba-genai-2026/lora_request_trace.csv.gz", 26823, 876, 1989367.0, 12.00, true, 446, 0, {0}, {0}},
    {"alibaba-gpu-v2023/openb_pod_list_default.csv", 8152, 199, 12901761.0, 21.04, true, 56, 0, {0}, {0}},
};

static void check_lengths(const stats_values *is, const double *expected)
{
    if (!(expected[0] > 0.0)) {
        assert_int_equal(is->count, 0);
        return;
    }
    near_to(is->mean, expected[0], 0.051);
    near_to(is->at[2], expected[1], 0.0);
    near_to(is->at[4], expected[2], 0.0);
    near_to(is->at[6], expected[3], 0.0);
    near_to(is->at[7], expected[4], 0.0);
}

static void test_published(void **state)
{
    (void)state;
    if (access(DATA "README.md", R_OK) != 0) {
        print_message("no " DATA ": skipped\n");
        skip();
    }
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        char file[200], err[700] = "";
        snprintf(file, sizeof file, DATA "%s", all[i].file);
        trace *t = trace_read(file, &(trace_options){.zero = TRACE_ZERO_KEEP}, err, sizeof err);
        assert_string_equal(err, "");
        trace_stats *s = trace_stats_of(t);
        assert_int_equal(s->count, all[i].count);
        assert_int_equal(s->zero_gaps, all[i].zero_gaps);
        near_to(s->span_s, all[i].span_s, 0.05);
        near_to(s->gap_cv, all[i].cv, all[i].cv >= 12.0 ? 0.005 : 0.0005);
        const stats_bins *bins = all[i].hours ? &s->hours : &s->minutes;
        assert_int_equal(bins->peak, all[i].peak);
        assert_int_equal(bins->trough, all[i].trough);
        check_lengths(&s->input, all[i].input);
        check_lengths(&s->output, all[i].output);
        if (s->has_blocks) {
            near_to(s->blocks.mean, 23.98, 0.005);
            near_to(s->blocks.at[2], 14, 0);
            near_to(s->blocks.at[4], 54, 0);
            near_to(s->blocks.at[6], 167, 0);
            assert_true(s->blocks_distinct == 182790);
            near_to(s->block_share, 0.3664, 0.00005);
        }
        trace_stats_free(s);
        trace_close(t);
    }
}

/* The replay at each speed: the same requests, and the engine's counters beside them. */
static void test_published_replays(void **state)
{
    (void)state;
    if (access(DATA "README.md", R_OK) != 0) {
        print_message("no " DATA ": skipped\n");
        skip();
    }
    static const struct {
        int scale;
        double generation, prompt, running, running_max, pending_max;
    } runs[] = {{100, 1276.4, 613.9, 31.08, 150, 4},     {200, 1731.7, 861.2, 76.18, 252, 18},
                {400, 2182.6, 1053.4, 130.4, 256, 83},   {500, 2301.4, 1122.9, 140.47, 256, 110},
                {600, 2349.8, 1160.7, 146.16, 256, 136}, {800, 2481.9, 1216.7, 156.82, 256, 169},
                {900, 2521.9, 1211.4, 164.21, 256, 181}, {1000, 2461.3, 1203.6, 169.9, 256, 201},
                {2000, 2692.7, 1338.3, 191.93, 256, 294}};
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        char file[200], err[700] = "";
        snprintf(file, sizeof file, DATA "burstgpt-vllm-replay/detail_log_scale%d_prompt500.json.gz", runs[i].scale);
        trace *t = trace_read(file, &(trace_options){.zero = TRACE_ZERO_KEEP}, err, sizeof err);
        assert_string_equal(err, "");
        trace_stats *s = trace_stats_of(t);
        assert_int_equal(s->count, 500);
        check_lengths(&s->input, (const double[5]){428.56, 338, 1015, 1015, 1015});
        trace_stats_free(s);
        trace_close(t);
        snprintf(file, sizeof file, DATA "burstgpt-vllm-replay/vllm_log_scale%d_prompt500.csv", runs[i].scale);
        table_stats *c = table_stats_read(file, err, sizeof err);
        assert_string_equal(err, "");
        assert_string_equal(c->columns[2].name, "generation_throughput");
        near_to(c->columns[1].values.mean, runs[i].prompt, 0.0501);
        near_to(c->columns[2].values.mean, runs[i].generation, 0.0501);
        near_to(c->columns[3].values.mean, runs[i].running, 0.0501);
        near_to(c->columns[3].values.at[7], runs[i].running_max, 0);
        near_to(c->columns[5].values.at[7], runs[i].pending_max, 0);
        table_stats_free(c);
    }
}

static void check_rates(const char *name, const double *expected, const double *by_hour, const double *by_day)
{
    char file[200], err[700] = "";
    snprintf(file, sizeof file, DATA "servegen/%s-client-rates.csv.gz", name);
    client_rates *r = rates_read(file, err, sizeof err);
    assert_string_equal(err, "");
    rates_stats *s = rates_stats_of(r);
    near_to((double)s->clients, expected[0], 0);
    near_to((double)s->windows, expected[1], 0);
    near_to((double)s->cells, expected[2], 0);
    near_to(s->mean_per_s, expected[3], 0.0005);
    near_to(s->requests, expected[4], 0.5);
    near_to(s->peak_per_s, expected[5], 0.005);
    near_to(s->peak_at_s, expected[6], 0);
    near_to(s->lowest_per_s, expected[7], 0.005);
    near_to(s->hour_max, expected[8], 0.05);
    near_to(s->hour_min, expected[9], 0.05);
    near_to(s->cv_weighted, expected[10], 0.0005);
    near_to((double)s->weibull, expected[11], 0);
    near_to((double)s->gamma, expected[12], 0);
    near_to(s->largest_share, expected[13], 0.0005);
    for (int i = 0; i < 24; i++) {
        near_to(s->by_hour[i], by_hour[i], 0.0501);
    }
    for (size_t i = 0; i < s->days; i++) {
        near_to(s->by_day[i], by_day[i], 0.0501);
    }
    rates_stats_free(s);
    rates_free(r);
}

static void test_published_rates(void **state)
{
    (void)state;
    if (access(DATA "README.md", R_OK) != 0) {
        print_message("no " DATA ": skipped\n");
        skip();
    }
    static const double large[] = {162,   2016,  99839, 195.844, 236892826, 582.99, 80400,
                                   48.35, 364.7, 58.5,  3.446,   20997,     78842,  0.160};
    static const double large_hours[24] = {194.8, 196.3, 193.0, 183.2, 177.8, 172.9, 167.2, 160.1,
                                           154.3, 169.9, 204.8, 216.6, 190.2, 192.2, 205.0, 205.0,
                                           217.3, 211.2, 203.8, 223.8, 221.9, 210.4, 215.9, 212.7};
    static const double large_days[14] = {279.3, 209.1, 201.0, 175.3, 207.0, 181.4, 213.6,
                                          241.8, 230.8, 192.9, 133.6, 126.4, 105.0, 244.5};
    static const double deep[] = {73,   144,  3111, 16.015, 1383669, 42.52, 79800,
                                  4.31, 35.1, 7.2,  2.280,  522,     2589,  0.286};
    static const double deep_hours[24] = {19.3, 22.2, 32.6, 28.6, 17.0, 14.5, 12.0, 9.2, 9.5,  10.6, 13.0, 13.3,
                                          7.2,  8.7,  11.0, 11.3, 14.1, 8.9,  12.0, 9.4, 19.9, 26.0, 35.1, 18.9};
    static const double deep_day[1] = {16.0};
    check_rates("m-large", large, large_hours, large_days);
    check_rates("deepseek-r1", deep, deep_hours, deep_day);
}

/* Columns of files that hold no requests: file, column, rows, then mean, p50, p90, p99, max. */
static void test_published_tables(void **state)
{
    (void)state;
    if (access(DATA "README.md", R_OK) != 0) {
        print_message("no " DATA ": skipped\n");
        skip();
    }
    static const struct {
        const char *file, *column;
        size_t rows;
        double values[5], precision;
    } tables[] = {
        {"alibaba-genai-2026/lora_request_trace.csv.gz", "exec_time_seconds", 26823, {28.67, 23, 53, 106, 567}, 0.005},
        {"alibaba-genai-2026/lora_request_trace.csv.gz", "num_lora", 26823, {0.18, 0, 1, 2, 6}, 0.005},
        {"alibaba-genai-2026/lora_request_trace.csv.gz", "prompt_length", 26823, {56.4, 52, 90, 253, 1288}, 0.05},
        {"alibaba-genai-2026/qps.csv.gz",
         "value",
         24627,
         {0.14, 0.09000000000000001, 0.09000000000000001, 2.07, 3.255},
         0.005},
        {"alibaba-genai-2026/queue_size_raw_anon.csv.gz", "value", 1434, {0.05, 0, 0, 1, 3}, 0.005},
        {"alibaba-genai-2026/queue_rt_raw_anon.csv.gz", "value", 23478, {238.11, 203, 382, 628, 4329}, 0.005},
        {"alibaba-genai-2026/pipeline_update_latency_anon.csv.gz",
         "value",
         36046,
         {12027.6, 8454, 26771.5, 54286, 107557},
         0.05},
        {"alibaba-genai-2026/basemodel_update_latency_anon.csv.gz",
         "value",
         7531,
         {21993.81, 22718, 41988, 51856, 79436},
         0.005},
        {"alibaba-genai-2026/lora_update_latency_anon.csv.gz",
         "value",
         27415,
         {4395.95, 4378, 6143, 8214, 38703},
         0.005},
        {"alibaba-genai-2026/controlnet_latency_data_anon.csv.gz",
         "value",
         29221,
         {4683.98, 3884, 8197.5, 16721, 80894},
         0.005},
        {"alibaba-genai-2026/model_predict_data_anon.csv.gz",
         "value",
         6254,
         {38998.5, 35044, 74006, 98178, 156348},
         0.05},
        {"alibaba-genai-2026/pipeline_inference_data_anon.csv.gz",
         "value",
         34421,
         {18150.67, 15132, 26303, 70557, 90741},
         0.005},
        {"alibaba-spot-gpu-2026/node_info_df.csv", "gpu_capacity_num", 4278, {10412.0 / 4278, 1, 8, 8, 8}, 1e-9},
        {"alibaba-gpu-v2023/openb_node_list_all_node.csv", "gpu", 1523, {6212.0 / 1523, 2, 8, 8, 8}, 1e-9},
        {"burstgpt-vllm-replay/vllm_log_scale2000_prompt500.csv", "num_running", 238, {191.93, -1, -1, -1, 256}, 0.005},
        {"burstgpt-vllm-replay/vllm_log_scale100_prompt500.csv",
         "generation_throughput",
         538,
         {1276.4, -1, -1, -1, -1},
         0.05},
    };
    static const size_t point[5] = {0, 2, 4, 6, 7};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        char file[200], err[700] = "";
        snprintf(file, sizeof file, DATA "%s", tables[i].file);
        table_stats *t = table_stats_read(file, err, sizeof err);
        assert_string_equal(err, "");
        assert_int_equal(t->rows, tables[i].rows);
        size_t c = 0;
        while (c < t->column_count && strcmp(t->columns[c].name, tables[i].column) != 0) {
            c++;
        }
        assert_true(c < t->column_count);
        near_to(t->columns[c].values.mean, tables[i].values[0], tables[i].precision);
        for (size_t p = 1; p < 5; p++) {
            if (tables[i].values[p] >= 0.0) {
                near_to(t->columns[c].values.at[point[p]], tables[i].values[p], 0.0);
            }
        }
        table_stats_free(t);
    }
}

static void test_availability(void **state)
{
    (void)state;
    /* up 2 steps, down 1, up 3 with one fall inside, down 2 */
    static const int32_t level[8] = {1, 2, 0, 3, 3, 1, 0, 0};
    const mdl_stock_trace record = {.step_ns = 1800000000000, .count = 8, .level = level};
    const availability_stats s = availability_of(&record);
    assert_int_equal(s.most, 3);
    near_to(s.mean, 10.0 / 8.0, 1e-12);
    near_to(s.share_up, 5.0 / 8.0, 1e-12);
    assert_int_equal(s.up_spells, 2);
    near_to(s.up_h, 1.25, 1e-12);
    near_to(s.down_h, 0.75, 1e-12);
    assert_int_equal(s.falls, 3);
    assert_true(s.lost == 2 + 2 + 1);
}

static void test_published_availability(void **state)
{
    (void)state;
    if (access(DATA "README.md", R_OK) != 0) {
        print_message("no " DATA ": skipped\n");
        skip();
    }
    /* | file | ticks x gap s | days | max | mean up | share | up spells | up h | down h | falls | lost | */
    FILE *readme = fopen(DATA "README.md", "r");
    assert_non_null(readme);
    char line[1024];
    int files = 0;
    while (fgets(line, sizeof line, readme) != NULL) {
        char name[200], file[300], err[700] = "";
        double x[11];
        if (sscanf(line, "| %199s | %lf x %lf s | %lf | %lf | %lf | %lf | %lf | %lf | %lf | %lf | %lf |", name, &x[0],
                   &x[1], &x[2], &x[3], &x[4], &x[5], &x[6], &x[7], &x[8], &x[9], &x[10]) != 12) {
            continue;
        }
        csv_message message = {err, sizeof err};
        mdl_stock_trace record = {.count = 0};
        zone z;
        zone_init(&z, NULL);
        snprintf(file, sizeof file, DATA "skypilot-spot/%s", name);
        assert_true(stock_record_read(file, &z, &record, &message));
        const availability_stats s = availability_of(&record);
        near_to((double)s.steps, x[0], 0);
        near_to(s.step_s, x[1], 0);
        near_to(s.days, x[2], 0.051);
        near_to((double)s.most, x[3], 0);
        near_to(s.mean, x[4], 0.000501);
        near_to(s.share_up, x[5], 0.0000501);
        near_to((double)s.up_spells, x[6], 0);
        near_to(s.up_h, x[7], 0.0501);
        near_to(s.down_h, x[8], 0.0501);
        near_to((double)s.falls, x[9], 0);
        near_to((double)s.lost, x[10], 0);
        zone_fini(&z);
        files++;
    }
    fclose(readme);
    assert_true(files > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_burstgpt, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_burstgpt_replay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mooncake, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_columns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stats, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_edit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_table, set_up, tear_down),
        cmocka_unit_test(test_availability),
        cmocka_unit_test(test_published),
        cmocka_unit_test(test_published_availability),
        cmocka_unit_test(test_published_replays),
        cmocka_unit_test(test_published_rates),
        cmocka_unit_test(test_published_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_calibrate.c - coefficients that are known come back from what an engine with them would show.
 *
 * Truth: laws written down here; a log that the engine of this program made under known coefficients; the recordings
 * of real engines where they are present.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/calibrate/calibrate.h"
#include "sim/calibrate/runlog.h"
#include "tests/support/calibrate_rig.h"
#include "tests/support/close.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REAL   "../shared/validation/"
#define REPLAY "../shared/traces/burstgpt-vllm-replay/"

static void linear_fits(void **state)
{
    (void)state;
    /* y = 3 + 2 n with an error of 1 % up and down: both found, and the interval holds the rig_truth */
    double x[80];
    double y[40];
    for (int i = 0; i < 40; i++) {
        x[2 * i] = 1.0;
        x[2 * i + 1] = i;
        y[i] = (3.0 + 2.0 * i) * (i % 2 == 0 ? 1.01 : 0.99);
    }
    y[7] *= 3.0; /* and one that does not belong */
    fit f = {.terms = {{.name = "a"}, {.name = "b"}}, .term_count = 2};
    assert_true(fit_linear(x, y, 40, 0.0, 4.0, &f));
    assert_int_equal(f.left_out, 1);
    assert_true(fabs(f.terms[0].value - 3.0) < f.terms[0].half_width && f.terms[0].half_width < 0.1);
    assert_true(fabs(f.terms[1].value - 2.0) < f.terms[1].half_width && f.terms[1].half_width < 0.02);
    assert_close(f.mean_abs, 0.01, 0.05);
    assert_true(f.condition < FIT_ILL);
    /* a negative slope is held at 0 unless it may be negative */
    for (int i = 0; i < 40; i++) {
        y[i] = 100.0 - i;
    }
    assert_true(fit_linear(x, y, 40, 0.0, 0.0, &f));
    assert_true(f.terms[1].value == 0.0 && f.terms[1].half_width < 0.0);
    f.terms[1].any_sign = true;
    assert_true(fit_linear(x, y, 40, 0.0, 0.0, &f));
    assert_close(f.terms[1].value, -1.0, 1e-9);
    /* two columns that are nearly one: the condition number and the twin say so */
    for (int i = 0; i < 40; i++) {
        x[2 * i + 1] = 1.0 + 1e-4 * i + (i == 20 ? 1e-3 : 0.0);
        y[i] = 10.0 + 0.01 * (i % 3);
    }
    f.terms[0].any_sign = true;
    assert_true(fit_linear(x, y, 40, 0.0, 0.0, &f));
    assert_true(f.condition > 10 * FIT_ILL);
    assert_int_equal(f.terms[0].twin, 1);
    assert_true(fabs(f.terms[0].twin_correlation) > FIT_TWIN);
    assert_false(fit_linear(x, y, 1, 0.0, 0.0, &f));
}

static void roofline_fit(void **state)
{
    (void)state;
    double n[120];
    double y[120];
    for (int i = 0; i < 120; i++) {
        n[i] = i < 16 ? i + 1 : 16.0 * (i - 15);
        y[i] = fmax(15000 + 34 * (n[i] - 1), 6000 + 88 * n[i]) * (1.0 + 0.004 * (i % 5 - 2));
    }
    fit f = {.terms = {{.name = "c1"}, {.name = "c2"}, {.name = "c3"}, {.name = "c4"}}};
    assert_true(fit_roofline(n, y, 120, &f));
    assert_close(f.terms[0].value, 15000, 0.01);
    assert_close(f.terms[1].value, 34, 0.1);
    assert_close(f.terms[2].value, 6000, 0.05);
    assert_close(f.terms[3].value, 88, 0.01);
    for (int k = 0; k < 4; k++) {
        assert_true(f.terms[k].half_width > 0.0 && f.terms[k].half_width < f.terms[k].value);
    }
    assert_false(fit_roofline(n, y, 5, &f));
}

/* Operator tables as a profiler writes them, from a law without noise. */
static void operators_come_back(void **state)
{
    (void)state;
    observed o = {.requests = NULL};
    static observed_operator dense[200];
    static observed_operator sequence[40];
    static observed_attention attention[60];
    for (size_t i = 0; i < 100; i++) {
        double n = i < 16 ? (double)i + 1 : 16.0 * (double)(i - 14);
        double us = fmax(15000 + 40 * (n - 1), 6000 + 90 * n);
        dense[2 * i] = (observed_operator){"layernorm", n, 5.0}; /* twice a layer */
        dense[2 * i + 1] = (observed_operator){"everything", n, (us - 2 * 32 * 5.0) / 32};
    }
    for (size_t i = 0; i < 20; i++) {
        double q = (double)(8 * i + 1);
        sequence[2 * i] = (observed_operator){"lm_head", q, 900};
        sequence[2 * i + 1] = (observed_operator){"sampler", q, 100 + 10 * q};
    }
    for (size_t i = 0; i < 30; i++) {
        double d = 1.0 + (double)(i % 6) * 7;
        double context = 100.0 * (double)(1 + i / 6);
        double p = 64.0 * (double)(1 + i % 5);
        double k = 512.0 * (double)(i / 5);
        attention[2 * i] = (observed_attention){0, 0, d, context, (600 + 30 * d + 0.3 * d * context) / 32};
        attention[2 * i + 1] = (observed_attention){p, k, 0, 0, (500 + 0.004 * p * (k + p / 2)) / 32};
    }
    o.dense = dense;
    o.dense_count = 200;
    o.sequence = sequence;
    o.sequence_count = 40;
    o.attention = attention;
    o.attention_count = 60;
    calibration c;
    char err[200] = "";
    assert_true(calibrate(&o, &rig_gpu, &rig_model, &rig_truth, &c, err, sizeof err));
    assert_close(c.row.c1_us, 15000, 1e-3);
    assert_close(c.row.c2_us, 40, 1e-2);
    assert_close(c.row.c3_us, 6000, 1e-2);
    assert_close(c.row.c4_us, 90, 1e-3);
    assert_close(c.row.h0_us, 1000, 1e-9);
    assert_close(c.row.h1_us, 10, 1e-9);
    assert_close(c.row.e0_us, 600, 1e-9);
    assert_close(c.row.e1_us, 30, 1e-9);
    assert_close(c.row.e2_us, 0.3, 1e-9);
    assert_close(c.row.g0_us, 500, 1e-9);
    assert_close(c.row.g1_us, 0.004, 1e-9);
    assert_string_equal(c.row.grade, "measured");
    /* measured twice, or some of it: the mean counts, once */
    static observed_operator again[400];
    for (size_t i = 0; i < 200; i++) {
        const double off = i % 3 == 0 ? 0.0 : 0.1;
        again[2 * i] = again[2 * i + 1] = dense[i];
        again[2 * i].time_us *= 1 - off;
        again[2 * i + 1].time_us *= 1 + off;
    }
    const mdl_profile once = c.row;
    o.dense = again;
    o.dense_count = 400;
    assert_true(calibrate(&o, &rig_gpu, &rig_model, &rig_truth, &c, err, sizeof err));
    assert_close(c.row.c1_us, once.c1_us, 1e-9);
    assert_close(c.row.c2_us, once.c2_us, 1e-9);
    assert_close(c.row.c3_us, once.c3_us, 1e-9);
    assert_close(c.row.c4_us, once.c4_us, 1e-9);
    o.attention_count = 0;
    assert_false(calibrate(&o, &rig_gpu, &rig_model, &rig_truth, &c, err, sizeof err));
    assert_non_null(strstr(err, "attention.csv"));
}

/* Observe, calibrate, replay: the sums that a log can show come back, and the memory; the replay is the run. */
static void known_coefficients_come_back_from_a_log(void **state)
{
    (void)state;
    observed o = {.requests = NULL};
    rig_log(&rig_truth, 3.0, &o);
    mdl_profile elsewhere = rig_truth; /* what is known beforehand is far off */
    elsewhere.c1_us = 5000;
    elsewhere.e2_us = 1;
    elsewhere.reserved_bytes = 0;
    calibration c;
    char err[200] = "";
    assert_true(calibrate(&o, &rig_gpu, &rig_model, &elsewhere, &c, err, sizeof err));
    const fit *f = &c.fits[0];
    for (size_t k = 0; k < f->term_count; k++) {
        print_message("%s %.5g +- %.2g\n", f->terms[k].name, f->terms[k].value, f->terms[k].half_width);
    }
    assert_false(c.leaned);
    assert_close(f->terms[0].value, 15000 - 40 + 1000 + 600, 0.005);
    assert_close(f->terms[1].value, 40 + 10 + 30, 0.08);
    assert_close(f->terms[2].value, 0.3, 0.03);
    assert_close(f->terms[3].value, 90, 0.03);
    assert_true(f->mean_abs < 0.01);
    assert_true(c.replay.done);
    assert_close(c.replay.simulated.ttft_ms, c.replay.measured.ttft_ms, 0.05);
    assert_close(c.replay.simulated.tpot_ms, c.replay.measured.tpot_ms, 0.02);
    assert_close(c.replay.simulated.e2e_ms, c.replay.measured.e2e_ms, 0.001);
    /* one block is 2 MB: the reserved bytes within that */
    assert_true(llabs(c.row.reserved_bytes - rig_truth.reserved_bytes) <= 16 * 131072);
    assert_string_equal(c.row.grade, "measured");
    /* one that the KV cache cannot hold is left out on both sides, and is told */
    const drive_sums whole = c.replay.measured;
    o.requests[300].input = (int32_t)o.kv_blocks * 16;
    assert_true(calibrate(&o, &rig_gpu, &rig_model, &elsewhere, &c, err, sizeof err));
    assert_true(c.replay.done && c.replay.measured.done == RIG_REQUESTS - 1 &&
                c.replay.simulated.done == RIG_REQUESTS - 1);
    assert_close(c.replay.measured.e2e_ms * (RIG_REQUESTS - 1),
                 whole.e2e_ms * RIG_REQUESTS - (o.requests[300].last_s - o.requests[300].arrival_s) * 1e3, 1e-9);
    bool told = false;
    for (size_t k = 0; k < c.note_count; k++) {
        told = told || strstr(c.notes[k], "1 of 600 requests do not fit the KV cache") != NULL;
    }
    assert_true(told);
    observed_free(&o);
}

/* A run that never left saturation cannot tell a constant from a slope: said so, and the known row is corrected. */
static void a_uniform_log_leans_on_the_known_row(void **state)
{
    (void)state;
    observed o = {.requests = NULL};
    mdl_profile slower = rig_truth;
    slower.h0_us += 2500;
    rig_log(&slower, 0.01, &o);
    calibration c;
    char err[200] = "";
    assert_true(calibrate(&o, &rig_gpu, &rig_model, &rig_truth, &c, err, sizeof err));
    assert_true(c.leaned);
    assert_string_equal(c.row.grade, "derived");
    assert_true(c.note_count > 0);
    assert_close(c.replay.simulated.e2e_ms, c.replay.measured.e2e_ms, 0.005);
    assert_close(c.replay.simulated.tpot_ms, c.replay.measured.tpot_ms, 0.02);
    observed_free(&o);
}

/* A sequence that costs more than a prompt token: prefills must not pay for it as well. */
static void a_dear_sequence_stands_in_h1(void **state)
{
    (void)state;
    observed o = {.requests = NULL};
    mdl_profile dear = rig_truth;
    dear.h1_us = 210;
    rig_log(&dear, 3.0, &o);
    calibration c;
    char err[200] = "";
    assert_true(calibrate(&o, &rig_gpu, &rig_model, &rig_truth, &c, err, sizeof err));
    assert_false(c.leaned);
    assert_close(c.row.c2_us + c.row.h1_us, 40 + 210 + 30, 0.05);
    assert_true(c.row.c2_us <= c.row.c4_us);
    assert_close(c.replay.simulated.ttft_ms, c.replay.measured.ttft_ms, 0.1);
    assert_close(c.replay.simulated.tpot_ms, c.replay.measured.tpot_ms, 0.02);
    observed_free(&o);
}

/* 60 observations of a law: 20 to 140 steps of 1 to 55 sequences with contexts of 4000 tokens, and some prefills. */
static void lay_down(const mdl_profile *row, double *x, double *y)
{
    double law[RUNLOG_TERMS];
    runlog_law(row, 30, law);
    for (int i = 0; i < 60; i++) {
        const double n = 20 + 10 * (i * 7 % 13);
        const double d = n * (1 + i % 10 * 6);
        const double terms[RUNLOG_TERMS] = {n, d, 4000 * d, 300.0 * (i % 7), i % 7};
        y[i] = 0;
        for (int k = 0; k < RUNLOG_TERMS; k++) {
            x[i * RUNLOG_TERMS + k] = terms[k];
            y[i] += law[k] * terms[k];
        }
    }
}

/* The GPU is as known, the rest of the engine is not: its two numbers come back, or one where the other drowns. */
static void what_is_beside_the_gpu_comes_back(void **state)
{
    (void)state;
    static double x[60 * RUNLOG_TERMS], y[60];
    const runlog_sums s = {x, y, 60, RUNLOG_TERMS};
    mdl_profile other = rig_truth;
    calibration c = {.row = rig_truth};
    other.h0_us = 3000;
    other.h1_us = 250;
    lay_down(&other, x, y);
    assert_true(runlog_lean(&s, 30, &c));
    assert_int_equal(c.fit_count, 1);
    assert_close(c.row.h0_us, 3000, 1e-6);
    assert_close(c.row.h1_us, 250, 1e-6);
    assert_true(c.row.c1_us == rig_truth.c1_us && c.row.c4_us == rig_truth.c4_us && c.row.e2_us == rig_truth.e2_us);
    other.h0_us = -500; /* less than nothing: the known 1000 stands, sequences make up for it */
    c = (calibration){.row = rig_truth};
    lay_down(&other, x, y);
    assert_true(runlog_lean(&s, 30, &c));
    assert_close(c.row.h0_us, 1000, 1e-12);
    assert_true(c.row.h1_us < 250 && c.row.h1_us > 50);
    lay_down(&rig_truth, x, y); /* twice as fast in all: less than nothing both, so that the row is scaled */
    for (int i = 0; i < 60; i++) {
        y[i] /= 2;
    }
    c = (calibration){.row = rig_truth};
    assert_true(runlog_lean(&s, 30, &c));
    assert_close(c.row.c4_us, rig_truth.c4_us / 2, 1e-6);
    assert_close(c.row.h0_us, rig_truth.h0_us / 2, 1e-6);
}

static const char *write_file(const char *text)
{
    static char path[64];
    (void)snprintf(path, sizeof path, "/tmp/test_calibrate.%ld", (long)getpid());
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    return path;
}

static bool read_text(observed *o, const char *text, char *err, size_t size)
{
    const char *path = write_file(text);
    bool ok = observed_read(o, path, err, size);
    assert_int_equal(remove(path), 0);
    return ok;
}

/* An operator table as gzip -n9 packs it. */
static void packed_files(void **state)
{
    (void)state;
    static const unsigned char packed[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xcb, 0x49, 0xac,
                                           0x4c, 0x2d, 0xd2, 0x29, 0xc9, 0xcf, 0x4e, 0xcd, 0x2b, 0xd6, 0x29, 0xc9, 0xcc,
                                           0x4d, 0x8d, 0x2f, 0x2d, 0xe6, 0x2a, 0xcc, 0x2e, 0xd3, 0x31, 0xd4, 0x31, 0xe5,
                                           0x02, 0x00, 0x21, 0x70, 0x71, 0x77, 0x1d, 0x00, 0x00, 0x00};
    observed o = {.requests = NULL};
    char err[600] = "";
    const char *path = write_file("");
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(packed, 1, sizeof packed, f), sizeof packed);
    assert_int_equal(fclose(f), 0);
    assert_true(observed_read(&o, path, err, sizeof err));
    assert_int_equal(remove(path), 0);
    assert_int_equal(o.dense_count, 1);
    observed_free(&o);
}

static void files_people_have(void **state)
{
    (void)state;
    observed o = {.requests = NULL};
    char err[600] = "";
    assert_true(read_text(&o,
                          "{\"input_toks\": 9, \"output_toks\": 3, \"queued_ts\": 5, \"scheduled_ts\": 6, "
                          "\"first_token_ts\": 7, \"last_token_ts\": 8}\n"
                          "{\"input_toks\": 8, \"output_toks\": 1, \"queued_ts\": 1, \"first_token_ts\": 2, "
                          "\"last_token_ts\": 2}\n",
                          err, sizeof err));
    assert_true(read_text(&o,
                          "{\"model_id\": \"org/M\", \"input_lens\": [4, 5, 6], \"output_lens\": [3, 0, 1], "
                          "\"ttfts\": [0.5, 0, 0.25], \"itls\": [[0.1, 0.2], [], []], \"start_times\": [3, 4, 4.5]}",
                          err, sizeof err));
    assert_true(observed_complete(&o, err, sizeof err));
    assert_int_equal(o.request_count, 4); /* the one that failed does not count */
    assert_true(o.client);
    assert_string_equal(o.model, "org/M");
    assert_close(o.requests[0].start_s, 1.0, 1e-12);
    assert_close(o.requests[1].first_s, 3.5, 1e-12);
    assert_close(o.requests[1].last_s, 3.8, 1e-12);
    assert_close(o.requests[3].start_s, 6.0, 1e-12);
    assert_true(read_text(&o,
                          "timestamp,prompt_throughput,generation_throughput,num_running,num_swapped,num_pending,"
                          "gpu_kvcache_usage,cpu_kvcache_usage\n1,2,3,4,0,0,50,0\n",
                          err, sizeof err));
    assert_true(read_text(&o, "t,prompt_throughput,gen_throughput,running,waiting,kv_cache_pct\n1.0,5,6,7,2,25\n", err,
                          sizeof err));
    assert_int_equal(o.second_count, 2);
    assert_close(o.seconds[0].kv_share, 0.5, 1e-12);
    assert_close(o.seconds[1].output_per_s, 6.0, 1e-12);
    assert_true(
        read_text(&o,
                  "{\"model\": \"a/b\", \"vllm_version\": \"0.19.0\", \"engine_kwargs\": {\"max_num_seqs\": 64}, "
                  "\"kv_cache\": {\"num_gpu_blocks\": 12, \"block_size\": 16, \"gpu_memory_utilization\": 0.9}}",
                  err, sizeof err));
    assert_int_equal(o.kv_blocks, 12);
    assert_int_equal(o.max_sequences, 64);
    assert_string_equal(o.engine, "vllm-0.19.0");
    static const char *const broken[][2] = {
        {"", "empty"},
        {"a,b\n1,2\n", "not a table"},
        {"layer,tokens,time_us\nx,1,fast\n", ":2:5: error"},
        {"layer,tokens,time_us\nx,1\n", "fewer cells"},
        {"{\"input_toks\": 0, \"output_toks\": 3, \"queued_ts\": 5, \"first_token_ts\": 7, \"last_token_ts\": 8}\n",
         "token counts"},
        {"{\"input_toks\": 1, \"output_toks\": 3, \"queued_ts\": 9, \"first_token_ts\": 7, \"last_token_ts\": 8}\n",
         "arrival <= first"},
        {"{\"input_toks\": 1,\n", ":1:"},
        {"{\"ttfts\": [1]}", "--save-detailed"},
        {"\x1f\x8b\x08", "gzip file"},
    };
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        assert_false(read_text(&o, broken[i][0], err, sizeof err));
        assert_non_null(strstr(err, broken[i][1]));
    }
    assert_false(observed_read(&o, "/nowhere/at/all", err, sizeof err));
    observed_free(&o);
}

#define EVENT(id, in, most, first, took, end)                                                                          \
    "\"" #id "\": {\"event_id\": " #id ", \"out_len\": 4000, \"out_len_expected\": " #most ", \"in_len\": " #in        \
    ", \"first_chunk_time\": " #first ", \"total_chunk_time\": " #took ", \"record_time\": " #end "}"
#define LOG_HEAD "timestamp,prompt_throughput,generation_throughput,num_running,gpu_kvcache_usage\n"

/*
 * Each request that is answered gets 10 tokens a second. A from 101.5 to 104.5: the first and 30 more; B from 102.5 to
 * 105: 26, of which 20 are the most it may have; C at 103.25 in one piece: one token. The engine counts 320 prompt
 * tokens where the file says 400. Its first line has no time before it.
 */
static void a_replay_log_gets_its_tokens_from_the_engines_log(void **state)
{
    (void)state;
    static const char events[] = "{" EVENT(7, 200, 20, 1.25, 3.75, 105) ", " EVENT(
        3, 100, 1024, 0.5, 3.5, 104.5) ", " EVENT(9, 100, 1024, 0.25, 0.25, 103.25) "}";
    static const char log[] = LOG_HEAD "100,999,999,0,0\n101,0,0,0,0\n102,120,6,1,1\n103,0,16,2,2\n104,200,21,2,2\n"
                                       "105,0,15,1,2\n";
    static const int32_t expected[3][2] = {{80, 31}, {160, 20}, {80, 1}};
    char err[600] = "";
    for (int order = 0; order < 2; order++) {
        observed o = {.requests = NULL};
        assert_true(read_text(&o, order == 0 ? events : log, err, sizeof err));
        assert_true(read_text(&o, order == 0 ? log : events, err, sizeof err));
        assert_true(observed_complete(&o, err, sizeof err));
        assert_int_equal(o.request_count, 3);
        assert_int_equal(o.told, 3);
        assert_close(o.prompt_scale, 0.8, 1e-12);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(o.requests[i].input, expected[i][0]);
            assert_int_equal(o.requests[i].output, expected[i][1]);
        }
        assert_close(o.requests[0].arrival_s, 101, 1e-12);
        assert_close(o.requests[0].first_s, 101.5, 1e-12);
        assert_close(o.requests[0].last_s, 104.5, 1e-12);
        observed_free(&o);
    }
    static const struct {
        const char *log, *says; /* log NULL = none */
    } none[] = {{NULL, "out_len counts characters): give the engine's log"},
                {"prompt_throughput,generation_throughput,num_running,gpu_kvcache_usage\n1,10,1,1\n",
                 "out_len counts characters): give the engine's log"},
                {LOG_HEAD "1101,0,0,0,0\n1102,0,6,1,1\n1103,0,16,2,2\n", "covers 0 % of the time"},
                {LOG_HEAD "101,0,0,0,0\n102,0,6,1,1\n103,0,16,2,2\n", "covers 36 % of the time"}};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        observed o = {.requests = NULL};
        assert_true(read_text(&o, events, err, sizeof err));
        assert_true(none[i].log == NULL || read_text(&o, none[i].log, err, sizeof err));
        assert_false(observed_complete(&o, err, sizeof err));
        assert_non_null(strstr(err, none[i].says));
        observed_free(&o);
    }
    static const char *const broken[][2] = {
        {"{" EVENT(5, 0, 1, 1, 2, 9) "}", ":1:1: error: event '5': in_len"},
        {"{" EVENT(5, 1, 1, 3, 2, 9) "}", ":1:1: error: event '5': record_time"},
        {"{" EVENT(5, 1, 1, -1, 2, 9) "}", "event '5': record_time"},
        {"{" EVENT(5, 1, 1, 1, 2, null) "}", "event '5': record_time"},
        {"{" EVENT(5, 1, 1, 1, 2, 9) ", \"6\": 3}", "event '6': in_len"},
    };
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        observed o = {.requests = NULL};
        assert_false(read_text(&o, broken[i][0], err, sizeof err));
        assert_non_null(strstr(err, broken[i][1]));
        observed_free(&o);
    }
}

/* As above, and the same 900 s later with an engine's log of its own, which says half as much. */
static const char early[] = "{" EVENT(1, 100, 1024, 0.25, 2.5, 103) ", " EVENT(2, 300, 1024, 0.25, 3.5, 104) "}";
static const char late[] = "{" EVENT(1, 100, 1024, 0.25, 2.5, 1003) ", " EVENT(2, 300, 1024, 0.25, 3.5, 1004) "}";
static const char early_log[] = LOG_HEAD "100,0,0,0,0\n101,400,2,0,0\n102,0,20,0,0\n103,0,20,0,0\n104,0,10,0,0\n";
static const char late_log[] = LOG_HEAD "1000,0,0,0,0\n1001,200,2,0,0\n1002,0,10,0,0\n1003,0,10,0,0\n1004,0,5,0,0\n";

static bool read_all(observed *o, const char *const *texts, size_t n, char *err, size_t size)
{
    *o = (observed){.requests = NULL};
    for (size_t i = 0; i < n; i++) {
        assert_true(read_text(o, texts[i], err, size));
    }
    return observed_complete(o, err, size);
}

static void each_run_has_its_own_log(void **state)
{
    (void)state;
    const char *const texts[] = {late, early_log, late_log, early};
    const char *const same[] = {late, early_log, late_log, early, early_log};
    const char *const apart[] = {early, LOG_HEAD "100,0,0,0,0\n101,400,2,0,0\n102,0,20,0,0\n",
                                 LOG_HEAD "102,0,20,0,0\n103,0,20,0,0\n104,0,10,0,0\n"};
    observed o;
    char err[1600] = "";
    assert_true(read_all(&o, texts, 4, err, sizeof err));
    assert_int_equal(o.run_count, 2);
    assert_int_equal(observed_run_count(&o), 2);
    assert_true(o.runs[0].file == 3 && o.runs[0].log == 1 && o.runs[1].file == 0 && o.runs[1].log == 2);
    assert_int_equal(o.told, 4);
    assert_close(o.prompt_scale, 0.75, 1e-12); /* 1 in one, 1/2 in the other */
    for (size_t k = 0; k < 2; k++) {
        const observed one = observed_one_run(&o, k);
        assert_int_equal(one.request_count, 2);
        assert_int_equal(one.requests[0].input, k == 0 ? 100 : 50);
        assert_int_equal(one.requests[1].input, k == 0 ? 300 : 150);
        /* first tokens at 100.75, then 10 (5) a second for each from 101 on, to 103 and 104 */
        assert_int_equal(one.requests[0].output, k == 0 ? 21 : 11);
        assert_int_equal(one.requests[1].output, k == 0 ? 31 : 16);
        drive_sums simulated, alone;
        assert_true(calibrate_replayed(&one, &rig_gpu, &rig_model, &rig_truth, &simulated, &alone));
        assert_close((double)alone.makespan_ns, 3.5e9, 1e-6);
        assert_close(alone.output_per_s, (k == 0 ? 52 : 27) / 3.5, 1e-6);
    }
    drive_sums replayed, all; /* the time between the runs is none of theirs */
    assert_true(calibrate_replayed(&o, &rig_gpu, &rig_model, &rig_truth, &replayed, &all));
    assert_int_equal(replayed.done, 4);
    assert_int_equal(all.done, 4);
    assert_close((double)all.makespan_ns, 7e9, 1e-6);
    assert_close(all.output_per_s, 79 / 7.0, 1e-6);
    assert_close(all.e2e_ms, 3000, 1e-6);
    assert_close(all.tpot_ms, (3250.0 / 30 + 2250.0 / 20 + 3250.0 / 15 + 2250.0 / 10) / 4, 1e-6);
    observed_free(&o);
    assert_false(read_all(&o, same, 5, err, sizeof err));
    assert_non_null(strstr(err, "two engine's logs cover the time of these requests"));
    observed_free(&o);
    assert_true(read_all(&o, apart, 3, err, sizeof err)); /* a log in parts */
    assert_true(o.run_count == 1 && o.runs[0].log == OBSERVED_ALL_LOGS && o.told == 2);
    observed_free(&o);
}

/* What lies beside the logs in a folder. */
static void a_folder_holds_other_files_too(void **state)
{
    (void)state;
    static const char *const files[][2] = {{"a.csv", "timestamp_s,tokens\n5,472\n"},
                                           {"b.json", "{\"title\": \"other\"}"},
                                           {"c.json", early},
                                           {"d.csv", early_log},
                                           {"e.jsonl", "{\"event\": 1}\n{\"event\": 2}\n"},
                                           {"f.csv", "layer,tokens,time_us\nx,1,fast\n"}};
    char dir[] = "/tmp/test_calibrate.XXXXXX";
    char path[6][64];
    char err[1600] = "";
    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < 6; i++) {
        (void)snprintf(path[i], sizeof path[i], "%s/%s", dir, files[i][0]);
        FILE *f = fopen(path[i], "wb");
        assert_non_null(f);
        assert_true(fputs(files[i][1], f) >= 0);
        assert_int_equal(fclose(f), 0);
    }
    observed o = {.pass_over = true};
    assert_false(observed_read(&o, dir, err, sizeof err)); /* ours, but broken */
    assert_non_null(strstr(err, "f.csv:2:5: error: time_us"));
    observed_free(&o);
    assert_int_equal(remove(path[5]), 0);
    o.pass_over = true;
    assert_true(observed_read(&o, dir, err, sizeof err));
    assert_true(observed_complete(&o, err, sizeof err));
    assert_int_equal(o.file_count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(o.files[i].passed_over, i < 2 || i == 4);
    }
    assert_int_equal(o.told, 2);
    observed_free(&o);
    for (int named = 0; named < 2; named++) { /* a file that is named, or nothing to be passed over */
        o.pass_over = named == 1;
        assert_false(observed_read(&o, named == 1 ? path[0] : dir, err, sizeof err));
        assert_non_null(strstr(err, "a.csv:1:1: error: not a table"));
        observed_free(&o);
    }
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(remove(path[i]), 0);
    }
    assert_int_equal(remove(dir), 0);
}

static void a_whole_folder_of_replays(void **state)
{
    (void)state;
    observed o = {.pass_over = true};
    char err[1600] = "";
    if (access(REPLAY, R_OK) != 0) {
        print_message("no recordings under " REPLAY "\n");
        skip();
    }
    assert_true(observed_read(&o, REPLAY, err, sizeof err));
    assert_true(observed_complete(&o, err, sizeof err));
    assert_int_equal(o.run_count, 9);
    assert_int_equal(o.told, 4500);
    for (size_t k = 0; k < o.run_count; k++) {
        const char *detail = strstr(o.files[o.runs[k].file].path, "_scale");
        const char *log = strstr(o.files[o.runs[k].log].path, "_scale");
        assert_true(detail != NULL && log != NULL &&
                    strspn(detail, "_scale0123456789") == strspn(log, "_scale0123456789"));
        assert_memory_equal(detail, log, strspn(log, "_scale0123456789"));
    }
    observed_free(&o);
}

/*
 * A run of an engine of another generation on a GPU that is not named, 500 requests that asked for 1024 tokens: more
 * than half of them got all. The tokens told from its log say so, and the replay under the row is the run.
 */
static void a_real_replay(void **state)
{
    (void)state;
    static const char *const files[] = {REPLAY "detail_log_scale400_prompt500.json.gz",
                                        REPLAY "vllm_log_scale400_prompt500.csv"};
    const mdl_model small = {.name = "Llama-3.2-1B",
                             .params_b = 1.2358144,
                             .active_b = 1.2358144,
                             .layers = 16,
                             .heads = 32,
                             .kv_heads = 8,
                             .head_dim = 64,
                             .hidden = 2048,
                             .ffn = 8192,
                             .vocab = 128256,
                             .kv_bytes_per_token = 32768,
                             .weights_bytes = 2471628800,
                             .max_context = 131072,
                             .compute = "fp16"};
    observed o = {.requests = NULL};
    calibration c;
    char err[600] = "";
    int all = 0;
    double tokens = 0;
    if (access(files[0], R_OK) != 0) {
        print_message("no recordings under " REPLAY "\n");
        skip();
    }
    for (int i = 0; i < 2; i++) {
        assert_true(observed_read(&o, files[i], err, sizeof err));
    }
    assert_true(observed_complete(&o, err, sizeof err));
    assert_int_equal(o.told, 500);
    for (size_t i = 0; i < o.request_count; i++) {
        tokens += o.requests[i].output;
        all += o.requests[i].output >= 1014; /* within 1 % of 1024 */
    }
    assert_true(all > 300 && all < 350);
    assert_close(tokens, 362455, 0.01); /* what the engine counted */
    assert_true(calibrate(&o, &rig_gpu, &small, &rig_truth, &c, err, sizeof err));
    assert_close(c.replay.simulated.tpot_ms, c.replay.measured.tpot_ms, 0.03);
    assert_close(c.replay.simulated.e2e_ms, c.replay.measured.e2e_ms, 0.001);
    assert_close(c.replay.simulated.output_per_s, c.replay.measured.output_per_s, 0.01);
    observed_free(&o);
}

/* The coefficients that design notes state for these tables, and the run that came with them. */
static void real_engines(void **state)
{
    (void)state;
    static const struct {
        const char *folder;
        double c1, c4, h0, e2;
    } known[] = {{REAL "rtx4090-llama31-8b", 15215, 87.6, 1104, 0.1372},
                 {REAL "rtxpro6000-llama31-8b", 10140, 35.2, 703, 0.0856}};
    mdl_model llama = rig_model;
    llama.weights_bytes = 16060522496;
    mdl_gpu card = rig_gpu;
    card.mem_usable_bytes = 25250627584;
    if (access(known[0].folder, R_OK) != 0) {
        print_message("no recordings under " REAL "\n");
        skip();
    }
    for (size_t i = 0; i < 2; i++) {
        observed o = {.requests = NULL};
        calibration c;
        char err[600] = "";
        assert_true(observed_read(&o, known[i].folder, err, sizeof err));
        assert_true(observed_complete(&o, err, sizeof err));
        assert_true(calibrate(&o, &card, &llama, &rig_truth, &c, err, sizeof err));
        assert_close(c.row.c1_us, known[i].c1, 0.03);
        assert_close(c.row.c4_us, known[i].c4, 0.01);
        assert_close(c.fits[1].terms[0].value, known[i].h0, 0.015);
        assert_close(c.row.e2_us, known[i].e2, 0.025);
        if (i == 0) {
            assert_true(llabs(c.row.reserved_bytes - 1236600000) < 16 * 131072);
            assert_close(c.replay.simulated.ttft_ms, c.replay.measured.ttft_ms, 0.03);
            assert_close(c.replay.simulated.tpot_ms, c.replay.measured.tpot_ms, 0.03);
        }
        observed_free(&o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear_fits),
        cmocka_unit_test(roofline_fit),
        cmocka_unit_test(operators_come_back),
        cmocka_unit_test(known_coefficients_come_back_from_a_log),
        cmocka_unit_test(a_uniform_log_leans_on_the_known_row),
        cmocka_unit_test(a_dear_sequence_stands_in_h1),
        cmocka_unit_test(what_is_beside_the_gpu_comes_back),
        cmocka_unit_test(files_people_have),
        cmocka_unit_test(a_replay_log_gets_its_tokens_from_the_engines_log),
        cmocka_unit_test(each_run_has_its_own_log),
        cmocka_unit_test(a_folder_holds_other_files_too),
        cmocka_unit_test(a_whole_folder_of_replays),
        cmocka_unit_test(a_real_replay),
        cmocka_unit_test(packed_files),
        cmocka_unit_test(real_engines),
    };
    return cmocka_run_group_tests_name("calibrate", tests, NULL, NULL);
}

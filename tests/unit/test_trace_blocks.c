/* SPDX-License-Identifier: GPL-3.0-or-later */
/** test_trace_blocks.c - ids of prompt blocks from a published form through the binary one and every change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/kernel/rng.h"
#include "sim/trace/edit.h"
#include "sim/trace/trace.h"

#define LINE(AT, IN, IDS)                                                                                              \
    "{\"timestamp\": " AT ", \"input_length\": " IN ", \"output_length\": 2, \"hash_ids\": [" IDS "]}\n"
#define LINES                                                                                                          \
    LINE("2000", "1100", "0, 1, 2") LINE("3000", "600", "0, 9") LINE("3000", "5", "") LINE("5000", "900", "0, 1")

static char directory[64], path[96];

static int set_up(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/spillway-blocks-XXXXXX");
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

static trace *read_text(const char *text, bool sort, trace_zero zero)
{
    const trace_options options = {.sort = sort, .zero = zero};
    char err[700] = "";
    FILE *f = fopen(path, "wb");
    assert_true(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0);
    trace *t = trace_read(path, &options, err, sizeof err);
    assert_string_equal(err, "");
    return t;
}

/* Blocks as text, requests apart by |. */
static void expect(trace *t, const char *blocks)
{
    char got[512] = "";
    assert_non_null(t);
    const mdl_trace *c = trace_columns(t);
    int64_t at = 0;
    assert_int_equal(c->chain_tokens, 512);
    for (size_t i = 0; i < c->count; i++) {
        for (; at < c->chain_end[i]; at++) {
            snprintf(got + strlen(got), sizeof got - strlen(got), "%lld ", (long long)c->chain[at]);
        }
        strcat(got, "|");
    }
    assert_string_equal(got, blocks);
    trace_close(t);
}

static void read_and_sorted(void **state)
{
    (void)state;
    expect(read_text(LINES, false, TRACE_ZERO_REFUSE), "0 1 2 |0 9 ||0 1 |");
    expect(read_text(LINE("7000", "600", "5, 6") LINES, true, TRACE_ZERO_REFUSE), "0 1 2 |0 9 ||0 1 |5 6 |");
    expect(read_text(LINE("1000", "0", "7, 8") LINES, false, TRACE_ZERO_SKIP),
           "0 1 2 |0 9 ||0 1 |"); /* left out with them */
}

static void in_the_binary_form(void **state)
{
    (void)state;
    char err[700] = "";
    unsigned char bytes[512];
    trace *t = read_text(LINES, false, TRACE_ZERO_REFUSE);
    unlink(path);
    assert_true(trace_write(t, path, err, sizeof err));
    trace_close(t);
    /* 4 requests with time, end of their blocks, input, output and prefix; 7 blocks */
    FILE *f = fopen(path, "rb");
    const size_t size = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    assert_int_equal(size, 64 + 4 * (8 + 8 + 3 * 4) + 7 * 8);
    expect(trace_open(path, err, sizeof err), "0 1 2 |0 9 ||0 1 |");
    /* one damaged byte anywhere is found, in the count of blocks of the header, too */
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= 0x10;
        f = fopen(path, "wb");
        assert_true(fwrite(bytes, 1, size, f) == size && fclose(f) == 0);
        assert_null(trace_open(path, err, sizeof err));
        bytes[i] ^= 0x10;
    }
}

static void changed(void **state)
{
    (void)state;
    char err[700] = "";
    trace *t = read_text(LINES, false, TRACE_ZERO_REFUSE);
    trace *u = read_text(LINE("2500", "600", "0, 4"), false, TRACE_ZERO_REFUSE);
    trace *plain = read_text("at_s,input_tokens,output_tokens\n4,1,10\n", false, TRACE_ZERO_REFUSE);
    gsl_rng *r = rng_stream(1, 0, "test", 0);
    expect(edit_slice(t, INT64_C(500000000), INT64_MAX, "x", err, sizeof err), "0 9 ||0 1 |");
    expect(edit_scale(t, 2.0, 0, r, "x", err, sizeof err), "0 1 2 |0 1 2 |0 9 |0 9 |||0 1 |0 1 |");
    expect(edit_shift(t, 1000, "x", err, sizeof err), "0 1 2 |0 9 ||0 1 |");
    /* of three, id s of the first becomes 3 s, of the second 3 s + 1; the third has none */
    const trace *all[3] = {t, u, plain};
    const char *const names[3] = {"t", "u", "plain"};
    expect(edit_mix(all, 3, true, names, err, sizeof err), "0 3 6 |1 13 ||0 27 ||0 3 |");
    gsl_rng_free(r);
    trace_close(t);
    trace_close(u);
    trace_close(plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_and_sorted),
        cmocka_unit_test(in_the_binary_form),
        cmocka_unit_test(changed),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

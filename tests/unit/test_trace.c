/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * test_trace.c - traces: both CSV forms, the binary form, damage, and (where the data is at hand) a published trace
 * against figures that were worked out by other software.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/trace/trace.h"

#define AZURE "../shared/traces/azure-llm-2023/AzureLLMInferenceTrace_conv.csv"

static char directory[64], csv_path[96], bin_path[96];

static int set_up(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/spillway-trace-XXXXXX");
    if (mkdtemp(directory) == NULL) {
        return -1;
    }
    snprintf(csv_path, sizeof csv_path, "%s/t.csv", directory);
    snprintf(bin_path, sizeof bin_path, "%s/t.trace", directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(csv_path);
    unlink(bin_path);
    return rmdir(directory);
}

static void put(const char *path, const void *data, size_t size)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static trace *open_text(const char *text)
{
    char err[700] = "";
    put(csv_path, text, strlen(text));
    trace *t = trace_open(csv_path, err, sizeof err);
    assert_string_equal(err, "");
    assert_non_null(t);
    return t;
}

static void expect_error(const char *text, const char *message)
{
    char err[700] = "";
    char expected[700];
    put(csv_path, text, strlen(text));
    assert_null(trace_open(csv_path, err, sizeof err));
    snprintf(expected, sizeof expected, "%s:%s", csv_path, message);
    assert_string_equal(err, expected);
}

#define HEAD "TIMESTAMP,ContextTokens,GeneratedTokens\r\n"

static void test_clock_csv(void **state)
{
    (void)state;
    /* CRLF, seven digits, midnight, a leap day, nothing after the last line. */
    trace *t = open_text(HEAD "2024-02-28 23:59:59.5000001,374,44\r\n"
                              "2024-02-29 00:00:00.0000000,396,109\r\n"
                              "2024-03-01T00:00:00.123456789Z,879,55\r\n"
                              "2025-03-01 00:00:00+00:00,1,2");
    const mdl_trace *c = trace_columns(t);
    assert_int_equal(c->count, 4);
    assert_true(trace_first_ns(t) == 1709164799500000100); /* date -u -d '2024-02-28 23:59:59' +%s = 1709164799 */
    assert_true(c->at_ns[0] == 0);
    assert_true(c->at_ns[1] == 499999900);
    assert_true(c->at_ns[2] == 499999900 + 86400000000000 + 123456789);
    assert_true(c->at_ns[3] == 499999900 + 366 * 86400000000000);
    assert_int_equal(c->input_tokens[0], 374);
    assert_int_equal(c->output_tokens[1], 109);
    assert_int_equal(c->output_tokens[3], 2);
    trace_close(t);
    trace_close(NULL);
    /* Other column order, one more column, equal times. */
    t = open_text("GeneratedTokens,user,TIMESTAMP,ContextTokens\n"
                  "1,\"a,b\",1970-01-01 00:00:00,2\n3,c,1970-01-01 00:00:00,2147483647\n");
    c = trace_columns(t);
    assert_int_equal(c->count, 2);
    assert_true(trace_first_ns(t) == 0);
    assert_true(c->at_ns[1] == 0);
    assert_int_equal(c->input_tokens[1], 2147483647);
    assert_int_equal(c->output_tokens[1], 3);
    trace_close(t);
}

static void test_seconds_csv(void **state)
{
    (void)state;
    trace *t = open_text("at_s,input_tokens,output_tokens\n10.25,5,6\n10.250000001,7,8\n4000000011,9,10\n");
    const mdl_trace *c = trace_columns(t);
    assert_int_equal(c->count, 3);
    assert_true(trace_first_ns(t) == 10250000000);
    assert_true(c->at_ns[1] == 1);
    assert_true(c->at_ns[2] == 4000000000750000000);
    assert_int_equal(c->output_tokens[2], 10);
    trace_close(t);
}

static void test_csv_errors(void **state)
{
    (void)state;
    expect_error("", "1:1: error: the file is empty");
    expect_error("\n\n", "1:1: error: the file is empty");
    expect_error(HEAD, "1:1: error: the trace has no requests");
    expect_error("a,b\n1,2\n",
                 "1:1: error: not a trace of a known form (azure, burstgpt, burstgpt-first, burstgpt-replay, "
                 "alibaba-genai, alibaba-pods, mooncake, plain, columns): name the columns of any other CSV, e.g. "
                 "'spillway trace import --columns time=at:ms,input=prompt,output=answer'");
    expect_error("TIMESTAMP,ContextTokens\n",
                 "1:1: error: column 'GeneratedTokens' is missing (it goes with TIMESTAMP)");
    expect_error("at_s,input_tokens,output_tokens,input_tokens\n1,2,3,4\n",
                 "1:33: error: column 'input_tokens' is there twice");
    expect_error("at_s,ContextTokens,GeneratedTokens\n",
                 "1:1: error: column 'input_tokens' is missing (it goes with at_s)");
    static const char *const bad[] = {"2023-11-16",
                                      "2023-11-16 18:15",
                                      "2023-11-16 18:15:60",
                                      "2023-11-16 24:15:00",
                                      "2023-02-29 18:15:00",
                                      "2023-13-01 18:15:00",
                                      "2023-11-16 18:15:46.",
                                      "2023-11-16 18:15:46.1234567890",
                                      "2023-11-16 18:15:46+08:00",
                                      "1969-12-31 23:59:59",
                                      "yesterday"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[200], message[400];
        snprintf(text, sizeof text, HEAD "%s,1,1\n", bad[i]);
        snprintf(message, sizeof message,
                 "2:1: error: '%s' is not a time YYYY-MM-DD HH:MM:SS[.fraction] with at most 9 digits, in UTC "
                 "(Z, +00:00 or nothing behind it)",
                 bad[i]);
        expect_error(text, message);
    }
#define NOW "2023-11-16 18:15:46.6805900"
    expect_error(HEAD NOW ",1,1\r\n" NOW ",-5,1\r\n", "3:29: error: -5 tokens: a count must be from 1 to 2147483647");
    expect_error(HEAD NOW ",1,2147483648\r\n", "2:31: error: 2147483648 tokens: a count must be from 1 to 2147483647");
    expect_error(HEAD NOW ",1,0\r\n", "2:31: error: 0 tokens: leave out requests that were not served ("
                                      "'spillway trace import --zero skip')");
    expect_error(HEAD NOW ",1.5,1\r\n", "2:29: error: '1.5' is not a whole number of tokens");
    expect_error(HEAD NOW ",,1\r\n", "2:29: error: '' is not a whole number of tokens");
    expect_error(HEAD NOW ",1\r\n", "2:30: error: 2 cells, but the header has 3");
    expect_error(HEAD NOW ",1,1\r\n\r\n2023-11-16 18:15:46.680589999,1,1\r\n",
                 "4:1: error: earlier than the request in line 2: sort the trace by time");
    expect_error(
        "at_s,input_tokens,output_tokens\n-1,1,1\n",
        "2:1: error: '-1' is not a decimal number of seconds, 0 or more, with at most 9 digits after the point");
    expect_error(
        "at_s,input_tokens,output_tokens\n1e3,1,1\n",
        "2:1: error: '1e3' is not a decimal number of seconds, 0 or more, with at most 9 digits after the point");
    char err[700];
    assert_null(trace_open("/nonexistent.csv", err, sizeof err));
    assert_string_equal(err, "/nonexistent.csv: error: cannot open the file: No such file or directory");
}

static void write_binary(const char *text)
{
    char err[700] = "";
    trace *t = open_text(text);
    assert_true(trace_write(t, bin_path, err, sizeof err));
    assert_string_equal(err, "");
    trace_close(t);
}

static void test_binary(void **state)
{
    (void)state;
    write_binary("at_s,input_tokens,output_tokens\n10.25,5,6\n11,7,8\n13,9,10\n");
    char err[700] = "";
    trace *t = trace_open(bin_path, err, sizeof err);
    assert_string_equal(err, "");
    assert_non_null(t);
    const mdl_trace *c = trace_columns(t);
    assert_int_equal(c->count, 3);
    assert_true(trace_first_ns(t) == 10250000000);
    const int64_t at[3] = {0, 750000000, 2750000000};
    const int32_t input[3] = {5, 7, 9};
    const int32_t output[3] = {6, 8, 10};
    assert_memory_equal(c->at_ns, at, sizeof at);
    assert_memory_equal(c->input_tokens, input, sizeof input);
    assert_memory_equal(c->output_tokens, output, sizeof output);
    /* Writing over the file that is mapped: a new file takes its name, the mapping keeps the old one. */
    assert_true(trace_write(t, bin_path, err, sizeof err));
    assert_memory_equal(c->at_ns, at, sizeof at);
    trace_close(t);
    struct stat info;
    assert_int_equal(stat(bin_path, &info), 0);
    assert_int_equal(info.st_size, 64 + 3 * 16);
}

/* Whether times are of a calendar stays as the text has it; the version with which older programs read it, where they
 * would know. */
static void test_binary_calendar(void **state)
{
    (void)state;
    static const struct {
        const char *first;
        bool clock;
        int version;
    } cases[] = {
        {"1700000000", false, 2}, {"10", false, 1}, {"1971-01-01 00:00:00", true, 2}, {"2023-11-14 22:13:20", true, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[128], err[700] = "";
        snprintf(text, sizeof text, "TIMESTAMP,ContextTokens,GeneratedTokens\n%s,5,6\n", cases[i].first);
        if (!cases[i].clock) {
            snprintf(text, sizeof text, "at_s,input_tokens,output_tokens\n%s,5,6\n", cases[i].first);
        }
        trace *t = open_text(text);
        assert_int_equal(trace_about(t)->clock, cases[i].clock);
        assert_true(trace_write(t, bin_path, err, sizeof err));
        trace_close(t);
        t = trace_open(bin_path, err, sizeof err);
        assert_string_equal(err, "");
        assert_int_equal(trace_about(t)->clock, cases[i].clock);
        trace_close(t);
        FILE *f = fopen(bin_path, "rb");
        assert_non_null(f);
        assert_int_equal(fseek(f, 8, SEEK_SET), 0);
        assert_int_equal(fgetc(f), cases[i].version); /* low byte: little-endian machines */
        fclose(f);
    }
}

static void expect_damage(const unsigned char *data, size_t size, const char *word)
{
    char err[700] = "";
    put(bin_path, data, size);
    assert_null(trace_open(bin_path, err, sizeof err));
    assert_non_null(strstr(err, "t.trace:1:1: error: "));
    if (strstr(err, word) == NULL) {
        print_error("'%s' does not mention '%s'\n", err, word);
        fail();
    }
}

static void test_damage(void **state)
{
    (void)state;
    write_binary("at_s,input_tokens,output_tokens\n10.25,5,6\n11,7,8\n13,9,10\n");
    enum { SIZE = 64 + 3 * 16 };
    unsigned char good[SIZE + 1], bad[SIZE + 1];
    FILE *f = fopen(bin_path, "rb");
    assert_non_null(f);
    assert_int_equal(fread(good, 1, SIZE + 1, f), SIZE);
    fclose(f);
    good[SIZE] = 0;
    for (size_t bit = 8 * 8; bit < 8 * SIZE; bit++) { /* every single flipped bit behind the magic is noticed */
        memcpy(bad, good, SIZE);
        bad[bit / 8] ^= (unsigned char)(1u << bit % 8);
        expect_damage(bad, SIZE,
                      bit < 8 * 12   ? "version"
                      : bit < 8 * 16 ? "byte order"
                      : bit < 8 * 64 ? "damaged"
                                     : "checksum");
    }
    for (size_t size = 8; size < SIZE; size++) {
        expect_damage(good, size, "cut short");
    }
    expect_damage(good, SIZE + 1, "longer");
    memcpy(bad, good, SIZE);
    bad[0] = 'X'; /* no magic: taken for a CSV file */
    char err[700];
    put(bin_path, bad, SIZE);
    assert_null(trace_open(bin_path, err, sizeof err));
    assert_non_null(strstr(err, "t.trace:1:1: error: "));
}

static void expect_unreadable(const char *path, const char *why)
{
    char err[700] = "";
    assert_null(trace_open(path, err, sizeof err));
    if (strstr(err, why) == NULL) {
        print_error("'%s' does not mention '%s'\n", err, why);
        fail();
    }
}

/* Times that no text has, and that no calendar here could place. */
static void test_binary_times(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        char err[700] = "";
        const int64_t first_ns = i == 0 ? -3600000000000 : INT64_MAX - 1000;
        const trace_request rows[2] = {{.at_ns = first_ns, .session = -1, .input = 5, .output = 6},
                                       {.at_ns = first_ns + 1000, .session = -1, .input = 5, .output = 6}};
        trace *t = trace_of("made", rows, 2, 0, false, err, sizeof err);
        assert_non_null(t);
        assert_true(trace_write(t, bin_path, err, sizeof err));
        trace_close(t);
        expect_unreadable(bin_path, "before time 0 or more than 288 years after it");
    }
}

/* What says how a text is read is not passed over. */
static void test_binary_options(void **state)
{
    (void)state;
    static const trace_options some[3] = {{.spread_ns = 1000}, {.form = "plain"}, {.columns = "time=a"}};
    static const char *const names[3] = {"--spread", "--form", "--columns"};
    write_binary("at_s,input_tokens,output_tokens\n10.25,5,6\n");
    for (int i = 0; i < 3; i++) {
        char err[700] = "";
        assert_null(trace_read(bin_path, &some[i], err, sizeof err));
        assert_non_null(strstr(err, "this is a binary trace"));
        assert_non_null(strstr(err, names[i]));
    }
}

static void test_write_errors(void **state)
{
    (void)state;
    char err[700] = "";
    trace *t = open_text("at_s,input_tokens,output_tokens\n10.25,5,6\n");
    assert_false(trace_write(t, "/nonexistent/x.trace", err, sizeof err));
    assert_string_equal(err, "/nonexistent/x.trace: error: cannot write beside the target: No such file or directory");
    assert_false(trace_write(t, directory, err, sizeof err)); /* a directory is in the way */
    assert_non_null(strstr(err, "something that is not a regular file"));
    trace_close(t);
    const trace_request urgent = {.session = -1, .input = 1, .output = 1, .priority = TRACE_PRIORITY_MAX + 1};
    t = trace_of("urgent", &urgent, 1, TRACE_PRIORITY, false, err, sizeof err);
    assert_non_null(t);
    assert_false(trace_write(t, "/x.trace", err, sizeof err));
    assert_string_equal(
        err, "/x.trace: error: a session, prefix, block or priority is out of its range: import the trace again");
    trace_close(t);
    /* Nothing is left behind. */
    char parent_file[128];
    snprintf(parent_file, sizeof parent_file, "%s.tmp-%ld", directory, (long)getpid());
    assert_int_not_equal(access(parent_file, F_OK), 0);
    DIR *d = opendir(directory);
    assert_non_null(d);
    int files = 0;
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        files += e->d_name[0] != '.';
    }
    closedir(d);
    assert_int_equal(files, 1); /* t.csv */
}

static void expect_refusal(const char *in, const char *out, const char *why)
{
    char err[700] = "";
    assert_false(trace_may_replace(in, out, err, sizeof err));
    assert_true(strncmp(err, out, strlen(out)) == 0);
    assert_non_null(strstr(err, ": error: "));
    assert_non_null(strstr(err, why));
    assert_non_null(strstr(err, "name")); /* the way out */
}

static void expect_content(const char *path, const char *text)
{
    char now[128] = "";
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    const size_t size = fread(now, 1, sizeof now - 1, f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(size, strlen(text));
    assert_string_equal(now, text);
}

/* Only a trace of ours may be replaced; everything else that has a name keeps its content. */
static void test_replaces_only_traces(void **state)
{
    (void)state;
    static const char csv[] = "at_s,input_tokens,output_tokens\n10.25,5,6\n";
    static const char *const precious[] = {"my notes\n", "", "SPWTRAC", "at_s,input_tokens,output_tokens\n1,2,3\n"};
    char err[700] = "", alias[96];
    trace *t = open_text(csv);
    assert_true(trace_may_replace(csv_path, bin_path, err, sizeof err)); /* nothing there */
    assert_true(trace_may_replace(csv_path, "/nonexistent/x", err, sizeof err));
    expect_refusal(csv_path, csv_path, "the file to import");
    snprintf(alias, sizeof alias, "%s/../%s/t.csv", directory, strrchr(directory, '/') + 1);
    expect_refusal(csv_path, alias, "the file to import");
    expect_refusal(csv_path, directory, "not a regular file");
    expect_refusal(csv_path, "/dev/null", "not a regular file");
    for (size_t i = 0; i < sizeof precious / sizeof precious[0]; i++) {
        put(bin_path, precious[i], strlen(precious[i]));
        expect_refusal(csv_path, bin_path, "'trace import' did not write");
        assert_false(trace_write(t, bin_path, err, sizeof err)); /* the last gate says the same */
        assert_non_null(strstr(err, "'trace import' did not write"));
        expect_content(bin_path, precious[i]);
    }
    assert_int_equal(unlink(bin_path), 0);
    assert_int_equal(link(csv_path, bin_path), 0); /* the same file under another name */
    expect_refusal(csv_path, bin_path, "the file to import");
    assert_int_equal(unlink(bin_path), 0);
    assert_int_equal(symlink("nowhere", bin_path), 0);
    expect_refusal(csv_path, bin_path, "not a regular file");
    assert_false(trace_write(t, bin_path, err, sizeof err));
    assert_int_equal(unlink(bin_path), 0);
    assert_true(trace_write(t, bin_path, err, sizeof err));
    assert_true(trace_may_replace(csv_path, bin_path, err, sizeof err)); /* ours */
    expect_refusal(bin_path, bin_path, "the file to import");
    assert_true(trace_write(t, bin_path, err, sizeof err));
    trace_close(t);
    expect_content(csv_path, csv);
}

/* What never ends, or is far too long, is refused before it fills the memory. */
static void test_endless(void **state)
{
    (void)state;
    expect_unreadable("/dev/zero", "a device");
    expect_unreadable("/dev/urandom", "a device");
    put(csv_path, "at_s,", 5);
    assert_int_equal(truncate(csv_path, (off_t)64 << 30), 0); /* sparse: takes up no room */
    expect_unreadable(csv_path, "too large");
    assert_int_equal(truncate(csv_path, (off_t)4 << 30), 0);
    expect_unreadable(csv_path, "not a text file");
    /* a pipe can be read once, and is */
    assert_int_equal(mkfifo(bin_path, 0600), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        FILE *f = fopen(bin_path, "w");
        _exit(f == NULL || fputs("at_s,input_tokens,output_tokens\n10,5,6\n", f) < 0 || fclose(f) != 0);
    }
    char err[700] = "";
    trace *t = trace_open(bin_path, err, sizeof err);
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_string_equal(err, "");
    assert_int_equal(trace_columns(t)->count, 1);
    trace_close(t);
}

static void check_azure(const trace *t)
{
    static const int per_minute[59] = {191, 265, 329, 353, 307, 273, 268, 261, 322, 298, 301, 302, 345, 326, 283,
                                       279, 280, 308, 343, 351, 351, 343, 408, 396, 386, 398, 432, 480, 476, 453,
                                       448, 507, 438, 413, 423, 418, 465, 311, 329, 316, 333, 355, 319, 360, 334,
                                       375, 330, 249, 221, 249, 265, 280, 256, 254, 242, 260, 246, 225, 37};
    const mdl_trace *c = trace_columns(t);
    assert_int_equal(c->count, 19366);
    /* 18:15:46.6805900 to 19:14:08.4025270: 3501.721937 s */
    assert_true(c->at_ns[19365] == 3501721937000);
    int count[59] = {0};
    int64_t input = 0;
    int64_t output = 0;
    int32_t most = 0;
    for (size_t i = 0; i < c->count; i++) {
        count[c->at_ns[i] / 60000000000]++;
        input += c->input_tokens[i];
        output += c->output_tokens[i];
        most = c->input_tokens[i] > most ? c->input_tokens[i] : most;
    }
    assert_memory_equal(count, per_minute, sizeof count);
    assert_int_equal((input * 10 + 9683) / 19366, 11547);   /* mean 1154.7 */
    assert_int_equal((output * 100 + 9683) / 19366, 21113); /* mean 211.13 */
    assert_int_equal(most, 14050);
}

static void test_published(void **state)
{
    (void)state;
    if (access(AZURE, R_OK) != 0) {
        print_message("no " AZURE ": skipped\n");
        skip();
    }
    char err[700] = "";
    trace *t = trace_open(AZURE, err, sizeof err);
    assert_string_equal(err, "");
    check_azure(t);
    assert_true(trace_first_ns(t) == 1700158546680590000); /* date -u -d '2023-11-16 18:15:46' +%s = 1700158546 */
    assert_true(trace_write(t, bin_path, err, sizeof err));
    trace_close(t);
    t = trace_open(bin_path, err, sizeof err);
    assert_string_equal(err, "");
    check_azure(t);
    trace_close(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_clock_csv, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_seconds_csv, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_csv_errors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_binary, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_binary_calendar, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_binary_times, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_binary_options, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_write_errors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_replaces_only_traces, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_endless, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_published, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

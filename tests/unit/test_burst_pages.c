/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_burst_pages.c - the page of each burst: which there are, how they hang together with report.html, what decisions
 * stand on them and in decisions.csv, the numbers behind the picture, names full of markup.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "sim/report/report.h"
#include "tests/support/fake_run.h"
#include "tests/support/folder.h"

static void write_reports(const fake_run *f, const char *dir)
{
    report_options options;
    char err[256] = "";
    report_options_default(&options);
    options.plots = false;
    options.log = NULL;
    if (report_write_dir(&f->scenario, f->runs, f->count, dir, &options, err, sizeof err) != 0) {
        fail_msg("%s", err);
    }
}

static bool exists(const char *dir, const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    return access(path, F_OK) == 0;
}

static int count_of(const char *text, const char *what)
{
    int count = 0;
    for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what)) {
        count++;
    }
    return count;
}

static void begin_tick(FILE *out, int tick, long long at_s)
{
    (void)fprintf(out,
                  "{\"tick\":%d,\"now_ns\":%lld000000000,\"snapshot_sha\":\"66e033754e5c59fc\",\"state_sha\":"
                  "\"3e5aa7dd2eb47ab9\",\"plan\":[",
                  tick, at_s);
}

/** Two ticks in the first burst, at its onset and 15 s later, and two outside; a damaged line between them. */
static void write_log(const fake_run *f, const char *dir)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    const long long onset = (long long)f->runs[0]->bursts[0].onset_s;
    const long long at[] = {0, onset, onset + 15, (long long)(f->scenario.duration_ns / 1000000000) - 1};
    for (int tick = 0; tick < 4; tick++) {
        begin_tick(out, tick, at[tick]);
        if (tick == 1) {
            (void)fputs("{\"verb\":\"scale\",\"workload\":\"prod/chat\",\"before\":4,\"amount\":9,\"reason\":"
                        "\"metric-above\"},{\"verb\":\"place\",\"workload\":\"prod/chat\",\"cluster\":\"a\",\"before\":"
                        "4,\"amount\":6,\"reason\":\"fill-idle\"},{\"verb\":\"place\",\"workload\":\"prod/chat\","
                        "\"cluster\":\"b\",\"before\":0,\"amount\":3,\"reason\":\"fill-idle\"},{\"verb\":\"scale\","
                        "\"workload\":\"prod/chatter\",\"before\":1,\"amount\":2,\"reason\":\"metric-above\"},{"
                        "\"verb\":\"route\",\"workload\":\"prod/chat\",\"cluster\":\"a\",\"before\":0,\"amount\":"
                        "1000000,\"reason\":\"route-ready\"}",
                        out);
        } else {
            (void)fputs("{\"verb\":\"release\",\"cluster\":\"b\",\"pool\":\"spot\",\"before\":2,\"amount\":1,"
                        "\"reason\":\"nodes-unneeded\"}",
                        out);
        }
        (void)fputs("]}\n", out);
        if (tick == 1) {
            begin_tick(out, 9, onset + 1);
            (void)fputs("{\"verb\":\n", out);
        }
    }
    assert_int_equal(fclose(out), 0);
    folder_write(dir, "decisions.jsonl", text);
    free(text);
}

static void each_burst_has_a_page_and_the_way_back(void **state)
{
    (void)state;
    fake_run f;
    char dir[64];
    assert_int_equal(fake_run_init(&f, &(fake_options){.services = 2}, 2), 0);
    assert_int_equal(f.runs[0]->burst_count, 3);
    folder_make(dir, sizeof dir);
    folder_write(dir, "burst-4.html", "of an earlier run with more bursts");
    folder_write(dir, "burst-x.html", "not ours");
    write_log(&f, dir);
    write_reports(&f, dir);
    char *report = folder_read(dir, "report.html"), *first = folder_read(dir, "burst-1.html"),
         *last = folder_read(dir, "burst-3.html");
    assert_false(exists(dir, "burst-4.html"));
    assert_true(exists(dir, "burst-x.html"));
    page_check_well_formed(report);
    page_check_well_formed(first);
    page_check_well_formed(last);
    assert_int_equal(count_of(report, "href=\"burst-1.html\""), 2); /* the band and the row */
    assert_int_equal(count_of(report, "href=\"burst-3.html\""), 2);
    assert_non_null(strstr(first, "href=\"report.html#bursts\""));
    assert_non_null(strstr(report, "<section id=\"bursts\">"));
    assert_non_null(strstr(first, "<a rel=\"next\" href=\"burst-2.html\">"));
    assert_null(strstr(first, "rel=\"prev\""));
    assert_non_null(strstr(last, "<a rel=\"prev\" href=\"burst-2.html\">"));
    assert_null(strstr(last, "rel=\"next\""));
    assert_null(strstr(first, "href=\"http"));
    assert_null(strstr(first, "src="));
    free(report);
    free(first);
    free(last);
    folder_remove(dir);
    fake_run_fini(&f);
}

/** Traffic shares, other workloads, damaged lines and other times are left out; one tick and reason is one mark. */
static void decisions_of_the_burst_and_no_others(void **state)
{
    (void)state;
    fake_run f;
    char dir[64], expected[600];
    assert_int_equal(fake_run_init(&f, &(fake_options){.services = 1}, 1), 0);
    folder_make(dir, sizeof dir);
    write_log(&f, dir);
    write_reports(&f, dir);
    char *csv = folder_read(dir, "decisions.csv"), *page = folder_read(dir, "burst-1.html");
    const char *rows = strchr(csv, '\n') + 1;
    const int onset = (int)f.runs[0]->bursts[0].onset_s;
    char *times[2] = {NULL, NULL};
    for (int i = 0, shift = 0; i < 2; i++, shift = 15) { /* local time: as the bins of timeline.csv have it */
        const int64_t local = f.scenario.start_unix_ns / 1000000000 + f.scenario.utc_offset_s + onset + shift;
        times[i] = malloc(32);
        assert_non_null(times[i]);
        (void)snprintf(times[i], 32, "%02d:%02d:%02d+08:00", (int)(local / 3600 % 24), (int)(local / 60 % 60),
                       (int)(local % 60));
    }
    (void)snprintf(expected, sizeof expected,
                   "burst,service,time_s,local_time,verb,target,before,amount,reason\n"
                   "1,prod/chat,%d,2026-03-02T%s,scale,prod/chat,4,9,metric-above\n"
                   "1,prod/chat,%d,2026-03-02T%s,place,prod/chat a,4,6,fill-idle\n"
                   "1,prod/chat,%d,2026-03-02T%s,place,prod/chat b,0,3,fill-idle\n"
                   "1,prod/chat,%d,2026-03-02T%s,release,b spot,2,1,nodes-unneeded\n",
                   onset, times[0], onset, times[0], onset, times[0], onset + 15, times[1]);
    assert_string_equal(rows, expected);
    assert_int_equal(count_of(page, "<tr id=\"act-"), 4);
    assert_int_equal(count_of(page, "class=\"act act-up\" d="), 2 * (count_of(page, "<figure") > 1 ? 2 : 1));
    assert_int_equal(count_of(page, "class=\"act act-down\" d="), count_of(page, "<figure"));
    assert_non_null(strstr(page, "|place prod/chat a: 4 to 6|place prod/chat b: 0 to 3|fill-idle: "));
    assert_non_null(strstr(page, "<td class=\"text\">release</td><td class=\"text\">b spot</td><td>2</td><td>1</td>"));
    free(times[0]);
    free(times[1]);
    free(csv);
    free(page);
    folder_remove(dir);
    fake_run_fini(&f);
}

/** What the pointer is told is what happened in the bins of the window. */
static void numbers_behind_the_picture(void **state)
{
    (void)state;
    fake_run f;
    char dir[64];
    assert_int_equal(fake_run_init(&f, &(fake_options){.services = 2}, 1), 0);
    folder_make(dir, sizeof dir);
    write_reports(&f, dir);
    char *page = folder_read(dir, "burst-2.html");
    const char *begin = strstr(page, "id=\"series\">") + strlen("id=\"series\">");
    const char *end = strstr(begin, "</script>");
    json_t *block = json_loadb(begin, (size_t)(end - begin), 0, NULL);
    assert_non_null(block);
    const res_timeline *t = &f.runs[0]->timeline;
    const res_burst *b = &f.runs[0]->bursts[1];
    const int first = (int)json_integer_value(json_object_get(block, "first")),
              bins = (int)json_integer_value(json_object_get(block, "bins"));
    assert_true(first * 60 <= b->onset_s - 300 && bins * 60 >= b->overflow_released_s + 300);
    const json_t *demand = json_array_get(json_object_get(block, "series"), 0);
    assert_string_equal(json_string_value(json_object_get(demand, "n")), "demand");
    const json_t *values = json_object_get(demand, "v");
    assert_int_equal(json_array_size(values), bins - first);
    for (int bin = first; bin < bins; bin++) {
        const double rps = t->arrivals[(size_t)bin * (size_t)f.runs[0]->service_count] / 60.0;
        const double said = json_number_value(json_array_get(values, (size_t)(bin - first)));
        assert_true(fabs(said - rps) <= 1e-3 * rps); /* four digits */
    }
    assert_non_null(strstr(page, "decisions.jsonl is not beside this page"));
    json_decref(block);
    free(page);
    folder_remove(dir);
    fake_run_fini(&f);
}

static void names_are_no_markup(void **state)
{
    (void)state;
    fake_run f;
    char dir[64];
    assert_int_equal(fake_run_init(&f, &(fake_options){.services = 1, .hostile_names = true}, 1), 0);
    folder_make(dir, sizeof dir);
    write_reports(&f, dir);
    char *page = folder_read(dir, "burst-1.html");
    page_check_well_formed(page);
    const char *name = f.scenario.services[0].name;
    assert_true(strpbrk(name, "<&\"") != NULL);
    assert_null(strstr(page, name));
    free(page);
    folder_remove(dir);
    fake_run_fini(&f);
}

static void without_bursts_there_is_no_page(void **state)
{
    (void)state;
    fake_run f;
    char dir[64];
    assert_int_equal(fake_run_init(&f, &(fake_options){.services = 1, .minutes = 60, .demand = 0.1}, 1), 0);
    assert_int_equal(f.runs[0]->burst_count, 0);
    folder_make(dir, sizeof dir);
    write_reports(&f, dir);
    assert_false(exists(dir, "burst-1.html"));
    char *csv = folder_read(dir, "decisions.csv"), *report = folder_read(dir, "report.html");
    assert_string_equal(strchr(csv, '\n') + 1, "burst,service,time_s,local_time,verb,target,before,amount,reason\n");
    assert_null(strstr(report, "href=\"#bursts\""));
    free(csv);
    free(report);
    folder_remove(dir);
    fake_run_fini(&f);
}

/** Nothing counts as hurt in the warm-up: the page must not say that nobody was. */
static void a_burst_in_the_warm_up_says_so(void **state)
{
    (void)state;
    fake_run f;
    char dir[64];
    assert_int_equal(fake_run_init(&f, &(fake_options){.services = 1}, 1), 0);
    f.runs[0]->bursts[0].onset_s = 60.0;
    f.runs[0]->bursts[0].requests_hurt = 0;
    f.runs[0]->bursts[1].onset_s = (double)f.scenario.warmup_ns / 1e9;
    f.runs[0]->bursts[1].requests_hurt = 0;
    folder_make(dir, sizeof dir);
    write_reports(&f, dir);
    char *first = folder_read(dir, "burst-1.html"), *second = folder_read(dir, "burst-2.html");
    assert_non_null(strstr(first, "It began in the warm-up, in which nothing counts as hurt; "));
    assert_null(strstr(first, "No request was hurt"));
    assert_non_null(strstr(second, "No request was hurt; "));
    assert_null(strstr(second, "in the warm-up, in"));
    free(first);
    free(second);
    folder_remove(dir);
    fake_run_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_burst_has_a_page_and_the_way_back),
        cmocka_unit_test(decisions_of_the_burst_and_no_others),
        cmocka_unit_test(numbers_behind_the_picture),
        cmocka_unit_test(names_are_no_markup),
        cmocka_unit_test(without_bursts_there_is_no_page),
        cmocka_unit_test(a_burst_in_the_warm_up_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_report.c - what is written about runs, checked against the made-up day of fake_run: sums, keys, shapes,
 * escaping, a page that is well-formed and needs nothing from outside, and the same bytes twice.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "sim/report/json.h"
#include "sim/report/report.h"
#include "tests/support/fake_run.h"
#include "tests/support/folder.h"

#define GNUPLOT_ABSENT "/nonexistent/gnuplot"

typedef int (*writer)(const fake_run *f, FILE *out);

/** Whatever a writer writes, as a string to be freed. */
static char *text_of(const fake_run *f, writer write)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_int_equal(write(f, out), 0);
    assert_int_equal(fclose(out), 0);
    return text;
}

static int json_of(const fake_run *f, FILE *out)
{
    return report_json(&f->scenario, f->runs, f->count, 0, out);
}

static int markdown_of(const fake_run *f, FILE *out)
{
    return report_markdown(&f->scenario, f->runs, f->count, out);
}

static int terminal_of(const fake_run *f, FILE *out)
{
    return report_text(&f->scenario, f->runs, f->count, out);
}

static void fake(fake_run *f, fake_options options, int32_t replications)
{
    assert_int_equal(fake_run_init(f, &options, replications), 0);
}

/** What stands at "a.b[2].c" below a JSON object; keys may hold dots, so every key that fits is tried. */
static const json_t *json_at(const json_t *node, const char *path)
{
    if (*path == '\0' || node == NULL) {
        return node;
    }
    if (*path == '[') {
        char *end = NULL;
        const size_t index = strtoul(path + 1, &end, 10);
        return json_at(json_array_get(node, index), end[1] == '.' ? end + 2 : end + 1);
    }
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)node, key, value)
    {
        const size_t n = strlen(key);
        if (strncmp(path, key, n) == 0 && strchr(".[", path[n]) != NULL) {
            const json_t *found = json_at(value, path[n] == '.' ? path + n + 1 : path + n);
            if (found != NULL) {
                return found;
            }
        }
    }
    return NULL;
}

static void figures_have_the_names_of_the_summary(void **state)
{
    (void)state;
    fake_run f;
    fake(&f, (fake_options){0}, 1);
    char *text = text_of(&f, json_of);
    json_t *root = json_loads(text, 0, NULL);
    const json_t *run = json_array_get(json_object_get(root, "replications"), 0);
    report_values *values = report_values_of(&f.scenario, f.runs[0]);
    assert_non_null(run);
    assert_true(report_values_count(values) > 100);
    for (size_t i = 0; i < report_values_count(values); i++) {
        const char *name = report_values_name(values, i);
        const json_t *same = json_at(run, name);
        double value = 0;
        assert_int_equal(report_value(values, name, &value), 0);
        if (same == NULL) {
            fail_msg("%s is not in the summary", name);
        } else if (json_is_null(same)) {
            assert_true(!isfinite(value));
        } else if (json_is_boolean(same)) {
            assert_true((int)value == (json_is_true(same) ? 1 : 0));
        } else {
            assert_true(fabs(value - json_number_value(same)) <= 1e-9 * (1 + fabs(value)));
        }
    }
    double value = 7;
    assert_int_equal(report_value(values, "cost.total", &value), -1);
    assert_int_equal((int)value, 7);
    report_values_free(values);
    json_decref(root);
    free(text);
    fake_run_fini(&f);
}

/* --- a folder and its page --- */

/** Writes a folder without pictures; gnuplot is named but not there. @return what was said */
static char *write_dir(const fake_run *f, const char *dir)
{
    char *said = NULL;
    size_t size = 0;
    FILE *log = open_memstream(&said, &size);
    assert_non_null(log);
    report_options options;
    report_options_default(&options);
    options.gnuplot = GNUPLOT_ABSENT;
    options.log = log;
    char err[256] = "";
    if (report_write_dir(&f->scenario, f->runs, f->count, dir, &options, err, sizeof err) != 0) {
        fail_msg("%s", err);
    }
    (void)fclose(log);
    return said;
}

/* --- summary.json --- */

static json_t *at(json_t *node, const char *key)
{
    json_t *child = json_object_get(node, key);
    if (child == NULL) {
        fail_msg("key '%s' is missing", key);
    }
    return child;
}

static json_int_t whole(json_t *node, const char *key)
{
    assert_true(json_is_integer(at(node, key)));
    return json_integer_value(at(node, key));
}

static void check_requests(json_t *requests)
{
    assert_int_equal(whole(requests, "offered"), whole(requests, "completed") + whole(requests, "rejected") +
                                                     whole(requests, "timed_out") + whole(requests, "in_flight"));
}

static void check_latency(json_t *latency)
{
    static const char *const metrics[] = {"ttft_s", "tpot_s", "e2e_s", "queue_s", "network_s"};
    static const char *const rising[] = {"p50", "p90", "p95", "p99", "max"};
    for (size_t m = 0; m < 5; m++) {
        json_t *metric = at(latency, metrics[m]);
        double before = 0;
        (void)at(metric, "mean");
        for (size_t q = 0; q < 5; q++) {
            json_t *value = at(metric, rising[q]);
            if (!json_is_null(value)) {
                assert_true(json_number_value(value) >= before);
                before = json_number_value(value);
            }
        }
    }
}

static void check_cost(const fake_run *f, int32_t replication, json_t *cost)
{
    const res_run *run = f->runs[replication];
    static const char *const names[] = {"owned", "on_demand", "reserved", "spot", "egress"};
    const char *key;
    json_t *value;
    json_int_t pools = 0;
    json_int_t kinds = 0;
    json_object_foreach(at(cost, "by_pool_uusd"), key, value)
    {
        (void)at(at(cost, "by_pool"), key);
        pools += json_integer_value(value);
    }
    for (size_t k = 0; k < 5; k++) {
        (void)at(at(cost, "by_kind"), names[k]);
        kinds += whole(at(cost, "by_kind_uusd"), names[k]);
    }
    assert_int_equal(whole(cost, "total_uusd"), run->cost.total_uusd);
    assert_int_equal(kinds, run->cost.total_uusd);
    assert_int_equal(pools + run->cost.egress_uusd, run->cost.total_uusd);
    (void)at(cost, "total_usd");
    (void)at(cost, "usd_per_1k_requests");
    (void)at(cost, "usd_per_1m_tokens");
}

static void check_capacity(const fake_run *f, json_t *capacity)
{
    static const char *const keys[] = {"gpu_hours",   "busy_gpu_hours",      "utilisation",        "peak_nodes",
                                       "provisioned", "preempted_by_market", "failed_to_provision"};
    assert_int_equal(json_object_size(capacity), f->scenario.pool_count);
    const char *name;
    json_t *pool;
    json_object_foreach(capacity, name, pool)
    {
        for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
            (void)at(pool, keys[k]);
        }
    }
}

static void check_burst(const res_run *run, json_t *burst)
{
    static const char *const keys[] = {"onset_s",       "primary_saturated_s", "overflow_started_s", "absorbed_s",
                                       "requests_hurt", "overflow_released_s", "extra_usd",          "release_order"};
    assert_int_equal(whole(burst, "count"), run->burst_count);
    size_t i;
    json_t *one;
    json_t *list = at(burst, "bursts");
    assert_int_equal(json_array_size(list), run->burst_count);
    json_array_foreach(list, i, one)
    {
        for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
            (void)at(one, keys[k]);
        }
    }
}

static void summary_has_every_key_and_its_sums(void **state)
{
    (void)state;
    fake_run f;
    fake(&f, (fake_options){.services = 2}, 3);
    char *text = text_of(&f, json_of);
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "inf"));
    assert_null(strstr(text, "\"host\""));
    json_error_t error;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        fail_msg("line %d: %s", error.line, error.text);
    }
    json_t *replications = at(root, "replications");
    assert_int_equal(json_array_size(replications), 3);
    size_t i;
    json_t *r;
    json_array_foreach(replications, i, r)
    {
        check_requests(at(r, "requests"));
        check_latency(at(r, "latency"));
        check_cost(&f, (int32_t)i, at(r, "cost"));
        check_capacity(&f, at(r, "capacity"));
        check_burst(f.runs[i], at(r, "burst"));
        static const char *const control[] = {"ticks",
                                              "actions",
                                              "flaps",
                                              "stale_decisions",
                                              "moved_replicas",
                                              "workload_preemptions",
                                              "unplaced_replica_seconds"};
        for (size_t k = 0; k < sizeof control / sizeof control[0]; k++) {
            (void)at(at(r, "control"), control[k]);
        }
        static const char *const slo[] = {"attainment", "goodput_rps", "minutes_violated"};
        for (size_t k = 0; k < 3; k++) {
            (void)at(at(r, "slo"), slo[k]);
        }
    }
    json_t *offered = at(at(at(root, "pooled"), "requests"), "offered");
    double sum = 0;
    for (int32_t k = 0; k < 3; k++) {
        sum += (double)f.runs[k]->requests.offered;
    }
    assert_true(fabs(json_number_value(at(offered, "mean")) - sum / 3) < 1e-6);
    assert_true(json_number_value(at(offered, "ci95_half_width")) > 0);
    json_decref(root);
    free(text);
    fake_run_fini(&f);
}

static void one_replication_has_no_interval(void **state)
{
    (void)state;
    fake_run f;
    fake(&f, (fake_options){.services = 1, .minutes = 120}, 1);
    char *text = text_of(&f, json_of);
    json_t *root = json_loads(text, 0, NULL);
    assert_non_null(root);
    json_t *offered = at(at(at(root, "pooled"), "requests"), "offered");
    assert_true(json_is_null(at(offered, "ci95_half_width")));
    json_decref(root);
    free(text);
    fake_run_fini(&f);
}

static void nobody_came(void **state)
{
    (void)state;
    fake_run f;
    fake(&f, (fake_options){.services = 1, .minutes = 120, .idle = true}, 2);
    char *text = text_of(&f, json_of);
    json_t *root = json_loads(text, 0, NULL);
    assert_non_null(root); /* every ratio is undefined and has to be null, not NaN */
    json_t *first = json_array_get(at(root, "replications"), 0);
    assert_true(json_is_null(at(at(at(first, "latency"), "ttft_s"), "p95")));
    assert_true(json_is_null(at(at(first, "cost"), "usd_per_1k_requests")));
    json_t *target = json_array_get(at(at(first, "slo"), "targets"), 0);
    assert_true(json_is_null(at(target, "holds")));
    json_decref(root);
    free(text);
    fake_run_fini(&f);
}

/** Of every list of targets of replication 0, how many hold; fails where "holds" is not what the counts say. */
static int holding(const fake_run *f, json_t *root)
{
    size_t i;
    json_t *target;
    int n = 0;
    json_array_foreach(at(at(json_array_get(at(root, "replications"), 0), "slo"), "targets"), i, target)
    {
        double met = (double)whole(target, "met");
        double all = met + (double)whole(target, "missed");
        bool holds = met >= 0.95 * all; /* both targets of the day ask for 95 % */
        assert_true(all > 0 && f->scenario.services[0].targets[i].percentile == 0.95);
        assert_int_equal(json_is_true(at(target, "holds")), holds);
        n += holds ? 1 : 0;
    }
    return n;
}

/** What is answered is fast, but 60 % are turned away: no target holds, whatever the histogram of the others says. */
static void who_turns_users_away_misses_his_targets(void **state)
{
    (void)state;
    fake_run f;
    fake(&f, (fake_options){.services = 1, .minutes = 300, .demand = 0.5, .turned_away = 60}, 1);
    assert_true(stat_hist_quantile(f.runs[0]->latency.ttft, 0.95) < INT64_C(2000000000));
    char *text = text_of(&f, json_of);
    json_t *root = json_loads(text, 0, NULL);
    assert_non_null(root);
    assert_int_equal(holding(&f, root), 0);
    json_t *first = json_array_get(at(at(json_array_get(at(root, "replications"), 0), "slo"), "targets"), 0);
    assert_true(json_is_null(at(first, "achieved_s"))); /* the 95th of 100 requests never gets an answer */
    json_decref(root);
    free(text);
    text = text_of(&f, terminal_of);
    assert_non_null(strstr(text, "never"));
    assert_non_null(strstr(text, " missed\n"));
    assert_null(strstr(text, " met\n"));
    assert_null(strstr(text, "NOBODY WAS SERVED"));
    free(text);
    char dir[64];
    folder_make(dir, sizeof dir);
    free(write_dir(&f, dir));
    text = folder_read(dir, "report.html");
    assert_non_null(strstr(text, "2 of 2 targets missed"));
    assert_non_null(strstr(text, " were rejected or timed out"));
    assert_non_null(strstr(text, "had their TTFT within 2 s; the target is 95 %"));
    assert_null(strstr(text, ">met<"));
    free(text);
    folder_remove(dir);
    fake_run_fini(&f);
}

/** 3 % turned away: the 95th of 100 requests is the 95th of 97 answers, i.e. their 0.979 quantile. */
static void few_lost_requests_shift_the_percentile(void **state)
{
    (void)state;
    fake_run f;
    fake(&f, (fake_options){.services = 1, .minutes = 300, .demand = 0.5, .turned_away = 3}, 1);
    const res_service *s = &f.runs[0]->services[0];
    double total = (double)(s->requests.completed + s->requests.rejected);
    double quantile = ceil(0.95 * total) / (double)s->requests.completed;
    double edge_s = (double)stat_hist_quantile(s->latency.ttft, quantile) / 1e9;
    assert_true(quantile > 0.96 && quantile < 0.99);
    char *text = text_of(&f, json_of);
    json_t *root = json_loads(text, 0, NULL);
    assert_non_null(root);
    assert_int_equal(holding(&f, root), 2);
    json_t *first = json_array_get(at(at(json_array_get(at(root, "replications"), 0), "slo"), "targets"), 0);
    double got = json_number_value(at(first, "achieved_s"));
    assert_true(got <= edge_s && got >= edge_s * (1 - 1.0 / 128)); /* inside the bucket that ends there */
    json_decref(root);
    free(text);
    fake_run_fini(&f);
}

/* 12 requests on 2 replicas when the notice came: 2 rerouted, 3 recomputed, 1 lost, so 6 were worked off. */
static void what_the_notice_saved_is_said(void **state)
{
    (void)state;
    fake_run f;
    fake(&f, (fake_options){.services = 1, .minutes = 120, .demand = 0.5}, 1);
    char *text = text_of(&f, terminal_of);
    assert_null(strstr(text, "Reclaimed"));
    free(text);
    f.runs[0]->services[0].reclaim =
        (res_reclaim){.notices = 2, .inside = 12, .rerouted = 2, .recomputed = 3, .lost = 1};
    text = text_of(&f, terminal_of);
    assert_non_null(strstr(text, "\nReclaimed by the market\n"));
    assert_non_null(strstr(text, "        2        12           6         2           3       1\n"));
    free(text);
    /* under serve others join those who were there: what was worked off cannot be told */
    const sc_service *services = f.scenario.services;
    sc_service other = services[0];
    other.on_notice = SC_NOTICE_SERVE;
    f.scenario.services = &other;
    text = text_of(&f, terminal_of);
    assert_non_null(strstr(text, "        2        12           -         2           3       1\n"));
    free(text);
    f.scenario.services = services;
    fake_run_fini(&f);
}

/* The same figures on the page; replications are averaged, a service without a notice has no row. */
static void the_page_says_what_the_notice_saved(void **state)
{
    static const char row[] = "<td>3.0</td><td>18.0</td><td>9.0</td><td>3.0</td><td>4.5</td><td>1.5</td></tr>\n";
    static const char serve[] = "<td>3.0</td><td>18.0</td><td>-</td><td>3.0</td><td>4.5</td><td>1.5</td></tr>\n";
    (void)state;
    fake_run f;
    char dir[64];
    fake(&f, (fake_options){.services = 2, .minutes = 120, .demand = 0.5}, 2);
    for (int i = 0; i < 3; i++) { /* none reclaimed; reclaimed; reclaimed from a service that goes on serving */
        sc_service services[2] = {f.scenario.services[0], f.scenario.services[1]};
        const sc_service *before = f.scenario.services;
        f.runs[0]->services[1].reclaim =
            i == 0 ? (res_reclaim){.notices = 0}
                   : (res_reclaim){.notices = 2, .inside = 12, .rerouted = 2, .recomputed = 3, .lost = 1};
        f.runs[1]->services[1].reclaim =
            i == 0 ? (res_reclaim){.notices = 0}
                   : (res_reclaim){.notices = 4, .inside = 24, .rerouted = 4, .recomputed = 6, .lost = 2};
        services[1].on_notice = i == 2 ? SC_NOTICE_SERVE : services[1].on_notice;
        f.scenario.services = services;
        folder_make(dir, sizeof dir);
        free(write_dir(&f, dir));
        char *html = folder_read(dir, "report.html");
        page_check_well_formed(html);
        const char *table = strstr(html, "<section id=\"reclaimed\"");
        assert_int_equal(table != NULL, i > 0);
        if (table != NULL) {
            const char *at = strstr(table, i == 1 ? row : serve);
            const char *first = strstr(table, "<tbody>");
            assert_non_null(at);
            assert_true(first != NULL && first < at && at < strstr(table, "</section>"));
            int rows = 0;
            for (const char *tr = first; (tr = strstr(tr, "<tr")) != NULL && tr < strstr(table, "</section>"); tr++) {
                rows++;
            }
            assert_int_equal(rows, 1);
        }
        free(html);
        folder_remove(dir);
        f.scenario.services = before;
    }
    fake_run_fini(&f);
}

static void a_run_in_which_nobody_was_served_says_so(void **state)
{
    (void)state;
    fake_run f;
    fake(&f, (fake_options){.services = 1, .minutes = 120, .turned_away = 100}, 1);
    assert_int_equal(f.runs[0]->requests.completed, 0);
    assert_true(f.runs[0]->requests.rejected > 0);
    char *text = text_of(&f, terminal_of);
    assert_non_null(strstr(text, "NOBODY WAS SERVED"));
    assert_non_null(strstr(text, " missed\n"));
    free(text);
    text = text_of(&f, json_of);
    json_t *root = json_loads(text, 0, NULL);
    assert_non_null(root);
    assert_int_equal(holding(&f, root), 0);
    json_decref(root);
    free(text);
    char dir[64];
    folder_make(dir, sizeof dir);
    free(write_dir(&f, dir));
    text = folder_read(dir, "report.html");
    page_check_well_formed(text);
    assert_non_null(strstr(text, "Not one of "));
    assert_non_null(strstr(text, "2 of 2 targets missed"));
    assert_null(strstr(text, "no traffic"));
    free(text);
    folder_remove(dir);
    fake_run_fini(&f);
}

/* 100 offered after the warm-up, none or ten of them served; 40 served who came before it, with 1,000 tokens in and 180
 * out each: tokens/s over the time that is measured, and all the money over all of their tokens. Nothing of it is said
 * where most of those who were served count. */
static void what_the_warm_up_left_behind_is_told(void **state)
{
    (void)state;
    for (uint64_t counted = 0; counted <= 60; counted += counted == 0 ? 10 : 50) {
        fake_run f;
        fake(&f, (fake_options){.services = 1, .minutes = 120, .turned_away = 100}, 1);
        res_run *run = f.runs[0];
        run->requests.completed = run->services[0].requests.completed = counted;
        run->requests.rejected -= counted;
        run->services[0].requests.rejected -= counted;
        run->services[0].ended = (res_ended){40 + counted, 1000 * (40 + counted), 180 * (40 + counted)};
        const double measured_s = (double)(f.scenario.duration_ns - f.scenario.warmup_ns) / 1e9;
        const double rate = 180.0 * (double)(40 + counted) / measured_s;
        const double usd = (double)run->cost.total_uusd / (1180.0 * (double)(40 + counted));
        char line[120];
        snprintf(line, sizeof line, "\n  served in all       %14.0f requests, %.1f tokens/s out, %.4f USD per 1M\n",
                 (double)(40 + counted), rate, usd);
        char *text = text_of(&f, terminal_of);
        assert_int_equal(strstr(text, line) != NULL, counted < 60);
        assert_int_equal(strstr(text, "NOBODY WAS SERVED of those") != NULL, counted == 0);
        assert_int_equal(strstr(text, "MOST WHO WERE SERVED CAME IN THE WARM-UP") != NULL, counted == 10);
        assert_null(strstr(text, "not one request was completed"));
        free(text);
        text = text_of(&f, markdown_of);
        assert_int_equal(strstr(text, "| completed, with those sent in the warm-up |") != NULL, counted < 60);
        free(text);
        char dir[64];
        folder_make(dir, sizeof dir);
        free(write_dir(&f, dir));
        text = folder_read(dir, "report.html");
        page_check_well_formed(text);
        assert_int_equal(strstr(text, "With those sent in the warm-up") != NULL, counted < 60);
        free(text);
        folder_remove(dir);
        fake_run_fini(&f);
    }
}

/** Replications differ by less than a bucket: their percentiles still have an interval. */
static void percentiles_have_an_interval(void **state)
{
    (void)state;
    fake_run f;
    fake(&f, (fake_options){.services = 1, .minutes = 300, .demand = 0.5}, 3);
    char *text = text_of(&f, json_of);
    json_t *root = json_loads(text, 0, NULL);
    assert_non_null(root);
    static const char *const levels[] = {"p50", "p90", "p95", "p99"};
    for (size_t k = 0; k < 4; k++) {
        json_t *pooled = at(at(at(at(root, "pooled"), "latency"), "ttft_s"), levels[k]);
        assert_true(json_number_value(at(pooled, "ci95_half_width")) > 0);
    }
    json_t *network = at(at(at(at(root, "pooled"), "latency"), "network_s"), "p95"); /* a constant stays exact */
    assert_true(fabs(json_number_value(at(network, "mean")) - 0.028) < 1e-12);
    json_decref(root);
    free(text);
    fake_run_fini(&f);
}

/* --- text --- */

static void terminal_summary_fits_80_columns(void **state)
{
    (void)state;
    for (int32_t hostile = 0; hostile < 2; hostile++) {
        fake_run f;
        fake(&f, (fake_options){.services = 2, .hostile_names = hostile != 0}, hostile == 0 ? 4 : 1);
        char *text = text_of(&f, terminal_of);
        for (char *line = text; *line != '\0';) {
            size_t length = strcspn(line, "\n");
            if (length > 80 || (length > 0 && line[length - 1] == ' ')) {
                fail_msg("'%.*s'", (int)length, line);
            }
            for (size_t i = 0; i < length; i++) {
                assert_true(line[i] >= ' ' && line[i] <= '~');
            }
            line += length + (line[length] == '\n' ? 1 : 0);
        }
        free(text);
        fake_run_fini(&f);
    }
}

/* --- the folder --- */

/* What images cost has a row of its own, beside what answers to users cost; egress is both. In micro-USD: 7.25 USD of
 * images, moved in the last minute. */
static void images_are_no_data_to_users(void **state)
{
    (void)state;
    static const sc_delivery delivery = {.regional = true};
    static const int64_t moved = 7250000;
    fake_run f;
    fake(&f, (fake_options){.services = 1}, 1);
    const int64_t to_users = f.runs[0]->cost.egress_uusd;
    char row[96];
    char *text = text_of(&f, terminal_of);
    assert_null(strstr(text, "images moved"));
    free(text);

    f.scenario.delivery = &delivery;
    f.runs[0]->cost.images_uusd = moved;
    f.runs[0]->cost.egress_uusd += moved;
    f.runs[0]->cost.total_uusd += moved;
    f.runs[0]->timeline.images_uusd[f.runs[0]->timeline.bins - 1] += moved;
    f.runs[0]->timeline.egress_uusd[f.runs[0]->timeline.bins - 1] += moved;
    text = text_of(&f, terminal_of);
    snprintf(row, sizeof row, "\n  data to users            egress    %41.2f\n", (double)to_users / 1e6);
    assert_non_null(strstr(text, row));
    snprintf(row, sizeof row, "\n  images moved and stored  egress    %41.2f\n", 7.25);
    assert_non_null(strstr(text, row));
    free(text);
    text = text_of(&f, markdown_of);
    snprintf(row, sizeof row,
             "\n| data to users | egress | | | %.2f |\n| images moved and stored | egress | | | 7.25 |\n",
             (double)to_users / 1e6);
    assert_non_null(strstr(text, row));
    free(text);

    char dir[64];
    folder_make(dir, sizeof dir);
    free(write_dir(&f, dir));
    text = folder_read(dir, "report.html");
    const char *cell = strstr(text, "Images moved and stored");
    assert_non_null(cell);
    assert_true(strstr(cell, ">7.25<") != NULL && strstr(cell, ">7.25<") < strstr(cell, "</tr>"));
    free(text);
    text = folder_read(dir, "cost.csv"); /* the last row ends in egress, images and all */
    double part[3];
    assert_non_null(strstr(text, ",egress_usd_per_h,images_usd_per_h,total_usd_per_h,"));
    char *at = strrchr(text, ',');
    for (int k = 2; k >= 0; k--) {
        part[k] = strtod(at + 1, NULL);
        *at = '\0';
        at = strrchr(text, ',');
    }
    assert_true(fabs(part[0] - (double)to_users / 1e6) < 1e-6);
    assert_true(fabs(part[1] - 7.25) < 1e-6);
    assert_true(fabs(part[2] - (double)f.runs[0]->cost.total_uusd / 1e6) < 1e-6);
    free(text);
    folder_remove(dir);
    fake_run_fini(&f);
}

/* --- report.html --- */

static void page_is_whole_without_pictures(void **state)
{
    (void)state;
    fake_run f;
    fake(&f, (fake_options){.services = 2, .hostile_names = true}, 2);
    char dir[64];
    folder_make(dir, sizeof dir);
    char *said = write_dir(&f, dir);
    assert_non_null(strstr(said, "gnuplot"));
    char *html = folder_read(dir, "report.html");
    page_check_well_formed(html);
    assert_null(strstr(html, "<script src"));
    assert_null(strstr(html, "src=\"http"));
    assert_null(strstr(html, "href=\"http"));
    assert_null(strstr(html, "url("));
    assert_non_null(strstr(html, "<html lang=\"en\""));
    assert_non_null(strstr(html, "name=\"viewport\""));
    assert_non_null(strstr(html, "gnuplot")); /* says how to get the pictures */
    const char *name = f.scenario.services[0].name;
    assert_true(strpbrk(name, "<&\"") != NULL);
    assert_null(strstr(html, name)); /* no name goes in as it is */
    free(html);
    free(said);
    folder_remove(dir);
    fake_run_fini(&f);
}

static void the_same_bytes_twice(void **state)
{
    (void)state;
    static const char *const names[] = {"summary.json", "timeline.csv", "pools.csv",   "cost.csv",
                                        "bursts.csv",   "lag.csv",      "report.html", "stages.csv"};
    fake_run f;
    fake(&f, (fake_options){.services = 1}, 2);
    char a[64];
    char b[64];
    folder_make(a, sizeof a);
    folder_make(b, sizeof b);
    free(write_dir(&f, a));
    free(write_dir(&f, b));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *one = folder_read(a, names[i]);
        char *two = folder_read(b, names[i]);
        assert_string_equal(one, two);
        free(one);
        free(two);
    }
    folder_remove(a);
    folder_remove(b);
    fake_run_fini(&f);
}

static void a_folder_that_cannot_be_made_is_said(void **state)
{
    (void)state;
    fake_run f;
    fake(&f, (fake_options){.services = 1, .minutes = 60}, 1);
    char err[256] = "";
    report_options options;
    report_options_default(&options);
    options.plots = false;
    options.log = NULL;
    assert_int_equal(report_write_dir(&f.scenario, f.runs, 1, "/dev/null/a/b", &options, err, sizeof err), -1);
    assert_string_equal(err, "cannot make folder /dev/null: Not a directory");
    fake_run_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(summary_has_every_key_and_its_sums),
        cmocka_unit_test(figures_have_the_names_of_the_summary),
        cmocka_unit_test(one_replication_has_no_interval),
        cmocka_unit_test(nobody_came),
        cmocka_unit_test(who_turns_users_away_misses_his_targets),
        cmocka_unit_test(few_lost_requests_shift_the_percentile),
        cmocka_unit_test(what_the_notice_saved_is_said),
        cmocka_unit_test(the_page_says_what_the_notice_saved),
        cmocka_unit_test(a_run_in_which_nobody_was_served_says_so),
        cmocka_unit_test(what_the_warm_up_left_behind_is_told),
        cmocka_unit_test(percentiles_have_an_interval),
        cmocka_unit_test(terminal_summary_fits_80_columns),
        cmocka_unit_test(images_are_no_data_to_users),
        cmocka_unit_test(page_is_whole_without_pictures),
        cmocka_unit_test(the_same_bytes_twice),
        cmocka_unit_test(a_folder_that_cannot_be_made_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

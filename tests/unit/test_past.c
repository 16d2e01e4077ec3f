/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * test_past.c - what is read out of a log of decisions, against a log small enough to be worked out by hand.
 *
 * Ticks are 10 s apart, steps 40 s long. A reading at t holds for the time since the one before.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "sim/history/log.h"
#include "sim/history/past.h"
#include "tests/support/close.h"

#define S INT64_C(1000000000)

static const char head[] =
    "{\"spillway\":\"decisions/1\",\"settings\":{\"tick_ns\":10000000000,\"unix_offset_ns\":1000000000000},"
    "\"manifests\":[{\"name\":\"chat.yaml\",\"text\":\"apiVersion: apps/v1\\nkind: Deployment\\nmetadata: {name: chat, "
    "namespace: prod}\\nspec: {replicas: 2, template: {spec: {containers: [{name: a, resources: {limits: "
    "{nvidia.com/gpu: 1}}}]}}}\\n---\\napiVersion: autoscaling/v2\\nkind: HorizontalPodAutoscaler\\nmetadata: {name: "
    "chat, namespace: prod}\\nspec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: chat}, minReplicas: "
    "1, maxReplicas: 9, metrics: [{type: Pods, pods: {metric: {name: 'vllm:num_requests_running'}, target: {type: "
    "AverageValue, averageValue: 8}}}]}\\n\"}]}\n";

/* One tick. */
typedef struct tick {
    int64_t at_s;
    int near_ready; /* the cluster answers */
    int nodes;      /* of its owned pool */
    int left;       /* the far provider has; -1 = does not say */
    int rate;       /* requests/s of the workload */
    int running[2]; /* of the pods, one in each cluster; -1 = no sample */
} tick;

static void put_pod(FILE *out, const char *cluster, int64_t at_s, int running, const char *comma)
{
    fprintf(out, "%s{\"name\":\"p\",\"cluster\":\"%s\",\"started_ns\":0", comma, cluster);
    if (running >= 0) {
        fprintf(out, ",\"metrics\":{\"vllm:num_requests_running\":{\"value_milli\":%d,\"sampled_ns\":%" PRId64 "}}",
                running * 1000, at_s * S);
    }
    fputs("}", out);
}

static void put_tick(FILE *out, const tick *t, int number)
{
    fprintf(out,
            "{\"tick\":%d,\"now_ns\":%" PRId64
            ",\"snapshot_sha\":\"0000000000000000\",\"state_sha\":\"0000000000000000\","
            "\"plan\":[],\"snapshot\":{\"now_ns\":%" PRId64 ",\"clusters\":[",
            number, t->at_s * S, t->at_s * S);
    fprintf(
        out,
        "{\"name\":\"far\",\"region\":\"r2\",\"pools\":[{\"name\":\"od\",\"gpu\":\"L20\",\"capacity\":\"on-demand\","
        "\"gpus_per_node\":4,\"nodes\":1,\"nodes_target\":2,\"nodes_max\":5,\"inventory\":%d,"
        "\"price_uusd_per_gpu_h\":300000,\"labels\":{\"paidtype\":\"hour\"},\"free_nodes\":[1]}]},",
        t->left);
    fprintf(
        out,
        "{\"name\":\"near\",\"region\":\"r1\",\"ready\":%s,\"pools\":[{\"name\":\"own\",\"gpu\":\"L20\",\"capacity\":"
        "\"owned\",\"gpus_per_node\":4,\"nodes\":%d,\"price_uusd_per_gpu_h\":100000,\"free_nodes\":[%d]}]}],",
        t->near_ready ? "true" : "false", t->nodes, t->nodes);
    fprintf(
        out,
        "\"workloads\":[{\"namespace\":\"prod\",\"name\":\"chat\",\"replicas\":3,\"assigned\":{\"far\":1,\"near\":2},"
        "\"ready\":{\"far\":1,\"near\":2},\"usage\":[{\"cluster\":\"near\",\"pool\":\"own\",\"ready\":2}],"
        "\"metrics\":{\"requests_per_second\":{\"value_milli\":%d,\"observed_ns\":%" PRId64 "}},\"pods\":[",
        t->rate * 1000, t->at_s * S);
    put_pod(out, "far", t->at_s, t->running[0], "");
    put_pod(out, "near", t->at_s, t->running[1], ",");
    fputs("]}]}}\n", out);
}

static void write_log(char *path, const tick *ticks, int count)
{
    const int fd = mkstemp(path);
    FILE *out = fdopen(fd, "w");
    assert_non_null(out);
    fputs(head, out);
    for (int i = 0; i < count; i++) {
        put_tick(out, &ticks[i], i);
    }
    assert_int_equal(fclose(out), 0);
}

static past *read_log(const char *path, spw_diag *diag)
{
    const past_spec spec = {.paths = &path, .path_count = 1, .step_ns = 40 * S};
    past *p = NULL;
    const spw_rc rc = past_read(&spec, diag, &p);
    for (size_t i = 0; i < spw_diag_count(diag) && rc != SPW_OK; i++) {
        puts(spw_diag_at(diag, i));
    }
    assert_int_equal(rc, SPW_OK);
    return p;
}

static const tick story[] = {
    {100, 1, 3, -1, 99, {4, 8}},  /* nobody knows since when this reading holds: not counted */
    {110, 1, 3, 2, 10, {4, 8}},   /* 10 requests/s for 10 s */
    {120, 1, 3, 2, 20, {4, -1}},  /* 20 requests/s; no sample of the near pod */
    {130, 0, 1, 4, 30, {6, 10}},  /* near does not answer: its nodes are not believed */
    {150, 1, 2, 4, 40, {6, 10}},  /* for 20 s, of which 10 s are in the second step; a node is missing */
    {160, 1, 3, 4, 50, {-1, -1}}, /* ... and is back; no sample of any pod from here on */
    {170, 1, 3, 4, 50, {-1, -1}}, {180, 1, 3, 4, 50, {-1, -1}}, {190, 1, 3, 4, 50, {-1, -1}},
    {200, 1, 3, 4, 50, {2, 2}},   {300, 1, 3, 4, 70, {2, 2}}, /* a gap: holds for one tick, the last of the fifth step
                                                               */
    {310, 1, 3, 4, 70, {2, 2}},
};
#define STORY ((int)(sizeof story / sizeof story[0]))

static void test_by_hand(void **state)
{
    (void)state;
    char path[] = "/tmp/test_past_XXXXXX";
    spw_diag *diag = NULL;
    assert_int_equal(spw_diag_new(NULL, 8, &diag), SPW_OK);
    write_log(path, story, STORY);
    past *p = read_log(path, diag);
    const past_service *s = &p->services[0];

    assert_int_equal(p->ticks, STORY);
    assert_int_equal(p->unix_ns, 1100 * S);
    assert_int_equal(p->tick_ns, 10 * S);
    assert_int_equal(p->scrape_ns, 10 * S);
    assert_int_equal(p->age_ns, 0);
    assert_int_equal(p->gap_ns, 100 * S);
    assert_int_equal(p->step_count, 6); /* 210 s */
    assert_int_equal(p->service_count, 1);
    assert_int_equal(s->replicas_first, 3);

    /* requests/s x s: 10 x 10 + 20 x 10 + 30 x 10 + 40 x 10, then 40 x 10 + 50 x 30 */
    assert_close(s->steps[0].value[PAST_RATE], 1000, 1e-12);
    assert_close(s->steps[0].value_seconds[PAST_RATE], 40, 1e-12);
    assert_close(s->steps[1].value[PAST_RATE], 1900, 1e-12);
    assert_close(s->steps[2].value_seconds[PAST_RATE], 20, 1e-12); /* 80 to 100 s; then the gap */
    assert_true(s->steps[3].value_seconds[PAST_RATE] == 0);
    assert_close(s->steps[4].value_seconds[PAST_RATE], 10, 1e-12); /* 190 to 200 s */
    assert_close(s->steps[5].value[PAST_RATE], 700, 1e-12);

    /* pods: far (cluster 0) 4, 4, 6, 6 for 10 s each; near lacks its second sample */
    assert_close(s->steps[0].places[0].sum[PAST_RUNNING], 200, 1e-12);
    assert_close(s->steps[0].places[0].seconds[PAST_RUNNING], 40, 1e-12);
    assert_close(s->steps[0].places[1].sum[PAST_RUNNING], 280, 1e-12);
    assert_close(s->steps[0].places[1].seconds[PAST_RUNNING], 30, 1e-12);
    assert_close(s->steps[0].places[1].ready, 80, 1e-12);
    assert_close(s->steps[0].usage[1], 80, 1e-12);
    assert_int_equal(s->blind.count, 1);
    assert_int_equal(s->blind.at[0].begin_ns, 60 * S);
    assert_int_equal(s->blind.at[0].end_ns, 100 * S);
    assert_close(past_lost_share(p), 1.0 / 16, 1e-12); /* 8 ticks with samples, two pods each, one sample missing */

    /* the fleet */
    assert_string_equal(p->clusters[1].name, "near");
    assert_int_equal(p->clusters[1].away.count, 1);
    assert_int_equal(p->clusters[1].away.at[0].begin_ns, 30 * S);
    assert_int_equal(p->clusters[1].away.at[0].end_ns, 50 * S);
    const past_pool *own = &p->pools[1], *od = &p->pools[0];
    assert_false(own->elastic);
    assert_int_equal(own->labels.count, 0);
    assert_int_equal(od->labels.count, 1);
    assert_string_equal(od->labels.at[0].value, "hour");
    assert_int_equal(own->nodes_most, 3);
    assert_int_equal(own->level_count, 3); /* 3, 2, 3: the tick without an answer is not one */
    assert_int_equal(own->levels[1].nodes, 2);
    assert_int_equal(own->levels[1].at_ns, 50 * S);
    assert_true(od->elastic);
    assert_int_equal(od->nodes_max, 5);
    assert_int_equal(od->levels[0].obtainable, -1);
    assert_int_equal(od->levels[1].obtainable, 4); /* 2 left, and 2 held or ordered */
    assert_int_equal(od->levels[2].obtainable, 6);
    past_free(p);
    unlink(path);
    spw_diag_free(diag);
}

/* What a log must not be: each is one error with its place. */
static void refused(const char *text, size_t size, const char *message)
{
    char path[] = "/tmp/test_past_XXXXXX";
    const char *one = path;
    const past_spec spec = {.paths = &one, .path_count = 1, .step_ns = 40 * S};
    spw_diag *diag = NULL;
    past *p = NULL;
    const int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, text, size) == (ssize_t)size && close(fd) == 0);
    assert_int_equal(spw_diag_new(NULL, 8, &diag), SPW_OK);
    assert_true(past_read(&spec, diag, &p) != SPW_OK);
    assert_int_equal(spw_diag_errors(diag), 1);
    size_t at = 0;
    while (spw_diag_level_at(diag, at) != SPW_DIAG_ERROR) { /* the manifests of the head are not whole on purpose */
        at++;
    }
    assert_string_equal(spw_diag_at(diag, at) + strlen(path), message);
    spw_diag_free(diag);
    unlink(path);
}

static void test_refused(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    fputs(head, out);
    put_tick(out, &story[0], 0);
    put_tick(out, &story[1], 1);
    assert_int_equal(fclose(out), 0);

    refused(text, size - 40,
            ":3:1: error: the last line is torn: it ends within itself; leave it out (spillwayd does so "
            "when it starts)");
    refused(text, sizeof head - 1, ": error: fewer than two ticks: nothing happens in it");
    refused(text + sizeof head - 1, size - sizeof head + 1,
            ":1:1: error: no head line with settings and manifests before this tick; run writes it with --record, and "
            "a whole log begins with one");
    char *changed = strdup(text);
    assert_non_null(changed);
    strstr(changed, "decisions/1")[10] = '2';
    refused(changed, size, ":1:13: error: 'spillway' must be 'decisions/1': another format of the log");
    free(changed);

    changed = strdup(text);
    assert_non_null(changed);
    char *sha = strstr(strstr(changed, "\"tick\":1"), "\"0000000000000000\"");
    sha[16] = '1'; /* of the snapshot */
    refused(changed, size, ":3:1: error: this snapshot is not the one that was decided on: its digest is another");
    free(changed);

    /* the end of a packed file is missing */
    unsigned char packed[4096];
    uLongf room = sizeof packed;
    z_stream z = {.next_in = (Bytef *)text, .avail_in = (uInt)size, .next_out = packed, .avail_out = (uInt)room};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(deflateEnd(&z), Z_OK);
    refused((const char *)packed, z.total_out / 2, ":1:1: error: the gzip file is cut short");
    free(text);
}

/* A line of any length comes whole, and a last one without an end counts if it reads. */
static void test_lines(void **state)
{
    (void)state;
    char path[] = "/tmp/test_past_XXXXXX";
    const int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    spw_diag *diag = NULL;
    hist_log *log = NULL;
    const spw_json_line *line = NULL;
    assert_non_null(file);
    assert_int_equal(spw_diag_new(NULL, 8, &diag), SPW_OK);
    for (int i = 0; i < 3; i++) { /* lines of some 200 kB: more than is read at once */
        fprintf(file,
                "{\"tick\":%d,\"now_ns\":0,\"snapshot_sha\":\"0000000000000000\",\"state_sha\":\"0000000000000000\","
                "\"plan\":[",
                i);
        for (int k = 0; k < 4000; k++) {
            fprintf(file, "%s{\"verb\":\"scale\",\"workload\":\"prod/chat\",\"amount\":%d}", k > 0 ? "," : "", k);
        }
        fputs(i < 2 ? "]}\n" : "]}", file);
    }
    assert_int_equal(fclose(file), 0);
    assert_int_equal(hist_log_open(path, diag, &log), SPW_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(hist_log_next(log, diag, &line), SPW_OK);
        assert_int_equal(line->tick->tick, i);
        assert_int_equal(line->tick->plan_count, 4000);
        assert_int_equal(hist_log_number(log), i + 1);
        spw_json_line_free(line);
    }
    assert_int_equal(hist_log_next(log, diag, &line), SPW_OK);
    assert_null(line);
    hist_log_close(log);
    spw_diag_free(diag);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

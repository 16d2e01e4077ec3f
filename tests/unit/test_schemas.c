/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_schemas.c - the schemas that are not those of a binder against what is written: each key of a document has a
 * line, and each line a key. The documents: the summary of a run with everything that a summary may have, and snapshots
 * of toys with every column.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "sim/fleet/fleet.h"
#include "sim/report/report.h"
#include "tests/support/toy.h"

#define LINES_MAX 512
#define LEVELS    16

/* Paths of a schema's lines. */
typedef struct schema {
    char *text;
    const char *paths[LINES_MAX];
    bool seen[LINES_MAX];
    size_t count;
} schema;

/* Takes the text over: the first line is a title; of the others the path counts. */
static schema schema_of(char *text)
{
    schema s = {.text = text, .count = 0};
    for (char *line = strchr(text, '\n') + 1; *line != '\0'; s.count++) {
        char *end = strchr(line, '\n');
        assert_true(end != NULL && s.count < LINES_MAX);
        *end = '\0';
        assert_true(strchr(line, ' ') > line);
        *strchr(line, ' ') = '\0';
        s.paths[s.count] = line;
        line = end + 1;
    }
    return s;
}

/* One step of a path: "name", "name[]", "<of any name>", "<any beginning>_s". */
static bool step_fits(const char *step, size_t size, const char *key, bool list)
{
    if (step[0] == '<') {
        const char *tail = memchr(step, '>', size);
        const size_t rest = size - (size_t)(tail + 1 - step), length = strlen(key);
        return !list && length > rest && memcmp(key + length - rest, tail + 1, rest) == 0;
    }
    if (list) {
        return size > 2 && memcmp(step + size - 2, "[]", 2) == 0 && strlen(key) == size - 2 &&
               memcmp(step, key, size - 2) == 0;
    }
    return strlen(key) == size && memcmp(step, key, size) == 0;
}

static bool path_fits(const char *path, const char *const *keys, const bool *lists, size_t depth)
{
    for (size_t i = 0; i < depth; i++) {
        const size_t size = strcspn(path, ".");
        if (!step_fits(path, size, keys[i], lists[i])) {
            return false;
        }
        path += size + (path[size] == '.');
        if ((*path == '\0') != (i + 1 == depth)) {
            return false;
        }
    }
    return true;
}

typedef struct walk {
    schema *s;
    const char *keys[LEVELS];
    bool lists[LEVELS];
} walk;

/* A map may stand in the schema by its entries alone: "labels.<name>". */
static bool entries_stand(const schema *s, walk *w, size_t depth)
{
    w->keys[depth] = "any";
    w->lists[depth] = false;
    for (size_t i = 0; i < s->count; i++) {
        const char *last = strrchr(s->paths[i], '.');
        if (last != NULL && last[1] == '<' && path_fits(s->paths[i], w->keys, w->lists, depth + 1)) {
            return true;
        }
    }
    return false;
}

static void visit(walk *w, const json_t *value, size_t depth)
{
    bool found = depth == 0;
    for (size_t i = 0; i < w->s->count && depth > 0; i++) {
        if (path_fits(w->s->paths[i], w->keys, w->lists, depth)) {
            w->s->seen[i] = found = true;
        }
    }
    if (!found && !(json_is_object(value) && entries_stand(w->s, w, depth))) {
        fail_msg("no line for %s below %s", w->keys[depth - 1], depth > 1 ? w->keys[depth - 2] : "the document");
    }
    if (depth == 1 && strcmp(w->keys[0], "pooled") == 0) {
        return; /* one line says what it is */
    }
    const char *key;
    json_t *inside;
    json_object_foreach((json_t *)(uintptr_t)value, key, inside)
    {
        assert_true(depth + 1 < LEVELS);
        w->keys[depth] = key;
        w->lists[depth] = json_is_array(inside);
        if (!json_is_array(inside) || json_array_size(inside) == 0) {
            visit(w, inside, depth + 1);
        }
        for (size_t i = 0; i < json_array_size(inside); i++) {
            w->keys[depth] = key;
            w->lists[depth] = true;
            visit(w, json_array_get(inside, i), depth + 1);
        }
    }
}

static void go_through(schema *s, const char *text)
{
    json_error_t error;
    json_t *root = json_loads(text, 0, &error);
    walk w = {.s = s};
    assert_non_null(root);
    visit(&w, root, 0);
    json_decref(root);
}

static void assert_all_seen(const schema *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (!s->seen[i]) {
            fail_msg("%s: no document has it", s->paths[i]);
        }
    }
}

static void summary_keys(void **state)
{
    (void)state;
    static const sc_override sets[] = {
        {"spec.regions[0].provider", "alibaba"},
        {"spec.regions[1].jurisdiction", "EU"},
        {"spec.clusters[1].pools[0].stock", "poor"},
        {"spec.delivery", "{peers: true}"},
        {"spec.faults", "[{kind: slow, factor: 2, meanUp: 6h, meanDown: 10m}]"},
        {"spec.services[0].traffic[0].tenant", "paying"},
        {"spec.services[0].traffic[0].peak", "60/s"},
        {"spec.services[0].traffic[0].sessions", "{turns: {geometric: {mean: 3}}, think: {exponential: {mean: 20s}}}"},
        {"spec.services[0].retry", "{attempts: 3, attemptTimeout: 20s}"},
        {"spec.services[0].engine.prefixCacheShare", "0.3"},
    };
    const sc_options options = {.sets = sets, .set_count = sizeof sets / sizeof sets[0]};
    sc_messages messages = {0};
    sc_scenario *sc = sc_load("scenarios/spot-storm.yaml", &options, &messages);
    char err[256] = "";
    if (sc == NULL) {
        fail_msg("%s", messages.text);
    }
    res_run *run = fleet_run(sc, 1, 0, NULL, err, sizeof err);
    if (run == NULL) {
        fail_msg("%s", err);
    }
    char *text = NULL, *json = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    report_summary_schema(out);
    assert_int_equal(fclose(out), 0);
    out = open_memstream(&json, &size);
    assert_int_equal(report_json(sc, &run, 1, 1, out), 0);
    assert_int_equal(fclose(out), 0);

    schema s = schema_of(text);
    go_through(&s, json);
    assert_all_seen(&s);
    free(json);
    free(s.text);
    res_free(run);
    sc_free(sc);
    sc_messages_fini(&messages);
}

/* A snapshot with every column, and pods whose keys have no names. */
static void snapshot_keys(void **state)
{
    (void)state;
    static const char json[] =
        "{\"now_ns\": 100, \"jobs\": [], \"quotas\": [], \"clusters\": [{\"name\": \"a\", \"key\": "
        "\"0000000000000001\", \"region\": \"r\", \"zone\": \"z\", \"zones\": [\"y\"], \"provider\": \"p\", "
        "\"labels\": {\"l\": \"v\"}, \"ready\": true, \"observed_ns\": 90, \"jurisdiction\": \"EU\", "
        "\"cpu_allocatable_milli\": 1, \"cpu_allocated_milli\": 1, \"cpu_allocating_milli\": 0, "
        "\"memory_allocatable_bytes\": 1, \"memory_allocated_bytes\": 0, \"memory_allocating_bytes\": 0, "
        "\"pods_allocatable\": 1, \"pods_allocated\": 0, \"pods_allocating\": 0, \"taints\": [{\"key\": \"t\", "
        "\"value\": \"\", \"effect\": \"NoSchedule\"}], \"grades\": [{\"nodes\": 1, \"cpu_milli\": 1, "
        "\"memory_bytes\": 1}], \"pools\": [{\"name\": \"q\", \"key\": \"0000000000000002\", \"gpu\": \"g\", "
        "\"capacity\": \"spot\", \"gpus_per_node\": 1, \"nodes\": 1, \"nodes_target\": 1, \"nodes_max\": 2, "
        "\"nodes_min\": 0, \"inventory\": 1, \"rank\": 0, \"failures\": 0, \"price_uusd_per_gpu_h\": 1, "
        "\"observed_ns\": 90, \"inventory_observed_ns\": 90, \"labels\": {\"l\": \"v\"}, \"free_nodes\": [1, 0], "
        "\"gpus_free\": 0}]}], \"workloads\": [{\"namespace\": \"n\", \"name\": \"w\", \"key\": "
        "\"0000000000000003\", \"replicas\": 1, \"gpus\": 1, \"cpu_milli\": 1, \"memory_bytes\": 1, "
        "\"reschedule_ns\": null, \"priority\": 0, \"assigned\": {\"a\": 1}, \"scheduled\": {\"a\": 1}, \"pending\": "
        "{\"a\": 0}, \"ready\": {\"a\": 1}, \"observed_ns\": {\"a\": 90}, \"usage\": [{\"cluster\": \"a\", \"pool\": "
        "\"q\", \"ready\": 1}], \"history\": [{\"at_ns\": 1, \"recommended\": 1}, {\"at_ns\": 2, \"from\": 1, \"to\": "
        "2}], \"metrics\": {\"m\": {\"value_milli\": 1, \"observed_ns\": 90}}, \"pods\": [{\"name\": \"x\", "
        "\"cluster\": \"a\", \"phase\": \"Running\", \"deleting\": false, \"ready\": true, \"started_ns\": 1, "
        "\"ready_changed_ns\": 1, \"metrics\": {\"m\": {\"value_milli\": 1, \"request_milli\": 1, \"sampled_ns\": 90, "
        "\"window_ns\": 1}}}, {\"key\": \"0000000000000004\", \"cluster\": \"a\"}]}]}";
    spw_json_buffer text = {0};
    assert_int_equal(spw_json_snapshot_schema(&text), SPW_OK);
    schema s = schema_of(text.text);
    go_through(&s, json);
    assert_all_seen(&s);

    /* and the reader knows them all: what it says of this text is of values, not of keys */
    spw_diag *diag = NULL;
    assert_int_equal(spw_diag_new(NULL, 64, &diag), SPW_OK);
    spw_json_snapshot *snapshot = NULL;
    (void)spw_json_snapshot_read(json, sizeof json - 1, "s.json", diag, &snapshot);
    for (size_t i = 0; i < spw_diag_count(diag); i++) {
        assert_null(strstr(spw_diag_at(diag, i), "unknown key"));
    }
    spw_json_snapshot_free(snapshot);
    spw_diag_free(diag);

    toy t; /* what is written has a line, too */
    toy_init(&t);
    (void)toy_pool_add(&t, toy_cluster(&t, "a"), "p", SPW_CAPACITY_SPOT, 1, 2);
    t.has_law = t.has_taints = t.has_summary = t.has_usage = true;
    toy_start(&t, (const char *[]){"a"}, 1);
    spw_json_buffer written = {0};
    assert_int_equal(spw_json_snapshot_write(toy_snapshot(&t), NULL, &written), SPW_OK);
    go_through(&s, written.text);
    spw_json_buffer_fini(&written);
    spw_json_buffer_fini(&text);
    toy_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(summary_keys), cmocka_unit_test(snapshot_keys)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_json.c - snapshots and logs as JSON: every column by hand, every default, every message with its place.
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

#include <spillway/json.h>

/* --- help --- */

static spw_diag *new_diag(void)
{
    spw_diag *diag = NULL;
    assert_int_equal(spw_diag_new(NULL, 32, &diag), SPW_OK);
    return diag;
}

/* Reads a text that must be good. */
static spw_json_snapshot *good(const char *text)
{
    spw_json_snapshot *snapshot = NULL;
    spw_diag *diag = new_diag();
    const spw_rc rc = spw_json_snapshot_read(text, strlen(text), "s.json", diag, &snapshot);
    if (rc != SPW_OK || spw_diag_count(diag) != 0) {
        fail_msg("rc %d: %s", (int)rc, spw_diag_count(diag) > 0 ? spw_diag_at(diag, 0) : "no message");
    }
    spw_diag_free(diag);
    return snapshot;
}

/* Reads a text that must be refused with these messages, '\n' between them. */
static void bad(const char *text, const char *messages)
{
    char said[4096] = "";
    size_t used = 0;
    spw_json_snapshot *snapshot = NULL;
    spw_diag *diag = new_diag();
    assert_int_equal(spw_json_snapshot_read(text, strlen(text), "s.json", diag, &snapshot), SPW_INVAL);
    assert_null(snapshot);
    for (size_t i = 0; i < spw_diag_count(diag); i++) {
        used += (size_t)snprintf(said + used, sizeof said - used, "%s%s", i > 0 ? "\n" : "", spw_diag_at(diag, i));
    }
    assert_string_equal(said, messages);
    spw_diag_free(diag);
}

/* --- reading --- */

static const char everything[] =
    "{\"now_ns\":3000000000000000001,\n"
    "\"clusters\":[{\"name\":\"idc\",\"key\":\"00000000000000ff\",\"region\":\"r\",\"zone\":\"z\",\"provider\":\"p\",\n"
    " \"labels\":{\"a\":\"1\",\"b\":\"\"},\"ready\":false,\"observed_ns\":7,\"taints\":[{\"key\":\"k\",\"value\":\"v\","
    "\"effect\":\"NoExecute\"},\n"
    "  {\"key\":\"l\",\"effect\":\"NoSchedule\"}],\"jurisdiction\":\"CN\",\n"
    " \"cpu_allocatable_milli\":21,\"cpu_allocated_milli\":22,\"cpu_allocating_milli\":23,\n"
    " \"memory_allocatable_bytes\":-1,\"memory_allocated_bytes\":25,\"memory_allocating_bytes\":26,\n"
    " \"pods_allocatable\":27,\"pods_allocated\":28,\"pods_allocating\":29,\n"
    " \"grades\":[{\"nodes\":31,\"cpu_milli\":32,\"memory_bytes\":33}],\"pools\":[\n"
    "  {\"name\":\"own\",\"key\":\"fedcba9876543210\",\"gpu\":\"G\",\"capacity\":\"on-demand\",\"gpus_per_node\":8,\n"
    "   "
    "\"nodes\":5,\"nodes_target\":6,\"nodes_min\":1,\"nodes_max\":9,\"inventory\":3,\"inventory_observed_ns\":8,"
    "\"rank\":-2,\"failures\":4,\"labels\":{\"paidtype\":\"spot\"},\n"
    "   "
    "\"price_uusd_per_gpu_h\":1234567890123,\"observed_ns\":6,\"free_nodes\":[1,0,2,0,0,0,0,0,1],\"gpus_free\":12}]}],"
    "\n"
    "\"workloads\":[{\"namespace\":\"prod\",\"name\":\"chat\",\"key\":\"0000000000000011\",\"replicas\":5,\"gpus\":2,\n"
    " \"cpu_milli\":34,\"memory_bytes\":4398046511104,"
    " \"priority\":null,\"reschedule_ns\":6,\"assigned\":{\"idc\":5},\"scheduled\":{\"idc\":4},\"pending\":{\"idc\":1},"
    "\"ready\":{\"idc\":"
    "3},\n"
    " \"observed_ns\":{\"idc\":5},\"usage\":[{\"cluster\":\"idc\",\"pool\":\"own\",\"ready\":3}],\"history\":["
    "{\"at_ns\":1,\"recommended\":4},{\"at_ns\":2,\"from\":4,\"to\":5}],\"metrics\":{"
    "\"queue\":{\"value_milli\":-3,\"observed_ns\":4}},\n"
    " \"pods\":[{\"name\":\"a\",\"key\":\"0000000000000022\",\"cluster\":\"idc\",\"phase\":\"Failed\",\"deleting\":"
    "true,\n"
    "  \"ready\":true,\"started_ns\":3,\"ready_changed_ns\":2,\"metrics\":{\"#00000000000000aa\":\n"
    "   {\"value_milli\":1,\"request_milli\":2,\"sampled_ns\":3,\"window_ns\":4}}}]}],\"jobs\":[],\"quotas\":{}}";

/** Several zones are one text; a grade that leaves a resource out does not list it. */
static void test_zones_and_grades(void **state)
{
    (void)state;
    spw_json_snapshot *read = good("{\"now_ns\":0,\"clusters\":[{\"name\":\"a\",\"zones\":[\"z1\",\"z2\"],"
                                   "\"grades\":[{\"nodes\":1,\"cpu_milli\":5},{\"nodes\":2}]},"
                                   "{\"name\":\"b\",\"zones\":[]},{\"name\":\"c\",\"zone\":\"z\"}]}");
    const spw_snapshot *s = spw_json_snapshot_get(read);
    assert_string_equal(s->clusters.zone[0], "z1,z2");
    assert_string_equal(s->clusters.zone[1], "");
    assert_string_equal(s->clusters.zone[2], "z");
    assert_int_equal(s->grades.cpu_milli[0], 5);
    assert_int_equal(s->grades.memory_bytes[0], -1);
    assert_int_equal(s->grades.cpu_milli[1], -1);
    spw_json_snapshot_free(read);
    bad("{\"now_ns\":0,\"clusters\":[{\"name\":\"a\",\"zone\":\"z\",\"zones\":[\"z\"]}]}",
        "s.json:1:56: error: 'clusters[0].zones' stands beside 'zone'; give one of the two");
    bad("{\"now_ns\":0,\"clusters\":[{\"name\":\"a\",\"zones\":[\"\"]}]}",
        "s.json:1:46: error: 'clusters[0].zones[0]' must not be empty");
    bad("{\"now_ns\":0,\"clusters\":[{\"name\":\"a\",\"zones\":[1]}]}",
        "s.json:1:46: error: 'clusters[0].zones[0]' must be a text in quotes");
}

static void test_every_column(void **state)
{
    spw_json_snapshot *read = good(everything);
    const spw_snapshot *s = spw_json_snapshot_get(read);
    (void)state;
    assert_int_equal(s->version, SPW_API_VERSION);
    assert_true(s->now == INT64_C(3000000000000000001)); /* no double could hold it */
    assert_int_equal(s->clusters.count, 1);
    assert_true(s->clusters.key[0] == 0xff);
    assert_string_equal(s->clusters.name[0], "idc");
    assert_string_equal(s->clusters.region[0], "r");
    assert_string_equal(s->clusters.zone[0], "z");
    assert_string_equal(s->clusters.provider[0], "p");
    assert_int_equal(s->clusters.labels[0].count, 2);
    assert_string_equal(s->clusters.labels[0].at[0].key, "a");
    assert_string_equal(s->clusters.labels[0].at[0].value, "1");
    assert_string_equal(s->clusters.labels[0].at[1].value, "");
    assert_int_equal(s->clusters.ready[0], 0);
    assert_int_equal(s->clusters.observed[0], 7);
    const int64_t *const summary[] = {
        s->clusters.cpu_allocatable,    s->clusters.cpu_allocated,    s->clusters.cpu_allocating,
        s->clusters.memory_allocatable, s->clusters.memory_allocated, s->clusters.memory_allocating,
        s->clusters.pods_allocatable,   s->clusters.pods_allocated,   s->clusters.pods_allocating};
    for (int k = 0; k < 9; k++) {
        assert_int_equal(summary[k][0], k == 3 ? -1 : 21 + k);
    }
    assert_int_equal(s->clusters.taints[0].count, 2);
    assert_string_equal(s->clusters.taints[0].at[0].key, "k");
    assert_string_equal(s->clusters.taints[0].at[0].value, "v");
    assert_int_equal(s->clusters.taints[0].at[0].effect, SPW_TAINT_NO_EXECUTE);
    assert_string_equal(s->clusters.taints[0].at[1].value, "");
    assert_int_equal(s->clusters.taints[0].at[1].effect, SPW_TAINT_NO_SCHEDULE);
    assert_string_equal(s->clusters.jurisdiction[0], "CN");
    assert_int_equal(s->workloads.reschedule[0], 6);
    assert_int_equal(s->grades.count, 1);
    assert_int_equal(s->grades.cluster[0], 0);
    assert_int_equal(s->grades.nodes[0], 31);
    assert_int_equal(s->grades.cpu_milli[0], 32);
    assert_int_equal(s->grades.memory_bytes[0], 33);
    assert_int_equal(s->usage.count, 1);
    assert_int_equal(s->usage.workload[0], 0);
    assert_int_equal(s->usage.pool[0], 0);
    assert_int_equal(s->usage.ready[0], 3);
    assert_int_equal(s->history.count, 2);
    assert_int_equal(s->history.workload[1], 0);
    assert_true(s->history.at[0] == 1 && s->history.at[1] == 2);
    assert_int_equal(s->history.recommended[0], 4);
    assert_int_equal(s->history.from[0], -1);
    assert_int_equal(s->history.recommended[1], -1);
    assert_int_equal(s->history.from[1], 4);
    assert_int_equal(s->history.to[1], 5);
    const spw_pool_rows *p = &s->pools;
    assert_int_equal(p->count, 1);
    assert_true(p->stock_observed[0] == 8);
    assert_int_equal(p->labels[0].count, 1);
    assert_string_equal(p->labels[0].at[0].key, "paidtype");
    assert_string_equal(p->labels[0].at[0].value, "spot");
    assert_true(p->key[0] == UINT64_C(0xfedcba9876543210));
    assert_string_equal(p->name[0], "own");
    assert_int_equal(p->cluster[0], 0);
    assert_string_equal(p->gpu[0], "G");
    assert_int_equal(p->capacity[0], SPW_CAPACITY_ON_DEMAND);
    assert_int_equal(p->gpus_per_node[0], 8);
    assert_int_equal(p->nodes[0], 5);
    assert_int_equal(p->nodes_target[0], 6);
    assert_int_equal(p->nodes_min[0], 1);
    assert_int_equal(p->nodes_max[0], 9);
    assert_int_equal(p->stock[0], 3);
    assert_int_equal(p->rank[0], -2);
    assert_int_equal(p->failures[0], 4);
    assert_true(p->price_uusd_per_gpu_h[0] == INT64_C(1234567890123));
    assert_int_equal(p->observed[0], 6);
    assert_int_equal(p->free_nodes[0][0], 1);
    assert_int_equal(p->free_nodes[0][2], 2);
    assert_int_equal(p->free_nodes[0][8], 1);
    assert_int_equal(p->free_nodes[0][9], 0);
    assert_true(s->workloads.key[0] == 0x11);
    assert_string_equal(s->workloads.name[0], "prod/chat");
    assert_int_equal(s->workloads.replicas[0], 5);
    assert_int_equal(s->workloads.gpus[0], 2);
    assert_int_equal(s->workloads.cpu_milli[0], 34);
    assert_true(s->workloads.memory_bytes[0] == SPW_REQUEST_MAX);
    assert_int_equal(s->placements.count, 1);
    assert_int_equal(s->placements.assigned[0], 5);
    assert_int_equal(s->placements.scheduled[0], 4);
    assert_int_equal(s->placements.ready[0], 3);
    assert_int_equal(s->placements.observed[0], 5);
    assert_int_equal(s->values.count, 1);
    assert_true(s->values.metric[0] == spw_key("queue"));
    assert_int_equal(s->values.value_milli[0], -3);
    assert_int_equal(s->values.observed[0], 4);
    assert_int_equal(s->pods.count, 1);
    assert_true(s->pods.key[0] == 0x22);
    assert_int_equal(s->pods.phase[0], SPW_POD_FAILED);
    assert_int_equal(s->pods.deleting[0], 1);
    assert_int_equal(s->pods.ready[0], 1);
    assert_int_equal(s->pods.started[0], 3);
    assert_int_equal(s->pods.ready_changed[0], 2);
    assert_int_equal(s->samples.count, 1);
    assert_true(s->samples.metric[0] == 0xaa);
    assert_int_equal(s->samples.value_milli[0], 1);
    assert_int_equal(s->samples.request_milli[0], 2);
    assert_int_equal(s->samples.sampled[0], 3);
    assert_int_equal(s->samples.window[0], 4);
    spw_json_snapshot_free(read);
}

#define POOL "\"gpu\":\"G\",\"capacity\":\"owned\",\"price_uusd_per_gpu_h\":1"

static void test_defaults(void **state)
{
    spw_json_snapshot *read =
        good("{\"now_ns\":50,\"clusters\":[{\"name\":\"b\"},{\"name\":\"a\",\"observed_ns\":40,\"pools\":["
             "{\"name\":\"x\"," POOL ",\"gpus_per_node\":4,\"nodes\":5,\"gpus_free\":7},"
             "{\"name\":\"y\"," POOL ",\"gpus_per_node\":4,\"nodes\":2,\"nodes_max\":1,\"free_nodes\":[0,1]},"
             "{\"name\":\"z\"," POOL ",\"gpus_per_node\":4,\"nodes\":0,\"inventory\":null}]}],"
             "\"workloads\":[{\"namespace\":\"n\",\"name\":\"w\",\"replicas\":1,"
             "\"assigned\":{\"a\":9,\"b\":2},\"pending\":{\"a\":4},\"metrics\":{\"q\":3,\"r\":0.0015},\"pods\":["
             "{\"name\":\"p\",\"cluster\":\"a\",\"metrics\":{\"m\":-2.5}},"
             "{\"name\":\"q\",\"cluster\":\"b\",\"phase\":\"Pending\"}]},"
             "{\"name\":\"m/v\",\"replicas\":0,\"scheduled\":{\"b\":3},\"ready\":{\"a\":0}}]}");
    const spw_snapshot *s = spw_json_snapshot_get(read);
    (void)state;
    assert_true(s->clusters.key[0] == spw_key("b"));
    assert_int_equal(s->clusters.ready[0], 1);
    assert_int_equal(s->clusters.observed[0], 50);
    assert_string_equal(s->clusters.region[0], "");
    assert_true(s->pools.key[0] == spw_key2("a", "x"));
    assert_int_equal(s->pools.cluster[0], 1);
    assert_int_equal(s->pools.observed[0], 40);
    assert_int_equal(s->pools.nodes_target[0], 5);
    assert_int_equal(s->pools.nodes_min[0], 5);
    assert_int_equal(s->pools.nodes_max[0], 5);
    assert_int_equal(s->pools.nodes_min[1], 1); /* never above the maximum */
    assert_int_equal(s->pools.stock[0], -1);
    assert_int_equal(s->pools.stock[2], -1);
    assert_null(s->pools.failures);
    assert_null(s->pools.stock_observed);
    assert_null(s->pools.labels);
    assert_null(s->clusters.cpu_allocatable);
    assert_null(s->clusters.pods_allocating);
    assert_null(s->clusters.taints);
    assert_null(s->clusters.jurisdiction);
    assert_null(s->workloads.reschedule);
    assert_int_equal(s->grades.count + s->usage.count + s->history.count, 0);
    /* 7 free GPUs on 5 nodes of 4: one whole node, one with 3 free, three full */
    assert_int_equal(s->pools.free_nodes[0][4], 1);
    assert_int_equal(s->pools.free_nodes[0][3], 1);
    assert_int_equal(s->pools.free_nodes[0][0], 3);
    assert_null(s->workloads.gpus);
    assert_null(s->workloads.cpu_milli);
    assert_null(s->workloads.memory_bytes);
    assert_true(s->workloads.key[0] == spw_key2("n", "w"));
    assert_string_equal(s->workloads.name[1], "m/v");
    assert_int_equal(s->placements.count, 4);
    /* n/w: a has 9 told, 4 wait, so 5 run and, with no "ready", are ready; b has 2 told and none waits */
    assert_int_equal(s->placements.scheduled[0], 5);
    assert_int_equal(s->placements.ready[0], 5);
    assert_int_equal(s->placements.observed[0], 40);
    assert_int_equal(s->placements.scheduled[1], 2);
    assert_int_equal(s->placements.ready[1], 2);
    assert_int_equal(s->placements.observed[1], 50);
    /* m/v: b drains 3, none of them ready, as "ready" does not name it; a is a row of zeros */
    assert_int_equal(s->placements.cluster[2], 0);
    assert_int_equal(s->placements.assigned[2], 0);
    assert_int_equal(s->placements.scheduled[2], 3);
    assert_int_equal(s->placements.ready[2], 0);
    assert_int_equal(s->placements.cluster[3], 1);
    assert_int_equal(s->placements.scheduled[3], 0);
    assert_int_equal(s->values.value_milli[0], 3000);
    assert_int_equal(s->values.value_milli[1], 2); /* 1.5 thousandths, rounded away from zero */
    assert_int_equal(s->values.observed[0], 50);
    assert_true(s->pods.key[0] == spw_key("a/n/w/p"));
    assert_int_equal(s->pods.phase[0], SPW_POD_RUNNING);
    assert_int_equal(s->pods.ready[0], 1);
    assert_int_equal(s->pods.ready[1], 0);
    assert_true(s->pods.started[0] == SPW_TIME_MAX && s->pods.ready_changed[0] == SPW_TIME_MAX);
    assert_int_equal(s->samples.value_milli[0], -2500);
    assert_int_equal(s->samples.sampled[0], 40);
    assert_int_equal(s->samples.window[0], 0);
    spw_json_snapshot_free(read);
}

#define A_POOL(more) "{\"now_ns\":1,\n\"clusters\":[{\"name\":\"a\",\"pools\":[\n{\"name\":\"x\"," POOL more "}]}]}"
#define A_WORK(more)                                                                                                   \
    "{\"now_ns\":1,\"clusters\":[{\"name\":\"idc\"}],\n\"workloads\":[{\"name\":\"w\",\"replicas\":1" more "}]}"

static void test_messages(void **state)
{
    (void)state;
    bad("", "s.json:1:1: error: not JSON: '[' or '{' expected near end of file");
    bad("[]", "s.json:1:1: error: the document must be an object");
    bad("{\"now_ns\":1,\n \"now_ns\":2}", "s.json:2:9: error: not JSON: duplicate object key near '\"now_ns\"'");
    bad("{\"clusters\":[]}", "s.json:1:1: error: the document lacks 'now_ns'");
    bad("{\"now_ns\":1.5}", "s.json:1:11: error: 'now_ns' must be a whole number");
    bad("{\"now_ns\":1,\n \"cluster\":[]}",
        "s.json:2:2: error: unknown key 'cluster' in the document (did you mean 'clusters'?)");
    bad("{\"now_ns\":1,\"clusters\":{}}", "s.json:1:24: error: 'clusters' must be an array");
    bad("{\"now_ns\":1,\"clusters\":[\n3]}", "s.json:2:1: error: 'clusters[0]' must be an object");
    bad("{\"now_ns\":1,\"clusters\":[{\"name\":\"\"}]}", "s.json:1:33: error: 'clusters[0].name' must not be empty");
    bad("{\"now_ns\":1,\"clusters\":[{\"name\":\"a\"},{\"name\":\"a\"}]}",
        "s.json:1:38: error: 'clusters[1]' has the same name as an earlier one: 'a'");
    bad("{\"now_ns\":1,\"clusters\":[{\"name\":\"a\",\"labels\":{\"k\":1}}]}",
        "s.json:1:51: error: 'clusters[0].labels.k' must be a text in quotes");
    bad("{\"now_ns\":1,\"clusters\":[{\"name\":\"a\",\"key\":\"12\"}]}",
        "s.json:1:43: error: 'clusters[0].key' must be a text of 16 hex digits");
    bad("{\"now_ns\":1,\"clusters\":[{\"name\":\"a\",\"ready\":1}]}",
        "s.json:1:45: error: 'clusters[0].ready' must be true or false");
    bad("{\"now_ns\":1,\"clusters\":[{\"name\":\"a\",\"observed_ns\":2}]}",
        "s.json:1:25: error: clusters[0]: clusters.observed: observed in the future, or out of range");
    bad(A_POOL(",\"gpus_per_node\":4,\"nodez\":1"),
        "s.json:3:85: error: unknown key 'nodez' in 'clusters[0].pools[0]' (did you mean 'nodes'?)\n"
        "s.json:3:1: error: 'clusters[0].pools[0]' lacks 'nodes'");
    bad(A_POOL(",\"gpus_per_node\":17,\"nodes\":0"),
        "s.json:3:83: error: 'clusters[0].pools[0].gpus_per_node' must be from 1 to 16, not 17");
    bad(A_POOL(",\"gpus_per_node\":4,\"nodes\":2"),
        "s.json:3:1: error: 'clusters[0].pools[0]' lacks 'gpus_free' or 'free_nodes'");
    bad(A_POOL(",\"gpus_per_node\":4,\"nodes\":2,\"gpus_free\":9"),
        "s.json:3:107: error: 'clusters[0].pools[0].gpus_free' must be from 0 to 8, the GPUs of 2 nodes, not 9");
    bad(A_POOL(",\"gpus_per_node\":4,\"nodes\":2,\"gpus_free\":5,\"free_nodes\":[1,1]"),
        "s.json:3:107: error: 'clusters[0].pools[0].gpus_free' must agree with 'free_nodes', which has 1 free GPUs");
    bad(A_POOL(",\"gpus_per_node\":4,\"nodes\":1,\"free_nodes\":[1,1]"),
        "s.json:3:1: error: clusters[0].pools[0]: pools.free_nodes: more nodes by free GPUs than there are nodes");
    bad("{\"now_ns\":1,\"clusters\":[{\"name\":\"a\",\"pools\":["
        "{\"name\":\"x\"," POOL ",\"gpus_per_node\":4,\"nodes\":0,\"failures\":0},"
        "{\"name\":\"y\",\"gpu\":\"G\",\"capacity\":\"spott\",\"price_uusd_per_gpu_h\":-1,\"gpus_per_node\":4,"
        "\"nodes\":0}]}]}",
        "s.json:1:187: error: 'clusters[0].pools[1].capacity' must be one of 'owned', 'reserved', 'on-demand', 'spot', "
        "not 'spott' (did you mean 'spot'?)\n"
        "s.json:1:218: error: 'clusters[0].pools[1].price_uusd_per_gpu_h' must be at least 0, not -1\n"
        "s.json:1:1: error: 'failures' is given for 1 of 2 pools; give it for all or for none");
    bad(A_WORK(",\"assigned\":{\"idx\":1}"), "s.json:2:57: error: 'workloads[0].assigned.idx' names no cluster of this "
                                             "snapshot: 'idx' (did you mean 'idc'?)");
    bad(A_WORK(",\"assigned\":{\"idc\":3},\"pending\":{\"idc\":4}"),
        "s.json:2:77: error: 'workloads[0].pending.idc' must be at most the 3 assigned, not 4");
    bad(A_WORK(",\"assigned\":{\"idc\":3},\"scheduled\":{\"idc\":1},\"pending\":{\"idc\":1}"),
        "s.json:2:99: error: 'workloads[0].pending.idc' must agree with 'assigned' and 'scheduled', by which 2 of "
        "'idc' "
        "wait");
    bad(A_WORK(",\"assigned\":{\"idc\":3},\"ready\":{\"idc\":4}"),
        "s.json:2:14: error: workloads[0]: placements.ready: 0 <= ready <= scheduled and 0 <= assigned expected");
    bad(A_WORK(",\"assigned\":3"), "s.json:2:50: error: 'workloads[0].assigned' must be an object");
    bad(A_WORK(",\"metrics\":{\"q\":\"7\"}"), "s.json:2:54: error: 'workloads[0].metrics.q' must be an object");
    bad(A_WORK(",\"metrics\":{\"q\":{\"value\":7}}"),
        "s.json:2:55: error: unknown key 'value' in 'workloads[0].metrics.q'\n"
        "s.json:2:54: error: 'workloads[0].metrics.q' lacks 'value_milli'");
    bad(A_WORK(",\"metrics\":{\"q\":1e300}"), "s.json:2:54: error: 'workloads[0].metrics.q' is out of range");
    bad(A_WORK(",\"pods\":[{\"cluster\":\"idc\"}]"),
        "s.json:2:47: error: 'workloads[0].pods[0]' lacks 'name' or 'key'");
    bad(A_WORK(",\"usage\":[{\"cluster\":\"idc\",\"pool\":\"own\",\"ready\":1}]"),
        "s.json:2:48: error: 'workloads[0].usage[0]' names no pool of this snapshot: 'own' of 'idc'");
    bad(A_WORK(",\"history\":[{\"recommended\":1}]"), "s.json:2:50: error: 'workloads[0].history[0]' lacks 'at_ns'");
    bad(A_WORK(",\"history\":[{\"at_ns\":0,\"to\":1}]"),
        "s.json:2:50: error: workloads[0].history[0]: history.recommended: a recommended count, or from and to, of 0 "
        "to "
        "1000000 expected");
    bad("{\"now_ns\":1,\"clusters\":[{\"name\":\"a\",\"taints\":[{\"key\":\"k\",\"effect\":\"NoExecut\"}]}]}",
        "s.json:1:67: error: 'clusters[0].taints[0].effect' must be one of 'NoSchedule', 'NoExecute', "
        "'PreferNoSchedule', not 'NoExecut' (did you mean 'NoExecute'?)");
    bad(A_WORK(",\"pods\":[{\"name\":\"p\"}]"), "s.json:2:47: error: 'workloads[0].pods[0]' lacks 'cluster'");
    bad("{\"now_ns\":1,\"workloads\":[{\"name\":\"w\",\"replicas\":1},{\"namespace\":1,\"name\":\"w\",\"replicas\":"
        "2000000}]}",
        "s.json:1:89: error: 'workloads[1].replicas' must be from 0 to 1000000, not 2000000\n"
        "s.json:1:65: error: 'workloads[1].namespace' must be a text in quotes");
    /* the place is found behind brackets and quotes within texts, and by a key written with an escape */
    bad("{\"now_ns\":1,\"clusters\":[{\"name\":\"}]\\\"\",\"labels\":{\"a\\u0062\":[\"{\"]}}]}",
        "s.json:1:60: error: 'clusters[0].labels.ab' must be a text in quotes");
}

static void test_unused_is_told(void **state)
{
    const char *text = "{\"now_ns\":1,\"jobs\":[{\"name\":\"j\"}]}";
    spw_json_snapshot *read = NULL;
    spw_diag *diag = new_diag();
    (void)state;
    assert_int_equal(spw_json_snapshot_read(text, strlen(text), "s.json", diag, &read), SPW_OK);
    assert_int_equal(spw_diag_count(diag), 1);
    assert_string_equal(spw_diag_at(diag, 0), "s.json:1:20: warning: 'jobs' is not used by this build");
    spw_json_snapshot_free(read);
    spw_diag_free(diag);
}

/* Every prefix of a good text is refused with a message, and none makes the reader fall over. */
static void test_cut_short(void **state)
{
    (void)state;
    for (size_t size = 0; size + 1 < sizeof everything; size++) {
        char *part = malloc(size + 1);
        spw_json_snapshot *read = NULL;
        spw_diag *diag = new_diag();
        assert_non_null(part);
        memcpy(part, everything, size);
        assert_int_equal(spw_json_snapshot_read(part, size, "s.json", diag, &read), SPW_INVAL);
        assert_int_equal(spw_diag_errors(diag), 1);
        spw_diag_free(diag);
        free(part);
    }
}

/* --- logs --- */

static void test_head(void **state)
{
    const spw_json_manifest manifests[] = {{"a.yaml", "x: \"1\"\n", 7}, {"b.yaml", "", 0}};
    spw_json_head head = {.manifests = manifests, .manifest_count = 2, .state = "\x00\xff\x10", .state_size = 3};
    spw_json_buffer out = {0};
    const spw_json_line *line = NULL;
    spw_diag *diag = new_diag();
    (void)state;
    spw_settings_default(&head.settings);
    head.settings.clusters_max = 3;
    head.settings.tick = 7;
    head.settings.unix_offset = -5;
    assert_int_equal(spw_json_head_write(&head, &out), SPW_OK);
    assert_string_equal(out.text,
                        "{\"spillway\":\"decisions/1\",\"settings\":{\"clusters_max\":3,\"pools_max\":256,"
                        "\"placements_max\":1024,\"pods_max\":16384,\"samples_max\":131072,\"tick_ns\":7,"
                        "\"stale_after_ns\":120000000000,\"promise_ttl_ns\":300000000000,\"unix_offset_ns\":-5,\"fight_"
                        "window_ns\":600000000000,\"stock_tau_ns\":0,\"explain\":false},\"manifests\":["
                        "{\"name\":\"a.yaml\",\"text\":\"x: \\\"1\\\"\\n\"},{\"name\":\"b.yaml\",\"text\":\"\"}],"
                        "\"state\":\"00ff10\"}\n");
    assert_int_equal(spw_json_line_read(out.text, out.size, "d.jsonl", 1, diag, &line), SPW_OK);
    assert_non_null(line->head);
    assert_null(line->tick);
    spw_json_buffer again = {0};
    assert_int_equal(line->head->settings.api_version, SPW_API_VERSION);
    assert_int_equal(spw_json_head_write(line->head, &again), SPW_OK);
    assert_string_equal(again.text, out.text);
    spw_json_buffer_fini(&again);
    assert_int_equal(line->head->manifest_count, 2);
    assert_string_equal(line->head->manifests[0].name, "a.yaml");
    assert_string_equal(line->head->manifests[0].text, "x: \"1\"\n");
    assert_int_equal(line->head->manifests[0].size, 7);
    assert_int_equal(line->head->state_size, 3);
    assert_memory_equal(line->head->state, "\x00\xff\x10", 3);
    spw_json_line_free(line);
    spw_diag_free(diag);
    spw_json_buffer_fini(&out);
}

static void test_tick(void **state)
{
    static const char text[] =
        "{\"tick\":3,\"now_ns\":9,\"snapshot_sha\":\"00000000000000ab\",\"state_sha\":\"ffffffffffffffff\",\"plan\":["
        "{\"verb\":\"place\",\"workload\":\"prod/"
        "chat\",\"cluster\":\"idc\",\"before\":0,\"amount\":4,\"reason\":\"fill-idle\"},"
        "{\"verb\":\"provision\",\"cluster\":\"ack\",\"pool\":\"od\",\"before\":1,\"amount\":3,\"after\":0,\"reason\":"
        "\"nodes-for-pending\",\"cost\":5}]}\n";
    spw_json_buffer out = {0};
    const spw_json_line *line = NULL;
    spw_diag *diag = new_diag();
    (void)state;
    spw_json_snapshot *read = good(everything);
    const spw_snapshot *snap = spw_json_snapshot_get(read);
    assert_int_equal(spw_json_tick_write(text, sizeof text - 1, snap, NULL, &out), SPW_OK);
    assert_memory_equal(out.text, text, sizeof text - 3); /* all but the closing brace and the line's end */
    assert_int_equal(out.text[out.size - 1], '\n');
    assert_int_equal(spw_json_line_read(out.text, out.size, "d.jsonl", 7, diag, &line), SPW_OK);
    const spw_json_tick *t = line->tick;
    assert_int_equal(t->tick, 3);
    assert_int_equal(t->now, 9);
    assert_true(t->snapshot_hash == 0xab && t->state_hash == UINT64_MAX);
    assert_int_equal(t->plan_count, 2);
    assert_string_equal(t->plan[0], "place prod/chat idc 0 -> 4  fill-idle");
    assert_string_equal(t->plan[1], "provision ack od 1 -> 3  nodes-for-pending after 0 cost=5");
    assert_true(spw_snapshot_hash(t->snapshot) == spw_snapshot_hash(snap));
    spw_json_line_free(line);
    line = NULL;
    const char *wrong =
        "{\"tick\":1,\"now_ns\":2,\"snapshot_sha\":\"x\",\"state_sha\":\"ffffffffffffffff\",\"plan\":[],"
        "\"snapshot\":{\"now_ns\":true}}";
    assert_int_equal(spw_json_line_read(wrong, strlen(wrong), "d.jsonl", 7, diag, &line), SPW_INVAL);
    assert_null(line);
    assert_string_equal(spw_diag_at(diag, 0), "d.jsonl:7:37: error: 'snapshot_sha' must be a text of 16 hex digits");
    assert_string_equal(spw_diag_at(diag, 1), "d.jsonl:7:103: error: 'snapshot.now_ns' must be a whole number");
    spw_diag_free(diag);
    spw_json_buffer_fini(&out);
    spw_json_snapshot_free(read);
}

static void test_state(void **state)
{
    static const char raw[] = {'P', 'W', 0, '{'};
    static const char plan[] = " {\"state\":\"50ff00\",\"other\":1}";
    spw_json_buffer out = {0};
    spw_diag *diag = new_diag();
    (void)state;
    assert_int_equal(spw_json_state_read(raw, sizeof raw, "f", diag, &out), SPW_OK);
    assert_int_equal(out.size, sizeof raw);
    assert_memory_equal(out.text, raw, sizeof raw);
    spw_json_buffer_fini(&out);
    assert_int_equal(spw_json_state_read(plan, sizeof plan - 1, "f", diag, &out), SPW_OK);
    assert_int_equal(out.size, 3);
    assert_memory_equal(out.text, "\x50\xff\x00", 3);
    spw_json_buffer_fini(&out);
    assert_int_equal(spw_json_state_read("{}", 2, "f", diag, &out), SPW_INVAL);
    assert_int_equal(spw_json_state_read("{\"state\":\"5x\"}", 14, "f", diag, &out), SPW_INVAL);
    assert_int_equal(spw_json_state_read("{\"state\":\"555\"}", 15, "f", diag, &out), SPW_INVAL);
    assert_string_equal(spw_diag_at(diag, 0), "f:1:1: error: the document lacks 'state'");
    assert_string_equal(spw_diag_at(diag, 1), "f:1:10: error: 'state' must be bytes in hex");
    assert_string_equal(spw_diag_at(diag, 2), "f:1:10: error: 'state' must be bytes in hex");
    spw_diag_free(diag);
    spw_json_buffer_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_column),   cmocka_unit_test(test_zones_and_grades),
                                       cmocka_unit_test(test_defaults),       cmocka_unit_test(test_messages),
                                       cmocka_unit_test(test_unused_is_told), cmocka_unit_test(test_cut_short),
                                       cmocka_unit_test(test_head),           cmocka_unit_test(test_tick),
                                       cmocka_unit_test(test_state)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

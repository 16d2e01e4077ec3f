/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Metric values and node groups: what is asked, what is read out of the answers, what ages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sched/kube/inventory.h"
#include "sched/kube/meters.h"
#include "tests/support/kube_rig.h"

#define S    SPW_NS_PER_S
#define UNIX (INT64_C(1790000000) * S)
#define THEN (UNIX - 20 * S)
#define AT   "\"timestamp\":\"2026-09-21T14:13:00Z\"" /* THEN */

/* A wire that knows a few answers by heart. */
typedef struct canned {
    const char *path;
    int status;
    const char *body;
} canned;

typedef struct parrot {
    const canned *answers;
    size_t answer_count;
    kube_call pending[8];
    char paths[8][300];
    size_t pending_count;
    char asked[16][300];
    size_t asked_count;
} parrot;

static spw_rc start_call(void *self, const kube_call *call, uint64_t *ticket)
{
    parrot *p = self;
    (void)snprintf(p->paths[p->pending_count], sizeof p->paths[0], "%s", call->path);
    (void)snprintf(p->asked[p->asked_count++ % 16], sizeof p->asked[0], "%s", call->path);
    p->pending[p->pending_count++] = *call;
    *ticket = p->asked_count;
    return SPW_OK;
}

static void cancel_call(void *self, uint64_t ticket)
{
    (void)self;
    (void)ticket;
}

static spw_rc run_calls(void *self, spw_dur longest)
{
    parrot *p = self;
    (void)longest;
    const size_t n = p->pending_count;
    p->pending_count = 0;
    for (size_t i = 0; i < n; i++) {
        canned say = {.status = 404, .body = "404 page not found\n"};
        for (size_t k = 0; k < p->answer_count; k++) {
            say = strcmp(p->answers[k].path, p->paths[i]) == 0 ? p->answers[k] : say;
        }
        const kube_answer answer = {.end = KUBE_END_ANSWERED,
                                    .status = say.status,
                                    .retry_after = -1,
                                    .body = say.body,
                                    .size = strlen(say.body),
                                    .error = ""};
        p->pending[i].done(p->pending[i].user, &answer);
    }
    return SPW_OK;
}

static kube_wire wire_of(parrot *p)
{
    return (kube_wire){.self = p, .start = start_call, .cancel = cancel_call, .run = run_calls};
}

/* One meter, one answer: its rows. */
typedef struct reading {
    parrot p;
    kube_wire wire;
    kube_rig rig;
    kube_meters *meters;
    const kube_metric_row *rows;
    size_t count;
    kube_meter_state state;
} reading;

static void look(reading *r)
{
    r->count = kube_meters_rows(r->meters, &r->rows);
    assert_true(kube_meters_report(r->meters, 0, &r->state));
}

static void ask(reading *r, const kube_meter_spec *spec, const canned *answers, size_t count)
{
    memset(r, 0, sizeof *r);
    rig_start(&r->rig, KUBE_MODE_KUBERNETES);
    r->p.answers = answers;
    r->p.answer_count = count;
    r->wire = wire_of(&r->p);
    r->meters = kube_meters_new(spec, 1, r->rig.fleet, &r->wire, 1);
    assert_non_null(r->meters);
    (void)kube_meters_step(r->meters, 0, UNIX);
    (void)r->wire.run(&r->p, S);
    look(r);
}

static void stop(reading *r)
{
    kube_meters_free(r->meters);
    rig_stop(&r->rig);
}

static void usage_of_pods_stands_beside_their_requests(void **state)
{
    (void)state;
    reading r;
    const kube_meter_spec spec = {
        .kind = KUBE_METER_RESOURCE, .prefix = "/p", .cluster = "idc", .space = "prod", .selector = "app in (a,b)"};
    const canned answers[] = {
        {"/p/apis/metrics.k8s.io/v1beta1/namespaces/prod/pods?labelSelector=app%20in%20%28a%2Cb%29", 200,
         "{\"kind\":\"PodMetricsList\",\"items\":[{\"metadata\":{\"name\":\"x\",\"namespace\":\"prod\"}," AT
         ",\"window\":\"1m0.5s\",\"containers\":[{\"usage\":{\"cpu\":\"1250500000n\",\"memory\":\"1Ki\"}},"
         "{\"usage\":{\"cpu\":\"2m\",\"memory\":\"1\"}}]},"
         "{\"metadata\":{\"name\":\"half\"}," AT ",\"window\":\"15s\",\"containers\":[{\"usage\":{\"cpu\":\"1\"}},"
         "{\"usage\":{\"memory\":\"5\"}}]},{\"metadata\":{\"name\":\"none\"},\"containers\":[]}]}"}};
    ask(&r, &spec, answers, 1);
    assert_int_equal(r.count, 2); /* half: one container says no cpu, the other no memory */
    assert_true(r.rows[0].of_pod);
    assert_string_equal(r.rows[0].name, "x");
    assert_string_equal(r.rows[0].metric, "cpu");
    assert_int_equal(r.rows[0].value_milli, 1251 + 2); /* rounded up */
    assert_true(r.rows[0].sampled == THEN);
    assert_true(r.rows[0].window == 60 * S + S / 2);
    assert_string_equal(r.rows[1].metric, "memory");
    assert_int_equal(r.rows[1].value_milli, 1025000);
    assert_int_equal(r.rows[0].request_milli, 0); /* the fleet has not seen this pod */
    stop(&r);
}

static void requests_come_from_the_fleet(void **state)
{
    (void)state;
    kube_rig rig;
    rig_start(&rig, KUBE_MODE_KUBERNETES);
    kw_put(
        rig.world, RIG_ACK, "/api/v1/pods",
        "{\"metadata\":{\"name\":\"x\",\"namespace\":\"prod\"},\"spec\":{\"containers\":[{\"resources\":{\"requests\":{"
        "\"cpu\":\"2\",\"memory\":\"3Ki\"}}}]}}");
    kw_put(
        rig.world, RIG_ACK, "/apis/metrics.k8s.io/v1beta1/pods",
        "{\"metadata\":{\"name\":\"x\",\"namespace\":\"prod\"},\"window\":\"30s\",\"containers\":[{\"usage\":{\"cpu\":"
        "\"500m\",\"memory\":\"1Ki\"}}]}");
    rig_live(&rig, S);
    const kube_meter_spec spec = {
        .kind = KUBE_METER_RESOURCE, .server = RIG_ACK, .cluster = "ack", .space = "prod", .period = 15 * S};
    kube_meters *m = kube_meters_new(&spec, 1, rig.fleet, &rig.wire, 1);
    const kube_metric_row *rows = NULL;
    (void)kube_meters_step(m, kw_now(rig.world), UNIX);
    rig_live(&rig, S);
    assert_int_equal(kube_meters_rows(m, &rows), 2);
    assert_int_equal(rows[0].request_milli, 2000);
    assert_int_equal(rows[1].request_milli, 3 * 1024 * 1000);
    assert_true(rows[0].sampled == UNIX); /* no time in it: when it was asked */
    kube_meters_free(m);
    rig_stop(&rig);
}

/* v1beta2 is not served: plain text. Then v1beta1 is asked. */
static void custom_metrics_of_pods_in_either_version(void **state)
{
    (void)state;
    reading r;
    const kube_meter_spec spec = {
        .kind = KUBE_METER_PODS, .cluster = "idc", .metric = "queue", .series = "vllm:waiting", .space = "prod"};
    const canned answers[] = {
        {"/apis/custom.metrics.k8s.io/v1beta1/namespaces/prod/pods/*/vllm:waiting", 200,
         "{\"kind\":\"MetricValueList\",\"items\":[{\"describedObject\":{\"kind\":\"Pod\",\"name\":\"x\"},"
         "\"metricName\":\"vllm:waiting\"," AT ",\"window\":60,\"value\":\"1500m\"},"
         "{\"describedObject\":{\"name\":\"y\"},\"value\":\"-1\"}]}"}};
    ask(&r, &spec, answers, 1);
    assert_int_equal(r.count, 0);
    assert_int_equal(r.state.trouble.verdict, KUBE_ABSENT);
    assert_string_equal(r.p.asked[0], "/apis/custom.metrics.k8s.io/v1beta2/namespaces/prod/pods/*/vllm:waiting");
    (void)kube_meters_step(r.meters, 3 * S, UNIX);
    (void)r.wire.run(&r.p, S);
    look(&r);
    assert_int_equal(r.count, 1);
    assert_string_equal(r.rows[0].metric, "queue");
    assert_int_equal(r.rows[0].value_milli, 1500);
    assert_true(r.rows[0].window == 60 * S);
    stop(&r);
}

static void one_value_of_an_object_and_the_sum_from_outside(void **state)
{
    (void)state;
    reading r;
    const kube_meter_spec object = {
        .kind = KUBE_METER_OBJECT, .metric = "rps", .space = "prod", .name = "chat", .object = "services/chat"};
    const canned one[] = {{"/apis/custom.metrics.k8s.io/v1beta2/namespaces/prod/services/chat/rps", 200,
                           "{\"items\":[{\"metric\":{\"name\":\"rps\"}," AT
                           ",\"windowSeconds\":30,\"value\":\"42\"}]}"}};
    ask(&r, &object, one, 1);
    assert_int_equal(r.count, 1);
    assert_false(r.rows[0].of_pod);
    assert_string_equal(r.rows[0].name, "chat");
    assert_int_equal(r.rows[0].value_milli, 42000);
    stop(&r);

    const kube_meter_spec outside = {
        .kind = KUBE_METER_EXTERNAL, .metric = "depth", .space = "prod", .name = "chat", .selector = "q=a"};
    const canned many[] = {{"/apis/external.metrics.k8s.io/v1beta1/namespaces/prod/depth?labelSelector=q%3Da", 200,
                            "{\"items\":[{\"metricName\":\"depth\",\"timestamp\":\"2026-09-21T14:13:10Z\",\"value\":"
                            "\"2\"},{\"metricName\":\"depth\"," AT ",\"value\":\"500m\"}]}"}};
    ask(&r, &outside, many, 1);
    assert_int_equal(r.count, 1);
    assert_int_equal(r.rows[0].value_milli, 2500);
    assert_true(r.rows[0].sampled == THEN); /* the older one */
    stop(&r);
}

static void prometheus(const char *body, bool per_pod, size_t rows, int64_t milli, const char *trouble)
{
    reading r;
    const kube_meter_spec spec = {.kind = KUBE_METER_PROMETHEUS,
                                  .prefix = "/prom",
                                  .cluster = "idc",
                                  .metric = "rate",
                                  .space = "prod",
                                  .name = "chat",
                                  .query = "sum(rate(x[1m]))",
                                  .pod_label = per_pod ? "pod" : NULL,
                                  .cluster_label = per_pod ? "cluster" : NULL};
    const canned answers[] = {{"/prom/api/v1/query?query=sum%28rate%28x%5B1m%5D%29%29", 200, body}};
    ask(&r, &spec, answers, 1);
    if (r.count != rows || strcmp(r.state.trouble.text, trouble) != 0) {
        fail_msg("%s\n%zu rows, '%s'", body, r.count, r.state.trouble.text);
    }
    if (rows > 0) {
        assert_int_equal(r.rows[0].value_milli, milli);
        assert_true(r.rows[0].sampled == THEN + S / 4);
        assert_string_equal(r.rows[0].name, per_pod ? "p1" : "chat");
    }
    if (per_pod && rows > 0) {
        assert_string_equal(r.rows[0].cluster, "ack");
    }
    stop(&r);
}

#define VECTOR(list) "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[" list "]}}"
#define POD(name, v) "{\"metric\":{\"pod\":\"" name "\",\"cluster\":\"ack\"},\"value\":[1789999980.25,\"" v "\"]}"

static void instant_queries(void **state)
{
    (void)state;
    prometheus(VECTOR(POD("x", "1.5")), false, 1, 1500, "");
    prometheus("{\"status\":\"success\",\"data\":{\"resultType\":\"scalar\",\"result\":[1789999980.25,\"7e3\"]}}",
               false, 1, 7000000, "");
    prometheus(VECTOR(""), false, 0, 0, "the query gives no series");
    prometheus(VECTOR(POD("x", "1") "," POD("y", "2")), false, 0, 0, "the query gives several series");
    prometheus(VECTOR(POD("x", "NaN")), false, 0, 0, "the value is no number of at least 0");
    prometheus(VECTOR(POD("x", "+Inf")), false, 0, 0, "the value is no number of at least 0");
    prometheus(VECTOR(POD("x", "-1")), false, 0, 0, "the value is no number of at least 0");
    prometheus(VECTOR(POD("x", "1 2")), false, 0, 0, "the value is no number of at least 0");
    prometheus(VECTOR(POD("p1", "0.0004") "," POD("p2", "NaN") "," POD("p3", "3")), true, 2, 0, "");
    prometheus(VECTOR(""), true, 0, 0, "");
    prometheus("{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[]}}", false, 0, 0,
               "the query gives no vector and no scalar");
    prometheus("{\"status\":\"error\",\"error\":\"x\"}", false, 0, 0, "the query gives no vector and no scalar");
    prometheus("[1]", false, 0, 0, "the answer is no JSON object");
}

/* No answer: the old rows stay, with their old time; the tries are 1 to 2 s apart, then 2 to 4, ... up to 1 to 2 min.
 */
static void what_was_known_ages(void **state)
{
    (void)state;
    reading r;
    const kube_meter_spec spec = {.kind = KUBE_METER_EXTERNAL, .metric = "depth", .space = "prod", .name = "chat"};
    const canned good[] = {
        {"/apis/external.metrics.k8s.io/v1beta1/namespaces/prod/depth", 200, "{\"items\":[{" AT ",\"value\":\"2\"}]}"}};
    ask(&r, &spec, good, 1);
    assert_int_equal(r.count, 1);
    r.p.answer_count = 0;
    spw_time now = 15 * S, last = now;
    int tries = 0;
    for (; tries < 10; tries++) {
        (void)kube_meters_step(r.meters, now, UNIX + now);
        (void)r.wire.run(&r.p, S);
        last = kube_meters_step(r.meters, now, UNIX + now);
        const spw_dur wait = last - now, least = tries < 6 ? (S << tries) : 60 * S;
        assert_true(wait >= least && wait <= 2 * least);
        now = last;
    }
    look(&r);
    assert_int_equal(r.count, 1);
    assert_true(r.rows[0].sampled == THEN);
    assert_int_equal(r.state.failures, 10);
    r.p.answer_count = 1;
    (void)kube_meters_step(r.meters, now, UNIX + now);
    (void)r.wire.run(&r.p, S);
    look(&r);
    assert_int_equal(r.state.answers, 2);
    assert_int_equal(r.state.trouble.verdict, KUBE_OK);
    stop(&r);
}

/* --- inventory ------------------------------------------------------------------------------------------------- */

static const kube_inventory_row *listed(const char *text, size_t *count, kube_inventory **v, char *trouble)
{
    static const char *argv[] = {"/bin/sh", "-c", NULL, NULL};
    static const kube_wire none;
    const kube_inventory_row *rows = NULL;
    kube_inventory_state state;
    argv[2] = text;
    const kube_inventory_spec spec = {.argv = argv};
    *v = kube_inventory_new(&spec, &none);
    assert_non_null(*v);
    (void)kube_inventory_step(*v, 0, UNIX);
    *count = kube_inventory_rows(*v, &rows);
    kube_inventory_state_get(*v, &state);
    (void)snprintf(trouble, 200, "%s", state.trouble);
    return rows;
}

static void a_program_tells_of_pools(void **state)
{
    (void)state;
    kube_inventory *v = NULL;
    size_t n = 0;
    char trouble[200];
    const kube_inventory_row *rows =
        listed("echo '{\"pools\":[{\"cluster\":\"ack\",\"pool\":\"od\",\"target\":4,\"stock\":null,\"failures\":2},"
               "{\"cluster\":\"ack\",\"pool\":\"spot\",\"stock\":9,\"observed_ns\":5}]}'",
               &n, &v, trouble);
    assert_string_equal(trouble, "");
    assert_int_equal(n, 2);
    assert_string_equal(rows[0].pool, "od");
    assert_int_equal(rows[0].target, 4);
    assert_int_equal(rows[0].stock, -1);
    assert_int_equal(rows[0].failures, 2);
    assert_true(rows[0].observed == UNIX);
    assert_int_equal(rows[1].target, -1);
    assert_int_equal(rows[1].stock, 9);
    assert_true(rows[1].observed == 5);
    kube_inventory_free(v);
}

static void what_a_program_may_not_say(void **state)
{
    (void)state;
    const struct {
        const char *script, *trouble;
    } cases[] = {
        {"echo nothing", "no JSON object with 'pools' alone"},
        {"echo '{\"pools\":[],\"more\":1}'", "no JSON object with 'pools' alone"},
        {"echo '{\"pools\":[{\"pool\":\"od\"}]}'", "without 'cluster' and 'pool'"},
        {"echo '{\"pools\":[{\"cluster\":\"a\",\"pool\":\"od\",\"stok\":1}]}'", "unknown key"},
        {"echo '{\"pools\":[{\"cluster\":\"a\",\"pool\":\"od\",\"stock\":-1}]}'", "no integer in its range"},
        {"echo '{\"pools\":[{\"cluster\":\"a\",\"pool\":\"od\",\"target\":1.5}]}'", "no integer in its range"},
        {"echo '{\"pools\":[{\"cluster\":\"a\",\"pool\":\"od\"},{\"cluster\":\"a\",\"pool\":\"od\"}]}'", "twice"},
        {"echo no credentials >&2; exit 1", "no credentials"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kube_inventory *v = NULL;
        size_t n = 0;
        char trouble[200];
        (void)listed(cases[i].script, &n, &v, trouble);
        assert_int_equal(n, 0);
        if (strstr(trouble, cases[i].trouble) == NULL) {
            fail_msg("%s: %s", cases[i].script, trouble);
        }
        kube_inventory_free(v);
    }
}

static void objects_tell_of_targets(void **state)
{
    (void)state;
    parrot p = {0};
    const char *argv[] = {"/bin/sh", "-c", "echo '{\"pools\":[{\"cluster\":\"ack\",\"pool\":\"od\",\"stock\":7}]}'",
                          NULL};
    const canned answers[] = {{"/a/od", 200, "{\"spec\":{\"replicas\":3}}"}, {"/a/x", 200, "{\"spec\":{}}"}};
    const kube_inventory_object objects[] = {
        {.cluster = "ack", .pool = "od", .path = "/a/od", .target = "spec.replicas"},
        {.cluster = "ack", .pool = "x", .path = "/a/x", .target = "spec.replicas"},
        {.cluster = "ack", .pool = "y", .path = "/a/y", .target = "spec.replicas"}};
    const kube_inventory_spec spec = {.objects = objects, .object_count = 3, .argv = argv};
    p.answers = answers;
    p.answer_count = 2;
    const kube_wire wire = wire_of(&p);
    kube_inventory *v = kube_inventory_new(&spec, &wire);
    const kube_inventory_row *rows = NULL;
    kube_inventory_state st;
    (void)kube_inventory_step(v, 0, UNIX);
    (void)wire.run(wire.self, S);
    assert_int_equal(kube_inventory_rows(v, &rows), 1);
    assert_int_equal(rows[0].target, 3);
    assert_int_equal(rows[0].stock, 7);
    kube_inventory_state_get(v, &st);
    assert_int_equal(st.answers, 2);
    assert_int_equal(st.failures, 2);
    kube_inventory_free(v);
}

/* A new list of meters: the one that stays keeps what it knows, and its own texts may go. */
static void meters_that_stay_keep_what_they_know(void **state)
{
    (void)state;
    reading r;
    char metric[] = "rps", space[] = "prod", name[] = "chat", object[] = "services/chat";
    const kube_meter_spec old = {
        .kind = KUBE_METER_OBJECT, .metric = metric, .space = space, .name = name, .object = object};
    const kube_meter_spec specs[] = {
        {.kind = KUBE_METER_OBJECT, .metric = "rps", .space = "prod", .name = "chat", .object = "services/code"},
        {.kind = KUBE_METER_OBJECT, .metric = "rps", .space = "prod", .name = "chat", .object = "services/chat"}};
    const canned one[] = {{"/apis/custom.metrics.k8s.io/v1beta2/namespaces/prod/services/chat/rps", 200,
                           "{\"items\":[{" AT ",\"value\":\"42\"}]}"}};
    kube_meter_state st;
    const kube_metric_row *rows = NULL;
    ask(&r, &old, one, 1);
    kube_meters_said(r.meters, 0, true);
    kube_meters *anew = kube_meters_new(specs, 2, r.rig.fleet, &r.wire, 2);
    kube_meters_adopt(anew, r.meters);
    kube_meters_free(r.meters);
    r.meters = anew;
    memset(metric, 'x', sizeof metric - 1);
    memset(space, 'x', sizeof space - 1);
    memset(name, 'x', sizeof name - 1);
    assert_int_equal(kube_meters_rows(anew, &rows), 1);
    assert_string_equal(rows[0].metric, "rps");
    assert_string_equal(rows[0].space, "prod");
    assert_string_equal(rows[0].name, "chat");
    assert_int_equal(rows[0].value_milli, 42000);
    assert_true(kube_meters_report(anew, 0, &st));
    assert_int_equal(st.answers, 0);
    assert_true(st.sampled == SPW_TIME_MAX);
    assert_true(kube_meters_report(anew, 1, &st));
    assert_int_equal(st.answers, 1);
    assert_true(st.said);
    assert_true(st.spec == &specs[1]);
    (void)kube_meters_step(anew, S, UNIX); /* the new one is asked for, the other is not due */
    assert_int_equal(r.p.pending_count, 1);
    stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usage_of_pods_stands_beside_their_requests),
        cmocka_unit_test(requests_come_from_the_fleet),
        cmocka_unit_test(custom_metrics_of_pods_in_either_version),
        cmocka_unit_test(one_value_of_an_object_and_the_sum_from_outside),
        cmocka_unit_test(instant_queries),
        cmocka_unit_test(what_was_known_ages),
        cmocka_unit_test(meters_that_stay_keep_what_they_know),
        cmocka_unit_test(a_program_tells_of_pools),
        cmocka_unit_test(what_a_program_may_not_say),
        cmocka_unit_test(objects_tell_of_targets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * test_scale_owners.c - owners of a replica count inside the core: from manifests and snapshots to SCALE actions. What
 * a single scaler computes has its own tests; here it is who is asked, what it is shown, and when it must let go.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <spillway/core.h>
#include <spillway/manifest.h>
#include <spillway/seam.h>

#define S SPW_NS_PER_S

#define DEPLOYMENT                                                                                                     \
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  replicas: 2\n  template:\n"                  \
    "    spec:\n      containers: [{name: c, image: i}]\n---\n"                                                        \
    "apiVersion: policy.one.alibabacloud.com/v1alpha1\nkind: PropagationPolicy\nmetadata: {name: p}\nspec:\n"          \
    "  resourceSelectors: [{apiVersion: apps/v1, kind: Deployment, name: d}]\n"                                        \
    "  placement: {replicaScheduling: {replicaSchedulingType: Divided, replicaDivisionPreference: Aggregated}}\n---\n"
#define TARGET "  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: d}\n"
#define QUEUE_TEXT                                                                                                     \
    DEPLOYMENT "apiVersion: scaling.spillway.dev/v1alpha1\nkind: QueueScaler\nmetadata: {name: q}\nspec:\n" TARGET     \
               "  maxReplicas: 50\n  rate: {metric: offered}\n  service: {ratePerReplica: 1}\n"                        \
               "  objective: {wait: 0s, percentile: 50%, utilization: 50%}\n  scaleDownHold: 60s\n"
#define CRON_TEXT                                                                                                      \
    DEPLOYMENT                                                                                                         \
    "apiVersion: autoscaling.karmada.io/v1alpha1\nkind: CronFederatedHPA\nmetadata: {name: c}\nspec:\n" TARGET         \
    "  rules:\n  - {name: up, schedule: '0 8 * * *', targetReplicas: 9, timeZone: '+08:00'}\n"

typedef struct stage {
    spw_manifest_set *set;
    spw_diag *diag;
    const spw_config *config;
    spw_settings settings;
    spw_core *core;
    spw_plan *plan;
    int32_t replicas; /* of the template, as the snapshot shows it */
    bool deaf;        /* plans are not carried out */
    int64_t value;    /* of "offered", milli; < 0 = no row */
    spw_dur value_age;
} stage;

static void begin(stage *s, const char *text)
{
    *s = (stage){.replicas = 2, .value = -1};
    s->set = spw_manifest_new(NULL);
    assert_int_equal(spw_diag_new(NULL, 10, &s->diag), SPW_OK);
    if (spw_manifest_add_text(s->set, "f.yaml", text, strlen(text), s->diag) != SPW_OK ||
        spw_manifest_config(s->set, s->diag, &s->config) != SPW_OK) {
        fail_msg("%s", spw_diag_at(s->diag, 0));
    }
    spw_settings_default(&s->settings);
}

static void start(stage *s)
{
    spw_err err = {0};
    if (spw_core_new(&s->settings, s->config, spw_mem_libc(), &s->core, &err) != SPW_OK) {
        fail_msg("%s: %s", err.field, err.text);
    }
    assert_int_equal(spw_plan_new(spw_mem_libc(), 16, 4, &s->plan), SPW_OK);
}

static void end(stage *s)
{
    spw_core_free(s->core);
    spw_plan_free(s->plan);
    spw_manifest_free(s->set);
    spw_diag_free(s->diag);
}

static void decide(stage *s, spw_core *core, int64_t now_s)
{
    static const char *const name[] = {"default/d"};
    const spw_id work[] = {0};
    const uint64_t key[] = {spw_key2("default", "d")};
    const uint64_t metric[] = {spw_key("offered")};
    const spw_time observed[] = {now_s * S - s->value_age};
    const spw_snapshot snap = {.version = SPW_API_VERSION,
                               .now = now_s * S,
                               .workloads = {.count = 1, .key = key, .name = name, .replicas = &s->replicas},
                               .values = {.count = s->value >= 0 ? 1 : 0,
                                          .workload = work,
                                          .metric = metric,
                                          .value_milli = &s->value,
                                          .observed = observed}};
    spw_err err = {0};
    if (spw_snapshot_check(&snap, &err) != SPW_OK || spw_decide(core, &snap, s->plan, &err) != SPW_OK) {
        fail_msg("%s: %s", err.field, err.text);
    }
}

/* One tick; the count is carried out unless deaf. @return the reason of the action, or of the outcome if there is none
 */
static spw_reason tick(stage *s, int64_t now_s)
{
    spw_reason why = SPW_WHY_NONE;
    decide(s, s->core, now_s);
    for (size_t i = 0; i < spw_plan_count(s->plan); i++) {
        const spw_action *a = spw_plan_at(s->plan, i);
        if (a->verb == SPW_VERB_SCALE) {
            assert_int_equal(a->before, s->replicas);
            why = a->reason;
            s->replicas = s->deaf ? s->replicas : (int32_t)a->amount;
        }
    }
    for (size_t i = 0; i < spw_plan_outcome_count(s->plan) && why == SPW_WHY_NONE; i++) {
        why = spw_plan_outcome_at(s->plan, i)->scale_reason;
    }
    return why;
}

static void test_timetable_in_unix_time(void **state)
{
    stage s;
    (void)state;
    begin(&s, CRON_TEXT);
    s.settings.unix_offset = 1767225600 * S - 1000 * S; /* the origin is 1000 s before 2026-01-01T00:00:00Z */
    start(&s);
    (void)tick(&s, 970);
    assert_int_equal(s.replicas, 2);
    (void)tick(&s, 985);
    assert_int_equal(s.replicas, 2);
    assert_int_equal(tick(&s, 1000), SPW_WHY_SCHEDULE); /* 08:00 at +08:00 */
    assert_int_equal(s.replicas, 9);
    s.replicas = 4;
    (void)tick(&s, 1015);
    (void)tick(&s, 1030); /* another change by hand: a timetable lets go of the count between its fires */
    s.replicas = 5;
    (void)tick(&s, 1045);
    assert_int_equal(s.replicas, 5);
    end(&s);
}

static void test_bounds_of_a_federated_hpa(void **state)
{
    stage s;
    (void)state;
    begin(&s, DEPLOYMENT
          "apiVersion: autoscaling.karmada.io/v1alpha1\nkind: FederatedHPA\nmetadata: {name: f}\nspec:\n" TARGET
          "  minReplicas: 1\n  maxReplicas: 10\n"
          "  metrics: [{type: External, external: {metric: {name: offered}, target: {type: AverageValue, "
          "averageValue: 1}}}]\n---\n"
          "apiVersion: autoscaling.karmada.io/v1alpha1\nkind: CronFederatedHPA\nmetadata: {name: c}\n"
          "spec:\n  scaleTargetRef: {kind: FederatedHPA, name: f}\n"
          "  rules:\n  - {name: up, schedule: '1 0 * * *', targetMinReplicas: 6}\n"
          "  - {name: down, schedule: '30 0 * * *', targetMinReplicas: 1, targetMaxReplicas: 3}\n");
    start(&s);
    assert_int_equal(tick(&s, 0), SPW_WHY_SPEC);
    assert_int_equal(tick(&s, 60), SPW_WHY_BELOW_MIN);
    assert_int_equal(s.replicas, 6);
    for (int64_t t = 75; t < 1800; t += 15) {
        (void)tick(&s, t);
        assert_int_equal(s.replicas, 6);
    }
    assert_int_equal(tick(&s, 1800), SPW_WHY_ABOVE_MAX);
    assert_int_equal(s.replicas, 3);
    end(&s);
}

static void test_queue_is_wired(void **state)
{
    stage s;
    (void)state;
    begin(&s, QUEUE_TEXT);
    start(&s);
    s.value = 5000;
    assert_int_equal(tick(&s, 0), SPW_WHY_QUEUE_ABOVE);
    assert_int_equal(s.replicas, 10); /* half of the slots busy: 5 / 0.5 */
    s.value = 20000;
    (void)tick(&s, 10); /* not due */
    assert_int_equal(s.replicas, 10);
    (void)tick(&s, 15);
    assert_true(s.replicas > 10);
    end(&s);
}

/* A value older than stale_after is none; so is one that is not there. */
static void test_old_values_are_none(void **state)
{
    stage s;
    (void)state;
    begin(&s, QUEUE_TEXT);
    start(&s);
    s.value = 9000;
    s.value_age = 121 * S;
    (void)tick(&s, 1000);
    assert_int_equal(s.replicas, 2);
    s.value_age = 120 * S;
    (void)tick(&s, 1015);
    assert_int_equal(s.replicas, 18);
    end(&s);
}

/* Somebody sets the count back after every write: the second time within ten minutes, the scaler lets go for ten. */
static void test_fight(void **state)
{
    stage s;
    int64_t t = 0;
    (void)state;
    begin(&s, QUEUE_TEXT);
    start(&s);
    s.value = 5000;
    (void)tick(&s, t);
    assert_int_equal(s.replicas, 10);
    (void)tick(&s, t += 15); /* the write has shown */
    s.replicas = 3;
    assert_int_equal(tick(&s, t += 15), SPW_WHY_QUEUE_ABOVE); /* once: taken back */
    assert_int_equal(s.replicas, 10);
    (void)tick(&s, t += 15);
    s.replicas = 3;
    assert_int_equal(tick(&s, t += 15), SPW_WHY_FOUGHT);
    int64_t frozen = t;
    while (t + 15 < frozen + 600) {
        assert_int_equal(tick(&s, t += 15), SPW_WHY_FOUGHT);
        assert_int_equal(s.replicas, 3);
    }
    assert_int_equal(tick(&s, t + 15), SPW_WHY_QUEUE_ABOVE);
    assert_int_equal(s.replicas, 10);
    end(&s);
}

/* Two changes by hand more than ten minutes apart are no fight, and with a window of 0 nothing is. */
static void test_no_fight(void **state)
{
    (void)state;
    for (int round = 0; round < 2; round++) {
        stage s;
        begin(&s, QUEUE_TEXT);
        s.settings.fight_window = round == 0 ? s.settings.fight_window : 0;
        start(&s);
        s.value = 5000;
        for (int64_t t = 0; t < 3600; t += 15) {
            if (t % (round == 0 ? 630 : 60) == 30) {
                s.replicas = 4;
            }
            assert_int_not_equal(tick(&s, t), SPW_WHY_FOUGHT);
            assert_int_equal(s.replicas, 10);
        }
        end(&s);
    }
}

/* Writes that show late, one after the other, are the scaler's own. */
static void test_late_writes_are_no_fight(void **state)
{
    stage s;
    (void)state;
    begin(&s, QUEUE_TEXT);
    start(&s);
    s.deaf = true;
    for (int64_t round = 0; round < 3; round++) {
        int64_t t = round * 60;
        int32_t base = s.replicas;
        s.value = 2000 + 4000 * round;
        assert_int_equal(tick(&s, t), SPW_WHY_QUEUE_ABOVE); /* not shown yet ... */
        int32_t first = (int32_t)spw_plan_at(s.plan, 0)->amount;
        s.value += 2000;
        assert_int_equal(tick(&s, t + 15), SPW_WHY_QUEUE_ABOVE); /* ... when the next one is on its way */
        int32_t second = (int32_t)spw_plan_at(s.plan, 0)->amount;
        assert_true(base < first && first < second);
        s.replicas = first;
        assert_int_equal(tick(&s, t + 30), SPW_WHY_QUEUE_ABOVE);
        s.replicas = second;
        assert_int_not_equal(tick(&s, t + 45), SPW_WHY_FOUGHT);
    }
    end(&s);
}

/* A write that does not arrive is repeated; after promise_ttl it counts as a fight, as nothing tells it from one. */
static void test_writes_that_never_show(void **state)
{
    stage s;
    int64_t t = 0;
    (void)state;
    begin(&s, QUEUE_TEXT);
    start(&s);
    s.value = 5000;
    s.deaf = true;
    for (; t < 600; t += 15) {
        assert_int_equal(tick(&s, t), SPW_WHY_QUEUE_ABOVE);
    }
    assert_int_equal(tick(&s, t), SPW_WHY_FOUGHT); /* 300 s and 600 s after the first write */
    end(&s);
}

/* --- the loop: a write that the actuator refused is nobody's --- */

typedef struct ends {
    stage *s;
    int64_t now_s;
} ends;

static spw_rc submit_fails(void *self, const spw_action *action, uint64_t ticket, spw_err *err)
{
    (void)self;
    (void)action;
    (void)ticket;
    (void)err;
    return SPW_BACKEND;
}

static spw_rc observe(void *self, spw_time now, const spw_snapshot **out, spw_err *err)
{
    static spw_snapshot snap;
    static const char *const name[] = {"default/d"};
    static uint64_t key, metric;
    static spw_time observed;
    static const spw_id work = 0;
    ends *e = self;
    (void)err;
    key = spw_key2("default", "d");
    metric = spw_key("offered");
    observed = now;
    snap = (spw_snapshot){
        .version = SPW_API_VERSION,
        .now = now,
        .workloads = {.count = 1, .key = &key, .name = name, .replicas = &e->s->replicas},
        .values = {
            .count = 1, .workload = &work, .metric = &metric, .value_milli = &e->s->value, .observed = &observed}};
    *out = &snap;
    return SPW_OK;
}

static void test_a_refused_write_is_no_fight(void **state)
{
    stage s;
    ends e = {&s, 0};
    spw_loop *loop = NULL;
    (void)state;
    begin(&s, QUEUE_TEXT);
    start(&s);
    s.value = 5000;
    spw_source source = {.version = SPW_API_VERSION, .name = "test", .self = &e, .observe = observe};
    spw_actuator actuator = spw_actuator_dry_run();
    actuator.submit = submit_fails;
    assert_int_equal(spw_loop_new(s.core, &source, &actuator, spw_mem_libc(), 16, 4, &loop), SPW_OK);
    for (int64_t t = 0; t < 3600; t += 15) {
        s.replicas = 2 + (int32_t)(t / 15 % 2); /* and the count moves meanwhile */
        assert_int_equal(spw_loop_tick(loop, t * S, NULL), SPW_BACKEND);
        assert_int_equal(spw_plan_count(spw_loop_plan(loop)), 1);
    }
    spw_loop_free(loop);
    end(&s);
}

/* State that is saved and loaded in every tick decides as if it had stayed; the same state gives the same bytes. */
static void test_state(void **state)
{
    static const char *const texts[] = {
        QUEUE_TEXT, CRON_TEXT,
        DEPLOYMENT
        "apiVersion: scaling.spillway.dev/v1alpha1\nkind: ForecastScaler\nmetadata: {name: q}\nspec:\n" TARGET
        "  maxReplicas: 50\n  rate: {metric: offered}\n  service: {ratePerReplica: 1}\n  season: 10m\n  bin: 1m\n",
        DEPLOYMENT "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: k}\nspec:\n" TARGET
                   "  fallback: {failureThreshold: 2, replicas: 5}\n"
                   "  triggers: [{type: prometheus, metadata: {metricName: offered, threshold: '2'}}]\n"};
    (void)state;
    for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++) {
        stage s;
        begin(&s, texts[k]);
        start(&s);
        spw_core *other = NULL;
        assert_int_equal(spw_core_new(&s.settings, s.config, spw_mem_libc(), &other, NULL), SPW_OK);
        for (int64_t t = 0; t < 4000; t += 15) {
            s.value = t % 1000 < 500 ? 1000 + t * 7 % 9000 : t % 1000 < 700 ? -1 : 0;
            if (t % 660 == 0) {
                s.replicas = 6;
            }
            size_t size = spw_state_size(s.core);
            unsigned char *buf = malloc(size);
            assert_int_equal(spw_state_save(s.core, buf, size), SPW_OK);
            if (t > 0) {
                buf[size / 2] ^= 1;
                assert_int_equal(spw_state_load(other, buf, size), SPW_STATE);
                buf[size / 2] ^= 1;
            }
            assert_int_equal(spw_state_load(other, buf, size), SPW_OK);
            free(buf);
            assert_int_equal(spw_state_hash(other), spw_state_hash(s.core));
            decide(&s, other, t);
            char want[500];
            char have[500];
            (void)spw_plan_count(s.plan);
            int64_t amount = spw_plan_count(s.plan) > 0 ? spw_plan_at(s.plan, 0)->amount : -1;
            snprintf(want, sizeof want, "%lld", (long long)amount);
            int32_t before = s.replicas;
            (void)tick(&s, t);
            snprintf(have, sizeof have, "%lld", (long long)(s.replicas == before ? -1 : s.replicas));
            assert_string_equal(want, have);
            assert_int_equal(spw_state_hash(other), spw_state_hash(s.core));
        }
        spw_core_free(other);
        end(&s);
    }
}

static spw_rc try_config(const spw_scaler *scalers, size_t count, spw_id hpa)
{
    static const spw_hpa_metric metric = {
        .kind = SPW_METRIC_PODS, .target_kind = SPW_TARGET_AVERAGE_VALUE, .target = 1, .name = "m"};
    const spw_hpa h = {.name = "h",
                       .replicas_min = 1,
                       .replicas_max = 5,
                       .metrics = &metric,
                       .metric_count = 1,
                       .up = {.window_s = -1, .select = SPW_SELECT_MAX},
                       .down = {.window_s = -1, .select = SPW_SELECT_MAX},
                       .sync_s = 15};
    const spw_workload works[] = {{.key = 1, .name = "a", .policy = SPW_ID_NONE, .hpa = hpa},
                                  {.key = 2, .name = "b", .policy = SPW_ID_NONE, .hpa = SPW_ID_NONE}};
    const spw_config config = {
        .workloads = works, .workload_count = 2, .hpas = &h, .hpa_count = 1, .scalers = scalers, .scaler_count = count};
    spw_settings settings;
    spw_core *core = NULL;
    spw_settings_default(&settings);
    spw_rc rc = spw_core_new(&settings, &config, spw_mem_libc(), &core, NULL);
    if (rc == SPW_OK) {
        spw_core_free(core);
    }
    return rc;
}

static void test_most(void **state)
{
    spw_cron_rule rules[] = {{.replicas = 7, .replicas_min = -1, .replicas_max = -1},
                             {.replicas = -1, .replicas_min = 3, .replicas_max = 11}};
    spw_scaler s;
    (void)state;
    spw_scaler_default(&s, SPW_SCALER_CRON);
    s.as.cron = (spw_cron){rules, 1};
    assert_int_equal(spw_scaler_most(&s), 7);
    s.as.cron.rule_count = 2;
    assert_int_equal(spw_scaler_most(&s), 11);
    spw_scaler_default(&s, SPW_SCALER_KEDA);
    assert_int_equal(spw_scaler_most(&s), 100);
    s.as.keda.replicas_fallback = 120;
    assert_int_equal(spw_scaler_most(&s), 120);
    spw_scaler_default(&s, SPW_SCALER_QUEUE);
    s.as.queue.replicas_max = 5;
    assert_int_equal(spw_scaler_most(&s), 5);
}

static void test_one_owner(void **state)
{
    spw_scaler s[2];
    spw_cron_rule rule = {.name = "r", .replicas = -1, .replicas_min = 2, .replicas_max = -1};
    (void)state;
    assert_null(spw_schedule_parse("@daily", &rule.schedule));
    for (int i = 0; i < 2; i++) {
        spw_scaler_default(&s[i], SPW_SCALER_QUEUE);
        s[i].workload = 0;
        s[i].as.queue.replicas_max = 9;
        s[i].as.queue.rate.name = "m";
        s[i].as.queue.sizing.service_rate_milli = 1;
    }
    assert_int_equal(try_config(s, 1, SPW_ID_NONE), SPW_OK);
    assert_int_equal(try_config(s, 2, SPW_ID_NONE), SPW_INVAL); /* both own workload 0 */
    assert_int_equal(try_config(s, 1, 0), SPW_INVAL);           /* beside an HPA */
    s[1].workload = 1;
    assert_int_equal(try_config(s, 2, SPW_ID_NONE), SPW_OK);
    s[1].workload = 2;
    assert_int_equal(try_config(s, 2, SPW_ID_NONE), SPW_INVAL); /* no such workload */
    s[1].workload = SPW_ID_NONE;
    assert_int_equal(try_config(s, 2, SPW_ID_NONE), SPW_INVAL); /* no target */
    spw_scaler_default(&s[0], SPW_SCALER_CRON);
    s[0].as.cron = (spw_cron){&rule, 1};
    s[0].hpa = 0;
    assert_int_equal(try_config(s, 1, 0), SPW_OK); /* a timetable over an HPA is no second owner */
    s[1] = s[0];
    assert_int_equal(try_config(s, 2, 0), SPW_INVAL);
    rule.replicas_min = 0; /* would sleep for good */
    assert_int_equal(try_config(s, 1, 0), SPW_INVAL);
    s[0].kind = (spw_scaler_kind)9;
    assert_int_equal(try_config(s, 1, 0), SPW_INVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timetable_in_unix_time),
        cmocka_unit_test(test_bounds_of_a_federated_hpa),
        cmocka_unit_test(test_queue_is_wired),
        cmocka_unit_test(test_old_values_are_none),
        cmocka_unit_test(test_fight),
        cmocka_unit_test(test_no_fight),
        cmocka_unit_test(test_late_writes_are_no_fight),
        cmocka_unit_test(test_writes_that_never_show),
        cmocka_unit_test(test_a_refused_write_is_no_fight),
        cmocka_unit_test(test_state),
        cmocka_unit_test(test_most),
        cmocka_unit_test(test_one_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

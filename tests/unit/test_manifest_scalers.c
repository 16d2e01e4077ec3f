/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * test_manifest_scalers.c - the kinds that own a replica count besides the HPA: what is read, what is refused and
 * where, and that a core takes what the reader gives.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <spillway/core.h>
#include <spillway/manifest.h>

#include "sched/manifest/cron_zone.h"

#define S SPW_NS_PER_S

#define DEPLOYMENT(name)                                                                                               \
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " name "}\nspec:\n  replicas: 2\n  template:\n"           \
    "    spec:\n      containers: [{name: c, image: i}]\n"
#define CRON(name, target, rules)                                                                                      \
    "---\napiVersion: autoscaling.karmada.io/v1alpha1\nkind: CronFederatedHPA\nmetadata: {name: " name "}\nspec:\n"    \
    "  scaleTargetRef: {" target "}\n  rules:\n" rules
#define KEDA(body)                                                                                                     \
    "---\napiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: k}\nspec:\n"                              \
    "  scaleTargetRef: {name: d}\n" body
#define QUEUE(kind, body)                                                                                              \
    "---\napiVersion: scaling.spillway.dev/v1alpha1\nkind: " kind "\nmetadata: {name: q}\nspec:\n"                     \
    "  scaleTargetRef: {name: d}\n  maxReplicas: 50\n  rate: {metric: offered}\n" body
#define FED(bounds)                                                                                                    \
    "---\napiVersion: autoscaling.karmada.io/v1alpha1\nkind: FederatedHPA\nmetadata: {name: f}\nspec:\n"               \
    "  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: d}\n" bounds

typedef struct reading {
    spw_manifest_set *set;
    spw_diag *diag;
    const spw_config *config; /* NULL = refused */
} reading;

static reading read_text(const char *text)
{
    reading r = {.set = spw_manifest_new(NULL)};
    assert_int_equal(spw_diag_new(NULL, 50, &r.diag), SPW_OK);
    if (spw_manifest_add_text(r.set, "f.yaml", text, strlen(text), r.diag) == SPW_OK) {
        (void)spw_manifest_config(r.set, r.diag, &r.config);
    }
    return r;
}

static void done(reading *r)
{
    spw_manifest_free(r->set);
    spw_diag_free(r->diag);
}

/* One scaler beside Deployment 'd'; a core takes it. */
static const spw_scaler *only(const reading *r)
{
    spw_settings settings;
    spw_core *core = NULL;
    spw_err err = {0};
    if (r->config == NULL) {
        fail_msg("%s", spw_diag_at(r->diag, 0));
    }
    assert_int_equal(r->config->scaler_count, 1);
    spw_settings_default(&settings);
    if (spw_core_new(&settings, r->config, spw_mem_libc(), &core, &err) != SPW_OK) {
        fail_msg("%s: %s", err.field, err.text);
    }
    spw_core_free(core);
    return &r->config->scalers[0];
}

static void refused(const char *text, const char *message)
{
    reading r = read_text(text);
    bool found = false;
    for (size_t i = 0; i < spw_diag_count(r.diag); i++) {
        found = found || strstr(spw_diag_at(r.diag, i), message) != NULL;
    }
    if (r.config != NULL || !found) {
        fail_msg("wanted '%s', got '%s'", message, spw_diag_count(r.diag) > 0 ? spw_diag_at(r.diag, 0) : "(nothing)");
    }
    done(&r);
}

static void test_timetable_of_a_deployment(void **state)
{
    (void)state;
    reading r =
        read_text(DEPLOYMENT("d") CRON("c", "apiVersion: apps/v1, kind: Deployment, name: d",
                                       "  - {name: up, schedule: '30 8 * * MON-FRI', targetReplicas: 20, timeZone: "
                                       "Asia/Shanghai, successfulHistoryLimit: 3}\n"
                                       "  - {name: down, schedule: '0 20 * * *', targetReplicas: 0, suspend: true}\n"));
    const spw_scaler *s = only(&r);
    assert_int_equal(s->kind, SPW_SCALER_CRON);
    assert_string_equal(s->name, "default/c");
    assert_int_equal(s->workload, 0);
    assert_int_equal(s->hpa, SPW_ID_NONE);
    assert_int_equal(s->as.cron.rule_count, 2);
    const spw_cron_rule *up = &s->as.cron.rules[0];
    assert_string_equal(up->name, "up");
    assert_int_equal(up->schedule.minutes, UINT64_C(1) << 30);
    assert_int_equal(up->schedule.weekdays, 0x3e);
    assert_int_equal(up->utc_offset_s, 28800);
    assert_int_equal(up->replicas, 20);
    assert_int_equal(up->replicas_min, -1);
    assert_true(s->as.cron.rules[1].suspend);
    assert_int_equal(s->as.cron.rules[1].replicas, 0);
    done(&r);
}

static void test_timetable_of_a_federated_hpa(void **state)
{
    (void)state;
    reading r = read_text(DEPLOYMENT("d") FED("  minReplicas: 2\n  maxReplicas: 10\n") CRON(
        "c", "apiVersion: autoscaling.karmada.io/v1alpha1, kind: FederatedHPA, name: f",
        "  - {name: up, schedule: '@daily', targetMinReplicas: 5, targetMaxReplicas: 40}\n"));
    const spw_scaler *s = only(&r);
    assert_int_equal(s->workload, SPW_ID_NONE);
    assert_int_equal(s->hpa, 0);
    assert_int_equal(r.config->workloads[0].hpa, 0);
    assert_int_equal(s->as.cron.rules[0].replicas_max, 40);
    done(&r);
}

static void test_scaled_object(void **state)
{
    (void)state;
    reading r = read_text(DEPLOYMENT("d") KEDA(
        "  pollingInterval: 10\n  cooldownPeriod: 60\n  idleReplicaCount: 0\n  minReplicaCount: 2\n  maxReplicaCount: "
        "30\n"
        "  fallback: {failureThreshold: 4, replicas: 6}\n"
        "  advanced: {horizontalPodAutoscalerConfig: {behavior: {scaleDown: {stabilizationWindowSeconds: 60}}}}\n"
        "  triggers:\n  - type: prometheus\n    name: waiting\n    metricType: Value\n"
        "    metadata: {serverAddress: 'http://p', query: 'sum(x)', threshold: '2.5', activationThreshold: '1'}\n"
        "  - {type: prometheus, metadata: {metricName: rate, threshold: '100'}}\n"));
    const spw_scaler *s = only(&r);
    const spw_keda *k = &s->as.keda;
    assert_int_equal(s->kind, SPW_SCALER_KEDA);
    assert_int_equal(k->polling_s, 10);
    assert_int_equal(k->cooldown_s, 60);
    assert_int_equal(k->replicas_idle, 0);
    assert_int_equal(k->replicas_min, 2);
    assert_int_equal(k->replicas_max, 30);
    assert_int_equal(k->failures_max, 4);
    assert_int_equal(k->replicas_fallback, 6);
    assert_true(k->has_behavior);
    assert_int_equal(k->down.window_s, 60);
    assert_int_equal(k->trigger_count, 2);
    assert_string_equal(k->triggers[0].metric, "waiting");
    assert_int_equal(k->triggers[0].target_kind, SPW_TARGET_VALUE);
    assert_int_equal(k->triggers[0].threshold, 2500);
    assert_int_equal(k->triggers[0].activation, 1000);
    assert_string_equal(k->triggers[1].metric, "rate");
    assert_int_equal(k->triggers[1].target_kind, SPW_TARGET_AVERAGE_VALUE);
    done(&r);
    r = read_text(DEPLOYMENT("d")
                      KEDA("  triggers: [{type: prometheus, metadata: {metricName: r, threshold: '1'}}]\n"));
    k = &only(&r)->as.keda;
    assert_int_equal(k->polling_s, 30);
    assert_int_equal(k->cooldown_s, 300);
    assert_int_equal(k->replicas_min, 0);
    assert_int_equal(k->replicas_max, 100);
    assert_int_equal(k->replicas_idle, -1);
    assert_int_equal(k->replicas_fallback, -1);
    done(&r);
}

#define WISHES(annotations)                                                                                            \
    DEPLOYMENT("d")                                                                                                    \
    "---\napiVersion: keda.sh/v1alpha1\nkind: ScaledObject\n"                                                          \
    "metadata: {name: s, annotations: {" annotations "}}\n"                                                            \
    "spec:\n  scaleTargetRef: {name: d}\n"                                                                             \
    "  triggers: [{type: prometheus, metadata: {metricName: r, threshold: '1'}}]\n"

static void test_scaled_object_annotations(void **state)
{
    (void)state;
    reading r = read_text(WISHES("autoscaling.keda.sh/paused-scale-in: 'true', autoscaling.keda.sh/paused: 'false', "
                                 "autoscaling.keda.sh/force-activation: 'true', a.b/paused: maybe"));
    const spw_keda *k = &only(&r)->as.keda;
    assert_false(k->paused);
    assert_int_equal(k->replicas_paused, -1);
    assert_true(k->scale_in_paused);
    assert_false(k->scale_out_paused);
    assert_true(k->forced_active);
    done(&r);
    r = read_text(WISHES("autoscaling.keda.sh/paused-replicas: '0', autoscaling.keda.sh/paused-scale-out: 'true'"));
    k = &only(&r)->as.keda;
    assert_true(k->paused);
    assert_int_equal(k->replicas_paused, 0);
    assert_true(k->scale_out_paused);
    assert_false(k->forced_active);
    done(&r);
    refused(WISHES("autoscaling.keda.sh/paused: perhaps"), "true or false");
    refused(WISHES("autoscaling.keda.sh/paused-replicas: '-1'"), "paused-replicas");
}

static void test_queue_scaler(void **state)
{
    (void)state;
    reading r = read_text(DEPLOYMENT("d") QUEUE("QueueScaler",
                                                "  minReplicas: 3\n  service: {ratePerReplica: 2500m, concurrency: 8}\n"
                                                "  objective: {wait: 500ms, percentile: 99%, utilization: 85%}\n"
                                                "  window: 90s\n  startupLag: 4m\n  scaleDownHold: 10m\n"
                                                "  growthLimit: 150%\n  syncPeriod: 20s\n"));
    const spw_queue *q = &only(&r)->as.queue;
    assert_int_equal(q->replicas_min, 3);
    assert_int_equal(q->replicas_max, 50);
    assert_string_equal(q->rate.name, "offered");
    assert_int_equal(q->rate.kind, SPW_METRIC_EXTERNAL);
    assert_int_equal(q->sizing.service_rate_milli, 2500);
    assert_int_equal(q->sizing.slots, 8);
    assert_int_equal(q->sizing.wait, S / 2);
    assert_int_equal(q->sizing.percentile_ppm, 990000);
    assert_int_equal(q->sizing.utilization_ppm, 850000);
    assert_int_equal(q->window, 90 * S);
    assert_int_equal(q->lag, 240 * S);
    assert_int_equal(q->hold, 600 * S);
    assert_int_equal(q->growth_max_ppm, 1500000);
    assert_int_equal(q->sync_s, 20);
    done(&r);
}

static void test_forecast_scaler(void **state)
{
    spw_scaler preset;
    (void)state;
    spw_scaler_default(&preset, SPW_SCALER_FORECAST);
    reading r = read_text(DEPLOYMENT("d") QUEUE("ForecastScaler", "  service: {ratePerReplica: 4}\n"));
    const spw_forecast *f = &only(&r)->as.forecast;
    assert_int_equal(f->season, preset.as.forecast.season);
    assert_int_equal(f->bin, preset.as.forecast.bin);
    assert_int_equal(f->confidence_ppm, preset.as.forecast.confidence_ppm);
    assert_int_equal(f->learn_ppm, preset.as.forecast.learn_ppm);
    assert_int_equal(f->sizing.percentile_ppm, preset.as.forecast.sizing.percentile_ppm);
    assert_int_equal(f->level_window, preset.as.forecast.level_window);
    done(&r);
    r = read_text(DEPLOYMENT("d")
                      QUEUE("ForecastScaler", "  service: {ratePerReplica: 4}\n  season: 7d\n  bin: 30m\n"
                                              "  confidence: 99%\n  learningRate: 50%\n  levelWindow: 1h\n"));
    f = &only(&r)->as.forecast;
    assert_int_equal(f->season / f->bin, 336);
    assert_int_equal(f->confidence_ppm, 990000);
    assert_int_equal(f->learn_ppm, 500000);
    assert_int_equal(f->level_window, 3600 * S);
    done(&r);
}

static void test_one_owner(void **state)
{
    (void)state;
    refused(DEPLOYMENT("d") FED("  maxReplicas: 10\n") QUEUE("QueueScaler", "  service: {ratePerReplica: 4}\n"),
            "f.yaml:21:26: error: Deployment 'default/d' has two autoscalers: QueueScaler 'default/q' and FederatedHPA "
            "'default/f' (f.yaml:14)");
    refused(DEPLOYMENT("d") KEDA("  triggers: [{type: prometheus, metadata: {metricName: r, threshold: '1'}}]\n")
                QUEUE("ForecastScaler", "  service: {ratePerReplica: 4}\n"),
            "has two autoscalers");
    refused(DEPLOYMENT("d") FED("  maxReplicas: 10\n")
                CRON("c", "kind: Deployment, name: d", "  - {name: up, schedule: '@daily', targetReplicas: 5}\n"),
            "has two autoscalers: CronFederatedHPA 'default/c' and FederatedHPA 'default/f' (f.yaml:14)");
    refused(DEPLOYMENT("d") FED("  maxReplicas: 10\n") CRON("c", "kind: FederatedHPA, name: f",
                                                            "  - {name: a, schedule: '@daily', targetMinReplicas: 5}\n")
                CRON("e", "kind: FederatedHPA, name: f", "  - {name: a, schedule: '@daily', targetMinReplicas: 5}\n"),
            "FederatedHPA 'default/f' has two timetables: 'default/e' and 'default/c' (f.yaml:21)");
}

static void test_refused(void **state)
{
    static const char *const rules[][2] = {
        {"  - {name: a, schedule: '61 * * * *', targetReplicas: 5}\n", "f.yaml:16:25: error: schedule '61 * * * *'"},
        {"  - {name: a, schedule: '0 0 30 2 *', targetReplicas: 5}\n", "never comes"},
        {"  - {name: a, schedule: '@daily', targetReplicas: 5, timeZone: Europe/Berlin}\n", "has daylight saving time"},
        {"  - {name: a, schedule: '@daily', targetReplicas: 5, timeZone: Mars/Olympus}\n", "is not known"},
        {"  - {name: a, schedule: '@daily', targetMinReplicas: 5}\n", "over a workload sets targetReplicas"},
        {"  - {name: a, schedule: '@daily', targetMinReplicas: 5, targetMaxReplicas: 4}\n", "is above"},
        {"  - {name: a, schedule: '@daily', targetReplicas: 5}\n  - {name: a, schedule: '@daily', targetReplicas: 6}\n",
         "rule 'a' stands twice"},
        {"  - {name: a, schedule: '@daily', targetReplica: 5}\n", "did you mean 'targetReplicas'?"},
    };
    char text[2000];
    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        snprintf(text, sizeof text, "%s%s", DEPLOYMENT("d") CRON("c", "kind: Deployment, name: d", ""), rules[i][0]);
        refused(text, rules[i][1]);
    }
    refused(DEPLOYMENT("d")
                CRON("c", "kind: FederatedHPA, name: f", "  - {name: a, schedule: '@daily', targetMinReplicas: 1}\n"),
            "there is no FederatedHPA 'default/f'");
    refused(DEPLOYMENT("d") FED("  maxReplicas: 10\n")
                CRON("c", "kind: FederatedHPA, name: f", "  - {name: a, schedule: '@daily', targetMinReplicas: 0}\n"),
            "sets targetMinReplicas 0, but FederatedHPA 'default/f' has minReplicas 1");
    refused(DEPLOYMENT("d") KEDA("  triggers: [{type: kafka, metadata: {threshold: '1'}}]\n"),
            "of type 'kafka' is not read");
    refused(DEPLOYMENT("d") KEDA("  triggers: [{type: prometheus, metadata: {threshold: '1'}}]\n"),
            "metadata.metricName");
    refused(DEPLOYMENT("d") KEDA("  triggers: [{type: prometheus, name: n, metadata: {threshold: '0'}}]\n"),
            "0.001 or more");
    refused(DEPLOYMENT("d")
                KEDA("  idleReplicaCount: 1\n  triggers: [{type: prometheus, name: n, metadata: {threshold: '1'}}]\n"),
            "f.yaml:15:21: error: idleReplicaCount 1 is not below minReplicaCount 0");
    refused(DEPLOYMENT("d") QUEUE("QueueScaler", "  service: {ratePerReplica: 0}\n"), "ratePerReplica");
    refused(DEPLOYMENT("d") QUEUE("QueueScaler", "  service: {ratePerReplica: 1}\n  season: 1d\n"),
            "unknown key 'season'");
    refused(DEPLOYMENT("d") QUEUE("QueueScaler", "  service: {ratePerReplica: 1, concurrency: 90000}\n"),
            "over 1000000 slots");
    refused(DEPLOYMENT("d") QUEUE("QueueScaler", "  service: {ratePerReplica: 1}\n  objective: {percentile: 100%}\n"),
            "percentile");
    refused(DEPLOYMENT("d") QUEUE("ForecastScaler", "  service: {ratePerReplica: 1}\n  season: 25h\n  bin: 7m\n"),
            "f.yaml:18:11: error: a season is 2 to 2016 whole bins");
}

static void test_zones(void **state)
{
    static const struct {
        const char *name;
        int32_t offset_s;
    } found[] = {{"UTC", 0},        {"+08:00", 28800},    {"-05:30", -19800},    {"+0545", 20700},
                 {"UTC+8", 28800},  {"Etc/GMT-8", 28800}, {"Etc/GMT+3", -10800}, {"Asia/Kolkata", 19800},
                 {"-14:00", -50400}};
    static const char *const unknown[] = {"",     "+",       "+15:00", "+8:60", "+08:00x", "asia/shanghai",
                                          "UTC+", "Etc/GMT", "8"};
    int32_t offset = 7;
    (void)state;
    for (size_t i = 0; i < sizeof found / sizeof found[0]; i++) {
        assert_int_equal(cron_zone_find(found[i].name, &offset), CRON_ZONE_FOUND);
        assert_int_equal(offset, found[i].offset_s);
    }
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        bool is_named = strcmp(unknown[i], "Etc/GMT") == 0; /* the one of these that is a zone */
        assert_int_equal(cron_zone_find(unknown[i], &offset), is_named ? CRON_ZONE_FOUND : CRON_ZONE_UNKNOWN);
    }
    assert_int_equal(cron_zone_find("America/New_York", &offset), CRON_ZONE_MOVES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timetable_of_a_deployment),
        cmocka_unit_test(test_timetable_of_a_federated_hpa),
        cmocka_unit_test(test_scaled_object),
        cmocka_unit_test(test_scaled_object_annotations),
        cmocka_unit_test(test_queue_scaler),
        cmocka_unit_test(test_forecast_scaler),
        cmocka_unit_test(test_one_owner),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_zones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

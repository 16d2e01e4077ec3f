/* SPDX-License-Identifier: Apache-2.0 */
/* scaler.c - the table of scalers, the HPA as one of them, defaults and checks of the knobs. */
#include "scale/scaler.h"

#define SECONDS(n) (INT64_C(n) * SPW_NS_PER_S)

/* --- the HPA --- */

static size_t hpa_class_size(const void *spec)
{
    return hpa_history_size(spec);
}

static void hpa_class_init(void *state, const void *spec)
{
    (void)hpa_history_init(state, spec);
}

static const spw_hpa_metric *hpa_class_metrics(const void *spec, const void *state, size_t *count)
{
    const spw_hpa *hpa = spec;
    (void)state;
    *count = hpa->metric_count;
    return hpa->metrics;
}

static int32_t hpa_class_sync_s(const void *spec)
{
    return ((const spw_hpa *)spec)->sync_s;
}

static void hpa_class_decide(const void *spec, void *state, const scaler_input *in, scaler_result *out)
{
    hpa_input input = {.now = in->now,
                       .spec_replicas = in->current,
                       .status_replicas = in->pods,
                       .calibration_num = in->assigned,
                       .calibration_den = in->current,
                       .by_reference = in->by_reference,
                       .readings = in->readings};
    hpa_result result;
    hpa_decide(spec, &input, state, &result);
    *out = (scaler_result){result.desired, result.reason};
}

static void hpa_class_record(void *state, spw_time now, int32_t from, int32_t to)
{
    hpa_record_scale(state, now, from, to);
}

static void hpa_class_recall(void *state, spw_time at, int32_t recommended)
{
    hpa_record_recommendation(state, at, recommended);
}

static size_t hpa_class_save_size(const void *state)
{
    return hpa_history_save_size(state);
}

static spw_rc hpa_class_save(const void *state, void *buf, size_t size)
{
    return hpa_history_save(state, buf, size);
}

static spw_rc hpa_class_load(void *state, const void *buf, size_t size, size_t *used)
{
    return hpa_history_load(state, buf, size, used);
}

const scaler_class scaler_hpa = {.name = "hpa",
                                 .steady = true,
                                 .size = hpa_class_size,
                                 .init = hpa_class_init,
                                 .metrics = hpa_class_metrics,
                                 .sync_s = hpa_class_sync_s,
                                 .decide = hpa_class_decide,
                                 .record = hpa_class_record,
                                 .recall = hpa_class_recall,
                                 .save_size = hpa_class_save_size,
                                 .save = hpa_class_save,
                                 .load = hpa_class_load};

/* --- the table --- */

const scaler_class *scaler_class_of(const spw_scaler *scaler, const void **spec)
{
    switch (scaler->kind) {
    case SPW_SCALER_CRON:
        *spec = &scaler->as.cron;
        return &scaler_cron;
    case SPW_SCALER_KEDA:
        *spec = &scaler->as.keda;
        return &scaler_keda;
    case SPW_SCALER_QUEUE:
        *spec = &scaler->as.queue;
        return &scaler_queue;
    case SPW_SCALER_FORECAST:
        *spec = &scaler->as.forecast;
        return &scaler_forecast;
    }
    return NULL;
}

/* --- defaults --- */

static const spw_sizing SIZING = {.slots = 1, .wait = SECONDS(1), .percentile_ppm = 950000, .utilization_ppm = 900000};

static const spw_scaling_rules UNTOUCHED = {.window_s = -1, .select = SPW_SELECT_MAX, .tolerance_ppm = -1};

void spw_scaler_default(spw_scaler *scaler, spw_scaler_kind kind)
{
    *scaler = (spw_scaler){.name = "", .kind = kind, .workload = SPW_ID_NONE, .hpa = SPW_ID_NONE};
    switch (kind) {
    case SPW_SCALER_CRON:
        break;
    case SPW_SCALER_KEDA: /* keda.sh, ScaledObject specification */
        scaler->as.keda = (spw_keda){.replicas_max = 100,
                                     .replicas_idle = -1,
                                     .polling_s = 30,
                                     .cooldown_s = 300,
                                     .failures_max = 3,
                                     .replicas_fallback = -1,
                                     .up = UNTOUCHED,
                                     .down = UNTOUCHED,
                                     .sync_s = 15,
                                     .replicas_paused = -1};
        break;
    case SPW_SCALER_QUEUE:
        scaler->as.queue = (spw_queue){.replicas_min = 1,
                                       .rate = {.kind = SPW_METRIC_EXTERNAL},
                                       .sizing = SIZING,
                                       .window = SECONDS(120),
                                       .lag = SECONDS(180),
                                       .hold = SECONDS(300),
                                       .growth_max_ppm = 2000000,
                                       .sync_s = 15};
        break;
    case SPW_SCALER_FORECAST:
        scaler->as.forecast = (spw_forecast){.replicas_min = 1,
                                             .rate = {.kind = SPW_METRIC_EXTERNAL},
                                             .sizing = SIZING,
                                             .season = SECONDS(86400),
                                             .bin = SECONDS(900),
                                             .window = SECONDS(120),
                                             .lag = SECONDS(180),
                                             .hold = SECONDS(300),
                                             .level_window = SECONDS(1800),
                                             .learn_ppm = 300000,
                                             .confidence_ppm = 900000,
                                             .sync_s = 15};
        break;
    }
}

static int32_t greater(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

int32_t spw_scaler_most(const spw_scaler *scaler)
{
    int32_t most = 0;
    switch (scaler->kind) {
    case SPW_SCALER_CRON:
        for (size_t i = 0; i < scaler->as.cron.rule_count; i++) {
            const spw_cron_rule *r = &scaler->as.cron.rules[i];
            most = greater(most, greater(r->replicas, greater(r->replicas_min, r->replicas_max)));
        }
        return most;
    case SPW_SCALER_KEDA:
        return greater(scaler->as.keda.replicas_max, scaler->as.keda.replicas_fallback);
    case SPW_SCALER_QUEUE:
        return scaler->as.queue.replicas_max;
    case SPW_SCALER_FORECAST:
        return scaler->as.forecast.replicas_max;
    }
    return most;
}

/* --- checks --- */

static bool within(int64_t value, int64_t low, int64_t high)
{
    return value >= low && value <= high;
}

static const char *check_cron(const spw_cron *c, bool over_hpa)
{
    if (!within((int64_t)c->rule_count, 1, SPW_CRON_RULES_MAX) || c->rules == NULL) {
        return "a cron scaler needs 1 to 64 rules";
    }
    for (size_t i = 0; i < c->rule_count; i++) {
        const spw_cron_rule *r = &c->rules[i];
        bool bounds = r->replicas_min >= 0 || r->replicas_max >= 0;
        if (!within(r->utc_offset_s, -14 * 3600, 14 * 3600) || r->utc_offset_s % 60 != 0) {
            return "the offset of a schedule is whole minutes within 14 hours";
        }
        if (!within(r->replicas, -1, SPW_REPLICAS_MAX) || !within(r->replicas_min, -1, SPW_REPLICAS_MAX) ||
            !within(r->replicas_max, -1, SPW_REPLICAS_MAX) || r->replicas_max == 0) {
            return "a rule sets 0 to 1000000 replicas, and a maximum of 1 or more";
        }
        if (over_hpa ? r->replicas >= 0 || !bounds : r->replicas < 0 || bounds) {
            return "a rule sets the replicas of a workload, or bounds of an autoscaler, as its target says";
        }
        if (bounds && r->replicas_max >= 0 && r->replicas_min > r->replicas_max) {
            return "a rule sets a minimum above its maximum";
        }
    }
    return NULL;
}

static const char *check_keda(const spw_keda *k)
{
    if (!within((int64_t)k->trigger_count, 1, SPW_TRIGGERS_MAX) || k->triggers == NULL) {
        return "a KEDA scaler needs 1 to 16 triggers";
    }
    for (size_t i = 0; i < k->trigger_count; i++) {
        const spw_trigger *t = &k->triggers[i];
        if (t->threshold <= 0 || (t->target_kind != SPW_TARGET_AVERAGE_VALUE && t->target_kind != SPW_TARGET_VALUE)) {
            return "a trigger needs a threshold above 0, as an average or a value";
        }
    }
    if (!within(k->replicas_max, 1, SPW_REPLICAS_MAX) || !within(k->replicas_min, 0, k->replicas_max)) {
        return "0 <= minReplicaCount <= maxReplicaCount expected";
    }
    if (k->replicas_idle < -1 || (k->replicas_idle >= 0 && k->replicas_idle >= k->replicas_min)) {
        return "the idle count must be below minReplicaCount";
    }
    if (!within(k->polling_s, 1, 86400) || !within(k->cooldown_s, 0, 864000) ||
        !within(k->initial_cooldown_s, 0, 864000) || !within(k->sync_s, 1, 3600) || k->failures_max < 0 ||
        !within(k->replicas_fallback, -1, SPW_REPLICAS_MAX)) {
        return "a period of a KEDA scaler or its fallback is out of range";
    }
    if (k->paused && !within(k->replicas_paused, -1, SPW_REPLICAS_MAX)) {
        return "the count of a paused KEDA scaler is out of range";
    }
    return NULL;
}

static const char *check_sizing(const spw_sizing *s, int32_t min, int32_t max, const spw_hpa_metric *rate)
{
    if (!within(max, 1, SPW_REPLICAS_MAX) || !within(min, 0, max)) {
        return "0 <= minReplicas <= maxReplicas expected";
    }
    if (rate->kind == SPW_METRIC_RESOURCE || (min == 0 && rate->kind == SPW_METRIC_PODS)) {
        return "a rate is a Pods, Object or External metric, and Pods cannot wake a workload from 0";
    }
    if (s->service_rate_milli <= 0 || s->slots < 1 || (int64_t)s->slots * max > SPW_SLOTS_MAX) {
        return "a service rate above 0 and at most 1000000 slots in all replicas expected";
    }
    if (!within(s->wait, 0, SECONDS(86400)) || !within(s->percentile_ppm, 1, 999999) ||
        !within(s->utilization_ppm, 1, 1000000)) {
        return "a target of the wait is out of range";
    }
    return NULL;
}

static const char *check_past(spw_dur window, spw_dur lag, spw_dur hold, int32_t sync_s)
{
    bool ok = within(window, SECONDS(1), SECONDS(3600)) && within(lag, 0, SECONDS(3600)) &&
              within(hold, 0, SECONDS(3600)) && within(sync_s, 1, 3600);
    return ok ? NULL : "a window, lag, hold or sync period is out of range";
}

static const char *check_forecast(const spw_forecast *f)
{
    if (!within(f->bin, SECONDS(60), SECONDS(21600)) || !within(f->season, 2 * f->bin, SPW_SEASON_BINS_MAX * f->bin) ||
        f->season % f->bin != 0) {
        return "a season is 2 to 2016 whole bins of 1 minute to 6 hours";
    }
    if (!within(f->level_window, SECONDS(60), SECONDS(86400)) || !within(f->learn_ppm, 1, 1000000) ||
        !within(f->confidence_ppm, 500000, 999000) || f->sync_s * SPW_NS_PER_S > f->bin) {
        return "the level window, learning weight, confidence or sync period of a forecast is out of range";
    }
    return NULL;
}

const char *scaler_check(const spw_scaler *scaler)
{
    const spw_queue *q = &scaler->as.queue;
    const spw_forecast *f = &scaler->as.forecast;
    const char *wrong = NULL;
    switch (scaler->kind) {
    case SPW_SCALER_CRON:
        return check_cron(&scaler->as.cron, scaler->hpa != SPW_ID_NONE);
    case SPW_SCALER_KEDA:
        return check_keda(&scaler->as.keda);
    case SPW_SCALER_QUEUE:
        wrong = check_sizing(&q->sizing, q->replicas_min, q->replicas_max, &q->rate);
        wrong = wrong != NULL ? wrong : check_past(q->window, q->lag, q->hold, q->sync_s);
        return wrong == NULL && q->growth_max_ppm < 1000000 ? "the greatest growth is 1 or more" : wrong;
    case SPW_SCALER_FORECAST:
        wrong = check_sizing(&f->sizing, f->replicas_min, f->replicas_max, &f->rate);
        wrong = wrong != NULL ? wrong : check_past(f->window, f->lag, f->hold, f->sync_s);
        return wrong != NULL ? wrong : check_forecast(f);
    }
    return "unknown kind of scaler";
}

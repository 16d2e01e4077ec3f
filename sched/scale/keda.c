/* SPDX-License-Identifier: Apache-2.0 */
/* keda.c - see keda.h. The order of the executor's cases is KEDA's. */
#include "scale/keda.h"

#include "scale/bytes.h"

struct keda_state {
    spw_time created; /**< first tick; SCALER_NEVER before it */
    spw_time polled;
    spw_time last_active; /**< SCALER_NEVER = was never active */
    spw_time synced;      /**< last round of the HPA */
    bool active;
    uint32_t trigger_count;
    int32_t failures[SPW_TRIGGERS_MAX];
    spw_hpa hpa; /**< derived from the spec; its metrics are the next array */
    spw_hpa_metric metrics[SPW_TRIGGERS_MAX];
    _Alignas(max_align_t) unsigned char history[];
};

static spw_hpa derive(const spw_keda *spec, spw_hpa_metric *metrics)
{
    for (size_t t = 0; t < spec->trigger_count; t++) {
        metrics[t] = (spw_hpa_metric){.kind = SPW_METRIC_EXTERNAL,
                                      .target_kind = spec->triggers[t].target_kind,
                                      .target = spec->triggers[t].threshold,
                                      .name = spec->triggers[t].metric};
    }
    spw_hpa hpa = {.name = "",
                   .replicas_min = spec->replicas_min > 1 ? spec->replicas_min : 1,
                   .replicas_max = spec->replicas_max,
                   .metrics = metrics,
                   .metric_count = spec->trigger_count,
                   .has_behavior = spec->has_behavior,
                   .up = spec->up,
                   .down = spec->down,
                   .sync_s = spec->sync_s};
    if ((spec->scale_in_paused || spec->scale_out_paused) && !hpa.has_behavior) { /* KEDA writes one for this */
        hpa.has_behavior = true;
        hpa.up = (spw_scaling_rules){.window_s = -1, .select = SPW_SELECT_MAX, .tolerance_ppm = -1};
        hpa.down = hpa.up;
    }
    hpa.up.select = spec->scale_out_paused ? SPW_SELECT_DISABLED : hpa.up.select;
    hpa.down.select = spec->scale_in_paused ? SPW_SELECT_DISABLED : hpa.down.select;
    return hpa;
}

static hpa_history *history_of(keda_state *state)
{
    return (hpa_history *)(void *)state->history;
}

static const hpa_history *history_const(const keda_state *state)
{
    return (const hpa_history *)(const void *)state->history;
}

size_t keda_size(const spw_keda *spec)
{
    spw_hpa_metric metrics[SPW_TRIGGERS_MAX];
    spw_hpa hpa = derive(spec, metrics);
    return sizeof(keda_state) + hpa_history_size(&hpa);
}

void keda_init(keda_state *state, const spw_keda *spec)
{
    *state = (keda_state){.created = SCALER_NEVER,
                          .polled = SCALER_NEVER,
                          .last_active = SCALER_NEVER,
                          .synced = SCALER_NEVER,
                          .trigger_count = (uint32_t)spec->trigger_count};
    state->hpa = derive(spec, state->metrics);
    (void)hpa_history_init(state->history, &state->hpa);
}

/** Too many failures in a row: the fallback speaks for this trigger. */
static bool falls_back(const spw_keda *spec, const keda_state *state, size_t trigger)
{
    return spec->replicas_fallback >= 0 && state->failures[trigger] > spec->failures_max;
}

/** Reads all triggers. @return the number that cannot be read */
static size_t poll(const spw_keda *spec, keda_state *state, const scaler_input *in)
{
    size_t failed = 0;
    state->polled = in->now;
    state->active = spec->forced_active;
    for (size_t t = 0; t < spec->trigger_count; t++) {
        const hpa_reading *reading = &in->readings[t];
        if (reading->has_value) {
            state->failures[t] = 0;
            state->active = state->active || reading->value_milli > spec->triggers[t].activation;
        } else {
            state->failures[t] += state->failures[t] < INT32_MAX ? 1 : 0;
            failed++;
        }
    }
    return failed;
}

static bool is_cool(const spw_keda *spec, const keda_state *state, spw_time now)
{
    if (state->last_active == SCALER_NEVER) {
        return now - state->created >= spec->initial_cooldown_s * SPW_NS_PER_S;
    }
    return now - state->last_active > spec->cooldown_s * SPW_NS_PER_S;
}

/** Every trigger that failed has failed too often, and there is a count for that. */
static bool is_blind(const spw_keda *spec, const keda_state *state)
{
    for (size_t t = 0; t < spec->trigger_count; t++) {
        if (state->failures[t] > 0 && !falls_back(spec, state, t)) {
            return false;
        }
    }
    return true;
}

/** Is it a step, in a direction that is not paused? */
static bool may_go(const spw_keda *spec, int32_t from, int32_t to)
{
    return to > from ? !spec->scale_out_paused : to < from && !spec->scale_in_paused;
}

static void execute(const spw_keda *spec, keda_state *state, const scaler_input *in, size_t failed, scaler_result *out)
{
    bool idles = spec->replicas_idle >= 0;
    int32_t floor_count = idles ? spec->replicas_idle : 0;
    if (state->active) {
        state->last_active = in->now;
        if (!spec->scale_out_paused && (in->current == 0 || (idles && in->current < spec->replicas_min))) {
            *out = (scaler_result){state->hpa.replicas_min, SPW_WHY_ACTIVATED};
        }
    } else if (failed > 0) {
        if (is_blind(spec, state) && spec->replicas_fallback > 0 &&
            may_go(spec, in->current, spec->replicas_fallback)) {
            *out = (scaler_result){spec->replicas_fallback, SPW_WHY_FALLBACK};
        }
    } else if (in->current > floor_count && (idles || spec->replicas_min == 0)) {
        if (!spec->scale_in_paused && is_cool(spec, state, in->now)) {
            *out = (scaler_result){floor_count, SPW_WHY_IDLE};
        }
    } else if (in->current < spec->replicas_min && !idles) {
        *out = (scaler_result){spec->replicas_min, SPW_WHY_BELOW_MIN};
    }
}

/** The value that makes the HPA ask for the fallback count. */
static void substitute(const spw_keda *spec, size_t trigger, hpa_reading *reading)
{
    int64_t ready = 0;
    for (size_t i = 0; i < reading->pod_count; i++) {
        ready += reading->pods[i].ready != 0 && reading->pods[i].deleting == 0 ? 1 : 0;
    }
    bool average = spec->triggers[trigger].target_kind == SPW_TARGET_AVERAGE_VALUE;
    int64_t threshold = spec->triggers[trigger].threshold;
    int64_t over = average ? 1 : ready;
    if (over > 0 && threshold <= INT64_MAX / (spec->replicas_fallback + 1)) {
        reading->has_value = true;
        reading->value_milli = threshold * spec->replicas_fallback / over;
    }
}

static void run_hpa(const spw_keda *spec, keda_state *state, const scaler_input *in, scaler_result *out)
{
    hpa_reading readings[SPW_TRIGGERS_MAX];
    bool fallback = false;
    state->synced = in->now;
    for (size_t t = 0; t < spec->trigger_count; t++) {
        readings[t] = in->readings[t];
        if (!readings[t].has_value && falls_back(spec, state, t)) {
            substitute(spec, t, &readings[t]);
            fallback = true;
        }
    }
    hpa_input input = {.now = in->now,
                       .spec_replicas = in->current,
                       .status_replicas = in->pods,
                       .calibration_num = in->assigned,
                       .calibration_den = in->current,
                       .readings = readings};
    hpa_result result;
    hpa_decide(&state->hpa, &input, history_of(state), &result);
    if (result.desired != in->current) {
        *out = (scaler_result){result.desired, fallback ? SPW_WHY_FALLBACK : result.reason};
    }
}

void keda_decide(const spw_keda *spec, keda_state *state, const scaler_input *in, scaler_result *out)
{
    *out = (scaler_result){in->current, SPW_WHY_NONE};
    state->created = state->created == SCALER_NEVER ? in->now : state->created;
    if (spec->paused) {
        if (spec->replicas_paused >= 0 && spec->replicas_paused != in->current) {
            *out = (scaler_result){spec->replicas_paused, SPW_WHY_PAUSED};
        }
        return;
    }
    if (state->polled == SCALER_NEVER || in->now - state->polled >= spec->polling_s * SPW_NS_PER_S) {
        size_t failed = poll(spec, state, in);
        execute(spec, state, in, failed, out);
    }
    bool asleep = !state->active && spec->replicas_idle >= 0 && in->current <= spec->replicas_idle;
    bool due = state->synced == SCALER_NEVER || in->now - state->synced >= spec->sync_s * SPW_NS_PER_S;
    if (out->desired == in->current && in->current > 0 && !asleep && due) {
        run_hpa(spec, state, in, out);
    }
}

/* --- as a scaler --- */

static size_t keda_class_size(const void *spec)
{
    return keda_size(spec);
}

static void keda_class_init(void *state, const void *spec)
{
    keda_init(state, spec);
}

static const spw_hpa_metric *keda_metrics(const void *spec, const void *state, size_t *count)
{
    (void)spec;
    *count = ((const keda_state *)state)->trigger_count;
    return ((const keda_state *)state)->metrics;
}

static int32_t keda_sync_s(const void *spec)
{
    (void)spec;
    return 0;
}

static void keda_class_decide(const void *spec, void *state, const scaler_input *in, scaler_result *out)
{
    keda_decide(spec, state, in, out);
}

static void keda_record(void *state, spw_time now, int32_t from, int32_t to)
{
    if (from > 0 && to > 0) { /* steps from and to 0 are the executor's, and the HPA never hears of them */
        hpa_record_scale(history_of(state), now, from, to);
    }
}

static void keda_recall(void *state, spw_time at, int32_t recommended)
{
    hpa_record_recommendation(history_of(state), at, recommended);
}

static void put_state(bytes_out *o, const keda_state *s)
{
    bytes_put_i64(o, s->created);
    bytes_put_i64(o, s->polled);
    bytes_put_i64(o, s->last_active);
    bytes_put_i64(o, s->synced);
    bytes_put(o, s->active ? 1 : 0, 1);
    bytes_put(o, s->trigger_count, 4);
    for (uint32_t t = 0; t < s->trigger_count; t++) {
        bytes_put_i32(o, s->failures[t]);
    }
}

static size_t keda_save_size(const void *state)
{
    bytes_out o = {NULL, 0};
    put_state(&o, state);
    return o.used + hpa_history_save_size(history_const(state));
}

static spw_rc keda_save(const void *state, void *buf, size_t size)
{
    if (size < keda_save_size(state)) {
        return SPW_LIMIT;
    }
    bytes_out o = {buf, 0};
    put_state(&o, state);
    return hpa_history_save(history_const(state), o.at + o.used, size - o.used);
}

static spw_rc keda_load(void *state, const void *buf, size_t size, size_t *used)
{
    keda_state *s = state;
    bytes_in i = {.at = buf, .size = size};
    spw_time times[4];
    int32_t failures[SPW_TRIGGERS_MAX] = {0};
    size_t taken = 0;
    for (int k = 0; k < 4; k++) {
        times[k] = bytes_get_time(&i);
    }
    bool active = bytes_get(&i, 1) != 0;
    i.bad = i.bad || bytes_get(&i, 4) != s->trigger_count;
    for (uint32_t t = 0; t < s->trigger_count && !i.bad; t++) {
        failures[t] = bytes_get_i32(&i);
        i.bad = i.bad || failures[t] < 0;
    }
    if (i.bad || hpa_history_load(history_of(s), i.at + i.used, size - i.used, &taken) != SPW_OK) {
        return SPW_STATE;
    }
    s->created = times[0];
    s->polled = times[1];
    s->last_active = times[2];
    s->synced = times[3];
    s->active = active;
    memcpy(s->failures, failures, sizeof failures);
    *used = i.used + taken;
    return SPW_OK;
}

const scaler_class scaler_keda = {.name = "keda",
                                  .fresh_only = true,
                                  .steady = true,
                                  .size = keda_class_size,
                                  .init = keda_class_init,
                                  .metrics = keda_metrics,
                                  .sync_s = keda_sync_s,
                                  .decide = keda_class_decide,
                                  .record = keda_record,
                                  .recall = keda_recall,
                                  .save_size = keda_save_size,
                                  .save = keda_save,
                                  .load = keda_load};

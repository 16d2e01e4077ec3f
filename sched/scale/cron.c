/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cron.c - see cron.h. Days are found by walking the calendar, hours and minutes by their sets.
 *
 * Civil date from a day number: the year is taken to begin on 1 March, so that leap days come last (Hinnant's
 * days-from-civil construction, worked out anew here).
 */
#include "scale/cron.h"

#define NS_PER_MIN  (INT64_C(60) * SPW_NS_PER_S)
#define MIN_PER_DAY INT64_C(1440)
/** 29 February can be eight years away, and no schedule that comes at all stays away longer. */
#define DAYS_MAX (8 * 366 + 2)

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

static bool day_fits(const spw_schedule *s, int64_t day)
{
    int64_t shifted = day + 719468; /* days since 1 March of year 0 */
    int64_t era = floor_div(shifted, 146097);
    int64_t in_era = shifted - era * 146097;
    int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t in_year = in_era - (365 * year + year / 4 - year / 100);
    int64_t from_march = (5 * in_year + 2) / 153;
    int64_t month_day = in_year - (153 * from_march + 2) / 5 + 1;
    int64_t month = from_march < 10 ? from_march + 3 : from_march - 9;
    int64_t weekday = day + 4 - 7 * floor_div(day + 4, 7); /* 1970-01-01 was a Thursday */

    if ((s->months >> month & 1) == 0) {
        return false;
    }
    bool by_day = (s->days >> month_day & 1) != 0;
    bool by_weekday = (s->weekdays >> weekday & 1) != 0;
    return s->any_day || s->any_weekday ? by_day && by_weekday : by_day || by_weekday;
}

static bool minute_fits(const spw_schedule *s, int64_t minute)
{
    return (s->hours >> (minute / 60) & 1) != 0 && (s->minutes >> (minute % 60) & 1) != 0;
}

spw_time cron_next(const spw_schedule *schedule, int32_t utc_offset_s, spw_time after)
{
    int64_t offset = utc_offset_s * SPW_NS_PER_S;
    if (after > INT64_MAX - (DAYS_MAX + 2) * MIN_PER_DAY * NS_PER_MIN || after < INT64_MIN + MIN_PER_DAY * NS_PER_MIN) {
        return SPW_TIME_MAX;
    }
    int64_t first = floor_div(after + offset, NS_PER_MIN) + 1;
    int64_t day = floor_div(first, MIN_PER_DAY);
    int64_t start = first - day * MIN_PER_DAY;
    for (int64_t i = 0; i < DAYS_MAX; i++, day++, start = 0) {
        if (!day_fits(schedule, day)) {
            continue;
        }
        for (int64_t m = start; m < MIN_PER_DAY; m++) {
            if (minute_fits(schedule, m)) {
                return (day * MIN_PER_DAY + m) * NS_PER_MIN - offset;
            }
        }
    }
    return SPW_TIME_MAX;
}

spw_time cron_last(const spw_schedule *schedule, int32_t utc_offset_s, spw_time from, spw_time to)
{
    int64_t offset = utc_offset_s * SPW_NS_PER_S;
    const int64_t margin = (DAYS_MAX + 2) * MIN_PER_DAY * NS_PER_MIN;
    if (to <= from || to > INT64_MAX - margin || from < INT64_MIN + margin) {
        return SCALER_NEVER;
    }
    int64_t last = floor_div(to + offset, NS_PER_MIN);
    int64_t first = floor_div(from + offset, NS_PER_MIN) + 1;
    int64_t day = floor_div(last, MIN_PER_DAY);
    int64_t start = last - day * MIN_PER_DAY;
    for (int64_t i = 0; i < DAYS_MAX && day * MIN_PER_DAY + start >= first; i++, day--, start = MIN_PER_DAY - 1) {
        if (!day_fits(schedule, day)) {
            continue;
        }
        for (int64_t m = start; m >= 0 && day * MIN_PER_DAY + m >= first; m--) {
            if (minute_fits(schedule, m)) {
                return (day * MIN_PER_DAY + m) * NS_PER_MIN - offset;
            }
        }
    }
    return SCALER_NEVER;
}

/* --- rules --- */

void cron_init(cron_state *state)
{
    *state = (cron_state){
        .checked = SCALER_NEVER, .pending = -1, .pending_since = SCALER_NEVER, .replicas_min = -1, .replicas_max = -1};
}

static void fire(const spw_cron_rule *rule, cron_state *state, spw_time now, int32_t low, int32_t high)
{
    if (rule->replicas >= 0) {
        state->pending = rule->replicas;
        state->pending_since = now;
        return;
    }
    int32_t own_min = rule->replicas_min >= 0 ? rule->replicas_min : state->replicas_min;
    int32_t own_max = rule->replicas_max >= 0 ? rule->replicas_max : state->replicas_max;
    if ((own_min >= 0 ? own_min : low) <= (own_max >= 0 ? own_max : high)) {
        state->replicas_min = own_min;
        state->replicas_max = own_max;
    }
}

void cron_run(const spw_cron *spec, cron_state *state, spw_time unix_ns, spw_time now, int32_t low, int32_t high)
{
    spw_time from = state->checked == SCALER_NEVER ? unix_ns - 1 : state->checked;
    spw_time last[SPW_CRON_RULES_MAX];
    state->checked = unix_ns > from ? unix_ns : from;
    if (floor_div(from, NS_PER_MIN) == floor_div(unix_ns, NS_PER_MIN)) {
        return; /* offsets are whole minutes: no minute has begun anywhere */
    }
    for (size_t r = 0; r < spec->rule_count; r++) {
        const spw_cron_rule *rule = &spec->rules[r];
        last[r] = rule->suspend ? SCALER_NEVER : cron_last(&rule->schedule, rule->utc_offset_s, from, unix_ns);
    }
    for (size_t done = 0; done < spec->rule_count; done++) {
        size_t next = SIZE_MAX;
        for (size_t r = 0; r < spec->rule_count; r++) {
            if (last[r] != SCALER_NEVER && (next == SIZE_MAX || last[r] < last[next])) {
                next = r;
            }
        }
        if (next == SIZE_MAX) {
            return;
        }
        fire(&spec->rules[next], state, now, low, high);
        last[next] = SCALER_NEVER;
    }
}

void cron_put(bytes_out *o, const cron_state *state)
{
    bytes_put_i64(o, state->checked);
    bytes_put_i32(o, state->pending);
    bytes_put_i64(o, state->pending_since);
    bytes_put_i32(o, state->replicas_min);
    bytes_put_i32(o, state->replicas_max);
}

void cron_get(bytes_in *i, cron_state *state)
{
    state->checked = bytes_get_time(i);
    state->pending = bytes_get_i32(i);
    state->pending_since = bytes_get_time(i);
    state->replicas_min = bytes_get_i32(i);
    state->replicas_max = bytes_get_i32(i);
    i->bad = i->bad || (state->pending >= 0 && state->pending_since == SCALER_NEVER) || state->pending < -1 ||
             state->replicas_min < -1 || state->replicas_max < -1;
}

/* --- as an owner of a count --- */

static size_t cron_class_size(const void *spec)
{
    (void)spec;
    return sizeof(cron_state);
}

static void cron_class_init(void *state, const void *spec)
{
    (void)spec;
    cron_init(state);
}

static const spw_hpa_metric *cron_metrics(const void *spec, const void *state, size_t *count)
{
    (void)spec;
    (void)state;
    *count = 0;
    return NULL;
}

static int32_t cron_sync_s(const void *spec)
{
    (void)spec;
    return 0;
}

/** A count that fired is asked for until it shows, in case the write was lost; then anybody may change it again. */
static void cron_decide(const void *spec, void *state, const scaler_input *in, scaler_result *out)
{
    cron_state *s = state;
    cron_run(spec, s, in->unix_ns, in->now, 0, INT32_MAX);
    if (s->pending == in->current ||
        (s->pending >= 0 && in->now - s->pending_since >= in->patience && in->now > s->pending_since)) {
        s->pending = -1;
    }
    *out = (scaler_result){.desired = in->current, .reason = SPW_WHY_NONE};
    if (s->pending >= 0) {
        *out = (scaler_result){.desired = s->pending, .reason = SPW_WHY_SCHEDULE};
    }
}

static size_t cron_save_size(const void *state)
{
    bytes_out o = {NULL, 0};
    cron_put(&o, state);
    return o.used;
}

static spw_rc cron_save(const void *state, void *buf, size_t size)
{
    if (size < cron_save_size(state)) {
        return SPW_LIMIT;
    }
    bytes_out o = {buf, 0};
    cron_put(&o, state);
    return SPW_OK;
}

static spw_rc cron_load(void *state, const void *buf, size_t size, size_t *used)
{
    bytes_in i = {.at = buf, .size = size};
    cron_state s;
    cron_get(&i, &s);
    if (i.bad) {
        return SPW_STATE;
    }
    *(cron_state *)state = s;
    *used = i.used;
    return SPW_OK;
}

const scaler_class scaler_cron = {.name = "cron",
                                  .size = cron_class_size,
                                  .init = cron_class_init,
                                  .metrics = cron_metrics,
                                  .sync_s = cron_sync_s,
                                  .decide = cron_decide,
                                  .save_size = cron_save_size,
                                  .save = cron_save,
                                  .load = cron_load};

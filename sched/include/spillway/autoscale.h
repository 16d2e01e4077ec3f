/* SPDX-License-Identifier: Apache-2.0 */
/**
 * autoscale.h - who decides how many replicas a workload has, besides the HorizontalPodAutoscaler of config.h.
 *
 * A replica count has one owner. It is either the HPA named in spw_workload.hpa, or one spw_scaler whose `workload`
 * names the workload, or nobody. The one exception: a CRON scaler may set the bounds of an HPA (`hpa` instead of
 * `workload`). spw_core_new() refuses everything else.
 *
 * Rates are in thousandths of a request per second, so that they come in the milli-units of every other metric.
 */
#ifndef SPILLWAY_AUTOSCALE_H
#define SPILLWAY_AUTOSCALE_H

#include <spillway/config.h>
#include <spillway/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SPW_CRON_RULES_MAX  64      /**< rules of one cron scaler */
#define SPW_TRIGGERS_MAX    16      /**< triggers of one KEDA scaler */
#define SPW_SLOTS_MAX       1000000 /**< slots of all replicas of one queue-sized workload */
#define SPW_SEASON_BINS_MAX 2016    /**< bins of one seasonal profile: a week in steps of five minutes */

/* --- by the clock -------------------------------------------------------------------------------------------- */

/**
 * A five-field cron schedule as sets. Where both the day of the month and the day of the week are restricted, either
 * will do; where one of them is '*', the other decides.
 */
typedef struct spw_schedule {
    uint64_t minutes;  /**< bit 0..59 */
    uint32_t hours;    /**< bit 0..23 */
    uint32_t days;     /**< bit 1..31 */
    uint32_t months;   /**< bit 1..12 */
    uint32_t weekdays; /**< bit 0..6, 0 = Sunday */
    bool any_day;      /**< the day of the month was '*' */
    bool any_weekday;  /**< the day of the week was '*' */
} spw_schedule;

/**
 * Reads "minute hour day month weekday": '*' or '?', numbers, lists (1,5), ranges (1-5), steps (star/10, 1-30/5; 5/10
 * is 5-59/10), names of months (JAN) and days (SUN) in any case, 7 for Sunday; also @hourly, @daily, @midnight,
 * @weekly,
 * @monthly, @yearly and @annually.
 * @return NULL on success, else a static sentence; *out is untouched then. A schedule that never comes (30 February) is
 *         refused.
 */
const char *spw_schedule_parse(const char *text, spw_schedule *out);

typedef struct spw_cron_rule {
    const char *name;
    spw_schedule schedule;
    int32_t utc_offset_s; /**< of the schedule's zone, east positive; whole minutes within 14 hours */
    bool suspend;
    int32_t replicas;     /**< for a workload; -1 for bounds of an HPA */
    int32_t replicas_min; /**< for an HPA; -1 = as it is */
    int32_t replicas_max; /**< for an HPA; -1 = as it is */
} spw_cron_rule;

/**
 * Karmada CronFederatedHPA. Fires that fell between two ticks are applied in order, so the last one wins; nothing
 * before the first tick is made up for. A fire that would leave an HPA with more replicas_min than replicas_max does
 * nothing.
 */
typedef struct spw_cron {
    const spw_cron_rule *rules;
    size_t rule_count; /**< 1..SPW_CRON_RULES_MAX */
} spw_cron;

/* --- by events (KEDA) ---------------------------------------------------------------------------------------- */

typedef struct spw_trigger {
    const char *metric;          /**< looked up among the External values of the workload */
    spw_target_kind target_kind; /**< AVERAGE_VALUE or VALUE */
    int64_t threshold;           /**< milli-units, > 0 */
    int64_t activation;          /**< milli-units; the trigger is active above it */
} spw_trigger;

/**
 * KEDA ScaledObject. 0 <-> 1 by the triggers: any active one wakes the workload, none for the cool-down sends it to 0
 * (or to replicas_idle). In between an HPA over the triggers as External metrics with the bounds max(replicas_min, 1)
 * and replicas_max decides. A read fails when the snapshot has no value, or one older than spw_settings.stale_after.
 * More than failures_max failed reads in a row of a trigger make it ask for fallback replicas. What is paused or forced
 * is what KEDA's annotations autoscaling.keda.sh/paused, paused-replicas, paused-scale-in, paused-scale-out and
 * force-activation say.
 */
typedef struct spw_keda {
    const spw_trigger *triggers;
    size_t trigger_count;       /**< 1..SPW_TRIGGERS_MAX */
    int32_t replicas_min;       /**< default 0 */
    int32_t replicas_max;       /**< default 100 */
    int32_t replicas_idle;      /**< while nothing is active, below replicas_min; -1 = not used */
    int32_t polling_s;          /**< default 30 */
    int32_t cooldown_s;         /**< default 300 */
    int32_t initial_cooldown_s; /**< from the first tick on, for a workload that was never active; default 0 */
    int32_t failures_max;       /**< default 3 */
    int32_t replicas_fallback;  /**< -1 = no fallback */
    bool has_behavior;
    spw_scaling_rules up, down; /**< of the HPA, as in spw_hpa */
    int32_t sync_s;             /**< of the HPA, default 15 */
    bool paused;                /**< nothing is decided; the count stays, or is held at replicas_paused */
    int32_t replicas_paused;    /**< 0..SPW_REPLICAS_MAX, bounds do not matter; -1 = the count stays, the default */
    bool scale_in_paused;       /**< never fewer: neither idle nor 0, and the HPA's scaleDown is Disabled */
    bool scale_out_paused;      /**< never more, except up to replicas_min: no waking, the HPA's scaleUp is Disabled */
    bool forced_active;         /**< as if a trigger were active, whatever they say */
} spw_keda;

/* --- by queueing theory -------------------------------------------------------------------------------------- */

/**
 * How a rate becomes a count: the fewest replicas c for which a M/M/(c x slots) queue with the offered rate keeps
 * P(wait > wait) <= 1 - percentile (Erlang C times its exponential tail) and is used to at most `utilization`.
 *
 * A slot is one request in service at a time; all slots of a replica together finish service_rate_milli. For an engine
 * that batches, take its rate at a full batch of `slots`: below that it is faster for each request, so the count errs
 * towards more. The pooled queue stands for a gateway that sends a request to any free slot; a router that binds
 * requests to replicas early waits longer.
 */
typedef struct spw_sizing {
    int64_t service_rate_milli; /**< requests per second of one replica, x 1000; > 0 */
    int32_t slots;              /**< requests in service at once on one replica, >= 1; default 1 */
    spw_dur wait;               /**< target of the wait before service; default 1 s */
    int64_t percentile_ppm;     /**< share of requests that must meet it, 1..999999; default 950000 */
    int64_t utilization_ppm;    /**< 1..1000000 of the slots at most busy; default 900000 */
} spw_sizing;

/**
 * QueueScaler: sizes for the offered rate, a mean over `window`. A rising trend (least squares over the longer of
 * window and lag, shrunk towards 0 as far as noise explains it) is followed over the start-up lag. Growth is immediate;
 * a lower count must have been enough for `hold`.
 */
typedef struct spw_queue {
    int32_t replicas_min; /**< >= 0; 0 only for an OBJECT or EXTERNAL rate; default 1 */
    int32_t replicas_max;
    spw_hpa_metric rate; /**< kind and name; PODS is the sum over the pods. Target fields are not read */
    spw_sizing sizing;
    spw_dur window;         /**< 1 s .. 1 h, default 120 s */
    spw_dur lag;            /**< from a decision to a ready replica, 0 .. 1 h, default 180 s */
    spw_dur hold;           /**< 0 .. 1 h, default 300 s */
    int64_t growth_max_ppm; /**< the trend is not followed beyond this multiple of the greatest rate in the window;
                                 >= 1000000, default 2000000 */
    int32_t sync_s;         /**< default 15 */
} spw_queue;

/**
 * ForecastScaler: a profile of the rate over the season in bins, each an exponentially smoothed mean, times the level
 * of the recent past against the profile, read at now + lag, plus a band: the tracked quantile of past relative errors
 * of such forecasts. The count is sized for the greater of that and the rate now. Until every bin has been seen once,
 * for the rate now.
 */
typedef struct spw_forecast {
    int32_t replicas_min; /**< as in spw_queue */
    int32_t replicas_max;
    spw_hpa_metric rate;
    spw_sizing sizing;
    spw_dur season;         /**< a multiple of bin, up to SPW_SEASON_BINS_MAX bins, >= 2 bins; default 1 day */
    spw_dur bin;            /**< 1 min .. 6 h, default 15 min */
    spw_dur window;         /**< mean that counts as the rate now, 1 s .. 1 h, default 120 s */
    spw_dur lag;            /**< 0 .. 1 h, default 180 s */
    spw_dur hold;           /**< 0 .. 1 h, default 300 s; at least `lag` is held */
    spw_dur level_window;   /**< time constant of the level, 1 min .. 1 day, default 30 min */
    int64_t learn_ppm;      /**< weight of the newest season in a bin, 1..1000000, default 300000 */
    int64_t confidence_ppm; /**< share of the time that the band is to cover, 500000..999000, default 900000 */
    int32_t sync_s;         /**< default 15 */
} spw_forecast;

/* --- all of them --------------------------------------------------------------------------------------------- */

typedef enum spw_scaler_kind {
    SPW_SCALER_CRON = 1,
    SPW_SCALER_KEDA = 2,
    SPW_SCALER_QUEUE = 3,
    SPW_SCALER_FORECAST = 4
} spw_scaler_kind;

typedef struct spw_scaler {
    const char *name; /**< namespace/name */
    spw_scaler_kind kind;
    spw_id workload; /**< index in spw_config.workloads whose count it owns; SPW_ID_NONE = none (CRON over an HPA) */
    spw_id hpa;      /**< CRON: index in spw_config.hpas whose bounds it sets; else SPW_ID_NONE */
    union {
        spw_cron cron;
        spw_keda keda;
        spw_queue queue;
        spw_forecast forecast;
    } as;
} spw_scaler;

/** Zeroes *scaler and fills kind, no target, and every knob that has a default above. */
void spw_scaler_default(spw_scaler *scaler, spw_scaler_kind kind);

/** The most replicas that a scaler can ask for, or that a timetable lets its HPA ask for; hosts size pods_max by it. */
int32_t spw_scaler_most(const spw_scaler *scaler);

#ifdef __cplusplus
}
#endif
#endif

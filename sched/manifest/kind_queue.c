/* SPDX-License-Identifier: Apache-2.0 */
/**
 * kind_queue.c - scaling.spillway.dev/v1alpha1 QueueScaler and ForecastScaler: counts from an offered rate by queueing
 * theory, for the rate now and its trend, or for the rate that the season lets expect.
 *
 * Both bind into one record; a key that only one of them has is in that one's table alone. Defaults are those of
 * spw_scaler_default().
 */
#include "sched/manifest/manifest_int.h"

#include <inttypes.h>
#include <string.h>

typedef struct sized {
    km_head head;
    km_target target;
    int32_t replicas_min;
    int32_t replicas_max;
    const ynode *min_node;
    const ynode *max_node;
    const char *metric;
    spw_metric_kind metric_kind;
    int64_t service_rate_milli;
    int32_t slots;
    const ynode *slots_node;
    int64_t wait;
    double percentile;
    double utilization;
    int64_t window;
    int64_t lag;
    int64_t hold;
    int64_t sync;
    double growth;
    int64_t season;
    const ynode *season_node;
    int64_t bin;
    int64_t level_window;
    double learn;
    double confidence;
} sized;

#define HOUR_S 3600.0
#define DAY_S  86400.0

/* --- keys that both kinds have ------------------------------------------------------------------------------- */

static const bind_name metric_names[] = {
    {"External", SPW_METRIC_EXTERNAL}, {"Object", SPW_METRIC_OBJECT}, {"Pods", SPW_METRIC_PODS}, {NULL, 0}};

static const bind_field rate_fields[] = {
    {.key = "metric",
     .kind = BIND_STRING,
     .required = true,
     BIND_AT(sized, metric),
     .help = "requests per second that are offered, served or not"},
    {.key = "type",
     .kind = BIND_ENUM,
     .names = metric_names,
     .preset = "External",
     BIND_AT(sized, metric_kind),
     .help = "External, Object, or Pods for the sum over the pods"},
    {.key = NULL},
};
static const bind_table rate_table = {.name = "rate", .size = sizeof(sized), .fields = rate_fields};

static const bind_field service_fields[] = {
    {.key = "ratePerReplica",
     .kind = BIND_QUANTITY,
     .required = true,
     .range = BIND_ABOVE,
     .min = 0,
     BIND_AT(sized, service_rate_milli),
     .unit = "requests per second",
     .help = "of one replica with all its slots busy"},
    {.key = "concurrency",
     .kind = BIND_INT32,
     .range = BIND_MIN | BIND_MAX,
     .min = 1,
     .max = SPW_SLOTS_MAX,
     BIND_AT(sized, slots),
     BIND_NODE_AT(sized, slots_node),
     .help = "requests in service at once on one replica; default 1"},
    {.key = NULL},
};
static const bind_table service_table = {.name = "service", .size = sizeof(sized), .fields = service_fields};

static const bind_field objective_fields[] = {
    {.key = "wait",
     .kind = BIND_DURATION,
     .range = BIND_MIN | BIND_MAX,
     .min = 0,
     .max = DAY_S,
     BIND_AT(sized, wait),
     .help = "before service begins; default 1s"},
    {.key = "percentile",
     .kind = BIND_PERCENT,
     .range = BIND_MIN | BIND_MAX,
     .min = 0.0001,
     .max = 99.9999,
     BIND_AT(sized, percentile),
     .help = "of the requests that meet it; default 95%"},
    {.key = "utilization",
     .kind = BIND_PERCENT,
     .range = BIND_MIN | BIND_MAX,
     .min = 0.0001,
     .max = 100,
     BIND_AT(sized, utilization),
     .help = "of the slots at most busy; default 90%"},
    {.key = NULL},
};
static const bind_table objective_table = {.name = "objective", .size = sizeof(sized), .fields = objective_fields};

#define TIME_ROW(name, member, low, high, text)                                                                        \
    {                                                                                                                  \
        .key = (name), .kind = BIND_DURATION, .range = BIND_MIN | BIND_MAX, .min = (low), .max = (high),               \
        BIND_AT(sized, member), .help = (text)                                                                         \
    }

/* The inner tables bind into the record itself: one more level of keys only. */
#define COMMON_ROWS                                                                                                    \
    {.key = "scaleTargetRef",                                                                                          \
     .kind = BIND_TABLE,                                                                                               \
     .table = &km_target_table,                                                                                        \
     .required = true,                                                                                                 \
     BIND_AT(sized, target),                                                                                           \
     .help = "the workload whose replicas are scaled"},                                                                \
        {.key = "minReplicas",                                                                                         \
         .kind = BIND_INT32,                                                                                           \
         .range = BIND_MIN | BIND_MAX,                                                                                 \
         .min = 0,                                                                                                     \
         .max = SPW_REPLICAS_MAX,                                                                                      \
         BIND_AT(sized, replicas_min),                                                                                 \
         BIND_NODE_AT(sized, min_node),                                                                                \
         .help = "default 1"},                                                                                         \
        {.key = "maxReplicas",                                                                                         \
         .kind = BIND_INT32,                                                                                           \
         .required = true,                                                                                             \
         .range = BIND_MIN | BIND_MAX,                                                                                 \
         .min = 1,                                                                                                     \
         .max = SPW_REPLICAS_MAX,                                                                                      \
         BIND_AT(sized, replicas_max),                                                                                 \
         BIND_NODE_AT(sized, max_node),                                                                                \
         .help = "the upper bound has no default"},                                                                    \
        {.key = "rate", .kind = BIND_TABLE, .table = &rate_table, .required = true, .help = "what is offered"},        \
        {.key = "service",                                                                                             \
         .kind = BIND_TABLE,                                                                                           \
         .table = &service_table,                                                                                      \
         .required = true,                                                                                             \
         .help = "what one replica can do"},                                                                           \
        {.key = "objective", .kind = BIND_TABLE, .table = &objective_table, .help = "how long requests may wait"},     \
        TIME_ROW("window", window, 1, HOUR_S, "the rate is a mean over it; default 2m"),                               \
        TIME_ROW("startupLag", lag, 0, HOUR_S, "from a decision to a ready replica; default 3m"),                      \
        TIME_ROW("scaleDownHold", hold, 0, HOUR_S, "a lower count must have been enough for it; default 5m"),          \
        TIME_ROW("syncPeriod", sync, 1, HOUR_S, "between two decisions, in whole seconds; default 15s")

/* --- the two kinds ------------------------------------------------------------------------------------------- */

static const bind_field queue_fields[] = {
    COMMON_ROWS,
    {.key = "growthLimit",
     .kind = BIND_PERCENT,
     .range = BIND_MIN | BIND_MAX,
     .min = 100,
     .max = 10000,
     BIND_AT(sized, growth),
     .help = "the trend is followed to this share of the greatest rate in the window; default 200%"},
    {.key = NULL},
};

static const bind_field forecast_fields[] = {
    COMMON_ROWS,
    {.key = "season",
     .kind = BIND_DURATION,
     .range = BIND_MIN | BIND_MAX,
     .min = 120,
     .max = 366 * DAY_S,
     BIND_AT(sized, season),
     BIND_NODE_AT(sized, season_node),
     .help = "default 1d; 7d tells working days from others"},
    TIME_ROW("bin", bin, 60, 6 * HOUR_S, "of the season; default 15m"),
    TIME_ROW("levelWindow", level_window, 60, DAY_S, "time constant of the level over the profile; default 30m"),
    {.key = "learningRate",
     .kind = BIND_PERCENT,
     .range = BIND_MIN | BIND_MAX,
     .min = 0.0001,
     .max = 100,
     BIND_AT(sized, learn),
     .help = "weight of the newest season; default 30%"},
    {.key = "confidence",
     .kind = BIND_PERCENT,
     .range = BIND_MIN | BIND_MAX,
     .min = 50,
     .max = 99.9,
     BIND_AT(sized, confidence),
     .help = "share of the time that the band covers the rate; default 90%"},
    {.key = NULL},
};

static const bind_table queue_table = {.name = "QueueScaler spec", .size = sizeof(sized), .fields = queue_fields};
static const bind_table forecast_table = {
    .name = "ForecastScaler spec", .size = sizeof(sized), .fields = forecast_fields};

static const bind_field queue_root_fields[] = {
    KM_ROOT(sized, km_meta_table),
    {.key = "spec", .kind = BIND_TABLE, .table = &queue_table, .required = true, .help = "target, rate and service"},
    {.key = NULL},
};
static const bind_field forecast_root_fields[] = {
    KM_ROOT(sized, km_meta_table),
    {.key = "spec", .kind = BIND_TABLE, .table = &forecast_table, .required = true, .help = "target, rate and service"},
    {.key = NULL},
};

static double share_of(int64_t ppm)
{
    return (double)ppm / 1e6;
}

static int64_t ppm_of(double share)
{
    return (int64_t)(share * 1e6 + 0.5);
}

static void take_sizing(sized *s, const spw_sizing *from)
{
    s->slots = from->slots;
    s->wait = from->wait;
    s->percentile = share_of(from->percentile_ppm);
    s->utilization = share_of(from->utilization_ppm);
}

static void init_queue(void *object)
{
    spw_scaler preset;
    const spw_queue *q = &preset.as.queue;
    sized *s = object;

    spw_scaler_default(&preset, SPW_SCALER_QUEUE);
    take_sizing(s, &q->sizing);
    s->replicas_min = q->replicas_min;
    s->window = q->window;
    s->lag = q->lag;
    s->hold = q->hold;
    s->sync = q->sync_s * SPW_NS_PER_S;
    s->growth = share_of(q->growth_max_ppm);
}

static void init_forecast(void *object)
{
    spw_scaler preset;
    const spw_forecast *f = &preset.as.forecast;
    sized *s = object;

    spw_scaler_default(&preset, SPW_SCALER_FORECAST);
    take_sizing(s, &f->sizing);
    s->replicas_min = f->replicas_min;
    s->window = f->window;
    s->lag = f->lag;
    s->hold = f->hold;
    s->sync = f->sync_s * SPW_NS_PER_S;
    s->season = f->season;
    s->bin = f->bin;
    s->level_window = f->level_window;
    s->learn = share_of(f->learn_ppm);
    s->confidence = share_of(f->confidence_ppm);
}

static const bind_table queue_root_table = {
    .name = "QueueScaler", .size = sizeof(sized), .fields = queue_root_fields, .init = init_queue};
static const bind_table forecast_root_table = {
    .name = "ForecastScaler", .size = sizeof(sized), .fields = forecast_root_fields, .init = init_forecast};

/* --- checks and conversion ----------------------------------------------------------------------------------- */

static bool check_sized(bind *b, const sized *s)
{
    if (s->replicas_min > s->replicas_max) {
        ynode_error(b->diag, s->max_node, "'spec.maxReplicas' is %" PRId32 ", below minReplicas %" PRId32,
                    s->replicas_max, s->replicas_min);
        return false;
    }
    if (s->replicas_min == 0 && s->metric_kind == SPW_METRIC_PODS) {
        ynode_error(b->diag, s->min_node, "'spec.minReplicas' 0 needs an Object or External rate to scale up again");
        return false;
    }
    if ((int64_t)s->slots * s->replicas_max > SPW_SLOTS_MAX) {
        ynode_error(b->diag, s->slots_node != NULL ? s->slots_node : s->max_node,
                    "concurrency times maxReplicas is over %d slots", SPW_SLOTS_MAX);
        return false;
    }
    return true;
}

static bool check_season(bind *b, const sized *s, const ynode *root)
{
    const ynode *at = s->season_node != NULL ? s->season_node : root;

    if (s->season % s->bin != 0 || s->season < 2 * s->bin || s->season / s->bin > SPW_SEASON_BINS_MAX) {
        ynode_error(b->diag, at, "a season is 2 to %d whole bins", SPW_SEASON_BINS_MAX);
        return false;
    }
    if (s->sync > s->bin) {
        ynode_error(b->diag, at, "the sync period is longer than a bin of the season");
        return false;
    }
    return true;
}

static spw_sizing sizing_of(const sized *s)
{
    return (spw_sizing){.service_rate_milli = s->service_rate_milli,
                        .slots = s->slots,
                        .wait = s->wait,
                        .percentile_ppm = ppm_of(s->percentile),
                        .utilization_ppm = ppm_of(s->utilization)};
}

static int32_t whole_seconds(int64_t ns)
{
    return (int32_t)((ns + SPW_NS_PER_S - 1) / SPW_NS_PER_S);
}

bool km_read_queue(spw_manifest_set *set, bind *b, const ynode *root)
{
    km_scaler *out = zone_take(b->zone, sizeof(*out));
    sized s;

    if (out == NULL || !bind_object(b, &queue_root_table, root, &s) || !check_sized(b, &s)) {
        return false;
    }
    out->head = s.head;
    out->target = s.target;
    spw_scaler_default(&out->scaler, SPW_SCALER_QUEUE);
    out->scaler.as.queue = (spw_queue){.replicas_min = s.replicas_min,
                                       .replicas_max = s.replicas_max,
                                       .rate = {.kind = s.metric_kind, .name = s.metric},
                                       .sizing = sizing_of(&s),
                                       .window = s.window,
                                       .lag = s.lag,
                                       .hold = s.hold,
                                       .growth_max_ppm = ppm_of(s.growth),
                                       .sync_s = whole_seconds(s.sync)};
    return km_append_scaler(set, b, out, root);
}

bool km_read_forecast(spw_manifest_set *set, bind *b, const ynode *root)
{
    km_scaler *out = zone_take(b->zone, sizeof(*out));
    sized s;

    if (out == NULL || !bind_object(b, &forecast_root_table, root, &s) || !check_sized(b, &s) ||
        !check_season(b, &s, root)) {
        return false;
    }
    out->head = s.head;
    out->target = s.target;
    spw_scaler_default(&out->scaler, SPW_SCALER_FORECAST);
    out->scaler.as.forecast = (spw_forecast){.replicas_min = s.replicas_min,
                                             .replicas_max = s.replicas_max,
                                             .rate = {.kind = s.metric_kind, .name = s.metric},
                                             .sizing = sizing_of(&s),
                                             .season = s.season,
                                             .bin = s.bin,
                                             .window = s.window,
                                             .lag = s.lag,
                                             .hold = s.hold,
                                             .level_window = s.level_window,
                                             .learn_ppm = ppm_of(s.learn),
                                             .confidence_ppm = ppm_of(s.confidence),
                                             .sync_s = whole_seconds(s.sync)};
    return km_append_scaler(set, b, out, root);
}

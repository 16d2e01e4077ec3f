/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * tables_types.c - what each table holds: columns, the check of a row, the figures shown in a listing.
 *
 * The checks refuse figures that no machine, market or network can have; they are wide on purpose. A check's message
 * begins with the name of the column it is about: the reader points there.
 */
#include "sim/scenario/tables_columns.h"
#include "sim/scenario/tables_reader.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- gpus, models, profiles: columns and checks belong to models/gpu ---- */

static const char *check_gpu(void *row)
{
    return mdl_gpu_check(row);
}

static void figures_gpu(const void *row, char *text, size_t size)
{
    const mdl_gpu *g = row;
    snprintf(text, size, "%.0f GiB, %.0f GB/s, %.1f TFLOP/s fp16, %.0f W", g->mem_gib, g->mem_bw_gb_s, g->fp16_tflops,
             g->tdp_w);
}

static const char *check_model(void *row)
{
    return mdl_model_check(row);
}

static void figures_model(const void *row, char *text, size_t size)
{
    const mdl_model *m = row;
    snprintf(text, size, "%.2fe9 parameters, weights %.2f GB, KV %lld B/token, context %lld", m->params_b,
             (double)m->weights_bytes / 1e9, (long long)m->kv_bytes_per_token, (long long)m->max_context);
}

static const char *check_profile(void *row)
{
    return mdl_profile_check(row);
}

static void figures_profile(const void *row, char *text, size_t size)
{
    const mdl_profile *p = row;
    snprintf(text, size, "decode %.2f ms/step at batch 1, prefill %.1f us/token, %.2f GB reserved",
             (p->c1_us + p->h0_us + p->h1_us + p->e0_us + p->e1_us) / 1e3, p->c4_us, (double)p->reserved_bytes / 1e9);
}

/* ---- prices ---- */

static const mdl_column price_columns[] = {TEXT(table_price, provider),      TEXT(table_price, gpu),
                                           TEXT(table_price, kind),          REAL(table_price, usd_per_gpu_hour),
                                           REAL(table_price, min_billing_s), ORIGIN(table_price)};

static const char *check_price(void *row)
{
    table_price *p = row;
    if (strcmp(p->kind, "on-demand") != 0 && strcmp(p->kind, "spot") != 0 && strcmp(p->kind, "reserved") != 0) {
        return "kind is none of on-demand, spot, reserved";
    }
    if (!(p->usd_per_gpu_hour > 0.0 && p->usd_per_gpu_hour <= 1e6)) {
        return "usd_per_gpu_hour must be above 0 and at most 1e6";
    }
    if (!(p->min_billing_s >= 0.0 && p->min_billing_s <= 31536000.0)) {
        return "min_billing_s must be from 0 to a year";
    }
    p->uusd_per_gpu_h = (int64_t)llround(p->usd_per_gpu_hour * 1e6);
    return NULL;
}

static void figures_price(const void *row, char *text, size_t size)
{
    const table_price *p = row;
    snprintf(text, size, "%.4g USD per GPU-hour, at least %.0f s billed", p->usd_per_gpu_hour, p->min_billing_s);
}

/* ---- owned ---- */

#define OWNED(F) AT(table_owned, owned.F, #F, MDL_COLUMN_REAL)
static const mdl_column owned_columns[] = {TEXT(table_owned, gpu),
                                           OWNED(server_usd),
                                           OWNED(gpus_per_server),
                                           OWNED(residual_share),
                                           OWNED(months),
                                           OWNED(kw_per_gpu),
                                           OWNED(pue),
                                           OWNED(usd_per_kwh),
                                           OWNED(space_usd_per_kw_month),
                                           OWNED(maintenance_share_per_year),
                                           OWNED(capital_share_per_year),
                                           OWNED(staff_usd_per_gpu_month),
                                           ORIGIN(table_owned)};

static const char *check_owned(void *row)
{
    table_owned *p = row;
    const mdl_owned *o = &p->owned;
    if (!(o->server_usd >= 0.0 && o->server_usd <= 1e8)) {
        return "server_usd must be from 0 to 1e8";
    }
    if (!(o->gpus_per_server >= 1.0 && o->gpus_per_server <= 1024.0)) {
        return "gpus_per_server must be from 1 to 1024";
    }
    if (!(o->residual_share >= 0.0 && o->residual_share <= 1.0)) {
        return "residual_share must be from 0 to 1";
    }
    if (!(o->months >= 1.0 && o->months <= 600.0)) {
        return "months must be from 1 to 600";
    }
    if (!(o->kw_per_gpu >= 0.0 && o->kw_per_gpu <= 100.0)) {
        return "kw_per_gpu must be from 0 to 100";
    }
    if (!(o->pue >= 1.0 && o->pue <= 10.0)) {
        return "pue must be from 1 to 10";
    }
    if (!(o->usd_per_kwh >= 0.0 && o->usd_per_kwh <= 100.0)) {
        return "usd_per_kwh must be from 0 to 100";
    }
    if (!(o->space_usd_per_kw_month >= 0.0 && o->space_usd_per_kw_month <= 1e5)) {
        return "space_usd_per_kw_month must be from 0 to 1e5";
    }
    if (!(o->maintenance_share_per_year >= 0.0 && o->maintenance_share_per_year <= 10.0)) {
        return "maintenance_share_per_year must be from 0 to 10";
    }
    if (!(o->capital_share_per_year >= 0.0 && o->capital_share_per_year <= 1.0)) {
        return "capital_share_per_year must be from 0 to 1";
    }
    if (!(o->staff_usd_per_gpu_month >= 0.0 && o->staff_usd_per_gpu_month <= 1e5)) {
        return "staff_usd_per_gpu_month must be from 0 to 1e5";
    }
    p->uusd_per_gpu_h = mdl_owned_uusd_per_gpu_h(o);
    p->full_uusd_per_gpu_h = mdl_owned_full_uusd_per_gpu_h(o);
    return NULL;
}

static void figures_owned(const void *row, char *text, size_t size)
{
    const table_owned *p = row;
    snprintf(text, size,
             "%.3f USD per GPU-hour, %.3f with capital and staff; server %.0f USD over %.0f months, %.3f kW per GPU",
             (double)p->uusd_per_gpu_h / 1e6, (double)p->full_uusd_per_gpu_h / 1e6, p->owned.server_usd,
             p->owned.months, p->owned.kw_per_gpu);
}

/* ---- lags ---- */

static const mdl_column lag_columns[] = {
    TEXT(table_lag_stage, name), TEXT(table_lag_stage, stage), TEXT(table_lag_stage, kind), REAL(table_lag_stage, a),
    REAL(table_lag_stage, b),    REAL(table_lag_stage, max),   ORIGIN(table_lag_stage)};

mdl_law *table_lag_law(mdl_lag *lag, const char *stage, int *known)
{
    const struct {
        const char *name;
        mdl_law *law;
    } stages[TABLE_LAG_STAGES] = {
        {"inventory_s", &lag->inventory_s},
        {"boot_s", &lag->boot_s},
        {"join_s", &lag->join_s},
        {"pull_gb_per_s", &lag->pull_gb_per_s},
        {"pull_hit_s", &lag->pull_hit_s},
        {"start_s", &lag->start_s},
        {"load_gb_per_s", &lag->load_gb_per_s},
        {"compile_s", &lag->compile_s},
        {"capture_s", &lag->capture_s},
        {"probe_s", &lag->probe_s},
        {"fail_probability", NULL},
    };
    for (size_t i = 0; i < TABLE_LAG_STAGES; i++) {
        if (strcmp(stages[i].name, stage) == 0) {
            *known = 1;
            return stages[i].law;
        }
    }
    *known = 0;
    return NULL;
}

mdl_law_kind table_law_kind(const char *text)
{
    static const mdl_law_kind kinds[] = {MDL_LAW_CONSTANT, MDL_LAW_LOGNORMAL, MDL_LAW_UNIFORM, MDL_LAW_EXPONENTIAL,
                                         MDL_LAW_WEIBULL};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(mdl_law_kind_name(kinds[i]), text) == 0) {
            return kinds[i];
        }
    }
    return (mdl_law_kind)0;
}

static const char *check_lag(void *row)
{
    table_lag_stage *p = row;
    mdl_lag lag;
    int known = 0;
    const mdl_law *law = table_lag_law(&lag, p->stage, &known);
    mdl_law_kind kind = table_law_kind(p->kind);
    bool rate = strstr(p->stage, "_gb_per_s") != NULL;
    if (!known) {
        return "stage is none of inventory_s, boot_s, join_s, pull_gb_per_s, pull_hit_s, start_s, load_gb_per_s, "
               "compile_s, capture_s, probe_s, fail_probability";
    }
    if ((int)kind == 0) {
        return "kind is none of constant, lognormal, uniform, exponential, weibull";
    }
    if (!(p->a >= 0.0 && p->a <= 1e9) || (rate && !(p->a > 0.0))) {
        return rate ? "a must be above 0 and at most 1e9 (a rate)" : "a must be from 0 to 1e9";
    }
    if (!(p->b >= 0.0 && p->b <= 1e9)) {
        return "b must be from 0 to 1e9";
    }
    if ((kind == MDL_LAW_LOGNORMAL || kind == MDL_LAW_UNIFORM) && p->b < p->a) {
        return kind == MDL_LAW_LOGNORMAL ? "b (90th percentile) is below a (median)" : "b (upper end) is below a";
    }
    if (kind == MDL_LAW_LOGNORMAL && !(p->a > 0.0)) {
        return "a (median of a lognormal) must be above 0";
    }
    if (kind == MDL_LAW_WEIBULL && !(p->b >= 0.1 && p->b <= 20.0)) {
        return "b (shape of a Weibull law) must be from 0.1 to 20";
    }
    if (!(p->max >= 0.0 && p->max <= 1e9)) {
        return "max must be from 0 (no cap) to 1e9";
    }
    if (law == NULL && (kind != MDL_LAW_CONSTANT || p->a > 1.0)) {
        return "a of fail_probability must be from 0 to 1, and its kind constant";
    }
    return NULL;
}

static void figures_lag(const void *row, char *text, size_t size)
{
    const table_lag_stage *p = row;
    const char *unit = strcmp(p->stage, "fail_probability") == 0 ? ""
                       : strstr(p->stage, "_gb_per_s") != NULL   ? " GB/s"
                                                                 : " s";
    int n = 0;
    if (strcmp(p->kind, "lognormal") == 0) {
        n = snprintf(text, size, "lognormal, median %.4g%s, p90 %.4g%s", p->a, unit, p->b, unit);
    } else if (strcmp(p->kind, "uniform") == 0) {
        n = snprintf(text, size, "uniform, %.4g to %.4g%s", p->a, p->b, unit);
    } else if (strcmp(p->kind, "weibull") == 0) {
        n = snprintf(text, size, "weibull, scale %.4g%s, shape %.4g", p->a, unit, p->b);
    } else {
        n = snprintf(text, size, "%s, %.4g%s", p->kind, p->a, unit);
    }
    if (p->max > 0.0 && n > 0 && (size_t)n < size) {
        snprintf(text + n, size - (size_t)n, ", at most %.4g%s", p->max, unit);
    }
}

/* ---- markets ---- */

#define MARKET(F) AT(table_market, market.F, #F, MDL_COLUMN_REAL)
static const mdl_column market_columns[] = {TEXT(table_market, name), MARKET(shape_k),  MARKET(scale_h),
                                            MARKET(protected_h),      MARKET(notice_s), ORIGIN(table_market)};

static const char *check_market(void *row)
{
    const table_market *p = row;
    if (!(p->market.shape_k >= 0.1 && p->market.shape_k <= 20.0)) {
        return "shape_k must be from 0.1 to 20";
    }
    if (!(p->market.scale_h > 0.0 && p->market.scale_h <= 1e6)) {
        return "scale_h must be above 0 and at most 1e6";
    }
    if (!(p->market.protected_h >= 0.0 && p->market.protected_h <= 1e4)) {
        return "protected_h must be from 0 to 1e4";
    }
    if (!(p->market.notice_s >= 0.0 && p->market.notice_s <= 86400.0)) {
        return "notice_s must be from 0 to 86400";
    }
    return NULL;
}

static void figures_market(const void *row, char *text, size_t size)
{
    const table_market *p = row;
    char first[48] = "";
    if (p->market.protected_h > 0.0) {
        snprintf(first, sizeof first, "%.4g h protected, then ", p->market.protected_h);
    }
    snprintf(text, size, "mean life %.2f h (%sWeibull shape %.2f, scale %.2f h), notice %.0f s",
             mdl_spot_mean_h(&p->market), first, p->market.shape_k, p->market.scale_h, p->market.notice_s);
}

/* ---- network ---- */

static const mdl_column rtt_columns[] = {TEXT(table_rtt, from), TEXT(table_rtt, to), REAL(table_rtt, rtt_ms),
                                         ORIGIN(table_rtt)};

static const char *check_rtt(void *row)
{
    const table_rtt *p = row;
    return p->rtt_ms >= 0.0 && p->rtt_ms <= 60000.0 ? NULL : "rtt_ms must be from 0 to 60000";
}

static void figures_rtt(const void *row, char *text, size_t size)
{
    snprintf(text, size, "%.4g ms", ((const table_rtt *)row)->rtt_ms);
}

static const mdl_column egress_columns[] = {TEXT(table_egress, provider),   TEXT(table_egress, scope),
                                            TEXT(table_egress, from),       TEXT(table_egress, to),
                                            REAL(table_egress, usd_per_gb), ORIGIN(table_egress)};

static const char *check_egress(void *row)
{
    table_egress *p = row;
    const mdl_egress_scope scope = mdl_egress_scope_find(p->scope);
    if (scope == 0) {
        return "scope is none of internet, inter-region, inter-provider";
    }
    if (scope == MDL_EGRESS_INTERNET && strcmp(p->to, TABLES_ANY) != 0) {
        return "to must be any with scope internet";
    }
    if (!(p->usd_per_gb >= 0.0 && p->usd_per_gb <= 1000.0)) {
        return "usd_per_gb must be from 0 to 1000";
    }
    p->uusd_per_gb = (int64_t)llround(p->usd_per_gb * 1e6);
    return NULL;
}

static void figures_egress(const void *row, char *text, size_t size)
{
    snprintf(text, size, "%.4g USD per GB", ((const table_egress *)row)->usd_per_gb);
}

#define JITTER(F) AT(table_jitter, jitter.F, #F, MDL_COLUMN_REAL)
static const mdl_column jitter_columns[] = {TEXT(table_jitter, name), JITTER(floor_us), JITTER(share),
                                            ORIGIN(table_jitter)};

static const char *check_jitter(void *row)
{
    const mdl_jitter *p = &((const table_jitter *)row)->jitter;
    if (!(p->floor_us >= 0.0 && p->floor_us <= 1e6)) {
        return "floor_us must be from 0 to 1e6";
    }
    return p->share >= 0.0 && p->share <= 10.0 ? NULL : "share must be from 0 to 10";
}

static void figures_jitter(const void *row, char *text, size_t size)
{
    const mdl_jitter *p = &((const table_jitter *)row)->jitter;
    snprintf(text, size, "mean %.4g us + %.4g of one way", p->floor_us, p->share);
}

#define PAYLOAD(F) AT(table_payload, payload.F, #F, MDL_COLUMN_REAL)
static const mdl_column payload_columns[] = {TEXT(table_payload, name),         PAYLOAD(request_bytes_fixed),
                                             PAYLOAD(request_bytes_per_token),  PAYLOAD(response_bytes_fixed),
                                             PAYLOAD(response_bytes_per_token), ORIGIN(table_payload)};

static bool is_bytes(double x)
{
    return x >= 0.0 && x <= 1e9;
}

static const char *check_payload(void *row)
{
    const mdl_payload *p = &((const table_payload *)row)->payload;
    if (!is_bytes(p->request_bytes_fixed)) {
        return "request_bytes_fixed must be from 0 to 1e9";
    }
    if (!is_bytes(p->request_bytes_per_token)) {
        return "request_bytes_per_token must be from 0 to 1e9";
    }
    if (!is_bytes(p->response_bytes_fixed)) {
        return "response_bytes_fixed must be from 0 to 1e9";
    }
    return is_bytes(p->response_bytes_per_token) ? NULL : "response_bytes_per_token must be from 0 to 1e9";
}

static void figures_payload(const void *row, char *text, size_t size)
{
    const mdl_payload *p = &((const table_payload *)row)->payload;
    snprintf(text, size, "request %.4g B + %.4g B/token, response %.4g B + %.4g B/token", p->request_bytes_fixed,
             p->request_bytes_per_token, p->response_bytes_fixed, p->response_bytes_per_token);
}

/* ---- images ---- */

#define IMAGE(F) AT(table_image, image.F, #F, MDL_COLUMN_REAL)
static const mdl_column image_columns[] = {TEXT(table_image, model), IMAGE(image_gb), IMAGE(weights_gb),
                                           ORIGIN(table_image)};

static const char *check_image(void *row)
{
    const mdl_image *p = &((const table_image *)row)->image;
    if (!(p->image_gb >= 0.0 && p->image_gb <= 1e4)) {
        return "image_gb must be from 0 to 1e4";
    }
    return p->weights_gb >= 0.0 && p->weights_gb <= 1e5 ? NULL : "weights_gb must be from 0 to 1e5";
}

static void figures_image(const void *row, char *text, size_t size)
{
    const mdl_image *p = &((const table_image *)row)->image;
    snprintf(text, size, "image %.4g GB compressed, weights %.4g GB", p->image_gb, p->weights_gb);
}

/* ---- shapes ---- */

#define HOUR(I, NAME) AT(table_shape_days, hours[I], NAME, MDL_COLUMN_REAL)
static const mdl_column shape_columns[] = {TEXT(table_shape_days, name),
                                           TEXT(table_shape_days, days),
                                           HOUR(0, "h00"),
                                           HOUR(1, "h01"),
                                           HOUR(2, "h02"),
                                           HOUR(3, "h03"),
                                           HOUR(4, "h04"),
                                           HOUR(5, "h05"),
                                           HOUR(6, "h06"),
                                           HOUR(7, "h07"),
                                           HOUR(8, "h08"),
                                           HOUR(9, "h09"),
                                           HOUR(10, "h10"),
                                           HOUR(11, "h11"),
                                           HOUR(12, "h12"),
                                           HOUR(13, "h13"),
                                           HOUR(14, "h14"),
                                           HOUR(15, "h15"),
                                           HOUR(16, "h16"),
                                           HOUR(17, "h17"),
                                           HOUR(18, "h18"),
                                           HOUR(19, "h19"),
                                           HOUR(20, "h20"),
                                           HOUR(21, "h21"),
                                           HOUR(22, "h22"),
                                           HOUR(23, "h23"),
                                           ORIGIN(table_shape_days)};

unsigned table_days(const char *days)
{
    static const struct {
        const char *name;
        unsigned mask;
    } names[] = {{"all", 0x7f}, {"workdays", 0x1f}, {"weekend", 0x60}, {"mon", 1},  {"tue", 2},
                 {"wed", 4},    {"thu", 8},         {"fri", 16},       {"sat", 32}, {"sun", 64}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i].name, days) == 0) {
            return names[i].mask;
        }
    }
    return 0;
}

static const char *check_shape(void *row)
{
    const table_shape_days *p = row;
    if (table_days(p->days) == 0) {
        return "days is none of all, workdays, weekend, mon, tue, wed, thu, fri, sat, sun";
    }
    for (int h = 0; h < 24; h++) {
        if (!(p->hours[h] >= 0.0 && p->hours[h] <= 1e9)) {
            return shape_columns[2 + h].name;
        }
    }
    return NULL;
}

static void figures_shape(const void *row, char *text, size_t size)
{
    const table_shape_days *p = row;
    int low = 0;
    int high = 0;
    for (int h = 1; h < 24; h++) {
        low = p->hours[h] < p->hours[low] ? h : low;
        high = p->hours[h] > p->hours[high] ? h : high;
    }
    snprintf(text, size, "peak %.4g at %02d:00, trough %.4g at %02d:00", p->hours[high], high, p->hours[low], low);
}

/* ---- all ---- */

const table_type table_types[TABLES_KINDS] = {
    [TABLES_GPUS] = {"gpus", mdl_gpu_columns, sizeof(mdl_gpu), 1, check_gpu, figures_gpu},
    [TABLES_MODELS] = {"models", mdl_model_columns, sizeof(mdl_model), 1, check_model, figures_model},
    [TABLES_PROFILES] = {"profiles", mdl_profile_columns, sizeof(mdl_profile), 3, check_profile, figures_profile},
    [TABLES_PRICES] = {"prices", price_columns, sizeof(table_price), 3, check_price, figures_price},
    [TABLES_OWNED] = {"owned", owned_columns, sizeof(table_owned), 1, check_owned, figures_owned},
    [TABLES_LAGS] = {"lags", lag_columns, sizeof(table_lag_stage), 2, check_lag, figures_lag},
    [TABLES_MARKETS] = {"markets", market_columns, sizeof(table_market), 1, check_market, figures_market},
    [TABLES_RTT] = {"rtt", rtt_columns, sizeof(table_rtt), 2, check_rtt, figures_rtt},
    [TABLES_EGRESS] = {"egress", egress_columns, sizeof(table_egress), 4, check_egress, figures_egress},
    [TABLES_PAYLOAD] = {"payload", payload_columns, sizeof(table_payload), 1, check_payload, figures_payload},
    [TABLES_IMAGES] = {"images", image_columns, sizeof(table_image), 1, check_image, figures_image},
    [TABLES_SHAPES] = {"shapes", shape_columns, sizeof(table_shape_days), 2, check_shape, figures_shape},
    [TABLES_BATHTUBS] = {"bathtubs", table_bathtub_columns, sizeof(table_market), 1, table_bathtub_check,
                         table_bathtub_figures},
    [TABLES_STOCKS] = {"stocks", table_stock_columns, sizeof(table_stock), 1, table_stock_check, table_stock_figures},
    [TABLES_WALKS] = {"walks", table_walk_columns, sizeof(table_walk), 1, table_walk_check, table_walk_figures},
    [TABLES_DELIVERY] = {"delivery", table_delivery_columns, sizeof(table_delivery), 1, table_delivery_check,
                         table_delivery_figures},
    [TABLES_LAYERS] = {"layers", table_layer_columns, sizeof(table_layer), 2, table_layer_check, table_layer_figures},
    [TABLES_STORAGE] = {"storage", table_storage_columns, sizeof(table_storage), 1, table_storage_check,
                        table_storage_figures},
    [TABLES_THROUGHPUT] = {"throughput", table_throughput_columns, sizeof(table_throughput), 1, table_throughput_check,
                           table_throughput_figures},
    [TABLES_PUBLISHED] = {"published", table_published_columns, sizeof(table_published), 1, table_published_check,
                          table_published_figures},
    [TABLES_JITTER] = {"jitter", jitter_columns, sizeof(table_jitter), 1, check_jitter, figures_jitter},
};

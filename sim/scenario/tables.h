/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * tables.h - the parameter tables under scenarios/tables: every figure about the world, with source, date and grade.
 *
 * A table is a CSV file (rules: csvfile.h) with a header line; columns may stand in any order, all are required, an
 * unknown one is an error. Every row ends with source, date (YYYY, YYYY-MM or YYYY-MM-DD) and grade, one of
 *   measured  a published run or trace            vendor    a datasheet, a price page, product documentation
 *   derived   worked out from other rows          estimate  nobody measured it for us
 * The first columns of each file are its key; a key may occur once.
 *
 *   file          key                   figures
 *   gpus.csv      name                  mdl_gpu (models/gpu/gpu.h)
 *   models.csv    name                  mdl_model
 *   profiles.csv  engine,gpu,model      mdl_profile
 *   prices.csv    provider,gpu,kind     rental; kind on-demand, spot or reserved
 *   owned.csv     gpu                   mdl_owned
 *   lags.csv      name,stage            one law for each stage of mdl_lag
 *   markets.csv   name                  mdl_market
 *   rtt.csv       from,to               round trips, a full matrix
 *   egress.csv    provider,scope,from,to  scope internet, inter-region or inter-provider; from, to: regions, or any
 *   jitter.csv    name                  mdl_jitter
 *   payload.csv   name                  mdl_payload
 *   images.csv    model                 mdl_image
 *   bathtubs.csv  name                  mdl_market with a longest life
 *   stocks.csv    name                  mdl_stock
 *   walks.csv     name                  mdl_walk, of a spot price
 *   delivery.csv  name                  bandwidths between registry and GPU, disk for images, replication
 *   layers.csv    model,digest          layers of a model's image; equal digests are one file
 *   throughput.csv name               saturated runs of real engines, for selfcheck
 *   published.csv name                results by direction and size, for selfcheck
 *   storage.csv   provider              price of stored images
 *   shapes.csv    name,days             24 hourly values for the named days; the rows of a name cover the week
 *
 * GPU and model names in other tables must exist in gpus.csv and models.csv. A loaded set never changes; threads may
 * share it. Pointers stay valid until tables_free().
 */
#ifndef SIM_SCENARIO_TABLES_H
#define SIM_SCENARIO_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/gpu/gpu.h"
#include "models/network/network.h"
#include "models/price/price.h"
#include "models/price/walk.h"
#include "models/provision/provision.h"
#include "models/provision/stock.h"
#include "models/spot/spot.h"
#include "models/traffic/traffic.h"

/** Where a row comes from. */
#define TABLE_ORIGIN                                                                                                   \
    char source[MDL_SOURCE_SIZE];                                                                                      \
    char date[MDL_DATE_SIZE];                                                                                          \
    char grade[MDL_GRADE_SIZE]

/** A row of prices.csv. */
typedef struct table_price {
    char provider[MDL_NAME_SIZE], gpu[MDL_NAME_SIZE], kind[MDL_NAME_SIZE];
    double usd_per_gpu_hour;
    double min_billing_s;   /**< a machine is billed at least this long */
    int64_t uusd_per_gpu_h; /**< the price, rounded to micro-USD */
    TABLE_ORIGIN;
} table_price;

/** A row of owned.csv. */
typedef struct table_owned {
    char gpu[MDL_NAME_SIZE];
    mdl_owned owned;
    int64_t uusd_per_gpu_h;      /**< mdl_owned_uusd_per_gpu_h(&owned) */
    int64_t full_uusd_per_gpu_h; /**< mdl_owned_full_uusd_per_gpu_h(&owned) */
    TABLE_ORIGIN;
} table_owned;

/** A row of lags.csv: one stage of one lag. stage is a field name of mdl_lag. */
typedef struct table_lag_stage {
    char name[MDL_NAME_SIZE], stage[MDL_NAME_SIZE], kind[MDL_NAME_SIZE];
    double a, b, max;
    TABLE_ORIGIN;
} table_lag_stage;

/** A "kind" cell of lags.csv, 0 if it is none. */
mdl_law_kind table_law_kind(const char *text);
/** YYYY, YYYY-MM or YYYY-MM-DD, as the column "date" has it. */
bool table_is_date(const char *text);

/** All stages of one name in lags.csv. */
typedef struct table_lag {
    char name[MDL_NAME_SIZE];
    char grade[MDL_GRADE_SIZE]; /**< the weakest of its stages: measured, vendor, derived, estimate in this order */
    mdl_lag lag;
} table_lag;

/** A row of markets.csv or bathtubs.csv. */
typedef struct table_market {
    char name[MDL_NAME_SIZE];
    mdl_market market;
    TABLE_ORIGIN;
} table_market;

/** A row of stocks.csv. */
typedef struct table_stock {
    char name[MDL_NAME_SIZE];
    double up_scale_h, up_shape;      /**< Weibull */
    double down_median_h, down_p90_h; /**< lognormal; 0 = never down */
    mdl_stock stock;                  /**< with the laws put together */
    TABLE_ORIGIN;
} table_stock;

/** A row of walks.csv. */
typedef struct table_walk {
    char name[MDL_NAME_SIZE];
    mdl_walk walk;
    TABLE_ORIGIN;
} table_walk;

/** A row of delivery.csv. GB of 1e9 bytes. */
typedef struct table_delivery {
    char name[MDL_NAME_SIZE];
    double origin_gb_per_s;   /**< all that leaves the origin registry */
    double region_gb_per_s;   /**< all that enters the nodes of a region from registries and object stores */
    double nic_gb_per_s;      /**< into one node */
    double peer_gb_per_s;     /**< what one node gives to its peers */
    double disk_gb_per_s;     /**< weights from the node's disk to the GPU */
    double cache_gb;          /**< room for images and weights on a node */
    double replication_lag_s; /**< from a push at the origin to a regional registry */
    TABLE_ORIGIN;
} table_delivery;

/** A row of layers.csv. */
typedef struct table_layer {
    char model[MDL_NAME_SIZE], digest[MDL_NAME_SIZE];
    double gb;
    TABLE_ORIGIN;
} table_layer;

/** A row of throughput.csv: a saturated run that somebody published; a closed loop of equal requests. */
typedef struct table_throughput {
    char name[MDL_NAME_SIZE], gpu[MDL_NAME_SIZE], model[MDL_NAME_SIZE];
    int64_t replicas, tensor, pipeline, kv_fp8; /**< kv_fp8: 1 = one byte a value */
    int64_t input_tokens, output_tokens, concurrency, requests, max_sequences;
    double output_per_s, tpot_ms; /**< of the whole node; mean */
    double within;                /**< how far, relatively, a simulation may be off */
    char note[MDL_SOURCE_SIZE];   /**< why it may be off further; "-" = it may not */
    TABLE_ORIGIN;
} table_throughput;

/** A row of published.csv: a result by direction and size. */
typedef struct table_published {
    char name[MDL_NAME_SIZE], kind[MDL_NAME_SIZE]; /**< kind: what to compute, see sim/check/published.c */
    char a[MDL_NAME_SIZE], b[MDL_NAME_SIZE];       /**< what of: rows of throughput.csv, GPUs; "-" = nothing */
    double expected, within;
    char note[MDL_SOURCE_SIZE];
    TABLE_ORIGIN;
} table_published;

/** A row of storage.csv. */
typedef struct table_storage {
    char provider[MDL_NAME_SIZE];
    double usd_per_gb_month;
    int64_t uusd_per_gb_month;
    TABLE_ORIGIN;
} table_storage;

/** A row of rtt.csv. */
typedef struct table_rtt {
    char from[MDL_NAME_SIZE], to[MDL_NAME_SIZE];
    double rtt_ms;
    TABLE_ORIGIN;
} table_rtt;

#define TABLES_ANY "any" /**< in a column of regions: whichever has no row of its own */

/** A row of egress.csv. */
typedef struct table_egress {
    char provider[MDL_NAME_SIZE], scope[MDL_NAME_SIZE];
    char from[MDL_NAME_SIZE], to[MDL_NAME_SIZE]; /**< a region of rtt.csv, or any */
    double usd_per_gb;
    int64_t uusd_per_gb; /**< rounded to micro-USD */
    TABLE_ORIGIN;
} table_egress;

/** A row of jitter.csv. */
typedef struct table_jitter {
    char name[MDL_NAME_SIZE];
    mdl_jitter jitter;
    TABLE_ORIGIN;
} table_jitter;

/** A row of payload.csv. */
typedef struct table_payload {
    char name[MDL_NAME_SIZE];
    mdl_payload payload;
    TABLE_ORIGIN;
} table_payload;

/** A row of images.csv. */
typedef struct table_image {
    char model[MDL_NAME_SIZE];
    mdl_image image;
    TABLE_ORIGIN;
} table_image;

/** A row of shapes.csv. days: all, workdays, weekend, or mon, tue, wed, thu, fri, sat, sun. */
typedef struct table_shape_days {
    char name[MDL_NAME_SIZE], days[MDL_NAME_SIZE];
    double hours[24]; /**< columns h00 .. h23, relative */
    TABLE_ORIGIN;
} table_shape_days;

/** All rows of one name in shapes.csv, laid out as mdl_arrival_spec.shape wants it. */
typedef struct table_shape {
    char name[MDL_NAME_SIZE];
    double hours[MDL_SHAPE_HOURS];
} table_shape;

typedef enum tables_kind {
    TABLES_GPUS = 0,
    TABLES_MODELS,
    TABLES_PROFILES,
    TABLES_PRICES,
    TABLES_OWNED,
    TABLES_LAGS,
    TABLES_MARKETS,
    TABLES_RTT,
    TABLES_EGRESS,
    TABLES_PAYLOAD,
    TABLES_IMAGES,
    TABLES_SHAPES,
    TABLES_BATHTUBS,
    TABLES_STOCKS,
    TABLES_WALKS,
    TABLES_DELIVERY,
    TABLES_LAYERS,
    TABLES_STORAGE,
    TABLES_THROUGHPUT,
    TABLES_PUBLISHED,
    TABLES_JITTER,
    TABLES_KINDS
} tables_kind;

typedef struct tables tables;

/**
 * Reads every table of a directory.
 * @param out err  on failure "path:line:col: error: message", cut to err_size
 * @return NULL on failure; free with tables_free()
 */
tables *tables_load(const char *dir, char *err, size_t err_size);
void tables_free(tables *t); /**< NULL allowed */
/** Of the bytes of all files: provenance. */
uint64_t tables_hash(const tables *t);

/* Look-ups by exact name; NULL if there is no such row. */
const mdl_gpu *tables_gpu(const tables *t, const char *name);
const mdl_model *tables_model(const tables *t, const char *name);
const mdl_profile *tables_profile(const tables *t, const char *engine, const char *gpu, const char *model);
const table_price *tables_price(const tables *t, const char *provider, const char *gpu, const char *kind);
const table_owned *tables_owned(const tables *t, const char *gpu);
const table_lag *tables_lag(const tables *t, const char *name);
const table_market *tables_market(const tables *t, const char *name); /**< markets.csv first, then bathtubs.csv */
const table_stock *tables_stock(const tables *t, const char *name);
const table_walk *tables_walk(const tables *t, const char *name);
const table_delivery *tables_delivery(const tables *t, const char *name);
const table_storage *tables_storage(const tables *t, const char *provider);
/**
 * Price of bytes that leave `from` for `to`; to users: to = any. Of the rows that fit, the one that names most: both
 * regions, then `from` alone, then `to` alone, then neither.
 */
const table_egress *tables_egress(const tables *t, const char *provider, mdl_egress_scope scope, const char *from,
                                  const char *to);
const table_jitter *tables_jitter(const tables *t, const char *name);
const table_payload *tables_payload(const tables *t, const char *name);
const table_image *tables_image(const tables *t, const char *model);
const table_shape *tables_shape(const tables *t, const char *name);
/** Round trips of rtt.csv; never NULL. */
const mdl_network *tables_network(const tables *t);

/** "gpus", "models", "profiles", ... as in the file name. */
const char *tables_kind_name(tables_kind kind);
/** @return TABLES_KINDS if there is no such table */
tables_kind tables_kind_of(const char *name);
/** Rows of a table (lags: stages, shapes: rows of days). */
size_t tables_count(const tables *t, tables_kind kind);
/** Row `index` < tables_count() as the struct of that table; every one begins with the text of its first key. */
const void *tables_row(const tables *t, tables_kind kind, size_t index);

/** One row for a listing. */
typedef struct tables_line {
    char name[3 * MDL_NAME_SIZE + 3]; /**< the key, its parts joined with '/' */
    char figures[160];                /**< the figures that tell the row from others, with units */
    const char *source, *date, *grade;
} tables_line;
void tables_describe(const tables *t, tables_kind kind, size_t index, tables_line *line);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * provision.h - the chain of delays between "more replicas" and "ready": one law for each stage.
 *
 * Passive: a call draws, nothing is remembered. Every call of one function draws the same set of quantities in the same
 * order, whatever the outcome, so that policies compared on the same streams see the same luck.
 */
#ifndef MODELS_PROVISION_PROVISION_H
#define MODELS_PROVISION_PROVISION_H

#include <gsl/gsl_rng.h>
#include <stdint.h>

typedef enum mdl_law_kind {
    MDL_LAW_CONSTANT = 1,    /**< a */
    MDL_LAW_LOGNORMAL = 2,   /**< median a, 90th percentile b */
    MDL_LAW_UNIFORM = 3,     /**< a..b */
    MDL_LAW_EXPONENTIAL = 4, /**< mean a */
    MDL_LAW_WEIBULL = 5      /**< scale a, shape b */
} mdl_law_kind;

/** A non-negative random quantity, capped at `max` (0 = no cap). Unit: as the field that holds it says. */
typedef struct mdl_law {
    mdl_law_kind kind;
    double a, b, max;
} mdl_law;
double mdl_law_draw(const mdl_law *law, gsl_rng *r);
/**
 * Mean of what is drawn, exact. With a cap m:
 *   constant     min(a, m)
 *   lognormal    a exp(s^2/2) Phi(z - s) + m (1 - Phi(z)),  s = ln(b/a) / 1.28155, z = ln(m/a) / s
 *   uniform      m - (m - a)^2 / (2 (b - a)) for a < m < b
 *   exponential  a (1 - exp(-m/a))
 *   weibull      a Gamma(1 + 1/b) P(1/b, (m/a)^b), P the regularised lower incomplete gamma function
 */
double mdl_law_mean(const mdl_law *law);
double mdl_law_median(const mdl_law *law); /**< of what is drawn */
/** "constant", "lognormal", "uniform", "exponential", "weibull"; NULL for anything else. */
const char *mdl_law_kind_name(mdl_law_kind kind);

typedef enum mdl_stage {
    MDL_STAGE_INVENTORY = 0, /**< node: waiting for one, for want of stock, quota or room too */
    MDL_STAGE_BOOT = 1,      /**< node: boot of the machine */
    MDL_STAGE_JOIN = 2,      /**< node: joins the cluster, driver and device plugin ready */
    MDL_STAGE_PULL = 3,      /**< replica: container image onto the node */
    MDL_STAGE_FETCH = 4,     /**< replica: weights onto the node's disk; 0 where loading streams them */
    MDL_STAGE_LOAD = 5,      /**< replica: process start, weights to the GPU */
    MDL_STAGE_WARMUP = 6,    /**< replica: compile, graph capture, readiness probe */
    MDL_STAGES = 7
} mdl_stage;
/** "inventory", "boot", "join", "pull", "fetch", "load", "warmup"; "?" otherwise */
const char *mdl_stage_name(mdl_stage stage);

/** A row of scenarios/tables/lags.csv. */
typedef struct mdl_lag {
    mdl_law inventory_s;
    mdl_law boot_s, join_s;
    mdl_law pull_gb_per_s; /**< rate when the image is not on the node */
    mdl_law pull_hit_s;    /**< when it is */
    mdl_law start_s;       /**< process start to engine configuration */
    mdl_law load_gb_per_s; /**< weights */
    mdl_law compile_s, capture_s, probe_s;
    double fail_probability; /**< a node order that comes to nothing after its inventory wait */
} mdl_lag;

/** Compressed image and weights, GB of 1e9 bytes; a row of scenarios/tables/images.csv. */
typedef struct mdl_image {
    double image_gb, weights_gb;
} mdl_image;

/** Node stages in seconds; *failed = 1 if the order comes to nothing (only inventory_s is then meaningful). */
void mdl_lag_node(const mdl_lag *lag, gsl_rng *r, double *inventory_s, double *boot_s, double *join_s, int *failed);
/**
 * Replica stages in seconds. image_cached: the node has run this image before. own_warmup_s: how long it takes in place
 * of compile_s and capture_s, which are an LLM engine's; < 0: as long as they do. probe_s comes on top of either.
 * A transfer rate of 0 means that the stage takes no time.
 */
void mdl_lag_replica(const mdl_lag *lag, const mdl_image *image, int image_cached, double own_warmup_s, gsl_rng *r,
                     double *pull_s, double *load_s, double *warmup_s);

#endif

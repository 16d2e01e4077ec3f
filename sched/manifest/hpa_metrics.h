/* SPDX-License-Identifier: Apache-2.0 */
/** hpa_metrics.h - spec.metrics of an autoscaler. */
#ifndef SCHED_MANIFEST_HPA_METRICS_H
#define SCHED_MANIFEST_HPA_METRICS_H

#include "sched/manifest/manifest_int.h"

typedef struct km_hpa_target {
    spw_target_kind kind;
    int32_t utilization;
    bool has_utilization;
    int64_t average; /* milli */
    bool has_average;
    int64_t value; /* milli */
    bool has_value;
    const ynode *node;
} km_hpa_target;

/** describedObject. */
typedef struct km_described {
    const char *api;
    const char *kind;
    const char *name;
} km_described;

typedef struct km_hpa_source {
    const char *name;
    const km_selector *selector;   /* NULL = none */
    const km_described *described; /* NULL = not said */
    km_hpa_target target;
} km_hpa_source;

typedef enum km_metric_type {
    KM_METRIC_RESOURCE = 1,
    KM_METRIC_CONTAINER_RESOURCE = 2,
    KM_METRIC_PODS = 3,
    KM_METRIC_OBJECT = 4,
    KM_METRIC_EXTERNAL = 5
} km_metric_type;

/** One of spec.metrics. */
typedef struct km_hpa_metric {
    km_metric_type type;
    km_hpa_source source;
    const ynode *node;
} km_hpa_metric;

extern const bind_table km_hpa_metric_table; /* km_hpa_metric */

/** The metric for the core and for whoever asks for its values. false = out of memory. */
bool km_convert_metric(zone *z, const km_hpa_metric *from, spw_hpa_metric *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/** meters_int.h - one answer of a meter as rows. Internal to sched/kube. */
#ifndef SCHED_KUBE_METERS_INT_H
#define SCHED_KUBE_METERS_INT_H

#include <jansson.h>

#include "sched/kube/meters.h"
#include "sched/manifest/zone.h"

/** Rows of one meter; texts live in the zone. */
typedef struct meter_rows {
    zone zone;
    kube_metric_row *rows;
    size_t count, room;
} meter_rows;

/**
 * Reads an answer. Values that are no numbers, are below 0 or out of range make no row.
 * @param in  unix_ns  for values whose time is not said
 * @return NULL; or what is wrong with it, "" = out of memory
 */
const char *meter_read(const kube_meter_spec *spec, const kube_fleet *fleet, const json_t *answer, spw_time unix_ns,
                       meter_rows *out);

#endif

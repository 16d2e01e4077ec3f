/* SPDX-License-Identifier: Apache-2.0 */
/** pod_data.h - where a workload's data and users are: annotations, listed in spillway/manifest.h. */
#ifndef SCHED_MANIFEST_POD_DATA_H
#define SCHED_MANIFEST_POD_DATA_H

#include "sched/manifest/pod_spec.h"

#define POD_JURISDICTIONS   "spillway.dev/jurisdictions"
#define POD_LATENCY_BUDGET  "spillway.dev/latency-budget"
#define POD_USER_REGIONS    "spillway.dev/user-regions"
#define POD_DATASET_REGION  "spillway.dev/dataset-region"
#define POD_DATASET_MOVABLE "spillway.dev/dataset-movable"

/** Reads them from the pod template, or else from the object. @return false = error added, or out of memory */
bool pod_read_data(bind *b, const pod *p, const km_meta *meta, spw_workload *out);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/** spec_part.h - the parts of the tables of spec.c that stand in files of their own. Internal to sim/scenario. */
#ifndef SIM_SCENARIO_SPEC_PART_H
#define SIM_SCENARIO_SPEC_PART_H

#include "sim/scenario/spec.h"

extern const bind_table spec_service_table;   /**< a spec_service */
extern const bind_table spec_law_table;       /**< a spec_station_law, spec_service.c */
extern const bind_table spec_traffic_table;   /**< a spec_traffic, spec_traffic.c */
extern const bind_table spec_lengths_table;   /**< a spec_lengths, spec_traffic.c */
extern const bind_table spec_quota_table;     /**< a spec_quota, spec_supply.c */
extern const bind_table spec_delivery_table;  /**< a spec_delivery, spec_supply.c */
extern const bind_table spec_retry_table;     /**< a spec_retry, spec_client.c */
extern const bind_table spec_admission_table; /**< a spec_admission, spec_client.c */
extern const bind_table spec_fault_table;     /**< a spec_fault, spec_faults.c */

#endif

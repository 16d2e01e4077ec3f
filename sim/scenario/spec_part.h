/* SPDX-License-Identifier: GPL-3.0-or-later */
/** spec_part.h - the part of the tables of spec.c that stands in a file of its own. Internal to sim/scenario. */
#ifndef SIM_SCENARIO_SPEC_PART_H
#define SIM_SCENARIO_SPEC_PART_H

#include "sim/scenario/spec.h"

extern const bind_table spec_service_table; /**< a spec_service */

#endif

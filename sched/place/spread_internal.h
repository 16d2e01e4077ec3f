/* SPDX-License-Identifier: Apache-2.0 */
/** spread_internal.h - between spread.c and spread_areas.c. */
#ifndef SCHED_PLACE_SPREAD_INTERNAL_H
#define SCHED_PLACE_SPREAD_INTERNAL_H

#include "place/spread.h"

#define SPREAD_END   UINT32_MAX        /**< end of a chain of items */
#define SPREAD_TAKEN (UINT32_MAX - 1u) /**< the item's area was chosen */

/**
 * Chooses among s->areas[count], whose clusters and score are set; sorts them.
 * @return how many; s->best holds them. 0 = no set has enough areas and clusters
 */
size_t spread_choose_areas(const spread_ask *ask, size_t count, spread_scratch *s);

#endif

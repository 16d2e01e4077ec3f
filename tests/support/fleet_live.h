/* SPDX-License-Identifier: GPL-3.0-or-later */
/** fleet_live.h - a fleet without users, core and clock ticks: only what was set going goes on. For tests of its parts.
 */
#ifndef TESTS_SUPPORT_FLEET_LIVE_H
#define TESTS_SUPPORT_FLEET_LIVE_H

#include "sim/fleet/faults.h"
#include "sim/fleet/world.h"
#include "tests/support/world.h"

/** Replication 0 with seed 1 at time 0, nothing started. Free with fl_world_free. */
fl_world *fleet_open(world *w);

/** Nodes, replicas, stocks, deliveries and faults live until then; any other event fails the test. */
void fleet_live(fl_world *f, int64_t until_ns);

#endif

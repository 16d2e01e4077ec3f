/* SPDX-License-Identifier: GPL-3.0-or-later */
/** fleet_live.c - the event loop of a run, without all that a run has besides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/fleet_live.h"

fl_world *fleet_open(world *w)
{
    fl_world *f = fl_world_new(world_scenario(w), 1, 0, NULL);

    assert_non_null(f);
    return f;
}

static void happen(fl_world *f, const fl_slot *slot)
{
    if (slot->owner == FL_OWNER_NODE) {
        fl_node_event(f, slot->index);
    } else if (slot->owner == FL_OWNER_REPLICA) {
        fl_replica_event(f, slot->index);
    } else if (slot->owner == FL_OWNER_SUPPLY) {
        fl_supply_event(f, slot->index);
    } else if (slot->owner == FL_OWNER_DELIVERY) {
        fl_delivery_event(f);
    } else if (slot->owner == FL_OWNER_FAULT) {
        fl_fault_event(f, slot->index);
    } else {
        assert_int_equal(slot->owner, FL_OWNER_LATE);
        fl_late_event(f);
    }
}

void fleet_live(fl_world *f, int64_t until_ns)
{
    int64_t at = 0;
    uint32_t slot;

    while ((slot = evq_peek(f->queue, &at)) != EVQ_NONE && at <= until_ns) {
        f->now = at;
        const fl_slot whose = fl_slot_of(f, slot);

        happen(f, &whose);
    }
    f->now = until_ns;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * reclaim.c - what a service does between the market's notice and the end of a node, and what that saves.
 *
 * Of requests that are on a replica when its notice comes: with `drain` they are worked off where they are, as far as
 * the notice lasts; with `reroute` they start anew elsewhere at once; with `serve` the replica goes on and takes more.
 * What is still there when the node goes is recomputed elsewhere from the start, or lost. Counted for replicas on
 * nodes that the market took, after warm-up.
 */
#include "sim/fleet/world.h"

void fl_reclaim_notice(fl_world *w, uint32_t node, int64_t gone_ns)
{
    for (uint32_t r = w->nodes[node].first_replica; r != FL_NONE;) {
        uint32_t next = w->replicas[r].node_next;
        const fl_replica *replica = &w->replicas[r];
        res_reclaim *out = &w->run->services[replica->service].reclaim;
        sc_on_notice policy = w->services[replica->service].sc->on_notice;
        uint64_t inside = (uint64_t)replica->outstanding;

        if (w->counting && replica->state == FL_RP_READY) {
            out->notices++;
            out->inside += inside;
            out->rerouted += policy == SC_NOTICE_REROUTE ? inside : 0;
        }
        switch (policy) {
        case SC_NOTICE_DRAIN:
            fl_replica_drain(w, r, gone_ns);
            break;
        case SC_NOTICE_REROUTE:
            fl_replica_stop(w, r);
            break;
        case SC_NOTICE_SERVE:
            if (replica->state != FL_RP_READY && replica->state != FL_RP_DRAINING) {
                fl_replica_stop(w, r); /* it has nothing to serve with, and would come too late */
            }
            break;
        }
        r = next;
    }
}

void fl_reclaim_end(fl_world *w, uint32_t node)
{
    while (w->nodes[node].first_replica != FL_NONE) {
        uint32_t r = w->nodes[node].first_replica;
        const fl_replica *replica = &w->replicas[r];
        res_reclaim *out = &w->run->services[replica->service].reclaim;
        bool lose = w->services[replica->service].sc->on_reclaim == SC_RECLAIM_LOSE;
        uint64_t inside = (uint64_t)replica->outstanding;

        if (w->counting) {
            out->recomputed += lose ? 0 : inside;
            out->lost += lose ? inside : 0;
        }
        if (lose) {
            fl_replica_crash(w, r);
        } else {
            fl_replica_stop(w, r);
        }
    }
}

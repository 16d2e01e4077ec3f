/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * waits.c - since when a service has asked for replicas that it does not have, for the lag chain.
 *
 * While no pool has a node to give (no stock, a quota, an order that failed, pools at their most) the core takes back
 * what it had assigned there and places it nowhere until it tries again. A replica that is made then is an old one in
 * its users' eyes: its chain begins with the reading on which it was first asked for, and all the time until its node
 * begins to boot is a wait for a node, be it as a pending replica or as one that no place has.
 *
 * A service's waits are a queue, oldest first. A pending replica that is taken back joins it with its own beginning.
 * After each plan that was carried out the replicas that it made, but for copies of those that move, take over the
 * oldest waits; then there are as many as the plan could put nowhere: what lacks is asked for from now on, and what is
 * too many is no longer wanted: the latest are forgotten, as a ReplicaSet lets go of its latest, and charged to nobody.
 */
#include "sim/fleet/world.h"

#include <stdlib.h>
#include <string.h>

struct fl_waits {
    struct wait {
        int64_t since_ns;
        int64_t decision_ns; /**< age of the reading then */
        int64_t count;
    } * at; /**< [count] by since_ns */
    uint32_t count, cap;
    int64_t all;
    uint64_t first_pod; /**< of the plan under way */
};

bool fl_waits_init(fl_world *w, uint32_t service)
{
    w->services[service].waits = calloc(1, sizeof *w->services[service].waits);
    return w->services[service].waits != NULL;
}

void fl_waits_fini(fl_service *s)
{
    if (s->waits != NULL) {
        free(s->waits->at);
        free(s->waits);
        s->waits = NULL;
    }
}

void fl_wait_add(fl_world *w, uint32_t service, int64_t since_ns, int64_t decision_ns, int64_t count)
{
    fl_waits *q = w->services[service].waits;
    void *rows = q->at;
    uint32_t at = q->count;

    while (at > 0 && q->at[at - 1].since_ns > since_ns) {
        at--;
    }
    if (at > 0 && q->at[at - 1].since_ns == since_ns && q->at[at - 1].decision_ns == decision_ns) {
        q->at[at - 1].count += count;
    } else if (fl_grow(w, &rows, &q->cap, q->count + 1, sizeof *q->at)) {
        q->at = rows;
        memmove(&q->at[at + 1], &q->at[at], (q->count - at) * sizeof *q->at);
        q->at[at] = (struct wait){since_ns, decision_ns, count};
        q->count++;
    } else {
        return;
    }
    q->all += count;
}

static void hand_over(fl_world *w, fl_waits *q, uint32_t replica)
{
    fl_replica_asked(w, replica, q->at[0].since_ns, q->at[0].decision_ns);
    q->all--;
    if (--q->at[0].count == 0) {
        memmove(&q->at[0], &q->at[1], --q->count * sizeof *q->at);
    }
}

static void forget_latest(fl_waits *q, int64_t count)
{
    q->all -= count;
    while (count > 0) {
        struct wait *last = &q->at[q->count - 1];
        const int64_t part = count < last->count ? count : last->count;

        last->count -= part;
        count -= part;
        q->count -= last->count == 0 ? 1 : 0;
    }
}

void fl_waits_begin(fl_world *w)
{
    for (int32_t s = 0; s < w->sc->service_count; s++) {
        w->services[s].waits->first_pod = w->services[s].next_pod;
    }
}

void fl_waits_settle(fl_world *w, uint32_t service, int32_t unplaced, int32_t moved)
{
    fl_service *s = &w->services[service];
    fl_waits *q = s->waits;
    int64_t made = (int64_t)(s->next_pod - q->first_pod) - moved;

    for (int32_t c = 0; c < w->sc->cluster_count; c++) {
        const fl_place *place = &s->places[c];

        for (uint32_t i = 0; i < place->count && made > 0 && q->all > 0; i++) {
            if (w->replicas[place->ids[i]].ordinal >= q->first_pod) {
                hand_over(w, q, place->ids[i]);
                made--;
            }
        }
    }
    if (q->all > unplaced) {
        forget_latest(q, q->all - unplaced);
    } else if (q->all < unplaced) {
        fl_wait_add(w, service, w->now, w->reading_ns == FL_NEVER ? 0 : w->now - w->reading_ns, unplaced - q->all);
    }
}

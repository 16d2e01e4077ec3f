/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * actuate.c - carries out plans: each action becomes the start of something that takes its time in the world.
 *
 * Amounts are absolute, and a ticket that was seen before is accepted again without effect. An action that names what
 * does not exist fails with SPW_BACKEND, as an API server would answer.
 */
#include "sim/fleet/faults.h"

#include <stdio.h>
#include <stdlib.h>

static spw_rc refuse(spw_err *err, const char *field, const char *text)
{
    if (err != NULL) {
        err->code = SPW_BACKEND;
        err->row = SPW_ID_NONE;
        snprintf(err->field, sizeof err->field, "%s", field);
        snprintf(err->text, sizeof err->text, "%s", text);
    }
    return SPW_BACKEND;
}

static spw_rc begin(void *self, const spw_tick_info *info, spw_err *err)
{
    fl_world *w = self;

    (void)err;
    (void)info;
    for (int32_t s = 0; s < w->sc->service_count; s++) {
        for (int32_t c = 0; c < w->sc->cluster_count; c++) {
            w->assigned_before[s * w->sc->cluster_count + c] = w->services[s].places[c].assigned;
            w->moved[s * w->sc->cluster_count + c] = 0;
        }
    }
    return SPW_OK;
}

static spw_rc on_workload(fl_world *w, const spw_action *a, spw_err *err)
{
    bool has_cluster = a->cluster < (spw_id)w->sc->cluster_count;
    fl_service *s;

    if (a->workload >= (spw_id)w->sc->service_count || a->amount < 0 || a->amount > INT32_MAX) {
        return refuse(err, "action.workload", "no such workload, or an amount out of range");
    }
    s = &w->services[a->workload];
    if (a->verb == SPW_VERB_SCALE) {
        s->replicas = (int32_t)a->amount;
        return SPW_OK;
    }
    if (!has_cluster) {
        return refuse(err, "action.cluster", "no such cluster");
    }
    if (a->verb == SPW_VERB_ROUTE) {
        s->weight[a->cluster] = a->amount;
        s->routes_stale = true;
        return SPW_OK;
    }
    if (a->verb == SPW_VERB_PREFETCH) {
        fl_delivery_prefetch(w, a->workload, a->cluster, a->amount != 0);
        return SPW_OK;
    }
    if (a->reason == SPW_WHY_MOVE_IN || a->reason == SPW_WHY_MOVE_OUT) {
        w->moved[a->workload * (uint32_t)w->sc->cluster_count + a->cluster] = 1;
    }
    if (w->counting && a->reason == SPW_WHY_PREEMPTED && s->places[a->cluster].assigned > a->amount) {
        w->run->control.workload_preemptions += (uint64_t)(s->places[a->cluster].assigned - a->amount);
    }
    fl_assign(w, a->workload, a->cluster, (int32_t)a->amount);
    return SPW_OK;
}

spw_rc fl_carry_out(fl_world *w, const spw_action *action, spw_err *err)
{
    switch (action->verb) {
    case SPW_VERB_SCALE:
    case SPW_VERB_PLACE:
    case SPW_VERB_ROUTE:
    case SPW_VERB_PREFETCH:
        return on_workload(w, action, err);
    case SPW_VERB_PROVISION:
    case SPW_VERB_RELEASE:
        if (action->pool >= (spw_id)w->sc->pool_count || action->amount < 0) {
            return refuse(err, "action.pool", "no such pool, or an amount out of range");
        }
        fl_pool_target(w, action->pool, action->amount);
        return SPW_OK;
    }
    return refuse(err, "action.verb", "a verb this world does not know");
}

static spw_rc submit(void *self, const spw_action *action, uint64_t ticket, spw_err *err)
{
    fl_world *w = self;

    if (w->ticket_seen && ticket <= w->last_ticket) {
        return SPW_OK;
    }
    w->ticket_seen = true;
    w->last_ticket = ticket;
    switch (w->faults != NULL ? fl_fault_action(w, action) : FL_DELIVERED) {
    case FL_DELIVERED:
        return fl_carry_out(w, action, err);
    case FL_REFUSED:
        return refuse(err, "action", "the API server does not answer");
    case FL_PUT_OFF:
    case FL_LOST:
        break;
    }
    return SPW_OK; /* as far as anyone can tell */
}

static spw_rc commit(void *self, spw_err *err)
{
    fl_world *w = self;

    (void)err;
    for (int32_t s = 0; s < w->sc->service_count; s++) {
        size_t row = (size_t)(s * w->sc->cluster_count);

        fl_burst_flaps(w, (uint32_t)s, &w->assigned_before[row], &w->moved[row]);
    }
    return SPW_OK;
}

spw_actuator fl_actuator_of(fl_world *w)
{
    return (spw_actuator){.version = SPW_API_VERSION,
                          .name = "simulated",
                          .self = w,
                          .begin = begin,
                          .submit = submit,
                          .commit = commit,
                          .close = NULL};
}

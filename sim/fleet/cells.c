/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cells.c - where requests are counted: once each, in the cell of their service, region and tenant. What a result says
 * of regions, tenants, services and all is added up from the cells when the run is closed.
 */
#include "sim/fleet/world.h"

#include <stdlib.h>

static size_t cells_of_region(const fl_world *w)
{
    return (size_t)w->run->tenant_count + 1;
}

bool fl_cells_init(fl_world *w)
{
    w->cell_count = (size_t)w->sc->service_count * (size_t)w->sc->region_count * cells_of_region(w);
    w->cells = calloc(w->cell_count + 1, sizeof *w->cells);
    return w->cells != NULL;
}

bool fl_cell_open(fl_world *w, uint32_t service, uint32_t region, uint32_t tenant)
{
    fl_cell *cell = fl_cell_of(w, service, region, tenant);

    return cell->latency.ttft != NULL || res_latency_init(&cell->latency);
}

void fl_cells_fini(fl_world *w)
{
    for (size_t i = 0; w->cells != NULL && i < w->cell_count; i++) {
        res_latency_fini(&w->cells[i].latency);
    }
    free(w->cells);
}

static void requests_sum(res_requests *into, const res_requests *from)
{
    into->offered += from->offered;
    into->completed += from->completed;
    into->rejected += from->rejected;
    into->timed_out += from->timed_out;
    into->in_flight += from->in_flight;
}

static void latency_sum(res_latency *into, const res_latency *from)
{
    if (from->ttft == NULL) {
        return; /* no traffic */
    }
    stat_hist_merge(into->ttft, from->ttft);
    stat_hist_merge(into->tpot, from->tpot);
    stat_hist_merge(into->e2e, from->e2e);
    stat_hist_merge(into->queue, from->queue);
    stat_hist_merge(into->network, from->network);
}

static void tenant_sum(res_tenant *into, const fl_cell *from)
{
    requests_sum(&into->requests, &from->requests);
    latency_sum(&into->latency, &from->latency);
    into->good += from->good;
    into->shed += from->shed;
}

static void service_close(fl_world *w, uint32_t service)
{
    res_run *run = w->run;
    res_service *s = &run->services[service];

    for (uint32_t r = 0; r < (uint32_t)w->sc->region_count; r++) {
        for (uint32_t t = 0; t < cells_of_region(w); t++) {
            const fl_cell *cell = fl_cell_of(w, service, r, t);

            requests_sum(&s->by_region_requests[r], &cell->requests);
            latency_sum(&s->by_region[r], &cell->latency);
            s->good += cell->good;
            if (t > 0) {
                tenant_sum(&run->tenants[t - 1], cell);
            }
        }
        requests_sum(&s->requests, &s->by_region_requests[r]);
        latency_sum(&s->latency, &s->by_region[r]);
    }
    requests_sum(&run->requests, &s->requests);
    latency_sum(&run->latency, &s->latency);
    FL_CHECK(w, s->requests.offered ==
                    s->requests.completed + s->requests.rejected + s->requests.timed_out + s->requests.in_flight);
}

void fl_cells_close(fl_world *w)
{
    for (uint32_t i = 0; i < (uint32_t)w->run->service_count; i++) {
        service_close(w, i);
    }
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* resolve_traffic.c - arrivals of a service, and the traces that they or its lengths may come from. */
#include "sim/scenario/resolve.h"

#include <math.h>
#include <string.h>

#include "sim/scenario/hash.h"

#define DAY_NS      (INT64_C(86400) * SPW_NS_PER_S)
#define WEEK_NS     (7 * DAY_NS)
#define NS_PER_HOUR 3.6e12
#define NS_PER_S    1e9
/* 1970-01-01 was a Thursday: the Monday before it lies three days back. */
#define EPOCH_SINCE_MONDAY_NS (3 * DAY_NS)

static int64_t utc_offset_ns(const sc_scenario *sc, int32_t region)
{
    return (region >= 0 ? sc->regions[region].utc_offset_s : sc->utc_offset_s) * SPW_NS_PER_S;
}

/* ns from simulated time 0 back to the preceding Monday 00:00 in local time. */
static int64_t since_monday(const sc_scenario *sc, int32_t region)
{
    const int64_t local_ns = sc->start_unix_ns + utc_offset_ns(sc, region) + EPOCH_SINCE_MONDAY_NS;
    const int64_t rest = local_ns % WEEK_NS;
    return rest < 0 ? rest + WEEK_NS : rest;
}

/* The same requests give the same hash in either form of the file. It is not read a second time: it may be a pipe. */
static void hash_trace(resolve *r, const trace *t)
{
    const mdl_trace *c = trace_columns(t);
    const int64_t first_ns = trace_first_ns(t);
    r->hash = hash_bytes(r->hash, &first_ns, sizeof first_ns);
    r->hash = hash_bytes(r->hash, c->at_ns, c->count * sizeof *c->at_ns);
    r->hash = hash_bytes(r->hash, c->input_tokens, c->count * sizeof *c->input_tokens);
    r->hash = hash_bytes(r->hash, c->output_tokens, c->count * sizeof *c->output_tokens);
    if (c->session != NULL) {
        r->hash = hash_bytes(r->hash, c->session, c->count * sizeof *c->session);
    }
    if (c->prefix_tokens != NULL) {
        r->hash = hash_bytes(r->hash, c->prefix_tokens, c->count * sizeof *c->prefix_tokens);
    }
    if (c->chain_end != NULL) {
        r->hash = hash_bytes(r->hash, c->chain_end, c->count * sizeof *c->chain_end);
        r->hash = hash_bytes(r->hash, c->chain, (size_t)c->chain_end[c->count - 1] * sizeof *c->chain);
    }
    if (c->priority != NULL) {
        r->hash = hash_bytes(r->hash, c->priority, c->count * sizeof *c->priority);
    }
}

const mdl_trace *resolve_open_trace(resolve *r, const char *file, const ynode *at)
{
    const char *path = resolve_path(r, file);
    if (path == NULL) {
        return NULL;
    }
    for (const resolve_trace *t = r->traces; t != NULL; t = t->next) {
        if (strcmp(t->path, path) == 0) {
            return trace_columns(t->trace);
        }
    }
    resolve_trace *entry = zone_take(r->zone, sizeof *entry);
    if (entry == NULL) {
        return NULL;
    }
    char err[1024];
    trace *opened = trace_open(path, err, sizeof err);
    if (opened == NULL) {
        resolve_foreign(r, err);
        ynode_error(r->diag, at, "the trace '%s' cannot be used", file);
        return NULL;
    }
    *entry = (resolve_trace){path, opened, r->traces};
    r->traces = entry;
    hash_trace(r, opened);
    return trace_columns(opened);
}

static void resolve_shape(resolve *r, const spec_traffic *spec, mdl_arrival_spec *arrivals)
{
    if (spec->shape == NULL) {
        return;
    }
    const table_shape *shape = tables_shape(r->tables, spec->shape);
    if (shape != NULL) {
        arrivals->shape = shape->hours;
    } else {
        resolve_unknown(r, spec->shape_node, "shape", spec->shape, TABLES_SHAPES);
    }
}

static void resolve_hours(resolve *r, const spec_traffic *spec, mdl_arrival_spec *arrivals)
{
    double *hours = zone_array(r->zone, MDL_SHAPE_HOURS, sizeof *hours);
    for (size_t i = 0; hours != NULL && i < MDL_SHAPE_HOURS; i++) {
        hours[i] = spec->hours[i % spec->hour_count];
    }
    arrivals->hours = hours;
}

/* Days of the calendar, by the clock of the region, to simulated time. */
static void resolve_holidays(resolve *r, const spec_traffic *spec, int32_t region, mdl_arrival_spec *arrivals)
{
    mdl_season *seasons = zone_array(r->zone, spec->holiday_count, sizeof *seasons);
    for (size_t i = 0; seasons != NULL && i < spec->holiday_count; i++) {
        const spec_holiday *h = &spec->holidays[i];
        const int64_t begin_ns = h->unix_ns - utc_offset_ns(r->sc, region) - r->sc->start_unix_ns;
        seasons[i] = (mdl_season){begin_ns, begin_ns + h->days * DAY_NS, h->factor};
    }
    arrivals->seasons = seasons;
    arrivals->season_count = seasons != NULL ? spec->holiday_count : 0;
}

/* A crowd that comes back is two. */
static void resolve_crowds(resolve *r, const spec_traffic *spec, mdl_arrival_spec *arrivals)
{
    mdl_crowd *crowds = zone_array(r->zone, 2 * spec->crowd_count, sizeof *crowds);
    size_t n = 0;
    for (size_t i = 0; crowds != NULL && i < spec->crowd_count; i++) {
        const spec_crowd *c = &spec->crowds[i];
        crowds[n++] = (mdl_crowd){.at_ns = c->at_ns,
                                  .rise_ns = c->rise_ns,
                                  .hold_ns = c->hold_ns,
                                  .decay_ns = c->decay_ns,
                                  .factor = c->factor,
                                  .spike = c->kind == SPEC_CROWD_SPIKE};
        if (c->kind == SPEC_CROWD_DOUBLE) {
            crowds[n] = crowds[n - 1];
            crowds[n].at_ns += c->gap_ns;
            crowds[n].factor = fmax(1.0 + (c->factor - 1.0) * c->again, 0.0);
            n++;
        }
    }
    arrivals->crowds = crowds;
    arrivals->crowd_count = n;
}

/* Prefixes of which nobody knows which replica has them are found by all: better than any fleet does. */
static void warn_of_prefixes(resolve *r, const spec_traffic *spec, const mdl_trace *c)
{
    size_t count = 0;
    for (size_t i = 0; c != NULL && c->prefix_tokens != NULL && i < c->count; i++) {
        const bool session = c->session != NULL && c->session[i] >= 0;
        const bool blocks = c->chain_end != NULL && c->chain_end[i] > (i > 0 ? c->chain_end[i - 1] : 0);
        count += c->prefix_tokens[i] > 0 && !session && !blocks;
    }
    if (count > 0) {
        ynode_warning(
            r->diag, spec->file_node,
            "%zu of its requests have a prefix without a session or blocks to say whose: it counts as found on "
            "every replica (a binary trace of a Mooncake file from an older version: import it again)",
            count);
    }
}

static mdl_burstiness burstiness_of(const spec_burstiness *spec)
{
    mdl_burstiness burst = {.renewal = MDL_RENEWAL_POISSON};
    if (spec != NULL && (spec->gamma != NULL || spec->weibull != NULL)) {
        burst.renewal = spec->gamma != NULL ? MDL_RENEWAL_GAMMA : MDL_RENEWAL_WEIBULL;
        burst.cv = spec->gamma != NULL ? spec->gamma->cv : spec->weibull->cv;
    }
    if (spec != NULL && spec->modulated != NULL) {
        burst.factor = spec->modulated->factor;
        burst.on_s = (double)spec->modulated->on_ns / NS_PER_S;
        burst.off_s = (double)spec->modulated->off_ns / NS_PER_S;
    }
    return burst;
}

static void resolve_sessions(resolve *r, const spec_sessions *spec, const sc_service *service, sc_traffic *traffic)
{
    mdl_sessions *sessions = zone_take(r->zone, sizeof *sessions);
    if (sessions == NULL) {
        return;
    }
    *sessions = (mdl_sessions){.lengths = traffic->lengths != NULL ? traffic->lengths : &service->lengths,
                               .answered = spec->answered != 0,
                               .system_tokens = spec->system_tokens,
                               .max_context = spec->max_context,
                               .key = spw_key(traffic->name)};
    if (sessions->max_context == 0 && service->model != NULL) {
        sessions->max_context = (int32_t)service->model->max_context;
    }
    resolve_length(r, &spec->turns, false, &sessions->turns);
    resolve_law(r, &spec->think, &sessions->think);
    traffic->arrivals.sessions = sessions;
}

/* What any kind of source may have beside its rate. */
static void resolve_extras(resolve *r, const spec_traffic *spec, const sc_service *service, sc_traffic *traffic)
{
    mdl_arrival_spec *arrivals = &traffic->arrivals;
    if (spec->growth != NULL) {
        arrivals->growth = (mdl_growth){spec->growth->factor, spec->growth->over_ns, spec->growth->linear != 0};
    }
    resolve_holidays(r, spec, traffic->region, arrivals);
    resolve_crowds(r, spec, arrivals);
    arrivals->burst = burstiness_of(spec->burstiness);
    if (spec->lengths != NULL) {
        mdl_lengths *lengths = zone_take(r->zone, sizeof *lengths);
        if (lengths != NULL) {
            *lengths = (mdl_lengths){.correlation = 0.0};
            resolve_lengths(r, spec->lengths, lengths);
        }
        traffic->lengths = lengths;
    }
    if (spec->sessions != NULL) {
        resolve_sessions(r, spec->sessions, service, traffic);
    }
}

/* Where a tenant stands in the order of names, or would. */
static int32_t tenant_place(const resolve *r, const char *name)
{
    int32_t low = 0;
    int32_t high = r->sc->tenant_count;
    while (low < high) {
        const int32_t mid = low + (high - low) / 2;
        if (strcmp(r->tenants[r->tenant_order[mid]], name) < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

/* Tenants of all services, in order of appearance. */
static int32_t tenant_of(resolve *r, const char *name, const ynode *at)
{
    if (name[0] == '\0') {
        return -1;
    }
    if (r->tenants == NULL) {
        size_t most = 0;
        for (size_t i = 0; i < r->spec->service_count; i++) {
            most += r->spec->services[i].traffic_count;
        }
        r->tenants = zone_array(r->zone, most, sizeof *r->tenants);
        r->tenant_order = zone_array(r->zone, most, sizeof *r->tenant_order);
        r->sc->tenants = r->tenants;
    }
    if (r->tenants == NULL || r->tenant_order == NULL) {
        return -1;
    }
    const int32_t count = r->sc->tenant_count;
    const int32_t place = tenant_place(r, name);
    int32_t *order = r->tenant_order + place;
    if (place < count && strcmp(r->tenants[*order], name) == 0) {
        return *order;
    }
    if (count == SC_NAMES_MAX) {
        ynode_error(r->diag, at, "a scenario has at most %d tenants, '%s' is one more", SC_NAMES_MAX, name);
        return -1;
    }
    memmove(order + 1, order, (size_t)(count - place) * sizeof *order);
    *order = count;
    r->tenants[count] = name;
    r->sc->tenant_count++;
    return count;
}

static void resolve_one(resolve *r, const spec_traffic *spec, const spec_service *owner, size_t index,
                        const sc_service *service, sc_traffic *traffic)
{
    *traffic = (sc_traffic){.region = resolve_region(r, spec->from, spec->from_node),
                            .name = zone_format(r->zone, "%s/%zu", owner->workload, index),
                            .priority = spec->priority,
                            .tenant = tenant_of(r, spec->tenant, spec->tenant_node)};
    mdl_arrival_spec *arrivals = &traffic->arrivals;
    arrivals->kind = (mdl_arrival_kind)spec->kind;
    arrivals->local_offset_ns = since_monday(r->sc, traffic->region);
    switch (arrivals->kind) {
    case MDL_ARRIVAL_POISSON:
        arrivals->rate_per_s = spec->rate_per_s;
        break;
    case MDL_ARRIVAL_DIURNAL:
        arrivals->peak_per_s = spec->peak_per_s;
        arrivals->trough_per_s = spec->trough_per_s;
        arrivals->peak_hour = (double)spec->peak_at_ns / NS_PER_HOUR;
        arrivals->weekend_factor = spec->weekend;
        resolve_shape(r, spec, arrivals);
        if (spec->hours_node != NULL) {
            resolve_hours(r, spec, arrivals);
        }
        break;
    case MDL_ARRIVAL_TRACE:
        arrivals->trace = resolve_open_trace(r, spec->file, spec->file_node);
        arrivals->trace_scale = spec->scale;
        arrivals->trace_shift_ns = spec->shift_ns;
        arrivals->trace_loop = spec->loop;
        traffic->trace_lengths = owner->engine.kind == SC_ENGINE_LLM;
        if (traffic->trace_lengths) {
            warn_of_prefixes(r, spec, arrivals->trace);
        }
        break;
    case MDL_ARRIVAL_RATES:
        arrivals->rates = resolve_rates(r, spec);
        break;
    }
    resolve_extras(r, spec, service, traffic);
}

void resolve_traffic(resolve *r, const spec_service *spec, sc_service *service)
{
    sc_traffic *traffic = zone_array(r->zone, spec->traffic_count, sizeof *traffic);
    for (size_t i = 0; traffic != NULL && i < spec->traffic_count; i++) {
        resolve_one(r, &spec->traffic[i], spec, i, service, &traffic[i]);
    }
    service->traffic = traffic;
    service->traffic_count = traffic != NULL ? (int32_t)spec->traffic_count : 0;
}

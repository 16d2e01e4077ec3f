/* SPDX-License-Identifier: Apache-2.0 */
/* owner.c - see owner.h. */
#include "core/owner.h"

/** The class and spec that own a workload's count, and the timetable over its HPA. */
static const scaler_class *find(const spw_config *config, spw_id work, const void **spec, const spw_cron **cron)
{
    const scaler_class *kind = NULL;
    spw_id hpa = config->workloads[work].hpa;
    *spec = NULL;
    *cron = NULL;
    if (hpa != SPW_ID_NONE) {
        kind = &scaler_hpa;
        *spec = &config->hpas[hpa];
    }
    for (size_t i = 0; i < config->scaler_count; i++) {
        const spw_scaler *s = &config->scalers[i];
        if (s->workload == work) {
            kind = scaler_class_of(s, spec);
        } else if (hpa != SPW_ID_NONE && s->kind == SPW_SCALER_CRON && s->hpa == hpa) {
            *cron = &s->as.cron;
        }
    }
    return kind;
}

void owner_begin(owner *o)
{
    *o = (owner){.kind = o->kind,
                 .spec = o->spec,
                 .state = o->state,
                 .cron = o->cron,
                 .wrote = -1,
                 .wrote_prior = -1,
                 .wrote_at = SCALER_NEVER,
                 .fought_at = SCALER_NEVER,
                 .frozen_until = SCALER_NEVER};
    cron_init(&o->bounds);
    if (o->state != NULL) {
        o->kind->init(o->state, o->spec);
    }
}

void owner_layout(owner *o, arena *a, const spw_config *config, spw_id work)
{
    *o = (owner){.kind = NULL};
    o->kind = find(config, work, &o->spec, &o->cron);
    o->state = o->kind == NULL ? NULL : arena_take(a, 1, o->kind->size(o->spec));
    owner_begin(o);
}

size_t owner_save_max(const spw_config *config, spw_id work)
{
    const void *spec = NULL;
    const spw_cron *cron = NULL;
    const scaler_class *kind = find(config, work, &spec, &cron);
    return 2 * sizeof(owner) + (kind == NULL ? 0 : 2 * kind->size(spec));
}

bool owner_is_fought(owner *o, int32_t current, spw_time now, const spw_settings *settings)
{
    spw_dur window = settings->fight_window;
    if (!o->kind->steady || window == 0) {
        return false;
    }
    bool fought = false;
    if (o->wrote >= 0 && current == o->wrote) {
        o->shown = true;
    } else if (o->wrote >= 0) {
        bool on_its_way = current == o->wrote_over || current == o->wrote_prior;
        fought = o->shown || !on_its_way || now - o->wrote_at >= settings->promise_ttl;
    }
    if (fought) {
        bool again = o->fought_at != SCALER_NEVER && now - o->fought_at <= window;
        o->frozen_until = again ? now + window : o->frozen_until;
        o->fought_at = again ? SCALER_NEVER : now;
        o->wrote = -1;
    }
    return now < o->frozen_until;
}

void owner_wrote(owner *o, int32_t from, int32_t to, spw_time now)
{
    bool repeated = o->wrote == to && !o->shown && o->wrote_over == from;
    if (!repeated) {
        o->wrote_prior = o->shown ? -1 : o->wrote;
    }
    o->wrote_at = repeated ? o->wrote_at : now; /* asked for again: the clock of the first write runs on */
    o->wrote = to;
    o->wrote_over = from;
    o->shown = false;
}

void owner_put(bytes_out *out, const owner *o)
{
    cron_put(out, &o->bounds);
    bytes_put_i32(out, o->wrote);
    bytes_put_i32(out, o->wrote_over);
    bytes_put_i32(out, o->wrote_prior);
    bytes_put(out, o->shown ? 1 : 0, 1);
    bytes_put_i64(out, o->wrote_at);
    bytes_put_i64(out, o->fought_at);
    bytes_put_i64(out, o->frozen_until);
    size_t size = o->kind == NULL ? 0 : o->kind->save_size(o->state);
    bytes_put(out, size, 8);
    if (size > 0 && out->at != NULL) {
        spw_rc rc = o->kind->save(o->state, out->at + out->used, size);
        assert(rc == SPW_OK);
        (void)rc;
    }
    out->used += size;
}

void owner_get(bytes_in *in, owner *o, bool apply)
{
    owner fresh = *o;
    cron_get(in, &fresh.bounds);
    fresh.wrote = bytes_get_i32(in);
    fresh.wrote_over = bytes_get_i32(in);
    fresh.wrote_prior = bytes_get_i32(in);
    fresh.shown = bytes_get(in, 1) != 0;
    fresh.wrote_at = bytes_get_time(in);
    fresh.fought_at = bytes_get_time(in);
    fresh.frozen_until = bytes_get_time(in);
    uint64_t size = bytes_get(in, 8);
    if (in->bad || size > in->size - in->used || (size > 0) != (o->kind != NULL)) {
        in->bad = true;
        return;
    }
    if (apply) {
        size_t used = 0;
        if (size > 0 && (o->kind->load(o->state, in->at + in->used, (size_t)size, &used) != SPW_OK || used != size)) {
            in->bad = true;
            return;
        }
        *o = fresh;
    }
    in->used += (size_t)size;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* config_place.c - the parts of a configuration that say where: tolerations, spread constraints, data, distances. */
#include "core/config.h"

#include <spillway/limits.h>

#include "core/errors.h"
#include "core/hash.h"

static spw_rc check_spreads(const spw_policy *p, spw_id row, spw_err *err)
{
    for (size_t i = 0; i < p->spread_count; i++) {
        const spw_spread *s = &p->spreads[i];
        if (s->field < SPW_SPREAD_CLUSTER || s->field > SPW_SPREAD_PROVIDER) {
            return err_set(err, SPW_INVAL, row, "policies.spreads", "a constraint by an unknown field");
        }
        if (s->min_groups < 1 || (s->max_groups != 0 && s->max_groups < s->min_groups)) {
            return err_set(err, SPW_INVAL, row, "policies.spreads", "1 <= min_groups <= max_groups expected");
        }
        for (size_t k = 0; k < i; k++) {
            if (p->spreads[k].field == s->field) {
                return err_set(err, SPW_INVAL, row, "policies.spreads", "two constraints by the same field");
            }
        }
    }
    return SPW_OK;
}

spw_rc config_check_place(const spw_policy *p, spw_id row, spw_err *err)
{
    for (size_t i = 0; i < p->toleration_count; i++) {
        const spw_toleration *t = &p->tolerations[i];
        if (t->key == NULL || (t->key[0] == '\0' && !t->exists) || t->effect < 0 ||
            t->effect > (int32_t)SPW_TAINT_PREFER_NO_SCHEDULE) {
            return err_set(err, SPW_INVAL, row, "policies.tolerations", "a key (or Exists), and a known effect");
        }
    }
    bool weights = p->division == SPW_DIVIDE_STATIC;
    bool overflows = p->order == SPW_GROUPS_ORDERED && p->group_count > 1;
    if (p->rounding != SPW_ROUND_WEBSTER && p->rounding != SPW_ROUND_FLOOR) {
        return err_set(err, SPW_INVAL, row, "policies.rounding", "unknown rounding");
    }
    if (p->rounding == SPW_ROUND_FLOOR && weights && p->group_count > 1 && !p->compat) {
        return err_set(err, SPW_INVAL, row, "policies.rounding", "the older division has no limits for full clusters");
    }
    if (p->compat && overflows && (weights || p->division == SPW_DIVIDE_DUPLICATED)) {
        return err_set(err, SPW_INVAL, row, "policies.compat",
                       "Karmada overflows by dynamic weights or aggregated only");
    }
    return check_spreads(p, row, err);
}

spw_rc config_check_data(const spw_workload *w, spw_id row, spw_err *err)
{
    if (w->latency_budget < 0 || w->latency_budget > CONFIG_DUR_MAX) {
        return err_set(err, SPW_INVAL, row, "workloads.latency_budget", "a budget is negative or over ten years");
    }
    if (w->latency_budget > 0 && w->user_region_count == 0) {
        return err_set(err, SPW_INVAL, row, "workloads.user_regions",
                       "a latency budget needs the regions of the users");
    }
    return SPW_OK;
}

spw_rc config_check_rtt(const spw_rtt *r, spw_id row, spw_err *err)
{
    if (r->from == NULL || r->to == NULL || r->rtt < 0) {
        return err_set(err, SPW_INVAL, row, "rtts", "two regions and a round trip of 0 or more expected");
    }
    return SPW_OK;
}

spw_rc config_check_units(const spw_units *units, spw_id row, spw_err *err)
{
    if (units->count == 0 || units->count > SPW_UNITS_MAX || units->at == NULL ||
        units->next > SPW_NEXT_LACK_AND_NO_TERMINATING || units->timeout < 0 || units->timeout > CONFIG_DUR_MAX) {
        return err_set(err, SPW_INVAL, row, "workloads.units", "1 to 8 units, a known rule and a timeout expected");
    }
    for (size_t i = 0; i < units->count; i++) {
        const spw_unit *u = &units->at[i];
        if (u->replicas_max < -1 || u->replicas_max > SPW_REPLICAS_MAX || u->capacity < 0 ||
            u->capacity > (int32_t)SPW_CAPACITY_SPOT) {
            return err_set(err, SPW_INVAL, row, "workloads.units",
                           "a number of replicas, or a capacity, is out of range");
        }
        for (size_t k = 0; k < u->labels.count; k++) {
            if (u->labels.at == NULL || u->labels.at[k].key == NULL || u->labels.at[k].value == NULL) {
                return err_set(err, SPW_INVAL, row, "workloads.units", "a label needs a key and a value");
            }
        }
    }
    return SPW_OK;
}

static spw_labels copy_labels(arena *a, const spw_labels *from)
{
    spw_label *to = arena_take(a, from->count, sizeof *to);
    for (size_t i = 0; i < from->count; i++) {
        const spw_label copy = {arena_string(a, from->at[i].key), arena_string(a, from->at[i].value)};
        if (to != NULL) {
            to[i] = copy;
        }
    }
    return (spw_labels){to, from->count};
}

const spw_units *config_copy_units(arena *a, const spw_units *from)
{
    spw_units *to = arena_take(a, 1, sizeof *to);
    spw_unit *units = arena_take(a, from->count, sizeof *units);
    for (size_t i = 0; i < from->count; i++) {
        spw_unit copy = from->at[i];
        copy.pool = copy.pool == NULL ? NULL : arena_string(a, copy.pool);
        copy.gpu = copy.gpu == NULL ? NULL : arena_string(a, copy.gpu);
        copy.labels = copy_labels(a, &copy.labels);
        if (units != NULL) {
            units[i] = copy;
        }
    }
    if (to != NULL) {
        *to = *from;
        to->at = units;
    }
    return to;
}

void config_copy_place(arena *a, const spw_policy *from, spw_policy *to)
{
    spw_toleration *tolerations = arena_take(a, from->toleration_count, sizeof *tolerations);
    for (size_t i = 0; i < from->toleration_count; i++) {
        spw_toleration copy = from->tolerations[i];
        copy.key = arena_string(a, from->tolerations[i].key);
        copy.value = arena_string(a, from->tolerations[i].value);
        if (tolerations != NULL) {
            tolerations[i] = copy;
        }
    }
    to->tolerations = tolerations;
    spw_spread *spreads = arena_take(a, from->spread_count, sizeof *spreads);
    if (spreads != NULL && from->spread_count > 0) {
        memcpy(spreads, from->spreads, from->spread_count * sizeof *spreads);
    }
    to->spreads = spreads;
}

const spw_rtt *config_copy_rtts(arena *a, const spw_config *from)
{
    spw_rtt *rtts = arena_take(a, from->rtt_count, sizeof *rtts);
    for (size_t i = 0; i < from->rtt_count; i++) {
        spw_rtt copy = from->rtts[i];
        copy.from = arena_string(a, from->rtts[i].from);
        copy.to = arena_string(a, from->rtts[i].to);
        if (rtts != NULL) {
            rtts[i] = copy;
        }
    }
    return rtts;
}

/* --- digest --- */

static uint64_t names_hash(uint64_t h, const char *const *names, size_t count)
{
    h = hash_word(h, count);
    for (size_t i = 0; i < count; i++) {
        h = hash_word(hash_string(h, names[i]), i);
    }
    return h;
}

static uint64_t requirements_hash(uint64_t h, const spw_requirement *needs, size_t count)
{
    h = hash_word(h, count);
    for (size_t i = 0; i < count; i++) {
        h = hash_word(hash_string(h, needs[i].key), (uint64_t)needs[i].op);
        h = names_hash(h, needs[i].values, needs[i].value_count);
    }
    return h;
}

static uint64_t selector_hash(uint64_t h, const spw_selector *s)
{
    h = requirements_hash(requirements_hash(h, s->labels, s->label_count), s->fields, s->field_count);
    return names_hash(names_hash(h, s->names, s->name_count), s->exclude, s->exclude_count);
}

uint64_t config_placement_digest(const spw_policy *policy, int32_t group)
{
    uint64_t h = hash_word(hash_word(HASH_SEED, (uint64_t)policy->division), (uint64_t)policy->order);
    for (size_t i = 0; i < policy->static_weight_count; i++) {
        h = selector_hash(hash_word(h, (uint64_t)policy->static_weights[i].weight),
                          &policy->static_weights[i].selector);
    }
    h = hash_word(h, policy->spread_count);
    for (size_t i = 0; i < policy->spread_count; i++) {
        const spw_spread *s = &policy->spreads[i];
        h = hash_word(hash_word(hash_word(h, (uint64_t)s->field), (uint64_t)s->min_groups), (uint64_t)s->max_groups);
    }
    h = hash_word(h, policy->toleration_count);
    for (size_t i = 0; i < policy->toleration_count; i++) {
        const spw_toleration *t = &policy->tolerations[i];
        h = hash_string(hash_word(hash_string(h, t->key), t->exists ? 1 : 0), t->value);
        h = hash_word(h, (uint64_t)t->effect);
    }
    for (size_t g = 0; g < policy->group_count; g++) {
        if (group < 0 || (size_t)group == g) {
            h = selector_hash(hash_word(hash_string(h, policy->groups[g].name), 1), &policy->groups[g].selector);
        }
    }
    return h != 0 ? h : 1;
}

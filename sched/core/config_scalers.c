/* SPDX-License-Identifier: Apache-2.0 */
/* config_scalers.c - check, copy and digest of the owners of replica counts that are no HPA. */
#include <spillway/autoscale.h>

#include "core/config.h"
#include "core/errors.h"
#include "core/hash.h"
#include "scale/scaler.h"

static bool has_names(const spw_scaler *s)
{
    bool ok = true;
    for (size_t i = 0; s->kind == SPW_SCALER_KEDA && i < s->as.keda.trigger_count; i++) {
        ok = ok && s->as.keda.triggers[i].metric != NULL;
    }
    ok = ok && (s->kind != SPW_SCALER_QUEUE || s->as.queue.rate.name != NULL);
    return ok && (s->kind != SPW_SCALER_FORECAST || s->as.forecast.rate.name != NULL);
}

/** A timetable may not let an HPA sleep that cannot wake up. */
static bool sleeps_for_good(const spw_config *config, const spw_scaler *s)
{
    for (size_t i = 0; s->hpa != SPW_ID_NONE && i < s->as.cron.rule_count; i++) {
        if (s->as.cron.rules[i].replicas_min == 0 && config->hpas[s->hpa].replicas_min > 0) {
            return true;
        }
    }
    return false;
}

/** One owner for each count, one timetable for each HPA. */
static spw_rc check_target(const spw_config *config, const spw_scaler *s, spw_id row, spw_err *err)
{
    bool cron = s->kind == SPW_SCALER_CRON;
    if ((s->workload == SPW_ID_NONE) == (s->hpa == SPW_ID_NONE) || (s->hpa != SPW_ID_NONE && !cron)) {
        return err_set(err, SPW_INVAL, row, "scalers.workload", "a scaler has one target: a workload, or CRON an HPA");
    }
    if ((s->workload != SPW_ID_NONE && s->workload >= config->workload_count) ||
        (s->hpa != SPW_ID_NONE && s->hpa >= config->hpa_count)) {
        return err_set(err, SPW_INVAL, row, "scalers.workload", "no such workload or autoscaler");
    }
    if (s->workload != SPW_ID_NONE && config->workloads[s->workload].hpa != SPW_ID_NONE) {
        return err_set(err, SPW_INVAL, row, "scalers.workload", "the workload's count belongs to an HPA already");
    }
    for (size_t i = 0; i < row; i++) {
        const spw_scaler *other = &config->scalers[i];
        if ((s->workload != SPW_ID_NONE && other->workload == s->workload) ||
            (s->hpa != SPW_ID_NONE && other->hpa == s->hpa)) {
            return err_set(err, SPW_INVAL, row, "scalers.workload", "two scalers have the same target");
        }
    }
    return SPW_OK;
}

spw_rc config_check_scaler(const spw_config *config, const spw_scaler *s, spw_id row, spw_err *err)
{
    const char *wrong = scaler_check(s);
    if (wrong != NULL) {
        return err_set(err, SPW_INVAL, row, "scalers", wrong);
    }
    spw_rc rc = check_target(config, s, row, err);
    if (rc == SPW_OK && !has_names(s)) {
        rc = err_set(err, SPW_INVAL, row, "scalers", "a metric needs a name");
    }
    if (rc == SPW_OK && s->kind == SPW_SCALER_CRON && sleeps_for_good(config, s)) {
        rc = err_set(err, SPW_INVAL, row, "scalers", "a rule's minimum of 0 needs an HPA with replicas_min 0");
    }
    if (rc == SPW_OK && s->kind == SPW_SCALER_KEDA) {
        rc = config_check_rules(&s->as.keda.up, row, err);
        rc = rc != SPW_OK ? rc : config_check_rules(&s->as.keda.down, row, err);
    }
    return rc;
}

static const spw_cron_rule *copy_cron_rules(arena *a, const spw_cron *from)
{
    spw_cron_rule *rules = arena_take(a, from->rule_count, sizeof *rules);
    for (size_t i = 0; i < from->rule_count; i++) {
        spw_cron_rule copy = from->rules[i];
        copy.name = arena_string(a, from->rules[i].name);
        if (rules != NULL) {
            rules[i] = copy;
        }
    }
    return rules;
}

static const spw_trigger *copy_triggers(arena *a, const spw_keda *from)
{
    spw_trigger *triggers = arena_take(a, from->trigger_count, sizeof *triggers);
    for (size_t i = 0; i < from->trigger_count; i++) {
        spw_trigger copy = from->triggers[i];
        copy.metric = arena_string(a, from->triggers[i].metric);
        if (triggers != NULL) {
            triggers[i] = copy;
        }
    }
    return triggers;
}

spw_scaler config_copy_scaler(arena *a, const spw_scaler *from)
{
    spw_scaler to = *from;
    to.name = arena_string(a, from->name);
    switch (from->kind) {
    case SPW_SCALER_CRON:
        to.as.cron.rules = copy_cron_rules(a, &from->as.cron);
        break;
    case SPW_SCALER_KEDA:
        to.as.keda.triggers = copy_triggers(a, &from->as.keda);
        to.as.keda.up = config_copy_rules(a, &from->as.keda.up);
        to.as.keda.down = config_copy_rules(a, &from->as.keda.down);
        break;
    case SPW_SCALER_QUEUE:
        to.as.queue.rate.name = arena_string(a, from->as.queue.rate.name);
        break;
    case SPW_SCALER_FORECAST:
        to.as.forecast.rate.name = arena_string(a, from->as.forecast.rate.name);
        break;
    }
    return to;
}

/** Likewise what a scaler's state is laid out by, and what gives its figures their meaning. */
uint64_t config_scaler_hash(uint64_t h, const spw_scaler *s)
{
    const spw_keda *k = &s->as.keda;
    const spw_queue *q = &s->as.queue;
    const spw_forecast *f = &s->as.forecast;
    h = hash_word(hash_string(h, s->name), (uint64_t)s->kind);
    switch (s->kind) {
    case SPW_SCALER_CRON:
        return h;
    case SPW_SCALER_KEDA:
        h = hash_word(hash_word(h, k->trigger_count), (uint64_t)k->sync_s);
        return config_rules_hash(config_rules_hash(hash_word(h, k->has_behavior ? 1 : 0), &k->up), &k->down);
    case SPW_SCALER_QUEUE:
        h = hash_word(hash_word(hash_word(h, (uint64_t)q->window), (uint64_t)q->hold), (uint64_t)q->lag);
        return hash_word(h, (uint64_t)q->sync_s);
    case SPW_SCALER_FORECAST:
        h = hash_word(hash_word(h, (uint64_t)f->season), (uint64_t)f->bin);
        h = hash_word(hash_word(h, (uint64_t)f->window), (uint64_t)f->hold);
        return hash_word(hash_word(h, (uint64_t)f->lag), (uint64_t)f->sync_s);
    }
    return h;
}

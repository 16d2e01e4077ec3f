/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_plan.c - a plan as JSON: its actions, and what they come to for each workload.
 *
 * Workloads and clusters stand in the order of their names, actions in the order of the plan.
 */
#include "sched/manifest/json_int.h"

#include <inttypes.h>
#include <string.h>

typedef struct telling {
    const spw_json_decision *d;
    spw_json_buffer *out;
    zone z;
    jsn_item *clusters, *workloads; /* rows of the snapshot by name */
    jsn_item *placements;           /* by (workload, cluster) */
    jsn_item *actions;              /* by (workload, target) */
    jsn_item *candidates;           /* by (workload, cluster); none unless the core explains */
    const spw_outcome **outcomes;   /* [workloads] NULL = not governed by the core */
} telling;

/* At most one action of a plan has the same verb and target. */
static uint64_t target_of(spw_verb verb, size_t cluster)
{
    return (uint64_t)cluster * 16 + (uint64_t)verb;
}

static bool tables_new(telling *t)
{
    const spw_snapshot *s = t->d->snap;
    t->clusters = zone_array(&t->z, s->clusters.count + 1, sizeof *t->clusters);
    t->workloads = zone_array(&t->z, s->workloads.count + 1, sizeof *t->workloads);
    t->placements = zone_array(&t->z, s->placements.count + 1, sizeof *t->placements);
    t->actions = zone_array(&t->z, spw_plan_count(t->d->plan) + 1, sizeof *t->actions);
    t->candidates = zone_array(&t->z, spw_plan_candidate_count(t->d->plan) + 1, sizeof *t->candidates);
    t->outcomes = zone_array(&t->z, s->workloads.count + 1, sizeof *t->outcomes);
    return !t->z.failed;
}

static bool order_rows(telling *t)
{
    const spw_snapshot *s = t->d->snap;
    const spw_plan *plan = t->d->plan;
    if (!tables_new(t)) {
        return false;
    }
    for (size_t i = 0; i < s->clusters.count; i++) {
        t->clusters[i] = (jsn_item){0, s->clusters.name[i], 0, i};
    }
    for (size_t i = 0; i < s->workloads.count; i++) {
        t->workloads[i] = (jsn_item){0, s->workloads.name[i], 0, i};
    }
    for (size_t i = 0; i < s->placements.count; i++) {
        t->placements[i] = (jsn_item){s->placements.workload[i], "", s->placements.cluster[i], i};
    }
    for (size_t i = 0; i < spw_plan_count(plan); i++) {
        const spw_action *a = spw_plan_at(plan, i);
        t->actions[i] = (jsn_item){a->workload, "", target_of(a->verb, a->cluster), i};
    }
    for (size_t i = 0; i < spw_plan_outcome_count(plan); i++) {
        const spw_outcome *o = spw_plan_outcome_at(plan, i);
        t->outcomes[o->workload] = o;
    }
    for (size_t i = 0; i < spw_plan_candidate_count(plan); i++) {
        const spw_candidate *c = spw_plan_candidate_at(plan, i);
        t->candidates[i] = (jsn_item){c->workload, "", c->cluster, i};
    }
    jsn_items_sort(t->candidates, spw_plan_candidate_count(plan));
    jsn_items_sort(t->clusters, s->clusters.count);
    jsn_items_sort(t->workloads, s->workloads.count);
    jsn_items_sort(t->placements, s->placements.count);
    jsn_items_sort(t->actions, spw_plan_count(plan));
    return true;
}

/* What the cluster is told to run before the plan. */
static int64_t assigned_before(const telling *t, size_t workload, size_t cluster)
{
    const spw_placement_rows *p = &t->d->snap->placements;
    const jsn_item *found = jsn_items_find(t->placements, p->count, workload, cluster);
    return found != NULL ? p->assigned[found->row] : 0;
}

static const spw_action *find_action(const telling *t, spw_verb verb, size_t workload, size_t cluster)
{
    const size_t count = spw_plan_count(t->d->plan);
    const jsn_item *found = jsn_items_find(t->actions, count, workload, target_of(verb, cluster));
    return found != NULL ? spw_plan_at(t->d->plan, found->row) : NULL;
}

static const spw_outcome *outcome_of(const telling *t, size_t workload)
{
    return t->outcomes[workload];
}

static void key_int(spw_json_buffer *b, const char *key, int64_t value)
{
    jsn_key(b, key);
    jsn_putf(b, "%" PRId64, value);
}

static void key_text(spw_json_buffer *b, const char *key, const char *value)
{
    jsn_key(b, key);
    jsn_text(b, value);
}

static void open_at(spw_json_buffer *b, const char *key, const char *bracket)
{
    jsn_key(b, key);
    jsn_put(b, bracket);
}

/* A member of the plan itself: on a line of its own. */
static void open_top(spw_json_buffer *b, const char *key, const char *bracket)
{
    jsn_put(b, ",\n");
    jsn_text(b, key);
    jsn_put(b, ": ");
    jsn_put(b, bracket);
}

static void put_actions(const telling *t)
{
    const spw_snapshot *s = t->d->snap;
    spw_json_buffer *b = t->out;
    jsn_put(b, "{\n\"actions\": [");
    for (size_t i = 0; i < spw_plan_count(t->d->plan); i++) {
        const spw_action *a = spw_plan_at(t->d->plan, i);
        jsn_put(b, i == 0 ? "\n  {" : ",\n  {");
        key_text(b, "verb", spw_verb_name(a->verb));
        if (a->workload != SPW_ID_NONE) {
            key_text(b, "workload", s->workloads.name[a->workload]);
        }
        if (a->cluster != SPW_ID_NONE) {
            key_text(b, "cluster", s->clusters.name[a->cluster]);
        }
        if (a->pool != SPW_ID_NONE) {
            key_text(b, "pool", s->pools.name[a->pool]);
        }
        key_int(b, "before", a->before);
        key_int(b, "amount", a->amount);
        key_text(b, "reason", spw_reason_name(a->reason));
        if (a->after != UINT32_MAX) {
            key_int(b, "after", a->after);
        }
        jsn_put(b, "}");
    }
    jsn_put(b, "]");
}

static void put_assigned(const telling *t)
{
    const spw_snapshot *s = t->d->snap;
    open_top(t->out, "assigned", "{");
    for (size_t i = 0; i < s->workloads.count; i++) {
        open_at(t->out, t->workloads[i].text, "{");
        for (size_t k = 0; k < s->clusters.count; k++) {
            const size_t workload = t->workloads[i].row;
            const size_t cluster = t->clusters[k].row;
            const spw_action *place = find_action(t, SPW_VERB_PLACE, workload, cluster);
            const int64_t amount = place != NULL ? place->amount : assigned_before(t, workload, cluster);
            if (amount != 0) {
                key_int(t->out, t->clusters[k].text, amount);
            }
        }
        jsn_put(t->out, "}");
    }
    jsn_put(t->out, "}");
}

static void put_counts(const telling *t)
{
    const size_t count = t->d->snap->workloads.count;
    open_top(t->out, "desired", "{");
    for (size_t i = 0; i < count; i++) {
        const spw_outcome *o = outcome_of(t, t->workloads[i].row);
        if (o != NULL) {
            key_int(t->out, t->workloads[i].text, o->desired);
        }
    }
    jsn_put(t->out, "}");
    open_top(t->out, "unplaced", "{");
    for (size_t i = 0; i < count; i++) {
        const spw_outcome *o = outcome_of(t, t->workloads[i].row);
        if (o != NULL) {
            key_int(t->out, t->workloads[i].text, o->unplaced);
        }
    }
    jsn_put(t->out, "}");
}

/* Only where there are any: copies that should go and may not. */
static void put_kept(const telling *t)
{
    const size_t count = t->d->snap->workloads.count;
    bool open = false;
    for (size_t i = 0; i < count; i++) {
        const spw_outcome *o = outcome_of(t, t->workloads[i].row);
        if (o != NULL && o->kept > 0) {
            if (!open) {
                open_top(t->out, "kept_by_budget", "{");
                open = true;
            }
            key_int(t->out, t->workloads[i].text, o->kept);
        }
    }
    if (open) {
        jsn_put(t->out, "}");
    }
}

static void put_routes(const telling *t)
{
    const spw_snapshot *s = t->d->snap;
    open_top(t->out, "routes", "{");
    for (size_t i = 0; i < s->workloads.count; i++) {
        bool open = false;
        for (size_t k = 0; k < s->clusters.count; k++) {
            const spw_action *route = find_action(t, SPW_VERB_ROUTE, t->workloads[i].row, t->clusters[k].row);
            if (route != NULL && !open) {
                open_at(t->out, t->workloads[i].text, "{");
                open = true;
            }
            if (route != NULL) {
                key_int(t->out, t->clusters[k].text, route->amount);
            }
        }
        if (open) {
            jsn_put(t->out, "}");
        }
    }
    jsn_put(t->out, "}");
}

static const spw_policy *policy_of(const spw_config *config, uint64_t key)
{
    for (size_t i = 0; i < config->workload_count; i++) {
        const spw_workload *w = &config->workloads[i];
        if (w->key == key && w->policy != SPW_ID_NONE) {
            return &config->policies[w->policy];
        }
    }
    return NULL;
}

static void put_tiers(const telling *t)
{
    const spw_snapshot *s = t->d->snap;
    open_top(t->out, "tiers", "{");
    for (size_t i = 0; i < s->workloads.count; i++) {
        const spw_outcome *o = outcome_of(t, t->workloads[i].row);
        const spw_policy *policy = policy_of(t->d->config, s->workloads.key[t->workloads[i].row]);
        if (o == NULL || policy == NULL) {
            continue;
        }
        open_at(t->out, t->workloads[i].text, "[");
        for (uint32_t g = 0; g < o->tier_count && g < policy->group_count; g++) {
            jsn_comma(t->out);
            jsn_put(t->out, "{");
            key_text(t->out, "group", policy->groups[g].name);
            key_int(t->out, "idle", o->tiers[g].idle);
            key_int(t->out, "elastic", o->tiers[g].elastic);
            key_int(t->out, "preempted", o->tiers[g].preempted);
            jsn_put(t->out, "}");
        }
        jsn_put(t->out, "]");
    }
    jsn_put(t->out, "}");
}

/* What was considered, and why it won or lost. */
static void put_candidate(const telling *t, const spw_candidate *c)
{
    const spw_policy *policy = policy_of(t->d->config, t->d->snap->workloads.key[c->workload]);
    if (policy != NULL && c->group >= 0 && (size_t)c->group < policy->group_count) {
        key_text(t->out, "group", policy->groups[c->group].name);
    }
    key_text(t->out, "verdict", spw_verdict_name(c->verdict));
    key_text(t->out, "why", spw_verdict_text(c->verdict));
    key_int(t->out, "held", c->held);
    key_int(t->out, "room_idle", c->room_idle);
    key_int(t->out, "room_elastic", c->room_elastic);
    key_int(t->out, "target", c->target);
    if (c->unit_count > 0) {
        open_at(t->out, "units", "[");
        for (int32_t u = 0; u < c->unit_count; u++) {
            jsn_comma(t->out);
            jsn_putf(t->out, "%" PRId32, c->unit_target[u]);
        }
        jsn_put(t->out, "]");
    }
}

static void put_step(const telling *t, const spw_action *a)
{
    if (a == NULL) {
        return;
    }
    jsn_comma(t->out);
    jsn_put(t->out, "{");
    key_text(t->out, "verb", spw_verb_name(a->verb));
    key_int(t->out, "before", a->before);
    key_int(t->out, "amount", a->amount);
    key_text(t->out, "reason", spw_reason_name(a->reason));
    key_text(t->out, "why", spw_reason_text(a->reason));
    jsn_put(t->out, "}");
}

/* A step that is not taken. */
static void put_step_kept(const telling *t, const spw_candidate *c, int64_t stays)
{
    const spw_action held_back = {
        .verb = SPW_VERB_PLACE, .reason = SPW_WHY_BUDGET, .before = stays, .amount = stays - c->kept};
    put_step(t, c->kept > 0 ? &held_back : NULL);
}

/* One cluster's part in the explanation of a workload. */
static void explain_cluster(const telling *t, size_t workload, size_t cluster, const char *name)
{
    const spw_action *place = find_action(t, SPW_VERB_PLACE, workload, cluster);
    const spw_action *route = find_action(t, SPW_VERB_ROUTE, workload, cluster);
    const jsn_item *candidate = jsn_items_find(t->candidates, spw_plan_candidate_count(t->d->plan), workload, cluster);
    const int64_t before = assigned_before(t, workload, cluster);
    if (place == NULL && route == NULL && candidate == NULL && before == 0) {
        return;
    }
    jsn_put(t->out, t->out->text != NULL && t->out->text[t->out->size - 1] == '{' ? "\n    " : ",\n    ");
    jsn_text(t->out, name);
    jsn_put(t->out, ": {");
    if (candidate != NULL) {
        put_candidate(t, spw_plan_candidate_at(t->d->plan, candidate->row));
    }
    key_int(t->out, "before", before);
    key_int(t->out, "after", place != NULL ? place->amount : before);
    open_at(t->out, "steps", "[");
    put_step(t, place);
    if (candidate != NULL) {
        put_step_kept(t, spw_plan_candidate_at(t->d->plan, candidate->row), place != NULL ? place->amount : before);
    }
    put_step(t, route);
    jsn_put(t->out, "]}");
}

static void put_explain(const telling *t)
{
    const spw_snapshot *s = t->d->snap;
    bool first = true;
    open_top(t->out, "explain", "{");
    for (size_t i = 0; i < s->workloads.count; i++) {
        const spw_outcome *o = outcome_of(t, t->workloads[i].row);
        if (o == NULL) {
            continue;
        }
        jsn_put(t->out, first ? "\n  " : ",\n  ");
        first = false;
        jsn_text(t->out, t->workloads[i].text);
        jsn_put(t->out, ": {");
        key_int(t->out, "desired", o->desired);
        key_text(t->out, "reason", spw_reason_name(o->scale_reason));
        key_text(t->out, "why", spw_reason_text(o->scale_reason));
        key_int(t->out, "unplaced", o->unplaced);
        key_int(t->out, "surge", o->surge);
        key_int(t->out, "moved", o->moved);
        key_int(t->out, "victims", o->victims);
        open_at(t->out, "clusters", "{");
        for (size_t k = 0; k < s->clusters.count; k++) {
            explain_cluster(t, t->workloads[i].row, t->clusters[k].row, t->clusters[k].text);
        }
        jsn_put(t->out, "}}");
    }
    jsn_put(t->out, "}");
}

static void put_state(telling *t)
{
    const size_t size = spw_state_size(t->d->core);
    unsigned char *bytes = zone_take(&t->z, size);
    if (bytes == NULL || spw_state_save(t->d->core, bytes, size) != SPW_OK) {
        t->out->failed = true;
        return;
    }
    open_top(t->out, "state", "");
    jsn_hex(t->out, bytes, size);
}

spw_rc spw_json_plan_write(const spw_json_decision *decision, spw_json_buffer *out)
{
    telling t = {.d = decision, .out = out};
    zone_init(&t.z, NULL);
    if (order_rows(&t)) {
        put_actions(&t);
        put_assigned(&t);
        put_counts(&t);
        put_kept(&t);
        put_routes(&t);
        put_tiers(&t);
        if (decision->explain) {
            put_explain(&t);
        }
        if (decision->core != NULL) {
            put_state(&t);
        }
        jsn_put(out, "\n}\n");
    }
    out->failed = out->failed || t.z.failed;
    zone_fini(&t.z);
    return out->failed ? SPW_NOMEM : SPW_OK;
}

/* The "state" of a plan. */
static const void *state_in_plan(jsn_reader *r, size_t *size)
{
    const jsn_path top = {NULL, NULL, 0};
    const jsn_path here = {&top, "state", 0};
    json_t *root = jsn_parse(r);
    const json_t *text = json_object_get(root, "state");
    const void *bytes = NULL;
    if (root != NULL && !json_is_string(text)) {
        jsn_wrong(r, text != NULL ? &here : &top, text != NULL ? "must be a text in quotes" : "lacks 'state'");
    } else if (root != NULL) {
        bytes = jsn_hex_bytes(r, json_string_value(text), json_string_length(text), size);
        if (bytes == NULL && !r->z.failed) {
            jsn_wrong(r, &here, "must be bytes in hex");
        }
    }
    json_decref(root);
    return bytes;
}

spw_rc spw_json_state_read(const void *bytes, size_t size, const char *name, spw_diag *diag, spw_json_buffer *out)
{
    jsn_reader r = {.diag = diag, .name = name, .text = bytes, .size = size, .first_line = 1};
    size_t skip = 0;
    while (skip < size && strchr(" \t\r\n", r.text[skip]) != NULL && r.text[skip] != '\0') {
        skip++;
    }
    if (skip == size || r.text[skip] != '{') {
        jsn_add(out, r.text, size);
        return out->failed ? SPW_NOMEM : SPW_OK;
    }
    zone_init(&r.z, NULL);
    const void *found = state_in_plan(&r, &size);
    if (found != NULL) {
        jsn_add(out, found, size);
    }
    const spw_rc rc = r.z.failed || out->failed ? SPW_NOMEM : found != NULL ? SPW_OK : SPW_INVAL;
    zone_fini(&r.z);
    return rc;
}

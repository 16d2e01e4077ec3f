/* SPDX-License-Identifier: Apache-2.0 */
/* filter.c - see filter.h. */
#include "place/filter.h"

#include "place/select.h"

static bool listed(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_excluded(const spw_policy *policy, const char *name)
{
    for (size_t g = 0; g < policy->group_count; g++) {
        const spw_selector *s = &policy->groups[g].selector;
        if (listed(s->exclude, s->exclude_count, name)) {
            return true;
        }
    }
    return false;
}

static bool tolerates(const spw_toleration *t, const spw_taint *taint)
{
    if (t->effect != 0 && t->effect != (int32_t)taint->effect) {
        return false;
    }
    if (t->key[0] != '\0' && strcmp(t->key, taint->key) != 0) {
        return false;
    }
    return t->exists || strcmp(t->value == NULL ? "" : t->value, taint->value) == 0;
}

bool filter_tainted(const spw_taints *taints, const spw_toleration *tolerations, size_t count)
{
    for (size_t i = 0; i < taints->count; i++) {
        const spw_taint *taint = &taints->at[i];
        bool tolerated = taint->effect != SPW_TAINT_NO_SCHEDULE && taint->effect != SPW_TAINT_NO_EXECUTE;
        for (size_t k = 0; k < count && !tolerated; k++) {
            tolerated = tolerates(&tolerations[k], taint);
        }
        if (!tolerated) {
            return true;
        }
    }
    return false;
}

spw_dur filter_rtt(const spw_rtt *rtts, size_t count, const char *from, const char *to)
{
    spw_dur back = from[0] != '\0' && strcmp(from, to) == 0 ? 0 : SPW_TIME_MAX;
    for (size_t i = 0; i < count; i++) {
        const spw_rtt *r = &rtts[i];
        if (strcmp(r->from, from) == 0 && strcmp(r->to, to) == 0) {
            return r->rtt;
        }
        if (strcmp(r->from, to) == 0 && strcmp(r->to, from) == 0) {
            back = r->rtt;
        }
    }
    return back;
}

/** Every region that users are in must be near enough. */
static bool too_far(const filter *f, const char *region)
{
    const spw_workload *w = f->workload;
    for (size_t i = 0; w->latency_budget > 0 && i < w->user_region_count; i++) {
        if (filter_rtt(f->config->rtts, f->config->rtt_count, w->user_regions[i], region) > w->latency_budget) {
            return true;
        }
    }
    return false;
}

spw_spread_field filter_area_field(const spw_policy *policy)
{
    spw_spread_field best = 0;
    for (size_t i = 0; i < policy->spread_count; i++) {
        spw_spread_field field = policy->spreads[i].field;
        if (field != SPW_SPREAD_CLUSTER && (best == 0 || field < best)) {
            best = field;
        }
    }
    return best;
}

const char *filter_area(const spw_policy *policy, const spw_cluster_rows *clusters, spw_id row)
{
    switch (filter_area_field(policy)) {
    case SPW_SPREAD_REGION:
        return clusters->region[row];
    case SPW_SPREAD_ZONE:
        return clusters->zone[row];
    case SPW_SPREAD_PROVIDER:
        return clusters->provider[row];
    case SPW_SPREAD_CLUSTER:
        break;
    }
    return "";
}

/** A spread constraint by a field that the cluster does not have. */
static bool lacks_field(const filter *f, spw_id row)
{
    bool lacks = false;
    for (size_t i = 0; i < f->policy->spread_count; i++) {
        spw_spread_field field = f->policy->spreads[i].field;
        lacks = lacks || (field == SPW_SPREAD_REGION && f->clusters->region[row][0] == '\0') ||
                (field == SPW_SPREAD_ZONE && f->clusters->zone[row][0] == '\0') ||
                (field == SPW_SPREAD_PROVIDER && f->clusters->provider[row][0] == '\0');
    }
    return lacks;
}

static spw_verdict filter_data(const filter *f, spw_id row)
{
    const spw_workload *w = f->workload;
    const char *where = f->clusters->jurisdiction == NULL ? "" : f->clusters->jurisdiction[row];
    if (w->jurisdiction_count > 0 && !listed(w->jurisdictions, w->jurisdiction_count, where)) {
        return SPW_VERDICT_JURISDICTION;
    }
    const char *region = f->clusters->region[row];
    if (too_far(f, region)) {
        return SPW_VERDICT_LATENCY;
    }
    bool bound = w->dataset_region != NULL && w->dataset_region[0] != '\0' && !w->dataset_movable;
    return bound && strcmp(w->dataset_region, region) != 0 ? SPW_VERDICT_GRAVITY : SPW_VERDICT_NONE;
}

spw_verdict filter_cluster(const filter *f, spw_id row, int32_t group, bool ready, bool holds)
{
    const spw_cluster_rows *t = f->clusters;
    if (group < 0) {
        return is_excluded(f->policy, t->name[row]) ? SPW_VERDICT_EXCLUDED : SPW_VERDICT_NOT_SELECTED;
    }
    /* Karmada knows health as a taint, and holders are not tested for taints */
    if (!ready && !(holds && f->policy->compat)) {
        return SPW_VERDICT_NOT_READY;
    }
    if (t->taints != NULL && !holds &&
        filter_tainted(&t->taints[row], f->policy->tolerations, f->policy->toleration_count)) {
        return SPW_VERDICT_TAINTED;
    }
    spw_verdict data = filter_data(f, row);
    if (data != SPW_VERDICT_NONE) {
        return data;
    }
    return f->policy->spread_count > 0 && lacks_field(f, row) ? SPW_VERDICT_SPREAD : SPW_VERDICT_NONE;
}

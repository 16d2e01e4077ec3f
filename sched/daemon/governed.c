/* SPDX-License-Identifier: Apache-2.0 */
/* governed.c - the workloads, policies and scalers of a daemon: from files, from a server, and read again. */
#include "sched/daemon/daemon_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MANIFEST_MOST ((size_t)16 << 20)
#define MESSAGES_KEPT 64
#define FLAP_WINDOW   (INT64_C(900) * SPW_NS_PER_S) /* as the simulator counts: back within 15 min */

/* --- texts for the log --- */

void dm_texts_fini(dm_texts_kept *t)
{
    for (size_t i = 0; i < t->count; i++) {
        free((void *)(uintptr_t)t->at[i].name);
        free((void *)(uintptr_t)t->at[i].text);
    }
    free(t->at);
    *t = (dm_texts_kept){0};
}

static bool keep_text(void *user, const char *name, const char *text)
{
    dm_texts_kept *t = user;
    spw_json_manifest *grown = realloc(t->at, (t->count + 1) * sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    t->at = grown;
    t->at[t->count] = (spw_json_manifest){.name = strdup(name), .text = strdup(text), .size = strlen(text)};
    t->count++;
    return t->at[t->count - 1].name != NULL && t->at[t->count - 1].text != NULL;
}

/* --- reading --- */

typedef struct reading {
    spw_manifest_set *set;
    const spw_config *config;
    dm_texts_kept texts;
    uint64_t digest;
} reading;

static void reading_fini(reading *r)
{
    dm_texts_fini(&r->texts);
    spw_manifest_free(r->set);
}

static spw_rc read_file(reading *r, const char *path, spw_diag *diag)
{
    size_t size = 0;
    char *text = dm_read_all(path, MANIFEST_MOST, &size);
    if (text == NULL) {
        spw_diag_add(diag, SPW_DIAG_ERROR, path, 0, 0, "cannot be read: %s", strerror(errno));
        return errno == ENOMEM ? SPW_NOMEM : SPW_BACKEND;
    }
    const spw_rc rc = spw_manifest_add_text(r->set, path, text, size, diag);
    const bool kept = rc != SPW_OK || keep_text(&r->texts, path, text);
    free(text);
    return kept ? rc : SPW_NOMEM;
}

static spw_rc read_all(const dm_daemon *d, reading *r, spw_diag *diag)
{
    spw_rc rc = SPW_OK;
    kube_manifests_result result = {.digest = 0};
    r->set = spw_manifest_new(NULL);
    if (r->set == NULL) {
        return SPW_NOMEM;
    }
    for (size_t i = 0; i < d->config->manifests.count && rc == SPW_OK; i++) {
        rc = read_file(r, d->config->manifests.at[i], diag);
    }
    if (rc == SPW_OK && d->config->from_server) {
        rc = dm_links_manifests(d->links, r->set, keep_text, &r->texts, diag, &result);
        r->digest = result.digest;
    }
    return rc == SPW_OK ? spw_manifest_config(r->set, diag, &r->config) : rc;
}

static spw_rc gear_for(dm_daemon *d, reading *r, dm_gear **out, spw_err *err)
{
    const dm_gear_spec spec = {.config = d->config,
                               .host = d->host,
                               .links = d->links,
                               .snapshots = d->snapshots,
                               .texts = r->texts.at,
                               .text_count = r->texts.count,
                               .governed = r->config,
                               .records = d->config->decisions != NULL && !d->host->dry_run};
    return dm_gear_new(&spec, out, err);
}

/* The reading becomes what is governed; what was before goes. */
static void take(dm_daemon *d, reading *r, dm_gear *gear)
{
    dm_gear_free(d->gear);
    dm_texts_fini(&d->texts);
    spw_manifest_free(d->set);
    d->gear = gear;
    d->texts = r->texts;
    d->set = r->set;
    d->governed = r->config;
    d->digest = r->digest;
    d->refreshed = dm_mono(d);
}

spw_rc dm_govern(dm_daemon *d, spw_diag *diag)
{
    reading r = {0};
    dm_gear *gear = NULL;
    spw_err err = {.text = ""};
    spw_rc rc = read_all(d, &r, diag);
    if (rc == SPW_OK) {
        rc = gear_for(d, &r, &gear, &err);
        if (rc == SPW_INVAL || rc == SPW_VERSION) {
            spw_diag_add(diag, SPW_DIAG_ERROR, NULL, 0, 0, "the core refuses the manifests: %s: %s", err.field,
                         err.text);
            rc = SPW_INVAL;
        }
    }
    if (rc != SPW_OK) {
        reading_fini(&r);
        return rc;
    }
    take(d, &r, gear);
    return d->links == NULL || dm_links_measure(d->links, d->governed) ? SPW_OK : SPW_NOMEM;
}

static void say_messages(const dm_daemon *d, const spw_diag *diag)
{
    for (size_t i = 0; i < spw_diag_count(diag); i++) {
        dm_say(d->host->voice, DM_WARN, "manifests", DM_TEXT("message", spw_diag_at(diag, i)));
    }
}

/* A new configuration takes over; histories of workloads whose configuration is as it was stay if the state fits. */
static void change(dm_daemon *d, reading *r)
{
    dm_gear *gear = NULL;
    spw_err err = {.text = ""};
    if (!dm_gather_state(d) || gear_for(d, r, &gear, &err) != SPW_OK) {
        d->status.refused_config++;
        dm_say_err(d->host->voice, DM_ERROR, "manifests-refused", &err);
        reading_fini(r);
        return;
    }
    take(d, r, gear);
    if (!dm_links_measure(d->links, d->governed)) {
        dm_say(d->host->voice, DM_ERROR, "meters", DM_TEXT("why", "out of memory: the old ones stay"));
    }
    spw_state_report found = {0};
    (void)dm_gear_load(d->gear, d->state.core, d->state.core_size, &found); /* of this build, gathered just now */
    dm_log_begin(d->log);
    dm_gear_log(d->gear, d->log);
    dm_give_templates(d);
    if (d->stop_writing && dm_gear_guard(d->gear) != NULL) {
        guard_stop(dm_gear_guard(d->gear), true);
    }
    dm_say(d->host->voice, DM_INFO, "manifests-changed", DM_INT("workloads", d->governed->workload_count),
           DM_INT("kept", found.kept), DM_INT("changed", found.changed), DM_INT("added", found.added),
           DM_INT("gone", found.gone));
}

void dm_refresh(dm_daemon *d)
{
    if (!d->config->from_server || dm_mono(d) - d->refreshed < d->config->refresh) {
        return;
    }
    reading r = {0};
    spw_diag *diag = NULL;
    if (spw_diag_new(NULL, MESSAGES_KEPT, &diag) != SPW_OK) {
        return;
    }
    const spw_rc rc = read_all(d, &r, diag);
    d->refreshed = dm_mono(d);
    if (rc != SPW_OK) {
        d->status.refused_config++;
        say_messages(d, diag);
        reading_fini(&r);
    } else if (r.digest == d->digest) {
        reading_fini(&r);
    } else {
        say_messages(d, diag);
        change(d, &r);
    }
    spw_diag_free(diag);
}

/* --- flaps --- */

static dm_turn *turn_of(dm_daemon *d, uint64_t workload, uint64_t cluster)
{
    for (size_t i = 0; i < d->turn_count; i++) {
        if (d->turns[i].workload == workload && d->turns[i].cluster == cluster) {
            return &d->turns[i];
        }
    }
    if (d->turn_count == d->turn_room) {
        const size_t room = d->turn_room == 0 ? 64 : 2 * d->turn_room;
        dm_turn *grown = realloc(d->turns, room * sizeof *grown);
        if (grown == NULL) {
            return NULL;
        }
        d->turns = grown;
        d->turn_room = room;
    }
    d->turns[d->turn_count] = (dm_turn){.workload = workload, .cluster = cluster};
    return &d->turns[d->turn_count++];
}

/* A count on a cluster that grows again within the window after it was lowered. */
void dm_count_flaps(dm_daemon *d)
{
    const spw_plan *plan = dm_gear_plan(d->gear);
    const spw_snapshot *snap = dm_gear_snapshot(d->gear);
    for (size_t i = 0; snap != NULL && i < spw_plan_count(plan); i++) {
        const spw_action *a = spw_plan_at(plan, i);
        if (a->verb != SPW_VERB_PLACE || a->amount == a->before) {
            continue;
        }
        dm_turn *t = turn_of(d, snap->workloads.key[a->workload], snap->clusters.key[a->cluster]);
        const int32_t direction = a->amount > a->before ? 1 : -1;
        if (t != NULL) {
            d->status.flaps += direction > 0 && t->direction < 0 && snap->now - t->at <= FLAP_WINDOW ? 1 : 0;
            t->direction = direction;
            t->at = snap->now;
        }
    }
}

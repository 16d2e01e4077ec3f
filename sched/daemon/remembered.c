/* SPDX-License-Identifier: Apache-2.0 */
/* remembered.c - what a daemon knows beyond a tick: out of a file, into a file, from one daemon to the next. */
#include "sched/daemon/daemon_int.h"

#include <stdlib.h>
#include <string.h>

spw_rc dm_take_state(dm_daemon *d, spw_err *err)
{
    char note[300];
    const dm_found found = dm_state_load(d->config->state, &d->state, note, sizeof note);
    spw_rc rc = SPW_OK;
    switch (found) {
    case DM_FOUND_NONE:
        dm_say(d->host->voice, DM_INFO, "state-new", DM_TEXT("file", d->config->state));
        return SPW_OK;
    case DM_FOUND_OLDER:
        dm_say(d->host->voice, DM_WARN, "state-older", DM_TEXT("why", note));
        break;
    case DM_FOUND_NO_MEMORY:
        return dm_fail(err, SPW_NOMEM, "state", "out of memory");
    case DM_FOUND_DAMAGED:
        dm_say(d->host->voice, DM_ERROR, "state-damaged", DM_TEXT("why", note),
               DM_INT("observing_s", d->config->relearn / SPW_NS_PER_S));
        d->relearn_until = dm_mono(d) + d->config->relearn;
        return SPW_OK;
    case DM_FOUND_WHOLE:
        break;
    }
    spw_state_report report = {0};
    rc = dm_gear_load(d->gear, d->state.core, d->state.core_size, &report);
    if (rc == SPW_NOMEM) {
        return dm_fail(err, SPW_NOMEM, "state", "out of memory");
    }
    const bool strange = rc == SPW_OK && report.kept + report.changed == 0 && report.gone > 0;
    if (rc != SPW_OK || strange) { /* whole, and of other workloads or another version: histories begin anew */
        dm_say(d->host->voice, DM_WARN, "state-of-another-configuration",
               DM_TEXT("why", strange ? "none of its workloads is configured" : spw_strerror(rc)),
               DM_INT("observing_s", d->config->relearn / SPW_NS_PER_S));
        d->relearn_until = dm_mono(d) + d->config->relearn;
        return SPW_OK;
    }
    dm_say(d->host->voice, DM_INFO, "state-loaded", DM_INT("generation", d->state.generation),
           DM_INT("kept", report.kept), DM_INT("changed", report.changed), DM_INT("added", report.added),
           DM_INT("gone", report.gone));
    return SPW_OK;
}

void dm_give_templates(dm_daemon *d)
{
    kube_source *source = dm_gear_source(d->gear);
    if (source == NULL || d->config->mode != DM_MODE_KUBERNETES) {
        return;
    }
    for (size_t i = 0; i < d->state.template_count; i++) {
        for (size_t w = 0; w < d->governed->workload_count; w++) {
            if (strcmp(d->governed->workloads[w].name, d->state.templates[i].name) == 0) {
                kube_source_template_set(source, w, d->state.templates[i].replicas);
            }
        }
    }
}

bool dm_gather_state(dm_daemon *d)
{
    const spw_core *core = dm_gear_core(d->gear);
    kube_source *source = d->config->mode == DM_MODE_KUBERNETES ? dm_gear_source(d->gear) : NULL;
    const size_t works = source != NULL ? d->governed->workload_count : 0;
    dm_state s = {.generation = d->state.generation + 1, .epoch = d->state.epoch, .core_size = spw_state_size(core)};
    const uint64_t epoch = d->links != NULL ? dm_links_epoch(d->links) : 0;
    s.epoch = epoch > s.epoch ? epoch : s.epoch;
    s.core = malloc(s.core_size + 1);
    s.templates = calloc(works + 1, sizeof *s.templates);
    bool ok = s.core != NULL && s.templates != NULL && spw_state_save(core, s.core, s.core_size) == SPW_OK;
    for (size_t w = 0; ok && w < works; w++) {
        s.templates[w].name = strdup(d->governed->workloads[w].name);
        s.templates[w].replicas = kube_source_template(source, w);
        ok = s.templates[w].name != NULL;
        s.template_count = w + 1;
    }
    if (!ok) {
        dm_state_fini(&s);
        return false;
    }
    dm_state_fini(&d->state);
    d->state = s;
    return true;
}

void dm_save_state(dm_daemon *d)
{
    spw_err err = {.text = "out of memory"};
    if (!d->opened || !dm_gather_state(d) || d->config->state == NULL || d->host->dry_run) {
        return;
    }
    if (dm_state_save(d->host->files, d->config->state, &d->state, &err) != SPW_OK) {
        d->status.state_failures++;
        dm_say_err(d->host->voice, DM_ERROR, "state-not-saved", &err);
    }
}

spw_rc dm_carry_state(dm_daemon *d, const dm_daemon *from, spw_err *err)
{
    size_t size = 0;
    void *bytes = dm_state_pack(&from->state, &size);
    dm_state s = {0};
    spw_rc rc =
        bytes != NULL ? dm_state_unpack(bytes, size, &s, err) : dm_fail(err, SPW_NOMEM, "state", "out of memory");
    free(bytes);
    if (rc != SPW_OK) {
        return rc;
    }
    dm_state_fini(&d->state);
    d->state = s;
    d->relearn_until = from->relearn_until;
    d->stop_writing = from->stop_writing;
    spw_state_report found = {0};
    rc = dm_gear_load(d->gear, s.core, s.core_size, &found);
    if (rc != SPW_OK) {
        dm_say(d->host->voice, DM_WARN, "histories-begin-anew", DM_TEXT("why", spw_strerror(rc)));
    } else if (found.changed + found.added + found.gone > 0) {
        dm_say(d->host->voice, DM_INFO, "state-carried-over", DM_INT("kept", found.kept),
               DM_INT("changed", found.changed), DM_INT("added", found.added), DM_INT("gone", found.gone));
    }
    return SPW_OK;
}

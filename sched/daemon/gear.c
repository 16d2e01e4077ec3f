/* SPDX-License-Identifier: Apache-2.0 */
/* gear.c - core, loop, source, actuators of one configuration. */
#include "sched/daemon/gear.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sched/kube/act_command.h"

/* Mode file: nobody says beforehand how large the snapshots are. */
#define FILE_CLUSTERS ((size_t)1024)
#define FILE_POOLS    ((size_t)4096)
#define FILE_PODS     ((size_t)100000)
#define FILE_SAMPLES  ((size_t)400000)

struct dm_gear {
    dm_gear_spec spec;
    dm_log *log;
    spw_settings settings;
    kube_source *kube;
    spw_source inner, source; /* source: inner, and remembers what it showed */
    const spw_snapshot *shown;
    spw_core *core, *second; /* second: explains what the first decides */
    spw_plan *explained;
    spw_loop *loop;
    /* actuators */
    kube_act *native;
    act_command *command;
    const char **argv;
    spw_actuator raw, dry, passing, watching, both;
    spw_tee raws, tee;
    guard *gate, *wall;
    guard_fleet fleet_guard;
    spw_record record;
    spw_actuator recorder;
    bool acts; /* something can be carried out at all */
    dm_told told;
    void *state; /* before a tick, for explanations */
    size_t state_room;
};

/* --- ends --- */

static spw_rc observe(void *self, spw_time now, const spw_snapshot **out, spw_err *err)
{
    dm_gear *g = self;
    g->shown = NULL;
    const spw_rc rc = g->inner.observe(g->inner.self, now, out, err);
    g->shown = rc == SPW_OK ? *out : NULL;
    return rc;
}

static spw_rc keep_line(void *user, const char *line, size_t size)
{
    dm_gear *g = user;
    spw_err err = {.text = ""};
    const spw_rc rc =
        dm_log_tick(g->log, line, size, g->spec.config->snapshots_kept ? g->shown : NULL, g->spec.governed, &err);
    if (rc != SPW_OK) {
        dm_say_err(g->spec.host->voice, DM_ERROR, "decision-not-recorded", &err);
    }
    return rc == SPW_OK ? SPW_OK : SPW_BACKEND;
}

static void tell(void *user, const kube_told *t)
{
    dm_gear *g = user;
    const char *fate = t->fate == KUBE_FATE_NONE ? "held" : kube_fate_name(t->fate);
    const spw_action *a = t->action;
    g->told.done += t->fate == KUBE_FATE_DONE ? 1 : 0;
    g->told.held += t->fate == KUBE_FATE_NONE ? 1 : 0;
    g->told.conflicts += t->fate == KUBE_FATE_OUTRUN ? 1 : 0;
    g->told.refused += t->fate == KUBE_FATE_REFUSED || t->fate == KUBE_FATE_FORBIDDEN ? 1 : 0;
    g->told.unknown += t->fate == KUBE_FATE_UNKNOWN || t->fate == KUBE_FATE_BROKEN ? 1 : 0;
    g->told.attempts += (uint64_t)(t->attempts > 0 ? t->attempts : 0);
    dm_say(g->spec.host->voice, t->fate == KUBE_FATE_DONE ? DM_INFO : DM_WARN, "action",
           DM_TEXT("verb", spw_verb_name(a->verb)),
           DM_TEXT("workload", a->workload != SPW_ID_NONE ? t->snap->workloads.name[a->workload] : ""),
           DM_TEXT("cluster", a->cluster != SPW_ID_NONE ? t->snap->clusters.name[a->cluster] : ""),
           DM_TEXT("pool", a->pool != SPW_ID_NONE ? t->snap->pools.name[a->pool] : ""), DM_INT("before", a->before),
           DM_INT("amount", a->amount), DM_TEXT("reason", spw_reason_name(a->reason)), DM_INT("ticket", t->ticket),
           DM_TEXT("fate", fate), DM_TEXT("guard", t->guard), DM_TEXT("why", t->why), DM_INT("attempts", t->attempts));
}

static uint64_t epoch(void *user)
{
    const dm_gear *g = user;
    return g->spec.links != NULL ? dm_links_epoch(g->spec.links) : 0;
}

static spw_time mono(void *user)
{
    const dm_gear *g = user;
    return g->spec.host->mono(g->spec.host->user);
}

static bool may_write(void *user)
{
    const dm_gear *g = user;
    return (g->spec.links == NULL || dm_links_may_write(g->spec.links)) &&
           (g->gate == NULL || !guard_is_stopped(g->gate));
}

static void meanwhile(void *user)
{
    const dm_gear *g = user;
    if (g->spec.links != NULL) {
        (void)dm_links_step(g->spec.links);
        dm_links_run(g->spec.links, 0);
    }
}

static size_t inventory_rows(void *user, const kube_inventory_row **rows)
{
    const dm_gear *g = user;
    kube_inventory *inventory = dm_links_inventory(g->spec.links);
    return inventory != NULL ? kube_inventory_rows(inventory, rows) : 0;
}

static size_t metric_rows(void *user, const kube_metric_row **rows)
{
    const dm_gear *g = user;
    kube_meters *meters = dm_links_meters(g->spec.links);
    return meters != NULL ? kube_meters_rows(meters, rows) : 0;
}

/* --- making --- */

static bool make_source(dm_gear *g)
{
    const dm_config *c = g->spec.config;
    if (g->spec.links == NULL) {
        g->inner = dm_source_file_seam(g->spec.snapshots);
    } else {
        const kube_source_spec spec = {.fleet = dm_links_fleet(g->spec.links),
                                       .config = g->spec.governed,
                                       .unreachable_after = c->unreachable_after,
                                       .inventory = inventory_rows,
                                       .metrics = metric_rows,
                                       .user = g,
                                       .clock = mono};
        g->kube = kube_source_new(&spec);
        if (g->kube == NULL) {
            return false;
        }
        g->inner = kube_source_seam(g->kube);
    }
    g->source =
        (spw_source){.version = SPW_API_VERSION, .name = g->inner.name, .self = g, .observe = observe, .close = NULL};
    return true;
}

static void choose_settings(dm_gear *g)
{
    const dm_config *c = g->spec.config;
    spw_settings *s = &g->settings;
    spw_settings_default(s);
    if (g->kube != NULL) {
        kube_source_room(g->kube, s);
    } else {
        s->clusters_max = FILE_CLUSTERS;
        s->pools_max = FILE_POOLS;
        s->placements_max = g->spec.governed->workload_count * FILE_CLUSTERS + 1;
        s->pods_max = FILE_PODS;
        s->samples_max = FILE_SAMPLES;
    }
    s->tick = c->tick;
    s->stale_after = c->stale_after;
    s->promise_ttl = c->promise_ttl;
    s->stock_tau = c->stock_tau;
    s->unix_offset = c->mode == DM_MODE_FILE ? c->origin.unix_ns : 0;
    s->fight_window = c->fight_window;
}

static bool make_native(dm_gear *g)
{
    const dm_config *c = g->spec.config;
    if (!dm_acts_on_servers(c) || g->spec.host->dry_run || g->spec.links == NULL) {
        return true;
    }
    const kube_act_spec spec = {.fleet = dm_links_fleet(g->spec.links),
                                .writer = dm_links_writer(g->spec.links),
                                .source = g->kube,
                                .config = g->spec.governed,
                                .within = c->within,
                                .epoch = epoch,
                                .told = tell,
                                .clock = mono,
                                .user = g};
    g->native = c->mode == DM_MODE_KARMADA ? kube_act_karmada_new(&spec) : kube_act_kubernetes_new(&spec);
    return g->native != NULL;
}

static bool make_command(dm_gear *g)
{
    const dm_config *c = g->spec.config;
    if (!dm_acts_by_program(c) || g->spec.host->dry_run) {
        return true;
    }
    g->argv = calloc(c->command.count + 1, sizeof *g->argv);
    if (g->argv == NULL) {
        return false;
    }
    memcpy(g->argv, c->command.at, c->command.count * sizeof *g->argv);
    const act_command_spec spec = {.argv = g->argv,
                                   .verbs = c->act == DM_ACT_BOTH ? ACT_COMMAND_OTHERS : 0,
                                   .timeout = c->command_timeout,
                                   .epoch = epoch,
                                   .may_write = may_write,
                                   .meanwhile = meanwhile,
                                   .told = tell,
                                   .user = g};
    g->command = act_command_new(&spec);
    return g->command != NULL;
}

static bool make_guards(dm_gear *g)
{
    const dm_config *c = g->spec.config;
    guard_spec spec = c->guards;
    spec.told = tell;
    spec.user = g;
    if (g->spec.links != NULL) {
        g->fleet_guard = (guard_fleet){.fleet = dm_links_fleet(g->spec.links),
                                       .config = g->spec.governed,
                                       .canary = c->canary,
                                       .except = c->canary_except};
        spec.paused = guard_fleet_paused;
        spec.ours = guard_fleet_ours;
        spec.may_be_zero = guard_fleet_may_be_zero;
        spec.world = &g->fleet_guard;
    }
    g->gate = guard_new(&spec, &g->raw);
    spec.observe_only = true;
    g->wall = guard_new(&spec, &g->dry);
    if (g->gate == NULL || g->wall == NULL) {
        return false;
    }
    g->passing = guard_seam(g->gate);
    g->watching = guard_seam(g->wall);
    return true;
}

static bool make_actuators(dm_gear *g)
{
    g->dry = spw_actuator_dry_run();
    if (!make_native(g) || !make_command(g)) {
        return false;
    }
    g->acts = g->native != NULL || g->command != NULL;
    if (!g->acts) {
        g->passing = g->watching = g->dry; /* as planned, by way of trial */
        return true;
    }
    if (g->native != NULL && g->command != NULL) {
        g->raws = (spw_tee){kube_act_seam(g->native), act_command_seam(g->command)};
        g->raw = spw_actuator_tee(&g->raws);
    } else {
        g->raw = g->native != NULL ? kube_act_seam(g->native) : act_command_seam(g->command);
    }
    return make_guards(g);
}

static size_t actions_max(const dm_gear *g)
{
    return g->spec.governed->workload_count * (1 + 3 * g->settings.clusters_max) + 2 * g->settings.pools_max + 16;
}

static spw_rc make_loop(dm_gear *g, spw_err *err)
{
    const size_t works = g->spec.governed->workload_count;
    spw_rc rc = spw_core_new(&g->settings, g->spec.governed, spw_mem_libc(), &g->core, err);
    if (rc == SPW_OK && g->spec.host->explain) {
        spw_settings talking = g->settings;
        talking.explain = true;
        rc = spw_core_new(&talking, g->spec.governed, spw_mem_libc(), &g->second, err);
        rc = rc == SPW_OK ? spw_plan_new_explained(spw_mem_libc(), actions_max(g), works + 1,
                                                   works * g->settings.clusters_max, &g->explained)
                          : rc;
    }
    g->tee = (spw_tee){g->dry, g->watching};
    if (rc == SPW_OK && g->spec.records) {
        g->record = (spw_record){.emit = keep_line, .user = g, .size = (size_t)16 << 20};
        g->record.buf = malloc(g->record.size);
        rc = g->record.buf != NULL ? SPW_OK : dm_fail(err, SPW_NOMEM, "record", "out of memory");
        g->recorder = spw_actuator_record(&g->record);
        g->tee.a = g->recorder;
    }
    g->both = spw_actuator_tee(&g->tee);
    return rc == SPW_OK
               ? spw_loop_new(g->core, &g->source, &g->both, spw_mem_libc(), actions_max(g), works + 1, &g->loop)
               : rc;
}

spw_rc dm_gear_new(const dm_gear_spec *spec, dm_gear **out, spw_err *err)
{
    dm_gear *g = calloc(1, sizeof *g);
    if (g == NULL) {
        return dm_fail(err, SPW_NOMEM, "gear", "out of memory");
    }
    g->spec = *spec;
    spw_rc rc = SPW_OK;
    if (!make_source(g) || !make_actuators(g)) {
        rc = dm_fail(err, SPW_NOMEM, "gear", "out of memory");
    } else {
        choose_settings(g);
        if (!g->acts && spec->links != NULL) {
            g->settings.fight_window = 0; /* nobody carries plans out: others' changes are no fight */
        }
        rc = make_loop(g, err);
    }
    if (rc != SPW_OK) {
        dm_gear_free(g);
        return rc;
    }
    *out = g;
    return SPW_OK;
}

void dm_gear_free(dm_gear *g)
{
    if (g != NULL) {
        spw_loop_free(g->loop);
        spw_plan_free(g->explained);
        spw_core_free(g->second);
        spw_core_free(g->core);
        guard_free(g->gate);
        guard_free(g->wall);
        kube_act_free(g->native);
        act_command_free(g->command);
        kube_source_free(g->kube);
        free(g->argv);
        free(g->record.buf);
        free(g->state);
        free(g);
    }
}

/* --- running --- */

void dm_gear_log(dm_gear *g, dm_log *log)
{
    g->log = log;
}

static bool keep_state(dm_gear *g, size_t *size)
{
    *size = spw_state_size(g->core);
    if (*size > g->state_room) {
        void *grown = realloc(g->state, *size);
        if (grown == NULL) {
            return false;
        }
        g->state = grown;
        g->state_room = *size;
    }
    return spw_state_save(g->core, g->state, *size) == SPW_OK;
}

/* A file of its own must begin with what its decisions depend on. */
static spw_rc write_head(dm_gear *g, const void *state, size_t size, spw_err *err)
{
    const spw_json_head head = {.settings = g->settings,
                                .manifests = g->spec.texts,
                                .manifest_count = g->spec.text_count,
                                .state = state,
                                .state_size = size};
    return dm_log_head(g->log, &head, err);
}

spw_rc dm_gear_tick(dm_gear *g, spw_time now, bool observing, spw_err *err)
{
    size_t size = 0;
    const bool headed = g->log != NULL && dm_log_wants_head(g->log);
    if ((headed || g->second != NULL) && !keep_state(g, &size)) {
        return dm_fail(err, SPW_NOMEM, "state", "out of memory");
    }
    if (headed) {
        const spw_rc rc = write_head(g, g->state, size, err);
        if (rc != SPW_OK) {
            return SPW_BACKEND;
        }
    }
    g->tee.b = observing ? g->watching : g->passing;
    const spw_rc rc = spw_loop_tick(g->loop, now, err);
    if (g->second != NULL && g->shown != NULL && spw_state_load(g->second, g->state, size) == SPW_OK) {
        (void)spw_decide(g->second, g->shown, g->explained, NULL); /* the same plan, with its reasons */
    }
    return rc;
}

const spw_core *dm_gear_core(const dm_gear *g)
{
    return g->core;
}

spw_rc dm_gear_load(dm_gear *g, const void *state, size_t size, spw_state_report *report)
{
    return spw_state_load_report(g->core, state, size, report);
}

const spw_plan *dm_gear_plan(const dm_gear *g)
{
    return spw_loop_plan(g->loop);
}

const spw_snapshot *dm_gear_snapshot(const dm_gear *g)
{
    return g->shown;
}

kube_source *dm_gear_source(const dm_gear *g)
{
    return g->kube;
}

guard *dm_gear_guard(const dm_gear *g)
{
    return g->gate;
}

void dm_gear_stats(const dm_gear *g, spw_loop_stats *loop, dm_told *told)
{
    spw_loop_stats_get(g->loop, loop);
    *told = g->told;
}

bool dm_gear_print(const dm_gear *g)
{
    FILE *out = g->spec.host->results;
    bool ok = true;
    if (g->shown == NULL) {
        return true;
    }
    if (g->second != NULL) {
        const spw_json_decision told = {
            .plan = g->explained, .snap = g->shown, .config = g->spec.governed, .core = NULL, .explain = true};
        spw_json_buffer text = {0};
        ok = spw_json_plan_write(&told, &text) == SPW_OK;
        fputs(ok ? text.text : "", out);
        spw_json_buffer_fini(&text);
    } else {
        const size_t size = spw_plan_text(dm_gear_plan(g), g->shown, NULL, 0);
        char *text = malloc(size + 1);
        ok = text != NULL;
        if (ok) {
            (void)spw_plan_text(dm_gear_plan(g), g->shown, text, size + 1);
            fputs(text, out);
        }
        free(text);
    }
    return fflush(out) == 0 && ok;
}

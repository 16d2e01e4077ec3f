/* SPDX-License-Identifier: GPL-3.0-or-later */
/* campaign.c - running the points of a campaign; see campaign.h. Reading them back: camp_table.c. */
#include "sim/experiment/campaign.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/experiment/check.h"
#include "sim/experiment/work.h"
#include "sim/fleet/fleet.h"
#include "sim/report/json.h"
#include "sim/report/report.h"

const char *const camp_default_metrics[] = {"cost.total_usd",           "latency.ttft_s.p99",  "latency.ttft_s.p95",
                                            "latency.e2e_s.p95",        "slo.attainment",      "slo.minutes_violated",
                                            "requests.completed",       "requests.rejected",   "requests.timed_out",
                                            "cost.usd_per_1k_requests", "burst.requests_hurt", "control.flaps"};
const int32_t camp_default_metric_count = sizeof camp_default_metrics / sizeof camp_default_metrics[0];

/* A setting that several seeds share is loaded once and let go with its last point. */
typedef struct shared_scenario {
    sc_scenario *sc;
    int32_t points_left;
    enum { UNLOADED = 0, LOADING, LOADED, BROKEN } state;
} shared_scenario;

typedef struct run_state {
    const campaign *c;
    const points *p;
    const camp_options *options;
    int32_t *todo; /* [todo_count] points */
    int32_t todo_count, done;
    shared_scenario *settings; /* [setting_count] */
    pthread_mutex_t lock;
    pthread_cond_t loaded;
    camp_end end; /* why a point failed */
} run_state;

int32_t camp_points(const campaign *c)
{
    return c->setting_count * c->seed_count;
}

sc_scenario *camp_load(const campaign *c, int32_t index, sc_messages *messages)
{
    const camp_setting *s = &c->settings[index];
    const sc_options options = {.tables_dir = c->tables_dir, .sets = s->sets, .set_count = (size_t)s->set_count};
    return sc_load(s->scenario, &options, messages);
}

static uint64_t seed_of(const campaign *c, const sc_scenario *sc, int32_t point)
{
    return c->seeds != NULL ? c->seeds[point % c->seed_count] : sc->seed;
}

int camp_check_metrics(const campaign *c, const sc_scenario *sc, char *err, size_t err_size)
{
    report_values *values = metric_names(sc);
    int rc = values != NULL ? 0 : -1;
    if (rc != 0) {
        snprintf(err, err_size, "out of memory");
    }
    for (int32_t m = 0; rc == 0 && m < c->metric_count; m++) {
        char name[CHECK_NAME_SIZE];
        if (metric_resolve(values, c->metrics[m], name) != 0 || strcmp(name, c->metrics[m]) != 0) {
            snprintf(err, err_size, "there is no metric '%s' (did you mean '%s'?)", c->metrics[m], name);
            rc = -1;
        }
    }
    report_values_free(values);
    return rc;
}

static void describe(const campaign *c, int32_t setting, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int32_t a = 0; a < c->axis_count && used < size; a++) {
        const int n = snprintf(text + used, size - used, "%s%s=%s", a > 0 ? ", " : "", c->axes[a],
                               c->settings[setting].labels[a]);
        used += n > 0 ? (size_t)n : 0;
    }
}

/* The scenario of a setting, shared between the threads. NULL with err. */
static sc_scenario *borrow(run_state *s, int32_t setting, char *err, size_t err_size)
{
    shared_scenario *shared = &s->settings[setting];
    pthread_mutex_lock(&s->lock);
    while (shared->state == LOADING) {
        pthread_cond_wait(&s->loaded, &s->lock);
    }
    const bool mine = shared->state == UNLOADED;
    if (mine) {
        shared->state = LOADING;
    }
    pthread_mutex_unlock(&s->lock);
    if (mine) {
        sc_messages messages;
        sc_scenario *sc = camp_load(s->c, setting, &messages);
        pthread_mutex_lock(&s->lock);
        shared->sc = sc;
        shared->state = sc != NULL ? LOADED : BROKEN;
        if (sc == NULL) {
            char what[400];
            describe(s->c, setting, what, sizeof what);
            s->end = CAMP_INPUT;
            snprintf(err, err_size, "%s\n%s", what, messages.text != NULL ? messages.text : "out of memory");
        }
        pthread_cond_broadcast(&s->loaded);
        pthread_mutex_unlock(&s->lock);
        sc_messages_fini(&messages);
    }
    return shared->sc;
}

static void give_back(run_state *s, int32_t setting)
{
    shared_scenario *shared = &s->settings[setting];
    sc_scenario *last = NULL;
    pthread_mutex_lock(&s->lock);
    if (--shared->points_left == 0) {
        last = shared->sc;
        shared->sc = NULL;
    }
    pthread_mutex_unlock(&s->lock);
    sc_free(last);
}

/* "SEED,HASH,value,value..." */
static char *line_of(const campaign *c, const sc_scenario *sc, const res_run *run, uint64_t seed)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    report_values *values = report_values_of(sc, run);
    if (out != NULL && values != NULL) {
        fprintf(out, "%" PRIu64 ",%016" PRIx64, seed, sc->hash);
        for (int32_t m = 0; m < c->metric_count; m++) {
            char number[REP_NUMBER_SIZE];
            double value = (double)NAN; /* a figure that this setting lacks, e.g. of a pool that only others have */
            (void)report_value(values, c->metrics[m], &value);
            fprintf(out, ",%s", rep_real(value, number));
        }
    }
    report_values_free(values);
    if (out != NULL && fclose(out) != 0) {
        free(text);
        return NULL;
    }
    if (values == NULL) {
        free(text);
        return NULL;
    }
    return text;
}

static camp_end do_point(run_state *s, int32_t point, char *err, size_t err_size)
{
    const campaign *c = s->c;
    const int32_t setting = point / c->seed_count;
    sc_scenario *sc = borrow(s, setting, err, err_size);
    if (sc == NULL) {
        return CAMP_INPUT;
    }
    const fleet_hooks hooks = {.stop = s->options->stop};
    const uint64_t seed = seed_of(c, sc, point);
    char why[400] = "";
    res_run *run = fleet_run(sc, seed, 0, &hooks, why, sizeof why);
    camp_end end = CAMP_DONE;
    if (s->options->stop != NULL && *s->options->stop != 0) {
        end = CAMP_STOPPED; /* the run may have been cut short: its figures are no result */
    } else if (run == NULL) {
        snprintf(err, err_size, "point %" PRId32 ": %s", point, why);
        end = CAMP_FAILED;
    } else {
        char *line = line_of(c, sc, run, seed);
        if (line == NULL) {
            snprintf(err, err_size, "out of memory");
            end = CAMP_FAILED;
        } else if (points_put(s->p, point, line, err, err_size) != 0) {
            end = CAMP_IO;
        }
        free(line);
    }
    res_free(run);
    give_back(s, setting);
    return end;
}

static int work(void *user, int32_t index, char *err, size_t err_size)
{
    run_state *s = user;
    const camp_end end = do_point(s, s->todo[index], err, err_size);
    pthread_mutex_lock(&s->lock);
    if (end == CAMP_DONE) {
        s->done++;
        if (s->options->done != NULL) {
            s->options->done(s->options->user, s->done, s->todo_count);
        }
    } else if (s->end == CAMP_DONE) {
        s->end = end;
    }
    pthread_mutex_unlock(&s->lock);
    return end == CAMP_DONE ? 0 : -1;
}

camp_end camp_run(const campaign *c, const points *p, const camp_options *options, char *err, size_t err_size)
{
    const int32_t all = camp_points(c);
    run_state s = {.c = c, .p = p, .options = options};
    s.todo = calloc((size_t)all + 1, sizeof *s.todo);
    s.settings = calloc((size_t)c->setting_count + 1, sizeof *s.settings);
    if (s.todo == NULL || s.settings == NULL || pthread_mutex_init(&s.lock, NULL) != 0 ||
        pthread_cond_init(&s.loaded, NULL) != 0) {
        free(s.todo);
        free(s.settings);
        snprintf(err, err_size, "out of memory");
        return CAMP_FAILED;
    }
    for (int32_t i = 0; i < all; i++) {
        if (i % options->shards == options->shard && !points_has(p, i)) {
            s.todo[s.todo_count++] = i;
            s.settings[i / c->seed_count].points_left++;
        }
    }
    char why[WORK_ERR_SIZE] = "";
    const work_options how = {.jobs = options->jobs, .stop = options->stop};
    const int32_t failed = work_each(s.todo_count, &how, work, &s, why, sizeof why);
    for (int32_t i = 0; i < c->setting_count; i++) {
        sc_free(s.settings[i].sc);
    }
    pthread_cond_destroy(&s.loaded);
    pthread_mutex_destroy(&s.lock);
    free(s.todo);
    free(s.settings);
    if (options->stop != NULL && *options->stop != 0) {
        return CAMP_STOPPED;
    }
    if (failed < 0) {
        return CAMP_DONE;
    }
    snprintf(err, err_size, "%s", why);
    return s.end != CAMP_DONE ? s.end : CAMP_FAILED;
}

int32_t camp_missing(const campaign *c, const points *p, int32_t *first)
{
    int32_t missing = 0;
    if (first != NULL) {
        *first = -1;
    }
    for (int32_t i = camp_points(c) - 1; i >= 0; i--) {
        if (!points_has(p, i)) {
            missing++;
            if (first != NULL) {
                *first = i;
            }
        }
    }
    return missing;
}

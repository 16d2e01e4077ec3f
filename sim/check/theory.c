/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * theory.c - stations under the whole fleet against closed forms: Erlang's delay formula for M/M/c (Kleinrock, Queueing
 * Systems 1, 3.5-3.6), Pollaczek and Khinchine's mean for M/G/1 (ibid. 5.6). The scenarios are the shipped
 * theory-*.yaml, shorter and more often; the tolerance is the 99 % Student interval of the replications' means.
 */
#include "sim/check/check.h"
#include "sim/experiment/experiment.h"
#include "sim/scenario/datadir.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define REPLICATIONS 10
#define LEVEL        0.99

typedef struct theory_case {
    const char *scenario, *duration, *rate;
} theory_case;

/* Probability of having to wait in M/M/c with offered load `a` erlangs. */
static double erlang_c(int32_t servers, double a)
{
    double loss = 1.0;
    for (int32_t k = 1; k <= servers; k++) {
        loss = a * loss / (k + a * loss);
    }
    return loss / (1.0 - a / servers * (1.0 - loss));
}

/* Mean wait, s. */
static double closed_form(const sc_service *s)
{
    const mdl_service_law *law = &s->station_law;
    double rate = s->traffic[0].arrivals.rate_per_s;
    int32_t servers = s->station.servers;
    double rho = rate * law->mean_s / servers;
    if (servers > 1) {
        return erlang_c(servers, rate * law->mean_s) * law->mean_s / (servers * (1.0 - rho));
    }
    return rho * law->mean_s * (1.0 + law->cv2) / (2.0 * (1.0 - rho));
}

static bool measure(const sc_scenario *sc, int32_t jobs, stat_tally *waits, char *err, size_t err_size)
{
    const exp_options options = {.seed = sc->seed, .replications = REPLICATIONS, .jobs = jobs};
    res_run *runs[REPLICATIONS] = {NULL};
    bool ok = exp_replicate(sc, &options, runs, err, err_size) == 0;
    stat_tally_init(waits);
    for (int32_t i = 0; i < REPLICATIONS; i++) {
        if (ok) {
            stat_tally_add(waits, stat_hist_mean(runs[i]->latency.queue) / 1e9);
        }
        res_free(runs[i]);
    }
    return ok;
}

static bool one(const check_input *in, const theory_case *c, check_list *list, char *err, size_t err_size)
{
    const sc_override sets[] = {{"spec.duration", c->duration}, {"spec.services[0].traffic[0].rate", c->rate}};
    const sc_options options = {.tables_dir = in->tables_dir, .sets = sets, .set_count = 2};
    sc_messages messages = {.text = NULL};
    char path[DATADIR_PATH_MAX];
    if (!datadir_scenario(c->scenario, path, sizeof path)) {
        (void)snprintf(err, err_size, "no scenario %s beside the parameter tables", c->scenario);
        return false;
    }
    sc_scenario *sc = sc_load(path, &options, &messages);
    stat_tally waits;
    bool ok = sc != NULL;
    if (!ok) {
        (void)snprintf(err, err_size, "%s", messages.text != NULL ? messages.text : "out of memory");
    }
    ok = ok && measure(sc, in->jobs, &waits, err, err_size);
    if (ok) {
        const sc_service *s = &sc->services[0];
        check_line line = {.group = "theory", .unit = "ms", .grade = "theory"};
        line.expected = closed_form(s) * 1e3;
        line.measured = waits.mean * 1e3;
        line.tolerance = stat_student_half_width(&waits, LEVEL) * 1e3 / line.expected;
        (void)snprintf(line.name, sizeof line.name, "mean wait, %s at %s", c->scenario, c->rate);
        check_add(list, &line);
    }
    sc_messages_fini(&messages);
    sc_free(sc);
    return ok;
}

bool check_theory(const check_input *in, check_list *list, char *err, size_t err_size)
{
    static const theory_case cases[] = {{"theory-mm1", "8h", "5/s"},
                                        {"theory-mm1", "20h", "8/s"},
                                        {"theory-mmc", "6h", "30/s"},
                                        {"theory-mg1", "16h", "5/s"},
                                        {"theory-mg1", "30h", "7/s"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (!one(in, &cases[i], list, err, err_size)) {
            return false;
        }
    }
    return true;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* calibrate_runs.c - several runs side by side: which file belongs to which, and how far one row fits them all. */
#include "sim/cli/calibrate_runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *name_of(const observed *o, size_t file)
{
    const char *slash = strrchr(o->files[file].path, '/');
    return slash != NULL ? slash + 1 : o->files[file].path;
}

static bool tells(const observed *o, size_t file)
{
    bool any = false;
    for (size_t k = 0; k < o->run_count; k++) {
        any = any || o->runs[k].log == file || o->runs[k].log == OBSERVED_ALL_LOGS;
    }
    return any;
}

void calibrate_runs_passed_over(const observed *o)
{
    for (size_t i = 0; i < o->file_count; i++) {
        if (o->files[i].passed_over) {
            fprintf(stderr, "%s: passed over: neither requests nor an engine's log nor operator times\n",
                    o->files[i].path);
        }
    }
}

void calibrate_runs_idle_logs(const observed *o)
{
    for (size_t i = 0; o->told > 0 && i < o->second_count; i++) {
        const size_t file = o->seconds[i].file;
        if ((i == 0 || o->seconds[i - 1].file != file) && !tells(o, file)) {
            fprintf(stderr, "%s: passed over: an engine's log of none of the runs\n", o->files[file].path);
        }
    }
}

static double off(double simulated, double measured)
{
    return measured > 0.0 ? (simulated / measured - 1.0) * 100.0 : 0.0;
}

static void print_errors(const drive_sums *got, const drive_sums *known)
{
    printf(" %+8.2f %% %+8.2f %% %+8.2f %% %+8.2f %%\n", off(got->ttft_ms, known->ttft_ms),
           off(got->tpot_ms, known->tpot_ms), off(got->e2e_ms, known->e2e_ms),
           off(got->output_per_s, known->output_per_s));
}

static void print_alone(size_t k, const calibration *c, const char *problem)
{
    if (problem[0] != '\0') {
        printf("  %3zu  %s\n", k + 1, problem);
        return;
    }
    printf("  %3zu %8.2f %% %9.5g %9.5g %9.5g %9.5g", k + 1, c->fits[c->fit_count - 1].mean_abs * 100.0, c->row.c1_us,
           c->row.c2_us, c->row.h0_us, c->row.h1_us);
    if (c->outside.told) {
        printf(" %10.1f", c->outside.ms);
    } else {
        printf(" %10s", "-");
    }
    if (c->replay.done) {
        print_errors(&c->replay.simulated, &c->replay.measured);
    } else {
        printf("  not replayed\n");
    }
}

bool calibrate_runs_print(const observed *o, const mdl_gpu *g, const mdl_model *m, const mdl_profile *base,
                          const calibration *all)
{
    calibration *c = malloc(sizeof *c);
    char err[256];
    if (c == NULL) {
        return false;
    }
    printf("%zu runs\n  run  requests  requests' file, engine's log\n", o->run_count);
    for (size_t k = 0; k < o->run_count; k++) {
        const observed_run *run = &o->runs[k];
        printf("  %3zu %9zu  %s", k + 1, run->count, name_of(o, run->file));
        if (run->log < o->file_count) {
            printf(", %s", name_of(o, run->log));
        }
        printf("\n");
    }
    printf("each alone: mean size of its residuals, its row, and its replay under that row against what was measured\n"
           "  run  residuals     c1 us     c2 us     h0 us     h1 us outside ms       TTFT       TPOT        E2E   "
           "output/s\n");
    for (size_t k = 0; k < o->run_count; k++) {
        const observed one = observed_one_run(o, k);
        err[0] = '\0';
        (void)calibrate(&one, g, m, base, c, err, sizeof err);
        print_alone(k, c, err);
    }
    printf("each under the row of all, below\n  run       TTFT       TPOT        E2E   output/s\n");
    for (size_t k = 0; k < o->run_count; k++) {
        const observed one = observed_one_run(o, k);
        drive_sums known, got;
        if (calibrate_replayed(&one, g, m, &all->row, &got, &known)) {
            calibrate_count_outside(&all->outside, &got);
            printf("  %3zu", k + 1);
            print_errors(&got, &known);
        }
    }
    free(c);
    return true;
}

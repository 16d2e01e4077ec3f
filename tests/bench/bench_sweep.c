/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_sweep.c - a sweep on one core and on two: wall time of the same 64 points, in pairs, checkpoints included.
 *
 * Points share nothing, so two cores should take half the time (target: at least 1.9 times as fast). On a machine that
 * is busy with other things wall time says little; processor time for each point, which should not grow when the other
 * core works as well, says the rest: printed as the ratio of one job to two.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "sim/experiment/campaign.h"

enum { PAIRS = 5, SEEDS = 64 };

static double wall_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_s(void)
{
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void remove_points(const char *dir)
{
    char path[256];
    for (int i = 0; i < SEEDS; i++) {
        snprintf(path, sizeof path, "%s/points/%06d.csv", dir, i);
        (void)unlink(path);
    }
    snprintf(path, sizeof path, "%s/points", dir);
    (void)rmdir(path);
    snprintf(path, sizeof path, "%s/" POINTS_MARKER, dir);
    (void)unlink(path);
    (void)rmdir(dir);
}

static void once(const campaign *c, int32_t jobs, double *wall, double *cpu)
{
    char dir[] = "/tmp/spillway-bench-XXXXXX", err[1024] = "";
    if (mkdtemp(dir) == NULL) {
        exit(1);
    }
    const points p = {dir, 1};
    const camp_options options = {.jobs = jobs, .shard = 0, .shards = 1};
    const double wall0 = wall_s(), cpu0 = cpu_s();
    if (points_begin(&p, err, sizeof err) != 0 || camp_run(c, &p, &options, err, sizeof err) != CAMP_DONE) {
        fprintf(stderr, "bench_sweep: %s\n", err);
        exit(1);
    }
    *wall = wall_s() - wall0;
    *cpu = cpu_s() - cpu0;
    remove_points(dir);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

int main(void)
{
    static const char *const axes[] = {"all"}, *const labels[] = {"all"};
    static const sc_override sets[] = {{"spec.duration", "4h"}};
    const camp_setting setting = {"scenarios/night-and-day.yaml", sets, 1, labels};
    uint64_t seeds[SEEDS];
    for (int i = 0; i < SEEDS; i++) {
        seeds[i] = (uint64_t)i + 1;
    }
    const campaign c = {.kind = "sweep",
                        .name = "bench",
                        .description = "",
                        .axes = axes,
                        .axis_count = 1,
                        .settings = &setting,
                        .setting_count = 1,
                        .seeds = seeds,
                        .seed_count = SEEDS,
                        .metrics = camp_default_metrics,
                        .metric_count = camp_default_metric_count};
    double walls[PAIRS], cpus[PAIRS], one_s = 0;
    for (int i = 0; i < PAIRS; i++) {
        double wall1, cpu1, wall2, cpu2;
        once(&c, 1, &wall1, &cpu1);
        once(&c, 2, &wall2, &cpu2);
        walls[i] = wall1 / wall2;
        cpus[i] = cpu1 / cpu2;
        one_s += wall1 / PAIRS;
    }
    qsort(walls, PAIRS, sizeof walls[0], ascending);
    qsort(cpus, PAIRS, sizeof cpus[0], ascending);
    printf("sweep of %d points, %.2f s on one core: two cores %.2f times as fast (median of %d pairs; best %.2f); "
           "processor time for a point, one job / two: %.2f\n",
           SEEDS, one_s, walls[PAIRS / 2], PAIRS, walls[PAIRS - 1], cpus[PAIRS / 2]);
    return 0;
}

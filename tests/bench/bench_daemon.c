/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_daemon.c - memory and processor time of the daemon in a quiet world: 100 clusters with 100 objects each behind
 * API servers in memory, nothing happens, a tick every 15 s, bookmarks every minute. The servers' own time is in the
 * figure, so it is an upper bound.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "sched/daemon/daemon.h"
#include "tests/support/kube_world.h"

#define S        SPW_NS_PER_S
#define UNIX     (INT64_C(1790000000) * S)
#define CLUSTERS 100
#define WORKS    10
#define PODS     80
#define NODES    10
#define MINUTES  20

static kw_world *world;

static spw_time mono(void *user)
{
    (void)user;
    return kw_now(world);
}

static spw_time unix_now(void *user)
{
    (void)user;
    return UNIX + kw_now(world);
}

static double cpu_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double rss_mb(void)
{
    struct rusage use;
    (void)getrusage(RUSAGE_SELF, &use);
    return (double)use.ru_maxrss / 1024.0;
}

static void fill(size_t server)
{
    char json[900];
    for (int n = 0; n < NODES; n++) {
        (void)snprintf(
            json, sizeof json,
            "{\"metadata\":{\"name\":\"n%d\",\"labels\":{\"gpu\":\"g\"}},\"spec\":{},\"status\":{\"allocatable\":{"
            "\"cpu\":\"64\",\"memory\":\"256Gi\",\"pods\":\"110\",\"nvidia.com/gpu\":\"8\"},\"conditions\":[{"
            "\"type\":\"Ready\",\"status\":\"True\"}]}}",
            n);
        kw_put(world, server, "/api/v1/nodes", json);
    }
    for (int w = 0; w < WORKS; w++) {
        (void)snprintf(json, sizeof json,
                       "{\"metadata\":{\"name\":\"w%d\",\"namespace\":\"prod\"},\"spec\":{\"replicas\":%d}}", w,
                       PODS / WORKS);
        kw_put(world, server, "/apis/apps/v1/deployments", json);
    }
    for (int p = 0; p < PODS; p++) {
        (void)snprintf(json, sizeof json,
                       "{\"metadata\":{\"name\":\"w%d-5d4f-%d\",\"namespace\":\"prod\",\"labels\":{\"pod-template-"
                       "hash\":\"5d4f\"},"
                       "\"ownerReferences\":[{\"kind\":\"ReplicaSet\",\"name\":\"w%d-5d4f\",\"controller\":true}]},"
                       "\"spec\":{\"nodeName\":"
                       "\"n%d\",\"containers\":[{\"name\":\"c\",\"resources\":{\"limits\":{\"nvidia.com/"
                       "gpu\":\"1\"}}}]},\"status\":{"
                       "\"phase\":\"Running\",\"startTime\":\"2026-09-21T12:00:00Z\",\"conditions\":[{\"type\":"
                       "\"Ready\",\"status\":"
                       "\"True\",\"lastTransitionTime\":\"2026-09-21T12:01:00Z\"}]}}",
                       p % WORKS, p, p % WORKS, p / 8);
        kw_put(world, server, "/api/v1/pods", json);
    }
}

/* Manifests and Daemon file of the fleet, into a folder. */
static bool write_files(const char *folder)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/m.yaml", folder);
    FILE *f = fopen(path, "w");
    for (int w = 0; f != NULL && w < WORKS; w++) {
        fprintf(f,
                "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: w%d, namespace: prod}\nspec:\n  replicas: %d\n"
                "  selector: {matchLabels: {app: w%d}}\n  template:\n    metadata: {labels: {app: w%d}}\n    spec: "
                "{containers: [{name: c, image: i, resources: {limits: {nvidia.com/gpu: 1}}}]}\n---\n",
                w, CLUSTERS * PODS / WORKS, w, w);
    }
    if (f == NULL || fclose(f) != 0) {
        return false;
    }
    (void)snprintf(path, sizeof path, "%s/d.yaml", folder);
    f = fopen(path, "w");
    if (f == NULL) {
        return false;
    }
    fprintf(f, "apiVersion: spillway.dev/v1alpha1\nkind: Daemon\nmetadata: {name: bench}\nspec:\n  mode: kubernetes\n"
               "  manifests: {files: [m.yaml]}\n  actuator: {kind: native}\n  lease: {enabled: false}\n  clusters:\n");
    for (int c = 0; c < CLUSTERS; c++) {
        fprintf(f,
                "    - {name: c%d, pools: [{name: p, gpu: G, capacity: owned, gpusPerNode: 8, nodesMax: %d, price: 1 "
                "USD/h, "
                "nodeSelector: {gpu: g}}]}\n",
                c, NODES);
    }
    return fclose(f) == 0;
}

static dm_daemon *begin(const dm_host *host, const char *folder)
{
    char path[128];
    spw_diag *diag = NULL;
    dm_config_file *file = NULL;
    dm_daemon *d = NULL;
    (void)snprintf(path, sizeof path, "%s/d.yaml", folder);
    if (spw_diag_new(NULL, 4, &diag) != SPW_OK || dm_config_read(path, diag, &file) != SPW_OK ||
        dm_daemon_new(file, host, diag, &d) != SPW_OK || dm_daemon_open(d, NULL, NULL) != SPW_OK) {
        fprintf(stderr, "%s\n", diag != NULL && spw_diag_count(diag) > 0 ? spw_diag_at(diag, 0) : "cannot begin");
        exit(1);
    }
    spw_diag_free(diag);
    return d;
}

static void live(dm_daemon *d, int minutes)
{
    for (int m = 0; m < minutes; m++) {
        const spw_time until = kw_now(world) + 60 * S;
        while (kw_now(world) < until) {
            (void)dm_daemon_work(d, until - kw_now(world), NULL);
        }
        for (size_t s = 0; s < CLUSTERS; s++) {
            kw_bookmark(world, s);
        }
    }
}

int main(void)
{
    char folder[] = "/tmp/spillway-bench-XXXXXX", path[128];
    world = kw_new(CLUSTERS);
    if (world == NULL || mkdtemp(folder) == NULL || !write_files(folder)) {
        return 1;
    }
    for (size_t s = 0; s < CLUSTERS; s++) {
        fill(s);
    }
    const double before_mb = rss_mb(), start = cpu_s();
    const kube_wire wire = kw_wire(world);
    const dm_voice voice = {.out = stderr, .format = DM_LOGFMT, .level = DM_ERROR};
    const dm_host host = {.files = dm_files_posix(),
                          .voice = &voice,
                          .wire = &wire,
                          .mono = mono,
                          .unix_now = unix_now,
                          .wake_fd = -1,
                          .results = stdout};
    dm_daemon *d = begin(&host, folder);
    dm_status status;
    dm_latency latency;
    live(d, 1);
    const double listed = cpu_s();
    live(d, MINUTES);
    const double quiet = cpu_s() - listed;
    dm_daemon_status(d, &status, &latency);
    printf("daemon, %d clusters, %d objects: started in %.2f s of CPU; quiet: %.3f %% of a core, servers included; "
           "%llu ticks, %zu ready, %llu actions; memory +%.0f MB (of it the core's room for 200,000 pods)\n",
           CLUSTERS, CLUSTERS * (PODS + NODES + WORKS), listed - start, 100.0 * quiet / (MINUTES * 60.0),
           (unsigned long long)status.loop.ticks, status.clusters_ready, (unsigned long long)status.loop.actions,
           rss_mb() - before_mb);
    dm_daemon_close(d);
    dm_daemon_free(d);
    kw_free(world);
    (void)snprintf(path, sizeof path, "%s/m.yaml", folder);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/d.yaml", folder);
    (void)unlink(path);
    return rmdir(folder) == 0 && status.loop.actions == 0 && status.clusters_ready == CLUSTERS ? 0 : 1;
}

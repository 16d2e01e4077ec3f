/* SPDX-License-Identifier: GPL-3.0-or-later */
/* progress.c - see progress.h. */
#include "sim/cli/progress.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define PERIOD_S  0.2 /* five updates a second */
#define LINE_SIZE 128
#define WIPE      "\r\033[K"

typedef struct one_run {
    int64_t now_ns;
    uint64_t requests;
} one_run;

struct progress {
    FILE *stream;
    pthread_mutex_t lock;
    int64_t duration_ns;
    double start_s, last_s;
    uint32_t count;
    one_run runs[];
};

static double clock_s(void)
{
    struct timespec t = {0, 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

progress *progress_new(FILE *stream, uint32_t replications, int64_t duration_ns)
{
    if (!isatty(fileno(stream))) {
        return NULL;
    }
    progress *p = calloc(1, sizeof *p + replications * sizeof p->runs[0]);
    if (p == NULL || pthread_mutex_init(&p->lock, NULL) != 0) {
        free(p);
        return NULL;
    }
    p->stream = stream;
    p->duration_ns = duration_ns;
    p->count = replications;
    p->start_s = p->last_s = clock_s();
    return p;
}

/* "1 d 02:03:04" of simulated time. */
static void simulated(char *buf, size_t size, int64_t ns)
{
    const long long s = (long long)(ns / 1000000000);
    if (s >= 86400) {
        snprintf(buf, size, "%lld d %02lld:%02lld:%02lld", s / 86400, s / 3600 % 24, s / 60 % 60, s % 60);
    } else {
        snprintf(buf, size, "%02lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
    }
}

int progress_line(char *buf, size_t size, int64_t done_ns, int64_t total_ns, uint64_t requests, double elapsed_s)
{
    const double share = total_ns > 0 ? (double)done_ns / (double)total_ns : 1.0;
    const double rate = elapsed_s > 0.0 ? (double)requests / elapsed_s : 0.0;
    char at[48];
    simulated(at, sizeof at, done_ns);
    if (share <= 0.0) {
        return snprintf(buf, size, "%3.0f %%  simulated %s  %.0f requests/s", share * 100.0, at, rate);
    }
    const double left_s = elapsed_s * (1.0 - share) / share;
    return snprintf(buf, size, "%3.0f %%  simulated %s  %.0f requests/s  %.0f s left", share * 100.0, at, rate, left_s);
}

void progress_report(progress *p, uint32_t replication, int64_t now_ns, uint64_t requests)
{
    if (p == NULL || replication >= p->count) {
        return;
    }
    (void)pthread_mutex_lock(&p->lock);
    p->runs[replication] = (one_run){now_ns, requests};
    const double now_s = clock_s();
    if (now_s - p->last_s >= PERIOD_S) {
        p->last_s = now_s;
        int64_t done_ns = 0;
        uint64_t all = 0;
        for (uint32_t i = 0; i < p->count; i++) {
            done_ns += p->runs[i].now_ns;
            all += p->runs[i].requests;
        }
        char line[LINE_SIZE];
        progress_line(line, sizeof line, done_ns, p->duration_ns * p->count, all, now_s - p->start_s);
        fprintf(p->stream, WIPE "%s", line);
        (void)fflush(p->stream);
    }
    (void)pthread_mutex_unlock(&p->lock);
}

progress *progress_new_items(FILE *stream)
{
    return progress_new(stream, 0, 0);
}

int progress_items_line(char *buf, size_t size, int32_t done, int32_t total, double elapsed_s)
{
    const double rate = elapsed_s > 0.0 ? done / elapsed_s : 0.0;
    if (done == 0 || rate <= 0.0) {
        return snprintf(buf, size, "%d of %d", (int)done, (int)total);
    }
    return snprintf(buf, size, "%3.0f %%  %d of %d  %.3g/s  %.0f s left", 100.0 * done / total, (int)done, (int)total,
                    rate, (total - done) / rate);
}

void progress_items(progress *p, int32_t done, int32_t total)
{
    if (p == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&p->lock);
    const double now_s = clock_s();
    if (now_s - p->last_s >= PERIOD_S) {
        char line[LINE_SIZE];
        p->last_s = now_s;
        progress_items_line(line, sizeof line, done, total, now_s - p->start_s);
        fprintf(p->stream, WIPE "%s", line);
        (void)fflush(p->stream);
    }
    (void)pthread_mutex_unlock(&p->lock);
}

void progress_free(progress *p)
{
    if (p == NULL) {
        return;
    }
    fputs(WIPE, p->stream);
    (void)fflush(p->stream);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
}

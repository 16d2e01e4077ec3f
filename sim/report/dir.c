/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dir.c - the folder of a run. Each file is written under NAME.tmp and renamed when whole; the pictures are drawn from
 * the CSV files that stand there by then, and the page is put together from the pictures, so the order matters.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/report/burst.h"
#include "sim/report/html.h"
#include "sim/report/plots.h"
#include "sim/report/report.h"
#include "sim/report/view.h"

enum { PATH_SIZE = 1100 };

void report_options_default(report_options *options)
{
    *options = (report_options){.plots = true, .log = stderr};
}

/** What a file is made from. */
typedef struct job {
    rep_view view;
    rep_album album;
    const char *dir;
    const report_options *options;
} job;

static int timeline(const void *user, FILE *out)
{
    const job *j = user;
    return rep_write_timeline(&j->view, out);
}

static int pools(const void *user, FILE *out)
{
    const job *j = user;
    return rep_write_pools(&j->view, out);
}

static int cost(const void *user, FILE *out)
{
    const job *j = user;
    return rep_write_cost(&j->view, out);
}

static int egress(const void *user, FILE *out)
{
    const job *j = user;
    return rep_write_egress(&j->view, out);
}

static int bursts(const void *user, FILE *out)
{
    const job *j = user;
    return rep_write_bursts(&j->view, out);
}

static int lag(const void *user, FILE *out)
{
    const job *j = user;
    return rep_write_lag(&j->view, out);
}

static int stages(const void *user, FILE *out)
{
    const job *j = user;
    return rep_write_stages(&j->view, out);
}

static int summary(const void *user, FILE *out)
{
    const job *j = user;
    return rep_write_json(&j->view, j->options->host_threads, out);
}

static int page(const void *user, FILE *out)
{
    const job *j = user;
    return rep_write_html(&j->view, &j->album, j->dir, out);
}

int rep_write_file(const char *dir, const char *name, rep_writer write, const void *user, char *err, size_t err_size)
{
    char temporary[PATH_SIZE + 64], final[PATH_SIZE + 64];
    snprintf(temporary, sizeof temporary, "%s/%s.tmp", dir, name);
    snprintf(final, sizeof final, "%s/%s", dir, name);
    errno = 0;
    FILE *out = fopen(temporary, "w");
    int rc = out == NULL ? -1 : write(user, out);
    if (out != NULL && fclose(out) != 0) {
        rc = -1;
    }
    if (rc == 0) {
        rc = rename(temporary, final);
    }
    if (rc != 0) {
        int why = errno != 0 ? errno : ENOMEM;
        snprintf(err, err_size, "cannot write %s: %s", final, strerror(why));
        remove(temporary);
        return -1;
    }
    return 0;
}

static int one_folder(const char *path, char *err, size_t err_size)
{
    struct stat st;
    int why = mkdir(path, 0777) != 0 ? errno : 0;
    if (why == EEXIST) {
        why = stat(path, &st) != 0 ? errno : S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
    }
    if (why != 0) {
        snprintf(err, err_size, "cannot make folder %s: %s", path, strerror(why));
        return -1;
    }
    return 0;
}

int rep_make_folder(const char *path, char *err, size_t err_size)
{
    char above[PATH_SIZE + 64] = "";
    if (snprintf(above, sizeof above, "%s", path) >= (int)sizeof above) {
        snprintf(err, err_size, "%.60s...: the name is too long", path);
        return -1;
    }
    for (char *slash = above; (slash = strchr(slash + 1, '/')) != NULL && slash[1] != '\0';) {
        *slash = '\0';
        if (one_folder(above, err, err_size) != 0) {
            return -1;
        }
        *slash = '/';
    }
    return one_folder(path, err, err_size);
}

static int write_all(job *j, char *err, size_t err_size)
{
    static const struct {
        const char *name;
        rep_writer write;
    } tables[] = {{"timeline.csv", timeline}, {"pools.csv", pools}, {"cost.csv", cost},     {"egress.csv", egress},
                  {"bursts.csv", bursts},     {"lag.csv", lag},     {"stages.csv", stages}, {"summary.json", summary}};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        if (tables[i].write == summary && j->options->keep_summary) {
            continue;
        }
        if (rep_write_file(j->dir, tables[i].name, tables[i].write, j, err, err_size) != 0) {
            return -1;
        }
    }
    if (rep_write_burst_files(&j->view, j->dir, err, err_size) != 0) {
        return -1;
    }
    rep_album_plan(&j->view, &j->album);
    if (j->options->plots) {
        char folder[PATH_SIZE + 16];
        snprintf(folder, sizeof folder, "%s/plots", j->dir);
        if (rep_make_folder(folder, err, err_size) != 0) {
            return -1;
        }
        rep_album_draw(&j->view, &j->album, j->dir, j->options);
    } else {
        snprintf(j->album.why_not, sizeof j->album.why_not, "they were switched off for this run");
    }
    return rep_write_file(j->dir, "report.html", page, j, err, err_size);
}

int report_write_dir(const sc_scenario *sc, res_run *const *runs, int32_t n, const char *dir,
                     const report_options *options, char *err, size_t err_size)
{
    report_options defaults;
    char unused[8];
    report_options_default(&defaults);
    job j = {.dir = dir, .options = options != NULL ? options : &defaults};
    if (err == NULL || err_size == 0) {
        err = unused;
        err_size = sizeof unused;
    }
    err[0] = '\0';
    if (strlen(dir) >= PATH_SIZE) {
        snprintf(err, err_size, "the name of the output folder is too long");
        return -1;
    }
    if (rep_make_folder(dir, err, err_size) != 0) {
        return -1;
    }
    if (rep_view_init(&j.view, sc, runs, n) != 0) {
        snprintf(err, err_size, "out of memory");
        return -1;
    }
    int rc = write_all(&j, err, err_size);
    rep_view_fini(&j.view);
    return rc;
}

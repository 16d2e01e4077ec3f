/* SPDX-License-Identifier: GPL-3.0-or-later */
/* burst_files.c - the files about single bursts: a page for each, and the decisions on them as CSV. */
#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/report/burst.h"

static void put_decision(const rep_view *v, int32_t row, const rep_decision *one, FILE *out)
{
    char number[REP_NUMBER_SIZE], iso[REP_CLOCK_SIZE];
    fprintf(out, "%" PRId32 ",", row + 1);
    rep_csv_text(out, v->sc->services[v->runs[0]->bursts[row].service].name);
    fprintf(out, ",%s,%s,", rep_real(one->at_s, number), rep_iso(v->sc, one->at_s, iso));
    rep_csv_text(out, one->verb);
    fputc(',', out);
    rep_csv_text(out, one->target);
    fprintf(out, ",%" PRId64 ",%" PRId64 ",", one->before, one->amount);
    rep_csv_text(out, one->reason);
    fputc('\n', out);
}

/** What decisions.csv is made from. */
typedef struct table {
    const rep_view *v;
    const rep_decisions *decisions;
} table;

static int write_table(const void *what, FILE *out)
{
    const table *t = what;
    const rep_view *v = t->v;
    const rep_decisions *d = t->decisions;
    int32_t rows[REP_BURST_PAGES];
    const int32_t count = rep_burst_pages(v, rows);
    fputs("# ", out);
    rep_provenance(v, out);
    fputs("\nburst,service,time_s,local_time,verb,target,before,amount,reason\n", out);
    for (int32_t k = 0; k < count; k++) {
        const res_burst *b = &v->runs[0]->bursts[rows[k]];
        for (size_t i = 0; i < d->count; i++) {
            if (rep_decision_concerns(&d->at[i], v->sc->services[b->service].name, rep_burst_window(v, b))) {
                put_decision(v, rows[k], &d->at[i], out);
            }
        }
    }
    return ferror(out) ? -1 : 0;
}

/** The page of one burst, from those of the decisions that concern it. */
static int write_page(const rep_view *v, const rep_decisions *all, int32_t row, const char *dir, char *err,
                      size_t err_size)
{
    const res_burst *burst = &v->runs[0]->bursts[row];
    const rep_window window = rep_burst_window(v, burst);
    char file[REP_BURST_FILE];
    rep_decisions own = {calloc(REP_BURST_DECISIONS, sizeof *own.at), 0}; /* their texts stay those of `all` */
    rep_burst_view b = {.v = v, .decisions = &own, .row = row};
    if (own.at == NULL) {
        snprintf(err, err_size, "out of memory");
        return -1;
    }
    for (size_t i = 0; i < all->count; i++) {
        if (rep_decision_concerns(&all->at[i], v->sc->services[burst->service].name, window)) {
            if (own.count < REP_BURST_DECISIONS) {
                own.at[own.count++] = all->at[i];
            }
            b.decided++;
        }
    }
    const int rc = rep_write_file(dir, rep_burst_file(row, file), rep_burst_page, &b, err, err_size);
    free(own.at);
    return rc;
}

/** Takes away pages of an earlier run: burst-N.html with N not among the rows. */
static void remove_old(const char *dir, const int32_t *rows, int32_t count)
{
    DIR *folder = opendir(dir);
    for (struct dirent *e = folder != NULL ? readdir(folder) : NULL; e != NULL; e = readdir(folder)) {
        char name[REP_BURST_FILE], path[1200], *end = NULL;
        const long number = strncmp(e->d_name, "burst-", 6) == 0 ? strtol(e->d_name + 6, &end, 10) : 0;
        bool kept = false;
        if (number < 1 || number > INT32_MAX || strcmp(rep_burst_file((int32_t)number - 1, name), e->d_name) != 0) {
            continue;
        }
        for (int32_t k = 0; k < count; k++) {
            kept = kept || rows[k] == number - 1;
        }
        if (!kept) {
            snprintf(path, sizeof path, "%.1100s/%s", dir, name);
            remove(path);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
}

int rep_write_burst_files(const rep_view *v, const char *dir, char *err, size_t err_size)
{
    int32_t rows[REP_BURST_PAGES];
    rep_window windows[REP_BURST_PAGES];
    rep_decisions d;
    const int32_t count = rep_burst_pages(v, rows);
    for (int32_t k = 0; k < count; k++) {
        windows[k] = rep_burst_window(v, &v->runs[0]->bursts[rows[k]]);
    }
    if (rep_decisions_read(&d, dir, windows, count) != 0) {
        snprintf(err, err_size, "out of memory");
        return -1;
    }
    const table csv = {v, &d};
    int rc = rep_write_file(dir, "decisions.csv", write_table, &csv, err, err_size);
    for (int32_t k = 0; k < count && rc == 0; k++) {
        rc = write_page(v, &d, rows[k], dir, err, err_size);
    }
    if (rc == 0) {
        remove_old(dir, rows, count);
    }
    rep_decisions_fini(&d);
    return rc;
}

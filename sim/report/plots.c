/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plots.c - see plots.h: finds the scripts, starts gnuplot, collects what it says.
 *
 * A picture is drawn under a temporary name and renamed, so a file that exists is whole. LC_ALL is C.UTF-8 in gnuplot's
 * environment: month names and decimal points must not depend on who runs it.
 */
#include "sim/report/plots.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SPW_DATADIR
#define SPW_DATADIR "" /* not installed */
#endif

extern char **environ;

static bool has_scripts(const char *folder)
{
    char path[1100];
    int length = snprintf(path, sizeof path, "%s/style.gp", folder);
    return length > 0 && (size_t)length < sizeof path && access(path, R_OK) == 0;
}

static bool take(const char *folder, char *path, size_t path_size)
{
    if (!has_scripts(folder) || strlen(folder) >= path_size) {
        return false;
    }
    memcpy(path, folder, strlen(folder) + 1);
    return true;
}

/** Folders near the program: ../share/spillway/plots, then `plots` in each folder above it, at most five levels up. */
static bool take_near_program(char *path, size_t path_size)
{
    char program[1024], folder[1100];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length <= 0) {
        return false;
    }
    program[length] = '\0';
    for (int level = 0; level < 5; level++) {
        char *slash = strrchr(program, '/');
        if (slash == NULL) {
            return false;
        }
        *slash = '\0';
        if (level == 1) {
            snprintf(folder, sizeof folder, "%s/share/spillway/plots", program);
            if (take(folder, path, path_size)) {
                return true;
            }
        }
        snprintf(folder, sizeof folder, "%s/plots", program);
        if (take(folder, path, path_size)) {
            return true;
        }
    }
    return false;
}

void rep_quote_text(FILE *out, const char *text)
{
    fputc('\'', out);
    for (; *text != '\0'; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c == '\'') {
            fputs("''", out);
        } else {
            fputc(c < 0x20 || c == 0x7f || c == '`' ? ' ' : c, out);
        }
    }
    fputc('\'', out);
}

void rep_quote(FILE *out, const char *name, const char *text)
{
    fprintf(out, "%s=", name);
    rep_quote_text(out, text);
    fputs("; ", out);
}

void rep_quote_all(FILE *out, const char *const texts[][2])
{
    for (size_t i = 0; texts[i][0] != NULL; i++) {
        rep_quote(out, texts[i][0], texts[i][1]);
    }
}

int report_find_plots(const char *option, char *path, size_t path_size)
{
    if (option != NULL && option[0] != '\0') {
        return take(option, path, path_size) ? 0 : -1;
    }
    if (SPW_DATADIR[0] != '\0' && take(SPW_DATADIR "/plots", path, path_size)) {
        return 0;
    }
    return take_near_program(path, path_size) || take("plots", path, path_size) ? 0 : -1;
}

/** This process's environment with LC_ALL=C.UTF-8 in place of every language setting. Caller frees the array. */
static char **plain_environment(char *c_locale)
{
    size_t count = 0, kept = 0;
    while (environ != NULL && environ[count] != NULL) {
        count++;
    }
    char **env = calloc(count + 2, sizeof *env);
    for (size_t i = 0; env != NULL && i < count; i++) {
        if (strncmp(environ[i], "LC_", 3) != 0 && strncmp(environ[i], "LANG", 4) != 0) {
            env[kept++] = environ[i];
        }
    }
    if (env != NULL) {
        env[kept] = c_locale;
    }
    return env;
}

/** Reads fd to its end; keeps what fits, without line ends. */
static void drain(int fd, char *said, size_t said_size)
{
    char chunk[512];
    size_t used = 0;
    for (;;) {
        ssize_t got = read(fd, chunk, sizeof chunk);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            break;
        }
        for (ssize_t i = 0; i < got && used + 1 < said_size; i++) {
            said[used++] = (unsigned char)chunk[i] < 0x20 ? ' ' : chunk[i];
        }
    }
    said[used] = '\0';
}

/** Runs gnuplot. @return 0; ENOENT and other error numbers: it did not start; -1: it failed and `said` why */
static int run_gnuplot(const char *program, char *const argv[], char *said, size_t said_size)
{
    char c_locale[] = "LC_ALL=C.UTF-8";
    int ends[2], status = 0;
    pid_t child = 0;
    posix_spawn_file_actions_t actions;
    char **env = plain_environment(c_locale);
    said[0] = '\0';
    if (env == NULL || pipe(ends) != 0) {
        free(env);
        return ENOMEM;
    }
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc == 0) {
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
        posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
        posix_spawn_file_actions_addclose(&actions, ends[0]);
        posix_spawn_file_actions_addclose(&actions, ends[1]);
        rc = posix_spawnp(&child, program, &actions, NULL, argv, env);
        posix_spawn_file_actions_destroy(&actions);
    }
    close(ends[1]);
    if (rc == 0) {
        drain(ends[0], said, said_size);
        while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }
        rc = WIFEXITED(status) && WEXITSTATUS(status) == 127 ? ENOENT : status == 0 ? 0 : -1;
    }
    close(ends[0]);
    free(env);
    return rc;
}

static const char *script_name(rep_picture_kind kind)
{
    switch (kind) {
    case REP_PICTURE_DEMAND:
        return "demand.gp";
    case REP_PICTURE_LATENCY:
        return "latency.gp";
    case REP_PICTURE_COST:
        return "cost.gp";
    case REP_PICTURE_BURST:
        return "burst.gp";
    case REP_PICTURE_LAG:
        return "lag.gp";
    }
    return "";
}

int rep_draw(const char *stem, const char *script, const char *format, const char *dir, const rep_drawing *how,
             rep_values_fn values_of, const void *user, char *said, size_t said_size)
{
    char temporary[1200], final[1200], path[1200];
    char program[] = "gnuplot", no_settings[] = "-d", execute[] = "-e";
    snprintf(temporary, sizeof temporary, "%s/plots/.%s.%s.tmp", dir, stem, format);
    snprintf(final, sizeof final, "%s/plots/%s.%s", dir, stem, format);
    snprintf(path, sizeof path, "%s/%s", how->scripts, script);
    char *values =
        values_of(user, (const char *const[][2]){
                            {"lib", how->scripts}, {"dir", dir}, {"out", temporary}, {"fmt", format}, {NULL, NULL}});
    if (values == NULL) {
        return ENOMEM;
    }
    char *const argv[] = {program, no_settings, execute, values, path, NULL};
    int rc = run_gnuplot(how->gnuplot, argv, said, said_size);
    free(values);
    if (rc == 0 && rename(temporary, final) != 0) {
        snprintf(said, said_size, "%.300s: %.100s", final, strerror(errno));
        rc = -1;
    }
    if (rc != 0) {
        remove(temporary);
    }
    return rc;
}

typedef struct one_picture {
    const rep_view *v;
    const rep_picture *p;
} one_picture;

static char *values_of_picture(const void *user, const char *const texts[][2])
{
    const one_picture *one = user;
    return rep_picture_values(one->v, one->p, texts);
}

static int draw(const rep_view *v, const rep_picture *p, const char *format, const char *dir, const rep_drawing *how,
                char *said, size_t said_size)
{
    const one_picture one = {v, p};
    return rep_draw(p->stem, script_name(p->kind), format, dir, how, values_of_picture, &one, said, said_size);
}

void rep_album_draw(const rep_view *v, rep_album *album, const char *dir, const report_options *options)
{
    const char *gnuplot = options->gnuplot != NULL ? options->gnuplot : "gnuplot";
    char scripts[1024], said[512] = "";
    const rep_drawing how = {scripts, gnuplot};
    bool any = false;
    int rc = 0;
    if (report_find_plots(options->plots_dir, scripts, sizeof scripts) != 0) {
        snprintf(album->why_not, sizeof album->why_not, "the gnuplot scripts (folder plots) were not found");
    }
    for (int32_t i = 0; album->why_not[0] == '\0' && rc <= 0 && i < album->count; i++) {
        rep_picture *p = &album->at[i];
        rc = draw(v, p, "svg", dir, &how, said, sizeof said);
        rc = rc != 0 ? rc : draw(v, p, "png", dir, &how, said, sizeof said);
        p->drawn = rc == 0;
        any = any || p->drawn;
        if (rc < 0 && options->log != NULL) {
            fprintf(options->log, "spillway: picture %s left out: %s\n", p->stem, said);
        }
    }
    if (rc > 0) {
        snprintf(album->why_not, sizeof album->why_not, "%.100s could not be started: %.100s", gnuplot, strerror(rc));
    } else if (!any && album->why_not[0] == '\0') {
        snprintf(album->why_not, sizeof album->why_not,
                 album->count == 0 ? "the run is too short or too empty to draw" : "gnuplot reported errors");
    }
    if (album->why_not[0] != '\0' && options->log != NULL) {
        fprintf(options->log, "spillway: no pictures: %s (Debian: apt-get install gnuplot-nox)\n", album->why_not);
    }
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* datadir.c - see datadir.h. */
#include "sim/scenario/datadir.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Where `make install` puts the scenarios; none for a build without it. */
#ifndef SPW_DATADIR
#define SPW_DATADIR ""
#endif

#define SOURCE_TREE  "scenarios"
#define INSTALLED    "share/spillway"
#define LEVELS_MAX   5
#define PROGRAM_LINK "/proc/self/exe"

/* Writes a path; one that does not fit is as good as one that is not there. */
__attribute__((format(printf, 3, 4))) static bool join(char *path, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(path, size, format, arguments);
    va_end(arguments);
    return length > 0 && (size_t)length < size;
}

static bool holds_tables(const char *folder)
{
    char path[DATADIR_PATH_MAX + 32];
    return join(path, sizeof path, "%s/tables/gpus.csv", folder) && access(path, R_OK) == 0;
}

bool datadir_near(const char *program, char *path, size_t path_size)
{
    char folder[DATADIR_PATH_MAX];
    if (!join(folder, sizeof folder, "%s", program)) {
        return false;
    }
    for (int level = 0; level < LEVELS_MAX; level++) {
        char *slash = strrchr(folder, '/');
        if (slash == NULL) {
            return false;
        }
        *slash = '\0';
        if (level == 1 && join(path, path_size, "%s/" INSTALLED, folder) && holds_tables(path)) {
            return true;
        }
        if (join(path, path_size, "%s/" SOURCE_TREE, folder) && holds_tables(path)) {
            return true;
        }
    }
    return false;
}

/* Absolute path of the running program; false where the system does not tell. */
static bool own_path(char *path, size_t size)
{
    const ssize_t length = readlink(PROGRAM_LINK, path, size - 1);
    if (length <= 0 || (size_t)length >= size - 1) {
        return false;
    }
    path[length] = '\0';
    return true;
}

bool datadir_find(char *path, size_t path_size)
{
    char program[DATADIR_PATH_MAX];
    if (own_path(program, sizeof program) && datadir_near(program, path, path_size)) {
        return true;
    }
    if (SPW_DATADIR[0] != '\0' && join(path, path_size, "%s", SPW_DATADIR) && holds_tables(path)) {
        return true;
    }
    return join(path, path_size, "%s", SOURCE_TREE) && holds_tables(path);
}

bool datadir_tables(char *path, size_t path_size, char *err, size_t err_size)
{
    char folder[DATADIR_PATH_MAX];
    if (datadir_find(folder, sizeof folder) && join(path, path_size, "%s/tables", folder)) {
        return true;
    }
    char program[DATADIR_PATH_MAX];
    snprintf(err, err_size,
             "no parameter tables found: neither in ../" INSTALLED " or " SOURCE_TREE "/ near the program (%s), nor in "
             "'%s', nor in ./" SOURCE_TREE "; say where they are with --tables DIR",
             own_path(program, sizeof program) ? program : "whose place is not known", SPW_DATADIR);
    return false;
}

bool datadir_scenario(const char *name, char *path, size_t path_size)
{
    static const char prefix[] = SOURCE_TREE "/";
    static const char suffix[] = ".yaml";
    const char *base = strncmp(name, prefix, sizeof prefix - 1) == 0 ? name + sizeof prefix - 1 : name;
    const size_t length = strlen(base);
    char folder[DATADIR_PATH_MAX];
    if (length == 0 || base[0] == '.' || strchr(base, '/') != NULL || !datadir_find(folder, sizeof folder)) {
        return false;
    }
    const bool whole = length >= sizeof suffix && strcmp(base + length - (sizeof suffix - 1), suffix) == 0;
    return join(path, path_size, "%s/%s%s", folder, base, whole ? "" : suffix) && access(path, R_OK) == 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* points.c - see points.h. */
#include "sim/experiment/points.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/experiment/whole.h"

enum { HEAD_SIZE = 64, LINE_MAX_BYTES = 1 << 20 };

static int path_of(const points *p, const char *name, char path[POINTS_PATH_MAX])
{
    const int n = snprintf(path, POINTS_PATH_MAX, "%s/%s", p->dir, name);
    if (n < 0 || n >= POINTS_PATH_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return 0;
}

static int point_path(const points *p, int32_t index, char path[POINTS_PATH_MAX])
{
    char name[32];
    snprintf(name, sizeof name, "points/%06" PRId32 ".csv", index);
    return path_of(p, name, path);
}

static void head_of(const points *p, char head[HEAD_SIZE])
{
    snprintf(head, HEAD_SIZE, "# spillway points of %016" PRIx64 "\n", p->hash);
}

/* A small file whole, with a NUL behind it. */
static char *slurp(const char *path)
{
    FILE *in = fopen(path, "r");
    char *text = in != NULL ? malloc(LINE_MAX_BYTES + 1) : NULL;
    if (text != NULL) {
        const size_t got = fread(text, 1, LINE_MAX_BYTES, in);
        text[got] = '\0';
    }
    if (in != NULL) {
        fclose(in);
    }
    return text;
}

points_state points_look(const points *p)
{
    char path[POINTS_PATH_MAX], head[HEAD_SIZE];
    if (path_of(p, POINTS_MARKER, path) != 0) {
        return POINTS_FOREIGN;
    }
    char *text = slurp(path);
    if (text != NULL) {
        head_of(p, head);
        const bool same = strcmp(text, head) == 0;
        free(text);
        return same ? POINTS_OURS : POINTS_OTHERS;
    }
    DIR *dir = opendir(p->dir);
    if (dir == NULL) {
        return errno == ENOENT ? POINTS_FREE : POINTS_FOREIGN;
    }
    points_state state = POINTS_FREE;
    for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        /* a marker that was being written when the process died is ours */
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && strcmp(e->d_name, "points") != 0 &&
            strncmp(e->d_name, POINTS_MARKER ".", sizeof POINTS_MARKER) != 0) {
            state = POINTS_FOREIGN;
        }
    }
    closedir(dir);
    return state;
}

static int put_file(const char *path, const char *a, const char *b, const char *c)
{
    whole_file w;
    if (whole_begin(&w, path) != 0) {
        return -1;
    }
    return whole_end(&w, fputs(a, w.file) >= 0 && fputs(b, w.file) >= 0 && fputs(c, w.file) >= 0);
}

static int make_folder(const char *path)
{
    return mkdir(path, 0777) == 0 || errno == EEXIST ? 0 : -1;
}

int points_begin(const points *p, char *err, size_t err_size)
{
    char path[POINTS_PATH_MAX], head[HEAD_SIZE];
    head_of(p, head);
    int rc = make_folder(p->dir);
    rc = rc == 0 ? path_of(p, "points", path) : rc;
    rc = rc == 0 ? make_folder(path) : rc;
    rc = rc == 0 ? path_of(p, POINTS_MARKER, path) : rc;
    if (rc == 0 && access(path, F_OK) != 0) {
        rc = put_file(path, head, "", "");
    }
    if (rc != 0) {
        snprintf(err, err_size, "cannot write into %s: %s", p->dir, strerror(errno));
    }
    return rc;
}

bool points_has(const points *p, int32_t index)
{
    char path[POINTS_PATH_MAX];
    return point_path(p, index, path) == 0 && access(path, F_OK) == 0;
}

int points_put(const points *p, int32_t index, const char *line, char *err, size_t err_size)
{
    char path[POINTS_PATH_MAX], head[HEAD_SIZE];
    head_of(p, head);
    int rc = point_path(p, index, path);
    rc = rc == 0 ? put_file(path, head, line, "\n") : rc;
    if (rc != 0) {
        snprintf(err, err_size, "cannot write point %" PRId32 " into %s: %s", index, p->dir, strerror(errno));
    }
    return rc;
}

char *points_get(const points *p, int32_t index, char *err, size_t err_size)
{
    char path[POINTS_PATH_MAX], head[HEAD_SIZE];
    if (point_path(p, index, path) != 0) {
        snprintf(err, err_size, "%s: the path is too long", p->dir);
        return NULL;
    }
    char *text = slurp(path);
    if (text == NULL) {
        snprintf(err, err_size, "%s: %s", path, strerror(errno));
        return NULL;
    }
    head_of(p, head);
    const size_t skip = strlen(head);
    char *end = strncmp(text, head, skip) == 0 ? strchr(text + skip, '\n') : NULL;
    if (end == NULL || end[1] != '\0') {
        snprintf(err, err_size, "%s: this is no point of this experiment", path);
        free(text);
        return NULL;
    }
    *end = '\0';
    memmove(text, text + skip, (size_t)(end - text) - skip + 1);
    return text;
}

void points_sweep_up(const points *p)
{
    char path[POINTS_PATH_MAX];
    whole_remove(p->dir, ".tmp");
    if (path_of(p, "points", path) == 0) {
        whole_remove(path, ".tmp");
    }
}

int points_lock(const points *p)
{
    char path[POINTS_PATH_MAX];
    if (path_of(p, POINTS_MARKER, path) != 0) {
        return -1;
    }
    const int fd = open(path, O_RDWR);
    if (fd < 0) {
        return -1;
    }
    const struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    while (fcntl(fd, F_SETLKW, &whole) != 0) {
        if (errno != EINTR) {
            close(fd);
            return -1;
        }
    }
    return fd;
}

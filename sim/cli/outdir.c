/* SPDX-License-Identifier: GPL-3.0-or-later */
/* outdir.c - see outdir.h. Our folders are two levels deep (plots/), so removal needs no recursion. */
#include "sim/cli/outdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* @return 0, or -1 if the path does not fit */
static int join(char *out, size_t size, const char *a, const char *b, const char *c)
{
    const int n = snprintf(out, size, "%s%s%s", a, b, c);
    return n >= 0 && (size_t)n < size ? 0 : -1;
}

static int is_dot(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* @return 1 empty, 0 not empty, -1 cannot be read */
static int is_empty(const char *path)
{
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return -1;
    }
    int empty = 1;
    for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        empty = empty && is_dot(e->d_name);
    }
    closedir(dir);
    return empty;
}

int outdir_check(const char *target, char *err, size_t err_size)
{
    struct stat st;
    if (target[0] == '\0') {
        snprintf(err, err_size, "the name of the output folder is empty");
        return -1;
    }
    if (lstat(target, &st) != 0) {
        if (errno == ENOENT) {
            return 0;
        }
        snprintf(err, err_size, "%s: %s", target, strerror(errno));
        return -1;
    }
    if (!S_ISDIR(st.st_mode)) {
        snprintf(err, err_size, "%s exists and is not a folder; give another --out", target);
        return -1;
    }
    char marker[OUTDIR_PATH_MAX];
    if (join(marker, sizeof marker, target, "/", OUTDIR_MARKER) != 0) {
        snprintf(err, err_size, "%s: the path is too long", target);
        return -1;
    }
    if (lstat(marker, &st) == 0 || is_empty(target) == 1) {
        return 0;
    }
    snprintf(err, err_size, "%s holds files that no run wrote; it is not replaced, give another --out", target);
    return -1;
}

/* What to do with a folder found inside a folder. @return 0, or -1 with errno */
typedef int (*on_folder_fn)(const char *path);

static int refuse_folder(const char *path)
{
    (void)path;
    errno = ENOTEMPTY;
    return -1;
}

/* Removes a folder with its files; folders in it are left to on_folder. @return 0, or -1 with errno */
static int remove_folder(const char *path, on_folder_fn on_folder)
{
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return errno == ENOENT ? 0 : -1;
    }
    int rc = 0;
    for (const struct dirent *e = readdir(dir); e != NULL && rc == 0; e = readdir(dir)) {
        char name[OUTDIR_PATH_MAX];
        struct stat st;
        if (is_dot(e->d_name)) {
            continue;
        }
        if (join(name, sizeof name, path, "/", e->d_name) != 0 || lstat(name, &st) != 0) {
            rc = -1;
        } else {
            rc = S_ISDIR(st.st_mode) ? on_folder(name) : unlink(name);
        }
    }
    closedir(dir);
    return rc == 0 ? rmdir(path) : rc;
}

static int remove_inner(const char *path)
{
    return remove_folder(path, refuse_folder);
}

int outdir_remove(const char *path)
{
    return remove_folder(path, remove_inner);
}

int outdir_make_parents(const char *target)
{
    char path[OUTDIR_PATH_MAX];
    if (join(path, sizeof path, target, "", "") != 0) {
        errno = ENAMETOOLONG;
        return -1;
    }
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0777) != 0 && errno != EEXIST) {
            return -1;
        }
        *slash = '/';
    }
    return 0;
}

static int lock(int fd)
{
    const struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(fd, F_SETLK, &all);
}

/* The marker in a temporary folder. It is locked before it has its name: who finds it unlocked finds a dead one's. */
static int put_marker(outdir *dir)
{
    char first[OUTDIR_PATH_MAX], marker[OUTDIR_PATH_MAX];
    if (join(first, sizeof first, dir->work, "/", "lock") != 0 ||
        join(marker, sizeof marker, dir->work, "/", OUTDIR_MARKER) != 0) {
        errno = ENAMETOOLONG;
        return -1;
    }
    dir->lock = open(first, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (dir->lock < 0) {
        return -1;
    }
    (void)lock(dir->lock); /* where there are no locks, none is ever had, and nothing removed */
    return rename(first, marker);
}

/* Removes the temporary folders that killed processes left of this target. */
static void remove_dead(const char *target)
{
    char parent[OUTDIR_PATH_MAX], prefix[OUTDIR_PATH_MAX];
    const char *slash = strrchr(target, '/');
    snprintf(parent, sizeof parent, "%.*s", slash != NULL ? (int)(slash - target) + 1 : 2,
             slash != NULL ? target : "./");
    const int size = snprintf(prefix, sizeof prefix, "%s.tmp-", slash != NULL ? slash + 1 : target);
    DIR *folder = opendir(parent);
    for (const struct dirent *e = folder != NULL ? readdir(folder) : NULL; e != NULL; e = readdir(folder)) {
        char path[OUTDIR_PATH_MAX], marker[OUTDIR_PATH_MAX];
        if (strncmp(e->d_name, prefix, (size_t)size) != 0 || strlen(e->d_name) != (size_t)size + 6 ||
            join(path, sizeof path, parent, e->d_name, "") != 0 ||
            join(marker, sizeof marker, path, "/", OUTDIR_MARKER) != 0) {
            continue;
        }
        const int fd = open(marker, O_RDWR | O_CLOEXEC);
        if (fd >= 0 && lock(fd) == 0) {
            (void)outdir_remove(path);
        }
        if (fd >= 0) {
            close(fd);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
}

int outdir_begin(outdir *dir, const char *target, char *err, size_t err_size)
{
    *dir = (outdir){.work = "", .lock = -1};
    if (outdir_check(target, err, err_size) != 0) {
        return -1;
    }
    size_t length = strlen(target);
    while (length > 1 && target[length - 1] == '/') {
        length--;
    }
    if (length + 16 >= sizeof dir->target) {
        snprintf(err, err_size, "%s: the path is too long", target);
        return -1;
    }
    memcpy(dir->target, target, length);
    if (outdir_make_parents(dir->target) != 0) {
        snprintf(err, err_size, "cannot make the folders above %s: %s", dir->target, strerror(errno));
        return -1;
    }
    remove_dead(dir->target);
    memcpy(dir->work, dir->target, length);
    memcpy(dir->work + length, ".tmp-XXXXXX", sizeof ".tmp-XXXXXX");
    if (mkdtemp(dir->work) == NULL) {
        snprintf(err, err_size, "cannot make a folder beside %s: %s", dir->target, strerror(errno));
        dir->work[0] = '\0';
        return -1;
    }
    /* mkdtemp makes private folders; results are as readable as any other file of this user. */
    const mode_t mask = umask(0);
    umask(mask);
    if (put_marker(dir) != 0 || chmod(dir->work, 0777 & ~mask) != 0) {
        snprintf(err, err_size, "cannot write into %s: %s", dir->work, strerror(errno));
        outdir_abort(dir);
        return -1;
    }
    return 0;
}

/* The temporary folder is there no more. */
static void let_go(outdir *dir)
{
    dir->work[0] = '\0';
    if (dir->lock >= 0) {
        close(dir->lock);
    }
    dir->lock = -1;
}

int outdir_commit(outdir *dir, char *err, size_t err_size)
{
    /* Checked again: a long run leaves time for somebody else to put something there. */
    if (outdir_check(dir->target, err, err_size) != 0) {
        return -1;
    }
    char old[OUTDIR_PATH_MAX];
    if (join(old, sizeof old, dir->work, ".old", "") != 0) {
        snprintf(err, err_size, "%s: the path is too long", dir->work);
        return -1;
    }
    const int had = rename(dir->target, old) == 0;
    if (rename(dir->work, dir->target) != 0) {
        snprintf(err, err_size, "cannot rename %s to %s: %s", dir->work, dir->target, strerror(errno));
        if (had && rename(old, dir->target) != 0) {
            snprintf(err, err_size, "cannot rename %s to %s; the earlier results are in %s", dir->work, dir->target,
                     old);
        }
        return -1;
    }
    let_go(dir);
    if (had && outdir_remove(old) != 0) {
        snprintf(err, err_size, "the new results are in %s, but the earlier ones could not be removed from %s: %s",
                 dir->target, old, strerror(errno));
        return -1;
    }
    return 0;
}

void outdir_abort(outdir *dir)
{
    if (dir->work[0] != '\0') {
        (void)outdir_remove(dir->work);
        let_go(dir);
    }
}

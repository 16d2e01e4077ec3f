/* SPDX-License-Identifier: Apache-2.0 */
/* files.c - writing so that a crash leaves old or new: write aside, sync, rename, sync the folder. */
#include "sched/daemon/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int sys_open(void *user, const char *path, int flags, mode_t mode)
{
    (void)user;
    return open(path, flags | O_CLOEXEC, mode);
}

static ssize_t sys_write(void *user, int fd, const void *bytes, size_t size)
{
    (void)user;
    return write(fd, bytes, size);
}

static int sys_sync(void *user, int fd)
{
    (void)user;
    return fsync(fd);
}

static int sys_close(void *user, int fd)
{
    (void)user;
    return close(fd);
}

static int sys_cut(void *user, int fd, off_t size)
{
    (void)user;
    return ftruncate(fd, size);
}

static int sys_rename(void *user, const char *from, const char *to)
{
    (void)user;
    return rename(from, to);
}

const dm_files *dm_files_posix(void)
{
    static const dm_files posix = {.open = sys_open,
                                   .write = sys_write,
                                   .sync = sys_sync,
                                   .close = sys_close,
                                   .cut = sys_cut,
                                   .rename = sys_rename};
    return &posix;
}

int dm_write_all(const dm_files *files, int fd, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size > 0) {
        const ssize_t n = files->write(files->user, fd, at, size);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            errno = n == 0 ? EIO : errno;
            return -1;
        }
        at += n;
        size -= (size_t)n;
    }
    return 0;
}

int dm_sync_folder(const dm_files *files, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (folder == NULL) {
        return -1;
    }
    const int fd = files->open(files->user, folder, O_RDONLY | O_DIRECTORY, 0);
    free(folder);
    if (fd < 0) {
        return -1;
    }
    const int rc = files->sync(files->user, fd);
    const int why = errno;
    (void)files->close(files->user, fd);
    errno = why;
    return rc;
}

char *dm_path_with(const char *path, const char *suffix)
{
    const size_t room = strlen(path) + strlen(suffix) + 1;
    char *out = malloc(room);
    if (out != NULL) {
        (void)snprintf(out, room, "%s%s", path, suffix);
    }
    return out;
}

spw_rc dm_fail(spw_err *err, spw_rc code, const char *field, const char *format, ...)
{
    if (err != NULL) {
        va_list args;
        *err = (spw_err){.code = code, .row = SPW_ID_NONE};
        (void)snprintf(err->field, sizeof err->field, "%s", field);
        va_start(args, format);
        (void)vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
    }
    return code;
}

static spw_rc call_failed(spw_err *err, const char *what, const char *path)
{
    return dm_fail(err, errno == ENOMEM ? SPW_NOMEM : SPW_BACKEND, "file", "%s of %.100s: %s", what, path,
                   strerror(errno));
}

/* The content under a name of its own, on the disk. */
static spw_rc write_aside(const dm_files *files, const char *aside, const void *bytes, size_t size, spw_err *err)
{
    const int fd = files->open(files->user, aside, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0) {
        return call_failed(err, "open", aside);
    }
    spw_rc rc = SPW_OK;
    if (dm_write_all(files, fd, bytes, size) != 0) {
        rc = call_failed(err, "write", aside);
    } else if (files->sync(files->user, fd) != 0) {
        rc = call_failed(err, "sync", aside);
    }
    if (files->close(files->user, fd) != 0 && rc == SPW_OK) {
        rc = call_failed(err, "close", aside);
    }
    return rc;
}

spw_rc dm_replace(const dm_files *files, const char *path, const char *keep, const void *bytes, size_t size,
                  spw_err *err)
{
    char *aside = dm_path_with(path, ".new");
    if (aside == NULL) {
        return dm_fail(err, SPW_NOMEM, "file", "out of memory");
    }
    spw_rc rc = write_aside(files, aside, bytes, size, err);
    if (rc == SPW_OK && keep != NULL && files->rename(files->user, path, keep) != 0 && errno != ENOENT) {
        rc = call_failed(err, "rename", path);
    }
    if (rc == SPW_OK && files->rename(files->user, aside, path) != 0) {
        rc = call_failed(err, "rename", aside);
    }
    if (rc == SPW_OK && dm_sync_folder(files, path) != 0) {
        rc = call_failed(err, "sync of the folder", path);
    }
    free(aside);
    return rc;
}

char *dm_read_all(const char *path, size_t most, size_t *size)
{
    FILE *file = fopen(path, "rbe");
    char *all = NULL;
    size_t used = 0, room = 0;
    int why = file == NULL ? errno : 0;
    while (why == 0) {
        if (used + 1 >= room) {
            room = room == 0 ? (size_t)1 << 14 : room * 2;
            char *grown = realloc(all, room);
            why = grown == NULL ? ENOMEM : 0;
            all = grown != NULL ? grown : all;
            continue;
        }
        errno = 0;
        const size_t n = fread(all + used, 1, room - used - 1, file);
        used += n;
        if (used > most) {
            why = EFBIG;
        } else if (n == 0) {
            why = ferror(file) ? (errno != 0 ? errno : EIO) : 0;
            break;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    if (why != 0) {
        free(all);
        errno = why;
        return NULL;
    }
    all[used] = '\0';
    *size = used;
    return all;
}

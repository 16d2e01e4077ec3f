/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dying_files.c - see dying_files.h. */
#include "tests/support/dying_files.h"

#include <errno.h>

/* @return whether the call may be carried out */
static bool lives(dying_files *d)
{
    d->calls++;
    const bool hit = d->at > 0 && (d->how == DYING_FAIL ? d->calls == d->at : d->calls >= d->at);
    const bool full = d->byte_most >= 0 && d->bytes >= d->byte_most;
    if (hit || full) {
        errno = EIO;
    }
    return !hit && !full;
}

static int d_open(void *user, const char *path, int flags, mode_t mode)
{
    dying_files *d = user;
    const int fd = lives(d) ? dm_files_posix()->open(NULL, path, flags, mode) : -1;
    d->open += fd >= 0 ? 1 : 0;
    return fd;
}

static ssize_t d_write(void *user, int fd, const void *bytes, size_t size)
{
    dying_files *d = user;
    const bool lived = lives(d);
    if (lived && d->byte_most >= 0 && d->bytes + (int64_t)size > d->byte_most) {
        size = (size_t)(d->byte_most - d->bytes);
    } else if (!lived && d->how == DYING_HALF && d->calls == d->at) {
        (void)dm_files_posix()->write(NULL, fd, bytes, size / 2);
        errno = EIO;
        return -1;
    } else if (!lived) {
        return -1;
    }
    d->bytes += (int64_t)size;
    return dm_files_posix()->write(NULL, fd, bytes, size);
}

static int d_sync(void *user, int fd)
{
    return lives(user) ? dm_files_posix()->sync(NULL, fd) : -1;
}

/* The system closes what a dead process had open. */
static int d_close(void *user, int fd)
{
    dying_files *d = user;
    const bool lived = lives(d);
    const int rc = dm_files_posix()->close(NULL, fd);
    d->open--;
    errno = lived ? errno : EIO;
    return lived ? rc : -1;
}

static int d_cut(void *user, int fd, off_t size)
{
    return lives(user) ? dm_files_posix()->cut(NULL, fd, size) : -1;
}

static int d_rename(void *user, const char *from, const char *to)
{
    return lives(user) ? dm_files_posix()->rename(NULL, from, to) : -1;
}

dm_files dying_table(dying_files *d)
{
    return (dm_files){.open = d_open,
                      .write = d_write,
                      .sync = d_sync,
                      .close = d_close,
                      .cut = d_cut,
                      .rename = d_rename,
                      .user = d};
}

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * files.h - files that survive a crash: what a write leaves behind is the old content or the new one, never a part.
 *
 * All calls to the system go through a table, so that the tests can let each of them fail, or be the last.
 */
#ifndef SCHED_DAEMON_FILES_H
#define SCHED_DAEMON_FILES_H

#include <spillway/types.h>

#include <sys/types.h>

/** As the calls of POSIX with these names: -1 and errno on failure. open() is close-on-exec. */
typedef struct dm_files {
    int (*open)(void *user, const char *path, int flags, mode_t mode);
    ssize_t (*write)(void *user, int fd, const void *bytes, size_t size);
    int (*sync)(void *user, int fd); /**< fsync */
    int (*close)(void *user, int fd);
    int (*cut)(void *user, int fd, off_t size); /**< ftruncate */
    int (*rename)(void *user, const char *from, const char *to);
    void *user;
} dm_files;

/** The system's own. @return static */
const dm_files *dm_files_posix(void);

/** Writes all of it, however many calls that takes. @return 0; -1 with errno */
int dm_write_all(const dm_files *files, int fd, const void *bytes, size_t size);

/** fsync of the folder a file stands in, so that its name survives, too. @return 0; -1 with errno */
int dm_sync_folder(const dm_files *files, const char *path);

/**
 * Writes "PATH.new" and syncs it; moves PATH, where it exists, to `keep` (NULL = it is replaced), then the new one to
 * PATH. Mode 0600.
 * @return SPW_OK; SPW_BACKEND with the call that failed in err, or SPW_NOMEM: PATH, `keep` or "PATH.new" then holds the
 * old content, and none of them part of the new under the name of PATH
 */
spw_rc dm_replace(const dm_files *files, const char *path, const char *keep, const void *bytes, size_t size,
                  spw_err *err);

/** "PATHsuffix", malloc'ed; NULL when out of memory. */
char *dm_path_with(const char *path, const char *suffix);

/**
 * A whole file, terminated, malloc'ed. @return NULL with errno: EFBIG when it has more than `most` bytes, ENOENT, ...
 */
char *dm_read_all(const char *path, size_t most, size_t *size);

/** Fills err, where there is one, and returns code. */
spw_rc dm_fail(spw_err *err, spw_rc code, const char *field, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif

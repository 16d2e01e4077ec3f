/* SPDX-License-Identifier: Apache-2.0 */
/* declog.c - appending, rotating and mending the log of decisions. */
#include "sched/daemon/declog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct dm_log {
    dm_log_spec spec;
    int fd;
    int64_t size;   /* of the file: all of it whole lines */
    bool headless;  /* the next line must be a head */
    bool bare;      /* no tick since the last head */
    bool untrusted; /* a write failed and could not be taken back: the end of the file is not known */
};

static spw_rc call_failed(const dm_log_spec *spec, spw_err *err, const char *what)
{
    return dm_fail(err, SPW_BACKEND, "decisions", "%s of %.100s: %s", what, spec->path, strerror(errno));
}

/* --- mending --- */

/* Where the whole lines end: behind the last '\n' whose line has a checksum that fits, or none. */
static int whole_lines(const char *path, int64_t *whole, int64_t *size)
{
    FILE *file = fopen(path, "rbe");
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    int64_t at = 0;
    *whole = 0;
    if (file == NULL) {
        return errno == ENOENT ? 0 : -1;
    }
    errno = 0;
    while ((n = getline(&line, &room, file)) > 0) {
        at += n;
        if (line[n - 1] == '\n' && spw_json_line_sum(line, (size_t)n) != SPW_SEAL_BAD && n > 2 && line[n - 2] == '}') {
            *whole = at;
        }
    }
    const int why = errno;
    const bool bad = ferror(file) != 0 || (n < 0 && !feof(file));
    free(line);
    (void)fclose(file);
    *size = at;
    errno = why;
    return bad ? -1 : 0;
}

/* Copies what stands behind `whole` to PATH.torn, for people to look at. */
static int keep_torn(const dm_log_spec *spec, int64_t whole, int64_t size)
{
    const dm_files *f = spec->files;
    char *name = dm_path_with(spec->path, ".torn");
    FILE *from = fopen(spec->path, "rbe");
    const int to = name != NULL ? f->open(f->user, name, O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
    int rc = from != NULL && to >= 0 && fseek(from, (long)whole, SEEK_SET) == 0 ? 0 : -1;
    char piece[4096];
    for (int64_t left = size - whole; rc == 0 && left > 0;) {
        const size_t n = fread(piece, 1, sizeof piece, from);
        rc = n == 0 ? -1 : dm_write_all(f, to, piece, n);
        left -= (int64_t)n;
    }
    rc = rc == 0 ? dm_write_all(f, to, "\n", 1) : rc;
    rc = rc == 0 ? f->sync(f->user, to) : rc;
    const int why = errno;
    if (to >= 0) {
        (void)f->close(f->user, to);
    }
    if (from != NULL) {
        (void)fclose(from);
    }
    free(name);
    errno = why;
    return rc;
}

static int open_file(const dm_log_spec *spec)
{
    return spec->files->open(spec->files->user, spec->path, O_WRONLY | O_CREAT | O_APPEND, 0600);
}

spw_rc dm_log_open(const dm_log_spec *spec, dm_log **out, dm_log_mended *mended, spw_err *err)
{
    const dm_files *f = spec->files;
    int64_t whole = 0, size = 0;
    *mended = (dm_log_mended){0};
    if (whole_lines(spec->path, &whole, &size) != 0) {
        return call_failed(spec, err, "read");
    }
    if (whole < size && keep_torn(spec, whole, size) != 0) {
        return call_failed(spec, err, "keeping the torn line");
    }
    dm_log *log = calloc(1, sizeof *log);
    if (log == NULL) {
        return dm_fail(err, SPW_NOMEM, "decisions", "out of memory");
    }
    *log = (dm_log){.spec = *spec, .size = whole, .headless = true, .fd = open_file(spec)};
    const char *failed = NULL;
    if (log->fd < 0) {
        failed = "open";
    } else if (whole < size && (f->cut(f->user, log->fd, (off_t)whole) != 0 || f->sync(f->user, log->fd) != 0)) {
        failed = "cutting the torn line";
    } else if (dm_sync_folder(f, spec->path) != 0) {
        failed = "sync of the folder";
    }
    if (failed != NULL) {
        const spw_rc rc = call_failed(spec, err, failed);
        dm_log_close(log);
        return rc;
    }
    mended->torn = size - whole;
    *out = log;
    return SPW_OK;
}

void dm_log_close(dm_log *log)
{
    if (log != NULL) {
        if (log->fd >= 0) {
            (void)log->spec.files->close(log->spec.files->user, log->fd);
        }
        free(log);
    }
}

/* --- appending --- */

/* Takes back what a failed write may have left. */
static void take_back(dm_log *log)
{
    const dm_files *f = log->spec.files;
    log->untrusted = f->cut(f->user, log->fd, (off_t)log->size) != 0;
}

static spw_rc append(dm_log *log, const char *bytes, size_t size, spw_err *err)
{
    const dm_files *f = log->spec.files;
    if (log->fd < 0) {
        log->fd = open_file(&log->spec);
        if (log->fd < 0) {
            return call_failed(&log->spec, err, "open");
        }
    }
    if (log->untrusted) {
        take_back(log);
        if (log->untrusted) {
            return call_failed(&log->spec, err, "cutting a failed line");
        }
    }
    if (dm_write_all(f, log->fd, bytes, size) != 0) {
        const spw_rc rc = call_failed(&log->spec, err, "write");
        take_back(log);
        return rc;
    }
    if (f->sync(f->user, log->fd) != 0) {
        const spw_rc rc = call_failed(&log->spec, err, "sync");
        take_back(log);
        return rc;
    }
    log->size += (int64_t)size;
    return SPW_OK;
}

static spw_rc append_sealed(dm_log *log, spw_json_buffer *line, spw_err *err)
{
    spw_rc rc = spw_json_line_seal(line, 0);
    if (rc != SPW_OK) {
        rc = dm_fail(err, rc, "decisions", "%s", rc == SPW_NOMEM ? "out of memory" : "no line of a log");
    } else {
        rc = append(log, line->text, line->size, err);
    }
    spw_json_buffer_fini(line);
    return rc;
}

spw_rc dm_log_head(dm_log *log, const spw_json_head *head, spw_err *err)
{
    spw_json_buffer line = {0};
    (void)spw_json_head_write(head, &line);
    const spw_rc rc = append_sealed(log, &line, err);
    log->headless = log->headless && rc != SPW_OK;
    log->bare = log->bare || rc == SPW_OK;
    return rc;
}

static bool put_line(spw_json_buffer *out, const char *line, size_t size)
{
    out->text = malloc(size + 64);
    if (out->text == NULL) {
        out->failed = true;
        return false;
    }
    memcpy(out->text, line, size);
    out->text[size] = '\0';
    out->size = size;
    out->room = size + 64;
    return true;
}

spw_rc dm_log_tick(dm_log *log, const char *line, size_t size, const spw_snapshot *snap, const spw_config *names,
                   spw_err *err)
{
    spw_json_buffer whole = {0};
    if (snap == NULL) {
        (void)put_line(&whole, line, size);
    } else if (spw_json_tick_write(line, size, snap, names, &whole) == SPW_INVAL) {
        spw_json_buffer_fini(&whole);
        return dm_fail(err, SPW_INVAL, "decisions", "two rows of the snapshot that JSON cannot tell apart");
    }
    const spw_rc rc = append_sealed(log, &whole, err);
    log->bare = log->bare && rc != SPW_OK;
    return rc;
}

/* --- rotating --- */

static char *old_name(const dm_log *log, int32_t number)
{
    char suffix[16];
    (void)snprintf(suffix, sizeof suffix, ".%d", number);
    return number == 0 ? strdup(log->spec.path) : dm_path_with(log->spec.path, suffix);
}

/* PATH.2 to PATH.3, PATH.1 to PATH.2, PATH to PATH.1. A rename that fails keeps what is there: the file grows on. */
static void rotate(dm_log *log)
{
    const dm_files *f = log->spec.files;
    bool moved = false;
    for (int32_t i = log->spec.keep; i > 0; i--) {
        char *from = old_name(log, i - 1), *to = old_name(log, i);
        const bool done = from != NULL && to != NULL && f->rename(f->user, from, to) == 0;
        const bool absent = from != NULL && to != NULL && !done && errno == ENOENT;
        moved = i == 1 && done;
        free(from);
        free(to);
        if (!done && !absent) {
            return;
        }
    }
    if (log->spec.keep == 0) {
        take_back(log);
        moved = f->cut(f->user, log->fd, 0) == 0;
    } else if (moved) {
        (void)f->close(f->user, log->fd);
        log->fd = -1;
        (void)dm_sync_folder(f, log->spec.path);
    }
    if (moved) {
        log->size = 0;
        log->headless = true;
        log->untrusted = false;
    }
}

bool dm_log_wants_head(dm_log *log)
{
    if (log->spec.rotate > 0 && log->size >= log->spec.rotate && !log->headless && !log->bare) {
        rotate(log);
    }
    return log->headless;
}

void dm_log_begin(dm_log *log)
{
    if (log != NULL) {
        log->headless = true;
    }
}

uint64_t dm_log_bytes(const dm_log *log)
{
    return (uint64_t)log->size;
}

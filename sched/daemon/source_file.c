/* SPDX-License-Identifier: Apache-2.0 */
/* source_file.c - see source_file.h. */
#include "sched/daemon/source_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sched/daemon/files.h"

#define SNAPSHOT_MOST ((size_t)1 << 30)

struct dm_source_file {
    char *path;
    spw_time after;
    /* a log */
    FILE *log; /* NULL: a single snapshot */
    char *text;
    size_t room;
    int32_t number;
    const spw_json_line *line;
    /* a snapshot */
    spw_json_snapshot *snapshot;
};

static bool is_log(const char *path)
{
    const size_t n = strlen(path);
    return n > 6 && strcmp(path + n - 6, ".jsonl") == 0;
}

spw_rc dm_source_file_new(const char *path, spw_diag *diag, dm_source_file **out)
{
    dm_source_file *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return SPW_NOMEM;
    }
    s->path = strdup(path);
    s->after = INT64_MIN;
    FILE *file = s->path != NULL ? fopen(path, "rbe") : NULL;
    if (file == NULL) {
        const bool no_memory = s->path == NULL;
        spw_diag_add(diag, SPW_DIAG_ERROR, path, 0, 0, "cannot be read: %s", strerror(errno));
        dm_source_file_free(s);
        return no_memory ? SPW_NOMEM : SPW_BACKEND;
    }
    if (is_log(path)) {
        s->log = file;
    } else {
        (void)fclose(file); /* it is there; read anew at each tick */
    }
    *out = s;
    return SPW_OK;
}

void dm_source_file_free(dm_source_file *s)
{
    if (s != NULL) {
        if (s->log != NULL) {
            (void)fclose(s->log);
        }
        spw_json_line_free(s->line);
        spw_json_snapshot_free(s->snapshot);
        free(s->text);
        free(s->path);
        free(s);
    }
}

void dm_source_file_after(dm_source_file *s, spw_time after)
{
    s->after = after;
}

bool dm_source_file_is_log(const dm_source_file *s)
{
    return s->log != NULL;
}

/* The first message of a reading, as an error of the source. */
static spw_rc refused(spw_diag *diag, spw_rc rc, spw_err *err)
{
    const char *why = spw_diag_count(diag) > 0 ? spw_diag_at(diag, 0) : spw_strerror(rc);
    const spw_rc told = dm_fail(err, SPW_BACKEND, "file", "%.199s", why);
    spw_diag_free(diag);
    return told;
}

static spw_rc next_line(dm_source_file *s, spw_time *now, spw_err *err)
{
    for (;;) {
        errno = 0;
        const ssize_t size = getline(&s->text, &s->room, s->log);
        if (size < 0) {
            const bool ended = feof(s->log) != 0;
            clearerr(s->log); /* a log that still grows goes on later */
            return ended ? SPW_LIMIT : dm_fail(err, SPW_BACKEND, "file", "%s: %s", s->path, strerror(errno));
        }
        spw_diag *diag = NULL;
        const spw_json_line *line = NULL;
        s->number++;
        if (spw_diag_new(NULL, 4, &diag) != SPW_OK) {
            return dm_fail(err, SPW_BACKEND, "file", "out of memory");
        }
        const spw_rc rc = spw_json_line_read(s->text, (size_t)size, s->path, s->number, diag, &line);
        if (rc != SPW_OK) {
            return refused(diag, rc, err);
        }
        spw_diag_free(diag);
        if (line->tick == NULL || line->tick->now <= s->after) {
            spw_json_line_free(line);
            continue;
        }
        if (line->tick->snapshot == NULL) {
            spw_json_line_free(line);
            return dm_fail(err, SPW_BACKEND, "file", "%s:%d: no snapshot in this tick", s->path, s->number);
        }
        spw_json_line_free(s->line);
        s->line = line;
        s->after = line->tick->now;
        *now = line->tick->now;
        return SPW_OK;
    }
}

static spw_rc read_snapshot(dm_source_file *s, spw_time *now, spw_err *err)
{
    size_t size = 0;
    char *text = dm_read_all(s->path, SNAPSHOT_MOST, &size);
    if (text == NULL) {
        return dm_fail(err, SPW_BACKEND, "file", "%s: %s", s->path, strerror(errno));
    }
    spw_diag *diag = NULL;
    spw_json_snapshot *read = NULL;
    spw_rc rc = spw_diag_new(NULL, 4, &diag);
    rc = rc == SPW_OK ? spw_json_snapshot_read(text, size, s->path, diag, &read) : rc;
    free(text);
    if (rc != SPW_OK) {
        return refused(diag, rc, err);
    }
    spw_diag_free(diag);
    spw_json_snapshot_free(s->snapshot);
    s->snapshot = read;
    *now = spw_json_snapshot_get(read)->now;
    return SPW_OK;
}

spw_rc dm_source_file_next(dm_source_file *s, spw_time *now, spw_err *err)
{
    return s->log != NULL ? next_line(s, now, err) : read_snapshot(s, now, err);
}

const spw_snapshot *dm_source_file_now(const dm_source_file *s)
{
    if (s->log != NULL) {
        return s->line != NULL ? s->line->tick->snapshot : NULL;
    }
    return s->snapshot != NULL ? spw_json_snapshot_get(s->snapshot) : NULL;
}

static spw_rc observe(void *self, spw_time now, const spw_snapshot **out, spw_err *err)
{
    (void)now;
    *out = dm_source_file_now(self);
    return *out != NULL ? SPW_OK : dm_fail(err, SPW_BACKEND, "file", "no snapshot yet");
}

spw_source dm_source_file_seam(dm_source_file *s)
{
    return (spw_source){.version = SPW_API_VERSION, .name = "file", .self = s, .observe = observe};
}

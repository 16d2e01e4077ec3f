/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log.c - see log.h. zlib reads a file that is not packed as it stands. */
#include "sim/history/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define CHUNK 65536

struct hist_log {
    const char *path;
    gzFile file;
    char *text; /* [size] read; the line that was read last is [from, from + line) */
    size_t size, from, line, room;
    int32_t number;
};

static spw_rc unreadable(const hist_log *log, spw_diag *diag)
{
    int code = Z_OK;
    const char *why = gzerror(log->file, &code);
    if (code == Z_MEM_ERROR) {
        return SPW_NOMEM;
    }
    if (code == Z_ERRNO) {
        spw_diag_add(diag, SPW_DIAG_ERROR, log->path, 0, 0, "cannot be read: %s", strerror(errno));
    } else {
        spw_diag_add(diag, SPW_DIAG_ERROR, log->path, log->number + 1, 1, "the gzip file %s%s",
                     code == Z_BUF_ERROR ? "is cut short" : "is damaged: ", code == Z_BUF_ERROR ? "" : why);
    }
    return SPW_BACKEND;
}

spw_rc hist_log_open(const char *path, spw_diag *diag, hist_log **out)
{
    hist_log *log = calloc(1, sizeof *log);
    if (log == NULL) {
        return SPW_NOMEM;
    }
    *log = (hist_log){.path = path, .file = gzopen(path, "rb")};
    if (log->file == NULL) {
        spw_diag_add(diag, SPW_DIAG_ERROR, path, 0, 0, "cannot be read: %s", strerror(errno != 0 ? errno : ENOMEM));
        free(log);
        return SPW_BACKEND;
    }
    *out = log;
    return SPW_OK;
}

void hist_log_close(hist_log *log)
{
    if (log != NULL) {
        (void)gzclose(log->file);
        free(log->text);
        free(log);
    }
}

const char *hist_log_path(const hist_log *log)
{
    return log->path;
}

int32_t hist_log_number(const hist_log *log)
{
    return log->number;
}

/* One more chunk behind what is still to be read. *more is false at the end. */
static spw_rc read_on(hist_log *log, spw_diag *diag, bool *more)
{
    if (log->from > 0) {
        memmove(log->text, log->text + log->from, log->size - log->from);
        log->size -= log->from;
        log->from = 0;
    }
    if (log->room - log->size < CHUNK) {
        const size_t room = 2 * log->room + 2 * CHUNK;
        char *grown = realloc(log->text, room);
        if (grown == NULL) {
            return SPW_NOMEM;
        }
        log->text = grown;
        log->room = room;
    }
    const int n = gzread(log->file, log->text + log->size, CHUNK);
    int code = Z_OK;
    (void)gzerror(log->file, &code);
    if (n < 0 || (n == 0 && code != Z_OK && code != Z_STREAM_END)) {
        return unreadable(log, diag);
    }
    log->size += (size_t)n;
    *more = n > 0;
    return SPW_OK;
}

/* Steps to the next line; it is 0 long at the end. */
static spw_rc next_text(hist_log *log, spw_diag *diag)
{
    log->from += log->line;
    log->line = 0;
    size_t looked = 0;
    bool more = true;
    while (more) {
        const size_t left = log->size - log->from;
        const char *end = left > looked ? memchr(log->text + log->from + looked, '\n', left - looked) : NULL;
        if (end != NULL) {
            log->line = (size_t)(end - (log->text + log->from)) + 1;
            return SPW_OK;
        }
        looked = left;
        const spw_rc rc = read_on(log, diag, &more);
        if (rc != SPW_OK) {
            return rc;
        }
    }
    log->line = log->size - log->from;
    return SPW_OK;
}

static spw_rc parse(const hist_log *log, spw_diag *diag, const spw_json_line **line)
{
    return spw_json_line_read(log->text + log->from, log->line, log->path, log->number, diag, line);
}

/* A last line without an end: whole, or torn. */
static spw_rc parse_end(const hist_log *log, spw_diag *diag, const spw_json_line **line)
{
    spw_diag *scratch = NULL;
    spw_rc rc = spw_diag_new(NULL, 1, &scratch);
    rc = rc == SPW_OK ? parse(log, scratch, line) : rc;
    spw_diag_free(scratch);
    if (rc == SPW_INVAL) {
        spw_diag_add(diag, SPW_DIAG_ERROR, log->path, log->number, 1,
                     "the last line is torn: it ends within itself; leave it out (spillwayd does so when it starts)");
    }
    return rc;
}

spw_rc hist_log_next(hist_log *log, spw_diag *diag, const spw_json_line **line)
{
    *line = NULL;
    const spw_rc rc = next_text(log, diag);
    if (rc != SPW_OK || log->line == 0) {
        return rc;
    }
    log->number += log->number < INT32_MAX ? 1 : 0;
    return log->text[log->from + log->line - 1] == '\n' ? parse(log, diag, line) : parse_end(log, diag, line);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * trace_format.c - the binary form of a trace: writing it whole or not at all, mapping it after checking all of it.
 *
 * The checksum takes 64-bit words through multiply and xor-shift, each step invertible: one changed word always changes
 * the sum. It guards against damage, not against malice; what a replay relies on (order, counts) is checked as well.
 */
#include "sim/scenario/trace_format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES_MAX 4096
#define BYTES_PER_ROW  16

/* Continues `sum` over size bytes; a last partial word is filled with zeros. */
static uint64_t trace_sum(uint64_t sum, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i += sizeof sum) {
        uint64_t word = 0;
        memcpy(&word, bytes + i, size - i < sizeof word ? size - i : sizeof word);
        sum = (sum ^ word) * UINT64_C(0x9fb21c651e98df25);
        sum ^= sum >> 29;
    }
    return sum;
}

static uint64_t columns_sum(const mdl_trace *c)
{
    uint64_t sum = trace_sum(c->count, c->at_ns, c->count * sizeof *c->at_ns);
    sum = trace_sum(sum, c->input_tokens, c->count * sizeof *c->input_tokens);
    return trace_sum(sum, c->output_tokens, c->count * sizeof *c->output_tokens);
}

static uint64_t header_sum(const trace_header *h)
{
    return trace_sum(TRACE_VERSION, h, offsetof(trace_header, header_sum));
}

static const char *header_problem(const trace_header *h, size_t size)
{
    if (h->endian != TRACE_ENDIAN) {
        return "written on a machine with the other byte order: import the trace again here";
    }
    if (h->version != TRACE_VERSION) {
        return "a version of the format that this program does not read: import the trace again";
    }
    if (h->header_sum != header_sum(h)) {
        return "the header is damaged: import the trace again";
    }
    if (h->count == 0 || h->count > (SIZE_MAX - sizeof *h) / BYTES_PER_ROW) {
        return "the trace has no requests, or an impossible number of them";
    }
    size_t expected = sizeof *h + (size_t)h->count * BYTES_PER_ROW;
    if (size < expected) {
        return "the file is cut short: copy or import the trace again";
    }
    return size > expected ? "the file is longer than its header says: import the trace again" : NULL;
}

static const char *columns_problem(const mdl_trace *c, uint64_t expected_sum)
{
    if (columns_sum(c) != expected_sum) {
        return "the file is damaged (checksum): copy or import the trace again";
    }
    bool good = c->at_ns[0] == 0;
    for (size_t i = 0; i < c->count; i++) {
        good &= c->input_tokens[i] >= 1 && c->output_tokens[i] >= 1 && (i == 0 || c->at_ns[i] >= c->at_ns[i - 1]);
    }
    return good ? NULL : "the requests are not in order or have no tokens: import the trace again";
}

bool trace_map(trace *t, const char *path, int fd, size_t size, csv_message *message)
{
    if (size < sizeof(trace_header)) {
        return csv_fail_at(path, 1, 1, message, "the file is cut short: copy or import the trace again");
    }
    void *mapped = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (mapped == MAP_FAILED) {
        return csv_fail_at(path, 1, 1, message, "cannot map the file: %s", strerror(errno));
    }
    t->mapped = mapped;
    t->mapped_size = size;
    const trace_header *h = mapped;
    const char *problem = header_problem(h, size);
    if (problem == NULL) {
        size_t count = (size_t)h->count;
        t->first_ns = h->first_ns;
        t->columns.count = count;
        t->columns.at_ns = (const int64_t *)(const void *)(h + 1);
        t->columns.input_tokens = (const int32_t *)(const void *)(t->columns.at_ns + count);
        t->columns.output_tokens = t->columns.input_tokens + count;
        problem = columns_problem(&t->columns, h->columns_sum);
    }
    return problem == NULL || csv_fail_at(path, 1, 1, message, "%s", problem);
}

bool trace_has_magic(int fd)
{
    char magic[8];
    return pread(fd, magic, sizeof magic, 0) == (ssize_t)sizeof magic && memcmp(magic, TRACE_MAGIC, sizeof magic) == 0;
}

/* Whether a regular file begins as a trace does. */
static bool is_trace(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool found = fd >= 0 && trace_has_magic(fd);
    if (fd >= 0) {
        close(fd);
    }
    return found;
}

bool trace_may_replace(const char *in, const char *out, char *err, size_t err_size)
{
    csv_message message = {err, err_size};
    struct stat from, to;
    if (in != NULL && stat(in, &from) == 0 && stat(out, &to) == 0 && from.st_dev == to.st_dev &&
        from.st_ino == to.st_ino) {
        return csv_fail_at(out, 0, 0, &message, "this is the file to import: give the result another name");
    }
    if (lstat(out, &to) != 0) { /* nothing there; that a folder is missing shows when it is written */
        return true;
    }
    if (!S_ISREG(to.st_mode)) {
        return csv_fail_at(out, 0, 0, &message, "there is something that is not a regular file: give another name");
    }
    return is_trace(out) || csv_fail_at(out, 0, 0, &message,
                                        "there is a file that 'trace import' did not write: give another name, or move "
                                        "it away");
}

/* Gives the written file its name. A name that was free must still be: link fails where rename would replace. */
static bool take_name(const char *temporary, const char *path)
{
    struct stat info;
    if (lstat(path, &info) == 0) {
        return rename(temporary, path) == 0;
    }
    if (link(temporary, path) == 0) {
        unlink(temporary);
        return true;
    }
    /* file systems without hard links; the check lies just behind */
    return errno != EEXIST && rename(temporary, path) == 0;
}

static bool write_all(int fd, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0) {
        ssize_t done = write(fd, at, size);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return false;
        }
        at += done;
        size -= (size_t)done;
    }
    return true;
}

bool trace_write(const trace *t, const char *path, char *err, size_t err_size)
{
    csv_message message = {err, err_size};
    const mdl_trace *c = &t->columns;
    char temporary[PATH_BYTES_MAX];
    int n = snprintf(temporary, sizeof temporary, "%s.tmp-%ld", path, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof temporary) {
        return csv_fail_at(path, 0, 0, &message, "the path is too long");
    }
    trace_header h = {.version = TRACE_VERSION, .endian = TRACE_ENDIAN, .count = c->count, .first_ns = t->first_ns};
    memcpy(h.magic, TRACE_MAGIC, sizeof h.magic);
    h.columns_sum = columns_sum(c);
    h.header_sum = header_sum(&h);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) {
        return csv_fail_at(path, 0, 0, &message, "cannot write beside the target: %s", strerror(errno));
    }
    bool ok = write_all(fd, &h, sizeof h) && write_all(fd, c->at_ns, c->count * sizeof *c->at_ns) &&
              write_all(fd, c->input_tokens, c->count * sizeof *c->input_tokens) &&
              write_all(fd, c->output_tokens, c->count * sizeof *c->output_tokens) && fsync(fd) == 0;
    int problem = errno;
    if (close(fd) != 0 && ok) {
        ok = false;
        problem = errno;
    }
    if (ok && !trace_may_replace(NULL, path, err, err_size)) {
        unlink(temporary);
        return false;
    }
    if (ok && !take_name(temporary, path)) {
        ok = false;
        problem = errno;
    }
    if (!ok) {
        unlink(temporary);
        return csv_fail_at(path, 0, 0, &message, "cannot write the trace: %s", strerror(problem));
    }
    return true;
}

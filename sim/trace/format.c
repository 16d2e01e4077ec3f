/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * format.c - the binary form of a trace: writing it whole or not at all, mapping it after checking all of it.
 *
 * The checksum takes 64-bit words through multiply and xor-shift, each step invertible: one changed word always changes
 * the sum. It guards against damage, not against malice; what a replay relies on (order, counts) is checked as well.
 */
#include "sim/trace/build.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES_MAX 4096
#define COLUMNS        8
#define BLOCK_BYTES    sizeof(int64_t)
#define TRACE_IS_CLOCK 8u                           /* of trace_header.optional: times are of a calendar */
#define CLOCK_FROM_NS  INT64_C(946684800000000000)  /* 2000-01-01 */
#define LAST_NS        INT64_C(9100000000000000000) /* above all that text can say; int64 holds the hours around it */

/* One column: where the trace has its pointer, and when it is there. */
typedef struct column {
    size_t offset, width;
    unsigned when; /* TRACE_SESSION and so on; 0 = always */
    bool by_block; /* a value for each block, not for each request */
} column;

/* In the order of the file: wide ones first, so that all are aligned. */
static const column columns[COLUMNS] = {
    {offsetof(mdl_trace, at_ns), sizeof(int64_t), 0, false},
    {offsetof(mdl_trace, session), sizeof(int64_t), TRACE_SESSION, false},
    {offsetof(mdl_trace, chain_end), sizeof(int64_t), TRACE_BLOCKS, false},
    {offsetof(mdl_trace, chain), sizeof(int64_t), TRACE_BLOCKS, true},
    {offsetof(mdl_trace, input_tokens), sizeof(int32_t), 0, false},
    {offsetof(mdl_trace, output_tokens), sizeof(int32_t), 0, false},
    {offsetof(mdl_trace, prefix_tokens), sizeof(int32_t), TRACE_PREFIX, false},
    {offsetof(mdl_trace, priority), sizeof(int32_t), TRACE_PRIORITY, false},
};

/* What version 1, which does not say it, is taken for: a present-day time is no distance from an origin. */
static bool seems_clock(int64_t first_ns)
{
    return first_ns >= CLOCK_FROM_NS;
}

static const void *column_at(const mdl_trace *c, const column *col)
{
    const void *at = NULL;
    memcpy(&at, (const char *)c + col->offset, sizeof at);
    return at;
}

static void set_column(mdl_trace *c, const column *col, const void *at)
{
    memcpy((char *)c + col->offset, &at, sizeof at);
}

static size_t bytes_per_row(uint64_t optional)
{
    size_t bytes = 0;
    for (size_t i = 0; i < COLUMNS; i++) {
        const bool there = columns[i].when == 0 || (optional & columns[i].when) != 0;
        bytes += there && !columns[i].by_block ? columns[i].width : 0;
    }
    return bytes;
}

/* Blocks of all requests. */
static uint64_t blocks_of(const mdl_trace *c)
{
    return c->chain_end != NULL ? (uint64_t)c->chain_end[c->count - 1] : 0;
}

static size_t column_bytes(const column *col, size_t count, uint64_t blocks)
{
    return (col->by_block ? (size_t)blocks : count) * col->width;
}

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
    uint64_t sum = c->count;
    for (size_t i = 0; i < COLUMNS; i++) {
        const void *at = column_at(c, &columns[i]);
        sum = at != NULL ? trace_sum(sum, at, column_bytes(&columns[i], c->count, blocks_of(c))) : sum;
    }
    return sum;
}

static uint64_t header_sum(const trace_header *h)
{
    return trace_sum(h->version, h, offsetof(trace_header, header_sum));
}

static const char *header_problem(const trace_header *h, size_t size)
{
    if (h->endian != TRACE_ENDIAN) {
        return "written on a machine with the other byte order: import the trace again here";
    }
    if (h->version != TRACE_VERSION_PLAIN && h->version != TRACE_VERSION) {
        return "a version of the format that this program does not read: import the trace again";
    }
    if (h->header_sum != header_sum(h)) {
        return "the header is damaged: import the trace again";
    }
    const uint64_t optional = h->version == TRACE_VERSION_PLAIN ? 0 : h->optional;
    if ((optional & ~(uint64_t)(TRACE_SESSION | TRACE_PREFIX | TRACE_PRIORITY | TRACE_BLOCKS | TRACE_IS_CLOCK)) != 0) {
        return "it has columns that this program does not know: use a newer one, or import the trace again";
    }
    if (h->count == 0 || h->count > SIZE_MAX / 2 / bytes_per_row(optional) || h->blocks > SIZE_MAX / 4 / BLOCK_BYTES) {
        return "the trace has no requests, or an impossible number of them";
    }
    size_t expected = sizeof *h + (size_t)h->count * bytes_per_row(optional);
    expected += (optional & TRACE_BLOCKS) != 0 ? (size_t)h->blocks * BLOCK_BYTES : 0;
    if (size < expected) {
        return "the file is cut short: copy or import the trace again";
    }
    return size > expected ? "the file is longer than its header says: import the trace again" : NULL;
}

/* What is wrong with the first request that no replay takes. */
static const char *request_problem(const mdl_trace *c)
{
    for (size_t i = 0; i < c->count; i++) {
        if (c->input_tokens[i] < 1 || c->output_tokens[i] < 1) {
            return "requests without tokens cannot be replayed: leave them out";
        }
        if (c->at_ns[i] < (i == 0 ? 0 : c->at_ns[i - 1])) {
            return "the requests are not in order: import the trace again";
        }
    }
    return "a session, prefix, block or priority is out of its range: import the trace again";
}

/* Whether the blocks of each request lie behind those of the one before, and are told by numbers that may be. */
static bool chains_good(const mdl_trace *c)
{
    bool good = true;
    for (size_t i = 0; i < c->count && c->chain_end != NULL; i++) {
        const int64_t begin = i > 0 ? c->chain_end[i - 1] : 0;
        good &= c->chain_end[i] >= begin && c->chain_end[i] - begin <= INT32_MAX;
    }
    for (uint64_t i = 0; i < blocks_of(c); i++) {
        good &= c->chain[i] >= 0;
    }
    return good;
}

static const char *columns_problem(const mdl_trace *c, uint64_t expected_sum)
{
    if (columns_sum(c) != expected_sum) {
        return "the file is damaged (checksum): copy or import the trace again";
    }
    bool good = c->at_ns[0] == 0 && chains_good(c);
    for (size_t i = 0; i < c->count; i++) {
        good &= c->input_tokens[i] >= 1 && c->output_tokens[i] >= 1 && (i == 0 || c->at_ns[i] >= c->at_ns[i - 1]);
        good &= c->session == NULL || c->session[i] >= -1;
        good &= c->priority == NULL || (c->priority[i] >= -TRACE_PRIORITY_MAX && c->priority[i] <= TRACE_PRIORITY_MAX);
        good &= c->prefix_tokens == NULL || (c->prefix_tokens[i] >= 0 && c->prefix_tokens[i] <= c->input_tokens[i]);
    }
    return good ? NULL : request_problem(c);
}

bool trace_is_binary(const void *data, size_t size)
{
    return size >= TRACE_MAGIC_SIZE && memcmp(data, TRACE_MAGIC, TRACE_MAGIC_SIZE) == 0;
}

const char *trace_adopt(trace *t, const void *data, size_t size)
{
    if (size < sizeof(trace_header)) {
        return "the file is cut short: copy or import the trace again";
    }
    const trace_header *h = data;
    const char *problem = header_problem(h, size);
    if (problem != NULL) {
        return problem;
    }
    const uint64_t optional = h->version == TRACE_VERSION_PLAIN ? 0 : h->optional;
    const char *at = (const char *)(h + 1);
    t->first_ns = h->first_ns;
    t->columns.count = (size_t)h->count;
    for (size_t i = 0; i < COLUMNS; i++) {
        if (columns[i].when == 0 || (optional & columns[i].when) != 0) {
            set_column(&t->columns, &columns[i], at);
            at += column_bytes(&columns[i], t->columns.count, h->blocks);
        }
    }
    t->columns.chain_tokens = TRACE_BLOCK_TOKENS;
    if (t->columns.chain_end != NULL && blocks_of(&t->columns) != h->blocks) {
        return "the file is damaged (blocks): copy or import the trace again";
    }
    t->facts = (trace_facts){.form = "binary", .has_input = true, .has_output = true};
    t->facts.clock = h->version == TRACE_VERSION_PLAIN ? seems_clock(h->first_ns) : (optional & TRACE_IS_CLOCK) != 0;
    problem = columns_problem(&t->columns, h->columns_sum);
    if (problem == NULL && (t->first_ns < 0 || t->first_ns > LAST_NS - t->columns.at_ns[t->columns.count - 1])) {
        problem = "requests come before time 0 or more than 288 years after it: import the trace again";
    }
    return problem;
}

/* Whether a regular file begins as a trace does. */
static bool is_trace(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char magic[TRACE_MAGIC_SIZE];
    const bool found =
        fd >= 0 && pread(fd, magic, sizeof magic, 0) == (ssize_t)sizeof magic && trace_is_binary(magic, sizeof magic);
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

static trace_header header_of(const trace *t)
{
    const mdl_trace *c = &t->columns;
    trace_header h = {
        .version = TRACE_VERSION_PLAIN, .endian = TRACE_ENDIAN, .count = c->count, .first_ns = t->first_ns};
    for (size_t i = 0; i < COLUMNS; i++) {
        h.optional |= column_at(c, &columns[i]) != NULL ? columns[i].when : 0;
    }
    if (h.optional != 0 || t->facts.clock != seems_clock(t->first_ns)) {
        h.version = TRACE_VERSION;
        h.optional |= t->facts.clock ? TRACE_IS_CLOCK : 0;
    }
    h.blocks = blocks_of(c);
    memcpy(h.magic, TRACE_MAGIC, sizeof h.magic);
    h.columns_sum = columns_sum(c);
    h.header_sum = header_sum(&h);
    return h;
}

static bool write_trace(int fd, const trace_header *h, const mdl_trace *c)
{
    bool ok = write_all(fd, h, sizeof *h);
    for (size_t i = 0; ok && i < COLUMNS; i++) {
        const void *at = column_at(c, &columns[i]);
        ok = at == NULL || write_all(fd, at, column_bytes(&columns[i], c->count, h->blocks));
    }
    return ok && fsync(fd) == 0;
}

bool trace_write(const trace *t, const char *path, char *err, size_t err_size)
{
    csv_message message = {err, err_size};
    char temporary[PATH_BYTES_MAX];
    int n = snprintf(temporary, sizeof temporary, "%s.tmp-%ld", path, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof temporary) {
        return csv_fail_at(path, 0, 0, &message, "the path is too long");
    }
    const trace_header h = header_of(t);
    const char *wrong = columns_problem(&t->columns, h.columns_sum);
    if (wrong != NULL) {
        return csv_fail_at(path, 0, 0, &message, "%s", wrong);
    }
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) {
        return csv_fail_at(path, 0, 0, &message, "cannot write beside the target: %s", strerror(errno));
    }
    bool ok = write_trace(fd, &h, &t->columns);
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

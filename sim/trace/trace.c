/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace.c - opening a trace: which form it has, and who reads it. */
#include "sim/trace/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/trace/build.h"

const trace_reader *const trace_readers[] = {
    &trace_azure,        &trace_burstgpt, &trace_burstgpt_first, &trace_burstgpt_replay, &trace_alibaba_genai,
    &trace_alibaba_pods, &trace_mooncake, &trace_plain,          &trace_mapped,          NULL};

const char *trace_reader_name(const trace_reader *reader)
{
    return reader->name;
}

const char *trace_reader_help(const trace_reader *reader)
{
    return reader->help;
}

bool head_has(const trace_head *head, const char *name)
{
    const size_t length = strlen(name);
    for (const char *at = head->line; *at != '\0';) {
        const size_t cell = strcspn(at, ",");
        const size_t blank = strspn(at, " \t\"");
        if (blank + length <= cell && strncmp(at + blank, name, length) == 0 &&
            strspn(at + blank + length, " \t\r\"") == cell - blank - length) {
            return true;
        }
        at += cell + (at[cell] == ',');
    }
    return false;
}

bool head_mentions(const trace_head *head, const char *text)
{
    return head->line[0] == '{' && strstr(head->line, text) != NULL;
}

/* The first line that is not blank, cut at TRACE_HEAD_MAX. */
static void take_head(const csv_bytes *text, char line[TRACE_HEAD_MAX + 1])
{
    const char *at = text->data;
    at += text->size >= 3 && memcmp(at, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    at += strspn(at, " \t\r\n");
    const size_t length = strcspn(at, "\n");
    const size_t kept = length < TRACE_HEAD_MAX ? length : TRACE_HEAD_MAX;
    memcpy(line, at, kept);
    line[kept] = '\0';
}

bool trace_known(const char *path)
{
    csv_message nowhere = {NULL, 0};
    csv_bytes text;
    struct stat info;
    char line[TRACE_HEAD_MAX + 1];
    const trace_head head = {line};
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode) || !csv_slurp(path, TRACE_BYTES_MAX, &text, &nowhere)) {
        return true;
    }
    bool known = trace_is_binary(text.data, text.size);
    take_head(&text, line);
    for (size_t i = 0; !known && trace_readers[i] != NULL; i++) {
        known = trace_readers[i]->is != NULL && trace_readers[i]->is(&head);
    }
    free(text.data);
    return known;
}

static const trace_reader *choose(const char *path, const csv_bytes *text, const trace_options *options,
                                  csv_message *message)
{
    char line[TRACE_HEAD_MAX + 1];
    char names[512] = "";
    const trace_head head = {line};
    take_head(text, line);
    for (size_t i = 0; trace_readers[i] != NULL; i++) {
        const trace_reader *r = trace_readers[i];
        if (options->form != NULL      ? strcmp(r->name, options->form) == 0
            : options->columns != NULL ? r == &trace_mapped
                                       : r->is != NULL && r->is(&head)) {
            return r;
        }
        const size_t used = strlen(names);
        (void)snprintf(names + used, sizeof names - used, "%s%s", used > 0 ? ", " : "", r->name);
    }
    if (options->form != NULL) {
        csv_fail_at(path, 0, 0, message, "there is no form '%s' of traces; known: %s", options->form, names);
    } else if (line[0] == '\0') {
        csv_fail_at(path, 1, 1, message, "the file is empty");
    } else {
        csv_fail_at(path, 1, 1, message,
                    "not a trace of a known form (%s): name the columns of any other CSV, e.g. "
                    "'spillway trace import --columns time=at:ms,input=prompt,output=answer'",
                    names);
    }
    return NULL;
}

static bool read_text(trace *t, const char *path, const trace_options *options, csv_bytes *text, csv_message *message)
{
    const trace_reader *reader = choose(path, text, options, message);
    if (reader == NULL) {
        return false;
    }
    trace_build b = {.t = t, .options = options};
    t->facts.form = reader->name;
    if (!reader->read(&b, path, text, message)) {
        return false;
    }
    const char *problem = build_finish(&b);
    return problem == NULL || csv_fail_at(path, 1, 1, message, "%s", problem);
}

/* Options that say how text is read would be passed over in a binary trace. */
static bool as_it_is(const char *path, const trace_options *options, csv_message *message)
{
    const char *option = options->form != NULL      ? "form"
                         : options->columns != NULL ? "columns"
                         : options->spread_ns > 0   ? "spread"
                                                    : NULL;
    return option == NULL ||
           csv_fail_at(path, 0, 0, message,
                       "this is a binary trace: --%s says how a text is read; give it to the import", option);
}

static bool read_any(trace *t, const char *path, const trace_options *options, csv_message *message)
{
    csv_bytes text;
    if (!csv_slurp(path, TRACE_BYTES_MAX, &text, message)) {
        return false;
    }
    if (trace_is_binary(text.data, text.size)) { /* it was packed: malloc has aligned it */
        t->loaded = text.data;
        if (!as_it_is(path, options, message)) {
            return false;
        }
        const char *problem = trace_adopt(t, text.data, text.size);
        return problem == NULL || csv_fail_at(path, 1, 1, message, "%s", problem);
    }
    const bool ok = read_text(t, path, options, &text, message);
    free(text.data);
    return ok;
}

static bool map(trace *t, const char *path, const trace_options *options, int fd, size_t size, csv_message *message)
{
    if (!as_it_is(path, options, message)) {
        return false;
    }
    void *mapped = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (mapped == MAP_FAILED) {
        return csv_fail_at(path, 1, 1, message, "cannot map the file: %s", strerror(errno));
    }
    t->mapped = mapped;
    t->mapped_size = size;
    const char *problem = trace_adopt(t, mapped, size);
    return problem == NULL || csv_fail_at(path, 1, 1, message, "%s", problem);
}

/* What is not a regular file is not opened just to look: a pipe can be read only once. */
static bool open_either(trace *t, const char *path, const trace_options *options, csv_message *message)
{
    struct stat info;
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) {
        return read_any(t, path, options, message);
    }
    char magic[TRACE_MAGIC_SIZE];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0) {
        csv_fail_at(path, 0, 0, message, "cannot open the file: %s", strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return false;
    }
    const bool binary = S_ISREG(info.st_mode) && pread(fd, magic, sizeof magic, 0) == (ssize_t)sizeof magic &&
                        trace_is_binary(magic, sizeof magic);
    const bool ok = binary && map(t, path, options, fd, (size_t)info.st_size, message);
    close(fd);
    return binary ? ok : read_any(t, path, options, message);
}

trace *trace_read(const char *path, const trace_options *options, char *err, size_t err_size)
{
    csv_message message = {err, err_size};
    trace *t = calloc(1, sizeof *t);
    if (t == NULL) {
        csv_fail_at(path, 0, 0, &message, "out of memory");
        return NULL;
    }
    if (!open_either(t, path, options, &message)) {
        trace_close(t);
        return NULL;
    }
    return t;
}

trace *trace_open(const char *path, char *err, size_t err_size)
{
    static const trace_options strict;
    return trace_read(path, &strict, err, err_size);
}

trace *trace_of(const char *name, const trace_request *requests, size_t count, unsigned columns, bool clock, char *err,
                size_t err_size)
{
    static const trace_options any_order = {.sort = true};
    csv_message message = {err, err_size};
    trace *t = calloc(1, sizeof *t);
    trace_build b = {.t = t, .options = &any_order, .optional = columns};
    build_problem problem = t != NULL ? BUILD_FINE : BUILD_MEMORY;
    for (size_t i = 0; problem == BUILD_FINE && i < count; i++) {
        problem = build_add(&b, &requests[i], 0);
    }
    const char *words = t == NULL ? "out of memory" : problem != BUILD_FINE ? b.words : build_finish(&b);
    if (words != NULL) {
        csv_fail_at(name, 0, 0, &message, "%s", words);
        trace_close(t);
        return NULL;
    }
    t->facts.form = "made";
    t->facts.clock = clock;
    t->facts.has_input = t->facts.has_output = true;
    return t;
}

void trace_close(trace *t)
{
    if (t == NULL) {
        return;
    }
    if (t->mapped != NULL) {
        munmap(t->mapped, t->mapped_size);
    }
    free(t->loaded);
    build_free(t);
    free(t);
}

const mdl_trace *trace_columns(const trace *t)
{
    return &t->columns;
}

const trace_facts *trace_about(const trace *t)
{
    return &t->facts;
}

int64_t trace_first_ns(const trace *t)
{
    return t->first_ns;
}

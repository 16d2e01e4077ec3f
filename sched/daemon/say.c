/* SPDX-License-Identifier: Apache-2.0 */
/* say.c - log lines. A line is built whole and written with one call, so that lines of two processes do not mix. */
#include "sched/daemon/say.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *dm_time_text(spw_time unix_ns, char *buf, size_t size)
{
    const time_t seconds = (time_t)(unix_ns / SPW_NS_PER_S);
    struct tm t;
    if (gmtime_r(&seconds, &t) == NULL || strftime(buf, size, "%Y-%m-%dT%H:%M:%S", &t) == 0) {
        (void)snprintf(buf, size, "?");
        return buf;
    }
    const size_t used = strlen(buf);
    (void)snprintf(buf + used, size - used, ".%03" PRId64 "Z", unix_ns % SPW_NS_PER_S / 1000000);
    return buf;
}

static bool is_plain(const char *text)
{
    if (*text == '\0') {
        return false;
    }
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        if (*p <= ' ' || *p == '"' || *p == '=' || *p == '\\' || *p == 0x7f) {
            return false;
        }
    }
    return true;
}

/* In quotes, as JSON has it; logfmt readers take the same. */
static void put_quoted(FILE *out, const char *text)
{
    fputc('"', out);
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\') {
            fprintf(out, "\\%c", *p);
        } else if (*p == '\n') {
            fputs("\\n", out);
        } else if (*p < 0x20 || *p == 0x7f) {
            fprintf(out, "\\u%04x", *p);
        } else {
            fputc(*p, out);
        }
    }
    fputc('"', out);
}

static void put_pair(FILE *out, dm_format format, const dm_pair *pair, bool first)
{
    if (format == DM_JSON) {
        fprintf(out, "%s\"%s\":", first ? "" : ",", pair->key);
    } else {
        fprintf(out, "%s%s=", first ? "" : " ", pair->key);
    }
    if (pair->text == NULL) {
        fprintf(out, "%" PRId64, pair->number);
    } else if (format == DM_LOGFMT && is_plain(pair->text)) {
        fputs(pair->text, out);
    } else {
        put_quoted(out, pair->text);
    }
}

void dm_say_pairs(const dm_voice *voice, dm_level level, const char *event, const dm_pair *pairs, size_t count)
{
    static const char *const names[] = {"?", "error", "warn", "info", "debug"};
    char *line = NULL;
    size_t size = 0;
    char when[32];
    if (level > voice->level) {
        return;
    }
    FILE *out = open_memstream(&line, &size);
    if (out == NULL) {
        return; /* a line less: no reason to stop */
    }
    bool first = true;
    fputs(voice->format == DM_JSON ? "{" : "", out);
    if (voice->unix_now != NULL) {
        put_pair(out, voice->format, &DM_TEXT("time", dm_time_text(voice->unix_now(voice->user), when, sizeof when)),
                 true);
        first = false;
    }
    put_pair(out, voice->format, &DM_TEXT("level", names[level]), first);
    put_pair(out, voice->format, &DM_TEXT("event", event), false);
    for (size_t i = 0; i < count; i++) {
        put_pair(out, voice->format, &pairs[i], false);
    }
    fputs(voice->format == DM_JSON ? "}\n" : "\n", out);
    if (fclose(out) == 0) {
        (void)fwrite(line, 1, size, voice->out);
        (void)fflush(voice->out);
    }
    free(line);
}

void dm_say_err(const dm_voice *voice, dm_level level, const char *event, const spw_err *err)
{
    dm_say(voice, level, event, DM_TEXT("why", err->text[0] != '\0' ? err->text : spw_strerror(err->code)),
           DM_TEXT("where", err->field));
}

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * say.h - the daemon's own log: one event a line, as logfmt or JSON. Nothing that is secret is ever handed to it:
 * credentials are known to sched/kube/credential.c and wire_curl.c alone, whose messages hold none.
 */
#ifndef SCHED_DAEMON_SAY_H
#define SCHED_DAEMON_SAY_H

#include <stdio.h>

#include <spillway/types.h>

typedef enum dm_level { DM_ERROR = 1, DM_WARN = 2, DM_INFO = 3, DM_DEBUG = 4 } dm_level;
typedef enum dm_format { DM_LOGFMT = 1, DM_JSON = 2 } dm_format;

typedef struct dm_voice {
    FILE *out;
    dm_format format;
    dm_level level;                   /**< lines of this level and above */
    spw_time (*unix_now)(void *user); /**< NULL: without times */
    void *user;
} dm_voice;

typedef struct dm_pair {
    const char *key;
    const char *text; /**< NULL: the number */
    int64_t number;
} dm_pair;

#define DM_TEXT(k, t) ((dm_pair){.key = (k), .text = (t)})
#define DM_INT(k, n)  ((dm_pair){.key = (k), .number = (int64_t)(n)})

/** dm_say(voice, DM_INFO, "tick", DM_INT("actions", 3), DM_TEXT("plan", id)); at least one pair. */
#define dm_say(voice, level, event, ...)                                                                               \
    dm_say_pairs(voice, level, event, (const dm_pair[]){__VA_ARGS__},                                                  \
                 sizeof((const dm_pair[]){__VA_ARGS__}) / sizeof(dm_pair))

void dm_say_pairs(const dm_voice *voice, dm_level level, const char *event, const dm_pair *pairs, size_t count);

/** An error of the core or of an end, as an event. */
void dm_say_err(const dm_voice *voice, dm_level level, const char *event, const spw_err *err);

/** "2026-03-02T00:00:00.123Z" of Unix ns. @return buf, of at least 32 bytes */
const char *dm_time_text(spw_time unix_ns, char *buf, size_t size);

#endif

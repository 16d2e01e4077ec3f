/* SPDX-License-Identifier: Apache-2.0 */
/* state.c - the state file: packing, checking, and which of the generations counts. */
#include "sched/daemon/state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sched/core/hash.h"

#define MAGIC      "SPWSTATE"
#define FORMAT     1u
#define HEAD_BYTES ((size_t)40)
#define SUM_BYTES  ((size_t)8)
#define FILE_MOST  ((size_t)1 << 30)
#define NAME_MOST  ((size_t)1024)

void dm_state_fini(dm_state *s)
{
    for (size_t i = 0; i < s->template_count; i++) {
        free(s->templates[i].name);
    }
    free(s->templates);
    free(s->core);
    *s = (dm_state){0};
}

static unsigned char *put(unsigned char *at, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        at[i] = (unsigned char)(value >> (8 * i));
    }
    return at + bytes;
}

static uint64_t get(const unsigned char *at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++) {
        value |= (uint64_t)at[i] << (8 * i);
    }
    return value;
}

void *dm_state_pack(const dm_state *s, size_t *size)
{
    size_t all = HEAD_BYTES + s->core_size + SUM_BYTES;
    for (size_t i = 0; i < s->template_count; i++) {
        all += 8 + strlen(s->templates[i].name);
    }
    unsigned char *bytes = malloc(all);
    if (bytes == NULL) {
        return NULL;
    }
    unsigned char *at = bytes;
    memcpy(at, MAGIC, 8);
    at = put(at + 8, FORMAT, 4);
    at = put(at, s->template_count, 4);
    at = put(at, s->generation, 8);
    at = put(at, s->epoch, 8);
    at = put(at, s->core_size, 8);
    if (s->core_size > 0) {
        memcpy(at, s->core, s->core_size);
    }
    at += s->core_size;
    for (size_t i = 0; i < s->template_count; i++) {
        const size_t length = strlen(s->templates[i].name);
        at = put(at, (uint32_t)s->templates[i].replicas, 4);
        at = put(at, length, 4);
        memcpy(at, s->templates[i].name, length);
        at += length;
    }
    (void)put(at, hash_bytes(HASH_SEED, bytes, all - SUM_BYTES), SUM_BYTES);
    *size = all;
    return bytes;
}

static spw_rc damaged(spw_err *err, const char *why)
{
    return dm_fail(err, SPW_STATE, "state", "%s", why);
}

/* The templates behind the core's state. `rest` bytes are left for them. */
static spw_rc unpack_templates(const unsigned char *at, size_t rest, size_t count, dm_state *s, spw_err *err)
{
    if (count > rest / 8) {
        return damaged(err, "it names more templates than it has room for");
    }
    s->templates = calloc(count + 1, sizeof *s->templates);
    if (s->templates == NULL) {
        return dm_fail(err, SPW_NOMEM, "state", "out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        const size_t length = rest >= 8 ? (size_t)get(at + 4, 4) : 0;
        if (rest < 8 || length > NAME_MOST || length > rest - 8) {
            return damaged(err, "a template is cut off");
        }
        s->templates[i].replicas = (int32_t)(uint32_t)get(at, 4);
        s->templates[i].name = strndup((const char *)at + 8, length);
        if (s->templates[i].name == NULL) {
            return dm_fail(err, SPW_NOMEM, "state", "out of memory");
        }
        s->template_count = i + 1;
        at += 8 + length;
        rest -= 8 + length;
    }
    return rest == 0 ? SPW_OK : damaged(err, "there is more in it than it says");
}

spw_rc dm_state_unpack(const void *bytes, size_t size, dm_state *out, spw_err *err)
{
    const unsigned char *at = bytes;
    dm_state s = {0};
    if (size < HEAD_BYTES + SUM_BYTES) {
        return damaged(err, "it is cut off");
    }
    if (memcmp(at, MAGIC, 8) != 0) {
        return damaged(err, "it is no state file");
    }
    if (get(at + size - SUM_BYTES, SUM_BYTES) != hash_bytes(HASH_SEED, at, size - SUM_BYTES)) {
        return damaged(err, "its checksum does not fit: bytes are missing or have changed");
    }
    if (get(at + 8, 4) != FORMAT) {
        return dm_fail(err, SPW_VERSION, "state", "it is of another version of the format");
    }
    s.generation = get(at + 16, 8);
    s.epoch = get(at + 24, 8);
    const uint64_t core_size = get(at + 32, 8);
    if (core_size > size - HEAD_BYTES - SUM_BYTES) {
        return damaged(err, "the core's state is cut off");
    }
    s.core_size = (size_t)core_size;
    s.core = malloc(s.core_size + 1);
    if (s.core == NULL) {
        return dm_fail(err, SPW_NOMEM, "state", "out of memory");
    }
    memcpy(s.core, at + HEAD_BYTES, s.core_size);
    const spw_rc rc = unpack_templates(at + HEAD_BYTES + s.core_size, size - HEAD_BYTES - s.core_size - SUM_BYTES,
                                       (size_t)get(at + 12, 4), &s, err);
    if (rc != SPW_OK) {
        dm_state_fini(&s);
        return rc;
    }
    *out = s;
    return SPW_OK;
}

spw_rc dm_state_save(const dm_files *files, const char *path, const dm_state *state, spw_err *err)
{
    size_t size = 0;
    void *bytes = dm_state_pack(state, &size);
    char *previous = dm_path_with(path, ".previous");
    spw_rc rc = SPW_NOMEM;
    if (bytes == NULL || previous == NULL) {
        (void)dm_fail(err, SPW_NOMEM, "state", "out of memory");
    } else {
        rc = dm_replace(files, path, previous, bytes, size, err);
    }
    free(previous);
    free(bytes);
    return rc;
}

/* One candidate. @return whether a file with this name is there; *rc says what became of it */
static bool try_file(const char *path, const char *suffix, dm_state *out, spw_rc *rc, spw_err *err)
{
    char *name = dm_path_with(path, suffix);
    size_t size = 0;
    char *bytes = name != NULL ? dm_read_all(name, FILE_MOST, &size) : NULL;
    const int why = name == NULL ? ENOMEM : errno;
    free(name);
    if (bytes == NULL) {
        *rc = why == ENOMEM ? SPW_NOMEM : dm_fail(err, SPW_BACKEND, "state", "it cannot be read: %s", strerror(why));
        return why != ENOENT;
    }
    *rc = dm_state_unpack(bytes, size, out, err);
    free(bytes);
    return true;
}

dm_found dm_state_load(const char *path, dm_state *out, char *note, size_t note_size)
{
    static const char *const suffixes[] = {"", ".previous", ".new"};
    dm_state best = {0};
    size_t from = 0;
    bool any = false, have = false;
    char first[240] = "it is not there";
    note[0] = '\0';
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        dm_state s = {0};
        spw_rc rc = SPW_OK;
        spw_err err = {.text = ""};
        const bool there = try_file(path, suffixes[i], &s, &rc, &err);
        if (rc == SPW_NOMEM) {
            dm_state_fini(&best);
            return DM_FOUND_NO_MEMORY;
        }
        if (i == 0 && there) {
            (void)snprintf(first, sizeof first, "%s", rc != SPW_OK ? err.text : "it is older");
        }
        any = any || (there && i < 2);
        if (rc == SPW_OK && (!have || s.generation > best.generation)) {
            dm_state_fini(&best);
            best = s;
            from = i;
            have = true;
        } else {
            dm_state_fini(&s);
        }
    }
    if (!have) {
        if (any) {
            (void)snprintf(note, note_size, "%s: %s", path, first);
        }
        return any ? DM_FOUND_DAMAGED : DM_FOUND_NONE;
    }
    if (from != 0) {
        (void)snprintf(note, note_size, "%s: %s; taken instead: %s%s, generation %llu", path, first, path,
                       suffixes[from], (unsigned long long)best.generation);
    }
    *out = best;
    return from == 0 ? DM_FOUND_WHOLE : DM_FOUND_OLDER;
}

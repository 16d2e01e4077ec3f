/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_log.c - decisions.jsonl: the head line, ticks with their snapshots, and reading both back.
 *
 * A tick line is written by the core's own record actuator; here only the snapshot is put into it. A plan is read back
 * as one text line for each action, which is what is compared and shown.
 */
#include "sched/core/hash.h"
#include "sched/manifest/json_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FORMAT_NAME "decisions/1"

spw_rc spw_json_head_write(const spw_json_head *head, spw_json_buffer *out)
{
    jsn_put(out, "{");
    jsn_key(out, "spillway");
    jsn_text(out, FORMAT_NAME);
    jsn_key(out, "settings");
    jsn_put(out, "{");
    jsn_fields_write(out, &jsn_settings_keys, &head->settings);
    jsn_put(out, "}");
    jsn_key(out, "manifests");
    jsn_put(out, "[");
    for (size_t i = 0; i < head->manifest_count; i++) {
        jsn_comma(out);
        jsn_put(out, "{");
        jsn_key(out, "name");
        jsn_text(out, head->manifests[i].name);
        jsn_key(out, "text");
        jsn_string(out, head->manifests[i].text, head->manifests[i].size);
        jsn_put(out, "}");
    }
    jsn_put(out, "]");
    if (head->state != NULL) {
        jsn_key(out, "state");
        jsn_hex(out, head->state, head->state_size);
    }
    jsn_put(out, "}\n");
    return out->failed ? SPW_NOMEM : SPW_OK;
}

spw_rc spw_json_tick_write(const char *line, size_t size, const spw_snapshot *snap, const spw_config *names,
                           spw_json_buffer *out)
{
    const size_t before = out->size;
    if (size < 2 || line[size - 1] != '\n' || line[size - 2] != '}') {
        return SPW_INVAL;
    }
    jsn_add(out, line, size - 2);
    jsn_key(out, "snapshot");
    const spw_rc rc = spw_json_snapshot_write(snap, names, out);
    if (rc == SPW_INVAL) {
        out->size = before;
        out->text[before] = '\0';
        return rc;
    }
    jsn_put(out, "}\n");
    return out->failed ? SPW_NOMEM : SPW_OK;
}

/* --- checksums --- */

#define SUM_KEY  ",\"sum\":\""
#define SUM_TAIL (sizeof SUM_KEY - 1 + 16 + 2) /* key, digits, quote and brace */

spw_rc spw_json_line_seal(spw_json_buffer *b, size_t from)
{
    if (b->failed || from > b->size || b->size - from < 3 || memcmp(b->text + b->size - 2, "}\n", 2) != 0) {
        return b->failed ? SPW_NOMEM : SPW_INVAL;
    }
    b->size -= 2;
    const uint64_t sum = hash_bytes(HASH_SEED, b->text + from, b->size - from);
    jsn_putf(b, SUM_KEY "%016" PRIx64 "\"}\n", sum);
    return b->failed ? SPW_NOMEM : SPW_OK;
}

spw_json_seal spw_json_line_sum(const char *line, size_t size)
{
    char digits[17] = "";
    uint64_t sum = 0;
    size -= size > 0 && line[size - 1] == '\n' ? 1 : 0;
    if (size < SUM_TAIL || memcmp(line + size - SUM_TAIL, SUM_KEY, sizeof SUM_KEY - 1) != 0 ||
        memcmp(line + size - 2, "\"}", 2) != 0) {
        return SPW_SEAL_NONE;
    }
    memcpy(digits, line + size - 18, 16);
    return jsn_hex64(digits, &sum) && sum == hash_bytes(HASH_SEED, line, size - SUM_TAIL) ? SPW_SEAL_GOOD
                                                                                          : SPW_SEAL_BAD;
}

/* --- reading --- */

typedef struct line {
    spw_json_line shown; /* first: what the caller holds */
    zone z;
    spw_json_head head;
    spw_json_tick tick;
} line;

static void state_read(jsn_reader *r, const json_t *root, spw_json_head *head, const jsn_path *top)
{
    const json_t *text = json_object_get(root, "state");
    const jsn_path here = {top, "state", 0};
    if (text == NULL) {
        return;
    }
    head->state = json_is_string(text)
                      ? jsn_hex_bytes(r, json_string_value(text), json_string_length(text), &head->state_size)
                      : NULL;
    if (head->state == NULL && !r->z.failed) {
        jsn_wrong(r, &here, "must be bytes in hex");
    }
}

static void head_read(jsn_reader *r, const json_t *root, spw_json_head *head, const jsn_path *top)
{
    const jsn_path format_path = {top, "spillway", 0};
    const jsn_path settings_path = {top, "settings", 0};
    const jsn_path manifests_path = {top, "manifests", 0};
    const char *format = json_string_value(json_object_get(root, "spillway"));
    if (format == NULL || strcmp(format, FORMAT_NAME) != 0) {
        jsn_wrong(r, &format_path, "must be '" FORMAT_NAME "': another format of the log");
        return;
    }
    spw_settings_default(&head->settings);
    (void)jsn_keys_check(r, root, jsn_head_keys.columns, jsn_head_keys.column_count, top);
    const json_t *settings = json_object_get(root, "settings");
    if (settings == NULL) {
        jsn_wrong(r, top, "lacks 'settings'");
    } else {
        jsn_fields_read(r, settings, &jsn_settings_keys, &head->settings, &settings_path);
    }
    const json_t *list = jsn_array_in(r, root, "manifests", top);
    const size_t count = json_array_size(list);
    spw_json_manifest *manifests = zone_array(&r->z, count + 1, sizeof *manifests);
    for (size_t i = 0; manifests != NULL && i < count; i++) {
        const jsn_path child = {&manifests_path, NULL, i};
        jsn_fields_read(r, json_array_get(list, i), &jsn_manifest_keys, &manifests[i], &child);
        manifests[i].size = manifests[i].text != NULL ? strlen(manifests[i].text) : 0;
    }
    head->manifests = manifests;
    head->manifest_count = count;
    state_read(r, root, head, top);
}

/* A member of an action as text: a word, or a number printed into buf. "" if absent or of another type. */
static const char *part(const json_t *action, const char *key, char *buf, size_t size)
{
    const json_t *value = json_object_get(action, key);
    if (json_is_integer(value)) {
        (void)snprintf(buf, size, "%" PRId64, (int64_t)json_integer_value(value));
        return buf;
    }
    return json_is_string(value) ? json_string_value(value) : "";
}

/* As spw_plan_text() puts it, and " after N". Members this build does not know stand behind. */
static const char *action_text(jsn_reader *r, const json_t *action)
{
    char before[24], amount[24], after[24], other[24];
    const char *workload = part(action, "workload", other, sizeof other);
    const char *cluster = part(action, "cluster", other, sizeof other);
    const char *pool = part(action, "pool", other, sizeof other);
    const char *first = workload[0] != '\0' ? workload : cluster;
    const char *second = workload[0] != '\0' ? cluster : pool;
    const char *behind = part(action, "after", after, sizeof after);
    char *text = zone_format(&r->z, "%s %s%s%s %s -> %s  %s%s%s", part(action, "verb", other, sizeof other), first,
                             second[0] == '\0' ? "" : " ", second, part(action, "before", before, sizeof before),
                             part(action, "amount", amount, sizeof amount), part(action, "reason", other, sizeof other),
                             behind[0] == '\0' ? "" : " after ", behind);
    json_t *loose;
    memcpy(&loose, &action, sizeof loose);
    for (void *at = json_object_iter(loose); at != NULL && text != NULL; at = json_object_iter_next(loose, at)) {
        bool known = false;
        for (size_t i = 0; i < jsn_action_keys.column_count; i++) {
            known = known || strcmp(jsn_action_keys.columns[i].key, json_object_iter_key(at)) == 0;
        }
        if (!known) {
            const char *key = json_object_iter_key(at);
            text = zone_format(&r->z, "%s %s=%s", text, key, part(action, key, other, sizeof other));
        }
    }
    return text;
}

static void tick_read(jsn_reader *r, const json_t *root, spw_json_tick *tick, const jsn_path *top)
{
    const jsn_path plan_path = {top, "plan", 0};
    const jsn_path snapshot_path = {top, "snapshot", 0};
    jsn_fields_read(r, root, &jsn_tick_keys, tick, top);
    const json_t *list = jsn_array_in(r, root, "plan", top);
    const size_t count = json_array_size(list);
    const char **texts = zone_array(&r->z, count + 1, sizeof *texts);
    if (json_object_get(root, "plan") == NULL) {
        jsn_wrong(r, top, "lacks 'plan'");
    }
    for (size_t i = 0; texts != NULL && i < count; i++) {
        const jsn_path child = {&plan_path, NULL, i};
        if (!json_is_object(json_array_get(list, i))) {
            jsn_wrong(r, &child, "must be an object");
        } else {
            texts[i] = action_text(r, json_array_get(list, i));
        }
    }
    tick->plan = texts;
    tick->plan_count = count;
    const json_t *snapshot = json_object_get(root, "snapshot");
    if (snapshot != NULL) {
        tick->snapshot = jsn_snapshot_from(r, snapshot, &snapshot_path);
    }
}

spw_rc spw_json_line_read(const char *text, size_t size, const char *name, int32_t number, spw_diag *diag,
                          const spw_json_line **out)
{
    jsn_reader r = {.diag = diag, .name = name, .text = text, .size = size, .first_line = number};
    const jsn_path top = {NULL, NULL, 0};
    zone_init(&r.z, NULL);
    line *made = zone_take(&r.z, sizeof *made);
    json_t *root = made != NULL ? jsn_parse(&r) : NULL;
    if (root != NULL && spw_json_line_sum(text, size) == SPW_SEAL_BAD) {
        const jsn_path sum = {&top, "sum", 0};
        jsn_wrong(&r, &sum, "does not fit: bytes of this line have changed since it was written");
    }
    if (root != NULL && json_object_get(root, "spillway") != NULL) {
        head_read(&r, root, &made->head, &top);
        made->shown.head = &made->head;
    } else if (root != NULL) {
        tick_read(&r, root, &made->tick, &top);
        made->shown.tick = &made->tick;
    }
    const bool good = root != NULL && r.errors == 0 && !r.z.failed;
    json_decref(root);
    if (!good) {
        const bool no_memory = r.z.failed;
        zone_fini(&r.z);
        return no_memory ? SPW_NOMEM : SPW_INVAL;
    }
    made->z = r.z;
    *out = &made->shown;
    return SPW_OK;
}

void spw_json_line_free(const spw_json_line *shown)
{
    if (shown != NULL) {
        line *made;
        memcpy(&made, &shown, sizeof made); /* `shown` is its first member */
        zone z = made->z;                   /* the struct lives in its own zone */
        zone_fini(&z);
    }
}

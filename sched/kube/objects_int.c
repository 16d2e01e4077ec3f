/* SPDX-License-Identifier: Apache-2.0 */
/** objects_int.c - fields of JSON objects, with defaults. */
#include "sched/kube/objects_int.h"
#include "sched/manifest/bind.h"
#include "sched/manifest/quantity.h"
#include "sched/manifest/selector_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const json_t *obj_at(const json_t *object, ...)
{
    va_list keys;
    va_start(keys, object);
    for (const char *key = va_arg(keys, const char *); key != NULL && object != NULL;
         key = va_arg(keys, const char *)) {
        object = json_object_get(object, key);
    }
    va_end(keys);
    return object;
}

const char *obj_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

int32_t obj_int(const json_t *object, const char *key, int32_t other)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value) || json_integer_value(value) < INT32_MIN || json_integer_value(value) > INT32_MAX) {
        return other;
    }
    return (int32_t)json_integer_value(value);
}

char *obj_copy(const char *text, bool *failed)
{
    char *copy = strdup(text);
    *failed = *failed || copy == NULL;
    return copy;
}

static bool read_expression(zone *z, const json_t *from, spw_requirement *to)
{
    static const struct {
        const char *word;
        spw_op op;
    } ops[] = {
        {"In", SPW_OP_IN}, {"NotIn", SPW_OP_NOT_IN}, {"Exists", SPW_OP_EXISTS}, {"DoesNotExist", SPW_OP_NOT_EXISTS}};
    const json_t *values = json_object_get(from, "values");
    const char **texts = zone_array(z, json_array_size(values) + 1, sizeof *texts);

    for (size_t i = 0; texts != NULL && i < json_array_size(values); i++) {
        const char *text = json_string_value(json_array_get(values, i));
        texts[i] = text != NULL ? text : "";
    }
    for (size_t i = 0; texts != NULL && i < sizeof ops / sizeof ops[0]; i++) {
        if (strcmp(obj_text(from, "operator"), ops[i].word) == 0) {
            *to = (spw_requirement){
                .key = obj_text(from, "key"), .op = ops[i].op, .values = texts, .value_count = json_array_size(values)};
            return true;
        }
    }
    return false;
}

char *obj_selector(const json_t *selector, bool *failed)
{
    const json_t *labels = json_object_get(selector, "matchLabels");
    const json_t *expressions = json_object_get(selector, "matchExpressions");
    const size_t most = json_object_size(labels) + json_array_size(expressions);
    const char *key = NULL;
    json_t *value = NULL;
    zone z;
    size_t n = 0;
    zone_init(&z, NULL);
    spw_requirement *all = zone_array(&z, most + 1, sizeof *all);
    const char **values = zone_array(&z, most + 1, sizeof *values);
    if (all != NULL && values != NULL) {
        json_object_foreach((json_t *)(uintptr_t)labels, key, value)
        {
            values[n] = json_is_string(value) ? json_string_value(value) : "";
            all[n] = (spw_requirement){.key = key, .op = SPW_OP_IN, .values = &values[n], .value_count = 1};
            n++;
        }
        for (size_t i = 0; i < json_array_size(expressions); i++) {
            n += read_expression(&z, json_array_get(expressions, i), &all[n]) ? 1 : 0;
        }
    }
    const char *text = z.failed ? NULL : km_selector_text(&z, all, n);
    char *copy = text != NULL ? strdup(text) : NULL;
    *failed = *failed || copy == NULL;
    zone_fini(&z);
    return copy;
}

char *obj_dump(const json_t *value, const char *other, bool *failed)
{
    char *text = value != NULL && !json_is_null(value) ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    if (text != NULL) {
        return text;
    }
    *failed = *failed || (value != NULL && !json_is_null(value));
    return obj_copy(other, failed);
}

static int64_t capped(int64_t amount)
{
    return amount < OBJ_AMOUNT_MOST ? amount : OBJ_AMOUNT_MOST;
}

int64_t obj_milli(const json_t *map, const char *key, int64_t other)
{
    const json_t *value = json_object_get(map, key);
    int64_t milli = 0;
    if (json_is_integer(value)) {
        const int64_t whole = json_integer_value(value);
        return whole < 0 ? other : capped(whole > OBJ_AMOUNT_MOST / 1000 ? OBJ_AMOUNT_MOST : whole * 1000);
    }
    if (!json_is_string(value)) {
        return other;
    }
    const char *fault = quantity_parse(json_string_value(value), &milli);
    return fault == NULL && milli >= 0 ? capped(milli) : other;
}

int64_t obj_whole(const json_t *map, const char *key, int64_t other)
{
    const json_t *value = json_object_get(map, key);
    int64_t whole = 0;
    if (json_is_integer(value)) {
        return json_integer_value(value) >= 0 ? capped(json_integer_value(value)) : other;
    }
    if (!json_is_string(value)) {
        return other;
    }
    const char *fault = quantity_parse_scaled(json_string_value(value), 0, &whole);
    return fault == NULL && whole >= 0 ? capped(whole) : other;
}

static int by_key(const void *a, const void *b)
{
    const spw_label *x = a, *y = b;
    return strcmp(x->key, y->key);
}

spw_label *obj_labels(const json_t *map, size_t *count, bool *failed)
{
    const size_t n = json_object_size(map);
    spw_label *labels = calloc(n + 1, sizeof *labels);
    const char *key = NULL;
    json_t *value = NULL;
    size_t used = 0;

    *count = 0;
    if (labels == NULL) {
        *failed = true;
        return NULL;
    }
    json_object_foreach((json_t *)(uintptr_t)map, key, value)
    { /* the macro wants it mutable and changes nothing */
        const char *text = json_string_value(value);
        if (text != NULL) {
            labels[used].key = obj_copy(key, failed);
            labels[used].value = obj_copy(text, failed);
            used++;
        }
    }
    *count = used;
    if (!*failed && used > 1) {
        qsort(labels, used, sizeof *labels, by_key);
    }
    return labels;
}

void obj_labels_free(spw_label *labels, size_t count)
{
    for (size_t i = 0; labels != NULL && i < count; i++) {
        free((void *)(uintptr_t)labels[i].key); /* ours, made by obj_labels */
        free((void *)(uintptr_t)labels[i].value);
    }
    free(labels);
}

const json_t *obj_condition(const json_t *object, const char *type)
{
    const json_t *all = obj_at(object, "status", "conditions", NULL);
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *one = json_array_get(all, i);
        if (strcmp(obj_text(one, "type"), type) == 0) {
            return one;
        }
    }
    return NULL;
}

spw_time kube_time_read(const char *text)
{
    bind_time time = {0};
    return text != NULL && text[0] != '\0' && bind_parse_time(text, &time) == NULL ? time.unix_ns : SPW_TIME_MAX;
}

void kube_time_write(spw_time unix_ns, char *out, size_t room)
{
    const int64_t micro = unix_ns / 1000 - (unix_ns % 1000 < 0 ? 1 : 0);
    const int64_t second = micro / 1000000 - (micro % 1000000 < 0 ? 1 : 0);
    const time_t t = (time_t)second;
    struct tm parts;
    char date[24] = "1970-01-01T00:00:00";

    if (gmtime_r(&t, &parts) != NULL) {
        (void)strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
    }
    (void)snprintf(out, room, "%s.%06" PRId64 "Z", date, micro - second * 1000000);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_text.c - see fuzz.h: damage to texts. */
#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/fuzz.h"

static const char *const tokens[] = {"-1",
                                     "0",
                                     "9223372036854775807",
                                     "-9223372036854775808",
                                     "1e400",
                                     "NaN",
                                     "2147483648",
                                     "1000001",
                                     "0x10",
                                     "''",
                                     "null",
                                     "[]",
                                     "{}",
                                     "true",
                                     "\"1\"",
                                     "1.5",
                                     "1Gi",
                                     "-3s",
                                     "200y",
                                     "prod/chat",
                                     "*a",
                                     "&a 1",
                                     "- - -",
                                     "!!binary x",
                                     "? :",
                                     "%",
                                     "17",
                                     "4",
                                     "Aggregated",
                                     "Divided",
                                     "idc",
                                     "2"};
#define TOKENS (sizeof tokens / sizeof tokens[0])

static char *joined(const char *a, size_t a_size, const char *b, const char *c)
{
    const size_t b_size = strlen(b);
    char *text = malloc(a_size + b_size + strlen(c) + 1);
    if (text == NULL) {
        abort();
    }
    memcpy(text, a, a_size);
    memcpy(text + a_size, b, b_size);
    strcpy(text + a_size + b_size, c);
    return text;
}

static const char *line_at(const char *text, uint64_t n)
{
    while (n-- > 0 && strchr(text, '\n') != NULL && strchr(text, '\n')[1] != '\0') {
        text = strchr(text, '\n') + 1;
    }
    return text;
}

static uint64_t line_count(const char *text)
{
    uint64_t n = 1;
    for (; *text != '\0'; text++) {
        n += *text == '\n';
    }
    return n;
}

static const char *line_end(const char *line)
{
    const char *end = strchr(line, '\n');
    return end == NULL ? line + strlen(line) : end;
}

/** Random bytes here and there. */
static void damage_bytes(choice *c, char *text)
{
    static const char bytes[] = "{}[]\",:0-9e.\\ntfau #&*!|>'%@`\t\x01\x7f\xff\xc3\xf0";
    const size_t size = strlen(text);
    for (uint64_t n = 1 + choice_below(c, 3); n > 0 && size > 0; n--) {
        text[choice_below(c, size)] = bytes[choice_below(c, sizeof bytes - 1)];
    }
}

static char *damage_line(choice *c, const char *text, const char *other)
{
    const char *line = line_at(text, choice_below(c, line_count(text)));
    const char *end = line_end(line);
    const char *rest = *end == '\0' ? end : end + 1;
    const size_t before = (size_t)(line - text);
    const char *token = tokens[choice_below(c, TOKENS)];
    char *made = NULL;
    switch (choice_below(c, 8)) {
    case 0: /* gone */
        return joined(text, before, "", rest);
    case 1: /* twice */
        return joined(text, (size_t)(rest - text), "", line);
    case 2: /* another text's line in its place */
        other = line_at(other, choice_below(c, line_count(other)));
        made = joined(text, before, "", other);
        made[before + (size_t)(line_end(other) - other)] = '\0';
        other = made;
        made = joined(other, strlen(other), "\n", rest);
        free((char *)(uintptr_t)other);
        return made;
    case 3: /* deeper, or less deep */
        return *line == ' ' && choice_chance(c, 1, 2) ? joined(text, before, "", line + 1)
                                                      : joined(text, before, "  ", line);
    case 4: /* the end is missing */
        return joined(text, before, "", "");
    case 5: /* a line of its own */
        made = joined(token, strlen(token), "\n", line);
        break;
    default: /* another value */
        other = strstr(line, ": ");
        if (other != NULL && other < end) {
            char *tail = joined(token, strlen(token), "", end);
            made = joined(text, (size_t)(other + 2 - text), tail, "");
            free(tail);
            return made;
        }
        return joined(text, before, "", rest);
    }
    char *whole = joined(text, before, made, "");
    free(made);
    return whole;
}

char *fuzz_damage_lines(choice *c, const char *text, const char *other)
{
    char *made = strdup(text);
    for (uint64_t n = 1 + choice_below(c, 3); n > 0; n--) {
        if (choice_chance(c, 1, 6)) {
            damage_bytes(c, made);
        } else {
            char *next = damage_line(c, made, other);
            free(made);
            made = next;
        }
    }
    return made;
}

/* --- other numbers --- */

/** The n-th number of a text that is not a part of a word; from n = 0. @return NULL: it has fewer */
static const char *number_at(const char *text, uint64_t n)
{
    bool inside = false; /* of a word or a number */
    for (; *text != '\0'; text++) {
        const bool begins = isdigit((unsigned char)*text) != 0 && !inside;
        if (begins && n-- == 0) {
            return text;
        }
        inside = isalnum((unsigned char)*text) != 0 || *text == '.' || *text == '_';
    }
    return NULL;
}

char *fuzz_vary_numbers(choice *c, const char *text)
{
    char *made = strdup(text);
    uint64_t numbers = 0;
    while (number_at(text, numbers) != NULL) {
        numbers++;
    }
    for (uint64_t n = 1 + choice_below(c, 4); n > 0 && numbers > 0; n--) {
        char number[24];
        const char *at = number_at(made, choice_below(c, numbers));
        snprintf(number, sizeof number, "%d", (int)choice_below(c, choice_chance(c, 1, 4) ? 1000001 : 17));
        char *next = joined(made, (size_t)(at - made), number, at + strspn(at, "0123456789"));
        free(made);
        made = next;
    }
    return made;
}

/* --- JSON as a tree --- */

static json_t *some_value(choice *c)
{
    static const json_int_t ints[] = {0,          1,          -1,
                                      2,          3,          7,
                                      16,         17,         64,
                                      65,         99,         1000000,
                                      1000001,    INT32_MAX,  (json_int_t)INT32_MAX + 1,
                                      INT64_MAX,  INT64_MIN,  (json_int_t)1 << 62,
                                      1000000000, 15000000000};
    switch (choice_below(c, 9)) {
    case 0:
        return json_null();
    case 1:
        return json_boolean(choice_chance(c, 1, 2));
    case 2:
        return json_real(choice_chance(c, 1, 2) ? 0.5 : 1e300);
    case 3:
        return json_string(choice_chance(c, 1, 2) ? "" : "idc");
    case 4:
        return choice_chance(c, 1, 2) ? json_array() : json_object();
    default:
        return json_integer(ints[choice_below(c, sizeof ints / sizeof ints[0])]);
    }
}

/** A container in the tree that is not empty; deeper ones as likely as others. */
static json_t *some_container(choice *c, json_t *root)
{
    json_t *at = root;
    for (int depth = (int)choice_below(c, 6); depth > 0; depth--) {
        const size_t size = json_is_array(at) ? json_array_size(at) : json_object_size(at);
        if (size == 0) {
            break;
        }
        size_t n = (size_t)choice_below(c, size);
        json_t *child = NULL;
        if (json_is_array(at)) {
            child = json_array_get(at, n);
        } else {
            void *it = json_object_iter(at);
            for (; n > 0; n--) {
                it = json_object_iter_next(at, it);
            }
            child = json_object_iter_value(it);
        }
        if (!json_is_array(child) && !json_is_object(child)) {
            break;
        }
        at = child;
    }
    return at;
}

static void damage_object(choice *c, json_t *object)
{
    static const char *const keys[] = {"ready",  "nodes",  "assigned",    "pending", "gpus", "replicas",
                                       "labels", "taints", "observed_ns", "name",    "pods", "metrics"};
    const size_t size = json_object_size(object);
    void *it = json_object_iter(object);
    for (uint64_t n = size == 0 ? 0 : choice_below(c, size); n > 0; n--) {
        it = json_object_iter_next(object, it);
    }
    switch (it == NULL ? 4 : choice_below(c, 5)) {
    case 0:
        (void)json_object_del(object, json_object_iter_key(it));
        break;
    case 4:
        (void)json_object_set_new(object, keys[choice_below(c, sizeof keys / sizeof keys[0])], some_value(c));
        break;
    default:
        (void)json_object_iter_set_new(object, it, some_value(c));
        break;
    }
}

static void damage_array(choice *c, json_t *array)
{
    const size_t size = json_array_size(array);
    const size_t n = (size_t)choice_below(c, size);
    switch (size == 0 ? 3 : choice_below(c, 4)) {
    case 0:
        (void)json_array_remove(array, n);
        break;
    case 1:
        (void)json_array_append_new(array, json_deep_copy(json_array_get(array, n)));
        break;
    case 2:
        (void)json_array_set_new(array, n, some_value(c));
        break;
    default:
        (void)json_array_append_new(array, some_value(c));
        break;
    }
}

char *fuzz_damage_json(choice *c, const char *text)
{
    json_error_t error;
    json_t *root = choice_chance(c, 1, 8) ? NULL : json_loads(text, 0, &error);
    if (root == NULL) {
        char *bytes = strdup(text);
        damage_bytes(c, bytes);
        return bytes;
    }
    for (uint64_t n = 1 + choice_below(c, 3); n > 0; n--) {
        json_t *at = some_container(c, root);
        if (json_is_array(at)) {
            damage_array(c, at);
        } else {
            damage_object(c, at);
        }
    }
    char *made = json_dumps(root, JSON_SORT_KEYS);
    json_decref(root);
    return made;
}

/* SPDX-License-Identifier: Apache-2.0 */
/** secret.c - memory for credentials. */
#include "sched/kube/secret.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every block is led by its size, so that it can be wiped. Keeps the alignment of malloc. */
typedef union lead {
    size_t size;
    max_align_t align;
} lead;

void secret_wipe(void *bytes, size_t size)
{
    volatile unsigned char *p = bytes;
    while (size > 0) {
        *p++ = 0;
        size--;
    }
}

static void *take(size_t size, void *user)
{
    (void)user;
    if (size > SIZE_MAX - sizeof(lead)) {
        return NULL;
    }
    lead *l = malloc(sizeof *l + size);
    if (l == NULL) {
        return NULL;
    }
    l->size = size;
    return l + 1;
}

static void give(void *ptr, void *user)
{
    (void)user;
    if (ptr != NULL) {
        lead *l = (lead *)ptr - 1;
        secret_wipe(ptr, l->size);
        free(l);
    }
}

const spw_mem *secret_mem(void)
{
    static const spw_mem mem = {take, give, NULL};
    return &mem;
}

char *secret_copy(const char *bytes, size_t size)
{
    char *copy = size < SIZE_MAX ? take(size + 1, NULL) : NULL;
    if (copy != NULL) {
        memcpy(copy, bytes, size);
        copy[size] = '\0';
    }
    return copy;
}

void secret_free(char *text)
{
    give(text, NULL);
}

char *secret_file(const char *path, size_t most, size_t *size)
{
    FILE *file = fopen(path, "rb");
    char *text = file != NULL ? take(most + 2, NULL) : NULL;
    int why = file == NULL ? errno : text == NULL ? ENOMEM : 0;
    size_t used = 0;

    if (why == 0) {
        (void)setvbuf(file, NULL, _IONBF, 0); /* no copy in a buffer that nobody wipes */
        errno = 0;
        used = fread(text, 1, most + 1, file);
        why = ferror(file) ? (errno != 0 ? errno : EIO) : used > most ? EFBIG : 0;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    if (why != 0) {
        secret_free(text);
        errno = why;
        return NULL;
    }
    text[used] = '\0';
    *size = used;
    return text;
}

static int sextet(char c)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c != '\0' ? strchr(alphabet, c) : NULL;
    return at != NULL ? (int)(at - alphabet) : -1;
}

char *secret_base64(const char *text, size_t *size)
{
    char *out = take(strlen(text) / 4 * 3 + 4, NULL);
    size_t used = 0;
    unsigned bits = 0;
    int have = 0, seen = 0, pads = 0;

    if (out == NULL) {
        return NULL;
    }
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t') {
            continue;
        }
        const int six = sextet(*p);
        if (*p == '=' && pads < 2) {
            pads++;
        } else if (six < 0 || pads > 0) {
            secret_free(out);
            return NULL;
        } else {
            bits = (bits << 6 | (unsigned)six) & 0xffffffu;
            have += 6;
            if (have >= 8) {
                have -= 8;
                out[used++] = (char)(bits >> have & 0xffu);
            }
        }
        seen++;
    }
    if (seen % 4 != 0 || (bits & ((1u << have) - 1u)) != 0) {
        secret_free(out);
        return NULL;
    }
    out[used] = '\0';
    *size = used;
    return out;
}

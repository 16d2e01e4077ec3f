/* SPDX-License-Identifier: GPL-3.0-or-later */
/** starve.c - stand-ins that the linker puts before malloc, calloc, realloc, strdup and strndup. */
#include "tests/support/starve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t count, strike;
static bool watching, struck;

void starve_at(uint64_t nth)
{
    count = 0;
    strike = nth;
    struck = false;
    watching = true;
}

bool starve_watch(bool on)
{
    const bool was = watching;
    watching = on;
    return was;
}

uint64_t starve_end(void)
{
    watching = false;
    return count;
}

bool starve_struck(void)
{
    return struck;
}

static bool fails(void)
{
    if (!watching || ++count != strike) {
        return false;
    }
    struck = true;
    errno = ENOMEM;
    return true;
}

/* The linker's names for the real ones and for those in their place. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t most);

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return fails() ? NULL : __real_realloc(block, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

char *__wrap_strndup(const char *text, size_t most)
{
    const size_t size = strnlen(text, most);
    char *copy = fails() ? NULL : __real_malloc(size + 1);
    if (copy != NULL) {
        memcpy(copy, text, size);
        copy[size] = '\0';
    }
    return copy;
}

char *__wrap_strdup(const char *text)
{
    return __wrap_strndup(text, strlen(text));
}

/* SPDX-License-Identifier: Apache-2.0 */
/** mem_libc.c - the allocator of libc behind spw_mem. It stands outside the core, which may not name the heap. */
#include <spillway/manifest.h>
#include <stdlib.h>

static void *libc_take(size_t size, void *user)
{
    (void)user;
    return malloc(size == 0 ? 1 : size);
}

static void libc_give(void *ptr, void *user)
{
    (void)user;
    free(ptr);
}

const spw_mem *spw_mem_libc(void)
{
    static const spw_mem mem = {libc_take, libc_give, NULL};

    return &mem;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/** hash.h - FNV-1a over bytes, 64 bits, continued from call to call. Provenance, not security. */
#ifndef SIM_SCENARIO_HASH_H
#define SIM_SCENARIO_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_START UINT64_C(0xcbf29ce484222325)

static inline uint64_t hash_bytes(uint64_t hash, const void *data, size_t size)
{
    const unsigned char *at = data;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

#endif

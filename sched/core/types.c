/* SPDX-License-Identifier: Apache-2.0 */
/* types.c - error sentences and stable keys. */
#include <spillway/types.h>

#include "core/hash.h"

uint64_t hash_bytes(uint64_t h, const void *data, size_t size)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < size; i++) {
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    }
    return h;
}

uint64_t hash_string(uint64_t h, const char *text)
{
    return text == NULL ? h : hash_bytes(h, text, strlen(text));
}

uint64_t spw_key(const char *name)
{
    return hash_string(HASH_SEED, name);
}

uint64_t spw_key2(const char *space, const char *name)
{
    return hash_string(hash_string(hash_string(HASH_SEED, space), "/"), name);
}

const char *spw_strerror(spw_rc rc)
{
    switch (rc) {
    case SPW_OK:
        return "no error";
    case SPW_NOMEM:
        return "out of memory";
    case SPW_INVAL:
        return "an argument, a configuration or a snapshot breaks its contract";
    case SPW_LIMIT:
        return "more rows than the settings reserved room for";
    case SPW_VERSION:
        return "made for another version of this library";
    case SPW_STATE:
        return "saved state is damaged or belongs to another configuration";
    case SPW_BACKEND:
        return "a source or an actuator failed";
    }
    return "unknown error";
}

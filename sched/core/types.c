/* SPDX-License-Identifier: Apache-2.0 */
/* types.c - error sentences and stable keys. */
#include <spillway/types.h>

#include "core/hash.h"

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
        return "saved state is damaged";
    case SPW_BACKEND:
        return "a source or an actuator failed";
    }
    return "unknown error";
}

/* SPDX-License-Identifier: Apache-2.0 */
/* abi.c - what this build of the library is. */
#include <spillway/abi.h>

uint64_t spw_abi_digest(void)
{
    return SPW_ABI_DIGEST;
}

const char *spw_version(void)
{
    return SPILLWAY_VERSION;
}

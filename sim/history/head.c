/* SPDX-License-Identifier: GPL-3.0-or-later */
/* head.c - see head.h. */
#include "sim/history/head.h"

spw_rc hist_config(const spw_json_manifest *manifests, size_t count, spw_diag *diag, spw_manifest_set **set,
                   const spw_config **config)
{
    *set = spw_manifest_new(NULL);
    spw_rc rc = *set != NULL ? SPW_OK : SPW_NOMEM;
    for (size_t i = 0; i < count && rc == SPW_OK; i++) {
        rc = spw_manifest_add_text(*set, manifests[i].name, manifests[i].text, manifests[i].size, diag);
    }
    return rc == SPW_OK ? spw_manifest_config(*set, diag, config) : rc;
}

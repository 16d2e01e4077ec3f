/* SPDX-License-Identifier: GPL-3.0-or-later */
/** head.h - the head of a log of decisions: the manifests that it carries, as a configuration. */
#ifndef SIM_HISTORY_HEAD_H
#define SIM_HISTORY_HEAD_H

#include <spillway/json.h>

/**
 * Reads manifests as a log carries them.
 * @param out set     owns what *config points to; free with spw_manifest_free
 * @param out config  untouched on failure
 * @return SPW_OK (warnings in diag are possible); SPW_INVAL with errors in diag; SPW_NOMEM
 */
spw_rc hist_config(const spw_json_manifest *manifests, size_t count, spw_diag *diag, spw_manifest_set **set,
                   const spw_config **config);

#endif

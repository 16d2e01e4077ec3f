/* SPDX-License-Identifier: Apache-2.0 */
/* errors.c - see errors.h. */
#include "core/errors.h"

spw_rc err_set(spw_err *err, spw_rc code, spw_id row, const char *field, const char *text)
{
    if (err != NULL) {
        err->code = code;
        err->row = row;
        (void)snprintf(err->field, sizeof err->field, "%s", field);
        (void)snprintf(err->text, sizeof err->text, "%s", text);
    }
    return code;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* messages.c - see messages.h. */
#include "sim/scenario/messages.h"

#include <stdlib.h>
#include <string.h>

#include "sim/scenario/csvfile.h"
#include "sim/scenario/hash.h"

#define FILE_BYTES_MAX ((size_t)1 << 32)

void sc_messages_fini(sc_messages *m)
{
    free(m->text);
    *m = (sc_messages){NULL, 0, 0, 0};
}

void sc_messages_collect(const spw_diag *diag, sc_messages *out)
{
    size_t size = 1;
    int warnings = 0;
    for (size_t i = 0; i < spw_diag_count(diag); i++) {
        size += strlen(spw_diag_at(diag, i)) + 1;
        warnings += spw_diag_level_at(diag, i) == SPW_DIAG_WARNING;
    }
    char tail[64] = "";
    if (spw_diag_dropped(diag) > 0) {
        snprintf(tail, sizeof tail, "... and %zu more messages\n", spw_diag_dropped(diag));
    }
    size += strlen(tail);
    *out = (sc_messages){malloc(size), 0, (int)spw_diag_errors(diag), warnings};
    if (out->text == NULL) {
        return;
    }
    char *at = out->text;
    for (size_t i = 0; i < spw_diag_count(diag); i++) {
        const char *line = spw_diag_at(diag, i);
        const size_t length = strlen(line);
        memcpy(at, line, length);
        at[length] = '\n';
        at += length + 1;
    }
    memcpy(at, tail, strlen(tail) + 1);
    out->size = size - 1;
}

bool sc_check_name(spw_diag *diag, const ynode *node, const char *name)
{
    const size_t length = strlen(name);
    if (length > 0 && length <= 63 && name[0] != '-' &&
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length) {
        return true;
    }
    ynode_error(diag, node,
                "'metadata.name' must be 1 to 63 small letters, digits and '-', not starting with '-'; got '%s'", name);
    return false;
}

uint64_t sc_hash_file(uint64_t hash, const char *path)
{
    char ignored[8];
    csv_message message = {ignored, sizeof ignored};
    csv_bytes bytes = {NULL, 0};
    if (csv_slurp(path, FILE_BYTES_MAX, &bytes, &message)) {
        hash = hash_bytes(hash, bytes.data, bytes.size);
    }
    free(bytes.data);
    return hash;
}

const char *sc_keep_text(zone *z, const char *path)
{
    char ignored[8];
    csv_message message = {ignored, sizeof ignored};
    csv_bytes bytes = {NULL, 0};
    const char *text = NULL;
    if (csv_slurp(path, FILE_BYTES_MAX, &bytes, &message)) {
        text = zone_text(z, bytes.data, bytes.size);
    }
    free(bytes.data);
    return text;
}

/* SPDX-License-Identifier: Apache-2.0 */
/** diag.c - spw_diag: the first messages in full, the rest counted. */
#include "sched/manifest/zone.h"

#include <assert.h>
#include <inttypes.h>
#include <spillway/manifest.h>

#define KEEP_MAX 100000u /* bounds the table of a caller that asks for "all" */

struct spw_diag {
    zone z;
    const char **lines; /* [keep_max] */
    spw_diag_level *levels;
    size_t keep_max;
    size_t count;
    size_t dropped;
    size_t errors;
};

spw_rc spw_diag_new(const spw_mem *mem, size_t keep_max, spw_diag **out)
{
    zone z;
    spw_diag *diag;

    assert(out != NULL);
    if (keep_max > KEEP_MAX) {
        keep_max = KEEP_MAX;
    }
    zone_init(&z, mem);
    diag = zone_take(&z, sizeof(*diag));
    if (diag == NULL) {
        return SPW_NOMEM;
    }
    diag->lines = zone_array(&z, keep_max, sizeof(*diag->lines));
    diag->levels = zone_array(&z, keep_max, sizeof(*diag->levels));
    if (diag->lines == NULL || diag->levels == NULL) {
        zone_fini(&z);
        return SPW_NOMEM;
    }
    diag->keep_max = keep_max;
    diag->z = z;
    *out = diag;
    return SPW_OK;
}

void spw_diag_free(spw_diag *diag)
{
    if (diag != NULL) {
        zone z = diag->z; /* the collector lives in its own zone */
        zone_fini(&z);
    }
}

static const char *level_name(spw_diag_level level)
{
    switch (level) {
    case SPW_DIAG_ERROR:
        return "error";
    case SPW_DIAG_WARNING:
        return "warning";
    case SPW_DIAG_NOTE:
        return "note";
    }
    assert(false && "a level out of its enum");
    return "error";
}

void spw_diag_add(spw_diag *diag, spw_diag_level level, const char *file, int32_t line, int32_t column,
                  const char *format, ...)
{
    va_list args;
    char *text;
    char *whole = NULL;

    assert(diag != NULL && format != NULL);
    if (level == SPW_DIAG_ERROR) {
        diag->errors++;
    }
    if (diag->count == diag->keep_max) {
        diag->dropped++;
        return;
    }
    va_start(args, format);
    text = zone_vformat(&diag->z, format, args);
    va_end(args);
    if (text != NULL && file != NULL && line > 0) {
        whole =
            zone_format(&diag->z, "%s:%" PRId32 ":%" PRId32 ": %s: %s", file, line, column, level_name(level), text);
    } else if (text != NULL && file != NULL) {
        whole = zone_format(&diag->z, "%s: %s: %s", file, level_name(level), text);
    } else if (text != NULL) {
        whole = zone_format(&diag->z, "%s: %s", level_name(level), text);
    }
    if (whole == NULL) {
        diag->dropped++;
        return;
    }
    diag->lines[diag->count] = whole;
    diag->levels[diag->count] = level;
    diag->count++;
}

size_t spw_diag_errors(const spw_diag *diag)
{
    return diag->errors;
}

size_t spw_diag_count(const spw_diag *diag)
{
    return diag->count;
}

size_t spw_diag_dropped(const spw_diag *diag)
{
    return diag->dropped;
}

const char *spw_diag_at(const spw_diag *diag, size_t index)
{
    assert(index < diag->count);
    return diag->lines[index];
}

spw_diag_level spw_diag_level_at(const spw_diag *diag, size_t index)
{
    assert(index < diag->count);
    return diag->levels[index];
}

/* SPDX-License-Identifier: Apache-2.0 */
/**
 * cron_zone.h - time zones of timetables as fixed offsets from UTC.
 *
 * There is no zone database here, and a zone with daylight saving time has no single offset. So a zone is an offset
 * ("+08:00", "UTC+05:30"), a fixed zone of the Etc area ("Etc/GMT-8" is east of Greenwich), or the IANA name of a zone
 * that keeps one offset all year (as of the IANA tz database, release 2024b; the common ones of them).
 */
#ifndef SCHED_MANIFEST_CRON_ZONE_H
#define SCHED_MANIFEST_CRON_ZONE_H

#include <stdint.h>

typedef enum cron_zone_rc {
    CRON_ZONE_FOUND = 0,
    CRON_ZONE_MOVES = 1, /**< known to have daylight saving time */
    CRON_ZONE_UNKNOWN = 2
} cron_zone_rc;

/** @param out offset_s  east positive, whole minutes within 14 hours; set only for CRON_ZONE_FOUND */
cron_zone_rc cron_zone_find(const char *name, int32_t *offset_s);

#endif

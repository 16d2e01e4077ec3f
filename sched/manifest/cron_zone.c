/* SPDX-License-Identifier: Apache-2.0 */
/** cron_zone.c - see cron_zone.h. */
#include "sched/manifest/cron_zone.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define OFFSET_MAX_MIN (14 * 60)

typedef struct fixed_zone {
    const char *name;
    int32_t minutes;
} fixed_zone;

static const fixed_zone fixed_zones[] = {
    {"UTC", 0},
    {"GMT", 0},
    {"Z", 0},
    {"Etc/UTC", 0},
    {"Etc/GMT", 0},
    {"Africa/Accra", 0},
    {"Africa/Algiers", 60},
    {"Africa/Johannesburg", 120},
    {"Africa/Lagos", 60},
    {"Africa/Nairobi", 180},
    {"America/Argentina/Buenos_Aires", -180},
    {"America/Bogota", -300},
    {"America/Caracas", -240},
    {"America/Lima", -300},
    {"America/Mexico_City", -360},
    {"America/Panama", -300},
    {"America/Phoenix", -420},
    {"America/Sao_Paulo", -180},
    {"Asia/Bangkok", 420},
    {"Asia/Calcutta", 330},
    {"Asia/Chongqing", 480},
    {"Asia/Colombo", 330},
    {"Asia/Dhaka", 360},
    {"Asia/Dubai", 240},
    {"Asia/Ho_Chi_Minh", 420},
    {"Asia/Hong_Kong", 480},
    {"Asia/Jakarta", 420},
    {"Asia/Karachi", 300},
    {"Asia/Kathmandu", 345},
    {"Asia/Kolkata", 330},
    {"Asia/Kuala_Lumpur", 480},
    {"Asia/Macau", 480},
    {"Asia/Manila", 480},
    {"Asia/Qatar", 180},
    {"Asia/Riyadh", 180},
    {"Asia/Seoul", 540},
    {"Asia/Shanghai", 480},
    {"Asia/Singapore", 480},
    {"Asia/Taipei", 480},
    {"Asia/Tashkent", 300},
    {"Asia/Tokyo", 540},
    {"Asia/Urumqi", 360},
    {"Atlantic/Reykjavik", 0},
    {"Australia/Brisbane", 600},
    {"Australia/Darwin", 570},
    {"Australia/Perth", 480},
    {"Europe/Istanbul", 180},
    {"Europe/Minsk", 180},
    {"Europe/Moscow", 180},
    {"Pacific/Honolulu", -600},
    {"PRC", 480},
};

/* Only for a better message: names that would be looked up often and cannot be found. */
static const char *const moving_zones[] = {
    "America/Anchorage",
    "America/Chicago",
    "America/Denver",
    "America/Halifax",
    "America/Los_Angeles",
    "America/Montreal",
    "America/New_York",
    "America/Santiago",
    "America/Toronto",
    "America/Vancouver",
    "Africa/Cairo",
    "Asia/Jerusalem",
    "Asia/Beirut",
    "Atlantic/Azores",
    "Australia/Adelaide",
    "Australia/Melbourne",
    "Australia/Sydney",
    "Europe/Amsterdam",
    "Europe/Athens",
    "Europe/Berlin",
    "Europe/Brussels",
    "Europe/Bucharest",
    "Europe/Budapest",
    "Europe/Copenhagen",
    "Europe/Dublin",
    "Europe/Helsinki",
    "Europe/Kyiv",
    "Europe/Lisbon",
    "Europe/London",
    "Europe/Luxembourg",
    "Europe/Madrid",
    "Europe/Oslo",
    "Europe/Paris",
    "Europe/Prague",
    "Europe/Rome",
    "Europe/Stockholm",
    "Europe/Vienna",
    "Europe/Warsaw",
    "Europe/Zurich",
    "Pacific/Auckland",
    "CET",
    "EET",
    "EST5EDT",
    "CST6CDT",
    "MST7MDT",
    "PST8PDT",
    "MET",
    "WET",
};

/* One or two digits. @return false when there is none */
static bool read_digits(const char **at, int32_t *value)
{
    const char *p = *at;

    *value = 0;
    while (*p >= '0' && *p <= '9' && p - *at < 2) {
        *value = *value * 10 + (*p++ - '0');
    }
    if (p == *at) {
        return false;
    }
    *at = p;
    return true;
}

/* "+08:00", "-5", "+0530". @return false when it is no offset */
static bool read_offset(const char *text, int32_t *minutes)
{
    const int32_t sign = text[0] == '-' ? -1 : 1;
    int32_t hours = 0;
    int32_t rest = 0;

    if (text[0] != '+' && text[0] != '-') {
        return false;
    }
    text++;
    if (!read_digits(&text, &hours)) {
        return false;
    }
    text += *text == ':' ? 1 : 0;
    if (*text != '\0' && (!read_digits(&text, &rest) || rest > 59 || *text != '\0')) {
        return false;
    }
    *minutes = sign * (hours * 60 + rest);
    return hours * 60 + rest <= OFFSET_MAX_MIN;
}

cron_zone_rc cron_zone_find(const char *name, int32_t *offset_s)
{
    const bool posix = strncmp(name, "Etc/GMT", 7) == 0; /* its sign counts to the west */
    const char *offset =
        posix ? name + 7 : name + (strncmp(name, "UTC", 3) == 0 || strncmp(name, "GMT", 3) == 0 ? 3 : 0);
    int32_t minutes = 0;

    for (size_t i = 0; i < sizeof(fixed_zones) / sizeof(fixed_zones[0]); i++) {
        if (strcmp(fixed_zones[i].name, name) == 0) {
            *offset_s = fixed_zones[i].minutes * 60;
            return CRON_ZONE_FOUND;
        }
    }
    if (read_offset(offset, &minutes)) {
        *offset_s = (posix ? -minutes : minutes) * 60;
        return CRON_ZONE_FOUND;
    }
    for (size_t i = 0; i < sizeof(moving_zones) / sizeof(moving_zones[0]); i++) {
        if (strcmp(moving_zones[i], name) == 0) {
            return CRON_ZONE_MOVES;
        }
    }
    return CRON_ZONE_UNKNOWN;
}

#include "pipelines/sink/local_clock.h"

#include "base/timestamp.h"

#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct local_clock {
    uint32_t zones_count;
    GTimeZone *zones[];
};

int local_clock_create(struct local_clock **clock_out, const struct registry *registry)
{
    size_t size = sizeof(struct local_clock) + registry->zones_count * sizeof(GTimeZone *);
    struct local_clock *clock = calloc(1, size);
    if (clock == NULL)
        return -ENOMEM;
    clock->zones_count = registry->zones_count;
    for (uint32_t i = 0; i < clock->zones_count; i++) {
        clock->zones[i] = g_time_zone_new_identifier(registry->zones[i]);
        if (clock->zones[i] == NULL)
            clock->zones[i] = g_time_zone_new_utc();
    }
    *clock_out = clock;
    return 0;
}

void local_clock_destroy(struct local_clock **clock)
{
    if (*clock == NULL)
        return;
    struct local_clock *taken = TAKE(*clock);
    for (uint32_t i = 0; i < taken->zones_count; i++)
        g_time_zone_unref(taken->zones[i]);
    free(taken);
}

static int64_t offset_s(GTimeZone *zone, int64_t time_ms)
{
    int64_t time_s = time_ms / 1000 - (time_ms % 1000 < 0);
    int interval = g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, time_s);
    return g_time_zone_get_offset(zone, interval);
}

char *local_clock_format(const struct local_clock *clock, uint32_t zone, int64_t time_ms,
                         char text[LOCAL_TEXT_SIZE])
{
    ASSERT(zone < clock->zones_count);
    int64_t shift_s = offset_s(clock->zones[zone], time_ms);
    unsigned minutes = (unsigned)(llabs(shift_s) / 60);
    char utc[TIMESTAMP_TEXT_SIZE];
    timestamp_format(utc, time_ms + shift_s * 1000);
    utc[strlen(utc) - 1] = '\0'; /* its Z */
    (void)snprintf(text, LOCAL_TEXT_SIZE, "%s%c%02u:%02u", utc, shift_s < 0 ? '-' : '+',
                   minutes / 60, minutes % 60);
    return text;
}

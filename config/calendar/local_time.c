#include "config/calendar/local_time.h"

#include <glib.h>
#include <sys/param.h>

#include "base/decimal.h"
#include "base/timestamp.h"

/* No place is further than this from UTC. */
#define OFFSET_MAX_MS (16 * HOUR_MS)

/* GDate counts days from 0001-01-01, which is day 1; we count from 1970-01-01, which is day 0. */
enum { JULIAN_OF_EPOCH = 719163 };

static const struct local_time utc = {&(const struct offset_change){INT64_MIN, 0}, 1};

/* The index of the offset in force at time_ms. */
static uint32_t offset_index(const struct local_time *zone, int64_t time_ms)
{
    uint32_t low = 0;
    uint32_t high = zone->count;
    while (high - low > 1) { /* offsets[low].from_ms <= time_ms < offsets[high].from_ms */
        uint32_t middle = low + (high - low) / 2;
        if (zone->offsets[middle].from_ms <= time_ms)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static int64_t local_of(const struct local_time *zone, int64_t time_ms)
{
    return time_ms + zone->offsets[offset_index(zone, time_ms)].offset_ms;
}

/* The first instant at which clocks show local_ms or later, going from change to change. */
static int64_t instant_of(const struct local_time *zone, int64_t local_ms)
{
    uint32_t i = offset_index(zone, local_ms - OFFSET_MAX_MS);
    int64_t time_ms = local_ms - zone->offsets[i].offset_ms;
    while (i + 1 < zone->count && time_ms >= zone->offsets[i + 1].from_ms) {
        i++;
        time_ms = MAX(local_ms - zone->offsets[i].offset_ms, zone->offsets[i].from_ms);
    }
    return time_ms;
}

static int64_t add_months(int64_t day, int months)
{
    GDate date;
    g_date_clear(&date, 1);
    ASSERT(day > -JULIAN_OF_EPOCH && day < JULIAN_OF_EPOCH); /* years 1 .. 3939 */
    g_date_set_julian(&date, (guint32)(day + JULIAN_OF_EPOCH));
    if (months < 0)
        g_date_subtract_months(&date, (guint)-months);
    else
        g_date_add_months(&date, (guint)months);
    return (int64_t)g_date_get_julian(&date) - JULIAN_OF_EPOCH;
}

int64_t local_time_step(const struct local_time *zone, int64_t time_ms,
                        struct calendar_length length, int times)
{
    ASSERT(times == 1 || times == -1);
    if (zone->count == 0)
        zone = &utc;
    int64_t local_ms = local_of(zone, time_ms);
    int64_t day = (int64_t)div_floor(local_ms, DAY_MS);
    int64_t clock_ms = local_ms - day * DAY_MS;
    if (length.months != 0)
        day = add_months(day, times * length.months);
    return instant_of(zone, (day + (int64_t)times * length.days) * DAY_MS + clock_ms);
}

int64_t local_time_offset(const struct local_time *zone, int64_t time_ms, int64_t *until_ms_out)
{
    if (zone->count == 0)
        zone = &utc;
    uint32_t i = offset_index(zone, time_ms);
    *until_ms_out = i + 1 < zone->count ? zone->offsets[i + 1].from_ms : INT64_MAX;
    return zone->offsets[i].offset_ms;
}

bool local_time_is_midnight(const struct local_time *zone, int64_t time_ms)
{
    return local_of(zone->count == 0 ? &utc : zone, time_ms) % DAY_MS == 0;
}

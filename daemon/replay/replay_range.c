#include "daemon/replay/replay_range.h"

#include <stdio.h>
#include <string.h>
#include <sys/param.h>

#include "base/timestamp.h"
#include "config/calendar/calendar.h"

/* How long a meter may leave its next reading to come. */
static int64_t longest_interval(const struct registry *registry)
{
    int64_t longest_ms = 0;
    for (uint32_t i = 0; i < registry->meters_count; i++) {
        if (registry->meters[i].expected)
            longest_ms =
                MAX(longest_ms, MAX(registry->meters[i].interval_ms, registry->meters[i].every_ms));
    }
    return longest_ms;
}

/* The start of the longest window that `from_ms` lies in and that may be over. */
static int64_t start_of_longest(const struct replay_range *range, struct calendar *calendar)
{
    for (enum level level = LEVEL_YEAR; level >= LEVEL_DAY; level--) {
        struct window window = calendar_window(calendar, level, range->from_ms);
        if (window.end_ms <= range->over_ms)
            return window.start_ms;
    }
    return calendar_window(calendar, LEVEL_HOUR, range->from_ms).start_ms;
}

static int open_calendar(struct calendar **calendar_out, const struct config *config, uint32_t zone)
{
    return calendar_create(calendar_out, config->registry->zones[zone], config->window.bucket_ms,
                           config->window.fiscal_year_start);
}

int replay_range_plan(struct replay_range *replay_range_out, const struct config *config,
                      int64_t from_ms, int64_t until_ms)
{
    const struct window_conf *window = &config->window;
    struct replay_range range = {.from_ms = from_ms, .until_ms = until_ms};
    /* The newest reading may be early by the tolerance, and its bucket counts as seen. */
    range.over_ms = until_ms + window->early_tolerance_ms + window->bucket_ms;
    range.lead_ms = window->early_tolerance_ms + MAX(window->horizon_ms + window->allowed_delay_ms,
                                                     2 * longest_interval(config->registry));
    int64_t start_ms = from_ms;
    for (uint32_t i = 0; i < config->registry->zones_count; i++) {
        struct calendar *calendar;
        int err = open_calendar(&calendar, config, i);
        if (err < 0)
            return err;
        start_ms = MIN(start_ms, start_of_longest(&range, calendar));
        calendar_destroy(&calendar);
    }
    range.read_from_ms = start_ms - range.lead_ms;
    *replay_range_out = range;
    return 0;
}

int64_t replay_range_right_ms(const struct replay_range *range, int64_t first_ms)
{
    return first_ms + range->lead_ms;
}

/* Each name once: the zones agree on nearly all of them. A window's middle is in its own month. */
static void add_name(struct buffer *out, enum level level, struct window window)
{
    char date[TIMESTAMP_TEXT_SIZE];
    char name[TIMESTAMP_TEXT_SIZE + 16];
    switch (level) {
    case LEVEL_YEAR:
        timestamp_format(date, window.start_ms + 14 * DAY_MS);
        (void)snprintf(name, sizeof(name), "year from %.7s", date);
        break;
    case LEVEL_MONTH:
        timestamp_format(date, window.start_ms + 14 * DAY_MS);
        (void)snprintf(name, sizeof(name), "month %.7s", date);
        break;
    default:
        timestamp_format(date, window.start_ms + DAY_MS / 2);
        (void)snprintf(name, sizeof(name), "day %.10s", date);
        break;
    }
    const char *text = buffer_text(out);
    if (text == NULL || strstr(text, name) != NULL)
        return;
    buffer_printf(out, "%s%s", out->size > 0 ? ", " : "", name);
}

static void name_lost(const struct replay_range *range, struct calendar *calendar, enum level level,
                      int64_t right_ms, struct buffer *out)
{
    int64_t time_ms = range->from_ms;
    for (;;) {
        struct window window = calendar_window(calendar, level, time_ms);
        if (window.start_ms >= right_ms || window.end_ms > range->over_ms)
            return;
        add_name(out, level, window);
        time_ms = window.end_ms;
    }
}

int replay_range_name_lost(const struct replay_range *range, const struct config *config,
                           int64_t right_ms, struct buffer *out)
{
    struct buffer names;
    buffer_init(&names, 1 << 20);
    int err = 0;
    for (enum level level = LEVEL_YEAR; level >= LEVEL_DAY && err == 0; level--) {
        if (level == LEVEL_DAY && names.size > 0)
            break;
        for (uint32_t i = 0; i < config->registry->zones_count && err == 0; i++) {
            struct calendar *calendar;
            err = open_calendar(&calendar, config, i);
            if (err < 0)
                break;
            name_lost(range, calendar, level, right_ms, &names);
            calendar_destroy(&calendar);
        }
    }
    if (err == 0 && names.size == 0 && right_ms > range->from_ms && range->from_ms < range->over_ms)
        buffer_add_str(&names, "hours and buckets before it");
    buffer_add(out, names.data, names.size);
    buffer_fini(&names);
    return err;
}

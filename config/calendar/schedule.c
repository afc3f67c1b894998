#include "config/calendar/schedule.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/param.h>

#include "base/decimal.h"
#include "base/timestamp.h"

enum { DAY_MIN = 24 * 60, WEEK_DAYS = 7, TIMES_SIZE = 11 /* HH:MM-HH:MM */ };
#define WEEK_MS (7 * DAY_MS)

/* 1970-01-01 was a Thursday. */
#define MONDAY_MS (3 * DAY_MS)

struct text {
    const char *at;
    size_t size;
};

struct parsing {
    int64_t bucket_ms;
    struct schedule_fault *fault;
    bool week[SCHEDULE_WEEK_MIN]; /* minutes that are within the schedule */
};

static bool refuse(struct parsing *parsing, struct text found, const char *accepted)
{
    *parsing->fault =
        (struct schedule_fault){.found = found.at, .size = (int)found.size, .accepted = accepted};
    return false;
}

static struct text trim(struct text text)
{
    while (text.size > 0 && text.at[0] == ' ')
        text = (struct text){text.at + 1, text.size - 1};
    while (text.size > 0 && text.at[text.size - 1] == ' ')
        text.size--;
    return text;
}

/* The text up to the first `end`, which is taken off `rest` with it. Without one it is all of it,
 * and rest->at becomes NULL. */
static struct text cut(struct text *rest, char end)
{
    const char *found = memchr(rest->at, end, rest->size);
    struct text piece = *rest;
    if (found == NULL) {
        *rest = (struct text){NULL, 0};
        return piece;
    }
    piece.size = (size_t)(found - rest->at);
    *rest = (struct text){found + 1, rest->size - piece.size - 1};
    return piece;
}

/* --- days --- */

static bool read_day(int *day_out, struct parsing *parsing, struct text text)
{
    static const char names[WEEK_DAYS][4] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    for (int day = 0; day < WEEK_DAYS; day++) {
        if (text.size == 3 && memcmp(text.at, names[day], 3) == 0) {
            *day_out = day;
            return true;
        }
    }
    return refuse(parsing, text, "Mon, Tue, Wed, Thu, Fri, Sat, Sun");
}

/* "Mon", or "Mon-Fri"; "Sat-Mon" goes on over Sunday. */
static bool read_range(bool days[WEEK_DAYS], struct parsing *parsing, struct text range)
{
    int first;
    struct text rest = range;
    if (!read_day(&first, parsing, cut(&rest, '-')))
        return false;
    int last = first;
    if (rest.at != NULL && !read_day(&last, parsing, rest))
        return false;
    for (int day = first; day != last; day = (day + 1) % WEEK_DAYS)
        days[day] = true;
    days[last] = true;
    return true;
}

static bool read_days(bool days[WEEK_DAYS], struct parsing *parsing, struct text list)
{
    while (list.at != NULL)
        if (!read_range(days, parsing, trim(cut(&list, ','))))
            return false;
    return true;
}

/* --- times --- */

static bool read_time(int *min_out, struct parsing *parsing, struct text text)
{
    const char *at = text.at;
    if (!g_ascii_isdigit(at[0]) || !g_ascii_isdigit(at[1]) || at[2] != ':' ||
        !g_ascii_isdigit(at[3]) || !g_ascii_isdigit(at[4]))
        return refuse(parsing, text, "a time of local clocks, HH:MM");
    int hour = (at[0] - '0') * 10 + at[1] - '0';
    int min = (at[3] - '0') * 10 + at[4] - '0';
    if (min > 59 || hour * 60 + min > DAY_MIN)
        return refuse(parsing, text, "times from 00:00 to 24:00");
    *min_out = hour * 60 + min;
    if (*min_out * MINUTE_MS % parsing->bucket_ms != 0)
        return refuse(parsing, text, "times at which a bucket begins (windows.bucket)");
    return true;
}

static bool read_times(int *from_out, int *to_out, struct parsing *parsing, struct text times)
{
    if (times.size != TIMES_SIZE || times.at[5] != '-')
        return refuse(parsing, times, "two times of local clocks, such as 06:00-22:00");
    if (!read_time(from_out, parsing, (struct text){times.at, 5}) ||
        !read_time(to_out, parsing, (struct text){times.at + 6, 5}))
        return false;
    if (*from_out == DAY_MIN)
        return refuse(parsing, times, "24:00 as the end only");
    if (*from_out == *to_out)
        return refuse(parsing, times, "an end that is not the beginning; a day is 00:00-24:00");
    return true;
}

/* --- entries --- */

static bool read_entry(struct parsing *parsing, struct text entry)
{
    bool days[WEEK_DAYS] = {false};
    struct text list = {"Mon-Sun", 7};
    struct text times = entry;
    const char *space = memrchr(entry.at, ' ', entry.size);
    if (space != NULL) {
        list = (struct text){entry.at, (size_t)(space - entry.at)};
        times = (struct text){space + 1, entry.size - list.size - 1};
    }
    int from_min;
    int to_min;
    if (!read_times(&from_min, &to_min, parsing, times) || !read_days(days, parsing, list))
        return false;
    if (to_min < from_min)
        to_min += DAY_MIN; /* it ends on the next day */
    for (int day = 0; day < WEEK_DAYS; day++)
        for (int min = from_min; days[day] && min < to_min; min++)
            parsing->week[(day * DAY_MIN + min) % SCHEDULE_WEEK_MIN] = true;
    return true;
}

static bool read_entries(struct parsing *parsing, struct text text)
{
    static const char accepted[] = "days and times, such as Mon-Fri 06:00-22:00; Sat 06:00-14:00";
    if (text.size > SCHEDULE_BYTES_MAX)
        return refuse(parsing, (struct text){text.at, 16}, "at most 511 bytes");
    int count = 0;
    while (text.at != NULL) {
        struct text entry = trim(cut(&text, ';'));
        if (entry.size == 0)
            return refuse(parsing, entry, accepted);
        if (++count > SCHEDULE_ENTRIES_MAX)
            return refuse(parsing, entry, "at most 16 entries, with a semicolon between them");
        if (!read_entry(parsing, entry))
            return false;
    }
    return true;
}

/* Forms the spans of `week`; without `spans` it counts them only. */
static uint32_t find_spans(const bool week[SCHEDULE_WEEK_MIN], struct schedule_span *spans)
{
    uint32_t count = 0;
    for (int from = 0; from < SCHEDULE_WEEK_MIN; from++) {
        int to = from;
        while (to < SCHEDULE_WEEK_MIN && week[to])
            to++;
        if (to == from)
            continue;
        if (spans != NULL)
            spans[count] = (struct schedule_span){(uint16_t)from, (uint16_t)to};
        count++;
        from = to;
    }
    return count;
}

int schedule_parse(const struct schedule **schedule_out, struct arena *arena, const char *text,
                   size_t size, int64_t bucket_ms, struct schedule_fault *fault_out)
{
    struct parsing parsing = {.bucket_ms = bucket_ms, .fault = fault_out};
    if (!read_entries(&parsing, (struct text){text, size}))
        return -EINVAL;
    uint32_t count = find_spans(parsing.week, NULL);
    struct schedule *schedule =
        arena_alloc(arena, sizeof(*schedule) + count * sizeof(schedule->spans[0]));
    if (schedule == NULL)
        return -ENOMEM;
    schedule->count = find_spans(parsing.week, schedule->spans);
    for (uint32_t i = 0; i < count; i++)
        schedule->week_min += schedule->spans[i].to_min - schedule->spans[i].from_min;
    *schedule_out = schedule;
    return 0;
}

/* --- time --- */

/* How long of the time from some Monday up to local_ms is within the schedule. */
static int64_t time_up_to(const struct schedule *schedule, int64_t local_ms)
{
    const int64_t week_ms = WEEK_MS;
    local_ms += MONDAY_MS;
    int64_t week = (int64_t)div_floor(local_ms, week_ms);
    int64_t in_week_ms = local_ms - week * week_ms;
    int64_t time_ms = week * schedule->week_min * MINUTE_MS;
    for (uint32_t i = 0; i < schedule->count; i++) {
        int64_t from_ms = schedule->spans[i].from_min * MINUTE_MS;
        if (from_ms >= in_week_ms)
            break;
        time_ms += MIN(schedule->spans[i].to_min * MINUTE_MS, in_week_ms) - from_ms;
    }
    return time_ms;
}

int64_t schedule_time(const struct schedule *schedule, const struct local_time *zone,
                      int64_t from_ms, int64_t to_ms)
{
    int64_t time_ms = 0;
    while (from_ms < to_ms) {
        int64_t until_ms;
        int64_t offset_ms = local_time_offset(zone, from_ms, &until_ms);
        until_ms = MIN(until_ms, to_ms);
        time_ms +=
            time_up_to(schedule, until_ms + offset_ms) - time_up_to(schedule, from_ms + offset_ms);
        from_ms = until_ms;
    }
    return time_ms;
}

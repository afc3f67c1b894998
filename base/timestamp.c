#include "base/timestamp.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"

enum { DAYS_PER_ERA = 146097, EPOCH_DAY = 719468 };

struct timestamp_reader {
    const char *at, *end;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads exactly `count` digits. */
static bool read_digits(struct timestamp_reader *reader, int count, int *value_out)
{
    if (reader->end - reader->at < count)
        return false;
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (!is_digit(reader->at[i]))
            return false;
        value = value * 10 + (reader->at[i] - '0');
    }
    reader->at += count;
    *value_out = value;
    return true;
}

static bool read_one_of(struct timestamp_reader *reader, const char *set)
{
    if (reader->at == reader->end || *reader->at == '\0' || strchr(set, *reader->at) == NULL)
        return false;
    reader->at++;
    return true;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* Counted in years that begin in March, so that the leap day is the last of its year; an era is
 * 400 years, after which the calendar repeats. */
static int64_t days_from_date(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - EPOCH_DAY;
}

static void date_from_days(int64_t days, int64_t *year_out, int *month_out, int *day_out)
{
    days += EPOCH_DAY;
    int64_t era = (days >= 0 ? days : days - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
    int64_t day_of_era = days - era * DAYS_PER_ERA;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / (DAYS_PER_ERA - 1)) /
        365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int month = (int)((5 * day_of_year + 2) / 153);
    *day_out = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    *month_out = month < 10 ? month + 3 : month - 9;
    *year_out = era * 400 + year_of_era + (*month_out <= 2);
}

/* YYYY-MM-DD, as days since 1970-01-01. */
static bool read_date(struct timestamp_reader *reader, int64_t *days_out)
{
    int year = 0;
    int month = 0;
    int day = 0;
    if (!read_digits(reader, 4, &year) || !read_one_of(reader, "-") ||
        !read_digits(reader, 2, &month) || !read_one_of(reader, "-") ||
        !read_digits(reader, 2, &day))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return false;
    *days_out = days_from_date(year, month, day);
    return true;
}

/* HH:MM:SS[.fraction]; a second of 60 is left to the caller to judge. */
static bool read_time(struct timestamp_reader *reader, int *ms_out, bool *leap_out)
{
    int hour = 0;
    int minute = 0;
    int second = 0;
    if (!read_digits(reader, 2, &hour) || !read_one_of(reader, ":") ||
        !read_digits(reader, 2, &minute) || !read_one_of(reader, ":") ||
        !read_digits(reader, 2, &second))
        return false;
    if (hour > 23 || minute > 59 || second > 60)
        return false;
    int ms = 0;
    if (read_one_of(reader, ".")) {
        if (reader->at == reader->end || !is_digit(*reader->at))
            return false;
        for (int unit = 100; reader->at < reader->end && is_digit(*reader->at); unit /= 10)
            ms += (*reader->at++ - '0') * unit;
    }
    *ms_out = ((hour * 60 + minute) * 60 + second) * 1000 + ms;
    *leap_out = second == 60;
    return true;
}

/* Z or +HH:MM or -HH:MM. */
static bool read_offset(struct timestamp_reader *reader, int *minutes_out)
{
    *minutes_out = 0;
    if (read_one_of(reader, "Zz"))
        return true;
    bool west = reader->at < reader->end && *reader->at == '-';
    int hours = 0;
    int minutes = 0;
    if (!read_one_of(reader, "+-") || !read_digits(reader, 2, &hours) ||
        !read_one_of(reader, ":") || !read_digits(reader, 2, &minutes))
        return false;
    if (hours > 23 || minutes > 59)
        return false;
    *minutes_out = (hours * 60 + minutes) * (west ? -1 : 1);
    return true;
}

/* Leap seconds are inserted at the end of a month, in UTC; what follows is the first of the next.
 */
static bool follows_leap_second(int64_t ms)
{
    int64_t days = (int64_t)div_floor(ms, DAY_MS);
    int64_t year = 0;
    int month = 0;
    int day = 0;
    date_from_days(days, &year, &month, &day);
    return ms - days * DAY_MS < 1000 && day == 1;
}

int timestamp_parse(int64_t *ms_out, const char *text, size_t size)
{
    struct timestamp_reader reader = {.at = text, .end = text + size};
    int64_t days = 0;
    int time_ms = 0;
    int offset_minutes = 0;
    bool leap = false;
    if (!read_date(&reader, &days) || !read_one_of(&reader, "Tt ") ||
        !read_time(&reader, &time_ms, &leap) || !read_offset(&reader, &offset_minutes) ||
        reader.at != reader.end)
        return ERR_SYNTAX;
    int64_t ms = days * DAY_MS + time_ms - offset_minutes * MINUTE_MS;
    if (leap && !follows_leap_second(ms))
        return ERR_SYNTAX;
    if (ms < TIME_MIN_MS || ms > TIME_MAX_MS)
        return ERR_RANGE;
    *ms_out = ms;
    return 0;
}

int timestamp_from_int(int64_t *ms_out, int64_t value, enum time_unit unit)
{
    int64_t ms = 0;
    switch (unit) {
    case TIME_UNIT_S:
        if (__builtin_mul_overflow(value, 1000, &ms))
            return ERR_RANGE;
        break;
    case TIME_UNIT_MS:
        ms = value;
        break;
    case TIME_UNIT_US:
        ms = (int64_t)div_floor(value, 1000);
        break;
    case TIME_UNIT_NS:
        ms = (int64_t)div_floor(value, 1000000);
        break;
    case TIME_UNIT_NONE:
    default:
        return ERR_SYNTAX;
    }
    if (ms < TIME_MIN_MS || ms > TIME_MAX_MS)
        return ERR_RANGE;
    *ms_out = ms;
    return 0;
}

char *timestamp_format(char text[TIMESTAMP_TEXT_SIZE], int64_t ms)
{
    int64_t days = (int64_t)div_floor(ms, DAY_MS);
    int of_day = (int)((ms % DAY_MS + DAY_MS) % DAY_MS); /* the first day's start has no 64 bits */
    int64_t year = 0;
    int month = 0;
    int day = 0;
    date_from_days(days, &year, &month, &day);
    int second = of_day / 1000;
    int size = snprintf(text, TIMESTAMP_TEXT_SIZE, "%04" PRId64 "-%02d-%02dT%02d:%02d:%02d", year,
                        month, day, second / 3600, second / 60 % 60, second % 60);
    ASSERT(size > 0 && size + 6 <= TIMESTAMP_TEXT_SIZE);
    if (of_day % 1000 != 0)
        (void)snprintf(text + size, TIMESTAMP_TEXT_SIZE - (size_t)size, ".%03dZ", of_day % 1000);
    else
        memcpy(text + size, "Z", 2);
    return text;
}

#include "config/targets/civil.h"

/*
 * The year is taken to begin on 1 March, so that the day that leap years add is its last. Then the
 * months 3 .. 14 have the lengths 31 30 31 30 31, repeated, and a straight line gives the days
 * before each; and 400 years, an era, always have the same number of days.
 */
enum {
    ERA_YEARS = 400,
    ERA_DAYS = 146097,
    CENTURY_DAYS = 36524,
    FOUR_YEARS_DAYS = 1460,
    YEAR_DAYS = 365,
    EPOCH_DAYS = 719468 /* from 0000-03-01 to 1970-01-01 */
};

static int32_t floor_div(int32_t number, int32_t divisor)
{
    int32_t quotient = number / divisor;
    return number % divisor < 0 ? quotient - 1 : quotient;
}

/* Days before the month, of a year that begins in March: 0 is March. */
static int32_t days_before(int32_t month)
{
    return (153 * month + 2) / 5;
}

int32_t civil_day(int year, int month, int day)
{
    ASSERT(month >= 1 && month <= 12 && day >= 1 && day <= 31);
    int32_t since_march = (month + 9) % 12;
    int32_t march_year = month <= 2 ? year - 1 : year;
    int32_t era = floor_div(march_year, ERA_YEARS);
    int32_t year_of_era = march_year - era * ERA_YEARS;
    int32_t day_of_era = year_of_era * YEAR_DAYS + year_of_era / 4 - year_of_era / 100 +
                         days_before(since_march) + day - 1;
    return era * ERA_DAYS + day_of_era - EPOCH_DAYS;
}

struct date civil_date(int32_t day)
{
    int32_t shifted = day + EPOCH_DAYS;
    int32_t era = floor_div(shifted, ERA_DAYS);
    int32_t day_of_era = shifted - era * ERA_DAYS;
    /* Without its leap days, an era has years of 365 days. */
    int32_t year_of_era = (day_of_era - day_of_era / FOUR_YEARS_DAYS + day_of_era / CENTURY_DAYS -
                           day_of_era / (ERA_DAYS - 1)) /
                          YEAR_DAYS;
    int32_t day_of_year =
        day_of_era - (year_of_era * YEAR_DAYS + year_of_era / 4 - year_of_era / 100);
    int32_t since_march = (5 * day_of_year + 2) / 153;
    int32_t month = since_march < 10 ? since_march + 3 : since_march - 9;
    int32_t year = era * ERA_YEARS + year_of_era + (month <= 2);
    return (struct date){(int16_t)year, (uint8_t)month,
                         (uint8_t)(day_of_year - days_before(since_march) + 1)};
}

int civil_weekday(int32_t day)
{
    int32_t from_monday = day + 3; /* 1970-01-01 was a Thursday */
    return (int)(from_monday - floor_div(from_monday, 7) * 7);
}

struct civil_year civil_year_named(int year, int year_start)
{
    ASSERT(year_start >= 1 && year_start <= 12);
    struct civil_year named = {.year = (int16_t)year};
    int begins_in = year_start == 1 ? year : year - 1;
    for (int i = 0; i <= 12; i++) {
        int month = year_start - 1 + i; /* from January of begins_in */
        named.month_first[i] = civil_day(begins_in + month / 12, month % 12 + 1, 1);
    }
    named.first_day = named.month_first[0];
    named.days = named.month_first[12] - named.first_day;
    return named;
}

struct civil_year civil_year_of(int32_t day, int year_start)
{
    struct date date = civil_date(day);
    bool next = year_start > 1 && date.month >= year_start;
    return civil_year_named(date.year + next, year_start);
}

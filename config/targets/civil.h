/*
 * civil.h - dates without a zone as days from 1970-01-01, and years that begin in any month.
 *
 * A target year is named by the calendar year in which it ends: with year_start 4 the year 2026 is
 * 2025-04-01 up to 2026-03-31. Pure. Thread: any.
 */
#ifndef GHGD_CIVIL_H
#define GHGD_CIVIL_H

#include "base/date.h"

/* The date's day; it is a date of the proleptic Gregorian calendar. */
int32_t civil_day(int year, int month, int day);
struct date civil_date(int32_t day);
/* 0 is Monday. */
int civil_weekday(int32_t day);

struct civil_year {
    int16_t year; /* its name */
    int32_t first_day, days;
    int32_t month_first[13]; /* days from 1970, of its months in their order; the last is its end */
};

/* year_start is a month, 1 .. 12. */
struct civil_year civil_year_of(int32_t day, int year_start);
struct civil_year civil_year_named(int year, int year_start);

#endif

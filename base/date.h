/*
 * date.h - a day of the Gregorian calendar, in no time zone: YYYY-MM-DD. Pure. Thread: any.
 */
#ifndef GHGD_DATE_H
#define GHGD_DATE_H

#include "base/base.h"

struct date {
    int16_t year; /* 1900 to 2199; 0: no date, open */
    uint8_t month, day;
};

/* Returns 0, or ERR_SYNTAX for what is no day of the years 1900 to 2199. */
int date_parse(struct date *date_out, const char *text, size_t size) MUST_CHECK;
/* date_cmp(a, b) is negative, 0 or positive as a is before, at or after b. */
int date_cmp(struct date a, struct date b);
bool date_is_open(struct date date);

enum { WEEKDAYS = 7 };
/* Mon, Tue, ...; 0 is Monday. */
const char *date_weekday_name(int weekday);

#endif

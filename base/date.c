#include "base/date.h"

enum { YEAR_MIN = 1900, YEAR_MAX = 2199 };

static int days_of_month(int year, int month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

int date_parse(struct date *date_out, const char *text, size_t size)
{
    static const char shape[] = "0000-00-00";
    int parts[3] = {0};
    if (size != sizeof(shape) - 1)
        return ERR_SYNTAX;
    for (size_t i = 0, part = 0; i < size; i++) {
        bool dash = shape[i] == '-';
        if (dash ? text[i] != '-' : text[i] < '0' || text[i] > '9')
            return ERR_SYNTAX;
        part += dash;
        if (!dash)
            parts[part] = parts[part] * 10 + (text[i] - '0');
    }
    if (parts[0] < YEAR_MIN || parts[0] > YEAR_MAX || parts[1] < 1 || parts[1] > 12 ||
        parts[2] < 1 || parts[2] > days_of_month(parts[0], parts[1]))
        return ERR_SYNTAX;
    *date_out = (struct date){(int16_t)parts[0], (uint8_t)parts[1], (uint8_t)parts[2]};
    return 0;
}

int date_cmp(struct date a, struct date b)
{
    if (a.year != b.year)
        return a.year - b.year;
    return a.month != b.month ? a.month - b.month : a.day - b.day;
}

bool date_is_open(struct date date)
{
    return date.year == 0;
}

const char *date_weekday_name(int weekday)
{
    static const char names[WEEKDAYS][4] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    ASSERT(weekday >= 0 && weekday < WEEKDAYS);
    return names[weekday];
}

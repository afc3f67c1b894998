#include "pipelines/notice/numerals.h"

#include "base/decimal.h"
#include "config/targets/civil.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MG_OF_KG = 1000000, GROUP_DIGITS = 3, DIGITS_MAX = 24 };
#define MG_OF_TONNE INT64_C(1000000000)
#define PRECISE_BELOW_MG (100 * MG_OF_TONNE)

static const struct {
    char group, point;
    const char *percent;
} styles[LANGUAGE_COUNT] = {[LANGUAGE_EN] = {',', '.', " %"},
                            [LANGUAGE_ZH] = {',', '.', "%"},
                            [LANGUAGE_VI] = {'.', ',', "%"}};

/* value / 10^decimals. */
static void add_number(struct buffer *out, enum language language, int64_t value, unsigned decimals,
                       bool sign)
{
    if (value < 0)
        buffer_add_char(out, '-');
    else if (sign && value > 0)
        buffer_add_char(out, '+');
    char digits[DIGITS_MAX];
    uint64_t size_of_it = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    int count = snprintf(digits, sizeof(digits), "%0*llu", (int)decimals + 1,
                         (unsigned long long)size_of_it);
    ASSERT(count > 0 && count < DIGITS_MAX);
    size_t whole = (size_t)count - decimals;
    for (size_t i = 0; i < whole; i++) {
        if (i > 0 && (whole - i) % GROUP_DIGITS == 0)
            buffer_add_char(out, styles[language].group);
        buffer_add_char(out, digits[i]);
    }
    if (decimals > 0)
        buffer_add_char(out, styles[language].point);
    buffer_add(out, digits + whole, decimals);
}

void numerals_add_tonnes(struct buffer *out, enum language language, int64_t mass_mg, bool sign)
{
    bool precise = mass_mg > -PRECISE_BELOW_MG && mass_mg < PRECISE_BELOW_MG;
    int64_t step_mg = precise ? MG_OF_KG : MG_OF_TONNE / 10;
    add_number(out, language, (int64_t)div_round_even(mass_mg, step_mg), precise ? 3 : 1, sign);
}

void numerals_add_percent(struct buffer *out, enum language language, int64_t value,
                          unsigned decimals, bool sign)
{
    add_number(out, language, value, decimals, sign);
    buffer_add_str(out, styles[language].percent);
}

void numerals_add_date(struct buffer *out, enum language language, int32_t day)
{
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    struct date date = civil_date(day);
    ASSERT(date.month >= 1 && date.month <= ARRAY_LEN(months));
    switch (language) {
    case LANGUAGE_ZH:
        buffer_printf(out, "%d年%d月%d日", date.year, date.month, date.day);
        break;
    case LANGUAGE_VI:
        buffer_printf(out, "%02d/%02d/%d", date.day, date.month, date.year);
        break;
    default:
        buffer_printf(out, "%d %s %d", date.day, months[date.month - 1], date.year);
        break;
    }
}

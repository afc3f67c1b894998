/*
 * shares.h - how a year is planned over its months and days: whole parts of 1e9. The parts of a
 * year sum to exactly 1e9.
 *
 * Every day has a factor: PART_ONE for a working day, `nonworking` for a day off. A month's working
 * days are the sum of its factors. Its share of each past year is divided by its working days then;
 * the median (an even one is the mean of the middle two) is multiplied by its working days of this
 * year, and the twelve are normalised. Months are rounded first, then the days within each, in
 * proportion to their factors; remainders go to the largest rests, ties to the earlier. So the sum
 * up to a month's end is the sum of the months' own shares. Rules: docs/trajectory.md. Pure.
 */
#ifndef GHGD_SHARES_H
#define GHGD_SHARES_H

#include "config/targets/civil.h"
#include "config/targets/targets.h"

enum {
    YEAR_DAYS_MAX = 366,
    YEAR_MONTHS = 12,
    SHARES_YEARS_MAX = 64 /* past years; history begins in this century, or shortly before */
};
#define MONTH_WORKING_MAX (INT64_C(31) * PART_ONE)

enum shares_basis {
    SHARES_LINEAR,    /* over the days of the year, each alike */
    SHARES_BASE_YEAR, /* of one year only */
    SHARES_MEDIAN,    /* of two years or more */
    SHARES_GIVEN
};

/* A complete year of the past: masses of its months, and the working days that they had. A mass
 * below 0 counts as 0; none is above INT64_MAX / 12. */
struct past_year {
    int64_t mg[YEAR_MONTHS];
    int64_t working[YEAR_MONTHS]; /* shares_working() of that year: 0 .. MONTH_WORKING_MAX */
};

struct shares {
    struct civil_year year;
    enum shares_basis basis;
    uint32_t years;             /* of the past that it is of: those with emissions */
    int64_t month[YEAR_MONTHS]; /* parts; they sum to PART_ONE */
    int32_t day[YEAR_DAYS_MAX]; /* parts; a month's days sum to its month */
};

/* Each alike; the months follow from the days. */
void shares_linear(struct shares *shares_out, const struct civil_year *year);
/* The month's working days: the sum of its days' factors, 0 .. PART_ONE each. month is 0 .. 11. */
int64_t shares_working(const struct civil_year *year, const int64_t factors[], int month);
/* From past years, 1 .. SHARES_YEARS_MAX. Factors of this year's days: 0 .. PART_ONE. A month
 * without any working day in this year has no share. A month that had none in a past year is left
 * out of that year's figures; without figures of any year it has no share. A year whose masses are
 * all 0 tells nothing. If there is nothing to go by, shares are linear. */
void shares_of_past(struct shares *shares_out, const struct civil_year *year,
                    const int64_t factors[], const struct past_year *past, uint32_t past_count);
/* Given parts of months, each 0 or above, which sum to PART_ONE; a month without working days
 * spreads evenly. */
void shares_given(struct shares *shares_out, const struct civil_year *year, const int64_t factors[],
                  const int64_t months[YEAR_MONTHS]);

/* The sum up to the end of that day of the year (0 is the first); -1: 0. */
int64_t shares_until(const struct shares *shares, int32_t day_of_year);
/* W within that day: the sum up to the day before, and of the day's share the `part` (of PART_ONE)
 * that has passed, half to even. */
int64_t shares_at(const struct shares *shares, int32_t day_of_year, int64_t part);

/* Cuts `whole` >= 0 into parts in proportion to weights >= 0, whose sum is above 0 and below 2^62:
 * rounded down, and what is left goes to the largest rests, ties to the earlier. count is at most
 * YEAR_DAYS_MAX. */
void shares_cut(int64_t parts_out[], int64_t whole, const int64_t weights[], uint32_t count);

#endif

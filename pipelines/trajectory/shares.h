/*
 * shares.h - how a year is planned over its months and days: whole parts of 1e9, of which a year
 * has exactly 1e9.
 *
 * Every day has a factor: PART_ONE for a working day, `nonworking` for a day off. A month's working
 * days are the sum of its factors. Its share of each past year is divided by its working days then;
 * the median (an even one is the mean of the middle two) is multiplied by its working days of this
 * year, and the twelve are normalised. Months are rounded first, then the days within each, in
 * proportion to their factors; remainders go to the largest rests, ties to the earlier. So the sum
 * up to a month's end is the sum of the months' own shares. Rules: docs/targets.md. Pure.
 */
#ifndef GHGD_SHARES_H
#define GHGD_SHARES_H

#include "config/targets/civil.h"
#include "config/targets/targets.h"

enum { YEAR_DAYS_MAX = 366, YEAR_MONTHS = 12 };

enum shares_basis {
    SHARES_LINEAR,   /* over the days of the year, each alike */
    SHARES_BASE_YEAR, /* of one year only */
    SHARES_MEDIAN,   /* of two years or more */
    SHARES_GIVEN
};

/* A complete year of the past: masses of its months, and the working days that they had. */
struct past_year {
    int64_t mg[YEAR_MONTHS];
    int64_t working[YEAR_MONTHS]; /* sums of day factors, parts of 1e9 */
};

struct shares {
    struct civil_year year;
    enum shares_basis basis;
    int64_t month[YEAR_MONTHS]; /* parts; they sum to PART_ONE */
    int32_t day[YEAR_DAYS_MAX]; /* parts; a month's days sum to its month */
};

/* Each alike; the months follow from the days. */
void shares_linear(struct shares *shares_out, const struct civil_year *year);
/* From past years, at least one. Factors of this year's days: 0 .. PART_ONE. A month without any
 * working day in this year has none; one that had none in a past year tells nothing of that year. If
 * nothing is left to go by (all masses 0 or negative in sum), it is linear. */
void shares_of_past(struct shares *shares_out, const struct civil_year *year,
                    const int64_t factors[], const struct past_year *past, uint32_t past_count);
/* Given parts of months, which sum to PART_ONE; a month without working days spreads evenly. */
void shares_given(struct shares *shares_out, const struct civil_year *year,
                  const int64_t factors[], const int64_t months[YEAR_MONTHS]);

/* The sum up to the end of that day of the year (0 is the first); -1: 0. */
int64_t shares_until(const struct shares *shares, int32_t day_of_year);

/* Cuts `whole` >= 0 into parts in proportion to weights >= 0, of which one is above 0: rounded down,
 * and what is left goes to the largest rests, ties to the earlier. |weights| sum below 2^62. */
void shares_cut(int64_t parts_out[], int64_t whole, const int64_t weights[], uint32_t count);

#endif

/*
 * forecast.h - where the year will end, how sure that is, and what is still needed. Pure.
 *
 * Two forecasts stand side by side: the ratio rule (year to date / share of the year so far), and a
 * model. The model follows the level of the emissions from month to month, over past years and this
 * one, and takes the rest of the year at the level of now. Results of roots and
 * of the error function are rounded to 9 digits (round_9()) before they are compared or written, so
 * every processor gives the same. Formulas, and how the model does against other rules:
 * docs/forecast.md.
 */
#ifndef GHGD_FORECAST_H
#define GHGD_FORECAST_H

#include "pipelines/trajectory/shares.h"

/* value rounded to 9 significant decimal digits, half to even. */
double round_9(double value);

/* Figures from the months of past years. */
struct residuals {
    /* Standard deviation (n - 1) of (month's total - share * year's total). -1: there are fewer
     * months than RESIDUAL_MONTHS_MIN, and then no level is known, either. */
    int64_t deviation_mg;
    uint32_t months;
    int64_t level_mg;           /* a whole year's mass at the level of the last month */
    int64_t level_deviation_mg; /* how far off the year's level may be that comes next */
};
enum { RESIDUAL_MONTHS_MIN = 24 };
/* months: shares of the year that is judged, as they were planned from these past years. The past
 * years follow each other, the oldest first. */
struct residuals residuals_of(const int64_t months[YEAR_MONTHS], const struct past_year *past,
                              uint32_t past_count);

struct forecast_input {
    const struct shares *shares;
    const int64_t *month_mg; /* of this year's months so far, the running one in part */
    int32_t day_of_year;     /* the last day that has begun */
    int64_t part;            /* of that day that has passed, 0 .. PART_ONE */
    int64_t ytd_mg;
    int64_t budget_mg; /* B */
    int64_t before_mg; /* all of the year before, if the residuals know no level; else 0 */
    int64_t open_mg;   /* what coverage and estimates leave open, as a deviation; 0: nothing */
    int64_t share_min; /* no forecast before this share of the year */
    struct residuals residuals;
    bool by_model; /* which forecast the probability goes by */
};

struct forecast {
    int64_t share;    /* W, parts of 1e9 */
    bool given;       /* false: W is below share_min, and nothing below is known */
    int64_t ratio_mg; /* YTD / W */
    int64_t model_mg;
    int64_t deviation_mg; /* s_F: months that remain, and what is open; -1: not known */
    bool interval_given;
    int64_t low_mg, high_mg; /* of the model: 80 % of years end there */
    int32_t probability;     /* of a miss, 0.001; -1: not known */
    int32_t used_up_day; /* of the year, at whose end more than the budget is emitted; -1: none */
};
void forecast_make(struct forecast *forecast_out, const struct forecast_input *input);

/* The yearly cut that is needed from the year last closed on; parts of 1e9. docs/forecast.md. */
struct needed {
    bool to_end_known;  /* there are years left, and the last one is above 0 */
    int64_t to_end;     /* (E_now - E_T) / (E_now * n): 80,000 -> 53,800 in 5 years: 6.55 % */
    int64_t cumulative; /* 2 / (n + 1) * (1 - R / (E_now * n)); R 287,800, n 5: 9.35 % */
    bool budget_gone;   /* cumulative * n is 1 or more */
};
/* remaining_mg: what all years after it may still emit together, overshoot of earlier ones taken
 * off; years: from the one after it up to the target year. */
struct needed needed_rates(int64_t now_mg, int64_t end_mg, int64_t remaining_mg, int years);
/* (base - now) / (base - end), parts of 1e9: 100,000 -> 58,000, now 80,000: 47.6 %. Negative if
 * emissions rise. False: base and end are equal. */
bool achieved_part(int64_t *part_out, int64_t base_mg, int64_t now_mg, int64_t end_mg);

#endif

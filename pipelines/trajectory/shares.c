#include "pipelines/trajectory/shares.h"

#include <string.h>

#include <gmp.h>

#include "base/decimal.h"

/*
 * A month's weight is a median of fractions mass / (year's mass * working days), and the twelve
 * have different denominators. They are compared and added exactly, over their common denominator,
 * in whole numbers of a fixed size. Each denominator has at most 2 * (64 + 36) bits and a numerator
 * at most 200, so twelve months have at most 2,400, and 34 more to count parts of 1e9.
 */
enum { WIDE_LIMBS = 40 };

_Static_assert(GMP_NUMB_BITS == 64, "a limb takes a factor of 64 bits");

struct wide {
    mp_limb_t limbs[WIDE_LIMBS];
};

static struct wide wide_of(uint64_t value)
{
    return (struct wide){{value}};
}

static void wide_scale(struct wide *wide, uint64_t factor)
{
    mp_limb_t carry = mpn_mul_1(wide->limbs, wide->limbs, WIDE_LIMBS, factor);
    ASSERT(carry == 0);
}

static void wide_add(struct wide *wide, const struct wide *other)
{
    mp_limb_t carry = mpn_add_n(wide->limbs, wide->limbs, other->limbs, WIDE_LIMBS);
    ASSERT(carry == 0);
}

static int wide_compare(const struct wide *a, const struct wide *b)
{
    return mpn_cmp(a->limbs, b->limbs, WIDE_LIMBS);
}

static bool wide_is_zero(const struct wide *wide)
{
    return mpn_zero_p(wide->limbs, WIDE_LIMBS) != 0;
}

/* The quotient, below 2^30; what is left of it stays in `wide`. */
static int64_t wide_divide(struct wide *wide, const struct wide *divisor)
{
    int64_t quotient = 0;
    for (unsigned bit = 30; bit-- > 0;) {
        struct wide shifted = *divisor;
        wide_scale(&shifted, UINT64_C(1) << bit);
        if (wide_compare(wide, &shifted) < 0)
            continue;
        mp_limb_t borrow = mpn_sub_n(wide->limbs, wide->limbs, shifted.limbs, WIDE_LIMBS);
        ASSERT(borrow == 0);
        quotient |= INT64_C(1) << bit;
    }
    return quotient;
}

/* mass / (whole * working): what a month was of its year, by working day. */
struct month_part {
    uint64_t mass, whole, working; /* whole and working above 0 */
};

static struct wide cross(const struct month_part *a, const struct month_part *b)
{
    struct wide product = wide_of(a->mass);
    wide_scale(&product, b->whole);
    wide_scale(&product, b->working);
    return product;
}

static bool is_less(const struct month_part *a, const struct month_part *b)
{
    struct wide left = cross(a, b);
    struct wide right = cross(b, a);
    return wide_compare(&left, &right) < 0;
}

/* A month's weight before it is normalised: the sum of one or two parts, or of the halves of two.
 */
struct month_weight {
    struct month_part middle[2];
    int count;        /* of `middle`; 0: no weight */
    uint64_t working; /* of this year */
};

static int64_t mass_of(const struct past_year *past, int month)
{
    return past->mg[month] > 0 ? past->mg[month] : 0;
}

static uint64_t whole_of(const struct past_year *past)
{
    uint64_t whole = 0;
    for (int month = 0; month < YEAR_MONTHS; month++) {
        ASSERT(past->mg[month] <= INT64_MAX / YEAR_MONTHS);
        whole += (uint64_t)mass_of(past, month);
    }
    return whole;
}

static void median_of(struct month_weight *weight, int month, const struct past_year *past,
                      uint32_t past_count)
{
    struct month_part parts[SHARES_YEARS_MAX];
    int count = 0;
    for (uint32_t i = 0; i < past_count; i++) {
        ASSERT(past[i].working[month] >= 0 && past[i].working[month] <= MONTH_WORKING_MAX);
        struct month_part part = {(uint64_t)mass_of(&past[i], month), whole_of(&past[i]),
                                  (uint64_t)past[i].working[month]};
        if (part.whole == 0 || part.working == 0)
            continue;
        int at = count++;
        for (; at > 0 && is_less(&part, &parts[at - 1]); at--)
            parts[at] = parts[at - 1];
        parts[at] = part;
    }
    weight->count = count == 0 ? 0 : 2 - count % 2;
    for (int i = 0; i < weight->count; i++)
        weight->middle[i] = parts[(count - 1) / 2 + i];
}

/* Twice the weight's numerator; its denominator are both parts' denominators. */
static struct wide numerator_of(const struct month_weight *weight)
{
    const struct month_part *middle = weight->middle;
    if (weight->count == 0)
        return wide_of(0);
    struct wide sum = wide_of(middle[0].mass);
    if (weight->count == 1) {
        wide_scale(&sum, 2);
    } else {
        struct wide other = cross(&middle[1], &middle[0]);
        sum = cross(&middle[0], &middle[1]);
        wide_add(&sum, &other);
    }
    wide_scale(&sum, weight->working);
    return sum;
}

/* The numerators of all weights over one denominator; their sum. */
static struct wide align(struct wide aligned_out[YEAR_MONTHS],
                         const struct month_weight weights[YEAR_MONTHS])
{
    struct wide sum = wide_of(0);
    for (int month = 0; month < YEAR_MONTHS; month++) {
        aligned_out[month] = numerator_of(&weights[month]);
        for (int other = 0; other < YEAR_MONTHS; other++) {
            for (int i = 0; other != month && i < weights[other].count; i++) {
                wide_scale(&aligned_out[month], weights[other].middle[i].whole);
                wide_scale(&aligned_out[month], weights[other].middle[i].working);
            }
        }
        wide_add(&sum, &aligned_out[month]);
    }
    return sum;
}

/* Gives what is left of `whole` to the largest rests, one each, ties to the earlier. */
static void give_rests(int64_t parts[YEAR_MONTHS], struct wide rests[YEAR_MONTHS], int64_t left)
{
    for (; left > 0; left--) {
        int best = 0;
        for (int month = 1; month < YEAR_MONTHS; month++) {
            if (wide_compare(&rests[month], &rests[best]) > 0)
                best = month;
        }
        parts[best]++;
        rests[best] = wide_of(0); /* a rest that gets something is above 0 */
    }
}

/* False: the weights sum to 0. */
static bool normalise(int64_t parts_out[YEAR_MONTHS],
                      const struct month_weight weights[YEAR_MONTHS])
{
    struct wide aligned[YEAR_MONTHS];
    struct wide sum = align(aligned, weights);
    if (wide_is_zero(&sum))
        return false;
    int64_t left = PART_ONE;
    for (int month = 0; month < YEAR_MONTHS; month++) {
        wide_scale(&aligned[month], PART_ONE);
        parts_out[month] = wide_divide(&aligned[month], &sum);
        left -= parts_out[month];
    }
    give_rests(parts_out, aligned, left);
    return true;
}

void shares_cut(int64_t parts_out[], int64_t whole, const int64_t weights[], uint32_t count)
{
    ASSERT(whole >= 0 && count <= YEAR_DAYS_MAX);
    int64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        ASSERT(weights[i] >= 0);
        sum += weights[i];
    }
    ASSERT(sum > 0 && sum < INT64_C(1) << 62);
    int64_t rests[YEAR_DAYS_MAX];
    int64_t left = whole;
    for (uint32_t i = 0; i < count; i++) {
        int128 product = (int128)whole * weights[i];
        parts_out[i] = (int64_t)(product / sum);
        rests[i] = (int64_t)(product % sum);
        left -= parts_out[i];
    }
    for (; left > 0; left--) {
        uint32_t best = 0;
        for (uint32_t i = 1; i < count; i++) {
            if (rests[i] > rests[best])
                best = i;
        }
        parts_out[best]++;
        rests[best] = 0; /* fewer get something than have a rest above 0 */
    }
}

/* Cuts the months' shares into days, in proportion to factors; a month of zeros evenly. */
static void cut_months(struct shares *shares, const int64_t factors[])
{
    const struct civil_year *year = &shares->year;
    for (int month = 0; month < YEAR_MONTHS; month++) {
        int32_t first = year->month_first[month] - year->first_day;
        int32_t count = year->month_first[month + 1] - year->month_first[month];
        int64_t weights[31];
        int64_t parts[31];
        int64_t working = 0;
        for (int32_t i = 0; i < count; i++) {
            weights[i] = factors[first + i];
            working += weights[i];
        }
        for (int32_t i = 0; working == 0 && i < count; i++)
            weights[i] = 1;
        shares_cut(parts, shares->month[month], weights, (uint32_t)count);
        for (int32_t i = 0; i < count; i++)
            shares->day[first + i] = (int32_t)parts[i];
    }
}

void shares_linear(struct shares *shares_out, const struct civil_year *year)
{
    ASSERT(year->days <= YEAR_DAYS_MAX);
    *shares_out = (struct shares){.year = *year, .basis = SHARES_LINEAR};
    int64_t ones[YEAR_DAYS_MAX];
    int64_t parts[YEAR_DAYS_MAX];
    for (int32_t i = 0; i < YEAR_DAYS_MAX; i++)
        ones[i] = 1;
    shares_cut(parts, PART_ONE, ones, (uint32_t)year->days);
    int month = 0;
    for (int32_t i = 0; i < year->days; i++) {
        if (year->first_day + i == year->month_first[month + 1])
            month++;
        shares_out->day[i] = (int32_t)parts[i];
        shares_out->month[month] += parts[i];
    }
}

int64_t shares_working(const struct civil_year *year, const int64_t factors[], int month)
{
    int64_t working = 0;
    for (int32_t day = year->month_first[month]; day < year->month_first[month + 1]; day++) {
        int64_t factor = factors[day - year->first_day];
        ASSERT(factor >= 0 && factor <= PART_ONE);
        working += factor;
    }
    return working;
}

void shares_of_past(struct shares *shares_out, const struct civil_year *year,
                    const int64_t factors[], const struct past_year *past, uint32_t past_count)
{
    ASSERT(past_count >= 1 && past_count <= SHARES_YEARS_MAX);
    uint32_t usable = 0;
    for (uint32_t i = 0; i < past_count; i++)
        usable += whole_of(&past[i]) > 0;
    struct month_weight weights[YEAR_MONTHS];
    for (int month = 0; month < YEAR_MONTHS; month++) {
        median_of(&weights[month], month, past, past_count);
        weights[month].working = (uint64_t)shares_working(year, factors, month);
    }
    struct shares shares = {
        .year = *year, .basis = usable > 1 ? SHARES_MEDIAN : SHARES_BASE_YEAR, .years = usable};
    if (!normalise(shares.month, weights)) {
        shares_linear(shares_out, year);
        return;
    }
    cut_months(&shares, factors);
    *shares_out = shares;
}

void shares_given(struct shares *shares_out, const struct civil_year *year, const int64_t factors[],
                  const int64_t months[YEAR_MONTHS])
{
    *shares_out = (struct shares){.year = *year, .basis = SHARES_GIVEN};
    int64_t sum = 0;
    for (int month = 0; month < YEAR_MONTHS; month++) {
        ASSERT(months[month] >= 0);
        sum += months[month];
        shares_out->month[month] = months[month];
    }
    ASSERT(sum == PART_ONE);
    cut_months(shares_out, factors);
}

int64_t shares_until(const struct shares *shares, int32_t day_of_year)
{
    ASSERT(day_of_year >= -1 && day_of_year < shares->year.days);
    int64_t sum = 0;
    for (int32_t i = 0; i <= day_of_year; i++)
        sum += shares->day[i];
    return sum;
}

int64_t shares_at(const struct shares *shares, int32_t day_of_year, int64_t part)
{
    ASSERT(part >= 0 && part <= PART_ONE);
    return shares_until(shares, day_of_year - 1) +
           (int64_t)div_round_even((int128)shares->day[day_of_year] * part, PART_ONE);
}

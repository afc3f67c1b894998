/*
 * durations.c - durations and sizes as people write them; see durations.h.
 */
#include "base/durations.h"

#include <inttypes.h>
#include <string.h>

#include "base/decimal.h"
#include "base/timestamp.h"

struct duration_unit {
    const char *name;
    int64_t factor;
};

/* From the largest to the smallest. */
static const struct duration_unit duration_units[] = {
    {"w", 7 * DAY_MS}, {"d", DAY_MS}, {"h", HOUR_MS}, {"m", MINUTE_MS}, {"s", 1000}, {"ms", 1},
};

static const struct duration_unit size_units[] = {
    {"TiB", INT64_C(1) << 40},
    {"GiB", INT64_C(1) << 30},
    {"MiB", INT64_C(1) << 20},
    {"KiB", INT64_C(1) << 10},
    {"TB", INT64_C(1000000000000)},
    {"GB", 1000000000},
    {"MB", 1000000},
    {"kB", 1000},
    {"B", 1},
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The digits at *at, which moves past them. */
static int take_number(int64_t *number_out, const char **at, const char *end)
{
    if (*at == end || !is_digit(**at))
        return ERR_SYNTAX;
    int64_t number = 0;
    for (; *at < end && is_digit(**at); (*at)++)
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, **at - '0', &number))
            return ERR_RANGE;
    *number_out = number;
    return 0;
}

/* The index of the unit at *at, which moves past it; -1 if there is no unit. */
static int take_unit(const struct duration_unit *units, size_t count, const char **at,
                     const char *end)
{
    const char *stop = *at;
    while (stop < end && !is_digit(*stop))
        stop++;
    size_t size = (size_t)(stop - *at);
    for (size_t i = 0; i < count; i++) {
        if (strlen(units[i].name) == size && memcmp(units[i].name, *at, size) == 0) {
            *at = stop;
            return (int)i;
        }
    }
    return -1;
}

int duration_parse(int64_t *ms_out, const char *text, size_t size)
{
    const char *at = text;
    const char *end = text + size;
    int64_t sum = 0;
    int last = -1;
    do {
        int64_t number;
        int err = take_number(&number, &at, end);
        if (err < 0)
            return err;
        int unit = take_unit(duration_units, ARRAY_LEN(duration_units), &at, end);
        if (unit <= last)
            return ERR_SYNTAX; /* none, twice, or smaller before larger */
        last = unit;
        int64_t part;
        if (__builtin_mul_overflow(number, duration_units[unit].factor, &part) ||
            __builtin_add_overflow(sum, part, &sum))
            return ERR_RANGE;
    } while (at < end);
    *ms_out = sum;
    return 0;
}

int size_parse(int64_t *bytes_out, const char *text, size_t size)
{
    const char *at = text;
    const char *end = text + size;
    int64_t number;
    int err = take_number(&number, &at, end);
    if (err < 0)
        return err;
    int unit = take_unit(size_units, ARRAY_LEN(size_units), &at, end);
    if (unit < 0 || at < end)
        return ERR_SYNTAX;
    int64_t bytes;
    if (__builtin_mul_overflow(number, size_units[unit].factor, &bytes))
        return ERR_RANGE;
    *bytes_out = bytes;
    return 0;
}

void duration_print(struct buffer *out, int64_t ms)
{
    ASSERT(ms >= 0);
    if (ms == 0)
        buffer_add_str(out, "0s");
    for (size_t i = 1; i < ARRAY_LEN(duration_units); i++) { /* weeks are read, but 7d is plainer */
        if (ms >= duration_units[i].factor)
            buffer_printf(out, "%" PRId64 "%s", ms / duration_units[i].factor,
                          duration_units[i].name);
        ms %= duration_units[i].factor;
    }
}

void size_print(struct buffer *out, int64_t bytes)
{
    ASSERT(bytes >= 0);
    const struct duration_unit *best = &size_units[ARRAY_LEN(size_units) - 1];
    for (size_t i = ARRAY_LEN(size_units); i-- > 0;)
        if (bytes > 0 && bytes % size_units[i].factor == 0 && size_units[i].factor > best->factor)
            best = &size_units[i];
    buffer_printf(out, "%" PRId64 "%s", bytes / best->factor, best->name);
}

static void print_scaled(struct buffer *out, int64_t number, int decimals)
{
    int64_t one = 1;
    for (int i = 0; i < decimals; i++)
        one *= 10;
    uint64_t size = number < 0 ? -(uint64_t)number : (uint64_t)number;
    uint64_t rest = size % (uint64_t)one;
    buffer_printf(out, "%s%" PRIu64, number < 0 ? "-" : "", size / (uint64_t)one);
    if (rest == 0)
        return;
    while (rest % 10 == 0) {
        rest /= 10;
        decimals--;
    }
    buffer_printf(out, ".%0*" PRIu64, decimals, rest);
}

void percent_print(struct buffer *out, int64_t part)
{
    print_scaled(out, part, PART_DECIMALS - 2);
    buffer_add_char(out, '%');
}

void share_print(struct buffer *out, int64_t part)
{
    print_scaled(out, part, PART_DECIMALS);
}

/*
 * number_text.h - the one reader of numbers that are written as text.
 *
 * JSON's grammar, also with a leading '+': [sign] digits [. digits] [e[sign]digits]. Nothing may
 * follow. The reader hands each digit on, and is inlined: a reading's value is read on the hot
 * path. Pure. Thread: any.
 */
#ifndef GHGD_NUMBER_TEXT_H
#define GHGD_NUMBER_TEXT_H

#include "base/base.h"

/* Takes a digit, from the first one on; `step` is 1 behind the decimal point, and 0 before it. */
typedef void (*digit_fn)(void *number, int digit, int step);

struct number_frame {
    bool negative;
    int64_t exponent; /* the power of ten; beyond 2^52 it is only known to be so large */
};

static inline const char *number_digits(const char *at, const char *end, digit_fn take,
                                        void *number, int step)
{
    for (; at < end && *at >= '0' && *at <= '9'; at++)
        take(number, *at - '0', step);
    return at;
}

/* [sign]digits up to the end of the text. Saturates far beyond what any text can make up for. */
static inline int number_exponent(int64_t *exponent_out, const char *at, const char *end)
{
    bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    if (at == end)
        return ERR_SYNTAX;
    int64_t exponent = 0;
    for (; at < end && *at >= '0' && *at <= '9'; at++)
        if (exponent < INT64_C(1) << 52)
            exponent = exponent * 10 + (*at - '0');
    *exponent_out = negative ? -exponent : exponent;
    return at == end ? 0 : ERR_SYNTAX;
}

/* Returns 0 or ERR_SYNTAX; `take` may have got digits then too. */
static inline int number_read(struct number_frame *frame_out, const char *text, size_t size,
                              digit_fn take, void *number)
{
    const char *at = text;
    const char *end = text + size;
    *frame_out = (struct number_frame){at < end && *at == '-', 0};
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    const char *whole = at;
    at = number_digits(at, end, take, number, 0);
    if (at == whole || (*whole == '0' && at - whole > 1))
        return ERR_SYNTAX;
    if (at < end && *at == '.') {
        const char *decimals = ++at;
        at = number_digits(at, end, take, number, 1);
        if (at == decimals)
            return ERR_SYNTAX;
    }
    if (at < end && (*at == 'e' || *at == 'E'))
        return number_exponent(&frame_out->exponent, at + 1, end);
    return at == end ? 0 : ERR_SYNTAX;
}

#endif

/*
 * numeric.h - a number as it stood in a message, and what it is as a decimal or a whole number.
 *
 * A whole number is one by its value, however it is written (7, 7.0, 70e-1), as in JSON Schema.
 */
#ifndef GHGD_NUMERIC_H
#define GHGD_NUMERIC_H

#include "base/decimal.h"

enum numeric_form {
    NUMERIC_INT,    /* of MessagePack */
    NUMERIC_UINT,   /* the same, beyond what NUMERIC_INT holds */
    NUMERIC_FLOAT,  /* stands for the shortest decimal that reads back as the same float */
    NUMERIC_DOUBLE, /* as above */
    NUMERIC_TEXT    /* of JSON, which follows its grammar */
};

struct numeric {
    enum numeric_form form;
    uint32_t size; /* of the text */
    union {
        int64_t integer;
        uint64_t whole;
        float single;
        double real;
        const char *text;
    };
};

/* Returns 0; ERR_SYNTAX for NaN and the infinities; ERR_RANGE as decimal_parse(). */
int numeric_to_decimal(struct decimal *decimal_out, const struct numeric *number) MUST_CHECK;
/* Returns 0; ERR_SYNTAX if it is no whole number; ERR_RANGE if 64 bits do not hold it. */
int numeric_to_whole(int64_t *whole_out, const struct numeric *number) MUST_CHECK;

#endif

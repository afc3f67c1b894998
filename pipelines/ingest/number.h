/*
 * number.h - a number as it stood in a message, and what it is as a decimal or a whole number.
 *
 * A whole number is one by its value, however it is written (7, 7.0, 70e-1), as in JSON Schema.
 */
#ifndef GHGD_NUMBER_H
#define GHGD_NUMBER_H

#include "base/decimal.h"

enum number_form {
    NUMBER_INT,    /* of MessagePack */
    NUMBER_UINT,   /* the same, beyond what NUMBER_INT holds */
    NUMBER_FLOAT,  /* stands for the shortest decimal that reads back as the same float */
    NUMBER_DOUBLE, /* likewise */
    NUMBER_TEXT    /* of JSON, which follows its grammar */
};

struct number {
    enum number_form form;
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
int number_to_decimal(struct decimal *decimal_out, const struct number *number) MUST_CHECK;
/* Returns 0; ERR_SYNTAX if it is no whole number; ERR_RANGE if 64 bits do not hold it. */
int number_to_whole(int64_t *whole_out, const struct number *number) MUST_CHECK;

#endif

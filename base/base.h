/*
 * base.h - what every folder may use: assertions, hand-over of ownership, error codes.
 *
 * ASSERT stays in release builds: it states what must hold if we are right. Data from outside is
 * validated, never asserted. Functions that can fail return int: 0 or positive is good, negative is
 * -errno, a libuv code, or a code of enum err below -1000; err_str() knows all.
 */
#ifndef GHGD_BASE_H
#define GHGD_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt_index, args_index) __attribute__((format(printf, fmt_index, args_index)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Yields the pointer p and leaves NULL in its place: a later use fails at once. */
#define TAKE(p)                                                                                    \
    __extension__({                                                                                \
        __typeof__(p) taken_ = (p);                                                                \
        (p) = NULL;                                                                                \
        taken_;                                                                                    \
    })

#define ASSERT(fact)                                                                               \
    do {                                                                                           \
        if (__builtin_expect(!(fact), 0))                                                          \
            assert_failed(__FILE__, __LINE__, #fact);                                              \
    } while (0)

__attribute__((noreturn, cold)) void assert_failed(const char *file, int line, const char *fact);

/* Wide enough that no sum of bounded cells over any time can overflow. */
__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;

enum {
    ERR_FULL = -1001,    /* a bounded queue or table is full; the caller keeps what it gave */
    ERR_SYNTAX = -1002,  /* text that does not follow its grammar */
    ERR_RANGE = -1003,   /* a number that its place cannot hold */
    ERR_CONFIG = -1004,  /* the configuration has faults, and all were reported */
    ERR_PROTOCOL = -1005 /* a peer answered what its protocol does not allow */
};

/* A short text for any negative return value; static storage. Thread: any. */
const char *err_str(int err);

#endif

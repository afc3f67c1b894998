/*
 * halving.h - the rows of a block that a server has yet to take, as ranges on a stack, and what its
 * refusals say of rows.
 *
 *                              refused                           one row
 *     range on top of the stack -----> its halves, first on top -------> the row is set aside
 *                |
 *                | stored, except for some rows: the same, and the halves are `stored`
 *
 * Stored halves are sent again only to find the rows that were not: HALVING_REQUESTS_MAX requests
 * of a block at most.
 *
 * A row that was refused by strange words, which may be a proxy's, is in doubt, and leaves the
 * stack. When another row is taken, it is sent once more. If it is refused again, and then another
 * row is taken again, the words were about the row. The driver sends, and sets rows aside. Pure.
 */
#ifndef GHGD_HALVING_H
#define GHGD_HALVING_H

#include "base/base.h"
#include "base/limits.h"

enum {
    HALVING_REQUESTS_MAX = 64, /* five rows of 5000 are found by so many */
    DOUBTS_MAX = 8,            /* so many alike, one after the other, are no verdict */
    RANGES_MAX = 32 + DOUBTS_MAX,
    DOUBT_WORDS_SIZE = 256,
    ROW_NONE = -1
};
_Static_assert(ROWS_PER_BLOCK_MAX < 1 << (32 / 2 - 1), "the stack holds every halving");

struct range {
    uint32_t first, count;
    bool stored;  /* the server has these rows, except for some */
    bool suspect; /* one row that was in doubt before another was taken */
};

/* One row. */
struct doubt {
    struct range range;
    char words[DOUBT_WORDS_SIZE];
};

struct halving {
    struct range ranges[RANGES_MAX];
    uint32_t count;
    int32_t taken; /* a row of the block that the server took, or ROW_NONE */
    struct doubt doubts[DOUBTS_MAX];
    uint32_t doubts_count, alike; /* alike: of them, at the end, by the same words */
    uint32_t requests;            /* answered, for stored ranges */
    uint32_t rejected, found;     /* rows of the stored ranges: as the server counts; set aside */
};

void halving_begin(struct halving *halving, uint32_t rows);
/* The rows to send next, no more than fit; there is a range. */
struct range halving_next(struct halving *halving, uint32_t rows_fit);

/* The answer to the rows that halving_next() gave: one of these. */

/* All of them are stored. */
void halving_take(struct halving *halving);
/* All of them are refused; there are several. */
void halving_split(struct halving *halving);
/* All are stored, except `rejected` of them; there are several. */
void halving_separate(struct halving *halving, uint32_t rejected);
/* The one row is refused. */
void halving_refuse(struct halving *halving);
/* The one row is refused by strange words. */
void halving_doubt(struct halving *halving, const char *words);

/* Doubts have to be ended now: no range is left, no room for more of them, or no suspect. */
bool halving_is_in_doubt(const struct halving *halving);
/* Nothing ends them, as no row was taken, or too many in a row are alike: halving_hold(), and wait.
 * Else the server is asked whether it still takes the row `taken`. */
bool halving_is_hopeless(const struct halving *halving);
/* A row was taken. Suspects in doubt are refused: the driver has set them aside. The others are to
 * be sent once more. */
void halving_end_doubts(struct halving *halving);
/* Rows in doubt have to be sent again. */
void halving_hold(struct halving *halving);

/* Stored ranges are not separated yet, and no request is left for them. */
bool halving_is_spent(const struct halving *halving);
/* Gives those rows up. Returns how many of them were refused, as far as the server has counted. */
uint32_t halving_leave(struct halving *halving, struct range *range_out);

#endif

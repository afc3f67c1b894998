/*
 * as_of.h - the as-of time of a file of readings: how far they reach.
 *
 * A single wrong clock must not decide it. So it is the newest time at which a reading ends that
 * another reading confirms, by ending within the horizon of it: one of another meter, or of the
 * same meter at another time. If no reading is confirmed, it is the newest time of all. Readings
 * may come in any order. One owner.
 */
#ifndef GHGD_AS_OF_H
#define GHGD_AS_OF_H

#include "base/base.h"

enum { AS_OF_ALONE_MAX = 64 }; /* times that no other confirms: the newest of them are kept */

struct as_of {
    int64_t horizon_ms;
    int64_t confirmed_ms, newest_ms; /* INT64_MIN: there is no such reading yet */
    uint32_t alone_count;
    struct {
        uint32_t meter;
        int64_t end_ms;
    } alone[AS_OF_ALONE_MAX]; /* later than confirmed_ms, and farther than the horizon from it */
};

void as_of_init(struct as_of *as_of, int64_t horizon_ms);
/* meter: any number that tells meters apart. */
void as_of_add(struct as_of *as_of, uint32_t meter, int64_t end_ms);
/* INT64_MIN if there was no reading. */
int64_t as_of_get(const struct as_of *as_of);
/* Whether that time is one that another reading confirms. */
bool as_of_is_confirmed(const struct as_of *as_of);

#endif

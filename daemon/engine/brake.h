/*
 * brake.h - nothing is written by a process that may have been replaced while it stood still.
 *
 * Who is stopped or suspended for long loses its partitions without hearing of it, and would go on
 * in the midst of a request. So everybody who is about to write asks brake_is_on() first: it is on
 * as soon as the loop has not turned for too long, before anything else runs, and stays on until
 * the group has confirmed that we are a member. The loop thread owns it; asking is for any thread.
 */
#ifndef GHGD_BRAKE_H
#define GHGD_BRAKE_H

#include <stdatomic.h>
#include <uv.h>

#include "base/base.h"

/* How often the loop shows that it turns: a gap is at least as long as this. */
enum { BRAKE_TICK_MS = 250 };

struct brake {
    uv_timer_t tick;
    _Atomic int64_t seen_ms;    /* when the loop turned last; clock_boot_ms() */
    _Atomic int64_t gap_max_ms; /* INT64_MAX: never on */
    atomic_bool on;
    uint64_t pulls;
    void (*pulled)(void *context);
    void *context;
};

/* `pulled` is called on the loop: the brake is on, and the membership has to be confirmed. The
 * timer does not keep the loop alive. */
void brake_init(struct brake *brake, uv_loop_t *loop, void (*pulled)(void *context), void *context);
void brake_set_gap(struct brake *brake, int64_t gap_max_ms);
/* Thread: any. */
bool brake_is_on(struct brake *brake);
/* For another reason than a gap. */
void brake_pull(struct brake *brake);
/* The group has confirmed. */
void brake_release(struct brake *brake);
/* What the timer does, at a time of clock_boot_ms(). */
void brake_look(struct brake *brake, int64_t now_ms);

#endif

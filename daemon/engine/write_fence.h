/*
 * write_fence.h - stops the writes of a process that may have been replaced while it stood still.
 *
 * A process that is stopped or suspended for long loses its partitions without hearing of it. It
 * would go on in the middle of a request. So every sink asks write_fence_is_up() before it writes.
 * The fence is up as soon as the loop has not turned for too long, before anything else runs. It
 * stays up until the group has confirmed that we are a member. The loop thread owns it; any thread
 * may ask.
 */
#ifndef GHGD_WRITE_FENCE_H
#define GHGD_WRITE_FENCE_H

#include <stdatomic.h>
#include <uv.h>

#include "base/base.h"

/* How often the loop shows that it turns: a gap is at least as long as this. */
enum { WRITE_FENCE_TICK_MS = 250 };

struct write_fence {
    uv_timer_t tick;
    _Atomic int64_t seen_ms;    /* when the loop turned last; clock_boot_ms() */
    _Atomic int64_t gap_max_ms; /* INT64_MAX: never up */
    atomic_bool up;
    uint64_t raises;
    void (*raised)(void *context); /* NULL: no call */
    void *context;
    void (*closed)(void *context);
    void *closed_context;
};

/* The timer does not keep the loop alive. */
void write_fence_init(struct write_fence *fence, uv_loop_t *loop);
/* `raised` is called on the loop: the write fence is up, and the membership has to be confirmed. */
void write_fence_watch(struct write_fence *fence, void (*raised)(void *context), void *context);
/* Ends the timer, then calls `closed`. */
void write_fence_close(struct write_fence *fence, void (*closed)(void *context), void *context);
void write_fence_set_gap(struct write_fence *fence, int64_t gap_max_ms);
/* Thread: any. */
bool write_fence_is_up(struct write_fence *fence);
/* For another reason than a gap. */
void write_fence_raise(struct write_fence *fence);
/* The group has confirmed. */
void write_fence_lower(struct write_fence *fence);
/* The timer's work, at a time of clock_boot_ms(). */
void write_fence_look(struct write_fence *fence, int64_t now_ms);

#endif

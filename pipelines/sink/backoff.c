#include "pipelines/sink/backoff.h"

#include "base/timestamp.h"

enum { WAIT_MIN_MS = 100, WAIT_MAX_MS = HOUR_MS };

static int64_t clamp(int64_t value, int64_t min, int64_t max)
{
    if (value < min)
        return min;
    return value > max ? max : value;
}

void backoff_init(struct backoff *backoff, int64_t min_ms, int64_t max_ms, uint64_t seed)
{
    int64_t least_ms = clamp(min_ms, WAIT_MIN_MS, WAIT_MAX_MS);
    *backoff = (struct backoff){.min_ms = least_ms,
                                .max_ms = clamp(max_ms, least_ms, WAIT_MAX_MS),
                                .next_ms = least_ms,
                                .random = seed};
}

void backoff_reset(struct backoff *backoff)
{
    backoff->next_ms = backoff->min_ms;
}

/* splitmix64: any seed will do. */
static uint64_t draw(struct backoff *backoff)
{
    backoff->random += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = backoff->random;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static int64_t jittered(struct backoff *backoff, int64_t wait_ms)
{
    int64_t half_ms = wait_ms / 2;
    return wait_ms - (int64_t)(draw(backoff) % ((uint64_t)half_ms + 1));
}

int64_t backoff_next_ms(struct backoff *backoff)
{
    int64_t wait_ms = backoff->next_ms;
    backoff->next_ms = clamp(wait_ms * 2, backoff->min_ms, backoff->max_ms);
    return jittered(backoff, wait_ms);
}

int64_t backoff_slow_ms(struct backoff *backoff)
{
    return jittered(backoff, backoff->max_ms);
}

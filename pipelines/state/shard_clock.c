/* A shard's clock: made of event times, except where the partition is idle. */
#include <sys/param.h>

#include "base/timestamp.h"
#include "pipelines/rollup/site_windows.h"
#include "pipelines/state/shard_state.h"

/* Local days that begin before the calendar does are of no use. */
#define FLOOR_MIN_MS (TIME_MIN_MS + 2 * DAY_MS)

int64_t shard_watermark_of(const struct shard *shard, int64_t newest_ms)
{
    return newest_ms - shard->context.window->allowed_delay_ms;
}

/* The edge of a bucket at the time or before it. */
static int64_t floor_at(const struct shard *shard, int64_t time_ms)
{
    int64_t bucket_ms = shard->context.window->bucket_ms;
    int64_t floor_ms = MAX(time_ms, FLOOR_MIN_MS);
    int64_t rest_ms = floor_ms % bucket_ms;
    return floor_ms - (rest_ms < 0 ? rest_ms + bucket_ms : rest_ms);
}

static int64_t floor_of(const struct shard *shard, int64_t newest_ms)
{
    return floor_at(shard,
                    shard_watermark_of(shard, newest_ms) - shard->context.window->horizon_ms);
}

int64_t shard_first_floor(const struct shard *shard, const struct batch_event *event)
{
    return MIN(floor_of(shard, event->end_ms), floor_at(shard, event->start_ms));
}

/* The row of the last millisecond that the reading can book. A register, gauge or stock books up
 * to its instant; a delivery books in it. */
static int64_t last_row(const struct shard *shard, const struct reading *reading,
                        enum meter_kind kind)
{
    int64_t bucket_ms = shard->context.window->bucket_ms;
    bool books_before =
        reading->span_ms > 0 || kind == KIND_REGISTER || kind == KIND_GAUGE || kind == KIND_STOCK;
    int64_t last_ms = reading_end_ms(reading) - books_before;
    return last_ms / bucket_ms - (last_ms % bucket_ms < 0);
}

void shard_clock_accrue(struct shard *shard)
{
    const struct window_conf *window = shard->context.window;
    struct site_clock *clock = &shard->clock;
    clock->accrued_from_ms = clock->accrued_ms;
    clock->accrued_ms =
        floor_at(shard, shard_watermark_of(shard, shard->newest_ms) - window->grace_ms);
    if (shard->accrual_ms != INT64_MAX) /* some meter accrues */
        shard->accrual_ms =
            clock->accrued_ms + window->bucket_ms + window->grace_ms + window->allowed_delay_ms;
}

/* All sites go on together, whichever the reading is of. */
static void accrue(struct shard *shard)
{
    shard_clock_accrue(shard);
    for (uint32_t i = 0; i < shard->own_count; i++)
        site_begin_accrual(shard->own[i], &shard->clock);
}

void shard_clock_advance(struct shard *shard, const struct reading *reading, enum meter_kind kind)
{
    struct site_clock *clock = &shard->clock;
    clock->passed_ms =
        shard->newest_ms == INT64_MIN ? INT64_MIN : shard_watermark_of(shard, shard->newest_ms);
    int64_t end_ms = reading_end_ms(reading);
    if (end_ms > shard->newest_ms) {
        shard->newest_ms = end_ms;
        clock->floor_ms = floor_of(shard, end_ms);
    }
    if (end_ms == shard->newest_ms) /* a delivery lies in a later row than an interval up to it */
        clock->top_row = MAX(clock->top_row, last_row(shard, reading, kind));
    if (shard->newest_ms >= shard->accrual_ms)
        accrue(shard);
}

void shard_idle(struct shard *shard, int64_t wall_ms)
{
    shard->idle_final_ms =
        wall_ms - shard->context.window->allowed_delay_ms - shard->context.window->grace_ms;
}

void shard_clock_close(struct shard *shard)
{
    if (shard->newest_ms == INT64_MIN)
        return;
    int64_t end_ms = (shard->clock.top_row + 1) * shard->context.window->bucket_ms;
    int64_t final_ms =
        shard_watermark_of(shard, shard->newest_ms) - shard->context.window->grace_ms;
    final_ms = MAX(final_ms, shard->idle_final_ms);
    if (shard->finished)
        final_ms = end_ms;
    shard->clock.final_ms = MAX(shard->clock.final_ms, MIN(final_ms, end_ms));
}

bool shard_clock_is_sound(const struct shard *shard)
{
    const struct site_clock *clock = &shard->clock;
    int64_t bucket_ms = shard->context.window->bucket_ms;
    int64_t newest_ms = shard->newest_ms;
    if (newest_ms == INT64_MIN)
        return clock->passed_ms == INT64_MIN && clock->final_ms == INT64_MIN &&
               clock->top_row == INT64_MIN;
    if (newest_ms < TIME_MIN_MS || newest_ms > TIME_MAX_MS ||
        clock->floor_ms != floor_of(shard, newest_ms) ||
        clock->passed_ms > shard_watermark_of(shard, newest_ms))
        return false;
    int64_t end_ms = newest_ms - newest_ms % bucket_ms; /* of a bucket near the newest reading */
    return clock->top_row >= end_ms / bucket_ms - 2 && clock->top_row <= end_ms / bucket_ms &&
           clock->final_ms <= (clock->top_row + 1) * bucket_ms;
}

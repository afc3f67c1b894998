#include "daemon/engine/brake.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"

static int64_t gap_ms(struct brake *brake, int64_t now_ms)
{
    return now_ms - atomic_load(&brake->seen_ms);
}

void brake_look(struct brake *brake, int64_t now_ms)
{
    int64_t gap = gap_ms(brake, now_ms);
    bool stood = gap > atomic_load(&brake->gap_max_ms);
    if (stood) {
        LOG_WARN("process.stood_still",
                 "gap_ms=%" PRId64 " hint=\"nothing is written until the group has confirmed that "
                 "the partitions are still ours\"",
                 gap);
        brake_pull(brake);
    }
    atomic_store(&brake->seen_ms, now_ms); /* last: until then a gap is seen by all */
}

static void on_tick(uv_timer_t *timer)
{
    brake_look(timer->data, clock_boot_ms());
}

void brake_init(struct brake *brake, uv_loop_t *loop, void (*pulled)(void *context), void *context)
{
    *brake = (struct brake){.gap_max_ms = INT64_MAX, .pulled = pulled, .context = context};
    atomic_store(&brake->seen_ms, clock_boot_ms());
    uv_timer_init(loop, &brake->tick); /* cannot fail */
    brake->tick.data = brake;
    uv_timer_start(&brake->tick, on_tick, BRAKE_TICK_MS, BRAKE_TICK_MS);
    uv_unref((uv_handle_t *)&brake->tick);
}

void brake_set_gap(struct brake *brake, int64_t gap_max_ms)
{
    atomic_store(&brake->gap_max_ms, gap_max_ms);
}

bool brake_is_on(struct brake *brake)
{
    return atomic_load(&brake->on) ||
           gap_ms(brake, clock_boot_ms()) > atomic_load(&brake->gap_max_ms);
}

void brake_pull(struct brake *brake)
{
    if (atomic_exchange(&brake->on, true))
        return;
    brake->pulls++;
    brake->pulled(brake->context);
}

void brake_release(struct brake *brake)
{
    if (atomic_exchange(&brake->on, false))
        LOG_INFO("process.goes_on", "hint=\"the group has confirmed the membership\"");
}

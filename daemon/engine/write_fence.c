#include "daemon/engine/write_fence.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"

static int64_t gap_ms(struct write_fence *fence, int64_t now_ms)
{
    return now_ms - atomic_load(&fence->seen_ms);
}

void write_fence_look(struct write_fence *fence, int64_t now_ms)
{
    int64_t gap = gap_ms(fence, now_ms);
    bool stood = gap > atomic_load(&fence->gap_max_ms);
    if (stood) {
        LOG_WARN("process.stood_still",
                 "gap_ms=%" PRId64 " hint=\"nothing is written until the group has confirmed that "
                 "the partitions are still ours\"",
                 gap);
        write_fence_raise(fence);
    }
    atomic_store(&fence->seen_ms, now_ms); /* last: until then a gap is seen by all */
}

static void on_tick(uv_timer_t *timer)
{
    write_fence_look(timer->data, clock_boot_ms());
}

void write_fence_init(struct write_fence *fence, uv_loop_t *loop)
{
    *fence = (struct write_fence){.gap_max_ms = INT64_MAX};
    atomic_store(&fence->seen_ms, clock_boot_ms());
    uv_timer_init(loop, &fence->tick); /* cannot fail */
    fence->tick.data = fence;
    uv_timer_start(&fence->tick, on_tick, WRITE_FENCE_TICK_MS, WRITE_FENCE_TICK_MS);
    uv_unref((uv_handle_t *)&fence->tick);
}

void write_fence_watch(struct write_fence *fence, void (*raised)(void *context), void *context)
{
    fence->raised = raised;
    fence->context = context;
}

static void on_closed(uv_handle_t *handle)
{
    const struct write_fence *fence = handle->data;
    ASSERT(fence->closed != NULL);
    fence->closed(fence->closed_context);
}

void write_fence_close(struct write_fence *fence, void (*closed)(void *context), void *context)
{
    fence->closed = closed;
    fence->closed_context = context;
    uv_close((uv_handle_t *)&fence->tick, on_closed);
}

void write_fence_set_gap(struct write_fence *fence, int64_t gap_max_ms)
{
    atomic_store(&fence->gap_max_ms, gap_max_ms);
}

bool write_fence_is_up(struct write_fence *fence)
{
    return atomic_load(&fence->up) ||
           gap_ms(fence, clock_boot_ms()) > atomic_load(&fence->gap_max_ms);
}

void write_fence_raise(struct write_fence *fence)
{
    if (atomic_exchange(&fence->up, true))
        return;
    fence->raises++;
    if (fence->raised != NULL)
        fence->raised(fence->context);
}

void write_fence_lower(struct write_fence *fence)
{
    if (atomic_exchange(&fence->up, false))
        LOG_INFO("process.goes_on", "hint=\"the group has confirmed the membership\"");
}

/* A sink has lost rows: what is still open is written to it once more. */
#include <sys/param.h>

#include "pipelines/rollup/site_days.h"
#include "pipelines/rollup/site_marks.h"
#include "pipelines/state/shard_state.h"

struct resync {
    struct site *site;
    uint8_t sinks;
    int64_t from_ms;
    uint64_t windows;
};

static void mark_one(void *context, const struct mark_place *place)
{
    struct resync *resync = context;
    if (!place->told || place->end_ms <= resync->from_ms)
        return;
    site_mark_dirty(resync->site, place->day, place->mark, resync->sinks);
    resync->windows++;
}

uint64_t shard_mark_dirty(struct shard *shard, uint32_t sink, int64_t from_ms)
{
    ASSERT(sink < shard->context.sinks_count);
    struct resync resync = {.sinks = (uint8_t)(1U << sink), .from_ms = from_ms};
    for (uint32_t i = 0; i < shard->own_count; i++) {
        resync.site = shard->own[i];
        site_visit_marks(resync.site, mark_one, &resync);
    }
    return resync.windows;
}

int64_t shard_open_ms(const struct shard *shard)
{
    int64_t open_ms = INT64_MIN;
    for (uint32_t i = 0; i < shard->own_count; i++)
        open_ms = MAX(open_ms, site_day(shard->own[i], 0)->window.start_ms);
    return open_ms;
}

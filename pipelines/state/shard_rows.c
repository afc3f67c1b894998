/* Rows leave a shard: all that is dirty, or what closes. */
#include <sys/param.h>

#include "pipelines/rollup/site_rows.h"
#include "pipelines/rollup/site_windows.h"
#include "pipelines/state/shard_state.h"

static void advance_sites(struct shard *shard)
{
    shard_clock_close(shard);
    if (shard_touch_pending(shard))
        (void)shard_judge(shard);
    for (uint32_t i = 0; i < shard->own_count; i++) {
        site_retire(shard->own[i], &shard->clock, shard->clock.floor_ms);
        site_advance(shard->own[i], &shard->clock);
    }
}

static bool take_site(struct shard *shard, struct site *site, uint32_t sink, int64_t limit_ms,
                      struct block *block)
{
    bool all = mark_counts_dirty(&site->marks, sink) == 0 ||
               site_take_rows(site, &shard->clock, sink, limit_ms, block);
    shard_tell_rests(shard, site);
    return all;
}

/* Every facility in turn, beginning where the last block was full. */
static void take_all(struct shard *shard, uint32_t sink, struct block *block)
{
    uint32_t first = shard_find_own(shard, shard->cursor);
    for (uint32_t n = 0; n < shard->own_count; n++) {
        struct site *site = shard->own[(first + n) % shard->own_count];
        if (take_site(shard, site, sink, INT64_MAX, block) &&
            shard_take_courses(shard, site, sink, true, block))
            continue;
        shard->cursor = site->conf.facility;
        return;
    }
}

static int64_t next_closing_ms(const struct shard *shard, uint32_t sink, int64_t limit_ms)
{
    int64_t closing_ms = INT64_MAX;
    for (uint32_t i = 0; i < shard->own_count; i++) {
        if (mark_counts_dirty(&shard->own[i]->marks, sink) > 0)
            closing_ms = MIN(closing_ms, site_closing_ms(shard->own[i], sink, limit_ms));
    }
    return closing_ms;
}

static bool has_opened_all(const struct shard *shard)
{
    for (uint32_t i = 0; i < shard->own_count; i++) {
        if (!site_has_opened(shard->own[i], &shard->clock))
            return false;
    }
    return true;
}

/* A row of a target can never be made again: each of them is written, too. */
static bool take_all_courses(struct shard *shard, uint32_t sink, bool with_now, struct block *block)
{
    for (uint32_t i = 0; i < shard->own_count; i++) {
        if (!shard_take_courses(shard, shard->own[i], sink, with_now, block))
            return false;
    }
    return true;
}

/* Day by day of all facilities together, so that the order of rows is that of time and does not
 * depend on the order of arrival. */
static void take_closing(struct shard *shard, uint32_t sink, struct block *block)
{
    /* In the end what is not over goes too: once the panels have room for the newest bucket. */
    bool all = shard->finished && has_opened_all(shard);
    int64_t limit_ms = all ? INT64_MAX : shard->clock.floor_ms;
    bool more = take_all_courses(shard, sink, all, block);
    while (more) {
        int64_t closing_ms = next_closing_ms(shard, sink, limit_ms);
        more = closing_ms != INT64_MAX;
        if (!more && !all)
            return;
        for (uint32_t i = 0; i < shard->own_count; i++) {
            if (!take_site(shard, shard->own[i], sink, closing_ms, block))
                return;
        }
    }
}

uint32_t shard_take_rows(struct shard *shard, uint32_t sink, enum take_mode mode,
                         struct block *block)
{
    uint32_t before = block->count;
    if (shard_has_memory(shard, shard->starved_bytes))
        shard->starved_bytes = 0; /* worth another try */
    if (shard->newest_ms == INT64_MIN)
        return 0;
    advance_sites(shard);
    if (mode == TAKE_ALL)
        take_all(shard, sink, block);
    else
        take_closing(shard, sink, block);
    return block->count - before;
}

bool shard_is_drained(const struct shard *shard)
{
    for (uint32_t sink = 0; sink < shard->context.sinks_count; sink++) {
        const struct mark_counts counts = shard_count_marks(shard, sink);
        if (mark_counts_dirty(&counts, sink) + mark_counts_sent(&counts, sink) > 0)
            return false;
    }
    return !shard_has_pending(shard) && shard_has_judged(shard);
}

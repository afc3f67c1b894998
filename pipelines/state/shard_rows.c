/* Rows of a shard: taken, settled, given back, doubted. */
#include <sys/param.h>

#include "pipelines/rollup/site_marks.h"
#include "pipelines/rollup/site_rows.h"
#include "pipelines/rollup/site_windows.h"
#include "pipelines/state/shard_state.h"

/* Until when windows are final: by the watermark, by idleness, or because the input has ended. No
 * window is final that begins after the newest reading. */
static void clock_close(struct shard *shard)
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

static void advance_sites(struct shard *shard)
{
    clock_close(shard);
    shard_touch_pending(shard);
    for (uint32_t i = 0; i < shard->own_count; i++) {
        site_retire(shard->own[i], &shard->clock, shard->clock.floor_ms);
        site_advance(shard->own[i], &shard->clock);
    }
}

static bool take_site(struct shard *shard, struct site *site, uint32_t sink, int64_t limit_ms,
                      struct block *block)
{
    return mark_counts_dirty(&site->marks, sink) == 0 ||
           site_take_rows(site, &shard->clock, sink, limit_ms, block);
}

/* Every facility in turn, beginning where the last block was full. */
static void take_all(struct shard *shard, uint32_t sink, struct block *block)
{
    uint32_t first = shard_find_own(shard, shard->cursor);
    for (uint32_t n = 0; n < shard->own_count; n++) {
        struct site *site = shard->own[(first + n) % shard->own_count];
        if (take_site(shard, site, sink, INT64_MAX, block))
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

/* Day by day of all facilities together, so that the order of rows is that of time and does not
 * depend on the order of arrival. */
static void take_closing(struct shard *shard, uint32_t sink, struct block *block)
{
    /* In the end what is not over goes too: once the panels have room for the newest bucket. */
    bool all = shard->finished && has_opened_all(shard);
    int64_t limit_ms = all ? INT64_MAX : shard->clock.floor_ms;
    bool more = true;
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

/* The mark of the row that stands for its window; NULL for other rows, and for windows gone. */
static struct mark *find_mark(struct shard *shard, const struct row *row, struct day **day_out)
{
    struct site *site = shard->sites[row->facility];
    if (row->kind != ROW_COVERAGE || site == NULL)
        return NULL;
    return site_find_mark(site, (enum level)row->level, row->window.start_ms, day_out);
}

void shard_end_row(struct shard *shard, uint32_t sink, const struct row *row, enum block_end end)
{
    struct day *day;
    struct mark *mark = find_mark(shard, row, &day);
    if (mark != NULL)
        (void)site_mark_ended(shard->sites[row->facility], day, mark, sink, end);
}

/* --- over all facilities --- */

static struct mark_counts count_marks(const struct shard *shard, uint32_t sink)
{
    struct mark_counts counts = {0};
    for (uint32_t i = 0; i < shard->own_count; i++) {
        const struct site *site = shard->own[i];
        for (uint32_t state = 0; state < MARK_STATES; state++)
            counts.state[sink][state] += site->marks.state[sink][state];
        counts.at_risk[sink] += site->marks.at_risk[sink];
    }
    return counts;
}

/* One generation after the other, if all is proven. */
bool shard_prove(struct shard *shard, uint32_t sink, int64_t before_ms, int64_t now_ms)
{
    bool proven = false;
    for (int generation = 0; generation < 2; generation++) {
        const struct mark_counts counts = count_marks(shard, sink);
        uint32_t old = counts.state[sink][MARK_ACKED_OLD];
        if (!generation_ends(&shard->generations[sink], counts.state[sink][MARK_ACKED_YOUNG], old,
                             before_ms, now_ms))
            break;
        for (uint32_t i = 0; i < shard->own_count; i++)
            site_prove(shard->own[i], sink);
        proven |= old > 0;
        if (before_ms != INT64_MAX)
            break;
    }
    return proven;
}

void shard_lose(struct shard *shard, uint32_t sink)
{
    for (uint32_t i = 0; i < shard->own_count; i++)
        site_lose(shard->own[i], sink);
}

void shard_take_over(struct shard *shard, uint32_t sink, enum takeover_action action)
{
    uint8_t bit = (uint8_t)(1U << sink);
    if (action == TAKEOVER_NOTHING ||
        (action == TAKEOVER_FROM_NOW && (shard->taking_over & bit) != 0))
        return;
    if (action == TAKEOVER_ROUND_TWO)
        shard->taking_over &= (uint8_t)~bit;
    else
        shard->taking_over |= bit;
    for (uint32_t i = 0; i < shard->own_count; i++)
        site_take_over(shard->own[i], sink, action);
}

bool shard_has_rows(const struct shard *shard, uint32_t sink)
{
    const struct mark_counts counts = count_marks(shard, sink);
    return mark_counts_dirty(&counts, sink) + counts.at_risk[sink] > 0;
}

uint64_t shard_count_dirty(const struct shard *shard)
{
    uint64_t dirty = 0;
    for (uint32_t sink = 0; sink < shard->context.sinks_count; sink++) {
        const struct mark_counts counts = count_marks(shard, sink);
        dirty += mark_counts_dirty(&counts, sink);
    }
    return dirty;
}

uint64_t shard_count_at_risk(const struct shard *shard)
{
    uint64_t at_risk = 0;
    for (uint32_t sink = 0; sink < shard->context.sinks_count; sink++)
        at_risk += count_marks(shard, sink).at_risk[sink];
    return at_risk;
}

bool shard_is_drained(const struct shard *shard)
{
    for (uint32_t sink = 0; sink < shard->context.sinks_count; sink++) {
        const struct mark_counts counts = count_marks(shard, sink);
        if (mark_counts_dirty(&counts, sink) + mark_counts_sent(&counts, sink) > 0)
            return false;
    }
    return shard->pending.site == NULL;
}

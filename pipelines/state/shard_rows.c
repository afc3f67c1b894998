/* Rows of a shard: taken, settled, given back, doubted. */
#include <sys/param.h>

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
    return site->dirty_count == 0 || site_take_rows(site, &shard->clock, sink, limit_ms, block);
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
        if (shard->own[i]->dirty_count > 0)
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
    for (uint32_t i = before; i < block->count; i++)
        shard->in_flight += block->rows[i].kind == ROW_COVERAGE;
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

/* The mark of a row that was under way, and no longer is; NULL for others. */
static struct mark *land(struct shard *shard, uint32_t sink, const struct row *row,
                         struct day **day_out)
{
    struct mark *mark = find_mark(shard, row, day_out);
    if (mark == NULL || !site_mark_settled(shard->sites[row->facility], *day_out, mark, sink))
        return NULL;
    shard->in_flight--;
    return mark;
}

void shard_row_settled(struct shard *shard, uint32_t sink, const struct row *row)
{
    struct day *day;
    (void)land(shard, sink, row, &day);
}

void shard_row_settled_uncertain(struct shard *shard, uint32_t sink, const struct row *row)
{
    struct day *day;
    struct mark *mark = land(shard, sink, row, &day);
    if (mark != NULL)
        site_mark_suspect(shard->sites[row->facility], day, mark, (uint8_t)(1U << sink));
}

void shard_row_settled_unproven(struct shard *shard, uint32_t sink, const struct row *row)
{
    struct day *day;
    struct mark *mark = land(shard, sink, row, &day);
    if (mark == NULL)
        return;
    site_mark_unproven(shard->sites[row->facility], day, mark, (uint8_t)(1U << sink));
    shard->generations[sink].any = true;
}

/* The next generation ages from now on. Returns whether anything of the one before was proven. */
static bool next_generation(struct shard *shard, uint32_t sink, int64_t now_ms)
{
    bool proven = false;
    for (uint32_t i = 0; i < shard->own_count; i++)
        proven |= site_prove(shard->own[i], (uint8_t)(1U << sink));
    struct generations *generations = &shard->generations[sink];
    *generations = (struct generations){.aging = generations->any, .until_ms = now_ms};
    return proven;
}

bool shard_prove(struct shard *shard, uint32_t sink, int64_t before_ms, int64_t now_ms)
{
    const struct generations *generations = &shard->generations[sink];
    bool proven = false;
    if (generations->aging ? generations->until_ms <= before_ms : generations->any)
        proven = next_generation(shard, sink, now_ms);
    if (generations->aging && before_ms == INT64_MAX)
        proven |= next_generation(shard, sink, now_ms);
    return proven;
}

void shard_lose(struct shard *shard, uint32_t sink)
{
    for (uint32_t i = 0; i < shard->own_count; i++)
        site_lose(shard->own[i], (uint8_t)(1U << sink));
    shard->generations[sink] = (struct generations){0};
}

void shard_row_abandoned(struct shard *shard, uint32_t sink, const struct row *row)
{
    struct day *day;
    struct mark *mark = land(shard, sink, row, &day);
    if (mark != NULL)
        site_mark_dirty(shard->sites[row->facility], day, mark, (uint8_t)(1U << sink));
}

uint64_t shard_count_dirty(const struct shard *shard)
{
    uint64_t dirty = 0;
    for (uint32_t i = 0; i < shard->own_count; i++)
        dirty += shard->own[i]->dirty_count;
    return dirty;
}

bool shard_is_drained(const struct shard *shard)
{
    return shard->pending.site == NULL && shard->in_flight == 0 && shard_count_dirty(shard) == 0;
}

uint64_t shard_count_suspect(const struct shard *shard)
{
    uint64_t suspect = 0;
    for (uint32_t i = 0; i < shard->own_count; i++)
        suspect += shard->own[i]->suspect_count;
    return suspect;
}

uint8_t shard_begin_healing(struct shard *shard)
{
    uint8_t sinks = 0;
    shard->healing = true;
    for (uint32_t i = 0; i < shard->own_count; i++)
        sinks |= site_begin_healing(shard->own[i]);
    return sinks;
}

void shard_heal(struct shard *shard)
{
    shard->healing = false;
    for (uint32_t i = 0; i < shard->own_count; i++)
        site_heal(shard->own[i]);
}

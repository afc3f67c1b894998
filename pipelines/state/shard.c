#include "pipelines/state/shard.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/param.h>

#include "base/log.h"
#include "pipelines/state/site.h"

/* What an accepted event has yet to touch: it waits for a day to be settled and to leave. */
struct pending {
    struct site *site;
    uint32_t column;
    int64_t next_row, to_row, low_offset;
};

struct shard {
    struct shard_context context;
    uint32_t partition;
    struct site **sites; /* by facility; NULL where this partition has none of */
    struct rating *rating;
    struct site_clock clock;
    int64_t newest_ms;      /* end of the newest accepted reading; INT64_MIN */
    int64_t idle_final_ms;  /* final because the partition was idle */
    bool finished;          /* the input has ended */
    uint32_t cursor;        /* the facility at which the next taking begins */
    uint64_t in_flight;     /* marks under way to a sink */
    struct pending pending; /* site NULL: none */
    struct shard_stats stats;
};

static uint32_t largest_facility(const struct registry *registry)
{
    uint32_t largest = 1;
    for (uint32_t i = 0; i < registry->facilities_count; i++)
        largest = MAX(largest, registry->facilities[i].meters_count);
    return largest;
}

int shard_create(struct shard **shard_out, const struct shard_context *context, uint32_t partition)
{
    struct shard *shard = calloc(1, sizeof(*shard));
    if (shard == NULL)
        return -ENOMEM;
    shard->context = *context;
    shard->partition = partition;
    shard->newest_ms = shard->idle_final_ms = INT64_MIN;
    shard->clock = (struct site_clock){INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN};
    int err = -ENOMEM;
    shard->sites = calloc(context->registry->facilities_count + 1, sizeof(struct site *));
    if (shard->sites == NULL)
        goto fail_sites;
    err = rating_create(&shard->rating, context->kernels, largest_facility(context->registry));
    if (err < 0)
        goto fail_rating;
    *shard_out = shard;
    return 0;

fail_rating:
    free(shard->sites);
fail_sites:
    free(shard);
    return err;
}

static void disown(struct shard *shard, uint32_t facility)
{
    uint32_t *owner = shard->context.facility_partition;
    if (owner != NULL && owner[facility] == shard->partition)
        owner[facility] = UINT32_MAX;
}

void shard_destroy(struct shard **shard)
{
    struct shard *gone = TAKE(*shard);
    if (gone == NULL)
        return;
    for (uint32_t i = 0; i < gone->context.registry->facilities_count; i++) {
        if (gone->sites[i] != NULL)
            disown(gone, i);
        site_destroy(&gone->sites[i]);
    }
    rating_destroy(&gone->rating);
    free(gone->sites);
    free(gone);
}

/* --- the shard's clock: made of event times --- */

static int64_t watermark_of(const struct shard *shard, int64_t newest_ms)
{
    return newest_ms - shard->context.window->allowed_delay_ms;
}

static int64_t floor_of(const struct shard *shard, int64_t newest_ms)
{
    int64_t bucket_ms = shard->context.window->bucket_ms;
    int64_t floor_ms = watermark_of(shard, newest_ms) - shard->context.window->horizon_ms;
    int64_t rest_ms = floor_ms % bucket_ms;
    return floor_ms - (rest_ms < 0 ? rest_ms + bucket_ms : rest_ms);
}

static int64_t last_row(const struct shard *shard, const struct reading *reading)
{
    int64_t bucket_ms = shard->context.window->bucket_ms;
    int64_t last_ms = reading->span_ms > 0 ? reading_end_ms(reading) - 1 : reading->start_ms;
    return last_ms / bucket_ms - (last_ms % bucket_ms < 0);
}

static void clock_advance(struct shard *shard, const struct reading *reading)
{
    struct site_clock *clock = &shard->clock;
    clock->passed_ms =
        shard->newest_ms == INT64_MIN ? INT64_MIN : watermark_of(shard, shard->newest_ms);
    shard->newest_ms = MAX(shard->newest_ms, reading_end_ms(reading));
    clock->floor_ms = floor_of(shard, shard->newest_ms);
    clock->top_row = MAX(clock->top_row, last_row(shard, reading));
}

/* Until when windows are final: by the watermark, by idleness, or because the input has ended. No
 * window is final that begins after the newest reading. */
static void clock_close(struct shard *shard)
{
    if (shard->newest_ms == INT64_MIN)
        return;
    int64_t end_ms = (shard->clock.top_row + 1) * shard->context.window->bucket_ms;
    int64_t final_ms = watermark_of(shard, shard->newest_ms) - shard->context.window->grace_ms;
    final_ms = MAX(final_ms, shard->idle_final_ms);
    if (shard->finished)
        final_ms = end_ms;
    shard->clock.final_ms = MAX(shard->clock.final_ms, MIN(final_ms, end_ms));
}

/* --- events --- */

/* The rows that an event has yet to touch; false: a day has to be settled first. */
static bool touch_pending(struct shard *shard)
{
    struct pending *pending = &shard->pending;
    if (pending->site == NULL)
        return true;
    pending->next_row = site_touch(pending->site, &shard->clock, pending->column, pending->next_row,
                                   pending->to_row, pending->low_offset);
    if (pending->next_row < pending->to_row)
        return false;
    pending->site = NULL;
    return true;
}

static struct site *find_site(struct shard *shard, uint32_t facility, int64_t end_ms)
{
    if (shard->sites[facility] != NULL)
        return shard->sites[facility];
    struct site_conf conf = {.registry = shard->context.registry,
                             .window = shard->context.window,
                             .rating = shard->rating,
                             .facility = facility,
                             .sinks_count = shard->context.sinks_count,
                             .partition = shard->partition};
    if (shard->newest_ms == INT64_MIN)
        shard->clock.floor_ms = floor_of(shard, end_ms);
    int err = site_create(&shard->sites[facility], &conf, &shard->clock);
    if (err < 0) {
        LOG_ERROR("shard.site_failed", "partition=%" PRIu32 " facility=\"%s\" error=\"%s\"",
                  shard->partition, conf.registry->facilities[facility].id, err_str(err));
        return NULL;
    }
    shard->stats.facilities++;
    shard->stats.memory_bytes += shard->sites[facility]->memory_bytes;
    return shard->sites[facility];
}

static bool is_foreign(struct shard *shard, uint32_t facility)
{
    uint32_t *owner = shard->context.facility_partition;
    if (owner == NULL)
        return false;
    if (owner[facility] == UINT32_MAX)
        owner[facility] = shard->partition;
    if (owner[facility] == shard->partition)
        return false;
    LOG_LIMITED(
        LOG_LEVEL_ERROR, "shard.facility_on_two_partitions",
        "facility=\"%s\" partitions=%" PRIu32 ",%" PRIu32 " hint=\"key the topic by facility\"",
        shard->context.registry->facilities[facility].id, owner[facility], shard->partition);
    return true;
}

static void count_booking(struct shard *shard, const struct booking *booking)
{
    shard->stats.discontinuities += booking->discontinuity;
    shard->stats.rollovers += booking->rollover;
    shard->stats.overlaps += booking->overlap;
}

/* Books the reading and touches what it changed, as far as there is room. */
static void apply_reading(struct shard *shard, struct site *site, uint32_t meter,
                          const struct reading *reading, struct booking *booking)
{
    site_book(site, &shard->clock, meter, reading, booking);
    count_booking(shard, booking);
    if (booking->outcome != OUTCOME_USED)
        return;
    int64_t floor_ms = shard->clock.floor_ms; /* what lies before it was projected for good */
    clock_advance(shard, reading);
    int64_t from_ms = MAX(booking->from_ms, floor_ms);
    if (booking->to_ms <= from_ms)
        return;
    shard->pending = (struct pending){.site = site,
                                      .column = meter - site->facility->meters_first,
                                      .next_row = site_row(site, from_ms),
                                      .to_row = site_row(site, booking->to_ms - 1) + 1,
                                      .low_offset = booking->low_offset};
    touch_pending(shard);
}

/* What can be told without looking into the state. */
static enum outcome judge(struct shard *shard, const struct batch *batch, uint32_t i)
{
    int64_t arrived_ms = batch->arrived_ms[i];
    if (arrived_ms != INT64_MIN &&
        batch->end_ms[i] > arrived_ms + shard->context.window->early_tolerance_ms)
        return OUTCOME_EARLY;
    if (shard->newest_ms != INT64_MIN && batch->start_ms[i] < shard->clock.floor_ms)
        return OUTCOME_LATE;
    if (is_foreign(shard, shard->context.registry->meters[batch->meter[i]].facility))
        return REJECT_WRONG_PARTITION;
    return OUTCOME_USED;
}

static void apply_event(struct shard *shard, struct batch *batch, uint32_t i)
{
    enum outcome outcome = judge(shard, batch, i);
    enum outcome counted = outcome;
    if (outcome == OUTCOME_USED) {
        struct reading reading = {.start_ms = batch->start_ms[i],
                                  .value = batch->value[i],
                                  .offset = batch->offset[i],
                                  .span_ms = (uint64_t)(batch->end_ms[i] - batch->start_ms[i]) &
                                             ((UINT64_C(1) << 40) - 1),
                                  .revision = batch->revision[i],
                                  .quality = batch->quality[i] & 3U};
        uint32_t facility = shard->context.registry->meters[batch->meter[i]].facility;
        struct site *site = find_site(shard, facility, batch->end_ms[i]);
        struct booking booking = {.outcome = REJECT_JOURNAL_FULL};
        if (site != NULL)
            apply_reading(shard, site, batch->meter[i], &reading, &booking);
        outcome = booking.outcome;
        /* A reading that takes another's place leaves the number of those in use as it is. */
        counted = booking.displaced != OUTCOME_USED ? booking.displaced : outcome;
    }
    batch->outcome[i] = (uint8_t)outcome;
    shard->stats.outcomes[counted]++;
}

uint32_t shard_apply(struct shard *shard, struct batch *batch, uint32_t first)
{
    ASSERT(!shard->finished);
    for (uint32_t i = first; i < batch->count; i++) {
        if (!touch_pending(shard))
            return i;
        apply_event(shard, batch, i);
    }
    touch_pending(shard);
    return batch->count;
}

bool shard_is_blocked(const struct shard *shard)
{
    return shard->pending.site != NULL;
}

/* --- rows --- */

static void advance_sites(struct shard *shard)
{
    clock_close(shard);
    touch_pending(shard);
    for (uint32_t i = 0; i < shard->context.registry->facilities_count; i++) {
        if (shard->sites[i] == NULL)
            continue;
        site_retire(shard->sites[i], &shard->clock, shard->clock.floor_ms);
        site_advance(shard->sites[i], &shard->clock);
    }
}

static bool take_site(struct shard *shard, uint32_t facility, uint32_t sink, int64_t limit_ms,
                      struct block *block)
{
    struct site *site = shard->sites[facility];
    if (site == NULL || site->dirty_count == 0)
        return true;
    return site_take_rows(site, &shard->clock, sink, limit_ms, block);
}

/* Every facility in turn, beginning where the last block was full. */
static void take_all(struct shard *shard, uint32_t sink, struct block *block)
{
    uint32_t facilities_count = shard->context.registry->facilities_count;
    for (uint32_t n = 0; n < facilities_count; n++) {
        if (!take_site(shard, shard->cursor, sink, INT64_MAX, block))
            return;
        shard->cursor = (shard->cursor + 1) % facilities_count;
    }
}

static int64_t next_closing_ms(const struct shard *shard, uint32_t sink, int64_t limit_ms)
{
    int64_t closing_ms = INT64_MAX;
    for (uint32_t i = 0; i < shard->context.registry->facilities_count; i++) {
        if (shard->sites[i] != NULL && shard->sites[i]->dirty_count > 0)
            closing_ms = MIN(closing_ms, site_closing_ms(shard->sites[i], sink, limit_ms));
    }
    return closing_ms;
}

static bool has_opened_all(const struct shard *shard)
{
    for (uint32_t i = 0; i < shard->context.registry->facilities_count; i++) {
        if (shard->sites[i] != NULL && !site_has_opened(shard->sites[i], &shard->clock))
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
        for (uint32_t i = 0; i < shard->context.registry->facilities_count; i++) {
            if (!take_site(shard, i, sink, closing_ms, block))
                return;
        }
    }
}

uint32_t shard_take_rows(struct shard *shard, uint32_t sink, enum take_mode mode,
                         struct block *block)
{
    uint32_t before = block->count;
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

void shard_row_settled(struct shard *shard, uint32_t sink, const struct row *row)
{
    struct day *day;
    struct mark *mark = find_mark(shard, row, &day);
    if (mark == NULL)
        return;
    site_mark_settled(day, mark, sink);
    shard->in_flight--;
}

void shard_row_abandoned(struct shard *shard, uint32_t sink, const struct row *row)
{
    struct day *day;
    struct mark *mark = find_mark(shard, row, &day);
    if (mark == NULL)
        return;
    site_mark_settled(day, mark, sink);
    site_mark_dirty(shard->sites[row->facility], day, mark, (uint8_t)(1U << sink));
    shard->in_flight--;
}

void shard_idle(struct shard *shard, int64_t wall_ms)
{
    shard->idle_final_ms =
        wall_ms - shard->context.window->allowed_delay_ms - shard->context.window->grace_ms;
}

void shard_finish(struct shard *shard)
{
    shard->finished = true;
}

static uint64_t count_dirty(const struct shard *shard)
{
    uint64_t dirty = 0;
    for (uint32_t i = 0; i < shard->context.registry->facilities_count; i++)
        dirty += shard->sites[i] != NULL ? shard->sites[i]->dirty_count : 0;
    return dirty;
}

bool shard_is_drained(const struct shard *shard)
{
    return shard->pending.site == NULL && shard->in_flight == 0 && count_dirty(shard) == 0;
}

int64_t shard_low_offset(const struct shard *shard)
{
    int64_t low = INT64_MAX;
    for (uint32_t i = 0; i < shard->context.registry->facilities_count; i++) {
        if (shard->sites[i] != NULL)
            low = MIN(low, site_low_offset(shard->sites[i]));
    }
    return low == INT64_MAX ? -1 : low;
}

int64_t shard_settled_ms(const struct shard *shard)
{
    int64_t settled_ms = INT64_MAX;
    for (uint32_t i = 0; i < shard->context.registry->facilities_count; i++) {
        if (shard->sites[i] != NULL)
            settled_ms = MIN(settled_ms, site_settled_ms(shard->sites[i]));
    }
    return settled_ms == INT64_MAX ? INT64_MIN : settled_ms;
}

void shard_set_settled(struct shard *shard, int64_t settled_ms)
{
    shard->clock.settled_ms = settled_ms;
}

static uint64_t count_readings(const struct shard *shard)
{
    uint64_t readings = 0;
    for (uint32_t i = 0; i < shard->context.registry->facilities_count; i++) {
        const struct site *site = shard->sites[i];
        for (uint32_t j = 0; site != NULL && j < site->facility->meters_count; j++)
            readings += site->journals[j].count;
    }
    return readings;
}

const struct shard_stats *shard_get_stats(struct shard *shard)
{
    shard->stats.readings = count_readings(shard);
    shard->stats.dirty_rows = count_dirty(shard);
    shard->stats.watermark_ms =
        shard->newest_ms == INT64_MIN ? INT64_MIN : watermark_of(shard, shard->newest_ms);
    shard->stats.floor_ms = shard->clock.floor_ms;
    return &shard->stats;
}

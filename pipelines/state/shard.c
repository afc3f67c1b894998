#include "pipelines/state/shard.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "base/log.h"
#include "base/timestamp.h"
#include "pipelines/rollup/site_days.h"
#include "pipelines/rollup/site_windows.h"
#include "pipelines/state/shard_state.h"

/* Local days that begin before the calendar does are of no use. */
#define FLOOR_MIN_MS (TIME_MIN_MS + 2 * DAY_MS)

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
    shard->clock = (struct site_clock){INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN};
    int err = -ENOMEM;
    shard->sites = calloc(context->registry->facilities_count + 1, sizeof(struct site *));
    if (shard->sites == NULL)
        goto fail_sites;
    shard->own = calloc(context->registry->facilities_count + 1, sizeof(struct site *));
    if (shard->own == NULL)
        goto fail_own;
    err = rating_create(&shard->rating, context->kernels, largest_facility(context->registry));
    if (err < 0)
        goto fail_rating;
    *shard_out = shard;
    return 0;

fail_rating:
    free(shard->own);
fail_own:
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

uint32_t shard_find_own(const struct shard *shard, uint32_t facility)
{
    uint32_t low = 0;
    uint32_t high = shard->own_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (shard->own[middle]->conf.facility < facility)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void add_own(struct shard *shard, struct site *site)
{
    uint32_t at = shard_find_own(shard, site->conf.facility);
    memmove(shard->own + at + 1, shard->own + at, (shard->own_count - at) * sizeof(*shard->own));
    shard->own[at] = site;
    shard->own_count++;
}

static void remove_own(struct shard *shard, uint32_t facility)
{
    uint32_t at = shard_find_own(shard, facility);
    ASSERT(at < shard->own_count && shard->own[at] == shard->sites[facility]);
    shard->own_count--;
    memmove(shard->own + at, shard->own + at + 1, (shard->own_count - at) * sizeof(*shard->own));
}

static void drop_site(struct shard *shard, uint32_t facility)
{
    remove_own(shard, facility);
    size_t bytes = shard->sites[facility]->memory_bytes;
    disown(shard, facility);
    site_destroy(&shard->sites[facility]);
    shard->stats.facilities--;
    shard->stats.memory_bytes -= bytes;
    if (shard->context.memory_used != NULL)
        *shard->context.memory_used -= bytes;
}

void shard_destroy(struct shard **shard)
{
    struct shard *gone = TAKE(*shard);
    if (gone == NULL)
        return;
    while (gone->own_count > 0)
        drop_site(gone, gone->own[gone->own_count - 1]->conf.facility);
    shard_loading_destroy(&gone->loading);
    rating_destroy(&gone->rating);
    free(gone->own);
    free(gone->sites);
    free(gone);
}

/* --- the shard's clock: made of event times --- */

int64_t shard_watermark_of(const struct shard *shard, int64_t newest_ms)
{
    return newest_ms - shard->context.window->allowed_delay_ms;
}

int64_t shard_floor_of(const struct shard *shard, int64_t newest_ms)
{
    int64_t bucket_ms = shard->context.window->bucket_ms;
    int64_t floor_ms = shard_watermark_of(shard, newest_ms) - shard->context.window->horizon_ms;
    floor_ms = MAX(floor_ms, FLOOR_MIN_MS);
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
        shard->newest_ms == INT64_MIN ? INT64_MIN : shard_watermark_of(shard, shard->newest_ms);
    shard->newest_ms = MAX(shard->newest_ms, reading_end_ms(reading));
    clock->floor_ms = shard_floor_of(shard, shard->newest_ms);
    clock->top_row = MAX(clock->top_row, last_row(shard, reading));
}

/* --- events --- */

bool shard_touch_pending(struct shard *shard)
{
    struct pending *pending = &shard->pending;
    if (pending->site == NULL)
        return true;
    pending->next_row = site_touch(pending->site, &shard->clock, pending->column, pending->next_row,
                                   pending->to_row);
    if (pending->next_row < pending->to_row)
        return false;
    pending->site = NULL;
    return true;
}

bool shard_has_memory(const struct shard *shard, size_t bytes)
{
    const struct shard_context *context = &shard->context;
    return context->memory_used == NULL || context->memory_max == 0 ||
           (*context->memory_used <= context->memory_max &&
            bytes <= context->memory_max - *context->memory_used);
}

/* Notes that the facility needs memory which is not there. */
static void starve(struct shard *shard, uint32_t facility)
{
    const struct shard_context *context = &shard->context;
    shard->starved_bytes = site_size(context->registry, context->window, facility);
    LOG_LIMITED(LOG_LEVEL_ERROR, "shard.memory",
                "partition=%" PRIu32 " facility=\"%s\" needed_bytes=%zu used_bytes=%zu"
                " max_bytes=%zu consumption=stopped",
                shard->partition, context->registry->facilities[facility].id, shard->starved_bytes,
                context->memory_used != NULL ? *context->memory_used : 0, context->memory_max);
}

int shard_make_site(struct shard *shard, uint32_t facility)
{
    const struct shard_context *context = &shard->context;
    struct site_conf conf = {.registry = context->registry,
                             .window = context->window,
                             .rating = shard->rating,
                             .facility = facility,
                             .sinks_count = context->sinks_count,
                             .partition = shard->partition};
    int err = -ENOMEM;
    if (shard_has_memory(shard, site_size(context->registry, context->window, facility)))
        err = site_create(&shard->sites[facility], &conf, &shard->clock);
    if (err < 0) {
        starve(shard, facility);
        return err;
    }
    add_own(shard, shard->sites[facility]);
    shard->sites[facility]->taking_over = shard->taking_over;
    shard->stats.facilities++;
    shard->stats.memory_bytes += shard->sites[facility]->memory_bytes;
    if (context->memory_used != NULL)
        *context->memory_used += shard->sites[facility]->memory_bytes;
    return 0;
}

static struct site *find_site(struct shard *shard, uint32_t facility, int64_t end_ms)
{
    if (shard->sites[facility] != NULL)
        return shard->sites[facility];
    if (shard->newest_ms == INT64_MIN)
        shard->clock.floor_ms = shard_floor_of(shard, end_ms);
    return shard_make_site(shard, facility) == 0 ? shard->sites[facility] : NULL;
}

bool shard_claim(struct shard *shard, uint32_t facility)
{
    uint32_t *owner = shard->context.facility_partition;
    if (owner == NULL)
        return true;
    if (owner[facility] == UINT32_MAX)
        owner[facility] = shard->partition;
    if (owner[facility] == shard->partition)
        return true;
    LOG_LIMITED(LOG_LEVEL_ERROR, "shard.facility_on_two_partitions",
                "facility=\"%s\" partitions=%" PRIu32 ",%" PRIu32
                " hint=\"key the topic by facility, or set input.rekey: true\"",
                shard->context.registry->facilities[facility].id, owner[facility],
                shard->partition);
    return false;
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
                                      .to_row = site_row(site, booking->to_ms - 1) + 1};
    shard_touch_pending(shard);
}

/* The verdict that needs no look into the state. */
static enum outcome judge(struct shard *shard, const struct batch *batch, uint32_t i)
{
    int64_t arrived_ms = batch->arrived_ms[i];
    if (arrived_ms != INT64_MIN &&
        batch->end_ms[i] > arrived_ms + shard->context.window->early_tolerance_ms)
        return OUTCOME_EARLY;
    if (shard->newest_ms != INT64_MIN && batch->start_ms[i] < shard->clock.floor_ms)
        return OUTCOME_LATE;
    if (!shard_claim(shard, shard->context.registry->meters[batch->meter[i]].facility))
        return REJECT_WRONG_PARTITION;
    return OUTCOME_USED;
}

static struct reading reading_of(const struct batch *batch, uint32_t i)
{
    return (struct reading){.start_ms = batch->start_ms[i],
                            .value = batch->value[i],
                            .offset = batch->offset[i],
                            .span_ms = (uint64_t)(batch->end_ms[i] - batch->start_ms[i]) &
                                       ((UINT64_C(1) << 40) - 1),
                            .revision = batch->revision[i],
                            .quality = batch->quality[i] & 3U};
}

static void count_outcome(struct shard *shard, uint32_t facility, enum outcome outcome)
{
    struct site *site = shard->sites[facility];
    shard->stats.outcomes[outcome]++;
    if (site == NULL)
        return;
    site->outcomes[outcome]++;
    site->changed = true;
}

/* False: there is no memory for the event's facility, and nothing has changed. */
static bool apply_event(struct shard *shard, struct batch *batch, uint32_t i)
{
    uint32_t facility = shard->context.registry->meters[batch->meter[i]].facility;
    enum outcome outcome = judge(shard, batch, i);
    enum outcome counted = outcome;
    if (outcome == OUTCOME_USED) {
        struct site *site = find_site(shard, facility, batch->end_ms[i]);
        if (site == NULL)
            return false;
        struct reading reading = reading_of(batch, i);
        struct booking booking;
        apply_reading(shard, site, batch->meter[i], &reading, &booking);
        outcome = booking.outcome;
        /* A reading that takes another's place leaves the number of those in use as it is. */
        counted = booking.displaced != OUTCOME_USED ? booking.displaced : outcome;
        if (shard->newest_ms == INT64_MIN)
            drop_site(shard, facility); /* the first accepted reading says where rings begin */
    }
    batch->outcome[i] = (uint8_t)outcome;
    count_outcome(shard, facility, counted);
    return true;
}

uint32_t shard_apply(struct shard *shard, struct batch *batch, uint32_t first)
{
    ASSERT(!shard->finished && shard->loading == NULL);
    shard->starved_bytes = 0;
    for (uint32_t i = first; i < batch->count; i++) {
        if (!shard_touch_pending(shard))
            return i;
        if (!apply_event(shard, batch, i))
            return i;
    }
    shard_touch_pending(shard);
    return batch->count;
}

enum shard_block shard_get_block(const struct shard *shard)
{
    if (shard->pending.site != NULL)
        return SHARD_WAITS_FOR_SINKS;
    return shard->starved_bytes > 0 ? SHARD_WAITS_FOR_MEMORY : SHARD_GOES_ON;
}

bool shard_is_blocked(const struct shard *shard)
{
    return shard_get_block(shard) != SHARD_GOES_ON;
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

static uint64_t count_readings(const struct shard *shard)
{
    uint64_t readings = 0;
    for (uint32_t i = 0; i < shard->own_count; i++) {
        const struct site *site = shard->own[i];
        for (uint32_t j = 0; j < site->facility->meters_count; j++)
            readings += site->journals[j].count;
    }
    return readings;
}

const uint64_t *shard_get_outcomes(const struct shard *shard, uint32_t facility)
{
    return shard->sites[facility] == NULL ? NULL : shard->sites[facility]->outcomes;
}

const struct shard_stats *shard_get_stats(struct shard *shard)
{
    shard->stats.readings = count_readings(shard);
    shard->stats.dirty_rows = shard_count_dirty(shard);
    shard->stats.at_risk_rows = shard_count_at_risk(shard);
    shard->stats.watermark_ms =
        shard->newest_ms == INT64_MIN ? INT64_MIN : shard_watermark_of(shard, shard->newest_ms);
    shard->stats.floor_ms = shard->clock.floor_ms;
    return &shard->stats;
}

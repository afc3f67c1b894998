/* The sites of a shard: found, made, claimed and dropped. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "pipelines/state/shard_state.h"

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
    shard->starved_bytes = shard_facility_size(context, facility);
    LOG_LIMITED(LOG_LEVEL_ERROR, "shard.memory",
                "partition=%" PRIu32 " facility=\"%s\" needed_bytes=%zu used_bytes=%zu"
                " max_bytes=%zu consumption=stopped",
                shard->partition, context->registry->facilities[facility].id, shard->starved_bytes,
                context->memory_used != NULL ? *context->memory_used : 0, context->memory_max);
}

/* The sinks that get no windows of the level, a bit each. */
static uint8_t sinks_without(const struct shard_context *context, enum level level)
{
    uint8_t sinks = 0;
    for (uint32_t i = 0; context->sinks != NULL && i < context->sinks_count; i++)
        sinks |= (uint8_t)((context->sinks[i].skips >> level & 1U) << i);
    return sinks;
}

int shard_make_site(struct shard *shard, uint32_t facility)
{
    const struct shard_context *context = &shard->context;
    struct site_conf conf = {.registry = context->registry,
                             .window = context->window,
                             .rating = shard->rating,
                             .facility = facility,
                             .sinks_count = context->sinks_count,
                             .partition = shard->partition,
                             .known_from_ms = context->known_from_ms};
    for (uint32_t level = 0; level < LEVEL_COUNT; level++)
        conf.skipped[level] = sinks_without(context, (enum level)level);
    shard_put_targets(shard, &conf);
    size_t bytes = shard_facility_size(context, facility);
    int err = -ENOMEM;
    if (shard_has_memory(shard, bytes))
        err = site_create(&shard->sites[facility], &conf, &shard->clock);
    if (err == 0)
        err = shard_make_courses(shard, facility);
    if (err < 0) {
        site_destroy(&shard->sites[facility]);
        starve(shard, facility);
        return err;
    }
    add_own(shard, shard->sites[facility]);
    shard->sites[facility]->taking_over = shard->taking_over;
    shard->stats.facilities++;
    shard->stats.memory_bytes += bytes;
    if (context->memory_used != NULL)
        *context->memory_used += bytes;
    return 0;
}

struct site *shard_find_site(struct shard *shard, uint32_t facility,
                             const struct batch_event *event)
{
    if (shard->sites[facility] != NULL)
        return shard->sites[facility];
    if (shard->newest_ms == INT64_MIN)
        shard->clock.floor_ms = shard_first_floor(shard, event);
    return shard_make_site(shard, facility) == 0 ? shard->sites[facility] : NULL;
}

static void disown(struct shard *shard, uint32_t facility)
{
    uint32_t *owner = shard->context.facility_partition;
    if (owner != NULL && owner[facility] == shard->partition)
        owner[facility] = UINT32_MAX;
}

void shard_drop_site(struct shard *shard, uint32_t facility)
{
    remove_own(shard, facility);
    size_t bytes = shard_facility_size(&shard->context, facility);
    disown(shard, facility);
    courses_destroy(&shard->courses[facility]);
    site_destroy(&shard->sites[facility]);
    shard->stats.facilities--;
    shard->stats.memory_bytes -= bytes;
    if (shard->context.memory_used != NULL)
        *shard->context.memory_used -= bytes;
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

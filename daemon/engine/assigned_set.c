#include "daemon/engine/assigned_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/engine/needs.h"

static uint32_t slot_of(int32_t number)
{
    return (uint32_t)number & (ASSIGNED_SLOTS - 1);
}

static uint32_t slot_after(uint32_t slot)
{
    return (slot + 1) & (ASSIGNED_SLOTS - 1);
}

/* Half of the slots are free at least. */
struct assigned *assigned_set_find(const struct assigned_set *set, int32_t number)
{
    uint32_t slot = slot_of(number);
    while (set->slots[slot] != NULL && set->slots[slot]->number != number)
        slot = slot_after(slot);
    return set->slots[slot];
}

static void fill_slot(struct assigned_set *set, struct assigned *assigned)
{
    uint32_t slot = slot_of(assigned->number);
    while (set->slots[slot] != NULL)
        slot = slot_after(slot);
    set->slots[slot] = assigned;
}

int assigned_set_add(struct assigned_set *set, struct assigned *assigned)
{
    if (set->count == PARTITIONS_MAX)
        return ERR_FULL;
    ASSERT(assigned_set_find(set, assigned->number) == NULL);
    set->items[set->count++] = assigned;
    fill_slot(set, assigned);
    return 0;
}

/* Others may stand behind the slot that gets free: all are put again. It happens once a rebalance.
 */
void assigned_set_remove(struct assigned_set *set, const struct assigned *assigned)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        if (set->items[i] != assigned)
            set->items[kept++] = set->items[i];
    }
    set->count = kept;
    memset(set->slots, 0, sizeof(set->slots));
    for (uint32_t i = 0; i < kept; i++)
        fill_slot(set, set->items[i]);
}

/* --- what they share --- */

int assigned_set_init(struct assigned_set *set, const struct config *config,
                      const struct kernels *kernels, struct write_fence *fence)
{
    size_t count = config->registry->facilities_count;
    uint32_t *owners = malloc((count + 1) * sizeof(*owners));
    struct batch *batch = malloc(sizeof(*batch));
    if (owners == NULL || batch == NULL) {
        free(batch);
        free(owners);
        return -ENOMEM;
    }
    batch_clear(batch);
    memset(owners, 0xff, count * sizeof(*owners));
    struct memory_estimate needs = memory_estimate(config);
    *set = (struct assigned_set){.config = config,
                                 .batch = batch,
                                 .fence = fence,
                                 .memory_used = (size_t)memory_estimate_fixed(&needs)};
    set->context = (struct shard_context){.registry = config->registry,
                                          .window = &config->window,
                                          .targets = config->targets,
                                          .trajectory = &config->trajectory,
                                          .kernels = kernels,
                                          .sinks_count = config->sinks_count,
                                          .sinks = config->sinks,
                                          .facility_partition = owners,
                                          .memory_used = &set->memory_used,
                                          .memory_max = (size_t)config->memory_bytes_max};
    return 0;
}

void assigned_set_fini(struct assigned_set *set)
{
    ASSERT(set->count == 0);
    free(TAKE(set->batch));
    free(TAKE(set->context.facility_partition));
}

static int reset_or_create(struct assigned_set *set, struct assigned *assigned, int32_t number,
                           int64_t now_ms, struct assigned **assigned_out)
{
    const struct input_conf *input = &set->config->input;
    struct decode_conf decode = {.format = (enum event_format)input->format,
                                 .time_unit = (uint8_t)input->time_unit};
    memcpy(decode.fields, input->fields, sizeof(decode.fields));
    const struct message_applier_conf applier = {.decode = &decode,
                                                 .registry = set->context.registry,
                                                 .batch = set->batch,
                                                 .parks_unknown =
                                                     input->unknown_meter == UNKNOWN_PARK,
                                                 .make_sure = refusals_make_sure,
                                                 .refused = refusals_take,
                                                 .context = &set->refusals};
    const struct assigned_conf conf = {
        .context = &set->context, .applier = &applier, .now_ms = now_ms};
    return assigned != NULL ? assigned_reset(assigned, &conf)
                            : assigned_create(assigned_out, number, &conf);
}

int assigned_set_open(struct assigned_set *set, int32_t number, int64_t now_ms,
                      struct assigned **assigned_out)
{
    struct assigned *assigned = NULL;
    int err = reset_or_create(set, NULL, number, now_ms, &assigned);
    if (err == 0)
        err = assigned_set_add(set, assigned);
    if (err < 0) {
        assigned_destroy(&assigned);
        return err;
    }
    set->memory_used += (size_t)set->config->kafka.partition_bytes_max;
    *assigned_out = assigned;
    return 0;
}

int assigned_set_reset(struct assigned_set *set, struct assigned *assigned, int64_t now_ms)
{
    return reset_or_create(set, assigned, assigned->number, now_ms, NULL);
}

void assigned_set_close(struct assigned_set *set, struct assigned **assigned)
{
    set->memory_used -= (size_t)set->config->kafka.partition_bytes_max;
    assigned_set_remove(set, *assigned);
    assigned_destroy(assigned);
}

bool assigned_set_may_apply(const struct assigned_set *set)
{
    return !set->paused && !write_fence_is_up(set->fence);
}

bool assigned_set_may_write(const struct assigned_set *set)
{
    return !write_fence_is_up(set->fence) &&
           (set->consumer == NULL || !consumer_is_lost(set->consumer));
}

void assigned_set_resume(struct assigned_set *set)
{
    if (!assigned_set_may_apply(set))
        return;
    for (uint32_t i = 0; i < set->count; i++) {
        struct assigned *assigned = set->items[i];
        if (assigned_resume(assigned) && assigned_offer_returned(assigned, &set->refusals))
            consumer_resume(set->consumer, assigned->number);
    }
}

#include "daemon/engine/intake.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "base/log.h"
#include "daemon/engine/intake_state.h"
#include "daemon/engine/needs.h"

enum { TICK_MS = 250 };

static void on_room(void *context)
{
    intake_resume(context);
}

/* --- partitions come and go --- */

static int reset_part(struct intake *intake, struct assigned *assigned,
                      struct assigned **assigned_out, int32_t number)
{
    const struct input_conf *input = &intake->config->input;
    struct decode_conf decode = {.format = (enum event_format)input->format,
                                 .time_unit = (uint8_t)input->time_unit};
    memcpy(decode.fields, input->fields, sizeof(decode.fields));
    const struct message_applier_conf applier = {.decode = &decode,
                                                 .registry = intake->context.registry,
                                                 .parks_unknown =
                                                     input->unknown_meter == UNKNOWN_PARK,
                                                 .make_sure = refusals_make_sure,
                                                 .refused = refusals_take,
                                                 .context = &intake->refusals};
    const struct assigned_conf conf = {
        .context = &intake->context, .applier = &applier, .now_ms = intake_now_ms(intake)};
    return assigned != NULL ? assigned_reset(assigned, &conf)
                            : assigned_create(assigned_out, number, &conf);
}

static int on_assigned(void *context, int32_t number, int64_t committed, const char *metadata)
{
    struct intake *intake = context;
    struct assigned *assigned = NULL;
    int err = reset_part(intake, NULL, &assigned, number);
    if (err == 0)
        err = assigned_set_add(&intake->assigned_set, assigned);
    if (err < 0)
        goto fail;
    assigned->started = committed >= 0;
    intake->memory_used += (size_t)intake->config->kafka.partition_bytes_max;
    LOG_INFO("intake.assigned", "partition=%" PRId32 " offset=%" PRId64, number, committed);
    err = checkpointer_begin(intake->checkpointer, assigned, committed, metadata);
    if (err == 0)
        return committed < 0; /* consumer_begin() when it has begun */
    intake->memory_used -= (size_t)intake->config->kafka.partition_bytes_max;
    assigned_set_remove(&intake->assigned_set, assigned);
fail:
    LOG_ERROR("intake.not_assigned", "partition=%" PRId32 " error=\"%s\"", number, err_str(err));
    assigned_destroy(&assigned);
    return err;
}

static void go_live(struct intake *intake, struct assigned *assigned)
{
    LOG_INFO("intake.caught_up", "partition=%" PRId32 " offset=%" PRId64, assigned->number,
             assigned->position.offset);
    intake_heal_again(intake, assigned);
    intake->callbacks.rows_wanted(intake->callbacks.context);
}

/* Of what the group never had an offset nobody has written anything: rows wait for the first
 * commit. */
static void on_began(void *context, struct assigned *assigned)
{
    struct intake *intake = context;
    if (assigned->committed >= 0 || assigned->forgotten.offset >= 0) {
        (void)shard_begin_healing(assigned->shard);
        assigned->healing.lease_ms = assigned->assigned_ms + intake->session_ms;
    }
    if (assigned->committed < 0)
        consumer_begin(intake->consumer, assigned->number, assigned->forgotten.offset,
                       assigned->forgotten.saved_ms);
    consumer_resume(intake->consumer, assigned->number);
    (void)assigned_offer_returned(assigned, &intake->refusals); /* or when there is room */
    if (assigned_is_live(assigned))
        go_live(intake, assigned);
}

static int on_reset(void *context, struct assigned *assigned)
{
    return reset_part(context, assigned, NULL, assigned->number);
}

static void on_rebuilds(void *context, struct assigned *assigned)
{
    struct intake *intake = context;
    consumer_rewind(intake->consumer, assigned->number);
    on_began(intake, assigned);
}

static void on_commit(void *context, int32_t partition, int64_t offset, const char *pointer)
{
    struct intake *intake = context;
    consumer_commit(intake->consumer, partition, offset, pointer);
}

static void on_committed(void *context, int32_t partition, int64_t offset, bool accepted)
{
    struct intake *intake = context;
    checkpointer_committed(intake->checkpointer, partition, offset, accepted);
}

static void on_started(void *context, int32_t number)
{
    struct intake *intake = context;
    struct assigned *assigned = assigned_set_find(&intake->assigned_set, number);
    if (assigned == NULL)
        return;
    assigned->started = true;
    LOG_DEBUG("intake.started", "partition=%" PRId32, number);
    if (assigned_is_live(assigned))
        go_live(intake, assigned);
    else if (assigned_may_write(assigned))
        intake->callbacks.rows_wanted(intake->callbacks.context);
}

static bool on_revoking(void *context, int32_t number)
{
    struct intake *intake = context;
    struct assigned *assigned = assigned_set_find(&intake->assigned_set, number);
    return assigned != NULL && checkpointer_leave(intake->checkpointer, assigned);
}

static void on_released(void *context, struct assigned *assigned)
{
    struct intake *intake = context;
    consumer_release(intake->consumer, assigned->number);
}

/* So that no counter ever falls. */
static void remember_stats(struct intake *intake, const struct assigned *assigned)
{
    const struct shard_stats *stats = shard_get_stats(assigned->shard);
    message_applier_add_outcomes(assigned->applier, intake->gone.outcomes);
    for (uint32_t i = 0; i < OUTCOME_COUNT; i++)
        intake->gone.outcomes[i] += stats->outcomes[i];
    intake->gone.discontinuities += stats->discontinuities;
    intake->gone.rollovers += stats->rollovers;
    intake->gone.overlaps += stats->overlaps;
}

static void on_revoked(void *context, int32_t number, bool lost)
{
    struct intake *intake = context;
    struct assigned *assigned = assigned_set_find(&intake->assigned_set, number);
    if (assigned == NULL)
        return;
    LOG_INFO("intake.revoked", "partition=%" PRId32 " offset=%" PRId64 " lost=%d", number,
             assigned->position.offset, lost);
    intake->callbacks.revoked(intake->callbacks.context);
    remember_stats(intake, assigned);
    checkpointer_forget(intake->checkpointer, assigned);
    parking_forget(intake->refusals.parking, number);
    intake->memory_used -= (size_t)intake->config->kafka.partition_bytes_max;
    assigned_set_remove(&intake->assigned_set, assigned);
    assigned_destroy(&assigned);
}

static void on_confirmed(void *context)
{
    struct intake *intake = context;
    intake->callbacks.confirmed(intake->callbacks.context);
}

static void on_caught_up(void *context, int32_t number)
{
    struct intake *intake = context;
    struct assigned *assigned = assigned_set_find(&intake->assigned_set, number);
    if (assigned == NULL || assigned->caught_up)
        return;
    assigned->caught_up = true;
    if (assigned_is_live(assigned))
        go_live(intake, assigned);
}

static void on_data_lost(void *context, int32_t number, const struct data_loss *loss)
{
    struct intake *intake = context;
    data_loss_log("intake.data_lost", number, loss,
                  intake->config->kafka.on_data_loss == LOSS_STOP);
}

static void on_failed(void *context, const char *why)
{
    struct intake *intake = context;
    intake->callbacks.failed(intake->callbacks.context, why);
}

/* --- a few times a second --- */

/* The group waits for a partition no longer than we mean to. */
static void release_all(struct intake *intake)
{
    for (uint32_t i = 0; i < intake->assigned_set.count; i++)
        consumer_release(intake->consumer, intake->assigned_set.items[i]->number);
}

static void on_tick(uv_timer_t *timer)
{
    struct intake *intake = timer->data;
    if (intake->consumer == NULL)
        return;
    if (!intake->held && consumer_is_lost(intake->consumer))
        intake->callbacks.lost(intake->callbacks.context);
    if (intake->held)
        consumer_confirm(intake->consumer);
    checkpointer_step(intake->checkpointer);
    intake_check_healing(intake);
    if (intake->close_at_ms > 0 && uv_now(intake->loop) >= intake->close_at_ms)
        release_all(intake);
}

/* --- beginning and end --- */

static void intake_free(struct intake *intake)
{
    struct intake_callbacks callbacks = intake->callbacks;
    dead_letters_fini(&intake->refusals.letters);
    free(intake->context.facility_partition);
    free(intake);
    if (callbacks.closed != NULL)
        callbacks.closed(callbacks.context);
}

static void on_tick_closed(uv_handle_t *handle)
{
    intake_free(handle->data);
}

static void on_producer_closed(void *context)
{
    struct intake *intake = context;
    uv_close((uv_handle_t *)&intake->tick, on_tick_closed);
}

static void on_saver_closed(void *context)
{
    struct intake *intake = context;
    intake->checkpointer = NULL;
    parking_destroy(&intake->refusals.parking);
    producer_close(intake->producer, intake->close_timeout_ms, on_producer_closed, intake);
}

static void on_consumer_closed(void *context)
{
    struct intake *intake = context;
    ASSERT(intake->assigned_set.count == 0);
    intake->consumer = NULL;
    checkpointer_close(intake->checkpointer, intake->close_timeout_ms);
}

void intake_close(struct intake *intake, int64_t timeout_ms)
{
    intake->paused = true;
    intake->close_timeout_ms = timeout_ms;
    intake->close_at_ms = uv_now(intake->loop) + (uint64_t)timeout_ms;
    consumer_close(intake->consumer);
}

static int bind_registry(struct intake *intake, const struct config *config)
{
    size_t count = config->registry->facilities_count;
    uint32_t *owners = malloc((count + 1) * sizeof(*owners));
    if (owners == NULL)
        return -ENOMEM;
    memset(owners, 0xff, count * sizeof(*owners));
    intake->config = config;
    intake->context.registry = config->registry;
    intake->context.window = &config->window;
    intake->context.sinks_count = config->sinks_count;
    intake->context.sinks = config->sinks;
    intake->context.facility_partition = owners;
    struct memory_estimate needs = memory_estimate(config);
    intake->memory_used = (size_t)memory_estimate_fixed(&needs);
    intake->context.memory_used = &intake->memory_used;
    intake->context.memory_max = (size_t)config->memory_bytes_max;
    return 0;
}

static int create_parking(struct intake *intake)
{
    const struct parking_conf conf = {.producer = intake->producer,
                                      .bytes_max = intake->config->input.parked_bytes_max,
                                      .age_max_ms = intake->config->window.horizon_ms,
                                      .pushed_out = intake_on_pushed_out,
                                      .context = intake};
    return parking_create(&intake->refusals.parking, &conf);
}

static int create_saver(struct intake *intake, struct buffer *why)
{
    const struct checkpointer_conf conf = {.loop = intake->loop,
                                           .config = intake->config,
                                           .assigned_set = &intake->assigned_set,
                                           .parking = intake->refusals.parking,
                                           .producer = intake->producer};
    const struct checkpointer_callbacks callbacks = {.began = on_began,
                                                     .reset = on_reset,
                                                     .rebuilds = on_rebuilds,
                                                     .commit = on_commit,
                                                     .released = on_released,
                                                     .failed = on_failed,
                                                     .closed = on_saver_closed,
                                                     .context = intake};
    return checkpointer_create(&intake->checkpointer, &conf, &callbacks, why);
}

static int create_consumer(struct intake *intake, struct buffer *why)
{
    const struct consumer_callbacks callbacks = {.assigned = on_assigned,
                                                 .revoking = on_revoking,
                                                 .revoked = on_revoked,
                                                 .committed = on_committed,
                                                 .started = on_started,
                                                 .confirmed = on_confirmed,
                                                 .messages = intake_on_messages,
                                                 .caught_up = on_caught_up,
                                                 .data_lost = on_data_lost,
                                                 .failed = on_failed,
                                                 .closed = on_consumer_closed,
                                                 .context = intake};
    struct kafka_conf kafka = intake->config->kafka;
    if (intake->config->input.rekey) /* what is re-keyed already is not to be skipped */
        kafka.start = START_EARLIEST;
    return consumer_create(&intake->consumer, intake->loop, &kafka,
                           config_log_topic(intake->config), &callbacks, why);
}

int intake_create(struct intake **intake_out, uv_loop_t *loop, const struct config *config,
                  const struct kernels *kernels, const struct intake_callbacks *callbacks,
                  struct buffer *why)
{
    struct intake *intake = calloc(1, sizeof(*intake));
    if (intake == NULL)
        return -ENOMEM;
    intake->loop = loop;
    intake->callbacks = *callbacks;
    intake->context.kernels = kernels;
    int err = bind_registry(intake, config);
    if (err < 0)
        goto fail_registry;
    err = producer_create(&intake->producer, loop, &config->kafka, on_room, intake, why);
    if (err < 0)
        goto fail_producer;
    dead_letters_init(&intake->refusals.letters, intake->producer);
    uv_timer_init(loop, &intake->tick); /* cannot fail */
    intake->tick.data = intake;
    err = create_parking(intake);
    if (err < 0)
        goto fail_parking;
    err = create_saver(intake, why);
    if (err < 0)
        goto fail_parking;
    err = create_consumer(intake, why);
    if (err < 0)
        goto fail_consumer;
    intake->session_ms = consumer_get_setting(intake->consumer, "session.timeout.ms");
    uv_timer_start(&intake->tick, on_tick, TICK_MS, TICK_MS);
    *intake_out = intake;
    return 0;

    /* What has handles closes on the loop, and then the intake is freed. */
fail_consumer:
    intake->callbacks.closed = NULL;
    checkpointer_close(intake->checkpointer, 0);
    return err;
fail_parking:
    intake->callbacks.closed = NULL;
    on_saver_closed(intake);
    return err;
fail_producer:
    free(intake->context.facility_partition);
fail_registry:
    free(intake);
    return err;
}

int intake_start(struct intake *intake, struct buffer *why)
{
    return consumer_start(intake->consumer, why);
}

/* --- what others want to know --- */

int64_t intake_get_session_ms(const struct intake *intake)
{
    return intake->session_ms;
}

size_t intake_get_partitions(struct intake *intake, struct intake_partition *out, size_t max)
{
    static const struct consumer_partition_stats unknown = {
        .next_offset = -1, .log_end = -1, .lag = -1};
    struct consumer_partition_stats consumed[PARTITIONS_MAX];
    size_t consumed_count = consumer_get_partitions(intake->consumer, consumed, PARTITIONS_MAX);
    size_t n = 0;
    for (; n < intake->assigned_set.count && n < max; n++) {
        const struct assigned *assigned = intake->assigned_set.items[n];
        out[n] = (struct intake_partition){.assigned = assigned, .consumed = unknown};
        for (size_t i = 0; i < consumed_count; i++) {
            if (consumed[i].partition == assigned->number)
                out[n].consumed = consumed[i];
        }
        out[n].consumed.partition = assigned->number;
        out[n].consumed.caught_up &= assigned_is_live(assigned);
        out[n].consumed.stopped |= assigned->state == ASSIGNED_UNREADABLE;
    }
    return n;
}

void intake_get_elsewhere(const struct intake *intake, struct shard_stats *stats_out)
{
    *stats_out = intake->gone;
    for (uint32_t i = 0; i < intake->assigned_set.count; i++)
        message_applier_add_outcomes(intake->assigned_set.items[i]->applier, stats_out->outcomes);
}

bool intake_get_facility(const struct intake *intake, uint32_t facility,
                         uint64_t outcomes_out[OUTCOME_COUNT])
{
    bool found = false;
    memset(outcomes_out, 0, OUTCOME_COUNT * sizeof(*outcomes_out));
    for (uint32_t i = 0; i < intake->assigned_set.count; i++) {
        const struct assigned *assigned = intake->assigned_set.items[i];
        if (assigned->state == ASSIGNED_RESTORING || assigned->state == ASSIGNED_UNREADABLE)
            continue; /* what there is of it is not the whole */
        const uint64_t *outcomes = shard_get_outcomes(assigned->shard, facility);
        for (uint32_t k = 0; outcomes != NULL && k < OUTCOME_COUNT; k++)
            outcomes_out[k] += outcomes[k];
        found |= outcomes != NULL;
    }
    return found;
}

const struct consumer_stats *intake_get_consumer_stats(const struct intake *intake)
{
    return consumer_get_stats(intake->consumer);
}

const struct producer_stats *intake_get_deadletter_stats(const struct intake *intake)
{
    return producer_get_letter_stats(intake->producer);
}

size_t intake_get_memory(const struct intake *intake)
{
    return intake->memory_used;
}

const struct checkpoint_stats *intake_get_checkpoint_stats(const struct intake *intake)
{
    return checkpointer_get_stats(intake->checkpointer);
}

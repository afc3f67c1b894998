#include "daemon/engine/intake.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/engine/assigned_rows.h"
#include "daemon/engine/checkpointer.h"

enum { TICK_MS = 250 };

struct intake {
    struct intake_conf conf;
    uv_timer_t tick;
    struct assigned_set *set;
    struct consumer *consumer;
    struct checkpointer *checkpointer;
    int64_t session_ms;
    int64_t close_timeout_ms;
    uint64_t close_at_ms; /* uv_now(): no partition is waited for longer; 0: not closing */
    void (*closed)(void *context);
    void *closed_context;
    struct shard_stats gone; /* outcomes and counters of partitions that went away */
};

static int64_t now_ms(const struct intake *intake)
{
    return (int64_t)uv_now(intake->conf.loop);
}

/* --- partitions come --- */

static int on_assigned(void *context, int32_t number, int64_t committed, const char *metadata)
{
    struct intake *intake = context;
    struct assigned *assigned = NULL;
    int err = assigned_set_open(intake->set, number, now_ms(intake), &assigned);
    if (err < 0)
        goto fail;
    assigned->started = committed >= 0;
    LOG_INFO("intake.assigned", "partition=%" PRId32 " offset=%" PRId64, number, committed);
    err = checkpointer_begin(intake->checkpointer, assigned, committed, metadata);
    if (err == 0)
        return committed < 0; /* consumer_begin() when it has begun */
    assigned_set_close(intake->set, &assigned);
fail:
    LOG_ERROR("intake.not_assigned", "partition=%" PRId32 " error=\"%s\"", number, err_str(err));
    return err;
}

/* Each of two facts may come last: the group has an offset of it, it has caught up. */
static void check_live(struct intake *intake, struct assigned *assigned)
{
    if (!assigned_is_live(assigned))
        return;
    LOG_INFO("intake.caught_up", "partition=%" PRId32 " offset=%" PRId64, assigned->number,
             assigned->position.offset);
    assigned_rows_caught_up(intake->set, assigned, now_ms(intake));
    row_writer_want(intake->conf.row_writer);
}

/* If the group never had an offset of it, no earlier owner has written rows. Rows wait for the
 * first commit. */
static void on_began(void *context, struct assigned *assigned)
{
    struct intake *intake = context;
    ASSERT(assigned->state == ASSIGNED_APPLYING);
    if (assigned->committed >= 0 || assigned->forgotten.offset >= 0)
        assigned_rows_take_over(intake->set, assigned, assigned->assigned_ms + intake->session_ms);
    if (assigned->committed < 0)
        consumer_begin(intake->consumer, assigned->number, assigned->forgotten.offset,
                       assigned->forgotten.saved_ms);
    consumer_resume(intake->consumer, assigned->number);
    (void)assigned_offer_returned(assigned, &intake->set->refusals); /* or when there is room */
    check_live(intake, assigned);
}

static void on_started(void *context, int32_t number)
{
    struct intake *intake = context;
    struct assigned *assigned = assigned_set_find(intake->set, number);
    if (assigned == NULL)
        return;
    assigned->started = true;
    LOG_DEBUG("intake.started", "partition=%" PRId32, number);
    check_live(intake, assigned);
    if (assigned_may_write(assigned))
        row_writer_want(intake->conf.row_writer);
}

static void on_caught_up(void *context, int32_t number)
{
    struct intake *intake = context;
    struct assigned *assigned = assigned_set_find(intake->set, number);
    if (assigned == NULL || assigned->caught_up)
        return;
    assigned->caught_up = true;
    check_live(intake, assigned);
}

/* --- messages --- */

static size_t on_messages(void *context, int32_t number, rd_kafka_message_t **messages,
                          size_t count)
{
    struct intake *intake = context;
    struct assigned *assigned = assigned_set_find(intake->set, number);
    ASSERT(assigned != NULL);
    if (assigned->state != ASSIGNED_APPLYING)
        return 0;
    if (!assigned_set_may_apply(intake->set)) {
        assigned_enter(assigned, ASSIGNED_WAITING_PROCESS);
        return 0;
    }
    size_t taken = assigned_take(assigned, &intake->set->refusals, messages, count);
    if (taken > 0)
        assigned->last_message_ms = now_ms(intake);
    if (shard_is_blocked(assigned->shard))
        row_writer_want(intake->conf.row_writer);
    return taken;
}

static void on_pushed_out(void *context, int32_t number)
{
    struct intake *intake = context;
    struct assigned *assigned = assigned_set_find(intake->set, number);
    if (assigned != NULL)
        message_applier_unpark(assigned->applier);
}

static void on_room(void *context)
{
    struct intake *intake = context;
    assigned_set_resume(intake->set);
}

static void on_data_lost(void *context, int32_t number, const struct data_loss *loss)
{
    const struct intake *intake = context;
    data_loss_log("intake.data_lost", number, loss,
                  intake->conf.config->kafka.on_data_loss == LOSS_STOP);
}

/* --- partitions go --- */

static void on_committed(void *context, int32_t partition, int64_t offset, bool accepted)
{
    struct intake *intake = context;
    checkpointer_committed(intake->checkpointer, partition, offset, accepted);
}

static bool on_revoking(void *context, int32_t number)
{
    struct intake *intake = context;
    struct assigned *assigned = assigned_set_find(intake->set, number);
    return assigned != NULL && checkpointer_leave(intake->checkpointer, assigned);
}

/* So that no counter ever falls. */
static void remember_stats(struct intake *intake, const struct assigned *assigned)
{
    const struct shard_stats *stats = shard_get_stats(assigned->shard);
    message_applier_add_outcomes(assigned->applier, intake->gone.outcomes);
    for (uint32_t i = 0; i < OUTCOME_COUNT; i++)
        intake->gone.outcomes[i] += stats->outcomes[i];
    intake->gone.overlaps += stats->overlaps;
}

static void on_revoked(void *context, int32_t number, bool lost)
{
    struct intake *intake = context;
    struct assigned *assigned = assigned_set_find(intake->set, number);
    if (assigned == NULL)
        return;
    LOG_INFO("intake.revoked", "partition=%" PRId32 " offset=%" PRId64 " lost=%d", number,
             assigned->position.offset, lost);
    row_writer_forget(intake->conf.row_writer, (uint32_t)number);
    remember_stats(intake, assigned);
    checkpointer_forget(intake->checkpointer, assigned);
    parking_forget(intake->set->refusals.parking, number);
    assigned_set_close(intake->set, &assigned);
}

/* --- are we a member? --- */

/* Nothing is taken nor written until the group has said so. */
static void on_fence(void *context)
{
    struct intake *intake = context;
    if (intake->consumer != NULL)
        consumer_confirm(intake->consumer);
    row_writer_withdraw(intake->conf.row_writer);
}

static void on_confirmed(void *context)
{
    struct intake *intake = context;
    write_fence_lower(intake->set->fence);
    assigned_set_resume(intake->set);
    row_writer_want(intake->conf.row_writer);
}

static void on_failed(void *context, const char *why)
{
    struct intake *intake = context;
    intake->conf.failed(intake->conf.context, why);
}

/* --- a few times a second --- */

/* The group waits for a partition no longer than we mean to. */
static void release_all(struct intake *intake)
{
    for (uint32_t i = 0; i < intake->set->count; i++)
        consumer_release(intake->consumer, intake->set->items[i]->number);
}

static void on_tick(uv_timer_t *timer)
{
    struct intake *intake = timer->data;
    struct write_fence *fence = intake->set->fence;
    if (intake->consumer == NULL)
        return;
    if (!write_fence_is_up(fence) && consumer_is_lost(intake->consumer))
        write_fence_raise(fence);
    if (write_fence_is_up(fence))
        consumer_confirm(intake->consumer);
    checkpointer_step(intake->checkpointer);
    if (assigned_rows_step_takeovers(intake->set, now_ms(intake)))
        row_writer_want(intake->conf.row_writer);
    if (intake->close_at_ms > 0 && uv_now(timer->loop) >= intake->close_at_ms)
        release_all(intake);
}

/* --- the end: consumer, checkpointer, dead letters, tick; what was not made is left out --- */

static void on_tick_closed(uv_handle_t *handle)
{
    struct intake *intake = handle->data;
    ASSERT(intake->set->count == 0 && intake->consumer == NULL && intake->checkpointer == NULL);
    void (*closed)(void *context) = intake->closed;
    void *context = intake->closed_context;
    free(intake);
    closed(context);
}

static void on_producer_closed(void *context)
{
    struct intake *intake = context;
    dead_letters_fini(&intake->set->refusals.letters);
    intake->set->refusals = (struct refusals){0};
    uv_close((uv_handle_t *)&intake->tick, on_tick_closed);
}

static void on_checkpointer_closed(void *context)
{
    struct intake *intake = context;
    struct refusals *refusals = &intake->set->refusals;
    ASSERT(intake->closed != NULL && intake->consumer == NULL);
    intake->checkpointer = NULL;
    parking_destroy(&refusals->parking);
    if (refusals->letters.producer != NULL)
        producer_close(refusals->letters.producer, intake->close_timeout_ms, on_producer_closed,
                       intake);
    else
        on_producer_closed(intake);
}

static void on_consumer_closed(void *context)
{
    struct intake *intake = context;
    ASSERT(intake->closed != NULL && intake->set->count == 0);
    intake->consumer = intake->set->consumer = NULL;
    if (intake->checkpointer != NULL)
        checkpointer_close(intake->checkpointer, intake->close_timeout_ms, on_checkpointer_closed,
                           intake);
    else
        on_checkpointer_closed(intake);
}

void intake_pause(struct intake *intake)
{
    intake->set->paused = true;
}

void intake_close(struct intake *intake, int64_t timeout_ms, void (*closed)(void *context),
                  void *context)
{
    ASSERT(intake->closed == NULL);
    intake_pause(intake);
    intake->closed = closed;
    intake->closed_context = context;
    intake->close_timeout_ms = timeout_ms;
    intake->close_at_ms = uv_now(intake->conf.loop) + (uint64_t)timeout_ms;
    write_fence_watch(intake->set->fence, NULL, NULL);
    if (intake->consumer != NULL)
        consumer_close(intake->consumer);
    else
        on_consumer_closed(intake);
}

/* --- the beginning --- */

static int create_refusals(struct intake *intake, struct buffer *why)
{
    struct refusals *refusals = &intake->set->refusals;
    const struct config *config = intake->conf.config;
    struct producer *producer = NULL;
    int err = producer_create(&producer, intake->conf.loop, &config->kafka, on_room, intake, why);
    if (err < 0)
        return err;
    dead_letters_init(&refusals->letters, producer);
    const struct parking_conf conf = {.producer = producer,
                                      .bytes_max = config->input.parked_bytes_max,
                                      .age_max_ms = config->window.horizon_ms,
                                      .pushed_out = on_pushed_out,
                                      .context = intake};
    return parking_create(&refusals->parking, &conf);
}

static int create_checkpointer(struct intake *intake, struct buffer *why)
{
    const struct checkpointer_conf conf = {.loop = intake->conf.loop,
                                           .config = intake->conf.config,
                                           .assigned_set = intake->set,
                                           .began = on_began,
                                           .failed = on_failed,
                                           .context = intake};
    return checkpointer_create(&intake->checkpointer, &conf, why);
}

static int create_consumer(struct intake *intake, struct buffer *why)
{
    const struct config *config = intake->conf.config;
    const struct consumer_callbacks callbacks = {.assigned = on_assigned,
                                                 .revoking = on_revoking,
                                                 .revoked = on_revoked,
                                                 .committed = on_committed,
                                                 .started = on_started,
                                                 .confirmed = on_confirmed,
                                                 .messages = on_messages,
                                                 .caught_up = on_caught_up,
                                                 .data_lost = on_data_lost,
                                                 .failed = on_failed,
                                                 .closed = on_consumer_closed,
                                                 .context = intake};
    struct kafka_conf kafka = config->kafka;
    if (config->input.rekey) /* what is re-keyed already is not to be skipped */
        kafka.start = START_EARLIEST;
    int err = consumer_create(&intake->consumer, intake->conf.loop, &kafka,
                              config_log_topic(config), &callbacks, why);
    intake->set->consumer = intake->consumer;
    return err;
}

int intake_create(struct intake **intake_out, const struct intake_conf *conf, struct buffer *why)
{
    *intake_out = NULL;
    struct intake *intake = calloc(1, sizeof(*intake));
    if (intake == NULL)
        return -ENOMEM;
    intake->conf = *conf;
    intake->set = conf->assigned_set;
    uv_timer_init(conf->loop, &intake->tick); /* cannot fail */
    intake->tick.data = intake;
    *intake_out = intake;
    int err = create_refusals(intake, why);
    if (err == 0)
        err = create_checkpointer(intake, why);
    if (err == 0)
        err = create_consumer(intake, why);
    if (err < 0)
        return err;
    intake->session_ms = consumer_get_setting(intake->consumer, "session.timeout.ms");
    write_fence_watch(intake->set->fence, on_fence, intake);
    uv_timer_start(&intake->tick, on_tick, TICK_MS, TICK_MS);
    return 0;
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

struct assigned_set *intake_get_assigned_set(struct intake *intake)
{
    return intake->set;
}

size_t intake_get_partitions(struct intake *intake, struct intake_partition *out, size_t max)
{
    static const struct consumer_partition_stats unknown = {
        .next_offset = -1, .log_end = -1, .lag = -1};
    struct consumer_partition_stats consumed[PARTITIONS_MAX];
    size_t consumed_count = consumer_get_partitions(intake->consumer, consumed, PARTITIONS_MAX);
    size_t n = 0;
    for (; n < intake->set->count && n < max; n++) {
        const struct assigned *assigned = intake->set->items[n];
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
    for (uint32_t i = 0; i < intake->set->count; i++)
        message_applier_add_outcomes(intake->set->items[i]->applier, stats_out->outcomes);
}

const struct journal *intake_get_journal(const struct intake *intake, uint32_t meter)
{
    const struct journal *journal = NULL;
    for (uint32_t i = 0; i < intake->set->count && journal == NULL; i++) {
        const struct assigned *assigned = intake->set->items[i];
        if (assigned->state != ASSIGNED_RESTORING && assigned->state != ASSIGNED_UNREADABLE)
            journal = shard_get_journal(assigned->shard, meter);
    }
    return journal;
}

bool intake_find_standing(const struct intake *intake, uint32_t meter,
                          struct meter_standing *standing_out)
{
    bool found = false;
    for (uint32_t i = 0; i < intake->set->count && !found; i++) {
        const struct assigned *assigned = intake->set->items[i];
        if (assigned->state != ASSIGNED_RESTORING && assigned->state != ASSIGNED_UNREADABLE)
            found = shard_find_standing(assigned->shard, meter, standing_out);
    }
    return found;
}

bool intake_find_overdue(const struct intake *intake, uint32_t meter, struct overdue *overdue_out)
{
    bool found = false;
    for (uint32_t i = 0; i < intake->set->count && !found; i++) {
        const struct assigned *assigned = intake->set->items[i];
        if (assigned->state != ASSIGNED_RESTORING && assigned->state != ASSIGNED_UNREADABLE)
            found = shard_find_overdue(assigned->shard, meter, overdue_out);
    }
    return found;
}

bool intake_find_rest(const struct intake *intake, uint32_t facility,
                      struct negative_rest *rest_out)
{
    bool found = false;
    for (uint32_t i = 0; i < intake->set->count && !found; i++) {
        const struct assigned *assigned = intake->set->items[i];
        if (assigned->state != ASSIGNED_RESTORING && assigned->state != ASSIGNED_UNREADABLE)
            found = shard_find_rest(assigned->shard, facility, rest_out);
    }
    return found;
}

bool intake_get_facility(const struct intake *intake, uint32_t facility,
                         uint64_t outcomes_out[OUTCOME_COUNT])
{
    bool found = false;
    memset(outcomes_out, 0, OUTCOME_COUNT * sizeof(*outcomes_out));
    for (uint32_t i = 0; i < intake->set->count; i++) {
        const struct assigned *assigned = intake->set->items[i];
        if (assigned->state == ASSIGNED_RESTORING || assigned->state == ASSIGNED_UNREADABLE)
            continue; /* what there is of it is not the whole */
        const uint64_t *outcomes = shard_get_outcomes(assigned->shard, facility);
        for (uint32_t k = 0; outcomes != NULL && k < OUTCOME_COUNT; k++)
            outcomes_out[k] += outcomes[k];
        found |= outcomes != NULL;
    }
    return found;
}

bool intake_has_heard(const struct intake *intake, uint32_t facility)
{
    uint32_t owner = intake->set->context.facility_partition[facility];
    if (owner == UINT32_MAX)
        return false;
    const struct assigned *assigned = assigned_set_find(intake->set, (int32_t)owner);
    return assigned != NULL && shard_has_heard(assigned->shard, facility);
}

bool intake_find_newest(const struct intake *intake, int64_t *newest_ms_out)
{
    *newest_ms_out = INT64_MIN;
    for (uint32_t i = 0; i < intake->set->count; i++) {
        const struct assigned *assigned = intake->set->items[i];
        if (assigned->state == ASSIGNED_RESTORING || assigned->state == ASSIGNED_UNREADABLE)
            return false;
        *newest_ms_out = MAX(*newest_ms_out, shard_get_newest(assigned->shard));
    }
    return intake->set->count > 0;
}

const struct consumer_stats *intake_get_consumer_stats(const struct intake *intake)
{
    return consumer_get_stats(intake->consumer);
}

const struct producer_stats *intake_get_deadletter_stats(const struct intake *intake)
{
    return producer_get_letter_stats(intake->set->refusals.letters.producer);
}

size_t intake_get_memory(const struct intake *intake)
{
    return intake->set->memory_used;
}

const struct checkpoint_stats *intake_get_checkpoint_stats(const struct intake *intake)
{
    return checkpointer_get_stats(intake->checkpointer);
}

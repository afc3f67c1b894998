#include "daemon/intake.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "base/log.h"
#include "daemon/feed.h"
#include "pipelines/ingest/parking.h"

enum { SLICE_MESSAGES_MAX = 512, METADATA_BYTES = 96 };

/* One partition that the group has assigned to us. */
struct part {
    int32_t number;
    struct shard *shard;
    struct feed *feed;
    bool live, stopped, lost_data;
    int64_t next_offset;      /* the next message to take; -1 before the first */
    int64_t live_from;        /* silent until here: an earlier life had come so far */
    int64_t settled_ms;       /* of the earlier life */
    int64_t committed_offset; /* what the last commit said, to say nothing twice */
    int64_t committed_settled_ms, committed_next;
    int64_t last_message_ms; /* uv_now() */
};

struct intake {
    uv_loop_t *loop;
    const struct config *config;
    struct intake_callbacks callbacks;
    struct shard_context context;
    struct consumer *consumer;
    struct deadletter *deadletter;
    struct parking *parking;
    struct part *parts[PARTITIONS_MAX];
    uint32_t parts_count;
    uint32_t cursor; /* the partition whose rows are taken first */
    bool paused;
    int64_t close_timeout_ms;
    struct shard_stats gone;       /* outcomes and counters of partitions that went away */
    rd_kafka_message_t **messages; /* during a slice */
};

static struct part *find_part(const struct intake *intake, int32_t number)
{
    for (uint32_t i = 0; i < intake->parts_count; i++) {
        if (intake->parts[i]->number == number)
            return intake->parts[i];
    }
    return NULL;
}

/* --- partitions come and go --- */

/* Reads `key` and the number behind it, and moves on to what follows. */
static bool read_number(const char **text, const char *key, int64_t *number_out)
{
    size_t size = strlen(key);
    if (strncmp(*text, key, size) != 0)
        return false;
    char *end;
    errno = 0;
    *number_out = strtoll(*text + size, &end, 10);
    if (errno != 0 || end == *text + size)
        return false;
    *text = end;
    return true;
}

/* What does not look like ours says nothing: the partition is then read without silence. */
static void parse_metadata(struct part *part, const char *metadata)
{
    int64_t next;
    int64_t settled_ms;
    if (!read_number(&metadata, "ghgd1 next=", &next) ||
        !read_number(&metadata, " settled=", &settled_ms))
        return;
    part->live_from = next;
    part->settled_ms = settled_ms;
    shard_set_settled(part->shard, settled_ms);
}

static void on_refused(void *context, const struct refusal *refusal)
{
    struct intake *intake = context;
    const rd_kafka_message_t *message = intake->messages[refusal->origin.message];
    int err;
    if (refusal->outcome == OUTCOME_PARKED) {
        struct refusal unknown = *refusal;
        unknown.outcome = OUTCOME_UNKNOWN; /* what it is if it has to leave */
        err = parking_add(intake->parking, message, &unknown);
    } else {
        err = deadletter_send(intake->deadletter, message, refusal);
    }
    ASSERT(err == 0); /* on_messages made sure of the room; without memory the log is read again */
}

static int part_create(struct part **part_out, struct intake *intake, int32_t number)
{
    struct part *part = calloc(1, sizeof(*part));
    if (part == NULL)
        return -ENOMEM;
    *part = (struct part){.number = number,
                          .next_offset = -1,
                          .live_from = -1,
                          .settled_ms = INT64_MIN,
                          .committed_offset = -1,
                          .last_message_ms = (int64_t)uv_now(intake->loop)};
    int err = shard_create(&part->shard, &intake->context, (uint32_t)number);
    if (err < 0)
        goto fail_shard;
    struct decode_conf decode = {.format = (enum event_format)intake->config->input.format,
                                 .time_unit = (uint8_t)intake->config->input.time_unit};
    memcpy(decode.fields, intake->config->input.fields, sizeof(decode.fields));
    struct feed_conf feed = {.decode = &decode,
                             .registry = intake->context.registry,
                             .shard = part->shard,
                             .parks_unknown = intake->config->input.unknown_meter == UNKNOWN_PARK,
                             .refused = on_refused,
                             .context = intake};
    err = feed_create(&part->feed, &feed);
    if (err < 0)
        goto fail_feed;
    *part_out = part;
    return 0;

fail_feed:
    shard_destroy(&part->shard);
fail_shard:
    free(part);
    return err;
}

static int on_assigned(void *context, int32_t number, int64_t committed, const char *metadata)
{
    struct intake *intake = context;
    if (intake->parts_count == PARTITIONS_MAX)
        return ERR_FULL;
    struct part *part;
    int err = part_create(&part, intake, number);
    if (err < 0)
        return err;
    parse_metadata(part, metadata);
    intake->parts[intake->parts_count++] = part;
    LOG_INFO("intake.assigned", "partition=%" PRId32 " offset=%" PRId64 " silent_until=%" PRId64,
             number, committed, part->live_from);
    return 0;
}

static void commit_part(struct intake *intake, struct part *part);

/* So that no counter ever falls. */
static void remember_stats(struct intake *intake, const struct part *part)
{
    const struct shard_stats *stats = shard_get_stats(part->shard);
    feed_add_outcomes(part->feed, intake->gone.outcomes);
    for (uint32_t i = 0; i < OUTCOME_COUNT; i++)
        intake->gone.outcomes[i] += stats->outcomes[i];
    intake->gone.discontinuities += stats->discontinuities;
    intake->gone.rollovers += stats->rollovers;
    intake->gone.overlaps += stats->overlaps;
}

static bool on_revoking(void *context, int32_t number)
{
    struct intake *intake = context;
    struct part *part = find_part(intake, number);
    if (part != NULL)
        commit_part(intake, part);
    return false;
}

static void on_revoked(void *context, int32_t number, bool lost)
{
    struct intake *intake = context;
    struct part *part = find_part(intake, number);
    if (part == NULL)
        return;
    remember_stats(intake, part);
    for (uint32_t i = 0; i < intake->parts_count; i++) {
        if (intake->parts[i] == part)
            intake->parts[i] = intake->parts[--intake->parts_count];
    }
    parking_forget(intake->parking, number);
    feed_destroy(&part->feed);
    shard_destroy(&part->shard);
    free(part);
    LOG_INFO("intake.revoked", "partition=%" PRId32 " lost=%d", number, lost);
}

static void on_caught_up(void *context, int32_t number)
{
    struct intake *intake = context;
    struct part *part = find_part(intake, number);
    if (part == NULL || part->live)
        return;
    part->live = true;
    LOG_INFO("intake.caught_up", "partition=%" PRId32 " offset=%" PRId64, number,
             part->next_offset);
    intake->callbacks.rows_wanted(intake->callbacks.context);
}

static void on_data_lost(void *context, int32_t number, const struct data_loss *loss)
{
    struct intake *intake = context;
    struct part *part = find_part(intake, number);
    data_loss_log("intake.data_lost", number, loss,
                  intake->config->kafka.on_data_loss == LOSS_STOP);
    if (part != NULL)
        part->lost_data = true;
}

static void on_failed(void *context, const char *why)
{
    struct intake *intake = context;
    intake->callbacks.failed(intake->callbacks.context, why);
}

/* --- messages --- */

/* How many of the messages the dead-letter queue could take whole, if every event were bad. */
static size_t affordable(const struct intake *intake, rd_kafka_message_t **messages, size_t count)
{
    size_t n = 0;
    size_t bytes = 0;
    for (; n < count && n < SLICE_MESSAGES_MAX; n++) {
        bytes += messages[n]->len + messages[n]->key_len;
        if (!deadletter_has_room(intake->deadletter, n + 1, bytes))
            break;
    }
    return n;
}

static size_t on_messages(void *context, int32_t number, rd_kafka_message_t **messages,
                          size_t count)
{
    struct intake *intake = context;
    struct part *part = find_part(intake, number);
    ASSERT(part != NULL);
    if (intake->paused)
        return 0;
    struct feed_message slice[SLICE_MESSAGES_MAX];
    size_t n = affordable(intake, messages, count);
    for (size_t i = 0; i < n; i++) {
        rd_kafka_timestamp_type_t type;
        int64_t arrived_ms = rd_kafka_message_timestamp(messages[i], &type);
        slice[i] = (struct feed_message){
            .bytes = messages[i]->payload,
            .size = messages[i]->len,
            .offset = messages[i]->offset,
            .arrived_ms = type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? INT64_MIN : arrived_ms};
    }
    intake->messages = messages;
    size_t taken = feed_take(part->feed, slice, n);
    intake->messages = NULL;
    part->stopped = taken < count;
    if (taken > 0) {
        part->next_offset = messages[taken - 1]->offset + 1;
        part->last_message_ms = (int64_t)uv_now(intake->loop);
    }
    if (shard_is_blocked(part->shard))
        intake->callbacks.rows_wanted(intake->callbacks.context);
    return taken;
}

void intake_resume(struct intake *intake)
{
    if (intake->paused)
        return;
    for (uint32_t i = 0; i < intake->parts_count; i++) {
        struct part *part = intake->parts[i];
        if (!part->stopped || shard_is_blocked(part->shard))
            continue;
        part->stopped = false;
        consumer_resume(intake->consumer, part->number);
    }
}

static void on_room(void *context)
{
    intake_resume(context);
}

/* --- rows --- */

uint32_t intake_take_rows(struct intake *intake, uint32_t sink, bool due, struct block *block)
{
    uint32_t rows = 0;
    for (uint32_t n = 0; n < intake->parts_count; n++) {
        struct part *part = intake->parts[(intake->cursor + n) % intake->parts_count];
        if (due && part->live)
            rows += shard_take_rows(part->shard, sink, TAKE_ALL, block);
        else if (shard_is_blocked(part->shard))
            rows += shard_take_rows(part->shard, sink, TAKE_CLOSING, block);
    }
    intake->cursor++;
    return rows;
}

void intake_rows_settled(struct intake *intake, const struct block *block)
{
    for (uint32_t i = 0; i < block->count; i++) {
        struct part *part = find_part(intake, (int32_t)block->rows[i].partition);
        if (part != NULL)
            shard_row_settled(part->shard, block->sink, &block->rows[i]);
    }
}

void intake_rows_abandoned(struct intake *intake, const struct block *block)
{
    for (uint32_t i = 0; i < block->count; i++) {
        struct part *part = find_part(intake, (int32_t)block->rows[i].partition);
        if (part != NULL)
            shard_row_abandoned(part->shard, block->sink, &block->rows[i]);
    }
}

void intake_mark_dirty(struct intake *intake, uint32_t sink, int64_t from_ms,
                       struct intake_marked *marked_out)
{
    *marked_out = (struct intake_marked){.partitions = intake->parts_count, .open_ms = INT64_MIN};
    for (uint32_t i = 0; i < intake->parts_count; i++) {
        const struct part *part = intake->parts[i];
        marked_out->windows += shard_mark_dirty(part->shard, sink, from_ms);
        marked_out->waiting += !part->live;
        marked_out->open_ms = MAX(marked_out->open_ms, shard_open_ms(part->shard));
    }
}

/* --- offsets --- */

static void commit_part(struct intake *intake, struct part *part)
{
    if (!part->live || part->next_offset < 0)
        return; /* the earlier commit still says it all */
    int64_t low = shard_low_offset(part->shard);
    low = low < 0 ? part->next_offset : MIN(low, part->next_offset);
    low = MIN(low, deadletter_low_offset(intake->deadletter, part->number));
    low = MIN(low, parking_low_offset(intake->parking, part->number));
    int64_t settled_ms = MAX(part->settled_ms, shard_settled_ms(part->shard));
    if (low == part->committed_offset && settled_ms == part->committed_settled_ms &&
        part->next_offset == part->committed_next)
        return;
    char metadata[METADATA_BYTES];
    (void)snprintf(metadata, sizeof(metadata), "ghgd1 next=%" PRId64 " settled=%" PRId64,
                   part->next_offset, settled_ms);
    consumer_commit(intake->consumer, part->number, low, metadata);
    part->committed_offset = low;
    part->committed_settled_ms = settled_ms;
    part->committed_next = part->next_offset;
}

void intake_commit(struct intake *intake)
{
    for (uint32_t i = 0; i < intake->parts_count; i++)
        commit_part(intake, intake->parts[i]);
}

void intake_check_idle(struct intake *intake, int64_t now_ms, int64_t wall_ms)
{
    for (uint32_t i = 0; i < intake->parts_count; i++) {
        struct part *part = intake->parts[i];
        if (part->live && now_ms - part->last_message_ms >= intake->config->window.idle_timeout_ms)
            shard_idle(part->shard, wall_ms);
    }
}

void intake_pause(struct intake *intake)
{
    intake->paused = true;
}

bool intake_is_drained(const struct intake *intake)
{
    for (uint32_t i = 0; i < intake->parts_count; i++) {
        if (intake->parts[i]->live && !shard_is_drained(intake->parts[i]->shard))
            return false;
    }
    return true;
}

/* --- beginning and end --- */

static void on_deadletter_closed(void *context)
{
    struct intake *intake = context;
    struct intake_callbacks callbacks = intake->callbacks;
    free(intake->context.facility_partition);
    free(intake);
    if (callbacks.closed != NULL)
        callbacks.closed(callbacks.context);
}

static void on_consumer_closed(void *context)
{
    struct intake *intake = context;
    ASSERT(intake->parts_count == 0);
    intake->consumer = NULL;
    parking_destroy(&intake->parking);
    deadletter_close(intake->deadletter, intake->close_timeout_ms, on_deadletter_closed, intake);
}

void intake_close(struct intake *intake, int64_t timeout_ms)
{
    intake->paused = true;
    intake->close_timeout_ms = timeout_ms;
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
    intake->context.facility_partition = owners;
    return 0;
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
    err = deadletter_create(&intake->deadletter, loop, &config->kafka, on_room, intake, why);
    if (err < 0)
        goto fail_deadletter;
    struct parking_conf parking = {.deadletter = intake->deadletter,
                                   .bytes_max = config->input.parked_bytes_max,
                                   .age_max_ms = config->window.horizon_ms};
    err = parking_create(&intake->parking, &parking);
    if (err < 0)
        goto fail_consumer;
    struct consumer_callbacks consumer = {.assigned = on_assigned,
                                          .revoking = on_revoking,
                                          .revoked = on_revoked,
                                          .messages = on_messages,
                                          .caught_up = on_caught_up,
                                          .data_lost = on_data_lost,
                                          .failed = on_failed,
                                          .closed = on_consumer_closed,
                                          .context = intake};
    struct kafka_conf kafka = config->kafka;
    if (config->input.rekey) /* what is re-keyed already is not to be skipped */
        kafka.start = START_EARLIEST;
    err =
        consumer_create(&intake->consumer, loop, &kafka, config_log_topic(config), &consumer, why);
    if (err < 0)
        goto fail_consumer;
    *intake_out = intake;
    return 0;

fail_consumer: /* its handles close on the loop, and then the intake is freed */
    intake->callbacks.closed = NULL;
    parking_destroy(&intake->parking);
    deadletter_close(intake->deadletter, 0, on_deadletter_closed, intake);
    return err;
fail_deadletter:
    free(intake->context.facility_partition);
fail_registry:
    free(intake);
    return err;
}

/* --- what others want to know --- */

size_t intake_get_partitions(struct intake *intake, struct intake_partition *out, size_t max)
{
    static const struct consumer_partition_stats unknown = {
        .next_offset = -1, .log_end = -1, .lag = -1};
    struct consumer_partition_stats consumed[PARTITIONS_MAX];
    size_t consumed_count = consumer_get_partitions(intake->consumer, consumed, PARTITIONS_MAX);
    size_t n = 0;
    for (; n < intake->parts_count && n < max; n++) {
        const struct part *part = intake->parts[n];
        out[n] = (struct intake_partition){.partition = (uint32_t)part->number,
                                           .live = part->live,
                                           .shard = part->shard,
                                           .next_offset = part->next_offset,
                                           .consumed = unknown};
        for (size_t i = 0; i < consumed_count; i++) {
            if (consumed[i].partition == part->number)
                out[n].consumed = consumed[i];
        }
    }
    return n;
}

void intake_get_elsewhere(const struct intake *intake, struct shard_stats *stats_out)
{
    *stats_out = intake->gone;
    for (uint32_t i = 0; i < intake->parts_count; i++)
        feed_add_outcomes(intake->parts[i]->feed, stats_out->outcomes);
}

const struct consumer_stats *intake_get_consumer_stats(const struct intake *intake)
{
    return consumer_get_stats(intake->consumer);
}

const struct deadletter_stats *intake_get_deadletter_stats(const struct intake *intake)
{
    return deadletter_get_stats(intake->deadletter);
}

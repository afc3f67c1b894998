#include "daemon/engine/rekey/rekey.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "base/limits.h"
#include "base/log.h"
#include "daemon/engine/refused/parking.h"
#include "daemon/engine/rekey/rekey_topic.h"
#include "daemon/engine/rekey/splitter.h"
#include "daemon/engine/rekey/timestamp_merge.h"
#include "pipelines/kafka/native_header.h"

enum {
    TICK_MS = 1000,       /* between commits */
    CLOSING_TICK_MS = 20, /* while a partition waits for the last acknowledgements */
    WHY_BYTES = 4096
};

/* How far one partition that is behind may be ahead of another: this part of the horizon. It is
 * what late readings have less of. */
enum { TIMESTAMP_MERGE_SLACK_PART = 64 };

/* One partition of the input topic. */
struct source {
    struct partition_clock clock;
    int32_t number;
    bool stopped;             /* has messages, and no room or not its turn */
    bool revoking;            /* takes nothing more */
    uint32_t done;            /* events of the next message that are sent already */
    int64_t next_offset;      /* the next message to take; -1 before the first */
    int64_t committed_offset; /* what the last commit said, to say nothing twice */
};

struct rekey {
    uv_loop_t *loop;
    uv_timer_t tick;
    const struct config *config;
    struct kafka_conf kafka; /* of the stage: another group, and the keyed topic */
    char *group;
    struct rekey_callbacks callbacks;
    struct rekey_topic *topic;
    struct consumer *consumer;
    struct producer *producer; /* of runs and of dead letters */
    struct dead_letters letters;
    struct parking *parking;
    struct splitter *splitter;
    struct source *sources[PARTITIONS_MAX];
    uint32_t sources_count;
    bool paused, closing;
    int64_t close_timeout_ms;
    uint64_t close_at_ms;
    const rd_kafka_message_t *message; /* while it is being split */
    struct rekey_stats stats;
};

static struct source *find_source(const struct rekey *rekey, int32_t number)
{
    for (uint32_t i = 0; i < rekey->sources_count; i++)
        if (rekey->sources[i]->number == number)
            return rekey->sources[i];
    return NULL;
}

/* --- offsets --- */

/* Before this everything is acknowledged or parked. */
static int64_t low_offset(const struct rekey *rekey, const struct source *source)
{
    int64_t low = MIN(source->next_offset, producer_low_offset(rekey->producer, source->number));
    return MIN(low, parking_low_offset(rekey->parking, source->number));
}

static void commit_source(struct rekey *rekey, struct source *source)
{
    if (source->next_offset < 0)
        return;
    int64_t low = low_offset(rekey, source);
    if (low == source->committed_offset)
        return;
    if (consumer_commit(rekey->consumer, source->number, low, "") == 0)
        source->committed_offset = low; /* else the next tick tries again */
}

/* A commit that was refused is said again. */
static void on_committed(void *context, int32_t number, int64_t offset, bool accepted)
{
    struct source *source = find_source(context, number);
    if (source != NULL && !accepted && source->committed_offset == offset)
        source->committed_offset = -1;
}

static bool is_acknowledged(const struct rekey *rekey, const struct source *source)
{
    return producer_low_offset(rekey->producer, source->number) == INT64_MAX;
}

/* --- events --- */

static int on_run(void *context, const struct run *run)
{
    struct rekey *rekey = context;
    const char *facility = rekey->config->registry->facilities[run->facility].id;
    struct outgoing *record = run_to_record(rekey->message, run, facility);
    if (record == NULL)
        return -ENOMEM;
    int err = producer_send(rekey->producer, &record);
    if (err < 0) {
        outgoing_destroy(record);
        return err;
    }
    rekey->stats.events += run->count;
    return 0;
}

static int on_refused(void *context, const struct refusal *refusal)
{
    struct rekey *rekey = context;
    bool parks =
        refusal->outcome == OUTCOME_UNKNOWN && rekey->config->input.unknown_meter == UNKNOWN_PARK;
    int err = parks ? parking_add(rekey->parking, rekey->message, refusal)
                    : dead_letters_send(&rekey->letters, rekey->message, refusal);
    if (err < 0)
        return err;
    rekey->stats.outcomes[parks ? OUTCOME_PARKED : refusal->outcome]++;
    rekey->stats.events++;
    return 0;
}

/* An event that was parked has left for the dead-letter topic. */
static void on_pushed_out(void *context, int32_t number)
{
    struct rekey *rekey = context;
    (void)number;
    rekey->stats.outcomes[OUTCOME_PARKED]--;
    rekey->stats.outcomes[OUTCOME_UNKNOWN]++;
}

/* --- messages --- */

/* INT64_MAX for messages without a timestamp: they hold no partition back. */
static int64_t timestamp_of(const rd_kafka_message_t *message)
{
    rd_kafka_timestamp_type_t type;
    int64_t timestamp_ms = rd_kafka_message_timestamp(message, &type);
    return type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? INT64_MAX : timestamp_ms;
}

static int64_t find_limit(const struct rekey *rekey, const struct source *source)
{
    const struct partition_clock *clocks[PARTITIONS_MAX];
    size_t index = 0;
    for (uint32_t i = 0; i < rekey->sources_count; i++) {
        clocks[i] = &rekey->sources[i]->clock;
        if (rekey->sources[i] == source)
            index = i;
    }
    return timestamp_merge_limit(clocks, rekey->sources_count, index,
                                 rekey->config->window.horizon_ms / TIMESTAMP_MERGE_SLACK_PART,
                                 (int64_t)uv_now(rekey->loop));
}

/* Waiting partitions try again; each finds out for itself what it waits for. They have messages, so
 * the merge must go on waiting for them. */
static void resume_sources(struct rekey *rekey)
{
    for (uint32_t i = 0; i < rekey->sources_count && !rekey->paused; i++) {
        struct source *source = rekey->sources[i];
        if (!source->stopped)
            continue;
        source->stopped = false;
        timestamp_merge_move(&source->clock, source->clock.head_ms, (int64_t)uv_now(rekey->loop));
        consumer_resume(rekey->consumer, source->number);
    }
}

static void on_room(void *context)
{
    resume_sources(context);
}

/* Sends what is in one message. False: not all of it, it has to be offered again. */
static bool take_message(struct rekey *rekey, struct source *source,
                         const rd_kafka_message_t *message)
{
    if (!dead_letters_have_room(&rekey->letters, 1, message->len + message->key_len))
        return false;
    rekey->message = message;
    int err = splitter_split(rekey->splitter, message->payload, message->len,
                             message_is_native(message), message->offset, &source->done);
    rekey->message = NULL;
    if (err < 0)
        return false;
    source->done = 0;
    source->next_offset = message->offset + 1;
    rekey->stats.messages++;
    rekey->stats.bytes += message->len;
    return true;
}

static size_t on_messages(void *context, int32_t number, rd_kafka_message_t **messages,
                          size_t count)
{
    struct rekey *rekey = context;
    struct source *source = find_source(rekey, number);
    ASSERT(source != NULL);
    if (rekey->paused || source->revoking)
        return 0;
    int64_t limit_ms = find_limit(rekey, source);
    int64_t before_ms = source->clock.head_ms;
    int64_t head_ms = before_ms;
    size_t taken = 0;
    for (; taken < count; taken++) {
        head_ms = timestamp_of(messages[taken]);
        bool in_turn = head_ms <= limit_ms || head_ms == INT64_MAX;
        if (!in_turn || !take_message(rekey, source, messages[taken]))
            break;
    }
    if (taken > 0 || head_ms != before_ms) { /* or it has come to say where it stands */
        timestamp_merge_move(&source->clock, head_ms, (int64_t)uv_now(rekey->loop));
        resume_sources(rekey);
    }
    source->stopped = taken < count;
    return taken;
}

/* --- partitions come and go --- */

static int on_assigned(void *context, int32_t number, int64_t committed, const char *metadata)
{
    struct rekey *rekey = context;
    (void)metadata;
    ASSERT(find_source(rekey, number) == NULL);
    bool full = rekey->sources_count == PARTITIONS_MAX;
    struct source *source = full ? NULL : calloc(1, sizeof(*source));
    if (source == NULL) {
        int err = full ? ERR_FULL : -ENOMEM;
        LOG_ERROR("rekey.not_assigned", "partition=%" PRId32 " error=\"%s\"", number, err_str(err));
        return err;
    }
    source->number = number;
    source->next_offset = source->committed_offset = -1;
    timestamp_merge_open(&source->clock, (int64_t)uv_now(rekey->loop));
    rekey->sources[rekey->sources_count++] = source;
    LOG_INFO("rekey.assigned", "partition=%" PRId32 " offset=%" PRId64, number, committed);
    return 0;
}

static bool on_revoking(void *context, int32_t number)
{
    struct rekey *rekey = context;
    struct source *source = find_source(rekey, number);
    if (source == NULL)
        return false;
    source->revoking = true;
    commit_source(rekey, source);
    if (is_acknowledged(rekey, source))
        return false;
    uv_timer_set_repeat(&rekey->tick, CLOSING_TICK_MS);
    uv_timer_again(&rekey->tick);
    return true;
}

/* The next owner reads parked events again. */
static void on_revoked(void *context, int32_t number, bool lost)
{
    struct rekey *rekey = context;
    struct source *source = find_source(rekey, number);
    if (source == NULL)
        return;
    for (uint32_t i = 0; i < rekey->sources_count; i++)
        if (rekey->sources[i] == source)
            rekey->sources[i] = rekey->sources[--rekey->sources_count];
    free(source);
    parking_forget(rekey->parking, number);
    resume_sources(rekey);
    LOG_INFO("rekey.revoked", "partition=%" PRId32 " lost=%d", number, lost);
}

static void on_caught_up(void *context, int32_t number)
{
    struct rekey *rekey = context;
    struct source *source = find_source(rekey, number);
    if (source == NULL)
        return;
    source->clock.caught_up = true;
    resume_sources(rekey);
    LOG_INFO("rekey.caught_up", "partition=%" PRId32 " offset=%" PRId64, number,
             source->next_offset);
}

static void on_data_lost(void *context, int32_t number, const struct data_loss *loss)
{
    const struct rekey *rekey = context;
    data_loss_log("rekey.data_lost", number, loss, rekey->config->kafka.on_data_loss == LOSS_STOP);
}

static void on_failed(void *context, const char *why)
{
    struct rekey *rekey = context;
    rekey->callbacks.failed(rekey->callbacks.context, why);
}

/* --- turns and the end --- */

static void rekey_free(struct rekey *rekey)
{
    ASSERT(rekey->sources_count == 0);
    struct rekey_callbacks callbacks = rekey->callbacks;
    splitter_destroy(&rekey->splitter);
    dead_letters_fini(&rekey->letters);
    free(rekey->group);
    free(rekey);
    if (callbacks.closed != NULL)
        callbacks.closed(callbacks.context);
}

static void on_tick_closed(uv_handle_t *handle)
{
    rekey_free(handle->data);
}

static void on_producer_closed(void *context)
{
    struct rekey *rekey = context;
    ASSERT(rekey->consumer == NULL);
    uv_close((uv_handle_t *)&rekey->tick, on_tick_closed);
}

static void on_consumer_closed(void *context)
{
    struct rekey *rekey = context;
    ASSERT(rekey->sources_count == 0);
    rekey->consumer = NULL;
    uv_timer_stop(&rekey->tick);
    parking_destroy(&rekey->parking);
    uint64_t now_ms = uv_now(rekey->loop);
    int64_t left_ms = now_ms < rekey->close_at_ms ? (int64_t)(rekey->close_at_ms - now_ms) : 0;
    producer_close(rekey->producer, left_ms, on_producer_closed, rekey);
}

/* Leaving the group revokes every partition, which waits for messages under way. */
static void on_topic_closed(void *context)
{
    struct rekey *rekey = context;
    ASSERT(rekey->closing);
    rekey->topic = NULL;
    consumer_close(rekey->consumer);
}

void rekey_close(struct rekey *rekey, int64_t timeout_ms)
{
    ASSERT(!rekey->closing);
    rekey->paused = true;
    rekey->closing = true;
    rekey->close_at_ms = uv_now(rekey->loop) + (uint64_t)timeout_ms;
    rekey_topic_close(rekey->topic, on_topic_closed, rekey);
}

void rekey_pause(struct rekey *rekey)
{
    rekey->paused = true;
}

/* True once nothing is left to wait for. */
static bool step_revoking(struct rekey *rekey, struct source *source)
{
    bool late = rekey->closing && uv_now(rekey->loop) >= rekey->close_at_ms;
    if (!is_acknowledged(rekey, source) && !late)
        return false;
    commit_source(rekey, source);
    consumer_release(rekey->consumer, source->number);
    return true;
}

static void on_tick(uv_timer_t *timer)
{
    struct rekey *rekey = timer->data;
    bool waits = false;
    for (uint32_t i = 0; i < rekey->sources_count; i++) {
        struct source *source = rekey->sources[i];
        if (source->revoking)
            waits |= !step_revoking(rekey, source);
        else
            commit_source(rekey, source);
    }
    uv_timer_set_repeat(timer, waits ? CLOSING_TICK_MS : TICK_MS);
    resume_sources(rekey); /* the patience of a partition may have ended */
}

/* --- the beginning --- */

static void on_topic_told(void *context, int err, const char *why)
{
    struct rekey *rekey = context;
    if (rekey->paused) /* on its way out: nothing begins any more */
        return;
    if (err < 0) {
        on_failed(rekey, why);
        return;
    }
    struct buffer words;
    buffer_init(&words, WHY_BYTES);
    err = consumer_start(rekey->consumer, &words);
    if (err < 0)
        on_failed(rekey, buffer_text(&words));
    else
        rekey->callbacks.ready(rekey->callbacks.context);
    buffer_fini(&words);
}

static int make_splitter(struct rekey *rekey)
{
    const struct input_conf *input = &rekey->config->input;
    struct decode_conf decode = {.format = (enum event_format)input->format,
                                 .time_unit = (uint8_t)input->time_unit};
    memcpy(decode.fields, input->fields, sizeof(decode.fields));
    struct splitter_callbacks callbacks = {on_run, on_refused, rekey};
    return splitter_create(&rekey->splitter, &decode, rekey->config->registry, &callbacks);
}

static int make_group(struct rekey *rekey)
{
    static const char suffix[] = "-rekey";
    const char *group = rekey->config->kafka.group;
    size_t size = strlen(group);
    rekey->group = malloc(size + sizeof(suffix));
    if (rekey->group == NULL)
        return -ENOMEM;
    memcpy(rekey->group, group, size);
    memcpy(rekey->group + size, suffix, sizeof(suffix));
    rekey->kafka = rekey->config->kafka;
    rekey->kafka.group = rekey->group;
    rekey->kafka.rekey_topic = rekey->config->input.rekey_topic;
    return 0;
}

static int make_consumer(struct rekey *rekey, struct buffer *why)
{
    struct consumer_callbacks callbacks = {.assigned = on_assigned,
                                           .revoking = on_revoking,
                                           .revoked = on_revoked,
                                           .committed = on_committed,
                                           .messages = on_messages,
                                           .caught_up = on_caught_up,
                                           .data_lost = on_data_lost,
                                           .failed = on_failed,
                                           .closed = on_consumer_closed,
                                           .context = rekey};
    return consumer_create(&rekey->consumer, rekey->loop, &rekey->kafka, rekey->config->input.topic,
                           &callbacks, why);
}

int rekey_create(struct rekey **rekey_out, uv_loop_t *loop, const struct config *config,
                 const struct rekey_callbacks *callbacks, struct buffer *why)
{
    struct rekey *rekey = calloc(1, sizeof(*rekey));
    if (rekey == NULL)
        return -ENOMEM;
    rekey->loop = loop;
    rekey->config = config;
    rekey->callbacks = *callbacks;
    int err = make_group(rekey);
    if (err == 0)
        err = make_splitter(rekey);
    if (err < 0)
        goto fail;
    err = producer_create(&rekey->producer, loop, &rekey->kafka, on_room, rekey, why);
    if (err < 0)
        goto fail;
    dead_letters_init(&rekey->letters, rekey->producer);
    uv_timer_init(loop, &rekey->tick); /* cannot fail */
    rekey->tick.data = rekey;
    struct parking_conf parking = {.producer = rekey->producer,
                                   .bytes_max = config->input.parked_bytes_max,
                                   .age_max_ms = config->window.horizon_ms,
                                   .pushed_out = on_pushed_out,
                                   .context = rekey};
    err = parking_create(&rekey->parking, &parking);
    if (err == 0)
        err = make_consumer(rekey, why);
    if (err < 0)
        goto fail_consumer;
    err = rekey_topic_create(&rekey->topic, loop, config, on_topic_told, rekey);
    if (err < 0)
        goto fail_topic;
    uv_timer_start(&rekey->tick, on_tick, TICK_MS, TICK_MS);
    *rekey_out = rekey;
    return 0;

    /* Its handles close on the loop, and then it is freed. */
fail_topic:
    rekey->callbacks.closed = NULL;
    consumer_close(rekey->consumer);
    return err;
fail_consumer:
    rekey->callbacks.closed = NULL;
    parking_destroy(&rekey->parking);
    producer_close(rekey->producer, 0, on_producer_closed, rekey);
    return err;
fail:
    splitter_destroy(&rekey->splitter);
    free(rekey->group);
    free(rekey);
    return err;
}

/* --- what others want to know --- */

const char *rekey_get_wait(const struct rekey *rekey)
{
    return rekey_topic_get_wait(rekey->topic);
}

const struct rekey_stats *rekey_get_stats(const struct rekey *rekey)
{
    return &rekey->stats;
}

const struct consumer_stats *rekey_get_consumer_stats(const struct rekey *rekey)
{
    return consumer_get_stats(rekey->consumer);
}

const struct producer_stats *rekey_get_deadletter_stats(const struct rekey *rekey)
{
    return producer_get_letter_stats(rekey->producer);
}

const struct producer_stats *rekey_get_run_stats(const struct rekey *rekey)
{
    return producer_get_run_stats(rekey->producer);
}

size_t rekey_get_partitions(const struct rekey *rekey, struct consumer_partition_stats *out,
                            size_t max)
{
    return consumer_get_partitions(rekey->consumer, out, max);
}

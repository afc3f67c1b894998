#include "pipelines/kafka/consumer.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "pipelines/kafka/client.h"
#include "pipelines/kafka/log_reader.h"
#include "pipelines/kafka/membership.h"

enum {
    TURN_NS = 1500000,    /* of draining: more time a turn buys no throughput, only lateness */
    TURN_EVENTS_MAX = 64, /* control events of one turn */
    POLL_MS = 1000,       /* an idle topic makes no events, and who never polls is thrown out */
    CLOSING_POLL_MS = 5,  /* the end of leaving the group raises no event */
    CLOSING_MS = 5000     /* last commits included; alone, librdkafka takes session.timeout.ms */
};

struct consumer {
    uv_async_t wake;
    uv_idle_t again; /* runs while there is more than one turn's work */
    uv_timer_t poll;
    int handles_open;
    bool failed, started, closing, close_sent;
    rd_kafka_t *client;
    rd_kafka_queue_t *events; /* rebalances, errors, log lines */
    uint64_t close_until_ms;
    char *group, *topic;
    int loss_policy;
    uint32_t turn_first; /* index of the partition that the next turn begins with */
    struct consumer_callbacks callbacks;
    struct membership membership;
    struct consumer_stats stats;
    struct log_limit log_limit, error_limit;
};

static void consumer_turn(struct consumer *consumer);

static void on_again(uv_idle_t *idle)
{
    consumer_turn(idle->data);
}

static void ask_again(struct consumer *consumer)
{
    if (!uv_is_closing((uv_handle_t *)&consumer->again))
        uv_idle_start(&consumer->again, on_again);
}

static void fail(struct consumer *consumer, const char *why)
{
    if (consumer->failed)
        return;
    consumer->failed = true;
    consumer->callbacks.failed(consumer->callbacks.context, why);
}

/* ---- messages ---- */

/* The events of a partition's queue beside messages. */
static void on_partition_event(void *context, struct partition *partition,
                               const rd_kafka_message_t *event)
{
    struct consumer *consumer = context;
    if (event->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        partition_reach(partition, event->offset);
        if (partition->log_end < 0 || partition->log_end > event->offset)
            partition->log_end = event->offset;
        return;
    }
    consumer->stats.errors++;
    if (event->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
        partition->lost_from = partition->received;
        partition_rewind(partition, RD_KAFKA_OFFSET_BEGINNING);
        consumer->membership.rewind = true;
        return;
    }
    log_limited(&consumer->error_limit, LOG_LEVEL_WARN, "kafka.partition_error",
                "partition=%" PRId32 " error=%s", partition->id, rd_kafka_err2name(event->err));
}

/* After a loss the log begins at `next`: says what is gone, and goes on or halts. */
static void report_loss(struct consumer *consumer, struct partition *partition, int64_t next)
{
    struct data_loss loss = {.from = partition->lost_from,
                             .to = next,
                             .taken_ms = partition->taken_ms,
                             .forgotten = partition->forgotten,
                             .saved_ms = partition->saved_ms,
                             .to_ms = INT64_MIN};
    if (partition->held_count > 0)
        loss.to_ms = log_message_time_ms(partition->held[partition->held_first]);
    consumer->stats.losses++;
    consumer->stats.lost_messages += data_loss_count(&loss);
    partition->lost_from = -1;
    partition->loss = loss;
    ASSERT(partition->state == PARTITION_OPEN);
    if (consumer->loss_policy == LOSS_STOP) {
        partition->state = PARTITION_HALTED;
        partition_take(partition, partition->held_count);
        consumer->membership.rewind = true; /* what is no longer fetched takes no memory */
    }
    consumer->callbacks.data_lost(consumer->callbacks.context, partition->id, &loss);
}

/* The first answer after an assignment has told the log's end and where we really are. */
static void settle_position(struct consumer *consumer, struct partition *partition)
{
    int64_t next = partition_next(partition);
    if (next < 0)
        return;
    int64_t low;
    int64_t high;
    if (partition->log_end < 0 &&
        rd_kafka_get_watermark_offsets(consumer->client, consumer->topic, partition->id, &low,
                                       &high) == RD_KAFKA_RESP_ERR_NO_ERROR)
        partition->log_end = high;
    if (partition->lost_from >= 0)
        report_loss(consumer, partition, next);
    if (partition->start_commit == START_SOUGHT && partition->state == PARTITION_OPEN)
        partition_begin_at(partition, next);
}

static void offer_held(struct consumer *consumer, struct partition *partition)
{
    size_t count = partition->held_count;
    size_t taken = consumer->callbacks.messages(consumer->callbacks.context, partition->id,
                                                partition->held + partition->held_first, count);
    ASSERT(taken <= count);
    if (taken < count)
        partition->state = PARTITION_STOPPED;
    if (taken > 0)
        partition->taken_ms =
            log_message_time_ms(partition->held[partition->held_first + taken - 1]);
    partition_take(partition, taken);
}

/* One slice of one partition. */
static void drain_partition(struct consumer *consumer, struct partition *partition)
{
    if (partition->held_count == 0) {
        bool answered = partition_fill(partition, &consumer->stats, on_partition_event, consumer);
        if (answered && (partition->log_end < 0 || partition->lost_from >= 0 ||
                         partition->start_commit == START_SOUGHT))
            settle_position(consumer, partition);
    }
    if (partition->held_count > 0 && partition->state == PARTITION_OPEN)
        offer_held(consumer, partition);
    if (!partition->caught_up && partition->log_end >= 0 && partition->state != PARTITION_HALTED &&
        partition_next(partition) >= partition->log_end) {
        partition->caught_up = true;
        consumer->callbacks.caught_up(consumer->callbacks.context, partition->id);
    }
}

static bool partition_is_ready(const struct partition *partition)
{
    if (partition->state != PARTITION_OPEN)
        return false;
    return partition->held_count > 0 ||
           atomic_load_explicit(&partition->woken, memory_order_acquire) != 0;
}

/* Round robin within the budget; the next turn begins one further. Returns whether there is more.
 */
static bool drain(struct consumer *consumer)
{
    const struct membership *membership = &consumer->membership;
    uint64_t until_ns = uv_hrtime() + TURN_NS;
    uint32_t count = membership->partitions_count;
    bool more = false;
    for (uint32_t i = 0; i < count && !consumer->failed; i++) {
        uint32_t index = (consumer->turn_first + i) % count;
        struct partition *partition = membership->partitions[index];
        if (!partition_is_ready(partition))
            continue;
        drain_partition(consumer, partition);
        more |= partition_is_ready(partition);
        if (uv_hrtime() >= until_ns) {
            consumer->turn_first = index + 1;
            return true;
        }
    }
    consumer->turn_first++;
    return more;
}

void consumer_begin(struct consumer *consumer, int32_t partition, int64_t expected,
                    int64_t saved_ms)
{
    struct partition *target = membership_find(&consumer->membership, partition);
    if (target == NULL)
        return;
    if (target->state == PARTITION_UNDECIDED)
        target->state = PARTITION_OPEN;
    if (expected >= 0 && target->lost_from < 0) {
        target->lost_from = expected;
        target->forgotten = true;
        target->saved_ms = saved_ms;
    }
    if (expected >= 0 && target->start != RD_KAFKA_OFFSET_BEGINNING) {
        partition_rewind(target, RD_KAFKA_OFFSET_BEGINNING);
        consumer->membership.rewind = true;
    }
    ask_again(consumer);
}

void consumer_resume(struct consumer *consumer, int32_t partition)
{
    struct partition *target = membership_find(&consumer->membership, partition);
    if (target == NULL)
        return;
    if (target->state == PARTITION_STOPPED)
        target->state = PARTITION_OPEN;
    ask_again(consumer);
}

int consumer_commit(struct consumer *consumer, int32_t partition, int64_t offset,
                    const char *metadata)
{
    ASSERT(offset >= 0);
    int err = membership_commit(&consumer->membership, partition, offset, metadata);
    ask_again(consumer);
    return err;
}

void consumer_release(struct consumer *consumer, int32_t partition)
{
    membership_release(&consumer->membership, partition);
    ask_again(consumer);
}

void consumer_confirm(struct consumer *consumer)
{
    membership_confirm(&consumer->membership);
    ask_again(consumer);
}

bool consumer_is_lost(const struct consumer *consumer)
{
    return consumer->client != NULL && rd_kafka_assignment_lost(consumer->client) != 0;
}

void consumer_rewind(struct consumer *consumer, int32_t partition)
{
    struct partition *target = membership_find(&consumer->membership, partition);
    if (target == NULL)
        return;
    partition_take(target, target->held_count);
    partition_rewind(target, RD_KAFKA_OFFSET_BEGINNING);
    target->caught_up = false;
    if (target->state == PARTITION_HALTED)
        target->state = PARTITION_OPEN;
    target->lost_from = -1;
    consumer->membership.rewind = true;
    ask_again(consumer);
}

int64_t consumer_get_setting(const struct consumer *consumer, const char *property)
{
    return client_get_number(consumer->client, property);
}

/* ---- control events ---- */

static void on_error(struct consumer *consumer, rd_kafka_event_t *event)
{
    char text[CLIENT_ERROR_TEXT_SIZE];
    consumer->stats.errors++;
    if (client_error_is_fatal(consumer->client, event, text)) {
        fail(consumer, text);
        return;
    }
    log_limited(&consumer->error_limit, LOG_LEVEL_WARN, "kafka.error", "error=%s text=\"%s\"",
                rd_kafka_err2name(rd_kafka_event_error(event)), text);
}

static void on_event(struct consumer *consumer, rd_kafka_event_t *event)
{
    struct membership *membership = &consumer->membership;
    switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_REBALANCE:
        membership_on_rebalance(membership, event);
        break;
    case RD_KAFKA_EVENT_OFFSET_COMMIT:
        membership_on_commit(membership, event);
        break;
    case RD_KAFKA_EVENT_LOG:
        client_log(&consumer->log_limit, "consumer", event);
        break;
    case RD_KAFKA_EVENT_ERROR:
        on_error(consumer, event);
        break;
    case RD_KAFKA_EVENT_FETCH: /* a message past its partition's queue: fetch it again */
        membership->rewind = true;
        break;
    default:
        break;
    }
    if (membership->failure != NULL)
        fail(consumer, membership->failure);
}

static void on_offsets(void *context, rd_kafka_resp_err_t code,
                       rd_kafka_topic_partition_list_t *offsets)
{
    struct consumer *consumer = context;
    membership_on_offsets(&consumer->membership, code, offsets);
    if (consumer->membership.failure != NULL)
        fail(consumer, consumer->membership.failure);
    ask_again(consumer);
}

/* Returns whether there may be more. */
static bool serve_queue(struct consumer *consumer, rd_kafka_queue_t *queue)
{
    for (int i = 0; i < TURN_EVENTS_MAX; i++) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 0);
        if (event == NULL)
            return false;
        on_event(consumer, event);
        rd_kafka_event_destroy(event);
    }
    return true;
}

/* ---- turns ---- */

static void step_close(struct consumer *consumer);

static void consumer_turn(struct consumer *consumer)
{
    struct membership *membership = &consumer->membership;
    uv_idle_stop(&consumer->again);
    if (consumer->client == NULL)
        return; /* closed, and an event was still under way */
    bool more = serve_queue(consumer, membership->replies);
    more |= serve_queue(consumer, consumer->events);
    membership_step(membership);
    if (consumer->closing) {
        step_close(consumer);
        return;
    }
    if (membership->state == MEMBER_ASSIGNED && !consumer->failed) {
        more |= drain(consumer);
        membership_step(membership);
    }
    if (more)
        ask_again(consumer);
}

static void on_wake(uv_async_t *wake)
{
    consumer_turn(wake->data);
}

static void on_poll(uv_timer_t *timer)
{
    consumer_turn(timer->data);
}

/* Thread: any; librdkafka's. */
static void on_queue_event(rd_kafka_t *client, void *context)
{
    (void)client;
    uv_async_send(context);
}

/* ---- life ---- */

static void consumer_free(struct consumer *consumer)
{
    free(consumer->group);
    free(consumer->topic);
    free(consumer);
}

/* Thread: its own. Ends when librdkafka has given up on the group, or with the process. */
static void destroy_unheard(void *client)
{
    rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

/* Everything of librdkafka goes before the client does, or that waits for ever. */
static void destroy_client(struct consumer *consumer, bool heard)
{
    membership_fini(&consumer->membership);
    rd_kafka_queue_cb_event_enable(consumer->events, NULL, NULL);
    rd_kafka_queue_cb_event_enable(consumer->membership.replies, NULL, NULL);
    rd_kafka_queue_destroy(TAKE(consumer->membership.replies));
    rd_kafka_queue_destroy(TAKE(consumer->events));
    rd_kafka_t *client = TAKE(consumer->client);
    uv_thread_t thread;
    if (!heard && uv_thread_create(&thread, destroy_unheard, client) == 0)
        (void)pthread_detach(thread); /* it takes up to session.timeout.ms */
    else
        rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct consumer *consumer = handle->data;
    ASSERT(consumer->handles_open > 0);
    if (--consumer->handles_open > 0)
        return;
    struct consumer_callbacks callbacks = consumer->callbacks;
    consumer_free(consumer);
    callbacks.closed(callbacks.context);
}

/* One step of leaving the group; the last one takes everything down. */
static void step_close(struct consumer *consumer)
{
    rd_kafka_error_t *error = NULL;
    bool heard = true;
    if (!consumer->started) {
        ASSERT(consumer->membership.partitions_count == 0); /* there is no group to leave */
    } else if (!consumer->close_sent) {
        consumer->close_sent = true;
        consumer->close_until_ms = uv_now(consumer->poll.loop) + CLOSING_MS;
        membership_leave(&consumer->membership);
        uv_timer_start(&consumer->poll, on_poll, CLOSING_POLL_MS, CLOSING_POLL_MS);
        error = rd_kafka_consumer_close_queue(consumer->client, consumer->events);
        if (error == NULL)
            return;
        rd_kafka_error_destroy(error); /* after a fatal error there is no group to leave */
    } else if (!rd_kafka_consumer_closed(consumer->client)) {
        uint64_t now_ms = uv_now(consumer->poll.loop);
        if (membership_waits_for_handler(&consumer->membership))
            consumer->close_until_ms = now_ms + CLOSING_MS; /* that wait has a bound of its own */
        if (now_ms < consumer->close_until_ms)
            return;
        heard = false;
    }
    if (consumer->membership.offsets.under_way)
        return; /* it needs the client */
    if (!heard)
        LOG_WARN("kafka.left_unheard", "topic=%s waited_ms=%d", consumer->topic, CLOSING_MS);
    membership_lose(&consumer->membership);
    destroy_client(consumer, heard);
    uv_close((uv_handle_t *)&consumer->wake, on_handle_closed);
    uv_close((uv_handle_t *)&consumer->again, on_handle_closed);
    uv_close((uv_handle_t *)&consumer->poll, on_handle_closed);
}

void consumer_close(struct consumer *consumer)
{
    consumer->closing = true;
    ask_again(consumer); /* not from here: a callback may be calling */
}

static int open_handles(struct consumer *consumer, uv_loop_t *loop)
{
    int err = uv_async_init(loop, &consumer->wake, on_wake);
    if (err < 0)
        return err;
    uv_idle_init(loop, &consumer->again); /* these two cannot fail */
    uv_timer_init(loop, &consumer->poll);
    consumer->handles_open = 3;
    consumer->wake.data = consumer->again.data = consumer->poll.data = consumer;
    return 0;
}

static int open_queues(struct consumer *consumer, struct buffer *why)
{
    consumer->events = rd_kafka_queue_get_consumer(consumer->client);
    consumer->membership.replies = rd_kafka_queue_new(consumer->client);
    rd_kafka_poll_set_consumer(consumer->client);
    rd_kafka_resp_err_t code = rd_kafka_set_log_queue(consumer->client, consumer->events);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        buffer_printf(why, "kafka: %s\n", rd_kafka_err2str(code));
        return ERR_CONFIG;
    }
    return 0;
}

int consumer_start(struct consumer *consumer, struct buffer *why)
{
    ASSERT(!consumer->started && !consumer->closing);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, consumer->topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(consumer->client, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        buffer_printf(why, "kafka: cannot subscribe to \"%s\": %s\n", consumer->topic,
                      rd_kafka_err2str(code));
        return ERR_CONFIG;
    }
    consumer->started = true;
    return 0;
}

static struct consumer *consumer_alloc(const struct kafka_conf *conf, const char *topic,
                                       const struct consumer_callbacks *callbacks)
{
    struct consumer *consumer = calloc(1, sizeof(*consumer));
    if (consumer == NULL)
        return NULL;
    consumer->group = strdup(conf->group != NULL ? conf->group : "");
    consumer->topic = strdup(topic);
    if (consumer->group == NULL || consumer->topic == NULL) {
        consumer_free(consumer);
        return NULL;
    }
    consumer->loss_policy = conf->on_data_loss;
    consumer->callbacks = *callbacks;
    struct membership *membership = &consumer->membership;
    membership->wake = &consumer->wake;
    membership->group = consumer->group;
    membership->topic = consumer->topic;
    membership->start_policy = conf->start;
    membership->callbacks = &consumer->callbacks;
    membership->stats = &consumer->stats;
    membership->offsets.answered = on_offsets;
    membership->offsets.context = consumer;
    return consumer;
}

int consumer_create(struct consumer **consumer_out, uv_loop_t *loop, const struct kafka_conf *conf,
                    const char *topic, const struct consumer_callbacks *callbacks,
                    struct buffer *why)
{
    if (topic[0] == '\0' || topic[0] == '^') { /* librdkafka reads that as a regular expression */
        buffer_printf(why, "input.topic: \"%s\" is not the name of a topic\n", topic);
        return ERR_CONFIG;
    }
    struct consumer *consumer = consumer_alloc(conf, topic, callbacks);
    if (consumer == NULL)
        return -ENOMEM;
    int err = client_create(&consumer->client, conf, CLIENT_CONSUMER,
                            RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_OFFSET_COMMIT, why);
    if (err < 0)
        goto fail_client;
    consumer->membership.client = consumer->client;
    consumer->membership.loop = loop;
    err = open_queues(consumer, why);
    if (err < 0)
        goto fail_queues;
    err = open_handles(consumer, loop); /* last: only uv_close() undoes a live handle */
    if (err < 0)
        goto fail_queues;
    rd_kafka_queue_cb_event_enable(consumer->events, on_queue_event, &consumer->wake);
    rd_kafka_queue_cb_event_enable(consumer->membership.replies, on_queue_event, &consumer->wake);
    uv_timer_start(&consumer->poll, on_poll, POLL_MS, POLL_MS);
    ask_again(consumer); /* what is there already has raised no event */
    *consumer_out = consumer;
    return 0;

fail_queues:
    destroy_client(consumer, true);
fail_client:
    consumer_free(consumer);
    return err;
}

/* ---- what others may know ---- */

const struct consumer_stats *consumer_get_stats(const struct consumer *consumer)
{
    return &consumer->stats;
}

/* The log's end comes with every fetch and is kept by librdkafka: no request is made. */
static void fill_stats(const struct consumer *consumer, const struct partition *partition,
                       struct consumer_partition_stats *out)
{
    int64_t low;
    int64_t high;
    bool halted = partition->state == PARTITION_HALTED;
    *out = (struct consumer_partition_stats){
        .partition = partition->id,
        .next_offset = halted ? partition->loss.from : partition_next(partition),
        .log_end = -1,
        .lag = -1,
        .stopped = partition->state == PARTITION_STOPPED,
        .caught_up = partition->caught_up,
        .halted = halted,
        .loss = partition->loss,
    };
    if (partition->log_end < 0 ||
        rd_kafka_get_watermark_offsets(consumer->client, consumer->topic, partition->id, &low,
                                       &high) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return; /* what is kept may still be of an earlier assignment */
    out->log_end = high;
    if (high >= 0 && out->next_offset >= 0)
        out->lag = high > out->next_offset ? high - out->next_offset : 0;
}

size_t consumer_get_partitions(const struct consumer *consumer,
                               struct consumer_partition_stats *out, size_t max)
{
    const struct membership *membership = &consumer->membership;
    size_t count = membership->partitions_count < max ? membership->partitions_count : max;
    for (size_t i = 0; i < count; i++)
        fill_stats(consumer, membership->partitions[i], &out[i]);
    return count;
}

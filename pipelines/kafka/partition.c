#include "pipelines/kafka/partition.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Thread: any; librdkafka's, under the queue's lock. */
static void on_arrival(rd_kafka_t *client, void *context)
{
    (void)client;
    struct partition *partition = context;
    atomic_store_explicit(&partition->woken, 1, memory_order_release);
    uv_async_send(partition->async);
}

int partition_create(struct partition **partition_out, rd_kafka_t *client, const char *topic,
                     int32_t id, uv_async_t *async)
{
    struct partition *partition = calloc(1, sizeof(*partition));
    if (partition == NULL)
        return -ENOMEM;
    partition->id = id;
    partition->async = async;
    partition->granted_offset = -1;
    partition->lost_from = -1;
    partition->taken_ms = INT64_MIN;
    partition_rewind(partition, RD_KAFKA_OFFSET_INVALID);
    partition->queue = rd_kafka_queue_get_partition(client, topic, id);
    if (partition->queue == NULL) {
        free(partition);
        return -ENOMEM;
    }
    rd_kafka_queue_forward(partition->queue, NULL);
    rd_kafka_queue_cb_event_enable(partition->queue, on_arrival, partition);
    /* Messages that were queued before raised no event. */
    atomic_store_explicit(&partition->woken, 1, memory_order_release);
    *partition_out = partition;
    return 0;
}

void partition_destroy(struct partition **partition)
{
    struct partition *gone = TAKE(*partition);
    if (gone == NULL)
        return;
    rd_kafka_queue_cb_event_enable(gone->queue, NULL, NULL);
    partition_take(gone, gone->held_count);
    rd_kafka_queue_destroy(gone->queue);
    free(gone->commit_metadata);
    free(gone->granted_metadata);
    free(gone);
}

void partition_begin_at(struct partition *partition, int64_t offset)
{
    ASSERT(partition->start_commit == START_SOUGHT);
    partition->start_commit = START_DUE;
    partition->start_offset = offset;
    partition->start_due_at_ms = 0;
}

int partition_put_commit(struct partition *partition, int64_t offset, const char *metadata,
                         enum commit_owner owner)
{
    ASSERT(owner != COMMIT_NONE && offset >= 0);
    char *copy = strdup(metadata);
    if (copy == NULL)
        return -ENOMEM;
    free(partition->commit_metadata);
    partition->commit_metadata = copy;
    partition->commit_offset = offset;
    partition->waiting = owner;
    return 0;
}

void partition_rewind(struct partition *partition, int64_t start)
{
    partition->start = start;
    partition->received = start >= 0 ? start : -1;
    partition->log_end = -1;
}

/* Decides on one message out of the queue: held, or dropped. */
static void take_in(struct partition *partition, struct consumer_stats *stats,
                    rd_kafka_message_t *message)
{
    if (message->offset < partition->received) {
        stats->stale++;
        rd_kafka_message_destroy(message);
        return;
    }
    /* Compaction and transaction markers leave gaps too: a count, not an alarm. */
    if (partition->received >= 0 && message->offset > partition->received)
        stats->gaps++;
    stats->messages++;
    stats->bytes += message->len + message->key_len;
    partition->received = message->offset + 1;
    partition->held[partition->held_count++] = message;
}

/* How many messages make a slice, by their average size so far. */
static size_t slice_size(const struct consumer_stats *stats)
{
    uint64_t average = (stats->bytes + 1) / (stats->messages + 1) + 1;
    uint64_t size = PARTITION_SLICE_BYTES / average;
    return size < 8 ? 8 : size > PARTITION_HELD_MAX ? PARTITION_HELD_MAX : (size_t)size;
}

bool partition_fill(struct partition *partition, struct consumer_stats *stats,
                    partition_event_fn fn, void *context)
{
    ASSERT(partition->held_count == 0);
    rd_kafka_message_t *messages[PARTITION_HELD_MAX];
    size_t want = slice_size(stats);
    atomic_store_explicit(&partition->woken, 0, memory_order_release);
    /* Timeout 0: with any other the call waits for a full array. */
    ssize_t count = rd_kafka_consume_batch_queue(partition->queue, 0, messages, want);
    if (count <= 0)
        return false;
    partition->held_first = 0;
    for (ssize_t i = 0; i < count; i++) {
        if (messages[i]->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            take_in(partition, stats, messages[i]);
            continue;
        }
        fn(context, partition, messages[i]);
        rd_kafka_message_destroy(messages[i]);
    }
    if ((size_t)count == want) /* no event fires for what is in the queue already */
        atomic_store_explicit(&partition->woken, 1, memory_order_release);
    return true;
}

void partition_take(struct partition *partition, size_t count)
{
    ASSERT(count <= partition->held_count);
    for (size_t i = 0; i < count; i++)
        rd_kafka_message_destroy(TAKE(partition->held[partition->held_first + i]));
    partition->held_first += (uint32_t)count;
    partition->held_count -= (uint32_t)count;
}

int64_t partition_next(const struct partition *partition)
{
    if (partition->held_count > 0)
        return partition->held[partition->held_first]->offset;
    return partition->received;
}

void partition_reach(struct partition *partition, int64_t offset)
{
    if (partition->received < offset)
        partition->received = offset;
}

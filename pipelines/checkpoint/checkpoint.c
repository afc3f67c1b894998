#include "pipelines/checkpoint/checkpoint.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "pipelines/checkpoint/chain_reader.h"
#include "pipelines/checkpoint/checkpoint_partition.h"
#include "pipelines/checkpoint/checkpoint_topic.h"

enum {
    TICK_MS = 1000, /* timeouts and retries are of whole seconds; what comes from Kafka wakes us */
    CLOSING_TICK_MS = 5,
    CHECK_AGAIN_MS = 2000,
    PIECES_MAX = 32,               /* of all partitions, sent and not acknowledged: 24 MiB */
    WAITING_BYTES_ROOM = 64 << 20, /* payloads that wait; then no more should be made */
    WHY_BYTES = 4096
};

struct checkpoint {
    uv_async_t wake;
    uv_timer_t tick;
    int handles_open;
    const struct config *config;
    struct checkpoint_callbacks callbacks;
    struct record_writer *writer;
    struct chain_reader *reader;
    struct topic_check *check; /* under way */
    uint64_t check_at_ms;
    int32_t partitions; /* of the topic; 0: not checked yet */
    bool failed, closing;
    uint64_t close_at_ms;
    struct checkpoint_partition **stores; /* by partition; NULL before its first use */
    uint32_t stores_count;
    uint32_t turn_first; /* partition that sends first */
    struct checkpoint_stats stats;
    struct log_limit topic_limit, write_limit;
};

/* ---- partitions ---- */

static struct checkpoint_partition *find_partition(const struct checkpoint *checkpoint,
                                                   int32_t partition)
{
    if (partition < 0 || (uint32_t)partition >= checkpoint->stores_count)
        return NULL;
    struct checkpoint_partition *stored = checkpoint->stores[partition];
    return stored != NULL && stored->state != CHECKPOINT_PARTITION_UNKNOWN ? stored : NULL;
}

static bool stores_reach(struct checkpoint *checkpoint, int32_t partition)
{
    uint32_t need = (uint32_t)partition + 1;
    if (need <= checkpoint->stores_count)
        return true;
    struct checkpoint_partition **stores = realloc(checkpoint->stores, need * sizeof(*stores));
    if (stores == NULL)
        return false;
    memset(stores + checkpoint->stores_count, 0,
           (need - checkpoint->stores_count) * sizeof(*stores));
    checkpoint->stores = stores;
    checkpoint->stores_count = need;
    return true;
}

/* A partition that is unknown yet. Where the input has got more partitions, the topic needs them
 * too. */
static int make_partition(struct checkpoint *checkpoint, int32_t partition,
                          struct checkpoint_partition **checkpoint_partition_out)
{
    ASSERT(partition >= 0 && find_partition(checkpoint, partition) == NULL);
    if (!stores_reach(checkpoint, partition))
        return -ENOMEM;
    struct checkpoint_partition **stored = &checkpoint->stores[partition];
    const struct config *config = checkpoint->config;
    int err = *stored == NULL ? checkpoint_partition_create(stored, config->kafka.group,
                                                            config_log_topic(config), partition)
                              : 0;
    if (err < 0)
        return err;
    if (partition >= checkpoint->partitions)
        checkpoint->partitions = 0;
    *checkpoint_partition_out = *stored;
    return 0;
}

static bool is_ready(const struct checkpoint *checkpoint)
{
    return checkpoint->partitions > 0 && !checkpoint->failed;
}

static void count_obsolete(struct checkpoint *checkpoint)
{
    uint64_t keys = 0;
    for (uint32_t i = 0; i < checkpoint->stores_count; i++) {
        const struct checkpoint_partition *stored = checkpoint->stores[i];
        if (stored != NULL)
            keys += obsolete_keys_count(&stored->inherited) +
                    obsolete_keys_count(&stored->superseded) +
                    obsolete_keys_count(&stored->removable);
    }
    checkpoint->stats.obsolete = keys;
}

/* ---- the topic ---- */

static void on_checked(void *context, const struct topic_verdict *verdict)
{
    struct checkpoint *checkpoint = context;
    ASSERT(checkpoint->check != NULL);
    checkpoint->check = NULL;
    checkpoint->check_at_ms = uv_now(checkpoint->tick.loop) + CHECK_AGAIN_MS;
    uv_async_send(&checkpoint->wake);
    if (checkpoint->closing)
        return;
    if (verdict->err == 0) {
        checkpoint->partitions = verdict->partitions;
        LOG_DEBUG("checkpoint.ready", "topic=%s partitions=%" PRId32,
                  checkpoint->config->checkpoint.topic, verdict->partitions);
    } else if (verdict->err == -EAGAIN || verdict->err == -ENOMEM) {
        log_limited(&checkpoint->topic_limit, LOG_LEVEL_WARN, "checkpoint.topic_unknown",
                    "retry_ms=%d text=\"%s\"", CHECK_AGAIN_MS, verdict->why);
    } else {
        checkpoint->failed = true;
        checkpoint->callbacks.failed(checkpoint->callbacks.context, verdict->why);
    }
}

static void check_topic(struct checkpoint *checkpoint, uint64_t now_ms)
{
    if (checkpoint->partitions > 0 || checkpoint->failed || checkpoint->check != NULL ||
        now_ms < checkpoint->check_at_ms)
        return;
    int err = checkpoint_topic_check(&checkpoint->check, checkpoint->tick.loop, checkpoint->config,
                                     on_checked, checkpoint);
    if (err < 0)
        checkpoint->check_at_ms = now_ms + CHECK_AGAIN_MS;
}

/* ---- writing ---- */

bool checkpoint_wants_full(const struct checkpoint *checkpoint, int32_t partition)
{
    const struct checkpoint_partition *stored = find_partition(checkpoint, partition);
    return stored == NULL || checkpoint_partition_wants_full(stored);
}

bool checkpoint_is_writing(const struct checkpoint *checkpoint, int32_t partition)
{
    const struct checkpoint_partition *stored = find_partition(checkpoint, partition);
    return stored != NULL && stored->state == CHECKPOINT_PARTITION_WRITING;
}

bool checkpoint_has_room(const struct checkpoint *checkpoint)
{
    return checkpoint->stats.waiting_bytes < WAITING_BYTES_ROOM;
}

int checkpoint_write(struct checkpoint *checkpoint, int32_t partition,
                     const struct log_position *at, bool full, struct buffer *payload)
{
    struct checkpoint_partition *stored = find_partition(checkpoint, partition);
    ASSERT(stored != NULL && stored->state == CHECKPOINT_PARTITION_IDLE);
    ASSERT(full || !checkpoint_partition_wants_full(stored));
    ASSERT(at->offset >= 0);
    if (buffer_failed(payload))
        return -ENOMEM;
    if (payload->size > CHECKPOINT_BYTES_MAX)
        return ERR_RANGE;
    checkpoint->stats.waiting_bytes += payload->size;
    checkpoint_partition_write_begin(stored, at, full, payload, uv_now(checkpoint->tick.loop));
    checkpoint_check(checkpoint);
    uv_async_send(&checkpoint->wake);
    return 0;
}

void checkpoint_add_time(struct checkpoint *checkpoint, int64_t took_us)
{
    checkpoint->stats.loop_us += (uint64_t)took_us;
}

static void fail_write(struct checkpoint *checkpoint, struct checkpoint_partition *stored,
                       const char *words)
{
    log_limited(&checkpoint->write_limit, LOG_LEVEL_ERROR, "checkpoint.write_failed",
                "topic=%s partition=%" PRId32 " bytes=%zu text=\"%s\"",
                checkpoint->config->checkpoint.topic, stored->partition, stored->write.payload.size,
                words);
    ASSERT(checkpoint->stats.waiting_bytes >= stored->write.payload.size);
    checkpoint->stats.write_failures++;
    checkpoint->stats.waiting_bytes -= stored->write.payload.size;
    checkpoint_partition_write_failed(stored);
    if (!checkpoint->closing)
        checkpoint->callbacks.write_failed(checkpoint->callbacks.context, stored->partition);
}

static void finish_write(struct checkpoint *checkpoint, struct checkpoint_partition *stored)
{
    struct checkpoint_stats *stats = &checkpoint->stats;
    const struct partition_write *write = &stored->write;
    struct log_position at = write->at;
    ASSERT(stats->waiting_bytes >= write->payload.size);
    stats->writes++;
    stats->full_writes += write->full;
    stats->written_bytes += write->payload.size;
    stats->records += write->pieces;
    stats->waiting_bytes -= write->payload.size;
    stats->last_write_ms = (int64_t)(uv_now(checkpoint->tick.loop) - write->began_ms);
    char pointer[POINTER_TEXT_SIZE];
    checkpoint_partition_write_done(stored, pointer);
    checkpoint->callbacks.written(checkpoint->callbacks.context, stored->partition, &at, pointer);
}

static void on_piece(struct checkpoint *checkpoint, struct checkpoint_partition *stored,
                     const struct shipment *shipment)
{
    if (stored->state != CHECKPOINT_PARTITION_WRITING || stored->write.number != shipment->number)
        return; /* of a write that has failed */
    if (shipment->code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        fail_write(checkpoint, stored, rd_kafka_err2str(shipment->code));
        return;
    }
    int done = checkpoint_partition_on_piece(stored, shipment);
    if (done < 0)
        fail_write(checkpoint, stored, "the brokers gave offsets that are not in order");
    else if (done > 0)
        finish_write(checkpoint, stored);
}

static void on_shipped(void *context, const struct shipment *shipment)
{
    struct checkpoint *checkpoint = context;
    if (shipment->number == 0 && shipment->code == RD_KAFKA_RESP_ERR_NO_ERROR)
        checkpoint->stats.tombstones++;
    struct checkpoint_partition *stored = find_partition(checkpoint, shipment->partition);
    if (stored == NULL || stored->epoch != shipment->epoch)
        return; /* of an earlier assignment */
    if (shipment->number > 0)
        on_piece(checkpoint, stored, shipment);
    else
        checkpoint_partition_on_tombstone(stored, shipment);
}

static void send_records(struct checkpoint *checkpoint, struct checkpoint_partition *stored)
{
    if (stored->state == CHECKPOINT_PARTITION_WRITING) {
        size_t waiting = record_writer_waiting_records(checkpoint->writer);
        ASSERT(waiting <= PIECES_MAX);
        int err = checkpoint_partition_send_pieces(stored, checkpoint->writer,
                                                   PIECES_MAX - (uint32_t)waiting);
        if (err < 0)
            fail_write(checkpoint, stored, err_str(err));
    }
    if (!checkpoint->closing)
        checkpoint_partition_send_tombstones(stored, checkpoint->writer);
}

static void send_all(struct checkpoint *checkpoint)
{
    for (uint32_t i = 0; i < checkpoint->stores_count; i++) {
        uint32_t index = (checkpoint->turn_first + i) % checkpoint->stores_count;
        struct checkpoint_partition *stored = checkpoint->stores[index];
        if (stored != NULL &&
            (stored->state == CHECKPOINT_PARTITION_WRITING || stored->tombstones_due))
            send_records(checkpoint, stored);
    }
    checkpoint->turn_first++;
}

void checkpoint_committed(struct checkpoint *checkpoint, int32_t partition, int64_t offset)
{
    struct checkpoint_partition *stored = find_partition(checkpoint, partition);
    if (stored == NULL || stored->state == CHECKPOINT_PARTITION_RESTORING ||
        checkpoint->writer == NULL)
        return;
    checkpoint_partition_confirm(stored, offset);
    uv_async_send(&checkpoint->wake);
}

/* ---- restoring ---- */

static void refuse_restore(struct checkpoint *checkpoint, struct checkpoint_partition *stored,
                           int err, const char *why)
{
    struct buffer text;
    buffer_init(&text, WHY_BYTES);
    buffer_printf(&text, "the state of partition %" PRId32 " in %s cannot be restored: %s",
                  stored->partition, checkpoint->config->checkpoint.topic,
                  why[0] != '\0' ? why : err_str(err));
    const char *words = buffer_text(&text);
    bool searched = stored->searches;
    checkpoint->stats.restore_errors++;
    checkpoint_partition_end(stored);
    const struct checkpoint_callbacks *callbacks = &checkpoint->callbacks;
    if (searched)
        callbacks->searched(callbacks->context, stored->partition, err, NULL,
                            words != NULL ? words : why);
    else
        callbacks->restored(callbacks->context, stored->partition, err, NULL,
                            words != NULL ? words : why);
    buffer_fini(&text);
}

static void finish_search(struct checkpoint *checkpoint, struct checkpoint_partition *stored,
                          struct chain *chain)
{
    struct log_position at;
    struct checkpoint_find found = {.offset = -1};
    if (chain_find(chain, &at, &found.saved_ms))
        found.offset = at.offset;
    checkpoint_partition_begin(stored, -1);
    chain_take_obsolete(chain, &stored->inherited);
    checkpoint->callbacks.searched(checkpoint->callbacks.context, stored->partition, 0, &found, "");
}

static int on_payload(void *context, int32_t partition, const void *bytes, size_t size,
                      struct buffer *why)
{
    struct checkpoint *checkpoint = context;
    return checkpoint->callbacks.payload(checkpoint->callbacks.context, partition, bytes, size,
                                         why);
}

static void on_chain_read(void *context, struct chain *chain, uint64_t started_ms, int err,
                          const char *why)
{
    struct checkpoint *checkpoint = context;
    struct checkpoint_partition *stored = find_partition(checkpoint, chain_partition(chain));
    ASSERT(stored != NULL && stored->state == CHECKPOINT_PARTITION_RESTORING);
    if (err < 0) {
        refuse_restore(checkpoint, stored, err, why);
        return;
    }
    if (chain_is_search(chain)) {
        finish_search(checkpoint, stored, chain);
        return;
    }
    struct checkpoint_stats *stats = &checkpoint->stats;
    struct log_position at = chain_position(chain);
    checkpoint_partition_begin(stored, at.offset);
    chain_take_obsolete(chain, &stored->inherited);
    stats->restores++;
    stats->restored_bytes += chain_bytes(chain);
    stats->last_restore_ms = (int64_t)(uv_now(checkpoint->tick.loop) - started_ms);
    LOG_INFO("checkpoint.restored",
             "partition=%" PRId32 " offset=%" PRId64 " bytes=%" PRIu64 " took_ms=%" PRId64
             " obsolete_keys=%" PRIu64,
             stored->partition, at.offset, chain_bytes(chain), stats->last_restore_ms,
             obsolete_keys_count(&stored->inherited));
    checkpoint->callbacks.restored(checkpoint->callbacks.context, stored->partition, 0, &at, "");
}

/* metadata NULL: a search. */
static int begin_read(struct checkpoint *checkpoint, int32_t partition, int64_t committed,
                      const char *metadata)
{
    struct checkpoint_partition *stored;
    int err = make_partition(checkpoint, partition, &stored);
    if (err < 0)
        return err;
    struct chain_conf conf = {
        .prefix = stored->prefix,
        .metadata = metadata,
        .partition = partition,
        .committed = committed,
        .handler = {on_payload, checkpoint},
    };
    struct buffer why;
    buffer_init(&why, WHY_BYTES);
    err = chain_create(&stored->chain, &conf, &why);
    if (metadata != NULL && err == ERR_PROTOCOL)
        buffer_printf(&stored->refusal, "the metadata \"%.*s\" of its offset %.*s",
                      (int)strnlen(metadata, POINTER_TEXT_SIZE), metadata, (int)why.size,
                      why.size > 0 ? why.data : "");
    buffer_fini(&why);
    if (err < 0 && err != ERR_PROTOCOL)
        return err;
    stored->state = CHECKPOINT_PARTITION_RESTORING;
    stored->searches = metadata == NULL;
    uv_async_send(&checkpoint->wake);
    return 0;
}

int checkpoint_restore(struct checkpoint *checkpoint, int32_t partition, int64_t committed,
                       const char *metadata)
{
    return begin_read(checkpoint, partition, committed, metadata);
}

int checkpoint_search(struct checkpoint *checkpoint, int32_t partition)
{
    return begin_read(checkpoint, partition, -1, NULL);
}

/* Begins what was asked for. */
static void start_restores(struct checkpoint *checkpoint)
{
    for (uint32_t i = 0; i < checkpoint->stores_count; i++) {
        struct checkpoint_partition *stored = checkpoint->stores[i];
        if (stored == NULL || stored->state != CHECKPOINT_PARTITION_RESTORING)
            continue;
        if (stored->refusal.size > 0) {
            const char *words = buffer_text(&stored->refusal);
            char text[512];
            (void)snprintf(text, sizeof(text), "%s", words != NULL ? words : "");
            refuse_restore(checkpoint, stored, ERR_PROTOCOL, text);
        } else if (stored->chain != NULL && is_ready(checkpoint)) {
            int err = chain_reader_start(checkpoint->reader, &stored->chain);
            if (err < 0)
                refuse_restore(checkpoint, stored, err, err_str(err));
        }
    }
}

/* ---- assignment ---- */

int checkpoint_open(struct checkpoint *checkpoint, int32_t partition)
{
    struct checkpoint_partition *stored;
    int err = make_partition(checkpoint, partition, &stored);
    if (err < 0)
        return err;
    checkpoint_partition_begin(stored, -1);
    uv_async_send(&checkpoint->wake);
    return 0;
}

void checkpoint_forget(struct checkpoint *checkpoint, int32_t partition)
{
    struct checkpoint_partition *stored = find_partition(checkpoint, partition);
    if (stored == NULL || checkpoint->writer == NULL)
        return;
    if (stored->state == CHECKPOINT_PARTITION_RESTORING)
        chain_reader_stop(checkpoint->reader, partition);
    if (stored->state == CHECKPOINT_PARTITION_WRITING)
        checkpoint->stats.waiting_bytes -= stored->write.payload.size;
    checkpoint_partition_abandon_write(stored, checkpoint->writer);
    checkpoint_partition_end(stored);
}

/* ---- turns ---- */

static void step_close(struct checkpoint *checkpoint, uint64_t now_ms);

static void checkpoint_turn(struct checkpoint *checkpoint)
{
    if (checkpoint->writer == NULL)
        return; /* closed, and an event was still under way */
    uint64_t now_ms = uv_now(checkpoint->tick.loop);
    int64_t began_us = clock_cpu_us();
    record_writer_turn(checkpoint->writer, now_ms, on_shipped, checkpoint);
    if (is_ready(checkpoint))
        send_all(checkpoint);
    checkpoint_add_time(checkpoint, clock_cpu_us() - began_us);
    if (checkpoint->closing) {
        step_close(checkpoint, now_ms);
        return;
    }
    start_restores(checkpoint);
    chain_reader_turn(checkpoint->reader, now_ms);
    check_topic(checkpoint, now_ms);
    checkpoint->stats.ready = is_ready(checkpoint);
    count_obsolete(checkpoint);
}

static void on_wake(uv_async_t *wake)
{
    checkpoint_turn(wake->data);
}

static void on_tick(uv_timer_t *tick)
{
    checkpoint_turn(tick->data);
}

/* ---- life ---- */

static void checkpoint_free(struct checkpoint *checkpoint)
{
    for (uint32_t i = 0; i < checkpoint->stores_count; i++)
        checkpoint_partition_destroy(&checkpoint->stores[i]);
    free(checkpoint->stores);
    free(checkpoint);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct checkpoint *checkpoint = handle->data;
    ASSERT(checkpoint->handles_open > 0 && checkpoint->writer == NULL);
    if (--checkpoint->handles_open > 0)
        return;
    struct checkpoint_callbacks callbacks = checkpoint->callbacks;
    checkpoint_free(checkpoint);
    callbacks.closed(callbacks.context);
}

static uint32_t count_writing(const struct checkpoint *checkpoint)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < checkpoint->stores_count; i++)
        count += checkpoint->stores[i] != NULL &&
                 checkpoint->stores[i]->state == CHECKPOINT_PARTITION_WRITING;
    return count;
}

static void step_close(struct checkpoint *checkpoint, uint64_t now_ms)
{
    uint32_t writing = count_writing(checkpoint);
    bool waits = (writing > 0 || record_writer_waiting(checkpoint->writer) > 0) &&
                 is_ready(checkpoint) && now_ms < checkpoint->close_at_ms;
    if (waits || checkpoint->check != NULL)
        return;
    if (writing > 0)
        LOG_WARN("checkpoint.given_up", "partitions=%" PRIu32 " bytes=%" PRIu64, writing,
                 checkpoint->stats.waiting_bytes);
    chain_reader_destroy(&checkpoint->reader);
    record_writer_destroy(&checkpoint->writer);
    uv_close((uv_handle_t *)&checkpoint->wake, on_handle_closed);
    uv_close((uv_handle_t *)&checkpoint->tick, on_handle_closed);
}

void checkpoint_close(struct checkpoint *checkpoint, int64_t timeout_ms)
{
    checkpoint->closing = true;
    checkpoint->close_at_ms = uv_now(checkpoint->tick.loop) + (uint64_t)timeout_ms;
    if (checkpoint->check != NULL)
        topic_check_hurry(checkpoint->check);
    uv_timer_start(&checkpoint->tick, on_tick, 0, CLOSING_TICK_MS);
}

static int open_parts(struct checkpoint *checkpoint, struct buffer *why)
{
    const struct config *config = checkpoint->config;
    int err = chain_reader_create(&checkpoint->reader, config, &checkpoint->wake, on_chain_read,
                                  checkpoint);
    if (err < 0)
        return err;
    const struct record_writer_conf conf = {&config->kafka,     config->checkpoint.topic,
                                            CLIENT_WRITER,      "checkpoint",
                                            "checkpoint.error", &checkpoint->wake};
    return record_writer_create(&checkpoint->writer, &conf, why);
}

int checkpoint_create(struct checkpoint **checkpoint_out, uv_loop_t *loop,
                      const struct config *config, const struct checkpoint_callbacks *callbacks,
                      struct buffer *why)
{
    struct checkpoint *checkpoint = calloc(1, sizeof(*checkpoint));
    if (checkpoint == NULL)
        return -ENOMEM;
    checkpoint->config = config;
    checkpoint->callbacks = *callbacks;
    checkpoint->stats.last_write_ms = checkpoint->stats.last_restore_ms = -1;
    int err = open_parts(checkpoint, why);
    if (err < 0)
        goto fail;
    err = uv_async_init(loop, &checkpoint->wake, on_wake); /* last: only uv_close() undoes it */
    if (err < 0)
        goto fail;
    uv_timer_init(loop, &checkpoint->tick); /* cannot fail */
    uv_timer_start(&checkpoint->tick, on_tick, TICK_MS, TICK_MS);
    checkpoint->wake.data = checkpoint->tick.data = checkpoint;
    checkpoint->handles_open = 2;
    record_writer_listen(checkpoint->writer);
    *checkpoint_out = checkpoint;
    return 0;

fail:
    record_writer_destroy(&checkpoint->writer);
    chain_reader_destroy(&checkpoint->reader);
    checkpoint_free(checkpoint);
    return err;
}

void checkpoint_check(const struct checkpoint *checkpoint)
{
    uint64_t bytes = 0;
    uint64_t pieces = 0;
    for (uint32_t i = 0; i < checkpoint->stores_count; i++) {
        const struct checkpoint_partition *stored = checkpoint->stores[i];
        if (stored != NULL)
            pieces += checkpoint_partition_check(stored);
        bytes += stored != NULL ? stored->write.payload.size : 0;
    }
    ASSERT(checkpoint->stats.waiting_bytes == bytes);
    if (checkpoint->writer == NULL)
        return;
    record_writer_check(checkpoint->writer);
    ASSERT(pieces <= record_writer_waiting_records(checkpoint->writer));
}

const struct checkpoint_stats *checkpoint_get_stats(const struct checkpoint *checkpoint)
{
    return &checkpoint->stats;
}

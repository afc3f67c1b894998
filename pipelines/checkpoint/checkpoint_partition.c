#include "pipelines/checkpoint/checkpoint_partition.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"

enum { CHAIN_SLACK_BYTES = 1 << 20, REFUSAL_BYTES = 1024 };

/* Two assignments must not have the same, on whatever machine. */
static uint64_t make_epoch(void)
{
    uint64_t epoch = 0;
    if (getrandom(&epoch, sizeof(epoch), GRND_NONBLOCK) == (ssize_t)sizeof(epoch))
        return epoch;
    uint64_t time_ns = uv_hrtime(); /* a machine that has only just been started */
    return time_ns ^ ((uint64_t)clock_wall_ms() << 20) ^ ((uint64_t)getpid() << 48);
}

int checkpoint_partition_create(struct checkpoint_partition **checkpoint_partition_out,
                                const char *group, const char *topic, int32_t partition)
{
    struct checkpoint_partition *stored = calloc(1, sizeof(*stored));
    if (stored == NULL)
        return -ENOMEM;
    struct buffer prefix;
    buffer_init(&prefix, RECORD_KEY_BYTES_MAX);
    record_key_prefix(&prefix, group, topic, partition);
    const char *text = buffer_text(&prefix);
    stored->prefix = text != NULL ? strdup(text) : NULL;
    buffer_fini(&prefix);
    if (stored->prefix == NULL) {
        free(stored);
        return -ENOMEM;
    }
    stored->partition = partition;
    buffer_init(&stored->write.payload, CHECKPOINT_BYTES_MAX);
    buffer_init(&stored->refusal, REFUSAL_BYTES);
    *checkpoint_partition_out = stored;
    return 0;
}

void checkpoint_partition_destroy(struct checkpoint_partition **stored)
{
    struct checkpoint_partition *gone = TAKE(*stored);
    if (gone == NULL)
        return;
    checkpoint_partition_end(gone);
    buffer_fini(&gone->refusal);
    free(gone->prefix);
    free(gone);
}

void checkpoint_partition_end(struct checkpoint_partition *stored)
{
    chain_destroy(&stored->chain);
    buffer_fini(&stored->write.payload);
    buffer_clear(&stored->refusal);
    obsolete_keys_fini(&stored->inherited);
    obsolete_keys_fini(&stored->superseded);
    obsolete_keys_fini(&stored->removable);
    stored->state = CHECKPOINT_PARTITION_UNKNOWN;
    stored->epoch = 0; /* the answers to what was sent until now are of an earlier assignment */
    stored->batch_waiting = 0;
    stored->tombstones_due = false;
}

void checkpoint_partition_begin(struct checkpoint_partition *stored, int64_t standing)
{
    ASSERT(stored->state != CHECKPOINT_PARTITION_WRITING);
    stored->state = CHECKPOINT_PARTITION_IDLE;
    stored->epoch = make_epoch();
    stored->next_sequence = stored->kept_from = 0;
    stored->next_number = 1;
    stored->number = 0;
    stored->written_offset = standing;
    stored->confirm_from = INT64_MAX;
    stored->commits = 0;
    stored->tombstones_due = false;
    stored->batch_waiting = 0;
}

/* ---- writing ---- */

bool checkpoint_partition_wants_full(const struct checkpoint_partition *stored)
{
    return stored->number == 0 || stored->added_bytes > stored->base_bytes + CHAIN_SLACK_BYTES;
}

void checkpoint_partition_write_begin(struct checkpoint_partition *stored,
                                      const struct log_position *at, bool full,
                                      struct buffer *payload, uint64_t now_ms)
{
    ASSERT(stored->state == CHECKPOINT_PARTITION_IDLE);
    struct partition_write *write = &stored->write;
    size_t limit = payload->limit;
    size_t pieces = (payload->size + CHECKPOINT_RECORD_BYTES - 1) / CHECKPOINT_RECORD_BYTES;
    *write = (struct partition_write){
        .payload = *payload,
        .at = *at,
        .full = full,
        .number = stored->next_number++,
        .first_sequence = stored->next_sequence,
        .pieces = pieces > 0 ? (uint32_t)pieces : 1,
        .first_offset = -1,
        .last_offset = -1,
        .began_ms = now_ms,
    };
    buffer_init(payload, limit);
    stored->next_sequence += write->pieces;
    stored->state = CHECKPOINT_PARTITION_WRITING;
}

/* The keys that a process which restores this chain gives tombstones, if we do not. */
static uint32_t list_obsolete(const struct checkpoint_partition *stored,
                              struct key_range out[RECORD_OBSOLETE_MAX])
{
    const struct obsolete_keys *const lists[] = {&stored->superseded, &stored->inherited,
                                                 &stored->removable};
    uint32_t count = 0;
    if (stored->kept_from < stored->write.first_sequence)
        out[count++] =
            (struct key_range){stored->epoch, stored->kept_from, stored->write.first_sequence};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        for (uint32_t j = 0; j < lists[i]->count && count < RECORD_OBSOLETE_MAX; j++)
            out[count++] = lists[i]->ranges[j];
    return count;
}

static struct shipment *make_shipment(const struct checkpoint_partition *stored, uint64_t epoch,
                                      uint64_t sequence, size_t size)
{
    char key[RECORD_KEY_BYTES_MAX];
    size_t key_size = record_key_print(key, stored->prefix, epoch, sequence);
    struct shipment *shipment = shipment_create(key_size, size);
    if (shipment == NULL)
        return NULL;
    memcpy(shipment->bytes, key, key_size);
    shipment->partition = stored->partition;
    shipment->epoch = stored->epoch;
    return shipment;
}

static int send_piece(struct checkpoint_partition *stored, struct record_writer *writer)
{
    struct partition_write *write = &stored->write;
    size_t start = (size_t)write->sent * CHECKPOINT_RECORD_BYTES;
    size_t rest = write->payload.size - start;
    struct record record = {
        .epoch = stored->epoch,
        .sequence = write->first_sequence + write->sent,
        .number = write->number,
        .previous = write->full ? 0 : stored->number,
        .at = write->at,
        .payload_bytes = write->payload.size,
        .piece = write->sent,
        .pieces = write->pieces,
        .bytes = write->payload.size > 0 ? (const uint8_t *)write->payload.data + start : NULL,
        .size = rest < CHECKPOINT_RECORD_BYTES ? rest : CHECKPOINT_RECORD_BYTES,
    };
    struct key_range obsolete[RECORD_OBSOLETE_MAX];
    if (write->full && write->sent == 0)
        record.obsolete_count = list_obsolete(stored, obsolete);
    struct shipment *shipment =
        make_shipment(stored, stored->epoch, record.sequence, record_size(&record));
    if (shipment == NULL)
        return -ENOMEM;
    shipment->number = write->number;
    shipment->piece = write->sent;
    record_encode(&record, obsolete, (uint8_t *)shipment->bytes + shipment->key_size);
    record_writer_send(writer, &shipment);
    write->sent++;
    return 0;
}

int checkpoint_partition_send_pieces(struct checkpoint_partition *stored,
                                     struct record_writer *writer, uint32_t room)
{
    ASSERT(stored->state == CHECKPOINT_PARTITION_WRITING);
    const struct partition_write *write = &stored->write;
    ASSERT(write->acked <= write->sent && write->sent <= write->pieces);
    for (; room > 0 && write->sent < write->pieces &&
           write->sent - write->acked < CHECKPOINT_PARTITION_PIECES_MAX;
         room--) {
        int err = send_piece(stored, writer);
        if (err < 0)
            return err;
    }
    return 0;
}

int checkpoint_partition_on_piece(struct checkpoint_partition *stored,
                                  const struct shipment *shipment)
{
    ASSERT(stored->state == CHECKPOINT_PARTITION_WRITING);
    struct partition_write *write = &stored->write;
    ASSERT(shipment->number == write->number && write->acked < write->sent);
    if (shipment->piece != write->acked || shipment->offset <= write->last_offset)
        return ERR_PROTOCOL;
    if (shipment->piece == 0)
        write->first_offset = shipment->offset;
    write->last_offset = shipment->offset;
    write->acked++;
    return write->acked == write->pieces;
}

uint32_t checkpoint_partition_check(const struct checkpoint_partition *stored)
{
    const struct partition_write *write = &stored->write;
    if (stored->state != CHECKPOINT_PARTITION_WRITING) {
        ASSERT(write->payload.size == 0);
        return 0;
    }
    ASSERT(write->acked <= write->sent && write->sent <= write->pieces);
    return write->sent - write->acked;
}

/* A commit of the same offset may still be one of the older chain: it confirms nothing. */
static void begin_chain(struct checkpoint_partition *stored)
{
    const struct partition_write *write = &stored->write;
    obsolete_keys_add(&stored->superseded,
                      (struct key_range){stored->epoch, stored->kept_from, write->first_sequence});
    stored->kept_from = write->first_sequence;
    stored->base_offset = write->first_offset;
    stored->base_bytes = write->payload.size;
    stored->added_bytes = 0;
    stored->commits = 0;
    stored->confirm_from = write->at.offset + (stored->written_offset >= write->at.offset);
}

void checkpoint_partition_write_done(struct checkpoint_partition *stored,
                                     char pointer[POINTER_TEXT_SIZE])
{
    ASSERT(stored->state == CHECKPOINT_PARTITION_WRITING);
    struct partition_write *write = &stored->write;
    ASSERT(write->acked == write->pieces); /* the brokers have all of it */
    if (write->full)
        begin_chain(stored);
    else
        stored->added_bytes += write->payload.size;
    stored->number = write->number;
    stored->written_offset = write->at.offset;
    pointer_print(pointer, &(struct pointer){stored->epoch, write->number, stored->base_offset,
                                             write->last_offset});
    buffer_fini(&write->payload);
    stored->state = CHECKPOINT_PARTITION_IDLE;
}

void checkpoint_partition_write_failed(struct checkpoint_partition *stored)
{
    ASSERT(stored->state == CHECKPOINT_PARTITION_WRITING);
    stored->number = 0;
    buffer_fini(&stored->write.payload);
    stored->state = CHECKPOINT_PARTITION_IDLE;
}

/* ---- what may go ---- */

void checkpoint_partition_confirm(struct checkpoint_partition *stored, int64_t offset)
{
    ASSERT(stored->state != CHECKPOINT_PARTITION_RESTORING);
    stored->commits += offset >= stored->confirm_from;
    if (stored->commits > 0)
        obsolete_keys_move(&stored->removable, &stored->inherited);
    if (stored->commits > 1)
        obsolete_keys_move(&stored->removable, &stored->superseded);
    stored->tombstones_due = true;
}

/* Returns how many there was memory for. */
static uint32_t send_tombstones(const struct checkpoint_partition *stored,
                                struct record_writer *writer, struct key_range range)
{
    uint32_t count = 0;
    for (uint64_t sequence = range.first; sequence < range.end; sequence++, count++) {
        struct shipment *shipment = make_shipment(stored, range.epoch, sequence, 0);
        if (shipment == NULL)
            break;
        record_writer_send(writer, &shipment);
    }
    return count;
}

void checkpoint_partition_abandon_write(struct checkpoint_partition *stored,
                                        struct record_writer *writer)
{
    uint64_t first = stored->write.first_sequence;
    if (stored->state == CHECKPOINT_PARTITION_WRITING)
        (void)send_tombstones(stored, writer,
                              (struct key_range){stored->epoch, first, first + stored->write.sent});
}

void checkpoint_partition_send_tombstones(struct checkpoint_partition *stored,
                                          struct record_writer *writer)
{
    if (!stored->tombstones_due || stored->batch_waiting > 0 ||
        stored->state == CHECKPOINT_PARTITION_RESTORING)
        return;
    if (stored->removable.count == 0) {
        stored->tombstones_due = false;
        return;
    }
    stored->batch = stored->removable.ranges[0];
    if (stored->batch.end - stored->batch.first > CHECKPOINT_PARTITION_TOMBSTONES_MAX)
        stored->batch.end = stored->batch.first + CHECKPOINT_PARTITION_TOMBSTONES_MAX;
    stored->batch_waiting = send_tombstones(stored, writer, stored->batch);
    stored->batch_failed = stored->batch_waiting < stored->batch.end - stored->batch.first;
    stored->tombstones_due = stored->batch_waiting > 0;
}

void checkpoint_partition_on_tombstone(struct checkpoint_partition *stored,
                                       const struct shipment *shipment)
{
    ASSERT(stored->batch_waiting > 0);
    stored->batch_failed |= shipment->code != RD_KAFKA_RESP_ERR_NO_ERROR;
    if (--stored->batch_waiting > 0)
        return;
    if (stored->batch_failed)
        stored->tombstones_due = false; /* the next commit tries again */
    else
        obsolete_keys_remove(&stored->removable, stored->batch);
}

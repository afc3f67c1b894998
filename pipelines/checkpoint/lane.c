#include "pipelines/checkpoint/lane.h"

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

int lane_create(struct lane **lane_out, const char *group, const char *topic, int32_t partition)
{
    struct lane *lane = calloc(1, sizeof(*lane));
    if (lane == NULL)
        return -ENOMEM;
    struct buffer prefix;
    buffer_init(&prefix, RECORD_KEY_BYTES_MAX);
    record_key_prefix(&prefix, group, topic, partition);
    const char *text = buffer_text(&prefix);
    lane->prefix = text != NULL ? strdup(text) : NULL;
    buffer_fini(&prefix);
    if (lane->prefix == NULL) {
        free(lane);
        return -ENOMEM;
    }
    lane->partition = partition;
    buffer_init(&lane->write.payload, CHECKPOINT_BYTES_MAX);
    buffer_init(&lane->refusal, REFUSAL_BYTES);
    *lane_out = lane;
    return 0;
}

void lane_destroy(struct lane **lane)
{
    struct lane *gone = TAKE(*lane);
    if (gone == NULL)
        return;
    lane_end(gone);
    buffer_fini(&gone->refusal);
    free(gone->prefix);
    free(gone);
}

void lane_end(struct lane *lane)
{
    chain_destroy(&lane->chain);
    buffer_fini(&lane->write.payload);
    buffer_clear(&lane->refusal);
    leftovers_fini(&lane->inherited);
    leftovers_fini(&lane->superseded);
    leftovers_fini(&lane->doomed);
    lane->state = LANE_UNKNOWN;
    lane->batch_waiting = 0;
    lane->bury = false;
}

void lane_begin(struct lane *lane, int64_t standing)
{
    lane->state = LANE_IDLE;
    lane->epoch = make_epoch();
    lane->next_sequence = lane->kept_from = 0;
    lane->next_number = 1;
    lane->number = 0;
    lane->written_offset = standing;
    lane->confirm_from = INT64_MAX;
    lane->commits = 0;
    lane->bury = false;
    lane->batch_waiting = 0;
}

/* ---- writing ---- */

bool lane_wants_full(const struct lane *lane)
{
    return lane->number == 0 || lane->added_bytes > lane->base_bytes + CHAIN_SLACK_BYTES;
}

void lane_write_begin(struct lane *lane, const struct log_position *at, bool full,
                      struct buffer *payload, uint64_t now_ms)
{
    struct lane_write *write = &lane->write;
    size_t limit = payload->limit;
    size_t pieces = (payload->size + CHECKPOINT_RECORD_BYTES - 1) / CHECKPOINT_RECORD_BYTES;
    *write = (struct lane_write){
        .payload = *payload,
        .at = *at,
        .full = full,
        .number = lane->next_number++,
        .first_sequence = lane->next_sequence,
        .pieces = pieces > 0 ? (uint32_t)pieces : 1,
        .first_offset = -1,
        .last_offset = -1,
        .began_ms = now_ms,
    };
    buffer_init(payload, limit);
    lane->next_sequence += write->pieces;
    lane->state = LANE_WRITING;
}

/* What a process that restores this chain has to bury, if we do not get to it. */
static uint32_t list_leftovers(const struct lane *lane, struct key_range out[RECORD_LEFTOVERS_MAX])
{
    const struct leftovers *const lists[] = {&lane->superseded, &lane->inherited, &lane->doomed};
    uint32_t count = 0;
    if (lane->kept_from < lane->write.first_sequence)
        out[count++] = (struct key_range){lane->epoch, lane->kept_from, lane->write.first_sequence};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        for (uint32_t j = 0; j < lists[i]->count && count < RECORD_LEFTOVERS_MAX; j++)
            out[count++] = lists[i]->ranges[j];
    return count;
}

static struct shipment *make_shipment(const struct lane *lane, uint64_t epoch, uint64_t sequence,
                                      size_t size)
{
    char key[RECORD_KEY_BYTES_MAX];
    size_t key_size = record_key_print(key, lane->prefix, epoch, sequence);
    struct shipment *shipment = shipment_create(key_size, size);
    if (shipment == NULL)
        return NULL;
    memcpy(shipment->bytes, key, key_size);
    shipment->partition = lane->partition;
    shipment->epoch = lane->epoch;
    return shipment;
}

static int send_piece(struct lane *lane, struct record_writer *writer)
{
    struct lane_write *write = &lane->write;
    size_t start = (size_t)write->sent * CHECKPOINT_RECORD_BYTES;
    size_t rest = write->payload.size - start;
    struct record record = {
        .epoch = lane->epoch,
        .sequence = write->first_sequence + write->sent,
        .number = write->number,
        .previous = write->full ? 0 : lane->number,
        .at = write->at,
        .payload_bytes = write->payload.size,
        .piece = write->sent,
        .pieces = write->pieces,
        .bytes = write->payload.size > 0 ? (const uint8_t *)write->payload.data + start : NULL,
        .size = rest < CHECKPOINT_RECORD_BYTES ? rest : CHECKPOINT_RECORD_BYTES,
    };
    struct key_range leftovers[RECORD_LEFTOVERS_MAX];
    if (write->full && write->sent == 0)
        record.leftovers_count = list_leftovers(lane, leftovers);
    struct shipment *shipment =
        make_shipment(lane, lane->epoch, record.sequence, record_size(&record));
    if (shipment == NULL)
        return -ENOMEM;
    shipment->number = write->number;
    shipment->piece = write->sent;
    record_encode(&record, leftovers, (uint8_t *)shipment->bytes + shipment->key_size);
    record_writer_send(writer, &shipment);
    write->sent++;
    return 0;
}

int lane_send_pieces(struct lane *lane, struct record_writer *writer, uint32_t room)
{
    const struct lane_write *write = &lane->write;
    int count = 0;
    for (; room > 0 && write->sent < write->pieces && write->sent - write->acked < LANE_PIECES_MAX;
         room--, count++) {
        int err = send_piece(lane, writer);
        if (err < 0)
            return err;
    }
    return count;
}

int lane_on_piece(struct lane *lane, const struct shipment *shipment)
{
    struct lane_write *write = &lane->write;
    if (shipment->piece != write->acked || shipment->offset <= write->last_offset)
        return ERR_PROTOCOL;
    if (shipment->piece == 0)
        write->first_offset = shipment->offset;
    write->last_offset = shipment->offset;
    write->acked++;
    return write->acked == write->pieces;
}

/* A commit of the same offset may still be one of the older chain: it confirms nothing. */
static void begin_chain(struct lane *lane)
{
    const struct lane_write *write = &lane->write;
    leftovers_add(&lane->superseded,
                  (struct key_range){lane->epoch, lane->kept_from, write->first_sequence});
    lane->kept_from = write->first_sequence;
    lane->base_offset = write->first_offset;
    lane->base_bytes = write->payload.size;
    lane->added_bytes = 0;
    lane->commits = 0;
    lane->confirm_from = write->at.offset + (lane->written_offset >= write->at.offset);
}

void lane_write_done(struct lane *lane, char pointer[POINTER_TEXT_SIZE])
{
    struct lane_write *write = &lane->write;
    if (write->full)
        begin_chain(lane);
    else
        lane->added_bytes += write->payload.size;
    lane->number = write->number;
    lane->written_offset = write->at.offset;
    pointer_print(pointer, &(struct pointer){lane->epoch, write->number, lane->base_offset,
                                             write->last_offset});
    buffer_fini(&write->payload);
    lane->state = LANE_IDLE;
}

void lane_write_failed(struct lane *lane)
{
    lane->number = 0;
    buffer_fini(&lane->write.payload);
    lane->state = LANE_IDLE;
}

/* ---- what may go ---- */

void lane_confirm(struct lane *lane, int64_t offset)
{
    lane->commits += offset >= lane->confirm_from;
    if (lane->commits > 0)
        leftovers_move(&lane->doomed, &lane->inherited);
    if (lane->commits > 1)
        leftovers_move(&lane->doomed, &lane->superseded);
    lane->bury = true;
}

/* Returns how many there was memory for. */
static uint32_t send_tombstones(const struct lane *lane, struct record_writer *writer,
                                struct key_range range)
{
    uint32_t count = 0;
    for (uint64_t sequence = range.first; sequence < range.end; sequence++, count++) {
        struct shipment *shipment = make_shipment(lane, range.epoch, sequence, 0);
        if (shipment == NULL)
            break;
        record_writer_send(writer, &shipment);
    }
    return count;
}

void lane_abandon_write(struct lane *lane, struct record_writer *writer)
{
    uint64_t first = lane->write.first_sequence;
    if (lane->state == LANE_WRITING)
        (void)send_tombstones(lane, writer,
                              (struct key_range){lane->epoch, first, first + lane->write.sent});
}

void lane_send_tombstones(struct lane *lane, struct record_writer *writer)
{
    if (!lane->bury || lane->batch_waiting > 0 || lane->state == LANE_RESTORING)
        return;
    if (lane->doomed.count == 0) {
        lane->bury = false;
        return;
    }
    lane->batch = lane->doomed.ranges[0];
    if (lane->batch.end - lane->batch.first > LANE_TOMBSTONES_MAX)
        lane->batch.end = lane->batch.first + LANE_TOMBSTONES_MAX;
    lane->batch_waiting = send_tombstones(lane, writer, lane->batch);
    lane->batch_failed = lane->batch_waiting < lane->batch.end - lane->batch.first;
    lane->bury = lane->batch_waiting > 0;
}

void lane_on_tombstone(struct lane *lane, const struct shipment *shipment)
{
    lane->batch_failed |= shipment->code != RD_KAFKA_RESP_ERR_NO_ERROR;
    if (--lane->batch_waiting > 0)
        return;
    if (lane->batch_failed)
        lane->bury = false; /* the next commit tries again */
    else
        leftovers_remove(&lane->doomed, lane->batch);
}

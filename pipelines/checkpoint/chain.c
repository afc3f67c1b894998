#include "pipelines/checkpoint/chain.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

enum { SEQUENCES_MAX = 1 << 20 }; /* of a range that a record names: 768 GiB */

struct chain {
    char *prefix;
    struct pointer pointer;
    int32_t partition;
    int64_t committed;
    struct chain_handler handler;
    bool searches;
    int64_t seen_ms; /* searches: of the newest record; `at` is its position */
    bool begun, complete;
    uint64_t first_number; /* of the checkpoint that begins the chain */
    uint64_t number;       /* of the newest that was given; 0: none */
    struct log_position at;
    struct record open; /* the record before, if its checkpoint is not complete */
    bool is_open;
    struct buffer payload;
    uint64_t bytes;
    struct obsolete_keys obsolete;
};

int chain_create(struct chain **chain_out, const struct chain_conf *conf, struct buffer *why)
{
    struct pointer pointer = {.end = -1};
    int err = conf->metadata != NULL ? pointer_parse(&pointer, conf->metadata, why) : 0;
    if (err < 0)
        return err;
    struct chain *chain = calloc(1, sizeof(*chain));
    if (chain == NULL)
        return -ENOMEM;
    chain->prefix = strdup(conf->prefix);
    if (chain->prefix == NULL) {
        free(chain);
        return -ENOMEM;
    }
    chain->pointer = pointer;
    chain->searches = chain->complete = conf->metadata == NULL;
    chain->partition = conf->partition;
    chain->committed = conf->committed;
    chain->handler = conf->handler;
    buffer_init(&chain->payload, CHECKPOINT_BYTES_MAX);
    *chain_out = chain;
    return 0;
}

void chain_destroy(struct chain **chain)
{
    struct chain *gone = TAKE(*chain);
    if (gone == NULL)
        return;
    buffer_fini(&gone->payload);
    obsolete_keys_fini(&gone->obsolete);
    free(gone->prefix);
    free(gone);
}

bool chain_is_search(const struct chain *chain)
{
    return chain->searches;
}

bool chain_find(const struct chain *chain, struct log_position *at_out, int64_t *time_ms_out)
{
    ASSERT(chain->searches);
    *at_out = chain->at;
    *time_ms_out = chain->seen_ms;
    return obsolete_keys_count(&chain->obsolete) > 0;
}

int32_t chain_partition(const struct chain *chain)
{
    return chain->partition;
}

int64_t chain_base(const struct chain *chain)
{
    return chain->pointer.base;
}

int64_t chain_end(const struct chain *chain)
{
    return chain->pointer.end;
}

bool chain_is_complete(const struct chain *chain)
{
    return chain->complete;
}

struct log_position chain_position(const struct chain *chain)
{
    return chain->at;
}

uint64_t chain_bytes(const struct chain *chain)
{
    return chain->bytes;
}

void chain_take_obsolete(struct chain *chain, struct obsolete_keys *out)
{
    obsolete_keys_move(out, &chain->obsolete);
}

bool chain_rewind(struct chain *chain)
{
    if (chain->number > 0)
        return false;
    chain->begun = chain->is_open = false;
    buffer_clear(&chain->payload);
    return true;
}

static int missing(const struct chain *chain, int64_t offset, struct buffer *why)
{
    buffer_printf(why,
                  "records of it are gone: after number %" PRIu64 " of %" PRIu64
                  " comes offset %" PRId64 ", not the next piece",
                  chain->number, chain->pointer.number, offset);
    return ERR_PROTOCOL;
}

/* Where the first record has to be the one that the pointer names. */
static int check_first(struct chain *chain, const struct record *record, int64_t offset,
                       struct buffer *why)
{
    if (record->previous != 0 || record->piece != 0 || record->number > chain->pointer.number) {
        buffer_printf(why, "the record at offset %" PRId64 " does not begin it", offset);
        return ERR_PROTOCOL;
    }
    chain->begun = true;
    chain->first_number = record->number;
    return 0;
}

/* 1: it comes next; 0: it is of an earlier chain, or here for the second time. */
static int check_link(const struct chain *chain, const struct record *record, int64_t offset,
                      struct buffer *why)
{
    if (record->number < chain->first_number || record->number <= chain->number)
        return 0;
    if (!chain->is_open) {
        bool next = record->previous == chain->number && record->piece == 0;
        return next ? 1 : missing(chain, offset, why);
    }
    const struct record *open = &chain->open;
    if (record->number == open->number && record->piece <= open->piece)
        return 0;
    bool next = record->number == open->number && record->piece == open->piece + 1 &&
                record->pieces == open->pieces && record->payload_bytes == open->payload_bytes &&
                record->at.offset == open->at.offset && record->at.skip == open->at.skip;
    return next ? 1 : missing(chain, offset, why);
}

static bool is_earlier(struct log_position a, struct log_position b)
{
    return a.offset < b.offset || (a.offset == b.offset && a.skip < b.skip);
}

static int finish_checkpoint(struct chain *chain, const struct record *record, struct buffer *why)
{
    chain->is_open = false;
    if (chain->payload.size != record->payload_bytes || is_earlier(record->at, chain->at)) {
        buffer_printf(why, "its checkpoint %" PRIu64 " contradicts itself", record->number);
        return ERR_PROTOCOL;
    }
    chain->number = record->number;
    chain->at = record->at;
    chain->bytes += chain->payload.size;
    int err = chain->handler.payload(chain->handler.context, chain->partition, chain->payload.data,
                                     chain->payload.size, why);
    buffer_clear(&chain->payload);
    return err < 0 ? err : 0;
}

static int add_piece(struct chain *chain, const struct record *record, struct buffer *why)
{
    for (uint32_t i = 0; i < record->obsolete_count; i++) {
        struct key_range range = record_obsolete_range(record, i);
        if (range.end - range.first <= SEQUENCES_MAX)
            obsolete_keys_add(&chain->obsolete, range);
    }
    buffer_add(&chain->payload, record->bytes, record->size);
    if (buffer_failed(&chain->payload))
        return -ENOMEM;
    chain->open = *record;
    chain->is_open = true;
    if (record->piece + 1 < record->pieces)
        return 0;
    return finish_checkpoint(chain, record, why);
}

/* The last record was taken: is this what the group has committed? */
static int check_end(struct chain *chain, struct buffer *why)
{
    if (chain->is_open || chain->number != chain->pointer.number) {
        buffer_printf(why, "it ends with number %" PRIu64 ", where %" PRIu64 " was committed",
                      chain->number, chain->pointer.number);
        return ERR_PROTOCOL;
    }
    if (chain->at.offset != chain->committed) {
        buffer_printf(why,
                      "it stands at offset %" PRId64 " of the input, and the group at %" PRId64,
                      chain->at.offset, chain->committed);
        return ERR_PROTOCOL;
    }
    chain->complete = true;
    return 0;
}

static int add_own(struct chain *chain, const struct chain_message *message, uint64_t sequence,
                   struct buffer *why)
{
    struct record record;
    struct buffer fault;
    buffer_init(&fault, 256);
    int err = record_decode(&record, message->value, message->value_size, &fault);
    if (err == 0 && (record.epoch != chain->pointer.epoch || record.sequence != sequence)) {
        buffer_add_str(&fault, "is not that of its key");
        err = ERR_PROTOCOL;
    }
    if (err < 0) {
        buffer_printf(why, "the record at offset %" PRId64 " ", message->offset);
        buffer_add(why, fault.data, fault.size);
    }
    buffer_fini(&fault);
    if (err == 0 && !chain->begun)
        err = check_first(chain, &record, message->offset, why);
    if (err == 0)
        err = check_link(chain, &record, message->offset, why);
    return err > 0 ? add_piece(chain, &record, why) : err;
}

/* A record at or before the last offset of the chain. */
static int add_inside(struct chain *chain, const struct chain_message *message, bool own,
                      uint64_t sequence, struct buffer *why)
{
    if (!chain->begun && (!own || message->offset != chain->pointer.base)) {
        buffer_printf(why, "the record at offset %" PRId64 " is %s", chain->pointer.base,
                      message->offset == chain->pointer.base ? "not of its epoch" : "gone");
        return ERR_PROTOCOL;
    }
    int err = own ? add_own(chain, message, sequence, why) : 0;
    if (err == 0 && message->offset == chain->pointer.end)
        err = check_end(chain, why);
    return err;
}

/* A search takes no state out of it: one that cannot be read has been there as well. */
static void note_record(struct chain *chain, const struct chain_message *message)
{
    struct record record;
    struct buffer fault;
    buffer_init(&fault, 256);
    bool good = record_decode(&record, message->value, message->value_size, &fault) == 0;
    buffer_fini(&fault);
    chain->at = good ? record.at : (struct log_position){0};
    chain->seen_ms = message->time_ms;
}

int chain_add(struct chain *chain, const struct chain_message *message, struct buffer *why)
{
    uint64_t epoch = 0;
    uint64_t sequence = 0;
    bool ours = message->key != NULL && record_key_parse(&epoch, &sequence, chain->prefix,
                                                         message->key, message->key_size) == 0;
    struct key_range range = {epoch, sequence, sequence + 1};
    bool own = ours && message->value != NULL && epoch == chain->pointer.epoch;
    if (ours && message->value != NULL)
        obsolete_keys_add(&chain->obsolete, range);
    else if (ours)
        obsolete_keys_remove(&chain->obsolete, range);
    if (chain->searches && ours && message->value != NULL)
        note_record(chain, message);
    if (chain->complete)
        return 0;
    if (message->offset <= chain->pointer.end)
        return add_inside(chain, message, own, sequence, why);
    buffer_printf(why, "the record at offset %" PRId64 " is gone", chain->pointer.end);
    return ERR_PROTOCOL;
}

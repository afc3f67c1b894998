/*
 * chain.h - puts a chain of checkpoints together again, from the records of its partition in order.
 *
 *     records at base .. end -> payloads, oldest first -> records behind end (obsolete keys only)
 *
 * Every record of the chain has to be there and whole. Records of other epochs are passed over: a
 * process that no longer owned the partition may have written them. Their keys are kept. When
 * another chain is in force, all keys that were seen get tombstones.
 *
 * If there is no pointer, a search looks through all of the partition's log for records without a
 * tombstone. Such a record shows that a state was saved, and that the group had an offset.
 */
#ifndef GHGD_CHAIN_H
#define GHGD_CHAIN_H

#include "pipelines/checkpoint/obsolete_keys.h"

struct chain;

/* A message of the checkpoint topic; value is NULL in a tombstone. */
struct chain_message {
    int64_t offset;
    const void *key, *value;
    size_t key_size, value_size;
    int64_t time_ms; /* Kafka timestamp */
};

/* Gets each payload; 0, or a negative result that ends the chain. */
struct chain_handler {
    int (*payload)(void *context, int32_t partition, const void *bytes, size_t size,
                   struct buffer *why);
    void *context;
};

/* The chain to look for. `prefix`: of the partition's keys; `committed`: the offset that the
 * pointer, `metadata`, was committed with. metadata NULL: a search, without a handler. */
struct chain_conf {
    const char *prefix, *metadata;
    int32_t partition;
    int64_t committed;
    struct chain_handler handler;
};

/* Returns 0, -ENOMEM, or ERR_PROTOCOL if the metadata is no pointer (`why`). */
int chain_create(struct chain **chain_out, const struct chain_conf *conf,
                 struct buffer *why) MUST_CHECK;
void chain_destroy(struct chain **chain);

bool chain_is_search(const struct chain *chain);
int32_t chain_partition(const struct chain *chain);
/* Offsets of its first and last record; of a search: 0 and -1. */
int64_t chain_base(const struct chain *chain);
int64_t chain_end(const struct chain *chain);

/* Takes the next message, from the one at or behind chain_base() on; the handler gets a payload
 * with the last piece of each checkpoint. Returns 0; ERR_PROTOCOL, -ENOMEM, or what the handler
 * returned: `why` tells then, and nothing more may be given. */
int chain_add(struct chain *chain, const struct chain_message *message,
              struct buffer *why) MUST_CHECK;
/* Begins again at chain_base(); false if a payload was given already. */
bool chain_rewind(struct chain *chain);

/* Whether all of the chain was there; it then stands at chain_position(). */
bool chain_is_complete(const struct chain *chain);
struct log_position chain_position(const struct chain *chain);
uint64_t chain_bytes(const struct chain *chain); /* of payloads given */
/* A search that has come to the log's end: whether there are records of the partition, and where
 * the newest of them stands; at offset 0 if that cannot be told. */
bool chain_find(const struct chain *chain, struct log_position *at_out, int64_t *time_ms_out);
/* Moves the keys seen, its own too, to `out`. */
void chain_take_obsolete(struct chain *chain, struct obsolete_keys *out);

#endif

/*
 * checkpoint_record.h - what stands in the checkpoint topic: keys, records, and pointers to them.
 *
 *     key      GROUP/TOPIC/PARTITION/EPOCH/SEQUENCE, epoch in 16 hexadecimal digits
 *     record   a header; in the first record of a chain, a list of obsolete keys; a piece of the
 *              payload
 *     pointer  ghgd2 epoch=HEX number=N base=OFFSET end=OFFSET
 *
 * The pointer is the metadata of a committed offset. Numbers in records are little-endian. A
 * checksum covers all of a record. Records come from outside: nothing of them is trusted before it
 * was checked.
 */
#ifndef GHGD_CHECKPOINT_RECORD_H
#define GHGD_CHECKPOINT_RECORD_H

#include "base/buffer.h"

/* A place between two events of a partition's log: the messages before `offset` are done, and the
 * first `skip` events of the message there. */
struct log_position {
    int64_t offset;
    uint32_t skip;
};

enum {
    RECORD_HEADER_BYTES = 88,
    RECORD_FORMAT = 1,          /* newer ones are refused */
    RECORD_OBSOLETE_MAX = 256,  /* 6 KiB beside a piece: the record still fits a message */
    RECORD_KEY_BYTES_MAX = 640, /* group 255, topic 249, three numbers */
    POINTER_TEXT_SIZE = 128
};

/* Records of one epoch: sequence numbers first .. end - 1. */
struct key_range {
    uint64_t epoch, first, end;
};

struct record {
    uint64_t epoch;
    uint64_t sequence;      /* counts the records of the epoch, from 0 */
    uint64_t number;        /* counts the checkpoints of the epoch, from 1 */
    uint64_t previous;      /* the checkpoint that this one adds to; 0: it begins a chain */
    struct log_position at; /* where the payload stands */
    uint64_t payload_bytes; /* of all pieces together */
    uint32_t piece, pieces; /* piece counts from 0 */
    uint32_t obsolete_count;
    const uint8_t *obsolete; /* encoded; see record_obsolete_range() */
    const uint8_t *bytes;    /* the piece */
    size_t size;
};

/* Bytes of the record that record_encode() would write. */
size_t record_size(const struct record *record);
/* Writes the record, with these obsolete keys (record->obsolete_count many), to `out`. */
void record_encode(const struct record *record, const struct key_range *obsolete, uint8_t *out);
/* Reads a record; its pointers lead into `bytes`. Returns 0; or ERR_PROTOCOL and `why`,
 * to follow "the record at offset 7" in a sentence. */
int record_decode(struct record *record_out, const void *bytes, size_t size,
                  struct buffer *why) MUST_CHECK;
/* One of the obsolete keys of a decoded record. */
struct key_range record_obsolete_range(const struct record *record, uint32_t index);

/* All keys of a partition begin with GROUP/TOPIC/PARTITION/. */
void record_key_prefix(struct buffer *out, const char *group, const char *topic, int32_t partition);
/* Writes a key and returns its size. `prefix` is at most RECORD_KEY_BYTES_MAX - 40 long. */
size_t record_key_print(char out[RECORD_KEY_BYTES_MAX], const char *prefix, uint64_t epoch,
                        uint64_t sequence);
/* Returns 0, or ERR_SYNTAX for the key of another partition, or one that ghgd did not write. */
int record_key_parse(uint64_t *epoch_out, uint64_t *sequence_out, const char *prefix,
                     const void *key, size_t key_size) MUST_CHECK;

struct pointer {
    uint64_t epoch, number; /* of the newest checkpoint in the chain */
    int64_t base, end;      /* offsets of the chain's first and last record */
};

void pointer_print(char out[POINTER_TEXT_SIZE], const struct pointer *pointer);
/* Returns 0; or ERR_PROTOCOL and `why`, to follow the text in a sentence. */
int pointer_parse(struct pointer *pointer_out, const char *text, struct buffer *why) MUST_CHECK;

#endif

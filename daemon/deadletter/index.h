/*
 * index.h - what lies in the dead-letter and late topics, each event once.
 *
 * A record stands for one refused event, however often its letter was written: a restart from an
 * earlier offset refuses an event again. It knows whether the event was sent in once more since
 * (deadletter_headers.h), and whether the tables now in force would let it in. Bodies are not kept;
 * a record says where its letter lies. Memory is bounded by the number of records. One thread owns
 * the index.
 */
#ifndef GHGD_INDEX_H
#define GHGD_INDEX_H

#include "config/config.h"
#include "pipelines/ingest/outcome.h"
#include "pipelines/kafka/deadletter_headers.h"

enum letter_state {
    LETTER_READY,   /* the tables in force would let it in */
    LETTER_REFUSED, /* they would refuse it again */
    LETTER_LATE,    /* older than the horizon when it came: it would be late again */
    LETTER_RETRIED, /* it was sent in once more */
    LETTER_STATE_COUNT
};

/* Which letters are kept. The others are only counted. */
struct letters_filter {
    bool dead, late;                  /* the kinds to keep */
    const char *reason, *meter;       /* NULL: any */
    int64_t partition, offset, index; /* of the event; -1: any */
    int64_t from_ms, to_ms;           /* Kafka timestamp of the event, to_ms excluded */
};
#define LETTERS_FILTER_ALL                                                                         \
    ((struct letters_filter){true, true, NULL, NULL, -1, -1, -1, INT64_MIN, INT64_MAX})

/* A message of the topic numbered `box`, after its headers. */
struct letter_message {
    int box;
    int32_t partition;
    int64_t offset;
    const void *key, *body;
    size_t key_size, body_size;
    int64_t timestamp_ms; /* INT64_MIN if none */
    bool native;          /* the event is native JSON (native_header.h) */
};

struct letter_record {
    const char *topic, *reason; /* live as long as the letters */
    int64_t offset;             /* topic, partition, offset and index name the event */
    int64_t box_offset;         /* where its newest letter lies */
    int64_t timestamp_ms;       /* INT64_MIN if none */
    int64_t size;               /* bytes, of the whole if the letter is cut */
    int64_t retried_at;         /* offset; -1 if it was not */
    int32_t partition, box_partition;
    uint32_t index, copies;
    uint32_t meter_at, key_at; /* for letter_index_text() */
    uint8_t box, now;          /* enum outcome: what the tables in force would say */
    bool late, cut, whole;
};

struct letters_stats {
    uint64_t letters, marks; /* messages read */
    uint64_t foreign;        /* that are not ours */
    uint64_t left_out;       /* letters that the filter does not want */
};

struct letter_index;

/* The configuration and the filter are borrowed. Returns 0 or -ENOMEM. */
int letter_index_create(struct letter_index **letter_index_out, const struct config *config,
                        const struct letters_filter *filter, size_t count_max) MUST_CHECK;
void letter_index_destroy(struct letter_index **letters);

/* Takes one message; headers NULL: ghgd did not write it. Messages come in the order of the
 * partition, so that a mark comes after its letter. Returns 0; ERR_FULL when there are count_max
 * records and this would be one more; or -ENOMEM. */
int letter_index_add(struct letter_index *letters, const struct deadletter_headers *letter_headers,
                     const struct letter_message *message) MUST_CHECK;

size_t letters_count(const struct letter_index *letters);
/* In the order in which their first letters came, until letter_index_sort(): by event. */
const struct letter_record *letter_index_get(const struct letter_index *letters, size_t i);
void letter_index_sort(struct letter_index *letters);
/* The record of an event, or NULL. */
const struct letter_record *letter_index_find(const struct letter_index *letters,
                                              const struct deadletter_headers *letter_headers);
/* Text of meter_at or key_at; "" if it is absent. */
const char *letter_index_text(const struct letter_index *letters, uint32_t at);
const struct letters_stats *letter_index_get_stats(const struct letter_index *letters);

enum letter_state letter_state(const struct letter_record *record);
const char *letter_state_name(enum letter_state state);

#endif

/*
 * checkpoint.h - the state of partitions, kept in a compacted Kafka topic.
 *
 * A payload is the state of a partition, or its changes, at one position of the log. Its bytes mean
 * nothing here. A full payload begins a chain, later ones say what changed since the
 * one before, and all of a chain are needed to restore. A checkpoint is one payload, cut into
 * records with keys of their own, written by one epoch: a random number per assignment. It is in
 * force when the group has committed the pointer that written() gives, with its position's offset.
 * The brokers refuse that commit from a member that no longer owns the partition.
 *
 *              checkpoint_open()            checkpoint_write()               commit, then
 *     unknown ------------------> idle ------------------------> writing     checkpoint_committed()
 *        |                         ^ ^                              |
 *        | checkpoint_restore()    | +------------------------------+
 *        | checkpoint_search()     |   written() or write_failed()
 *        +---------> restoring ----+
 *                       |
 *                       +--> unknown, after restored() or searched() with an error
 *
 * checkpoint_forget() leads back to unknown from everywhere. Asynchronous: nothing here waits for a
 * broker, and callbacks come from turns of the loop, never from within a call. A request
 * before the topic was checked waits for that. The loop thread owns it.
 */
#ifndef GHGD_CHECKPOINT_H
#define GHGD_CHECKPOINT_H

#include <uv.h>

#include "config/config.h"
#include "pipelines/checkpoint/checkpoint_record.h"

struct checkpoint;

struct checkpoint_stats {
    uint64_t writes, written_bytes, records; /* checkpoints whose records are all acknowledged */
    uint64_t full_writes;                    /* of these, how many began a chain */
    uint64_t write_failures;
    int64_t last_write_ms; /* from checkpoint_write() to written(); -1: none yet */
    uint64_t restores, restored_bytes;
    uint64_t restore_errors;
    int64_t last_restore_ms; /* from the first record asked for to restored(); -1: none yet */
    uint64_t tombstones;     /* acknowledged */
    uint64_t obsolete;       /* records known to be in force no more, without a tombstone yet */
    uint64_t waiting_bytes;  /* payloads that are not acknowledged yet */
    uint64_t loop_us;        /* processor time of the loop thread for writing */
    bool ready;              /* the topic was checked */
};

/* The records that the topic has of a partition. */
struct checkpoint_find {
    int64_t offset;   /* where the newest of it stands; -1: there is nothing */
    int64_t saved_ms; /* when that was written, by Kafka's timestamp */
};

struct checkpoint_callbacks {
    /* All records are acknowledged: commit at->offset with this metadata. */
    void (*written)(void *context, int32_t partition, const struct log_position *at,
                    const char *pointer);
    /* They could not be written; why was logged. The next one has to be full. */
    void (*write_failed)(void *context, int32_t partition);
    /* Restoring: the payloads of the chain, oldest first. A negative result ends it: restored()
     * gets that and what was said in `why`. */
    int (*payload)(void *context, int32_t partition, const void *bytes, size_t size,
                   struct buffer *why);
    /* The chain is complete, `at` is where it stands, and the partition is idle. Or an error, and
     * `why` in words:
     *   ERR_PROTOCOL  the chain that the pointer names is damaged, deleted, or too new
     *   -ETIMEDOUT    nothing came for 30 s; nothing is known to be wrong, so try again
     *   -ENOMEM, or what payload() returned
     * Payloads may have been given before it; they are worth nothing then. */
    void (*restored)(void *context, int32_t partition, int err, const struct log_position *at,
                     const char *why);
    /* The search is over: err 0, and the partition is idle; or an error as above. */
    void (*searched)(void *context, int32_t partition, int err, const struct checkpoint_find *found,
                     const char *why);
    /* The topic cannot serve, or was taken away: nothing will be written or restored any more. */
    void (*failed)(void *context, const char *why);
    void (*closed)(void *context);
    void *context;
};

/* Begins to check the topic, and makes it if it is missing and that is wanted. `config` outlives
 * it. Returns 0, -ENOMEM, ERR_CONFIG (`why` says more) or a code of libuv. */
int checkpoint_create(struct checkpoint **checkpoint_out, uv_loop_t *loop,
                      const struct config *config, const struct checkpoint_callbacks *callbacks,
                      struct buffer *why) MUST_CHECK;

/* The partition is unknown and begins without a chain, in a new epoch. Returns 0 or -ENOMEM. */
int checkpoint_open(struct checkpoint *checkpoint, int32_t partition) MUST_CHECK;
/* The partition is unknown and its committed offset has this metadata, which is not empty: follows
 * it; payload() and restored() tell. Then it is as after checkpoint_open(). Returns 0 or -ENOMEM.
 */
int checkpoint_restore(struct checkpoint *checkpoint, int32_t partition, int64_t committed,
                       const char *metadata) MUST_CHECK;
/* The partition is unknown and the group has no offset of it: looks whether the topic has a state
 * of it all the same; searched() tells. Then it is as after checkpoint_open(), and what was found
 * goes when the group has committed a new one. Returns 0 or -ENOMEM. */
int checkpoint_search(struct checkpoint *checkpoint, int32_t partition) MUST_CHECK;

/* Idle or writing: whether the next payload has to be full. */
bool checkpoint_wants_full(const struct checkpoint *checkpoint, int32_t partition);
bool checkpoint_is_writing(const struct checkpoint *checkpoint, int32_t partition);
/* Whether so little waits to be acknowledged, of all partitions, that another payload should be
 * made. Asking for one all the same is no error: it waits in memory. */
bool checkpoint_has_room(const struct checkpoint *checkpoint);
/* The partition is idle. Takes the bytes and leaves the buffer empty; written() or write_failed()
 * follows. Returns 0; or ERR_RANGE if they are more than CHECKPOINT_BYTES_MAX, or -ENOMEM: the
 * buffer is as it was then. `full` whenever checkpoint_wants_full(). */
int checkpoint_write(struct checkpoint *checkpoint, int32_t partition,
                     const struct log_position *at, bool full, struct buffer *payload) MUST_CHECK;
/* Making a payload has taken so much processor time: for the statistics. */
void checkpoint_add_time(struct checkpoint *checkpoint, int64_t took_us);
/* The group has accepted a commit of this offset, with the pointer of the newest or an earlier
 * checkpoint. Records that only older chains need get tombstones; those of this assignment get them
 * after a second commit. Nothing happens if the partition is unknown. */
void checkpoint_committed(struct checkpoint *checkpoint, int32_t partition, int64_t offset);
/* Revoked or lost: no more callbacks for this assignment. Nothing happens if it is unknown. */
void checkpoint_forget(struct checkpoint *checkpoint, int32_t partition);

const struct checkpoint_stats *checkpoint_get_stats(const struct checkpoint *checkpoint);
/* Walks over the writes under way, and asserts that the counts of waiting bytes and records agree
 * with them. */
void checkpoint_check(const struct checkpoint *checkpoint);

/* Waits for records under way, at most timeout_ms, then frees everything and calls closed().
 * Records that are given up are logged. write_failed() and restored() no longer come; written()
 * may. */
void checkpoint_close(struct checkpoint *checkpoint, int64_t timeout_ms);

#endif

/*
 * checkpoint_partition.h - one partition's side of the checkpoint store: its epoch, its chain, what
 * is being written and what may go. See checkpoint.h for the states.
 */
#ifndef GHGD_CHECKPOINT_PARTITION_H
#define GHGD_CHECKPOINT_PARTITION_H

#include "pipelines/checkpoint/chain.h"
#include "pipelines/kafka/record_writer.h"

enum checkpoint_partition_state {
    CHECKPOINT_PARTITION_UNKNOWN,
    CHECKPOINT_PARTITION_IDLE,
    CHECKPOINT_PARTITION_WRITING,
    CHECKPOINT_PARTITION_RESTORING
};

enum {
    CHECKPOINT_PARTITION_PIECES_MAX = 8,     /* of one write, sent and not acknowledged: 6 MiB */
    CHECKPOINT_PARTITION_TOMBSTONES_MAX = 64 /* at a time */
};

/* A checkpoint on its way. */
struct partition_write {
    struct buffer payload;
    struct log_position at;
    bool full;
    uint64_t number, first_sequence;
    uint32_t pieces, sent, acked;
    int64_t first_offset, last_offset; /* in the checkpoint topic; -1: not yet known */
    uint64_t began_ms;
};

struct checkpoint_partition {
    int32_t partition;
    enum checkpoint_partition_state state;
    char *prefix; /* of its keys */
    uint64_t epoch, next_sequence, next_number;

    uint64_t number; /* of the chain's newest checkpoint; 0: there is no chain to add to */
    uint64_t base_bytes, added_bytes;
    int64_t base_offset;
    uint64_t kept_from;     /* sequence with which the newest chain begins */
    int64_t written_offset; /* where the newest checkpoint stands; -1: none */
    int64_t confirm_from;   /* a commit of this offset or a later one points into that chain */
    uint32_t commits;       /* such commits that were accepted */

    struct partition_write write;
    struct obsolete_keys inherited;  /* keys of earlier assignments: may go after one commit */
    struct obsolete_keys superseded; /* this epoch's keys: after a second one */
    struct obsolete_keys removable;  /* keys that may go */
    struct key_range batch;          /* tombstones under way */
    uint32_t batch_waiting;
    bool batch_failed;
    bool tombstones_due; /* there was a commit: send tombstones */

    bool searches;         /* RESTORING: there is no pointer to follow */
    struct chain *chain;   /* waits until the topic is ready */
    struct buffer refusal; /* why there is no chain to wait for */
};

/* Returns 0 or -ENOMEM. */
int checkpoint_partition_create(struct checkpoint_partition **checkpoint_partition_out,
                                const char *group, const char *topic, int32_t partition) MUST_CHECK;
void checkpoint_partition_destroy(struct checkpoint_partition **stored);

/* To idle, in a new epoch, without a chain; `standing` is the committed offset, -1 for none. */
void checkpoint_partition_begin(struct checkpoint_partition *stored, int64_t standing);
/* To unknown; records under way no longer belong to it. */
void checkpoint_partition_end(struct checkpoint_partition *stored);
/* Before that: nothing can point at the pieces of a write that is under way, so they may go. */
void checkpoint_partition_abandon_write(struct checkpoint_partition *stored,
                                        struct record_writer *writer);

bool checkpoint_partition_wants_full(const struct checkpoint_partition *stored);
void checkpoint_partition_write_begin(struct checkpoint_partition *stored,
                                      const struct log_position *at, bool full,
                                      struct buffer *payload, uint64_t now_ms);
/* Sends pieces, up to `room`. Returns 0; or -ENOMEM, and some may have been sent. */
int checkpoint_partition_send_pieces(struct checkpoint_partition *stored,
                                     struct record_writer *writer, uint32_t room);
/* A piece of the write under way was acknowledged. Returns 1 if it was the last, 0 if not, or
 * ERR_PROTOCOL if its offset cannot be. */
int checkpoint_partition_on_piece(struct checkpoint_partition *stored,
                                  const struct shipment *shipment);
/* Asserts what holds of a write. Returns how many of its pieces are under way. */
uint32_t checkpoint_partition_check(const struct checkpoint_partition *stored);
/* All pieces are acknowledged, or it failed: to idle. */
void checkpoint_partition_write_done(struct checkpoint_partition *stored,
                                     char pointer[POINTER_TEXT_SIZE]);
void checkpoint_partition_write_failed(struct checkpoint_partition *stored);

/* The group has accepted a commit of this offset. A chain of this epoch goes at the second commit
 * into a newer chain. An earlier commit that was never answered may overtake the first, and the
 * second puts that right. Older owners' commits are refused by then. */
void checkpoint_partition_confirm(struct checkpoint_partition *stored, int64_t offset);
void checkpoint_partition_send_tombstones(struct checkpoint_partition *stored,
                                          struct record_writer *writer);
void checkpoint_partition_on_tombstone(struct checkpoint_partition *stored,
                                       const struct shipment *shipment);

#endif

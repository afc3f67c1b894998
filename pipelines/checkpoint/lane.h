/*
 * lane.h - one partition's side of the checkpoint store: its epoch, its chain, what is being
 * written and what may go. See checkpoint.h for the states.
 */
#ifndef GHGD_LANE_H
#define GHGD_LANE_H

#include "pipelines/checkpoint/chain.h"
#include "pipelines/kafka/record_writer.h"

enum lane_state { LANE_UNKNOWN, LANE_IDLE, LANE_WRITING, LANE_RESTORING };

enum {
    LANE_PIECES_MAX = 8,     /* of one write, sent and not acknowledged: 6 MiB */
    LANE_TOMBSTONES_MAX = 64 /* at a time */
};

/* A checkpoint on its way. */
struct lane_write {
    struct buffer payload;
    struct log_position at;
    bool full;
    uint64_t number, first_sequence;
    uint32_t pieces, sent, acked;
    int64_t first_offset, last_offset; /* in the checkpoint topic; -1: not yet known */
    uint64_t began_ms;
};

struct lane {
    int32_t partition;
    enum lane_state state;
    char *prefix; /* of its keys */
    uint64_t epoch, next_sequence, next_number;

    uint64_t number; /* of the chain's newest checkpoint; 0: there is no chain to add to */
    uint64_t base_bytes, added_bytes;
    int64_t base_offset;
    uint64_t kept_from;     /* sequence with which the newest chain begins */
    int64_t written_offset; /* where the newest checkpoint stands; -1: none */
    int64_t confirm_from;   /* a commit of this offset or a later one points into that chain */
    uint32_t commits;       /* such commits that were accepted */

    struct lane_write write;
    struct leftovers inherited;  /* keys of earlier assignments: may go after one commit */
    struct leftovers superseded; /* keys of ours: after a second one */
    struct leftovers doomed;     /* keys that may go */
    struct key_range batch;      /* tombstones under way */
    uint32_t batch_waiting;
    bool batch_failed;
    bool bury; /* there was a commit: send tombstones */

    bool searches;         /* RESTORING: there is no pointer to follow */
    struct chain *chain;   /* waits until the topic is ready */
    struct buffer refusal; /* why there is no chain to wait for */
};

/* Returns 0 or -ENOMEM. */
int lane_create(struct lane **lane_out, const char *group, const char *topic,
                int32_t partition) MUST_CHECK;
void lane_destroy(struct lane **lane);

/* To idle, in a new epoch, without a chain; `standing` is the committed offset, -1 for none. */
void lane_begin(struct lane *lane, int64_t standing);
/* To unknown; what is under way is none of ours any more. */
void lane_end(struct lane *lane);
/* Before that: nothing can point at the pieces of a write that is under way, so they may go. */
void lane_abandon_write(struct lane *lane, struct record_writer *writer);

bool lane_wants_full(const struct lane *lane);
void lane_write_begin(struct lane *lane, const struct log_position *at, bool full,
                      struct buffer *payload, uint64_t now_ms);
/* Sends pieces, up to `room`. Returns how many, or -ENOMEM. */
int lane_send_pieces(struct lane *lane, struct record_writer *writer, uint32_t room);
/* A piece of the write under way was acknowledged. Returns 1 if it was the last, 0 if not, or
 * ERR_PROTOCOL if its offset cannot be. */
int lane_on_piece(struct lane *lane, const struct shipment *shipment);
/* All pieces are acknowledged, or it failed: to idle. */
void lane_write_done(struct lane *lane, char pointer[POINTER_TEXT_SIZE]);
void lane_write_failed(struct lane *lane);

/* The group has accepted a commit of this offset. A chain of ours goes at the second commit into a
 * newer one: the first may be overtaken by an earlier commit that was never answered, and is put
 * right by the second. Older owners' commits are refused by then. */
void lane_confirm(struct lane *lane, int64_t offset);
void lane_send_tombstones(struct lane *lane, struct record_writer *writer);
void lane_on_tombstone(struct lane *lane, const struct shipment *shipment);

#endif

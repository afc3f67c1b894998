/*
 * assigned.h - one partition that the group has assigned to us: its shard, its message applier,
 * what an earlier life had parked, where it stands in its log, and what it does now.
 *
 *     RESTORING --> APPLYING <--> WAITING_... --> LEAVING --> (gone)
 *         |
 *         +-------> UNREADABLE: its state cannot be read, and a person has to say how to go on
 *
 * A partition that applies or waits is running: its rows are written and its state is saved. Two
 * facts, which come in either order, say which rows may be written: the group has an offset of it;
 * it has caught up with the log's end. A save is nothing, being written, written and waiting for
 * dead letters below its position, or being committed. The intake owns the partitions; the loop
 * thread only.
 */
#ifndef GHGD_ASSIGNED_H
#define GHGD_ASSIGNED_H

#include "daemon/engine/message_applier.h"
#include "daemon/engine/refused/parked.h"
#include "daemon/engine/refused/refusals.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/delivery/takeover.h"
#include "pipelines/state/shard.h"

enum assigned_state {
    ASSIGNED_RESTORING,       /* its state is looked for and read; messages wait */
    ASSIGNED_APPLYING,        /* takes the messages that the consumer offers */
    ASSIGNED_WAITING_SINKS,   /* a window that leaves the horizon still has to be written */
    ASSIGNED_WAITING_MEMORY,  /* for a facility, or for dead letters */
    ASSIGNED_WAITING_LETTERS, /* the queue of dead letters is full */
    ASSIGNED_WAITING_PROCESS, /* the process takes nothing: it drains, or its membership is in doubt
                               */
    ASSIGNED_LEAVING,         /* is saved a last time; messages wait for the next owner */
    ASSIGNED_UNREADABLE,
};
enum save_state { SAVE_NONE, SAVE_WRITING, SAVE_WRITTEN, SAVE_COMMITTING };

/* For metrics. */
struct assigned_stats {
    uint64_t saves, saved_bytes, save_failures; /* saves: in force with the group */
    int64_t saved_at_ms;                        /* uv_now(); -1: not yet */
    int64_t save_cpu_us;                        /* of the last: taking the state out of the shard */
    int64_t save_ms;                            /* and until it was in force */
    uint64_t restored_bytes;                    /* 0 if it began with empty state */
    int64_t restore_ms; /* from the assignment to the first message that may be taken */
};

struct assigned {
    int32_t number;
    enum assigned_state state;
    struct shard *shard;
    struct message_applier *applier;
    struct parked returned; /* parked in an earlier life, to be offered again before any message */
    struct log_position
        position;            /* the next event to take; offset -1: not known before the first */
    int64_t last_message_ms; /* uv_now() */
    int64_t assigned_ms;     /* uv_now() */
    struct takeover takeovers[SINKS_MAX];
    bool started;   /* the group has an offset of it, so the next owner takes over from us */
    bool caught_up; /* it has reached the end of its log as of its assignment */

    bool changed; /* since the last save that was begun */
    uint8_t owed; /* RESTORING: sinks (a bit each) that lack what the saved state calls written */
    enum save_state saving;
    struct log_position saving_at;
    char *pointer;              /* WRITTEN, COMMITTING: what the commit says */
    uint64_t parked_since;      /* events parked before this sequence number are in the chain */
    int64_t next_save_ms;       /* uv_now(): not before */
    int64_t retry_commit_at_ms; /* uv_now() */
    int64_t save_began_ms;
    uint64_t saving_bytes;
    char *metadata; /* RESTORING: what the committed offset says */
    int64_t committed;
    struct checkpoint_find forgotten; /* what the group had of it, if it has no offset any more */
    char why[512];                    /* UNREADABLE: in words */
    struct assigned_stats stats;
};

struct assigned_conf {
    const struct shard_context *context;
    const struct message_applier_conf *applier; /* without its shard */
    int64_t now_ms;
};

int assigned_create(struct assigned **assigned_out, int32_t number,
                    const struct assigned_conf *conf) MUST_CHECK;
void assigned_destroy(struct assigned **assigned);
/* Forgets its state, to begin with none. Returns 0, or -ENOMEM and the partition is as it was. */
int assigned_reset(struct assigned *assigned, const struct assigned_conf *conf) MUST_CHECK;

/* The one place where a state follows another; asserts that it may. */
void assigned_enter(struct assigned *assigned, enum assigned_state state);
/* It applies messages or waits to do so. */
bool assigned_is_running(const struct assigned *assigned);
/* A waiting one applies again, unless its shard is still blocked. Returns whether it does. */
bool assigned_resume(struct assigned *assigned);
/* Takes what was parked first, then messages, from its position on. Returns how many messages it
 * took; if fewer than count it waits. Only while it applies. */
size_t assigned_take(struct assigned *assigned, struct refusals *refusals,
                     rd_kafka_message_t **messages, size_t count);
/* Offers again what an earlier life had parked. Returns false, and it waits, if some is left. */
bool assigned_offer_returned(struct assigned *assigned, struct refusals *refusals);

/* Rows of it may be written: it runs, and the group has an offset of it. */
bool assigned_may_write(const struct assigned *assigned);
/* Its live windows too: it has reached the end of its log as of then. */
bool assigned_is_live(const struct assigned *assigned);
/* A former owner may still send rows, or some rows are at risk. */
bool assigned_is_taking_over(const struct assigned *assigned, int64_t now_ms);

/* The outcomes of all events of its log, whichever processes read them. */
void assigned_get_account(const struct assigned *assigned, uint64_t *read_out,
                          uint64_t outcomes[OUTCOME_COUNT]);

/* Appends what a checkpoint has to say: all, or what has changed since the last that was saved.
 * assigned_saved() says that the bytes are kept. Returns 0 or -ENOMEM. */
int assigned_save(struct assigned *assigned, const struct parking *parking, bool full,
                  struct buffer *payload) MUST_CHECK;
void assigned_saved(struct assigned *assigned, const struct parking *parking);
/* Takes the payloads of a chain, oldest first, then the end. Returns 0; or negative, and `why` says
 * what is wrong. The partition is good only to be reset then. */
int assigned_load(struct assigned *assigned, const void *payload, size_t size,
                  struct buffer *why) MUST_CHECK;
int assigned_load_end(struct assigned *assigned, const struct log_position *at,
                      struct buffer *why) MUST_CHECK;

#endif

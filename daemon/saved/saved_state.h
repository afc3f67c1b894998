/*
 * saved_state.h - the partitions of a running daemon as they were saved last, for commands.
 *
 * A command reads the checkpoints outside of the consumer group, so the daemon goes on undisturbed.
 * It may save once more meanwhile: a partition that was loaded is a copy of one moment. One thread;
 * calls block.
 */
#ifndef GHGD_SAVED_STATE_H
#define GHGD_SAVED_STATE_H

#include "daemon/engine/assigned.h"

struct saved_state;

/* Connects. `config` and `why` are borrowed, and outlive what is made. Makes no topic. Returns 0;
 * or negative, with words in `why` if there are any, and *state_out is NULL. */
int saved_state_open(struct saved_state **state_out, const struct config *config,
                     struct buffer *why) MUST_CHECK;
void saved_state_close(struct saved_state **state);

/* Partitions of the topic that the shards read. */
int32_t saved_state_partitions(const struct saved_state *state);
/* Loads a partition, which the caller destroys before the state is closed. *part_out is NULL if
 * nothing is saved of it. Returns 0; or negative, with words in the `why` of saved_state_open(). */
int saved_state_load(struct saved_state *state, int32_t partition,
                     struct assigned **part_out) MUST_CHECK;
/* Waits until another checkpoint than the one that was loaded last is in force, as long as two
 * should take. A daemon that has nothing to save makes no checkpoint. Returns 0 or negative. */
int saved_state_wait_for_next(struct saved_state *state, int32_t partition) MUST_CHECK;

#endif

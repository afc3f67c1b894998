/*
 * data_loss.h - messages that were to come next and are gone from the topic.
 *
 * By retention, messages [from, to) are gone. Or the topic was made again: then its log begins at
 * to <= from. Or the group has forgotten the offset that it had: its offsets expired while it had
 * no members, or an operator deleted them.
 */
#ifndef GHGD_DATA_LOSS_H
#define GHGD_DATA_LOSS_H

#include "base/buffer.h"

struct data_loss {
    int64_t from, to; /* to: the oldest that is left; the end of the log if nothing is */
    /* Kafka timestamps of the last message that was taken in this assignment, and of that at `to`;
     * INT64_MIN if it is not known. */
    int64_t taken_ms, to_ms;
    /* The group has no offset any more: `from` is where the state stood that was saved last. */
    bool forgotten;
    int64_t saved_ms; /* Kafka timestamp */
};

/* How many are known to be gone; 0 for a topic that was made again. */
uint64_t data_loss_count(const struct data_loss *loss);
/* Which offsets and times are gone, as a sentence without its full stop. */
void data_loss_print(const struct data_loss *loss, struct buffer *out);
/* The same as an error in the log, and how to go on. halts: by policy the partition stops here. */
void data_loss_log(const char *event, int32_t partition, const struct data_loss *loss, bool halts);

#endif

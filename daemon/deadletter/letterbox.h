/*
 * letterbox.h - the topics that hold dead letters and late events, opened by a command.
 *
 * Calls block; what goes wrong is said on standard error, in the name of the command. On a terminal
 * reading shows how far it is. One thread owns it.
 */
#ifndef GHGD_LETTERBOX_H
#define GHGD_LETTERBOX_H

#include <librdkafka/rdkafka.h>

#include "daemon/deadletter/letters.h"

enum { LETTERBOX_TOPICS_MAX = 2 };

struct letterbox;

/* Opens the topics that hold what the filter wants. The configuration is borrowed. Returns 0,
 * ERR_CONFIG or -ENOMEM. */
int letterbox_open(struct letterbox **letterbox_out, const struct config *config,
                   const struct letters_filter *filter, const char *command) MUST_CHECK;
void letterbox_close(struct letterbox **letterbox);
/* Names of the topics, by the number `box` of a letter. */
const char *const *letterbox_topics(const struct letterbox *letterbox);

/* Reads all topics into `letters`. Returns 0; ERR_FULL if there are more than they hold; or
 * negative. */
int letterbox_read(struct letterbox *letterbox, struct letters *letters) MUST_CHECK;

/* Reads again, and calls `fn` with the newest letter of every record that is chosen (chosen[i] for
 * record i), in the order of their topics. Stops at the first negative result of `fn`, about which
 * it says nothing, and returns it; else 0, or negative. */
typedef int (*letterbox_fn)(void *context, size_t record,
                            const struct deadletter_headers *letter_headers,
                            const rd_kafka_message_t *message);
int letterbox_each(struct letterbox *letterbox, const struct letters *letters, const bool *chosen,
                   letterbox_fn fn, void *context) MUST_CHECK;

/* The one message of a topic at a place, such as the original of a letter that was cut: borrowed
 * until the next call. Returns 1; 0 if it is not there any more; or negative. */
int letterbox_fetch(struct letterbox *letterbox, const char *topic, int32_t partition,
                    int64_t offset, const rd_kafka_message_t **message_out) MUST_CHECK;

#endif

/*
 * reader.h - the topics that hold dead letters and late events, opened by a command.
 *
 * Calls block; what goes wrong is said on standard error, in the name of the command. On a terminal
 * reading shows how far it is. One thread owns it.
 */
#ifndef GHGD_READER_H
#define GHGD_READER_H

#include <librdkafka/rdkafka.h>

#include "daemon/deadletter/index.h"
#include "pipelines/ingest/decoder.h"

enum { LETTER_TOPICS_MAX = 2 };

struct letter_reader;

/* Opens the topics that hold what the filter wants. The configuration is borrowed. Returns 0,
 * ERR_CONFIG or -ENOMEM. */
int letter_reader_open(struct letter_reader **letter_reader_out, const struct config *config,
                       const struct letters_filter *filter, const char *command) MUST_CHECK;
void letter_reader_close(struct letter_reader **letter_reader);
/* Names of the topics, by the number `box` of a letter. */
const char *const *letter_reader_topics(const struct letter_reader *letter_reader);

/* Reads all topics into `letters`. Returns 0; ERR_FULL if there are more than they hold; or
 * negative. */
int letter_reader_read(struct letter_reader *letter_reader,
                       struct letter_index *letters) MUST_CHECK;

/* Reads again, and calls `fn` with the newest letter of every record that is chosen (chosen[i] for
 * record i), in the order of their topics. Stops at the first negative result of `fn`, about which
 * it says nothing, and returns it; else 0, or negative. */
typedef int (*letter_reader_fn)(void *context, size_t record,
                                const struct deadletter_headers *letter_headers,
                                const rd_kafka_message_t *message);
int letter_reader_each(struct letter_reader *letter_reader, const struct letter_index *letters,
                       const bool *chosen, letter_reader_fn fn, void *context) MUST_CHECK;

/* The one message of a topic at a place, such as the original of a letter that was cut: borrowed
 * until the next call. Returns 1; 0 if it is not there any more; or negative. */
int letter_reader_fetch(struct letter_reader *letter_reader, const char *topic, int32_t partition,
                        int64_t offset, const rd_kafka_message_t **message_out) MUST_CHECK;

/* The event of a letter that was cut, from the message that it came in. */
struct letter_original {
    const rd_kafka_message_t *message;
    const void *bytes; /* the event, or the whole message if the letter stands for all of it */
    size_t size;
};

/* Fetches it; the result is borrowed until the reader reads again. Returns 1; 0 if it is not
 * there any more, or is another by now; or negative, and that was said. */
int letter_original_fetch(struct letter_original *original_out, struct letter_reader *letter_reader,
                          const struct decode_conf *decode,
                          const struct letter_record *record) MUST_CHECK;

/* Finds event `index` of a message: its bytes. False if there are not so many. */
bool letter_original_find(struct letter_original *original_out, struct decoder *decoder,
                          const void *message, size_t size, bool native, uint32_t index);

#endif

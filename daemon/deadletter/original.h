/*
 * original.h - the event of a letter that was cut, from the message that it came in.
 */
#ifndef GHGD_ORIGINAL_H
#define GHGD_ORIGINAL_H

#include "daemon/deadletter/reader.h"
#include "pipelines/ingest/decoder.h"

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
                          const void *message, size_t size, uint32_t index);

#endif

#include "daemon/groups/totals_reader.h"

#include <errno.h>
#include <inttypes.h>

#include "pipelines/kafka/log_reader.h"

enum { FAULTS_SHOWN_MAX = 5, WORDS_BYTES_MAX = 1024 };

struct totals_reading {
    struct group_totals *totals;
    uint64_t *damaged;
    struct buffer *faults, *why;
};

static int take(const struct totals_reading *reading, const rd_kafka_message_t *message)
{
    struct buffer words;
    buffer_init(&words, WORDS_BYTES_MAX);
    int err = group_totals_put(reading->totals, message->key, message->key_len, message->payload,
                               message->len, &words);
    if (err == ERR_PROTOCOL && (*reading->damaged)++ < FAULTS_SHOWN_MAX)
        buffer_printf(reading->faults, "the record at offset %" PRId64 " %s\n", message->offset,
                      buffer_text(&words));
    else if (err < 0 && err != ERR_PROTOCOL)
        buffer_printf(reading->why, "the record at offset %" PRId64 " %s", message->offset,
                      words.size > 0 ? buffer_text(&words) : err_str(err));
    buffer_fini(&words);
    return err == ERR_PROTOCOL ? 0 : err;
}

static int read_all(const struct totals_reading *reading, struct log_reader *reader)
{
    struct log_bounds bounds;
    rd_kafka_message_t **messages;
    int err = log_reader_get_bounds(reader, 0, &bounds, reading->why);
    if (err == 0)
        err = log_reader_start(reader, 0, bounds.low, bounds.high, reading->why);
    while (err == 0) {
        int count = log_reader_next(reader, &messages, reading->why);
        if (count <= 0)
            return count;
        for (int i = 0; i < count && err == 0; i++)
            err = take(reading, messages[i]);
    }
    return err;
}

int totals_read(struct group_totals *totals, const struct kafka_conf *kafka, const char *topic,
                uint64_t *damaged_out, struct buffer *faults, struct buffer *why)
{
    const struct totals_reading reading = {totals, damaged_out, faults, why};
    struct log_reader *reader;
    *damaged_out = 0;
    int err = log_reader_open(&reader, kafka, topic, why);
    if (err < 0)
        return err;
    if (log_reader_partitions(reader) != 1) {
        buffer_printf(why, "topic %s has %" PRId32 " partitions; a topic of totals has one", topic,
                      log_reader_partitions(reader));
        err = ERR_CONFIG;
    } else {
        err = read_all(&reading, reader);
    }
    log_reader_close(&reader);
    return err;
}

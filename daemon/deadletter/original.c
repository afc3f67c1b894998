#include "daemon/deadletter/original.h"

struct search {
    uint32_t wanted, seen;
    const void *bytes;
    size_t size;
};

static void on_event(void *context, const struct event *event)
{
    struct search *search = context;
    if (search->seen++ != search->wanted)
        return;
    search->bytes = event->bytes;
    search->size = event->bytes_size;
}

bool letter_original_find(struct letter_original *original_out, struct decoder *decoder,
                          const void *message, size_t size, uint32_t index)
{
    struct search search = {.wanted = index};
    decoder_decode(decoder, message, size, on_event, &search);
    original_out->bytes = search.bytes;
    original_out->size = search.size;
    return search.bytes != NULL;
}

int letter_original_fetch(struct letter_original *original_out, struct letter_reader *letter_reader,
                          const struct decode_conf *decode, const struct letter_record *record)
{
    const rd_kafka_message_t *message;
    int found = letter_reader_fetch(letter_reader, record->topic, record->partition, record->offset,
                                    &message);
    if (found <= 0)
        return found;
    if (message->payload == NULL)
        return 0;
    original_out->message = message;
    original_out->bytes = message->payload;
    original_out->size = message->len;
    if (!record->whole) {
        struct decoder *decoder;
        int err = decoder_create(&decoder, decode);
        if (err < 0)
            return err;
        if (!letter_original_find(original_out, decoder, message->payload, message->len,
                                  record->index))
            original_out->size = 0;
        decoder_destroy(&decoder);
    }
    /* A topic that was made again has other messages at the same places. */
    return (int64_t)original_out->size == record->size;
}

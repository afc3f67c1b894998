#include "pipelines/ingest/decoder.h"

#include <errno.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/timestamp.h"
#include "pipelines/ingest/decode.h"
#include "pipelines/ingest/json_index.h"

struct decoder {
    enum event_format format;
    struct decode decode; /* as the input declares */
    struct decode native; /* of messages that say so; the index of JSON's tokens is shared */
};

int decoder_create(struct decoder **decoder_out, const struct decode_conf *conf)
{
    struct decoder *decoder = calloc(1, sizeof(*decoder));
    if (decoder == NULL)
        return -ENOMEM;
    decoder->format = conf->format;
    decoder->decode.builder.time_unit = conf->time_unit;
    int err = field_map_init(&decoder->decode.names, conf->fields);
    if (err < 0)
        goto fail_names;
    static const char *const own[FIELD_COUNT];
    decoder->native.builder.time_unit = TIME_UNIT_NONE;
    err = field_map_init(&decoder->native.names, own);
    if (err < 0)
        goto fail_native;
    err = json_index_create(&decoder->decode.json, MESSAGE_BYTES_MAX);
    if (err < 0)
        goto fail_json;
    decoder->native.json = decoder->decode.json;
    *decoder_out = decoder;
    return 0;

fail_json:
    field_map_fini(&decoder->native.names);
fail_native:
    field_map_fini(&decoder->decode.names);
fail_names:
    free(decoder);
    return err;
}

void decoder_destroy(struct decoder **decoder)
{
    struct decoder *gone = TAKE(*decoder);
    if (gone == NULL)
        return;
    json_index_destroy(&gone->decode.json);
    field_map_fini(&gone->native.names);
    field_map_fini(&gone->decode.names);
    free(gone);
}

/* A map or an array of MessagePack begins with a byte that JSON text never begins with. */
static bool is_msgpack(const struct decoder *decoder, const uint8_t *message)
{
    if (decoder->format != FORMAT_AUTO)
        return decoder->format == FORMAT_MSGPACK;
    return (*message >= 0x80 && *message <= 0x9f) || (*message >= 0xdc && *message <= 0xdf);
}

void decoder_decode(struct decoder *decoder, const void *message, size_t size, bool native,
                    event_fn fn, void *context)
{
    struct decode *decode = native ? &decoder->native : &decoder->decode;
    decode->fn = fn;
    decode->context = context;
    if (size > MESSAGE_BYTES_MAX) {
        decode_refuse(decode, REJECT_TOO_LARGE, message, size);
        return;
    }
    bool msgpack = size > 0 && !native && is_msgpack(decoder, message);
    bool read = size > 0 && (msgpack ? decode_msgpack(decode, message, size)
                                     : decode_json(decode, message, size));
    if (!read)
        decode_refuse(decode, REJECT_UNDECODABLE, message, size);
}

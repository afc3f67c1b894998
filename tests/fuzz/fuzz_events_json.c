/*
 * Any bytes as a JSON message. Each event lies within the message, and is whole or has a fault. An
 * event in an array is the same event when its own bytes are a message. Mapped names change nothing
 * about the messages that can be read.
 */
#include "base/base.h"
#include "base/limits.h"
#include "base/timestamp.h"
#include "pipelines/ingest/decoder.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct given {
    const uint8_t *message;
    size_t size, count, undecodable;
    struct decoder *again; /* decodes each event once more; NULL if this is once more */
    struct event last;     /* its text is not kept */
};

static bool has(const struct event *event, enum event_field field)
{
    return (event->present >> field & 1) != 0;
}

static void check_event(const struct event *event)
{
    ASSERT(has(event, FIELD_METER));
    ASSERT(has(event, FIELD_VALUE) ==
           (event->kind != EVENT_EXCHANGE && !event_kind_decides(event->kind)));
    ASSERT(event->meter_size > 0 && event->meter_size <= NAME_BYTES_MAX);
    ASSERT(memchr(event->meter, '\0', event->meter_size) == NULL);
    ASSERT(has(event, FIELD_TIME) != (has(event, FIELD_START) && has(event, FIELD_END)));
    if (has(event, FIELD_TIME))
        ASSERT(event->time_ms >= TIME_MIN_MS && event->time_ms <= TIME_MAX_MS);
    if (has(event, FIELD_UNIT))
        ASSERT(event->unit_size > 0 && event->unit_size <= UNIT_BYTES_MAX);
    ASSERT(event->quality < QUALITY_COUNT);
}

static void take_event(void *context, const struct event *event)
{
    struct given *given = context;
    const uint8_t *bytes = event->bytes;
    ASSERT(bytes >= given->message && event->bytes_size <= given->size);
    ASSERT((size_t)(bytes - given->message) <= given->size - event->bytes_size);
    ASSERT(event->fault < OUTCOME_COUNT);
    if (event->fault == 0)
        check_event(event);
    given->count++;
    given->undecodable += event->fault == REJECT_UNDECODABLE;
    given->last = *event;
    if (given->again == NULL || event->fault == REJECT_UNDECODABLE)
        return;
    struct given once_more = {.message = bytes, .size = event->bytes_size};
    decoder_decode(given->again, bytes, event->bytes_size, false, take_event, &once_more);
    ASSERT(once_more.count == 1);
    ASSERT(once_more.last.fault == event->fault);
    ASSERT(once_more.last.present == event->present);
    ASSERT(once_more.last.bytes_size == event->bytes_size);
    if (event->fault == 0)
        ASSERT(once_more.last.value.digits == event->value.digits &&
               once_more.last.value.scale == event->value.scale);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct decoder *native;
    static struct decoder *again;
    static struct decoder *mapped;
    static const struct decode_conf conf = {.format = FORMAT_JSON, .time_unit = TIME_UNIT_MS};
    static const struct decode_conf mapped_conf = {
        .format = FORMAT_JSON,
        .fields = {[FIELD_METER] = "device.id", [FIELD_VALUE] = "device.reading.value"},
    };
    if (native == NULL)
        ASSERT(decoder_create(&native, &conf) == 0 && decoder_create(&again, &conf) == 0 &&
               decoder_create(&mapped, &mapped_conf) == 0);
    struct given given = {.message = data, .size = size, .again = again};
    struct given given_mapped = {.message = data, .size = size};
    decoder_decode(native, data, size, false, take_event, &given);
    decoder_decode(mapped, data, size, false, take_event, &given_mapped);
    ASSERT(given.count == given_mapped.count);
    ASSERT(given.undecodable == given_mapped.undecodable);
    return 0;
}

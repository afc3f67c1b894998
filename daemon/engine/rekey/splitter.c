#include "daemon/engine/rekey/splitter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pipelines/ingest/resolve.h"
#include "pipelines/kafka/deadletter_headers.h"

struct splitter {
    struct decoder *decoder;
    const struct registry *registry;
    struct splitter_callbacks callbacks;

    /* While a message is being split. */
    struct run run; /* not given yet; count 0: no run */
    int64_t offset;
    uint32_t index; /* of the next event */
    uint32_t done;  /* events that were taken */
    int err;        /* of the callback that did not take its event */
};

int splitter_create(struct splitter **splitter_out, const struct decode_conf *conf,
                    const struct registry *registry, const struct splitter_callbacks *callbacks)
{
    struct splitter *splitter = calloc(1, sizeof(*splitter));
    if (splitter == NULL)
        return -ENOMEM;
    splitter->registry = registry;
    splitter->callbacks = *callbacks;
    int err = decoder_create(&splitter->decoder, conf);
    if (err < 0) {
        free(splitter);
        return err;
    }
    *splitter_out = splitter;
    return 0;
}

void splitter_destroy(struct splitter **splitter)
{
    struct splitter *gone = TAKE(*splitter);
    if (gone == NULL)
        return;
    decoder_destroy(&gone->decoder);
    free(gone);
}

static void give_run(struct splitter *splitter)
{
    struct run *run = &splitter->run;
    if (run->count == 0)
        return;
    splitter->err = splitter->callbacks.run(splitter->callbacks.context, run);
    if (splitter->err == 0)
        splitter->done = run->first + run->count;
    run->count = 0;
}

static void refuse(struct splitter *splitter, const struct event *event, enum outcome outcome)
{
    give_run(splitter);
    if (splitter->err < 0)
        return;
    struct refusal refusal = {
        .origin = {.index = splitter->index, .size = event->bytes_size, .bytes = event->bytes},
        .offset = splitter->offset,
        .outcome = outcome};
    splitter->err = splitter->callbacks.refused(splitter->callbacks.context, &refusal);
    if (splitter->err == 0)
        splitter->done = splitter->index + 1;
}

/* The bytes of the run if the event were its last. */
static size_t size_with(const struct run *run, const struct event *event)
{
    const char *end = (const char *)event->bytes + event->bytes_size;
    return (size_t)(end - (const char *)run->bytes);
}

static void add_to_run(struct splitter *splitter, const struct event *event, uint32_t facility)
{
    struct run *run = &splitter->run;
    bool fits = run->count > 0 && run->count < RUN_EVENTS_MAX && run->facility == facility &&
                size_with(run, event) + RUN_PREFIX_MAX + 1 <= RUN_BYTES_MAX;
    if (!fits) {
        give_run(splitter);
        if (splitter->err < 0)
            return;
        *run = (struct run){.facility = facility, .first = splitter->index, .bytes = event->bytes};
    }
    run->count++;
    run->size = (uint32_t)size_with(run, event);
}

/* Why the event cannot be told a facility; OUTCOME_USED if it can. */
static enum outcome find_facility(const struct splitter *splitter, const struct event *event,
                                  uint32_t *facility_out)
{
    bool named = (event->present >> FIELD_METER & 1) != 0;
    if (!named || event->fault == REJECT_TOO_LARGE)
        return (enum outcome)event->fault;
    *facility_out = resolve_facility(splitter->registry, event);
    return *facility_out == REGISTRY_NONE ? OUTCOME_UNKNOWN : OUTCOME_USED;
}

static void on_event(void *context, const struct event *event)
{
    struct splitter *splitter = context;
    if (splitter->err == 0 && splitter->index >= splitter->done) {
        uint32_t facility = REGISTRY_NONE;
        enum outcome outcome = find_facility(splitter, event, &facility);
        if (outcome == OUTCOME_USED)
            add_to_run(splitter, event, facility);
        else
            refuse(splitter, event, outcome);
    }
    splitter->index++;
}

int splitter_split(struct splitter *splitter, const void *message, size_t size, bool native,
                   int64_t offset, uint32_t *done)
{
    splitter->run.count = 0;
    splitter->offset = offset;
    splitter->index = 0;
    splitter->done = *done;
    splitter->err = 0;
    decoder_decode(splitter->decoder, message, size, native, on_event, splitter);
    if (splitter->err == 0)
        give_run(splitter);
    *done = splitter->done;
    return splitter->err;
}

/* An event in MessagePack is a map, and no map begins like an object of JSON. */
static bool is_json(const struct run *run)
{
    return *(const char *)run->bytes == '{';
}

size_t run_prefix(const struct run *run, uint8_t prefix[RUN_PREFIX_MAX])
{
    if (run->count <= 1)
        return 0;
    if (is_json(run)) {
        prefix[0] = '[';
        return 1;
    }
    if (run->count < 16) {
        prefix[0] = (uint8_t)(0x90 | run->count);
        return 1;
    }
    _Static_assert((int)RUN_EVENTS_MAX <= (int)UINT16_MAX, "an array of 16 bits of size");
    prefix[0] = 0xdc;
    prefix[1] = (uint8_t)(run->count >> 8);
    prefix[2] = (uint8_t)run->count;
    return RUN_PREFIX_MAX;
}

size_t run_suffix(const struct run *run, uint8_t suffix[1])
{
    if (run->count <= 1 || !is_json(run))
        return 0;
    suffix[0] = ']';
    return 1;
}

static rd_kafka_headers_t *make_headers(const rd_kafka_message_t *message, const struct run *run)
{
    rd_kafka_headers_t *headers = deadletter_headers_copy(message);
    if (headers == NULL)
        return NULL;
    deadletter_headers_add_text(headers, DEADLETTER_TOPIC, rd_kafka_topic_name(message->rkt));
    deadletter_headers_add_number(headers, DEADLETTER_PARTITION, message->partition);
    deadletter_headers_add_number(headers, DEADLETTER_OFFSET, message->offset);
    deadletter_headers_add_number(headers, DEADLETTER_INDEX, run->first);
    rd_kafka_header_add(headers, deadletter_header_name(DEADLETTER_KEY), -1, message->key,
                        (ssize_t)message->key_len);
    return headers;
}

struct outgoing *run_to_record(const rd_kafka_message_t *message, const struct run *run,
                               const char *facility)
{
    uint8_t prefix[RUN_PREFIX_MAX];
    uint8_t suffix[1];
    size_t prefix_size = run_prefix(run, prefix);
    size_t suffix_size = run_suffix(run, suffix);
    struct outgoing *record = outgoing_create(NULL, message, facility, strlen(facility),
                                              prefix_size + run->size + suffix_size);
    if (record == NULL)
        return NULL;
    record->headers = make_headers(message, run);
    if (record->headers == NULL) {
        outgoing_destroy(record);
        return NULL;
    }
    record->kind = OUTGOING_RUN;
    char *at = outgoing_value(record);
    memcpy(at, prefix, prefix_size);
    memcpy(at + prefix_size, run->bytes, run->size);
    memcpy(at + prefix_size + run->size, suffix, suffix_size);
    return record;
}

#include "daemon/demo/demo_producer.h"

#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/timestamp.h"
#include "config/calendar/calendar.h"
#include "daemon/demo/encode.h"
#include "daemon/demo/factories.h"

enum {
    HELD_MAX = 256,     /* events that come later than they should */
    EVENTS_MAX = 64,    /* of one factory and step */
    SIMULATED_MAX = 32, /* meters */
    UNSENT_MAX = 20000, /* messages: then the brokers have to catch up first */
    MESSAGE_TEXT_MAX = 64 << 10,
    WORSE_PER_CENT = 25,
    FLUSH_MS = 2000
};
#define LATE_MS (2 * HOUR_MS)
#define CORRECTION_MS (90 * MINUTE_MS) /* after its windows were final */

/* An event that waits for its moment. */
struct held {
    int64_t due_ms;
    uint32_t facility;
    struct demo_event event;
};

struct demo_producer {
    rd_kafka_t *client;
    char *topic;
    struct demo_producer_conf conf;
    struct calendar *calendars[FACTORY_FACILITIES];
    int64_t next_ms;                     /* the step that comes next */
    int64_t amount_milli[SIMULATED_MAX]; /* since the last reading, or ever since for registers */
    struct held held[HELD_MAX];
    uint32_t held_count;
    struct demo_event events[EVENTS_MAX]; /* of the factory in hand */
    uint32_t events_count;
    struct buffer text;
    struct demo_producer_stats stats;
};

static struct factory_clock local_clock(struct calendar *calendar, int64_t time_ms)
{
    int64_t start_ms = calendar_window(calendar, LEVEL_DAY, time_ms).start_ms;
    /* Local midnight lies less than half a day from some midnight of UTC. */
    int64_t day = (start_ms + DAY_MS / 2) / DAY_MS;
    return (struct factory_clock){.day = day,
                                  .minute = (int32_t)((time_ms - start_ms) / MINUTE_MS),
                                  .weekday = (int32_t)((day + 4) % 7)};
}

static bool happens(const struct demo_producer *producer, uint64_t what, const char *meter,
                    int64_t time_ms, uint64_t one_in)
{
    uint64_t which = what * 1000 + (uint64_t)meter[0] * 7 + strlen(meter);
    return factory_dice(producer->conf.seed, which, (uint64_t)time_ms) % one_in == 0;
}

static void add_event(struct demo_producer *producer, const struct demo_event *event)
{
    ASSERT(producer->events_count < EVENTS_MAX);
    producer->events[producer->events_count++] = *event;
    producer->stats.events++;
}

/* When there is no room to wait, it is sent in time. */
static void hold_event(struct demo_producer *producer, uint32_t facility, int64_t due_ms,
                       const struct demo_event *event)
{
    if (producer->held_count == HELD_MAX) {
        add_event(producer, event);
        return;
    }
    producer->held[producer->held_count++] = (struct held){due_ms, facility, *event};
}

static void release_held(struct demo_producer *producer, uint32_t facility, int64_t now_ms)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < producer->held_count; i++) {
        struct held held = producer->held[i];
        if (held.facility == facility && held.due_ms <= now_ms)
            add_event(producer, &held.event);
        else
            producer->held[kept++] = held;
    }
    producer->held_count = kept;
}

/* Sends a reading as it would arrive: at once, late, twice, estimated first, or spoilt. */
static void send_reading(struct demo_producer *producer, const struct factory_meter *meter,
                         struct demo_event event)
{
    struct demo_producer_stats *stats = &producer->stats;
    int64_t now_ms = event.end_ms;
    uint32_t facility = meter->facility;
    if (strcmp(meter->id, "bursa-boiler") == 0 && now_ms >= producer->conf.silent_ms)
        return;
    if (strcmp(meter->id, "guimaraes-grid") == 0 && happens(producer, 1, meter->id, now_ms, 9)) {
        stats->late++;
        hold_event(producer, facility, now_ms + LATE_MS, &event);
        return;
    }
    if (strcmp(meter->id, "dongguan-grid") == 0 && happens(producer, 2, meter->id, now_ms, 12)) {
        struct demo_event estimate = event;
        estimate.quality = "estimated";
        estimate.value_milli += event.value_milli / 8;
        add_event(producer, &estimate);
        stats->estimates++;
        event.revision = 1;
        stats->corrections++;
        hold_event(producer, facility, now_ms + CORRECTION_MS, &event);
        return;
    }
    add_event(producer, &event);
    if (happens(producer, 3, meter->id, now_ms, 40)) {
        stats->duplicates++;
        hold_event(producer, facility, now_ms + FACTORY_STEP_MS, &event);
    }
    if (strcmp(meter->id, "gazipur-grid") == 0 && happens(producer, 4, meter->id, now_ms, 16)) {
        event.unit = "gallon";
        stats->faulty++;
        add_event(producer, &event);
    }
}

/* One step of one meter: counts what went through, and reads it when its time has come. */
static void step_meter(struct demo_producer *producer, uint32_t index, int64_t now_ms)
{
    const struct factory_meter *meter = &factory_meters[index];
    struct factory_clock clock = local_clock(producer->calendars[meter->facility], now_ms);
    int64_t rate = factory_rate(meter, &clock, producer->conf.seed);
    if (now_ms >= producer->conf.worse_ms && strcmp(meter->id, "gazipur-boiler") == 0)
        rate += rate * WORSE_PER_CENT / 100;
    struct demo_event event = {.meter = meter->id, .start_ms = now_ms, .end_ms = now_ms};
    int64_t *amount = &producer->amount_milli[index];
    bool due = now_ms % meter->interval_ms == 0;
    if (meter->reading == READING_GAUGE || meter->reading == READING_DELIVERY) {
        event.value_milli = rate;
        if (due && (meter->reading == READING_GAUGE || rate > 0))
            send_reading(producer, meter, event);
        return;
    }
    bool first = now_ms == producer->conf.start_ms;
    if (!first)
        *amount += rate * FACTORY_STEP_MS / HOUR_MS;
    if (!due)
        return;
    if (meter->reading == READING_REGISTER) {
        int64_t shown = (meter->register_milli + *amount) % meter->modulus_milli;
        event.value_milli = shown - shown % meter->resolution_milli;
        send_reading(producer, meter, event);
    } else if (!first) {
        event.start_ms = now_ms - meter->interval_ms;
        event.value_milli = *amount;
        *amount = 0;
        send_reading(producer, meter, event);
    }
}

static void send_message(struct demo_producer *producer, uint32_t facility, int64_t now_ms)
{
    const char *key = factory_facilities[facility].id;
    struct buffer *text = &producer->text;
    buffer_clear(text);
    if (factory_facilities[facility].msgpack)
        encode_msgpack(text, producer->events, producer->events_count);
    else
        encode_json(text, producer->events, producer->events_count);
    ASSERT(!buffer_failed(text));
    rd_kafka_resp_err_t code = rd_kafka_producev(
        producer->client, RD_KAFKA_V_TOPIC(producer->topic), RD_KAFKA_V_KEY(key, strlen(key)),
        RD_KAFKA_V_VALUE(text->data, text->size), RD_KAFKA_V_TIMESTAMP(now_ms),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    ASSERT(code == RD_KAFKA_RESP_ERR_NO_ERROR); /* demo_producer_step() sees that there is room */
    producer->stats.messages++;
}

static void step_facility(struct demo_producer *producer, uint32_t facility, int64_t now_ms)
{
    producer->events_count = 0;
    release_held(producer, facility, now_ms);
    for (uint32_t i = 0; i < factory_meters_count; i++)
        if (factory_meters[i].facility == facility)
            step_meter(producer, i, now_ms);
    if (producer->events_count > 0)
        send_message(producer, facility, now_ms);
}

bool demo_producer_step(struct demo_producer *producer, int64_t now_ms)
{
    rd_kafka_poll(producer->client, 0);
    for (; producer->next_ms <= now_ms; producer->next_ms += FACTORY_STEP_MS) {
        if (rd_kafka_outq_len(producer->client) > UNSENT_MAX)
            return false;
        for (uint32_t i = 0; i < FACTORY_FACILITIES; i++)
            step_facility(producer, i, producer->next_ms);
    }
    return true;
}

const struct demo_producer_stats *demo_producer_get_stats(const struct demo_producer *producer)
{
    return &producer->stats;
}

static int open_client(struct demo_producer *producer)
{
    static const char *const settings[][2] = {
        {"linger.ms", "5"}, {"log_level", "2"}, {"compression.codec", "lz4"}};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (conf == NULL)
        return -ENOMEM;
    char text[256];
    int err =
        rd_kafka_conf_set(conf, "bootstrap.servers", producer->conf.brokers, text, sizeof(text));
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        err |= rd_kafka_conf_set(conf, settings[i][0], settings[i][1], text, sizeof(text));
    if (err == 0)
        producer->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    if (producer->client == NULL) {
        rd_kafka_conf_destroy(conf);
        return ERR_CONFIG;
    }
    return 0;
}

static int open_calendars(struct demo_producer *producer)
{
    for (uint32_t i = 0; i < FACTORY_FACILITIES; i++) {
        int err = calendar_create(&producer->calendars[i], factory_facilities[i].time_zone,
                                  15 * MINUTE_MS, 1);
        if (err < 0)
            return err;
    }
    return 0;
}

int demo_producer_create(struct demo_producer **demo_producer_out,
                         const struct demo_producer_conf *conf)
{
    ASSERT(factory_meters_count <= SIMULATED_MAX);
    ASSERT(conf->start_ms % HOUR_MS == 0); /* where every interval begins */
    struct demo_producer *producer = calloc(1, sizeof(*producer));
    if (producer == NULL)
        return -ENOMEM;
    producer->conf = *conf;
    producer->next_ms = conf->start_ms;
    buffer_init(&producer->text, MESSAGE_TEXT_MAX);
    producer->topic = strdup(conf->topic);
    int err = producer->topic != NULL ? open_calendars(producer) : -ENOMEM;
    if (err == 0)
        err = open_client(producer);
    producer->conf.brokers = producer->conf.topic = NULL; /* borrowed until here */
    if (err < 0) {
        demo_producer_destroy(&producer);
        return err;
    }
    *demo_producer_out = producer;
    return 0;
}

void demo_producer_destroy(struct demo_producer **producer)
{
    struct demo_producer *gone = TAKE(*producer);
    if (gone == NULL)
        return;
    if (gone->client != NULL) {
        rd_kafka_flush(gone->client, FLUSH_MS);
        rd_kafka_destroy(gone->client);
    }
    for (uint32_t i = 0; i < FACTORY_FACILITIES; i++)
        calendar_destroy(&gone->calendars[i]);
    buffer_fini(&gone->text);
    free(gone->topic);
    free(gone);
}

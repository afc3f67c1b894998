#include "daemon/demo/simulator.h"

#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "config/registry/calendar.h"
#include "daemon/demo/gateway.h"
#include "daemon/demo/plant.h"

enum {
    HELD_MAX = 256,     /* events that come later than they should */
    EVENTS_MAX = 64,    /* of one factory and step */
    SIMULATED_MAX = 32, /* meters */
    UNSENT_MAX = 20000, /* messages: then the brokers have to catch up first */
    MESSAGE_TEXT_MAX = 64 << 10,
    FLUSH_MS = 2000
};
#define LATE_MS (2 * INT64_C(3600000))
#define CORRECTION_MS (90 * INT64_C(60000)) /* after its windows were final */

/* An event that waits for its moment. */
struct held {
    int64_t due_ms;
    uint32_t facility;
    struct gateway_event event;
};

struct simulator {
    rd_kafka_t *client;
    char *topic;
    struct simulator_conf conf;
    struct calendar *calendars[PLANT_FACILITIES];
    int64_t next_ms;                     /* the step that comes next */
    int64_t amount_milli[SIMULATED_MAX]; /* since the last reading, or ever since for registers */
    struct held held[HELD_MAX];
    uint32_t held_count;
    struct gateway_event events[EVENTS_MAX]; /* of the factory in hand */
    uint32_t events_count;
    struct buffer text;
    struct simulator_stats stats;
};

static struct plant_clock local_clock(struct calendar *calendar, int64_t time_ms)
{
    int64_t day_ms = INT64_C(86400000);
    int64_t start_ms = calendar_window(calendar, LEVEL_DAY, time_ms).start_ms;
    /* Local midnight lies less than half a day from some midnight of UTC. */
    int64_t day = (start_ms + day_ms / 2) / day_ms;
    return (struct plant_clock){.day = day,
                                .minute = (int32_t)((time_ms - start_ms) / 60000),
                                .weekday = (int32_t)((day + 4) % 7)};
}

static bool happens(const struct simulator *simulator, uint64_t what, const char *meter,
                    int64_t time_ms, uint64_t one_in)
{
    uint64_t which = what * 1000 + (uint64_t)meter[0] * 7 + strlen(meter);
    return plant_dice(simulator->conf.seed, which, (uint64_t)time_ms) % one_in == 0;
}

static void add_event(struct simulator *simulator, const struct gateway_event *event)
{
    ASSERT(simulator->events_count < EVENTS_MAX);
    simulator->events[simulator->events_count++] = *event;
    simulator->stats.events++;
}

/* When there is no room to wait, it is sent in time. */
static void hold_event(struct simulator *simulator, uint32_t facility, int64_t due_ms,
                       const struct gateway_event *event)
{
    if (simulator->held_count == HELD_MAX) {
        add_event(simulator, event);
        return;
    }
    simulator->held[simulator->held_count++] = (struct held){due_ms, facility, *event};
}

static void release_held(struct simulator *simulator, uint32_t facility, int64_t now_ms)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < simulator->held_count; i++) {
        struct held held = simulator->held[i];
        if (held.facility == facility && held.due_ms <= now_ms)
            add_event(simulator, &held.event);
        else
            simulator->held[kept++] = held;
    }
    simulator->held_count = kept;
}

/* Sends a reading as it would arrive: at once, late, twice, estimated first, or spoilt. */
static void send_reading(struct simulator *simulator, const struct plant_meter *meter,
                         struct gateway_event event)
{
    struct simulator_stats *stats = &simulator->stats;
    int64_t now_ms = event.end_ms;
    uint32_t facility = meter->facility;
    if (strcmp(meter->id, "bursa-boiler") == 0 && now_ms >= simulator->conf.silent_ms)
        return;
    if (strcmp(meter->id, "guimaraes-grid") == 0 && happens(simulator, 1, meter->id, now_ms, 9)) {
        stats->late++;
        hold_event(simulator, facility, now_ms + LATE_MS, &event);
        return;
    }
    if (strcmp(meter->id, "dongguan-grid") == 0 && happens(simulator, 2, meter->id, now_ms, 12)) {
        struct gateway_event estimate = event;
        estimate.quality = "estimated";
        estimate.value_milli += event.value_milli / 8;
        add_event(simulator, &estimate);
        stats->estimates++;
        event.revision = 1;
        stats->corrections++;
        hold_event(simulator, facility, now_ms + CORRECTION_MS, &event);
        return;
    }
    add_event(simulator, &event);
    if (happens(simulator, 3, meter->id, now_ms, 40)) {
        stats->duplicates++;
        hold_event(simulator, facility, now_ms + PLANT_STEP_MS, &event);
    }
    if (strcmp(meter->id, "gazipur-grid") == 0 && happens(simulator, 4, meter->id, now_ms, 16)) {
        event.unit = "gallon";
        stats->faulty++;
        add_event(simulator, &event);
    }
}

/* One step of one meter: counts what went through, and reads it when its time has come. */
static void step_meter(struct simulator *simulator, uint32_t index, int64_t now_ms)
{
    const struct plant_meter *meter = &plant_meters[index];
    struct plant_clock clock = local_clock(simulator->calendars[meter->facility], now_ms);
    int64_t rate = plant_rate(meter, &clock, simulator->conf.seed);
    struct gateway_event event = {.meter = meter->id, .start_ms = now_ms, .end_ms = now_ms};
    int64_t *amount = &simulator->amount_milli[index];
    bool due = now_ms % meter->interval_ms == 0;
    if (meter->reading == READING_GAUGE || meter->reading == READING_DELIVERY) {
        event.value_milli = rate;
        if (due && (meter->reading == READING_GAUGE || rate > 0))
            send_reading(simulator, meter, event);
        return;
    }
    bool first = now_ms == simulator->conf.start_ms;
    if (!first)
        *amount += rate * PLANT_STEP_MS / 3600000;
    if (!due)
        return;
    if (meter->reading == READING_REGISTER) {
        int64_t shown = (meter->register_milli + *amount) % meter->modulus_milli;
        event.value_milli = shown - shown % meter->resolution_milli;
        send_reading(simulator, meter, event);
    } else if (!first) {
        event.start_ms = now_ms - meter->interval_ms;
        event.value_milli = *amount;
        *amount = 0;
        send_reading(simulator, meter, event);
    }
}

static void send_message(struct simulator *simulator, uint32_t facility, int64_t now_ms)
{
    const char *key = plant_facilities[facility].id;
    struct buffer *text = &simulator->text;
    buffer_clear(text);
    if (plant_facilities[facility].msgpack)
        gateway_write_msgpack(text, simulator->events, simulator->events_count);
    else
        gateway_write_json(text, simulator->events, simulator->events_count);
    ASSERT(!buffer_failed(text));
    rd_kafka_resp_err_t code = rd_kafka_producev(
        simulator->client, RD_KAFKA_V_TOPIC(simulator->topic), RD_KAFKA_V_KEY(key, strlen(key)),
        RD_KAFKA_V_VALUE(text->data, text->size), RD_KAFKA_V_TIMESTAMP(now_ms),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    ASSERT(code == RD_KAFKA_RESP_ERR_NO_ERROR); /* simulator_step() sees that there is room */
    simulator->stats.messages++;
}

static void step_facility(struct simulator *simulator, uint32_t facility, int64_t now_ms)
{
    simulator->events_count = 0;
    release_held(simulator, facility, now_ms);
    for (uint32_t i = 0; i < plant_meters_count; i++)
        if (plant_meters[i].facility == facility)
            step_meter(simulator, i, now_ms);
    if (simulator->events_count > 0)
        send_message(simulator, facility, now_ms);
}

bool simulator_step(struct simulator *simulator, int64_t now_ms)
{
    rd_kafka_poll(simulator->client, 0);
    for (; simulator->next_ms <= now_ms; simulator->next_ms += PLANT_STEP_MS) {
        if (rd_kafka_outq_len(simulator->client) > UNSENT_MAX)
            return false;
        for (uint32_t i = 0; i < PLANT_FACILITIES; i++)
            step_facility(simulator, i, simulator->next_ms);
    }
    return true;
}

const struct simulator_stats *simulator_get_stats(const struct simulator *simulator)
{
    return &simulator->stats;
}

static int open_client(struct simulator *simulator)
{
    static const char *const settings[][2] = {
        {"linger.ms", "5"}, {"log_level", "2"}, {"compression.codec", "lz4"}};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (conf == NULL)
        return -ENOMEM;
    char text[256];
    int err =
        rd_kafka_conf_set(conf, "bootstrap.servers", simulator->conf.brokers, text, sizeof(text));
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        err |= rd_kafka_conf_set(conf, settings[i][0], settings[i][1], text, sizeof(text));
    if (err == 0)
        simulator->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    if (simulator->client == NULL) {
        rd_kafka_conf_destroy(conf);
        return ERR_CONFIG;
    }
    return 0;
}

static int open_calendars(struct simulator *simulator)
{
    for (uint32_t i = 0; i < PLANT_FACILITIES; i++) {
        int err = calendar_create(&simulator->calendars[i], plant_facilities[i].time_zone,
                                  15 * INT64_C(60000), 1);
        if (err < 0)
            return err;
    }
    return 0;
}

int simulator_create(struct simulator **simulator_out, const struct simulator_conf *conf)
{
    ASSERT(plant_meters_count <= SIMULATED_MAX);
    ASSERT(conf->start_ms % INT64_C(3600000) == 0); /* where every interval begins */
    struct simulator *simulator = calloc(1, sizeof(*simulator));
    if (simulator == NULL)
        return -ENOMEM;
    simulator->conf = *conf;
    simulator->next_ms = conf->start_ms;
    buffer_init(&simulator->text, MESSAGE_TEXT_MAX);
    simulator->topic = strdup(conf->topic);
    int err = simulator->topic != NULL ? open_calendars(simulator) : -ENOMEM;
    if (err == 0)
        err = open_client(simulator);
    simulator->conf.brokers = simulator->conf.topic = NULL; /* borrowed until here */
    if (err < 0) {
        simulator_destroy(&simulator);
        return err;
    }
    *simulator_out = simulator;
    return 0;
}

void simulator_destroy(struct simulator **simulator)
{
    struct simulator *gone = TAKE(*simulator);
    if (gone == NULL)
        return;
    if (gone->client != NULL) {
        rd_kafka_flush(gone->client, FLUSH_MS);
        rd_kafka_destroy(gone->client);
    }
    for (uint32_t i = 0; i < PLANT_FACILITIES; i++)
        calendar_destroy(&gone->calendars[i]);
    buffer_fini(&gone->text);
    free(gone->topic);
    free(gone);
}

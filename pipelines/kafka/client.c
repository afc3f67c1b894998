#include "pipelines/kafka/client.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/foreign.h"
#include "base/limits.h"
#include "pipelines/kafka/client_threads.h"

struct setting {
    const char *key, *value;
};

/* Small requests must not wait for Nagle (librdkafka's own default since 2.10), and statistics are
 * read from counters, not from JSON. */
static const struct setting common_settings[] = {
    {"client.id", "ghgd"},
    {"socket.nagle.disable", "true"},
    {"socket.keepalive.enable", "true"},
    {"statistics.interval.ms", "0"},
    {"log.queue", "true"},
};

/* Offsets are ours: committed when the state says so, never reset behind our back. The eager
 * assignor, because cooperative-sticky can abort the process before librdkafka 2.3. queued.min is
 * high: a partition at its limit stalls its whole broker for up to a second before 2.2. */
static const struct setting consumer_settings[] = {
    {"enable.auto.commit", "false"},       {"enable.auto.offset.store", "false"},
    {"auto.offset.reset", "error"},        {"enable.partition.eof", "true"},
    {"allow.auto.create.topics", "false"}, {"partition.assignment.strategy", "range"},
    {"session.timeout.ms", "45000"},       {"heartbeat.interval.ms", "3000"},
    {"max.poll.interval.ms", "300000"},    {"fetch.wait.max.ms", "100"},
    {"queued.min.messages", "100000"},     {"check.crcs", "true"},
};

/* Reads one stretch of a partition at full speed, and is done. */
static const struct setting reader_settings[] = {
    {"enable.auto.commit", "false"},         {"enable.auto.offset.store", "false"},
    {"auto.offset.reset", "error"},          {"enable.partition.eof", "true"},
    {"allow.auto.create.topics", "false"},   {"fetch.wait.max.ms", "10"},
    {"fetch.message.max.bytes", "8388608"},  {"queued.min.messages", "100000"},
    {"queued.max.messages.kbytes", "65536"}, {"check.crcs", "true"},
};

/* message.timeout.ms 0: an outage of the brokers ends no retry; the bounded queue stops the input
 * instead, and nothing is given up. The partitioner is that of Kafka's own clients, and ours to
 * set: every process has to find the same partition for a facility. */
static const struct setting producer_settings[] = {
    {"enable.idempotence", "true"},
    {"acks", "all"},
    {"linger.ms", "5"},
    {"compression.codec", "lz4"},
    {"partitioner", "murmur2_random"},
    {"message.timeout.ms", "0"},
    {"queue.buffering.max.messages", "100000"},
};

static const struct setting writer_settings[] = {
    {"enable.idempotence", "true"},
    {"acks", "all"},
    {"linger.ms", "0"},
    {"compression.codec", "lz4"},
    {"message.timeout.ms", "60000"},
};

/* Less than sinks.timeout, which a takeover waits for: then no record of a former owner is under
 * way any more. */
static const struct setting totals_settings[] = {
    {"enable.idempotence", "true"},
    {"acks", "all"},
    {"linger.ms", "5"},
    {"compression.codec", "lz4"},
    {"message.timeout.ms", "15000"},
};

/* Properties that a user may not set, and what to use instead. A key that ends in '*' is a prefix.
 */
static const struct setting owned_keys[] = {
    {"bootstrap.servers", "use kafka.brokers"},
    {"metadata.broker.list", "use kafka.brokers"},
    {"group.id", "use kafka.group"},
    {"auto.offset.reset", "use kafka.start and kafka.on_data_loss"},
    {"queued.max.messages.kbytes", "use kafka.partition_max"},
    {"enable.auto.*", "offsets are committed when the windows that need them are safe"},
    {"auto.commit.*", "offsets are committed when the windows that need them are safe"},
    {"auto.offset.*", "use kafka.start and kafka.on_data_loss"},
    {"enable.partition.eof", "ghgd needs it to know that it has caught up"},
    {"group.protocol", "ghgd's hand-over of partitions needs the classic protocol"},
    {"group.remote.assignor", "ghgd's hand-over of partitions needs the classic protocol"},
    {"enable.idempotence", "what ghgd writes to Kafka is always written idempotently"},
    {"acks", "what ghgd writes to Kafka always waits for all replicas"},
    {"request.required.acks", "what ghgd writes to Kafka always waits for all replicas"},
    {"transactional.id", "ghgd uses no transactions"},
    {"message.timeout.ms", "ghgd knows for how long each of its messages is worth a retry"},
    {"delivery.timeout.ms", "ghgd knows for how long each of its messages is worth a retry"},
    {"partitioner", "every process has to find the same partition for a facility"},
    {"log.queue", "ghgd writes the client's log lines"},
};

static const char *key_owner(const char *key)
{
    for (size_t i = 0; i < ARRAY_LEN(owned_keys); i++) {
        const char *owned = owned_keys[i].key;
        size_t size = strlen(owned);
        if (owned[size - 1] == '*' ? strncmp(key, owned, size - 1) == 0 : strcmp(key, owned) == 0)
            return owned_keys[i].value;
    }
    return NULL;
}

static bool key_is_secret(const char *key)
{
    static const char *const parts[] = {"password", "pem", "secret", "oauthbearer.config", "jaas"};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (strstr(key, parts[i]) != NULL)
            return true;
    return false;
}

static int set_all(rd_kafka_conf_t *settings, const struct setting *list, size_t count,
                   struct buffer *why)
{
    int err = 0;
    for (size_t i = 0; i < count; i++) {
        char text[256];
        if (rd_kafka_conf_set(settings, list[i].key, list[i].value, text, sizeof(text)) ==
            RD_KAFKA_CONF_OK)
            continue;
        buffer_printf(why, "librdkafka refuses %s=%s: %s\n", list[i].key, list[i].value, text);
        err = ERR_CONFIG;
    }
    return err;
}

static int set_property(rd_kafka_conf_t *settings, const struct conf_property *property,
                        struct buffer *why)
{
    const char *owner = key_owner(property->key);
    if (owner != NULL) {
        buffer_printf(why, "kafka.properties: %s cannot be set: %s\n", property->key, owner);
        return ERR_CONFIG;
    }
    if (strcmp(property->key, "partition.assignment.strategy") == 0 &&
        strcmp(property->value, "range") != 0 && strcmp(property->value, "roundrobin") != 0) {
        buffer_printf(why,
                      "kafka.properties: partition.assignment.strategy: \"%s\" is not "
                      "supported, use range or roundrobin\n",
                      property->value);
        return ERR_CONFIG;
    }
    char text[256] = "";
    if (rd_kafka_conf_set(settings, property->key, property->value, text, sizeof(text)) ==
        RD_KAFKA_CONF_OK)
        return 0;
    buffer_printf(why, "kafka.properties: %s: %s\n", property->key,
                  key_is_secret(property->key) ? "the value is refused" : text);
    return ERR_CONFIG;
}

/* Every one that is wrong is told, with its line in the file that it came from. */
static int set_properties(rd_kafka_conf_t *settings, const struct kafka_conf *conf,
                          struct buffer *why)
{
    int err = 0;
    for (uint32_t i = 0; i < conf->properties_count; i++) {
        struct buffer fault;
        buffer_init(&fault, CLIENT_ERROR_TEXT_SIZE);
        if (set_property(settings, &conf->properties[i], &fault) < 0) {
            if (conf->property_lines != NULL)
                buffer_printf(why, "%s:%d: error: ", conf->file, conf->property_lines[i]);
            buffer_add(why, fault.data, fault.size);
            err = ERR_CONFIG;
        }
        buffer_fini(&fault);
    }
    return err;
}

/* The number of a setting as it stands now; -1 if it is no number. */
static long setting_number(const rd_kafka_conf_t *settings, const char *key)
{
    char text[64];
    size_t size = sizeof(text);
    if (rd_kafka_conf_get(settings, key, text, &size) != RD_KAFKA_CONF_OK)
        return -1;
    return strtol(text, NULL, 10);
}

static bool setting_is(const rd_kafka_conf_t *settings, const char *key, const char *value)
{
    char text[64];
    size_t size = sizeof(text);
    return rd_kafka_conf_get(settings, key, text, &size) == RD_KAFKA_CONF_OK &&
           strcmp(text, value) == 0;
}

/* Settings that librdkafka accepts and then cannot work with. */
static int check_silent(const rd_kafka_conf_t *settings, enum client_kind kind, struct buffer *why)
{
    int err = 0;
    long heartbeat_ms = setting_number(settings, "heartbeat.interval.ms");
    long session_ms = setting_number(settings, "session.timeout.ms");
    if (kind == CLIENT_CONSUMER && heartbeat_ms >= session_ms) {
        buffer_printf(why,
                      "kafka.properties: heartbeat.interval.ms (%ld) must be less than "
                      "session.timeout.ms (%ld), a third of it is usual\n",
                      heartbeat_ms, session_ms);
        err = ERR_CONFIG;
    }
    if (setting_is(settings, "sasl.mechanisms", "OAUTHBEARER") &&
        !setting_is(settings, "enable.sasl.oauthbearer.unsecure.jwt", "true")) {
        buffer_printf(why, "kafka.properties: sasl.mechanisms: OAUTHBEARER needs a token source, "
                           "which ghgd does not have; use SCRAM-SHA-256, SCRAM-SHA-512, PLAIN, "
                           "GSSAPI or TLS client certificates\n");
        err = ERR_CONFIG;
    }
    return err;
}

static int set_consumer(rd_kafka_conf_t *settings, const struct kafka_conf *conf,
                        struct buffer *why)
{
    char kbytes[24];
    (void)snprintf(kbytes, sizeof(kbytes), "%lld",
                   (long long)(conf->partition_bytes_max + 1023) / 1024);
    const struct setting own[] = {
        {"group.id", conf->group != NULL ? conf->group : ""},
        {"queued.max.messages.kbytes", kbytes},
    };
    int err = 0;
    if (own[0].value[0] == '\0') {
        buffer_printf(why, "kafka.group: missing; name the consumer group that all processes of "
                           "this installation share\n");
        err = ERR_CONFIG;
    }
    size_t count = conf->partition_bytes_max > 0 ? 2 : 1;
    if (err == 0)
        err = set_all(settings, own, count, why);
    int set = set_all(settings, consumer_settings, ARRAY_LEN(consumer_settings), why);
    return err < 0 ? err : set;
}

static int set_producer(rd_kafka_conf_t *settings, struct buffer *why)
{
    /* A dead letter is at most a message that a broker gave us, plus its new headers. */
    char bytes[24];
    (void)snprintf(bytes, sizeof(bytes), "%d", MESSAGE_BYTES_MAX + (64 << 10));
    const struct setting own = {"message.max.bytes", bytes};
    int err = set_all(settings, &own, 1, why);
    int set = set_all(settings, producer_settings, ARRAY_LEN(producer_settings), why);
    return err < 0 ? err : set;
}

static int set_kind(rd_kafka_conf_t *settings, const struct kafka_conf *conf, enum client_kind kind,
                    struct buffer *why)
{
    switch (kind) {
    case CLIENT_CONSUMER:
        return set_consumer(settings, conf, why);
    case CLIENT_PRODUCER:
        return set_producer(settings, why);
    case CLIENT_READER:
        return set_all(settings, reader_settings, ARRAY_LEN(reader_settings), why);
    case CLIENT_TOTALS:
        return set_all(settings, totals_settings, ARRAY_LEN(totals_settings), why);
    default:
        return set_all(settings, writer_settings, ARRAY_LEN(writer_settings), why);
    }
}

/* Every setting but the brokers. All faults are reported, not the first alone. */
static int settings_create(rd_kafka_conf_t **settings_out, const struct kafka_conf *conf,
                           enum client_kind kind, struct buffer *why)
{
    rd_kafka_conf_t *settings = rd_kafka_conf_new();
    if (settings == NULL)
        return -ENOMEM;
    int err = set_all(settings, common_settings, ARRAY_LEN(common_settings), why);
    int kind_err = set_kind(settings, conf, kind, why);
    if (kind_err < 0)
        err = kind_err;
    if (set_properties(settings, conf, why) < 0)
        err = ERR_CONFIG;
    if (check_silent(settings, kind, why) < 0)
        err = ERR_CONFIG;
    if (err < 0)
        rd_kafka_conf_destroy(settings);
    else
        *settings_out = settings;
    return err;
}

/* Takes the settings, also on failure. */
static int client_new(rd_kafka_t **client_out, rd_kafka_conf_t *settings, enum client_kind kind,
                      struct buffer *why)
{
    char text[512] = "";
    bool consumes = kind == CLIENT_CONSUMER || kind == CLIENT_READER;
    rd_kafka_t *client = rd_kafka_new(consumes ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER, settings,
                                      text, sizeof(text));
    if (client == NULL) {
        rd_kafka_conf_destroy(settings);
        buffer_printf(why, "kafka: %s\n", text);
        return ERR_CONFIG;
    }
    *client_out = client;
    return 0;
}

static bool port_is_good(const char *text, size_t size)
{
    if (size < 1 || size > 5)
        return false;
    int port = 0;
    for (size_t i = 0; i < size; i++) {
        if (!isdigit((unsigned char)text[i]))
            return false;
        port = port * 10 + (text[i] - '0');
    }
    return port >= 1 && port <= 65535;
}

static bool host_is_good(const char *text, size_t size)
{
    if (size < 1)
        return false;
    bool bracketed = text[0] == '[' && text[size - 1] == ']' && size > 2;
    for (size_t i = bracketed; i + bracketed < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (!(isalnum(c) || c == '.' || c == '-' || c == '_' || (bracketed && c == ':')))
            return false;
    }
    return true;
}

/* [protocol://]host[:port], the host of IPv6 in brackets. */
static bool broker_is_good(const char *text, size_t size)
{
    static const char *const protocols[] = {"PLAINTEXT://", "SSL://", "SASL_PLAINTEXT://",
                                            "SASL_SSL://"};
    for (size_t i = 0; i < ARRAY_LEN(protocols); i++) {
        size_t prefix = strlen(protocols[i]);
        if (size > prefix && strncasecmp(text, protocols[i], prefix) == 0) {
            text += prefix;
            size -= prefix;
            break;
        }
    }
    const char *colon = memrchr(text, ':', size);
    if (colon == NULL || text[size - 1] == ']')
        return host_is_good(text, size);
    size_t host_size = (size_t)(colon - text);
    return host_is_good(text, host_size) && port_is_good(colon + 1, size - host_size - 1);
}

static int check_brokers(const char *brokers, struct buffer *why)
{
    if (brokers == NULL || brokers[0] == '\0') {
        buffer_printf(why, "kafka.brokers: missing; give host:port, several with commas\n");
        return ERR_CONFIG;
    }
    int err = 0;
    const char *next = brokers;
    for (bool last = false; !last;) {
        size_t size = strcspn(next, ",");
        last = next[size] == '\0';
        const char *text = next + strspn(next, " \t");
        size_t trimmed = text - next > (long)size ? 0 : size - (size_t)(text - next);
        while (trimmed > 0 && isspace((unsigned char)text[trimmed - 1]))
            trimmed--;
        if (!broker_is_good(text, trimmed)) {
            buffer_printf(why, "kafka.brokers: \"%.*s\" is not host:port\n", (int)trimmed, text);
            err = ERR_CONFIG;
        }
        next += size + 1;
    }
    return err;
}

int client_create(rd_kafka_t **client_out, const struct kafka_conf *conf, enum client_kind kind,
                  int events, struct buffer *why)
{
    int err = check_brokers(conf->brokers, why);
    if (err < 0)
        return err;
    rd_kafka_conf_t *settings;
    err = settings_create(&settings, conf, kind, why);
    if (err < 0)
        return err;
    const struct setting brokers = {"bootstrap.servers", conf->brokers};
    err = set_all(settings, &brokers, 1, why);
    if (err == 0)
        err = client_time_watch(settings, kind);
    if (err == 0)
        err = client_slack_set(settings);
    if (err < 0) {
        rd_kafka_conf_destroy(settings);
        return err;
    }
    rd_kafka_conf_set_events(settings, events | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG);
    return client_new(client_out, settings, kind, why);
}

int client_check(const struct kafka_conf *conf, struct buffer *faults)
{
    int err = check_brokers(conf->brokers, faults);
    for (enum client_kind kind = CLIENT_CONSUMER; kind < CLIENT_KINDS; kind++) {
        rd_kafka_conf_t *settings;
        int kind_err = settings_create(&settings, conf, kind, faults);
        if (kind_err < 0)
            return kind_err; /* the other kind would say most of it again */
        rd_kafka_t *client;
        kind_err = client_new(&client, settings, kind, faults);
        if (kind_err < 0)
            return kind_err;
        rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    }
    return err;
}

int64_t client_get_number(rd_kafka_t *client, const char *property)
{
    return setting_number(rd_kafka_conf(client), property);
}

void client_log(struct log_limit *limit, const char *name, rd_kafka_event_t *event)
{
    const char *facility;
    const char *text;
    int severity;
    if (rd_kafka_event_log(event, &facility, &text, &severity) != 0)
        return;
    enum log_level level = severity <= 3   ? LOG_LEVEL_ERROR
                           : severity == 4 ? LOG_LEVEL_WARN
                           : severity <= 6 ? LOG_LEVEL_INFO
                                           : LOG_LEVEL_DEBUG;
    /* One table of properties serves both kinds of client; each warns of the other's. Brokers
     * before 0.11 may create topics: that warning does not help, and librdkafka's mock says it is
     * one. */
    if (strcmp(facility, "CONFWARN") == 0 || strcmp(facility, "AUTOCREATE") == 0)
        level = LOG_LEVEL_DEBUG;
    char line[CLIENT_ERROR_TEXT_SIZE];
    foreign_clean(line, sizeof(line), text, strlen(text));
    log_limited(limit, level, "kafka.client", "client=%s facility=%s text=\"%s\"", name, facility,
                line);
}

bool client_error_is_fatal(rd_kafka_t *client, rd_kafka_event_t *event,
                           char text[CLIENT_ERROR_TEXT_SIZE])
{
    if (rd_kafka_event_error_is_fatal(event)) {
        char words[CLIENT_ERROR_TEXT_SIZE] = "";
        rd_kafka_resp_err_t code = rd_kafka_fatal_error(client, words, sizeof(words));
        const char *hint = code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID
                               ? "; another process has joined with the same group.instance.id: "
                                 "give each its own, such as %H-%i"
                               : "";
        (void)snprintf(text, CLIENT_ERROR_TEXT_SIZE, "%s: %.300s%s", rd_kafka_err2name(code), words,
                       hint);
        return true;
    }
    const char *words = rd_kafka_event_error_string(event);
    foreign_clean(text, CLIENT_ERROR_TEXT_SIZE, words, strlen(words));
    return false;
}

/*
 * produce.c - sends a prepared log to Kafka: the same messages and partitions each time.
 *
 *     produce BROKERS TOPIC FILE AT_ONCE SECONDS
 *
 * The first AT_ONCE messages go as fast as the brokers take them, the others evenly over SECONDS.
 * "sent N of M" goes to standard output every half second, "done" once every message is
 * acknowledged. The producer is idempotent and waits for brokers for ever, so that whatever happens
 * to them every message stands in the log once, in order. Messages have the time at which they are
 * sent. A broker that comes back after a crash has forgotten idempotent producers whose messages
 * are older than producer.id.expiration.ms. It then takes messages that were under way twice.
 * readings.py writes FILE.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "base/clock.h"
#include "pipelines/kafka/native_header.h"

struct __attribute__((packed)) head {
    int32_t partition;
    uint32_t native; /* 1: the message says so (pipelines/kafka/native_header.h) */
    uint32_t key_size, value_size;
};

struct source {
    char *bytes;
    size_t size, at;
    uint64_t count;
};

static uint64_t acknowledged;

static _Noreturn void fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "produce: %s: %s\n", what, why);
    _exit(1);
}

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *context)
{
    (void)client;
    (void)context;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        fail("delivery", rd_kafka_err2str(message->err));
    acknowledged++;
}

/* The next message, or NULL at the end. */
static struct head *next(struct source *source)
{
    if (source->size - source->at < sizeof(struct head))
        return NULL;
    struct head *head = (struct head *)(void *)(source->bytes + source->at);
    source->at += sizeof(*head) + head->key_size + head->value_size;
    return head;
}

static struct source open_source(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) < 0)
        fail(path, err_str(-errno));
    struct source source = {.size = (size_t)status.st_size};
    source.bytes = mmap(NULL, source.size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (source.bytes == MAP_FAILED)
        fail(path, err_str(-errno));
    close(fd);
    while (next(&source) != NULL)
        source.count++;
    source.at = 0;
    return source;
}

static rd_kafka_t *make_client(const char *brokers)
{
    static const char *const settings[][2] = {{"enable.idempotence", "true"},
                                              {"compression.codec", "lz4"},
                                              {"linger.ms", "5"},
                                              {"message.timeout.ms", "0"},
                                              {"message.max.bytes", "8000000"},
                                              {"topic.metadata.refresh.interval.ms", "1000"},
                                              {"socket.nagle.disable", "true"},
                                              {"retry.backoff.ms", "100"},
                                              {"reconnect.backoff.ms", "50"},
                                              {"reconnect.backoff.max.ms", "500"},
                                              {"queue.buffering.max.kbytes", "262144"}};
    char text[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    int err = rd_kafka_conf_set(conf, "bootstrap.servers", brokers, text, sizeof(text));
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        err |= rd_kafka_conf_set(conf, settings[i][0], settings[i][1], text, sizeof(text));
    if (err != RD_KAFKA_CONF_OK)
        fail("configuration", text);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    if (client == NULL)
        fail("client", text);
    return client;
}

static void send_one(rd_kafka_t *client, const char *topic, struct head *head)
{
    char *key = (char *)(head + 1);
    rd_kafka_resp_err_t err;
    rd_kafka_headers_t *headers = head->native ? rd_kafka_headers_new(1) : NULL;
    if (headers != NULL)
        rd_kafka_header_add(headers, NATIVE_HEADER, -1, NATIVE_HEADER_VALUE, -1);
    do {
        err = rd_kafka_producev(
            client, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(head->partition),
            RD_KAFKA_V_KEY(key, head->key_size),
            RD_KAFKA_V_VALUE(key + head->key_size, head->value_size), RD_KAFKA_V_HEADERS(headers),
            RD_KAFKA_V_END); /* which takes the headers if it succeeds */
        rd_kafka_poll(client, err == RD_KAFKA_RESP_ERR__QUEUE_FULL ? 50 : 0);
    } while (err == RD_KAFKA_RESP_ERR__QUEUE_FULL);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        fail("produce", rd_kafka_err2str(err));
}

static void tell(const struct source *source, int64_t *told_ms)
{
    int64_t now_ms = clock_steady_ms();
    if (now_ms - *told_ms < 500)
        return;
    *told_ms = now_ms;
    (void)printf("sent %" PRIu64 " of %" PRIu64 "\n", acknowledged, source->count);
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    if (argc != 6)
        fail("usage", "produce BROKERS TOPIC FILE AT_ONCE SECONDS");
    struct source source = open_source(argv[3]);
    uint64_t at_once = strtoull(argv[4], NULL, 10);
    double span_ms = strtod(argv[5], NULL) * 1000;
    uint64_t paced = source.count > at_once ? source.count - at_once : 0;
    rd_kafka_t *client = make_client(argv[1]);
    int64_t told_ms = 0;
    int64_t began_ms = clock_steady_ms();
    struct head *head;
    for (uint64_t i = 0; (head = next(&source)) != NULL; i++) {
        if (i == at_once)
            began_ms = clock_steady_ms();
        while (i >= at_once && (double)(clock_steady_ms() - began_ms) <
                                   span_ms * (double)(i - at_once) / (double)paced) {
            rd_kafka_poll(client, 5);
            tell(&source, &told_ms);
        }
        send_one(client, argv[2], head);
        tell(&source, &told_ms);
    }
    while (acknowledged < source.count) {
        rd_kafka_poll(client, 50);
        tell(&source, &told_ms);
    }
    rd_kafka_destroy(client);
    (void)puts("done");
    return 0;
}

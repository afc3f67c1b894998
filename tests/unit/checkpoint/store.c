#include "tests/unit/checkpoint/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/log.h"

/* ---- callbacks ---- */

static void on_written(void *context, int32_t partition, const struct log_position *at,
                       const char *pointer)
{
    struct heard *heard = &((struct store *)context)->heard[partition];
    heard->written++;
    heard->at = *at;
    (void)snprintf(heard->pointer, sizeof(heard->pointer), "%s", pointer);
}

static void on_write_failed(void *context, int32_t partition)
{
    ((struct store *)context)->heard[partition].write_failures++;
}

static int on_payload(void *context, int32_t partition, const void *bytes, size_t size,
                      struct buffer *why)
{
    struct store *store = context;
    struct heard *heard = &store->heard[partition];
    heard->payloads++;
    buffer_add(&heard->bytes, bytes, size);
    if (store->payload_result < 0)
        buffer_add_str(why, "windows.bucket was 1h");
    return store->payload_result;
}

static void on_restored(void *context, int32_t partition, int err, const struct log_position *at,
                        const char *why)
{
    struct heard *heard = &((struct store *)context)->heard[partition];
    heard->restored++;
    heard->err = err;
    assert_true((at != NULL) == (err == 0));
    if (at != NULL)
        heard->at = *at;
    (void)snprintf(heard->why, sizeof(heard->why), "%s", why);
}

static void on_searched(void *context, int32_t partition, int err,
                        const struct checkpoint_find *found, const char *why)
{
    struct heard *heard = &((struct store *)context)->heard[partition];
    heard->searched++;
    heard->err = err;
    assert_true((found != NULL) == (err == 0));
    if (found != NULL)
        heard->found = *found;
    (void)snprintf(heard->why, sizeof(heard->why), "%s", why);
}

static void on_failed(void *context, const char *why)
{
    assert_non_null(why);
    ((struct store *)context)->failed = true;
}

static void on_closed(void *context)
{
    ((struct store *)context)->closed = true;
}

/* ---- life ---- */

void store_open_cluster(struct store *store)
{
    *store = (struct store){0};
    log_set_level((enum log_level)0); /* brokers go away on purpose */
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "2", NULL, 0);
    store->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    assert_non_null(store->client);
    store->mock = rd_kafka_mock_cluster_new(store->client, 1);
    const char *brokers = rd_kafka_mock_cluster_bootstraps(store->mock);
    rd_kafka_brokers_add(store->client, brokers);
    static const char *const topics[] = {STORE_INPUT, STORE_TOPIC};
    for (size_t i = 0; i < ARRAY_LEN(topics); i++)
        assert_int_equal(rd_kafka_mock_topic_create(store->mock, topics[i], STORE_PARTITIONS, 1),
                         0);
    store->config = (struct config){
        .input.topic = STORE_INPUT,
        .kafka = {.brokers = brokers, .group = "plant"},
        .checkpoint = {.topic = STORE_TOPIC, .create = true, .replication = -1},
    };
}

void store_close_cluster(struct store *store)
{
    rd_kafka_mock_cluster_destroy(store->mock);
    rd_kafka_destroy(store->client);
    for (int i = 0; i < STORE_PARTITIONS; i++)
        buffer_fini(&store->heard[i].bytes);
    assert_int_equal(rd_kafka_wait_destroyed(60000), 0);
    assert_int_equal(rd_kafka_thread_cnt(), 0);
}

void store_open(struct store *store)
{
    const struct checkpoint_callbacks callbacks = {
        .written = on_written,
        .write_failed = on_write_failed,
        .payload = on_payload,
        .restored = on_restored,
        .searched = on_searched,
        .failed = on_failed,
        .closed = on_closed,
        .context = store,
    };
    for (int i = 0; i < STORE_PARTITIONS; i++) {
        buffer_fini(&store->heard[i].bytes);
        store->heard[i] = (struct heard){0};
        buffer_init(&store->heard[i].bytes, CHECKPOINT_BYTES_MAX);
    }
    store->failed = store->closed = false;
    assert_int_equal(uv_loop_init(&store->loop), 0);
    struct buffer why;
    buffer_init(&why, 4096);
    int err = checkpoint_create(&store->checkpoint, &store->loop, &store->config, &callbacks, &why);
    if (err < 0)
        fail_msg("%s", buffer_text(&why));
    buffer_fini(&why);
}

void store_close(struct store *store, int64_t timeout_ms)
{
    checkpoint_close(store->checkpoint, timeout_ms);
    uv_run(&store->loop, UV_RUN_DEFAULT);
    assert_true(store->closed);
    assert_int_equal(uv_loop_close(&store->loop), 0);
}

/* ---- doing and waiting ---- */

void store_turn(struct store *store)
{
    uv_run(&store->loop, UV_RUN_ONCE); /* the store's own timer ends it */
    if (!store->closed)
        checkpoint_check(store->checkpoint);
}

static bool in_time(struct store *store, uint64_t began_ms)
{
    store_turn(store);
    return uv_hrtime() / 1000000 < began_ms + STORE_WAIT_MS;
}

void store_wait(struct store *store, const int *count, int want)
{
    uint64_t began_ms = uv_hrtime() / 1000000;
    while (*count < want && in_time(store, began_ms))
        ;
    assert_true(*count >= want);
}

void store_wait_number(struct store *store, const uint64_t *number, uint64_t want)
{
    uint64_t began_ms = uv_hrtime() / 1000000;
    while (*number < want && in_time(store, began_ms))
        ;
    assert_true(*number >= want);
}

void store_fill(struct buffer *out, size_t size, int seed)
{
    uint64_t state = (uint64_t)seed * 0x9E3779B97F4A7C15U + 1;
    for (size_t i = 0; i < size; i += 8) {
        state ^= state << 13; /* xorshift: does not compress */
        state ^= state >> 7;
        state ^= state << 17;
        buffer_add(out, &state, size - i < 8 ? size - i : 8);
    }
    assert_false(buffer_failed(out));
}

void store_begin_write(struct store *store, int32_t partition, int64_t offset, size_t size,
                       int seed)
{
    struct buffer payload;
    buffer_init(&payload, CHECKPOINT_BYTES_MAX);
    store_fill(&payload, size, seed);
    struct log_position at = {offset, (uint32_t)seed};
    bool full = checkpoint_wants_full(store->checkpoint, partition);
    assert_int_equal(checkpoint_write(store->checkpoint, partition, &at, full, &payload), 0);
    assert_true(checkpoint_is_writing(store->checkpoint, partition));
    assert_int_equal(payload.size, 0);
    assert_null(payload.data);
}

void store_write(struct store *store, int32_t partition, int64_t offset, size_t size, int seed)
{
    struct heard *heard = &store->heard[partition];
    int before = heard->written;
    store_begin_write(store, partition, offset, size, seed);
    store_wait(store, &heard->written, before + 1);
    assert_int_equal(heard->at.offset, offset);
    assert_int_equal(heard->at.skip, seed);
    assert_false(checkpoint_is_writing(store->checkpoint, partition));
}

int store_restore(struct store *store, int32_t partition, int64_t committed, const char *metadata)
{
    struct heard *heard = &store->heard[partition];
    int before = heard->restored;
    buffer_clear(&heard->bytes);
    heard->payloads = 0;
    assert_int_equal(checkpoint_restore(store->checkpoint, partition, committed, metadata), 0);
    store_wait(store, &heard->restored, before + 1);
    return heard->err;
}

int store_search(struct store *store, int32_t partition)
{
    struct heard *heard = &store->heard[partition];
    int before = heard->searched;
    assert_int_equal(checkpoint_search(store->checkpoint, partition), 0);
    store_wait(store, &heard->searched, before + 1);
    return heard->err;
}

void store_expect(struct store *store, int32_t partition, const int *seeds, const size_t *sizes,
                  size_t count)
{
    const struct heard *heard = &store->heard[partition];
    struct buffer want;
    buffer_init(&want, CHECKPOINT_BYTES_MAX);
    for (size_t i = 0; i < count; i++)
        store_fill(&want, sizes[i], seeds[i]);
    assert_int_equal(heard->payloads, count);
    assert_int_equal(heard->bytes.size, want.size);
    if (want.size > 0)
        assert_memory_equal(heard->bytes.data, want.data, want.size);
    buffer_fini(&want);
}

void store_put(struct store *store, int32_t partition, const char *key, const void *value,
               size_t size)
{
    size_t key_size = key != NULL ? strlen(key) : 0;
    void *bytes = NULL;
    if (value != NULL) {
        bytes = malloc(size + 1);
        memcpy(bytes, value, size);
    }
    rd_kafka_resp_err_t code = rd_kafka_producev(
        store->client, RD_KAFKA_V_TOPIC(STORE_TOPIC), RD_KAFKA_V_PARTITION(partition),
        RD_KAFKA_V_KEY(key, key_size), RD_KAFKA_V_VALUE(bytes, size),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    assert_int_equal(code, 0);
    assert_int_equal(rd_kafka_flush(store->client, 5000), 0);
    free(bytes);
}

int64_t store_count(struct store *store, int32_t partition, bool tombstones)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", store->config.kafka.brokers, NULL, 0);
    rd_kafka_conf_set(conf, "enable.partition.eof", "true", NULL, 0);
    rd_kafka_conf_set(conf, "fetch.wait.max.ms", "10", NULL, 0);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
    rd_kafka_topic_t *topic = rd_kafka_topic_new(client, STORE_TOPIC, NULL);
    rd_kafka_consume_start(topic, partition, RD_KAFKA_OFFSET_BEGINNING);
    int64_t count = 0;
    for (bool over = false; !over;) {
        rd_kafka_message_t *message = rd_kafka_consume(topic, partition, STORE_WAIT_MS);
        assert_non_null(message);
        over = message->err != 0;
        count += !over && (message->payload == NULL) == tombstones;
        rd_kafka_message_destroy(message);
    }
    rd_kafka_consume_stop(topic, partition);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(client);
    return count;
}

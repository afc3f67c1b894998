/*
 * checkpoint_store.c - the checkpoint store alone before a real broker, by commands on standard
 * input; each prints a line of JSON.
 *
 *     checkpoint_store BROKERS GROUP INPUT_TOPIC TOPIC CREATE [PROPERTY=VALUE...]
 *
 * ready                              waits until the topic was checked
 * open PARTITION                     begins with nothing
 * restore PARTITION OFFSET POINTER   and waits; the payload's checksum, or what is wrong
 * write PARTITION OFFSET SIZE SEED   and waits; the pointer
 * committed PARTITION OFFSET
 * bury                               waits until no obsolete keys are known
 * stats
 */
#include "pipelines/checkpoint/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/limits.h"
#include "base/log.h"

enum { PROPERTIES_MAX = 8, POINTER_MAX = 200, WAIT_NS_PER_S = 1000000000, WAIT_S = 120 };

struct bench {
    uv_loop_t loop;
    struct config config;
    struct conf_property properties[PROPERTIES_MAX];
    struct checkpoint *checkpoint;
    bool done, failed;
    int err;
    struct log_position at;
    char pointer[POINTER_MAX], why[2048];
    struct buffer restored;
    uint64_t payloads;
};

static void keep(char *out, size_t size, const char *text)
{
    size_t n = 0;
    for (; text[n] != '\0' && n + 1 < size; n++) {
        out[n] = text[n];
        if (strchr("\"\\\n", out[n]) != NULL)
            out[n] = '\'';
    }
    out[n] = '\0';
}

static void on_written(void *context, int32_t partition, const struct log_position *at,
                       const char *pointer)
{
    struct bench *bench = context;
    (void)partition;
    bench->at = *at;
    keep(bench->pointer, sizeof(bench->pointer), pointer);
    bench->done = true;
}

static void on_write_failed(void *context, int32_t partition)
{
    struct bench *bench = context;
    (void)partition;
    bench->err = -1;
    bench->done = true;
}

static int on_payload(void *context, int32_t partition, const void *bytes, size_t size,
                      struct buffer *why)
{
    struct bench *bench = context;
    (void)partition;
    (void)why;
    bench->payloads++;
    buffer_add(&bench->restored, bytes, size);
    return 0;
}

static void on_restored(void *context, int32_t partition, int err, const struct log_position *at,
                        const char *why)
{
    struct bench *bench = context;
    (void)partition;
    bench->err = err;
    if (at != NULL)
        bench->at = *at;
    keep(bench->why, sizeof(bench->why), why);
    bench->done = true;
}

static void on_failed(void *context, const char *why)
{
    struct bench *bench = context;
    bench->failed = bench->done = true;
    keep(bench->why, sizeof(bench->why), why);
}

static void on_closed(void *context)
{
    (void)context;
}

static void wait_done(struct bench *bench)
{
    uint64_t until = uv_hrtime() + (uint64_t)WAIT_S * WAIT_NS_PER_S;
    while (!bench->done && !bench->failed && uv_hrtime() < until)
        uv_run(&bench->loop, UV_RUN_ONCE);
}

static void fill(struct buffer *out, size_t size, uint64_t seed)
{
    uint64_t state = seed * 0x9E3779B97F4A7C15U + 1;
    for (size_t i = 0; i < size; i += sizeof(state)) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        buffer_add(out, &state, size - i < sizeof(state) ? size - i : sizeof(state));
    }
}

/* The number that comes next; moves on behind it. */
static int64_t read_number(const char **text)
{
    char *end = NULL;
    int64_t number = strtoll(*text, &end, 10);
    if (end == *text)
        abort();
    *text = end + strspn(end, " ");
    return number;
}

static void do_write(struct bench *bench, const char *arguments)
{
    int32_t partition = (int32_t)read_number(&arguments);
    struct log_position at = {read_number(&arguments), 0};
    size_t size = (size_t)read_number(&arguments);
    uint64_t seed = (uint64_t)read_number(&arguments);
    struct buffer payload;
    buffer_init(&payload, CHECKPOINT_BYTES_MAX);
    fill(&payload, size, seed);
    bool full = checkpoint_wants_full(bench->checkpoint, partition);
    uint64_t checksum = XXH3_64bits(payload.data, payload.size);
    if (checkpoint_write(bench->checkpoint, partition, &at, full, &payload) < 0)
        abort();
    wait_done(bench);
    printf("{\"err\": %d, \"full\": %d, \"pointer\": \"%s\", \"checksum\": \"%" PRIx64
           "\", \"took_ms\": %" PRId64 "}\n",
           bench->err, full, bench->pointer, checksum,
           checkpoint_get_stats(bench->checkpoint)->last_write_ms);
}

static void do_restore(struct bench *bench, const char *arguments)
{
    int32_t partition = (int32_t)read_number(&arguments);
    int64_t offset = read_number(&arguments);
    buffer_clear(&bench->restored);
    bench->payloads = 0;
    if (checkpoint_restore(bench->checkpoint, partition, offset, arguments) < 0)
        abort();
    wait_done(bench);
    const struct checkpoint_stats *stats = checkpoint_get_stats(bench->checkpoint);
    printf("{\"err\": %d, \"why\": \"%s\", \"offset\": %" PRId64 ", \"payloads\": %" PRIu64
           ", \"bytes\": %zu, \"checksum\": \"%" PRIx64 "\", \"took_ms\": %" PRId64 "}\n",
           bench->err, bench->why, bench->at.offset, bench->payloads, bench->restored.size,
           XXH3_64bits(bench->restored.data, bench->restored.size), stats->last_restore_ms);
}

static void do_open(struct bench *bench, const char *arguments)
{
    printf("{\"err\": %d}\n", checkpoint_open(bench->checkpoint, (int32_t)read_number(&arguments)));
}

static void print_stats(struct bench *bench)
{
    const struct checkpoint_stats *stats = checkpoint_get_stats(bench->checkpoint);
    printf("{\"ready\": %d, \"failed\": %d, \"why\": \"%s\", \"obsolete_keys\": %" PRIu64
           ", \"tombstones\": %" PRIu64 ", \"records\": %" PRIu64 "}\n",
           stats->ready, bench->failed, bench->why, stats->obsolete, stats->tombstones,
           stats->records);
}

static void do_committed(struct bench *bench, const char *arguments)
{
    int32_t partition = (int32_t)read_number(&arguments);
    int64_t offset = read_number(&arguments);
    checkpoint_committed(bench->checkpoint, partition, offset);
    print_stats(bench);
}

static void wait_buried(struct bench *bench)
{
    const struct checkpoint_stats *stats = checkpoint_get_stats(bench->checkpoint);
    uint64_t until = uv_hrtime() + (uint64_t)WAIT_S * WAIT_NS_PER_S;
    do
        uv_run(&bench->loop, UV_RUN_ONCE);
    while (stats->obsolete > 0 && uv_hrtime() < until);
    print_stats(bench);
}

static void wait_ready(struct bench *bench)
{
    const struct checkpoint_stats *stats = checkpoint_get_stats(bench->checkpoint);
    uint64_t until = uv_hrtime() + (uint64_t)WAIT_S * WAIT_NS_PER_S;
    while (!stats->ready && !bench->failed && uv_hrtime() < until)
        uv_run(&bench->loop, UV_RUN_ONCE);
    print_stats(bench);
}

static void obey(struct bench *bench, char *command)
{
    command[strcspn(command, "\n")] = '\0';
    bench->done = false;
    bench->err = 0;
    if (strcmp(command, "ready") == 0)
        wait_ready(bench);
    else if (strncmp(command, "open ", 5) == 0)
        do_open(bench, command + 5);
    else if (strncmp(command, "restore ", 8) == 0)
        do_restore(bench, command + 8);
    else if (strncmp(command, "write ", 6) == 0)
        do_write(bench, command + 6);
    else if (strncmp(command, "committed ", 10) == 0)
        do_committed(bench, command + 10);
    else if (strcmp(command, "bury") == 0)
        wait_buried(bench);
    else if (strcmp(command, "stats") == 0)
        print_stats(bench);
    else
        abort();
    (void)fflush(stdout);
}

static void read_arguments(struct bench *bench, int argc, char **argv)
{
    bench->config = (struct config){
        .input.topic = argv[3],
        .kafka = {.brokers = argv[1], .group = argv[2], .properties = bench->properties},
        .checkpoint = {.topic = argv[4], .create = strcmp(argv[5], "1") == 0, .replication = -1},
    };
    for (int i = 6; i < argc && i - 6 < PROPERTIES_MAX; i++) {
        char *value = strchr(argv[i], '=');
        if (value == NULL)
            abort();
        *value++ = '\0';
        bench->properties[bench->config.kafka.properties_count++] =
            (struct conf_property){argv[i], value};
    }
}

int main(int argc, char **argv)
{
    static struct bench bench;
    if (argc < 6) {
        (void)fputs("usage: checkpoint_store BROKERS GROUP INPUT_TOPIC TOPIC CREATE [KEY=VALUE]\n",
                    stderr);
        return 2;
    }
    read_arguments(&bench, argc, argv);
    struct checkpoint_callbacks callbacks = {.written = on_written,
                                             .write_failed = on_write_failed,
                                             .payload = on_payload,
                                             .restored = on_restored,
                                             .failed = on_failed,
                                             .closed = on_closed,
                                             .context = &bench};
    buffer_init(&bench.restored, CHECKPOINT_BYTES_MAX);
    struct buffer why;
    buffer_init(&why, 4096);
    if (uv_loop_init(&bench.loop) < 0 ||
        checkpoint_create(&bench.checkpoint, &bench.loop, &bench.config, &callbacks, &why) < 0)
        return 1;
    char line[512];
    while (fgets(line, sizeof(line), stdin) != NULL)
        obey(&bench, line);
    checkpoint_close(bench.checkpoint, 5000);
    uv_run(&bench.loop, UV_RUN_DEFAULT);
    buffer_fini(&bench.restored);
    buffer_fini(&why);
    return uv_loop_close(&bench.loop) == 0 ? 0 : 1;
}

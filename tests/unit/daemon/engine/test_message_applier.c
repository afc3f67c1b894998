/* Messages into a shard: what is refused is heard of in order, and what stops goes on. */
#include "tests/unit/failing_malloc.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/timestamp.h"
#include "daemon/engine/message_applier.h"
#include "tests/unit/ingest/tables.h"
#include "tests/unit/tier.h"

enum { REFUSED_MAX = 2 * BATCH_EVENTS_MAX, MESSAGE_BYTES = 65536 };

static struct registry *registry;
static struct batch batch; /* of all appliers */
static const struct window_conf windows = {.bucket_ms = 900000,
                                           .allowed_delay_ms = 300000,
                                           .grace_ms = 600000,
                                           .horizon_ms = 2 * DAY_MS,
                                           .early_tolerance_ms = 3600000,
                                           .backfill_max_ms = INT64_C(34560000000), /* 400 days */
                                           .idle_timeout_ms = 3600000,
                                           .fiscal_year_start = 1};

static int build(void **state)
{
    (void)state;
    registry = tables_read("tests/data/events", 2 * DAY_MS);
    return 0;
}

static int destroy(void **state)
{
    (void)state;
    registry_destroy(&registry);
    return 0;
}

/* An applier, its shard, and what it refused. */
struct bench {
    struct shard *shard;
    struct message_applier *applier;
    struct log_position at;
    struct block *block;
    struct refusal refused[REFUSED_MAX];
    uint32_t refused_count;
    char detail[256]; /* of the one refused last */
    uint64_t rows;
    bool parks;
};

static void on_refused(void *context, const struct refusal *refusal)
{
    struct bench *bench = context;
    assert_true(bench->refused_count < REFUSED_MAX);
    bench->refused[bench->refused_count++] = *refusal;
    (void)snprintf(bench->detail, sizeof(bench->detail), "%s", refusal_help(refusal));
}

static int bench_open_feed(struct bench *bench)
{
    const struct decode_conf decode = {.format = FORMAT_JSON};
    const struct message_applier_conf conf = {.decode = &decode,
                                              .registry = registry,
                                              .shard = bench->shard,
                                              .batch = &batch,
                                              .parks_unknown = bench->parks,
                                              .refused = on_refused,
                                              .context = bench};
    return message_applier_create(&bench->applier, &conf);
}

static int bench_open(struct bench *bench)
{
    *bench = (struct bench){.at = {.offset = -1}};
    const struct shard_context context = {
        .registry = registry, .window = &windows, .kernels = tests_kernels(), .sinks_count = 1};
    int err = block_create(&bench->block, 500);
    if (err == 0)
        err = shard_create(&bench->shard, &context, 0);
    if (err < 0)
        return err;
    return bench_open_feed(bench);
}

static void bench_close(struct bench *bench)
{
    message_applier_destroy(&bench->applier);
    shard_destroy(&bench->shard);
    block_destroy(&bench->block);
}

static void drain(struct bench *bench)
{
    bench->block->count = 0;
    while (shard_take_rows(bench->shard, 0, TAKE_CLOSING, bench->block) > 0) {
        for (uint32_t i = 0; i < bench->block->count; i++)
            shard_end_row(bench->shard, 0, &bench->block->rows[i], BLOCK_DURABLE);
        bench->rows += bench->block->count;
        bench->block->count = 0;
    }
}

static struct raw_message message_of(const char *text, int64_t offset)
{
    return (struct raw_message){
        .bytes = text, .size = strlen(text), .offset = offset, .arrived_ms = INT64_MIN};
}

static void get_outcomes(const struct bench *bench, uint64_t counts[OUTCOME_COUNT])
{
    memcpy(counts, shard_get_stats(bench->shard)->outcomes, OUTCOME_COUNT * sizeof(*counts));
    message_applier_add_outcomes(bench->applier, counts);
}

/* One event of the meter `interval` per day, with a bad one behind each third. */
static void write_days(char *text, int days)
{
    size_t size = (size_t)snprintf(text, MESSAGE_BYTES, "[");
    for (int day = 0; day < days; day++) {
        char start[TIMESTAMP_TEXT_SIZE];
        char end[TIMESTAMP_TEXT_SIZE];
        int64_t start_ms = INT64_C(1767225600000) + day * DAY_MS; /* 2026-01-01 */
        timestamp_format(start, start_ms);
        timestamp_format(end, start_ms + 900000);
        size += (size_t)snprintf(
            text + size, MESSAGE_BYTES - size,
            "%s{\"meter\":\"interval\",\"start\":\"%s\",\"end\":\"%s\",\"value\":1}%s",
            day > 0 ? "," : "", start, end, day % 3 == 2 ? ",{\"meter\":\"nobody's\"}" : "");
    }
    (void)snprintf(text + size, MESSAGE_BYTES - size, "]");
}

/* A refusal for a bound or a unit says which, and those around it have their own words. */
static void test_bounds_and_units_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"{\"meter\":\"bounded\",\"time\":\"2026-03-01T10:00:00Z\",\"value\":1000000}",
         "1000000 kWh in 15m is more than max_rate 4 MW allows, 1100 kWh with a margin of a tenth; "
         "correct the value or its unit, or max_rate in the meters table"},
        {"{\"meter\":\"nobody's\",\"time\":\"2026-03-01T10:00:00Z\",\"value\":1000000}",
         "no meter of this id is in the meters table; add it, or correct the id"},
        {"{\"meter\":\"bounded-gauge\",\"time\":\"2026-03-01T10:00:00Z\",\"value\":1,"
         "\"unit\":\"GW\"}",
         "1000000 kW is more than max_rate 50 kW allows, 55 kW with a margin of a tenth; correct "
         "the value or its unit, or max_rate in the meters table"},
        {"{\"meter\":\"bounded\",\"time\":\"2026-03-01T10:00:00Z\",\"value\":1,\"unit\":\"kg\"}",
         "the unit measures another quantity, basis or reference state than the meter; give one of "
         "the meter's quantity; the unit of meter \"bounded\" is kWh, of energy"},
        {"{\"meter\":\"bounded-gauge\",\"time\":\"2026-03-01T10:00:00Z\",\"value\":1,"
         "\"unit\":\"kw\"}",
         "the unit is not known; `docs/events.md` lists what is accepted; the unit of meter "
         "\"bounded-gauge\" is kW, of energy"},
    };
    struct bench bench;
    assert_int_equal(bench_open(&bench), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct raw_message message = message_of(cases[i].text, (int64_t)i);
        assert_int_equal(message_applier_take(bench.applier, &bench.at, &message, 1), 1);
        assert_int_equal(bench.refused_count, i + 1);
        assert_string_equal(bench.detail, cases[i].want);
    }
    uint64_t counts[OUTCOME_COUNT];
    get_outcomes(&bench, counts);
    assert_int_equal(counts[REJECT_IMPLAUSIBLE], 2);
    assert_int_equal(counts[OUTCOME_UNKNOWN], 1);
    bench_close(&bench);
}

/* Each day pushes another out of the horizon, so that the shard stops in the middle of the message
 * again and again; every event is applied once and counted once. */
static void test_stops_in_the_midst(void **state)
{
    (void)state;
    enum { EVENTS_DAYS = 30 };
    static char text[MESSAGE_BYTES];
    write_days(text, EVENTS_DAYS);
    struct bench bench;
    assert_int_equal(bench_open(&bench), 0);
    struct raw_message message = message_of(text, 7);
    uint32_t stops = 0;
    while (message_applier_take(bench.applier, &bench.at, &message, 1) == 0) {
        assert_true(shard_is_blocked(bench.shard));
        uint64_t read = message_applier_events_read(bench.applier);
        assert_int_equal(message_applier_take(bench.applier, &bench.at, &message, 1),
                         0); /* nothing has gone: no way on */
        assert_int_equal(message_applier_events_read(bench.applier), read);
        drain(&bench);
        stops++;
    }
    assert_true(stops > 1);
    uint64_t counts[OUTCOME_COUNT];
    get_outcomes(&bench, counts);
    assert_int_equal(message_applier_events_read(bench.applier), EVENTS_DAYS + EVENTS_DAYS / 3);
    assert_int_equal(counts[OUTCOME_USED], EVENTS_DAYS);
    assert_int_equal(bench.refused_count, EVENTS_DAYS / 3);
    for (uint32_t i = 0; i < bench.refused_count; i++) {
        assert_int_equal(bench.refused[i].origin.index, 4 * i + 3); /* in order, each once */
        assert_int_equal(bench.refused[i].offset, 7);
        counts[bench.refused[i].outcome]--;
    }
    counts[OUTCOME_USED] = 0;
    for (size_t i = 0; i < OUTCOME_COUNT; i++)
        assert_int_equal(counts[i], 0); /* nothing else was counted */
    shard_finish(bench.shard);
    drain(&bench);
    assert_true(shard_is_drained(bench.shard));
    bench_close(&bench);
}

/* Several messages at once: what is taken whole is told, and what follows waits. */
static void test_takes_whole_messages(void **state)
{
    (void)state;
    static char text[MESSAGE_BYTES];
    write_days(text, 9);
    struct bench bench;
    assert_int_equal(bench_open(&bench), 0);
    struct raw_message messages[] = {
        message_of("not JSON", 0),
        message_of("[]", 1),
        message_of(text, 2),
        message_of("{\"meter\":\"interval\",\"start\":\"2026-01-09T01:00:00Z\","
                   "\"end\":\"2026-01-09T01:15:00Z\",\"value\":\"2.5\"}",
                   3),
    };
    size_t taken = message_applier_take(bench.applier, &bench.at, messages, ARRAY_LEN(messages));
    assert_int_equal(taken, 2); /* the third makes the shard stop */
    assert_int_equal(bench.refused[0].outcome, REJECT_UNDECODABLE);
    while (taken < ARRAY_LEN(messages)) {
        drain(&bench);
        taken += message_applier_take(bench.applier, &bench.at, messages + taken,
                                      ARRAY_LEN(messages) - taken);
    }
    uint64_t counts[OUTCOME_COUNT];
    get_outcomes(&bench, counts);
    assert_int_equal(counts[OUTCOME_USED], 10);
    assert_int_equal(counts[REJECT_UNDECODABLE], 1);
    assert_int_equal(message_applier_events_read(bench.applier), 1 + 9 + 3 + 1);
    bench_close(&bench);
}

/* A message with a reading of a gauge in every third place, among what is no event. */
static void write_many(char *text, uint32_t events)
{
    size_t size = (size_t)snprintf(text, MESSAGE_BYTES, "[");
    for (uint32_t i = 0; i < events; i++) {
        char time[TIMESTAMP_TEXT_SIZE];
        timestamp_format(time, INT64_C(1767225600000) + i * INT64_C(1000));
        const char *comma = i > 0 ? "," : "";
        size += i % 3 == 0 ? (size_t)snprintf(text + size, MESSAGE_BYTES - size,
                                              "%s{\"meter\":\"gauge\",\"time\":\"%s\",\"value\":1}",
                                              comma, time)
                           : (size_t)snprintf(text + size, MESSAGE_BYTES - size, "%s1", comma);
    }
    (void)snprintf(text + size, MESSAGE_BYTES - size, "]");
}

/* A message may have more events than a batch, and another applier uses the batch in between. */
static void test_more_than_a_batch(void **state)
{
    (void)state;
    enum { EVENTS = BATCH_EVENTS_MAX / 3 * 3 + 99 };
    static char text[MESSAGE_BYTES];
    write_many(text, EVENTS);
    static struct bench benches[2];
    const struct raw_message messages[] = {message_of(text, 3), message_of("[7]", 4)};
    for (size_t i = 0; i < ARRAY_LEN(benches); i++)
        assert_int_equal(bench_open(&benches[i]), 0);
    for (size_t i = 0; i < ARRAY_LEN(benches); i++) {
        assert_int_equal(message_applier_take(benches[i].applier, &benches[i].at, messages, 2), 2);
        assert_int_equal(batch.count, 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(benches); i++) {
        const struct bench *bench = &benches[i];
        uint64_t counts[OUTCOME_COUNT];
        get_outcomes(bench, counts);
        assert_int_equal(message_applier_events_read(bench->applier), EVENTS + 1);
        assert_int_equal(counts[OUTCOME_USED], EVENTS / 3);
        assert_int_equal(counts[REJECT_UNDECODABLE], EVENTS - EVENTS / 3 + 1);
        assert_int_equal(bench->refused_count, EVENTS - EVENTS / 3 + 1);
        for (uint32_t k = 0; k + 1 < bench->refused_count; k++)
            assert_int_equal(bench->refused[k].origin.index, k / 2 * 3 + k % 2 + 1); /* in order */
        bench_close(&benches[i]);
    }
}

#define NOBODY                                                                                     \
    "{\"meter\":\"nobody's\",\"start\":\"2026-01-09T01:00:00Z\","                                  \
    "\"end\":\"2026-01-09T01:15:00Z\",\"value\":1}"

static void expect_account(const struct bench *bench, uint64_t read, uint64_t parked,
                           uint64_t unknown)
{
    struct event_account account;
    message_applier_get_account(bench->applier, &account);
    assert_int_equal(account.read, read);
    assert_int_equal(account.outcomes[OUTCOME_PARKED], parked);
    assert_int_equal(account.outcomes[OUTCOME_UNKNOWN], unknown);
}

/* A parked event that is offered again was read once: what it becomes takes the place of parked. */
static void test_parked_events_again(void **state)
{
    (void)state;
    struct bench bench;
    assert_int_equal(bench_open(&bench), 0);
    bench.parks = true;
    message_applier_destroy(&bench.applier);
    assert_int_equal(bench_open_feed(&bench), 0);
    const char *known = "{\"meter\":\"interval\",\"start\":\"2026-01-09T01:00:00Z\","
                        "\"end\":\"2026-01-09T01:15:00Z\",\"value\":\"2.5\"}";
    const struct raw_message unknown[] = {message_of(NOBODY, 1), message_of(NOBODY, 2),
                                          message_of("[" NOBODY ", 1]", 3)};
    assert_int_equal(message_applier_take(bench.applier, &bench.at, unknown, 2), 2);
    bench.at.skip = 5; /* of the log's next message: not of these */
    expect_account(&bench, 2, 2, 0);
    assert_int_equal(message_applier_take_again(bench.applier, unknown, 1), 1); /* not known yet */
    expect_account(&bench, 2, 2, 0);
    assert_int_equal(bench.refused_count, 3);
    assert_int_equal(bench.refused[2].outcome, OUTCOME_PARKED);
    const struct raw_message again = message_of(known, 1);
    assert_int_equal(message_applier_take_again(bench.applier, &again, 1), 1);
    expect_account(&bench, 2, 1, 0);
    assert_int_equal(shard_get_stats(bench.shard)->outcomes[OUTCOME_USED], 1);
    message_applier_unpark(bench.applier);
    expect_account(&bench, 2, 0, 1);
    assert_int_equal(bench.at.skip, 5);
    const struct event_account earlier = {.read = 9, .outcomes = {[OUTCOME_PARKED] = 4}};
    message_applier_set_earlier(bench.applier, &earlier); /* another life had parked four */
    uint64_t read = message_applier_events_read(bench.applier);
    assert_int_equal(message_applier_take_again(bench.applier, &unknown[2], 1),
                     1); /* one event, whatever it is */
    assert_int_equal(message_applier_events_read(bench.applier), read + 1);
    struct event_account account;
    message_applier_get_account(bench.applier, &account);
    assert_int_equal(account.read, 9 + read);
    bench_close(&bench);
}

static const char two_days[] = "[{\"meter\":\"interval\",\"start\":\"2026-01-01T01:00:00Z\","
                               "\"end\":\"2026-01-01T01:15:00Z\",\"value\":1},"
                               "{\"meter\":\"interval\",\"start\":\"2026-01-01T02:00:00Z\","
                               "\"end\":\"2026-01-01T02:15:00Z\",\"value\":1}]";

/* Events of a message that an earlier life had done are passed over, in that message only. */
static void test_skips_what_was_done(void **state)
{
    (void)state;
    struct bench bench;
    assert_int_equal(bench_open(&bench), 0);
    const struct raw_message messages[] = {message_of(two_days, 1), message_of(two_days, 2)};
    bench.at = (struct log_position){.offset = 1, .skip = 1};
    assert_int_equal(message_applier_take(bench.applier, &bench.at, messages, 2), 2);
    assert_int_equal(bench.at.offset, 3);
    assert_int_equal(bench.at.skip, 0);
    assert_int_equal(message_applier_events_read(bench.applier), 3);
    assert_int_equal(shard_get_stats(bench.shard)->outcomes[OUTCOME_USED], 2);
    assert_int_equal(shard_get_stats(bench.shard)->outcomes[OUTCOME_DUPLICATE], 1);
    bench_close(&bench);
}

static int run(void)
{
    struct bench bench;
    int err = bench_open(&bench);
    assert_true(err == 0 || bench.applier == NULL);
    bench_close(&bench);
    return err;
}

static void test_memory(void **state)
{
    (void)state;
    fail_each_allocation(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds_and_units_are_told),
        cmocka_unit_test(test_stops_in_the_midst),
        cmocka_unit_test(test_takes_whole_messages),
        cmocka_unit_test(test_more_than_a_batch),
        cmocka_unit_test(test_parked_events_again),
        cmocka_unit_test(test_skips_what_was_done),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, build, destroy);
}

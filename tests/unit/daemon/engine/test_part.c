/* The state of a partition through a checkpoint: where it stands, what it counted and parked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/engine/part.h"
#include "pipelines/emissions/kernels.h"
#include "tests/unit/ingest/tables.h"

#define DAY_MS INT64_C(86400000)
#define READING                                                                                    \
    "{\"meter\":\"interval\",\"start\":\"2026-01-01T01:00:00Z\","                                  \
    "\"end\":\"2026-01-01T01:15:00Z\",\"value\":1}"
#define UNKNOWN                                                                                    \
    "{\"meter\":\"nobody's\",\"start\":\"2026-01-01T01:00:00Z\","                                  \
    "\"end\":\"2026-01-01T01:15:00Z\",\"value\":1}"

enum { PARTITION = 5, WHY_SIZE = 512 };

static struct registry *registry;
static const struct window_conf windows = {.bucket_ms = 900000,
                                           .allowed_delay_ms = 300000,
                                           .grace_ms = 600000,
                                           .horizon_ms = 2 * DAY_MS,
                                           .early_tolerance_ms = 3600000,
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

static void on_refused(void *context, const struct refusal *refusal)
{
    (void)context;
    (void)refusal;
}

static const struct sink_conf sink = {.name = "only"};

static void make_part(struct part **part_out)
{
    const struct shard_context context = {.registry = registry,
                                          .window = &windows,
                                          .kernels = &kernels_scalar,
                                          .sinks = &sink,
                                          .sinks_count = 1};
    const struct decode_conf decode = {.format = FORMAT_JSON};
    const struct feed_conf feed = {
        .decode = &decode, .registry = registry, .parks_unknown = true, .refused = on_refused};
    const struct part_conf conf = {.context = &context, .feed = &feed};
    assert_int_equal(part_create(part_out, PARTITION, &conf), 0);
}

/* What has to be there before rows of it may be written. */
static void test_writing(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum part_state state;
        bool started, caught_up, writes, live;
    } cases[] = {
        {"in order", PART_RUNNING, true, true, true, true},
        {"behind", PART_RUNNING, true, false, true, false},
        {"the group has no offset of it", PART_RUNNING, false, true, false, false},
        {"likewise, and behind", PART_RUNNING, false, false, false, false},
        {"restoring", PART_RESTORING, true, true, false, false},
        {"leaving", PART_LEAVING, true, true, false, false},
        {"unreadable", PART_STOPPED, true, true, false, false},
    };
    struct part *part;
    make_part(&part);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        part->state = cases[i].state;
        part->started = cases[i].started;
        part->caught_up = cases[i].caught_up;
        if (part_may_write(part) != cases[i].writes || part_is_live(part) != cases[i].live)
            fail_msg("%s: may write %d, is live %d", cases[i].name, part_may_write(part),
                     part_is_live(part));
    }
    part_destroy(&part);
}

static struct parking *make_parking(void)
{
    struct parking *parking;
    const struct parking_conf conf = {.bytes_max = 1 << 20, .age_max_ms = DAY_MS};
    assert_int_equal(parking_create(&parking, &conf), 0);
    return parking;
}

static void park(struct parking *parking, int32_t partition)
{
    struct letter *letter = calloc(1, sizeof(*letter) + strlen(UNKNOWN));
    assert_non_null(letter);
    letter->partition = partition;
    letter->size = strlen(UNKNOWN);
    memcpy(letter->bytes, UNKNOWN, letter->size);
    letter->headers = rd_kafka_headers_new(1);
    parking_put(parking, &letter);
}

static void feed_text(struct part *part, const char *text)
{
    const struct feed_message message = {
        .bytes = text, .size = strlen(text), .offset = 1, .arrived_ms = INT64_MIN};
    assert_int_equal(feed_take(part->feed, &message, 1), 1);
}

static void expect_account(const struct part *part, uint64_t used, uint64_t parked)
{
    uint64_t read;
    uint64_t outcomes[OUTCOME_COUNT];
    part_get_account(part, &read, outcomes);
    uint64_t sum = 0;
    for (int i = 0; i < OUTCOME_COUNT; i++)
        sum += outcomes[i];
    assert_int_equal(outcomes[OUTCOME_USED], used);
    assert_int_equal(outcomes[OUTCOME_PARKED], parked);
    assert_int_equal(sum, read);
}

/* Saves, and says that it is kept. */
static void save(struct part *part, struct parking *parking, bool full, struct buffer *payload)
{
    buffer_init(payload, 1 << 24);
    assert_int_equal(part_save(part, parking, full, payload), 0);
    part_saved(part, parking);
}

static void test_comes_back(void **state)
{
    (void)state;
    struct parking *parking = make_parking();
    struct part *part;
    struct buffer payloads[2];
    make_part(&part);
    feed_text(part, READING);
    feed_text(part, UNKNOWN);
    park(parking, PARTITION);
    park(parking, PARTITION + 1); /* another's */
    save(part, parking, true, &payloads[0]);
    feed_text(part, "[" READING ", 7]");
    feed_text(part, UNKNOWN);
    park(parking, PARTITION);
    save(part, parking, false, &payloads[1]);
    expect_account(part, 1, 2);
    struct part *again;
    make_part(&again);
    struct buffer why;
    buffer_init(&why, WHY_SIZE);
    for (int i = 0; i < 2; i++)
        assert_int_equal(part_load(again, payloads[i].data, payloads[i].size, &why), 0);
    const struct log_position at = {.offset = 77, .skip = 3};
    assert_int_equal(part_load_end(again, &at, &why), 0);
    expect_account(again, 1, 2);
    assert_int_equal(part_position(again).offset, 77);
    assert_int_equal(part_position(again).skip, 3);
    assert_int_equal(again->returned.count, 2);
    assert_int_equal(again->returned.oldest->partition, PARTITION);
    assert_int_equal(shard_get_stats(again->shard)->outcomes[OUTCOME_USED], 0); /* of this life */
    feed_text(again, "[1, 2, 3, " READING "]");
    uint64_t read;
    uint64_t outcomes[OUTCOME_COUNT];
    part_get_account(again, &read, outcomes);
    assert_int_equal(outcomes[OUTCOME_DUPLICATE], 2);
    for (int i = 0; i < 2; i++)
        buffer_fini(&payloads[i]);
    buffer_fini(&why);
    part_destroy(&again);
    part_destroy(&part);
    parking_destroy(&parking);
}

/* Whatever is cut off is refused, in words; and a part is good again after a reset. */
static void test_damage_is_told(void **state)
{
    (void)state;
    struct parking *parking = make_parking();
    struct part *part;
    struct buffer payload;
    make_part(&part);
    feed_text(part, READING);
    park(parking, PARTITION);
    save(part, parking, true, &payload);
    for (size_t size = 0; size < payload.size; size += 1 + size / 8) {
        struct part *other;
        make_part(&other);
        struct buffer why;
        buffer_init(&why, WHY_SIZE);
        int err = part_load(other, payload.data, size, &why);
        const struct log_position at = {.offset = 1};
        if (err == 0)
            err = part_load_end(other, &at, &why);
        if (err == 0 || why.size == 0)
            fail_msg("%zu of %zu bytes: %d", size, payload.size, err);
        buffer_fini(&why);
        part_destroy(&other);
    }
    struct buffer why;
    buffer_init(&why, WHY_SIZE);
    payload.data[4] = 99; /* the format */
    assert_int_equal(part_load(part, payload.data, payload.size, &why), ERR_PROTOCOL);
    assert_non_null(strstr(buffer_text(&why), "format 99"));
    buffer_fini(&why);
    buffer_fini(&payload);
    part_destroy(&part);
    parking_destroy(&parking);
}

static void test_parts(void **state)
{
    (void)state;
    static struct parts parts;
    struct part *made[3];
    for (int32_t i = 0; i < 3; i++) {
        make_part(&made[i]);
        made[i]->number = 10 + i;
        assert_int_equal(parts_add(&parts, made[i]), 0);
    }
    assert_ptr_equal(parts_find(&parts, 11), made[1]);
    assert_null(parts_find(&parts, 13));
    parts_remove(&parts, made[0]);
    parts_remove(&parts, made[0]);
    assert_int_equal(parts.count, 2);
    assert_null(parts_find(&parts, 10));
    assert_ptr_equal(parts_find(&parts, 12), made[2]);
    parts.count = PARTITIONS_MAX;
    assert_int_equal(parts_add(&parts, made[0]), ERR_FULL);
    for (int i = 0; i < 3; i++)
        part_destroy(&made[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writing),
        cmocka_unit_test(test_comes_back),
        cmocka_unit_test(test_damage_is_told),
        cmocka_unit_test(test_parts),
    };
    return cmocka_run_group_tests(tests, build, destroy);
}

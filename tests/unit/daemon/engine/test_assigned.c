/* The state of a partition through a checkpoint: where it stands, what it counted and parked. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/timestamp.h"
#include "daemon/engine/assigned.h"
#include "tests/unit/ingest/tables.h"
#include "tests/unit/tier.h"

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

static void on_refused(void *context, const struct refusal *refusal)
{
    (void)context;
    (void)refusal;
}

static const struct sink_conf sink = {.name = "only"};

static void make_part(struct assigned **assigned_out)
{
    const struct shard_context context = {.registry = registry,
                                          .window = &windows,
                                          .kernels = tests_kernels(),
                                          .sinks = &sink,
                                          .sinks_count = 1};
    const struct decode_conf decode = {.format = FORMAT_JSON};
    static struct batch batch;
    const struct message_applier_conf applier = {.decode = &decode,
                                                 .registry = registry,
                                                 .batch = &batch,
                                                 .parks_unknown = true,
                                                 .refused = on_refused};
    const struct assigned_conf conf = {.context = &context, .applier = &applier};
    assert_int_equal(assigned_create(assigned_out, PARTITION, &conf), 0);
}

/* The conditions under which rows of a partition may be written. */
static void test_writing(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum assigned_state state;
        bool started, caught_up, writes, live;
    } cases[] = {
        {"in order", ASSIGNED_APPLYING, true, true, true, true},
        {"a day has to leave", ASSIGNED_WAITING_SINKS, true, true, true, true},
        {"no memory for a facility", ASSIGNED_WAITING_MEMORY, true, true, true, true},
        {"no room for dead letters", ASSIGNED_WAITING_LETTERS, true, true, true, true},
        {"the process drains", ASSIGNED_WAITING_PROCESS, true, true, true, true},
        {"behind", ASSIGNED_APPLYING, true, false, true, false},
        {"the group has no offset of it", ASSIGNED_APPLYING, false, true, false, false},
        {"no offset, and behind", ASSIGNED_APPLYING, false, false, false, false},
        {"restoring", ASSIGNED_RESTORING, true, true, false, false},
        {"leaving", ASSIGNED_LEAVING, true, true, false, false},
        {"unreadable", ASSIGNED_UNREADABLE, true, true, false, false},
    };
    struct assigned *assigned;
    make_part(&assigned);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assigned->state = cases[i].state;
        assigned->started = cases[i].started;
        assigned->caught_up = cases[i].caught_up;
        if (assigned_may_write(assigned) != cases[i].writes ||
            assigned_is_live(assigned) != cases[i].live)
            fail_msg("%s: may write %d, is live %d", cases[i].name, assigned_may_write(assigned),
                     assigned_is_live(assigned));
    }
    assigned_destroy(&assigned);
}

/* Waiting partitions go on, unless the shard itself is blocked; no other state is left by it. */
static void test_waiting(void **state)
{
    (void)state;
    static const struct {
        enum assigned_state state;
        bool running, resumes;
    } cases[] = {
        {ASSIGNED_RESTORING, false, false},     {ASSIGNED_APPLYING, true, false},
        {ASSIGNED_WAITING_SINKS, true, true},   {ASSIGNED_WAITING_MEMORY, true, true},
        {ASSIGNED_WAITING_LETTERS, true, true}, {ASSIGNED_WAITING_PROCESS, true, true},
        {ASSIGNED_LEAVING, false, false},       {ASSIGNED_UNREADABLE, false, false},
    };
    struct assigned *assigned;
    make_part(&assigned);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assigned->state = cases[i].state;
        assert_int_equal(assigned_is_running(assigned), cases[i].running);
        assert_int_equal(assigned_resume(assigned), cases[i].resumes);
        assert_int_equal(assigned->state, cases[i].resumes ? ASSIGNED_APPLYING : cases[i].state);
    }
    assigned_destroy(&assigned);
}

/* In a process of its own, as an entrance that is not drawn ends it. */
static bool may_enter(struct assigned *assigned, enum assigned_state from, enum assigned_state to)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)freopen("/dev/null", "w", stderr);
        (void)signal(SIGABRT, SIG_DFL);
        assigned->state = from;
        assigned_enter(assigned, to);
        _exit(0);
    }
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* The drawing of assigned.h, as a table: R restoring, A applying, sinks, memory, letters, process,
 * L leaving, U unreadable. */
static void test_transitions(void **state)
{
    (void)state;
    static const char *const table[] = {
        "x x . . . . . x", /* from restoring */
        ". . x x x x x .", /* from applying */
        ". x . . . . x .", /* from waiting for sinks */
        ". x . . . . x .", /* from for memory */
        ". x . . . . x .", /* from for letters */
        ". x . . . . x .", /* from for the process */
        ". . . . . . . .", /* from leaving */
        ". . . . . . . .", /* from unreadable */
    };
    struct assigned *assigned;
    make_part(&assigned);
    for (int from = ASSIGNED_RESTORING; from <= ASSIGNED_UNREADABLE; from++) {
        for (int to = ASSIGNED_RESTORING; to <= ASSIGNED_UNREADABLE; to++) {
            bool drawn = table[from][2 * (size_t)to] == 'x';
            if (may_enter(assigned, (enum assigned_state)from, (enum assigned_state)to) != drawn)
                fail_msg("from %d to %d: drawn %d", from, to, drawn);
        }
    }
    assigned_destroy(&assigned);
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
    struct outgoing *letter = calloc(1, sizeof(*letter) + strlen(UNKNOWN));
    assert_non_null(letter);
    letter->partition = partition;
    letter->size = strlen(UNKNOWN);
    memcpy(letter->bytes, UNKNOWN, letter->size);
    letter->headers = rd_kafka_headers_new(1);
    parking_put(parking, &letter);
}

static void apply_text(struct assigned *assigned, const char *text)
{
    const struct raw_message message = {.bytes = text,
                                        .size = strlen(text),
                                        .offset = assigned->position.offset,
                                        .arrived_ms = INT64_MIN};
    assert_int_equal(message_applier_take(assigned->applier, &assigned->position, &message, 1), 1);
}

static void expect_account(const struct assigned *assigned, uint64_t used, uint64_t parked)
{
    uint64_t read;
    uint64_t outcomes[OUTCOME_COUNT];
    assigned_get_account(assigned, &read, outcomes);
    uint64_t sum = 0;
    for (int i = 0; i < OUTCOME_COUNT; i++)
        sum += outcomes[i];
    assert_int_equal(outcomes[OUTCOME_USED], used);
    assert_int_equal(outcomes[OUTCOME_PARKED], parked);
    assert_int_equal(sum, read);
}

/* Saves, and says that it is kept. */
static void save(struct assigned *assigned, struct parking *parking, bool full,
                 struct buffer *payload)
{
    buffer_init(payload, 1 << 24);
    assert_int_equal(assigned_save(assigned, parking, full, payload), 0);
    assigned_saved(assigned, parking);
}

static void test_comes_back(void **state)
{
    (void)state;
    struct parking *parking = make_parking();
    struct assigned *assigned;
    struct buffer payloads[2];
    make_part(&assigned);
    apply_text(assigned, READING);
    apply_text(assigned, UNKNOWN);
    park(parking, PARTITION);
    park(parking, PARTITION + 1); /* another's */
    save(assigned, parking, true, &payloads[0]);
    apply_text(assigned, "[" READING ", 7]");
    apply_text(assigned, UNKNOWN);
    park(parking, PARTITION);
    save(assigned, parking, false, &payloads[1]);
    expect_account(assigned, 1, 2);
    struct assigned *again;
    make_part(&again);
    struct buffer why;
    buffer_init(&why, WHY_SIZE);
    for (int i = 0; i < 2; i++)
        assert_int_equal(assigned_load(again, payloads[i].data, payloads[i].size, &why), 0);
    const struct log_position at = {.offset = 77, .skip = 3};
    assert_int_equal(assigned_load_end(again, &at, &why), 0);
    expect_account(again, 1, 2);
    assert_int_equal(again->position.offset, 77);
    assert_int_equal(again->position.skip, 3);
    assert_int_equal(again->returned.count, 2);
    assert_int_equal(again->returned.oldest->partition, PARTITION);
    assert_int_equal(shard_get_stats(again->shard)->outcomes[OUTCOME_USED], 0); /* of this life */
    apply_text(again, "[1, 2, 3, " READING "]");
    uint64_t read;
    uint64_t outcomes[OUTCOME_COUNT];
    assigned_get_account(again, &read, outcomes);
    assert_int_equal(outcomes[OUTCOME_DUPLICATE], 2);
    assert_int_equal(read, 5 + 1); /* three events of the message at 77 were done before */
    assert_int_equal(again->position.offset, 78);
    assert_int_equal(again->position.skip, 0);
    for (int i = 0; i < 2; i++)
        buffer_fini(&payloads[i]);
    buffer_fini(&why);
    assigned_destroy(&again);
    assigned_destroy(&assigned);
    parking_destroy(&parking);
}

/* A payload that is cut anywhere is refused, in words. The partition is good after a reset. */
static void test_damage_is_told(void **state)
{
    (void)state;
    struct parking *parking = make_parking();
    struct assigned *assigned;
    struct buffer payload;
    make_part(&assigned);
    apply_text(assigned, READING);
    park(parking, PARTITION);
    save(assigned, parking, true, &payload);
    for (size_t size = 0; size < payload.size; size += 1 + size / 8) {
        struct assigned *other;
        make_part(&other);
        struct buffer why;
        buffer_init(&why, WHY_SIZE);
        int err = assigned_load(other, payload.data, size, &why);
        const struct log_position at = {.offset = 1};
        if (err == 0)
            err = assigned_load_end(other, &at, &why);
        if (err == 0 || why.size == 0)
            fail_msg("%zu of %zu bytes: %d", size, payload.size, err);
        buffer_fini(&why);
        assigned_destroy(&other);
    }
    struct buffer why;
    buffer_init(&why, WHY_SIZE);
    payload.data[4] = 99; /* the format */
    assert_int_equal(assigned_load(assigned, payload.data, payload.size, &why), ERR_PROTOCOL);
    assert_non_null(strstr(buffer_text(&why), "format 99"));
    buffer_fini(&why);
    buffer_fini(&payload);
    assigned_destroy(&assigned);
    parking_destroy(&parking);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writing),        cmocka_unit_test(test_waiting),
        cmocka_unit_test(test_transitions),    cmocka_unit_test(test_comes_back),
        cmocka_unit_test(test_damage_is_told),
    };
    return cmocka_run_group_tests(tests, build, destroy);
}

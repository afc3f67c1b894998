/* From when on meters are expected, and what is written of windows in which they are. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/state/registry_builder.h"
#include "tests/unit/state/shard_fixture.h"

enum { BLOCK_ROWS = 5000, PAYLOAD_MAX = 1 << 22, YEARS = 16 };

static struct batch one;
static struct block *block;
static struct output output, other;
static struct plant plant;
static const struct sink_conf local = {.name = "local"};

static int64_t at(const char *text)
{
    int64_t ms = 0;
    assert_int_equal(timestamp_parse(&ms, text, strlen(text)), 0);
    return ms;
}

static struct shard *make_of_part(int64_t known_from_ms)
{
    const struct shard_context context = {.registry = &plant.registry,
                                          .window = &windows,
                                          .kernels = tests_kernels(),
                                          .sinks_count = 1,
                                          .sinks = &local,
                                          .known_from_ms = known_from_ms};
    struct shard *shard;
    assert_int_equal(shard_create(&shard, &context, 0), 0);
    return shard;
}

static struct shard *make(void)
{
    return make_of_part(0);
}

/* Applies a reading; what must be written before it can touch its windows goes to `to`. */
static void apply(struct shard *shard, struct input input, struct output *to)
{
    fill_batch(&one, &input, 1);
    assert_int_equal(shard_apply(shard, &one, 0), 1);
    assert_int_equal(one.events[0].outcome, OUTCOME_USED);
    while (shard_is_blocked(shard))
        drain(shard, block, to);
}

static void build(const struct built_meter *meters_in, size_t count)
{
    plant_init(&plant, meters_in, count);
    for (uint32_t i = 0; i < plant.registry.facilities_count; i++)
        plant.facilities[i].time_zone = "Etc/UTC";
    output.count = other.count = 0;
}

/* The last coverage row of the window, or NULL. */
static const struct row *find(const struct output *of, enum level level, int64_t start_ms)
{
    for (size_t i = of->count; i-- > 0;) {
        const struct row *row = &of->rows[i];
        if (row->kind == ROW_COVERAGE && row->level == level && row->window.start_ms == start_ms)
            return row;
    }
    return NULL;
}

static void expect_seconds(const struct row *row, int64_t covered_s, int64_t expected_s)
{
    assert_non_null(row);
    int64_t covered_ms = (int64_t)row->figures.value[FIGURE_COVERED];
    int64_t expected_ms = (int64_t)row->figures.value[FIGURE_EXPECTED];
    if (covered_ms != covered_s * 1000 || expected_ms != expected_s * 1000)
        fail_msg("level %d from %" PRId64 ": covered %" PRId64 " of %" PRId64 " ms", row->level,
                 row->window.start_ms, covered_ms, expected_ms);
}

/* Forgets buckets and hours from then on: a year has many. */
static void keep_long_rows(struct output *of, int64_t from_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < of->count; i++)
        if (of->rows[i].level >= LEVEL_DAY || of->rows[i].window.start_ms < from_ms)
            of->rows[kept++] = of->rows[i];
    of->count = kept;
}

static uint32_t count_rows(const struct output *of, enum level level, int64_t before_ms)
{
    uint32_t count = 0;
    for (size_t i = 0; i < of->count; i++)
        count += of->rows[i].level == level && of->rows[i].window.start_ms < before_ms;
    return count;
}

#define DAY_S INT64_C(86400)
#define HOUR_S INT64_C(3600)

static const struct built_meter from_january[] = {
    {"plant", "grid", KIND_INTERVAL, "power", "grid", 0.5, 0, INT64_C(1767225600000)}};

/* The first reading is of 15 February, and valid_from is 1 January: the year has 320 days of 365.
 */
static void test_silence_before_the_first_reading(void **state)
{
    (void)state;
    build(from_january, ARRAY_LEN(from_january));
    int64_t first_ms = at("2026-02-15T00:00:00Z");
    struct shard *shard = make();
    for (int64_t t = first_ms; t < at("2027-01-01T00:00:00Z"); t += DAY_MS) {
        apply(shard, (struct input){0, t, t + DAY_MS, U, 0}, &output);
        drain(shard, block, &output);
        keep_long_rows(&output, first_ms);
    }
    shard_finish(shard);
    drain(shard, block, &output);
    assert_true(shard_is_drained(shard));
    expect_seconds(find(&output, LEVEL_MONTH, at("2026-01-01T00:00:00Z")), 0, 31 * DAY_S);
    expect_seconds(find(&output, LEVEL_MONTH, at("2026-02-01T00:00:00Z")), 14 * DAY_S, 28 * DAY_S);
    expect_seconds(find(&output, LEVEL_MONTH, at("2026-03-01T00:00:00Z")), 31 * DAY_S, 31 * DAY_S);
    expect_seconds(find(&output, LEVEL_YEAR, at("2026-01-01T00:00:00Z")), 320 * DAY_S, 365 * DAY_S);
    for (int64_t t = at("2026-01-01T00:00:00Z"); t < first_ms; t += DAY_MS) {
        expect_seconds(find(&output, LEVEL_DAY, t), 0, DAY_S);
        assert_true(find(&output, LEVEL_DAY, t)->final);
        assert_int_equal(find(&output, LEVEL_DAY, t)->meters_expected, 1);
    }
    assert_int_equal(count_rows(&output, LEVEL_DAY, first_ms), 31 + 14); /* each once */
    assert_int_equal(count_rows(&output, LEVEL_HOUR, first_ms), 0);
    assert_int_equal(count_rows(&output, LEVEL_BUCKET, first_ms), 0);
    assert_null(find(&output, LEVEL_DAY, at("2025-12-31T00:00:00Z")));
    shard_destroy(&shard);
    plant_fini(&plant);
}

static void expect_sum(enum row_kind kind, enum level level, int64_t covered_s, int64_t expected_s)
{
    struct row sum = {.level = (uint8_t)level};
    for (size_t i = 0; i < output.count; i++)
        if (output.rows[i].kind == kind && output.rows[i].level == level)
            figures_add(&sum.figures, &output.rows[i].figures);
    expect_seconds(&sum, covered_s, expected_s);
}

/* A source has no row of an hour in which it is silent; its day has the hour's expected time all
 * the same, as the facility's rows have. */
static void test_silent_hours(void **state)
{
    (void)state;
    build(from_january, ARRAY_LEN(from_january));
    int64_t start_ms = at("2026-03-01T00:00:00Z");
    struct shard *shard = make();
    for (int64_t hour = 0; hour < 24; hour++) {
        int64_t from_ms = start_ms + hour * HOUR_MS;
        if (hour != 7 && hour != 8)
            apply(shard, (struct input){0, from_ms, from_ms + HOUR_MS, U, 0}, &output);
    }
    shard_finish(shard);
    drain(shard, block, &output);
    expect_sum(ROW_EMISSIONS, LEVEL_HOUR, 22 * HOUR_S, 22 * HOUR_S);
    expect_sum(ROW_EMISSIONS, LEVEL_DAY, 22 * HOUR_S, 24 * HOUR_S);
    expect_sum(ROW_COVERAGE, LEVEL_HOUR, 22 * HOUR_S, 24 * HOUR_S);
    expect_seconds(find(&output, LEVEL_DAY, start_ms), 22 * HOUR_S, 24 * HOUR_S);
    shard_destroy(&shard);
    plant_fini(&plant);
}

/* No time is expected before the fiscal year of the first reading. */
static void test_fiscal_year(void **state)
{
    (void)state;
    static const struct {
        const char *name, *first, *from;
        int64_t year_days; /* expected in the year of the first reading, up to that day's end */
    } cases[] = {
        {"long valid", "2026-03-10T00:00:00Z", "2015-01-01T00:00:00Z", 31 + 28 + 10},
        {"valid since this year", "2026-03-10T00:00:00Z", "2026-03-01T00:00:00Z", 10},
        {"valid since the day", "2026-03-10T00:00:00Z", "2026-03-10T00:00:00Z", 1},
        {"a reading before valid_from", "2026-03-10T00:00:00Z", "2026-04-01T00:00:00Z", 0},
        {"the year's first day", "2026-01-01T00:00:00Z", "2015-01-01T00:00:00Z", 1},
        {"the year's last day", "2026-12-31T00:00:00Z", "2015-01-01T00:00:00Z", 365},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct built_meter meter = from_january[0];
        meter.valid_from_ms = at(cases[i].from);
        build(&meter, 1);
        struct shard *shard = make();
        int64_t first_ms = at(cases[i].first);
        apply(shard, (struct input){0, first_ms, first_ms + DAY_MS, U, 0}, &output);
        shard_finish(shard);
        drain(shard, block, &output);
        const struct row *year = find(&output, LEVEL_YEAR, at("2026-01-01T00:00:00Z"));
        assert_non_null(year);
        if (year->figures.value[FIGURE_EXPECTED] != (int128)cases[i].year_days * DAY_MS)
            fail_msg("%s: %" PRId64 " ms", cases[i].name,
                     (int64_t)year->figures.value[FIGURE_EXPECTED]);
        assert_null(find(&output, LEVEL_DAY, at("2025-12-31T00:00:00Z")));
        shard_destroy(&shard);
        plant_fini(&plant);
    }
}

static const struct built_meter both[] = {
    {"plant", "static", KIND_INTERVAL, "power", "grid", 0.5, 0, INT64_C(1772323200000)},
    {"plant", "other", KIND_INTERVAL, "power", "pv", 0.5, 0, 0},
};

/* A meter without valid_from is expected from its own first reading, whichever way they come. */
static void test_own_first_reading(void **state)
{
    (void)state;
    const struct input inputs[] = {
        {0, START_MS, START_MS + HOUR_MS, U, 0},
        {1, START_MS + 5 * HOUR_MS, START_MS + 6 * HOUR_MS, U, 0},
        {0, START_MS + 8 * HOUR_MS, START_MS + 9 * HOUR_MS, U, 0},
        {1, START_MS + 3 * HOUR_MS + 20 * MIN_MS, START_MS + 4 * HOUR_MS, U, 0},
    };
    static const uint8_t orders[][4] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {2, 0, 3, 1}, {1, 3, 0, 2}};
    for (size_t order = 0; order < ARRAY_LEN(orders); order++) {
        build(both, ARRAY_LEN(both));
        struct shard *shard = make();
        for (size_t i = 0; i < ARRAY_LEN(inputs); i++) {
            apply(shard, inputs[orders[order][i]], &output);
            take_rows(shard); /* what is final by then is written, and may have to be corrected */
            for (uint32_t k = 0; k < taken_rows->count; k++)
                output.rows[output.count++] = taken_rows->rows[k];
            end_rows(shard, BLOCK_DURABLE);
        }
        shard_finish(shard);
        drain(shard, block, &output);
        expect_seconds(find(&output, LEVEL_HOUR, START_MS + 2 * HOUR_MS), 0, 3600);
        expect_seconds(find(&output, LEVEL_HOUR, START_MS + 3 * HOUR_MS), 2400, 3600 + 2400);
        expect_seconds(find(&output, LEVEL_BUCKET, START_MS + 3 * HOUR_MS), 0, 900);
        expect_seconds(find(&output, LEVEL_BUCKET, START_MS + 3 * HOUR_MS + 15 * MIN_MS), 600,
                       900 + 600);
        expect_seconds(find(&output, LEVEL_HOUR, START_MS + 4 * HOUR_MS), 0, 7200);
        expect_seconds(find(&output, LEVEL_HOUR, START_MS + 5 * HOUR_MS), 3600, 7200);
        expect_seconds(find(&output, LEVEL_HOUR, START_MS + 8 * HOUR_MS), 3600, 7200);
        expect_seconds(find(&output, LEVEL_DAY, START_MS), 3 * 3600 + 2400,
                       9 * 3600 + 5 * 3600 + 2400);
        assert_int_equal(find(&output, LEVEL_HOUR, START_MS + 2 * HOUR_MS)->meters_expected, 1);
        assert_int_equal(find(&output, LEVEL_HOUR, START_MS + 3 * HOUR_MS)->meters_expected, 2);
        shard_destroy(&shard);
        plant_fini(&plant);
    }
}

/* A window that expects more has a greater version. */
static void test_versions_grow(void **state)
{
    (void)state;
    build(both, ARRAY_LEN(both));
    struct shard *shard = make();
    apply(shard, (struct input){0, START_MS, START_MS + HOUR_MS, U, 0}, &output);
    apply(shard, (struct input){0, START_MS + 8 * HOUR_MS, START_MS + 9 * HOUR_MS, U, 0}, &output);
    take_rows(shard);
    uint32_t version = find_coverage(0, LEVEL_HOUR, START_MS + 4 * HOUR_MS)->version;
    end_rows(shard, BLOCK_DURABLE);
    apply(shard, (struct input){1, START_MS + 2 * HOUR_MS, START_MS + 3 * HOUR_MS, U, 0}, &output);
    take_rows(shard);
    const struct row *row = find_coverage(0, LEVEL_HOUR, START_MS + 4 * HOUR_MS);
    expect_seconds(row, 0, 7200);
    assert_true(row->version > version);
    end_rows(shard, BLOCK_DURABLE);
    shard_destroy(&shard);
    plant_fini(&plant);
}

/* A shard that is saved and loaded after every reading writes the same rows. */
static struct shard *restart(struct shard *shard)
{
    struct buffer payload;
    struct buffer again;
    struct buffer why;
    buffer_init(&payload, PAYLOAD_MAX);
    buffer_init(&again, PAYLOAD_MAX);
    buffer_init(&why, 1 << 16);
    assert_int_equal(shard_save(shard, true, &payload), 0);
    shard_destroy(&shard);
    shard = make();
    assert_int_equal(shard_load(shard, payload.data, payload.size, &why), 0);
    assert_int_equal(shard_load_end(shard, &why), 0);
    assert_int_equal(shard_save(shard, true, &again), 0);
    assert_int_equal(again.size, payload.size);
    assert_memory_equal(again.data, payload.data, payload.size);
    buffer_fini(&payload);
    buffer_fini(&again);
    buffer_fini(&why);
    return shard;
}

static void feed(struct output *to, bool restarts)
{
    struct shard *shard = make();
    for (int64_t t = at("2026-04-15T00:00:00Z"); t < at("2026-05-06T00:00:00Z");
         t += 12 * HOUR_MS) {
        apply(shard, (struct input){0, t, t + 12 * HOUR_MS, U, 0}, to);
        if (restarts)
            shard = restart(shard);
        if (t > at("2026-04-20T00:00:00Z"))
            apply(shard, (struct input){1, t, t + HOUR_MS, U, 0}, to);
        if (restarts)
            shard = restart(shard);
    }
    shard_finish(shard);
    drain(shard, block, to);
    shard_destroy(&shard);
}

static void test_restarts(void **state)
{
    (void)state;
    build(both, ARRAY_LEN(both));
    feed(&output, false);
    feed(&other, true);
    assert_true(output.count > 0);
    for (size_t i = 0; i < output.count; i++) {
        const struct row *row = &output.rows[i];
        const struct row *same = find(&other, (enum level)row->level, row->window.start_ms);
        if (row->kind != ROW_COVERAGE)
            continue;
        assert_non_null(same);
        expect_seconds(same, (int64_t)row->figures.value[FIGURE_COVERED] / 1000,
                       (int64_t)row->figures.value[FIGURE_EXPECTED] / 1000);
        assert_int_equal(same->version, row->version);
        assert_int_equal(same->meters_expected, row->meters_expected);
    }
    expect_seconds(find(&output, LEVEL_MONTH, at("2026-03-01T00:00:00Z")), 0, 31 * DAY_S);
    expect_seconds(find(&output, LEVEL_MONTH, at("2026-04-01T00:00:00Z")),
                   16 * DAY_S + INT64_C(21) * 3600, 40 * DAY_S + INT64_C(12) * 3600);
    plant_fini(&plant);
}

/* Sixteen years of deliveries, one a quarter: rows of the windows around them, and no others. */
static void test_only_deliveries(void **state)
{
    (void)state;
    static const struct built_meter truck[] = {
        {"yard", "truck", KIND_DELIVERY, "mobile", "diesel", 2.7, 0, 0}};
    enum { DELIVERIES = 4 * YEARS };
    build(truck, ARRAY_LEN(truck));
    struct shard *shard = make();
    for (int64_t i = 0; i < DELIVERIES; i++) {
        int64_t t = at("2010-01-15T10:00:00Z") + i * 91 * DAY_MS;
        apply(shard, (struct input){0, t, t, U, 0}, &output);
        drain(shard, block, &output);
    }
    shard_finish(shard);
    drain(shard, block, &output);
    /* a bucket, hour, day, month, and now and then a year; a source and the coverage of each */
    assert_in_range(output.count, DELIVERIES * 4 * 2, (DELIVERIES * 5 + YEARS) * 2);
    for (size_t i = 0; i < output.count; i++)
        assert_true(output.rows[i].figures.value[FIGURE_EXPECTED] == 0);
    shard_destroy(&shard);
    plant_fini(&plant);
}

/* 2 March 2026 was a Monday. */
static const struct schedule *workdays(struct arena **arena_out)
{
    static const char text[] = "Mon-Fri 06:00-22:00";
    const struct schedule *schedule = NULL;
    struct schedule_fault fault;
    assert_int_equal(arena_create(arena_out), 0);
    assert_int_equal(schedule_parse(&schedule, *arena_out, text, strlen(text), 900000, &fault), 0);
    return schedule;
}

/* Outside of the schedule readings are booked and cover nothing, and a silent window has no row. */
static void test_schedule(void **state)
{
    (void)state;
    static const struct local_time utc = {NULL, 0};
    struct arena *arena;
    build(both, ARRAY_LEN(both));
    plant.registry.local_times = &utc;
    plant.meters[0].schedule = workdays(&arena);
    struct shard *shard = make();
    int64_t from_ms = at("2026-03-02T00:00:00Z");
    int64_t friday_ms = at("2026-03-06T00:00:00Z");
    apply(shard, (struct input){0, from_ms, from_ms + 4 * DAY_MS, 96 * U, 0}, &output);
    apply(shard, (struct input){0, friday_ms, friday_ms + 12 * HOUR_MS, U, 0}, &output);
    apply(shard, (struct input){0, friday_ms + 4 * DAY_MS, friday_ms + 5 * DAY_MS, U, 0}, &output);
    shard_finish(shard);
    drain(shard, block, &output);
    expect_seconds(find(&output, LEVEL_DAY, from_ms), 16 * HOUR_S, 16 * HOUR_S);
    expect_seconds(find(&output, LEVEL_DAY, friday_ms), 6 * HOUR_S, 16 * HOUR_S);
    expect_seconds(find(&output, LEVEL_HOUR, from_ms + 5 * HOUR_MS), 0, 0);
    expect_seconds(find(&output, LEVEL_HOUR, from_ms + 6 * HOUR_MS), 3600, 3600);
    expect_seconds(find(&output, LEVEL_BUCKET, from_ms + 22 * HOUR_MS), 0, 0);
    expect_seconds(find(&output, LEVEL_HOUR, friday_ms + 21 * HOUR_MS), 0, 3600);
    assert_null(find(&output, LEVEL_HOUR, friday_ms + 22 * HOUR_MS));
    assert_null(find(&output, LEVEL_DAY, friday_ms + DAY_MS));
    expect_seconds(find(&output, LEVEL_MONTH, at("2026-03-01T00:00:00Z")), 86 * HOUR_S,
                   112 * HOUR_S);
    const struct row *row = find(&output, LEVEL_HOUR, from_ms + 6 * HOUR_MS);
    assert_int_equal(row->meters_expected, 1);
    row = find(&output, LEVEL_HOUR, from_ms + 5 * HOUR_MS);
    assert_int_equal(row->meters_expected, 0);
    shard_destroy(&shard);
    arena_destroy(&arena);
    plant_fini(&plant);
}

/* Beside others that are expected always, once all are. */
static void test_schedule_beside_others(void **state)
{
    (void)state;
    static const struct local_time utc = {NULL, 0};
    struct arena *arena;
    build(both, ARRAY_LEN(both));
    plant.registry.local_times = &utc;
    plant.meters[1].schedule = workdays(&arena);
    struct shard *shard = make();
    int64_t from_ms = at("2026-03-02T00:00:00Z");
    for (int64_t t = from_ms; t < from_ms + 7 * DAY_MS; t += DAY_MS)
        for (uint32_t i = 0; i < 2; i++)
            apply(shard, (struct input){i, t, t + DAY_MS, U, 0}, &output);
    shard_finish(shard);
    drain(shard, block, &output);
    expect_seconds(find(&output, LEVEL_DAY, from_ms), 40 * HOUR_S, 40 * HOUR_S);
    expect_seconds(find(&output, LEVEL_DAY, from_ms + 5 * DAY_MS), 24 * HOUR_S, 24 * HOUR_S);
    expect_seconds(find(&output, LEVEL_HOUR, from_ms + 2 * HOUR_MS), 3600, 3600);
    assert_int_equal(find(&output, LEVEL_HOUR, from_ms + 2 * HOUR_MS)->meters_expected, 1);
    assert_int_equal(find(&output, LEVEL_HOUR, from_ms + 7 * HOUR_MS)->meters_expected, 2);
    shard_destroy(&shard);
    arena_destroy(&arena);
    plant_fini(&plant);
}

/* The newest instant of a register or a gauge opens no bucket; a delivery does. */
static void test_newest_instant(void **state)
{
    (void)state;
    static const struct {
        uint8_t kind;
        int64_t step_ms;
        bool opens;
    } cases[] = {
        {KIND_REGISTER, HOUR_MS, false},
        {KIND_GAUGE, 15 * MIN_MS, false},
        {KIND_DELIVERY, HOUR_MS, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct built_meter meter = {"plant", "m", cases[i].kind, "power", "grid", 0.5, 0, 0};
        int64_t midnight_ms = START_MS + DAY_MS;
        build(&meter, 1);
        struct shard *shard = make();
        for (int64_t t = START_MS; t <= midnight_ms; t += cases[i].step_ms)
            apply(shard, (struct input){0, t, t, U, 0}, &output);
        shard_finish(shard);
        drain(shard, block, &output);
        assert_int_equal(find(&output, LEVEL_BUCKET, midnight_ms) != NULL, cases[i].opens);
        assert_int_equal(find(&output, LEVEL_DAY, midnight_ms) != NULL, cases[i].opens);
        if (!cases[i].opens)
            expect_seconds(find(&output, LEVEL_MONTH, START_MS), DAY_S, DAY_S);
        shard_destroy(&shard);
        plant_fini(&plant);
    }
}

enum { SOURCES = 15 }; /* as many as a plant has meters */

/* Fifteen sources of a meter each, from January on. The boiler has 60 % of the emissions, and is
 * silent on 9 February. With `restarts` the shard is saved and loaded every day. */
static struct shard *weigh(int64_t known_from_ms, bool restarts)
{
    static char names[SOURCES][8];
    struct built_meter list[SOURCES];
    for (int i = 0; i < SOURCES; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "m%02d", i);
        list[i] =
            (struct built_meter){"plant", names[i], KIND_INTERVAL, "power", names[i], 1.0, 0, 0};
    }
    build(list, SOURCES);
    for (int i = 0; i < SOURCES; i++)
        plant.factors[0][(size_t)RATE_CO2E * SOURCES + (size_t)i] = 1;
    struct shard *shard = make_of_part(known_from_ms);
    for (int64_t t = at("2026-01-01T00:00:00Z"); t < at("2026-02-10T00:00:00Z"); t += DAY_MS) {
        for (uint32_t i = 0; i < SOURCES; i++) {
            bool silent = i == 0 && t == at("2026-02-09T00:00:00Z");
            int64_t value = i == 0 ? 21 * U : U; /* 21 of 35 */
            if (!silent)
                apply(shard, (struct input){i, t, t + DAY_MS, value, 0}, &output);
            drain(shard, block, &output);
            keep_long_rows(&output, INT64_MIN);
        }
        if (restarts)
            shard = restart(shard);
    }
    shard_finish(shard);
    drain(shard, block, &output);
    return shard;
}

/* By time 14/15 is covered, by emissions 0.40. */
static void test_weighted(void **state)
{
    (void)state;
    struct shard *shard = weigh(0, false);
    const struct row *row = find(&output, LEVEL_DAY, at("2026-02-09T00:00:00Z"));
    expect_seconds(row, 14 * DAY_S, 15 * DAY_S);
    assert_true(row->weight_total > 0);
    assert_true(row->weight_covered * 100 == row->weight_total * 40);
    row = find(&output, LEVEL_DAY, at("2026-02-08T00:00:00Z"));
    assert_true(row->weight_covered == row->weight_total);
    row = find(&output, LEVEL_DAY, at("2026-02-02T00:00:00Z")); /* January has not closed */
    assert_true(row->weight_total == 0);
    row = find(&output, LEVEL_DAY, at("2026-02-03T00:00:00Z"));
    assert_true(row->weight_total > 0);
    shard_destroy(&shard);
    plant_fini(&plant);
}

/* The month that has closed is in the saved state for as long as some window is weighed by it. */
static void test_weighted_after_restarts(void **state)
{
    (void)state;
    static struct output calm;
    struct shard *shard = weigh(0, false);
    shard_destroy(&shard);
    plant_fini(&plant);
    memcpy(&calm, &output, sizeof(calm));
    shard = weigh(0, true);
    uint32_t weighed = 0;
    for (size_t i = 0; i < calm.count; i++) {
        const struct row *want = &calm.rows[i];
        if (want->kind != ROW_COVERAGE)
            continue;
        want = find(&calm, (enum level)want->level, want->window.start_ms);
        const struct row *got = find(&output, (enum level)want->level, want->window.start_ms);
        assert_non_null(got);
        assert_true(got->weight_covered == want->weight_covered);
        assert_true(got->weight_total == want->weight_total);
        weighed += got->weight_total > 0;
    }
    assert_true(weighed > 0);
    shard_destroy(&shard);
    plant_fini(&plant);
}

/* A month weighs only if the log is known from its beginning on. */
static void test_a_month_in_part_does_not_weigh(void **state)
{
    (void)state;
    static const struct {
        const char *known_from;
        bool weighs;
    } cases[] = {{"2026-01-01T00:00:00Z", true}, {"2026-01-01T00:15:00Z", false}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        memset(&output, 0, sizeof(output));
        struct shard *shard = weigh(at(cases[i].known_from), false);
        const struct row *row = find(&output, LEVEL_DAY, at("2026-02-09T00:00:00Z"));
        assert_int_equal(row->weight_total > 0, cases[i].weighs);
        expect_seconds(row, 14 * DAY_S, 15 * DAY_S);
        shard_destroy(&shard);
        plant_fini(&plant);
    }
}

static int set_up(void **state)
{
    return set_up_taken(state) != 0 ? -1 : block_create(&block, BLOCK_ROWS);
}

static int tear_down(void **state)
{
    block_destroy(&block);
    return tear_down_taken(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_silence_before_the_first_reading),
        cmocka_unit_test(test_silent_hours),
        cmocka_unit_test(test_fiscal_year),
        cmocka_unit_test(test_own_first_reading),
        cmocka_unit_test(test_versions_grow),
        cmocka_unit_test(test_restarts),
        cmocka_unit_test(test_only_deliveries),
        cmocka_unit_test(test_newest_instant),
        cmocka_unit_test(test_schedule),
        cmocka_unit_test(test_schedule_beside_others),
        cmocka_unit_test(test_weighted),
        cmocka_unit_test(test_weighted_after_restarts),
        cmocka_unit_test(test_a_month_in_part_does_not_weigh),
    };
    return cmocka_run_group_tests_name("site_expected", tests, set_up, tear_down);
}

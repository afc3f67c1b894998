/*
 * The targets of a facility are judged by event time alone: which stamps an event crosses, what a
 * late reading changes, and what waits for a sink.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include <cmocka.h>

#include "base/decimal.h"
#include "config/targets/civil.h"
#include "pipelines/trajectory/course.h"
#include "tests/unit/state/registry_builder.h"
#include "tests/unit/state/shard_fixture.h"

#define KOLKATA_MS (330 * MIN_MS)
#define BEGIN_MS (START_MS - KOLKATA_MS) /* 1 March 2026 begins */
enum { TOLD_MAX = 4000, BLOCK_ROWS = 400, CHAIN_MAX = 8, PAYLOAD_MAX = 1 << 24 };

static const struct built_meter grid[] = {{.facility = "plant",
                                           .id = "grid",
                                           .kind = KIND_INTERVAL,
                                           .category = "power",
                                           .source = "grid",
                                           .factor = 1}};
static struct target target_rows[] = {{.id = "plant-2030",
                                       .name = "plant",
                                       .scopes = 1U << 1,
                                       .year_start = 1,
                                       .meter = REGISTRY_NONE,
                                       .base_year = 2024,
                                       .target_year = 2030,
                                       .base_mg = 36500 * U,
                                       .cut = PART_ONE / 2}};
static struct targets targets = {.targets = target_rows, .targets_count = ARRAY_LEN(target_rows)};
static struct trajectory_conf trajectory = {.nonworking = PART_ONE,
                                            .base_change_min = PART_ONE / 20,
                                            .share_min = PART_ONE / 10,
                                            .coverage_min = INT64_C(4) * PART_ONE / 5,
                                            .watch = PART_ONE / 200,
                                            .warning = PART_ONE / 50,
                                            .critical = PART_ONE / 20,
                                            .margin = PART_ONE / 100,
                                            .miss_probability = INT64_C(9) * PART_ONE / 10,
                                            .enter_days = 3,
                                            .leave_days = 3,
                                            .dwell_ms = DAY_MS};
static const struct sink_conf sinks[] = {{.name = "db"}};
static const struct offset_change kolkata_offsets[] = {{INT64_MIN, KOLKATA_MS}};
static const struct local_time kolkata = {kolkata_offsets, 1};

static struct plant plant;
static const struct window_conf *horizon = &windows;

static int set_up(void **state)
{
    (void)state;
    plant_init(&plant, grid, ARRAY_LEN(grid));
    plant.factors[0][RATE_CO2E] = 1; /* of one meter: a milligram for a micro-unit */
    plant.registry.local_times = &kolkata;
    plant.facilities[0].time_zone = "Asia/Kolkata";
    plant.facilities[0].valid_from_ms = INT64_MIN;
    plant.facilities[0].valid_to_ms = INT64_MAX;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    plant_fini(&plant);
    return 0;
}

struct bench {
    struct shard *shard;
    struct block *block;
    struct row told[TOLD_MAX]; /* of targets as they were taken, without `trajectory_now` */
    uint32_t count;
    struct row now;
    bool keeps;              /* no row is taken until the shard asks for it */
    uint32_t restarts_every; /* saves; 0: nothing is saved */
    struct buffer payloads[CHAIN_MAX];
    uint32_t payloads_count;
};

static struct shard *make(void)
{
    const struct shard_context context = {.registry = &plant.registry,
                                          .window = horizon,
                                          .targets = &targets,
                                          .trajectory = &trajectory,
                                          .kernels = tests_kernels(),
                                          .sinks_count = ARRAY_LEN(sinks),
                                          .sinks = sinks};
    struct shard *shard;
    assert_int_equal(shard_create(&shard, &context, 0), 0);
    return shard;
}

static struct bench *begin(void)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    assert_non_null(bench);
    bench->shard = make();
    assert_int_equal(block_create(&bench->block, BLOCK_ROWS), 0);
    return bench;
}

static void end(struct bench **bench)
{
    shard_destroy(&(*bench)->shard);
    for (uint32_t i = 0; i < (*bench)->payloads_count; i++)
        buffer_fini(&(*bench)->payloads[i]);
    block_destroy(&(*bench)->block);
    free(TAKE(*bench));
}

static void take(struct bench *bench, enum take_mode mode)
{
    struct block *block = bench->block;
    for (block->count = 0; shard_take_rows(bench->shard, 0, mode, block) > 0; block->count = 0) {
        for (uint32_t i = 0; i < block->count; i++) {
            const struct row *row = &block->rows[i];
            if (row->kind == ROW_TRAJECTORY_NOW)
                bench->now = *row;
            else if (row->kind >= ROW_WINDOW_KINDS)
                bench->told[bench->count++] = *row;
            assert_true(bench->count < TOLD_MAX);
            shard_end_row(bench->shard, 0, row, BLOCK_DURABLE);
        }
    }
}

static void restart(struct bench *bench)
{
    struct buffer why;
    buffer_init(&why, 1000);
    shard_destroy(&bench->shard);
    bench->shard = make();
    for (uint32_t i = 0; i < bench->payloads_count; i++) {
        assert_int_equal(
            shard_load(bench->shard, bench->payloads[i].data, bench->payloads[i].size, &why), 0);
        buffer_fini(&bench->payloads[i]);
    }
    bench->payloads_count = 0;
    assert_int_equal(shard_load_end(bench->shard, &why), 0);
    buffer_fini(&why);
}

static void save(struct bench *bench)
{
    if (bench->restarts_every == 0)
        return;
    struct buffer *payload = &bench->payloads[bench->payloads_count++];
    buffer_init(payload, PAYLOAD_MAX);
    assert_int_equal(shard_save(bench->shard, false, payload), 0);
    shard_saved(bench->shard);
    if (bench->payloads_count == bench->restarts_every)
        restart(bench);
}

static void apply(struct bench *bench, struct batch *batch)
{
    uint32_t done = 0;
    while ((done = shard_apply(bench->shard, batch, done)) < batch->count ||
           shard_is_blocked(bench->shard)) {
        uint32_t before = bench->count;
        save(bench);
        take(bench, TAKE_CLOSING);
        assert_true(bench->count > before || !shard_is_blocked(bench->shard));
        if (done == batch->count && !shard_is_blocked(bench->shard))
            break;
    }
    save(bench);
    if (!bench->keeps)
        take(bench, TAKE_ALL);
}

/* A reading of 15 minutes. */
static void read_one(struct bench *bench, int64_t start_ms, int64_t value, int64_t revision)
{
    static struct batch batch;
    const struct input input = {0, start_ms, start_ms + 15 * MIN_MS, value, revision};
    fill_batch(&batch, &input, 1);
    apply(bench, &batch);
    assert_int_equal(batch.events[0].outcome, OUTCOME_USED);
}

/* `value` a day, evenly, over [from, to). */
static void read_days(struct bench *bench, int64_t from_ms, int64_t to_ms, int64_t value)
{
    for (int64_t at_ms = from_ms; at_ms < to_ms; at_ms += 15 * MIN_MS)
        read_one(bench, at_ms, value / 96, 0);
}

/* The budget allows 83.3 units a day in 2026. January and February are not known. */
#define DAY_OVER (INT64_C(96) * 2000 * U)

static const struct row *find(const struct bench *bench, enum row_kind kind, enum level level,
                              int64_t stamp_ms)
{
    const struct row *found = NULL;
    for (uint32_t i = 0; i < bench->count; i++) {
        const struct row *row = &bench->told[i];
        if (row->kind != kind || row->level != level || row->window.start_ms != stamp_ms)
            continue;
        assert_null(found); /* a stamp is told once */
        found = row;
    }
    return found;
}

static int64_t end_of_day(int32_t days)
{
    return BEGIN_MS + (days + 1) * DAY_MS;
}

#define CLOSES_AFTER_MS (windows.allowed_delay_ms + windows.grace_ms)

static void test_each_hour_and_day_has_a_row(void **state)
{
    (void)state;
    struct bench *bench = begin();
    read_days(bench, BEGIN_MS, BEGIN_MS + 5 * DAY_MS + HOUR_MS, 96 * U);
    int64_t watermark_ms = BEGIN_MS + 5 * DAY_MS + HOUR_MS - windows.allowed_delay_ms;
    uint32_t hours = 0;
    for (int64_t hour_ms = BEGIN_MS + 30 * MIN_MS; hour_ms <= watermark_ms; hour_ms += HOUR_MS) {
        const struct row *row = find(bench, ROW_TRAJECTORY, LEVEL_HOUR, hour_ms);
        assert_non_null(row);
        int32_t day = (int32_t)((hour_ms - 1 + KOLKATA_MS) / DAY_MS);
        assert_int_equal(row->course[COURSE_DAY], day * DAY_MS);
        hours++;
    }
    for (int32_t day = 0; day < 5; day++) {
        int64_t stamp_ms = end_of_day(day) + CLOSES_AFTER_MS;
        const struct row *row = find(bench, ROW_TRAJECTORY, LEVEL_DAY, stamp_ms);
        assert_non_null(row);
        assert_int_equal(row->course[COURSE_YTD], (int64_t)(day + 1) * 96 * U);
        assert_int_equal(row->course[COURSE_COVERAGE], PART_ONE);
        assert_int_equal(row->course[COURSE_COUNTED], 1);
        assert_int_equal(row->course[COURSE_SOURCE_1], 0);
        assert_int_equal(row->course[COURSE_SOURCE_2], NULL_NUMBER);
    }
    assert_int_equal(bench->count, hours + 5);
    /* As of 00:30, when a reading up to 00:45 came. */
    assert_int_equal(bench->now.course[COURSE_YTD], 483 * U);
    assert_int_equal(bench->now.window.start_ms, BEGIN_MS - 59 * DAY_MS);
    end(&bench);
}

/* Where days begin with a full hour, that hour is the end of the day before. */
static void test_midnight_ends_a_day(void **state)
{
    (void)state;
    static const struct local_time utc;
    plant.registry.local_times = &utc;
    plant.facilities[0].time_zone = "UTC";
    struct bench *bench = begin();
    read_days(bench, START_MS, START_MS + DAY_MS + HOUR_MS, 96 * U);
    const struct row *row = find(bench, ROW_TRAJECTORY, LEVEL_HOUR, START_MS + DAY_MS);
    assert_int_equal(row->course[COURSE_DAY], START_MS);
    end(&bench);
    plant.registry.local_times = &kolkata;
    plant.facilities[0].time_zone = "Asia/Kolkata";
}

static void test_part_of_the_running_day(void **state)
{
    (void)state;
    struct bench *bench = begin();
    read_days(bench, BEGIN_MS, BEGIN_MS + DAY_MS + HOUR_MS, 96 * U);
    const struct row *before =
        find(bench, ROW_TRAJECTORY, LEVEL_HOUR, BEGIN_MS + 6 * HOUR_MS + 30 * MIN_MS);
    const struct row *after =
        find(bench, ROW_TRAJECTORY, LEVEL_HOUR, BEGIN_MS + 18 * HOUR_MS + 30 * MIN_MS);
    const struct row *closed =
        find(bench, ROW_TRAJECTORY, LEVEL_DAY, end_of_day(0) + CLOSES_AFTER_MS);
    int64_t day_share = closed->course[COURSE_SHARE] / 60; /* linear: the 60th day */
    int64_t half = after->course[COURSE_SHARE] - before->course[COURSE_SHARE];
    assert_in_range(half, day_share / 2 - 2, day_share / 2 + 2);
    end(&bench);
}

static void test_level_is_told_once(void **state)
{
    (void)state;
    struct bench *bench = begin();
    read_days(bench, BEGIN_MS, BEGIN_MS + 6 * DAY_MS, DAY_OVER);
    int64_t stamp_ms = end_of_day(2) + CLOSES_AFTER_MS;
    const struct row *alert = find(bench, ROW_ALERT, LEVEL_DAY, stamp_ms);
    assert_non_null(alert);
    assert_int_equal(alert->course[COURSE_EVENT], COURSE_ENTERED);
    assert_int_equal(alert->course[COURSE_NUMBER], 1);
    assert_int_equal(alert->course[COURSE_LEVEL], ALERT_CRITICAL);
    for (uint32_t i = 0; i < bench->count; i++)
        assert_true(bench->told[i].kind != ROW_ALERT || bench->told[i].window.start_ms == stamp_ms);
    end(&bench);
}

/* Four days without a reading, and then one: it crosses all of their stamps at once. */
static void test_silence_is_judged_stamp_by_stamp(void **state)
{
    (void)state;
    struct bench *bench = begin();
    read_days(bench, BEGIN_MS, BEGIN_MS + 2 * DAY_MS, 96 * U);
    int64_t again_ms = BEGIN_MS + 6 * DAY_MS + HOUR_MS;
    uint32_t before = bench->count;
    read_one(bench, again_ms, 7 * U, 0);
    int64_t last_ms = INT64_MIN;
    for (uint32_t i = before; i < bench->count; i++) {
        const struct row *row = &bench->told[i];
        bool closed = row->level == LEVEL_DAY;
        int64_t watermark_ms = row->window.start_ms - (closed ? windows.allowed_delay_ms : 0);
        assert_true(watermark_ms > last_ms || (watermark_ms == last_ms && !closed));
        last_ms = watermark_ms;
    }
    for (int32_t day = 2; day < 6; day++) {
        const struct row *row =
            find(bench, ROW_TRAJECTORY, LEVEL_DAY, end_of_day(day) + CLOSES_AFTER_MS);
        assert_non_null(row);
        assert_int_equal(row->course[COURSE_YTD], 192 * U); /* the reading lies behind it */
        assert_int_equal(row->course[COURSE_COVERAGE],
                         div_round_even((int128)2 * PART_ONE, day + 1));
        assert_int_equal(row->course[COURSE_COUNTED], 0);
    }
    assert_int_equal(bench->count - before, 4 + (4 * 24 + 2));
    end(&bench);
}

/* Three days above the budget, which shows 61 days and more: of these a correction takes two back.
 */
static void test_correction_restates_and_retracts(void **state)
{
    (void)state;
    struct bench *bench = begin();
    int64_t day_ms = BEGIN_MS + 3 * DAY_MS;
    read_days(bench, BEGIN_MS, BEGIN_MS + DAY_MS, 96 * U);
    read_days(bench, BEGIN_MS + DAY_MS, BEGIN_MS + 2 * DAY_MS, 5050 * U);
    read_days(bench, BEGIN_MS + 2 * DAY_MS, day_ms + DAY_MS + 30 * MIN_MS, 500 * U);
    int64_t closed_ms = end_of_day(3) + CLOSES_AFTER_MS;
    assert_int_equal(find(bench, ROW_ALERT, LEVEL_DAY, closed_ms)->course[COURSE_LEVEL],
                     ALERT_WATCH);
    for (int64_t at_ms = day_ms - DAY_MS + 30 * MIN_MS; at_ms < day_ms + DAY_MS;
         at_ms += 15 * MIN_MS)
        read_one(bench, at_ms, 0, 1);
    int64_t hour_ms = day_ms + DAY_MS + 30 * MIN_MS;
    read_days(bench, hour_ms, hour_ms + 2 * HOUR_MS, 0);
    const struct row *hour = find(bench, ROW_TRAJECTORY, LEVEL_HOUR, hour_ms);
    assert_int_equal(hour->course[COURSE_RESTATED], 1);
    assert_int_equal(hour->course[COURSE_LEVEL], ALERT_OK);
    const struct row *alert = find(bench, ROW_ALERT, LEVEL_HOUR, hour_ms);
    assert_int_equal(alert->course[COURSE_EVENT], COURSE_RETRACTED);
    assert_int_equal(alert->course[COURSE_NUMBER], 2);
    hour = find(bench, ROW_TRAJECTORY, LEVEL_HOUR, hour_ms + HOUR_MS);
    assert_int_equal(hour->course[COURSE_RESTATED], 0);
    end(&bench);
}

static void same_rows(const struct bench *a, const struct bench *b)
{
    assert_int_equal(a->count, b->count);
    for (uint32_t i = 0; i < a->count; i++) {
        assert_int_equal(a->told[i].kind, b->told[i].kind);
        assert_int_equal(a->told[i].level, b->told[i].level);
        assert_int_equal(a->told[i].window.start_ms, b->told[i].window.start_ms);
        assert_memory_equal(a->told[i].course, b->told[i].course, sizeof(a->told[i].course));
    }
}

/* Ten days of rows wait for a sink; then the shard does. */
static void test_ring_blocks(void **state)
{
    (void)state;
    static struct batch batch;
    struct bench *bench = begin();
    read_one(bench, BEGIN_MS, U, 0);
    const struct input input[] = {
        {0, BEGIN_MS + 15 * DAY_MS, BEGIN_MS + 15 * DAY_MS + 15 * MIN_MS, U, 0},
        {0, BEGIN_MS + 15 * DAY_MS + 15 * MIN_MS, BEGIN_MS + 15 * DAY_MS + 30 * MIN_MS, U, 0}};
    fill_batch(&batch, input, ARRAY_LEN(input));
    assert_int_equal(shard_apply(bench->shard, &batch, 0), 1); /* the first has been applied */
    assert_int_equal(shard_get_block(bench->shard), SHARD_WAITS_FOR_SINKS);
    take(bench, TAKE_CLOSING);
    assert_int_equal(shard_apply(bench->shard, &batch, 1), 2);
    assert_false(shard_is_blocked(bench->shard));
    end(&bench);
}

/* A year that begins, late readings of days that have closed, silences: whatever way the rows take.
 */
static void live(struct bench *bench)
{
    static struct batch batch;
    uint32_t dice = 7;
    int64_t now_ms = BEGIN_MS - 62 * DAY_MS; /* 29 December */
    for (uint32_t i = 0; i < 900; i++) {
        dice = dice * 1664525U + 1013904223U;
        uint32_t throw = dice >> 16;
        now_ms += throw % 97 == 0 ? 3 * DAY_MS : throw % 5 < 3 ? 15 * MIN_MS : HOUR_MS;
        int64_t at_ms = throw % 7 == 0 ? now_ms - (throw % 30) * HOUR_MS : now_ms;
        const struct input input = {0, at_ms, at_ms + 15 * MIN_MS, throw % 300 * U / 30, i};
        fill_batch(&batch, &input, 1);
        apply(bench, &batch);
    }
    take(bench, TAKE_ALL);
}

static void test_restarts_change_no_row(void **state)
{
    (void)state;
    trajectory.share_min = PART_ONE / 1000;
    trajectory.coverage_min = 0;
    struct bench *whole = begin();
    live(whole);
    uint32_t restated = 0;
    uint32_t alerts = 0;
    for (uint32_t i = 0; i < whole->count; i++) {
        restated += whole->told[i].course[COURSE_RESTATED] == 1;
        alerts += whole->told[i].kind == ROW_ALERT;
    }
    assert_true(restated > 20 && alerts > 2);
    for (uint32_t every = 1; every < 5; every++) {
        for (int keeps = 0; keeps < 2; keeps++) {
            struct bench *cut = begin();
            cut->restarts_every = every;
            cut->keeps = keeps != 0;
            live(cut);
            same_rows(whole, cut);
            assert_memory_equal(whole->now.course, cut->now.course, sizeof(cut->now.course));
            end(&cut);
        }
    }
    end(&whole);
    trajectory.share_min = PART_ONE / 10;
    trajectory.coverage_min = INT64_C(4) * PART_ONE / 5;
}

/* A closed day changes with each hour. The stamp that has no room any more knows it after a
 * restart.
 */
static void test_change_waits_for_room(void **state)
{
    (void)state;
    static struct batch batch;
    static struct window_conf longer;
    longer = windows; /* no day has to leave before the ring is full */
    longer.horizon_ms = 14 * DAY_MS;
    horizon = &longer;
    struct bench *bench = begin();
    read_days(bench, BEGIN_MS, BEGIN_MS + 3 * DAY_MS, 96 * U);
    int64_t now_ms = BEGIN_MS + 3 * DAY_MS;
    for (int64_t hour = 0; !shard_is_blocked(bench->shard); hour++, now_ms += HOUR_MS) {
        int64_t before_ms = now_ms - 30 * HOUR_MS;
        const struct input input[] = {
            {0, before_ms, before_ms + 15 * MIN_MS, (hour + 5) * U, hour + 1},
            {0, now_ms + 30 * MIN_MS, now_ms + 45 * MIN_MS, U, 0}};
        fill_batch(&batch, input, ARRAY_LEN(input));
        assert_int_equal(shard_apply(bench->shard, &batch, 0), ARRAY_LEN(input));
        assert_true(hour < 300);
    }
    bench->restarts_every = 1;
    save(bench);
    assert_true(shard_is_blocked(bench->shard));
    take(bench, TAKE_CLOSING);
    const struct row *hour =
        find(bench, ROW_TRAJECTORY, LEVEL_HOUR, now_ms - HOUR_MS + 30 * MIN_MS);
    assert_int_equal(hour->course[COURSE_RESTATED], 1);
    bench->restarts_every = 0;
    end(&bench);
    horizon = &windows;
}

/* A byte that is another: an error, or a state that can be worked with. */
static void test_any_byte(void **state)
{
    (void)state;
    struct bench *bench = begin();
    read_days(bench, BEGIN_MS, BEGIN_MS + 4 * DAY_MS, DAY_OVER);
    bench->keeps = true; /* some rows wait */
    read_days(bench, BEGIN_MS + 4 * DAY_MS, BEGIN_MS + 4 * DAY_MS + 5 * HOUR_MS, DAY_OVER);
    struct buffer payload;
    struct buffer why;
    buffer_init(&payload, PAYLOAD_MAX);
    buffer_init(&why, 1000);
    assert_int_equal(shard_save(bench->shard, true, &payload), 0);
    shard_destroy(&bench->shard);
    uint32_t loaded = 0;
    for (size_t at = payload.size - MIN(payload.size, 4000); at < payload.size; at++) {
        char kept = payload.data[at];
        payload.data[at] = (char)(kept ^ (1 << at % 8));
        bench->shard = make();
        buffer_clear(&why);
        if (shard_load(bench->shard, payload.data, payload.size, &why) == 0 &&
            shard_load_end(bench->shard, &why) == 0) {
            static struct batch batch;
            const struct input input = {0, BEGIN_MS + 4 * DAY_MS + 6 * HOUR_MS,
                                        BEGIN_MS + 4 * DAY_MS + 6 * HOUR_MS + 15 * MIN_MS, U, 0};
            fill_batch(&batch, &input, 1);
            (void)shard_apply(bench->shard, &batch, 0);
            bench->block->count = 0;
            (void)shard_take_rows(bench->shard, 0, TAKE_ALL, bench->block);
            loaded++;
        }
        shard_destroy(&bench->shard);
        payload.data[at] = kept;
    }
    assert_true(loaded > 0);
    buffer_fini(&payload);
    buffer_fini(&why);
    bench->shard = make();
    end(&bench);
}

/* Version 4 has a byte less in the part of a facility without targets, and one behind the event. */
static void make_version_4(struct buffer *payload)
{
    const size_t behind = 3 + strlen("plant"); /* no event, no stock that accrues, the text */
    const size_t end = payload->size - behind;
    assert_int_equal(payload->data[5], 5);
    size_t at = 6;
    uint32_t size;
    do {
        at++;
        memcpy(&size, payload->data + at, sizeof(size)); /* the lowest byte first */
    } while (at + sizeof(size) + size != end);
    size--;
    memcpy(payload->data + at, &size, sizeof(size));
    memmove(payload->data + end - 1, payload->data + end, behind);
    memmove(payload->data + end, payload->data + end + 1, behind - 2);
    payload->size -= 2;
    payload->data[5] = 4;
}

/* The facility has no state of targets yet: the days that have left are not known, and not zero. */
static void test_version_4_begins_with_its_open_days(void **state)
{
    (void)state;
    struct bench *bench = begin();
    shard_destroy(&bench->shard);
    targets.targets_count = 0;
    bench->shard = make();
    read_days(bench, BEGIN_MS, BEGIN_MS + 8 * DAY_MS, DAY_OVER);
    assert_int_equal(bench->count, 0);
    struct buffer *payload = &bench->payloads[bench->payloads_count++];
    buffer_init(payload, PAYLOAD_MAX);
    assert_int_equal(shard_save(bench->shard, true, payload), 0);
    targets.targets_count = ARRAY_LEN(target_rows);
    make_version_4(payload);
    restart(bench);
    read_days(bench, BEGIN_MS + 8 * DAY_MS, BEGIN_MS + 10 * DAY_MS, DAY_OVER);
    assert_null(find(bench, ROW_TRAJECTORY, LEVEL_DAY, end_of_day(6) + CLOSES_AFTER_MS));
    const struct row *row = find(bench, ROW_TRAJECTORY, LEVEL_DAY, end_of_day(8) + CLOSES_AFTER_MS);
    /* Two days of horizon and the one in which it begins were open, and the ninth. */
    assert_int_equal(row->course[COURSE_YTD], 4 * DAY_OVER);
    assert_int_equal(row->course[COURSE_COVERAGE], div_round_even((int128)4 * PART_ONE, 9));
    assert_int_equal(row->course[COURSE_COUNTED], 0);
    end(&bench);
}

/* Level and rows of a target that is gone are dropped. */
static void test_target_is_gone(void **state)
{
    (void)state;
    struct bench *bench = begin();
    bench->keeps = true;
    read_days(bench, BEGIN_MS, BEGIN_MS + DAY_MS, 96 * U);
    bench->restarts_every = 1;
    targets.targets_count = 0;
    save(bench);
    bench->restarts_every = 0;
    take(bench, TAKE_ALL);
    assert_int_equal(bench->count, 0);
    targets.targets_count = ARRAY_LEN(target_rows);
    end(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_hour_and_day_has_a_row),
        cmocka_unit_test(test_midnight_ends_a_day),
        cmocka_unit_test(test_part_of_the_running_day),
        cmocka_unit_test(test_level_is_told_once),
        cmocka_unit_test(test_silence_is_judged_stamp_by_stamp),
        cmocka_unit_test(test_correction_restates_and_retracts),
        cmocka_unit_test(test_ring_blocks),
        cmocka_unit_test(test_restarts_change_no_row),
        cmocka_unit_test(test_change_waits_for_room),
        cmocka_unit_test(test_any_byte),
        cmocka_unit_test(test_version_4_begins_with_its_open_days),
        cmocka_unit_test(test_target_is_gone),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

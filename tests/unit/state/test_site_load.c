/* A site that is loaded under another registry, or in another partition. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pipelines/metering/register_chain.h"
#include "pipelines/state/shard_state.h"
#include "tests/unit/state/registry_builder.h"
#include "tests/unit/state/shard_fixture.h"

enum { PAYLOAD_MAX = 1 << 20, ROWS = 8000 };

static const struct built_meter before[] = {
    {"mill", "boiler", KIND_REGISTER, "stationary", "gas", 2.0, 0, 0},
    {"mill", "line-1", KIND_INTERVAL, "power", "grid", 0.5, 0, 0},
    {"yard", "truck", KIND_DELIVERY, "mobile", "diesel", 2.7, 0, 0},
};
enum { LINE = 1, TRUCK = 2, GRID = 1 };
static const struct sink_conf near_far[] = {{.name = "near"}, {.name = "far"}};

static struct batch batch;
static struct block *block;
static struct buffer saved, why;

static int set_up(void **state)
{
    (void)state;
    buffer_init(&saved, PAYLOAD_MAX);
    buffer_init(&why, 1 << 16);
    return block_create(&block, ROWS);
}

static int tear_down(void **state)
{
    (void)state;
    block_destroy(&block);
    buffer_fini(&saved);
    buffer_fini(&why);
    return 0;
}

static struct shard *make(const struct plant *plant, uint32_t partition, uint32_t *owners)
{
    const struct shard_context context = {.registry = &plant->registry,
                                          .window = &windows,
                                          .kernels = tests_kernels(),
                                          .sinks_count = 2,
                                          .sinks = near_far,
                                          .facility_partition = owners};
    struct shard *shard;
    assert_int_equal(shard_create(&shard, &context, partition), 0);
    return shard;
}

static void apply(struct shard *shard, struct input input)
{
    fill_batch(&batch, &input, 1);
    assert_int_equal(shard_apply(shard, &batch, 0), 1);
    assert_int_equal(batch.events[0].outcome, OUTCOME_USED);
}

static void save(struct shard **shard)
{
    buffer_clear(&saved);
    assert_int_equal(shard_save(*shard, true, &saved), 0);
    shard_destroy(shard);
}

static void load(struct shard *shard)
{
    buffer_clear(&why);
    if (shard_load(shard, saved.data, saved.size, &why) < 0 || shard_load_end(shard, &why) < 0 ||
        shard_audit(shard, &why) != 0)
        fail_msg("%s", buffer_text(&why));
}

static void take(struct shard *shard, uint32_t sink)
{
    block->count = 0;
    shard_take_rows(shard, sink, TAKE_ALL, block);
    for (uint32_t i = 0; i < block->count; i++)
        shard_end_row(shard, sink, &block->rows[i], BLOCK_DURABLE);
}

/* Line 1 has more than it can hold in a bucket by now: cells that were projected for good count as
 * nothing then, as those that are projected again do. At its limit a cell stays. */
static void expect_limited(int64_t value, int64_t cell_max, int64_t want)
{
    enum { HOURS = 62, READINGS_MAX = 56 }; /* the oldest readings are forgotten */
    struct plant plant;
    plant_init(&plant, before, ARRAY_LEN(before));
    plant.meters[LINE].readings_max = READINGS_MAX;
    struct shard *shard = make(&plant, 0, NULL);
    for (int64_t t = START_MS; t < START_MS + HOURS * HOUR_MS; t += HOUR_MS)
        apply(shard, (struct input){LINE, t, t + HOUR_MS, 4 * value, 0});
    assert_true(shard_get_stats(shard)->readings < READINGS_MAX);
    save(&shard);
    plant.meters[LINE].cell_max = cell_max;
    shard = make(&plant, 0, NULL);
    load(shard);
    take(shard, 0);
    struct figures sum = {0};
    for (uint32_t i = 0; i < block->count; i++) {
        const struct row *row = &block->rows[i];
        if (row->kind == ROW_EMISSIONS && row->level == LEVEL_DAY && row->series == GRID)
            figures_add(&sum, &row->figures);
    }
    assert_true(sum.value[FIGURE_ACTIVITY] == (int128)4 * HOURS * want);
    assert_true(sum.value[FIGURE_CELLS] == (int128)4 * HOURS);
    assert_true(sum.value[FIGURE_COVERED] == (int128)HOURS * HOUR_MS);
    shard_destroy(&shard);
    plant_fini(&plant);
}

static void test_lower_limit(void **state)
{
    (void)state;
    expect_limited(10 * U, 10 * U, 10 * U);
    expect_limited(10 * U, 10 * U - 1, 0);
    expect_limited(-10 * U, 10 * U, -10 * U);
    expect_limited(-10 * U, 10 * U - 1, 0);
}

/* The largest values that a meter can show come back. */
static void test_largest_values(void **state)
{
    (void)state;
    struct plant plant;
    plant_init(&plant, before, ARRAY_LEN(before));
    for (int sign = -1; sign <= 1; sign += 2) {
        struct shard *shard = make(&plant, 0, NULL);
        apply(shard, (struct input){LINE, START_MS, START_MS + 15 * MIN_MS, sign * CELL_MAX, 0});
        apply(shard, (struct input){0, START_MS, START_MS, sign * REGISTER_MAX, 0});
        apply(shard,
              (struct input){0, START_MS + HOUR_MS, START_MS + HOUR_MS, -sign * REGISTER_MAX, 0});
        save(&shard);
        shard = make(&plant, 0, NULL);
        load(shard);
        assert_int_equal(shard_get_stats(shard)->readings, 3);
        shard_destroy(&shard);
    }
    plant_fini(&plant);
}

/* Windows that the watermark has passed are written as revisions, those of the newest reading's
 * watermark too. */
static void test_another_factor_is_a_revision(void **state)
{
    (void)state;
    struct plant plant;
    plant_init(&plant, before, ARRAY_LEN(before));
    struct shard *shard = make(&plant, 0, NULL);
    struct input input = {LINE, START_MS, START_MS + 15 * MIN_MS, 10 * U, 0};
    apply(shard, input);
    input.start_ms += 5 * HOUR_MS;
    input.end_ms += 5 * HOUR_MS;
    apply(shard, input);
    save(&shard);
    plant_fini(&plant);
    struct built_meter after[ARRAY_LEN(before)];
    memcpy(after, before, sizeof(before));
    after[LINE].factor = 0.6;
    plant_init(&plant, after, ARRAY_LEN(after));
    shard = make(&plant, 0, NULL);
    load(shard);
    take(shard, 0);
    uint32_t found = 0;
    for (uint32_t i = 0; i < block->count; i++) {
        const struct row *row = &block->rows[i];
        if (row->kind != ROW_EMISSIONS || row->level != LEVEL_BUCKET)
            continue;
        assert_int_equal(row->revision, row->window.start_ms == START_MS);
        found++;
    }
    assert_int_equal(found, 2);
    shard_destroy(&shard);
    plant_fini(&plant);
}

static struct reading *newest_reading(struct shard *shard, uint32_t site, uint32_t column)
{
    const struct journal *journal = &shard->own[site]->journals[column];
    return journal_at(journal, journal->count - 1);
}

static void expect_same_bytes(struct shard *shard)
{
    struct buffer again;
    buffer_init(&again, PAYLOAD_MAX);
    assert_int_equal(shard_save(shard, true, &again), 0);
    assert_int_equal(again.size, saved.size);
    assert_memory_equal(again.data, saved.data, saved.size);
    buffer_fini(&again);
}

/* Role, conflict and identity of a reading come back; what a register's chain made of it is judged
 * again. */
static void test_roles(void **state)
{
    (void)state;
    struct plant plant;
    plant_init(&plant, before, ARRAY_LEN(before));
    struct shard *shard = make(&plant, 0, NULL);
    apply(shard, (struct input){0, START_MS, START_MS, U, 0});
    newest_reading(shard, 0, 0)->role = ROLE_INITIAL;
    newest_reading(shard, 0, 0)->chain = 77;
    apply(shard, (struct input){TRUCK, START_MS, START_MS, U, 0});
    newest_reading(shard, 1, 0)->id_hash = UINT64_MAX;
    newest_reading(shard, 1, 0)->role = ROLE_MOVED;
    newest_reading(shard, 1, 0)->conflict = 1;
    apply(shard, (struct input){TRUCK, START_MS + 1, START_MS + 1, U, 0});
    apply(shard, (struct input){TRUCK, START_MS + 2, START_MS + 2, U, 0});
    newest_reading(shard, 1, 0)->role = ROLE_TRANSFER;
    save(&shard);
    shard = make(&plant, 0, NULL);
    load(shard);
    const struct reading *plain = newest_reading(shard, 1, 0) - 1;
    assert_int_equal(plain[1].role, ROLE_TRANSFER);
    assert_int_equal(plain[-1].role, ROLE_MOVED);
    assert_int_equal(plain[-1].conflict, 1);
    assert_true(plain[-1].id_hash == UINT64_MAX);
    assert_int_equal(plain->role, ROLE_READING);
    assert_int_equal(plain->conflict, 0);
    assert_true(plain->id_hash == 0);
    assert_int_equal(newest_reading(shard, 0, 0)->role, ROLE_INITIAL);
    struct chain_link link = chain_link_of(newest_reading(shard, 0, 0));
    assert_int_equal(link.step, CHAIN_BRIDGE); /* it was judged again, whatever was there */
    expect_same_bytes(shard);
    shard_destroy(&shard);
    plant_fini(&plant);
}

/* A register that wraps once a day and a half, and whose journal is cut: what was forgotten decides
 * as before. Each part of a chain of payloads is loaded. */
static void test_past(void **state)
{
    (void)state;
    enum { READINGS = 900, EACH = 60 };
    struct plant plant;
    plant_init(&plant, before, ARRAY_LEN(before));
    plant.meters[0].readings_max = 304;
    plant.meters[0].register_modulus = 1000 * U;
    struct shard *shard = make(&plant, 0, NULL);
    struct shard *other = make(&plant, 0, NULL);
    struct journal *journal = NULL;
    uint32_t pasts = 0;
    for (int64_t i = 0; i < READINGS; i++) {
        int64_t at_ms = START_MS + i * 15 * MIN_MS;
        apply(shard, (struct input){0, at_ms, at_ms, i * 7 % 1000 * U, 0});
        for (uint32_t sink = 0; sink < 2; sink++)
            take(shard, sink);
        journal = &shard->own[0]->journals[0];
        if (i % EACH != EACH - 1)
            continue;
        pasts += journal->past_changed;
        buffer_clear(&saved);
        assert_int_equal(shard_save(shard, false, &saved), 0);
        shard_saved(shard);
        assert_false(journal->past_changed);
        assert_int_equal(shard_load(other, saved.data, saved.size, &why), 0);
    }
    assert_true(pasts > 2 && pasts < READINGS / EACH);
    assert_int_equal(shard_load_end(other, &why), 0);
    const struct journal *loaded = &other->own[0]->journals[0];
    assert_true(journal->past.known && journal->past.rises > PAST_RISES);
    assert_int_equal(loaded->count, journal->count);
    for (uint32_t i = 1; i < journal->count; i++)
        assert_true(journal_at(loaded, i)->chain == journal_at(journal, i)->chain);
    buffer_clear(&saved);
    assert_int_equal(shard_save(shard, true, &saved), 0);
    expect_same_bytes(other);
    shard_destroy(&shard);
    shard_destroy(&other);
    plant_fini(&plant);
}

static void decide(struct shard *shard, uint32_t meter, int64_t start_ms, int64_t end_ms,
                   bool drops)
{
    fill_batch(&batch, &(struct input){meter, start_ms, end_ms, 0, 0}, 1);
    batch.events[0].value = decision_pack(drops, ROLE_READING);
    batch.events[0].role = ROLE_DECISION;
    batch.events[0].offset = 7;
    assert_int_equal(shard_apply(shard, &batch, 0), 1);
    assert_int_equal(batch.events[0].outcome, OUTCOME_USED);
}

/* A journal is cut at a reading that counts as measured: an estimate that a person has accepted is
 * one. An estimate without such a decision has no past. */
static void test_past_of_an_accepted_estimate(void **state)
{
    (void)state;
    for (int accepted = 0; accepted < 2; accepted++) {
        struct plant plant;
        plant_init(&plant, before, ARRAY_LEN(before));
        struct shard *shard = make(&plant, 0, NULL);
        for (int64_t i = 0; i < 6; i++)
            apply(shard,
                  (struct input){0, START_MS + i * HOUR_MS, START_MS + i * HOUR_MS, i * U, 0});
        if (accepted)
            decide(shard, 0, START_MS, START_MS, false);
        struct journal *journal = &shard->own[0]->journals[0];
        journal_at(journal, 0)->quality = QUALITY_ESTIMATED;
        journal->past = (struct register_past){.known = true};
        save(&shard);
        shard = make(&plant, 0, NULL);
        assert_int_equal(shard_load(shard, saved.data, saved.size, &why), 0);
        assert_int_equal(shard_load_end(shard, &why), accepted ? 0 : ERR_SYNTAX);
        shard_destroy(&shard);
        plant_fini(&plant);
    }
}

static const struct cell noted_cell = {.activity = 3 * U,
                                       .covered_ms = 1000,
                                       .spread_ms = 999,
                                       .held_ms = 2,
                                       .moved_ms = NOTE_MOVED_MAX_MS,
                                       .glitches = NOTE_COUNT_MAX,
                                       .conflicts = 4,
                                       .present = true};

static void expect_noted_cell(const struct cell_note *note)
{
    assert_int_equal(note->spread_ms, noted_cell.spread_ms);
    assert_int_equal(note->held_ms, noted_cell.held_ms);
    assert_true((int64_t)note->moved_ms == noted_cell.moved_ms);
    assert_int_equal(note->glitches, noted_cell.glitches);
    assert_int_equal(note->conflicts, noted_cell.conflicts);
}

static bool tells_noted_cell(const struct row *row)
{
    const int128 *value = row->figures.value;
    return value[FIGURE_HELD] == noted_cell.held_ms &&
           value[FIGURE_SPREAD] == noted_cell.spread_ms &&
           value[FIGURE_MOVED] == noted_cell.moved_ms &&
           value[FIGURE_GLITCHES] == noted_cell.glitches &&
           value[FIGURE_CONFLICTS] == noted_cell.conflicts;
}

/* Cells whose readings are gone keep their notes, and rows of all windows tell them. */
static void test_notes(void **state)
{
    (void)state;
    enum { HOURS = 62, READINGS_MAX = 56 };
    struct plant plant;
    plant_init(&plant, before, ARRAY_LEN(before));
    plant.meters[LINE].readings_max = READINGS_MAX;
    struct shard *shard = make(&plant, 0, NULL);
    for (int64_t t = START_MS; t < START_MS + HOURS * HOUR_MS; t += HOUR_MS)
        apply(shard, (struct input){LINE, t, t + HOUR_MS, U, 0});
    int64_t row = START_MS / (15 * MIN_MS) + 4;
    panel_project_row(shard->own[0]->panel, row);
    assert_true(row * 15 * MIN_MS < shard->own[0]->journals[LINE].forgotten_ms);
    panel_put(shard->own[0]->panel, row, LINE, &noted_cell);
    save(&shard);
    shard = make(&plant, 0, NULL);
    load(shard);
    expect_noted_cell(&panel_get_row(shard->own[0]->panel, row).notes[LINE]);
    assert_int_equal(shard_get_stats(shard)->noted.glitches, NOTE_COUNT_MAX);
    expect_same_bytes(shard);
    take(shard, 0);
    uint32_t found = 0;
    for (uint32_t i = 0; i < block->count; i++) {
        assert_int_equal(tells_noted_cell(&block->rows[i]), block->rows[i].figures.noted);
        found += block->rows[i].figures.noted;
    }
    assert_int_equal(found, 2 * LEVEL_COUNT); /* the series and the facility */
    shard_destroy(&shard);
    plant_fini(&plant);
}

static int128 activity_of(enum level level)
{
    int128 sum = 0;
    for (uint32_t i = 0; i < block->count; i++)
        if (block->rows[i].kind == ROW_EMISSIONS && block->rows[i].level == level)
            sum += block->rows[i].figures.value[FIGURE_ACTIVITY];
    return sum;
}

/* A decision holds after a restart, and can be taken back. */
static void test_decisions(void **state)
{
    (void)state;
    struct plant plant;
    plant_init(&plant, before, ARRAY_LEN(before));
    struct shard *shard = make(&plant, 0, NULL);
    for (int64_t i = 0; i < 6; i++) {
        int64_t time_ms = START_MS + i * HOUR_MS;
        apply(shard, (struct input){0, time_ms, time_ms, (i == 5 ? 90000 : i) * U, 0});
        apply(shard, (struct input){LINE, time_ms, time_ms + HOUR_MS, 10 * U, 0});
    }
    decide(shard, LINE, START_MS + HOUR_MS, START_MS + 2 * HOUR_MS, true);
    decide(shard, LINE, START_MS + 9 * HOUR_MS, START_MS + 10 * HOUR_MS, true);
    decide(shard, 0, START_MS + 5 * HOUR_MS, START_MS + 5 * HOUR_MS, false);
    assert_int_equal(shard_get_stats(shard)->decisions, 3);
    assert_int_equal(shard_get_stats(shard)->dropped, 1);
    save(&shard);
    shard = make(&plant, 0, NULL);
    load(shard);
    expect_same_bytes(shard);
    assert_int_equal(shard_get_stats(shard)->dropped, 1);
    take(shard, 0);
    assert_true(activity_of(LEVEL_DAY) == (int128)(50 + 90000) * U);
    apply(shard, (struct input){LINE, START_MS + 9 * HOUR_MS, START_MS + 10 * HOUR_MS, 10 * U, 0});
    decide(shard, LINE, START_MS + HOUR_MS, START_MS + 2 * HOUR_MS, false);
    decide(shard, 0, START_MS + 5 * HOUR_MS, START_MS + 5 * HOUR_MS, true);
    take(shard, 0);
    assert_true(activity_of(LEVEL_DAY) == (int128)(60 + 4) * U);
    shard_destroy(&shard);
    plant_fini(&plant);
}

/* No accepted reading of a saved state ends after its newest time. A decision, and the note of a
 * document that stands elsewhere, may lie later. */
static void test_ahead_of_the_clock(void **state)
{
    (void)state;
    enum { NEWEST = 2 * HOUR_MS };
    static const struct {
        const char *name;
        uint32_t meter;
        bool aside;
        int64_t start_ms, span_ms;
        enum reading_role role;
        bool good;
    } cases[] = {
        {"an interval up to the newest time", LINE, false, NEWEST - 60000, 60000, ROLE_READING,
         true},
        {"one that ends later", LINE, false, NEWEST - 60000, 60001, ROLE_READING, false},
        {"one far ahead", LINE, false, NEWEST + 100 * DAY_MS, 60000, ROLE_READING, false},
        {"a counter at the newest time", 0, false, NEWEST, 0, ROLE_READING, true},
        {"a counter later", 0, false, NEWEST + 1, 0, ROLE_READING, false},
        {"a new counter later", 0, false, NEWEST + 1, 0, ROLE_INITIAL, false},
        {"a delivery later", TRUCK, false, NEWEST + 1, 0, ROLE_READING, false},
        {"a delivery that stood there", TRUCK, false, NEWEST + 1, 0, ROLE_MOVED, true},
        {"a dropped one at the newest time", LINE, true, NEWEST - 60000, 60000, ROLE_READING, true},
        {"a dropped one later", LINE, true, NEWEST, 60000, ROLE_READING, false},
        {"a decision later", LINE, true, NEWEST, 60000, ROLE_DECISION, true},
    };
    struct plant plant;
    plant_init(&plant, before, ARRAY_LEN(before));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct shard *shard = make(&plant, 0, NULL);
        apply(shard, (struct input){0, START_MS, START_MS, U, 0});
        apply(shard, (struct input){TRUCK, START_MS, START_MS, U, 0});
        apply(shard, (struct input){LINE, START_MS, START_MS + NEWEST - 60000, U, 0});
        apply(shard, (struct input){0, START_MS + NEWEST - 1, START_MS + NEWEST - 1, U, 0});
        apply(shard, (struct input){TRUCK, START_MS + NEWEST, START_MS + NEWEST, U, 0});
        const struct reading entry = {
            .start_ms = START_MS + cases[i].start_ms,
            .span_ms = (uint64_t)cases[i].span_ms & UINT32_MAX,
            .value = cases[i].role == ROLE_DECISION ? decision_pack(true, ROLE_READING) : U,
            .role = cases[i].role & 7U};
        struct journal *journal = cases[i].meter == TRUCK
                                      ? &shard->own[1]->journals[0]
                                      : &shard->own[0]->journals[cases[i].meter];
        assert_int_equal(cases[i].aside ? journal_put_aside(journal, &entry)
                                        : journal_insert(journal, journal->count, &entry),
                         0);
        save(&shard);
        shard = make(&plant, 0, NULL);
        buffer_clear(&why);
        assert_int_equal(shard_load(shard, saved.data, saved.size, &why), 0);
        if ((shard_load_end(shard, &why) == 0) != cases[i].good)
            fail_msg("%s: %s", cases[i].name, cases[i].good ? buffer_text(&why) : "was loaded");
        shard_destroy(&shard);
    }
    plant_fini(&plant);
}

static bool has_bucket_row(int64_t start_ms)
{
    for (uint32_t i = 0; i < block->count; i++)
        if (block->rows[i].kind == ROW_EMISSIONS && block->rows[i].level == LEVEL_BUCKET &&
            block->rows[i].window.start_ms == start_ms)
            return true;
    return false;
}

/* A reading that was dropped is forgotten behind the floor. While its day is open, its bucket says
 * 0 after a restart as before it. */
static void test_dropped_behind_the_floor(void **state)
{
    (void)state;
    struct plant plant;
    plant_init(&plant, before, ARRAY_LEN(before));
    struct shard *shard = make(&plant, 0, NULL);
    int64_t noon_ms = START_MS + 12 * HOUR_MS;
    apply(shard, (struct input){LINE, noon_ms, noon_ms + 15 * MIN_MS, 10 * U, 0});
    decide(shard, LINE, noon_ms, noon_ms + 15 * MIN_MS, true);
    for (int64_t i = 1; i < 3; i++) { /* the second one is behind a floor that has passed */
        int64_t time_ms = noon_ms + windows.horizon_ms + i * HOUR_MS;
        apply(shard, (struct input){LINE, time_ms, time_ms + 15 * MIN_MS, 10 * U, 0});
    }
    assert_int_equal(shard_get_stats(shard)->dropped, 0);
    save(&shard);
    shard = make(&plant, 0, NULL);
    load(shard);
    expect_same_bytes(shard);
    take(shard, 0);
    assert_true(has_bucket_row(noon_ms));
    shard_destroy(&shard);
    plant_fini(&plant);
}

/* The facilities of a state belong to its partition, unless another one has them by now. */
static void test_owner(void **state)
{
    (void)state;
    uint32_t owners[] = {UINT32_MAX, UINT32_MAX};
    struct plant plant;
    plant_init(&plant, before, ARRAY_LEN(before));
    struct shard *shard = make(&plant, 3, owners);
    apply(shard, (struct input){LINE, START_MS, START_MS + 15 * MIN_MS, U, 0});
    apply(shard, (struct input){TRUCK, START_MS, START_MS, U, 0});
    save(&shard);
    assert_int_equal(owners[0], UINT32_MAX);
    owners[1] = 7;
    shard = make(&plant, 3, owners);
    load(shard);
    assert_int_equal(owners[0], 3);
    assert_int_equal(owners[1], 7);
    shard_destroy(&shard);
    assert_int_equal(owners[0], UINT32_MAX);
    assert_int_equal(owners[1], 7);
    plant_fini(&plant);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decisions),
        cmocka_unit_test(test_dropped_behind_the_floor),
        cmocka_unit_test(test_lower_limit),
        cmocka_unit_test(test_largest_values),
        cmocka_unit_test(test_another_factor_is_a_revision),
        cmocka_unit_test(test_owner),
        cmocka_unit_test(test_roles),
        cmocka_unit_test(test_notes),
        cmocka_unit_test(test_past),
        cmocka_unit_test(test_past_of_an_accepted_estimate),
        cmocka_unit_test(test_ahead_of_the_clock),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

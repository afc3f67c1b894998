/* The cells of a facility: projected when they are stale and only then, a ring, and its account. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipelines/metering/panel.h"
#include "tests/unit/metering/readings.h"

enum { ROWS = 8, COLUMNS = 67 }; /* stale bits in two words */

struct site {
    struct meter meters[COLUMNS];
    struct reading slots[COLUMNS][SLOTS];
    struct journal journals[COLUMNS];
    struct panel *panel;
};

static int set_up(void **state)
{
    struct site *site = calloc(1, sizeof(*site));
    assert_non_null(site);
    for (uint32_t i = 0; i < COLUMNS; i++) {
        site->meters[i] = (struct meter){.cell_max = 1000 * U, .kind = KIND_INTERVAL};
        journal_init(&site->journals[i], site->slots[i], SLOTS);
    }
    *state = site;
    return panel_create(&site->panel, ROWS, COLUMNS, BUCKET_MS, site->meters, site->journals);
}

static int tear_down(void **state)
{
    struct site *site = *state;
    panel_destroy(&site->panel);
    assert_null(site->panel);
    free(site);
    return 0;
}

/* A reading of one bucket, and its cell is stale. */
static void give(struct site *site, uint32_t column, int64_t row, int64_t value, int revision)
{
    struct given given = {row * 15, row * 15 + 15, value, revision, QUALITY_ACTUAL, 0};
    (void)book(&site->meters[column], &site->journals[column], &given, FLOOR);
    panel_mark_stale(site->panel, row, column);
}

static int64_t activity(const struct site *site, int64_t row, uint32_t column)
{
    return panel_get_row(site->panel, row).activity[column];
}

static void test_slots_of_rows(void **state)
{
    const struct site *site = *state;
    static const struct {
        int64_t row;
        uint32_t slot;
    } cases[] = {{0, 0}, {7, 7}, {8, 0}, {-1, 7}, {-8, 0}, {-9, 7}, {1969248, 0}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(panel_slot(site->panel, cases[i].row), cases[i].slot);
}

static void test_a_new_panel_is_empty(void **state)
{
    const struct site *site = *state;
    for (int64_t row = 0; row < ROWS; row++) {
        struct panel_row cells = panel_get_row(site->panel, row);
        for (uint32_t column = 0; column < COLUMNS; column++) {
            assert_int_equal(cells.activity[column], 0);
            assert_int_equal(cells.covered_ms[column] | cells.estimated_ms[column], 0);
            assert_false(cells.present[column]);
        }
    }
    panel_check(site->panel);
}

/* A cell changes when it is projected, and not before; a cell that is not stale never does. */
static void test_only_stale_cells_are_projected(void **state)
{
    struct site *site = *state;
    static const uint32_t columns[] = {0, 1, 63, 64, 66};
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        give(site, columns[i], 3, (int64_t)(i + 1) * U, 0);
    struct given untold = {45, 60, 9 * U, ACTUAL}; /* booked, but its cell is not stale */
    (void)book(&site->meters[5], &site->journals[5], &untold, FLOOR);
    assert_int_equal(activity(site, 3, 0), 0);
    panel_project_row(site->panel, 2);
    assert_int_equal(activity(site, 3, 0), 0);
    panel_project_row(site->panel, 3);
    for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
        assert_int_equal(activity(site, 3, columns[i]), (int64_t)(i + 1) * U);
        assert_int_equal(panel_get_row(site->panel, 3).covered_ms[columns[i]], BUCKET_MS);
        assert_int_equal(panel_get_row(site->panel, 3).present[columns[i]], 1);
    }
    assert_int_equal(activity(site, 3, 5), 0);
    site->journals[0].count = 0; /* it is not looked at again */
    panel_project_row(site->panel, 3);
    assert_int_equal(activity(site, 3, 0), U);
    panel_check(site->panel);
}

static void test_stale_columns(void **state)
{
    struct site *site = *state;
    for (int64_t row = 2; row < 5; row++)
        give(site, 64, row, row * U, 0);
    assert_true(panel_is_stale(site->panel, 64, 0, 9));
    assert_true(panel_is_stale(site->panel, 64, 4, 5));
    assert_false(panel_is_stale(site->panel, 64, 0, 2));
    assert_false(panel_is_stale(site->panel, 64, 5, 9));
    assert_false(panel_is_stale(site->panel, 0, 0, 9));
    assert_false(panel_is_stale(site->panel, 63, 0, 9));
    for (int64_t row = 2; row < 5; row++)
        panel_project_row(site->panel, row);
    assert_false(panel_is_stale(site->panel, 64, 0, 9));
}

/* Cells that are put in, as by a saved state, are in the account like projected ones. */
static void test_putting_cells(void **state)
{
    struct site *site = *state;
    static const struct cell cells[] = {
        {.activity = 5 * U, .covered_ms = 600, .estimated_ms = 300, .present = true},
        {.activity = -2 * U, .covered_ms = 1, .present = true},
        {.present = true, .held = true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cells); i++) {
        panel_put(site->panel, 9, 66, &cells[i]);
        struct panel_row row = panel_get_row(site->panel, 9);
        assert_int_equal(row.activity[66], cells[i].activity);
        assert_int_equal(row.covered_ms[66], cells[i].covered_ms);
        assert_int_equal(row.estimated_ms[66], cells[i].estimated_ms);
        assert_int_equal(row.present[66], 1);
        assert_int_equal(site->panel->moved[66], cells[i].activity);
        assert_int_equal(panel_audit(site->panel), UINT32_MAX);
    }
    assert_int_equal(site->panel->held, 1);
}

static struct cell_note note_at(const struct site *site, int64_t row, uint32_t column)
{
    return panel_get_row(site->panel, row).notes[column];
}

/* Notes come and go with their cell; the turn of the ring ends them. */
static void test_notes(void **state)
{
    struct site *site = *state;
    const struct cell plain = {.activity = U, .covered_ms = 10, .present = true};
    const struct cell noted = {.covered_ms = 5,
                               .spread_ms = 5,
                               .held_ms = 7,
                               .moved_ms = INT64_C(300) * 365 * DAY_MS,
                               .glitches = NOTE_COUNT_MAX,
                               .conflicts = NOTE_COUNT_MAX,
                               .present = true};
    panel_put(site->panel, 9, 66, &plain);
    assert_false(panel_get_row(site->panel, 9).noted[0]);
    panel_put(site->panel, 9, 65, &noted);
    assert_true(panel_get_row(site->panel, 9).noted[0]);
    struct cell_note note = note_at(site, 9, 65);
    assert_int_equal(note.spread_ms, 5);
    assert_int_equal(note.held_ms, 7);
    assert_int_equal(note.moved_ms, noted.moved_ms);
    assert_int_equal(note.glitches, NOTE_COUNT_MAX);
    assert_int_equal(note.conflicts, NOTE_COUNT_MAX);
    note = note_at(site, 9, 66);
    assert_true(note_is_empty(&note));
    panel_check(site->panel);
    assert_int_equal(site->panel->noted_now.held_ms, 7);
    assert_int_equal(site->panel->noted_now.glitches, NOTE_COUNT_MAX);
    panel_put(site->panel, 9, 65, &plain);
    assert_int_equal(site->panel->noted_now.held_ms, 0);
    note = note_at(site, 9, 65);
    assert_true(note_is_empty(&note));
    panel_put(site->panel, 9, 65, &noted);
    panel_clear_row(site->panel, 9);
    assert_false(panel_get_row(site->panel, 9).noted[0]);
    assert_int_equal(site->panel->noted_now.conflicts, 0);
    note = note_at(site, 9, 65);
    assert_true(note_is_empty(&note));
    panel_check(site->panel);
}

/* A row's turn ends: what it held is counted as gone, and its slot is empty for the next. */
static void test_clearing(void **state)
{
    struct site *site = *state;
    give(site, 0, 1, 4 * U, 0);
    give(site, 66, 1, 5 * U, 0);
    give(site, 0, 2, 7 * U, 0);
    panel_project_row(site->panel, 1);
    panel_project_row(site->panel, 2);
    panel_mark_stale(site->panel, 1, 3);
    panel_clear_row(site->panel, 1);
    struct panel_row row = panel_get_row(site->panel, 1);
    assert_int_equal(row.activity[0] | row.activity[66], 0);
    assert_int_equal(row.covered_ms[0] | row.estimated_ms[0] | row.present[66], 0);
    assert_int_equal(activity(site, 2, 0), 7 * U);
    assert_int_equal(site->panel->left[0], 4 * U);
    assert_int_equal(site->panel->left[66], 5 * U);
    assert_int_equal(panel_audit(site->panel), UINT32_MAX);
    site->journals[3].count = 0;
    struct given untold = {INT64_C(15) * (1 + ROWS), INT64_C(15) * (2 + ROWS), U, ACTUAL};
    (void)book(&site->meters[3], &site->journals[3], &untold, FLOOR);
    panel_project_row(site->panel, 1 + ROWS); /* nothing is stale in the next turn of the ring */
    assert_int_equal(activity(site, 1 + ROWS, 3), 0);
    panel_check(site->panel);
}

static void test_the_account_finds_what_moved(void **state)
{
    struct site *site = *state;
    give(site, 2, 1, 4 * U, 0);
    panel_project_row(site->panel, 1);
    assert_int_equal(panel_audit(site->panel), UINT32_MAX);
    site->panel->activity[COLUMNS + 2] += 1;
    assert_int_equal(panel_audit(site->panel), 2);
    panel_accept(site->panel);
    assert_int_equal(panel_audit(site->panel), UINT32_MAX);
    site->panel->left[66] += 1;
    assert_int_equal(panel_audit(site->panel), 66);
}

/* A cell that cannot be held is counted, each time. */
static void test_held_cells_are_counted(void **state)
{
    struct site *site = *state;
    site->meters[1].kind = KIND_REGISTER;
    static const struct given readings[] = {{15, 0, U, ACTUAL}, {30, 0, 1002 * U, ACTUAL}};
    for (size_t i = 0; i < ARRAY_LEN(readings); i++)
        (void)book(&site->meters[1], &site->journals[1], &readings[i], FLOOR);
    panel_mark_stale(site->panel, 1, 1);
    panel_project_row(site->panel, 1);
    assert_int_equal(site->panel->held, 1);
    assert_int_equal(activity(site, 1, 1), 0);
}

static void test_size(void **state)
{
    (void)state;
    assert_true(panel_size(1, 1) >= sizeof(struct panel) + 33 + 8);
    size_t row = panel_size(11, 65) - panel_size(10, 65);
    assert_int_equal(row, 65 * 33 + 2 * 8 + 1);
}

/* Readings, corrections, projecting and clearing in any order: each cell is what its journal gives,
 * and the account agrees. */
static void test_any_order(void **state)
{
    struct site *site = *state;
    uint64_t random = seed_of_run();
    int64_t first = 100;
    for (int i = 0; i < 20000; i++) {
        uint32_t column = random_below(&random, COLUMNS);
        int64_t row = first + random_below(&random, ROWS);
        if (journal_is_full(&site->journals[column]))
            booking_forget(&site->meters[column], &site->journals[column], first * BUCKET_MS);
        give(site, column, row, random_below(&random, 1000000), (int)random_below(&random, 4));
        if (random_below(&random, 4) == 0)
            panel_project_row(site->panel, first + random_below(&random, ROWS));
        if (random_below(&random, 4) == 0)
            panel_project_row(site->panel, row);
        if (random_below(&random, 200) == 0) {
            panel_project_row(site->panel, first);
            panel_clear_row(site->panel, first++);
        }
        panel_check(site->panel);
    }
    for (int64_t row = first; row < first + ROWS; row++) {
        panel_project_row(site->panel, row);
        for (uint32_t column = 0; column < COLUMNS; column++) {
            struct cell cell;
            projection_cell(&cell, &site->meters[column], &site->journals[column], row * BUCKET_MS,
                            BUCKET_MS);
            assert_int_equal(activity(site, row, column), cell.activity);
        }
    }
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_slots_of_rows),
        TEST(test_a_new_panel_is_empty),
        TEST(test_only_stale_cells_are_projected),
        TEST(test_stale_columns),
        TEST(test_putting_cells),
        TEST(test_notes),
        TEST(test_clearing),
        TEST(test_the_account_finds_what_moved),
        TEST(test_held_cells_are_counted),
        TEST(test_size),
        TEST(test_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

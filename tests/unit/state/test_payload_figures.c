/* Figures of closed days as bytes, and as earlier versions wrote them. */
#include "pipelines/state/payload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct buffer bytes;

static int set_up(void **state)
{
    (void)state;
    buffer_init(&bytes, 1 << 16);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buffer_fini(&bytes);
    return 0;
}

static struct packed packed_of(const struct buffer *buffer)
{
    struct packed packed;
    packed_init(&packed, buffer->data, buffer->size);
    return packed;
}

static void test_comes_back(void **state)
{
    (void)state;
    struct figures figures = {.noted = true};
    for (int i = 0; i < FIGURE_COUNT; i++)
        figures.value[i] = ((int128)1 << (5 * i)) - (int128)3 * i;
    payload_add_figure_names(&bytes);
    payload_add_figures(&figures, &bytes);
    struct packed packed = packed_of(&bytes);
    struct payload_names names = {.version = PAYLOAD_VERSION};
    struct figures got;
    payload_take_figure_names(&names, &packed);
    payload_take_figures(&names, &packed, &got);
    assert_true(!packed.damaged && packed_is_at_end(&packed));
    assert_memory_equal(&got, &figures, sizeof(got));
}

/* Version 1: in its own order, all masses in milligrams, cells without a sign. */
static void test_first_version(void **state)
{
    (void)state;
    for (int i = 1; i <= 10; i++)
        packed_add_wide(&bytes, i % 2 == 0 ? i : -i);
    packed_add_uint(&bytes, 11);
    struct packed packed = packed_of(&bytes);
    struct payload_names names = {.version = 1};
    struct figures got;
    payload_set_first_figures(&names);
    payload_take_figures(&names, &packed, &got);
    assert_true(!packed.damaged && packed_is_at_end(&packed));
    const struct figures want = {.value = {[FIGURE_ACTIVITY] = -1,
                                           [FIGURE_CO2] = 2,
                                           [FIGURE_CH4] = -3000,
                                           [FIGURE_N2O] = 4000,
                                           [FIGURE_BIOGENIC_CO2] = -5,
                                           [FIGURE_CO2E] = 6,
                                           [FIGURE_CO2E_UNSPLIT] = -7,
                                           [FIGURE_CO2E_ESTIMATED] = 8,
                                           [FIGURE_COVERED] = -9,
                                           [FIGURE_EXPECTED] = 10,
                                           [FIGURE_CELLS] = 11,
                                           [FIGURE_ENERGY_UNKNOWN] = 11}};
    assert_memory_equal(&got, &want, sizeof(got));
}

/* Every figure that version 1 lacks can be null, tells that one is, or is a note. */
static void test_younger_figures(void **state)
{
    (void)state;
    struct payload_names names = {.version = 1};
    payload_set_first_figures(&names);
    bool first[FIGURE_COUNT] = {false};
    for (uint32_t i = 0; i < names.figures_count; i++)
        first[names.figures[i].figure] = true;
    for (int i = 0; i < FIGURE_COUNT; i++) {
        const struct figure_row *row = &figure_table[i];
        if (!first[i] && row->unknown == FIGURE_NONE && row->adds != ADDS_UNKNOWN_CELL &&
            row->adds != ADDS_ESTIMATED && row->adds != ADDS_NOTE)
            fail_msg("%s would be a part of itself in windows of an earlier state", row->name);
    }
}

/* A payload as a version writes it whose table lacks some figures. */
static void add_without(const struct figures *figures, const enum figure left_out[2])
{
    uint64_t count = FIGURE_COUNT;
    for (int i = 0; i < 2; i++)
        count -= left_out[i] != FIGURE_NONE;
    packed_add_uint(&bytes, count);
    for (size_t i = 0; i < FIGURE_COUNT; i++) {
        if (i == left_out[0] || i == left_out[1])
            continue;
        packed_add_text(&bytes, figure_table[i].name);
        packed_add_uint(&bytes, figure_table[i].decimals);
    }
    for (size_t i = 0; i < FIGURE_COUNT; i++) {
        if (i != left_out[0] && i != left_out[1])
            packed_add_wide(&bytes, figures->value[i]);
    }
}

/* Energy is known only if both of its figures are there. */
static void test_lacking_figures(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum figure left_out[2];
        int128 want_unknown;
    } cases[] = {
        {"none", {FIGURE_NONE, FIGURE_NONE}, 3},
        {"energy and its count", {FIGURE_ENERGY, FIGURE_ENERGY_UNKNOWN}, 17},
        {"energy", {FIGURE_ENERGY, FIGURE_NONE}, 17},
        {"its count", {FIGURE_ENERGY_UNKNOWN, FIGURE_NONE}, 17},
        {"another", {FIGURE_CO2, FIGURE_NONE}, 3},
    };
    const struct figures saved = {.value = {[FIGURE_ACTIVITY] = 5,
                                            [FIGURE_ENERGY] = 100,
                                            [FIGURE_ENERGY_UNKNOWN] = 3,
                                            [FIGURE_CELLS] = 17}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        buffer_clear(&bytes);
        add_without(&saved, cases[i].left_out);
        struct packed packed = packed_of(&bytes);
        struct payload_names names = {.version = PAYLOAD_VERSION};
        struct figures got;
        payload_take_figure_names(&names, &packed);
        payload_take_figures(&names, &packed, &got);
        assert_true(!packed.damaged && packed_is_at_end(&packed));
        if (got.value[FIGURE_ENERGY_UNKNOWN] != cases[i].want_unknown)
            fail_msg("without %s", cases[i].name);
        assert_true(got.value[FIGURE_ACTIVITY] == 5 && got.value[FIGURE_CELLS] == 17);
    }
}

/* One figure of another table; what becomes of it here. */
static void test_other_tables(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned decimals;
        enum figure figure;
        int128 saved;
        int128 want; /* of that figure */
    } cases[] = {
        {"co2_kg", 3, FIGURE_CO2, 7, 7000},
        {"co2_kg", 6, FIGURE_CO2, 7, 7},
        {"ch4_kg", 0, FIGURE_CH4, -7, -(int128)7000000000},
        {"co2_kg", 9, FIGURE_CO2, 7, 0}, /* finer than it is held here: not this figure */
        {"radiance_lm", 6, FIGURE_COUNT, 7, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        buffer_clear(&bytes);
        packed_add_uint(&bytes, 1);
        packed_add_text(&bytes, cases[i].name);
        packed_add_uint(&bytes, cases[i].decimals);
        packed_add_wide(&bytes, cases[i].saved);
        struct packed packed = packed_of(&bytes);
        struct payload_names names = {.version = PAYLOAD_VERSION};
        struct figures got;
        payload_take_figure_names(&names, &packed);
        payload_take_figures(&names, &packed, &got);
        assert_true(!packed.damaged && packed_is_at_end(&packed));
        for (int k = 0; k < FIGURE_COUNT; k++) {
            if (got.value[k] != (k == (int)cases[i].figure ? cases[i].want : 0))
                fail_msg("row %zu, figure %d", i, k);
        }
    }
}

/* A sum that no log can hold is damage, in whatever unit it was saved. */
static void test_damaged(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned decimals;
        bool damaged;
        int128 saved;
    } cases[] = {
        {"co2_kg", 6, false, PAYLOAD_SUM_MAX},
        {"co2_kg", 6, true, PAYLOAD_SUM_MAX + 1},
        {"ch4_kg", 6, false, PAYLOAD_SUM_MAX / 1000},
        {"ch4_kg", 6, true, PAYLOAD_SUM_MAX / 1000 + 1},
        {"ch4_kg", 19, true, 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        buffer_clear(&bytes);
        packed_add_uint(&bytes, 1);
        packed_add_text(&bytes, cases[i].name);
        packed_add_uint(&bytes, cases[i].decimals);
        packed_add_wide(&bytes, cases[i].saved);
        struct packed packed = packed_of(&bytes);
        struct payload_names names = {.version = PAYLOAD_VERSION};
        struct figures got;
        payload_take_figure_names(&names, &packed);
        payload_take_figures(&names, &packed, &got);
        if (packed.damaged != cases[i].damaged)
            fail_msg("row %zu", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_first_version, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_tables, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_younger_figures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lacking_figures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damaged, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("payload_figures", tests, NULL, NULL);
}

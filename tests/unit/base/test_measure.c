#include "base/measure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_find(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int want;
    } cases[] = {
        {"actual", QUALITY_ACTUAL},
        {"edited", QUALITY_EDITED},
        {"invoice", QUALITY_INVOICE},
        {"estimated", QUALITY_ESTIMATED},
        {"estimate", -1},
        {"Actual", -1},
        {"measured", -1},
        {"", -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int got = quality_find(cases[i].name, strlen(cases[i].name));
        if (got != cases[i].want)
            fail_msg("\"%s\": got %d", cases[i].name, got);
    }
    assert_int_equal(quality_find("actually", 6), QUALITY_ACTUAL); /* the size bounds the word */
}

static void test_quality_names_come_back(void **state)
{
    (void)state;
    for (enum quality quality = 0; quality < QUALITY_COUNT; quality++)
        assert_int_equal(quality_find(quality_name(quality), strlen(quality_name(quality))),
                         quality);
}

/* Saved states, rows and messages hold these words, so they never change. */
static void test_words(void **state)
{
    (void)state;
    static const char *const kinds[] = {"interval", "register", "gauge", "delivery", "stock"};
    static const struct {
        const char *name, *unit;
    } quantities[] = {{"energy", "kWh"},    {"heat", "GJ"},  {"mass", "kg"},
                      {"gas_volume", "m3"}, {"volume", "L"}, {"item", "unit"}};
    _Static_assert(ARRAY_LEN(kinds) == KIND_COUNT, "a word for each");
    _Static_assert(ARRAY_LEN(quantities) == QUANTITY_COUNT, "a word and a unit for each");
    for (enum meter_kind kind = 0; kind < KIND_COUNT; kind++)
        assert_string_equal(meter_kind_name(kind), kinds[kind]);
    for (enum quantity quantity = 0; quantity < QUANTITY_COUNT; quantity++) {
        assert_string_equal(quantity_name(quantity), quantities[quantity].name);
        assert_string_equal(quantity_unit(quantity), quantities[quantity].unit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_quality_names_come_back),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests_name("measure", tests, NULL, NULL);
}

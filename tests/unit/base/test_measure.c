#include "base/measure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_find(void **state)
{
    (void)state;
    static const struct {
        int (*find)(const char *name, size_t size);
        const char *name;
        int want;
    } cases[] = {
        {meter_kind_find, "interval", KIND_INTERVAL},
        {meter_kind_find, "register", KIND_REGISTER},
        {meter_kind_find, "gauge", KIND_GAUGE},
        {meter_kind_find, "delivery", KIND_DELIVERY},
        {meter_kind_find, "Interval", -1},
        {meter_kind_find, "intervals", -1},
        {meter_kind_find, "", -1},
        {quality_find, "actual", QUALITY_ACTUAL},
        {quality_find, "edited", QUALITY_EDITED},
        {quality_find, "invoice", QUALITY_INVOICE},
        {quality_find, "estimated", QUALITY_ESTIMATED},
        {quality_find, "estimate", -1},
        {quality_find, "measured", -1},
        {quantity_find, "energy", QUANTITY_ENERGY},
        {quantity_find, "gas_volume", QUANTITY_GAS_VOLUME},
        {quantity_find, "item", QUANTITY_ITEM},
        {quantity_find, "kWh", -1},
        {quantity_find, "gas volume", -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int got = cases[i].find(cases[i].name, strlen(cases[i].name));
        if (got != cases[i].want)
            fail_msg("\"%s\": got %d", cases[i].name, got);
    }
    assert_int_equal(quality_find("actually", 6), QUALITY_ACTUAL); /* the size bounds the word */
}

static void test_names_come_back(void **state)
{
    (void)state;
    for (enum meter_kind kind = 0; kind < KIND_COUNT; kind++)
        assert_int_equal(meter_kind_find(meter_kind_name(kind), strlen(meter_kind_name(kind))),
                         kind);
    for (enum quality quality = 0; quality < QUALITY_COUNT; quality++)
        assert_int_equal(quality_find(quality_name(quality), strlen(quality_name(quality))),
                         quality);
    for (enum quantity quantity = 0; quantity < QUANTITY_COUNT; quantity++) {
        assert_int_equal(quantity_find(quantity_name(quantity), strlen(quantity_name(quantity))),
                         quantity);
        assert_non_null(quantity_unit(quantity));
    }
    assert_string_equal(gas_name(GAS_BIOGENIC_CO2), "biogenic_co2");
    assert_string_equal(gas_name(GAS_CO2E), "co2e");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_names_come_back),
    };
    return cmocka_run_group_tests_name("measure", tests, NULL, NULL);
}

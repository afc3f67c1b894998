/* Which configuration can go on with the state of another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pipelines/state/compatibility.h"
#include "tests/unit/state/registry_builder.h"
#include "tests/unit/state/shard_fixture.h"

enum { BOILER, LINE, PV };

static const struct built_meter before[] = {
    {"mill", "boiler", KIND_REGISTER, "stationary", "gas", 2.0, 0, 0},
    {"mill", "line-1", KIND_INTERVAL, "power", "grid", 0.5, 0, 0},
    {"yard", "pv", KIND_GAUGE, "power", "pv", 0.0, 0, 0},
};

/* The answer to a plant and windows with one change; NULL: they go on. */
static void expect(const struct built_meter *after, size_t count, const struct window_conf *window,
                   const char *want)
{
    static const struct sink_conf near[] = {{.name = "near"}};
    static const struct sink_conf far[] = {{.name = "far"}, {.name = "near"}};
    struct plant old_plant;
    struct plant new_plant;
    plant_init(&old_plant, before, ARRAY_LEN(before));
    plant_init(&new_plant, after, count);
    const struct config old_config = {.registry = &old_plant.registry,
                                      .window = windows,
                                      .sinks = (struct sink_conf *)near,
                                      .sinks_count = 1};
    const struct config new_config = {.registry = &new_plant.registry,
                                      .window = *window,
                                      .sinks = (struct sink_conf *)far,
                                      .sinks_count = 2};
    struct buffer why;
    buffer_init(&why, 4096);
    assert_int_equal(compatibility_check(&old_config, &new_config, &why),
                     want == NULL ? 0 : ERR_CONFIG);
    if (want == NULL)
        assert_string_equal(buffer_text(&why), "");
    else
        assert_non_null(strstr(buffer_text(&why), want));
    buffer_fini(&why);
    plant_fini(&new_plant);
    plant_fini(&old_plant);
}

static void test_same(void **state)
{
    (void)state;
    expect(before, ARRAY_LEN(before), &windows, NULL);
}

static void test_more_and_fewer_meters(void **state)
{
    (void)state;
    struct built_meter more[ARRAY_LEN(before) + 1];
    memcpy(more, before, sizeof(before));
    more[ARRAY_LEN(before)] = before[PV];
    more[ARRAY_LEN(before)].id = "pv-2";
    expect(more, ARRAY_LEN(more), &windows, NULL);
    expect(before, ARRAY_LEN(before) - 1, &windows, NULL);
}

static void test_another_factor(void **state)
{
    (void)state;
    struct built_meter after[ARRAY_LEN(before)];
    memcpy(after, before, sizeof(before));
    after[BOILER].factor = 2.5;
    expect(after, ARRAY_LEN(after), &windows, NULL);
}

static void test_meters_read_otherwise(void **state)
{
    (void)state;
    struct built_meter after[ARRAY_LEN(before)];
    memcpy(after, before, sizeof(before));
    after[LINE].multiplier = 40;
    expect(after, ARRAY_LEN(after), &windows, "unit or multiplier of meter \"line-1\"");
    memcpy(after, before, sizeof(before));
    after[BOILER].kind = KIND_INTERVAL;
    expect(after, ARRAY_LEN(after), &windows, "kind of meter \"boiler\"");
}

static void test_other_windows(void **state)
{
    (void)state;
    struct window_conf window = windows;
    window.horizon_ms += 3600000;
    expect(before, ARRAY_LEN(before), &window, "windows.horizon was ");
    window = windows;
    window.fiscal_year_start = 4;
    expect(before, ARRAY_LEN(before), &window, "windows.fiscal_year_start was 1 and is 4");
    window = windows;
    window.emit_interval_ms += 1000; /* how often is not how much */
    expect(before, ARRAY_LEN(before), &window, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same),           cmocka_unit_test(test_more_and_fewer_meters),
        cmocka_unit_test(test_another_factor), cmocka_unit_test(test_meters_read_otherwise),
        cmocka_unit_test(test_other_windows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A facility as a chain of payloads names it, and what another registry makes of that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/timestamp.h"
#include "pipelines/state/dictionary.h"
#include "tests/unit/state/registry_builder.h"

enum { BYTES_MAX = 1 << 16, MILL = 0 };

static const struct built_meter built[] = {
    {"mill", "boiler", KIND_REGISTER, "stationary", "gas", 2.0, 0, 0},
    {"mill", "line-1", KIND_INTERVAL, "power", "grid", 0.5, 0, 0},
    {"mill", "line-2", KIND_INTERVAL, "power", "grid", 0.5, 0, 0},
};
enum { BOILER, LINE_1, LINE_2 };

static struct buffer bytes, why;

static int set_up(void **state)
{
    (void)state;
    buffer_init(&bytes, BYTES_MAX);
    buffer_init(&why, BYTES_MAX);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buffer_fini(&bytes);
    buffer_fini(&why);
    return 0;
}

static void plant_init_grouped(struct plant *plant)
{
    plant_init(plant, built, ARRAY_LEN(built));
    plant->registry.group_levels[0] = "region";
    plant->registry.group_levels_count = 1;
    plant->facilities[MILL].groups[0] = "north";
    plant->meters[LINE_1].stamp = STAMP_END;
}

/* Writes the mill of `plant`, and reads it with the registry of `now`. */
static int take(struct dictionary **declared, const struct plant *plant, const struct plant *now)
{
    struct packed packed;
    buffer_clear(&bytes);
    buffer_clear(&why);
    dictionary_add(&bytes, &plant->registry, MILL);
    packed_init(&packed, bytes.data, bytes.size);
    int err = dictionary_take(declared, &packed, &now->registry, &why);
    assert_true(err < 0 || packed_is_at_end(&packed));
    return err;
}

struct change {
    const char *name;
    void (*make)(struct plant *plant);
};

/* --- changes after which every row of the facility has to be written again --- */

static void change_valid_from(struct plant *plant)
{
    plant->meters[BOILER].valid_from_ms = DAY_MS;
}

static void change_valid_to(struct plant *plant)
{
    plant->meters[LINE_2].valid_to_ms = DAY_MS;
}

static void change_hold(struct plant *plant)
{
    plant->meters[LINE_2].hold_ms++;
}

static void change_rate(struct plant *plant)
{
    plant->meters[BOILER].rate_max = 1;
}

static void change_limit(struct plant *plant)
{
    plant->meters[BOILER].cell_max--;
}

static void change_expected(struct plant *plant)
{
    plant->meters[LINE_2].expected = false;
}

static void change_scope(struct plant *plant)
{
    plant->series[1].scope = 2;
}

static void change_quantity_of_series(struct plant *plant)
{
    plant->series[1].quantity++;
}

static void change_flows(struct plant *plant)
{
    plant->facilities[0].flows = 1U << FLOW_IMPORT;
}

static void change_parent(struct plant *plant)
{
    plant->meters[1].has_parent = true;
}

static void change_category(struct plant *plant)
{
    plant->series[1].category = "heat";
}

static void change_source(struct plant *plant)
{
    plant->series[1].source = "pv";
}

static void change_group_level(struct plant *plant)
{
    plant->registry.group_levels[0] = "division";
}

static void change_group(struct plant *plant)
{
    plant->facilities[MILL].groups[0] = "south";
}

static void lose_group(struct plant *plant)
{
    plant->facilities[MILL].groups[0] = NULL;
}

static void change_era(struct plant *plant)
{
    plant->eras[MILL].from_ms = DAY_MS;
}

static void change_first_factor(struct plant *plant)
{
    plant->factors[MILL][0] = 2.1;
}

static void change_last_factor(struct plant *plant)
{
    plant->factors[MILL][RATE_COUNT * ARRAY_LEN(built) - 1] = 0.0037;
}

static void test_what_rows_depend_on(void **state)
{
    (void)state;
    static const struct change changes[] = {
        {"valid_from", change_valid_from},
        {"valid_to", change_valid_to},
        {"hold", change_hold},
        {"largest rate", change_rate},
        {"limit of a cell", change_limit},
        {"expected", change_expected},
        {"scope", change_scope},
        {"quantity of a series", change_quantity_of_series},
        {"category", change_category},
        {"rows of energy", change_flows},
        {"main meter", change_parent},
        {"source", change_source},
        {"level of groups", change_group_level},
        {"group", change_group},
        {"no group", lose_group},
        {"time of a factor", change_era},
        {"first factor", change_first_factor},
        {"last factor", change_last_factor},
    };
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        struct plant plant;
        struct plant now;
        plant_init_grouped(&plant);
        plant_init_grouped(&now);
        changes[i].make(&now);
        struct dictionary *declared;
        assert_int_equal(take(&declared, &plant, &plant), 0);
        assert_true(declared->same);
        dictionary_destroy(&declared);
        assert_int_equal(take(&declared, &plant, &now), 0);
        if (declared->same)
            fail_msg("%s: rows stay as they are", changes[i].name);
        assert_int_equal(declared->meters_gone, 0);
        dictionary_destroy(&declared);
        plant_fini(&now);
        plant_fini(&plant);
    }
}

/* --- changes after which readings would have been taken otherwise --- */

static void change_kind(struct plant *plant)
{
    plant->meters[BOILER].kind = KIND_GAUGE;
}

static void change_quantity(struct plant *plant)
{
    plant->meters[BOILER].quantity++;
}

static void change_numerator(struct plant *plant)
{
    plant->meters[BOILER].own.scale.num = 3;
}

static void change_denominator(struct plant *plant)
{
    plant->meters[BOILER].own.scale.den = 3;
}

static void change_digits(struct plant *plant)
{
    plant->meters[BOILER].register_modulus = 1000;
}

static void change_stamp(struct plant *plant)
{
    plant->meters[LINE_1].stamp = STAMP_START;
}

static void change_interval(struct plant *plant)
{
    plant->meters[LINE_1].interval_ms *= 2;
}

static void change_zone(struct plant *plant)
{
    plant->facilities[MILL].time_zone = "Asia/Tokyo";
}

static void test_what_readings_depend_on(void **state)
{
    (void)state;
    static const struct change changes[] = {
        {"kind", change_kind},
        {"quantity", change_quantity},
        {"unit or multiplier", change_numerator},
        {"unit or multiplier", change_denominator},
        {"number of digits", change_digits},
        {"stamp", change_stamp},
        {"interval", change_interval},
        {"time zone", change_zone},
    };
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        struct plant plant;
        struct plant now;
        plant_init_grouped(&plant);
        plant_init_grouped(&now);
        changes[i].make(&now);
        struct dictionary *declared = NULL;
        assert_int_equal(take(&declared, &plant, &now), ERR_CONFIG);
        assert_null(declared);
        if (strstr(buffer_text(&why), changes[i].name) == NULL)
            fail_msg("%s: %s", changes[i].name, buffer_text(&why));
        plant_fini(&now);
        plant_fini(&plant);
    }
}

/* The distance of readings says nothing where each reading has a start and an end, or is a count.
 */
static void test_interval_without_stamp(void **state)
{
    (void)state;
    struct plant plant;
    struct plant now;
    plant_init_grouped(&plant);
    plant_init_grouped(&now);
    now.meters[BOILER].interval_ms *= 2;
    now.meters[LINE_2].interval_ms *= 2;
    struct dictionary *declared;
    assert_int_equal(take(&declared, &plant, &now), 0);
    assert_true(declared->same);
    dictionary_destroy(&declared);
    plant_fini(&now);
    plant_fini(&plant);
}

/* Two versions of a meter have come since: neither is the one that was saved, if both begin at
 * another time. */
static void test_two_versions(void **state)
{
    (void)state;
    static const struct built_meter versions[] = {
        {"mill", "boiler", KIND_REGISTER, "stationary", "gas", 2.0, 0, 0},
        {"mill", "line-1", KIND_INTERVAL, "power", "grid", 0.5, 0, DAY_MS},
        {"mill", "line-1", KIND_INTERVAL, "power", "grid", 0.5, 0, 9 * DAY_MS},
    };
    struct plant plant;
    struct plant now;
    plant_init(&plant, built, ARRAY_LEN(built));
    plant_init(&now, versions, ARRAY_LEN(versions));
    struct dictionary *declared;
    assert_int_equal(take(&declared, &plant, &now), 0);
    assert_int_equal(declared->meters[BOILER], 0);
    assert_int_equal(declared->meters[LINE_1], REGISTRY_NONE);
    assert_int_equal(declared->meters[LINE_2], REGISTRY_NONE);
    assert_int_equal(declared->meters_gone, 2);
    dictionary_destroy(&declared);
    plant_fini(&now);
    plant_fini(&plant);
}

/* One version of two is left: it is the one that begins at the same time, and the other is gone. */
static void test_one_version_left(void **state)
{
    (void)state;
    static const struct built_meter versions[] = {
        {"mill", "line-1", KIND_INTERVAL, "power", "grid", 0.5, 0, DAY_MS},
        {"mill", "line-1", KIND_INTERVAL, "power", "grid", 0.5, 0, 9 * DAY_MS},
    };
    for (size_t left = 0; left < ARRAY_LEN(versions); left++) {
        struct plant plant;
        struct plant now;
        plant_init(&plant, versions, ARRAY_LEN(versions));
        plant_init(&now, &versions[left], 1);
        struct dictionary *declared;
        assert_int_equal(take(&declared, &plant, &now), 0);
        assert_int_equal(declared->meters[left], 0);
        assert_int_equal(declared->meters[1 - left], REGISTRY_NONE);
        assert_int_equal(declared->meters_gone, 1);
        dictionary_destroy(&declared);
        plant_fini(&now);
        plant_fini(&plant);
    }
}

/* Series are found by all that names them. */
static void test_series_by_name(void **state)
{
    (void)state;
    struct plant plant;
    plant_init_grouped(&plant);
    for (int part = 0; part < 4; part++) {
        struct plant now;
        plant_init_grouped(&now);
        struct series *series = &now.series[1];
        series->scope = part == 0 ? 3 : series->scope;
        series->quantity = part == 1 ? QUANTITY_MASS : series->quantity;
        series->category = part == 2 ? "heat" : series->category;
        series->source = part == 3 ? "pv" : series->source;
        struct dictionary *declared;
        assert_int_equal(take(&declared, &plant, &now), 0);
        assert_int_equal(declared->series[0], 0);
        assert_int_equal(declared->series[1], REGISTRY_NONE);
        assert_int_equal(declared->series_gone, 1);
        dictionary_destroy(&declared);
        plant_fini(&now);
    }
    plant_fini(&plant);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_rows_depend_on),
        cmocka_unit_test(test_what_readings_depend_on),
        cmocka_unit_test(test_interval_without_stamp),
        cmocka_unit_test(test_two_versions),
        cmocka_unit_test(test_one_version_left),
        cmocka_unit_test(test_series_by_name),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

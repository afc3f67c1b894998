/* test_unheard.c - facilities without a reading: which ones are due, and where they are told. */
#include "daemon/http/unheard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/http/health.h"

/* Facility 0 has two meters, [100, 200) and [300, open); facility 1 has none, facility 2 one. */
static struct meter meters[] = {
    {.facility = 0, .valid_from_ms = 100, .valid_to_ms = 200},
    {.facility = 0, .valid_from_ms = 300, .valid_to_ms = INT64_MAX},
    {.facility = 2, .valid_from_ms = INT64_MIN, .valid_to_ms = 200},
};
static struct facility few[] = {
    {.meters_first = 0, .meters_count = 2},
    {.meters_first = 2, .meters_count = 0},
    {.meters_first = 2, .meters_count = 1},
};

static void test_due(void **state)
{
    (void)state;
    static const struct registry registry = {
        .meters = meters, .facilities = few, .meters_count = 3, .facilities_count = 3};
    static const struct {
        const char *name;
        int64_t time_ms;
        uint32_t facility;
        bool want;
    } cases[] = {
        {"not valid yet", 99, 0, false},         {"valid from its first instant on", 100, 0, true},
        {"not valid at its end", 200, 0, false}, {"between two meters", 299, 0, false},
        {"its second meter", 300, 0, true},      {"for ever", INT64_MAX - 1, 0, true},
        {"without meters", 150, 1, false},       {"since ever", INT64_MIN + 1, 2, true},
        {"not any more", 200, 2, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (unheard_is_due(&registry, cases[i].facility, cases[i].time_ms) != cases[i].want)
            fail_msg("%s", cases[i].name);
    }
}

static void test_names(void **state)
{
    (void)state;
    enum { FACILITIES = UNHEARD_NAMES_MAX + 5 };
    static char ids[FACILITIES][16];
    static struct facility facilities[FACILITIES];
    const struct registry registry = {.facilities = facilities, .facilities_count = FACILITIES};
    struct unheard_round round = {0};
    for (uint32_t i = 0; i < FACILITIES; i++) {
        (void)snprintf(ids[i], sizeof(ids[i]), "f%u", i);
        facilities[i].id = ids[i];
        unheard_add(&round, &registry, i, i == 1 || i == 3);
    }
    assert_int_equal(round.heard, 2);
    assert_int_equal(round.unheard, FACILITIES - 2);
    assert_int_equal(round.named, UNHEARD_NAMES_MAX);
    assert_string_equal(round.names[0], "f0");
    assert_string_equal(round.names[1], "f2");
    assert_string_equal(round.names[UNHEARD_NAMES_MAX - 1], "f11");
}

static void test_samples(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, 1 << 16);
    metrics_print_heard_head(&out);
    metrics_print_heard("plant", true, &out);
    metrics_print_heard("Fabrik \"Süd\"", false, &out);
    const char *samples = strstr(buffer_text(&out), "\n# TYPE ghgd_facility_heard gauge\n");
    assert_non_null(samples);
    assert_non_null(strstr(samples, "\nghgd_facility_heard{facility=\"plant\"} 1\n"
                                    "ghgd_facility_heard{facility=\"Fabrik \\\"Süd\\\"\"} 0\n"));
    buffer_fini(&out);
}

/* The line of /readyz changes no status. */
static void test_ready(void **state)
{
    (void)state;
    static const struct unheard_round all = {.heard = 3};
    static const struct unheard_round some = {
        .heard = 1, .unheard = 2, .named = 2, .names = {"a \"b\"", "c\nd"}};
    static const struct unheard_round many = {.unheard = 12, .named = 1, .names = {"a"}};
    static const struct {
        const char *name;
        const struct unheard_round *round;
        const char *want;
    } cases[] = {
        {"not known", NULL, ""},
        {"all are heard", &all, "ok facilities: 3 of 3 have readings here\n"},
        {"names from outside", &some,
         "ok facilities: 1 of 3 have readings here; none ever of \"a \\\"b\\\"\", \"c\\nd\"\n"},
        {"more than are named", &many,
         "ok facilities: 0 of 12 have readings here; none ever of \"a\" and 11 more\n"},
    };
    const struct consumer_stats spare = {.rebalances = 1};
    struct metrics_source source = {.consumer = &spare};
    struct buffer out;
    buffer_init(&out, 1 << 16);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        buffer_clear(&out);
        source.unheard = cases[i].round;
        assert_int_equal(health_print_ready(NULL, &source, &out), 200);
        const char *line = strstr(buffer_text(&out), "ok facilities: ");
        if (strcmp(line != NULL ? line : "", cases[i].want) != 0)
            fail_msg("%s: %s", cases[i].name, buffer_text(&out));
    }
    buffer_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_due),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_samples),
        cmocka_unit_test(test_ready),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

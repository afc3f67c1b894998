/* test_unheard.c - facilities without a reading: which ones are due, and how many are named. */
#include "daemon/http/unheard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

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
        uint32_t facility;
        int64_t time_ms;
        bool want;
    } cases[] = {
        {"not valid yet", 0, 99, false},
        {"valid from its first instant on", 0, 100, true},
        {"not valid at its end", 0, 200, false},
        {"between two meters", 0, 299, false},
        {"its second meter", 0, 300, true},
        {"for ever", 0, INT64_MAX - 1, true},
        {"without meters", 1, 150, false},
        {"since ever", 2, INT64_MIN + 1, true},
        {"not any more", 2, 200, false},
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_due),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

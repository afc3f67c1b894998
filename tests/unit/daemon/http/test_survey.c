/* test_survey.c - what stands, meter by meter: sums, versions of one meter, and the bound. */
#include "daemon/http/survey.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { METERS = SURVEY_METERS_MAX + 3 };

static char ids[METERS][16];
static struct meter meters[METERS];
static struct facility facilities[2] = {{.id = "hz"}, {.id = "sz"}};
static const struct registry registry = {
    .meters = meters, .facilities = facilities, .meters_count = METERS, .facilities_count = 2};

static int set_up(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < METERS; i++) {
        (void)snprintf(ids[i], sizeof(ids[i]), "m%u", i);
        meters[i] = (struct meter){.id = ids[i], .kind = KIND_REGISTER};
    }
    return 0;
}

static void test_sums_and_versions(void **state)
{
    (void)state;
    static struct survey_round round;
    const struct meter_standing quiet = {.chain = {.rollovers = 3}, .readings = 9};
    const struct meter_standing broken = {.chain = {.rollovers = 1, .breaks = 1},
                                          .held = {.count = 2, .held_ms = 900}};
    const struct meter_standing glitch = {.chain = {.left_aside = 4}};
    const struct meter_standing late = {.overdue = {.due_ms = 1, .time_ms = 700}};
    meters[3].id = meters[1].id; /* another version of it */
    meters[4].id = meters[1].id; /* its name at another facility */
    meters[4].facility = 1;
    meters[2].kind = KIND_STOCK;
    round = (struct survey_round){0};
    survey_add(&round, &registry, 0, &quiet);
    survey_add(&round, &registry, 1, &broken);
    survey_add(&round, &registry, 2, &broken);
    survey_add(&round, &registry, 3, &glitch);
    survey_add(&round, &registry, 4, &glitch);
    survey_add(&round, &registry, 5, &late);
    assert_int_equal(round.rollovers, 5);
    assert_int_equal(round.breaks, 2);
    assert_int_equal(round.left_aside, 8);
    assert_int_equal(round.stretches, 4);
    assert_int_equal(round.unlisted, 0);
    assert_int_equal(round.listed, 4);
    assert_string_equal(round.meters[0].meter, "m1");
    assert_int_equal(round.meters[0].held_ms, 900);
    assert_int_equal(round.meters[0].left_aside, 4);
    assert_string_equal(round.meters[0].reason, "register_contradiction");
    assert_string_equal(round.meters[1].reason, "stock_negative");
    assert_string_equal(round.meters[2].facility, "sz");
    assert_int_equal(round.meters[2].held_ms, 0);
    assert_string_equal(round.meters[3].meter, "m5");
    assert_int_equal(round.meters[3].overdue_ms, 700);
    assert_int_equal(round.meters[3].held_ms, 0);
}

static void test_bound(void **state)
{
    (void)state;
    static struct survey_round round;
    const struct meter_standing glitch = {.chain = {.left_aside = 1}};
    round = (struct survey_round){0};
    for (uint32_t i = 0; i < METERS; i++)
        survey_add(&round, &registry, i, &glitch);
    assert_int_equal(round.listed, SURVEY_METERS_MAX);
    assert_int_equal(round.unlisted, 3);
    assert_int_equal(round.left_aside, METERS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_sums_and_versions, set_up),
        cmocka_unit_test_setup(test_bound, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The most that a reading can plausibly be, and the words about it. */
#include "pipelines/ingest/bound.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/timestamp.h"

#define U INT64_C(1000000)

/* 100 units an hour: 25 in a quarter of an hour, and 27.5 with the margin. */
static const struct meter interval = {.kind = KIND_INTERVAL, .rate_max = 100 * U};
static const struct meter gauge = {.kind = KIND_GAUGE, .rate_max = 100 * U};
static const struct meter reg = {.kind = KIND_REGISTER, .rate_max = 100 * U};
static const struct meter unbounded = {.kind = KIND_INTERVAL};
static const struct meter slow = {.kind = KIND_INTERVAL, .rate_max = 1};
static const struct meter fastest = {.kind = KIND_INTERVAL, .rate_max = INT64_MAX};

static void test_bounds(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const struct meter *meter;
        int64_t value, length_ms;
        bool want;
    } cases[] = {
        {"nothing", &interval, 0, 15 * MINUTE_MS, true},
        {"the rate itself", &interval, 25 * U, 15 * MINUTE_MS, true},
        {"the margin", &interval, 275 * U / 10, 15 * MINUTE_MS, true},
        {"one more", &interval, 275 * U / 10 + 1, 15 * MINUTE_MS, false},
        {"the longer the more", &interval, 275 * U / 10 + 1, 15 * MINUTE_MS + 1, true},
        {"below zero, the margin", &interval, -275 * U / 10, 15 * MINUTE_MS, true},
        {"below zero, one more", &interval, -275 * U / 10 - 1, 15 * MINUTE_MS, false},
        {"400 days", &interval, INT64_C(9600) * 110 * U, 400 * DAY_MS, true},
        {"400 days, one more", &interval, INT64_C(9600) * 110 * U + 1, 400 * DAY_MS, false},
        {"a millisecond", &interval, 30, 1, true},
        {"a millisecond, one more", &interval, 31, 1, false},
        {"a rate of a millionth", &slow, 1, HOUR_MS, true},
        {"a rate of a millionth, twice", &slow, 2, HOUR_MS, false},
        {"the largest numbers", &fastest, CELL_MAX, 400 * DAY_MS, true},
        {"a sample at the margin", &gauge, 110 * U, 0, true},
        {"a sample, one more", &gauge, 110 * U + 1, 0, false},
        {"a sample below zero", &gauge, -110 * U - 1, 0, false},
        {"a register shows what it likes", &reg, CELL_MAX, 0, true},
        {"no bound", &unbounded, CELL_MAX, 1, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (bound_allows(cases[i].meter, cases[i].value, cases[i].length_ms) != cases[i].want)
            fail_msg("%s", cases[i].name);
    }
}

static void test_amounts(void **state)
{
    (void)state;
    static const struct meter tank = {.kind = KIND_STOCK,
                                      .quantity = QUANTITY_VOLUME,
                                      .amount_max = 30000 * U,
                                      .amount_max_text = "30 kL",
                                      .capacity = 40000 * U,
                                      .capacity_text = "40000 L"};
    static const struct meter truck = {.kind = KIND_DELIVERY, .amount_max = 5 * U};
    static const struct meter yard = {.kind = KIND_STOCK};
    static const struct {
        const char *name;
        const struct meter *meter;
        int64_t value;
        enum reading_role role;
        bool want;
    } cases[] = {
        {"a full truck", &tank, 30000 * U, ROLE_READING, true},
        {"more than a truck", &tank, 30000 * U + 1, ROLE_READING, false},
        {"a transfer", &tank, 30000 * U + 1, ROLE_TRANSFER, false},
        {"a credit", &tank, 30000 * U + 1, ROLE_CREDIT, false},
        {"a full tank", &tank, 40000 * U, ROLE_DIP, true},
        {"more than a tank", &tank, 40000 * U + 1, ROLE_DIP, false},
        {"a delivery", &truck, 5 * U, ROLE_READING, true},
        {"a larger one", &truck, 5 * U + 1, ROLE_READING, false},
        {"a larger one below zero", &truck, -5 * U - 1, ROLE_READING, false},
        {"no bound", &yard, CELL_MAX, ROLE_DIP, true},
        {"no bound of amounts", &yard, CELL_MAX, ROLE_READING, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (bound_allows_amount(cases[i].meter, cases[i].role, cases[i].value) != cases[i].want)
            fail_msg("%s", cases[i].name);
    }
    struct buffer text;
    buffer_init(&text, 1024);
    bound_explain_amount(&text, &tank, ROLE_READING, 300000 * U);
    assert_string_equal(buffer_text(&text),
                        "300000 L is more than max_amount 30 kL allows; correct the value or its "
                        "unit, or max_amount in the meters table");
    buffer_clear(&text);
    bound_explain_amount(&text, &tank, ROLE_DIP, 40000 * U + 500000);
    assert_string_equal(buffer_text(&text),
                        "40000.5 L is more than capacity 40000 L allows; correct the value or its "
                        "unit, or capacity in the meters table");
    buffer_fini(&text);
}

static void test_words(void **state)
{
    (void)state;
    static const char tail[] = " with a margin of a tenth; correct the value or its unit, or "
                               "max_rate in the meters table";
    static const struct {
        struct meter meter;
        int64_t value, length_ms;
        const char *want;
    } cases[] = {
        {{.kind = KIND_INTERVAL, .rate_max = 4000 * U, .rate_max_text = "4 MW"},
         1000000 * U,
         15 * MINUTE_MS,
         "1000000 kWh in 15m is more than max_rate 4 MW allows, 1100 kWh"},
        {{.kind = KIND_GAUGE, .rate_max = 50 * U, .rate_max_text = "50 kW"},
         4294967 * U / 10,
         0,
         "429496.7 kW is more than max_rate 50 kW allows, 55 kW"},
        {{.kind = KIND_GAUGE,
          .quantity = QUANTITY_GAS_VOLUME,
          .rate_max = 900 * U,
          .rate_max_text = "900 Nm3/h"},
         -1000 * U,
         0,
         "-1000 m3/h is more than max_rate 900 Nm3/h allows, 990 m3/h"},
        {{.kind = KIND_INTERVAL, .rate_max = 1, .rate_max_text = "1 mW"},
         9,
         90 * MINUTE_MS,
         "0.000009 kWh in 1h30m is more than max_rate 1 mW allows, 0.000001 kWh"},
    };
    struct buffer text;
    buffer_init(&text, 1024);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        buffer_clear(&text);
        bound_explain(&text, &cases[i].meter, cases[i].value, cases[i].length_ms);
        char want[512];
        (void)snprintf(want, sizeof(want), "%s%s", cases[i].want, tail);
        assert_string_equal(buffer_text(&text), want);
        assert_false(bound_allows(&cases[i].meter, cases[i].value, cases[i].length_ms));
    }
    buffer_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_amounts),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The as-of time of a file of readings. */
#include "daemon/replay/as_of.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/timestamp.h"

enum { READINGS_MAX = 6 };

struct timed {
    uint32_t meter; /* 0: no further reading */
    int64_t day;
};

static void test_newest_confirmed(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct timed readings[READINGS_MAX]; /* the horizon is a week */
        int64_t want_day;
    } cases[] = {
        {"one reading stands alone", {{1, 100}}, 100},
        {"two of one meter", {{1, 100}, {1, 101}}, 101},
        {"two of two meters at one time", {{1, 100}, {2, 100}}, 100},
        {"the horizon itself is near", {{1, 100}, {2, 107}}, 107},
        {"a day more is not: the newest", {{1, 100}, {2, 108}}, 108},
        {"a clock far ahead", {{1, 100}, {1, 101}, {1, 9000}}, 101},
        {"the same reading twice confirms nothing",
         {{1, 9000}, {1, 9000}, {1, 100}, {2, 101}},
         101},
        {"two clocks far ahead, apart", {{1, 9000}, {2, 9020}, {1, 100}, {2, 101}}, 101},
        {"two that agree are believed", {{1, 9000}, {2, 9001}, {1, 100}, {2, 101}}, 9001},
        {"a clock that was not set comes first", {{1, 0}, {1, 20514}, {2, 20514}}, 20514},
        {"later readings confirm one after the other",
         {{1, 106}, {2, 112}, {3, 118}, {1, 100}},
         118},
        {"one in between confirms both sides", {{1, 100}, {2, 110}, {3, 105}}, 110},
        {"a chain found from its older end", {{1, 120}, {2, 106}, {3, 113}, {4, 100}}, 120},
        {"before the epoch", {{1, -400}, {2, -401}}, -400},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct as_of as_of;
        as_of_init(&as_of, 7 * DAY_MS);
        assert_true(as_of_get(&as_of) == INT64_MIN);
        for (size_t k = 0; k < READINGS_MAX && cases[i].readings[k].meter != 0; k++)
            as_of_add(&as_of, cases[i].readings[k].meter, cases[i].readings[k].day * DAY_MS);
        if (as_of_get(&as_of) != cases[i].want_day * DAY_MS)
            fail_msg("%s: day %" PRId64, cases[i].name, as_of_get(&as_of) / DAY_MS);
    }
}

/* More wrong clocks than are kept: the newest of them stay, and the right ones are found. */
static void test_many_alone(void **state)
{
    (void)state;
    struct as_of as_of;
    as_of_init(&as_of, 7 * DAY_MS);
    for (int64_t i = 0; i < INT64_C(3) * AS_OF_ALONE_MAX; i++)
        as_of_add(&as_of, 1, (1000 + 10 * (i * 7 % (INT64_C(3) * AS_OF_ALONE_MAX))) * DAY_MS);
    assert_int_equal(as_of.alone_count, AS_OF_ALONE_MAX);
    assert_int_equal(as_of_get(&as_of) / DAY_MS, 1000 + 10 * (3 * AS_OF_ALONE_MAX - 1));
    as_of_add(&as_of, 2, 2000 * DAY_MS);
    as_of_add(&as_of, 3, 2900 * DAY_MS + 1);
    assert_int_equal(as_of_get(&as_of), 2900 * DAY_MS + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_newest_confirmed),
        cmocka_unit_test(test_many_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

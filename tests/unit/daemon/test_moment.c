/* Moments on a command line. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/timestamp.h"
#include "daemon/command_line.h"

#define NOW_MS INT64_C(1772323200000) /* 2026-03-01T00:00:00Z */

static void test_accepted(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t want_ms;
    } cases[] = {
        {"2026-03-01T00:00:00Z", NOW_MS},
        {"2026-03-01T05:30:00+05:30", NOW_MS},
        {"2026-03-01", NOW_MS},
        {"2024-02-29", INT64_C(1709164800000)},
        {"36h", NOW_MS - 36 * HOUR_MS},
        {"1d12h", NOW_MS - 36 * HOUR_MS},
        {"0s", NOW_MS},
        {"2026-03-02", NOW_MS + 24 * HOUR_MS},
        {"2026-03-01 00:00:00.5Z", NOW_MS + 500},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t got_ms = -1;
        if (moment_parse(&got_ms, cases[i].text, NOW_MS) != 0 || got_ms != cases[i].want_ms)
            fail_msg("%s: got %" PRId64, cases[i].text, got_ms);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "yesterday",
        "36",
        "-36h",
        "2026-02-30",
        "2026-13-01",
        "2026-3-01",
        "20260301",
        "h",
        "1w ",
        "2026-03-01Z",
        "2026-03-01T00:00:00",
        "1999999999w",
        "2026-03-0",
        "+36h",
        "1772323200000",
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t got_ms = -1;
        if (moment_parse(&got_ms, cases[i], NOW_MS) == 0 || got_ms != -1)
            fail_msg("%s: got %" PRId64, cases[i], got_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests_name("moment", tests, NULL, NULL);
}

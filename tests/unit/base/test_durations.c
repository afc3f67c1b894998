#include "base/durations.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct row {
    const char *text;
    int err;
    int64_t want;
    const char *printed; /* NULL: as the text */
};

static void check(const struct row *row, int (*parse)(int64_t *, const char *, size_t),
                  void (*print)(struct buffer *, int64_t))
{
    int64_t got = -7;
    int err = parse(&got, row->text, strlen(row->text));
    if (err != row->err)
        fail_msg("\"%s\": got %d", row->text, err);
    if (got != (err == 0 ? row->want : -7)) /* a failed call changes nothing */
        fail_msg("\"%s\": got %" PRId64, row->text, got);
    if (err != 0)
        return;
    struct buffer out;
    buffer_init(&out, 256);
    print(&out, got);
    assert_string_equal(buffer_text(&out), row->printed == NULL ? row->text : row->printed);
    buffer_fini(&out);
}

static void test_durations(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"15m", 0, 900000, NULL},
        {"1h30m", 0, 5400000, NULL},
        {"90s", 0, 90000, "1m30s"},
        {"250ms", 0, 250, NULL},
        {"7d", 0, 604800000, NULL},
        {"1w", 0, 604800000, "7d"},
        {"0s", 0, 0, NULL},
        {"1d1h1m1s1ms", 0, 90061001, NULL},
        {"007m", 0, 420000, "7m"},
        {"", ERR_SYNTAX, 0, NULL},
        {"15", ERR_SYNTAX, 0, NULL},
        {"0", ERR_SYNTAX, 0, NULL},
        {"m", ERR_SYNTAX, 0, NULL},
        {"15 m", ERR_SYNTAX, 0, NULL},
        {"15m ", ERR_SYNTAX, 0, NULL},
        {"15M", ERR_SYNTAX, 0, NULL},
        {"1.5h", ERR_SYNTAX, 0, NULL},
        {"-1h", ERR_SYNTAX, 0, NULL},
        {"+1h", ERR_SYNTAX, 0, NULL},
        {"30m1h", ERR_SYNTAX, 0, NULL},
        {"1h1h", ERR_SYNTAX, 0, NULL},
        {"1h30", ERR_SYNTAX, 0, NULL},
        {"1mo", ERR_SYNTAX, 0, NULL},
        {"PT15M", ERR_SYNTAX, 0, NULL},
        {"9223372036854775807ms", 0, INT64_MAX, "106751991167d7h12m55s807ms"},
        {"9223372036854775808ms", ERR_RANGE, 0, NULL},
        {"99999999999999999d", ERR_RANGE, 0, NULL},
        {"9223372036854775s808ms", ERR_RANGE, 0, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check(&rows[i], duration_parse, duration_print);
}

static void test_sizes(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"64MiB", 0, 67108864, NULL},
        {"0B", 0, 0, NULL},
        {"1B", 0, 1, NULL},
        {"1024B", 0, 1024, "1KiB"},
        {"1kB", 0, 1000, NULL},
        {"1536MiB", 0, 1610612736, NULL},
        {"2GB", 0, 2000000000, NULL},
        {"3TiB", 0, INT64_C(3298534883328), NULL},
        {"", ERR_SYNTAX, 0, NULL},
        {"64", ERR_SYNTAX, 0, NULL},
        {"64M", ERR_SYNTAX, 0, NULL},
        {"64mb", ERR_SYNTAX, 0, NULL},
        {"64 MiB", ERR_SYNTAX, 0, NULL},
        {"1GiB1MiB", ERR_SYNTAX, 0, NULL},
        {"-1B", ERR_SYNTAX, 0, NULL},
        {"1.5GiB", ERR_SYNTAX, 0, NULL},
        {"9223372036854775808B", ERR_RANGE, 0, NULL},
        {"8388608TiB", ERR_RANGE, 0, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check(&rows[i], size_parse, size_print);
}

static void test_shares(void **state)
{
    (void)state;
    static const struct {
        int64_t part;
        const char *percent, *share;
    } cases[] = {
        {0, "0%", "0"},
        {1, "0.0000001%", "0.000000001"},
        {50000000, "5%", "0.05"},
        {42000000, "4.2%", "0.042"},
        {720000000, "72%", "0.72"},
        {1000000000, "100%", "1"},
        {-50400000, "-5.04%", "-0.0504"},
        {2500000000, "250%", "2.5"},
        {INT64_MIN, "-922337203685.4775808%", "-9223372036.854775808"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buffer percent;
        struct buffer share;
        buffer_init(&percent, 64);
        buffer_init(&share, 64);
        percent_print(&percent, cases[i].part);
        share_print(&share, cases[i].part);
        assert_string_equal(buffer_text(&percent), cases[i].percent);
        assert_string_equal(buffer_text(&share), cases[i].share);
        buffer_fini(&percent);
        buffer_fini(&share);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_shares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The parts of archives: CSV in pieces of any size, names in quotes, values, tags. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/audit/archive_driver.h"

enum { TEXT_MAX = 1 << 20, LONG_CELL = 70000 };

/* Cells of a row with '|' between them, rows with '\n' behind them. */
static int take_row(void *context, char **cells, uint32_t count)
{
    struct buffer *out = context;
    for (uint32_t i = 0; i < count; i++)
        buffer_printf(out, "%s%s", i > 0 ? "|" : "", cells[i]);
    buffer_add_char(out, '\n');
    return strcmp(cells[0], "stop") == 0 ? -ECANCELED : 0;
}

/* Returns what the reader says, having got the text in pieces of `step` bytes. */
static int parse(const char *text, size_t step, struct buffer *out)
{
    struct archive_csv *csv;
    assert_int_equal(archive_csv_open(&csv, take_row, out), 0);
    size_t size = strlen(text);
    int err = 0;
    for (size_t at = 0; at < size && err == 0; at += step)
        err = archive_csv_take(csv, text + at, size - at < step ? size - at : step);
    if (err == 0)
        err = archive_csv_end(csv);
    archive_csv_close(&csv);
    assert_null(csv);
    return err;
}

static void test_csv(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *want;
        int result;
    } cases[] = {
        {"rows", "a,b\n1,2\n", "a|b\n1|2\n", 0},
        {"last row without an end", "a,b\n1,2", "a|b\n1|2\n", 0},
        {"quotes", "\"a,\"\"b\"\"\",c\n", "a,\"b\"|c\n", 0},
        {"a line end in quotes", "\"a\nb\",c\n", "a\nb|c\n", 0},
        {"empty cells", ",,\n", "||\n", 0},
        {"carriage returns", "a,b\r\n1,2\r\n", "a|b\n1|2\n", 0},
        {"nothing", "", "", 0},
        {"the receiver ends it", "stop,1\n2,3\n", "stop|1\n", -ECANCELED},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (size_t step = 1; step <= strlen(cases[i].text) + 1; step++) {
            struct buffer out;
            buffer_init(&out, TEXT_MAX);
            int result = parse(cases[i].text, step, &out);
            if (result != cases[i].result || strcmp(buffer_text(&out), cases[i].want) != 0)
                fail_msg("%s, by %zu: %d, %s", cases[i].name, step, result, buffer_text(&out));
            buffer_fini(&out);
        }
    }
}

static void test_csv_beyond_its_bounds(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, TEXT_MAX);
    char *text = malloc(LONG_CELL + 1);
    assert_non_null(text);
    memset(text, ',', 100);
    text[100] = '\0';
    assert_int_equal(parse(text, 7, &out), -EPROTO);
    memset(text, 'x', LONG_CELL);
    text[LONG_CELL] = '\0';
    assert_int_equal(parse(text, 4096, &out), -EPROTO);
    assert_int_equal(out.size, 0);
    free(text);
    buffer_fini(&out);
}

static void test_values(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool present;
        double want;
    } cases[] = {
        {"1.25", true, 1.25}, {"0", true, 0},     {"-3e-7", true, -3e-7}, {"true", true, 1},
        {"false", true, 0},   {"17", true, 17},   {"", false, 0},         {"null", false, 0},
        {"nan", false, 0},    {"1.2x", false, 0}, {"inf", false, 0},      {"1e999", false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct archive_row row = {0};
        archive_set_field(&row, 3, cases[i].text);
        if (row.present != (cases[i].present ? 1U << 3 : 0U) || row.values[3] != cases[i].want)
            fail_msg("%s: %g", cases[i].text, row.values[3]);
    }
}

static void test_quotes(void **state)
{
    (void)state;
    static const struct {
        const char *name, *want;
        char quote;
    } cases[] = {
        {"plain", "'plain'", '\''},
        {"o'clock", "'o\\'clock'", '\''},
        {"o'clock", "\"o'clock\"", '"'},
        {"a\"b", "\"a\\\"b\"", '"'},
        {"a\\b", "'a\\\\b'", '\''},
        {"a\\", "'a\xef\xbf\xbd'", '\''},
        {"", "''", '\''},
        {"line\nend",
         "'line\xef\xbf\xbd"
         "end'",
         '\''},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buffer out;
        buffer_init(&out, TEXT_MAX);
        archive_add_quoted(&out, cases[i].name, cases[i].quote);
        assert_string_equal(buffer_text(&out), cases[i].want);
        buffer_fini(&out);
    }
    struct buffer path;
    buffer_init(&path, TEXT_MAX);
    archive_http_add(&path, '?', "q", "a b&c=%'");
    assert_string_equal(buffer_text(&path), "?q=a%20b%26c%3D%25%27");
    buffer_fini(&path);
}

static void test_tags(void **state)
{
    (void)state;
    struct series series[] = {
        {.scope = 2, .quantity = QUANTITY_ENERGY, .category = "power", .source = "grid"},
        {.scope = 1, .quantity = QUANTITY_ENERGY, .category = "power", .source = "a\\"},
    };
    struct facility facility = {.id = "hz", .series_first = 0, .series_count = 2};
    const struct registry registry = {
        .facilities = &facility, .facilities_count = 1, .series = series, .series_count = 2};
    const struct sink_conf influx = {.type = SINK_INFLUX};
    const struct archive archive = {.conf = &influx, .registry = &registry};
    const struct archive_query query = {.kind = ROW_EMISSIONS};
    static const struct {
        struct archive_tags tags;
        uint32_t want;
    } cases[] = {
        {{"2", "power", "grid", "kWh"}, 0},          {{"1", "power", "a\xef\xbf\xbd", "kWh"}, 1},
        {{"1", "power", "grid", "kWh"}, UINT32_MAX}, {{"2", "power", "grid", "m3"}, UINT32_MAX},
        {{"2", "heat", "grid", "kWh"}, UINT32_MAX},  {{"", "", "", ""}, UINT32_MAX},
    };
    struct buffer scratch;
    buffer_init(&scratch, TEXT_MAX);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct archive_row row = {0};
        archive_set_series(&archive, &query, &cases[i].tags, &row, &scratch);
        assert_int_equal(row.series, cases[i].want);
        assert_int_equal(row.is_stranger, cases[i].want == UINT32_MAX);
        if (row.is_stranger)
            assert_non_null(strstr(row.tags, "category="));
    }
    buffer_fini(&scratch);
}

/* Both stores behind HTTP open and close alike; without a url the words say so. */
static void test_http_open(void **state)
{
    (void)state;
    static const struct archive_driver *const drivers[] = {&archive_driver_influx,
                                                           &archive_driver_victoria};
    static const struct {
        const char *url, *words;
        int result;
    } cases[] = {
        {"http://localhost:1/", "", 0},
        {NULL, "the sink has no url", -EINVAL},
    };
    for (size_t i = 0; i < ARRAY_LEN(drivers) * ARRAY_LEN(cases); i++) {
        const struct archive_driver *driver = drivers[i / ARRAY_LEN(cases)];
        const struct sink_conf conf = {.url = cases[i % ARRAY_LEN(cases)].url};
        struct archive archive = {.conf = &conf, .driver = driver};
        struct buffer why;
        buffer_init(&why, TEXT_MAX);
        assert_int_equal(driver->open(&archive, &why), cases[i % ARRAY_LEN(cases)].result);
        assert_string_equal(buffer_text(&why), cases[i % ARRAY_LEN(cases)].words);
        assert_true((archive.store != NULL) == (cases[i % ARRAY_LEN(cases)].result == 0));
        driver->close(&archive);
        assert_null(archive.store);
        buffer_fini(&why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_open),
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_csv_beyond_its_bounds),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_tags),
    };
    return cmocka_run_group_tests_name("archive", tests, NULL, NULL);
}

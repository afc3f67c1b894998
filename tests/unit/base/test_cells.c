/* Rows of cells, byte by byte. */
#include "base/cells.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { TEXT_MAX = 1 << 12 };

static void add(struct buffer *out, enum cells_format format, const char *text, const char *value,
                bool known)
{
    struct cells cells = cells_begin(out, format);
    cells_add_text(&cells, "id", text);
    cells_add_value(&cells, "works", value);
    cells_add_fixed(&cells, "kg", -1500000, 6, known);
    cells_end(&cells);
}

static void test_rows(void **state)
{
    (void)state;
    static const struct {
        const char *text, *value;
        bool known;
        const char *csv, *json;
    } cases[] = {
        {"hz", "true", true, "hz,true,-1.5\n", "{\"id\":\"hz\",\"works\":true,\"kg\":-1.5}\n"},
        {"", "12.5", false, ",12.5,\n", "{\"id\":\"\",\"works\":12.5,\"kg\":null}\n"},
        {NULL, NULL, false, ",,\n", "{\"id\":null,\"works\":null,\"kg\":null}\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buffer out;
        buffer_init(&out, TEXT_MAX);
        add(&out, CELLS_CSV, cases[i].text, cases[i].value, cases[i].known);
        assert_string_equal(buffer_text(&out), cases[i].csv);
        buffer_clear(&out);
        add(&out, CELLS_JSON, cases[i].text, cases[i].value, cases[i].known);
        assert_string_equal(buffer_text(&out), cases[i].json);
        buffer_clear(&out);
        add(&out, CELLS_HEADS, cases[i].text, cases[i].value, cases[i].known);
        assert_string_equal(buffer_text(&out), "id,works,kg\n");
        buffer_fini(&out);
    }
}

static void test_quotes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *csv, *json;
    } cases[] = {
        {"plain", "plain", "plain"},
        {"a b;c'd", "a b;c'd", "a b;c'd"},
        {"a,b", "\"a,b\"", "a,b"},
        {"a\"b", "\"a\"\"b\"", "a\\\"b"},
        {"\"", "\"\"\"\"", "\\\""},
        {"a\\b", "a\\b", "a\\\\b"},
        {"a\\\",", "\"a\\\"\",\"", "a\\\\\\\","},
        {"two\nlines", "\"two\nlines\"", "two\\nlines"},
        {"a\rb", "\"a\rb\"", "a\\rb"},
        {"\xe5\x8c\x97/7", "\xe5\x8c\x97/7", "\xe5\x8c\x97/7"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buffer out;
        char want[64];
        buffer_init(&out, TEXT_MAX);
        add(&out, CELLS_CSV, cases[i].text, "1", true);
        (void)snprintf(want, sizeof(want), "%s,1,-1.5\n", cases[i].csv);
        assert_string_equal(buffer_text(&out), want);
        buffer_clear(&out);
        add(&out, CELLS_JSON, cases[i].text, "1", true);
        (void)snprintf(want, sizeof(want), "{\"id\":\"%s\",\"works\":1,\"kg\":-1.5}\n",
                       cases[i].json);
        assert_string_equal(buffer_text(&out), want);
        buffer_fini(&out);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_quotes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

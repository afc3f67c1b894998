#include "base/foreign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_inside_of_json(void **state)
{
    (void)state;
    static const struct {
        const char *name, *bytes, *want;
    } cases[] = {
        {"plain", "hz-grid 1", "hz-grid 1"},
        {"letters beyond ASCII", "\xc3\xbc\xe4\xb8\x9c\xf0\x9f\x8f\xad",
         "\xc3\xbc\xe4\xb8\x9c\xf0\x9f\x8f\xad"},
        {"quote and backslash", "a\"b\\c", "a\\\"b\\\\c"},
        {"short escapes", "\b\f\n\r\t", "\\b\\f\\n\\r\\t"},
        {"escape of a terminal", "\x1b[2J", "\\u001b[2J"},
        {"delete", "\x7f", "\\u007f"},
        {"control of eight bits", "\xc2\x9b", "\\u009b"},
        /* NOLINTNEXTLINE(misc-misleading-bidirectional): that is what has to be escaped */
        {"text turned round", "\xe2\x80\xae", "\\u202e"},
        {"line separator", "\xe2\x80\xa8", "\\u2028"},
        {"stray continuation", "a\x80z", "a\\ufffdz"},
        {"cut short", "\xe4\xb8", "\\ufffd\\ufffd"},
        {"longer than it need be", "\xc0\xaf", "\\ufffd\\ufffd"},
        {"half of a pair", "\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd"},
        {"beyond Unicode", "\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd"},
        {"no UTF-8 at all", "\xff\xfe", "\\ufffd\\ufffd"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buffer out;
        buffer_init(&out, 4096);
        foreign_add(&out, cases[i].bytes, strlen(cases[i].bytes));
        if (strcmp(buffer_text(&out), cases[i].want) != 0)
            fail_msg("%s: got %s", cases[i].name, buffer_text(&out));
        buffer_fini(&out);
    }
}

static void test_quotes_and_zeros(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, 4096);
    foreign_add_quoted(&out, "a\0b", 3);
    foreign_add_quoted(&out, NULL, 0);
    assert_string_equal(buffer_text(&out), "\"a\\u0000b\"\"\"");
    buffer_fini(&out);
}

static void test_dump(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, 4096);
    foreign_add_dump(&out, "", 0);
    assert_string_equal(buffer_text(&out), "");
    foreign_add_dump(&out, "0123456789abcdef\xc1\x00z", 19);
    assert_string_equal(
        buffer_text(&out),
        "00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|\n"
        "00000010  c1 00 7a                                          |..z|\n");
    buffer_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inside_of_json),
        cmocka_unit_test(test_quotes_and_zeros),
        cmocka_unit_test(test_dump),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

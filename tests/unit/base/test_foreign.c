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

static void test_words_of_others(void **state)
{
    (void)state;
    static const struct {
        const char *name, *bytes;
        size_t room;
        const char *want;
    } cases[] = {
        {"plain", "database is locked", 64, "database is locked"},
        {"nothing", "", 64, ""},
        {"only spaces", " \r\n\t ", 64, ""},
        {"a page on lines", "\r\n400\r\n\tBad  Request \n", 64, "400 Bad Request"},
        {"quotes", "not \"ghg\", 'x' C:\\mill", 64, "not 'ghg', 'x' C:/mill"},
        {"escape of a terminal", "a\x1b[31mb", 64, "a [31mb"},
        {"control of eight bits",
         "a\xc2\x9b"
         "b",
         64, "a b"},
        {"line separator", "a\xe2\x80\xa8z", 64, "a z"},
        {"text turned round", "a\xe2\x80\xae", 64, /* NOLINT(misc-misleading-bidirectional) */
         "a?"},
        {"letters beyond ASCII", "\xc3\xbc\xe4\xb8\x9c\xf0\x9f\x8f\xad", 64,
         "\xc3\xbc\xe4\xb8\x9c\xf0\x9f\x8f\xad"},
        {"no UTF-8", "K\xf6ln \xe4\xb8", 64, "K?ln ??"},
        {"it fits", "abcd", 5, "abcd"},
        {"cut", "abcde", 5, "abcd"},
        {"cut before a character", "abc\xc3\xbc", 5, "abc"},
        {"cut before a space", "abcd e", 6, "abcd"},
        {"no room", "abc", 1, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char out[65];
        memset(out, '#', sizeof(out));
        size_t size = foreign_clean(out, cases[i].room, cases[i].bytes, strlen(cases[i].bytes));
        if (strcmp(out, cases[i].want) != 0 || size != strlen(out) || out[cases[i].room] != '#')
            fail_msg("%s: got %s", cases[i].name, out);
    }
    char out[8];
    assert_int_equal(foreign_clean(out, sizeof(out), "a\0b", 3), 3);
    assert_string_equal(out, "a b");
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
        cmocka_unit_test(test_words_of_others),
        cmocka_unit_test(test_quotes_and_zeros),
        cmocka_unit_test(test_dump),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

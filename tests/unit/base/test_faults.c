#include "base/faults.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_suggest(void **state)
{
    (void)state;
    static const char *const words[] = {"format", "brokers", "start", "Asia/Shanghai", "gas", "id"};
    static const struct {
        const char *found, *want;
    } cases[] = {
        {"fromat", "format"}, /* a swap is one step */
        {"broker", "brokers"},
        {"stat", "start"},
        {"ASIA/SHANGHAI", "Asia/Shanghai"},
        {"Asia/Shangai", "Asia/Shanghai"},
        {"Gas", "gas"}, /* case alone */
        {"gaz", NULL},  /* of three letters one is too many */
        {"ix", NULL},
        {"", NULL},
        {"elephant", NULL},
        {"strt ", NULL},
        {"Asia/Pekin", NULL},
        {"a word that is far longer than any that could be meant by somebody who misspelt it",
         NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *got = faults_suggest(cases[i].found, words, ARRAY_LEN(words));
        if ((got == NULL) != (cases[i].want == NULL) ||
            (got != NULL && strcmp(got, cases[i].want) != 0))
            fail_msg("%s: got %s", cases[i].found, got == NULL ? "nothing" : got);
    }
}

static void test_source_line(void **state)
{
    (void)state;
    static const char source[] = "first\n\tgr\xc3\xb6\xc3\x9f\x65r: 1\r\npassword: hunter2\n"
                                 "password_file: x\nnext: |\n  more\ntoken:\n  hunter2";
    static const struct {
        const char *name;
        int line, column;
        const char *want;
    } cases[] = {
        {"first line", 1, 1, "f:1:1: error: x\n     1 | first\n       | ^\n"},
        {"tab and letters of two bytes", 2, 11,
         "f:2:11: error: x\n     2 | \tgr\xc3\xb6\xc3\x9f\x65r: 1\n       | \t       ^\n"},
        {"a secret", 3, 1, "f:3:1: error: x\n"},
        {"the name of a file", 4, 16,
         "f:4:16: error: x\n     4 | password_file: x\n"
         "       |                ^\n"},
        {"a value that goes on", 6, 3, "f:6:3: error: x\n     6 |   more\n       |   ^\n"},
        {"a secret that goes on", 8, 3, "f:8:3: error: x\n"},
        {"behind the last line", 9, 1, "f:9:1: error: x\n"},
        {"behind the line's end", 1, 40, "f:1:40: error: x\n"},
        {"no column", 1, 0, "f:1: error: x\n"},
        {"no line", 0, 0, "f: error: x\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buffer text;
        buffer_init(&text, 4096);
        struct faults faults = {.text = &text, .errors_max = 10};
        faults_show_source(&faults, "f", source, strlen(source));
        faults_error(&faults, "f", cases[i].line, cases[i].column, "%s", "x");
        const char *got = buffer_text(&text);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s: got %s", cases[i].name, got);
        buffer_fini(&text);
    }
}

static void test_other_file_has_no_source(void **state)
{
    (void)state;
    struct buffer text;
    buffer_init(&text, 4096);
    struct faults faults = {.text = &text, .errors_max = 10};
    faults_show_source(&faults, "f", "abc\n", 4);
    faults_warn(&faults, "g", 1, 1, "not\nclean\x1b[31m");
    assert_string_equal(buffer_text(&text), "g:1:1: warning: not?clean?[31m\n");
    assert_int_equal(faults.warnings, 1);
    assert_int_equal(faults.errors, 0);
    buffer_fini(&text);
}

static void test_sort_and_count(void **state)
{
    (void)state;
    struct buffer text;
    buffer_init(&text, 4096);
    struct faults faults = {.text = &text, .errors_max = 4};
    faults_error(&faults, "f", 3, 1, "c");
    faults_error(&faults, "f", 1, 5, "b");
    faults_error(&faults, "f", 1, 2, "a");
    faults_sort(&faults);
    faults_error(&faults, "f", 1, 1, "after");
    faults_error(&faults, "f", 1, 1, "too many");
    faults_error(&faults, "f", 1, 1, "too many");
    faults_sort(&faults);
    faults_end(&faults);
    assert_string_equal(buffer_text(&text), "f:1:2: error: a\nf:1:5: error: b\nf:3:1: error: c\n"
                                            "f:1:1: error: after\n2 more errors are not shown\n");
    assert_int_equal(faults.errors, 6);
    buffer_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_suggest),
        cmocka_unit_test(test_source_line),
        cmocka_unit_test(test_other_file_has_no_source),
        cmocka_unit_test(test_sort_and_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

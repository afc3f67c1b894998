#include "base/base.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_err_str(void **state)
{
    (void)state;
    static const struct {
        int err;
        const char *want;
    } cases[] = {
        {0, "no error"},
        {1, "no error"},
        {-ENOENT, "No such file or directory"},
        {-ECONNREFUSED, "Connection refused"},
        {ERR_FULL, "full"},
        {ERR_SYNTAX, "does not follow its grammar"},
        {ERR_RANGE, "out of range"},
        {ERR_CONFIG, "the configuration has faults"},
        {ERR_PROTOCOL, "the peer broke its protocol"},
        {-3008, "unknown node or service"},
        {-4095, "end of file"},
        {-999, "unknown error"},
        {-1999, "unknown error"},
        {INT32_MIN, "unknown error"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(err_str(cases[i].err), cases[i].want);
}

static void test_take(void **state)
{
    (void)state;
    int owned = 0;
    int *pointer = &owned;
    assert_ptr_equal(TAKE(pointer), &owned);
    assert_null(pointer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_err_str),
        cmocka_unit_test(test_take),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}

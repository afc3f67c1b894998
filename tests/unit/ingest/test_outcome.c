#include "pipelines/ingest/outcome.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_rejections_have_reasons(void **state)
{
    (void)state;
    for (enum outcome outcome = 0; outcome < OUTCOME_COUNT; outcome++) {
        bool rejected = outcome >= REJECT_UNDECODABLE;
        assert_int_equal(strcmp(outcome_class(outcome), "rejected") == 0, rejected);
        assert_int_equal(outcome_reason(outcome)[0] != '\0', rejected);
        assert_true(strlen(outcome_help(outcome)) > 0);
        if (rejected)
            assert_true(outcome_is_kept_apart(outcome));
    }
}

static void test_names_tell_apart(void **state)
{
    (void)state;
    for (enum outcome a = 0; a < OUTCOME_COUNT; a++)
        for (enum outcome b = 0; b < a; b++)
            assert_true(strcmp(outcome_class(a), outcome_class(b)) != 0 ||
                        strcmp(outcome_reason(a), outcome_reason(b)) != 0);
}

static void test_kept_apart(void **state)
{
    (void)state;
    assert_false(outcome_is_kept_apart(OUTCOME_USED));
    assert_false(outcome_is_kept_apart(OUTCOME_DUPLICATE));
    assert_false(outcome_is_kept_apart(OUTCOME_CORRECTED));
    assert_false(outcome_is_kept_apart(OUTCOME_PARKED));
    assert_true(outcome_is_kept_apart(OUTCOME_LATE));
    assert_true(outcome_is_kept_apart(OUTCOME_EARLY));
    assert_true(outcome_is_kept_apart(OUTCOME_UNKNOWN));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rejections_have_reasons),
        cmocka_unit_test(test_names_tell_apart),
        cmocka_unit_test(test_kept_apart),
    };
    return cmocka_run_group_tests_name("outcome", tests, NULL, NULL);
}

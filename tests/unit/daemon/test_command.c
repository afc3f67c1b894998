/* Loading a configuration for a command: the words on standard error. */
#include "daemon/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FOLDER "tests/data/config/"

enum { TEXT_MAX = 1 << 16 };

/* The error of the load, and what it printed. */
static int load(char text[TEXT_MAX], const char *file)
{
    FILE *captured = tmpfile();
    assert_non_null(captured);
    int saved = dup(STDERR_FILENO);
    assert_true(saved >= 0);
    (void)fflush(stderr);
    assert_true(dup2(fileno(captured), STDERR_FILENO) >= 0);
    struct config *config = NULL;
    int err = command_load_config_briefly(&config, file, "trajectory");
    (void)fflush(stderr);
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    (void)close(saved);
    rewind(captured);
    text[fread(text, 1, TEXT_MAX - 1, captured)] = '\0';
    (void)fclose(captured);
    if (err == 0)
        config_destroy(&config);
    return err;
}

static void test_warnings_are_counted(void **state)
{
    (void)state;
    char text[TEXT_MAX];
    assert_int_equal(load(text, FOLDER "good_minimal.yaml"), 0);
    assert_string_equal(text, "");
    assert_int_equal(load(text, FOLDER "good_targets.yaml"), 0);
    assert_string_equal(text, "ghgd trajectory: the configuration has warnings (2); ghgd check -c "
                              "tests/data/config/good_targets.yaml prints them\n");
}

static void test_errors_are_printed(void **state)
{
    (void)state;
    char text[TEXT_MAX];
    assert_int_equal(load(text, FOLDER "bad_trajectory.yaml"), ERR_CONFIG);
    assert_non_null(strstr(text, "error: trajectory.dwell: "));
    assert_null(strstr(text, "ghgd check"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_warnings_are_counted),
        cmocka_unit_test(test_errors_are_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

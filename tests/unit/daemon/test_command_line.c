/* test_command_line.c - what several subcommands have of their options. */
#include "daemon/command_line.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/timestamp.h"
#include "daemon/command.h"

static const struct option options[] = {
    {"number", required_argument, NULL, 'n'},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

struct taken {
    const char *number;
    int calls;
};

static int take(void *context, int option, const char *value)
{
    struct taken *taken = context;
    taken->calls++;
    if (option == 'q')
        return value == NULL ? EXIT_GOOD : EXIT_MISUSED;
    taken->number = value;
    return strcmp(value, "bad") == 0 ? EXIT_MISUSED : EXIT_GOOD;
}

static const struct command_line line = {
    .command = "test", .usage = "", .letters = "n:qh", .options = options, .take = take};

struct parse_case {
    const char *name;
    const char *arguments[4];
    int want, want_all, calls; /* calls: of the handler, either way */
    int left;                  /* where the operands begin */
};

static void check_parse(const struct parse_case *given, bool all)
{
    char *argv[6] = {"test"};
    int argc = 1;
    for (; argc < 5 && given->arguments[argc - 1] != NULL; argc++)
        argv[argc] = strdup(given->arguments[argc - 1]);
    struct taken taken = {0};
    optind = 0; /* begin again */
    int got = all ? command_line_parse_all(&line, &taken, argc, argv)
                  : command_line_parse(&line, &taken, argc, argv);
    if (got != (all ? given->want_all : given->want) || taken.calls != given->calls)
        fail_msg("%s: %d after %d calls", given->name, got, taken.calls);
    if (got == EXIT_GOOD)
        assert_int_equal(optind, given->left);
    for (int k = 1; k < argc; k++)
        free(argv[k]);
}

static void test_parse(void **state)
{
    (void)state;
    static const struct parse_case cases[] = {
        {"nothing", {NULL}, EXIT_GOOD, EXIT_GOOD, 0, 1},
        {"options", {"-q", "--number", "7"}, EXIT_GOOD, EXIT_GOOD, 2, 4},
        {"an operand", {"-n7", "more"}, EXIT_GOOD, EXIT_MISUSED, 1, 2},
        {"help", {"--help", "-n7"}, -1, -1, 0, 0},
        {"help, later", {"-q", "-h"}, -1, -1, 1, 0},
        {"unknown", {"--nonsense"}, EXIT_MISUSED, EXIT_MISUSED, 0, 0},
        {"no value", {"-n"}, EXIT_MISUSED, EXIT_MISUSED, 0, 0},
        {"a value too many", {"--quiet=7"}, EXIT_MISUSED, EXIT_MISUSED, 0, 0},
        {"refused by the handler", {"-nbad", "-q"}, EXIT_MISUSED, EXIT_MISUSED, 1, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        check_parse(&cases[i], false);
        check_parse(&cases[i], true);
    }
}

static void test_moment_option(void **state)
{
    (void)state;
    int64_t ms = 5;
    assert_int_equal(command_line_take_moment("test", "--from", "yesterday", 1000, &ms),
                     EXIT_MISUSED);
    assert_int_equal(command_line_take_moment("test", "--from", "", 1000, &ms), EXIT_MISUSED);
    assert_int_equal(ms, 5);
    assert_int_equal(command_line_take_moment("test", "--from", "1s", 5000, &ms), EXIT_GOOD);
    assert_int_equal(ms, 4000);
}

#define NOW_MS INT64_C(1772323200000) /* 2026-03-01T00:00:00Z */

static void test_moments_accepted(void **state)
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

static void test_moments_refused(void **state)
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

static void test_sinks(void **state)
{
    (void)state;
    static struct sink_conf sinks[] = {{.name = "one"}, {.name = "two"}};
    const struct config config = {.sinks = sinks, .sinks_count = ARRAY_LEN(sinks)};
    struct sink_choice choice = {0};
    assert_false(sink_choice_has(&choice, "one"));
    assert_int_equal(sink_choice_check(&choice, "test", &config), 0);
    assert_int_equal(sink_choice_add(&choice, "test", "two"), EXIT_GOOD);
    assert_true(sink_choice_has(&choice, "two"));
    assert_false(sink_choice_has(&choice, "one"));
    assert_int_equal(sink_choice_check(&choice, "test", &config), 0);
    assert_int_equal(sink_choice_add(&choice, "test", "three"), EXIT_GOOD);
    assert_int_equal(sink_choice_check(&choice, "test", &config), -ENOENT);
    while (choice.count < SINKS_MAX)
        assert_int_equal(sink_choice_add(&choice, "test", "one"), EXIT_GOOD);
    assert_int_equal(sink_choice_add(&choice, "test", "one"), EXIT_MISUSED);
    assert_int_equal(choice.count, SINKS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_moment_option),
        cmocka_unit_test(test_moments_accepted),
        cmocka_unit_test(test_moments_refused),
        cmocka_unit_test(test_sinks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

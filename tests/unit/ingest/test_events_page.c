/* docs/events.md lists every outcome and every unit, in the words of the program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/units/units.h"
#include "pipelines/ingest/field_map.h"
#include "pipelines/ingest/outcome.h"

enum { PAGE_BYTES_MAX = 1 << 16 };
static char page[PAGE_BYTES_MAX];

static int load(void **state)
{
    (void)state;
    FILE *file = fopen("docs/events.md", "r");
    assert_non_null(file);
    size_t size = fread(page, 1, sizeof(page), file);
    (void)fclose(file);
    assert_in_range(size, 1, sizeof(page) - 1);
    return 0;
}

static void expect(const char *text)
{
    if (strstr(page, text) == NULL)
        fail_msg("docs/events.md lacks: %s", text);
}

static void test_outcomes(void **state)
{
    (void)state;
    for (int i = 0; i < OUTCOME_COUNT; i++) {
        enum outcome outcome = (enum outcome)i;
        const char *reason = outcome_reason(outcome);
        const char *tick = *reason == '\0' ? "" : "`";
        char row[512];
        int size = snprintf(row, sizeof(row), "| %s | %s%s%s | %s |\n", outcome_class(outcome),
                            tick, reason, tick, outcome_help(outcome));
        assert_in_range(size, 1, sizeof(row) - 1);
        expect(row);
    }
}

static void test_units(void **state)
{
    (void)state;
    const char *name;
    for (size_t i = 0; (name = unit_name_at(i)) != NULL; i++) {
        char words[256];
        char *rest = words;
        char *word;
        int size = snprintf(words, sizeof(words), "%s %s", name, unit_aliases_at(i));
        assert_in_range(size, 1, sizeof(words) - 1);
        while ((word = strsep(&rest, " ")) != NULL) {
            char quoted[64];
            (void)snprintf(quoted, sizeof(quoted), "`%s`", word);
            if (*word != '\0')
                expect(quoted);
        }
    }
}

static void test_fields(void **state)
{
    (void)state;
    for (int i = 0; i < FIELD_COUNT; i++) {
        char quoted[64];
        (void)snprintf(quoted, sizeof(quoted), "`%s`", field_map_native((enum event_field)i));
        expect(quoted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outcomes),
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_fields),
    };
    return cmocka_run_group_tests(tests, load, NULL);
}

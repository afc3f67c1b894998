/* Which stocks lack the dip before the first one that was read. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/timestamp.h"
#include "config/registry/tables.h"
#include "daemon/replay/dips.h"
#include "tests/unit/ingest/tables.h"

enum { RECORD_BYTES_MAX = 256, READ_MAX = 4 };

static const struct decode_conf decode = {.format = FORMAT_JSON};
static struct registry *registry;

static int64_t parse(const char *text)
{
    int64_t time_ms;
    if (timestamp_parse(&time_ms, text, strlen(text)) != 0)
        fail_msg("%s is no time", text);
    return time_ms;
}

struct record {
    const char *meter, *date, *event;
};

static void read_record(struct dips *dips, const struct record *record)
{
    char message[RECORD_BYTES_MAX];
    int size =
        snprintf(message, sizeof(message),
                 "{\"meter\":\"%s\",\"time\":\"%sT00:00:00Z\",\"event\":\"%s\",\"value\":10}",
                 record->meter, record->date, record->event);
    dips_read(dips, message, (size_t)size, false);
}

static void test_missing(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct record records[READ_MAX];
        size_t count;
        const char *needed, *names;
    } cases[] = {
        {"nothing was read", {{0}}, 0, "2024-03-01", ""},
        {"a dip before", {{"tank", "2024-02-01", "dip"}}, 1, "2024-03-01", ""},
        {"a dip at that time", {{"tank", "2024-03-01", "dip"}}, 1, "2024-03-01", ""},
        {"a dip behind it",
         {{"tank", "2024-03-02", "dip"}},
         1,
         "2024-03-01",
         "\"tank\" (2024-03-02T00:00:00Z)"},
        {"the earliest decides, in any order",
         {{"tank", "2024-03-02", "dip"}, {"tank", "2024-02-02", "dip"}},
         2,
         "2024-03-01",
         ""},
        {"a delivery is no dip",
         {{"tank", "2024-02-02", "delivery"}, {"tank", "2024-03-02", "dip"}},
         2,
         "2024-03-01",
         "\"tank\" (2024-03-02T00:00:00Z)"},
        {"no dip at all", {{"tank", "2024-03-02", "delivery"}}, 1, "2024-03-01", ""},
        {"two of them",
         {{"yard", "2024-03-05", "dip"}, {"tank", "2024-03-02", "dip"}},
         2,
         "2024-03-01",
         "\"yard\" (2024-03-05T00:00:00Z), \"tank\" (2024-03-02T00:00:00Z)"},
        {"one that is valid since then only", {{"new", "2024-03-12", "dip"}}, 1, "2024-03-01", ""},
        {"one that accrues, and a dip before",
         {{"pile", "2024-02-01", "dip"}, {"pile", "2024-02-01", "dip"}},
         2,
         "2024-03-01",
         "\"pile\" (2024-02-01T00:00:00Z)"},
        {"two dips before",
         {{"pile", "2024-02-11", "dip"}, {"pile", "2024-02-01", "dip"}},
         2,
         "2024-03-01",
         ""},
        {"and one behind",
         {{"pile", "2024-02-11", "dip"}, {"pile", "2024-03-02", "dip"}},
         2,
         "2024-03-01",
         ""},
        {"no event", {{"tank", "2024-03-02", "dive"}}, 1, "2024-03-01", ""},
    };
    const struct config config = {.registry = registry};
    struct dips *dips;
    assert_int_equal(dips_create(&dips, &config, &decode), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        dips_clear(dips);
        for (size_t j = 0; j < cases[i].count; j++)
            read_record(dips, &cases[i].records[j]);
        char needed[TIMESTAMP_TEXT_SIZE];
        (void)snprintf(needed, sizeof(needed), "%sT00:00:00Z", cases[i].needed);
        struct buffer names;
        buffer_init(&names, 1 << 10);
        uint32_t count = dips_count_missing(dips, parse(needed));
        int64_t latest_ms = dips_name_missing(dips, parse(needed), &names);
        const char *text = buffer_text(&names);
        if (strcmp(text != NULL ? text : "", cases[i].names) != 0 ||
            (count == 0) != (cases[i].names[0] == '\0') || (count == 0) != (latest_ms == INT64_MIN))
            fail_msg("%s: %" PRIu32 ", %s", cases[i].name, count, text);
        buffer_fini(&names);
    }
    dips_destroy(&dips);
    assert_null(dips);
}

/* A stock that accrues goes on from dips that may be older than all that was read. */
static void test_lacking(void **state)
{
    (void)state;
    const struct config config = {.registry = registry};
    struct dips *dips;
    assert_int_equal(dips_create(&dips, &config, &decode), 0);
    int64_t needed_ms = parse("2024-03-01T00:00:00Z");
    assert_false(dips_lack_any(dips, needed_ms)); /* its facility may be of another partition */
    read_record(dips, &(struct record){"tank", "2024-02-01", "dip"});
    assert_true(dips_lack_any(dips, needed_ms));
    assert_int_equal(dips_count_missing(dips, needed_ms), 0);
    read_record(dips, &(struct record){"pile", "2024-02-01", "dip"});
    assert_true(dips_lack_any(dips, needed_ms));
    read_record(dips, &(struct record){"pile", "2024-01-01", "dip"});
    assert_false(dips_lack_any(dips, needed_ms));
    dips_clear(dips);
    assert_false(dips_lack_any(dips, needed_ms));
    dips_destroy(&dips);
}

static void test_tables_without_stock(void **state)
{
    (void)state;
    struct registry none = {.meters_count = 0};
    const struct config config = {.registry = &none};
    struct dips *dips;
    assert_int_equal(dips_create(&dips, &config, &decode), 0);
    assert_null(dips);
}

static int setup(void **state)
{
    (void)state;
    registry = tables_read("tests/data/stocks", 7 * DAY_MS);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    registry_destroy(&registry);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_lacking),
        cmocka_unit_test(test_tables_without_stock),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

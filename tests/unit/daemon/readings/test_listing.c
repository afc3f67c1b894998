/* The answers of `ghgd readings`: values in the meter's own unit, fates in words, three formats. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/readings/listing.h"
#include "pipelines/metering/register_chain.h"
#include "tests/unit/metering/readings.h"

#define DIP .quality = (QUALITY_ACTUAL | ROLE_DIP << ROLE_SHIFT)
#define TRANSFER .quality = (QUALITY_ACTUAL | ROLE_TRANSFER << ROLE_SHIFT)

enum { READINGS_MAX = 5, TEXT_BYTES_MAX = 64 << 10 };

static const char *zones[] = {"Asia/Dhaka"}; /* +06:00 all year */
static const struct registry registry = {.zones = zones, .zones_count = 1};
static const struct facility facility = {.id = "f\"1", .zone = 0};

static const struct meter interval = {.id = "i,1",
                                      .cell_max = CELL_MAX,
                                      .kind = KIND_INTERVAL,
                                      .own = {.unit = "kWh", .scale = {1, 1}}};
static const struct meter total = {.id = "t",
                                   .cell_max = CELL_MAX,
                                   .kind = KIND_INTERVAL,
                                   .total = true,
                                   .own = {.unit = "kWh", .scale = {1, 1}}};
static const struct meter counter = {.id = "r",
                                     .cell_max = CELL_MAX,
                                     .kind = KIND_REGISTER,
                                     .register_modulus = 80 * U * 1000,
                                     .own = {.unit = "kWh", .scale = {80, 1}}};
static const struct meter gauge = {.id = "g",
                                   .cell_max = CELL_MAX,
                                   .kind = KIND_GAUGE,
                                   .hold_ms = 20 * MINUTE_MS,
                                   .own = {.unit = "MW", .scale = {1000, 1}}};
static const struct meter step = {.id = "h",
                                  .cell_max = CELL_MAX,
                                  .kind = KIND_GAUGE,
                                  .hold_ms = 20 * MINUTE_MS,
                                  .step = true,
                                  .own = {.unit = "kW", .scale = {1, 1}}};
static const struct meter stock = {.id = "s",
                                   .cell_max = CELL_MAX,
                                   .kind = KIND_STOCK,
                                   .quantity = QUANTITY_VOLUME,
                                   .own = {.unit = "m3", .scale = {1000, 1}}};
static const struct meter megajoules = {.id = "j",
                                        .cell_max = CELL_MAX,
                                        .kind = KIND_DELIVERY,
                                        .own = {.unit = "MJ", .scale = {5, 18}}};

/* Appends the answer to *out, which the caller has initialized. */
static void list(struct buffer *out, enum listing_format format, const struct meter *meter,
                 const struct given *given, size_t count, const struct reading_fate *fates_given)
{
    struct reading slots[SLOTS];
    struct reading_fate fates[SLOTS];
    struct journal journal;
    journal_init(&journal, slots, SLOTS);
    for (size_t i = 0; i < count; i++)
        (void)book(meter, &journal, &given[i], FLOOR);
    fates_judge(fates, meter, &journal);
    if (fates_given != NULL)
        memcpy(fates, fates_given, count * sizeof(*fates));
    struct local_clock *clock;
    assert_int_equal(local_clock_create(&clock, &registry), 0);
    struct journal_view view = {.meter = meter,
                                .facility = &facility,
                                .journal = &journal,
                                .fates = fates,
                                .clock = clock,
                                .decided = &journal,
                                .partition = 3};
    journal_view_choose_unit(&view);
    listing_add_heads(out, format);
    for (uint32_t i = 0; i < journal.count; i++)
        listing_add(out, format, &view, i);
    local_clock_destroy(&clock);
}

/* --- words --- */

static const struct reading_fate glitches[] = {
    {.fate = FATE_BEGINS, .before = FATE_NO_READING, .after = FATE_NO_READING},
    {.fate = FATE_LEFT_ASIDE, .before = 0, .after = 2},
    {.fate = FATE_LEFT_ASIDE, .before = 0, .after = FATE_NO_READING},
};

static const struct reading_fate another[] = {
    {.fate = FATE_BEGINS, .before = FATE_NO_READING, .after = FATE_NO_READING},
    {.fate = FATE_BREAK,
     .before = 0,
     .after = FATE_NO_READING,
     .has_amount = true,
     .amount = INT64_C(-49760) * U},
};

static const struct reading_fate lines[] = {
    {.fate = FATE_COUNTS, .has_amount = true, .amount = 5 * U, .before = FATE_NO_READING},
    {.fate = FATE_LINE, .before = 0},
};

static const struct {
    const char *name;
    const struct meter *meter;
    struct given readings[READINGS_MAX];
    size_t count;
    const struct reading_fate *fates; /* NULL: those of the journal */
    const char *lines[READINGS_MAX];  /* each is somewhere in the table */
} words[] = {
    {"an estimated hour loses a quarter",
     &interval,
     {{0, 60, 8 * U, ESTIMATE}, {15, 30, 7250000, ACTUAL}},
     2,
     NULL,
     {"1970-01-01T06:00:00+06:00  1970-01-01T07:00:00+06:00               8  kWh     "
      "estimated    0  3:7           counts in part: 6 kWh over 45m of 1h; elsewhere 7.25 of "
      "1970-01-01T06:15:00+06:00 ranks higher\n",
      "1970-01-01T06:15:00+06:00  1970-01-01T06:30:00+06:00            7.25  kWh     "
      "actual       0  3:7           counts: 7.25 kWh\n"}},
    {"an outranked interval",
     &interval,
     {{0, 15, U, ESTIMATE}, {0, 30, 2 * U, ACTUAL}},
     2,
     NULL,
     {"outranked: 2 of 1970-01-01T06:00:00+06:00 ranks higher\n"}},
    {"the rest of a total",
     &total,
     {{0, 60, 9 * U, ESTIMATE}, {15, 30, 6 * U, ACTUAL}},
     2,
     NULL,
     {"counts in part: 3 kWh over 45m of 1h; elsewhere 6 of 1970-01-01T06:15:00+06:00 ranks "
      "higher\n"}},
    {"a total that is less than a reading in it",
     &total,
     {{0, 60, 4 * U, ESTIMATE}, {15, 30, 6 * U, ACTUAL}},
     2,
     NULL,
     {"held: readings within it that rank higher contradict this total; they stand, -2 kWh in "
      "question\n"}},
    {"a line of a bill",
     &interval,
     {{0, 15, 2 * U, ACTUAL}, {15, 30, 3 * U, ACTUAL}},
     2,
     lines,
     {"counts: 5 kWh\n",
      "counts with 2 of 1970-01-01T06:00:00+06:00, as a line of the same bill\n"}},
    {"a register with a multiplier",
     &counter,
     {{0, 0, 8000 * U, ACTUAL}, {15, 0, 8080 * U, .revision = 2, ACTUAL}},
     2,
     NULL,
     {"             100  kWh     actual       0  3:7           begins: later readings go on from "
      "it\n",
      "             101  kWh     actual       2  3:7           counts: 80 kWh since the reading "
      "before\n"}},
    {"a register that wraps",
     &counter,
     {{0, 0, 80 * U * 997, ACTUAL}, {15, 0, 80 * U * 999, ACTUAL}, {30, 0, 80 * U, ACTUAL}},
     3,
     NULL,
     {"counts: 160 kWh since the reading before; the counter wrapped\n"}},
    {"a register that falls",
     &counter,
     {{0, 0, 80 * U * 640, ACTUAL}, {15, 0, 80 * U * 18, ACTUAL}},
     2,
     NULL,
     {"held: later readings decide whether 18 goes on from 640 of 1970-01-01T06:00:00+06:00, "
      "-49760 kWh in question\n"}},
    {"a register that is another one from there on",
     &counter,
     {{0, 0, 80 * U * 640, ACTUAL}, {15, 0, 80 * U * 18, ACTUAL}},
     2,
     another,
     {"break: 18 does not go on from 640 of 1970-01-01T06:00:00+06:00; the time between is held, "
      "-49760 kWh in question\n"}},
    {"zeros between good readings",
     &counter,
     {{0, 0, 33088 * U, ACTUAL}, {15, 0, 0, ACTUAL}, {30, 0, 33096 * U, ACTUAL}},
     3,
     NULL,
     {"left aside: 0 contradicts 413.6 before and 413.7 after\n",
      "counts: 8 kWh since the reading before\n"}},
    {"an estimate before a measured reading",
     &counter,
     {{0, 0, 8000 * U, ACTUAL}, {15, 0, 8160 * U, ESTIMATE}, {30, 0, 8080 * U, ACTUAL}},
     3,
     NULL,
     {"left aside: an estimate, and 101 of 1970-01-01T06:30:00+06:00 was measured\n"}},
    {"glitches",
     &counter,
     {{0, 0, 33088 * U, ACTUAL}, {15, 0, 0, ACTUAL}, {30, 0, 33096 * U, ACTUAL}},
     3,
     glitches,
     {"left aside: 0 contradicts 413.6 before and 413.7 after\n",
      "left aside: 413.7 contradicts 413.6 before\n"}},
    {"a gauge",
     &gauge,
     {{0, 0, 1500 * U, ACTUAL}, {15, 0, 250 * U, ACTUAL}, {40, 0, U, ACTUAL}},
     3,
     NULL,
     {"             1.5  MW  ", "counts in part: no reading within 20m after it\n",
      "gap: no other reading within 20m\n"}},
    {"a gauge that reports changes: the newest sample holds",
     &step,
     {{0, 0, 8 * U, ACTUAL}, {15, 0, 0, ACTUAL}},
     2,
     NULL,
     {"  counts\n", "begins: holds from here on, until the next one comes\n"}},
    {"a single sample",
     &step,
     {{0, 0, 8 * U, ACTUAL}},
     1,
     NULL,
     {"begins: later readings go on from it\n"}},
    {"a total of which better readings have all",
     &total,
     {{0, 30, 9 * U, ESTIMATE}, {0, 15, 4 * U, ACTUAL}, {15, 30, 4 * U, ACTUAL}},
     3,
     NULL,
     {"contradicted: better readings have all of its time; they stand, and 1 kWh of it are in "}},
    {"a tank between two dips",
     &stock,
     {{0, 0, 12000 * U, DIP},
      {5, 0, 30000 * U, ACTUAL},
      {6, 0, 2000 * U, TRANSFER},
      {15, 0, 9500 * U, DIP},
      {20, 0, 1000 * U, ACTUAL}},
     5,
     NULL,
     {"dip: counts, spread evenly since the dip of 1970-01-01T06:00:00+06:00: ",
      ": 12000 + 30000 delivered - 2000 transferred - 9500 = 30500 L\n",
      "  in the balance that the dip of 1970-01-01T06:15:00+06:00 closes\n",
      "transfer: in the balance that the dip of 1970-01-01T06:15:00+06:00 closes\n",
      "waits: no dip is on one side of it, to close its balance\n"}},
    {"a tank with more in it than can be",
     &stock,
     {{0, 0, 1000 * U, DIP}, {15, 0, 8500 * U, DIP}},
     2,
     NULL,
     {"dip: held, stock_negative: between the dips of 1970-01-01T06:00:00+06:00 and ",
      " and 1970-01-01T06:15:00+06:00 1000 - 8500 = -7500 L; ",
      "a delivery is missing, or one of the dips is wrong\n"}},
    {"whole megajoules", &megajoules, {{0, 0, 10 * U, ACTUAL}}, 1, NULL, {" 36  MJ "}},
    {"megajoules that were rounded are told as they are counted",
     &megajoules,
     {{0, 0, 277778, ACTUAL}, {1, 0, 10 * U, ACTUAL}},
     2,
     NULL,
     {" 0.277778  kWh ", " 10  kWh "}},
    {"the largest value",
     &megajoules,
     {{0, 0, CELL_MAX, ACTUAL}},
     1,
     NULL,
     {" 2251799813.685247  kWh "}},
};

static void test_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        struct buffer out;
        buffer_init(&out, TEXT_BYTES_MAX);
        list(&out, LISTING_TABLE, words[i].meter, words[i].readings, words[i].count,
             words[i].fates);
        for (size_t j = 0; j < READINGS_MAX && words[i].lines[j] != NULL; j++) {
            if (strstr(buffer_text(&out), words[i].lines[j]) == NULL)
                fail_msg("%s: no \"%s\" in\n%s", words[i].name, words[i].lines[j],
                         buffer_text(&out));
        }
        buffer_fini(&out);
    }
}

static void test_conflict_and_role(void **state)
{
    (void)state;
    struct reading slot = {.value = U, .conflict = 1, .role = ROLE_FINAL};
    struct journal journal;
    journal_init(&journal, &slot, 1);
    journal.count = 1;
    register_chain_judge(&counter, &journal);
    struct reading_fate fate;
    fates_judge(&fate, &counter, &journal);
    const struct journal_view view = {
        .meter = &counter, .journal = &journal, .decided = &journal, .fates = &fate};
    struct buffer out;
    buffer_init(&out, TEXT_BYTES_MAX);
    journal_view_add_why(&out, &view, 0);
    assert_string_equal(buffer_text(&out),
                        "exchange, the old counter: begins: later readings go on from it; another "
                        "value of the same rank was there");
    buffer_fini(&out);
}

/* --- formats --- */

static const struct given fall[] = {{0, 0, 80 * U * 640, ACTUAL}, {15, 0, 80 * U * 18, ACTUAL}};

static void expect_listing(enum listing_format format, const struct meter *meter,
                           const struct given *given, size_t count, const char *expected)
{
    struct buffer out;
    buffer_init(&out, TEXT_BYTES_MAX);
    list(&out, format, meter, given, count, NULL);
    assert_string_equal(buffer_text(&out), expected);
    buffer_fini(&out);
}

#define NO_BALANCE                                                                                 \
    "\"opening_time\":null,\"opening\":null,\"delivered\":null,\"transferred\":null,"              \
    "\"credited\":null,\"closing\":null,"

static void test_json(void **state)
{
    (void)state;
    expect_listing(
        LISTING_JSON, &counter, fall, 2,
        "{\"meter\":\"r\",\"facility\":\"f\\\"1\",\"kind\":\"register\","
        "\"time\":\"1970-01-01T06:00:00+06:00\",\"end\":null,\"value\":640,\"unit\":\"kWh\","
        "\"canonical\":51200,\"canonical_unit\":\"kWh\",\"quality\":\"actual\",\"revision\":0,"
        "\"role\":\"reading\",\"conflict\":false,\"partition\":3,\"offset\":7,\"fate\":\"begins\","
        "\"amount\":null,\"amount_unit\":\"kWh\",\"held_from\":null,\"held_to\":null,"
        "\"held_amount\":null," NO_BALANCE "\"why\":\"begins: later readings go on from it\"}\n"
        "{\"meter\":\"r\",\"facility\":\"f\\\"1\",\"kind\":\"register\","
        "\"time\":\"1970-01-01T06:15:00+06:00\",\"end\":null,\"value\":18,\"unit\":\"kWh\","
        "\"canonical\":1440,\"canonical_unit\":\"kWh\",\"quality\":\"actual\",\"revision\":0,"
        "\"role\":\"reading\",\"conflict\":false,\"partition\":3,\"offset\":7,\"fate\":\"held\","
        "\"amount\":null,\"amount_unit\":\"kWh\",\"held_from\":\"1970-01-01T06:00:00+06:00\","
        "\"held_to\":\"1970-01-01T06:15:00+06:00\",\"held_amount\":-49760," NO_BALANCE
        "\"why\":\"held: later readings decide whether 18 goes on from 640 of "
        "1970-01-01T06:00:00+06:00, -49760 kWh in question\"}\n");
}

static void test_csv(void **state)
{
    (void)state;
    static const struct given one = {0, 15, 1500000, ACTUAL};
    expect_listing(LISTING_CSV, &interval, &one, 1,
                   "meter,facility,kind,time,end,value,unit,canonical,canonical_unit,quality,"
                   "revision,role,conflict,partition,offset,fate,amount,amount_unit,held_from,"
                   "held_to,held_amount,opening_time,opening,delivered,transferred,credited,"
                   "closing,why\n"
                   "\"i,1\",\"f\"\"1\",interval,1970-01-01T06:00:00+06:00,"
                   "1970-01-01T06:15:00+06:00,1.5,kWh,1.5,kWh,actual,0,reading,false,3,7,counts,"
                   "1.5,kWh,,,,,,,,,,counts: 1.5 kWh\n");
}

/* The parts of a balance are members of their own. */
static void test_balance(void **state)
{
    (void)state;
    static const struct given given[] = {
        {0, 0, 1000 * U, DIP}, {5, 0, 300 * U, TRANSFER}, {15, 0, 8500 * U, DIP}};
    struct buffer out;
    buffer_init(&out, TEXT_BYTES_MAX);
    list(&out, LISTING_JSON, &stock, given, ARRAY_LEN(given), NULL);
    static const char parts[] =
        "\"fate\":\"held\",\"amount\":null,\"amount_unit\":\"L\","
        "\"held_from\":\"1970-01-01T06:00:00+06:00\",\"held_to\":\"1970-01-01T06:15:00+06:00\","
        "\"held_amount\":-7800,\"opening_time\":\"1970-01-01T06:00:00+06:00\",\"opening\":1000,"
        "\"delivered\":0,\"transferred\":300,\"credited\":0,\"closing\":8500,";
    if (strstr(buffer_text(&out), parts) == NULL)
        fail_msg("no %s in\n%s", parts, buffer_text(&out));
    buffer_fini(&out);
}

/* A document that stands at another time now leaves a note. */
static void test_moved_document(void **state)
{
    (void)state;
    struct reading slot = {.role = ROLE_MOVED, .quality = QUALITY_ACTUAL};
    struct journal journal;
    journal_init(&journal, &slot, 1);
    journal.count = 1;
    struct reading_fate fate;
    fates_judge(&fate, &megajoules, &journal);
    const struct journal_view view = {
        .meter = &megajoules, .journal = &journal, .decided = &journal, .fates = &fate};
    struct buffer out;
    buffer_init(&out, TEXT_BYTES_MAX);
    journal_view_add_why(&out, &view, 0);
    assert_string_equal(buffer_text(&out), "stands at another time now: counts: 0 kWh");
    buffer_fini(&out);
    assert_string_equal(reading_role_name(ROLE_MOVED), "moved");
}

static void test_formats(void **state)
{
    (void)state;
    assert_int_equal(listing_format_find("table"), LISTING_TABLE);
    assert_int_equal(listing_format_find("csv"), LISTING_CSV);
    assert_int_equal(listing_format_find("json"), LISTING_JSON);
    assert_int_equal(listing_format_find("JSON"), -1);
    assert_int_equal(listing_format_find(""), -1);
}

/* --- from, to --- */

static void test_touches(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const struct meter *meter;
        struct given readings[2];
        size_t count;
        int64_t from_min, to_min;
        bool touches[2];
    } cases[] = {
        {"an instant at the beginning", &gauge, {{5, 0, U, ACTUAL}}, 1, 5, 6, {true}},
        {"an instant at the end", &gauge, {{5, 0, U, ACTUAL}}, 1, 0, 5, {false}},
        {"an interval that reaches in", &interval, {{0, 15, U, ACTUAL}}, 1, 14, 20, {true}},
        {"an interval that ends there", &interval, {{0, 15, U, ACTUAL}}, 1, 15, 20, {false}},
        {"a total that is held",
         &total,
         {{0, 60, 4 * U, ESTIMATE}, {15, 30, 6 * U, ACTUAL}},
         2,
         40,
         50,
         {true, false}},
        {"what rises before", &counter, {{0, 0, U, ACTUAL}, {9, 0, U, ACTUAL}}, 2, 3, 5, {false}},
        {"a stretch that is held",
         &counter,
         {{0, 0, 99 * U, ACTUAL}, {9, 0, U, ACTUAL}},
         2,
         3,
         5,
         {false, true}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct reading slots[SLOTS];
        struct reading_fate fates[SLOTS];
        struct journal journal;
        journal_init(&journal, slots, SLOTS);
        for (size_t j = 0; j < cases[i].count; j++)
            (void)book(cases[i].meter, &journal, &cases[i].readings[j], FLOOR);
        fates_judge(fates, cases[i].meter, &journal);
        const struct journal_view view = {
            .meter = cases[i].meter, .journal = &journal, .fates = fates};
        for (uint32_t j = 0; j < cases[i].count; j++) {
            if (journal_view_touches(&view, j, cases[i].from_min * MINUTE_MS,
                                     cases[i].to_min * MINUTE_MS) != cases[i].touches[j])
                fail_msg("%s: reading %" PRIu32, cases[i].name, j);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),   cmocka_unit_test(test_conflict_and_role),
        cmocka_unit_test(test_json),    cmocka_unit_test(test_csv),
        cmocka_unit_test(test_formats), cmocka_unit_test(test_touches),
        cmocka_unit_test(test_balance), cmocka_unit_test(test_moved_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

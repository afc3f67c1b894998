/* A person's decision: the reading that is meant, and the event that says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <xxhash.h>

#include "base/timestamp.h"
#include "daemon/decide/decision.h"
#include "daemon/decide/subject.h"
#include "pipelines/metering/decisions.h"

enum { MINUTE = 60000, QUARTER = 15 * MINUTE, SLOTS = 64 };
#define U INT64_C(1000000)

static void test_texts(void **state)
{
    (void)state;
    static const struct {
        const char *text, *fault;
    } cases[] = {
        {"a test of the meter", NULL},
        {"Z\xc3\xa4hlertest", NULL},
        {"0123456789012345678901234567890123456789", NULL},
        {"", "is empty"},
        {"01234567890123456789012345678901234567890", "is too long"},
        {"two\nlines", "has control characters or line breaks"},
        {"\x1b[31mred", "has control characters or line breaks"},
        {"del\x7f", "has control characters or line breaks"},
        {"c1\xc2\x85", "has control characters or line breaks"},
        {"half \xc3", "is not UTF-8"},
        {"\xff", "is not UTF-8"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *fault = decision_text_fault(cases[i].text, 40);
        if (fault != cases[i].fault &&
            (fault == NULL || cases[i].fault == NULL || strcmp(fault, cases[i].fault) != 0))
            fail_msg("%s: %s", cases[i].text, fault != NULL ? fault : "good");
    }
}

static void test_events(void **state)
{
    (void)state;
    static const struct {
        struct decision decision;
        const char *want;
    } cases[] = {
        {{.meter = "m1",
          .by = "ines",
          .note = "a \"test\"",
          .end_ms = INT64_MIN,
          .kind = EVENT_DROP,
          .quality = QUALITY_ACTUAL},
         "{\"meter\":\"m1\",\"time\":\"1970-01-01T00:00:00Z\",\"event\":\"drop\",\"of\":"
         "\"reading\","
         "\"quality\":\"actual\",\"revision\":0,\"by\":\"ines\",\"at\":\"1970-01-01T00:00:00Z\","
         "\"note\":\"a \\\"test\\\"\"}"},
        {{.meter = "m1",
          .by = "i",
          .note = "n",
          .time_ms = QUARTER,
          .end_ms = INT64_C(2) * QUARTER,
          .at_ms = 1,
          .kind = EVENT_ACCEPT,
          .of = EVENT_DELIVERY,
          .id = "B-7",
          .revision = 3,
          .quality = QUALITY_ESTIMATED},
         "{\"meter\":\"m1\",\"start\":\"1970-01-01T00:15:00Z\",\"end\":\"1970-01-01T00:30:00Z\","
         "\"event\":\"accept\",\"of\":\"delivery\",\"id\":\"B-7\",\"quality\":\"estimated\","
         "\"revision\":3,\"by\":\"i\",\"at\":\"1970-01-01T00:00:00.001Z\",\"note\":\"n\"}"},
        {{.meter = "m1",
          .by = "i",
          .note = "n",
          .end_ms = INT64_MIN,
          .kind = EVENT_EXCHANGE,
          .final = "652000",
          .initial = "0.5"},
         "{\"meter\":\"m1\",\"time\":\"1970-01-01T00:00:00Z\",\"event\":\"exchange\","
         "\"final\":\"652000\",\"initial\":\"0.5\",\"by\":\"i\",\"at\":\"1970-01-01T00:00:00Z\","
         "\"note\":\"n\"}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buffer out;
        buffer_init(&out, DECISION_BYTES_MAX);
        decision_write(&out, &cases[i].decision);
        assert_string_equal(buffer_text(&out), cases[i].want);
        buffer_fini(&out);
    }
}

/* --- subjects --- */

static const struct meter line = {.kind = KIND_INTERVAL, .cell_max = CELL_MAX};
static const struct meter counter = {.kind = KIND_REGISTER, .cell_max = CELL_MAX};
static const struct meter trucks = {.kind = KIND_DELIVERY, .cell_max = CELL_MAX};
static const struct meter tank = {.kind = KIND_STOCK, .cell_max = CELL_MAX};

struct entry {
    int minute, span;
    enum reading_role role;
    const char *id;
    int64_t value;
    unsigned revision;
};

static uint64_t hash_of(const char *id)
{
    return id == NULL ? 0 : XXH3_64bits(id, strlen(id));
}

static void book(const struct meter *meter, struct journal *journal, const struct entry *entry,
                 int64_t offset)
{
    struct reading reading = {.start_ms = (int64_t)entry->minute * MINUTE,
                              .span_ms =
                                  ((uint64_t)entry->span * MINUTE) & ((UINT64_C(1) << 40) - 1),
                              .role = entry->role & 7U,
                              .value = entry->value,
                              .revision = entry->revision & UINT16_MAX,
                              .quality = QUALITY_ACTUAL,
                              .offset = offset,
                              .id_hash = hash_of(entry->id)};
    struct booking booking;
    decisions_book(&booking, meter, journal, &reading, QUARTER, INT64_MIN);
    assert_true(booking.outcome == OUTCOME_USED);
}

static void test_subjects(void **state)
{
    (void)state;
    enum { ENTRIES = 5 };
    static const struct {
        const char *name;
        const struct meter *meter;
        struct entry entries[ENTRIES]; /* up to the first of value 0 */
        struct subject_query query;    /* times in minutes; end 0: none */
        enum subject_state state;
        uint32_t count;
        enum event_kind of;
        unsigned revision;
        bool decided, dropped;
    } cases[] = {
        {"a reading",
         &counter,
         {{15, .value = U}},
         .query = {.time_ms = 15},
         .state = SUBJECT_FOUND,
         .count = 1,
         .of = EVENT_READING},
        {"none then, and those near it",
         &counter,
         {{15, .value = U}, {30, .value = 2 * U}, {45, .value = 3 * U}},
         .query = {.time_ms = 31},
         .state = SUBJECT_NONE,
         .count = 2},
        {"after the last",
         &counter,
         {{15, .value = U}},
         .query = {.time_ms = 16},
         .state = SUBJECT_NONE,
         .count = 1},
        {"an empty journal",
         &counter,
         {{0}},
         .query = {.time_ms = 16},
         .state = SUBJECT_NONE,
         .count = 0},
        {"an exchange is one thing",
         &counter,
         {{15, .role = ROLE_FINAL, .value = U}, {15, .role = ROLE_INITIAL, .value = U}},
         .query = {.time_ms = 15},
         .state = SUBJECT_FOUND,
         .count = 1,
         .of = EVENT_EXCHANGE},
        {"a reading and an exchange",
         &counter,
         {{15, .value = U}, {15, .role = ROLE_FINAL, .value = U}},
         .query = {.time_ms = 15},
         .state = SUBJECT_SEVERAL,
         .count = 2},
        {"the exchange of them",
         &counter,
         {{15, .value = U}, {15, .role = ROLE_FINAL, .value = U}},
         .query = {.time_ms = 15, .has_of = true, .of = EVENT_EXCHANGE},
         .state = SUBJECT_FOUND,
         .count = 1,
         .of = EVENT_EXCHANGE},
        {"a correction",
         &counter,
         {{15, .value = U, .revision = 4}},
         .query = {.time_ms = 15},
         .state = SUBJECT_FOUND,
         .count = 1,
         .of = EVENT_READING,
         .revision = 4},
        {"dropped before",
         &counter,
         {{15, .value = U}, {15, .role = ROLE_DECISION, .value = 1}},
         .query = {.time_ms = 15},
         .state = SUBJECT_FOUND,
         .count = 1,
         .of = EVENT_READING,
         .decided = true,
         .dropped = true},
        {"accepted before",
         &counter,
         {{15, .role = ROLE_DECISION, .value = ROLE_FINAL << 1},
          {15, .role = ROLE_FINAL, .value = U}},
         .query = {.time_ms = 15},
         .state = SUBJECT_FOUND,
         .count = 1,
         .of = EVENT_EXCHANGE,
         .decided = true},
        {"dropped, and corrected since",
         &counter,
         {{15, .value = U},
          {15, .role = ROLE_DECISION, .value = 1},
          {15, .value = 2 * U, .revision = 1}},
         .query = {.time_ms = 15},
         .state = SUBJECT_FOUND,
         .count = 1,
         .of = EVENT_READING,
         .revision = 1},
        {"dropped beyond its rank",
         &counter,
         {{15, .value = U}, {15, .role = ROLE_DECISION, .value = 1, .revision = 9}},
         .query = {.time_ms = 15},
         .state = SUBJECT_FOUND,
         .count = 1,
         .of = EVENT_READING,
         .revision = 9,
         .decided = true,
         .dropped = true},
        {"two intervals",
         &line,
         {{0, 15, .value = U}, {0, 30, .value = U}},
         .query = {.time_ms = 0},
         .state = SUBJECT_SEVERAL,
         .count = 2},
        {"the longer one",
         &line,
         {{0, 15, .value = U}, {0, 30, .value = U}},
         .query = {.time_ms = 0, .end_ms = 30},
         .state = SUBJECT_FOUND,
         .count = 1,
         .of = EVENT_READING},
        {"a line of a bill",
         &line,
         {{0, 30, .id = "a", .value = U}, {0, 30, .id = "b", .value = U}},
         .query = {.time_ms = 0, .id = "b"},
         .state = SUBJECT_FOUND,
         .count = 1,
         .of = EVENT_READING},
        {"which line",
         &line,
         {{0, 30, .id = "a", .value = U}},
         .query = {.time_ms = 0},
         .state = SUBJECT_NEEDS_ID,
         .count = 1},
        {"another id",
         &trucks,
         {{0, .id = "a", .value = U}},
         .query = {.time_ms = 0, .id = "b"},
         .state = SUBJECT_NONE,
         .count = 1},
        {"a delivery",
         &trucks,
         {{0, .id = "a", .value = U}},
         .query = {.time_ms = 0, .id = "a", .has_of = true, .of = EVENT_DELIVERY},
         .state = SUBJECT_FOUND,
         .count = 1,
         .of = EVENT_READING},
        {"two trucks without id",
         &trucks,
         {{0, .value = U}, {0, .value = 2 * U}},
         .query = {.time_ms = 0},
         .state = SUBJECT_SHARED,
         .count = 2},
        {"a dip with an id, which tells nothing",
         &tank,
         {{0, .role = ROLE_DIP, .id = "p", .value = U}},
         .query = {.time_ms = 0},
         .state = SUBJECT_FOUND,
         .count = 1,
         .of = EVENT_DIP},
        {"a dip and a delivery",
         &tank,
         {{0, .role = ROLE_DIP, .value = U}, {0, .value = U}},
         .query = {.time_ms = 0},
         .state = SUBJECT_SEVERAL,
         .count = 2},
        {"the delivery of them",
         &tank,
         {{0, .role = ROLE_DIP, .value = U}, {0, .value = U}},
         .query = {.time_ms = 0, .has_of = true, .of = EVENT_READING},
         .state = SUBJECT_FOUND,
         .count = 1,
         .of = EVENT_DELIVERY},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct reading slots[SLOTS];
        struct journal journal;
        struct subject subject;
        journal_init(&journal, slots, SLOTS);
        for (int k = 0; k < ENTRIES && cases[i].entries[k].value != 0; k++)
            book(cases[i].meter, &journal, &cases[i].entries[k], k);
        struct subject_query query = cases[i].query;
        query.end_ms = query.end_ms == 0 ? INT64_MIN : query.end_ms * MINUTE;
        query.time_ms *= MINUTE;
        subject_find(&subject, cases[i].meter, &journal, &query);
        if (subject.state != cases[i].state || subject.count != cases[i].count)
            fail_msg("%s: state %d, %u matches", cases[i].name, subject.state, subject.count);
        if (subject.state == SUBJECT_FOUND &&
            (subject.of != cases[i].of || subject.revision != cases[i].revision ||
             subject.decided != cases[i].decided || subject.dropped != cases[i].dropped))
            fail_msg("%s: of %d, revision %d, decided %d, dropped %d", cases[i].name, subject.of,
                     subject.revision, subject.decided, subject.dropped);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_subjects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

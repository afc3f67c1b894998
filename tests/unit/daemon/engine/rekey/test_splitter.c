/* Messages cut by facility. Meters a1 and a2 are of facility A, b1 of B; m moved from A to B with
 * the year 2026. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <msgpack.h>

#include "base/base.h"
#include "base/buffer.h"
#include "daemon/engine/rekey/splitter.h"
#include "tests/unit/ingest/tables.h"
#include "tests/unit/ingest/transcode.h"

#define EVENT(meter, value)                                                                        \
    "{\"meter\":\"" meter "\",\"time\":\"2026-03-01T10:15:00Z\",\"value\":" value "}"
#define A1 EVENT("a1", "1")
#define A2 EVENT("a2", "2")
#define B1 EVENT("b1", "3")

static struct registry *registry;

static int build(void **state)
{
    (void)state;
    registry = tables_read("tests/data/rekey", INT64_C(7) * 86400000);
    return 0;
}

static int destroy(void **state)
{
    (void)state;
    registry_destroy(&registry);
    return 0;
}

/* The results of a splitter, one line each: "A 0+2 <message>", or "! 2 reason <bytes>". */
struct heard {
    struct buffer lines;
    uint32_t room; /* what is still taken; then ERR_FULL */
};

static int take_room(struct heard *heard)
{
    if (heard->room == 0)
        return ERR_FULL;
    heard->room--;
    return 0;
}

static int on_run(void *context, const struct run *run)
{
    struct heard *heard = context;
    if (take_room(heard) < 0)
        return ERR_FULL;
    uint8_t prefix[RUN_PREFIX_MAX];
    uint8_t suffix[1];
    buffer_printf(&heard->lines, "%s %u+%u ", registry->facilities[run->facility].id, run->first,
                  run->count);
    buffer_add(&heard->lines, prefix, run_prefix(run, prefix));
    buffer_add(&heard->lines, run->bytes, run->size);
    buffer_add(&heard->lines, suffix, run_suffix(run, suffix));
    buffer_add_char(&heard->lines, '\n');
    return 0;
}

static int on_refused(void *context, const struct refusal *refusal)
{
    struct heard *heard = context;
    if (take_room(heard) < 0)
        return ERR_FULL;
    assert_int_equal(refusal->offset, 77);
    const char *reason = outcome_reason(refusal->outcome);
    buffer_printf(&heard->lines, "! %u %s ", refusal->origin.index,
                  reason[0] != '\0' ? reason : outcome_class(refusal->outcome));
    buffer_add(&heard->lines, refusal->origin.bytes, refusal->origin.size);
    buffer_add_char(&heard->lines, '\n');
    return 0;
}

static struct splitter *splitter_for(struct heard *heard, const char *meter_field)
{
    struct splitter *splitter;
    struct decode_conf decode = {.format = FORMAT_AUTO, .fields = {[FIELD_METER] = meter_field}};
    struct splitter_callbacks callbacks = {on_run, on_refused, heard};
    buffer_init(&heard->lines, 4 << 20);
    heard->room = UINT32_MAX;
    assert_int_equal(splitter_create(&splitter, &decode, registry, &callbacks), 0);
    return splitter;
}

struct split_case {
    const char *name, *message, *want, *meter_field;
};

static const struct split_case cases[] = {
    {"a single event goes on as it is", " " A1 "\n", "A 0+1 " A1 "\n", NULL},
    {"an array of one", "[" A1 "]", "A 0+1 " A1 "\n", NULL},
    {"an array of one facility", "[" A1 ", " A2 "]", "A 0+2 [" A1 ", " A2 "]\n", NULL},
    {"an empty array", " [ ] ", "", NULL},
    {"facilities in turn", "[" A1 "," B1 "," A2 "]", "A 0+1 " A1 "\nB 1+1 " B1 "\nA 2+1 " A2 "\n",
     NULL},
    {"runs keep what stands between", "\t[\n " A1 " ,\r\n" A2 "\n,\t" B1 " , " B1 "\n]\n",
     "A 0+2 [" A1 " ,\r\n" A2 "]\nB 2+2 [" B1 " , " B1 "]\n", NULL},
    {"an unknown meter divides a run", "[" A1 "," EVENT("x", "1") "," A2 "]",
     "A 0+1 " A1 "\n! 1 unknown " EVENT("x", "1") "\nA 2+1 " A2 "\n", NULL},
    {"an event without a meter", "[" A1 ",{\"value\":1}," A2 "]",
     "A 0+1 " A1 "\n! 1 meter_missing {\"value\":1}\nA 2+1 " A2 "\n", NULL},
    {"what is no event", "[7, " A1 ", [" A2 "], null]",
     "! 0 undecodable 7\nA 1+1 " A1 "\n! 2 undecodable [" A2 "]\n! 3 undecodable null\n", NULL},
    {"what else is wrong is not looked at", "[" EVENT("a1", "\"much\"") ",{\"meter\":\"a2\"}]",
     "A 0+2 [" EVENT("a1", "\"much\"") ",{\"meter\":\"a2\"}]\n", NULL},
    {"a meter that is named twice is the first", "{\"meter\":\"b1\",\"meter\":\"a1\"}",
     "B 0+1 {\"meter\":\"b1\",\"meter\":\"a1\"}\n", NULL},
    {"damage after some events", "[" A1 "," B1 ",{]",
     "A 0+1 " A1 "\nB 1+1 " B1 "\n! 2 undecodable [" A1 "," B1 ",{]\n", NULL},
    {"no message at all", "meter=a1", "! 0 undecodable meter=a1\n", NULL},
    {"escapes in the meter's id", "{\"meter\":\"\\u0061\\u0031\"}",
     "A 0+1 {\"meter\":\"\\u0061\\u0031\"}\n", NULL},
    {"mapped fields", "[{\"d\":{\"id\":\"a1\"}}, {\"d\":{\"id\":\"b1\"}},{\"meter\":\"a1\"}]",
     "A 0+1 {\"d\":{\"id\":\"a1\"}}\nB 1+1 {\"d\":{\"id\":\"b1\"}}\n"
     "! 2 meter_missing {\"meter\":\"a1\"}\n",
     "d.id"},
    {"the version of the time decides",
     "[{\"meter\":\"m\",\"time\":\"2025-12-31T12:00:00Z\"},"
     "{\"meter\":\"m\",\"start\":\"2026-01-01T12:00:00Z\"},{\"meter\":\"m\"}]",
     "A 0+1 {\"meter\":\"m\",\"time\":\"2025-12-31T12:00:00Z\"}\n"
     "B 1+1 {\"meter\":\"m\",\"start\":\"2026-01-01T12:00:00Z\"}\nA 2+1 {\"meter\":\"m\"}\n",
     NULL},
};

static void expect_lines(const char *name, struct heard *heard, const char *want)
{
    const char *got = buffer_text(&heard->lines);
    assert_non_null(got);
    if (strcmp(got, want) != 0)
        fail_msg("%s: got\n%swant\n%s", name, got, want);
}

static void test_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct heard heard;
        struct splitter *splitter = splitter_for(&heard, cases[i].meter_field);
        uint32_t done = 0;
        assert_int_equal(
            splitter_split(splitter, cases[i].message, strlen(cases[i].message), false, 77, &done),
            0);
        expect_lines(cases[i].name, &heard, cases[i].want);
        buffer_fini(&heard.lines);
        splitter_destroy(&splitter);
    }
}

/* With any room, no event is left out and no event comes twice. */
static void test_takes_up_where_it_stopped(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct heard heard;
        struct splitter *splitter = splitter_for(&heard, cases[i].meter_field);
        uint32_t done = 0;
        int err;
        do {
            heard.room = 1;
            uint32_t before = done;
            err = splitter_split(splitter, cases[i].message, strlen(cases[i].message), false, 77,
                                 &done);
            assert_true(err == 0 || (err == ERR_FULL && done > before));
        } while (err != 0);
        expect_lines(cases[i].name, &heard, cases[i].want);
        buffer_fini(&heard.lines);
        splitter_destroy(&splitter);
    }
}

struct packed {
    msgpack_sbuffer bytes;
    msgpack_packer packer;
};

static void pack_events(struct packed *packed, const char *const *events, size_t count)
{
    msgpack_sbuffer_init(&packed->bytes);
    msgpack_packer_init(&packed->packer, &packed->bytes, msgpack_sbuffer_write);
    for (size_t i = 0; i < count; i++)
        transcode(&packed->packer, events[i]);
}

/* Arrays of every size of head: what comes out reads as the events that went in. */
static void test_msgpack_runs(void **state)
{
    (void)state;
    static const uint32_t counts[] = {1, 2, 15, 16, RUN_EVENTS_MAX};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        struct packed in;
        struct packed want;
        pack_events(&in, NULL, 0);
        msgpack_pack_array(&in.packer, counts[i] + 1);
        for (uint32_t n = 0; n < counts[i]; n++)
            transcode(&in.packer, n % 2 == 0 ? A1 : A2);
        transcode(&in.packer, B1);
        pack_events(&want, NULL, 0);
        if (counts[i] > 1)
            msgpack_pack_array(&want.packer, counts[i]);
        for (uint32_t n = 0; n < counts[i]; n++)
            transcode(&want.packer, n % 2 == 0 ? A1 : A2);
        struct heard heard;
        struct splitter *splitter = splitter_for(&heard, NULL);
        uint32_t done = 0;
        assert_int_equal(splitter_split(splitter, in.bytes.data, in.bytes.size, false, 77, &done),
                         0);
        assert_int_equal(done, counts[i] + 1);
        char head[32];
        int size = snprintf(head, sizeof(head), "A 0+%u ", counts[i]);
        assert_memory_equal(heard.lines.data, head, (size_t)size);
        assert_memory_equal(heard.lines.data + size, want.bytes.data, want.bytes.size);
        buffer_fini(&heard.lines);
        splitter_destroy(&splitter);
        msgpack_sbuffer_destroy(&in.bytes);
        msgpack_sbuffer_destroy(&want.bytes);
    }
}

/* A damaged end: what came before goes on, the whole message is refused for the rest. */
static void test_msgpack_damage(void **state)
{
    (void)state;
    struct packed in;
    pack_events(&in, NULL, 0);
    msgpack_pack_array(&in.packer, 4);
    transcode(&in.packer, A1);
    msgpack_pack_int(&in.packer, 7);
    transcode(&in.packer, B1);
    struct heard heard;
    struct splitter *splitter = splitter_for(&heard, NULL);
    uint32_t done = 0;
    assert_int_equal(splitter_split(splitter, in.bytes.data, in.bytes.size, false, 77, &done), 0);
    assert_int_equal(done, 4);
    assert_memory_equal(heard.lines.data, "A 0+1 ", 6);
    static const char *const assigned_set[] = {"\n! 1 undecodable \x07\nB 2+1 ",
                                               "\n! 3 undecodable \x94"};
    for (size_t i = 0; i < ARRAY_LEN(assigned_set); i++)
        assert_non_null(
            memmem(heard.lines.data, heard.lines.size, assigned_set[i], strlen(assigned_set[i])));
    buffer_fini(&heard.lines);
    splitter_destroy(&splitter);
    msgpack_sbuffer_destroy(&in.bytes);
}

/* The runs of so many events of one facility, each with `pad` bytes more. */
static void cut(int count, int pad)
{
    struct buffer message;
    buffer_init(&message, 8 << 20);
    for (int i = 0; i < count; i++)
        buffer_printf(&message, "%s{\"meter\":\"a1\",\"pad\":\"%0*d\"}", i == 0 ? "[" : ",", pad,
                      0);
    buffer_add_char(&message, ']');
    struct heard heard;
    struct splitter *splitter = splitter_for(&heard, NULL);
    uint32_t done = 0;
    assert_int_equal(splitter_split(splitter, message.data, message.size, false, 77, &done), 0);
    assert_int_equal(done, count);
    uint32_t next = 0;
    const char *line = buffer_text(&heard.lines);
    while (*line != '\0') {
        char *at;
        assert_int_equal(strtoul(line + strlen("A "), &at, 10), next);
        uint32_t taken = (uint32_t)strtoul(at + 1, &at, 10);
        next += taken;
        const char *end = strchr(at, '\n');
        assert_true(end - line < RUN_BYTES_MAX + 32 && taken <= RUN_EVENTS_MAX);
        line = end + 1;
    }
    assert_int_equal(next, count);
    buffer_fini(&heard.lines);
    buffer_fini(&message);
    splitter_destroy(&splitter);
}

/* Runs too long for a topic are cut between events, and so are those of too many events. */
static void test_long_runs_are_cut(void **state)
{
    (void)state;
    cut(RUN_EVENTS_MAX, 1);
    cut(20 * RUN_EVENTS_MAX + 1, 1);
    cut(100, 30000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_takes_up_where_it_stopped),
        cmocka_unit_test(test_msgpack_runs),
        cmocka_unit_test(test_msgpack_damage),
        cmocka_unit_test(test_long_runs_are_cut),
    };
    return cmocka_run_group_tests(tests, build, destroy);
}

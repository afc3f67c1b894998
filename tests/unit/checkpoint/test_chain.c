/* Chains put together from records: what is whole, what is passed over, what is missing. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipelines/checkpoint/chain.h"

#define PREFIX "plant/events/1/"

#define NOW_MS 1700000000000
enum { OURS = 7, ZOMBIE = 8, STEPS_MAX = 12, COMMITTED = 50 };

/* One message: `epoch` 0 is a foreign key. A payload of n pieces is n letters of its
 * number, 'a' for 1. */
struct step {
    int64_t offset;
    uint64_t epoch, sequence, number, previous;
    uint32_t piece, pieces;
    int64_t at;
    enum { WHOLE, TOMBSTONE, DAMAGED, OTHER_KEY, NO_RECORD } what;
};

static struct buffer seen; /* payloads, with a dot behind each */
static int payload_result;

static int on_payload(void *context, int32_t partition, const void *bytes, size_t size,
                      struct buffer *why)
{
    (void)context;
    assert_int_equal(partition, 1);
    buffer_add(&seen, bytes, size);
    buffer_add_char(&seen, '.');
    if (payload_result < 0)
        buffer_add_str(why, "of another configuration");
    return payload_result;
}

static int add_step(struct chain *chain, const struct step *step, struct buffer *why)
{
    uint8_t letter = (uint8_t)('a' + step->number - 1);
    struct record record = {.epoch = step->epoch,
                            .sequence = step->sequence,
                            .number = step->number,
                            .previous = step->previous,
                            .at = {step->at, 3},
                            .payload_bytes = step->pieces,
                            .piece = step->piece,
                            .pieces = step->pieces,
                            .bytes = &letter,
                            .size = 1};
    char key[RECORD_KEY_BYTES_MAX];
    uint64_t sequence = step->sequence + (step->what == OTHER_KEY ? 100 : 0);
    size_t key_size =
        record_key_print(key, step->epoch == 0 ? "plant/events/2/" : PREFIX, step->epoch, sequence);
    uint8_t bytes[RECORD_HEADER_BYTES + 1];
    record_encode(&record, NULL, bytes);
    if (step->what == DAMAGED)
        bytes[RECORD_HEADER_BYTES] ^= 1;
    struct chain_message message = {step->offset, key, bytes, key_size, sizeof(bytes), NOW_MS};
    if (step->what == TOMBSTONE)
        message.value = NULL;
    if (step->what == NO_RECORD)
        message.value_size = 5;
    return chain_add(chain, &message, why);
}

static struct chain *make_chain(const char *metadata)
{
    struct chain *chain = NULL;
    struct buffer why;
    buffer_init(&why, 1024);
    struct chain_conf conf = {.prefix = PREFIX,
                              .metadata = metadata,
                              .partition = 1,
                              .committed = COMMITTED,
                              .handler = {on_payload, NULL}};
    assert_int_equal(chain_create(&chain, &conf, &why), 0);
    buffer_fini(&why);
    return chain;
}

#define POINTER(number, end) "ghgd2 epoch=0000000000000007 number=" number " base=10 end=" end

static const struct chain_case {
    const char *name, *metadata, *payloads;
    const char *why; /* NULL: the chain is complete */
    uint64_t keys;   /* left over, if it is */
    struct step steps[STEPS_MAX];
} cases[] = {
    {"one checkpoint in one record",
     POINTER("1", "10"),
     "a.",
     NULL,
     1,
     {{10, OURS, 0, 1, 0, 0, 1, 50, WHOLE}}},
    {"a number that does not begin with 1",
     POINTER("5", "10"),
     "e.",
     NULL,
     1,
     {{10, OURS, 9, 5, 0, 0, 1, 50, WHOLE}}},
    {"pieces, and offsets that are not consecutive",
     POINTER("2", "30"),
     "aaa.bb.",
     NULL,
     5,
     {{10, OURS, 0, 1, 0, 0, 3, 40, WHOLE},
      {12, OURS, 1, 1, 0, 1, 3, 40, WHOLE},
      {13, OURS, 2, 1, 0, 2, 3, 40, WHOLE},
      {20, OURS, 3, 2, 1, 0, 2, 50, WHOLE},
      {30, OURS, 4, 2, 1, 1, 2, 50, WHOLE}}},
    {"zombies in between are passed over, damaged or not",
     POINTER("2", "14"),
     "a.b.",
     NULL,
     5,
     {{10, OURS, 0, 1, 0, 0, 1, 40, WHOLE},
      {11, ZOMBIE, 0, 1, 0, 0, 2, 41, WHOLE},
      {12, ZOMBIE, 1, 1, 0, 1, 2, 41, DAMAGED},
      {13, ZOMBIE, 2, 1, 0, 1, 2, 41, NO_RECORD},
      {14, OURS, 1, 2, 1, 0, 1, 50, WHOLE}}},
    {"other partitions' keys and tombstones are passed over",
     POINTER("2", "14"),
     "a.b.",
     NULL,
     2,
     {{10, OURS, 0, 1, 0, 0, 1, 40, WHOLE},
      {11, 0, 0, 1, 0, 0, 1, 41, WHOLE},
      {12, ZOMBIE, 77, 1, 0, 0, 1, 0, TOMBSTONE},
      {14, OURS, 1, 2, 1, 0, 1, 50, WHOLE}}},
    {"what lies behind its end is left over, but for what has a tombstone",
     POINTER("1", "10"),
     "a.",
     NULL,
     3,
     {{10, OURS, 0, 1, 0, 0, 1, 50, WHOLE},
      {11, OURS, 1, 2, 1, 0, 1, 60, WHOLE},
      {12, ZOMBIE, 0, 1, 0, 0, 1, 61, DAMAGED},
      {13, ZOMBIE, 1, 1, 0, 0, 1, 61, WHOLE},
      {14, ZOMBIE, 1, 1, 0, 0, 1, 61, TOMBSTONE},
      {15, 0, 0, 1, 0, 0, 1, 61, WHOLE}}},
    {"the same record twice",
     POINTER("2", "13"),
     "aa.b.",
     NULL,
     3,
     {{10, OURS, 0, 1, 0, 0, 2, 40, WHOLE},
      {11, OURS, 0, 1, 0, 0, 2, 40, WHOLE},
      {12, OURS, 1, 1, 0, 1, 2, 40, WHOLE},
      {13, OURS, 2, 2, 1, 0, 1, 50, WHOLE}}},
    {"a late record of an earlier chain",
     POINTER("4", "12"),
     "c.d.",
     NULL,
     3,
     {{10, OURS, 5, 3, 0, 0, 1, 40, WHOLE},
      {11, OURS, 2, 2, 1, 1, 3, 30, WHOLE},
      {12, OURS, 6, 4, 3, 0, 1, 50, WHOLE}}},

    {"the first record was compacted away",
     POINTER("2", "12"),
     "",
     "offset 10 is gone",
     0,
     {{12, OURS, 1, 2, 1, 0, 1, 50, WHOLE}}},
    {"another epoch stands at its base",
     POINTER("1", "10"),
     "",
     "not of its epoch",
     0,
     {{10, ZOMBIE, 0, 1, 0, 0, 1, 50, WHOLE}}},
    {"somebody else's key stands at its base",
     POINTER("1", "10"),
     "",
     "not of its epoch",
     0,
     {{10, 0, 0, 1, 0, 0, 1, 50, WHOLE}}},
    {"a tombstone stands at its base",
     POINTER("1", "10"),
     "",
     "not of its epoch",
     0,
     {{10, OURS, 0, 1, 0, 0, 1, 50, TOMBSTONE}}},
    {"it does not begin with a full checkpoint",
     POINTER("2", "10"),
     "",
     "does not begin it",
     0,
     {{10, OURS, 1, 2, 1, 0, 1, 50, WHOLE}}},
    {"it does not begin with a first piece",
     POINTER("1", "10"),
     "",
     "does not begin it",
     0,
     {{10, OURS, 1, 1, 0, 1, 2, 50, WHOLE}}},
    {"it begins behind its newest",
     POINTER("1", "10"),
     "",
     "does not begin it",
     0,
     {{10, OURS, 1, 2, 0, 0, 1, 50, WHOLE}}},
    {"the first record is damaged",
     POINTER("1", "10"),
     "",
     "offset 10 is damaged",
     0,
     {{10, OURS, 0, 1, 0, 0, 1, 50, DAMAGED}}},
    {"a later record is damaged",
     POINTER("2", "11"),
     "a.",
     "offset 11 is damaged",
     0,
     {{10, OURS, 0, 1, 0, 0, 1, 40, WHOLE}, {11, OURS, 1, 2, 1, 0, 1, 50, DAMAGED}}},
    {"a record is none",
     POINTER("1", "10"),
     "",
     "offset 10 is no record",
     0,
     {{10, OURS, 0, 1, 0, 0, 1, 50, NO_RECORD}}},
    {"a record under another key",
     POINTER("1", "10"),
     "",
     "not that of its key",
     0,
     {{10, OURS, 0, 1, 0, 0, 1, 50, OTHER_KEY}}},
    {"a piece is missing",
     POINTER("1", "12"),
     "",
     "records of it are gone",
     0,
     {{10, OURS, 0, 1, 0, 0, 3, 50, WHOLE}, {12, OURS, 2, 1, 0, 2, 3, 50, WHOLE}}},
    {"the last piece is missing",
     POINTER("2", "12"),
     "",
     "records of it are gone",
     0,
     {{10, OURS, 0, 1, 0, 0, 2, 50, WHOLE}, {12, OURS, 2, 2, 1, 0, 1, 50, WHOLE}}},
    {"the first piece is missing",
     POINTER("2", "12"),
     "a.",
     "records of it are gone",
     0,
     {{10, OURS, 0, 1, 0, 0, 1, 40, WHOLE}, {12, OURS, 2, 2, 1, 1, 2, 50, WHOLE}}},
    {"a checkpoint is missing",
     POINTER("3", "12"),
     "a.",
     "records of it are gone",
     0,
     {{10, OURS, 0, 1, 0, 0, 1, 40, WHOLE}, {12, OURS, 2, 3, 2, 0, 1, 50, WHOLE}}},
    {"pieces of two kinds",
     POINTER("1", "11"),
     "",
     "records of it are gone",
     0,
     {{10, OURS, 0, 1, 0, 0, 2, 50, WHOLE}, {11, OURS, 1, 1, 0, 1, 3, 50, WHOLE}}},
    {"pieces of two positions",
     POINTER("1", "11"),
     "",
     "records of it are gone",
     0,
     {{10, OURS, 0, 1, 0, 0, 2, 40, WHOLE}, {11, OURS, 1, 1, 0, 1, 2, 50, WHOLE}}},
    {"it goes back",
     POINTER("2", "11"),
     "a.",
     "contradicts itself",
     0,
     {{10, OURS, 0, 1, 0, 0, 1, 50, WHOLE}, {11, OURS, 1, 2, 1, 0, 1, 49, WHOLE}}},
    {"its end is gone",
     POINTER("2", "11"),
     "a.",
     "offset 11 is gone",
     0,
     {{10, OURS, 0, 1, 0, 0, 1, 40, WHOLE}, {12, ZOMBIE, 1, 2, 1, 0, 1, 50, WHOLE}}},
    {"its end is a zombie's",
     POINTER("2", "11"),
     "a.",
     "number 1, where 2",
     0,
     {{10, OURS, 0, 1, 0, 0, 1, 50, WHOLE}, {11, ZOMBIE, 0, 1, 0, 0, 1, 50, WHOLE}}},
    {"it ends with an earlier number",
     POINTER("3", "11"),
     "a.b.",
     "number 2, where 3",
     0,
     {{10, OURS, 0, 1, 0, 0, 1, 40, WHOLE}, {11, OURS, 1, 2, 1, 0, 1, 50, WHOLE}}},
    {"it ends within a checkpoint",
     POINTER("1", "10"),
     "",
     "number 0, where 1",
     0,
     {{10, OURS, 0, 1, 0, 0, 2, 50, WHOLE}}},
    {"it stands elsewhere than the group",
     POINTER("1", "10"),
     "a.",
     "the group at 50",
     0,
     {{10, OURS, 0, 1, 0, 0, 1, 49, WHOLE}}},
};

static void run_case(const struct chain_case *test)
{
    struct chain *chain = make_chain(test->metadata);
    struct buffer why;
    buffer_init(&why, 1024);
    buffer_clear(&seen);
    int err = 0;
    for (size_t i = 0; i < STEPS_MAX && test->steps[i].offset > 0 && err == 0; i++)
        err = add_step(chain, &test->steps[i], &why);
    bool good = test->why == NULL;
    if (err != (good ? 0 : ERR_PROTOCOL) || chain_is_complete(chain) != good)
        fail_msg("%s: got %d: %s", test->name, err, buffer_text(&why));
    if (!good && strstr(buffer_text(&why), test->why) == NULL)
        fail_msg("%s: %s", test->name, buffer_text(&why));
    if (strcmp(buffer_text(&seen), test->payloads) != 0)
        fail_msg("%s: payloads %s", test->name, buffer_text(&seen));
    if (good) {
        struct obsolete_keys obsolete = {0};
        chain_take_obsolete(chain, &obsolete);
        if (obsolete_keys_count(&obsolete) != test->keys)
            fail_msg("%s: %d left over", test->name, (int)obsolete_keys_count(&obsolete));
        obsolete_keys_fini(&obsolete);
        assert_int_equal(chain_position(chain).offset, COMMITTED);
        assert_int_equal(chain_position(chain).skip, 3);
    }
    buffer_fini(&why);
    chain_destroy(&chain);
}

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        run_case(&cases[i]);
}

/* The handler of payloads may refuse one: its words are passed on. */
static void test_refused_payload(void **state)
{
    (void)state;
    static const int results[] = {-ENOMEM, ERR_CONFIG, ERR_PROTOCOL};
    const struct step step = {10, OURS, 0, 1, 0, 0, 1, 50, WHOLE};
    for (size_t i = 0; i < ARRAY_LEN(results); i++) {
        struct chain *chain = make_chain(POINTER("1", "10"));
        struct buffer why;
        buffer_init(&why, 1024);
        payload_result = results[i];
        assert_int_equal(add_step(chain, &step, &why), results[i]);
        assert_string_equal(buffer_text(&why), "of another configuration");
        assert_false(chain_is_complete(chain));
        payload_result = 0;
        buffer_fini(&why);
        chain_destroy(&chain);
    }
}

/* The keys that the first record of a chain names are obsolete too, within reason. */
static void test_named_obsolete_keys(void **state)
{
    (void)state;
    static const struct key_range named[] = {
        {1, 0, 5}, {OURS, 0, 9}, {2, 0, UINT64_MAX}, {3, 9, 9}};
    struct record record = {.epoch = OURS,
                            .sequence = 9,
                            .number = 1,
                            .at = {COMMITTED, 3},
                            .pieces = 1,
                            .obsolete_count = ARRAY_LEN(named)};
    uint8_t bytes[RECORD_HEADER_BYTES + 24 * ARRAY_LEN(named)];
    assert_int_equal(record_size(&record), sizeof(bytes));
    record_encode(&record, named, bytes);
    char key[RECORD_KEY_BYTES_MAX];
    struct chain_message message = {
        10, key, bytes, record_key_print(key, PREFIX, OURS, 9), sizeof(bytes), NOW_MS};
    struct chain *chain = make_chain(POINTER("1", "10"));
    struct buffer why;
    buffer_init(&why, 1024);
    buffer_clear(&seen);
    assert_int_equal(chain_add(chain, &message, &why), 0);
    assert_string_equal(buffer_text(&seen), ".");
    for (uint64_t sequence = 0; sequence < 3; sequence++) {
        message = (struct chain_message){11 + (int64_t)sequence,
                                         key,
                                         NULL,
                                         record_key_print(key, PREFIX, 1, sequence),
                                         0,
                                         NOW_MS};
        assert_int_equal(chain_add(chain, &message, &why), 0);
    }
    struct obsolete_keys obsolete = {0};
    chain_take_obsolete(chain, &obsolete);
    static const struct key_range want[] = {{1, 3, 5}, {OURS, 0, 10}};
    assert_int_equal(obsolete.count, ARRAY_LEN(want));
    assert_memory_equal(obsolete.ranges, want, sizeof(want));
    obsolete_keys_fini(&obsolete);
    buffer_fini(&why);
    chain_destroy(&chain);
}

/* Without a pointer: whether there is anything of the partition, and how far the newest got. */
static void test_search(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool found;
        int64_t at;
        struct step steps[STEPS_MAX];
    } searches[] = {
        {"nothing", false, 0, {{0}}},
        {"of another partition", false, 0, {{3, 0, 0, 1, 0, 0, 1, 40, WHOLE}}},
        {"all of it has gone",
         false,
         40,
         {{3, OURS, 0, 1, 0, 0, 1, 40, WHOLE}, {4, OURS, 0, 1, 0, 0, 1, 40, TOMBSTONE}}},
        {"a tombstone alone", false, 0, {{4, OURS, 0, 1, 0, 0, 1, 40, TOMBSTONE}}},
        {"the newest of two epochs",
         true,
         50,
         {{3, ZOMBIE, 0, 1, 0, 0, 1, 40, WHOLE}, {4, OURS, 1, 2, 1, 0, 2, 50, WHOLE}}},
        {"an older one is left",
         true,
         40,
         {{3, OURS, 0, 1, 0, 0, 1, 30, WHOLE},
          {4, OURS, 1, 2, 1, 0, 1, 40, WHOLE},
          {5, OURS, 0, 1, 0, 0, 1, 30, TOMBSTONE}}},
        {"one that is damaged", true, 0, {{3, OURS, 0, 1, 0, 0, 1, 40, DAMAGED}}},
        {"one that is none", true, 0, {{3, OURS, 0, 1, 0, 0, 1, 40, NO_RECORD}}},
    };
    for (size_t i = 0; i < ARRAY_LEN(searches); i++) {
        struct chain *chain = make_chain(NULL);
        assert_true(chain_is_search(chain) && chain_is_complete(chain));
        for (size_t n = 0; n < STEPS_MAX && searches[i].steps[n].offset > 0; n++)
            assert_int_equal(add_step(chain, &searches[i].steps[n], NULL), 0);
        struct log_position at;
        int64_t time_ms;
        bool found = chain_find(chain, &at, &time_ms);
        if (found != searches[i].found || at.offset != searches[i].at ||
            (found && time_ms != NOW_MS))
            fail_msg("%s: %d %d", searches[i].name, found, (int)at.offset);
        chain_destroy(&chain);
    }
}

static void test_rewind(void **state)
{
    (void)state;
    const struct step first = {10, OURS, 0, 1, 0, 0, 2, 50, WHOLE};
    const struct step second = {11, OURS, 1, 1, 0, 1, 2, 50, WHOLE};
    struct chain *chain = make_chain(POINTER("1", "11"));
    struct buffer why;
    buffer_init(&why, 1024);
    buffer_clear(&seen);
    assert_int_equal(add_step(chain, &first, &why), 0);
    assert_true(chain_rewind(chain));
    assert_int_equal(add_step(chain, &first, &why), 0);
    assert_int_equal(add_step(chain, &second, &why), 0);
    assert_false(chain_rewind(chain));
    assert_true(chain_is_complete(chain));
    assert_string_equal(buffer_text(&seen), "aa.");
    assert_int_equal(chain_bytes(chain), 2);
    buffer_fini(&why);
    chain_destroy(&chain);
}

int main(void)
{
    buffer_init(&seen, 1024);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_refused_payload),
        cmocka_unit_test(test_named_obsolete_keys),
        cmocka_unit_test(test_search),
        cmocka_unit_test(test_rewind),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buffer_fini(&seen);
    return failed;
}

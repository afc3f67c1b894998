/* Keys, records and pointers of the checkpoint topic: as much refused as accepted. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <xxhash.h>

#include "base/limits.h"
#include "pipelines/checkpoint/checkpoint_record.h"

/* ---- keys ---- */

static void test_keys(void **state)
{
    (void)state;
    static const char prefix[] = "plant/events/3/";
    static const struct {
        const char *key;
        bool good;
        uint64_t epoch, sequence;
    } cases[] = {
        {"plant/events/3/00000000000000ff/0", true, 255, 0},
        {"plant/events/3/ffffffffffffffff/18446744073709551615", true, UINT64_MAX, UINT64_MAX},
        {"plant/events/3/0123456789abcdef/7", true, 0x0123456789abcdef, 7},
        {"", false, 0, 0},
        {"plant/events/3/", false, 0, 0},
        {"plant/events/3/00000000000000ff", false, 0, 0},
        {"plant/events/3/00000000000000ff/", false, 0, 0},
        {"plant/events/3/00000000000000FF/0", false, 0, 0},
        {"plant/events/3/000000000000000g/0", false, 0, 0},
        {"plant/events/3/0000000000000ff/0", false, 0, 0},
        {"plant/events/3/000000000000000ff/0", false, 0, 0},
        {"plant/events/3/00000000000000ff/00", false, 0, 0},
        {"plant/events/3/00000000000000ff/-1", false, 0, 0},
        {"plant/events/3/00000000000000ff/1 ", false, 0, 0},
        {"plant/events/3/00000000000000ff/18446744073709551616", false, 0, 0},
        {"plant/events/3/00000000000000ff/0/1", false, 0, 0},
        {"plant/events/30/00000000000000ff/0", false, 0, 0},
        {"plant/events/4/00000000000000ff/0", false, 0, 0},
        {"plant/other/3/00000000000000ff/0", false, 0, 0},
        {"Plant/events/3/00000000000000ff/0", false, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t epoch = 0;
        uint64_t sequence = 0;
        size_t size = strlen(cases[i].key);
        char *key = malloc(size + 1); /* its end is memory's end, for the sanitizer */
        memcpy(key, cases[i].key, size);
        char *exact = realloc(key, size > 0 ? size : 1);
        int err = record_key_parse(&epoch, &sequence, prefix, exact, size);
        free(exact);
        if (err != (cases[i].good ? 0 : ERR_SYNTAX) || epoch != cases[i].epoch ||
            sequence != cases[i].sequence)
            fail_msg("\"%s\": got %d, %" PRIx64 "/%" PRIu64, cases[i].key, err, epoch, sequence);
        if (!cases[i].good)
            continue;
        char text[RECORD_KEY_BYTES_MAX];
        assert_int_equal(record_key_print(text, prefix, epoch, sequence), size);
        assert_string_equal(text, cases[i].key);
    }
}

static void test_key_prefix(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, RECORD_KEY_BYTES_MAX);
    record_key_prefix(&out, "a group / of ours", "events", INT32_MAX);
    assert_string_equal(buffer_text(&out), "a group / of ours/events/2147483647/");
    char group[256];
    char topic[250];
    memset(group, 'g', 255);
    memset(topic, 't', 249);
    group[255] = topic[249] = '\0';
    buffer_clear(&out);
    record_key_prefix(&out, group, topic, INT32_MAX);
    char text[RECORD_KEY_BYTES_MAX];
    assert_true(record_key_print(text, buffer_text(&out), UINT64_MAX, UINT64_MAX) <
                RECORD_KEY_BYTES_MAX);
    buffer_fini(&out);
}

/* ---- pointers ---- */

static void test_pointers(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why; /* why: NULL if it is one */
    } cases[] = {
        {"ghgd2 epoch=0123456789abcdef number=1 base=0 end=0", NULL},
        {"ghgd2 epoch=0000000000000000 number=18446744073709551615 base=7 end=9223372036854775807",
         NULL},
        {"", "no pointer"},
        {"ghgd2", "no pointer"},
        {"ghgd2 ", "no pointer"},
        {"ghgd1 next=7 settled=1700000000000", "no pointer"},
        {"ghgd3 epoch=0123456789abcdef number=1 base=0 end=0", "newer ghgd"},
        {"ghgd10", "newer ghgd"},
        {"ghgd0", "no pointer"},
        {"ghgdx", "no pointer"},
        {"ghgd3x", "no pointer"},
        {"ghgd99999999999999999999", "no pointer"},
        {"v1 ck=3 wm=4", "no pointer"},
        {"ghgd2 epoch=0123456789abcdef number=0 base=0 end=0", "no pointer"},
        {"ghgd2 epoch=0123456789abcdef number=1 base=1 end=0", "no pointer"},
        {"ghgd2 epoch=0123456789abcdef number=1 base=-1 end=0", "no pointer"},
        {"ghgd2 epoch=0123456789abcdef number=1 base=0 end=9223372036854775808", "no pointer"},
        {"ghgd2 epoch=0123456789abcdef number=1 base=0 end=99999999999999999999", "no pointer"},
        {"ghgd2 epoch=0123456789abcdef number=1 base=0", "no pointer"},
        {"ghgd2 epoch=0123456789abcdef number=1 base=0 end=", "no pointer"},
        {"ghgd2 epoch=0123456789abcdef number=1 base=0 end=0 ", "no pointer"},
        {"ghgd2 epoch=0123456789abcdef number=1 base=0 end=0 x=1", "no pointer"},
        {"ghgd2 epoch=0123456789abcdef  number=1 base=0 end=0", "no pointer"},
        {"ghgd2 number=1 epoch=0123456789abcdef base=0 end=0", "no pointer"},
        {"ghgd2 epoch=0123456789ABCDEF number=1 base=0 end=0", "no pointer"},
        {"ghgd2 epoch=123456789abcdef number=1 base=0 end=0", "no pointer"},
        {"ghgd2 epoch=00123456789abcdef number=1 base=0 end=0", "no pointer"},
        {"ghgd2 epoch=10123456789abcdef0 number=1 base=0 end=0", "no pointer"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct pointer pointer;
        struct buffer why;
        buffer_init(&why, 1024);
        int err = pointer_parse(&pointer, cases[i].text, &why);
        bool good = cases[i].why == NULL;
        if (err != (good ? 0 : ERR_PROTOCOL))
            fail_msg("\"%s\": got %d", cases[i].text, err);
        if (!good && strstr(buffer_text(&why), cases[i].why) == NULL)
            fail_msg("\"%s\": %s", cases[i].text, buffer_text(&why));
        buffer_fini(&why);
        if (!good)
            continue;
        char text[POINTER_TEXT_SIZE];
        pointer_print(text, &pointer);
        assert_string_equal(text, cases[i].text);
    }
}

/* ---- records ---- */

static const uint8_t piece[] = "what became of the events";
static const struct key_range buried[] = {{7, 0, 30}, {UINT64_MAX, 5, UINT64_MAX}};

static struct record make_record(void)
{
    return (struct record){
        .epoch = 0x1122334455667788,
        .sequence = 12,
        .number = 4,
        .previous = 0,
        .at = {INT64_MAX, UINT32_MAX},
        .payload_bytes = 2 * sizeof(piece),
        .piece = 1,
        .pieces = 2,
        .obsolete_count = ARRAY_LEN(buried),
        .bytes = piece,
        .size = sizeof(piece),
    };
}

static uint8_t *encode(const struct record *record, size_t *size_out)
{
    *size_out = record_size(record);
    uint8_t *bytes = malloc(*size_out);
    assert_non_null(bytes);
    record_encode(record, buried, bytes);
    return bytes;
}

static void test_record_reads_back(void **state)
{
    (void)state;
    struct record want = make_record();
    size_t size;
    uint8_t *bytes = encode(&want, &size);
    struct record got;
    struct buffer why;
    buffer_init(&why, 1024);
    assert_int_equal(record_decode(&got, bytes, size, &why), 0);
    assert_int_equal(why.size, 0);
    assert_int_equal(got.epoch, want.epoch);
    assert_int_equal(got.sequence, want.sequence);
    assert_int_equal(got.number, want.number);
    assert_int_equal(got.previous, want.previous);
    assert_int_equal(got.at.offset, want.at.offset);
    assert_int_equal(got.at.skip, want.at.skip);
    assert_int_equal(got.payload_bytes, want.payload_bytes);
    assert_int_equal(got.piece, want.piece);
    assert_int_equal(got.pieces, want.pieces);
    assert_int_equal(got.size, sizeof(piece));
    assert_memory_equal(got.bytes, piece, sizeof(piece));
    assert_int_equal(got.obsolete_count, ARRAY_LEN(buried));
    for (uint32_t i = 0; i < got.obsolete_count; i++) {
        struct key_range range = record_obsolete_range(&got, i);
        assert_memory_equal(&range, &buried[i], sizeof(range));
    }
    free(bytes);
    buffer_fini(&why);
}

/* Written by version 1 of the format; what is in topics today has to be read for ever. */
static void test_format_stays(void **state)
{
    (void)state;
    struct record record = {.epoch = 0x0102030405060708,
                            .sequence = 9,
                            .number = 10,
                            .previous = 8,
                            .at = {11, 12},
                            .payload_bytes = 3,
                            .pieces = 1,
                            .bytes = (const uint8_t *)"abc",
                            .size = 3};
    static const uint8_t want[] = "GHGC\x01\0\0\0"
                                  "\0\0\0\0\0\0\0\0" /* the checksum, compared apart */
                                  "\x08\x07\x06\x05\x04\x03\x02\x01"
                                  "\x09\0\0\0\0\0\0\0"
                                  "\x0a\0\0\0\0\0\0\0"
                                  "\x08\0\0\0\0\0\0\0"
                                  "\x0b\0\0\0\0\0\0\0"
                                  "\x03\0\0\0\0\0\0\0"
                                  "\x0c\0\0\0"
                                  "\0\0\0\0"
                                  "\x01\0\0\0"
                                  "\0\0\0\0"
                                  "\x03\0\0\0\0\0\0\0"
                                  "abc";
    assert_int_equal(record_size(&record), sizeof(want) - 1);
    uint8_t got[sizeof(want)];
    record_encode(&record, NULL, got);
    uint64_t checksum;
    memcpy(&checksum, got + 8, sizeof(checksum));
    assert_int_equal(checksum, XXH3_64bits(want + 16, sizeof(want) - 1 - 16));
    memset(got + 8, 0, 8);
    assert_memory_equal(got, want, sizeof(want) - 1);
}

/* A change of any one bit, and any length but its own, is refused. */
static void test_damage_is_seen(void **state)
{
    (void)state;
    struct record record = make_record();
    size_t size;
    uint8_t *bytes = encode(&record, &size);
    struct buffer why;
    buffer_init(&why, 1024);
    struct record got;
    for (size_t bit = 0; bit < 8 * size; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        if (record_decode(&got, bytes, size, &why) != ERR_PROTOCOL)
            fail_msg("bit %zu", bit);
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *part = malloc(cut + 1);
        memcpy(part, bytes, cut);
        uint8_t *exact = realloc(part, cut > 0 ? cut : 1);
        if (record_decode(&got, exact, cut, &why) != ERR_PROTOCOL)
            fail_msg("the first %zu bytes", cut);
        free(exact);
    }
    assert_true(why.size > 0);
    free(bytes);
    buffer_fini(&why);
}

static void set_zero_previous(struct record *record)
{
    record->previous = record->number;
}
static void set_newer_previous(struct record *record)
{
    record->previous = record->number + 1;
}
static void set_no_pieces(struct record *record)
{
    record->pieces = 0;
}
static void set_piece_outside(struct record *record)
{
    record->piece = record->pieces;
}
static void set_offset(struct record *record)
{
    record->at.offset = -1;
}
static void set_large_payload(struct record *record)
{
    record->payload_bytes = (uint64_t)CHECKPOINT_BYTES_MAX + 1;
}
static void set_small_payload(struct record *record)
{
    record->payload_bytes = record->size - 1;
}
static void set_lone_piece(struct record *record)
{
    record->pieces = 1;
    record->piece = 0;
}

/* Its checksum is right, and what it says cannot be. */
static void test_nonsense_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        void (*change)(struct record *record);
    } cases[] = {
        {"adds to itself", set_zero_previous},
        {"adds to a later one", set_newer_previous},
        {"has no pieces", set_no_pieces},
        {"is a piece behind the last", set_piece_outside},
        {"stands before the log", set_offset},
        {"is of too large a payload", set_large_payload},
        {"is larger than its payload", set_small_payload},
        {"is all pieces, and not all bytes", set_lone_piece},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct record record = make_record();
        cases[i].change(&record);
        size_t size;
        uint8_t *bytes = encode(&record, &size);
        struct buffer why;
        struct record got;
        buffer_init(&why, 1024);
        if (record_decode(&got, bytes, size, &why) != ERR_PROTOCOL ||
            strstr(buffer_text(&why), "contradicts") == NULL)
            fail_msg("%s: %s", cases[i].name, buffer_text(&why));
        buffer_fini(&why);
        free(bytes);
    }
}

static void test_newer_format(void **state)
{
    (void)state;
    static const uint8_t bytes[] = "GHGC\x02\0\0\0and nobody knows";
    struct buffer why;
    struct record got;
    buffer_init(&why, 1024);
    assert_int_equal(record_decode(&got, bytes, sizeof(bytes), &why), ERR_PROTOCOL);
    assert_non_null(strstr(buffer_text(&why), "newer ghgd: its format is 2"));
    buffer_fini(&why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_key_prefix),
        cmocka_unit_test(test_pointers),
        cmocka_unit_test(test_record_reads_back),
        cmocka_unit_test(test_format_stays),
        cmocka_unit_test(test_damage_is_seen),
        cmocka_unit_test(test_nonsense_is_refused),
        cmocka_unit_test(test_newer_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

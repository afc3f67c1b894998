/* Numbers and names as bytes and back; and bytes that are not whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pipelines/state/packed.h"

static void test_round_trip(void **state)
{
    (void)state;
    static const int64_t values[] = {0, 1, -1, 63, 64, -64, 127, -128, 8191, INT64_MAX, INT64_MIN};
    struct buffer out;
    buffer_init(&out, 4096);
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        packed_add_int(&out, values[i]);
        packed_add_uint(&out, (uint64_t)values[i]);
        packed_add_wide(&out, (int128)values[i] * INT64_MAX);
    }
    packed_add_text(&out, "");
    packed_add_text(&out, "usine-3");
    size_t at = packed_begin_part(&out);
    packed_add_uint(&out, 300);
    packed_end_part(&out, at);
    struct packed packed;
    packed_init(&packed, out.data, out.size);
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        assert_int_equal(packed_take_int(&packed, INT64_MIN, INT64_MAX), values[i]);
        assert_true(packed_take_uint(&packed, UINT64_MAX) == (uint64_t)values[i]);
        assert_true(packed_take_wide(&packed, (int128)1 << 126) == (int128)values[i] * INT64_MAX);
    }
    char text[8];
    packed_take_text(&packed, text, sizeof(text));
    assert_string_equal(text, "");
    packed_take_text(&packed, text, sizeof(text));
    assert_string_equal(text, "usine-3");
    struct packed part;
    packed_take_part(&packed, &part);
    assert_int_equal(packed_take_uint(&part, 300), 300);
    assert_true(packed_is_at_end(&part) && packed_is_at_end(&packed));
    assert_false(part.damaged || packed.damaged);
    buffer_fini(&out);
}

static void take_uint(struct packed *packed)
{
    (void)packed_take_uint(packed, 1000);
}

static void take_int(struct packed *packed)
{
    (void)packed_take_int(packed, -5, 5);
}

static void take_any(struct packed *packed)
{
    (void)packed_take_uint(packed, UINT64_MAX);
}

static void take_wide(struct packed *packed)
{
    (void)packed_take_wide(packed, 1000);
}

static void take_text(struct packed *packed)
{
    char text[4];
    packed_take_text(packed, text, sizeof(text));
    assert_true(strlen(text) < sizeof(text));
}

static void take_part(struct packed *packed)
{
    struct packed part;
    packed_take_part(packed, &part);
}

static void take_count(struct packed *packed)
{
    (void)packed_take_count(packed, 1000);
}

static void test_damage(void **state)
{
    (void)state;
    static const struct {
        const char *name, *bytes;
        size_t size;
        void (*take)(struct packed *packed);
        bool damaged;
    } cases[] = {
        {"nothing", "", 0, take_uint, true},
        {"cut off", "\x80", 1, take_uint, true},
        {"the maximum", "\xe8\x07", 2, take_uint, false},
        {"above the maximum", "\xe9\x07", 2, take_uint, true},
        {"64 bits", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, take_any, false},
        {"65 bits", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10, take_any, true},
        {"eleven bytes", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11, take_any, true},
        {"the least", "\x09", 1, take_int, false},
        {"below the least", "\x0b", 1, take_int, true},
        {"above the most", "\x0c", 1, take_int, true},
        {"wide", "\xd0\x0f", 2, take_wide, false},
        {"too wide", "\xd2\x0f", 2, take_wide, true},
        {"wide, cut off", "\xff\xff", 2, take_wide, true},
        {"text",
         "\x03"
         "abc",
         4, take_text, false},
        {"text, too long",
         "\x04"
         "abcd",
         5, take_text, true},
        {"text, cut off",
         "\x03"
         "ab",
         3, take_text, true},
        {"text with a NUL",
         "\x03"
         "a\0c",
         4, take_text, true},
        {"part", "\2\0\0\0xy", 6, take_part, false},
        {"part, cut off", "\3\0\0\0xy", 6, take_part, true},
        {"part without a size", "\3\0\0", 3, take_part, true},
        {"count", "\2xy", 3, take_count, false},
        {"count of more than there is", "\3xy", 3, take_count, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct packed packed;
        packed_init(&packed, cases[i].bytes, cases[i].size);
        cases[i].take(&packed);
        if (packed.damaged != cases[i].damaged)
            fail_msg("%s: damaged is %d", cases[i].name, packed.damaged);
        assert_true(packed.at <= packed.end);
        if (packed.damaged)
            assert_int_equal(packed_take_uint(&packed, UINT64_MAX), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

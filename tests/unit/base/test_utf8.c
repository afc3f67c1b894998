#include "base/utf8.h"

#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define BYTES(text) text, sizeof(text) - 1

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *bytes;
        size_t size;
    } cases[] = {
        {"nothing", BYTES("")},
        {"a continuation alone", BYTES("\x80")},
        {"the last continuation alone", BYTES("\xbf")},
        {"overlong NUL", BYTES("\xc0\x80")},
        {"overlong of two", BYTES("\xc1\xbf")},
        {"overlong of three", BYTES("\xe0\x9f\xbf")},
        {"overlong of four", BYTES("\xf0\x8f\xbf\xbf")},
        {"the first surrogate", BYTES("\xed\xa0\x80")},
        {"the last surrogate", BYTES("\xed\xbf\xbf")},
        {"above U+10FFFF", BYTES("\xf4\x90\x80\x80")},
        {"far above U+10FFFF", BYTES("\xf5\x80\x80\x80")},
        {"five bytes", BYTES("\xf8\x88\x80\x80\x80")},
        {"never in UTF-8", BYTES("\xff")},
        {"cut after one of two", BYTES("\xc3")},
        {"cut after one of three", BYTES("\xe2")},
        {"cut after two of three", BYTES("\xe2\x82")},
        {"cut after three of four", BYTES("\xf0\x9f\x8c")},
        {"a letter where a continuation is due", BYTES("\xc3x")},
        {"a letter in the middle", BYTES("\xe2x\xac")},
        {"a lead at the end", BYTES("\xe2\x82\xc3")},
        {"NUL in the middle", BYTES("\xf0\x9f\0\x8d")},
        {"Latin-1", BYTES("\xfcr")},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint32_t character = 7;
        size_t got = utf8_read(cases[i].bytes, cases[i].size, &character);
        if (got != 0 || character != 7)
            fail_msg("%s: got %zu", cases[i].name, got);
        assert_int_equal(utf8_text_size(cases[i].bytes, cases[i].size), 0);
    }
}

/* Every character there is comes back, and every other number is refused. */
static void test_every_character(void **state)
{
    (void)state;
    for (uint32_t want = 0; want < 0x110400; want++) {
        char bytes[8] = "";
        size_t size = want < 0x80 ? 1 : want < 0x800 ? 2 : want < 0x10000 ? 3 : 4;
        static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
        for (size_t i = size; i-- > 0;)
            bytes[i] = (char)(i > 0 ? 0x80 | ((want >> (6 * (size - 1 - i))) & 0x3f)
                                    : leads[size] | (want >> (6 * (size - 1))));
        bool is_character = (want < 0xd800 || want > 0xdfff) && want <= 0x10ffff;
        uint32_t got = 0;
        assert_int_equal(utf8_read(bytes, size, &got), is_character ? size : 0);
        assert_int_equal(got, is_character ? want : 0);
        assert_int_equal(utf8_read(bytes, size - 1, &got), 0);
        assert_int_equal(utf8_is_control(want), g_unichar_iscntrl(want));
    }
}

/* Any bytes: the text ends where GLib says. */
static void test_as_glib(void **state)
{
    (void)state;
    uint64_t random = 88172645463325252;
    static const uint8_t likely[] = {'a',  0x80, 0xbf, 0xc2, 0xdf, 0xe0, 0xed, 0xef,
                                     0xf0, 0xf4, 0x9f, 0xa0, 0x8f, 0x90, 0,    0xff};
    for (int i = 0; i < 1000000; i++) {
        char bytes[12];
        for (size_t at = 0; at < sizeof(bytes); at++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            bytes[at] = (char)((random & 0x100) != 0 ? likely[random % 16] : (uint8_t)random);
        }
        size_t size = random % sizeof(bytes);
        const char *end;
        (void)g_utf8_validate_len(bytes, size, &end);
        if (utf8_text_size(bytes, size) != (size_t)(end - bytes))
            fail_msg("run %d: got %zu, want %td", i, utf8_text_size(bytes, size), end - bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_every_character),
        cmocka_unit_test(test_as_glib),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

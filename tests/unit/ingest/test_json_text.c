#include "pipelines/ingest/json_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <msgpack.h>

#include "pipelines/ingest/msgpack_reader.h"

#define BYTES(text) text, sizeof(text) - 1

static void test_items(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        const char *want; /* NULL: refused */
    } cases[] = {
        {BYTES("\xc0"), "null"},
        {BYTES("\xc2"), "false"},
        {BYTES("\xc3"), "true"},
        {BYTES("\x07"), "7"},
        {BYTES("\xff"), "-1"},
        {BYTES("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), "18446744073709551615"},
        {BYTES("\xd3\x80\0\0\0\0\0\0\0"), "-9223372036854775808"},
        {BYTES("\xcb\x3f\xf8\0\0\0\0\0\0"), "1.5"},
        {BYTES("\xca\x3f\xc0\0\0"), "1.5"},
        {BYTES("\xcb\x7f\xf8\0\0\0\0\0\0"), "nan"},
        {BYTES("\xcb\xff\xf0\0\0\0\0\0\0"), "-inf"},
        {BYTES("\xa3"
               "a\"\n"),
         "\"a\\\"\\n\""},
        {BYTES("\xc4\x02\x0a\xff"), "bin(\"0aff\")"},
        {BYTES("\xd4\x05\x0a"), "ext(5, \"0a\")"},
        {BYTES("\xd6\xff\0\0\0\x01"), "timestamp(\"1970-01-01T00:00:01Z\")"},
        {BYTES("\xd7\xff\x77\x35\x94\0\0\0\0\x01"), "timestamp(\"1970-01-01T00:00:01.500Z\")"},
        {BYTES("\xc7\x0c\xff\0\0\0\0\0\0\0\0\0\0\0\x02"), "timestamp(\"1970-01-01T00:00:02Z\")"},
        {BYTES("\xc7\x0c\xff\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff"),
         "ext(-1, \"00000000ffffffffffffffff\")"},
        {BYTES("\x90"), "[]"},
        {BYTES("\x80"), "{}"},
        {BYTES("\x93\x01\x90\x02"), "[1, [], 2]"},
        {BYTES("\x82\xa1"
               "a\x92\x01\x80\xa1"
               "b\xc0"),
         "{\"a\": [1, {}], \"b\": null}"},
        {BYTES(""), NULL},
        {BYTES("\xc1"), NULL},
        {BYTES("\x01\x02"), NULL},
        {BYTES("\x92\x01"), NULL},
        {BYTES("\xa5"
               "abc"),
         NULL},
        {BYTES("\xdd\xff\xff\xff\xff\x01"), NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buffer out;
        buffer_init(&out, 4096);
        int err = msgpack_text_add(&out, cases[i].bytes, cases[i].size);
        if (err != (cases[i].want != NULL ? 0 : ERR_SYNTAX) ||
            (err == 0 && strcmp(buffer_text(&out), cases[i].want) != 0))
            fail_msg("row %zu: %d %s", i, err, buffer_text(&out));
        buffer_fini(&out);
    }
}

static void test_depth(void **state)
{
    (void)state;
    char bytes[MSGPACK_DEPTH_MAX + 2];
    memset(bytes, '\x91', sizeof(bytes));
    for (size_t depth = MSGPACK_DEPTH_MAX; depth <= MSGPACK_DEPTH_MAX + 1; depth++) {
        struct buffer out;
        buffer_init(&out, 4096);
        bytes[depth] = '\xc0';
        assert_int_equal(msgpack_text_add(&out, bytes, depth + 1),
                         depth == MSGPACK_DEPTH_MAX ? 0 : ERR_SYNTAX);
        bytes[depth] = '\x91';
        buffer_fini(&out);
    }
}

/* An event as producers send it, against what msgpack-c makes of it. */
static void test_as_msgpack_c(void **state)
{
    (void)state;
    msgpack_sbuffer packed;
    msgpack_packer packer;
    msgpack_sbuffer_init(&packed);
    msgpack_packer_init(&packer, &packed, msgpack_sbuffer_write);
    msgpack_pack_array(&packer, 20);
    for (int i = 0; i < 20; i++) {
        msgpack_pack_map(&packer, 2);
        msgpack_pack_str_with_body(&packer, "meter", 5);
        msgpack_pack_str_with_body(&packer, "hz-grid", 7);
        msgpack_pack_str_with_body(&packer, "value", 5);
        msgpack_pack_int64(&packer, -(INT64_C(1) << 3 * i));
    }
    struct buffer out;
    buffer_init(&out, 1 << 16);
    assert_int_equal(msgpack_text_add(&out, packed.data, packed.size), 0);
    msgpack_unpacked unpacked;
    msgpack_unpacked_init(&unpacked);
    assert_int_equal(msgpack_unpack_next(&unpacked, packed.data, packed.size, NULL),
                     MSGPACK_UNPACK_SUCCESS);
    char want[4096];
    (void)msgpack_object_print_buffer(want, sizeof(want), unpacked.data);
    char got[4096]; /* it writes "=>" where we write ": " */
    size_t size = 0;
    for (size_t i = 0; i < out.size; i++) {
        if (out.data[i] == ':') {
            got[size++] = '=';
            got[size++] = '>';
            i++;
            continue;
        }
        got[size++] = out.data[i];
    }
    got[size] = '\0';
    assert_string_equal(got, want);
    msgpack_unpacked_destroy(&unpacked);
    msgpack_sbuffer_destroy(&packed);
    buffer_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_items),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_as_msgpack_c),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

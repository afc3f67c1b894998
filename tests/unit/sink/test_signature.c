/* The signature of requests, against values that `openssl dgst -sha256 -hmac` printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pipelines/sink/signature.h"

static void test_values(void **state)
{
    (void)state;
    static const struct {
        const char *secret, *body;
        int64_t time_s;
        const char *want;
    } cases[] = {
        {"key", "{}", 1764547200,
         "X-Ghgd-Signature: "
         "t=1764547200,v1=9062efa40b2f82a3ebcb891e1ff9a7efb8c69d05a00164278556f68596609584"},
        {"a longer secret of more than one block: "
         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
         "{\"a\":\"中\"}", 0,
         "X-Ghgd-Signature: "
         "t=0,v1=3e27a60d4608a53716806ba3496e1c31b10d184028f8624a7cb8ab60d0e8212c"},
        {"k", "", -1,
         "X-Ghgd-Signature: "
         "t=-1,v1=af5be574c897cd0e6221334a53ef62ae1fed141387ab341a93a3a4e046347a0d"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buffer out;
        buffer_init(&out, 1024);
        assert_int_equal(signature_add(&out, cases[i].secret, cases[i].time_s, cases[i].body,
                                       strlen(cases[i].body)),
                         0);
        assert_string_equal(buffer_text(&out), cases[i].want);
        buffer_fini(&out);
    }
}

static void test_no_room(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, 40);
    assert_true(signature_add(&out, "key", 1, "", 0) < 0);
    buffer_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values),
                                       cmocka_unit_test(test_no_room)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

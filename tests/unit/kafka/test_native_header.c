/* The header by which a message says that it is native JSON. */
#include "pipelines/kafka/native_header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_values(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
        bool want;
    } cases[] = {
        {"ghgd-native", "1", true},   {"ghgd-native", "0", false},   {"ghgd-native", "", false},
        {"ghgd-native", "11", false}, {"ghgd-native", "yes", false}, {"ghgd-Native", "1", false},
        {"native", "1", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        rd_kafka_headers_t *headers = rd_kafka_headers_new(2);
        assert_int_equal(rd_kafka_header_add(headers, cases[i].name, -1, cases[i].value, -1), 0);
        if (native_header_is_set(headers) != cases[i].want)
            fail_msg("%s: %s", cases[i].name, cases[i].value);
        rd_kafka_headers_destroy(headers);
    }
    assert_false(native_header_is_set(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

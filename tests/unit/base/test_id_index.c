#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/id_index.h"

static void test_index(void **state)
{
    (void)state;
    enum { KEYS = 3000 };
    static char keys[KEYS][8];
    struct id_index index = {0};
    assert_int_equal(id_index_find(&index, "a", 1), ID_INDEX_NONE);
    for (uint32_t i = 0; i < KEYS; i++) {
        (void)snprintf(keys[i], sizeof(keys[i]), "m%u", i);
        assert_int_equal(id_index_set(&index, keys[i], i), 0);
    }
    for (uint32_t i = 0; i < KEYS; i++)
        assert_int_equal(id_index_find(&index, keys[i], strlen(keys[i])), i);
    assert_int_equal(index.count, KEYS);
    assert_int_equal(id_index_set(&index, "m7", 70), 0);
    assert_int_equal(index.count, KEYS);
    assert_int_equal(id_index_find(&index, "m7", 2), 70);
    assert_int_equal(id_index_find(&index, "m70", 3), 70);
    assert_int_equal(id_index_find(&index, "m3000", 5), ID_INDEX_NONE);
    assert_int_equal(id_index_find(&index, "m7\0", 3), ID_INDEX_NONE);
    assert_int_equal(id_index_find(&index, "", 0), ID_INDEX_NONE);
    id_index_fini(&index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_index)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_pieces(void **state)
{
    (void)state;
    static const size_t sizes[] = {0,     1,     15,     16,     17,      4096,
                                   65536, 65537, 262144, 262145, 1 << 20, 3};
    struct arena *arena = NULL;
    assert_int_equal(arena_create(&arena), 0);
    unsigned char *pieces[ARRAY_LEN(sizes) * 8];
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        size_t size = sizes[i % ARRAY_LEN(sizes)];
        pieces[i] = arena_alloc(arena, size);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        for (size_t at = 0; at < size; at++)
            assert_int_equal(pieces[i][at], 0);
        memset(pieces[i], (int)(i + 1), size);
    }
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) /* none was written by another's owner */
        for (size_t at = 0; at < sizes[i % ARRAY_LEN(sizes)]; at++)
            assert_int_equal(pieces[i][at], i + 1);
    arena_destroy(&arena);
    assert_null(arena);
    arena_destroy(&arena);
}

static void test_text(void **state)
{
    (void)state;
    struct arena *arena = NULL;
    assert_int_equal(arena_create(&arena), 0);
    assert_string_equal(arena_text(arena, "boiler 2", 6), "boiler");
    assert_string_equal(arena_text(arena, NULL, 0), "");
    assert_memory_equal(arena_text(arena, "a\0b", 3), "a\0b", 4);
    arena_destroy(&arena);
}

static void test_refused(void **state)
{
    (void)state;
    struct arena *arena = NULL;
    assert_int_equal(arena_create(&arena), 0);
    assert_null(arena_alloc(arena, SIZE_MAX));
    assert_null(arena_alloc(arena, SIZE_MAX - 15));
    assert_null(arena_text(arena, "x", SIZE_MAX));
    assert_non_null(arena_alloc(arena, 1));
    arena_destroy(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}

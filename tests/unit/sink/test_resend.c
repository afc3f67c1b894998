#include "pipelines/sink/resend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void add(struct resend *resend, const char *text, int64_t now_ms)
{
    struct buffer body;
    buffer_init(&body, 64 << 20);
    buffer_add_str(&body, text);
    resend_add(resend, &body, now_ms);
    assert_null(body.data); /* it went over */
}

static void expect_next(const struct resend *resend, const char *text)
{
    const struct resend_body *next = resend_next(resend);
    assert_non_null(next);
    assert_int_equal(next->size, strlen(text));
    assert_memory_equal(next->data, text, next->size);
}

static void test_safe_after_a_later_answer(void **state)
{
    (void)state;
    struct resend resend;
    assert_int_equal(resend_init(&resend), 0);
    assert_true(resend_safe_at_ms(&resend) == INT64_MAX);
    assert_true(resend_since_ms(&resend) == INT64_MAX);
    add(&resend, "one", 1000);
    add(&resend, "two", 3000);
    assert_int_equal(resend_safe_at_ms(&resend), 1000 + RESEND_KEEP_MS);
    resend_confirm(&resend, 1000 + RESEND_KEEP_MS - 1);
    assert_int_equal(resend.count, 2);
    assert_int_equal(resend_since_ms(&resend), 1000);
    resend_confirm(&resend, 1000 + RESEND_KEEP_MS);
    assert_int_equal(resend.count, 1);
    assert_int_equal(resend_since_ms(&resend), 3000);
    assert_int_equal(resend.bytes, 3);
    resend_confirm(&resend, 3000 + RESEND_KEEP_MS);
    assert_int_equal(resend.count, 0);
    assert_int_equal(resend.bytes, 0);
    assert_null(resend_next(&resend));
    resend_fini(&resend);
}

static void test_all_is_sent_again_once(void **state)
{
    (void)state;
    struct resend resend;
    assert_int_equal(resend_init(&resend), 0);
    add(&resend, "one", 0);
    add(&resend, "two", 0);
    assert_null(resend_next(&resend));
    resend_all(&resend);
    add(&resend, "three", 50000); /* by the answer that told of it: it is known to the new server */
    expect_next(&resend, "one");
    resend_confirm(&resend, 60000); /* what is due is not safe, however old */
    assert_int_equal(resend.count, 3);
    resend_acked(&resend, 60000);
    expect_next(&resend, "two");
    resend_all(&resend); /* and it fell again */
    expect_next(&resend, "two");
    resend_acked(&resend, 61000);
    expect_next(&resend, "three");
    resend_acked(&resend, 62000);
    expect_next(&resend, "one");
    resend_acked(&resend, 63000);
    assert_null(resend_next(&resend));
    assert_int_equal(resend_since_ms(&resend), 0); /* not what was answered since, but the first */
    assert_int_equal(resend_safe_at_ms(&resend), 61000 + RESEND_KEEP_MS);
    resend_fini(&resend);
}

static void test_bounds(void **state)
{
    (void)state;
    struct resend resend;
    assert_int_equal(resend_init(&resend), 0);
    for (int i = 0; i < RESEND_BODIES_MAX; i++) {
        assert_false(resend_is_full(&resend));
        add(&resend, "x", i);
    }
    assert_true(resend_is_full(&resend));
    resend_confirm(&resend, RESEND_KEEP_MS);
    assert_false(resend_is_full(&resend));
    add(&resend, "y", 9999); /* around the end of the ring */
    assert_true(resend_is_full(&resend));
    resend_fini(&resend);

    assert_int_equal(resend_init(&resend), 0);
    struct buffer body;
    buffer_init(&body, 64 << 20);
    char chunk[1 << 16] = {0};
    for (int i = 0; i < RESEND_BYTES_MAX / (int)sizeof(chunk); i++)
        buffer_add(&body, chunk, sizeof(chunk));
    resend_add(&resend, &body, 0);
    assert_true(resend_is_full(&resend)); /* of bytes */
    resend_fini(&resend);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_safe_after_a_later_answer),
        cmocka_unit_test(test_all_is_sent_again_once),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

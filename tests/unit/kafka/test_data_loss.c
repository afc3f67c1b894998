#include "pipelines/kafka/data_loss.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_words(void **state)
{
    (void)state;
    static const struct {
        struct data_loss loss;
        uint64_t count;
        const char *want;
    } cases[] = {
        {{.from = 7, .to = 500, .taken_ms = 1699999999000, .to_ms = 1700000000000},
         493,
         "offsets 7 to 499 are gone from the topic before they were read; the oldest left is 500; "
         "the last one read had arrived at 2023-11-14T22:13:19Z; the oldest left arrived at "
         "2023-11-14T22:13:20Z"},
        {{.from = 7, .to = 8, .taken_ms = INT64_MIN, .to_ms = INT64_MIN},
         1,
         "offsets 7 to 7 are gone from the topic before they were read; the oldest left is 8"},
        {{.from = 500, .to = 0, .taken_ms = INT64_MIN, .to_ms = 1700000000000},
         0,
         "offset 500 came next, but the topic was created again, or its log was cut off: it now "
         "begins "
         "at 0; the oldest left arrived at 2023-11-14T22:13:20Z"},
        {{.from = 500, .to = 500, .taken_ms = INT64_MIN, .to_ms = -1},
         0,
         "offset 500 came next, but the topic was created again, or its log was cut off: it now "
         "begins "
         "at 500"},
        {{.from = 500,
          .to = 20,
          .taken_ms = INT64_MIN,
          .to_ms = 1699999999000,
          .forgotten = true,
          .saved_ms = 1700000000000},
         0,
         "the group has no offset any more, though offset 500 came next: its offsets have expired "
         "or were deleted, or the topic was created again; the oldest message left is 20; its "
         "state "
         "was "
         "saved last at 2023-11-14T22:13:20Z; the oldest left arrived at 2023-11-14T22:13:19Z"},
        {{.from = 7, .to = 8, .taken_ms = INT64_MIN, .to_ms = INT64_MIN, .forgotten = true},
         1,
         "offsets 7 to 7 are gone from the topic before they were read; the oldest left is 8; its "
         "state was saved last at 1970-01-01T00:00:00Z"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buffer out;
        buffer_init(&out, 4096);
        data_loss_print(&cases[i].loss, &out);
        if (strcmp(buffer_text(&out), cases[i].want) != 0 ||
            data_loss_count(&cases[i].loss) != cases[i].count)
            fail_msg("row %zu: %" PRIu64 " %s", i, data_loss_count(&cases[i].loss),
                     buffer_text(&out));
        buffer_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "pipelines/ingest/data_loss.h"

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
        {{7, 500, 1699999999000, 1700000000000},
         493,
         "offsets 7 to 499 are gone from the topic before they were read; the oldest left is 500; "
         "the last one read had arrived at 2023-11-14T22:13:19Z; the oldest left arrived at "
         "2023-11-14T22:13:20Z"},
        {{7, 8, INT64_MIN, INT64_MIN},
         1,
         "offsets 7 to 7 are gone from the topic before they were read; the oldest left is 8"},
        {{500, 0, INT64_MIN, 1700000000000},
         0,
         "offset 500 came next, but the topic was made anew, or its log was cut off: it now begins "
         "at 0; the oldest left arrived at 2023-11-14T22:13:20Z"},
        {{500, 500, INT64_MIN, -1},
         0,
         "offset 500 came next, but the topic was made anew, or its log was cut off: it now begins "
         "at 500"},
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

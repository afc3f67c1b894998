/* The words of /readyz and /metrics on a sink that refuses rows. */
#include "daemon/http/health.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* A sink that refuses rows: beside others it works, alone it is not ready after a minute. */
static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t refusing_since_ms, failing_ms;
        struct sink_share share;
        const char *line;
        unsigned want;
        bool healthy;
    } cases[] = {
        {"it takes all", 0, 0, {0, 120, 0}, "ok sink a b: works\n", 200, true},
        {"it refuses some",
         0,
         0,
         {0, 117, 3},
         "ok sink a b: works; in the last 90 s it refused 3 of 120 rows: look into its dead_rows; "
         "field type conflict 'x'\n",
         200,
         true},
        {"it refuses all, for a minute",
         5,
         60000,
         {0, 117, 3},
         "ok sink a b: has refused every row for 60 s; field type conflict 'x'\n",
         200,
         true},
        {"it refuses all, for longer",
         5,
         60001,
         {0, 0, 3},
         "no sink a b: has refused every row for 60 s; field type conflict 'x'\n",
         503,
         false},
    };
    struct buffer out;
    buffer_init(&out, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct sink_stats stats = {.healthy = true,
                                         .refusing_since_ms = cases[i].refusing_since_ms,
                                         .last_refusal = "field type conflict \"x\"",
                                         .last_error = "earlier"};
        const struct metrics_sink sink = {.name = "a b",
                                          .stats = &stats,
                                          .failing_ms = cases[i].failing_ms,
                                          .share = cases[i].share,
                                          .share_ms = 90000};
        const struct consumer_stats consumer = {.rebalances = 1};
        const struct metrics_source source = {
            .consumer = &consumer, .sinks = &sink, .sinks_count = 1};
        buffer_clear(&out);
        unsigned got = health_print_ready(NULL, &source, &out);
        if (got != cases[i].want || strstr(buffer_text(&out), cases[i].line) == NULL)
            fail_msg("%s: %u, %s", cases[i].name, got, buffer_text(&out));
        buffer_clear(&out);
        metrics_print(&source, &out);
        const char *sample = cases[i].healthy ? "\nghgd_sink_healthy{sink=\"a b\"} 1\n"
                                              : "\nghgd_sink_healthy{sink=\"a b\"} 0\n";
        if (strstr(buffer_text(&out), sample) == NULL)
            fail_msg("%s: not %s", cases[i].name, sample);
    }
    buffer_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

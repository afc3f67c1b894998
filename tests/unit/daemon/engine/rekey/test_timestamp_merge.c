#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"
#include "daemon/engine/rekey/timestamp_merge.h"

enum {
    SLACK_MS = 10,
    NOW_MS = 100000,
    RECENT = NOW_MS - 1,
    STALE = NOW_MS - TIMESTAMP_MERGE_PATIENCE_MS
};

static void test_limit(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct partition_clock clocks[3]; /* the first asks */
        int64_t want;
    } cases[] = {
        {"alone with those at their ends",
         {{5, RECENT, 0}, {1, RECENT, 1}, {2, RECENT, 1}},
         INT64_MAX},
        {"the oldest of the others decides",
         {{5, RECENT, 0}, {100, RECENT, 0}, {40, RECENT, 0}},
         40 + SLACK_MS},
        {"one that has not come yet",
         {{5, RECENT, 0}, {INT64_MIN, RECENT, 0}, {40, RECENT, 0}},
         INT64_MIN},
        {"one that has not come for long",
         {{5, RECENT, 0}, {INT64_MIN, STALE, 0}, {40, RECENT, 0}},
         40 + SLACK_MS},
        {"one that stands still", {{5, RECENT, 0}, {1, STALE, 0}, {40, RECENT, 0}}, 40 + SLACK_MS},
        {"one at its end holds nobody",
         {{5, RECENT, 0}, {1, RECENT, 1}, {40, RECENT, 0}},
         40 + SLACK_MS},
        {"without timestamps nobody waits",
         {{5, RECENT, 0}, {INT64_MAX, RECENT, 0}, {INT64_MAX, RECENT, 0}},
         INT64_MAX},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct partition_clock *clocks[3];
        for (size_t k = 0; k < 3; k++)
            clocks[k] = &cases[i].clocks[k];
        int64_t got = timestamp_merge_limit(clocks, 3, 0, SLACK_MS, NOW_MS);
        if (got != cases[i].want)
            fail_msg("%s: got %" PRId64, cases[i].name, got);
    }
}

/* Three logs of any order inside, read as the limit allows. One of them can always go on, and none
 * is ever ahead by more than the slack. */
static void test_reads_side_by_side(void **state)
{
    (void)state;
    enum { LOGS = 3, LENGTH = 2000 };
    static int64_t logs[LOGS][LENGTH];
    uint32_t seed = 12345;
    for (int l = 0; l < LOGS; l++) {
        int64_t at_ms = 0;
        for (int i = 0; i < LENGTH; i++) {
            seed = seed * 1664525 + 1013904223;
            at_ms += (seed >> 24) % (l == 0 ? 30 : 3);
            logs[l][i] = at_ms - (int64_t)((seed >> 16) % 4);
        }
    }
    struct partition_clock clocks[LOGS];
    const struct partition_clock *all[LOGS];
    int next[LOGS] = {0};
    for (int l = 0; l < LOGS; l++) {
        timestamp_merge_open(&clocks[l], NOW_MS);
        timestamp_merge_move(&clocks[l], logs[l][0], NOW_MS);
        all[l] = &clocks[l];
    }
    for (int left = LOGS * LENGTH; left > 0;) {
        int before = left;
        for (size_t l = 0; l < LOGS; l++) {
            if (next[l] == LENGTH ||
                logs[l][next[l]] > timestamp_merge_limit(all, LOGS, l, SLACK_MS, NOW_MS))
                continue;
            for (size_t k = 0; k < LOGS; k++)
                assert_true(next[k] == LENGTH || logs[l][next[l]] <= logs[k][next[k]] + SLACK_MS);
            next[l]++;
            left--;
            clocks[l].caught_up = next[l] == LENGTH;
            if (next[l] < LENGTH)
                timestamp_merge_move(&clocks[l], logs[l][next[l]], NOW_MS);
        }
        assert_true(left < before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_reads_side_by_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Takeovers: every event in every state; and the generations of acknowledged rows. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pipelines/delivery/generation.h"
#include "pipelines/delivery/takeover.h"

enum { AT = 1000, TIMEOUT = 20 };

static void test_steps(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t now_ms;
        enum takeover_state from;
        bool caught_up, blocked, has_rows;
        enum takeover_action action;
        enum takeover_state want;
    } cases[] = {
        {"done stays", AT, TAKEOVER_DONE, true, true, true, TAKEOVER_NOTHING, TAKEOVER_DONE},
        {"by clock stays until it has caught up", AT, TAKEOVER_BY_CLOCK, true, true, true,
         TAKEOVER_NOTHING, TAKEOVER_BY_CLOCK},
        {"the lease is not over", AT - 1, TAKEOVER_LEASE, true, false, true, TAKEOVER_NOTHING,
         TAKEOVER_LEASE},
        {"it is", AT, TAKEOVER_LEASE, true, false, true, TAKEOVER_ROUND_ONE, TAKEOVER_PROBE},
        {"it is, and there is nothing to write", AT + 100, TAKEOVER_LEASE, true, false, false,
         TAKEOVER_NOTHING, TAKEOVER_LEASE},
        {"it is, and the partition is silent", AT + 100, TAKEOVER_LEASE, false, false, true,
         TAKEOVER_NOTHING, TAKEOVER_LEASE},
        {"it is, and a day has to leave", AT, TAKEOVER_LEASE, false, true, true, TAKEOVER_ROUND_ONE,
         TAKEOVER_PROBE},
        {"no answer, however long", AT + 100 * TIMEOUT, TAKEOVER_PROBE, true, true, true,
         TAKEOVER_NOTHING, TAKEOVER_PROBE},
        {"no answer, and a day has to leave, too early", AT + TIMEOUT - 1, TAKEOVER_PROBE, false,
         true, true, TAKEOVER_NOTHING, TAKEOVER_PROBE},
        {"no answer, and a day has to leave", AT + TIMEOUT, TAKEOVER_PROBE, false, true, true,
         TAKEOVER_ROUND_TWO, TAKEOVER_BY_CLOCK},
        {"no answer, and the partition is silent", AT + TIMEOUT, TAKEOVER_PROBE, false, false, true,
         TAKEOVER_NOTHING, TAKEOVER_PROBE},
        {"older requests may be worked off still", AT + TIMEOUT - 1, TAKEOVER_PROOF, true, false,
         true, TAKEOVER_NOTHING, TAKEOVER_PROOF},
        {"they are worked off", AT + TIMEOUT, TAKEOVER_PROOF, true, false, false,
         TAKEOVER_ROUND_TWO, TAKEOVER_DONE},
        {"they are, and the partition has not caught up", AT + TIMEOUT, TAKEOVER_PROOF, false, true,
         true, TAKEOVER_ROUND_TWO, TAKEOVER_BY_CLOCK},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct takeover takeover = {.state = cases[i].from, .at_ms = AT};
        const struct takeover_look look = {.now_ms = cases[i].now_ms,
                                           .timeout_ms = TIMEOUT,
                                           .caught_up = cases[i].caught_up,
                                           .blocked = cases[i].blocked,
                                           .has_rows = cases[i].has_rows};
        enum takeover_action action = takeover_step(&takeover, &look);
        if (action != cases[i].action || takeover.state != cases[i].want)
            fail_msg("%s: action %d, %s", cases[i].name, (int)action,
                     takeover_name(takeover.state));
        if (takeover.state == TAKEOVER_PROBE && action == TAKEOVER_ROUND_ONE)
            assert_int_equal(takeover.at_ms, cases[i].now_ms);
    }
}

enum event { ASSIGNED, CAUGHT_UP, DOUBT, ANSWERED_EARLIER, ANSWERED, UNANSWERED };

static enum takeover_action happen(struct takeover *takeover, enum event event)
{
    switch (event) {
    case ASSIGNED:
        return takeover_assigned(takeover, AT + 500);
    case CAUGHT_UP:
        return takeover_caught_up(takeover, AT + 7);
    case DOUBT:
        return takeover_doubt(takeover, AT + 7);
    case ANSWERED_EARLIER:
        takeover_answered(takeover, AT - 1, AT + 7);
        return TAKEOVER_NOTHING;
    case UNANSWERED:
        takeover_unanswered(takeover);
        return TAKEOVER_NOTHING;
    case ANSWERED:
    default:
        takeover_answered(takeover, AT, AT + 7);
        return TAKEOVER_NOTHING;
    }
}

static void test_events(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum takeover_state from;
        enum event event;
        enum takeover_action action;
        enum takeover_state want;
        int64_t at_ms;
    } cases[] = {
        {"assigned", TAKEOVER_DONE, ASSIGNED, TAKEOVER_PUT_AT_RISK, TAKEOVER_LEASE, AT + 500},
        {"caught up, done", TAKEOVER_DONE, CAUGHT_UP, TAKEOVER_NOTHING, TAKEOVER_DONE, AT},
        {"caught up, by clock", TAKEOVER_BY_CLOCK, CAUGHT_UP, TAKEOVER_PUT_AT_RISK, TAKEOVER_LEASE,
         AT + 7},
        {"caught up in the lease", TAKEOVER_LEASE, CAUGHT_UP, TAKEOVER_NOTHING, TAKEOVER_LEASE, AT},
        {"caught up in the probe", TAKEOVER_PROBE, CAUGHT_UP, TAKEOVER_NOTHING, TAKEOVER_PROBE, AT},
        {"doubt, done", TAKEOVER_DONE, DOUBT, TAKEOVER_FROM_NOW, TAKEOVER_LEASE, AT + 7},
        {"doubt, by clock", TAKEOVER_BY_CLOCK, DOUBT, TAKEOVER_PUT_AT_RISK, TAKEOVER_LEASE, AT + 7},
        {"doubt in the probe", TAKEOVER_PROBE, DOUBT, TAKEOVER_FROM_NOW, TAKEOVER_LEASE, AT + 7},
        {"doubt in the proof", TAKEOVER_PROOF, DOUBT, TAKEOVER_FROM_NOW, TAKEOVER_LEASE, AT + 7},
        {"answered in the lease", TAKEOVER_LEASE, ANSWERED, TAKEOVER_NOTHING, TAKEOVER_LEASE, AT},
        {"an answer to rows of before round one", TAKEOVER_PROBE, ANSWERED_EARLIER,
         TAKEOVER_NOTHING, TAKEOVER_PROBE, AT},
        {"an answer to rows of round one", TAKEOVER_PROBE, ANSWERED, TAKEOVER_NOTHING,
         TAKEOVER_PROOF, AT + 7},
        {"the first answer counts", TAKEOVER_PROOF, ANSWERED, TAKEOVER_NOTHING, TAKEOVER_PROOF, AT},
        {"a request of others without an answer", TAKEOVER_PROOF, UNANSWERED, TAKEOVER_NOTHING,
         TAKEOVER_PROBE, AT},
        {"... in the lease", TAKEOVER_LEASE, UNANSWERED, TAKEOVER_NOTHING, TAKEOVER_LEASE, AT},
        {"answered, done", TAKEOVER_DONE, ANSWERED, TAKEOVER_NOTHING, TAKEOVER_DONE, AT},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct takeover takeover = {.state = cases[i].from, .at_ms = AT};
        enum takeover_action action = happen(&takeover, cases[i].event);
        if (action != cases[i].action || takeover.state != cases[i].want ||
            takeover.at_ms != cases[i].at_ms)
            fail_msg("%s: action %d, %s at %" PRId64, cases[i].name, (int)action,
                     takeover_name(takeover.state), takeover.at_ms);
    }
}

/* Doubt never shortens the lease of a former owner. */
static void test_doubt_keeps_the_lease(void **state)
{
    (void)state;
    struct takeover takeover = {.state = TAKEOVER_DONE};
    assert_int_equal(takeover_assigned(&takeover, AT), TAKEOVER_PUT_AT_RISK);
    assert_int_equal(takeover_doubt(&takeover, AT - 500), TAKEOVER_FROM_NOW);
    assert_int_equal(takeover.at_ms, AT);
    assert_int_equal(takeover_doubt(&takeover, AT + 500), TAKEOVER_FROM_NOW);
    assert_int_equal(takeover.at_ms, AT + 500);
    assert_true(takeover_is_under_way(&takeover));
}

static void test_generations(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t young, old;
        int64_t before_ms;
        bool ends;
    } cases[] = {
        {"nothing is acknowledged", 0, 0, INT64_MAX, false},
        {"the first generation begins, whatever is proven", 3, 0, INT64_MIN, true},
        {"the proof is of before it", 3, 2, AT - 1, false},
        {"the proof reaches it", 3, 2, AT, true},
        {"all is proven", 0, 2, INT64_MAX, true},
        {"nothing is proven", 0, 2, INT64_MIN, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct generation generation = {.end_ms = AT};
        bool ends =
            generation_ends(&generation, cases[i].young, cases[i].old, cases[i].before_ms, AT + 9);
        if (ends != cases[i].ends || generation.end_ms != (ends ? AT + 9 : AT))
            fail_msg("%s", cases[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_doubt_keeps_the_lease),
        cmocka_unit_test(test_generations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The marks of a window: every event in every state, the bit beside it, and what is counted. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "pipelines/delivery/mark.h"

enum { LAST = SINKS_MAX - 1 };
#define DIES MARK_STATES

static const char *const state_names[] = {"clean",         "dirty",       "sent",
                                          "sent, changed", "acked young", "acked old"};

/* Whether the event, in that state, is taken for a bug. */
static bool aborts(enum mark_state from, enum mark_event event)
{
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit no_core = {0};
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)freopen("/dev/null", "w", stderr);
        (void)signal(SIGABRT, SIG_DFL);
        (void)mark_next(from, event);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void check_transition(const char *name, enum mark_event event, enum mark_state from,
                             enum mark_state want)
{
    if (want == DIES) {
        if (!aborts(from, event))
            fail_msg("%s: cannot happen from %s", name, state_names[from]);
        return;
    }
    enum mark_state got = mark_next(from, event);
    if (got != want)
        fail_msg("%s: from %s to %s", name, state_names[from], state_names[got]);
}

static void test_transitions(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum mark_event event;
        enum mark_state want[MARK_STATES]; /* from clean, dirty, sent, sent changed, young, old */
    } cases[] = {
        {"changed: to be written, after the answer if it is sent",
         MARK_CHANGED,
         {MARK_DIRTY, MARK_DIRTY, MARK_SENT_CHANGED, MARK_SENT_CHANGED, MARK_DIRTY, MARK_DIRTY}},
        {"taken: only what is dirty", MARK_TAKEN, {DIES, MARK_SENT, DIES, DIES, DIES, DIES}},
        {"durable: the answer is for what was sent",
         MARK_DURABLE,
         {DIES, DIES, MARK_CLEAN, MARK_DIRTY, DIES, DIES}},
        {"acknowledged: may still be lost",
         MARK_ACKNOWLEDGED,
         {DIES, DIES, MARK_ACKED_YOUNG, MARK_DIRTY, DIES, DIES}},
        {"given back", MARK_GIVEN_BACK, {DIES, DIES, MARK_DIRTY, MARK_DIRTY, DIES, DIES}},
        {"proven: the old are clean, the young are old",
         MARK_PROVEN,
         {MARK_CLEAN, MARK_DIRTY, MARK_SENT, MARK_SENT_CHANGED, MARK_ACKED_OLD, MARK_CLEAN}},
        {"lost: what was acknowledged",
         MARK_LOST,
         {MARK_CLEAN, MARK_DIRTY, MARK_SENT, MARK_SENT_CHANGED, MARK_DIRTY, MARK_DIRTY}},
        {"healed: written once more",
         MARK_HEALED,
         {MARK_DIRTY, MARK_DIRTY, MARK_SENT_CHANGED, MARK_SENT_CHANGED, MARK_DIRTY, MARK_DIRTY}},
    };
    assert_int_equal(ARRAY_LEN(cases), MARK_EVENTS);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (enum mark_state from = 0; from < MARK_STATES; from++)
            check_transition(cases[i].name, cases[i].event, from, cases[i].want[from]);
    }
}

struct fixture {
    struct mark_counts site, day;
    struct mark_tally tally;
    struct marks marks;
};

static void setup(struct fixture *fixture)
{
    *fixture = (struct fixture){0};
    fixture->tally = (struct mark_tally){&fixture->site, &fixture->day};
}

static bool advance(struct fixture *fixture, uint32_t sink, enum mark_event event, bool at_risk)
{
    return marks_advance(&fixture->marks, sink, event, at_risk, &fixture->tally);
}

/* Sinks do not see each other, and the last one has its bits. */
static void test_sinks_are_apart(void **state)
{
    (void)state;
    struct fixture fixture;
    setup(&fixture);
    assert_true(advance(&fixture, 0, MARK_CHANGED, false));
    assert_true(advance(&fixture, LAST, MARK_CHANGED, true));
    assert_false(advance(&fixture, LAST, MARK_TAKEN, false)); /* it is saved as before */
    assert_int_equal(marks_get(fixture.marks, 0), MARK_DIRTY);
    assert_int_equal(marks_get(fixture.marks, 1), MARK_CLEAN);
    assert_int_equal(marks_get(fixture.marks, LAST), MARK_SENT);
    assert_false(marks_at_risk(fixture.marks, 0));
    assert_true(marks_at_risk(fixture.marks, LAST));
    assert_int_equal(marks_unsettled(fixture.marks), 1 | 1 << LAST);
    assert_int_equal(fixture.day.unsettled, 2);
    assert_int_equal(fixture.day.at_risk[LAST], 1);
    assert_int_equal(mark_counts_sent(&fixture.day, LAST), 1);
    assert_int_equal(mark_counts_dirty(&fixture.day, 0), 1);
    assert_memory_equal(&fixture.site, &fixture.day, sizeof(fixture.site));
}

static void test_all_dirty(void **state)
{
    (void)state;
    for (uint32_t sinks = 0; sinks < 1U << SINKS_MAX; sinks++) {
        struct marks marks = marks_all_dirty((uint8_t)sinks);
        for (uint32_t sink = 0; sink < SINKS_MAX; sink++)
            assert_int_equal(marks_get(marks, sink), (sinks >> sink & 1) != 0);
        assert_int_equal(marks_unsettled(marks), sinks);
        assert_true(marks_are_dirty(marks, (uint8_t)sinks));
    }
    assert_true(marks_are_dirty((struct marks){0x91}, 3)); /* whatever is at risk */
    assert_false(marks_are_dirty((struct marks){0x91}, 7));
    assert_false(marks_are_dirty((struct marks){0x31}, 3)); /* sent, changed */
}

/* The events that leave a risk, and that begin one; only healing ends it. */
static void test_risk(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum mark_state from;
        enum mark_event event;
        bool had, taking_over, want;
    } cases[] = {
        {"a change during a takeover begins one", MARK_CLEAN, MARK_CHANGED, false, true, true},
        {"a change after it does not", MARK_CLEAN, MARK_CHANGED, false, false, false},
        {"so does a change of what is sent", MARK_SENT, MARK_CHANGED, false, true, true},
        {"so does what is given back", MARK_SENT, MARK_GIVEN_BACK, false, true, true},
        {"so does what is lost", MARK_ACKED_OLD, MARK_LOST, false, true, true},
        {"a loss of nothing does not", MARK_CLEAN, MARK_LOST, false, true, false},
        {"taking does not", MARK_DIRTY, MARK_TAKEN, false, true, false},
        {"taking leaves it", MARK_DIRTY, MARK_TAKEN, true, true, true},
        {"an answer leaves it", MARK_SENT, MARK_DURABLE, true, false, true},
        {"a proof leaves it", MARK_ACKED_OLD, MARK_PROVEN, true, false, true},
        {"a change leaves it", MARK_CLEAN, MARK_CHANGED, true, false, true},
        {"healing ends it", MARK_CLEAN, MARK_HEALED, true, false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct mark_counts site = {0};
        const struct mark_tally tally = {&site, NULL};
        struct marks marks = {(uint32_t)cases[i].from | (cases[i].had ? 8 : 0)};
        if (cases[i].from != MARK_CLEAN)
            site.state[0][cases[i].from] = 1;
        site.at_risk[0] = cases[i].had;
        site.unsettled = !marks_are_settled(marks);
        (void)marks_advance(&marks, 0, cases[i].event, cases[i].taking_over, &tally);
        if (marks_at_risk(marks, 0) != cases[i].want)
            fail_msg("%s", cases[i].name);
        assert_int_equal(site.at_risk[0], cases[i].want);
        assert_int_equal(site.unsettled, !marks_are_settled(marks));
    }
}

static void test_ends_of_blocks(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum block_end end;
        bool changed;
        enum mark_state want;
        bool at_risk;
    } cases[] = {
        {"durable", BLOCK_DURABLE, false, MARK_CLEAN, false},
        {"durable, and changed since", BLOCK_DURABLE, true, MARK_DIRTY, false},
        {"acknowledged", BLOCK_ACKNOWLEDGED, false, MARK_ACKED_YOUNG, false},
        {"acknowledged, and changed since", BLOCK_ACKNOWLEDGED, true, MARK_DIRTY, false},
        {"an earlier try may arrive", BLOCK_WRITTEN_AT_RISK, false, MARK_CLEAN, true},
        {"an earlier try may arrive, and changed", BLOCK_WRITTEN_AT_RISK, true, MARK_DIRTY, true},
        {"given back", BLOCK_GIVEN_BACK, false, MARK_DIRTY, false},
        {"not known", BLOCK_UNKNOWN, false, MARK_DIRTY, true},
        {"not known, and changed", BLOCK_UNKNOWN, true, MARK_DIRTY, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture fixture;
        setup(&fixture);
        (void)advance(&fixture, 3, MARK_CHANGED, false);
        (void)advance(&fixture, 3, MARK_TAKEN, false);
        if (cases[i].changed)
            (void)advance(&fixture, 3, MARK_CHANGED, false);
        bool changed = marks_end_block(&fixture.marks, 3, cases[i].end, false, &fixture.tally);
        assert_int_equal(changed, marks_are_settled(fixture.marks)); /* sent is not settled */
        if (marks_get(fixture.marks, 3) != cases[i].want ||
            marks_at_risk(fixture.marks, 3) != cases[i].at_risk)
            fail_msg("%s: %s", cases[i].name, state_names[marks_get(fixture.marks, 3)]);
    }
}

/* A long random walk: the counts are those of the marks. */
static void test_counts_stay_in_step(void **state)
{
    (void)state;
    enum { WINDOWS = 5, STEPS = 20000 };
    struct mark_counts site = {0};
    struct mark_counts days[2] = {{.unsettled = 0}, {.unsettled = 0}};
    struct marks marks[WINDOWS] = {{0}};
    unsigned seed = 7;
    for (int step = 0; step < STEPS; step++) {
        size_t window = (size_t)rand_r(&seed) % WINDOWS;
        uint32_t sink = (uint32_t)rand_r(&seed) % SINKS_MAX;
        enum mark_event event = (enum mark_event)((uint32_t)rand_r(&seed) % MARK_EVENTS);
        enum mark_state from = marks_get(marks[window], sink);
        bool sent = from == MARK_SENT || from == MARK_SENT_CHANGED;
        bool ends = event >= MARK_DURABLE && event <= MARK_GIVEN_BACK;
        if ((event == MARK_TAKEN && from != MARK_DIRTY) || (ends && !sent))
            continue;
        const struct mark_tally tally = {&site, window == 4 ? NULL : &days[window / 2]};
        uint8_t before = marks_unsettled(marks[window]);
        bool differs = marks_advance(&marks[window], sink, event, rand_r(&seed) % 4 == 0, &tally);
        assert_int_equal(differs, before != marks_unsettled(marks[window]));
    }
    struct mark_counts recount = {0};
    for (size_t window = 0; window < WINDOWS; window++)
        mark_counts_add(&recount, marks[window]);
    assert_memory_equal(&site, &recount, sizeof(site));
    struct mark_counts want = {0};
    for (size_t window = 0; window < WINDOWS; window++) {
        for (uint32_t sink = 0; sink < SINKS_MAX; sink++) {
            enum mark_state at = marks_get(marks[window], sink);
            bool at_risk = marks_at_risk(marks[window], sink);
            want.state[sink][at] += at != MARK_CLEAN;
            want.at_risk[sink] += at_risk;
            want.unsettled += at != MARK_CLEAN || at_risk;
        }
    }
    assert_true(want.unsettled > 0);
    assert_memory_equal(&site, &want, sizeof(site));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transitions),    cmocka_unit_test(test_sinks_are_apart),
        cmocka_unit_test(test_all_dirty),      cmocka_unit_test(test_risk),
        cmocka_unit_test(test_ends_of_blocks), cmocka_unit_test(test_counts_stay_in_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

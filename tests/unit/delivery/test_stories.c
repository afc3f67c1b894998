/*
 * The counter-examples that docs/model/check.py --show prints for a variant, line by line, with the
 * safeguard in place: what the owner holds clean is safe at each line.
 *
 * A line that begins with '!' is a step that only the variant allows: the code must refuse it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipelines/delivery/generation.h"
#include "pipelines/delivery/mark.h"
#include "pipelines/delivery/takeover.h"

enum {
    WINDOWS = 2,
    DAEMONS = 2,
    EVENTS = 3,
    LATE_MAX = 4,
    LINES_MAX = 20,
    SESSION_MS = 45,
    TIMEOUT_MS = 20
};

struct rows {
    int value[WINDOWS]; /* 0: none */
};

struct daemon {
    struct marks marks[WINDOWS];
    struct mark_counts counts;
    struct takeover takeover;
    struct generation generation;
    int sum[WINDOWS];
    struct rows rows;
    int64_t taken_ms;
    int next, goal; /* events; it is silent until it has taken those before the goal */
    bool owns, unsure;
};

struct world {
    struct daemon daemons[DAEMONS];
    int owner;
    struct rows database, kept, late[LATE_MAX];
    int late_count;
    bool loses, begun;
    int log_end, saved_next, saved_sum[WINDOWS];
    uint8_t saved[WINDOWS]; /* what the checkpoint says is dirty */
    int64_t now_ms, kept_ms;
};

/* --- what a daemon does --- */

static bool is_silent(const struct daemon *daemon)
{
    return daemon->next < daemon->goal;
}

static void change(struct daemon *daemon, int window)
{
    const struct mark_tally tally = {&daemon->counts, NULL};
    (void)marks_advance(&daemon->marks[window], 0, MARK_CHANGED,
                        takeover_is_under_way(&daemon->takeover), &tally);
}

/* As the shard does what a takeover asks for. */
static void act(struct daemon *daemon, enum takeover_action action)
{
    const struct mark_tally tally = {&daemon->counts, NULL};
    for (int i = 0; i < WINDOWS && action >= TAKEOVER_PUT_AT_RISK; i++) {
        bool had = marks_at_risk(daemon->marks[i], 0);
        if (action != TAKEOVER_PUT_AT_RISK && had)
            (void)marks_advance(&daemon->marks[i], 0, MARK_HEALED, false, &tally);
        enum mark_state state = marks_get(daemon->marks[i], 0);
        bool dirty = state == MARK_DIRTY || state == MARK_SENT_CHANGED;
        if (action != TAKEOVER_ROUND_TWO && dirty)
            (void)marks_put_at_risk(&daemon->marks[i], 0, &tally);
    }
}

static void end_block(struct daemon *daemon, enum block_end end)
{
    const struct mark_tally tally = {&daemon->counts, NULL};
    for (int i = 0; i < WINDOWS; i++) {
        if (daemon->rows.value[i] > 0)
            (void)marks_end_block(&daemon->marks[i], 0, end,
                                  takeover_is_under_way(&daemon->takeover), &tally);
    }
    daemon->rows = (struct rows){{0}};
    daemon->unsure = false;
}

static void prove(struct daemon *daemon, int64_t before_ms, int64_t now_ms)
{
    const struct mark_tally tally = {&daemon->counts, NULL};
    if (!generation_ends(&daemon->generation, daemon->counts.state[0][MARK_ACKED_YOUNG],
                         daemon->counts.state[0][MARK_ACKED_OLD], before_ms, now_ms))
        return;
    for (int i = 0; i < WINDOWS; i++)
        (void)marks_advance(&daemon->marks[i], 0, MARK_PROVEN, false, &tally);
}

static void restore(struct world *world, struct daemon *daemon)
{
    *daemon = (struct daemon){.owns = true, .goal = daemon->goal, .next = world->saved_next};
    for (int i = 0; i < WINDOWS; i++) {
        daemon->sum[i] = world->saved_sum[i];
        if (world->saved[i] != 0)
            change(daemon, i);
    }
    if (world->begun)
        act(daemon, takeover_assigned(&daemon->takeover, world->now_ms + SESSION_MS));
}

/* Whether it does what is wanted. */
static bool step(const struct world *world, struct daemon *daemon, enum takeover_action wanted)
{
    const struct takeover_look look = {
        .now_ms = world->now_ms,
        .timeout_ms = TIMEOUT_MS,
        .caught_up = !is_silent(daemon),
        .blocked = is_silent(daemon),
        .has_rows = mark_counts_dirty(&daemon->counts, 0) + daemon->counts.at_risk[0] > 0};
    enum takeover_action action = takeover_step(&daemon->takeover, &look);
    act(daemon, action);
    return action == wanted;
}

/* --- what the lines say --- */

static void write_rows(struct world *world, const struct rows *rows)
{
    for (int i = 0; i < WINDOWS; i++) {
        if (rows->value[i] > 0)
            world->database.value[i] = rows->value[i];
    }
    if (!world->loses)
        world->kept = world->database;
}

static void leave_late(struct world *world, struct daemon *daemon)
{
    if (daemon->rows.value[0] + daemon->rows.value[1] == 0)
        return;
    assert_true(world->late_count < LATE_MAX);
    world->late[world->late_count++] = daemon->rows;
}

static void take_event(const struct world *world, struct daemon *daemon, int event)
{
    bool was_silent = is_silent(daemon);
    daemon->next = event + 1;
    if (event != 1) { /* it is bad */
        daemon->sum[0]++;
        change(daemon, 0);
    }
    if (event == 2) {
        daemon->sum[1]++;
        change(daemon, 1);
    }
    if (was_silent && !is_silent(daemon))
        act(daemon, takeover_caught_up(&daemon->takeover, world->now_ms));
}

static void send(struct world *world, struct daemon *daemon)
{
    const struct mark_tally tally = {&daemon->counts, NULL};
    for (int i = 0; i < WINDOWS; i++) {
        daemon->rows.value[i] = 0;
        if (marks_get(daemon->marks[i], 0) != MARK_DIRTY)
            continue;
        daemon->rows.value[i] = daemon->sum[i];
        (void)marks_advance(&daemon->marks[i], 0, MARK_TAKEN, false, &tally);
    }
    daemon->taken_ms = world->now_ms;
}

static void acknowledge(struct world *world, struct daemon *daemon)
{
    write_rows(world, &daemon->rows);
    if (daemon->unsure) {
        act(daemon, takeover_doubt(&daemon->takeover, world->now_ms));
        end_block(daemon, BLOCK_WRITTEN_AT_RISK);
        return;
    }
    end_block(daemon, world->loses ? BLOCK_ACKNOWLEDGED : BLOCK_DURABLE);
    takeover_answered(&daemon->takeover, daemon->taken_ms, world->now_ms);
    prove(daemon, INT64_MIN, world->now_ms);
}

static void lose_partition(struct world *world, struct daemon *daemon)
{
    leave_late(world, daemon);
    *daemon = (struct daemon){.owns = false};
}

static void save(struct world *world, const struct daemon *daemon)
{
    world->begun = true;
    world->saved_next = daemon->next;
    for (int i = 0; i < WINDOWS; i++) {
        world->saved_sum[i] = daemon->sum[i];
        world->saved[i] = marks_unsettled(daemon->marks[i]);
    }
}

/* A step that a daemon takes by itself, maybe later; false: it does not (and may not). */
static bool heal(struct world *world, struct daemon *daemon, const char *words, bool refused)
{
    if (strncmp(words, "heals: round one", 16) == 0) {
        world->now_ms += refused ? 0 : SESSION_MS; /* the lease is over */
        return step(world, daemon, TAKEOVER_ROUND_ONE);
    } else if (strcmp(words, "heals at the answer") == 0) {
        return step(world, daemon, TAKEOVER_ROUND_TWO);
    } else if (strncmp(words, "has nothing at risk", 19) == 0) {
        world->now_ms += INT64_C(10) * SESSION_MS;
        (void)step(world, daemon, TAKEOVER_NOTHING);
        return !takeover_is_under_way(&daemon->takeover);
    }
    bool healed = false; /* round two, by a proof or by the clock */
    for (int n = 0; n < 3 && !healed; n++) {
        world->now_ms += SESSION_MS;
        healed = step(world, daemon, TAKEOVER_ROUND_TWO);
    }
    return healed;
}

/* Whether the line goes on with the words; then reads past them, and past the number after them. */
static bool reads(const char **line, const char *words, int limit, int *number_out)
{
    size_t length = strlen(words);
    if (strncmp(*line, words, length) != 0)
        return false;
    char *end = NULL;
    long number = strtol(*line + length, &end, 10);
    assert_true(end > *line + length && number >= 0 && number < limit);
    *number_out = (int)number;
    *line = end;
    return true;
}

static bool heals(const char *words)
{
    return strncmp(words, "heals", 5) == 0 || strncmp(words, "has nothing at risk", 19) == 0 ||
           strncmp(words, "is silent, and heals", 20) == 0;
}

static void daemon_does(struct world *world, int number, const char *words)
{
    struct daemon *daemon = &world->daemons[number];
    int event = 0;
    if (reads(&words, "takes event ", EVENTS, &event)) {
        take_event(world, daemon, event);
    } else if (strncmp(words, "sends rows", 10) == 0) {
        send(world, daemon);
    } else if (strcmp(words, "gets no answer for its rows") == 0) {
        leave_late(world, daemon);
        act(daemon, takeover_doubt(&daemon->takeover, world->now_ms));
        end_block(daemon, BLOCK_UNKNOWN);
    } else if (strcmp(words, "gets no answer for its rows, and sends them again") == 0) {
        leave_late(world, daemon);
        daemon->unsure = true;
    } else if (strncmp(words, "commits where the group begins", 30) == 0) {
        world->begun = true;
    } else if (strncmp(words, "writes a checkpoint", 19) == 0) {
        save(world, daemon);
    } else if (strncmp(words, "hears that it has lost", 22) == 0 ||
               strncmp(words, "gives the partition up", 22) == 0) {
        lose_partition(world, daemon);
    } else if (strcmp(words, "is assigned") == 0) {
        world->owner = number;
        daemon->goal = world->log_end;
    } else if (strncmp(words, "hears that the database lived on", 32) == 0) {
        prove(daemon, world->kept_ms, world->now_ms);
    } else {
        assert_true(strcmp(words, "begins afresh") == 0 || strncmp(words, "restores", 8) == 0);
        restore(world, daemon);
    }
}

static bool happens(struct world *world, const char *line, bool refused)
{
    int number = 0;
    struct rows rows;
    world->now_ms++;
    if (reads(&line, "the rows of daemon ", DAEMONS, &number)) {
        acknowledge(world, &world->daemons[number]);
    } else if (reads(&line, "daemon ", DAEMONS, &number)) {
        const char *words = line + 1; /* and a space */
        if (heals(words))
            return heal(world, &world->daemons[number], words, refused);
        daemon_does(world, number, words);
    } else if (reads(&line, "late rows ", EVENTS + 1, &rows.value[0])) {
        assert_true(reads(&line, " ", EVENTS + 1, &rows.value[1]));
        assert_true(world->late_count > 0);
        write_rows(world, &rows);
        world->late_count--;
    } else if (strncmp(line, "the database keeps", 18) == 0) {
        world->kept = world->database;
        world->kept_ms = world->now_ms;
    } else if (strncmp(line, "nothing more can happen", 23) == 0) {
        return mark_counts_dirty(&world->daemons[world->owner].counts, 0) == 0;
    } else if (strncmp(line, "a message arrives", 17) == 0) {
        world->log_end = world->log_end == 0 ? 1 : EVENTS;
    } else {
        assert_true(strncmp(line, "the session of daemon", 21) == 0);
    }
    return true;
}

/* If the owner holds a window clean, the database has and keeps it, and nothing older is on its
 * way. */
static void check_clean_is_safe(const struct world *world, const char *name, const char *line)
{
    const struct daemon *owner = &world->daemons[world->owner];
    for (int i = 0; i < WINDOWS && owner->owns; i++) {
        bool safe =
            world->database.value[i] >= owner->sum[i] && world->kept.value[i] >= owner->sum[i];
        for (int k = 0; k < world->late_count; k++)
            safe =
                safe && (world->late[k].value[i] == 0 || world->late[k].value[i] >= owner->sum[i]);
        if (marks_are_settled(owner->marks[i]) && !safe)
            fail_msg("%s: after \"%s\" window %d is clean and not safe", name, line, i);
    }
}

static void test_stories(void **state)
{
    (void)state;
    static const struct {
        const char *variant;
        bool loses, log_begins_empty;
        const char *lines[LINES_MAX];
    } stories[] = {
        {"NO_DIRTY_IN_STATE",
         false,
         false,
         {"daemon 0 begins afresh", "daemon 0 takes event 0",
          "daemon 0 commits where the group begins",
          "daemon 0 writes a checkpoint at 1 and commits it",
          "the session of daemon 0 ends, though it runs", "daemon 1 is assigned",
          "daemon 1 restores from record 0"}},
        {"NO_SENT_IN_STATE",
         false,
         false,
         {"daemon 0 begins afresh", "daemon 0 takes event 0",
          "daemon 0 commits where the group begins", "daemon 0 sends rows 1 0",
          "daemon 0 writes a checkpoint at 1 and commits it",
          "the session of daemon 0 ends, though it runs", "daemon 1 is assigned",
          "daemon 1 restores from record 0"}},
        {"NO_SENT_CHANGED",
         false,
         false,
         {"daemon 0 begins afresh", "daemon 0 takes event 0",
          "daemon 0 commits where the group begins", "daemon 0 sends rows 1 0",
          "a message arrives: events 1 and 2", "daemon 0 takes event 1", "daemon 0 takes event 2",
          "the rows of daemon 0 are written and acknowledged"}},
        {"NO_AT_RISK_IN_STATE",
         false,
         false,
         {"daemon 0 begins afresh", "daemon 0 takes event 0",
          "daemon 0 commits where the group begins", "daemon 0 sends rows 1 0",
          "daemon 0 gets no answer for its rows", "a message arrives: events 1 and 2",
          "daemon 0 takes event 1", "daemon 0 takes event 2", "daemon 0 sends rows 2 1",
          "the rows of daemon 0 are written and acknowledged",
          "daemon 0 writes a checkpoint at 3 and commits it",
          "the session of daemon 0 ends, though it runs", "daemon 1 is assigned",
          "daemon 1 restores from record 0"}},
        {"NO_DOUBT",
         false,
         false,
         {"daemon 0 begins afresh", "daemon 0 takes event 0",
          "daemon 0 commits where the group begins", "daemon 0 sends rows 1 0",
          "daemon 0 gets no answer for its rows", "a message arrives: events 1 and 2",
          "daemon 0 takes event 1", "daemon 0 takes event 2", "daemon 0 sends rows 2 1",
          "the rows of daemon 0 are written and acknowledged"}},
        {"RISK_ENDS_WITH_ANSWER",
         false,
         false,
         {"daemon 0 begins afresh", "daemon 0 takes event 0",
          "daemon 0 commits where the group begins", "daemon 0 sends rows 1 0",
          "daemon 0 gets no answer for its rows", "a message arrives: events 1 and 2",
          "daemon 0 takes event 1", "daemon 0 takes event 2", "daemon 0 sends rows 2 1",
          "the rows of daemon 0 are written and acknowledged"}},
        {"ACKNOWLEDGED_IS_DURABLE",
         true,
         false,
         {"daemon 0 begins afresh", "daemon 0 takes event 0",
          "daemon 0 commits where the group begins", "daemon 0 sends rows 1 0",
          "the rows of daemon 0 are written and acknowledged"}},
        {"NO_ACKNOWLEDGED_IN_STATE",
         true,
         false,
         {"daemon 0 begins afresh", "daemon 0 takes event 0",
          "daemon 0 commits where the group begins", "daemon 0 sends rows 1 0",
          "the rows of daemon 0 are written and acknowledged",
          "daemon 0 writes a checkpoint at 1 and commits it",
          "the session of daemon 0 ends, though it runs", "daemon 1 is assigned",
          "daemon 1 restores from record 0"}},
        {"ONE_GENERATION",
         true,
         false,
         {"daemon 0 begins afresh", "daemon 0 takes event 0",
          "daemon 0 commits where the group begins", "daemon 0 sends rows 1 0",
          "a message arrives: events 1 and 2", "daemon 0 takes event 1", "daemon 0 takes event 2",
          "daemon 0 gets no answer for its rows", "daemon 0 sends rows 2 1",
          "the rows of daemon 0 are written and acknowledged", "daemon 0 heals: round one",
          "daemon 0 sends rows 2 0", "the rows of daemon 0 are written and acknowledged",
          "late rows 1 0 are written", "daemon 0 heals: round two, marks 1 again",
          "daemon 0 sends rows 2 0", "the database keeps 1 1",
          "the rows of daemon 0 are written and acknowledged",
          "daemon 0 hears that the database lived on: what is old is durable"}},
        {"NO_HEALING",
         false,
         false,
         {"daemon 0 begins afresh", "daemon 0 takes event 0",
          "daemon 0 commits where the group begins", "daemon 0 sends rows 1 0",
          "daemon 0 gets no answer for its rows", "a message arrives: events 1 and 2",
          "daemon 0 takes event 1", "daemon 0 takes event 2", "daemon 0 sends rows 2 1",
          "the rows of daemon 0 are written and acknowledged"}},
        {"NO_HEALING_AFRESH",
         false,
         false,
         {"daemon 0 begins afresh", "daemon 0 takes event 0",
          "daemon 0 commits where the group begins", "daemon 0 sends rows 1 0",
          "daemon 0 gives the partition up as it is asked", "daemon 1 is assigned",
          "daemon 1 begins afresh", "daemon 1 takes event 0", "a message arrives: events 1 and 2",
          "daemon 1 takes event 1", "daemon 1 takes event 2", "daemon 1 sends rows 2 1",
          "the rows of daemon 1 are written and acknowledged"}},
        {"NO_LEASE",
         false,
         false,
         {"daemon 0 begins afresh", "daemon 0 takes event 0",
          "daemon 0 commits where the group begins", "the session of daemon 0 ends, though it runs",
          "daemon 1 is assigned", "daemon 1 begins afresh", "daemon 1 takes event 0",
          "!daemon 1 heals: round one", "daemon 1 sends rows 1 0",
          "the rows of daemon 1 are written and acknowledged",
          "!daemon 1 heals: round two, marks 1 again", "daemon 0 sends rows 1 0",
          "daemon 0 hears that it has lost the partition", "a message arrives: events 1 and 2",
          "daemon 1 takes event 1", "daemon 1 takes event 2", "daemon 1 sends rows 2 1",
          "the rows of daemon 1 are written and acknowledged"}},
        {"NO_ROUND_ONE",
         false,
         false,
         {"daemon 0 begins afresh", "daemon 0 takes event 0",
          "daemon 0 commits where the group begins",
          "daemon 0 writes a checkpoint at 1 and commits it", "a message arrives: events 1 and 2",
          "daemon 0 takes event 1", "daemon 0 takes event 2", "daemon 0 sends rows 2 1",
          "daemon 0 gets no answer for its rows, and sends them again",
          "the rows of daemon 0 are written and acknowledged", "daemon 0 heals: round one",
          "late rows 2 1 are written", "!nothing more can happen: the database holds 2 1"}},
        {"ANY_ANSWER_IS_PROOF",
         false,
         false,
         {"daemon 0 begins afresh", "daemon 0 takes event 0",
          "daemon 0 commits where the group begins", "the session of daemon 0 ends, though it runs",
          "daemon 1 is assigned", "daemon 1 begins afresh", "daemon 1 takes event 0",
          "daemon 1 sends rows 1 0", "daemon 0 sends rows 1 0",
          "daemon 0 hears that it has lost the partition", "daemon 1 heals: round one",
          "the rows of daemon 1 are written and acknowledged",
          "!daemon 1 heals: round two, marks 1 again", "a message arrives: events 1 and 2",
          "daemon 1 takes event 1", "daemon 1 takes event 2", "daemon 1 sends rows 2 1",
          "the rows of daemon 1 are written and acknowledged"}},
        {"HEALING_BY_CLOCK",
         false,
         false,
         {"daemon 0 begins afresh", "daemon 0 takes event 0",
          "daemon 0 commits where the group begins", "daemon 0 sends rows 1 0",
          "daemon 0 gets no answer for its rows", "!daemon 0 heals: round two, marks 1 again",
          "a message arrives: events 1 and 2", "daemon 0 takes event 1", "daemon 0 takes event 2",
          "daemon 0 sends rows 2 1", "the rows of daemon 0 are written and acknowledged"}},
        {"HEALED_BY_THE_ANSWER",
         false,
         false,
         {"daemon 0 begins afresh", "daemon 0 takes event 0",
          "daemon 0 commits where the group begins", "daemon 0 sends rows 1 0",
          "daemon 0 gets no answer for its rows", "daemon 0 heals: round one",
          "daemon 0 sends rows 1 0", "the rows of daemon 0 are written and acknowledged",
          "!daemon 0 heals at the answer", "a message arrives: events 1 and 2",
          "daemon 0 takes event 1", "daemon 0 takes event 2", "daemon 0 sends rows 2 1",
          "the rows of daemon 0 are written and acknowledged"}},
        {"HEALED_IN_SILENCE",
         false,
         false,
         {"daemon 0 begins afresh", "daemon 0 takes event 0",
          "daemon 0 commits where the group begins",
          "daemon 0 writes a checkpoint at 1 and commits it", "daemon 0 sends rows 1 0",
          "daemon 0 gives the partition up as it is asked", "a message arrives: events 1 and 2",
          "daemon 1 is assigned", "daemon 1 restores from record 0", "daemon 1 takes event 1",
          "daemon 1 heals: round one", "daemon 1 is silent, and heals by the clock",
          "daemon 1 takes event 2", "daemon 1 sends rows 2 1",
          "the rows of daemon 1 are written and acknowledged"}},
        {"HEALED_WITHOUT_A_WRITE",
         false,
         true,
         {"daemon 0 begins afresh", "daemon 0 commits where the group begins",
          "the session of daemon 0 ends, though it runs", "daemon 1 is assigned",
          "daemon 1 begins afresh", "a message arrives: event 0", "daemon 0 takes event 0",
          "daemon 0 sends rows 1 0", "daemon 0 hears that it has lost the partition",
          "!daemon 1 has nothing at risk, and is healed", "daemon 1 takes event 0",
          "a message arrives: events 1 and 2", "daemon 1 takes event 1", "daemon 1 takes event 2",
          "daemon 1 sends rows 2 1", "the rows of daemon 1 are written and acknowledged"}},
    };
    for (size_t i = 0; i < ARRAY_LEN(stories); i++) {
        struct world world = {.loses = stories[i].loses, .log_end = !stories[i].log_begins_empty};
        world.daemons[0].goal = world.log_end;
        for (size_t k = 0; k < LINES_MAX && stories[i].lines[k] != NULL; k++) {
            const char *line = stories[i].lines[k];
            bool refused = line[0] == '!';
            if (happens(&world, line + refused, refused) == refused)
                fail_msg("%s: \"%s\" %s", stories[i].variant, line + refused,
                         refused ? "is to be refused" : "does not happen");
            check_clean_is_safe(&world, stories[i].variant, line);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

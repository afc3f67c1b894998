/* The rows of a partition from its assignment on, step by step, at times of the test's own: each
 * way through a takeover, and what a sink's answer does to the partitions. */
#include "tests/unit/daemon/engine/rows_bench.h"

#include "base/timestamp.h"
#include "pipelines/state/shard_state.h"

enum { LEASE_END = 1000, TIMEOUT = 200, FILES_TIMEOUT = 20000, LATER = 1000000, END = 2000000 };

static void expect(const struct assigned *assigned, uint32_t sink, enum takeover_state state,
                   uint32_t dirty, uint32_t at_risk)
{
    const struct mark_counts counts = shard_count_marks(assigned->shard, sink);
    if (assigned->takeovers[sink].state != state || mark_counts_dirty(&counts, sink) != dirty ||
        counts.at_risk[sink] != at_risk)
        fail_msg("%s, not %s; %d dirty, not %d; %d at risk, not %d",
                 takeover_name(assigned->takeovers[sink].state), takeover_name(state),
                 (int)mark_counts_dirty(&counts, sink), (int)dirty, (int)counts.at_risk[sink],
                 (int)at_risk);
}

/* For the first sink. */
static uint32_t count_dirty(const struct assigned *assigned)
{
    const struct mark_counts counts = shard_count_marks(assigned->shard, 0);
    return mark_counts_dirty(&counts, 0);
}

/* Everything dirty goes, and ends. */
static void write_all(struct rows_bench *bench, uint32_t sink, enum block_end how, int64_t now_ms)
{
    struct block *block = rows_bench_take(bench, sink, true, now_ms);
    assert_non_null(block);
    (void)rows_bench_end(bench, block, how, now_ms);
}

static bool step(struct rows_bench *bench, int64_t now_ms)
{
    return assigned_rows_step_takeovers(&bench->set, now_ms);
}

static void take_over(struct rows_bench *bench, struct assigned *assigned)
{
    assigned_rows_take_over(&bench->set, assigned, LEASE_END);
}

/* A live partition with one reading, just assigned: returns how many windows are dirty. */
static uint32_t begin(struct rows_bench *bench)
{
    struct assigned *assigned = rows_bench_open(bench, 0);
    rows_bench_apply(&bench->set, assigned, 5, 0);
    uint32_t windows = count_dirty(assigned);
    assert_true(windows > 0);
    expect(assigned, 0, TAKEOVER_DONE, windows, 0);
    assert_false(assigned_is_taking_over(assigned, 0));
    take_over(bench, assigned);
    expect(assigned, 0, TAKEOVER_LEASE, windows, windows);
    return windows;
}

/* --- by the answer of the sink --- */

static void test_ended_by_answer(void **state)
{
    struct rows_bench *bench = *state;
    uint32_t windows = begin(bench);
    struct assigned *assigned = bench->assigned;
    assert_true(assigned_is_taking_over(assigned, 0));
    assert_false(step(bench, LEASE_END - 1));
    write_all(bench, 0, BLOCK_DURABLE, LEASE_END - 1); /* live, so not withheld */
    expect(assigned, 0, TAKEOVER_LEASE, 0, windows);
    assigned->changed = false;
    assert_true(step(bench, LEASE_END)); /* round one */
    assert_true(assigned->changed);
    expect(assigned, 0, TAKEOVER_PROBE, windows, windows);
    assert_false(step(bench, LATER)); /* nothing but an answer ends it */
    write_all(bench, 0, BLOCK_DURABLE, LEASE_END + 50);
    expect(assigned, 0, TAKEOVER_PROOF, 0, windows);
    assigned->changed = false;
    assert_false(step(bench, LEASE_END + 50 + TIMEOUT - 1));
    assert_false(assigned->changed);
    assert_true(step(bench, LEASE_END + 50 + TIMEOUT)); /* round two */
    assert_true(assigned->changed);
    expect(assigned, 0, TAKEOVER_DONE, windows, 0);
    assert_false(assigned_is_taking_over(assigned, LATER));
    write_all(bench, 0, BLOCK_DURABLE, LATER);
    expect(assigned, 0, TAKEOVER_DONE, 0, 0);
    assert_false(step(bench, END));
}

/* A row that was taken before round one may have been answered before an older one arrives. */
static void test_rows_from_before_the_round(void **state)
{
    struct rows_bench *bench = *state;
    uint32_t windows = begin(bench);
    struct assigned *assigned = bench->assigned;
    struct block *block = rows_bench_take(bench, 0, true, LEASE_END - 1);
    assert_true(step(bench, LEASE_END));
    assert_null(rows_bench_take(bench, 0, true, LEASE_END)); /* the sink has them still */
    (void)rows_bench_end(bench, block, BLOCK_DURABLE, LEASE_END + 50);
    expect(assigned, 0, TAKEOVER_PROBE, windows, windows);
    block = rows_bench_take(bench, 0, true, LEASE_END + 60);
    (void)rows_bench_end(bench, block, BLOCK_DURABLE, LEASE_END + 90);
    expect(assigned, 0, TAKEOVER_PROOF, 0, windows);
    assert_int_equal(assigned->takeovers[0].at_ms, LEASE_END + 90);
}

/* A lease without rows goes on: what its former owner wrote may not have been read here yet. */
static void test_lease_without_rows(void **state)
{
    struct rows_bench *bench = *state;
    struct assigned *assigned = rows_bench_open(bench, 0);
    take_over(bench, assigned);
    assert_false(step(bench, LATER));
    expect(assigned, 0, TAKEOVER_LEASE, 0, 0);
    assert_false(assigned_is_taking_over(assigned, LATER));
    assert_true(assigned_is_taking_over(assigned, LEASE_END - 1));
    rows_bench_apply(&bench->set, assigned, 5, 0);
    uint32_t windows = count_dirty(assigned);
    expect(assigned, 0, TAKEOVER_LEASE, windows, windows);
    assert_true(step(bench, LATER));
    expect(assigned, 0, TAKEOVER_PROBE, windows, windows);
}

/* A window that changes while its row is sent is dirty, and at risk as long as an older write may
 * come. */
static void test_changes_while_sent(void **state)
{
    struct rows_bench *bench = *state;
    static const enum block_end ends[] = {BLOCK_DURABLE, BLOCK_GIVEN_BACK};
    uint32_t windows = begin(bench);
    struct assigned *assigned = bench->assigned;
    assert_true(step(bench, LEASE_END));
    struct block *block = rows_bench_take(bench, 0, true, LEASE_END);
    rows_bench_apply(&bench->set, assigned, 5, 1);
    (void)rows_bench_end(bench, block, BLOCK_DURABLE, LEASE_END);
    expect(assigned, 0, TAKEOVER_PROOF, windows, windows);
    block = rows_bench_take(bench, 0, true, LEASE_END + 1);
    assert_true(step(bench, LEASE_END + TIMEOUT)); /* round two, and the rows are under way */
    expect(assigned, 0, TAKEOVER_DONE, windows, 0);
    (void)rows_bench_end(bench, block, BLOCK_DURABLE, LEASE_END + TIMEOUT);
    expect(assigned, 0, TAKEOVER_DONE, windows, 0);
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        block = rows_bench_take(bench, 0, true, LATER);
        rows_bench_apply(&bench->set, assigned, 5, 2 + (int)i);
        (void)rows_bench_end(bench, block, ends[i], LATER);
        expect(assigned, 0, TAKEOVER_DONE, windows, 0);
    }
}

/* --- by the clock --- */

/* A partition that is behind its log, whose first day has to leave. */
static uint32_t begin_blocked(struct rows_bench *bench)
{
    uint32_t windows = begin(bench);
    bench->assigned->caught_up = false;
    assert_false(step(bench, LATER)); /* it writes nothing, so nothing can be overwritten */
    expect(bench->assigned, 0, TAKEOVER_LEASE, windows, windows);
    rows_bench_apply(&bench->set, bench->assigned, 20 * QUARTERS_A_DAY, 0);
    assert_true(shard_is_blocked(bench->assigned->shard));
    (void)rows_bench_end(bench, rows_bench_take(bench, 0, false, 0), BLOCK_GIVEN_BACK, 0);
    return count_dirty(bench->assigned); /* with the empty windows, which have passed now */
}

static void test_ended_by_clock(void **state)
{
    struct rows_bench *bench = *state;
    uint32_t windows = begin_blocked(bench);
    struct assigned *assigned = bench->assigned;
    assigned->started = false; /* the group has no offset of it */
    assert_false(step(bench, LEASE_END));
    assert_null(rows_bench_take(bench, 0, false, LEASE_END));
    assigned->started = true;
    assert_false(step(bench, LEASE_END - 1));
    assert_true(step(bench, LEASE_END));
    struct block *block = rows_bench_take(bench, 0, false, LEASE_END); /* without an answer */
    assert_non_null(block);
    assert_false(step(bench, LEASE_END + TIMEOUT - 1));
    uint32_t open = count_dirty(assigned);
    assert_true(open > 0 && open < windows);
    expect(assigned, 0, TAKEOVER_PROBE, open, windows);
    assert_true(step(bench, LEASE_END + TIMEOUT));
    expect(assigned, 0, TAKEOVER_BY_CLOCK, windows, 0);
    assert_false(assigned_is_taking_over(assigned, LEASE_END + TIMEOUT));
    (void)rows_bench_end(bench, block, BLOCK_GIVEN_BACK, LATER);
    assert_false(step(bench, LATER));
    block = rows_bench_take(bench, 0, false, LATER);
    (void)rows_bench_end(bench, block, BLOCK_DURABLE, LATER);
    assert_null(
        rows_bench_take(bench, 0, false, LATER)); /* the day has left, and the partition goes on */
    assert_false(shard_is_blocked(assigned->shard));
    open = count_dirty(assigned);
    assert_true(open > 0);
    expect(assigned, 0, TAKEOVER_BY_CLOCK, open, 0);
    assigned->caught_up = true;
    assigned_rows_caught_up(&bench->set, assigned, LATER + 1);
    expect(assigned, 0, TAKEOVER_LEASE, open, open);
    assert_false(step(bench, LATER));
    assert_true(step(bench, LATER + 1));
    write_all(bench, 0, BLOCK_DURABLE, LATER + 1);
    assert_true(step(bench, LATER + 1 + TIMEOUT));
    expect(assigned, 0, TAKEOVER_DONE, open, 0);
}

/* An answer is better than the clock. But a partition that is behind has not written all. */
static void test_answered_behind_the_log(void **state)
{
    struct rows_bench *bench = *state;
    uint32_t windows = begin_blocked(bench);
    assert_true(step(bench, LEASE_END));
    struct block *block = rows_bench_take(bench, 0, false, LEASE_END);
    (void)rows_bench_end(bench, block, BLOCK_DURABLE, LEASE_END + 150);
    expect(bench->assigned, 0, TAKEOVER_PROOF, count_dirty(bench->assigned), windows);
    assert_true(count_dirty(bench->assigned) < windows);
    assert_false(step(bench, LEASE_END + 150 + TIMEOUT - 1));
    assert_true(step(bench, LEASE_END + 150 + TIMEOUT));
    expect(bench->assigned, 0, TAKEOVER_BY_CLOCK, windows, 0);
}

/* It has caught up in mid-takeover: the clock ends nothing any more. */
static void test_caught_up_in_the_probe(void **state)
{
    struct rows_bench *bench = *state;
    uint32_t windows = begin_blocked(bench);
    assert_true(step(bench, LEASE_END));
    bench->assigned->caught_up = true;
    assigned_rows_caught_up(&bench->set, bench->assigned, LEASE_END);
    assert_false(step(bench, LATER));
    expect(bench->assigned, 0, TAKEOVER_PROBE, windows, windows);
}

/* A partition that may not write steps no takeover, and gives no row. */
static void test_not_writing(void **state)
{
    struct rows_bench *bench = *state;
    static const struct {
        const char *name;
        enum assigned_state state;
        bool started, caught_up, fenced;
        bool steps, writes;
    } cases[] = {
        {"the group has no offset of it", ASSIGNED_APPLYING, false, true, false, false, false},
        {"it is behind, and nothing has to leave", ASSIGNED_APPLYING, true, false, false, false,
         false},
        {"it leaves", ASSIGNED_LEAVING, true, true, false, false, false},
        {"it waits", ASSIGNED_WAITING_LETTERS, true, true, false, true, true},
        {"the fence is up", ASSIGNED_WAITING_PROCESS, true, true, true, true, false},
    };
    uint32_t windows = begin(bench);
    struct assigned *assigned = bench->assigned;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assigned->state = cases[i].state;
        assigned->started = cases[i].started;
        assigned->caught_up = cases[i].caught_up;
        assigned->takeovers[0] = (struct takeover){TAKEOVER_LEASE, LEASE_END};
        if (cases[i].fenced)
            write_fence_raise(&bench->fence);
        bool stepped = step(bench, LEASE_END);
        struct block *block = rows_bench_take(bench, 0, true, LEASE_END);
        if (stepped != cases[i].steps || (block != NULL) != cases[i].writes)
            fail_msg("%s: steps %d, writes %d", cases[i].name, stepped, block != NULL);
        write_fence_lower(&bench->fence);
        if (block != NULL)
            (void)rows_bench_end(bench, block, BLOCK_GIVEN_BACK, LEASE_END);
        expect(assigned, 0, cases[i].steps ? TAKEOVER_PROBE : TAKEOVER_LEASE, windows, windows);
    }
    assigned->state = ASSIGNED_APPLYING;
}

/* --- requests that fail --- */

/* From the lease on, by the events that lead there; an empty lease is left out. */
static uint32_t bring_to(struct rows_bench *bench, enum takeover_state want)
{
    uint32_t windows = want == TAKEOVER_BY_CLOCK ? begin_blocked(bench) : begin(bench);
    if (want == TAKEOVER_LEASE)
        return windows;
    assert_true(step(bench, LEASE_END));
    if (want == TAKEOVER_PROBE)
        return windows;
    if (want != TAKEOVER_BY_CLOCK)
        write_all(bench, 0, BLOCK_DURABLE, LEASE_END);
    if (want != TAKEOVER_PROOF)
        assert_true(step(bench, LEASE_END + TIMEOUT));
    return windows;
}

static void test_own_request_ends(void **state)
{
    struct rows_bench *bench = *state;
    enum { LEASE = TAKEOVER_LEASE, PROBE = TAKEOVER_PROBE, PROOF = TAKEOVER_PROOF };
    enum { DONE = TAKEOVER_DONE, ACKED = BLOCK_ACKNOWLEDGED, RISKY = BLOCK_WRITTEN_AT_RISK };
    static const struct {
        int from, how, want;
        bool dirty, at_risk;
    } cases[] = {
        {LEASE, BLOCK_DURABLE, LEASE, false, true},
        {LEASE, BLOCK_GIVEN_BACK, LEASE, true, true},
        {LEASE, BLOCK_UNKNOWN, LEASE, true, true},
        {PROBE, BLOCK_DURABLE, PROOF, false, true},
        {PROBE, ACKED, PROOF, false, true},
        {PROBE, BLOCK_GIVEN_BACK, PROBE, true, true},
        {PROBE, BLOCK_UNKNOWN, LEASE, true, true},
        {PROBE, RISKY, LEASE, false, true},
        {DONE, BLOCK_DURABLE, DONE, false, false},
        {DONE, ACKED, DONE, false, false},
        {DONE, BLOCK_GIVEN_BACK, DONE, true, false},
        {DONE, BLOCK_UNKNOWN, LEASE, true, true},
        {DONE, RISKY, LEASE, false, true},
        {PROOF, BLOCK_DURABLE, PROOF, false, true},
        {PROOF, BLOCK_GIVEN_BACK, PROOF, true, true},
        {PROOF, BLOCK_UNKNOWN, LEASE, true, true},
        {PROOF, RISKY, LEASE, false, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint32_t windows = bring_to(bench, (enum takeover_state)cases[i].from);
        struct assigned *assigned = bench->assigned;
        if (cases[i].from == TAKEOVER_PROOF) /* a new row of them all */
            rows_bench_apply(&bench->set, assigned, 5, 1);
        struct block *block = rows_bench_take(bench, 0, true, LATER);
        assert_non_null(block);
        assigned->changed = false;
        assert_false(rows_bench_end(bench, block, (enum block_end)cases[i].how, LATER));
        expect(assigned, 0, (enum takeover_state)cases[i].want, cases[i].dirty ? windows : 0,
               cases[i].at_risk ? windows : 0);
        assert_true(assigned->changed);
        if (cases[i].want == TAKEOVER_LEASE && cases[i].from != TAKEOVER_LEASE)
            assert_int_equal(assigned->takeovers[0].at_ms, LATER);
        assigned_set_close(&bench->set, &bench->assigned);
    }
}

/* By the clock, older writes may still arrive for all that is dirty, not only for these rows. */
static void test_doubt_by_clock(void **state)
{
    struct rows_bench *bench = *state;
    uint32_t windows = bring_to(bench, TAKEOVER_BY_CLOCK);
    struct block *block = rows_bench_take(bench, 0, false, LATER);
    assert_true(block->count > 0);
    (void)rows_bench_end(bench, block, BLOCK_UNKNOWN, LATER);
    expect(bench->assigned, 0, TAKEOVER_LEASE, windows, windows);
    assert_true(step(bench, LATER)); /* it is blocked still: a probe again, then the clock */
    assert_true(step(bench, LATER + TIMEOUT));
    expect(bench->assigned, 0, TAKEOVER_BY_CLOCK, windows, 0);
}

/* A block of another partition's rows says how the sink stands; the rows are the other one's. */
static void test_requests_of_others(void **state)
{
    struct rows_bench *bench = *state;
    static const struct {
        enum takeover_state from;
        enum block_end how;
        enum takeover_state want, other;
    } cases[] = {
        {TAKEOVER_PROBE, BLOCK_DURABLE, TAKEOVER_PROOF, TAKEOVER_DONE},
        {TAKEOVER_PROBE, BLOCK_ACKNOWLEDGED, TAKEOVER_PROOF, TAKEOVER_DONE},
        {TAKEOVER_PROBE, BLOCK_GIVEN_BACK, TAKEOVER_PROBE, TAKEOVER_DONE},
        {TAKEOVER_PROBE, BLOCK_UNKNOWN, TAKEOVER_PROBE, TAKEOVER_LEASE},
        {TAKEOVER_PROOF, BLOCK_GIVEN_BACK, TAKEOVER_PROOF, TAKEOVER_DONE},
        {TAKEOVER_PROOF, BLOCK_UNKNOWN, TAKEOVER_PROBE, TAKEOVER_LEASE},
        {TAKEOVER_PROOF, BLOCK_WRITTEN_AT_RISK, TAKEOVER_PROBE, TAKEOVER_LEASE},
        {TAKEOVER_DONE, BLOCK_UNKNOWN, TAKEOVER_DONE, TAKEOVER_LEASE},
        {TAKEOVER_LEASE, BLOCK_DURABLE, TAKEOVER_LEASE, TAKEOVER_DONE},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint32_t windows = bring_to(bench, cases[i].from);
        const struct mark_counts before = shard_count_marks(bench->assigned->shard, 0);
        struct assigned *other = rows_bench_open(bench, 1);
        bench->assigned->caught_up = false; /* none of its rows is in the block */
        rows_bench_apply(&bench->set, other, 7, 0);
        struct block *block = rows_bench_take(bench, 0, true, LATER);
        bench->assigned->caught_up = true;
        (void)rows_bench_end(bench, block, cases[i].how, LATER);
        expect(bench->assigned, 0, cases[i].want, mark_counts_dirty(&before, 0), before.at_risk[0]);
        bool at_risk = cases[i].other == TAKEOVER_LEASE;
        bool dirty = cases[i].how == BLOCK_GIVEN_BACK || cases[i].how == BLOCK_UNKNOWN;
        expect(other, 0, cases[i].other, dirty ? windows : 0, at_risk ? windows : 0);
        assigned_set_close(&bench->set, &other);
        assigned_set_close(&bench->set, &bench->assigned);
    }
}

/* --- sinks that are dead, partitions that go --- */

/* A sink that does not answer holds back its own takeover only, however long. */
static void test_dead_sink(void **state)
{
    struct rows_bench *bench = *state;
    uint32_t windows = begin(bench);
    struct assigned *assigned = bench->assigned;
    assert_true(step(bench, LEASE_END));
    struct block *dead = rows_bench_take(bench, 1, true, LEASE_END);
    write_all(bench, 0, BLOCK_DURABLE, LEASE_END);
    assert_true(step(bench, LEASE_END + TIMEOUT));
    write_all(bench, 0, BLOCK_DURABLE, LEASE_END + TIMEOUT);
    assert_false(step(bench, LATER));
    expect(assigned, 0, TAKEOVER_DONE, 0, 0);
    expect(assigned, 1, TAKEOVER_PROBE, 0, windows);
    assert_true(assigned_is_taking_over(assigned, LATER));
    assert_false(assigned_rows_are_drained(&bench->set));
    (void)rows_bench_end(bench, dead, BLOCK_DURABLE, LATER);
    expect(assigned, 0, TAKEOVER_DONE, 0, 0);
    expect(assigned, 1, TAKEOVER_PROOF, 0, windows);
    assert_false(step(bench, LATER + FILES_TIMEOUT - 1)); /* the sink has no timeout of its own */
    assert_true(step(bench, LATER + FILES_TIMEOUT));
    expect(assigned, 1, TAKEOVER_DONE, windows, 0);
    write_all(bench, 1, BLOCK_DURABLE, LATER + FILES_TIMEOUT);
    assert_false(assigned_is_taking_over(assigned, END));
}

/* The block of a partition that went in mid-takeover comes back: its rows are of no partition, and
 * the others hear how the sink stands. */
static void test_revoked(void **state)
{
    struct rows_bench *bench = *state;
    static const struct {
        enum block_end how;
        enum takeover_state want;
    } cases[] = {
        {BLOCK_DURABLE, TAKEOVER_PROOF},
        {BLOCK_GIVEN_BACK, TAKEOVER_PROBE},
        {BLOCK_UNKNOWN, TAKEOVER_PROBE},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint32_t windows = begin(bench);
        struct assigned *other = rows_bench_open(bench, 1);
        rows_bench_apply(&bench->set, other, 7, 0);
        take_over(bench, other);
        assert_true(step(bench, LEASE_END));
        other->caught_up = false;
        struct block *block = rows_bench_take(bench, 0, true, LEASE_END);
        other->caught_up = true;
        assigned_set_close(&bench->set, &bench->assigned);
        other->changed = false;
        (void)rows_bench_end(bench, block, cases[i].how, LEASE_END + 10);
        expect(other, 0, cases[i].want, windows, windows);
        assert_false(other->changed);
        assigned_set_close(&bench->set, &other);
    }
}

/* --- sinks that may lose what they have acknowledged --- */

static void test_proof_of_durability(void **state)
{
    struct rows_bench *bench = *state;
    uint32_t windows = begin_blocked(bench);
    struct assigned *assigned = bench->assigned;
    assert_true(step(bench, LEASE_END));
    assert_true(step(bench, LEASE_END + TIMEOUT));
    struct block *block = rows_bench_take(bench, 0, false, LATER);
    assert_false(rows_bench_end(bench, block, BLOCK_ACKNOWLEDGED, LATER));
    assert_true(count_dirty(assigned) < windows);
    assert_false(assigned_rows_proven(&bench->set, 0, LATER - 1, LATER + 5)); /* earlier rows */
    assigned->changed = false;
    assigned_rows_lost(&bench->set, 0);
    assert_true(assigned->changed);
    expect(assigned, 0, TAKEOVER_BY_CLOCK, windows, 0);
    block = rows_bench_take(bench, 0, false, LATER + 10);
    assert_false(rows_bench_end(bench, block, BLOCK_ACKNOWLEDGED, LATER + 10));
    assigned->changed = false;
    assert_true(assigned_rows_proven(&bench->set, 0, LATER + 10, LATER + 20)); /* it waits for it */
    assert_true(assigned->changed);
    assert_null(rows_bench_take(bench, 0, false, LATER + 20));
    assert_false(shard_is_blocked(assigned->shard));
    assigned->changed = false;
    assert_false(assigned_rows_proven(&bench->set, 0, INT64_MAX, LATER + 30)); /* nothing is left */
    assert_false(assigned->changed);
}

/* A partition that leaves is saved already: a sink's answer does not make it save again. */
static void test_a_leaving_partition_is_not_changed(void **state)
{
    struct rows_bench *bench = *state;
    (void)bring_to(bench, TAKEOVER_DONE);
    struct assigned *assigned = bench->assigned;
    write_all(bench, 0, BLOCK_ACKNOWLEDGED, LATER);
    rows_bench_apply(&bench->set, assigned, 6, 0);
    struct block *block = rows_bench_take(bench, 0, true, LATER);
    assigned_enter(assigned, ASSIGNED_LEAVING);
    assigned->changed = false;
    (void)rows_bench_end(bench, block, BLOCK_ACKNOWLEDGED, LATER);
    (void)assigned_rows_proven(&bench->set, 0, INT64_MAX, LATER);
    assigned_rows_lost(&bench->set, 0);
    assert_false(assigned->changed);
}

/* --- the others --- */

/* Partitions take turns, and only those whose rows were taken have changed. */
static void test_partitions_take_turns(void **state)
{
    struct rows_bench *bench = *state;
    struct assigned *partitions[] = {rows_bench_open(bench, 0), rows_bench_open(bench, 1)};
    for (int i = 0; i < 2; i++)
        rows_bench_apply(&bench->set, partitions[i], 5, 0);
    for (int turn = 0; turn < 2; turn++) {
        struct block *block = NULL;
        assert_int_equal(block_create(&block, 3), 0); /* less than one of them has */
        partitions[0]->changed = partitions[1]->changed = false;
        assert_int_equal(assigned_rows_take(&bench->set, 0, true, block), 3);
        assert_int_equal(block->rows[0].partition, turn);
        assert_true(partitions[turn]->changed);
        assert_false(partitions[1 - turn]->changed);
        (void)rows_bench_end(bench, block, BLOCK_GIVEN_BACK, LATER);
    }
}

static void test_mark_dirty(void **state)
{
    struct rows_bench *bench = *state;
    (void)bring_to(bench, TAKEOVER_DONE);
    write_all(bench, 0, BLOCK_DURABLE, LATER);
    struct assigned *assigned = bench->assigned;
    assigned->changed = false;
    struct assigned *waiting = rows_bench_open(bench, 1);
    waiting->caught_up = false;
    struct assigned_rows_marked marked;
    assigned_rows_mark_dirty(&bench->set, 0, INT64_MIN, &marked);
    assert_int_equal(marked.partitions, 2);
    assert_int_equal(marked.waiting, 1);
    assert_int_equal(marked.open_ms, shard_open_ms(assigned->shard));
    assert_int_equal(marked.windows, count_dirty(assigned));
    assert_true(marked.windows > 0 && assigned->changed);
    write_all(bench, 0, BLOCK_DURABLE, LATER);
    uint64_t windows = marked.windows;
    assigned->state = ASSIGNED_RESTORING; /* it has no state to mark yet */
    assigned_rows_mark_dirty(&bench->set, 0, INT64_MIN, &marked);
    assert_int_equal(marked.windows + count_dirty(assigned), 0);
    assert_int_equal(marked.waiting, 2);
    assigned->state = ASSIGNED_APPLYING;
    assigned_rows_mark_owed(assigned); /* and now it has */
    assert_int_equal(count_dirty(assigned), windows);
}

/* Without a message for the idle timeout the windows that wall time has passed are final. */
static void test_idle(void **state)
{
    struct rows_bench *bench = *state;
    (void)bring_to(bench, TAKEOVER_DONE);
    struct assigned *assigned = bench->assigned;
    const int64_t wall_ms = BENCH_START_MS + DAY_MS;
    const int64_t idle_ms = bench->engine.config.window.idle_timeout_ms;
    assigned->last_message_ms = LATER;
    write_all(bench, 0, BLOCK_DURABLE, LATER);
    assigned_rows_check_idle(&bench->set, LATER + idle_ms - 1, wall_ms);
    assert_null(rows_bench_take(bench, 0, true, LATER));
    assigned->caught_up = false; /* there are messages still */
    assigned_rows_check_idle(&bench->set, LATER + idle_ms, wall_ms);
    assigned->caught_up = true;
    assert_null(rows_bench_take(bench, 0, true, LATER));
    assigned_rows_check_idle(&bench->set, LATER + idle_ms, wall_ms);
    write_all(bench, 0, BLOCK_DURABLE, LATER);
}

static void test_drained(void **state)
{
    struct rows_bench *bench = *state;
    assert_true(assigned_rows_are_drained(&bench->set)); /* no partition is assigned */
    (void)bring_to(bench, TAKEOVER_DONE);
    struct shard *shard = bench->assigned->shard;
    shard_finish(shard);
    assert_false(assigned_rows_are_drained(&bench->set));
    bench->assigned->caught_up = false; /* its live rows do not go, so they are not waited for */
    assert_true(assigned_rows_are_drained(&bench->set));
    bench->assigned->caught_up = true;
    for (int i = 0; i < 10 && !shard_is_drained(shard); i++)
        write_all(bench, 0, BLOCK_DURABLE, LATER);
    assert_true(shard_is_drained(shard) && assigned_rows_are_drained(&bench->set));
}

int main(void)
{
#define ONE(test) cmocka_unit_test_setup_teardown(test, rows_bench_set_up, rows_bench_tear_down)
#define TWO(test) cmocka_unit_test_setup_teardown(test, rows_bench_set_up_two, rows_bench_tear_down)
    const struct CMUnitTest tests[] = {
        ONE(test_ended_by_answer),
        ONE(test_rows_from_before_the_round),
        ONE(test_lease_without_rows),
        ONE(test_changes_while_sent),
        ONE(test_ended_by_clock),
        ONE(test_answered_behind_the_log),
        ONE(test_caught_up_in_the_probe),
        ONE(test_not_writing),
        ONE(test_own_request_ends),
        ONE(test_doubt_by_clock),
        ONE(test_requests_of_others),
        TWO(test_dead_sink),
        ONE(test_revoked),
        ONE(test_proof_of_durability),
        ONE(test_a_leaving_partition_is_not_changed),
        ONE(test_partitions_take_turns),
        ONE(test_mark_dirty),
        ONE(test_idle),
        ONE(test_drained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

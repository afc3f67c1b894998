/* sink_bench.h - a sink that writes to a scripted server, and what that server has taken. */
#ifndef GHGD_TESTS_SINK_PLACE_H
#define GHGD_TESTS_SINK_PLACE_H

#include "tests/unit/sink/fixture.h"
#include "tests/unit/sink/scripted_server.h"

/* So much of a wait may be over before it is looked at: valgrind's loops are slow. */
enum { LATE_MS = 450 };
enum { STEPS_MAX = 64, WAITS_MAX = 64 };

struct place {
    char folder[64], dead_rows[96], url[64];
    struct sink_conf conf;
    uv_loop_t loop;
    uv_timer_t tick; /* so that no turn of the loop waits for ever */
    struct sink *sink;
    struct scripted_server *server;
    struct fixture_report report;
    struct scripted_response steps[STEPS_MAX]; /* by request; after the last, 204 */
    uint32_t steps_count;
    struct buffer stored; /* bodies answered by 204 or "partial write" */
    struct buffer heads;
    uint32_t lines[STEPS_MAX];   /* of each request */
    int64_t waits_ms[WAITS_MAX]; /* that the sink meant to make, and did not */
    uint32_t waits;
};

#define GOOD                                                                                       \
    {                                                                                              \
        .status = 204                                                                              \
    }

/* For cmocka: *state is the place. */
int place_setup(void **state);
int place_teardown(void **state);
void place_open_sink(struct place *place);
void place_close_sink(struct place *place);
void place_add_steps(struct place *place, const struct scripted_response *steps, size_t count);
void place_submit(struct place *place, struct block *block);
/* Runs until the sink is idle, and lets no wait last; notes how long each was meant to be. */
void place_run_until_idle(struct place *place);
/* The text of rows [first, first + count). */
struct buffer place_encode(const struct place *place, const struct block *block, uint32_t first,
                           uint32_t count);
/* The server has stored exactly this; frees it. */
void place_expect_stored(struct place *place, struct buffer *want);

#endif

/* audit_state.c - partitions as they were saved last, loaded beside the running daemon. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "daemon/audit/audit.h"
#include "daemon/saved/saved_state.h"

enum { WORDS_BYTES_MAX = 64 << 10, LINES_BYTES_MAX = 64 << 20 };

struct state_audit {
    struct audit *audit;
    struct saved_state *saved;
    uint32_t *homes;       /* by facility: the first partition whose state has it, or UINT32_MAX */
    struct assigned *part; /* as it was saved */
    struct buffer *why;
};

/* Lines of `words`, as differences in the state. */
static void tell_state(struct state_audit *state, int32_t partition, struct buffer *words)
{
    const char *text = buffer_text(words);
    while (text != NULL && *text != '\0') {
        size_t size = strcspn(text, "\n");
        buffer_printf(&state->audit->lines, "state partition=%" PRId32 " %.*s\n", partition,
                      (int)size, text);
        text += size + (text[size] == '\n');
    }
    audit_print(state->audit, NULL);
}

static void check_read(struct state_audit *state, struct buffer *words)
{
    struct event_account account;
    message_applier_get_account(state->part->applier, &account);
    const struct shard_stats *stats = shard_get_stats(state->part->shard);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < OUTCOME_COUNT; i++)
        sum += account.outcomes[i] + stats->outcomes[i] + stats->earlier.outcomes[i];
    if (sum != account.read)
        buffer_printf(words, "read %" PRIu64 " events, and accounts for %" PRIu64 "\n",
                      account.read, sum);
}

/* Outcomes that are decided when the facility is known. */
static bool is_of_facility(enum outcome outcome)
{
    return outcome == OUTCOME_USED || outcome == OUTCOME_DUPLICATE ||
           outcome == OUTCOME_CORRECTED || outcome == REJECT_CONFLICT ||
           outcome == REJECT_JOURNAL_FULL;
}

/* The readings of facilities are among the partition's, which may know some that the tables no
 * longer have. */
static void check_facilities(const struct state_audit *state, struct buffer *words)
{
    const struct shard_stats *stats = shard_get_stats(state->part->shard);
    for (enum outcome i = 0; i < OUTCOME_COUNT; i++) {
        uint64_t whole = stats->outcomes[i] + stats->earlier.outcomes[i];
        uint64_t parts = 0;
        for (uint32_t f = 0; f < state->audit->config->registry->facilities_count; f++) {
            const uint64_t *counts = shard_get_outcomes(state->part->shard, f);
            parts += counts != NULL ? counts[i] : 0;
        }
        if (is_of_facility(i) && parts > whole)
            buffer_printf(words,
                          "facilities have %" PRIu64 " readings %s %s, the partition %" PRIu64 "\n",
                          parts, outcome_class(i), outcome_reason(i), whole);
    }
}

/* Facilities on two partitions: a process that has only one of them cannot see it. */
static void check_homes(struct state_audit *state, int32_t partition, struct buffer *words)
{
    const struct registry *registry = state->audit->config->registry;
    for (uint32_t i = 0; i < registry->facilities_count; i++) {
        if (shard_get_outcomes(state->part->shard, i) == NULL)
            continue;
        if (state->homes[i] == UINT32_MAX)
            state->homes[i] = (uint32_t)partition;
        else
            buffer_printf(words, "facility \"%s\": partition %" PRIu32 " has it too\n",
                          registry->facilities[i].id, state->homes[i]);
    }
}

static void check_state(struct state_audit *state, int32_t partition)
{
    struct buffer words;
    buffer_init(&words, WORDS_BYTES_MAX);
    check_read(state, &words);
    check_facilities(state, &words);
    check_homes(state, partition, &words);
    (void)shard_audit(state->part->shard, &words);
    tell_state(state, partition, &words);
    buffer_fini(&words);
}

static void note_extent(struct state_audit *state)
{
    struct audit *audit = state->audit;
    audit->facilities += shard_get_stats(state->part->shard)->facilities;
    int64_t open_ms = shard_open_ms(state->part->shard);
    if (open_ms != INT64_MIN)
        audit->until_ms = MIN(audit->until_ms, open_ms);
}

/* The daemon goes on while we read, and a database may not show yet what it has acknowledged. So a
 * difference counts if it is still there after a while, under the state of that time. */
static int confirm(struct state_audit *state, int32_t partition)
{
    struct audit *audit = state->audit;
    int err = saved_state_wait_for_next(state->saved, partition);
    if (err < 0) {
        audit_print(audit, NULL);
        return err;
    }
    struct buffer first = audit->lines;
    buffer_init(&audit->lines, LINES_BYTES_MAX);
    err = saved_state_load(state->saved, partition, &state->part);
    if (err == 0 && state->part != NULL) {
        uint64_t windows = audit->windows;
        uint64_t newer = audit->newer;
        err = audit_rows(audit, state->part->shard, state->why);
        audit->windows = windows; /* they were counted before */
        audit->newer = newer;
    }
    assigned_destroy(&state->part);
    audit_print(audit, &first);
    buffer_fini(&first);
    return err;
}

static int audit_partition(struct state_audit *state, int32_t partition)
{
    int err = saved_state_load(state->saved, partition, &state->part);
    if (err < 0)
        return err;
    if (state->part == NULL) {
        (void)fprintf(stderr, "ghgd audit: partition %" PRId32 ": no state of it is saved\n",
                      partition);
        return 0;
    }
    state->audit->partitions++;
    check_state(state, partition);
    note_extent(state);
    err = audit_rows(state->audit, state->part->shard, state->why);
    assigned_destroy(&state->part);
    if (err == 0 && state->audit->lines.size > 0)
        err = confirm(state, partition);
    return err;
}

int audit_state(struct audit *audit, struct buffer *why)
{
    struct state_audit state = {.audit = audit, .why = why};
    size_t size = audit->config->registry->facilities_count * sizeof(*state.homes);
    state.homes = malloc(size + 1);
    if (state.homes == NULL)
        return -ENOMEM;
    memset(state.homes, 0xff, size);
    int err = saved_state_open(&state.saved, audit->config, why);
    for (int32_t i = 0; err == 0 && i < saved_state_partitions(state.saved); i++)
        err = audit_partition(&state, i);
    saved_state_close(&state.saved);
    free(state.homes);
    return err;
}

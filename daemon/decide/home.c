#include "daemon/decide/home.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "daemon/readings/journal_view.h"
#include "daemon/saved/saved_state.h"
#include "pipelines/ingest/event_builder.h"
#include "pipelines/metering/decisions.h"

enum { WORDS_BYTES_MAX = 64 << 10 };

struct home_search {
    const struct config *config;
    const struct subject_query *query;
    uint32_t meter, facility;
    uint32_t saved, homes; /* partitions with a state, and with the facility */
    int32_t other;         /* a second one with it */
    struct home *home;
};

/* --- partitions --- */

/* Each version of a meter has a journal. Those of a register share readings, and each says the same
 * of one in units of its own; of other kinds one version has it. */
static void find_subject(struct home_search *search, const struct assigned *part)
{
    const struct registry *registry = search->config->registry;
    struct home *home = search->home;
    bool looked = false;
    for (uint32_t i = search->meter; i != REGISTRY_NONE; i = registry->meters[i].next_version) {
        const struct journal *journal = shard_get_journal(part->shard, i);
        if (journal == NULL)
            continue;
        struct subject subject;
        subject_find(&subject, &registry->meters[i], journal, search->query);
        bool better = subject.state != SUBJECT_NONE ||
                      (home->subject.state == SUBJECT_NONE && subject.count > 0);
        if (looked && !better)
            continue;
        looked = true;
        home->subject = subject;
        home->reach_ms =
            decisions_reach_from(&registry->meters[i], journal, search->home->floor_ms);
        home->meter = i;
    }
}

static void look_into(struct home_search *search, const struct assigned *part)
{
    struct home *home = search->home;
    search->saved++;
    if (shard_get_outcomes(part->shard, search->facility) == NULL)
        return;
    if (search->homes++ > 0) {
        search->other = part->number;
        return;
    }
    *home = (struct home){.partition = part->number,
                          .floor_ms = shard_get_stats(part->shard)->floor_ms,
                          .reach_ms = shard_get_stats(part->shard)->floor_ms,
                          .newest_ms = shard_get_newest(part->shard),
                          .offset = part->position.offset,
                          .meter = search->meter,
                          .facility = search->facility};
    if (search->query != NULL)
        find_subject(search, part);
}

static int search_all(struct home_search *search, struct buffer *why)
{
    struct saved_state *state;
    int err = saved_state_open(&state, search->config, why);
    for (int32_t i = 0; err == 0 && i < saved_state_partitions(state); i++) {
        struct assigned *part;
        err = saved_state_load(state, i, &part);
        if (err == 0 && part != NULL)
            look_into(search, part);
        assigned_destroy(&part);
    }
    saved_state_close(&state);
    return err;
}

static int refuse_home(const struct home_search *search)
{
    const struct registry *registry = search->config->registry;
    const char *facility = registry->facilities[search->facility].id;
    if (search->homes == 1)
        return 0;
    if (search->saved == 0)
        (void)fprintf(stderr, "ghgd decide: no partition has a saved state yet; the daemon saves "
                              "it every checkpoint.interval\n");
    else if (search->homes == 0)
        (void)fprintf(stderr,
                      "ghgd decide: %" PRIu32 " partitions have a saved state, and none of them "
                      "knows facility \"%s\"\n",
                      search->saved, facility);
    else
        (void)fprintf(stderr,
                      "ghgd decide: facility \"%s\" is on partitions %" PRId32 " and %" PRId32
                      "; key the topic by facility, or set input.rekey\n",
                      facility, search->home->partition, search->other);
    return -ENOENT;
}

/* An id may have belonged to another facility at another time. */
static uint32_t facility_at(const struct registry *registry, uint32_t meter, int64_t time_ms)
{
    uint32_t version = registry_meter_at(registry, meter, time_ms);
    return registry->meters[version == REGISTRY_NONE ? meter : version].facility;
}

int home_find(struct home *home_out, const struct config *config, uint32_t meter,
              const struct subject_query *query, bool exchange)
{
    struct home_search search = {.config = config,
                                 .query = exchange ? NULL : query,
                                 .meter = meter,
                                 .facility = facility_at(config->registry, meter, query->time_ms),
                                 .home = home_out};
    struct buffer why;
    *home_out = (struct home){.meter = meter, .facility = search.facility};
    buffer_init(&why, WORDS_BYTES_MAX);
    int err = search_all(&search, &why);
    if (err < 0)
        (void)fprintf(stderr, "ghgd decide: %s\n", why.size > 0 ? buffer_text(&why) : err_str(err));
    buffer_fini(&why);
    return err < 0 ? err : refuse_home(&search);
}

/* --- what is there --- */

static void add_match(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    const struct reading *reading = journal_at(view->journal, index);
    buffer_add_str(out, "  ");
    journal_view_add_time(out, view, reading->start_ms);
    if (reading->span_ms > 0) {
        buffer_add_str(out, " to ");
        journal_view_add_time(out, view, reading_end_ms(reading));
    }
    buffer_printf(out, "  %s ", event_kind_word(subject_kind(view->meter, reading)));
    journal_view_add_value(out, view, index);
    buffer_add_char(out, ' ');
    journal_view_add_unit(out, view);
    buffer_add_char(out, '\n');
}

/* The matches as lines of time, kind and value. */
static void list_matches(const struct home *home, const struct config *config)
{
    const struct registry *registry = config->registry;
    const struct meter *meter = &registry->meters[home->meter];
    struct local_clock *clock;
    struct buffer lines;
    struct reading slots[SUBJECT_MATCHES_MAX];
    struct journal journal;
    if (local_clock_create(&clock, registry) < 0)
        return;
    buffer_init(&lines, WORDS_BYTES_MAX);
    journal_init(&journal, slots, SUBJECT_MATCHES_MAX);
    for (uint32_t i = 0; i < MIN(home->subject.count, SUBJECT_MATCHES_MAX); i++)
        slots[journal.count++] = home->subject.matches[i];
    struct journal_view view = {.meter = meter,
                                .facility = &registry->facilities[meter->facility],
                                .journal = &journal,
                                .decided = &journal,
                                .clock = clock,
                                .partition = home->partition};
    journal_view_choose_unit(&view);
    for (uint32_t i = 0; i < journal.count; i++)
        add_match(&lines, &view, i);
    if (lines.size > 0)
        (void)fputs(buffer_text(&lines), stderr);
    buffer_fini(&lines);
    local_clock_destroy(&clock);
}

int home_explain(const struct home *home, const struct config *config,
                 const struct subject_query *query)
{
    static const char *const words[] = {
        [SUBJECT_NONE] = "the saved state has no such reading at that time",
        [SUBJECT_SEVERAL] = "several things begin at that time; give --of, --id or --end",
        [SUBJECT_NEEDS_ID] = "it is a document with a number; give --id",
        [SUBJECT_SHARED] = "they have no id to tell them apart; correct them by a higher revision",
    };
    const struct subject *subject = &home->subject;
    if (subject->state == SUBJECT_FOUND)
        return 0;
    (void)fprintf(stderr, "ghgd decide: %s", words[subject->state]);
    if (subject->state == SUBJECT_NONE && query->time_ms < home->floor_ms)
        (void)fputs("; windows of that day are closed", stderr);
    if (subject->state == SUBJECT_NONE && subject->count > 0)
        (void)fputs("; near it are", stderr);
    (void)fputs(subject->count > 0 ? ":\n" : "\n", stderr);
    list_matches(home, config);
    if (subject->state == SUBJECT_NONE)
        (void)fputs("an event that was refused is no reading: ghgd deadletter list shows it\n",
                    stderr);
    return -ENOENT;
}

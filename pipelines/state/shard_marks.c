/* The marks of a shard: what each sink still has to hear, over all facilities. */
#include "pipelines/rollup/site_marks.h"
#include "pipelines/state/shard_state.h"

static void add_counts(struct mark_counts *sum, const struct mark_counts *counts, uint32_t sink)
{
    for (uint32_t state = 0; state < MARK_STATES; state++)
        sum->state[sink][state] += counts->state[sink][state];
    sum->at_risk[sink] += counts->at_risk[sink];
}

struct mark_counts shard_count_marks(const struct shard *shard, uint32_t sink)
{
    struct mark_counts counts = {0};
    for (uint32_t i = 0; i < shard->own_count; i++) {
        const struct site *site = shard->own[i];
        add_counts(&counts, &site->marks, sink);
        const struct courses *courses = shard->courses[site->conf.facility];
        if (courses != NULL)
            add_counts(&counts, &courses->marks, sink);
    }
    return counts;
}

bool shard_has_rows(const struct shard *shard, uint32_t sink)
{
    const struct mark_counts counts = shard_count_marks(shard, sink);
    return mark_counts_dirty(&counts, sink) + counts.at_risk[sink] > 0;
}

uint64_t shard_count_dirty(const struct shard *shard)
{
    uint64_t dirty = 0;
    for (uint32_t sink = 0; sink < shard->context.sinks_count; sink++) {
        const struct mark_counts counts = shard_count_marks(shard, sink);
        dirty += mark_counts_dirty(&counts, sink);
    }
    return dirty;
}

uint64_t shard_count_at_risk(const struct shard *shard)
{
    uint64_t at_risk = 0;
    for (uint32_t sink = 0; sink < shard->context.sinks_count; sink++)
        at_risk += shard_count_marks(shard, sink).at_risk[sink];
    return at_risk;
}

/* The mark of the row that stands for its window; NULL for other rows, and for windows gone. */
static struct mark *find_mark(struct shard *shard, const struct row *row, struct day **day_out)
{
    if (row->kind != ROW_COVERAGE || shard->sites[row->facility] == NULL)
        return NULL;
    struct site *site = shard->sites[row->facility];
    return site_find_mark(site, (enum level)row->level, row->window.start_ms, day_out);
}

static void end_target_row(struct shard *shard, uint32_t sink, const struct row *row,
                           enum block_end end)
{
    struct courses *courses = row->facility == REGISTRY_NONE ? NULL : shard->courses[row->facility];
    if (courses == NULL)
        return;
    courses_end_row(courses, sink, row, end);
}

void shard_end_row(struct shard *shard, uint32_t sink, const struct row *row, enum block_end end)
{
    struct day *day;
    if (row->kind >= ROW_WINDOW_KINDS) {
        end_target_row(shard, sink, row, end);
        return;
    }
    struct mark *mark = find_mark(shard, row, &day);
    if (mark != NULL)
        (void)site_mark_ended(shard->sites[row->facility], day, mark, sink, end);
}

static void prove_site(struct shard *shard, struct site *site, uint32_t sink)
{
    struct courses *courses = shard->courses[site->conf.facility];
    site_prove(site, sink);
    if (courses != NULL)
        courses_prove(courses, sink);
}

/* One generation after the other, if all is proven. */
bool shard_prove(struct shard *shard, uint32_t sink, int64_t before_ms, int64_t now_ms)
{
    bool proven = false;
    for (int generation = 0; generation < 2; generation++) {
        const struct mark_counts counts = shard_count_marks(shard, sink);
        uint32_t old = counts.state[sink][MARK_ACKED_OLD];
        if (!generation_ends(&shard->generations[sink], counts.state[sink][MARK_ACKED_YOUNG], old,
                             before_ms, now_ms))
            break;
        for (uint32_t i = 0; i < shard->own_count; i++)
            prove_site(shard, shard->own[i], sink);
        proven |= old > 0;
        if (before_ms != INT64_MAX)
            break;
    }
    return proven;
}

void shard_lose(struct shard *shard, uint32_t sink)
{
    for (uint32_t i = 0; i < shard->own_count; i++) {
        struct courses *courses = shard->courses[shard->own[i]->conf.facility];
        site_lose(shard->own[i], sink);
        if (courses != NULL)
            courses_lose(courses, sink);
    }
}

void shard_take_over(struct shard *shard, uint32_t sink, enum takeover_action action)
{
    uint8_t bit = (uint8_t)(1U << sink);
    if (action == TAKEOVER_NOTHING ||
        (action == TAKEOVER_FROM_NOW && (shard->taking_over & bit) != 0))
        return;
    if (action == TAKEOVER_ROUND_TWO)
        shard->taking_over &= (uint8_t)~bit;
    else
        shard->taking_over |= bit;
    for (uint32_t i = 0; i < shard->own_count; i++) {
        struct courses *courses = shard->courses[shard->own[i]->conf.facility];
        site_take_over(shard->own[i], sink, action);
        if (courses != NULL)
            courses_take_over(courses, sink, action);
    }
}

/* --- a sink has lost rows: what is still open is written to it once more --- */

struct resync {
    struct site *site;
    uint8_t sinks;
    int64_t from_ms;
    uint64_t windows;
};

static void mark_one(void *context, const struct mark_place *place)
{
    struct resync *resync = context;
    if (!place->told || place->end_ms <= resync->from_ms || (place->sinks & resync->sinks) == 0)
        return;
    site_mark_dirty(resync->site, place->day, place->mark, resync->sinks);
    resync->windows++;
}

uint64_t shard_mark_dirty(struct shard *shard, uint32_t sink, int64_t from_ms)
{
    ASSERT(sink < shard->context.sinks_count);
    struct resync resync = {.sinks = (uint8_t)(1U << sink), .from_ms = from_ms};
    for (uint32_t i = 0; i < shard->own_count; i++) {
        resync.site = shard->own[i];
        site_visit_marks(resync.site, mark_one, &resync);
        struct courses *courses = shard->courses[resync.site->conf.facility];
        if (courses != NULL)
            resync.windows += courses_mark_dirty(courses, sink, from_ms);
    }
    return resync.windows;
}

/* A shard as bytes; payload.h tells the order. */
#include <errno.h>
#include <stdio.h>

#include "pipelines/rollup/site_marks.h"
#include "pipelines/state/course_bytes.h"
#include "pipelines/state/dictionary.h"
#include "pipelines/state/payload.h"
#include "pipelines/state/shard_state.h"

/* Keys as the configuration has them, so that a difference can be named. */
const struct saved_window saved_windows[SAVED_WINDOWS] = {
    {"windows.bucket", offsetof(struct window_conf, bucket_ms)},
    {"windows.allowed_delay", offsetof(struct window_conf, allowed_delay_ms)},
    {"windows.grace", offsetof(struct window_conf, grace_ms)},
    {"windows.horizon", offsetof(struct window_conf, horizon_ms)},
    {"windows.early_tolerance", offsetof(struct window_conf, early_tolerance_ms)},
};

const char *payload_outcome_name(enum outcome outcome)
{
    const char *reason = outcome_reason(outcome);
    return reason[0] != '\0' ? reason : outcome_class(outcome);
}

const char *payload_sink_name(const struct sink_conf *sink, char name[SINK_NAME_SIZE])
{
    unsigned skips = sink->skips & ((1U << LEVEL_COUNT) - 1);
    if (skips == 0)
        return sink->name;
    int size = snprintf(name, SINK_NAME_SIZE, "%s without %u", sink->name, skips);
    ASSERT(size > 0 && size < SINK_NAME_SIZE); /* a name has 63 bytes at most */
    return name;
}

static void save_configuration(const struct shard *shard, struct buffer *out)
{
    const struct window_conf *window = shard->context.window;
    for (size_t i = 0; i < SAVED_WINDOWS; i++)
        packed_add_int(out, *saved_window_ms(window, i));
    packed_add_int(out, window->fiscal_year_start);
    packed_add_uint(out, shard->context.sinks_count);
    char name[SINK_NAME_SIZE];
    for (uint32_t i = 0; i < shard->context.sinks_count; i++)
        packed_add_text(out, payload_sink_name(&shard->context.sinks[i], name));
    packed_add_uint(out, OUTCOME_COUNT);
    for (enum outcome i = 0; i < OUTCOME_COUNT; i++)
        packed_add_text(out, payload_outcome_name(i));
    payload_add_figure_names(out);
}

static void save_clock(const struct shard *shard, struct buffer *out)
{
    packed_add_int(out, shard->newest_ms);
    packed_add_int(out, shard->clock.floor_ms);
    packed_add_int(out, shard->clock.passed_ms);
    packed_add_int(out, shard->clock.final_ms);
    packed_add_int(out, shard->idle_final_ms);
    packed_add_int(out, shard->clock.top_row);
}

static void save_counts(const struct shard *shard, struct buffer *out)
{
    const struct shard_stats *now = &shard->stats;
    const struct shard_counts *earlier = &shard->stats.earlier;
    packed_add_uint(out, 0); /* two counters of earlier versions */
    packed_add_uint(out, 0);
    packed_add_uint(out, earlier->overlaps + now->overlaps);
    for (uint32_t i = 0; i < OUTCOME_COUNT; i++)
        packed_add_uint(out, earlier->outcomes[i] + now->outcomes[i]);
}

static void save_site(struct shard *shard, struct site *site, bool full, struct buffer *out)
{
    if (full)
        site_check_marks(site); /* an increment does without the walk over all windows */
    size_t part = packed_begin_part(out);
    bool is_new = site->dictionary == 0;
    if (is_new)
        site->dictionary = ++shard->dictionaries_count;
    packed_add_uint(out, site->dictionary);
    if (is_new)
        dictionary_add(out, shard->context.registry, site->conf.facility);
    site_save(site, full, out);
    course_bytes_save(site, shard->courses[site->conf.facility], full, out);
    packed_end_part(out, part);
}

static bool is_changed(const struct shard *shard, const struct site *site)
{
    const struct courses *courses = shard->courses[site->conf.facility];
    return site->changed || (courses != NULL && courses->changed);
}

static void save_sites(struct shard *shard, bool full, struct buffer *out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < shard->own_count; i++)
        count += full || is_changed(shard, shard->own[i]);
    packed_add_uint(out, count);
    for (uint32_t i = 0; i < shard->own_count; i++) {
        if (full || is_changed(shard, shard->own[i]))
            save_site(shard, shard->own[i], full || shard->own[i]->dictionary == 0, out);
    }
}

static void save_pending(const struct shard *shard, struct buffer *out)
{
    const struct pending *pending = &shard->pending;
    packed_add_uint(out, pending->site != NULL);
    if (pending->site == NULL)
        return;
    packed_add_uint(out, pending->site->dictionary);
    packed_add_uint(out, pending->column);
    packed_add_int(out, pending->next_row);
    packed_add_int(out, pending->to_row);
}

/* The edge up to which they accrue follows from the newest reading. */
static void save_accrual(const struct shard *shard, struct buffer *out)
{
    const struct site_clock *clock = &shard->clock;
    packed_add_uint(out, clock->accrued_from_ms != clock->accrued_ms);
    if (clock->accrued_from_ms != clock->accrued_ms)
        packed_add_int(out, clock->accrued_from_ms);
}

int shard_save(struct shard *shard, bool full, struct buffer *payload)
{
    ASSERT(shard->loading == NULL && !shard->finished);
    shard->chain_saving = full ? 0 : shard->chain_next;
    shard->chain_next = 0; /* until shard_saved() */
    full = shard->chain_saving == 0;
    if (full) {
        shard->dictionaries_count = 0;
        for (uint32_t i = 0; i < shard->own_count; i++)
            shard->own[i]->dictionary = 0;
    }
    buffer_add(payload, PAYLOAD_MAGIC, PAYLOAD_MAGIC_BYTES);
    packed_add_uint(payload, PAYLOAD_VERSION);
    packed_add_uint(payload, shard->chain_saving);
    if (full)
        save_configuration(shard, payload);
    save_clock(shard, payload);
    save_counts(shard, payload);
    save_sites(shard, full, payload);
    save_pending(shard, payload);
    save_accrual(shard, payload);
    packed_add_text(payload, shard->context.registry->facilities_count > 0
                                 ? shard->context.registry->facilities[shard->cursor].id
                                 : "");
    return buffer_failed(payload) ? -ENOMEM : 0;
}

void shard_saved(struct shard *shard)
{
    shard->chain_next = shard->chain_saving + 1;
    for (uint32_t i = 0; i < shard->own_count; i++) {
        site_saved(shard->own[i]);
        course_bytes_saved(shard->own[i], shard->courses[shard->own[i]->conf.facility]);
    }
}

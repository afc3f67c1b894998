/* A shard from bytes; payload.h tells the order. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "base/durations.h"
#include "base/log.h"
#include "pipelines/rollup/site_days.h"
#include "pipelines/state/course_bytes.h"
#include "pipelines/state/payload.h"
#include "pipelines/state/shard_state.h"

/* The contents of a chain so far. */
struct shard_loading {
    uint32_t next; /* number of the payload that comes next */
    struct payload_names names;
    uint8_t new_sinks;                /* bits of sinks that the chain does not know */
    struct dictionary **dictionaries; /* by number, from 1 on */
    uint32_t dictionaries_count, dictionaries_capacity;
    uint32_t pending_dictionary; /* 0: no event waits */
    uint32_t pending_number;
    int64_t pending_next_row, pending_to_row;
    bool accrues; /* an event has yet to open days in which stocks do, */
    int64_t accrued_from_ms;
};

void shard_loading_destroy(struct shard_loading **loading)
{
    struct shard_loading *gone = TAKE(*loading);
    if (gone == NULL)
        return;
    for (uint32_t i = 0; i < gone->dictionaries_count; i++)
        dictionary_destroy(&gone->dictionaries[i]);
    free(gone->dictionaries);
    free(gone);
}

/* --- the configuration --- */

static void add_window_value(struct buffer *out, int64_t ms)
{
    if (ms >= 0)
        duration_print(out, ms);
    else
        buffer_printf(out, "%" PRId64 "ms", ms);
}

static int check_windows(const struct shard *shard, struct packed *packed, struct buffer *why)
{
    for (size_t i = 0; i < SAVED_WINDOWS; i++) {
        int64_t was_ms = packed_take_int(packed, INT64_MIN, INT64_MAX);
        int64_t is_ms = *saved_window_ms(shard->context.window, i);
        if (packed->damaged)
            return ERR_SYNTAX;
        if (was_ms == is_ms)
            continue;
        buffer_printf(why, "%s was ", saved_windows[i].key);
        add_window_value(why, was_ms);
        buffer_add_str(why, " and is ");
        add_window_value(why, is_ms);
        buffer_add_str(why, ": set it back, or set checkpoint.on_unreadable: rebuild");
        return ERR_CONFIG;
    }
    int64_t was = packed_take_int(packed, 1, 12);
    int is = shard->context.window->fiscal_year_start;
    if (packed->damaged || was == is)
        return packed->damaged ? ERR_SYNTAX : 0;
    buffer_printf(why,
                  "windows.fiscal_year_start was %" PRId64
                  " and is %d: set it back, or set checkpoint.on_unreadable: rebuild",
                  was, is);
    return ERR_CONFIG;
}

static void take_sink_names(const struct shard *shard, struct packed *packed)
{
    struct shard_loading *loading = shard->loading;
    char name[NAME_BYTES_MAX + 1];
    char own[SINK_NAME_SIZE];
    loading->new_sinks = (uint8_t)((1U << shard->context.sinks_count) - 1);
    loading->names.sinks_count = packed_take_count(packed, SINKS_MAX);
    for (uint32_t i = 0; i < loading->names.sinks_count; i++) {
        packed_take_text(packed, name, sizeof(name));
        loading->names.sinks[i] = 0;
        for (uint32_t k = 0; k < shard->context.sinks_count; k++) {
            if (strcmp(payload_sink_name(&shard->context.sinks[k], own), name) == 0)
                loading->names.sinks[i] = (uint8_t)(1U << k);
        }
        loading->new_sinks &= (uint8_t)~loading->names.sinks[i];
    }
}

static void take_outcome_names(struct payload_names *names, struct packed *packed)
{
    char name[NAME_BYTES_MAX + 1];
    names->outcomes_count = packed_take_count(packed, OUTCOME_COUNT);
    for (uint32_t i = 0; i < names->outcomes_count; i++) {
        packed_take_text(packed, name, sizeof(name));
        names->outcomes[i] = OUTCOME_COUNT;
        for (enum outcome k = 0; k < OUTCOME_COUNT; k++) {
            if (strcmp(payload_outcome_name(k), name) == 0)
                names->outcomes[i] = k;
        }
    }
}

static int take_configuration(struct shard *shard, struct packed *packed, struct buffer *why)
{
    int err = check_windows(shard, packed, why);
    if (err < 0)
        return err;
    take_sink_names(shard, packed);
    take_outcome_names(&shard->loading->names, packed);
    if (shard->loading->names.version == 1)
        payload_set_first_figures(&shard->loading->names);
    else
        payload_take_figure_names(&shard->loading->names, packed);
    return packed->damaged ? ERR_SYNTAX : 0;
}

/* --- clock and counts --- */

static void take_clock(struct shard *shard, struct packed *packed)
{
    shard->newest_ms = payload_take_time(packed);
    shard->clock.floor_ms = payload_take_time(packed);
    shard->clock.passed_ms = payload_take_time(packed);
    shard->clock.final_ms = payload_take_time(packed);
    shard->idle_final_ms = payload_take_time(packed);
    shard->clock.top_row = packed_take_int(packed, INT64_MIN, TIME_MAX_MS);
    if (!packed->damaged && !shard_clock_is_sound(shard))
        packed->damaged = true;
}

static void take_counts(struct shard *shard, struct packed *packed)
{
    const struct payload_names *names = &shard->loading->names;
    struct shard_counts *counts = &shard->stats.earlier;
    *counts = (struct shard_counts){0};
    (void)packed_take_uint(packed, UINT64_MAX); /* two counters of earlier versions */
    (void)packed_take_uint(packed, UINT64_MAX);
    counts->overlaps = packed_take_uint(packed, UINT64_MAX);
    for (uint32_t i = 0; i < names->outcomes_count; i++) {
        uint64_t count = packed_take_uint(packed, UINT64_MAX);
        if (names->outcomes[i] < OUTCOME_COUNT)
            counts->outcomes[names->outcomes[i]] = count;
    }
}

/* --- sites --- */

static int add_dictionary(struct shard_loading *loading, struct dictionary **dictionary)
{
    if (loading->dictionaries_count == loading->dictionaries_capacity) {
        uint32_t capacity = MAX(2 * loading->dictionaries_capacity, 16);
        struct dictionary **grown =
            realloc(loading->dictionaries, capacity * sizeof(struct dictionary *));
        if (grown == NULL)
            return -ENOMEM;
        loading->dictionaries = grown;
        loading->dictionaries_capacity = capacity;
    }
    loading->dictionaries[loading->dictionaries_count++] = TAKE(*dictionary);
    return 0;
}

static void tell_what_is_gone(const struct shard *shard, const struct dictionary *dictionary)
{
    if (dictionary->meters_gone + dictionary->series_gone > 0)
        LOG_LIMITED(LOG_LEVEL_WARN, "shard.dropped",
                    "partition=%" PRIu32 " facility=\"%s\" meters=%" PRIu32 " series=%" PRIu32
                    " reason=\"not in the tables any more\"",
                    shard->partition, dictionary->id, dictionary->meters_gone,
                    dictionary->series_gone);
}

/* A facility gets its site when the chain first names it. */
static int take_dictionary(struct shard *shard, struct packed *packed, struct buffer *why)
{
    struct dictionary *dictionary;
    int err = dictionary_take(&dictionary, packed, shard->context.registry, why);
    if (err < 0)
        return err;
    uint32_t facility = dictionary->facility;
    tell_what_is_gone(shard, dictionary);
    if (facility != REGISTRY_NONE)
        err = shard->sites[facility] != NULL ? ERR_SYNTAX : shard_make_site(shard, facility);
    if (err == 0 && facility != REGISTRY_NONE)
        shard->sites[facility]->days_count = 0; /* the payload says which are open */
    if (err == 0)
        err = add_dictionary(shard->loading, &dictionary);
    dictionary_destroy(&dictionary);
    return err;
}

static int take_site(struct shard *shard, struct packed *packed, struct buffer *why)
{
    struct shard_loading *loading = shard->loading;
    uint64_t number = packed_take_uint(packed, (uint64_t)loading->dictionaries_count + 1);
    if (packed->damaged || number == 0)
        return ERR_SYNTAX;
    if (number > loading->dictionaries_count) {
        int err = take_dictionary(shard, packed, why);
        if (err < 0)
            return err;
    }
    const struct dictionary *dictionary = loading->dictionaries[number - 1];
    if (dictionary->facility == REGISTRY_NONE)
        return 0;
    struct site *site = shard->sites[dictionary->facility];
    int err = site_load(site, dictionary, &loading->names, packed, why);
    if (err == 0)
        err = course_bytes_take(site, shard->courses[dictionary->facility], dictionary,
                                &loading->names, packed);
    return err == 0 && !packed_is_at_end(packed) ? ERR_SYNTAX : err;
}

static int take_sites(struct shard *shard, struct packed *packed, struct buffer *why)
{
    uint32_t count = packed_take_count(packed, FACILITIES_MAX);
    if (count > 0 && shard->newest_ms == INT64_MIN)
        return ERR_SYNTAX;
    for (uint32_t i = 0; i < count; i++) {
        struct packed part;
        packed_take_part(packed, &part);
        int err = packed->damaged ? ERR_SYNTAX : take_site(shard, &part, why);
        if (err < 0) {
            packed->at = part.at; /* where it is wrong */
            return err;
        }
    }
    return packed->damaged ? ERR_SYNTAX : 0;
}

/* --- the rest --- */

static void take_pending(struct shard_loading *loading, struct packed *packed)
{
    loading->pending_dictionary = 0;
    if (packed_take_uint(packed, 1) == 0)
        return;
    loading->pending_dictionary = (uint32_t)packed_take_uint(packed, loading->dictionaries_count);
    loading->pending_number = (uint32_t)packed_take_uint(packed, METERS_MAX);
    loading->pending_next_row = packed_take_int(packed, -TIME_MAX_MS, TIME_MAX_MS);
    loading->pending_to_row = packed_take_int(packed, -TIME_MAX_MS, TIME_MAX_MS);
    packed->damaged |= loading->pending_dictionary == 0;
}

static void take_accrual(struct shard_loading *loading, struct packed *packed)
{
    loading->accrues = loading->names.version >= 5 && packed_take_uint(packed, 1) != 0;
    if (loading->accrues)
        loading->accrued_from_ms = payload_take_time(packed);
}

static void take_cursor(struct shard *shard, struct packed *packed)
{
    char id[NAME_BYTES_MAX + 1];
    packed_take_text(packed, id, sizeof(id));
    uint32_t facility = registry_find_facility(shard->context.registry, id, strlen(id));
    shard->cursor = facility == REGISTRY_NONE ? 0 : facility;
}

static bool take_magic(struct packed *packed)
{
    char magic[PAYLOAD_MAGIC_BYTES] = {0};
    for (size_t i = 0; i < sizeof(magic) && packed->at < packed->end; i++)
        magic[i] = (char)*packed->at++;
    return memcmp(magic, PAYLOAD_MAGIC, sizeof(magic)) == 0;
}

/* The payloads of a chain have one version, which this program knows. */
static int take_version(struct payload_names *names, struct packed *packed, struct buffer *why)
{
    uint64_t version = packed_take_uint(packed, UINT64_MAX);
    if (packed->damaged || version == 0 || (names->version != 0 && names->version != version))
        return ERR_SYNTAX;
    if (version > PAYLOAD_VERSION) {
        buffer_printf(why, "it has format %" PRIu64 ", and this program knows %d", version,
                      PAYLOAD_VERSION);
        return ERR_SYNTAX;
    }
    names->version = (uint32_t)version;
    return 0;
}

static int take_payload(struct shard *shard, struct packed *packed, struct buffer *why)
{
    int err = take_magic(packed) ? take_version(&shard->loading->names, packed, why) : ERR_SYNTAX;
    if (err < 0)
        return err;
    uint64_t number = packed_take_uint(packed, UINT32_MAX - 1);
    if (packed->damaged || number != shard->loading->next)
        return ERR_SYNTAX;
    err = number == 0 ? take_configuration(shard, packed, why) : 0;
    if (err < 0)
        return err;
    take_clock(shard, packed);
    take_counts(shard, packed);
    err = packed->damaged ? ERR_SYNTAX : take_sites(shard, packed, why);
    if (err < 0)
        return err;
    take_pending(shard->loading, packed);
    take_accrual(shard->loading, packed);
    take_cursor(shard, packed);
    shard->loading->next++;
    return packed->damaged || !packed_is_at_end(packed) ? ERR_SYNTAX : 0;
}

int shard_load(struct shard *shard, const void *payload, size_t size, struct buffer *why)
{
    if (shard->loading == NULL) {
        ASSERT(shard->newest_ms == INT64_MIN && shard->chain_next == 0);
        shard->loading = calloc(1, sizeof(*shard->loading));
        if (shard->loading == NULL)
            return -ENOMEM;
    }
    struct packed packed;
    packed_init(&packed, payload, size);
    size_t said = why->size;
    int err = take_payload(shard, &packed, why);
    if (err < 0 && why->size == said)
        buffer_printf(why, "%s at byte %td of payload %" PRIu32,
                      err == ERR_SYNTAX ? "it is damaged" : err_str(err), packed.at - packed.begin,
                      shard->loading->next);
    return err;
}

/* The event that waits goes on, unless its meter is gone. */
static int settle_pending(struct shard *shard)
{
    const struct shard_loading *loading = shard->loading;
    if (loading->pending_dictionary == 0)
        return 0;
    const struct dictionary *dictionary = loading->dictionaries[loading->pending_dictionary - 1];
    if (loading->pending_number >= dictionary->meters_count)
        return ERR_SYNTAX;
    uint32_t column = dictionary->meters[loading->pending_number];
    if (dictionary->facility == REGISTRY_NONE || column == REGISTRY_NONE)
        return 0;
    struct site *site = shard->sites[dictionary->facility];
    if (loading->pending_next_row < site_day(site, 0)->first_row ||
        loading->pending_next_row >= loading->pending_to_row ||
        loading->pending_to_row > shard->clock.top_row + 1)
        return ERR_SYNTAX;
    shard->pending = (struct pending){.site = site,
                                      .column = column,
                                      .next_row = loading->pending_next_row,
                                      .to_row = loading->pending_to_row};
    return 0;
}

/* If no meter accrues any more, no day waits for one. */
static int settle_accrual(struct shard *shard)
{
    const struct shard_loading *loading = shard->loading;
    struct site_clock *clock = &shard->clock;
    if (shard->newest_ms == INT64_MIN)
        return loading->accrues ? ERR_SYNTAX : 0;
    shard_clock_accrue(shard);
    clock->accrued_from_ms = clock->accrued_ms;
    if (!loading->accrues || shard->accrual_ms == INT64_MAX)
        return 0;
    clock->accrued_from_ms = loading->accrued_from_ms;
    return clock->accrued_from_ms < clock->accrued_ms ? 0 : ERR_SYNTAX;
}

static int settle_sites(struct shard *shard)
{
    const struct shard_loading *loading = shard->loading;
    struct site_clock clock = shard->clock;
    if (shard->newest_ms != INT64_MIN)
        clock.passed_ms = shard_watermark_of(shard, shard->newest_ms);
    for (uint32_t i = 0; i < loading->dictionaries_count; i++) {
        const struct dictionary *dictionary = loading->dictionaries[i];
        if (dictionary->facility == REGISTRY_NONE)
            continue;
        struct site *site = shard->sites[dictionary->facility];
        bool waits = shard->pending.site == site;
        const struct site_loaded loaded = {
            .clock = &clock,
            .newest_ms = shard->newest_ms,
            .dictionary = dictionary,
            .new_sinks = loading->new_sinks,
            .earlier = loading->names.version < PAYLOAD_VERSION_ROWS,
            .pending_column = waits ? shard->pending.column : UINT32_MAX,
            .pending_row = shard->pending.next_row,
        };
        int err = site_load_end(site, &loaded);
        if (err < 0)
            return err;
        course_bytes_end(site, shard->courses[dictionary->facility], loading->new_sinks,
                         clock.passed_ms);
        /* Another partition may have it: two processes could not know. */
        (void)shard_claim(shard, dictionary->facility);
    }
    return 0;
}

int shard_load_end(struct shard *shard, struct buffer *why)
{
    int err = shard->loading == NULL ? ERR_SYNTAX : settle_pending(shard);
    if (err == 0)
        err = settle_accrual(shard);
    if (err == 0)
        err = settle_sites(shard);
    if (err < 0)
        buffer_add_str(why, "it is not whole");
    else
        shard_loading_destroy(&shard->loading);
    if (err == 0 && !shard_has_pending(shard))
        (void)shard_judge(shard); /* what was saved while the shard waited for room */
    return err;
}

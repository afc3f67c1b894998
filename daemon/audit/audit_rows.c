/* audit_rows.c - the rows of a state beside those of a database, facility by facility. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "daemon/audit/audit.h"

enum { BLOCK_ROWS = 20000, VALUE_TEXT_SIZE = 64 };

/* A row of the state, and what the database has in its place. */
struct pair {
    struct row row;
    bool compared; /* final, and the database should have it */
    bool found;
    struct archive_row archived; /* the newest */
};

/* A window whose newest row the sink may not have. */
struct open_window {
    uint32_t facility;
    uint8_t level;
    int64_t start_ms;
};

struct comparison {
    struct audit *audit;
    struct shard *shard;
    uint32_t sink;
    struct archive *archive;
    struct block *block;
    struct buffer open;  /* of struct open_window, sorted */
    struct buffer pairs; /* of struct pair: one facility's */
    struct buffer *why;

    /* the measurement in hand: pairs [first, end) */
    size_t first, end;
    int64_t final_ms; /* the end of its last window that is compared */
};

static struct pair *pairs_of(const struct comparison *comparison)
{
    return (struct pair *)(void *)comparison->pairs.data;
}

static size_t pairs_count(const struct comparison *comparison)
{
    return comparison->pairs.size / sizeof(struct pair);
}

/* --- windows that are still on their way --- */

static int compare_open(const void *a, const void *b)
{
    const struct open_window *one = a;
    const struct open_window *other = b;
    if (one->facility != other->facility)
        return one->facility < other->facility ? -1 : 1;
    if (one->level != other->level)
        return one->level < other->level ? -1 : 1;
    return one->start_ms < other->start_ms ? -1 : one->start_ms > other->start_ms;
}

static bool is_open(const struct comparison *comparison, const struct row *row)
{
    const struct open_window key = {
        .facility = row->facility, .level = row->level, .start_ms = row->window.start_ms};
    size_t count = comparison->open.size / sizeof(key);
    return count > 0 &&
           bsearch(&key, comparison->open.data, count, sizeof(key), compare_open) != NULL;
}

static uint32_t take_block(struct comparison *comparison)
{
    struct block *block = comparison->block;
    block->count = 0;
    block->sink = comparison->sink;
    block->registry = comparison->audit->config->registry;
    return shard_take_rows(comparison->shard, comparison->sink, TAKE_ALL, block);
}

static void settle_block(struct comparison *comparison)
{
    const struct block *block = comparison->block;
    for (uint32_t i = 0; i < block->count; i++)
        shard_end_row(comparison->shard, comparison->sink, &block->rows[i], BLOCK_DURABLE);
}

/* The database need not have a window that is dirty or at risk, or becomes final only now. */
static int note_open(struct comparison *comparison)
{
    const struct block *block = comparison->block;
    shard_take_over(comparison->shard, comparison->sink, TAKEOVER_ROUND_TWO);
    while (take_block(comparison) > 0) {
        for (uint32_t i = 0; i < block->count; i++) {
            const struct row *row = &block->rows[i];
            struct open_window window = {0};
            window.facility = row->facility;
            window.level = row->level;
            window.start_ms = row->window.start_ms;
            if (row->kind == ROW_COVERAGE)
                buffer_add(&comparison->open, &window, sizeof(window));
        }
        settle_block(comparison);
    }
    if (buffer_failed(&comparison->open))
        return -ENOMEM;
    size_t count = comparison->open.size / sizeof(struct open_window);
    if (count > 0)
        qsort(comparison->open.data, count, sizeof(struct open_window), compare_open);
    return 0;
}

/* --- one measurement of one facility --- */

static int compare_pairs(const void *a, const void *b)
{
    const struct row *one = &((const struct pair *)a)->row;
    const struct row *other = &((const struct pair *)b)->row;
    if (one->kind != other->kind)
        return one->kind < other->kind ? -1 : 1;
    if (one->level != other->level)
        return one->level < other->level ? -1 : 1;
    if (one->series != other->series)
        return one->series < other->series ? -1 : 1;
    if (one->window.start_ms != other->window.start_ms)
        return one->window.start_ms < other->window.start_ms ? -1 : 1;
    return 0;
}

static struct audit_place place_of(const struct comparison *comparison, const struct row *row)
{
    return (struct audit_place){.sink = comparison->sink,
                                .kind = (enum row_kind)row->kind,
                                .level = (enum level)row->level,
                                .facility = row->facility,
                                .series = row->series,
                                .start_ms = row->window.start_ms};
}

/* The pair of this kind, level and series whose window holds the instant; NULL without one. */
static struct pair *find_pair(const struct comparison *comparison, const struct row *like,
                              int64_t time_ms)
{
    struct pair *pairs = pairs_of(comparison);
    struct pair key = {.row = *like};
    key.row.window.start_ms = time_ms;
    size_t low = 0;
    size_t high = pairs_count(comparison);
    while (low < high) { /* the first that is greater */
        size_t middle = (low + high) / 2;
        if (compare_pairs(&pairs[middle], &key) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return NULL;
    struct pair *pair = &pairs[low - 1];
    bool same = pair->row.kind == like->kind && pair->row.level == like->level &&
                pair->row.series == like->series;
    return same && time_ms < pair->row.window.end_ms ? pair : NULL;
}

/* A row of the database that the state does not have: unless its window is under way anyway. */
static void tell_surplus(struct comparison *comparison, const struct archive_row *archived)
{
    struct row like = pairs_of(comparison)[comparison->first].row;
    struct row coverage = like;
    coverage.kind = ROW_COVERAGE;
    coverage.series = REGISTRY_NONE;
    const struct pair *window = find_pair(comparison, &coverage, archived->time_ms);
    if ((window != NULL && !window->compared) || archived->time_ms >= comparison->final_ms)
        return;
    struct audit_place place = place_of(comparison, &like);
    place.series = archived->series;
    place.tags = archived->is_stranger ? archived->tags : NULL;
    place.start_ms = archived->time_ms;
    audit_tell(comparison->audit, &place, NULL, "nothing", "a row");
}

static int on_archived(void *context, const struct archive_row *archived)
{
    struct comparison *comparison = context;
    struct row like = pairs_of(comparison)[comparison->first].row;
    like.series = archived->series;
    bool is_victoria =
        comparison->audit->config->sinks[comparison->sink].dialect == DIALECT_VICTORIA;
    struct pair *pair =
        archived->is_stranger ? NULL : find_pair(comparison, &like, archived->time_ms);
    if (pair == NULL || (!is_victoria && pair->row.window.start_ms != archived->time_ms)) {
        tell_surplus(comparison, archived);
        return 0;
    }
    if (pair->found && !is_victoria && pair->compared) {
        struct audit_place place = place_of(comparison, &pair->row);
        audit_tell(comparison->audit, &place, NULL, "one row", "two with other group tags");
    }
    if (!pair->found || archived->time_ms >= pair->archived.time_ms)
        pair->archived = *archived;
    pair->found = true;
    return 0;
}

/* The value as the stores have it, and as people read it. */
static double expected_value(const struct field *field, const struct row *row,
                             char text[VALUE_TEXT_SIZE])
{
    struct buffer out;
    buffer_init(&out, VALUE_TEXT_SIZE - 1);
    switch (field->type) {
    case FIELD_FIXED:
        buffer_add_fixed(&out, field_fixed(field, row), field->decimals);
        break;
    case FIELD_RATIO:
        buffer_printf(&out, "%.17g", field_ratio(field, row));
        break;
    case FIELD_INTEGER:
        buffer_add_int(&out, field_count(field, row));
        break;
    case FIELD_FLAG:
    default:
        buffer_add_int(&out, field_flag(field, row));
        break;
    }
    (void)snprintf(text, VALUE_TEXT_SIZE, "%s", buffer_failed(&out) ? "" : buffer_text(&out));
    buffer_fini(&out);
    return strtod(text, NULL);
}

/* VictoriaMetrics keeps fractions as decimals, cut after twelve digits (seen with 1.79.5; its
 * lib/decimal calls it the conversion precision). The others keep what they got, to the bit, which
 * beyond 2^53 of the last decimal may be one of two neighbours. */
static bool is_same(double expected, double found, bool is_victoria)
{
    if (expected == found)
        return true;
    double slack = is_victoria ? 2e-12 : fabs(expected) >= 0x1p53 / 1e6 ? 0x1p-51 : 0;
    return fabs(expected - found) <= slack * fabs(expected);
}

static size_t find_field(const struct measurement *measurement, const char *name)
{
    for (size_t i = 0; i < measurement->fields_count; i++) {
        if (strcmp(measurement->fields[i].name, name) == 0)
            return i;
    }
    return 0;
}

/* The daemon has gone on since the state was saved. */
static bool is_newer(const struct measurement *measurement, const struct pair *pair)
{
    size_t revision = find_field(measurement, "revision");
    return (pair->archived.present >> revision & 1) != 0 &&
           pair->archived.values[revision] > (double)pair->row.revision;
}

static void compare_fields(struct comparison *comparison, const struct pair *pair)
{
    const struct measurement *measurement = &measurements[pair->row.kind];
    struct audit_place place = place_of(comparison, &pair->row);
    bool is_victoria =
        comparison->audit->config->sinks[comparison->sink].dialect == DIALECT_VICTORIA;
    for (size_t i = 0; i < measurement->fields_count; i++) {
        char expected_text[VALUE_TEXT_SIZE];
        char found_text[VALUE_TEXT_SIZE] = "nothing";
        if (!field_is_known(&measurement->fields[i], &pair->row))
            continue; /* InfluxDB keeps what was known before */
        double expected = expected_value(&measurement->fields[i], &pair->row, expected_text);
        bool present = (pair->archived.present >> i & 1) != 0;
        if (present && is_same(expected, pair->archived.values[i], is_victoria))
            continue;
        if (present)
            (void)snprintf(found_text, sizeof(found_text), "%.17g", pair->archived.values[i]);
        audit_tell(comparison->audit, &place, measurement->fields[i].name, expected_text,
                   found_text);
    }
}

static void judge_pair(struct comparison *comparison, const struct pair *pair)
{
    if (!pair->compared)
        return;
    comparison->audit->windows += pair->row.kind == ROW_COVERAGE;
    struct audit_place place = place_of(comparison, &pair->row);
    if (!pair->found)
        audit_tell(comparison->audit, &place, NULL, "a row", "nothing");
    else if (is_newer(&measurements[pair->row.kind], pair))
        comparison->audit->newer++;
    else
        compare_fields(comparison, pair);
}

/* pairs [first, end): all of one kind and level. */
static int compare_measurement(struct comparison *comparison)
{
    struct pair *pairs = pairs_of(comparison);
    const struct row *row = &pairs[comparison->first].row;
    struct archive_query query = {.kind = (enum row_kind)row->kind,
                                  .level = (enum level)row->level,
                                  .facility = row->facility,
                                  .from_ms = INT64_MAX,
                                  .to_ms = INT64_MIN};
    for (size_t i = comparison->first; i < comparison->end; i++) {
        if (!pairs[i].compared)
            continue;
        query.from_ms = MIN(query.from_ms, pairs[i].row.window.start_ms);
        query.to_ms = MAX(query.to_ms, pairs[i].row.window.end_ms);
    }
    if (query.from_ms >= query.to_ms)
        return 0;
    comparison->final_ms = query.to_ms;
    int err = archive_read(comparison->archive, &query, on_archived, comparison, comparison->why);
    for (size_t i = comparison->first; err == 0 && i < comparison->end; i++)
        judge_pair(comparison, &pairs[i]);
    return err;
}

/* --- all of one facility, and of the shard --- */

static int compare_facility(struct comparison *comparison)
{
    size_t count = pairs_count(comparison);
    struct pair *pairs = pairs_of(comparison);
    if (count == 0)
        return 0;
    qsort(pairs, count, sizeof(*pairs), compare_pairs);
    int err = 0;
    for (size_t first = 0; first < count && err == 0; first = comparison->end) {
        size_t end = first + 1;
        while (end < count && pairs[end].row.kind == pairs[first].row.kind &&
               pairs[end].row.level == pairs[first].row.level)
            end++;
        comparison->first = first;
        comparison->end = end;
        err = compare_measurement(comparison);
    }
    buffer_clear(&comparison->pairs);
    return err;
}

static int add_pair(struct comparison *comparison, const struct row *row)
{
    int err = 0;
    if (row->kind >= ROW_WINDOW_KINDS)
        return 0; /* rows of targets are of no window, and are not compared */
    if (comparison->pairs.size > 0 && pairs_of(comparison)[0].row.facility != row->facility)
        err = compare_facility(comparison);
    struct pair pair = {.row = *row, .compared = row->final && !is_open(comparison, row)};
    buffer_add(&comparison->pairs, &pair, sizeof(pair));
    return buffer_failed(&comparison->pairs) ? -ENOMEM : err;
}

static int compare_sink(struct comparison *comparison)
{
    int err = note_open(comparison);
    (void)shard_mark_dirty(comparison->shard, comparison->sink, INT64_MIN);
    while (err == 0 && take_block(comparison) > 0) {
        for (uint32_t i = 0; i < comparison->block->count && err == 0; i++)
            err = add_pair(comparison, &comparison->block->rows[i]);
        settle_block(comparison);
    }
    return err == 0 ? compare_facility(comparison) : err;
}

int audit_rows(struct audit *audit, struct shard *shard, struct buffer *why)
{
    struct comparison comparison = {.audit = audit, .shard = shard, .why = why};
    int err = block_create(&comparison.block, BLOCK_ROWS);
    for (uint32_t i = 0; i < audit->config->sinks_count && err == 0; i++) {
        if (audit->archives[i] == NULL)
            continue;
        comparison.sink = i;
        comparison.archive = audit->archives[i];
        buffer_init(&comparison.open, SIZE_MAX / 4);
        buffer_init(&comparison.pairs, SIZE_MAX / 4);
        err = compare_sink(&comparison);
        if (err < 0)
            buffer_printf(why, " (sink \"%s\")", audit->config->sinks[i].name);
        buffer_fini(&comparison.open);
        buffer_fini(&comparison.pairs);
    }
    block_destroy(&comparison.block);
    return err;
}

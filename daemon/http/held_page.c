#include "daemon/http/held_page.h"

#include <inttypes.h>
#include <string.h>
#include <sys/param.h>

#include "base/foreign.h"
#include "base/timestamp.h"
#include "pipelines/metering/fates.h"

enum {
    READINGS_PER_PIECE = 50000, /* below a millisecond; one journal more at most */
    MICRO_DECIMALS = 6,
    METER_BITS = 32, /* of the cursor */
    LISTED_BITS = 8,
    REST_MAX = (1 << 23) - 1
};

/* Where the page stands, between two pieces. */
struct held_progress {
    uint32_t meter; /* the next one */
    uint32_t rest;  /* lines that are left out, as the page is full; it stops at its maximum */
    uint32_t listed;
};

static struct held_progress unpack(uint64_t cursor)
{
    return (struct held_progress){.meter = (uint32_t)cursor,
                                  .rest = (uint32_t)(cursor >> (METER_BITS + LISTED_BITS)),
                                  .listed = (cursor >> METER_BITS) & ((1U << LISTED_BITS) - 1)};
}

static uint64_t pack(const struct held_progress *progress)
{
    uint64_t rest = MIN(progress->rest, REST_MAX);
    uint64_t counts = rest << LISTED_BITS | progress->listed;
    return counts << METER_BITS | progress->meter;
}

_Static_assert((int)HELD_METERS_MAX < 1 << LISTED_BITS, "the cursor holds it");

static void add_line(struct buffer *body, const struct registry *registry,
                     const struct meter *meter, const struct held_stretches *held)
{
    char from[TIMESTAMP_TEXT_SIZE];
    char to[TIMESTAMP_TEXT_SIZE];
    const char *facility = registry->facilities[meter->facility].id;
    buffer_add_str(body, "meter=");
    foreign_add_quoted(body, meter->id, strlen(meter->id));
    buffer_add_str(body, " facility=");
    foreign_add_quoted(body, facility, strlen(facility));
    buffer_printf(body, " reason=%s stretches=%" PRIu32 " held_s=%" PRId64 " from=%s to=%s amount=",
                  held_reason(meter), held->count, held->held_ms / SECOND_MS,
                  timestamp_format(from, held->from_ms), timestamp_format(to, held->to_ms));
    buffer_add_fixed(body, held->amount, MICRO_DECIMALS);
    buffer_printf(body, " unit=%s", quantity_unit((enum quantity)meter->quantity));
    if (meter->kind == KIND_STOCK) /* the dips around the newest balance */
        buffer_printf(body, " opening_dip=%s closing_dip=%s",
                      timestamp_format(from, held->newest_ms), timestamp_format(to, held->to_ms));
    buffer_add_char(body, '\n');
}

/* A document that should have come by now, as event time is. */
static void add_overdue(struct buffer *body, const struct registry *registry,
                        const struct meter *meter, const struct overdue *overdue)
{
    char time[TIMESTAMP_TEXT_SIZE];
    const char *facility = registry->facilities[meter->facility].id;
    buffer_add_str(body, "meter=");
    foreign_add_quoted(body, meter->id, strlen(meter->id));
    buffer_add_str(body, " facility=");
    foreign_add_quoted(body, facility, strlen(facility));
    buffer_printf(body, " reason=overdue newest_document=%s",
                  overdue->document_ms == INT64_MIN ? "none"
                                                    : timestamp_format(time, overdue->document_ms));
    buffer_printf(body, " due=%s overdue_s=%" PRId64 "\n", timestamp_format(time, overdue->due_ms),
                  overdue->time_ms / SECOND_MS);
}

/* One line a facility: the newest day of it. */
static void add_rest(struct buffer *body, const struct registry *registry,
                     const struct negative_rest *rest)
{
    char from[TIMESTAMP_TEXT_SIZE];
    char to[TIMESTAMP_TEXT_SIZE];
    const struct meter *meter = &registry->meters[rest->meter];
    const char *facility = registry->facilities[meter->facility].id;
    buffer_add_str(body, "main_meter=");
    foreign_add_quoted(body, meter->id, strlen(meter->id));
    buffer_add_str(body, " facility=");
    foreign_add_quoted(body, facility, strlen(facility));
    buffer_printf(body, " negative_rest_days=%" PRIu32 " from=%s to=%s rest=", rest->days,
                  timestamp_format(from, rest->day.start_ms),
                  timestamp_format(to, rest->day.end_ms));
    buffer_add_fixed(body, rest->rest, MICRO_DECIMALS);
    buffer_add_str(body, " shown=");
    buffer_add_fixed(body, rest->shown, MICRO_DECIMALS);
    buffer_printf(body, " unit=%s\n", quantity_unit((enum quantity)meter->quantity));
}

/* Whether there is room for one more line; else it is counted. */
static bool has_line(struct held_progress *progress)
{
    if (progress->listed == HELD_METERS_MAX) {
        progress->rest++;
        return false;
    }
    progress->listed++;
    return true;
}

bool held_page_add(const struct intake *intake, const struct registry *registry, uint64_t *cursor,
                   struct buffer *body)
{
    struct held_progress progress = unpack(*cursor);
    uint64_t looked_at = 0;
    while (progress.meter < registry->meters_count && looked_at < READINGS_PER_PIECE) {
        const struct meter *meter = &registry->meters[progress.meter];
        struct negative_rest rest;
        if (progress.meter == registry->facilities[meter->facility].meters_first &&
            intake_find_rest(intake, meter->facility, &rest) && has_line(&progress))
            add_rest(body, registry, &rest);
        struct overdue overdue;
        if (meter->every_ms > 0 && intake_find_overdue(intake, progress.meter, &overdue) &&
            has_line(&progress))
            add_overdue(body, registry, meter, &overdue);
        const struct journal *journal = intake_get_journal(intake, progress.meter++);
        struct held_stretches held = {0};
        if (journal != NULL)
            fates_find_held(&held, meter, journal, INT64_MIN);
        looked_at += journal != NULL ? journal->count + 1 : 1;
        if (held.count > 0 && has_line(&progress))
            add_line(body, registry, meter, &held);
    }
    *cursor = pack(&progress);
    if (progress.meter < registry->meters_count)
        return true;
    buffer_printf(body, "meters with something held or overdue: %" PRIu32 ", listed: %" PRIu32 "\n",
                  progress.listed + progress.rest, progress.listed);
    return false;
}

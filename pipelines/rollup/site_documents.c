#include "pipelines/rollup/site_documents.h"

#include <sys/param.h>

bool site_is_document(const struct meter *meter)
{
    return meter->kind == KIND_DELIVERY && meter->every_ms > 0;
}

/* When the next delivery is due. */
static int64_t due_after(const struct site *site, const struct meter *meter, int64_t time_ms)
{
    if (meter->every.months == 0 && meter->every.days == 0)
        return time_ms + meter->every_ms;
    return local_time_step(&site->conf.registry->local_times[site->facility->zone], time_ms,
                           meter->every, 1);
}

/* The newest delivery at or before time_ms, as an index of the journal; -1: none in it. */
static int64_t newest_at(const struct journal *journal, int64_t time_ms)
{
    int64_t i = (int64_t)journal_find(journal, time_ms + 1) - 1;
    while (i >= 0 && journal_at(journal, (uint32_t)i)->role != ROLE_READING)
        i--; /* it stands at another time now */
    return i;
}

/* The newest delivery up to time_ms that versions of the meter before this one have seen. */
static int64_t seen_before(const struct site *site, uint32_t column, int64_t time_ms)
{
    const struct registry *registry = site->conf.registry;
    uint32_t own = column + site->facility->meters_first;
    int64_t seen_ms = INT64_MIN;
    for (uint32_t i = registry->meters[own].first_version; i != own && i != REGISTRY_NONE;
         i = registry->meters[i].next_version) {
        const struct meter *meter = &registry->meters[i];
        if (meter->kind != KIND_DELIVERY || meter->facility != registry->meters[own].facility)
            continue;
        uint32_t other = i - site->facility->meters_first;
        int64_t newest = newest_at(&site->journals[other], time_ms);
        seen_ms = MAX(seen_ms, site->expected->document_ms[other]);
        if (newest >= 0)
            seen_ms = MAX(seen_ms, journal_at(&site->journals[other], (uint32_t)newest)->start_ms);
    }
    return seen_ms;
}

int64_t site_document_time(const struct site *site, uint32_t column, int64_t from_ms, int64_t to_ms)
{
    const struct meter *meter = &site->panel->meters[column];
    const struct journal *journal = &site->journals[column];
    if (from_ms >= to_ms)
        return 0;
    int64_t newest = newest_at(journal, from_ms);
    int64_t document_ms = seen_before(site, column, from_ms);
    document_ms = MAX(document_ms, site->expected->document_ms[column]);
    if (newest >= 0)
        document_ms = MAX(document_ms, journal_at(journal, (uint32_t)newest)->start_ms);
    int64_t until_ms = from_ms; /* up to there all is counted */
    int64_t time_ms = 0;
    if (document_ms != INT64_MIN) {
        int64_t due_ms = due_after(site, meter, document_ms);
        time_ms = MAX(MIN(due_ms, to_ms) - MAX(from_ms, document_ms), 0);
        until_ms = MAX(due_ms, from_ms);
    }
    for (uint32_t i = (uint32_t)(newest + 1); i < journal->count && until_ms < to_ms; i++) {
        const struct reading *reading = journal_at(journal, i);
        if (reading->start_ms >= to_ms)
            break;
        if (reading->role != ROLE_READING)
            continue;
        int64_t start_ms = MAX(reading->start_ms, until_ms);
        int64_t due_ms = due_after(site, meter, reading->start_ms);
        time_ms += MAX(MIN(due_ms, to_ms) - start_ms, 0);
        until_ms = MAX(until_ms, due_ms);
    }
    return time_ms;
}

void site_document_widen(const struct site *site, const struct site_clock *clock, uint32_t column,
                         const struct reading *reading, struct booking *booking)
{
    const struct meter *meter = &site->panel->meters[column];
    bool moved = booking->left_from_ms < booking->left_to_ms;
    if (!site_is_document(meter) || (booking->displaced != OUTCOME_USED && !moved))
        return; /* another amount at the same time covers the same */
    /* A decision may be on a document that stands at another time. */
    int64_t due_ms = due_after(site, meter, MAX(reading->start_ms, booking->to_ms - 1));
    if (moved) {
        booking->from_ms = MIN(booking->from_ms, booking->left_from_ms);
        due_ms = MAX(due_ms, due_after(site, meter, booking->left_from_ms));
    }
    int64_t newest_ms = (clock->top_row + 1) * site->conf.window->bucket_ms;
    booking->to_ms = MAX(booking->to_ms, MIN(due_ms, newest_ms));
}

/* The newest end at or before until_ms of a document in the journal; INT64_MIN: none. */
static int64_t newest_end(const struct journal *journal, const struct meter *meter,
                          int64_t until_ms)
{
    enum reading_role role = meter->kind == KIND_STOCK ? ROLE_DIP : ROLE_READING;
    int64_t newest_ms = INT64_MIN;
    for (uint32_t i = 0; i < journal->count; i++) {
        const struct reading *reading = journal_at(journal, i);
        if (reading->role == role && reading_end_ms(reading) <= until_ms)
            newest_ms = MAX(newest_ms, reading_end_ms(reading));
    }
    return newest_ms;
}

void site_forget(struct site *site, uint32_t column, int64_t floor_ms)
{
    const struct meter *meter = &site->panel->meters[column];
    struct journal *journal = &site->journals[column];
    int64_t *document_ms = &site->expected->document_ms[column];
    int64_t newest = site_is_document(meter) ? newest_at(journal, floor_ms - 1) : -1;
    if (newest >= 0)
        *document_ms = MAX(*document_ms, journal_at(journal, (uint32_t)newest)->start_ms);
    if (meter->kind == KIND_INTERVAL && meter->every_ms > 0)
        *document_ms = MAX(*document_ms, newest_end(journal, meter, floor_ms));
    booking_forget(meter, journal, floor_ms);
}

/* The newest end of all documents of the meter, of all its versions. */
static int64_t newest_document(const struct site *site, uint32_t column)
{
    const struct registry *registry = site->conf.registry;
    uint32_t own = column + site->facility->meters_first;
    int64_t newest_ms = INT64_MIN;
    for (uint32_t i = registry->meters[own].first_version; i != REGISTRY_NONE;
         i = registry->meters[i].next_version) {
        const struct meter *meter = &registry->meters[i];
        if (meter->facility != registry->meters[own].facility)
            continue;
        uint32_t other = i - site->facility->meters_first;
        newest_ms = MAX(newest_ms, site->expected->document_ms[other]);
        newest_ms = MAX(newest_ms, newest_end(&site->journals[other], meter, INT64_MAX));
    }
    return newest_ms;
}

bool site_find_overdue(const struct site *site, uint32_t column, int64_t expected_from_ms,
                       int64_t newest_ms, struct overdue *overdue_out)
{
    const struct meter *meter = &site->panel->meters[column];
    *overdue_out = (struct overdue){.document_ms = INT64_MIN};
    if (meter->every_ms == 0 || newest_ms < meter->valid_from_ms || newest_ms >= meter->valid_to_ms)
        return false;
    int64_t document_ms = newest_document(site, column);
    int64_t since_ms = document_ms != INT64_MIN ? document_ms : expected_from_ms;
    if (since_ms >= newest_ms)
        return false;
    int64_t due_ms = due_after(site, meter, since_ms);
    *overdue_out = (struct overdue){document_ms, due_ms, MAX(newest_ms - due_ms, 0)};
    return overdue_out->time_ms > 0;
}

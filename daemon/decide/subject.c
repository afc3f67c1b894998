#include "daemon/decide/subject.h"

#include <string.h>
#include <xxhash.h>

#include "pipelines/metering/decisions.h"

enum event_kind subject_kind(const struct meter *meter, const struct reading *reading)
{
    static const uint8_t kinds[ROLE_COUNT] = {
        [ROLE_READING] = EVENT_READING,   [ROLE_FINAL] = EVENT_EXCHANGE,
        [ROLE_INITIAL] = EVENT_EXCHANGE,  [ROLE_DIP] = EVENT_DIP,
        [ROLE_TRANSFER] = EVENT_TRANSFER, [ROLE_CREDIT] = EVENT_CREDIT,
    };
    if (meter->kind == KIND_STOCK && reading->role == ROLE_READING)
        return EVENT_DELIVERY;
    return (enum event_kind)kinds[reading->role];
}

/* Readings of the journal, then those that decisions have set aside. */
static const struct reading *entry_at(const struct journal *journal, uint32_t index)
{
    return index < journal->count ? journal_at(journal, index)
                                  : journal_aside(journal, index - journal->count);
}

/* One of the two readings of an exchange stands for both. */
static bool is_subject(const struct reading *entry)
{
    return entry->role != ROLE_DECISION && entry->role != ROLE_MOVED && entry->role != ROLE_INITIAL;
}

static bool is_kind(const struct meter *meter, const struct reading *entry, enum event_kind of)
{
    enum event_kind kind = subject_kind(meter, entry);
    return of == kind || (of == EVENT_READING && kind == EVENT_DELIVERY) ||
           (of == EVENT_DELIVERY && kind == EVENT_READING && meter->kind == KIND_DELIVERY);
}

/* The id of a document or of a line of a bill; 0: it has none. */
static uint64_t id_of(const struct meter *meter, const struct reading *entry)
{
    bool has = meter->kind == KIND_DELIVERY || meter->kind == KIND_INTERVAL ||
               (meter->kind == KIND_STOCK && entry->role != ROLE_DIP);
    return has ? entry->id_hash : 0;
}

static uint64_t hash_of(const char *id)
{
    uint64_t hash = XXH3_64bits(id, strlen(id));
    return hash == 0 ? 1 : hash;
}

static bool is_meant(const struct meter *meter, const struct reading *entry,
                     const struct subject_query *query)
{
    return is_subject(entry) && entry->start_ms == query->time_ms &&
           (query->end_ms == INT64_MIN || reading_end_ms(entry) == query->end_ms) &&
           (!query->has_of || is_kind(meter, entry, query->of)) &&
           (query->id == NULL || id_of(meter, entry) == hash_of(query->id));
}

static void add_match(struct subject *subject, const struct reading *entry)
{
    if (subject->count < SUBJECT_MATCHES_MAX)
        subject->matches[subject->count] = *entry;
    subject->count++;
}

/* The readings next to a time that has no reading. */
static void find_near(struct subject *subject, const struct journal *journal, int64_t time_ms)
{
    const struct reading *before = NULL;
    const struct reading *after = NULL;
    for (uint32_t i = 0; i < journal->count + journal->aside_count; i++) {
        const struct reading *entry = entry_at(journal, i);
        if (!is_subject(entry))
            continue;
        if (entry->start_ms <= time_ms && (before == NULL || entry->start_ms > before->start_ms))
            before = entry;
        if (entry->start_ms > time_ms && (after == NULL || entry->start_ms < after->start_ms))
            after = entry;
    }
    if (before != NULL)
        add_match(subject, before);
    if (after != NULL)
        add_match(subject, after);
}

/* Documents of one time and kind without an id are one thing to decide on. */
static bool is_shared(const struct meter *meter, const struct subject *subject)
{
    const struct reading *first = &subject->matches[0];
    for (uint32_t i = 0; i < subject->count && i < SUBJECT_MATCHES_MAX; i++) {
        const struct reading *other = &subject->matches[i];
        if (other->role != first->role || other->span_ms != first->span_ms ||
            id_of(meter, other) != 0)
            return false;
    }
    return true;
}

static void raise_rank(struct subject *subject, const struct reading *reading)
{
    subject->revision = reading->revision;
    subject->quality = (enum quality)reading->quality;
}

/* A standing decision may hold for a lower rank than the reading has by now, or a higher one. */
static void describe(struct subject *subject, const struct meter *meter,
                     const struct journal *journal)
{
    const struct reading *reading = &subject->matches[0];
    struct reading lowest = *reading; /* whatever the rank of the decision */
    lowest.quality = QUALITY_ESTIMATED;
    lowest.revision = 0;
    const struct reading *decision = decisions_find(meter, journal, &lowest);
    subject->of = subject_kind(meter, reading);
    raise_rank(subject, reading);
    if (decision == NULL)
        return;
    if (reading_rank(decision) > reading_rank(reading))
        raise_rank(subject, decision);
    subject->decided = reading_rank(decision) >= reading_rank(reading);
    subject->dropped = subject->decided && decision_drops(decision->value);
    subject->decided_offset = decision->offset;
}

void subject_find(struct subject *subject_out, const struct meter *meter,
                  const struct journal *journal, const struct subject_query *query)
{
    struct subject subject = {.state = SUBJECT_NONE};
    for (uint32_t i = 0; i < journal->count + journal->aside_count; i++) {
        if (is_meant(meter, entry_at(journal, i), query))
            add_match(&subject, entry_at(journal, i));
    }
    if (subject.count == 0)
        find_near(&subject, journal, query->time_ms);
    else if (subject.count > 1)
        subject.state = is_shared(meter, &subject) ? SUBJECT_SHARED : SUBJECT_SEVERAL;
    else if (query->id == NULL && id_of(meter, &subject.matches[0]) != 0)
        subject.state = SUBJECT_NEEDS_ID;
    else
        subject.state = SUBJECT_FOUND;
    if (subject.state == SUBJECT_FOUND)
        describe(&subject, meter, journal);
    *subject_out = subject;
}

#include "pipelines/state/site_versions.h"

#include <sys/param.h>

#include "config/registry/counters.h"

bool site_versions_share(const struct site *site, uint32_t column, uint32_t of)
{
    uint32_t first = site->facility->meters_first;
    if (column == of || of == UINT32_MAX)
        return column == of;
    uint32_t version = counters_next(site->conf.registry, column + first, REGISTRY_NONE);
    while (version != REGISTRY_NONE && version != of + first)
        version = counters_next(site->conf.registry, column + first, version);
    return version != REGISTRY_NONE;
}

static bool was_named(const struct dictionary *dictionary, uint32_t column)
{
    for (uint32_t i = 0; i < dictionary->meters_count; i++) {
        if (dictionary->meters[i] == column)
            return true;
    }
    return false;
}

/* Puts the reading in where no other has its time and role; what has no room is left out. */
static void take(struct journal *journal, const struct reading *reading)
{
    uint32_t index = journal_find(journal, reading->start_ms);
    while (index < journal->count && reading_is_before(journal_at(journal, index), reading))
        index++;
    const struct reading *there = index < journal->count ? journal_at(journal, index) : NULL;
    if (there != NULL && there->start_ms == reading->start_ms && there->role == reading->role)
        return;
    if (journal_insert(journal, index, reading) == 0)
        journal_changed(journal, reading->start_ms);
}

/* Decisions of people, and the readings that they set aside. */
static void adopt_aside(struct site *site, uint32_t column, uint32_t from)
{
    const struct meter *meter = &site->panel->meters[column];
    const struct journal *others = &site->journals[from];
    struct journal *journal = &site->journals[column];
    for (uint32_t i = 0; i < others->aside_count; i++) {
        struct reading entry = *journal_aside(others, i);
        bool decision = entry.role == ROLE_DECISION;
        int64_t value = entry.value;
        bool there = false;
        for (uint32_t k = 0; k < journal->aside_count; k++)
            there |= !reading_is_before(journal_aside(journal, k), &entry) &&
                     !reading_is_before(&entry, journal_aside(journal, k));
        if (there || journal->aside_count == ASIDE_MAX ||
            (!decision &&
             (!counters_rescale(&value, &site->panel->meters[from], meter, entry.value) ||
              (value < 0 && !meter->negative))))
            continue;
        entry.value = value;
        if (journal_put_aside(journal, &entry) < 0)
            return; /* it has no room: readings are left out, too */
    }
}

/* How the chain came to the first reading, as this version would have read it; unknown
 * if it could not. */
static struct register_past rescale_past(const struct register_past *past, const struct meter *from,
                                         const struct meter *to)
{
    struct register_past own = *past;
    for (uint32_t i = 0; i < MIN(own.rises, PAST_RISES); i++) {
        struct register_rise *rise = &own.newest[i];
        if (!counters_rescale(&rise->before, from, to, rise->before) ||
            !counters_rescale(&rise->amount, from, to, rise->amount) || rise->amount == 0)
            return (struct register_past){0};
    }
    return own;
}

static bool begins_with(const struct journal *journal, const struct journal *others)
{
    return journal->count > 0 && others->count > 0 &&
           journal_at(journal, 0)->start_ms == journal_at(others, 0)->start_ms;
}

static void adopt(struct site *site, uint32_t column, uint32_t from)
{
    const struct meter *meter = &site->panel->meters[column];
    const struct journal *others = &site->journals[from];
    struct journal *journal = &site->journals[column];
    bool begun = begins_with(journal, others);
    for (uint32_t i = 0; i < others->count; i++) {
        struct reading reading = *journal_at(others, i);
        int64_t value;
        if (!counters_rescale(&value, &site->panel->meters[from], meter, reading.value) ||
            (value < 0 && !meter->negative))
            continue;
        reading.value = value;
        reading.chain = 0;
        take(journal, &reading);
    }
    if (!begun && begins_with(journal, others)) {
        journal->past = rescale_past(&others->past, &site->panel->meters[from], meter);
        journal->past_changed = true;
    }
}

void site_versions_adopt(struct site *site, const struct dictionary *dictionary)
{
    uint32_t first = site->facility->meters_first;
    for (uint32_t column = 0; column < site->facility->meters_count; column++) {
        uint32_t other = counters_next(site->conf.registry, first + column, REGISTRY_NONE);
        if (other == REGISTRY_NONE || was_named(dictionary, column))
            continue;
        for (; other != REGISTRY_NONE;
             other = counters_next(site->conf.registry, first + column, other)) {
            if (!was_named(dictionary, other - first))
                continue;
            adopt(site, column, other - first);
            adopt_aside(site, column, other - first);
        }
    }
}

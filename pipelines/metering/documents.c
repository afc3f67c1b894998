#include "pipelines/metering/documents.h"

bool document_is(const struct meter *meter, const struct reading *reading)
{
    return meter->kind == KIND_DELIVERY || (meter->kind == KIND_STOCK && reading->role != ROLE_DIP);
}

static struct document_rivals find_by_id(const struct journal *journal,
                                         const struct reading *reading, int64_t known_from_ms)
{
    for (uint32_t i = journal->count; i > 0; i--) {
        const struct reading *other = journal_at(journal, i - 1);
        if (other->start_ms < known_from_ms)
            break;
        if (other->id_hash == reading->id_hash && other->role == reading->role)
            return (struct document_rivals){i - 1, 1};
    }
    return (struct document_rivals){0, 0};
}

static bool is_rival(const struct reading *other, const struct reading *reading)
{
    return other->start_ms == reading->start_ms && other->role == reading->role &&
           other->id_hash == 0;
}

struct document_rivals documents_find(const struct journal *journal, const struct reading *reading,
                                      int64_t known_from_ms)
{
    if (reading->id_hash != 0)
        return find_by_id(journal, reading, known_from_ms);
    struct document_rivals rivals = {journal_find(journal, reading->start_ms), 0};
    while (rivals.first < journal->count &&
           journal_at(journal, rivals.first)->start_ms == reading->start_ms &&
           !is_rival(journal_at(journal, rivals.first), reading))
        rivals.first++;
    while (rivals.first + rivals.count < journal->count &&
           is_rival(journal_at(journal, rivals.first + rivals.count), reading))
        rivals.count++;
    return rivals;
}

static struct reading note_of(const struct reading *reading)
{
    return (struct reading){.start_ms = reading->start_ms,
                            .offset = reading->offset,
                            .quality = QUALITY_ACTUAL,
                            .role = ROLE_MOVED,
                            .id_hash = reading->id_hash};
}

/* Where the note is, or where it belongs with *found_out false. */
static uint32_t find_note(const struct journal *journal, const struct reading *note,
                          bool *found_out)
{
    uint32_t index = journal_find(journal, note->start_ms);
    while (index < journal->count && reading_is_before(journal_at(journal, index), note))
        index++;
    *found_out = index < journal->count && !reading_is_before(note, journal_at(journal, index));
    return index;
}

bool documents_leave(struct journal *journal, const struct reading *reading)
{
    const struct reading note = note_of(reading);
    bool found;
    uint32_t index = find_note(journal, &note, &found);
    if (found)
        return false;
    int err = journal_insert(journal, index, &note);
    ASSERT(err == 0); /* there was room */
    journal_changed(journal, note.start_ms);
    return true;
}

void documents_return(struct journal *journal, const struct reading *reading)
{
    const struct reading note = note_of(reading);
    bool found;
    uint32_t index = find_note(journal, &note, &found);
    if (found)
        journal_remove(journal, index, 1);
}

enum outcome documents_judge(const struct journal *journal, struct document_rivals rivals,
                             const struct reading *reading, bool *displaces_out)
{
    *displaces_out = false;
    if (rivals.count == 0)
        return OUTCOME_USED;
    uint32_t old_rank = reading_rank(journal_at(journal, rivals.first));
    uint32_t new_rank = reading_rank(reading);
    *displaces_out = new_rank > old_rank;
    if (new_rank != old_rank)
        return new_rank > old_rank ? OUTCOME_USED : OUTCOME_CORRECTED;
    for (uint32_t i = 0; i < rivals.count; i++) {
        if (journal_at(journal, rivals.first + i)->value == reading->value)
            return OUTCOME_DUPLICATE;
    }
    return OUTCOME_USED;
}

#include "pipelines/metering/panel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#define CELL_BYTES                                                                                 \
    (sizeof(int64_t) + 2 * sizeof(uint32_t) + sizeof(uint8_t) + sizeof(struct cell_note))

static uint32_t words_of(uint32_t columns)
{
    return (columns + 63) / 64;
}

size_t panel_size(uint32_t rows, uint32_t columns)
{
    return sizeof(struct panel) + 2 * (size_t)columns * sizeof(int128) +
           (size_t)rows * columns * CELL_BYTES +
           (size_t)rows * (words_of(columns) * sizeof(uint64_t) + sizeof(bool));
}

int panel_create(struct panel **panel_out, uint32_t rows, uint32_t columns, int64_t bucket_ms,
                 const struct meter *meters, struct journal *journals)
{
    ASSERT(rows > 0 && bucket_ms > 0);
    size_t cells = (size_t)rows * columns;
    struct panel *panel = calloc(1, panel_size(rows, columns));
    if (panel == NULL)
        return -ENOMEM;
    panel->rows = rows;
    panel->columns = columns;
    panel->words = words_of(columns);
    panel->bucket_ms = bucket_ms;
    panel->meters = meters;
    panel->journals = journals;
    panel->moved = (int128 *)(panel + 1); /* the widest first: all stay aligned */
    panel->left = panel->moved + columns;
    panel->activity = (int64_t *)(panel->left + columns);
    panel->notes = (struct cell_note *)(panel->activity + cells);
    panel->stale = (uint64_t *)(panel->notes + cells);
    panel->covered_ms = (uint32_t *)(panel->stale + (size_t)rows * panel->words);
    panel->estimated_ms = panel->covered_ms + cells;
    panel->present = (uint8_t *)(panel->estimated_ms + cells);
    panel->noted = (bool *)(panel->present + cells);
    *panel_out = panel;
    return 0;
}

void panel_destroy(struct panel **panel)
{
    free(TAKE(*panel));
}

static uint64_t *stale_words(struct panel *panel, int64_t row)
{
    return &panel->stale[(size_t)panel_slot(panel, row) * panel->words];
}

void panel_mark_stale(struct panel *panel, int64_t row, uint32_t column)
{
    ASSERT(column < panel->columns);
    stale_words(panel, row)[column / 64] |= UINT64_C(1) << column % 64;
}

static bool is_noted(const struct cell *cell)
{
    return cell->spread_ms != 0 || cell->held_ms != 0 || cell->moved_ms != 0 ||
           cell->glitches != 0 || cell->conflicts != 0;
}

static struct cell_note note_of(const struct panel *panel, const struct cell *cell)
{
    ASSERT(cell->spread_ms <= cell->covered_ms && cell->held_ms <= panel->bucket_ms);
    ASSERT(cell->glitches <= NOTE_COUNT_MAX && cell->conflicts <= NOTE_COUNT_MAX);
    ASSERT(cell->moved_ms >= 0 && cell->moved_ms <= NOTE_MOVED_MAX_MS);
    return (struct cell_note){.spread_ms = cell->spread_ms & NOTE_MS_MAX,
                              .held_ms = cell->held_ms & NOTE_MS_MAX,
                              .glitches = cell->glitches & NOTE_COUNT_MAX,
                              .conflicts = cell->conflicts & NOTE_COUNT_MAX,
                              .moved_ms = (uint64_t)cell->moved_ms & NOTE_MOVED_MAX_MS};
}

static bool is_stock(const struct panel *panel, uint32_t column)
{
    return panel->meters[column].kind == KIND_STOCK;
}

static void take_off(struct panel *panel, uint32_t column, const struct cell_note *note)
{
    panel->noted_now.held_ms -= note->held_ms;
    panel->noted_now.held_stock_ms -= is_stock(panel, column) ? note->held_ms : 0;
    panel->noted_now.glitches -= note->glitches;
    panel->noted_now.conflicts -= note->conflicts;
}

/* A cell without a note touches no memory of notes, unless its row has others. */
static void put_note(struct panel *panel, uint32_t slot, uint32_t column, const struct cell *cell)
{
    bool noted = is_noted(cell);
    if (!noted && !panel->noted[slot])
        return;
    ASSERT(!noted || cell->present);
    panel->noted[slot] = true;
    struct cell_note note = note_of(panel, cell);
    struct cell_note *place = &panel->notes[(size_t)slot * panel->columns + column];
    take_off(panel, column, place);
    *place = note;
    panel->noted_now.held_ms += note.held_ms;
    panel->noted_now.held_stock_ms += is_stock(panel, column) ? note.held_ms : 0;
    panel->noted_now.glitches += note.glitches;
    panel->noted_now.conflicts += note.conflicts;
}

void panel_put(struct panel *panel, int64_t row, uint32_t column, const struct cell *cell)
{
    ASSERT(column < panel->columns);
    ASSERT(cell->estimated_ms <= cell->covered_ms && cell->covered_ms <= panel->bucket_ms);
    uint32_t slot = panel_slot(panel, row);
    put_note(panel, slot, column, cell);
    size_t i = (size_t)slot * panel->columns + column;
    panel->moved[column] += (int128)cell->activity - panel->activity[i];
    panel->activity[i] = cell->activity;
    panel->covered_ms[i] = cell->covered_ms;
    panel->estimated_ms[i] = cell->estimated_ms;
    panel->present[i] = cell->present;
    panel->held += cell->held;
}

static void project(struct panel *panel, int64_t row, uint32_t column)
{
    struct cell cell;
    projection_cell(&cell, &panel->meters[column], &panel->journals[column], row * panel->bucket_ms,
                    panel->bucket_ms);
    panel_put(panel, row, column, &cell);
}

/* Journals lie apart, and a row mostly needs the newest readings of many: the processor fetches
 * them side by side. */
static void prefetch(const struct panel *panel, uint32_t first, uint64_t columns)
{
    for (; columns != 0; columns &= columns - 1) {
        const struct journal *journal =
            &panel->journals[first + (uint32_t)__builtin_ctzll(columns)];
        __builtin_prefetch(journal_at(journal, journal->count - MIN(journal->count, 1)));
        __builtin_prefetch(journal_at(journal, journal->count - MIN(journal->count, 2)));
    }
}

void panel_project_row(struct panel *panel, int64_t row)
{
    uint64_t *words = stale_words(panel, row);
    for (uint32_t word = 0; word < panel->words; word++) {
        prefetch(panel, word * 64, words[word]);
        for (; words[word] != 0; words[word] &= words[word] - 1)
            project(panel, row, word * 64 + (uint32_t)__builtin_ctzll(words[word]));
    }
}

bool panel_is_stale(const struct panel *panel, uint32_t column, int64_t from_row, int64_t to_row)
{
    ASSERT(column < panel->columns);
    const uint64_t *words = panel->stale + column / 64;
    for (int64_t row = from_row; row < to_row; row++) {
        if ((words[(size_t)panel_slot(panel, row) * panel->words] >> column % 64 & 1) != 0)
            return true;
    }
    return false;
}

/* The sum that the column's cells hold and have held. */
static int128 sum_column(const struct panel *panel, uint32_t column)
{
    int128 sum = panel->left[column];
    for (uint32_t slot = 0; slot < panel->rows; slot++)
        sum += panel->activity[(size_t)slot * panel->columns + column];
    return sum;
}

uint32_t panel_audit(const struct panel *panel)
{
    for (uint32_t column = 0; column < panel->columns; column++) {
        if (sum_column(panel, column) != panel->moved[column])
            return column;
    }
    return UINT32_MAX;
}

void panel_check(const struct panel *panel)
{
    ASSERT(panel_audit(panel) == UINT32_MAX);
    for (size_t i = 0; i < (size_t)panel->rows * panel->columns; i++) {
        ASSERT(panel->estimated_ms[i] <= panel->covered_ms[i]);
        ASSERT(panel->covered_ms[i] <= panel->bucket_ms);
        ASSERT(panel->present[i] != 0 || (panel->activity[i] == 0 && panel->covered_ms[i] == 0));
        if (!panel->noted[i / panel->columns])
            continue;
        ASSERT(panel->notes[i].spread_ms <= panel->covered_ms[i]);
        ASSERT(panel->present[i] != 0 || note_is_empty(&panel->notes[i]));
    }
}

void panel_accept(struct panel *panel)
{
    for (uint32_t column = 0; column < panel->columns; column++)
        panel->moved[column] = sum_column(panel, column);
}

static void clear_notes(struct panel *panel, size_t first)
{
    for (uint32_t column = 0; column < panel->columns; column++)
        take_off(panel, (uint32_t)column, &panel->notes[first + column]);
    memset(panel->notes + first, 0, panel->columns * sizeof(*panel->notes));
}

void panel_clear_row(struct panel *panel, int64_t row)
{
    size_t first = (size_t)panel_slot(panel, row) * panel->columns;
    for (uint32_t column = 0; column < panel->columns; column++)
        panel->left[column] += panel->activity[first + column];
    memset(panel->activity + first, 0, panel->columns * sizeof(*panel->activity));
    memset(panel->covered_ms + first, 0, panel->columns * sizeof(*panel->covered_ms));
    memset(panel->estimated_ms + first, 0, panel->columns * sizeof(*panel->estimated_ms));
    memset(panel->present + first, 0, panel->columns);
    if (panel->noted[panel_slot(panel, row)])
        clear_notes(panel, first);
    panel->noted[panel_slot(panel, row)] = false;
    memset(stale_words(panel, row), 0, panel->words * sizeof(uint64_t));
}

/*
 * panel.h - the activity of one facility: a row per time bucket, a column per meter.
 *
 * Rows form a ring over the correction horizon; row numbers are time divided by the bucket, so a
 * row's slot is its number modulo the ring. A cell whose readings changed is stale until it is
 * projected from its meter's journal again, which happens once per emission, not per event.
 * The site owns the panel; all memory is taken when it is created.
 */
#ifndef GHGD_PANEL_H
#define GHGD_PANEL_H

#include "pipelines/metering/cell_note.h"
#include "pipelines/metering/projection.h"

struct panel {
    _Alignas(16) uint32_t rows, columns, words; /* words of 64 stale bits per row */
    int64_t bucket_ms;
    const struct meter *meters; /* of the columns */
    struct journal *journals;
    int64_t *activity; /* [rows][columns] each */
    uint32_t *covered_ms, *estimated_ms;
    uint8_t *present;
    struct cell_note *notes; /* pages of it that hold no note are never touched */
    bool *noted;             /* [rows]: some note is in the row; without it all are empty */
    uint64_t *stale;
    uint64_t held; /* cells that could not be held, ever */
    struct note_sums noted_now;

    /* A ledger by column, in micro-units, which nothing but panel_audit() reads: all changes of
     * cells ever, and what cells held when their row was cleared. The difference is in the rows. */
    int128 *moved, *left;
};

/* One row's cells: arrays over the columns. */
struct panel_row {
    const int64_t *activity;
    const uint32_t *covered_ms, *estimated_ms;
    const uint8_t *present;
    const struct cell_note *notes;
    const bool *noted; /* of the row, and the rows behind it in the ring */
};

/* The bytes that panel_create takes. */
size_t panel_size(uint32_t rows, uint32_t columns);
/* meters and journals (one per column) are borrowed and outlive the panel. 0 or -ENOMEM. */
int panel_create(struct panel **panel_out, uint32_t rows, uint32_t columns, int64_t bucket_ms,
                 const struct meter *meters, struct journal *journals) MUST_CHECK;
void panel_destroy(struct panel **panel);

static inline uint32_t panel_slot(const struct panel *panel, int64_t row)
{
    int64_t slot = row % panel->rows;
    return (uint32_t)(slot < 0 ? slot + panel->rows : slot);
}

/* The slot of the row after the one that is in `slot`. */
static inline uint32_t panel_next_slot(const struct panel *panel, uint32_t slot)
{
    return slot + 1 < panel->rows ? slot + 1 : 0;
}

void panel_mark_stale(struct panel *panel, int64_t row, uint32_t column);
/* Whether some cell of the column is stale in rows [from, to). */
bool panel_is_stale(const struct panel *panel, uint32_t column, int64_t from_row, int64_t to_row);
/* Projects what is stale in the row. */
void panel_project_row(struct panel *panel, int64_t row);
/* The row's cells; it has been projected. */
static inline struct panel_row panel_get_row(const struct panel *panel, int64_t row)
{
    uint32_t slot = panel_slot(panel, row);
    size_t first = (size_t)slot * panel->columns;
    return (struct panel_row){.activity = panel->activity + first,
                              .covered_ms = panel->covered_ms + first,
                              .estimated_ms = panel->estimated_ms + first,
                              .present = panel->present + first,
                              .notes = panel->notes + first,
                              .noted = panel->noted + slot};
}

/* Puts a projected cell in: one that its journal can no longer give. */
void panel_put(struct panel *panel, int64_t row, uint32_t column, const struct cell *cell);
/* The column for which the ledger does not agree with the rows; UINT32_MAX if all do. */
uint32_t panel_audit(const struct panel *panel);
/* Asserts what holds of every cell, and the account, by a walk over them: for tests, and when all
 * of it is saved. */
void panel_check(const struct panel *panel);
/* Takes the account to be right as the rows and `left` have it. */
void panel_accept(struct panel *panel);
/* Empties a row for its next turn of the ring. */
void panel_clear_row(struct panel *panel, int64_t row);

#endif

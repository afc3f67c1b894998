/*
 * target_loader.h - what the tables of targets share while they are read: growing rows, and cells
 * that name a facility or a target, or hold an exact number.
 *
 * A loader lives on the stack of targets_build().
 */
#ifndef GHGD_TARGET_LOADER_H
#define GHGD_TARGET_LOADER_H

#include "base/arena.h"
#include "base/id_index.h"
#include "config/csv/table_cell.h"
#include "config/targets/target_tables.h"

/* Rows of one table, all of the same size, in the order of their files. */
struct grown {
    void *items; /* of malloc() */
    uint32_t count, capacity, count_max;
    bool full; /* more than count_max rows came, which was reported */
    size_t item_size;
};

/* Rows with their place, which is not kept. */
struct ownership_entry {
    struct ownership row;
    int line;
};
struct history_entry {
    struct history_row row;
    int line;
};
struct holiday_entry {
    struct holiday row;
    const char *file;
    int line;
};
struct change_entry {
    struct base_change row;
    uint32_t target;
    int line;
};
struct weight_entry {
    int64_t weight;
    uint32_t target;
    int month, line;
};

enum {
    CHANGES_MAX = 1 << 16, /* of all targets */
    WEIGHTS_MAX = 12 * TARGETS_MAX
};

enum { TARGET_FAULTY = UINT32_MAX - 1 }; /* the row of that id had faults */

struct target_loader {
    const struct targets_conf *conf;
    const struct registry *registry;
    struct faults *faults;
    struct targets *targets; /* what is being made, and its arena */
    struct grown rows;       /* struct target */
    struct grown ownerships, history, holidays, changes, weights;
    const struct base_change *changes_kept; /* of `changes`, in its order */
    struct id_index ids;                    /* of targets: their row, or TARGET_FAULTY */
    const char *texts[CSV_COLUMNS_MAX];     /* kept last, by column: evidence comes in runs */
    bool failed_memory;
};

/* A zeroed row at the end. NULL after a fault was reported (more than count_max), or without
 * memory, which the loader remembers. */
void *loader_add(struct target_loader *loader, struct grown *rows, const struct csv_row *row);
/* 0 to go on with the next row; -ENOMEM. */
int loader_result(const struct target_loader *loader) MUST_CHECK;
/* A copy of the cell's text, or NULL without memory. */
const char *loader_text(struct target_loader *loader, const struct csv_row *row, size_t column);

/* Every function below reports what is wrong itself and then returns false. */

/* Words for people about a number that a column takes. */
struct exact {
    int decimals; /* the number is wanted times ten to this power, exactly */
    int64_t min, max;
    const char *accepted; /* "a share from 0 to 1" */
};
/* An empty cell leaves *value_out. */
bool cell_exact(int64_t *value_out, const struct csv_row *row, size_t column,
                const struct exact *exact);
/* Not empty. */
bool cell_facility(uint32_t *facility_out, const struct target_loader *loader,
                   const struct csv_row *row, size_t column);
/* The row of the target, which may be TARGET_FAULTY. */
bool cell_target(uint32_t *target_out, const struct target_loader *loader,
                 const struct csv_row *row, size_t column);
/* The nearest of the texts that get() gives for 0 .. count - 1; NULL if no text is near, or
 * if the fault will not be shown. */
const char *loader_suggest(const struct target_loader *loader, const char *found, uint32_t count,
                           const char *(*get)(const struct target_loader *loader, uint32_t index));

/* The tables, each in a file of its name. They return 0 (faults reported), or -ENOMEM. */
int target_rows_load(struct target_loader *loader) MUST_CHECK;
int weights_load(struct target_loader *loader) MUST_CHECK;
int base_changes_load(struct target_loader *loader) MUST_CHECK;
int ownership_load(struct target_loader *loader) MUST_CHECK;
int history_load(struct target_loader *loader) MUST_CHECK;
int holidays_load(struct target_loader *loader) MUST_CHECK;

/* The years of the target's path. False: faults, or no memory. */
bool target_path_load(struct target_loader *loader, struct target *target,
                      const struct csv_row *row, size_t column);

/* The rest needs all tables. */
void target_bases_find(struct target_loader *loader);
void target_profile_check(const struct target_loader *loader);

#endif

#include "pipelines/metering/submeters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

/* A meter id that has a main meter, or is one. Columns count within the facility. */
struct family_meter {
    uint32_t first; /* column of its first version here */
    uint32_t level; /* meters above it */

    /* of the bucket in hand */
    int128 below;          /* what counts below it */
    uint32_t estimated_ms; /* the longest time that some meter below it rests on estimates */
    bool fed;              /* some meter is below it */

    /* Sums over the buckets that are judged together, where it covers them. */
    int128 judged, judged_rest;
};

struct submeters {
    const struct meter *meters; /* of the facility */
    uint32_t meters_first;      /* their column in the registry */
    uint32_t columns, rows, nodes_count;
    struct family_meter *nodes; /* those with most meters above them first */
    uint32_t *node_of;          /* [columns]: its node; UINT32_MAX if none */
    int64_t *activity;          /* [rows][columns] each, as in the panel */
    uint32_t *covered_ms, *estimated_ms;
    uint8_t *present;
    struct cell_note *notes; /* of rows that have some */
    bool noted;              /* the row in hand has */
};

/* One meter in the bucket, its versions together. */
struct shown {
    int128 total;
    uint32_t covered_ms, estimated_ms;
    uint32_t carrier; /* the version that covers most of it; the earlier one among equals */
};

bool submeters_exist(const struct meter *meters, const struct facility *facility)
{
    for (uint32_t i = 0; i < facility->meters_count; i++) {
        const struct meter *meter = &meters[facility->meters_first + i];
        if (meter->check || meter->has_parent)
            return true;
    }
    return false;
}

size_t submeters_size(const struct meter *meters, const struct facility *facility, uint32_t rows)
{
    if (!submeters_exist(meters, facility))
        return 0;
    size_t columns = facility->meters_count;
    size_t cells = columns * rows;
    return sizeof(struct submeters) + columns * (sizeof(struct family_meter) + sizeof(uint32_t)) +
           cells * (sizeof(int64_t) + 2 * sizeof(uint32_t) + sizeof(uint8_t) +
                    sizeof(struct cell_note));
}

/* --- who is below whom --- */

/* The next version of the id in this facility, or UINT32_MAX. */
static uint32_t next_version(const struct submeters *submeters, uint32_t column)
{
    uint32_t next = submeters->meters[column].next_version;
    while (next != REGISTRY_NONE && next - submeters->meters_first >= submeters->columns)
        next = submeters->meters[(int64_t)next - submeters->meters_first].next_version;
    return next == REGISTRY_NONE ? UINT32_MAX : next - submeters->meters_first;
}

/* The first version here of the id whose chain begins at `column` of the registry. */
static uint32_t first_here(const struct submeters *submeters, uint32_t column)
{
    while (column != REGISTRY_NONE && column - submeters->meters_first >= submeters->columns)
        column = submeters->meters[(int64_t)column - submeters->meters_first].next_version;
    return column == REGISTRY_NONE ? UINT32_MAX : column - submeters->meters_first;
}

static uint32_t node_of_parent(const struct submeters *submeters, uint32_t column)
{
    const struct meter *meter = &submeters->meters[column];
    uint32_t first = meter->has_parent ? first_here(submeters, meter->parent) : UINT32_MAX;
    return first == UINT32_MAX ? UINT32_MAX : submeters->node_of[first];
}

static void add_node(struct submeters *submeters, uint32_t first)
{
    if (submeters->node_of[first] != UINT32_MAX)
        return;
    uint32_t number = submeters->nodes_count++;
    submeters->nodes[number] = (struct family_meter){.first = first};
    for (uint32_t column = first; column != UINT32_MAX; column = next_version(submeters, column))
        submeters->node_of[column] = number;
}

/* The first version of every id here: no other version leads to it. */
static void add_nodes(struct submeters *submeters)
{
    uint8_t *later = submeters->present; /* scratch */
    for (uint32_t i = 0; i < submeters->columns; i++) {
        uint32_t next = next_version(submeters, i);
        if (next != UINT32_MAX)
            later[next] = 1;
    }
    for (uint32_t i = 0; i < submeters->columns; i++) {
        if (later[i] != 0)
            continue;
        for (uint32_t version = i; version != UINT32_MAX;
             version = next_version(submeters, version)) {
            const struct meter *meter = &submeters->meters[version];
            if (!meter->has_parent || meter->check)
                continue;
            add_node(submeters, i);
            uint32_t first = first_here(submeters, meter->parent);
            if (first != UINT32_MAX)
                add_node(submeters, first);
        }
    }
}

/* Levels by passes: the table of meters has no circle, and at most METER_LEVELS_MAX levels. */
static void find_levels(struct submeters *submeters)
{
    for (int pass = 0; pass <= METER_LEVELS_MAX; pass++) {
        for (uint32_t i = 0; i < submeters->columns; i++) {
            uint32_t node = submeters->node_of[i];
            uint32_t above = node == UINT32_MAX ? node : node_of_parent(submeters, i);
            if (above != UINT32_MAX)
                submeters->nodes[node].level =
                    MAX(submeters->nodes[node].level, submeters->nodes[above].level + 1);
        }
    }
}

static int compare_nodes(const void *left, const void *right)
{
    const struct family_meter *a = left;
    const struct family_meter *b = right;
    if (a->level != b->level)
        return a->level > b->level ? -1 : 1;
    return a->first < b->first ? -1 : a->first > b->first;
}

static void sort_nodes(struct submeters *submeters)
{
    qsort(submeters->nodes, submeters->nodes_count, sizeof(*submeters->nodes), compare_nodes);
    for (uint32_t number = 0; number < submeters->nodes_count; number++)
        for (uint32_t column = submeters->nodes[number].first; column != UINT32_MAX;
             column = next_version(submeters, column))
            submeters->node_of[column] = number;
}

int submeters_create(struct submeters **submeters_out, const struct meter *meters,
                     const struct facility *facility, uint32_t rows)
{
    *submeters_out = NULL;
    if (!submeters_exist(meters, facility))
        return 0;
    struct submeters *submeters = calloc(1, sizeof(*submeters));
    if (submeters == NULL)
        return -ENOMEM;
    size_t columns = facility->meters_count;
    *submeters = (struct submeters){.meters = meters + facility->meters_first,
                                    .meters_first = facility->meters_first,
                                    .columns = facility->meters_count,
                                    .rows = rows};
    submeters->nodes = calloc(columns, sizeof(*submeters->nodes));
    submeters->node_of = calloc(columns, sizeof(*submeters->node_of));
    submeters->activity = calloc(columns * rows, sizeof(*submeters->activity));
    submeters->covered_ms = calloc(columns * rows, sizeof(*submeters->covered_ms));
    submeters->estimated_ms = calloc(columns * rows, sizeof(*submeters->estimated_ms));
    submeters->present = calloc(columns * rows, sizeof(*submeters->present));
    submeters->notes = calloc(columns * rows, sizeof(*submeters->notes));
    if (submeters->nodes == NULL || submeters->node_of == NULL || submeters->activity == NULL ||
        submeters->covered_ms == NULL || submeters->estimated_ms == NULL ||
        submeters->present == NULL || submeters->notes == NULL) {
        submeters_destroy(&submeters);
        return -ENOMEM;
    }
    memset(submeters->node_of, 0xff, columns * sizeof(*submeters->node_of));
    add_nodes(submeters);
    find_levels(submeters);
    sort_nodes(submeters);
    *submeters_out = submeters;
    return 0;
}

void submeters_destroy(struct submeters **submeters)
{
    struct submeters *gone = TAKE(*submeters);
    if (gone == NULL)
        return;
    free(gone->notes);
    free(gone->present);
    free(gone->estimated_ms);
    free(gone->covered_ms);
    free(gone->activity);
    free(gone->node_of);
    free(gone->nodes);
    free(gone);
}

/* --- one bucket --- */

/* The bucket in hand: its time, and the first of its cells. */
struct bucket {
    struct submeters *submeters;
    int64_t start_ms, end_ms;
    size_t cell;
};

static struct shown sum_versions(const struct bucket *bucket, const struct family_meter *node)
{
    const struct submeters *submeters = bucket->submeters;
    struct shown shown = {.carrier = node->first};
    uint32_t most_ms = 0;
    for (uint32_t column = node->first; column != UINT32_MAX;
         column = next_version(submeters, column)) {
        size_t cell = bucket->cell + column;
        shown.total += submeters->activity[cell];
        shown.covered_ms += submeters->covered_ms[cell];
        shown.estimated_ms += submeters->estimated_ms[cell];
        if (submeters->covered_ms[cell] > most_ms) {
            most_ms = submeters->covered_ms[cell];
            shown.carrier = column;
        }
    }
    return shown;
}

static void clear_cell(const struct bucket *bucket, uint32_t column)
{
    struct submeters *submeters = bucket->submeters;
    size_t cell = bucket->cell + column;
    submeters->activity[cell] = 0;
    submeters->covered_ms[cell] = 0;
    submeters->estimated_ms[cell] = 0;
    submeters->present[cell] = 0;
    if (submeters->noted) { /* readings that are held or in conflict still are */
        submeters->notes[cell].spread_ms = 0;
        submeters->notes[cell].moved_ms = 0;
    }
}

/* The rest goes into the carrier. Returns false if the main does not cover the bucket, or a cell
 * cannot hold the rest. */
static bool form_rest(const struct bucket *bucket, struct family_meter *node, struct shown *shown)
{
    struct submeters *submeters = bucket->submeters;
    size_t cell = bucket->cell + shown->carrier;
    int128 rest = submeters->activity[cell] - node->below;
    int128 most = submeters->meters[shown->carrier].cell_max;
    if (shown->covered_ms < bucket->end_ms - bucket->start_ms || rest > most || rest < -most)
        return false;
    submeters->activity[cell] = (int64_t)rest;
    node->judged += shown->total;
    node->judged_rest += shown->total - node->below;
    shown->estimated_ms = MAX(shown->estimated_ms, node->estimated_ms);
    uint32_t estimated_ms = MAX(submeters->estimated_ms[cell], node->estimated_ms);
    submeters->estimated_ms[cell] = MIN(estimated_ms, submeters->covered_ms[cell]);
    return true;
}

/* The main meter in this bucket: that of the version which is valid at its start, or else of the
 * first that becomes so within it. UINT32_MAX: none. */
static uint32_t parent_at(const struct bucket *bucket, const struct family_meter *node)
{
    const struct submeters *submeters = bucket->submeters;
    for (uint32_t column = node->first; column != UINT32_MAX;
         column = next_version(submeters, column)) {
        const struct meter *meter = &submeters->meters[column];
        if (meter->valid_from_ms < bucket->end_ms && meter->valid_to_ms > bucket->start_ms)
            return meter->check ? UINT32_MAX : node_of_parent(submeters, column);
    }
    return UINT32_MAX;
}

static void form_node(const struct bucket *bucket, struct family_meter *node)
{
    struct shown shown = sum_versions(bucket, node);
    if (node->fed && !form_rest(bucket, node, &shown)) {
        for (uint32_t column = node->first; column != UINT32_MAX;
             column = next_version(bucket->submeters, column))
            clear_cell(bucket, column);
        shown.total = node->below;
        shown.estimated_ms = node->estimated_ms;
    }
    uint32_t parent = parent_at(bucket, node);
    if (parent == UINT32_MAX)
        return;
    struct family_meter *above = &bucket->submeters->nodes[parent];
    above->fed = true;
    above->below += shown.total;
    above->estimated_ms = MAX(above->estimated_ms, shown.estimated_ms);
}

static void form_bucket(const struct bucket *bucket)
{
    struct submeters *submeters = bucket->submeters;
    for (uint32_t column = 0; column < submeters->columns; column++)
        if (submeters->meters[column].check) {
            clear_cell(bucket, column);
            submeters->notes[bucket->cell + column] = (struct cell_note){0};
        }
    for (uint32_t i = 0; i < submeters->nodes_count; i++) {
        struct family_meter *node = &submeters->nodes[i];
        node->below = 0;
        node->estimated_ms = 0;
        node->fed = false;
    }
    for (uint32_t i = 0; i < submeters->nodes_count; i++)
        form_node(bucket, &submeters->nodes[i]);
}

struct panel_row submeters_form(struct submeters *submeters, const struct panel_row *shown,
                                int64_t start_ms, int64_t length_ms, uint32_t rows)
{
    ASSERT(rows <= submeters->rows && length_ms > 0);
    size_t cells = (size_t)rows * submeters->columns;
    memcpy(submeters->activity, shown->activity, cells * sizeof(*submeters->activity));
    memcpy(submeters->covered_ms, shown->covered_ms, cells * sizeof(*submeters->covered_ms));
    memcpy(submeters->estimated_ms, shown->estimated_ms, cells * sizeof(*submeters->estimated_ms));
    memcpy(submeters->present, shown->present, cells * sizeof(*submeters->present));
    for (uint32_t row = 0; row < rows; row++) {
        size_t first = (size_t)row * submeters->columns;
        submeters->noted = shown->noted[row];
        if (submeters->noted)
            memcpy(submeters->notes + first, shown->notes + first,
                   submeters->columns * sizeof(*submeters->notes));
        const struct bucket bucket = {.submeters = submeters,
                                      .start_ms = start_ms + row * length_ms,
                                      .end_ms = start_ms + (row + 1) * length_ms,
                                      .cell = first};
        form_bucket(&bucket);
    }
    struct panel_row formed = *shown;
    formed.activity = submeters->activity;
    formed.covered_ms = submeters->covered_ms;
    formed.estimated_ms = submeters->estimated_ms;
    formed.present = submeters->present;
    formed.notes = submeters->notes;
    return formed;
}

/* --- days --- */

/* How far a difference is beyond what is tolerated, in millionths of a micro-unit; 0: not at all.
 */
static int128 beyond(int128 difference, int128 whole, uint32_t tolerance_ppm)
{
    int128 size = whole < 0 ? -whole : whole;
    return MAX(difference * MICRO - size * tolerance_ppm, 0);
}

/* Adds the bucket's cells of all versions of a meter. Returns whether they cover it. */
static bool add_versions(const struct submeters *submeters, const struct panel *panel, int64_t row,
                         uint32_t first, int64_t *sum)
{
    struct panel_row cells = panel_get_row(panel, row);
    int64_t covered_ms = 0;
    for (uint32_t column = first; column != UINT32_MAX; column = next_version(submeters, column)) {
        *sum += cells.activity[column];
        covered_ms += cells.covered_ms[column];
    }
    return covered_ms == panel->bucket_ms;
}

static int64_t narrow(int128 value)
{
    return (int64_t)MAX(MIN(value, INT64_MAX), -INT64_MAX);
}

/* The version that is valid at the start of the rows, or becomes so first. */
static const struct meter *version_at(const struct submeters *submeters, uint32_t first,
                                      int64_t start_ms)
{
    uint32_t column = first;
    uint32_t next;
    while (submeters->meters[column].valid_to_ms <= start_ms &&
           (next = next_version(submeters, column)) != UINT32_MAX)
        column = next;
    return &submeters->meters[column];
}

static void judge_rests(const struct submeters *submeters, int64_t start_ms,
                        struct submeters_judgement *judgement)
{
    int128 most = 0;
    for (uint32_t i = 0; i < submeters->nodes_count; i++) {
        const struct family_meter *node = &submeters->nodes[i];
        uint32_t tolerance_ppm = version_at(submeters, node->first, start_ms)->tolerance_ppm;
        int128 excess = beyond(-node->judged_rest, node->judged, tolerance_ppm);
        judgement->negative_rests += excess > 0;
        if (excess <= most)
            continue;
        most = excess;
        judgement->worst = node->first;
        judgement->worst_shown = narrow(node->judged);
        judgement->worst_rest = narrow(node->judged_rest);
    }
}

static bool check_differs(const struct submeters *submeters, const struct panel *panel,
                          uint32_t column, int64_t from_row, int64_t to_row)
{
    const struct meter *meter = &submeters->meters[column];
    uint32_t main = meter->has_parent ? first_here(submeters, meter->parent) : UINT32_MAX;
    int128 whole = 0;
    int128 difference = 0;
    if (main == UINT32_MAX)
        return false;
    for (int64_t row = from_row; row < to_row; row++) {
        struct panel_row cells = panel_get_row(panel, row);
        int64_t shown = 0;
        if (!add_versions(submeters, panel, row, main, &shown) ||
            cells.covered_ms[column] < panel->bucket_ms)
            continue;
        whole += shown;
        difference += cells.activity[column] - shown;
    }
    return beyond(difference < 0 ? -difference : difference, whole, meter->tolerance_ppm) > 0;
}

struct submeters_judgement submeters_judge(struct submeters *submeters, const struct panel *panel,
                                           int64_t from_row, int64_t to_row)
{
    struct submeters_judgement judgement = {.worst = UINT32_MAX};
    for (uint32_t i = 0; i < submeters->nodes_count; i++)
        submeters->nodes[i].judged = submeters->nodes[i].judged_rest = 0;
    for (int64_t row = from_row; row < to_row; row++) {
        struct panel_row shown = panel_get_row(panel, row);
        (void)submeters_form(submeters, &shown, row * panel->bucket_ms, panel->bucket_ms, 1);
    }
    judge_rests(submeters, from_row * panel->bucket_ms, &judgement);
    for (uint32_t column = 0; column < submeters->columns; column++)
        judgement.check_differences += submeters->meters[column].check &&
                                       check_differs(submeters, panel, column, from_row, to_row);
    return judgement;
}

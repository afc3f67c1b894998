/*
 * course_rows.h - the row of a course as a row of the output.
 *
 * `trajectory` is append-only: one row at each stamp, never written again with other content.
 * `trajectory_now` is one row for each target year, at the year's beginning, in place. `alerts` has
 * a row for each change of level. The numbers are in row->course, NULL_NUMBER where nothing is
 * known. Pure.
 */
#ifndef GHGD_COURSE_ROWS_H
#define GHGD_COURSE_ROWS_H

#include "pipelines/rollup/row.h"
#include "pipelines/trajectory/course.h"

/* The sources (of a group: facilities) that contribute most to the year to date. */
enum { COURSE_SOURCES = 3 };
struct course_source {
    uint32_t index; /* registry->series, of a group registry->facilities; REGISTRY_NONE: none */
    int64_t ytd_mg;
};

/* A row is made of these. The target outlives the block, as the registry does. */
struct course_told {
    const struct target *target;
    struct course_row row;
    struct course_transition transition;
    struct course_source sources[COURSE_SOURCES];
};

/* Sets everything but the partition. kind is ROW_TRAJECTORY or ROW_ALERT (then there is a
 * transition). */
void course_put_row(struct row *row_out, const struct course_told *told, enum row_kind kind);
/* ROW_TRAJECTORY_NOW: stands at the beginning of the target year; version as in other rows. */
void course_put_now(struct row *row_out, const struct course_told *told, struct window year,
                    uint32_t version);

#endif

/*
 * target_line.h - what a target allows in each year: milligrams, by the base that is in force.
 *
 * Linear targets are linear in points of the base year, not compound: 100,000 t in 2019 and 4.2 % a
 * year allow 74,800 t in 2025 and 53,800 t in 2030 (SBTi's absolute contraction;
 * docs/trajectory.md). Changes of the base count when they reach the threshold (5 %) of the base in
 * force, one by one or summed since the last new base: then a new version holds, from the next
 * target year on, or at once if the change says so. A path of masses scales with the base;
 * intensities do not. Up to the base year, and after the target year, nothing is allowed or judged.
 * Pure.
 */
#ifndef GHGD_TARGET_LINE_H
#define GHGD_TARGET_LINE_H

#include "config/targets/civil.h"
#include "config/targets/targets.h"

struct base_version {
    uint16_t number;  /* 1 is the first */
    int32_t from_day; /* of days from it on; INT32_MIN for the first. Unless the change holds at
                         once, it is the first day of a target year: that of the change, or the next
                         one */
    int64_t base_mg;
    int64_t pending_mg; /* changes known since, that have not reached the threshold */
};

struct target_line {
    const struct target *target;
    uint32_t versions_count;
    struct base_version versions[BASE_CHANGES_MAX + 1];
};

/* base_mg: of the target, or as history and measurements have it; above 0; of an intensity it may
 * be 0, which is not known, and then there is one version. threshold: parts of 1e9 (50,000,000 is 5
 * %); reached is enough. False: the base, or what a change leaves of it, is not in 1 ..
 * BASE_MG_MAX, and there is no line; tables see to it for a base that they know. */
bool target_line_make(struct target_line *line_out, const struct target *target, int64_t base_mg,
                      int64_t threshold) MUST_CHECK;
/* The version by which a day of the year is judged: the newest that holds on it. A change `at_once`
 * holds in the year of its day: budgets of that year are those of the new base from then on. A day
 * after the year counts as its last. */
const struct base_version *target_line_version(const struct target_line *line,
                                               const struct civil_year *year, int32_t day);
/* Allowed in the year under that version, half to even; of an intensity: milligrams per unit of
 * production. A path stops at INT64_MAX. False: the year is not after the base year, or it is after
 * the target year, or the path has no value for it. An intensity without a path has a value for the
 * target year only. */
bool target_line_allowed(int64_t *allowed_out, const struct target_line *line,
                         const struct base_version *version, int year);
/* The allowed emissions of the target year; false as above. */
bool target_line_end(int64_t *allowed_out, const struct target_line *line,
                     const struct base_version *version);

#endif

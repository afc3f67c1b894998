/*
 * target_fields.h - the part of the table of fields.h that is about targets.
 *
 * Pure. Thread: any.
 */
#ifndef GHGD_TARGET_FIELDS_H
#define GHGD_TARGET_FIELDS_H

#include "pipelines/sink/fields.h"

enum { TRAJECTORY_FIELDS = 25, TRAJECTORY_NOW_FIELDS = 35, ALERT_FIELDS = 27 };
extern const struct field trajectory_fields[TRAJECTORY_FIELDS];
extern const struct field trajectory_now_fields[TRAJECTORY_NOW_FIELDS];
extern const struct field alert_fields[ALERT_FIELDS];

#endif

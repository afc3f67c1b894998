/*
 * report.h - what `ghgd trajectory` prints of a target: a text for people, CSV, or JSON lines.
 */
#ifndef GHGD_REPORT_H
#define GHGD_REPORT_H

#include "daemon/trajectory/subject.h"

enum report_format { REPORT_TEXT, REPORT_CSV, REPORT_JSON, REPORT_FORMAT_COUNT };

/* text, csv, json; -1 if there is no such format. */
int report_format_find(const char *name);
/* The names of columns; only CSV has any. */
void report_add_heads(struct buffer *out, enum report_format format);
/* The target's course: as text the months of its last year and every change of level; else every
 * judged day. */
void report_add(struct buffer *out, enum report_format format, const struct config *config,
                const struct target_subject *subject);

#endif

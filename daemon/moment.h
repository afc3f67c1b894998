/*
 * moment.h - a moment as people give it on a command line.
 *
 *     2026-03-01T10:15:00Z    RFC 3339, with offset
 *     2026-03-01              where that date begins in UTC
 *     36h, 2d12h              so long before now
 */
#ifndef GHGD_MOMENT_H
#define GHGD_MOMENT_H

#include "base/base.h"

/* Returns 0, ERR_SYNTAX or ERR_RANGE. */
int moment_parse(int64_t *ms_out, const char *text, int64_t now_ms) MUST_CHECK;

#endif

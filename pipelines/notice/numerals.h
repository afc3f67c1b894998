/*
 * numerals.h - numbers and dates as a language writes them, without the locales of the system.
 *
 *     English     15,350.1    +3.86 %    30 November 2026
 *     Chinese     15,350.1    +3.86%     2026年11月30日
 *     Vietnamese  15.350,1    +3,86%     30/11/2026
 *
 * Results are rounded half to even. Pure. Thread: any.
 */
#ifndef GHGD_NUMERALS_H
#define GHGD_NUMERALS_H

#include "base/buffer.h"
#include "config/options/settings.h"

/* Tonnes: one decimal, or three below 100 t. A sign stands before what is below 0; with `sign`
 * before what is above 0, too. */
void numerals_add_tonnes(struct buffer *out, enum language language, int64_t mass_mg, bool sign);
/* value / 10^decimals percent, every decimal shown. */
void numerals_add_percent(struct buffer *out, enum language language, int64_t value,
                          unsigned decimals, bool sign);
/* A day from 1970-01-01 (config/targets/civil.h). */
void numerals_add_date(struct buffer *out, enum language language, int32_t day);

#endif

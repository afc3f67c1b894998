/*
 * site_lead.h - the days of the fiscal year that were over before the ring of a site began.
 *
 * Meters may be expected from a time on that lies before the facility's first reading, and before
 * the horizon. No reading can touch those days any more: their rows say that nothing was covered,
 * once. They share one mark, and go into one block. Their time is in the closed parts of the month
 * and year that are still open.
 */
#ifndef GHGD_SITE_LEAD_H
#define GHGD_SITE_LEAD_H

#include "pipelines/rollup/site.h"

/* The facility begins earlier than before: opens the lead if that is before the oldest open day. */
void site_open_lead(struct site *site);
/* Whether some of its rows are still to be written, or to be settled. */
static inline bool site_has_lead(const struct site *site)
{
    return !marks_are_settled(site->lead.mark.sinks);
}
/* A leap year; and its months. */
enum { LEAD_DAYS_MAX = 366, LEAD_ROWS_MAX = 2 * (LEAD_DAYS_MAX + 12) };

#endif

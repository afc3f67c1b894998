/*
 * notice_row.h - the notice of a row of ROW_ALERT.
 *
 * A row has the instants at which local days end. The date of such a day is that whose end in UTC
 * is nearest: right for every zone from UTC-12 to UTC+12. Pure. Thread: any.
 */
#ifndef GHGD_NOTICE_ROW_H
#define GHGD_NOTICE_ROW_H

#include "pipelines/notice/notice.h"
#include "pipelines/rollup/row.h"

/* Names are borrowed of the registry and of the row's target. */
struct alert_notice notice_of_row(const struct row *row, const struct registry *registry);

#endif

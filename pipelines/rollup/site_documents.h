/*
 * site_documents.h - documents that are expected every so often: when is the next one due, and for
 * how long does a delivery cover?
 *
 * A delivery covers the time from its own instant until the next one is due (meter->every), whether
 * that one comes or not. So the time after it is covered at once, also in buckets that have not
 * come yet, and no cell can hold that: it is found when a row is made. The journal forgets
 * deliveries that have left the horizon. The newest of those is kept as a time, and is state: it
 * may still cover, while each one before it covers nothing behind it that it does not.
 *
 * Bills and dips tell of the time up to their end, and cover it in cells. The newest end of a bill
 * that the journal has forgotten is kept, too; it never forgets its last dip.
 */
#ifndef GHGD_SITE_DOCUMENTS_H
#define GHGD_SITE_DOCUMENTS_H

#include "pipelines/metering/fates.h"
#include "pipelines/rollup/site.h"

/* Whether the newest time of the partition is behind the due time of the column's next document. A
 * version that holds at another time has nothing overdue. */
bool site_find_overdue(const struct site *site, uint32_t column, int64_t expected_from_ms,
                       int64_t newest_ms, struct overdue *overdue_out);

/* Whether the meter's deliveries cover time. */
bool site_is_document(const struct meter *meter);
/* How long of [from_ms, to_ms) the column's deliveries cover. The span is of open days, or of one
 * that leaves. */
int64_t site_document_time(const struct site *site, uint32_t column, int64_t from_ms,
                           int64_t to_ms);
/* The reading has been booked: widens the booking to the buckets up to the newest one whose covered
 * time may have changed. */
void site_document_widen(const struct site *site, const struct site_clock *clock, uint32_t column,
                         const struct reading *reading, struct booking *booking);
/* The column's journal forgets as booking_forget() says. */
void site_forget(struct site *site, uint32_t column, int64_t floor_ms);

#endif

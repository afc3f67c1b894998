/*
 * stock_view.h - the balances of a stock, as people read them.
 *
 * Amounts are canonical: "12000 + 30000 delivered - 9500 = 32500 L". One thread.
 */
#ifndef GHGD_STOCK_VIEW_H
#define GHGD_STOCK_VIEW_H

#include "daemon/readings/journal_view.h"

/* A dip that closes a balance, which is booked or held. */
void stock_view_add_balance(struct buffer *out, const struct journal_view *view, uint32_t index);
/* An amount that is a part of a balance, or that waits for one. */
void stock_view_add_part(struct buffer *out, const struct journal_view *view, uint32_t index);

/* The parts of the balance that a dip closes. */
enum balance_part {
    BALANCE_OPENING,
    BALANCE_DELIVERED,
    BALANCE_TRANSFERRED,
    BALANCE_CREDITED,
    BALANCE_CLOSING
};
/* Appends the amount of that part; nothing if the reading closes no balance. */
void stock_view_add_amount(struct buffer *out, const struct journal_view *view, uint32_t index,
                           enum balance_part part);
/* Appends the time of the opening dip; nothing if the reading closes no balance. */
void stock_view_add_opening_time(struct buffer *out, const struct journal_view *view,
                                 uint32_t index);

#endif

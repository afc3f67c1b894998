/*
 * stock_fates.h - what became of the readings of a stock, and which of its balances are held: for
 * people.
 *
 * A dip books what was used since the dip before it. Deliveries, transfers and credits are parts of
 * such a balance, or wait for the dip that closes it.
 */
#ifndef GHGD_STOCK_FATES_H
#define GHGD_STOCK_FATES_H

#include "pipelines/metering/fates.h"
#include "pipelines/metering/stock.h"

/* As fates_judge() and fates_find_held(), of a stock. */
void stock_judge(struct reading_fate *fates_out, const struct journal *journal);
void stock_find_held(struct held_stretches *held_out, const struct journal *journal);

/* The balance that a dip closes. False: the reading is no dip, or no dip is before it. */
bool stock_closes(struct stock_balance *balance_out, const struct journal *journal, uint32_t index);
/* The balances that a reading of this time lies in and that are held: of a dip the one that it
 * closes, and the one that it opens. Returns how many. */
uint32_t stock_held_at(struct stock_balance held_out[2], const struct journal *journal,
                       int64_t time_ms);

#endif

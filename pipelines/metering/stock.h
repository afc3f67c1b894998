/*
 * stock.h - tanks, yards, bottles: deliveries and dips, and the consumption that balances them.
 *
 * Between two dips: opening dip + deliveries - transfers - credits - closing dip, spread evenly.
 * An amount at the time of a dip is in the dip already: it belongs to the stretch before. The time
 * before the first dip and after the last one is not covered. A balance below zero is held.
 *
 * As with registers, windows before the floor are closed: the balance that they lack is booked from
 * the floor on. journal->base_ms and base_booked say so of the stretch behind the first reading,
 * which is a dip then.
 *
 * If the meter accrues, the consumption goes on behind the last dip: estimated, at the rate of the
 * balance that this dip closes, up to journal->accrued_ms. It is a projection of the journal as all
 * else, so that the next dip takes it away without a trace in open windows. Closed windows keep
 * their part of it, which counts against the balance that takes its place.
 *
 * Private to metering; stock_fates.h tells people of it.
 */
#ifndef GHGD_STOCK_H
#define GHGD_STOCK_H

#include "config/registry/registry.h"
#include "pipelines/metering/pieces.h"

/* The amounts between two neighbouring dips. */
struct stock_balance {
    uint32_t opening, closing;               /* the dips: indices in the journal */
    int128 delivered, transferred, credited; /* micro-units */
    int64_t consumption;                     /* what is left of it all; at most BALANCE_SIZE_MAX */
    bool held;                               /* it is below zero, or more than can be */
    bool estimated;
};
/* The size at which a consumption is cut: far more than can be booked. */
#define BALANCE_SIZE_MAX ((INT64_C(1) << 62) - 1)

/* The balance of the neighbouring dips `opening` and `closing`, whatever is booked of it. */
struct stock_balance stock_balance_of(const struct journal *journal, uint32_t opening,
                                      uint32_t closing);
/* The dip after the one at `dip`, or journal->count. */
uint32_t stock_next_dip(const struct journal *journal, uint32_t dip);
/* The last dip before the time, or journal->count. */
uint32_t stock_dip_before(const struct journal *journal, int64_t time_ms);

void stock_sum(struct cell_sum *sum, const struct journal *journal, struct stretch bucket);

/* The stretches that a reading of this time and role changes: from the dip before it to the dip at
 * or after it, for a dip to the next one. It is empty if no dip is there on one side of an amount.
 * Where the balance of a stretch up to the floor flows on, the next one is changed too. */
struct stretch stock_changes(const struct journal *journal, int64_t time_ms, enum reading_role role,
                             int64_t floor_ms);

/* The consumption behind the last dip. */
struct stock_accrual {
    int64_t from_ms;        /* the dip; without any journal->told_ms */
    struct stock_rate rate; /* span_ms 0: nothing accrues */
};
/* The accrual of the journal; its rate is not known if the meter does not accrue. */
struct stock_accrual stock_accrual_of(const struct journal *journal);
/* Notes from when on there was an accrual. Returns the cells that differ if it was `before`: an
 * empty stretch if no cell does. */
struct stretch stock_accrual_changed(struct journal *journal, struct stock_accrual before);
/* Whether a meter accrues has changed since floor_ms: closed windows keep what they have. The
 * journal is still as it was then. */
void stock_keep_closed(struct journal *journal, int64_t floor_ms);

/* Whether the journal has readings before floor_ms, whose balance may lie in closed windows. */
bool stock_reaches_back(const struct journal *journal, int64_t floor_ms);
/* From when on amounts are known, whatever else the journal still has. */
int64_t stock_known_from(const struct journal *journal, int64_t floor_ms);
/* Keeps apart what the first stretch has booked before the floor, if a reading at time_ms is about
 * to change it. */
void stock_move_base(struct journal *journal, int64_t time_ms, int64_t floor_ms);
/* Forgets what cannot change a cell at or after floor_ms: all before the last dip before it. */
void stock_forget(struct journal *journal, int64_t floor_ms);

#endif

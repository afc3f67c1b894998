/*
 * bound.h - the most that a reading of a meter can plausibly be, and the words that refuse one.
 *
 * The bound of an interval is `max_rate` times its length, that of a gauge's sample `max_rate`
 * itself, both with a margin of a tenth. Registers are judged by their differences, which are known
 * only beside other readings (metering/registers.h). Whole numbers only; pure. Thread: any.
 */
#ifndef GHGD_BOUND_H
#define GHGD_BOUND_H

#include "base/buffer.h"
#include "config/registry/registry.h"

/* Whether |value| (micro-units; of gauges: per hour) over length_ms is within the meter's bound. A
 * meter without a bound takes everything. length_ms: of instants 0. */
bool bound_allows(const struct meter *meter, int64_t value, int64_t length_ms);

/* Appends what is wrong with a value that bound_allows() has refused, the bound in words, and what
 * to do: "1000000 kWh in 15m is more than max_rate 4 MW allows, 1100 kWh with a margin of a tenth;
 * ...". */
void bound_explain(struct buffer *out, const struct meter *meter, int64_t value, int64_t length_ms);

/* The same of the amount of a delivery, transfer or credit (`max_amount`) and of a dip
 * (`capacity`), without a margin. The meter is of kind delivery or stock. */
bool bound_allows_amount(const struct meter *meter, enum reading_role role, int64_t value);
void bound_explain_amount(struct buffer *out, const struct meter *meter, enum reading_role role,
                          int64_t value);

#endif

#include "daemon/readings/stock_view.h"

#include <sys/param.h>

#include "pipelines/metering/stock_fates.h"

enum { MICRO_DECIMALS = 6 };

static void add_micro(struct buffer *out, int128 micro)
{
    buffer_add_fixed(out, (int64_t)MAX(MIN(micro, BALANCE_SIZE_MAX), -BALANCE_SIZE_MAX),
                     MICRO_DECIMALS);
}

static int64_t value_of(const struct journal_view *view, uint32_t index)
{
    return journal_at(view->journal, index)->value;
}

static void add_time_of(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    char text[LOCAL_TEXT_SIZE];
    buffer_add_str(out, local_clock_format(view->clock, view->facility->zone,
                                           journal_at(view->journal, index)->start_ms, text));
}

/* " + 30000 delivered"; nothing if there was none of it. */
static void add_term(struct buffer *out, const char *sign, int128 amount, const char *name)
{
    if (amount == 0)
        return;
    buffer_add_str(out, sign);
    add_micro(out, amount);
    buffer_add_str(out, name);
}

static void add_sum(struct buffer *out, const struct journal_view *view,
                    const struct stock_balance *balance)
{
    add_micro(out, value_of(view, balance->opening));
    add_term(out, " + ", balance->delivered, " delivered");
    add_term(out, " - ", balance->transferred, " transferred");
    add_term(out, " - ", balance->credited, " credited");
    buffer_add_str(out, " - ");
    add_micro(out, value_of(view, balance->closing));
    buffer_add_str(out, " = ");
    add_micro(out, balance->consumption);
    buffer_add_char(out, ' ');
    buffer_add_str(out, quantity_unit((enum quantity)view->meter->quantity));
}

void stock_view_add_balance(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    struct stock_balance balance;
    if (!stock_closes(&balance, view->journal, index))
        return;
    if (!balance.held) {
        buffer_add_str(out, "counts, spread evenly since the dip of ");
        add_time_of(out, view, balance.opening);
        buffer_add_str(out, ": ");
        add_sum(out, view, &balance);
        return;
    }
    buffer_printf(out, "held, %s: between the dips of ", held_reason(view->meter));
    add_time_of(out, view, balance.opening);
    buffer_add_str(out, " and ");
    add_time_of(out, view, balance.closing);
    buffer_add_char(out, ' ');
    add_sum(out, view, &balance);
    buffer_add_str(out, balance.consumption < 0
                            ? "; a delivery is missing, or one of the dips is wrong"
                            : "; that is more than can be");
}

void stock_view_add_part(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    const struct reading_fate *fate = &view->fates[index];
    if (fate->fate == FATE_WAITS) {
        buffer_add_str(out, "waits: no dip is on one side of it, to close its balance");
        return;
    }
    buffer_add_str(out, "in the balance that the dip of ");
    add_time_of(out, view, fate->after);
    buffer_add_str(out, " closes");
}

void stock_view_add_amount(struct buffer *out, const struct journal_view *view, uint32_t index,
                           enum balance_part part)
{
    struct stock_balance balance;
    if (view->meter->kind != KIND_STOCK || !stock_closes(&balance, view->journal, index))
        return;
    switch (part) {
    case BALANCE_OPENING:
        add_micro(out, value_of(view, balance.opening));
        break;
    case BALANCE_DELIVERED:
        add_micro(out, balance.delivered);
        break;
    case BALANCE_TRANSFERRED:
        add_micro(out, balance.transferred);
        break;
    case BALANCE_CREDITED:
        add_micro(out, balance.credited);
        break;
    case BALANCE_CLOSING:
        add_micro(out, value_of(view, balance.closing));
        break;
    }
}

void stock_view_add_opening_time(struct buffer *out, const struct journal_view *view,
                                 uint32_t index)
{
    struct stock_balance balance;
    if (view->meter->kind == KIND_STOCK && stock_closes(&balance, view->journal, index))
        add_time_of(out, view, balance.opening);
}

#include "daemon/readings/journal_view.h"

#include <inttypes.h>
#include <sys/param.h>

#include "base/durations.h"
#include "daemon/readings/stock_view.h"
#include "pipelines/metering/decisions.h"

enum { OWN_DECIMALS_MAX = 12, MICRO_DECIMALS = 6 };

/* --- values --- */

/* a * b * c, or false if it is too large. */
static bool product(int128 *product_out, int128 a, int128 b, int128 c)
{
    int128 half = 0;
    return !__builtin_mul_overflow(a, b, &half) && !__builtin_mul_overflow(half, c, product_out);
}

/* The shortest number in a unit of that scale that a decoder would turn into these micro-units.
 * False if there is no such number, or if the decoder would have rounded it: the event may have had
 * another one. */
static bool find_own_value(struct decimal *value_out, int64_t micro, struct ratio scale)
{
    int128 power = 1;
    for (int32_t decimals = 0; decimals <= OWN_DECIMALS_MAX; decimals++, power *= 10) {
        int128 wanted = 0;
        if (!product(&wanted, micro, scale.den, power))
            return false;
        int128 digits = div_round_even(wanted, (int128)scale.num * MICRO);
        int64_t back = 0;
        if (digits != (int64_t)digits)
            return false;
        *value_out = (struct decimal){(int64_t)digits, decimals};
        if (decimal_to_micro(&back, *value_out, scale) == 0 && back == micro) {
            int128 exact = 0;
            return product(&exact, digits, scale.num, MICRO) && exact == wanted;
        }
    }
    return false;
}

void journal_view_choose_unit(struct journal_view *view)
{
    struct decimal value;
    view->canonical_only = false;
    for (uint32_t i = 0; i < view->journal->count && !view->canonical_only; i++)
        view->canonical_only =
            !find_own_value(&value, journal_at(view->journal, i)->value, view->meter->own.scale);
}

void journal_view_add_canonical_unit(struct buffer *out, const struct journal_view *view)
{
    buffer_add_str(out, quantity_unit((enum quantity)view->meter->quantity));
    if (view->meter->kind == KIND_GAUGE)
        buffer_add_str(out, "/h");
}

void journal_view_add_unit(struct buffer *out, const struct journal_view *view)
{
    if (view->canonical_only)
        journal_view_add_canonical_unit(out, view);
    else
        buffer_add_str(out, view->meter->own.unit);
}

void journal_view_add_value(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    int64_t micro = journal_at(view->journal, index)->value;
    struct decimal value = {micro, MICRO_DECIMALS};
    bool found = view->canonical_only || find_own_value(&value, micro, view->meter->own.scale);
    ASSERT(found);
    buffer_add_fixed(out, value.digits, (unsigned)value.scale);
}

void journal_view_add_time(struct buffer *out, const struct journal_view *view, int64_t time_ms)
{
    char text[LOCAL_TEXT_SIZE];
    buffer_add_str(out, local_clock_format(view->clock, view->facility->zone, time_ms, text));
}

/* --- words --- */

const char *fate_name(enum fate fate)
{
    static const char *const names[FATE_COUNT] = {[FATE_COUNTS] = "counts",
                                                  [FATE_COUNTS_PARTLY] = "counts_in_part",
                                                  [FATE_OUTRANKED] = "outranked",
                                                  [FATE_BEGINS] = "begins",
                                                  [FATE_GAP] = "gap",
                                                  [FATE_LEFT_ASIDE] = "left_aside",
                                                  [FATE_BREAK] = "break",
                                                  [FATE_HELD] = "held",
                                                  [FATE_LINE] = "line",
                                                  [FATE_CONTRADICTED] = "contradicted",
                                                  [FATE_IN_BALANCE] = "in_balance",
                                                  [FATE_WAITS] = "waits",
                                                  [FATE_DROPPED] = "dropped"};
    ASSERT(fate < FATE_COUNT);
    return names[fate];
}

const char *reading_role_name(enum reading_role role)
{
    static const char *const names[ROLE_COUNT] = {
        [ROLE_READING] = "reading", [ROLE_FINAL] = "final",       [ROLE_INITIAL] = "initial",
        [ROLE_DIP] = "dip",         [ROLE_TRANSFER] = "transfer", [ROLE_CREDIT] = "credit",
        [ROLE_MOVED] = "moved"};
    ASSERT(role < ROLE_DECISION);
    return names[role];
}

static void add_amount(struct buffer *out, const struct journal_view *view, int64_t amount)
{
    buffer_add_fixed(out, amount, MICRO_DECIMALS);
    buffer_add_char(out, ' ');
    buffer_add_str(out, quantity_unit((enum quantity)view->meter->quantity));
}

/* "413.6 of 2026-03-01T06:00:00+06:00" */
static void add_reading(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    journal_view_add_value(out, view, index);
    buffer_add_str(out, " of ");
    journal_view_add_time(out, view, journal_at(view->journal, index)->start_ms);
}

static void add_counts(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    const struct reading_fate *fate = &view->fates[index];
    if (view->meter->kind == KIND_STOCK) {
        stock_view_add_balance(out, view, index);
        return;
    }
    buffer_add_str(out, "counts");
    if (fate->has_amount) {
        buffer_add_str(out, ": ");
        add_amount(out, view, fate->amount);
    }
    if (view->meter->kind == KIND_REGISTER)
        buffer_add_str(out, fate->rollover ? " since the reading before; the counter wrapped"
                                           : " since the reading before");
}

static void add_counts_partly(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    const struct reading_fate *fate = &view->fates[index];
    buffer_add_str(out, "counts in part: ");
    if (view->meter->kind == KIND_GAUGE) {
        buffer_add_str(out, "no reading within ");
        duration_print(out, view->meter->hold_ms);
        bool before = !view->meter->step && fate->before == FATE_NO_READING;
        buffer_add_str(out, before ? " before it" : " after it");
        return;
    }
    add_amount(out, view, fate->amount);
    buffer_add_str(out, " over ");
    duration_print(out, fate->counted_ms);
    buffer_add_str(out, " of ");
    duration_print(out, (int64_t)journal_at(view->journal, index)->span_ms);
    if (fate->before == FATE_NO_READING)
        return;
    buffer_add_str(out, "; elsewhere ");
    add_reading(out, view, fate->before);
    buffer_add_str(out, " ranks higher");
}

static void add_outranked(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    uint32_t better = view->fates[index].before;
    buffer_add_str(out, "outranked: ");
    if (better == FATE_NO_READING) {
        buffer_add_str(out, "better readings have all of its time");
        return;
    }
    add_reading(out, view, better);
    buffer_add_str(out, " ranks higher");
}

/* An estimate of a register gives way to a measured reading behind it, whatever it says. */
static bool gives_way(const struct journal_view *view, uint32_t index)
{
    uint32_t after = view->fates[index].after;
    return journal_at(view->journal, index)->quality == QUALITY_ESTIMATED &&
           after != FATE_NO_READING &&
           journal_at(view->journal, after)->quality != QUALITY_ESTIMATED;
}

static void add_left_aside(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    const struct reading_fate *fate = &view->fates[index];
    buffer_add_str(out, "left aside: ");
    if (gives_way(view, index)) {
        buffer_add_str(out, "an estimate, and ");
        add_reading(out, view, fate->after);
        buffer_add_str(out, " was measured");
        return;
    }
    journal_view_add_value(out, view, index);
    buffer_add_str(out, " contradicts ");
    if (fate->before != FATE_NO_READING) {
        journal_view_add_value(out, view, fate->before);
        buffer_add_str(out, " before");
    }
    if (fate->after == FATE_NO_READING)
        return;
    buffer_add_str(out, fate->before != FATE_NO_READING ? " and " : "");
    journal_view_add_value(out, view, fate->after);
    buffer_add_str(out, " after");
}

static void add_break(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    const struct reading_fate *fate = &view->fates[index];
    buffer_add_str(out, "break: ");
    journal_view_add_value(out, view, index);
    buffer_add_str(out, " does not go on from ");
    add_reading(out, view, fate->before);
    buffer_add_str(out, "; the time between is held, ");
    add_amount(out, view, fate->amount);
    buffer_add_str(out, " in question");
}

static void add_line(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    buffer_add_str(out, "counts with ");
    add_reading(out, view, view->fates[index].before);
    buffer_add_str(out, ", as a line of the same bill");
}

static void add_held(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    const struct reading_fate *fate = &view->fates[index];
    if (view->meter->kind == KIND_REGISTER) {
        buffer_add_str(out, "held: later readings decide whether ");
        journal_view_add_value(out, view, index);
        buffer_add_str(out, " goes on from ");
        add_reading(out, view, fate->before);
        buffer_add_str(out, ", ");
    } else {
        buffer_add_str(out, "held: readings within it that rank higher contradict this total; they "
                            "stand, ");
    }
    add_amount(out, view, fate->amount);
    buffer_add_str(out, " in question");
}

static void add_contradicted(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    buffer_add_str(out, "contradicted: better readings have all of its time; they stand, and ");
    add_amount(out, view, view->fates[index].amount);
    buffer_add_str(out, " of it are in none of them");
}

static void add_gap(struct buffer *out, const struct journal_view *view)
{
    buffer_add_str(out, "gap: no other reading within ");
    duration_print(out, view->meter->hold_ms);
}

/* The decision of a person on the reading; its message tells who, when and why. */
static void add_decision(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    const struct reading *decision =
        decisions_find(view->meter, view->decided, journal_at(view->journal, index));
    if (decision == NULL)
        return;
    bool drops = decision_drops(decision->value);
    buffer_printf(out, "%s by decision %" PRId32 ":%" PRId64, drops ? "dropped" : "; accepted",
                  view->partition, decision->offset);
}

/* The part of an event that it is, if it is no plain value. */
static void add_part(struct buffer *out, enum reading_role role)
{
    static const char *const words[ROLE_COUNT] = {[ROLE_READING] = "",
                                                  [ROLE_FINAL] = "exchange, the old counter: ",
                                                  [ROLE_INITIAL] = "exchange, the new counter: ",
                                                  [ROLE_DIP] = "dip: ",
                                                  [ROLE_TRANSFER] = "transfer: ",
                                                  [ROLE_CREDIT] = "credit: ",
                                                  [ROLE_MOVED] = "stands at another time now: "};
    ASSERT(role < ROLE_DECISION);
    buffer_add_str(out, words[role]);
}

void journal_view_add_why(struct buffer *out, const struct journal_view *view, uint32_t index)
{
    add_part(out, (enum reading_role)journal_at(view->journal, index)->role);
    switch ((enum fate)view->fates[index].fate) {
    case FATE_COUNTS:
        add_counts(out, view, index);
        break;
    case FATE_COUNTS_PARTLY:
        add_counts_partly(out, view, index);
        break;
    case FATE_OUTRANKED:
        add_outranked(out, view, index);
        break;
    case FATE_BEGINS:
        buffer_add_str(out, view->meter->step && index > 0
                                ? "begins: holds from here on, until the next one comes"
                                : "begins: later readings go on from it");
        break;
    case FATE_GAP:
        add_gap(out, view);
        break;
    case FATE_LEFT_ASIDE:
        add_left_aside(out, view, index);
        break;
    case FATE_BREAK:
        add_break(out, view, index);
        break;
    case FATE_LINE:
        add_line(out, view, index);
        break;
    case FATE_HELD:
        if (view->meter->kind == KIND_STOCK)
            stock_view_add_balance(out, view, index);
        else
            add_held(out, view, index);
        break;
    case FATE_CONTRADICTED:
        add_contradicted(out, view, index);
        break;
    case FATE_IN_BALANCE:
    case FATE_WAITS:
        stock_view_add_part(out, view, index);
        break;
    case FATE_DROPPED:
    case FATE_COUNT:
        break;
    }
    add_decision(out, view, index);
    if (journal_at(view->journal, index)->conflict)
        buffer_add_str(out, "; another value of the same rank was there");
}

/* --- time --- */

bool journal_view_get_held(const struct journal_view *view, uint32_t index, int64_t *from_ms_out,
                           int64_t *to_ms_out)
{
    const struct reading_fate *fate = &view->fates[index];
    const struct reading *reading = journal_at(view->journal, index);
    *from_ms_out = reading->start_ms;
    *to_ms_out = reading_end_ms(reading);
    bool since_before = fate->fate == FATE_HELD && view->meter->kind != KIND_INTERVAL;
    if (fate->fate == FATE_BREAK || since_before)
        *from_ms_out = journal_at(view->journal, fate->before)->start_ms;
    return fate->fate == FATE_BREAK || fate->fate == FATE_HELD;
}

bool journal_view_is_own(const struct journal_view *view, uint32_t index)
{
    const struct meter *meter = view->meter;
    const struct reading_fate *fate = &view->fates[index];
    int64_t start_ms = journal_at(view->journal, index)->start_ms;
    if (!meter->versioned || (start_ms >= meter->valid_from_ms && start_ms < meter->valid_to_ms))
        return true;
    return start_ms >= meter->valid_to_ms && fate->fate == FATE_COUNTS &&
           journal_at(view->journal, fate->before)->start_ms < meter->valid_to_ms;
}

bool journal_view_touches(const struct journal_view *view, uint32_t index, int64_t from_ms,
                          int64_t to_ms)
{
    const struct reading *reading = journal_at(view->journal, index);
    int64_t start_ms;
    int64_t end_ms;
    (void)journal_view_get_held(view, index, &start_ms, &end_ms);
    end_ms = MAX(end_ms, reading->start_ms + 1); /* an instant is no stretch */
    return start_ms < to_ms && end_ms > from_ms;
}

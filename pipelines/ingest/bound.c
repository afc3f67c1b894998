#include "pipelines/ingest/bound.h"

#include "base/durations.h"
#include "base/timestamp.h"

/* The margin of a tenth: 11 for 10. */
enum { MARGIN_NUM = 11, MARGIN_DEN = 10 };

static int128 magnitude(int64_t value)
{
    return value < 0 ? -(int128)value : value;
}

bool bound_allows(const struct meter *meter, int64_t value, int64_t length_ms)
{
    if (meter->rate_max == 0)
        return true;
    int128 most = (int128)meter->rate_max * MARGIN_NUM;
    if (meter->kind == KIND_INTERVAL)
        return magnitude(value) * MARGIN_DEN * HOUR_MS <= most * length_ms;
    return meter->kind != KIND_GAUGE || magnitude(value) * MARGIN_DEN <= most;
}

/* The canonical unit, or the same per hour. */
static void add_unit(struct buffer *out, const struct meter *meter)
{
    const char *unit = quantity_unit((enum quantity)meter->quantity);
    if (meter->kind != KIND_GAUGE)
        buffer_printf(out, " %s", unit);
    else if (meter->quantity == QUANTITY_ENERGY)
        buffer_add_str(out, " kW");
    else
        buffer_printf(out, " %s/h", unit);
}

static void add_amount(struct buffer *out, const struct meter *meter, int128 micro)
{
    buffer_add_fixed(out, micro, 6);
    add_unit(out, meter);
}

void bound_explain(struct buffer *out, const struct meter *meter, int64_t value, int64_t length_ms)
{
    int128 most = (int128)meter->rate_max * MARGIN_NUM;
    add_amount(out, meter, value);
    if (meter->kind == KIND_INTERVAL) {
        buffer_add_str(out, " in ");
        duration_print(out, length_ms);
        most = most * length_ms / HOUR_MS;
    }
    buffer_printf(out, " is more than max_rate %s allows, ", meter->rate_max_text);
    add_amount(out, meter, most / MARGIN_DEN);
    buffer_add_str(out, " with a margin of a tenth; correct the value or its unit, or max_rate in "
                        "the meters table");
}

static int64_t amount_bound(const struct meter *meter, enum reading_role role)
{
    return role == ROLE_DIP ? meter->capacity : meter->amount_max;
}

bool bound_allows_amount(const struct meter *meter, enum reading_role role, int64_t value)
{
    ASSERT(meter->kind == KIND_DELIVERY || meter->kind == KIND_STOCK);
    int64_t bound = amount_bound(meter, role);
    return bound == 0 || magnitude(value) <= bound;
}

void bound_explain_amount(struct buffer *out, const struct meter *meter, enum reading_role role,
                          int64_t value)
{
    bool dip = role == ROLE_DIP;
    add_amount(out, meter, value);
    buffer_printf(out,
                  " is more than %s %s allows; correct the value or its unit, or %s in the "
                  "meters table",
                  dip ? "capacity" : "max_amount",
                  dip ? meter->capacity_text : meter->amount_max_text,
                  dip ? "capacity" : "max_amount");
}

#include "config/registry/counters.h"

#include <sys/param.h>

#include "base/decimal.h"

/* factors[] and divisors[] without what they have in common. */
static void reduce(int128 factors[3], int128 divisors[2])
{
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 2; k++) {
            int128 common =
                greatest_divisor(factors[i] < 0 ? -factors[i] : factors[i], divisors[k]);
            factors[i] /= common;
            divisors[k] /= common;
        }
    }
}

bool counters_rescale(int64_t *value_out, const struct meter *from, const struct meter *to,
                      int64_t value)
{
    int128 factors[3] = {value, to->own.scale.num, from->own.scale.den};
    int128 divisors[2] = {to->own.scale.den, from->own.scale.num};
    *value_out = 0;
    if (value == 0)
        return true;
    reduce(factors, divisors);
    int128 product = factors[0] * factors[1]; /* of two int64 */
    if (__builtin_mul_overflow(product, factors[2], &product))
        return false;
    int128 scaled = div_round_even(product, divisors[0] * divisors[1]);
    if (scaled > REGISTER_MAX || scaled < -REGISTER_MAX)
        return false;
    *value_out = (int64_t)scaled;
    return true;
}

static bool is_version_of(const struct meter *a, const struct meter *b)
{
    return a->kind == KIND_REGISTER && b->kind == KIND_REGISTER && a->facility == b->facility &&
           a->quantity == b->quantity;
}

uint32_t counters_next(const struct registry *registry, uint32_t meter, uint32_t version)
{
    const struct meter *own = &registry->meters[meter];
    if (!own->versioned)
        return REGISTRY_NONE;
    version =
        version == REGISTRY_NONE ? own->first_version : registry->meters[version].next_version;
    while (version != REGISTRY_NONE &&
           (version == meter || !is_version_of(own, &registry->meters[version])))
        version = registry->meters[version].next_version;
    return version;
}

static bool is_same_amount(const struct meter *a, const struct meter *b, int64_t of_a, int64_t of_b)
{
    int64_t value;
    return counters_rescale(&value, a, b, of_a) && value == of_b;
}

static bool is_same_counter(const struct meter *a, const struct meter *b)
{
    return is_version_of(a, b) && a->negative == b->negative && a->restarts == b->restarts &&
           is_same_amount(a, b, a->register_digit, b->register_digit) &&
           is_same_amount(a, b, a->register_modulus, b->register_modulus);
}

/* The versions from `first` on. A counter lasts from the first version that has it to the last. */
static void link_versions(struct meter *meters, uint32_t first)
{
    int64_t from_ms = INT64_MIN;
    for (uint32_t i = first; i != REGISTRY_NONE; i = meters[i].next_version) {
        uint32_t next = meters[i].next_version;
        meters[i].counter_from_ms = from_ms;
        meters[i].first_version = first;
        if (next != REGISTRY_NONE && !is_same_counter(&meters[i], &meters[next]))
            from_ms = meters[next].valid_from_ms;
    }
    for (uint32_t i = first; i != REGISTRY_NONE; i = meters[i].next_version) {
        uint32_t end = i; /* the last version with its counter */
        while (meters[end].next_version != REGISTRY_NONE &&
               meters[meters[end].next_version].counter_from_ms == meters[i].counter_from_ms)
            end = meters[end].next_version;
        uint32_t next = meters[end].next_version;
        meters[i].counter_to_ms = next == REGISTRY_NONE ? INT64_MAX : meters[next].valid_from_ms;
    }
}

/* Each has room for what all others read. */
static void share_room(const struct registry *registry, uint32_t meter)
{
    uint32_t *room = &registry->meters[meter].readings_max;
    for (uint32_t other = counters_next(registry, meter, REGISTRY_NONE); other != REGISTRY_NONE;
         other = counters_next(registry, meter, other))
        *room = MAX(*room, registry->meters[other].readings_max);
}

void counters_link(struct registry *registry)
{
    struct meter *meters = registry->meters;
    for (uint32_t i = 0; i < registry->meters_count; i++)
        meters[i].first_version = i;
    for (uint32_t i = 0; i < registry->meters_count; i++)
        if (meters[i].next_version != REGISTRY_NONE)
            meters[meters[i].next_version].first_version = REGISTRY_NONE;
    for (uint32_t i = 0; i < registry->meters_count; i++)
        if (meters[i].first_version == i)
            link_versions(meters, i);
    for (uint32_t i = 0; i < registry->meters_count; i++) {
        meters[i].versioned = true;
        meters[i].versioned = counters_next(registry, i, REGISTRY_NONE) != REGISTRY_NONE;
    }
    for (uint32_t i = 0; i < registry->meters_count; i++)
        share_room(registry, i);
}

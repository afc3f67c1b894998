#include "pipelines/metering/register_steps.h"

/* --- rates --- */

/* The index of the measured reading that is `distance` before. */
static uint32_t step_back(const struct judged *chain, uint32_t index, uint32_t distance)
{
    while (distance > 0) {
        index--;
        distance -= is_measured(journal_at(chain->journal, index));
    }
    return index;
}

uint32_t chain_before(const struct judged *chain, uint32_t index)
{
    struct chain_link link = chain_link_of(journal_at(chain->journal, index));
    return link.before == 0 ? NO_READING : step_back(chain, index, link.before);
}

int64_t chain_step_amount(const struct meter *meter, enum chain_step step,
                          const struct reading *before, const struct reading *reading)
{
    switch (step) {
    case CHAIN_RISE:
    case CHAIN_LOOSE:
        return reading->value - before->value;
    case CHAIN_ROLLOVER:
        return reading->value - before->value + meter->register_modulus;
    case CHAIN_RESTART:
        return reading->value;
    default:
        return 0;
    }
}

uint32_t chain_list_rises(const struct judged *chain, uint32_t index, struct register_rise *rises,
                          uint32_t max)
{
    uint32_t count = 0;
    while (count < max && index != NO_READING) {
        struct chain_link link = chain_link_of(journal_at(chain->journal, index));
        if (link.rises == 0)
            return count;
        uint32_t at = index - (uint32_t)link.rise;
        const struct reading *reading = journal_at(chain->journal, at);
        index = chain_before(chain, at);
        if (index == NO_READING)
            break;
        const struct reading *before = journal_at(chain->journal, index);
        enum chain_step step = (enum chain_step)chain_link_of(reading).step;
        rises[count++] =
            (struct register_rise){.before = before->value,
                                   .amount = chain_step_amount(chain->meter, step, before, reading),
                                   .ms = between_ms(before, reading),
                                   .step = (uint8_t)step};
    }
    const struct register_past *past = &chain->journal->past; /* of the first reading */
    for (uint32_t i = 0; count < max && i < MIN(past->rises, PAST_RISES); i++)
        rises[count++] = past->newest[i];
    return count;
}

struct register_past chain_past(const struct judged *chain, uint32_t index)
{
    const struct reading *reading = journal_at(chain->journal, index);
    struct chain_link link = chain_link_of(reading);
    struct register_past past = {
        .known = is_measured(reading), .exempt = link.exempt, .rises = (uint8_t)link.rises};
    (void)chain_list_rises(chain, index, past.newest, PAST_RISES);
    return past;
}

static struct rise steepest_of(const struct register_rise *rises, uint32_t count)
{
    struct rise steepest = {0, 0};
    for (uint32_t i = 0; i < count; i++)
        steepest = steeper(steepest, (struct rise){size_of(rises[i].amount), rises[i].ms});
    return steepest;
}

static struct rise largest_rise(const struct judged *chain, uint32_t index)
{
    struct register_rise rises[RISES_MAX];
    return steepest_of(rises, chain_list_rises(chain, index, rises, RISES_MAX));
}

struct verdict chain_judge_first_rise(const struct judged *chain, uint32_t index, struct rise more)
{
    struct register_rise rises[RISES_COUNTED + 1];
    const struct reading *reading = journal_at(chain->journal, index);
    struct chain_link link = chain_link_of(reading);
    uint32_t count = more.ms != 0;
    rises[0] = (struct register_rise){reading->value, more.amount, more.ms, CHAIN_RISE};
    count += chain_list_rises(chain, index, rises + count, (uint32_t)link.rises);
    if (chain->meter->rate_max > 0 || count == 0)
        return (struct verdict){0, true};
    const struct register_rise *first = &rises[count - 1];
    bool from_zero = !link.exempt && first->before == 0;
    if (count == 1)
        return (struct verdict){0, !from_zero};
    struct rise largest = steepest_of(rises, count - 1);
    if (is_within(size_of(first->amount), first->ms, largest, LOOSE_TIMES))
        return (struct verdict){0, true};
    return from_zero ? (struct verdict){BREAK_COST, false} : (struct verdict){1, true};
}

int32_t chain_first_rise_cost(const struct judged *chain, uint32_t index, struct rise more)
{
    struct chain_link link = chain_link_of(journal_at(chain->journal, index));
    return link.rises >= RISES_COUNTED ? 0 : chain_judge_first_rise(chain, index, more).cost;
}

/* --- one step --- */

/* One unit of the last digit that some reading here shows. */
static int64_t last_digit(const struct judged *chain, const struct look_back *window,
                          const struct reading *reading)
{
    if (chain->meter->register_digit > 0)
        return chain->meter->register_digit;
    struct ratio scale = chain->meter->own.scale;
    if (scale.num == 0)
        return 0;
    int64_t digit = INT64_MAX;
    for (uint32_t i = 0; i <= window->count; i++) {
        int64_t value = i < window->count ? journal_at(chain->journal, window->index[i])->value
                                          : reading->value;
        int128 unit = (int128)scale.num * MICRO; /* one, in micro-units times scale.den */
        for (int k = 0; k < 6; k++, unit /= 10) {
            int128 rest = ((int128)value * scale.den) % unit;
            if (rest == 0)
                break;
        }
        digit = MIN(digit, (int64_t)(unit / scale.den));
    }
    return digit;
}

static bool is_possible(const struct judged *chain, const struct look_back *window,
                        const struct reading *reading, int64_t amount, int64_t ms)
{
    return is_plausible(chain->meter, amount, ms, 0) ||
           is_plausible(chain->meter, amount, ms, last_digit(chain, window, reading));
}

/* Without max_rate a rollover leads below this: the lowest state that the register showed at the
 * last eight rises, none before a rollover. A counter that falls, and not below that, went round
 * nearly all of its digits in few steps: it read a wrong value between. So it may have if one of
 * the rises is beyond the loose rate: then nothing is below. */
static int64_t limit_of_rollover(const struct judged *chain, uint32_t index)
{
    struct register_rise rises[RISES_MAX];
    uint32_t count = chain_list_rises(chain, index, rises, RISES_MAX);
    int64_t lowest = journal_at(chain->journal, index)->value;
    for (uint32_t i = 0; i < count && rises[i].step != CHAIN_ROLLOVER; i++) {
        if (rises[i].step == CHAIN_LOOSE)
            return INT64_MIN;
        lowest = rises[i].before;
    }
    return lowest;
}

static enum chain_step judge_fall(const struct judged *chain, const struct look_back *window,
                                  uint32_t index, const struct reading *reading)
{
    const struct meter *meter = chain->meter;
    const struct reading *before = journal_at(chain->journal, index);
    int64_t ms = between_ms(before, reading);
    if (reading->value < 0)
        return CHAIN_NONE;
    if (meter->register_modulus > before->value) {
        int64_t wrapped = reading->value - before->value + meter->register_modulus;
        struct rise rate = largest_rise(chain, index);
        bool possible = meter->rate_max > 0
                            ? is_possible(chain, window, reading, wrapped, ms)
                            : rate.ms > 0 && reading->value < limit_of_rollover(chain, index);
        if (possible && (rate.ms == 0 || is_within(wrapped, ms, rate, ROLLOVER_TIMES)))
            return CHAIN_ROLLOVER;
    }
    return meter->restarts && is_possible(chain, window, reading, reading->value, ms)
               ? CHAIN_RESTART
               : CHAIN_NONE;
}

/* How the reading goes on from the one at `index`. */
enum chain_step chain_judge_step(const struct judged *chain, const struct look_back *window,
                                 uint32_t index, const struct reading *reading)
{
    const struct meter *meter = chain->meter;
    const struct reading *before = journal_at(chain->journal, index);
    int64_t amount = reading->value - before->value;
    int64_t ms = between_ms(before, reading);
    if (chain_crosses(meter, before, reading))
        return CHAIN_NONE;
    if (reading->accepted && amount >= 0) /* by a person: it is not too steep */
        return CHAIN_RISE;
    if (amount < 0 && !meter->negative)
        return judge_fall(chain, window, index, reading);
    if (meter->rate_max > 0)
        return is_possible(chain, window, reading, size_of(amount), ms) ? CHAIN_RISE : CHAIN_NONE;
    struct rise rate = largest_rise(chain, index);
    return rate.ms == 0 || is_within(size_of(amount), ms, rate, LOOSE_TIMES) ? CHAIN_RISE
                                                                             : CHAIN_LOOSE;
}

/* --- runs left aside --- */

/* Whether the first reading of a run goes on from the one before the run. */
static bool begins_well(const struct judged *chain, const struct look_back *window, uint32_t at,
                        const struct reading *reading)
{
    const struct reading *before = journal_at(chain->journal, window->index[at]);
    const struct reading *first = journal_at(chain->journal, window->index[at + 1]);
    if (chain_judge_step(chain, window, window->index[at], first) != CHAIN_RISE)
        return false;
    if (chain->meter->rate_max > 0 || largest_rise(chain, window->index[at]).ms != 0)
        return true;
    /* There is no rate yet: the rise to the return is one. */
    struct rise whole = {size_of(reading->value - before->value), between_ms(before, reading)};
    return is_within(size_of(first->value - before->value), between_ms(before, first), whole,
                     LOOSE_TIMES);
}

/* Whether the reading goes on from one of the last of the run behind window entry `at`, whose
 * largest step is given. */
static bool continues_run(const struct judged *chain, const struct look_back *window, uint32_t at,
                          struct rise largest, const struct reading *reading)
{
    if (largest.ms == 0)
        largest.ms = 1;
    uint32_t tail = MAX(at + 1, window->count - MIN(window->count, RETURN_TAIL));
    for (uint32_t i = tail; i < window->count; i++) {
        const struct reading *other = journal_at(chain->journal, window->index[i]);
        int64_t amount = reading->value - other->value;
        if (chain->meter->negative)
            amount = size_of(amount);
        if (amount >= 0 && is_within(amount, between_ms(other, reading), largest, LOOSE_TIMES))
            return true;
    }
    return false;
}

/* Whether the return is much nearer to the reading before the run than to the run, and than to 0.
 */
static bool is_near(const struct judged *chain, const struct look_back *window, uint32_t at,
                    const struct reading *reading)
{
    const struct reading *before = journal_at(chain->journal, window->index[at]);
    const struct reading *last = journal_at(chain->journal, window->index[window->count - 1]);
    int64_t nearest = MIN(size_of(reading->value), size_of(reading->value - last->value));
    return (int128)LOOSE_TIMES * size_of(reading->value - before->value) <= nearest;
}

struct rise chain_lengthen_run(const struct judged *chain, const struct look_back *window,
                               uint32_t at, struct rise largest, const struct reading *reading)
{
    if (at + 2 >= window->count)
        return largest;
    const struct reading *a = journal_at(chain->journal, window->index[at + 1]);
    const struct reading *b = journal_at(chain->journal, window->index[at + 2]);
    if (!chain->meter->negative && MAX(a->value, b->value) > reading->value)
        return largest;
    return steeper(largest, (struct rise){size_of(b->value - a->value), between_ms(a, b)});
}

/* Whether leaving the run aside costs nothing. A loose step may become a plain one. */
bool chain_is_glitch(const struct judged *chain, const struct look_back *window, uint32_t at,
                     struct rise largest, const struct reading *reading, enum chain_step *step)
{
    if (at + 1 == window->count || *step == CHAIN_NONE || *step == CHAIN_RESTART ||
        continues_run(chain, window, at, largest, reading) ||
        begins_well(chain, window, at, reading))
        return false;
    if (*step != CHAIN_LOOSE)
        return true;
    if (!is_near(chain, window, at, reading))
        return false;
    *step = CHAIN_RISE;
    return true;
}

int64_t register_chain_amount(const struct meter *meter, const struct reading *before,
                              const struct reading *reading)
{
    return chain_step_amount(meter, (enum chain_step)chain_link_of(reading).step, before, reading);
}

void register_chain_count(struct chain_counts *counts, const struct meter *meter,
                          const struct journal *journal, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        const struct reading *reading = journal_at(journal, i);
        struct chain_link link = chain_link_of(reading);
        if (meter->versioned &&
            (reading->start_ms < meter->valid_from_ms || reading->start_ms >= meter->valid_to_ms))
            continue;
        counts->left_aside += !link.kept;
        counts->breaks += link.kept && link.step == CHAIN_BREAK;
        counts->rollovers += link.kept && link.step == CHAIN_ROLLOVER;
    }
}

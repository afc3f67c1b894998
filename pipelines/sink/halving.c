#include "pipelines/sink/halving.h"

#include <stdio.h>
#include <string.h>
#include <sys/param.h>

static void push(struct halving *halving, uint32_t first, uint32_t count, bool stored)
{
    if (count == 0)
        return;
    ASSERT(halving->count < RANGES_MAX);
    halving->ranges[halving->count++] =
        (struct range){.first = first, .count = count, .stored = stored};
}

static void push_halves(struct halving *halving, uint32_t first, uint32_t count, bool stored)
{
    push(halving, first + count / 2, count - count / 2, stored);
    push(halving, first, count / 2, stored);
}

static const struct range *top_of(const struct halving *halving)
{
    ASSERT(halving->count > 0);
    return &halving->ranges[halving->count - 1];
}

static struct range *top(struct halving *halving)
{
    ASSERT(halving->count > 0);
    return &halving->ranges[halving->count - 1];
}

static struct range pop(struct halving *halving)
{
    struct range range = *top(halving);
    halving->count--;
    halving->requests += range.stored;
    return range;
}

void halving_begin(struct halving *halving, uint32_t rows)
{
    *halving = (struct halving){.taken = ROW_NONE};
    push(halving, 0, rows, false);
}

struct range halving_next(struct halving *halving, uint32_t rows_fit)
{
    struct range range = *top(halving);
    if (range.count > rows_fit) {
        halving->count--;
        push(halving, range.first + rows_fit, range.count - rows_fit, range.stored);
        push(halving, range.first, rows_fit, range.stored);
    }
    return *top(halving);
}

void halving_take(struct halving *halving)
{
    halving->taken = (int32_t)pop(halving).first;
}

void halving_split(struct halving *halving)
{
    struct range range = pop(halving);
    ASSERT(range.count > 1);
    push_halves(halving, range.first, range.count, range.stored);
}

void halving_separate(struct halving *halving, uint32_t rejected)
{
    struct range range = pop(halving);
    ASSERT(range.count > 1);
    if (!range.stored)
        halving->rejected = halving->found = 0;
    halving->rejected = MAX(halving->rejected, halving->found + rejected);
    if (halving->requests < HALVING_REQUESTS_MAX)
        push_halves(halving, range.first, range.count, true);
    else
        push(halving, range.first, range.count, true);
}

void halving_refuse(struct halving *halving)
{
    struct range range = pop(halving);
    ASSERT(range.count == 1);
    halving->found += range.stored;
}

void halving_doubt(struct halving *halving, const char *words)
{
    ASSERT(halving->doubts_count < DOUBTS_MAX);
    struct range range = pop(halving);
    ASSERT(range.count == 1);
    uint32_t count = halving->doubts_count;
    bool is_alike = count > 0 && strcmp(words, halving->doubts[count - 1].words) == 0;
    halving->alike = is_alike ? halving->alike + 1 : 1;
    halving->doubts[count].range = range;
    (void)snprintf(halving->doubts[count].words, DOUBT_WORDS_SIZE, "%s", words);
    halving->doubts_count++;
}

bool halving_is_in_doubt(const struct halving *halving)
{
    if (halving->doubts_count == 0 || halving->doubts_count == DOUBTS_MAX || halving->count == 0)
        return halving->doubts_count > 0;
    return halving->doubts[halving->doubts_count - 1].range.suspect && !top_of(halving)->suspect;
}

bool halving_is_hopeless(const struct halving *halving)
{
    ASSERT(halving_is_in_doubt(halving));
    return halving->taken == ROW_NONE || halving->alike == DOUBTS_MAX;
}

/* The first one comes on top. */
static void push_doubts(struct halving *halving, bool as_suspects)
{
    while (halving->doubts_count > 0) {
        const struct range *range = &halving->doubts[--halving->doubts_count].range;
        if (as_suspects && range->suspect) {
            halving->found += range->stored;
            continue;
        }
        push(halving, range->first, range->count, range->stored);
        top(halving)->suspect = as_suspects;
    }
}

void halving_end_doubts(struct halving *halving)
{
    push_doubts(halving, true);
}

void halving_hold(struct halving *halving)
{
    push_doubts(halving, false);
}

bool halving_is_spent(const struct halving *halving)
{
    return halving->count > 0 && halving->ranges[halving->count - 1].stored &&
           halving->requests >= HALVING_REQUESTS_MAX;
}

/* Halves stand in the order of their rows, so all that is stored is one range. */
uint32_t halving_leave(struct halving *halving, struct range *range_out)
{
    ASSERT(halving_is_spent(halving));
    struct range all = *top(halving);
    for (halving->count--; halving->count > 0 && top(halving)->stored; halving->count--)
        all.count = top(halving)->first + top(halving)->count - all.first;
    *range_out = all;
    return MIN(halving->rejected - MIN(halving->found, halving->rejected), all.count);
}

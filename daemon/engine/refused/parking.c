#include "daemon/engine/refused/parking.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/param.h>

#include "daemon/engine/refused/parked.h"

struct parking {
    struct parking_conf conf;
    uint64_t next_sequence;
    struct outgoing *oldest, *newest; /* in the order of arrival, linked by `newer` */
    struct parking_stats stats;
};

int parking_create(struct parking **parking_out, const struct parking_conf *conf)
{
    struct parking *parking = calloc(1, sizeof(*parking));
    if (parking == NULL)
        return -ENOMEM;
    parking->conf = *conf;
    parking->next_sequence = 1;
    *parking_out = parking;
    return 0;
}

static struct outgoing *take_oldest(struct parking *parking)
{
    struct outgoing *letter = parking->oldest;
    parking->oldest = letter->newer;
    if (parking->oldest == NULL)
        parking->newest = NULL;
    letter->newer = NULL;
    parking->stats.events--;
    parking->stats.bytes -= outgoing_cost(letter);
    return letter;
}

void parking_destroy(struct parking **parking)
{
    struct parking *gone = TAKE(*parking);
    if (gone == NULL)
        return;
    while (gone->oldest != NULL)
        outgoing_destroy(take_oldest(gone));
    free(gone);
}

static bool is_over(const struct parking *parking, int64_t now_ms)
{
    const struct outgoing *oldest = parking->oldest;
    return oldest != NULL && (parking->stats.bytes > (uint64_t)parking->conf.bytes_max ||
                              oldest->timestamp_ms < now_ms - parking->conf.age_max_ms);
}

/* While the producer is full they stay, a little above the bound: the caller makes sure of
 * room before each slice of messages. */
static void push_out(struct parking *parking, int64_t now_ms)
{
    struct producer *producer = parking->conf.producer;
    while (is_over(parking, now_ms)) {
        if (!producer_has_room(producer, 1, outgoing_cost(parking->oldest)) ||
            producer_reserve(producer, parking->oldest->partition, 0) < 0)
            return;
        struct outgoing *letter = take_oldest(parking);
        int32_t partition = letter->partition;
        int err = producer_send(producer, &letter);
        ASSERT(err == 0); /* there were room and memory */
        parking->stats.pushed_out++;
        if (parking->conf.pushed_out != NULL)
            parking->conf.pushed_out(parking->conf.context, partition);
    }
}

static void append(struct parking *parking, struct outgoing *letter)
{
    letter->sequence = parking->next_sequence++;
    if (parking->newest != NULL)
        parking->newest->newer = letter;
    else
        parking->oldest = letter;
    parking->newest = letter;
    parking->stats.events++;
    parking->stats.bytes += outgoing_cost(letter);
}

int parking_add(struct parking *parking, const rd_kafka_message_t *message,
                const struct refusal *refusal)
{
    struct producer *producer = parking->conf.producer;
    struct outgoing_reserve *reserve = producer != NULL ? producer_get_reserve(producer) : NULL;
    struct outgoing *letter = dead_letter_create(reserve, message, refusal, false);
    if (letter == NULL)
        return -ENOMEM;
    int64_t now_ms = letter->timestamp_ms;
    append(parking, letter);
    push_out(parking, now_ms);
    return 0;
}

void parking_put(struct parking *parking, struct outgoing **letter)
{
    append(parking, TAKE(*letter));
}

int64_t parking_low_offset(const struct parking *parking, int32_t partition)
{
    for (const struct outgoing *letter = parking->oldest; letter != NULL; letter = letter->newer) {
        if (letter->partition == partition)
            return letter->offset;
    }
    return INT64_MAX;
}

uint64_t parking_next_sequence(const struct parking *parking)
{
    return parking->next_sequence;
}

void parking_save(const struct parking *parking, int32_t partition, uint64_t since,
                  struct buffer *out)
{
    uint64_t left = UINT64_MAX;
    uint32_t count = 0;
    for (const struct outgoing *letter = parking->oldest; letter != NULL; letter = letter->newer) {
        if (letter->partition != partition)
            continue;
        left = MIN(left, letter->sequence);
        count += letter->sequence >= since;
    }
    parked_save_begin(out, left, count);
    for (const struct outgoing *letter = parking->oldest; letter != NULL; letter = letter->newer) {
        if (letter->partition == partition && letter->sequence >= since)
            parked_save(out, letter);
    }
}

void parking_forget(struct parking *parking, int32_t partition)
{
    struct outgoing *rest = parking->oldest;
    parking->oldest = parking->newest = NULL;
    while (rest != NULL) {
        struct outgoing *letter = rest;
        rest = letter->newer;
        letter->newer = NULL;
        if (letter->partition == partition) {
            parking->stats.events--;
            parking->stats.bytes -= outgoing_cost(letter);
            outgoing_destroy(letter);
            continue;
        }
        if (parking->newest != NULL)
            parking->newest->newer = letter;
        else
            parking->oldest = letter;
        parking->newest = letter;
    }
}

const struct parking_stats *parking_get_stats(const struct parking *parking)
{
    return &parking->stats;
}

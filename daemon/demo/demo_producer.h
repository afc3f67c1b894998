/*
 * demo_producer.h - produces the readings of the demonstration's factories, at any speed.
 *
 * It behaves as real gateways do: one message a factory and step, in its format, keyed by its name.
 * It has their faults too. A meter falls silent, a register rolls over. Some readings come twice or
 * hours late. Some are estimated first and corrected later. Now and then one has a wrong unit. The
 * messages depend on the seed and the time alone. The Kafka timestamps are the simulated time.
 */
#ifndef GHGD_DEMO_PRODUCER_H
#define GHGD_DEMO_PRODUCER_H

#include "base/base.h"

struct demo_producer;

struct demo_producer_conf {
    const char *brokers, *topic;
    uint64_t seed;
    int64_t start_ms;  /* the first reading */
    int64_t silent_ms; /* from here on one meter is silent */
    int64_t worse_ms;  /* from here on one boiler needs more gas */
};

struct demo_producer_stats {
    uint64_t messages, events;
    uint64_t duplicates, late, estimates, corrections, faulty; /* among the events */
};

/* Returns 0, -ENOMEM, or ERR_CONFIG if the brokers are no such thing. */
int demo_producer_create(struct demo_producer **demo_producer_out,
                         const struct demo_producer_conf *conf) MUST_CHECK;
/* Waits for messages under way, at most two seconds. */
void demo_producer_destroy(struct demo_producer **producer);

/* Produces everything up to this moment. Returns false if the brokers do not keep up: call again
 * later, it goes on where it stopped. */
bool demo_producer_step(struct demo_producer *producer, int64_t now_ms);
const struct demo_producer_stats *demo_producer_get_stats(const struct demo_producer *producer);

#endif

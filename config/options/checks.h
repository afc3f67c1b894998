/*
 * checks.h - what one option alone cannot tell: the checks across options, in one place.
 */
#ifndef GHGD_CHECKS_H
#define GHGD_CHECKS_H

#include "config/options/load.h"

/* Checks everything that depends on more than one option, fills in the defaults that depend on
 * others (paths below the state directory), and reports every fault. */
void checks_run(struct loading *loading);

/* Its part about sinks: what each type and dialect needs, and what it has no use for. */
void checks_sinks(struct loading *loading);
/* Warns of secrets in the clear and of protection that is switched off. */
void checks_doors(struct loading *loading);

/* Checks that `ghgd run` has all it needs (replay needs no Kafka and no sink): a topic, brokers, a
 * sink. Faults are appended. Returns 0 or ERR_CONFIG. */
int config_check_run(const struct config *config, struct buffer *faults) MUST_CHECK;

#endif

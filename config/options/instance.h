/*
 * instance.h - several processes of one machine that share a configuration, and what each has for
 * itself.
 *
 * GHGD_INSTANCE is the number N of this instance, from 1 on, as in ghgd@1.service; without it there
 * is only one. An instance has a state directory of its own (state_directory@N). It listens on the
 * port N above that of http.listen. Its number and machine stand for %i and %H in the Kafka
 * properties group.instance.id and client.id (%% is a percent sign).
 */
#ifndef GHGD_INSTANCE_H
#define GHGD_INSTANCE_H

#include "config/options/load.h"

enum { INSTANCE_MAX = 9999 };

/* Reads the environment and adapts all but http.listen; before the checks. Faults are reported. */
void instance_apply(struct loading *loading);
/* Adapts http.listen, which has been split. */
void instance_apply_port(struct loading *loading);

#endif

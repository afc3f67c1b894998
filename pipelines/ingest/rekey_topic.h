/*
 * rekey_topic.h - the topic that is keyed by facility: it is there, or is made.
 *
 * It is made with as many partitions as configured, or as the input topic has, and keeps messages
 * for as long as the input topic does: they have the timestamps that they had there. Its number of
 * partitions decides where a facility's events go, so nothing here ever changes it.
 */
#ifndef GHGD_REKEY_TOPIC_H
#define GHGD_REKEY_TOPIC_H

#include "config/config.h"

/* Blocks, for ten seconds at most: nothing can be read from or written to a topic that is not
 * there. Returns 0, or negative, and `why` says more. */
int rekey_topic_ensure(const struct config *config, struct buffer *why) MUST_CHECK;

#endif

/*
 * rekey_topic.h - the topic that is keyed by facility: it is there, or is made.
 *
 * It is made with as many partitions as configured, or as the input topic has. It keeps messages as
 * long as the input topic does: they have the timestamps that they had there. Its number of
 * partitions decides where a facility's events go, so nothing here ever changes it.
 *
 * Nothing can be read from or written to a topic that is not there. While no broker answers, or
 * there is no input topic to follow, it waits and asks again, for as long as it takes. It is asking
 * or waiting, then told, then closed; the loop thread owns it.
 */
#ifndef GHGD_REKEY_TOPIC_H
#define GHGD_REKEY_TOPIC_H

#include <uv.h>

#include "config/config.h"

struct rekey_topic;

/* The configuration outlives it, and has input.rekey. told() is called once, on the loop, unless it
 * is closed before. err 0: the topic is there. Negative: it cannot serve, and `why` says what to
 * do. Returns 0 or -ENOMEM. */
int rekey_topic_create(struct rekey_topic **topic_out, uv_loop_t *loop, const struct config *config,
                       void (*told)(void *context, int err, const char *why),
                       void *context) MUST_CHECK;
/* Why it still waits, in words; NULL before the first answer, and once it has told. */
const char *rekey_topic_get_wait(const struct rekey_topic *topic);
/* Ends it, and then calls closed(): at once, or within seconds if a broker is slow. */
void rekey_topic_close(struct rekey_topic *topic, void (*closed)(void *context), void *context);

#endif

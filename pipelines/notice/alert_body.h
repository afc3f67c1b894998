/*
 * alert_body.h - notices as JSON: the body that Alertmanager's webhooks have (version 4), and the
 * array that its API v2 takes.
 *
 * Labels say which alert it is, annotations what happened. Both hold text only. The figures are in
 * annotations too, in kg and percent. A `fingerprint` in a webhook's body stands for the alert of a
 * target, whatever its level is. Alertmanager knows an alert by all its labels, also by `severity`.
 * Pure. Thread: any.
 */
#ifndef GHGD_ALERT_BODY_H
#define GHGD_ALERT_BODY_H

#include "pipelines/notice/notice.h"

/* Appends one body with all notices. `receiver` is the sink's name. */
void webhook_body_add(struct buffer *out, const char *receiver, const struct alert_notice *notices,
                      uint32_t count, enum language language);

/* Appends one alert as a webhook's body has it: an object of its own. */
void alert_object_add(struct buffer *out, const struct alert_notice *notice,
                      enum language language);

/* Appends an alert of that level (above ALERT_OK) as Alertmanager gets it, without its times and
 * its last brace; and those. */
void standing_alert_add(struct buffer *out, const struct alert_notice *notice, uint8_t level,
                        enum language language);
void standing_times_add(struct buffer *out, int64_t start_ms, int64_t end_ms);

#endif

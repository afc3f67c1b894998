/*
 * resolve.h - an event becomes a reading: the meter's column, instants, canonical micro-units.
 *
 * External ids become dense integers here, at the door; after it there are no strings.
 */
#ifndef GHGD_RESOLVE_H
#define GHGD_RESOLVE_H

#include "config/registry/registry.h"
#include "pipelines/ingest/batch.h"
#include "pipelines/ingest/event.h"

/* Where an event stood: as in struct origin and struct batch_event. */
struct place {
    uint32_t message, index;
    int64_t offset, arrived_ms;
};

/* Makes a reading of the event, or refuses it. Returns its outcome so far (OUTCOME_USED for a
 * reading; the shard has the last word). */
enum outcome resolve_event(struct batch_event *resolved_out, const struct registry *registry,
                           const struct event *event, const struct place *place);

/* The facility of an event that names a meter: that of the version which resolve_event() would
 * choose. If no version is valid then, the first one counts. REGISTRY_NONE if the meter is unknown.
 */
uint32_t resolve_facility(const struct registry *registry, const struct event *event);

#endif

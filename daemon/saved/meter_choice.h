/*
 * meter_choice.h - the meter that a command line names.
 */
#ifndef GHGD_METER_CHOICE_H
#define GHGD_METER_CHOICE_H

#include "config/registry/registry.h"

/* The first version of the meter. REGISTRY_NONE if the tables have none of that id: that was said,
 * with a likely one. */
uint32_t meter_choose(const struct registry *registry, const char *command, const char *id);

#endif

/*
 * properties.h - librdkafka's own properties, passed through from `kafka.properties`.
 *
 * Properties that the design owns are refused, with the reason or the option to use instead. Names
 * and values that librdkafka does not know are found when they are tried on its handles, not here.
 */
#ifndef GHGD_PROPERTIES_H
#define GHGD_PROPERTIES_H

#include "config/options/yaml.h"

/* Reads the mapping into loading->config->kafka; faults are reported. */
void properties_read(struct loading *loading, const struct yaml *yaml, struct yaml_value value);

/* Whether its value is never printed. */
bool property_is_secret(const char *key);

#endif

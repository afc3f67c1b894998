/*
 * native_header.h - the header by which a message says that it is one of ghgd's own.
 *
 * The event is JSON with ghgd's own names then, and its times are text, whatever the input
 * declares. So what ghgd writes (decisions, events of tools) can go into a foreign producer's
 * topic.
 */
#ifndef GHGD_NATIVE_HEADER_H
#define GHGD_NATIVE_HEADER_H

#include <librdkafka/rdkafka.h>

#include "base/base.h"

#define NATIVE_HEADER "ghgd-native"
#define NATIVE_HEADER_VALUE "1"

/* Another value of the header means nothing. headers may be NULL. */
bool native_header_is_set(const rd_kafka_headers_t *headers);
bool message_is_native(const rd_kafka_message_t *message);

#endif

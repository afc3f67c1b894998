#include "pipelines/kafka/native_header.h"

#include <string.h>

bool native_header_is_set(const rd_kafka_headers_t *headers)
{
    const void *value;
    size_t size;
    return headers != NULL &&
           rd_kafka_header_get_last(headers, NATIVE_HEADER, &value, &size) ==
               RD_KAFKA_RESP_ERR_NO_ERROR &&
           size == strlen(NATIVE_HEADER_VALUE) && memcmp(value, NATIVE_HEADER_VALUE, size) == 0;
}

bool message_is_native(const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *headers;
    return rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR &&
           native_header_is_set(headers);
}

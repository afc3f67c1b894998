/*
 * print.h - letters as lines, for people and for scripts.
 */
#ifndef GHGD_PRINT_H
#define GHGD_PRINT_H

#include <librdkafka/rdkafka.h>

#include "daemon/deadletter/index.h"

enum letter_format { LETTER_TABLE, LETTER_TABS, LETTER_JSON };

/* Appends one line for the record; boxes are the names of the topics that letters lie in. */
void letter_print(struct buffer *out, enum letter_format format, const struct letter_index *letters,
                  const struct letter_record *record, const char *const *boxes);
/* The heads of the columns; only a table has them. */
void letter_print_heads(struct buffer *out, enum letter_format format);
/* How many there are, by state and by reason. */
void letter_print_summary(struct buffer *out, const struct letter_index *letters);

/* Everything that is known of one letter, and its body: JSON as it is, MessagePack as text, what is
 * neither in hex. */
void letter_print_whole(struct buffer *out, const struct deadletter_headers *letter_headers,
                        const rd_kafka_message_t *message);
/* A body that stands for itself. */
void letter_print_body(struct buffer *out, const void *body, size_t size);

#endif

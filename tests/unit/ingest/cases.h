/*
 * cases.h - the table of events that every format must judge alike (tests/data/events/cases.tsv),
 * and what the decoders' tests share.
 */
#ifndef GHGD_TEST_CASES_H
#define GHGD_TEST_CASES_H

#include "base/timestamp.h"
#include "pipelines/ingest/decoder.h"

enum { CASE_COLUMNS = 5, CASE_BYTES_MAX = 4096, CASES_MAX = 256, GIVEN_MAX = 64 };

struct event_case {
    char line[CASE_BYTES_MAX];
    const char *name, *event, *render;
    enum time_unit time_unit;
    enum outcome fault; /* 0 if the event is accepted */
};

/* The rows of the table; the caller frees them. */
struct event_case *cases_load(size_t *count_out);

/* The events that a decoder gave for one message. */
struct given {
    size_t count;
    struct {
        enum outcome fault;
        size_t offset, size; /* of its bytes in the message */
        char render[2048];
    } events[GIVEN_MAX];
    const char *message;
};

/* Copies the message to the very end of a page before one that must not be touched, and decodes it:
 * a byte read behind it ends the test. */
void decode_guarded(struct decoder *decoder, const void *message, size_t size, struct given *given);
struct decoder *decoder_for(enum event_format format, enum time_unit time_unit);

#endif

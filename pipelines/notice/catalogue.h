/*
 * catalogue.h - every text of a notice, in every language; catalogue.c is the one place for them.
 *
 * A text has placeholders in braces, "{name}". A message has the same placeholders in each
 * language; notice.c knows what stands for each. Pure. Thread: any.
 */
#ifndef GHGD_CATALOGUE_H
#define GHGD_CATALOGUE_H

#include "config/options/settings.h"

enum message {
    /* Titles; the first stands before another one. */
    MESSAGE_TITLE_TEST,
    MESSAGE_TITLE_ENTERED,
    MESSAGE_TITLE_EASED,
    MESSAGE_TITLE_OVER,
    MESSAGE_TITLE_RETRACTED,
    /* Lines, in their order. */
    MESSAGE_TEST,
    MESSAGE_LEVEL,
    MESSAGE_SINCE,
    MESSAGE_ENDED,
    MESSAGE_RETRACTED,
    MESSAGE_TARGET,
    MESSAGE_INTENSITY,
    MESSAGE_TO_DATE,
    MESSAGE_BUDGET,
    MESSAGE_SLIP,
    MESSAGE_FORECAST,
    MESSAGE_INTERVAL,
    MESSAGE_MISS,
    MESSAGE_COVERAGE,
    MESSAGE_SOURCES,
    MESSAGE_BACK,
    MESSAGE_USED_UP,
    MESSAGE_ID,
    /* Words, with nothing in braces. */
    MESSAGE_OK,
    MESSAGE_WATCH,
    MESSAGE_WARNING,
    MESSAGE_CRITICAL,
    MESSAGE_FACILITY,
    MESSAGE_GROUP,
    MESSAGE_ALL,
    MESSAGE_TONNES,
    MESSAGE_SEPARATOR,
    MESSAGE_COUNT
};

const char *catalogue_text(enum message message, enum language language);

#endif

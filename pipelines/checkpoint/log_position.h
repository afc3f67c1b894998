/*
 * log_position.h - a place between two events of a partition's log.
 */
#ifndef GHGD_LOG_POSITION_H
#define GHGD_LOG_POSITION_H

#include "base/base.h"

/* The messages before `offset` are done, and the first `skip` events of the message there. */
struct log_position {
    int64_t offset;
    uint32_t skip;
};

#endif

/*
 * usage.h - what this process uses of the machine, as the kernel counts it.
 */
#ifndef GHGD_USAGE_H
#define GHGD_USAGE_H

#include "base/base.h"

struct usage {
    uint64_t resident_bytes, virtual_bytes, cpu_us, open_fds, max_fds;
};

/* Reads /proc/self and asks the kernel; what it does not tell is 0. */
void usage_read(struct usage *usage_out);

#endif

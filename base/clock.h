/*
 * clock.h - what the clocks of the machine say, in milliseconds. Thread: any.
 *
 * For modules that do I/O. The steps between ingest and sink get the time as an argument.
 */
#ifndef GHGD_CLOCK_H
#define GHGD_CLOCK_H

#include "base/base.h"

/* Since the epoch, UTC; it may be set, and jump. */
int64_t clock_wall_ms(void);
/* Since some instant; it never goes back. For measuring how long something takes. */
int64_t clock_steady_ms(void);
/* The same, and it goes on while the machine is suspended. */
int64_t clock_boot_ms(void);
/* Processor time that the calling thread has had, in microseconds. */
int64_t clock_cpu_us(void);

#endif

/*
 * tables.h - the registry of a folder of test data, for tests that are about something else.
 */
#ifndef GHGD_TEST_TABLES_H
#define GHGD_TEST_TABLES_H

#include "config/registry/registry.h"

/* Makes a registry of `folder`/facilities.csv and `folder`/meters.csv, with the shipped factors and
 * buckets of 15 minutes. Fails the test if there is a fault. The caller destroys it. */
struct registry *tables_read(const char *folder, int64_t horizon_ms);

#endif

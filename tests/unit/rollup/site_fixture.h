/*
 * site_fixture.h - a site of one facility with one meter, and two sinks.
 */
#ifndef GHGD_TEST_SITE_FIXTURE_H
#define GHGD_TEST_SITE_FIXTURE_H

#include "pipelines/rollup/site.h"
#include "tests/unit/state/registry_builder.h"

enum { SITE_SINKS = 2 };

struct site_fixture {
    struct plant plant;
    struct window_conf window;
    struct rating *rating;
    struct site *site;
};

/* The ring begins with the day of floor_ms; the horizon is two days. */
void site_fixture_init(struct site_fixture *fixture, const char *time_zone, int64_t bucket_ms,
                       int64_t floor_ms);
void site_fixture_fini(struct site_fixture *fixture);

#endif

/*
 * fixture.h - a small registry, rows of it and a sink that reports, for the tests of sinks.
 */
#ifndef GHGD_TEST_SINK_FIXTURE_H
#define GHGD_TEST_SINK_FIXTURE_H

#include "pipelines/sink/sink.h"

enum { FIXTURE_BUCKET_MS = 900000, FIXTURE_SERIES = 2, FIXTURE_FACILITIES = 3 };

/* 2026-03-01T00:00:00Z */
#define FIXTURE_START_MS INT64_C(1772323200000)

/* Facility 0 is "dhaka-1" of region "Asia" and site "north wing", with two series; 1 is
 * "a, b=c\\", named awkwardly, with none; 2 has no groups. Group levels: region, site. */
const struct registry *fixture_registry(void);

/* A row with a number of its own in every member. `series` as in the registry, or REGISTRY_NONE for
 * a row of coverage. */
struct row fixture_row(uint32_t facility, uint32_t series, int64_t start_ms);
/* A row of energy whose generation is not known; own use and consumption are null too. */
struct row fixture_energy_row(uint32_t facility, int64_t start_ms);

/* A row of a target, with every number known. Its stamp is FIXTURE_START_MS, its year begins two
 * months before. The target is about facility 0 or 1 if `facility` is one of them, about the region
 * "Asia" if it is FIXTURE_GROUP, about the whole if it is REGISTRY_NONE. */
enum { FIXTURE_GROUP = FIXTURE_FACILITIES };
struct row fixture_target_row(enum row_kind kind, uint32_t facility);

/* A block of `count` rows of series 0, one bucket after the other. */
struct block *fixture_block(uint32_t count);

/* The reports of a sink through its callbacks. */
struct fixture_report {
    uint32_t done, abandoned, closed;
    struct sink *sink;                /* if set, it has to be idle when a block comes back */
    enum block_end end;               /* of the block that came back last */
    uint32_t losses, outages, proofs; /* outages are losses, too */
    uint32_t emptied;
    bool proves_all;      /* the last proof */
    _Atomic bool forbids; /* nothing may be written; asked by any thread */
};
struct sink_callbacks fixture_callbacks(struct fixture_report *report);
/* Whether a try of the last block may still arrive. */
static inline bool fixture_is_at_risk(const struct fixture_report *report)
{
    return report->end == BLOCK_WRITTEN_AT_RISK || report->end == BLOCK_UNKNOWN;
}

/* A new folder below TMPDIR, and its removal with all that is in it. */
void fixture_make_folder(char path[64]);
void fixture_remove_folder(const char *path);
/* The bytes of a file as text, to be freed; "" if there is no file. */
char *fixture_read(const char *path);

#endif

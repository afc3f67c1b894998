/*
 * home.h - the partition on which a meter's facility lives, and the reading there that a person
 * means, by the checkpoints. Complaints go to standard error.
 */
#ifndef GHGD_HOME_H
#define GHGD_HOME_H

#include "config/config.h"
#include "daemon/decide/subject.h"

struct home {
    int32_t partition;
    int64_t floor_ms;  /* windows before it are closed; INT64_MIN: none */
    int64_t reach_ms;  /* the subject can be decided on from then on */
    int64_t newest_ms; /* end of the partition's newest reading */
    int64_t offset;    /* up to which its state was saved */
    uint32_t meter;    /* the version that has the subject, or the first one */
    uint32_t facility;
    struct subject subject;
};

/* Finds the home of the meter, whose first version is given, at the time of the query; and the
 * reading that the query means, unless it is about an exchange that is to come. Returns 0; or
 * negative if no partition or several have the facility, or the state cannot be read: that was
 * said. */
int home_find(struct home *home_out, const struct config *config, uint32_t meter,
              const struct subject_query *query, bool exchange) MUST_CHECK;
/* Returns 0 if the query means one thing; else -ENOENT, and says what is there instead. */
int home_explain(const struct home *home, const struct config *config,
                 const struct subject_query *query) MUST_CHECK;

#endif

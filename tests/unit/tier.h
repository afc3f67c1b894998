/*
 * tier.h - the kernels that unit tests take: those that GHGD_SIMD names, or scalar.
 *
 * `make check-tiers` runs every program once for each tier that the machine has.
 */
#ifndef GHGD_TESTS_TIER_H
#define GHGD_TESTS_TIER_H

#include <stdlib.h>

#include "base/base.h"
#include "pipelines/emissions/kernels.h"

static inline const struct kernels *tests_kernels(void)
{
    const char *name = getenv("GHGD_SIMD"); // NOLINT(concurrency-mt-unsafe): one thread
    const struct kernels *kernels = kernels_find(name != NULL ? name : "scalar");
    ASSERT(kernels != NULL); /* check-tiers asks for none that is missing */
    return kernels;
}

#endif

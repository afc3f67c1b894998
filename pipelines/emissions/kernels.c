/* Built without tier flags: it runs on every machine. */
#include "pipelines/emissions/kernels.h"

#include "base/base.h"
#include "base/limits.h"

#include <string.h>

/* A series' sum of narrow cells fits, also where each is a difference of two narrow numbers. */
_Static_assert(CELL_MAX < KERNEL_NARROW, "an activity is narrow itself");
_Static_assert(2 * (KERNEL_NARROW - 1) <= INT64_MAX / SERIES_METERS_MAX, "their sums fit 64 bits");

/* The builtins ask the CPU and whether the OS saves the registers. Each tier names every flag that
 * its file is built with. */
#if defined(__x86_64__)
static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}
#endif

static bool has_scalar(void)
{
    return true;
}

/* The best first. */
static const struct {
    const struct kernels *kernels;
    bool (*is_there)(void);
} tiers[] = {
#if defined(__x86_64__)
    {&kernels_avx512, has_avx512},
    {&kernels_avx2, has_avx2},
#elif defined(__aarch64__)
    {&kernels_neon, has_scalar}, /* every 64-bit ARM has it */
#endif
    {&kernels_scalar, has_scalar},
};

const struct kernels *kernels_best(void)
{
    return kernels_find("auto");
}

const struct kernels *kernels_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(tiers); i++) {
        bool named = strcmp(name, "auto") == 0 || strcmp(name, tiers[i].kernels->name) == 0;
        if (named && tiers[i].is_there())
            return tiers[i].kernels;
    }
    return NULL;
}

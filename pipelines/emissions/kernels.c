/* Built without tier flags: it runs on every machine. */
#include "pipelines/emissions/kernels.h"

#include <stdbool.h>
#include <string.h>

/* The builtins ask the CPU and whether the OS saves the registers. Each tier names every flag that
 * its file is built with. */
static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}

const struct kernels *kernels_best(void)
{
    if (has_avx512())
        return &kernels_avx512;
    return has_avx2() ? &kernels_avx2 : &kernels_scalar;
}

const struct kernels *kernels_find(const char *name)
{
    if (strcmp(name, "auto") == 0)
        return kernels_best();
    if (strcmp(name, kernels_scalar.name) == 0)
        return &kernels_scalar;
    if (strcmp(name, kernels_avx2.name) == 0)
        return has_avx2() ? &kernels_avx2 : NULL;
    if (strcmp(name, kernels_avx512.name) == 0)
        return has_avx512() ? &kernels_avx512 : NULL;
    return NULL;
}

/* Holds the kernels of 64-bit ARM to the definition. It is built for that machine, and runs there
 * or under qemu; it needs nothing but the kernels. */
#include "tests/unit/emissions/kernel_trials.h"

#include <stdio.h>

int main(void)
{
    char why[TRIAL_TEXT_SIZE];
    const struct kernels *tier = kernels_find("neon");
    if (tier == NULL) {
        (void)fprintf(stderr, "neon: not on this machine\n");
        return 1;
    }
    if (!kernel_trials(tier, 20260301, why)) {
        (void)fprintf(stderr, "neon: %s\n", why);
        return 1;
    }
    (void)puts("neon: the bits of scalar");
    return 0;
}

/*
 * kernel_trials.h - holds a tier of kernels to the definition's bits, on random matrices.
 *
 * It needs nothing but the kernels, so that it is also built for other machines and run there.
 */
#ifndef GHGD_KERNEL_TRIALS_H
#define GHGD_KERNEL_TRIALS_H

#include "pipelines/emissions/kernels.h"

enum { TRIAL_TEXT_SIZE = 160 };

/* Returns whether all trials gave the same; `why` tells of the first that did not. */
bool kernel_trials(const struct kernels *tier, uint64_t seed, char why[TRIAL_TEXT_SIZE]);

#endif

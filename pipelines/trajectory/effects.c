#include "pipelines/trajectory/effects.h"

#include <math.h>

#include "pipelines/trajectory/forecast.h"

/* Effects larger than this are not told: the three could not be summed in 64 bits. */
#define EFFECT_MAX 0x1p61

/* ln(now / before). False: a side is 0, unknown, or of another sign. */
static bool log_ratio(double *log_out, double now, double before)
{
    if (!isfinite(now) || !isfinite(before) || now == 0 || before == 0 ||
        signbit(now) != signbit(before))
        return false;
    double ratio = now / before;
    if (!isnormal(ratio))
        return false;
    *log_out = round_9(log(ratio));
    return true;
}

/* The logarithmic mean of both masses, whose ratio's logarithm is given. */
static double mean_of(double difference_mg, double before_mg, double log_mass)
{
    return log_mass == 0 ? before_mg : difference_mg / log_mass;
}

/* A side of 0 is the limit of a small one: what went to 0 together with it explains it all. */
static struct effects of_zero(const struct effect_side *now, const struct effect_side *before,
                              int64_t total_mg)
{
    const struct effect_side *zero = now->mg == 0 ? now : before;
    const struct effect_side *other = now->mg == 0 ? before : now;
    struct effects effects = {.total_mg = total_mg};
    if (now->mg == 0 && before->mg == 0) {
        effects.split = true;
    } else if (zero->activity == 0 && isfinite(other->activity) && other->activity != 0) {
        effects.split = true;
        effects.activity_mg = total_mg;
    } else if (zero->activity == other->activity && zero->production == other->production) {
        effects.split = true; /* the factor alone */
        effects.carbon_mg = total_mg;
    }
    return effects;
}

/* Rounds three effects; the largest takes what is left, the later of two alike. False: one is too
 * large. */
static bool round_all(struct effects *effects, const double exact[3])
{
    int64_t *rounded[] = {&effects->activity_mg, &effects->efficiency_mg, &effects->carbon_mg};
    int largest = 2;
    int64_t left = effects->total_mg;
    for (int i = 2; i >= 0; i--) {
        if (!(fabs(exact[i]) < EFFECT_MAX))
            return false;
        *rounded[i] = (int64_t)rint(round_9(exact[i]));
        left -= *rounded[i];
        if (fabs(exact[i]) > fabs(exact[largest]))
            largest = i;
    }
    *rounded[largest] += left;
    return true;
}

struct effects effects_split(const struct effect_side *now, const struct effect_side *before)
{
    int64_t total_mg = 0;
    bool fits = !__builtin_sub_overflow(now->mg, before->mg, &total_mg);
    if (!fits)
        total_mg = now->mg > 0 ? INT64_MAX : -INT64_MAX;
    struct effects unsplit = {.total_mg = total_mg};
    if (!fits || !(fabs((double)total_mg) < EFFECT_MAX))
        return unsplit;
    if (now->mg == 0 || before->mg == 0)
        return of_zero(now, before, total_mg);
    double log_mass = 0;
    double log_activity = 0;
    if (!log_ratio(&log_mass, (double)now->mg, (double)before->mg) ||
        !log_ratio(&log_activity, now->activity, before->activity))
        return unsplit;
    double log_production = 0;
    bool with_production = log_ratio(&log_production, now->production, before->production);
    double mean = mean_of((double)total_mg, (double)before->mg, log_mass);
    double log_first = with_production ? log_production : log_activity;
    const double exact[3] = {mean * log_first, mean * (log_activity - log_first),
                             mean * (log_mass - log_activity)};
    struct effects effects = {.split = true, .total_mg = total_mg};
    return round_all(&effects, exact) ? effects : unsplit;
}

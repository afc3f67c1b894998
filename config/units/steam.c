#include "config/units/steam.h"

/*
 * Source: IAPWS R7-97(2012), Industrial Formulation 1997: regions 1, 2 and 4.
 * tests/data/steam/make_steam.py computes both tables. Points lie so close that a straight line
 * between two misses by at most 0.2 kJ/kg.
 */
struct point {
    int32_t at;         /* kPa, or degrees Celsius */
    int32_t enthalpy_j; /* 10 J/kg, which are 0.01 kJ/kg */
};

enum { PER_KJ = 100 };

static const struct point saturated[] = {
    {50, 264521},    {61, 265355},   {74, 266181},   {90, 267031},   {100, 267495},  {120, 268306},
    {140, 268999},   {160, 269604},  {190, 270389},  {220, 271062},  {260, 271831},  {310, 272640},
    {370, 273451},   {440, 274237},  {520, 274985},  {620, 275756},  {730, 276451},  {860, 277123},
    {1000, 277712},  {1100, 278067}, {1300, 278649}, {1500, 279101}, {1700, 279453}, {2000, 279838},
    {2300, 280092},  {2700, 280278}, {3100, 280328}, {3600, 280247}, {4200, 279985}, {4800, 279583},
    {5500, 278972},  {6300, 278119}, {7100, 277126}, {8000, 275861}, {8900, 274453}, {9800, 272909},
    {10000, 272547},
};

static const struct point water[] = {
    {0, 0},       {10, 4202},   {20, 8392},   {30, 12575},  {40, 16754},  {50, 20934},
    {60, 25115},  {70, 29302},  {80, 33495},  {90, 37697},  {100, 41910}, {110, 46136},
    {120, 50378}, {130, 54639}, {140, 58920}, {150, 63225}, {160, 67557}, {170, 71921},
    {180, 76319}, {190, 80757}, {200, 85239},
};

/* On the line between two neighbours, rounded to a whole kJ/kg, half up. */
static int64_t between(const struct point *low, mpq_srcptr at)
{
    const struct point *high = low + 1;
    mpq_t value;
    mpq_t part;
    mpq_inits(value, part, NULL);
    mpq_set_si(part, low->at, 1);
    mpq_sub(value, at, part);
    mpq_set_si(part, high->enthalpy_j - low->enthalpy_j, (unsigned long)(high->at - low->at));
    mpq_canonicalize(part);
    mpq_mul(value, value, part);
    mpq_set_si(part, low->enthalpy_j + PER_KJ / 2, 1);
    mpq_add(value, value, part);
    mpq_set_si(part, PER_KJ, 1);
    mpq_div(value, value, part);
    mpz_fdiv_q(mpq_numref(part), mpq_numref(value), mpq_denref(value));
    int64_t rounded = mpz_get_si(mpq_numref(part));
    mpq_clears(value, part, NULL);
    return rounded;
}

static int look_up(int64_t *out, const struct point *points, size_t count, mpq_srcptr at)
{
    if (mpq_cmp_si(at, points[0].at, 1) < 0 || mpq_cmp_si(at, points[count - 1].at, 1) > 0)
        return ERR_RANGE;
    size_t low = 0;
    while (low + 2 < count && mpq_cmp_si(at, points[low + 1].at, 1) >= 0)
        low++;
    *out = between(&points[low], at);
    return 0;
}

_Static_assert(STEAM_PRESSURE_MIN_KPA == 50 && STEAM_PRESSURE_MAX_KPA == 10000, "as in the table");

int steam_enthalpy(int64_t *kj_per_kg_out, mpq_srcptr pressure_pa)
{
    mpq_t kpa;
    mpq_init(kpa);
    mpq_set_si(kpa, 1000, 1);
    mpq_div(kpa, pressure_pa, kpa);
    int err = look_up(kj_per_kg_out, saturated, ARRAY_LEN(saturated), kpa);
    mpq_clear(kpa);
    return err;
}

int feed_enthalpy(int64_t *kj_per_kg_out, mpq_srcptr temperature_k)
{
    mpq_t celsius;
    mpq_init(celsius);
    mpq_set_si(celsius, 27315, 100);
    mpq_canonicalize(celsius);
    mpq_sub(celsius, temperature_k, celsius);
    int err = look_up(kj_per_kg_out, water, ARRAY_LEN(water), celsius);
    mpq_clear(celsius);
    return err;
}

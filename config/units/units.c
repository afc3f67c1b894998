#include "config/units/units.h"

#include <string.h>

#define NONE (-1)

/*
 * Sources: SI; lb, gallon, cubic foot, barrel by definition; Btu and calorie of the International
 * Table (NIST SP 811); toe of the IEA; tce = 7e6 kcal(IT) (GB/T 2589). Standard cubic feet are
 * those of 40 CFR 98: 68 F, 14.7 psia; at that state an scf is exactly a cubic foot.
 */
static const struct entry {
    const char *name;
    uint8_t dimension, state;
    int quantity;
    struct ratio amount;
    const char *aliases; /* separated by spaces */
} entries[] = {
    {"Wh", DIMENSION_ENERGY, 0, QUANTITY_ENERGY, {3600, 1}, "wh"},
    {"kWh", DIMENSION_ENERGY, 0, QUANTITY_ENERGY, {3600000, 1}, "kwh KWH KWh Kwh"},
    {"MWh", DIMENSION_ENERGY, 0, QUANTITY_ENERGY, {INT64_C(3600000000), 1}, "MWH"},
    {"GWh", DIMENSION_ENERGY, 0, QUANTITY_ENERGY, {INT64_C(3600000000000), 1}, "GWH"},
    {"TWh", DIMENSION_ENERGY, 0, QUANTITY_ENERGY, {INT64_C(3600000000000000), 1}, "TWH"},
    {"J", DIMENSION_ENERGY, 0, QUANTITY_HEAT, {1, 1}, ""},
    {"kJ", DIMENSION_ENERGY, 0, QUANTITY_HEAT, {1000, 1}, "KJ"},
    {"MJ", DIMENSION_ENERGY, 0, QUANTITY_HEAT, {1000000, 1}, ""},
    {"GJ", DIMENSION_ENERGY, 0, QUANTITY_HEAT, {1000000000, 1}, ""},
    {"TJ", DIMENSION_ENERGY, 0, QUANTITY_HEAT, {INT64_C(1000000000000), 1}, ""},
    {"PJ", DIMENSION_ENERGY, 0, QUANTITY_HEAT, {INT64_C(1000000000000000), 1}, ""},
    {"kcal", DIMENSION_ENERGY, 0, QUANTITY_HEAT, {41868, 10}, ""},
    {"Mcal", DIMENSION_ENERGY, 0, QUANTITY_HEAT, {4186800, 1}, ""},
    {"Gcal", DIMENSION_ENERGY, 0, QUANTITY_HEAT, {INT64_C(4186800000), 1}, ""},
    {"Btu", DIMENSION_ENERGY, 0, QUANTITY_HEAT, {INT64_C(105505585262), 100000000}, "BTU"},
    {"MMBtu", DIMENSION_ENERGY, 0, QUANTITY_HEAT, {INT64_C(105505585262), 100}, "mmBtu MMBTU"},
    {"therm", DIMENSION_ENERGY, 0, QUANTITY_HEAT, {INT64_C(105505585262), 1000}, "therms"},
    {"dth", DIMENSION_ENERGY, 0, QUANTITY_HEAT, {INT64_C(105505585262), 100}, "Dth dekatherm"},
    {"toe", DIMENSION_ENERGY, 0, QUANTITY_HEAT, {INT64_C(41868000000), 1}, ""},
    {"tce", DIMENSION_ENERGY, 0, QUANTITY_HEAT, {INT64_C(29307600000), 1}, ""},
    {"kgce", DIMENSION_ENERGY, 0, QUANTITY_HEAT, {29307600, 1}, ""},
    {"g", DIMENSION_MASS, 0, QUANTITY_MASS, {1, 1000}, ""},
    {"kg", DIMENSION_MASS, 0, QUANTITY_MASS, {1, 1}, "KG Kg"},
    {"t", DIMENSION_MASS, 0, QUANTITY_MASS, {1000, 1}, "tonne tonnes"},
    {"kt", DIMENSION_MASS, 0, QUANTITY_MASS, {1000000, 1}, ""},
    {"lb", DIMENSION_MASS, 0, QUANTITY_MASS, {45359237, 100000000}, "lbs"},
    {"short_ton", DIMENSION_MASS, 0, QUANTITY_MASS, {90718474, 100000}, ""},
    {"long_ton", DIMENSION_MASS, 0, QUANTITY_MASS, {INT64_C(10160469088), 10000000}, ""},
    {"Nm3", DIMENSION_VOLUME, STATE_0C, QUANTITY_GAS_VOLUME, {1, 1}, "Nm\u00b3 Nm^3 m3_0C NM3"},
    {"kNm3", DIMENSION_VOLUME, STATE_0C, QUANTITY_GAS_VOLUME, {1000, 1}, ""},
    {"Sm3", DIMENSION_VOLUME, STATE_15C, QUANTITY_GAS_VOLUME, {1, 1}, "Sm\u00b3 Sm^3 m3_15C SM3"},
    {"kSm3", DIMENSION_VOLUME, STATE_15C, QUANTITY_GAS_VOLUME, {1000, 1}, ""},
    {"m3_20C", DIMENSION_VOLUME, STATE_20C, QUANTITY_GAS_VOLUME, {1, 1}, ""},
    {"scf",
     DIMENSION_VOLUME,
     STATE_68F,
     QUANTITY_GAS_VOLUME,
     {INT64_C(28316846592), INT64_C(1000000000000)},
     "SCF"},
    {"Mscf",
     DIMENSION_VOLUME,
     STATE_68F,
     QUANTITY_GAS_VOLUME,
     {INT64_C(28316846592), 1000000000},
     "MSCF"},
    {"m3", DIMENSION_VOLUME, 0, NONE, {1, 1}, "m\u00b3 m^3 M3"},
    {"L", DIMENSION_VOLUME, 0, QUANTITY_VOLUME, {1, 1000}, "l liter liters litre litres"},
    {"kL", DIMENSION_VOLUME, 0, QUANTITY_VOLUME, {1, 1}, "kl"},
    {"mL", DIMENSION_VOLUME, 0, QUANTITY_VOLUME, {1, 1000000}, "ml"},
    {"gal",
     DIMENSION_VOLUME,
     0,
     QUANTITY_VOLUME,
     {INT64_C(3785411784), INT64_C(1000000000000)},
     "US_gal gal_us"},
    {"gal_uk", DIMENSION_VOLUME, 0, QUANTITY_VOLUME, {454609, 100000000}, "imp_gal"},
    {"bbl",
     DIMENSION_VOLUME,
     0,
     QUANTITY_VOLUME,
     {INT64_C(158987294928), INT64_C(1000000000000)},
     ""},
    {"ft3",
     DIMENSION_VOLUME,
     0,
     QUANTITY_GAS_VOLUME,
     {INT64_C(28316846592), INT64_C(1000000000000)},
     "ft\u00b3 cf"},
    {"ccf",
     DIMENSION_VOLUME,
     0,
     QUANTITY_GAS_VOLUME,
     {INT64_C(28316846592), INT64_C(10000000000)},
     "CCF"},
    {"unit", DIMENSION_ITEM, 0, QUANTITY_ITEM, {1, 1}, "units item items piece pieces pcs pc"},
};

/* Power: energy per hour, so 1 W is 3600 J/h. */
static const struct power {
    const char *name;
    int64_t joules_per_hour;
} powers[] = {
    {"W", 3600},
    {"kW", 3600000},
    {"MW", INT64_C(3600000000)},
    {"GW", INT64_C(3600000000000)},
};

static const struct duration {
    const char *name;
    struct ratio per_hour; /* how many of them are an hour */
} durations[] = {
    {"h", {1, 1}},    {"hr", {1, 1}}, {"hour", {1, 1}}, {"min", {60, 1}},
    {"s", {3600, 1}}, {"d", {1, 24}}, {"day", {1, 24}},
};

static bool same(const char *word, const char *text, size_t size)
{
    return strlen(word) == size && memcmp(word, text, size) == 0;
}

static bool among(const char *words, const char *text, size_t size)
{
    while (*words != '\0') {
        size_t length = strcspn(words, " ");
        if (length == size && memcmp(words, text, size) == 0)
            return true;
        words += length + (words[length] == ' ');
    }
    return false;
}

static bool find_amount(struct unit *unit_out, const char *text, size_t size)
{
    for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
        const struct entry *entry = &entries[i];
        if (!same(entry->name, text, size) && !among(entry->aliases, text, size))
            continue;
        *unit_out = (struct unit){.name = entry->name,
                                  .dimension = entry->dimension,
                                  .state = entry->state,
                                  .quantity = entry->quantity,
                                  .amount = entry->amount,
                                  .per_hour = {1, 1}};
        return true;
    }
    return false;
}

static bool find_power(struct unit *unit_out, const char *text, size_t size)
{
    for (size_t i = 0; i < ARRAY_LEN(powers); i++) {
        if (!same(powers[i].name, text, size))
            continue;
        *unit_out = (struct unit){.name = powers[i].name,
                                  .dimension = DIMENSION_ENERGY,
                                  .rate = true,
                                  .quantity = QUANTITY_ENERGY,
                                  .amount = {powers[i].joules_per_hour, 1},
                                  .per_hour = {1, 1}};
        return true;
    }
    return false;
}

static bool find_rate(struct unit *unit_out, const char *text, size_t size)
{
    const char *slash = memchr(text, '/', size);
    if (slash == NULL)
        return find_power(unit_out, text, size) || find_amount(unit_out, text, size);
    const char *time = slash + 1;
    size_t time_size = size - (size_t)(time - text);
    if (!find_amount(unit_out, text, (size_t)(slash - text)))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(durations); i++) {
        if (!same(durations[i].name, time, time_size))
            continue;
        unit_out->rate = true;
        unit_out->per_hour = durations[i].per_hour;
        return true;
    }
    return false;
}

bool unit_find(struct unit *unit_out, const char *text, size_t size)
{
    enum basis basis = BASIS_NONE;
    size_t stem = size;
    if (size > 4 && memcmp(text + size - 4, "_ncv", 4) == 0)
        basis = BASIS_NCV;
    else if (size > 4 && memcmp(text + size - 4, "_gcv", 4) == 0)
        basis = BASIS_GCV;
    if (basis != BASIS_NONE)
        stem -= 4;
    struct unit unit;
    if (!find_rate(&unit, text, stem))
        return false;
    if (basis != BASIS_NONE && unit.dimension != DIMENSION_ENERGY)
        return false;
    unit.basis = (uint8_t)basis;
    *unit_out = unit;
    return true;
}

enum dimension quantity_dimension(enum quantity quantity)
{
    static const uint8_t dimensions[QUANTITY_COUNT] = {
        [QUANTITY_ENERGY] = DIMENSION_ENERGY, [QUANTITY_HEAT] = DIMENSION_ENERGY,
        [QUANTITY_MASS] = DIMENSION_MASS,     [QUANTITY_GAS_VOLUME] = DIMENSION_VOLUME,
        [QUANTITY_VOLUME] = DIMENSION_VOLUME, [QUANTITY_ITEM] = DIMENSION_ITEM,
    };
    ASSERT(quantity < QUANTITY_COUNT);
    return dimensions[quantity];
}

struct ratio quantity_scale(enum quantity quantity)
{
    static const struct ratio scales[QUANTITY_COUNT] = {
        [QUANTITY_ENERGY] = {3600000, 1}, [QUANTITY_HEAT] = {1000000000, 1},
        [QUANTITY_MASS] = {1, 1},         [QUANTITY_GAS_VOLUME] = {1, 1},
        [QUANTITY_VOLUME] = {1, 1000},    [QUANTITY_ITEM] = {1, 1},
    };
    ASSERT(quantity < QUANTITY_COUNT);
    return scales[quantity];
}

void unit_scale(mpq_t scale_out, const struct unit *unit)
{
    mpq_t per_hour;
    mpq_init(per_hour);
    fraction_from_ratio(scale_out, unit->amount);
    fraction_from_ratio(per_hour, unit->per_hour);
    mpq_mul(scale_out, scale_out, per_hour);
    mpq_clear(per_hour);
}

int unit_ratio(struct ratio *ratio_out, const struct unit *unit, enum quantity quantity,
               struct ratio multiplier)
{
    mpq_t scale;
    mpq_t factor;
    mpq_inits(scale, factor, NULL);
    unit_scale(scale, unit);
    fraction_from_ratio(factor, quantity_scale(quantity));
    mpq_div(scale, scale, factor);
    fraction_from_ratio(factor, multiplier);
    mpq_mul(scale, scale, factor);
    int err = fraction_to_ratio(ratio_out, scale);
    mpq_clears(scale, factor, NULL);
    return err;
}

bool unit_fits(const struct unit *unit, enum quantity quantity)
{
    if (unit->dimension != quantity_dimension(quantity))
        return false;
    return unit->state == STATE_NONE || quantity == QUANTITY_GAS_VOLUME;
}

const char *unit_name_at(size_t index)
{
    if (index < ARRAY_LEN(entries))
        return entries[index].name;
    index -= ARRAY_LEN(entries);
    return index < ARRAY_LEN(powers) ? powers[index].name : NULL;
}

const char *unit_aliases_at(size_t index)
{
    return index < ARRAY_LEN(entries) ? entries[index].aliases : "";
}

const char *state_text(enum state state)
{
    static const char *const texts[STATE_COUNT] = {
        [STATE_NONE] = "no stated reference", [STATE_0C] = "0 C and 101.325 kPa",
        [STATE_15C] = "15 C and 101.325 kPa", [STATE_20C] = "20 C and 101.325 kPa",
        [STATE_68F] = "68 F and 14.7 psia",
    };
    ASSERT(state < STATE_COUNT);
    return texts[state];
}

const char *basis_text(enum basis basis)
{
    static const char *const texts[BASIS_COUNT] = {"", "ncv", "gcv"};
    ASSERT(basis < BASIS_COUNT);
    return texts[basis];
}

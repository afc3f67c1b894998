#include "config/units/conditions.h"

#include <string.h>

/* Sources: SI; psi from the pound and the inch by definition, and standard gravity. */
static const struct pressure_unit {
    const char *name;
    struct ratio pascal;
} pressure_units[] = {
    {"Pa", {1, 1}},
    {"kPa", {1000, 1}},
    {"MPa", {1000000, 1}},
    {"mbar", {100, 1}},
    {"bar", {100000, 1}},
    {"psi", {INT64_C(8896443230521), 1290320000}}, /* 0.45359237 x 9.80665 / 0.0254^2 */
};

/* Reads "-4 C": the number, with its sign; *rest_out is what follows it and its blanks. */
static int number_parse(mpq_t value_out, const char **rest_out, const char *text)
{
    bool negative = text[0] == '-';
    text += negative;
    size_t size = strspn(text, "0123456789.");
    int err = size == 0 ? ERR_SYNTAX : fraction_parse(value_out, text, size);
    if (err < 0)
        return ERR_SYNTAX;
    if (negative)
        mpq_neg(value_out, value_out);
    *rest_out = text + size + strspn(text + size, " ");
    return 0;
}

static int suffix_kind(enum pressure_kind *kind_out, const char *suffix)
{
    static const char *const suffixes[][3] = {
        [PRESSURE_UNSAID] = {"", "", ""},
        [PRESSURE_GAUGE] = {"(g)", " (g)", "g"},
        [PRESSURE_ABSOLUTE] = {"(a)", " (a)", "a"},
    };
    for (size_t kind = 0; kind < ARRAY_LEN(suffixes); kind++) {
        for (size_t i = 0; i < ARRAY_LEN(suffixes[kind]); i++) {
            if (strcmp(suffix, suffixes[kind][i]) != 0)
                continue;
            *kind_out = (enum pressure_kind)kind;
            return 0;
        }
    }
    return ERR_SYNTAX;
}

int pressure_parse(mpq_t pascal_out, enum pressure_kind *kind_out, const char *text)
{
    const char *unit;
    if (number_parse(pascal_out, &unit, text) < 0)
        return ERR_SYNTAX;
    for (size_t i = 0; i < ARRAY_LEN(pressure_units); i++) {
        size_t size = strlen(pressure_units[i].name);
        if (strncmp(unit, pressure_units[i].name, size) != 0 ||
            suffix_kind(kind_out, unit + size) < 0)
            continue;
        mpq_t scale;
        mpq_init(scale);
        fraction_from_ratio(scale, pressure_units[i].pascal);
        mpq_mul(pascal_out, pascal_out, scale);
        mpq_clear(scale);
        return 0;
    }
    return ERR_SYNTAX;
}

/* value = (value + zero) x degree, both in hundredths and ninths where they are not whole. */
static void to_kelvin(mpq_t value, struct ratio zero, struct ratio degree)
{
    mpq_t part;
    mpq_init(part);
    fraction_from_ratio(part, zero);
    mpq_add(value, value, part);
    fraction_from_ratio(part, degree);
    mpq_mul(value, value, part);
    mpq_clear(part);
}

int temperature_parse(mpq_t kelvin_out, const char *text)
{
    const char *unit;
    if (number_parse(kelvin_out, &unit, text) < 0)
        return ERR_SYNTAX;
    if (strcmp(unit, "C") == 0 || strcmp(unit, "\u00b0C") == 0)
        to_kelvin(kelvin_out, (struct ratio){27315, 100}, (struct ratio){1, 1});
    else if (strcmp(unit, "F") == 0 || strcmp(unit, "\u00b0F") == 0)
        to_kelvin(kelvin_out, (struct ratio){45967, 100}, (struct ratio){5, 9});
    else if (strcmp(unit, "K") != 0)
        return ERR_SYNTAX;
    return 0;
}

int enthalpy_parse(mpq_t kj_per_kg_out, const char *text)
{
    const char *unit;
    if (number_parse(kj_per_kg_out, &unit, text) < 0 || strcmp(unit, "kJ/kg") != 0)
        return ERR_SYNTAX;
    return 0;
}

void state_conditions(mpq_t kelvin_out, mpq_t pascal_out, enum state state)
{
    static const char *const texts[STATE_COUNT][2] = {
        [STATE_0C] = {"0 C", "101.325 kPa"},
        [STATE_15C] = {"15 C", "101.325 kPa"},
        [STATE_20C] = {"20 C", "101.325 kPa"},
        [STATE_68F] = {"68 F", "14.7 psi"},
    };
    ASSERT(state > STATE_NONE && state < STATE_COUNT);
    enum pressure_kind kind;
    int err = temperature_parse(kelvin_out, texts[state][0]);
    ASSERT(err == 0);
    err = pressure_parse(pascal_out, &kind, texts[state][1]);
    ASSERT(err == 0);
}

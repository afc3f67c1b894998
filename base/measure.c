#include "base/measure.h"

#include <string.h>

static const char *const kinds[KIND_COUNT] = {"interval", "register", "gauge", "delivery", "stock"};
static const char *const qualities[QUALITY_COUNT] = {"estimated", "invoice", "edited", "actual"};
static const char *const quantities[QUANTITY_COUNT] = {"energy",     "heat",   "mass",
                                                       "gas_volume", "volume", "item"};
static const char *const units[QUANTITY_COUNT] = {"kWh", "GJ", "kg", "m3", "L", "unit"};

/*
 * Electricity that a site feeds into the grid is in no scope: what its generation emitted is
 * counted with the fuel, as scope 1 is of all sources that the company controls (GHG Protocol
 * Corporate Standard, chapter 4). It does not reduce what is bought, and scope 2 is of that.
 */
const struct category categories[CATEGORY_COUNT] = {
    {"stationary_combustion", 1, FLOW_NONE, false, false},
    {"mobile_combustion", 1, FLOW_NONE, false, false},
    {"process", 1, FLOW_NONE, false, false},
    {"fugitive", 1, FLOW_NONE, false, false},
    {"purchased_electricity", 2, FLOW_IMPORT, true, false},
    {"purchased_steam", 2, FLOW_NONE, false, false},
    {"purchased_heating", 2, FLOW_NONE, false, false},
    {"purchased_cooling", 2, FLOW_NONE, false, false},
    {"onsite_generation", 0, FLOW_GENERATION, false, false},
    {"exported_electricity", 0, FLOW_EXPORT, false, true},
};

const char *meter_kind_name(enum meter_kind kind)
{
    ASSERT(kind < KIND_COUNT);
    return kinds[kind];
}

const char *quality_name(enum quality quality)
{
    ASSERT(quality < QUALITY_COUNT);
    return qualities[quality];
}

const char *quantity_name(enum quantity quantity)
{
    ASSERT(quantity < QUANTITY_COUNT);
    return quantities[quantity];
}

const char *quantity_unit(enum quantity quantity)
{
    ASSERT(quantity < QUANTITY_COUNT);
    return units[quantity];
}

unsigned rate_decimals(enum rate rate)
{
    ASSERT(rate < RATE_COUNT);
    return rate == RATE_CH4 || rate == RATE_N2O ? 9 : 6;
}

int quality_find(const char *name, size_t size)
{
    for (int i = 0; i < QUALITY_COUNT; i++)
        if (strlen(qualities[i]) == size && memcmp(qualities[i], name, size) == 0)
            return i;
    return -1;
}

const struct category *category_find(const char *name)
{
    for (size_t i = 0; i < CATEGORY_COUNT; i++)
        if (strcmp(categories[i].name, name) == 0)
            return &categories[i];
    return NULL;
}

enum flow flow_of(const char *category, enum quantity quantity)
{
    const struct category *found = category_find(category);
    return found != NULL && quantity == QUANTITY_ENERGY ? (enum flow)found->flow : FLOW_NONE;
}

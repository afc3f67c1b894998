#include "daemon/engine/assigned_set.h"

#include <string.h>

static uint32_t slot_of(int32_t number)
{
    return (uint32_t)number & (ASSIGNED_SLOTS - 1);
}

static uint32_t slot_after(uint32_t slot)
{
    return (slot + 1) & (ASSIGNED_SLOTS - 1);
}

/* Half of the slots are free at least. */
struct assigned *assigned_set_find(const struct assigned_set *set, int32_t number)
{
    uint32_t slot = slot_of(number);
    while (set->slots[slot] != NULL && set->slots[slot]->number != number)
        slot = slot_after(slot);
    return set->slots[slot];
}

static void fill_slot(struct assigned_set *set, struct assigned *assigned)
{
    uint32_t slot = slot_of(assigned->number);
    while (set->slots[slot] != NULL)
        slot = slot_after(slot);
    set->slots[slot] = assigned;
}

int assigned_set_add(struct assigned_set *set, struct assigned *assigned)
{
    if (set->count == PARTITIONS_MAX)
        return ERR_FULL;
    ASSERT(assigned_set_find(set, assigned->number) == NULL);
    set->items[set->count++] = assigned;
    fill_slot(set, assigned);
    return 0;
}

/* Others may stand behind the slot that gets free: all are put anew. It happens once a rebalance.
 */
void assigned_set_remove(struct assigned_set *set, const struct assigned *assigned)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        if (set->items[i] != assigned)
            set->items[kept++] = set->items[i];
    }
    set->count = kept;
    memset(set->slots, 0, sizeof(set->slots));
    for (uint32_t i = 0; i < kept; i++)
        fill_slot(set, set->items[i]);
}

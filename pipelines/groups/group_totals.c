#include "pipelines/groups/group_totals.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/param.h>

#include "config/targets/civil.h"
#include "config/targets/past.h"
#include "pipelines/groups/kept_bytes.h"

enum {
    ALLOCATION_BYTES = 16, /* that an allocation takes beside what is asked for */
    SLOTS_MIN = 64,
    KEPT_BYTES_MAX = DAY_RECORD_BYTES_MAX
};

/* Packed: kept_bytes.h. */
struct kept_bytes {
    uint32_t size;
    uint8_t bytes[];
};

/* The days and months of a facility. A slot is NULL where nothing is kept; slots of days begin with
 * first_day, those of months with first_month, counted from year 0. */
struct totals_site {
    int32_t first_day, first_month;
    uint32_t days_count, months_count;
    struct kept_bytes **days, **months;
};

struct group_totals {
    struct group_totals_conf conf;
    struct totals_site *sites;   /* by facility */
    struct calendar **calendars; /* by zone */
    size_t bytes;
    int32_t first_kept; /* days before it are in months; INT32_MIN: no day is */
    int32_t first_day, last_day;
    struct buffer scratch;
    struct day_record record; /* of the record that is put */
    struct group_totals_stats stats;
};

/* --- memory --- */

static size_t cost_of(const struct kept_bytes *kept)
{
    return kept == NULL ? 0 : sizeof(*kept) + kept->size + ALLOCATION_BYTES;
}

static bool has_room(const struct group_totals *totals, size_t more)
{
    return more <= totals->conf.bytes_max && totals->bytes <= totals->conf.bytes_max - more;
}

static int keep(struct group_totals *totals, const struct buffer *bytes,
                struct kept_bytes **kept_out)
{
    if (buffer_failed(bytes))
        return -ENOMEM;
    if (!has_room(totals, sizeof(struct kept_bytes) + bytes->size + ALLOCATION_BYTES))
        return ERR_FULL;
    struct kept_bytes *kept = malloc(sizeof(*kept) + bytes->size);
    if (kept == NULL)
        return -ENOMEM;
    kept->size = (uint32_t)bytes->size;
    memcpy(kept->bytes, bytes->data, bytes->size);
    totals->bytes += cost_of(kept);
    *kept_out = kept;
    return 0;
}

static void let_go(struct group_totals *totals, struct kept_bytes **kept)
{
    totals->bytes -= cost_of(*kept);
    free(TAKE(*kept));
}

/* Slots of one of the two kinds, with the number of the first. */
struct slots {
    struct kept_bytes ***items;
    int32_t *first;
    uint32_t *count;
};

static struct kept_bytes **slot_of(const struct slots *slots, int32_t number)
{
    int64_t index = (int64_t)number - *slots->first;
    return index >= 0 && index < *slots->count ? &(*slots->items)[index] : NULL;
}

/* Makes sure of a slot with that number, and of some around it. */
static int reach(struct group_totals *totals, const struct slots *slots, int32_t number)
{
    if (slot_of(slots, number) != NULL)
        return 0;
    uint32_t count = *slots->count;
    int32_t first = count == 0 ? number : MIN(*slots->first, number);
    int32_t end = count == 0 ? number + 1 : MAX(*slots->first + (int32_t)count, number + 1);
    if (number < *slots->first)
        first -= SLOTS_MIN; /* in the order of days they grow at the end only */
    else
        end += (int32_t)MAX(count / 2, SLOTS_MIN);
    uint32_t wanted = (uint32_t)(end - first);
    if (!has_room(totals, (wanted - count) * sizeof(struct kept_bytes *)))
        return ERR_FULL;
    struct kept_bytes **items = calloc(wanted, sizeof(struct kept_bytes *));
    if (items == NULL)
        return -ENOMEM;
    if (*slots->items != NULL)
        memcpy(items + (*slots->first - first), *slots->items, count * sizeof(struct kept_bytes *));
    free(*slots->items);
    totals->bytes += (wanted - count) * sizeof(struct kept_bytes *);
    *slots->items = items;
    *slots->first = first;
    *slots->count = wanted;
    return 0;
}

static struct slots days_of(struct totals_site *site)
{
    return (struct slots){&site->days, &site->first_day, &site->days_count};
}

static struct slots months_of(struct totals_site *site)
{
    return (struct slots){&site->months, &site->first_month, &site->months_count};
}

/* --- life --- */

static void free_slots(struct slots slots)
{
    for (uint32_t i = 0; i < *slots.count; i++)
        free((*slots.items)[i]);
    free(*slots.items);
}

void group_totals_destroy(struct group_totals **totals)
{
    struct group_totals *gone = TAKE(*totals);
    if (gone == NULL)
        return;
    const struct registry *registry = gone->conf.registry;
    for (uint32_t i = 0; gone->sites != NULL && i < registry->facilities_count; i++) {
        free_slots(days_of(&gone->sites[i]));
        free_slots(months_of(&gone->sites[i]));
    }
    for (uint32_t i = 0; gone->calendars != NULL && i < registry->zones_count; i++)
        calendar_destroy(&gone->calendars[i]);
    buffer_fini(&gone->scratch);
    free(gone->sites);
    free(gone->calendars);
    free(gone);
}

int group_totals_create(struct group_totals **totals_out, const struct group_totals_conf *conf)
{
    const struct registry *registry = conf->registry;
    struct group_totals *totals = calloc(1, sizeof(*totals));
    if (totals == NULL)
        return -ENOMEM;
    totals->conf = *conf;
    totals->first_kept = INT32_MIN;
    totals->first_day = INT32_MAX;
    totals->last_day = INT32_MIN;
    totals->stats.differing_facility = REGISTRY_NONE;
    buffer_init(&totals->scratch, KEPT_BYTES_MAX);
    totals->sites = calloc((size_t)registry->facilities_count + 1, sizeof(*totals->sites));
    totals->calendars = calloc((size_t)registry->zones_count + 1, sizeof(struct calendar *));
    totals->bytes = sizeof(*totals) + registry->facilities_count * sizeof(*totals->sites);
    int err = totals->sites == NULL || totals->calendars == NULL ? -ENOMEM : 0;
    for (uint32_t i = 0; err == 0 && i < registry->zones_count; i++)
        err = calendar_create(&totals->calendars[i], registry->zones[i], conf->bucket_ms, 1);
    if (err < 0)
        group_totals_destroy(&totals);
    else
        *totals_out = totals;
    return err;
}

/* --- records --- */

static int32_t month_number(int32_t day)
{
    enum { MONTHS = 12 };
    struct date date = civil_date(day);
    return date.year * MONTHS + date.month - 1;
}

static int32_t month_first(int32_t number)
{
    enum { MONTHS = 12 };
    return civil_day(number / MONTHS, number % MONTHS + 1, 1);
}

static bool is_closed(const struct group_totals *totals, uint32_t facility, int32_t day)
{
    struct slots months = months_of(&totals->sites[facility]);
    struct kept_bytes **month = slot_of(&months, month_number(day));
    return day < totals->first_kept || (month != NULL && *month != NULL);
}

static uint32_t find_series(const struct registry *registry, uint32_t facility,
                            const struct day_series *named)
{
    const struct facility *row = &registry->facilities[facility];
    for (uint32_t i = 0; i < row->series_count; i++) {
        const struct series *series = &registry->series[row->series_first + i];
        if (series->scope == 0 && strcmp(series->category, named->category) == 0 &&
            strcmp(series->source, named->source) == 0 &&
            strcmp(quantity_unit((enum quantity)series->quantity), named->unit) == 0)
            return i;
    }
    return REGISTRY_NONE;
}

/* Number of the series in its facility, and activity, for each that the registry has. */
static void add_series(struct group_totals *totals, uint32_t facility,
                       const struct day_record *record)
{
    struct packed packed;
    struct day_series series;
    packed_init(&packed, record->series, record->series_size);
    for (uint32_t i = 0; i < record->series_count; i++) {
        day_series_take(&packed, &series);
        uint32_t number = find_series(totals->conf.registry, facility, &series);
        if (number == REGISTRY_NONE) {
            totals->stats.series_unknown++;
            continue;
        }
        packed_add_uint(&totals->scratch, number);
        packed_add_int(&totals->scratch, series.activity);
    }
}

static struct day_figures figures_of(const struct kept_bytes *kept)
{
    struct packed packed;
    struct day_figures figures;
    packed_init(&packed, kept->bytes, kept->size);
    kept_take_day(&packed, &figures);
    ASSERT(!packed.damaged); /* our own bytes */
    return figures;
}

/* Counts how the record in the scratch relates to the one before. False: that one stays. */
static bool compare(struct group_totals *totals, uint32_t facility, const struct kept_bytes *kept)
{
    struct group_totals_stats *stats = &totals->stats;
    const struct day_figures before = figures_of(kept);
    const struct day_figures *now = &totals->record.figures;
    if (now->epoch < before.epoch) {
        stats->outdated++;
        return false;
    }
    bool equal = kept->size == totals->scratch.size &&
                 memcmp(kept->bytes, totals->scratch.data, kept->size) == 0;
    if (equal) {
        stats->repeated++;
        return false;
    }
    stats->replaced++;
    stats->went_back += now->epoch == before.epoch && now->version < before.version;
    if (now->epoch == before.epoch && now->version == before.version) {
        if (stats->differing++ == 0) {
            stats->differing_facility = facility;
            stats->differing_day = totals->record.day;
        }
    }
    return true;
}

static int put_day(struct group_totals *totals, uint32_t facility)
{
    const struct day_record *record = &totals->record;
    struct slots slots = days_of(&totals->sites[facility]);
    buffer_clear(&totals->scratch);
    kept_add_day(&totals->scratch, &record->figures);
    add_series(totals, facility, record);
    struct kept_bytes **slot = slot_of(&slots, record->day);
    struct kept_bytes *kept = NULL;
    if (slot != NULL && *slot != NULL && !compare(totals, facility, *slot))
        return 0;
    int err = reach(totals, &slots, record->day);
    if (err == 0)
        err = keep(totals, &totals->scratch, &kept);
    if (err < 0)
        return err;
    slot = slot_of(&slots, record->day);
    ASSERT(slot != NULL);
    totals->stats.days += *slot == NULL;
    let_go(totals, slot);
    *slot = kept;
    totals->first_day = MIN(totals->first_day, record->day);
    totals->last_day = MAX(totals->last_day, record->day);
    return 0;
}

static void take_back(struct group_totals *totals, uint32_t facility, int32_t day)
{
    struct slots slots = days_of(&totals->sites[facility]);
    struct kept_bytes **slot = slot_of(&slots, day);
    totals->stats.tombstones++;
    if (slot == NULL || *slot == NULL)
        return;
    let_go(totals, slot);
    totals->stats.days--;
}

static int decode(struct group_totals *totals, const char *facility, int32_t day, const void *value,
                  size_t size, struct buffer *why)
{
    struct day_record *record = &totals->record;
    int err = day_record_decode(record, value, size, why);
    if (err == 0 && (strcmp(record->facility, facility) != 0 || record->day != day)) {
        buffer_add_str(why, "is of another facility or day than its key says");
        err = ERR_PROTOCOL;
    }
    if (err == 0)
        totals->stats.figures_unknown += record->figures_unknown;
    return err;
}

int group_totals_put(struct group_totals *totals, const void *key, size_t key_size,
                     const void *value, size_t value_size, struct buffer *why)
{
    char name[NAME_BYTES_MAX + 1];
    int32_t day;
    totals->stats.records++;
    if (day_key_parse(name, &day, key, key_size) < 0) {
        buffer_add_str(why, "has a key that is not YYYY-MM-DD/FACILITY");
        return ERR_PROTOCOL;
    }
    int err = value == NULL ? 0 : decode(totals, name, day, value, value_size, why);
    if (err < 0)
        return err;
    uint32_t facility = registry_find_facility(totals->conf.registry, name, strlen(name));
    if (facility == REGISTRY_NONE) {
        totals->stats.strangers++;
        return 0;
    }
    if (is_closed(totals, facility, day)) {
        totals->stats.closed++;
        return 0;
    }
    if (value == NULL)
        take_back(totals, facility, day);
    else
        err = put_day(totals, facility);
    if (err < 0)
        buffer_printf(why, "cannot be kept: %s",
                      err == ERR_FULL ? "the totals of all facilities need more memory than is "
                                        "allowed"
                                      : err_str(err));
    return err;
}

/* --- sums --- */

/* The time in which meters were to report on a day without a record, by the tables alone. */
static int64_t expected_ms(const struct group_totals *totals, uint32_t facility, int32_t day)
{
    const struct registry *registry = totals->conf.registry;
    const struct facility *row = &registry->facilities[facility];
    struct calendar *calendar = totals->calendars[row->zone];
    struct date date = civil_date(day);
    struct date next = civil_date(day + 1);
    int64_t start_ms;
    int64_t end_ms;
    int64_t sum_ms = 0;
    if (calendar_date_start(calendar, date.year, date.month, date.day, &start_ms) < 0 ||
        calendar_date_start(calendar, next.year, next.month, next.day, &end_ms) < 0)
        return 0; /* the last day of all */
    for (uint32_t i = 0; i < row->meters_count; i++) {
        const struct meter *meter = &registry->meters[row->meters_first + i];
        if (meter->expected && meter->expected_from_ms != INT64_MIN)
            sum_ms += registry_expected_time(registry, meter, start_ms, end_ms);
    }
    return sum_ms;
}

static void get_shares(const struct group_totals *totals, uint32_t facility, int32_t day,
                       int64_t share_out[APPROACH_COUNT])
{
    for (int i = 0; i < APPROACH_COUNT; i++)
        share_out[i] = totals->conf.targets == NULL
                           ? PART_ONE
                           : targets_share(totals->conf.targets, facility, day, (enum approach)i);
}

static const struct kept_bytes *find_day(const struct group_totals *totals, uint32_t facility,
                                         int32_t day)
{
    struct slots slots = days_of(&totals->sites[facility]);
    struct kept_bytes **slot = slot_of(&slots, day);
    return slot == NULL ? NULL : *slot;
}

static void add_day(const struct group_totals *totals, uint32_t facility, int32_t day,
                    struct group_sum *sum)
{
    int64_t share[APPROACH_COUNT];
    get_shares(totals, facility, day, share);
    if (!group_sum_counts(share))
        return;
    const struct kept_bytes *kept = find_day(totals, facility, day);
    if (kept == NULL) {
        group_sum_add_missing(sum, expected_ms(totals, facility, day));
        return;
    }
    const struct day_figures figures = figures_of(kept);
    group_sum_add_day(sum, &figures, share);
}

/* Adds a month that days have gone into. False: no day has gone into it. */
static bool add_month(const struct group_totals *totals, uint32_t facility, int32_t number,
                      struct group_sum *sum)
{
    struct slots slots = months_of(&totals->sites[facility]);
    struct kept_bytes **slot = slot_of(&slots, number);
    struct packed packed;
    struct group_sum month;
    if (slot == NULL || *slot == NULL)
        return false;
    packed_init(&packed, (*slot)->bytes, (*slot)->size);
    kept_take_sum(&packed, &month);
    ASSERT(!packed.damaged); /* our own bytes */
    group_sum_add(sum, &month);
    return true;
}

void group_totals_add(const struct group_totals *totals, uint32_t facility, int32_t first_day,
                      int32_t end_day, struct group_sum *sum)
{
    struct member_days member =
        past_member_days(totals->conf.registry, facility, first_day, end_day);
    struct group_sum own = {0};
    for (int32_t day = first_day; day < end_day;) {
        int32_t number = month_number(day);
        int32_t next = month_first(number + 1);
        if (add_month(totals, facility, number, &own)) {
            ASSERT(day == month_first(number) && next <= end_day); /* it is all in the span */
            day = next;
            continue;
        }
        if (day >= member.first && day < member.end)
            add_day(totals, facility, day, &own);
        day++;
    }
    own.facilities = own.days > 0;
    own.facilities_missing = own.days_missing > 0;
    group_sum_add(sum, &own);
}

/* --- days go into months --- */

static int fold_month(struct group_totals *totals, uint32_t facility, int32_t number)
{
    struct slots months = months_of(&totals->sites[facility]);
    struct group_sum sum = {0};
    struct kept_bytes *kept = NULL;
    group_totals_add(totals, facility, month_first(number), month_first(number + 1), &sum);
    buffer_clear(&totals->scratch);
    kept_add_sum(&totals->scratch, &sum);
    int err = reach(totals, &months, number);
    if (err == 0)
        err = keep(totals, &totals->scratch, &kept);
    if (err < 0)
        return err;
    struct kept_bytes **slot = slot_of(&months, number);
    ASSERT(slot != NULL && *slot == NULL);
    *slot = kept;
    totals->stats.months++;
    struct slots days = days_of(&totals->sites[facility]);
    for (int32_t day = month_first(number); day < month_first(number + 1); day++) {
        struct kept_bytes **gone = slot_of(&days, day);
        if (gone == NULL || *gone == NULL)
            continue;
        let_go(totals, gone);
        totals->stats.days--;
    }
    return 0;
}

static bool has_days(struct totals_site *site, int32_t first_day, int32_t end_day)
{
    struct slots days = days_of(site);
    for (int32_t day = MAX(first_day, site->first_day); day < end_day; day++) {
        struct kept_bytes **slot = slot_of(&days, day);
        if (slot == NULL)
            return false;
        if (*slot != NULL)
            return true;
    }
    return false;
}

int group_totals_fold(struct group_totals *totals, int32_t day)
{
    ASSERT(civil_date(day).day == 1);
    if (totals->first_day > totals->last_day || day <= totals->first_kept)
        return 0;
    int32_t number = month_number(MAX(totals->first_day, totals->first_kept));
    for (; month_first(number) < day; number++) {
        for (uint32_t i = 0; i < totals->conf.registry->facilities_count; i++) {
            if (!has_days(&totals->sites[i], month_first(number), month_first(number + 1)))
                continue;
            int err = fold_month(totals, i, number);
            if (err < 0)
                return err;
        }
        totals->first_kept = month_first(number + 1);
    }
    totals->first_kept = day;
    return 0;
}

/* --- what is there --- */

int32_t group_totals_first_kept(const struct group_totals *totals)
{
    return totals->first_kept;
}

bool group_totals_span(const struct group_totals *totals, int32_t *first_out, int32_t *last_out)
{
    if (totals->first_day > totals->last_day)
        return false;
    *first_out = totals->first_day;
    *last_out = totals->last_day;
    return true;
}

bool group_totals_get(const struct group_totals *totals, uint32_t facility, int32_t day,
                      struct day_figures *figures_out)
{
    const struct kept_bytes *kept = find_day(totals, facility, day);
    if (kept == NULL)
        return false;
    *figures_out = figures_of(kept);
    return true;
}

bool group_totals_get_activity(const struct group_totals *totals, uint32_t facility, int32_t day,
                               uint32_t series, int64_t *activity_out)
{
    const struct kept_bytes *kept = find_day(totals, facility, day);
    struct packed packed;
    struct day_figures figures;
    if (kept == NULL)
        return false;
    packed_init(&packed, kept->bytes, kept->size);
    kept_take_day(&packed, &figures);
    while (!packed_is_at_end(&packed)) {
        uint32_t number = (uint32_t)packed_take_uint(&packed, UINT32_MAX);
        *activity_out = packed_take_int(&packed, -INT64_MAX, INT64_MAX);
        if (number + totals->conf.registry->facilities[facility].series_first == series)
            return true;
    }
    return false;
}

const struct group_totals_stats *group_totals_get_stats(const struct group_totals *totals)
{
    return &totals->stats;
}

size_t group_totals_bytes(const struct group_totals *totals)
{
    return totals->bytes;
}

void group_totals_check(const struct group_totals *totals)
{
    const struct registry *registry = totals->conf.registry;
    size_t bytes = sizeof(*totals) + registry->facilities_count * sizeof(*totals->sites);
    uint64_t days = 0;
    uint64_t months = 0;
    for (uint32_t i = 0; i < registry->facilities_count; i++) {
        const struct totals_site *site = &totals->sites[i];
        bytes += ((size_t)site->days_count + site->months_count) * sizeof(struct kept_bytes *);
        for (uint32_t k = 0; k < site->days_count; k++) {
            days += site->days[k] != NULL;
            bytes += cost_of(site->days[k]);
            ASSERT(site->days[k] == NULL || site->first_day + (int32_t)k >= totals->first_kept);
        }
        for (uint32_t k = 0; k < site->months_count; k++) {
            months += site->months[k] != NULL;
            bytes += cost_of(site->months[k]);
        }
    }
    ASSERT(bytes == totals->bytes && days == totals->stats.days && months == totals->stats.months);
    ASSERT(totals->bytes <= totals->conf.bytes_max || days + months == 0);
}

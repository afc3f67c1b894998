#include "daemon/deadletter/index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/foreign.h"
#include "pipelines/ingest/decoder.h"
#include "pipelines/ingest/resolve.h"

enum {
    WORDS_MAX = 64,        /* topics and reasons: there are as many as the daemon has had */
    SHOWN_BYTES_MAX = 255, /* of a key: it may be anything */
    TEXTS_BYTES_MAX = 1 << 30,
    SLOTS_MIN = 1024
};

/* Texts that come again and again, each once. */
struct words {
    char *items[WORDS_MAX];
    uint32_t count;
};

struct letter_index {
    const struct config *config;
    const struct letters_filter *filter;
    struct letter_record *records;
    size_t count, capacity, count_max;
    uint32_t *slots; /* index + 1 into records, by identity; 0: free */
    size_t slots_count;
    struct words topics, reasons;
    struct buffer texts; /* meters and keys, each with its NUL; "" at 0 */
    struct decoder *decoder;
    struct letters_stats stats;
};

int letter_index_create(struct letter_index **letter_index_out, const struct config *config,
                        const struct letters_filter *filter, size_t count_max)
{
    struct letter_index *letters = calloc(1, sizeof(*letters));
    if (letters == NULL)
        return -ENOMEM;
    letters->config = config;
    letters->filter = filter;
    letters->count_max = count_max;
    buffer_init(&letters->texts, TEXTS_BYTES_MAX);
    buffer_add_char(&letters->texts, '\0');
    struct decode_conf decode = {.format = (enum event_format)config->input.format,
                                 .time_unit = (uint8_t)config->input.time_unit};
    memcpy(decode.fields, config->input.fields, sizeof(decode.fields));
    int err = decoder_create(&letters->decoder, &decode);
    if (buffer_failed(&letters->texts))
        err = -ENOMEM;
    if (err < 0) {
        letter_index_destroy(&letters);
        return err;
    }
    *letter_index_out = letters;
    return 0;
}

static void words_fini(struct words *words)
{
    for (uint32_t i = 0; i < words->count; i++)
        free(words->items[i]);
}

void letter_index_destroy(struct letter_index **letters)
{
    struct letter_index *gone = TAKE(*letters);
    if (gone == NULL)
        return;
    decoder_destroy(&gone->decoder);
    words_fini(&gone->topics);
    words_fini(&gone->reasons);
    buffer_fini(&gone->texts);
    free(gone->slots);
    free(gone->records);
    free(gone);
}

/* NULL if there is no room for another. */
static const char *words_add(struct words *words, const char *text)
{
    for (uint32_t i = 0; i < words->count; i++) {
        if (strcmp(words->items[i], text) == 0)
            return words->items[i];
    }
    char *copy = words->count < WORDS_MAX ? strdup(text) : NULL;
    if (copy != NULL)
        words->items[words->count++] = copy;
    return copy;
}

/* ---- by identity ---- */

static uint64_t hash_event(const char *topic, int32_t partition, int64_t offset, uint32_t index)
{
    uint64_t words[2] = {(uint64_t)offset, (uint64_t)(uint32_t)partition << 32 | index};
    return XXH3_64bits_withSeed(words, sizeof(words), XXH3_64bits(topic, strlen(topic)));
}

static bool is_event(const struct letter_record *record,
                     const struct deadletter_headers *letter_headers)
{
    return record->offset == letter_headers->offset &&
           record->partition == letter_headers->partition &&
           record->index == letter_headers->index &&
           strcmp(record->topic, letter_headers->topic) == 0;
}

/* Where the event's record is, or would be. */
static uint32_t *find_slot(const struct letter_index *letters,
                           const struct deadletter_headers *letter_headers)
{
    size_t mask = letters->slots_count - 1;
    size_t at = hash_event(letter_headers->topic, letter_headers->partition, letter_headers->offset,
                           letter_headers->index) &
                mask;
    while (letters->slots[at] != 0 &&
           !is_event(&letters->records[letters->slots[at] - 1], letter_headers))
        at = (at + 1) & mask;
    return &letters->slots[at];
}

static struct letter_record *find_record(const struct letter_index *letters,
                                         const struct deadletter_headers *letter_headers)
{
    if (letters->slots_count == 0)
        return NULL;
    uint32_t found = *find_slot(letters, letter_headers);
    return found != 0 ? &letters->records[found - 1] : NULL;
}

const struct letter_record *letter_index_find(const struct letter_index *letters,
                                              const struct deadletter_headers *letter_headers)
{
    return find_record(letters, letter_headers);
}

static void fill_slots(struct letter_index *letters)
{
    memset(letters->slots, 0, letters->slots_count * sizeof(*letters->slots));
    for (size_t i = 0; i < letters->count; i++) {
        const struct letter_record *record = &letters->records[i];
        const struct deadletter_headers letter_headers = {.topic = record->topic,
                                                          .partition = record->partition,
                                                          .offset = record->offset,
                                                          .index = record->index};
        *find_slot(letters, &letter_headers) = (uint32_t)i + 1;
    }
}

/* Room for one more, the table at most half full. */
static int reserve(struct letter_index *letters)
{
    if (letters->count < letters->capacity)
        return 0;
    size_t capacity = letters->capacity == 0 ? SLOTS_MIN / 2 : 2 * letters->capacity;
    struct letter_record *records =
        reallocarray(letters->records, capacity, sizeof(*letters->records));
    if (records == NULL)
        return -ENOMEM;
    letters->records = records;
    uint32_t *slots = calloc(2 * capacity, sizeof(*slots));
    if (slots == NULL)
        return -ENOMEM;
    free(letters->slots);
    letters->slots = slots;
    letters->slots_count = 2 * capacity;
    letters->capacity = capacity;
    fill_slots(letters);
    return 0;
}

/* ---- the contents of a letter ---- */

/* The decoder's verdict on the event, or on all events from `first` on. */
struct look {
    struct letter_index *letters;
    uint32_t first, seen;
    int64_t timestamp_ms;
    bool any;
    enum outcome now;
    char meter[NAME_BYTES_MAX + 1];
    uint32_t meter_size;
};

static void on_event(void *context, const struct event *event)
{
    struct look *look = context;
    if (look->seen++ < look->first)
        return;
    const struct place place = {.arrived_ms = look->timestamp_ms};
    struct batch_event resolved;
    enum outcome now = resolve_event(&resolved, look->letters->config->registry, event, &place);
    if (!look->any && event->meter_size > 0 && event->meter_size <= NAME_BYTES_MAX &&
        (event->present & 1U << FIELD_METER) != 0) {
        memcpy(look->meter, event->meter, event->meter_size);
        look->meter_size = event->meter_size;
    }
    if (!look->any || now == OUTCOME_USED)
        look->now = now;
    look->any = true;
}

static void look_into(struct letter_index *letters, const struct deadletter_headers *letter_headers,
                      const struct letter_message *message, struct look *look)
{
    *look = (struct look){.letters = letters,
                          .first = letter_headers->whole ? letter_headers->index : 0,
                          .timestamp_ms = message->timestamp_ms,
                          .now = REJECT_UNDECODABLE};
    decoder_decode(letters->decoder, message->body, message->body_size, message->native, on_event,
                   look);
    if (letter_headers->full_size >= 0)
        look->now = OUTCOME_USED; /* a cut event cannot be judged */
}

static bool is_late(const struct deadletter_headers *letter_headers)
{
    return strcmp(letter_headers->reason, outcome_class(OUTCOME_LATE)) == 0;
}

static bool is_wanted(const struct letters_filter *filter,
                      const struct deadletter_headers *letter_headers,
                      const struct letter_message *message)
{
    return (is_late(letter_headers) ? filter->late : filter->dead) &&
           (filter->reason == NULL || strcmp(filter->reason, letter_headers->reason) == 0) &&
           (filter->partition < 0 || filter->partition == letter_headers->partition) &&
           (filter->offset < 0 || filter->offset == letter_headers->offset) &&
           (filter->index < 0 || filter->index == letter_headers->index) &&
           message->timestamp_ms >= filter->from_ms && message->timestamp_ms < filter->to_ms;
}

static bool meter_is_wanted(const struct letters_filter *filter, const struct look *look)
{
    return filter->meter == NULL || (strlen(filter->meter) == look->meter_size &&
                                     memcmp(filter->meter, look->meter, look->meter_size) == 0);
}

/* Returns where the text is; 0 for none, or if there is no room for more. */
static uint32_t add_text(struct letter_index *letters, const void *bytes, size_t size)
{
    if (size == 0 || letters->texts.size + 8 * (size_t)SHOWN_BYTES_MAX > TEXTS_BYTES_MAX)
        return 0;
    uint32_t at = (uint32_t)letters->texts.size;
    foreign_add(&letters->texts, bytes, size < SHOWN_BYTES_MAX ? size : SHOWN_BYTES_MAX);
    buffer_add_char(&letters->texts, '\0');
    return buffer_failed(&letters->texts) ? 0 : at;
}

/* A new record, which counts from letters->count++ on. */
static int fill_record(struct letter_index *letters,
                       const struct deadletter_headers *letter_headers,
                       const struct letter_message *message, const struct look *look)
{
    if (letters->count == letters->count_max)
        return ERR_FULL;
    int err = reserve(letters);
    if (err < 0)
        return err;
    const char *topic = words_add(&letters->topics, letter_headers->topic);
    if (topic == NULL)
        return letters->topics.count == WORDS_MAX ? ERR_FULL : -ENOMEM;
    struct letter_record *record = &letters->records[letters->count];
    *record = (struct letter_record){.topic = topic,
                                     .partition = letter_headers->partition,
                                     .offset = letter_headers->offset,
                                     .index = letter_headers->index,
                                     .retried_at = -1};
    record->meter_at = add_text(letters, look->meter, look->meter_size);
    record->key_at = add_text(letters, message->key, message->key_size);
    return buffer_failed(&letters->texts) ? -ENOMEM : 0;
}

/* A letter that is there already counts as a copy; its newest one says why and where. */
static int add_record(struct letter_index *letters, const struct deadletter_headers *letter_headers,
                      const struct letter_message *message, const struct look *look)
{
    const char *reason = words_add(&letters->reasons, letter_headers->reason);
    if (reason == NULL && letters->reasons.count < WORDS_MAX)
        return -ENOMEM;
    struct letter_record *record = find_record(letters, letter_headers);
    if (record == NULL) {
        int err = fill_record(letters, letter_headers, message, look);
        if (err < 0)
            return err;
        record = &letters->records[letters->count];
        *find_slot(letters, letter_headers) = (uint32_t)++letters->count;
    }
    record->reason = reason != NULL ? reason : "other";
    record->box = (uint8_t)message->box;
    record->box_partition = message->partition;
    record->box_offset = message->offset;
    record->timestamp_ms = message->timestamp_ms;
    record->cut = letter_headers->full_size >= 0;
    record->size = record->cut ? letter_headers->full_size : (int64_t)message->body_size;
    record->whole = letter_headers->whole;
    record->now = (uint8_t)look->now;
    record->copies++;
    record->late = is_late(letter_headers);
    return 0;
}

int letter_index_add(struct letter_index *letters, const struct deadletter_headers *letter_headers,
                     const struct letter_message *message)
{
    if (letter_headers == NULL) {
        letters->stats.foreign++;
        return 0;
    }
    if (letter_headers->retried_at >= 0) {
        struct letter_record *record = find_record(letters, letter_headers);
        letters->stats.marks++;
        if (record != NULL)
            record->retried_at = letter_headers->retried_at;
        return 0;
    }
    letters->stats.letters++;
    if (!is_wanted(letters->filter, letter_headers, message)) {
        letters->stats.left_out++;
        return 0;
    }
    struct look look;
    look_into(letters, letter_headers, message, &look);
    if (meter_is_wanted(letters->filter, &look))
        return add_record(letters, letter_headers, message, &look);
    letters->stats.left_out++;
    return 0;
}

/* ---- what others may know ---- */

size_t letters_count(const struct letter_index *letters)
{
    return letters->count;
}

const struct letter_record *letter_index_get(const struct letter_index *letters, size_t i)
{
    ASSERT(i < letters->count);
    return &letters->records[i];
}

static int compare(const void *a, const void *b)
{
    const struct letter_record *x = a;
    const struct letter_record *y = b;
    int order = strcmp(x->topic, y->topic);
    if (order == 0)
        order = (x->partition > y->partition) - (x->partition < y->partition);
    if (order == 0)
        order = (x->offset > y->offset) - (x->offset < y->offset);
    return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

void letter_index_sort(struct letter_index *letters)
{
    if (letters->count == 0)
        return;
    qsort(letters->records, letters->count, sizeof(*letters->records), compare);
    fill_slots(letters);
}

const char *letter_index_text(const struct letter_index *letters, uint32_t at)
{
    ASSERT(at < letters->texts.size);
    return letters->texts.data + at;
}

const struct letters_stats *letter_index_get_stats(const struct letter_index *letters)
{
    return &letters->stats;
}

enum letter_state letter_state(const struct letter_record *record)
{
    if (record->retried_at >= 0)
        return LETTER_RETRIED;
    if (record->late)
        return LETTER_LATE;
    return record->now == OUTCOME_USED ? LETTER_READY : LETTER_REFUSED;
}

const char *letter_state_name(enum letter_state state)
{
    static const char *const names[] = {
        [LETTER_READY] = "ready",
        [LETTER_REFUSED] = "refused",
        [LETTER_LATE] = "late",
        [LETTER_RETRIED] = "retried",
    };
    _Static_assert(ARRAY_LEN(names) == LETTER_STATE_COUNT, "a name for each state");
    return names[state];
}

/*
 * history_cut.c - cuts a history of events in two: the state is saved, and a new shard goes on.
 *
 *     history_cut CONFIG EVENTS CUTS SEED
 *
 * EVENTS has one JSON message a line. The history is cut behind each message, or behind CUTS of
 * them that SEED chooses if that is more than 0 and fewer. At the end the rows and what became of
 * the events are those of the uncut history. Each difference is printed, and the status is 1 then.
 *
 *     history_cut CONFIG EVENTS rows
 *
 * prints the rows of the uncut history instead: those that are there at the end, in no order.
 */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "daemon/engine/message_applier.h"
#include "pipelines/emissions/kernels.h"
#include "pipelines/sink/lineproto.h"

enum { SHOWN = 5, PAYLOAD_MAX = 1 << 28, ROWS = 5000 };

/* The state of the rows at the time of the cut. */
enum rows_until { ROWS_WAIT, ROWS_WRITTEN, ROWS_UNDER_WAY, ROWS_UNTIL_COUNT };
static const char *const rows_words[] = {"rows wait", "rows are written", "rows are under way"};

struct history {
    struct config *config;
    const struct kernels *kernels;
    struct decode_conf decode;
    struct batch batch;
    struct block *block;
    struct lineproto lineproto;
    int64_t arrived_ms;
    char **messages;
    size_t count;
};

/* A shard and its applier, and the rows of this life and those before it. */
struct life {
    struct history *history;
    struct shard *shard;
    struct message_applier *applier;
    struct log_position at;
    GHashTable *rows; /* text of the fields, by the rest of the line */
};

static _Noreturn void fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "history_cut: %s: %s\n", what, why);
    exit(2);
}

static void must(const char *what, int err)
{
    if (err < 0)
        fail(what, err_str(err));
}

/* --- one life --- */

static void on_refused(void *context, const struct refusal *refusal)
{
    (void)context;
    (void)refusal;
}

static struct life begin(struct history *history, GHashTable *rows)
{
    static const struct sink_conf sink = {.name = "rows"};
    struct life life = {.history = history, .rows = rows, .at = {.offset = -1}};
    const struct shard_context context = {.registry = history->config->registry,
                                          .window = &history->config->window,
                                          .targets = history->config->targets,
                                          .trajectory = &history->config->trajectory,
                                          .kernels = history->kernels,
                                          .sinks_count = 1,
                                          .sinks = &sink};
    must("shard", shard_create(&life.shard, &context, 0));
    const struct message_applier_conf applier = {.decode = &history->decode,
                                                 .registry = history->config->registry,
                                                 .shard = life.shard,
                                                 .batch = &history->batch,
                                                 .refused = on_refused};
    must("applier", message_applier_create(&life.applier, &applier));
    return life;
}

static void end(struct life *life)
{
    message_applier_destroy(&life->applier);
    shard_destroy(&life->shard);
}

static void write_row(struct life *life, const struct row *row)
{
    struct history *history = life->history;
    struct buffer line;
    buffer_init(&line, 1 << 16);
    lineproto_add(&history->lineproto, &line, history->config->registry, row);
    char *text = g_strndup(line.data, line.size - 1);
    buffer_fini(&line);
    char *time = strrchr(text, ' ');
    *time = '\0';
    char *fields = strrchr(text, ' ');
    *fields = '\0';
    char *key = g_strdup_printf("%s %s", text, time + 1);
    g_hash_table_insert(life->rows, key, g_strdup(fields + 1));
    g_free(text);
}

static uint32_t take_rows(struct life *life, enum take_mode mode)
{
    struct block *block = life->history->block;
    block->count = 0;
    block->registry = life->history->config->registry;
    return shard_take_rows(life->shard, 0, mode, block);
}

static void write_rows(struct life *life, enum take_mode mode)
{
    while (take_rows(life, mode) > 0) {
        const struct block *block = life->history->block;
        for (uint32_t i = 0; i < block->count; i++) {
            write_row(life, &block->rows[i]);
            shard_end_row(life->shard, 0, &block->rows[i], BLOCK_DURABLE);
        }
    }
}

static void take_message(struct life *life, size_t index)
{
    const char *text = life->history->messages[index];
    const struct raw_message message = {.bytes = text,
                                        .size = strlen(text),
                                        .offset = (int64_t)index,
                                        .arrived_ms = life->history->arrived_ms};
    while (message_applier_take(life->applier, &life->at, &message, 1) == 0)
        write_rows(life, TAKE_CLOSING);
}

static void save(struct life *life, bool full, struct buffer *payload)
{
    buffer_init(payload, PAYLOAD_MAX);
    must("save", shard_save(life->shard, full, payload));
    shard_saved(life->shard);
}

/* Ends the life; the next one begins with its payloads. */
static void restart(struct life *life, const struct buffer *payloads, size_t count)
{
    struct life next = begin(life->history, life->rows);
    struct event_account account;
    message_applier_get_account(life->applier, &account);
    message_applier_set_earlier(next.applier, &account);
    next.at = life->at;
    end(life);
    struct buffer why;
    buffer_init(&why, 1 << 16);
    int err = 0;
    for (size_t i = 0; i < count && err == 0; i++)
        err = shard_load(next.shard, payloads[i].data, payloads[i].size, &why);
    if (err == 0)
        err = shard_load_end(next.shard, &why);
    if (err < 0 || shard_audit(next.shard, &why) > 0)
        fail("load", buffer_text(&why));
    buffer_fini(&why);
    *life = next;
}

/* --- a history, cut or not --- */

struct result {
    GHashTable *rows;
    uint64_t outcomes[OUTCOME_COUNT];
};

static void finish(struct life *life, struct result *result)
{
    shard_finish(life->shard);
    write_rows(life, TAKE_CLOSING);
    const struct shard_stats *stats = shard_get_stats(life->shard);
    struct event_account account;
    message_applier_get_account(life->applier, &account);
    for (int i = 0; i < OUTCOME_COUNT; i++)
        result->outcomes[i] = account.outcomes[i] + stats->outcomes[i] + stats->earlier.outcomes[i];
    if (!shard_is_drained(life->shard))
        fail("the end", "the shard is not drained");
    end(life);
}

/* How a life ends behind the cut: not at all, or with its whole state or increments saved. */
enum ending { LIVES_ON, WHOLE_STATE, INCREMENTS };

static void give_back(struct life *life)
{
    const struct block *block = life->history->block;
    for (uint32_t i = 0; i < block->count; i++)
        shard_end_row(life->shard, 0, &block->rows[i], BLOCK_GIVEN_BACK);
}

/* Applies the first `cut` messages, and saves. */
static size_t apply_until(struct life *life, size_t cut, enum rows_until rows, enum ending ending,
                          struct buffer *payloads)
{
    size_t count = 0;
    for (size_t i = 0; i < cut; i++) {
        if (ending == INCREMENTS)
            save(life, i == 0, &payloads[count++]);
        take_message(life, i);
        if (rows == ROWS_WRITTEN)
            write_rows(life, TAKE_ALL);
    }
    if (rows == ROWS_UNDER_WAY)
        (void)take_rows(life, TAKE_ALL);
    save(life, ending != INCREMENTS, &payloads[count++]);
    return count;
}

static struct result run(struct history *history, size_t cut, enum rows_until rows,
                         enum ending ending)
{
    struct result result = {.rows = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free)};
    struct life life = begin(history, result.rows);
    struct buffer *payloads = g_new0(struct buffer, cut + 1);
    size_t count = apply_until(&life, cut, rows, ending, payloads);
    if (ending != LIVES_ON)
        restart(&life, payloads, count);
    else if (rows == ROWS_UNDER_WAY)
        give_back(&life);
    for (size_t i = 0; i < count; i++)
        buffer_fini(&payloads[i]);
    g_free(payloads);
    for (size_t at = cut; at < history->count; at++)
        take_message(&life, at);
    finish(&life, &result);
    return result;
}

/* --- the comparison --- */

static int tell(int differences, const char *where, const char *what, const char *want,
                const char *got)
{
    if (differences < SHOWN)
        printf("%s: %s:\n  expected %s\n  found    %s\n", where, what, want, got);
    return 1;
}

static int compare(const struct result *want, const struct result *got, const char *where)
{
    int differences = 0;
    GHashTableIter iter;
    gpointer key;
    gpointer fields;
    g_hash_table_iter_init(&iter, want->rows);
    while (g_hash_table_iter_next(&iter, &key, &fields)) {
        const char *found = g_hash_table_lookup(got->rows, key);
        if (found == NULL || strcmp(found, fields) != 0)
            differences += tell(differences, where, key, fields, found ? found : "no row");
    }
    g_hash_table_iter_init(&iter, got->rows);
    while (g_hash_table_iter_next(&iter, &key, &fields)) {
        if (!g_hash_table_contains(want->rows, key))
            differences += tell(differences, where, key, "no row", fields);
    }
    for (int i = 0; i < OUTCOME_COUNT; i++) {
        if (want->outcomes[i] == got->outcomes[i])
            continue;
        char texts[2][32];
        (void)snprintf(texts[0], sizeof(texts[0]), "%" PRIu64, want->outcomes[i]);
        (void)snprintf(texts[1], sizeof(texts[1]), "%" PRIu64, got->outcomes[i]);
        differences += tell(differences, where, outcome_class((enum outcome)i), texts[0], texts[1]);
    }
    return differences;
}

/* An uncut history whose rows were taken alike says what is right. */
static int cut_at(struct history *history, size_t cut)
{
    int differences = 0;
    struct result want[ROWS_UNTIL_COUNT];
    for (int rows = 0; rows < ROWS_UNTIL_COUNT; rows++)
        want[rows] = run(history, cut, (enum rows_until)rows, LIVES_ON);
    for (int way = 0; way < 2 * ROWS_UNTIL_COUNT; way++) {
        char where[100];
        (void)snprintf(where, sizeof(where), "cut behind %zu, %s, %s", cut, rows_words[way / 2],
                       way % 2 ? "increments" : "whole state");
        struct result got =
            run(history, cut, (enum rows_until)(way / 2), way % 2 ? INCREMENTS : WHOLE_STATE);
        differences += compare(&want[way / 2], &got, where);
        g_hash_table_destroy(got.rows);
    }
    for (int rows = 0; rows < ROWS_UNTIL_COUNT; rows++)
        g_hash_table_destroy(want[rows].rows);
    return differences;
}

static void print_rows(struct history *history)
{
    struct result whole = run(history, history->count, ROWS_WRITTEN, LIVES_ON);
    GHashTableIter iter;
    gpointer key;
    gpointer fields;
    g_hash_table_iter_init(&iter, whole.rows);
    while (g_hash_table_iter_next(&iter, &key, &fields))
        printf("%s %s\n", (const char *)key, (const char *)fields);
    g_hash_table_destroy(whole.rows);
}

/* --- what is read --- */

static void open_history(struct history *history, const char *config, const char *events)
{
    struct buffer faults;
    buffer_init(&faults, 1 << 20);
    int err = config_load(&history->config, config, &faults);
    if (err < 0)
        fail(config, faults.size > 0 ? buffer_text(&faults) : err_str(err));
    buffer_fini(&faults);
    history->kernels = kernels_best();
    history->decode =
        (struct decode_conf){.format = (enum event_format)history->config->input.format,
                             .time_unit = (uint8_t)history->config->input.time_unit};
    history->arrived_ms = clock_wall_ms();
    lineproto_init(&history->lineproto, DIALECT_INFLUX1, history->config->window.bucket_ms);
    must("block", block_create(&history->block, ROWS));
    char *text;
    if (!g_file_get_contents(events, &text, NULL, NULL))
        fail(events, "cannot be read");
    history->messages = g_strsplit(g_strchomp(text), "\n", 0);
    history->count = g_strv_length(history->messages);
    g_free(text);
}

static void close_history(struct history *history)
{
    g_strfreev(history->messages);
    block_destroy(&history->block);
    lineproto_fini(&history->lineproto);
    config_destroy(&history->config);
}

int main(int argc, char **argv)
{
    bool rows = argc == 4 && strcmp(argv[3], "rows") == 0;
    if (argc != 5 && !rows)
        fail("usage", "history_cut CONFIG EVENTS CUTS SEED, or CONFIG EVENTS rows");
    static struct history history;
    open_history(&history, argv[1], argv[2]);
    if (rows) {
        print_rows(&history);
        close_history(&history);
        return 0;
    }
    size_t cuts = strtoull(argv[3], NULL, 10);
    GRand *pick = g_rand_new_with_seed((guint32)strtoul(argv[4], NULL, 10));
    bool each = cuts == 0 || cuts >= history.count;
    int differences = 0;
    for (size_t i = 0; i < (each ? history.count : cuts); i++)
        differences += cut_at(
            &history, each ? i + 1 : (size_t)g_rand_int_range(pick, 1, (gint32)history.count));
    g_rand_free(pick);
    close_history(&history);
    if (differences > 0)
        printf("%d differences\n", differences);
    return differences > 0;
}

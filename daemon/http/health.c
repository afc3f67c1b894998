#include "daemon/http/health.h"

#include <inttypes.h>
#include <string.h>
#include <sys/param.h>

#include "base/foreign.h"

enum { STATUS_OK = 200, STATUS_UNAVAILABLE = 503, WORDS_SIZE = 512 };

static const char *word(bool good)
{
    return good ? "ok" : "no";
}

/* Names the messages that are gone, for every halted partition. */
static bool check_halted(const struct consumer_partition_stats *partitions, size_t count,
                         const char *of, struct buffer *out)
{
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        if (!partitions[i].halted)
            continue;
        good = false;
        buffer_printf(out, "no data of partition %" PRId32 "%s: ", partitions[i].partition, of);
        data_loss_print(&partitions[i].loss, out);
        buffer_add_str(out, "; it is halted; set kafka.on_data_loss: continue, and reload\n");
    }
    return good;
}

static bool check_losses(const struct metrics_source *source, struct buffer *out)
{
    bool good = check_halted(source->partitions, source->partitions_count, "", out);
    return check_halted(source->rekey_partitions, source->rekey_partitions_count,
                        " of the input topic", out) &&
           good;
}

static unsigned print_fatal(const char *fatal, struct buffer *out)
{
    if (fatal == NULL)
        buffer_add_str(out, "ok loop: it turns\n");
    else
        buffer_printf(out, "no fatal: %s\n", fatal);
    return fatal == NULL ? STATUS_OK : STATUS_UNAVAILABLE;
}

unsigned health_print(const char *fatal, const struct metrics_source *source, struct buffer *out)
{
    unsigned status = print_fatal(fatal, out);
    (void)check_losses(source, out);
    return status;
}

static bool check_assigned(const struct consumer_stats *consumer, const char *name,
                           struct buffer *out)
{
    if (consumer == NULL || (consumer->assigned == 0 && consumer->rebalances == 0)) {
        buffer_printf(out, "no %s: the consumer group has not answered yet\n", name);
        return false;
    }
    if (consumer->offsets_refused != NULL) {
        buffer_printf(out,
                      "no %s: %" PRIu32 ", and the group's coordinator does not tell where they "
                      "begin: %s\n",
                      name, consumer->assigned, consumer->offsets_refused);
        return false;
    }
    if (consumer->assigned == 0)
        buffer_printf(out, "ok %s: none; other members have all partitions\n", name);
    else
        buffer_printf(out, "ok %s: %" PRIu32 "\n", name, consumer->assigned);
    return true;
}

/* A partition whose offset is not known yet is assigned to the consumer, and missing here. */
static bool check_caught_up(const struct consumer_partition_stats *partitions, size_t count,
                            const struct consumer_stats *consumer, const char *name,
                            struct buffer *out)
{
    size_t assigned = consumer != NULL ? consumer->assigned : 0;
    size_t all = MAX(count, assigned);
    size_t behind = all - count;
    const struct consumer_partition_stats *worst = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct consumer_partition_stats *partition = &partitions[i];
        if (partition->caught_up)
            continue;
        behind++;
        if (partition->halted)
            continue;
        if (worst == NULL || partition->lag > worst->lag)
            worst = partition;
    }
    buffer_printf(out, "%s %s: %zu of %zu", word(behind == 0), name, all - behind, all);
    if (worst != NULL && worst->lag >= 0)
        buffer_printf(out, "; partition %" PRId32 " is %" PRId64 " messages behind",
                      worst->partition, worst->lag);
    else if (worst != NULL)
        buffer_printf(out, "; partition %" PRId32 " waits for the broker", worst->partition);
    buffer_add_char(out, '\n');
    return behind == 0;
}

static void add_words(struct buffer *out, const char *text)
{
    char words[WORDS_SIZE];
    buffer_add(out, words, foreign_clean(words, sizeof(words), text, strlen(text)));
}

/* A partition whose state cannot be read stands still until an operator says how to go on. A
 * restart would mend nothing, so the process is healthy all the same. */
static bool check_state(const struct metrics_source *source, struct buffer *out)
{
    bool good = true;
    for (size_t i = 0; i < source->parts_count; i++) {
        if (!source->assigned_set[i].unreadable)
            continue;
        good = false;
        buffer_printf(out, "no state: partition %" PRId32 " cannot be restored: ",
                      source->assigned_set[i].partition);
        add_words(out, source->assigned_set[i].why);
        buffer_add_char(out, '\n');
    }
    return good;
}

static void add_share(const struct metrics_sink *sink, struct buffer *out)
{
    const struct sink_share *share = &sink->share;
    if (share->refused == 0)
        return;
    buffer_printf(out,
                  "; in the last %" PRId64 " s it refused %" PRIu64 " of %" PRIu64
                  " rows: look into its dead_rows; ",
                  sink->share_ms / 1000, share->refused, share->refused + share->written);
    add_words(out, sink->stats->last_refusal);
}

static bool check_sink(const struct metrics_sink *sink, struct buffer *out)
{
    bool good = sink->failing_ms <= HEALTH_SINK_FAILING_MS_MAX;
    buffer_printf(out, "%s sink %s: ", word(good), sink->name);
    bool refuses = sink->stats->healthy && sink->stats->refusing_since_ms > 0;
    if (sink->failing_ms <= 0) {
        buffer_add_str(out, "works");
        add_share(sink, out);
    } else {
        buffer_printf(out,
                      refuses ? "has refused every row for %" PRId64 " s; "
                              : "has failed for %" PRId64 " s; ",
                      sink->failing_ms / 1000);
        add_words(out, refuses ? sink->stats->last_refusal : sink->stats->last_error);
    }
    buffer_add_char(out, '\n');
    return good;
}

/* The stage that re-keys is a member of a group of its own. */
static bool check_rekey(const struct metrics_source *source, struct buffer *out)
{
    bool good = source->rekey_waits == NULL;
    if (!good) {
        buffer_add_str(out, "no rekey_topic: waits for it: ");
        add_words(out, source->rekey_waits);
        buffer_add_char(out, '\n');
    }
    good = check_assigned(source->rekey_consumer, "rekey_assigned", out) && good;
    return check_caught_up(source->rekey_partitions, source->rekey_partitions_count,
                           source->rekey_consumer, "rekey_caught_up", out) &&
           good;
}

/* It is information: a process can do nothing for a facility that does not report. */
static void tell_unheard(const struct unheard_round *round, struct buffer *out)
{
    if (round == NULL)
        return;
    buffer_printf(out, "ok facilities: %" PRIu64 " of %" PRIu64 " have readings here", round->heard,
                  round->heard + round->unheard);
    for (uint32_t i = 0; i < round->named; i++) {
        buffer_add_str(out, i == 0 ? "; none ever of " : ", ");
        foreign_add_quoted(out, round->names[i], strlen(round->names[i]));
    }
    if (round->unheard > round->named)
        buffer_printf(out, " and %" PRIu64 " more", round->unheard - round->named);
    buffer_add_char(out, '\n');
}

unsigned health_print_ready(const char *fatal, const struct metrics_source *source,
                            struct buffer *out)
{
    bool good = print_fatal(fatal, out) == STATUS_OK;
    good = check_losses(source, out) && good;
    good = check_assigned(source->consumer, "assigned", out) && good;
    good = check_caught_up(source->partitions, source->partitions_count, source->consumer,
                           "caught_up", out) &&
           good;
    if (source->rekey != NULL)
        good = check_rekey(source, out) && good;
    good = check_state(source, out) && good;
    for (size_t i = 0; i < source->sinks_count; i++)
        good = check_sink(&source->sinks[i], out) && good;
    tell_unheard(source->unheard, out);
    return good ? STATUS_OK : STATUS_UNAVAILABLE;
}

#include "pipelines/state/shard.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/param.h>

#include "pipelines/metering/register_chain.h"
#include "pipelines/rollup/site_days.h"
#include "pipelines/rollup/site_documents.h"
#include "pipelines/rollup/site_expected.h"
#include "pipelines/state/shard_state.h"

static uint32_t largest_facility(const struct registry *registry)
{
    uint32_t largest = 1;
    for (uint32_t i = 0; i < registry->facilities_count; i++)
        largest = MAX(largest, registry->facilities[i].meters_count);
    return largest;
}

static bool has_accrual(const struct registry *registry)
{
    for (uint32_t i = 0; i < registry->meters_count; i++) {
        if (registry->meters[i].accrues)
            return true;
    }
    return false;
}

int shard_create(struct shard **shard_out, const struct shard_context *context, uint32_t partition)
{
    struct shard *shard = calloc(1, sizeof(*shard));
    if (shard == NULL)
        return -ENOMEM;
    shard->context = *context;
    shard->partition = partition;
    shard->newest_ms = shard->idle_final_ms = INT64_MIN;
    shard->judge_ms = INT64_MAX;
    shard->clock =
        (struct site_clock){INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN};
    shard->accrual_ms = has_accrual(context->registry) ? INT64_MIN : INT64_MAX;
    int err = -ENOMEM;
    shard->sites = calloc(context->registry->facilities_count + 1, sizeof(struct site *));
    if (shard->sites == NULL)
        goto fail_sites;
    shard->own = calloc(context->registry->facilities_count + 1, sizeof(struct site *));
    if (shard->own == NULL)
        goto fail_own;
    shard->courses = calloc(context->registry->facilities_count + 1, sizeof(struct courses *));
    if (shard->courses == NULL)
        goto fail_courses;
    err = rating_create(&shard->rating, context->kernels, largest_facility(context->registry));
    if (err < 0)
        goto fail_rating;
    *shard_out = shard;
    return 0;

fail_rating:
    free(shard->courses);
fail_courses:
    free(shard->own);
fail_own:
    free(shard->sites);
fail_sites:
    free(shard);
    return err;
}

void shard_destroy(struct shard **shard)
{
    struct shard *gone = TAKE(*shard);
    if (gone == NULL)
        return;
    while (gone->own_count > 0)
        shard_drop_site(gone, gone->own[gone->own_count - 1]->conf.facility);
    shard_loading_destroy(&gone->loading);
    rating_destroy(&gone->rating);
    free(gone->courses);
    free(gone->own);
    free(gone->sites);
    free(gone);
}

void shard_finish(struct shard *shard)
{
    shard->finished = true;
}

static void count_journal(struct shard_stats *stats, const struct journal *journal)
{
    stats->readings += journal->count;
    for (uint32_t i = 0; i < journal->aside_count; i++)
        *(journal_aside(journal, i)->role == ROLE_DECISION ? &stats->decisions : &stats->dropped) +=
            1;
}

static void count_readings(struct shard *shard)
{
    struct shard_stats *stats = &shard->stats;
    stats->readings = stats->decisions = stats->dropped = 0;
    for (uint32_t i = 0; i < shard->own_count; i++) {
        const struct site *site = shard->own[i];
        for (uint32_t j = 0; j < site->facility->meters_count; j++)
            count_journal(stats, &site->journals[j]);
    }
}

static struct note_sums sum_notes(const struct shard *shard)
{
    struct note_sums sums = {0};
    for (uint32_t i = 0; i < shard->own_count; i++) {
        const struct note_sums *noted = &shard->own[i]->panel->noted_now;
        sums.held_ms += noted->held_ms;
        sums.held_stock_ms += noted->held_stock_ms;
        sums.glitches += noted->glitches;
        sums.conflicts += noted->conflicts;
    }
    return sums;
}

int64_t shard_open_ms(const struct shard *shard)
{
    int64_t open_ms = INT64_MIN;
    for (uint32_t i = 0; i < shard->own_count; i++)
        open_ms = MAX(open_ms, site_day(shard->own[i], 0)->window.start_ms);
    return open_ms;
}

const uint64_t *shard_get_outcomes(const struct shard *shard, uint32_t facility)
{
    return shard->sites[facility] == NULL ? NULL : shard->sites[facility]->outcomes;
}

bool shard_has_heard(const struct shard *shard, uint32_t facility)
{
    const struct site *site = shard->sites[facility];
    return site != NULL && site->first_row != INT64_MAX;
}

int64_t shard_get_newest(const struct shard *shard)
{
    return shard->newest_ms;
}

const struct journal *shard_get_journal(const struct shard *shard, uint32_t meter)
{
    uint32_t facility = shard->context.registry->meters[meter].facility;
    const struct site *site = shard->sites[facility];
    return site == NULL ? NULL : &site->journals[meter - site->facility->meters_first];
}

const struct courses *shard_get_courses(const struct shard *shard, uint32_t facility)
{
    return shard->courses[facility];
}

bool shard_find_overdue(const struct shard *shard, uint32_t meter, struct overdue *overdue_out)
{
    uint32_t facility = shard->context.registry->meters[meter].facility;
    const struct site *site = shard->sites[facility];
    if (site == NULL)
        return false;
    uint32_t column = meter - site->facility->meters_first;
    return site_find_overdue(site, column, site_expected_from(site, column), shard->newest_ms,
                             overdue_out);
}

bool shard_find_standing(const struct shard *shard, uint32_t meter,
                         struct meter_standing *standing_out)
{
    const struct meter *conf = &shard->context.registry->meters[meter];
    const struct journal *journal = shard_get_journal(shard, meter);
    int64_t floor_ms = shard->clock.floor_ms;
    if (journal == NULL)
        return false;
    *standing_out = (struct meter_standing){.readings = journal->count};
    fates_find_held(&standing_out->held, conf, journal, floor_ms);
    (void)shard_find_overdue(shard, meter, &standing_out->overdue);
    if (conf->kind == KIND_REGISTER)
        register_chain_count(&standing_out->chain, conf, journal, journal_find(journal, floor_ms),
                             journal->count);
    return true;
}

static void add_chain(struct chain_sums *sums, const struct meter *meter,
                      const struct journal *journal)
{
    struct chain_counts counts = journal->gone;
    register_chain_count(&counts, meter, journal, 0, journal->count);
    sums->rollovers += counts.rollovers;
    sums->breaks += counts.breaks;
    sums->left_aside += counts.left_aside;
}

void shard_add_chains(const struct shard *shard, struct chain_sums *sums)
{
    for (uint32_t i = 0; i < shard->own_count; i++) {
        const struct site *site = shard->own[i];
        for (uint32_t j = 0; j < site->facility->meters_count; j++) {
            const struct meter *meter = &site->panel->meters[j];
            if (meter->kind == KIND_REGISTER)
                add_chain(sums, meter, &site->journals[j]);
        }
    }
}

/* Days whose main meters, sub-meters and check meters contradict each other. */
static void count_judgements(struct shard *shard)
{
    struct shard_stats *stats = &shard->stats;
    stats->negative_rests = stats->check_differences = 0;
    stats->left_negative_rests = stats->left_check_differences = 0;
    for (uint32_t i = 0; i < shard->own_count; i++) {
        const struct site *site = shard->own[i];
        stats->left_negative_rests += site->left.negative_rests;
        stats->left_check_differences += site->left.check_differences;
        for (uint32_t day = 0; day < site->days_count; day++) {
            stats->negative_rests += site_day(site, day)->judgement.negative_rests;
            stats->check_differences += site_day(site, day)->judgement.check_differences;
        }
    }
}

const struct shard_stats *shard_get_stats(struct shard *shard)
{
    count_judgements(shard);
    count_readings(shard);
    shard->stats.noted = sum_notes(shard);
    shard->stats.dirty_rows = shard_count_dirty(shard);
    shard->stats.at_risk_rows = shard_count_at_risk(shard);
    shard->stats.watermark_ms =
        shard->newest_ms == INT64_MIN ? INT64_MIN : shard_watermark_of(shard, shard->newest_ms);
    shard->stats.floor_ms = shard->clock.floor_ms;
    return &shard->stats;
}

/*
 * replay.h - events that were read before, through the pipeline once more: `ghgd replay`.
 *
 *     file or log -> pipeline (applier and shard, one for a file or a partition) -> row drain
 *
 * command_replay.c reads the command line, replay_file.c and replay_log.c are the two ways of the
 * events, replay.c is what both need. It runs on one thread and ends; complaints go to standard
 * error where they arise.
 */
#ifndef GHGD_REPLAY_H
#define GHGD_REPLAY_H

#include <stdio.h>

#include "daemon/engine/message_applier.h"
#include "daemon/replay/row_drain.h"

/* The outcomes of all events: read = the sum of the counts. */
struct account {
    uint64_t read, counts[OUTCOME_COUNT];
    struct chain_sums chains; /* of registers, as they stand at the end */
    uint64_t overlaps, facilities;
    uint64_t negative_rests, check_differences; /* days */
};

struct replay {
    /* the command line */
    const char *config_file, *events_path, *rejects_path;
    int64_t from_ms, to_ms; /* of the log; INT64_MIN if not given */
    int64_t as_of_ms;       /* of a file: its events arrived then */
    int64_t floor_ms;       /* of a file: its first reading ends no earlier; INT64_MIN: not given */
    bool from_kafka, partial, quiet;
    struct row_drain_conf output;

    /* what runs */
    int64_t now_ms; /* when the command began */
    struct config *config;
    uv_loop_t loop;
    struct row_drain *row_drain;
    struct row_drain_filter filter;
    int64_t known_from_ms; /* windows that begin earlier are not read whole; 0: all are */
    FILE *rejects;
    int64_t stands_at_ms;   /* of a file: its as-of time; INT64_MIN: a log */
    const char *stands_by;  /* how that is known, in words */
    int64_t first_floor_ms; /* as in struct shard_context; INT64_MIN: a log */
    struct account account;
    int64_t started_ms, shown_ms; /* of clock_steady_ms() */

    /* the pipeline under way */
    struct shard *shard;
    struct message_applier *applier;
    struct batch batch;
    struct log_position position;
    int32_t partition;         /* -1: a file */
    uint32_t *owners, *claims; /* by facility: the partition that owns it, and its copy while a
                                  shard goes; NULL for a file */
};

/* Makes shard and applier, empty. Returns 0 or negative; the complaint was printed. */
int replay_open_pipeline(struct replay *replay, int32_t partition) MUST_CHECK;
/* Enters what became of the events into the account, and takes the pipeline down. */
void replay_close_pipeline(struct replay *replay);
/* How the configuration decodes messages. */
struct decode_conf replay_decode_conf(const struct config *config);
/* Takes one message whole, writing days that have to leave meanwhile. 0, or what a sink says. */
int replay_take(struct replay *replay, const struct raw_message *message) MUST_CHECK;
/* Shows on a terminal how far it is, some times a second. share: of the whole, 0 to 1; or less if
 * that is not known. */
void replay_show_progress(struct replay *replay, double share);

/* The two ways to read everything and write final windows. 0 or negative, the complaint was
 * printed. */
int replay_file(struct replay *replay) MUST_CHECK;
int replay_log(struct replay *replay) MUST_CHECK;

#endif

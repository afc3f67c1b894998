/*
 * chain_reader.h - reads chains out of the checkpoint topic, a few partitions at a time.
 *
 * With a consumer that belongs to no group, made when it is first needed. A read goes from the
 * chain's base to its end at full speed, and on to the end of the log for obsolete keys. Payloads
 * and the end of a read come from chain_reader_turn(); their handlers may start and stop reads. The
 * loop thread owns it.
 */
#ifndef GHGD_CHAIN_READER_H
#define GHGD_CHAIN_READER_H

#include <uv.h>

#include "config/config.h"
#include "pipelines/checkpoint/chain.h"

enum { CHAIN_READS_MAX = 2 }; /* at once, each with a payload and 64 MiB fetched ahead */

struct chain_reader;

/* The chain is complete (err 0, why ""); or ERR_PROTOCOL, it is damaged or gone; -ETIMEDOUT,
 * nothing came for a while; -ENOMEM; or what its handler returned. `started_ms`: when it was first
 * asked for. */
typedef void (*chain_read_fn)(void *context, struct chain *chain, uint64_t started_ms, int err,
                              const char *why);

/* `config` outlives it; `wake` is sent when there is something to do. Returns 0 or -ENOMEM. */
int chain_reader_create(struct chain_reader **reader_out, const struct config *config,
                        uv_async_t *wake, chain_read_fn done, void *context) MUST_CHECK;
void chain_reader_destroy(struct chain_reader **reader);

/* Takes *chain. Its partition is not being read. Returns 0, or -ENOMEM and nothing is taken. */
int chain_reader_start(struct chain_reader *reader, struct chain **chain) MUST_CHECK;
/* Ends the read of a partition, if there is one, without a word. */
void chain_reader_stop(struct chain_reader *reader, int32_t partition);
void chain_reader_turn(struct chain_reader *reader, uint64_t now_ms);

#endif

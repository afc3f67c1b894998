/*
 * limits.h - every fixed maximum, with its reason. A limit that a user may want to change is an
 * option instead. The limits here keep memory bounded and arithmetic exact.
 */
#ifndef GHGD_LIMITS_H
#define GHGD_LIMITS_H

#include <stdint.h>

/* |activity| of a cell and its |mass| in milligrams stay below 2^51: int64 -> double -> int64 is
 * exact, and the AVX2 kernels convert by adding 1.5 * 2^52, which is right up to 2^51. In
 * micro-units this is 2.2e9 kWh in one bucket; in milligrams 2.2e6 t. A mass in micrograms may be a
 * thousand times that; then it is rated without SIMD (KERNEL_NARROW). */
#define CELL_MAX ((INT64_C(1) << 51) - 1)

/* A register may show so much, in micro-units: 8 digits behind transformers of 8,000 (CT x VT), and
 * their sum with a rollover. Its differences are activity, and have to fit cells; a difference of
 * two such values, and one that was booked in part, fit 64 bits. */
#define REGISTER_MAX ((INT64_C(1) << 60) - 1)

/* A facility sums at most this many cells per series in 64 bits: 2 * 2^51 * 2^11 <= 2^63, where a
 * cell is the difference of two narrow numbers (kernels.c asserts it). */
enum { SERIES_METERS_MAX = 2048 };

enum {
    BATCH_EVENTS_MAX = 512, /* events in a batch: 45 kB, which an L2 cache holds with the rest */
    MESSAGE_BYTES_MAX = 8 << 20, /* one Kafka message; librdkafka's own default is 1 MB */
    EVENT_BYTES_MAX = 64 << 10,  /* one event inside a message, dead-lettered whole */
    NAME_BYTES_MAX = 255,        /* an id or a name from outside, as in a tag of the database */
    UNIT_BYTES_MAX = 31,
    METERS_MAX = 1 << 20,
    METER_LEVELS_MAX = 8, /* main meters above one: a site, halls, lines, machines and some more */
    FACILITIES_MAX = 1 << 18,
    GROUP_LEVELS_MAX = 4,           /* tags of the database: few and bounded */
    SINKS_MAX = 8,                  /* one bit each in a dirty mask */
    PRODUCER_RECORDS_MAX = 1 << 16, /* letters and runs under way: about 80 MB with their headers */
    ASIDE_MAX = 256,                /* decisions of people on one meter in the horizon, and the
                                       readings that they set aside */
    DEADLETTERS_PER_MESSAGE_MAX = 64, /* or one message of a million bad events would fill it */
    PRODUCER_BYTES_MAX = 32 << 20,    /* and their bytes; then the partition waits */
    PARTITIONS_MAX = 1024,            /* partitions assigned to one process */
    METER_READINGS_MAX = 1 << 18,     /* readings of one meter in the journal: 7 days of 2.3 s */
    BUCKETS_MAX = 1 << 17,            /* buckets in the horizon: 90 days of one minute */
    FACTOR_VERSIONS_MAX = 256,        /* editions of one factor, and eras of one facility */
    ROWS_PER_BLOCK_MAX = 5000, /* rows in one request to a sink: SERVERS measured the best rate */
    REVISION_MAX = 65535
};

enum {
    CHECKPOINT_BYTES_MAX = 1 << 30,     /* one payload: 16 times the state of a large partition */
    CHECKPOINT_RECORD_BYTES = 768 << 10 /* of it in one record: brokers take a MiB */
};

enum {
    HTTP_CONNECTIONS_MAX = 32,         /* a scraper, a prober and some people; others wait */
    HTTP_BACKLOG = 32,                 /* where they wait */
    HTTP_TIMEOUT_S = 10,               /* silence after which a connection is closed */
    HTTP_REQUEST_BYTES_MAX = 16 << 10, /* request line, headers and buffers of one connection */
    HTTP_UPLOAD_BYTES_MAX = 64 << 10,  /* an unasked body is read that far, to answer it */
    HTTP_BODY_BYTES_MAX = 16 << 20,    /* an answer: metrics of PARTITIONS_MAX partitions fit */
    HTTP_PIECE_BYTES_MAX = 1 << 20,    /* of one that is made while it is read; one a connection */
    HTTP_PIECES_PER_TURN = 8           /* of it are made before others have their turn */
};

#endif

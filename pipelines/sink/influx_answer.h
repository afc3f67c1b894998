/*
 * influx_answer.h - what an answer to a write means: status and body in, verdict out.
 *
 * InfluxDB 1.x and 2.x and VictoriaMetrics say different things by the same status, and lie in
 * places; the rules, measured against the servers, stand here and nowhere else. A proxy before them
 * says 400, too: only the words of a table tell that rows were judged. Pure.
 */
#ifndef GHGD_INFLUX_ANSWER_H
#define GHGD_INFLUX_ANSWER_H

#include "config/config.h"

enum verdict {
    VERDICT_DONE,      /* every row is stored */
    VERDICT_PARTIAL,   /* stored, except `rejected` rows, which would be refused again */
    VERDICT_REFUSED,   /* nothing is stored, because of some of the rows: find out which */
    VERDICT_STRANGE,   /* the same status, without the database's own words: a proxy's page? */
    VERDICT_TOO_LARGE, /* nothing is stored: send less at once */
    VERDICT_HOLD,      /* nothing is stored until a person mends a configuration, here or there */
    VERDICT_BUSY,      /* too much at the moment: try again later */
    VERDICT_BROKEN     /* the server, or something before it, has failed: try again later */
};

enum { ANSWER_WORDS_SIZE = 256 };

struct influx_answer {
    enum verdict verdict;
    bool own;          /* VERDICT_TOO_LARGE: in the database's own words */
    bool missing;      /* the database does not exist, and all that it had is gone */
    uint32_t rejected; /* VERDICT_PARTIAL */
    /* The server's, cleaned (foreign.h), without the tags of a page; never empty unless done. */
    char words[ANSWER_WORDS_SIZE];
};

/* `body` may be anything, also binary or cut off. */
void influx_answer_judge(struct influx_answer *answer_out, enum sink_dialect dialect, int status,
                         const char *body, size_t size);

/* The first line of a text, as far as there is room, without control characters; or the status, if
 * the text is empty. */
void answer_words(char words_out[ANSWER_WORDS_SIZE], int status, const char *text, size_t size);

/* "done", "partial", ...: for logs. */
const char *verdict_name(enum verdict verdict);

#endif

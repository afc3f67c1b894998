/*
 * scripted_server.h - an HTTP server on the loop of a test, on a free port of 127.0.0.1, that
 * answers as a test wants: well, badly, late, or not to the end.
 */
#ifndef GHGD_TEST_SCRIPTED_SERVER_H
#define GHGD_TEST_SCRIPTED_SERVER_H

#include <uv.h>

#include "base/buffer.h"

enum manner {
    MANNER_ANSWER,
    MANNER_ANSWER_AND_CLOSE, /* and close the connection without having said so */
    MANNER_STALL,            /* no answer, the connection stays */
    MANNER_RESET,            /* the connection is reset before an answer */
    MANNER_RESET_IN_BODY     /* after half of the answer */
};

struct scripted_request {
    uint32_t index;      /* 0, 1, ... */
    const char *head;    /* request line and headers, as text */
    const char *body;    /* as text, decompressed */
    uint32_t lines;      /* newlines in it */
    uint32_t connection; /* 1, 2, ... */
};

struct scripted_response {
    enum manner manner;
    int status;
    const char *headers; /* each with its CRLF; or NULL */
    const char *body;    /* or NULL */
};

typedef struct scripted_response (*scripted_handler)(void *context,
                                                     const struct scripted_request *request);

struct scripted_server;

struct scripted_server *scripted_server_start(uv_loop_t *loop, scripted_handler handler,
                                              void *context);
int scripted_server_port(const struct scripted_server *server);
uint32_t scripted_server_requests(const struct scripted_server *server);
/* Connections that the client broke off without a farewell. */
uint32_t scripted_server_resets(const struct scripted_server *server);
/* Resets every connection; new ones are welcome. */
void scripted_server_drop(struct scripted_server *server);
/* Closes everything and frees it once the loop has run. */
void scripted_server_stop(struct scripted_server **server);

#endif

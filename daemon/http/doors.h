/*
 * doors.h - who may ask the HTTP server, and who may command it.
 *
 * A page can make the browser that shows it send requests here, under a name that the page's owner
 * lets point to this machine (DNS rebinding). So the `Host` of a request has to be a name of the
 * loopback, the address at which the request arrived, or one of http.allowed_hosts. A command has
 * to show the token: that of http.token_file or http.token_credential, else of the file
 * `http-token` in the state directory, which the daemon makes.
 */
#ifndef GHGD_DOORS_H
#define GHGD_DOORS_H

#include <sys/socket.h>

#include "config/config.h"

/* 256 bits, in hexadecimal digits. */
enum { DOORS_TOKEN_BYTES = 32, DOORS_TOKEN_SIZE = 2 * DOORS_TOKEN_BYTES + 1 };

/* host: the header's value. allowed: hosts joined by commas, or NULL. local: where the request
 * arrived. */
bool doors_know_host(const char *host, const char *allowed, const struct sockaddr *local);
/* authorization: the header's value, or NULL; "Bearer TOKEN". The time that this takes does not
 * depend on the bytes. An empty token fits nothing. */
bool doors_know_token(const char *authorization, const char *token);

/* The token of the configuration, or of the file. `make` makes a missing file, with mode
 * 0600. Returns 0, or negative errno of the file, whose path is in path_out then; -EINVAL: it holds
 * no token. */
int doors_get_token(const struct config *config, bool make, const char **token_out,
                    char made[DOORS_TOKEN_SIZE], const char **path_out) MUST_CHECK;

#endif

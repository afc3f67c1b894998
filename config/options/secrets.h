/*
 * secrets.h - passwords and tokens, from files and from the service manager's credentials.
 *
 * A secret is never part of the YAML file, of the command line or of the environment, and nothing
 * here puts it into a message.
 */
#ifndef GHGD_SECRETS_H
#define GHGD_SECRETS_H

#include "base/arena.h"

/* Reads a regular file whole, less one newline at its end. Returns NULL and the secret in the
 * arena's memory, or what is wrong as the end of a sentence ("cannot be read: Permission denied",
 * static or of errno). *exposed_out: every user of this machine may read it. */
const char *secret_read(const char **secret_out, const char *path, struct arena *arena,
                        bool *exposed_out) MUST_CHECK;

/* The file of a credential: $CREDENTIALS_DIRECTORY/NAME, in the arena's memory. Returns NULL or
 * what is wrong. */
const char *secret_credential_path(const char **path_out, const char *name,
                                   struct arena *arena) MUST_CHECK;

#endif

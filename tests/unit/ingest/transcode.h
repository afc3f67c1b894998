/*
 * transcode.h - the same event in the other format: JSON text as MessagePack, for tests.
 */
#ifndef GHGD_TEST_TRANSCODE_H
#define GHGD_TEST_TRANSCODE_H

#include <msgpack.h>

/* Appends the value that the text begins with: whole numbers as integers, others as doubles. Names
 * may occur twice. Returns where the value ends; the text must be JSON. */
const char *transcode(msgpack_packer *packer, const char *json);

#endif

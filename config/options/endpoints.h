/*
 * endpoints.h - host:port and URLs as a configuration names them: checked, not resolved.
 *
 * Hosts are names, IPv4, or IPv6 in brackets. Pure. Thread: any.
 */
#ifndef GHGD_ENDPOINTS_H
#define GHGD_ENDPOINTS_H

#include "base/base.h"

struct endpoint {
    const char *host; /* in the text; without brackets */
    size_t host_size;
    int port; /* 0 if the URL has no port */
};

/* Splits HOST[:PORT]. Returns NULL, or what is wrong, as the end of a sentence: "has no host". */
const char *endpoint_split(struct endpoint *endpoint_out, const char *text, size_t size) MUST_CHECK;

/* The host is localhost, 127.x.y.z or ::1. */
bool endpoint_is_loopback(const struct endpoint *endpoint);

/* http or https, a host, a port or none, a path or none. Returns NULL or what is wrong. */
const char *url_fault(const char *url) MUST_CHECK;

#endif

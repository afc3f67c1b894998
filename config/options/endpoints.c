/*
 * endpoints.c - host:port and URLs as a configuration names them; see endpoints.h.
 */
#include "config/options/endpoints.h"

#include <ctype.h>
#include <curl/curl.h>
#include <string.h>
#include <strings.h>

enum { PORT_MAX = 65535 };

#define BAD_IPV6 "is not an IPv6 address in brackets"
#define BAD_CHARACTER "has a character that a URL cannot have"

static bool is_host(const char *text, size_t size, const char *also)
{
    for (size_t i = 0; i < size; i++)
        if (!isalnum((unsigned char)text[i]) && strchr(also, text[i]) == NULL)
            return false;
    return size > 0;
}

static int port_parse(const char *text, size_t size)
{
    int port = 0;
    for (size_t i = 0; i < size; i++) {
        if (!isdigit((unsigned char)text[i]))
            return -1;
        port = port * 10 + (text[i] - '0');
        if (port > PORT_MAX)
            return -1;
    }
    return port == 0 ? -1 : port;
}

const char *endpoint_split(struct endpoint *endpoint_out, const char *text, size_t size)
{
    const char *end = text + size;
    const char *rest = NULL;
    struct endpoint endpoint = {text, size, 0};
    if (size > 0 && text[0] == '[') {
        const char *bracket = memchr(text, ']', size);
        if (bracket == NULL || !is_host(text + 1, (size_t)(bracket - text - 1), ":."))
            return BAD_IPV6;
        endpoint.host = text + 1;
        endpoint.host_size = (size_t)(bracket - text - 1);
        rest = bracket + 1;
    } else {
        const char *colon = memchr(text, ':', size);
        rest = colon == NULL ? end : colon;
        endpoint.host_size = (size_t)(rest - text);
        if (endpoint.host_size == 0)
            return "has no host";
        if (!is_host(text, endpoint.host_size, ".-_"))
            return "has a host that is no name and no address";
    }
    if (rest < end) {
        endpoint.port = *rest == ':' ? port_parse(rest + 1, (size_t)(end - rest - 1)) : -1;
        if (endpoint.port < 0)
            return "has no port from 1 to 65535 after the host";
    }
    *endpoint_out = endpoint;
    return NULL;
}

static bool is_host_of(const struct endpoint *endpoint, const char *host)
{
    return endpoint->host_size == strlen(host) &&
           strncasecmp(endpoint->host, host, endpoint->host_size) == 0;
}

static bool is_loopback_ipv4(const struct endpoint *endpoint)
{
    static const char first[] = "127.";
    return endpoint->host_size > sizeof(first) - 1 &&
           strspn(endpoint->host, "0123456789.") >= endpoint->host_size &&
           strncmp(endpoint->host, first, sizeof(first) - 1) == 0;
}

bool endpoint_is_loopback(const struct endpoint *endpoint)
{
    return is_host_of(endpoint, "localhost") || is_host_of(endpoint, "::1") ||
           is_loopback_ipv4(endpoint);
}

/* Whether libcurl, which will use the URL, can take it: an IPv6 address, control characters. */
static const char *parse_fault(const char *url)
{
    CURLU *parts = curl_url();
    CURLUcode code =
        parts == NULL ? CURLUE_OUT_OF_MEMORY : curl_url_set(parts, CURLUPART_URL, url, 0);
    curl_url_cleanup(parts);
    switch (code) {
    case CURLUE_OK:
        return NULL;
    case CURLUE_OUT_OF_MEMORY:
        return "cannot be checked: there is no memory";
    case CURLUE_BAD_IPV6:
        return BAD_IPV6;
    default:
        return BAD_CHARACTER;
    }
}

/* libcurl takes more than ghgd: three slashes, a colon without a port, escapes in a host. */
const char *url_fault(const char *url)
{
    const char *host = NULL;
    if (strncasecmp(url, "http://", 7) == 0)
        host = url + 7;
    else if (strncasecmp(url, "https://", 8) == 0)
        host = url + 8;
    else
        return "does not begin with http:// or https://";
    if (strchr(host, '@') != NULL)
        return "has a user or password in it, which belong into user and password_file";
    if (strpbrk(host, "?#") != NULL)
        return "has a query, which ghgd writes itself";
    if (strpbrk(host, " \t\"<>\\^`{|}") != NULL)
        return BAD_CHARACTER;
    struct endpoint endpoint;
    const char *fault = endpoint_split(&endpoint, host, strcspn(host, "/"));
    return fault != NULL ? fault : parse_fault(url);
}

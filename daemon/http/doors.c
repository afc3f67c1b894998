#include "daemon/http/doors.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/options/endpoints.h"

/* --- hosts --- */

static bool is_host(const struct endpoint *endpoint, const char *host, size_t size)
{
    return endpoint->host_size == size && strncasecmp(endpoint->host, host, size) == 0;
}

static bool is_allowed(const struct endpoint *endpoint, const char *allowed)
{
    while (allowed != NULL && *allowed != '\0') {
        struct endpoint other;
        size_t size = strcspn(allowed, ",");
        if (endpoint_split(&other, allowed, size) == NULL &&
            is_host(endpoint, other.host, other.host_size))
            return true;
        allowed += size + (allowed[size] == ',');
    }
    return false;
}

static bool is_local_address(const struct endpoint *endpoint, const struct sockaddr *local)
{
    char host[INET6_ADDRSTRLEN] = "";
    struct in6_addr address;
    if (endpoint->host_size >= sizeof(host))
        return false;
    memcpy(host, endpoint->host, endpoint->host_size);
    if (local->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)local;
        if (inet_pton(AF_INET6, host, &address) == 1)
            return memcmp(&address, &in6->sin6_addr, sizeof(address)) == 0;
        /* IPv4 that arrives at a socket of both */
        return IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr) && inet_pton(AF_INET, host, &address) == 1 &&
               memcmp(&address, &in6->sin6_addr.s6_addr[12], sizeof(struct in_addr)) == 0;
    }
    const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)local;
    return local->sa_family == AF_INET && inet_pton(AF_INET, host, &address) == 1 &&
           memcmp(&address, &in->sin_addr, sizeof(in->sin_addr)) == 0;
}

bool doors_know_host(const char *host, const char *allowed, const struct sockaddr *local)
{
    struct endpoint endpoint;
    if (endpoint_split(&endpoint, host, strlen(host)) != NULL)
        return false;
    return endpoint_is_loopback(&endpoint) || is_allowed(&endpoint, allowed) ||
           is_local_address(&endpoint, local);
}

/* --- tokens --- */

bool doors_know_token(const char *authorization, const char *token)
{
    static const char scheme[] = "Bearer ";
    if (authorization == NULL || strncasecmp(authorization, scheme, sizeof(scheme) - 1) != 0)
        return false;
    const char *shown = authorization + sizeof(scheme) - 1;
    size_t size = strlen(token);
    size_t shown_size = strlen(shown);
    unsigned different = size == 0 || shown_size != size;
    for (size_t i = 0; i < shown_size && size > 0; i++)
        different |= (unsigned char)shown[i] ^ (unsigned char)token[i % size];
    return different == 0;
}

static int read_token(const char *path, char token[DOORS_TOKEN_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    char bytes[DOORS_TOKEN_SIZE + 1] = ""; /* with a newline, and nothing behind it */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
    if (file < 0)
        return -errno;
    ssize_t size = read(file, bytes, sizeof(bytes));
    int err = size < 0 ? -errno : 0;
    (void)close(file);
    if (err < 0)
        return err;
    if (size != DOORS_TOKEN_SIZE || bytes[DOORS_TOKEN_SIZE - 1] != '\n')
        return -EINVAL;
    bytes[DOORS_TOKEN_SIZE - 1] = '\0';
    if (strspn(bytes, digits) != DOORS_TOKEN_SIZE - 1)
        return -EINVAL;
    memcpy(token, bytes, DOORS_TOKEN_SIZE);
    return 0;
}

static int write_token(const char *path, const char *token)
{
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0)
        return -errno;
    int written = dprintf(file, "%s\n", token);
    int err = written == DOORS_TOKEN_SIZE ? 0 : -EIO;
    if (close(file) < 0 && err == 0)
        err = -errno;
    if (err < 0)
        (void)unlink(path);
    return err;
}

static int make_token(const char *path, char token[DOORS_TOKEN_SIZE])
{
    unsigned char bytes[DOORS_TOKEN_BYTES];
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return -EIO; /* up to 256 bytes it gives all, or fails */
    for (size_t i = 0; i < sizeof(bytes); i++)
        (void)snprintf(token + 2 * i, 3, "%02x", bytes[i]);
    return write_token(path, token);
}

int doors_get_token(const struct config *config, bool make, const char **token_out,
                    char made[DOORS_TOKEN_SIZE], const char **path_out)
{
    *path_out = config->http_token_path;
    *token_out = config->http_token;
    if (config->http_token != NULL)
        return 0;
    int err = read_token(config->http_token_path, made);
    if (err == -ENOENT && make)
        err = make_token(config->http_token_path, made);
    *token_out = err < 0 ? NULL : made;
    return err;
}

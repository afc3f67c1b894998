#include "pipelines/sink/influx_request.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

enum {
    URL_BYTES_MAX = 8 << 10,
    HEADER_BYTES_MAX = 8 << 10,
    TIMEOUT_DEFAULT_MS = 20000, /* InfluxDB gives up on a write after 10 s, and says so */
    CONNECT_TIMEOUT_DEFAULT_MS = 5000
};

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           strchr("-._~", c) != NULL;
}

static void add_parameter(struct buffer *url, const char *name, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    buffer_printf(url, "&%s=", name);
    for (; *value != '\0'; value++) {
        if (is_unreserved(*value))
            buffer_add_char(url, *value);
        else
            buffer_printf(url, "%%%02X", (unsigned char)*value);
    }
}

/* Appends the URL of writes: /write?db=&rp= of InfluxDB 1.x and VictoriaMetrics, /api/v2/write?org=
 * &bucket= of 2.x, with precision=ms. Names are percent-encoded; a path in conf->url stays. */
static void add_url(struct buffer *url, const struct sink_conf *conf)
{
    size_t size = strlen(conf->url);
    while (size > 0 && conf->url[size - 1] == '/')
        size--;
    buffer_add(url, conf->url, size);
    bool is_v2 = conf->dialect == DIALECT_INFLUX2;
    buffer_add_str(url, is_v2 ? "/api/v2/write?precision=ms" : "/write?precision=ms");
    if (is_v2) {
        add_parameter(url, "org", conf->org);
        add_parameter(url, "bucket", conf->bucket);
    } else {
        add_parameter(url, "db", conf->database);
        if (conf->dialect == DIALECT_INFLUX1)
            add_parameter(url, "rp", conf->retention_policy);
    }
}

/* A token comes first; before VictoriaMetrics stands vmauth, which knows it as Bearer. */
static const char *authorization(struct buffer *header, const struct sink_conf *conf)
{
    if (conf->token == NULL)
        return NULL;
    buffer_printf(header, "%s %s", conf->dialect == DIALECT_VICTORIA ? "Bearer" : "Token",
                  conf->token);
    return buffer_text(header);
}

int influx_request_open(struct http_client **client_out, uv_loop_t *loop,
                        const struct sink_conf *conf,
                        const struct influx_request_callbacks *callbacks)
{
    if (conf->url == NULL)
        return -EINVAL;
    struct buffer url;
    struct buffer header;
    buffer_init(&url, URL_BYTES_MAX);
    buffer_init(&header, HEADER_BYTES_MAX);
    add_url(&url, conf);
    struct http_conf http_conf = {
        .url = buffer_text(&url),
        .user = conf->token == NULL ? conf->user : NULL,
        .password = conf->password,
        .authorization = authorization(&header, conf),
        .content_encoding = conf->gzip ? "gzip" : NULL,
        .may_go_on = callbacks->may_go_on,
        .timeout_ms = conf->timeout_ms > 0 ? conf->timeout_ms : TIMEOUT_DEFAULT_MS,
        .connect_timeout_ms =
            conf->connect_timeout_ms > 0 ? conf->connect_timeout_ms : CONNECT_TIMEOUT_DEFAULT_MS,
    };
    int err = buffer_failed(&url) || buffer_failed(&header)
                  ? -ENOMEM
                  : http_client_create(client_out, loop, &http_conf, callbacks->answered,
                                       callbacks->context);
    buffer_fini(&url);
    buffer_fini(&header);
    return err;
}

enum { LEVEL = 1, WINDOW_BITS_GZIP = 15 + 16, MEMORY_LEVEL = 8, CHUNK_BYTES = 32 << 10 };

int gzip_add(struct buffer *out, const void *data, size_t size)
{
    ASSERT(size <= UINT32_MAX);
    z_stream stream = {0};
    if (deflateInit2(&stream, LEVEL, Z_DEFLATED, WINDOW_BITS_GZIP, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return -ENOMEM;
    stream.next_in = (z_const Bytef *)data;
    stream.avail_in = (uInt)size;
    int status = Z_OK;
    while (status == Z_OK) {
        unsigned char chunk[CHUNK_BYTES];
        stream.next_out = chunk;
        stream.avail_out = CHUNK_BYTES;
        status = deflate(&stream, Z_FINISH);
        buffer_add(out, chunk, CHUNK_BYTES - stream.avail_out);
    }
    ASSERT(status == Z_STREAM_END); /* all of the input is there, and always room for output */
    (void)deflateEnd(&stream);
    return buffer_failed(out) ? -ENOMEM : 0;
}

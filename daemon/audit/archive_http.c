/* archive_http.c - one GET after the other, waited for; and CSV in pieces, as servers send it. */
#include <csv.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/foreign.h"
#include "daemon/audit/archive_driver.h"

enum {
    URL_BYTES_MAX = 64 << 10,
    HEADER_BYTES_MAX = 8 << 10,
    WORDS_BYTES_MAX = 512, /* of a complaint */
    CONNECT_TIMEOUT_MS = 10000,
    SILENCE_TIMEOUT_S = 60
};

struct archive_http {
    const struct sink_conf *conf;
    CURL *curl;
    struct curl_slist *headers;

    /* the answer under way */
    struct archive_csv *csv;
    int result;
    struct buffer words; /* of an answer that is no success */
};

void archive_http_add(struct buffer *path, char before, const char *name, const char *value)
{
    buffer_printf(path, "%c%s=", before, name);
    char *escaped = curl_easy_escape(NULL, value, 0);
    if (escaped == NULL)
        path->failed = true;
    else
        buffer_add_str(path, escaped);
    curl_free(escaped);
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    struct archive_http *http = context;
    long status = 0;
    curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status == 200)
        http->result = archive_csv_take(http->csv, data, size * count);
    else
        buffer_add(&http->words, data,
                   size * count < WORDS_BYTES_MAX ? size * count : (size_t)WORDS_BYTES_MAX);
    return http->result < 0 ? 0 : size * count; /* 0 ends it */
}

static int add_header(struct archive_http *http, const char *name, const char *scheme,
                      const char *value)
{
    struct buffer line;
    buffer_init(&line, HEADER_BYTES_MAX);
    buffer_printf(&line, "%s: %s%s", name, scheme, value);
    const char *text = buffer_text(&line);
    struct curl_slist *headers = text == NULL ? NULL : curl_slist_append(http->headers, text);
    buffer_fini(&line);
    if (headers == NULL)
        return -ENOMEM;
    http->headers = headers;
    return 0;
}

static void set_options(struct archive_http *http)
{
    const struct sink_conf *conf = http->conf;
    curl_easy_setopt(http->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(http->curl, CURLOPT_PROXY, "");
    curl_easy_setopt(http->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(http->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(http->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(http->curl, CURLOPT_LOW_SPEED_TIME, (long)SILENCE_TIMEOUT_S);
    curl_easy_setopt(http->curl, CURLOPT_ACCEPT_ENCODING, "gzip");
    curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, http->headers);
    curl_easy_setopt(http->curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(http->curl, CURLOPT_WRITEDATA, http);
    if (conf->token == NULL && conf->user != NULL) {
        curl_easy_setopt(http->curl, CURLOPT_USERNAME, conf->user);
        curl_easy_setopt(http->curl, CURLOPT_PASSWORD,
                         conf->password != NULL ? conf->password : "");
    }
}

static void close_http(struct archive_http *http)
{
    curl_easy_cleanup(http->curl);
    curl_slist_free_all(http->headers);
    buffer_fini(&http->words);
    free(http);
}

int archive_http_open(struct archive *archive, struct buffer *why)
{
    const struct sink_conf *conf = archive->conf;
    if (conf->url == NULL) {
        buffer_add_str(why, "the sink has no url");
        return -EINVAL;
    }
    struct archive_http *http = calloc(1, sizeof(*http));
    if (http == NULL)
        return -ENOMEM;
    http->conf = conf;
    buffer_init(&http->words, WORDS_BYTES_MAX);
    http->curl = curl_easy_init();
    int err = http->curl == NULL ? -ENOMEM : add_header(http, "Accept", "", "application/csv");
    if (err == 0 && conf->token != NULL)
        err = add_header(http, "Authorization",
                         conf->dialect == DIALECT_VICTORIA ? "Bearer " : "Token ", conf->token);
    if (err < 0) {
        close_http(http);
        return err;
    }
    set_options(http);
    archive->store = http;
    return 0;
}

void archive_http_close(struct archive *archive)
{
    struct archive_http *http = TAKE(archive->store);
    if (http != NULL)
        close_http(http);
}

static int set_url(struct archive_http *http, const char *path)
{
    struct buffer url;
    buffer_init(&url, URL_BYTES_MAX);
    size_t size = strlen(http->conf->url);
    while (size > 0 && http->conf->url[size - 1] == '/')
        size--;
    buffer_add(&url, http->conf->url, size);
    buffer_add_str(&url, path);
    const char *text = buffer_text(&url);
    CURLcode code =
        text == NULL ? CURLE_OUT_OF_MEMORY : curl_easy_setopt(http->curl, CURLOPT_URL, text);
    buffer_fini(&url);
    return code == CURLE_OK ? 0 : -ENOMEM;
}

/* The answer's rows go to `csv` as they come. Returns 0, -EIO with words, or a fault of the CSV. */
static int get(struct archive_http *http, const char *path, struct archive_csv *csv,
               struct buffer *why)
{
    http->csv = csv;
    http->result = 0;
    buffer_clear(&http->words);
    int err = set_url(http, path);
    if (err < 0)
        return err;
    CURLcode code = curl_easy_perform(http->curl);
    long status = 0;
    curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status);
    if (http->result < 0)
        return http->result;
    if (code == CURLE_OK && status == 200)
        return 0;
    char words[WORDS_BYTES_MAX];
    foreign_clean(words, sizeof(words), http->words.data, http->words.size);
    if (code != CURLE_OK)
        buffer_printf(why, "%s: %s", http->conf->url, curl_easy_strerror(code));
    else
        buffer_printf(why, "%s: status %ld: %s", http->conf->url, status, words);
    return -EIO;
}

/* --- CSV --- */

enum { CELLS_MAX = 64, ROW_BYTES_MAX = 64 << 10 };

struct archive_csv {
    struct csv_parser parser;
    archive_csv_fn fn;
    void *context;
    int result;
    uint32_t count, size;
    char *cells[CELLS_MAX];
    char text[ROW_BYTES_MAX];
};

static void on_cell(void *data, size_t size, void *context)
{
    struct archive_csv *csv = context;
    if (csv->result < 0)
        return;
    if (csv->count == CELLS_MAX || size >= ROW_BYTES_MAX - csv->size) {
        csv->result = -EPROTO;
        return;
    }
    csv->cells[csv->count++] = csv->text + csv->size;
    if (size > 0)
        memcpy(csv->text + csv->size, data, size);
    csv->size += (uint32_t)size;
    csv->text[csv->size++] = '\0';
}

static void on_row(int terminator, void *context)
{
    (void)terminator;
    struct archive_csv *csv = context;
    if (csv->result == 0 && csv->count > 0)
        csv->result = csv->fn(csv->context, csv->cells, csv->count);
    csv->count = csv->size = 0;
}

int archive_csv_open(struct archive_csv **csv_out, archive_csv_fn fn, void *context)
{
    struct archive_csv *csv = calloc(1, sizeof(*csv));
    if (csv == NULL)
        return -ENOMEM;
    csv->fn = fn;
    csv->context = context;
    if (csv_init(&csv->parser, 0) != 0) {
        free(csv);
        return -ENOMEM;
    }
    *csv_out = csv;
    return 0;
}

int archive_csv_take(struct archive_csv *csv, const char *data, size_t size)
{
    size_t taken = csv_parse(&csv->parser, data, size, on_cell, on_row, csv);
    if (taken != size && csv->result == 0)
        csv->result = csv_error(&csv->parser) == CSV_ENOMEM ? -ENOMEM : -EPROTO;
    return csv->result;
}

int archive_csv_end(struct archive_csv *csv)
{
    if (csv_fini(&csv->parser, on_cell, on_row, csv) != 0 && csv->result == 0)
        csv->result = -EPROTO;
    return csv->result;
}

void archive_csv_close(struct archive_csv **csv)
{
    struct archive_csv *gone = TAKE(*csv);
    if (gone == NULL)
        return;
    csv_free(&gone->parser);
    free(gone);
}

int archive_http_get_csv(struct archive *archive, struct buffer *path, archive_csv_fn fn,
                         void *context, struct buffer *why)
{
    struct archive_csv *csv = NULL;
    const char *text = buffer_text(path);
    int err = text == NULL ? -ENOMEM : archive_csv_open(&csv, fn, context);
    if (err == 0)
        err = get(archive->store, text, csv, why);
    if (err == 0)
        err = archive_csv_end(csv);
    archive_csv_close(&csv);
    return err;
}

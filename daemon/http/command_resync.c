/* command_resync.c - tells the running daemon that a sink has lost rows. */
#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/timestamp.h"
#include "daemon/command.h"
#include "daemon/command_line.h"
#include "daemon/http/doors.h"

enum { TIMEOUT_MS = 60000, URL_BYTES_MAX = 8 << 10, ANSWER_BYTES_MAX = 64 << 10 };

static const char usage[] =
    "ghgd resync [-c FILE] [--sink NAME ...] [--from TIME] [--at HOST:PORT]\n"
    "\n"
    "Tells the running daemon that a database has lost rows, because it was restored from a "
    "backup\n"
    "or created again. Every window that the daemon still has is written to it once more, as it is "
    "now.\n"
    "Older ones come out of the log, by `ghgd replay --kafka`: do that first.\n"
    "\n"
    "  -c, --config FILE   the configuration of the daemon (default " CONFIG_FILE_DEFAULT ")\n"
    "      --sink NAME     this sink; may be given several times (by default all but those of\n"
    "                      alerts, which would tell people once more)\n"
    "      --from TIME     windows that end after TIME: RFC 3339, a date (in UTC), or a duration\n"
    "                      back from now, such as 36h (all by default)\n"
    "      --at HOST:PORT  where the daemon listens (by default, what http.listen says); it wants\n"
    "                      its token: http.token_file, or http-token in its state directory\n"
    "  -h, --help          this text\n";

enum { OPTION_SINK = 256, OPTION_FROM, OPTION_AT };

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"sink", required_argument, NULL, OPTION_SINK},
    {"from", required_argument, NULL, OPTION_FROM},
    {"at", required_argument, NULL, OPTION_AT},
    {"help", no_argument, NULL, 'h'},
    {0},
};

struct order {
    const char *config_file, *at;
    struct sink_choice sinks;
    int64_t from_ms; /* INT64_MIN: everything */
    struct config *config;
    CURL *curl;
    struct curl_slist *headers;
    struct buffer answer;
};

/* --- asking --- */

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    buffer_add(context, data, size * count);
    return size * count;
}

/* A daemon that listens on all addresses also listens on the loopback's. */
static void add_address(const struct order *order, struct buffer *url)
{
    const char *host = order->config->http_host;
    if (order->at != NULL) {
        buffer_add_str(url, order->at);
        return;
    }
    if (strcmp(host, "0.0.0.0") == 0)
        host = "127.0.0.1";
    else if (strcmp(host, "::") == 0)
        host = "::1";
    bool is_v6 = strchr(host, ':') != NULL;
    buffer_printf(url, is_v6 ? "[%s]:%d" : "%s:%d", host, order->config->http_port);
}

static int add_url(const struct order *order, const char *sink, struct buffer *url)
{
    char *name = curl_easy_escape(order->curl, sink, 0);
    if (name == NULL)
        return -ENOMEM;
    buffer_add_str(url, "http://");
    add_address(order, url);
    buffer_printf(url, "/resync?sink=%s", name);
    curl_free(name);
    char from[TIMESTAMP_TEXT_SIZE];
    if (order->from_ms != INT64_MIN)
        buffer_printf(url, "&from=%s", timestamp_format(from, order->from_ms));
    return buffer_failed(url) ? -ENOMEM : 0;
}

/* Returns the HTTP status, or negative: the complaint was printed. */
static long post(struct order *order, const char *url)
{
    CURL *curl = order->curl;
    buffer_clear(&order->answer);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, 0L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, order->headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &order->answer);
    CURLcode code = curl_easy_perform(curl);
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK && !buffer_failed(&order->answer))
        return status;
    (void)fprintf(stderr, "ghgd resync: %s: %s. Is the daemon running?\n", url,
                  curl_easy_strerror(code));
    return -EIO;
}

/* --- the answer --- */

/* The value of a line of the answer; NULL without it. */
static const char *find_line(const char *text, const char *word)
{
    size_t size = strlen(word);
    for (; text != NULL; text = strchr(text, '\n'), text += text != NULL) {
        if (strncmp(text, word, size) == 0 && text[size] == ' ')
            return text + size + 1;
    }
    return NULL;
}

static uint64_t find_number(const char *text, const char *word)
{
    const char *value = find_line(text, word);
    return value != NULL ? strtoull(value, NULL, 10) : 0;
}

static void tell_older(const struct order *order, const char *text, const char *sink)
{
    const char *open = find_line(text, "open");
    int64_t open_ms;
    if (open == NULL || timestamp_parse(&open_ms, open, strcspn(open, "\n")) < 0 ||
        order->from_ms >= open_ms)
        return;
    char from[TIMESTAMP_TEXT_SIZE];
    char since[TIMESTAMP_TEXT_SIZE];
    (void)printf("%s: what ended before %s may be in the log only. If the database lacks it:\n"
                 "  ghgd replay -c %s --kafka --from %s --sink %s\n"
                 "and then ghgd resync again.\n",
                 sink, timestamp_format(since, open_ms), order->config_file,
                 order->from_ms != INT64_MIN ? timestamp_format(from, order->from_ms)
                                             : "TIME-OF-THE-BACKUP",
                 sink);
}

static void tell(const struct order *order, const char *text, const char *sink)
{
    (void)printf("%s: %" PRIu64 " windows of %" PRIu64 " partitions are written once more\n", sink,
                 find_number(text, "windows"), find_number(text, "partitions"));
    uint64_t waiting = find_number(text, "waiting");
    if (waiting > 0)
        (void)printf("%s: %" PRIu64 " of the partitions have not caught up with the log yet, and "
                     "write when they have\n",
                     sink, waiting);
    tell_older(order, text, sink);
}

static int ask(struct order *order, const char *sink)
{
    struct buffer url;
    buffer_init(&url, URL_BYTES_MAX);
    int err = add_url(order, sink, &url);
    long status = err < 0 ? err : post(order, buffer_text(&url));
    buffer_fini(&url);
    if (status < 0)
        return (int)status;
    const char *text = buffer_text(&order->answer);
    if (status == 200) {
        tell(order, text, sink);
        return 0;
    }
    (void)fprintf(stderr, "ghgd resync: %s: the daemon refuses (%ld): %s", sink, status, text);
    return -EPERM;
}

/* --- the command line --- */

static int take_option(void *context, int option, const char *value)
{
    struct order *order = context;
    switch (option) {
    case 'c':
        order->config_file = value;
        return EXIT_GOOD;
    case OPTION_SINK:
        return sink_choice_add(&order->sinks, "resync", value);
    case OPTION_FROM:
        return command_line_take_moment("resync", "--from", value, clock_wall_ms(),
                                        &order->from_ms);
    default:
        ASSERT(option == OPTION_AT);
        order->at = value;
        return EXIT_GOOD;
    }
}

static const struct command_line command_line = {
    .command = "resync", .usage = usage, .letters = "c:h", .options = options, .take = take_option};

/* The daemon's own token; negative: the complaint was printed, or there is no memory. */
static int add_token(struct order *order)
{
    char made[DOORS_TOKEN_SIZE];
    const char *token;
    const char *path;
    int err = doors_get_token(order->config, false, &token, made, &path);
    if (err < 0) {
        (void)fprintf(
            stderr,
            "ghgd resync: the daemon's token cannot be read from %s: %s. Run as the user of "
            "the daemon, with its configuration.\n",
            path, err == -ENOENT ? "it is not there; has the daemon been started?" : err_str(err));
        return err;
    }
    struct buffer header;
    buffer_init(&header, URL_BYTES_MAX);
    buffer_printf(&header, "Authorization: Bearer %s", token);
    const char *text = buffer_text(&header);
    order->headers = text == NULL ? NULL : curl_slist_append(NULL, text);
    buffer_fini(&header);
    return order->headers == NULL ? -ENOMEM : 0;
}

static int ask_all(struct order *order)
{
    if (order->at == NULL && order->config->http_host == NULL) {
        (void)fputs("ghgd resync: the daemon listens nowhere: http.listen is not set\n", stderr);
        return -ENOENT;
    }
    order->curl = curl_easy_init();
    int err = add_token(order);
    if (order->curl == NULL || err < 0)
        return err < 0 ? err : -ENOMEM;
    for (uint32_t i = 0; i < order->sinks.count; i++) {
        int asked = ask(order, order->sinks.names[i]);
        err = err < 0 ? err : asked;
    }
    for (uint32_t i = 0; order->sinks.count == 0 && i < order->config->sinks_count; i++) {
        if (sink_conf_tells_people(&order->config->sinks[i]))
            continue; /* people lose no rows */
        int asked = ask(order, order->config->sinks[i].name);
        err = err < 0 ? err : asked;
    }
    return err;
}

int command_resync(int argc, char **argv)
{
    struct order order = {.config_file = CONFIG_FILE_DEFAULT, .from_ms = INT64_MIN};
    int status = command_line_parse_all(&command_line, &order, argc, argv);
    if (status != EXIT_GOOD)
        return status < 0 ? EXIT_GOOD : status;
    if (command_load_config(&order.config, order.config_file) < 0)
        return EXIT_FAILED;
    buffer_init(&order.answer, ANSWER_BYTES_MAX);
    int err = ask_all(&order);
    curl_slist_free_all(order.headers);
    curl_easy_cleanup(order.curl);
    buffer_fini(&order.answer);
    config_destroy(&order.config);
    return err < 0 ? EXIT_FAILED : EXIT_GOOD;
}

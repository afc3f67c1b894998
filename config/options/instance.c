#include "config/options/instance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HOST_BYTES_MAX = 64, VALUE_BYTES_MAX = 1024 };

static const struct file_place nowhere = {0, 0};

/* 0: none. */
static int read_instance(struct loading *loading)
{
    const char *text = getenv("GHGD_INSTANCE"); /* NOLINT(concurrency-mt-unsafe): read only */
    if (text == NULL || text[0] == '\0')
        return 0;
    char *end;
    long number = strtol(text, &end, 10);
    if (text[0] >= '1' && text[0] <= '9' && *end == '\0' && number <= INSTANCE_MAX)
        return (int)number;
    LOADING_ERROR(loading, nowhere,
                  "GHGD_INSTANCE: \"%.80s\" in the environment is no instance; expected a whole "
                  "number from 1 to %d, as in ghgd@1.service",
                  text, INSTANCE_MAX);
    return 0;
}

static void add_host(struct buffer *out)
{
    char host[HOST_BYTES_MAX + 1] = "";
    if (gethostname(host, HOST_BYTES_MAX) == 0)
        buffer_add_str(out, host);
}

/* NULL if there is a percent sign too many. */
static const char *expand(struct loading *loading, const char *text)
{
    struct buffer out;
    buffer_init(&out, VALUE_BYTES_MAX);
    bool good = true;
    for (const char *at = text; *at != '\0' && good; at++) {
        if (*at != '%') {
            buffer_add_char(&out, *at);
            continue;
        }
        at++;
        if (*at == 'i')
            buffer_add_int(&out, loading->config->instance);
        else if (*at == 'H')
            add_host(&out);
        else if (*at == '%')
            buffer_add_char(&out, '%');
        else
            good = false;
        if (!good)
            break;
    }
    const char *result = good ? buffer_text(&out) : NULL;
    if (result != NULL)
        result = loading_text(loading, result, strlen(result));
    buffer_fini(&out);
    return result;
}

static void expand_properties(struct loading *loading)
{
    struct kafka_conf *kafka = &loading->config->kafka;
    for (uint32_t i = 0; i < kafka->properties_count; i++) {
        struct conf_property *property = &kafka->properties[i];
        if (strcmp(property->key, "group.instance.id") != 0 &&
            strcmp(property->key, "client.id") != 0)
            continue;
        const char *value = expand(loading, property->value);
        if (value != NULL)
            property->value = value;
        else
            LOADING_ERROR(loading, ((struct file_place){kafka->property_lines[i], 0}),
                          "kafka.properties.%s: \"%.80s\" has a %% that stands for nothing; "
                          "expected %%i (the instance), %%H (the machine) or %%%%",
                          property->key, property->value);
    }
}

void instance_apply(struct loading *loading)
{
    struct config *config = loading->config;
    config->instance = read_instance(loading);
    expand_properties(loading);
    if (config->instance == 0 || config->state_directory == NULL)
        return;
    char number[16];
    (void)snprintf(number, sizeof(number), "%d", config->instance);
    config->state_directory = loading_join(loading, config->state_directory, "@", number);
}

void instance_apply_port(struct loading *loading)
{
    struct config *config = loading->config;
    if (config->instance == 0)
        return;
    int port = config->http_port + config->instance;
    if (port > UINT16_MAX) {
        LOADING_ERROR(loading, loading_place(loading, -1, "http.listen"),
                      "http.listen: instance %d would listen on port %d; expected a port of at "
                      "most %d here",
                      config->instance, port, UINT16_MAX - config->instance);
        return;
    }
    char number[16];
    (void)snprintf(number, sizeof(number), "%d", port);
    bool is_v6 = strchr(config->http_host, ':') != NULL;
    const char *host =
        is_v6 ? loading_join(loading, "[", config->http_host, "]") : config->http_host;
    config->http_listen = loading_join(loading, host, ":", number);
    config->http_port = port;
}

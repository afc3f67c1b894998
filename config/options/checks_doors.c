/*
 * checks_doors.c - warnings of secrets that travel in the clear, and of protection that is switched
 * off; see checks.h. None of it is an error: a test network may want it.
 */
#include <string.h>
#include <strings.h>

#include "config/options/checks.h"
#include "config/options/endpoints.h"

static void check_sink(struct loading *loading, int index)
{
    static const char http[] = "http://";
    const struct sink_conf *sink = &loading->config->sinks[index];
    bool secret = sink->user != NULL || sink->password != NULL || sink->token != NULL;
    if (sink->url == NULL || strncasecmp(sink->url, http, sizeof(http) - 1) != 0 || !secret)
        return;
    const char *host = sink->url + sizeof(http) - 1;
    struct endpoint endpoint;
    if (endpoint_split(&endpoint, host, strcspn(host, "/")) == NULL &&
        !endpoint_is_loopback(&endpoint))
        LOADING_WARN(loading, loading_place(loading, index, "sinks.url"),
                     "sinks.url: the %s is sent to %.*s unencrypted, with every request; use "
                     "https://",
                     sink->token != NULL ? "token" : "password", (int)endpoint.host_size,
                     endpoint.host);
}

/* The value of the property; NULL if it is not given. */
static const char *value_of(const struct kafka_conf *kafka, const char *key)
{
    for (uint32_t i = 0; i < kafka->properties_count; i++)
        if (strcmp(kafka->properties[i].key, key) == 0)
            return kafka->properties[i].value;
    return NULL;
}

static bool is_word(const char *value, const char *word)
{
    return value != NULL && strcasecmp(value, word) == 0;
}

static bool is_false(const char *value)
{
    return is_word(value, "false") || is_word(value, "f") || is_word(value, "0");
}

static bool is_none(const char *value)
{
    return is_word(value, "none");
}

static bool is_given(const char *value)
{
    return value[0] != '\0';
}

/* Values of single properties that switch something off. */
static const struct {
    const char *key;
    bool (*weakens)(const char *value);
    const char *why;
} weak[] = {
    {"enable.ssl.certificate.verification", is_false,
     "a machine between ghgd and the brokers can take their place; give ssl.ca.location instead"},
    {"ssl.endpoint.identification.algorithm", is_none,
     "a broker with any certificate of the same authority is taken for this one; use https"},
    {"check.crcs", is_false,
     "damage on the way from the broker's disk is not noticed; leave it out"},
    {"debug", is_given, "librdkafka writes what it sends, and more lines than the log keeps"},
};

static void check_kafka(struct loading *loading)
{
    const struct kafka_conf *kafka = &loading->config->kafka;
    for (uint32_t i = 0; i < kafka->properties_count; i++) {
        const struct conf_property *property = &kafka->properties[i];
        struct file_place place = {.line = kafka->property_lines[i]};
        for (size_t j = 0; j < ARRAY_LEN(weak); j++)
            if (strcmp(property->key, weak[j].key) == 0 && weak[j].weakens(property->value))
                LOADING_WARN(loading, place, "kafka.properties.%s: %.80s: %s", property->key,
                             property->value, weak[j].why);
        bool names_protocol = strcmp(property->key, "security.protocol") == 0;
        const char *mechanism = value_of(kafka, "sasl.mechanisms");
        mechanism = mechanism != NULL ? mechanism : value_of(kafka, "sasl.mechanism");
        if (names_protocol && is_word(property->value, "SASL_PLAINTEXT") &&
            is_word(mechanism, "PLAIN"))
            LOADING_WARN(loading, place,
                         "kafka.properties.security.protocol: with sasl.mechanism PLAIN the "
                         "password is sent to the brokers unencrypted; use SASL_SSL or "
                         "SCRAM-SHA-512");
    }
}

void checks_doors(struct loading *loading)
{
    for (uint32_t i = 0; i < loading->config->sinks_count; i++)
        check_sink(loading, (int)i);
    check_kafka(loading);
}

/*
 * properties.c - librdkafka's own properties, passed through; see properties.h.
 */
#include "config/options/properties.h"

#include <string.h>

#include "config/options/option_value.h"
#include "config/options/secrets.h"

enum { PROPERTIES_MAX = 256 }; /* librdkafka 2.0 has 170 */

#define COMMITTED_WITH_STATE "is ghgd's own: offsets are committed when what they stand for is safe"
#define IN_CODE "cannot be set in a file"

static const struct {
    const char *key; /* "*" at its end or at its beginning stands for anything */
    const char *why;
} refused[] = {
    {"bootstrap.servers", "is kafka.brokers here"},
    {"metadata.broker.list", "is kafka.brokers here"},
    {"group.id", "is kafka.group here"},
    {"auto.offset.reset", "is ghgd's own: see kafka.start and kafka.on_data_loss"},
    {"queued.max.messages.kbytes", "is kafka.partition_max here"},
    {"enable.auto.*", COMMITTED_WITH_STATE},
    {"auto.commit.*", COMMITTED_WITH_STATE},
    {"offset.store.*", COMMITTED_WITH_STATE},
    {"partition.assignment.strategy",
     "is ghgd's own: state moves with its partition, which needs the range assignor"},
    {"group.protocol", "is ghgd's own: state moves with its partition, by the classic protocol"},
    {"isolation.level", "is ghgd's own: readings of aborted transactions are never counted"},
    {"enable.partition.eof", "is ghgd's own: lag is measured without it"},
    {"enable.idempotence", "is ghgd's own: a dead letter is written once"},
    {"transactional.id", "is ghgd's own: there are no transactions"},
    {"acks", "is ghgd's own: a dead letter is safe before its offset is committed"},
    {"request.required.acks",
     "is ghgd's own: a dead letter is safe before its offset is committed"},
    {"log.queue", "is ghgd's own: librdkafka's log lines go into the log"},
    {"enabled_events", IN_CODE},
    {"opaque", IN_CODE},
    {"interceptors", IN_CODE},
    {"default_topic_conf", IN_CODE},
    {"*_cb", IN_CODE},
};

static bool matches(const char *pattern, const char *key)
{
    size_t size = strlen(pattern);
    size_t key_size = strlen(key);
    if (pattern[0] == '*')
        return key_size >= size - 1 && strcmp(key + key_size - (size - 1), pattern + 1) == 0;
    if (pattern[size - 1] == '*')
        return strncmp(key, pattern, size - 1) == 0;
    return strcmp(pattern, key) == 0;
}

/* Why a property is not passed through, as the end of a sentence; NULL if it is. */
static const char *refusal_of(const char *key)
{
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        if (matches(refused[i].key, key))
            return refused[i].why;
    return NULL;
}

/* Whether its value must come from a file or a credential. */
static bool is_hidden(const char *key)
{
    return strstr(key, "password") != NULL || strstr(key, "secret") != NULL ||
           strcmp(key, "ssl.key.pem") == 0 || strcmp(key, "sasl.oauthbearer.config") == 0;
}

bool property_is_secret(const char *key)
{
    return is_hidden(key) || strncmp(key, "sasl.", 5) == 0 || strstr(key, ".pem") != NULL;
}

/* {file: PATH} or {credential: NAME}: the path, or NULL and the fault was reported. */
static const char *source_path(struct loading *loading, const struct yaml *yaml,
                               const struct yaml_pair *property)
{
    struct arena *arena = loading->config->arena;
    const char *path = NULL;
    void *cursor = NULL;
    struct yaml_pair pair;
    int count = 0;
    for (; yaml_next_pair(yaml, property->value, &cursor, &pair); count++) {
        const char *fault = "is no source of a value; expected file: PATH or credential: NAME";
        if (pair.value.kind != YAML_TEXT || pair.value.text[0] == '\0')
            fault = "has no name";
        else if (strcmp(pair.key, "credential") == 0)
            fault = secret_credential_path(&path, pair.value.text, arena);
        else if (strcmp(pair.key, "file") == 0) {
            fault = NULL;
            path = loading_path(loading, loading->folder, pair.value.text);
        }
        if (fault != NULL) {
            LOADING_ERROR(loading, pair.place, "kafka.properties.%.80s: %.80s %s", property->key,
                          pair.key, fault);
            return NULL;
        }
    }
    if (count != 1) {
        LOADING_ERROR(loading, property->place,
                      "kafka.properties.%.80s: expected one of {file: PATH}, {credential: NAME}",
                      property->key);
        return NULL;
    }
    return path;
}

static const char *read_source(struct loading *loading, const struct yaml *yaml,
                               const struct yaml_pair *property)
{
    const char *path = source_path(loading, yaml, property);
    if (path == NULL)
        return NULL;
    const char *secret = NULL;
    bool exposed = false;
    const char *fault = secret_read(&secret, path, loading->config->arena, &exposed);
    if (fault != NULL) {
        LOADING_ERROR(loading, property->place, "kafka.properties.%.80s: %s: %s", property->key,
                      path, fault);
        return NULL;
    }
    if (exposed && is_hidden(property->key))
        LOADING_WARN(loading, property->place,
                     "kafka.properties.%.80s: every user of this machine may read %s; chmod o-r it",
                     property->key, path);
    return secret;
}

/* The value, or NULL: reported. */
static const char *read_value(struct loading *loading, const struct yaml *yaml,
                              const struct yaml_pair *property)
{
    const char *why = refusal_of(property->key);
    if (why != NULL) {
        LOADING_ERROR(loading, property->place, "kafka.properties.%.80s %s", property->key, why);
        return NULL;
    }
    if (property->value.kind == YAML_MAPPING)
        return read_source(loading, yaml, property);
    if (is_hidden(property->key)) {
        LOADING_ERROR(loading, property->place,
                      "kafka.properties.%.80s: a secret does not stand in this file; expected "
                      "{file: PATH} or {credential: NAME}",
                      property->key);
        return NULL;
    }
    if (property->value.kind != YAML_TEXT) {
        LOADING_ERROR(loading, property->place,
                      "kafka.properties.%.80s: found %s; expected a value", property->key,
                      yaml_kind_name(property->value.kind));
        return NULL;
    }
    return property->value.text;
}

void properties_read(struct loading *loading, const struct yaml *yaml, struct yaml_value value)
{
    if (value.kind == YAML_NOTHING)
        return;
    if (value.kind != YAML_MAPPING) {
        LOADING_ERROR(loading, value.place,
                      "kafka.properties: found %s; expected properties of librdkafka by name",
                      yaml_kind_name(value.kind));
        return;
    }
    struct kafka_conf *kafka = &loading->config->kafka;
    int *lines = loading_alloc(loading, PROPERTIES_MAX * sizeof(*lines));
    kafka->properties = loading_alloc(loading, PROPERTIES_MAX * sizeof(*kafka->properties));
    kafka->file = loading->config->file;
    kafka->property_lines = lines;
    void *cursor = NULL;
    struct yaml_pair property;
    while (lines != NULL && kafka->properties != NULL &&
           yaml_next_pair(yaml, value, &cursor, &property)) {
        const char *text = read_value(loading, yaml, &property);
        if (text == NULL)
            continue;
        if (kafka->properties_count == PROPERTIES_MAX) {
            LOADING_ERROR(loading, property.place, "kafka.properties: more than %d properties",
                          PROPERTIES_MAX);
            return;
        }
        lines[kafka->properties_count] = property.place.line;
        kafka->properties[kafka->properties_count++] = (struct conf_property){property.key, text};
    }
}

#include "config/options/option_value.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/date.h"
#include "base/decimal.h"
#include "base/durations.h"
#include "config/options/endpoints.h"
#include "config/options/print.h"
#include "config/options/secrets.h"

enum { SHOWN_MAX = 80 }; /* of a found text, in a message */

struct value {
    struct loading *loading;
    const struct option *option;
    void *member;
    const char *text;
    struct file_place place;
};

static int refuse(const struct value *value, const char *why)
{
    struct buffer accepted;
    buffer_init(&accepted, 4096);
    option_describe(value->option, &accepted);
    const char *expected = buffer_text(&accepted);
    LOADING_ERROR(value->loading, value->place, "%s: \"%.*s\" %s; expected %s", value->option->path,
                  SHOWN_MAX, value->text, why, expected == NULL ? "something else" : expected);
    buffer_fini(&accepted);
    return ERR_CONFIG;
}

/* The text itself is not shown: it may hold a secret, or be as long as a file. */
static int refuse_unseen(const struct value *value, const char *why)
{
    LOADING_ERROR(value->loading, value->place, "%s: %s", value->option->path, why);
    return ERR_CONFIG;
}

static int keep_text(const struct value *value, const char *text)
{
    *(const char **)value->member = loading_text(value->loading, text, strlen(text));
    return 0;
}

static int set_text(const struct value *value)
{
    size_t size = strlen(value->text);
    if (size == 0)
        return refuse(value, "is empty");
    if (size > (uint64_t)value->option->max)
        return refuse(value, "is too long");
    return keep_text(value, value->text);
}

static int set_date(const struct value *value)
{
    struct date date;
    if (date_parse(&date, value->text, strlen(value->text)) < 0)
        return refuse(value, "is not a date");
    return keep_text(value, value->text);
}

static int set_identifier(const struct value *value)
{
    for (const char *c = value->text; *c != '\0'; c++)
        if (!islower((unsigned char)*c) && !isdigit((unsigned char)*c) && *c != '_' && *c != '-')
            return refuse(value, "has other characters than a-z, 0-9, _ and -");
    return set_text(value);
}

static const char *topic_name_fault(const char *name)
{
    for (const char *c = name; *c != '\0'; c++)
        if (!isalnum((unsigned char)*c) && strchr("._-", *c) == NULL)
            return "has a character that a topic's name cannot have";
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return "cannot be a topic's name";
    return NULL;
}

static int set_topic(const struct value *value)
{
    const char *fault = topic_name_fault(value->text);
    return fault != NULL ? refuse(value, fault) : set_text(value);
}

static const char *broker_fault(const char *text, size_t size)
{
    static const char *const protocols[] = {"PLAINTEXT://", "SSL://", "SASL_PLAINTEXT://",
                                            "SASL_SSL://"};
    for (size_t i = 0; i < ARRAY_LEN(protocols); i++) {
        size_t skip = strlen(protocols[i]);
        if (size > skip && strncmp(text, protocols[i], skip) == 0) {
            text += skip;
            size -= skip;
            break;
        }
    }
    struct endpoint endpoint;
    return endpoint_split(&endpoint, text, size);
}

/* May come several times, for a list: the brokers are joined by commas. */
static int set_brokers(const struct value *value)
{
    for (const char *at = value->text;; at++) {
        size_t size = strcspn(at, ",");
        const char *fault = broker_fault(at, size);
        if (fault != NULL)
            return refuse(value, fault);
        at += size;
        if (*at == '\0')
            break;
    }
    const char *before = *(const char **)value->member;
    size_t size = before == NULL ? 0 : strlen(before);
    if (size + strlen(value->text) + 1 > (uint64_t)value->option->max)
        return refuse(value, "is too long");
    *(const char **)value->member = loading_join(value->loading, before == NULL ? "" : before,
                                                 before == NULL ? "" : ",", value->text);
    return 0;
}

static int set_field(const struct value *value)
{
    enum { DEPTH_MAX = 8 };
    int depth = 0;
    for (const char *at = value->text;; at++) {
        size_t size = strcspn(at, ".");
        if (size == 0)
            return refuse(value, "has an empty name between its dots");
        at += size;
        if (++depth > DEPTH_MAX)
            return refuse(value, "is nested deeper than 8 names");
        if (*at == '\0')
            break;
    }
    return set_text(value);
}

static const struct choice *find_choice(const struct value *value)
{
    for (const struct choice *choice = value->option->choices; choice->word != NULL; choice++)
        if (strcmp(choice->word, value->text) == 0)
            return choice;
    return NULL;
}

static int refuse_choice(const struct value *value)
{
    const char *words[16];
    size_t count = 0;
    for (const struct choice *choice = value->option->choices;
         choice->word != NULL && count < ARRAY_LEN(words); choice++)
        words[count++] = choice->word;
    const char *near = faults_suggest(value->text, words, count);
    struct buffer why;
    buffer_init(&why, 256);
    buffer_add_str(&why, "is not known");
    if (near != NULL)
        buffer_printf(&why, "; did you mean \"%s\"", near);
    const char *text = buffer_text(&why);
    int err = refuse(value, text == NULL ? "is not known" : text);
    buffer_fini(&why);
    return err;
}

static int set_word(const struct value *value)
{
    const struct choice *choice = find_choice(value);
    if (choice == NULL)
        return refuse_choice(value);
    *(const char **)value->member = choice->word;
    return 0;
}

static int set_choice(const struct value *value)
{
    const struct choice *choice = find_choice(value);
    if (choice == NULL)
        return refuse_choice(value);
    *(int *)value->member = choice->value;
    return 0;
}

static bool is_number(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && text[digits + strspn(text + digits, ".0123456789")] == '\0';
}

static int set_integer(const struct value *value)
{
    const struct option *option = value->option;
    const char *digits = value->text + (option->min < 0 && value->text[0] == '-');
    size_t size = strlen(digits);
    if (size == 0 || size > 18 || strspn(digits, "0123456789") != size)
        return refuse(value, "is not a whole number");
    int64_t number = strtoll(value->text, NULL, 10);
    if (number < option->min || number > option->max)
        return refuse(value, number < option->min ? "is too small" : "is too large");
    if (option->size == sizeof(int))
        *(int *)value->member = (int)number;
    else
        *(int64_t *)value->member = number;
    return 0;
}

static int set_boolean(const struct value *value)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"true", true},   {"yes", true}, {"on", true},
                 {"false", false}, {"no", false}, {"off", false}};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(words[i].word, value->text) == 0) {
            *(bool *)value->member = words[i].value;
            return 0;
        }
    }
    return refuse(value, "is neither");
}

static int set_measured(const struct value *value, int (*parse)(int64_t *, const char *, size_t),
                        const char *what)
{
    if (is_number(value->text))
        return refuse(value, "has no unit");
    int64_t number;
    int err = parse(&number, value->text, strlen(value->text));
    if (err == ERR_SYNTAX)
        return refuse(value, what);
    if (err == ERR_RANGE || number > value->option->max)
        return refuse(value, "is too much");
    if (number < value->option->min)
        return refuse(value, "is too little");
    *(int64_t *)value->member = number;
    return 0;
}

static int set_duration(const struct value *value)
{
    return set_measured(value, duration_parse, "is not a duration");
}

static int set_size(const struct value *value)
{
    return set_measured(value, size_parse, "is not a size");
}

/* A whole number of PART_ONE: a percentage with its sign, or a plain decimal. */
static int set_part(const struct value *value, int decimals, size_t size, const char *accuracy)
{
    struct decimal decimal;
    int64_t part = 0;
    if (decimal_parse(&decimal, value->text, size) < 0)
        return refuse(value, "is not a number");
    int err = decimal_whole(&part, decimal, decimals);
    if (err == ERR_SYNTAX)
        return refuse(value, accuracy);
    if (err < 0 || part < value->option->min || part > value->option->max)
        return refuse(value, decimal.digits < 0 || (err == 0 && part < value->option->min)
                                 ? "is too small"
                                 : "is too large");
    *(int64_t *)value->member = part;
    return 0;
}

static int set_percent(const struct value *value)
{
    size_t size = strlen(value->text);
    if (size == 0 || value->text[size - 1] != '%')
        return refuse(value, is_number(value->text) ? "has no %" : "is not a percentage");
    size--;
    while (size > 0 && value->text[size - 1] == ' ')
        size--;
    return set_part(value, PART_DECIMALS - 2, size, "has more than 7 decimals");
}

static int set_share(const struct value *value)
{
    return set_part(value, PART_DECIMALS, strlen(value->text), "has more than 9 decimals");
}

static int find_weekday(const char *text, size_t size)
{
    for (int i = 0; i < WEEKDAYS; i++)
        if (strlen(date_weekday_name(i)) == size && strncmp(text, date_weekday_name(i), size) == 0)
            return i;
    return -1;
}

static int set_weekdays(const struct value *value)
{
    struct weekdays *member = value->member;
    uint8_t days = 0;
    bool none = strcmp(value->text, "none") == 0;
    for (const char *at = value->text; !none; at++) {
        at += strspn(at, " ");
        size_t size = strcspn(at, ", ");
        int day = find_weekday(at, size);
        if (day < 0)
            return refuse(value, "is not known");
        days |= (uint8_t)(1U << day);
        at += size + strspn(at + size, " ");
        if (*at == '\0')
            break;
        if (*at != ',')
            return refuse(value, "is not known");
    }
    bool listed = value->place.line > 0;
    *member = (struct weekdays){(uint8_t)(member->given ? member->days | days : days), listed};
    return 0;
}

static int set_url(const struct value *value)
{
    const char *fault = url_fault(value->text);
    if (fault != NULL && strpbrk(value->text, "@?") != NULL)
        return refuse_unseen(value, fault);
    return fault == NULL ? set_text(value) : refuse(value, fault);
}

static int set_listen(const struct value *value)
{
    if (strcmp(value->text, "off") == 0) {
        *(const char **)value->member = NULL;
        return 0;
    }
    struct endpoint endpoint;
    const char *fault = endpoint_split(&endpoint, value->text, strlen(value->text));
    if (fault == NULL && endpoint.port == 0)
        fault = "has no port";
    return fault == NULL ? keep_text(value, value->text) : refuse(value, fault);
}

static int set_input_path(const struct value *value)
{
    int err = set_text(value);
    if (err == 0)
        *(const char **)value->member =
            loading_path(value->loading, value->loading->folder, value->text);
    return err;
}

static int list_add(const struct value *value, const char *text)
{
    struct text_list *list = value->member;
    if (list->count >= value->option->max)
        return refuse(value, "is one too many");
    if (list->items == NULL)
        list->items =
            loading_alloc(value->loading, (size_t)value->option->max * sizeof(*list->items));
    if (list->items != NULL)
        list->items[list->count++] = text;
    return 0;
}

static int list_identifier(const struct value *value)
{
    const char *text = NULL;
    const struct option item = {.path = value->option->path, .type = OPTION_IDENTIFIER, .max = 63};
    struct value one = *value;
    one.option = &item;
    one.member = &text;
    int err = set_identifier(&one);
    return err < 0 ? err : list_add(value, text);
}

static int list_input_path(const struct value *value)
{
    if (value->text[0] == '\0')
        return refuse(value, "is empty");
    return list_add(value, loading_path(value->loading, value->loading->folder, value->text));
}

static int keep_secret(const struct value *value, const char *path)
{
    bool exposed = false;
    const char *fault = secret_read(value->member, path, value->loading->config->arena, &exposed);
    if (fault != NULL) {
        LOADING_ERROR(value->loading, value->place, "%s: %s: %s", value->option->path, path, fault);
        return ERR_CONFIG;
    }
    if (exposed)
        LOADING_WARN(value->loading, value->place,
                     "%s: every user of this machine may read %s; chmod o-r it",
                     value->option->path, path);
    return 0;
}

static int set_secret_file(const struct value *value)
{
    if (value->text[0] == '\0')
        return refuse(value, "is empty");
    return keep_secret(value, loading_path(value->loading, value->loading->folder, value->text));
}

static int set_credential(const struct value *value)
{
    const char *path;
    const char *fault = secret_credential_path(&path, value->text, value->loading->config->arena);
    return fault == NULL ? keep_secret(value, path) : refuse(value, fault);
}

static int set_secret(const struct value *value)
{
    LOADING_ERROR(value->loading, value->place,
                  "%s: a secret does not stand in this file; name the file that holds it "
                  "(%s_file: PATH) or a systemd credential (%s_credential: NAME)",
                  value->option->path, option_key(value->option), option_key(value->option));
    return ERR_CONFIG;
}

static int set_properties(const struct value *value)
{
    return refuse(value, "is a text");
}

static int (*const setters[OPTION_TYPE_COUNT])(const struct value *value) = {
    [OPTION_TEXT] = set_text,
    [OPTION_DATE] = set_date,
    [OPTION_IDENTIFIER] = set_identifier,
    [OPTION_TOPIC] = set_topic,
    [OPTION_BROKERS] = set_brokers,
    [OPTION_FIELD] = set_field,
    [OPTION_WORD] = set_word,
    [OPTION_CHOICE] = set_choice,
    [OPTION_INTEGER] = set_integer,
    [OPTION_BOOLEAN] = set_boolean,
    [OPTION_DURATION] = set_duration,
    [OPTION_SIZE] = set_size,
    [OPTION_PERCENT] = set_percent,
    [OPTION_SHARE] = set_share,
    [OPTION_WEEKDAYS] = set_weekdays,
    [OPTION_URL] = set_url,
    [OPTION_LISTEN] = set_listen,
    [OPTION_INPUT_PATH] = set_input_path,
    [OPTION_OUTPUT_PATH] = set_text, /* below the state directory: known only at the end */
    [OPTION_IDENTIFIERS] = list_identifier,
    [OPTION_INPUT_PATHS] = list_input_path,
    [OPTION_SECRET_FILE] = set_secret_file,
    [OPTION_CREDENTIAL] = set_credential,
    [OPTION_SECRET] = set_secret,
    [OPTION_PROPERTIES] = set_properties,
};

int value_set(struct loading *loading, const struct option *option, void *base, const char *text,
              struct file_place place)
{
    struct value value = {loading, option, (char *)base + option->offset, text, place};
    for (const char *c = text; *c != '\0' && option->type != OPTION_SECRET; c++)
        if (iscntrl((unsigned char)*c))
            return refuse_unseen(&value, "has a control character or a line break in it");
    return setters[option->type](&value);
}

bool option_is_list(const struct option *option)
{
    return option->type == OPTION_IDENTIFIERS || option->type == OPTION_INPUT_PATHS ||
           option->type == OPTION_BROKERS || option->type == OPTION_WEEKDAYS;
}

const char *loading_topic(struct loading *loading, const char *suffix)
{
    enum { TOPIC_BYTES_MAX = 249 };
    const char *name = loading_join(loading, loading->config->kafka.group, "", suffix);
    return strlen(name) <= TOPIC_BYTES_MAX && topic_name_fault(name) == NULL ? name : NULL;
}

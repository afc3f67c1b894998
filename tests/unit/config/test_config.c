/*
 * Pairs in tests/data/config: NAME.yaml, and NAME.out with the words of the loader: faults, then
 * for a good file the effective configuration. GHGD_TEST_UPDATE=1 in the environment writes the
 * .out files again, and the generated part of docs/configuration.md.
 */
#include "config/config.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "config/options/checks.h"
#include "config/options/options.h"
#include "config/options/print.h"
#include "config/targets/civil.h"
#include "daemon/check_targets.h"
#include "daemon/engine/needs.h"
#include "pipelines/ingest/event.h"

enum { TEXT_MAX = 1 << 20 };

#define REFERENCE_MARK "<!-- What follows is printed from the table of options. -->\n"

static bool updating(void)
{
    return getenv("GHGD_TEST_UPDATE") != NULL;
}

static void read_text(const char *path, struct buffer *out)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return;
    char bytes[4096];
    size_t got;
    while ((got = fread(bytes, 1, sizeof(bytes), file)) > 0)
        buffer_add(out, bytes, got);
    (void)fclose(file);
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
}

static void expect_text(const char *path, const char *got)
{
    struct buffer want;
    buffer_init(&want, TEXT_MAX);
    read_text(path, &want);
    const char *text = buffer_text(&want);
    bool same = text != NULL && strcmp(text, got) == 0;
    if (!same && updating())
        write_text(path, got);
    else if (!same)
        print_error("%s: want\n%s\ngot\n%s\n", path, text, got);
    buffer_fini(&want);
    if (!same && !updating())
        fail_msg("%s differs", path);
}

static void load_and_tell(const char *path, struct buffer *out)
{
    struct config *config = NULL;
    int err = config_load(&config, path, out);
    if (err == 0) {
        err = config_check_run(config, out);
        if (err == 0)
            err = needs_check(config, out);
        buffer_add_str(out, err == 0 ? "---\n" : "--- not enough to run\n");
        config_print(config, out);
        check_targets_print(config, civil_day(2026, 7, 1), out);
        assert_int_equal(config->input.format >= 0, 1);
    } else {
        assert_int_equal(err, ERR_CONFIG);
        assert_null(config);
    }
    config_destroy(&config);
}

static int is_yaml(const struct dirent *entry)
{
    size_t size = strlen(entry->d_name);
    return size > 5 && strcmp(entry->d_name + size - 5, ".yaml") == 0;
}

static void test_pairs(void **state)
{
    (void)state;
    struct dirent **entries;
    int count = scandir(".", &entries, is_yaml, alphasort);
    assert_true(count > 0);
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        struct buffer out;
        buffer_init(&out, TEXT_MAX);
        load_and_tell(name, &out);
        char path[300];
        (void)snprintf(path, sizeof(path), "%.*s.out", (int)strlen(name) - 5, name);
        expect_text(path, buffer_text(&out));
        buffer_fini(&out);
        free(entries[i]);
    }
    free(entries);
}

/* The example that we ship loads without a word, and this is what it means and needs. The folder of
 * the catalogue is this tree's. */
static void test_example(void **state)
{
    (void)state;
    struct buffer out;
    struct config *config = NULL;
    buffer_init(&out, TEXT_MAX);
    assert_int_equal(config_load(&config, "../../../config/examples/ghgd.yaml", &out), 0);
    assert_int_equal(config_check_run(config, &out), 0);
    assert_int_equal(out.size, 0);
    assert_string_equal(config->tables.catalogue, GHGD_CATALOGUE_DIR);
    config->tables.catalogue = "CATALOGUE";
    config_print(config, &out);
    buffer_add_str(&out, "---\n");
    needs_print(config, &out);
    assert_int_equal(config->registry->facilities_count, 5);
    config_destroy(&config);
    expect_text("example.out", buffer_text(&out));
    buffer_fini(&out);
}

/* A printed configuration can be read again, and is then printed the same, except secrets. */
static void test_print_reads_back(void **state)
{
    (void)state;
    struct buffer first;
    struct buffer second;
    struct config *config = NULL;
    buffer_init(&first, TEXT_MAX);
    buffer_init(&second, TEXT_MAX);
    assert_int_equal(config_load(&config, "good_no_secrets.yaml", &first), 0);
    assert_int_equal(first.size, 0);
    config_print(config, &first);
    config_destroy(&config);
    char name[] = "printed-XXXXXX"; /* beside the tables, whose paths are relative */
    int file = mkstemp(name);
    assert_true(file >= 0);
    assert_int_equal(write(file, first.data, first.size), first.size);
    close(file);
    int err = config_load(&config, name, &second);
    unlink(name);
    assert_string_equal(second.size == 0 ? "" : buffer_text(&second), "");
    assert_int_equal(err, 0);
    config_print(config, &second);
    config_destroy(&config);
    assert_string_equal(buffer_text(&first), buffer_text(&second));
    buffer_fini(&first);
    buffer_fini(&second);
}

static void test_secrets_are_read_not_printed(void **state)
{
    (void)state;
    struct buffer text;
    struct config *config = NULL;
    buffer_init(&text, TEXT_MAX);
    assert_int_equal(config_load(&config, "good_secrets.yaml", &text), 0);
    assert_string_equal(config->sinks[0].password, "correct horse");
    assert_string_equal(config->sinks[1].token, "from-a-credential");
    config_print(config, &text);
    needs_print(config, &text);
    assert_null(strstr(buffer_text(&text), "correct horse"));
    assert_null(strstr(buffer_text(&text), "from-a-credential"));
    config_destroy(&config);
    buffer_fini(&text);
}

/* No bad file shows its secret, wherever the fault is. Every secret in the test data is "hunter2".
 */
static void test_secrets_are_never_shown(void **state)
{
    (void)state;
    struct dirent **entries;
    int count = scandir(".", &entries, is_yaml, alphasort);
    for (int i = 0; i < count; i++) {
        struct buffer out;
        buffer_init(&out, TEXT_MAX);
        load_and_tell(entries[i]->d_name, &out);
        if (strstr(buffer_text(&out), "hunter2") != NULL)
            fail_msg("%s: a secret is shown: %s", entries[i]->d_name, buffer_text(&out));
        buffer_fini(&out);
        free(entries[i]);
    }
    free(entries);
}

static void test_missing_file(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, TEXT_MAX);
    load_and_tell("no-such-file", &out);
    assert_string_equal(buffer_text(&out),
                        "no-such-file: error: cannot be read: No such file or directory; "
                        "--config FILE names another one\n");
    buffer_fini(&out);
}

/* The table keeps numbers of enums that it may not include. */
static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        int value;
    } formats[] = {{"auto", FORMAT_AUTO}, {"json", FORMAT_JSON}, {"msgpack", FORMAT_MSGPACK}};
    const struct option *option = option_find("input.format", strlen("input.format"));
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        assert_string_equal(option->choices[i].word, formats[i].word);
        assert_int_equal(option->choices[i].value, formats[i].value);
    }
    static const struct {
        const char *path;
        size_t index;
    } fields[] = {{"input.fields.meter", FIELD_METER},
                  {"input.fields.time", FIELD_TIME},
                  {"input.fields.start", FIELD_START},
                  {"input.fields.end", FIELD_END},
                  {"input.fields.value", FIELD_VALUE},
                  {"input.fields.unit", FIELD_UNIT},
                  {"input.fields.quality", FIELD_QUALITY},
                  {"input.fields.revision", FIELD_REVISION},
                  {"input.fields.id", FIELD_ID},
                  {"input.fields.event", FIELD_EVENT},
                  {"input.fields.final", FIELD_FINAL},
                  {"input.fields.initial", FIELD_INITIAL},
                  {"input.fields.of", FIELD_OF}};
    assert_int_equal(ARRAY_LEN(fields), FIELD_COUNT);
    assert_int_equal(ARRAY_LEN(((struct input_conf *)0)->fields), FIELD_COUNT);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        assert_int_equal(option_find(fields[i].path, strlen(fields[i].path))->offset,
                         offsetof(struct config, input.fields) +
                             fields[i].index * sizeof(const char *));
}

/* By the list, whatever its order; a list of lengths alone is without rows of targets. */
static void test_windows_of_sinks(void **state)
{
    (void)state;
    enum { TARGETS = 1 << SINK_TRAJECTORY_BIT | 1 << SINK_ALERTS_BIT };
    static const uint8_t want[] = {
        1 << LEVEL_BUCKET | 1 << LEVEL_HOUR | TARGETS,
        TARGETS,
        ((1 << LEVEL_COUNT) - 1 - (1 << LEVEL_DAY)) | TARGETS,
        (1 << LEVEL_COUNT) - 1 - (1 << LEVEL_YEAR),
        ((1 << LEVEL_COUNT) - 1) | 1 << SINK_TRAJECTORY_BIT,
        0,
        0,
    };
    struct buffer words;
    struct config *config = NULL;
    buffer_init(&words, TEXT_MAX);
    assert_int_equal(config_load(&config, "good_windows.yaml", &words), 0);
    assert_int_equal(config->sinks_count, ARRAY_LEN(want));
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        if (config->sinks[i].skips != want[i])
            fail_msg("sink %s: %x", config->sinks[i].name, config->sinks[i].skips);
    config_destroy(&config);
    buffer_fini(&words);
}

/* Sinks of alerts get those only. */
static void test_rows_of_alert_sinks(void **state)
{
    (void)state;
    struct buffer words;
    struct config *config = NULL;
    buffer_init(&words, TEXT_MAX);
    assert_int_equal(config_load(&config, "good_alerts.yaml", &words), 0);
    assert_int_equal(config->sinks_count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(config->sinks[i].skips,
                         ((1 << SINK_WINDOWS) - 1) ^ (1 << SINK_ALERTS_BIT));
    assert_false(sink_conf_repeats(&config->sinks[0]));
    assert_true(sink_conf_repeats(&config->sinks[1]));
    assert_ptr_equal(config->sinks[2].kafka, &config->kafka);
    config_destroy(&config);
    buffer_fini(&words);
}

static void test_reference(void **state)
{
    (void)state;
    static const char path[] = "../../../docs/configuration.md";
    struct buffer doc;
    struct buffer want;
    buffer_init(&doc, TEXT_MAX);
    buffer_init(&want, TEXT_MAX);
    read_text(path, &doc);
    const char *mark = doc.size == 0 ? NULL : strstr(buffer_text(&doc), REFERENCE_MARK);
    if (mark == NULL)
        fail_msg("docs/configuration.md has no line %s", REFERENCE_MARK);
    buffer_add(&want, doc.data, (size_t)(mark - doc.data) + strlen(REFERENCE_MARK));
    config_print_reference(&want);
    expect_text(path, buffer_text(&want));
    buffer_fini(&doc);
    buffer_fini(&want);
}

static int set_up(void **state)
{
    (void)state;
    /* Warnings tell of files that every user may read: do not depend on the checkout's umask. */
    if (chdir("tests/data/config") != 0 || chmod("secret.txt", 0600) != 0 ||
        chmod("exposed.txt", 0644) != 0 || chmod("credentials/influx-token", 0600) != 0)
        return -1;
    return setenv("CREDENTIALS_DIRECTORY", "credentials", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_example),
        cmocka_unit_test(test_print_reads_back),
        cmocka_unit_test(test_secrets_are_read_not_printed),
        cmocka_unit_test(test_secrets_are_never_shown),
        cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_windows_of_sinks),
        cmocka_unit_test(test_rows_of_alert_sinks),
        cmocka_unit_test(test_reference),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}

/* Several processes share a configuration: what GHGD_INSTANCE changes in it. */
#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { TEXT_MAX = 1 << 16 };

static char path[] = "/tmp/ghgd-instance-XXXXXX";

static int make_file(void **state)
{
    (void)state;
    int file = mkstemp(path);
    return file < 0 ? -1 : close(file);
}

static int remove_file(void **state)
{
    (void)state;
    unsetenv("GHGD_INSTANCE");
    return unlink(path);
}

/* Loads a file with these lines; NULL if it has faults, which are in `faults`. */
static struct config *load(const char *instance, const char *lines, struct buffer *faults)
{
    char folder[4096];
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_non_null(getcwd(folder, sizeof(folder)));
    (void)fprintf(file,
                  "tables: {facilities: %s/tests/data/config/facilities.csv, meters: "
                  "%s/tests/data/config/meters.csv}\nstate_directory: /var/lib/ghgd\n%s",
                  folder, folder, lines);
    (void)fclose(file);
    if (instance != NULL)
        setenv("GHGD_INSTANCE", instance, 1);
    else
        unsetenv("GHGD_INSTANCE");
    struct config *config = NULL;
    int err = config_load(&config, path, faults);
    assert_int_equal(err < 0, config == NULL);
    return config;
}

static void test_what_is_its_own(void **state)
{
    (void)state;
    static const struct {
        const char *instance, *listen;
        const char *want_listen, *want_state, *want_id;
        int port;
    } cases[] = {
        {NULL, "127.0.0.1:9477", "127.0.0.1:9477", "/var/lib/ghgd", "mill-0%", 9477},
        {"", "127.0.0.1:9477", "127.0.0.1:9477", "/var/lib/ghgd", "mill-0%", 9477},
        {"1", "127.0.0.1:9477", "127.0.0.1:9478", "/var/lib/ghgd@1", "mill-1%", 9478},
        {"12", "'[::1]:9477'", "[::1]:9489", "/var/lib/ghgd@12", "mill-12%", 9489},
        {"9999", "127.0.0.1:55536", "127.0.0.1:65535", "/var/lib/ghgd@9999", "mill-9999%", 65535},
        {"2", "off", NULL, "/var/lib/ghgd@2", "mill-2%", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char lines[512];
        (void)snprintf(lines, sizeof(lines),
                       "http: {listen: %s}\nkafka:\n  properties:\n"
                       "    group.instance.id: mill-%%i%%%%\n    client.id: '%%H'\n"
                       "    client.rack: '%%i'\n"
                       "sinks: [{name: here, type: sqlite, path: here.db}]\n",
                       cases[i].listen);
        struct buffer faults;
        buffer_init(&faults, TEXT_MAX);
        struct config *config = load(cases[i].instance, lines, &faults);
        assert_string_equal(buffer_text(&faults), "");
        assert_non_null(config);
        char host[256] = "";
        char database[256];
        (void)gethostname(host, sizeof(host) - 1);
        (void)snprintf(database, sizeof(database), "%s/here.db", cases[i].want_state);
        assert_string_equal(config->state_directory, cases[i].want_state);
        assert_string_equal(config->sinks[0].path, database);
        assert_string_equal(config->kafka.properties[0].value, cases[i].want_id);
        assert_string_equal(config->kafka.properties[1].value, host);
        assert_string_equal(config->kafka.properties[2].value, "%i"); /* of these two alone */
        assert_int_equal(config->http_port, cases[i].port);
        if (cases[i].want_listen != NULL)
            assert_string_equal(config->http_listen, cases[i].want_listen);
        config_destroy(&config);
        buffer_fini(&faults);
    }
}

static void test_faults(void **state)
{
    (void)state;
    static const struct {
        const char *instance, *lines, *want;
    } cases[] = {
        {"0", "", "GHGD_INSTANCE: \"0\" in the environment is no instance"},
        {"-1", "", "GHGD_INSTANCE: \"-1\""},
        {"10000", "", "from 1 to 9999"},
        {"one", "", "GHGD_INSTANCE: \"one\""},
        {"1 ", "", "GHGD_INSTANCE: \"1 \""},
        {"2", "http: {listen: '127.0.0.1:65534'}\n", "instance 2 would listen on port 65536"},
        {"1", "kafka: {properties: {group.instance.id: 'a-%n'}}\n",
         "group.instance.id: \"a-%n\" has a % that stands for nothing"},
        {NULL, "kafka: {properties: {client.id: 'a%'}}\n", "client.id: \"a%\" has a %"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buffer faults;
        buffer_init(&faults, TEXT_MAX);
        struct config *config = load(cases[i].instance, cases[i].lines, &faults);
        const char *text = buffer_text(&faults);
        if (config != NULL || text == NULL || strstr(text, cases[i].want) == NULL)
            fail_msg("row %zu: %s", i, text);
        buffer_fini(&faults);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_its_own),
        cmocka_unit_test(test_faults),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}

/* Requests that are for this host, and the token of commands. */
#include "daemon/http/doors.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

static void test_hosts(void **state)
{
    (void)state;
    static const struct {
        const char *host, *allowed, *local;
        bool known;
    } cases[] = {
        {"localhost:9477", NULL, "10.0.0.7", true},
        {"127.0.0.1", NULL, "10.0.0.7", true},
        {"[::1]:9477", NULL, "10.0.0.7", true},
        {"10.0.0.7:9477", NULL, "10.0.0.7", true},
        {"10.0.0.8:9477", NULL, "10.0.0.7", false},
        {"plant", NULL, "10.0.0.7", false},
        {"plant", "plant", "10.0.0.7", true},
        {"PLANT:80", "other,plant:9477", "10.0.0.7", true},
        {"plan", "plant", "10.0.0.7", false},
        {"plant.example.net", "plant", "10.0.0.7", false},
        {"", "plant", "10.0.0.7", false},
        {"localhost:x", NULL, "10.0.0.7", false},
        {"[2001:db8::7]:9477", NULL, "2001:db8::7", true},
        {"[2001:db8:0::7]", NULL, "2001:db8::7", true},
        {"[2001:db8::8]", NULL, "2001:db8::7", false},
        {"10.0.0.7", NULL, "::ffff:10.0.0.7", true},
        {"10.0.0.8", NULL, "::ffff:10.0.0.7", false},
        {"10.0.0.7", NULL, "2001:db8::7", false},
        {"[2001:db8:1111:2222:3333:4444:5555:6666:7777:8888]", NULL, "2001:db8::7", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sockaddr_storage local = {0};
        if (strchr(cases[i].local, ':') != NULL)
            assert_int_equal(uv_ip6_addr(cases[i].local, 0, (struct sockaddr_in6 *)&local), 0);
        else
            assert_int_equal(uv_ip4_addr(cases[i].local, 0, (struct sockaddr_in *)&local), 0);
        if (doors_know_host(cases[i].host, cases[i].allowed, (const struct sockaddr *)&local) !=
            cases[i].known)
            fail_msg("%zu: %s", i, cases[i].host);
    }
}

static void test_tokens(void **state)
{
    (void)state;
    static const struct {
        const char *authorization, *token;
        bool known;
    } cases[] = {
        {"Bearer secret", "secret", true},
        {"bearer secret", "secret", true},
        {"Bearer secret ", "secret", false},
        {"Bearer secre", "secret", false},
        {"Bearer secretsecret", "secret", false},
        {"Bearer Secret", "secret", false},
        {"Basic secret", "secret", false},
        {"secret", "secret", false},
        {"Bearer ", "", false},
        {"Bearer", "secret", false},
        {NULL, "secret", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (doors_know_token(cases[i].authorization, cases[i].token) != cases[i].known)
            fail_msg("%zu", i);
}

static void write_file(const char *path, const char *text)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(write(file, text, strlen(text)), strlen(text));
    (void)close(file);
}

/* It is made once, for its owner only, and is the same for all who read it later. */
static void test_file(void **state)
{
    (void)state;
    char folder[] = "/tmp/doors-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char path[64];
    (void)snprintf(path, sizeof(path), "%s/http-token", folder);
    struct config config = {.http_token_path = path};
    char made[DOORS_TOKEN_SIZE];
    char again[DOORS_TOKEN_SIZE];
    const char *token;
    const char *where;
    assert_int_equal(doors_get_token(&config, false, &token, made, &where), -ENOENT);
    assert_null(token);
    assert_string_equal(where, path);
    assert_int_equal(doors_get_token(&config, true, &token, made, &where), 0);
    assert_ptr_equal(token, made);
    assert_int_equal(strlen(made), DOORS_TOKEN_SIZE - 1);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(doors_get_token(&config, true, &token, again, &where), 0);
    assert_string_equal(made, again);

    char longer[DOORS_TOKEN_SIZE + 8];
    (void)snprintf(longer, sizeof(longer), "%s0\n", made);
    const char *const bad[] = {"", "\n", "short\n", longer, made /* no newline */};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        write_file(path, bad[i]);
        if (doors_get_token(&config, true, &token, again, &where) != -EINVAL)
            fail_msg("%zu is taken", i);
    }
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/dev/null", path), 0);
    assert_int_equal(doors_get_token(&config, true, &token, again, &where), -ELOOP);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(doors_get_token(&config, true, &token, again, &where), 0);
    assert_string_not_equal(made, again);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(doors_get_token(&config, true, &token, again, &where), -ENOENT);
    config.http_token = "of the configuration";
    assert_int_equal(doors_get_token(&config, true, &token, again, &where), 0);
    assert_string_equal(token, "of the configuration");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

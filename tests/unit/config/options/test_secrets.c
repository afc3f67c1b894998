#include "config/options/secrets.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/ghgd-secrets-XXXXXX";
static struct arena *arena;

static const char *path_of(const char *name)
{
    static char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void write_bytes(const char *path, const char *bytes, size_t size, mode_t mode)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(file >= 0);
    for (size_t at = 0; at < size;) {
        ssize_t put = write(file, bytes + at, size - at);
        assert_true(put > 0);
        at += (size_t)put;
    }
    assert_int_equal(fchmod(file, mode), 0);
    close(file);
}

static void test_contents(void **state)
{
    (void)state;
    static const struct {
        const char *name, *bytes;
        size_t size;
        const char *want; /* NULL: refused */
        mode_t mode;
        bool exposed;
    } cases[] = {
        {"plain", "secret", 6, "secret", 0600, false},
        {"newline", "secret\n", 7, "secret", 0640, false},
        {"crlf", "secret\r\n", 8, "secret", 0600, false},
        {"two newlines: one is part of it", "secret\n\n", 8, "secret\n", 0600, false},
        {"spaces are part of it", " se cret ", 9, " se cret ", 0600, false},
        {"exposed", "secret", 6, "secret", 0644, true},
        {"empty", "", 0, NULL, 0600, false},
        {"newline only", "\n", 1, NULL, 0600, false},
        {"NUL", "sec\0ret", 7, NULL, 0600, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *path = path_of("secret");
        write_bytes(path, cases[i].bytes, cases[i].size, cases[i].mode);
        const char *got = NULL;
        bool exposed = false;
        const char *fault = secret_read(&got, path, arena, &exposed);
        if ((fault == NULL) != (cases[i].want != NULL))
            fail_msg("%s: %s", cases[i].name, fault == NULL ? "accepted" : fault);
        if (cases[i].want != NULL && strcmp(got, cases[i].want) != 0)
            fail_msg("%s: got \"%s\"", cases[i].name, got);
        if (cases[i].want == NULL)
            assert_null(got);
        assert_int_equal(exposed, cases[i].exposed);
        unlink(path);
    }
}

static void test_not_a_file(void **state)
{
    (void)state;
    const char *got = NULL;
    bool exposed = false;
    assert_string_equal(secret_read(&got, folder, arena, &exposed), "is not a regular file");
    assert_string_equal(secret_read(&got, path_of("none"), arena, &exposed),
                        "No such file or directory");
    assert_int_equal(mkfifo(path_of("fifo"), 0600), 0); /* must not wait for a writer */
    assert_string_equal(secret_read(&got, path_of("fifo"), arena, &exposed),
                        "is not a regular file");
    unlink(path_of("fifo"));
    char *large = calloc(1, 65537);
    assert_non_null(large);
    memset(large, 'x', 65537);
    write_bytes(path_of("large"), large, 65537, 0600);
    assert_string_equal(secret_read(&got, path_of("large"), arena, &exposed),
                        "is larger than 64KiB");
    write_bytes(path_of("large"), large, 65536, 0600);
    assert_null(secret_read(&got, path_of("large"), arena, &exposed));
    assert_int_equal(strlen(got), 65536);
    unlink(path_of("large"));
    free(large);
}

static void test_credentials(void **state)
{
    (void)state;
    const char *path = NULL;
    unsetenv("CREDENTIALS_DIRECTORY");
    assert_non_null(secret_credential_path(&path, "token", arena));
    setenv("CREDENTIALS_DIRECTORY", "/run/credentials/ghgd.service", 1);
    assert_null(secret_credential_path(&path, "token", arena));
    assert_string_equal(path, "/run/credentials/ghgd.service/token");
    static const char *const bad[] = {"", ".", "..", "../token", "/etc/passwd", "a/b"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_non_null(secret_credential_path(&path, bad[i], arena));
}

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL ? -1 : arena_create(&arena);
}

static int tear_down(void **state)
{
    (void)state;
    arena_destroy(&arena);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contents),
        cmocka_unit_test(test_not_a_file),
        cmocka_unit_test(test_credentials),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

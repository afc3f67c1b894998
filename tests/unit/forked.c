#include "tests/unit/forked.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* exec, not only fork: the thread sanitizer wants processes that start from exec. */
static void start(char *program, size_t index)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child > 0)
        return;
    char number[24];
    (void)snprintf(number, sizeof(number), "%zu", index);
    char *const arguments[] = {program, number, NULL};
    execv(program, arguments); /* under valgrind /proc/self/exe would be valgrind */
    _exit(127);
}

int run_apart(const struct CMUnitTest *tests, size_t count, int argc, char **argv)
{
    if (argc == 2) {
        size_t index = strtoul(argv[1], NULL, 10);
        assert_true(index < count);
        const struct CMUnitTest one[] = {tests[index]};
        return cmocka_run_group_tests(one, NULL, NULL);
    }
    for (size_t i = 0; i < count; i++)
        start(argv[0], i);
    int failed = 0;
    for (size_t i = 0; i < count; i++) {
        int status = 1;
        wait(&status);
        failed += status != 0;
    }
    return failed;
}

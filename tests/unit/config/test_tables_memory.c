/*
 * Building a registry with every allocation of ours failing in turn: it must say -ENOMEM, and give
 * back all it took. Allocations of libraries are let through: GLib aborts where there is no memory.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config/tables.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

#define FOLDER "tests/data/tables/"

static int build(void)
{
    static const char *const factors[] = {FOLDER "own_factors.csv"};
    const struct tables_conf conf = {
        .facilities = FOLDER "group_facilities.csv",
        .meters = FOLDER "small_meters.csv",
        .factors = factors,
        .factors_count = 1,
        .catalogue = FOLDER "small_catalogue",
        .group_levels = {"region"},
        .group_levels_count = 1,
        .gwp_set = "AR5",
        .bucket_ms = 900000,
        .horizon_ms = INT64_C(7) * 86400000,
        .fiscal_year_start = 1,
    };
    struct buffer text;
    buffer_init(&text, 1 << 20);
    struct faults faults = {.text = &text, .errors_max = 100};
    struct registry *registry = NULL;
    int err = registry_build(&registry, &conf, &faults);
    if (err == ERR_CONFIG)
        fail_msg("%s", buffer_text(&text));
    assert_true((registry == NULL) == (err != 0));
    registry_destroy(&registry);
    buffer_fini(&text);
    return err;
}

#ifdef SANITIZED

static void test_failing(void **state)
{
    (void)state;
    assert_int_equal(build(), 0);
    skip(); /* a sanitizer brings its own malloc */
}

#else

/* NOLINTBEGIN(*-reserved-identifier,cert-dcl*,*-identifier-naming): names of the linker and glibc
 */
extern char __executable_start; /* our own code lies from here to etext */
extern char etext;
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void __libc_free(void *memory);
/* NOLINTEND(*-reserved-identifier,cert-dcl*,*-identifier-naming) */

static long countdown = -1; /* the allocation that fails is the one that finds 0 here */
static long outstanding;

static bool fails(const void *caller)
{
    uintptr_t at = (uintptr_t)caller;
    bool ours = at >= (uintptr_t)&__executable_start && at < (uintptr_t)&etext;
    return ours && countdown >= 0 && countdown-- == 0;
}

static void *counted(void *memory)
{
    outstanding += memory != NULL;
    return memory;
}

void *malloc(size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : counted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : counted(__libc_calloc(count, size));
}

void *realloc(void *memory, size_t size)
{
    if (fails(__builtin_return_address(0)))
        return NULL;
    void *moved = __libc_realloc(memory, size);
    outstanding += memory == NULL && moved != NULL;
    return moved;
}

void free(void *memory)
{
    outstanding -= memory != NULL;
    __libc_free(memory);
}

static void test_failing(void **state)
{
    (void)state;
    enum { RUNS_MAX = 20000 };
    assert_int_equal(build(), 0); /* GLib keeps what it read first */
    if (outstanding == 0)
        skip(); /* valgrind took our malloc's place */
    long run = 0;
    for (; run < RUNS_MAX; run++) {
        long before = outstanding;
        countdown = run;
        int err = build();
        bool failed = countdown < 0;
        countdown = -1;
        if (failed && err != -ENOMEM)
            fail_msg("allocation %ld failed: got %d", run, err);
        if (outstanding != before)
            fail_msg("allocation %ld failed: %ld were not given back", run, outstanding - before);
        if (!failed)
            break;
    }
    assert_true(run > 10 && run < RUNS_MAX);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_failing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

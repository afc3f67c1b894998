/*
 * failing_malloc.h - each of our own allocations fails in turn. The code under test must say
 * -ENOMEM, and give back all it took.
 *
 * Included by one file of a test program, it takes the place of malloc. Allocations of libraries
 * are let through: GLib aborts where there is no memory. Sanitizers and valgrind bring a malloc of
 * their own; the test is skipped there.
 */
#ifndef GHGD_TEST_FAILING_MALLOC_H
#define GHGD_TEST_FAILING_MALLOC_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

#ifdef SANITIZED

__attribute__((unused)) static bool allocations_can_fail(void)
{
    return false;
}

__attribute__((unused)) static void fail_allocations(long first, long count)
{
    (void)first;
    (void)count;
}

__attribute__((unused)) static bool end_failing(void)
{
    return false;
}

__attribute__((unused)) static void fail_each_allocation(int (*run)(void))
{
    assert_int_equal(run(), 0);
    skip();
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
static long failures_left;  /* so many fail in a row then */
static bool any_failed;
static long outstanding;

static bool fails(const void *caller)
{
    uintptr_t at = (uintptr_t)caller;
    bool ours = at >= (uintptr_t)&__executable_start && at < (uintptr_t)&etext;
    if (!ours || countdown < 0 || countdown-- > 0)
        return false;
    if (--failures_left > 0)
        countdown = 0;
    any_failed = true;
    return true;
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

/* False if valgrind took our malloc's place. To be asked when something is allocated. */
__attribute__((unused)) static bool allocations_can_fail(void)
{
    return outstanding != 0;
}

/* From the allocation `first` on, counted from now, `count` fail. */
__attribute__((unused)) static void fail_allocations(long first, long count)
{
    failures_left = count;
    any_failed = false;
    countdown = first;
}

/* Returns whether any has failed. */
__attribute__((unused)) static bool end_failing(void)
{
    countdown = -1;
    return any_failed;
}

/* run: makes things and takes them down again; returns 0 or what failed. */
__attribute__((unused)) static void fail_each_allocation(int (*run)(void))
{
    enum { RUNS_MAX = 20000 };
    assert_int_equal(run(), 0); /* GLib keeps what it read first */
    if (!allocations_can_fail())
        skip();
    for (long failing = 0; failing < RUNS_MAX; failing++) {
        long before = outstanding;
        fail_allocations(failing, 1);
        int err = run();
        bool failed = end_failing();
        if (failed && err != -ENOMEM)
            fail_msg("allocation %ld failed: got %d", failing, err);
        if (outstanding != before)
            fail_msg("allocation %ld failed: %ld were not given back", failing,
                     outstanding - before);
        if (!failed) {
            assert_true(failing > 0); /* it needed some */
            return;
        }
    }
    fail_msg("more than %d allocations", RUNS_MAX);
}

#endif

#endif

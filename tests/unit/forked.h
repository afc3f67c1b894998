/*
 * forked.h - runs each test of a program in a process of its own, all at once.
 *
 * For tests that mostly wait: the mock cluster takes 3 s to form a group.
 */
#ifndef GHGD_TEST_APART_H
#define GHGD_TEST_APART_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* To be returned from main. With a number as the argument runs that one test only. */
int run_apart(const struct CMUnitTest *tests, size_t count, int argc, char **argv);

#endif

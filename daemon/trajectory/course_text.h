/*
 * course_text.h - numbers and levels of a target as commands print them for people.
 *
 * NULL_NUMBER is "-". All return `text`.
 */
#ifndef GHGD_COURSE_TEXT_H
#define GHGD_COURSE_TEXT_H

#include "pipelines/rollup/row.h"

enum { COURSE_TEXT_SIZE = 48 };

/* level: enum alert_level. Static. */
const char *level_text(int64_t level);
/* Tonnes, rounded to the kilogram. */
const char *tonnes_text(char text[COURSE_TEXT_SIZE], int64_t mg);
/* A slip in 0.01 %, with its sign. */
const char *slip_text(char text[COURSE_TEXT_SIZE], int64_t slip);

#endif

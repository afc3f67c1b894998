/*
 * faults.c - what is wrong with a configuration, and where; see faults.h.
 */
#include "base/faults.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    MESSAGE_SIZE_MAX = 1024,
    SOURCE_WIDTH_MAX = 160, /* of a source line that is shown: more does not help a reader */
    SUGGEST_SIZE_MAX = 64   /* longer words are not misspelt, they are something else */
};

struct fault_line {
    const char *text;
    size_t size;
};

/* Line `number` (from 1) of the source, without its end; empty if there is no such line. */
static struct fault_line source_line(const struct faults *faults, int number)
{
    const char *at = faults->source;
    const char *end = at + faults->source_size;
    for (int i = 1; i < number && at < end; i++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        at = newline == NULL ? end : newline + 1;
    }
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    const char *stop = newline == NULL ? end : newline;
    if (stop > at && stop[-1] == '\r')
        stop--;
    return (struct fault_line){at, (size_t)(stop - at)};
}

static bool starts_with(struct fault_line line, size_t at, const char *word)
{
    size_t size = strlen(word);
    return line.size - at >= size && strncasecmp(line.text + at, word, size) == 0;
}

/* Keys that may hold a secret; "password_file" and its like name a place, not a secret. */
static bool names_secret(struct fault_line line)
{
    static const char *const words[] = {"password", "passwd", "secret", "token", ".pem",
                                        "sasl.",    ".key",   "@",      "?"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        size_t size = strlen(words[i]);
        for (size_t at = 0; at + size <= line.size; at++)
            if (strncasecmp(line.text + at, words[i], size) == 0 &&
                !starts_with(line, at + size, "_file") &&
                !starts_with(line, at + size, "_credential"))
                return true;
    }
    return false;
}

/* A secret may stand on the line itself, or above it where a value goes on over several lines. */
static bool may_hold_secret(const struct faults *faults, int number)
{
    for (int i = number; i > 0; i--) {
        struct fault_line line = source_line(faults, i);
        if (names_secret(line))
            return true;
        if (memchr(line.text, ':', line.size) != NULL)
            return false;
    }
    return false;
}

static void add_clean(struct buffer *text, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        buffer_add_char(text,
                        iscntrl((unsigned char)bytes[i]) && bytes[i] != '\t' ? '?' : bytes[i]);
}

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0U) == 0x80U;
}

static void show_source(struct faults *faults, int number, int column)
{
    struct fault_line line = source_line(faults, number);
    size_t caret = column > 0 ? (size_t)column - 1 : 0;
    if (line.size == 0 || line.size > SOURCE_WIDTH_MAX || caret > line.size ||
        may_hold_secret(faults, number))
        return;
    buffer_printf(faults->text, "%6d | ", number);
    add_clean(faults->text, line.text, line.size);
    buffer_add_str(faults->text, "\n       | ");
    for (size_t i = 0; i < caret; i++)
        if (!is_continuation(line.text[i]))
            buffer_add_char(faults->text, line.text[i] == '\t' ? '\t' : ' ');
    buffer_add_str(faults->text, "^\n");
}

static void report(struct faults *faults, const char *file, int line, int column,
                   const char *severity, const char *message)
{
    size_t offset = faults->text->size;
    buffer_add_str(faults->text, file);
    if (line > 0)
        buffer_printf(faults->text, ":%d", line);
    if (line > 0 && column > 0)
        buffer_printf(faults->text, ":%d", column);
    buffer_printf(faults->text, ": %s: ", severity);
    add_clean(faults->text, message, strlen(message));
    buffer_add_char(faults->text, '\n');
    if (line > 0 && column > 0 && faults->source != NULL && strcmp(file, faults->source_file) == 0)
        show_source(faults, line, column);
    if (faults->places_count < FAULTS_SORTED_MAX)
        faults->places[faults->places_count++] =
            (struct fault_place){offset, faults->text->size - offset, line, column};
}

void faults_error(struct faults *faults, const char *file, int line, int column, const char *format,
                  ...)
{
    faults->errors++;
    if (faults->errors > faults->errors_max)
        return;
    char message[MESSAGE_SIZE_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    report(faults, file, line, column, "error", message);
}

void faults_warn(struct faults *faults, const char *file, int line, int column, const char *format,
                 ...)
{
    faults->warnings++;
    if (faults->warnings > faults->errors_max)
        return;
    char message[MESSAGE_SIZE_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    report(faults, file, line, column, "warning", message);
}

void faults_show_source(struct faults *faults, const char *file, const char *source, size_t size)
{
    faults->source_file = file;
    faults->source = source;
    faults->source_size = source == NULL ? 0 : size;
}

static bool comes_before(const struct fault_place *a, const struct fault_place *b)
{
    return a->line != b->line ? a->line < b->line : a->column < b->column;
}

void faults_sort(struct faults *faults)
{
    uint32_t first = faults->sorted_count;
    uint32_t count = faults->places_count;
    faults->sorted_count = count;
    if (first == count || buffer_failed(faults->text))
        return;
    size_t offset = faults->places[first].offset;
    size_t size = faults->places[count - 1].offset + faults->places[count - 1].size - offset;
    char *copy = malloc(size);
    if (copy == NULL)
        return; /* out of order is better than not at all */
    memcpy(copy, faults->text->data + offset, size);
    for (uint32_t i = first + 1; i < count; i++) { /* insertion: stable, and they are few */
        struct fault_place place = faults->places[i];
        uint32_t to = i;
        for (; to > first && comes_before(&place, &faults->places[to - 1]); to--)
            faults->places[to] = faults->places[to - 1];
        faults->places[to] = place;
    }
    size_t at = offset;
    for (uint32_t i = first; i < count; i++) {
        struct fault_place *place = &faults->places[i];
        memcpy(faults->text->data + at, copy + (place->offset - offset), place->size);
        place->offset = at;
        at += place->size;
    }
    free(copy);
}

void faults_end(struct faults *faults)
{
    if (faults->errors > faults->errors_max)
        buffer_printf(faults->text, "%u more errors are not shown\n",
                      faults->errors - faults->errors_max);
}

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Optimal string alignment: insertions, deletions, replacements, swaps of neighbours. */
static size_t distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t rows[3][SUGGEST_SIZE_MAX + 1];
    for (size_t j = 0; j <= b_size; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3];
        const size_t *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            int x = tolower((unsigned char)a[i - 1]);
            int y = tolower((unsigned char)b[j - 1]);
            row[j] = smallest(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
                tolower((unsigned char)a[i - 2]) == y && above2[j - 2] + 1 < row[j])
                row[j] = above2[j - 2] + 1;
        }
    }
    return rows[a_size % 3][b_size];
}

const char *faults_suggest(const char *found, const char *const *words, size_t count)
{
    size_t found_size = strlen(found);
    if (found_size == 0 || found_size > SUGGEST_SIZE_MAX)
        return NULL;
    const char *best = NULL;
    size_t limit = found_size < 6 ? found_size / 4 : found_size / 3; /* of 3 letters, none */
    size_t best_distance = limit + 1;
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(words[i]);
        if (size == 0 || size > SUGGEST_SIZE_MAX || size > found_size + limit ||
            found_size > size + limit)
            continue;
        size_t steps = distance(found, found_size, words[i], size);
        if (steps < best_distance) {
            best_distance = steps;
            best = words[i];
        }
    }
    return best;
}

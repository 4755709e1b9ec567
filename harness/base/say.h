/*
 * say.h - a command's messages on stderr, and foreign text in them. File names and the
 * contents of files may have line feeds and control characters: these must not break a line,
 * nor reach a terminal unescaped.
 */
#ifndef STUBMAP_BASE_SAY_H
#define STUBMAP_BASE_SAY_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

/* Copies text, with control characters and bytes that are not UTF-8 as \n, \t or \x1b; if
 * size is too small, it cuts between two characters. A backslash is not escaped: the text is
 * for reading. Returns out. */
char *say_plain(char *out, size_t size, const char *text);

/* One character of a text as say_plain shows it, and the bytes that it has so.
 * Moves *text past it. */
enum { SAY_PIECE = 5 };
size_t say_piece(const char **text, char piece[SAY_PIECE]);

/* Writes all of text to a stream, escaped as say_plain does. */
void say_put(FILE *, const char *text);

/* Writes "WHO: ...", one line of any length, to stderr, escaped as say_plain does. Returns 2, the
 * exit status of a wrong call. */
int __attribute__((format(printf, 2, 3))) say_line(const char *who, const char *form, ...);
int say_line_of(const char *who, const char *form, va_list ap);

#endif

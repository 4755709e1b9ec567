/*
 * say.h - what a command says on stderr, and other people's text in it. File names, and what files
 * hold, may have line feeds and control characters: they must not break a line, nor reach a
 * terminal as they are.
 */
#ifndef STUBMAP_BASE_SAY_H
#define STUBMAP_BASE_SAY_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

/* Copies text with control characters, and what is no UTF-8, as \n, \t or \x1b; cut between two
 * characters where size ends. A backslash stays one: the text is for reading. Returns out. */
char *say_plain(char *out, size_t size, const char *text);

/* The same, all of it, to a stream. */
void say_put(FILE *, const char *text);

/* "WHO: ...", one line on stderr, plain as above, and of any length. Returns 2, the exit status of
 * a call that was wrong. */
int __attribute__((format(printf, 2, 3))) say_line(const char *who, const char *form, ...);
int say_line_of(const char *who, const char *form, va_list ap);

#endif

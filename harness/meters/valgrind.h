/* valgrind.h - runs one of valgrind's tools on a program and reads its log while it grows. */
#ifndef STUBMAP_METERS_VALGRIND_H
#define STUBMAP_METERS_VALGRIND_H

#include <stdio.h>
#include <sys/types.h>

enum { VALGRIND_ARGUMENTS = 12, VALGRIND_ERROR = 240 };

struct valgrind {
	pid_t pid;
	FILE *log; /* to be read to its end */
};

/* As "valgrind-3.19.0". 0, or -ENOENT with one line in error. */
int valgrind_version(char version[64], char error[VALGRIND_ERROR]);

/* argv: "valgrind", its options, the program and the program's options; at most VALGRIND_ARGUMENTS,
 * NULL last. 0 or -errno with one line in error. */
int valgrind_start(struct valgrind *, char *const argv[], char error[VALGRIND_ERROR]);
/* After the log's end. 0; -ENOENT: no valgrind here; -EIO: the program did not end well. */
int valgrind_finish(struct valgrind *, const char *program, char error[VALGRIND_ERROR]);

#endif

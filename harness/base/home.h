/*
 * home.h - finds the tree that this program was built from, wherever the program lies.
 *
 * It is searched beside the executable and up to three folders above it
 * (build/san/tests/X lies that deep). A build outside of its tree has a link to it,
 * `tree`, beside the executables (Makefile).
 */
#ifndef STUBMAP_BASE_HOME_H
#define STUBMAP_BASE_HOME_H

#include <stddef.h>

/* The running executable: 0, or -errno. Under valgrind it is valgrind's. */
int home_executable(char *out, size_t size);
/* The path of a file or folder of the tree or of the build: 0, or -ENOENT, -ENAMETOOLONG. */
int home_find(const char *name, char *out, size_t size);
/* The tree itself: the folder that has workloads/ in it. */
int home_tree(char *out, size_t size);
/* The folder for temporary files: $TMPDIR, or /tmp. */
const char *home_temp_root(void);
/* A folder of this user's alone, for files that are made anew each time: $TMPDIR/stubmap-UID, or in
 * /tmp. It is made if it is missing. 0, or -EPERM: it is another's, or others may write to it. */
int home_temp(char *out, size_t size);

#endif

/* home.c - finds the tree: from the executable upwards. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/home.h"

enum { LEVELS = 4 };

static int find_in(const char *folder, const char *name, char *out, size_t size)
{
	static const char *const forms[] = { "%s/tree/%s", "%s/%s" };

	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		if (snprintf(out, size, forms[i], folder, name) >= (int)size)
			return -ENAMETOOLONG;
		if (!access(out, R_OK))
			return 0;
	}
	return -ENOENT;
}

int home_executable(char *out, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", out, size - 1);

	out[n < 0 ? 0 : n] = 0;
	return n < 0 ? -errno : 0;
}

int home_find(const char *name, char *out, size_t size)
{
	char exe[PATH_MAX], *slash;
	int e = -ENOENT;

	home_executable(exe, sizeof exe);
	for (int up = 0; up < LEVELS && e == -ENOENT && (slash = strrchr(exe, '/')); up++) {
		*slash = 0;
		e = find_in(exe, name, out, size);
	}
	return e;
}

int home_tree(char *out, size_t size)
{
	int e = home_find("workloads", out, size);

	if (!e)
		*strrchr(out, '/') = 0;
	return e;
}

const char *home_temp_root(void)
{
	const char *temp = getenv("TMPDIR");

	return temp && *temp ? temp : "/tmp";
}

int home_temp(char *out, size_t size)
{
	struct stat st;

	if (snprintf(out, size, "%s/stubmap-%u", home_temp_root(), (unsigned)geteuid()) >=
	    (int)size)
		return -ENAMETOOLONG;
	if ((mkdir(out, 0700) && errno != EEXIST) || lstat(out, &st))
		return -errno;
	/* Others may write to /tmp: what they put there is not taken. */
	return S_ISDIR(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 022) ? 0 : -EPERM;
}

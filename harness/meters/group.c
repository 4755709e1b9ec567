/*
 * group.c - the only place that talks to PAPI, libpfm4 and perf_event_open.
 *
 * The leader of a perf group is pinned: it is counted all the time or turns into an error, never
 * shared out over time. PAPI pins its leader too, as long as multiplexing is off.
 *
 *      group read (PERF_FORMAT_GROUP):  | n | time enabled | time running | value 0 | value 1 ...
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <papi.h>
#include <perfmon/pfmlib_perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/procfs.h"
#include "meters/group.h"

const char *const group_names[GROUP_KINDS] = { "papi", "hardware", "software", "kernel" };
const char *const group_sources[GROUP_KINDS] = { "papi", "perf", "perf", "kernel" };

int group_init(bool foreign)
{
	static const char inactive[] = "LIBPFM_ENCODE_INACTIVE";
	bool ours = foreign && !getenv(inactive);
	int version = PAPI_VER_CURRENT, pfm;

	/* libpfm reads it once, when PAPI or pfm_initialize starts it. */
	if (ours)
		setenv(inactive, "1", 1);
	if (!PAPI_is_initialized())
		version = PAPI_library_init(PAPI_VER_CURRENT);
	pfm = pfm_initialize();
	if (ours)
		unsetenv(inactive);
	return pfm != PFM_SUCCESS || version != PAPI_VER_CURRENT ? -ENOSYS : 0;
}

bool group_has_table(const char *pmu)
{
	for (int i = 0; i < PFM_PMU_MAX; i++) {
		pfm_pmu_info_t info = { .size = sizeof info };

		if (pfm_get_pmu_info((pfm_pmu_t)i, &info) == PFM_SUCCESS && !strcmp(info.name, pmu))
			return true;
	}
	return false;
}

/* ---- perf_event_open --------------------------------------------------------------------- */

static int paranoid(void)
{
	int64_t level = -100;

	procfs_number("/proc/sys/kernel/perf_event_paranoid", 0, &level);
	return (int)level;
}

void group_explain(int error, const char *name, char why[GROUP_WHY])
{
	switch (error) {
	case EACCES:
	case EPERM:
		snprintf(why, GROUP_WHY,
			 "%s: forbidden; kernel.perf_event_paranoid is %d (`sudo sysctl "
			 "kernel.perf_event_paranoid=2`, or CAP_PERFMON), or a container's seccomp "
			 "profile blocks perf_event_open (docker run --cap-add PERFMON)",
			 name, paranoid());
		return;
	case ENOSYS:
		snprintf(why, GROUP_WHY, "%s: this kernel or sandbox has no perf_event_open", name);
		return;
	case ENOENT:
	case ENODEV:
	case EOPNOTSUPP:
		snprintf(why, GROUP_WHY,
			 "%s: the kernel has no such event on this CPU; a guest needs a PMU from "
			 "its host",
			 name);
		return;
	default:
		snprintf(why, GROUP_WHY, "%s: cannot be counted beside the others (%s)", name,
			 strerror(error));
	}
}

/* The table named before "::" must be this CPU's, or one that was asked for by ENCODE_INACTIVE. */
static int encode(const char *name, int levels, struct perf_event_attr *attr,
		  char exact[GROUP_EXACT], char why[GROUP_WHY])
{
	char *full = NULL;
	pfm_perf_encode_arg_t arg = { .attr = attr, .fstr = &full, .size = sizeof arg };
	int rc;

	*attr = (struct perf_event_attr){ .size = sizeof *attr };
	rc = pfm_get_os_event_encoding(name, levels, PFM_OS_PERF_EVENT, &arg);
	if (rc != PFM_SUCCESS) {
		snprintf(why, GROUP_WHY, "%s: libpfm4: %s", name, pfm_strerror(rc));
		free(full);
		return -ENOENT;
	}
	if (exact)
		snprintf(exact, GROUP_EXACT, "%s type %u config 0x%llx config1 0x%llx", full,
			 attr->type, (unsigned long long)attr->config,
			 (unsigned long long)attr->config1);
	free(full);
	return 0;
}

static int open_event(const char *name, int leader, char exact[GROUP_EXACT], char why[GROUP_WHY])
{
	struct perf_event_attr attr;
	/* A context switch happens in the kernel: counting user mode only would give a silent 0. */
	bool kernel = strstr(name, "CONTEXT-SWITCHES");
	int rc = encode(name, kernel ? PFM_PLM3 | PFM_PLM0 : PFM_PLM3, &attr, exact, why);
	long fd;

	if (rc)
		return rc;
	attr.exclude_kernel = !kernel;
	attr.exclude_hv = 1;
	attr.disabled = leader < 0;
	attr.pinned = leader < 0;
	attr.read_format =
	    PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
	fd = syscall(SYS_perf_event_open, &attr, 0, -1, leader, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0) {
		rc = -errno;
		group_explain(errno, name, why);
		return rc;
	}
	return (int)fd;
}

static int perf_open(struct counter_group *group, const char *const *names, size_t n,
		     char exact[][GROUP_EXACT], char why[GROUP_WHY])
{
	for (; group->n < n; group->n++) {
		size_t i = group->n;
		int fd = open_event(names[i], i ? group->fd[0] : -1, exact ? exact[i] : NULL, why);

		if (fd < 0)
			return fd;
		group->fd[i] = fd;
	}
	if (ioctl(group->fd[0], PERF_EVENT_IOC_ENABLE, PERF_IOC_FLAG_GROUP)) {
		snprintf(why, GROUP_WHY, "%s: does not start", names[0]);
		return -EIO;
	}
	return 0;
}

static int perf_read(const struct counter_group *group, struct group_reading *out)
{
	uint64_t raw[3 + GROUP_MAX];
	size_t size = (3 + group->n) * sizeof raw[0];
	ssize_t got = read(group->fd[0], raw, sizeof raw);

	if (got == 0) { /* the pinned leader found no counter */
		ioctl(group->fd[0], PERF_EVENT_IOC_ENABLE, PERF_IOC_FLAG_GROUP);
		return -EAGAIN;
	}
	if (got != (ssize_t)size || raw[0] != group->n)
		return -EIO;
	out->enabled = raw[1];
	out->running = raw[2];
	memcpy(out->value, raw + 3, group->n * sizeof raw[0]);
	return 0;
}

/* ---- PAPI -------------------------------------------------------------------------------- */

static int papi_available(char why[GROUP_WHY])
{
	int id = PAPI_get_component_index("perf_event");
	const PAPI_component_info_t *info = id < 0 ? NULL : PAPI_get_component_info(id);

	if (!info) {
		snprintf(why, GROUP_WHY, "PAPI has no component perf_event");
		return -ENODEV;
	}
	/* EDELAY_INIT is no failure: the component comes up when its first event is added. */
	if (info->disabled && info->disabled != PAPI_EDELAY_INIT) {
		snprintf(why, GROUP_WHY,
			 "PAPI's component perf_event is disabled: %.100s (it needs a PMU, and a "
			 "libpfm whose own tables know the CPU)",
			 info->disabled_reason);
		return -ENODEV;
	}
	return 0;
}

static int papi_open(struct counter_group *group, const char *const *names, size_t n,
		     char exact[][GROUP_EXACT], char why[GROUP_WHY])
{
	char full[GROUP_EXACT];
	const char *what = "create";
	int rc;

	rc = PAPI_create_eventset(&group->set);
	if (rc == PAPI_OK) {
		what = "bind";
		rc = PAPI_assign_eventset_component(group->set,
						    PAPI_get_component_index("perf_event"));
	}
	for (; rc == PAPI_OK && group->n < n; group->n++) {
		what = names[group->n];
		snprintf(full, sizeof full, "%s:u=1:k=0", what);
		rc = PAPI_add_named_event(group->set, full);
		if (exact)
			snprintf(exact[group->n], GROUP_EXACT, "%s", full);
	}
	if (rc == PAPI_OK) {
		what = "start";
		rc = PAPI_start(group->set);
	}
	if (rc == PAPI_OK)
		return 0;
	snprintf(why, GROUP_WHY, "%s: PAPI: %s", what, PAPI_strerror(rc));
	return rc == PAPI_ECNFLCT || rc == PAPI_ECOUNT ? -EINVAL : -ENOENT;
}

static int papi_read(const struct counter_group *group, struct group_reading *out)
{
	long long value[GROUP_MAX];

	/* The read of a pinned group that is not on the PMU is short; PAPI
	 * reports it as a failure. */
	if (PAPI_read(group->set, value) != PAPI_OK)
		return -EAGAIN;
	for (size_t i = 0; i < group->n; i++)
		out->value[i] = (uint64_t)value[i];
	out->enabled = out->running = 0;
	return 0;
}

static void papi_close(struct counter_group *group)
{
	long long value[GROUP_MAX];

	if (group->set == PAPI_NULL)
		return;
	PAPI_stop(group->set, value);
	PAPI_cleanup_eventset(group->set);
	PAPI_destroy_eventset(&group->set);
}

/* ---- Kernel ------------------------------------------------------------------------------ */

enum { MINFLT, MAJFLT, FAULTS, SWITCHES, CLOCK, KERNEL_FIGURES };
static const struct {
	const char *name, *exact;
} kernel_figures[KERNEL_FIGURES] = {
	[MINFLT] = { "rusage:minflt", "RUSAGE_THREAD ru_minflt" },
	[MAJFLT] = { "rusage:majflt", "RUSAGE_THREAD ru_majflt" },
	[FAULTS] = { "rusage:faults", "RUSAGE_THREAD ru_minflt + ru_majflt" },
	[SWITCHES] = { "rusage:switches", "RUSAGE_THREAD ru_nvcsw + ru_nivcsw" },
	[CLOCK] = { "clock:thread", "CLOCK_THREAD_CPUTIME_ID" },
};

static int kernel_open(struct counter_group *group, const char *const *names, size_t n,
		       char exact[][GROUP_EXACT], char why[GROUP_WHY])
{
	for (; group->n < n; group->n++) {
		size_t i = group->n;
		int f = 0;

		while (f < KERNEL_FIGURES && strcmp(kernel_figures[f].name, names[i]) != 0)
			f++;
		if (f == KERNEL_FIGURES) {
			snprintf(why, GROUP_WHY, "%s: no such figure", names[i]);
			return -ENOENT;
		}
		group->fd[i] = f;
		if (exact)
			snprintf(exact[i], GROUP_EXACT, "%s", kernel_figures[f].exact);
	}
	return 0;
}

static int kernel_read(const struct counter_group *group, struct group_reading *out)
{
	struct timespec t;
	struct rusage u;

	if (getrusage(RUSAGE_THREAD, &u) || clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t))
		return -EIO;
	const uint64_t figure[KERNEL_FIGURES] = {
		[MINFLT] = (uint64_t)u.ru_minflt,
		[MAJFLT] = (uint64_t)u.ru_majflt,
		[FAULTS] = (uint64_t)(u.ru_minflt + u.ru_majflt),
		[SWITCHES] = (uint64_t)(u.ru_nvcsw + u.ru_nivcsw),
		[CLOCK] = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec,
	};
	for (size_t i = 0; i < group->n; i++)
		out->value[i] = figure[group->fd[i]];
	out->enabled = out->running = 0;
	return 0;
}

/* ---- All --------------------------------------------------------------------------------- */

int group_available(enum group_kind kind, char why[GROUP_WHY])
{
	static const char *const sample[] = {
		[GROUP_HARDWARE] = "perf::INSTRUCTIONS", [GROUP_SOFTWARE] = "perf::TASK-CLOCK"
	};
	int fd;

	if (kind == GROUP_PAPI)
		return papi_available(why);
	if (kind == GROUP_KERNEL)
		return 0;
	fd = open_event(sample[kind], -1, NULL, why);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

int group_open(struct counter_group *group, enum group_kind kind, const char *const *names,
	       size_t n, char exact[][GROUP_EXACT], char why[GROUP_WHY])
{
	int rc;

	*group = (struct counter_group){ .kind = kind, .set = PAPI_NULL };
	if (kind == GROUP_PAPI)
		rc = papi_open(group, names, n, exact, why);
	else if (kind == GROUP_KERNEL)
		rc = kernel_open(group, names, n, exact, why);
	else
		rc = perf_open(group, names, n, exact, why);
	if (rc)
		group_close(group);
	return rc;
}

int group_read(const struct counter_group *group, struct group_reading *out)
{
	if (group->kind == GROUP_PAPI)
		return papi_read(group, out);
	if (group->kind == GROUP_KERNEL)
		return kernel_read(group, out);
	return perf_read(group, out);
}

void group_close(struct counter_group *group)
{
	if (group->kind == GROUP_PAPI)
		papi_close(group);
	else if (group->kind != GROUP_KERNEL)
		for (size_t i = group->n; i-- > 0;)
			close(group->fd[i]);
	group->n = 0;
	group->set = PAPI_NULL;
}

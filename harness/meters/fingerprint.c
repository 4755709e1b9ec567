/* fingerprint.c - facts as a table: one row a fact, with the function that finds it. */
#include <cpuid.h>
#include <ctype.h>
#include <errno.h>
#include <gnu/libc-version.h>
#include <papi.h>
#include <perfmon/pfmlib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <zstd.h>

#include "meters/fingerprint.h"
#include "meters/events.h"
#include "meters/provenance.h"
#include "meters/tlb.h"
#include "base/llvm_c.h"
#include "base/sanitized.h"

enum { WHY = PROVENANCE_WHY, TEXT = 4096 };

/* A text that jansson accepts: bytes that are not printable ASCII become '?'. */
static json_t *text(const char *s)
{
	char clean[TEXT];
	size_t n = 0;

	for (; s[n] && n < sizeof clean - 1; n++)
		clean[n] =
		    isascii((unsigned char)s[n]) && isprint((unsigned char)s[n]) ? s[n] : '?';
	while (n && clean[n - 1] == ' ')
		n--;
	return json_stringn(clean, n);
}

/* The first line of a file without its end. 0 or -errno with a reason. */
static int first_line(const char *path, char out[TEXT], char why[WHY])
{
	FILE *f = fopen(path, "re");
	int r = 0;

	if (!f || !fgets(out, TEXT, f)) {
		r = errno ? -errno : -EIO;
		snprintf(why, WHY, "%s: %s", path, f ? "empty" : strerror(errno));
	} else {
		out[strcspn(out, "\n")] = 0;
	}
	if (f)
		fclose(f);
	return r;
}

static json_t *of_file(const char *path, char why[WHY])
{
	char line[TEXT];

	return first_line(path, line, why) ? NULL : text(line);
}

static json_t *number_of_file(const char *path, char why[WHY])
{
	char line[TEXT];

	return first_line(path, line, why) ? NULL : json_integer(atoll(line));
}

/* "always [madvise] never": the word in brackets. */
static json_t *chosen_of_file(const char *path, char why[WHY])
{
	char line[TEXT], *from, *to;

	if (first_line(path, line, why))
		return NULL;
	from = strchr(line, '[');
	to = from ? strchr(from, ']') : NULL;
	if (!to)
		return text(line);
	*to = 0;
	return text(from + 1);
}

static json_t *of_cpuinfo(const char *key, char why[WHY])
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[TEXT];
	json_t *v = NULL;

	while (f && !v && fgets(line, sizeof line, f)) {
		char *colon = strchr(line, ':');
		size_t len = strlen(key);
		if (!colon || strncmp(line, key, len) || !isspace((unsigned char)line[len]))
			continue;
		if (line[len + strspn(line + len, " \t")] != ':')
			continue; /* "model" is not "model name" */
		line[strcspn(line, "\n")] = 0;
		v = text(colon + 1 + strspn(colon + 1, " "));
	}
	if (f)
		fclose(f);
	if (!v)
		snprintf(why, WHY, "/proc/cpuinfo has no '%s'", key);
	return v;
}

/* The words of the kernel's command line that bear on speed; the others may name hosts. */
static json_t *cmdline(const char *path, char why[WHY])
{
	static const char *const known[] = { "mitigations",
					     "isolcpus",
					     "nohz_full",
					     "rcu_nocbs",
					     "nosmt",
					     "idle",
					     "processor.",
					     "intel_idle.",
					     "intel_pstate",
					     "amd_pstate",
					     "transparent_hugepage",
					     "hugepages",
					     "tsc",
					     "clocksource",
					     "spec" };
	char line[TEXT], kept[TEXT] = "", *word, *rest = line;

	if (first_line(path, line, why))
		return NULL;
	while ((word = strsep(&rest, " "))) {
		size_t i = 0, n = sizeof known / sizeof *known;
		while (i < n && strncmp(word, known[i], strlen(known[i])))
			i++;
		if (i < n && strlen(kept) + strlen(word) + 2 < sizeof kept)
			strcat(strcat(kept, *kept ? " " : ""), word);
	}
	return text(kept);
}

static json_t *cores(const char *arg, char why[WHY])
{
	(void)arg, (void)why;
	return json_integer(sysconf(_SC_NPROCESSORS_ONLN));
}

static json_t *page_size(const char *arg, char why[WHY])
{
	(void)arg, (void)why;
	return json_integer(sysconf(_SC_PAGESIZE));
}

static json_t *geometry(long size, long line, long sets)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "size", (json_int_t)size, "line", (json_int_t)line,
			 "sets", (json_int_t)sets, "ways", (json_int_t)(size / line / sets));
}

/* A cache from CPUID, if sysfs lists none: the form is the same on Intel
 * (4) and AMD (8000001Dh). */
static json_t *cache_of_cpuid(unsigned level, unsigned type)
{
	static const unsigned leaves[] = { 4, 0x8000001d };
	unsigned a, b, c, d;

	for (size_t i = 0; i < 2 && !uarch_hidden(); i++)
		for (unsigned sub = 0; sub < 8; sub++) {
			if (!__get_cpuid_count(leaves[i], sub, &a, &b, &c, &d) || !(a & 31))
				break;
			if ((a >> 5 & 7) == level && (a & 31) == type) {
				long line = (b & 4095) + 1, ways = (b >> 22) + 1,
				     sets = (long)c + 1;
				return geometry(line * ways * sets, line, sets);
			}
		}
	return NULL;
}

static json_t *itlb(const char *arg, char why[WHY])
{
	struct tlb t;

	(void)arg;
	if (!tlb_of_code(&t))
		return json_pack("{s:I, s:I}", "entries", (json_int_t)t.entries, "ways",
				 (json_int_t)t.ways);
	snprintf(why, WHY, "CPUID does not tell");
	return NULL;
}

/* arg: level, then the first letter of the type: "1I", "1D", "2U". */
static json_t *cache(const char *arg, char why[WHY])
{
	static const char *const parts[] = { "level", "type", "size", "coherency_line_size",
					     "number_of_sets" };
	char line[TEXT], path[128];
	unsigned type = arg[1] == 'D' ? 1 : arg[1] == 'I' ? 2 : 3;
	json_t *v;

	for (int index = 0; index < 8 && !uarch_hidden(); index++) {
		long value[5] = { 0 };
		bool same = true;
		for (int i = 0; i < 5 && same; i++) {
			snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/%s",
				 index, parts[i]);
			same = !first_line(path, line, why) && (i > 1 || *line == arg[i]);
			value[i] = strtol(line, NULL, 10) * (strchr(line, 'K') ? 1024 : 1);
		}
		if (same && value[2] && value[3] && value[4])
			return geometry(value[2], value[3], value[4]);
	}
	if (!(v = cache_of_cpuid((unsigned)(arg[0] - '0'), type)))
		snprintf(why, WHY, "neither sysfs nor CPUID tells");
	return v;
}

static json_t *kernel(const char *arg, char why[WHY])
{
	struct utsname u;

	(void)arg, (void)why;
	uname(&u);
	return text(u.release);
}

static json_t *hypervisor(const char *arg, char why[WHY])
{
	unsigned a, b, c, d, name[4] = { 0 };

	(void)arg, (void)why;
	__cpuid(1, a, b, c, d);
	if (!(c >> 31))
		return json_false();
	__cpuid(0x40000000, a, name[0], name[1], name[2]);
	return text((const char *)name);
}

static json_t *turbo(const char *arg, char why[WHY])
{
	char line[TEXT];

	(void)arg;
	if (!first_line("/sys/devices/system/cpu/intel_pstate/no_turbo", line, why))
		return json_boolean(*line == '0');
	if (!first_line("/sys/devices/system/cpu/cpufreq/boost", line, why))
		return json_boolean(*line == '1');
	snprintf(why, WHY, "no cpufreq in sysfs: the host decides, or no driver");
	return NULL;
}

static json_t *mitigations(const char *arg, char why[WHY])
{
	static const char *const names[] = { "spectre_v2", "retbleed", "spec_rstack_overflow",
					     "indirect_target_selection", "vmscape" };
	char path[128], line[TEXT];
	json_t *all = json_object();

	(void)arg;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "/sys/devices/system/cpu/vulnerabilities/%s", names[i]);
		if (!first_line(path, line, why))
			json_object_set_new(all, names[i], text(line));
	}
	return all;
}

static json_t *libc(const char *arg, char why[WHY])
{
	(void)arg, (void)why;
	return json_sprintf("glibc %s", gnu_get_libc_version());
}

static json_t *llvm(const char *arg, char why[WHY])
{
	char reason[LLVM_WHY];
	unsigned major, minor, patch;

	(void)arg;
	if (!llvm_load(reason)) {
		snprintf(why, WHY, "%.150s", reason);
		return NULL;
	}
	LLVMGetVersion(&major, &minor, &patch);
	return json_sprintf("%u.%u.%u", major, minor, patch);
}

static json_t *papi(const char *arg, char why[WHY])
{
	(void)arg, (void)why;
	return json_sprintf("%u.%u.%u", PAPI_VERSION_MAJOR(PAPI_VERSION),
			    PAPI_VERSION_MINOR(PAPI_VERSION), PAPI_VERSION_REVISION(PAPI_VERSION));
}

static json_t *libpfm(const char *arg, char why[WHY])
{
	int v = pfm_get_version();

	(void)arg, (void)why;
	return json_sprintf("%d.%d", PFM_MAJ_VERSION(v), PFM_MIN_VERSION(v));
}

static json_t *jansson(const char *arg, char why[WHY])
{
	(void)arg, (void)why;
	return text(jansson_version_str());
}

static json_t *zstd(const char *arg, char why[WHY])
{
	(void)arg, (void)why;
	return text(ZSTD_versionString());
}

static json_t *compiler(const char *arg, char why[WHY])
{
	(void)arg, (void)why;
#ifdef __clang__
	return text(__VERSION__);
#else
	return text("gcc " __VERSION__);
#endif
}

static json_t *build(const char *arg, char why[WHY])
{
	(void)arg, (void)why;
#if defined(__OPTIMIZE__)
	const char *plain = "optimised";
#else
	const char *plain = "not optimised";
#endif
	return json_string(SANITIZED ? "sanitized" : plain);
}

static json_t *program(const char *arg, char why[WHY])
{
	(void)arg;
	return provenance_program(why);
}

static json_t *tree(const char *arg, char why[WHY])
{
	(void)arg;
	return provenance_tree(why);
}

static const struct fact {
	const char *key;
	json_t *(*find)(const char *arg, char why[WHY]);
	const char *arg;
} facts[] = {
	{ "cpu_vendor", of_cpuinfo, "vendor_id" },
	{ "cpu_model", of_cpuinfo, "model name" },
	{ "cpu_family", of_cpuinfo, "cpu family" },
	{ "cpu_model_number", of_cpuinfo, "model" },
	{ "cpu_stepping", of_cpuinfo, "stepping" },
	{ "microcode", of_cpuinfo, "microcode" },
	{ "cores", cores, NULL },
	{ "page_size", page_size, NULL },
	{ "l1i", cache, "1I" },
	{ "l1d", cache, "1D" },
	{ "l2", cache, "2U" },
	{ "l3", cache, "3U" },
	{ "itlb", itlb, NULL },
	{ "kernel", kernel, NULL },
	{ "cmdline", cmdline, "/proc/cmdline" },
	{ "hypervisor", hypervisor, NULL },
	{ "governor", of_file, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor" },
	{ "turbo", turbo, NULL },
	{ "smt", number_of_file, "/sys/devices/system/cpu/smt/active" },
	{ "aslr", number_of_file, "/proc/sys/kernel/randomize_va_space" },
	{ "thp", chosen_of_file, "/sys/kernel/mm/transparent_hugepage/enabled" },
	{ "perf_event_paranoid", number_of_file, "/proc/sys/kernel/perf_event_paranoid" },
	{ "mitigations", mitigations, NULL },
	{ "libc", libc, NULL },
	{ "llvm", llvm, NULL },
	{ "papi", papi, NULL },
	{ "libpfm", libpfm, NULL },
	{ "jansson", jansson, NULL },
	{ "zstd", zstd, NULL },
	{ "compiler", compiler, NULL },
	{ "build", build, NULL },
	{ "program", program, NULL },
	{ "tree", tree, NULL },
};

json_t *env_machine(void)
{
	json_t *machine = json_object(), *missing = json_object();

	for (size_t i = 0; machine && missing && i < sizeof facts / sizeof *facts; i++) {
		char why[WHY] = "not to be had";
		json_t *v = facts[i].find(facts[i].arg, why);
		/* A program of no commit has a hash, and a reason. */
		if (!v || json_is_null(json_object_get(v, "commit")))
			json_object_set_new(missing, facts[i].key, text(why));
		json_object_set_new(machine, facts[i].key, v ? v : json_null());
	}
	if (json_object_set_new(machine, "missing", missing)) {
		json_decref(machine);
		return NULL;
	}
	return machine;
}

void env_moment(struct env_moment *m)
{
	char line[TEXT], why[WHY], *at;
	long ticks = sysconf(_SC_CLK_TCK);

	*m = (struct env_moment){ -1, -1, -1 };
	if (!first_line("/proc/loadavg", line, why))
		m->load = strtod(line, NULL);
	if (first_line("/proc/stat", line, why) || ticks <= 0)
		return;
	at = line + strcspn(line, " ");
	m->total_ms = 0;
	for (int column = 1; column <= 8;
	     column++) { /* user nice system idle iowait irq softirq steal */
		int64_t ms = strtoll(at, &at, 10) * 1000 / ticks;
		m->total_ms += ms;
		m->steal_ms = ms;
	}
}

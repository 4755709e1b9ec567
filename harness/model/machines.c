/*
 * machines.c - the table of machines; a new machine is a new row.
 *
 * Sources of the rows' L1I and ITLB figures, as `note` names them:
 *   jiegec     microarchitecture notes at jia.je (Intel's and Apple's guides quoted, and own tests)
 *   CCSIDR     the register values in QEMU's models of Arm cores
 *   CPUID      sysfs and CPUID of such a machine
 *   WikiChip   the article of that site
 * L1D, L2, DTLB and STLB figures, unless noted otherwise, are common knowledge and marked
 * uncertain. No maker documents the replacement of a first-level cache; LRU stands for every
 * unknown one. Branch-target buffers are modelled only if tests published an index; op caches
 * (AMD's) after common accounts of AMD's guides.
 */
#include <errno.h>
#include <string.h>

#include "model/machines.h"

#define K	*1024u
#define V	INDEX_VIRTUAL
#define P	INDEX_PHYSICAL
#define LOCAL	SOURCE_LOCAL
#define MANUAL	SOURCE_MANUAL
#define TESTS	SOURCE_TESTS
#define UNSURE	SOURCE_UNCERTAIN
#define UNKNOWN { 0, 0, 0, SOURCE_NONE }

const struct machine machines[] = {
	{ .name = "skylake",
	  .core = "Intel Skylake",
	  .note = "",
	  .line = 64,
	  .page = 4 K,
	  .l1i = { 32 K, 8, V, UNSURE },
	  .l1d = { 32 K, 8, V, UNSURE },
	  .l2 = { 256 K, 4, P, UNSURE },
	  .itlb = { 128, 8, UNSURE },
	  .dtlb = { 64, 4, UNSURE },
	  .stlb = { 1536, 12, UNSURE },
	  .btb = UNKNOWN },
	{ .name = "ice-lake",
	  .core = "Intel Sunny Cove, Willow Cove",
	  .note = "",
	  .line = 64,
	  .page = 4 K,
	  .l1i = { 32 K, 8, V, UNSURE },
	  .l1d = { 48 K, 12, V, UNSURE },
	  .l2 = { 512 K, 8, P, UNSURE },
	  .itlb = { 128, 8, UNSURE },
	  .dtlb = { 64, 4, UNSURE },
	  .stlb = { 2048, 16, UNSURE },
	  .btb = UNKNOWN },
	{ .name = "golden-cove",
	  .core = "Intel Golden Cove, Raptor Cove",
	  .note = "ITLB 32 sets of 8: jiegec (Intel's manual and tests); L1I ways uncertain",
	  .line = 64,
	  .page = 4 K,
	  .l1i = { 32 K, 8, V, MANUAL },
	  .l1d = { 48 K, 12, V, UNSURE },
	  .l2 = { 2048 K, 16, P, UNSURE },
	  .itlb = { 256, 8, TESTS },
	  .dtlb = { 96, 6, UNSURE },
	  .stlb = { 2048, 16, UNSURE },
	  .btb = UNKNOWN },
	{ .name = "redwood-cove",
	  .core = "Intel Redwood Cove",
	  .note = "size and ITLB: jiegec; 16 ways unverified (8 ways of 128 sets hold as many page "
		  "starts)",
	  .line = 64,
	  .page = 4 K,
	  .l1i = { 64 K, 16, V, UNSURE },
	  .l1d = { 48 K, 12, V, UNSURE },
	  .l2 = { 2048 K, 16, P, UNSURE },
	  .itlb = { 256, 8, UNSURE },
	  .dtlb = { 96, 6, UNSURE },
	  .stlb = { 2048, 16, UNSURE },
	  .btb = UNKNOWN },
	{ .name = "gracemont",
	  .core = "Intel Gracemont",
	  .note = "size and ITLB: jiegec",
	  .line = 64,
	  .page = 4 K,
	  .l1i = { 64 K, 8, V, UNSURE },
	  .l1d = { 32 K, 8, V, UNSURE },
	  .l2 = { 2048 K, 16, P, UNSURE },
	  .itlb = { 64, 64, TESTS },
	  .dtlb = { 32, 32, UNSURE },
	  .stlb = { 2048, 4, UNSURE },
	  .btb = UNKNOWN },
	{ .name = "zen1",
	  .core = "AMD Zen",
	  .note = "",
	  .line = 64,
	  .page = 4 K,
	  .l1i = { 64 K, 4, V, UNSURE },
	  .l1d = { 32 K, 8, V, UNSURE },
	  .l2 = { 512 K, 8, P, UNSURE },
	  .itlb = { 64, 64, UNSURE },
	  .dtlb = { 64, 64, UNSURE },
	  .stlb = { 512, 8, UNSURE },
	  .btb = UNKNOWN,
	  .ops = { 256, 8, UNSURE } },
	{ .name = "zen2",
	  .core = "AMD Zen 2, Zen 3",
	  .note = "",
	  .line = 64,
	  .page = 4 K,
	  .l1i = { 32 K, 8, V, UNSURE },
	  .l1d = { 32 K, 8, V, UNSURE },
	  .l2 = { 512 K, 8, P, UNSURE },
	  .itlb = { 64, 64, UNSURE },
	  .dtlb = { 64, 64, UNSURE },
	  .stlb = { 512, 8, UNSURE },
	  .btb = UNKNOWN,
	  .ops = { 512, 8, UNSURE } },
	{ .name = "zen4",
	  .core = "AMD Zen 4",
	  .note = "",
	  .line = 64,
	  .page = 4 K,
	  .l1i = { 32 K, 8, V, UNSURE },
	  .l1d = { 32 K, 8, V, UNSURE },
	  .l2 = { 1024 K, 8, P, UNSURE },
	  .itlb = { 64, 64, UNSURE },
	  .dtlb = { 72, 72, UNSURE },
	  .stlb = { 512, 8, UNSURE },
	  .btb = UNKNOWN,
	  .ops = { 768, 12, UNSURE } },
	{ .name = "zen5",
	  .core = "AMD Zen 5",
	  .note =
	      "caches: CPUID; TLBs: jiegec (a guest's CPUID tells other ways of the STLB); op "
	      "cache of 64 sets of 16: on such a machine calls of page starts slow down after 16",
	  .line = 64,
	  .page = 4 K,
	  .l1i = { 32 K, 8, V, LOCAL },
	  .l1d = { 48 K, 12, V, LOCAL },
	  .l2 = { 1024 K, 16, P, LOCAL },
	  .itlb = { 64, 64, TESTS },
	  .dtlb = { 96, 96, UNSURE },
	  .stlb = { 2048, 8, UNSURE },
	  .btb = UNKNOWN,
	  .ops = { 1024, 16, UNSURE } },
	{ .name = "apple-m1-p",
	  .core = "Apple M1..M4, performance core (Firestorm on)",
	  .note = "Apple's guide, by jiegec; BTB 512 sets of 2 by PC[10:2]: tests",
	  .line = 64,
	  .page = 16 K,
	  .l1i = { 192 K, 6, V, MANUAL },
	  .l1d = { 128 K, 8, V, UNSURE },
	  .l2 = { 8192 K, 16, P, UNSURE },
	  .itlb = { 192, 192, MANUAL },
	  .dtlb = { 160, 160, UNSURE },
	  .stlb = { 3072, 12, UNSURE },
	  .btb = { 1024, 2, 2, TESTS } },
	{ .name = "apple-m1-e",
	  .core = "Apple M1, efficiency core",
	  .note = "Apple's guide, by jiegec",
	  .line = 64,
	  .page = 16 K,
	  .l1i = { 128 K, 8, V, MANUAL },
	  .l1d = { 64 K, 8, V, UNSURE },
	  .l2 = { 4096 K, 16, P, UNSURE },
	  .itlb = { 128, 128, MANUAL },
	  .dtlb = { 128, 128, UNSURE },
	  .stlb = { 1024, 4, UNSURE },
	  .btb = UNKNOWN },
	{ .name = "apple-m2-e",
	  .core = "Apple M2..M4, efficiency core",
	  .note = "Apple's guide, by jiegec",
	  .line = 64,
	  .page = 16 K,
	  .l1i = { 128 K, 4, V, MANUAL },
	  .l1d = { 64 K, 8, V, UNSURE },
	  .l2 = { 4096 K, 16, P, UNSURE },
	  .itlb = { 192, 192, MANUAL },
	  .dtlb = { 192, 192, UNSURE },
	  .stlb = { 2048, 8, UNSURE },
	  .btb = UNKNOWN },
	{ .name = "neoverse-n1",
	  .core = "Arm Neoverse N1, Cortex-A76",
	  .note = "L1I: CCSIDR, WikiChip; main BTB 1024 sets of 3 pairs by PC[14:5]: tests",
	  .line = 64,
	  .page = 4 K,
	  .l1i = { 64 K, 4, P, MANUAL },
	  .l1d = { 64 K, 4, P, MANUAL },
	  .l2 = { 1024 K, 8, P, UNSURE },
	  .itlb = { 48, 48, UNSURE },
	  .dtlb = { 48, 48, UNSURE },
	  .stlb = { 1280, 5, UNSURE },
	  .btb = { 6144, 6, 5, TESTS } },
	{ .name = "neoverse-v2",
	  .core = "Arm Neoverse V2, V3",
	  .note =
	      "jiegec (Arm's manual): indexed by virtual address, behaves as by physical; PLRU; "
	      "about half of the STLB is usable by code",
	  .line = 64,
	  .page = 4 K,
	  .policy = CACHE_PLRU,
	  .l1i = { 64 K, 4, P, MANUAL },
	  .l1d = { 64 K, 4, P, MANUAL },
	  .l2 = { 2048 K, 8, P, UNSURE },
	  .itlb = { 48, 48, MANUAL },
	  .dtlb = { 48, 48, MANUAL },
	  .stlb = { 2048, 8, UNSURE },
	  .btb = UNKNOWN },
	{ .name = "cortex-a78",
	  .core = "Arm Cortex-A78(AE)",
	  .note = "caches: CCSIDR",
	  .line = 64,
	  .page = 4 K,
	  .l1i = { 64 K, 4, P, MANUAL },
	  .l1d = { 64 K, 4, P, MANUAL },
	  .l2 = { 512 K, 8, P, MANUAL },
	  .itlb = { 32, 32, UNSURE },
	  .dtlb = { 32, 32, UNSURE },
	  .stlb = { 1024, 4, UNSURE },
	  .btb = UNKNOWN },
	{ .name = "cortex-a72",
	  .core = "Arm Cortex-A72",
	  .note = "L1I: CCSIDR",
	  .line = 64,
	  .page = 4 K,
	  .l1i = { 48 K, 3, P, MANUAL },
	  .l1d = { 32 K, 2, P, MANUAL },
	  .l2 = { 1024 K, 16, P, UNSURE },
	  .itlb = { 48, 48, UNSURE },
	  .dtlb = { 32, 32, UNSURE },
	  .stlb = { 1024, 4, UNSURE },
	  .btb = UNKNOWN },
	{ .name = "cortex-a55",
	  .core = "Arm Cortex-A55",
	  .note = "L1I: CCSIDR (16 to 64 KiB)",
	  .line = 64,
	  .page = 4 K,
	  .l1i = { 32 K, 4, P, MANUAL },
	  .l1d = { 32 K, 4, P, MANUAL },
	  .l2 = { 128 K, 4, P, UNSURE },
	  .itlb = { 15, 15, UNSURE },
	  .dtlb = { 16, 16, UNSURE },
	  .stlb = { 1024, 4, UNSURE },
	  .btb = UNKNOWN },
	{ .name = "cortex-a53",
	  .core = "Arm Cortex-A53",
	  .note = "8 to 64 KiB",
	  .line = 64,
	  .page = 4 K,
	  .l1i = { 32 K, 2, P, UNSURE },
	  .l1d = { 32 K, 4, P, UNSURE },
	  .l2 = { 512 K, 16, P, UNSURE },
	  .itlb = { 10, 10, UNSURE },
	  .dtlb = { 10, 10, UNSURE },
	  .stlb = { 512, 4, UNSURE },
	  .btb = UNKNOWN },
	{ .name = "oryon",
	  .core = "Qualcomm Oryon",
	  .note = "L1I, ITLB (32 sets of 8) and BTB (1024 sets of 2 by PC[11:2]): jiegec's tests",
	  .line = 64,
	  .page = 4 K,
	  .l1i = { 192 K, 6, V, TESTS },
	  .l1d = { 96 K, 6, V, UNSURE },
	  .l2 = { 12288 K, 12, P, UNSURE },
	  .itlb = { 256, 8, TESTS },
	  .dtlb = { 224, 7, UNSURE },
	  .stlb = { 8192, 8, UNSURE },
	  .btb = { 2048, 2, 2, TESTS } },
	{ .name = "a64fx",
	  .core = "Fujitsu A64FX",
	  .note = "lines of 256 bytes",
	  .line = 256,
	  .page = 64 K,
	  .l1i = { 64 K, 4, P, UNSURE },
	  .l1d = { 64 K, 4, P, UNSURE },
	  .l2 = { 8192 K, 16, P, UNSURE },
	  .itlb = { 16, 16, UNSURE },
	  .dtlb = { 16, 16, UNSURE },
	  .stlb = { 1024, 4, UNSURE },
	  .btb = UNKNOWN },
};
const size_t machines_n = sizeof machines / sizeof *machines;

const struct machine *machine_find(const char *name)
{
	for (size_t i = 0; i < machines_n; i++)
		if (!strcmp(machines[i].name, name))
			return &machines[i];
	return NULL;
}

/* ---- From a fingerprint ----------------------------------------------------------------- */

static bool read_cache(const json_t *fingerprint, const char *key, enum machine_index index,
		       struct machine_cache *out, uint32_t *line)
{
	const json_t *c = json_object_get(fingerprint, key);
	json_int_t size = json_integer_value(json_object_get(c, "size"));
	json_int_t ways = json_integer_value(json_object_get(c, "ways"));
	json_int_t bytes = json_integer_value(json_object_get(c, "line"));

	if (size <= 0 || ways <= 0 || bytes <= 0 || size > UINT32_MAX)
		return false;
	*out = (struct machine_cache){ (uint32_t)size, (uint32_t)ways, index, LOCAL };
	*line = (uint32_t)bytes;
	return true;
}

int machine_of_fingerprint(const json_t *fingerprint, struct machine *out)
{
	*out =
	    (struct machine){ .name = "host",
			      .core = "the machine of the run",
			      .note = "caches: sysfs or CPUID; ITLB: CPUID; the other TLBs are not "
				      "told",
			      .page = 4 K };
	const json_t *itlb = json_object_get(fingerprint, "itlb");
	json_int_t entries = json_integer_value(json_object_get(itlb, "entries"));
	json_int_t ways = json_integer_value(json_object_get(itlb, "ways"));

	if (entries > 0 && entries < 1 << 16 && ways > 0 && entries % ways == 0)
		out->itlb = (struct machine_tlb){ (uint32_t)entries, (uint32_t)ways, LOCAL };
	read_cache(fingerprint, "l2", P, &out->l2, &out->line);
	read_cache(fingerprint, "l1d", V, &out->l1d, &out->line);
	return read_cache(fingerprint, "l1i", V, &out->l1i, &out->line) ? 0 : -ENOENT;
}

# make            build/stubmap and build/libstubmap.a
# make wasm       the live wasm programs (kernel, table, lua, sqlite)
# make install    the library alone: headers, libstubmap.a, stubmap.pc (PREFIX=/usr/local, DESTDIR)
# make check      everything that is tested, with ASan and UBSan   (the test command)
# make check ONLY="stubs stubs_threads"   tests/test_stubs.c and so on alone
# make check ARM=pool                     the tests of one allocator or encoder, and with it alone
# make fuzz       each reader of foreign files under libFuzzer, TIME=10 seconds each (scripts/fuzz)
# make smoke      every arm on every workload once
# make reproduce  the reference runs, their tables and figures (scripts/reproduce)
# make paper      PAPER.pdf, of PAPER.md and its figures (scripts/paper)
# make format     clang-format
#
# Each target first installs what it needs and what is missing (scripts/setup, through apt-get).

BUILD   ?= build
$(if $(word 2,$(BUILD)),$(error BUILD has a blank: make can't name such files))
JOBS     = $(if $(findstring j,$(filter-out --%,$(MAKEFLAGS))),,-j$(shell nproc))
CC      ?= cc
LLVM    := /usr/lib/llvm-19
WARN    := -Wall -Wextra -Wpedantic $(if $(CI),-Werror)
# valgrind 3.19 cannot read the DWARF 5 that clang 19 writes.
CFLAGS  ?= -O2 -g $(if $(findstring clang,$(CC)),-gdwarf-4)
# Two builds of one commit give the same objects, in whatever folders: no path of a machine is in them.
MAPPED  := '-ffile-prefix-map=$(CURDIR)=.' '-ffile-prefix-map=$(BUILD)/=build/'
STD     := -std=c17 -D_GNU_SOURCE $(WARN) -fno-omit-frame-pointer $(MAPPED)
# Clang's "function" check reads bytes before each called function, which stubs do not have.
# Reports name lines; what a debugger would want besides takes a fifth of the time of a build.
SANFLAGS := -fsanitize=address,undefined -fno-sanitize-recover=undefined -O1 -g1 \
            $(if $(findstring clang,$(CC)),-fno-sanitize=function)
TSANFLAGS := -fsanitize=thread -O1 -g1
# Include paths of harness and tests: rooms by their names, the library by its installed headers.
VIEW     = -iquote . -iquote harness -I$(BUILD)/include -isystem $(LLVM)/include \
           -DLLVM_LIBRARY='"$(LLVM)/lib/libLLVM-19.so"'
PUBLIC  := $(patsubst %,$(BUILD)/include/stubmap/%.h,stub types code map version watch)
# LLVM's linker takes a sixth of the time of binutils' for the hundred programs with debug
# information. LLVM itself is loaded when it is needed (harness/base/llvm.h): a program's start would
# else be most of a short one's time.
LINK    := -B$(LLVM)/bin -fuse-ld=lld -Wl,--as-needed -Wl,-z,lazy
# What UBSan keeps of each check would be relocated at each start of a program that may lie anywhere;
# two tests do lie anywhere.
fixed    = $(if $(findstring address,$(1)),-no-pie)
LIBS    := -ljansson -lzstd -lelf -lpapi -lpfm -lm -lpthread

STRAT := $(wildcard strategies/*.c strategies/*/*.c)
ENCODERS := $(wildcard strategies/maps/*.c)
WORK  := $(wildcard workloads/*.c)
HARN  := $(wildcard harness/*/*.c)
TESTS := $(wildcard tests/test_*.c)
FUZZ  := $(patsubst tests/%.c,%,$(filter-out tests/fuzz_main.c,$(wildcard tests/fuzz_*.c)))
# Tests that call LLVM themselves.
CALLERS := $(shell grep -lE 'import_samples.h|<llvm-c/' $(TESTS))
# Tests of the library's internals: they are linked with its objects.
INSIDE := $(shell grep -l '"strategies/' $(TESTS))
THREADED := $(BUILD)/tsan/tests/test_tierup $(BUILD)/tsan/tests/test_stubs_threads \
            $(BUILD)/tsan/tests/test_stubs_moves
# The long ones first, so that none is left to run alone at the end.
LONG  := wasm cmd_maps tierup collector map_count cell_refusals gc_random survival cli tenants cache \
         frames cli_runs ledger figures stubs cold doctor
PROGRAMS := $(THREADED) scripts/take-home $(LONG:%=$(BUILD)/san/tests/test_%)
PROGRAMS += $(filter-out $(PROGRAMS),$(TESTS:tests/%.c=$(BUILD)/san/tests/%))
PROGRAMS += $(FUZZ:%=$(BUILD)/san/tests/%)
# One allocator or encoder: the tests that go through the lists of arms, and of them that arm alone.
ifdef ARM
ARMS := $(shell awk '/define STUB_LIST/ {l = "stubs"} /define MAP_LIST/ {l = "maps"} \
	match($$0, /X\([a-z0-9_]+\)/) {print l ":" substr($$0, RSTART + 2, RLENGTH - 3)}' strategies/list.h)
ARM_ROW := $(filter %:$(subst -,_,$(subst +,_,$(ARM))),$(ARMS))
$(if $(ARM_ROW),,$(error ARM: there is no allocator or encoder '$(ARM)'; allowed: \
	$(subst _,+,$(patsubst stubs:%,%,$(filter stubs:%,$(ARMS)))) $(subst _,-,$(patsubst maps:%,%,$(filter maps:%,$(ARMS))))))
ONLY ?= $(if $(filter stubs:%,$(ARM_ROW)),stubs stubs_life stubs_running stubs_refs stubs_room stubs_limits \
	stubs_compact stubs_threads stubs_moves tierup collector,maps maps_corpora maps_damage collector safety)
export STUBMAP_TEST_ARM := $(ARM)
endif
ifdef ONLY
$(foreach t,$(filter-out $(FUZZ),$(ONLY)),$(if $(wildcard tests/test_$(t).c),,$(error ONLY: there is no tests/test_$(t).c)))
PROGRAMS := $(foreach t,$(ONLY),$(filter %/test_$(t),$(THREADED)) $(BUILD)/san/tests/$(if $(filter $(t),$(FUZZ)),$(t),test_$(t)))
endif
GC    := $(patsubst workloads/gc/%.c,%,$(wildcard workloads/gc/*.c))
# Programs on a collected heap: bitcode that the JIT compiles, carried in the executable, and a
# native twin each. Clang's own passes stay off: the JIT's tiers are to start from the same module.
BITCODE  := clang-19 -std=c17 $(WARN) -O1 -Xclang -disable-llvm-passes -emit-llvm \
            -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables

# Allocators that others wrote, an object each where its library is (scripts/peer-build); none is
# linked with the program. Where one is not there, the next make tries again.
PEERS    := $(patsubst harness/peers/arms/%,$(BUILD)/peers/%.so,$(basename $(wildcard harness/peers/arms/*)))

COMMA   := ,
obj      = $(patsubst %.c,$(1)/obj/%.o,$(2))
gcobj    = $(patsubst %,$(1)/gc/%.o,$(2)) $(patsubst %,$(1)/gc/native/%.o,$(2))
# Live wasm programs, made by scripts/wasm-build: one set for BUILD's variants, since no host
# compiler and no sanitizer touches them. Where a source can't be fetched, the next make tries again.
WASM     := $(BUILD)/wasm
LIVE     := $(patsubst %,$(WASM)/%/complete,kernel table lua sqlite)
BAD      := $(patsubst workloads/wasm/%.wat,$(WASM)/%/complete,$(wildcard workloads/wasm/bad/*.wat))
WASM_OF  := $(filter-out %.md,$(wildcard workloads/wasm/*.*))
# The library is one object that exports only its public names: a program links all of it.
EXPORT   := --wildcard --localize-hidden $(patsubst %,--keep-global-symbol='%_*',stub code map safepoint)
HARNLIB  := $(filter-out harness/cli/main.c,$(HARN))
# What the tests of THREADED can use: the rooms from measure down (scripts/rooms.txt).
THREADED_HARN := $(filter-out harness/cli/% harness/maps/% harness/analysis/%,$(HARNLIB))

.DEFAULT_GOAL := all
.PHONY: all wasm check smoke reproduce paper format clean setup setup-all FORCE

all: setup
	@$(MAKE) --no-print-directory $(JOBS) $(BUILD)/stubmap $(BUILD)/libstubmap.a $(PEERS) \
		$(BUILD)/stubmap.1 $(BUILD)/stubmap.bash

wasm: setup-all
	@$(MAKE) --no-print-directory $(JOBS) $(LIVE)

# What the program says of its commands and options: man -l build/stubmap.1; . build/stubmap.bash
$(BUILD)/stubmap.1: scripts/man $(BUILD)/stubmap
	@scripts/man $(BUILD)/stubmap >$@.new && mv $@.new $@

$(BUILD)/stubmap.bash: scripts/man $(BUILD)/stubmap
	@scripts/man --bash $(BUILD)/stubmap >$@.new && mv $@.new $@

setup:
	@scripts/setup

setup-all:
	@scripts/setup all

# The tests run under ASan and UBSan, those with threads under TSan as well. Stubs and JIT code are
# machine code that no sanitizer sees into; what they call and are called by is instrumented. What
# else a test leaves out is said at its head.
check: setup-all
	@$(MAKE) --no-print-directory $(JOBS) $(BUILD)/stubmap $(BUILD)/libstubmap.a check-programs
	@scripts/rooms $(BUILD)
	@BUILD="$(BUILD)" CC="$(CC)" STUBMAP_TEST_OBJECTS=$(BUILD)/objects scripts/run-tests $(PROGRAMS)

.PHONY: check-programs
check-programs: $(BUILD)/stubmap $(LIVE) $(BAD) $(PEERS) $(filter $(BUILD)/%,$(PROGRAMS)) $(BUILD)/san/stubmap \
                $(BUILD)/objects/warm $(BUILD)/without

# For scripts/elsewhere: the tests by name, and a kernel that refuses what it is told to.
.PHONY: programs
programs:
	@echo $(PROGRAMS)

$(BUILD)/without: tests/without.c tests/forbid.h
	@mkdir -p $(@D)
	@$(CC) $(STD) -o $@ $<

# What the tests' workloads are compiled to, by the JIT: kept from run to run (its cache names all
# that decides an object's bytes but the compiler's own code).
$(BUILD)/objects: harness/jit/compile.c harness/jit/jit.h harness/gc/lint.c
	rm -rf $@
	mkdir -p $@

# Sanitizers do not see into LLVM, and it takes twice the time with them: the plain program compiles
# what takes it longest. Where that fails the tests do, or say why not.
WARM := "-w wasm:sqlite --tier 0" "-w wasm:lua --tier 0" "-w gc:wide --tier 0" "-w gc:wide --polls"
$(BUILD)/objects/warm: | $(BUILD)/objects $(BUILD)/stubmap $(LIVE)
	@echo "  JIT $(@D)"
	@cache=$$(mktemp -d) && ln -s "$$(realpath $(@D))" $$cache/stubmap && \
		for cell in $(WARM); do \
			XDG_CACHE_HOME=$$cache $(BUILD)/stubmap run -s null -b 1 -i 1 $$cell || true; \
		done >/dev/null 2>&1; rm -r $$cache
	@touch $@

# The command is not installed: it needs LLVM, and the programs and data of this tree.
PREFIX  ?= /usr/local
VERSION  = $(shell sed -n 's/^.define STUBMAP_VERSION[[:space:]]*"\(.*\)"/\1/p' strategies/version.h)
.PHONY: install
install: $(BUILD)/libstubmap.a
	@case '$(PREFIX)' in /*) ;; *) echo "install: PREFIX '$(PREFIX)': allowed: a path from /" >&2; exit 2 ;; esac
	install -d "$(DESTDIR)$(PREFIX)/include/stubmap" "$(DESTDIR)$(PREFIX)/lib/pkgconfig"
	install -m 644 $(PUBLIC) "$(DESTDIR)$(PREFIX)/include/stubmap"
	install -m 644 $(BUILD)/libstubmap.a "$(DESTDIR)$(PREFIX)/lib"
	sed 's|@PREFIX@|$(subst |,\|,$(subst &,\&,$(subst \,\\,$(PREFIX))))|; s|@VERSION@|$(VERSION)|' strategies/stubmap.pc.in \
		>"$(DESTDIR)$(PREFIX)/lib/pkgconfig/stubmap.pc"

# What libFuzzer's targets need, compiled once more: clang counts what an input reaches. The tests
# run the same targets without it (tests/fuzz_main.c).
FUZZED := $(wildcard $(addprefix harness/,base/*.c corpora/*.c meters/*.c peers/*.c runs/*.c model/*.c analysis/*.c)) \
          $(addprefix harness/,jit/disassemble.c maps/answer.c maps/report.c maps/rows.c maps/safety.c maps/tsv.c wasm/file.c wasm/code.c wasm/reader.c) $(WORK) $(STRAT)
FUZZFLAGS := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-sanitize=function \
             -fsanitize-address-use-after-return=never -O1 -g
# What no target reaches would only make each run's count longer.
UNREACHED := strategies/stubs/% strategies/code/% strategies/emit/%
TIME   ?= 10
.PHONY: fuzz
fuzz: setup-all
	@$(MAKE) --no-print-directory $(JOBS) $(FUZZ:%=$(BUILD)/fuzz/%) $(BUILD)/seeds.made
	@BUILD="$(BUILD)" scripts/fuzz $(TIME)

$(BUILD)/fuzz/obj/%.o: %.c | setup-dirs $(PUBLIC)
	@mkdir -p $(@D)
	@echo "  CC $@"
	@clang-19 $(STD) $(if $(filter harness/% tests/%,$<),$(VIEW)) $(FUZZFLAGS) \
		$(if $(filter $(UNREACHED),$<),,-fsanitize=fuzzer-no-link) -DFUZZ_LIBFUZZER -MMD -MP -c -o $@ $<

$(BUILD)/fuzz/libfuzzed.a: $(patsubst %.c,$(BUILD)/fuzz/obj/%.o,$(FUZZED)) $(call gcobj,$(BUILD),$(GC))
	@rm -f $@
	@echo "  AR $@"
	@$(AR) qcsD $@ $^

$(FUZZ:%=$(BUILD)/fuzz/%): $(BUILD)/fuzz/%: $(BUILD)/fuzz/obj/tests/%.o \
		$(BUILD)/fuzz/obj/tests/fuzz_main.o $(BUILD)/fuzz/libfuzzed.a
	@echo "  LD $@"
	@clang-19 $(LINK) $(FUZZFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS)

# Each encoder's tables, as its format is now: what libFuzzer and make check begin with.
$(BUILD)/seeds.made: $(BUILD)/tests/map_seeds
	@rm -rf $(BUILD)/seeds
	@mkdir -p $(BUILD)/seeds/map
	@$< $(BUILD)/seeds/map
	@touch $@

-include $(patsubst %.c,$(BUILD)/fuzz/obj/%.d,$(FUZZED) $(FUZZ:%=tests/%.c) tests/fuzz_main.c)

smoke: wasm all
	@rm -f $(BUILD)/smoke.jsonl
	$(BUILD)/stubmap sweep scripts/plans/smoke.json -o $(BUILD)/smoke.jsonl
	$(BUILD)/stubmap summary $(BUILD)/smoke.jsonl

reproduce: wasm all
	@STUBMAP=$(BUILD)/stubmap scripts/reproduce $(BUILD)/results

paper:
	@scripts/setup paper
	@scripts/paper

$(WASM)/bad/%/complete: workloads/wasm/bad/%.wat scripts/wasm-build $(WASM_OF)
	@echo "  WASM bad/$*"
	@scripts/wasm-build $< $(@D)
	@touch $@

$(WASM)/%/complete: scripts/wasm-build scripts/fetch-source $(WASM_OF)
	@echo "  WASM $*"
	@scripts/wasm-build $* $(@D)
	@test -e $(@D)/why || touch $@

define peer # $(1) suffix
$(BUILD)/peers/%.so: harness/peers/arms/%.$(1) harness/peers/peer.h scripts/peer-build $(PUBLIC) | setup-dirs
	@mkdir -p $$(@D)
	@echo "  PEER $$*"
	@CC="$(CC)" scripts/peer-build $$< $$(@:.so=) $(BUILD)/include
endef
$(eval $(call peer,c))
$(eval $(call peer,cc))

$(PUBLIC): $(BUILD)/include/stubmap/%.h: strategies/%.h
	@mkdir -p $(@D)
	@cp $< $@

# The tree's state before anything is compiled. It changes with the commit and with dirt alone, and
# then the programs are linked again: what make finds to be up to date is of this state.
$(BUILD)/tree.txt: FORCE | setup-dirs
	@mkdir -p $(@D)
	@scripts/stamp tree >$@.$$$$ && { cmp -s $@.$$$$ $@ && rm $@.$$$$ || mv $@.$$$$ $@; }

# The library's sources, by name: a library is made anew when one is gone, too.
$(BUILD)/sources.txt: FORCE
	@mkdir -p $(@D)
	@echo $(STRAT) >$@.$$$$ && { cmp -s $@.$$$$ $@ && rm $@.$$$$ || mv $@.$$$$ $@; }

define variant # $(1) folder, $(2) extra flags, $(3) the harness as its tests have it
$(1)/obj/%.o: %.c | setup-dirs $$(PUBLIC)
	@mkdir -p $$(@D)
	@echo "  CC $$@"
	@$$(CC) $$(STD) $$(if $$(filter harness/% tests/%,$$<),$$(VIEW)) $(2) -MMD -MP -c -o $$@ $$<

# The encoders once more, with readers that report their loads (harness/maps/traced.h): an encoder
# that is added to the list is traced, too.
$(1)/obj/traced/%.o: %.c harness/maps/traced.h
	@mkdir -p $$(@D)
	@echo "  CC $$@"
	@$$(CC) $$(STD) -include harness/maps/traced.h $(2) -MMD -MP -c -o $$@ $$<

$(1)/traced.o: $$(patsubst %.c,$(1)/obj/traced/%.o,strategies/list.c $$(ENCODERS))
	@$$(LD) -r -o $$@.all $$^
	@objcopy --redefine-sym map_encoder=maps_traced_encoder \
		--keep-global-symbol=maps_traced_encoder $$@.all $$@

$(1)/libstubmap.a: $(BUILD)/sources.txt $$(call obj,$(1),$$(STRAT))
	@rm -f $$@
	@echo "  AR $$@"
	@$$(LD) -r -o $(1)/libstubmap.o $$(filter %.o,$$^)
	@objcopy $$(EXPORT) $(1)/libstubmap.o
	@$$(AR) rcsD $$@ $(1)/libstubmap.o

# What a test may be linked with; of it a test gets what it uses. The objects stay where they are.
$(1)/harness.a: $$(call obj,$(1),$(3) $$(WORK)) $$(call gcobj,$(1),$$(GC)) \
                $$(if $$(filter harness/maps/%,$(3)),$(1)/traced.o)
	@rm -f $$@
	@echo "  AR $$@"
	@$$(AR) rcsD --thin $$@ $$^

$(1)/gc/%.bc: workloads/gc/%.c | setup-dirs
	@mkdir -p $$(@D)
	$$(BITCODE) -MMD -MP -c -o $$@ $$<

.PRECIOUS: $(1)/gc/%.bc
$(1)/gc/%.o: $(1)/gc/%.bc
	cd $$(@D) && $$(LD) -r -b binary -z noexecstack -o $$(@F) $$(<F)

$(1)/gc/native/%.o: workloads/gc/%.c | setup-dirs
	@mkdir -p $$(@D)
	$$(CC) $$(STD) $(2) -DGC_NATIVE=$$* -MMD -MP -c -o $$@ $$<

# Random programs, for one test: a C source that another program writes.
$(1)/gc/random.c: tests/gc_random.c harness/base/prng.h | setup-dirs
	@mkdir -p $$(@D)
	$$(CC) $$(STD) $$(VIEW) -o $$(@D)/gc_random $$<
	$$(@D)/gc_random 200 1 >$$@

$(1)/gc/random.bc: $(1)/gc/random.c workloads/gc/rt.h
	$$(BITCODE) -Iworkloads/gc -c -o $$@ $$<

$(1)/gc/native/random.o: $(1)/gc/random.c workloads/gc/rt.h
	@mkdir -p $$(@D)
	$$(CC) $$(STD) $(2) -Iworkloads/gc -DGC_NATIVE=random -c -o $$@ $$<

$(1)/tests/test_gc_random: $$(call gcobj,$(1),random)

# Made aside: another make at the same time has a stamp of its own.
$(1)/stubmap: $(BUILD)/tree.txt $$(call obj,$(1),$$(HARN) $$(WORK)) $$(call gcobj,$(1),$$(GC)) $(1)/traced.o $(1)/libstubmap.a
	@echo "  LD $$@"
	@new=$$@.$$$$$$$$ && scripts/stamp $$^ >$$$$new.c && \
		$$(CC) $$(STD) -c -o $$$$new.o $$$$new.c && \
		$$(CC) $$(LINK) $(2) $(call fixed,$(2)) -o $$$$new $$(filter-out %.txt,$$^) $$$$new.o $$(LIBS) && \
		mv $$$$new $$@; status=$$$$?; rm -f $$$$new $$$$new.c $$$$new.o; exit $$$$status

# Kept, or the next make would compile and link all tests again.
.SECONDARY: $$(patsubst tests/%.c,$(1)/obj/tests/%.o,$$(TESTS)) $$(FUZZ:%=$(1)/obj/tests/%.o) \
            $(1)/obj/tests/fuzz_main.o

$(1)/tests/%: $(1)/obj/tests/%.o $(1)/harness.a $(1)/libstubmap.a
	@mkdir -p $$(@D)
	@echo "  LD $$@"
	@$$(CC) $$(LINK) $(2) $$(if $$(filter %/test_emit %/test_stubs,$$@),,$(call fixed,$(2))) $$(PLAYED) -o $$@ $$(filter %.o,$$^) $$(filter %.a,$$^) -lcmocka $$(LIBS)

$$(patsubst tests/%.c,$(1)/tests/%,$$(INSIDE)): $$(call obj,$(1),$$(STRAT))

$$(patsubst tests/%.c,$(1)/tests/%,$$(CALLERS)): LIBS += -L$$(LLVM)/lib -Wl,-rpath,$$(LLVM)/lib -lLLVM-19

$$(FUZZ:%=$(1)/tests/%): $(1)/obj/tests/fuzz_main.o
$(1)/tests/fuzz_map: $(BUILD)/seeds.made

# A test that simulates the machine's counters: its own functions replace these.
$(1)/tests/test_doctor: PLAYED := $(patsubst %,-Wl$(COMMA)--wrap=%,uarch_host group_init \
	group_has_table group_available group_open group_read group_close loop_open loop_run \
	loop_close policies_try)

-include $$(patsubst %.c,$(1)/obj/traced/%.d,strategies/list.c $$(ENCODERS)) \
         $$(patsubst %.o,%.d,$$(call obj,$(1),$$(STRAT) $$(WORK) $$(HARN) $$(TESTS)) \
                              $$(call gcobj,$(1),$$(GC))) \
         $$(patsubst %,$(1)/obj/tests/%.d,$$(FUZZ) fuzz_main)
endef

# A build outside the tree finds its tree by this link (harness/base/home.h).
.PHONY: setup-dirs
setup-dirs:
	@$(if $(filter /% ../%,$(BUILD)),mkdir -p $(BUILD) && ln -sfn "$(CURDIR)" $(BUILD)/tree)
$(eval $(call variant,$(BUILD),$(CFLAGS),$(HARNLIB)))
$(eval $(call variant,$(BUILD)/san,$(SANFLAGS),$(HARNLIB)))
$(eval $(call variant,$(BUILD)/tsan,$(TSANFLAGS),$(THREADED_HARN)))

clean:
	rm -rf $(BUILD)

format:
	clang-format-19 -i $(STRAT) $(WORK) $(HARN) $(wildcard tests/*.c) \
		$(shell git ls-files '*.h') \
		$(wildcard examples/*.c harness/peers/arms/* workloads/gc/*.c workloads/wasm/*.c \
			scripts/peers/*.c scripts/peers/*/*.c)

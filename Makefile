# make            build/stubmap and build/libstubmap.a
# make check      everything that is tested, with ASan and UBSan   (the test command)
# make smoke      every arm on every workload once
# make reproduce  the reference plan, its tables and figures
# make format     clang-format
#
# Each target installs what is missing first (scripts/setup, through apt-get).

BUILD   ?= build
CC      ?= cc
LLVM    := /usr/lib/llvm-19
WARN    := -Wall -Wextra -Wpedantic $(if $(CI),-Werror)
CFLAGS  ?= -O2 -g
STD     := -std=c17 -D_GNU_SOURCE $(WARN) -fno-omit-frame-pointer
SANFLAGS := -fsanitize=address,undefined -fno-sanitize-recover=undefined -O1 -g
CPPLLVM := -isystem $(LLVM)/include
LIBS    := -L$(LLVM)/lib -Wl,-rpath,$(LLVM)/lib -lLLVM-19 -ljansson -lzstd -lelf -lpapi -lpfm -lm -lpthread

STRAT := $(wildcard strategies/*.c)
WORK  := $(wildcard workloads/*.c)
HARN  := $(wildcard harness/*.c)
TESTS := $(wildcard tests/test_*.c)
GC    := $(patsubst workloads/gc/%.c,%,$(wildcard workloads/gc/*.c))
# Programs on a collected heap: bitcode that the JIT compiles, carried in the executable, and a
# native twin each. Clang's own passes stay off: the JIT's tiers are to start from the same module.
BITCODE  := clang-19 -std=c17 $(WARN) -O1 -Xclang -disable-llvm-passes -emit-llvm \
            -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables

obj      = $(patsubst %.c,$(1)/obj/%.o,$(2))
gcobj    = $(patsubst %,$(1)/gc/%.o,$(2)) $(patsubst %,$(1)/gc/native/%.o,$(2))
HARNLIB  := $(filter-out harness/main.c,$(HARN))

.DEFAULT_GOAL := all
.PHONY: all check smoke reproduce format clean setup FORCE

all: setup
	@$(MAKE) --no-print-directory $(BUILD)/stubmap $(BUILD)/libstubmap.a

setup:
	@scripts/setup

define variant # $(1) folder, $(2) extra flags
$(1)/obj/%.o: %.c | setup-dirs
	@mkdir -p $$(@D)
	$$(CC) $$(STD) $$(CPPLLVM) $(2) -MMD -MP -c -o $$@ $$<

$(1)/libstubmap.a: $$(call obj,$(1),$$(STRAT))
	@rm -f $$@
	$$(AR) rcs $$@ $$^

$(1)/gc/%.bc: workloads/gc/%.c | setup-dirs
	@mkdir -p $$(@D)
	$$(BITCODE) -MMD -MP -c -o $$@ $$<

.PRECIOUS: $(1)/gc/%.bc
$(1)/gc/%.o: $(1)/gc/%.bc
	cd $$(@D) && $$(LD) -r -b binary -z noexecstack -o $$(@F) $$(<F)

$(1)/gc/native/%.o: workloads/gc/%.c | setup-dirs
	@mkdir -p $$(@D)
	$$(CC) $$(STD) $(2) -DGC_NATIVE=$$* -MMD -MP -c -o $$@ $$<

$(1)/stubmap: $$(call obj,$(1),$$(HARN) $$(WORK)) $$(call gcobj,$(1),$$(GC)) $(1)/libstubmap.a
	$$(CC) $(2) -o $$@ $$^ $$(LIBS)

$(1)/tests/%: $(1)/obj/tests/%.o $$(call obj,$(1),$$(HARNLIB) $$(WORK)) \
              $$(call gcobj,$(1),$$(GC)) $(1)/libstubmap.a
	@mkdir -p $$(@D)
	$$(CC) $(2) -o $$@ $$^ -lcmocka $$(LIBS)

-include $$(patsubst %.o,%.d,$$(call obj,$(1),$$(STRAT) $$(WORK) $$(HARN) $$(TESTS)) \
                              $$(call gcobj,$(1),$$(GC)))
endef

.PHONY: setup-dirs
setup-dirs:
$(eval $(call variant,$(BUILD),$(CFLAGS)))
$(eval $(call variant,$(BUILD)/san,$(SANFLAGS)))

clean:
	rm -rf $(BUILD)

format:
	clang-format-19 -i $(STRAT) $(WORK) $(HARN) $(TESTS) $(wildcard */*.h)

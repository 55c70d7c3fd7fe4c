# Host tests.  Included by the top Makefile.
#
#   make unit       every tests/unit/test_*.c with AddressSanitizer and UBSan, 64 and 32 bits
#   make unit64     64 bits alone;  build/unit64/test_memmap [PATTERN] runs one file by hand
#   make fuzz       libFuzzer on every tests/fuzz/fuzz_*.c, TIME= seconds each, two at a time with
#                   -j2; BITS=32 as a 32-bit program
#                   (Debian: needs lib32stdc++-12-dev, or that of clang's gcc)
#
# The firmware's sources are compiled as they are: -iquote tests/fake puts another io.h, cpu.h and
# phys.h in front of include/'s, and -include does it also for headers in include/ that name them.

CLANG           ?= clang
FUZZ_SECONDS    ?= $(or $(TIME),30)

UNIT_SOURCES    := $(sort $(wildcard tests/unit/test_*.c))
FUZZ_SOURCES    := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZERS         := $(patsubst tests/fuzz/fuzz_%.c,%,$(FUZZ_SOURCES))
# Each fuzzer's first inputs and what it once found are a unit test, too.
UNIT_TESTS      := $(patsubst tests/unit/%.c,%,$(UNIT_SOURCES)) $(FUZZERS:%=test_fuzz_%)
UNIT_FIRMWARE   := $(filter-out main.c,$(filter %.c,$(SOURCES)))
UNIT_FAKE       := $(sort $(wildcard tests/fake/*.c)) tests/unit/unit.c

UNIT_CPPFLAGS   := $(DEFINE_VERSION) -iquote tests/fake -iquote include \
	-include cpu.h -include io.h -include phys.h -DUNIT_DATA='"tests/data"'
UNIT_OPTIMIZE   := -O1
UNIT_CFLAGS     := -std=gnu11 $(UNIT_OPTIMIZE) -g -fno-omit-frame-pointer -fno-common -fno-strict-aliasing \
	-Wall -Wextra -Werror -Wno-clobbered -Wno-deprecated-declarations $(NO_WARNINGS)
UNIT_SANITIZE   := -fsanitize=address,undefined -fno-sanitize-recover=all

# $(1): 64 or 32
define unit_width
UNIT_OBJECTS$(1) := $$(patsubst %.c,$(O)/unit$(1)/%.o,$(UNIT_FIRMWARE) $(UNIT_FAKE))

$(O)/unit$(1)/%.o: %.c tests/unit.mk $(O)/flags | $(O)/unit$(1)/cmocka
	@mkdir -p $$(@D)
	$$(Q)$$(CC) -m$(1) $$(UNIT_CPPFLAGS) $$$$(sed -n 's/^include //p' $(O)/unit$(1)/cmocka) \
		$$(UNIT_CFLAGS) $$(UNIT_SANITIZE) -MMD -MP -c -o $$@ $$<

# Every test is linked from the objects it needs; the first that has a name wins, so that a test
# which includes the real console does without the fake one.
$(O)/unit$(1)/libqboot.a: $$(UNIT_OBJECTS$(1))
	$$(Q)rm -f $$@ && ar qcs $$@ $$(filter-out $(O)/unit$(1)/console.o $(O)/unit$(1)/lib/string.o,$$^)

$(O)/unit$(1)/test_%: $(O)/unit$(1)/tests/unit/test_%.o $(O)/unit$(1)/libqboot.a
	$$(Q)$$(CC) -m$(1) $$(UNIT_SANITIZE) -o $$@ $$^ \
		$$$$(sed -n 's/^link //p' $(O)/unit$(1)/cmocka) -lcmocka

$(O)/unit$(1)/test_fuzz_%: $(O)/unit$(1)/tests/fuzz/fuzz_%.o $(O)/unit$(1)/tests/fuzz/replay.o \
		$(O)/unit$(1)/libqboot.a $(O)/fuzz/seeds/made
	$$(Q)$$(CC) -m$(1) $$(UNIT_SANITIZE) -o $$@ $$(filter-out %/made,$$^) \
		$$$$(sed -n 's/^link //p' $(O)/unit$(1)/cmocka) -lcmocka

.PHONY: unit$(1)
unit$(1): $$(addprefix $(O)/unit$(1)/,$(UNIT_TESTS)) tests/unit/run.py
	$$(Q)$$(PYTHON) tests/unit/run.py --label '$(1) bits' $$(filter $(O)/unit$(1)/test_%,$$^)

.SECONDARY: $$(UNIT_OBJECTS$(1)) $$(patsubst %.c,$(O)/unit$(1)/%.o,$(UNIT_SOURCES) \
	$(FUZZ_SOURCES) tests/fuzz/replay.c)

-include $$(patsubst %.c,$(O)/unit$(1)/%.d,$(UNIT_FIRMWARE) $(UNIT_FAKE) $(UNIT_SOURCES) \
	$(FUZZ_SOURCES) tests/fuzz/replay.c)
endef
$(eval $(call unit_width,64))
$(eval $(call unit_width,32))

# What the compiler has to be told about cmocka.
$(O)/unit64/cmocka:
	@mkdir -p $(@D) && : >$@

$(O)/unit32/cmocka: scripts/cmocka32.sh
	@mkdir -p $(@D)
	$(Q)directory=$$(PYTHON='$(PYTHON)' scripts/cmocka32.sh) && \
		printf 'include -I%s/include\nlink -L%s/lib -Wl,-rpath,%s/lib\n' \
		"$$directory" "$$directory" "$$directory" >$@

$(O)/fuzz/seeds/made: scripts/fuzz_corpus.py $(wildcard tests/data/*/etc_*)
	$(Q)$(PYTHON) scripts/fuzz_corpus.py $(@D) && touch $@

# Both widths in one report.  32 bits are skipped where they cannot be built, and the report says so.
.PHONY: unit
unit: $(addprefix $(O)/unit64/,$(UNIT_TESTS)) tests/unit/run.py  ## the unit tests, 64 and 32 bits
	$(Q)if why=$$(tests/unit/can_build32.sh '$(CC)'); then \
		$(MAKE) --no-print-directory $(addprefix $(O)/unit32/,$(UNIT_TESTS)) && \
		$(PYTHON) tests/unit/run.py $(foreach test,$(UNIT_TESTS),$(O)/unit64/$(test) $(O)/unit32/$(test)); \
	else \
		$(PYTHON) tests/unit/run.py --skipped "32 bits: $$why" $(addprefix $(O)/unit64/,$(UNIT_TESTS)); \
	fi

# MUTANTS="--sample 20 smp fdt" chooses.
.PHONY: mutants
mutants: unit64                   ## small faults in each module: does its unit test notice?
	$(Q)$(PYTHON) tests/mutants.py $(MUTANTS)

# PLANTED="smram size" chooses.
.PHONY: planted
planted: unit64                   ## a fault of each kind between modules: does a whole boot notice?
	$(Q)$(PYTHON) tests/planted.py $(PLANTED)

# The image's flags, without those that one of the two compilers does not know or that find nothing.
ANALYZE_FLAGS   := $(filter-out -flto -ffat-lto-objects -fno-ipa-icf -mpreferred-stack-boundary=2 \
	-mstack-alignment=4 -Werror -g,$(CFLAGS_IMAGE)) -Wno-unknown-warning-option

.PHONY: analyze
analyze: $(O)/flags               ## gcc -fanalyzer and clang --analyze over the image's C
	$(Q)$(PYTHON) scripts/analyze.py --gcc gcc --clang $(CLANG) $(filter %.c,$(SOURCES)) -- \
		$(CPPFLAGS_IMAGE) $(ANALYZE_FLAGS)

# Every unit test once more, without optimization and sanitizers, counted.
.PHONY: coverage
coverage: $(O)/flags              ## the image's C on the host: lines and branches that tests reach, by file
	$(Q)find $(O)/cover -name '*.gcda' -delete 2>/dev/null || true
	$(Q)UNIT_TIMEOUT=900 $(MAKE) --no-print-directory O=$(O)/cover UNIT_SANITIZE=--coverage UNIT_OPTIMIZE=-O0 unit64
	$(Q)$(PYTHON) scripts/coverage.py $(if $(V),--missing) $(O)/cover

# Fuzzing: needs clang and its runtime (Debian's libclang-rt-14-dev has that of both widths).  What
# is found stays in $(FUZZ); an input that crashes joins tests/fuzz/corpus/<parser> with its fix.
# BITS=32 fuzzes what has the image's own widths of pointers and size_t, in $(O)/fuzz32.
BITS            ?= 64
FUZZ            := $(O)/fuzz$(filter 32,$(BITS))
FUZZ_OBJECTS    := $(patsubst %.c,$(FUZZ)/%.o,$(UNIT_FIRMWARE) $(UNIT_FAKE))
FUZZ_FLAGS      := -m$(BITS) -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all

$(FUZZ)/%.o: %.c tests/unit.mk | $(O)/unit$(BITS)/cmocka
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(UNIT_CPPFLAGS) $(filter-out -Wno-clobbered,$(UNIT_CFLAGS)) -Wno-unknown-warning-option $(FUZZ_FLAGS) \
		$$(sed -n 's/^include //p' $(O)/unit$(BITS)/cmocka) \
		-MMD -MP -c -o $@ $<

$(FUZZ)/libqboot.a: $(FUZZ_OBJECTS)
	$(Q)rm -f $@ && ar qcs $@ $(filter-out $(FUZZ)/console.o $(FUZZ)/lib/string.o,$^)

$(FUZZ)/fuzz_%: $(FUZZ)/tests/fuzz/fuzz_%.o $(FUZZ)/libqboot.a
	$(Q)$(CLANG) -m$(BITS) -fsanitize=fuzzer,address,undefined -o $@ $^ \
		$$(sed -n 's/^link //p' $(O)/unit$(BITS)/cmocka) -lcmocka

.SECONDARY: $(FUZZ_OBJECTS) $(FUZZ_SOURCES:%.c=$(FUZZ)/%.o)

.PHONY: fuzz $(addprefix fuzz-,$(FUZZERS))
fuzz: $(addprefix fuzz-,$(FUZZERS))     ## libFuzzer on each parser and on whole boots, TIME= seconds (30) each

$(addprefix fuzz-,$(FUZZERS)): fuzz-%: $(FUZZ)/fuzz_% $(O)/fuzz/seeds/made
	@mkdir -p $(FUZZ)/corpus/$*
	$(Q)$< -max_total_time=$(FUZZ_SECONDS) -timeout=10 -print_final_stats=1 -verbosity=0 \
		-artifact_prefix=$(FUZZ)/ $(FUZZ)/corpus/$* \
		$(O)/fuzz/seeds/$* $(wildcard tests/fuzz/corpus/$*) >$<.log 2>&1 || \
		{ cat $<.log; exit 1; }
	@sed -n 's/^stat::number_of_executed_units: */fuzz-$*: no fault in inputs: /p' $<.log

-include $(patsubst %.c,$(FUZZ)/%.d,$(UNIT_FIRMWARE) $(UNIT_FAKE) $(FUZZ_SOURCES))

# qboot.bin: a fast-boot firmware for QEMU x86 guests.  `make help` lists the targets.
#
# A comment that starts with ## after a target is its line in `make help`.

O       ?= build
CC      ?= gcc
PYTHON  ?= python3
PYTEST  := /usr/bin/python3 -m pytest -q -c tests/pytest.ini
ifeq ($(origin CC),default)
CC      := gcc
endif
Q       := $(if $(V),,@)

ifneq ($(words $(O)),1)
$(error O=DIR is one word: make cannot build in a directory whose name has spaces)
endif

# What is run, tested and measured is what was built.
export FIRMWARE := $(or $(FIRMWARE),$(O)/qboot.bin)
export QBOOT_O  := $(O)

# gcc sees all modules at once when it links; the objects keep code of their own, which is what
# scripts/check_layers.py and `make size` look at.  Equal functions are not merged: that costs a jump.
LTO     := $(if $(findstring clang,$(CC)),,-flto -ffat-lto-objects -fno-ipa-icf)

# Names in tables are bytes without a final zero, on purpose; newer compilers ask.
NO_WARNINGS := $(if $(findstring clang,$(CC)),-Wno-unknown-warning-option) \
	-Wno-unterminated-string-initialization

# The image: no libraries, no compiler features that need a runtime, i486 instructions only.
CFLAGS_IMAGE := -m32 -march=i486 -mno-mmx -mno-sse -msoft-float -std=gnu11 -ffreestanding -nostdinc \
	-fbuiltin \
	-fno-pic -fno-pie -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables \
	-fno-common -fno-strict-aliasing -fomit-frame-pointer -mregparm=3 \
	$(if $(findstring clang,$(CC)),-mstack-alignment=4,-mpreferred-stack-boundary=2) \
	-Os -g -ffunction-sections -fdata-sections "-ffile-prefix-map=$(CURDIR)=." \
	-Wall -Wextra -Werror -Wvla -Wframe-larger-than=1024 -Wstrict-prototypes -Wmissing-prototypes \
	$(NO_WARNINGS) $(LTO)
# What the image says that it is: in SMBIOS type 0, to `strings`, in the ELF file's note, and as the
# first step of opt/org.qboot/log=steps.
VERSION := $(file <VERSION)
DEFINE_VERSION := -DQBOOT_VERSION='"$(VERSION)"'

CPPFLAGS_IMAGE := $(DEFINE_VERSION) -Iinclude -isystem "$(shell $(CC) -print-file-name=include 2>/dev/null)"
LDFLAGS_IMAGE := $(if $(LTO),$(filter-out -nostdinc,$(CFLAGS_IMAGE)),-m32) -nostdlib -static \
	-Wl,--gc-sections,--build-id=none,-z,noexecstack \
	-Wl,-z,max-page-size=4096,--no-warn-rwx-segments

SOURCES := $(sort $(wildcard *.c *.S lib/*.c tables/*.c tables/*.S boot/*.c boot/*.S))
OBJECTS := $(addprefix $(O)/obj/,$(addsuffix .o,$(basename $(SOURCES))))

.PHONY: all
all: $(O)/qboot.bin             ## build the image, build/qboot.bin, and build/qboot.elf (default)

# Other flags or another compiler make other objects.  The file changes only when these do.
BUILT_WITH := $(shell $(CC) --version 2>/dev/null | head -n 1) $(CC) $(CPPFLAGS_IMAGE) \
	$(CFLAGS_IMAGE) $(LDFLAGS_IMAGE)
$(O)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(subst ','\'',$(BUILT_WITH))' | cmp -s - $@ || echo '$(subst ','\'',$(BUILT_WITH))' >$@
.PHONY: FORCE

$(O)/obj/%.o: %.c Makefile $(O)/flags
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_IMAGE) $(CFLAGS_IMAGE) -MMD -MP -c -o $@ $<

# The functions a builtin may become a call of: none in them may.  Compiled by themselves, because gcc
# forgets -fno-builtin when it links, and gcc 16 made strlen() call itself.
$(O)/obj/lib/string.o: CFLAGS_IMAGE += -fno-builtin -fno-lto

$(O)/obj/%.o: %.S Makefile $(O)/flags
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_IMAGE) $(CFLAGS_IMAGE) -MMD -MP -c -o $@ $<

$(O)/obj/tables/piix.aml: tables/piix.dsl scripts/mkaml.py
	@mkdir -p $(@D)
	$(Q)$(PYTHON) scripts/mkaml.py $< $@

$(O)/obj/tables/piix_dsdt.o: $(O)/obj/tables/piix.aml
$(O)/obj/tables/piix_dsdt.o: CPPFLAGS_IMAGE += -Wa,-I,$(O)/obj/tables

$(O)/bios.lds: bios.lds include/layout.h $(O)/flags
	@mkdir -p $(@D)
	$(Q)$(CC) -E -P -undef -x assembler-with-cpp -Iinclude -o $@ bios.lds

$(O)/qboot.elf: $(OBJECTS) $(O)/bios.lds
	@rm -f $@.*.ci
	$(Q)$(CC) $(LDFLAGS_IMAGE) $(if $(LTO),-fcallgraph-info=su) -Wl,-T,$(O)/bios.lds \
		-Wl,-Map,$(O)/qboot.map -o $@ $(OBJECTS)

$(O)/layers.ok: $(OBJECTS) scripts/check_layers.py
	$(Q)$(PYTHON) scripts/check_layers.py $(O)/obj $(OBJECTS) && touch $@

# Where gcc links all modules at once it also says how much stack each function takes.
$(O)/stack.ok: $(O)/qboot.elf include/layout.h scripts/check_stack.py
	$(Q)$(if $(LTO),$(PYTHON) scripts/check_stack.py include/layout.h $(O)/qboot.elf.*.ci >$@,touch $@)

$(O)/qboot.bin: $(O)/qboot.elf $(O)/layers.ok $(O)/stack.ok scripts/mkimage.py
	$(Q)$(PYTHON) scripts/mkimage.py $< $@

-include $(OBJECTS:.o=.d)

# Targets for people.  Each installs what it needs (scripts/deps.sh), then builds.
.PHONY: run check lint check-all check-qemu10 check-qemu11 boot-test soak soak-rows size kernels clean help

run:                            ## boot Debian's cloud kernel to a shell (KERNEL= MACHINE= ACCEL= ...)
	@sh scripts/deps.sh build run
	@echo "building $(O)/qboot.bin"
	@$(MAKE) --no-print-directory all
	@$(PYTHON) scripts/run.py

check:                          ## lint, unit tests, then quick boot tests: what a change must pass
	@sh scripts/deps.sh check
	@$(MAKE) --no-print-directory all
	@sh tests/check.sh

lint:                           ## the rules that a program can check (scripts/lint.py)
	@sh scripts/deps.sh lint
	@$(MAKE) --no-print-directory all
	@$(PYTHON) scripts/lint.py

boot-test:                      ## the boot tests alone; TESTS="-k microvm" selects
	@sh scripts/deps.sh check
	@$(MAKE) --no-print-directory all kernels
	$(PYTEST) -n 2 $(if $(TESTS),--all) $(TESTS) tests/boot

check-all:                      ## every row of pytest but the soak ones: an hour or more
	@sh scripts/deps.sh check
	@$(MAKE) --no-print-directory all kernels
	$(PYTEST) -n 2 --all $(TESTS) tests

check-qemu10:                   ## boot tests and budget under Debian 13's QEMU 10.0, in a private directory
check-qemu11:                   ## the same under Debian unstable's QEMU 11.1 or newer
check-qemu10 check-qemu11: check-qemu%:
	@sh scripts/deps.sh check
	@$(MAKE) --no-print-directory all kernels
	@sh tests/check_qemu.sh $* $(TESTS)

soak:                           ## N= random machines of SEED=, ours beside SeaBIOS: does Linux find the same?
	@sh scripts/deps.sh check
	@$(MAKE) --no-print-directory all kernels
	@/usr/bin/python3 tests/soak/soak.py $(or $(N),10) $(or $(SEED),1) $(or $(FIRST),0)

soak-rows:                      ## the long boot tests: a hundred reboots and the like
	@sh scripts/deps.sh check
	@$(MAKE) --no-print-directory all kernels
	$(PYTEST) -n 2 --all -m soak $(TESTS) tests/boot

size: $(O)/qboot.bin            ## how many bytes of the image each module takes, linked by itself
	@$(MAKE) --no-print-directory O=$(O)/modules LTO= $(O)/modules/qboot.elf
	@$(PYTHON) scripts/size_report.py $(O)/modules/qboot.map $(O)/modules/obj

kernels:                        ## download the kernels that the boot tests use
	@$(PYTHON) scripts/kernels.py cloud generic i386 >/dev/null

clean:                          ## remove everything that was built
	rm -rf $(O)

help:                           ## this list
	@sed -n 's/^\([a-z0-9-]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22
	@echo "  O=DIR puts what is built elsewhere, CC=clang uses clang, V=1 shows the commands"

include tests/unit.mk
include tests/bench.mk
include packaging/install.mk

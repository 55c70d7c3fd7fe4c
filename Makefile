# qboot.bin: a fast-boot firmware for QEMU x86 guests.  `make help` lists the targets.

O       ?= build
CC      ?= gcc
PYTHON  ?= python3
ifeq ($(origin CC),default)
CC      := gcc
endif
Q       := $(if $(V),,@)

# The image: no libraries, no compiler features that need a runtime, i486 instructions only.
CFLAGS_IMAGE := -m32 -march=i486 -mno-mmx -mno-sse -msoft-float -std=gnu11 -ffreestanding -nostdinc \
	-fno-pic -fno-pie -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables \
	-fno-common -fno-strict-aliasing -fomit-frame-pointer -mregparm=3 \
	-Os -g -ffunction-sections -fdata-sections -ffile-prefix-map=$(CURDIR)=. \
	-Wall -Wextra -Werror -Wvla -Wframe-larger-than=1024 -Wstrict-prototypes -Wmissing-prototypes
CPPFLAGS_IMAGE := -Iinclude -isystem $(shell $(CC) -print-file-name=include)
LDFLAGS_IMAGE := -m32 -nostdlib -static -Wl,--gc-sections,--build-id=none,-z,noexecstack \
	-Wl,-z,max-page-size=4096,--no-warn-rwx-segments

SOURCES := start.S smi.S main.c console.c fw_cfg.c memmap.c chipset.c pci.c mtrr.c smm.c smp.c \
	$(sort $(wildcard lib/*.c tables/*.c boot/*.c boot/*.S))
OBJECTS := $(addprefix $(O)/obj/,$(addsuffix .o,$(basename $(SOURCES))))

.PHONY: all
all: $(O)/qboot.bin

$(O)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_IMAGE) $(CFLAGS_IMAGE) -MMD -MP -c -o $@ $<

$(O)/obj/%.o: %.S Makefile
	@mkdir -p $(@D)
	$(Q)$(CC) -D__ASSEMBLY__ $(CPPFLAGS_IMAGE) $(CFLAGS_IMAGE) -MMD -MP -c -o $@ $<

$(O)/bios.lds: bios.lds include/layout.h
	@mkdir -p $(@D)
	$(Q)$(CC) -E -P -undef -x assembler-with-cpp -Iinclude -o $@ $<

$(O)/qboot.elf: $(OBJECTS) $(O)/bios.lds
	$(Q)$(CC) $(LDFLAGS_IMAGE) -Wl,-T,$(O)/bios.lds -Wl,-Map,$(O)/qboot.map -o $@ $(OBJECTS)

$(O)/qboot.bin: $(O)/qboot.elf scripts/mkimage.py
	$(Q)$(PYTHON) scripts/mkimage.py $< $@

-include $(OBJECTS:.o=.d)

include tests/unit.mk

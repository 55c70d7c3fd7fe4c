# Installing.  Included by the top Makefile.
#
#   make install [PREFIX=/usr/local] [datadir=...] [DESTDIR=...]       make uninstall
#
# Needs no root where PREFIX is one's own.  Installed files name datadir, never DESTDIR.

PREFIX          ?= /usr/local
bindir          ?= $(PREFIX)/bin
datadir         ?= $(PREFIX)/share
mandir          ?= $(datadir)/man
INSTALL         ?= install

# The names under which QEMU looks for a firmware by itself.
DROP_IN         := bios.bin bios-256k.bin bios-microvm.bin qboot.rom

# The bench and what it imports, at the same places as here.
BENCH_FILES     := $(sort $(filter-out %_test.py,$(wildcard tests/bench/*.py tests/bench/*.c))) \
	scripts/debian.py scripts/kernels.py scripts/initramfs.py scripts/qemu_process.py \
	scripts/qemu_trace.py \
	scripts/guest-init.sh scripts/guest-setup.sh

GENERATED       := $(addprefix $(O)/install/,qboot.7 qboot-bench.1 qboot-bench 90-qboot.json)

# As text, since the directory may be another one with every run of make.
$(O)/install/%: packaging/%.in scripts/manpage.py docs/options.md docs/messages.md FORCE
	@mkdir -p $(@D)
	$(Q)$(PYTHON) scripts/manpage.py '$(datadir)' $< $@

.PHONY: install uninstall
install: $(O)/qboot.bin $(GENERATED)    ## install for QEMU: PREFIX= (/usr/local), DESTDIR=, datadir=
	$(INSTALL) -d "$(DESTDIR)$(bindir)" "$(DESTDIR)$(datadir)/qboot/drop-in" \
		"$(DESTDIR)$(datadir)/qboot/firmware" "$(DESTDIR)$(datadir)/qboot/bench/tests/bench" \
		"$(DESTDIR)$(datadir)/qboot/bench/scripts" "$(DESTDIR)$(mandir)/man1" \
		"$(DESTDIR)$(mandir)/man7"
	$(INSTALL) -m 644 $(O)/qboot.bin $(O)/qboot.elf "$(DESTDIR)$(datadir)/qboot/"
	$(Q)for name in $(DROP_IN); do \
		ln -sf ../qboot.bin "$(DESTDIR)$(datadir)/qboot/drop-in/$$name" || exit; done
	$(INSTALL) -m 644 $(O)/install/90-qboot.json "$(DESTDIR)$(datadir)/qboot/firmware/"
	$(Q)for file in $(BENCH_FILES); do \
		mode=644; [ ! -x $$file ] || mode=755; \
		$(INSTALL) -m $$mode $$file "$(DESTDIR)$(datadir)/qboot/bench/$$file" || exit; done
	$(INSTALL) -m 644 $(O)/install/qboot.7 "$(DESTDIR)$(mandir)/man7/"
	$(INSTALL) -m 644 $(O)/install/qboot-bench.1 "$(DESTDIR)$(mandir)/man1/"
	$(INSTALL) -m 755 $(O)/install/qboot-bench "$(DESTDIR)$(bindir)/"

uninstall:                      ## remove what `make install` with the same arguments installed
	rm -rf "$(DESTDIR)$(datadir)/qboot"
	rm -f "$(DESTDIR)$(mandir)/man7/qboot.7" "$(DESTDIR)$(mandir)/man1/qboot-bench.1" \
		"$(DESTDIR)$(bindir)/qboot-bench"

.PHONY: dist
dist: $(O)/qboot.bin                    ## a release in build/dist: tarball, image, SPDX list, SHA-256 sums
	$(Q)$(PYTHON) scripts/dist.py $(O)

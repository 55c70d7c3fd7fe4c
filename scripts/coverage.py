#!/usr/bin/env python3
"""How much of the image's C the unit tests reach, by file: lines and branches.

    coverage.py [--missing] DIRECTORY       where `make coverage` built and ran them with --coverage

Contract: prints a table of the image's files (those of tests/ are left out), with totals, and with
--missing the lines and branches that nothing reached.  A file that a test includes counts with the
object it belongs to: a line is reached when any object reached it.  What nothing reached is in LEFT
with the reason.  Status 1 below the bounds, for a line that is not reached and not in LEFT, and for
a row of LEFT that is not needed.
"""

import argparse
import collections
import json
from pathlib import Path
import subprocess
import sys

LINES, BRANCHES = 97, 90        # per cent

# What nothing on the host reaches, as lines or as branches of lines: file, text of the line, why.
BOTH = "the same at the border, and only one can be reached"
GUEST = "a test kernel's boot reaches it (tests/boot/guest_cases.py)"
LEFT = (
    ("lib/error.c", "error < ERROR_COUNT ?", "there is no other error"),
    ("main.c", "smm.can_wake", GUEST),
    ("boot/boot_elf.c", "base < LOW_RAM_END && !memmap_is(", GUEST),
    ("boot/boot_elf.c", "elf.magic == ELF_MAGIC", "each part of it alone"),
    ("boot/boot_elf.c", "elf.machine == ELF_MACHINE_X86_64", "QEMU takes no other"),
    ("chipset.c", "count == 4 && !be32_get(reg[0])", "a device tree of four wrong numbers"),
    ("chipset.c", "switch (chipset->irq_wiring)", "an enumeration has no other value"),
    ("chipset.c", "if (machine->chipset->pam)", GUEST),
    ("mtrr.c", "covered < least && size >= 0x1000", "RAM ends on a page: nothing is left by then"),
    ("pci_walk.c", "buses < PCI_BUSES ? buses", "a reservation of more than 255 buses"),
    ("pci_walk.c", "(head & 0xff) == PCI_CAP_ID_VENDOR", "a list cut short: fuzz_parsers.c"),
    ("pci_walk.c", "head >> 24 == RESERVE_CAP_TYPE", "the same"),
    ("pci_walk.c", "(pci_read32(access, bdf, PCI_VENDOR_ID)", "the same"),
    ("pci_walk.c", "!branch->port || (!branch->occupied",
     "ports behind a switch, with and without a hint"),
    ("pci_walk.c", "bus->parent && !bus->windows[PCI_WINDOW_PREFETCH]", "the same"),
    ("pci_walk.c", "bus->windows[PCI_WINDOW_PREFETCH].room = ROOM", "the same"),
    ("pci_walk.c", "while (root) {", "256 buses, or fewer extra roots than told"),
    ("pci_walk.c", "while (extra_roots && next < PCI_BUSES", "the same"),
    ("pci_walk.c", "!extra_roots-- || next == PCI_BUSES", "the same"),
    ("pci_walk.c", "\t\tif (root)", "the same"),
    ("tables/smbios.c", "(next = end_of(from, size, offset))", "smbios_find() has seen the end"),
    ("tables/smbios.c", "!item.size) {", "QEMU has no empty file of structures"),
    ("tables/smbios.c", "if (item.size > UINT32_MAX / 2)", "2 GiB of structures"),
    ("tables/smbios.c", 'panic("smbios: " STRUCTURES_FILE', "the same"),
    ("tables/acpi.c", "if (room < item.size)", "a script of 4 GiB"),
    ("tables/acpi.c", "room = UINT32_MAX;", "the same"),
    ("tables/acpi.c", "if (!file->size)", "QEMU allocates no empty file"),
    ("tables/acpi.c", "\t\treturn;", "the same"),
    ("tables/acpi.c", "if (!file->bytes || paddr < file->paddr", "the same"),
    ("tables/acpi.c", "if (!file->linked || file->size <", "each part of it alone"),
    ("tables/acpi.c", "if (wide && rsdp->xsdt_address)", "a revision 2 without an XSDT"),
    ("pci.c", "leaf81_edx & CPUID_81_EDX_LM", GUEST),
    ("pci.c", "chipset->ecam_base < layout.mmio_base", "microvm has ECAM above its BARs"),
    ("boot/paging.c", "return end ?", "no machine without RAM is booted"),
    ("boot/bzimage.c", "memmap_is(map, base, end, MEMORY_RAM) && end", "RAM that ends above 4 GiB"),
    ("boot/bzimage.c", "memmap_set(map, LINUX_LOAD_HIGH_ADDR", "a memory map of 255 ranges"),
    ("boot/bzimage.c", "return ERR_NO_MEMORY;", "the same"),
    ("boot/bzimage.c", "image->version >= 0x0207", "a protocol of 2006"),
    ("tables/fpdt.c", "if (wide && rsdp->xsdt_address)", "a revision 2 without an XSDT"),
    ("tables/mptable.c", "override->type == ACPI_MADT_OVERRIDE", "an entry cut short"),
    ("tables/mptable.c", "rsdp_paddr ? madt && has_irq0_override", "tables without a MADT"),
    ("pci_program.c", "(bar->flags & PCI_BAR_DECODE) ||", "above 4 GiB behind a bridge"),
    ("pci_program.c", "else if (is >> 32 != shall >> 32)", "the prefetchable window alone differs"),
    ("pci_program.c", "pci_write32(access, bus->bridge, PCI_PREFETCH_BASE", "the same"),
    ("pci_program.c", "windows[PCI_WINDOW_PREFETCH].self.size;", "the same"),
    ("pci_program.c", "((decode || listed) && has_memory))", "an extra root's empty bridge"),
    ("tsc.c", "ticks < PM_TIMER_MS || ticks > PM_TIMER_MAX", "a timer too slow and a TSC too fast"),
    ("boot/boot_linux.c", "max > FOUR_GIB || image->bzimage", GUEST),
    ("boot/boot_linux.c", "return image->mapped_end && image->bzimage", GUEST),
    ("tables/acpi_find.c", "wide = rsdp->revision >= 2 &&", "a revision 2 without an XSDT"),
    ("resume.c", "facs->x_firmware_waking_vector && !(", "test_resume.c has each part but one"),
    ("pci_plan.c", "while (value & (value - 1))", "room that is no power of two"),
    ("pci_plan.c", "value &= value - 1;", "the same"),
    ("pci_plan.c", "!!window->first != occupied ||", "an occupied window without room"),
    ("pci_bar.c", "if (!(mask + (mask & -mask)))", "a ROM register whose mask has holes"),
    ("memmap.c", "if (place >= base && place)", "RAM is aligned better than what asks for it"),
    ("memmap.c", "map->count && lowest->type == MEMORY_RAM", "conventional memory begins at 0"),
    ("boot/uki.c", "if (end_of(part) > file_size && part->size)", "an empty section past the end"),
    ("boot/uki.c", "sbat[at] > ' ' && sbat[at] < 0x7f", "a version of signs that are no ASCII"),
)


def read(directory):
    """{file: {line: count}}, {file: {(line, n): count}} of all objects in DIRECTORY."""
    lines = collections.defaultdict(collections.Counter)
    branches = collections.defaultdict(collections.Counter)
    notes = sorted(map(str, Path(directory).rglob("*.gcno")))
    done = subprocess.run(["gcov", "--branch-probabilities", "--json-format", "--stdout", *notes],
                          capture_output=True, text=True, check=True)
    for text in done.stdout.splitlines():
        for file in json.loads(text)["files"] if text.startswith("{") else ():
            name = file["file"].replace("tests/unit/../../", "").replace("tests/fuzz/../unit/", "")
            if name.startswith(("/", "tests/")):
                continue
            seen = collections.Counter()
            for line in file["lines"]:
                number = line["line_number"]
                lines[name][number] += line["count"]
                for branch in line["branches"]:
                    branches[name][number, seen[number]] += branch["count"]
                    seen[number] += 1
    return lines, branches


def unexplained(missing):
    """What of {file: {line}} has no row in LEFT, and rows that are not needed, as sentences."""
    used = set()
    for name, numbers in sorted(missing.items()):
        texts = Path(name).read_text(encoding="utf-8").splitlines()
        for number in sorted(numbers):
            text = texts[number - 1]
            row = next((row for row in LEFT if row[0] == name and row[1] in text), None)
            used.add(row)
            if not row:
                yield f"{name}:{number} is not reached whole, and LEFT of coverage.py has no reason"
    for row in LEFT:
        if row not in used:
            yield f"{row[0]}: \"{row[1].strip()}\" is reached; LEFT of coverage.py need not have it"


def share(counts):
    """Per cent of COUNTS that are not zero; an empty one is whole."""
    return 100 * sum(map(bool, counts)) / len(counts) if counts else 100


def main():
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--missing", action="store_true", help="name what nothing reached")
    parser.add_argument("directory")
    options = parser.parse_args()
    lines, branches = read(options.directory)
    if not lines:
        print(f"coverage.py: no object with counts in {options.directory}", file=sys.stderr)
        return 1
    missing = {}
    print(f"{'file':24} {'lines':>6} {'%':>6} {'branches':>9} {'%':>6}")
    for name in sorted(lines, key=lambda name: (share(branches[name].values()), name)):
        print(f"{name:24} {len(lines[name]):6} {share(lines[name].values()):6.1f} "
              f"{len(branches[name]):9} {share(branches[name].values()):6.1f}")
        left = sorted(line for line, count in lines[name].items() if not count)
        half = sorted({line for (line, _), count in branches[name].items() if not count} -
                      set(left))
        missing[name] = {*left, *half}
        for words, numbers in ("lines", left), ("branches of lines", half):
            if numbers and options.missing:
                print(f"    {words} {', '.join(map(str, numbers))}")
    totals = [[count for counts in kind.values() for count in counts.values()]
              for kind in (lines, branches)]
    shares = [share(total) for total in totals]
    print(f"{'all':24} {len(totals[0]):6} {shares[0]:6.1f} {len(totals[1]):9} {shares[1]:6.1f}")
    if shares[0] < LINES or shares[1] < BRANCHES:
        print(f"coverage: less than {LINES} % of the lines or {BRANCHES} % of the branches")
        return 1
    faults = list(unexplained(missing))
    print("".join(f"coverage: {fault}\n" for fault in faults), end="")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

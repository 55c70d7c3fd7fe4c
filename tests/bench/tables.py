#!/usr/bin/env python3
"""Refreshes the tables of docs/performance.md.

    tables.py [BLOCK...]

A block lies between the lines "<!-- generated: NAME -->" and "<!-- end -->"; everything else in the
document is left alone.  Blocks: budget (from budget.json), whole (from whole.json); peers, exits,
growth, clock (counted now, with all firmware that is installed), callers, functions (ours, counted
now).
"""

import argparse
import functools
import re
import sys

import bench
import budget
import callers
import events
import firmwares
import qemu
import whole

DOCUMENT = qemu.ROOT / "docs" / "performance.md"
MACHINES = ("pc", "q35", "microvm")
# Rows of whole.py, a tuple for each table.
CALLERS = (("q35, one device", "q35, 24 devices", "q35, QEMU's default devices",
            "q35, 32 GiB BAR"),
           ("q35, four ports", "q35, ten ports, three devices", "q35, pxb"),
           ("pc, one device", "pc, four devices", "pc, 24 devices", "pc, QEMU's default devices",
            "microvm, PCIe"))
FIRMWARE = ("the firmware",)            # the chain of callers that stands for it
# What a function is, the row of whole.py that has it, where it is there.
FUNCTIONS = (
    ("q35: host bridge", "q35, one device", "00:00.0"),
    ("q35: LPC bridge", "q35, one device", "00:1f.0"),
    ("q35: AHCI", "q35, one device", "00:1f.2"),
    ("q35: SMBus", "q35, one device", "00:1f.3"),
    ("q35: VGA", "q35, QEMU's default devices", "00:01.0"),
    ("q35: e1000e", "q35, QEMU's default devices", "00:02.0"),
    ("q35: virtio device on bus 0", "q35, one device", "00:01.0"),
    ("q35: an empty slot of bus 0", "q35, one device", "00:03.0"),
    ("q35: root port with a device", "q35, four ports", "00:01.0"),
    ("q35: virtio device behind it", "q35, four ports", "01:00.0"),
    ("q35: root port without one", "q35, ten ports, three devices", "00:05.0"),
    ("q35: an empty slot behind a port", "q35, ten ports, three devices", "05:01.0"),
    ("q35: pxb-pcie", "q35, pxb", "00:01.0"),
    ("q35: root port of a pxb, with a device", "q35, pxb", "40:00.0"),
    ("q35: virtio device behind it", "q35, pxb", "41:00.0"),
    ("pc: host bridge", "pc, one device", "00:00.0"),
    ("pc: ISA bridge", "pc, one device", "00:01.0"),
    ("pc: IDE", "pc, one device", "00:01.1"),
    ("pc: PM", "pc, one device", "00:01.3"),
    ("pc: VGA", "pc, QEMU's default devices", "00:02.0"),
    ("pc: e1000", "pc, QEMU's default devices", "00:03.0"),
    ("pc: virtio device", "pc, one device", "00:02.0"),
    ("pc: an empty slot", "pc, one device", "00:03.0"),
    ("microvm: host bridge", "microvm, PCIe", "00:00.0"),
    ("microvm: virtio device", "microvm, PCIe", "00:01.0"),
    ("microvm: an empty slot", "microvm, PCIe", "00:03.0"),
)

# What an exit is for: pattern of its name (events.py), how the table calls it, why it is needed.
REASONS = (
    (r"fw_cfg item file_dir", "fw_cfg: directory",
     "is there fw_cfg, and DMA?  selectors of files shift with the configuration"),
    (r"fw_cfg item etc/fdt", "fw_cfg: device tree", "is there a PCIe host bridge?"),
    (r"fw_cfg item etc/e820", "fw_cfg: `etc/e820`", "where RAM is"),
    (r"fw_cfg item kernel_entry", "fw_cfg: kernel entry", "ELF or bzImage?"),
    (r"fw_cfg item (kernel|initrd|initdr|cmdline|setup)_(addr|size)", "fw_cfg: sizes and addresses",
     "what the kernel occupies, before a table is placed there; Multiboot or PVH"),
    (r"fw_cfg item setup_data", "fw_cfg: setup header", "how the bzImage wants to be loaded"),
    (r"fw_cfg item kernel_data", "fw_cfg: kernel", "the kernel itself; an ELF is loaded by QEMU"),
    (r"fw_cfg item cmdline_data", "fw_cfg: command line", "in one over-long read"),
    (r"fw_cfg item initrd_data", "fw_cfg: initrd", "to its final place"),
    (r"fw_cfg item etc/table-loader", "fw_cfg: ACPI script",
     "where QEMU's tables go; QEMU builds them now"),
    (r"fw_cfg item etc/acpi/", "fw_cfg: ACPI tables", "the tables and the RSDP"),
    (r"fw_cfg item etc/smbios/", "fw_cfg: SMBIOS", "QEMU's structures"),
    (r"fw_cfg item (nb_cpus|max_cpus|smp_cpus|irq0_override)|fw_cfg item .*\(0x(0005|000f|8002)\)",
     "fw_cfg: processors", "for the MP table"),
    (r"fw_cfg item", "fw_cfg: other items", ""),
    (r".*fwcfg", "fw_cfg: more of an item", "skips, writes, and reads that go on"),
    (r"write pci-conf-idx", "PCI: address (CF8)", "each access without ECAM needs it"),
    (r"write config 00:00.0 register 0x60", "PCI: PCIEXBAR",
     "ECAM: one exit an access from here on"),
    (r"write config 00:(01|1f).0 register 0x6[0-9a-b]", "PCI: PIRQ routing",
     "interrupts of kernels that use the 8259s"),
    (r"write config 00:01.1 register 0x4", "PCI: IDE decode",
     "Linux's legacy IDE driver asks for it"),
    (r"write config 00:(01.3 register 0x[48]0|1f.0 register 0x4)", "PCI: PM base",
     "QEMU's ACPI tables name the PM registers; must precede them"),
    (r"write config 00:00.0 register 0x(59|5|7|9)", "PCI: PAM, SMRAM",
     "memory behind the ROM, SMM"),
    (r"read config .* register 0x00", "PCI: vendor", "which host bridge?"),
    (r"read config .* register 0x0[8c-e]", "PCI: header type",
     "is there a function, and is it a bridge?  one for each slot"),
    (r"(read|write) config .* register 0x(1[0-9a-f]|2[0-7]|30)", "PCI: BARs and windows",
     "sizes and addresses"),
    (r"(read|write) config .* register 0x04", "PCI: command", "decoding"),
    (r"(read|write) config .* register 0x3c", "PCI: interrupt line and pin",
     "interrupts of kernels that use the 8259s"),
    (r"(read|write) config", "PCI: other registers", ""),
    (r".* (elcr|pic|kvm-elcr|kvm-pic)", "8259s, ELCR",
     "level triggered; masked where nobody looks"),
    (r".* (apic-msi|kvm-apic-msi|ioapic)", "APIC", "virtual wire mode"),
    (r"", "others", ""),
)


def grouped(names):
    """{row of REASONS: how often}."""
    counts = {}
    for name, count in names.items():
        row = next(i for i, (pattern, _, _) in enumerate(REASONS) if re.match(pattern, name))
        counts[row] = counts.get(row, 0) + count
    return counts


def markdown(header, rows):
    """A table; all but the first column to the right."""
    lines = ["| " + " | ".join(header) + " |", "|---" + "|--:" * (len(header) - 1) + "|"]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def number(value):
    """With thousands separated."""
    return f"{value:,}"


def block_budget():
    """What budget.json allows."""
    data = budget.load()
    rows = []
    for name, ways in data["rows"].items():
        kvm, tcg = ways.get("kvm", {}), ways.get("tcg", {})
        causes = " + ".join(str(kvm.get(cause, "?")) for cause in events.CAUSES)
        rows.append((name, kvm.get("total", "?"), causes, kvm.get("rebuilds", "?"),
                     kvm.get("memslots", "?"), tcg["total"], tcg["rebuilds"], tcg["ram"],
                     number(round(tcg["bytes"]))))
    table = markdown(("row", "exits", "fw_cfg + PCI + chipset + other", "rebuilds", "memory slots",
                      "TCG: accesses", "rebuilds", "changed RAM", "bytes by DMA"), rows)
    return f"QEMU {data['qemu']}, `-m 512 -smp 1 -nodefaults`.\n\n{table}"


def block_exits():
    """Each exit of ours by what it is for."""
    found = {}
    with budget.Counter(qemu.FIRMWARE) as counter:
        way = counter.ways()[0]
        for protocol in ("pvh", "bzimage"):
            for machine in MACHINES:
                names = counter.counts(way, budget.Row("", machine, protocol)).names
                found[machine, protocol] = grouped(names)
    rows = []
    for i, (_, label, why) in enumerate(REASONS):
        cells = []
        for machine in MACHINES:
            pair = [found[machine, protocol].get(i, 0) for protocol in ("pvh", "bzimage")]
            cells.append(str(pair[0]) if pair[0] == pair[1] else f"{pair[0]} / {pair[1]}")
        if any(cell != "0" for cell in cells):
            rows.append((label, *cells, why))
    rows.append(("**all**", *(" / ".join(dict.fromkeys(
        str(sum(found[machine, protocol].values())) for protocol in ("pvh", "bzimage")))
        for machine in MACHINES), ""))
    return markdown(("exit", *MACHINES, "why"), rows)


def peers(machine):
    """Installed firmware that fits a machine."""
    return [firmware for firmware in firmwares.find() if firmware.fits(machine)]


def measured(firmware, way, row):
    """Counts, or None where the firmware does not get to the kernel."""
    try:
        with budget.Counter(firmware.path) as counter:
            return counter.measure(way, row)
    except qemu.Error as error:
        print(f"tables.py: {row.name}, {firmware.name}: {error}", file=sys.stderr)
        return None


def block_peers():
    """All installed firmware, to a PVH kernel."""
    ways = ("kvm", "tcg") if qemu.kvm_works() else ("tcg",)
    rows = []
    for machine in MACHINES:
        row = budget.Row(machine, machine, "pvh")
        for firmware in peers(machine):
            found = {way: measured(firmware, way, row) for way in ways}
            kvm, tcg = found.get("kvm"), found["tcg"]
            rows.append((machine, firmware.name, *(
                (kvm["total"], kvm["rebuilds"], kvm["memslots"]) if kvm else ("?",) * 3), *(
                (number(tcg["total"]), tcg["rebuilds"], number(tcg["instructions"])) if tcg else
                ("?",) * 3)))
    return markdown(("machine", "firmware", "exits", "rebuilds", "memory slots", "TCG: accesses",
                     "rebuilds", "instructions"), rows)


def block_growth():
    """What one more device or processor adds, for all installed firmware."""
    way = "kvm" if qemu.kvm_works() else "tcg"
    rows = []
    for row in budget.ROWS:
        for firmware in peers(row.machine) if row.per else ():
            found, tcg = measured(firmware, way, row), measured(firmware, "tcg", row)
            if found and tcg:
                rows.append((row.name, firmware.name, f"{found['total']:g}",
                             f"{found['rebuilds']:g}", number(round(tcg["instructions"]))))
    return markdown(("growth", "firmware", "exits", "rebuilds", "instructions"), rows)


def guest_clock(machine, firmware, kernel, initrd):
    """Linux's time stamp at the start of init when an instruction takes a nanosecond, or None."""
    append = f"{bench.APPEND}{bench.APPEND_TCG}{bench.APPEND_MICROVM} tsc_early_khz=1000000"
    argv = qemu.command(["-accel", "tcg", "-icount", "shift=0,sleep=off"], machine, firmware,
                        kernel, ["-initrd", str(initrd), "-append", append, "-serial", "stdio"])
    said = qemu.run(argv)[1]
    found = re.search(r"^\[ *([\d.]+)\] Run /init as init process", said, re.MULTILINE)
    return float(found[1]) if found else None


def block_clock():
    """How long Linux takes to its init by QEMU's instruction counter, which repeats on any host."""
    *kernels, initrd = bench.default_kernels()
    rows = []
    for machine in MACHINES:
        for kernel in kernels:
            times = {firmware.name: guest_clock(machine, firmware.path, kernel, initrd)
                     for firmware in peers(machine)}
            ours = times.get("qboot.bin")
            if not ours:
                raise qemu.Error(f"{machine}, {kernel.name}: {qemu.FIRMWARE} does not get to init")
            rows += [(f"{machine}, {kernel.name}", name,
                      f"{(time / ours - 1) * 100:+.2f} %" if time else "does not get there")
                     for name, time in times.items()]
    return markdown(("boot", "firmware", "clock at the start of init"), rows)


def block_whole():
    """From reset to init: ours as whole.json allows, the others as it has them, too."""
    data = whole.load()
    names = list(dict.fromkeys(name for entry in data["rows"].values()
                               for name in entry.get("peers", {})))
    rows = []
    for row in whole.ROWS:
        entry = data["rows"].get(row.name)
        if entry:
            others = [entry.get("peers", {}).get(name, ()) for name in names]
            rows.append((row.name, f"{number(entry['conf'])} / {entry['rebuilds']}",
                         *("does not boot it" if pair is None else
                           f"{number(pair[0])} / {pair[1]}" if pair else "" for pair in others)))
    table = markdown(("PCI accesses / rebuilds", "qboot.bin", *names), rows)
    return f"QEMU {data['qemu']}, Linux {data['kernel']} as vmlinux.\n\n{table}"


@functools.cache
def watched(name):
    """callers.watch() of ours in a row of whole.py; a boot serves two blocks."""
    row = next(row for row in whole.ROWS if row.name == name)
    with whole.Counter() as counter:
        return callers.watch(counter, row, counter.kernel.parent,
                             firmwares.Firmware("qboot.bin", qemu.FIRMWARE))


def pair(accesses, rebuilds):
    """A cell."""
    return f"{number(accesses)} / {rebuilds}"


def block_callers():
    """What for Linux leaves the guest until init, in the rows of whole.py."""
    tables = []
    for names in CALLERS:
        found = {name: callers.grouped(watched(name)) for name in names}
        rows = [(label, *(pair(*found[name][label]) for name in names))
                for _, label in callers.GROUPS]
        rows = [row for row in rows if any(cell != "0 / 0" for cell in row[1:])]
        rows.append(("**all**", *(pair(sum(found[name][label][0] for label in found[name]),
                                       callers.rebuilds(watched(name).values()))
                                  for name in names)))
        tables.append(markdown(("PCI accesses / rebuilds", *names), rows))
    return "\n\n".join(tables)


def block_functions():
    """What each kind of device costs, firmware and kernel."""
    rows = []
    for label, name, function in FUNCTIONS:
        found = watched(name)
        rows.append((label, *(pair(*callers.by_device(parts).get(function, (0, 0))) for parts in (
            found.values(), [counts for chain, counts in found.items() if chain == FIRMWARE]))))
    return markdown(("PCI accesses / rebuilds", "all", "of these, the firmware"), rows)


BLOCKS = {"budget": block_budget, "exits": block_exits, "peers": block_peers,
          "growth": block_growth, "whole": block_whole, "clock": block_clock,
          "callers": block_callers, "functions": block_functions}


def main():
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("blocks", nargs="*", metavar="BLOCK", help=", ".join(BLOCKS))
    options = parser.parse_args()
    text = DOCUMENT.read_text(encoding="utf-8")
    for name in options.blocks or BLOCKS:
        if name not in BLOCKS:
            parser.error(f"no block {name}")
        pattern = re.compile(rf"(<!-- generated: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        if not pattern.search(text):
            print(f"tables.py: {DOCUMENT} has no block {name}", file=sys.stderr)
            return 1
        table = BLOCKS[name]()
        text = pattern.sub(lambda match, table=table: f"{match[1]}{table}\n{match[2]}", text)
        DOCUMENT.write_text(text, encoding="utf-8")
        print(f"{name}: refreshed")
    return 0


if __name__ == "__main__":
    sys.exit(main())

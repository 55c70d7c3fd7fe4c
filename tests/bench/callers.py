#!/usr/bin/env python3
"""Who accesses PCI configuration space from reset until Linux starts init, and who makes QEMU
rebuild its memory topology: by device and by function of the Linux kernel.

    callers.py [--kernel cloud|generic] [--firmware FILE] [--chains] [ROW...]

ROW is part of the name of a row of whole.py.  The guest stops in QEMU's gdb stub at the entry of
each kernel function that makes the accesses; its stack then has the return addresses of those who
called it.  All that the trace has until the next stop is theirs.  Before the first stop it is the
firmware's.  --chains shows three callers in a row and the registers instead of one caller.

The kernel's symbols come from /proc/kallsyms of a first boot, and are kept beside the kernel.
"""

import argparse
import bisect
import collections
import dataclasses
from pathlib import Path
import re
import subprocess
import sys

import boots
import budget
import events
import firmwares
import gdb_stub
import qemu             # finds scripts/, too
import initramfs
import whole

INIT = re.compile(boots.Scenario.init.encode())
STACK = 768                     # bytes looked at
PAGE = 4096
NOP = 5                         # of ftrace, the first instruction of each function

# The functions that make the accesses (arch/x86/pci): where the guest stops.
ACCESSORS = ("pci_conf1_read", "pci_conf1_write", "pci_mmcfg_read", "pci_mmcfg_write",
             "read_pci_config", "read_pci_config_byte", "read_pci_config_16", "write_pci_config",
             "write_pci_config_byte", "write_pci_config_16")
# Those between them and the one that wants to know.
BETWEEN = re.compile(r"^(pci_conf1_\w+|pci_mmcfg_\w+|raw_pci_\w+|pci_read|pci_write|"
                     r"pci_(bus|user)_(read|write)_config_\w+|pci_(read|write)_config_\w+|"
                     r"pci_generic_config_\w+|pcie_capability_\w+|"
                     r"_etext|__x86_indirect_thunk\w*|_raw_spin\w*|__raw_\w+|pci_find_capability|"
                     r"__pci_find_next_cap\w*|__pci_bus_find_cap\w*|pci_find_ext_capability|"
                     r"pci_find_next_\w+|pci_bus_find_capability|acpi_os_\w+_pci_config\w*)$")

# What the functions do, for a short table: pattern of their names, what to call it.
GROUPS = (
    (r"the firmware", "the firmware"),
    (r"early_pci_scan_bus", "before ACPI: each slot of each bus, for early quirks"),
    (r"pci_bus_generic_read_dev_vendor_id", "is there a function?"),
    (r"pcibios_scan_specific_bus", "is there a bus that nobody has told of?"),
    (r"__pci_read_base", "BARs and ROMs: their sizes"),
    (r"_pci_add_cap_save_buffer|pci_(?!arch)\w+_init|set_pcie_port_type|pci_cfg_space_size\w*|"
     r"pci_(af_flr|pm_reset)|pci_rebar\w*|pci_allocate_vc\w*|pci_(en|dis)able_pcie_error\w*|"
     r"pci_configure_\w+|pci_add_new_bus|pci_device_add|pcie_get_\w+|pci_aer_raw\w*",
     "capabilities: each feature walks the list anew"),
    (r"pci_setup_device.*|pci_read_irq|pcibios_allocate\w*", "what it is; INTx; which BARs are on"),
    (r"pci_scan_bridge\w*|pci_read_bridge.*|\w*pci_setup_bridge\w*", "bridges: numbers, windows"),
    (r"acpi_(ev|hw)_\w+", "AML: the interrupt links"),
    (r"pcie_\w+|aer_\w+|down_read|kernfs_\w+|__pci_\w+|do_pci_\w+|pci_intx|pci_enable_\w+|"
     r"pci_(save|dis)\w+|msix_\w+", "the ports' driver: enable, MSI-X, AER, PME; link state"),
    (r"", "the chipset's own: quirks, processor, ECAM"),
)

SYMBOLS_INIT = """#!/bin/sh
/bin/busybox mount -t proc proc /proc
echo SYMBOLS
/bin/busybox grep -i ' t ' /proc/kallsyms
echo END
/bin/busybox reboot -f
"""


class Symbols:
    """The kernel's functions by address."""

    def __init__(self, text):
        found = sorted({(int(line.split()[0], 16), line.split()[2]) for line in text.splitlines()
                        if len(line.split()) == 3})
        end = next((at for at, (_, name) in enumerate(found) if name == "_einittext"), -1)
        self.end = found[end][0]
        found = found[:end]
        self.addresses = [address for address, _ in found]
        self.names = [name for _, name in found]
        self.by_name = {name: address for address, name in reversed(found)}

    def name(self, address):
        """The function that an address is in; None outside of the kernel's text."""
        if not self.addresses or not self.addresses[0] <= address < self.end:
            return None
        return self.names[bisect.bisect_right(self.addresses, address) - 1]

    @classmethod
    def of(cls, kernel, lab):
        """Those of a kernel directory, from a boot of it if nobody has asked before."""
        kept = kernel / "kallsyms"
        if not kept.exists():
            archive = initramfs.Cpio()
            for name in ("dev", "bin", "proc"):
                archive.add(name, 0o40755)
            archive.add("dev/console", 0o20600, device=(5, 1))
            archive.add("bin/busybox", 0o100755, (kernel / "busybox").read_bytes())
            archive.add("bin/sh", 0o120777, b"busybox")
            archive.add("init", 0o100755, SYMBOLS_INIT.encode())
            initrd = lab.scratch / "symbols"
            initrd.write_bytes(archive.finish())
            scenario = scenario_of(whole.ROWS[0], kernel, initrd)
            argv = scenario.command(firmwares.Firmware("qboot.bin", qemu.FIRMWARE),
                                    scenario.kernel)
            said = qemu.run(argv, 300)[1].replace("\r", "")
            match = re.search(r"^SYMBOLS\n(.*)^END\n", said, re.M | re.S)
            if not match:
                raise qemu.Error(f"{kernel}: no /proc/kallsyms; last: {said[-200:]}")
            kept.write_text(match[1], encoding="ascii")
        return cls(kept.read_text(encoding="ascii"))


def scenario_of(row, kernel, initrd):
    """The boot of a row, with symbols where the kernel says they are."""
    scenario = boots.Scenario(row.name, kernel / "vmlinux", row.arguments(), "tcg", initrd)
    scenario.append = whole.APPEND + " nokaslr"
    scenario.limit = 600
    return scenario


@dataclasses.dataclass
class Stop:
    """The guest is about to make an access."""

    offset: int         # in the trace
    chain: tuple        # those who want it, the innermost first


def read_stack(stub, rsp):
    """What is on the stack; where an initcall is called it ends before STACK bytes, with a page."""
    for size in (STACK, PAGE - rsp % PAGE):
        stack = stub.ask(f"m{rsp:x},{size:x}")
        if stack and not stack.startswith("E"):
            return bytes.fromhex(stack)
    raise qemu.Error(f"the stack at {rsp:#x} cannot be read")


class Watch:
    """One boot, with a stop at each access."""

    def __init__(self, lab, symbols):
        self.lab, self.symbols, self.stops = lab, symbols, []

    def chain(self, stack):
        """The functions whose return addresses are on the stack."""
        found = []
        for at in range(0, len(stack) - 7, 8):
            name = self.symbols.name(int.from_bytes(stack[at:at + 8], "little"))
            if name and not BETWEEN.match(name) and (not found or found[-1] != name):
                found.append(name)
        return tuple(found[:4])

    def run(self, scenario, firmware):
        """Boots, and returns an events.Counts for each chain."""
        argv = scenario.command(firmware, scenario.kernel) + qemu.traced(self.lab.scratch)
        trace = self.lab.scratch / "trace"
        with gdb_stub.debugged(argv, self.lab.scratch, scenario.limit) as (stub, process):
            stub.ask("qXfer:features:read:target.xml:0,ffb")     # without, it has no P
            for name in ACCESSORS:
                if name in self.symbols.by_name:
                    stub.ask(f"Z0,{self.symbols.by_name[name]:x},1")
            answer = stub.ask("c")
            while answer and answer[0] == "T":
                registers = stub.ask("g")
                rsp, rip = (int.from_bytes(bytes.fromhex(registers[at:at + 16]), "little")
                            for at in (7 * 16, 16 * 16))
                self.stops.append(Stop(trace.stat().st_size, self.chain(read_stack(stub, rsp))))
                stub.ask("P10=" + (rip + NOP).to_bytes(8, "little").hex())
                answer = stub.ask("c")
            process.wait()
        return self.read(trace)

    def read(self, trace):
        """{chain: events.Counts}."""
        reader, result = events.Reader(False), collections.defaultdict(events.Counts)
        stops, at = iter(self.stops + [Stop(1 << 62, ())]), 0
        stop = next(stops)
        reader.counts = result[("the firmware",)]
        with open(trace, "rb") as lines:
            for line in lines:
                while at >= stop.offset:
                    reader.counts = result[stop.chain or ("?",)]
                    stop = next(stops)
                at += len(line)
                reader.feed(line.decode(errors="replace"))
                if line.find(b"'serial'") > 0 and INIT.search(reader.serial[-200:]):
                    break
        reader.finish()
        return result


def configuration(counts):
    """{(access, function, register): count} of an events.Counts, PCI configuration only."""
    found = collections.Counter()
    for name, count in counts.names.items():
        match = re.match(r"(read|write) config (\S+) register (0x\w+)", name)
        if match:
            found[match[1], match[2], int(match[3], 16)] += count
        elif "pci-conf-idx" in name:
            found["select", "", 0] += count
    return found


def rebuilds(parts):
    """Those of several events.Counts."""
    roots = collections.Counter()
    for counts in parts:
        roots += counts.roots
    return max(roots.values(), default=0)


def grouped(result):
    """{label of GROUPS: (accesses, rebuilds)}."""
    parts = {label: [] for _, label in GROUPS}
    for chain, counts in result.items():
        parts[next(label for pattern, label in GROUPS
                   if re.match(f"(?:{pattern})(?:\\.|$)" if pattern else "", chain[0]))] \
            .append(counts)
    return {label: (sum(counts.exits["pci"] for counts in found), rebuilds(found))
            for label, found in parts.items()}


def by_device(parts):
    """{function, or other region: (accesses, rebuilds)} of several events.Counts."""
    devices, views = collections.Counter(), collections.defaultdict(collections.Counter)
    for counts in parts:
        for (_, function, _), count in configuration(counts).items():
            devices[function or "selecting (0xcf8)"] += count
        for (name, root), count in counts.views.items():
            match = re.search(r"config (\S+) register", name)
            views[match[1] if match else name][root] += count
    return {name: (devices[name], max(views[name].values(), default=0))
            for name in sorted(set(devices) | set(views))}


def table(title, rows):
    """Prints [(name, accesses, rebuilds)], the most frequent first."""
    print(f"\n{title:<58}{'conf':>8}{'rebuilds':>10}")
    for name, conf, views in sorted(rows, key=lambda row: (-row[1], -row[2], row[0])):
        if conf or views:
            print(f"  {name:<56}{conf:>8}{views:>10}")


def show(result, chains):
    """Prints the tables of one boot."""
    total = sum(counts.exits["pci"] for counts in result.values())
    others = collections.Counter()
    for counts in result.values():
        others.update({name: count for name, count in counts.names.items()
                       if " config " not in name and "pci-conf-idx" not in name})
    print(f"{total} conf, {rebuilds(result.values())} rebuilds, "
          f"{sum(others.values())} other accesses")
    table("what for", [(label, *counts) for label, counts in grouped(result).items()])
    callers = collections.defaultdict(list)
    for chain, counts in result.items():
        callers[" < ".join(chain[:3]) if chains else chain[0]].append(counts)
    table("kernel function", [(name, sum(counts.exits["pci"] for counts in parts),
                               rebuilds(parts)) for name, parts in callers.items()])
    if chains:
        for name, parts in sorted(callers.items()):
            registers = collections.Counter()
            for counts in parts:
                for (access, _, register), count in configuration(counts).items():
                    registers[f"{access} {register:#04x}"] += count
            shown = ", ".join(f"{count} x {what}" for what, count in registers.most_common(12))
            print(f"{name}: {shown}")
    rows = [(function, *counts) for function, counts in by_device(result.values()).items()]
    table("device", rows)
    table("other accesses", [(name, count, 0) for name, count in others.most_common(25)])


def kernel_directory(name):
    """That of "cloud" or "generic", which is fetched if it is not there."""
    said = subprocess.run([sys.executable, qemu.ROOT / "scripts" / "kernels.py", name],
                          check=True, stdout=subprocess.PIPE, text=True).stdout
    return Path(said.strip())


def watch(counter, row, kernel, firmware):
    """The boot of a row: {chain of functions: events.Counts}."""
    symbols = Symbols.of(kernel, counter.lab)
    scenario = scenario_of(row, kernel, counter.initrd)
    return Watch(counter.lab, symbols).run(scenario, firmware)


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--firmware", default=qemu.FIRMWARE, type=Path)
    parser.add_argument("--kernel", default="cloud", choices=("cloud", "generic"))
    parser.add_argument("--chains", action="store_true", help="three callers, with registers")
    parser.add_argument("rows", nargs="*", metavar="ROW")
    options = parser.parse_args()
    firmware = firmwares.Firmware(options.firmware.name, options.firmware)
    kernel = kernel_directory(options.kernel)
    try:
        with whole.Counter() as counter:
            for row in budget.chosen(whole.ROWS, options.rows):
                found = watch(counter, row, kernel, firmware)
                print(f"\n{row.name}, {options.kernel} kernel, {firmware.name}: ", end="")
                show(found, options.chains)
    except qemu.Error as error:
        print(f"callers.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""The whole boot: what QEMU does from reset until Linux starts init, firmware and kernel together.

    whole.py [--firmware FILE] [ROW...]     ours and every firmware that is installed, row by row
    whole.py --update [ROW...]              write whole.json from what is measured for ours
    whole.py --peers [ROW...]               write what the others have into whole.json, to be read
    whole.py --list [ROW...]                each access to PCI configuration by function and
    register

What a firmware hands over decides how often Linux leaves the guest afterwards: the last bus that
the MCFG table names, how bridges and devices decode, addresses that Linux keeps or changes.  So a
row is a machine with devices, and Debian's cloud kernel (vmlinux) with an init that ends the guest.
 Counted under TCG, where no count depends on the host:

    conf        reads and writes of PCI configuration space, by port or ECAM
    rebuilds    of the memory topology (events.py)

whole.json holds the ceilings of ours and, to name what is new when one is passed, how often each
kind of register of each function is accessed.  whole_test.py asserts the ceilings, and that no
installed firmware is below ours in any row.  Counts repeat to a few accesses: SLACK.
"""

import argparse
import collections
import dataclasses
import functools
import json
from pathlib import Path
import re
import struct
import sys
import tempfile

import bench
import boots
import budget
import firmwares
import qemu             # finds scripts/, too
import initramfs

BUDGET = Path(__file__).resolve().parent / "whole.json"
COUNTS = ("conf", "rebuilds")
SLACK = {"conf": 12, "rebuilds": 2}
OTHER_PERCENT = 10              # more, with another QEMU or kernel than those of whole.json
SERIES = re.compile(r"\d+\.\d+")
GROUPS_SHOWN, REGISTERS_SHOWN = 6, 8

RNG = "virtio-rng-pci"
APPEND = (f"{bench.APPEND_WHOLE}{bench.APPEND_TCG}{bench.APPEND_MICROVM}"
          f"{bench.APPEND_MICROVM_TCG}")


def ports(count):
    """PCIe root ports p0, p1, ..."""
    return tuple(f"pcie-root-port,id=p{i},chassis={i + 1}" for i in range(count))


@dataclasses.dataclass(frozen=True)
class Row:
    """A machine and its devices; DEFAULTS: those that QEMU adds by itself, too.

    SPARE: accesses by which ours may be above the others, which there give devices no addresses.
    BACKENDS: further words for QEMU, what the devices need.
    """

    name: str
    machine: str
    devices: tuple = ()
    defaults: bool = False
    spare: int = 0
    backends: tuple = ()

    def arguments(self):
        """QEMU's."""
        words = ["-M", self.machine, "-m", "512", "-cpu", "max"]
        words += ["-net", "nic"] if self.defaults else ["-nodefaults", "-no-user-config"]
        words += self.backends
        for device in self.devices:
            words += ["-device", device]
        return words


ROWS = (
    Row("q35, one device", "q35", (RNG,)),
    Row("q35, 24 devices", "q35", (RNG,) * 24),
    Row("q35, four ports", "q35", ports(4) + tuple(f"{RNG},bus=p{i}" for i in range(4))),
    Row("q35, ten ports, three devices", "q35",
        ports(10) + ("virtio-net-pci,bus=p0,netdev=n", "virtio-blk-pci,bus=p1,drive=d",
                     "virtio-balloon-pci,bus=p2"),
        backends=("-netdev", "user,id=n", "-blockdev", "driver=null-co,node-name=d")),
    Row("q35, pxb", "q35", ("pxb-pcie,id=pxb,bus_nr=64,bus=pcie.0",
                            "pcie-root-port,id=p0,chassis=1,bus=pxb", f"{RNG},bus=p0")),
    Row("q35, 32 GiB BAR", "q35", ("ivshmem-plain,memdev=m",),
        backends=("-object", "memory-backend-ram,id=m,size=32G,share=on,reserve=off")),
    Row("q35, QEMU's default devices", "q35", defaults=True),
    Row("pc, one device", "pc", (RNG,)),
    Row("pc, four devices", "pc", (RNG,) * 4),
    Row("pc, 24 devices", "pc", (RNG,) * 24),
    Row("pc, QEMU's default devices", "pc", defaults=True),
    Row("microvm", "microvm", ("virtio-rng-device",)),
    Row("microvm, PCIe", "microvm,pcie=on", (RNG,), spare=40),
)

# Kinds of registers of a function, for what is stored.
KINDS = ((0x00, "identity"), (0x04, "command"), (0x08, "class"), (0x10, "BARs"), (0x18, "buses"),
         (0x1c, "windows"), (0x30, "ROM"), (0x34, "interrupt"), (0x40, "capabilities"),
         (0x100, "extended"))


def init():
    """/init of the initramfs: reboots.  reboot(2) with RB_AUTOBOOT, in the smallest ELF file."""
    code = (b"\xb8" + struct.pack("<I", 169) +          # mov eax, SYS_reboot
            b"\xbf" + struct.pack("<I", 0xfee1dead) +   # mov edi, LINUX_REBOOT_MAGIC1
            b"\xbe" + struct.pack("<I", 672274793) +    # mov esi, LINUX_REBOOT_MAGIC2
            b"\xba" + struct.pack("<I", 0x1234567) +    # mov edx, LINUX_REBOOT_CMD_RESTART
            b"\x0f\x05\xeb\xfe")                        # syscall; jmp .
    base, headers = 0x400000, 64 + 56
    size = headers + len(code)
    return (b"\x7fELF\2\1\1" + bytes(9) +
            struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, base + headers, 64, 0, 0, 64, 56, 1, 0, 0, 0) +
            struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, size, size, 0x1000) + code)


# An access's name in events.py.
ACCESS = re.compile(r"(?:read|write) config (\S+) register (0x\w+)")


@dataclasses.dataclass(eq=False)
class Whole:
    """One boot: the counts, and how often each access was."""

    conf: int
    rebuilds: int
    names: collections.Counter
    firmware: dict              # the firmware's part: {"conf": , "rebuilds": }

    def group_of(self, name):
        """The group that an access counts for: function and kind of register; all slots without a
        device are one, those behind bridges another."""
        match = ACCESS.match(name)
        if not match:
            return "ports 0xcf8"
        function, register = match[1], int(match[2], 16)
        if function not in self.functions:
            return "empty slots of bus 0" if function.startswith("00:") else "empty slots elsewhere"
        return f"{function} " + [label for first, label in KINDS if register >= first][-1]

    @functools.cached_property
    def functions(self):
        """Those that are there: somebody wrote their command register."""
        return {match[1] for match in map(ACCESS.match, self.names) if match and
                match[0].startswith("write") and int(match[2], 16) == 4}

    def groups(self):
        """{group: accesses}, of PCI configuration."""
        found = collections.Counter()
        for name, count in self.names.items():
            found[self.group_of(name)] += count
        return found


class Counter:
    """Counts boots; a scratch directory that lives as long as it does."""

    def __init__(self, accel="tcg"):
        self.accel = accel
        self.limit = 240        # seconds for a boot
        self._directory = tempfile.TemporaryDirectory(prefix="qboot-whole-")
        self.lab = boots.Lab(self._directory.name)
        _, self.kernel, _ = bench.default_kernels()
        archive = initramfs.Cpio()
        archive.add("dev", 0o40755)
        archive.add("dev/console", 0o20600, device=(5, 1))
        archive.add("init", 0o100755, init())
        self.initrd = self.lab.scratch / "initrd"
        self.initrd.write_bytes(archive.finish())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._directory.cleanup()

    def release(self):
        """The kernel's version."""
        return (self.kernel.parent / "release").read_text(encoding="ascii").strip()

    def measure(self, row, firmware):
        """A Whole, or qemu.Error when the guest does not start init."""
        scenario = boots.Scenario(row.name, self.kernel, row.arguments(), self.accel, self.initrd)
        scenario.append = APPEND
        scenario.limit, scenario.up = self.limit, scenario.init
        firmware_counts = self.lab.count_firmware(scenario, firmware)
        reader = self.lab.read_guest(scenario, firmware)
        if not re.search(scenario.init.encode(), reader.serial):
            last = bytes(reader.serial).decode(errors="replace").strip().splitlines()
            raise qemu.Error(f"{row.name}, {firmware.name}: Linux did not start init; the last of "
                             f"the serial port: {last[-1] if last else 'nothing'}")
        counts = reader.counts
        names = collections.Counter({name: count for name, count in counts.names.items()
                                     if "config" in name or "pci-conf-idx" in name})
        return Whole(counts.exits["pci"], counts.rebuilds, names,
                     {"conf": firmware_counts.exits["pci"], "rebuilds": firmware_counts.rebuilds})


def load():
    """The budget."""
    return json.loads(BUDGET.read_text(encoding="ascii"))


def new_accesses(found, groups):
    """What there is more of than in GROUPS, a line for each group with its registers."""
    more = found.groups()
    more.subtract(groups)
    for group, count in more.most_common(GROUPS_SHOWN):
        if count <= 0:
            break
        names = [f"{times} x {name}" for name, times in found.names.most_common()
                 if found.group_of(name) == group]
        shown = ", ".join(names[:REGISTERS_SHOWN])
        more_shown = ", ..." if len(names) > REGISTERS_SHOWN else ""
        yield f"    {count} more: {group} ({shown}{more_shown})"


def excess(budget, row, found, release):
    """What is over the budget, a sentence each.

    Another series of Linux than that of whole.json has no ceilings: 6.12 makes a third more
    accesses than 6.1 for the same device, under any firmware.  It is compared with peers alone.
    """
    if SERIES.match(budget["kernel"])[0] != SERIES.match(release)[0]:
        return
    entry = budget["rows"].get(row.name)
    if not entry:
        yield f"{row.name}: whole.json has no such row; whole.py --update writes it"
        return
    same = budget["qemu"] == "{}.{}".format(*qemu.version()) and budget["kernel"] == release
    over = False
    for what in COUNTS:
        ceiling = entry[what] + SLACK[what]
        if not same:
            ceiling += entry[what] * OTHER_PERCENT // 100
        count = getattr(found, what)
        if count > ceiling:
            over = True
            yield f"{row.name}: {count} {what} from reset to init, {entry[what]} in whole.json"
    if over:
        yield from new_accesses(found, entry["groups"])


def behind(row, ours, peer, name):
    """Where another firmware is below ours, a sentence each.

    Not where Linux finds fewer functions under it: behind a port of a pxb, for one, it finds none
    when nobody gave the buses numbers, and what it does not find costs nothing.
    """
    if len(peer.functions) < len(ours.functions):
        return
    over = False
    for what in COUNTS:
        mine, other = getattr(ours, what), getattr(peer, what)
        spare = row.spare if what == "conf" else 0
        if mine > other + SLACK[what] + spare:
            over = True
            yield f"{row.name}: {mine} {what} from reset to init, {name} has {other}"
    if over:
        yield from new_accesses(ours, peer.groups())


def peers(machine):
    """Other installed firmware that fits a machine."""
    return [firmware for firmware in firmwares.find()
            if firmware.fits(machine) and firmware.path != qemu.FIRMWARE]


def compact(budget):
    """JSON with a line for each row's counts and one for each of its groups' dozens."""
    rows = []
    for name, entry in budget["rows"].items():
        groups = json.dumps(dict(sorted(entry["groups"].items())))
        groups = re.sub(r"(.{1,90}),( |$)", r"\1,\n        ", groups)
        counts = ", ".join(f"{json.dumps(what)}: {json.dumps(entry[what])}"
                           for what in (*COUNTS, "peers") if what in entry)
        rows.append(f"    {json.dumps(name)}: {{\n      {counts},\n"
                    f"      \"groups\": {groups}\n    }}")
    return (f'{{\n  "qemu": {json.dumps(budget["qemu"])},\n'
            f'  "kernel": {json.dumps(budget["kernel"])},\n  "rows": {{\n' + ",\n".join(rows) +
            "\n  }\n}\n")


def update(counter, firmware, rows):
    """Writes the budget; rows not measured stay as they were."""
    budget = load() if BUDGET.exists() else {"rows": {}}
    budget |= {"qemu": "{}.{}".format(*qemu.version()), "kernel": counter.release()}
    for row in rows:
        found = counter.measure(row, firmware)
        entry = budget["rows"].setdefault(row.name, {})
        entry |= {"conf": found.conf, "rebuilds": found.rebuilds, "groups": found.groups()}
        print(f"{row.name}: {found.conf} conf, {found.rebuilds} rebuilds", flush=True)
    budget["rows"] = {row.name: budget["rows"][row.name] for row in ROWS
                      if row.name in budget["rows"]}
    BUDGET.write_text(compact(budget), encoding="ascii")


def update_peers(counter, rows):
    """Writes what other firmware has into the budget; nothing is asserted about that."""
    budget = load()
    for row in rows:
        found = budget["rows"][row.name]["peers"] = {}
        for peer in peers(row.machine):
            try:
                measured = counter.measure(row, peer)
                found[peer.name] = [measured.conf, measured.rebuilds]
            except qemu.Error as error:
                print(f"{str(error).splitlines()[0]}")
                found[peer.name] = None
            print(f"{row.name}: {peer.name} {found[peer.name]}", flush=True)
        BUDGET.write_text(compact(budget), encoding="ascii")


def compare(counter, firmware, rows):
    """Prints a table; returns whether all is within the budget and below the others."""
    budget, over = load(), []
    print(f"{'':<34}{'conf':>10}{'rebuilds':>10}    (of the firmware)")
    for row in rows:
        ours = counter.measure(row, firmware)
        over += excess(budget, row, ours, counter.release())
        measured = {firmware.name: ours}
        for peer in peers(row.machine):
            try:
                measured[peer.name] = counter.measure(row, peer)
                over += behind(row, ours, measured[peer.name], peer.name)
            except qemu.Error as error:
                print(f"  {row.name}, {peer.name}: {str(error).splitlines()[0]}")
        for name, found in measured.items():
            print(f"{row.name:<30} {name:<12}{found.conf:>8}{found.rebuilds:>10}"
                  f"    ({found.firmware['conf']}, {found.firmware['rebuilds']})", flush=True)
    for line in over:
        print(line, file=sys.stderr)
    return not over


def main():
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--firmware", default=qemu.FIRMWARE, type=Path)
    parser.add_argument("--update", action="store_true", help="write whole.json from it")
    parser.add_argument("--peers", action="store_true", help="write those of the others")
    parser.add_argument("--list", action="store_true", help="each access by name")
    parser.add_argument("rows", nargs="*", metavar="ROW", help='part of a name, such as "q35"')
    options = parser.parse_args()
    firmware = firmwares.Firmware(options.firmware.name, options.firmware)
    rows = budget.chosen(ROWS, options.rows)
    if not rows:
        parser.error("no such row")
    try:
        with Counter() as counter:
            if options.list:
                for row in rows:
                    found = counter.measure(row, firmware)
                    print(f"{row.name}: {found.conf} conf, {found.rebuilds} rebuilds")
                    for name, count in found.names.most_common():
                        print(f"  {count:6} {name}")
            elif options.update:
                update(counter, firmware, rows)
            elif options.peers:
                update_peers(counter, rows)
            else:
                return 0 if compare(counter, firmware, rows) else 1
    except qemu.Error as error:
        print(f"whole.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Boots Linux on the machines of pci_cases.py and compares where it has PCI devices at the end with
where the firmware put them, and what it can read from them with what there is.

Contract: the firmware's addresses are those that Linux prints when it first reads a BAR or a
bridge's window ("pci 0000:00:01.0: BAR 0 [...]", which needs the generic kernel).  At the end they
must be in configuration space, in sysfs and in /proc/iomem or /proc/ioports: the guest's "QB
config", "QB bar" and "QB claimed" lines, see scripts/guest-init.sh.  A failure shows the serial
port.
"""

from collections import Counter
import hashlib
import re

import pytest

from machines import BOOT_SECONDS, OURS, net, rows
from pci_cases import ROWS, Row, ports
import testmedia
from vm import facts

VIRTUAL_FUNCTIONS = 7
# One that its driver talks to, with extended capabilities.
VIRTUAL_FUNCTION = re.compile(r"0000:01:1\S+ igbvf (\w\w:){5}\w\w 4096 (?!0{8}|f{8})\w{8}")
MIB = 1 << 20
# Not those that Linux has fixed ideas of and says so: "BAR 0 [...]: legacy IDE quirk".
FIRST_BAR = re.compile(r"pci 0000:(\S+): BAR (\d) \[(?:mem|io) +0x(\w+)-0x(\w+)[^]]*\]$", re.ASCII)
BRIDGE = re.compile(r"pci 0000:(\S+): PCI bridge to ")
WINDOW = re.compile(r"pci 0000:(\S+):   bridge window \[(mem|io) +0x(\w+)-0x(\w+)(.*)\]", re.ASCII)
COMPLAINT = re.compile(r"can't claim|no compatible bridge window|no space|failed to assign|"
                       r"BAR \d+: \[(mem|io) +size|address conflict|bogus")
# With any firmware: pc has no ECAM, and microvm no ports 0xcf8 and 0xcfc.  ACPICA prints a line in
# two parts; when another message comes between, the second part counts as a warning.
TOLERATED = re.compile(r"\d+ ACPI AML tables successfully acquired and loaded|"
                       r"acpi \S+ fail to add MMCONFIG information|"
                       r"PCI: Fatal: No config space access function found")
# sysfs's numbers of a bridge's windows.
IO_WINDOW, MEMORY_WINDOW, PREFETCH_WINDOW = 13, 14, 15


def start(bench, row, firmware=OURS, tests="facts", more=()):
    """A Vm for a row; a firmware of None is QEMU's own."""
    if row.is_microvm and firmware is None:
        # From QEMU 10 on SeaBIOS boots no vmlinux there: its tables are over the initrd.
        row = row.but(format="vmlinuz")
    return bench.linux(row, f"qb.test={tests}", firmware=firmware, more=more)


def lines(serial):
    """The kernel's messages, without their times."""
    text = serial.decode("utf-8", "replace").replace("\r", "")
    return re.findall(r"^\[ *[\d.]+\] (.*)", text, re.MULTILINE)


def complaints(row, serial):
    """What the kernel complains of about PCI, and how often.  Which function it is, and addresses,
    are the firmware's choice.  microvm has no I/O for anybody."""
    said = [line for line in lines(serial) if line.startswith("pci") and COMPLAINT.search(line)]
    said += [line for line in facts(serial)["warning"]
             if re.search("pci|acpi|bridge", line, re.I) and not TOLERATED.match(line)]
    if row.is_microvm:
        said = [line for line in said if "[io  size" not in line]
    return Counter(re.sub(r"0x[0-9a-f]{7,}|0000:[0-9a-f:.]+", "...", line) for line in said)


def found_first(serial):
    """Where Linux found BARs and open windows when it first read them:
    {(function, sysfs's number): (first, last)}."""
    found, bridges, current = {}, set(), None
    for line in lines(serial):
        if match := FIRST_BAR.match(line):
            found[match[1], int(match[2])] = int(match[3], 16), int(match[4], 16)
        elif match := BRIDGE.match(line):
            current = None if match[1] in bridges else match[1]
            bridges.add(match[1])
        elif (match := WINDOW.match(line)) and match[1] == current:
            number = IO_WINDOW if match[2] == "io" else \
                PREFETCH_WINDOW if "pref" in match[5] else MEMORY_WINDOW
            found[match[1], number] = int(match[3], 16), int(match[4], 16)
    return found


def window(base, limit):
    """An open window's first and last address, None of a closed one."""
    return (base, limit) if base <= limit else None


def registers(config):
    """What the first 16 dwords of configuration space say, by sysfs's numbers: a BAR's first
    address, a window's first and last."""
    bridge = config[3] >> 16 & 0x7f == 1
    said = {}
    for number in range(2 if bridge else 6):
        value = config[4 + number]
        said[number] = value & ~3 if value & 1 else value & ~15
        if value & 7 == 4 and not value & 1:
            said[number] |= config[5 + number] << 32
    if bridge:
        io, memory, prefetch, base_high, limit_high = config[7:12]
        said[IO_WINDOW] = window((io & 0xf0) << 8, io & 0xf000 | 0xfff)
        said[MEMORY_WINDOW] = window((memory & 0xfff0) << 16, memory & 0xfff00000 | 0xfffff)
        said[PREFETCH_WINDOW] = window(base_high << 32 | (prefetch & 0xfff0) << 16,
                                       limit_high << 32 | prefetch & 0xfff00000 | 0xfffff)
    return said


def check_addresses(vm, row, said):
    """Every BAR has an address, and Linux kept all that the firmware gave."""
    sysfs, config, claimed = {}, {}, set()
    for line in said["bar"]:
        function, number, first, last, _ = line.split()
        sysfs[function[5:], int(number)] = int(first, 16), int(last, 16)
    for line in said["config"]:
        function, *dwords = line.split()
        config[function[5:]] = registers([int(dword, 16) for dword in dwords])
    for line in said["claimed"]:
        match = re.match(r"(\w+)-(\w+) : ", line)
        claimed.add((int(match[1], 16), int(match[2], 16)))
    found = found_first(vm.serial)
    vm.check(found, "Linux found no BAR")
    no_io = row.is_microvm
    for (function, number), where in found.items():
        name = f"{function} {'BAR' if number < 6 else 'window'} {number}"
        if not where[0] and number < 6 and (row.closed or (no_io and where[1] < 0x10000)):
            continue
        vm.check(where[0], f"{name} has no address")
        ranges = f"was at {where[0]:#x}-{where[1]:#x}"
        vm.check(sysfs.get((function, number)) == where,
                 f"{name} {ranges}, is at {sysfs.get((function, number))}")
        there = config[function][number]
        vm.check(there == (where[0] if number < 6 else where),
                 f"{name} {ranges}, its registers say {there}")
        vm.check(where in claimed, f"{name} {ranges}, which is not in /proc/iomem or ioports")


@pytest.mark.parametrize("row", rows(ROWS))
def test_addresses(row, bench):
    """Linux keeps the firmware's addresses, reads what is behind them, and complains no more than
    with SeaBIOS."""
    with start(bench, row, tests=f"{row.tests},pci") as vm:
        vm.wait_for(rb"^QB done", seconds=BOOT_SECONDS)
        spoken = vm.debug_output().decode()
        words = row.closed or row.refused
        vm.check(words in spoken if words else not spoken, f"it said {spoken!r}")
        vm.check(row.closed or "gets no address" not in spoken, f"it said {spoken!r}")
        said = facts(vm.serial)
        check_addresses(vm, row, said)
        for reason in testmedia.wrong(row.tests, said):
            vm.check(False, reason)
        ours = complaints(row, vm.serial)
    if ours and not row.closed:
        peer = next((other for other in ROWS if other.name == row.peer), row)
        with start(bench, peer, None, tests="pci") as vm:
            vm.wait_for(rb"^QB done", seconds=BOOT_SECONDS)
            more = ours - complaints(peer, vm.serial)
            vm.check(not more, f"not with SeaBIOS: {dict(more)}")


@pytest.mark.parametrize("row", rows(row for row in ROWS if row.plugs))
def test_plug(row, bench):
    """Disks plugged one after another appear, each with its size, and can be read."""
    names = [f"vd{chr(ord('a') + i)}" for i in range(len(row.plugs))]
    zeros = hashlib.sha256(bytes(MIB)).hexdigest()
    tests = ",".join(f"plug={name},raw={name}" for name in names)
    with start(bench, row, tests=tests) as vm:
        since = 0
        for i, (bus, name) in enumerate(zip(row.plugs, names)):
            since = vm.wait_for(rb"^QB ready", seconds=BOOT_SECONDS, since=since)
            vm.qmp("blockdev-add", **{"node-name": f"node{i}", "driver": "null-co",
                                      "size": (i + 1) << 20, "read-zeroes": True})
            port = bus[0] in "dx" or (bus[0] == "p" and bus != "pci.0")
            vm.qmp("device_add", driver="virtio-blk-pci", id=f"plug{i}", drive=f"node{i}", bus=bus,
                   **({} if port else {"addr": hex(10 + i)}))
            since = vm.wait_for(rb"^QB (plug|error) .*\n", seconds=30, since=since)
            vm.check(facts(vm.serial)["plug"][-1:] == [f"{name} {(i + 1) << 11}"],
                     f"{name} on {bus} did not come")
        vm.wait_for(rb"^QB done", seconds=30, since=since)
        vm.check(facts(vm.serial)["raw"] == [f"{name} {zeros}" for name in names],
                 "a disk reads wrong")


def test_virtual_functions(bench):
    """Those that SR-IOV creates behind a root port have addresses, a driver that talks to them, and
    their extended configuration space."""
    row = Row("q35-igb", "q35", ports(1) + net("igb,bus=p0"))
    with start(bench, row, tests=f"sriov={VIRTUAL_FUNCTIONS},pci") as vm:
        vm.wait_for(rb"^QB done", seconds=BOOT_SECONDS)
        vm.check(not vm.debug_output(), "the firmware spoke")
        said = facts(vm.serial)
        vm.check(not said["error"], f"the guest: {said['error']}")
        vm.check(len(said["vf"]) == VIRTUAL_FUNCTIONS, f"virtual functions: {said['vf']}")
        for line in said["vf"]:
            vm.check(VIRTUAL_FUNCTION.fullmatch(line),
                     f"a virtual function does not work: {line}")
        owned = [line for line in said["claimed"] if line.endswith(" : igbvf")]
        vm.check(len(owned) == 2 * VIRTUAL_FUNCTIONS, f"their addresses: {owned}")


@pytest.mark.parametrize("word", ["on", "off"])
def test_decode_option(word, bench):
    """With opt/org.qboot/pci-decode=on Linux has no device to enable, with off it has."""
    row = next(row for row in ROWS if row.name == "q35-1")
    option = ("-fw_cfg", f"name=opt/org.qboot/pci-decode,string={word}")
    with start(bench, row, more=option) as vm:
        vm.wait_for(rb"^QB done", seconds=BOOT_SECONDS)
        enabled = any("enabling device" in line for line in lines(vm.serial))
        vm.check(enabled == (word == "off"), f"decoding is not {word}")

"""Boots Linux on the machines of pci_cases.py and compares where it has PCI devices at the end with
where the firmware put them.

Contract: the firmware's addresses are those that Linux prints when it first reads a BAR or a window
("pci 0000:00:01.0: BAR 0 [...]", which needs the generic kernel); the end is the guest's "QB bar"
lines, see scripts/guest-init.sh.  A failure shows the serial port.
"""

import re

import pytest

from pci_cases import ROWS
import initramfs
import kernels
from vm import Vm, facts

BOOT_SECONDS = 150
FIRST = re.compile(r"pci 0000:(\S+): BAR (\d) \[(mem|io) +0x(\w+)-0x(\w+)", re.ASCII)
COMPLAINT = re.compile(r"can't claim|no compatible bridge window|no space|failed to assign|"
                       r"BAR \d+: \[(mem|io) +size|address conflict|bogus")


@pytest.fixture(scope="session", name="generic")
def _generic():
    """The kernel's directory and its initramfs."""
    directory = kernels.provide("generic")
    return directory, initramfs.provide(directory)


@pytest.fixture(name="start")
def _start(qemu, generic, tmp_path):
    """A function that gives a Vm for a row; a firmware of None is QEMU's own."""

    def start(row, firmware, tests="facts", end="poweroff", more=()):
        kernel, initrd = generic
        append = f"console=ttyS0 panic=-1 tsc_early_khz=2000000 qb.test={tests} qb.end={end}"
        if row.machine.startswith("microvm"):
            append += " reboot=t"
        return Vm(qemu(), [
            "-machine", row.machine, "-m", row.memory, "-accel", "tcg",
            *(["-bios", str(firmware)] if firmware else []), "-kernel", str(kernel / "vmlinux"),
            "-initrd", str(initrd), "-append", append, "-display", "none", "-nodefaults",
            "-no-user-config", "-no-reboot", "-serial", "chardev:serial", *row.args, *more],
            tmp_path, seconds=BOOT_SECONDS, qmp=True, debugcon=True)

    return start


def lines(serial):
    """The kernel's messages, without their times."""
    text = serial.decode("utf-8", "replace").replace("\r", "")
    return re.findall(r"^\[ *[\d.]+\] (.*)", text, re.MULTILINE)


def complaints(serial):
    """What the kernel complains of about PCI; large numbers are the firmware's choice."""
    return {re.sub(r"0x[0-9a-f]{7,}", "ADDRESS", line) for line in lines(serial)
            if line.startswith("pci") and COMPLAINT.search(line)}


def rows(selection):
    """Rows as pytest parameters."""
    return [pytest.param(row, id=row.name) for row in selection]


@pytest.mark.parametrize("row", rows(ROWS))
def test_addresses(row, firmware, start):
    """Every BAR has an address, Linux keeps it, and complains no more than with SeaBIOS."""
    no_io = row.machine.startswith("microvm")
    with start(row, firmware) as vm:
        vm.wait_for(rb"^QB done", seconds=BOOT_SECONDS)
        spoken = vm.debug_output().decode()
        vm.check(row.closed in spoken if row.closed else not spoken, f"it said {spoken!r}")
        end = {tuple(line.split()[:2]): int(line.split()[2], 16)
               for line in facts(vm.serial)["bar"]}
        first = [match for line in lines(vm.serial) if (match := FIRST.match(line))]
        vm.check(first, "Linux found no BAR")
        for match in first:
            function, index, kind, address = match[1], match[2], match[3], int(match[4], 16)
            if (kind == "io" and no_io) or (row.closed and not address):
                continue
            # Linux has fixed ideas of these: legacy IDE, the VGA's ROM.
            vm.check(address, f"{function} BAR {index} has no address")
            vm.check(end.get((f"0000:{function}", index)) == address,
                     f"{function} BAR {index} was at {address:#x}, is at "
                     f"{end.get((f'0000:{function}', index))}")
        ours = complaints(vm.serial)
    if ours and not row.closed:
        with start(row, None) as vm:
            vm.wait_for(rb"^QB done", seconds=BOOT_SECONDS)
            theirs = complaints(vm.serial)
            vm.check(ours <= theirs, f"not with SeaBIOS: {sorted(ours - theirs)}")


@pytest.mark.parametrize("row", rows(row for row in ROWS if row.plugs))
def test_plug(row, firmware, start):
    """Disks plugged one after another appear, each with its size."""
    names = [f"vd{chr(ord('a') + i)}" for i in range(len(row.plugs))]
    with start(row, firmware, tests=",".join(f"plug={name}" for name in names)) as vm:
        since = 0
        for i, (bus, name) in enumerate(zip(row.plugs, names)):
            since = vm.wait_for(rb"^QB ready", seconds=BOOT_SECONDS, since=since)
            vm.qmp("blockdev-add", **{"node-name": f"node{i}", "driver": "null-co",
                                      "size": (i + 1) << 20, "read-zeroes": True})
            port = bus[0] in "dx" or (bus[0] == "p" and bus != "pci.0")
            vm.qmp("device_add", driver="virtio-blk-pci", id=f"plug{i}", drive=f"node{i}", bus=bus,
                   **({} if port else {"addr": hex(10 + i)}))
            since = vm.wait_for(rb"^QB (plug|error) .*", seconds=30, since=since)
            vm.check(facts(vm.serial)["plug"][-1:] == [f"{name} {(i + 1) << 11}"],
                     f"{name} on {bus} did not come")


@pytest.mark.parametrize("word", ["on", "off"])
def test_decode_option(word, firmware, start):
    """With opt/org.qboot/pci-decode=on Linux has no device to enable, with off it has."""
    row = next(row for row in ROWS if row.name == "q35-1")
    option = ("-fw_cfg", f"name=opt/org.qboot/pci-decode,string={word}")
    with start(row, firmware, more=option) as vm:
        vm.wait_for(rb"^QB done", seconds=BOOT_SECONDS)
        enabled = any("enabling device" in line for line in lines(vm.serial))
        vm.check(enabled == (word == "off"), f"decoding is not {word}")

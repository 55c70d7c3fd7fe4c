#!/usr/bin/env python3
"""Random machines, booted with this firmware and with QEMU's own: does Linux find the same?

    soak.py [N [SEED [FIRST]]]      N machines (10), from number FIRST (0) on, of a SEED (1)

Contract: the machines come from lines.py, what a guest prints from init.sh, and compare.py says
what differs and which differences are meant.  Each machine is one line; one that differs shows why,
the command that boots it and the command that repeats the comparison.  Status 1 when any differed.
$QEMU and $FIRMWARE choose.
"""

import contextlib
import os
from pathlib import Path
import re
import shlex
import sys
import tempfile
import time

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent.parent / "scripts"), str(HERE.parent / "boot"),
                str(HERE)]

import compare          # the path is set above
import initramfs
import kernels
import lines
from machines import Bench, Case
from qemu_process import ask
import swtpm
import testmedia
from vm import Failure

BOOT_SECONDS = 90
MODULES = ("virtio_pci", "virtio_mmio", "virtio_blk", "virtio_rng", "virtio_net", "nvme", "e1000",
           "ahci", "ata_piix", "tpm_tis", "tpm_crb", "vmgenid")
# Steps of the kernel that take long where processors are emulated, and concern no firmware.
SLOW_STEPS = ("init_kprobe_trace", "crypto_kdf108_init", "cubictcp_register", "slab_sysfs_init",
              "blacklist_init", "load_system_certificate_list")


class Soak:
    """What all guests share."""

    def __init__(self, directory):
        self.directory = directory
        self.qemu = os.environ.get("QEMU") or "qemu-system-x86_64"
        self.firmware = os.environ.get("FIRMWARE") or str(HERE.parent.parent / "build/qboot.bin")
        told = ask(self.qemu, "-M", "help")
        self.machines = frozenset(line.split()[0] for line in told.splitlines() if line)
        self.version = ask(self.qemu, "--version").split()[3]
        self.is_new = int(self.version.split(".")[0]) >= 8
        if self.is_new:
            self.machines |= {"cxl-volatile"}       # CXL memory that needs no label area
        self.media = testmedia.make(directory)
        self.initrds = {}

    def initrd(self, kernel):
        """(kernel's directory, archive with init.sh and few modules)."""
        if kernel not in self.initrds:
            place, path = kernels.provide(kernel), self.directory / f"initrd-{kernel}"
            path.write_bytes(initramfs.build(place, HERE / "init.sh", MODULES))
            self.initrds[kernel] = place, path
        return self.initrds[kernel]

    def boot(self, line, firmware, image):
        """One guest: (its command, a compare.Guest)."""
        place, initrd = self.initrd(line.kernel)
        append = ("console=ttyS0 quiet loglevel=1 tsc_early_khz=2000000 no_timer_check panic=-1 "
                  "reboot=t initcall_blacklist=" + ",".join(SLOW_STEPS) + line.append)
        with contextlib.ExitStack() as stack:
            own = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=self.directory)))
            bench = Bench(lambda _: self.qemu, self.firmware, self.media, None,
                          lambda: stack.enter_context(swtpm.emulated(own / "swtpm")), own)
            vm = bench.start(Case("", line.machine, shlex.join(line.arguments)), place / image,
                             initrd, append, firmware=firmware, seconds=BOOT_SECONDS)
            start = time.monotonic()
            # That it did not end, or that QEMU cannot, is seen by compare.py.
            with vm, contextlib.suppress(Failure, pytest.skip.Exception):
                vm.wait_exit(BOOT_SECONDS)
            return vm.argv, compare.Guest(vm, time.monotonic() - start)


def one(soak, seed, index):
    """One machine, booted twice: (verdict, details)."""
    line = lines.line(seed, index, soak.machines)
    command, ours = soak.boot(line, soak.firmware, line.image)
    about = f"{line.machine} -m {line.memory} -smp {line.cpus} {line.kernel}/{line.image}"
    if not ours.finished and ours.refused:
        return "refused", f"{about}: {ours.refused}", command
    # SeaBIOS on microvm boots no vmlinux in newer QEMUs.
    image = "vmlinuz" if line.machine.startswith("microvm") and soak.is_new else line.image
    _, theirs = soak.boot(line, None, image)
    found, explained = compare.differences(line, ours, theirs)
    about += f": {ours.seconds:.1f} s, {theirs.seconds:.1f} s" + \
        (f"; {', '.join(sorted(explained))}" if explained else "")
    return ("differs" if found else "same"), "\n    ".join([about, *found]), command


def main(arguments):
    """The command line; returns the exit status."""
    count, seed, first = [int(word) for word in arguments] + [10, 1, 0][len(arguments):]
    counts = {"same": 0, "differs": 0, "refused": 0}
    rules = {}
    with tempfile.TemporaryDirectory(prefix="soak.") as directory:
        soak = Soak(Path(directory))
        print(f"QEMU {soak.version}, seed {seed}, from {first} on", flush=True)
        for index in range(first, first + count):
            verdict, text, command = one(soak, seed, index)
            counts[verdict] += 1
            for rule in re.findall(r"[a-z0-9-]+", text.split("\n")[0].rpartition("; ")[2]) \
                    if "; " in text else ():
                rules[rule] = rules.get(rule, 0) + 1
            print(f"{index} {verdict}: {text}", flush=True)
            if verdict == "differs":
                print(f"    {shlex.join(command)}\n    repeat: make soak N=1 SEED={seed} "
                      f"FIRST={index} QEMU={soak.qemu}", flush=True)
        print(f"soak: {counts['same']} machines alike, {counts['differs']} differ, QEMU refused "
              f"{counts['refused']}")
    return 1 if counts["differs"] or not counts["same"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

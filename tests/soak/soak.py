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
import stat
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
from qemu_process import ask
import swtpm
from vm import Failure, Vm

BOOT_SECONDS = 90
MODULES = ("virtio_pci", "virtio_mmio", "virtio_blk", "virtio_rng", "virtio_net", "nvme", "e1000",
           "ahci", "ata_piix", "tpm_tis", "tpm_crb", "vmgenid")
# Steps of the kernel that take long where processors are emulated, and concern no firmware.
SLOW_STEPS = ("init_kprobe_trace", "crypto_kdf108_init", "cubictcp_register", "slab_sysfs_init",
              "blacklist_init", "load_system_certificate_list")


class Bench:
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
        (directory / "disk").write_bytes(bytes(range(256)) * 4096)
        (directory / "table").write_bytes(bytes(range(200)))
        self.initrds = {}

    def initrd(self, kernel):
        """The archive for a kernel: init.sh, busybox and few modules."""
        if kernel not in self.initrds:
            place = kernels.provide(kernel)
            archive = initramfs.Cpio()
            for name in initramfs.DIRECTORIES:
                archive.add(name, stat.S_IFDIR | 0o755)
            archive.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
            archive.add("bin/busybox", stat.S_IFREG | 0o755, (place / "busybox").read_bytes())
            archive.add("sbin", stat.S_IFLNK | 0o777, b"bin")
            archive.add("bin/sh", stat.S_IFLNK | 0o777, b"busybox")
            scripts = HERE.parent.parent / "scripts"
            archive.add("setup", stat.S_IFREG | 0o644, (scripts / "guest-setup.sh").read_bytes())
            archive.add("init", stat.S_IFREG | 0o755, (HERE / "init.sh").read_bytes())
            release = (place / "release").read_text("ascii").strip()
            initramfs.add_modules(archive, initramfs.Modules(place / "modules"), release, MODULES)
            path = self.directory / f"initrd-{kernel}"
            path.write_bytes(archive.finish())
            self.initrds[kernel] = place, path
        return self.initrds[kernel]

    def arguments(self, line, firmware, image, tpm=()):
        """QEMU's."""
        place, initrd = self.initrd(line.kernel)
        append = ("console=ttyS0 quiet loglevel=1 tsc_early_khz=2000000 no_timer_check panic=-1 "
                  "reboot=t initcall_blacklist=" + ",".join(SLOW_STEPS) + line.append)
        words = ["-accel", "tcg", "-nodefaults", "-no-user-config", "-display", "none",
                 "-no-reboot", "-serial", "chardev:serial", "-kernel", str(place / image),
                 "-initrd", str(initrd), "-append", append, "-M", line.machine]
        for word in line.arguments:
            if word == "{tpm}":
                words += tpm
            else:
                words.append(word.replace("{disk}", str(self.directory / "disk"))
                             .replace("{table}", str(self.directory / "table")))
        return words + (["-bios", firmware] if firmware else [])

    def boot(self, line, firmware, image):
        """One guest: (its command, what it said, seconds)."""
        with contextlib.ExitStack() as stack:
            place = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=self.directory)))
            tpm = ()
            if line.needs_tpm:
                tpm = stack.enter_context(swtpm.emulated(place / "swtpm")).arguments
            vm = Vm(self.qemu, self.arguments(line, firmware, image, tpm), place, BOOT_SECONDS,
                    debugcon=bool(firmware))
            start = time.monotonic()
            # That it did not end, or that QEMU cannot, is seen by compare.py.
            with vm, contextlib.suppress(Failure, pytest.skip.Exception):
                vm.wait_exit(BOOT_SECONDS)
            seconds = time.monotonic() - start
            return vm.argv, compare.Guest(vm.serial.decode("latin1").replace("\r", ""),
                                          vm.error_path.read_text("latin1"),
                                          vm.debug_output().decode("latin1"), seconds)


def one(bench, seed, index):
    """One machine, booted twice: (verdict, details)."""
    line = lines.line(seed, index, bench.machines)
    command, ours = bench.boot(line, bench.firmware, line.image)
    about = f"{line.machine} -m {line.memory} -smp {line.cpus} {line.kernel}/{line.image}"
    if not ours.finished and ours.refused:
        return "refused", f"{about}: {ours.refused}", command
    # SeaBIOS on microvm boots no vmlinux in newer QEMUs.
    image = "vmlinuz" if line.machine.startswith("microvm") and bench.is_new else line.image
    _, theirs = bench.boot(line, None, image)
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
        bench = Bench(Path(directory))
        print(f"QEMU {bench.version}, seed {seed}, from {first} on", flush=True)
        for index in range(first, first + count):
            verdict, text, command = one(bench, seed, index)
            counts[verdict] += 1
            for rule in re.findall(r"[a-z0-9-]+", text.split("\n")[0].rpartition("; ")[2]) \
                    if "; " in text else ():
                rules[rule] = rules.get(rule, 0) + 1
            print(f"{index} {verdict}: {text}", flush=True)
            if verdict == "differs":
                print(f"    {shlex.join(command)}\n    repeat: make soak N=1 SEED={seed} "
                      f"FIRST={index} QEMU={bench.qemu}", flush=True)
        print(f"soak: {counts['same']} machines alike, {counts['differs']} differ, QEMU refused "
              f"{counts['refused']}")
    return 1 if counts["differs"] or not counts["same"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

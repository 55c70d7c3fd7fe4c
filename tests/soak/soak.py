#!/usr/bin/env python3
"""Random machines, booted with this firmware and with QEMU's own: does Linux find the same?

    soak.py [N [SEED [FIRST]]]      N machines (10), from number FIRST (0) on, of a SEED (1)

Contract: the machines come from lines.py, what a guest prints from init.sh, and compare.py says
what differs and which differences are meant.  Each machine is one line; one that differs shows why,
the command that boots it and the command that repeats the comparison.  $JOBS machines boot at a
time, by default one for each processor; one with a difference boots again with none beside it, and
only what is seen both times counts: the rest is told as "seen once".  Status 1 when any differed,
or none was alike.  $QEMU and $FIRMWARE choose.
"""

import collections
import concurrent.futures
import contextlib
import os
from pathlib import Path
import shlex
import subprocess
import sys
import tempfile
import time

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent.parent / "scripts"), str(HERE.parent / "boot"),
                str(HERE)]

import compare          # the path is set above
import initramfs
import kernels
import lines
import rules
from machines import Bench, Case
from qemu_process import ask
import swtpm
import testmedia

# A boot's bound and accelerator: the first time, and again.  With one thread for all processors,
# those that wait for each other do not keep those from running that they wait for, at a half to a
# third of the cost; but now and then Linux stops in stop_machine(), with any firmware.
FIRST, AGAIN = (40, "tcg,thread=single"), (60, "tcg")
BATCH = 24                      # machines between two looks at those that differ
VERDICTS = {"same": "alike", "once": "alike, but for what was seen once of two times",
            "alone": "boot with ours alone", "neither": "boot with neither",
            "differs": "differ", "refused": "refused by QEMU"}
MODULES = ("virtio_pci", "virtio_mmio", "virtio_blk", "virtio_rng", "virtio_net", "nvme", "e1000",
           "ahci", "ata_piix", "tpm_tis", "tpm_crb", "vmgenid")
# No tests of ciphers, guards, watched clocks and permissions: no firmware decides them.  And no
# random addresses: where Linux itself is decides what is left of a node's memory.
OPTIONS = ("console=ttyS0 quiet loglevel=1 tsc_early_khz=2000000 tsc=reliable no_timer_check "
           "panic=-1 reboot=t cryptomgr.notests=1 mitigations=off init_on_alloc=0 rodata=off lsm= "
           "audit=0 nowatchdog rcupdate.rcu_expedited=1 nokaslr")
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
        # By kernel: its directory, and an archive with init.sh and few modules.
        self.initrds = {}
        for kernel in lines.KERNELS:
            place, path = kernels.provide(kernel), directory / f"initrd-{kernel}"
            path.write_bytes(initramfs.build(place, HERE / "init.sh", MODULES))
            self.initrds[kernel] = place, path

    def boot(self, line, firmware, image, way):
        """One guest, booted in a WAY, FIRST or AGAIN: (its command, a compare.Guest)."""
        seconds, accel = way
        place, initrd = self.initrds[line.kernel]
        append = f"{OPTIONS} initcall_blacklist={','.join(SLOW_STEPS)}{line.append}"
        with contextlib.ExitStack() as stack:
            own = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=self.directory)))
            bench = Bench(lambda _: self.qemu, self.firmware, self.media, None,
                          lambda: stack.enter_context(swtpm.emulated(own / "swtpm")), own)
            vm = bench.start(Case("", line.machine, shlex.join(line.arguments),
                                  accel=accel), place / image,
                             initrd, append, firmware=firmware, seconds=seconds)
            start = time.monotonic()
            # That it did not end is seen by compare.py.
            with vm, contextlib.suppress(subprocess.TimeoutExpired):
                vm.process.wait(seconds)
            return vm.argv, compare.Guest(vm, time.monotonic() - start)


class Machine:
    """What came of one machine: lines of text, and what is counted."""

    def __init__(self, soak, seed, index):
        self.index, self.boots = index, 0
        self.line = lines.line(seed, index, soak.machines)
        self.found, self.once, self.explained, self.times = {}, {}, set(), []
        self.refused, self.command = "", []
        self.compare(soak)

    def compare(self, soak):
        """Boots it with both firmwares.  The second time only what is found again stays found."""
        line, way = self.line, AGAIN if self.boots else FIRST
        self.command, ours = soak.boot(line, soak.firmware, line.image, way)
        self.refused = "" if ours.finished else ours.refused
        if self.refused:
            return
        # SeaBIOS on microvm boots no vmlinux in newer QEMUs.
        image = "vmlinuz" if line.machine.startswith("microvm") and soak.is_new else line.image
        _, theirs = soak.boot(line, None, image, way)
        found, self.explained = compare.differences(line, ours, theirs)
        self.found, self.once = seen_twice(self.found, found) if self.boots else (found, {})
        self.boots += 1
        self.times += [ours.seconds, theirs.seconds]

    @property
    def is_doubtful(self):
        """Whether a boot without others beside it may show something else."""
        return self.boots == 1 and bool(self.found)

    @property
    def verdict(self):
        """A name of VERDICTS."""
        return ("refused" if self.refused else
                "neither" if compare.BOTH_FAIL in self.found else
                "alone" if set(self.found) == {compare.PEER_FAILS} else
                "differs" if self.found else "once" if self.once else "same")

    def __str__(self):
        line = self.line
        about = (f"{self.index} {self.verdict}: {line.machine} -m {line.memory} -smp {line.cpus} "
                 f"{line.kernel}/{line.image}: ")
        if self.refused:
            return about + self.refused
        about += ", ".join(f"{seconds:.1f} s" for seconds in self.times)
        about += f"; {', '.join(sorted(self.explained))}" if self.explained else ""
        texts = [f"{what}: {how}" for what, how in self.found.items()]
        texts += [f"seen once: {what}: {how}" for what, how in self.once.items()]
        return "\n    ".join([about, *texts])


def seen_twice(first, second):
    """Two dictionaries of differences: (what is in both, what is in one of them)."""
    return ({what: how for what, how in second.items() if what in first},
            {what: how for what, how in {**first, **second}.items()
             if what not in first or what not in second})


def summary(machines):
    """The record of a run: lines of text."""
    counts = collections.Counter(machine.verdict for machine in machines)
    used = collections.Counter(rule for machine in machines for rule in machine.explained)
    unused = sorted({rule.name for rule in rules.RULES} - set(used))
    yield f"soak: {len(machines)} machines"
    yield from (f"  {counts[name]} {meaning}" for name, meaning in VERDICTS.items())
    yield "rules, and how many machines they explained something of: " + \
        ", ".join(f"{name} {count}" for name, count in used.most_common())
    yield f"rules that nothing needed: {', '.join(unused)}"


def main(arguments):
    """The command line; returns the exit status."""
    count, seed, first = [int(word) for word in arguments] + [10, 1, 0][len(arguments):]
    jobs = int(os.environ.get("JOBS") or len(os.sched_getaffinity(0)))
    done, start = [], time.monotonic()
    with tempfile.TemporaryDirectory(prefix="soak.") as directory, \
            concurrent.futures.ProcessPoolExecutor(jobs) as pool:
        soak = Soak(Path(directory))
        print(f"QEMU {soak.version}, seed {seed}, from {first} on, {jobs} at a time", flush=True)
        for begin in range(first, first + count, BATCH):
            numbers = range(begin, min(begin + BATCH, first + count))
            machines = list(pool.map(Machine, *zip(*((soak, seed, number) for number in numbers))))
            for machine in machines:
                if machine.is_doubtful:
                    machine.compare(soak)
                print(machine, flush=True)
                if machine.verdict in ("differs", "once", "alone", "neither"):
                    print(f"    {shlex.join(machine.command)}\n    repeat: make soak N=1 "
                          f"SEED={seed} FIRST={machine.index} QEMU={soak.qemu}", flush=True)
            done += machines
        print(f"{(time.monotonic() - start) / count:.1f} s a machine", *summary(done), sep="\n")
    verdicts = {machine.verdict for machine in done}
    return 1 if "differs" in verdicts or "same" not in verdicts else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

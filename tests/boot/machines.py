"""What a test starts: a Case is one machine, a Bench starts it.

Contract: the fixture `bench` gives each machine a directory of its own and puts QEMU's command line
together.  It is a machine with nothing but what the Case names and a serial port that the test
reads; the firmware is the one under test, or QEMU's own where a test says firmware=None.

    with bench.linux(Linux("q35-scsi", "q35", "-device virtio-scsi-pci"), "qb.test=facts") as vm:
        vm.wait_for(rb"^QB done", 150)
"""

import dataclasses
import functools
import shlex

import pytest

import initramfs
import kernels
from vm import Failure, Vm

BOOT_SECONDS = 150              # for a Linux, on an idle host
OURS = object()                 # the firmware under test


@dataclasses.dataclass(frozen=True)
class Case:
    """One machine.  Rows derive a class that adds what boots on it and what is to be seen."""
    name: str
    machine: str = "pc"             # QEMU's -machine
    args: str = ""                  # more of QEMU's arguments; {tpm}: those of a TPM "t"; {disk}
                                    # and the like are files of testmedia.py
    append: str | None = ""         # more of the kernel's command line
    memory: str = "512M"            # QEMU's -m
    cpus: int = 1
    qemu: str = "x86_64"            # of qemu-system-...
    accel: str = "tcg"
    console: str = "-serial chardev:serial"
    defaults: bool = False          # leave QEMU's default devices in
    debugcon: bool = True           # a debug console
    soak: bool = False              # takes minutes: `make soak-rows` alone

    def but(self, **changes):
        """The case with changes."""
        return dataclasses.replace(self, **changes)

    @property
    def is_microvm(self):
        """Whether the machine is a microvm."""
        return self.machine.startswith("microvm")


@dataclasses.dataclass(frozen=True)
class Linux(Case):
    """A machine that boots one of Debian's kernels."""
    kernel: str = "cloud"           # a name of scripts/kernels.py
    format: str = "vmlinux"         # vmlinux (PVH) or vmlinuz (bzImage)
    tests: str = "facts"            # words for qb.test, see scripts/guest-init.sh


class Starved(Exception):
    """The host had no time for the guest at a moment when its clock suffers for good."""


# microvm has no timer but the local APIC's, which Linux measures in a tenth of a second.  A virtual
# processor that is not run meanwhile measures nonsense, and the kernel goes on without a timer.
STARVED = b"APIC frequency too slow, disabling apic timer"


# QEMU 7.2's emulated processors may take an INT3 for ever that another has patched back to a NOP:
# the kernel then tells of a soft lockup there.  It was seen in alg_test() alone.
HUNG = "RIP: 0010:alg_test+"


def fed(test):
    """The test, tried again when the host was too busy for it, or QEMU's own fault hung it."""
    @functools.wraps(test)
    def wrapper(*args, **kwargs):
        for is_last in (False, False, True):
            try:
                return test(*args, **kwargs)
            except Starved:
                pass
            except Failure as failure:
                if is_last or HUNG not in str(failure):
                    raise
        pytest.skip("the host is too busy for an emulated guest to measure its timer")
    return wrapper


def rows(cases, name=lambda case: case.name):
    """Cases as pytest's parameters."""
    return [pytest.param(case, id=name(case), marks=[pytest.mark.soak] if case.soak else [])
            for case in cases]


def devices(*words):
    """Arguments: a -device for each."""
    return "".join(f"-device {word} " for word in words)


def disk(device=None, name="disk"):
    """The test disk behind a device."""
    return (f"-drive if=none,id={name},format=raw,readonly=on,file={{disk}} " +
            (devices(f"{device},drive={name}") if device else ""))


def net(device):
    """The network behind a device."""
    return "-netdev user,id=net,tftp={tftp} " + devices(f"{device},netdev=net")


def scsi(controller, name="scsi"):
    """The test disk behind a SCSI controller."""
    return devices(f"{controller},id={name}") + disk(f"scsi-hd,bus={name}.0", f"{name}-disk")


class Initrds:
    """The initramfs of scripts/initramfs.py with things put over it.  They are not put into the
    cache, where a run from another source tree would find them."""

    def __init__(self, directory):
        self.directory, self.made = directory, {}

    def provide(self, kernel, init=None, tools=()):
        """(directory of KERNEL, initramfs).  INIT: a script instead of guest-init.sh.  TOOLS:
        functions of (archive, kernel's directory) that add more."""
        key = kernel, init, tools
        if key not in self.made:
            directory, archive = kernels.provide(kernel), initramfs.Cpio()
            for add in tools:
                add(archive, directory)
            path = self.directory / f"{len(self.made)}.cpio"
            path.write_bytes(initramfs.build(directory, init) + archive.finish())
            self.made[key] = directory, path
        return self.made[key]


class Bench:
    """Starts the machines of one test."""

    def __init__(self, qemu, firmware, media, initrds, swtpm, directory):
        self.qemu, self.firmware, self.media = qemu, firmware, media
        self.initrds, self.swtpm, self.directory = initrds, swtpm, directory
        self.count = 0

    def start(self, case, kernel=None, initrd=None, append=None, more=(), firmware=OURS,
              reboots=False, seconds=BOOT_SECONDS):
        """A Vm.  KERNEL and INITRD are files, APPEND is the kernel's command line, MORE are words
        for QEMU.  REBOOTS: a reset of the guest's own does not end QEMU."""
        firmware = self.firmware if firmware is OURS else firmware
        words = []
        for word in shlex.split(case.args):
            words += self.swtpm().arguments if word == "{tpm}" else [word.format_map(self.media)]
        return self.vm([
            "-machine", case.machine, "-m", case.memory,
            *([] if "accel=" in case.machine else ["-accel", case.accel]),
            *(["-smp", str(case.cpus)] if case.cpus > 1 else []),
            *(["-bios", firmware] if firmware else []),
            *(["-kernel", kernel] if kernel else []),
            *(["-initrd", initrd] if initrd else []),
            *(["-append", append] if append is not None else []), "-display", "none",
            *(["-monitor", "none", "-parallel", "none"] if case.defaults
              else ["-nodefaults", "-no-user-config"]),
            *([] if reboots else ["-no-reboot"]), *case.console.split(), *words, *more],
            case.qemu, seconds, case.debugcon)

    def linux(self, case, append, init=None, tools=(), **options):
        """A Vm with a Linux case; INIT and TOOLS as for Initrds, OPTIONS as for start()."""
        kernel, initrd = self.initrds.provide(case.kernel, init, tools)
        words = f"console=ttyS0 panic=-1 tsc_early_khz=2000000 {append} {case.append}".strip()
        if case.is_microvm and "reboot=" not in words:
            words += " reboot=t"
        return self.start(case, kernel / case.format, initrd, words, **options)

    def vm(self, words, qemu="x86_64", seconds=BOOT_SECONDS, debugcon=True):
        """A Vm with a command line of the test's own."""
        self.count += 1
        directory = self.directory / str(self.count)
        directory.mkdir()
        return Vm(self.qemu(qemu), [str(word) for word in words], directory, seconds, debugcon)

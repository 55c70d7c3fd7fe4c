#!/usr/bin/env python3
"""Boots Linux with the firmware and says what took how long: what `make run` calls.

    run.py          no arguments; the environment chooses:

    KERNEL      a kernel of kernels.py (cloud, generic, ...) or a file (cloud)
    INITRD      a file, or empty for none              (busybox, guest-init.sh; none for a UKI)
    APPEND      more words for the kernel's command line
    MACHINE     QEMU's -machine                                        (q35)
    ACCEL       QEMU's -accel                                          (kvm if it works, else tcg)
    QEMU        the QEMU to run                                        (qemu-system-x86_64)
    QEMU_ARGS   more arguments for QEMU
    FIRMWARE    QEMU's -bios                                           (build/qboot.bin)

Contract: on a terminal the guest's serial console is yours: Ctrl-A X ends QEMU, Ctrl-A C gives its
monitor, and a guest that resets itself boots again.  When stdin is no terminal our guest powers
itself off; another one (INITRD=, a UKI) is ended as soon as its kernel has started init.  Status 0
only if the guest reached userspace: our init says so; of another one, Linux says that it was
started, or QEMU ended well.  2 if nothing could be started.  The times come from outside the guest:
from QEMU's trace of fw_cfg, which the firmware uses from its first step to its last, and from the
serial port.
"""

import os
from pathlib import Path
import re
import shlex
import shutil
import sys
import tempfile
import threading
import time

import debian
import initramfs
import kernels
from qemu_process import started
import qemu_trace

ROOT = Path(__file__).resolve().parent.parent
INIT_LINE = re.compile(rb"Run /\S+ as init process")
UP_LINE = b" is up after "
TIME_LIMIT = 180        # seconds, for a guest that nobody watches


def default_accelerator():
    """kvm if this host can run a guest with it at full speed, else tcg."""
    try:
        with open("/dev/kvm", "r+b", buffering=0):
            flags = Path("/proc/cpuinfo").read_text("utf-8").split()
    except OSError:
        return "tcg"
    return "kvm" if "vmx" in flags or "svm" in flags else "tcg"


def is_uki(kernel):
    """Whether a file is a UKI: it has an initrd of its own, and QEMU takes none with it."""
    with open(kernel, "rb") as file:
        head = file.read(0x206)
    return head[:2] == b"MZ" and head[0x202:] != b"HdrS"


def choose_kernel(scratch):
    """The kernel's file, its initramfs (None: without) and whether that is ours, from the
    environment."""
    chosen = os.environ.get("KERNEL") or "cloud"
    if chosen in kernels.KERNELS:
        directory = kernels.provide(chosen, insist=True)
        kernel = directory / "vmlinux"      # PVH: nothing to decompress in the guest
    else:
        kernel = Path(chosen)
        directory = kernel.absolute().parent
        if not kernel.is_file():
            raise debian.Error(f"no kernel {chosen}; KERNEL is a file or one of "
                               + ", ".join(kernels.KERNELS))
    if "INITRD" in os.environ:
        initrd = os.environ["INITRD"] or None
        if initrd and not Path(initrd).is_file():
            raise debian.Error(f"no initrd {initrd}; INITRD is a file, or empty")
        return kernel, initrd, False
    if is_uki(kernel):
        return kernel, None, False
    if not (directory / "busybox").is_file():
        # a foreign kernel: busybox, without its modules
        directory = kernels.provide("cloud", insist=True)
    return kernel, initramfs.provide(directory, scratch / "initramfs.cpio"), True


def command(scratch, interactive):
    """The QEMU command line as a list, and whether the guest's userspace is ours."""
    firmware = Path(os.environ.get("FIRMWARE") or ROOT / "build" / "qboot.bin")
    qemu = os.environ.get("QEMU") or "qemu-system-x86_64"
    machine = os.environ.get("MACHINE") or "q35"
    accelerator = os.environ.get("ACCEL") or default_accelerator()
    if not firmware.is_file():
        raise debian.Error(f"no firmware {firmware}; 'make' builds it")
    if not shutil.which(qemu):
        raise debian.Error(f"{qemu} is not installed; 'scripts/deps.sh run' installs it")
    kernel, initrd, ours = choose_kernel(scratch)
    microvm = machine.startswith("microvm")
    bus = "device" if microvm else "pci"

    words = ["console=ttyS0", *([] if interactive else ["panic=-1"])]
    if microvm:
        words.append("reboot=t")
        if accelerator.startswith("tcg"):
            words.append("tsc_early_khz=2000000")   # no timer there to calibrate the TSC with
    if not interactive:
        words.append("qb.run=once")
    words.append(os.environ.get("APPEND", ""))
    return [
        qemu, "-machine", machine, "-accel", accelerator, "-m", "1G", "-smp", "2",
        "-bios", str(firmware), "-kernel", str(kernel),
        *(["-initrd", str(initrd)] if initrd else []),
        "-append", " ".join(words).strip(),
        "-nodefaults", "-no-user-config", "-display", "none",
        *([] if interactive else ["-no-reboot"]),
        "-netdev", "user,id=net", "-device",
        f"virtio-net-{bus},netdev=net" + ("" if microvm else ",romfile="),
        "-device", f"virtio-rng-{bus}",
        "-chardev", f"stdio,id=console,mux=on,signal=off,logfile={scratch}/serial",
        "-serial", "chardev:console", "-mon", "chardev=console",
        "-trace", "fw_cfg_select", "-D", f"{scratch}/trace", "-msg", "timestamp=on",
        *shlex.split(os.environ.get("QEMU_ARGS", "")),
    ], ours


class SerialWatch(threading.Thread):
    """Notes at what time of the host a serial log shows its first byte, /init, and userspace.

    Calls AT_INIT, if given, when init is started.
    """

    def __init__(self, path, at_init=None):
        super().__init__(daemon=True)
        self.path = path
        self.at_init = at_init
        self.first = self.init = self.up = None
        self.over = threading.Event()

    def run(self):
        seen = b""
        while not self.up and not self.over.wait(0.001):
            seen = self._look(seen)
        self._look(seen)        # what came between the last look and QEMU's end

    def _look(self, seen):
        size = self.path.stat().st_size if self.path.exists() else 0
        if size == len(seen):
            return seen
        seen = self.path.read_bytes()
        now = time.time()
        self.first = self.first or now
        if not self.init and INIT_LINE.search(seen):
            self.init = now
            if self.at_init:
                self.at_init()
        if UP_LINE in seen:
            self.up = self.up or now
        return seen


def firmware_times(trace, first_output):
    """When the guest asked fw_cfg first, and last before the kernel's first output; or Nones."""
    try:
        lines = re.finditer(rf"^{qemu_trace.STAMP}fw_cfg_select", trace.read_text("utf-8"),
                            re.MULTILINE)
    except OSError:
        return None, None
    stamps = [qemu_trace.seconds(line) for line in lines]
    before = [stamp for stamp in stamps if first_output is None or stamp <= first_output]
    return (before[0], before[-1]) if before else (None, None)


def report(start, trace, watch, ours):
    """Prints the table; OURS: the guest's userspace is guest-init.sh, which says when it is up."""
    begin, entry = firmware_times(trace, watch.first)
    rows = (("QEMU", "process started to first guest instruction seen", start, begin),
            ("firmware", "to the last thing it loads, then the kernel", begin, entry),
            ("kernel", "to /init", entry, watch.init),
            *([("userspace", "drivers, network", watch.init, watch.up)] if ours else []),
            ("all", "", start, watch.up if ours else watch.init))
    print(f"\n  {'step':<10} {'ms':>9}")
    for name, meaning, since, until in rows:
        spent = f"{(until - since) * 1e3:9.1f}" if since and until else f"{'?':>9}"
        print(f"  {name:<10} {spent}  {meaning}".rstrip())
    if ours and watch.up is None:
        print("  The guest did not reach userspace.")
    elif not ours and watch.init is None:
        print("  Nothing on the serial line says that init was started ('quiet' hides it).")


def main():
    """Runs the guest; returns the exit status."""
    interactive = sys.stdin.isatty()
    with tempfile.TemporaryDirectory(prefix="qboot-run-") as scratch:
        scratch = Path(scratch)
        try:
            argv, ours = command(scratch, interactive)
        except (debian.Error, OSError) as error:
            print(f"run.py: {error}", file=sys.stderr)
            return 2
        print(shlex.join(argv))
        if interactive:
            print("The console is the guest's: Ctrl-A X ends QEMU, Ctrl-A C is its monitor.")
        sys.stdout.flush()
        start = time.time()
        with started(argv, None if interactive else TIME_LIMIT, timed=True,
                     **({"stdin": None} if interactive else {})) as qemu:
            # Nobody could tell another guest than ours to end.
            watch = SerialWatch(scratch / "serial",
                                None if ours or interactive else qemu.terminate)
            watch.start()
            status = qemu.wait()
        watch.over.set()
        watch.join()
        if status and not (watch.at_init and watch.init):
            print(f"QEMU ended with status {status}", file=sys.stderr)
        report(start, scratch / "trace", watch, ours)
    return 0 if (watch.up if ours else watch.init or status == 0) else 1


if __name__ == "__main__":
    sys.exit(main())

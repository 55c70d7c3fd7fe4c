"""QEMU for the budget and the benchmark: command lines, runs with a bound, what this host can do.

QEMU is started by scripts/qemu_process.py, as for the tests, but without their Vm: a thread that
reads and QMP would take processor time from what is measured.
"""

import functools
import os
from pathlib import Path
import re
import shutil
import subprocess
import sys
import tempfile
import time

import stop_kernel

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / "scripts"))

from qemu_process import LATE, ask, started

FIRMWARE = Path(os.environ.get("FIRMWARE") or ROOT / "build" / "qboot.bin")

# The device that ends QEMU when a stop kernel says so; its own ports are those of stop_kernel.PORT.
DEBUG_EXIT = ["-device", f"isa-debug-exit,iobase={stop_kernel.PORT:#x}"]

# Events that the counting reads; see events.py.
EVENTS = ("flatview_new", "kvm_set_user_memory", "kvm_run_exit", "memory_region_ops_read",
          "memory_region_ops_write", "fw_cfg_select", "fw_cfg_add_file")

UKI_KERNEL = 1 << 20            # as any real one, longer than what is read of it at first


class Error(Exception):
    """Cannot measure; the text says why and what to do."""


def program():
    """The QEMU to run: $QEMU, or the one in $PATH."""
    path = shutil.which(os.environ.get("QEMU") or "qemu-system-x86_64")
    if not path:
        raise Error("qemu-system-x86_64 is not installed; install QEMU or set QEMU=PROGRAM")
    return path


@functools.lru_cache
def version():
    """(major, minor) of the QEMU."""
    text = ask(program(), "--version")
    return tuple(int(word) for word in re.search(r"version (\d+)\.(\d+)", text).groups())


def accelerator(name, one_instruction=False):
    """QEMU's options for an accelerator.

    ONE_INSTRUCTION: TCG translates one at a time, and runs processors by turns in one thread, since
    how often one looks for another that is slow to come depends on how busy the host is.
    """
    if not one_instruction:
        return ["-accel", name]
    if version() >= (8, 1):
        return ["-accel", name + ",thread=single,one-insn-per-tb=on"]
    return ["-accel", name + ",thread=single", "-singlestep"]


def command(accel, machine, firmware, kernel, extra=(), memory="512"):
    """A guest with nothing but what the arguments say; ACCEL is a list from accelerator()."""
    return [program(), *accel, "-machine", machine, "-cpu", "qemu64", "-m", memory, "-nodefaults",
            "-no-user-config", "-display", "none", "-no-reboot", *DEBUG_EXIT,
            "-bios", str(firmware), "-kernel", str(kernel), *extra]


def run(argv, limit=120):
    """Runs to the end; returns (exit status, what it said, the host's time at the start)."""
    start = time.time()
    with started(argv, limit, timed=True, stdout=subprocess.PIPE,
                 stderr=subprocess.STDOUT) as process:
        said = process.communicate()[0]
    return process.returncode, said.decode(errors="replace"), start


def traced(scratch, events=EVENTS):
    """Options that write EVENTS to SCRATCH/trace, each line with the host's time."""
    listing = Path(scratch) / "events"
    (Path(scratch) / "trace").unlink(missing_ok=True)   # QEMU appends
    listing.write_text("".join(event + "\n" for event in events), encoding="ascii")
    return ["-trace", f"events={listing},file={scratch}/trace", "-msg", "timestamp=on"]


def expect_stop(status, said, argv):
    """Raises unless QEMU was ended by a stop kernel; returns which."""
    for stop in stop_kernel.Stop:
        if status == stop.status:
            return stop
    lines = [line for line in said.splitlines() if "warning:" not in line]
    late = "it did not reach the kernel in time"
    reason = {**dict.fromkeys(LATE, late),
              85: "the firmware gave up"}.get(status, f"QEMU ended with status {status}")
    raise Error(f"{reason}: {lines[-1] if lines else 'nothing said'}\n  {' '.join(argv)}")


@functools.lru_cache
def kvm_works():
    """Whether a guest of nothing but a stop runs under KVM."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    with tempfile.TemporaryDirectory(prefix="qboot-bench-") as scratch:
        files = write_kernels(Path(scratch))
        argv = command(accelerator("kvm"), "microvm", files["floor"], files["pvh"])
        return run(argv, 10)[0] == stop_kernel.Stop.FLOOR.status


def kvm_is_hardware():
    """Whether KVM runs guests on the processor; a software KVM is good for small kernels only."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return bool(re.search(r"^flags\s*:.*\b(vmx|svm)\b", flags, re.MULTILINE)) and kvm_works()


def write_kernels(directory):
    """The smallest kernels and the floor ROM as files: {"pvh", "bzimage", "uki", ... "floor"}."""
    linux = (".linux", stop_kernel.bzimage(UKI_KERNEL))
    files = {"pvh": stop_kernel.pvh(), "bzimage": stop_kernel.bzimage(),
             "uki": stop_kernel.uki([linux]),
             "uki-3": stop_kernel.uki([linux, (".initrd", bytes(1000)), (".cmdline", b"quiet")]),
             "floor": stop_kernel.floor_rom()}
    for name, image in files.items():
        (directory / name).write_bytes(image)
    return {name: directory / name for name in files}

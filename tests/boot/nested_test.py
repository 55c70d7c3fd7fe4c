"""The firmware under the KVM of Linux, with SMM: in a guest of a guest.

Contract: as boot_test.py's.  TCG emulates SVM (`-cpu max`), so an outer guest, Debian's generic
kernel, has KVM for inner ones.  That is what neither TCG nor a software KVM shows: SMM and
processors as KVM makes them, and MTRRs that an INIT leaves alone.  The outer guest sees the host's
root directory, read-only, and runs the QEMU that is there.
"""

from pathlib import Path
import shlex
import shutil

import pytest

import initramfs
from machines import Linux
import own_guest
from qemu_process import ask
from vm import facts

INIT = Path(__file__).with_name("nested-init.sh")
MODULES = ("virtio_pci", "9p", "9pnet_virtio", "kvm_amd")
SECONDS = 240

# Machine, processors, words for the own guest (tests/boot/guest/cmdline.c).
OWN = [
    ("pc", 1, "cpu.smm"),
    ("pc", 8, "cpu.init cpu.smm"),
    ("q35", 1, "cpu.smm"),
    ("q35", 4, "cpu.init cpu.smm"),
    ("q35,smm=off", 4, "cpu.init"),
    ("microvm", 1, ""),
    ("microvm", 8, "cpu.init"),
]
LINUX = [(machine, form) for machine in ("pc", "q35", "microvm") for form in ("vmlinuz", "vmlinux")]


def add_kvm(archive, kernel):
    """What the outer guest needs beside what all have."""
    release = (kernel / "release").read_text("ascii").strip()
    initramfs.add_modules(archive, initramfs.Modules(kernel / "modules"), release, MODULES)


@pytest.fixture(name="run")
def _run(bench, qemu, firmware, tmp_path):
    """A function that runs an inner guest with QEMU's arguments; returns the outer one, ended."""
    if "virtio-9p-pci" not in ask(qemu(), "-device", "help"):
        pytest.skip("this QEMU has no 9p")

    def begin(machine, cpus, *args):
        inner = ["timeout", str(SECONDS - 40), shutil.which(qemu()), "-M", machine, "-accel", "kvm",
                 "-cpu", "host", "-smp", str(cpus), "-bios", str(firmware), "-nodefaults",
                 "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio",
                 "-chardev", "file,id=said,path=/dev/said",
                 "-device", "isa-debugcon,iobase=0x402,chardev=said", *args]
        share = tmp_path / "share"
        share.mkdir()
        (share / "run").write_text("exec " + shlex.join(inner) + " </dev/null\n", encoding="utf-8")
        outer = Linux("", "q35", "-cpu max", "mitigations=off", "1536", kernel="generic",
                      format="vmlinuz", debugcon=False)
        with bench.linux(outer, "quiet", INIT, (add_kvm,), seconds=SECONDS, more=[
                "-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,"
                "multidevs=remap", "-virtfs",
                f"local,path={share},mount_tag=share,security_model=none,readonly=on"]) as vm:
            vm.wait_for(rb"^NESTED done", SECONDS)
        vm.check(b"qboot: " not in vm.serial, "the firmware spoke")
        return vm

    return begin


@pytest.mark.parametrize("machine, cpus, words", OWN)
def test_own_guest(machine, cpus, words, run):
    """Every processor's MTRRs, and its SMI with an SMBASE of its own."""
    vm = run(machine, cpus, "-m", "32", *own_guest.EXIT, "-kernel",
             str(own_guest.kernel("pvh.elf")), "-append", f"expect.ram={32 << 20} {words}")
    vm.check(b"\nNESTED status %d\r" % own_guest.STATUS_PASS in vm.serial, "the inner guest failed")
    vm.check("cpu.init" not in words or b"\nOK cpu.different: " in vm.serial,
             "the others were not looked at")
    vm.check("cpu.smm" not in words or b"\nOK smm.unserved: " in vm.serial, "no SMI was sent")


@pytest.mark.parametrize("machine, form", LINUX)
def test_linux(machine, form, run, initrds):
    """Two processors with the same MTRRs, as Linux sees it."""
    kernel, initrd = initrds.provide("cloud")
    vm = run(machine, 2, "-m", "256", "-kernel", str(kernel / form), "-initrd", str(initrd),
             "-append", "console=ttyS0 quiet panic=-1 qb.test=facts")
    said = facts(vm.serial)
    vm.check("done" in said, "the inner guest did not come up")
    vm.check(said["cpus"] == ["2"], f"CPUs: {said['cpus']}")
    about_mtrrs = [line for line in said["warn"] if "mtrr" in line.lower()]
    vm.check(not about_mtrrs, f"complaints: {about_mtrrs}")
    vm.check(len(said["mtrr"]) == 1 and "uncachable" in said["mtrr"][0], f"MTRRs: {said['mtrr']}")

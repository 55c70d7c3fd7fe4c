"""The TPM is started at a boot and at a wake from S3, before the kernel asks it anything.

Contract: a Linux (tpm-init.sh on a kernel of kernels.py) with a TPM of swtpm.  What a host lacks is
a SKIP.
"""

import os
import signal
from pathlib import Path

import pytest

from cpu_test import sleep_and_wake
import host_tools
import initramfs
import kernels
import own_guest
from vm import Vm, facts

INIT = Path(__file__).with_name("tpm-init.sh")
BOOT_SECONDS = 150
RAM = 128 << 20


@pytest.fixture(scope="session", name="linux")
def _linux(tmp_path_factory):
    """QEMU's arguments for the kernel and its initramfs."""
    directory = kernels.provide("cloud")
    archive = initramfs.Cpio()
    archive.add("init", 0o100755, INIT.read_bytes())
    host_tools.add_tpm_tools(archive)
    path = tmp_path_factory.mktemp("tpm") / "initramfs.cpio"
    path.write_bytes(initramfs.provide(directory).read_bytes() + archive.finish())
    return ["-kernel", str(directory / "vmlinuz"), "-initrd", str(path), "-append",
            "console=ttyS0 quiet panic=-1 tsc_early_khz=2000000"]


def start(qemu, firmware, machine, directory, *arguments):
    """A Vm."""
    return Vm(qemu(), ["-M", machine, "-accel", "tcg", "-m", "256", "-bios", str(firmware),
                       "-nodefaults", "-no-user-config", "-display", "none",
                       "-serial", "chardev:serial", *arguments],
              directory, seconds=900, qmp=True, debugcon=True)


@pytest.mark.parametrize("machine", ["pc", "q35"])
@pytest.mark.parametrize("device, version", [("tpm-tis", "2.0"), ("tpm-crb", "2.0"),
                                             ("tpm-tis,ppi=off", "2.0"), ("tpm-tis", "1.2")])
def test_started(device, version, machine, firmware, qemu, linux, swtpm, tmp_path):
    """PCR 12 keeps its value over three sleeps, a reset clears it, and Linux has no complaint."""
    tpm = swtpm(version, seconds=900)
    with start(qemu, firmware, machine, tmp_path, *linux, *tpm.arguments,
               "-device", f"{device},tpmdev=t") as vm:
        for boot in (1, 2):
            since = len(vm.serial)
            if boot == 1:
                sleep_and_wake(vm, 3)
            else:
                vm.qmp("system_reset")
                vm.wait_for(rb"^QB sleep 1\r?$", BOOT_SECONDS, since=since)
            if boot == 1:
                vm.wait_for(rb"^QB done", BOOT_SECONDS)
            said = facts(vm.serial[since:])
            vm.check(said["tpm"] == [version[0]], f"the TPM's version: {said['tpm']}")
            pcrs = dict(value.partition(" ")[::2] for value in said["pcr"])
            vm.check(len(pcrs) == (5 if boot == 1 else 2), f"PCRs: {pcrs}")
            digits = 64 if version == "2.0" else 40
            vm.check(pcrs.pop("fresh") == "0" * digits, "the PCR is not fresh")
            vm.check(set(pcrs.values()) == {pcrs["0"]} and len(pcrs["0"]) == digits,
                     f"the PCR is not kept: {pcrs}")
            vm.check(pcrs["0"] != "0" * digits, "the PCR was not extended")
            bad = [line for line in said["log"] if "rror" in line or "manually" in line]
            vm.check(not bad, f"the kernel says: {bad}")
        vm.check(not vm.debug_output(), "the firmware spoke")


def test_hung(firmware, qemu, swtpm, tmp_path):
    """A TPM that never answers delays the boot by two seconds and gets one line."""
    tpm = swtpm()
    with start(qemu, firmware, "q35", tmp_path, "-S", *tpm.arguments, "-m", str(RAM >> 20),
               "-device", "tpm-crb,tpmdev=t", *own_guest.EXIT,
               "-kernel", str(own_guest.kernel("bz64.img")), "-append", f"expect.ram={RAM}") as vm:
        vm.qmp("query-status")
        emulator = int(tpm.pid_file.read_text("ascii"))
        os.kill(emulator, signal.SIGSTOP)
        try:
            vm.qmp("cont")
            vm.wait_for(rb"^PASS ", BOOT_SECONDS)
        finally:
            os.kill(emulator, signal.SIGCONT)
        vm.check(vm.wait_exit(BOOT_SECONDS) == own_guest.STATUS_PASS, "the boot failed")
        lines = vm.debug_output().decode("ascii").splitlines()
        wanted = "tpm: the TPM does not answer the command within 2 s"
        vm.check(len(lines) == 1 and wanted in lines[0], f"the firmware says: {lines}")

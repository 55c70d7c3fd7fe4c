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
from machines import BOOT_SECONDS, Case, Linux
import own_guest
from vm import facts

INIT = Path(__file__).with_name("tpm-init.sh")
RAM = 128 << 20


@pytest.mark.parametrize("machine", ["pc", "q35"])
@pytest.mark.parametrize("device, version", [("tpm-tis", "2.0"), ("tpm-crb", "2.0"),
                                             ("tpm-tis,ppi=off", "2.0"), ("tpm-tis", "1.2")])
def test_started(device, version, machine, bench, swtpm):
    """PCR 12 keeps its value over three sleeps, a reset clears it, and Linux has no complaint."""
    tpm = swtpm(version, seconds=900)
    case = Linux("", machine, f"-device {device},tpmdev=t", memory="256", format="vmlinuz")
    with bench.linux(case, "quiet", INIT, (host_tools.add_tpm_tools,), more=tpm.arguments,
                     reboots=True, seconds=900) as vm:
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


def test_hung(bench, swtpm):
    """A TPM that never answers delays the boot by two seconds and gets one line."""
    tpm = swtpm()
    case = Case("", "q35", "-S -device tpm-crb,tpmdev=t", memory=str(RAM >> 20))
    with bench.start(case, own_guest.kernel("bz64.img"), append=f"expect.ram={RAM}",
                     more=[*tpm.arguments, *own_guest.EXIT], reboots=True, seconds=900) as vm:
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

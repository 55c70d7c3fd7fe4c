"""Processors under Linux: S3, reboots by every method, processors and memory plugged in.

Contract: as boot_test.py's, with cpu-init.sh in the place of guest-init.sh.  All of it is TCG: that
has SMM, and a software KVM has not.
"""

import time
import uuid
from pathlib import Path

import pytest

import gdb_stub
from machines import BOOT_SECONDS, Linux, devices, disk
from vm import facts

INIT = Path(__file__).with_name("cpu-init.sh")
STEP_SECONDS = 60
DISK = disk("virtio-blk-pci")
PORTS = 4
SLEEPS = 10
REBOOTS = 100
STORMS = 12
STORM_SECONDS = 0.3


@pytest.fixture(name="start")
def _start(bench):
    """A function that starts a guest: machine, words of qb.cpu, QEMU's arguments."""

    def begin(machine, words, args="", seconds=BOOT_SECONDS, **more):
        case = Linux("", machine, args, **{"memory": "256", "format": "vmlinuz", **more})
        return bench.linux(case, f"quiet qb.cpu={words}", INIT, reboots=True, seconds=seconds)

    return begin


def finish(vm, silent=True):
    """Waits for the end; what the guest said."""
    vm.wait_for(rb"^QB done", STEP_SECONDS)
    said = facts(vm.serial)
    vm.check(not said["error"], f"the guest: {said['error']}")
    vm.check(not silent or not vm.debug_output(), "the firmware spoke")
    return said


def wait_for(vm, query, status):
    """Until the status in the answer is that."""
    for _ in range(STEP_SECONDS * 10):
        if vm.qmp(query).get("status") == status:
            return
        with vm.news:
            vm.news.wait(0.1)
    raise vm.failure(f"not {status}")


def sleep_and_wake(vm, times):
    """The host's side of sleep=N."""
    for i in range(1, times + 1):
        vm.wait_for(rb"^QB sleep %d\r?$" % i, BOOT_SECONDS)
        wait_for(vm, "query-status", "suspended")
        vm.qmp("system_wakeup")
        vm.wait_for(rb"^QB awake %d\b" % i, STEP_SECONDS)


@pytest.mark.parametrize("cpus", [1, 2])
@pytest.mark.parametrize("machine", ["pc", "q35", "q35,smm=off", "pc-q35-4.2"])
def test_sleep(machine, cpus, start):
    """Ten times S3: memory and disk are as before, the MTRRs too."""
    with start(machine, f"sleep={SLEEPS}", DISK, cpus=cpus, seconds=900) as vm:
        sleep_and_wake(vm, SLEEPS)
        said = finish(vm)
        vm.check(len(said["mtrr"]) == 1 and "uncachable" in said["mtrr"][0],
                 f"MTRRs: {said['mtrr']}")
        vm.check(said["cpus"] == [str(cpus)], f"CPUs: {said['cpus']}")


@pytest.mark.parametrize("machine", ["pc", "q35"])
def test_sleep_without_lapic(machine, start):
    """A system that has its interrupts from the 8259s alone gets them after S3, too."""
    with start(machine, "sleep=1", DISK, append="noapic nolapic") as vm:
        sleep_and_wake(vm, 1)
        finish(vm)


def test_sleep_ports(start):
    """Disks behind root ports are read as before the sleep."""
    disks = "".join(devices(f"pcie-root-port,id=p{i},chassis={i + 1}") +
                    disk(f"virtio-blk-pci,bus=p{i}", f"disk{i}") for i in range(PORTS))
    with start("q35", "sleep=2", disks) as vm:
        sleep_and_wake(vm, 2)
        said = finish(vm)
        vm.check(said["awake"] == [f"{i} {PORTS}" for i in (1, 2)], f"disks: {said['awake']}")


@pytest.mark.parametrize("slept", [0, 1])
@pytest.mark.parametrize("machine", ["pc", "q35"])
def test_sleep_vmgenid(machine, slept, start, tmp_path):
    """Gone on from a snapshot elsewhere, the guest learns it is another one, also after a sleep.

    QEMU forgets at a wake where the guest has the generation's GUID, so it must be told again; and
    it writes a new one there only when it loads a snapshot.
    """
    guids = str(uuid.uuid4()), str(uuid.uuid4())
    snapshot = tmp_path / "snapshot"
    words = f"sleep={slept},fork" if slept else "fork"

    def device(guid):
        return f"-device vmgenid,id=gen,guid={guid} {DISK}"

    with start(machine, words, device(guids[0]), kernel="generic") as vm:
        sleep_and_wake(vm, slept)
        vm.wait_for(rb"^QB ready\r?$", BOOT_SECONDS)
        vm.qmp("migrate", uri=f"exec:cat >{snapshot}")
        wait_for(vm, "query-migrate", "completed")
        vm.check(not vm.debug_output(), "the firmware spoke")
    with start(machine, words, f"{device(guids[1])} -incoming 'exec:cat {snapshot}'",
               kernel="generic") as vm:
        said = finish(vm)
        vm.check(any("virtual machine fork" in line for line in said["log"]),
                 "not told of the fork")


def test_sleep_elf(start):
    """QEMU overwrites an ELF kernel on the way back: said, and booted anew."""
    with start("q35", "sleep=1", DISK, format="vmlinux") as vm:
        vm.wait_for(rb"^QB sleep 1\r?$", BOOT_SECONDS)
        wait_for(vm, "query-status", "suspended")
        vm.qmp("system_wakeup")
        vm.wait_for(rb"^QB begin\r?$", BOOT_SECONDS, count=2)
        vm.check(b"resume: QEMU has put the ELF kernel's image back" in vm.debug_output(),
                 "not a word of it")


@pytest.mark.parametrize("method", ["k", "t", "a", "p", "b"])
@pytest.mark.parametrize("machine", ["pc", "q35"])
def test_reboot(machine, method, start):
    """Back in user space twice, whatever way Linux resets (a and b fall back)."""
    with start(machine, "reboot", cpus=2, append=f"reboot={method}") as vm:
        vm.wait_for(rb"^QB reboot\r?$", BOOT_SECONDS, count=3)
        vm.check(not vm.debug_output(), "the firmware spoke")


@pytest.mark.soak
@pytest.mark.parametrize("machine,method", [(machine, method) for machine in ["pc", "q35"]
                                            for method in "ktapb"] + [("microvm", "t")])
def test_reboot_soak(machine, method, start):
    """A hundred times."""
    with start(machine, "reboot", cpus=2, append=f"reboot={method}", seconds=3600) as vm:
        for i in range(1, REBOOTS + 1):
            vm.wait_for(rb"^QB reboot\r?$", BOOT_SECONDS, count=i)


@pytest.mark.parametrize("times", [3, pytest.param(REBOOTS, marks=pytest.mark.soak)])
@pytest.mark.parametrize("machine", ["pc", "q35", "microvm"])
def test_system_reset(machine, times, start):
    """The monitor's reset."""
    with start(machine, "cpus=9", cpus=2, seconds=3600) as vm:
        for i in range(1, times + 1):
            vm.wait_for(rb"^QB ready\r?\n", BOOT_SECONDS, count=i)      # whole: a reset may cut it
            vm.qmp("system_reset")


@pytest.mark.parametrize("machine", ["pc", "q35"])
def test_cpu_plugged_then_slept(machine, start):
    """A processor plugged in after the boot works, also after a sleep."""
    with start(machine, "cpus=2,sleep=1", "-smp 1,maxcpus=2 " + DISK) as vm:
        vm.wait_for(rb"^QB ready\r?$", BOOT_SECONDS)
        vm.plug_processor()
        sleep_and_wake(vm, 1)
        said = finish(vm)
        vm.check(said["cpus"] == ["2"], f"CPUs: {said['cpus']}")


@pytest.mark.parametrize("form", ["vmlinux", "vmlinuz"])
@pytest.mark.parametrize("cpus", [1, 4])
@pytest.mark.parametrize("machine", ["pc", "q35", "microvm"])
def test_nmi_storm(machine, cpus, form, start):
    """NMIs from the host, as many as it can send in 0.3 s from the start: each boot ends well."""
    for _ in range(STORMS):
        with start(machine, "cpus=1", "-S", cpus=cpus, format=form) as vm:
            vm.qmp("query-status")
            vm.qmp("cont")
            end = time.monotonic() + STORM_SECONDS
            while time.monotonic() < end:
                vm.qmp("inject-nmi")
            said = finish(vm)
            vm.check(said["cpus"] == [str(cpus)], f"CPUs: {said['cpus']}")


@pytest.mark.parametrize("missing", [1, 3])
@pytest.mark.parametrize("machine", ["pc", "q35", "microvm"])
def test_processors_that_never_answer(machine, missing, start, tmp_path):
    """They are named, and the boot goes on."""
    path = tmp_path / "gdb"
    with start(machine, "cpus=2", f"-S -gdb unix:{path},server=on,wait=off", cpus=2 + missing,
               append="maxcpus=2") as vm:
        debugger = gdb_stub.Stub(path)
        debugger.ask("qSupported:multiprocess+")
        debugger.ask("?")
        debugger.send("vCont;c:p1.1;c:p1.2")        # the others never move
        said = finish(vm, silent=False)
        vm.check(said["cpus"] == ["2"], f"CPUs: {said['cpus']}")
        names = ", ".join(str(2 + i) for i in range(missing))
        message = f"smp: 2 of {2 + missing} processors answered, not APIC id {names}; "
        vm.check(message.encode() in vm.debug_output(), f"no message {message!r}")
        vm.check(b"smm: " not in vm.debug_output(), "the one that answered has no SMBASE")


@pytest.mark.parametrize("machine", ["pc", "q35"])
def test_memory_plugged(machine, start):
    """A pc-dimm plugged in after the boot is memory."""
    with start(machine, "memory=128", memory="256,slots=2,maxmem=1G", kernel="generic") as vm:
        vm.wait_for(rb"^QB ready\r?$", BOOT_SECONDS)
        vm.qmp("object-add", **{"qom-type": "memory-backend-ram", "id": "more", "size": 128 << 20})
        vm.qmp("device_add", driver="pc-dimm", id="dimm", memdev="more")
        finish(vm)

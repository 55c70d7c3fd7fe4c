"""Boots Linux on the machines of cases.py and compares what the guest says with what it was given.

Contract: every assertion is on the guest's own words ("QB ..." lines, see scripts/guest-init.sh) or
on the kernel's; a failure shows the command line, the end of the serial port and the debug console.
What a host cannot run is a SKIP that says why.  Linux is emulated (TCG): a KVM is not needed.
"""

import re

import pytest

import cases
from machines import BOOT_SECONDS, STARVED, Starved, fed, rows
import testmedia
from vm import Failure, facts

MIB = 1 << 20
FIRST_OUTPUT_SECONDS = 60       # an emulated kernel needs one; hosts may be busy

# What QEMU itself makes the kernel complain about, with any firmware.
TOLERATED = re.compile("|".join((
    # An INIT clears a processor's MTRRs under TCG (target/i386/cpu.h: they are not among the "state
    # preserved by INIT"), so what the firmware wrote on an AP is gone when Linux starts it.
    r"mtrr: your CPUs had inconsistent .*MTRR",
    r"mtrr: probably your BIOS does not setup all CPUs",
    r"mtrr: corrected configuration",
    # Linux finds the emulated TSC unstable just while it makes sched_clock rely on it: a processor
    # switches a key off that another is switching on (kernel/sched/clock.c,
    # sched_clock_init_late()).
    r"WARNING: .* static_key_disable_cpuslocked\+",
)))
NO_PCI = re.compile(r"PCI: Fatal: No config space access function found")
NO_ACPI = re.compile(r"ACPI BIOS Error \(bug\): A valid RSDP was not found|"
                     r"ACPI: Failed to initialize tables, status=0x5 \(AE_NOT_FOUND\)$")   # Linux 7


def start(bench, case, end=None, **options):
    """A Vm for the case; END as in qb.end."""
    return bench.linux(case, f"qb.test={case.tests} qb.end={end or natural_end(case)}", **options)


def natural_end(case):
    """How the guest ends so that QEMU does: power off needs ACPI."""
    return "poweroff" if case.has_acpi else "reboot"


def size_of(memory):
    """The bytes that QEMU's -m means."""
    number, unit = re.fullmatch(r"(\d+)([kKmMgG]?)", memory).groups()
    return int(number) << {"k": 10, "m": 20, "g": 30}[unit.lower() or "m"]


def host_free_mib():
    """What the host could give a guest."""
    with open("/proc/meminfo", encoding="ascii") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("MemAvail")) >> 10


def ranges(entries):
    """E820 lines as (base, end, kind).  Linux 7 has other words, and lines for the gaps."""
    found = [re.match(r"\[mem (0x\w+)-(0x\w+)\] (.*)", entry) for entry in entries
             if not entry.startswith("[gap")]
    return [(int(match[1], 16), int(match[2], 16) + 1,
             {"System RAM": "usable"}.get(match[3].strip(), match[3].strip())) for match in found]


def overlap(one, other):
    """Whether [base, end) ranges meet."""
    return one[0] < other[1] and other[0] < one[1]


def bars(said):
    """The assigned BARs 0 to 5 as (function, index, base, end, flags)."""
    found = []
    for line in said["bar"]:
        function, index, start, end, flags = line.split()
        if int(index) < 6:
            found.append((function, int(index), int(start, 16), int(end, 16) + 1, int(flags, 16)))
    return found


def check_memory(vm, case, said):
    """E820 has the RAM that QEMU was told to give, and Linux uses it."""
    e820 = ranges(said["e820"])
    vm.check(e820, "the kernel got no E820 map")
    vm.check(all(low[1] <= high[0] for low, high in zip(e820, e820[1:])),
             f"E820 is not sorted and disjoint: {said['e820']}")
    ram = [entry for entry in e820 if entry[2] == "usable"]
    usable = sum(end - base for base, end, _ in ram)
    given = size_of(case.memory)
    vm.check(given - 2 * MIB <= usable <= given,
             f"{usable} bytes usable in E820, of {given} given: {said['e820']}")
    vm.check(not any(overlap(entry, (0xa0000, 0x100000)) for entry in ram),
             "E820 calls the legacy hole usable")
    vm.check(not any(overlap(entry, ((4 << 30) - (64 << 10), 4 << 30)) for entry in ram),
             "E820 calls the firmware's ROM usable")
    reachable = usable
    if case.kernel == "i386-nopae":
        reachable = sum(end - base for base, end, _ in ram if end <= 4 << 30)
    total = int(said["memtotal"][0]) << 10
    own = 72 * MIB                  # the kernel itself
    if "maxmem=" in case.args:
        own += 64 * MIB             # its bounce buffers, for memory above 4 GiB to come
    vm.check(reachable * 0.97 - own <= total <= usable,
             f"MemTotal {total}, of {reachable} usable")


def check_cpus(vm, case, said):
    """As many processors as QEMU has."""
    expected = case.cpus_seen or case.cpus
    vm.check(said["cpus"] == [str(expected)], f"{said['cpus'][0]} CPUs, not {expected}")


def check_mtrrs(vm, case, said):
    """RAM is cached, 32-bit BARs are not, and PAT is on."""
    if "mtrr" not in said["flags"][0].split():
        return
    ram = [entry for entry in ranges(said["e820"]) if entry[2] == "usable"]
    uncached = []
    for line in said["mtrr"]:
        match = re.match(r"reg\d+: base=0x(\w+) .*size= *(\d+)([KMG])B, count=\d+: (.*)", line)
        vm.check(match, f"cannot read /proc/mtrr: {line}")
        base, size = int(match[1], 16), size_of(match[2] + match[3])
        if match[4] == "uncachable":
            uncached.append((base, base + size))
    for entry in ram:
        vm.check(not any(overlap(entry, hole) for hole in uncached),
                 f"RAM at {entry[0]:#x} is uncachable: {said['mtrr']}")
    vm.check(not any(hole[1] > 4 << 30 for hole in uncached), "an uncachable MTRR above 4 GiB")
    for function, index, base, end, flags in bars(said):
        if flags & 0x200 and end <= 4 << 30:
            vm.check(any(hole[0] <= base and end <= hole[1] for hole in uncached),
                     f"{function} BAR {index} at {base:#x} is cached: {said['mtrr']}")
    if case.kernel in ("cloud", "generic"):
        vm.check(said["pat"] and said["pat"][0].startswith("Configuration"),
                 f"no PAT: {said['pat']}")


def check_tables(vm, case, said):
    """The tables that the machine has."""
    if case.has_acpi:
        for table in ("APIC", "DSDT", "FACP"):
            vm.check(table in said["acpi"], f"no ACPI table {table}")
    else:
        vm.check(not said["acpi"], f"ACPI tables: {said['acpi']}")
    if not case.is_microvm and not case.machine.startswith("isapc"):
        vm.check(said["dmi"] == ["QEMU"], f"no SMBIOS: sys_vendor is {said['dmi']}")


def check_pci(vm, case, said):
    """Every BAR was assigned by the firmware, none meets RAM or another one."""
    if not case.has_pci:
        vm.check(not said["pci"], f"PCI functions: {said['pci']}")
        return
    vm.check(said["pci"], "no PCI function")
    moved = [line for line in said["assigned"] if re.search(r"BAR [0-5][: ]", line)]
    vm.check(not moved, f"the kernel had to assign: {moved}")
    ram = [entry for entry in ranges(said["e820"]) if entry[2] == "usable"]
    found = bars(said)
    for number, (function, index, base, end, flags) in enumerate(found):
        vm.check(base or flags & 0x100, f"{function} BAR {index} has no address")
        for other in found[:number]:
            same_kind = (flags ^ other[4]) & 0x300 == 0
            vm.check(not same_kind or not overlap((base, end), other[2:4]),
                     f"{function} BAR {index} and {other[0]} BAR {other[1]} share {base:#x}")
        vm.check(flags & 0x100 or not any(overlap((base, end), entry) for entry in ram),
                 f"{function} BAR {index} at {base:#x} lies in RAM")


def check_complaints(vm, case, said):
    """The kernel and the guest's init found nothing wrong."""
    complaints = [line for line in said["warn"] if not TOLERATED.search(line)
                  and (case.has_pci or not NO_PCI.search(line))
                  and (case.has_acpi or not NO_ACPI.search(line))
                  and not any(re.search(pattern, line) for pattern in case.tolerated)]
    vm.check(not complaints, f"the kernel complains: {complaints}")
    vm.check(not said["error"], f"the guest failed: {said['error']}")


def check_devices(vm, case, said):
    """The words of qb.test that have an answer."""
    for reason in testmedia.wrong(case.tests, said):
        vm.check(False, reason)


def check_silence(vm, case, silent):
    """The firmware says nothing when nothing is wrong."""
    if not silent:
        return
    vm.check(not vm.debug_output(), "the firmware wrote to the debug console")
    if "hvc0" not in case.append:
        vm.check(vm.serial.startswith(b"[    0.000000] Linux version"),
                 f"the serial port began with {vm.serial[:40]!r}")


CHECKS = (check_complaints, check_memory, check_cpus, check_mtrrs, check_tables, check_pci,
          check_devices)


def check(vm, case, said, silent):
    """All of the above; a Failure names everything that is wrong."""
    reasons = []
    for one, argument in (*((one, said) for one in CHECKS), (check_silence, silent)):
        try:
            one(vm, case, argument)
        except Failure as failure:
            reasons.append(failure.reason)
    vm.check(not reasons, "\n".join(reasons))


def lasting(said):
    """What must be the same after a reset."""
    return {key: said[key] for key in ("e820", "cpus", "mtrr", "dmi", "acpi", "pci", "bar", "disk",
                                       "assigned")}


def wait_done(vm, since=0):
    """Waits for a whole boot in the output from byte SINCE; returns where it ends."""
    vm.wait_for(rb".", FIRST_OUTPUT_SECONDS, since=since)
    end = vm.wait_for(rb"^QB done|" + STARVED, BOOT_SECONDS, since=since)
    if vm.serial[:end].endswith(STARVED):
        raise Starved
    return end


@pytest.mark.parametrize("case", rows(cases.BOOTS))
@fed
def test_boot(case, bench, silent):
    """Linux boots and finds the machine that QEMU was told to make."""
    if case.host_mib > host_free_mib():
        pytest.skip(f"the host has less than {case.host_mib} MiB free")
    with start(bench, case) as vm:
        wait_done(vm)
        status = vm.wait_exit(30)
        vm.check(status == 0, f"QEMU ended with status {status}")
        check(vm, case, facts(vm.serial), silent)


@pytest.mark.parametrize("count", [3, pytest.param(20, marks=pytest.mark.soak)])
@pytest.mark.parametrize("case", rows(cases.REBOOTS))
@fed
def test_guest_reboots(case, count, bench, silent):
    """The guest resets the machine itself, COUNT times, and finds the same each time."""
    with start(bench, case, end="reboot", reboots=True, seconds=BOOT_SECONDS * count) as vm:
        before = None
        end = 0
        for boot in range(count + 1):
            begin, end = end, wait_done(vm, since=end)
            said = facts(vm.serial[begin:end])
            if before is None:
                check(vm, case, said, silent)
                before = said
            vm.check(lasting(said) == lasting(before), f"reboot {boot} differs: {lasting(said)}")


@pytest.mark.parametrize("count", [20, pytest.param(200, marks=pytest.mark.soak)])
@pytest.mark.parametrize("case", rows(cases.SYSTEM_RESETS))
@fed
def test_system_resets(case, count, bench, silent):
    """QEMU resets the machine COUNT times while the kernel starts, and the last boot is as the
    first."""
    with start(bench, case, end="wait", reboots=True, seconds=BOOT_SECONDS * 4) as vm:
        end = wait_done(vm)
        before = facts(vm.serial)
        check(vm, case, before, silent)
        for _ in range(count):
            vm.qmp("system_reset")
            end = vm.wait_for(rb"Linux version", FIRST_OUTPUT_SECONDS, since=end)
        last = wait_done(vm, since=end)
        said = facts(vm.serial[end:last])
        vm.check(lasting(said) == lasting(before), f"the last boot differs: {lasting(said)}")


@pytest.mark.parametrize("case", rows(cases.HOTPLUGS))
@fed
def test_disk_hotplug(case, bench, silent):
    """A disk plugged into a running guest gets addresses and works."""
    with start(bench, case) as vm:
        vm.wait_for(rb"^QB ready", BOOT_SECONDS)
        vm.qmp("device_add", driver="virtio-blk-pci", drive="disk", bus=case.bus, id="plugged")
        wait_done(vm)
        said = facts(vm.serial)
        vm.check(said["plug"] and said["plug"][0].startswith("vda "), "the disk did not appear")
        check(vm, case, said, silent)


def test_cpu_hotplug(bench):
    """A processor plugged into a running guest starts."""
    with start(bench, cases.Case("q35", "q35", "-smp 1,maxcpus=2", tests="cpu=1")) as vm:
        vm.wait_for(rb"^QB ready", BOOT_SECONDS)
        vm.plug_processor()
        wait_done(vm)
        said = facts(vm.serial)
        vm.check(said["cpus"][-1] == "2", f"CPUs: {said['cpus']}, {said['error']}")

"""Boots the test kernel of guest/ in every row of guest_cases.py and believes what it says.

    python3 -m pytest -c tests/pytest.ini tests/boot/guest_test.py [-n 2] [-k 'q35 and bz64']

The options are those of tests/conftest.py; CC=clang builds the kernel with another compiler.
"""

import gzip
import os
import random
import re
from pathlib import Path

import pytest

from guest_cases import (CASES, FORGED, FORGED_COUNT, REFUSED, REQUIRED, REQUIRED_BY_FORM,
                         REQUIRED_BY_WORD, form_for, guest)
from machines import Case, rows
import own_guest
from own_guest import STATUS_PANIC, STATUS_PASS

SECONDS = 120
WRMSR = b"\x0f\x30"
UNITS = {"": 1 << 20, "k": 1 << 10, "G": 1 << 30}
TSEG_FROM = 17 << 20            # memory; with less there is no TSEG
RESERVED_FROM = 8 << 30         # memory this large is not committed


def memory_size(text):
    """In bytes what -m TEXT gives: QEMU rounds up to 8 KiB."""
    number, unit = re.match(r"(\d+)([kG]?)", text).groups()
    return (int(number) * UNITS[unit] + 8191) & ~8191


@pytest.fixture(scope="session")
def file_of(tmp_path_factory):
    """A function from a size to a file of as many bytes, random but the same every time."""
    directory = tmp_path_factory.mktemp("files")

    def make(size):
        path = directory / str(size)
        if not path.exists():
            path.write_bytes(random.Random(size).randbytes(size))
        return str(path)

    return make


@pytest.fixture
def start(bench, file_of):
    """A function that gives a Vm for a row of guest_cases.py."""

    def begin(case, more=(), **options):
        size = memory_size(case.memory)
        append = None if case.append is None else f"expect.ram={size} {case.append}".strip()
        if size >= RESERVED_FROM:
            case = case.but(machine=case.machine + ",memory-backend=ram", args=case.args +
                            f" -object memory-backend-ram,id=ram,size={size},reserve=off")
        initrd = None if case.initrd is None else file_of(case.initrd)
        return bench.start(case, own_guest.kernel(case.form), initrd, append,
                           [*own_guest.EXIT, *more], **{"seconds": SECONDS, **options})

    return begin


def required(case):
    """The names of checks that the kernel must have made."""
    form = case.form.split(".")[0]
    names = REQUIRED.get(case.machine, []) + REQUIRED_BY_FORM.get(form, [])
    if form not in REQUIRED_BY_FORM:
        names += REQUIRED_BY_FORM[re.match("pvh|mb|bz", form).group()]
    if case.initrd and not form.startswith("mb"):
        names.append("initrd.equal-up-to")
    for word in (case.append or "").split():
        names = names + REQUIRED_BY_WORD.get(word.split("=")[0], [])
    if "cpu.smm" in (case.append or "") and "q35" in case.machine:
        names += ["smm.lock-holds"]
        if re.match("q35|pc-q35-5", case.machine) and "pvh-low" not in case.form:
            names += ["smm.default-visible"]
        elif memory_size(case.memory) >= TSEG_FROM:
            names += ["smm.tseg-visible"]
    if "486" in case.args or case.machine == "isapc":    # no local APIC
        names = [name for name in names
                 if not name.startswith(("mp.", "irq.lint0", "cpu.different", "cpu.not-in",
                                         "smm.boot", "smm.unserved"))]
    return names


def required_woken(case):
    """The names of checks that the kernel must have made after a wake."""
    return [name for name in required(case)
            if name.startswith("smm.") or name in REQUIRED_BY_WORD["cpu.nmi"]]


@pytest.mark.parametrize("case", rows(CASES))
def test_boot(case, start, silent):
    """The kernel finds everything in order, in each boot, and the firmware has said nothing."""
    if case.accel == "kvm" and not os.access("/dev/kvm", os.R_OK | os.W_OK):
        pytest.skip("/dev/kvm is not usable")
    by_host = "reboot.host" in (case.append or "")
    seconds = SECONDS + 3 * case.boots
    with start(case, reboots=case.boots > 1, seconds=seconds) as vm:
        for n in range(1, case.boots if by_host else 1):
            vm.wait_for(rb"^WAIT .*\n", SECONDS, count=n)
            vm.qmp("system_reset")
        status = vm.wait_exit(seconds + 10)
        lines = vm.serial.decode("latin-1").splitlines()
        vm.check(not silent or vm.serial.startswith(b"GUEST "),
                 "the firmware wrote to the serial port, or no kernel ran")
        failed = [line for line in lines if line.startswith("FAIL ")]
        vm.check(not failed, "\n".join(failed))
        vm.check(status == STATUS_PASS and lines[-1].startswith("PASS "),
                 f"QEMU's exit status is {status}")
        boots = [line.split()[-1] for line in lines if line.startswith("GUEST ")]
        vm.check(boots == [str(n + 1) for n in range(case.boots)], f"boots seen: {boots}")
        unknown = [line for line in lines if not re.match(r"(GUEST|MAP|OK|PASS|WAIT) ", line)]
        vm.check(not silent or not unknown, f"lines that are not the kernel's: {unknown}")
        for name in required(case):
            count = sum(line.startswith(f"OK {name}:") for line in lines)
            vm.check(count >= case.boots, f"no check {name}")
        if "smm.wake" in (case.append or ""):
            vm.check(b"\nOK smm.woken:" in vm.serial, "not woken")
            woken = vm.serial[vm.serial.index(b"\nOK smm.woken:"):].decode("latin-1")
            for name in required_woken(case):
                vm.check(f"\nOK {name}:" in woken, f"no check {name} after the wake")


def main_ram_sections(vm):
    """The lines for RAM from 1 MiB on in the flat view of memory: KVM has a slot for each."""
    text = vm.qmp("human-monitor-command", **{"command-line": "info mtree -f"})
    view = next(part for part in text.split("FlatView #") if re.search(r'AS "memory"', part))
    return re.findall(r"^ +(0000000000100000-[0-9a-f]+ .*ram.*)$", view, re.M)


@pytest.mark.parametrize("memory", ["128", "2048"])
@pytest.mark.parametrize("machine", ["pc", "q35"])
def test_main_ram_section(machine, memory, start):
    """SMM does not cut anything off main RAM: KVM would drop and map all of it again."""
    case = guest(machine, memory=memory, args="-S -smp 2", append="reboot=1 reboot.host")
    with start(case, reboots=True) as vm:
        before = main_ram_sections(vm)
        vm.qmp("cont")
        vm.wait_for(rb"^WAIT .*\n", SECONDS)
        vm.check(before and before == main_ram_sections(vm),
                 f"main RAM was {before}, is {main_ram_sections(vm)}")


FORGED_WORDS = range(9)         # of the record for S3, after its sum
COUNT_WORD = 2                  # the boot's number of processors
FORGED_VALUES = [0, 1, 2 << 20, 0xffffffff]     # none, one, an SMBASE in RAM, the most


@pytest.mark.parametrize("value", FORGED_VALUES)
@pytest.mark.parametrize("machine, memory, options, words",
                         [(*row, FORGED_WORDS) for row in FORGED]
                         + [(*row, [COUNT_WORD]) for row in FORGED_COUNT],
                         ids=lambda v: "" if isinstance(v, (list, range)) else str(v))
def test_forged_record(machine, memory, options, words, value, start):
    """A kernel that changes what the firmware keeps for S3, and wakes itself, wins nothing in SMM.

    Either the firmware goes through with the wake, and the kernel then looks for itself (attack.c);
    or it boots anew, and the kernel runs all its checks again.
    """
    for n in words:
        case = guest(machine, "bz32.img", memory, options,
                     f"cpu.nmi cpu.smm smm.forge={n} smm.value={value}")
        with start(case, reboots=True) as vm:
            status = vm.wait_exit(SECONDS + 10)
            vm.check(b"\nOK smm.record:" in vm.serial, "no record was found")
            vm.check(b"\nOK smm.forged:" in vm.serial or b"linux32 boot 2" in vm.serial or
                     b"\nqboot: " in vm.serial or vm.serial.startswith(b"qboot: "),
                     "neither woken nor booted anew nor refused")
            vm.check(b"\nFAIL " not in vm.serial, "the attack went well")
            vm.check(status in (STATUS_PASS, STATUS_PANIC), f"QEMU's exit status is {status}")


@pytest.mark.parametrize("machine", ["q35", "pc-q35-5.0"])
def test_plugged_processor_in_smm(machine, start):
    """A processor that is plugged in later runs our handler, not what a kernel has at 0x38000."""
    with start(guest(machine, args="-smp 1,maxcpus=3", append="cpu.smm smm.plug")) as vm:
        vm.wait_for(rb"^WAIT .*\n", SECONDS)
        vm.plug_processor()
        vm.check(vm.wait_exit(SECONDS + 10) == STATUS_PASS, "the boot failed")
        vm.check(b"\nOK smm.plugged-trapped:" in vm.serial, "the processor was not looked at")


@pytest.mark.parametrize("machine", ["pc", "q35", "microvm"])
def test_feature_control(machine, firmware, start, tmp_path):
    """Every processor writes what QEMU wants in IA32_FEATURE_CONTROL, once.

    TCG and a software KVM do not have that register, so it is read off the log of what is executed:
    a WRMSR ends a translated block, and the next one begins with the registers that it had.
    """
    wanted, cpus = 0x100005, 4
    log, value = tmp_path / "log", tmp_path / "value"
    value.write_bytes(wanted.to_bytes(8, "little"))
    # In one thread, or the lines of two processors mingle.
    case = guest(machine, memory="32", args=f"-smp {cpus}", accel="tcg,thread=single")
    more = ["-fw_cfg", f"name=etc/msr_feature_control,file={value}", "-d", "cpu,exec,nochain",
            "-dfilter", "0xffff0000..0xffffffff", "-D", log]
    with start(case, more) as vm:
        vm.check(vm.wait_exit(SECONDS + 10) == STATUS_PASS, "the boot failed")
    image = firmware.read_bytes()
    blocks = re.findall(r"^Trace (\d+): .*?/0*(ffff[0-9a-f]{4})/.*\nEAX=0*([0-9a-f]+) .*"
                        r"ECX=0*([0-9a-f]+) EDX=0*([0-9a-f]+)",
                        log.read_text(errors="replace"), re.M)
    written = [(int(cpu), int(eax, 16) | int(edx, 16) << 32)
               for cpu, pc, eax, ecx, edx in blocks
               if image[int(pc[4:], 16) - 2:int(pc[4:], 16)] == WRMSR and int(ecx, 16) == 0x3a]
    assert sorted(written) == [(cpu, wanted) for cpu in range(cpus)]


# microvm has no file etc/msr_feature_control.
@pytest.mark.parametrize("machine, value", [("pc", 5), ("q35", 5), ("microvm", 0)])
def test_feature_control_read(machine, value, start):
    """Every processor reads what QEMU wanted: no SMX, VMX outside of it, locked."""
    nested = Path("/sys/module/kvm_intel/parameters/nested")
    if not nested.exists() or nested.read_text("ascii").strip() not in "1Y" or \
            not os.access("/dev/kvm", os.R_OK | os.W_OK):
        pytest.skip("no KVM here that gives VMX to guests, which IA32_FEATURE_CONTROL comes with")
    case = guest(machine, memory="32", args="-cpu host,lmce=off,sgx=off -smp 8",
                 append=f"cpu.init cpu.feature={value}", accel="kvm")
    with start(case) as vm:
        vm.check(vm.wait_exit(SECONDS + 10) == STATUS_PASS, "the boot failed")
        vm.check(b"\nOK cpu.feature_control:" in vm.serial, "no check of the register")
        vm.check(b"\nOK cpu.different:" in vm.serial, "the others were not looked at")


NO_BIOS = (r'qboot: bios: the kernel calls interrupt 0x0015 with AX 0xec00; this firmware has no '
           r'BIOS services, the answer is "not supported"')


@pytest.mark.parametrize("machine", ["pc", "q35", "microvm", "isapc"])
def test_bios_calls(machine, start):
    """A Multiboot kernel at 0x8000 calls the BIOS: it is told that there is none, and so are we."""
    with start(guest(machine, "real.elf", "32", append=None), seconds=30) as vm:
        status = vm.wait_exit(40)
        vm.check(status == STATUS_PASS, f"QEMU's exit status is {status}: the code, see real.S, "
                                        f"is {status >> 1:#x}")
        debug = vm.debug_output().decode("latin-1").splitlines()
        vm.check(debug == [NO_BIOS], f"not the one line {NO_BIOS!r}")
        vm.check(not vm.serial, "the firmware wrote to the serial port")


@pytest.mark.parametrize("machine", ["pc", "q35", "microvm", "isapc"])
def test_fault_in_kernel(machine, start):
    """An exception in the kernel's first instruction is called the kernel's."""
    with start(guest(machine, "fault.elf", "32", append=None), seconds=30) as vm:
        status = vm.wait_exit(40)
        serial = vm.serial.decode("latin-1").splitlines()
        line = ("qboot: boot: exception 6 (error code 0x0) in the kernel at 0x0010000c, before it "
                "had handlers of its own; check that it is meant for this machine and -cpu")
        vm.check(serial == [line], "no such line")
        vm.check(status == STATUS_PANIC, f"QEMU's exit status is {status}")


def kernel_file(kernel, directory):
    """The file that a diagnostic's kernel stands for."""
    if kernel == "random":
        data = bytearray(random.Random(8192).randbytes(8192))
        data[0x1F1] = 3                         # QEMU takes it for the number of setup sectors
    elif kernel == "text":
        data = b"This is no kernel.\n" * 4000  # more than the sectors that a letter stands for
    elif kernel == "gzip":
        data = gzip.compress(random.Random(1).randbytes(200000), mtime=0)
    elif kernel == "disk":
        data = bytearray(200000)
        data[0:2], data[0x1FE:0x200] = b"\xeb\x58", b"\x55\xaa"
    elif kernel == "arm64":
        data = bytearray(200000)
        data[0:4], data[0x38:0x3C] = b"\x00\x00\x40\x14", b"ARM\x64"
    else:
        return own_guest.kernel(kernel)
    (directory / kernel).write_bytes(data)
    return directory / kernel


def start_refused(bench, file_of, case, directory):
    """A Vm with a kernel that must be refused, unless there is enough memory for it."""
    form = case.kernel if case.args else form_for(case.kernel, case.machine)
    return bench.start(case, form and kernel_file(form, directory),
                       case.initrd and file_of(case.initrd), more=own_guest.EXIT, seconds=30)


@pytest.mark.parametrize("case", rows(REFUSED, lambda case: f"{case.machine}-{case.name}"))
def test_diagnostic(case, bench, file_of, tmp_path):
    """The firmware says in one line why it cannot boot, and ends QEMU."""
    with start_refused(bench, file_of, case, tmp_path) as vm:
        status = vm.wait_exit(40)
        debug = vm.debug_output().decode("latin-1").splitlines()
        serial = vm.serial.decode("latin-1").splitlines()
        vm.check(len(debug) == 1 and re.fullmatch("qboot: boot: " + case.message, debug[0]),
                 f"no message like {case.message!r}")
        vm.check(serial == debug, "the serial port has another message")
        vm.check(status == STATUS_PANIC, f"QEMU's exit status is {status}")


@pytest.mark.parametrize("memory", ["192k", "640k", "952k", "960k", "1016k"])
@pytest.mark.parametrize("machine", ["pc", "q35", "microvm"])
def test_less_than_a_mib(machine, memory, bench):
    """Said, whether or not there is RAM for what the firmware itself needs."""
    case = Case("", machine, memory=memory)
    with bench.start(case, more=["-device", "isa-debug-exit,iobase=0xf4,iosize=4"],
                     seconds=30) as vm:
        status = vm.wait_exit(20)
        vm.check(re.fullmatch(rb"qboot: memory: .* 1 MiB needed; give the guest more memory "
                              rb"\(-m\)\r\n", vm.serial), "no message")
        vm.check(status == STATUS_PANIC, f"QEMU's exit status is {status}")


@pytest.mark.parametrize("devices, status, event", [
    ("pvpanic isa-debug-exit,iobase=0xf4,iosize=4", STATUS_PANIC, False),
    ("pvpanic-pci isa-debug-exit,iobase=0xf4,iosize=4", STATUS_PANIC, False),
    ("pvpanic", 0, True), ("pvpanic-pci", 0, True)])
@pytest.mark.parametrize("machine", ["pc", "q35"])
def test_end(machine, devices, status, event, bench, tmp_path):
    """isa-debug-exit decides QEMU's status; without it a pvpanic raises its event."""
    trace = tmp_path / "trace"
    case = Case("", machine, "".join(f"-device {device} " for device in devices.split()))
    with bench.start(case, more=["-d", "guest_errors", "-D", trace], seconds=30) as vm:
        vm.check(vm.wait_exit(40) == status, "another exit status")
        vm.check(b"boot: no kernel" in vm.serial, "not a word")
    assert ("Guest crashed" in (trace.read_text() if trace.exists() else "")) == event


@pytest.mark.parametrize("case", rows(case for case in REFUSED
                                      if "(-m" in case.message and case.machine == "q35"))
def test_memory_asked_for(case, bench, file_of, tmp_path):
    """With the -m that the refusal names, the kernel starts."""
    for attempt in "refused", "started":
        with start_refused(bench, file_of, case, tmp_path) as vm:
            vm.wait_exit(40)
            named = re.search(r"and needs (\d+); give it more memory", vm.serial.decode("latin-1"))
            vm.check(bool(named) == (attempt == "refused"), "refused twice, or not at all")
            vm.check(named or vm.serial.startswith(b"GUEST "), "no kernel")
            case = case.but(memory=named[1] if named else case.memory)


@pytest.mark.parametrize("machine", ["pc", "q35", "microvm"])
def test_steps(machine, firmware, start):
    """opt/org.qboot/log=steps tells each step and how long it took, the first with the version."""
    version = (Path(__file__).resolve().parents[2] / "VERSION").read_text("ascii").strip()
    option = ["-fw_cfg", "name=opt/org.qboot/log,string=steps,,serial"]
    with start(guest(machine, memory="32"), option) as vm:
        vm.check(vm.wait_exit(SECONDS + 10) == STATUS_PASS, "the boot failed")
        lines = vm.debug_output().decode("ascii").splitlines()
        serial = vm.serial.decode("latin-1").splitlines()
    assert [line for line in serial if line.startswith("qboot: ")] == lines
    told = [re.fullmatch(r"qboot: (.*) \(([1-9]\d*) (ticks|us)\)", line) for line in lines]
    steps = [line[1] for line in told]
    # TCG's CPUID tells no rate: the PM timer does, from PCI on, and microvm has none.
    assert [line[3] for line in told[4:]] == ["ticks" if machine == "microvm" else "us"] * 3
    assert steps[0] == f"qboot.bin {version}"
    modules = [text.split(":")[0] for text in steps[1:]]
    assert modules == ["chipset", "memmap", "boot", "pci", "acpi", "smp"]
    assert f"qboot.bin {version}\0".encode() in firmware.read_bytes()

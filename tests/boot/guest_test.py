"""Boots the test kernel of guest/ in every row of guest_cases.py and believes what it says.

    python3 -m pytest -c tests/pytest.ini tests/boot/guest_test.py [-n 2] [-k 'q35 and bz64']

The options are those of tests/conftest.py; CC=clang builds the kernel with another compiler.
"""

import gzip
import os
import random
import re
import shlex
from pathlib import Path

import pytest

from guest_cases import (CASES, DIAGNOSTICS, FORGED, FORGED_COUNT, HUNDRED, form_for, REQUIRED,
                         REQUIRED_BY_FORM, REQUIRED_BY_WORD)
import own_guest
from own_guest import STATUS_PANIC, STATUS_PASS
from vm import Vm

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


def arguments(firmware, machine, memory, accel="tcg"):
    """What all runs have in common."""
    size = memory_size(memory)
    large = []
    if size >= RESERVED_FROM:
        machine += ",memory-backend=ram"
        large = ["-object", f"memory-backend-ram,id=ram,size={size},reserve=off"]
    return [*large, "-M", machine, "-accel", accel, "-m", memory, "-bios", str(firmware),
            "-nodefaults", "-no-user-config", "-display", "none", "-serial", "chardev:serial",
            *own_guest.EXIT]


def name_of(case):
    """A row's name: what differs from the default."""
    words = case.cmdline or ""
    parts = [case.machine, case.form, case.memory]
    parts += [case.accel] if case.accel != "tcg" else []
    parts += [case.processor] if case.processor != "x86_64" else []
    parts += [f"initrd {case.initrd}"] if case.initrd is not None else []
    parts += [f"{len(words)} characters" if len(words) > 48 else words] if words else []
    parts += ["no cmdline"] if case.cmdline is None else []
    parts += [" ".join(case.options.split())[:70]] if case.options else []
    return " ".join(parts)


def required(case):
    """The names of checks that the kernel must have made."""
    form = case.form.split(".")[0]
    names = REQUIRED.get(case.machine, []) + REQUIRED_BY_FORM.get(form, [])
    if form not in REQUIRED_BY_FORM:
        names += REQUIRED_BY_FORM[re.match("pvh|mb|bz", form).group()]
    if case.initrd and not form.startswith("mb"):
        names.append("initrd.equal-up-to")
    for word in (case.cmdline or "").split():
        names = names + REQUIRED_BY_WORD.get(word.split("=")[0], [])
    if "cpu.smm" in (case.cmdline or "") and "q35" in case.machine:
        names += ["smm.lock-holds"]
        if re.match("q35|pc-q35-5", case.machine) and "pvh-low" not in case.form:
            names += ["smm.default-visible"]
        elif memory_size(case.memory) >= TSEG_FROM:
            names += ["smm.tseg-visible"]
    if "486" in case.options or case.machine == "isapc":    # no local APIC
        names = [name for name in names if not name.startswith(("mp.", "irq.lint0", "cpu.different",
                                                                "smm.boot", "smm.unserved"))]
    return names


def required_woken(case):
    """The names of checks that the kernel must have made after a wake."""
    return [name for name in required(case)
            if name.startswith("smm.") or name in REQUIRED_BY_WORD["cpu.nmi"]]


ROWS = CASES + [pytest.param(case, marks=pytest.mark.soak) for case in HUNDRED]


@pytest.mark.parametrize("case", ROWS, ids=name_of)
def test_boot(case, firmware, qemu, silent, file_of, tmp_path):
    """The kernel finds everything in order, in each boot, and the firmware has said nothing."""
    if case.accel == "kvm" and not os.access("/dev/kvm", os.R_OK | os.W_OK):
        pytest.skip("/dev/kvm is not usable")
    args = arguments(firmware, case.machine, case.memory, case.accel)
    args += ["-kernel", str(own_guest.kernel(case.form))]
    (tmp_path / "text").write_bytes(b"0123456789abcde\n" * 12800)
    args += shlex.split(case.options.format(dtb=file_of(3001), text=tmp_path / "text"))
    if case.cmdline is not None:
        args += ["-append", f"expect.ram={memory_size(case.memory)} {case.cmdline}".strip()]
    if case.initrd is not None:
        args += ["-initrd", file_of(case.initrd)]
    if case.boots == 1:
        args += ["-no-reboot"]
    by_host = "reboot.host" in (case.cmdline or "")
    seconds = SECONDS + 3 * case.boots
    with Vm(qemu(case.processor), args, tmp_path, seconds, qmp=by_host, debugcon=True) as vm:
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
        if "smm.wake" in (case.cmdline or ""):
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
def test_main_ram_section(machine, memory, firmware, qemu, tmp_path):
    """SMM does not cut anything off main RAM: KVM would drop and map all of it again."""
    args = arguments(firmware, machine, memory) + ["-S", "-smp", "2"]
    args += ["-kernel", str(own_guest.kernel("pvh.elf"))]
    args += ["-append", f"expect.ram={memory_size(memory)} reboot=1 reboot.host"]
    with Vm(qemu(), args, tmp_path, SECONDS, qmp=True, debugcon=True) as vm:
        before = main_ram_sections(vm)
        vm.qmp("cont")
        vm.wait_for(rb"^WAIT .*\n", SECONDS)
        vm.check(before and before == main_ram_sections(vm),
                 f"main RAM was {before}, is {main_ram_sections(vm)}")


FORGED_WORDS = range(8)         # of the record for S3, after its sum
COUNT_WORD = 2                  # the boot's number of processors
FORGED_VALUES = [0, 1, 2 << 20, 0xffffffff]     # none, one, an SMBASE in RAM, the most


@pytest.mark.parametrize("value", FORGED_VALUES)
@pytest.mark.parametrize("machine, memory, options, words",
                         [(*row, FORGED_WORDS) for row in FORGED]
                         + [(*row, [COUNT_WORD]) for row in FORGED_COUNT],
                         ids=lambda v: "" if isinstance(v, (list, range)) else str(v))
def test_forged_record(machine, memory, options, words, value, firmware, qemu, tmp_path):
    """A kernel that changes what the firmware keeps for S3, and wakes itself, wins nothing in SMM.

    Either the firmware goes through with the wake, and the kernel then looks for itself (attack.c);
    or it boots anew, and the kernel runs all its checks again.
    """
    for n in words:
        directory = tmp_path / str(n)
        directory.mkdir()
        args = arguments(firmware, machine, memory) + ["-kernel", str(own_guest.kernel("bz32.img"))]
        args += [*options.split(), "-append", f"expect.ram={memory_size(memory)} cpu.nmi cpu.smm "
                 f"smm.forge={n} smm.value={value}"]
        with Vm(qemu(), args, directory, SECONDS, debugcon=True) as vm:
            status = vm.wait_exit(SECONDS + 10)
            vm.check(b"\nOK smm.record:" in vm.serial, "no record was found")
            vm.check(b"\nOK smm.forged:" in vm.serial or b"linux32 boot 2" in vm.serial or
                     b"\nqboot: " in vm.serial or vm.serial.startswith(b"qboot: "),
                     "neither woken nor booted anew nor refused")
            vm.check(b"\nFAIL " not in vm.serial, "the attack went well")
            vm.check(status in (STATUS_PASS, STATUS_PANIC), f"QEMU's exit status is {status}")


@pytest.mark.parametrize("machine", ["q35", "pc-q35-5.0"])
def test_plugged_processor_in_smm(machine, firmware, qemu, tmp_path):
    """A processor that is plugged in later runs our handler, not what a kernel has at 0x38000."""
    args = arguments(firmware, machine, "128") + ["-no-reboot", "-smp", "1,maxcpus=3"]
    args += ["-kernel", str(own_guest.kernel("pvh.elf"))]
    args += ["-append", f"expect.ram={128 << 20} cpu.smm smm.plug"]
    with Vm(qemu(), args, tmp_path, SECONDS, qmp=True, debugcon=True) as vm:
        vm.wait_for(rb"^WAIT .*\n", SECONDS)
        free = [slot for slot in vm.qmp("query-hotpluggable-cpus") if "qom-path" not in slot]
        vm.qmp("device_add", driver=free[0]["type"], id="plugged", **free[0]["props"])
        vm.check(vm.wait_exit(SECONDS + 10) == STATUS_PASS, "the boot failed")
        vm.check(b"\nOK smm.plugged-trapped:" in vm.serial, "the processor was not looked at")


@pytest.mark.parametrize("machine", ["pc", "q35", "microvm"])
def test_feature_control(machine, firmware, qemu, tmp_path):
    """Every processor writes what QEMU wants in IA32_FEATURE_CONTROL, once.

    TCG and a software KVM do not have that register, so it is read off the log of what is executed:
    a WRMSR ends a translated block, and the next one begins with the registers that it had.
    """
    wanted, cpus = 0x100005, 4
    log, value = tmp_path / "log", tmp_path / "value"
    value.write_bytes(wanted.to_bytes(8, "little"))
    # In one thread, or the lines of two processors mingle.
    args = arguments(firmware, machine, "32", "tcg,thread=single")
    args += ["-no-reboot", "-smp", str(cpus)]
    args += ["-kernel", str(own_guest.kernel("pvh.elf")), "-append", f"expect.ram={32 << 20}"]
    args += ["-fw_cfg", f"name=etc/msr_feature_control,file={value}", "-d", "cpu,exec,nochain"]
    args += ["-dfilter", "0xffff0000..0xffffffff", "-D", str(log)]
    with Vm(qemu(), args, tmp_path, SECONDS) as vm:
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
def test_feature_control_read(machine, value, firmware, qemu, tmp_path):
    """Every processor reads what QEMU wanted: no SMX, VMX outside of it, locked."""
    nested = Path("/sys/module/kvm_intel/parameters/nested")
    if not nested.exists() or nested.read_text("ascii").strip() not in "1Y" or \
            not os.access("/dev/kvm", os.R_OK | os.W_OK):
        pytest.skip("no KVM here that gives VMX to guests, which IA32_FEATURE_CONTROL comes with")
    args = arguments(firmware, machine, "32", "kvm") + ["-no-reboot"]
    args += ["-cpu", "host,lmce=off,sgx=off", "-smp", "8"]
    args += ["-kernel", str(own_guest.kernel("pvh.elf"))]
    args += ["-append", f"expect.ram={32 << 20} cpu.init cpu.feature={value}"]
    with Vm(qemu(), args, tmp_path, SECONDS) as vm:
        vm.check(vm.wait_exit(SECONDS + 10) == STATUS_PASS, "the boot failed")
        vm.check(b"\nOK cpu.feature_control:" in vm.serial, "no check of the register")
        vm.check(b"\nOK cpu.different:" in vm.serial, "the others were not looked at")


NO_BIOS = (r'qboot: bios: the kernel calls interrupt 0x0015 with AX 0xec00; this firmware has no '
           r'BIOS services, the answer is "not supported"')


@pytest.mark.parametrize("machine", ["pc", "q35", "microvm", "isapc"])
def test_bios_calls(machine, firmware, qemu, tmp_path):
    """A Multiboot kernel at 0x8000 calls the BIOS: it is told that there is none, and so are we."""
    args = arguments(firmware, machine, "32") + ["-no-reboot"]
    args += ["-kernel", str(own_guest.kernel("real.elf"))]
    with Vm(qemu(), args, tmp_path, 30, debugcon=True) as vm:
        status = vm.wait_exit(40)
        vm.check(status == STATUS_PASS, f"QEMU's exit status is {status}: the code, see real.S, "
                                        f"is {status >> 1:#x}")
        debug = vm.debug_output().decode("latin-1").splitlines()
        vm.check(debug == [NO_BIOS], f"not the one line {NO_BIOS!r}")
        vm.check(not vm.serial, "the firmware wrote to the serial port")


@pytest.mark.parametrize("machine", ["pc", "q35", "microvm", "isapc"])
def test_fault_in_kernel(machine, firmware, qemu, tmp_path):
    """An exception in the kernel's first instruction is called the kernel's."""
    args = arguments(firmware, machine, "32") + ["-no-reboot"]
    args += ["-kernel", str(own_guest.kernel("fault.elf"))]
    with Vm(qemu(), args, tmp_path, 30, debugcon=True) as vm:
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


@pytest.mark.parametrize("machine, case", [(m, d) for d in DIAGNOSTICS for m in d.machines],
                         ids=lambda v: getattr(v, "name", v))
def test_diagnostic(machine, case, firmware, qemu, file_of, tmp_path):
    """The firmware says in one line why it cannot boot, and ends QEMU."""
    args = arguments(firmware, machine, case.memory) + ["-no-reboot", *case.options.split()]
    kernel = case.kernel
    if kernel:
        kernel = kernel if case.options else form_for(kernel, machine)
        args += ["-kernel", str(kernel_file(kernel, tmp_path))]
    if case.initrd:
        args += ["-initrd", file_of(case.initrd)]
    with Vm(qemu(), args, tmp_path, 30, debugcon=True) as vm:
        status = vm.wait_exit(40)
        debug = vm.debug_output().decode("latin-1").splitlines()
        serial = vm.serial.decode("latin-1").splitlines()
        vm.check(len(debug) == 1 and re.fullmatch("qboot: boot: " + case.message, debug[0]),
                 f"no message like {case.message!r}")
        vm.check(serial == debug, "the serial port has another message")
        vm.check(status == STATUS_PANIC, f"QEMU's exit status is {status}")


@pytest.mark.parametrize("devices, status, event", [
    ("pvpanic isa-debug-exit,iobase=0xf4,iosize=4", STATUS_PANIC, False),
    ("pvpanic-pci isa-debug-exit,iobase=0xf4,iosize=4", STATUS_PANIC, False),
    ("pvpanic", 0, True), ("pvpanic-pci", 0, True)])
@pytest.mark.parametrize("machine", ["pc", "q35"])
def test_end(machine, devices, status, event, firmware, qemu, tmp_path):
    """isa-debug-exit decides QEMU's status; without it a pvpanic raises its event."""
    trace = tmp_path / "trace"
    args = ["-M", machine, "-accel", "tcg", "-bios", str(firmware), "-nodefaults",
            "-no-user-config", "-display", "none", "-serial", "chardev:serial",
            "-d", "guest_errors", "-D", str(trace)]
    for device in devices.split():
        args += ["-device", device]
    with Vm(qemu(), args, tmp_path, 30) as vm:
        vm.check(vm.wait_exit(40) == status, "another exit status")
        vm.check(b"boot: no kernel" in vm.serial, "not a word")
    assert ("Guest crashed" in (trace.read_text() if trace.exists() else "")) == event


@pytest.mark.parametrize("case", [case for case in DIAGNOSTICS if "-m " in case.message],
                         ids=lambda case: case.name)
def test_memory_asked_for(case, firmware, qemu, file_of, tmp_path):
    """With the -m that the refusal names, the kernel starts."""
    memory = case.memory
    for attempt in "refused", "started":
        (tmp_path / attempt).mkdir()
        args = arguments(firmware, "q35", memory) + ["-no-reboot"]
        args += ["-kernel", str(kernel_file(case.kernel, tmp_path))]
        if case.initrd:
            args += ["-initrd", file_of(case.initrd)]
        with Vm(qemu(), args, tmp_path / attempt, 30, debugcon=True) as vm:
            vm.wait_exit(40)
            named = re.search(r"\(-m (\d+)\)", vm.serial.decode("latin-1"))
            vm.check(bool(named) == (attempt == "refused"), "refused twice, or not at all")
            vm.check(named or vm.serial.startswith(b"GUEST "), "no kernel")
            memory = named[1] if named else memory


@pytest.mark.parametrize("machine", ["pc", "q35", "microvm"])
def test_steps(machine, firmware, qemu, tmp_path):
    """opt/org.qboot/log=steps tells each step and how long it took, the first with the version."""
    version = (Path(__file__).resolve().parents[2] / "VERSION").read_text("ascii").strip()
    args = arguments(firmware, machine, "32") + ["-no-reboot", "-append", f"expect.ram={32 << 20}"]
    args += ["-kernel", str(own_guest.kernel("pvh.elf"))]
    args += ["-fw_cfg", "name=opt/org.qboot/log,string=steps,,serial"]
    with Vm(qemu(), args, tmp_path, SECONDS, debugcon=True) as vm:
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

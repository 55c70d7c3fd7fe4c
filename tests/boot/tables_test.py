"""Compares the tables a guest finds with those it finds under SeaBIOS, byte for byte.

Contract: a small guest (tables-init.sh on a kernel of kernels.py) prints what Linux read; the same
machine is started once with the firmware under test and once with QEMU's own.  Addresses, checksums
and what the placement of BARs decides may differ, nothing else.  What a host lacks is a SKIP.
"""

import base64
import collections
import hashlib
import os
import re
import shlex
import shutil
import stat
import struct
import subprocess
import time
import uuid

import pytest

import initramfs
import kernels
from vm import Vm

GUEST_SECONDS = 150
Case = collections.namedtuple("Case", "name machine extra append memory", defaults=("", "", "512"))
Result = collections.namedtuple("Result", "files dmesg facts serial")

NUMA = "-smp 8 " + " ".join(
    f"-object memory-backend-ram,id=m{i},size=64M -numa node,nodeid={i},cpus={i},memdev=m{i}"
    for i in range(8)) + "".join(
        f" -numa dist,src={i},dst={j},val={20 + i + j}" for i in range(8) for j in range(i))

CASES = (
    Case("pc", "pc"),
    Case("q35", "q35", "-smp 4"),
    Case("microvm", "microvm"),
    Case("microvm-pcie", "microvm,pcie=on,rtc=on"),
    Case("pc-devices", "pc", "-device virtio-net-pci -device virtio-balloon-pci -vga std"),
    Case("255-cpus", "q35", "-smp 255", "maxcpus=1"),
    Case("numa", "q35", NUMA),
    Case("nvdimm", "q35,nvdimm=on", "-m 512,slots=4,maxmem=2G -device nvdimm,id=n,memdev=b "
         "-object memory-backend-ram,id=b,size=128M"),
    Case("hotplug", "pc", "-m 512,slots=16,maxmem=4G"),
    Case("vmgenid", "q35", "-device vmgenid,guid=324e6eaf-d1d1-4bf6-bf41-b9bb6c91fb87"),
    Case("vmcoreinfo", "pc", "-device vmcoreinfo"),
    Case("smbios0", "q35", "-smbios type=0,vendor=Me,version=7 -smbios type=1,product=Thing"),
    Case("smbios-64", "q35,smbios-entry-point-type=64", "-smp 2,sockets=2"),
    Case("acpitable-60k", "q35", "-acpitable sig=TEST,data={acpitable}"),
    Case("tpm-tis", "q35", "-device tpm-tis,tpmdev=t {tpm}"),
    Case("tpm-crb", "q35", "-device tpm-crb,tpmdev=t {tpm}"),
)

# Larger than the place the ROM's anchor names.  Linux 6.1 copies the strings of type 11 into its
# brk area of 192 KiB and stops at a BUG() when they do not fit (arch/x86/kernel/setup.c,
# extend_brk()), with any firmware that gives it the whole table; other types it only maps.
LARGE_SMBIOS = (
    Case("oem-strings-pc", "pc,smbios-entry-point-type=64", "-smbios type=11,path={credential}"),
    Case("oem-strings-q35", "q35", "-smbios type=11,path={credential}"),
    Case("200k-pc", "pc,smbios-entry-point-type=64", "-smbios file={structure}"),
    Case("200k-q35", "q35,smbios-entry-point-type=64", "-smbios file={structure}"),
)

# Fields with addresses: (table, offset, size).
ADDRESSES = (("FACP", 36, 8), ("FACP", 132, 16), ("TPM2", 56 + 12, 8), ("TCPA", 42, 8))
CHECKSUM_OFFSET = 9


@pytest.fixture(scope="session", name="media")
def _media(tmp_path_factory):
    """Files for the placeholders of CASES."""
    directory = tmp_path_factory.mktemp("tables")
    (directory / "credential").write_bytes(b"io.systemd.credential:x=" + b"q" * (60 << 10))
    (directory / "structure").write_bytes(struct.pack("<BBHB", 200, 5, 0x1234, 1) +
                                          b"\n".join([b"s" * 1000] * 200) + b"\0\0")
    (directory / "acpitable").write_bytes(bytes(range(256)) * 240)
    return directory


@pytest.fixture(name="swtpm")
def _swtpm(tmp_path):
    """A function that starts a TPM emulator and gives the arguments for it."""
    started = []

    def start():
        program = shutil.which("swtpm")
        if not program:
            pytest.skip("no swtpm")
        socket = tmp_path / f"tpm{len(started)}"
        state = tmp_path / f"state{len(started)}"
        state.mkdir()
        started.append(subprocess.Popen(
            ["timeout", str(GUEST_SECONDS), program, "socket", "--tpm2", "--tpmstate",
             f"dir={state}", "--ctrl", f"type=unixio,path={socket}"]))
        for _ in range(100):
            if socket.exists():
                break
            time.sleep(0.05)
        return f"-chardev socket,id=c,path={socket} -tpmdev emulator,id=t,chardev=c"

    yield start
    for process in started:
        process.terminate()
        process.wait()


class Bench:
    """Starts guests."""

    def __init__(self, qemu, media, swtpm, directory):
        self.qemu = qemu
        self.media = media
        self.swtpm = swtpm
        self.directory = directory
        self.count = 0

    def start(self, case, firmware, kernel="cloud", image="vmlinux", **options):
        """A Vm for the case; FIRMWARE None: QEMU's own."""
        place = kernels.provide(kernel)
        archive = initramfs.Cpio()
        script = os.path.join(os.path.dirname(__file__), "tables-init.sh")
        with open(script, "rb") as file:
            archive.add("tables", stat.S_IFREG | 0o755, file.read())
        initrd = self.directory / "initrd"
        initrd.write_bytes(initramfs.provide(place).read_bytes() + archive.finish())
        extra = case.extra.format(credential=self.media / "credential",
                                  structure=self.media / "structure",
                                  acpitable=self.media / "acpitable",
                                  tpm=self.swtpm() if "{tpm}" in case.extra else "")
        arguments = ["-accel", "tcg", "-M", case.machine, "-m", case.memory, "-nodefaults",
                     "-no-user-config", "-display", "none", "-no-reboot",
                     "-serial", "chardev:serial", "-kernel", str(place / image),
                     "-initrd", str(initrd), "-append",
                     "console=ttyS0 quiet loglevel=1 tsc_early_khz=2000000 no_timer_check panic=-1 rdinit=/tables "
                     "reboot=t " + case.append, *shlex.split(extra)]
        if firmware:
            arguments += ["-bios", str(firmware)]
        self.count += 1
        directory = self.directory / str(self.count)
        directory.mkdir()
        return Vm(self.qemu(), arguments, directory, seconds=GUEST_SECONDS, **options)

    def run(self, case, firmware, **options):
        """What the guest said."""
        with self.start(case, firmware, **options) as vm:
            vm.wait_for(rb"^TAB done", GUEST_SECONDS)
            return parse(vm.serial)


@pytest.fixture(name="bench")
def _bench(qemu, media, swtpm, tmp_path):
    return Bench(qemu, media, swtpm, tmp_path)


def parse(serial):
    """The guest's lines as a Result."""
    files, dmesg, facts = {}, [], collections.defaultdict(list)
    for line in serial.decode("latin1").splitlines():
        word, _, rest = line.strip().partition(" ")
        key, _, value = rest.partition(" ")
        if word != "TAB":
            continue
        if key == "file":
            name, _, data = value.partition(" ")
            files[name.removeprefix("acpi/tables/")] = base64.b64decode(data)
        elif key == "dmesg":
            dmesg.append(value)
        else:
            facts[key].append(value)
    return Result(files, dmesg, facts, serial)


def masked(name, table):
    """The table without its addresses and its checksum; AML is compared after disassembly."""
    table = bytearray(table)
    for signature, offset, size in ADDRESSES:
        if name == signature:
            table[offset:offset + size] = bytes(len(table[offset:offset + size]))
    if name != "FACS":
        table[CHECKSUM_OFFSET] = 0
    return bytes(table)


def disassembled(directory, label, name, table):
    """The ASL of a table, without what depends on addresses."""
    path = directory / f"{label}-{name}.aml"
    path.write_bytes(table)
    result = subprocess.run(["timeout", "60", "iasl", "-p", str(path.with_suffix("")), "-d",
                             str(path)], capture_output=True, text=True, check=False)
    assert result.returncode == 0 and "rror" not in result.stderr.replace("Errors, 0", ""), \
        f"iasl -d {name}: {result.stdout}{result.stderr}"
    text = path.with_suffix(".dsl").read_text("latin1")
    text = text[text.index("*/"):]
    lines = []
    for line in text.splitlines():
        if re.search(r"// (Range M|Length|Translation|Granularity|Address)", line):
            continue
        lines.append(re.sub(r"(Name \((VGIA|MEMA), )0x[0-9A-F]+", r"\1X", line))
    return lines


def structures(table):
    """The SMBIOS structures: (type, handle, formatted part, strings)."""
    offset, found = 0, []
    while offset + 4 <= len(table):
        kind, length, handle = struct.unpack_from("<BBH", table, offset)
        end = table.index(b"\0\0", offset + length) + 2
        found.append((kind, handle, table[offset:offset + length], table[offset + length:end]))
        offset = end
        if kind == 127:
            break
    assert offset == len(table), f"{len(table) - offset} bytes after the end-of-table structure"
    return found


def check_entry_point(entry, table):
    """Checksums and fields of the anchor."""
    assert sum(entry) & 0xff == 0 and entry[:5] == b"_SM3_" and entry[6] == len(entry) == 24
    max_size, address = struct.unpack_from("<IQ", entry, 12)
    assert max_size >= len(table) and address < 1 << 32


def comparable(line):
    """A kernel message without its numbers."""
    line = re.sub(r"BIOS [^ ]+ \d\d/\d\d/\d{4}$", "BIOS X", line)
    line = re.sub(r"SMBIOS [23]\.\d(\.\d)? present", "SMBIOS present", line)
    return re.sub(r"(0x)?[0-9a-fA-F]{8,}|0x[0-9a-f]+|\[io .*\]", "X", line)


def noteworthy(result):
    """The messages that may not be new.  SeaBIOS has no NVS: it calls all its memory reserved."""
    return {comparable(line) for line in result.dmesg
            if not re.search(r"e820|quirk|Registering ACPI NVS region|^tpm", line)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_same_as_seabios(case, bench, firmware, tmp_path):
    """The same tables, valid, and no new message of the kernel about them."""
    ours = bench.run(case, firmware)
    theirs = bench.run(case, None)
    assert set(ours.files) == set(theirs.files)
    for name, table in sorted(ours.files.items()):
        other = theirs.files[name]
        if name == "dmi/tables/DMI":
            mine = structures(table)
            assert mine[0][0] == 0 or any(kind == 0 for kind, *_ in mine)
            if "type=0" not in case.extra:
                mine = [entry for entry in mine if entry[0] != 0]
                other = [entry for entry in structures(other) if entry[0] != 0]
            else:
                other = structures(other)
            assert mine == other
        elif name == "dmi/tables/smbios_entry_point":
            check_entry_point(table, ours.files["dmi/tables/DMI"])
        elif name.startswith("/"):
            continue
        else:
            if name != "FACS":
                assert sum(table) & 0xff == 0, f"checksum of {name}"
            assert len(table) == len(other), name
            if name[:4] in ("DSDT", "SSDT"):
                assert disassembled(tmp_path, "ours", name, table) == \
                    disassembled(tmp_path, "theirs", name, other)
            else:
                assert masked(name, table) == masked(name, other), name
                if name != "TEST":
                    disassembled(tmp_path, "ours", name, table)
    assert noteworthy(ours) - noteworthy(theirs) == set()
    if "{tpm}" in case.extra:
        # Linux starts the TPM itself; PCRs that nobody extended are zero.
        assert ours.facts["tpm"][0].startswith("2 ")


@pytest.mark.parametrize("case", LARGE_SMBIOS, ids=lambda case: case.name)
def test_large_smbios(case, bench, firmware, media):
    """All structures arrive, the large one whole; also after a reset, when PAM is still set up."""
    plain = structures(bench.run(case._replace(extra=""), firmware).files["dmi/tables/DMI"])
    ours = bench.run(case, firmware)
    table = ours.files["dmi/tables/DMI"]
    check_entry_point(ours.files["dmi/tables/smbios_entry_point"], table)
    found = structures(table)
    large = [entry for entry in found if entry[0] in (11, 200)]
    if "type=11" in case.extra:
        assert large[0][3] == (media / "credential").read_bytes() + b"\0\0"
    else:
        assert large[0][2] + large[0][3] == (media / "structure").read_bytes()
    assert [entry[0] for entry in found if entry not in large] == [entry[0] for entry in plain]
    assert not any("Firmware Bug" in line for line in ours.dmesg)


DISK = "-drive file={disk},if=none,id=d,format=raw,readonly=on "
PCI = DISK + "-device virtio-blk-pci,drive=d -device virtio-net-pci,netdev=n -netdev user,id=n "
MMIO = DISK + ("-device virtio-blk-device,drive=d -device virtio-net-device,netdev=n "
               "-netdev user,id=n ")

# No ACPI: the MP table tells the processors and interrupts.
MP_CASES = (
    (Case("pc", "pc,acpi=off", "-smp 2 " + PCI), 2),
    (Case("pc-intx", "pc,acpi=off", "-smp 8 " + PCI, "pci=nomsi"), 8),
    (Case("pc-noapic", "pc,acpi=off", "-smp 2 " + PCI, "noapic pci=nomsi"), 2),
    (Case("q35-intx", "q35,acpi=off", "-smp 2 " + PCI, "pci=nomsi"), 2),
    (Case("q35-noapic", "q35,acpi=off", "-smp 2 " + PCI, "noapic pci=nomsi"), 2),
    (Case("q35-64", "q35,acpi=off", "-smp 64,cores=64 " + PCI), 64),
    (Case("q35-topology", "q35,acpi=off", "-smp 6,sockets=2,cores=3 " + PCI), 6),
    (Case("microvm", "microvm,acpi=off", "-smp 2 " + MMIO), 2),
)


@pytest.fixture(name="disk")
def _disk(bench):
    path = bench.media / "disk"
    path.write_bytes(bytes(range(256)) * 4096)
    return path


def with_disk(case, disk):
    """The case with the disk's name in its arguments."""
    return case._replace(extra=case.extra.replace("{disk}", str(disk)))


def check_disk(result):
    """The guest read the disk and has a network."""
    digest = hashlib.sha256((bytes(range(256)) * 2)).hexdigest()
    assert result.facts["disk"] == [f"vda {digest}"] and result.facts["net"] == ["eth0"]


@pytest.mark.parametrize("case, count", MP_CASES, ids=lambda value: getattr(value, "name", ""))
def test_mp_table(case, count, bench, firmware, disk):
    """Every processor comes up, and interrupts arrive, without ACPI."""
    result = bench.run(with_disk(case, disk), firmware, kernel="generic")
    assert result.facts["cpus"] == [str(count)]
    check_disk(result)


@pytest.mark.parametrize("machine", ("pc-i440fx-1.4", "pc-i440fx-1.5", "pc-i440fx-1.6"))
def test_own_acpi(machine, bench, firmware, disk, tmp_path):
    """Our own tables, where QEMU has none: valid, and enough to boot and to power off."""
    case = with_disk(Case("", machine, "-smp 4 " + PCI, "tab.poweroff pci=nomsi"), disk)
    with bench.start(case, firmware, kernel="generic", image="vmlinuz") as vm:
        assert vm.wait_exit(GUEST_SECONDS) == 0
        result = parse(vm.serial)
    assert result.facts["cpus"] == ["4"]
    check_disk(result)
    assert {"APIC", "DSDT", "FACP", "FACS", "HPET"} <= set(result.files)
    for name in ("APIC", "DSDT", "FACP", "HPET"):
        assert sum(result.files[name]) & 0xff == 0, name
        disassembled(tmp_path, "own", name, result.files[name])
    assert not any(re.search("Firmware Bug|ACPI.*(Error|Warning)", line) for line in result.dmesg)


GUIDS = "324e6eaf-d1d1-4bf6-bf41-b9bb6c91fb87", "5b21a4f3-7a2f-4c48-9b45-b0a9b0d2c111"


def vmgenid_address(result):
    """VGIA, the address of the page with the GUID."""
    ssdt = next(table for name, table in result.files.items() if b"VGIA" in table)
    return struct.unpack_from("<I", ssdt, ssdt.index(b"VGIA") + 5)[0]


def test_vmgenid(bench, firmware):
    """The guest reads the GUID that QMP shows, and another one after a restart with another."""
    case = Case("", "q35", f"-device vmgenid,guid={GUIDS[0]}")
    address = vmgenid_address(bench.run(case, firmware)) + 0x28
    for guid in GUIDS:
        case = Case("", "q35", f"-device vmgenid,guid={guid}", f"tab.mem={address} tab.again")
        with bench.start(case, firmware, qmp=True) as vm:
            vm.wait_for(rb"^TAB again", GUEST_SECONDS)
            assert vm.qmp("query-vm-generation-id") == {"guid": guid}
            data = base64.b64decode(parse(vm.serial).facts["mem"][0].split()[1])
            assert uuid.UUID(bytes_le=data[:16]) == uuid.UUID(guid)


@pytest.mark.parametrize("machine", ("pc", "q35"))
def test_fpdt(machine, bench, firmware):
    """The boot record's times are in order, and not after the kernel's first words."""
    extra = "-fw_cfg name=opt/org.qboot/fpdt,string=1"
    result = bench.run(Case("", machine, extra), firmware)
    address, = struct.unpack_from("<Q", result.files["FPDT"], 44)
    with bench.start(Case("", machine, extra, f"tab.mem={address}"), firmware) as vm:
        vm.wait_for(rb"^TAB done", GUEST_SECONDS)
        seconds = vm.first_output
        data = base64.b64decode(parse(vm.serial).facts["mem"][0].split()[1])
    assert data[:4] == b"FBPT"
    times = struct.unpack_from("<5Q", data, 16)
    assert 0 < times[0] < times[1] < times[2] == times[3] == times[4] < seconds * 1e9
    assert times[2] - times[0] < 1e9

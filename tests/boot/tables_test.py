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
import stat
import struct
import subprocess
import time
import uuid

import pytest

import host_tools
import initramfs
import kernels
import qemu_trace
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
# brk area and stops at a BUG() when they do not fit (arch/x86/kernel/setup.c, extend_brk()), with
# any firmware that gives it the whole table: 130,880 bytes are well, 131,160 are not.  Other types
# it only maps.  SeaBIOS 1.16 cuts the table to its length modulo 64 KiB ("Corrupted DMI table").
# guest_cases.py has 200 KiB of type 11.
LARGE_SMBIOS = (
    Case("oem-strings-pc", "pc,smbios-entry-point-type=64", "-smbios type=11,path={credential}"),
    Case("oem-strings-q35", "q35", "-smbios type=11,path={credential}"),
    Case("oem-strings-127k", "q35,smbios-entry-point-type=64",
         "-smbios type=11,path={credential127k}"),
    Case("200k-pc", "pc,smbios-entry-point-type=64", "-smbios file={structure}"),
    Case("200k-q35", "q35,smbios-entry-point-type=64", "-smbios file={structure}"),
)

# Fields with addresses, and MCFG's last bus, which is the last one there is: (table, offset, size).
ADDRESSES = (("MCFG", 55, 1), ("FACP", 36, 8), ("FACP", 132, 16), ("TPM2", 56 + 12, 8),
             ("TCPA", 42, 8))
CHECKSUM_OFFSET = 9


@pytest.fixture(scope="session", name="media")
def _media(tmp_path_factory):
    """The files that CASES name in braces."""
    directory = tmp_path_factory.mktemp("tables")
    (directory / "credential").write_bytes(b"io.systemd.credential:x=" + b"q" * (60 << 10))
    (directory / "credential127k").write_bytes(b"io.systemd.credential:x=" + b"q" * (127 << 10))
    (directory / "structure").write_bytes(struct.pack("<BBHB", 200, 5, 0x1234, 1) +
                                          b"\n".join([b"s" * 1000] * 200) + b"\0\0")
    (directory / "acpitable").write_bytes(bytes(range(256)) * 240)
    return directory


class Bench:
    """Starts guests."""

    def __init__(self, qemu, media, swtpm, directory):
        self.qemu = qemu
        self.media = media
        self.swtpm = swtpm
        self.directory = directory
        self.count = 0

    def machines(self):
        """What QEMU says of its machine types."""
        return subprocess.run([self.qemu(), "-M", "help"], capture_output=True, text=True,
                              check=True).stdout

    def start(self, case, firmware, kernel="cloud", image="vmlinux", initrd_padding=0, **options):
        """A Vm for the case; FIRMWARE None: QEMU's own."""
        place = kernels.provide(kernel)
        archive = initramfs.Cpio()
        script = os.path.join(os.path.dirname(__file__), "tables-init.sh")
        with open(script, "rb") as file:
            archive.add("tables", stat.S_IFREG | 0o755, file.read())
        if "{tpm}" in case.extra:
            host_tools.add_tpm_tools(archive)
        if "tab.rtc" in case.append:
            host_tools.add(archive, "hwclock", "host/hwclock")
            host_tools.add(archive, "rtcwake", "host/rtcwake")
        archive.add("fw_cfg.ko", stat.S_IFREG | 0o644,
                    initramfs.Modules(place / "modules").read("qemu_fw_cfg"))
        initrd = self.directory / "initrd"
        with open(initrd, "wb") as file:
            file.write(initramfs.provide(place).read_bytes() + archive.finish())
            file.truncate(file.tell() + initrd_padding)
        extra = case.extra.format(credential=self.media / "credential",
                                  credential127k=self.media / "credential127k",
                                  structure=self.media / "structure",
                                  acpitable=self.media / "acpitable",
                                  tpm=shlex.join(self.swtpm().arguments) if "{tpm}" in case.extra
                                  else "")
        arguments = ["-accel", "tcg", "-M", case.machine, "-m", case.memory, "-nodefaults",
                     "-no-user-config", "-display", "none", "-no-reboot",
                     "-serial", "chardev:serial", "-kernel", str(place / image),
                     "-initrd", str(initrd), "-append",
                     "console=ttyS0 quiet loglevel=1 tsc_early_khz=2000000 no_timer_check panic=-1 "
                     "rdinit=/tables reboot=t " + case.append, *shlex.split(extra)]
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


def as_smbios30(found):
    """The structures with each type 4 as SMBIOS 3.0 has it: the firmware's anchor says 3.0."""
    return [(kind, handle, fixed[:1] + b"\x30" + fixed[2:] +
             struct.pack("<3H", *fixed[0x23:0x26]), strings)
            if kind == 4 and len(fixed) == 0x2a else (kind, handle, fixed, strings)
            for kind, handle, fixed, strings in found]


def check_entry_point(entry, table):
    """Checksums and fields of the anchor; its version is what the structures are."""
    assert entry[7:9] == b"\3\0"
    assert {len(fixed) for kind, _, fixed, _ in structures(table) if kind == 4} <= {0x30}
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
    # Beside a TPM's log SeaBIOS has so many tables that an initrd for a vmlinux is loaded over
    # them, and so it is on microvm with PCIe from QEMU 10 on, where QEMU leaves no room at RAM's
    # end; for a bzImage QEMU's option ROM looks for a free place.
    image = "vmlinuz" if "{tpm}" in case.extra or "pcie=on" in case.machine else "vmlinux"
    ours = bench.run(case, firmware, image=image)
    theirs = bench.run(case, None, image=image)
    if case.machine.startswith("microvm"):
        # QEMU has no SMBIOS for it; newer SeaBIOSes make up some, of "Bochs", and we have none.
        assert not [name for name in ours.files if name.startswith("dmi/")]
        theirs = theirs._replace(files={name: table for name, table in theirs.files.items()
                                        if not name.startswith("dmi/")})
    assert set(ours.files) == set(theirs.files)
    for name, table in sorted(ours.files.items()):
        other = theirs.files[name]
        if name == "dmi/tables/DMI":
            mine = structures(table)
            assert mine[0][0] == 0 or any(kind == 0 for kind, *_ in mine)
            if "type=0" not in case.extra:
                mine = [entry for entry in mine if entry[0] != 0]
                other = [entry for entry in as_smbios30(structures(other)) if entry[0] != 0]
            else:
                other = as_smbios30(structures(other))
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
    assert ours.facts["cpus"] == theirs.facts["cpus"]
    new = noteworthy(ours) - noteworthy(theirs)
    assert new <= ({"DMI not present or invalid."} if case.machine.startswith("microvm") else set())
    if "{tpm}" in case.extra:
        # Linux starts the TPM itself; PCRs that nobody extended are zero.  The guest extends 16.
        extended = hashlib.sha256(bytes(32) + bytes([0xab]) * 32).hexdigest().upper()
        assert ours.facts["tpm"] == ["2 " + "0" * 64]
        assert ours.facts["pcrread"] == ["sha256:", "0 : 0x" + "0" * 64, "16: 0x" + extended]


# The first build has no MCFG, because the firmware has not placed it yet: with these the script has
# 32 commands, which fill its file, before the firmware selects it, and more afterwards.  SeaBIOS
# 1.16 finds no tables in the first two.
GROWING = ("-m 1G,slots=4,maxmem=8G -smp 4 -object memory-backend-ram,id=m0,size=512M "
           "-object memory-backend-ram,id=m1,size=512M -numa node,nodeid=0,cpus=0-1,memdev=m0 "
           "-numa node,nodeid=1,cpus=2-3,memdev=m1 -object memory-backend-ram,id=nvm,size=256M "
           "-device nvdimm,memdev=nvm -device vmgenid,guid=324e6eaf-d1d1-4bf6-bf41-b9bb6c91fb87 ")
DISTANCE = "-numa dist,src=0,dst=1,val=21 "
GROWING_CASES = (
    (Case("hmat", "q35,nvdimm=on,hmat=on", GROWING), {"HMAT"}),
    (Case("iommu", "q35,nvdimm=on", GROWING + "-device intel-iommu"), {"DMAR"}),
    (Case("hmat-dist", "q35,nvdimm=on,hmat=on", GROWING + DISTANCE), {"HMAT", "SLIT"}),
    (Case("iommu-dist", "q35,nvdimm=on", GROWING + "-device intel-iommu " + DISTANCE),
     {"DMAR", "SLIT"}),
)


@pytest.mark.parametrize("case, wanted", GROWING_CASES,
                         ids=lambda value: getattr(value, "name", ""))
def test_script_outgrows_its_file(case, wanted, bench, firmware):
    """QEMU lengthens its script when the firmware selects it: nothing in it gets lost."""
    result = bench.run(case, firmware)
    assert result.facts["cpus"] == ["4"]
    assert wanted | {"FACP", "APIC", "NFIT", "SRAT", "MCFG"} <= set(result.files)
    assert any(b"VGIA" in table for table in result.files.values())
    assert any(name.endswith("vmgenid_addr/raw") and any(value)
               for name, value in result.files.items())


def test_tables_outgrow_their_file(bench, firmware, media):
    """MCFG is added when the firmware selects the tables, and they pass the 128 KiB they had."""
    plain = bench.run(Case("", "q35"), firmware).files
    tables = [table for name, table in plain.items() if not name.startswith(("dmi/", "/"))]
    rsdt = 36 + 4 * (len(tables) - 2)           # neither FACS nor DSDT is in it
    # Two tables more; half of what MCFG and its entry need does not fit.
    missing = (128 << 10) + (len(plain["MCFG"]) + 4) // 2 - sum(map(len, tables)) - rsdt
    sizes = missing // 2 - 40, missing - missing // 2 - 40
    extra = ""
    for number, size in enumerate(sizes):
        path = media / f"user{number}"
        path.write_bytes(bytes(size))
        extra += f" -acpitable sig=TST{number},data={path}"
    result = bench.run(Case("", "q35", "-smp 2" + extra, "console=ttyS0"), firmware)
    assert result.facts["cpus"] == ["2"]
    assert {"MCFG", "TST0", "TST1"} <= set(result.files)


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
        file = re.search(r"path={(\w+)}", case.extra)[1]
        assert large[0][3] == (media / file).read_bytes() + b"\0\0"
    else:
        assert large[0][2] + large[0][3] == (media / "structure").read_bytes()
    assert [entry[0] for entry in found if entry not in large] == [entry[0] for entry in plain]
    assert not any("Firmware Bug" in line for line in ours.dmesg)


DISK = "-drive file={disk},if=none,id=d,format=raw,readonly=on "
PCI = DISK + "-device virtio-blk-pci,drive=d -device virtio-net-pci,netdev=n -netdev user,id=n "

# No ACPI: the MP table tells the processors and interrupts.
MP_CASES = (
    (Case("pc", "pc,acpi=off", "-smp 2 " + PCI), 2),
    (Case("pc-intx", "pc,acpi=off", "-smp 8 " + PCI, "pci=nomsi"), 8),
    (Case("pc-noapic", "pc,acpi=off", "-smp 2 " + PCI, "noapic pci=nomsi"), 2),
    (Case("q35-intx", "q35,acpi=off", "-smp 2 " + PCI, "pci=nomsi"), 2),
    (Case("q35-noapic", "q35,acpi=off", "-smp 2 " + PCI, "noapic pci=nomsi"), 2),
    (Case("q35-64", "q35,acpi=off", "-smp 64,cores=64 " + PCI), 64),
    # APIC ids with holes.  More than eight processors, for which Linux addresses each by its id:
    # QEMU 7.2 finds none above a hole by a logical id (apic_get_delivery_bitmask()).
    (Case("q35-topology", "q35,acpi=off", "-smp 12,sockets=4,cores=3 " + PCI), 12),
    # Debian's kernels find no virtio-mmio devices without ACPI (VIRTIO_MMIO_CMDLINE_DEVICES), and
    # those of a time when isapc was new have no drivers.
    (Case("microvm", "microvm,acpi=off", "-smp 2"), 2),
    (Case("microvm-8", "microvm,acpi=off", "-smp 8,sockets=2,cores=2,threads=2"), 8),
    (Case("isapc", "isapc", "-cpu qemu64"), 1),
    # With ACPI, for a kernel that is told to do without.
    (Case("pc-beside-acpi", "pc", "-smp 2,sockets=2 " + PCI, "acpi=off"), 2),
    (Case("q35-beside-acpi", "q35", "-smp 2,sockets=2 " + PCI, "acpi=off"), 2),
    (Case("q35-intx-beside-acpi", "q35", "-smp 12,sockets=4,cores=3 " + PCI,
          "acpi=off pci=nomsi"), 12),
)


@pytest.fixture(name="disk")
def _disk(bench):
    path = bench.media / "disk"
    path.write_bytes(bytes(range(256)) * 4096)
    return path


def with_disk(case, disk):
    """The case with the disk's name in its arguments."""
    return case._replace(extra=case.extra.replace("{disk}", str(disk)))


def check_irqs(result, controller):
    """The timer and the serial port interrupt, through the controller."""
    for name in ("timer", "ttyS0"):
        line, = (line for line in result.facts["irq"] if line.endswith(" " + name))
        assert controller in line
        assert sum(int(count) for count in re.findall(r"(?<= )\d+(?= )", line)) > 0, line


def check_disk(result):
    """The guest read the disk and has a network."""
    digest = hashlib.sha256((bytes(range(256)) * 2)).hexdigest()
    assert result.facts["disk"] == [f"vda {digest}"] and result.facts["net"] == ["eth0"]


@pytest.mark.parametrize("case, count", MP_CASES, ids=lambda value: getattr(value, "name", ""))
def test_mp_table(case, count, bench, firmware, disk):
    """Every processor comes up, and interrupts arrive, without ACPI."""
    result = bench.run(with_disk(case, disk), firmware, kernel="generic")
    assert result.facts["cpus"] == [str(count)]
    # isapc has no I/O APIC.
    legacy = "noapic" in case.append or case.machine == "isapc"
    check_irqs(result, "XT-PIC" if legacy else "IO-APIC")
    if "virtio" in case.extra:
        check_disk(result)


@pytest.mark.parametrize("machine", ("pc-i440fx-1.4", "pc-i440fx-1.5", "pc-i440fx-1.6"))
def test_own_acpi(machine, bench, firmware, disk, tmp_path):
    """Our own tables, where QEMU has none: valid, and enough to boot and to power off."""
    if not re.search(rf"^{re.escape(machine)} ", bench.machines(), re.MULTILINE):
        pytest.skip(f"this QEMU has no {machine}")
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


def resumed(bench, case, firmware, guids, directory):
    """A guest that was saved with the first GUID and goes on with the second."""
    saved = directory / "saved"
    case = case._replace(append=case.append + " tab.again")
    with bench.start(case._replace(extra=case.extra + guids[0]), firmware, kernel="generic",
                     qmp=True) as vm:
        vm.wait_for(rb"^TAB again", GUEST_SECONDS)
        vm.qmp("migrate", uri=f"exec:cat >{saved}")
        while vm.qmp("query-migrate")["status"] != "completed":
            time.sleep(0.1)
    extra = f"{case.extra}{guids[1]} -incoming 'exec:cat {saved}'"
    return bench.start(case._replace(extra=extra), firmware, kernel="generic", qmp=True)


def test_vmgenid_changes(bench, firmware, tmp_path):
    """A guest that is resumed from a snapshot with another GUID finds that one, and is told."""
    # With a random number generator from the start, for the kernel then reseeds it.
    device = "-cpu max -device vmgenid,guid="
    address = vmgenid_address(bench.run(Case("", "q35", device + GUIDS[0]), firmware,
                                         kernel="generic"))
    case = Case("", "q35", device, f"tab.mem={address + 0x28}", "256")
    with resumed(bench, case, firmware, GUIDS, tmp_path) as vm:
        # Once may have been before the GUID changed.
        vm.wait_for(rb"^TAB mem", GUEST_SECONDS, count=3)
        vm.wait_for(rb"^TAB dmesg .*crng reseeded due to virtual machine fork", GUEST_SECONDS)
        assert vm.qmp("query-vm-generation-id") == {"guid": GUIDS[1]}
        whole = vm.serial[:vm.serial.rindex(b"\n") + 1]        # the last line may be on its way
        data = base64.b64decode(parse(whole).facts["mem"][-1].split()[1])
        assert uuid.UUID(bytes_le=data[:16]) == uuid.UUID(GUIDS[1])


PORTS = ("-device pcie-root-port,id=a,chassis=1 "
         "-device pcie-root-port,id=b,chassis=2,bus-reserve=3 "
         "-device virtio-rng-pci,bus=b -device pcie-root-port,id=c,chassis=3 "
         "-device x3130-upstream,id=u,bus=c -device xio3130-downstream,id=d,bus=u,chassis=4 "
         "-device virtio-rng-pci,bus=d ")
# The last bus: a 1; b 2, and 3 to 5 for hot-plug; c 6, u 7, d 8.
LAST_BUS = (
    (Case("no-port", "q35", "-device virtio-rng-pci"), 0),
    (Case("ports", "q35", PORTS), 8),
    (Case("pxb", "q35", PORTS + "-device pxb-pcie,id=x,bus_nr=200,bus=pcie.0 "
          "-device pcie-root-port,id=y,bus=x,chassis=5 -device virtio-rng-pci,bus=y"), 201),
    (Case("qemu", "q35", PORTS + "-fw_cfg name=opt/org.qboot/pci-mcfg,string=qemu"), 255),
)


@pytest.mark.parametrize("case, last", LAST_BUS, ids=lambda value: getattr(value, "name", ""))
def test_last_bus(case, last, bench, firmware):
    """MCFG ends with the last bus; devices, also plugged ones, have all of their space."""
    with bench.start(case._replace(append="tab.again"), firmware, kernel="generic",
                     qmp=True) as vm:
        vm.wait_for(rb"^TAB again", GUEST_SECONDS)
        facts = parse(vm.serial)
        assert facts.files["MCFG"][55] == last and not sum(facts.files["MCFG"]) & 0xff
        if "id=a" in case.extra:
            vm.qmp("device_add", driver="virtio-rng-pci", id="new", bus="a")
            vm.wait_for(rb"^TAB config 0000:01:00.0 4096", GUEST_SECONDS)
        whole = vm.serial[:vm.serial.rindex(b"\n") + 1]        # the last line may be on its way
        sizes = dict(fact.split() for fact in parse(whole).facts["config"])
    # Conventional devices and the host bridge have 256 bytes.
    behind = {name: size for name, size in sizes.items() if not name.startswith("0000:00:")}
    assert set(behind.values()) <= {"4096"} and len(behind) >= (5 if "id=a" in case.extra else 0)


def elf_notes(path):
    """{name: description} of the notes of a 64-bit ELF file."""
    data = path.read_bytes()
    found = {}
    offset, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    for header in range(offset, offset + size * count, size):
        kind, _, at, _, _, length = struct.unpack_from("<IIQQQQ", data, header)
        end = at + length
        while kind == 4 and at + 12 <= end:
            name_size, description_size, _ = struct.unpack_from("<III", data, at)
            name = data[at + 12:at + 12 + name_size].rstrip(b"\0").decode("latin1")
            at += 12 + (name_size + 3 & ~3)
            found[name] = data[at:at + description_size]
            at += description_size + 3 & ~3
    return found


@pytest.mark.parametrize("vendor", ("GenuineIntel", "AuthenticAMD"))
@pytest.mark.parametrize("machine", ("pc", "q35"))
def test_real_time_clock(machine, vendor, bench, firmware):
    """Update interrupts and alarms of the clock arrive: Linux asks SMBIOS's date how they come."""
    case = Case("", machine, f"-cpu qemu64,vendor={vendor}", "tab.rtc")
    result = bench.run(case, firmware)
    assert result.facts["hwclock"] == ["0"] and result.facts["rtcwake"] == ["0"]


@pytest.mark.parametrize("machine", ("pc", "q35"))
def test_vmcoreinfo(machine, bench, firmware, tmp_path):
    """The kernel finds fw_cfg by ACPI and leaves its note there; QEMU puts it into a dump."""
    release = (kernels.provide("cloud") / "release").read_text("ascii").strip()
    dump = tmp_path / "dump"
    with bench.start(Case("", machine, "-device vmcoreinfo", "tab.again", "256"), firmware,
                     qmp=True) as vm:
        vm.wait_for(rb"^TAB again", GUEST_SECONDS)
        vm.qmp("dump-guest-memory", paging=False, protocol=f"file:{dump}", begin=0, length=4096)
    note = elf_notes(dump)["VMCOREINFO"].decode("latin1").splitlines()
    assert f"OSRELEASE={release}" in note


FPDT = "-fw_cfg name=opt/org.qboot/fpdt,string=1 "
# QEMU's own clock at each marker, and when the machine started.
MARKERS = ("-fw_cfg name=opt/org.qboot/markers,string=1 -device isa-debugcon,iobase=0xf5,chardev=m "
           "-chardev null,id=m -msg timestamp=on -trace memory_region_ops_write "
           "-trace vm_state_notify -D {trace}")
POOL = 0xe0000, 0x8000          # include/layout.h


def marker_times(trace):
    """{marker: seconds since the machine started}; those of a last line that is cut are missing."""
    started, times = None, {}
    for line in trace.splitlines():
        moment = re.match(rf"{qemu_trace.STAMP}(?P<event>\w+)", line)
        if moment and moment["event"] == "vm_state_notify" and started is None:
            started = qemu_trace.seconds(moment)
        marker = re.search(r"addr 0x(?:f5|0) value 0x(\d) size 1 name 'isa-debugcon'", line)
        if moment and marker:
            times.setdefault(int(marker[1]), qemu_trace.seconds(moment) - started)
    return times


@pytest.mark.parametrize("machine", ("pc", "q35"))
def test_fpdt(machine, bench, firmware, tmp_path):
    """The boot record agrees with QEMU's clock; what systemd-analyze reckons is taken from it."""
    trace = tmp_path / "trace"
    case = Case("", machine, FPDT + MARKERS.format(trace=trace), memory="1024")
    # The initrd makes loading the longest step.
    with bench.start(case, firmware, initrd_padding=128 << 20, qmp=True) as vm:
        deadline = time.monotonic() + GUEST_SECONDS
        while 4 not in marker_times(trace.read_text() if trace.exists() else ""):
            vm.check(time.monotonic() < deadline and not vm.ended, "no marker of the PVH entry")
            time.sleep(0.01)
        vm.qmp("stop")
        pool = tmp_path / "pool"
        vm.qmp("pmemsave", val=POOL[0], size=POOL[1], filename=str(pool))
        times = marker_times(trace.read_text())
    pool = pool.read_bytes()
    record = pool[pool.index(b"FBPT"):]
    reset, load, start, exit_entry, exit_end = (value / 1e9 for value in
                                                struct.unpack_from("<5Q", record, 16))
    assert times[4] - times[5] > 0.02, "loading is too short to be compared"
    # Marker 1 comes a little later than the end of the reset; between the others and the record's
    # times there are a few instructions.
    assert 0 < reset < times[1] + 0.005
    for name, recorded, measured in (
            ("loading begins", load, times[5]),
            # systemd-analyze: firmware is StartupStart, loader is ExitBootServicesExit less that.
            ("firmware", start, times[4]),
            ("loader", exit_end - start, 0)):
        assert abs(recorded - measured) < 0.005 + 0.02 * measured, (name, recorded, measured)
    assert exit_entry == start


def test_fpdt_listed(bench, firmware):
    """Linux finds the table in the root table, and the record that it names."""
    result = bench.run(Case("", "q35", FPDT), firmware)
    table = result.files["FPDT"]
    assert sum(table) & 0xff == 0 and len(table) == struct.unpack_from("<I", table, 4)[0]
    address, = struct.unpack_from("<Q", table, 44)
    again = bench.run(Case("", "q35", FPDT, f"tab.mem={address}"), firmware)
    assert base64.b64decode(again.facts["mem"][0].split()[1])[:4] == b"FBPT"
    # The other tables are as they are without it.
    assert set(result.files) - {"FPDT"} == set(bench.run(Case("", "q35"), firmware).files)

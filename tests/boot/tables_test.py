"""Compares the tables a guest finds with those it finds under SeaBIOS, byte for byte.

Contract: a small guest (tables-init.sh on a kernel of kernels.py) prints what Linux read; the same
machine is started once with the firmware under test and once with QEMU's own.  Addresses, checksums
and what the placement of BARs decides may differ (table_bytes.py), nothing else.  What a host lacks
is a SKIP.
"""

import base64
import collections
import hashlib
from pathlib import Path
import re
import stat
import struct
import time
import uuid

import pytest

import host_tools
import initramfs
import kernels
from machines import BOOT_SECONDS, OURS, Linux, disk, net, rows
from qemu_process import ask
import qemu_trace
from table_bytes import as_smbios30, check_entry_point, disassembled, masked, structures
import testmedia
from vm import facts

INIT = Path(__file__).with_name("tables-init.sh")
# Tables by their names in /sys/firmware, the kernel's messages about them, all else that was said.
Result = collections.namedtuple("Result", "files dmesg facts")

NUMA = "-smp 8 " + " ".join(
    f"-object memory-backend-ram,id=m{i},size=64M -numa node,nodeid={i},cpus={i},memdev=m{i}"
    for i in range(8)) + "".join(
        f" -numa dist,src={i},dst={j},val={20 + i + j}" for i in range(8) for j in range(i))

CASES = (
    Linux("pc", "pc"),
    Linux("q35", "q35", "-smp 4"),
    Linux("microvm", "microvm"),
    Linux("microvm-pcie", "microvm,pcie=on,rtc=on"),
    Linux("pc-devices", "pc", "-device virtio-net-pci -device virtio-balloon-pci -vga std"),
    Linux("255-cpus", "q35", "-smp 255", "maxcpus=1"),
    Linux("numa", "q35", NUMA),
    Linux("nvdimm", "q35,nvdimm=on", "-m 512,slots=4,maxmem=2G -device nvdimm,id=n,memdev=b "
          "-object memory-backend-ram,id=b,size=128M"),
    Linux("hotplug", "pc", "-m 512,slots=16,maxmem=4G"),
    Linux("vmgenid", "q35", "-device vmgenid,guid=324e6eaf-d1d1-4bf6-bf41-b9bb6c91fb87"),
    Linux("erst", "q35", "-object memory-backend-ram,id=m,size=64K -device acpi-erst,memdev=m"),
    Linux("vmcoreinfo", "pc", "-device vmcoreinfo"),
    Linux("smbios0", "q35", "-smbios type=0,vendor=Me,version=7 -smbios type=1,product=Thing"),
    Linux("smbios-64", "q35,smbios-entry-point-type=64", "-smp 2,sockets=2"),
    Linux("acpitable-60k", "q35", "-acpitable sig=TEST,data={acpitable}"),
    Linux("tpm-tis", "q35", "-device tpm-tis,tpmdev=t {tpm}"),
    Linux("tpm-crb", "q35", "-device tpm-crb,tpmdev=t {tpm}"),
)

# Larger than the place the ROM's anchor names.  Linux 6.1 copies the strings of type 11 into its
# brk area and stops at a BUG() when they do not fit (arch/x86/kernel/setup.c, extend_brk()), with
# any firmware that gives it the whole table: 130,880 bytes are well, 131,160 are not.  Other types
# it only maps.  SeaBIOS 1.16 cuts the table to its length modulo 64 KiB ("Corrupted DMI table").
# guest_cases.py has 200 KiB of type 11.
LARGE_SMBIOS = (
    Linux("oem-strings-pc", "pc,smbios-entry-point-type=64", "-smbios type=11,path={credential}"),
    Linux("oem-strings-q35", "q35", "-smbios type=11,path={credential}"),
    Linux("oem-strings-127k", "q35,smbios-entry-point-type=64",
          "-smbios type=11,path={credential127k}"),
    Linux("200k-pc", "pc,smbios-entry-point-type=64", "-smbios file={structure}"),
    Linux("200k-q35", "q35,smbios-entry-point-type=64", "-smbios file={structure}"),
)


def add_fw_cfg(archive, kernel):
    """The module that shows QEMU's files, which nothing else loads."""
    archive.add("fw_cfg.ko", stat.S_IFREG | 0o644,
                initramfs.Modules(kernel / "modules").read("qemu_fw_cfg"))


def add_clock_tools(archive, _):
    """Programs that read the clock and wait for its alarm."""
    for name in ("hwclock", "rtcwake"):
        host_tools.add(archive, name, f"host/{name}")


def start(bench, case, firmware=OURS, tools=(), **options):
    """A Vm for the case; FIRMWARE None: QEMU's own."""
    if "{tpm}" in case.args:
        tools = (host_tools.add_tpm_tools, *tools)
    return bench.linux(case, "quiet loglevel=1 no_timer_check reboot=t", INIT,
                       (add_fw_cfg, *tools), firmware=firmware, **options)


def run(bench, case, firmware=OURS, **options):
    """What the guest said."""
    with start(bench, case, firmware, **options) as vm:
        vm.wait_for(rb"^TAB done", BOOT_SECONDS)
        return parse(vm.serial)


def parse(serial):
    """The guest's lines as a Result.  The last line may be on its way and is left out."""
    said = facts(serial[:serial.rindex(b"\n") + 1], "TAB")
    files = {}
    for value in said.pop("file", ()):
        name, _, data = value.partition(" ")
        files[name.removeprefix("acpi/tables/")] = base64.b64decode(data)
    return Result(files, said.pop("dmesg", []), said)


def comparable(line):
    """A kernel message without its numbers."""
    line = re.sub(r"BIOS [^ ]+ \d\d/\d\d/\d{4}$", "BIOS X", line)
    line = re.sub(r"SMBIOS [23]\.\d(\.\d)? present", "SMBIOS present", line)
    return re.sub(r"(0x)?[0-9a-fA-F]{8,}|0x[0-9a-f]+|\[io .*\]", "X", line)


def noteworthy(result):
    """The messages that may not be new.  SeaBIOS has no NVS: it calls all its memory reserved."""
    return {comparable(line) for line in result.dmesg
            if not re.search(r"e820|quirk|Registering ACPI NVS region|^tpm", line)}


@pytest.mark.parametrize("case", rows(CASES))
def test_same_as_seabios(case, bench, tmp_path):
    """The same tables, valid, and no new message of the kernel about them."""
    # Beside a TPM's log SeaBIOS has so many tables that an initrd for a vmlinux is loaded over
    # them, and so it is on microvm with PCIe from QEMU 10 on, where QEMU leaves no room at RAM's
    # end; for a bzImage QEMU's option ROM looks for a free place.
    if "{tpm}" in case.args or "pcie=on" in case.machine:
        case = case.but(format="vmlinuz")
    ours, theirs = run(bench, case), run(bench, case, None)
    if case.is_microvm:
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
            if "type=0" not in case.args:
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
    assert new <= ({"DMI not present or invalid."} if case.is_microvm else set())
    if "{tpm}" in case.args:
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
    (Linux("hmat", "q35,nvdimm=on,hmat=on", GROWING), {"HMAT"}),
    (Linux("iommu", "q35,nvdimm=on", GROWING + "-device intel-iommu"), {"DMAR"}),
    (Linux("hmat-dist", "q35,nvdimm=on,hmat=on", GROWING + DISTANCE), {"HMAT", "SLIT"}),
    (Linux("iommu-dist", "q35,nvdimm=on", GROWING + "-device intel-iommu " + DISTANCE),
     {"DMAR", "SLIT"}),
)


@pytest.mark.parametrize("case, wanted", GROWING_CASES,
                         ids=lambda value: getattr(value, "name", ""))
def test_script_outgrows_its_file(case, wanted, bench):
    """QEMU lengthens its script when the firmware selects it: nothing in it gets lost."""
    result = run(bench, case)
    assert result.facts["cpus"] == ["4"]
    assert wanted | {"FACP", "APIC", "NFIT", "SRAT", "MCFG"} <= set(result.files)
    assert any(b"VGIA" in table for table in result.files.values())
    assert any(name.endswith("vmgenid_addr/raw") and any(value)
               for name, value in result.files.items())


def test_tables_outgrow_their_file(bench, tmp_path):
    """MCFG is added when the firmware selects the tables, and they pass the 128 KiB they had."""
    plain = run(bench, Linux("", "q35")).files
    tables = [table for name, table in plain.items() if not name.startswith(("dmi/", "/"))]
    rsdt = 36 + 4 * (len(tables) - 2)           # neither FACS nor DSDT is in it
    # Two tables more; half of what MCFG and its entry need does not fit.
    missing = (128 << 10) + (len(plain["MCFG"]) + 4) // 2 - sum(map(len, tables)) - rsdt
    sizes = missing // 2 - 40, missing - missing // 2 - 40
    extra = ""
    for number, size in enumerate(sizes):
        path = tmp_path / f"user{number}"
        path.write_bytes(bytes(size))
        extra += f" -acpitable sig=TST{number},data={path}"
    result = run(bench, Linux("", "q35", "-smp 2" + extra))
    assert result.facts["cpus"] == ["2"]
    assert {"MCFG", "TST0", "TST1"} <= set(result.files)


@pytest.mark.parametrize("case", rows(LARGE_SMBIOS))
def test_large_smbios(case, bench, media):
    """All structures arrive, the large one whole; also after a reset, when PAM is still set up."""
    plain = structures(run(bench, case.but(args="")).files["dmi/tables/DMI"])
    ours = run(bench, case)
    table = ours.files["dmi/tables/DMI"]
    check_entry_point(ours.files["dmi/tables/smbios_entry_point"], table)
    found = structures(table)
    large = [entry for entry in found if entry[0] in (11, 200)]
    if "type=11" in case.args:
        file = re.search(r"path={(\w+)}", case.args)[1]
        assert large[0][3] == media[file].read_bytes() + b"\0\0"
    else:
        assert large[0][2] + large[0][3] == media["structure"].read_bytes()
    assert [entry[0] for entry in found if entry not in large] == [entry[0] for entry in plain]
    assert not any("Firmware Bug" in line for line in ours.dmesg)


PCI = disk("virtio-blk-pci") + net("virtio-net-pci")

HOLES = "-smp 12,sockets=4,cores=3,threads=1"     # APIC ids 0, 1, 2, 4, 5, 6 and so on

# No ACPI: the MP table tells the processors and interrupts.
MP_CASES = (
    (Linux("pc", "pc,acpi=off", "-smp 2 " + PCI), 2),
    (Linux("pc-intx", "pc,acpi=off", "-smp 8 " + PCI, "pci=nomsi"), 8),
    (Linux("pc-noapic", "pc,acpi=off", "-smp 2 " + PCI, "noapic pci=nomsi"), 2),
    (Linux("q35-intx", "q35,acpi=off", "-smp 2 " + PCI, "pci=nomsi"), 2),
    (Linux("q35-noapic", "q35,acpi=off", "-smp 2 " + PCI, "noapic pci=nomsi"), 2),
    (Linux("q35-64", "q35,acpi=off", "-smp 64,cores=64 " + PCI), 64),
    # APIC ids with holes.  More than eight processors, for which Linux addresses each by its id:
    # QEMU 7.2 finds none above a hole by a logical id (apic_get_delivery_bitmask()).
    (Linux("q35-topology", "q35,acpi=off", "-smp 12,sockets=4,cores=3 " + PCI), 12),
    # The same where no leaf of CPUID tells of the holes.
    (Linux("q35-no-leaf", "q35,acpi=off", f"-cpu Penryn {HOLES} {PCI}"), 12),
    (Linux("microvm-no-leaf", "microvm,acpi=off", f"-cpu Penryn {HOLES}"), 12),
    # Debian's kernels find no virtio-mmio devices without ACPI (VIRTIO_MMIO_CMDLINE_DEVICES), and
    # those of a time when isapc was new have no drivers.
    (Linux("microvm", "microvm,acpi=off", "-smp 2"), 2),
    (Linux("microvm-8", "microvm,acpi=off", "-smp 8,sockets=2,cores=2,threads=2"), 8),
    (Linux("isapc", "isapc", "-cpu qemu64"), 1),
    # With ACPI, for a kernel that is told to do without.
    (Linux("pc-beside-acpi", "pc", "-smp 2,sockets=2 " + PCI, "acpi=off"), 2),
    (Linux("q35-beside-acpi", "q35", "-smp 2,sockets=2 " + PCI, "acpi=off"), 2),
    (Linux("q35-intx-beside-acpi", "q35", "-smp 12,sockets=4,cores=3 " + PCI,
           "acpi=off pci=nomsi"), 12),
)


def check_irqs(result, controller):
    """The timer and the serial port interrupt, through the controller."""
    for name in ("timer", "ttyS0"):
        line, = (line for line in result.facts["irq"] if line.endswith(" " + name))
        assert controller in line
        assert sum(int(count) for count in re.findall(r"(?<= )\d+(?= )", line)) > 0, line


def check_disk(result):
    """The guest read the disk and has a network."""
    digest = hashlib.sha256(testmedia.SYSTEM_AREA[:512]).hexdigest()
    assert result.facts["disk"] == [f"vda {digest}"] and result.facts["net"] == ["eth0"]


@pytest.mark.parametrize("case, count", MP_CASES, ids=lambda value: getattr(value, "name", ""))
def test_mp_table(case, count, bench):
    """Every processor comes up, and interrupts arrive, without ACPI."""
    result = run(bench, case.but(kernel="generic"))
    assert result.facts["cpus"] == [str(count)]
    # isapc has no I/O APIC.
    legacy = "noapic" in case.append or case.machine == "isapc"
    check_irqs(result, "XT-PIC" if legacy else "IO-APIC")
    if "virtio" in case.args:
        check_disk(result)


def skip_without(machine, qemu):
    """Old machine types are not in every QEMU."""
    if not re.search(rf"^{re.escape(machine)} ", ask(qemu(), "-M", "help"), re.MULTILINE):
        pytest.skip(f"this QEMU has no {machine}")


@pytest.mark.parametrize("machine, args, count", [
    ("pc-i440fx-1.4", "-smp 4 ", 4), ("pc-i440fx-1.5", "-smp 4 ", 4),
    ("pc-i440fx-1.6", "-smp 4 ", 4), ("pc-i440fx-1.6", f"-cpu Penryn {HOLES} ", 12)])
def test_own_acpi(machine, args, count, bench, qemu, tmp_path):
    """Our own tables, where QEMU has none: valid, and enough to boot and to power off."""
    skip_without(machine, qemu)
    case = Linux("", machine, args + PCI, "tab.poweroff pci=nomsi", kernel="generic",
                 format="vmlinuz")
    with start(bench, case) as vm:
        assert vm.wait_exit(BOOT_SECONDS) == 0
        result = parse(vm.serial)
    assert result.facts["cpus"] == [str(count)]
    check_disk(result)
    assert {"APIC", "DSDT", "FACP", "FACS", "HPET"} <= set(result.files)
    for name in ("APIC", "DSDT", "FACP", "HPET"):
        assert sum(result.files[name]) & 0xff == 0, name
        disassembled(tmp_path, "own", name, result.files[name])
    assert not any(re.search("Firmware Bug|ACPI.*(Error|Warning)", line) for line in result.dmesg)


def test_own_acpi_above_4g(bench, qemu):
    """Our own tables name what is above 4 GiB, so that a device behind a bridge keeps it."""
    skip_without("pc-i440fx-1.6", qemu)
    case = Linux("", "pc-i440fx-1.6", format="vmlinuz", args=(
        "-object memory-backend-ram,id=bar,size=8G,reserve=off "
        "-device pci-bridge,id=bridge,chassis_nr=1 "
        "-device ivshmem-plain,memdev=bar,bus=bridge,addr=1"))
    with bench.linux(case, "qb.test=facts") as vm:
        vm.wait_for(rb"^QB done", BOOT_SECONDS)
        said = facts(vm.serial)
    assert [bar for bar in said["bar"] if bar.startswith("0000:01:01.0 2 0x0000000200000000 ")]
    assert not said.get("warn")


NUMA_1 = "-object memory-backend-ram,id=m,size=512M -numa node,memdev=m"


@pytest.mark.parametrize("machine, args, said", [
    ("pc-i440fx-2.0", "", rb""),
    ("pc-i440fx-2.0", "-smbios type=1,serial=x", rb"qboot: smbios: -smbios and -uuid .*\n"),
    ("pc-i440fx-1.7", "-uuid 324e6eaf-d1d1-4bf6-bf41-b9bb6c91fb87",
     rb"qboot: smbios: -smbios and -uuid .*\n"),
    ("pc-i440fx-1.6", f"-acpitable sig=TEST,data={{acpitable}} {NUMA_1}",
     rb"qboot: piix_acpi: -acpitable .*: 1; .*\nqboot: piix_acpi: -numa .*: 1; .*\n")])
def test_left_out(machine, args, said, bench):
    """What old machine types have in a form that is not read is said, if it was asked for."""
    with start(bench, Linux("", machine, args, format="vmlinuz")) as vm:
        vm.wait_for(rb"^TAB done", BOOT_SECONDS)
        vm.check(re.fullmatch(said, vm.debug_output()), f"said {vm.debug_output()!r}")


GUIDS = "324e6eaf-d1d1-4bf6-bf41-b9bb6c91fb87", "5b21a4f3-7a2f-4c48-9b45-b0a9b0d2c111"


def vmgenid_address(result):
    """VGIA, the address of the page with the GUID."""
    ssdt = next(table for name, table in result.files.items() if b"VGIA" in table)
    return struct.unpack_from("<I", ssdt, ssdt.index(b"VGIA") + 5)[0]


def test_vmgenid(bench):
    """The guest reads the GUID that QMP shows, and another one after a restart with another."""
    case = Linux("", "q35", f"-device vmgenid,guid={GUIDS[0]}")
    address = vmgenid_address(run(bench, case)) + 0x28
    for guid in GUIDS:
        case = Linux("", "q35", f"-device vmgenid,guid={guid}", f"tab.mem={address} tab.again")
        with start(bench, case) as vm:
            vm.wait_for(rb"^TAB again", BOOT_SECONDS)
            assert vm.qmp("query-vm-generation-id") == {"guid": guid}
            data = base64.b64decode(parse(vm.serial).facts["mem"][0].split()[1])
            assert uuid.UUID(bytes_le=data[:16]) == uuid.UUID(guid)


def resumed(bench, case, guids, directory):
    """A guest that was saved with the first GUID and goes on with the second."""
    saved = directory / "saved"
    case = case.but(append=case.append + " tab.again")
    with start(bench, case.but(args=case.args + guids[0])) as vm:
        vm.wait_for(rb"^TAB again", BOOT_SECONDS)
        vm.qmp("migrate", uri=f"exec:cat >{saved}")
        while vm.qmp("query-migrate")["status"] != "completed":
            time.sleep(0.1)
    return start(bench, case.but(args=f"{case.args}{guids[1]} -incoming 'exec:cat {saved}'"))


def test_vmgenid_changes(bench, tmp_path):
    """A guest that is resumed from a snapshot with another GUID finds that one, and is told."""
    # With a random number generator from the start, for the kernel then reseeds it.
    device = "-cpu max -device vmgenid,guid="
    case = Linux("", "q35", device, kernel="generic")
    address = vmgenid_address(run(bench, case.but(args=device + GUIDS[0])))
    case = case.but(append=f"tab.mem={address + 0x28}", memory="256")
    with resumed(bench, case, GUIDS, tmp_path) as vm:
        # Once may have been before the GUID changed.
        vm.wait_for(rb"^TAB mem", BOOT_SECONDS, count=3)
        vm.wait_for(rb"^TAB dmesg .*crng reseeded due to virtual machine fork", BOOT_SECONDS)
        assert vm.qmp("query-vm-generation-id") == {"guid": GUIDS[1]}
        data = base64.b64decode(parse(vm.serial).facts["mem"][-1].split()[1])
        assert uuid.UUID(bytes_le=data[:16]) == uuid.UUID(GUIDS[1])


PORTS = ("-device pcie-root-port,id=a,chassis=1 "
         "-device pcie-root-port,id=b,chassis=2,bus-reserve=3 "
         "-device virtio-rng-pci,bus=b -device pcie-root-port,id=c,chassis=3 "
         "-device x3130-upstream,id=u,bus=c -device xio3130-downstream,id=d,bus=u,chassis=4 "
         "-device virtio-rng-pci,bus=d ")
# The last bus: a 1; b 2, and 3 to 5 for hot-plug; c 6, u 7, d 8.
LAST_BUS = (
    (Linux("no-port", "q35", "-device virtio-rng-pci"), 0),
    (Linux("ports", "q35", PORTS), 8),
    (Linux("pxb", "q35", PORTS + "-device pxb-pcie,id=x,bus_nr=200,bus=pcie.0 "
           "-device pcie-root-port,id=y,bus=x,chassis=5 -device virtio-rng-pci,bus=y"), 201),
    (Linux("qemu", "q35", PORTS + "-fw_cfg name=opt/org.qboot/pci-mcfg,string=qemu"), 255),
)


@pytest.mark.parametrize("case, last", LAST_BUS, ids=lambda value: getattr(value, "name", ""))
def test_last_bus(case, last, bench):
    """MCFG ends with the last bus; devices, also plugged ones, have all of their space."""
    with start(bench, case.but(append="tab.again", kernel="generic")) as vm:
        vm.wait_for(rb"^TAB again", BOOT_SECONDS)
        mcfg = parse(vm.serial).files["MCFG"]
        assert mcfg[55] == last and not sum(mcfg) & 0xff
        if "id=a" in case.args:
            vm.qmp("device_add", driver="virtio-rng-pci", id="new", bus="a")
            vm.wait_for(rb"^TAB config 0000:01:00.0 4096", BOOT_SECONDS)
        sizes = dict(fact.split() for fact in parse(vm.serial).facts["config"])
    # Conventional devices and the host bridge have 256 bytes.
    behind = {name: size for name, size in sizes.items() if not name.startswith("0000:00:")}
    assert set(behind.values()) <= {"4096"} and len(behind) >= (5 if "id=a" in case.args else 0)


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
def test_real_time_clock(machine, vendor, bench):
    """Update interrupts and alarms of the clock arrive: Linux asks SMBIOS's date how they come."""
    case = Linux("", machine, f"-cpu qemu64,vendor={vendor}")
    result = run(bench, case, tools=(add_clock_tools,))
    assert result.facts["hwclock"] == ["0"] and result.facts["rtcwake"] == ["0"]


@pytest.mark.parametrize("machine", ("pc", "q35"))
def test_vmcoreinfo(machine, bench, tmp_path):
    """The kernel finds fw_cfg by ACPI and leaves its note there; QEMU puts it into a dump."""
    release = (kernels.provide("cloud") / "release").read_text("ascii").strip()
    dump = tmp_path / "dump"
    with start(bench, Linux("", machine, "-device vmcoreinfo", "tab.again", "256")) as vm:
        vm.wait_for(rb"^TAB again", BOOT_SECONDS)
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


def add_ballast(archive, _):
    """Makes loading the longest step."""
    archive.add("ballast", stat.S_IFREG | 0o644, bytes(128 << 20))


@pytest.mark.parametrize("machine", ("pc", "q35"))
def test_fpdt(machine, bench, tmp_path):
    """The boot record agrees with QEMU's clock; what systemd-analyze reckons is taken from it."""
    trace = tmp_path / "trace"
    case = Linux("", machine, FPDT + MARKERS.format(trace=trace), memory="1024")
    with start(bench, case, tools=(add_ballast,)) as vm:
        deadline = time.monotonic() + BOOT_SECONDS
        while 4 not in marker_times(trace.read_text() if trace.exists() else ""):
            vm.check(time.monotonic() < deadline and not vm.ended, "no marker of the PVH entry")
            time.sleep(0.01)
        vm.qmp("stop")
        pool = tmp_path / "pool"
        vm.qmp("pmemsave", val=POOL[0], size=POOL[1], filename=str(pool))
        times = marker_times(trace.read_text())
    pool = pool.read_bytes()
    record = pool[pool.index(b"FBPT"):]
    reset, load, begin, exit_entry, exit_end = (value / 1e9 for value in
                                                struct.unpack_from("<5Q", record, 16))
    assert times[4] - times[5] > 0.02, "loading is too short to be compared"
    # Marker 1 comes a little later than the end of the reset; between the others and the record's
    # times there are a few instructions.
    assert 0 < reset < times[1] + 0.005
    for name, recorded, measured in (
            ("loading begins", load, times[5]),
            # systemd-analyze: firmware is StartupStart, loader is ExitBootServicesExit less that.
            ("firmware", begin, times[4]),
            ("loader", exit_end - begin, 0)):
        assert abs(recorded - measured) < 0.005 + 0.02 * measured, (name, recorded, measured)
    assert exit_entry == begin


def test_fpdt_listed(bench):
    """Linux finds the table in the root table, and the record that it names."""
    result = run(bench, Linux("", "q35", FPDT))
    table = result.files["FPDT"]
    assert sum(table) & 0xff == 0 and len(table) == struct.unpack_from("<I", table, 4)[0]
    address, = struct.unpack_from("<Q", table, 44)
    again = run(bench, Linux("", "q35", FPDT, f"tab.mem={address}"))
    assert base64.b64decode(again.facts["mem"][0].split()[1])[:4] == b"FBPT"
    # The other tables are as they are without it.
    assert set(result.files) - {"FPDT"} == set(run(bench, Linux("", "q35")).files)

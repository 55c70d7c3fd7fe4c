"""Boots Unified Kernel Images with -kernel, and looks at what the kernel found.

Contract: the images are Debian's kernels packed by Debian's tools (uki_files.py); the guest of
uki_guest.sh says what it was handed.  Malformed files, and what is no UKI, lead to one line each.
The options are those of tests/conftest.py: --qemu takes another QEMU.
"""

import hashlib
import re
import struct

import pytest

import kernels
from machines import STARVED, Case, Starved, fed
import own_guest
import run as make_run
import uki_files
from uki_files import MIB, PE_OFFSET, TABLE
import ukify

SECONDS = 240
# The level shows the warning that is waited for.  The rate is told, because microvm has no clock by
# which a busy host could let the kernel measure it; and Linux panics when a busy host lets too few
# ticks of the timer come in the time that it looks for them (check_timer()).
CONSOLE = "console=ttyS0 loglevel=5 tsc_early_khz=2000000 no_timer_check"

# What Debian releases have: a packer and a kernel.
RELEASES = [("bookworm", "cloud"), ("trixie", "cloud-trixie"), ("unstable", "cloud-unstable")]
MACHINES = ["pc", "q35", "microvm"]


def start(bench, path, machine="q35", memory="512", **options):
    """A Vm with a file for -kernel."""
    return bench.start(Case("", machine, memory=memory), path, **{"seconds": SECONDS, **options})


def said(vm):
    """{key: value} of the guest's lines, once it is done."""
    end = vm.wait_for(rb"^UKI done|" + STARVED, SECONDS)
    if vm.serial[:end].endswith(STARVED):
        raise Starved
    status = vm.wait_exit(60)
    vm.check(status == 0, f"QEMU ended with status {status}")
    vm.check(not vm.debug_output(), "the firmware wrote to the debug console")
    lines = re.findall(r"^UKI (\w+)(?:\.bin)? ?(.*?)\r?$", vm.serial.decode("latin-1"), re.M)
    return dict(lines)


def tail(data):
    """As the guest describes a file: its size, the sum of its last bytes."""
    return f"{len(data)} {hashlib.sha256(data[-4096:]).hexdigest()}"


class Uki:
    """One image and what the guest must say of it."""

    def __init__(self, directory, release, initrd=20 * MIB, ucode=0, dtb=0, profiles=()):
        maker, name = release
        kernel = kernels.provide(name)
        parts = {"linux": kernel / "vmlinuz"}
        parts["initrd"], content = uki_files.initrd(kernel, initrd)
        self.expected = {"kernel": (kernel / "release").read_text("ascii").strip(),
                         "blob": tail(content)}
        if ucode:
            parts["ucode"] = uki_files.microcode(ucode)[:-2 if ucode % 2 else None]
            self.expected["AuthenticAMD"] = tail(uki_files.blob(ucode))
        if dtb:
            parts["dtb"] = b"\xd0\x0d\xfe\xed" + struct.pack(">I", dtb) + uki_files.blob(dtb - 8)
            self.expected["node"] = f"0x2 {hashlib.sha256(parts['dtb']).hexdigest()}"
        parts["cmdline"] = CONSOLE.encode() + b"\n"
        self.path = uki_files.build(maker, directory, profiles, **parts)

    def check(self, vm, cmdline):
        """The guest has said all that, and nobody else anything."""
        found = said(vm)
        vm.check(found["cmdline"] == cmdline, f"command line {found['cmdline']!r}, not {cmdline!r}")
        for key, value in self.expected.items():
            vm.check(found.get(key) == value, f"{key} is {found.get(key)}, not {value}")
        return found


def name_of(value):
    """Of a release."""
    return value[1] if isinstance(value, tuple) else None


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("release", RELEASES, ids=name_of)
@fed
def test_boot(release, machine, bench, tmp_path):
    """Kernel, initrd, microcode and command line of each release, on each machine."""
    uki = Uki(tmp_path, release, ucode=5000)
    with start(bench, uki.path, machine, append="last=1") as vm:
        uki.check(vm, CONSOLE + " last=1")


@pytest.mark.parametrize("release", RELEASES, ids=name_of)
@fed
def test_parts(release, bench, tmp_path):
    """A device tree, and microcode whose last word has to be filled up."""
    uki = Uki(tmp_path, release, initrd=4 * MIB, ucode=5001, dtb=3001)
    with start(bench, uki.path) as vm:
        uki.check(vm, CONSOLE)


@pytest.mark.parametrize("machine, memory", [("q35", "1G"), ("pc", "5G"), ("microvm", "1G")])
@fed
def test_large_initrd(machine, memory, bench, tmp_path):
    """300 MiB, below 4 GiB and above."""
    uki = Uki(tmp_path, RELEASES[0], initrd=300 * MIB, ucode=5000)
    with start(bench, uki.path, machine, memory) as vm:
        uki.check(vm, CONSOLE)


OPTION = "name=opt/org.qboot/uki-profile,string="
PROFILES = [("none", (), "", CONSOLE),
            ("option", ("-fw_cfg", OPTION + "1"), "", CONSOLE + " p=1"),
            ("append", (), "@2 more", CONSOLE + " p=2 more")]


@pytest.mark.parametrize("release", RELEASES[1:], ids=name_of)
@pytest.mark.parametrize("case", PROFILES, ids=lambda case: case[0])
@fed
def test_profiles(case, release, bench, tmp_path):
    """The default one, one chosen by fw_cfg, one by the command line."""
    _, options, append, cmdline = case
    uki = Uki(tmp_path, release, initrd=4 * MIB,
              profiles=(CONSOLE + " p=1", CONSOLE + " p=2"))
    with start(bench, uki.path, append=append, more=options) as vm:
        uki.check(vm, cmdline)


# The file that systemd-vmspawn 262.1 gives to -readconfig for "--kvm=no --ram=1G --cpus=1", but for
# the console and the monitor, which this test has elsewhere.
VMSPAWN_CONFIG = """
[machine]
  type = "q35"
  smm = "off"
  cxl = "on"
  hpet = "off"
[smp-opts]
  cpus = "1"
[memory]
  size = "1024M"
[object "rng0"]
  qom-type = "rng-random"
  filename = "/dev/urandom"
[device "rng-device0"]
  driver = "virtio-rng-pci"
  rng = "rng0"
[device "balloon0"]
  driver = "virtio-balloon"
  free-page-reporting = "on"
[device "vmgenid0"]
  driver = "vmgenid"
  guid = "b6ff6f7c-04b1-4e03-8910-cfb6357c1171"
[accel]
  accel = "tcg"
"""
VMSPAWN_PORT = """
[device "vmspawn-hotplug-pci-root-port-{number}"]
  driver = "pcie-root-port"
  chassis = "{chassis}"
  slot = "{chassis}"
  addr = "{slot:#x}.{function}"
  multifunction = "{first}"
"""
EXTRA = "io.systemd.{}.kernel-cmdline-extra="


@fed
def test_vmspawn(firmware, bench, tmp_path):
    """As "systemd-vmspawn --firmware=90-qboot.json --linux=UKI" starts QEMU: eleven root ports, and
    the extra command line and credentials in SMBIOS strings of type 11."""
    uki = Uki(tmp_path, RELEASES[2], initrd=4 * MIB)
    ports = "".join(VMSPAWN_PORT.format(number=n, chassis=n + 1, slot=0x10 + n // 8, function=n % 8,
                                        first="off" if n % 8 else "on") for n in range(11))
    strings = {"stub": "extra=1 list=a,b", "boot": "extra=2"}
    for name, text in strings.items():
        (tmp_path / name).write_text(EXTRA.format(name) + text, encoding="ascii")
    (tmp_path / "config").write_text(VMSPAWN_CONFIG + ports, encoding="ascii")
    args = ["-no-user-config", "-nic", "none", "-cpu", "max,hv_relaxed,hv-vapic,hv-time",
            "-nographic", "-nodefaults", "-serial", "chardev:serial", "-bios", firmware,
            "-kernel", uki.path, "-smbios", f"type=11,path={tmp_path}/stub",
            "-smbios", f"type=11,path={tmp_path}/boot",
            "-smbios", "type=11,value=io.systemd.credential.binary:vmm.notify_socket=dg==",
            "-readconfig", f"{tmp_path}/config"]
    with bench.vm(args, seconds=SECONDS) as vm:
        found = uki.check(vm, CONSOLE + " " + strings["stub"])
        vm.check(found.get("vendor") == "QEMU", "no SMBIOS in the guest")


# ---- What cannot be booted ----

SBAT = b"sbat,1,SBAT Version,sbat,1,https://example.org\n%s,1,Example,%s,1,https://example.org\n"
LINUX, INITRD, CMDLINE = range(3)
IN_UKI = "the kernel in the UKI given with -kernel "


def section(number, field):
    """Where a field of a section header is."""
    return TABLE + 40 * number + {"name": 0, "virtual": 8, "raw": 16, "offset": 20}[field]


# name, offset of the change, its format, its value, what is said
MALFORMED = [
    ("zm", 0, "<H", 0x4d5a, "is no kernel known here (0x"),
    ("zboot", 4, "<4s", b"zimg", "is a compressed EFI kernel (zboot); a Linux bzImage"),
    ("no-pe-offset", 0x3c, "<I", 0, "begins as a DOS program and has no PE header"),
    ("pe-offset-63", 0x3c, "<I", 63, "begins as a DOS program and has no PE header"),
    ("pe-offset-64", 0x3c, "<I", 64, "begins as a DOS program and has no PE header"),
    ("pe-offset-in-kernel", 0x3c, "<I", 0x2000, "begins as a DOS program and has no PE header"),
    ("pe-offset-behind", 0x3c, "<I", 0x7fffffff, "its headers end at 0x80000019; it was cut"),
    ("pe-offset-4g", 0x3c, "<I", 0xffffffff, "its headers end at 0x100000019; it was cut"),
    ("ne", PE_OFFSET, "<I", 0x454e, "begins as a DOS program and has no PE header"),
    ("no-signature", PE_OFFSET, "<I", 0, "begins as a DOS program and has no PE header"),
    ("i386", PE_OFFSET + 4, "<H", 0x14c, "is an EFI program for 32-bit x86 (machine 0x014c)"),
    ("arm", PE_OFFSET + 4, "<H", 0x1c2, "is an EFI program for 32-bit ARM (machine 0x01c2)"),
    ("aarch64", PE_OFFSET + 4, "<H", 0xaa64, "is an EFI program for AArch64 (machine 0xaa64)"),
    ("riscv64", PE_OFFSET + 4, "<H", 0x5064, "is an EFI program for RISC-V (machine 0x5064)"),
    ("loongarch", PE_OFFSET + 4, "<H", 0x6264, "is an EFI program for LoongArch (machine 0x6264)"),
    ("no-machine", PE_OFFSET + 4, "<H", 0, "is an EFI program for an unknown processor (machine"),
    ("no-sections", PE_OFFSET + 6, "<H", 0, "is the EFI application \"without a name\", not a UKI"),
    ("too-many-sections", PE_OFFSET + 6, "<H", 0xffff, "its headers end at 0x280160; it was cut"),
    ("no-optional-header", PE_OFFSET + 20, "<H", 0, "has an optional header 0x0; a UKI"),
    ("odd-optional-header", PE_OFFSET + 20, "<H", 239, "is the EFI application"),
    ("long-optional-header", PE_OFFSET + 20, "<H", 0xffff, "its headers end at 0x10"),
    ("pe32", PE_OFFSET + 24, "<H", 0x10b, "has an optional header 0x10b; a UKI for x86-64"),
    ("rom-image", PE_OFFSET + 24, "<H", 0x107, "has an optional header 0x107; a UKI for x86-64"),
    ("no-kernel", section(LINUX, "name"), "<8s", b".Linux", "is an add-on to a UKI (no .sbat"),
    ("long-name", section(LINUX, "name"), "<8s", b".linux2", "is an add-on to a UKI"),
    ("empty-in-memory", section(LINUX, "virtual"), "<I", 0, "is an add-on to a UKI"),
    ("empty-in-file", section(LINUX, "raw"), "<I", 0, "is an add-on to a UKI"),
    ("tiny-kernel", section(LINUX, "virtual"), "<I", 1, "has a kernel of 1 bytes, "),
    ("kernel-behind", section(LINUX, "offset"), "<I", 0x7fffffff, "its section .linux of "),
    ("kernel-at-4g", section(LINUX, "offset"), "<I", 0xffffffff, "its section .linux of "),
    ("kernel-in-headers", section(LINUX, "offset"), "<I", 0x100, "at 0x100, where the headers or"),
    ("initrd-behind", section(INITRD, "offset"), "<I", 0x10000000, "its section .initrd of "),
    ("initrd-at-4g", section(INITRD, "offset"), "<I", 0xfffffff0, "its section .initrd of "),
    ("initrd-in-kernel", section(INITRD, "offset"), "<I", 0x800, "has its section .initrd of "),
    ("initrd-in-headers", section(INITRD, "offset"), "<I", 0, "has its section .initrd of "),
    ("cmdline-behind", section(CMDLINE, "offset"), "<I", 0x10000000, "its section .cmdline of "),
    ("cmdline-in-kernel", section(CMDLINE, "offset"), "<I", 0x800, "has its section .cmdline of "),
    ("kernel-version", "kernel+0x206", "<H", 0x200, IN_UKI + "has a version"),
    ("kernel-low", "kernel+0x211", "<B", 0, IN_UKI + "has a 16-bit entry"),
    ("kernel-boot-flag", "kernel+0x1fe", "<H", 0, IN_UKI + "is no kernel known here"),
    ("kernel-alignment", "kernel+0x230", "<I", 3, IN_UKI + "has an alignment"),
    ("kernel-setup", "kernel+0x1f1", "<B", 255, "bytes, 131072 of them for real mode"),
    ("kernel-too-large", "kernel+0x260", "<I", 0x70000000, "the kernel needs 1792 MiB of memory"),
]


def good_file():
    """A UKI of the test kernel, and where its parts are."""
    kernel = own_guest.kernel("bz64.img").read_bytes()
    return uki_files.pe((".linux", kernel), (".initrd", uki_files.blob(3000)),
                        (".cmdline", f"expect.ram={128 * MIB}".encode()))


def run(vm, words):
    """The firmware says WORDS in one line, and ends QEMU."""
    status = vm.wait_exit(60)
    debug = vm.debug_output().decode("latin-1").splitlines()
    vm.check(len(debug) == 1 and debug[0].startswith("qboot: boot: ") and words in debug[0],
             f"no message with {words!r}")
    vm.check(len(debug[0]) < 255, "the message is cut")
    vm.check(vm.serial.decode("latin-1").splitlines() == debug, "another message on COM1")
    vm.check(status == own_guest.STATUS_PANIC, f"QEMU's exit status is {status}")


@pytest.fixture(name="diagnose")
def _diagnose(bench, tmp_path):
    """A function that boots a file and expects WORDS."""

    def diagnose(data, words, *more):
        (tmp_path / "file").write_bytes(data)
        with start(bench, tmp_path / "file", memory="128", more=[*own_guest.EXIT, *more],
                   seconds=60) as vm:
            run(vm, words)

    return diagnose


@pytest.mark.parametrize("case", MALFORMED, ids=lambda case: case[0])
def test_malformed(case, diagnose):
    """One field is wrong, one line says so."""
    _, offset, form, value, words = case
    data, places = good_file()
    if isinstance(offset, str):
        offset = places[".linux"] + int(offset.split("+")[1], 16)
    struct.pack_into(form, data, offset, value)
    diagnose(data, words)


CUTS = [("behind-setup", lambda places: 2560), ("kernel", lambda places: 0xe00),
        ("before-initrd", lambda places: places[".initrd"]),
        ("initrd", lambda places: places[".initrd"] + 2999),
        ("before-cmdline", lambda places: places[".cmdline"]),
        ("cmdline", lambda places: places[".cmdline"] + 1)]


@pytest.mark.parametrize("case", CUTS, ids=lambda case: case[0])
def test_truncated(case, diagnose):
    """A file that ends early.  QEMU itself refuses one that is shorter than a kernel's setup."""
    data, places = good_file()
    diagnose(data[:case[1](places)], " ends at 0x")


def test_profile_that_is_none(diagnose):
    """A number that no profile has."""
    data, _ = good_file()
    diagnose(data, "has 0 profiles, counted from 0, not number 7; change opt/org.qboot/uki-profile",
             "-fw_cfg", OPTION + "7")


@pytest.mark.parametrize("name", ["shim", "grub", "systemd-boot", "systemd-addon"])
def test_other_applications(name, diagnose):
    """A PE file without a kernel says in .sbat what it is."""
    parts = [(".text", bytes(1000)), (".sbat", SBAT % (name.encode(), name.encode()))]
    words = f"is the EFI application \"{name}\", not a UKI: it has no .linux section"
    if name == "systemd-addon":
        parts.append((".cmdline", b"quiet"))
        words = "is an add-on to a UKI (systemd-addon): it has no kernel"
    data, _ = uki_files.pe(*parts)
    diagnose(data + bytes(2000), words)


@pytest.mark.parametrize("suite", sorted(ukify.PACKAGES))
def test_systemd_boot(suite, diagnose):
    """The boot loader of each release, and its stub without a kernel."""
    for program in (ukify.provide(suite) / ukify.BOOT, ukify.stub(suite)):
        name = "systemd-boot" if "boot" in program.name else "systemd-stub"
        if suite == "bookworm":         # both had one name in .sbat
            name = "systemd"
        diagnose(program.read_bytes(), f"is the EFI application \"{name}\", not a UKI")


@pytest.mark.parametrize("suite", ["trixie", "unstable"])
def test_addon(suite, diagnose, tmp_path):
    """An add-on as ukify makes it."""
    addon = tmp_path / "addon.efi"
    ukify.ukify(suite, "build", "--cmdline=quiet", f"--output={addon}",
                f"--stub={ukify.provide(suite) / ukify.ADDON}")
    diagnose(addon.read_bytes(), "is an add-on to a UKI")


OTHERS_ITEMS = {"entry.map.init_size", "boot_params", "kernel.address", "cmdline.length",
                "cmdline.equal-up-to", "initrd.count", "placement"}


def test_own_kernel(bench, tmp_path):
    """The undamaged file boots.  The test kernel finds all in order but what it compares with
    QEMU's own items, which are not those of the kernel in the file."""
    data, _ = good_file()
    (tmp_path / "file").write_bytes(data)
    with start(bench, tmp_path / "file", memory="128", more=own_guest.EXIT, seconds=60) as vm:
        vm.wait_exit(60)
        failed = set(re.findall(r"^FAIL ([\w.-]+):", vm.serial.decode("latin-1"), re.M))
        vm.check(b"GUEST linux64 boot 1" in vm.serial and not vm.debug_output(), "it does not run")
        vm.check(len(re.findall(rb"^OK ", vm.serial, re.M)) > 100, "it has not looked at much")
        vm.check(failed == OTHERS_ITEMS, f"the test kernel found {failed}")


def test_make_run(monkeypatch, tmp_path):
    """`make run` has no initrd for a UKI, which QEMU would refuse to take."""
    monkeypatch.delenv("INITRD", raising=False)
    uki = tmp_path / "image.efi"
    uki.write_bytes(uki_files.pe((".linux", bytes(1000)))[0])
    monkeypatch.setenv("KERNEL", str(uki))
    assert make_run.choose_kernel(tmp_path) == (uki, None, False)
    kernel = kernels.provide("cloud") / "vmlinuz"
    monkeypatch.setenv("KERNEL", str(kernel))
    assert make_run.choose_kernel(tmp_path) == (kernel, tmp_path / "initramfs.cpio", True)

"""Rows of compat_test.py: what Debian packages have to boot, and what each says.  Data only.

docs/compatibility.md has the results in words, and what cannot be seen on a serial port.
"""

import dataclasses
from pathlib import PurePath

from machines import Case

MACHINES = ("pc", "q35", "microvm")


@dataclasses.dataclass(frozen=True)
class Payload(Case):
    """One file of a package, on one machine."""
    package: str = ""
    path: PurePath = PurePath()     # of the file to boot, in the package
    says: str = ""                  # regular expression of what comes on the serial port
    suite: str = "bookworm"         # the release of Debian that has it, whatever the host is
    architecture: str = "amd64"
    initrd: str = ""                # a file beside it
    unpack: bool = False            # it is compressed by gzip
    refused: bool = False           # the firmware cannot boot it and says so
    alone: bool = False             # SeaBIOS boots it, too, but it speaks on the screen alone


def boots(name, package, path, says, append="", machines=MACHINES, **more):
    """A file on each of MACHINES."""
    return [Payload(f"{name}-{machine}", machine, append=append, package=package,
                    path=PurePath(path), says=says, **more) for machine in machines]


def refused(name, package, path, why, what="the file given with -kernel ", **more):
    """What cannot be booted, and the one line about it."""
    return boots(name, package, path, f"^qboot: boot: {what}{why}\r\n", refused=True, **more)


NEEDED = (r"; a Linux bzImage, a UKI, an ELF kernel with a PVH note, or a Multiboot kernel is "
          r"needed")


def installer(release, version, suite="bookworm", architecture="amd64"):
    """The kernel of Debian's installer with the initrd that belongs to it, whose shell answers."""
    directory = PurePath("usr/lib/debian-installer/images", release, architecture,
                         "text/debian-installer", architecture)
    return boots(f"installer-{release}-{architecture}",
                 f"debian-installer-{release}-netboot-{architecture}", directory / "linux",
                 rf"^shell of {version}\.\S+\r$", suite=suite, initrd="initrd.gz",
                 append="console=ttyS0 quiet panic=-1 tsc_early_khz=2000000 no_timer_check "
                        'rdinit=/bin/sh -- -c "echo shell of `uname -r`"', machines=("pc", "q35"))


SERIAL = "console=ttyS0,115200"

PAYLOADS = (
    *boots("memtest86+-5", "memtest86+", "boot/memtest86+_multiboot.bin", r"Memtest86  5\.01",
           SERIAL, suite="bullseye", alone=True, machines=("pc", "q35")),
    *boots("memtest86+-6", "memtest86+", "boot/memtest86+x64.bin", r"Memtest86\+ v6", SERIAL),
    *boots("memtest86+-6-ia32", "memtest86+", "boot/memtest86+ia32.bin", r"Memtest86\+ v6",
           SERIAL, machines=("q35",)),
    *boots("memtest86+-7", "memtest86+", "boot/memtest86+x64.bin", r"Memtest86\+ v7", SERIAL,
           suite="trixie", machines=("pc",)),
    *boots("memtest86+-8", "memtest86+", "boot/mt86+x64", r"Memtest86\+ v\d", SERIAL,
           suite="unstable", machines=("q35",)),
    *boots("gnumach", "gnumach-image-1.8-486", "boot/gnumach-1.8-486.gz", r"vm_page: DIRECTMAP: ",
           "console=com0", architecture="i386", unpack=True),
    *refused("gnumach-gz", "gnumach-image-1.8-486", "boot/gnumach-1.8-486.gz",
             r"is compressed by gzip; this firmware starts kernels as they are, unpack it first: "
             r"gunzip", architecture="i386"),
    *refused("ipxe", "ipxe", "boot/ipxe.lkrn",
             f"has a 16-bit entry only, as iPXE and other boot loaders do{NEEDED}"),
    *refused("memdisk", "syslinux-common", "usr/lib/syslinux/memdisk",
             f"is a loader that needs BIOS services, of which this firmware has none{NEEDED}"),
    *refused("grub-stage2", "grub-legacy", "usr/lib/grub/x86_64-pc/stage2",
             rf"is no kernel known here \(0x[0-9a-f]{{8}} at offset 0x202\){NEEDED}"),
    *refused("shim", "shim-unsigned", "usr/lib/shim/shimx64.efi",
             'is the EFI application "shim", not a UKI: it has no .linux section; give a Linux '
             "kernel or a UKI, or boot this with UEFI firmware"),
    *refused("u-boot", "u-boot-qemu", "usr/lib/u-boot/qemu-x86/uboot.elf",
             r"lies from 0xfff00000 to 0x[0-9a-f]+; from 0xfec00000 to 0x100000000 there is no RAM "
             r"for it on a PC, link it to other addresses", what="the ELF kernel "),
    *installer("11", r"5\.10", "bullseye"),
    *installer("12", r"6\.1"),
    *installer("12", r"6\.1", architecture="i386"),
    *installer("13", r"6\.12", "trixie"),
)

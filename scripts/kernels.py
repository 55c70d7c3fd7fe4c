#!/usr/bin/env python3
"""Debian's current Linux kernels, unpacked for tests and for `make run`.

    kernels.py [--refresh] NAME...      NAME: a key of KERNELS below

Contract: prints one directory for each NAME on stdout.  The directory holds

    vmlinuz     the bzImage           release     the kernel's version, as `uname -r` prints it
    vmlinux     the ELF inside it     busybox     static, for the same architecture
    config      its configuration     modules/    its modules (the families that a guest needs)

It lies in the cache ($QBOOT_CACHE, by default ${XDG_CACHE_HOME:-~/.cache}/qboot).  What is there is
taken without asking the network; --refresh fetches the newest again.  A directory is complete or
absent, and two runs at once fetch once.  When a download failed, importers (the tests) are told so
without another try for ten minutes; the command line always tries.  i386 kernels come from Debian
12, the last release that has them, where the host's is newer.  Root is not needed, dpkg's
architectures are not changed.
"""

import argparse
import gzip
import re
import shutil
import struct
import subprocess
import sys
import time

import debian

# name: (architecture, package that depends on the current kernel, and a release if not the host's)
KERNELS = {
    "cloud": ("amd64", "linux-image-cloud-amd64"),
    "cloud-bullseye": ("amd64", "linux-image-cloud-amd64", "bullseye"),
    "cloud-trixie": ("amd64", "linux-image-cloud-amd64", "trixie"),
    "cloud-unstable": ("amd64", "linux-image-cloud-amd64", "unstable"),
    "generic": ("amd64", "linux-image-amd64"),
    "i386": ("i386", "linux-image-686-pae"),
    "rt": ("amd64", "linux-image-rt-amd64"),
    "i386-nopae": ("i386", "linux-image-686"),
    "i386-bullseye": ("i386", "linux-image-686", "bullseye"),
}

LAST_I386 = "bookworm"
RETRY_SECONDS = 600

# Module families that a guest of these tests can do without: nine tenths of the bytes.
USELESS_MODULES = ("sound", "drivers/gpu", "drivers/media", "drivers/staging", "drivers/infiniband",
                   "drivers/isdn", "drivers/iio", "drivers/net/wireless", "drivers/video",
                   "drivers/hwmon", "drivers/usb", "drivers/hid", "drivers/input",
                   "net/wireless", "net/mac80211", "net/bluetooth")

# First bytes of a compressed kernel: the program that unpacks it.
DECOMPRESSORS = (
    (b"\xfd7zXZ\0", ["xz", "-dc"]),
    (b"\x28\xb5\x2f\xfd", ["zstd", "-dc"]),
    (b"\x02\x21\x4c\x18", ["lz4", "-dc"]),
    (b"BZh", ["bzip2", "-dc"]),
    (b"\x5d\x00\x00", ["xz", "--format=lzma", "-dc"]),
)


def extract_vmlinux(bzimage):
    """The ELF inside a bzImage's bytes (Linux Documentation/arch/x86/boot.rst, payload_offset)."""
    if bzimage[0x202:0x206] != b"HdrS":
        raise debian.Error("not a bzImage: no HdrS")
    setup_sectors = bzimage[0x1f1] or 4
    offset, length = struct.unpack_from("<II", bzimage, 0x248)
    start = (setup_sectors + 1) * 512 + offset
    payload = bzimage[start:start + length]
    vmlinux = _decompress(payload)
    if vmlinux[:4] != b"\x7fELF":
        raise debian.Error("the payload of the bzImage is no ELF file")
    return vmlinux


def _decompress(payload):
    if payload[:4] == b"\x7fELF":
        return payload
    if payload[:2] == b"\x1f\x8b":
        return gzip.decompress(payload)
    for magic, command in DECOMPRESSORS:
        if payload.startswith(magic):
            # All but gzip end with the unpacked size in four bytes of Linux's own.
            try:
                done = subprocess.run(command, input=payload[:-4], stdout=subprocess.PIPE,
                                      check=True)
            except (OSError, subprocess.CalledProcessError) as error:
                raise debian.Error(f"cannot unpack vmlinux: {error}") from error
            return done.stdout
    raise debian.Error(f"unknown compression of the kernel: it begins with {payload[:6].hex()}")


def _prune(modules):
    for family in USELESS_MODULES:
        shutil.rmtree(modules / "kernel" / family, ignore_errors=True)


def _one_of(root, *names):
    for name in names:
        if (root / name).exists():
            return root / name
    raise debian.Error(f"the packages have none of {', '.join(map(str, names))}")


def fetch(name, directory):
    """Fills DIRECTORY with the kernel NAME, from the network."""
    architecture, metapackage, *suite = KERNELS[name]
    archive = debian.Archive(architecture, *suite)
    try:
        described = archive.describe(metapackage)
    except debian.Error:
        if architecture != "i386":
            raise
        archive = debian.Archive(architecture, LAST_I386)
        described = archive.describe(metapackage)
    image = re.search(r"\blinux-image-\d[\w.+-]+", described.get("Depends", ""))
    if not image:
        raise debian.Error(f"{metapackage} depends on no kernel")
    release = image[0].removeprefix("linux-image-")
    # From Linux 7 on the image's package is empty, and these have what it had.
    parts = re.findall(rf"\blinux-(?:base|binary|modules)-{re.escape(release)}(?= |,|$)",
                       archive.describe(image[0]).get("Depends", ""))
    raw = directory / "raw"
    for package in (image[0], *parts, "busybox-static"):
        archive.unpack(package, raw)

    # From Debian 13 on, what was in / is in /usr; from Linux 7 on all is with the modules.
    modules = _one_of(raw, f"lib/modules/{release}", f"usr/lib/modules/{release}")
    (directory / "release").write_text(release + "\n", encoding="ascii")
    for name in ("vmlinuz", "config"):
        _one_of(raw, f"boot/{name}-{release}", modules / name).rename(directory / name)
    shutil.copy2(_one_of(raw, "bin/busybox", "usr/bin/busybox"), directory / "busybox")
    _prune(modules)
    modules.rename(directory / "modules")
    shutil.rmtree(raw)
    (directory / "vmlinux").write_bytes(extract_vmlinux((directory / "vmlinuz").read_bytes()))


def _failed_lately(failed):
    """Raises what another process was told, if that is not long ago."""
    try:
        age = time.time() - failed.stat().st_mtime
        why = failed.read_text("utf-8")
    except OSError:
        return
    if 0 <= age < RETRY_SECONDS:
        raise debian.Error(f"{why} ({age:.0f} s ago; 'make kernels' tries again)")


def provide(name, refresh=False, insist=False):
    """The directory of the kernel NAME; fetched if it is not there.  INSIST: even if that failed a
    moment ago."""
    directory = debian.cache_root() / "kernels" / name
    failed = debian.cache_root() / "locks" / f"{name}.failed"
    if directory.is_dir() and not refresh:
        return directory
    architecture = KERNELS[name][0]
    with debian.locked(f"apt-{architecture}"):
        if directory.is_dir() and not refresh:
            return directory
        if not insist:
            _failed_lately(failed)
        start = time.monotonic()
        debian.progress(f"fetching the Debian kernel '{name}' into {directory.parent}")
        try:
            with debian.replacing(directory) as fresh:
                fetch(name, fresh)
        except debian.Error as error:
            failed.write_text(str(error), encoding="utf-8")
            raise
        failed.unlink(missing_ok=True)
        release = (directory / "release").read_text("ascii").strip()
        debian.progress(f"{name}: Linux {release}, {time.monotonic() - start:.0f} s")
    return directory


def main():
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--refresh", action="store_true", help="fetch even what is in the cache")
    parser.add_argument("names", nargs="+", choices=sorted(KERNELS), metavar="NAME",
                        help=", ".join(KERNELS))
    options = parser.parse_args()
    try:
        for name in options.names:
            print(provide(name, options.refresh, insist=True))
    except debian.Error as error:
        print(f"kernels.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

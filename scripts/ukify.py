#!/usr/bin/env python3
"""Debian's tools that make Unified Kernel Images, run without installing them.

    ukify.py SUITE [ARGUMENT...]    SUITE: bookworm, trixie or unstable; runs its ukify

Contract: what is needed (systemd-stub, ukify, the Python module it wants) is fetched into the
cache once, see debian.py, and nothing is installed.  Bookworm has no ukify: there stub() gives the
EFI stub that objcopy() puts sections into, as that release's systemd-stub(7) tells.
"""

import os
import subprocess
import sys

import debian

PACKAGES = {
    "bookworm": ("systemd-boot-efi",),
    "trixie": ("systemd-boot-efi", "systemd-ukify", "python3-pefile"),
    "unstable": ("systemd-boot-efi", "systemd-ukify", "python3-pefile"),
}
STUB = "usr/lib/systemd/boot/efi/linuxx64.efi.stub"
ADDON = "usr/lib/systemd/boot/efi/addonx64.efi.stub"
BOOT = "usr/lib/systemd/boot/efi/systemd-bootx64.efi"
FIRST_VMA = 0x100000            # above what the stub itself takes


def provide(suite):
    """The directory that the packages of SUITE are unpacked in."""
    directory = debian.cache_root() / f"ukify-{suite}"
    with debian.locked(f"ukify-{suite}"):
        if not directory.is_dir():
            archive = debian.Archive("amd64", suite)
            with debian.replacing(directory) as fresh:
                for package in PACKAGES[suite]:
                    archive.unpack(package, fresh)
    return directory


def stub(suite):
    """The EFI stub that goes in front."""
    return provide(suite) / STUB


def ukify(suite, *arguments):
    """Runs the release's ukify; what it says is in the error if it fails."""
    root = provide(suite)
    program = next(path for path in (root / "usr/bin/ukify", root / "usr/lib/systemd/ukify")
                   if path.is_file())
    environment = dict(os.environ, PYTHONPATH=str(root / "usr/lib/python3/dist-packages"))
    debian.run([sys.executable, str(program), *map(str, arguments)], env=environment)


def objcopy(front, out, sections):
    """Puts SECTIONS, pairs of a name and a file, into the PE file FRONT."""
    arguments, vma = [], FIRST_VMA
    for name, path in sections:
        arguments += ["--add-section", f"{name}={path}", "--change-section-vma", f"{name}={vma:#x}"]
        vma = (vma + os.path.getsize(path) + 0x1fff) & ~0xfff
    debian.run(["objcopy", *arguments, str(front), str(out)])


def main(arguments):
    """The command line; returns the exit status."""
    if not arguments or arguments[0] not in PACKAGES:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        ukify(*arguments)
    except (debian.Error, subprocess.SubprocessError) as error:
        print(f"ukify.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Programs of this host in a guest's initramfs, with the libraries that they need.

Contract: what the host lacks is a SKIP that names it.
"""

import re
import shutil
import stat
import subprocess

import pytest


def _add_file(archive, name, path):
    """Appends a file, and before it the directories on the way to it."""
    parts = name.split("/")
    for count in range(1, len(parts)):
        archive.add("/".join(parts[:count]), stat.S_IFDIR | 0o755)
    with open(path, "rb") as file:
        archive.add(name, stat.S_IFREG | 0o755, file.read())


def add(archive, program, name):
    """Puts PROGRAM into the archive as NAME."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    if not path:
        pytest.skip(f"no {program}")
    _add_file(archive, name, path)
    said = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
    libraries = re.findall(r"(/\S+) \(0x", said)
    # This one is opened at run time, by name.
    libraries += [re.sub(r"esys\.so.*", "tcti-device.so.0", path) for path in libraries
                  if "libtss2-esys.so" in path]
    for library in libraries:
        _add_file(archive, library.lstrip("/"), library)


def add_tpm_tools(archive, _):
    """tpm2-tools, which is one program with many names; one of the TOOLS of machines.py."""
    add(archive, "tpm2_pcrread", "bin/tpm2")
    for tool in ("tpm2_pcrread", "tpm2_pcrextend"):
        archive.add(f"bin/{tool}", stat.S_IFLNK | 0o777, b"tpm2")

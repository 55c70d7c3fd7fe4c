"""Boots what Debian packages have: kernels, loaders and tools that nobody here wrote or tuned for.

Contract: the rows are in compat_cases.py.  Each is fetched into the cache, booted on its machines,
and must say what the row has; what cannot be booted says why in one line.  What can be
booted says the same under SeaBIOS, QEMU's own firmware.
"""

import gzip

import pytest

import compat_cases
import debian
from vm import Vm

SECONDS = 120


def fetch(payload):
    """The package, unpacked into the cache."""
    name = "-".join(filter(None, (payload.package, payload.suite, payload.architecture)))
    directory = debian.cache_root() / "packages" / name
    with debian.locked(f"apt-{payload.architecture}"):
        if not directory.is_dir():
            with debian.replacing(directory) as fresh:
                debian.Archive(payload.architecture, payload.suite).unpack(payload.package, fresh)
    return directory


def kernel_of(payload, directory):
    """The file to boot, as it is or unpacked into DIRECTORY."""
    file = fetch(payload) / payload.path
    assert file.is_file(), f"{payload.package} has no {payload.path} any more"
    if not payload.unpack:
        return file
    unpacked = directory / file.stem
    unpacked.write_bytes(gzip.decompress(file.read_bytes()))
    return unpacked


def start(payload, machine, kernel, qemu, directory, firmware):
    """The machine; FIRMWARE None means QEMU's own."""
    directory.mkdir()
    arguments = ["-M", machine, "-accel", "tcg", "-m", "512M", "-nodefaults", "-no-user-config",
                 "-display", "none", "-no-reboot", "-serial", "chardev:serial",
                 "-kernel", str(kernel), "-append", payload.append]
    if payload.initrd:
        arguments += ["-initrd", str(fetch(payload) / payload.path.parent / payload.initrd)]
    if firmware:
        arguments += ["-bios", str(firmware)]
    return Vm(qemu(), [*arguments, *payload.options.split()], directory, SECONDS)


ROWS = [pytest.param(payload, machine, id=f"{payload.name}-{machine}")
        for payload in compat_cases.PAYLOADS for machine in payload.machines]


@pytest.mark.parametrize("payload, machine", ROWS)
def test_payload(payload, machine, firmware, qemu, tmp_path):
    """It says what it shall, and the same under SeaBIOS; what is refused says why, once."""
    kernel = kernel_of(payload, tmp_path)
    with start(payload, machine, kernel, qemu, tmp_path / "ours", firmware) as vm:
        vm.wait_for(payload.says.encode(), SECONDS)
        if payload.refused:
            vm.check(vm.serial.count(b"\n") == 1, "more than one line")
    if not payload.refused and not payload.alone:
        with start(payload, machine, kernel, qemu, tmp_path / "seabios", None) as vm:
            vm.wait_for(payload.says.encode(), SECONDS)

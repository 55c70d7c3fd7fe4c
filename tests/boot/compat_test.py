"""Boots what Debian packages have: kernels, loaders and tools that nobody here wrote or tuned for.

Contract: the rows are in compat_cases.py.  Each is fetched into the cache, booted on its machines,
and must say what the row has; what cannot be booted says why in one line.  What can be
booted says the same under SeaBIOS, QEMU's own firmware.
"""

import gzip

import pytest

import compat_cases
import debian
from machines import OURS, rows

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


@pytest.mark.parametrize("payload", rows(compat_cases.PAYLOADS))
def test_payload(payload, bench, tmp_path):
    """It says what it shall, and the same under SeaBIOS; what is refused says why, once."""
    kernel = kernel_of(payload, tmp_path)
    initrd = fetch(payload) / payload.path.parent / payload.initrd if payload.initrd else None
    for firmware in (OURS,) if payload.refused or payload.alone else (OURS, None):
        with bench.start(payload, kernel, initrd, payload.append, firmware=firmware) as vm:
            vm.wait_for(payload.says.encode(), SECONDS)
            if payload.refused:
                vm.check(vm.serial.count(b"\n") == 1, "more than one line")

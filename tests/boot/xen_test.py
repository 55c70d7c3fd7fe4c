"""Boots Debian's Xen by Multiboot, with Linux as its dom0, up to dom0's init.

Contract: Xen starts its processors by a trampoline in real mode that calls the BIOS, which the
firmware answers with "not supported", once in words on the debug console.  dom0 is the generic
kernel with the initramfs of the other tests; it says what it found and switches the machine off.
The hypervisor is fetched into the cache.
"""

import gzip
import re

import pytest

import debian
from machines import Case
from vm import facts

SECONDS = 300
PACKAGE = "xen-system-amd64"        # depends on the hypervisor that the host's release has
BIOS_CALL = (r'qboot: bios: the kernel calls interrupt 0x00[0-9a-f]{2} with AX 0x[0-9a-f]{4}; this '
             r'firmware has no BIOS services, the answer is "not supported"')


def fetch(directory, suite):
    """The hypervisor of a release, None: the host's, unpacked into DIRECTORY."""
    archive = debian.Archive("amd64", suite)
    name = re.search(r"xen-hypervisor-[\w.+-]+", archive.describe(PACKAGE)["Depends"])
    if not name:
        raise debian.Error(f"{PACKAGE} depends on no hypervisor")
    archive.unpack(name[0], directory / "raw")
    images = list((directory / "raw" / "boot").glob("xen-*.gz"))
    if len(images) != 1:
        raise debian.Error(f"{name[0]} has not one compressed hypervisor, but {len(images)}")
    (directory / "xen").write_bytes(gzip.decompress(images[0].read_bytes()))


def provide(suite):
    """The hypervisor, an ELF file of 32 bits."""
    directory = debian.cache_root() / (f"xen-{suite}" if suite else "xen")
    with debian.locked("apt-amd64"):
        if not directory.is_dir():
            with debian.replacing(directory) as fresh:
                fetch(fresh, suite)
    return directory / "xen"


@pytest.mark.parametrize("machine, cpus, suite", [
    pytest.param(machine, cpus, suite, id="-".join(filter(None, (machine, str(cpus), suite))))
    for suite in (None, "bullseye", "trixie") for machine in ("pc", "q35")
    for cpus in ((1, 2) if suite is None else (2,))])
def test_xen(machine, cpus, suite, bench, initrds):
    """Xen starts all processors, and dom0's init counts them."""
    xen = provide(suite)
    kernel, initrd = initrds.provide("generic")
    dom0 = f"{kernel / 'vmlinux'} console=hvc0 qb.test=facts qb.end=poweroff,{initrd}"
    with bench.start(Case("", machine, memory="1G", cpus=cpus), xen, dom0,
                     "com1=115200 console=com1", seconds=5 * SECONDS) as vm:
        vm.wait_for(rb"^QB done", SECONDS)
        status = vm.wait_exit(SECONDS)
        vm.check(status == 0, f"QEMU ended with status {status}")
        vm.check(re.search(rf"^\(XEN\) .*\b{cpus} CPUs?\b".encode(), vm.serial, re.M),
                 f"Xen did not say that it has {cpus} processors")
        vm.check(facts(vm.serial)["cpus"] == [str(cpus)], "dom0 has another number of processors")
        debug = vm.debug_output().decode("latin-1").splitlines()
        vm.check(len(debug) == 1 and re.fullmatch(BIOS_CALL, debug[0]),
                 "not one line about a BIOS call")

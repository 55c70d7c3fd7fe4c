#!/usr/bin/env python3
"""A small busybox initramfs for one of the kernels of kernels.py.

    initramfs.py KERNEL_DIRECTORY [OUT]     OUT: by default KERNEL_DIRECTORY/initramfs.cpio

Contract: writes a cpio archive (newc, not compressed: unpacking costs the guest more than loading)
with busybox, the modules below that the kernel has and what they depend on, and guest-init.sh as
/init with guest-setup.sh as /setup; prints its path.  The same inputs give the same bytes.
Replaced atomically, and only when it would change.  Neither root nor a cpio or depmod program is
needed.
"""

import os
from pathlib import Path
import re
import stat
import sys
import tempfile

# Drivers of QEMU's devices, and the filesystem of the test disk.
MODULES = ("virtio_pci", "virtio_mmio", "virtio_blk", "virtio_net", "virtio_console", "virtio_scsi",
           "virtio_rng", "ahci", "ata_piix", "sym53c8xx", "sd_mod", "sr_mod", "nvme", "e1000",
           "e1000e", "igb", "igbvf", "isofs")

DIRECTORIES = ("bin", "dev", "etc", "lib", "lib/modules", "proc", "root", "sys", "tmp")

DHCP_SCRIPT = """#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr add "$ip/$mask" dev "$interface"
[ -z "$router" ] || ip route add default via "${router%% *}"
"""


class Cpio:
    """A cpio archive in the kernel's newc format (Documentation/driver-api/early-userspace)."""

    def __init__(self):
        self.data = bytearray()
        self.inode = 0

    def add(self, name, mode, body=b"", device=(0, 0)):
        """Appends an entry; owner root, time 0."""
        self.inode += 1
        encoded = name.encode() + b"\0"
        fields = (self.inode, mode, 0, 0, 1, 0, len(body), 0, 0, *device, len(encoded), 0)
        self.data += b"070701" + b"".join(b"%08x" % field for field in fields) + encoded
        self._align()
        self.data += body
        self._align()

    def _align(self):
        self.data += bytes(-len(self.data) % 4)

    def finish(self):
        """The whole archive."""
        self.inode = -1
        self.add("TRAILER!!!", 0)
        return bytes(self.data)


def canonical(module):
    """A module's name as the kernel spells it."""
    return module.replace("-", "_")


class Modules:
    """The modules of one kernel, by canonical name."""

    def __init__(self, directory):
        self.directory = directory
        self.files = {}
        for path in sorted((directory / "kernel").rglob("*.ko*")):
            self.files[canonical(path.name.split(".ko")[0])] = path
        self.content = {}

    def read(self, module):
        """The bytes of a module, unpacked: Debian 13 ships them compressed."""
        if module not in self.content:
            path = self.files[module]
            data = path.read_bytes()
            if path.suffix == ".xz":
                import lzma     # not every Python has it, and only this needs it
                data = lzma.decompress(data)
            self.content[module] = data
        return self.content[module]

    def info(self, module, key):
        """All values of KEY in a module's .modinfo."""
        pattern = b"\0" + key.encode() + rb"=([^\0]*)(?=\0)"
        return [value.decode() for value in re.findall(pattern, self.read(module))]

    def depends(self, module):
        """The modules that MODULE cannot be loaded without."""
        hard = [name for value in self.info(module, "depends") for name in value.split(",")]
        soft = [name for value in self.info(module, "softdep") if value.startswith("pre: ")
                for name in value[len("pre: "):].split()]
        return [canonical(name) for name in hard + soft if canonical(name) in self.files]

    def closure(self, wanted):
        """WANTED, as far as it exists, and all it depends on, each after what it depends on."""
        ordered = []

        def visit(module):
            if module not in ordered:
                for other in self.depends(module):
                    visit(other)
                ordered.append(module)

        for module in wanted:
            if module in self.files:
                visit(module)
        return ordered


def add_modules(cpio, modules, release, wanted=MODULES):
    """Puts WANTED and what they depend on into the archive, and the indexes that modprobe reads."""
    base = f"lib/modules/{release}"
    cpio.add(base, stat.S_IFDIR | 0o755)
    chosen = modules.closure(wanted)
    dependencies, aliases = [], []
    for module in chosen:
        cpio.add(f"{base}/{module}.ko", stat.S_IFREG | 0o644, modules.read(module))
        needs = [name for name in modules.closure([module]) if name != module]
        listed = "".join(f" {name}.ko" for name in reversed(needs))
        dependencies.append(f"{module}.ko:{listed}\n")
        aliases += [f"alias {alias} {module}\n" for alias in modules.info(module, "alias")]
    cpio.add(f"{base}/modules.dep", stat.S_IFREG | 0o644, "".join(dependencies).encode())
    cpio.add(f"{base}/modules.alias", stat.S_IFREG | 0o644, "".join(aliases).encode())


def build(kernel, init=None, modules=MODULES):
    """The archive's bytes for a kernel directory; INIT: another script than guest-init.sh."""
    release = (kernel / "release").read_text("ascii").strip()
    scripts = Path(__file__).resolve().parent
    cpio = Cpio()
    for name in DIRECTORIES:
        cpio.add(name, stat.S_IFDIR | 0o755)
    cpio.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
    cpio.add("dev/null", stat.S_IFCHR | 0o666, device=(1, 3))
    cpio.add("bin/busybox", stat.S_IFREG | 0o755, (kernel / "busybox").read_bytes())
    cpio.add("sbin", stat.S_IFLNK | 0o777, b"bin")     # the kernel calls /sbin/modprobe
    cpio.add("bin/sh", stat.S_IFLNK | 0o777, b"busybox")
    cpio.add("bin/dhcp", stat.S_IFREG | 0o755, DHCP_SCRIPT.encode())
    cpio.add("setup", stat.S_IFREG | 0o644, (scripts / "guest-setup.sh").read_bytes())
    cpio.add("init", stat.S_IFREG | 0o755, (init or scripts / "guest-init.sh").read_bytes())
    add_modules(cpio, Modules(kernel / "modules"), release, modules)
    return cpio.finish()


def provide(kernel, out=None):
    """Builds the archive for a kernel directory and returns its path."""
    kernel = Path(kernel)
    out = Path(out) if out else kernel / "initramfs.cpio"
    data = build(kernel)
    if not out.exists() or out.read_bytes() != data:
        handle, name = tempfile.mkstemp(prefix=f".{out.name}.", dir=out.parent)
        with os.fdopen(handle, "wb") as fresh:
            fresh.write(data)
        os.chmod(name, 0o644)
        os.rename(name, out)
    return out


def main(arguments):
    """The command line; returns the exit status."""
    if not 1 <= len(arguments) <= 2 or arguments[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        print(provide(*arguments))
    except OSError as error:
        print(f"initramfs.py: {error}; is {arguments[0]} a directory of kernels.py?",
              file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

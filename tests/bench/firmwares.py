"""The firmwares that a benchmark compares: ours and those installed on this machine."""

import dataclasses
import hashlib
from pathlib import Path
import re

import qemu


@dataclasses.dataclass(frozen=True)
class Firmware:
    """An image for -bios; .machines names the only ones that it is for, if any are."""

    name: str
    path: Path
    machines: tuple = ()
    markers: bool = False       # understands opt/org.qboot/markers

    def fits(self, machine):
        """Whether it is meant for a machine, such as "q35" or "microvm,acpi=off"."""
        kind = machine.split(",")[0]
        return not self.machines or ("microvm" if kind == "microvm" else "pc") in self.machines

    def described(self):
        """What tells this image from another, as plain data."""
        image = self.path.read_bytes()
        found = VERSION.search(image)
        return {"name": self.name, "path": str(self.path.resolve()),
                "version": found[1].decode("ascii") if found else "does not say",
                "sha256": hashlib.sha256(image).hexdigest()}


# In images: SMBIOS type 0 after the vendor, or the version of a Debian or upstream SeaBIOS.
VERSION = re.compile(rb"(?:qboot\0|(?=\d+\.\d+\.\d+-\w+-\d|rel-\d))([\w.+-]{3,40})\0")

# Name in the report, file, machines.
KNOWN = (("SeaBIOS", "bios-256k.bin", ("pc",)),
         ("SeaBIOS", "bios-microvm.bin", ("microvm",)),
         ("qboot.rom", "qboot.rom", ()),
         ("OVMF", "OVMF.fd", ("pc",)))

MORE_DIRECTORIES = ("/usr/share/qemu", "/usr/share/seabios", "/usr/share/ovmf", "/usr/share/OVMF",
                    "/usr/share/edk2/ovmf", "/usr/share/edk2-ovmf/x64", "/usr/share/edk2/x64")


def directories():
    """Where firmware may lie: what QEMU says, then where distributions put it."""
    said = qemu.ask(qemu.program(), "-L", "help").split("\n")
    return [Path(line.strip()) for line in (*said, *MORE_DIRECTORIES) if line.strip()]


def find():
    """Ours, if it is built, and the first of each kind in the directories."""
    found = []
    if qemu.FIRMWARE.is_file():
        found.append(Firmware("qboot.bin", qemu.FIRMWARE, markers=True))
    places = directories()
    files = {file for _, file, _ in KNOWN}
    for name, file, machines in KNOWN:
        paths = [place / file for place in places if (place / file).is_file()]
        # Debian's bios-microvm.bin is a link to qboot.rom; SeaBIOS's is elsewhere.
        paths = [path for path in paths if path.resolve().name not in files - {file}]
        if paths:
            found.append(Firmware(name, paths[0], machines))
    return found


def named(paths):
    """Those that the user names; files of the same name are told apart by their directories."""
    paths = [Path(path).resolve() for path in paths]
    for path in paths:
        if not path.is_file():
            raise qemu.Error(f"no firmware {path}")
    names = [path.name for path in paths]
    return [Firmware(path.name if names.count(path.name) == 1 else
                     f"{path.parent.name}/{path.name}", path) for path in paths]

"""Unified Kernel Images for tests: Debian's kernels packed by Debian's tools, and files made here.

Contract: build() writes into a given directory.  What it needs is fetched into the cache
(scripts/kernels.py, scripts/ukify.py).  pe() is for tests that damage what it returns.
"""

from pathlib import Path
import random
import stat
import struct

import initramfs
import ukify

MIB = 1 << 20
MICROCODE = "kernel/x86/microcode/AuthenticAMD.bin"
GUEST = Path(__file__).parent / "uki_guest.sh"


def blob(size):
    """That many bytes, always the same; each MiB begins with another byte, to tell them apart."""
    block = random.Random(size).randbytes(MIB - 1)
    return b"".join(bytes([n & 0xff]) + block for n in range(-(-size // MIB)))[:size]


def initrd(kernel, size):
    """An uncompressed initrd of about SIZE bytes, and the content of the file that fills it."""
    cpio = initramfs.Cpio()
    for name in ("bin", "dev"):
        cpio.add(name, stat.S_IFDIR | 0o755)
    cpio.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
    cpio.add("bin/busybox", stat.S_IFREG | 0o755, (kernel / "busybox").read_bytes())
    for name in ("sh", "mkdir", "mount", "uname", "cat", "wc", "tail", "sha256sum", "cut", "tr",
                 "grep", "poweroff"):
        cpio.add(f"bin/{name}", stat.S_IFLNK | 0o777, b"busybox")
    cpio.add("init", stat.S_IFREG | 0o755, GUEST.read_bytes())
    content = blob(size - len(cpio.data))
    cpio.add("blob", stat.S_IFREG | 0o644, content)
    return cpio.finish(), content


def microcode(size):
    """An early cpio archive with a file of SIZE bytes where microcode is."""
    cpio = initramfs.Cpio()
    for path in list(Path(MICROCODE).parents)[-2::-1]:
        cpio.add(str(path), stat.S_IFDIR | 0o755)
    cpio.add(MICROCODE, stat.S_IFREG | 0o644, blob(size))
    return cpio.finish()


def sections(directory, **parts):
    """Writes PARTS, each a name with its bytes or a path, and returns {name: path}."""
    paths = {}
    for name, part in parts.items():
        if isinstance(part, bytes):
            (directory / name).write_bytes(part)
            part = directory / name
        paths[name] = part
    return paths


def build(maker, directory, profiles=(), **parts):
    """Packs a UKI of PARTS (linux, initrd, ucode, cmdline, dtb) with a release's tools; PROFILES
    are command lines of more profiles."""
    out = directory / "uki.efi"
    paths = sections(directory, osrel=b"ID=test\n", **parts)
    if maker == "bookworm":
        ukify.objcopy(ukify.stub(maker), out, [(f".{name}", path) for name, path in paths.items()])
        return out
    words = {"linux": "linux", "initrd": "initrd", "ucode": "microcode", "cmdline": "cmdline",
             "dtb": "devicetree", "osrel": "os-release"}
    texts = ("cmdline", "osrel")        # of which a file is told by "@"
    options = [f"--{words[name]}={'@' if name in texts else ''}{path}"
               for name, path in paths.items()]
    options += [f"--stub={ukify.stub(maker)}", "--uname=test"]
    more = []
    for number, cmdline in enumerate(profiles):
        path = directory / f"profile{number}"
        ukify.ukify(maker, "build", f"--profile=ID=p{number}", f"--cmdline={cmdline}",
                    f"--stub={ukify.provide(maker) / ukify.ADDON}", f"--output={path}")
        more.append(f"--join-profile={path}")
    if profiles:
        options.append("--profile=ID=main")
    ukify.ukify(maker, "build", *options, *more, f"--output={out}")
    return out


PE_OFFSET = 0x80
TABLE = PE_OFFSET + 24 + 240


def pe(*parts, machine=0x8664, magic=0x20b):
    """A PE file of PARTS, each a name and its bytes, as a bytearray; and where each part is."""
    head = bytearray(PE_OFFSET)
    struct.pack_into("<H", head, 0, 0x5a4d)
    struct.pack_into("<I", head, 0x3c, len(head))
    head += struct.pack("<IHHIIIHH", 0x4550, machine, len(parts), 0, 0, 0, 240, 0x22e)
    head += struct.pack("<H238x", magic)
    offset = -(-(len(head) + 40 * len(parts)) // 512) * 512
    body, places = b"", {}
    for name, part in parts:
        head += struct.pack("<8s8I", name.encode(), len(part), 0x10000 + offset,
                            -(-len(part) // 512) * 512, offset, 0, 0, 0, 0x40000040)
        places[name] = offset
        part += bytes(-len(part) % 512)
        body += part
        offset += len(part)
    return head + bytes(-len(head) % 512) + body, places

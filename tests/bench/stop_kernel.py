"""Kernels that stop at their first instruction, and a firmware that does nothing.

Each stop selects a fw_cfg key that does not exist, which shows in a trace (fw_cfg_select), then
writes to isa-debug-exit at port 0x501, so QEMU ends at once with a status that says where: see
Stop. Nothing is assembled, so no tool is needed; the images are the same at every run.

    bzimage(), pvh()    the smallest kernels of each kind, of any size wanted
    uki(sections)       a Unified Kernel Image, without the EFI stub
    stopped(kernel)     a kernel of the user's, of the same size and header, that stops
    floor_rom()         stops at the reset vector: what QEMU costs without a firmware
"""

import enum
import struct

PORT = 0x501                    # isa-debug-exit's default
KEY_PORT = 0x510                # fw_cfg's selector
KEY = 0x3eff
SECTOR = 512


class Stop(enum.IntEnum):
    """The value written; QEMU's exit status is twice that plus one."""

    PVH = 0x10                  # ELF kernel, entry from its Xen note
    LINUX_16 = 0x11             # bzImage, real-mode setup code: SeaBIOS
    LINUX_32 = 0x12             # bzImage, 32-bit entry
    LINUX_64 = 0x13             # bzImage, 64-bit entry
    LINUX_EFI = 0x14            # bzImage as an EFI application: OVMF
    ELF = 0x15                  # ELF kernel without a note: Multiboot
    FLOOR = 0x1f

    @property
    def real_mode(self):
        """Whether the processor is in real mode there."""
        return self in (Stop.LINUX_16, Stop.FLOOR)

    @property
    def status(self):
        """QEMU's exit status."""
        return self.value * 2 + 1


def code(stop):
    """16 bytes at most; all but the operand size of a 16-bit OUT is the same in each mode."""
    load_key = (0xb6, KEY_PORT >> 8, 0xb2, KEY_PORT & 0xff, 0xb4, KEY >> 8, 0xb0, KEY & 0xff)
    out_key = (0xef,) if stop.real_mode else (0x66, 0xef)
    out_stop = (0xb2, PORT & 0xff, 0xb0, stop, 0xee, 0xf4)      # %dh is KEY_PORT's, as PORT's
    return bytes(load_key + out_key + out_stop)


def _put(image, offset, stop):
    body = code(stop)
    if 0 <= offset <= len(image) - len(body):
        image[offset:offset + len(body)] = body


def floor_rom():
    """64 KiB, of which the reset vector is used."""
    image = bytearray(65536)
    _put(image, 0xfff0, Stop.FLOOR)
    return bytes(image)


# Linux Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header".
SETUP_SECTS = 0x1f1
LOAD_ADDRESS = 0x100000
PREFERRED_ADDRESS = 0x1000000


def bzimage(size=4096):
    """A bzImage of protocol 2.15 with SIZE bytes to load and a 64-bit entry."""
    header = bytearray(0x1000)
    size = max(size, 4096)
    header[SETUP_SECTS] = len(header) // SECTOR - 1
    struct.pack_into("<I", header, 0x1f4, -(-size // 16))               # syssize
    header[0x1fe:0x206] = b"\x55\xaa\xeb\x6aHdrS"
    struct.pack_into("<H", header, 0x206, 0x20f)                        # version
    header[0x211] = 1                                                   # loadflags: LOADED_HIGH
    struct.pack_into("<I", header, 0x214, LOAD_ADDRESS)                 # code32_start
    struct.pack_into("<I", header, 0x22c, 0x7fffffff)                   # initrd_addr_max
    struct.pack_into("<I", header, 0x230, 0x200000)                     # kernel_alignment
    header[0x234] = 1                                                   # relocatable_kernel
    header[0x235] = 21                                                  # min_alignment
    struct.pack_into("<H", header, 0x236, 3)                            # 64-bit entry, above 4 GiB
    struct.pack_into("<I", header, 0x238, 2047)                         # cmdline_size
    struct.pack_into("<Q", header, 0x258, PREFERRED_ADDRESS)
    struct.pack_into("<I", header, 0x260, max(0x1000000, size))         # init_size
    return stopped(bytes(header) + bytes(size))


def uki(sections):
    """A PE32+ file for x86-64 with SECTIONS, pairs of a name and bytes, as a UKI has them."""
    optional_size, align = 0xf0, SECTOR
    image = b"MZ".ljust(0x3c, b"\0") + struct.pack("<I", 0x40)
    image += struct.pack("<4sHHIIIHH", b"PE\0\0", 0x8664, len(sections), 0, 0, 0, optional_size, 0)
    image += struct.pack("<H", 0x20b).ljust(optional_size, b"\0")
    offset, body = 0x1000, b""
    for name, content in sections:
        padded = content.ljust(-(-len(content) // align) * align, b"\0")
        image += struct.pack("<8sIIII16x", name.encode(), len(content), offset, len(padded),
                             offset)
        offset += len(padded)
        body += padded
    return image.ljust(0x1000, b"\0") + body


def pvh(size=0):
    """A 32-bit ELF kernel with a PVH note and SIZE bytes of data beside its code."""
    note = struct.pack("<III4sI", 4, 4, 18, b"Xen\0", PREFERRED_ADDRESS)
    body = code(Stop.PVH).ljust(64, b"\x90") + b"\x5a" * size
    offset = 0x1000
    total = len(body) + len(note)
    note_address = PREFERRED_ADDRESS + len(body)
    image = struct.pack("<16sHHIIIIIHHHHHH", b"\x7fELF\x01\x01\x01", 2, 3, 1, PREFERRED_ADDRESS, 52,
                        0, 0, 52, 32, 2, 0, 0, 0)
    image += struct.pack("<8I", 1, offset, PREFERRED_ADDRESS, PREFERRED_ADDRESS, total, total, 7,
                         0x1000)
    image += struct.pack("<8I", 4, offset + len(body), note_address, note_address, len(note),
                         len(note), 4, 4)
    return image.ljust(offset, b"\0") + body + note


def stopped(kernel):
    """The kernel with its first instructions, at each entry it has, replaced; same size."""
    image = bytearray(kernel)
    if image[:4] == b"\x7fELF":
        _stop_elf(image)
    elif image[0x202:0x206] == b"HdrS":
        _stop_bzimage(image)
    else:
        raise ValueError("the kernel is neither a bzImage nor an ELF file")
    return bytes(image)


def _stop_bzimage(image):
    load = ((image[SETUP_SECTS] or 4) + 1) * SECTOR
    _put(image, load, Stop.LINUX_32)
    _put(image, load + 0x200, Stop.LINUX_64)
    pe = struct.unpack_from("<I", image, 0x3c)[0]
    if image[:2] == b"MZ" and image[pe:pe + 4] == b"PE\0\0":
        _put(image, struct.unpack_from("<I", image, pe + 0x28)[0], Stop.LINUX_EFI)
    _put(image, 0x202 + image[0x201], Stop.LINUX_16)    # behind the jump over the header


def _segments(image):
    """(type, file offset, physical address, file size) of each program header."""
    if image[4] == 2:
        start, size, count = struct.unpack_from("<Q14xHH", image, 0x20)
        layout, pick = "<IIQQQQ", (0, 2, 4, 5)
    else:
        start, size, count = struct.unpack_from("<I10xHH", image, 0x1c)
        layout, pick = "<IIIII", (0, 1, 3, 4)
    for i in range(count):
        fields = struct.unpack_from(layout, image, start + i * size)
        yield tuple(fields[j] for j in pick)


def _pvh_entry(image, offset, size):
    """The entry in Xen's note of type 18, if these notes have it."""
    end = offset + size
    while offset + 12 <= end:
        name_size, desc_size, kind = struct.unpack_from("<III", image, offset)
        name = offset + 12
        desc = name + (name_size + 3 & ~3)
        if kind == 18 and image[name:name + 3] == b"Xen":
            return int.from_bytes(image[desc:desc + desc_size], "little")
        offset = desc + (desc_size + 3 & ~3)
    return None


def _stop_elf(image):
    segments = list(_segments(image))
    entries = [(_pvh_entry(image, offset, size), Stop.PVH)
               for kind, offset, _, size in segments if kind == 4]
    entries.append((struct.unpack_from("<Q" if image[4] == 2 else "<I", image, 0x18)[0], Stop.ELF))
    for entry, stop in reversed(entries):       # the note's last: it counts where both agree
        for kind, offset, address, size in segments:
            if kind == 1 and entry is not None and address <= entry < address + size:
                _put(image, offset + entry - address, stop)

#!/usr/bin/env python3
"""Write the flat ROM image from the linked ELF file.

usage: mkimage.py QBOOT.ELF QBOOT.BIN

Every loadable segment is placed at its physical (load) address inside the last 64 KiB below 4 GiB;
bytes nobody claims are 0xff.  Overlapping segments, or one outside the image, are errors.  Prints
one line: how much of the image is used.
"""
import struct
import sys

ROM_SIZE = 0x10000
ROM_BASE = 0x100000000 - ROM_SIZE
PT_LOAD = 1


def segments(elf):
    """Yield (physical address, bytes) of each non-empty PT_LOAD of a 32-bit little-endian ELF."""
    if elf[:6] != b'\x7fELF\x01\x01':
        sys.exit('mkimage: not a 32-bit little-endian ELF file')
    phoff, = struct.unpack_from('<I', elf, 0x1c)
    phentsize, phnum = struct.unpack_from('<HH', elf, 0x2a)
    for i in range(phnum):
        kind, offset, _, paddr, filesz = struct.unpack_from('<IIIII', elf, phoff + i * phentsize)
        if kind == PT_LOAD and filesz:
            yield paddr, elf[offset:offset + filesz]


def main():
    elf_path, image_path = sys.argv[1:]
    with open(elf_path, 'rb') as file:
        elf = file.read()
    image = bytearray(b'\xff' * ROM_SIZE)
    claimed = [False] * ROM_SIZE
    for paddr, data in segments(elf):
        start, end = paddr - ROM_BASE, paddr - ROM_BASE + len(data)
        if start < 0 or end > ROM_SIZE:
            sys.exit(f'mkimage: {len(data)} bytes at {paddr:#x} are outside the 64 KiB image')
        if any(claimed[start:end]):
            sys.exit(f'mkimage: two segments overlap at {paddr:#x}')
        image[start:end] = data
        claimed[start:end] = [True] * len(data)
    with open(image_path, 'wb') as file:
        file.write(image)
    print(f'{image_path}: {sum(claimed)} of {ROM_SIZE} bytes used')


main()

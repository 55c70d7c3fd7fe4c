#!/usr/bin/env python3
"""Make the fuzzers' first inputs from what was recorded in tests/data.

usage: fuzz_corpus.py OUT

Writes OUT/<parser>/<case>, in the layout that each tests/fuzz/fuzz_<parser>.c describes.  Inputs
that a fuzzer found are kept in tests/fuzz/corpus/<parser>, and only those.
"""
import pathlib
import struct
import sys

DATA = pathlib.Path('tests/data')
COMMAND_SIZE = 128


def write(parser, name, data):
    """One input."""
    directory = pathlib.Path(sys.argv[1]) / parser
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).write_bytes(data)


def linux_header():
    """The setup header of a Linux 6.1 for amd64, as in tests/unit/test_bzimage.c."""
    file = bytearray(0x400)
    struct.pack_into('<B', file, 0x1f1, 39)
    struct.pack_into('<HBBIH', file, 0x1fe, 0xaa55, 0xeb, 0x6a, 0x53726448, 0x020f)
    struct.pack_into('<BBHIII', file, 0x210, 0xb0, 0x81, 0, 0x100000, 0x7bd4000, 0x40c000)
    struct.pack_into('<IIIBBHI', file, 0x228, 0x20000, 0x7fffffff, 0x200000, 1, 21, 0x7f, 2047)
    struct.pack_into('<QQI', file, 0x250, 0x100300, 0x1000000, 0x3200000)
    struct.pack_into('<QII', file, 0x300, 0, 2, 0x20)
    return bytes(file)


def pe_head(sections, machine=0x8664, magic=0x20b):
    """The headers of a PE file: SECTIONS are name, offset and size."""
    head = bytearray(0x80)
    struct.pack_into('<H', head, 0, 0x5a4d)
    struct.pack_into('<I', head, 0x3c, len(head))
    head += struct.pack('<IHHIIIHH', 0x4550, machine, len(sections), 0, 0, 0, 240, 0x22e)
    head += struct.pack('<H238x', magic)
    for name, offset, size in sections:
        head += struct.pack('<8s8I', name, size, 0x10000 + offset, -(-size // 512) * 512, offset,
                            0, 0, 0, 0x40000040)
    return bytes(head)


def ukis():
    """Inputs for uki: the head of a file, with a profile and how long the file is beyond it."""
    kernel = (b'.text', 0x600, 0x123), (b'.cmdline', 0x800, 9), (b'.initrd', 0xa00, 0x300), \
        (b'.linux', 0xe00, 0x1000)
    more = struct.pack('<BI', 0, 0x4000)
    write('uki', 'whole', more + pe_head(kernel))
    write('uki', 'twice', more + pe_head(kernel * 2))
    write('uki', 'profiles', struct.pack('<BI', 1, 0x4000) + pe_head(
        [*kernel, (b'.profile', 0x600, 1), (b'.profile', 0x610, 1), (b'.cmdline', 0x2000, 9)]))
    write('uki', 'cut', struct.pack('<BI', 0, 0x800) + pe_head(kernel))
    write('uki', 'overlap', more + pe_head([(b'.linux', 0x600, 99), (b'.initrd', 0x610, 99)]))
    write('uki', 'no-kernel', more + pe_head([(b'.sbat', 0x600, 99), (b'.cmdline', 0x800, 99)]))
    write('uki', 'aarch64', more + pe_head(kernel, machine=0xaa64))
    write('uki', 'pe32', more + pe_head(kernel, magic=0x10b))
    write('uki', 'zboot', more + b'MZ\0\0zimg' + bytes(0x38) + b'\x40\0\0\0')
    write('uki', 'sbat', more + b'sbat,1,SBAT Version,sbat,1,url\nshim,4,UEFI shim,shim,1,url\n')
    write('uki', 'oem-strings', more + b'\x0b\x05\0\x0e\x02k=one\0k=two\0\0')
    write('uki', 'command-line', more + b'@1 quiet\nroot=/dev/vda1 \n')


def main():
    """All parsers' inputs."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    ukis()
    for case in sorted(path for path in DATA.iterdir() if path.is_dir()):
        script = (case / 'etc_table-loader').read_bytes()
        count = -(-len(script) // COMMAND_SIZE)
        tables = (case / 'etc_acpi_tables').read_bytes()
        if len(tables) < 0x3000:
            write('table_loader', case.name,
                  bytes([count]) + script.ljust(count * COMMAND_SIZE, b'\0') + tables)
        smbios = case / 'etc_smbios_smbios-tables'
        if smbios.exists():
            write('smbios', case.name, smbios.read_bytes() + b'\0\0')
    ram = struct.pack('<IIIIII', 0x7b0000, 2, 0, 0x9fc00, 0x100000, 0x8000000)
    write('bzimage', 'linux-6.1', ram + linux_header())


main()

#!/usr/bin/env python3
"""Make the fuzzers' first inputs from what was recorded in tests/data.

usage: fuzz_corpus.py

Writes tests/fuzz/corpus/<parser>/<case>, in the layout that each tests/fuzz/fuzz_<parser>.c
describes.  Inputs that a fuzzer found are left alone.
"""
import pathlib
import struct

DATA = pathlib.Path('tests/data')
CORPUS = pathlib.Path('tests/fuzz/corpus')
COMMAND_SIZE = 128


def write(parser, name, data):
    """One input."""
    (CORPUS / parser).mkdir(parents=True, exist_ok=True)
    (CORPUS / parser / name).write_bytes(data)


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


def main():
    """All parsers' inputs."""
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

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
RSDP_SIZE = 36
ZEROS = bytes(64)       # at the end of a table, which a recorded file lacks
ISAPC = 0xff            # the machine without tables, to fuzz_boot


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


def madt(tables):
    """QEMU's MADT out of the file with all tables."""
    at = tables.find(b'APIC')
    return tables[at:at + struct.unpack_from('<I', tables, at + 4)[0]] if at >= 0 else b''


def device_tree(node):
    """A tree with one node that has a reg property."""
    tokens = struct.pack('>3I', 1, 0, 1) + node.ljust(8, b'\0') + \
        struct.pack('>IIIIIIIII', 3, 16, 0, 0, 0xe0000000, 0, 0x10000000, 2, 2) + \
        struct.pack('>I', 9)
    return struct.pack('>10I', 0xd00dfeed, 44 + len(tokens), 40, 40 + len(tokens), 0, 17, 16, 0, 4,
                       len(tokens)) + tokens + b'reg\0'


def parsers(case):
    """Inputs for the small parsers that a recorded machine gives."""
    write('parsers', f'madt-{case.name}', b'\1' + madt((case / 'etc_acpi_tables').read_bytes()))
    write('parsers', f'e820-{case.name}', b'\2' + (case / 'etc_e820').read_bytes())


def small_parsers():
    """The others."""
    for node in b'pcie@', b'chosen':
        write('parsers', f'fdt-{node.decode()}', b'\0' + device_tree(node))
    # A node of setup_data after 0x100 bytes of kernel that is taken to be at 1 MiB.
    write('parsers', 'setup-data', b'\3' + struct.pack('<QI', 0x100100, 0x2000) + bytes(0x100) +
          struct.pack('<QIIQ', 0, 2, 8, 0))
    names = b'etc/e820', b'etc/acpi/rsdp', b'etc/table-loader', b'x' * 60
    write('parsers', 'directory', b'\4' + bytes(4) + b''.join(
        struct.pack('<H', 20) + b'\0' + name + b'\0' for name in names))
    write('parsers', 'multiboot', b'\5' + bytes(range(200)))
    # From offset 4: the list leads to QEMU's vendor capability, which reserves for hot-plug.
    port = bytearray(252)
    port[0x06 - 4], port[0x34 - 4] = 0x10, 0x40
    port[0x40 - 4:0x60 - 4] = struct.pack('<BBBBIQIIQ', 9, 0x60, 32, 1, 2, 0x2000, 0x200000,
                                          0xffffffff, 0x10000000)
    port[0x60 - 4:0x64 - 4] = struct.pack('<BBH', 0x10, 0, 0x142)
    write('parsers', 'capabilities', b'\6' + bytes(port) + bytes(4) + bytes(port))


def boots(count):
    """Whole boots: each machine with each kernel, and some with a change of each kind."""
    for record in *range(count), ISAPC:
        for kernel in range(3):
            write('boot', f'{record}-{kernel}', bytes((record, kernel, 0, 0)))
    changes = (b'\0\3\0\0\2ab', b'\1\4\0\1\0', b'\2\5\1\0\2\0', b'\3\x0b\0\0\x10\0',
               b'\4\5\1' b'\4\x86\0\0\x10\0\x0e\x0c\1', b'\5\1\x34\4\x40\0\0\0',
               b'\6\x20\xff', b'\7\0\0\xff\xff', b'\x08', b'\x09\1\2\3\4')
    for number, change in enumerate(changes):
        for record in 0, 5, 11, 12, 13:
            write('boot', f'change-{number}-{record}', bytes((record, number % 3, 0, 0)) + change)
        write('boot', f'fails-{number}', bytes((5, number % 3, number + 1, 0)))
        write('boot', f'reset-{number}', bytes((5, number % 3, 0, 10 * number + 9)) + change)


def main():
    """All parsers' inputs."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    ukis()
    small_parsers()
    cases = sorted(path.parent for path in DATA.glob('*/etc_acpi_tables'))
    boots(len(cases))
    for case in cases:
        parsers(case)
        script = (case / 'etc_table-loader').read_bytes()
        count = -(-len(script) // COMMAND_SIZE)
        tables = (case / 'etc_acpi_tables').read_bytes() + ZEROS
        script = bytes([count]) + script.ljust(count * COMMAND_SIZE, b'\0')
        if len(tables) < 0x3000:
            write('table_loader', case.name, script + tables)
            write('acpi', case.name,
                  script + (case / 'etc_acpi_rsdp').read_bytes().ljust(RSDP_SIZE, b'\0') + tables)
        smbios = case / 'etc_smbios_smbios-tables'
        if smbios.exists():
            write('smbios', case.name, smbios.read_bytes() + b'\0\0')
    ram = struct.pack('<IIIIII', 0x7b0000, 2, 0, 0x9fc00, 0x100000, 0x8000000)
    write('bzimage', 'linux-6.1', ram + linux_header())


main()

"""ACPI and SMBIOS tables as bytes: taken apart, and without what each firmware decides for itself.

Contract: masked(), disassembled(), structures() and as_smbios30() make tables comparable;
check_entry_point() asserts what SMBIOS's anchor must say.  disassembled() needs iasl.
"""

import re
import struct
import subprocess

# Fields with addresses, and MCFG's last bus, which is the last one there is: (table, offset, size).
ADDRESSES = (("MCFG", 55, 1), ("FACP", 36, 8), ("FACP", 132, 16), ("TPM2", 56 + 12, 8),
             ("TCPA", 42, 8))
CHECKSUM_OFFSET = 9
ERST_ENTRY_SIZE, ERST_ADDRESS = 32, 48 + 8       # ACPI 6.5, 18.5.1.2: an entry, the first's address


def masked(name, table):
    """The table without its addresses and its checksum; AML is compared after disassembly."""
    table = bytearray(table)
    for signature, offset, size in ADDRESSES:
        if name == signature:
            table[offset:offset + size] = bytes(len(table[offset:offset + size]))
    if name == "ERST":
        # Registers in one block of 16 bytes, which a firmware places.
        for offset in range(ERST_ADDRESS, len(table), ERST_ENTRY_SIZE):
            table[offset:offset + 8] = table[offset] & 15, *bytes(7)
    if name != "FACS":
        table[CHECKSUM_OFFSET] = 0
    return bytes(table)


def disassembled(directory, label, name, table):
    """The ASL of a table, without what depends on addresses."""
    path = directory / f"{label}-{name}.aml"
    path.write_bytes(table)
    result = subprocess.run(["timeout", "60", "iasl", "-p", str(path.with_suffix("")), "-d",
                             str(path)], capture_output=True, text=True, check=False)
    assert result.returncode == 0 and "rror" not in result.stderr.replace("Errors, 0", ""), \
        f"iasl -d {name}: {result.stdout}{result.stderr}"
    text = path.with_suffix(".dsl").read_text("latin1")
    text = text[text.index("*/"):]
    lines = []
    for line in text.splitlines():
        if re.search(r"// (Range M|Length|Translation|Granularity|Address)", line):
            continue
        lines.append(re.sub(r"(Name \((VGIA|MEMA), )0x[0-9A-F]+", r"\1X", line))
    return lines


def structures(table):
    """The SMBIOS structures: (type, handle, formatted part, strings)."""
    offset, found = 0, []
    while offset + 4 <= len(table):
        kind, length, handle = struct.unpack_from("<BBH", table, offset)
        end = table.index(b"\0\0", offset + length) + 2
        found.append((kind, handle, table[offset:offset + length], table[offset + length:end]))
        offset = end
        if kind == 127:
            break
    assert offset == len(table), f"{len(table) - offset} bytes after the end-of-table structure"
    return found


def as_smbios30(found):
    """The structures with each type 4 as SMBIOS 3.0 has it: the firmware's anchor says 3.0."""
    return [(kind, handle, fixed[:1] + b"\x30" + fixed[2:] +
             struct.pack("<3H", *fixed[0x23:0x26]), strings)
            if kind == 4 and len(fixed) == 0x2a else (kind, handle, fixed, strings)
            for kind, handle, fixed, strings in found]


def check_entry_point(entry, table):
    """Checksums and fields of the anchor; its version is what the structures are."""
    assert entry[7:9] == b"\3\0"
    assert {len(fixed) for kind, _, fixed, _ in structures(table) if kind == 4} <= {0x30}
    assert sum(entry) & 0xff == 0 and entry[:5] == b"_SM3_" and entry[6] == len(entry) == 24
    max_size, address = struct.unpack_from("<IQ", entry, 12)
    assert max_size >= len(table) and address < 1 << 32

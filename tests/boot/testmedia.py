"""What guests are given to read, and whether they read it right.

Contract: make(directory) writes the files and returns {name: path}, for what stands in braces in
the rows:

    {disk}              a disk: 16 MiB, an iso9660 with two files
    {tftp}              a directory for TFTP with the file "file"
    {dtb}               stands for a device tree
    {text}              200 KiB without a zero
    {credential}, {credential127k}      strings of SMBIOS type 11 as systemd takes them
    {structure}         an SMBIOS structure of 200 KiB
    {acpitable}, {table}                an ACPI table's content, 60 KiB and 200 bytes

wrong(tests, said) gives a reason for each word of qb.test (scripts/guest-init.sh) whose answer in
SAID is not what make() wrote.
"""

import hashlib
import random
import struct

KNOWN = b"what the guest must read\n" * 4000
SERVED = bytes(range(256)) * 700
DISK_SIZE = 16 << 20
CREDENTIAL = b"io.systemd.credential:x="

SECTOR = 2048
SYSTEM_AREA = bytes(range(256)) * (16 * SECTOR // 256)
_EPOCH = bytes([70, 1, 1, 0, 0, 0, 0])      # 1970, for every directory record


def _both(value, size):
    """A number in both byte orders, as the standard has them (7.2.3, 7.3.3)."""
    return value.to_bytes(size, "little") + value.to_bytes(size, "big")


def _record(name, sector, size, directory=False):
    """A directory record (9.1)."""
    length = 33 + len(name) + (1 - len(name) % 2)
    record = (bytes([length, 0]) + _both(sector, 4) + _both(size, 4) + _EPOCH
              + bytes([2 if directory else 0, 0, 0]) + _both(1, 2) + bytes([len(name)]) + name)
    return record.ljust(length, b"\0")


def _sectors(data):
    return data.ljust(-(-len(data) // SECTOR) * SECTOR, b"\0")


def iso9660(files):
    """The smallest iso9660 image (ECMA-119, 4th edition, level 1) with FILES, {"NAME.TXT": bytes}:
    names are 8.3 in capitals, all in the root directory; Linux shows them in small letters.

    Sectors: 0 to 15 nobody's, here SYSTEM_AREA; 16 volume descriptor, 17 its end, 18 and 19 path
    tables, 20 the root directory, 21 and on the files.
    """
    root = _record(b"\0", 20, SECTOR, directory=True) + _record(b"\1", 20, SECTOR, directory=True)
    content = b""
    for name, data in sorted(files.items()):
        root += _record(name.encode() + b";1", 21 + len(content) // SECTOR, len(data))
        content += _sectors(data)
    assert len(root) <= SECTOR, "the root directory is one sector"

    volume = (b"\1CD001\1\0" + b" " * 32 + b"QBOOT".ljust(32) + bytes(8)
              + _both(21 + len(content) // SECTOR, 4) + bytes(32)
              + _both(1, 2) + _both(1, 2) + _both(SECTOR, 2) + _both(10, 4)
              + struct.pack("<II", 18, 0) + struct.pack(">II", 19, 0)
              + _record(b"\0", 20, SECTOR, directory=True)
              + b" " * 623 + (b"0" * 16 + b"\0") * 4 + b"\1")
    path_tables = (_sectors(b"\1\0" + struct.pack("<IH", 20, 1) + b"\0\0")
                   + _sectors(b"\1\0" + struct.pack(">IH", 20, 1) + b"\0\0"))
    return (SYSTEM_AREA + _sectors(volume) + _sectors(b"\xffCD001\1")
            + path_tables + _sectors(root) + content)


def make(directory):
    """The files, in a directory that is there."""
    contents = {
        "disk": iso9660({"KNOWN.TXT": KNOWN, "SERVED.BIN": SERVED}).ljust(DISK_SIZE, b"."),
        "tftp/file": SERVED,
        "dtb": random.Random(3001).randbytes(3001),
        "text": b"0123456789abcde\n" * 12800,
        "credential": CREDENTIAL + b"q" * (60 << 10),
        "credential127k": CREDENTIAL + b"q" * (127 << 10),
        "structure": (struct.pack("<BBHB", 200, 5, 0x1234, 1) +
                      b"\n".join([b"s" * 1000] * 200) + b"\0\0"),
        "acpitable": bytes(range(256)) * 240,
        "table": bytes(range(200)),
    }
    (directory / "tftp").mkdir()
    for name, content in contents.items():
        (directory / name).write_bytes(content)
    return {name.partition("/")[0]: directory / name.partition("/")[0] for name in contents}


def wrong(tests, said):
    """The reasons, none when all was read."""
    words = tests.split(",")
    known = f"{hashlib.sha256(KNOWN).hexdigest()}  known.txt"
    disks = sum(word.startswith("iso=") for word in words)
    if said["iso"].count(known) != disks:
        yield f"not on each of {disks} disks is the right file: {said['iso']}"
    if len(said["raw"]) != sum(word.startswith("raw=") for word in words):
        yield f"a disk was not read: {said['raw']}"
    if "net" in words:
        if not said["net"] or not said["net"][0].endswith(" 10.0.2.15"):
            yield f"no address by DHCP: {said['net']}"
        if said["tftp"] != [hashlib.sha256(SERVED).hexdigest()]:
            yield "the file by TFTP differs"

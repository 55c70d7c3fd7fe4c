"""A test disk: the smallest iso9660 image with given files (ECMA-119, 4th edition, level 1).

Contract: iso9660({"NAME.TXT": bytes}) returns the image's bytes; names are 8.3 in capitals, all in
the root directory.  The same input gives the same bytes.  Linux shows the names in small letters.
"""

import struct

SECTOR = 2048
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
    """The image.  Sectors: 16 volume descriptor, 17 its end, 18 and 19 path tables, 20 the root
    directory, 21 and on the files."""
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
    return (bytes(16 * SECTOR) + _sectors(volume) + _sectors(b"\xffCD001\1")
            + path_tables + _sectors(root) + content)

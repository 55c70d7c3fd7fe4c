"""What guests are given to read, and whether they read it right.

Contract: make(directory) writes the test disk and a directory for TFTP, and returns their paths for
what {disk} and {tftp} in the rows stand for; wrong(tests, said) gives a reason for each word of
qb.test (scripts/guest-init.sh) whose answer in SAID is not what make() wrote.
"""

import hashlib

from testdisk import iso9660

KNOWN = b"what the guest must read\n" * 4000
SERVED = bytes(range(256)) * 700


def make(directory):
    """The files, in a directory that is there."""
    disk = directory / "disk.iso"
    disk.write_bytes(iso9660({"KNOWN.TXT": KNOWN, "SERVED.BIN": SERVED}))
    served = directory / "tftp"
    served.mkdir()
    (served / "file").write_bytes(SERVED)
    return {"disk": disk, "tftp": served}


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

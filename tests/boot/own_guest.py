"""The test kernels of guest/: where they are, how they end QEMU.

Contract: kernel(FORM) is the path of a file that guest/Makefile builds.  It is built when it is
first asked for, once even if several pytest processes want it.
"""

import fcntl
import functools
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GUEST = ROOT / os.environ.get("QBOOT_O", "build") / "guest"     # make's O=DIR
EXIT = ("-device", "isa-debug-exit,iobase=0xf4,iosize=4")       # the kernels end QEMU by it
STATUS_PASS = 33                # (0x10 << 1) | 1, from isa-debug-exit
STATUS_PANIC = 85               # the firmware's, include/console.h


@functools.cache
def _build():
    GUEST.mkdir(parents=True, exist_ok=True)
    with open(GUEST / ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        sources = Path(__file__).parent / "guest"
        # Relative, since make knows no name with a space.
        subprocess.run(["make", "-s", "-C", sources, f"O={os.path.relpath(GUEST, sources)}",
                        f"CC={os.environ.get('CC', 'gcc')}"], check=True)


def kernel(form):
    """See above."""
    _build()
    return GUEST / f"guest-{form}"

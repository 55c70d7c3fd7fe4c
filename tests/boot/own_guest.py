"""The test kernels of guest/: where they are, how they are built, how they end QEMU."""

import fcntl
import os
import subprocess
from pathlib import Path

GUEST = Path(__file__).resolve().parents[2] / "build" / "guest"
STATUS_PASS = 33                # (0x10 << 1) | 1, from isa-debug-exit


def build():
    """Builds them, once even if several pytest processes want them."""
    GUEST.mkdir(parents=True, exist_ok=True)
    with open(GUEST / ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["make", "-s", "-C", Path(__file__).parent / "guest", f"O={GUEST}",
                        f"CC={os.environ.get('CC', 'gcc')}"], check=True)

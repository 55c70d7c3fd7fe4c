"""The test kernels of guest/: where they are, how they are built, how they end QEMU."""

import fcntl
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GUEST = ROOT / os.environ.get("QBOOT_O", "build") / "guest"     # make's O=DIR
STATUS_PASS = 33                # (0x10 << 1) | 1, from isa-debug-exit


def build():
    """Builds them, once even if several pytest processes want them."""
    GUEST.mkdir(parents=True, exist_ok=True)
    with open(GUEST / ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        sources = Path(__file__).parent / "guest"
        # Relative, since make knows no name with a space.
        subprocess.run(["make", "-s", "-C", sources, f"O={os.path.relpath(GUEST, sources)}",
                        f"CC={os.environ.get('CC', 'gcc')}"], check=True)

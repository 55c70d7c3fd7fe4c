"""Starts QEMU, for tests, measurements, recordings and `make run` alike.

Contract: started() gives the process while a `with` block runs.  QEMU is gone at the end of the
block, when SECONDS are over, and when this program dies, however it dies.  ask() is for what QEMU
says of itself.  tests/boot/vm.py adds what a test needs: the serial port, QMP, the evidence.
"""

import contextlib
import ctypes
import signal
import subprocess

LATE = (124, 137)               # statuses of timeout(1) when the time was over

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def _end_with_parent():
    """In the child: SIGTERM when the parent dies."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@contextlib.contextmanager
def started(argv, seconds, timed=False, **streams):
    """A subprocess.Popen of ARGV with STREAMS, without a stdin unless they name one.

    timeout(1) sees to SECONDS, since subprocess's own timeout polls, which rounds times up; None:
    without a bound, for somebody at a terminal.  TIMED: the start is measured, and nothing else
    may take time in it; QEMU then outlives a program that is killed until its time is over.
    """
    bound = ["timeout", "-k", "5", str(seconds)] if seconds else []
    with subprocess.Popen([*bound, *argv], preexec_fn=None if timed else _end_with_parent,
                          **{"stdin": subprocess.DEVNULL, **streams}) as process:
        try:
            yield process
        finally:
            process.terminate()         # timeout passes it on
            process.wait()


def ask(qemu, *words):
    """What QEMU prints for WORDS such as "--version", or "-M", "help"."""
    return subprocess.run([qemu, *words], capture_output=True, text=True, check=False).stdout

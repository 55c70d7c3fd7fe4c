"""A TPM for a guest: swtpm is the emulator.

Contract: emulated() gives a Tpm, as fresh as from the factory, while a `with` block runs; SECONDS
are its bound.  Raises OSError where swtpm does not start.
"""

import collections
import contextlib
import time

from qemu_process import started

# ARGUMENTS are QEMU's, for a -device with tpmdev=t; PID_FILE has the emulator's process id.
Tpm = collections.namedtuple("Tpm", "arguments pid_file")


@contextlib.contextmanager
def emulated(directory, version="2.0", seconds=150):
    """See above.  Socket and state are in DIRECTORY, which one TPM has to itself."""
    socket, state = directory / "tpm", directory / "tpm-state"
    state.mkdir(parents=True)
    pid_file = state / "pid"
    with started(["swtpm", "socket", *(["--tpm2"] if version == "2.0" else []),
                  "--tpmstate", f"dir={state}", "--ctrl", f"type=unixio,path={socket}",
                  "--pid", f"file={pid_file}"], seconds) as process:
        while not socket.exists():
            if process.poll() is not None:
                raise OSError(f"swtpm does not start (status {process.returncode})")
            time.sleep(0.01)
        yield Tpm(["-chardev", f"socket,id=tpm,path={socket}",
                   "-tpmdev", "emulator,id=t,chardev=tpm"], pid_file)

"""TPMs for guests: swtpm as the emulator, and tpm2-tools in the guest.

Contract: a Swtpm is used with `with`; `arguments` are QEMU's, for a -device with tpmdev=t, and it
is gone at the end of the block or after `seconds`.  What the host lacks is a SKIP.
"""

import re
import shutil
import stat
import subprocess
import time

import pytest


class Swtpm:
    """One emulated TPM, as fresh as from the factory."""

    def __init__(self, directory, version="2.0", seconds=150):
        self.socket = directory / "tpm"
        self.state = directory / "tpm-state"
        self.version = version
        self.seconds = seconds
        self.arguments = ["-chardev", f"socket,id=tpm,path={self.socket}",
                          "-tpmdev", "emulator,id=t,chardev=tpm"]
        self.process = None

    def __enter__(self):
        program = shutil.which("swtpm")
        if not program:
            pytest.skip("no swtpm")
        self.state.mkdir()
        family = ["--tpm2"] if self.version == "2.0" else []
        self.process = subprocess.Popen(
            ["timeout", "--foreground", str(self.seconds), program, "socket", *family,
             "--tpmstate", f"dir={self.state}", "--ctrl", f"type=unixio,path={self.socket}",
             "--pid", f"file={self.state / 'pid'}"])
        for _ in range(100):
            if self.socket.exists():
                return self
            time.sleep(0.05)
        self.__exit__()
        raise AssertionError("swtpm does not start")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def pid(self):
        """The emulator's process id."""
        return int((self.state / "pid").read_text("ascii"))


def add_with_directories(archive, name, mode, body):
    """Appends a file, and before it the directories on the way to it."""
    parts = name.split("/")
    for count in range(1, len(parts)):
        archive.add("/".join(parts[:count]), stat.S_IFDIR | 0o755)
    archive.add(name, mode, body)


def add_tpm_tools(archive):
    """The host's tpm2-tools, which is one program with many names, and the libraries it needs."""
    program = shutil.which("tpm2_pcrread")
    if not program:
        pytest.skip("no tpm2-tools")
    libraries = re.findall(r"(/\S+) \(0x", subprocess.run(
        ["ldd", program], capture_output=True, text=True, check=True).stdout)
    # This one is opened at run time, by name.
    libraries += [re.sub(r"esys\.so.*", "tcti-device.so.0", path) for path in libraries
                  if "libtss2-esys.so" in path]
    for path in [program] + libraries:
        name = "bin/tpm2" if path == program else path.lstrip("/")
        with open(path, "rb") as file:
            add_with_directories(archive, name, stat.S_IFREG | 0o755, file.read())
    for tool in ("tpm2_pcrread", "tpm2_pcrextend"):
        archive.add(f"bin/{tool}", stat.S_IFLNK | 0o777, b"tpm2")

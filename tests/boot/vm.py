"""Runs one QEMU for a test and tells what it said.

Contract: a Vm starts QEMU (scripts/qemu_process.py) with its files in a given directory, collects
what the guest writes to the character device "serial" (the caller connects it: -serial
chardev:serial, or a virtconsole) and, if asked, to the debug console at port 0x402, and speaks
QMP. Use it with `with`. All that goes wrong raises Failure, whose text has the command line,
the last lines of the serial port, the debug console and QEMU's own words. A QEMU that refuses the
command line with a sentence of CANNOT, because this version lacks what the row needs, skips the
test with that sentence. Bounds are in seconds of an idle host, see yardstick.py.

    with Vm("qemu-system-x86_64", ["-serial", "chardev:serial", ...], directory) as vm:
        vm.wait_for(rb"^QB done", seconds=60)
        print(facts(vm.serial)["cpus"])
"""

import collections
import contextlib
import json
import re
import shlex
import socket
import subprocess
import threading
import time

import pytest

from qemu_process import started
import yardstick

# What QEMU says before anything runs: machine types are removed (system/vl.c), from QEMU 11 on a
# bzImage needs fw_cfg's DMA (hw/i386/x86-common.c) and a TPM has its PPI always, TCG had no x2APIC
# (hw/i386/x86.c), and until 8.0 there was no igb.
CANNOT = re.compile(r"unsupported machine type: \S+|Assertion `fw_cfg_dma_enabled.*|.*X2APIC.*|"
                    r"Property 'tpm-tis\.ppi' not found|'igb' is not a valid device model name",
                    re.I)

TAIL_LINES = 40


class Failure(AssertionError):
    """The guest did not do what the test needs; REASON is the text without the evidence."""

    def __init__(self, reason, evidence=""):
        super().__init__("\n".join([reason, *([""] if evidence else []), evidence]))
        self.reason = reason


class Vm:
    """One QEMU process."""

    def __init__(self, qemu, arguments, directory, seconds=120, debugcon=False):
        self.directory = directory
        self.serial = b""
        self.debug_path = directory / "debugcon"
        self.error_path = directory / "stderr"
        self.qmp_path = directory / "qmp"
        self.argv = [qemu, "-chardev", "stdio,id=serial,signal=off", *arguments,
                     "-qmp", f"unix:{self.qmp_path},server=on,wait=off"]
        if debugcon:
            self.argv += ["-chardev", f"file,id=debugcon,path={self.debug_path}",
                          "-device", "isa-debugcon,iobase=0x402,chardev=debugcon"]
        self.seconds = seconds
        self.news = threading.Condition()
        self.ended = False
        self.open = contextlib.ExitStack()      # what ends with the block
        self.process = None
        self.monitor = None

    def __enter__(self):
        with open(self.error_path, "wb") as errors:
            self.process = self.open.enter_context(started(
                self.argv, self.seconds * yardstick.LIMIT, stdout=subprocess.PIPE, stderr=errors,
                bufsize=0))
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        return self

    def __exit__(self, *_):
        if self.monitor:
            self.monitor.close()
        self.process.terminate()
        self.reader.join()              # before what it reads is closed
        self.open.close()

    def _read(self):
        while chunk := self.process.stdout.read(65536):
            with self.news:
                self.serial += chunk
                self.news.notify_all()
        with self.news:
            self.ended = True
            self.news.notify_all()

    def wait_for(self, pattern, seconds, count=1, since=0):
        """Waits until PATTERN has come COUNT times in the output from byte SINCE on; returns where
        the last of them ends."""
        compiled = re.compile(pattern, re.MULTILINE)
        patience = yardstick.Patience(seconds)
        what = f"{count} x {pattern!r}" if count > 1 else repr(pattern)
        with self.news:
            while True:
                found = list(compiled.finditer(self.serial, since))
                if len(found) >= count:
                    return found[count - 1].end()
                if self.ended:
                    self._skip_if_it_cannot()
                    raise self.failure(f"QEMU ended before the guest said {what}")
                left = patience.left()
                if left <= 0:
                    raise self.failure(f"the guest did not say {what} in {patience}")
                self.news.wait(left)

    def wait_exit(self, seconds):
        """Waits until QEMU ends by itself; returns its status."""
        patience = yardstick.Patience(seconds)
        while (left := patience.left()) > 0:
            try:
                status = self.process.wait(left)
                break
            except subprocess.TimeoutExpired:
                pass
        else:
            raise self.failure(f"QEMU did not end within {patience}")
        self.reader.join()
        self._skip_if_it_cannot()
        return status

    def _skip_if_it_cannot(self):
        """After the end of QEMU."""
        said = CANNOT.search(self.error_path.read_text(encoding="utf-8", errors="replace"))
        if said and not self.serial:
            pytest.skip(f"this QEMU cannot: {said[0]}")

    def qmp(self, command, **arguments):
        """Executes a QMP command and returns its answer."""
        if not self.monitor:
            self._connect()
        request = {"execute": command, **({"arguments": arguments} if arguments else {})}
        self.monitor.write(json.dumps(request).encode() + b"\n")
        self.monitor.flush()
        while line := self.monitor.readline():
            answer = json.loads(line)
            if "error" in answer:
                raise self.failure(f"QMP {command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]
        raise self.failure(f"QEMU ended at QMP {command}")

    def plug_processor(self):
        """Into the first free slot."""
        free = next(slot for slot in self.qmp("query-hotpluggable-cpus") if "qom-path" not in slot)
        self.qmp("device_add", driver=free["type"], id="plugged", **free["props"])

    def _connect(self):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(30)
        deadline = time.monotonic() + 10
        while True:
            try:
                connection.connect(str(self.qmp_path))
                break
            except OSError as error:
                if self.ended:
                    self._skip_if_it_cannot()
                if time.monotonic() > deadline or self.ended:
                    raise self.failure(f"no QMP: {error}") from error
                time.sleep(0.01)
        self.monitor = connection.makefile("rwb")
        connection.close()              # the file keeps it open
        self.monitor.readline()         # the greeting
        self.qmp("qmp_capabilities")

    def debug_output(self):
        """What came on the debug console."""
        return self.debug_path.read_bytes() if self.debug_path.exists() else b""

    def failure(self, reason):
        """A Failure with all that is known."""
        parts = ["command line:", shlex.join(self.argv), "", "serial port:", _tail(self.serial),
                 "", "debug console:", _tail(self.debug_output()),
                 "", "QEMU:", _tail(self.error_path.read_bytes())]
        return Failure(reason, "\n".join(parts))

    def check(self, condition, reason):
        """Raises a Failure for REASON unless CONDITION holds."""
        if not condition:
            raise self.failure(reason)


def _tail(data):
    lines = data.decode("utf-8", "backslashreplace").replace("\r", "").splitlines()
    left_out = [f"  (... {len(lines) - TAIL_LINES} lines)"] if len(lines) > TAIL_LINES else []
    return "\n".join(left_out + ["  " + line for line in lines[-TAIL_LINES:]]) or "  (nothing)"


def facts(serial, mark="QB"):
    """The guest's lines "MARK KEY VALUE" as {KEY: [VALUE, ...]}, of the last boot in SERIAL."""
    found = collections.defaultdict(list)
    for line in serial.decode("utf-8", "replace").splitlines():
        word, _, rest = line.strip().partition(" ")
        key, _, value = rest.partition(" ")
        if word != mark:
            continue
        if key == "begin":
            found.clear()
        found[key].append(value)
    return found

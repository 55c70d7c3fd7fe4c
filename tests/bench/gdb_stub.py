"""What no trace of QEMU's tells: bytes that fw_cfg's DMA moves, and changed sections of RAM.

Both are seen through QEMU's gdb stub.

The guest stops at each instruction that starts a transfer or made QEMU rebuild the memory topology
(both found in an execution log).  Before a transfer EAX is the descriptor's address, and the
descriptor in guest memory says the rest (QEMU docs/specs/fw_cfg.rst).  After a rebuild `info mtree`
has the sections that the guest's RAM has become, in SMM and out of it.  A KVM has a memory slot for
each, and deletes and makes anew those that change, with all that was mapped of them.
"""

import contextlib
import re
import socket
import struct
import subprocess
import time

import qemu

CONTROL_MOVES = 0x02 | 0x10     # read, write


class Stub:
    """A connection to the stub of one QEMU; the GDB Remote Serial Protocol."""

    def __init__(self, path, limit=20):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(limit)
        self._connect(path, limit)
        self.buffer = b""

    def _connect(self, path, limit):
        end = time.monotonic() + limit
        while True:
            try:
                self.socket.connect(str(path))
                return
            except (FileNotFoundError, ConnectionRefusedError):
                if time.monotonic() > end:
                    raise
                time.sleep(0.005)

    def send(self, request):
        """Sends a packet."""
        body = request.encode()
        self.socket.sendall(b"$%s#%02x" % (body, sum(body) & 0xff))

    def ask(self, request):
        """Sends a packet and returns the answer, or None when QEMU has ended."""
        try:
            self.send(request)
            return self._answer()
        except (ConnectionResetError, BrokenPipeError):
            return None

    def _answer(self):
        while True:
            start, end = self.buffer.find(b"$"), self.buffer.find(b"#")
            if 0 <= start < end and len(self.buffer) >= end + 3:
                packet = self.buffer[start + 1:end].decode()
                self.buffer = self.buffer[end + 3:]
                self.socket.sendall(b"+")
                return packet
            received = self.socket.recv(65536)
            if not received:
                return None
            self.buffer += received

    def step_over(self, addresses):
        """Runs the instruction at a breakpoint, which would stop at once again."""
        for address in addresses:
            self.ask(f"z0,{address:x},1")
        answer = self.ask("s")
        for address in addresses:
            self.ask(f"Z0,{address:x},1")
        return answer

    def monitor(self, command):
        """What the human monitor answers."""
        text, answer = "", self.ask("qRcmd," + command.encode().hex())
        while answer and answer != "OK":
            text += bytes.fromhex(answer[1:]).decode(errors="replace")
            answer = self._answer()
        return text

    def ram(self):
        """The sections of main RAM, which is above 1 MiB: {(address space, addresses, ...)}.  Those
        below are small: what was mapped of them is soon mapped again."""
        found = set()
        for view in self.monitor("info mtree -f").replace("\r", "").split("\n\n"):
            spaces = set(re.findall(r'AS "(memory|cpu-smm-0)"', view))
            sections = re.findall(r"^  (\w+-\w+) \(prio \S+, (ram|rom)\): (\S+)(.*)$", view, re.M)
            main = next((name for where, _, name, _ in sections if where.startswith("0" * 16)), "")
            found |= {(space, *section) for space in spaces for section in sections
                      if section[2] == main and int(section[0].split("-")[0], 16) >= 1 << 20}
        return found


@contextlib.contextmanager
def debugged(argv, scratch, limit=60):
    """(Stub, process) of a guest that waits before its first instruction.  It has LIMIT seconds."""
    path = scratch / "gdb"
    path.unlink(missing_ok=True)
    with qemu.started([*argv, "-S", "-gdb", f"unix:{path},server=on,wait=off"], limit,
                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        yield Stub(path, limit), process


def observe(argv, transfers, rebuilds, scratch):
    """(bytes that DMA moves, sections of main RAM that are made or end) of a guest.  ARGV ends at a
    stop kernel; TRANSFERS and REBUILDS are the addresses of instructions."""
    total, changed, stops = 0, 0, transfers | rebuilds
    with debugged(argv, scratch) as (stub, process):
        stub.ask("?")
        before = stub.ram()
        if not before:
            raise qemu.Error("`info mtree -f` has no RAM that gdb_stub.py can read")
        for address in stops:
            stub.ask(f"Z0,{address:x},1")
        answer = stub.ask("c")
        while answer and answer[0] == "T":
            registers = stub.ask("g")
            # RIP is the 17th register of 8 bytes.
            pc = int.from_bytes(bytes.fromhex(registers[256:264]), "little")
            if pc in transfers:
                total += moved(stub, registers)
            answer = stub.step_over(stops)
            if answer and pc in rebuilds:
                after = stub.ram()
                changed += len(before ^ after)
                before = after
            answer = answer and stub.ask("c")
        status = process.wait()
    qemu.expect_stop(status, "", argv)
    return total, changed


def moved(stub, registers):
    """Bytes of the transfer that is about to start."""
    eax = int.from_bytes(bytes.fromhex(registers[:8]), "big")
    control, length, _ = struct.unpack(">IIQ", bytes.fromhex(stub.ask(f"m{eax:x},10")))
    return length if control & CONTROL_MOVES else 0

"""How many bytes fw_cfg's DMA moves, seen through QEMU's gdb stub.

No trace of QEMU's tells the length of a transfer.  So the guest stops before each instruction that
starts one (found in an execution log), EAX is the descriptor's address, and the descriptor in guest
memory says the rest (QEMU docs/specs/fw_cfg.rst).
"""

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

    def ask(self, request):
        """Sends a packet and returns the answer, or None when QEMU has ended."""
        body = request.encode()
        try:
            self.socket.sendall(b"$%s#%02x" % (body, sum(body) & 0xff))
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


def transferred(argv, instructions, scratch):
    """Bytes that the transfers of a guest move; ARGV ends at a stop kernel."""
    path = scratch / "gdb"
    path.unlink(missing_ok=True)
    total = 0
    with subprocess.Popen(["timeout", "-s", "KILL", "60", *argv, "-S", "-gdb",
                           f"unix:{path},server=on,wait=off"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        stub = Stub(path)
        stub.ask("?")
        for address in instructions:
            stub.ask(f"Z0,{address:x},1")
        answer = stub.ask("c")
        while answer and answer[0] == "T":
            eax = int.from_bytes(bytes.fromhex(stub.ask("g")[:8]), "big")
            descriptor = bytes.fromhex(stub.ask(f"m{eax:x},10"))
            control, length, _ = struct.unpack(">IIQ", descriptor)
            if control & CONTROL_MOVES:
                total += length
            answer = stub.step_over(instructions) and stub.ask("c")
        status = process.wait()
    qemu.expect_stop(status, "", argv)
    return total

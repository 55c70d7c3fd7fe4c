"""One boot of one firmware: timed, or counted.

A boot has the steps

    QEMU        process started ... QEMU lets the processor run (its trace: runstate_set)
    firmware    ... the kernel's first instruction
    kernel      ... it starts /init
    userspace   ... userspace says that it is up

A timed boot is two runs of QEMU.  One boots the kernel with its first instructions replaced
(stop_kernel.py), so the end of the firmware is known exactly for any firmware and costs none of
them more than a line of trace for each fw_cfg item; it gives the first two steps.  The other boots
the real kernel, and what it says on the serial line gives the last two.

A counted boot is the same two runs with everything traced (events.py).
"""

import dataclasses
from pathlib import Path
import re
import resource
import subprocess
import time

import events
import qemu         # finds scripts/, too
import qemu_trace
import stop_kernel

STEPS = ("QEMU", "firmware", "kernel", "userspace")
CPU = "CPU"                     # processor time of all of QEMU: what a busy host disturbs least

RUNNING = re.compile(rf"^{qemu_trace.STAMP}runstate_set .*\(running\)\s*$")
STOPPED = re.compile(rf"^{qemu_trace.STAMP}fw_cfg_select \S+ key {stop_kernel.KEY:#06x} ")
TIMED_EVENTS = ("runstate_set", "fw_cfg_select")


def processor_time():
    """Seconds that ended child processes have used."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@dataclasses.dataclass
class Scenario:
    """What is booted: a kernel, and QEMU's arguments for the machine."""

    name: str
    kernel: Path
    arguments: list
    accel: str
    initrd: Path = None
    append: str = ""
    limit: int = 120
    init: str = r"Run \S+ as init process"
    up: str = r"is up after"

    @property
    def machine(self):
        """The machine type with its options."""
        for i, word in enumerate(self.arguments[:-1]):
            if word in ("-M", "-machine", "--machine"):
                return self.arguments[i + 1].removeprefix("type=")
        return "pc"

    def command(self, firmware, kernel):
        """QEMU's command line."""
        argv = [qemu.program(), "-accel", self.accel, *self.arguments, "-bios", str(firmware.path),
                "-kernel", str(kernel), "-no-reboot"]
        if not {"-display", "-nographic"} & set(self.arguments):
            argv += ["-display", "none"]
        if self.initrd:
            argv += ["-initrd", str(self.initrd)]
        if self.append:
            argv += ["-append", self.append]
        if not {"-serial", "-nographic"} & set(self.arguments):
            argv += ["-serial", "stdio"]
        return argv


class Lab:
    """A scratch directory with the stopped kernels."""

    def __init__(self, scratch):
        self.scratch = Path(scratch)
        self.stopped = {}
        self.kernels = qemu.write_kernels(self.scratch)

    def stopped_kernel(self, kernel):
        """The file of the kernel with its first instructions replaced."""
        if kernel not in self.stopped:
            try:
                image = stop_kernel.stopped(kernel.read_bytes())
            except ValueError as error:
                raise qemu.Error(f"{kernel}: {error}") from error
            path = self.scratch / f"stopped{len(self.stopped)}"
            path.write_bytes(image)
            self.stopped[kernel] = path
        return self.stopped[kernel]

    def stop_argv(self, scenario, firmware):
        """QEMU's command line for a boot that ends at the kernel's first instruction."""
        return scenario.command(firmware, self.stopped_kernel(scenario.kernel)) + qemu.DEBUG_EXIT

    def time_firmware(self, scenario, firmware):
        """Seconds of (QEMU, firmware)."""
        argv = self.stop_argv(scenario, firmware) + qemu.traced(self.scratch, TIMED_EVENTS)
        status, said, start = qemu.run(argv, scenario.limit)
        qemu.expect_stop(status, said, argv)
        running = stopped = None
        for line in (self.scratch / "trace").read_text(errors="replace").splitlines():
            match = RUNNING.match(line)
            if match:
                running = qemu_trace.seconds(match)
            match = STOPPED.match(line)
            if match:
                stopped = qemu_trace.seconds(match)
        if not running or not stopped:
            raise qemu.Error("QEMU's trace lacks runstate_set or fw_cfg_select")
        return running - start, stopped - running

    def time_guest(self, scenario, firmware):
        """Seconds from QEMU's start to /init (None if that was not seen), to up; processor time."""
        argv = scenario.command(firmware, scenario.kernel)
        start, used = time.time(), processor_time()
        seen, times = b"", [None, None]
        patterns = [re.compile(pattern.encode()) for pattern in (scenario.init, scenario.up)]
        with qemu.started(argv, scenario.limit, timed=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, bufsize=0) as process:
            while True:
                piece = process.stdout.read(65536)
                if not piece:
                    break
                now = time.time()
                seen += piece
                for i, pattern in enumerate(patterns):
                    if times[i] is None and pattern.search(seen):
                        times[i] = now - start
            status = process.wait()
        if times[1] is None:
            last = seen.decode(errors="replace").strip().splitlines() or ["nothing said"]
            raise qemu.Error(f"{firmware.name}: userspace did not say /{scenario.up}/ (status "
                             f"{status}); last: {last[-1]}\n  {' '.join(argv)}")
        return times[0], times[1], processor_time() - used

    def time_boot(self, scenario, firmware, guest=True):
        """Seconds of each step and of CPU; without GUEST, of the first two steps."""
        start, firmware_time = self.time_firmware(scenario, firmware)
        steps = {"QEMU": start, "firmware": firmware_time}
        if guest:
            init, up, used = self.time_guest(scenario, firmware)
            steps["kernel"] = (init or up) - start - firmware_time
            steps["userspace"] = up - init if init else 0.0
            steps[CPU] = used
        return steps

    def count_firmware(self, scenario, firmware):
        """events.Counts of the firmware."""
        argv = self.stop_argv(scenario, firmware) + qemu.traced(self.scratch)
        status, said, _ = qemu.run(argv, scenario.limit)
        qemu.expect_stop(status, said, argv)
        reader = events.Reader(scenario.accel.startswith("kvm"))
        return reader.read(self.scratch / "trace").counts

    def count_boot(self, scenario, firmware, guest=True):
        """Exits by cause and rebuilds of each step, as plain data."""
        counts = {"firmware": self.count_firmware(scenario, firmware)}
        if guest:
            argv = scenario.command(firmware, scenario.kernel) + qemu.traced(self.scratch)
            qemu.run(argv, scenario.limit)
            counts |= self._count_guest(scenario, counts["firmware"])
        return {step: count.table() for step, count in counts.items()}

    def read_guest(self, scenario, firmware):
        """An events.Reader of a boot of the real kernel until it starts init; its counts are those
        from reset to there, and its .serial is what the kernel said so far."""
        argv = scenario.command(firmware, scenario.kernel) + qemu.traced(self.scratch)
        qemu.run(argv, scenario.limit)
        reader, init = events.Reader(scenario.accel.startswith("kvm")), scenario.init.encode()
        checked = 0
        with open(self.scratch / "trace", encoding="utf-8", errors="replace") as lines:
            for line in lines:
                reader.feed(line)
                if len(reader.serial) > checked:
                    checked = len(reader.serial)
                    if re.search(init, reader.serial[-200:]):
                        break
        return reader.finish()

    def _count_guest(self, scenario, firmware):
        """Kernel and userspace: where they begin is what the guest writes to the serial line."""
        reader = events.Reader(scenario.accel.startswith("kvm"))
        parts, patterns = [], [scenario.init.encode(), scenario.up.encode()]
        checked = 0
        with open(self.scratch / "trace", encoding="utf-8", errors="replace") as lines:
            for line in lines:
                reader.feed(line)
                if len(reader.serial) == checked or not patterns:
                    continue
                checked = len(reader.serial)
                if re.search(patterns[0], reader.serial[-200:]):
                    parts.append(reader.counts)
                    reader.counts = events.Counts()
                    patterns.pop(0)
        parts.append(reader.finish().counts)
        parts[0].subtract(firmware)
        return dict(zip(("kernel", "userspace"), parts if not patterns else parts[:1]))

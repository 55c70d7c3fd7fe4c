"""How long QEMU is busy with an exit, measured from outside, and what that makes of counts.

Contract: Clock(lab).measure(scenario, firmware) boots to the kernel's first instruction under KVM,
whichever, with kvm_run.c in front of QEMU's ioctl(), and returns plain data; rows(report) are the
report's table.  An exit lasts from the return of one KVM_RUN to the next, without calls for memory
slots: QEMU's part, good under a KVM in software, too.  What KVM itself adds on hardware is not seen
there and is assumed, and without any KVM, or a compiler, so is the rest: numbers in brackets.

Nothing is traced but the rebuilds.  The lines that QEMU writes for these are subtracted; what a
line takes is measured, as what one more makes of each PCI access.
"""

import collections
import dataclasses
from pathlib import Path
import re
import shutil
import statistics
import struct
import subprocess

import qemu             # finds scripts/, too
import qemu_trace
import stop_kernel

RUNS = 3
SOURCE = Path(__file__).resolve().parent / "kvm_run.c"
RECORD = struct.Struct("<QQQQII")       # struct record
EXIT_IO, EXIT_MMIO = 2, 6               # KVM_EXIT_IO, KVM_EXIT_MMIO

LONGEST = "the longest"                 # of the fw_cfg transfers
CAUSES = ("fw_cfg", LONGEST, "PCI by ports", "PCI by ECAM", "rebuild", "other")

# Microseconds, where they are not measured: QEMU 7.2 on an EPYC at 2.45 GHz.
ASSUMED = {"fw_cfg": 1.5, LONGEST: 1660, "PCI by ports": 0.6, "PCI by ECAM": 0.6, "rebuild": 110,
           "other": 0.6}
KVM_PART = 1.5                          # of KVM and the processor in each exit
KVM_SLOT = 40                           # in each call for a memory slot

ECAM_BASE = {"q35": 0xb0000000, "microvm": 0xe0000000}
ECAM_SIZE = 0x10000000

LINE = re.compile(rf"^{qemu_trace.STAMP}(?P<event>flatview_new|memory_region_ops_)")


@dataclasses.dataclass(frozen=True)
class Exit:
    """One exit; SPENT in microseconds, without the calls for SLOTS, the number of memory slots."""

    cause: str
    spent: float
    slots: int


def board(machine):
    """pc, q35 or microvm."""
    name = machine.split(",")[0]
    return "microvm" if name == "microvm" else "q35" if "q35" in name else "pc"


def cause_of(reason, address, machine):
    """The cause of an exit that rebuilds nothing."""
    if reason == EXIT_IO and 0x510 <= address < 0x51c:
        return "fw_cfg"
    if reason == EXIT_IO and 0xcf8 <= address < 0xd00:
        return "PCI by ports"
    base = ECAM_BASE.get(board(machine))
    if reason == EXIT_MMIO and base and base <= address < base + ECAM_SIZE:
        return "PCI by ECAM"
    return "other"


def trace_times(lines):
    """[(nanoseconds since 1970, event)] of a trace."""
    found = []
    for line in lines:
        match = LINE.match(line)
        if match:
            found.append((round(qemu_trace.seconds(match) * 1e6) * 1000, match["event"]))
    return found


def exits(records, traced, machine, line_cost):
    """The exits of the bytes of RECORDS but a stop kernel's; LINE_COST: microseconds for a line of
    trace."""
    found, at = [], 0
    for left, entered, slots_time, address, slots, reason in RECORD.iter_unpack(records):
        if not entered or (reason, address) == (EXIT_IO, stop_kernel.PORT):
            continue                    # QEMU ends here; from 10 on the processor runs once more
        within = collections.Counter()
        while at < len(traced) and traced[at][0] < entered:
            within[traced[at][1]] += traced[at][0] >= left - 1000       # a line has microseconds
            at += 1
        if reason in (EXIT_IO, EXIT_MMIO):
            cause = "rebuild" if within["flatview_new"] else cause_of(reason, address, machine)
            spent = (entered - left - slots_time) / 1e3 - line_cost * within.total()
            found.append(Exit(cause, max(spent, 0), slots))
    del found[-1:]                      # the write to KEY_PORT
    transfers = [i for i, one in enumerate(found) if one.cause == "fw_cfg"]
    if transfers:
        longest = max(transfers, key=lambda i: found[i].spent)
        found[longest] = dataclasses.replace(found[longest], cause=LONGEST)
    return found


def condensed(runs):
    """The plain data of several runs' exits: medians in microseconds, and the sum of a run."""
    each = [one for run in runs for one in run]
    causes = {cause: {"count": round(len(times) / len(runs), 1),
                      "us": round(statistics.median(times), 2)}
              for cause in CAUSES if (times := [one.spent for one in each if one.cause == cause])}
    sums = [sum(one.spent for one in run) for run in runs]
    return {"causes": causes, "exits": round(len(each) / len(runs)),
            "slots": round(sum(one.slots for one in each) / len(runs)),
            "us": round(statistics.median(sums), 1)}


class Clock:
    """Measures with kvm_run.c, which it builds in the lab's directory."""

    def __init__(self, lab):
        self.lab = lab
        self.library = lab.scratch / "kvm_run.so"
        self.records = lab.scratch / "records"
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if not compiler:
            raise qemu.Error("no C compiler for kvm_run.c")
        if not qemu.kvm_works():
            raise qemu.Error("KVM runs no guest here")
        done = subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", self.library, SOURCE,
                               "-ldl"], capture_output=True, text=True, check=False)
        if done.returncode:
            raise qemu.Error(f"kvm_run.c: {done.stderr.strip()}")
        self.line_cost = None           # microseconds, once it is known

    def _boot(self, scenario, firmware, traced_events, line_cost):
        """The exits of one boot."""
        self.records.unlink(missing_ok=True)
        argv = [*self.lab.stop_argv(scenario, firmware),
                *qemu.traced(self.lab.scratch, traced_events)]
        preload = ["env", f"LD_PRELOAD={self.library}", f"KVM_RUN_RECORDS={self.records}"]
        status, said, _ = qemu.run([*preload, *argv], scenario.limit)
        qemu.expect_stop(status, said, argv)
        if not self.records.is_file():
            raise qemu.Error("kvm_run.c saw no KVM_RUN; is this QEMU linked statically?")
        text = (self.lab.scratch / "trace").read_text(errors="replace")
        return exits(self.records.read_bytes(), trace_times(text.splitlines()), scenario.machine,
                     line_cost)

    def _measure_line(self, scenario, firmware):
        """What a line of trace takes: one more in each exit, against none."""
        kinds = ("memory_region_ops_read", "memory_region_ops_write")
        medians = []
        for more in ((), kinds):
            found = self._boot(scenario, firmware, ("flatview_new", *more), 0)
            medians.append(statistics.median(one.spent for one in found))
        return max(medians[1] - medians[0], 0)

    def measure(self, scenario, firmware):
        """Plain data; qemu.Error where it does not get to the kernel."""
        scenario = dataclasses.replace(scenario, accel="kvm")
        if self.line_cost is None:
            self.line_cost = self._measure_line(scenario, firmware)
        runs = [self._boot(scenario, firmware, ("flatview_new",), self.line_cost)
                for _ in range(RUNS)]
        return {**condensed(runs), "line_us": round(self.line_cost, 2)}


def assumed(counts, machine):
    """Microseconds in QEMU for the counts of a firmware, where nothing is measured."""
    causes = counts["exits"]
    return (causes["fw_cfg"] * ASSUMED["fw_cfg"] + causes["pci"] * ASSUMED["PCI by ports"] +
            (causes["chipset"] + causes["other"]) * ASSUMED["other"] +
            counts["rebuilds"] * ASSUMED["rebuild"] +
            (ASSUMED[LONGEST] if board(machine) != "microvm" else 0))


def pci_after(result):
    """(PCI accesses that leave the guest, rebuilds) after the firmware; None if not counted."""
    parts = [count for step, count in result.get("counts", {}).items() if step != "firmware"]
    # KVM collects the writes to CF8; TCG's counts have them.
    collected = sum(count for part in parts for name, count in part["names"].items()
                    if name == "write pci-conf-idx")
    return (sum(part["exits"]["pci"] for part in parts) - collected,
            sum(part["rebuilds"] for part in parts)) if parts else None


HEADER = ("boot", "firmware", *CAUSES, "in QEMU, ms", "KVM's part, ms",
          "firmware, ms", "later: PCI and rebuilds, ms")


def number(value, is_measured=True):
    """As text; in brackets where it is assumed."""
    text = f"{value:,.0f}" if value >= 100 else f"{value:.2f}" if value < 10 else f"{value:.1f}"
    return text if is_measured else f"({text})"


def row(entry, result):
    """The cells of one boot and firmware."""
    measured = result.get("exit_times")
    causes = measured["causes"] if measured else {}
    cells = [f"{number(causes[cause]['us'])} × {causes[cause]['count']:g}"
             if cause in causes else "-" for cause in CAUSES]
    counts = result["counts"]["firmware"]
    inside = measured["us"] if measured else assumed(counts, entry["machine"])
    outside = ((measured["exits"] if measured else counts["total"]) * KVM_PART +
               (measured["slots"] if measured else counts["memslots"]) * KVM_SLOT)
    later, after = "-", pci_after(result)
    if after:
        pci, rebuild = (causes.get(cause, {"us": ASSUMED[cause]})["us"]
                        for cause in ("PCI by ports", "rebuild"))
        later = number((after[0] * (pci + KVM_PART) + after[1] * rebuild) / 1e3, False)
    return [entry["name"], result["firmware"], *cells, number(inside / 1e3, bool(measured)),
            number(outside / 1e3, False), number((inside + outside) / 1e3, False), later]


def rows(report):
    """(is ours, cells) for each boot and firmware that was counted."""
    for entry in report["scenarios"]:
        for result in entry["results"]:
            if "counts" in result:
                yield result["firmware"].startswith("qboot.bin"), row(entry, result)


def note(report):
    """What is measured and what is assumed, in words."""
    found = [result["exit_times"] for entry in report["scenarios"] for result in entry["results"]
             if "exit_times" in result]
    text = (f"In brackets what is assumed, or made with it: {KVM_PART} microseconds of KVM in each "
            f"exit, {KVM_SLOT} in each change of a memory slot.  The guest's own instructions and "
            "page faults are not in it. ")
    if not found:
        return text + ("Nothing was measured here, since " +
                       report.get("no_exit_times", "nobody asked") + ": QEMU's part is assumed: " +
                       ", ".join(f"{name} {value:g}" for name, value in ASSUMED.items()) +
                       " microseconds. ")
    return text + ("QEMU's part is measured on this host: medians, microseconds × how many, "
                   f"from one KVM_RUN to the next, {RUNS} boots to the kernel's first "
                   f"instruction. A line of trace, {found[0]['line_us']:g} microseconds, is "
                   "subtracted. The longest transfer is that in which QEMU builds its ACPI "
                   "tables, or reads the kernel. Later parts are their counts, at these medians; "
                   f"of what a firmware has no example, at {ASSUMED['PCI by ports']:g} for PCI, "
                   f"{ASSUMED['rebuild']:g} for a rebuild.")

"""Counts what a guest makes QEMU do, from QEMU's own trace and execution log.

A trace has a line for each event, in order (docs/devel/tracing.rst; trace-events in softmmu,
hw/nvram and accel/kvm).  Counted from the guest's first access on, so QEMU's own start does not
count:

    exits       KVM: port-I/O and MMIO exits to QEMU (kvm_run_exit, reasons 2 and 6).
                TCG: accesses to devices; the lines of one access that QEMU splits count once where
                the execution log shows the instructions between them
    rebuilds    of the memory topology (flatview_new): how often the address space that is rebuilt
                most often is; others are rebuilt with it
    memslots    updates of KVM's memory slots (kvm_set_user_memory)
    instructions  executed, all processors (`-d exec` with one instruction a block)

What a stop kernel does itself is left out.
"""

import collections
import dataclasses
import re

import qemu             # finds scripts/, too
import qemu_trace
import stop_kernel

NAMES = 40                      # of exits in a report, the most frequent

CAUSES = ("fw_cfg", "pci", "chipset", "other")

# What the regions are called in QEMU's device models, by cause.  Any other is "other".
REGION_CAUSE = {
    "fwcfg": "fw_cfg", "fwcfg.dma": "fw_cfg",
    "pci-conf-idx": "pci", "pci-conf-data": "pci", "pcie-mmcfg-mmio": "pci", "pcie-ecam": "pci",
}
# The interrupt, timer, reset, power management and CMOS registers of the board.
CHIPSET_REGIONS = re.compile(
    r"^(pic|elcr|ioapic|apic-msi|kvm-apic-msi|kvm-ioapic|kvm-pic|kvm-elcr|pit|kvm-pit|pcspk|rtc|"
    r"hpet|port92|port92-.*|apm-io|acpi-.*|smbus-.*|piix.*|ich9.*|lpc-.*|pm-smbus|"
    r"reset-control|dma-.*|i8042-.*|vmport|ioport80|ioportF0|kvmvapic.*|acpi-cpu-hotplug.*)$")
# Of these, what KVM serves itself.  Under TCG a kernel polls them until a time has passed, so how
# often depends on the host.
KVM_SERVES = re.compile(r"^(?:read|write) (?:pic|elcr|ioapic|apic-msi|pit|pcspk)\b")

STAMP = re.compile(qemu_trace.STAMP)
LINE = re.compile(
    r"^(?:"
    r"(?:memory_region_ops_(?P<access>read|write) cpu (?P<cpu>-?\d+) mr \S+ addr (?P<addr>\S+) "
    r"value (?P<value>\S+) size (?P<size>\d+) name '(?P<name>[^']*)')|"
    r"(?:kvm_run_exit cpu_index (?P<exit_cpu>\d+), reason (?P<reason>\d+))|"
    r"(?:flatview_new \S+ \(root (?P<root>\S+)\))|"
    r"(?P<memslot>kvm_set_user_memory)|"
    r"(?:fw_cfg_add_file \S+ #(?P<slot>\d+): (?P<file>\S+))|"
    r"(?:fw_cfg_select \S+ key (?P<key>\S+) '(?P<item>[^']*)'))")

FIRST_FILE = 0x20               # fw_cfg's key of the first file


# An instruction in an execution log: "Trace CPU: HOST_ADDRESS [CS_BASE/PC/...".
EXEC_PREFIX = "Trace "
# What follows one that was interrupted before it did anything, and comes again.
STOPPED_PREFIX = "Stopped execution of TB chain"


def pc_of(line):
    """The address in a line of the execution log."""
    return int(line.split("/", 2)[1], 16)


def cause_of(region):
    """The cause that an access to a region of this name counts for."""
    if region in REGION_CAUSE:
        return REGION_CAUSE[region]
    return "chipset" if CHIPSET_REGIONS.match(region) else "other"


@dataclasses.dataclass
class Counts:
    """What happened between two points of a run."""

    exits: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    names: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    roots: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    views: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    memslots: int = 0
    instructions: int = 0

    @property
    def total(self):
        """All exits."""
        return sum(self.exits.values())

    @property
    def rebuilds(self):
        """Of the memory topology."""
        return max(self.roots.values(), default=0)

    @property
    def rebuilds_by_name(self):
        """How many each kind of access caused."""
        causes = {}
        for (name, _), count in self.views.items():
            causes[name] = max(causes.get(name, 0), count)
        return causes

    @property
    def served(self):
        """Of all exits, those that are none under KVM."""
        return sum(count for name, count in self.names.items() if KVM_SERVES.match(name))

    def subtract(self, other):
        """Takes away what happened in a part of it, seen in another run."""
        self.exits.subtract(other.exits)
        self.names.subtract(other.names)
        self.memslots -= other.memslots
        # The roots have other addresses in each run.
        self.roots = collections.Counter({"": self.rebuilds - other.rebuilds})

    def table(self):
        """As plain data: causes in order, then the rest."""
        return {"exits": {cause: self.exits[cause] for cause in CAUSES}, "total": self.total,
                "served": self.served, "rebuilds": self.rebuilds, "memslots": self.memslots,
                "names": dict(self.names.most_common(NAMES))}


class Reader:
    """Reads a trace line by line and counts into .counts, which its user may replace at any point.

    Also keeps what a user may want to know at that point: .time of the last line that had one,
    .serial, the text that the guest wrote to COM1 so far, and from an execution log .executed, the
    addresses of all instructions, .dma_instructions, of those that started fw_cfg transfers, and
    .rebuild_instructions, of those that changed the memory topology.
    """

    def __init__(self, kvm):
        self.kvm = kvm
        self.counts = Counts()
        self.began = False              # the guest has done something
        self.time = None
        self.first_access = None        # host time
        self.stopped = None             # host time (or 1) at which a stop kernel was reached
        self.files = []                 # fw_cfg's, in the order of their keys
        self._last_name = None          # of the last exit
        self._last_access = ""          # a part of an exit that QEMU splits, too
        self.serial = bytearray()
        self.markers = []               # (host time, port, value)
        self.dma_instructions = set()
        self.rebuild_instructions = set()
        self.executed = set()           # addresses of instructions
        self._pending = False           # an exit whose cause is not known yet
        self._same = False              # a further line of the access before it
        self._config_address = 0
        self._instruction = None        # the log's line of the last one

    def feed(self, line):
        """One line; returns the kind of event, or None."""
        stamp = STAMP.match(line)
        if stamp:       # from QEMU 11 on, lines of an execution log have one, too
            self.time = qemu_trace.seconds(stamp)
            line = line[stamp.end():]
        if line.startswith(EXEC_PREFIX):
            if not self.stopped:
                self.counts.instructions += 1
                self.executed.add(pc_of(line))
            self._instruction = line
            self._same = False
            return "exec"
        if line.startswith(STOPPED_PREFIX):
            self.counts.instructions -= not self.stopped
            return None
        match = LINE.match(line)
        if not match:
            return None
        if match["access"]:
            return self._access(match)
        if match["exit_cpu"]:
            self._exit_without_access()
            self.began = True
            if self.stopped:
                return "exit"
            self._pending = match["reason"] in ("2", "6")
            return "exit"
        if match["root"] or match["memslot"]:
            if self.began and match["root"]:
                self.counts.roots[match["root"]] += 1
                self.counts.views[self._last_access, match["root"]] += 1
                if self._instruction and not self.stopped:
                    self.rebuild_instructions.add(pc_of(self._instruction))
            elif self.began:
                self.counts.memslots += 1
            return "topology"
        if match["file"]:
            self.files.insert(int(match["slot"]), match["file"])
            return "file"
        self._name_item(int(match["key"], 16), match["item"])
        return "select"

    def _name_item(self, key, item):
        """The last access selected an item: better to know than the port."""
        if not self._last_name or not self._last_name.startswith("write fwcfg"):
            return
        self.counts.names[self._last_name] -= 1
        self.counts.names += collections.Counter()      # drops what is zero
        index = key - FIRST_FILE
        name = self.files[index] if 0 <= index < len(self.files) else f"{item} ({key:#06x})"
        self.counts.names[f"fw_cfg item {name}"] += 1
        self._last_name = None

    def _exit_without_access(self):
        if self._pending:
            self.counts.exits["other"] += 1
            self.counts.names["no device"] += 1
            self._pending = False

    def _access(self, match):
        if int(match["cpu"]) < 0:
            return None                 # QEMU's own
        self.began = True
        self.first_access = self.first_access or self.time
        name, address = match["name"], int(match["addr"], 16)
        value = int(match["value"], 16)
        stop = address == stop_kernel.KEY_PORT and value & 0xffff == stop_kernel.KEY
        if self.stopped or stop and match["access"] == "write":
            self.stopped, self._pending = self.stopped or self.time or 1, False
            return "stop"
        if name == "pci-conf-idx" and match["access"] == "write":
            self._config_address = value
        if match["access"] == "write" and address in (0xf4, 0xf5):
            self.markers.append((self.time, address, value))
        if name == "serial" and match["access"] == "write" and address == 0x3f8:
            self.serial.append(value & 0xff)
        if name == "fwcfg.dma" and address == 0x518 and self._instruction:
            self.dma_instructions.add(pc_of(self._instruction))
        self._last_access = self._describe(match["access"], name, address)
        counts = self._pending if self.kvm else not (self._same and self._instruction)
        if counts:
            self.counts.exits[cause_of(name)] += 1
            self._last_name = self._last_access
            self.counts.names[self._last_name] += 1
        self._pending, self._same = False, True
        return "access"

    def _describe(self, access, name, address):
        """An access in a reader's words: PCI by function and register, others by port."""
        if name == "pci-conf-data":
            target = (self._config_address & 0xfffffc) | (self._config_address | address) & 3
            bdf, register = target >> 8, target & 0xff
        elif name in ("pcie-mmcfg-mmio", "pcie-ecam"):
            bdf, register = address >> 12 & 0xffff, address & 0xfff
        else:
            where = "" if name == "pci-conf-idx" else f" {address:#x}"
            return f"{access} {name}{where}"
        return (f"{access} config {bdf >> 8:02x}:{bdf >> 3 & 31:02x}.{bdf & 7} "
                f"register {register:#04x}")

    def finish(self):
        """Call at the end; raises qemu.Error when the guest has done nothing at all, since then the
        trace has a form that this file does not read."""
        self._exit_without_access()
        if not self.began:
            raise qemu.Error("QEMU's trace has no access of the guest to a device; compare its "
                             "lines with those that events.py reads")
        return self

    def read(self, path):
        """The whole file."""
        with open(path, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                self.feed(line)
        return self.finish()

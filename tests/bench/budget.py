#!/usr/bin/env python3
"""The exit budget: what the firmware may make QEMU do before the kernel's first instruction.

    budget.py [--firmware FILE] [ROW...]            measure, compare with budget.json
    budget.py --update                              write budget.json from what is measured
    budget.py --list [ROW...]                       each exit by name
    ROW: a part of a row's name, such as "q35" or "pc per" (all rows)

Everything is counted, so nothing depends on how fast or how busy the host is.  Each row has
ceilings for two ways to count, and those that this host can go are checked (events.py says what is
counted):

    kvm     exits to QEMU, rebuilds of the memory topology, memory slots; smm=off, because a KVM in
            software has no SMM and the others shall count the same
    tcg     accesses to devices, rebuilds, bytes that fw_cfg's DMA moves, sections of main RAM
            (above 1 MiB) that are made or end, for processors in SMM and out of it: a KVM with SMM
            (smm=on) has a memory slot for each, and drops all its mappings of one that ends

Rows "per ..." hold what one more device or processor adds, the mean of eight.  The bytes depend on
the tables that QEMU builds: with another QEMU than the one in budget.json, OTHER_QEMU_PERCENT more;
always SPARE_BYTES.
Instructions (executed, and different ones, each of which TCG translates once) are printed beside
the counts but have no ceiling: on hardware a thousand of them cost less than one exit.

budget_test.py asserts the same rows.  --update is for a change that is worth what it costs: commit
budget.json with it, and say why.
"""

import argparse
import dataclasses
import json
from pathlib import Path
import sys
import tempfile

import events
import gdb_stub
import qemu

BUDGET = Path(__file__).resolve().parent / "budget.json"
GROWTH = 8                      # devices or processors that a growth row adds
OTHER_QEMU_PERCENT = 25
SPARE_BYTES = 1024              # of copies: a tenth of a microsecond
UNITS = {"total": "total", "rebuilds": "rebuilds", "memslots": "memslots", "bytes": "bytes",
         "ram": "changed sections of RAM"}      # of what is not an exit for some cause
REPORTED = ("instructions", "translated")       # measured and printed, without a ceiling


@dataclasses.dataclass(frozen=True)
class Row:
    """A guest to count; with .per, what each of so many additions in .extra adds to it."""

    name: str
    machine: str
    protocol: str
    extra: tuple = ()
    per: int = 0


def _rows():
    for machine in ("pc", "q35", "microvm"):
        for protocol in ("pvh", "bzimage"):
            yield Row(f"{machine} {protocol}", machine, protocol)
        bus = "device" if machine == "microvm" else "pci"
        yield Row(f"{machine} per virtio-{bus}", machine, "pvh",
                  ("-device", f"virtio-rng-{bus}") * GROWTH, GROWTH)
        yield Row(f"{machine} per processor", machine, "pvh", ("-smp", str(1 + GROWTH)), GROWTH)
    # Of .linux alone, and with .initrd and .cmdline: two exits a section at most.
    yield Row("q35 uki", "q35", "uki")
    yield Row("q35 uki of 3 sections", "q35", "uki-3")


ROWS = tuple(_rows())


class Counter:
    """Measures guests with one firmware; a scratch directory that lives as long as it does."""

    def __init__(self, firmware):
        self.firmware = firmware
        self._directory = tempfile.TemporaryDirectory(prefix="qboot-budget-")
        self.scratch = Path(self._directory.name)
        self.kernels = qemu.write_kernels(self.scratch)
        self._found = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._directory.cleanup()

    def ways(self):
        """The ways that this host can count."""
        return ("kvm", "tcg") if qemu.kvm_works() else ("tcg",)

    def _run(self, way, row, extra):
        """The trace of one guest, read."""
        kvm = way == "kvm"
        machine = row.machine + (",smm=off" if kvm and row.machine != "microvm" else "")
        argv = qemu.command(qemu.accelerator(way, one_instruction=not kvm), machine, self.firmware,
                            self.kernels[row.protocol], extra)
        full = argv + qemu.traced(self.scratch) + ([] if kvm else ["-d", "exec,nochain"])
        status, said, _ = qemu.run(full)
        qemu.expect_stop(status, said, full)
        return argv, events.Reader(kvm).read(self.scratch / "trace")

    def counts(self, way, row):
        """events.Counts of a row, with each exit's name; of growth rows, of the larger guest."""
        return self._run(way, row, row.extra)[1].counts

    def _measure(self, way, row, extra):
        key = way, row.machine, row.protocol, extra     # growth rows share what they grow from
        if key not in self._found:
            self._found[key] = self._count(way, row, extra)
        return self._found[key]

    def _count(self, way, row, extra):
        argv, reader = self._run(way, row, extra)
        counts = reader.counts
        found = {cause: counts.exits[cause] for cause in events.CAUSES}
        found |= {"total": counts.total, "rebuilds": counts.rebuilds}
        if way == "kvm":
            found["memslots"] = counts.memslots
        else:
            found["instructions"] = counts.instructions
            found["translated"] = len(reader.executed)
            found["bytes"], found["ram"] = gdb_stub.observe(
                argv, reader.dma_instructions, reader.rebuild_instructions, self.scratch)
        for what in {"total", *REPORTED, "bytes"} & found.keys():
            if not found[what]:
                raise qemu.Error(f"{row.name}, {way}: no {what} counted, so QEMU's trace has a "
                                 "form that events.py does not read")
        return found

    def measure(self, way, row):
        """What a row costs, by cause."""
        base = self._measure(way, row, ())
        if not row.per:
            return base
        found = self._measure(way, row, row.extra)
        return {what: (found[what] - base[what]) / row.per for what in found}


def whole(value):
    """An integer where it is one."""
    return int(value) if value == int(value) else round(value, 3)


def load():
    """The budget."""
    return json.loads(BUDGET.read_text(encoding="ascii"))


def excess(budget, way, row, found):
    """What is over the budget, a sentence each."""
    ceilings = budget["rows"][row.name][way]
    same = budget["qemu"] == "{}.{}".format(*qemu.version())
    for what, ceiling in ceilings.items():
        count = found[what]
        if what == "bytes":
            ceiling += SPARE_BYTES / max(row.per, 1)
            ceiling += 0 if same else ceiling * OTHER_QEMU_PERCENT / 100
        if count > ceiling:
            unit = UNITS.get(what, f"exits for {what}")
            yield (f"{row.name}, {way}: {unit}: {whole(count)} found, {whole(ceiling)} expected at "
                   "most; `budget.py --list` names them")


def chosen(rows, words):
    """Those of the rows whose names contain one of the words; all without any."""
    return [row for row in rows if not words or any(word in row.name for word in words)]


def compact(budget):
    """JSON with a line for each way of a row."""
    rows = []
    for name, ways in budget["rows"].items():
        lines = ",\n".join(f"      {json.dumps(way)}: {json.dumps(counts)}"
                           for way, counts in ways.items())
        rows.append(f"    {json.dumps(name)}: {{\n{lines}\n    }}")
    return (f'{{\n  "qemu": {json.dumps(budget["qemu"])},\n  "rows": {{\n' + ",\n".join(rows) +
            "\n  }\n}\n")


def update(counter, rows):
    """Writes the budget; rows and ways not measured stay as they were."""
    budget = load() if BUDGET.exists() else {"rows": {}}
    budget["qemu"] = "{}.{}".format(*qemu.version())
    for row in rows:
        ways = budget["rows"].setdefault(row.name, {})
        for way in counter.ways():
            found = counter.measure(way, row)
            ways[way] = {what: whole(count) for what, count in found.items()
                         if what not in REPORTED}
        print(f"{row.name}: {ways}", flush=True)
    budget["rows"] = {row.name: budget["rows"][row.name] for row in ROWS
                      if row.name in budget["rows"]}
    BUDGET.write_text(compact(budget), encoding="ascii")


def compare(counter, rows):
    """Prints a table; returns whether all is within the budget."""
    budget, over = load(), []
    for row in rows:
        for way in counter.ways():
            found = counter.measure(way, row)
            ceilings = budget["rows"][row.name][way]
            over += excess(budget, way, row, found)
            text = "  ".join(f"{what} {whole(count)}/{ceilings[what]}" if what in ceilings else
                             f"{what} {whole(count)}" for what, count in found.items())
            print(f"{row.name:<22} {way}  {text}", flush=True)
    for line in over:
        print(f"over the budget: {line}", file=sys.stderr)
    return not over


def main():
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--firmware", default=qemu.FIRMWARE)
    parser.add_argument("--update", action="store_true", help="write budget.json from it")
    parser.add_argument("--list", action="store_true", help="each exit by name")
    parser.add_argument("rows", nargs="*", metavar="ROW", help='part of a name, such as "q35"')
    options = parser.parse_args()
    try:
        with Counter(options.firmware) as counter:
            rows = chosen(ROWS, options.rows)
            if options.list:
                for row in rows:
                    for way in counter.ways():
                        print(f"{row.name}, {way}")
                        counts = counter.counts(way, row)
                        for name, count in counts.names.most_common():
                            print(f"  {count:6} {name}")
                        for name, count in counts.rebuilds_by_name.items():
                            print(f"  {count:6} rebuilds after {name}")
            elif options.update:
                update(counter, rows)
            else:
                return 0 if compare(counter, rows) else 1
    except qemu.Error as error:
        print(f"budget.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What two guests of soak.py found, side by side, and which differences are meant.

Contract: Guest takes what init.sh printed apart.  differences(line, ours, theirs) gives the
differences that no rule of rules.py explains, {what: how}, and the names of the rules that
explained some.  What must hold of ours alone (wrong()) is among the differences, of the kind
"ours".
"""

import base64
import collections
import contextlib
import gzip
import io
import itertools
import pathlib
import re
import tarfile
import tempfile
import zlib

import rules
import table_bytes
from vm import facts

UNSET = 0x20000000              # IORESOURCE_UNSET, _DISABLED, _SIZEALIGN, _STARTALIGN of Linux
PLACEMENT_BITS = UNSET | 0x10000000 | 0x40000 | 0x80000
ROOT = 6                        # sysfs's number of the expansion ROM; behind it a bridge's windows
WARNING = 4
# Messages of a lower level that tell what came of the firmware's work.
TELLING = re.compile(r"can't claim|no compatible|no space|failed to|conflict|Firmware Bug|FW BUG|"
                     r"ACPI (BIOS )?(Error|Warn)|ACPI: Unable|invalid|disabled|MMCONFIG|"
                     r"smpboot: Total|NUMA: |SRAT: |DMAR: |AMD-Vi: |cxl|nfit|PM-Timer|"
                     r"x86/PAT|Using ACPI|IOAPIC\[|PCI-DMA|Hotplug|Memory: ")
# QEMU's last word when it does not begin; a failed assertion or a mere warning is none.
REFUSAL = re.compile(r"(?!.*(warning:|Assertion|terminating on signal)).+")
# What a message is compared without.
ADDRESS = re.compile(r"0x[0-9a-f]+|\b[0-9a-f]{8,16}\b|0000:[0-9a-f:.]+|port [0-9a-f]{4}|"
                     r"(?<=BIOS )\S+ \d\d/\d\d/\d{4}")
KERNEL_LINE = re.compile(rb"\[ *\d+\.\d{6}\] [^\n]*\n")
# A range of addresses in a _CRS.
WINDOW = re.compile(r"\b(?:QWord|DWord|Word)(?:Memory|IO) \(.*?\n *,[^\n]*\)\n", re.DOTALL)
# What leaves nothing to compare.
PEER_FAILS, BOTH_FAIL = "SeaBIOS fails", "it does not boot"
Difference = collections.namedtuple("Difference", "kind key ours theirs")


def place(path):
    """A function's path by bridges, which does not change with bus numbers."""
    root, *functions = path.split("/")
    return "/".join([root, *(function[8:] for function in functions)])


def unpacked(text):
    """The bytes of a line of BASE64 of gzip."""
    return gzip.decompress(base64.b64decode(text))


class Guest:
    """One guest's words."""

    def __init__(self, vm, seconds):
        """Of a Vm that has ended, after SECONDS."""
        self.said = vm.serial.decode("latin1").replace("\r", "")
        self.errors = vm.error_path.read_text("latin1").strip()
        self.debug = vm.debug_output().decode("latin1").strip()
        self.seconds = seconds
        # The kernel speaks on the console at any moment, in the middle of a line.
        self.facts = facts(KERNEL_LINE.sub(b"", vm.serial.replace(b"\r", b"")), "SOAK")
        self.archive = b""
        with contextlib.suppress(ValueError, OSError, EOFError, zlib.error):    # it was cut off
            self.archive = b"".join(map(unpacked, self.facts["tables"]))
            self.facts.update(facts(b"".join(map(unpacked, self.facts["found"])), "SOAK"))
        # The last thing that it found.
        self.finished = "done" in self.facts and "dmesg" in self.facts
        # QEMU itself said no: nothing ran.
        last = (self.errors.splitlines() or [""])[-1]
        self.refused = last if REFUSAL.match(last) and not self.said and not self.debug else ""

    def functions(self):
        """{place: {attribute: value}} and {(place, number): (first, last, flags)}."""
        functions, resources = {}, {}
        for value in self.facts["attr"]:
            path, text = value.rsplit(" ", 1)
            path, name = path.rsplit("/", 1)
            functions.setdefault(place(path), {})[name] = text
        counts = collections.Counter()
        for value in self.facts["resource"]:
            path, *numbers = value.split(" ")
            first, last, flags = (int(number, 16) for number in numbers)
            if flags:
                resources[place(path), counts[path]] = first, last, flags
            counts[path] += 1
        for path in self.facts["driver"]:
            functions[place(path)]["driver"] = "yes"
        return functions, resources

    def heads(self):
        """{place: the first 64 bytes of configuration space}."""
        if not self.facts["head"]:
            return {}
        data = base64.b64decode(self.facts["head"][0])
        paths = list(dict.fromkeys(value.rsplit("/", 1)[0] for value in self.facts["attr"]))
        return {place(path): data[64 * i:64 * i + 64] for i, path in enumerate(paths)}

    def tables(self):
        """{name: bytes}."""
        found = {}
        if self.archive:
            with tarfile.open(fileobj=io.BytesIO(self.archive)) as archive:
                for member in archive.getmembers():
                    if member.isfile() and "/dynamic/" not in member.name:
                        name = member.name.removeprefix("acpi/tables/")
                        found[name] = archive.extractfile(member).read()
        return found

    def messages(self):
        """The kernel's messages that tell something, without times and addresses, and how often."""
        found = []
        for text in self.facts["dmesg"]:
            match = re.match(r"<(\d+)>\[ *[\d.]+\] (.*)", text)
            if match and (int(match[1]) & 7 <= WARNING or TELLING.search(match[2])):
                if "Command line:" not in match[2] and "command line:" not in match[2]:
                    found.append(ADDRESS.sub("...", match[2]))
        return collections.Counter(found)


def disassembled(table):
    """A table in ASL: (what does not depend on where BARs are, the rest)."""
    with tempfile.TemporaryDirectory() as directory:
        try:
            text = "\n".join(table_bytes.disassembled(pathlib.Path(directory), "soak", "table",
                                                      table))
        except AssertionError:          # QEMU 7.2 names things of a CXL bridge twice
            return ["iasl cannot"], []
    text = re.sub(r"Name \((VGIA|MEMA), \w+\)", r"Name (\1, X)", text)
    windows = WINDOW.findall(text)
    return [line.strip() for line in WINDOW.sub("", text).splitlines() if line.strip()], windows


def two_sets(kind, ours, theirs):
    """The differences of two dictionaries."""
    for key in sorted(set(ours) | set(theirs), key=str):
        if ours.get(key) != theirs.get(key):
            yield Difference(kind, key, ours.get(key), theirs.get(key))


def usable(guest):
    """(KiB of RAM below 4 GiB, above) that the kernel may use."""
    low = high = 0
    for text in guest.facts["iomem"]:
        match = re.match(r"(\w+)-(\w+) : System RAM$", text)
        if match:
            first, last = (int(number, 16) for number in match.groups())
            if first >> 32:
                high += (last + 1 - first) >> 10
            else:
                low += (last + 1 - first) >> 10
    return low, high


def interrupts(guest):
    """{name: how they come}; MSI numbers are the kernel's own."""
    found = {}
    for text in guest.facts["irq"]:
        match = re.match(r"(\w+): [\d ]*?((?:IO-APIC|XT-PIC|PCI-MSI|IR-\S+|DMAR-MSI|HPET-MSI|"
                         r"AMD-Vi\S*)\S*) (\S+)-?(edge|fasteoi)? (.*)", text)
        if match:
            msi = "MSI" in match[2]
            found[match[5]] = match[2] if msi else f"{match[1]} {match[2]} {match[3]}"
    return found


def pci(ours, theirs):
    """What differs in PCI."""
    functions, resources = ours.functions()
    other_functions, other_resources = theirs.functions()
    for found in two_sets("function", functions, other_functions):
        if found.ours and found.theirs:
            yield from two_sets(f"function {found.key}", found.ours, found.theirs)
        else:
            yield found

    def placed(one):
        return {key: (last + 1 - first, flags & ~PLACEMENT_BITS, bool(first) and not flags & UNSET)
                for key, (first, last, flags) in one.items()}

    mine, others = placed(resources), placed(other_resources)
    yield from two_sets("bar", {k: v for k, v in mine.items() if k[1] <= ROOT},
                        {k: v for k, v in others.items() if k[1] <= ROOT})
    yield from two_sets("window", {k: v[1:] for k, v in mine.items() if k[1] > ROOT},
                        {k: v[1:] for k, v in others.items() if k[1] > ROOT})
    heads, other_heads = ours.heads(), theirs.heads()
    yield from two_sets("line and pin", {key: head[0x3c:0x3e].hex() for key, head in heads.items()},
                        {key: head[0x3c:0x3e].hex() for key, head in other_heads.items()})


def acpi(ours, theirs):
    """What differs in ACPI's tables."""
    ours, theirs = ({name: table for name, table in tables.items() if not name.startswith("dmi/")}
                    for tables in (ours, theirs))
    yield from two_sets("table", dict.fromkeys(ours, "there"), dict.fromkeys(theirs, "there"))
    for name in sorted(set(ours) & set(theirs)):
        if name[:4] in ("DSDT", "SSDT"):
            if ours[name] != theirs[name]:
                (one, windows), (two, others) = (disassembled(each[name])
                                                 for each in (ours, theirs))
                if windows != others:
                    yield Difference(f"_CRS {name}", "", len(windows), len(others))
                for left, right in itertools.zip_longest(one, two):
                    if left != right:
                        yield Difference("asl", name, left, right)
                        break
        else:
            yield from two_sets("table bytes",
                                {name: table_bytes.masked(name, ours[name]).hex()},
                                {name: table_bytes.masked(name, theirs[name]).hex()})


def smbios(ours, theirs):
    """What differs in SMBIOS, but for type 0, which is about the firmware."""
    found = []
    for tables in (ours, theirs):
        table = tables.get("dmi/tables/DMI")
        entries = table_bytes.as_smbios30(table_bytes.structures(table)) if table else []
        found.append({(kind, handle): (fixed.hex(), strings)
                      for kind, handle, fixed, strings in entries if kind})
    yield from two_sets("dmi", *found)


def compared(ours, theirs):
    """All differences."""
    yield from pci(ours, theirs)
    for kind in ("cpu", "node", "nodemem", "disk", "other"):
        if ours.facts[kind] != theirs.facts[kind]:
            yield Difference(kind, "", ours.facts[kind], theirs.facts[kind])
    yield from two_sets("interrupt", interrupts(ours), interrupts(theirs))
    if usable(ours) != usable(theirs):
        yield Difference("ram", "", usable(ours), usable(theirs))
    yield from acpi(ours.tables(), theirs.tables())
    yield from smbios(ours.tables(), theirs.tables())
    said, other_said = ours.messages(), theirs.messages()
    for text in sorted(set(said) | set(other_said)):
        if said[text] != other_said[text]:
            yield Difference("message", text, said[text], other_said[text])


def wrong(line, guest):
    """(What does not hold of ours, how), whatever the other firmware does."""
    if not guest.finished:
        yield "it did not finish", f"{guest.errors} {guest.debug} {guest.said[-300:]!r}"
        return
    if guest.debug:
        yield "it spoke", repr(guest.debug)
    for name, table in guest.tables().items():
        if not name.startswith("dmi/") and name != "FACS" and sum(table) & 0xff:
            yield f"the checksum of {name}", "is wrong"
    functions, resources = guest.functions()
    for (where, number), (first, last, _) in resources.items():
        # A fixed one, of a legacy device, is the kernel's idea of it.
        if first and last > first and number < ROOT and first % (last + 1 - first) and \
                last + 1 - first & last - first == 0 and first > 0x1000:
            yield f"{where} BAR {number}", f"at {first:#x} is not aligned"
    seen = sorted((first, last, where, number) for (where, number), (first, last, flags)
                  in resources.items() if number <= ROOT and first and flags & 0x200)
    for one, two in zip(seen, seen[1:]):
        if two[0] <= one[1]:
            yield f"{one[2:]} and {two[2:]}", f"{one[:2]} and {two[:2]} overlap"
    count = sum(text.startswith("processor") for text in guest.facts["cpu"])
    if count != line.cpus and "acpi=off" not in line.append:
        yield "processors", f"{count}, not {line.cpus}"


def peer_failure(ours, theirs):
    """Why there is nothing to compare with, or ""."""
    if not theirs.finished:
        return f"{theirs.errors[-300:]} {theirs.said[-300:]!r}"
    # Too many tables for the place that it keeps for them (qemu_platform_setup()).
    table = theirs.tables().get("DSDT", b"")
    if not table and ours.tables().get("DSDT"):
        return "its tables are lost"    # QEMU loads the initrd of a vmlinux over too many of them
    if b"BXPCDSDT" in table:
        return "it has not QEMU's tables but its own"
    collides = [any("busn_res: can not insert" in text for text in guest.facts["dmesg"])
                for guest in (ours, theirs)]
    return "a bridge has bus numbers of another root" if collides == [False, True] else ""


def differences(line, ours, theirs):
    """See above."""
    peer_fails = peer_failure(ours, theirs)
    if not ours.finished and not theirs.finished:
        return {BOTH_FAIL: f"{ours.said[-200:]!r} | {theirs.said[-200:]!r}"}, set()
    every = [Difference("ours", what, how, "-") for what, how in wrong(line, ours)]
    if ours.finished and not peer_fails:
        every += compared(ours, theirs)
    found = {PEER_FAILS: peer_fails} if ours.finished and peer_fails else {}
    explained = set()
    context = rules.Context(line, ours, theirs, ours.functions()[0])
    for difference in every:
        name = rules.explain(context, difference)
        if name:
            explained.add(name)
        else:
            found[f"{difference.kind} {difference.key}"] = \
                f"{str(difference.ours)[:400]} | {str(difference.theirs)[:400]}"
    return found, explained

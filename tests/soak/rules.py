"""The differences between two firmwares that are meant, each with its reason.

Contract: explain(context, difference) gives the name of the first rule that explains it, or None.
A rule explains one kind of difference (a pattern), and only when its test agrees.
"""

import collections
import re

Context = collections.namedtuple("Context", "line ours theirs functions")
Rule = collections.namedtuple("Rule", "name kind why test")

# What time and chance decide where processors are emulated on a busy host.
NOISE = re.compile(
    r"APIC calibration|APIC delta|Memory: |smpboot: Total of|clocksource|Unstable clock|"
    r"\s*.trace_clock|If you want to keep using|on the kernel command line|TSC found unstable|"
    r"\d ACPI AML tables|"
    r"APIC timer disabled|\s*lapic is not functional|"
    r"hpet: Lost|calibrate_delay|hrtimer: interrupt|\s*#\d|sched_clock|rcu: |perf: |random: ")
DUMP = re.compile(r": ([0-9a-f]{2} ){15}[0-9a-f]{2}\b")
IO_WINDOW = 13                  # sysfs's number of it
COMPLAINT = re.compile(r"can't|no compatible|no space|failed|conflict|Firmware Bug|FW BUG|Error|"
                       r"Warn|invalid|Unable|clipped")


def _on_root(place):
    """Whether a function is on bus 0."""
    return re.match(r"pci0000:00/[^/]*$", place)


def _is_i440fx(line):
    """Whether the machine is a pc of any version."""
    return re.match("pc(,|$|-i440fx)", line.machine)


def _is_bridge(context, place):
    """Whether it is a PCI-to-PCI bridge."""
    return context.functions.get(place, {}).get("class", "").startswith("0x0604")


RULES = (
    Rule("noise", "message", "time decides it, on a busy host",
         lambda c, d: NOISE.match(d.key)),
    Rule("dump", "message", "a driver dumps its memory, which is another one at each boot; it does "
         "so under both",
         lambda c, d: DUMP.search(d.key) and all(any(map(DUMP.search, guest.facts["dmesg"]))
                                                 for guest in (c.ours, c.theirs))),
    Rule("mcfg", "message", "MCFG ends with the last bus there is, so that Linux maps no more",
         lambda c, d: "MMCONFIG for domain" in d.key),
    Rule("mtrr", "message", "SeaBIOS sets no MTRRs on microvm, so that Linux does without PAT",
         lambda c, d: c.line.machine.startswith("microvm") and
         re.search("x86/PAT|mtrr: your CPUs", d.key)),
    Rule("microvm-dmi", "message", "QEMU has no SMBIOS for microvm; newer SeaBIOSes invent some",
         lambda c, d: c.line.machine.startswith("microvm") and "DMI" in d.key),
    Rule("microvm-dmi", "dmi", "as above",
         lambda c, d: c.line.machine.startswith("microvm") and d.ours is None),
    Rule("firmware-ram", "ram", "each keeps some RAM for its tables: below 1 MiB ours has one page "
         "more, below 4 GiB the tables that the pool is too small for (CXL), and SeaBIOS has up to "
         "512 KiB there; ours has a TSEG of 1 MiB before 5.0, and up to 8.0 where a newer QEMU's "
         "FADT has an SMI port though SMM is off",
         lambda c, d: d.theirs[1] == d.ours[1] and d.ours[0] - d.theirs[0] <= 512 and
         d.ours[0] - d.theirs[0] >=
         (-1028 if re.search("q35-([24]|.*smm=off)", c.line.machine) else -32)),
    Rule("firmware-ram", "nodemem", "as above; and where RAM ends in another 128 MiB, Linux has "
         "2 MiB more of page structures", lambda c, d: _about_equal(d.ours, d.theirs)),
    Rule("peer-no-place", "bar", "SeaBIOS and Linux find no place for it",
         lambda c, d: d.ours and d.ours[2] and not (d.theirs and d.theirs[2])),
    Rule("vga-shadow", "bar", "SeaBIOS has run VGA's option ROM, which Linux then finds in RAM",
         lambda c, d: d.key[1] == 6 and d.theirs and d.theirs[1] & 2),
    Rule("closed-window", "window", "a port of bus 0 has the windows that the BARs behind it need, "
         "which are compared by themselves; Linux opens others for hot-plug",
         lambda c, d: d.ours is None and _on_root(d.key[0])),
    Rule("more-room", "window", "room for hot-plug that SeaBIOS does not give",
         lambda c, d: d.theirs is None and _is_bridge(c, d.key[0])),
    Rule("bus-reserve", "ours", "bridges reserve more bus numbers than there are below those of a "
         "pxb, and the firmware says so",
         lambda c, d: d.key == "it spoke" and _each(d.ours, "bus numbers for hot-plug")),
    Rule("io-room", "ours", "i440FX has 16 KiB of ports in one piece: bridges behind bridges do "
         "not all get room for hot-plug there, and the firmware says so",
         lambda c, d: d.key == "it spoke" and _is_i440fx(c.line) and
         _each(d.ours, "no place for 0x1000 bytes of I/O")),
    Rule("io-room", "window", "as above", lambda c, d: d.ours is None and d.key[1] == IO_WINDOW and
         _is_i440fx(c.line) and d.theirs[0] & 0x100),
    Rule("crs", "_CRS", "QEMU writes the host bridge's windows around where BARs are",
         lambda c, d: True),
    Rule("peer-complains", "message", "Linux complains of SeaBIOS's work more often",
         lambda c, d: COMPLAINT.search(d.key) and d.ours < d.theirs),
    Rule("mptable", "cpu|message|function", "SeaBIOS's MP table names one processor of each "
         "package; the numbers of MSIs follow from how many there are",
         lambda c, d: "acpi=off" in c.line.append and
         len(c.ours.facts["cpu"]) > len(c.theirs.facts["cpu"]) and
         (d.key == "irq" and min(int(d.ours), int(d.theirs)) > 23 or
          re.search("cpu|mtrr: your CPUs|high resolution", d.kind + d.key))),
    Rule("mptable-id", "message", "an IOAPIC has an id that no processor has, as the MP "
         "specification wants it; SeaBIOS gives 0",
         lambda c, d: re.search("acpi=off|noapic", c.line.append) and
         d.key.startswith("IOAPIC[")),
    Rule("bus-numbers", "table bytes", "QEMU's IOMMU tables have bus numbers, which are others "
         "behind a bridge that reserves some: ours adds them to those that are there",
         lambda c, d: d.key in ("VIOT", "IVRS") and len(d.ours) == len(d.theirs) and
         "bus-reserve" in " ".join(c.line.arguments)),
    Rule("mptable-pins", "message|function", "SeaBIOS's MP table has the pins alone that a device "
         "on bus 0 uses: for one behind a bridge that is wired to another Linux guesses",
         lambda c, d: "acpi=off" in c.line.append and
         (re.search("using bridge .* to get IRQ", d.key) or
          d.key == "irq" and d.kind.count("/") > 1)),
    Rule("io-pages", "message", "not all of many bridges get one of the fifteen pages of ports; "
         "those of conventional bridges that have room for hot-plug take two",
         lambda c, d: re.search(r"bridge window \[io .*(no space|failed to assign)", d.key) and
         sum(_is_bridge(c, place) for place in c.functions) >= 12),
)


def _each(said, text):
    """Whether each line on the debug console has a text."""
    return all(text in line for line in said.split("\\r\\n"))


def _about_equal(ours, theirs):
    """The same nodes, with almost the same memory."""
    one, two = ([int(word) for word in re.findall(r"(\d+) kB", " ".join(each))]
                for each in (ours, theirs))
    return len(one) == len(two) and all(abs(a - b) <= 3072 for a, b in zip(one, two))


def explain(context, difference):
    """See above."""
    for rule in RULES:
        if re.match(rule.kind, difference.kind) and rule.test(context, difference):
            return rule.name
    return None

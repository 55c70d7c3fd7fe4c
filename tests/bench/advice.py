"""What the user of a command line can change to gain most, each change tried on that command line.

Contract: changes(scenario) gives (name, why, scenario with the change) for what applies to it;
measure(...) boots each of them and the command line as it is, in turns, and returns counts and
medians as plain data.  Nothing is assumed: what a change gives is what was measured, here.
"""

import dataclasses
import re
import statistics

import boots
import qemu

PORT = re.compile(r"(?:pcie-root-port|ioh3420)\b.*?\bid=([^,]+)")


def pairs(arguments):
    """[(option, value)], the value None where the next word is an option."""
    found, i = [], 0
    while i < len(arguments):
        has_value = i + 1 < len(arguments) and not arguments[i + 1].startswith("-")
        found.append((arguments[i], arguments[i + 1] if has_value else None))
        i += 1 + has_value
    return found


def words(found):
    """The arguments of pairs."""
    return [word for pair in found for word in pair if word is not None]


def with_machine(scenario, option):
    """The machine with one option more, unless it says something about it."""
    name = option.split("=")[0]
    if re.search(rf"\b{re.escape(name)}=", scenario.machine):
        return None
    arguments = []
    for key, value in pairs(scenario.arguments):
        chosen = key in ("-M", "-machine", "--machine")
        arguments.append((key, f"{value},{option}" if chosen else value))
    if words(arguments) == scenario.arguments:
        arguments.append(("-machine", f"pc,{option}"))
    return dataclasses.replace(scenario, arguments=words(arguments))


def has_property(machine, name):
    """Whether this QEMU's machine knows a property."""
    said = qemu.ask(qemu.program(), "-machine", f"{machine},help")
    return re.search(rf"^  {name}=", said, re.MULTILINE)


def kind(scenario):
    """pc, q35 or microvm."""
    name = scenario.machine.split(",")[0]
    return "microvm" if name == "microvm" else "q35" if "q35" in name else "pc"


def more_words(scenario, *more):
    """With further arguments for QEMU."""
    return dataclasses.replace(scenario, arguments=[*scenario.arguments, *more])


def more_append(scenario, word):
    """With a further word for the kernel."""
    if word.split("=")[0] in scenario.append:
        return None
    return dataclasses.replace(scenario, append=f"{scenario.append} {word}".strip())


def without_nodefaults(scenario):
    """-nodefaults, where it is missing."""
    if "-nodefaults" in scenario.arguments:
        return None
    return more_words(scenario, "-nodefaults")


def without_unused_ports(scenario):
    """Root ports behind which nothing is."""
    found = pairs(scenario.arguments)
    used = {match[1] for _, value in found for match in re.finditer(r"\bbus=([^,]+)", value or "")}
    kept = [(key, value) for key, value in found if not (
        key == "-device" and (port := PORT.match(value or "")) and port[1] not in used)]
    if len(kept) == len(found):
        return None
    return dataclasses.replace(scenario, arguments=words(kept))


def with_vmlinux(scenario):
    """The ELF kernel beside a bzImage."""
    vmlinux = scenario.kernel.with_name(scenario.kernel.name.replace("vmlinuz", "vmlinux"))
    if vmlinux == scenario.kernel or not vmlinux.is_file():
        return None
    return dataclasses.replace(scenario, kernel=vmlinux)


def with_processor(scenario):
    """A processor model, where none is chosen."""
    if "-cpu" in scenario.arguments:
        return None
    return more_words(scenario, "-cpu", "host" if scenario.accel.startswith("kvm") else "EPYC")


def changes(scenario):
    """(name, why, the scenario with it), of those that apply."""
    board, has_ports = kind(scenario), any("bridge" in word or PORT.match(word) or "pxb" in word
                                           for word in scenario.arguments)
    hot_plug = "ICH9-LPC" if board == "q35" else "PIIX4_PM"
    candidates = [
        ("vmlinux instead of the bzImage", "Nothing is decompressed in the guest; QEMU loads "
         "the ELF file itself.", lambda: with_vmlinux(scenario)),
        ("-nodefaults", "No VGA adapter, network card, drives and option ROMs that nobody asked "
         "for.", lambda: without_nodefaults(scenario)),
        ("no root ports that nobody uses", "Each is a bridge that firmware and kernel must set up; "
         "leave those for hot-plug.", lambda: without_unused_ports(scenario)),
        ("quiet", "Each character on the serial port is an exit.",
         lambda: more_append(scenario, "quiet")),
    ]
    if board != "microvm":
        candidates += [
            ("a processor model",
             "QEMU's default is an AMD K8 where the vendor is AMD; kernels with "
             "a GART driver search all buses for its AGP bridge.",
             lambda: with_processor(scenario)),
            ("smm=off", "No SMM to set up, and no second view of memory to keep.",
             lambda: with_machine(scenario, "smm=off")),
            ("hpet=off", "Linux does not calibrate by it.", lambda: with_machine(
                scenario, "hpet=off") if has_property(board, "hpet") else None),
            ("no ACPI PCI hot-plug", "QEMU's ACPI tables become shorter, and building them is most "
             "of the firmware's time.  On q35 ports keep PCI Express's own hot-plug.",
             lambda: more_words(scenario, "-global",
                                f"{hot_plug}.acpi-pci-hotplug-with-bridge-support=off",
                                *(["-global", f"{hot_plug}.acpi-root-pci-hotplug=off"]
                                  if board == "pc" else []))),
        ]
        if not has_ports:
            candidates.append(("pci=lastbus=0", "Linux looks for devices on bus 0 alone.",
                               lambda: more_append(scenario, "pci=lastbus=0")))
    for name, why, make in candidates:
        changed = make()
        if changed:
            yield name, why, changed


def counted(lab, scenario, firmware):
    """Counts of a whole boot, without the exits that KVM serves itself."""
    counts = lab.count_boot(scenario, firmware).values()
    return {"exits": sum(count["total"] - count["served"] for count in counts),
            "pci": sum(count["exits"]["pci"] for count in counts),
            "rebuilds": sum(count["rebuilds"] for count in counts)}


def measure(lab, scenario, firmware, runs, step):
    """The entry of a report; STEP is called with a text before each boot."""
    rows = [("", "", scenario), *changes(scenario)]
    found = [{"name": name, "why": why} for name, why, _ in rows]
    times = [([], []) for _ in rows]
    for run in range(runs + 1):
        for row, entry, (starts, alls) in zip(rows, found, times):
            if "unsupported" in entry:
                continue
            step(f"{scenario.name}: {row[0] or 'as it is'}, {firmware.name}")
            try:
                if run == 0:
                    entry |= counted(lab, row[2], firmware)
                else:
                    spent = lab.time_boot(row[2], firmware)
                    starts.append(spent["QEMU"] + spent["firmware"])
                    alls.append(sum(spent[part] for part in boots.STEPS))
            except qemu.Error as error:
                entry["unsupported"] = str(error).split("\n", maxsplit=1)[0]
    if "unsupported" in found[0]:
        raise qemu.Error(found[0]["unsupported"])
    for entry, (starts, alls) in zip(found, times):
        if "unsupported" not in entry:
            entry |= {"start": round(statistics.median(starts) * 1e3, 2),
                      "start_width": round((max(starts) - min(starts)) * 1e3, 2),
                      "all": round(statistics.median(alls) * 1e3, 2),
                      "all_width": round((max(alls) - min(alls)) * 1e3, 2)}
    return {"name": scenario.name, "firmware": firmware.name, "base": found[0],
            "changes": found[1:]}

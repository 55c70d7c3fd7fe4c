#!/usr/bin/env python3
"""How many instructions each step of main() takes, with all that it calls.

    steps.py [--machine MACHINE] [--protocol pvh|bzimage]

The image is build/modules', whose modules are linked as they were compiled: in the real one most steps
are a part of main(), which takes a tenth less.  One processor, `-m 512 -nodefaults`, TCG.
"""

import argparse
from pathlib import Path
import re
import subprocess
import sys
import tempfile

import events
import qemu

DIRECTORY = qemu.ROOT / "build" / "modules"
TABLES = ("acpi_install", "smp_count", "piix_acpi_install", "fpdt_install", "smbios_install",
          "mptable_install")


def build():
    """Builds the image; returns (image, ELF file)."""
    subprocess.run(["make", "-s", "--no-print-directory", "-C", str(qemu.ROOT), f"O={DIRECTORY}",
                    "LTO=", "all"], stdout=subprocess.DEVNULL, check=True)
    return DIRECTORY / "qboot.bin", DIRECTORY / "qboot.elf"


def calls_of_main(elf):
    """{address of a call in main(): (function, address after it)}"""
    code = subprocess.run(["objdump", "-d", "--no-show-raw-insn", "--disassemble=main", str(elf)],
                          capture_output=True, text=True, check=True).stdout
    lines = re.findall(r"^\s*([0-9a-f]+):\s+(.*)$", code, re.MULTILINE)
    calls = {}
    for (address, text), (after, _) in zip(lines, lines[1:]):
        called = re.match(r"call\s+\w+ <(\w+)>", text)
        if called:
            calls[int(address, 16)] = called[1], int(after, 16)
    return calls


def executed(machine, protocol, image):
    """The addresses of all instructions up to the kernel's first, in order."""
    with tempfile.TemporaryDirectory(prefix="qboot-steps-") as scratch:
        kernel = qemu.write_kernels(Path(scratch))[protocol]
        argv = qemu.command(qemu.accelerator("tcg", one_instruction=True), machine, image, kernel,
                            ["-d", "exec,nochain", "-D", f"{scratch}/log"])
        status, said, _, _ = qemu.run(argv)
        qemu.expect_stop(status, said, argv)
        with open(f"{scratch}/log", encoding="ascii", errors="replace") as log:
            return [events.pc_of(line) for line in log if line.startswith(events.EXEC_PREFIX)]


def measure(machine, protocol="pvh"):
    """[(step, instructions)], in order; the last one, which does not return, is left out."""
    image, elf = build()
    calls = calls_of_main(elf)
    steps, waiting, begin = [], None, 0
    for index, address in enumerate(executed(machine, protocol, image)):
        if waiting is None and address in calls:
            step, waiting = calls[address]
            begin = index + 1
        elif address == waiting:
            steps.append((step, index - begin))
            waiting = None
    return steps


def tables(steps):
    """How many of them are for tables."""
    return sum(count for step, count in steps if step in TABLES)


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--machine", default="q35")
    parser.add_argument("--protocol", default="pvh", choices=("pvh", "bzimage"))
    options = parser.parse_args()
    steps = measure(options.machine, options.protocol)
    for step, count in steps:
        print(f"{step:24} {count:6}")
    print(f"{'of these, tables':24} {tables(steps):6}")


if __name__ == "__main__":
    sys.exit(main())
